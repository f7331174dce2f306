/* SPDX-License-Identifier: MIT */
/* The kernel's own /proc. proc.c has the table of its names. */
#ifndef KERNEL_PROC_PROC_H
#define KERNEL_PROC_PROC_H

/* Registers /proc with the path layer. Called once, before the first program starts. */
void proc_init(void);

#endif
