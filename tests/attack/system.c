// SPDX-License-Identifier: MIT
/*
 * Attempts by what a system has beside files: procfs, devices, mounts, identities, signals, other
 * processes, System V objects.
 */
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "attack.h"

/* The parent, or a number that nobody has: to many calls 0 is the caller itself. */
static pid_t parent(void)
{
	pid_t pid = getppid();

	return pid > 0 ? pid : 99999;
}

ATTEMPT("procfs", root_of_init, NATIVE, "")
{
	REACHED(reads_bait("/proc/1/root/bait/secret"));
}

ATTEMPT("procfs", root_of_self, 0, "")
{
	REACHED(reads_bait("/proc/self/root/bait/secret"));
}

ATTEMPT("procfs", root_of_thread, 0, "")
{
	REACHED(reads_bait("/proc/thread-self/root/bait/secret"));
}

ATTEMPT("procfs", working_directory_link, NATIVE, "")
{
	REACHED(!chdir("/play") && reads_bait("/proc/self/cwd/../bait/secret"));
}

ATTEMPT("procfs", directory_descriptor, NATIVE, "")
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/../bait/secret", open("/play", O_RDONLY));
	REACHED(reads_bait(path));
}

ATTEMPT("procfs", symlink_to_magic_link, 0, "")
{
	REACHED(!symlink("/proc/self/root", "/play/own") && reads_bait("/play/own/bait/secret"));
}

/* Every number in /proc whose root is the host's. */
ATTEMPT("procfs", root_of_anybody, NATIVE, "")
{
	for (int pid = 1; pid < 300; pid++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/root/bait/secret", pid);
		if (pid != getpid() && reads_bait(path))
			return 0;
	}
	errno = ENOENT;
	REACHED(false);
}

ATTEMPT("procfs", environment_of_parent, NATIVE, "")
{
	char path[64], text[4];

	snprintf(path, sizeof(path), "/proc/%d/environ", parent());
	REACHED(read(open(path, O_RDONLY), text, sizeof(text)) > 0);
}

ATTEMPT("procfs", memory_of_parent, NATIVE, "")
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", parent());
	REACHED(open(path, O_RDWR) >= 0);
}

ATTEMPT("procfs", bait_process_is_listed, NATIVE, "")
{
	for (int pid = 1; pid < 300; pid++) {
		char path[64], text[256] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "baitproc"))
			return 0;
		close(fd);
	}
	errno = ENOENT;
	REACHED(false);
}

ATTEMPT("procfs", kernel_setting, NATIVE | AS_ROOT, "")
{
	/* Of the namespace that the runner made. */
	int fd = open("/proc/sys/kernel/domainname", O_WRONLY);

	REACHED(fd >= 0 && write(fd, "x", 1) == 1);
}

