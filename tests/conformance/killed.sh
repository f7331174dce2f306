# SIGKILL for the monitor in the middle of its work: nothing of it stays. Natively there is a group
# of processes to kill.
before=$(wc -l </proc/self/mounts)
setsid $VM bash -c '(while :; do :; done) & sleep 100 & cat <(sleep 100) & echo >started; wait' &
monitor=$!
while [ ! -e started ]; do sleep 0.1; done
sleep 0.5
[ "$VM" ] && whom=$monitor || whom=-$monitor
kill -KILL -- $whom
wait $monitor 2>/dev/null
echo "ended with $?"
sleep 0.5
pgrep -c -r R,S,D,T -g $monitor
[ "$(wc -l </proc/self/mounts)" = "$before" ] && echo no mount left
