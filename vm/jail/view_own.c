// SPDX-License-Identifier: MIT
/*
 * Files that only the view has: what programs read about the sandbox they are in. They lie in
 * directories that only the view has, so a rule that shows the host's /proc or /sys replaces them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vm/jail/view_node.h"
#include "vm/vm.h"

#define CPU_PERIOD 100000 /* microseconds; cpu.max of cgroup v2 */

/*
 * Opens a directory of the view's own; makes it, and those above it. root: that of the view.
 * Returns a descriptor, or -1.
 */
static int open_directory(int root, const char *path)
{
	int dir = fcntl(root, F_DUPFD_CLOEXEC, 0);

	while (dir >= 0 && *(path += strspn(path, "/"))) {
		char name[NAME_MAX + 1];
		size_t len = strcspn(path, "/");
		int next;

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		if (mkdirat(dir, name, 0755) == 0 && fchmodat(dir, name, 0755, 0))
			errno = 0; /* its mode is only what a program sees */
		next = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		dir = next;
		path += len;
	}
	return dir;
}

static bool write_file(int root, const char *directory, const char *name, const char *text)
{
	int dir = open_directory(root, directory), fd = -1;
	bool done = false;

	if (dir >= 0)
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (fd >= 0)
		done = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !fchmod(fd, 0444);
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	return done || errno == EEXIST;
}

/* Returns the text of a limit of cgroup v2: a number, or "max". */
static const char *limit_text(char text[24], u64 limit)
{
	if (limit)
		snprintf(text, 24, "%lu\n", limit);
	else
		strcpy(text, "max\n");
	return text;
}

/* The limits, where language runtimes look for them. */
static bool write_cgroup(int root, const struct jail_policy *p)
{
	static const char directory[] = "/sys/fs/cgroup";
	char number[24], cpu[64];

	if (p->cpus)
		snprintf(cpu, sizeof(cpu), "%lu %u\n",
			 p->limits.cpu_share ? (u64)p->limits.cpu_share * CPU_PERIOD / 1000
					     : (u64)p->cpus * CPU_PERIOD,
			 CPU_PERIOD);
	else
		snprintf(cpu, sizeof(cpu), "max %u\n", CPU_PERIOD);
	return write_file(root, directory, "memory.max", limit_text(number, p->mem)) &&
	       write_file(root, directory, "pids.max", limit_text(number, p->pids)) &&
	       write_file(root, directory, "cpu.max", cpu) &&
	       write_file(root, directory, "cgroup.controllers", "cpu memory pids\n");
}

static const char mountinfo[] = "1 1 0:1 / / ro,relatime - buffervm buffervm ro\n"
				"2 1 0:2 / /proc rw,relatime - proc proc rw\n"
				"3 1 0:3 / /sys/fs/cgroup ro,relatime - cgroup2 cgroup2 ro\n"
				"4 1 0:4 / /tmp rw,relatime - tmpfs tmpfs rw\n";
static const char mounts[] = "buffervm / buffervm ro,relatime 0 0\n"
			     "proc /proc proc rw,relatime 0 0\n"
			     "cgroup2 /sys/fs/cgroup cgroup2 ro,relatime 0 0\n"
			     "tmpfs /tmp tmpfs rw,relatime 0 0\n";

bool view_make_own_files(int root, int proc, const struct jail_policy *p)
{
	if (root >= 0 && !write_cgroup(root, p))
		return false;
	return (!symlinkat("self/mounts", proc, "mounts") || errno == EEXIST) &&
	       write_file(proc, "self", "cgroup", "0::/\n") &&
	       write_file(proc, "self", "mountinfo", mountinfo) &&
	       write_file(proc, "self", "mounts", mounts);
}
