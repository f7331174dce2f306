// SPDX-License-Identifier: MIT
/* Do all calls about files and directories, by name and by descriptor, answer as Linux does? */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <sys/mman.h>
#include <unistd.h>

static int make_file(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	NEED(fd >= 0);
	NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	NEED(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* Prints the first page of the content, with a run of NUL bytes as their count. */
static void print_content(const char *name)
{
	char data[8192];
	int fd = open(name, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, data, sizeof(data));

	printf("  content of %s: \"", name);
	for (ssize_t i = 0; i < n; i++) {
		ssize_t zeros = 0;

		while (i + zeros < n && !data[i + zeros])
			zeros++;
		if (zeros)
			printf("{%zd}", zeros);
		else
			putchar(data[i]);
		i += zeros ? zeros - 1 : 0;
	}
	printf("\", %zd bytes\n", n);
	if (fd >= 0)
		close(fd);
}

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, because the file system chooses the order of a directory's entries. */
static void print_directory(const char *name)
{
	char *names[64];
	size_t n = 0;
	struct dirent *e;
	DIR *dir = opendir(name);

	NEED(dir);
	while ((e = readdir(dir)) && n < 64)
		asprintf(&names[n++], "%s (type %d)", e->d_name, e->d_type);
	closedir(dir);
	qsort(names, n, sizeof(names[0]), name_order);
	printf("  directory %s:\n", name);
	for (size_t i = 0; i < n; i++) {
		printf("    %s\n", names[i]);
		free(names[i]);
	}
}

CASE(open_flags)
{
	int fd;

	SHOW(open("none", O_RDONLY));
	SHOW(open("", O_RDONLY));
	SHOW(open("none/below", O_RDWR | O_CREAT, 0600));
	fd = SHOW(open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
	SHOW(open("file", O_RDWR | O_CREAT | O_EXCL, 0640));
	SHOW(open("file/below", O_RDONLY));
	SHOW(open("file", O_RDONLY | O_DIRECTORY));
	SHOW(open(".", O_RDWR));
	SHOW(open(".", O_RDONLY | O_CREAT, 0600));
	SHOW(write(fd, "0123456789", 10));
	SHOW(close(fd));
	SHOW(close(fd));
	fd = SHOW(open("file", O_WRONLY | O_APPEND));
	SHOW(write(fd, "ab", 2));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(write(fd, "cd", 2));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(read(fd, &fd, 1));
	SHOW(fcntl(fd, F_GETFL) == (O_WRONLY | O_APPEND | 0100000));
	close(fd);
	print_content("file");
	fd = SHOW(open("file", O_RDONLY | O_TRUNC));
	close(fd);
	print_content("file");
	SHOW(symlink("file", "link"));
	SHOW(open("link", O_RDONLY | O_NOFOLLOW));
	fd = SHOW(open("link", O_PATH | O_NOFOLLOW));
	SHOW(read(fd, &fd, 0));
	close(fd);
	SHOW(symlink("loop2", "loop1"));
	SHOW(symlink("loop1", "loop2"));
	SHOW(open("loop1", O_RDONLY));
	fd = SHOW(open(".", O_TMPFILE | O_RDWR, 0600));
	if (fd >= 0) {
		char path[64];

		SHOW(write(fd, "unnamed", 7));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
		close(fd);
		print_content("named");
	}
	fd = SHOW(creat("created", 0600));
	close(fd);
	fd = SHOW(openat(AT_FDCWD, "file", O_RDONLY | O_CLOEXEC));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(openat(fd, "x", O_RDONLY));
	SHOW(openat(77, "x", O_RDONLY));
	close(fd);
}

CASE(long_names)
{
	char name[PATH_MAX + 10];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	SHOW_OK(close(open(name, O_CREAT | O_WRONLY, 0600)));
	SHOW(unlink(name));
	name[255] = 'n';
	name[256] = '\0';
	SHOW(open(name, O_CREAT | O_WRONLY, 0600));
	name[256] = 'n';
	for (size_t i = 1; i < sizeof(name); i += 2)
		name[i] = '/';
	memcpy(name, "./", 2);
	for (size_t i = 0; i < sizeof(name); i += 2)
		name[i] = '.';
	name[PATH_MAX - 1] = '\0';
	SHOW(access(name, F_OK));
	name[PATH_MAX - 1] = '/';
	name[PATH_MAX] = '\0';
	SHOW(access(name, F_OK));
}

CASE(read_write_seek)
{
	int fd = make_file("rw", "hello, world");
	char data[32] = "";
	struct iovec v[3] = {{data, 2}, {data + 8, 3}, {data + 16, 16}};

	SHOW(read(fd, data, 5));
	printf("  read \"%s\"\n", data);
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(lseek(fd, -3, SEEK_END));
	SHOW(read(fd, data, 32));
	SHOW(read(fd, data, 32));
	SHOW(lseek(fd, -100, SEEK_CUR));
	SHOW(lseek(fd, 0, 99));
	SHOW(pread(fd, data, 4, 7));
	SHOW(pread(fd, data, 4, -1));
	SHOW(pread(fd, data, 4, 1000));
	SHOW(lseek(fd, 0, SEEK_SET));
	memset(data, 0, sizeof(data));
	SHOW(readv(fd, v, 3));
	printf("  readv \"%s\" \"%s\" \"%s\"\n", data, data + 8, data + 16);
	SHOW(readv(fd, v, 0));
	SHOW(readv(fd, v, -1));
	SHOW(readv(fd, v, 2000));
	SHOW(pwrite(fd, "HELLO", 5, 0));
	SHOW(pwritev(fd, v, 2, 20));
	SHOW(preadv2(fd, v, 2, 0, 0));
	SHOW(preadv2(fd, v, 2, -1, 0));
	SHOW(pwritev2(fd, v, 1, -1, RWF_APPEND));
	SHOW(preadv2(fd, v, 1, 0, 0x4000));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(lseek(fd, 5000, SEEK_SET));
	SHOW(write(fd, "end", 3));
	SHOW(write(fd, NULL, 0));
	SHOW(write(99, "x", 1));
	close(fd);
	print_content("rw");
}

CASE(bad_addresses)
{
	int fd = make_file("bad", "some text");
	struct iovec v[2] = {{&fd, 2}, {(void *)1, 10}};
	char *bad = (void *)8;
	struct stat *bad_stat = (void *)16;
	volatile long unmapped = 0x123456789000;

	SHOW(read(fd, bad, 4));
	SHOW(write(fd, bad, 4));
	SHOW(read(fd, (void *)unmapped, 4));
	SHOW(read(fd, (void *)0xffff800000000000, 4));
	SHOW(read(fd, (void *)-8L, 4));
	SHOW(open(bad, O_RDONLY));
	SHOW(syscall(SYS_stat, "bad", bad_stat));
	SHOW(syscall(SYS_fstat, fd, bad_stat));
	SHOW(syscall(SYS_getcwd, bad, 100));
	SHOW(syscall(SYS_pipe, bad));
	SHOW(syscall(SYS_uname, bad));
	SHOW(syscall(SYS_readlink, "bad", bad, 10));
	SHOW(syscall(SYS_poll, bad, 1, 0));
	SHOW(readv(fd, (void *)8, 1));
	SHOW(writev(fd, v + 1, 1));
	SHOW(lseek(fd, 0, SEEK_CUR));
	close(fd);
}

CASE(sizes)
{
	int fd = make_file("size", "0123456789");
	struct stat st;

	SHOW(ftruncate(fd, 4));
	SHOW(fstat(fd, &st));
	CHECK(st.st_size == 4);
	SHOW(truncate("size", 8));
	print_content("size");
	SHOW(ftruncate(fd, -1));
	SHOW(truncate("none", 1));
	SHOW(truncate(".", 1));
	SHOW(fallocate(fd, 0, 0, 100));
	SHOW(fstat(fd, &st));
	CHECK(st.st_size == 100);
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100000));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 2));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 1, 2));
	SHOW(fallocate(fd, 0, -1, 2));
	SHOW(fallocate(fd, 0, 0, 0));
	SHOW(posix_fallocate(fd, 0, 120));
	SHOW(fstat(fd, &st));
	CHECK(st.st_size == 120);
	print_content("size");
	close(fd);
	fd = open("size", O_RDONLY);
	SHOW(ftruncate(fd, 1));
	SHOW(fallocate(fd, 0, 0, 1));
	close(fd);
}

