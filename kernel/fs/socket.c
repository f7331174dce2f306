// SPDX-License-Identifier: MIT
/*
 * Sockets. Pairs of unix sockets are the kernel's own until they move to the host (fs/unix.h); all
 * other sockets are host files. The kernel does what the host cannot do for a guest process: it
 * passes the process's directory along for relative unix addresses, and puts the root of chroot(2)
 * before absolute ones. It turns descriptors in SCM_RIGHTS into handles and back, checks
 * SCM_CREDENTIALS, and sends SIGPIPE.
 */
#include <linux/net.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include "kernel/fs/bounce.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/fs_needs.h"
#include "kernel/fs/host_file.h"
#include "kernel/fs/pipe.h"
#include "kernel/fs/socket.h"
#include "kernel/fs/unix.h"
#include "kernel/time/clock.h"

#define ADDR_UNIX_MAX 110 /* struct sockaddr_un */
#define OPTION_MAX    4096
#define MMSG_MAX      UIO_MAXIOV
#define MESSAGE_MAX   0x7ffff000UL

/*
 * As fd_get. Returns NULL with *err for a file without a handle, which is no socket. A pair of unix
 * sockets moves to the host: the caller needs the handle.
 */
static struct ofile *socket_get(s32 fd, s64 *err)
{
	struct ofile *f = fd_get(fd);

	*err = f ? -ENOTSOCK : -EBADF;
	if (f && unix_file_of(f))
		*err = ofile_handle(f);
	if (f && f->handle >= 0)
		return f;
	ofile_put(f);
	return NULL;
}

/*
 * The value of the expression call, in which f is the open file of descriptor fd, if that is a unix
 * socket of the kernel; else ON_HOST.
 */
#define WITH_UNIX(f, fd, call)                                                                     \
	({                                                                                         \
		struct ofile *f = fd_get(fd);                                                      \
		s64 r_##f = f && unix_file_of(f) ? (call) : ON_HOST;                               \
		ofile_put(f);                                                                      \
		r_##f;                                                                             \
	})

/* As fd_handle. */
static s32 socket_handle(s32 fd, struct ofile **file)
{
	s64 err;

	*file = socket_get(fd, &err);
	return *file ? (*file)->handle : (s32)err;
}

#define WITH_SOCKET(h, fd, call) WITH_HANDLE(socket_handle, h, fd, call)

/* Returns error r of a call on fd, unless fd is no socket: Linux finds that before bad arguments.
 */
static s64 unless_no_socket(s32 fd, s64 r)
{
	struct ofile *f;

	if (r != -EFAULT && r != -EINVAL && r != -ENOPROTOOPT)
		return r;
	f = fd_get(fd);
	if (!f)
		r = -EBADF;
	else if (ofile_type(f) != S_IFSOCK)
		r = -ENOTSOCK;
	ofile_put(f);
	return r;
}

s64 fs_restart_socket(s32 handle, bool sends, s64 result)
{
	struct __kernel_old_timeval limit = {0};

	if (result != -EINTR)
		return result;
	signal_upcall();
	/* Without a signal only a kick ended the call: restart it. */
	if (!signal_pending())
		return -ERESTARTSYS;
	hc_getsockopt(handle, SOL_SOCKET, sends ? SO_SNDTIMEO : SO_RCVTIMEO, &limit, sizeof(limit));
	return limit.tv_sec || limit.tv_usec ? -EINTR : -ERESTARTSYS;
}

static s64 sent(s32 handle, s64 r, u32 flags)
{
	/* On Linux only streams send the signal. */
	if (r == -EPIPE && !(flags & MSG_NOSIGNAL) && !fs_sends_messages(handle))
		fs_signal(SIGPIPE);
	return fs_restart_socket(handle, true, r);
}

/* -- Addresses -------------------------------------------------------------------------------- */

bool fs_sends_messages(s32 handle)
{
	s32 type = SOCK_STREAM;

	return hc_getsockopt(handle, SOL_SOCKET, SO_TYPE, &type, sizeof(type)) >= 0 &&
	       type != SOCK_STREAM;
}

/* Puts the root of chroot(2) before an absolute unix path. Returns 0 or -errno. */
static int address_below_root(struct address *a)
{
	char *path = (char *)a->bytes + sizeof(u16);
	const u64 most = ADDR_UNIX_MAX - sizeof(u16);
	u16 family;
	s64 r;

	memcpy(&family, a->bytes, sizeof(family));
	if (family != AF_UNIX || a->len <= sizeof(family) || *path != '/')
		return 0;
	path[MIN(a->len - sizeof(family), most)] = '\0';
	r = root_prefix(path, most);
	a->len = (u32)(sizeof(family) + strlen(path) + 1);
	return (int)r;
}

