/* SPDX-License-Identifier: MIT */
/*
 * --learn: runs a program with the host's files readable and its working directory copied, and
 * writes a policy with what it used beyond the defaults.
 */
#ifndef VM_JAIL_LEARN_H
#define VM_JAIL_LEARN_H

#include "vm/jail/policy.h"

/* Opens the file for the policy. Returns 0 or an exit_status after a message. */
int learn_start(const struct jail_policy *p);
/* Returns true after learn_start opened a file. */
bool learn_is_on(void);
/* Notes that a file was used, or wanted: a path in the sandbox. Called by any thread. */
void learn_used(const char *path, bool write);
/* Writes the policy. Called once, after the program. */
void learn_write(const struct jail_policy *p);

#endif
