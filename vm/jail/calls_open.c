// SPDX-License-Identifier: MIT
/*
 * Opening files of the view. A file is found first, as an O_PATH descriptor, and judged; then this
 * very file is opened by the descriptor's name in /proc. So nothing is opened that was not judged:
 * an open alone can have effects, of a device or a FIFO.
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "vm/handle.h"
#include "vm/jail/calls.h"
#include "vm/jail/owners.h"
#include "vm/jail/learn.h"
#include "vm/jail/overlay.h"
#include "vm/own_proc.h"

#define OPEN_ALWAYS (O_CLOEXEC | O_NOCTTY)
/* The flags that open(2) knows; others are ignored there, but wrong for openat2(2). */
/* O_SYNC contains O_DSYNC, and O_TMPFILE contains O_DIRECTORY. */
#define OPEN_KNOWN                                                                                 \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |      \
	 O_ASYNC | O_DIRECT | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)
#define LARGEFILE    0100000 /* for the host; glibc's O_LARGEFILE is 0 */
#define TMPFILE_ONLY (O_TMPFILE & ~O_DIRECTORY)
#define RESOLVE_KNOWN                                                                              \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |         \
	 RESOLVE_IN_ROOT | RESOLVE_CACHED)

/* Majors of the slaves in devpts: Linux's devices.txt. */
#define PTS_FIRST 136
#define PTS_LAST  143

struct opening {
	u64 flags, mode;
	bool writes;  /* the file may be changed through what is opened */
	bool creates; /* the file may be made */
};

static bool is_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

/*
 * Opens a terminal that the guest has in another way: the slave of a pty whose master it has, or a
 * terminal that is open already. All terminals of the host lie in one directory, so their names
 * prove nothing.
 */
static s64 open_terminal(dev_t terminal, u64 flags)
{
	s64 ret = -EACCES;

	for (u64 n = 0, seen = 0, count = handle_count(); seen < count && n < HANDLE_MAX; n++) {
		int fd = handle_get(n);
		u32 number;
		struct stat st;

		if (fd < 0)
			continue;
		seen++;
		if (ret == -EACCES && HOST_CALL(fstat, (u64)fd, (u64)&st) == 0 &&
		    S_ISCHR(st.st_mode)) {
			if (st.st_rdev == terminal)
				ret = HOST_CALL(openat, (u64)AT_FDCWD, (u64)jail_link(fd).path,
						flags);
			else if (st.st_rdev == makedev(TTYAUX_MAJOR, 2) &&
				 HOST_CALL(ioctl, (u64)fd, TIOCGPTN, (u64)&number) == 0 &&
				 makedev(PTS_FIRST + number / 256, number % 256) == terminal)
				ret = HOST_CALL(ioctl, (u64)fd, TIOCGPTPEER, flags);
		}
		handle_put(fd);
	}
	return ret;
}

/* Checks that a file that exists may be opened so. Returns 0 or -errno. */
static s64 judge(const struct view_at *at, const struct opening *o)
{
	if (o->flags & O_PATH)
		return 0;
	if (is_device(&at->st)) {
		if (!at->node || !at->node->keeps_devices)
			return -EACCES;
		return o->writes && !at->rule->write ? jail_read_only(at, at->rule) : 0;
	}
	/* What is written to a FIFO leaves the sandbox, so that is like a socket. */
	if (S_ISFIFO(at->st.st_mode))
		return o->writes && !at->rule->write ? -EACCES : 0;
	return o->writes ? jail_may_change(at) : 0;
}

/* Opens the file that was found. Returns a descriptor or -errno. */
static s64 open_found(struct call *c, const struct view_at *at, const struct opening *o)
{
	struct jail_link link = jail_link(at->fd);
	u64 flags = (o->flags & ~(u64)(O_CREAT | O_EXCL | O_NOFOLLOW)) | OPEN_ALWAYS;
	const u64 arg[6] = {(u64)AT_FDCWD, (u64)link.path, flags, o->mode};
	s64 fd;

	if (o->flags & O_PATH) {
		if (o->flags & O_DIRECTORY && !S_ISDIR(at->st.st_mode))
			return -ENOTDIR;
		return HOST_CALL(fcntl, (u64)at->fd, F_DUPFD_CLOEXEC, 0);
	}
	if (S_ISCHR(at->st.st_mode) && major(at->st.st_rdev) >= PTS_FIRST &&
	    major(at->st.st_rdev) <= PTS_LAST)
		return at->rule->write ? open_terminal(at->st.st_rdev, flags) : -EACCES;
	fd = vcpu_syscall(c->v, SYS_openat, arg);
	if (fd == -EINTR && !S_ISFIFO(at->st.st_mode) && !S_ISCHR(at->st.st_mode))
		fd = host_syscall(SYS_openat, arg);
	return fd;
}