static int address_from_user(struct address *a, uva addr, s32 len)
{
	if (len < 0 || len > ADDR_MAX)
		return -EINVAL;
	a->len = len;
	if (copy_from_user(a->bytes, addr, len) < 0)
		return -EFAULT;
	return root_is_own() ? address_below_root(a) : 0;
}

/* Copies as much as fits into the program's buffer, and the whole length to *len_ptr: accept(2). */
static s64 address_to_user(const struct address *a, uva addr, uva len_ptr)
{
	s32 space;

	if (get_user(&space, len_ptr) < 0)
		return -EFAULT;
	if (space < 0)
		return -EINVAL;
	/* A receive from a connected stream gives no address, and then addr may be invalid. */
	if (a->len && copy_to_user(addr, a->bytes, MIN((u32)space, MIN(a->len, (u32)ADDR_MAX))) < 0)
		return -EFAULT;
	return put_user(a->len, len_ptr);
}

/* bind(2) and connect(2) on the host; dir: the handle of the process's directory. */
static s64 host_bind(s32 fd, s32 dir, const struct address *a)
{
	s64 r = WITH_SOCKET(h, fd, fs_restart_socket(h, true, hc_bind(h, dir, a->bytes, a->len)));

	if (r >= 0)
		WITH_UNIX(f, fd, (unix_bound(f, dir, a), 0));
	return r;
}

static s64 host_connect(s32 fd, s32 dir, const struct address *a)
{
	s64 r = WITH_UNIX(f, fd, unix_connect(f, dir, a));

	if (r != ON_HOST)
		return r;
	return WITH_SOCKET(h, fd, fs_restart_socket(h, true, hc_connect(h, dir, a->bytes, a->len)));
}

static s64 with_address(s32 fd, uva addr, s32 len,
			s64 (*call)(s32 fd, s32 dir, const struct address *a))
{
	struct address a = {0};
	struct ofile *cwd;
	s64 r = address_from_user(&a, addr, len);

	if (r < 0)
		return r;
	r = call(fd, cwd_handle(&cwd), &a);
	ofile_put(cwd);
	return r;
}

DEFINE_SYSCALL3(bind, s32, fd, uva, addr, s32, len)
{
	return unless_no_socket(fd, with_address(fd, addr, len, host_bind));
}

DEFINE_SYSCALL3(connect, s32, fd, uva, addr, s32, len)
{
	struct ofile *f = fd_get(fd);
	s64 r = f ? with_address(fd, addr, len, host_connect) : -EBADF;

	ofile_put(f);
	return r;
}

static s64 get_name(s32 fd, bool peer, uva addr, uva len_ptr)
{
	struct address a;
	s64 r = WITH_UNIX(f, fd, unix_get_name(f, peer, &a));

	if (r == ON_HOST)
		r = WITH_SOCKET(h, fd,
				fs_nointr(peer ? hc_getpeername(h, &a, sizeof(a))
					       : hc_getsockname(h, &a, sizeof(a))));
	return r < 0 ? r : address_to_user(&a, addr, len_ptr);
}

DEFINE_SYSCALL3(getsockname, s32, fd, uva, addr, uva, len_ptr)
{
	return get_name(fd, false, addr, len_ptr);
}

DEFINE_SYSCALL3(getpeername, s32, fd, uva, addr, uva, len_ptr)
{
	return get_name(fd, true, addr, len_ptr);
}

/* -- Making and connecting ----------------------------------------------------------------- */

/* socketpair(2) for AF_UNIX, by the kernel itself. */
static s64 unix_socketpair(u32 type, uva out)
{
	u32 kind = type & SOCK_TYPE_MASK;
	struct ofile *file[2];
	int err;

	if (kind == SOCK_RAW)
		kind = SOCK_DGRAM; /* as Linux */
	err = unix_pair_new(kind, O_RDWR | (type & SOCK_NONBLOCK), file);
	return err ? err : fd_install_pair(file, type & SOCK_CLOEXEC, out);
}

