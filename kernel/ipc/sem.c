// SPDX-License-Identifier: MIT
/*
 * System V semaphores: semget(2), semop(2), semctl(2).
 *
 * Operations that cannot be done at once wait in the set's queue, in the order in which they came,
 * and each sleeps on a word of its own. A thread that changes a value tries all waiting operations
 * on behalf of their threads, from the first one. So a thread that is woken has nothing left to do.
 *
 * Adjustments (SEM_UNDO) are in a list of the process, with one entry for each set. Processes that
 * share a list by CLONE_SYSVSEM have it together. sets.lock guards everything; only the heap's lock
 * is taken inside.
 */
#include <asm/sembuf.h>
#include <linux/sem.h>
#include "kernel/define_syscall.h"
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/wait.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc_text.h"
#include "kernel/task/process.h"
#include "kernel/task/task_needs.h"
#include "kernel/time/clock.h"

#define ADJUST_MAX SEMAEM
#define ADJUST_MIN (-SEMAEM - 1)
#define OPS_FEW	   8 /* on the stack */

struct sem {
	s32 value;
	s32 pid; /* the process that changed or tested it last: GETPID */
};

/* The entry of a list of adjustments for one set. */
struct sem_undo {
	LIST_ENTRY(sem_undo) of_list, of_set;
	struct sem_set *set;
	short adjust[]; /* one for each semaphore */
};

struct sem_undos {
	u32 users; /* processes */
	LIST_HEAD(, sem_undo) list;
};

struct sem_set {
	struct ipc_perm_k perm; /* first: the table points to it */
	s64 otime, ctime;
	u32 count;
	LIST_HEAD(, sem_undo) undos;
	TAILQ_HEAD(, sem_wait) waiting;
	struct sem sem[];
};

struct sem_wait {
	TAILQ_ENTRY(sem_wait) link;
	const struct sembuf *ops, *blocked; /* all operations; the one that cannot be done */
	u32 count;
	struct sem_undo *undo; /* NULL: no operation has SEM_UNDO */
	s32 pid;
	u32 woken;
	int result; /* when woken */
};

static struct ipc_table sets = IPC_TABLE_INIT(SEMMNI, LOCK_SEM);
static u32 semaphores; /* in all sets */

/* -- Operations -------------------------------------------------------------------------------- */

static void take_back(struct sem_set *set, struct sem_wait *w, u32 done)
{
	while (done-- > 0) {
		const struct sembuf *op = &w->ops[done];

		set->sem[op->sem_num].value -= op->sem_op;
		if (op->sem_flg & SEM_UNDO)
			w->undo->adjust[op->sem_num] += op->sem_op;
	}
}

/*
 * Does all operations or none. Returns 0, 1 if w->blocked has to wait, -EAGAIN if it must not wait,
 * or -ERANGE.
 */
static int try_ops(struct sem_set *set, struct sem_wait *w)
{
	for (u32 i = 0; i < w->count; i++) {
		const struct sembuf *op = &w->ops[i];
		struct sem *sem = &set->sem[op->sem_num];
		int err = 0, adjust;

		if (op->sem_op == 0 ? sem->value != 0 : sem->value + op->sem_op < 0) {
			w->blocked = op;
			err = op->sem_flg & IPC_NOWAIT ? -EAGAIN : 1;
		} else if (sem->value + op->sem_op > SEMVMX) {
			err = -ERANGE;
		} else if (op->sem_flg & SEM_UNDO) {
			adjust = w->undo->adjust[op->sem_num] - op->sem_op;
			if (adjust < ADJUST_MIN || adjust > ADJUST_MAX)
				err = -ERANGE;
			else
				w->undo->adjust[op->sem_num] = (short)adjust;
		}
		if (err) {
			take_back(set, w, i);
			return err;
		}
		sem->value += op->sem_op;
	}
	for (u32 i = 0; i < w->count; i++)
		set->sem[w->ops[i].sem_num].pid = w->pid;
	return 0;
}

static bool alters(const struct sem_wait *w)
{
	for (u32 i = 0; i < w->count; i++)
		if (w->ops[i].sem_op)
			return true;
	return false;
}

