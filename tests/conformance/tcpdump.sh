#!/bin/bash
# SPDX-License-Identifier: MIT
# tcpdump on the loopback interface of a network namespace of its own: three packets from outside.
# Takes the words of $VM.

if [ -z "$IN_NAMESPACE" ]; then
	[ "$(id -u)" = 0 ] || { echo "only for root"; exit; }
	exec env IN_NAMESPACE=1 unshare -n bash "$0"
fi
ip link set lo up
$VM tcpdump -i lo -c 3 -n -t -U -w packets udp port 9 2>messages &
tcpdump=$!
until grep -q listening messages; do
	kill -0 $tcpdump 2>/dev/null || break
	sleep 0.1
done
for i in 1 2 3; do
	echo "packet $i" >/dev/udp/127.0.0.1/9
done
wait $tcpdump
echo "status $?"
grep -v 'received by filter' messages
$VM tcpdump -n -t -r packets 2>/dev/null | sed 's/\.[0-9]* > /.PORT > /'
rm -f packets messages
