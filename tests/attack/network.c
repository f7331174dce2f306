// SPDX-License-Identifier: MIT
/* Attempts by sockets. The bait's ports are on the loopback addresses of the runner's namespace. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>
#include "attack.h"

/* A rule that allows another port than the bait's, so that sockets exist. */
#define OTHER "--allow-net=127.0.0.1:4712 --allow-net=[::1]:4712"

static struct sockaddr_in v4(const char *host, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};

	inet_pton(AF_INET, host, &a.sin_addr);
	return a;
}

static struct sockaddr_in6 v6(const char *host, int port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};

	inet_pton(AF_INET6, host, &a.sin6_addr);
	return a;
}

static int connected(int type, int protocol, const void *to, socklen_t len)
{
	int fd = socket(((const struct sockaddr *)to)->sa_family, type, protocol);

	return fd >= 0 && !connect(fd, to, len) ? fd : -1;
}

static int tcp4(const char *host)
{
	struct sockaddr_in to = v4(host, BAIT_PORT);

	return connected(SOCK_STREAM, 0, &to, sizeof(to));
}

static int tcp6(const char *host)
{
	struct sockaddr_in6 to = v6(host, BAIT_PORT);

	return connected(SOCK_STREAM, 0, &to, sizeof(to));
}

ATTEMPT("network", tcp, 0, "")
{
	REACHED(answers_bait(tcp4("127.0.0.1")));
}

ATTEMPT("network", tcp_other_port_allowed, 0, OTHER)
{
	REACHED(answers_bait(tcp4("127.0.0.1")));
}

/* The name server is the one address that UDP reaches. */
ATTEMPT("network", udp_beside_name_server, 0, "--allow-net=localhost:4712")
{
	struct sockaddr_in to = v4("127.0.0.1", BAIT_PORT);

	REACHED(answers_bait(connected(SOCK_DGRAM, 0, &to, sizeof(to))));
}

ATTEMPT("network", udp_from_name_server, 0, "--allow-net=localhost:4712")
{
	struct sockaddr_in first = v4("127.0.53.1", 53), to = v4("127.0.0.1", BAIT_PORT);
	int fd = connected(SOCK_DGRAM, 0, &first, sizeof(first));

	REACHED(fd >= 0 && sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)) == 1 && is_bait(fd));
}

/* A connection that the proxy makes for this request; without a proxy, one without it. */
static bool by_proxy(int port, const void *request, size_t len)
{
	struct sockaddr_in to = v4("127.0.53.1", port);
	int fd = connected(SOCK_STREAM, 0, &to, sizeof(to));
	char reply[256];
	ssize_t n;

	if (fd < 0)
		return answers_bait(tcp4("127.0.0.1"));
	if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		return false;
	/* In one piece or more, there is something else than a refusal before the bait. */
	for (int i = 0; i < 8 && (n = recv(fd, reply, sizeof(reply) - 1, 0)) > 0; i++) {
		reply[n] = '\0';
		if (memmem(reply, (size_t)n, "BAIT", 4))
			return true;
	}
	errno = EACCES;
	return false;
}

#define PROXY "--proxy --allow-net=127.0.0.1:4712"

ATTEMPT("network", proxy_connects, 0, PROXY)
{
	static const char request[] = "CONNECT 127.0.0.1:4711 HTTP/1.1\r\n\r\n";

	REACHED(by_proxy(3128, request, strlen(request)));
}

ATTEMPT("network", proxy_forwards, 0, PROXY)
{
	static const char request[] =
		"GET http://127.0.0.1:4711/ HTTP/1.1\r\nHost: 127.0.0.1:4712\r\n\r\n";

	REACHED(by_proxy(3128, request, strlen(request)));
}

