/* SPDX-License-Identifier: MIT */
/*
 * What stack capture in the program (check/preload/unwind.c) needs of the kernel: where the frame
 * tables of an ELF file are, word that this is no longer so, and help at loads that fault.
 */
#ifndef KERNEL_CHECK_MODULE_H
#define KERNEL_CHECK_MODULE_H

#include "check/abi/call.h"
#include "common/types.h"

struct mm;
struct syscall_args;
struct trapframe;

/* In struct mm; mm.lock. Zero while nobody captures stacks. */
struct mm_unwind {
	struct chk_unwind given; /* by the library */
	/*
	 * [none_low, none_high) has all addresses of which the library was told that they are no
	 * code. It believes so until the generation changes.
	 */
	u64 none_low, none_high;
};

/* CHK_CALL_UNWIND and CHK_CALL_MODULE, for calls.c. */
s64 chk_call_unwind(const struct syscall_args *args);
s64 chk_call_module(const struct syscall_args *args);

/* As CHK_CALL_MODULE. mm.lock is not held. */
s64 chk_find_module(struct mm *mm, u64 pc, struct chk_module *m);

/* A fault that cannot be served. True: one of the library's loads; it goes on elsewhere. */
bool chk_peek_fault(struct mm *mm, struct trapframe *f);

#endif
