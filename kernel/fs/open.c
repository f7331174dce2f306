/* System calls that open, and the directory a process is in. */
#include <linux/openat2.h>
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"

#define MODE_BITS 07777 /* permissions, set-id and sticky bits: what open(2) and mkdir(2) take */

/* The bits of mode that umask lets through, for a file that is made. The monitor's umask is 0. */
static u32 masked(u32 mode)
{
	return mode & MODE_BITS & ~current_process()->fs->umask;
}

/* An open file for the result of a hostcall; NULL and *err if that is an error. */
static struct ofile *open_result(s64 handle, u32 flags, int *err)
{
	struct ofile *f = NULL;

	*err = 0;
	if (handle < 0) {
		*err = (int)fs_restart(handle);
	} else {
		f = ofile_new(OFILE_HOST, handle, flags);
		if (!f) {
			hc_close(handle);
			*err = -ENOMEM;
		}
	}
	return f;
}

/*
 * Files that may not be opened for writing, by name: the settings of the host and the monitor; and
 * the program that runs, which the host does not know to be one.
 */
static int write_refused(const char *path)
{
	const char *exe = current_mm()->exe_path;

	if (path_below(path, "/proc"))
		return -EACCES;
	return exe && !strcmp(path, exe) ? -ETXTBSY : 0;
}

/* Opens what p has found. */
static struct ofile *open_path(struct fs_path *p, const struct open_how *how, int *err)
{
	s64 handle;

	if (p->kind == PATH_PROC) {
		/* Only with O_NOFOLLOW is a link still here. O_PATH would need the link itself. */
		if (proc_is_link(&p->node)) {
			*err = -ELOOP;
			return NULL;
		}
		return proc_open(&p->node, p->path, how->flags, err);
	}
	if (p->kind == PATH_FILE) {
		if (p->hold->path)
			return file_open(AT_FDCWD, p->hold->path, how->flags, 0, err);
		handle = hc_reopen(p->hold->handle, how->flags);
	} else if (how->flags & (O_WRONLY | O_RDWR) && write_refused(p->path)) {
		handle = write_refused(p->path);
	} else if (how->resolve) {
		handle = hc_openat2(p->dir, p->path, how, sizeof(*how));
	} else {
		handle = hc_openat(p->dir, p->path, how->flags, how->mode);
	}
	return open_result(handle, how->flags, err);
}

static int path_flags(u32 flags)
{
	return flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
}

struct ofile *file_open(s32 dirfd, const char *path, u32 flags, u32 mode, int *err)
{
	struct open_how how = {.flags = flags};
	struct ofile *f = NULL;
	struct fs_path p;

	if (flags & (O_CREAT | __O_TMPFILE))
		how.mode = masked(mode);
	*err = path_get_kernel(&p, dirfd, path, path_flags(flags));
	if (!*err) {
		f = open_path(&p, &how, err);
		path_put(&p);
	}
	return f;
}

static s64 open_user(s32 dirfd, uva path, const struct open_how *how)
{
	struct ofile *f;
	struct fs_path p;
	int err, fd;

	err = path_get(&p, dirfd, path, path_flags(how->flags));
	if (err)
		return err;
	f = open_path(&p, how, &err);
	path_put(&p);
	if (!f)
		return err;
	fd = fd_install(f, 0, how->flags & O_CLOEXEC);
	if (fd < 0)
		ofile_put(f);
	return fd;
}

DEFINE_SYSCALL4(openat, s32, dirfd, uva, path, u32, flags, u32, mode)
{
	struct open_how how = {.flags = flags};

	if (flags & (O_CREAT | __O_TMPFILE))
		how.mode = masked(mode);
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

DEFINE_SYSCALL4(openat2, s32, dirfd, uva, path, uva, user_how, u64, size)
{
	struct open_how how;
	int err;

	/* A longer struct is of a newer kernel than this one: openat2(2). */
	if (size != sizeof(how))
		return size < sizeof(how) ? -EINVAL : -E2BIG;
	err = copy_from_user(&how, user_how, sizeof(how));
	if (err)
		return err;
	/* Checks of the flags are the host's, so that both calls agree with it. */
	if (how.mode & ~(u64)MODE_BITS || (how.mode && !(how.flags & (O_CREAT | __O_TMPFILE))))
		return -EINVAL;
	how.mode = how.mode & ~(u64)current_process()->fs->umask;
	return open_user(dirfd, path, &how);
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

/* -- The current directory ------------------------------------------------------------------ */

/* Takes the reference. */
static s64 set_cwd(struct ofile *dir)
{
	struct fs_info *fs = current_process()->fs;
	struct ofile *old;
	s64 r = 0;

	if (ofile_type(dir) != S_IFDIR)
		r = -ENOTDIR;
	else if (dir->kind == OFILE_HOST) /* a handle proves no right to search in it */
		r = fs_nointr(hc_faccessat2(dir->handle, ".", 1 /* X_OK */, AT_EACCESS));
	if (r < 0) {
		ofile_put(dir);
		return r;
	}
	mutex_lock(&fs->lock);
	old = fs->cwd_file;
	fs->cwd_file = dir;
	fs->cwd = dir->handle;
	mutex_unlock(&fs->lock);
	ofile_put(old);
	return 0;
}

DEFINE_SYSCALL1(chdir, uva, path)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY};
	struct ofile *dir;
	struct fs_path p;
	int err;

	err = path_get(&p, AT_FDCWD, path, 0);
	if (err)
		return err;
	dir = open_path(&p, &how, &err);
	path_put(&p);
	return dir ? set_cwd(dir) : err;
}

