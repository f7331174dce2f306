// SPDX-License-Identifier: MIT
/*
 * Open files and the descriptors of the running process. An ofile owns its handle: the host's file
 * is closed when the last descriptor, mapping in progress or wait lets go of it.
 */
#include "kernel/fs/async.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/look_ahead.h"
#include "kernel/fs/tty.h"
#include "kernel/fs/signalfd.h"
#include "kernel/ipc/cookie.h"
#include "kernel/ipc/locks.h"
#include "kernel/ipc/mqueue.h"
#include "kernel/mm/window.h"
#include "kernel/task/pidfd.h"

struct ofile *ofile_new(enum ofile_kind kind, s32 handle, u32 flags)
{
	struct ofile *f = kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	f->refs = 1;
	f->kind = kind;
	f->handle = handle;
	f->flags = flags & ~O_CLOEXEC;
	LIST_INIT(&f->cookies);
	LIST_INIT(&f->watched);
	LIST_INIT(&f->watches);
	return f;
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
	cookie_forget(f);
	if (f->tty_master)
		tty_master_closed(f);
	record_locks_forget(f);
	if (f->kind == OFILE_SIGNALFD)
		signalfd_forget(f);
	if (f->kind == OFILE_PIDFD)
		pidfd_forget(f);
	if (f->kind == OFILE_MQUEUE)
		mqueue_forget(f);
	if (f->window)
		window_put(f->window);
	if (f->handle >= 0 && !look_ahead_close(f->handle))
		hc_close(f->handle);
	kfree(f->data);
	kfree(f->path);
	kfree(f);
}

void file_close(struct files *files, struct ofile *f)
{
	if (!f)
		return;
	record_locks_close(files, f);
	if (f->kind == OFILE_MQUEUE)
		mqueue_closed(f);
	ofile_put(f);
}

s64 ofile_stat(struct ofile *f, struct stat *st)
{
	s64 r;

	if (!f->path) {
		r = hc_fstat(f->handle, st, sizeof(*st));
		if (r >= 0 && f->kind == OFILE_MQUEUE)
			mqueue_stat(f, st);
		return r;
	}
	r = proc_stat_device(st);
	if (r >= 0)
		proc_stat(proc_node_of(f), st);
	return r;
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
		f = ofile_new(OFILE_HOST, boot->stdio[fd], boot->stdio_flags[fd]);
		if (!f || fdtable_replace(files, fd, f, false, &none) < 0)
			return NULL;
	}
	return files;
}

struct ofile *fd_get(s32 fd)
{
	return fdtable_get(current_process()->files, fd);
}

s32 fd_handle(s32 fd, struct ofile **file)
{
	*file = fd_get(fd);
	return *file ? (*file)->handle : -EBADF;
}

s32 fd_install(struct ofile *file, s32 min, bool cloexec)
{
	struct process *p = current_process();

	return fdtable_install(p->files, file, min, p->rlimit[RLIMIT_NOFILE].cur, cloexec);
}

/* Takes handle in any case. */
static struct ofile *ofile_of_handle(s32 handle, u32 flags)
{
	struct ofile *f = ofile_new(OFILE_HOST, handle, flags);

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

s64 fd_new_pair(const s32 handle[2], const u32 flags[2], bool cloexec, uva out)
{
	s32 fd[2];
	s64 err;

	fd[0] = fd_new(handle[0], flags[0], cloexec);
	if (fd[0] < 0) {
		hc_close(handle[1]);
		return fd[0];
	}
	fd[1] = fd_new(handle[1], flags[1], cloexec);
	err = fd[1] < 0 ? fd[1] : copy_to_user(out, fd, sizeof(fd));
	if (err < 0) {
		struct files *files = current_process()->files;

		file_close(files, fdtable_remove(files, fd[0]));
		if (fd[1] >= 0)
			file_close(files, fdtable_remove(files, fd[1]));
	}
	return err;
}

void fs_signal(int sig)
{
	struct process *p = current_process();
	siginfo_t info = {.si_signo = sig, .si_code = SI_USER};

	info.si_pid = p->pid;
	info.si_uid = p->creds.ruid;
	signal_send(p, current(), &info);
}
