/* SPDX-License-Identifier: MIT */
/*
 * Loads that may fault. If an instruction in [peek_start, peek_end) faults, the kernel continues at
 * peek_fail, which returns 0 (CHK_CALL_UNWIND). So no function here may push anything, and 0 means
 * failure for all.
 */
#include "check/preload/peek.h"

	.text
	.globl peek_words, peek_steps, peek_start, peek_end, peek_fail
	.hidden peek_words, peek_steps, peek_start, peek_end, peek_fail

peek_start:
/* bool peek_words(u64 a, u64 b, u64 to[2]); called by unwind.c and by peek() */
	.type peek_words, @function
peek_words:
	.cfi_startproc
	mov (%rdi), %rax
	mov (%rsi), %rcx
	mov %rax, (%rdx)
	mov %rcx, 8(%rdx)
	mov $1, %eax
	ret
	.cfi_endproc
	.size peek_words, . - peek_words

/* u32 peek_steps(const struct peek_step *steps, u32 count); called by unwind_memo.c */
	.type peek_steps, @function
peek_steps:
	.cfi_startproc
	xor %eax, %eax
1:	cmp %esi, %eax
	jae 2f
	mov PEEK_STEP_AT(%rdi), %rcx
	mov PEEK_STEP_AT + 8(%rdi), %rdx
	mov (%rcx), %rcx
	mov (%rdx), %rdx
	cmp PEEK_STEP_VALUE(%rdi), %rcx
	jne 2f
	cmp PEEK_STEP_VALUE + 8(%rdi), %rdx
	jne 2f
	add $PEEK_STEP_SIZE, %rdi
	inc %eax
	jmp 1b
2:	ret
	.cfi_endproc
	.size peek_steps, . - peek_steps
peek_end:

peek_fail:
	.cfi_startproc
	xor %eax, %eax
	ret
	.cfi_endproc
	.section .note.GNU-stack, "", @progbits
