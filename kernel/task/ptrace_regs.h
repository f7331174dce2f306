/* SPDX-License-Identifier: MIT */
/*
 * The registers of a stopped tracee, as ptrace(2) shows and changes them: ptrace_regs.c. In all
 * functions t is in a ptrace-stop and task_lock is held, except for ptrace_regset_size. They return
 * 0 or -errno.
 */
#ifndef KERNEL_TASK_PTRACE_REGS_H
#define KERNEL_TASK_PTRACE_REGS_H

#include "common/types.h"
#include "common/user_regs.h"

struct thread;

/* PTRACE_PEEKUSER and PTRACE_POKEUSER: a word at this offset of struct user (sys/user.h). */
int ptrace_peek_user(struct thread *t, u64 offset, u64 *value);
int ptrace_poke_user(struct thread *t, u64 offset, u64 value);

/*
 * Returns the size in bytes of a set of registers: NT_PRSTATUS, NT_PRFPREG or NT_X86_XSTATE.
 * Returns -EINVAL or -ENXIO for other sets.
 */
s64 ptrace_regset_size(u32 type);
/*
 * Copy a set to or from buf, which has ptrace_regset_size bytes. len: how many of these bytes to
 * write. If a value is invalid, those before it are written.
 */
int ptrace_regset_get(struct thread *t, u32 type, void *buf);
int ptrace_regset_set(struct thread *t, u32 type, const void *buf, u64 len);

#endif
