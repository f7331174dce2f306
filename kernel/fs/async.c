// SPDX-License-Identifier: MIT
/*
 * Signal-driven input. The host sends its SIGIO to the monitor and does not say for which file, so
 * each SIGIO is the reason to look at all files that want one: those that have input (or an error)
 * send theirs. So an owner may hear twice of the same input, which SIGIO allows; it does not hear
 * of room for output.
 */
#include <linux/poll.h>
#include "kernel/fs/async.h"
#include "kernel/fs/fs.h"

struct async {
	LIST_ENTRY(async) link; /* of wanted, while on */
	struct ofile *file;
	bool on;
	s32 type;  /* F_OWNER_* */
	s32 owner; /* 0: nobody */
	s32 sig;   /* F_SETSIG; 0: SIGIO without siginfo */
	s32 fd;	   /* si_fd: as it was when O_ASYNC was set */
};

static LIST_HEAD(, async) wanted = LIST_HEAD_INITIALIZER(wanted);
static struct mutex lock; /* guards all above; task_lock is taken inside it */

/* The file's, made if need be; NULL: no memory. lock held. */
static struct async *async_of(struct ofile *f)
{
	if (!f->async) {
		f->async = kzalloc(sizeof(*f->async));
		if (f->async) {
			f->async->file = f;
			f->async->type = F_OWNER_PID;
		}
	}
	return f->async;
}

s64 async_set(struct ofile *f, s32 fd, bool on)
{
	struct async *a;

	if (!on && !READ_ONCE(f->async))
		return 0;
	mutex_lock(&lock);
	a = async_of(f);
	if (a && a->on != on) {
		a->on = on;
		a->fd = fd;
		if (on)
			LIST_INSERT_HEAD(&wanted, a, link);
		else
			LIST_REMOVE(a, link);
	}
	mutex_unlock(&lock);
	return a ? 0 : -ENOMEM;
}

void async_forget(struct ofile *f)
{
	if (!f->async)
		return;
	async_set(f, 0, false);
	kfree(f->async);
}

/* f_setown: who it is has to exist; 0 is nobody. */
static s64 set_owner(struct async *a, s32 type, s32 owner)
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
	if (!exists)
		return -ESRCH;
	a->type = type;
	a->owner = owner;
	return 0;
}

/* A negative number is a group, whose result looks like an error below -4095: F_GETOWN, BUGS. */
static s64 set_owner_plain(struct async *a, s32 owner)
{
	if (owner == INT32_MIN)
		return -EINVAL;
	return owner < 0 ? set_owner(a, F_OWNER_PGRP, -owner) : set_owner(a, F_OWNER_PID, owner);
}

static s64 with_lock(struct async *a, u32 cmd, u64 arg, struct f_owner_ex *ex)
{
	switch (cmd) {
	case F_SETOWN:
		return set_owner_plain(a, (s32)arg);
	case F_GETOWN:
		return a->type == F_OWNER_PGRP ? -a->owner : a->owner;
	case F_SETOWN_EX:
		return set_owner(a, ex->type, ex->pid);
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
	s64 r = -ENOMEM;

	if (cmd == F_SETOWN_EX && get_user(&ex, arg) < 0)
		return -EFAULT;
	mutex_lock(&lock);
	a = async_of(f);
	if (a)
		r = with_lock(a, cmd, arg, &ex);
	mutex_unlock(&lock);
	return r >= 0 && cmd == F_GETOWN_EX ? put_user(ex, arg) : r;
}

s64 async_ioctl(struct ofile *f, s32 fd, u64 arg)
{
	s64 flags;
	s32 on;

	switch (ofile_type(f)) {
	case S_IFSOCK:
	case S_IFIFO:
	case S_IFCHR:
		break;
	default:
		return -ENOTTY;
	}
	if (get_user(&on, arg) < 0)
		return -EFAULT;
	flags = fs_nointr(hc_fcntl(f->handle, F_GETFL, 0));
	if (flags >= 0) {
		flags = on ? flags | FASYNC : flags & ~FASYNC;
		flags = fs_nointr(hc_fcntl(f->handle, F_SETFL, (u64)flags));
	}
	return flags < 0 ? flags : async_set(f, fd, on);
}

static void tell(const struct async *a, short events)
{
	siginfo_t info;
	struct process *p;
	struct thread *t;

	memset(&info, 0, sizeof(info));
	info.si_signo = a->sig ? a->sig : SIGIO;
	info.si_code = a->sig ? POLL_IN : SI_KERNEL;
	if (a->sig) {
		info.si_band = events;
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

void async_arrived(void)
{
	struct async *a;

	mutex_lock(&lock);
	LIST_FOREACH (a, &wanted, link) {
		s64 handle = ofile_poll_handle(a->file);
		struct pollfd poll = {.fd = (s32)handle, .events = POLLIN | POLLPRI};

		if (a->owner && handle >= 0 && hc_poll(&poll, sizeof(poll), 0) > 0)
			tell(a, poll.revents);
	}
	mutex_unlock(&lock);
}
