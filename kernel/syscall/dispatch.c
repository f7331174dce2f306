// SPDX-License-Identifier: MIT
/*
 * The system-call table and its dispatch. A row of syscall.def whose function does not exist has a
 * null pointer here. Such a call fails with ENOSYS and is counted (end_report.c).
 */
#include "common/boot_info.h"
#include "kernel/arch/x86_64/arch_needs.h"
#include "kernel/check_hooks.h"
#include "kernel/define_syscall.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/kernel.h"
#include "kernel/lock.h"
#include "kernel/stats.h"
#include "kernel/signal/signal.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/seccomp.h"
#include "kernel/task/thread.h"
#include "kernel/task/user_dispatch.h"
#include "kernel/trace.h"

#include <asm/unistd.h>

#define SYSCALL_MAX 512

static const struct {
	syscall_fn fn;
	const char *name;
} table[SYSCALL_MAX] = {
#define SYSCALL(nr, name, ...) [nr] = {sys_##name, #name},
#include "kernel/syscall/syscall.def"
};

static s64 unknown(u64 nr)
{
	syscall_missing(nr);
	return -ENOSYS;
}

/* Calls whose result is how many bytes the program has read or written. */
static const u8 transfers[SYSCALL_MAX] = {
	[__NR_read] = 1,    [__NR_pread64] = 1,		[__NR_readv] = 1,
	[__NR_preadv] = 1,  [__NR_preadv2] = 1,		[__NR_recvfrom] = 1,
	[__NR_recvmsg] = 1, [__NR_write] = 2,		[__NR_pwrite64] = 2,
	[__NR_writev] = 2,  [__NR_pwritev] = 2,		[__NR_pwritev2] = 2,
	[__NR_sendto] = 2,  [__NR_sendmsg] = 2,		[__NR_sendfile] = 2,
	[__NR_splice] = 2,  [__NR_copy_file_range] = 2,
};

static void count_bytes(u64 nr, s64 ret)
{
	if (nr >= SYSCALL_MAX || !transfers[nr] || ret <= 0)
		return;
	if (transfers[nr] == 1)
		STATS_ADD(bytes_read, (u64)ret);
	else
		STATS_ADD(bytes_written, (u64)ret);
}

/* A number without a function: a call of the heap library, or an unknown number. */
static s64 dispatch_other(u64 nr, const struct syscall_args *args)
{
	s64 number = check_syscall_number(nr);

	return number >= 0 ? check_syscall((u64)number, args) : unknown(nr);
}

/* Returns true if no call can have this number. */
static bool is_no_number(u64 nr)
{
	return nr >= SYSCALL_MAX && check_syscall_number(nr) < 0;
}

/* Makes the call in the frame, which a tracer may have changed. */
static void call(struct trapframe *f)
{
	/* As on Linux, the number is eax, sign-extended. */
	u64 nr = (u64)(s64)(s32)f->orig_rax;
	struct syscall_args args = {{f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9}};
	s64 ret;

	STATS_INC(syscalls);
	current()->syscall_nr = nr;
	if (boot->flags & BOOT_TRACE)
		trace_enter(nr, &args, f->rsp);
	current()->bad_buffer.addr = current()->bad_buffer.before = 0;
	path_prefetch_enter(current());
	/* rax is -ENOSYS already, or what a tracer put there. */
	if (is_no_number(nr))
		ret = (s64)f->rax;
	else
		ret = nr < SYSCALL_MAX && table[nr].fn ? table[nr].fn(&args)
						       : dispatch_other(nr, &args);
	f->rax = (u64)ret;
	count_bytes(nr, ret);
	path_prefetch_leave(current());
	lock_assert_none();
	if (current()->bad_buffer.addr)
		check_buffer_report(ret);
	if (boot->flags & BOOT_TRACE)
		trace_syscall(nr, &args, ret);
}

/* Returns true if the thread gets SIGSYS in place of the call in the frame. */
static bool is_diverted(struct trapframe *f)
{
	return user_dispatch_is_on(current()) &&
	       check_syscall_number((u64)(s64)(s32)f->orig_rax) < 0 && !user_dispatch_enter(f);
}

/*
 * Returns true if the call in the frame is to be made: the tracer and then the filters of
 * seccomp(2) decide. The calls of the heap library are not the program's.
 */
static bool may_call(struct trapframe *f)
{
	struct thread *t = current();
	bool traced = ptrace_wants_syscalls(t), filtered = seccomp_is_on(t);

	if (!traced && !filtered)
		return true;
	if (traced && !ptrace_syscall_enter())
		return false;
	if (filtered && check_syscall_number((u64)(s64)(s32)f->orig_rax) < 0 && !seccomp_enter(f))
		return false;
	if (signal_pending())
		signal_interrupts_next();
	return true;
}

void syscall_dispatch(struct trapframe *f)
{
	/* As on Linux, a tracer does not see the call at all. */
	if (is_diverted(f))
		return;
	if (may_call(f))
		call(f);
	/* A tracer may have attached or detached meanwhile. */
	if (ptrace_wants_syscalls(current()))
		ptrace_syscall_exit();
}
