// SPDX-License-Identifier: MIT
/*
 * System V message queues: msgget(2), msgop(2), msgctl(2).
 *
 * A message goes straight to the first waiting receiver that accepts it; otherwise it is queued. A
 * sender that finds no space waits in the queue's list with its message, and the thread that makes
 * space sends the message. So a thread that is woken has nothing left to do.
 *
 * queues.lock guards everything; only the heap's lock is taken inside.
 */
#include <asm/msgbuf.h>
#include <linux/msg.h>
#include "kernel/define_syscall.h"
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/wait.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc_text.h"
#include "kernel/task/creds.h"
#include "kernel/task/process.h"

struct message {
	TAILQ_ENTRY(message) link;
	s64 type;
	u64 size;
	char text[];
};

struct msg_queue {
	struct ipc_perm_k perm; /* first: the table points to it */
	s64 stime, rtime, ctime;
	u64 bytes, count; /* of the queued messages */
	u64 most;	  /* msg_qbytes: the limit of bytes and of messages */
	s32 lspid, lrpid;
	TAILQ_HEAD(, message) messages;
	TAILQ_HEAD(, receiver) receivers;
	TAILQ_HEAD(, sender) senders;
};

enum wanted { ANY, EXACTLY, NOT, UP_TO };

struct receiver {
	TAILQ_ENTRY(receiver) link;
	enum wanted wanted;
	s64 type;
	u64 space;
	bool cut; /* MSG_NOERROR */
	s32 pid;
	u32 woken;
	int error; /* 0: got is valid */
	struct message *got;
};

struct sender {
	TAILQ_ENTRY(sender) link;
	struct message *message;
	s32 pid;
	u32 woken;
	int error;
};

static struct ipc_table queues = IPC_TABLE_INIT(MSGMNI, LOCK_MSG);
static u64 all_bytes, all_messages; /* in all queues */

/* -- Queueing ---------------------------------------------------------------------------------- */

static bool matches(const struct message *m, enum wanted wanted, s64 type)
{
	switch (wanted) {
	case EXACTLY:
		return m->type == type;
	case NOT:
		return m->type != type;
	case UP_TO:
		return m->type <= type;
	default:
		return true;
	}
}

static void wake_receiver(struct msg_queue *q, struct receiver *r, int error, struct message *m)
{
	TAILQ_REMOVE(&q->receivers, r, link);
	r->error = error;
	r->got = m;
	ipc_wake(&r->woken);
}

static void wake_sender(struct msg_queue *q, struct sender *s, int error)
{
	TAILQ_REMOVE(&q->senders, s, link);
	s->error = error;
	ipc_wake(&s->woken);
}

static bool has_space(const struct msg_queue *q, const struct message *m)
{
	return q->bytes + m->size <= q->most && q->count + 1 <= q->most;
}

static void sent(struct msg_queue *q, s32 pid)
{
	q->lspid = pid;
	q->stime = ipc_now();
}

static void received(struct msg_queue *q, s32 pid)
{
	q->lrpid = pid;
	q->rtime = ipc_now();
}

/* Gives the message to a receiver, or queues it. */
static void deliver(struct msg_queue *q, struct message *m, s32 pid)
{
	struct receiver *r, *next;

	sent(q, pid);
	for (r = TAILQ_FIRST(&q->receivers); r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (!matches(m, r->wanted, r->type))
			continue;
		if (m->size > r->space && !r->cut) {
			wake_receiver(q, r, -E2BIG, NULL);
			continue;
		}
		received(q, r->pid);
		wake_receiver(q, r, 0, m);
		return;
	}
	TAILQ_INSERT_TAIL(&q->messages, m, link);
	q->bytes += m->size;
	q->count++;
	all_bytes += m->size;
	all_messages++;
}

/* There is more space: sends the messages of waiting senders that fit. */
static void let_senders(struct msg_queue *q)
{
	struct sender *s, *next;

	for (s = TAILQ_FIRST(&q->senders); s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (!has_space(q, s->message))
			continue;
		deliver(q, s->message, s->pid);
		wake_sender(q, s, 0);
	}
}

static void unqueue(struct msg_queue *q, struct message *m)
{
	TAILQ_REMOVE(&q->messages, m, link);
	q->bytes -= m->size;
	q->count--;
	all_bytes -= m->size;
	all_messages--;
}

/*
 * msgrcv(2): returns the first message that matches. With UP_TO it is the first of the lowest type.
 */
static struct message *find(struct msg_queue *q, const struct receiver *r)
{
	struct message *m, *best = NULL;

	TAILQ_FOREACH (m, &q->messages, link) {
		if (!matches(m, r->wanted, r->type))
			continue;
		if (r->wanted != UP_TO)
			return m;
		if (!best || m->type < best->type)
			best = m;
	}
	return best;
}

/* -- msgget ------------------------------------------------------------------------------------ */

static s32 create(s32 key, u32 flags)
{
	struct msg_queue *q = kzalloc(sizeof(*q));
	s32 id;

	if (!q)
		return -ENOMEM;
	id = ipc_add(&queues, &q->perm, key, flags);
	if (id < 0) {
		kfree(q);
		return id;
	}
	q->ctime = ipc_now();
	q->most = MSGMNB;
	TAILQ_INIT(&q->messages);
	TAILQ_INIT(&q->receivers);
	TAILQ_INIT(&q->senders);
	return id;
}

