// SPDX-License-Identifier: MIT
/* The numbers of processes, threads, process groups and sessions. */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/fs/file.h"
#include "libc/stdlib.h"
#include "kernel/task/process.h"

#include <linux/fcntl.h>

DEFINE_SYSCALL0(getpid)
{
	return current_process()->pid;
}

DEFINE_SYSCALL0(gettid)
{
	return current()->tid;
}

DEFINE_SYSCALL0(getppid)
{
	struct process *p = current_process();
	s32 ppid;

	mutex_lock(&task_lock);
	ppid = p->parent ? p->parent->pid : p->ppid_outside;
	mutex_unlock(&task_lock);
	return ppid;
}

DEFINE_SYSCALL0(getpgrp)
{
	return current_process()->pgid;
}

/* Numbers in a line of /proc/PID/stat, counted after the name and the state: proc(5). */
enum { PARENT, GROUP, SESSION };

/* Returns the process group or session of the host's init, which is outside of the sandbox. */
static s64 init_group(int which)
{
	char line[256] = "", *at = NULL;
	int err;
	struct ofile *f = file_open(AT_FDCWD, "/proc/1/stat", O_RDONLY, 0, &err);
	s64 number = -ESRCH;

	if (f && file_pread(f, line, sizeof(line) - 1, 0) > 0)
		at = strrchr(line, ')');
	ofile_put(f);
	if (!at || strlen(at) < 4)
		return -ESRCH;
	at += strlen(") S");
	for (int i = PARENT; i <= which; i++)
		number = strtol(at, &at, 10);
	return number;
}

DEFINE_SYSCALL1(getpgid, int, pid)
{
	struct process *p;
	s64 result;

	mutex_lock(&task_lock);
	p = process_of_tid(pid);
	result = p ? p->pgid : -ESRCH;
	mutex_unlock(&task_lock);
	return !p && pid == 1 ? init_group(GROUP) : result;
}

DEFINE_SYSCALL1(getsid, int, pid)
{
	struct process *p;
	s64 result;

	mutex_lock(&task_lock);
	p = process_of_tid(pid);
	result = p ? p->sid : -ESRCH;
	mutex_unlock(&task_lock);
	return !p && pid == 1 ? init_group(SESSION) : result;
}

s32 group_session(s32 pgid)
{
	struct process *p;

	ASSERT_HELD(&task_lock);
	if (pgid == boot->pgid)
		return boot->sid; /* it has members outside */
	LIST_FOREACH (p, &all_processes, all) {
		if (p->pgid == pgid)
			return p->sid;
	}
	return 0;
}

/* setpgid(2). Returns 0 or -errno. task_lock is held. */
static int change_group(s32 pid, s32 pgid)
{
	struct process *self = current_process();
	struct process *p = process_find(pid);

	ASSERT_HELD(&task_lock);
	if (!p && thread_find(pid))
		return -EINVAL; /* a thread that is not the leader */
	if (!p || (p != self && p->parent != self))
		return -ESRCH;
	if (p->sid != self->sid || p->pid == p->sid)
		return -EPERM;
	if (p != self && p->did_exec)
		return -EACCES;
	if (pgid == 0)
		pgid = p->pid;
	if (pgid != p->pid && group_session(pgid) != p->sid)
		return -EPERM;
	p->pgid = pgid;
	return 0;
}

DEFINE_SYSCALL2(setpgid, int, pid, int, pgid)
{
	int err;

	if (pgid < 0 || (pgid == 0 && pid < 0))
		return -EINVAL;
	mutex_lock(&task_lock);
	err = change_group(pid, pgid);
	mutex_unlock(&task_lock);
	return err;
}

DEFINE_SYSCALL0(setsid)
{
	struct process *self = current_process();
	struct process *p;
	s64 result = -EPERM;

	mutex_lock(&task_lock);
	/* If a group of this number exists, it would be split over two sessions. */
	LIST_FOREACH (p, &all_processes, all) {
		if (p->pgid == self->pid)
			goto out;
	}
	self->sid = self->pid;
	self->pgid = self->pid;
	self->no_tty = false;
	result = self->pid;
out:
	mutex_unlock(&task_lock);
	return result;
}
