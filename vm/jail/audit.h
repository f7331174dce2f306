/* SPDX-License-Identifier: MIT */
/*
 * What the jail refused: one line for each file or address at the end, and, with --audit, a line of
 * JSON for each refusal at once.
 *
 * Where a call is refused, the code that decides notes why (audit_note). The dispatch of hostcalls
 * then has the note written down with the call's result, if the call failed.
 */
#ifndef VM_JAIL_AUDIT_H
#define VM_JAIL_AUDIT_H

#include "vm/hostcall.h"
#include "vm/jail/policy.h"

/* Opens the file of --audit. Returns 0 or an exit_status after a message. */
int audit_start(const struct jail_policy *p);

/*
 * Notes, for the thread's present call, that a rule refuses something. rule: the word of the rule,
 * a constant; NULL: no rule allows it. where: the path of the rule, or NULL.
 */
void audit_note(const char *rule, const char *where);
/* Adds to the note which path it is about. write: the path was to be changed. */
void audit_note_path(int dir, const char *path, bool write);
/* Forgets the note. Called before each call. */
void audit_forget(void);
/* Called after each call, by the thread that made it. Writes the note down if the call failed. */
void audit_call(const struct call *c, s64 ret);

/* Who made a call, as the guest kernel tells it: the name of the thread, and its process. */
#define AUDIT_WHO 16
void audit_who(const struct call *c, char name[AUDIT_WHO], u32 *pid);
/* Writes down that the name server knows no such name. Called by any thread. */
void audit_look_up(const char *name, const char *who, u32 pid);

/* Prints the lines for the user, unless --quiet is set. */
void audit_report(const struct jail_policy *p);

#endif