CASE(holes)
{
	int fd = make_file("hole", "");

	NEED(pwrite(fd, "data", 4, 1 << 20) == 4);
	NEED(ftruncate(fd, 2 << 20) == 0);
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, 1 << 20, SEEK_HOLE));
	SHOW(lseek(fd, 0, SEEK_HOLE));
	SHOW(lseek(fd, 3 << 20, SEEK_DATA));
	close(fd);
	unlink("hole");
}

CASE(attributes)
{
	int fd = make_file("attr", "12345");
	struct stat st, other;
	struct statx stx;
	struct timespec times[2] = {{1000000000, 123456789}, {1234567890, 987654321}};

	SHOW(fchmod(fd, 0604));
	SHOW(stat("attr", &st));
	printf("  mode %o, %ld links, %ld bytes\n", st.st_mode, (long)st.st_nlink,
	       (long)st.st_size);
	SHOW(chmod("attr", 04711));
	SHOW(fchmodat(AT_FDCWD, "attr", 0711, 0));
	SHOW(chmod("none", 0711));
	SHOW(chown("attr", -1, -1));
	SHOW(fchown(fd, getuid(), getgid()));
	SHOW(lchown("none", -1, -1));
	SHOW(fchownat(fd, "", -1, -1, AT_EMPTY_PATH));
	SHOW(link("attr", "attr2"));
	SHOW(link("attr", "attr2"));
	SHOW(fstat(fd, &st));
	printf("  mode %o, %ld links\n", st.st_mode, (long)st.st_nlink);
	SHOW(stat("attr2", &other));
	CHECK(st.st_ino == other.st_ino && st.st_dev == other.st_dev);
	SHOW(utimensat(AT_FDCWD, "attr", times, 0));
	SHOW(statx(AT_FDCWD, "attr", 0, STATX_BASIC_STATS | STATX_BTIME, &stx));
	printf("  statx: mode %o, %u links, %llu bytes, accessed %lld.%09u, changed %lld.%09u\n",
	       stx.stx_mode, stx.stx_nlink, stx.stx_size, stx.stx_atime.tv_sec,
	       stx.stx_atime.tv_nsec, stx.stx_mtime.tv_sec, stx.stx_mtime.tv_nsec);
	CHECK((stx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	CHECK(stx.stx_ino == st.st_ino);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_sec = 5;
	times[1].tv_nsec = 6;
	SHOW(futimens(fd, times));
	SHOW(fstat(fd, &st));
	printf("  accessed %ld, changed %ld.%ld\n", st.st_atime, st.st_mtime, st.st_mtim.tv_nsec);
	times[0].tv_nsec = 2000000000;
	SHOW(futimens(fd, times));
	SHOW(utimensat(AT_FDCWD, "none", NULL, 0));
	SHOW(utimensat(AT_FDCWD, "attr", NULL, 0));
	SHOW(fstat(fd, &st));
	CHECK(st.st_mtime > 1700000000);
	SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
	SHOW(fstatat(fd, "", &st, 0));
	SHOW(fstatat(fd, "x", &st, 0x40000000));
	SHOW(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &stx));
	SHOW(statx(AT_FDCWD, "none", 0, STATX_SIZE, &stx));
	close(fd);
}

CASE(access_rights)
{
	close(make_file("acc", ""));
	chmod("acc", 0600);
	SHOW(access("acc", F_OK));
	SHOW(access("acc", R_OK | W_OK));
	SHOW(access("acc", X_OK));
	SHOW(access("none", F_OK));
	SHOW(access("acc", 99));
	SHOW(faccessat(AT_FDCWD, "acc", R_OK, AT_EACCESS));
	SHOW(syscall(SYS_faccessat2, AT_FDCWD, "acc", X_OK, AT_SYMLINK_NOFOLLOW));
	SHOW(umask(077));
	close(creat("masked", 0666));
	struct stat st;
	SHOW(stat("masked", &st));
	printf("  mode %o\n", st.st_mode);
	SHOW(umask(022));
	SHOW(umask(022));
}

CASE(names)
{
	char target[64];
	ssize_t n;

	close(make_file("a", "A"));
	close(make_file("b", "B"));
	SHOW(rename("a", "c"));
	SHOW(rename("a", "c"));
	SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_NOREPLACE));
	SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_EXCHANGE));
	print_content("b");
	SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "none", RENAME_EXCHANGE));
	SHOW(mkdir("d", 0755));
	SHOW(mkdir("d", 0755));
	SHOW(mkdir("none/d", 0755));
	SHOW(rename("b", "d"));
	SHOW(rename("d", "b"));
	SHOW(rename("d", "d/below"));
	SHOW(rename("b", "d/b"));
	SHOW(rmdir("d"));
	SHOW(rmdir("c"));
	SHOW(unlink("d"));
	SHOW(unlink("none"));
	SHOW(unlinkat(AT_FDCWD, "d/b", 0));
	SHOW(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
	SHOW(symlink("anywhere/at all", "s"));
	n = SHOW(readlink("s", target, sizeof(target)));
	printf("  link to \"%.*s\"\n", (int)n, target);
	SHOW(readlink("s", target, 3));
	SHOW(readlink("c", target, 3));
	SHOW(readlink("none", target, 3));
	SHOW(symlink("x", "s"));
	SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "hard", 0));
	struct stat st;
	SHOW(lstat("hard", &st));
	printf("  mode %o, size %ld\n", st.st_mode, (long)st.st_size);
	SHOW(stat("hard", &st));
	SHOW(mknod("fifo", S_IFIFO | 0600, 0));
	SHOW(mkfifo("fifo", 0600));
	SHOW(lstat("fifo", &st));
	printf("  mode %o\n", st.st_mode);
	SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
	SHOW(mknod("regular", S_IFREG | 0600, 0));
	print_directory(".");
}

