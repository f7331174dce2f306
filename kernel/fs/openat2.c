// SPDX-License-Identifier: MIT
/*
 * openat2(2), which checks its struct strictly and limits the resolution of the path (RESOLVE_*).
 *
 * The host enforces these limits for its own names, from the directory that the program named. For
 * our /proc the kernel has to: if a path begins there, or leads there from "/", the kernel walks it
 * as text, one name after another. So it sees each link, and whether the link is magic.
 */
#include <linux/openat2.h>
#include "kernel/fs/fs.h"
#include "kernel/fs/open.h"

#define MODE_BITS    07777
#define LINKS_MAX    40 /* path_resolution(7) */
#define SIZE_MAX_HOW PAGE_SIZE

#define RESOLVE_KNOWN                                                                              \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |         \
	 RESOLVE_IN_ROOT | RESOLVE_CACHED)
/* The resolution begins at a directory and stays below it. */
#define RESOLVE_SCOPED (RESOLVE_BENEATH | RESOLVE_IN_ROOT)

int open_how_check(const struct open_how *how)
{
	bool makes = how->flags & (O_CREAT | __O_TMPFILE);

	if ((how->flags & ~(u64)OPEN_FLAGS_KNOWN) || (how->resolve & ~(u64)RESOLVE_KNOWN) ||
	    (how->resolve & RESOLVE_SCOPED) == RESOLVE_SCOPED)
		return -EINVAL;
	if (how->mode & ~(makes ? (u64)MODE_BITS : 0))
		return -EINVAL;
	if ((how->flags & O_PATH) && (how->flags & ~(u64)OPEN_FLAGS_OF_PATH))
		return -EINVAL;
	if ((how->flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
		return -EINVAL;
	if ((how->flags & __O_TMPFILE) &&
	    (!(how->flags & O_DIRECTORY) || (how->flags & O_ACCMODE) == O_RDONLY))
		return -EINVAL;
	/* An open that changes a file cannot be served from a cache. */
	if ((how->resolve & RESOLVE_CACHED) && (how->flags & (O_TRUNC | O_CREAT | __O_TMPFILE)))
		return -EAGAIN;
	return 0;
}

/* A newer program has a longer struct, in which the fields unknown here must be zero. */
static int read_how(struct open_how *how, uva from, u64 size)
{
	u8 more[64];
	int err;

	if (size < sizeof(*how))
		return -EINVAL;
	if (size > SIZE_MAX_HOW)
		return -E2BIG;
	err = get_user(how, from);
	for (u64 at = sizeof(*how), n; !err && at < size; at += n) {
		n = MIN(size - at, sizeof(more));
		err = copy_from_user(more, from + at, n);
		for (u64 i = 0; !err && i < n; i++)
			if (more[i])
				return -E2BIG;
	}
	return err ? -EFAULT : 0;
}

/* A walk through our /proc. The strings have HOSTCALL_PATH_MAX bytes. */
struct walk {
	u64 resolve; /* RESOLVE_* */
	bool follow; /* also follow a link at the end */
	char *base;  /* the directory at which the walk began, normalised */
	char *at;    /* the current directory of the walk, normalised */
	char *rest;  /* the names that are still to be walked */
	char *buf;   /* scratch space */
	u32 links;   /* followed so far */
};

/* Called when the walk leaves or enters our /proc. Returns 0 or -EXDEV. */
static int crosses(const struct walk *w)
{
	return w->resolve & RESOLVE_NO_XDEV ? -EXDEV : 0;
}

static int step_up(struct walk *w)
{
	const struct pseudo_fs *fs = pseudo_fs_of(w->at);
	char *slash = strrchr(w->at, '/');

	if ((w->resolve & RESOLVE_SCOPED) && !strcmp(w->at, w->base))
		return w->resolve & RESOLVE_BENEATH ? -EXDEV : 0;
	if (fs && !strcmp(w->at, fs->root) && crosses(w))
		return -EXDEV;
	slash[slash == w->at] = '\0';
	return 0;
}

/*
 * Follows the link at node, whose name is the last of w->at, by putting its text before w->rest.
 * Returns 0, -errno, or 1 for a magic link, which the usual lookup follows.
 */
static int step_link(struct walk *w, const struct pseudo_node *node)
{
	s64 n;

	if ((w->resolve & RESOLVE_NO_SYMLINKS) || ++w->links > LINKS_MAX)
		return -ELOOP;
	if (node->fs->is_magic(node)) {
		if (w->resolve & RESOLVE_NO_MAGICLINKS)
			return -ELOOP;
		if (w->resolve & (RESOLVE_SCOPED | RESOLVE_NO_XDEV))
			return -EXDEV;
		return 1;
	}
	n = node->fs->readlink(node, w->buf, HOSTCALL_PATH_MAX - 1);
	if (n < 0)
		return (int)n;
	w->buf[n] = '\0';
	if (strlcat(w->buf, "/", HOSTCALL_PATH_MAX) >= HOSTCALL_PATH_MAX ||
	    strlcat(w->buf, w->rest, HOSTCALL_PATH_MAX) >= HOSTCALL_PATH_MAX)
		return -ENAMETOOLONG;
	strlcpy(w->rest, w->buf, HOSTCALL_PATH_MAX);
	strlcpy(w->at, node->fs->root, HOSTCALL_PATH_MAX);
	return 0;
}

/* Walks the name of len bytes at the head of w->rest. Returns 1 if the usual lookup goes on. */
static int step_name(struct walk *w, u64 len)
{
	u64 was = strlen(w->at), at = was == 1 ? 0 : was;
	bool inside = pseudo_fs_of(w->at) != NULL, last;
	const struct pseudo_fs *fs;
	struct pseudo_node node;
	const char *tail;
	int r;

	if (at + len + 2 > HOSTCALL_PATH_MAX)
		return -ENAMETOOLONG;
	w->at[at] = '/';
	memcpy(w->at + at + 1, w->rest, len);
	w->at[at + 1 + len] = '\0';
	fs = pseudo_fs_of(w->at);
	if (!fs) {
		w->at[was] = '\0';
		return 1;
	}
	if (!inside && crosses(w))
		return -EXDEV;
	strlcpy(w->buf, w->at, HOSTCALL_PATH_MAX);
	r = fs->lookup(w->buf, &node, &tail);
	if (r < 0)
		return r;
	last = !w->rest[len + strspn(w->rest + len, "/")];
	memmove(w->rest, w->rest + len, strlen(w->rest + len) + 1);
	/* Of the host's names below /proc, only the last component can be a link. */
	if (r == 0 || !fs->is_link(&node) || (last && !w->follow && !*w->rest))
		return 0;
	return step_link(w, &node);
}

/*
 * Walks the whole path. Returns 0 if w->at is the result, 1 if the usual lookup resolves w->rest
 * from w->at, or -errno.
 */
static int walk(struct walk *w)
{
	for (;;) {
		u64 skip = strspn(w->rest, "/"), len;
		int r = 0;

		memmove(w->rest, w->rest + skip, strlen(w->rest + skip) + 1);
		len = strcspn(w->rest, "/");
		if (len == 0)
			return 0;
		if (len > 2 || strncmp(w->rest, "..", len) != 0)
			r = step_name(w, len);
		else if (len == 2)
			r = step_up(w);
		if (r)
			return r;
		if (len <= 2 && !strncmp(w->rest, "..", len))
			memmove(w->rest, w->rest + len, strlen(w->rest + len) + 1);
	}
}

/* Returns true if the path begins in our /proc, or may lead there from "/". */
static bool concerns_us(const struct open_start *start, const char *path)
{
	return pseudo_fs_of(start->name) || (!strcmp(start->name, "/") && !path_is_plain(path));
}

static int walk_from(const struct open_start *start, const char *path, const struct open_how *how,
		     struct walk *w)
{
	int r;

	w->resolve = how->resolve;
	w->follow = !(how->flags & O_NOFOLLOW) || path_ends_in_directory(path);
	w->base = kmalloc(HOSTCALL_PATH_MAX);
	w->at = kmalloc(HOSTCALL_PATH_MAX);
	w->rest = kmalloc(HOSTCALL_PATH_MAX);
	w->buf = kmalloc(HOSTCALL_PATH_MAX);
	if (!w->base || !w->at || !w->rest || !w->buf)
		return -ENOMEM;
	strlcpy(w->base, start->name, HOSTCALL_PATH_MAX);
	strlcpy(w->at, start->name, HOSTCALL_PATH_MAX);
	strlcpy(w->rest, path, HOSTCALL_PATH_MAX);
	r = walk(w);
	if (r != 1)
		return r;
	/* The caller looks up the rest as one path. */
	if (strlcat(w->at, "/", HOSTCALL_PATH_MAX) >= HOSTCALL_PATH_MAX ||
	    strlcat(w->at, w->rest, HOSTCALL_PATH_MAX) >= HOSTCALL_PATH_MAX)
		return -ENAMETOOLONG;
	return 1;
}

/* Opens path with limits (how->resolve). Returns NULL with -errno in *err on failure. */
static struct ofile *open_limited(s32 dirfd, const char *path, const struct open_how *how, int *err)
{
	bool scoped = how->resolve & RESOLVE_SCOPED;
	struct open_how as_usual = *how;
	struct open_start start;
	struct ofile *f = NULL;
	struct walk w = {0};

	if (!*path) {
		*err = -ENOENT;
		return NULL;
	}
	if (*path == '/' && (how->resolve & RESOLVE_BENEATH)) {
		*err = -EXDEV;
		return NULL;
	}
	if (root_is_own() && *path == '/' && !scoped) {
		/* The path begins at the root of chroot(2), and the host keeps it below that. */
		as_usual.resolve |= RESOLVE_IN_ROOT;
		return open_how_kernel(dirfd, path, &as_usual, err);
	}
	*err = open_start(&start, *path == '/' && !scoped ? OPEN_AT_ROOT : dirfd);
	if (*err)
		return NULL;
	if (!concerns_us(&start, path)) {
		f = open_host_limited(&start, path, how, err);
		open_start_end(&start);
		return f;
	}
	*err = walk_from(&start, path, how, &w);
	if (*err == 1 && scoped && !pseudo_fs_of(w.at)) {
		/* The path begins at "/" and does not lead to our /proc. */
		f = open_host_limited(&start, path, how, err);
	} else if (*err >= 0) {
		/* The walk has followed or allowed each link of our /proc. */
		as_usual.resolve = 0;
		if (*err == 0)
			as_usual.flags |= O_NOFOLLOW;
		if (!pseudo_fs_of(w.at))
			as_usual.resolve = how->resolve & ~(u64)RESOLVE_SCOPED;
		f = open_how_kernel(AT_FDCWD, w.at, &as_usual, err);
	}
	kfree(w.base);
	kfree(w.at);
	kfree(w.rest);
	kfree(w.buf);
	open_start_end(&start);
	return f;
}

DEFINE_SYSCALL4(openat2, s32, dirfd, uva, path, uva, user_how, u64, size)
{
	struct open_how how;
	struct ofile *f;
	char *name;
	s64 r = read_how(&how, user_how, size);

	if (r < 0)
		return r;
	r = open_how_check(&how);
	if (r < 0)
		return r;
	how.mode &= ~(u64)current_process()->fs->umask;
	if (!how.resolve)
		return open_user(dirfd, path, &how);
	name = kmalloc(HOSTCALL_PATH_MAX);
	if (!name)
		return -ENOMEM;
	r = strncpy_from_user(name, path, HOSTCALL_PATH_MAX);
	if (r >= 0) {
		int err = 0;

		f = open_limited(dirfd, name, &how, &err);
		r = f ? open_install(f, &how) : err;
	}
	kfree(name);
	return r;
}
