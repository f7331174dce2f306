# $1 sandboxes, $2 at once: they all do their work, and none leaves a process or memory behind.
available() { sed -n 's/^MemAvailable: *\([0-9]*\) .*/\1/p' /proc/meminfo; }

before=$(available)
seq "$1" | xargs -P "$2" -I N $VM sh -c 'echo N; exit 0' | sort -n | md5sum
echo "${PIPESTATUS[1]}"
sleep 1
pgrep -c -s 0 buffervm
[ $((before - $(available))) -lt 300000 ] && echo no memory is missing
