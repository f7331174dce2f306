/* SPDX-License-Identifier: MIT */
/*
 * void _start(void): where Linux starts a freestanding program. The stack pointer points at argc,
 * argv, the environment and the auxiliary vector (System V ABI, "Process Initialization"); all
 * other registers are undefined. Does not return.
 */
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp		/* end of the chain of stack frames */
	movq	%rsp, %rdi		/* program_start's argument */
	andq	$-16, %rsp		/* what the ABI promises to C */
	call	program_start
	ud2
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
