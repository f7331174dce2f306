#!/bin/bash
# SPDX-License-Identifier: MIT
# runc makes directories in the root of a container on the host, also where the root is read-only.
#
# A bundle may say that its root is read-only ("root": {"readonly": true}, as `runc spec` writes it).
# One would expect a working directory that is not there to be an error, or the container to be refused
# a mount point that it cannot make.
#
# Seen with runc 1.1.5 (Debian 12): the working directory and the mount point are made in the root's
# directory on the host, before the root becomes read-only for the container; the container runs,
# status 0, and they stay when it has ended. A write by the container itself is refused. So a root that
# several containers share is changed by their configurations, and a check of its contents fails.
# shellcheck source=findings/pinned
. "$(dirname "$0")/pinned"
# shellcheck source=findings/bundle
. "$findings/bundle"

find rootfs | sort >before
said=$(container 'assert c["root"]["readonly"]
c["process"].update(args=["/bin/busybox", "pwd"], cwd="/work/here")
c["mounts"].append({"destination": "/mount/here", "type": "tmpfs", "source": "tmpfs"})')
expect "status" 0 $?
expect "the working directory" "/work/here" "$said"
said=$(container 'c["process"]["args"] = ["/bin/busybox", "touch", "/file"]') && status=0 || status=$?
expect "status of a write" 1 "$status"
grep -o 'Read-only file system' <<<"$said"
find rootfs | sort >after
expect "new in the root" "rootfs/mount rootfs/mount/here rootfs/work rootfs/work/here" \
	"$(comm -13 before after | paste -sd' ')"