static void wake(struct sem_set *set, struct sem_wait *w, int result)
{
	TAILQ_REMOVE(&set->waiting, w, link);
	w->result = result;
	ipc_wake(&w->woken);
}

/* Values have changed: does all waiting operations that are possible now. */
static void update(struct sem_set *set)
{
	struct sem_wait *w, *next;

	for (w = TAILQ_FIRST(&set->waiting); w; w = next) {
		int result = try_ops(set, w);

		next = TAILQ_NEXT(w, link);
		if (result > 0)
			continue;
		if (result == 0)
			set->otime = ipc_now();
		/* An operation before it may be possible now. */
		if (result == 0 && alters(w)) {
			wake(set, w, result);
			next = TAILQ_FIRST(&set->waiting);
		} else {
			wake(set, w, result);
		}
	}
}

/* -- Adjustments ------------------------------------------------------------------------------- */

static struct sem_undo *find_undo(struct sem_undos *undos, const struct sem_set *set)
{
	struct sem_undo *u;

	LIST_FOREACH (u, &undos->list, of_list)
		if (u->set == set)
			return u;
	return NULL;
}

static struct sem_undos *undos_of(struct process *p)
{
	if (!p->sem_undos) {
		p->sem_undos = kzalloc(sizeof(*p->sem_undos));
		if (p->sem_undos)
			p->sem_undos->users = 1;
	}
	return p->sem_undos;
}

/* Returns the running process's entry for the set, or NULL if memory is short. */
static struct sem_undo *make_undo(struct sem_set *set)
{
	struct sem_undos *undos = undos_of(current_process());
	struct sem_undo *u = undos ? find_undo(undos, set) : NULL;

	if (u || !undos)
		return u;
	u = kzalloc(sizeof(*u) + set->count * sizeof(u->adjust[0]));
	if (!u)
		return NULL;
	u->set = set;
	LIST_INSERT_HEAD(&undos->list, u, of_list);
	LIST_INSERT_HEAD(&set->undos, u, of_set);
	return u;
}

static void free_undo(struct sem_undo *u)
{
	LIST_REMOVE(u, of_list);
	LIST_REMOVE(u, of_set);
	kfree(u);
}

int sem_share(struct process *child, struct process *p)
{
	struct sem_undos *undos;

	mutex_lock(&sets.lock);
	undos = undos_of(p);
	if (undos)
		undos->users++;
	child->sem_undos = undos;
	mutex_unlock(&sets.lock);
	return undos ? 0 : -ENOMEM;
}

/* semop(2), BUGS: an adjustment that would leave the valid range goes as far as it can. */
static void adjust(struct sem_set *set, const struct sem_undo *u, s32 pid)
{
	for (u32 i = 0; i < set->count; i++) {
		struct sem *sem = &set->sem[i];

		if (!u->adjust[i])
			continue;
		sem->value = MIN(MAX(sem->value + u->adjust[i], 0), SEMVMX);
		sem->pid = pid;
	}
	set->otime = ipc_now();
	update(set);
}

void sem_exit(struct process *p)
{
	struct sem_undos *undos = p->sem_undos;
	struct sem_undo *u;

	if (!undos)
		return;
	mutex_lock(&sets.lock);
	p->sem_undos = NULL;
	if (--undos->users == 0) {
		while ((u = LIST_FIRST(&undos->list))) {
			struct sem_set *set = u->set;

			adjust(set, u, p->pid);
			free_undo(u);
		}
		kfree(undos);
	}
	mutex_unlock(&sets.lock);
}

static void forget_adjustments(struct sem_set *set, u32 first, u32 count)
{
	struct sem_undo *u;

	LIST_FOREACH (u, &set->undos, of_set)
		memset(&u->adjust[first], 0, count * sizeof(u->adjust[0]));
}

/* -- semget, semop ----------------------------------------------------------------------------- */

static s32 create(s32 key, u32 count, u32 flags)
{
	struct sem_set *set;
	s32 id;

	if (count == 0)
		return -EINVAL;
	if (semaphores + count > SEMMNS)
		return -ENOSPC;
	set = kzalloc(sizeof(*set) + count * sizeof(set->sem[0]));
	if (!set)
		return -ENOMEM;
	id = ipc_add(&sets, &set->perm, key, flags);
	if (id < 0) {
		kfree(set);
		return id;
	}
	set->count = count;
	set->ctime = ipc_now();
	LIST_INIT(&set->undos);
	TAILQ_INIT(&set->waiting);
	semaphores += count;
	return id;
}

