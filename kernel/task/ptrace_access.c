// SPDX-License-Identifier: MIT
/*
 * See ptrace_access.h. The rules are those of a kernel without the Yama module, or of ptrace_scope
 * 0; prctl(PR_SET_PTRACER) is EINVAL.
 */
#include "common/debugger.h"
#include "kernel/task/ptrace_access.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"

bool ptrace_may_access(const struct process *p, enum ptrace_creds which)
{
	const struct creds *own = current_creds(), *c = &p->creds;
	u32 uid = which == PTRACE_FSCREDS ? own->fsuid : own->ruid;
	u32 gid = which == PTRACE_FSCREDS ? own->fsgid : own->rgid;
	u64 caps = which == PTRACE_FSCREDS ? own->cap_effective : own->cap_permitted;
	bool same_user = uid == c->ruid && uid == c->euid && uid == c->suid && gid == c->rgid &&
			 gid == c->egid && gid == c->sgid;

	ASSERT_HELD(&task_lock);
	/* The stub for gdb traces all of the sandbox. */
	if (p == current_process() || capable(CAP_SYS_PTRACE) ||
	    current_process()->pid == DEBUGGER_PID)
		return true;
	return same_user && p->dumpable && !(c->cap_permitted & ~caps);
}

struct mm *ptrace_mm(s32 tid, enum ptrace_creds which, int *err)
{
	struct mm *mm = NULL;
	struct thread *t;

	mutex_lock(&task_lock);
	t = tid > 0 ? thread_find(tid) : NULL;
	*err = t ? -ESRCH : process_missing(tid);
	if (t && t->proc->mm) {
		*err = -EPERM;
		if (ptrace_may_access(t->proc, which)) {
			*err = 0;
			mm = t->proc->mm;
			mm_get(mm);
		}
	}
	mutex_unlock(&task_lock);
	return mm;
}
