// SPDX-License-Identifier: MIT
/* The system calls of stack capture. */
#include "check/preload/unwind.h"
#include "check/preload/unwind_kernel.h"

/* peek.S */
extern const u8 peek_start[] __attribute__((visibility("hidden")));
extern const u8 peek_end[] __attribute__((visibility("hidden")));
extern const u8 peek_fail[] __attribute__((visibility("hidden")));

u64 unwind_program;

static s64 chk_call(enum chk_call nr, u64 a, u64 b)
{
	s64 ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(CHK_CALL_BASE + nr), "D"(a), "S"(b)
			 : "rcx", "r11", "memory");
	return ret;
}

s64 unwind_module(u64 pc, struct chk_module *out)
{
	return chk_call(CHK_CALL_MODULE, pc, (u64)out);
}

void unwind_init(void)
{
	const struct chk_unwind u = {
		.peek = (u64)peek_start,
		.peek_end = (u64)peek_end,
		.peek_fail = (u64)peek_fail,
		.generation = (u64)&unwind_generation,
	};

	s64 code = chk_call(CHK_CALL_UNWIND, (u64)&u, 0);

	if (code > 0)
		unwind_program = (u64)code;
}