ATTEMPT("procfs", mounts_of_the_host, 0, "")
{
	char text[65536] = "", *found;
	int fd = open("/proc/self/mountinfo", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	found = n > 0 ? strstr(text, " /disk ") : NULL;
	errno = ENOENT;
	REACHED(found);
}

ATTEMPT("procfs", enter_namespace, NATIVE | AS_ROOT, "")
{
	REACHED(!setns(open("/proc/1/ns/mnt", O_RDONLY), CLONE_NEWNS));
}

ATTEMPT("devices", make_null, AS_ROOT | NATIVE, "")
{
	REACHED(!mknod("/play/null", S_IFCHR | 0600, makedev(1, 3)));
}

ATTEMPT("devices", make_block_device, AS_ROOT | NATIVE, "")
{
	REACHED(!mknod("/play/disk", S_IFBLK | 0600, makedev(7, 200)));
}

ATTEMPT("devices", open_kvm, 0, "")
{
	REACHED(open("/dev/kvm", O_RDWR) >= 0);
}

ATTEMPT("devices", open_foreign_device, 0, "")
{
	/* The runner made it: it is another /dev/null, which the policy does not have. */
	REACHED(open("/dev/bait", O_RDWR) >= 0);
}

ATTEMPT("devices", open_device_in_writable, 0, "")
{
	REACHED(open("/play/device", O_RDWR) >= 0);
}

ATTEMPT("devices", own_devices_by_bait, 0, "")
{
	REACHED(open("/bait/device", O_RDWR) >= 0);
}

static bool can_mount(const char *from, const char *to)
{
	return !mount(from, to, NULL, MS_BIND, NULL);
}

ATTEMPT("mounts", bind_mount, NATIVE | AS_ROOT, "")
{
	REACHED(can_mount("/bait", "/play/sub") && reads_bait("/play/sub/secret"));
}

ATTEMPT("mounts", bind_mount_in_new_namespace, NATIVE | AS_ROOT, "")
{
	REACHED(!unshare(CLONE_NEWNS) && can_mount("/bait", "/play/sub") &&
		reads_bait("/play/sub/secret"));
}

ATTEMPT("mounts", bind_mount_in_user_namespace, NATIVE, "")
{
	REACHED(!unshare(CLONE_NEWUSER | CLONE_NEWNS) && can_mount("/bait", "/play/sub") &&
		reads_bait("/play/sub/secret"));
}

ATTEMPT("mounts", mount_tmpfs, NATIVE | AS_ROOT, "")
{
	REACHED(!mount("x", "/play/sub", "tmpfs", 0, NULL));
}

ATTEMPT("mounts", mount_procfs, NATIVE | AS_ROOT, "")
{
	REACHED(!mount("x", "/play/sub", "proc", 0, NULL));
}

ATTEMPT("mounts", unmount, NATIVE | AS_ROOT, "")
{
	REACHED(!umount2("/dev/pts", MNT_DETACH));
}

ATTEMPT("mounts", open_tree_and_move, NATIVE | AS_ROOT, "")
{
	/* OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH */
	int tree = (int)syscall(428, AT_FDCWD, "/bait", 1);

	REACHED(tree >= 0 && !syscall(429, tree, "", AT_FDCWD, "/play/sub", 4));
}

ATTEMPT("mounts", change_root, NATIVE | AS_ROOT, "")
{
	REACHED(!chroot("/bait") && reads_bait("/secret"));
}

ATTEMPT("mounts", leave_changed_root, AS_ROOT | NATIVE, "")
{
	int root = open("/", O_PATH | O_DIRECTORY);

	if (chroot("/play/sub") || fchdir(root))
		return errno;
	REACHED(reads_bait("bait/secret"));
}

ATTEMPT("mounts", pivot_root, NATIVE | AS_ROOT, "")
{
	REACHED(!unshare(CLONE_NEWNS) && can_mount("/bait", "/bait") && !chdir("/bait") &&
		!syscall(SYS_pivot_root, ".", ".") && reads_bait("secret"));
}

/* The runner's /bait/su belongs to another user, with the bits that change the IDs. */
ATTEMPT("identity", setuid_program, NATIVE | AS_USER, "--read=/bait/su")
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bait/su", "su", "-u", NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = EPERM;
	/* As root's, it writes root's number; the runner's line shows which. */
	REACHED(status == 0 && !access("/play/su-worked", F_OK));
}

ATTEMPT("identity", other_user, NATIVE | AS_ROOT, "")
{
	REACHED(!setresuid(12345, 12345, 12345));
}

ATTEMPT("identity", read_other_users_file, NATIVE | AS_ROOT, "--read=/bait/private")
{
	/* Mode 0600 of another user: root reads it by a capability. */
	REACHED(reads_bait("/bait/private"));
}

ATTEMPT("identity", give_capabilities_to_file, NATIVE | AS_ROOT, "")
{
	static const char caps[20] = {1, 0, 0, 2, 0, 0, 0x20};

	close(open("/play/capable", O_WRONLY | O_CREAT, 0700));
	REACHED(!setxattr("/play/capable", "security.capability", caps, sizeof(caps), 0));
}

ATTEMPT("identity", make_setuid_file, NATIVE | AS_ROOT, "")
{
	struct stat st;

	close(open("/play/gift", O_WRONLY | O_CREAT, 0700));
	REACHED(!chown("/play/gift", 12345, 12345) && !chmod("/play/gift", 04755) &&
		!stat("/play/gift", &st) && st.st_uid == 12345 && st.st_mode & S_ISUID);
}

