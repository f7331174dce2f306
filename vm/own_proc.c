// SPDX-License-Identifier: MIT
/*
 * See own_proc.h. The number in the path of a procfs file is compared with the monitor's number in
 * that procfs, because a procfs of another PID namespace has other numbers. The link "self" there
 * leads to the monitor's directory. If that link cannot be reached by path, the monitor's memory is
 * still known by its content.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include "vm/hostcall.h"
#include "vm/own_proc.h"

/*
 * A random word of the monitor's memory, by which is_own_memory knows the monitor's /proc/PID/mem.
 */
static struct {
	u64 random;
} mark;

static pthread_mutex_t dumpable_lock = PTHREAD_MUTEX_INITIALIZER; /* PR_SET_DUMPABLE */
static bool hidden, confined;

/*
 * Returns true for the files that tell about namespaces, mounts and accounting which the programs
 * share with the monitor: the kernel's /proc refers to these (kernel/proc/proc.c).
 */
static bool is_shared_name(const char *name)
{
	static const char *const shared[] = {
		"attr",	      "cgroup",	   "cpuset",	"gid_map",
		"io",	      "loginuid",  "mountinfo", "mounts",
		"mountstats", "net",	   "ns",	"oom_score",
		"projid_map", "sessionid", "setgroups", "timens_offsets",
		"uid_map",
	};
	size_t len = name ? strcspn(name, "/") : 0;

	for (u32 i = 0; i < ARRAY_SIZE(shared); i++)
		if (strlen(shared[i]) == len && memcmp(shared[i], name, len) == 0)
			return true;
	return false;
}

bool own_proc_is_shared(const char *path)
{
	static const char self[] = "/proc/self/";

	return !strncmp(path, self, sizeof(self) - 1) && is_shared_name(path + sizeof(self) - 1);
}

/*
 * Returns true if the directory `number` of the procfs at root is that of a thread of the monitor.
 */
static bool is_own_thread(const char *root, const char *number)
{
	char task[HOSTCALL_PATH_MAX + 32];

	snprintf(task, sizeof(task), "%s/self/task/%s", root, number);
	return HOST_CALL(faccessat, (u64)AT_FDCWD, (u64)task, 0) == 0;
}

/*
 * Returns true if the path of an open procfs file is in the monitor's own directory there, and not
 * one of the shared files. Checks every number among the path's components, because each thread has
 * a directory and a procfs may be mounted anywhere. The part before the number is taken for the
 * root of the procfs; /proc is tried as well. Changes path.
 */
static bool is_own_path(char *path)
{
	char root[HOSTCALL_PATH_MAX] = "";
	char *rest = path;

	for (char *part = strsep(&rest, "/"); part; part = strsep(&rest, "/")) {
		size_t digits = strspn(part, "0123456789"), len = strlen(root);

		if (digits > 0 && digits <= 10 && part[digits] == '\0' &&
		    (is_own_thread(root, part) || is_own_thread("/proc", part)))
			return !is_shared_name(rest);
		if (*part)
			snprintf(root + len, sizeof(root) - len, "/%s", part);
	}
	return false;
}

/* Returns true for an open "mem" that has the mark at the mark's address. */
static bool is_own_memory(int fd, const char *path)
{
	const char *name = strrchr(path, '/');
	u64 seen;

	return name && !strcmp(name, "/mem") &&
	       HOST_CALL(pread64, (u64)fd, (u64)&seen, sizeof(seen), (u64)&mark.random) ==
		       sizeof(seen) &&
	       seen == mark.random;
}

/* Returns true for the links that lead to the reader's own directory. */
static bool is_self_link(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && (!strcmp(name, "/self") || !strcmp(name, "/thread-self"));
}

bool own_proc_forbids(int fd)
{
	char path[HOSTCALL_PATH_MAX], link[32];
	struct statfs st;
	s64 n;

	if (HOST_CALL(fstatfs, (u64)fd, (u64)&st) < 0 || st.f_type != PROC_SUPER_MAGIC)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = HOST_CALL(readlink, (u64)link, (u64)path, sizeof(path) - 1);
	if (n < 0)
		return true;
	path[n] = '\0';
	if ((HOST_CALL(fcntl, (u64)fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return true; /* the guest may not change settings of the host either */
	return is_self_link(path) || is_own_memory(fd, path) || is_own_path(path);
}

s64 own_proc_open(long nr, const u64 arg[6])
{
	s64 fd;

	if (confined)
		return -EACCES;
	pthread_mutex_lock(&dumpable_lock);
	if (hidden)
		prctl(PR_SET_DUMPABLE, 1);
	fd = host_syscall(nr, arg);
	if (hidden)
		prctl(PR_SET_DUMPABLE, 0);
	pthread_mutex_unlock(&dumpable_lock);
	return fd;
}

void own_proc_hide(void)
{
	if (HOST_CALL(getrandom, (u64)&mark, sizeof(mark), 0) != sizeof(mark))
		mark.random = (u64)&mark ^ (u64)getpid() << 32 ^ __builtin_ia32_rdtsc();
	hidden = prctl(PR_SET_DUMPABLE, 0) == 0;
}

void own_proc_confine(void)
{
	confined = true;
}
