# SPDX-License-Identifier: MIT
# What the tools that read /proc see of a small tree of processes: numbers that vary are left out.
sleep 61 &
nice -n 5 sleep 62 & nice=$!
sh -c 'kill -STOP $$; sleep 63' & stopped=$!
(exec -a renamed sleep 64) &
(sleep 0 & exec sleep 65) & keeper=$!
sleep 0.5

echo "-- ps"
ps -o stat=,ni=,nlwp=,args= --ppid $$ | grep 'sleep 6\|renamed' | sed 's/ \+/ /g' | sort
ps -o stat=,args= --ppid $keeper
ps -o pid= -p $$ | grep -c "^ *$$\$"
ps -o ppid= --ppid $$ | sort -u | grep -c "^ *$$\$"
[ "$(ps -o sid= -p $$)" = "$(ps -o sid= -p $!)" ] && echo one session
ps -o user=,tty=,wchan= -p $$ | grep -c .
ps -eo pid= | grep -c "^ *$$\$"
ps aux | head -n 1
ps -ef | head -n 1
ps -o etimes= -p $$ | grep -cE '^ *[0-9]$'
ps -L -o lwp= -p $$ | grep -c "^ *$$\$"
ps -o rss=,vsz= -p $$ | awk '{ print ($1 > 500 && $2 > $1) }'

echo "-- pgrep"
pgrep -P $$ -f 'sleep 6[124]' | wc -l
pgrep -P $$ -x sleep -a | sed 's/^[0-9]* //'
pkill -P $$ -f renamed; echo $?
pgrep -P $$ -f renamed | wc -l
pidof -s -x bash | grep -c .

echo "-- top"
top -b -n1 -p $$ | sed -n '7p'
top -b -n1 -p $$ | sed -E '1,7d; /^$/d' | awk -v me=$$ '{ print $1 == me, $4, $8, $12 }'
top -b -n1 -p $$ | sed -nE 's/.*(Tasks|%Cpu|MiB Mem|MiB Swap).*/\1/p'
top -b -n1 -H -p $$ | grep -c Threads

echo "-- free, nproc, uptime, vmstat"
free | awk '{ print $1, NF }'
free -b | awk '/^Mem/ { print ($2 > 0 && $3 + $4 <= $2 && $7 <= $2) }'
nproc
[ "$(nproc)" = "$(grep -c ^processor /proc/cpuinfo)" ] && echo as many as in cpuinfo
uptime | grep -c 'load average'
vmstat | awk 'NR == 2'
[ "$(cut -d. -f1 /proc/uptime)" -gt 0 ] && echo up
grep -cE '^(cpu|ctxt|btime|processes|procs_running)' /proc/stat | awk '{ print ($1 >= 5) }'
awk '{ print NF }' /proc/loadavg /proc/self/stat /proc/self/statm

echo "-- what is left"
exec 2>/dev/null
kill $nice; kill -CONT $stopped; kill -KILL $stopped
wait $nice; echo $?
wait $stopped; echo $?
pkill -P $$ sleep
wait
ps -o stat= --ppid $$ | grep -c Z
