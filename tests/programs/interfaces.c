// SPDX-License-Identifier: MIT
/*
 * What programs ask of sockets and network interfaces beside sending and receiving: owners, the
 * devices' features, options.
 */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The owners of a file, whom SIGIO and SIGURG tell, by ioctl(2). */
CASE(owners)
{
	int fd[] = {socket(AF_INET, SOCK_DGRAM, 0), socket(AF_UNIX, SOCK_STREAM, 0),
		    open("plain", O_RDWR | O_CREAT, 0600), open("/dev/null", O_RDWR)};

	for (size_t i = 0; i < sizeof(fd) / sizeof(fd[0]); i++) {
		int owner = getpid(), group = -getpgrp(), got = 0;

		NEED(fd[i] >= 0);
		printf("  file %zu\n", i);
		SHOW(ioctl(fd[i], FIOGETOWN, &got));
		SHOW(got);
		SHOW(ioctl(fd[i], FIOSETOWN, &owner));
		SHOW(ioctl(fd[i], FIOGETOWN, &got));
		printf("  %s\n", got == owner ? "this process" : "another");
		SHOW(fcntl(fd[i], F_GETOWN) == owner);
		SHOW(ioctl(fd[i], SIOCSPGRP, &group));
		got = 0;
		SHOW(ioctl(fd[i], SIOCGPGRP, &got));
		printf("  %s\n", got == group ? "this group" : "another");
		owner = 99999999;
		SHOW(ioctl(fd[i], FIOSETOWN, &owner));
		owner = INT32_MIN;
		SHOW(ioctl(fd[i], FIOSETOWN, &owner));
		owner = 0;
		SHOW(ioctl(fd[i], FIOSETOWN, &owner));
		SHOW(fcntl(fd[i], F_GETOWN));
		SHOW(ioctl(fd[i], FIOSETOWN, NULL));
		SHOW(ioctl(fd[i], FIOGETOWN, NULL));
		close(fd[i]);
	}
}

/* What libpcap and ethtool ask a device. */
CASE(questions_to_a_device)
{
	static const uint32_t commands[] = {ETHTOOL_GLINK, ETHTOOL_GTSO, ETHTOOL_GFLAGS,
					    ETHTOOL_GGRO,  ETHTOOL_GUFO, ETHTOOL_GSG};
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ethtool_value value;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq rq;

	NEED(fd >= 0);
	memset(&rq, 0, sizeof(rq));
	strcpy(rq.ifr_name, "lo");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		value = (struct ethtool_value){.cmd = commands[i]};
		rq.ifr_data = (void *)&value;
		SHOW(ioctl(fd, SIOCETHTOOL, &rq));
		SHOW(value.data);
		CHECK(rq.ifr_data == (void *)&value);
	}
	rq.ifr_data = (void *)&driver;
	SHOW(ioctl(fd, SIOCETHTOOL, &rq));
	value.cmd = 0xffffffff;
	rq.ifr_data = (void *)&value;
	SHOW(ioctl(fd, SIOCETHTOOL, &rq));
	rq.ifr_data = NULL;
	SHOW(ioctl(fd, SIOCETHTOOL, &rq));
	SHOW(ioctl(fd, SIOCETHTOOL, NULL));
	strcpy(rq.ifr_name, "none");
	value.cmd = ETHTOOL_GLINK;
	rq.ifr_data = (void *)&value;
	SHOW(ioctl(fd, SIOCETHTOOL, &rq));
	close(fd);
	fd = open("plain", O_RDWR | O_CREAT, 0600);
	SHOW(ioctl(fd, SIOCETHTOOL, &rq));
	close(fd);
}

/* Options of Linux 6.12 and later. */
CASE(newer_options)
{
	static const struct {
		int level, name;
		unsigned minor;
	} options[] = {
		{SOL_SOCKET, 82, 14},  /* SO_RCVPRIORITY */
		{IPPROTO_TCP, 43, 10}, /* TCP_IS_MPTCP */
		{IPPROTO_TCP, 44, 15}, /* TCP_RTO_MAX_MS */
		{IPPROTO_TCP, 45, 16}, /* TCP_RTO_MIN_US */
		{IPPROTO_TCP, 46, 16}, /* TCP_DELACK_MAX_US */
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	NEED(fd >= 0);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		int value = 2000;
		socklen_t len = sizeof(value);

		if (!check_kernel(6, options[i].minor))
			continue;
		SHOW(setsockopt(fd, options[i].level, options[i].name, &value, len));
		SHOW(getsockopt(fd, options[i].level, options[i].name, &value, &len));
		printf("  %d in %u bytes\n", value, len);
	}
	close(fd);
}

static void send_datagram(const char *text)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(9),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	NEED(fd >= 0 && sendto(fd, text, strlen(text), 0, (void *)&to, sizeof(to)) > 0);
	close(fd);
}

/* Waits for a frame of the ring that is the program's, and shows its length. */
static void show_frame(int fd, const struct tpacket_hdr *frame)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (!(__atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		NEED(poll(&p, 1, 60000) > 0);
	printf("  a frame of %u bytes\n", frame->tp_len);
}

/* In a network namespace of its own, whose loopback interface is up, for root. */
LONE_CASE(packets)
{
	struct tpacket_req ring = {
		.tp_block_size = 16384, .tp_block_nr = 4, .tp_frame_size = 2048, .tp_frame_nr = 32};
	struct sockaddr_ll lo = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex("lo")};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	char bytes[100];
	char *map;

	NEED(fd >= 0 && bind(fd, (void *)&lo, sizeof(lo)) == 0);
	SHOW(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT));
	SHOW(recv(fd, bytes, 0, MSG_DONTWAIT | MSG_TRUNC));
	SHOW(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	send_datagram("one");
	SHOW(recv(fd, bytes, sizeof(bytes), 0));
	SHOW(recv(fd, bytes, sizeof(bytes), 0));
	SHOW(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)));
	SHOW(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	SHOW(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096) == MAP_FAILED);
	map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(map != MAP_FAILED);
	send_datagram("two and more");
	show_frame(fd, (void *)map);
	show_frame(fd, (void *)(map + 2048));
	SHOW(((struct tpacket_hdr *)(map + 2 * 2048))->tp_status);
	SHOW(munmap(map, 65536));
	memset(&ring, 0, sizeof(ring));
	SHOW(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)));
	close(fd);
}
