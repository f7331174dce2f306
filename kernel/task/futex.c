// SPDX-License-Identifier: MIT
/*
 * futex(2): threads sleep on a word of their program's memory. This file has the queues
 * (futex_queue.h), the operations on plain words, and the robust lists of threads that end. The
 * operations on words with an owner are in futex_pi.c, the system calls with flags of their own in
 * futex2.c.
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/mm/window.h"
#include "kernel/signal/signal.h"
#include "kernel/task/futex.h"
#include "kernel/task/futex_queue.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"

#include <linux/futex.h>

#define BUCKETS 256
static struct futex_bucket buckets[BUCKETS];

void futex_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		TAILQ_INIT(&buckets[i].waiters);
		mutex_init(&buckets[i].lock, LOCK_FUTEX);
	}
}

bool futex_same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->space == b->space && a->dev == b->dev && a->at == b->at;
}

void futex_each_bucket(void (*fn)(struct futex_bucket *b, void *arg), void *arg)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		mutex_lock(&buckets[i].lock);
		fn(&buckets[i], arg);
		mutex_unlock(&buckets[i].lock);
	}
}

struct futex_bucket *futex_bucket_of(const struct futex_key *k)
{
	u64 h = (k->space ^ k->dev << 32 ^ k->at >> 2) * 0x9e3779b97f4a7c15UL;

	return &buckets[h >> 56];
}
_Static_assert(BUCKETS == 1 << (64 - 56), "the hash's top byte");

int futex_key_of(struct futex_key *k, uva addr, bool shared)
{
	struct mm *mm = current_mm();
	struct vma *v;
	int err = 0;
	u32 word;

	if (!IS_ALIGNED(addr, sizeof(u32)))
		return -EINVAL;
	if (addr >= USER_TOP)
		return -EFAULT;
	*k = (struct futex_key){.space = (u64)mm, .at = addr};
	if (!shared)
		return 0;
	/*
	 * Bit 0 makes it different from a private word at the same address, as FUT_OFF_MMSHARED
	 * does on Linux.
	 */
	k->at |= 1;
	if (get_user(&word, addr))
		return -EFAULT;
	mutex_lock(&mm->lock);
	v = vma_find(mm, addr);
	if (!v || v->start > addr)
		err = -EFAULT;
	else if ((v->flags & VMA_SHARED) && vma_window(v))
		*k = (struct futex_key){
			.space = vma_window(v)->ino,
			.dev = vma_window(v)->dev | 1UL << 63, /* never 0 */
			.at = v->offset + (addr - v->start),
		};
	mutex_unlock(&mm->lock);
	return err;
}

UNCHECKED_LOCKING void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	mutex_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		mutex_lock(a < b ? &b->lock : &a->lock);
}

UNCHECKED_LOCKING void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	mutex_unlock(&a->lock);
	if (a != b)
		mutex_unlock(&b->lock);
}

void futex_take_out(struct futex_bucket *b, struct futex_waiter *w)
{
	ASSERT_HELD(&b->lock);
	TAILQ_REMOVE(&b->waiters, w, link);
	w->queued = false;
	futex_rouse(w);
}

void futex_rouse(struct futex_waiter *w)
{
	u32 *word = w->sleeps_on ? w->sleeps_on : &w->woken;

	__atomic_store_n(word, 1, __ATOMIC_RELEASE);
	unpark(word, 1);
}

/*
 * Wakes at most count waiters of the key, and returns how many. Returns -EINVAL if one of them
 * waits to own a word, because such a word is handed over. The lock of b is held.
 */
static s32 wake_key(struct futex_bucket *b, const struct futex_key *k, u32 count, u32 bitset)
{
	struct futex_waiter *w = TAILQ_FIRST(&b->waiters);
	u32 woken = 0;

	ASSERT_HELD(&b->lock);
	while (w && woken < count) {
		struct futex_waiter *next = TAILQ_NEXT(w, link);

		if (futex_same_key(&w->key, k) && (w->pi || w->to_pi))
			return -EINVAL;
		if (futex_same_key(&w->key, k) && (w->bitset & bitset)) {
			futex_take_out(b, w);
			woken++;
		}
		w = next;
	}
	return (s32)woken;
}

s64 futex_wake(uva addr, bool shared, u32 count, u32 bitset)
{
	struct futex_bucket *b;
	struct futex_key k;
	s32 woken;
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = futex_key_of(&k, addr, shared);
	if (err)
		return err;
	b = futex_bucket_of(&k);
	mutex_lock(&b->lock);
	woken = wake_key(b, &k, count, bitset);
	mutex_unlock(&b->lock);
	return woken;
}

void futex_wake_user(u64 addr, u32 count)
{
	futex_wake(addr, true, count, FUTEX_BITSET_MATCH_ANY);
}

