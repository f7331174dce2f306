/* SPDX-License-Identifier: MIT */
/*
 * Which socket options the guest may read and set. The list is of what is allowed: an option that
 * the monitor does not know may take pointers for data, make descriptors, or make the kernel write
 * more than the length that it was given.
 */
#ifndef VM_SOCKOPT_H
#define VM_SOCKOPT_H

#include "common/types.h"

enum sockopt_how {
	SOCKOPT_GET = 1,
	SOCKOPT_SET = 2,
	SOCKOPT_PROGRAM =
		4, /* set to a classic BPF program, which the guest sends as its instructions */
};

/*
 * The most bytes that this option's value has; 0: it is not allowed so. A longer value is to be cut
 * to that: the kernel looks at no more.
 */
u32 sockopt_size(u64 level, u64 name, enum sockopt_how how);

#endif