DEFINE_SYSCALL3(semget, s32, key, s32, count, u32, flags)
{
	struct sem_set *set;
	int err;

	if (count < 0 || count > SEMMSL)
		return -EINVAL;
	mutex_lock(&sets.lock);
	set = ipc_get(&sets, key, flags, &err);
	if (set && (u32)count > set->count)
		err = -EINVAL;
	else if (set)
		err = ipc_allowed(&set->perm, flags) ? set->perm.id : -EACCES;
	else if (!err)
		err = create(key, (u32)count, flags);
	mutex_unlock(&sets.lock);
	return err;
}

/*
 * Checks the operations against the set and gets the entry for their adjustments. Returns 0 or
 * -errno.
 */
static int check_ops(struct sem_set *set, struct sem_wait *w)
{
	u32 highest = 0;
	bool undo = false;

	for (u32 i = 0; i < w->count; i++) {
		highest = MAX(highest, (u32)w->ops[i].sem_num);
		undo |= w->ops[i].sem_flg & SEM_UNDO;
	}
	if (!set)
		return -EINVAL;
	if (highest >= set->count)
		return -EFBIG;
	if (!ipc_allowed(&set->perm, alters(w) ? IPC_WRITE : IPC_READ))
		return -EACCES;
	if (undo)
		w->undo = make_undo(set);
	return undo && !w->undo ? -ENOMEM : 0;
}

static s64 operate(s32 id, const struct sembuf *ops, u32 count, u64 deadline)
{
	struct sem_wait w = {.ops = ops, .count = count, .pid = current_process()->pid};
	struct sem_set *set;
	s64 err;

	mutex_lock(&sets.lock);
	set = ipc_find(&sets, id);
	err = check_ops(set, &w);
	if (!err)
		err = try_ops(set, &w);
	if (err == 0) {
		set->otime = ipc_now();
		if (alters(&w))
			update(set);
	}
	if (err <= 0) {
		mutex_unlock(&sets.lock);
		return err;
	}
	TAILQ_INSERT_TAIL(&set->waiting, &w, link);
	mutex_unlock(&sets.lock);
	err = ipc_sleep(&w.woken, deadline);
	mutex_lock(&sets.lock);
	/* If the thread was not woken, the set still exists. */
	if (w.woken)
		err = w.result;
	else
		TAILQ_REMOVE(&set->waiting, &w, link);
	mutex_unlock(&sets.lock);
	return err == -ETIMEDOUT ? -EAGAIN : err;
}

static s64 operate_user(s32 id, uva user_ops, u64 count, u64 deadline)
{
	struct sembuf few[OPS_FEW], *ops = few;
	s64 err;

	if (count < 1 || id < 0)
		return -EINVAL;
	if (count > SEMOPM)
		return -E2BIG;
	if (count > OPS_FEW)
		ops = kmalloc(count * sizeof(*ops));
	if (!ops)
		return -ENOMEM;
	err = copy_from_user(ops, user_ops, count * sizeof(*ops));
	if (!err)
		err = operate(id, ops, (u32)count, deadline);
	if (ops != few)
		kfree(ops);
	return err;
}

DEFINE_SYSCALL3(semop, s32, id, uva, ops, u64, count)
{
	return operate_user(id, ops, (u32)count, IPC_FOREVER);
}

DEFINE_SYSCALL4(semtimedop, s32, id, uva, ops, u64, count, uva, timeout)
{
	struct __kernel_timespec ts;
	u64 deadline = IPC_FOREVER;
	s64 span;

	if (timeout) {
		if (get_user(&ts, timeout))
			return -EFAULT;
		span = clock_from_timespec(&ts);
		if (span < 0)
			return -EINVAL;
		deadline = clock_monotonic_ns() + (u64)span;
	}
	return operate_user(id, ops, (u32)count, deadline);
}

