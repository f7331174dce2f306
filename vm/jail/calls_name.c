// SPDX-License-Identifier: MIT
/*
 * Hostcalls on names: making, removing and renaming them. The directory is found first (view.h);
 * the host call then gets its descriptor and one name, which it does not follow.
 *
 * Directories and files at the paths of rules keep their names (EBUSY, as mount points do), and
 * only a directory can be made there. So nothing that a rule is about gets to another path.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include "vm/jail/calls.h"
#include "vm/jail/owners.h"
#include "vm/memory_files.h"

/* The last name of a path with the slash behind it, if there is one: the host decides about that.
 */
struct last_name {
	char text[NAME_MAX + 2];
};

static struct last_name last_name(const struct view_at *at)
{
	struct last_name name;

	snprintf(name.text, sizeof(name.text), "%s%s", at->name, at->slash ? "/" : "");
	return name;
}

/* Gives what a host call has just made its owner. Returns the call's result. */
static s64 made(const struct view_at *at, s64 ret)
{
	struct stat st;

	if (ret == 0 && owners_are_ours() &&
	    HOST_CALL(newfstatat, (u64)at->dir, (u64)at->name, (u64)&st, AT_SYMLINK_NOFOLLOW) == 0)
		owners_made(&st);
	return ret;
}

/* The identity of a thread of the guest. With --as-root it is of no interest to the host. */
static s64 jail_ids(struct call *c)
{
	struct hostcall_ids want;

	if (!owners_are_ours())
		return hc_do_ids(c, c->arg[0].buf, c->arg[0].len, c->arg[1].buf, c->arg[1].len);
	if (c->arg[0].len != sizeof(want))
		return -EINVAL;
	memcpy(&want, c->arg[0].buf, sizeof(want));
	/* Its calls are made by its own thread from now on, and not by the worker. */
	WRITE_ONCE(c->v->own_ids, true);
	owners_act_as(want.fsuid, want.fsgid);
	return 0;
}

static s64 jail_mkdirat(struct call *c)
{
	struct view_at at;
	s64 err = jail_find_new(c->arg[0].fd, c->arg[1].path, true, &at);

	if (err == 0)
		err = made(&at,
			   HOST_CALL(mkdirat, (u64)at.dir, (u64)at.name, c->arg[2].value & 07777));
	view_put(&at);
	return err;
}

