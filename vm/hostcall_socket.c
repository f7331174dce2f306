// SPDX-License-Identifier: MIT
/*
 * Hostcalls on sockets. Three things must not pass unchanged: a unix path that is relative to the
 * program's directory; options and control messages whose data points into the caller's memory; and
 * descriptors in control messages, which are handles for the guest.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/jail/net.h"
#include "vm/sockopt.h"

#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#ifndef SOL_TLS
#define SOL_TLS 282
#endif
#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define RIGHTS_MAX 253 /* SCM_MAX_FD: unix(7) */

/* Returns true for a family of sockets that programs may have. */
static bool is_family(u64 domain)
{
	static const u8 families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK};

	for (u32 i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i] == domain)
			return true;
	return false;
}

s64 hc_do_socket(struct call *c, u64 domain, u64 type, u64 protocol)
{
	s64 fd;

	(void)c;
	if (!is_family(domain))
		return -EAFNOSUPPORT;
	fd = net_may_make(domain, type, protocol);
	if (fd < 0)
		return fd;
	fd = HOST_CALL(socket, domain, type | SOCK_CLOEXEC, protocol);
	return fd < 0 ? fd : handle_add((int)fd);
}

s64 hc_do_socketpair(struct call *c, u64 domain, u64 type, u64 protocol, void *handles,
		     u32 handles_len)
{
	int fd[2];
	s64 err;

	(void)c;
	/* No other family that hc_do_socket knows has pairs. */
	if (domain != AF_UNIX)
		return is_family(domain) ? -EOPNOTSUPP : -EAFNOSUPPORT;
	err = HOST_CALL(socketpair, domain, type | SOCK_CLOEXEC, protocol, (u64)fd);
	return err < 0 ? err : host_new_pair(fd, handles, handles_len);
}

/*
 * Enters dir if the address is a relative unix path, which then means what it means to the program.
 */
static s64 enter_address(int dir, const void *addr, u32 addr_len)
{
	const struct sockaddr_un *un = addr;
	u32 path = offsetof(struct sockaddr_un, sun_path);

	/* An unnamed address, or an abstract one, which begins with NUL (unix(7)). */
	if (addr_len <= path || un->sun_family != AF_UNIX || un->sun_path[0] == '\0')
		return 0;
	return host_enter_dir(dir, un->sun_path);
}

s64 hc_do_bind(struct call *c, int file, int dir, const void *addr, u32 addr_len)
{
	s64 ret = net_may_bind(addr, addr_len);
	u64 mask;

	if (ret == 0)
		ret = enter_address(dir, addr, addr_len);
	if (ret == 0)
		ret = host_own_fs();
	if (ret < 0)
		return ret;
	/* The host makes the mode of a unix socket, by the umask at the start of the sandbox. */
	mask = (u64)HOST_CALL(umask, c->s->umask);
	ret = HOST_CALL(bind, (u64)file, (u64)addr, addr_len);
	HOST_CALL(umask, mask);
	return ret;
}

s64 hc_do_connect(struct call *c, int file, int dir, const void *addr, u32 addr_len)
{
	s64 err = net_may_reach(addr, addr_len, false);

	if (err == 0)
		err = enter_address(dir, addr, addr_len);
	return err < 0 ? err : HOST_AGAIN(c, connect, (u64)file, (u64)addr, addr_len);
}

s64 hc_do_listen(struct call *c, int file, u64 backlog)
{
	s64 err = net_may_listen(file);

	(void)c;
	return err < 0 ? err : HOST_CALL(listen, (u64)file, backlog);
}

/* An address in the form in which these hostcalls return it. */
struct named {
	u32 len;
	u8 addr[sizeof(struct sockaddr_storage)];
};

