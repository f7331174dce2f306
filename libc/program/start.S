/* SPDX-License-Identifier: MIT */
/*
 * void _start(void): Linux starts a freestanding program here. RSP points at argc, argv, the
 * environment and the auxiliary vector (System V ABI, "Process Initialization"). _start uses no
 * other register's value, and does not return.
 */
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp		/* end of the chain of stack frames */
	movq	%rsp, %rdi		/* program_start's argument */
	andq	$-16, %rsp		/* the alignment that the ABI requires at a call */
	call	program_start
	ud2
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