/* Returns true if the arguments are right for a unix socket; else the host finds the error. */
static bool is_unix(u32 domain, u32 type, u32 protocol)
{
	const u32 kind = type & SOCK_TYPE_MASK;

	return domain == AF_UNIX && (protocol == 0 || protocol == AF_UNIX) &&
	       !(type & ~(u32)(SOCK_TYPE_MASK | SOCK_CLOEXEC | SOCK_NONBLOCK)) &&
	       (kind == SOCK_STREAM || kind == SOCK_DGRAM || kind == SOCK_RAW ||
		kind == SOCK_SEQPACKET);
}

/* socket(2) for AF_UNIX. For connections, the socket is the kernel's until the host has to know it.
 */
static s64 unix_socket(u32 type)
{
	const u32 kind = type & SOCK_TYPE_MASK, flags = O_RDWR | (type & SOCK_NONBLOCK);
	int err = -ENOMEM;
	struct ofile *f = kind == SOCK_STREAM || kind == SOCK_SEQPACKET
				  ? unix_new(kind, flags)
				  : unix_dgram_new(flags, &err);
	s32 fd = f ? fd_install(f, 0, type & SOCK_CLOEXEC) : err;

	if (f && fd < 0)
		ofile_put(f);
	return fd;
}

DEFINE_SYSCALL3(socket, u32, domain, u32, type, u32, protocol)
{
	if (is_unix(domain, type, protocol))
		return unix_socket(type);
	return fd_new(fs_nointr(hc_socket(domain, type & ~SOCK_CLOEXEC, protocol)),
		      O_RDWR | (type & SOCK_NONBLOCK), type & SOCK_CLOEXEC);
}

DEFINE_SYSCALL4(socketpair, u32, domain, u32, type, u32, protocol, uva, out)
{
	const u32 flags = O_RDWR | (type & SOCK_NONBLOCK);
	s32 handle[2];
	s64 r;

	if (is_unix(domain, type, protocol))
		return unix_socketpair(type, out);
	r = fs_nointr(
		hc_socketpair(domain, type & ~SOCK_CLOEXEC, protocol, handle, sizeof(handle)));

	return r < 0 ? r
		     : fd_new_pair(handle, (const u32[2]){flags, flags}, type & SOCK_CLOEXEC, out);
}

DEFINE_SYSCALL2(listen, s32, fd, s32, backlog)
{
	s64 r = WITH_SOCKET(h, fd, fs_nointr(hc_listen(h, (u64)(s64)backlog)));

	if (r >= 0)
		WITH_UNIX(f, fd, (unix_listens(f), 0));
	return r;
}

/*
 * Makes an open file for an accepted connection, which has this handle and client. The client may
 * be a socket of the sandbox: then the kernel has the connection, and the client has no name.
 */
static struct ofile *accepted(struct ofile *listener, s64 handle, struct address *client, u32 flags,
			      int *err)
{
	struct ofile *f = NULL;

	*err = (int)MIN(handle, 0L);
	if (handle < 0)
		return NULL;
	if (unix_file_of(listener))
		f = unix_accepted(listener, (s32)handle, client, flags);
	if (!f)
		return host_file_of_result(handle, flags, err);
	*client = (struct address){.len = sizeof(u16), .bytes = {AF_UNIX}};
	return f;
}

