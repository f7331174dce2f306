/* SPDX-License-Identifier: MIT */
/*
 * The hooks through which the kernel calls `buffervm check`. All of check's code in the kernel is
 * in kernel/check/, and no file outside includes a header of that folder.
 *
 * In a sandbox that checks, the hook check_NAME calls chk_NAME, which kernel/check/ defines. In any
 * other sandbox, and in a build without check (CHECK_BUILT is 0), it returns its last column.
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
struct thread;
struct vma;

/* This sandbox runs `buffervm check`. */
static inline bool check_on(void)
{
	return CHECK_BUILT && (boot->check.flags & CHECK_ON);
}

/* A part of [start, end) lies in the guarded range, whose addresses only check gives out. */
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

/* Called for a new address space, whose mm->check is NULL. Returns 0 or -ENOMEM. */
CHECK_HOOK(int, mm_new, (struct mm *mm), (mm), 0)
/* Called when an address space ends, after its VMAs were freed. */
CHECK_HOOK_VOID(mm_free, (struct mm *mm), (mm))
/* fork(2): child has mm's VMAs and pages already. Returns 0 or -ENOMEM. mm.lock is held. */
CHECK_HOOK(int, mm_fork, (struct mm *child, struct mm *mm), (child, mm), 0)

/*
 * Called when code in [start, end) changes: appears is true if memory becomes executable, and false
 * if a VMA with VMA_MODULE was unmapped. mm.lock is held.
 */
CHECK_HOOK_VOID(code_changes, (struct mm *mm, u64 start, u64 end, bool appears),
		(mm, start, end, appears))

/*
 * Called for each VMA with VMA_MODULE that is about to be unmapped, by ascending address. mm.lock is
 * held.
 */
CHECK_HOOK_VOID(module_goes, (struct mm *mm, struct vma *v), (mm, v))

/* -- Buffers that the kernel reads or writes for the program: kernel/mm/uaccess.c -------------- */

/* When a buffer that is partly bad is reported. */
enum check_when {
	CHECK_IF_FAULTS,  /* if the call fails, or came as far as the bad byte */
	CHECK_ALWAYS,	  /* always: the bytes were used already */
	CHECK_IF_REACHED, /* if the call succeeds and has transferred more than the good bytes */
};

/*
 * In struct thread: the first guarded address that the running system call should not have been
 * given. A hook notes it here, and the report is made when the call ends, because callers of the
 * hooks may hold any lock.
 */
struct check_buffer {
	u64 addr;   /* 0: none; cleared by syscall_dispatch */
	u64 space;   /* bytes of the transfer that lie before addr */
	u64 before; /* bytes of the transfer that were done earlier: user_segs_continue */
	enum check_when when;
	bool write;
};

/* In struct thread: where it was created, and where it will create the next thread. */
struct check_origin {
	u32 stack; /* id of a stored stack; 0: not known */
	s32 creator;
	u32 next_stack;
};

/* mm could not be accessed at addr. space: bytes of the transfer that lie before addr. */
CHECK_HOOK_VOID(buffer_faults, (struct mm *mm, u64 addr, u64 space, bool write),
		(mm, addr, space, write))
/*
 * The kernel is about to access [start, start + len), after space bytes of the same transfer. Notes
 * it if it does not end in the object that it begins in. mm.lock is held.
 */
CHECK_HOOK_VOID(buffer,
		(struct mm *mm, u64 start, u64 len, u64 space, bool write, enum check_when when),
		(mm, start, len, space, write, when))
/*
 * Called when the system call returns ret and current()->bad_buffer.addr is not 0. Reports the
 * buffer, unless Linux would not have reached the bad byte. No lock is held.
 */
CHECK_HOOK_VOID(buffer_report, (s64 ret), (ret))

/* -- Faults ------------------------------------------------------------------------------------ */

/*
 * Called when the program's fault at addr could not be served and would become this signal. Returns
 * true if the program is to go on at f->rip: the fault was one that the heap library expects, or a
 * bug that was reported. Does not return if the process ends because of the bug. No lock is held.
 */
CHECK_HOOK(bool, fault, (struct trapframe *f, u64 addr, int signal), (f, addr, signal), false)
/*
 * Called when the running thread's fault is a SIGSEGV or SIGBUS without a handler. trapno and error
 * are the CPU's; addr is the faulting address, or 0 if the CPU does not report one. Reports the
 * fault; as check_fault, may not return. No lock is held.
 */
CHECK_HOOK_VOID(deadly_fault, (u64 addr, u64 trapno, u64 error), (addr, trapno, error))

/* -- Processes and threads: kernel/task/, kernel/exec/ ----------------------------------------- */

/*
 * Called when execve(2) has mapped program into mm, where nothing runs yet. loader is the name of
 * the program's interpreter or NULL; filename is for messages. Injects the heap library, or reports
 * why it cannot. Sets stack->preload (kmalloc'ed, owned by the caller; NULL: none) and
 * stack->inject, where the caller notes what it made of that string. Returns 0, or -errno with the
 * program's .why set, after which the caller destroys mm.
 */
CHECK_HOOK(int, exec,
	   (struct mm *mm, const struct binary *program, const char *loader, const char *filename,
	    struct exec_stack *stack),
	   (mm, program, loader, filename, stack), 0)

/* Called when the running thread has made child, a thread of its process that does not run yet. */
CHECK_HOOK_VOID(thread_created, (struct thread *child), (child))
/* Called when the running thread is about to enter its program for the first time. */
CHECK_HOOK_VOID(thread_begins, (void), ())
/*
 * Called when the running thread is about to end. In the only thread of a process, looks for bugs
 * that show at the process's end, once even if called again. No lock is held.
 */
CHECK_HOOK_VOID(thread_ends, (int wait_status), (wait_status))
/* Returns the wait(2) status of the sandbox, whose first process ended with wait_status. */
CHECK_HOOK(int, end_status, (int wait_status), (wait_status), wait_status)

/* -- What programs see ------------------------------------------------------------------------- */

/* Returns a reference to check's own file at this path below /proc, or NULL. */
CHECK_HOOK(struct ofile *, path, (const char *path), (path), NULL)

/* Returns the CHK_CALL_ number of system call nr, or -1 if nr is not the heap library's. */
CHECK_HOOK(s64, syscall_number, (u64 nr), (nr), -1)
/* Serves the heap library's call of this number. Returns >= 0 or -errno. */
CHECK_HOOK(s64, syscall, (u64 number, const struct syscall_args *args), (number, args),
	   -ENOSYS)

/* clang-format on */

#undef CHECK_HOOK
#undef CHECK_HOOK_VOID

#endif
