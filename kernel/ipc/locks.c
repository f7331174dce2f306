// SPDX-License-Identifier: MIT
/*
 * Record locks: fcntl(2), "Advisory record locking".
 *
 * All guest processes are one process to the host, so this file keeps which of them has which
 * bytes, for each file (lock_table.h). The owner is the descriptor table, as on Linux. The file is
 * also locked on the host, against processes outside the sandbox: wherever any guest process has a
 * lock, with the strongest type that any has. The host's locks are open file description locks of a
 * handle that belongs to the lock file, because the host would drop traditional locks as soon as
 * any guest process closed a descriptor of the file.
 *
 * Open file description locks of programs (F_OFD_SETLK) are kept by the host alone, because each
 * open file here is an open file description there. They conflict with the locks of the lock file's
 * handle, so the two kinds see each other.
 *
 * locks_lock guards everything, ofile.locks included; only the heap's lock is taken inside.
 */
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/result.h"
#include "kernel/hostcall.h"
#include "kernel/ipc/lock_table.h"
#include "kernel/ipc/wait.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/process.h"

struct waiter {
	struct lock_wait wait;
	TAILQ_ENTRY(waiter) link;
	u32 woken;
};

/* A file that was locked through an open file which still exists. */
struct lock_file {
	LIST_ENTRY(lock_file) link;
	u64 dev, ino;
	u32 refs; /* how many open files' .locks point here */
	struct lock_table table;
	bool counted;	 /* this file is counted in holding */
	s32 handle;	 /* owns the locks on the host; -1: not needed yet, or not a regular file */
	u32 handle_mode; /* its O_ACCMODE */
	TAILQ_HEAD(, waiter) waiters;
};

#define BUCKETS 64
static struct mutex locks_lock = MUTEX_INIT(LOCK_RECORDS);
static LIST_HEAD(, lock_file) buckets[BUCKETS];
static struct lock_waits waits = LIST_HEAD_INITIALIZER(waits);
static u32 holding; /* lock files with a table that is not empty */

/* -- Files ------------------------------------------------------------------------------------- */

/*
 * Returns the lock file of f, or NULL. With make it creates a missing one and sets f->locks; NULL
 * then means that memory is short or the file has no status. locks_lock is held.
 */
static struct lock_file *find(struct ofile *f, bool make)
{
	struct lock_file *lf;
	struct stat st;
	u32 b;

	if (f->locks)
		return f->locks;
	if (hc_fstat(f->handle, &st, sizeof(st)) < 0)
		return NULL;
	b = (st.st_ino ^ st.st_dev) % BUCKETS;
	LIST_FOREACH (lf, &buckets[b], link)
		if (lf->dev == st.st_dev && lf->ino == st.st_ino)
			break;
	if (!make)
		return lf;
	if (!lf) {
		lf = kzalloc(sizeof(*lf));
		if (!lf)
			return NULL;
		lf->dev = st.st_dev;
		lf->ino = st.st_ino;
		lf->handle = -1;
		LIST_INIT(&lf->table);
		TAILQ_INIT(&lf->waiters);
		LIST_INSERT_HEAD(&buckets[b], lf, link);
	}
	lf->refs++;
	f->locks = lf;
	return lf;
}

void record_locks_forget(struct ofile *f)
{
	struct lock_file *lf = f->locks;

	if (!lf)
		return;
	mutex_lock(&locks_lock);
	f->locks = NULL;
	if (--lf->refs == 0) {
		KASSERT(LIST_EMPTY(&lf->table) && TAILQ_EMPTY(&lf->waiters));
		LIST_REMOVE(lf, link);
		if (lf->handle >= 0)
			hc_close(lf->handle);
		kfree(lf);
	}
	mutex_unlock(&locks_lock);
}

