"""Threads, locks, queues and thread pools."""

import concurrent.futures
import os
import queue
import random
import threading
import time

total = 0
lock = threading.Lock()
unlocked = [0]


def add(count):
    global total
    for _ in range(count):
        with lock:
            total += 1
        unlocked[0] += 1
        if random.random() < 0.01:
            time.sleep(0.0001)


threads = [threading.Thread(target=add, args=(500,)) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(total, unlocked)

work = queue.Queue(maxsize=3)
done = []


def worker(name):
    while (item := work.get()) is not None:
        done.append((name, item))


workers = [threading.Thread(target=worker, args=(name,)) for name in "abc"]
for thread in workers:
    thread.start()
for item in range(60):
    work.put(item)
for _ in workers:
    work.put(None)
for thread in workers:
    thread.join()
print(done)

with concurrent.futures.ThreadPoolExecutor(4) as pool:
    futures = [pool.submit(os.urandom, 4) for _ in range(10)]
    print([future.result().hex() for future in concurrent.futures.as_completed(futures)])

event = threading.Event()
threading.Timer(0.01, event.set).start()
print(event.wait(5), threading.get_native_id() == os.getpid(), time.time_ns())
