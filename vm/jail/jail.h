/* SPDX-License-Identifier: MIT */
/* The jail of `buffervm run` from its start to its end: what main.c calls. */
#ifndef VM_JAIL_JAIL_H
#define VM_JAIL_JAIL_H

#include "vm/vm.h"

/*
 * Makes the file system for what only the sandbox has. Called before the monitor gives its rights
 * up, because that takes some. Returns 0 or an exit_status after a message.
 */
int jail_begin(struct sandbox *s);
/*
 * Opens the view of s->opt.policy, makes the environment of the program the policy's, and sets the
 * limits that the policy has in s->opt. Called before boot_prepare, while the monitor has one
 * thread. Returns 0 or an exit_status after a message.
 */
int jail_prepare(struct sandbox *s);
/*
 * Gives the guest its handles of the root and the working directory, and lets hostcalls go through
 * the jail. Called by hostcall_init. Returns 0 or -errno.
 */
int jail_enter(struct sandbox *s);
/*
 * Returns the path in the sandbox of a program that is named as on a command line: along PATH if it
 * has no slash. Returns the name itself if there is none.
 */
const char *jail_find_program(const char *name);
/* Removes what the jail made on the host. Does nothing if there is no jail. */
void jail_end(void);

#endif
