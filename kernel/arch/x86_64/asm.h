/* SPDX-License-Identifier: MIT */
/* Constants that entry.S shares with C. */
#ifndef ARCH_ASM_H
#define ARCH_ASM_H

#include "common/boot_info.h"

#define TRAP_SYSCALL 256

#ifdef __ASSEMBLER__
#define EFAULT 14
#define ENOSYS 38
#endif

#endif
