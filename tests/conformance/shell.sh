# SPDX-License-Identifier: MIT
# What shell scripts do with processes. Started by bash, in an empty directory.
set -u
trap 'echo trap exit $?' EXIT
trap 'echo trap usr1' USR1

echo a b c | tr a-z A-Z | sed s/B/x/ | cat
(cd /; exit 3)
echo subshell $?
diff <(seq 5) <(seq 6)
echo process substitution $?
seq 3 > >(tac >reversed)
while [ ! -s reversed ]; do sleep 0.05; done
cat reversed
cat <<EOF | wc -l
a here-document
with $((1 + 2)) in it
EOF
cat <<<"a here-string"
kill -USR1 $$
x=$(for i in 1 2 3; do echo $i; done | sort -r | paste -sd,)
echo "$x"

coproc { read -r line; echo "coprocess: $line"; read -r line; } # bash closes its pipes when it ends
pid=$COPROC_PID
echo hi >&"${COPROC[1]}"
read -r reply <&"${COPROC[0]}"
echo >&"${COPROC[1]}"
echo "$reply"
wait "$pid"

for i in 1 2 3 4 5; do
	(sleep $((i / 2)).$((i % 2 * 5)); echo background $i) &
done | sort # the order is not certain on a busy machine
set -o pipefail
false | true
echo pipefail $?
set +o pipefail
yes | head -n 1
echo "${PIPESTATUS[@]}"
exec 5< <(echo descriptor 5)
read -r value <&5
echo "$value"
exec 5<&-
seq 2000 | while read -r n; do [ "$n" -lt 2000 ] || echo loop "$n"; done
mkfifo fifo
echo through a fifo >fifo &
cat fifo
wait
timeout 0.2 sleep 5
echo timeout $?
sleep 10 &
sleep 0.2
kill $!
wait $!
echo killed $?
(bash -c 'kill -SEGV $$'; echo segv $?) 2>/dev/null
(trap 'echo trap term; exit 9' TERM; echo ready >ready; while :; do sleep 0.05; done) &
while [ ! -e ready ]; do sleep 0.05; done
kill $!
wait $!
echo trapped $?
(ulimit -n 20; exec 30</dev/null) 2>&1 | sed 's/.*: //'
(wait -n 2>&1; echo nothing to wait for $?) # not above: which jobs bash remembers depends on timing
printf '%s\n' one two three | { mapfile -t lines; echo ${#lines[@]} "${lines[2]}"; }
find . -type f -print0 | sort -z | xargs -0 -n 1 -P 2 wc -c | sort
sh -c 'exit 5' | cat
echo "${PIPESTATUS[0]}"
exec 9>lock
flock 9
(flock -n 9 && echo the same lock)
flock -n lock true
echo held $?
exit 7