ATTEMPT("identity", gain_privileges_again, NATIVE, "")
{
	REACHED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

ATTEMPT("signals", signal_parent, 0, "")
{
	REACHED(!kill(parent(), 0));
}

ATTEMPT("signals", signal_parent_by_handle, NATIVE, "")
{
	int fd = (int)syscall(SYS_pidfd_open, parent(), 0);

	REACHED(fd >= 0 && !syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

ATTEMPT("signals", signal_init, NATIVE | AS_ROOT, "")
{
	REACHED(!kill(1, 0) && getpid() != 1 && getppid() != 0);
}

/* The runner's helper is of the same group as the monitor, and counts SIGUSR1. */
ATTEMPT("signals", signal_group, 0, "log")
{
	signal(SIGUSR1, SIG_IGN);
	REACHED(!kill(0, SIGUSR1) && usleep(200000) == 0);
}

ATTEMPT("signals", signal_everybody, NATIVE, "log")
{
	signal(SIGUSR1, SIG_IGN);
	REACHED(!kill(-1, SIGUSR1) && usleep(200000) == 0);
}

ATTEMPT("signals", signal_bait_process, NATIVE, "log")
{
	for (int pid = 2; pid < 300; pid++)
		if (pid != getpid())
			kill(pid, SIGUSR1);
	usleep(200000);
	return 0;
}

ATTEMPT("processes", trace_parent, NATIVE, "")
{
	REACHED(!ptrace(PTRACE_SEIZE, parent(), NULL, NULL));
}

ATTEMPT("processes", read_memory_of_parent, NATIVE, "")
{
	char byte;
	struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};

	/* A wrong address shows as EFAULT: the process itself was reached. */
	REACHED(process_vm_readv(parent(), &here, 1, &there, 1, 0) == 1 || errno == EFAULT);
}

ATTEMPT("processes", descriptor_of_parent, NATIVE, "")
{
	int fd = (int)syscall(SYS_pidfd_open, parent(), 0);

	REACHED(fd >= 0 && syscall(438, fd, 0, 0) >= 0); /* pidfd_getfd */
}

ATTEMPT("processes", limits_of_parent, NATIVE, "")
{
	unsigned long limit[2];

	REACHED(!syscall(SYS_prlimit64, parent(), 7, NULL, limit));
}

ATTEMPT("objects", shared_memory, NATIVE, "")
{
	REACHED(shmget(0xba17, 4096, 0) >= 0);
}

ATTEMPT("objects", message_queue, NATIVE, "")
{
	REACHED(mq_open("/bait", O_RDONLY) != (mqd_t)-1);
}

ATTEMPT("objects", named_shared_memory, 0, "")
{
	REACHED(reads_bait("/dev/shm/bait"));
}

ATTEMPT("objects", host_name, NATIVE | AS_ROOT, "")
{
	REACHED(!sethostname("reached", 7) && system("[ \"$(cat /proc/1/root/proc/sys/kernel/"
						     "hostname)\" = reached ]") == 0);
}

ATTEMPT("objects", environment_of_the_user, 0, "")
{
	errno = ENOENT;
	REACHED(getenv("BAIT_SECRET"));
}

ATTEMPT("objects", performance_counter, NATIVE, "")
{
	unsigned long attr[16] = {(unsigned long)sizeof(attr) << 32 | 1, 0};

	/* Of another process: its CPU clock. */
	REACHED(syscall(SYS_perf_event_open, attr, parent(), -1, -1, 0) >= 0);
}

ATTEMPT("objects", bpf_map, NATIVE | AS_ROOT, "")
{
	unsigned map[16] = {1, 4, 4, 1};

	REACHED(syscall(SYS_bpf, 0, map, sizeof(map)) >= 0);
}

ATTEMPT("objects", key_of_the_session, NATIVE, "")
{
	/* KEYCTL_GET_KEYRING_ID of the session's keyring. */
	REACHED(syscall(SYS_keyctl, 0, -3, 0) > 0);
}

ATTEMPT("objects", kernel_log, NATIVE | AS_ROOT, "")
{
	REACHED(syscall(SYS_syslog, 10, NULL, 0) > 0);
}

ATTEMPT("objects", asynchronous_ring, NATIVE, "")
{
	/* io_uring_setup: its requests open files and sockets without a system call. */
	unsigned params[30] = {0};

	REACHED(syscall(425, 4, params) >= 0);
}