UNCHECKED_LOCKING struct futex_bucket *futex_lock_bucket(struct futex_waiter *w)
{
	for (;;) {
		struct futex_bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);

		mutex_lock(&b->lock);
		if (b == w->bucket)
			return b;
		mutex_unlock(&b->lock); /* w was requeued meanwhile */
	}
}

UNCHECKED_LOCKING bool futex_dequeue(struct futex_waiter *w)
{
	struct futex_bucket *b = futex_lock_bucket(w);
	bool queued = w->queued;

	if (queued)
		TAILQ_REMOVE(&b->waiters, w, link);
	w->queued = false;
	mutex_unlock(&b->lock);
	return queued;
}

void futex_queue(struct futex_bucket *b, struct futex_waiter *w)
{
	ASSERT_HELD(&b->lock);
	w->bucket = b;
	w->queued = true;
	TAILQ_INSERT_TAIL(&b->waiters, w, link);
}

/* Compares the word at addr. Returns 0, -EAGAIN, -EFAULT, or -ENOMEM (mm_copy_from_nowait). */
static int compare(uva addr, u32 value)
{
	u32 now;
	int err = mm_copy_from_nowait(current_mm(), &now, addr, sizeof(now));

	return err ? err : now == value ? 0 : -EAGAIN;
}

/* After -ENOMEM, without locks: waits until the word's page is there. Returns 0 or -EFAULT. */
static int wait_for_page(uva addr)
{
	u32 word;

	return get_user(&word, addr);
}

int futex_enqueue(struct futex_waiter *w, uva addr, u32 value)
{
	struct futex_bucket *b = futex_bucket_of(&w->key);
	int err;

	do {
		mutex_lock(&b->lock);
		err = compare(addr, value);
		if (!err)
			futex_queue(b, w);
		mutex_unlock(&b->lock);
	} while (err == -ENOMEM && !(err = wait_for_page(addr)));
	return err;
}

s64 futex_sleep(u32 *word, u64 deadline)
{
	s64 err;

	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE)) {
		u64 left = PARK_FOREVER;

		if (deadline) {
			u64 now = clock_monotonic_ns();

			if (now >= deadline)
				return -ETIMEDOUT;
			left = deadline - now;
		}
		signal_upcall();
		if (signal_pending())
			return -EINTR;
		err = park(word, 0, left);
		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -ETIMEDOUT)
			return err;
	}
	return 0;
}

static s64 wait_again(void *restart);

s64 futex_wait(uva addr, bool shared, u32 value, u64 deadline, u32 bitset)
{
	struct futex_waiter w = {.bitset = bitset};
	struct thread *t = current();
	s64 result;
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = futex_key_of(&w.key, addr, shared);
	if (!err)
		err = futex_enqueue(&w, addr, value);
	if (err)
		return err;
	result = futex_sleep(&w.woken, deadline);
	if (!futex_dequeue(&w))
		return 0; /* a waker came first, so other results do not count */
	if (result != -EINTR)
		return result;
	if (deadline == 0)
		return -ERESTARTSYS;
	t->restart.fn = wait_again;
	t->restart.arg[0] = addr;
	t->restart.arg[1] = (u64)bitset << 32 | value;
	t->restart.arg[2] = deadline;
	t->restart.arg[3] = shared;
	return -ERESTART_RESTARTBLOCK;
}

static s64 wait_again(void *restart)
{
	const u64 *arg = restart;

	return futex_wait(arg[0], arg[3], (u32)arg[1], arg[2], (u32)(arg[1] >> 32));
}

int futex_deadline(u64 *deadline, u64 timeout, bool absolute, bool realtime)
{
	struct __kernel_timespec ts;
	u64 now = clock_monotonic_ns();
	s64 span;

	if (get_user(&ts, timeout))
		return -EFAULT;
	span = clock_from_timespec(&ts);
	if (span < 0)
		return -EINVAL;
	if (absolute)
		span -= (s64)(realtime ? clock_realtime_ns() : now);
	*deadline = now + (u64)MAX(span, (s64)0);
	return 0;
}

void futex_move(struct futex_bucket *from, struct futex_bucket *to, struct futex_waiter *w,
		const struct futex_key *key)
{
	ASSERT_HELD(&from->lock);
	TAILQ_REMOVE(&from->waiters, w, link);
	w->key = *key;
	__atomic_store_n(&w->bucket, to, __ATOMIC_RELEASE);
	TAILQ_INSERT_TAIL(&to->waiters, w, link);
}

