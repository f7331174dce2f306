/* The library's way into the guest kernel (common/heap_call.h). Results: >= 0 or -errno. */
#ifndef HEAP_SYSCALL_H
#define HEAP_SYSCALL_H

#include "common/heap_call.h"

static inline s64 heap_syscall1(enum heap_call op, u64 a)
{
	s64 ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"((u64)HEAP_CALL_BASE + op), "D"(a)
			 : "rcx", "r11", "memory");
	return ret;
}

#endif
