// SPDX-License-Identifier: MIT
/* Resource limits: getrlimit(2). The code that enforces a limit reads it from struct process. */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/fs/file.h"
#include "kernel/mm/mm_needs.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"
#include "kernel/task/timer.h"

#include <linux/capability.h>
#include <linux/resource.h>

_Static_assert(BOOT_RLIMITS == RLIM_NLIMITS, "all of Linux's limits");

/*
 * Reads the limit, then changes it; new and old may be NULL. Returns 0 or -errno. task_lock is
 * held.
 */
static int change_limit(struct process *p, u32 resource, const struct rlimit_pair *new,
			struct rlimit_pair *old)
{
	struct rlimit_pair *limit = &p->rlimit[resource];

	ASSERT_HELD(&task_lock);
	if (old)
		*old = *limit;
	if (!new)
		return 0;
	if (new->cur > new->max)
		return -EINVAL;
	/* fs.nr_open is the limit even for privileged threads. */
	if (resource == RLIMIT_NOFILE && new->max > FD_LIMIT)
		return -EPERM;
	if (new->max > limit->max && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	*limit = *new;
	return resource == RLIMIT_CPU ? timers_limit(p) : 0;
}

static s64 limit_call(s32 pid, u32 resource, uva new, uva old)
{
	struct rlimit_pair wanted, before = {0};
	struct process *p;
	struct thread *t;
	int err;

	if (resource >= BOOT_RLIMITS)
		return -EINVAL;
	if (new &&get_user(&wanted, new))
		return -EFAULT;
	mutex_lock(&task_lock);
	t = thread_find(pid);
	p = t ? t->proc : NULL;
	if (!p)
		err = process_missing(pid);
	else if (p != current_process() && !creds_may_change(p, CAP_SYS_RESOURCE))
		err = -EPERM;
	else
		err = change_limit(p, resource, new ? &wanted : NULL, &before);
	mutex_unlock(&task_lock);
	if (err)
		return err;
	return old ? put_user(before, old) : 0;
}

DEFINE_SYSCALL2(getrlimit, u32, resource, uva, rlim)
{
	return rlim ? limit_call(0, resource, 0, rlim) : -EFAULT;
}

DEFINE_SYSCALL2(setrlimit, u32, resource, uva, rlim)
{
	return rlim ? limit_call(0, resource, rlim, 0) : -EFAULT;
}

DEFINE_SYSCALL4(prlimit64, int, pid, u32, resource, uva, new, uva, old)
{
	return limit_call(pid, resource, new, old);
}

u64 mm_rlimit(unsigned which)
{
	return current_process()->rlimit[which].cur;
}
