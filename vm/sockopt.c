// SPDX-License-Identifier: MIT
/*
 * See sockopt.h. Sizes are those of Linux's uapi headers. If the host kernel takes or gives data of
 * any length, the hostcall's buffer is the limit. Numbers that Debian 12's headers lack, or that
 * two headers define differently, are written as numbers.
 *
 * Left out, because their data refers to something else: eBPF programs and pidfds (descriptors),
 * SO_GET_FILTER (counts instructions, not bytes), reading multicast filters (writes as many
 * addresses as the data says), netfilter's tables and IPsec policies (pointers),
 * TCP_ZEROCOPY_RECEIVE (memory to be mapped).
 */
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>
#include "vm/sockopt.h"

#define LEVEL_UDPLITE 136
#define LEVEL_PACKET  263
#define LEVEL_NETLINK 270
#define LEVEL_TLS     282
#define LEVEL_VSOCK   AF_VSOCK

#define G	      SOCKOPT_GET
#define S	      SOCKOPT_SET
#define B	      (SOCKOPT_GET | SOCKOPT_SET)
#define PROGRAM	      SOCKOPT_PROGRAM
#define ANY	      4096
#define DEVICE	      16  /* IFNAMSIZ, TCP_CA_NAME_MAX, TCP_ULP_NAME_MAX */
#define GROUP	      136 /* struct group_req */
#define SOURCE	      264 /* struct group_source_req */

