// SPDX-License-Identifier: MIT
/*
 * futex(2): threads sleep on a word of their program's memory.
 *
 * A waiter stands in the queue of its key's bucket and sleeps, in the host, on a word of its own
 * (struct waiter, on its kernel stack); whoever takes it out of the queue sets that word and wakes
 * it. The bucket's lock makes "compare, then queue" one step for every waker. Keys: a word in a
 * shared mapping is named by file and offset, any other by address space and address, so both are
 * the same whatever page is behind them at the moment (copy-on-write changes it).
 *
 * Lock order: a bucket (the lower address first where two are taken) > mm.lock. Inside task_lock.
 * Priority inheritance is refused with ENOSYS: it would be the host scheduler's to give.
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/hostcall.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/mm/window.h"
#include "kernel/signal/signal.h"
#include "kernel/task/futex.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"

#include <linux/futex.h>

struct key {
	u64 space; /* struct mm *, or inode */
	u64 dev;   /* of a shared mapping's file; 0 with an mm */
	u64 at;	   /* address, or offset in the file */
};

struct bucket {
	struct mutex lock;
	TAILQ_HEAD(, waiter) waiters;
};

struct waiter {
	TAILQ_ENTRY(waiter) link;
	struct key key;
	struct bucket *bucket; /* where it stands; changed by requeueing, under both locks */
	u32 bitset;
	u32 woken; /* the word it sleeps on: 1 when it was taken out of the queue */
};

#define BUCKETS 256
static struct bucket buckets[BUCKETS];

void futex_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		TAILQ_INIT(&buckets[i].waiters);
		mutex_init(&buckets[i].lock, LOCK_FUTEX);
	}
}

static bool same_key(const struct key *a, const struct key *b)
{
	return a->space == b->space && a->dev == b->dev && a->at == b->at;
}

static struct bucket *bucket_of(const struct key *k)
{
	u64 h = (k->space ^ k->dev << 32 ^ k->at >> 2) * 0x9e3779b97f4a7c15UL;

	return &buckets[h >> 56];
}
_Static_assert(BUCKETS == 1 << (64 - 56), "the hash's top byte");

/* -EINVAL: not aligned; -EFAULT: not the program's; a private key needs no mapping there. */
static int make_key(struct key *k, uva addr, bool shared)
{
	struct mm *mm = current_mm();
	struct vma *v;
	int err = 0;

	if (!IS_ALIGNED(addr, sizeof(u32)))
		return -EINVAL;
	if (addr >= USER_TOP)
		return -EFAULT;
	*k = (struct key){.space = (u64)mm, .at = addr};
	if (!shared)
		return 0;
	mutex_lock(&mm->lock);
	v = vma_find(mm, addr);
	if (!v || v->start > addr)
		err = -EFAULT;
	else if ((v->flags & VMA_SHARED) && vma_window(v))
		*k = (struct key){
			.space = vma_window(v)->ino,
			.dev = vma_window(v)->dev | 1UL << 63, /* never 0 */
			.at = v->offset + (addr - v->start),
		};
	mutex_unlock(&mm->lock);
	return err;
}

UNCHECKED_LOCKING static void lock_two(struct bucket *a, struct bucket *b)
{
	mutex_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		mutex_lock(a < b ? &b->lock : &a->lock);
}

UNCHECKED_LOCKING static void unlock_two(struct bucket *a, struct bucket *b)
{
	mutex_unlock(&a->lock);
	if (a != b)
		mutex_unlock(&b->lock);
}

/* Out of the queue and awake. The bucket's lock keeps w alive until both is done. */
static void wake_waiter(struct bucket *b, struct waiter *w)
{
	ASSERT_HELD(&b->lock);
	TAILQ_REMOVE(&b->waiters, w, link);
	__atomic_store_n(&w->woken, 1, __ATOMIC_RELEASE);
	hc_wake(virt_to_phys(&w->woken), 1);
}

/* At most count waiters of the key; how many it were. Lock of b held. */
static u32 wake_key(struct bucket *b, const struct key *k, u32 count, u32 bitset)
{
	struct waiter *w = TAILQ_FIRST(&b->waiters);
	u32 woken = 0;

	ASSERT_HELD(&b->lock);
	while (w && woken < count) {
		struct waiter *next = TAILQ_NEXT(w, link);

		if (same_key(&w->key, k) && (w->bitset & bitset)) {
			wake_waiter(b, w);
			woken++;
		}
		w = next;
	}
	return woken;
}

