// SPDX-License-Identifier: MIT
/*
 * What openat2(2) promises: a strict struct, and limits on path resolution that hold in /proc, too.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns the first line of the opened file, which it closes again, or else the error. */
static void open_how(const char *what, int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .resolve = resolve};
	char line[8] = "";
	long fd;

	if (flags & O_CREAT)
		how.mode = 0600;
	fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (fd < 0) {
		printf("  %s: %s\n", what, strerror(errno));
		return;
	}
	if (!(flags & (O_PATH | O_DIRECTORY)) && read((int)fd, line, sizeof(line) - 1) > 0)
		line[strcspn(line, "\n")] = '\0';
	printf("  %s: opened %s\n", what, line);
	close((int)fd);
}

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

CASE(the_struct)
{
	struct {
		struct open_how how;
		char more[4096];
	} how = {.how = {.flags = O_RDONLY}};
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
	SHOW_OK(syscall(SYS_openat2, AT_FDCWD, "/", &how, 24));
	SHOW(syscall(SYS_openat2, AT_FDCWD, "/", &how, 23));
	SHOW_OK(syscall(SYS_openat2, AT_FDCWD, "/", &how, 32));
	SHOW_OK(syscall(SYS_openat2, AT_FDCWD, "/", &how, 4096));
	SHOW(syscall(SYS_openat2, AT_FDCWD, "/", &how, 4097));
	how.more[100] = 1;
	SHOW(syscall(SYS_openat2, AT_FDCWD, "/", &how, 200));
	SHOW_OK(syscall(SYS_openat2, AT_FDCWD, "/", &how, 124));
	SHOW(syscall(SYS_openat2, AT_FDCWD, "/", page + 4096 - 24, 32));
	SHOW_OK(syscall(SYS_openat2, AT_FDCWD, "/", page + 4096 - 24, 24));
	SHOW(syscall(SYS_openat2, AT_FDCWD, "/", NULL, 24));
}

CASE(flags_that_do_not_go)
{
	static const struct open_how bad[] = {
		{1ULL << 40, 0, 0},
		{1 << 30, 0, 0},
		{O_PATH | O_RDWR, 0, 0},
		{O_PATH | O_TRUNC, 0, 0},
		{O_PATH | 0100000, 0, 0}, /* O_LARGEFILE */
		{O_RDONLY, 0600, 0},
		{O_CREAT | O_RDWR, 010600, 0},
		{O_CREAT | O_DIRECTORY | O_RDWR, 0600, 0},
		{020000000 | O_RDWR, 0600, 0}, /* O_TMPFILE's own bit alone */
		{O_TMPFILE | O_RDONLY, 0600, 0},
		{O_RDONLY, 0, 0x40},
		{O_RDONLY, 0, 1ULL << 40},
		{O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT},
		{O_WRONLY | O_TRUNC, 0, RESOLVE_CACHED},
		{O_CREAT | O_WRONLY, 0600, RESOLVE_CACHED},
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		printf("%u\n", i);
		SHOW(syscall(SYS_openat2, AT_FDCWD, "name", &bad[i], sizeof(bad[i])));
		SHOW(syscall(SYS_openat2, AT_FDCWD, "/proc/version", &bad[i], sizeof(bad[i])));
	}
}

