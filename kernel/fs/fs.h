/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of kernel/fs only: how descriptors and names of system calls become what a
 * hostcall takes, and what its result becomes.
 */
#ifndef KERNEL_FS_FS_H
#define KERNEL_FS_FS_H

#include <asm/resource.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/fs_info.h"
#include "kernel/fs/path.h"
#include "kernel/fs/pseudo.h"
#include "kernel/fs/result.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/process.h"

/* -- Results ------------------------------------------------------------------------------- */

/*
 * As fs_restart, for a call that sends to (also connect) or receives from (also accept) a socket:
 * with a limit of time, SO_SNDTIMEO or SO_RCVTIMEO, a signal ends it whatever SA_RESTART says.
 */
s64 fs_restart_socket(s32 handle, bool sends, s64 result);

/* The handle is a socket that sends messages, none of which goes in part. */
bool fs_sends_messages(s32 handle);

/* -- Open files ---------------------------------------------------------------------------- */

/*
 * The result of a hostcall that makes a handle becomes a descriptor: errors pass through (the
 * caller has mapped EINTR), on failure the handle is closed.
 */
s32 fd_new(s64 handle, u32 flags, bool cloexec);
/* Descriptors for two files, both of whose references it takes; fd[2] goes to out. 0 or -errno. */
s64 fd_install_pair(struct ofile *const file[2], bool cloexec, uva out);
/* The same for two handles. */
s64 fd_new_pair(const s32 handle[2], const u32 flags[2], bool cloexec, uva out);