/* The table has changed: updates holding, and wakes all waiters, which look at the table again. */
static void changed(struct lock_file *lf)
{
	bool holds = !LIST_EMPTY(&lf->table);
	struct waiter *w;

	if (holds != lf->counted)
		holding += holds ? 1 : -1;
	lf->counted = holds;
	while ((w = TAILQ_FIRST(&lf->waiters))) {
		TAILQ_REMOVE(&lf->waiters, w, link);
		LIST_REMOVE(&w->wait, link);
		ipc_wake(&w->woken);
	}
}

/* -- The host's side --------------------------------------------------------------------------- */

static struct flock to_flock(const struct lock_range *r)
{
	static const short type[] = {
		[RECORD_NONE] = F_UNLCK, [RECORD_READ] = F_RDLCK, [RECORD_WRITE] = F_WRLCK};

	return (struct flock){
		.l_type = type[r->type],
		.l_whence = SEEK_SET,
		.l_start = (s64)r->start,
		.l_len = r->last == LOCK_END_MAX ? 0 : (s64)(r->last - r->start + 1),
	};
}

static s64 host_lock(s32 handle, const struct lock_range *r, u32 cmd)
{
	struct flock lock = to_flock(r);

	return handle < 0 ? 0 : hc_fcntl_lock(handle, cmd, &lock, sizeof(lock));
}

/* Makes the host's locks from start to last equal to the table. */
static void host_sync(const struct lock_file *lf, s32 handle, u64 start, u64 last)
{
	while (handle >= 0 && start <= last) {
		struct lock_range r = {.start = start, .last = last};

		lock_strongest(&lf->table, &r);
		host_lock(handle, &r, F_OFD_SETLK);
		start = r.last + 1;
	}
}

/*
 * Makes lf.handle one that can have locks of this type. If f's file cannot be opened again (its
 * permissions may have changed), the handle is a duplicate of f's own. Pipes and the like get no
 * handle, because nobody outside locks them.
 */
static void host_prepare(struct lock_file *lf, struct ofile *f, enum lock_type type)
{
	u32 needs = type == RECORD_WRITE ? O_WRONLY : O_RDONLY;
	u32 own = f->flags & O_ACCMODE;
	u32 mode = lf->handle < 0 ? own : O_RDWR;
	s32 old = lf->handle;
	s64 h;

	if (type == RECORD_NONE ||
	    (old >= 0 && (lf->handle_mode == O_RDWR || lf->handle_mode == needs)))
		return;
	if (f->mode != S_IFREG)
		return;
	h = hc_reopen(f->handle, mode | O_NONBLOCK);
	if (h < 0) {
		mode = own;
		h = hc_dup(f->handle);
	}
	if (h < 0)
		return;
	/*
	 * Takes the locks before the old handle is closed. This works for read locks only; the old
	 * handle's write locks conflict with the new handle's.
	 */
	host_sync(lf, h, 0, LOCK_END_MAX);
	lf->handle = h;
	lf->handle_mode = mode;
	if (old >= 0) {
		hc_close(old);
		host_sync(lf, h, 0, LOCK_END_MAX);
	}
}

/* -- Locking ----------------------------------------------------------------------------------- */

/*
 * Sleeps until the table changes. Releases locks_lock meanwhile. Returns 0, -EDEADLK or
 * -ERESTARTSYS.
 */
UNCHECKED_LOCKING static s64 wait_for(struct lock_file *lf, const void *owner, const void *holder)
{
	struct waiter w = {.wait = {.owner = owner, .holder = holder}};
	s64 err;

	ASSERT_HELD(&locks_lock);
	if (lock_deadlock(&waits, owner, holder))
		return -EDEADLK;
	TAILQ_INSERT_TAIL(&lf->waiters, &w, link);
	LIST_INSERT_HEAD(&waits, &w.wait, link);
	mutex_unlock(&locks_lock);
	err = ipc_sleep(&w.woken, IPC_FOREVER);
	mutex_lock(&locks_lock);
	if (w.woken)
		return 0;
	TAILQ_REMOVE(&lf->waiters, &w, link);
	LIST_REMOVE(&w.wait, link);
	return fs_restart(err);
}