ATTEMPT("network", proxy_forwards_a_second_request, 0, PROXY)
{
	static const char request[] = "GET http://127.0.0.1:4712/ HTTP/1.1\r\n\r\n"
				      "GET http://127.0.0.1:4711/ HTTP/1.1\r\n\r\n";
	struct sockaddr_in to = v4("127.0.53.1", 3128);
	int fd = connected(SOCK_STREAM, 0, &to, sizeof(to));
	char reply[256];
	int baits = 0;
	ssize_t n;

	if (fd < 0)
		REACHED(answers_bait(tcp4("127.0.0.1")));
	send(fd, request, strlen(request), MSG_NOSIGNAL);
	/* The first one's host says the same. */
	while ((n = recv(fd, reply, sizeof(reply), 0)) > 0)
		for (ssize_t i = 0; i + 4 <= n; i++)
			baits += !memcmp(reply + i, "BAIT", 4);
	errno = EACCES;
	REACHED(baits > 1);
}

ATTEMPT("network", proxy_socks, 0, PROXY)
{
	static const unsigned char request[] = {5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0x12, 0x67};

	REACHED(by_proxy(1080, request, sizeof(request)));
}

ATTEMPT("network", proxy_socks_mapped, 0, PROXY)
{
	static const unsigned char request[] = {5, 1, 0, 5, 1,	  0,	4,   0, 0, 0, 0,    0,	 0,
						0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1, 0x12, 0x67};

	REACHED(by_proxy(1080, request, sizeof(request)));
}

ATTEMPT("network", beside_proxy, 0, PROXY)
{
	REACHED(answers_bait(tcp4("127.0.0.1")));
}

ATTEMPT("network", tcp_denied, 0, "--allow-net=127.0.0.0/8 --deny-net=:4711")
{
	REACHED(answers_bait(tcp4("127.0.0.1")));
}

ATTEMPT("network", tcp_denied_by_address, 0, "--allow-net=:4711 --deny-net=127.0.0.1")
{
	REACHED(answers_bait(tcp4("127.0.0.1")));
}

ATTEMPT("network", tcp_another_loopback, 0, "--allow-net=127.0.0.1")
{
	REACHED(answers_bait(tcp4("127.8.9.1")));
}

ATTEMPT("network", tcp_unspecified, 0, OTHER)
{
	REACHED(answers_bait(tcp4("0.0.0.0")));
}

ATTEMPT("network", tcp_unspecified_denied, 0, "--allow-net=* --deny-net=127.0.0.0/8")
{
	REACHED(answers_bait(tcp4("0.0.0.0")));
}

ATTEMPT("network", tcp_v6, 0, OTHER)
{
	REACHED(answers_bait(tcp6("::1")));
}

ATTEMPT("network", tcp_v6_unspecified, 0, "--allow-net=* --deny-net=::1")
{
	REACHED(answers_bait(tcp6("::")));
}

ATTEMPT("network", tcp_mapped, 0, "--allow-net=* --deny-net=127.0.0.0/8")
{
	REACHED(answers_bait(tcp6("::ffff:127.0.0.1")));
}

ATTEMPT("network", tcp_mapped_unspecified, 0, "--allow-net=* --deny-net=127.0.0.0/8")
{
	REACHED(answers_bait(tcp6("::ffff:0.0.0.0")));
}

ATTEMPT("network", tcp_other_family, 0, "--allow-net=* --deny-net=127.0.0.0/8")
{
	struct sockaddr_in to = v4("127.0.0.1", BAIT_PORT);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	/* Longer than the address has to be. */
	REACHED(fd >= 0 && !connect(fd, (void *)&to, sizeof(to)) && answers_bait(fd));
}

ATTEMPT("network", fast_open, 0, OTHER)
{
	struct sockaddr_in to = v4("127.0.0.1", BAIT_PORT);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	REACHED(fd >= 0 && sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&to, sizeof(to)) == 1 &&
		is_bait(fd));
}

