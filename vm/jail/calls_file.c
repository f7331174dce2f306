// SPDX-License-Identifier: MIT
/*
 * Hostcalls on what a file is: its attributes, and files that are open. A file of the view is found
 * first (view.h); then the host call is made on its O_PATH descriptor, or by the descriptor's name
 * in /proc.
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include "vm/handle.h"
#include "vm/jail/audit.h"
#include "vm/jail/calls.h"
#include "vm/jail/owners.h"

/* ---- attributes by path --------------------------------------------------------------------- */

static u32 find_flags(u64 at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : VIEW_FOLLOW) |
	       (at_flags & AT_EMPTY_PATH ? VIEW_EMPTY : 0);
}

/* The hostcall lookup that the thread makes: each lookup of its batch is reported by itself. */
static _Thread_local const struct call *batch;

static s64 reported(s64 ret)
{
	if (batch)
		audit_call(batch, ret);
	return ret;
}

static s64 stat_path(int dir, const char *path, void *st, u64 flags)
{
	struct view_at at;
	s64 err = view_find(dir, path, find_flags(flags), 0, &at);

	if (err == 0 && owners_are_ours())
		owners_show(&at.st);
	if (err == 0)
		memcpy(st, &at.st, sizeof(at.st));
	view_put(&at);
	return reported(err);
}

static s64 jail_newfstatat(struct call *c)
{
	u64 flags = c->arg[3].value;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	if (c->arg[2].len < sizeof(struct stat))
		return -EFAULT;
	return stat_path(c->arg[0].fd, c->arg[1].path, c->arg[2].buf, flags);
}

static s64 jail_fstat(struct call *c)
{
	s64 err = c->arg[1].len < sizeof(struct stat)
			  ? -EFAULT
			  : HOST_CALL(fstat, c->arg[0].value, c->arg[1].value);

	if (err == 0 && owners_are_ours())
		owners_show(c->arg[1].buf);
	return err;
}

static s64 jail_statx(struct call *c)
{
	u64 flags = c->arg[2].value;
	struct view_at at;
	s64 err = view_find(c->arg[0].fd, c->arg[1].path, find_flags(flags), 0, &at);

	if (err == 0)
		err = HOST_CALL(statx, (u64)at.fd, (u64) "", flags | AT_EMPTY_PATH, c->arg[3].value,
				c->arg[4].value);
	if (err == 0 && owners_are_ours() && c->arg[4].len >= sizeof(struct statx))
		owners_show_statx(c->arg[4].buf);
	view_put(&at);
	return err;
}

static s64 read_link(int dir, const char *path, char *target, u64 size)
{
	struct view_at at;
	s64 n = view_find(dir, path, VIEW_EMPTY, 0, &at);

	if (n == 0)
		n = S_ISLNK(at.st.st_mode)
			    ? HOST_CALL(readlinkat, (u64)at.fd, (u64) "", (u64)target, size)
		    : *path ? -EINVAL
			    : -ENOENT;
	view_put(&at);
	return reported(n);
}

static s64 jail_readlinkat(struct call *c)
{
	return read_link(c->arg[0].fd, c->arg[1].path, c->arg[2].buf, c->arg[2].len);
}

static s64 access_path(int dir, const char *path, u64 mode, u64 flags)
{
	struct view_at at;
	s64 err = view_find(dir, path, find_flags(flags), 0, &at);

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EACCESS) || mode & ~7UL)
		err = -EINVAL;
	/* Rights of the file first, as Linux has it: then a read-only file system. */
	if (err == 0)
		err = HOST_CALL(faccessat2, (u64)at.fd, (u64) "", mode,
				(flags & AT_EACCESS) | AT_EMPTY_PATH);
	if (err == 0 && mode & 2 /* W_OK */ && !S_ISLNK(at.st.st_mode)) {
		err = jail_may_change(&at);
		audit_forget(); /* a question is no attempt */
	}
	view_put(&at);
	return reported(err);
}

static s64 jail_faccessat2(struct call *c)
{
	return access_path(c->arg[0].fd, c->arg[1].path, c->arg[2].value, c->arg[3].value);
}

static s64 jail_lookup(struct call *c)
{
	static const struct lookup_ops ops = {read_link, stat_path, access_path};

	s64 ret;

	batch = c;
	ret = hostcall_lookup_batch(c, &ops, c->arg[0].fd, c->arg[1].fd, c->arg[2].buf,
				    c->arg[2].len, c->arg[3].buf, c->arg[3].len);
	batch = NULL;
	return ret;
}

/*
 * Set-user-ID programs that a guest made would run outside with its user's rights, whoever starts
 * them. Returns the mode that the host's file gets, or -errno.
 */
