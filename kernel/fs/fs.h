/* SPDX-License-Identifier: MIT */
/*
 * For the files of kernel/fs only: turns the descriptors and names of system calls into the
 * arguments of hostcalls, and the results of hostcalls into those of system calls.
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
 * As fs_restart, for a call that sends to a socket (also connect) or receives from one (also
 * accept). If the socket has a time limit, SO_SNDTIMEO or SO_RCVTIMEO, a signal ends the call
 * whatever SA_RESTART says.
 */
s64 fs_restart_socket(s32 handle, bool sends, s64 result);

/* Returns true if the handle is a socket of messages: each is sent as a whole or not at all. */
bool fs_sends_messages(s32 handle);

/* -- Open files ---------------------------------------------------------------------------- */

/*
 * Makes a descriptor for the result of a hostcall that makes a handle. Returns an error in handle
 * unchanged, so the caller has replaced -EINTR before. Closes the handle on failure.
 */
s32 fd_new(s64 handle, u32 flags, bool cloexec);
/*
 * Makes descriptors for two files and writes them to the program's s32[2] at out. Takes both
 * references in any case. Returns 0 or -errno; after an error neither descriptor is open.
 */
s64 fd_install_pair(struct ofile *const file[2], bool cloexec, uva out);
/* The same for two handles. Takes both in any case. */
s64 fd_new_pair(const s32 handle[2], const u32 flags[2], bool cloexec, uva out);

/*
 * The value of the expression call, in which h is the host handle of descriptor fd; or the error of
 * fd_handle.
 */
#define WITH_FD(h, fd, call) WITH_HANDLE(fd_handle, h, fd, call)
/* The same with another function, get, in place of fd_handle. */
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
	PATH_FILE,   /* the open file hold itself; path is "", dir is hold's handle, perhaps < 0 */
	PATH_ROOTED, /* path below dir, a root of chroot(2); only with PATH_FOR_OPEN */
	PATH_PSEUDO, /* node, a name of the kernel's own in /proc */
};

/* What a name of the running process stands for. Valid from path_get to path_put. */
struct fs_path {
	enum fs_path_kind kind;
	s32 dir;	    /* host handle */
	struct ofile *hold; /* a reference that keeps dir open; NULL: dir stays without one */
	struct pseudo_node node;
	char *path; /* HOSTCALL_PATH_MAX bytes; PATH_PSEUDO: absolute, normalised */
	int at;	    /* flags for hostcalls with path: AT_EMPTY_PATH if path is "", else 0 */
};

/*
 * Resolves (dirfd, path). at: AT_EMPTY_PATH allows an empty path; AT_SYMLINK_NOFOLLOW does not
 * follow a link of our /proc at the end of the path. Returns 0 or -errno; after an error there is
 * nothing to put.
 */
int path_get(struct fs_path *p, s32 dirfd, uva path, int at);
int path_get_kernel(struct fs_path *p, s32 dirfd, const char *path, int at);
void path_put(struct fs_path *p);

/*
 * Makes p->dir a handle, because a PATH_FILE may have none yet. After path_get or path_get_kernel,
 * call it before p->dir is used. Returns 0 or -errno.
 */
int path_to_host(struct fs_path *p);

/*
 * path_get for calls that change names or files: returns -EPERM for names in our /proc. For an open
 * file, p becomes the path of the file on the host (PATH_HOST). With PATH_BY_HANDLE in at, p stays
 * PATH_FILE and has a handle, for hostcalls that take p->at in their flags.
 */
#define PATH_BY_HANDLE (1 << 30)
int path_get_host(struct fs_path *p, s32 dirfd, uva path, int at);

/* In at: the caller opens the file, and can handle PATH_ROOTED. */
#define PATH_FOR_OPEN (1 << 29)

/* -- fs/chroot.c -- */

/* Returns true if the running process has called chroot(2) for another root than "/". */
bool root_is_own(void);
/*
 * Resolves p->path below the running process's root, as path_get. Returns 1 and leaves p as it is
 * if the path is empty or begins at a directory outside of the root; 2 if it is a name of our
 * /proc, which p->path then is.
 */
int root_resolve(struct fs_path *p, s32 dirfd, int at);
/*
 * Replaces the name of a file on the host by what the running process may see of the name. name has
 * HOSTCALL_PATH_MAX bytes, of which len are used. Returns the new length.
 */
s64 root_shown(char *name, s64 len);
/*
 * Puts the root's name on the host before the absolute path, which has size bytes. Returns 0,
 * -ENAMETOOLONG or -ENOMEM.
 */
s64 root_prefix(char *path, u64 size);

/*
 * Returns the handle of the running process's directory. *hold gets a reference that keeps the
 * handle open, or NULL if it needs none.
 */
s32 cwd_handle(struct ofile **hold);

/* Returns the mode of a file to be made: mode without umask's bits. The monitor's umask is 0. */
u32 fs_masked(u32 mode);

/*
 * The value of the expression call, in which p is a struct fs_path for (dirfd, path); or the error
 * of path_get_host. -EINTR becomes a restart.
 */
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
 * Ends a call that began with signal_block_meanwhile, and returns result. Restores the old signal
 * mask unless a signal ended the call; then signal_deliver restores it after the handlers.
 */
s64 fs_unblock(s64 result);

/*
 * Returns the deadline of a wait: the moment of CLOCK_MONOTONIC (ns) after timeout_ns. A deadline
 * of 0 ends the wait at once, FS_FOREVER never.
 */
#define FS_FOREVER (~0UL)
u64 fs_deadline(u64 timeout_ns);
/* Returns the nanoseconds left, for a hostcall: -1 for FS_FOREVER. */
s64 fs_time_left(u64 deadline);
/*
 * Computes the deadline for a timeout of the program's: a struct timespec (unit_ns 1) or a struct
 * timeval (unit_ns 1000). A null pointer means no limit. Returns 0, -EFAULT or -EINVAL.
 */
int fs_deadline_of_user(uva user, u64 unit_ns, u64 *deadline);

/*
 * The result of the expression call: a hostcall that waits for at most t nanoseconds. FS_WAIT
 * repeats it until the deadline or a signal for this thread; a kick without a signal does not end
 * the wait. -EINTR: a signal is pending and the call has no other result, as on Linux.
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
 * Files in messages, fs/scm_inflight.c. travel_begin is called before a message takes f along, and
 * returns 0 or -ENOBUFS. travel_cancel is called if the message was not sent. travel_end is called
 * for a received handle, which stays the caller's. It returns a reference to the file that was sent
 * as this handle, or NULL if there is no more to the file than the handle. stays: the receiver only
 * peeked (MSG_PEEK), so the handle will arrive again.
 */
int travel_begin(struct ofile *f);
/*
 * travel_begin for a caller that holds locks: it has called epoll_leaves before. -ENOBUFS also if
 * there are too many such files in messages.
 */
int travel_list(struct ofile *f);
void travel_cancel(struct ofile *f);
struct ofile *travel_end(s32 handle, bool stays);

/* Called when the last reference to f goes: frees f's epoll items, and f's epoll. fs/epoll.c */
void epoll_forget(struct ofile *f);

/* Sends SIGPIPE or SIGXFSZ to the running thread, for a write that fails with it. */
void fs_signal(int sig);

#endif
