// SPDX-License-Identifier: MIT
/*
 * prctl(2), arch_prctl(2), personality(2). An operation that is not here fails with EINVAL. That is
 * the answer of a kernel that is older or was built without the feature, so programs are prepared
 * for it.
 */
#include "kernel/define_syscall.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/task/cred_rules.h"
#include "kernel/task/process.h"
#include "kernel/task/seccomp.h"
#include "kernel/task/user_dispatch.h"

#include <asm/prctl.h>
#include <linux/capability.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>

/* Not in linux/prctl.h of Linux 6.1. */
#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE		 65
#define PR_GET_MDWE		 66
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif
#ifndef PR_MDWE_NO_INHERIT
#define PR_MDWE_NO_INHERIT 2
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

/* Not in asm/prctl.h of Linux 6.1. */
#ifndef ARCH_GET_XCOMP_SUPP
#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_GET_XCOMP_PERM 0x1022
#endif

#define TIMER_SLACK_DEFAULT 50000

#define AUXV_SIZE	    448 /* size of Linux's saved_auxv, which PR_GET_AUXV returns */
_Static_assert(AUXV_SIZE <= sizeof(((struct mm *)0)->auxv), "so much can be copied");

static s64 set_name(uva from)
{
	struct thread *t = current();
	char name[TASK_COMM] = {0};
	s64 len = strncpy_from_user(name, from, sizeof(name) - 1);

	if (len < 0 && len != -ENAMETOOLONG)
		return len;
	name[TASK_COMM - 1] = '\0';
	memcpy(t->comm, name, sizeof(name));
	if (t == TAILQ_FIRST(&t->proc->threads))
		memcpy(t->proc->comm, name, sizeof(name));
	return 0;
}

