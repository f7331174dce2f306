/* SPDX-License-Identifier: MIT */
/* The first program, which the monitor names in boot info. */
#ifndef KERNEL_EXEC_INIT_H
#define KERNEL_EXEC_INIT_H

/*
 * Executes the program of boot info in the first process. Returns when the trap frame is ready. If
 * the program cannot be run, ends the sandbox with a message and an exit status.
 */
void exec_first_program(void);

#endif
