/* SPDX-License-Identifier: MIT */
/*
 * The walls around the monitor of `buffervm run`. The first wall is the policy, which the monitor
 * enforces itself (policy.h). These are for a guest that has taken the monitor over: the host
 * enforces them on the whole process. Each holds without the others.
 *
 * A wall that belongs to a run and does not hold is named on stderr. A wall that the user requires
 * (--require) and that does not hold ends the run before the program starts.
 */
#ifndef VM_JAIL_WALLS_H
#define VM_JAIL_WALLS_H

#include "common/types.h"
#include "vm/jail/landlock.h"
#include "vm/jail/net.h"

/* In the order in which they are raised: X(name, what -v says of it). */
#define WALLS_TABLE(X)                                                                             \
	X(policy, "the policy, which the monitor enforces itself")                                 \
	X(userns, "user namespace")                                                                \
	X(mountns, "mount namespace")                                                              \
	X(netns, "network namespace")                                                              \
	X(ipcns, "IPC namespace")                                                                  \
	X(utsns, "UTS namespace")                                                                  \
	X(privileges, "no capabilities, no_new_privs, not dumpable")                               \
	X(landlock, "Landlock over the paths, ports and signals")                                  \
	X(seccomp, "seccomp list of system calls")

enum wall {
#define X(name, text) WALL_##name,
	WALLS_TABLE(X)
#undef X
		WALLS
};

#define WALL_BIT(wall) (1u << (wall))

extern const struct wall_name {
	const char *name, *text;
} wall_names[WALLS];

struct walls {
	u32 required;		/* bit n: wall n has to hold */
	u32 without;		/* bit n: wall n is not raised; for tests (BUFFERVM_WALLS_TEST) */
	enum net_mode network;	/* which Internet sockets of the host there may be */
	u32 up;			/* bit n: wall n holds */
	const char *why[WALLS]; /* why a wall does not hold; NULL: nothing went wrong */
	const char *landlock_lacks; /* what an older Landlock does not restrict; NULL: nothing */
};

/*
 * Adds the walls that a list names ("landlock,seccomp") to *set. Returns 0, or EXIT_USAGE after a
 * message that begins with the option's name.
 */
int walls_parse(u32 *set, const char *option, const char *list);

/*
 * Begins what takes long of walls_begin, which has to follow. Called as early as w is known, while
 * the process has one thread; until walls_begin it may start processes, but no threads.
 */
void walls_prepare(const struct walls *w);

/*
 * Raises the walls up to `privileges`. Called while the process has one thread, before it opens
 * roots, makes the VM and reads its capabilities for the guest. Returns 0, or an exit_status after
 * a message.
 */
int walls_begin(struct walls *w);

/*
 * Raises the others. Called while the process still has one thread, when all is opened that the
 * policy does not allow to open. Returns 0, or an exit_status after a message.
 */
int walls_confine(struct walls *w, const struct landlock_rules *rules);

/*
 * Gives all capabilities up, also those that a program file could give, and keeps other processes
 * of the user out of this one's memory. Returns 0 or -errno.
 */
int walls_drop_privileges(void);

/* Writes the names of a set of walls as walls_parse reads them. Returns false for none. */
bool walls_names(u32 set, char *to, size_t size);
/* Returns true if the user requires the network namespace. */
bool walls_require_netns(const struct walls *w);
/* With -v, prints one line for each wall. */
struct sandbox;
void walls_describe(const struct walls *w, struct sandbox *s);

#endif
