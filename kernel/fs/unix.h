/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets between processes of the sandbox: unix(7). Two connected sockets are the two ends of
 * a pair, which the guest kernel keeps, with the messages on their way and the threads that wait,
 * until the host has to know it. Then the pair moves to the host, for good, as a pipe does
 * (fs/pipe.c). A socket that is not connected is a pair with one end. Sockets with names, and with
 * them all that listen, have moved.
 *
 * This header is for fs/unix*.c and fs/socket.c. Layers: unix_message.c, unix_inflight.c,
 * unix_transfer.c, unix_move.c, unix_option.c, unix_connect.c, unix_dgram.c, unix_socket.c.
 */
#ifndef KERNEL_FS_UNIX_H
#define KERNEL_FS_UNIX_H

#include <bsd/sys/queue.h>
#include "kernel/fs/file.h"
#include "kernel/fs/io.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/waitq.h"
#include "kernel/lock.h"

#define UNIX_READABLE	(POLLIN | POLLRDNORM)
#define UNIX_WRITABLE	(POLLOUT | POLLWRNORM | POLLWRBAND)

#define ON_HOST		(-EREMOTE) /* the pair has moved: the host has the answer */

/* Bits of unix_end.shutdown. Both: what shutdown(2) with SHUT_RDWR sets. */
#define UNIX_NO_RECEIVE 1
#define UNIX_NO_SEND	2

#define UNIX_FILES_MAX	253 /* SCM_MAX_FD: most files in one message, unix(7) */
#define UNIX_GROUPS_MAX 64  /* as struct creds has */

/* -- Messages: fs/unix_message.c -------------------------------------------------------------- */

/* The struct ucred of unix(7). */
struct unix_cred {
	s32 pid;
	u32 uid, gid;
};

/* Open files that a message takes along (SCM_RIGHTS), with one reference to each. */
struct unix_files {
	TAILQ_ENTRY(unix_files) link; /* of those that wait to be put: fs/unix_inflight.c */
	u32 count;
	u32 sockets;  /* how many of them are unix sockets of the kernel */
	bool counted; /* are in flight: fs/unix_inflight.c has counted them */
	struct ofile *file[];
};

/* A message, or a part of a stream that one call sent. */
struct unix_message {
	TAILQ_ENTRY(unix_message) link; /* of unix_end.queue; pair.lock */
	u32 refs;			/* atomic: the queue's, and of threads that peek */
	u32 len;
	u32 read;   /* bytes of a stream that were read; pair.lock */
	u32 charge; /* what the message counts against the sender's SO_SNDBUF */
	bool has_cred;
	struct unix_cred cred;	  /* of the sender, if has_cred */
	struct unix_files *files; /* owned; NULL: none. pair.lock */
	u32 chunks;
	char *chunk[]; /* the bytes: UNIX_CHUNK in each but the last one */
};
#define UNIX_CHUNK 32768U
TAILQ_HEAD(unix_queue, unix_message);

/*
 * Makes a message of the next len bytes of the request, which it advances; 0 is allowed. before:
 * how many bytes of the system call lie before these. Returns NULL with -EFAULT or -ENOMEM in *err.
 */
struct unix_message *unix_message_new(struct io_request *rq, u64 len, u64 before, int *err);
/* Drops a reference. The last one frees the message, which has no files then. */
void unix_message_put(struct unix_message *m);
/* Copies the first n bytes of the message to the program, and advances rq. Returns 0 or -EFAULT. */
int unix_message_copy_out(const struct unix_message *m, struct io_request *rq, u64 n);
/* Returns the bytes of the message from offset at on; *n: how many lie there, at most max. */
const char *unix_message_bytes(const struct unix_message *m, u32 at, u64 max, u64 *n);
/*
 * Returns what a message of len bytes counts against SO_SNDBUF on Linux, where the struct sk_buff
 * and the unused part of its memory count, too. stream: of a SOCK_STREAM.
 */
u32 unix_charge(u64 len, bool stream);
/* Most bytes of a stream that Linux puts into one struct sk_buff. */
#define UNIX_STREAM_PART_MAX 36544U

/* -- Pairs ------------------------------------------------------------------------------------- */

struct unix_file;
struct unix_listener;

