// SPDX-License-Identifier: MIT
/*
 * POSIX message queues: mq_overview(7). They belong to the sandbox, as in an IPC namespace of its
 * own.
 *
 * As with System V queues (msg.c), a message goes straight to the first receiver that waits, and
 * the thread that makes space queues the message of the first sender that waits.
 *
 * Each open file of a queue has an eventfd of the host, so that poll and epoll work. The counter of
 * the eventfd is 0 while the queue is empty (not readable) and 1 while it has messages. While the
 * queue is full, the counter is so large that nothing can be added (not writable).
 *
 * mq_lock guards everything. Only the heap's lock, and at the end of a queue the locks for the end
 * of an open file, are taken inside. A notification of mq_notify(3) is removed from the queue under
 * the lock and sent without it.
 */
#include <asm/resource.h>
#include <asm/signal.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/mqueue.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/fs_info.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/io.h"
#include "kernel/fs/result.h"
#include "kernel/hostcall.h"
#include "kernel/ipc/mq_notify.h"
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/wait.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"
#include "kernel/task/user_counts.h"
#include "kernel/time/clock.h"

/* Defaults, limits, and limits for privileged processes: mq_overview(7), "/proc interfaces". */
#define QUEUES_MAX	256
#define COUNT_DEFAULT	10
#define COUNT_MAX	10
#define COUNT_MAX_HARD	65536
#define LENGTH_DEFAULT	8192
#define LENGTH_MAX	8192
#define LENGTH_MAX_HARD (16 << 20)
#define PRIORITY_MAX	32768
#define NAME_LEN	255
#define STATUS_SIZE	80 /* st_size */

/* RLIMIT_MSGQUEUE in getrlimit(2): the cost of a message beside its text. */
#define COST_MESSAGE	48
#define COST_PRIORITY	48

struct mq_message {
	TAILQ_ENTRY(mq_message) link;
	u32 priority;
	u64 size;
	char text[];
};

enum level { EMPTY, SOME, FULL };

/* An open queue. */
struct mq_file {
	struct ofile file;
	LIST_ENTRY(mq_file) link; /* of queue->files */
	struct mqueue *queue;	  /* NULL until the queue is found or created */
	u64 pos;		  /* position of read(2) in the text */
	enum level shown;
};

/* A receiver or a sender that waits. */
struct mq_wait {
	TAILQ_ENTRY(mq_wait) link;
	struct mq_message *message; /* of a sender: to be sent; of a receiver: received */
	u32 woken;
};
TAILQ_HEAD(mq_waits, mq_wait);

/* mq_notify(3). */
struct registration {
	s32 pid; /* 0: none */
	int how, sig;
	sigval_t value;
	struct cookie *cookie; /* SIGEV_THREAD */
};

struct mqueue {
	LIST_ENTRY(mqueue) link; /* in the list of queues with a name */
	char *name;		 /* NULL: unlinked */
	u32 mode, uid, gid;
	s64 most, size_max; /* mq_maxmsg, mq_msgsize */
	s64 count;
	u64 bytes;			   /* of text */
	u64 cost;			   /* what RLIMIT_MSGQUEUE counts, ... */
	u32 payer;			   /* ... and for which user */
	TAILQ_HEAD(, mq_message) messages; /* highest priority first */
	LIST_HEAD(, mq_file) files;
	struct mq_waits receivers, senders;
	struct registration notify;
	s64 ctime, mtime, atime;
};

static struct mutex mq_lock = MUTEX_INIT(LOCK_MQ);
static LIST_HEAD(, mqueue) named = LIST_HEAD_INITIALIZER(named);
static u32 queues;

static const struct file_ops mqueue_ops;

static bool is_queue(const struct ofile *f)
{
	return f->ops == &mqueue_ops;
}

static struct mq_file *file_of(struct ofile *f)
{
	_Static_assert(offsetof(struct mq_file, file) == 0, "the cast is right");
	return (struct mq_file *)f;
}

/* -- Readiness --------------------------------------------------------------------------------- */

static const u64 counter[] = {[EMPTY] = 0, [SOME] = 1, [FULL] = ~0UL - 1};

