"""subprocess in its several ways of starting a child, and signals among processes."""

import os
import signal
import subprocess
import sys
import tempfile

print(subprocess.run(["ls", "/"], capture_output=True, text=True, check=True).stdout.split())
print(subprocess.run("echo $0; exit 4", shell=True, stdout=subprocess.PIPE).returncode)
with subprocess.Popen(["sort"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sort:
    print(sort.communicate("b\na\nc\n"))
with subprocess.Popen(["sleep", "1000"], preexec_fn=os.setsid) as sleeper:
    os.killpg(sleeper.pid, signal.SIGTERM)
    print(sleeper.wait())
try:
    subprocess.run(["sleep", "1000"], timeout=0.05)
except subprocess.TimeoutExpired as expired:
    print("expired:", expired.cmd)
try:
    subprocess.run(["/no/such/program"])
except FileNotFoundError as error:
    print(error)
print(os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn("/bin/sh", ["sh", "-c", "exit 9"], {}), 0)[1]))
with tempfile.NamedTemporaryFile() as file:
    subprocess.run([sys.executable, "-c", "import os, time; print(os.getpid(), time.time())"], stdout=file)
    file.seek(0)
    print(file.read())
received = []
signal.signal(signal.SIGUSR1, lambda number, frame: received.append(number))
signal.signal(signal.SIGCHLD, lambda number, frame: received.append(number))
child = os.fork()
if child == 0:
    os.kill(os.getppid(), signal.SIGUSR1)
    os._exit(0)
os.waitpid(child, 0)
print(received)