/* The value of a call that takes the host handle h of descriptor fd; -EBADF without it. */
#define WITH_FD(h, fd, call) WITH_HANDLE(fd_handle, h, fd, call)
/* The same where get, a function as fd_handle, finds the handle. */
#define WITH_HANDLE(get, h, fd, call)                                                              \
	({                                                                                         \
		struct ofile *file_##h;                                                            \
		const s32 h = get((fd), &file_##h);                                                \
		s64 r_##h = h;                                                                     \
		if (h >= 0) {                                                                      \
			r_##h = (call);                                                            \
			ofile_put(file_##h);                                                       \
		}                                                                                  \
		r_##h;                                                                             \
	})

/* -- Names --------------------------------------------------------------------------------- */

enum fs_path_kind {
	PATH_HOST,   /* path below dir, on the host */
	PATH_FILE,   /* an open file itself: hold, path is ""; dir is its handle, perhaps < 0 */
	PATH_ROOTED, /* text to be resolved below dir, a root of chroot(2): with PATH_FOR_OPEN only
		      */
	PATH_PSEUDO, /* a name of the kernel's own, in /proc: node */
};

/* Where a name of the running process leads. Valid from path_get to path_put. */
struct fs_path {
	enum fs_path_kind kind;
	s32 dir;	    /* host handle */
	struct ofile *hold; /* keeps dir open; NULL where nothing has to */
	struct pseudo_node node;
	char *path; /* HOSTCALL_PATH_MAX bytes; PATH_PSEUDO: absolute, normalised */
	int at;	    /* AT_EMPTY_PATH where a hostcall needs that for path to be "" */
};

/*
 * Resolves (dirfd, path). at: AT_EMPTY_PATH allows "", AT_SYMLINK_NOFOLLOW keeps a link of our
 * /proc at the end unfollowed. 0 or -errno (then there is nothing to put).
 */
int path_get(struct fs_path *p, s32 dirfd, uva path, int at);
int path_get_kernel(struct fs_path *p, s32 dirfd, const char *path, int at);
void path_put(struct fs_path *p);

/*
 * Makes sure that dir is a handle, where the file that p is may have none yet: before p->dir is
 * used for a p from path_get or path_get_kernel. 0 or -errno.
 */
int path_to_host(struct fs_path *p);

/*
 * The same for calls that change names or files: our /proc refuses them with EPERM. An open file
 * is named by its path on the host, so that the kind is PATH_HOST; but with PATH_BY_HANDLE in at
 * it stays as it is, for hostcalls that take p->at in their flags.
 */
#define PATH_BY_HANDLE (1 << 30)
int path_get_host(struct fs_path *p, s32 dirfd, uva path, int at);

/* In at: the caller opens, and is prepared for PATH_ROOTED. */
#define PATH_FOR_OPEN (1 << 29)

/* -- fs/chroot.c -- */

/* The running process has a root of its own. */
bool root_is_own(void);
/* Resolves p->path below it: as path_get; 1: it begins outside, and p is as it was. */
int root_resolve(struct fs_path *p, s32 dirfd, int at);
/*
 * The name of a file on the host (HOSTCALL_PATH_MAX bytes, len of them) becomes what the running
 * process may see of it. The new length.
 */
s64 root_shown(char *name, s64 len);
/* An absolute path becomes the host's, in size bytes. 0, -ENAMETOOLONG or -ENOMEM. */
s64 root_prefix(char *path, u64 size);

/* The running process's directory: its handle, *hold the reference that keeps it or NULL. */
s32 cwd_handle(struct ofile **hold);

/* The bits of mode that umask lets through, for a file that is made. The monitor's umask is 0. */
u32 fs_masked(u32 mode);

/* The value of a call on the host's name p (a struct fs_path) of (dirfd, path). */
#define WITH_PATH(p, dirfd, path, at, call)                                                        \
	({                                                                                         \
		struct fs_path p;                                                                  \
		s64 r_##p = path_get_host(&p, (dirfd), (path), (at));                              \
		if (!r_##p) {                                                                      \
			r_##p = fs_nointr(call);                                                   \
			path_put(&p);                                                              \
		}                                                                                  \
		r_##p;                                                                             \
	})

/* -- Waiting ------------------------------------------------------------------------------- */

/*
 * End of a call that began with signal_block_meanwhile: its result. The old mask is put back here
 * unless a signal ended the call; then signal_deliver does, after the handlers.
 */
s64 fs_unblock(s64 result);

/* The moment of CLOCK_MONOTONIC (ns) that a wait ends at: 0 at once, FS_FOREVER never. */
#define FS_FOREVER (~0UL)
u64 fs_deadline(u64 timeout_ns);
/* Nanoseconds left, for a hostcall: -1 for FS_FOREVER. */
s64 fs_time_left(u64 deadline);
/*
 * The deadline for a struct timespec of the program (unit_ns 1) or a struct timeval (1000); a null
 * pointer is no limit. -EFAULT, -EINVAL.
 */
int fs_deadline_of_user(uva user, u64 unit_ns, u64 *deadline);

/*
 * A hostcall that waits, as an expression of the timeout (ns) t, until the deadline or a signal
 * for this thread; kicks for other reasons do not end it. Results that are there count more than
 * a signal that is there, as on Linux. -EINTR for a signal.
 */
#define FS_WAIT(t, deadline, call)                                                                 \
	({                                                                                         \
		s64 r_;                                                                            \
		do {                                                                               \
			const s64 t = signal_pending() ? 0 : fs_time_left(deadline);               \
			r_ = (call);                                                               \
			if (r_ == -EINTR)                                                          \
				signal_upcall();                                                   \
			else if (r_ == 0 && signal_pending())                                      \
				r_ = -EINTR;                                                       \
		} while (r_ == -EINTR && !signal_pending());                                       \
		r_;                                                                                \
	})

/*
 * fs/scm_inflight.c: a message is to take f along (0 or -ENOBUFS); it was not sent; what came as
 * handle: a reference, or NULL where the handle is all there is. stays: MSG_PEEK, it will come
 * again.
 */
int travel_begin(struct ofile *f);
void travel_cancel(struct ofile *f);
struct ofile *travel_end(s32 handle, bool stays);

/* fs/epoll.c: the last reference to f goes; nothing waits for it any more. */
void epoll_forget(struct ofile *f);

/* SIGPIPE or SIGXFSZ for the running thread, as a write that fails so sends it. */
void fs_signal(int sig);

#endif
