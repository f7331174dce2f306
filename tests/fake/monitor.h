/* SPDX-License-Identifier: MIT */
/*
 * A sandbox without KVM, for tests of the monitor's hostcalls: guest memory is a piece of the
 * test's own, a vCPU is the thread that calls hostcall_dispatch.
 */
#ifndef TESTS_FAKE_MONITOR_H
#define TESTS_FAKE_MONITOR_H

#include "vm/vm.h"

#define FAKE_RAM   (1UL << 20)	 /* bytes of RAM, from RAM_BASE */
#define FAKE_FILES (256UL << 20) /* bytes of files in memory that there may be */
#define FAKE_ARENA (4UL << 20)	 /* bytes of a window arena, unless asked for more */

/* What the monitor's other parts were asked to do. */
struct fake_monitor {
	int ended;	 /* argument of sandbox_end, or -1 */
	char said[4200]; /* last message, without its prefix */
	u32 kicks;
	bool kicked; /* vcpu_syscall says -EINTR at once */
};

extern struct fake_monitor fake;

/* The sandbox, fresh at the first call. vCPU 0 is this thread. */
struct sandbox *fake_sandbox(void);

#endif