CASE(directories)
{
	char before[PATH_MAX], after[PATH_MAX];
	int fd, top = open(".", O_RDONLY | O_DIRECTORY);
	DIR *dir;
	long places[40];
	int n = 0;

	NEED(getcwd(before, sizeof(before)));
	SHOW(mkdir("tree", 0755));
	SHOW(chdir("tree"));
	NEED(getcwd(after, sizeof(after)));
	CHECK(strncmp(after, before, strlen(before)) == 0 &&
	      strcmp(after + strlen(before), "/tree") == 0);
	SHOW(getcwd(after, 3) == NULL);
	for (int i = 0; i < 30; i++) {
		char name[16];

		snprintf(name, sizeof(name), "entry%d", i);
		close(creat(name, 0600));
	}
	dir = opendir(".");
	NEED(dir);
	for (;;) {
		places[n] = telldir(dir);
		if (!readdir(dir))
			break;
		n++;
	}
	CHECK(n == 32);
	seekdir(dir, places[20]);
	n = 0;
	while (readdir(dir))
		n++;
	SHOW(n);
	rewinddir(dir);
	n = 0;
	while (readdir(dir))
		n++;
	SHOW(n);
	closedir(dir);
	SHOW(chdir("entry1"));
	SHOW(chdir("none"));
	SHOW(fchdir(top));
	SHOW(fchdir(99));
	SHOW(open("tree/entry1", O_RDONLY | O_DIRECTORY));
	fd = open("tree", O_RDONLY);
	SHOW_OK(openat(fd, "entry2", O_RDONLY));
	SHOW(mkdirat(fd, "sub", 0700));
	SHOW(unlinkat(fd, "sub", 0));
	SHOW(syscall(SYS_getdents64, fd, before, 10));
	SHOW(syscall(SYS_getdents64, 0, before, sizeof(before)) == -1);
	SHOW(read(fd, before, 1));
	SHOW(rmdir("tree"));
	SHOW(rename("tree/sub", "sub2"));
	print_directory("tree");
	close(fd);
	close(top);
}