static void show(struct mq_file *file, enum level level)
{
	struct hostcall_seg seg[2];
	struct segs segs;
	u64 value = 0;

	if (file->shown == level || kernel_segs(seg, 2, &value, sizeof(value), &segs) < 0)
		return;
	/* A write only adds to a counter; a read sets it to 0. */
	if (counter[level] < counter[file->shown]) {
		hc_readv(file->file.handle, &segs);
		file->shown = EMPTY;
	}
	value = counter[level] - counter[file->shown];
	if (value)
		hc_writev(file->file.handle, &segs);
	file->shown = level;
}

static enum level level_of(const struct mqueue *q)
{
	return q->count == 0 ? EMPTY : q->count < q->most ? SOME : FULL;
}

static void show_all(struct mqueue *q)
{
	struct mq_file *file;

	LIST_FOREACH (file, &q->files, link)
		show(file, level_of(q));
}

/* -- Messages ---------------------------------------------------------------------------------- */

static void insert(struct mqueue *q, struct mq_message *m)
{
	struct mq_message *at;

	TAILQ_FOREACH (at, &q->messages, link)
		if (at->priority < m->priority)
			break;
	if (at)
		TAILQ_INSERT_BEFORE(at, m, link);
	else
		TAILQ_INSERT_TAIL(&q->messages, m, link);
	q->count++;
	q->bytes += m->size;
	q->mtime = q->ctime = ipc_now();
}

static void take_out(struct mqueue *q, struct mq_message *m)
{
	TAILQ_REMOVE(&q->messages, m, link);
	q->count--;
	q->bytes -= m->size;
	q->atime = q->ctime = ipc_now();
}

static void wake(struct mq_waits *waits, struct mq_wait *w)
{
	TAILQ_REMOVE(waits, w, link);
	ipc_wake(&w->woken);
}

/* Removes the registration and returns it; its .pid is 0 if there was none. mq_lock is held. */
static struct registration take_registration(struct mqueue *q)
{
	struct registration n = q->notify;

	ASSERT_HELD(&mq_lock);
	memset(&q->notify, 0, sizeof(q->notify));
	return n;
}

static void send_signal(const struct registration *n)
{
	siginfo_t info = {.si_signo = n->sig, .si_code = SI_MESGQ};
	struct process *p;

	info.si_pid = current_process()->pid;
	info.si_uid = current_creds()->ruid;
	info._sifields._rt._sigval = n->value;
	mutex_lock(&task_lock);
	p = process_find(n->pid);
	if (p)
		signal_send_locked(p, NULL, &info);
	mutex_unlock(&task_lock);
}

/* Sends the notification of a registration that was removed. mq_lock is not held. */
static void notify(const struct registration *n, enum cookie_reason why)
{
	if (n->cookie)
		cookie_send(n->cookie, why);
	else if (n->pid && n->sig && n->how == SIGEV_SIGNAL && why == COOKIE_MESSAGE)
		send_signal(n);
}

/* -- Waiting ----------------------------------------------------------------------------------- */

/*
 * Waits in the list, and releases mq_lock meanwhile. Returns 0 when another thread has served the
 * waiter, or -errno. mq_lock is held.
 */
UNCHECKED_LOCKING static s64 wait_in(struct mq_waits *waits, struct mq_wait *w, u64 deadline)
{
	s64 err;

	ASSERT_HELD(&mq_lock);
	TAILQ_INSERT_TAIL(waits, w, link);
	mutex_unlock(&mq_lock);
	err = ipc_sleep(&w->woken, deadline);
	mutex_lock(&mq_lock);
	/* The queue still exists, because the caller has a reference to the open file. */
	if (w->woken)
		return 0;
	TAILQ_REMOVE(waits, w, link);
	return fs_restart(err);
}

/*
 * Converts a moment of CLOCK_REALTIME; NULL means never. Setting the clock later does not move the
 * deadline.
 */
static int read_deadline(u64 *deadline, uva user)
{
	struct __kernel_timespec ts;
	s64 left;

	*deadline = IPC_FOREVER;
	if (!user)
		return 0;
	if (get_user(&ts, user))
		return -EFAULT;
	left = clock_from_timespec(&ts);
	if (left < 0)
		return -EINVAL;
	left -= (s64)clock_realtime_ns();
	*deadline = clock_monotonic_ns() + (u64)MAX(left, (s64)0);
	return 0;
}

