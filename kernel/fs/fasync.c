// SPDX-License-Identifier: MIT
/*
 * Files that send signals: signal-driven I/O, leases, F_NOTIFY. The host sends its signals to the
 * monitor, with the handle and the event, and the kernel sends signals to the owners. If the host
 * or the monitor had no space to queue a signal, the kernel polls all files with O_ASYNC, and sends
 * signals for those with input or an error. An owner may then get two signals for one event.
 *
 * A file may go (async_forget) under mm.lock, with its last mapping. So async_lock is taken inside
 * mm.lock and task_lock, and signals are sent after it is released.
 */
#include <linux/poll.h>
#include <linux/sockios.h>
#include "kernel/fs/fasync.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"

struct async {
	TAILQ_ENTRY(async) link; /* of wanted, while linked */
	struct ofile *file;
	bool linked;
	bool on;     /* O_ASYNC */
	bool leased; /* has a lease or an F_NOTIFY, which send signals without O_ASYNC */
	s32 type;    /* F_OWNER_* */
	s32 owner;   /* 0: none */
	s32 sig;     /* F_SETSIG; 0: SIGIO without siginfo */
	s32 fd;	     /* si_fd: the descriptor through which O_ASYNC or the lease was set */
	u64 round;   /* the last call of look_at_all that polled the file */
};

/* Guards all fields of struct async, and the files' pointers to one. */
static struct mutex async_lock = MUTEX_INIT(LOCK_ASYNC);
static TAILQ_HEAD(, async) wanted GUARDED_BY(async_lock) = TAILQ_HEAD_INITIALIZER(wanted);
static u64 rounds; /* calls of look_at_all; atomic */

/* Returns f->async, which it makes if there is none yet; NULL: no memory. */
static struct async *async_of(struct ofile *f)
{
	ASSERT_HELD(&async_lock);
	if (!f->async) {
		f->async = kzalloc(sizeof(*f->async));
		if (f->async) {
			f->async->file = f;
			f->async->type = F_OWNER_PID;
		}
	}
	return f->async;
}

/* Puts a into wanted, or takes it out, as on and leased say. */
static void link_wanted(struct async *a)
{
	bool link = a->on || a->leased;

	ASSERT_HELD(&async_lock);
	if (link && !a->linked)
		TAILQ_INSERT_HEAD(&wanted, a, link); /* a running look_at_all polls it, too */
	else if (!link && a->linked)
		TAILQ_REMOVE(&wanted, a, link);
	a->linked = link;
}

s64 async_set(struct ofile *f, s32 fd, bool on)
{
	struct async *a;

	if (!on && !READ_ONCE(f->async))
		return 0;
	mutex_lock(&async_lock);
	a = async_of(f);
	if (a && a->on != on) {
		a->on = on;
		a->fd = fd;
		link_wanted(a);
	}
	mutex_unlock(&async_lock);
	return a ? 0 : -ENOMEM;
}

s64 async_lease(struct ofile *f, s32 fd, bool on)
{
	struct async *a;

	if (!on && !READ_ONCE(f->async))
		return 0;
	mutex_lock(&async_lock);
	a = async_of(f);
	if (a) {
		/* The process that takes a lease becomes the owner unless F_SETOWN named one. */
		if (on && !a->owner)
			a->owner = current_process()->pid;
		if (on && !a->linked)
			a->fd = fd;
		a->leased = on;
		link_wanted(a);
	}
	mutex_unlock(&async_lock);
	return a ? 0 : -ENOMEM;
}

void async_forget(struct ofile *f)
{
	if (!f->async)
		return;
	async_set(f, 0, false);
	async_lease(f, 0, false);
	kfree(f->async);
}

/* Checks that the owner of F_SETOWN or F_SETOWN_EX exists; 0 means none. Takes task_lock. */
static s64 check_owner(s32 type, s32 owner)
{
	bool exists = owner == 0;
	struct process *p;

	if (type < F_OWNER_TID || type > F_OWNER_PGRP)
		return -EINVAL;
	mutex_lock(&task_lock);
	if (type == F_OWNER_PGRP) {
		LIST_FOREACH (p, &all_processes, all)
			exists |= p->pgid == owner;
	} else {
		exists |= type == F_OWNER_TID ? thread_find(owner) && owner : !!process_find(owner);
	}
	mutex_unlock(&task_lock);
	return exists ? 0 : -ESRCH;
}

/* Converts the number of F_SETOWN, negative for a group. Returns 0 or -EINVAL. */
static s64 plain_owner(s32 owner, struct f_owner_ex *ex)
{
	if (owner == INT32_MIN)
		return -EINVAL;
	*ex = owner < 0 ? (struct f_owner_ex){F_OWNER_PGRP, -owner}
			: (struct f_owner_ex){F_OWNER_PID, owner};
	return 0;
}

/*
 * The part of async_fcntl with async_lock held. ex: IN the checked owner, OUT for F_GETOWN_EX. A
 * negative result of F_GETOWN is a group; from -4095 to -1 it looks like an error, as on Linux: see
 * BUGS in fcntl(2).
 */
static s64 with_lock(struct async *a, u32 cmd, u64 arg, struct f_owner_ex *ex)
{
	ASSERT_HELD(&async_lock);
	switch (cmd) {
	case F_SETOWN:
	case F_SETOWN_EX:
		a->type = ex->type;
		a->owner = ex->pid;
		return 0;
	case F_GETOWN:
		return a->type == F_OWNER_PGRP ? -a->owner : a->owner;
	case F_GETOWN_EX:
		*ex = (struct f_owner_ex){.type = a->type, .pid = a->owner};
		return 0;
	case F_SETSIG:
		if (arg > NSIG)
			return -EINVAL;
		a->sig = (s32)arg;
		return 0;
	default:
		return a->sig;
	}
}

