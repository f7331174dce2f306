# SPDX-License-Identifier: MIT
# The sqlite3 module with threads that share a file.
import os
import sqlite3
import threading

db = sqlite3.connect("file.db", timeout=60)
print(db.execute("pragma journal_mode=wal").fetchone())
db.execute("create table t(a integer, b text)")
db.commit()


def work(n):
    own = sqlite3.connect("file.db", timeout=60)
    for i in range(50):
        with own:
            own.execute("insert into t values(?, ?)", (n * 1000 + i, "x" * i))
    own.close()


threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(db.execute("select count(*), sum(a), sum(length(b)) from t").fetchone())
try:
    with db:
        db.execute("delete from t")
        raise ValueError
except ValueError:
    pass
print(db.execute("select count(*) from t").fetchone())
db.create_function("twice", 1, lambda x: 2 * x)
print(db.execute("select twice(max(a)) from t").fetchone())
copy = sqlite3.connect(":memory:")
db.backup(copy)
print(copy.execute("pragma integrity_check").fetchone())
db.close()
os.remove("file.db")