DEFINE_SYSCALL2(msgget, s32, key, u32, flags)
{
	struct msg_queue *q;
	int err;

	mutex_lock(&queues.lock);
	q = ipc_get(&queues, key, flags, &err);
	if (q)
		err = ipc_allowed(&q->perm, flags) ? q->perm.id : -EACCES;
	else if (!err)
		err = create(key, flags);
	mutex_unlock(&queues.lock);
	return err;
}

/* -- msgsnd, msgrcv ---------------------------------------------------------------------------- */

/* Takes the message over, unless it returns an error. */
static s64 send(s32 id, struct message *m, u32 flags)
{
	struct sender s = {.message = m, .pid = current_process()->pid};
	struct msg_queue *q;
	s64 err = 0;

	mutex_lock(&queues.lock);
	q = ipc_find(&queues, id);
	if (!q)
		err = -EINVAL;
	else if (!ipc_allowed(&q->perm, IPC_WRITE))
		err = -EACCES;
	else if (has_space(q, m))
		deliver(q, m, s.pid);
	else if (flags & IPC_NOWAIT)
		err = -EAGAIN;
	else
		err = 1;
	if (err <= 0) {
		mutex_unlock(&queues.lock);
		return err;
	}
	TAILQ_INSERT_TAIL(&q->senders, &s, link);
	mutex_unlock(&queues.lock);
	err = ipc_sleep(&s.woken, IPC_FOREVER);
	mutex_lock(&queues.lock);
	/* If the thread was not woken, the queue still exists. */
	if (s.woken)
		err = s.error;
	else
		TAILQ_REMOVE(&q->senders, &s, link);
	mutex_unlock(&queues.lock);
	return err == -EINTR ? -ERESTARTNOHAND : err;
}

DEFINE_SYSCALL4(msgsnd, s32, id, uva, from, u64, size, u32, flags)
{
	struct message *m;
	s64 type, err;

	if (get_user(&type, from))
		return -EFAULT;
	if (size > MSGMAX || id < 0 || type < 1)
		return -EINVAL;
	m = kmalloc(sizeof(*m) + size);
	if (!m)
		return -ENOMEM;
	m->type = type;
	m->size = size;
	err = copy_from_user(m->text, from + sizeof(type), size);
	if (!err)
		err = send(id, m, flags);
	if (err)
		kfree(m);
	return err;
}

/* Returns a message, which the caller frees, or returns NULL and sets *err. */
static struct message *receive(s32 id, struct receiver *r, u32 flags, s64 *err)
{
	struct message *m = NULL;
	struct msg_queue *q;

	*err = 0;
	mutex_lock(&queues.lock);
	q = ipc_find(&queues, id);
	if (!q)
		*err = -EINVAL;
	else if (!ipc_allowed(&q->perm, IPC_READ))
		*err = -EACCES;
	else if (!(m = find(q, r)))
		*err = flags & IPC_NOWAIT ? -ENOMSG : 1;
	else if (m->size > r->space && !r->cut)
		*err = -E2BIG;
	if (*err < 0)
		m = NULL;
	if (m) {
		unqueue(q, m);
		received(q, r->pid);
		let_senders(q);
	}
	if (*err <= 0) {
		mutex_unlock(&queues.lock);
		return m;
	}
	TAILQ_INSERT_TAIL(&q->receivers, r, link);
	mutex_unlock(&queues.lock);
	*err = ipc_sleep(&r->woken, IPC_FOREVER);
	mutex_lock(&queues.lock);
	/* If the thread was not woken, the queue still exists. */
	if (r->woken)
		*err = r->error;
	else
		TAILQ_REMOVE(&q->receivers, r, link);
	mutex_unlock(&queues.lock);
	if (*err == -EINTR)
		*err = -ERESTARTNOHAND;
	return r->got;
}

static void set_wanted(struct receiver *r, s64 type, u32 flags)
{
	r->type = type;
	if (type == 0) {
		r->wanted = ANY;
	} else if (type < 0) {
		r->wanted = UP_TO;
		r->type = type == INT64_MIN ? INT64_MAX : -type;
	} else {
		r->wanted = flags & MSG_EXCEPT ? NOT : EXACTLY;
	}
}

DEFINE_SYSCALL5(msgrcv, s32, id, uva, to, u64, size, s64, type, u32, flags)
{
	struct receiver r = {
		.space = size, .cut = flags & MSG_NOERROR, .pid = current_process()->pid};
	struct message *m;
	s64 err;

	if (id < 0 || (s64)size < 0)
		return -EINVAL;
	if (flags & MSG_COPY) {
		/* As a kernel without CONFIG_CHECKPOINT_RESTORE, which MSG_COPY was made for. */
		return (flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT) ? -EINVAL : -ENOSYS;
	}
	set_wanted(&r, type, flags);
	m = receive(id, &r, flags, &err);
	if (!m)
		return err;
	size = MIN(size, m->size);
	err = (s64)size;
	if (put_user(m->type, to) || copy_to_user(to + sizeof(m->type), m->text, size))
		err = -EFAULT;
	kfree(m);
	return err;
}

