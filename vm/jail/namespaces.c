// SPDX-License-Identifier: MIT
/* See namespaces.h. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include "vm/jail/namespaces.h"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int new_namespace(int kind)
{
	return unshare(kind) ? -errno : 0;
}

int namespace_user(void)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	char map[64];
	int ret = new_namespace(CLONE_NEWUSER);

	if (ret)
		return ret;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	ret = write_file("/proc/self/uid_map", map);
	/* user_namespaces(7): without this an ordinary user may write no gid_map. */
	if (ret == 0)
		ret = write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	if (ret == 0)
		ret = write_file("/proc/self/gid_map", map);
	return ret;
}

/* The thread that makes the network namespace. result: its descriptor, or -errno. */
static struct {
	pthread_t thread;
	bool begun;
	int result;
} net;

static void *make_net(void *arg)
{
	(void)arg;
	net.result = new_namespace(CLONE_NEWNET);
	if (net.result == 0)
		net.result = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (net.result == -1)
		net.result = -errno;
	return NULL;
}

void namespace_net_begin(void)
{
	net.begun = pthread_create(&net.thread, NULL, make_net, NULL) == 0;
}

int namespace_net(void)
{
	int ret = 0;

	if (!net.begun)
		return new_namespace(CLONE_NEWNET);
	net.begun = false;
	pthread_join(net.thread, NULL);
	if (net.result < 0)
		return net.result;
	if (setns(net.result, CLONE_NEWNET))
		ret = -errno;
	close(net.result);
	return ret;
}

int namespace_ipc(void)
{
	return new_namespace(CLONE_NEWIPC);
}

int namespace_uts(void)
{
	return new_namespace(CLONE_NEWUTS);
}

int namespace_mount(void)
{
	int ret = new_namespace(CLONE_NEWNS);

	if (ret == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		ret = -errno;
	return ret;
}
