# SPDX-License-Identifier: MIT
# Two writers of one database: locks between processes of one sandbox.
sqlite3 db 'create table t(a)'
for writer in 1 2; do
	for i in {1..40}; do
		sqlite3 -cmd '.timeout 60000' db "insert into t values($i)"
	done &
done
wait
sqlite3 db 'select count(*), sum(a) from t; pragma integrity_check; pragma journal_mode=wal'
for writer in 1 2; do
	for i in {1..200}; do echo "insert into t values($i);"; done | sqlite3 -cmd '.timeout 60000' db &
done
wait
sqlite3 db 'select count(*), sum(a) from t; pragma integrity_check; pragma journal_mode=delete'
rm db
