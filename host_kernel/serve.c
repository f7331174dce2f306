// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The calls that the module serves. Each does what the monitor's system call would do, with the
 * thread's own credentials, limits and signals. Whatever could sleep for long, or needs a decision
 * of the monitor, is passed on.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/magic.h>
#include <linux/major.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/time_namespace.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <asm/stat.h>
#include "host_kernel/serve.h"

_Static_assert(sizeof(struct stat) == PLAN_STAT_SIZE, "struct stat of x86-64");
_Static_assert(sizeof(struct __kernel_timespec) == PLAN_TIMESPEC_SIZE, "struct timespec");

/* Returns the word of a handle in the monitor's table, or 0. */
static u64 handle_word(const struct serve_call *call)
{
	u64 __user *const __user *chunks = (u64 __user *const __user *)call->handles;
	u64 __user *chunk;
	u64 word;

	if (get_user(chunk, &chunks[call->plan.handle / HANDLE_CHUNK]) || !chunk ||
	    get_user(word, &chunk[call->plan.handle % HANDLE_CHUNK]))
		return 0;
	return word & HANDLE_OPEN ? word & ~(u64)(HANDLE_OPEN - 1) : 0;
}

/*
 * Returns the file of a handle, with a reference, or NULL if the number is no handle. The word is
 * read again afterwards, because the monitor may have closed the handle and opened a file of its
 * own with the same number between the first look and fget.
 */
static struct file *handle_file(const struct serve_call *call)
{
	u64 word = handle_word(call);
	struct file *file;

	if (!word)
		return NULL;
	file = fget(call->plan.handle);
	if (!file)
		return NULL;
	smp_rmb();
	if (handle_word(call) == word)
		return file;
	fput(file);
	return NULL;
}

/*
 * How a file is transferred: ordinary files sleep for their storage only, /dev/null and its
 * relatives never; others are tried without sleeping.
 */
enum way { WAY_PASS, WAY_PLAIN, WAY_NOWAIT };

static enum way way_of(struct file *file, bool write)
{
	const struct inode *inode = file_inode(file);
	const struct super_block *sb = inode->i_sb;

	if (S_ISREG(inode->i_mode)) {
		/* Files of /proc and its like may make a reader wait, so file systems are named. */
		if (sb->s_type->fs_flags & FS_REQUIRES_DEV)
			return WAY_PLAIN;
		switch (sb->s_magic) {
		case OVERLAYFS_SUPER_MAGIC:
		case V9FS_MAGIC:
			return WAY_PLAIN;
		case TMPFS_MAGIC: /* the monitor counts what is written there */
			return write ? WAY_PASS : WAY_PLAIN;
		}
		return WAY_PASS;
	}
	if (S_ISCHR(inode->i_mode) && imajor(inode) == MEM_MAJOR)
		switch (iminor(inode)) {
		case 3: /* null */
		case 5: /* zero */
		case 7: /* full */
			return WAY_PLAIN;
		}
	if (S_ISFIFO(inode->i_mode))
		return WAY_NOWAIT;
	/* Of a blocking socket the program expects whole writes, and reads of SO_RCVLOWAT bytes. */
	return S_ISSOCK(inode->i_mode) && (file->f_flags & O_NONBLOCK) ? WAY_NOWAIT : WAY_PASS;
}

/* Fills call->iov from the segments in the area. Returns their bytes, or -1 if one is invalid. */
static ssize_t segments(const struct serve_call *call)
{
	const u8 __user *from = call->area + call->plan.buffer;
	size_t sum = 0;
	u32 i;

	for (i = 0; i < call->plan.segs; i++) {
		struct hostcall_seg seg;
		u64 host;

		if (copy_from_user(&seg, from + i * sizeof(seg), sizeof(seg)))
			return -1;
		host = plan_segment(&call->ram, &seg);
		if (!host || seg.len > MAX_RW_COUNT || sum + seg.len > MAX_RW_COUNT)
			return -1;
		call->iov[i].iov_base = (void __user *)host;
		call->iov[i].iov_len = seg.len;
		sum += seg.len;
	}
	return (ssize_t)sum;
}