/* The process on the other side, as SO_PEERCRED and its kin tell. */
struct unix_peer {
	struct unix_cred cred;
	u32 ngroups;
	u32 groups[UNIX_GROUPS_MAX];
};

struct unix_end {
	struct unix_pair *pair;
	LIST_HEAD(, unix_file) files; /* at most one before the pair moves */
	bool open;		      /* has files, or waits for accept(2) to make one */
	bool connected;		      /* a datagram socket is not after it found its peer closed */
	struct unix_queue queue;      /* what the other end sent */
	u64 unread;		      /* bytes of the queue */
	u32 charge;		      /* of this end's messages in the other's queue */
	u32 sndbuf, rcvbuf;	      /* as getsockopt(2) shows them; 0: not known yet */
	s32 rcvlowat;
	u64 send_ns, receive_ns; /* SO_SNDTIMEO, SO_RCVTIMEO; FS_FOREVER: no limit */
	u32 shutdown;		 /* UNIX_NO_* */
	s32 error;		 /* errno that the next call returns; 0: none */
	bool pass_cred, pass_pidfd;
	struct waitq waiters; /* UNIX_READABLE, UNIX_WRITABLE, POLLHUP, POLLERR, ... */
	bool has_peer;	      /* the kernel knows the peer */
	struct unix_peer peer;
	struct unix_cred sent; /* if pair.on_host: who sent last through this end; pid 0: unknown */
	struct unix_name *named; /* of a datagram socket: fs/unix_dgram.c. Owned */
	bool mixed;		 /* what is on its way from this end may be of several senders */
	s32 held; /* handle for the file that accept(2) will make, if the pair has moved; else -1 */
	u64 ino;  /* 0: no program has seen it yet */
	u32 uid, gid;		/* of who made the socket */
	u64 host_dev, host_ino; /* of the host's socket, if pair.on_host */
};

struct unix_pair {
	LIST_ENTRY(unix_pair) link; /* of those on the host; unix_moved_lock */
	struct mutex lock;	    /* guards all below, and both ends */
	u32 type;		    /* SOCK_* */
	bool on_host;		    /* has moved, for good: queues and waiters are empty then */
	struct unix_end end[2];

	/* Of a pair that connect(2) made: end[0] is the client. */
	bool connecting;     /* a thread is in connect(2) */
	struct address name; /* of end[1], as the listener's; .len 0: socketpair(2) made the pair */

	/* fs/unix_connect.c has the lock of these. */
	struct unix_listener *listener; /* of end[0], if it has a name; owned */
	struct unix_listener *at;	/* where the pair waits for accept(2) */
	TAILQ_ENTRY(unix_pair) of_listener;
	struct address token; /* of the host's connection that stands for the pair */
};

struct unix_file {
	struct ofile file;
	LIST_ENTRY(unix_file) link; /* of unix_end.files */
	struct unix_end *end;

	/* fs/unix_inflight.c has the lock of these. */
	u32 inflight; /* how many of the file's references are in messages */
	u32 internal; /* of these: in queues that nothing but messages can reach */
	bool reached;
	LIST_ENTRY(unix_file) of_inflight;
	SLIST_ENTRY(unix_file) to_visit; /* reached, and what its messages have is not yet */
};

extern const struct file_ops unix_ops;

/* Returns f as a unix socket of the kernel; NULL: it is another kind of file. */
static inline struct unix_file *unix_file_of(struct ofile *f)
{
	return f->ops == &unix_ops ? (struct unix_file *)f : NULL;
}

static inline struct unix_end *unix_other(struct unix_end *e)
{
	return &e->pair->end[e == &e->pair->end[0]];
}

/* Returns true if messages stay whole: all types but SOCK_STREAM. */
bool unix_has_messages(const struct unix_pair *p);
/* Fills in sndbuf and rcvbuf if they are not known. pair.lock is held, or nobody knows e yet. */
void unix_know_sizes(struct unix_end *e);
/* As Linux's unix_writable: true if poll(2) shows the end as writable. pair.lock is held. */
bool unix_is_writable(const struct unix_end *e);
/* Makes an open file of the end, which owns handle. NULL: no memory. pair.lock is held. */
struct ofile *unix_file_new(struct unix_end *e, u32 flags, s32 handle);
/* Reduces what e's messages count by charge, and wakes who waits to write. pair.lock is held. */
void unix_uncharge(struct unix_end *e, u32 charge, struct wakeups *w);

