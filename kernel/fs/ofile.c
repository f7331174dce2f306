// SPDX-License-Identifier: MIT
/*
 * Open files and the descriptors of the running process. An ofile owns its handle: the host's file
 * is closed when the last descriptor, mapping, message or system call drops its reference.
 */
#include "kernel/fs/fasync.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/mm/window.h"

struct ofile *ofile_new(const struct file_ops *ops, s32 handle, u32 flags)
{
	struct ofile *f = kzalloc(ops->size);

	if (!f)
		return NULL;
	f->refs = 1;
	f->ops = ops;
	f->handle = handle;
	f->flags = flags & ~O_CLOEXEC;
	LIST_INIT(&f->watched);
	return f;
}

u64 ofile_new_inode(void)
{
	static u64 last = 1UL << 32; /* the host's numbers of pipes and sockets have 32 bits */

	return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

struct ofile *ofile_get(struct ofile *f)
{
	__atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
	return f;
}

void ofile_put(struct ofile *f)
{
	if (!f || __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL))
		return;
	epoll_forget(f);
	async_forget(f);
	record_locks_forget(f);
	ofile_release(f);
	if (f->window)
		window_put(f->window);
	if (f->handle >= 0 && !release_later(false, (u32)f->handle) &&
	    !path_prefetch_close(f->handle))
		hc_close(f->handle);
	kfree(f);
}

void file_close(struct files *files, struct ofile *f)
{
	if (!f)
		return;
	record_locks_close(files, f);
	ofile_closed(f);
	ofile_put(f);
}

u32 ofile_type(struct ofile *f)
{
	struct stat st;

	if (!f->mode && ofile_stat(f, &st) >= 0)
		f->mode = st.st_mode & S_IFMT;
	return f->mode;
}

struct files *files_boot(void)
{
	struct files *files = files_new();

	if (!files)
		return NULL;
	for (s32 fd = 0; fd < 3; fd++) {
		struct ofile *f, *none;

		if (boot->stdio[fd] < 0)
			continue;
		f = host_file_new(boot->stdio[fd], boot->stdio_flags[fd]);
		if (!f || fdtable_replace(files, fd, f, false, &none) < 0)
			return NULL;
	}
	return files;
}

struct ofile *fd_get_any(s32 fd)
{
	return fdtable_get(current_process()->files, fd);
}

struct ofile *fd_get(s32 fd)
{
	struct ofile *f = fd_get_any(fd);

	if (!f || !(f->flags & O_PATH))
		return f;
	ofile_put(f);
	return NULL;
}

/* The handle of *file, whose reference is put and *file cleared if there is none. */
static s32 handle_of(struct ofile **file)
{
	s64 handle;

	if (!*file)
		return -EBADF;
	handle = ofile_handle(*file);
	if (handle >= 0)
		return (s32)handle;
	ofile_put(*file);
	*file = NULL;
	return (s32)handle;
}

s32 fd_handle(s32 fd, struct ofile **file)
{
	*file = fd_get(fd);
	return handle_of(file);
}

s32 fd_handle_any(s32 fd, struct ofile **file)
{
	*file = fd_get_any(fd);
	return handle_of(file);
}

s32 fd_install(struct ofile *file, s32 min, bool cloexec)
{
	struct process *p = current_process();

	return fdtable_install(p->files, file, min, p->rlimit[RLIMIT_NOFILE].cur, cloexec);
}

/* host_file_new, but closes handle on failure. */
static struct ofile *ofile_of_handle(s32 handle, u32 flags)
{
	struct ofile *f = host_file_new(handle, flags);

	if (!f)
		hc_close(handle);
	return f;
}

s32 fd_new(s64 handle, u32 flags, bool cloexec)
{
	struct ofile *f;
	s32 fd;

	if (handle < 0)
		return handle;
	f = ofile_of_handle(handle, flags);
	if (!f)
		return -ENOMEM;
	fd = fd_install(f, 0, cloexec);
	if (fd < 0)
		ofile_put(f);
	return fd;
}

s64 fd_install_pair(struct ofile *const file[2], bool cloexec, uva out)
{
	struct files *files = current_process()->files;
	s32 fd[2] = {-1, -1};
	s64 err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		fd[i] = fd_install(file[i], 0, cloexec);
		err = MIN(fd[i], 0);
	}
	if (!err)
		err = copy_to_user(out, fd, sizeof(fd));
	for (int i = 0; i < 2 && err; i++) {
		if (fd[i] >= 0)
			file_close(files, fdtable_remove(files, fd[i]));
		else
			ofile_put(file[i]);
	}
	return err;
}

s64 fd_new_pair(const s32 handle[2], const u32 flags[2], bool cloexec, uva out)
{
	struct ofile *file[2];

	for (int i = 0; i < 2; i++)
		file[i] = ofile_of_handle(handle[i], flags[i]);
	if (file[0] && file[1])
		return fd_install_pair(file, cloexec, out);
	ofile_put(file[0]);
	ofile_put(file[1]);
	return -ENOMEM;
}

void fs_signal(int sig)
{
	struct process *p = current_process();
	siginfo_t info = {.si_signo = sig, .si_code = SI_USER};

	info.si_pid = p->pid;
	info.si_uid = p->creds.ruid;
	signal_send(p, current(), &info);
}
