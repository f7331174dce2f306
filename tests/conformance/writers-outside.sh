# SPDX-License-Identifier: MIT
# Two writers of one database, one of them not in the sandbox: locks against the host.
sqlite3 db 'create table t(a)'
insert()
{
	for i in {1..100}; do echo "insert into t values($i);"; done | "$@" sqlite3 -cmd '.timeout 60000' db
}
insert $VM &
inside=$!
insert &
wait $inside $!
sqlite3 db 'select count(*), sum(a) from t; pragma integrity_check'
rm db
