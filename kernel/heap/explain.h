/* SPDX-License-Identifier: MIT */
/*
 * Faults that have nothing to do with the heap, explained when the program is about to die of them:
 * NULL pointers, wild pointers, the end of the stack.
 */
#ifndef KERNEL_HEAP_EXPLAIN_H
#define KERNEL_HEAP_EXPLAIN_H

#include "common/types.h"

/*
 * The running thread's fault is a signal that nobody handles; trapno and error are the CPU's, addr
 * is the faulting address (0 where the CPU does not tell). Reports it: does not return where the
 * process ends for that. No lock is held.
 */
void heap_explain(u64 addr, u64 trapno, u64 error);

#endif
