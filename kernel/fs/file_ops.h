/* SPDX-License-Identifier: MIT */
/*
 * What an open file can do: one table of operations for each kind of file. The system calls come
 * through the functions below, which know what a kind without the operation answers; only they,
 * and travel.c, look into the table.
 *
 * The caller of each operation but .release holds a reference to the file, so that the file stays.
 * The caller holds no lock, except: .process task_lock; .mmap mm.lock; .info and .name task_lock,
 * and .name fs_info.lock, too; .poll_handle perhaps that of fs/fasync.c; .release perhaps any that
 * is above the kind's own in lock.h, because whoever drops a reference may be the last.
 *
 * Arguments are the program's: nobody has checked ranges and flags that the host would check.
 * Results are >= 0 or -errno, -ERESTART* included. -EINTR of a hostcall has become one of these,
 * except in .stat, whose caller does that.
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
	 * The host's handle is all there is to the file: a message that takes a descriptor along
	 * (SCM_RIGHTS) takes the handle, and the receiver makes a new struct ofile of what arrives.
	 * Otherwise the receiver gets the same struct ofile: fs/scm_inflight.c.
	 */
	bool all_on_host;

	/* As much of rq as there is or fits; bytes. rq is consumed. Absent: -EINVAL. */
	s64 (*read)(struct ofile *f, struct io_request *rq);
	s64 (*write)(struct ofile *f, struct io_request *rq);
	/* lseek(2): the new position. Absent: -ESPIPE. */
	s64 (*seek)(struct ofile *f, s64 offset, u32 whence);
	/* getdents64(2) into kernel memory: bytes. Absent: -ENOTDIR. */
	s64 (*getdents)(struct ofile *f, char *buf, u64 size);
	/* fstat(2). Absent: the host says it of the handle. */
	s64 (*stat)(struct ofile *f, struct stat *st);
	/*
	 * Readiness that the kernel knows: POLL* of all that is there. e, unless it is NULL, stands
	 * in the file's queue of sleepers afterwards, until unpoll. -EREMOTE: the host knows, see
	 * poll_handle, and e is not queued; a file that becomes such wakes its sleepers. Absent:
	 * -EREMOTE. Both are there or none.
	 */
	s64 (*poll)(struct ofile *f, struct wait_entry *e);
	void (*unpoll)(struct ofile *f, struct wait_entry *e);
	/*
	 * The file has no handle while the kernel can do without, and is to get one now, for good:
	 * 0. Absent: a file without a handle never has one.
	 */
	s64 (*to_host)(struct ofile *f);
	/*
	 * The handle whose readiness on the host is the file's, for poll, select, epoll and
	 * O_ASYNC. It stays the file's, and the same as long as the file is there. Absent: -EPERM.
	 */
	s64 (*poll_handle)(struct ofile *f);
	/* ioctl(2), but for FIOCLEX, FIONCLEX and FIOASYNC. Absent: -ENOTTY. */
	s64 (*ioctl)(struct ofile *f, u32 nr, u64 arg);
	/* fcntl(2) with a command that belongs to a kind of file: F_SETPIPE_SZ, F_ADD_SEALS, ...
	 * Absent: the host does it with the handle. */
	s64 (*fcntl)(struct ofile *f, u32 cmd, u64 arg);
	/* F_GETFL. Absent: the flags that the kernel keeps, ofile.flags. */
	s64 (*get_flags)(struct ofile *f);
	/* F_SETFL through descriptor fd: 0. Absent: O_NONBLOCK changes in ofile.flags. */
	s64 (*set_flags)(struct ofile *f, s32 fd, u64 flags);
	/*
	 * ftruncate(2), fallocate(2); RLIMIT_FSIZE was looked at. Absent: -EINVAL; of allocate what
	 * Linux says of a file system, or a file, without it.
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
	/* Opens once more what the file is, as open(2) of /proc/self/fd/N. Absent: the host does.
	 */
	struct ofile *(*reopen)(struct ofile *f, u32 flags, int *err);
	/*
	 * What /proc/PID/fd/N leads to, and what a path relative to the file begins with; not
	 * terminated. The length. Absent: the host's name of the handle.
	 */
	s64 (*name)(struct ofile *f, char *buf, u64 size);
	/* Changes what /proc/PID/fdinfo/N says, *info having what the host says. Absent: nothing.
	 */
	void (*info)(struct ofile *f, struct file_info *info);
	/* The name in a pseudo file system that the file was opened by. Absent: NULL. */
	const struct pseudo_node *(*node)(struct ofile *f);
	/*
	 * True if the file stands for a process: *p, or NULL where that is gone, which is valid
	 * while task_lock is held. Absent: false.
	 */
	bool (*process)(struct ofile *f, struct process **p);

	/* A descriptor of the running process is closed, or replaced. Absent: nothing. */
	void (*closed)(struct ofile *f);
	/*
	 * The last reference is gone: f leaves the kind's lists, and what the kind owns is freed.
	 * The handle is still open, and it and f are the caller's. Absent: nothing.
	 */
	void (*release)(struct ofile *f);
};

/* For .info: fdinfo's lines "pos" and "flags" (O_CLOEXEC is added), and those that follow. */
struct file_info {
	s64 pos;
	s64 flags;
	char more[64];
};

/* The operations; for each that is absent there is an answer in file_ops.c. */
s64 ofile_read(struct ofile *f, struct io_request *rq);
s64 ofile_write(struct ofile *f, struct io_request *rq);
s64 ofile_seek(struct ofile *f, s64 offset, u32 whence);
s64 ofile_getdents(struct ofile *f, char *buf, u64 size);
s64 ofile_stat(struct ofile *f, struct stat *st);
bool ofile_has_stat(const struct ofile *f); /* .stat is there */
s64 ofile_poll(struct ofile *f, struct wait_entry *e);
void ofile_unpoll(struct ofile *f, struct wait_entry *e);
s64 ofile_poll_handle(struct ofile *f);
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
 * The handle of the file (>= 0), for what only the host can do. A file that has none yet gets one.
 * -EINVAL: it cannot have one; or what kept it from getting one.
 */
s64 ofile_handle(struct ofile *f);

/*
 * The host can move bytes from the file, or to it, with a call of its own (splice and its kin): 0;
 * -EBADF: it is not open for that; -EINVAL: reading, or writing, it is the kernel's affair.
 */
s64 ofile_may_move_from(struct ofile *f);
s64 ofile_may_move_to(struct ofile *f);

/* st_mode & S_IFMT of an open file, asked for once; 0 if the host does not say. */
u32 ofile_type(struct ofile *f);

#endif
