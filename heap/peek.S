/*
 * bool peek_words(u64 a, u64 b, u64 to[2]); called by unwind.c and cfi.c; a leaf without a frame.
 *
 * The two loads are the only instructions of the library that may fault on purpose: the kernel
 * goes on at peek_fail when one of [peek_start, peek_end) does (HEAP_CALL_UNWIND).
 */
	.text
	.globl peek_words, peek_start, peek_end, peek_fail
	.hidden peek_words, peek_start, peek_end, peek_fail
	.type peek_words, @function
peek_words:
	.cfi_startproc
peek_start:
	mov (%rdi), %rax
	mov (%rsi), %rcx
peek_end:
	mov %rax, (%rdx)
	mov %rcx, 8(%rdx)
	mov $1, %eax
	ret
peek_fail:
	xor %eax, %eax
	ret
	.cfi_endproc
	.size peek_words, . - peek_words
	.section .note.GNU-stack, "", @progbits