CASE(removed_but_open)
{
	int fd = make_file("gone", "still here");
	char data[16] = "", path[64], target[PATH_MAX];
	struct stat st;
	ssize_t n;

	SHOW(unlink("gone"));
	SHOW(access("gone", F_OK));
	SHOW(read(fd, data, 16));
	SHOW(fstat(fd, &st));
	CHECK(st.st_nlink == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target));
	CHECK(n > 15 && memcmp(target + n - 15, "/gone (deleted)", 15) == 0);
	close(fd);
}

CASE(copies)
{
	int in = make_file("from", "0123456789abcdef"), out = make_file("to", "");
	int p[2];
	off_t off = 4;
	loff_t in_off = 2, out_off = 20;

	SHOW(copy_file_range(in, NULL, out, NULL, 6, 0));
	SHOW(lseek(in, 0, SEEK_CUR));
	SHOW(copy_file_range(in, &in_off, out, &out_off, 100, 0));
	SHOW(in_off);
	SHOW(out_off);
	SHOW(copy_file_range(in, NULL, out, NULL, 6, 1));
	print_content("to");
	SHOW(sendfile(out, in, &off, 3));
	SHOW(off);
	SHOW(sendfile(out, in, NULL, 100));
	SHOW(sendfile(out, in, NULL, 100));
	print_content("to");
	NEED(pipe(p) == 0);
	in_off = 0;
	SHOW(splice(in, &in_off, p[1], NULL, 5, 0));
	SHOW(in_off);
	SHOW(lseek(out, 0, SEEK_SET));
	SHOW(splice(p[0], NULL, out, NULL, 5, 0));
	SHOW(splice(in, NULL, out, NULL, 5, 0));
	SHOW(splice(p[0], NULL, out, NULL, 5, SPLICE_F_NONBLOCK));
	SHOW(sendfile(p[1], in, &(off_t){1}, 3));
	int q[2];
	NEED(pipe(q) == 0);
	SHOW(tee(p[0], q[1], 10, 0));
	char data[16] = "";
	SHOW(read(q[0], data, 16));
	SHOW(read(p[0], data, 16));
	printf("  read \"%s\"\n", data);
	struct iovec v = {"gift", 4};
	SHOW(vmsplice(p[1], &v, 1, 0));
	SHOW(read(p[0], data, 16));
	printf("  read \"%s\"\n", data);
	print_content("to");
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
	close(in);
	close(out);
}