/*
 * A process outside has the lock: waits for the host's lock, and releases locks_lock meanwhile.
 * Returns 0 if the caller has to look at the table again; *got is true if the host has locked r.
 */
UNCHECKED_LOCKING static s64 wait_outside(struct lock_file *lf, const struct lock_range *r,
					  bool *got)
{
	s32 handle = lf->handle;
	s64 err;

	ASSERT_HELD(&locks_lock);
	mutex_unlock(&locks_lock);
	err = host_lock(handle, r, F_OFD_SETLKW);
	signal_upcall();
	mutex_lock(&locks_lock);
	/* If lf has another handle by now, the lock went with the old handle. */
	*got = err == 0 && handle == lf->handle;
	if (err == -EINTR && !signal_pending())
		err = 0;
	return fs_restart(err);
}

/* Sets or releases r, and waits for conflicting locks if wait is set. locks_lock is held. */
static s64 set(struct lock_file *lf, const struct lock_range *r, bool wait)
{
	bool got = false;

	ASSERT_HELD(&locks_lock);
	for (;;) {
		const struct lock_range *other = lock_conflict(&lf->table, r);
		s64 err = 0;

		if (other && got)
			host_sync(lf, lf->handle, r->start, r->last);
		if (other && !wait)
			return -EAGAIN;
		if (other) {
			got = false;
			err = wait_for(lf, r->owner, other->owner);
			if (err)
				return err;
			continue;
		}
		if (r->type != RECORD_NONE && !got)
			err = host_lock(lf->handle, r, F_OFD_SETLK);
		if (err == -EAGAIN && wait) {
			err = wait_outside(lf, r, &got);
			if (err)
				return err;
			continue;
		}
		if (!err)
			err = lock_set(&lf->table, r);
		if (err || r->type == RECORD_NONE)
			host_sync(lf, lf->handle, r->start, r->last);
		if (!err)
			changed(lf);
		return err;
	}
}

static void drop(struct lock_file *lf, const struct files *owner)
{
	if (lf && lock_drop_owner(&lf->table, owner)) {
		host_sync(lf, lf->handle, 0, LOCK_END_MAX);
		changed(lf);
	}
}

void record_locks_close(struct files *files, struct ofile *f)
{
	if (!files->has_locked || !READ_ONCE(holding))
		return;
	mutex_lock(&locks_lock);
	drop(find(f, false), files);
	mutex_unlock(&locks_lock);
}

/* -- fcntl ------------------------------------------------------------------------------------- */