s64 async_fcntl(struct ofile *f, u32 cmd, u64 arg)
{
	struct f_owner_ex ex;
	struct async *a;
	s64 r = 0;

	if (cmd == F_SETOWN_EX && get_user(&ex, arg) < 0)
		return -EFAULT;
	if (cmd == F_SETOWN)
		r = plain_owner((s32)arg, &ex);
	if (r == 0 && (cmd == F_SETOWN || cmd == F_SETOWN_EX))
		r = check_owner(ex.type, ex.pid);
	if (r < 0)
		return r;
	mutex_lock(&async_lock);
	a = async_of(f);
	r = a ? with_lock(a, cmd, arg, &ex) : -ENOMEM;
	mutex_unlock(&async_lock);
	return r >= 0 && cmd == F_GETOWN_EX ? put_user(ex, arg) : r;
}

s64 async_owner_ioctl(struct ofile *f, u32 nr, u64 arg)
{
	s32 owner;

	if (ofile_type(f) != S_IFSOCK)
		return -ENOTTY;
	if (nr == FIOGETOWN || nr == SIOCGPGRP) {
		owner = (s32)async_fcntl(f, F_GETOWN, 0);
		return put_user(owner, arg);
	}
	if (get_user(&owner, arg))
		return -EFAULT;
	return async_fcntl(f, F_SETOWN, (u64)(s64)owner);
}

s64 async_ioctl(struct ofile *f, s32 fd, u64 arg)
{
	s64 flags;
	s32 on;

	if (get_user(&on, arg) < 0)
		return -EFAULT;
	flags = ofile_get_flags(f);
	if (flags >= 0 && !(flags & FASYNC) == !on)
		return 0; /* no change: any kind of file takes it */
	switch (ofile_type(f)) {
	case S_IFSOCK:
	case S_IFIFO:
	case S_IFCHR:
		break;
	default:
		if (!host_file_of(f) || !host_file_of(f)->records) /* inotify(7) */
			return -ENOTTY;
	}
	flags = ofile_handle(f);
	if (flags >= 0)
		flags = fs_nointr(hc_fcntl(f->handle, F_GETFL, 0));
	if (flags >= 0) {
		flags = on ? flags | FASYNC : flags & ~FASYNC;
		flags = fs_nointr(hc_fcntl(f->handle, F_SETFL, (u64)flags));
	}
	return flags < 0 ? flags : async_set(f, fd, on);
}

static void tell(const struct async *a, s32 code, u64 band)
{
	siginfo_t info;
	struct process *p;
	struct thread *t;

	memset(&info, 0, sizeof(info));
	info.si_signo = a->sig ? a->sig : SIGIO;
	info.si_code = a->sig ? code : SI_KERNEL;
	if (a->sig) {
		info.si_band = (s64)band;
		info.si_fd = a->fd;
	}
	mutex_lock(&task_lock);
	if (a->type == F_OWNER_TID) {
		t = thread_find(a->owner);
		if (t)
			signal_send_locked(t->proc, t, &info);
	} else {
		LIST_FOREACH (p, &all_processes, all)
			if ((a->type == F_OWNER_PGRP ? p->pgid : p->pid) == a->owner)
				signal_send_locked(p, NULL, &info);
	}
	mutex_unlock(&task_lock);
}

/*
 * Polls the wanted files that this round has not polled yet, and moves them to the end of the list,
 * until one has input. Returns its events, with a copy of it in *ready; 0: no file is left.
 */
static short next_ready(u64 round, struct async *ready)
{
	struct async *a;
	short events = 0;

	mutex_lock(&async_lock);
	while (!events && (a = TAILQ_FIRST(&wanted)) && a->round < round) {
		s64 handle = ofile_poll_handle(a->file);
		struct pollfd poll = {.fd = (s32)handle, .events = POLLIN | POLLPRI};

		a->round = round;
		TAILQ_REMOVE(&wanted, a, link);
		TAILQ_INSERT_TAIL(&wanted, a, link);
		if (a->on && a->owner && handle >= 0 && hc_poll(&poll, sizeof(poll), 0) > 0) {
			events = poll.revents;
			*ready = *a;
		}
	}
	mutex_unlock(&async_lock);
	return events;
}

static void look_at_all(void)
{
	u64 round = __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
	struct async ready;
	short events;

	while ((events = next_ready(round, &ready)))
		tell(&ready, POLL_IN, (u64)events);
}

/* Copies the wanted file with this handle. Returns false if it has gone or has no owner. */
static bool find_wanted(s32 handle, struct async *found)
{
	struct async *a;

	mutex_lock(&async_lock);
	TAILQ_FOREACH (a, &wanted, link)
		if (a->owner && a->file->handle == handle)
			break;
	if (a)
		*found = *a;
	mutex_unlock(&async_lock);
	return a != NULL;
}

#define EVENTS_AT_ONCE 16

void async_arrived(void)
{
	struct hostcall_file_event events[EVENTS_AT_ONCE];
	struct async found;
	s64 n;

	while ((n = hc_file_events(events, sizeof(events))) > 0)
		for (s64 i = 0; i < MIN(n, (s64)EVENTS_AT_ONCE); i++)
			if (find_wanted(events[i].handle, &found))
				tell(&found, events[i].code, events[i].band);
	if (n < 0)
		look_at_all();
}