static s64 capability_bounding(u64 option, u64 cap)
{
	struct creds *c = current_creds();

	if (option == PR_CAPBSET_DROP && !capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	if (option == PR_CAPBSET_READ)
		return c->cap_bounding >> cap & 1;
	c->cap_bounding &= ~(1UL << cap);
	return 0;
}

static s64 set_keepcaps(u64 value)
{
	struct creds *c = current_creds();

	if (value > 1)
		return -EINVAL;
	if (c->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	c->securebits = (c->securebits & ~(u32)SECBIT_KEEP_CAPS) | (value ? SECBIT_KEEP_CAPS : 0);
	return 0;
}

static s64 set_thp_disable(bool disable)
{
	struct mm *mm = current_mm();

	mutex_lock(&mm->lock);
	if (disable)
		mm->map_flags |= VMA_NOHUGE;
	else
		mm->map_flags &= ~VMA_NOHUGE;
	mutex_unlock(&mm->lock);
	return 0;
}

static s64 get_auxv(uva to, u64 size)
{
	struct mm *mm = current_mm();
	u64 have = AUXV_SIZE;

	return copy_to_user(to, mm->auxv, MIN(size, have)) ? -EFAULT : (s64)have;
}

/*
 * Memory-deny-write-execute. A process cannot undo it, and a child inherits it unless NO_INHERIT is
 * set; a later call cannot change NO_INHERIT either. mm_set_mdwe enforces these rules.
 */
static s64 set_mdwe(u64 bits)
{
	if ((bits & ~(u64)(PR_MDWE_REFUSE_EXEC_GAIN | PR_MDWE_NO_INHERIT)) ||
	    bits == PR_MDWE_NO_INHERIT)
		return -EINVAL;
	return mm_set_mdwe(current_mm(), bits & PR_MDWE_REFUSE_EXEC_GAIN,
			   bits & PR_MDWE_NO_INHERIT);
}

static s64 get_mdwe(void)
{
	const struct mm *mm = current_mm();

	return (mm->mdwe ? PR_MDWE_REFUSE_EXEC_GAIN : 0) |
	       (mm->mdwe_not_inherited ? PR_MDWE_NO_INHERIT : 0);
}

/*
 * Speculation control. It cannot be changed for one thread, because guest threads have no host
 * thread of their own. So it is enabled, without PR_SPEC_PRCTL, and the L1D flush is always off.
 */
static s64 get_speculation(u64 which)
{
	switch (which) {
	case PR_SPEC_STORE_BYPASS:
	case PR_SPEC_INDIRECT_BRANCH:
		return PR_SPEC_ENABLE;
	case PR_SPEC_L1D_FLUSH:
		return PR_SPEC_FORCE_DISABLE;
	default:
		return -ENODEV;
	}
}

static s64 set_speculation(u64 which, u64 control)
{
	switch (which) {
	case PR_SPEC_STORE_BYPASS:
		return -ENXIO;
	case PR_SPEC_INDIRECT_BRANCH:
		return control == PR_SPEC_ENABLE || control == PR_SPEC_DISABLE ||
				       control == PR_SPEC_FORCE_DISABLE
			       ? -ENXIO
			       : -ERANGE;
	case PR_SPEC_L1D_FLUSH:
		return -EPERM;
	default:
		return -ENODEV;
	}
}

/*
 * The host decides what happens at a machine check. The process's choice is kept only to be
 * reported.
 */
static s64 set_mce_policy(u64 op, u64 policy)
{
	struct process *p = current_process();

	if (op == PR_MCE_KILL_CLEAR) {
		if (policy)
			return -EINVAL;
		p->mce_policy = PR_MCE_KILL_DEFAULT;
		return 0;
	}
	if (op != PR_MCE_KILL_SET || policy > PR_MCE_KILL_DEFAULT)
		return -EINVAL;
	p->mce_policy = (u8)policy;
	return 0;
}

/* Sets a flag whose only values are 0 and 1. Returns 0 or -EINVAL. */
static s64 set_flag(bool *flag, u64 value)
{
	if (value > 1)
		return -EINVAL;
	*flag = value;
	return 0;
}

DEFINE_SYSCALL5(prctl, int, option, u64, a2, u64, a3, u64, a4, u64, a5)
{
	struct thread *t = current();
	struct process *p = t->proc;
	bool others_zero = !a3 && !a4 && !a5;

	switch (option) {
	case PR_SET_NAME:
		return set_name(a2);
	case PR_GET_NAME:
		return copy_to_user(a2, t->comm, TASK_COMM);
	case PR_SET_PDEATHSIG:
		if (a2 > NSIG)
			return -EINVAL;
		p->pdeathsig = (s32)a2;
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user(p->pdeathsig, a2);
	case PR_SET_DUMPABLE:
		return set_flag(&p->dumpable, a2);
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_KEEPCAPS:
		return set_keepcaps(a2);
	case PR_GET_KEEPCAPS:
		return (current_creds()->securebits & SECBIT_KEEP_CAPS) != 0;
	case PR_SET_SECUREBITS:
		return cred_set_securebits(current_creds(), a2);
	case PR_GET_SECUREBITS:
		return current_creds()->securebits;
	case PR_SET_NO_NEW_PRIVS:
		if (a2 != 1 || !others_zero)
			return -EINVAL;
		current_creds()->no_new_privs = true;
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a2 || !others_zero ? -EINVAL : current_creds()->no_new_privs;
	case PR_SET_CHILD_SUBREAPER:
		p->subreaper = a2 != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user((s32)p->subreaper, a2);
	case PR_GET_SECCOMP:
		return t->seccomp.mode;
	case PR_SET_SECCOMP:
		return a2 == SECCOMP_MODE_STRICT   ? seccomp_set_strict()
		       : a2 == SECCOMP_MODE_FILTER ? seccomp_set_filter(0, a3)
						   : -EINVAL;
	case PR_SET_TIMERSLACK:
		t->timer_slack = (s64)a2 > 0 ? a2 : TIMER_SLACK_DEFAULT;
		return 0;
	case PR_GET_TIMERSLACK:
		return (s64)t->timer_slack;
	case PR_SET_TIMING:
		return a2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
	case PR_GET_TIMING:
		return PR_TIMING_STATISTICAL;
	case PR_SET_TSC:
		if (a2 != PR_TSC_ENABLE && a2 != PR_TSC_SIGSEGV)
			return -EINVAL;
		return arch_forbid_tsc(&t->context, a2 == PR_TSC_SIGSEGV);
	case PR_GET_TSC:
		return put_user((s32)(t->context.no_tsc ? PR_TSC_SIGSEGV : PR_TSC_ENABLE), a2);
	case PR_SET_THP_DISABLE:
		return others_zero ? set_thp_disable(a2) : -EINVAL;
	case PR_GET_THP_DISABLE:
		if (a2 || !others_zero)
			return -EINVAL;
		return (current_mm()->map_flags & VMA_NOHUGE) != 0;
	case PR_CAPBSET_READ:
	case PR_CAPBSET_DROP:
		return capability_bounding((u64)option, a2);
	case PR_CAP_AMBIENT:
		return a4 || a5 ? -EINVAL : cred_ambient(current_creds(), a2, a3);
	case PR_MCE_KILL_GET:
		return a2 || !others_zero ? -EINVAL : p->mce_policy;
	case PR_MCE_KILL:
		return a4 || a5 ? -EINVAL : set_mce_policy(a2, a3);
	case PR_GET_TID_ADDRESS:
		return put_user(t->clear_child_tid, a2);
	case PR_GET_AUXV:
		return a4 || a5 ? -EINVAL : get_auxv(a2, a3);
	case PR_TASK_PERF_EVENTS_DISABLE:
	case PR_TASK_PERF_EVENTS_ENABLE:
		return 0; /* there are no performance events */
	case PR_SET_MM:
		if (a5)
			return -EINVAL;
		return capable(CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
	case PR_GET_SPECULATION_CTRL:
		return others_zero ? get_speculation(a2) : -EINVAL;
	case PR_SET_SPECULATION_CTRL:
		return a4 || a5 ? -EINVAL : set_speculation(a2, a3);
	case PR_SET_MDWE:
		return others_zero ? set_mdwe(a2) : -EINVAL;
	case PR_GET_MDWE:
		return a2 || !others_zero ? -EINVAL : get_mdwe();
	case PR_SET_MEMORY_MERGE:
		if (!others_zero)
			return -EINVAL;
		current_mm()->merges = a2 != 0; /* the host merges RAM only with --ksm */
		return 0;
	case PR_GET_MEMORY_MERGE:
		return a2 || !others_zero ? -EINVAL : current_mm()->merges;
	case PR_SET_IO_FLUSHER:
		if (!capable(CAP_SYS_RESOURCE))
			return -EPERM;
		if (a2 > 1 || !others_zero)
			return -EINVAL;
		t->io_flusher = a2;
		return 0;
	case PR_GET_IO_FLUSHER:
		if (!capable(CAP_SYS_RESOURCE))
			return -EPERM;
		return a2 || !others_zero ? -EINVAL : t->io_flusher;
	case PR_SET_SYSCALL_USER_DISPATCH:
		return user_dispatch_set(t, a2, a3, a4, a5);
	default:
		/* Also names of mappings and Yama: see the head of this file. */
		return -EINVAL;
	}
}

DEFINE_SYSCALL2(arch_prctl, int, option, u64, addr)
{
	switch (option) {
	case ARCH_SET_FS:
		return arch_set_fsbase(addr);
	case ARCH_SET_GS:
		return arch_set_gsbase(addr);
	case ARCH_GET_FS:
		return put_user(arch_get_fsbase(), addr);
	case ARCH_GET_GS:
		return put_user(arch_get_gsbase(), addr);
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return -ENODEV; /* as on a CPU without CPUID faulting */
	case ARCH_GET_XCOMP_SUPP:
	case ARCH_GET_XCOMP_PERM:
		return put_user(arch_fpu_features(), addr);
	default:
		return -EINVAL; /* also shadow stacks */
	}
}

/*
 * personality(2). The value is kept and reported. execve(2) obeys ADDR_NO_RANDOMIZE and clears
 * READ_IMPLIES_EXEC. UNAME26 and the 32-bit personalities have no effect on 64-bit programs.
 */
DEFINE_SYSCALL1(personality, u32, persona)
{
	struct process *p = current_process();
	u32 before = p->personality;

	if (persona != 0xffffffff)
		p->personality = persona;
	return before;
}
