// SPDX-License-Identifier: MIT
/*
 * chroot(2). The root of a process is a directory of the host: an open file and its name there. The
 * host resolves paths that begin in the root below that directory (openat2(2), RESOLVE_IN_ROOT), so
 * that "..", absolute links and links on the way stay inside. A path that begins at a directory
 * outside, which was opened before, is not confined, as on Linux.
 *
 * A call that does not follow a link at the end of the name gets the directory that has the name;
 * other calls get the file itself. Where the host has a procfs at /proc below the root, the process
 * sees our /proc.
 */
#include <linux/capability.h>
#include <asm/statfs.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/path.h"
#include "kernel/fs/pseudo.h"

/*
 * Returns a reference to the running process's root and writes its name (HOSTCALL_PATH_MAX bytes).
 * NULL: the root is "/".
 */
static struct ofile *get_root(char *name)
{
	struct fs_info *fs = current_process()->fs;
	struct ofile *root;

	mutex_lock(&fs->lock);
	root = fs->root_file ? ofile_get(fs->root_file) : NULL;
	if (root)
		strlcpy(name, fs->root_name, HOSTCALL_PATH_MAX);
	mutex_unlock(&fs->lock);
	return root;
}

bool root_is_own(void)
{
	return READ_ONCE(current_process()->fs->root_file) != NULL;
}

/*
 * Writes (dirfd, path) to rel as a path below the root, whose name is name. Returns 0, -errno, or 1
 * if the path begins outside of the root.
 */
static s64 relative_to(const char *name, s32 dirfd, const char *path, char *rel)
{
	struct ofile *hold;
	const char *inside;
	s32 dir;
	s64 n;

	if (*path == '/')
		return strlcpy(rel, path, HOSTCALL_PATH_MAX) < HOSTCALL_PATH_MAX ? 0
										 : -ENAMETOOLONG;
	dir = dirfd == AT_FDCWD ? cwd_handle(&hold) : fd_handle_any(dirfd, &hold);
	if (dir < 0)
		return -EBADF;
	if (hold && ofile_is_pseudo_dir(hold))
		n = 0;
	else
		n = fs_nointr(hc_handle_path(dir, rel, HOSTCALL_PATH_MAX - 1));
	ofile_put(hold);
	if (n < 0)
		return n;
	rel[n] = '\0';
	inside = n ? path_below(rel, name) : NULL;
	if (!inside)
		return 1;
	memmove(rel, inside, strlen(inside) + 1);
	if (strlcat(rel, "/", HOSTCALL_PATH_MAX) >= HOSTCALL_PATH_MAX ||
	    strlcat(rel, path, HOSTCALL_PATH_MAX) >= HOSTCALL_PATH_MAX)
		return -ENAMETOOLONG;
	return 0;
}

/* Opens with O_PATH what rel leads to below root. Returns NULL with -errno in *err on failure. */
static struct ofile *open_below(const struct ofile *root, const char *rel, u32 flags, int *err)
{
	const struct open_how how = {.flags = O_PATH | flags, .resolve = RESOLVE_IN_ROOT};

	return host_file_of_result(hc_openat2(root->handle, rel, &how, sizeof(how)), O_PATH | flags,
				   err);
}

/* Makes p the last component of rel, in its directory. */
static int last_name(struct fs_path *p, const struct ofile *root, char *rel)
{
	u64 len = strlen(rel);
	char *last;
	int err = 0;

	/* Slashes at the end belong to the last component: mkdir("new/"). */
	while (len > 1 && rel[len - 1] == '/')
		len--;
	while (len > 0 && rel[len - 1] != '/')
		len--;
	last = rel + len;
	strlcpy(p->path, *last ? last : ".", HOSTCALL_PATH_MAX);
	*last = '\0';
	p->hold = open_below(root, *rel ? rel : "/", O_DIRECTORY, &err);
	if (!p->hold)
		return err;
	p->dir = p->hold->handle;
	p->kind = PATH_HOST;
	return 0;
}

/* Returns whether the host has a procfs at /proc below the root. */
static bool has_proc(const struct ofile *root)
{
	struct statfs st = {0};
	int err = 0;
	struct ofile *proc = open_below(root, "/proc", O_DIRECTORY, &err);

	if (proc)
		hc_fstatfs(proc->handle, &st, sizeof(st));
	ofile_put(proc);
	return st.f_type == PROC_SUPER_MAGIC;
}

/*
 * Writes to rel what path below the pseudo directory hold is below the root. Returns 0, or 1 if
 * hold is none.
 */
static s64 relative_to_pseudo(s32 dirfd, const char *path, char *rel)
{
	struct ofile *hold = NULL;
	char *base = NULL;
	s64 n = 1;

	if (*path == '/')
		return 1;
	if (dirfd == AT_FDCWD)
		cwd_handle(&hold);
	else
		hold = fd_get_any(dirfd);
	if (hold && ofile_is_pseudo_dir(hold)) {
		base = kmalloc(HOSTCALL_PATH_MAX);
		n = base ? ofile_name(hold, base, HOSTCALL_PATH_MAX - 1) : -ENOMEM;
		if (n >= 0) {
			base[n] = '\0';
			n = path_normalise(rel, HOSTCALL_PATH_MAX, base, path);
		}
		n = MIN(n, 0L);
	}
	ofile_put(hold);
	kfree(base);
	return n;
}

/*
 * If rel, a path below the root, is a name of our /proc, makes it p->path and returns 2. Else
 * returns 0 or -errno.
 */
