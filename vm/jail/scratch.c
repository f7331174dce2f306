// SPDX-License-Identifier: MIT
/*
 * A file system of the sandbox's own: directories that the view shows and the host does not have.
 *
 * It is a tmpfs that is never attached to any directory. So it has no name on the host, and ends
 * with its last descriptor, also if the monitor is killed. Making one takes a capability that an
 * ordinary user has only in a user namespace of their own; a child enters one, makes the tmpfs
 * there and sends its descriptor back. Where the host forbids that, a temporary directory takes
 * its place. A process of its own removes that as soon as the monitor has ended, however it ended:
 * the monitor itself has given up the right to do so.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vm/jail/view.h"
#include "vm/vm.h"

#ifndef FSCONFIG_SET_STRING
#define FSCONFIG_SET_STRING 1
#define FSCONFIG_CMD_CREATE 6
#endif
#ifndef MOUNT_ATTR_NOSUID
#define MOUNT_ATTR_NOSUID 2
#define MOUNT_ATTR_NODEV  4
#endif

/* Of the process that removes the temporary directory: our end of its pipe, or -1. */
static int cleaner = -1;
static pid_t cleaner_pid;

static int set(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0);
}

/* Makes a tmpfs. Returns a descriptor, or -1 with errno. */
static int make_tmpfs(u64 bytes)
{
	int fs = (int)syscall(SYS_fsopen, "tmpfs", 1 /* FSOPEN_CLOEXEC */), fd = -1;
	char size[32], uid[16], gid[16];

	if (fs < 0)
		return -1;
	snprintf(size, sizeof(size), "%lu", bytes);
	snprintf(uid, sizeof(uid), "%u", geteuid());
	snprintf(gid, sizeof(gid), "%u", getegid());
	if (set(fs, "size", size) == 0 && set(fs, "mode", "0755") == 0 &&
	    set(fs, "uid", uid) == 0 && set(fs, "gid", gid) == 0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = (int)syscall(SYS_fsmount, fs, 1 /* FSMOUNT_CLOEXEC */,
				  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	close(fs);
	return fd;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Enters a user namespace in which the user is who they are outside. */
static bool enter_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return false;
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	if (!write_text("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	return write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/gid_map", map);
}

union fd_message {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

static void send_fd(int socket, int fd)
{
	union fd_message control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
					     .cmsg_level = SOL_SOCKET,
					     .cmsg_type = SCM_RIGHTS}};
	struct iovec iov = {"", 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(socket, &msg, MSG_NOSIGNAL) < 0)
		errno = 0; /* the parent sees that nothing came */
}

static int receive_fd(int socket)
{
	union fd_message control = {0};
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&msg))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Lets a child in a user namespace make the tmpfs. Returns a descriptor, or -1. */
static int from_child(u64 bytes)
{
	int pair[2], fd;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	child = fork();
	if (child == 0) {
		close(pair[0]);
		fd = enter_namespace() ? make_tmpfs(bytes) : -1;
		if (fd >= 0)
			send_fd(pair[1], fd);
		_exit(0);
	}
	close(pair[1]);
	fd = child > 0 ? receive_fd(pair[0]) : -1;
	close(pair[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return fd;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)at;
	/* A program may have made a directory unreadable. */
	if (kind == FTW_DNR && chmod(path, 0700) == 0)
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (remove(path))
		errno = 0; /* the rest is tried */
	return 0;
}

/* Starts the process that removes the directory. Returns false with errno on failure. */
static bool start_cleaner(const char *directory)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	cleaner_pid = fork();
	if (cleaner_pid == 0) {
		close(ends[1]);
		for (int sig = 1; sig < NSIG; sig++)
			signal(sig, SIG_IGN);
		while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
			;
		nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		_exit(0);
	}
	close(ends[0]);
	if (cleaner_pid < 0) {
		close(ends[1]);
		return false;
	}
	cleaner = ends[1];
	return true;
}

static int make_directory(void)
{
	const char *base = getenv("TMPDIR");
	char directory[4096];

	snprintf(directory, sizeof(directory), "%s/buffervm.XXXXXX",
		 base && base[0] == '/' ? base : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	if (!start_cleaner(directory)) {
		rmdir(directory);
		return -1;
	}
	return open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int scratch_make(u64 bytes)
{
	int fd = make_tmpfs(bytes);

	if (fd < 0)
		fd = from_child(bytes);
	return fd >= 0 ? fd : make_directory();
}

void scratch_end(void)
{
	if (cleaner < 0)
		return;
	close(cleaner);
	cleaner = -1;
	while (waitpid(cleaner_pid, NULL, 0) < 0 && errno == EINTR)
		;
}
