/* SPDX-License-Identifier: MIT */
/*
 * What an open file can do: one table of operations for each kind of file. The system calls use the
 * ofile_ functions below, which give the answer for a kind without the operation. Only these
 * functions and fs/scm_inflight.c read the tables.
 *
 * The caller of each operation but .release keeps the file from going. The caller holds no lock,
 * except:
 *   .process       task_lock
 *   .mmap          mm.lock
 *   .info, .name   perhaps task_lock; .name perhaps fs_info.lock, too
 *   .poll, .unpoll perhaps epoll_lock
 *   .poll_handle   perhaps epoll_lock, the lock of fs/fasync.c, or that of an aio context
 *   .release       perhaps any lock that stands above the kind's own in lock.h, because any
 *                  ofile_put may drop the last reference
 *
 * Arguments come from the program: ranges and flags that the host checks are not checked before.
 * Results are >= 0 or -errno, -ERESTART* included. An operation turns the -EINTR of a hostcall into
 * one of these; only .stat leaves that to its caller.
 */
#ifndef KERNEL_FS_FILE_OPS_H
#define KERNEL_FS_FILE_OPS_H

#include "common/types.h"

struct file_info;
struct io_request;
struct ofile;
struct process;
struct pseudo_node;
struct stat;
struct vm_opened;
struct wait_entry;

struct file_ops {
	u32 size; /* of the kind's struct, whose first member is its struct ofile */
	/*
	 * True if a message that takes a descriptor along (SCM_RIGHTS) takes only the handle, and
	 * the receiver makes a new struct ofile for it. False: the receiver gets the same struct
	 * ofile (fs/scm_inflight.c).
	 */
	bool all_on_host;
	/*
	 * True if the kernel wakes those who wait for the file too late when they sleep in the
	 * host: the file then moves before a thread waits for it and for files of the host at once.
	 */
	bool moves_to_wait;
	/* True if nothing can be written to the file, whatever the host says of its handle. */
	bool never_writable;

	/*
	 * Transfers as much of rq as the file has or takes, and returns the bytes. The contents of
	 * *rq are undefined afterwards. Absent: -EINVAL.
	 */
	s64 (*read)(struct ofile *f, struct io_request *rq);
	s64 (*write)(struct ofile *f, struct io_request *rq);
	/* lseek(2): returns the new position. Absent: -ESPIPE. */
	s64 (*seek)(struct ofile *f, s64 offset, u32 whence);
	/* getdents64(2) into kernel memory: returns the bytes. Absent: -ENOTDIR. */
	s64 (*getdents)(struct ofile *f, char *buf, u64 size);
	/* fstat(2). Absent: hostcall fstat with the handle. */
	s64 (*stat)(struct ofile *f, struct stat *st);
	/*
	 * Returns all POLL* events that the file has, if the kernel knows its readiness. Unless e
	 * is NULL, it then also puts e into the file's queue of sleepers, where e stays until
	 * unpoll. Returns -EREMOTE, and does not queue e, if only the host knows the readiness (see
	 * poll_handle). A file that moves to the host wakes its sleepers. Absent: -EREMOTE. A kind
	 * has both operations or neither.
	 */
	s64 (*poll)(struct ofile *f, struct wait_entry *e);
	void (*unpoll)(struct ofile *f, struct wait_entry *e);
	/*
	 * Moves a file that has no handle yet to the host. The file has the handle then until it
	 * goes. Returns 0 or -errno. Absent: a file without a handle never gets one.
	 */
	s64 (*to_host)(struct ofile *f);
	/*
	 * Returns the handle whose readiness on the host is the file's, for poll, select, epoll and
	 * O_ASYNC. The file owns the handle, and it stays the same until the file goes. Absent:
	 * -EPERM.
	 */
	s64 (*poll_handle)(struct ofile *f);
	/* ioctl(2), but for FIOCLEX, FIONCLEX and FIOASYNC. Absent: -ENOTTY. */
	s64 (*ioctl)(struct ofile *f, u32 nr, u64 arg);
	/*
	 * fcntl(2) with a command that belongs to a kind of file: F_SETPIPE_SZ, F_ADD_SEALS, ...
	 * Absent: hostcall fcntl with the handle.
	 */
	s64 (*fcntl)(struct ofile *f, u32 cmd, u64 arg);
	/* F_GETFL. Absent: ofile.flags. */
	s64 (*get_flags)(struct ofile *f);
	/* F_SETFL through descriptor fd: returns 0. Absent: O_NONBLOCK changes in ofile.flags. */
	s64 (*set_flags)(struct ofile *f, s32 fd, u64 flags);
	/*
	 * ftruncate(2) and fallocate(2). The caller has checked RLIMIT_FSIZE. Absent: -EINVAL for
	 * truncate; for allocate, what Linux returns for a file without it.
	 */
	s64 (*truncate)(struct ofile *f, s64 length);
	s64 (*allocate)(struct ofile *f, u32 mode, s64 offset, s64 len);
	/* fsync(2); fdatasync(2) if data_only. Absent: -EINVAL. */
	s64 (*sync)(struct ofile *f, bool data_only);
	/*
	 * mmap(2): opens [offset, offset + len) of a file that is open for reading, as .open of
	 * struct vm_source (mm/backing.h), with mm.lock held. Absent: -ENODEV.
	 */
	int (*mmap)(struct ofile *f, u64 offset, u64 len, u32 prot, bool shared,
		    struct vm_opened *out);
	/*
	 * Makes another open file for the same object, as open(2) of /proc/self/fd/N does. Returns
	 * NULL with -errno in *err on failure. Absent: hostcall reopen with the handle.
	 */
	struct ofile *(*reopen)(struct ofile *f, u32 flags, int *err);
	/*
	 * Writes the text of the link /proc/PID/fd/N, which is also the base of paths relative to
	 * the file. Not terminated; returns the length. Absent: the host's name of the handle.
	 */
	s64 (*name)(struct ofile *f, char *buf, u64 size);
	/*
	 * Changes what /proc/PID/fdinfo/N says; *info already has what the host says. Absent: no
	 * change.
	 */
	void (*info)(struct ofile *f, struct file_info *info);
	/* Returns the name in a pseudo file system by which the file was opened. Absent: NULL. */
	const struct pseudo_node *(*node)(struct ofile *f);
	/*
	 * Returns true if the file stands for a process. *p is that process, or NULL if it is gone;
	 * the pointer is valid while task_lock is held. Absent: false.
	 */
	bool (*process)(struct ofile *f, struct process **p);