CASE(a_directory_is_the_root)
{
	char path[64];
	int dir;

	NEED(mkdir("root", 0755) == 0 && mkdir("root/etc", 0755) == 0);
	NEED(mkdir("root/tmp", 0755) == 0);
	write_file("root/etc/passwd", "inside\n");
	NEED(symlink("/etc/passwd", "root/absolute") == 0);
	NEED(symlink("../../../etc/passwd", "root/up") == 0);
	NEED(symlink("/tmp/made", "root/dangling") == 0);
	dir = open("root", O_PATH);
	NEED(dir >= 0);
	open_how("absolute path", dir, "/etc/passwd", O_RDONLY, RESOLVE_IN_ROOT);
	open_how("absolute link", dir, "absolute", O_RDONLY, RESOLVE_IN_ROOT);
	open_how("link upwards", dir, "up", O_RDONLY, RESOLVE_IN_ROOT);
	open_how("upwards", dir, "../../etc/passwd", O_RDONLY, RESOLVE_IN_ROOT);
	open_how("/", dir, "/", O_RDONLY | O_DIRECTORY, RESOLVE_IN_ROOT);
	open_how("no /proc there", dir, "/proc/version", O_RDONLY, RESOLVE_IN_ROOT);
	open_how("no /proc/self there", dir, "../proc/self/status", O_RDONLY, RESOLVE_IN_ROOT);
	open_how("no /dev there", dir, "/dev/null", O_RDONLY, RESOLVE_IN_ROOT);
	open_how("new file", dir, "/tmp/new", O_CREAT | O_RDWR, RESOLVE_IN_ROOT);
	open_how("through a dangling link", dir, "dangling", O_CREAT | O_RDWR, RESOLVE_IN_ROOT);
	SHOW(access("root/tmp/new", F_OK));
	SHOW(access("root/tmp/made", F_OK));
	NEED(mkdir("root/proc", 0755) == 0);
	write_file("root/proc/version", "mine\n");
	open_how("a directory named proc", dir, "/proc/version", O_RDONLY, RESOLVE_IN_ROOT);
	NEED(chdir("root") == 0);
	open_how("working directory", AT_FDCWD, "/etc/passwd", O_RDONLY, RESOLVE_IN_ROOT);
	open_how("working directory, link", AT_FDCWD, "absolute", O_RDONLY, RESOLVE_IN_ROOT);
	NEED(chdir("..") == 0);
	open_how("beneath", dir, "etc/passwd", O_RDONLY, RESOLVE_BENEATH);
	open_how("beneath, up and down", dir, "etc/../etc/passwd", O_RDONLY, RESOLVE_BENEATH);
	open_how("beneath, absolute", dir, "/etc/passwd", O_RDONLY, RESOLVE_BENEATH);
	open_how("beneath, absolute link", dir, "absolute", O_RDONLY, RESOLVE_BENEATH);
	open_how("beneath, upwards", dir, "../root/etc/passwd", O_RDONLY, RESOLVE_BENEATH);
	open_how("no links", dir, "absolute", O_RDONLY, RESOLVE_NO_SYMLINKS);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/etc/passwd", dir);
	open_how("by a magic link", AT_FDCWD, path, O_RDONLY, 0);
	open_how("by a magic link that is forbidden", AT_FDCWD, path, O_RDONLY,
		 RESOLVE_NO_MAGICLINKS);
	close(dir);
}

CASE(limits_in_proc)
{
	static const struct {
		const char *name;
		uint64_t resolve;
	} limit[] = {
		{"NO_MAGICLINKS", RESOLVE_NO_MAGICLINKS},
		{"NO_SYMLINKS", RESOLVE_NO_SYMLINKS},
		{"NO_XDEV", RESOLVE_NO_XDEV},
		{"BENEATH", RESOLVE_BENEATH},
		{"IN_ROOT", RESOLVE_IN_ROOT},
	};
	static const char *const from_root[] = {
		"proc/self/comm",
		"proc/self/exe",
		"proc/self/fd/0",
		"proc/thread-self/comm",
		"proc/version",
		"proc/../etc/passwd",
		"proc/self/root/etc/passwd",
		"proc/none",
		"dev/null",
	};
	static const char *const from_self[] = {
		"comm", "exe",	  "../version", "../self/comm", "../../proc/version",
		"fd/0", "./comm", "/comm",	"task/../comm", "..",
	};
	int root = open("/", O_PATH), self = open("/proc/self", O_PATH | O_DIRECTORY);

	NEED(root >= 0 && self >= 0);
	for (unsigned i = 0; i < sizeof(limit) / sizeof(limit[0]); i++) {
		printf("%s\n", limit[i].name);
		for (unsigned j = 0; j < sizeof(from_root) / sizeof(from_root[0]); j++) {
			char path[64];

			open_how(from_root[j], root, from_root[j], O_RDONLY, limit[i].resolve);
			snprintf(path, sizeof(path), "/%s", from_root[j]);
			open_how(path, root, path, O_RDONLY, limit[i].resolve);
		}
		for (unsigned j = 0; j < sizeof(from_self) / sizeof(from_self[0]); j++)
			open_how(from_self[j], self, from_self[j], O_RDONLY, limit[i].resolve);
	}
	close(root);
	close(self);
}
