/* SPDX-License-Identifier: MIT */
/* What programs pass to socket(2) and its kin. Linux has it only in headers for the kernel. */
#ifndef KERNEL_FS_SOCKET_H
#define KERNEL_FS_SOCKET_H

#include <asm/socket.h>
#include <linux/fcntl.h>
#include "common/types.h"
#include "kernel/kernel.h"

#define SOCK_STREAM	 1
#define SOCK_DGRAM	 2
#define SOCK_RAW	 3
#define SOCK_SEQPACKET	 5
#define SOCK_TYPE_MASK	 0xf
#define SOCK_CLOEXEC	 O_CLOEXEC
#define SOCK_NONBLOCK	 O_NONBLOCK

#define MSG_OOB		 0x1
#define MSG_PEEK	 0x2
#define MSG_CTRUNC	 0x8
#define MSG_TRUNC	 0x20
#define MSG_DONTWAIT	 0x40
#define MSG_WAITALL	 0x100
#define MSG_NOSIGNAL	 0x4000
#define MSG_WAITFORONE	 0x10000
#define MSG_CMSG_CLOEXEC 0x40000000

#define SCM_RIGHTS	 1
#define SCM_CREDENTIALS	 2
#define SCM_PIDFD	 4

#define AF_UNIX		 1

/* Newer than the headers of some distributions. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif

#define ADDR_MAX 128 /* struct sockaddr_storage */

struct address {
	u32 len;
	u8 bytes[ADDR_MAX];
};
_Static_assert(sizeof(struct address) == 132, "as accept4 and its kin have it in hostcall.def");

struct msghdr {
	uva name;
	s32 namelen;
	u32 pad0;
	uva iov;
	u64 iovlen;
	uva control;
	u64 controllen;
	u32 flags;
	u32 pad1;
};
_Static_assert(sizeof(struct msghdr) == 56, "struct msghdr as sendmsg(2) has it on x86-64");

struct mmsghdr {
	struct msghdr hdr;
	u32 len;
	u32 pad;
};
_Static_assert(sizeof(struct mmsghdr) == 64, "struct mmsghdr as sendmmsg(2) has it");

struct cmsghdr {
	u64 len; /* with this header */
	s32 level, type;
};

/* Returns the control message at offset at; NULL if it does not lie within len bytes. */
static inline struct cmsghdr *cmsg_at(void *control, u64 len, u64 at)
{
	struct cmsghdr *c = (void *)((char *)control + at);

	if (at > len || len - at < sizeof(*c) || c->len < sizeof(*c) || c->len > len - at)
		return NULL;
	return c;
}

static inline u64 cmsg_size(const struct cmsghdr *c)
{
	return ALIGN_UP(c->len, sizeof(u64));
}

#endif
