"""Runs a program on a terminal of its own and types at it.

Usage: terminal.py STEPS COMMAND [ARGUMENT...]. STEPS is a file; each line is `wait TEXT`: until the program has printed
TEXT since the last match; `send TEXT`: type it; `size ROWS COLUMNS`: change the window; or `nudge TEXT`: type it from now
on whenever the program has been silent for ten seconds. TEXT is a Python string literal. What the program prints is
printed; its exit status is ours.
"""

import ast
import fcntl
import os
import pty
import select
import struct
import sys
import termios

SILENCE_SECONDS = 10
nudge = b""


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    global nudge
    steps = [line.rstrip("\n").split(" ", 1) for line in open(sys.argv[1])]
    ready, start = os.pipe()
    pid, terminal = pty.fork()
    if pid == 0:
        os.read(ready, 1)
        os.execvp(sys.argv[2], sys.argv[2:])
    resize(terminal, 24, 80)
    os.write(start, b"x")
    seen = b""
    for kind, argument in steps:
        if kind == "size":
            resize(terminal, *map(int, argument.split()))
            continue
        text = ast.literal_eval(argument).encode("latin1")
        if kind == "nudge":
            nudge = text
            continue
        if kind == "send":
            os.write(terminal, text)
            continue
        while text not in seen:
            seen += read(terminal) or sys.exit(f"never printed: {text!r} but: {seen!r}")
        seen = seen[seen.index(text) + len(text):]
    while read(terminal):
        pass
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def read(terminal):
    try:
        while nudge and not select.select([terminal], [], [], SILENCE_SECONDS)[0]:
            os.write(terminal, nudge)
        data = os.read(terminal, 65536)
    except OSError:  # EIO: nobody has the terminal open any more
        return b""
    os.write(1, data)
    return data


main()