static s64 jail_mknodat(struct call *c)
{
	u64 mode = c->arg[2].value, type = mode & S_IFMT;
	struct view_at at;
	s64 err = jail_find_new(c->arg[0].fd, c->arg[1].path, false, &at);

	if (err == 0 && type != 0 && type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
		err = -EPERM; /* devices */
	if (err == 0 && mode & (S_ISUID | S_ISGID))
		err = -EPERM;
	if (err == 0)
		err = made(&at, HOST_CALL(mknodat, (u64)at.dir, (u64)at.name, mode, 0));
	view_put(&at);
	return err;
}

static s64 jail_symlinkat(struct call *c)
{
	struct view_at at;
	s64 err = jail_find_new(c->arg[1].fd, c->arg[2].path, false, &at);

	if (err == 0)
		err = made(&at, HOST_CALL(symlinkat, c->arg[0].value, (u64)at.dir, (u64)at.name));
	view_put(&at);
	return err;
}

/* Returns the error for a path that ends in ".", ".." or "/", which names nothing to be removed. */
static s64 no_name(const char *path, bool directory)
{
	size_t len = strlen(path);

	while (len > 0 && path[len - 1] == '/')
		len--;
	if (len == 0)
		return directory ? -EBUSY : -EISDIR;
	if (!directory)
		return -EISDIR;
	return len >= 2 && path[len - 1] == '.' && path[len - 2] == '.' ? -ENOTEMPTY : -EINVAL;
}

/* Counts the memory of a file that may have lost its last name. */
static void name_is_gone(const struct stat *st)
{
	if (memory_files_count())
		memory_files_unlinked(st);
}

static s64 jail_unlinkat(struct call *c)
{
	bool directory = c->arg[2].value & AT_REMOVEDIR;
	struct view_at at;
	s64 err = view_find(c->arg[0].fd, c->arg[1].path, VIEW_NAME, 0, &at);

	if (c->arg[2].value & ~(u64)AT_REMOVEDIR)
		err = -EINVAL;
	if (err == 0 && at.dot)
		err = no_name(c->arg[1].path, directory);
	if (err == 0 && !at.dir_rule->write)
		err = jail_read_only(&at, at.dir_rule);
	if (err == 0 && at.fd < 0)
		err = -ENOENT;
	if (err == 0 && at.node && (!directory || at.node->has_right || at.node->fd >= 0))
		err = -EBUSY;
	view_let_go(&at);
	if (err == 0)
		err = HOST_CALL(unlinkat, (u64)at.dir, (u64)last_name(&at).text, c->arg[2].value);
	if (err == 0)
		name_is_gone(&at.st);
	view_put(&at);
	return err;
}

/* Checks one of the two names of a rename. */
static s64 check_rename(const struct view_at *at)
{
	if (at->dot)
		return -EBUSY;
	if (!at->dir_rule->write)
		return jail_read_only(at, at->dir_rule);
	return at->node ? -EBUSY : 0;
}

#define RENAME_KNOWN 3u /* RENAME_NOREPLACE, RENAME_EXCHANGE; RENAME_WHITEOUT makes a device */

static s64 jail_renameat2(struct call *c)
{
	u64 flags = c->arg[4].value;
	struct view_at from = {.fd = -1, .dir = -1}, to = from;
	s64 err = view_find(c->arg[0].fd, c->arg[1].path, VIEW_NAME, 0, &from);

	if (flags & ~(u64)RENAME_KNOWN)
		err = -EINVAL;
	if (err == 0)
		err = view_find(c->arg[2].fd, c->arg[3].path, VIEW_NAME, 0, &to);
	if (err == 0)
		err = check_rename(&from);
	if (err == 0)
		err = check_rename(&to);
	if (err == 0 && from.fd < 0)
		err = -ENOENT;
	if (err == 0 && from.dir_rule->content != to.dir_rule->content)
		err = -EXDEV;
	view_let_go(&to);
	if (err == 0)
		err = HOST_CALL(renameat2, (u64)from.dir, (u64)last_name(&from).text, (u64)to.dir,
				(u64)last_name(&to).text, flags);
	if (err == 0 && to.fd >= 0)
		name_is_gone(&to.st);
	view_put(&from);
	view_put(&to);
	return err;
}

/*
 * A second name must not give more rights than the first one. So the file has to be one that may be
 * changed, and both names have to be in the same content, as both had to be in the same mount.
 */
static s64 check_link(const struct view_at *file, const struct view_at *to)
{
	if (!file->rule || file->rule->content != to->dir_rule->content)
		return -EXDEV;
	if (S_ISDIR(file->st.st_mode) || S_ISCHR(file->st.st_mode) || S_ISBLK(file->st.st_mode))
		return -EPERM;
	return jail_may_change(file);
}

static s64 jail_linkat(struct call *c)
{
	u64 flags = c->arg[4].value;
	struct view_at from = {.fd = -1, .dir = -1}, to = from;
	s64 err = view_find(c->arg[0].fd, c->arg[1].path,
			    (flags & AT_SYMLINK_FOLLOW ? VIEW_FOLLOW : 0) |
				    (flags & AT_EMPTY_PATH ? VIEW_EMPTY : 0),
			    0, &from);

	if (flags & ~(u64)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		err = -EINVAL;
	if (err == 0)
		err = jail_find_new(c->arg[2].fd, c->arg[3].path, false, &to);
	if (err == 0)
		err = check_link(&from, &to);
	if (err == 0)
		err = HOST_CALL(linkat, (u64)AT_FDCWD, (u64)jail_link(from.fd).path, (u64)to.dir,
				(u64)to.name, AT_SYMLINK_FOLLOW);
	view_put(&from);
	view_put(&to);
	return err;
}

/* Everybody's files are flushed by sync(2); a jailed guest flushes its own by fsync(2). */
static s64 jail_sync(struct call *c)
{
	(void)c;
	return 0;
}

jail_call *jail_name_call(u32 nr)
{
	switch (nr) {
	case HC_ids:
		return jail_ids;
	case HC_mkdirat:
		return jail_mkdirat;
	case HC_mknodat:
		return jail_mknodat;
	case HC_symlinkat:
		return jail_symlinkat;
	case HC_unlinkat:
		return jail_unlinkat;
	case HC_renameat2:
		return jail_renameat2;
	case HC_linkat:
		return jail_linkat;
	case HC_sync:
		return jail_sync;
	default:
		return NULL;
	}
}