/* -- semctl ------------------------------------------------------------------------------------ */

static s64 info(u32 cmd, uva out)
{
	struct seminfo i = {
		.semmap = SEMMAP,
		.semmni = SEMMNI,
		.semmns = SEMMNS,
		.semmnu = SEMMNU,
		.semmsl = SEMMSL,
		.semopm = SEMOPM,
		.semume = SEMUME,
		.semusz = SEMUSZ,
		.semvmx = SEMVMX,
		.semaem = SEMAEM,
	};
	s32 highest;

	mutex_lock(&sets.lock);
	if (cmd == SEM_INFO) {
		i.semusz = (s32)sets.used;
		i.semaem = (s32)semaphores;
	}
	highest = ipc_highest(&sets);
	mutex_unlock(&sets.lock);
	return put_user(i, out) ? -EFAULT : highest;
}

/* IPC_STAT, SEM_STAT, SEM_STAT_ANY. */
static s64 stat(s32 id, u32 cmd, uva out)
{
	struct semid64_ds ds = {0};
	struct sem_set *set;
	s64 result = 0;

	mutex_lock(&sets.lock);
	set = cmd == IPC_STAT ? ipc_find(&sets, id) : ipc_at(&sets, id);
	if (!set) {
		result = -EINVAL;
	} else if (cmd != SEM_STAT_ANY && !ipc_allowed(&set->perm, IPC_READ)) {
		result = -EACCES;
	} else {
		ds.sem_perm = ipc_stat(&set->perm);
		ds.sem_otime = set->otime;
		ds.sem_ctime = set->ctime;
		ds.sem_nsems = set->count;
		result = cmd == IPC_STAT ? 0 : set->perm.id;
	}
	mutex_unlock(&sets.lock);
	return result >= 0 && put_user(ds, out) ? -EFAULT : result;
}

static void destroy(struct sem_set *set)
{
	struct sem_wait *w;
	struct sem_undo *u;

	while ((u = LIST_FIRST(&set->undos)))
		free_undo(u);
	while ((w = TAILQ_FIRST(&set->waiting)))
		wake(set, w, -EIDRM);
	ipc_remove(&sets, &set->perm);
	semaphores -= set->count;
	kfree(set);
}

/* IPC_SET, IPC_RMID. */
static s64 change(s32 id, u32 cmd, uva arg)
{
	struct semid64_ds ds;
	struct sem_set *set;
	s64 err = 0;

	if (cmd == IPC_SET && get_user(&ds, arg))
		return -EFAULT;
	mutex_lock(&sets.lock);
	set = ipc_find(&sets, id);
	if (!set)
		err = -EINVAL;
	else if (!ipc_owned(&set->perm))
		err = -EPERM;
	else if (cmd == IPC_RMID)
		destroy(set);
	else
		err = ipc_set(&set->perm, &ds.sem_perm);
	if (!err && cmd == IPC_SET)
		set->ctime = ipc_now();
	mutex_unlock(&sets.lock);
	return err;
}

/* Returns how many operations wait for this semaphore to grow, or with zero to become 0. */
static s64 waiters(const struct sem_set *set, u32 n, bool zero)
{
	const struct sem_wait *w;
	s64 count = 0;

	TAILQ_FOREACH (w, &set->waiting, link)
		if (w->blocked->sem_num == n && (w->blocked->sem_op == 0) == zero)
			count++;
	return count;
}

/* GETVAL, GETPID, GETNCNT, GETZCNT, SETVAL. sets.lock is held. */
static s64 one(struct sem_set *set, u32 n, u32 cmd, s32 value)
{
	ASSERT_HELD(&sets.lock);
	switch (cmd) {
	case GETVAL:
		return set->sem[n].value;
	case GETPID:
		return set->sem[n].pid;
	case GETNCNT:
		return waiters(set, n, false);
	case GETZCNT:
		return waiters(set, n, true);
	default:
		set->sem[n].value = value;
		set->sem[n].pid = current_process()->pid;
		forget_adjustments(set, n, 1);
		set->ctime = ipc_now();
		update(set);
		return 0;
	}
}

