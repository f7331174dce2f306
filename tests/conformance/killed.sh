# SPDX-License-Identifier: MIT
# SIGKILL for the monitor: nothing of it stays, whatever it was doing. Natively there is a group of
# processes to kill.
left() { wc -l </proc/self/mounts; cat /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg | wc -l; ls /dev/shm; }

# $1: what runs; $2: when it has come so far. The monitor, or the group, is killed then.
kill_it()
{
	setsid $VM bash -c "$1" 2>/dev/null &
	monitor=$!
	$2
	[ "$VM" ] && whom=$monitor || whom=-$monitor
	kill -KILL -- $whom 2>/dev/null || kill -KILL $monitor # no group yet
	wait $monitor 2>/dev/null
	status=$?
}

left >before
# In the middle of its work.
started() { while [ ! -e started ]; do sleep 0.1; done; sleep "${TESTS_SLOWER:-1}"; }
kill_it '(while :; do :; done) & sleep 100 & cat <(sleep 100) & echo >started; wait' started
echo "ended with $status"
sleep "${TESTS_SLOWER:-1}"
pgrep -c -r R,S,D,T -g $monitor

# While it starts, forks and runs programs: at some moment of the first tenth of a second.
soon() { sleep 0.0$((i * 5 / 10))$((i * 5 % 10)); }
for ((i = 1; i < 20; i++)); do
	kill_it 'while :; do /bin/true | cat & done' soon
	echo $monitor >>monitors
done
sleep "${TESTS_SLOWER:-1}"
pgrep -c -r R,S,D,T -g $(paste -s -d , monitors)
left | diff before - && echo nothing is left
rm before monitors started
