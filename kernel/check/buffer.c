// SPDX-License-Identifier: MIT
/*
 * Buffers of system calls that reach out of their object. The kernel notes the bad address when it
 * accesses the buffer, and reports it at the end of the call, when no lock is held.
 */
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"
#include "kernel/task/task.h"

static void note(struct mm *mm, u64 addr, u64 space, bool write, enum check_when when)
{
	struct check_buffer *b = &current()->bad_buffer;

	if (!chk_range(addr) || mm != current_mm())
		return;
	/*
	 * The first bad address of a call is reported. A fault within a page behind it has the same
	 * cause, because an object's last page ends at the object's end or a few bytes behind it.
	 */
	if (b->addr && addr - b->addr < PAGE_SIZE && when == CHECK_IF_FAULTS)
		b->when = when;
	if (b->addr)
		return;
	b->addr = addr;
	b->space = b->before + space;
	b->when = when;
	b->write = write;
}

void chk_buffer_faults(struct mm *mm, u64 addr, u64 space, bool write)
{
	note(mm, addr, space, write, CHECK_IF_FAULTS);
}

void chk_buffer(struct mm *mm, u64 start, u64 len, u64 space, bool write, enum check_when when)
{
	struct check_object o;
	u64 left;

	if (!chk_range(start) || mm != current_mm() || !chk_find(mm, start, &o) ||
	    o.state != CHK_STATE_LIVE || start - o.start > o.size)
		return;
	left = o.start + o.size - start;
	if (len > left)
		note(mm, start + left, space + left, write, when);
}

void chk_buffer_report(s64 ret)
{
	const struct check_buffer *b = &current()->bad_buffer;
	bool is_bug = true;

	switch (b->when) {
	case CHECK_ALWAYS:
		break;
	case CHECK_IF_FAULTS:
		is_bug = ret < 0 || (u64)ret >= b->space;
		break;
	case CHECK_IF_REACHED:
		is_bug = ret >= 0 && (u64)ret > b->space;
		break;
	}
	if (is_bug)
		chk_bad_buffer(b->addr, b->write);
}
