#!/bin/bash
# SPDX-License-Identifier: MIT
# A user and root log in to an sshd with keys: commands, a terminal, a copied file, a wrong key. The
# server confines the processes that speak with strangers by chroot, another user and seccomp; one of
# them is looked at. As root, in namespaces of its own: /run, /etc/passwd and the network are private.
if [ "$(id -u)" != 0 ]; then
	echo "not as this user"
	exit
fi
if [ ! "${INSIDE-}" ]; then
	INSIDE=1 exec unshare --mount --net --ipc --uts bash "$0"
fi
ip link set lo up
place=$(mktemp -d /tmp/buffervm-sshd.XXXXXX)
trap 'rm -rf "$place"' EXIT
cd "$place" || exit 1
chmod 755 .
mkdir home && chown 1234:1234 home
{
	grep -E '^(root|sshd):' /etc/passwd
	echo "visitor:*:1234:1234::$place/home:/bin/bash"
} >passwd
printf '%s:*:19000::::::\n' visitor root sshd >shadow
chmod 600 shadow
mount --bind passwd /etc/passwd
mount --bind shadow /etc/shadow
mount -t tmpfs none /run
mkdir /run/sshd
for key in host user other; do
	ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$key"
done
cp user.pub keys
cat >config <<EOF
Port 22
ListenAddress 127.0.0.1
HostKey $place/host
AuthorizedKeysFile $place/keys
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
StrictModes no
Subsystem sftp internal-sftp
EOF

# Nothing of the user's own configuration is read.
options=(-F none -i user -o IdentitiesOnly=yes -o UserKnownHostsFile=known -o StrictHostKeyChecking=no
	-o LogLevel=ERROR -o BatchMode=yes)

# shellcheck disable=SC2086 # a command and its options
$VM /usr/sbin/sshd -D -e -f config 2>log &
server=$!
for ((i = 0; i < 300 * ${TESTS_SLOWER:-1}; i++)); do
	ssh "${options[@]}" visitor@127.0.0.1 true 2>/dev/null && break
	sleep 0.1
done

ssh "${options[@]}" visitor@127.0.0.1 'id -u; id -g; id -G; umask; echo $0; cat; exit 7' <<<'from the client'
echo "status $?"
ssh "${options[@]}" -tt visitor@127.0.0.1 'tty | sed "s/[0-9]*$//"; stty size; test -t 0 && echo terminal' \
	</dev/null | tr -d '\r'
ssh "${options[@]}" visitor@127.0.0.1 'cat /etc/shadow 2>&1'
head -c 300000 /dev/zero | tr '\0' x >large
scp -q "${options[@]}" large visitor@127.0.0.1:copy && cmp large home/copy && stat -c '%U %s' home/copy
# What the server's process may do that has spoken with a stranger so far.
ssh "${options[@]}" root@127.0.0.1 'id -u
	exec 3<>/dev/tcp/127.0.0.1/22
	printf "SSH-2.0-stranger\r\n" >&3
	read -r -u 3 version
	for ((i = 0; i < 1000; i++)); do
		for status in /proc/[0-9]*/status; do
			lines=$(grep -E "^(Name|CapEff|NoNewPrivs|Seccomp):" $status 2>/dev/null)
			[[ $lines != *sshd*Seccomp:*2 ]] || break 2
		done
		sleep 0.01
	done
	echo "${version%% *}"
	echo "$lines"'
ssh -F none -i other -o IdentitiesOnly=yes -o UserKnownHostsFile=known -o StrictHostKeyChecking=no \
	-o LogLevel=ERROR -o BatchMode=yes visitor@127.0.0.1 true 2>&1 | sed 's/.*: //'
kill "$server"
wait "$server"
echo "server ended with $?"
sed -E 's/port [0-9]+/port N/; s/SHA256:[^ ]*/KEY/' log | grep -cE '^Accepted publickey for (visitor|root)'