/*
 * socketpair(2) for AF_UNIX. type: SOCK_* without flags, of those that unix sockets have. Fills in
 * two open files. Returns 0 or -errno.
 */
int unix_pair_new(u32 type, u32 flags, struct ofile *file[2]);

/* -- Files in flight: fs/unix_inflight.c ------------------------------------------------------- */

/*
 * Guards the counts of files in messages. Taken before pair.lock by a thread that adds a message
 * with files to a queue, or receives one: so the collector sees neither half done.
 */
extern struct mutex unix_inflight_lock;

/* Returns true if there are files in flight: a thread that receives takes the lock then. */
bool unix_inflight_any(void);
/* Counts the files, which go into a queue. Returns 0 or -ETOOMANYREFS. The lock is held. */
int unix_inflight_add(struct unix_files *files);
/* The opposite, for files that a thread receives. The lock is held. */
void unix_inflight_remove(struct unix_files *files);
/* Drops the references, and frees files; NULL is allowed. The caller holds no lock. */
void unix_files_put(struct unix_files *files);
/* Frees what a queue has lost: messages and their files. The caller holds no lock. */
void unix_queue_put(struct unix_queue *q);
/* Called after a unix socket was closed: frees sockets that only their own messages can reach. */
void unix_collect(void);
/* The same before a send, if there are many more in flight than at the last time. */
void unix_collect_if_many(void);

/* -- Transfer: fs/unix_transfer.c ---------------------------------------------------------------
 */

/* What a message has beside its bytes. */
struct unix_scm {
	struct unix_files *files; /* owned; NULL: none */
	bool has_cred;
	struct unix_cred cred;
};

/*
 * sendmsg(2) without an address, with MSG_* flags. Takes scm->files unless it returns an error.
 * Returns bytes, or -errno; ON_HOST: nothing was sent, and rq is as it was.
 */
s64 unix_send(struct ofile *f, struct io_request *rq, struct unix_scm *scm, u32 flags);
/*
 * recvmsg(2). *scm gets what the message has, the files with references for the caller. *flags:
 * MSG_* of the call, then those for the program. Returns bytes, or -errno; ON_HOST: received
 * nothing.
 */
s64 unix_receive(struct ofile *f, struct io_request *rq, struct unix_scm *scm, u32 *flags);
s64 unix_read(struct ofile *f, struct io_request *rq);
s64 unix_write(struct ofile *f, struct io_request *rq);

/* -- Calls with a struct msghdr: fs/unix_call.c --------------------------------------------------
 */

struct msghdr;

/*
 * sendmsg(2), recvmsg(2), and their shorter forms, for whole calls. unix_recvmsg fills in the
 * output fields of *hdr. addr_len: of the address that the call has; 0: none. ON_HOST: nothing is
 * done, and the host has to do all.
 */
s64 unix_sendmsg(struct ofile *f, const struct msghdr *hdr, u32 flags);
s64 unix_recvmsg(struct ofile *f, struct msghdr *hdr, u32 flags);
s64 unix_sendto(struct ofile *f, uva buf, u64 len, u32 flags, u32 addr_len);
s64 unix_recvfrom(struct ofile *f, uva buf, u64 len, u32 flags);

/* -- To the host: fs/unix_move.c ----------------------------------------------------------------
 */

/* Guards the list of moved pairs, and their end[].open. Taken before pair.lock. */
extern struct mutex unix_moved_lock;

/* The operation .to_host. */
s64 unix_to_host(struct ofile *f);
/*
 * The same for a socket that is not connected, with a handle of the host's, which is. Takes the
 * handle unless it returns an error. Returns 0 or -errno.
 */
s64 unix_adopt(struct ofile *f, s32 handle);
/*
 * Called for a handle that a message brought. If it is an end of a pair that has moved, returns a
 * new open file of that end, which owns the handle. NULL: it is not, or there is no memory; the
 * handle then stays the caller's.
 */
struct ofile *unix_arrived(s32 handle);