/* A terminal's node is its directory, which the policy names as /dev/pts. */
static void note_terminal(struct view_at *at)
{
	if (!at->node && at->rule && at->rule->write && at->rule->fd >= 0 &&
	    S_ISCHR(at->st.st_mode) && major(at->st.st_rdev) >= PTS_FIRST &&
	    major(at->st.st_rdev) <= PTS_LAST)
		at->node = at->rule;
}

/*
 * Makes the file. Returns a descriptor, -errno, or -ELOOP if something stands there by now, which
 * has to be judged first.
 */
static s64 open_new(const struct view_at *at, const struct opening *o)
{
	u64 flags = (o->flags & ~(u64)O_TRUNC) | O_CREAT | O_EXCL | O_NOFOLLOW | OPEN_ALWAYS;
	s64 fd;

	if (at->slash)
		return -EISDIR;
	if (at->node || !at->dir_rule->write)
		return jail_read_only(at, at->node ? at->node : at->dir_rule);
	if (o->flags & O_DIRECTORY)
		return -EINVAL;
	if (o->mode & (S_ISUID | S_ISGID))
		return -EPERM;
	fd = HOST_CALL(openat, (u64)at->dir, (u64)at->name, flags, o->mode);
	return fd == -EEXIST && !(o->flags & O_EXCL) ? -ELOOP : fd;
}

/*
 * Has --learn note what was opened: its path in the view, or the directory in which it was made
 * (made: where), since a rule cannot name what is not there yet.
 */
static void note_use(int fd, const struct view_node *rule, const struct opening *o,
		     const struct view_at *made)
{
	char path[HOSTCALL_PATH_MAX];
	s64 n = view_path_of(made ? made->dir : fd, rule, path, sizeof(path) - 1);

	/* Files of the sandbox's own need no rule. */
	if (rule->content->is_scratch && overlay_copy_of(rule->content->path) < 0)
		return;
	if (n > 0 && !(o->flags & O_PATH)) {
		path[n] = '\0';
		learn_used(path, o->writes || made);
	}
}

/*
 * Opens once. *again is set if somebody made the name at the same time. *st gets the attributes.
 * Returns a handle or -errno.
 */
static s64 open_once(struct call *c, int dir, const char *path, const struct opening *o,
		     u64 resolve, struct stat *st, bool *again)
{
	bool follow = !(o->flags & O_NOFOLLOW) && !(o->creates && o->flags & O_EXCL);
	const struct view_node *rule, *node;
	struct view_at at;
	s64 fd = view_find(dir, path, (follow ? VIEW_FOLLOW : 0) | (o->creates ? VIEW_NAME : 0),
			   resolve, &at);

	*again = false;
	if (fd < 0)
		goto out;
	node = at.node;
	if (at.fd < 0) {
		rule = at.dir_rule;
		fd = open_new(&at, o);
		*again = fd == -ELOOP;
		if (fd >= 0 && HOST_CALL(fstat, (u64)fd, (u64)st) == 0 && owners_are_ours())
			owners_made(st);
	} else {
		rule = at.rule;
		*st = at.st;
		note_terminal(&at);
		if (o->creates && o->flags & O_EXCL)
			fd = -EEXIST;
		else if (o->creates && (at.slash || S_ISDIR(at.st.st_mode)))
			fd = -EISDIR;
		else if (S_ISLNK(at.st.st_mode) && !(o->flags & O_PATH))
			fd = -ELOOP;
		else
			fd = judge(&at, o);
		if (fd == 0)
			fd = open_found(c, &at, o);
		if (fd >= 0 && o->flags & (O_TRUNC | TMPFILE_ONLY))
			HOST_CALL(fstat, (u64)fd, (u64)st);
	}
	if (fd >= 0 && learn_is_on())
		note_use((int)fd, rule, o, at.fd < 0 ? &at : NULL);
	/* A file of procfs has a node: view.c has looked. */
	if (fd >= 0 && node && own_proc_forbids((int)fd)) {
		HOST_CALL(close, (u64)fd);
		fd = -EACCES;
	}
	if (fd >= 0)
		fd = view_add_handle((int)fd, rule, node);
out:
	view_put(&at);
	return fd;
}

static s64 open_path(struct call *c, int dir, const char *path, u64 flags, u64 mode, u64 resolve,
		     struct stat *st)
{
	struct opening o = {.flags = flags & OPEN_KNOWN, .mode = mode & 07777};
	struct stat unused;
	bool again;
	s64 fd;

