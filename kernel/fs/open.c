// SPDX-License-Identifier: MIT
/* System calls that open files. */
#include <linux/openat2.h>
#include "kernel/fs/busy.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/open.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/fs/tty.h"
#include "kernel/mm/mm.h"

/* With these flags alone, an open fails with ENOENT or ENOTDIR exactly if stat(2) does. */
#define LOOKUP_FLAGS (O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_LARGEFILE)

#define MODE_BITS    07777 /* permissions, set-id and sticky bits: what open(2) and mkdir(2) take */

u32 fs_masked(u32 mode)
{
	return mode & MODE_BITS & ~current_process()->fs->umask;
}

/*
 * Returns -errno if this name may not be opened for writing. Names in the host's /proc are settings
 * of the host and the monitor. Programs that run are refused because the host does not know of
 * them.
 */
static int write_refused(const struct fs_path *p, u32 flags)
{
	/* O_TRUNC writes, too. */
	if (!(flags & (O_WRONLY | O_RDWR | O_TRUNC)) || flags & O_PATH)
		return 0;
	if (flags & (O_WRONLY | O_RDWR) && path_below(p->path, "/proc"))
		return -EACCES;
	/* The file must not be there: EEXIST is the host's answer. */
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return 0;
	return busy_check(p);
}

/*
 * Opens a path below the root of chroot(2), which takes openat2(2). That fails for flags and modes
 * which open(2) ignores, so these are removed: see open_how_check.
 */
static struct ofile *open_rooted(struct fs_path *p, const struct open_how *how, int *err)
{
	struct open_how strict = *how;

	strict.resolve |= RESOLVE_IN_ROOT;
	strict.flags &= strict.flags & O_PATH ? OPEN_FLAGS_OF_PATH : OPEN_FLAGS_KNOWN;
	if (!(strict.flags & (O_CREAT | __O_TMPFILE)))
		strict.mode = 0;
	return host_file_of_result(hc_openat2(p->dir, p->path, &strict, sizeof(strict)), how->flags,
				   err);
}

static struct ofile *open_once(struct fs_path *p, const struct open_how *how, int *err)
{
	s64 handle;
	int refused;

	if (p->kind == PATH_PSEUDO) {
		/* The lookup leaves a link only with O_NOFOLLOW. Only O_PATH opens a link itself.
		 */
		if (p->node.fs->is_link(&p->node) && !(how->flags & O_PATH)) {
			*err = -ELOOP;
			return NULL;
		}
		return p->node.fs->open(&p->node, p->path, how->flags, err);
	}
	if (p->kind == PATH_ROOTED)
		return open_rooted(p, how, err);
	if (p->kind == PATH_FILE)
		return ofile_reopen(p->hold, how->flags, err);
	refused = write_refused(p, (u32)how->flags);
	if (!strcmp(p->path, "/dev/tty")) {
		handle = tty_own_path(p->path, HOSTCALL_PATH_MAX);
		if (handle >= 0)
			handle = hc_openat(p->dir, p->path, how->flags, how->mode);
	} else if (refused) {
		handle = refused;
	} else if (how->resolve) {
		handle = hc_openat2(p->dir, p->path, how, sizeof(*how));
	} else if (how->flags & ~(u64)LOOKUP_FLAGS || !path_prefetch_missing(p, &handle)) {
		u64 start = path_prefetch_open();
		struct ofile *f;
		struct stat st;

		handle = hc_open_stat(p->dir, p->path, how->flags, how->mode, &st, sizeof(st));
		if (!(how->flags & ~(u64)LOOKUP_FLAGS))
			path_prefetch_opened(p, handle);
		f = host_file_of_result(handle, how->flags, err);
		if (f)
			path_prefetch_stat(f, &st, start);
		if (f && how->flags & (O_WRONLY | O_RDWR) && !(how->flags & O_PATH))
			busy_opened(host_file_of(f), &st);
		return f;
	}
	return host_file_of_result(handle, how->flags, err);
}

