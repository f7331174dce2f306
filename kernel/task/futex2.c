// SPDX-License-Identifier: MIT
/*
 * The system calls that split up futex(2): futex_waitv, futex_wake, futex_wait, futex_requeue.
 * Their flags (FUTEX2_*) belong to a word, not to a call; the only size that Linux has is 32 bits.
 * A word with a node number beside it (FUTEX2_NUMA) is EINVAL, as before Linux 6.16.
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/futex_queue.h"
#include "kernel/task/process.h"

#include <linux/futex.h>
#include <linux/time.h>

#define FUTEX2_PRIVATE	  FUTEX_PRIVATE_FLAG
#define FUTEX2_MOST_WORDS FUTEX_WAITV_MAX

static bool valid_flags(u32 flags)
{
	return (flags & ~FUTEX2_PRIVATE) == FUTEX_32;
}

static bool is_shared(u32 flags)
{
	return !(flags & FUTEX2_PRIVATE);
}

/* Reads an absolute timeout; *deadline 0: no timeout. Returns 0 or -errno. */
static int read_timeout(u64 *deadline, uva timeout, s32 clock)
{
	*deadline = 0;
	if (!timeout)
		return 0;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	return futex_deadline(deadline, timeout, true, clock == CLOCK_REALTIME);
}

/* Reads the program's array. Returns 0, -EFAULT or -EINVAL. */
static int read_words(struct futex_waitv *v, uva from, u32 count)
{
	if (copy_from_user(v, from, count * sizeof(*v)))
		return -EFAULT;
	for (u32 i = 0; i < count; i++)
		if (!valid_flags(v[i].flags) || v[i].__reserved || v[i].val > UINT32_MAX)
			return -EINVAL;
	return 0;
}

/*
 * Removes all waiters from their queues. Returns the last one that a waker had removed already, or
 * -1.
 */
static s32 leave_all(struct futex_waiter *w, u32 count)
{
	s32 woken = -1;

	for (u32 i = 0; i < count; i++)
		if (!futex_dequeue(&w[i]))
			woken = (s32)i;
	return woken;
}

static s64 wait_for_any(const struct futex_waitv *v, struct futex_waiter *w, u32 count,
			u64 deadline)
{
	u32 word = 0, queued;
	s32 woken;
	s64 r = 0;

	for (u32 i = 0; i < count && !r; i++) {
		w[i] = (struct futex_waiter){.bitset = FUTEX_BITSET_MATCH_ANY, .sleeps_on = &word};
		r = futex_key_of(&w[i].key, v[i].uaddr, is_shared(v[i].flags));
	}
	if (r)
		return r;
	for (queued = 0; queued < count && !r; queued += !r)
		r = futex_enqueue(&w[queued], v[queued].uaddr, (u32)v[queued].val);
	if (!r)
		r = futex_sleep(&word, deadline);
	woken = leave_all(w, queued);
	if (woken >= 0)
		return woken;
	return r == -EINTR ? -ERESTARTSYS : r;
}

DEFINE_SYSCALL5(futex_waitv, uva, user_waiters, u32, count, u32, flags, uva, timeout, s32, clock)
{
	struct futex_waitv *v;
	struct futex_waiter *w;
	u64 deadline;
	s64 r;

	if (flags || count == 0 || count > FUTEX2_MOST_WORDS || !user_waiters)
		return -EINVAL;
	r = read_timeout(&deadline, timeout, clock);
	if (r)
		return r;
	v = kmalloc(count * sizeof(*v));
	w = kmalloc(count * sizeof(*w));
	r = v && w ? read_words(v, user_waiters, count) : -ENOMEM;
	if (!r)
		r = wait_for_any(v, w, count, deadline);
	kfree(w);
	kfree(v);
	return r;
}

DEFINE_SYSCALL4(futex_wake, uva, addr, u64, mask, s32, count, u32, flags)
{
	if (!valid_flags(flags) || mask > UINT32_MAX)
		return -EINVAL;
	if (count <= 0)
		return mask ? 0 : -EINVAL;
	return futex_wake(addr, is_shared(flags), (u32)count, (u32)mask);
}

DEFINE_SYSCALL6(futex_wait, uva, addr, u64, value, u64, mask, u32, flags, uva, timeout, s32, clock)
{
	u64 deadline;
	int err;

	if (!valid_flags(flags) || value > UINT32_MAX || mask > UINT32_MAX)
		return -EINVAL;
	err = read_timeout(&deadline, timeout, clock);
	return err ? err : futex_wait(addr, is_shared(flags), (u32)value, deadline, (u32)mask);
}

DEFINE_SYSCALL4(futex_requeue, uva, user_waiters, u32, flags, s32, wake, s32, requeue)
{
	struct futex_waitv v[2];
	struct futex_pair pair;
	u32 expected;
	int err;

	if (flags || !user_waiters)
		return -EINVAL;
	err = read_words(v, user_waiters, ARRAY_SIZE(v));
	if (err)
		return err;
	pair = (struct futex_pair){v[0].uaddr, v[1].uaddr, is_shared(v[0].flags),
				   is_shared(v[1].flags)};
	expected = (u32)v[0].val;
	return futex_requeue(&pair, wake, requeue, &expected);
}