/* A row has the options first to last of a level, which have the same size. */
static const struct {
	u16 level, first, last, size;
	u8 how;
} known[] = {
	/* SOL_SOCKET: asm-generic/socket.h */
	{SOL_SOCKET, 1, 2, 4, B},    /* DEBUG, REUSEADDR */
	{SOL_SOCKET, 3, 4, 4, G},    /* TYPE, ERROR */
	{SOL_SOCKET, 5, 12, 4, B},   /* DONTROUTE to PRIORITY */
	{SOL_SOCKET, 13, 13, 8, B},  /* LINGER */
	{SOL_SOCKET, 14, 16, 4, B},  /* BSDCOMPAT, REUSEPORT, PASSCRED */
	{SOL_SOCKET, 17, 17, 12, G}, /* PEERCRED */
	{SOL_SOCKET, 18, 19, 4, B},  /* RCVLOWAT, SNDLOWAT */
	{SOL_SOCKET, 20, 21, 16, B}, /* RCVTIMEO, SNDTIMEO */
	{SOL_SOCKET, 25, 25, DEVICE, B},
	{SOL_SOCKET, 26, 26, ANY, PROGRAM}, /* ATTACH_FILTER */
	{SOL_SOCKET, 27, 27, 4, S},	    /* DETACH_FILTER */
	{SOL_SOCKET, 28, 28, 128, G},	    /* PEERNAME */
	{SOL_SOCKET, 29, 29, 4, B},	    /* TIMESTAMP */
	{SOL_SOCKET, 30, 30, 4, G},	    /* ACCEPTCONN */
	{SOL_SOCKET, 31, 31, ANY, G},	    /* PEERSEC */
	{SOL_SOCKET, 32, 33, 4, S},	    /* SNDBUFFORCE, RCVBUFFORCE */
	{SOL_SOCKET, 34, 36, 4, B},	    /* PASSSEC, TIMESTAMPNS, MARK */
	{SOL_SOCKET, 37, 37, 8, B},	    /* TIMESTAMPING */
	{SOL_SOCKET, 38, 39, 4, G},	    /* PROTOCOL, DOMAIN */
	{SOL_SOCKET, 40, 46, 4, B},	    /* RXQ_OVFL to BUSY_POLL, LOCK_FILTER among them */
	{SOL_SOCKET, 47, 47, 8, B},	    /* MAX_PACING_RATE */
	{SOL_SOCKET, 48, 48, 4, G},	    /* BPF_EXTENSIONS */
	{SOL_SOCKET, 49, 49, 4, B},	    /* INCOMING_CPU */
	{SOL_SOCKET, 51, 51, ANY, PROGRAM}, /* ATTACH_REUSEPORT_CBPF */
	{SOL_SOCKET, 53, 53, 4, S},	    /* CNX_ADVICE */
	{SOL_SOCKET, 55, 55, 256, G},	    /* MEMINFO */
	{SOL_SOCKET, 56, 56, 4, G},	    /* INCOMING_NAPI_ID */
	{SOL_SOCKET, 57, 57, 8, G},	    /* COOKIE */
	{SOL_SOCKET, 59, 59, ANY, G},	    /* PEERGROUPS */
	{SOL_SOCKET, 60, 60, 4, B},	    /* ZEROCOPY */
	{SOL_SOCKET, 61, 61, 8, B},	    /* TXTIME */
	{SOL_SOCKET, 62, 64, 4, B},	    /* BINDTOIFINDEX, TIMESTAMP_NEW, TIMESTAMPNS_NEW */
	{SOL_SOCKET, 65, 65, 8, B},	    /* TIMESTAMPING_NEW */
	{SOL_SOCKET, 66, 67, 16, B},	    /* RCVTIMEO_NEW, SNDTIMEO_NEW */
	{SOL_SOCKET, 68, 68, 4, S},	    /* DETACH_REUSEPORT_BPF */
	{SOL_SOCKET, 69, 70, 4, B},	    /* PREFER_BUSY_POLL, BUSY_POLL_BUDGET */
	{SOL_SOCKET, 71, 71, 8, G},	    /* NETNS_COOKIE */
	{SOL_SOCKET, 72, 75, 4, B},	    /* BUF_LOCK to RCVMARK */
	{SOL_SOCKET, 82, 84, 4, B},	    /* RCVPRIORITY, PASSRIGHTS, INQ */
	/* IPPROTO_IP: linux/in.h */
	{IPPROTO_IP, 1, 3, 4, B},   /* TOS, TTL, HDRINCL */
	{IPPROTO_IP, 4, 4, 40, B},  /* OPTIONS */
	{IPPROTO_IP, 5, 8, 4, B},   /* ROUTER_ALERT to PKTINFO */
	{IPPROTO_IP, 9, 9, ANY, G}, /* PKTOPTIONS */
	{IPPROTO_IP, 10, 13, 4, B}, /* MTU_DISCOVER to RECVTOS */
	{IPPROTO_IP, 14, 14, 4, G}, /* MTU */
	{IPPROTO_IP, 15, 15, 4, B}, /* FREEBIND */
	{IPPROTO_IP, 18, 26, 4, B}, /* PASSSEC to RECVERR_RFC4884 */
	{IPPROTO_IP, 32, 32, 12, B},
	{IPPROTO_IP, 33, 34, 4, B},	 /* MULTICAST_TTL, MULTICAST_LOOP */
	{IPPROTO_IP, 35, 40, 12, S},	 /* memberships and their sources */
	{IPPROTO_IP, 41, 41, ANY, S},	 /* MSFILTER */
	{IPPROTO_IP, 42, 42, GROUP, S},	 /* MCAST_JOIN_GROUP */
	{IPPROTO_IP, 43, 44, SOURCE, S}, /* MCAST_BLOCK_SOURCE, UNBLOCK */
	{IPPROTO_IP, 45, 45, GROUP, S},	 /* MCAST_LEAVE_GROUP */
	{IPPROTO_IP, 46, 47, SOURCE, S}, /* MCAST_JOIN_SOURCE_GROUP, LEAVE */
	{IPPROTO_IP, 48, 48, ANY, S},	 /* MCAST_MSFILTER */
	{IPPROTO_IP, 49, 51, 4, B},	 /* MULTICAST_ALL, UNICAST_IF, LOCAL_PORT_RANGE */
	{IPPROTO_IP, 52, 52, 4, G},	 /* PROTOCOL */
	{IPPROTO_IP, 80, 80, 16, G},	 /* SO_ORIGINAL_DST */
	/* IPPROTO_IPV6: linux/in6.h */
	{IPPROTO_IPV6, 1, 1, 4, B},	  /* ADDRFORM */
	{IPPROTO_IPV6, 2, 5, 4, B},	  /* the 2292 forms of what is received */
	{IPPROTO_IPV6, 6, 6, ANY, B},	  /* 2292PKTOPTIONS */
	{IPPROTO_IPV6, 7, 8, 4, B},	  /* CHECKSUM, 2292HOPLIMIT */
	{IPPROTO_IPV6, 11, 11, 4, B},	  /* FLOWINFO */
	{IPPROTO_IPV6, 16, 19, 4, B},	  /* UNICAST_HOPS to MULTICAST_LOOP */
	{IPPROTO_IPV6, 20, 21, 20, S},	  /* ADD_MEMBERSHIP, DROP_MEMBERSHIP */
	{IPPROTO_IPV6, 22, 23, 4, B},	  /* ROUTER_ALERT, MTU_DISCOVER */
	{IPPROTO_IPV6, 24, 26, 4, B},	  /* MTU, RECVERR, V6ONLY */
	{IPPROTO_IPV6, 27, 28, 20, S},	  /* JOIN_ANYCAST, LEAVE_ANYCAST */
	{IPPROTO_IPV6, 29, 31, 4, B},	  /* MULTICAST_ALL, ROUTER_ALERT_ISOLATE, RECVERR_RFC4884 */
	{IPPROTO_IPV6, 32, 32, 32, B},	  /* FLOWLABEL_MGR */
	{IPPROTO_IPV6, 33, 33, 4, B},	  /* FLOWINFO_SEND */
	{IPPROTO_IPV6, 36, 36, 4, B},	  /* HDRINCL */
	{IPPROTO_IPV6, 42, 42, GROUP, S}, /* as IPPROTO_IP's */
	{IPPROTO_IPV6, 43, 44, SOURCE, S},
	{IPPROTO_IPV6, 45, 45, GROUP, S},
	{IPPROTO_IPV6, 46, 47, SOURCE, S},
	{IPPROTO_IPV6, 48, 48, ANY, S},
	{IPPROTO_IPV6, 49, 49, 4, B},	/* RECVPKTINFO */
	{IPPROTO_IPV6, 50, 50, 20, B},	/* PKTINFO */
	{IPPROTO_IPV6, 51, 53, 4, B},	/* RECVHOPLIMIT, HOPLIMIT, RECVHOPOPTS */
	{IPPROTO_IPV6, 54, 55, ANY, B}, /* HOPOPTS, RTHDRDSTOPTS */
	{IPPROTO_IPV6, 56, 56, 4, B},	/* RECVRTHDR */
	{IPPROTO_IPV6, 57, 57, ANY, B}, /* RTHDR */
	{IPPROTO_IPV6, 58, 58, 4, B},	/* RECVDSTOPTS */
	{IPPROTO_IPV6, 59, 59, ANY, B}, /* DSTOPTS */
	{IPPROTO_IPV6, 60, 60, 4, B},	/* RECVPATHMTU */
	{IPPROTO_IPV6, 61, 61, 32, G},	/* PATHMTU */
	{IPPROTO_IPV6, 62, 62, 4, B},	/* DONTFRAG */
	{IPPROTO_IPV6, 66, 67, 4, B},	/* RECVTCLASS, TCLASS */
	{IPPROTO_IPV6, 70, 70, 4, B},	/* AUTOFLOWLABEL */
	{IPPROTO_IPV6, 72, 78, 4, B},	/* ADDR_PREFERENCES to FREEBIND */
	{IPPROTO_IPV6, 80, 80, 28, G},	/* SO_ORIGINAL_DST */
	{IPPROTO_ICMPV6, 1, 1, 32, B},	/* FILTER */
	{IPPROTO_RAW, 1, 1, 4, B},	/* ICMP_FILTER */
	{IPPROTO_RAW, 7, 7, 4, B},	/* IPV6_CHECKSUM */
	/* IPPROTO_TCP: linux/tcp.h */
	{IPPROTO_TCP, 1, 10, 4, B},	  /* NODELAY to WINDOW_CLAMP */
	{IPPROTO_TCP, 11, 11, ANY, G},	  /* INFO */
	{IPPROTO_TCP, 12, 12, 4, B},	  /* QUICKACK */
	{IPPROTO_TCP, 13, 13, DEVICE, B}, /* CONGESTION */
	{IPPROTO_TCP, 14, 14, 256, S},	  /* MD5SIG */
	{IPPROTO_TCP, 16, 21, 4, B},	  /* THIN_LINEAR_TIMEOUTS to QUEUE_SEQ */
	{IPPROTO_TCP, 22, 22, ANY, S},	  /* REPAIR_OPTIONS */
	{IPPROTO_TCP, 23, 25, 4, B},	  /* FASTOPEN, TIMESTAMP, NOTSENT_LOWAT */
	{IPPROTO_TCP, 26, 26, 256, G},	  /* CC_INFO */
	{IPPROTO_TCP, 27, 27, 4, B},	  /* SAVE_SYN */
	{IPPROTO_TCP, 28, 28, ANY, G},	  /* SAVED_SYN */
	{IPPROTO_TCP, 29, 29, 20, B},	  /* REPAIR_WINDOW */
	{IPPROTO_TCP, 30, 30, 4, B},	  /* FASTOPEN_CONNECT */
	{IPPROTO_TCP, 31, 31, DEVICE, B}, /* ULP */
	{IPPROTO_TCP, 32, 32, 256, S},	  /* MD5SIG_EXT */
	{IPPROTO_TCP, 33, 33, 32, B},	  /* FASTOPEN_KEY */
	{IPPROTO_TCP, 34, 34, 4, B},	  /* FASTOPEN_NO_COOKIE */
	{IPPROTO_TCP, 36, 37, 4, B},	  /* INQ, TX_DELAY */
	{IPPROTO_TCP, 43, 43, 4, G},	  /* IS_MPTCP */
	{IPPROTO_TCP, 44, 46, 4, B},	  /* RTO_MAX_MS, RTO_MIN_US, DELACK_MAX_US */
	/* linux/udp.h, net/udplite.h */
	{IPPROTO_UDP, 1, 1, 4, B},     /* CORK */
	{IPPROTO_UDP, 100, 104, 4, B}, /* ENCAP to GRO */
	{LEVEL_UDPLITE, 1, 1, 4, B},
	{LEVEL_UDPLITE, 10, 11, 4, B}, /* SEND_CSCOV, RECV_CSCOV */
	{LEVEL_UDPLITE, 100, 104, 4, B},
	/* linux/netlink.h */
	{LEVEL_NETLINK, 1, 5, 4, B},   /* ADD_MEMBERSHIP to NO_ENOBUFS */
	{LEVEL_NETLINK, 8, 8, 4, B},   /* LISTEN_ALL_NSID */
	{LEVEL_NETLINK, 9, 9, ANY, G}, /* LIST_MEMBERSHIPS */
	{LEVEL_NETLINK, 10, 12, 4, B}, /* CAP_ACK, EXT_ACK, GET_STRICT_CHK */
	/* linux/if_packet.h */
	{LEVEL_PACKET, 1, 2, 16, S},   /* ADD_MEMBERSHIP, DROP_MEMBERSHIP */
	{LEVEL_PACKET, 5, 5, 28, S},   /* RX_RING: hostcall_socket.c limits it */
	{LEVEL_PACKET, 6, 6, 24, G},   /* STATISTICS */
	{LEVEL_PACKET, 7, 12, 4, B},   /* COPY_THRESH to RESERVE */
	{LEVEL_PACKET, 13, 13, 28, S}, /* TX_RING: likewise */
	{LEVEL_PACKET, 14, 17, 4, B},  /* LOSS to TIMESTAMP */
	{LEVEL_PACKET, 18, 18, 8, B},  /* FANOUT */
	{LEVEL_PACKET, 19, 20, 4, B},  /* TX_HAS_OFF, QDISC_BYPASS */
	{LEVEL_PACKET, 21, 21, 24, G}, /* ROLLOVER_STATS */
	{LEVEL_PACKET, 23, 24, 4, B},  /* IGNORE_OUTGOING, VNET_HDR_SZ */
	/* linux/tls.h */
	{LEVEL_TLS, 1, 2, 64, B}, /* TX, RX: keys */
	{LEVEL_TLS, 3, 4, 4, B},  /* TX_ZEROCOPY_RO, RX_EXPECT_NO_PAD */
	/* linux/vm_sockets.h */
	{LEVEL_VSOCK, 0, 2, 8, B},  /* BUFFER_SIZE, MIN_SIZE, MAX_SIZE */
	{LEVEL_VSOCK, 3, 3, 4, G},  /* PEER_HOST_VM_ID */
	{LEVEL_VSOCK, 5, 5, 4, G},  /* TRUSTED */
	{LEVEL_VSOCK, 6, 6, 16, B}, /* CONNECT_TIMEOUT */
	{LEVEL_VSOCK, 7, 7, 4, B},  /* NONBLOCK_TXRX */
	{LEVEL_VSOCK, 8, 8, 16, B}, /* CONNECT_TIMEOUT_NEW */
};

u32 sockopt_size(u64 level, u64 name, enum sockopt_how how)
{
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].level == level && name >= known[i].first && name <= known[i].last &&
		    (known[i].how & how))
			return known[i].size;
	return 0;
}