static s64 futex_wake(uva addr, bool shared, u32 count, u32 bitset)
{
	struct bucket *b;
	struct key k;
	u32 woken;
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = make_key(&k, addr, shared);
	if (err)
		return err;
	b = bucket_of(&k);
	mutex_lock(&b->lock);
	woken = wake_key(b, &k, count, bitset);
	mutex_unlock(&b->lock);
	return woken;
}

void futex_wake_user(u64 addr, u32 count)
{
	futex_wake(addr, true, count, FUTEX_BITSET_MATCH_ANY);
}

/* Takes w out of the queue it is in; false: a waker did. */
static bool dequeue(struct waiter *w)
{
	for (;;) {
		struct bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);
		bool queued;

		mutex_lock(&b->lock);
		if (b != w->bucket) { /* requeued meanwhile */
			mutex_unlock(&b->lock);
			continue;
		}
		queued = !w->woken;
		if (queued)
			TAILQ_REMOVE(&b->waiters, w, link);
		mutex_unlock(&b->lock);
		return queued;
	}
}

/* Compares and queues. 0, -EAGAIN where the word has another value, -EFAULT. */
static int enqueue(struct waiter *w, uva addr, u32 value)
{
	struct bucket *b = bucket_of(&w->key);
	u32 now;
	int err = 0;

	mutex_lock(&b->lock);
	if (get_user(&now, addr))
		err = -EFAULT;
	else if (now != value)
		err = -EAGAIN;
	if (!err) {
		w->bucket = b;
		TAILQ_INSERT_TAIL(&b->waiters, w, link);
	}
	mutex_unlock(&b->lock);
	return err;
}

/* Sleeps until woken, or until the deadline (clock_monotonic_ns; 0: none), or a signal. */
static s64 sleep_in_queue(struct waiter *w, u64 deadline)
{
	u64 gpa = virt_to_phys(&w->woken);
	s64 err;

	while (!__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE)) {
		s64 left = -1;

		if (deadline) {
			u64 now = clock_monotonic_ns();

			if (now >= deadline)
				return -ETIMEDOUT;
			left = (s64)(deadline - now);
		}
		signal_upcall();
		if (signal_pending())
			return -EINTR;
		err = hc_wait(gpa, 0, (u64)left);
		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -ETIMEDOUT)
			return err;
	}
	return 0;
}

