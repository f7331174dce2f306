/* SPDX-License-Identifier: MIT */
/* What every part of the kernel may use: panic, log, error numbers. */
#ifndef KERNEL_H
#define KERNEL_H

#include <asm/errno.h>
#include "common/types.h"
#include "common/layout.h"
#include "libc/string.h"
#include "libc/stdio.h"

/*
 * Error classes. Functions return >= 0 or -errno (the program's fault, or the host's); what the
 * kernel itself violated is a panic. Internal restart code (never reaches a program): */
#define ERESTARTSYS	      512 /* restart if SA_RESTART or no handler ran, else EINTR */
#define ERESTARTNOINTR	      513 /* restart always: a call that cannot fail with EINTR was kicked */
#define ERESTARTNOHAND	      514 /* restart if no handler ran, else EINTR */
#define ERESTART_RESTARTBLOCK 516 /* restart_syscall with the time that is left */

/* Ends the sandbox with a message. Any context. */
__attribute__((noreturn)) void panic(const char *fmt, ...) __printf(1, 2);

/* A line for the log; level 0 always reaches the user, 1 with -v. */
void klog(int level, const char *fmt, ...) __printf(2, 3);

/* A kernel invariant; false is a panic that names it. */
#define KASSERT(cond)                                                                              \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			panic("%s:%d: %s does not hold", __FILE__, __LINE__, #cond);               \
	} while (0)

extern const struct boot_info *boot;

#endif