ATTEMPT("network", fast_open_by_message, 0, OTHER)
{
	struct sockaddr_in to = v4("127.0.0.1", BAIT_PORT);
	struct iovec data = {"x", 1};
	struct mmsghdr m = {.msg_hdr = {.msg_name = &to,
					.msg_namelen = sizeof(to),
					.msg_iov = &data,
					.msg_iovlen = 1}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	REACHED(fd >= 0 && sendmmsg(fd, &m, 1, MSG_FASTOPEN) == 1 && is_bait(fd));
}

ATTEMPT("network", connect_again, 0, "--allow-net=127.0.0.1:4712")
{
	struct sockaddr_in open = v4("127.0.0.1", OPEN_PORT), to = v4("127.0.0.1", BAIT_PORT);
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int fd = connected(SOCK_STREAM, 0, &open, sizeof(open));

	if (fd < 0)
		return errno;
	REACHED(!connect(fd, &none, sizeof(none)) && !connect(fd, (void *)&to, sizeof(to)) &&
		answers_bait(fd));
}

ATTEMPT("network", multipath, 0, OTHER)
{
	struct sockaddr_in to = v4("127.0.0.1", BAIT_PORT);

	REACHED(answers_bait(connected(SOCK_STREAM, 262, &to, sizeof(to))));
}

ATTEMPT("network", udp, 0, OTHER)
{
	struct sockaddr_in to = v4("127.0.0.1", BAIT_PORT);

	REACHED(answers_bait(connected(SOCK_DGRAM, 0, &to, sizeof(to))));
}

ATTEMPT("network", udp_without_connection, 0, OTHER)
{
	struct sockaddr_in to = v4("127.0.0.1", BAIT_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	REACHED(fd >= 0 && sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)) == 1 && is_bait(fd));
}

ATTEMPT("network", udp_without_family, 0, OTHER)
{
	struct sockaddr_in to = v4("127.0.0.1", BAIT_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_family = AF_UNSPEC;
	REACHED(fd >= 0 && sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)) == 1 && is_bait(fd));
}

ATTEMPT("network", udp_v6, 0, OTHER)
{
	struct sockaddr_in6 to = v6("::1", BAIT_PORT);

	REACHED(answers_bait(connected(SOCK_DGRAM, 0, &to, sizeof(to))));
}

ATTEMPT("network", udp_lite, 0, OTHER)
{
	REACHED(socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE) >= 0);
}

ATTEMPT("network", raw_packets, AS_ROOT, OTHER)
{
	REACHED(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
}

ATTEMPT("network", raw_frames, AS_ROOT, OTHER)
{
	REACHED(socket(AF_PACKET, SOCK_RAW, htons(3)) >= 0);
}

ATTEMPT("network", virtual_machine_sockets, NATIVE, "--net=host")
{
	REACHED(socket(AF_VSOCK, SOCK_STREAM, 0) >= 0);
}

ATTEMPT("network", kernel_crypto_sockets, NATIVE, "--net=host")
{
	REACHED(socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0);
}

ATTEMPT("network", netlink_of_filters, NATIVE, "--net=host")
{
	REACHED(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) >= 0);
}

ATTEMPT("network", netlink_changes_address, AS_ROOT, OTHER)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg addr;
		struct rtattr attr;
		unsigned char ip[4];
	} m = {
		.head = {.nlmsg_len = sizeof(m),
			 .nlmsg_type = RTM_NEWADDR,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE},
		.addr = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 1},
		.attr = {.rta_len = 8, .rta_type = IFA_LOCAL},
		.ip = {127, 9, 9, 9},
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
	} answer = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd < 0 || send(fd, &m, sizeof(m), 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		return errno;
	errno = -answer.error.error;
	REACHED(answer.error.error == 0 || answer.error.error == -EEXIST);
}

ATTEMPT("network", netlink_changes_by_write, AS_ROOT, OTHER)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg link;
	} m = {
		.head = {.nlmsg_len = sizeof(m),
			 .nlmsg_type = RTM_SETLINK,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.link = {.ifi_index = 1, .ifi_flags = 1, .ifi_change = 1},
	};
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
	} answer = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (fd < 0 || write(fd, &m, sizeof(m)) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0)
		return errno;
	errno = -answer.error.error;
	REACHED(answer.error.error == 0);
}

ATTEMPT("network", listen_on_port, 0, "--allow-listen=4713")
{
	struct sockaddr_in at = v4("127.0.0.1", 4714);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	REACHED(fd >= 0 && !bind(fd, (void *)&at, sizeof(at)) && !listen(fd, 1));
}

