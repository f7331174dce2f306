// SPDX-License-Identifier: MIT
/*
 * Processes as files: pidfd_open(2), pidfd_getfd(2), CLONE_PIDFD. pidfd_send_signal(2) is in
 * signal/syscalls.c, waitid(2) in wait.c.
 *
 * Each pidfd has an eventfd of the host, so that poll and epoll work. Its counter is 0 until the
 * process has ended.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/pidfd.h>
#include "kernel/define_syscall.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/result.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/pidfd.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace_access.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif

struct pidfd {
	struct ofile file;
	LIST_ENTRY(pidfd) link; /* in thread->pidfds if there is a thread, else in proc->pidfds */
	struct process *proc;	/* NULL: it was waited for, or is not set yet */
	struct thread *thread;	/* PIDFD_THREAD: its thread, until that ends */
	bool of_thread;		/* PIDFD_THREAD */
	/* What PIDFD_INFO_EXIT tells of a process that was waited for. */
	bool reaped;
	s32 wait_status;
};

static struct mutex pidfd_lock =
	MUTEX_INIT(LOCK_PIDFD); /* guards the above; taken inside task_lock, takes none itself */

static const struct file_ops pidfd_ops;

bool is_pidfd(const struct ofile *f)
{
	return f->ops == &pidfd_ops;
}

static struct pidfd *pidfd_of(struct ofile *f)
{
	_Static_assert(offsetof(struct pidfd, file) == 0, "the cast is right");
	return (struct pidfd *)f;
}

/* Makes a pidfd without a process. Returns NULL and sets *err if this fails. */
static struct ofile *create(u32 flags, int *err)
{
	s64 handle = fs_nointr(hc_eventfd2(0, 0));
	struct ofile *f;

	*err = handle < 0 ? (int)handle : -ENOMEM;
	if (handle < 0)
		return NULL;
	f = ofile_new(&pidfd_ops, handle, O_RDWR | flags);
	if (!f)
		hc_close(handle);
	return f;
}

static void make_readable(const struct pidfd *fd)
{
	struct hostcall_seg seg[2];
	struct segs segs;
	u64 one = 1;

	if (kernel_segs(seg, 2, &one, sizeof(one), &segs) >= 0)
		hc_writev(fd->file.handle, &segs);
}

/* task_lock is held, or no other thread knows p. */
static void attach(struct ofile *f, struct process *p)
{
	mutex_lock(&pidfd_lock);
	pidfd_of(f)->proc = p;
	LIST_INSERT_HEAD(&p->pidfds, pidfd_of(f), link);
	if (p->zombie)
		make_readable(pidfd_of(f));
	mutex_unlock(&pidfd_lock);
}

static s32 install(struct ofile *f)
{
	s32 fd = fd_install(f, 0, true);

	if (fd < 0)
		ofile_put(f);
	return fd;
}

s32 pidfd_install(struct process *p)
{
	int err;
	struct ofile *f = create(0, &err);

	if (!f)
		return err;
	attach(f, p);
	return install(f);
}

/* task_lock is held. */
static void attach_thread(struct ofile *f, struct thread *t)
{
	struct pidfd *fd = pidfd_of(f);

	mutex_lock(&pidfd_lock);
	fd->of_thread = true;
	fd->proc = t->proc;
	fd->thread = t;
	LIST_INSERT_HEAD(&t->pidfds, fd, link);
	mutex_unlock(&pidfd_lock);
}

void pidfd_thread_ends(struct thread *t)
{
	struct pidfd *fd;

	mutex_lock(&pidfd_lock);
	while ((fd = LIST_FIRST(&t->pidfds))) {
		LIST_REMOVE(fd, link);
		fd->thread = NULL;
		LIST_INSERT_HEAD(&fd->proc->pidfds, fd, link);
		make_readable(fd);
	}
	mutex_unlock(&pidfd_lock);
}