static s64 mode_for_host(const struct stat *st, u64 mode)
{
	if (owners_are_ours())
		return owners_mode(st, mode);
	return mode & (S_ISUID | S_ISGID) && !S_ISDIR(st->st_mode) ? -EPERM : (s64)(mode & 07777);
}

/* fchownat(2) of an open file, whose attributes are st. */
static s64 change_owner(int fd, const struct stat *st, u64 uid, u64 gid)
{
	if (owners_are_ours())
		return owners_change(st, (u32)uid, (u32)gid);
	return HOST_CALL(fchownat, (u64)fd, (u64) "", uid, gid, AT_EMPTY_PATH);
}

/*
 * Finds what fchmodat2(2) and its like change, with their flags. Returns 0 if the policy allows the
 * change, else -errno; the caller ends both with view_put.
 */
static s64 find_to_change(int dir, const char *path, u64 flags, struct view_at *at)
{
	s64 err = view_find(dir, path, find_flags(flags), 0, at);

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		err = -EINVAL;
	return err == 0 ? jail_may_change(at) : err;
}

static s64 change_mode(int dir, const char *path, u64 mode, u64 flags)
{
	struct view_at at;
	s64 err = find_to_change(dir, path, flags, &at);

	if (err == 0)
		err = S_ISLNK(at.st.st_mode) ? -EOPNOTSUPP : mode_for_host(&at.st, mode);
	if (err >= 0)
		err = HOST_CALL(fchmodat, (u64)AT_FDCWD, (u64)jail_link(at.fd).path, (u64)err);
	view_put(&at);
	return err;
}

static s64 jail_fchmodat(struct call *c)
{
	return change_mode(c->arg[0].fd, c->arg[1].path, c->arg[2].value, 0);
}

static s64 jail_fchmodat2(struct call *c)
{
	return change_mode(c->arg[0].fd, c->arg[1].path, c->arg[2].value, c->arg[3].value);
}

static s64 jail_file_getattr(struct call *c)
{
	u64 flags = c->arg[3].value;
	struct view_at at;
	s64 err = view_find(c->arg[0].fd, c->arg[1].path, find_flags(flags), 0, &at);

	if (err == 0)
		err = hc_do_file_getattr(c, at.fd, "", c->arg[2].buf, c->arg[2].len,
					 flags | AT_EMPTY_PATH);
	view_put(&at);
	return err;
}

static s64 jail_file_setattr(struct call *c)
{
	u64 flags = c->arg[3].value;
	struct view_at at;
	s64 err = view_find(c->arg[0].fd, c->arg[1].path, find_flags(flags), 0, &at);

	if (err == 0)
		err = jail_may_change(&at);
	if (err == 0)
		err = hc_do_file_setattr(c, at.fd, "", c->arg[2].buf, c->arg[2].len,
					 flags | AT_EMPTY_PATH);
	view_put(&at);
	return err;
}

static s64 jail_fchownat(struct call *c)
{
	struct view_at at;
	s64 err = find_to_change(c->arg[0].fd, c->arg[1].path, c->arg[4].value, &at);

	if (err == 0)
		err = change_owner(at.fd, &at.st, c->arg[2].value, c->arg[3].value);
	view_put(&at);
	return err;
}

static s64 jail_utimensat(struct call *c)
{
	struct view_at at;
	s64 err = find_to_change(c->arg[0].fd, c->arg[1].path, c->arg[3].value, &at);

	if (err == 0)
		err = HOST_CALL(utimensat, (u64)at.fd, (u64) "", c->arg[2].value, AT_EMPTY_PATH);
	view_put(&at);
	return err;
}

static s64 jail_statfs(struct call *c)
{
	struct view_at at;
	s64 err = view_find(c->arg[0].fd, c->arg[1].path, VIEW_FOLLOW, 0, &at);

	if (err == 0)
		err = c->arg[2].len < sizeof(struct statfs)
			      ? -EFAULT
			      : HOST_CALL(fstatfs, (u64)at.fd, c->arg[2].value);
	view_put(&at);
	return err;
}

static s64 jail_truncate(struct call *c)
{
	struct view_at at;
	s64 err = view_find(c->arg[0].fd, c->arg[1].path, VIEW_FOLLOW, 0, &at);

	if (err == 0)
		err = jail_may_change(&at);
	if (err == 0)
		err = hc_do_truncate(c, -1, jail_link(at.fd).path, c->arg[2].value);
	view_put(&at);
	return err;
}

static s64 jail_inotify_add_watch(struct call *c)
{
	u64 mask = c->arg[3].value;
	struct view_at at;
	s64 ret = view_find(c->arg[1].fd, c->arg[2].path, mask & IN_DONT_FOLLOW ? 0 : VIEW_FOLLOW,
			    0, &at);

	if (ret == 0)
		ret = hc_do_inotify_add_watch(c, c->arg[0].fd, -1, jail_link(at.fd).path,
					      mask & ~(u64)IN_DONT_FOLLOW);
	view_put(&at);
	return ret;
}

