// SPDX-License-Identifier: MIT
/*
 * Resolves the names of system calls: (dirfd, path) becomes the host's (handle, path), an open
 * file, or a node of our own /proc. The host resolves its own names; the kernel does not look them
 * up before.
 */
#include "kernel/fs/fs.h"
#include "kernel/check_hooks.h"

#define LINKS_MAX 8 /* most links of our /proc in a name: /proc/self/root/proc/self/root/... */

s32 cwd_handle(struct ofile **hold)
{
	struct fs_info *fs = current_process()->fs;
	s32 dir;

	mutex_lock(&fs->lock);
	*hold = fs->cwd_file ? ofile_get(fs->cwd_file) : NULL;
	dir = fs->cwd;
	mutex_unlock(&fs->lock);
	return dir;
}

/* Makes p an absolute path of the host. */
static void from_root(struct fs_path *p, const char *path)
{
	ofile_put(p->hold);
	p->hold = NULL;
	p->dir = current_process()->fs->root;
	p->at = 0;
	p->kind = PATH_HOST;
	strlcpy(p->path, path, HOSTCALL_PATH_MAX);
}

/* Makes p an open file, and takes the reference to it. */
static void at_file(struct fs_path *p, struct ofile *file)
{
	from_root(p, "");
	p->kind = PATH_FILE;
	p->hold = file;
	p->dir = file->handle;
	p->at = AT_EMPTY_PATH;
}

/* Writes the absolute path of p's directory or file to buf. Returns 0 or -errno. */
static s64 base_path(struct fs_path *p, char *buf)
{
	s64 n;

	n = p->hold ? ofile_name(p->hold, buf, HOSTCALL_PATH_MAX - 1)
		    : fs_nointr(hc_handle_path(p->dir, buf, HOSTCALL_PATH_MAX - 1));
	if (n < 0)
		return n;
	buf[n] = 0;
	return 0;
}

/* Writes the target of the link at node, followed by tail, to path. buf is scratch space. */
static s64 through_link(const struct pseudo_node *node, const char *tail, char *path, char *buf)
{
	s64 n = node->fs->readlink(node, buf, HOSTCALL_PATH_MAX - 1);

	if (n < 0)
		return n;
	buf[n] = 0;
	if (strlcat(buf, tail, HOSTCALL_PATH_MAX) >= HOSTCALL_PATH_MAX)
		return -ENAMETOOLONG;
	return path_normalise(path, HOSTCALL_PATH_MAX, node->fs->root, buf);
}

/*
 * Makes p what an absolute, normalised path stands for. buf is scratch space. moved: path is not
 * what p->path says, so p has to change even if the name is the host's.
 */
static s64 look_up(struct fs_path *p, char *path, char *buf, int at, bool moved)
{
	bool follow = !(at & AT_SYMLINK_NOFOLLOW);

	for (int links = 0; links < LINKS_MAX; links++, moved = true) {
		const struct pseudo_fs *fs;
		struct ofile *file;
		const char *tail;
		s64 r;

		path_replace_alias(path, HOSTCALL_PATH_MAX, follow);
		fs = pseudo_fs_of(path);
		if (!fs) {
			if (moved)
				from_root(p, path);
			return 0;
		}
		file = check_path(path);
		if (file) {
			at_file(p, file);
			return 0;
		}
		r = fs->lookup(path, &p->node, &tail);
		if (r <= 0) {
			from_root(p, path);
			return r;
		}
		if (!fs->is_link(&p->node) || (!follow && !*tail)) {
			from_root(p, path);
			p->kind = PATH_PSEUDO;
			return 0;
		}
		file = *tail ? NULL : fs->link_file(&p->node);
		if (file) {
			at_file(p, file);
			return 0;
		}
		r = through_link(&p->node, tail, path, buf);
		if (r < 0)
			return r;
	}
	return -ELOOP;
}