/* Converts a struct flock. Returns 0, -EINVAL, -EOVERFLOW or an error of lseek or fstat. */
static s64 to_range(struct ofile *f, const struct flock *lock, struct lock_range *r)
{
	struct stat st;
	s64 base = 0, start, last;

	switch (lock->l_whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = hc_lseek(f->handle, 0, SEEK_CUR);
		base = base == -ESPIPE ? 0 : base;
		break;
	case SEEK_END:
		base = ofile_stat(f, &st);
		base = base < 0 ? base : st.st_size;
		break;
	default:
		return -EINVAL;
	}
	if (base < 0)
		return fs_nointr(base);
	if (__builtin_add_overflow(base, lock->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	if (lock->l_len > 0) {
		if (__builtin_add_overflow(start, lock->l_len - 1, &last))
			return -EOVERFLOW;
	} else if (lock->l_len < 0) {
		/* fcntl(2): a negative length means the bytes before the start. */
		last = start - 1;
		if (__builtin_add_overflow(start, lock->l_len, &start) || start < 0)
			return -EINVAL;
	} else {
		last = INT64_MAX;
	}
	switch (lock->l_type) {
	case F_RDLCK:
		r->type = RECORD_READ;
		break;
	case F_WRLCK:
		r->type = RECORD_WRITE;
		break;
	case F_UNLCK:
		r->type = RECORD_NONE;
		break;
	default:
		return -EINVAL;
	}
	r->start = (u64)start;
	r->last = (u64)last;
	return 0;
}

static void report(struct flock *lock, const struct lock_range *r)
{
	*lock = to_flock(r);
	lock->l_pid = r->pid;
}

/*
 * F_GETLK: reports a lock that conflicts with r, of a guest process or else of a process outside.
 */
static s64 get(struct ofile *f, struct flock *lock, const struct lock_range *r)
{
	const struct lock_range *other = NULL;
	struct flock host = to_flock(r);
	struct lock_file *lf;
	s64 err;

	mutex_lock(&locks_lock);
	lf = find(f, false);
	if (lf)
		other = lock_conflict(&lf->table, r);
	if (other) {
		report(lock, other);
		mutex_unlock(&locks_lock);
		return 0;
	}
	if (lf && lf->handle >= 0)
		err = hc_fcntl_lock(lf->handle, F_OFD_GETLK, &host, sizeof(host));
	else
		err = hc_fcntl_lock(f->handle, F_GETLK, &host, sizeof(host));
	mutex_unlock(&locks_lock);
	if (err < 0)
		return err;
	if (host.l_type == F_UNLCK)
		lock->l_type = F_UNLCK;
	else
		*lock = host;
	return 0;
}

static s64 set_for_process(struct ofile *f, s32 fd, const struct lock_range *r, bool wait)
{
	struct files *files = current_process()->files;
	u32 access = f->flags & O_ACCMODE;
	struct lock_file *lf;
	struct ofile *now;
	s64 err = -ENOMEM;

	if ((r->type == RECORD_READ && access == O_WRONLY) ||
	    (r->type == RECORD_WRITE && access == O_RDONLY))
		return -EBADF;
	/* Sets f->mode for host_prepare. It may take task_lock, which is above locks_lock. */
	ofile_type(f);
	mutex_lock(&locks_lock);
	lf = find(f, true);
	if (lf) {
		files->has_locked = true;
		host_prepare(lf, f, r->type);
		err = set(lf, r, wait);
	}
	mutex_unlock(&locks_lock);
	if (err || r->type == RECORD_NONE)
		return err;
	/*
	 * Another thread may have closed the descriptor before the lock was set. Nothing would
	 * release the lock then.
	 */
	now = fdtable_get(files, fd);
	if (now != f) {
		mutex_lock(&locks_lock);
		drop(lf, files);
		mutex_unlock(&locks_lock);
		err = -EBADF;
	}
	ofile_put(now);
	return err;
}

/*
 * Open file description locks are the host's. F_OFD_GETLK first looks for a guest process's lock,
 * because the host does not know that process's number.
 */
static s64 ofd_lock(struct ofile *f, u32 cmd, struct flock *lock)
{
	const struct lock_range *other = NULL;
	struct lock_range r = {.owner = f};
	struct lock_file *lf;

	if (cmd == F_OFD_GETLK && !lock->l_pid && to_range(f, lock, &r) == 0) {
		mutex_lock(&locks_lock);
		lf = find(f, false);
		if (lf)
			other = lock_conflict(&lf->table, &r);
		if (other)
			report(lock, other);
		mutex_unlock(&locks_lock);
		if (other)
			return 0;
	}
	return fs_restart(hc_fcntl_lock(f->handle, cmd, lock, sizeof(*lock)));
}

s64 record_lock(struct ofile *f, s32 fd, u32 cmd, struct flock *lock)
{
	struct lock_range r = {.owner = current_process()->files, .pid = current_process()->pid};
	s64 err;

	if (ofile_handle(f) < 0)
		return -EBADF;
	if (cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW)
		return ofd_lock(f, cmd, lock);
	if (cmd == F_GETLK && lock->l_type != F_RDLCK && lock->l_type != F_WRLCK)
		return -EINVAL;
	err = to_range(f, lock, &r);
	if (err)
		return err;
	return cmd == F_GETLK ? get(f, lock, &r) : set_for_process(f, fd, &r, cmd == F_SETLKW);
}
