// SPDX-License-Identifier: MIT
/*
 * kcmp(2): whether two threads share something. The order that it reports is that of the objects'
 * addresses, multiplied by a secret of this run, so that it does not reveal kernel addresses.
 */
#include <linux/kcmp.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/kernel.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace_access.h"

/* Returns 0 if they are equal, 1 if a is less, 2 if b is. */
static s64 order(const void *a, const void *b)
{
	static u64 secret; /* odd, so that different objects have different products */
	u64 none = 0, fresh = arch_rdtsc() | 1;
	u64 x, y;

	__atomic_compare_exchange_n(&secret, &none, fresh, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	x = (u64)a * __atomic_load_n(&secret, __ATOMIC_RELAXED);
	y = (u64)b * __atomic_load_n(&secret, __ATOMIC_RELAXED);
	return x == y ? 0 : x < y ? 1 : 2;
}

/* Returns the open file of p's descriptor with a reference, or NULL. */
static struct ofile *file_of(const struct process *p, u64 fd)
{
	return p->files && fd <= INT32_MAX ? fdtable_get(p->files, (s32)fd) : NULL;
}

/* Compares the objects of this type, for all types except KCMP_FILE. task_lock is held. */
static s64 compare(const struct process *a, const struct process *b, int type)
{
	ASSERT_HELD(&task_lock);
	switch (type) {
	case KCMP_VM:
		return order(a->mm, b->mm);
	case KCMP_FILES:
		return order(a->files, b->files);
	case KCMP_FS:
		return order(a->fs, b->fs);
	case KCMP_SIGHAND:
		return order(a->sighand, b->sighand);
	case KCMP_IO:
		return 0; /* no thread has an I/O context here */
	case KCMP_SYSVSEM:
		return order(a->sem_undos, b->sem_undos);
	default:
		return -EINVAL;
	}
}

DEFINE_SYSCALL5(kcmp, s32, pid1, s32, pid2, int, type, u64, idx1, u64, idx2)
{
	struct ofile *f1 = NULL, *f2 = NULL;
	struct thread *a, *b;
	s64 ret = -ESRCH;

	mutex_lock(&task_lock);
	a = pid1 > 0 ? thread_find(pid1) : NULL;
	b = pid2 > 0 ? thread_find(pid2) : NULL;
	if ((!a && pid1 != 1) || (!b && pid2 != 1))
		goto out;
	ret = -EPERM;
	if (!a || !b)
		goto out;
	if (!ptrace_may_access(a->proc, PTRACE_REALCREDS) ||
	    !ptrace_may_access(b->proc, PTRACE_REALCREDS))
		goto out;
	if (type == KCMP_FILE) {
		f1 = file_of(a->proc, idx1);
		f2 = file_of(b->proc, idx2);
		ret = f1 && f2 ? order(f1, f2) : -EBADF;
	} else {
		ret = compare(a->proc, b->proc, type);
	}
out:
	mutex_unlock(&task_lock);
	/* Not under task_lock, because the end of a terminal's master takes it. */
	ofile_put(f1);
	ofile_put(f2);
	return ret;
}