/* Fills in p for dirfd and p->path. */
static s64 resolve(struct fs_path *p, s32 dirfd, int at)
{
	bool absolute = *p->path == '/', ours;
	char *path, *buf;
	s64 r = 0;

	if (root_is_own()) {
		r = root_resolve(p, dirfd, at);
		if (r <= 0)
			return r;
		absolute = *p->path == '/';
		r = 0;
	}
	if (absolute) {
		p->dir = current_process()->fs->root;
	} else if (!*p->path && !(at & AT_EMPTY_PATH)) {
		return -ENOENT;
	} else if (dirfd == AT_FDCWD) {
		p->dir = cwd_handle(&p->hold);
	} else {
		p->hold = fd_get_any(dirfd);
		if (!p->hold)
			return -EBADF;
		p->dir = p->hold->handle;
		/* No file without a handle is a directory: the host gives the error. */
		if (p->dir < 0 && *p->path && path_to_host(p) < 0)
			return -EBADF;
	}
	if (path_ends_in_directory(p->path))
		at &= ~AT_SYMLINK_NOFOLLOW;
	if (!*p->path) {
		p->at = AT_EMPTY_PATH;
		p->kind = p->hold ? PATH_FILE : PATH_HOST;
		return 0;
	}
	ours = !absolute && p->hold && ofile_is_pseudo_dir(p->hold);
	if (!ours && path_is_plain(p->path))
		return 0;

	path = kmalloc(HOSTCALL_PATH_MAX);
	buf = kmalloc(HOSTCALL_PATH_MAX);
	if (!path || !buf)
		r = -ENOMEM;
	else if (!absolute)
		r = base_path(p, buf);
	if (r >= 0)
		r = path_normalise(path, HOSTCALL_PATH_MAX, buf, p->path);
	if (r >= 0)
		r = look_up(p, path, buf, at, ours);
	kfree(path);
	kfree(buf);
	return r;
}

static int finish(struct fs_path *p, s64 result)
{
	if (result < 0)
		path_put(p);
	return result < 0 ? (int)result : 0;
}

static int prepare(struct fs_path *p)
{
	*p = (struct fs_path){.dir = -1, .path = kmalloc(HOSTCALL_PATH_MAX)};
	return p->path ? 0 : -ENOMEM;
}

int path_get(struct fs_path *p, s32 dirfd, uva path, int at)
{
	s64 r = prepare(p);

	if (r < 0)
		return r;
	r = strncpy_from_user(p->path, path, HOSTCALL_PATH_MAX);
	if (r >= 0)
		r = resolve(p, dirfd, at);
	return finish(p, r);
}

int path_get_kernel(struct fs_path *p, s32 dirfd, const char *path, int at)
{
	s64 r = prepare(p);

	if (r < 0)
		return r;
	if (strlcpy(p->path, path, HOSTCALL_PATH_MAX) >= HOSTCALL_PATH_MAX)
		r = -ENAMETOOLONG;
	else
		r = resolve(p, dirfd, at);
	return finish(p, r);
}

int path_to_host(struct fs_path *p)
{
	s64 handle;

	if (p->dir >= 0 || !p->hold)
		return 0;
	handle = ofile_handle(p->hold);
	p->dir = (s32)handle;
	return handle < 0 ? (int)handle : 0;
}

int path_get_host(struct fs_path *p, s32 dirfd, uva path, int at)
{
	char *name;
	s64 r = path_get(p, dirfd, path, at);

	if (r < 0)
		return r;
	if (p->kind == PATH_PSEUDO || (p->hold && !*p->path && ofile_is_pseudo_dir(p->hold)))
		return finish(p, -EPERM);
	if (p->kind == PATH_FILE && at & PATH_BY_HANDLE) {
		/* The handle of a file of our /proc is not the file. */
		r = ofile_node(p->hold) ? -EPERM : path_to_host(p);
		return r < 0 ? finish(p, r) : 0;
	}
	if (p->kind != PATH_FILE)
		return 0;
	name = kmalloc(HOSTCALL_PATH_MAX);
	r = name ? base_path(p, name) : -ENOMEM;
	if (r >= 0)
		from_root(p, name);
	kfree(name);
	return finish(p, r);
}

void path_put(struct fs_path *p)
{
	ofile_put(p->hold);
	kfree(p->path);
}