	/* Called when a descriptor of f is closed or replaced. Absent: nothing. */
	void (*closed)(struct ofile *f);
	/*
	 * Called after the last reference has gone: takes f off the kind's lists, and frees what
	 * the kind owns. The handle is still open; the caller closes it and frees f. Absent:
	 * nothing.
	 */
	void (*release)(struct ofile *f);
};

/*
 * For .info: the lines of /proc/PID/fdinfo/N. The reader adds O_CLOEXEC to flags. more has the
 * lines after the first four, each with its newline. The struct is too large for a stack.
 */
struct file_info {
	s64 pos;
	s64 flags;
	s64 mnt_id;
	u64 ino;
	char more[3072];
};

/*
 * Sets mnt_id and ino, and appends to more, what the host says about a handle. Leaves out the
 * locks, which are the monitor's, and lines that do not fit. fs/host_info.c
 */
void host_info(s32 handle, struct file_info *info);

/* The operations. file_ops.c has the answers for absent ones. */
s64 ofile_read(struct ofile *f, struct io_request *rq);
s64 ofile_write(struct ofile *f, struct io_request *rq);
/*
 * A request without a byte to move, which Linux answers without asking the file: readv(2) of a
 * directory is 0, too. Returns 0, or -EINVAL for a file that has no such operation.
 */
s64 ofile_move_nothing(struct ofile *f, struct io_request *rq);
s64 ofile_seek(struct ofile *f, s64 offset, u32 whence);
s64 ofile_getdents(struct ofile *f, char *buf, u64 size);
s64 ofile_stat(struct ofile *f, struct stat *st);
bool ofile_has_stat(const struct ofile *f); /* true if f's kind has .stat */
s64 ofile_poll(struct ofile *f, struct wait_entry *e);
void ofile_unpoll(struct ofile *f, struct wait_entry *e);
/* Returns true if the file has to move before a thread waits for it in the host. */
bool ofile_moves_to_wait(const struct ofile *f);
s64 ofile_poll_handle(struct ofile *f);
/* Returns those of the events that the file can have; for the handle of ofile_poll_handle. */
u32 ofile_poll_events(const struct ofile *f, u32 events);
s64 ofile_fcntl(struct ofile *f, u32 cmd, u64 arg);
s64 ofile_ioctl(struct ofile *f, u32 nr, u64 arg);
s64 ofile_get_flags(struct ofile *f);
s64 ofile_set_flags(struct ofile *f, s32 fd, u64 flags);
s64 ofile_truncate(struct ofile *f, s64 length);
s64 ofile_allocate(struct ofile *f, u32 mode, s64 offset, s64 len);
s64 ofile_sync(struct ofile *f, bool data_only);
int ofile_mmap(struct ofile *f, u64 offset, u64 len, u32 prot, bool shared, struct vm_opened *out);
struct ofile *ofile_reopen(struct ofile *f, u32 flags, int *err);
s64 ofile_name(struct ofile *f, char *buf, u64 size);
void ofile_info(struct ofile *f, struct file_info *info);
const struct pseudo_node *ofile_node(struct ofile *f);
bool ofile_process(struct ofile *f, struct process **p);
void ofile_closed(struct ofile *f);
void ofile_release(struct ofile *f);

/*
 * Returns the handle of the file (>= 0), for what only the host can do. A file without a handle
 * moves to the host first. -EINVAL: the kind never has a handle. Other errors are those of
 * .to_host.
 */
s64 ofile_handle(struct ofile *f);

/*
 * Returns 0 if the host can move bytes from the file, or to it, with a call like splice(2).
 * -EBADF: the file is not open for reading, or writing. -EINVAL: the kernel itself has to read or
 * write this kind of file.
 */
s64 ofile_may_move_from(struct ofile *f);
s64 ofile_may_move_to(struct ofile *f);

/* Returns st_mode & S_IFMT of an open file, or 0 if stat fails. Keeps the answer in f->mode. */
u32 ofile_type(struct ofile *f);

#endif
