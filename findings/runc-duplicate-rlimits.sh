#!/bin/bash
# SPDX-License-Identifier: MIT
# runc takes two rlimits of one type, though the specification wants an error.
#
# The runtime specification of OCI (config.md, "rlimits" of "process") says that the runtime must give
# an error if two entries have the same type; for namespaces of one type, it says the same.
#
# Seen with runc 1.1.5 (Debian 12): a second namespace of one type is refused. Of two limits with the
# type RLIMIT_NOFILE the later one holds, status 0, no warning. A configuration that is put together
# from a default and an exception works with runc, then, and need not work with another runtime.
# shellcheck source=findings/pinned
. "$(dirname "$0")/pinned"
# shellcheck source=findings/bundle
. "$findings/bundle"

limits='[{"type": "RLIMIT_NOFILE", "hard": n, "soft": n} for n in (1024, 100)]'
said=$(container 'c["process"]["args"] = ["/bin/busybox", "sh", "-c", "ulimit -n"]
c["process"]["rlimits"] = '"$limits")
expect "status with two limits" 0 $?
expect "the limit" 100 "$said"
said=$(container 'c["linux"]["namespaces"].append({"type": "pid"})') && status=0 || status=$?
expect "status with two namespaces" 1 "$status"
grep -o 'duplicated ns' <<<"$said"
