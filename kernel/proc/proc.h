/* SPDX-License-Identifier: MIT */
/* The kernel's own /proc; proc.c has the table of its names. */
#ifndef KERNEL_PROC_PROC_H
#define KERNEL_PROC_PROC_H

/* Makes /proc known to the path layer. Once, before the first program. */
void proc_init(void);

#endif