/* A restart code would be the host's own affair: the monitor makes the call again instead. */
static long result(ssize_t n, enum way way)
{
	switch (n) {
	case -EAGAIN:
	case -EOPNOTSUPP:
		return way == WAY_NOWAIT ? SERVE_PASS : (long)n;
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
	case -EINTR:
	case -EIOCBQUEUED:
		return SERVE_PASS;
	}
	return (long)n;
}

static ssize_t move(struct file *file, struct iov_iter *iter, loff_t *pos, enum way way, bool write)
{
	rwf_t flags = way == WAY_NOWAIT ? RWF_NOWAIT : 0;
	ssize_t n;

	if (!write)
		return vfs_iter_read(file, iter, pos, flags);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	file_start_write(file); /* later kernels do it in vfs_iter_write */
#endif
	n = vfs_iter_write(file, iter, pos, flags);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
	file_end_write(file);
#endif
	return n;
}

/* FMODE_ATOMIC_POS: the file's position has a lock, which its other users hold during a transfer.
 */
static long transfer(const struct serve_call *call, struct file *file, bool write)
{
	enum way way = way_of(file, write);
	bool at_position = call->plan.offset == PLAN_AT_POSITION;
	bool locked = at_position && (file->f_mode & FMODE_ATOMIC_POS);
	bool stream = file->f_mode & FMODE_STREAM;
	struct iov_iter iter;
	loff_t pos = (loff_t)call->plan.offset;
	ssize_t n = segments(call);
	long ret;

	if (way == WAY_PASS || n <= 0 || (write && !(call->flags & HOST_KERNEL_WRITES)) ||
	    !(write ? file->f_op->write_iter : file->f_op->read_iter) ||
	    (!at_position && (stream || !(file->f_mode & (write ? FMODE_PWRITE : FMODE_PREAD)))) ||
	    !(file->f_mode & (write ? FMODE_CAN_WRITE : FMODE_CAN_READ)))
		return SERVE_PASS;
	/* Only a write of at most PIPE_BUF bytes is never partial. */
	if (S_ISFIFO(file_inode(file)->i_mode) && write && n > PIPE_BUF)
		return SERVE_PASS;
	/*
	 * A read that moves nothing is no event of inotify; vfs_iter_read would make one, as
	 * readv(2) does, where the monitor calls read(2).
	 */
	if (!write && S_ISREG(file_inode(file)->i_mode) &&
	    (at_position ? file->f_pos : pos) >= i_size_read(file_inode(file)))
		return SERVE_PASS;
	iov_iter_init(&iter, write ? ITER_SOURCE : ITER_DEST, call->iov, call->plan.segs,
		      (size_t)n);
	if (locked && !mutex_trylock(&file->f_pos_lock))
		return SERVE_PASS;
	if (at_position)
		pos = stream ? 0 : file->f_pos;
	ret = result(move(file, &iter, &pos, way, write), way);
	if (at_position && !stream && ret != SERVE_PASS && ret > 0)
		file->f_pos = pos;
	if (locked)
		mutex_unlock(&file->f_pos_lock);
	return ret;
}

static long seek(const struct serve_call *call, struct file *file)
{
	bool locked = file->f_mode & FMODE_ATOMIC_POS;
	loff_t ret;

	if (way_of(file, false) != WAY_PLAIN || !S_ISREG(file_inode(file)->i_mode))
		return SERVE_PASS;
	if (locked && !mutex_trylock(&file->f_pos_lock))
		return SERVE_PASS;
	ret = vfs_llseek(file, (loff_t)call->plan.offset, (int)call->plan.whence);
	if (locked)
		mutex_unlock(&file->f_pos_lock);
	return (long)ret;
}