/*
 * Returns the open queue of the descriptor with a reference, if it is open for this access
 * (O_RDONLY or O_WRONLY). Returns NULL otherwise: EBADF.
 */
static struct ofile *get(s32 fd, u32 access)
{
	struct ofile *f = fd_get(fd);
	u32 mode = f ? f->flags & O_ACCMODE : 0;

	if (f && is_queue(f) && (mode == access || mode == O_RDWR))
		return f;
	ofile_put(f);
	return NULL;
}

/* Sends or queues the message, and takes it over unless it returns an error. */
static s64 send(struct ofile *f, struct mq_message *m, u64 deadline)
{
	struct mqueue *q = file_of(f)->queue;
	struct mq_wait w = {.message = m}, *r;
	struct registration n = {0};
	s64 err = 0;

	mutex_lock(&mq_lock);
	r = TAILQ_FIRST(&q->receivers);
	if (r) {
		r->message = m;
		wake(&q->receivers, r);
	} else if (q->count < q->most) {
		insert(q, m);
		/*
		 * mq_notify(3): a message arrived in an empty queue, and no receiver waited for it.
		 */
		if (q->count == 1)
			n = take_registration(q);
		show_all(q);
	} else if (f->flags & O_NONBLOCK) {
		err = -EAGAIN;
	} else {
		err = wait_in(&q->senders, &w, deadline);
	}
	mutex_unlock(&mq_lock);
	notify(&n, COOKIE_MESSAGE);
	return err;
}

DEFINE_SYSCALL5(mq_timedsend, s32, fd, uva, text, u64, size, u32, priority, uva, timeout)
{
	struct mq_message *m = NULL;
	struct ofile *f;
	u64 deadline;
	s64 err = read_deadline(&deadline, timeout);

	if (err)
		return err;
	if (priority >= PRIORITY_MAX)
		return -EINVAL;
	f = get(fd, O_WRONLY);
	if (!f)
		return -EBADF;
	if (size > (u64)file_of(f)->queue->size_max)
		err = -EMSGSIZE;
	else
		m = kmalloc(sizeof(*m) + size);
	if (!m && !err)
		err = -ENOMEM;
	if (m) {
		m->priority = priority;
		m->size = size;
		err = copy_from_user(m->text, text, size);
		if (!err)
			err = send(f, m, deadline);
		if (err)
			kfree(m);
	}
	ofile_put(f);
	return err;
}

/* Returns a message, which the caller frees, or returns NULL and sets *err. */
static struct mq_message *receive(struct ofile *f, u64 deadline, s64 *err)
{
	struct mqueue *q = file_of(f)->queue;
	struct mq_wait w = {0}, *s;

	*err = 0;
	mutex_lock(&mq_lock);
	w.message = TAILQ_FIRST(&q->messages);
	if (w.message) {
		take_out(q, w.message);
		s = TAILQ_FIRST(&q->senders);
		if (s) {
			insert(q, s->message);
			wake(&q->senders, s);
		}
		show_all(q);
	} else if (f->flags & O_NONBLOCK) {
		*err = -EAGAIN;
	} else {
		*err = wait_in(&q->receivers, &w, deadline);
	}
	mutex_unlock(&mq_lock);
	return w.message;
}

DEFINE_SYSCALL5(mq_timedreceive, s32, fd, uva, text, u64, size, uva, priority, uva, timeout)
{
	struct mq_message *m = NULL;
	struct ofile *f;
	u64 deadline;
	s64 err = read_deadline(&deadline, timeout);

	if (err)
		return err;
	f = get(fd, O_RDONLY);
	if (!f)
		return -EBADF;
	if (size < (u64)file_of(f)->queue->size_max)
		err = -EMSGSIZE;
	else
		m = receive(f, deadline, &err);
	ofile_put(f);
	if (!m)
		return err;
	err = (s64)m->size;
	if ((priority && put_user(m->priority, priority)) || copy_to_user(text, m->text, m->size))
		err = -EFAULT;
	kfree(m);
	return err;
}

/* -- Opening ----------------------------------------------------------------------------------- */

static struct mqueue *find(const char *name)
{
	struct mqueue *q;

	LIST_FOREACH (q, &named, link)
		if (!strcmp(q->name, name))
			return q;
	return NULL;
}