ATTEMPT("network", listen_without_name, 0, "--allow-listen=4713")
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	REACHED(fd >= 0 && !listen(fd, 1));
}

ATTEMPT("network", listen_on_chosen_port, 0, "--allow-listen=4713")
{
	struct sockaddr_in at = v4("127.0.0.1", 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	REACHED(fd >= 0 && !bind(fd, (void *)&at, sizeof(at)) && !listen(fd, 1));
}

ATTEMPT("network", bind_without_family, 0, "--allow-listen=4713")
{
	struct sockaddr_in at = {.sin_family = AF_UNSPEC, .sin_port = htons(4714)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	REACHED(fd >= 0 && !bind(fd, (void *)&at, sizeof(at)) && !listen(fd, 1));
}

ATTEMPT("network", source_route, 0, OTHER)
{
	/* Loose source route by 127.0.0.1. */
	static const unsigned char option[] = {131, 7, 4, 127, 0, 0, 1, 0};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	REACHED(fd >= 0 && !setsockopt(fd, IPPROTO_IP, IP_OPTIONS, option, sizeof(option)));
}

static socklen_t unix_name(struct sockaddr_un *un, const char *path)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "%s", path);
	return sizeof(*un);
}

static int unix_to(const char *path, int type)
{
	struct sockaddr_un un;

	unix_name(&un, path);
	return connected(type, 0, &un, sizeof(un));
}

ATTEMPT("unix", by_path, 0, "")
{
	REACHED(answers_bait(unix_to("/bait/sock", SOCK_STREAM)));
}

ATTEMPT("unix", by_symlink, 0, "")
{
	REACHED(!symlink("/bait/sock", "/play/own") &&
		answers_bait(unix_to("/play/own", SOCK_STREAM)));
}

ATTEMPT("unix", by_relative_path, 0, "")
{
	REACHED(!chdir("/play") && answers_bait(unix_to("../bait/sock", SOCK_STREAM)));
}

ATTEMPT("unix", by_magic_link, 0, "")
{
	REACHED(answers_bait(unix_to("/proc/self/root/bait/sock", SOCK_STREAM)));
}

ATTEMPT("unix", datagram, 0, "log")
{
	struct sockaddr_un un;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	unix_name(&un, "/bait/dsock");
	REACHED(fd >= 0 && sendto(fd, "datagram", 8, 0, (void *)&un, sizeof(un)) == 8);
}

ATTEMPT("unix", abstract, 0, "")
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0bait"};

	REACHED(answers_bait(
		connected(SOCK_STREAM, 0, &un, offsetof(struct sockaddr_un, sun_path) + 5)));
}

ATTEMPT("unix", abstract_of_the_hosts_network, 0, "--net=host")
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0bait"};

	/* --net=host is about the Internet: names of sockets are still no path of the policy. */
	REACHED(answers_bait(
		connected(SOCK_STREAM, 0, &un, offsetof(struct sockaddr_un, sun_path) + 5)));
}

ATTEMPT("unix", take_abstract_name, 0, OTHER)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0other"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	REACHED(fd >= 0 && !bind(fd, (void *)&un, offsetof(struct sockaddr_un, sun_path) + 6));
}

ATTEMPT("unix", name_in_bait, 0, "")
{
	struct sockaddr_un un;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	unix_name(&un, "/bait/dir/new");
	REACHED(fd >= 0 && !bind(fd, (void *)&un, sizeof(un)));
}

/* The socket is in the policy: its owner sends a directory and a file that are not. */
ATTEMPT("unix", walk_from_received_directory, 0, "")
{
	int fd = unix_to("/play/giver", SOCK_STREAM), got = -1;
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec data = {&byte, 1};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};

	if (fd < 0 || recvmsg(fd, &m, 0) < 0 || !CMSG_FIRSTHDR(&m))
		return errno ? errno : ENOMSG;
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(got));
	REACHED(is_bait(openat(got, "secret", 0)));
}
