"""asyncio: streams over TCP and a Unix socket, processes, signals, timers."""

import asyncio
import os
import random
import signal


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def client(connect, name):
    reader, writer = await connect
    replies = []
    for number in range(5):
        writer.write(f"{name} {number}\n".encode())
        replies.append((await reader.readline()).decode().strip())
        await asyncio.sleep(random.random() / 200)
    writer.close()
    await writer.wait_closed()
    return replies


async def main():
    tcp = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    unix = await asyncio.start_unix_server(echo, "socket")
    print(await asyncio.gather(
        *(client(asyncio.open_connection("127.0.0.1", port), f"tcp{i}") for i in range(5)),
        *(client(asyncio.open_unix_connection("socket"), f"unix{i}") for i in range(5)),
    ))
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", "read line; echo got $line; date +%N; exit 2",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    print(await process.communicate(b"input\n"), process.returncode)
    loop = asyncio.get_running_loop()
    caught = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, caught.set)
    loop.call_later(0.01, os.kill, os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(caught.wait(), 10)
    try:
        await asyncio.wait_for(asyncio.sleep(1000), 0.01)
    except asyncio.TimeoutError:
        print("timed out")
    print(await asyncio.to_thread(os.getcwd) != "", await loop.getaddrinfo("127.0.0.1", 80))
    tcp.close()
    unix.close()


asyncio.run(main())
