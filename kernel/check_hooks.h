/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel calls `buffervm check`, and nothing else of it: all of check's code in the
 * kernel is kernel/check/, and no file outside includes a header of that folder.
 *
 * The hook check_NAME calls chk_NAME, which kernel/check/ defines, in a sandbox that checks;
 * anywhere else it does what its last column says. In a build without check (CHECK_BUILT is 0) the
 * column is all that is left of the hook.
 */
#ifndef KERNEL_CHECK_HOOKS_H
#define KERNEL_CHECK_HOOKS_H

#include "common/boot_info.h"
#include "common/check_config.h"
#include "common/layout.h"
#include "kernel/kernel.h"

struct binary;
struct exec_stack;
struct mm;
struct ofile;
struct syscall_args;
struct trapframe;

/* The sandbox checks. */
static inline bool check_on(void)
{
	return CHECK_BUILT && (boot->check.flags & CHECK_ON);
}

/* A part of [start, end) lies in the range whose addresses only the guarded heap gives out. */
static inline bool check_owns(u64 start, u64 end)
{
	return check_on() && start < CHK_GUARDED_END && end > CHK_GUARDED_BASE;
}

#define CHECK_HOOK(type, name, parameters, arguments, otherwise)                                   \
	type chk_##name parameters;                                                                \
	static inline type check_##name parameters                                                 \
	{                                                                                          \
		return check_on() ? chk_##name arguments : (otherwise);                            \
	}
#define CHECK_HOOK_VOID(name, parameters, arguments)                                               \
	void chk_##name parameters;                                                                \
	static inline void check_##name parameters                                                 \
	{                                                                                          \
		if (check_on())                                                                    \
			chk_##name arguments;                                                      \
	}

/* clang-format off */
/* -- Address spaces: kernel/mm/ ---------------------------------------------------------------- */

/* An address space comes into being, with mm->check NULL so far. 0 or -ENOMEM. */
CHECK_HOOK(int, mm_new, (struct mm *mm), (mm), 0)
/* It ends; its VMAs are gone already. */
CHECK_HOOK_VOID(mm_free, (struct mm *mm), (mm))
/* fork(2): child has mm's VMAs and pages already. 0 or -ENOMEM. mm.lock is held. */
CHECK_HOOK(int, mm_fork, (struct mm *child, struct mm *mm), (child, mm), 0)

/*
 * The code in [start, end) changes: it becomes executable, or a VMA with VMA_MODULE there is gone
 * (appears is false). mm.lock is held.
 */
CHECK_HOOK_VOID(code_changes, (struct mm *mm, u64 start, u64 end, bool appears),
		(mm, start, end, appears))

/* -- Buffers that the kernel reads or writes for the program: kernel/mm/uaccess.c -------------- */

/* When a buffer that is no good in whole matters. */
enum check_when {
	CHECK_IF_FAULTS,  /* the call fails, or came as far as the bad byte */
	CHECK_ALWAYS,	  /* the bytes were used already */
	CHECK_IF_REACHED, /* the call succeeds and transferred more than what is good */
};

/*
 * In struct thread: the first guarded address that the system call under way should not have been
 * given. What a hook notes here is reported when the call ends, because callers of the hooks may
 * hold any lock.
 */
struct check_buffer {
	u64 addr;   /* 0: none; cleared by syscall_dispatch */
	u64 space;   /* bytes of the transfer that lie before it */
	u64 before; /* bytes of it that were made already: user_segs_continue */
	enum check_when when;
	bool write;
};

/* mm could not be accessed at addr; so many bytes of the transfer (space) lie before it. */
CHECK_HOOK_VOID(buffer_faults, (struct mm *mm, u64 addr, u64 space, bool write),
		(mm, addr, space, write))
/*
 * [start, +len) is about to be accessed, behind space bytes of the same transfer: does it end in the
 * object that it begins in? mm.lock is held.
 */
CHECK_HOOK_VOID(buffer,
		(struct mm *mm, u64 start, u64 len, u64 space, bool write, enum check_when when),
		(mm, start, len, space, write, when))
/*
 * The system call returns ret, and current()->bad_buffer.addr is not 0. Reports it, unless Linux
 * would not have come as far as to notice. No lock is held.
 */
CHECK_HOOK_VOID(buffer_report, (s64 ret), (ret))

/* -- Faults ------------------------------------------------------------------------------------ */

/*
 * The program's fault at addr could not be served and would be this signal. True: the program goes
 * on at f->rip, because the fault was one of the heap library's own, or a bug that was reported. No
 * lock is held; does not return where the process ends for the bug.
 */
CHECK_HOOK(bool, fault, (struct trapframe *f, u64 addr, int signal), (f, addr, signal), false)
/*
 * The running thread's fault is a SIGSEGV or SIGBUS that nobody handles; trapno and error are the
 * CPU's, addr is the faulting address (0 where the CPU does not tell). As check_fault.
 */
CHECK_HOOK_VOID(deadly_fault, (u64 addr, u64 trapno, u64 error), (addr, trapno, error))

/* -- Processes and threads: kernel/task/, kernel/exec/ ----------------------------------------- */

/*
 * execve(2) has mapped program into mm, where nothing runs yet; loader is the name of its
 * interpreter or NULL, filename is for messages. Puts the heap library in, or says why not. Fills in
 * stack->preload (kmalloc'ed, the caller's; NULL: none) and stack->inject, which is where the traces
 * of that string are to be noted. 0, or -errno that is noted in the program's .why: mm is of no use
 * any more.
 */
CHECK_HOOK(int, exec,
	   (struct mm *mm, const struct binary *program, const char *loader, const char *filename,
	    struct exec_stack *stack),
	   (mm, program, loader, filename, stack), 0)

/* The running thread is about to enter its program for the first time. */
CHECK_HOOK_VOID(thread_begins, (void), ())
/*
 * The running thread is about to end. The only thread of a process looks for bugs that show at its
 * end; that is done once, however often the hook is called. No lock is held.
 */
CHECK_HOOK_VOID(thread_ends, (int wait_status), (wait_status))
/* The first process ended with this wait(2) status: what the sandbox ends with. */
CHECK_HOOK(int, end_status, (int wait_status), (wait_status), wait_status)

/* -- What programs see ------------------------------------------------------------------------- */

/* A reference to check's own file at this path below /proc; NULL: there is none. */
CHECK_HOOK(struct ofile *, path, (const char *path), (path), NULL)

/* The number that the heap library has for its system call nr; -1: nr is none of them. */
CHECK_HOOK(s64, syscall_number, (u64 nr), (nr), -1)
/* Serves number of these: >= 0 or -errno. */
CHECK_HOOK(s64, syscall, (u64 number, const struct syscall_args *args), (number, args),
	   -ENOSYS)

/* clang-format on */

#undef CHECK_HOOK
#undef CHECK_HOOK_VOID

#endif