void pidfd_exited(struct process *p)
{
	struct pidfd *fd;

	mutex_lock(&pidfd_lock);
	LIST_FOREACH (fd, &p->pidfds, link)
		make_readable(fd);
	mutex_unlock(&pidfd_lock);
}

void pidfd_freed(struct process *p)
{
	struct pidfd *fd;

	mutex_lock(&pidfd_lock);
	while ((fd = LIST_FIRST(&p->pidfds))) {
		LIST_REMOVE(fd, link);
		fd->proc = NULL;
		fd->reaped = p->zombie;
		fd->wait_status = p->wait_status;
	}
	mutex_unlock(&pidfd_lock);
}

static void pidfd_release(struct ofile *f)
{
	struct pidfd *fd = pidfd_of(f);

	mutex_lock(&pidfd_lock);
	if (fd->proc)
		LIST_REMOVE(fd, link);
	mutex_unlock(&pidfd_lock);
}

struct process *pidfd_process(struct ofile *f)
{
	struct process *p;

	ASSERT_HELD(&task_lock);
	mutex_lock(&pidfd_lock);
	p = pidfd_of(f)->proc;
	mutex_unlock(&pidfd_lock);
	return p;
}

bool pidfd_of_thread(struct ofile *f, struct thread **t)
{
	bool of_thread;

	ASSERT_HELD(&task_lock);
	mutex_lock(&pidfd_lock);
	of_thread = pidfd_of(f)->of_thread;
	*t = pidfd_of(f)->thread;
	mutex_unlock(&pidfd_lock);
	return of_thread;
}

/* -- PIDFD_GET_INFO ------------------------------------------------------------------------- */

/* Newer than the uapi headers of most hosts: linux/pidfd.h. A program may have a longer struct. */
#define GET_INFO_TYPE 0xff
#define GET_INFO_NR   11
#define INFO_PID      (1UL << 0)
#define INFO_CREDS    (1UL << 1)
#define INFO_EXIT     (1UL << 3)

struct info {
	u64 mask;   /* IN: what is wanted; OUT: what is there */
	u64 cgroup; /* 0: not there, like INFO_CGROUPID */
	s32 pid, tgid, ppid;
	u32 ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	s32 exit_code;
};
_Static_assert(sizeof(struct info) == 64, "PIDFD_INFO_SIZE_VER0");

/* Fills in what is known of the process. -ESRCH: it was waited for. */
static int look_up(struct ofile *f, struct info *info)
{
	const struct pidfd *fd = pidfd_of(f);
	const struct process *p;
	struct thread *t;
	int err = 0;

	mutex_lock(&task_lock);
	p = pidfd_process(f);
	if (p) {
		const struct creds *c = &p->creds;
		bool of_thread = pidfd_of_thread(f, &t);

		info->mask = INFO_PID | INFO_CREDS;
		info->tgid = p->pid;
		info->pid = of_thread && t ? t->tid : p->pid;
		info->ppid = p->parent ? p->parent->pid : p->ppid_outside;
		info->ruid = c->ruid, info->rgid = c->rgid;
		info->euid = c->euid, info->egid = c->egid;
		info->suid = c->suid, info->sgid = c->sgid;
		info->fsuid = c->fsuid, info->fsgid = c->fsgid;
	} else if (fd->reaped && info->mask & INFO_EXIT) {
		info->mask = INFO_EXIT;
		info->exit_code = fd->wait_status;
	} else {
		err = -ESRCH;
	}
	mutex_unlock(&task_lock);
	return err;
}

static s64 get_info(struct ofile *f, uva arg, u64 size)
{
	struct info info = {0};
	int err;

	if (!arg)
		return -EINVAL;
	if (get_user(&info.mask, arg) < 0)
		return -EFAULT;
	err = look_up(f, &info);
	if (err)
		return err;
	if (put_user(info, arg) < 0 || clear_user(arg + sizeof(info), size - sizeof(info)))
		return -EFAULT;
	return 0;
}

