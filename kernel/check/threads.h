/* SPDX-License-Identifier: MIT */
/*
 * Names of threads for reports, and where threads were created. A thread that made or released an
 * object may have ended, so the address space keeps what its threads were called.
 */
#ifndef KERNEL_CHECK_THREADS_H
#define KERNEL_CHECK_THREADS_H

#include "common/types.h"

struct mm;
struct syscall_args;

struct chk_thread {
	struct chk_thread *next;
	s32 tid, creator;
	u32 stack; /* id of the stack where it was created; 0: not known */
	char comm[16];
};

/* Notes the running thread, which ends. Without memory it stays unknown. No lock is held. */
void threads_ended(void);
/* Finds a thread of the running process, also one that has ended. No lock is held. */
bool threads_find(s32 tid, struct chk_thread *out);
void threads_free(struct mm *mm);
/* The system call CHK_CALL_CREATES. */
s64 chk_call_creates(const struct syscall_args *args);

#endif