/* -- msgctl ------------------------------------------------------------------------------------ */

static s64 info(u32 cmd, uva out)
{
	struct msginfo i = {
		.msgpool = MSGPOOL,
		.msgmap = MSGMAP,
		.msgmax = MSGMAX,
		.msgmnb = MSGMNB,
		.msgmni = MSGMNI,
		.msgssz = MSGSSZ,
		.msgtql = MSGTQL,
		.msgseg = (u16)MSGSEG,
	};
	s32 highest;

	mutex_lock(&queues.lock);
	if (cmd == MSG_INFO) {
		i.msgpool = (s32)queues.used;
		i.msgmap = (s32)all_messages;
		i.msgtql = (s32)all_bytes;
	}
	highest = ipc_highest(&queues);
	mutex_unlock(&queues.lock);
	return put_user(i, out) ? -EFAULT : highest;
}

/* IPC_STAT, MSG_STAT, MSG_STAT_ANY. */
static s64 stat(s32 id, u32 cmd, uva out)
{
	struct msqid64_ds ds = {0};
	struct msg_queue *q;
	s64 result = 0;

	mutex_lock(&queues.lock);
	q = cmd == IPC_STAT ? ipc_find(&queues, id) : ipc_at(&queues, id);
	if (!q) {
		result = -EINVAL;
	} else if (cmd != MSG_STAT_ANY && !ipc_allowed(&q->perm, IPC_READ)) {
		result = -EACCES;
	} else {
		ds.msg_perm = ipc_stat(&q->perm);
		ds.msg_stime = q->stime;
		ds.msg_rtime = q->rtime;
		ds.msg_ctime = q->ctime;
		ds.msg_cbytes = q->bytes;
		ds.msg_qnum = q->count;
		ds.msg_qbytes = q->most;
		ds.msg_lspid = q->lspid;
		ds.msg_lrpid = q->lrpid;
		result = cmd == IPC_STAT ? 0 : q->perm.id;
	}
	mutex_unlock(&queues.lock);
	return result >= 0 && put_user(ds, out) ? -EFAULT : result;
}

static void destroy(struct msg_queue *q)
{
	struct message *m;

	while (!TAILQ_EMPTY(&q->receivers))
		wake_receiver(q, TAILQ_FIRST(&q->receivers), -EIDRM, NULL);
	while (!TAILQ_EMPTY(&q->senders))
		wake_sender(q, TAILQ_FIRST(&q->senders), -EIDRM);
	while ((m = TAILQ_FIRST(&q->messages))) {
		unqueue(q, m);
		kfree(m);
	}
	ipc_remove(&queues, &q->perm);
	kfree(q);
}

static int set(struct msg_queue *q, const struct msqid64_ds *ds)
{
	int err;

	if (ds->msg_qbytes > MSGMNB && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	err = ipc_set(&q->perm, &ds->msg_perm);
	if (err)
		return err;
	q->most = ds->msg_qbytes;
	q->ctime = ipc_now();
	let_senders(q);
	return 0;
}

/* IPC_SET, IPC_RMID. */
static s64 change(s32 id, u32 cmd, uva arg)
{
	struct msqid64_ds ds;
	struct msg_queue *q;
	s64 err = 0;

	if (cmd == IPC_SET && get_user(&ds, arg))
		return -EFAULT;
	mutex_lock(&queues.lock);
	q = ipc_find(&queues, id);
	if (!q)
		err = -EINVAL;
	else if (!ipc_owned(&q->perm))
		err = -EPERM;
	else if (cmd == IPC_RMID)
		destroy(q);
	else
		err = set(q, &ds);
	mutex_unlock(&queues.lock);
	return err;
}

DEFINE_SYSCALL3(msgctl, s32, id, u32, cmd, uva, arg)
{
	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return info(cmd, arg);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return stat(id, cmd, arg);
	case IPC_SET:
	case IPC_RMID:
		return change(id, cmd, arg);
	default:
		return -EINVAL;
	}
}

/* /proc/sysvipc/msg: proc(5). */
void proc_text_msg(struct text *t, const struct proc_ctx *c)
{
	(void)c;
	text_printf(t, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid"
		       "  cuid  cgid      stime      rtime      ctime\n");
	mutex_lock(&queues.lock);
	for (u32 i = 0; i < queues.size; i++) {
		const struct msg_queue *q = ipc_at(&queues, (s32)i);

		if (q)
			text_printf(t,
				    "%10d %10d  %4o  %10lu %10lu %5d %5d %5u %5u %5u %5u %10ld "
				    "%10ld %10ld\n",
				    q->perm.key, q->perm.id, q->perm.mode, q->bytes, q->count,
				    q->lspid, q->lrpid, q->perm.uid, q->perm.gid, q->perm.cuid,
				    q->perm.cgid, q->stime, q->rtime, q->ctime);
	}
	mutex_unlock(&queues.lock);
}
