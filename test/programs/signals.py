"""Handlers that run between the instructions of an interpreter: a timer's, a profiler's, and other threads' signals."""

import os
import signal
import threading
import time

TICKS = 30
ticks = []
profile = {}
racy = 0
stop = False


def on_tick(signo, frame):
    ticks.append((frame.f_code.co_name, frame.f_lineno, racy))


def on_profile(signo, frame):
    key = frame.f_code.co_name
    profile[key] = profile.get(key, 0) + 1


def compute(limit):
    global racy
    a, b = 0, 1
    for i in range(limit):
        a, b = b, (a + b + i) % 1000003
        racy += a & 1
    return a


def beside():
    global racy
    while not stop:
        racy += 1


signal.signal(signal.SIGALRM, on_tick)
signal.signal(signal.SIGPROF, on_profile)
signal.signal(signal.SIGUSR1, on_tick)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
thread = threading.Thread(target=beside)
thread.start()
sender = threading.Thread(
    target=lambda: [(os.kill(os.getpid(), signal.SIGUSR1), time.sleep(0.002)) for _ in range(5)]
)
sender.start()
result = 0
while len(ticks) < TICKS or not profile or sender.is_alive():
    result = compute(20000)
stop = True
thread.join()
sender.join()
signal.setitimer(signal.ITIMER_REAL, 0)
signal.setitimer(signal.ITIMER_PROF, 0)
print(result, racy, len(ticks) >= TICKS)
print(ticks[-3:], sorted(profile.items()))
