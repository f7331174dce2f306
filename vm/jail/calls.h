/* SPDX-License-Identifier: MIT */
/*
 * What a jailed guest may call: calls.c has the table, the other files the calls that do not go to
 * the host as they are. A call that is in no table does not exist for the guest (ENOSYS).
 */
#ifndef VM_JAIL_CALLS_H
#define VM_JAIL_CALLS_H

#include "vm/hostcall.h"
#include "vm/jail/view.h"

typedef s64 jail_call(struct call *c);

/* The path of a descriptor of the monitor in /proc, for host calls that take no descriptor. */
struct jail_link {
	char path[32];
};
struct jail_link jail_link(int fd);

/* Notes for the audit that a rule lets the guest only read what is at a place. Returns -EROFS. */
s64 jail_read_only(const struct view_at *at, const struct view_node *rule);
/* Returns 0, or -errno if the guest may not change this file. */
s64 jail_may_change(const struct view_at *at);
/* The same for an open handle. */
s64 jail_may_change_handle(int handle);
/*
 * Finds the place for a new name. Returns 0 if the name can be made there, in a directory that may
 * be changed; or -errno. directory: a trailing slash is allowed.
 */
s64 jail_find_new(int dir, const char *path, bool directory, struct view_at *at);

/* calls_open.c, calls_file.c, calls_name.c, calls_socket.c: NULL if the call is not the file's. */
jail_call *jail_open_call(u32 nr);
jail_call *jail_file_call(u32 nr);
jail_call *jail_name_call(u32 nr);
jail_call *jail_socket_call(u32 nr);

/* Returns the function that makes a call: see hostcall_jail in hostcall.h. */
jail_call *jail_find_call(u32 nr, jail_call *run);

#endif