DEFINE_SYSCALL4(accept4, s32, fd, uva, addr, uva, len_ptr, u32, flags)
{
	struct ofile *listener, *f;
	struct address a = {0};
	int err;
	s64 r;

	listener = socket_get(fd, &r);
	if (r != -EBADF && flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		r = -EINVAL;
	if (!listener || r == -EINVAL) {
		ofile_put(listener);
		return r;
	}
	r = fs_restart_socket(listener->handle, false,
			      hc_accept4(listener->handle, flags & SOCK_NONBLOCK, &a, sizeof(a)));
	f = accepted(listener, r, &a, O_RDWR | (flags & SOCK_NONBLOCK), &err);
	ofile_put(listener);
	if (!f)
		return err;
	r = addr ? address_to_user(&a, addr, len_ptr) : 0;
	if (r >= 0)
		r = fd_install(f, 0, flags & SOCK_CLOEXEC);
	if (r < 0)
		ofile_put(f);
	return r;
}

DEFINE_SYSCALL3(accept, s32, fd, uva, addr, uva, len_ptr)
{
	return do_accept4(fd, addr, len_ptr, 0);
}

DEFINE_SYSCALL2(shutdown, s32, fd, u32, how)
{
	s64 r = WITH_UNIX(f, fd, unix_shutdown(f, how));

	return r == ON_HOST ? WITH_SOCKET(h, fd, fs_nointr(hc_shutdown(h, how))) : r;
}

/* -- Options ------------------------------------------------------------------------------- */

/* struct sock_fprog: a classic BPF program, by pointer. */
struct filter_program {
	u16 len; /* instructions of 8 bytes */
	u16 pad[3];
	uva filter;
};
_Static_assert(sizeof(struct filter_program) == 16, "struct sock_fprog of linux/filter.h");

static bool is_program(s32 level, s32 name)
{
	return level == SOL_SOCKET &&
	       (name == SO_ATTACH_FILTER || name == SO_ATTACH_REUSEPORT_CBPF);
}

/* Passes the instructions as the option's value. -ENOMEM if they are more than OPTION_MAX bytes. */
static s64 attach_program(s32 fd, s32 level, s32 name, uva value, s32 len)
{
	struct filter_program p;
	u32 bytes;
	void *buf;
	s64 r;

	if (len != sizeof(p))
		return -EINVAL;
	if (get_user(&p, value) < 0)
		return -EFAULT;
	bytes = p.len * 8u;
	if (bytes == 0)
		return -EINVAL;
	buf = bytes > OPTION_MAX ? NULL : kmalloc(bytes);
	if (!buf)
		return -ENOMEM;
	r = copy_from_user(buf, p.filter, bytes);
	if (r >= 0)
		r = WITH_FD(h, fd, fs_nointr(hc_setsockopt(h, level, name, buf, bytes, HC_NONE)));
	kfree(buf);
	return r;
}

static s64 set_option(s32 fd, s32 level, s32 name, uva value, s32 len)
{
	void *buf;
	s64 r;

	if (len < 0 || len > OPTION_MAX)
		return -EINVAL;
	if (is_program(level, name))
		return attach_program(fd, level, name, value, len);
	buf = kmalloc(len + 1);
	if (!buf)
		return -ENOMEM;
	r = copy_from_user(buf, value, len);
	if (r >= 0)
		r = WITH_UNIX(f, fd, unix_set_option(f, level, name, buf, (u32)len));
	if (r == ON_HOST)
		r = WITH_SOCKET(
			h, fd,
			fs_nointr(hc_setsockopt(h, level, name, value ? buf : NULL, len, HC_NONE)));
	kfree(buf);
	return r;
}

DEFINE_SYSCALL5(setsockopt, s32, fd, s32, level, s32, name, uva, value, s32, len)
{
	return unless_no_socket(fd, set_option(fd, level, name, value, len));
}

static s64 get_option(s32 fd, s32 level, s32 name, uva value, uva len_ptr)
{
	u32 needed = 0;
	s32 len;
	void *buf;
	s64 r;

	if (get_user(&len, len_ptr) < 0)
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = MIN(len, OPTION_MAX);
	buf = kzalloc(len + 1);
	if (!buf)
		return -ENOMEM;
	r = copy_from_user(buf, value, len); /* some options read the buffer, too */
	if (r >= 0)
		r = WITH_UNIX(f, fd, unix_get_option(f, level, name, buf, (u32)len, &needed));
	if (r == ON_HOST)
		r = WITH_SOCKET(h, fd, fs_nointr(hc_getsockopt(h, level, name, buf, len)));
	if (r == -ERANGE && needed)
		r = put_user(needed, len_ptr) < 0 ? -EFAULT : r;
	if (r >= 0) {
		len = r;
		r = copy_to_user(value, buf, len);
	}
	if (r >= 0)
		r = put_user(len, len_ptr);
	kfree(buf);
	return r;
}

DEFINE_SYSCALL5(getsockopt, s32, fd, s32, level, s32, name, uva, value, uva, len_ptr)
{
	return unless_no_socket(fd, get_option(fd, level, name, value, len_ptr));
}

/* -- Control messages ---------------------------------------------------------------------- */

static u32 cmsg_fds(const struct cmsghdr *c)
{
	if (c->level != SOL_SOCKET || c->type != SCM_RIGHTS)
		return 0;
	return (c->len - sizeof(*c)) / sizeof(s32);
}

/* References to the files of an outgoing message, until it is sent. */
struct rights {
	u32 count;
	struct ofile *file[HOSTCALL_CONTROL_MAX / sizeof(s32)];
};

/* Returns the struct ucred (unix(7)) of a control message, or NULL if it has none. */
static struct unix_cred *cmsg_cred(struct cmsghdr *c)
{
	return c->level == SOL_SOCKET && c->type == SCM_CREDENTIALS &&
			       c->len == sizeof(*c) + sizeof(struct unix_cred)
		       ? (struct unix_cred *)(c + 1)
		       : NULL;
}

/*
 * Replaces the descriptors in control data by handles, and adds the files to rights. Checks the
 * sender in the data, to which *claim then points.
 */
static s64 control_out(void *control, u64 len, struct rights *rights,
		       const struct unix_cred **claim)
{
	struct cmsghdr *c;

	for (u64 at = 0; (c = cmsg_at(control, len, at)); at += cmsg_size(c)) {
		const struct unix_cred *cred = cmsg_cred(c);
		s32 *fd = (s32 *)(c + 1);
		int err = cred ? creds_may_claim(cred->pid, cred->uid, cred->gid) : 0;

		if (err < 0)
			return err;
		if (cred)
			*claim = cred;
		for (u32 i = 0; i < cmsg_fds(c); i++) {
			fd[i] = fd_handle_any(fd[i], &rights->file[rights->count]);
			if (fd[i] < 0)
				return -EBADF;
			rights->count++;
		}
	}
	return 0;
}

/* Calls travel_begin for all files. Returns 0 or -ENOBUFS. */
static s64 rights_begin(const struct rights *rights)
{
	for (u32 i = 0; i < rights->count; i++) {
		if (travel_begin(rights->file[i])) {
			while (i--)
				travel_cancel(rights->file[i]);
			return -ENOBUFS;
		}
	}
	return 0;
}

static void rights_cancel(const struct rights *rights)
{
	for (u32 i = 0; i < rights->count; i++)
		travel_cancel(rights->file[i]);
}

static void rights_put(struct rights *rights)
{
	if (!rights)
		return;
	for (u32 i = 0; i < rights->count; i++)
		ofile_put(rights->file[i]);
	kfree(rights);
}

/*
 * Makes a descriptor for a received handle, or for f if that is not NULL and was sent as the
 * handle. Takes handle and the reference to f in any case.
 */
static s32 arrive(s32 handle, struct ofile *f, bool cloexec)
{
	s32 fd;

	if (f)
		hc_close(handle);
	else
		f = pipe_arrived(handle);
	if (!f)
		f = unix_arrived(handle);
	if (!f) {
		s64 flags = hc_fcntl(handle, F_GETFL, 0);

		return fd_new(handle, flags < 0 ? O_RDWR : (u32)flags, cloexec);
	}
	fd = fd_install(f, 0, cloexec);
	if (fd < 0)
		ofile_put(f);
	return fd;
}

/*
 * Replaces the handles in control data by descriptors, and the sender that the host tells by the
 * one that the kernel knows. Returns the new length of the data. If there is no descriptor left,
 * closes the other handles, cuts the data there and sets MSG_CTRUNC, as unix(7) says.
 */
static u64 control_in(struct ofile *from, const struct address *sender, void *control, u64 len,
		      u32 asked, u32 *flags)
{
	struct cmsghdr *c;
	u64 end = 0;

	for (u64 at = 0; (c = cmsg_at(control, len, at)); at += cmsg_size(c)) {
		u32 count = cmsg_fds(c), good = 0;
		s32 *fd = (s32 *)(c + 1);

		if (cmsg_cred(c) && unix_file_of(from))
			unix_show_sender(from, sender, cmsg_cred(c));
		for (u32 i = 0; i < count; i++) {
			struct ofile *f = travel_end(fd[i], asked & MSG_PEEK);
			s32 new = good == i ? arrive(fd[i], f, asked & MSG_CMSG_CLOEXEC) : -EMFILE;

			if (new >= 0) {
				fd[good++] = new;
			} else if (good != i) { /* arrive closes the first that fails */
				hc_close(fd[i]);
				ofile_put(f);
			}
		}
		if (good < count) {
			*flags |= MSG_CTRUNC;
			c->len -= (count - good) * sizeof(s32);
			return at + c->len;
		}
		end = MIN(at + cmsg_size(c), len);
	}
	return end;
}

/* -- Messages ------------------------------------------------------------------------------ */

/* A message during a call: its parts are in kernel memory or pinned. */
struct message {
	struct address addr;
	struct user_segs *data;
	struct bounce bounce;	 /* in place of data, if .len is set */
	const struct segs *segs; /* for the hostcall: those of data or bounce */
	struct iovec *iov;
	void *control;
	u64 controllen;
};

static void message_put(struct message *m)
{
	if (m->data)
		user_segs_put(m->data);
	bounce_put(&m->bounce);
	kfree(m->iov);
	kfree(m->control);
}

/*
 * Called if data does not have all sum bytes of the buffers, because they take too many segments or
 * a page is not there. A message is not sent without its end, and not received in part if the
 * receiver's buffers have space for all of it. So it is bounced. Returns >= 0 or -errno.
 */
static s64 message_rest(struct message *m, s32 handle, u64 count, u64 sum, bool receive)
{
	bool in_pieces = m->data->segs.count == HOSTCALL_SEGS_MAX;
	s64 r;

	if (!in_pieces)
		return !receive && fs_sends_messages(handle) ? -EFAULT : 0;
	if (sum > BOUNCE_CHUNK && !fs_sends_messages(handle))
		return 0; /* a stream may be cut */
	if (sum > BOUNCE_MAX)
		return -ENOBUFS;
	r = bounce_get(&m->bounce, m->iov, (u32)count, sum, !receive);
	m->segs = &m->bounce.segs;
	return r;
}

/* Pins the buffers, or makes a bounce buffer for a message with too many segments. */
static s64 message_data(struct message *m, s32 handle, uva user_iov, u64 count, bool receive)
{
	u64 sum = 0;
	s64 r;

	if (count > UIO_MAXIOV)
		return -EMSGSIZE;
	m->iov = kmalloc(count * sizeof(*m->iov) + 1);
	m->data = user_segs_new();
	if (!m->iov || !m->data)
		return -ENOMEM;
	m->segs = &m->data->segs;
	r = copy_from_user(m->iov, user_iov, count * sizeof(*m->iov));
	for (u64 i = 0; r >= 0 && i < count; i++) {
		u64 len = MIN(m->iov[i].iov_len, MESSAGE_MAX - sum);

		if ((s64)m->iov[i].iov_len < 0)
			return -EINVAL;
		if (len && m->data->bytes == sum)
			r = user_segs_add(m->data, (u64)m->iov[i].iov_base, len, receive);
		sum += len;
	}
	if (r < 0 || m->data->bytes == sum)
		return r;
	return message_rest(m, handle, count, sum, receive);
}

static s64 send_chunks(struct ofile *f, struct message *m, struct rights *rights, u32 flags)
{
	const struct unix_cred *claim = NULL;
	struct ofile *cwd;
	s32 dir;
	s64 r;

	if (m->controllen) {
		r = control_out(m->control, m->controllen, rights, &claim);
		if (r >= 0)
			r = rights_begin(rights);
		if (r < 0)
			return r;
	}
	if (unix_file_of(f))
		unix_note_sender(f, claim);
	dir = cwd_handle(&cwd);
	r = hc_sendmsg(f->handle, dir, m->addr.bytes, m->addr.len, m->segs, m->control,
		       m->controllen, flags & ~MSG_CMSG_CLOEXEC);
	ofile_put(cwd);
	if (r < 0 && m->controllen)
		rights_cancel(rights);
	return sent(f->handle, r, flags);
}

static s64 send_message(s32 fd, const struct msghdr *hdr, u32 flags)
{
	struct message m = {0};
	struct rights *rights = NULL;
	s64 r = WITH_UNIX(u, fd, unix_sendmsg(u, hdr, flags));
	struct ofile *f;

	if (r != ON_HOST)
		return r;
	f = socket_get(fd, &r);
	if (!f)
		return r;
	if (hdr->name && hdr->namelen)
		r = address_from_user(&m.addr, hdr->name, MIN(hdr->namelen, ADDR_MAX));
	else
		r = 0;
	if (r >= 0 && hdr->control && hdr->controllen) {
		m.controllen = hdr->controllen;
		m.control = m.controllen > HOSTCALL_CONTROL_MAX ? NULL : kmalloc(m.controllen);
		rights = kzalloc(sizeof(*rights));
		if (!m.control || !rights)
			r = -ENOBUFS;
		else
			r = copy_from_user(m.control, hdr->control, m.controllen);
	}
	if (r >= 0)
		r = message_data(&m, f->handle, hdr->iov, hdr->iovlen, false);
	if (r >= 0)
		r = send_chunks(f, &m, rights, flags);
	message_put(&m);
	rights_put(rights);
	ofile_put(f);
	return r;
}

/* Returns the sender's name that a receive from f has brought, and hides it if it is not to be
 * seen. */
static struct address received_from(const struct ofile *f, struct hostcall_recv *head)
{
	struct address a = {.len = head->addr_len};

	memcpy(a.bytes, head->addr, sizeof(a.bytes));
	if (f->ops == &unix_ops && unix_dgram_hidden(&a))
		head->addr_len = 0;
	return a;
}

/* recvmsg(2). Fills in the output fields of *hdr. */
static s64 recv_message(s32 fd, struct msghdr *hdr, u32 flags)
{
	struct hostcall_recv *head;
	struct message m = {0};
	struct address sender;
	s64 r = WITH_UNIX(u, fd, unix_recvmsg(u, hdr, flags));
	u64 space = hdr->control ? MIN(hdr->controllen, (u64)HOSTCALL_CONTROL_MAX) : 0;
	struct ofile *f;

	if (r != ON_HOST)
		return r;
	f = socket_get(fd, &r);
	if (!f)
		return r;
	head = m.control = kzalloc(sizeof(*head) + space);
	r = head ? message_data(&m, f->handle, hdr->iov, hdr->iovlen, true) : -ENOMEM;
	if (r >= 0)
		r = fs_restart_socket(f->handle, false,
				      hc_recvmsg(f->handle, m.segs, head, sizeof(*head) + space,
						 flags & ~MSG_CMSG_CLOEXEC));
	if (r >= 0) {
		u64 len = MIN((u64)head->control_len, space);
		s64 err = m.bounce.len ? bounce_scatter(&m.bounce, r) : 0;

		if (err >= 0)
			r = cookie_received(f, m.iov, hdr->iovlen, r, flags, &head->flags);
		sender = received_from(f, head);
		len = control_in(f, &sender, head + 1, len, flags, &head->flags);
		if (err >= 0 && hdr->name) {
			u32 copied = MIN((u32)MAX(hdr->namelen, 0), MIN(head->addr_len, ADDR_MAX));

			err = copy_to_user(hdr->name, head->addr, copied);
		}
		if (err >= 0 && len)
			err = copy_to_user(hdr->control, head + 1, len);
		hdr->namelen = hdr->name ? head->addr_len : 0;
		hdr->controllen = len;
		hdr->flags = head->flags | (flags & MSG_CMSG_CLOEXEC);
		if (err < 0)
			r = err;
	}
	message_put(&m);
	ofile_put(f);
	return r;
}

DEFINE_SYSCALL3(sendmsg, s32, fd, uva, user_hdr, u32, flags)
{
	struct msghdr hdr;

	return unless_no_socket(fd, get_user(&hdr, user_hdr) < 0 ? -EFAULT
								 : send_message(fd, &hdr, flags));
}

/* Writes the whole header back: the fields that recvmsg does not change are the program's own. */
static s64 header_to_user(uva user_hdr, const struct msghdr *hdr)
{
	return copy_to_user(user_hdr, hdr, sizeof(*hdr));
}

DEFINE_SYSCALL3(recvmsg, s32, fd, uva, user_hdr, u32, flags)
{
	struct msghdr hdr;
	s64 r;

	if (get_user(&hdr, user_hdr) < 0)
		return unless_no_socket(fd, -EFAULT);
	r = recv_message(fd, &hdr, flags);
	return r >= 0 && header_to_user(user_hdr, &hdr) < 0 ? -EFAULT : r;
}

DEFINE_SYSCALL4(sendmmsg, s32, fd, uva, vec, u32, count, u32, flags)
{
	s64 r = 0;
	u32 i;

	for (i = 0; i < MIN(count, (u32)MMSG_MAX); i++) {
		uva at = vec + i * sizeof(struct mmsghdr);
		struct mmsghdr m;

		r = get_user(&m, at);
		if (r >= 0)
			r = send_message(fd, &m.hdr, flags);
		if (r >= 0)
			r = put_user((u32)r, at + offsetof(struct mmsghdr, len));
		if (r < 0)
			break;
	}
	return i ? i : r;
}

/* The timeout is checked only after each message: recvmmsg(2), BUGS. */
DEFINE_SYSCALL5(recvmmsg, s32, fd, uva, vec, u32, count, u32, flags, uva, timeout)
{
	u64 deadline;
	s64 r = fs_deadline_of_user(timeout, 1, &deadline);
	u32 i;

	for (i = 0; r >= 0 && i < MIN(count, (u32)MMSG_MAX); i++) {
		uva at = vec + i * sizeof(struct mmsghdr);
		struct mmsghdr m;

		if (i && fs_time_left(deadline) == 0)
			break;
		r = get_user(&m, at);
		if (r >= 0)
			r = recv_message(fd, &m.hdr, flags & ~MSG_WAITFORONE);
		if (r >= 0) {
			m.len = r;
			r = copy_to_user(at, &m, sizeof(m));
		}
		if (r < 0)
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
	}
	return i ? i : r;
}

/* sendto and recvfrom: a message of one buffer, without control data. */
DEFINE_SYSCALL6(sendto, s32, fd, uva, buf, u64, len, u32, flags, uva, addr, s32, addr_len)
{
	struct message m = {0};
	struct iovec whole = {(void *)buf, len};
	struct ofile *f;
	s64 r = 0, total = 0;

	if (addr)
		r = address_from_user(&m.addr, addr, addr_len);
	if (r < 0)
		return unless_no_socket(fd, r);
	r = WITH_UNIX(u, fd, unix_sendto(u, buf, MIN(len, MESSAGE_MAX), flags, m.addr.len));
	if (r != ON_HOST)
		return r;
	f = socket_get(fd, &r);
	if (!f)
		return r;
	r = 0;
	m.iov = &whole;
	/* A stream goes in chunks if one hostcall does not take all of it. */
	do {
		u64 wanted;

		m.data = user_segs_new();
		if (!m.data) {
			r = -ENOMEM;
			break;
		}
		user_segs_continue((u64)total);
		r = user_segs_add(m.data, buf + total, MIN(len, MESSAGE_MAX) - total, false);
		wanted = m.data->bytes;
		m.segs = &m.data->segs;
		if (r >= 0 && !total && wanted < len && fs_sends_messages(f->handle)) {
			r = message_rest(&m, f->handle, 1, len, false);
			wanted = len;
		}
		if (r >= 0)
			r = send_chunks(f, &m, NULL, flags | (total ? MSG_NOSIGNAL : 0));
		user_segs_put(m.data);
		bounce_put(&m.bounce);
		if (r < 0)
			break;
		total += r;
		/* A chunk that only a kick has cut short does not end the call: see rw.c. */
		if ((u64)r < wanted)
			signal_upcall();
		if ((u64)r < wanted && (r == 0 || signal_pending()))
			break;
	} while ((u64)total < MIN(len, MESSAGE_MAX));
	ofile_put(f);
	return total ? total : unless_no_socket(fd, r);
}

DEFINE_SYSCALL6(recvfrom, s32, fd, uva, buf, u64, len, u32, flags, uva, addr, uva, len_ptr)
{
	struct hostcall_recv head;
	struct iovec whole = {(void *)buf, MIN(len, MESSAGE_MAX)};
	struct message m = {.iov = &whole};
	struct address sender;
	s64 r = WITH_UNIX(u, fd,
			  (unix_sender(u, &sender), unix_recvfrom(u, buf, whole.iov_len, flags)));
	struct ofile *f;

	if (r != ON_HOST) {
		const s64 err = r >= 0 && addr ? address_to_user(&sender, addr, len_ptr) : 0;

		return err < 0 ? err : r;
	}
	f = socket_get(fd, &r);
	if (!f)
		return r;
	m.data = user_segs_new();
	r = m.data ? 0 : -ENOMEM;
	if (r >= 0)
		r = user_segs_add(m.data, buf, whole.iov_len, true);
	if (r >= 0) {
		m.segs = &m.data->segs;
		if (m.data->bytes < whole.iov_len)
			r = message_rest(&m, f->handle, 1, whole.iov_len, true);
	}
	if (r >= 0)
		r = fs_restart_socket(f->handle, false,
				      hc_recvmsg(f->handle, m.segs, &head, sizeof(head), flags));
	if (r > 0 && m.bounce.len && bounce_scatter(&m.bounce, r) < 0)
		r = -EFAULT;
	bounce_put(&m.bounce);
	if (m.data)
		user_segs_put(m.data);
	if (r > 0)
		r = cookie_received(f, &(struct iovec){(void *)buf, len}, 1, r, flags, NULL);
	if (r >= 0) {
		sender = received_from(f, &head);
		sender.len = head.addr_len;
	}
	ofile_put(f);
	r = unless_no_socket(fd, r);
	if (r >= 0 && addr) {
		s64 err = address_to_user(&sender, addr, len_ptr);

		if (err < 0)
			r = err;
	}
	return r;
}
