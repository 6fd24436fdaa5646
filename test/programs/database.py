"""sqlite3: rollback journal, WAL (shared memory) with two processes, an in-memory database."""

import multiprocessing
import random
import sqlite3


def writer(name, count):
    with sqlite3.connect("wal.db", timeout=60) as connection:
        for _ in range(count):
            connection.execute("insert into log values (?, ?)", (name, random.random()))
            connection.commit()


with sqlite3.connect("plain.db") as plain:
    plain.execute("create table numbers (value real)")
    plain.executemany("insert into numbers values (?)", ((random.random(),) for _ in range(2000)))
    print(plain.execute("select count(*), sum(value) from numbers").fetchone())
with sqlite3.connect("wal.db") as wal:
    print(wal.execute("pragma journal_mode = wal").fetchone())
    wal.execute("create table log (who text, value real)")
    wal.commit()
    processes = [multiprocessing.Process(target=writer, args=(name, 40)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(wal.execute("select who, count(*), sum(value) from log group by who").fetchall())
    print("".join(row[0] for row in wal.execute("select who from log")))
memory = sqlite3.connect(":memory:")
print(memory.execute("select hex(randomblob(8)), datetime('now')").fetchone())
