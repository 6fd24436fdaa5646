"""Has asked the kernel through netlink sockets, and watches a directory; asks again when a line comes."""

import ctypes
import os
import socket
import struct

DUMP_LINKS = struct.pack("=IHHII16x", 32, 18, 0x301, 1, 0)


def ask(asked):
    asked.send(DUMP_LINKS)
    return asked


def answers(asked):
    """How many messages tell of a link."""
    count = 0
    while True:
        answer = asked.recv(65536)
        while answer:
            length, kind = struct.unpack_from("=IH", answer)
            if kind == 3:
                return count
            count += 1
            answer = answer[(length + 3) & ~3:]


quiet, awaiting, member = (socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) for _ in range(3))
member.bind((0, 1))
links = answers(ask(quiet))
ask(awaiting)
libc = ctypes.CDLL(None)
watching = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(watching, b".", 0x100)
print(quiet.fileno(), awaiting.fileno(), member.fileno(), watching)
print("rests", flush=True)
input()
print(answers(ask(quiet)) == links and links > 0)
open("made", "w").close()
print(b"made" in os.read(watching, 4096))
