"""A transaction of SQLite that takes a row of each line that it reads, and is committed at the end of them."""

import sqlite3
import sys

database = sqlite3.connect("rows.db", isolation_level=None)
database.execute("create table rows(name)")
database.execute("insert into rows values('before')")
database.execute("begin")
database.execute("insert into rows values('first')")
print("began", flush=True)
for line in sys.stdin:
    database.execute("insert into rows values(?)", (line.strip(),))
    print("took", line.strip(), flush=True)
database.execute("commit")
print(database.execute("select count(*) from rows").fetchone()[0])
