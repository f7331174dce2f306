/* SPDX-License-Identifier: MIT */
/*
 * What the monitor may do with files, ports, abstract sockets and signals, enforced by Landlock
 * (landlock(7)). It knows only what is allowed: what a policy denies below an allowed directory is
 * the monitor's own business.
 */
#ifndef VM_JAIL_LANDLOCK_H
#define VM_JAIL_LANDLOCK_H

#include "common/types.h"

struct landlock_path {
	const char *path; /* of the host */
	bool write;	  /* change it and what is below it; else only read */
};

struct landlock_port {
	u16 first, last;
};

struct landlock_rules {
	const struct landlock_path *path;
	u32 paths;
	bool any_connect, any_bind; /* Landlock says nothing about TCP connect, or bind */
	const struct landlock_port *connect, *bind; /* else only to these ports */
	u32 connects, binds;
};

/*
 * Restricts the calling thread and those that it starts. It is the only thread and has no_new_privs
 * set. A path that does not exist is left out. *what gets a text on what this host's Landlock
 * cannot restrict, or NULL. Returns 0, or -errno; nothing is restricted then. -ENOSYS and
 * -EOPNOTSUPP: this host has no Landlock.
 */
int landlock_confine(const struct landlock_rules *rules, const char **what);

#endif
