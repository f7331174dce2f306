# SPDX-License-Identifier: MIT
# $1 sandboxes, $2 at once: they all do their work, and none leaves anything behind: no process, no
# memory of the host's kernel (a VM that stays has its page tables there), no open file, no mount;
# and the last take no longer than the first. Others may work on this machine meanwhile, so a leak
# has to show as so much per sandbox.
field() { sed -n "s/^$1: *\([0-9]*\) .*/\1/p" /proc/meminfo; } # KiB
files() { cut -f 1 /proc/sys/fs/file-nr; }
milliseconds() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }
series() { seq "$1" "$2" | xargs -P "$3" -I N $VM sh -c 'echo N; exit 0'; }

# One per sandbox, beyond what changes anyway: $1 is how much, $2 the unit, $3 before, $4 after.
missing()
{
	[ $(($4 - $3)) -lt $((tenth * 9 * $1)) ] && echo "no $2 is missing" ||
		echo "$2: $3 became $4"
}

tenth=$(($1 / 10))
begun=$(milliseconds)
series 1 $tenth "$2" >first
first=$(($(milliseconds) - begun))
memory=$((-$(field MemAvailable))) slab=$(field SUnreclaim) tables=$(field PageTables)
files=$(files) mounts=$(wc -l </proc/self/mounts)

series $((tenth + 1)) $((tenth * 9)) "$2" >middle
begun=$(milliseconds)
series $((tenth * 9 + 1)) "$1" "$2" >last
last=$(($(milliseconds) - begun))
sort -n first middle last | md5sum
rm first middle last

sleep 1
pgrep -c -s 0 buffervm
missing $((200 + 20000 / tenth)) memory $memory $((-$(field MemAvailable)))
missing $((20 + 2000 / tenth)) "memory of the kernel" $slab "$(field SUnreclaim)"
missing $((4 + 2000 / tenth)) "page table" $tables "$(field PageTables)"
missing $((1 + 200 / tenth)) "open file" "$files" "$(files)"
[ "$(wc -l </proc/self/mounts)" = "$mounts" ] && echo no mount is left
[ $last -lt $((first * 2 + 500)) ] && echo "the last are as fast as the first" ||
	echo "the first $tenth: $first ms, the last: $last ms"
