// SPDX-License-Identifier: MIT
/*
 * Makes, releases and resizes objects for malloc and its family. The kernel makes objects at page
 * level; all others lie in base slots (base.h). See check/abi/call.h.
 */
#include <asm/errno.h>
#include "check/preload/base.h"
#include "check/preload/library.h"
#include "check/preload/policy.h"
#include "check/preload/syscall.h"
#include "libc/string.h"

/* The policy chooses the new object's level. If no base slot can be had, the kernel makes it. */
static void *make_once(u64 size, u64 align, u32 fn, const struct chk_frame *from)
{
	struct policy policy = policy_choose(size, from);
	void *p = NULL;
	u64 since;
	s64 ret;

	if (!policy.page && align <= BASE_ALIGN_MAX)
		p = base_alloc(size, align, fn, policy.how, from);
	if (p) {
		if (fn == CHK_FN_CALLOC)
			memset(p, 0, size);
		return p;
	}
	since = __builtin_ia32_rdtsc();
	ret = chk_syscall5(CHK_CALL_ALLOC, size, align, fn, chk_stack_id(from), policy.guard);
	if (ret > 0)
		policy_spent(CHK_COST_OBJECT, since, 1);
	if (ret == -EDQUOT) {
		policy_over_budget();
		p = base_alloc(size, align, fn, BASE_ALIAS, from);
		if (p && fn == CHK_FN_CALLOC)
			memset(p, 0, size);
		return p;
	}
	return ret > 0 ? (void *)ret : NULL;
}

static void *make(u64 size, u64 align, u32 fn, const struct chk_frame *from)
{
	void *p = make_once(size, align, fn, from);

	return !p && (s64)size >= 0 && base_give_back() ? make_once(size, align, fn, from) : p;
}

void *chk_alloc(u64 size, u64 align, u32 fn, const struct chk_frame *from)
{
	void *p = make(size, align, fn, from);

	if (!p)
		chk_set_errno(ENOMEM);
	return p;
}

/* Returns whether the program says that p has another size than it has. */
static bool is_other_size(const void *p, u64 size)
{
	u64 have;

	return size != CHK_SIZE_UNKNOWN && base_size(p, &have) && have != size;
}

static void release(void *p, u32 fn, bool moved, u64 size, const struct chk_frame *from)
{
	u64 since;

	if (!is_other_size(p, size) && base_free(p, fn, moved, false, from) == BASE_DONE)
		return;
	/* The kernel learns of released aliases only by a flush, and needs that for its report. */
	if ((u64)p - CHK_ALIAS_AREA < CHK_ALIAS_SIZE)
		base_flush();
	since = __builtin_ia32_rdtsc();
	if (chk_syscall5(CHK_CALL_FREE, (u64)p, fn, chk_stack_id(from), moved, size) == 1)
		base_free(p, fn, moved, true, from);
	policy_spent(CHK_COST_FREE, since, 1);
}

void chk_release(void *p, u32 fn, u64 size, const struct chk_frame *from)
{
	chk_started();
	release(p, fn, false, size, from);
}

void *chk_resize(void *p, u64 size, const struct chk_frame *from)
{
	u64 old, since;
	bool ours;
	s64 ret;
	void *q;

	chk_started();
	if (base_resize(p, size, from))
		return p;
	ours = base_size(p, &old);
	if (!ours && policy_choose(size, from).page) {
		since = __builtin_ia32_rdtsc();
		ret = chk_syscall4(CHK_CALL_REALLOC, (u64)p, size, chk_stack_id(from), 0);
		policy_spent(CHK_COST_MOVE, since, 1);
		if (ret > 0)
			return (void *)ret;
		if (ret != -EDQUOT) {
			chk_set_errno(ENOMEM);
			return NULL;
		}
		policy_over_budget();
	}
	if (!ours) {
		ret = chk_syscall1(CHK_CALL_SIZE, (u64)p);
		if (ret < 0) { /* not a live object: the kernel reports that */
			release(p, CHK_FN_REALLOC, true, CHK_SIZE_UNKNOWN, from);
			return NULL;
		}
		old = (u64)ret;
	}
	q = chk_alloc(size, 1, CHK_FN_REALLOC, from);
	if (!q)
		return NULL;
	memcpy(q, p, MIN(old, size));
	release(p, CHK_FN_REALLOC, true, CHK_SIZE_UNKNOWN, from);
	return q;
}

u64 chk_size(const void *p, const struct chk_frame *from)
{
	struct chk_bug bug = {.kind = CHECK_USE_AFTER_FREE, .addr = (u64)p};
	s64 ret;
	u64 size;

	if (base_size(p, &size))
		return size;
	ret = chk_syscall1(CHK_CALL_SIZE, (u64)p);
	if (ret == -ESTALE) {
		bug.stack = chk_stack_id(from);
		chk_syscall1(CHK_CALL_BUG, (u64)&bug);
	}
	return ret > 0 ? (u64)ret : 0;
}

void chk_bad_size(u64 size, enum chk_function fn, const struct chk_frame *from)
{
	const struct chk_bug bug = {
		.kind = CHECK_BAD_SIZE,
		.fn = fn,
		.stack = chk_stack_id(from),
		.size = size,
	};

	chk_syscall1(CHK_CALL_BUG, (u64)&bug);
}