/* Frees the queue if it has neither a name nor an open file. mq_lock is held. */
static void free_unused(struct mqueue *q)
{
	struct mq_message *m;

	ASSERT_HELD(&mq_lock);
	if (q->name || !LIST_EMPTY(&q->files))
		return;
	while ((m = TAILQ_FIRST(&q->messages))) {
		take_out(q, m);
		kfree(m);
	}
	/* A process that ended has left it, if another process shared its descriptor table. */
	cookie_put(q->notify.cookie);
	queues--;
	user_uncharge(q->payer, USER_MQ_BYTES, q->cost);
	kfree(q);
}

static bool may_open(const struct mqueue *q, u32 flags)
{
	static const u32 needs[] = {[O_RDONLY] = 4, [O_WRONLY] = 2, [O_RDWR] = 6};
	const struct creds *c = current_creds();
	u32 granted = q->mode;

	if (c->fsuid == q->uid)
		granted >>= 6;
	else if (ipc_in_group(c, q->gid))
		granted >>= 3;
	return !(needs[flags & O_ACCMODE] & ~granted) || capable(CAP_DAC_OVERRIDE);
}

/*
 * Checks the attributes of mq_open(3), and charges the user for the queue. *cost: what
 * RLIMIT_MSGQUEUE counts. Returns 0, -EINVAL or -EMFILE.
 */
static int charge(const struct mq_attr *attr, u64 *cost)
{
	bool privileged = capable(CAP_SYS_RESOURCE);
	s64 priorities = MIN(attr->mq_maxmsg, (s64)PRIORITY_MAX);

	if (attr->mq_maxmsg <= 0 || attr->mq_msgsize <= 0 ||
	    attr->mq_maxmsg > (privileged ? COUNT_MAX_HARD : COUNT_MAX) ||
	    attr->mq_msgsize > (privileged ? LENGTH_MAX_HARD : LENGTH_MAX))
		return -EINVAL;
	*cost = (u64)(attr->mq_maxmsg * (attr->mq_msgsize + COST_MESSAGE) +
		      priorities * COST_PRIORITY);
	return user_charge(current_creds()->ruid, USER_MQ_BYTES, *cost,
			   current_process()->rlimit[RLIMIT_MSGQUEUE].cur)
		       ? 0
		       : -EMFILE;
}

static struct mqueue *create(const char *name, u32 mode, const struct mq_attr *attr, int *err)
{
	const struct process *p = current_process();
	struct mqueue *q;
	u64 cost;

	*err = -ENOSPC;
	if (queues >= QUEUES_MAX && !capable(CAP_SYS_RESOURCE))
		return NULL;
	*err = charge(attr, &cost);
	if (*err)
		return NULL;
	*err = -ENOMEM;
	q = kzalloc(sizeof(*q));
	if (q)
		q->name = kstrdup(name);
	if (!q || !q->name) {
		user_uncharge(current_creds()->ruid, USER_MQ_BYTES, cost);
		kfree(q);
		return NULL;
	}
	q->mode = mode & ~p->fs->umask & 0777;
	q->uid = current_creds()->fsuid;
	q->gid = current_creds()->fsgid;
	q->most = attr->mq_maxmsg;
	q->size_max = attr->mq_msgsize;
	q->cost = cost;
	q->payer = current_creds()->ruid;
	q->ctime = q->mtime = q->atime = ipc_now();
	TAILQ_INIT(&q->messages);
	TAILQ_INIT(&q->receivers);
	TAILQ_INIT(&q->senders);
	LIST_INIT(&q->files);
	LIST_INSERT_HEAD(&named, q, link);
	queues++;
	*err = 0;
	return q;
}

/* Finds or creates the queue and opens f on it. Returns 0 or -errno. mq_lock is held. */
static int attach(struct ofile *f, const char *name, u32 flags, u32 mode,
		  const struct mq_attr *attr)
{
	struct mqueue *q = find(name);
	int err = 0;

	if (!q && !(flags & O_CREAT))
		return -ENOENT;
	if (!q) {
		q = create(name, mode, attr, &err);
	} else if ((flags & O_CREAT) && (flags & O_EXCL)) {
		err = -EEXIST;
	} else if ((flags & O_ACCMODE) == O_ACCMODE) {
		err = -EINVAL;
	} else if (!may_open(q, flags)) {
		err = -EACCES;
	}
	if (err)
		return err;
	file_of(f)->queue = q;
	LIST_INSERT_HEAD(&q->files, file_of(f), link);
	show(file_of(f), level_of(q));
	return 0;
}

