// SPDX-License-Identifier: MIT
/*
 * What programs ask of sockets and network interfaces beside sending and receiving: owners, the
 * devices' features, options.
 */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
