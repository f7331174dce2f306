// SPDX-License-Identifier: MIT
/* The current directory of a process, and its umask. */
#include "kernel/fs/fs.h"

/* Takes the reference to dir in any case. */
static s64 set_cwd(struct ofile *dir)
{
	struct fs_info *fs = current_process()->fs;
	struct ofile *old;
	s64 r = 0;

	if (ofile_type(dir) != S_IFDIR)
		r = -ENOTDIR;
	else if (!ofile_node(dir)) /* an open directory may lack search permission */
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
	char *name = kmalloc(HOSTCALL_PATH_MAX);
	struct ofile *dir = NULL;
	s64 r = -ENOMEM;
	int err;

	if (name)
		r = strncpy_from_user(name, path, HOSTCALL_PATH_MAX);
	if (r >= 0) {
		dir = file_open(AT_FDCWD, name, O_PATH | O_DIRECTORY, 0, &err);
		r = err;
	}
	kfree(name);
	return dir ? set_cwd(dir) : r;
}

DEFINE_SYSCALL1(fchdir, s32, fd)
{
	struct ofile *dir = fd_get_any(fd);

	return dir ? set_cwd(dir) : -EBADF;
}

/* What getcwd(2) shows. buf has HOSTCALL_PATH_MAX bytes, and one more than size. */
static s64 cwd_path(char *buf, u64 size)
{
	struct ofile *hold;
	s32 dir = cwd_handle(&hold);
	struct stat st;
	s64 r;

	if (hold && ofile_node(hold)) {
		r = ofile_name(hold, buf, size);
	} else {
		r = fs_nointr(hc_fstat(dir, &st, sizeof(st)));
		if (r >= 0)
			r = st.st_nlink ? fs_nointr(hc_handle_path(dir, buf, size)) : -ENOENT;
		if (r >= 0 && root_is_own())
			r = root_shown(buf, r);
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