static s64 one_checked(s32 id, s32 n, u32 cmd, s32 value)
{
	struct sem_set *set;
	s64 result;

	if (cmd == SETVAL && (value < 0 || value > SEMVMX))
		return -ERANGE;
	mutex_lock(&sets.lock);
	set = ipc_find(&sets, id);
	if (!set || (cmd == SETVAL && (n < 0 || (u32)n >= set->count)))
		result = -EINVAL;
	else if (!ipc_allowed(&set->perm, cmd == SETVAL ? IPC_WRITE : IPC_READ))
		result = -EACCES;
	else if (n < 0 || (u32)n >= set->count)
		result = -EINVAL;
	else
		result = one(set, (u32)n, cmd, value);
	mutex_unlock(&sets.lock);
	return result;
}

/*
 * Checks a GETALL or SETALL. count: the size of the set that the caller has memory for; 0 is any
 * size. Returns 0 or -errno. sets.lock is held.
 */
static s64 check_all(struct sem_set *set, u32 cmd, u32 count)
{
	ASSERT_HELD(&sets.lock);
	if (!set)
		return -EINVAL;
	if (!ipc_allowed(&set->perm, cmd == SETALL ? IPC_WRITE : IPC_READ))
		return -EACCES;
	return count && set->count != count ? -EIDRM : 0;
}

static s64 set_all(struct sem_set *set, const u16 *value)
{
	for (u32 i = 0; i < set->count; i++)
		if (value[i] > SEMVMX)
			return -ERANGE;
	for (u32 i = 0; i < set->count; i++) {
		set->sem[i].value = value[i];
		set->sem[i].pid = current_process()->pid;
	}
	forget_adjustments(set, 0, set->count);
	set->ctime = ipc_now();
	update(set);
	return 0;
}

static s64 all(s32 id, u32 cmd, uva arg)
{
	struct sem_set *set;
	u32 count = 0;
	u16 *value;
	s64 err;

	mutex_lock(&sets.lock);
	set = ipc_find(&sets, id);
	err = check_all(set, cmd, 0);
	if (!err)
		count = set->count;
	mutex_unlock(&sets.lock);
	if (err)
		return err;
	value = kmalloc(count * sizeof(*value));
	if (!value)
		return -ENOMEM;
	if (cmd == SETALL)
		err = copy_from_user(value, arg, count * sizeof(*value));
	mutex_lock(&sets.lock);
	set = ipc_find(&sets, id);
	/* The set may have been removed meanwhile. */
	if (!err)
		err = set ? check_all(set, cmd, count) : -EIDRM;
	if (!err && cmd == SETALL)
		err = set_all(set, value);
	for (u32 i = 0; !err && cmd == GETALL && i < count; i++)
		value[i] = (u16)set->sem[i].value;
	mutex_unlock(&sets.lock);
	if (!err && cmd == GETALL)
		err = copy_to_user(arg, value, count * sizeof(*value));
	kfree(value);
	return err;
}

DEFINE_SYSCALL4(semctl, s32, id, s32, n, u32, cmd, u64, arg)
{
	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return info(cmd, arg);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return stat(id, cmd, arg);
	case GETALL:
	case SETALL:
		return all(id, cmd, arg);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
	case SETVAL:
		return one_checked(id, n, cmd, (s32)arg);
	case IPC_SET:
	case IPC_RMID:
		return change(id, cmd, arg);
	default:
		return -EINVAL;
	}
}

/* /proc/sysvipc/sem: proc(5). */
void proc_text_sem(struct text *t, const struct proc_ctx *c)
{
	(void)c;
	text_printf(t, "       key      semid perms      nsems   uid   gid  cuid  cgid"
		       "      otime      ctime\n");
	mutex_lock(&sets.lock);
	for (u32 i = 0; i < sets.size; i++) {
		const struct sem_set *set = ipc_at(&sets, (s32)i);

		if (set)
			text_printf(t, "%10d %10d  %4o %10u %5u %5u %5u %5u %10ld %10ld\n",
				    set->perm.key, set->perm.id, set->perm.mode, set->count,
				    set->perm.uid, set->perm.gid, set->perm.cuid, set->perm.cgid,
				    set->otime, set->ctime);
	}
	mutex_unlock(&sets.lock);
}
