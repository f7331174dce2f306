// SPDX-License-Identifier: MIT
/*
 * Newer system calls about files, and two old ones: fchmodat2, statx without a path, the xattrat
 * family, file_getattr, name_to_handle_at, cachestat, statmount, listmount, sysfs, ustat. On a host
 * without one of them both sides print that.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NR_cachestat	 451
#define NR_fchmodat2	 452
#define NR_statmount	 457
#define NR_listmount	 458
#define NR_setxattrat	 463
#define NR_getxattrat	 464
#define NR_listxattrat	 465
#define NR_removexattrat 466
#define NR_file_getattr	 468
#define NR_file_setattr	 469

static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	NEED(fd >= 0 && write(fd, "abc", 3) == 3);
	return fd;
}

static unsigned mode_of(const char *name)
{
	struct stat st;

	NEED(lstat(name, &st) == 0);
	return st.st_mode & 07777;
}

static long chmod2(int dir, const char *name, mode_t mode, int flags)
{
	return syscall(NR_fchmodat2, dir, name, mode, flags);
}

CASE(modes_with_flags)
{
	int fd = make("file"), path = open("file", O_PATH), dir = open(".", O_RDONLY);

	if (!check_kernel(6, 6))
		return;
	NEED(path >= 0 && dir >= 0 && symlink("file", "link") == 0);
	SHOW(chmod2(AT_FDCWD, "file", 0640, 0));
	SHOW(mode_of("file"));
	SHOW(chmod2(dir, "link", 0644, 0));
	SHOW(mode_of("file"));
	SHOW(chmod2(AT_FDCWD, "link", 0600, AT_SYMLINK_NOFOLLOW));
	SHOW(mode_of("file"));
	SHOW(chmod2(AT_FDCWD, "file", 0604, AT_SYMLINK_NOFOLLOW));
	SHOW(mode_of("file"));
	SHOW(chmod2(fd, "", 0611, AT_EMPTY_PATH));
	SHOW(mode_of("file"));
	SHOW(chmod2(path, "", 0622, AT_EMPTY_PATH));
	SHOW(mode_of("file"));
	SHOW(chmod2(fd, "", 0600, 0));
	SHOW(chmod2(AT_FDCWD, "none", 0600, 0));
	SHOW(chmod2(AT_FDCWD, "file", 0600, 0x10000));
	SHOW(chmod2(-1, "file", 0600, 0));
	SHOW(chmod2(AT_FDCWD, NULL, 0600, 0));
	SHOW(chmod2(AT_FDCWD, "/proc/self/status", 0600, 0));
}

CASE(statx_without_a_name)
{
	struct statx x = {0};
	int fd = make("file");

	if (!check_kernel(6, 11))
		return;
	SHOW(syscall(SYS_statx, fd, NULL, AT_EMPTY_PATH, STATX_SIZE, &x));
	SHOW((long)x.stx_size);
	SHOW(syscall(SYS_statx, fd, NULL, 0, STATX_SIZE, &x));
	SHOW(syscall(SYS_statx, -1, NULL, AT_EMPTY_PATH, STATX_SIZE, &x));
	SHOW(syscall(SYS_statx, AT_FDCWD, NULL, AT_EMPTY_PATH, STATX_TYPE, &x));
	SHOW(S_ISDIR(x.stx_mode));
}

struct args {
	uint64_t value;
	uint32_t size, flags;
	uint64_t more;
};

CASE(attributes)
{
	char b[64] = "";
	struct args a = {.value = (uintptr_t) "yes", .size = 3},
		    g = {.value = (uintptr_t)b, .size = 64};
	int fd = make("file"), dir = open(".", O_RDONLY);

	if (!check_kernel(6, 13))
		return;
	NEED(symlink("file", "soft") == 0);
	SHOW(syscall(NR_setxattrat, dir, "file", 0, "user.a", &a, 16));
	SHOW(syscall(NR_getxattrat, dir, "file", 0, "user.a", &g, 16));
	SHOW(strcmp(b, "yes"));
	SHOW(syscall(NR_getxattrat, fd, "", AT_EMPTY_PATH, "user.a", &g, 16));
	SHOW(syscall(NR_getxattrat, fd, NULL, AT_EMPTY_PATH, "user.a", &g, 16));
	SHOW(syscall(NR_getxattrat, fd, "", 0, "user.a", &g, 16));
	SHOW(syscall(NR_listxattrat, dir, "soft", 0, b, 64UL));
	SHOW(syscall(NR_listxattrat, dir, "soft", AT_SYMLINK_NOFOLLOW, b, 64UL));
	SHOW(syscall(NR_listxattrat, dir, "soft", 0x10000, b, 64UL));
	SHOW(syscall(NR_removexattrat, dir, "file", 0, "user.a"));
	SHOW(syscall(NR_removexattrat, dir, "file", 0, "user.a"));
	a.flags = XATTR_REPLACE;
	SHOW(syscall(NR_setxattrat, dir, "file", 0, "user.a", &a, 16));
	a.flags = 0;
	SHOW(syscall(NR_setxattrat, dir, "file", 0, "user.a", &a, 15));
	SHOW(syscall(NR_setxattrat, dir, "file", 0, "user.a", &a, 24));
	a.more = 1;
	SHOW(syscall(NR_setxattrat, dir, "file", 0, "user.a", &a, 24));
	SHOW(syscall(NR_setxattrat, dir, "file", 0, "user.a", &a, 5000));
	SHOW(syscall(NR_setxattrat, dir, "file", 0, "user.a", NULL, 16));
	g.flags = 1;
	SHOW(syscall(NR_getxattrat, dir, "file", 0, "user.a", &g, 16));
}

struct handle {
	struct file_handle h;
	char bytes[128];
};

static long handle_of(int dir, const char *name, struct handle *h, unsigned room, int flags)
{
	int mount = -1;

	memset(h, 0, sizeof(*h));
	h->h.handle_bytes = room;
	return syscall(SYS_name_to_handle_at, dir, name, &h->h, &mount, flags);
}

CASE(handles)
{
	struct handle a, b;
	int fd = make("file");

	if (!check_kernel(6, 13))
		return;
	SHOW(handle_of(AT_FDCWD, "file", &a, 0, 0));
	SHOW(a.h.handle_bytes > 0);
	SHOW(handle_of(AT_FDCWD, "file", &a, 128, 0));
	SHOW(handle_of(fd, "", &b, 128, AT_EMPTY_PATH));
	CHECK(!memcmp(&a, &b, sizeof(a)));
	NEED(symlink("file", "l") == 0);
	SHOW(handle_of(AT_FDCWD, "l", &b, 128, AT_SYMLINK_FOLLOW));
	CHECK(!memcmp(&a, &b, sizeof(a)));
	SHOW(handle_of(AT_FDCWD, "l", &b, 128, 0));
	SHOW(handle_of(AT_FDCWD, "none", &a, 128, 0));
	SHOW(handle_of(AT_FDCWD, "file", &a, 129, 0));
	SHOW(handle_of(AT_FDCWD, "file", &a, 128, 0x20));
	SHOW(handle_of(fd, "", &a, 128, 0));
	SHOW(handle_of(AT_FDCWD, NULL, &a, 128, 0));
	SHOW(syscall(SYS_name_to_handle_at, AT_FDCWD, "file", NULL, NULL, 0));
}

CASE(cached_pages)
{
	struct {
		uint64_t from, len;
	} range = {0, 4096};
	uint64_t stat[5] = {9, 9, 9, 9, 9};
	int fd = make("file");

	if (!check_kernel(6, 5))
		return;
	SHOW(syscall(NR_cachestat, fd, &range, stat, 0));
	SHOW((long)stat[0]);
	SHOW(syscall(NR_cachestat, fd, &range, stat, 1));
	SHOW(syscall(NR_cachestat, -1, &range, stat, 0));
	SHOW(syscall(NR_cachestat, fd, NULL, stat, 0));
	SHOW(syscall(NR_cachestat, fd, &range, NULL, 0));
}

struct request {
	uint32_t size, spare;
	uint64_t id, param, ns, more;
};

CASE(mounts)
{
	struct statx x = {0};
	struct request r = {.size = 24, .id = ~0UL}; /* LSMT_ROOT */
	uint64_t ids[600];
	union {
		uint32_t size;
		char bytes[4096];
	} s;
	long n, m;

	if (!check_kernel(6, 18))
		return;
	n = syscall(NR_listmount, &r, ids, 600UL, 0);
	SHOW(n > 0);
	if (n > 1) {
		r.param = ids[0];
		m = syscall(NR_listmount, &r, ids + 300, 300UL, 0);
		SHOW(m == n - 1 && ids[300] == ids[1]);
		r.param = 0;
	}
	SHOW(syscall(NR_listmount, &r, ids, 1UL, 0));
	SHOW(syscall(NR_listmount, &r, ids, 0UL, 0));
	SHOW(syscall(NR_listmount, &r, NULL, 1UL, 0));
	SHOW(syscall(NR_listmount, &r, ids, 1UL, 2));
	SHOW(syscall(NR_listmount, &r, ids, 2000000UL, 0));
	SHOW(syscall(NR_listmount, NULL, ids, 1UL, 0));
	r.size = 20;
	SHOW(syscall(NR_listmount, &r, ids, 1UL, 0));
	NEED(syscall(SYS_statx, AT_FDCWD, "/", 0, 0x4000U, &x) == 0); /* STATX_MNT_ID_UNIQUE */
	r = (struct request){.size = 24, .id = x.stx_mnt_id, .param = 2 | 16};
	memset(&s, 0, sizeof(s));
	SHOW(syscall(NR_statmount, &r, &s, sizeof(s), 0));
	CHECK(s.size > 0 && s.size < sizeof(s));
	SHOW(syscall(NR_statmount, &r, &s, 8UL, 0));
	SHOW(syscall(NR_statmount, &r, &s, sizeof(s), 1));
	r.id = 1;
	SHOW(syscall(NR_statmount, &r, &s, sizeof(s), 0));
	r.size = 8;
	SHOW(syscall(NR_statmount, &r, &s, sizeof(s), 0));
	SHOW(syscall(NR_statmount, NULL, &s, sizeof(s), 0));
}

