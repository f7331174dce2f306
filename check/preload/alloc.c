// SPDX-License-Identifier: MIT
/*
 * The work behind malloc and its family: an object is the kernel's (page level), or lies in a base
 * slot (base.h); see check/abi/heap_call.h.
 */
#include <asm/errno.h>
#include "check/preload/base.h"
#include "check/preload/library.h"
#include "check/preload/policy.h"
#include "check/preload/syscall.h"
#include "libc/string.h"

/* A new object's level is the policy's choice; what base slots cannot give is the kernel's. */
static void *make_once(u64 size, u64 align, enum heap_function fn, const struct heap_frame *from)
{
	enum heap_level level = policy_choose(size, from);
	void *p = NULL;
	u64 since;
	s64 ret;

	if (level != HEAP_LEVEL_PAGE && align <= BASE_ALIGN_MAX)
		p = base_alloc(size, align, fn, level == HEAP_LEVEL_ALIAS, from);
	if (p) {
		if (fn == HEAP_FN_CALLOC)
			memset(p, 0, size);
		return p;
	}
	since = __builtin_ia32_rdtsc();
	ret = heap_syscall4(HEAP_CALL_ALLOC, size, align, fn, heap_stack_id(from));
	if (ret > 0)
		policy_spent_on_object(since);
	else
		policy_spent(since);
	if (ret == -EDQUOT) {
		policy_over_budget();
		p = base_alloc(size, align, fn, true, from);
		if (p && fn == HEAP_FN_CALLOC)
			memset(p, 0, size);
		return p;
	}
	return ret > 0 ? (void *)ret : NULL;
}

static void *make(u64 size, u64 align, enum heap_function fn, const struct heap_frame *from)
{
	void *p = make_once(size, align, fn, from);

	return !p && (s64)size >= 0 && base_give_back() ? make_once(size, align, fn, from) : p;
}

void *heap_alloc(u64 size, u64 align, enum heap_function fn, const struct heap_frame *from)
{
	void *p = make(size, align, fn, from);

	if (!p)
		heap_set_errno(ENOMEM);
	return p;
}

static void release(void *p, enum heap_function fn, bool moved, const struct heap_frame *from)
{
	u64 since;

	if (base_free(p, fn, moved, false, from) == BASE_DONE)
		return;
	/* What the kernel finds in its records must not wait to be there. */
	if ((u64)p - HEAP_ALIAS_AREA < HEAP_ALIAS_SIZE)
		base_flush();
	since = __builtin_ia32_rdtsc();
	if (heap_syscall4(HEAP_CALL_FREE, (u64)p, fn, heap_stack_id(from), moved) == 1)
		base_free(p, fn, moved, true, from);
	policy_spent(since);
}

void heap_release(void *p, enum heap_function fn, const struct heap_frame *from)
{
	heap_started();
	release(p, fn, false, from);
}

void *heap_resize(void *p, u64 size, const struct heap_frame *from)
{
	u64 old, since;
	bool ours;
	s64 ret;
	void *q;

	heap_started();
	if (base_resize(p, size, from))
		return p;
	ours = base_size(p, &old);
	if (!ours && policy_choose(size, from) == HEAP_LEVEL_PAGE) {
		since = __builtin_ia32_rdtsc();
		ret = heap_syscall4(HEAP_CALL_REALLOC, (u64)p, size, heap_stack_id(from), 0);
		policy_spent(since);
		if (ret > 0)
			return (void *)ret;
		if (ret != -EDQUOT) {
			heap_set_errno(ENOMEM);
			return NULL;
		}
		policy_over_budget();
	}
	if (!ours) {
		ret = heap_syscall1(HEAP_CALL_SIZE, (u64)p);
		if (ret < 0) { /* no live object: that is what the kernel reports */
			release(p, HEAP_FN_REALLOC, true, from);
			return NULL;
		}
		old = (u64)ret;
	}
	q = heap_alloc(size, 1, HEAP_FN_REALLOC, from);
	if (!q)
		return NULL;
	memcpy(q, p, MIN(old, size));
	release(p, HEAP_FN_REALLOC, true, from);
	return q;
}

u64 heap_size(const void *p, const struct heap_frame *from)
{
	struct heap_bug bug = {.kind = CHECK_USE_AFTER_FREE, .addr = (u64)p};
	s64 ret;
	u64 size;

	if (base_size(p, &size))
		return size;
	ret = heap_syscall1(HEAP_CALL_SIZE, (u64)p);
	if (ret == -ESTALE) {
		bug.stack = heap_stack_id(from);
		heap_syscall1(HEAP_CALL_BUG, (u64)&bug);
	}
	return ret > 0 ? (u64)ret : 0;
}

void heap_bad_size(u64 size, enum heap_function fn, const struct heap_frame *from)
{
	const struct heap_bug bug = {
		.kind = CHECK_BAD_SIZE,
		.fn = fn,
		.stack = heap_stack_id(from),
		.size = size,
	};

	heap_syscall1(HEAP_CALL_BUG, (u64)&bug);
}