static s64 futex_wait(uva addr, bool shared, u32 value, u64 deadline, u32 bitset)
{
	struct waiter w = {.bitset = bitset};
	struct thread *t = current();
	s64 result;
	int err;

	if (bitset == 0)
		return -EINVAL;
	err = make_key(&w.key, addr, shared);
	if (!err)
		err = enqueue(&w, addr, value);
	if (err)
		return err;
	result = sleep_in_queue(&w, deadline);
	if (!dequeue(&w))
		return 0; /* woken, whatever else happened meanwhile */
	if (result != -EINTR)
		return result;
	if (deadline == 0)
		return -ERESTARTSYS;
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

/*
 * The moment of CLOCK_MONOTONIC that a timeout means: a span, or a moment of that clock or of
 * CLOCK_REALTIME. A realtime clock that is set meanwhile is not followed.
 */
static int read_deadline(u64 *deadline, u64 timeout, bool absolute, bool realtime)
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

static s64 futex_requeue(u64 from, u64 to, bool shared, s32 wake, s32 requeue, const u32 *expected)
{
	struct bucket *bf, *bt;
	struct key kf, kt;
	struct waiter *w;
	s32 woken, moved = 0;
	int err;

	if (wake < 0 || requeue < 0)
		return -EINVAL;
	err = make_key(&kf, from, shared);
	if (!err)
		err = make_key(&kt, to, shared);
	if (err)
		return err;
	bf = bucket_of(&kf);
	bt = bucket_of(&kt);
	lock_two(bf, bt);
	if (expected) {
		u32 now;

		err = get_user(&now, from) ? -EFAULT : now != *expected ? -EAGAIN : 0;
		if (err)
			goto out;
	}
	woken = (s32)wake_key(bf, &kf, (u32)wake, FUTEX_BITSET_MATCH_ANY);
	w = same_key(&kf, &kt) ? NULL : TAILQ_FIRST(&bf->waiters);
	while (w && moved < requeue) {
		struct waiter *next = TAILQ_NEXT(w, link);

		if (same_key(&w->key, &kf)) {
			TAILQ_REMOVE(&bf->waiters, w, link);
			w->key = kt;
			__atomic_store_n(&w->bucket, bt, __ATOMIC_RELEASE);
			TAILQ_INSERT_TAIL(&bt->waiters, w, link);
			moved++;
		}
		w = next;
	}
	err = woken + moved;
out:
	unlock_two(bf, bt);
	return err;
}

/*
 * A word of the program that is written in one step with other threads' accesses: its page is
 * pinned, and used through the physmap. Undo with user_segs_put.
 */
static u32 *pin_word(uva addr, struct user_segs **segs)
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

/* futex(2), FUTEX_WAKE_OP: changes the word and says whether the old value passes the test. */
static int wake_op(uva addr, u32 op)
{
	s32 oparg = op_field(op, 12);
	s32 cmparg = op_field(op, 0);
	unsigned kind = op >> 28 & 7;
	unsigned test = op >> 24 & 15;
	struct user_segs *segs;
	u32 *word, old, new;
	s32 before;

	if (op >> 31 & 1) /* FUTEX_OP_OPARG_SHIFT */
		oparg = (s32)(1U << (oparg & 31));
	if (kind > FUTEX_OP_XOR || test > FUTEX_OP_CMP_GE)
		return -ENOSYS;
	word = pin_word(addr, &segs);
	if (!word)
		return -EFAULT;
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
	user_segs_put(segs);
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
	struct bucket *b, *b2;
	struct key k, k2;
	s64 result;
	int err = make_key(&k, addr, shared);

	if (!err)
		err = make_key(&k2, addr2, shared);
	if (err)
		return err;
	b = bucket_of(&k);
	b2 = bucket_of(&k2);
	lock_two(b, b2);
	err = wake_op(addr2, op);
	result = err;
	if (err >= 0) {
		result = wake_key(b, &k, (u32)MAX(wake, 1), FUTEX_BITSET_MATCH_ANY);
		if (err)
			result += wake_key(b2, &k2, (u32)MAX(wake2, 1), FUTEX_BITSET_MATCH_ANY);
	}
	unlock_two(b, b2);
	return result;
}

DEFINE_SYSCALL6(futex, uva, uaddr, u32, op, u32, val, uva, timeout, uva, uaddr2, u32, val3)
{
	unsigned cmd = op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG);
	bool realtime = op & FUTEX_CLOCK_REALTIME;
	u64 deadline = 0;
	int err;

	if (realtime && cmd != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		val3 = FUTEX_BITSET_MATCH_ANY;
		/* fallthrough */
	case FUTEX_WAIT_BITSET:
		if (timeout) {
			err = read_deadline(&deadline, timeout, cmd == FUTEX_WAIT_BITSET, realtime);
			if (err)
				return err;
		}
		current()->restart.fn = wait_again;
		return futex_wait(uaddr, shared, val, deadline, val3);
	case FUTEX_WAKE:
		val3 = FUTEX_BITSET_MATCH_ANY;
		/* fallthrough */
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, shared, (u32)MAX((s32)val, 1), val3);
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, uaddr2, shared, (s32)val, (s32)timeout, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, uaddr2, shared, (s32)val, (s32)timeout, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, shared, (s32)val, (s32)timeout, val3);
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
		return -ESRCH;
	if (put_user((u64)sizeof(struct robust_list_head), len) || put_user(list, head))
		return -EFAULT;
	return 0;
}

/* The owner of this lock is dead: mark it, and let one waiter see it. */
static void bury(uva addr, u32 tid)
{
	struct user_segs *segs;
	u32 *word, old;

	if (!IS_ALIGNED(addr, sizeof(u32)))
		return;
	word = pin_word(addr, &segs);
	if (!word)
		return;
	old = __atomic_load_n(word, __ATOMIC_RELAXED);
	while ((old & FUTEX_TID_MASK) == tid &&
	       !__atomic_compare_exchange_n(word, &old, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED,
					    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	user_segs_put(segs);
	if ((old & FUTEX_TID_MASK) == tid && (old & FUTEX_WAITERS))
		futex_wake_user(addr, 1);
}

void futex_exit(struct thread *t)
{
	struct robust_list_head head;
	u64 entry, pending;

	if (t->robust_list == 0 || get_user(&head, t->robust_list))
		return;
	/* Bit 0 of a pointer marks a priority-inheriting lock: there are none. */
	pending = (u64)head.list_op_pending & ~1UL;
	entry = (u64)head.list.next & ~1UL;
	for (unsigned n = 0; n < ROBUST_LIST_LIMIT && entry != t->robust_list; n++) {
		u64 next;
		int err = get_user(&next, entry);

		if (entry != pending)
			bury(entry + (u64)head.futex_offset, (u32)t->tid);
		if (err)
			break;
		entry = next & ~1UL;
	}
	if (pending)
		bury(pending + (u64)head.futex_offset, (u32)t->tid);
	t->robust_list = 0;
}