s64 hc_do_accept4(struct call *c, int file, u64 flags, void *addr, u32 addr_len)
{
	struct named *named = addr;
	s64 fd;

	if (addr && addr_len < sizeof(*named))
		return -EINVAL;
	if (named)
		named->len = sizeof(named->addr);
	fd = HOST_AGAIN(c, accept4, (u64)file, named ? (u64)named->addr : 0,
			named ? (u64)&named->len : 0, flags | SOCK_CLOEXEC);
	return fd < 0 ? fd : handle_add((int)fd);
}

static s64 name_of(long nr, int file, struct named *named, u32 len)
{
	if (len < sizeof(*named))
		return -EINVAL;
	named->len = sizeof(named->addr);
	return host_syscall(nr, (const u64[6]){(u64)file, (u64)named->addr, (u64)&named->len});
}

s64 hc_do_getsockname(struct call *c, int file, void *addr, u32 addr_len)
{
	(void)c;
	return name_of(SYS_getsockname, file, addr, addr_len);
}

s64 hc_do_getpeername(struct call *c, int file, void *addr, u32 addr_len)
{
	(void)c;
	return name_of(SYS_getpeername, file, addr, addr_len);
}

/* ---- options -------------------------------------------------------------------------------- */

/*
 * Sets a classic BPF program. The guest sends the instructions, and the host kernel gets a pointer
 * to the monitor's copy of them. The host kernel itself checks the program.
 */
static s64 set_program(int file, u64 level, u64 name, const void *value, u32 value_len)
{
	struct sock_fprog program = {
		.len = (unsigned short)(value_len / sizeof(struct sock_filter)),
		.filter = UNCONST(value),
	};

	if (value_len == 0 || value_len % sizeof(struct sock_filter) != 0)
		return -EINVAL;
	return HOST_CALL(setsockopt, (u64)file, level, name, (u64)&program, sizeof(program));
}

/*
 * The rings of packet sockets are memory of the host's kernel that the guest maps (window.c). What
 * they may have together is limited, and each socket is counted by its inode until the guest gives
 * its ring back.
 */
#define RINGS_BYTES (128UL << 20)
#define RINGS_MAX   256

static struct {
	pthread_mutex_t lock; /* guards all below */
	u64 bytes;
	u32 count;
	struct ring {
		ino_t socket;
		int option;
		u64 bytes;
	} ring[RINGS_MAX];
} rings = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Returns the socket's entry, or a new one of 0 bytes; NULL: there are too many. */
static struct ring *ring_of(ino_t socket, int option)
{
	for (u32 i = 0; i < rings.count; i++)
		if (rings.ring[i].socket == socket && rings.ring[i].option == option)
			return &rings.ring[i];
	if (rings.count == RINGS_MAX)
		return NULL;
	rings.ring[rings.count] = (struct ring){.socket = socket, .option = option};
	return &rings.ring[rings.count++];
}

static s64 set_ring(int file, int option, const void *value, u32 value_len)
{
	struct tpacket_req3 request = {0};
	struct ring *ring;
	struct stat st;
	u64 bytes;
	s64 ret;

	memcpy(&request, value, MIN(value_len, sizeof(request)));
	bytes = (u64)request.tp_block_size * request.tp_block_nr;
	ret = HOST_CALL(fstat, (u64)file, (u64)&st);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&rings.lock);
	ring = ring_of(st.st_ino, option);
	if (!ring || bytes > RINGS_BYTES - (rings.bytes - ring->bytes))
		ret = -ENOMEM;
	else
		ret = HOST_CALL(setsockopt, (u64)file, SOL_PACKET, (u64)option, (u64)&request,
				value_len);
	if (ret >= 0) {
		rings.bytes += bytes - ring->bytes;
		ring->bytes = bytes;
	}
	if (ring && !ring->bytes)
		*ring = rings.ring[--rings.count];
	pthread_mutex_unlock(&rings.lock);
	return ret;
}

