/* SPDX-License-Identifier: MIT */
/* Raises the walls (walls.h) that a policy asks for, and puts its network rules in force. */
#ifndef VM_JAIL_CONFINE_H
#define VM_JAIL_CONFINE_H

struct sandbox;
struct jail_policy;

/*
 * Begins what takes long of confine_begin, which has to follow. Called when all words of the policy
 * are read.
 */
void confine_prepare(struct jail_policy *p);

/*
 * What is done before the VM exists: looks names up, makes namespaces, gives privileges up. The
 * process has one thread, and the reporter runs already. Returns 0, or an exit_status after a
 * message.
 */
int confine_begin(struct sandbox *s);

/*
 * What is done last, when the monitor has all that it opens itself: Landlock and seccomp. The
 * process still has one thread. Returns 0, or an exit_status after a message.
 */
int confine_last(struct sandbox *s);

#endif
