/* SPDX-License-Identifier: MIT */
/* The registers of a program in core files and in reports of `buffervm check`. */
#ifndef COMMON_USER_REGS_H
#define COMMON_USER_REGS_H

/* Indices in the order of struct user_regs_struct (<sys/user.h>). */
enum user_reg {
	USER_R15,
	USER_R14,
	USER_R13,
	USER_R12,
	USER_RBP,
	USER_RBX,
	USER_R11,
	USER_R10,
	USER_R9,
	USER_R8,
	USER_RAX,
	USER_RCX,
	USER_RDX,
	USER_RSI,
	USER_RDI,
	USER_ORIG_RAX,
	USER_RIP,
	USER_CS,
	USER_EFLAGS,
	USER_RSP,
	USER_SS,
	USER_FS_BASE,
	USER_GS_BASE,
	USER_DS,
	USER_ES,
	USER_FS,
	USER_GS,
	USER_REGS,
};

#endif