s64 hc_do_setsockopt(struct call *c, int file, u64 level, u64 name, const void *value,
		     u32 value_len, u64 len_)
{
	u32 most = sockopt_size(level, name, SOCKOPT_SET);

	(void)c, (void)len_;
	if (net_may_set((int)level, (int)name) < 0)
		return -EPERM;
	if (sockopt_size(level, name, SOCKOPT_PROGRAM) > 0)
		return set_program(file, level, name, value, value_len);
	if (most == 0)
		return -ENOPROTOOPT;
	if (level == SOL_PACKET && (name == PACKET_RX_RING || name == PACKET_TX_RING))
		return set_ring(file, (int)name, value, MIN(value_len, most));
	return HOST_CALL(setsockopt, (u64)file, level, name, (u64)value, MIN(value_len, most));
}

s64 hc_do_getsockopt(struct call *c, int file, u64 level, u64 name, void *value, u32 value_len)
{
	u32 most = sockopt_size(level, name, SOCKOPT_GET), len = MIN(value_len, most);
	s64 ret;

	if (most == 0)
		return -ENOPROTOOPT;
	ret = HOST_CALL(getsockopt, (u64)file, level, name, (u64)value, (u64)&len);
	c->out_bytes = len;
	return ret < 0 ? ret : (s64)len;
}

/* ---- messages ------------------------------------------------------------------------------- */

/* References to the handles in outgoing SCM_RIGHTS, held until the message is sent. */
struct rights {
	u32 count;
	int fd[RIGHTS_MAX];
};

static void rights_put(struct rights *r)
{
	while (r->count > 0)
		handle_put(r->fd[--r->count]);
}

static s64 rights_get(struct rights *r, const struct cmsghdr *cmsg)
{
	u32 count = (u32)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	int fd;

	for (u32 i = 0; i < count; i++) {
		memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
		if (r->count == RIGHTS_MAX)
			return -EINVAL;
		fd = fd < 0 ? -EBADF : handle_get((u64)fd);
		if (fd < 0)
			return fd;
		r->fd[r->count++] = fd;
	}
	return 0;
}

/*
 * Returns true for levels whose outgoing control messages are plain data. control_out looks at
 * SOL_SOCKET's one by one.
 */
static bool level_is_plain(int level)
{
	static const int plain[] = {SOL_SOCKET,	 IPPROTO_IP,  IPPROTO_IPV6, IPPROTO_ICMPV6,
				    IPPROTO_UDP, IPPROTO_TCP, SOL_NETLINK,  SOL_TLS};

	for (u32 i = 0; i < ARRAY_SIZE(plain); i++)
		if (plain[i] == level)
			return true;
	return false;
}

/*
 * Checks outgoing control data and takes references to its handles. Sets the process number in
 * credentials to the monitor's. Returns 0 or -errno.
 */
static s64 control_out(struct msghdr *msg, struct rights *rights)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		u64 space = msg->msg_controllen - (u64)((u8 *)cmsg - (u8 *)msg->msg_control);
		struct ucred cred;
		s64 err = 0;

		if (cmsg->cmsg_len < CMSG_LEN(0) || cmsg->cmsg_len > space)
			return -EINVAL;
		if (!level_is_plain(cmsg->cmsg_level))
			return -EINVAL;
		if (net_may_set(cmsg->cmsg_level, cmsg->cmsg_type) < 0)
			return -EPERM;
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		switch (cmsg->cmsg_type) {
		case SCM_RIGHTS:
			err = rights_get(rights, cmsg);
			break;
		case SCM_CREDENTIALS:
			/* For the host, every guest process is the monitor. */
			if (cmsg->cmsg_len != CMSG_LEN(sizeof(cred)))
				return -EINVAL;
			memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
			cred.pid = getpid();
			memcpy(CMSG_DATA(cmsg), &cred, sizeof(cred));
			break;
		default:
			break;
		}
		if (err < 0)
			return err;
	}
	return 0;
}

/*
 * Replaces a netlink message's data, which the guest can change meanwhile, by a copy, and asks
 * whether the copy may be sent. The caller frees copy->iov_base. Returns 0 or -errno.
 */