static long attributes(const struct serve_call *call, struct file *file)
{
	struct user_namespace *ns = current_user_ns();
	struct kstat k;
	struct stat st = {};
	int err = vfs_getattr(&file->f_path, &k, STATX_BASIC_STATS, AT_STATX_SYNC_AS_STAT);

	if (err)
		return err;
	st.st_dev = new_encode_dev(k.dev);
	st.st_ino = k.ino;
	st.st_mode = k.mode;
	st.st_nlink = k.nlink;
	st.st_uid = from_kuid_munged(ns, k.uid);
	st.st_gid = from_kgid_munged(ns, k.gid);
	st.st_rdev = new_encode_dev(k.rdev);
	st.st_size = k.size;
	st.st_atime = k.atime.tv_sec;
	st.st_atime_nsec = k.atime.tv_nsec;
	st.st_mtime = k.mtime.tv_sec;
	st.st_mtime_nsec = k.mtime.tv_nsec;
	st.st_ctime = k.ctime.tv_sec;
	st.st_ctime_nsec = k.ctime.tv_nsec;
	st.st_blksize = k.blksize;
	st.st_blocks = k.blocks;
	return copy_to_user(call->area + call->plan.buffer, &st, sizeof(st)) ? SERVE_PASS : 0;
}

static long clock(const struct serve_call *call)
{
	struct __kernel_timespec ts;
	struct timespec64 now;

	switch (call->plan.clock) {
	case CLOCK_REALTIME:
		ktime_get_real_ts64(&now);
		break;
	case CLOCK_MONOTONIC:
		ktime_get_ts64(&now);
		timens_add_monotonic(&now);
		break;
	case CLOCK_BOOTTIME:
		ktime_get_boottime_ts64(&now);
		timens_add_boottime(&now);
		break;
	default:
		return SERVE_PASS;
	}
	ts.tv_sec = now.tv_sec;
	ts.tv_nsec = now.tv_nsec;
	return copy_to_user(call->area + call->plan.buffer, &ts, sizeof(ts)) ? SERVE_PASS : 0;
}

/* Random bytes for at most this many; the monitor serves larger requests. */
#define RANDOM_MAX 256

static long random_bytes(const struct serve_call *call)
{
	u8 bytes[RANDOM_MAX];
	ssize_t n = segments(call);
	struct iov_iter iter;
	size_t done;

	if (n <= 0 || n > RANDOM_MAX || !rng_is_initialized())
		return SERVE_PASS;
	get_random_bytes(bytes, (size_t)n);
	iov_iter_init(&iter, ITER_DEST, call->iov, call->plan.segs, (size_t)n);
	done = copy_to_iter(bytes, (size_t)n, &iter);
	memzero_explicit(bytes, sizeof(bytes));
	return done == (size_t)n ? (long)n : SERVE_PASS;
}

static long wake(const struct serve_call *call)
{
	const struct hostcall_seg seg = {.gpa = call->plan.word, .len = sizeof(u32)};
	u64 word = plan_segment(&call->ram, &seg);

	return word ? sleepers_wake(call->sleepers, word, call->plan.count) : SERVE_PASS;
}

/* Calls that work on a file. */
static long with_file(const struct serve_call *call)
{
	struct file *file = handle_file(call);
	long ret = SERVE_PASS;

	if (!file)
		return SERVE_PASS;
	/* O_PATH descriptors and files that the host's kernel treats specially are the monitor's.
	 */
	if (!(file->f_mode & FMODE_PATH))
		switch (call->plan.op) {
		case PLAN_READ:
			ret = transfer(call, file, false);
			break;
		case PLAN_WRITE:
			ret = transfer(call, file, true);
			break;
		case PLAN_SEEK:
			ret = seek(call, file);
			break;
		case PLAN_STAT:
			ret = attributes(call, file);
			break;
		default:
			break;
		}
	fput(file);
	return ret;
}

long serve(const struct serve_call *call)
{
	switch (call->plan.op) {
	case PLAN_READ:
	case PLAN_WRITE:
	case PLAN_SEEK:
	case PLAN_STAT:
		return with_file(call);
	case PLAN_CLOCK:
		return clock(call);
	case PLAN_RANDOM:
		return random_bytes(call);
	case PLAN_YIELD:
		yield();
		return 0;
	case PLAN_WAKE:
		return wake(call);
	case PLAN_NONE:
		break;
	}
	return SERVE_PASS;
}
