/* SPDX-License-Identifier: MIT */
/*
 * What stack capture in the program (check/preload/unwind.c) needs of the kernel: where the frame
 * tables of an ELF file are, a notice when an answer is no longer valid, and the continuation of
 * the library's loads that fault.
 */
#ifndef KERNEL_CHECK_MODULE_H
#define KERNEL_CHECK_MODULE_H

#include "check/abi/call.h"
#include "common/types.h"

struct mm;
struct syscall_args;
struct trapframe;

/* In struct check_mm; written with mm.lock held. All 0 until the library captures stacks. */
struct mm_unwind {
	struct chk_unwind given; /* by the library */
	/*
	 * [none_low, none_high) contains all addresses for which the library got the answer that
	 * there is no code. The library keeps these answers until the generation changes.
	 */
	u64 none_low, none_high;
};

/* The system calls CHK_CALL_UNWIND and CHK_CALL_MODULE. */
s64 chk_call_unwind(const struct syscall_args *args);
s64 chk_call_module(const struct syscall_args *args);

/*
 * Finds the ELF file whose code contains pc, as CHK_CALL_MODULE does. Returns 0; -ENOENT: the code
 * is not an ELF file's; -EFAULT: there is no code at pc. mm.lock is not held.
 */
s64 chk_find_module(struct mm *mm, u64 pc, struct chk_module *m);

/*
 * Handles a fault that could not be served, if it is one of the library's own loads. Returns true
 * then, with f->rip at the library's code for this case.
 */
bool chk_peek_fault(struct mm *mm, struct trapframe *f);

#endif
