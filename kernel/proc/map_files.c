// SPDX-License-Identifier: MIT
/* See map_files.h. */
#include "kernel/proc/map_files.h"

#include <linux/mman.h>
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace_access.h"

s64 map_file_next(const struct process *p, u64 addr, struct map_file *m)
{
	struct mm *mm = p->mm;
	struct vma *v;

	ASSERT_HELD(&task_lock);
	if (!ptrace_may_access(p, PTRACE_FSCREDS))
		return -EACCES;
	if (!mm)
		return 0;
	mutex_lock(&mm->lock);
	for (v = vma_find(mm, addr); v; v = vma_next(v)) {
		mm_vma_name(mm, v, m->name, sizeof(m->name));
		if (v->start >= addr && m->name[0] == '/')
			break;
	}
	if (v) {
		m->start = v->start;
		m->end = v->end;
		m->prot = v->flags & VMA_SHARED ? v->max_prot : PROT_READ;
	}
	mutex_unlock(&mm->lock);
	return v != NULL;
}

/* Reads a number as these names have it: lower-case hexadecimal digits without leading zeros. */
static bool read_hex(const char **at, const char *end, u64 *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = *at, *digit;

	for (*value = 0; p < end && *p && (digit = strchr(digits, *p)) && p - *at < 16; p++)
		*value = *value << 4 | (u64)(digit - digits);
	if (p == *at || (**at == '0' && p - *at > 1))
		return false;
	*at = p;
	return true;
}

bool map_file_range(const char *name, u64 len, u64 *start, u64 *end)
{
	const char *at = name, *stop = name + len;

	return read_hex(&at, stop, start) && at < stop && *at++ == '-' &&
	       read_hex(&at, stop, end) && at == stop;
}
