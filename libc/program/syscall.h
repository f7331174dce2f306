/* SPDX-License-Identifier: MIT */
/*
 * System calls of Linux on x86-64, for freestanding programs (syscall(2), "Architecture calling
 * conventions").
 */
#ifndef LIBC_PROGRAM_SYSCALL_H
#define LIBC_PROGRAM_SYSCALL_H

#include <asm/unistd.h>

/* Returns the kernel's result: -errno for -4095 to -1, else the value. */
static inline long raw_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#endif