/* ---- extended attributes -------------------------------------------------------------------- */

/*
 * Others than these are read by the host's kernel or its security modules: a capability of a file
 * works for whoever runs it.
 */
static s64 check_attribute(const char *name)
{
	return !strncmp(name, "user.", 5) || !strcmp(name, "system.posix_acl_access") ||
			       !strcmp(name, "system.posix_acl_default")
		       ? 0
		       : -EPERM;
}

static s64 jail_xattr_get(struct call *c)
{
	struct view_at at;
	s64 ret = view_find(c->arg[0].fd, c->arg[1].path, find_flags(c->arg[2].value), 0, &at);

	if (ret == 0)
		ret = hc_do_xattr_get(c, -1, jail_link(at.fd).path, 0, c->arg[3].path,
				      c->arg[4].iov, c->arg[4].len);
	view_put(&at);
	return ret;
}

static s64 jail_xattr_set(struct call *c)
{
	struct view_at at;
	s64 ret = view_find(c->arg[0].fd, c->arg[1].path, find_flags(c->arg[2].value), 0, &at);

	if (ret == 0)
		ret = jail_may_change(&at);
	if (ret == 0)
		ret = check_attribute(c->arg[3].path);
	if (ret == 0)
		ret = hc_do_xattr_set(c, -1, jail_link(at.fd).path, 0, c->arg[3].path,
				      c->arg[4].iov, c->arg[4].len, c->arg[5].value);
	view_put(&at);
	return ret;
}

static s64 jail_xattr_list(struct call *c)
{
	struct view_at at;
	s64 ret = view_find(c->arg[0].fd, c->arg[1].path, find_flags(c->arg[2].value), 0, &at);

	if (ret == 0)
		ret = hc_do_xattr_list(c, -1, jail_link(at.fd).path, 0, c->arg[3].iov,
				       c->arg[3].len);
	view_put(&at);
	return ret;
}

static s64 jail_xattr_remove(struct call *c)
{
	struct view_at at;
	s64 ret = view_find(c->arg[0].fd, c->arg[1].path, find_flags(c->arg[2].value), 0, &at);

	if (ret == 0)
		ret = jail_may_change(&at);
	if (ret == 0)
		ret = check_attribute(c->arg[3].path);
	if (ret == 0)
		ret = hc_do_xattr_remove(c, -1, jail_link(at.fd).path, 0, c->arg[3].path);
	view_put(&at);
	return ret;
}

static s64 jail_fsetxattr(struct call *c)
{
	s64 err = jail_may_change_handle(c->arg[0].fd);

	if (err == 0)
		err = check_attribute(c->arg[1].path);
	return err < 0 ? err
		       : hc_do_fsetxattr(c, c->arg[0].fd, c->arg[1].path, c->arg[2].iov,
					 c->arg[2].len, c->arg[3].value);
}

static s64 jail_fremovexattr(struct call *c)
{
	s64 err = jail_may_change_handle(c->arg[0].fd);

	if (err == 0)
		err = check_attribute(c->arg[1].path);
	return err < 0 ? err : HOST_CALL(fremovexattr, c->arg[0].value, c->arg[1].value);
}

/* ---- attributes by handle ------------------------------------------------------------------- */

static s64 jail_fchmod(struct call *c)
{
	s64 err = jail_may_change_handle(c->arg[0].fd);
	struct stat st;

	if (err == 0)
		err = HOST_CALL(fstat, c->arg[0].value, (u64)&st);
	if (err == 0)
		err = mode_for_host(&st, c->arg[1].value);
	return err < 0 ? err : HOST_CALL(fchmod, c->arg[0].value, (u64)err);
}

static s64 jail_fchown(struct call *c)
{
	s64 err = jail_may_change_handle(c->arg[0].fd);
	struct stat st;

	if (err == 0)
		err = HOST_CALL(fstat, c->arg[0].value, (u64)&st);
	return err < 0 ? err : change_owner(c->arg[0].fd, &st, c->arg[1].value, c->arg[2].value);
}

static s64 jail_futimens(struct call *c)
{
	s64 err = jail_may_change_handle(c->arg[0].fd);

	return err < 0 ? err : hc_do_futimens(c, c->arg[0].fd, c->arg[1].buf, c->arg[1].len);
}

static s64 jail_fcntl(struct call *c)
{
	u64 cmd = c->arg[1].value;
	s64 err = 0;

	/* A hint belongs to the file; a lease makes processes outside wait. */
	if (cmd == F_SET_RW_HINT || cmd == F_SET_FILE_RW_HINT || cmd == F_SETLEASE)
		err = jail_may_change_handle(c->arg[0].fd);
	return err < 0 ? err : hc_do_fcntl(c, c->arg[0].fd, cmd, c->arg[2].value);
}

