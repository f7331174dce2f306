// SPDX-License-Identifier: MIT
/* See files.h; gdb's manual, "Host I/O Packets" and "File-I/O Remote Protocol Extension". */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "gdb/files.h"

/* Descriptors that the debugger may use: those that it opened. */
#define FILES_MAX 256
static bool is_open[FILES_MAX];

/* errno as the protocol has it. */
static int protocol_errno(int error)
{
	static const struct {
		int here, there;
	} table[] = {
		{EPERM, 1},   {ENOENT, 2},  {EINTR, 4},	  {EBADF, 9},	{EACCES, 13},
		{EFAULT, 14}, {EBUSY, 16},  {EEXIST, 17}, {ENODEV, 19}, {ENOTDIR, 20},
		{EISDIR, 21}, {EINVAL, 22}, {ENFILE, 23}, {EMFILE, 24}, {EFBIG, 27},
		{ENOSPC, 28}, {ESPIPE, 29}, {EROFS, 30},  {ENOSYS, 88}, {ENAMETOOLONG, 91},
	};

	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].here == error)
			return table[i].there;
	return 9999; /* unknown */
}

static void fail(struct reply *r, int error)
{
	reply_format(r, "F-1,%x", protocol_errno(error));
}

/* Reads a path in hexadecimal digits up to a comma or the end. */
static bool read_path(const char **p, char *path, size_t size)
{
	size_t n = 0;

	while (hex_digit((*p)[0]) >= 0 && hex_digit((*p)[1]) >= 0) {
		if (n + 1 == size)
			return false;
		path[n++] = (char)(hex_digit((*p)[0]) << 4 | hex_digit((*p)[1]));
		*p += 2;
	}
	path[n] = '\0';
	return n && strlen(path) == n;
}

static int open_flags(u64 flags)
{
	static const struct {
		u64 there;
		int here;
	} table[] = {{0x8, O_APPEND}, {0x200, O_CREAT}, {0x400, O_TRUNC}, {0x800, O_EXCL}};
	int result = (flags & 3) == 2 ? O_RDWR : (flags & 3) == 1 ? O_WRONLY : O_RDONLY;

	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (flags & table[i].there)
			result |= table[i].here;
	/* A FIFO or terminal must neither stop nor become ours. */
	return result | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
}

static void do_open(struct reply *r, const char *p)
{
	char path[PATH_MAX];
	u64 flags, mode;
	int fd;

	if (!read_path(&p, path, sizeof(path)) || !read_word(&p, ",") || !read_number(&p, &flags) ||
	    !read_word(&p, ",") || !read_number(&p, &mode)) {
		fail(r, EINVAL);
		return;
	}
	fd = open(path, open_flags(flags), (mode_t)(mode & 0777));
	if (fd >= FILES_MAX) {
		close(fd);
		errno = EMFILE;
	}
	if (fd < 0 || fd >= FILES_MAX) {
		fail(r, errno);
		return;
	}
	is_open[fd] = true;
	reply_format(r, "F%x", fd);
}

static bool read_fd(const char **p, int *fd)
{
	u64 n;

	if (!read_number(p, &n) || n >= FILES_MAX || !is_open[n])
		return false;
	*fd = (int)n;
	return true;
}

static void do_close(struct reply *r, const char *p)
{
	int fd;

	if (!read_fd(&p, &fd)) {
		fail(r, EBADF);
		return;
	}
	is_open[fd] = false;
	close(fd);
	reply_text(r, "F0");
}

static void do_pread(struct reply *r, const char *p)
{
	static char data[PACKET_MAX];
	u64 count, offset;
	ssize_t n;
	u32 begins;
	int fd;

	if (!read_fd(&p, &fd) || !read_word(&p, ",") || !read_number(&p, &count) ||
	    !read_word(&p, ",") || !read_number(&p, &offset)) {
		fail(r, EBADF);
		return;
	}
	/* Half of a packet: each byte may need an escape, and then all fit. */
	n = pread(fd, data, MIN(count, PACKET_MAX / 2 - 16), (off_t)offset);
	if (n < 0) {
		fail(r, errno);
		return;
	}
	reply_format(r, "F%zx;", (size_t)n);
	begins = r->len;
	if (reply_binary(r, data, (u32)n) < (u32)n)
		r->len = begins;
}