#define QUESTION_MAX (64U << 10)
static s64 copy_question(struct msghdr *msg, struct iovec *copy)
{
	u64 size = iov_bytes(msg->msg_iov, (u32)msg->msg_iovlen);
	u64 pid = (u64)getpid();

	if (size > QUESTION_MAX)
		return -EMSGSIZE;
	copy->iov_base = malloc(size + 1);
	copy->iov_len = size;
	if (!copy->iov_base)
		return -ENOMEM;
	if (HOST_CALL(process_vm_readv, pid, (u64)copy, 1, (u64)msg->msg_iov, msg->msg_iovlen, 0) !=
	    (s64)size)
		return -EFAULT;
	msg->msg_iov = copy;
	msg->msg_iovlen = 1;
	return net_may_ask(copy->iov_base, size);
}

s64 hc_do_sendmsg(struct call *c, int file, int dir, const void *addr, u32 addr_len,
		  const struct iovec *data, u32 data_count, const void *control, u32 control_len,
		  u64 flags)
{
	struct msghdr msg = {
		.msg_name = UNCONST(addr),
		.msg_namelen = addr_len,
		.msg_iov = UNCONST(data),
		.msg_iovlen = data_count,
		.msg_control = UNCONST(control),
		.msg_controllen = control_len,
	};
	struct rights rights = {0};
	struct iovec copy = {0};
	s64 ret = net_may_reach(addr, addr_len, true);

	if (ret == 0)
		ret = enter_address(dir, addr, addr_len);
	if (ret == 0 && net_is_netlink(file))
		ret = copy_question(&msg, &copy);
	if (ret == 0)
		ret = control_out(&msg, &rights);
	if (ret == 0)
		ret = host_message(c, SYS_sendmsg, (u64)file, &msg, flags | MSG_NOSIGNAL);
	rights_put(&rights);
	free(copy.iov_base);
	return ret;
}

/*
 * Makes handles of the descriptors that came with a message. A descriptor for which there is no
 * handle left becomes -1 in the data.
 */
static void control_in(struct msghdr *msg)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		u32 count;

		if (cmsg->cmsg_level != SOL_SOCKET ||
		    (cmsg->cmsg_type != SCM_RIGHTS && cmsg->cmsg_type != SCM_PIDFD) ||
		    cmsg->cmsg_len < CMSG_LEN(0))
			continue;
		count = (u32)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		for (u32 i = 0; i < count; i++) {
			u8 *at = CMSG_DATA(cmsg) + i * sizeof(int);
			int fd;

			memcpy(&fd, at, sizeof(int));
			if (fd >= 0)
				fd = handle_add(fd) < 0 ? -1 : fd;
			memcpy(at, &fd, sizeof(int));
		}
	}
}

s64 hc_do_recvmsg(struct call *c, int file, const struct iovec *data, u32 data_count, void *head,
		  u32 head_len, u64 flags)
{
	struct hostcall_recv *recv = head;
	struct msghdr msg = {.msg_iov = UNCONST(data), .msg_iovlen = data_count};
	s64 ret;

	if (head_len < sizeof(*recv))
		return -EINVAL;
	msg.msg_name = recv->addr;
	msg.msg_namelen = sizeof(recv->addr);
	msg.msg_control = recv + 1;
	msg.msg_controllen = head_len - sizeof(*recv);
	ret = host_message(c, SYS_recvmsg, (u64)file, &msg, flags | MSG_CMSG_CLOEXEC);
	/* Packet sockets, which pass no descriptors, do not take the flag. */
	if (ret == -EINVAL)
		ret = host_message(c, SYS_recvmsg, (u64)file, &msg, flags);
	if (ret < 0)
		return ret;
	control_in(&msg);
	recv->addr_len = msg.msg_namelen;
	recv->control_len = (u32)msg.msg_controllen;
	recv->flags = (u32)msg.msg_flags & ~(u32)MSG_CMSG_CLOEXEC;
	c->out_bytes = (u32)(sizeof(*recv) + msg.msg_controllen);
	return ret;
}