	if (o.flags & O_PATH)
		o.flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	o.creates = o.flags & O_CREAT;
	o.writes = (o.flags & O_ACCMODE) != O_RDONLY || o.flags & O_TRUNC;
	if (!o.creates && !(o.flags & TMPFILE_ONLY))
		o.mode = 0;
	if (o.flags & TMPFILE_ONLY && o.mode & (S_ISUID | S_ISGID))
		return -EPERM;
	do
		fd = open_once(c, dir, path, &o, resolve, st ? st : &unused, &again);
	while (again);
	if (fd >= 0 && st && owners_are_ours())
		owners_show(st);
	return fd;
}

static s64 jail_openat(struct call *c)
{
	return open_path(c, c->arg[0].fd, c->arg[1].path, c->arg[2].value, c->arg[3].value, 0,
			 NULL);
}

static s64 jail_open_stat(struct call *c)
{
	if (c->arg[4].len < sizeof(struct stat))
		return -EINVAL;
	return open_path(c, c->arg[0].fd, c->arg[1].path, c->arg[2].value, c->arg[3].value, 0,
			 c->arg[4].buf);
}

static s64 jail_openat2(struct call *c)
{
	struct open_how how;

	if (c->arg[2].len != sizeof(how))
		return -EINVAL;
	memcpy(&how, c->arg[2].buf, sizeof(how));
	/* The guest kernel has cleaned the flags; O_LARGEFILE is 0 here and 0100000 for the host.
	 */
	if ((how.flags & ~(u64)(OPEN_KNOWN | LARGEFILE)) != 0 ||
	    (how.resolve & ~(u64)RESOLVE_KNOWN) != 0)
		return -EINVAL;
	if (how.resolve & RESOLVE_CACHED)
		return -EAGAIN;
	/* The view has no mounts for the guest, and no magic links. */
	how.resolve &= ~(u64)(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS);
	return open_path(c, c->arg[0].fd, c->arg[1].path, how.flags, how.mode, how.resolve, NULL);
}

/* Returns true for a pipe without a name: each of its ends may become the other one (pipe(7)). */
static bool is_pipe(int file, const struct stat *st)
{
	char name[64];
	s64 n = S_ISFIFO(st->st_mode) && handle_tag(file) == 0
			? HOST_CALL(readlink, (u64)jail_link(file).path, (u64)name, sizeof(name))
			: 0;

	return n > 6 && !memcmp(name, "pipe:[", 6);
}

/* Opens what a handle names once more. */
static s64 jail_reopen(struct call *c)
{
	int file = c->arg[0].fd;
	u64 flags = c->arg[1].value & OPEN_KNOWN & ~(u64)(O_CREAT | O_EXCL);
	bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
	u32 tag;
	s64 own, err, fd;
	struct stat st;

	if (file < 0)
		return -EBADF;
	if (c->arg[1].value & O_CREAT && c->arg[1].value & O_EXCL)
		return -EEXIST;
	own = HOST_CALL(fcntl, (u64)file, F_GETFL);
	if (own < 0 || HOST_CALL(fstat, (u64)file, (u64)&st) < 0)
		return -EBADF;
	if (writes && !(flags & O_PATH) && !is_pipe(file, &st)) {
		err = jail_may_change_handle(file);
		if (err < 0)
			return err;
	}
	/* An O_PATH handle is no leave to open the device: only its path is. */
	if (own & O_PATH && is_device(&st))
		return -EACCES;
	tag = handle_tag(file);
	/* Who was given a file only to write it does not get to read it. */
	if (!tag && (own & O_ACCMODE) == O_WRONLY && (flags & O_ACCMODE) != O_WRONLY &&
	    !is_pipe(file, &st))
		return -EACCES;
	fd = vcpu_syscall(
		c->v, SYS_openat,
		(const u64[6]){(u64)AT_FDCWD, (u64)jail_link(file).path, flags | OPEN_ALWAYS});
	if (fd >= 0 && own_proc_forbids((int)fd)) {
		HOST_CALL(close, (u64)fd);
		fd = -EACCES;
	}
	return fd < 0 ? fd : handle_add_tagged((int)fd, tag);
}

static s64 jail_dup(struct call *c)
{
	s64 fd = HOST_CALL(fcntl, c->arg[0].value, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? fd : handle_add_tagged((int)fd, handle_tag(c->arg[0].fd));
}

jail_call *jail_open_call(u32 nr)
{
	switch (nr) {
	case HC_openat:
		return jail_openat;
	case HC_open_stat:
		return jail_open_stat;
	case HC_openat2:
		return jail_openat2;
	case HC_reopen:
		return jail_reopen;
	case HC_dup:
		return jail_dup;
	default:
		return NULL;
	}
}