CASE(old_calls)
{
	struct {
		int blocks;
		unsigned long inodes;
		char name[6], pack[6];
	} u;
	char name[64] = "";
	struct stat st;
	long n = syscall(SYS_sysfs, 3), proc = syscall(SYS_sysfs, 1, "proc");

	SHOW(n > 1);
	SHOW(proc >= 0 && proc < n);
	SHOW(syscall(SYS_sysfs, 2, proc, name));
	SHOW(strcmp(name, "proc"));
	SHOW(syscall(SYS_sysfs, 2, n, name));
	SHOW(syscall(SYS_sysfs, 2, proc, NULL));
	SHOW(syscall(SYS_sysfs, 1, "no such type"));
	SHOW(syscall(SYS_sysfs, 1, NULL));
	SHOW(syscall(SYS_sysfs, 4));
	NEED(stat("/", &st) == 0);
	SHOW(syscall(SYS_ustat, (unsigned)st.st_dev, &u));
	SHOW(syscall(SYS_ustat, (unsigned)st.st_dev, NULL));
	SHOW(syscall(SYS_ustat, (unsigned)makedev(250, 77), &u));
}

CASE(file_attributes)
{
	struct {
		uint64_t xflags;
		uint32_t extsize, nextents, projid, cowextsize;
		uint64_t later[2];
	} a;
	int fd = make("file"), path = open("file", O_PATH), dir = open(".", O_RDONLY);

	if (!check_kernel(6, 17))
		return;
	NEED(path >= 0 && dir >= 0);
	symlink("file", "link");
	memset(&a, 0xff, sizeof(a));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "file", &a, sizeof(a), 0));
	CHECK(a.later[0] == 0 && a.later[1] == 0);
	SHOW(syscall(NR_file_setattr, AT_FDCWD, "file", &a, sizeof(a), 0));
	a.later[1] = 1;
	SHOW(syscall(NR_file_setattr, AT_FDCWD, "file", &a, sizeof(a), 0));
	SHOW(syscall(NR_file_getattr, dir, "file", &a, 24, 0));
	SHOW(syscall(NR_file_getattr, fd, "", &a, 24, AT_EMPTY_PATH));
	SHOW(syscall(NR_file_getattr, fd, NULL, &a, 24, AT_EMPTY_PATH));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "", &a, 24, AT_EMPTY_PATH));
	SHOW(syscall(NR_file_getattr, fd, "", &a, 24, 0));
	SHOW(syscall(NR_file_getattr, path, "", &a, 24, AT_EMPTY_PATH));
	SHOW(syscall(NR_file_getattr, -1, "", &a, 24, AT_EMPTY_PATH));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, NULL, &a, 24, 0));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "none", &a, 24, 0));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "file", &a, 8, 0));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "file", &a, 5000, 0));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "file", &a, 24, AT_SYMLINK_FOLLOW));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "file", NULL, 24, 0));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "link", &a, 24, AT_SYMLINK_NOFOLLOW));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "/proc/self/status", &a, 24, 0));
	a.xflags = 0x40; /* FS_XFLAG_NOATIME */
	SHOW(syscall(NR_file_setattr, AT_FDCWD, "file", &a, 24, 0));
	SHOW(syscall(NR_file_getattr, AT_FDCWD, "file", &a, 24, 0));
	CHECK(a.xflags == 0x40);
	a.xflags = 1UL << 60;
	SHOW(syscall(NR_file_setattr, AT_FDCWD, "file", &a, 24, 0));
}