/* futex_requeue, or -ENOMEM if the word has to be waited for without the locks. */
static s64 try_requeue(const struct futex_pair *pair, s32 wake, s32 requeue, const u32 *expected)
{
	uva from = pair->from, to = pair->to;
	struct futex_bucket *bf, *bt;
	struct futex_key kf, kt;
	struct futex_waiter *w;
	s32 woken, moved = 0;
	int err;

	if (wake < 0 || requeue < 0)
		return -EINVAL;
	err = futex_key_of(&kf, from, pair->from_shared);
	if (!err)
		err = futex_key_of(&kt, to, pair->to_shared);
	if (err)
		return err;
	bf = futex_bucket_of(&kf);
	bt = futex_bucket_of(&kt);
	futex_lock_two(bf, bt);
	err = expected ? compare(from, *expected) : 0;
	if (err)
		goto out;
	woken = wake_key(bf, &kf, (u32)wake, FUTEX_BITSET_MATCH_ANY);
	err = woken;
	if (woken < 0)
		goto out;
	w = futex_same_key(&kf, &kt) ? NULL : TAILQ_FIRST(&bf->waiters);
	while (w && moved < requeue) {
		struct futex_waiter *next = TAILQ_NEXT(w, link);

		if (futex_same_key(&w->key, &kf)) {
			if (w->pi || w->to_pi) {
				err = -EINVAL;
				goto out;
			}
			futex_move(bf, bt, w, &kt);
			moved++;
		}
		w = next;
	}
	err = woken + moved;
out:
	futex_unlock_two(bf, bt);
	return err;
}

s64 futex_requeue(const struct futex_pair *pair, s32 wake, s32 requeue, const u32 *expected)
{
	s64 r;

	do
		r = try_requeue(pair, wake, requeue, expected);
	while (r == -ENOMEM && !(r = wait_for_page(pair->from)));
	return r;
}

u32 *futex_pin(uva addr, struct user_segs **segs)
{
	*segs = user_segs_new();
	if (!*segs)
		return NULL;
	if (user_segs_add(*segs, addr, sizeof(u32), true)) {
		user_segs_put(*segs);
		return NULL;
	}
	return phys_to_virt((*segs)->array[0].gpa);
}

static s32 op_field(u32 op, unsigned shift)
{
	return (s32)(op << (20 - shift)) >> 20; /* 12 bits, signed */
}

/* futex(2), FUTEX_WAKE_OP: op is one that this kernel has. */
static bool is_wake_op(u32 op)
{
	return (op >> 28 & 7) <= FUTEX_OP_XOR && (op >> 24 & 15) <= FUTEX_OP_CMP_GE;
}

