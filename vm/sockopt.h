/* SPDX-License-Identifier: MIT */
/*
 * The socket options that the guest may read and set. This is an allow-list, because an option that
 * the monitor does not know may take pointers as data, make descriptors, or make the host kernel
 * write more than the length that it was given.
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
 * Returns the most bytes that the option's value can have, or 0 if the option is not allowed in
 * this way. The caller cuts a longer value to that size: the host kernel reads no more of it.
 */
u32 sockopt_size(u64 level, u64 name, enum sockopt_how how);

#endif