CASE(flush_and_advice)
{
	int fd = make_file("sync", "data");

	SHOW(fsync(fd));
	SHOW(fdatasync(fd));
	SHOW(syncfs(fd));
	SHOW(sync_file_range(fd, 0, 4, SYNC_FILE_RANGE_WRITE));
	SHOW(sync_file_range(fd, -1, 4, SYNC_FILE_RANGE_WRITE));
	SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	SHOW(posix_fadvise(fd, 0, 0, 99));
	SHOW(readahead(fd, 0, 4096));
	SHOW(fsync(99));
	close(fd);
}

CASE(descriptors)
{
	int fd = make_file("dup", "0123456789"), other;
	char c;

	other = SHOW(dup(fd));
	SHOW(read(fd, &c, 1));
	SHOW(lseek(other, 0, SEEK_CUR));
	SHOW(dup2(fd, 50));
	SHOW(dup2(fd, fd));
	SHOW(dup2(99, 51));
	SHOW(dup2(fd, -1));
	SHOW(dup3(fd, 51, O_CLOEXEC));
	SHOW(dup3(fd, fd, 0));
	SHOW(dup3(fd, 52, 0x40));
	SHOW(fcntl(51, F_GETFD));
	SHOW(fcntl(50, F_GETFD));
	SHOW(fcntl(50, F_SETFD, FD_CLOEXEC));
	SHOW(fcntl(50, F_GETFD));
	SHOW(fcntl(fd, F_DUPFD, 40));
	SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 40));
	SHOW(fcntl(41, F_GETFD));
	SHOW(fcntl(fd, F_DUPFD, -1));
	SHOW(fcntl(fd, 9999));
	SHOW(fcntl(99, F_GETFD));
	SHOW(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	SHOW(fcntl(other, F_GETFL) & (O_APPEND | O_NONBLOCK));
	SHOW(syscall(SYS_close_range, 40, 60, 0));
	SHOW(fcntl(50, F_GETFD));
	SHOW(syscall(SYS_close_range, 60, 40, 0));
	SHOW(syscall(SYS_close_range, fd, fd, 4));
	SHOW(fcntl(fd, F_GETFD));
	close(fd);
	close(other);
	fd = SHOW(open("dup", O_RDONLY));
	close(fd);
}

