# SPDX-License-Identifier: MIT
# Busybox alone: its shell, and its applets as programs.
busybox seq 5 | busybox sort -r | busybox head -n 2
(exit 4)
echo $?
busybox sleep 0.1 &
wait $!
echo waited $?
busybox timeout 1 busybox sleep 5
echo $?
trap 'echo trap' EXIT
busybox sh -c 'kill -9 $$'
echo $?
busybox seq 100 | busybox xargs -n 10 -P 4 busybox echo | busybox wc -l
busybox find /etc -maxdepth 0 -exec busybox echo {} \;
x=$(busybox printf '%s' a | busybox md5sum)
echo "$x"
busybox ps | busybox grep -c 'busybox p[s]'
exit 3