static int at_proc(struct fs_path *p, const struct ofile *root, const char *rel, int at)
{
	char *name = kmalloc(HOSTCALL_PATH_MAX);
	s64 r = name ? path_normalise(name, HOSTCALL_PATH_MAX, "/", rel) : -ENOMEM;

	if (r >= 0) {
		path_replace_alias(name, HOSTCALL_PATH_MAX, !(at & AT_SYMLINK_NOFOLLOW));
		r = 0;
		if (pseudo_fs_of(name) && has_proc(root)) {
			strlcpy(p->path, name, HOSTCALL_PATH_MAX);
			r = 2;
		}
	}
	kfree(name);
	return (int)r;
}

int root_resolve(struct fs_path *p, s32 dirfd, int at)
{
	bool follow = !(at & AT_SYMLINK_NOFOLLOW);
	char *name = kmalloc(HOSTCALL_PATH_MAX), *rel = kmalloc(HOSTCALL_PATH_MAX);
	struct ofile *root = name && rel ? get_root(name) : NULL;
	struct ofile *file = NULL;
	int r = name && rel ? 1 : -ENOMEM;

	if (root && *p->path)
		r = (int)relative_to_pseudo(dirfd, p->path, rel);
	if (root && *p->path && r == 1)
		r = (int)relative_to(name, dirfd, p->path, rel);
	if (r == 0)
		r = at_proc(p, root, rel, at);
	if (r != 0)
		goto out;
	if (at & PATH_FOR_OPEN) {
		strlcpy(p->path, rel, HOSTCALL_PATH_MAX);
		p->hold = root;
		p->dir = root->handle;
		p->kind = PATH_ROOTED;
		root = NULL;
		goto out;
	}
	if (follow || path_ends_in_directory(rel)) {
		file = open_below(root, rel, 0, &r);
		/* The name may be missing for calls that make it, which do not follow links. */
		if (!file && (follow || r != -ENOENT))
			goto out;
	}
	if (!file) {
		r = last_name(p, root, rel);
		goto out;
	}
	r = 0;
	*p->path = '\0';
	p->kind = PATH_FILE;
	p->hold = file;
	p->dir = file->handle;
	p->at = AT_EMPTY_PATH;
out:
	ofile_put(root);
	kfree(name);
	kfree(rel);
	return r;
}

s64 root_shown(char *name, s64 len)
{
	static const char unreachable[] = "(unreachable)";
	char *root = kmalloc(HOSTCALL_PATH_MAX);
	struct ofile *f = root && len > 0 ? get_root(root) : NULL;
	const char *inside;

	if (f) {
		name[len] = '\0';
		inside = path_below(name, root);
		if (inside) {
			memmove(name, inside, strlen(inside) + 1);
			if (!*name)
				strlcpy(name, "/", 2);
		} else if ((u64)len + sizeof(unreachable) < HOSTCALL_PATH_MAX) {
			memmove(name + sizeof(unreachable) - 1, name, (u64)len + 1);
			memcpy(name, unreachable, sizeof(unreachable) - 1);
		}
		len = (s64)strlen(name);
	}
	ofile_put(f);
	kfree(root);
	return len;
}

s64 root_prefix(char *path, u64 size)
{
	char *root = kmalloc(HOSTCALL_PATH_MAX);
	struct ofile *f = root ? get_root(root) : NULL;
	u64 n = f ? strnlen(root, size) : 0, len = strlen(path);
	s64 r = root ? 0 : -ENOMEM;

	if (f && n + len + 1 > size) {
		r = -ENAMETOOLONG;
	} else if (f) {
		memmove(path + n, path, len + 1);
		memcpy(path, root, n);
	}
	ofile_put(f);
	kfree(root);
	return r;
}

/* Takes the reference to dir, and name, its kmalloc'ed name on the host. */
static void set_root(struct ofile *dir, char *name)
{
	struct fs_info *fs = current_process()->fs;
	struct ofile *old;
	char *old_name;

	if (!strcmp(name, "/")) {
		ofile_put(dir);
		kfree(name);
		dir = NULL;
		name = NULL;
	}
	mutex_lock(&fs->lock);
	old = fs->root_file;
	old_name = fs->root_name;
	fs->root_file = dir;
	fs->root_name = name;
	mutex_unlock(&fs->lock);
	ofile_put(old);
	kfree(old_name);
}

DEFINE_SYSCALL1(chroot, uva, path)
{
	char *name = kmalloc(HOSTCALL_PATH_MAX);
	struct ofile *dir = NULL;
	s64 r = -ENOMEM;
	int err = 0;

	if (name)
		r = strncpy_from_user(name, path, HOSTCALL_PATH_MAX);
	if (r >= 0) {
		dir = file_open(AT_FDCWD, name, O_PATH | O_DIRECTORY, 0, &err);
		r = err;
	}
	if (dir && ofile_node(dir))
		r = -EPERM; /* the host cannot resolve names in our /proc */
	else if (dir)
		r = fs_nointr(hc_faccessat2(dir->handle, ".", 1 /* X_OK */, AT_EACCESS));
	if (dir && r >= 0)
		r = creds_have(CAP_SYS_CHROOT) ? 0 : -EPERM;
	if (dir && r >= 0)
		r = fs_nointr(hc_handle_path(dir->handle, name, HOSTCALL_PATH_MAX - 1));
	if (!dir || r < 0) {
		ofile_put(dir);
		kfree(name);
		return r;
	}
	name[r] = '\0';
	set_root(dir, name);
	return 0;
}