/* Returns true if open(2) of p may wait, for FIFOs and devices: then a signal ends it. */
static bool opening_waits(const struct fs_path *p, u32 flags)
{
	struct stat st;

	/* A stat of the path would not resolve it below the root. */
	if (p->kind == PATH_ROOTED)
		return !(flags & O_NONBLOCK);
	return !(flags & O_NONBLOCK) &&
	       hc_newfstatat(p->dir, p->path, &st, sizeof(st), p->at) >= 0 &&
	       !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/*
 * Opens what p stands for. A kick interrupts any call on the host; but on Linux, no signal
 * interrupts the open of a file that does not wait, so such an open is restarted.
 */
static struct ofile *open_path(struct fs_path *p, const struct open_how *how, int *err)
{
	struct ofile *f = open_once(p, how, err);

	if (!f && *err == -ERESTARTSYS && !opening_waits(p, (u32)how->flags))
		*err = -ERESTARTNOINTR;
	return f;
}

static int path_flags(u32 flags)
{
	return PATH_FOR_OPEN | (flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
}

struct ofile *open_how_kernel(s32 dirfd, const char *path, const struct open_how *how, int *err)
{
	struct ofile *f = NULL;
	struct fs_path p;

	*err = path_get_kernel(&p, dirfd, path, path_flags((u32)how->flags));
	if (!*err) {
		f = open_path(&p, how, err);
		path_put(&p);
	}
	return f;
}

struct ofile *file_open(s32 dirfd, const char *path, u32 flags, u32 mode, int *err)
{
	struct open_how how = {.flags = flags};

	if (flags & (O_CREAT | __O_TMPFILE))
		how.mode = fs_masked(mode);
	return open_how_kernel(dirfd, path, &how, err);
}

s64 open_install(struct ofile *f, const struct open_how *how)
{
	int fd;

	tty_opened(f, (u32)how->flags);
	fd = fd_install(f, 0, how->flags & O_CLOEXEC);
	if (fd < 0)
		ofile_put(f);
	return fd;
}

s64 open_user(s32 dirfd, uva path, const struct open_how *how)
{
	struct ofile *f;
	struct fs_path p;
	int err;

	err = path_get(&p, dirfd, path, path_flags(how->flags));
	if (err)
		return err;
	f = open_path(&p, how, &err);
	path_put(&p);
	if (!f)
		return err;
	return open_install(f, how);
}

DEFINE_SYSCALL4(openat, s32, dirfd, uva, path, u32, flags, u32, mode)
{
	struct open_how how = {.flags = flags};

	if (flags & (O_CREAT | __O_TMPFILE))
		how.mode = fs_masked(mode);
	return open_user(dirfd, path, &how);
}

DEFINE_SYSCALL3(open, uva, path, u32, flags, u32, mode)
{
	return do_openat(AT_FDCWD, path, flags, mode);
}

DEFINE_SYSCALL2(creat, uva, path, u32, mode)
{
	return do_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int open_start(struct open_start *start, s32 dirfd)
{
	s64 n = -ENOMEM;

	*start = (struct open_start){.dir = current_process()->fs->root,
				     .name = kmalloc(HOSTCALL_PATH_MAX)};
	if (dirfd == AT_FDCWD)
		start->dir = cwd_handle(&start->hold);
	else if (dirfd != OPEN_AT_ROOT)
		start->dir = fd_handle_any(dirfd, &start->hold);
	if (start->dir < 0) {
		kfree(start->name);
		return -EBADF;
	}
	if (start->name)
		n = start->hold ? ofile_name(start->hold, start->name, HOSTCALL_PATH_MAX - 1)
				: fs_nointr(hc_handle_path(start->dir, start->name,
							   HOSTCALL_PATH_MAX - 1));
	if (n < 0) {
		open_start_end(start);
		return (int)n;
	}
	start->name[n] = '\0';
	return 0;
}

void open_start_end(struct open_start *start)
{
	ofile_put(start->hold);
	kfree(start->name);
}

struct ofile *open_host_limited(const struct open_start *start, const char *path,
				const struct open_how *how, int *err)
{
	s64 handle = hc_openat2(start->dir, path, how, sizeof(*how));

	return host_file_of_result(handle, how->flags, err);
}

s64 file_pread(struct ofile *f, void *buf, u64 len, u64 offset)
{
	struct hostcall_seg seg[8];
	u64 done = 0;

	while (done < len) {
		struct segs segs;
		s64 r = kernel_segs(seg, ARRAY_SIZE(seg), (char *)buf + done, len - done, &segs);

		if (r >= 0)
			r = hc_preadv2(f->handle, &segs, offset + done, 0);
		if (r < 0)
			return done ? (s64)done : fs_nointr(r);
		if (!r)
			break;
		done += r;
	}
	return done;
}
