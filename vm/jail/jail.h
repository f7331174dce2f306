/* SPDX-License-Identifier: MIT */
/* The jail of `buffervm run` from its start to its end: what main.c calls. */
#ifndef VM_JAIL_JAIL_H
#define VM_JAIL_JAIL_H

#include "vm/vm.h"

/*
 * Makes the file system for what only the sandbox has, and the copies of overlays. Called before
 * the monitor gives its rights up, because that takes some. Returns 0 or an exit_status after a
 * message.
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
/*
 * Has the changes in overlays printed and written back as the policy says, and removes what the
 * jail made on the host. succeeded: the program ended with status 0. Returns false, after messages,
 * if something could not be written back. Does nothing if there is no jail.
 */
bool jail_end(bool succeeded);

#endif