CASE(descriptor_limit)
{
	int fds[64], n = 0;
	struct rlimit before, few = {20, 20};

	NEED(getrlimit(RLIMIT_NOFILE, &before) == 0);
	few.rlim_max = before.rlim_max;
	SHOW(setrlimit(RLIMIT_NOFILE, &few));
	for (; n < 64; n++)
		if ((fds[n] = open("/dev/null", O_RDONLY)) < 0)
			break;
	SHOW(n);
	SHOW(open("/dev/null", O_RDONLY));
	SHOW(dup(0));
	SHOW(dup2(0, 20));
	SHOW(fcntl(0, F_DUPFD, 20));
	while (n--)
		close(fds[n]);
	SHOW(setrlimit(RLIMIT_NOFILE, &before));
}

CASE(locks)
{
	int a = make_file("lock", "0123456789"), b = open("lock", O_RDWR);
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 3};

	SHOW(flock(a, LOCK_EX));
	SHOW(flock(b, LOCK_EX | LOCK_NB));
	SHOW(flock(b, LOCK_SH | LOCK_NB));
	SHOW(flock(a, LOCK_SH));
	SHOW(flock(b, LOCK_SH | LOCK_NB));
	SHOW(flock(a, LOCK_UN));
	SHOW(flock(b, LOCK_UN));
	SHOW(flock(b, 99));
	SHOW(fcntl(a, F_SETLK, &l));
	SHOW(fcntl(b, F_SETLK, &l)); /* A lock of the same process does not conflict. */
	SHOW(fcntl(a, F_GETLK, &l));
	SHOW(l.l_type);
	l.l_type = F_UNLCK;
	SHOW(fcntl(a, F_SETLKW, &l));
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 5};
	SHOW(fcntl(a, F_OFD_SETLK, &l));
	SHOW(fcntl(b, F_OFD_SETLK, &l));
	SHOW(fcntl(b, F_OFD_GETLK, &l));
	printf("  held: type %d, start %ld, length %ld, pid %d\n", l.l_type, (long)l.l_start,
	       (long)l.l_len, l.l_pid);
	l = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 2};
	SHOW(fcntl(a, F_OFD_SETLK, &l));
	l.l_type = F_WRLCK;
	SHOW(fcntl(b, F_OFD_SETLK, &l));
	l.l_type = 77;
	SHOW(fcntl(b, F_SETLK, &l));
	close(a);
	close(b);
}

CASE(extended_attributes)
{
	int fd = make_file("xattr", "");
	char value[64], list[256];
	ssize_t n;

	if (setxattr("xattr", "user.one", "first", 5, 0) < 0 && errno == EOPNOTSUPP) {
		printf("  not supported here\n");
		return;
	}
	SHOW(setxattr("xattr", "user.two", "second", 6, XATTR_CREATE));
	SHOW(setxattr("xattr", "user.two", "again", 5, XATTR_CREATE));
	SHOW(setxattr("xattr", "user.three", "x", 1, XATTR_REPLACE));
	n = SHOW(getxattr("xattr", "user.one", value, sizeof(value)));
	printf("  value \"%.*s\"\n", (int)n, value);
	SHOW(fgetxattr(fd, "user.two", value, 2));
	SHOW(fgetxattr(fd, "user.two", NULL, 0));
	SHOW(lgetxattr("xattr", "user.none", value, 2));
	n = SHOW(listxattr("xattr", list, sizeof(list)));
	CHECK(n == 18);
	SHOW(flistxattr(fd, NULL, 0));
	SHOW(fsetxattr(fd, "user.two", "", 0, 0));
	SHOW(getxattr("xattr", "user.two", value, sizeof(value)));
	SHOW(removexattr("xattr", "user.one"));
	SHOW(removexattr("xattr", "user.one"));
	SHOW(fremovexattr(fd, "user.two"));
	SHOW(llistxattr("xattr", list, sizeof(list)));
	SHOW(getxattr("none", "user.one", value, sizeof(value)));
	close(fd);
}