static void do_pwrite(struct reply *r, const char *text, u32 size)
{
	const char *p = text;
	u64 offset;
	ssize_t n;
	int fd;

	if (!read_fd(&p, &fd) || !read_word(&p, ",") || !read_number(&p, &offset) ||
	    !read_word(&p, ",")) {
		fail(r, EBADF);
		return;
	}
	n = pwrite(fd, p, size - (u32)(p - text), (off_t)offset);
	if (n < 0)
		fail(r, errno);
	else
		reply_format(r, "F%zx", (size_t)n);
}

/* Numbers of struct stat go most significant byte first. */
static void put_number(u8 **to, u64 value, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++)
		(*to)[i] = (u8)(value >> 8 * (bytes - 1 - i));
	*to += bytes;
}

static void do_fstat(struct reply *r, const char *p)
{
	u8 data[64], *to = data;
	struct stat st;
	int fd;

	if (!read_fd(&p, &fd)) {
		fail(r, EBADF);
		return;
	}
	if (fstat(fd, &st) != 0) {
		fail(r, errno);
		return;
	}
	put_number(&to, st.st_dev, 4);
	put_number(&to, st.st_ino, 4);
	put_number(&to, st.st_mode, 4);
	put_number(&to, st.st_nlink, 4);
	put_number(&to, st.st_uid, 4);
	put_number(&to, st.st_gid, 4);
	put_number(&to, st.st_rdev, 4);
	put_number(&to, (u64)st.st_size, 8);
	put_number(&to, (u64)st.st_blksize, 8);
	put_number(&to, (u64)st.st_blocks, 8);
	put_number(&to, (u64)st.st_atime, 4);
	put_number(&to, (u64)st.st_mtime, 4);
	put_number(&to, (u64)st.st_ctime, 4);
	reply_format(r, "F%zx;", (size_t)(to - data));
	reply_binary(r, data, (u32)(to - data));
}

static void do_readlink(struct reply *r, const char *p)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t n;

	if (!read_path(&p, path, sizeof(path))) {
		fail(r, EINVAL);
		return;
	}
	n = readlink(path, target, sizeof(target));
	if (n < 0) {
		fail(r, errno);
		return;
	}
	reply_format(r, "F%zx;", (size_t)n);
	reply_binary(r, target, (u32)n);
}

static void do_unlink(struct reply *r, const char *p)
{
	char path[PATH_MAX];

	if (!read_path(&p, path, sizeof(path)))
		fail(r, EINVAL);
	else if (unlink(path) != 0)
		fail(r, errno);
	else
		reply_text(r, "F0");
}

void files_packet(struct reply *r, const char *text, u32 size)
{
	static const struct {
		const char *name;
		void (*serve)(struct reply *r, const char *p);
	} table[] = {
		{"open:", do_open},   {"close:", do_close},	  {"pread:", do_pread},
		{"fstat:", do_fstat}, {"readlink:", do_readlink}, {"unlink:", do_unlink},
	};
	const char *p = text;

	if (read_word(&p, "pwrite:")) {
		do_pwrite(r, p, size - (u32)(p - text));
		return;
	}
	/* There is one file system for all processes. */
	if (read_word(&p, "setfs:")) {
		reply_text(r, "F0");
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		if (read_word(&p, table[i].name)) {
			table[i].serve(r, p);
			return;
		}
}

void files_close(void)
{
	for (int fd = 0; fd < FILES_MAX; fd++)
		if (is_open[fd]) {
			close(fd);
			is_open[fd] = false;
		}
}
