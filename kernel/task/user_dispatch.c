// SPDX-License-Identifier: MIT
/* See user_dispatch.h. */
#include <asm/siginfo.h>
#include <linux/audit.h>
#include <linux/prctl.h>
#include "common/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/user_dispatch.h"

/* Linux 6.17; its other name for PR_SYS_DISPATCH_ON is PR_SYS_DISPATCH_EXCLUSIVE_ON. */
#ifndef PR_SYS_DISPATCH_INCLUSIVE_ON
#define PR_SYS_DISPATCH_INCLUSIVE_ON 2
#endif

__attribute__((noreturn)) static void end_process(struct trapframe *f, int sig)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = SI_KERNEL;
	f->rax = f->orig_rax; /* a core shows the call */
	signal_ends_process(&info);
}

/* Returns true if the selector lets the call pass. */
static bool selector_allows(struct trapframe *f, u64 selector)
{
	u8 state;

	if (!selector)
		return false;
	if (get_user(&state, selector))
		end_process(f, SIGSEGV);
	if (state != SYSCALL_DISPATCH_FILTER_ALLOW && state != SYSCALL_DISPATCH_FILTER_BLOCK)
		end_process(f, SIGSYS);
	return state == SYSCALL_DISPATCH_FILTER_ALLOW;
}

bool user_dispatch_enter(struct trapframe *f)
{
	const struct user_dispatch *d = &current()->user_dispatch;
	siginfo_t info;

	/* RIP is that of the program's text also if the call came through a stub (mm/patch.h). */
	if (f->rip - d->offset < d->len || selector_allows(f, d->selector))
		return true;
	f->rax = f->orig_rax;
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSYS;
	info.si_code = SYS_USER_DISPATCH;
	info.si_call_addr = (void *)f->rip;
	info.si_syscall = (s32)f->orig_rax;
	info.si_arch = AUDIT_ARCH_X86_64;
	signal_force(&info);
	return false;
}

s64 user_dispatch_set(struct thread *t, u64 mode, u64 offset, u64 len, u64 selector)
{
	struct user_dispatch *d = &t->user_dispatch;

	switch (mode) {
	case PR_SYS_DISPATCH_OFF:
		if (offset || len || selector)
			return -EINVAL;
		break;
	case PR_SYS_DISPATCH_ON:
		if (offset && offset + len <= offset)
			return -EINVAL;
		break;
	case PR_SYS_DISPATCH_INCLUSIVE_ON:
		if (!len || offset + len <= offset)
			return -EINVAL;
		/* All other addresses: the comparison in user_dispatch_enter wraps around. */
		offset += len;
		len = -len;
		break;
	default:
		return -EINVAL;
	}
	if (selector >= USER_TOP)
		return -EFAULT;
	*d = (struct user_dispatch){mode != PR_SYS_DISPATCH_OFF, offset, len, selector};
	return 0;
}
