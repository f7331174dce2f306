// SPDX-License-Identifier: MIT
/* What the host's /proc/self/fdinfo says about a handle: see file_ops.h. */
#include "kernel/fs/file_ops.h"
#include "kernel/fs/result.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "libc/stdlib.h"
#include "libc/string.h"

#define TEXT_MAX 4096

/* Returns what follows the name, a colon and a tab at the start of the line, or NULL. */
static const char *field(const char *line, const char *name)
{
	u64 len = strlen(name);

	return !strncmp(line, name, len) && !strncmp(line + len, ":\t", 2) ? line + len + 2 : NULL;
}

/* Takes one line, which ends with a newline, into *info. */
static void take_line(struct file_info *info, const char *line, u64 len)
{
	u64 used = strlen(info->more);
	const char *value;

	if ((value = field(line, "mnt_id"))) {
		info->mnt_id = strtol(value, NULL, 10);
	} else if ((value = field(line, "ino"))) {
		info->ino = strtoul(value, NULL, 10);
	} else if (field(line, "pos") || field(line, "flags") || field(line, "lock")) {
		return; /* the kernel has its own; the host's locks are the monitor's */
	} else if (len < sizeof(info->more) - used) {
		memcpy(info->more + used, line, len);
		info->more[used + len] = '\0';
	}
}

void host_info(s32 handle, struct file_info *info)
{
	char *text = kmalloc(TEXT_MAX);
	s64 n = text ? fs_nointr(hc_handle_info(handle, text, TEXT_MAX)) : -ENOMEM;
	u64 at = 0;

	/* A line that was cut is left out. */
	while (n > 0 && at < (u64)n) {
		const char *end = memchr(text + at, '\n', (u64)n - at);
		u64 len;

		if (!end)
			break;
		len = (u64)(end + 1 - (text + at));
		take_line(info, text + at, len);
		at += len;
	}
	kfree(text);
}