DEFINE_SYSCALL1(fchdir, s32, fd)
{
	struct ofile *dir = fd_get(fd);

	return dir ? set_cwd(dir) : -EBADF;
}

static s64 cwd_path(char *buf, u64 size)
{
	struct ofile *hold;
	s32 dir = cwd_handle(&hold);
	struct stat st;
	s64 r;

	if (hold && hold->path) {
		r = strlcpy(buf, hold->path, size);
	} else {
		r = fs_nointr(hc_fstat(dir, &st, sizeof(st)));
		if (r >= 0)
			r = st.st_nlink ? fs_nointr(hc_handle_path(dir, buf, size)) : -ENOENT;
	}
	ofile_put(hold);
	return r;
}

DEFINE_SYSCALL2(getcwd, uva, buf, u64, size)
{
	char *path = kmalloc(HOSTCALL_PATH_MAX);
	s64 r;

	if (!path)
		return -ENOMEM;
	r = cwd_path(path, HOSTCALL_PATH_MAX - 1);
	if (r >= 0) {
		path[r++] = 0; /* the system call's result counts the NUL */
		if ((u64)r > size)
			r = -ERANGE;
		else
			r = copy_to_user(buf, path, r) < 0 ? -EFAULT : r;
	}
	kfree(path);
	return r;
}

DEFINE_SYSCALL1(umask, u32, mask)
{
	struct fs_info *fs = current_process()->fs;
	u32 old;

	mutex_lock(&fs->lock);
	old = fs->umask;
	fs->umask = mask & 0777;
	mutex_unlock(&fs->lock);
	return old;
}

/* -- Names that are made, changed and removed ------------------------------------------------ */

DEFINE_SYSCALL3(mkdirat, s32, dirfd, uva, path, u32, mode)
{
	return WITH_PATH(p, dirfd, path, AT_SYMLINK_NOFOLLOW,
			 hc_mkdirat(p.dir, p.path, masked(mode)));
}

DEFINE_SYSCALL2(mkdir, uva, path, u32, mode)
{
	return do_mkdirat(AT_FDCWD, path, mode);
}

DEFINE_SYSCALL4(mknodat, s32, dirfd, uva, path, u32, mode, u32, dev)
{
	return WITH_PATH(p, dirfd, path, AT_SYMLINK_NOFOLLOW,
			 hc_mknodat(p.dir, p.path, (mode & S_IFMT) | masked(mode), dev));
}

DEFINE_SYSCALL3(mknod, uva, path, u32, mode, u32, dev)
{
	return do_mknodat(AT_FDCWD, path, mode, dev);
}

DEFINE_SYSCALL3(unlinkat, s32, dirfd, uva, path, u32, flags)
{
	return WITH_PATH(p, dirfd, path, AT_SYMLINK_NOFOLLOW, hc_unlinkat(p.dir, p.path, flags));
}

DEFINE_SYSCALL1(unlink, uva, path)
{
	return do_unlinkat(AT_FDCWD, path, 0);
}

DEFINE_SYSCALL1(rmdir, uva, path)
{
	return do_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

DEFINE_SYSCALL5(renameat2, s32, olddir, uva, oldpath, s32, newdir, uva, newpath, u32, flags)
{
	return WITH_PATH(p, olddir, oldpath, AT_SYMLINK_NOFOLLOW,
			 WITH_PATH(q, newdir, newpath, AT_SYMLINK_NOFOLLOW,
				   hc_renameat2(p.dir, p.path, q.dir, q.path, flags)));
}

DEFINE_SYSCALL4(renameat, s32, olddir, uva, oldpath, s32, newdir, uva, newpath)
{
	return do_renameat2(olddir, oldpath, newdir, newpath, 0);
}

DEFINE_SYSCALL2(rename, uva, oldpath, uva, newpath)
{
	return do_renameat2(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

DEFINE_SYSCALL5(linkat, s32, olddir, uva, oldpath, s32, newdir, uva, newpath, u32, flags)
{
	int at = PATH_BY_HANDLE | (flags & AT_EMPTY_PATH);

	if (!(flags & AT_SYMLINK_FOLLOW))
		at |= AT_SYMLINK_NOFOLLOW;
	/* /proc/self/fd/N of an O_TMPFILE file is followed here, hence p.at: open(2). */
	return WITH_PATH(p, olddir, oldpath, at,
			 WITH_PATH(q, newdir, newpath, AT_SYMLINK_NOFOLLOW,
				   hc_linkat(p.dir, p.path, q.dir, q.path, flags | p.at)));
}

DEFINE_SYSCALL2(link, uva, oldpath, uva, newpath)
{
	return do_linkat(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

DEFINE_SYSCALL3(symlinkat, uva, target, s32, dirfd, uva, path)
{
	char *text = kmalloc(HOSTCALL_PATH_MAX);
	s64 r;

	if (!text)
		return -ENOMEM;
	r = strncpy_from_user(text, target, HOSTCALL_PATH_MAX);
	if (r >= 0)
		r = WITH_PATH(p, dirfd, path, AT_SYMLINK_NOFOLLOW,
			      hc_symlinkat(text, p.dir, p.path));
	kfree(text);
	return r;
}

DEFINE_SYSCALL2(symlink, uva, target, uva, path)
{
	return do_symlinkat(target, AT_FDCWD, path);
}