/*
 * For the host every guest process is the monitor, so the kernel notes who sends through a pair
 * that has moved: unix_note_sender is called before a send through f, with the claim of an
 * SCM_CREDENTIALS or NULL. unix_show_sender is called with a struct ucred that the host gives to
 * the receiver f, and the name of the socket that has sent: the struct becomes that of the last
 * sender, unless a process outside has sent the message, or messages of several senders are on
 * their way.
 */
void unix_note_sender(struct ofile *f, const struct unix_cred *claim);
void unix_show_sender(struct ofile *f, const struct address *from, struct unix_cred *cred);

/* -- Options: fs/unix_option.c ------------------------------------------------------------------
 */

/*
 * setsockopt(2) and getsockopt(2), with the value in kernel memory, of len bytes. unix_get_option
 * returns the bytes of the value; *needed is set with -ERANGE. ON_HOST: the host has the answer.
 */
s64 unix_set_option(struct ofile *f, s32 level, s32 name, const void *value, u32 len);
s64 unix_get_option(struct ofile *f, s32 level, s32 name, void *value, u32 len, u32 *needed);
/* The operation .ioctl. */
s64 unix_ioctl(struct ofile *f, u32 nr, u64 arg);

/* -- The rest of a socket: fs/unix_socket.c -----------------------------------------------------
 */

/* shutdown(2). ON_HOST: the pair has moved. */
s64 unix_shutdown(struct ofile *f, u32 how);
/* getpeername(2) and getsockname(2): 0 with the name in *a, -ENOTCONN, or ON_HOST. */
s64 unix_get_name(struct ofile *f, bool peer, struct address *a);
/* Fills in the name of who sends to f: .len 0 if it has none. */
void unix_sender(struct ofile *f, struct address *a);
/* Makes a socket that is not connected. A SOCK_DGRAM has to move at once. NULL: no memory. */
struct ofile *unix_new(u32 type, u32 flags);
/* Fills in what the running thread is for the other end: SO_PEERCRED. */
void unix_set_peer(struct unix_end *e);
/* Makes e as new, for end[1] of a pair that is about to be connected. */
void unix_end_init(struct unix_end *e, struct unix_pair *p);
/*
 * Closes e if it has no files but f, which goes; f NULL: nobody will accept the end. The other end
 * learns it. Frees the pair if both ends are closed. The caller holds no lock.
 */
void unix_close(struct unix_end *e, struct unix_file *f);

/* -- Names and connections: fs/unix_connect.c ---------------------------------------------------
 */

/* connect(2). ON_HOST: the socket has moved, or is connected already: the host has the answer. */
s64 unix_connect(struct ofile *f, s32 dir, const struct address *a);
/* Called after bind(2) and listen(2) have succeeded on the host. */
void unix_bound(struct ofile *f, s32 dir, const struct address *a);
void unix_listens(struct ofile *f);
/*
 * Called after accept(2) on the host has returned handle and the client's name. If the client is a
 * socket of the sandbox, returns the other end of its pair, and closes the handle. NULL: it is not,
 * or there is no memory; the handle then stays the caller's.
 */
struct ofile *unix_accepted(struct ofile *listener, s32 handle, const struct address *client,
			    u32 flags);
/* Called before f, which may listen, goes into a message of the host's. */
void unix_leaves(struct ofile *f);
/* Called when end[0] of the pair has closed, without a lock. */
void unix_listener_closes(struct unix_pair *p);

/* -- Datagrams by name: fs/unix_dgram.c ---------------------------------------------------------
 */

/* Makes a socket of the host's that is not connected. NULL with -errno in *err. */
struct ofile *unix_dgram_new(u32 flags, int *err);
/* A process of the sandbox asks for the senders of datagrams. */
void unix_dgram_wants(void);
/* Called after bind(2) has succeeded on the host, and before f sends. Neither holds a lock. */
void unix_dgram_bound(struct ofile *f);
void unix_dgram_sends(struct ofile *f);
/* Fills in who sent last through the socket with this name. Returns false if that is not known. */
bool unix_dgram_sender(const struct address *from, struct unix_cred *cred);
/* Returns true if a socket of the sandbox has this name without having asked for one. */
bool unix_dgram_hidden(const struct address *a);
bool unix_dgram_is_hidden(struct unix_end *e); /* the same of e's name */
/* Called when the end has closed, without a lock. */
void unix_dgram_closes(struct unix_end *e);

#endif