CASE(file_systems)
{
	struct statfs a, b;
	struct statvfs v;
	int fd = open(".", O_RDONLY);

	SHOW(statfs(".", &a));
	SHOW(fstatfs(fd, &b));
	CHECK(a.f_type == b.f_type && a.f_bsize == b.f_bsize);
	SHOW(statfs("none", &a));
	SHOW(statvfs("/", &v));
	CHECK(v.f_namemax == 255);
	SHOW(statfs("/proc", &a));
	printf("  type %lx\n", (long)a.f_type);
	close(fd);
}

/* What a device takes of buffers that are not there, or not whole. */
static void write_unmapped(int fd)
{
	char *page =
		mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[] = {{page, 10}, {page + 4096, 20}};

	munmap(page + 4096, 4096);
	SHOW(write(fd, page + 4000, 200));
	SHOW(write(fd, page + 4096, 200));
	SHOW(writev(fd, iov, 2));
	SHOW(write(fd, (char *)-4096L, 10));
	munmap(page, 4096);
}

CASE(devices)
{
	char data[64];
	int fd = SHOW(open("/dev/null", O_RDWR));
	struct stat st;

	SHOW(read(fd, data, 10));
	SHOW(write(fd, data, 10));
	SHOW(lseek(fd, 10, SEEK_SET));
	write_unmapped(fd);
	close(fd);
	fd = SHOW(open("/dev/zero", O_RDWR));
	write_unmapped(fd);
	memset(data, 1, sizeof(data));
	SHOW(read(fd, data, 64));
	CHECK(memchr(data, 1, 64) == NULL);
	close(fd);
	fd = SHOW(open("/dev/full", O_WRONLY));
	SHOW(write(fd, data, 10));
	write_unmapped(fd);
	close(fd);
	fd = SHOW(open("/dev/urandom", O_RDONLY));
	SHOW(read(fd, data, 64));
	close(fd);
	SHOW(stat("/dev/null", &st));
	printf("  mode %o, device %lx\n", st.st_mode, (long)st.st_rdev);
	SHOW(open("/dev/tty-none", O_RDONLY));
	fd = SHOW(open("/dev/fd", O_RDONLY | O_DIRECTORY));
	close(fd);
	fd = make_file("via", "text");
	snprintf(data, sizeof(data), "/dev/fd/%d", fd);
	SHOW_OK(open(data, O_RDONLY));
	SHOW(read(fd + 1, data, 4));
	close(fd + 1);
	close(fd);
}

/* Reads a directory into the end of a page, behind which there is none. */
static int entries_of(int dir, char *page, size_t room)
{
	int count = 0;
	long n;

	while ((n = syscall(SYS_getdents64, dir, page + 4096 - room, 4096)) > 0)
		for (long at = 0; at < n; count++)
			at += ((struct dirent64 *)(page + 4096 - room + at))->d_reclen;
	SHOW(n);
	return count;
}

CASE(a_directory_into_a_buffer_that_ends)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char name[32];
	int dir, task;

	NEED(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
	NEED(mkdir("many", 0700) == 0);
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "many/a_name_that_is_long_%02d", i);
		NEED(close(open(name, O_CREAT | O_WRONLY, 0600)) == 0);
	}
	dir = open("many", O_RDONLY);
	NEED(dir >= 0);
	SHOW(entries_of(dir, page, 100));
	SHOW(lseek(dir, 0, SEEK_SET));
	SHOW(entries_of(dir, page, 1000));
	SHOW(lseek(dir, 0, SEEK_SET));
	/* What finds no room is found by the next call. */
	SHOW(syscall(SYS_getdents64, dir, page + 4096 - 10, 4096));
	SHOW(syscall(SYS_getdents64, dir, page + 4096, 4096));
	SHOW(syscall(SYS_getdents, dir, page + 4096 - 10, 4096));
	SHOW(syscall(SYS_getdents64, dir, page, 10));
	SHOW(syscall(SYS_getdents64, dir, page + 4096 - 10, 10));
	SHOW(entries_of(dir, page, 200));
	SHOW(syscall(SYS_getdents64, dir, page + 4096, 4096));
	task = open("/proc/self/task", O_RDONLY);
	NEED(task >= 0);
	SHOW(syscall(SYS_getdents64, task, page + 4096 - 10, 4096));
	SHOW(entries_of(task, page, 30));
	close(task);
	close(dir);
	munmap(page, 4096);
}
