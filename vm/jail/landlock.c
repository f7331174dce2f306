// SPDX-License-Identifier: MIT
/*
 * Landlock's system calls and constants are written out, because the headers of older distributions
 * have only some of them. Each right is handled only if the host's Landlock knows it: the host
 * refuses a ruleset with an unknown one.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "vm/jail/landlock.h"

#define NR_CREATE_RULESET 444
#define NR_ADD_RULE	  445
#define NR_RESTRICT_SELF  446

#define GET_VERSION	  1 /* flag of landlock_create_ruleset(2) */
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT	  2

#define WRITE_FILE	  (1UL << 1)
#define READ_FILE	  (1UL << 2)
#define READ_DIR	  (1UL << 3)
#define REMOVE_DIR	  (1UL << 4)
#define REMOVE_FILE	  (1UL << 5)
#define MAKE_DIR	  (1UL << 7)
#define MAKE_REG	  (1UL << 8)
#define MAKE_SOCK	  (1UL << 9)
#define MAKE_FIFO	  (1UL << 10)
#define MAKE_SYM	  (1UL << 12)
#define REFER		  (1UL << 13) /* version 2 */
#define TRUNCATE	  (1UL << 14) /* version 3 */
#define IOCTL_DEV	  (1UL << 15) /* version 5 */
/* All of version 1, with EXECUTE, MAKE_CHAR and MAKE_BLOCK, which no rule grants. */
#define VERSION_1	  ((1UL << 13) - 1)

#define BIND_TCP	  (1UL << 0) /* version 4 */
#define CONNECT_TCP	  (1UL << 1)

#define SCOPE_ABSTRACT	  (1UL << 0) /* version 6 */
#define SCOPE_SIGNAL	  (1UL << 1)

/* Reading a terminal's size is an ioctl(2) on a device, so readers have IOCTL_DEV. */
#define READING		  (READ_FILE | READ_DIR | IOCTL_DEV)
#define WRITING                                                                                    \
	(WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO |     \
	 MAKE_SYM | REFER | TRUNCATE)
/* The rights that a rule on a file may have; the host refuses others there. */
#define OF_A_FILE (WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)

struct ruleset {
	u64 fs, net, scoped;
};

struct path_rule {
	u64 allowed;
	s32 parent;
} __attribute__((packed));

struct port_rule {
	u64 allowed, port;
};

/* Returns how many bytes of struct ruleset a version of Landlock knows. */
static size_t ruleset_size(long version)
{
	return version < 4 ? sizeof(u64) : version < 6 ? 2 * sizeof(u64) : sizeof(struct ruleset);
}

static struct ruleset handled_by(long version, const struct landlock_rules *rules)
{
	struct ruleset handled = {.fs = VERSION_1};

	if (version >= 2)
		handled.fs |= REFER;
	if (version >= 3)
		handled.fs |= TRUNCATE;
	if (version >= 5)
		handled.fs |= IOCTL_DEV;
	if (version >= 4)
		handled.net =
			(rules->any_bind ? 0 : BIND_TCP) | (rules->any_connect ? 0 : CONNECT_TCP);
	if (version >= 6)
		handled.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	return handled;
}

/* Adds a rule for a path, if it exists. Returns 0 or -errno. */
static int add_path(int ruleset, const struct landlock_path *path, u64 handled)
{
	struct path_rule rule = {.allowed = READING | (path->write ? WRITING : 0)};
	struct stat st;
	long ret = 0;

	rule.parent = open(path->path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR ? 0 : -errno;
	if (fstat(rule.parent, &st))
		ret = -errno;
	else if (!S_ISDIR(st.st_mode))
		rule.allowed &= OF_A_FILE;
	rule.allowed &= handled;
	/* EBADFD: a memory file, which Landlock does not restrict. */
	if (ret == 0 && syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) &&
	    errno != EBADFD)
		ret = -errno;
	close(rule.parent);
	return (int)ret;
}

static int add_ports(int ruleset, const struct landlock_port *range, u32 count, u64 right)
{
	for (u32 i = 0; i < count; i++) {
		for (u32 port = range[i].first; port <= range[i].last; port++) {
			const struct port_rule rule = {right, port};

			if (syscall(NR_ADD_RULE, ruleset, RULE_NET_PORT, &rule, 0))
				return -errno;
		}
	}
	return 0;
}

static int add_rules(int ruleset, const struct landlock_rules *rules, const struct ruleset *handled)
{
	int ret = 0;

	for (u32 i = 0; ret == 0 && i < rules->paths; i++)
		ret = add_path(ruleset, &rules->path[i], handled->fs);
	if (ret == 0 && handled->net & CONNECT_TCP)
		ret = add_ports(ruleset, rules->connect, rules->connects, CONNECT_TCP);
	if (ret == 0 && handled->net & BIND_TCP)
		ret = add_ports(ruleset, rules->bind, rules->binds, BIND_TCP);
	return ret;
}

int landlock_confine(const struct landlock_rules *rules, const char **what)
{
	long version = syscall(NR_CREATE_RULESET, NULL, 0, GET_VERSION);
	struct ruleset handled;
	int ruleset, ret;

	*what = NULL;
	if (version < 0)
		return -errno;
	if (version < 3)
		*what = "truncation of files, TCP ports, signals and abstract sockets";
	else if (version < 4)
		*what = "TCP ports, signals and abstract sockets";
	else if (version < 6)
		*what = "signals and abstract sockets";
	handled = handled_by(version, rules);
	ruleset = (int)syscall(NR_CREATE_RULESET, &handled, ruleset_size(version), 0);
	if (ruleset < 0)
		return -errno;
	ret = add_rules(ruleset, rules, &handled);
	if (ret == 0 && syscall(NR_RESTRICT_SELF, ruleset, 0))
		ret = -errno;
	close(ruleset);
	return ret;
}