/* Requests that change a file, or more than that, although the file is only open for reading. */
static s64 jail_ioctl(struct call *c)
{
	s64 err = 0;

	switch ((u32)c->arg[1].value) {
	case FS_IOC_SETFLAGS:
	case FS_IOC_FSSETXATTR:
		err = jail_may_change_handle(c->arg[0].fd);
		break;
	case FITRIM:
	case FIBMAP:
	case BLKFLSBUF:
	case TIOCVHANGUP:
	case TIOCSETD:
		err = -EPERM;
		break;
	default:
		break;
	}
	return err < 0 ? err
		       : hc_do_ioctl(c, c->arg[0].fd, c->arg[1].value, c->arg[2].buf, c->arg[2].len,
				     c->arg[3].value);
}

static s64 jail_handle_path(struct call *c)
{
	return c->arg[0].fd < 0 ? -EBADF : view_path(c->arg[0].fd, c->arg[1].buf, c->arg[1].len);
}

/* The path in the answer is the one in the view; nothing of the host's is left behind it. */
static s64 jail_inspect(struct call *c)
{
	struct hostcall_inspect *answer = c->arg[1].buf;
	void *name = c->arg[2].buf;
	s64 ret = hc_do_inspect(c, c->arg[0].fd, answer, c->arg[1].len, name, c->arg[2].len,
				c->arg[3].iov, c->arg[3].len);

	if (c->arg[2].len)
		memset(name, 0, c->arg[2].len);
	if (ret >= 0 && owners_are_ours())
		owners_show((struct stat *)answer->stat);
	if (ret > 0)
		answer->name_len = (s32)view_path(c->arg[0].fd, name, c->arg[2].len);
	return ret;
}

/* ---- directories ---------------------------------------------------------------------------- */

struct dirent64 {
	u64 ino;
	s64 off;
	u16 reclen;
	u8 type;
	char name[];
};

/* Takes the names out of a list of entries that are hidden in this directory. Returns its length.
 */
static s64 without_hidden(const struct view_node *dir, char *list, s64 len)
{
	s64 to = 0;

	for (s64 at = 0; at < len;) {
		struct dirent64 *d = (struct dirent64 *)(list + at);
		const struct view_node *node = view_name_node(dir, d->name);
		u16 size = d->reclen;

		if (!node || node->refusal != ENOENT) {
			memmove(list + to, list + at, size);
			to += size;
		}
		at += size;
	}
	return to;
}

static s64 jail_getdents64(struct call *c)
{
	int dir = c->arg[0].fd;
	const struct view_node *node = view_node_of(dir);
	s64 len;

	do {
		len = HOST_CALL(getdents64, c->arg[0].value, c->arg[1].value, c->arg[1].len);
		if (len <= 0 || !node || !node->child)
			return len;
		len = without_hidden(node, c->arg[1].buf, len);
	} while (len == 0); /* all were hidden, and there may be more */
	return len;
}

jail_call *jail_file_call(u32 nr)
{
	static jail_call *const calls[HC_MAX] = {
		[HC_fstat] = jail_fstat,
		[HC_newfstatat] = jail_newfstatat,
		[HC_statx] = jail_statx,
		[HC_readlinkat] = jail_readlinkat,
		[HC_faccessat2] = jail_faccessat2,
		[HC_lookup] = jail_lookup,
		[HC_fchmodat] = jail_fchmodat,
		[HC_fchmodat2] = jail_fchmodat2,
		[HC_file_getattr] = jail_file_getattr,
		[HC_file_setattr] = jail_file_setattr,
		[HC_fchownat] = jail_fchownat,
		[HC_utimensat] = jail_utimensat,
		[HC_statfs] = jail_statfs,
		[HC_truncate] = jail_truncate,
		[HC_inotify_add_watch] = jail_inotify_add_watch,
		[HC_xattr_get] = jail_xattr_get,
		[HC_xattr_set] = jail_xattr_set,
		[HC_xattr_list] = jail_xattr_list,
		[HC_xattr_remove] = jail_xattr_remove,
		[HC_fsetxattr] = jail_fsetxattr,
		[HC_fremovexattr] = jail_fremovexattr,
		[HC_fchmod] = jail_fchmod,
		[HC_fchown] = jail_fchown,
		[HC_futimens] = jail_futimens,
		[HC_fcntl] = jail_fcntl,
		[HC_ioctl] = jail_ioctl,
		[HC_handle_path] = jail_handle_path,
		[HC_inspect] = jail_inspect,
		[HC_getdents64] = jail_getdents64,
	};

	return calls[nr];
}