/* Returns an open file without a queue, or returns NULL and sets *err. */
static struct ofile *new_file(u32 flags, int *err)
{
	s64 handle = fs_nointr(hc_eventfd2(0, O_NONBLOCK));
	struct ofile *f;

	*err = handle < 0 ? (int)handle : -ENOMEM;
	if (handle < 0)
		return NULL;
	f = ofile_new(&mqueue_ops, handle, flags & (O_ACCMODE | O_NONBLOCK));
	if (!f)
		hc_close(handle);
	return f;
}

static int read_name(char *name, uva user)
{
	s64 len = strncpy_from_user(name, user, NAME_LEN + 1);

	if (len < 0)
		return (int)len;
	if (len == 0)
		return -ENOENT;
	return strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ? -EACCES : 0;
}

DEFINE_SYSCALL4(mq_open, uva, user_name, u32, flags, u32, mode, uva, user_attr)
{
	struct mq_attr attr = {.mq_maxmsg = COUNT_DEFAULT, .mq_msgsize = LENGTH_DEFAULT};
	char name[NAME_LEN + 1];
	struct ofile *f;
	int err;
	s32 fd;

	if (user_attr && (flags & O_CREAT) && get_user(&attr, user_attr))
		return -EFAULT;
	err = read_name(name, user_name);
	if (err)
		return err;
	f = new_file(flags, &err);
	if (!f)
		return err;
	mutex_lock(&mq_lock);
	err = attach(f, name, flags, mode, &attr);
	mutex_unlock(&mq_lock);
	fd = err ? err : fd_install(f, 0, true);
	if (fd < 0)
		ofile_put(f);
	return fd;
}

DEFINE_SYSCALL1(mq_unlink, uva, user_name)
{
	const struct creds *c = current_creds();
	char name[NAME_LEN + 1];
	struct mqueue *q;
	int err = read_name(name, user_name);

	if (err)
		return err;
	mutex_lock(&mq_lock);
	q = find(name);
	if (!q)
		err = -ENOENT;
	else if (c->fsuid != q->uid && c->fsuid != 0 && !capable(CAP_FOWNER))
		err = -EPERM;
	if (!err) {
		LIST_REMOVE(q, link);
		kfree(q->name);
		q->name = NULL;
		free_unused(q);
	}
	mutex_unlock(&mq_lock);
	return err;
}

/* -- Attributes, notification ------------------------------------------------------------------ */

static struct ofile *get_any(s32 fd)
{
	struct ofile *f = fd_get(fd);

	if (f && is_queue(f))
		return f;
	ofile_put(f);
	return NULL;
}

DEFINE_SYSCALL3(mq_getsetattr, s32, fd, uva, user_new, uva, user_old)
{
	struct mq_attr new = {0}, old = {0};
	struct mqueue *q;
	struct ofile *f;

	if (user_new && get_user(&new, user_new))
		return -EFAULT;
	if (new.mq_flags & ~(s64)O_NONBLOCK)
		return -EINVAL;
	f = get_any(fd);
	if (!f)
		return -EBADF;
	q = file_of(f)->queue;
	mutex_lock(&mq_lock);
	old.mq_maxmsg = q->most;
	old.mq_msgsize = q->size_max;
	old.mq_curmsgs = q->count;
	old.mq_flags = f->flags & O_NONBLOCK;
	if (user_new)
		f->flags = (f->flags & ~(u32)O_NONBLOCK) | (u32) new.mq_flags;
	mutex_unlock(&mq_lock);
	ofile_put(f);
	return user_old && put_user(old, user_old) ? -EFAULT : 0;
}

/* Removes the running process's registration, if it has one. */
static void unregister(struct mqueue *q)
{
	struct registration n = {0};

	mutex_lock(&mq_lock);
	if (q->notify.pid == current_process()->pid)
		n = take_registration(q);
	mutex_unlock(&mq_lock);
	notify(&n, COOKIE_REMOVED);
}