/* Changes the word. Returns whether the old value passes the test. */
static bool wake_op(u32 *word, u32 op)
{
	s32 oparg = op_field(op, 12);
	s32 cmparg = op_field(op, 0);
	unsigned kind = op >> 28 & 7;
	unsigned test = op >> 24 & 15;
	u32 old, new;
	s32 before;

	if (op >> 31 & 1) /* FUTEX_OP_OPARG_SHIFT */
		oparg = (s32)(1U << (oparg & 31));
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	do {
		switch (kind) {
		case FUTEX_OP_SET:
			new = (u32)oparg;
			break;
		case FUTEX_OP_ADD:
			new = old + (u32)oparg;
			break;
		case FUTEX_OP_OR:
			new = old | (u32)oparg;
			break;
		case FUTEX_OP_ANDN:
			new = old & ~(u32)oparg;
			break;
		default:
			new = old ^ (u32)oparg;
			break;
		}
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	before = (s32)old;
	switch (test) {
	case FUTEX_OP_CMP_EQ:
		return before == cmparg;
	case FUTEX_OP_CMP_NE:
		return before != cmparg;
	case FUTEX_OP_CMP_LT:
		return before < cmparg;
	case FUTEX_OP_CMP_GE:
		return before >= cmparg;
	case FUTEX_OP_CMP_LE:
		return before <= cmparg;
	default:
		return before > cmparg;
	}
}

static s64 futex_wake_op(uva addr, uva addr2, bool shared, s32 wake, s32 wake2, u32 op)
{
	struct futex_bucket *b, *b2;
	struct futex_key k, k2;
	struct user_segs *segs;
	u32 *word;
	bool both;
	s64 result;
	int err = futex_key_of(&k, addr, shared);

	if (!err)
		err = futex_key_of(&k2, addr2, shared);
	if (err)
		return err;
	if (!is_wake_op(op))
		return -ENOSYS;
	word = futex_pin(addr2, &segs);
	if (!word)
		return -EFAULT;
	b = futex_bucket_of(&k);
	b2 = futex_bucket_of(&k2);
	futex_lock_two(b, b2);
	both = wake_op(word, op);
	result = wake_key(b, &k, (u32)MAX(wake, 1), FUTEX_BITSET_MATCH_ANY);
	if (both && result >= 0) {
		s32 second = wake_key(b2, &k2, (u32)MAX(wake2, 1), FUTEX_BITSET_MATCH_ANY);

		result = second < 0 ? second : result + second;
	}
	futex_unlock_two(b, b2);
	user_segs_put(segs);
	return result;
}

DEFINE_SYSCALL6(futex, uva, uaddr, u32, op, u32, val, uva, timeout, uva, uaddr2, u32, val3)
{
	unsigned cmd = op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	bool realtime = op & FUTEX_CLOCK_REALTIME;
	const struct futex_pair pair = {uaddr, uaddr2, shared, shared};
	u64 deadline = 0;
	int err;

	if (realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI &&
	    cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (timeout && (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI ||
			cmd == FUTEX_LOCK_PI2 || cmd == FUTEX_WAIT_REQUEUE_PI)) {
		err = futex_deadline(&deadline, timeout, cmd != FUTEX_WAIT,
				     realtime || cmd == FUTEX_LOCK_PI);
		if (err)
			return err;
	}
	switch (cmd) {
	case FUTEX_WAIT:
		val3 = FUTEX_BITSET_MATCH_ANY;
		/* fallthrough */
	case FUTEX_WAIT_BITSET:
		return futex_wait(uaddr, shared, val, deadline, val3);
	case FUTEX_WAKE:
		val3 = FUTEX_BITSET_MATCH_ANY;
		/* fallthrough */
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, shared, (u32)MAX((s32)val, 1), val3);
	case FUTEX_REQUEUE:
		return futex_requeue(&pair, (s32)val, (s32)timeout, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(&pair, (s32)val, (s32)timeout, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, shared, (s32)val, (s32)timeout, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(uaddr, shared, deadline, false);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, shared, 0, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr, shared);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(&pair, val, deadline);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(&pair, (s32)val, (s32)timeout, val3);
	default:
		return -ENOSYS;
	}
}

DEFINE_SYSCALL2(set_robust_list, uva, head, u64, len)
{
	if (len != sizeof(struct robust_list_head))
		return -EINVAL;
	current()->robust_list = head;
	return 0;
}

DEFINE_SYSCALL3(get_robust_list, int, tid, uva, head, uva, len)
{
	struct thread *t;
	u64 list = 0;

	mutex_lock(&task_lock);
	t = thread_find(tid);
	if (t)
		list = t->robust_list;
	mutex_unlock(&task_lock);
	if (!t)
		return process_missing(tid);
	if (put_user((u64)sizeof(struct robust_list_head), len) || put_user(list, head))
		return -EFAULT;
	return 0;
}

/*
 * Marks a robust lock whose owner tid has ended, and wakes one waiter. For a lock with an owner
 * (pi), futex_pi_exit gives the word to a waiter instead. pending: the thread was about to take or
 * release the lock, and may have released it without waking a waiter.
 */
static void bury(uva addr, u32 tid, bool pi, bool pending)
{
	struct user_segs *segs;
	u32 *word, old;

	if (!IS_ALIGNED(addr, sizeof(u32)))
		return;
	word = futex_pin(addr, &segs);
	if (!word)
		return;
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	while ((old & FUTEX_TID_MASK) == tid &&
	       !__atomic_compare_exchange_n(word, &old, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED,
					    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	user_segs_put(segs);
	if (!pi && (((old & FUTEX_TID_MASK) == tid && (old & FUTEX_WAITERS)) || (pending && !old)))
		futex_wake_user(addr, 1);
}

/* Bit 0 of a pointer in a list marks a lock with an owner (futex_pi.c). */
#define ROBUST_PI 1UL

static void bury_all(struct thread *t)
{
	struct robust_list_head head;
	u64 entry, pending;

	if (t->robust_list == 0 || get_user(&head, t->robust_list))
		return;
	pending = (u64)head.list_op_pending;
	entry = (u64)head.list.next;
	for (unsigned n = 0; n < ROBUST_LIST_LIMIT && (entry & ~ROBUST_PI) != t->robust_list; n++) {
		u64 at = entry & ~ROBUST_PI, next;
		int err = get_user(&next, at);

		if (at != (pending & ~ROBUST_PI))
			bury(at + (u64)head.futex_offset, (u32)t->tid, entry & ROBUST_PI, false);
		if (err)
			break;
		entry = next;
	}
	if (pending & ~ROBUST_PI)
		bury((pending & ~ROBUST_PI) + (u64)head.futex_offset, (u32)t->tid,
		     pending & ROBUST_PI, true);
}

void futex_exit(struct thread *t)
{
	bury_all(t);
	t->robust_list = 0;
	futex_pi_exit(t);
}
