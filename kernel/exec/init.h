/* SPDX-License-Identifier: MIT */
/* The first program: named by the monitor in boot info instead of by execve(2). */
#ifndef KERNEL_EXEC_INIT_H
#define KERNEL_EXEC_INIT_H

/*
 * Makes the program of boot info that of the first process. Returns when its trap frame is ready;
 * if the program cannot be run, the sandbox ends with a message and its exit status.
 */
void exec_first_program(void);

#endif