/*
 * Registers the running process. Takes the cookie over if it returns 0; returns -EBUSY if the queue
 * has a registration.
 */
static int register_for(struct mqueue *q, const sigevent_t *ev, struct cookie *cookie)
{
	int err = -EBUSY;

	mutex_lock(&mq_lock);
	if (!q->notify.pid) {
		q->notify = (struct registration){
			.pid = current_process()->pid,
			.how = ev->sigev_notify,
			.sig = ev->sigev_signo,
			.value = ev->sigev_value,
			.cookie = cookie,
		};
		err = 0;
	}
	mutex_unlock(&mq_lock);
	return err;
}

/* Checks a program's request, and makes *cookie if it is for SIGEV_THREAD. Returns 0 or -errno. */
static int check_event(const sigevent_t *ev, struct cookie **cookie)
{
	switch (ev->sigev_notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_SIGNAL:
		return ev->sigev_signo < 0 || ev->sigev_signo > NSIG ? -EINVAL : 0;
	case SIGEV_THREAD:
		return cookie_new(cookie, ev->sigev_signo, (uva)ev->sigev_value.sival_ptr);
	default:
		return -EINVAL;
	}
}

DEFINE_SYSCALL2(mq_notify, s32, fd, uva, user_event)
{
	struct cookie *cookie = NULL;
	struct ofile *f;
	sigevent_t ev;
	int err = 0;

	if (user_event) {
		if (get_user(&ev, user_event))
			return -EFAULT;
		err = check_event(&ev, &cookie);
		if (err)
			return err;
	}
	f = get_any(fd);
	if (!f)
		err = -EBADF;
	else if (user_event)
		err = register_for(file_of(f)->queue, &ev, cookie);
	else
		unregister(file_of(f)->queue);
	if (err)
		cookie_put(cookie);
	ofile_put(f);
	return err;
}

/* -- As a file --------------------------------------------------------------------------------- */

static void mqueue_closed(struct ofile *f)
{
	unregister(file_of(f)->queue);
}

static void mqueue_release(struct ofile *f)
{
	struct mq_file *file = file_of(f);

	if (!file->queue)
		return;
	mutex_lock(&mq_lock);
	LIST_REMOVE(file, link);
	free_unused(file->queue);
	mutex_unlock(&mq_lock);
}

/* The device and inode numbers are those of the host's eventfd. */
static s64 mqueue_stat(struct ofile *f, struct stat *st)
{
	const struct mqueue *q = file_of(f)->queue;
	s64 r = hc_fstat(f->handle, st, sizeof(*st));

	if (r < 0)
		return r;
	mutex_lock(&mq_lock);
	st->st_mode = S_IFREG | q->mode;
	st->st_nlink = q->name ? 1 : 0;
	st->st_uid = q->uid;
	st->st_gid = q->gid;
	st->st_size = STATUS_SIZE;
	st->st_ctime = (u64)q->ctime;
	st->st_mtime = (u64)q->mtime;
	st->st_atime = (u64)q->atime;
	mutex_unlock(&mq_lock);
	return 0;
}

/* The text is that of mq_overview(7), "Mounting the message queue filesystem". */
static s64 mqueue_read(struct ofile *f, struct io_request *rq)
{
	struct mq_file *file = file_of(f);
	const struct mqueue *q = file->queue;
	char text[STATUS_SIZE];
	u64 size, from, len;

	if (!rq->count)
		return -EINVAL;
	mutex_lock(&mq_lock);
	size = (u64)snprintf(
		text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
		q->bytes, q->notify.pid ? q->notify.how : 0,
		q->notify.pid && q->notify.how == SIGEV_SIGNAL ? q->notify.sig : 0, q->notify.pid);
	mutex_unlock(&mq_lock);
	from = MIN(file->pos, size);
	len = MIN(rq->iov->iov_len, size - from);
	if (copy_to_user((u64)rq->iov->iov_base, text + from, len))
		return -EFAULT;
	file->pos = from + len;
	return (s64)len;
}

static const struct file_ops mqueue_ops = {
	.size = sizeof(struct mq_file),
	.read = mqueue_read,
	.seek = host_seek,
	.stat = mqueue_stat,
	.poll_handle = host_poll_handle,
	.ioctl = host_ioctl,
	.closed = mqueue_closed,
	.release = mqueue_release,
};
