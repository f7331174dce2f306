# SPDX-License-Identifier: MIT
# A server in the sandbox: redis-cli and redis-benchmark from outside, then from another sandbox.
cli() { redis-cli -p "$PORT" "$@"; }

$VM redis-server --port "$PORT" --bind 127.0.0.1 --save '' --appendonly no --dir . >log 2>&1 &
server=$!
for ((i = 0; i < 400 * ${TESTS_SLOWER:-1}; i++)); do
	cli ping >/dev/null 2>&1 && break
	sleep 0.1
done
cli set key value
cli get key
cli incr counter
cli rpush list a b c
cli lrange list 0 -1
seq 1000 | sed 's/.*/SET k& v&/' | cli --pipe | grep replies
redis-benchmark -p "$PORT" -n 2000 -c 20 -t ping,set,get,lpush -q | tr '\r' '\n' | sed -n 's/: .*p50.*/ done/p'
redis-benchmark -p "$PORT" -n 10000 -c 20 -P 16 -t set,get -q | tr '\r' '\n' | sed -n 's/: .*p50.*/ done/p'
$VM redis-benchmark -p "$PORT" -n 1000 -c 5 -t get -q | tr '\r' '\n' | sed -n 's/: .*p50.*/ done/p'
$VM redis-cli -p "$PORT" dbsize
cli bgsave
for ((i = 0; i < 200 * ${TESTS_SLOWER:-1}; i++)); do
	[ "$(cli info persistence | tr -d '\r' | sed -n 's/^rdb_bgsave_in_progress://p')" = 0 ] && break
	sleep 0.1
done
cli info persistence | tr -d '\r' | grep rdb_last_bgsave_status
(printf 'subscribe\r\n' >/dev/null; timeout $((2 * ${TESTS_SLOWER:-1})) redis-cli -p "$PORT" subscribe channel | head -n 6) &
sleep "${TESTS_SLOWER:-1}"
cli publish channel hello
wait $!
cli shutdown nosave
wait $server
echo "server ended with $?"
grep -c 'ready to exit' log
rm -f log dump.rdb