static s64 pidfd_ioctl(struct ofile *f, u32 nr, u64 arg)
{
	if (_IOC_TYPE(nr) == GET_INFO_TYPE && _IOC_NR(nr) == GET_INFO_NR &&
	    _IOC_DIR(nr) == (_IOC_READ | _IOC_WRITE) && _IOC_SIZE(nr) >= sizeof(struct info))
		return get_info(f, arg, _IOC_SIZE(nr));
	return host_ioctl(f, nr, arg);
}

static s64 pidfd_name(struct ofile *f, char *buf, u64 size)
{
	(void)f;
	return strlcpy(buf, "anon_inode:[pidfd]", size);
}

/* For /proc. task_lock is held. */
static void pidfd_info(struct ofile *f, struct file_info *info)
{
	const struct process *p = pidfd_process(f);
	s32 pid = p && !p->zombie ? p->pid : -1;
	struct thread *t;

	ASSERT_HELD(&task_lock);
	if (pidfd_of_thread(f, &t))
		pid = t ? t->tid : -1;
	snprintf(info->more, sizeof(info->more), "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static bool pidfd_stands_for(struct ofile *f, struct process **p)
{
	*p = pidfd_process(f);
	return true;
}

static const struct file_ops pidfd_ops = {
	.size = sizeof(struct pidfd),
	.never_writable = true,
	.poll_handle = host_poll_handle,
	.ioctl = pidfd_ioctl,
	.name = pidfd_name,
	.info = pidfd_info,
	.process = pidfd_stands_for,
	.release = pidfd_release,
};

DEFINE_SYSCALL2(pidfd_open, s32, pid, u32, flags)
{
	struct process *p;
	struct thread *t;
	struct ofile *f;
	int err;

	if ((flags & ~(u32)(PIDFD_NONBLOCK | PIDFD_THREAD)) || pid <= 0)
		return -EINVAL;
	f = create(flags & PIDFD_NONBLOCK, &err);
	if (!f)
		return err;
	mutex_lock(&task_lock);
	p = process_find(pid);
	t = thread_find(pid);
	err = 0;
	if ((flags & PIDFD_THREAD) && t && t->tid == pid)
		attach_thread(f, t);
	else if (p && !(flags & PIDFD_THREAD))
		attach(f, p);
	else
		err = t && !p ? -ENOENT : -ESRCH;
	mutex_unlock(&task_lock);
	if (!err)
		return install(f);
	ofile_put(f);
	return err;
}

s32 pidfd_of_number(s32 pid)
{
	return (s32)do_pidfd_open(pid, 0);
}

/*
 * Returns the open file of p's descriptor with a reference, or returns NULL and sets *err.
 * task_lock is held.
 */
static struct ofile *take(struct process *p, s32 fd, int *err)
{
	struct ofile *f = NULL;

	ASSERT_HELD(&task_lock);
	*err = -ESRCH;
	if (!p)
		return NULL;
	*err = -EPERM;
	if (!ptrace_may_access(p, PTRACE_REALCREDS))
		return NULL;
	*err = -ESRCH;
	if (!p->files)
		return NULL;
	f = fdtable_get(p->files, fd);
	*err = f ? 0 : -EBADF;
	return f;
}

DEFINE_SYSCALL3(pidfd_getfd, s32, pidfd, s32, fd, u32, flags)
{
	struct ofile *f, *found = NULL;
	int err = -EBADF;
	s32 copy;

	if (flags)
		return -EINVAL;
	f = fd_get(pidfd);
	if (f && is_pidfd(f)) {
		mutex_lock(&task_lock);
		found = take(pidfd_process(f), fd, &err);
		mutex_unlock(&task_lock);
	}
	ofile_put(f);
	if (!found)
		return err;
	copy = fd_install(found, 0, true);
	if (copy < 0)
		ofile_put(found);
	return copy;
}
