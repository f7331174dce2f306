// SPDX-License-Identifier: MIT
/*
 * A program of the build: makes the filters that the monitor carries (seccomp.h) by libseccomp,
 * which would take a millisecond at each start.
 *
 *   seccomp-filter OFFLINE TCP ONLINE PROXY   writes the filters for no network, TCP only and all
 *                                   of it, and that of the proxy's process (proxy.h)
 *   seccomp-filter --list           prints the calls that they allow, and what of their arguments
 *
 * The guest kernel decides which hostcalls are made, so the list has every call of the table
 * (common/hostcall.def) and nothing beside but what the C library needs for threads and memory.
 * Arguments are restricted where a call can do more than the monitor ever asks of it. The monitor
 * checks these arguments itself first and returns an error to the guest: a call that this filter
 * refuses comes from a monitor that is no longer in control of itself, so the process ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/kcmp.h>
#include <linux/kd.h>
#include <linux/kvm.h>
#include <linux/netlink.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <linux/vt.h>
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/types.h"
#include "vm/jail/net.h"
#include "vm/jail/seccomp.h"

#ifndef F_CREATED_QUERY /* Linux 6.12 */
#define F_CREATED_QUERY 1028
#endif

/* Calls that the oldest supported library does not know by name. */
#define NR_CACHESTAT	451
#define NR_FCHMODAT2	452
#define NR_STATMOUNT	457
#define NR_LISTMOUNT	458
#define NR_FILE_GETATTR 468
#define NR_FILE_SETATTR 469

/* Calls whose arguments are not restricted. */
static const int calls[] = {
	/* Memory of the monitor. mmap and mprotect are in `restricted`. */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(mincore),
	SCMP_SYS(msync),
	/* Threads and their signals. */
	SCMP_SYS(futex),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigtimedwait), /* vm/observe/write.c */
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(wait4), /* for the reporter's end */
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(gettid),
	SCMP_SYS(getpgrp),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(getcpu),
	SCMP_SYS(membarrier),
	SCMP_SYS(getrusage),
	/* Time. */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(timer_create),
	SCMP_SYS(timer_settime),
	SCMP_SYS(timer_gettime),
	SCMP_SYS(timer_delete),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_gettime),
	/* Identity: what is left of it (walls.c drops capabilities). */
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(capget),
	SCMP_SYS(capset),
	SCMP_SYS(getgroups),
	SCMP_SYS(setgroups),
	SCMP_SYS(setresuid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setfsuid),
	SCMP_SYS(setfsgid),
	SCMP_SYS(umask),
	/* Names of files. */
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(mkdirat),
	SCMP_SYS(mknodat),
	SCMP_SYS(unlinkat),
	SCMP_SYS(renameat2),
	SCMP_SYS(linkat),
	SCMP_SYS(symlinkat),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fchownat),
	SCMP_SYS(utimensat),
	SCMP_SYS(statfs),
	SCMP_SYS(truncate),
	SCMP_SYS(getxattr),
	SCMP_SYS(lgetxattr),
	SCMP_SYS(setxattr),
	SCMP_SYS(lsetxattr),
	SCMP_SYS(listxattr),
	SCMP_SYS(llistxattr),
	SCMP_SYS(removexattr),
	SCMP_SYS(lremovexattr),
	SCMP_SYS(fchdir),
	SCMP_SYS(name_to_handle_at),
	NR_FCHMODAT2,
	NR_STATMOUNT,
	NR_LISTMOUNT,
	NR_FILE_GETATTR,
	NR_FILE_SETATTR,
	/* Open files. */
	SCMP_SYS(close),
	SCMP_SYS(dup3), /* vm/jail/inside.c */
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(readv),
	SCMP_SYS(writev),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(preadv2),
	SCMP_SYS(pwritev2),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(sync),
	SCMP_SYS(syncfs),
	SCMP_SYS(sync_file_range),
	SCMP_SYS(fadvise64),
	SCMP_SYS(readahead),
	SCMP_SYS(flock),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchown),
	SCMP_SYS(fgetxattr),
	SCMP_SYS(fsetxattr),
	SCMP_SYS(flistxattr),
	SCMP_SYS(fremovexattr),
	SCMP_SYS(getdents64),
	SCMP_SYS(copy_file_range),
	SCMP_SYS(sendfile),
	SCMP_SYS(splice),
	SCMP_SYS(tee),
	NR_CACHESTAT,
	SCMP_SYS(memfd_create),
	SCMP_SYS(pipe2),
	SCMP_SYS(eventfd2),
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_rm_watch),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait2),
	/* Sockets. `socket` and `socketpair` are in `restricted`. */
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(listen),
	SCMP_SYS(accept4),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),   /* report_write, of the reporter's channel and of the resolver's */
	SCMP_SYS(recvfrom), /* report_read */
	/* The host. */
	SCMP_SYS(getrandom),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
};

/* The requests that the monitor makes on KVM's descriptors once the VM exists ... */
static const u32 kvm_requests[] = {
	KVM_RUN,
	KVM_GET_REGS,
	KVM_SET_REGS,
	KVM_GET_SREGS,
	KVM_SET_SREGS,
	KVM_GET_VCPU_EVENTS,
	KVM_SET_USER_MEMORY_REGION,
	KVM_CREATE_VCPU,
	KVM_GET_VCPU_MMAP_SIZE,
	KVM_SET_CPUID2,
	KVM_GET_CPUID2,
	KVM_SET_XCRS,
	KVM_SET_MSRS,
	KVM_SET_DEVICE_ATTR,
	KVM_GET_TSC_KHZ,
	KVM_GET_DEBUGREGS,
	KVM_SET_DEBUGREGS,
	KVM_GET_STATS_FD,
};

/* ... and those that it makes for programs. */
static const u32 requests[] = {
#define IOCTL(nr, kind, size) nr,
#include "common/ioctl.def"
};

/* vm/hostcall_file.c */
static const u32 fcntl_commands[] = {
	F_GETFL,
	F_SETFL,
	F_GETFD,
	F_SETFD,
	F_DUPFD_CLOEXEC,
	F_GETLK,
	F_SETLK,
	F_SETLKW,
	F_OFD_GETLK,
	F_OFD_SETLK,
	F_OFD_SETLKW,
	F_GETLEASE,
	F_SETLEASE,
	F_NOTIFY,
	F_GETPIPE_SZ,
	F_SETPIPE_SZ,
	F_ADD_SEALS,
	F_GET_SEALS,
	F_GET_RW_HINT,
	F_SET_RW_HINT,
	F_GET_FILE_RW_HINT,
	F_SET_FILE_RW_HINT,
	F_CREATED_QUERY,
};

/* A clone(2) that makes a thread of this process, and no namespace. */
#define CLONE_NEW                                                                                  \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
#define CLONE_SHARED  (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FILES)
#define CLONE_STRANGE (CLONE_PTRACE | CLONE_UNTRACED | CLONE_VFORK | CLONE_PARENT | CLONE_PIDFD)

static int allow_values(scmp_filter_ctx filter, int call, u32 arg, const u32 *value, size_t count)
{
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < count; i++) {
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
				       SCMP_CMP32(arg, SCMP_CMP_EQ, value[i]));
		/* Two names may have one number. */
		if (ret == -EEXIST)
			ret = 0;
	}
	return ret;
}

#define SELF SECCOMP_OWN_PID
#define ANY  (1u << NET_OFF | 1u << NET_RULES | 1u << NET_HOST)

/* Calls that are allowed with these arguments only, and how the list says so. */
static const struct restricted {
	const char *text;
	int call;
	u32 networks; /* bit n: it is in the filter of this enum net_mode */
	u32 count;
	struct scmp_arg_cmp arg[3];
} restricted[] = {
	{"not PROT_EXEC", SCMP_SYS(mmap), ANY, 1, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)}},
	{"not PROT_EXEC", SCMP_SYS(mprotect), ANY, 1, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)}},
	{"threads of this process",
	 SCMP_SYS(clone),
	 ANY,
	 1,
	 {SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEW | CLONE_SHARED | CLONE_STRANGE, CLONE_SHARED)}},
	{"CLONE_FS", SCMP_SYS(unshare), ANY, 1, {SCMP_A0_32(SCMP_CMP_EQ, CLONE_FS)}},
	{"own process", SCMP_SYS(tgkill), ANY, 1, {SCMP_A0_32(SCMP_CMP_EQ, SELF)}},
	{"own process", SCMP_SYS(kill), ANY, 1, {SCMP_A0_32(SCMP_CMP_EQ, SELF)}},
	{"F_SETOWN: own process",
	 SCMP_SYS(fcntl),
	 ANY,
	 2,
	 {SCMP_A1_32(SCMP_CMP_EQ, F_SETOWN), SCMP_A2_32(SCMP_CMP_EQ, SELF)}},
	{"F_SETSIG: the signal of files",
	 SCMP_SYS(fcntl),
	 ANY,
	 2,
	 {SCMP_A1_32(SCMP_CMP_EQ, F_SETSIG), SCMP_A2_32(SCMP_CMP_EQ, SECCOMP_FILE_SIGNAL)}},
	{"PR_SET_DUMPABLE 0",
	 SCMP_SYS(prctl),
	 ANY,
	 2,
	 {SCMP_A0_32(SCMP_CMP_EQ, PR_SET_DUMPABLE), SCMP_A1_32(SCMP_CMP_EQ, 0)}},
	{"own process", SCMP_SYS(prlimit64), ANY, 1, {SCMP_A0_32(SCMP_CMP_EQ, 0)}},
	{"own process", SCMP_SYS(process_vm_readv), ANY, 1, {SCMP_A0_32(SCMP_CMP_EQ, SELF)}},
	{"own process", SCMP_SYS(process_vm_writev), ANY, 1, {SCMP_A0_32(SCMP_CMP_EQ, SELF)}},
	{"own process, KCMP_FILE",
	 SCMP_SYS(kcmp),
	 ANY,
	 3,
	 {SCMP_A0_32(SCMP_CMP_EQ, SELF), SCMP_A1_32(SCMP_CMP_EQ, SELF),
	  SCMP_A2_32(SCMP_CMP_EQ, KCMP_FILE)}},
	{"AF_UNIX", SCMP_SYS(socket), ANY, 1, {SCMP_A0_32(SCMP_CMP_EQ, AF_UNIX)}},
	{"AF_UNIX", SCMP_SYS(socketpair), ANY, 1, {SCMP_A0_32(SCMP_CMP_EQ, AF_UNIX)}},
	{"AF_NETLINK: NETLINK_ROUTE",
	 SCMP_SYS(socket),
	 ANY,
	 2,
	 {SCMP_A0_32(SCMP_CMP_EQ, AF_NETLINK), SCMP_A2_32(SCMP_CMP_EQ, NETLINK_ROUTE)}},
	{"AF_INET: SOCK_STREAM, with rules for the network",
	 SCMP_SYS(socket),
	 1u << NET_RULES,
	 2,
	 {SCMP_A0_32(SCMP_CMP_EQ, AF_INET), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM)}},
	{"AF_INET6: SOCK_STREAM, with rules for the network",
	 SCMP_SYS(socket),
	 1u << NET_RULES,
	 2,
	 {SCMP_A0_32(SCMP_CMP_EQ, AF_INET6), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM)}},
	{"AF_INET, with the host's network",
	 SCMP_SYS(socket),
	 1u << NET_HOST,
	 1,
	 {SCMP_A0_32(SCMP_CMP_EQ, AF_INET)}},
	{"AF_INET6, with the host's network",
	 SCMP_SYS(socket),
	 1u << NET_HOST,
	 1,
	 {SCMP_A0_32(SCMP_CMP_EQ, AF_INET6)}},
};

/* Fills the filter. Returns 0 or -errno. */
static int fill(scmp_filter_ctx filter, enum net_mode network)
{
	int ret = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (ret == 0)
		ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (u32 i = 0; ret == 0 && i < ARRAY_SIZE(calls); i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	if (ret == 0)
		ret = allow_values(filter, SCMP_SYS(ioctl), 1, kvm_requests,
				   ARRAY_SIZE(kvm_requests));
	if (ret == 0)
		ret = allow_values(filter, SCMP_SYS(ioctl), 1, requests, ARRAY_SIZE(requests));
	if (ret == 0)
		ret = allow_values(filter, SCMP_SYS(fcntl), 1, fcntl_commands,
				   ARRAY_SIZE(fcntl_commands));
	for (u32 i = 0; ret == 0 && i < ARRAY_SIZE(restricted); i++)
		if (restricted[i].networks >> network & 1)
			ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, restricted[i].call,
						     restricted[i].count, restricted[i].arg);
	/* Its flags are in memory, which a filter cannot read. The C library then calls clone. */
	if (ret == 0)
		ret = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return ret;
}

/* What the proxy needs to carry data. It opens nothing and starts nothing. */
static int fill_proxy(scmp_filter_ctx filter, enum net_mode network)
{
	static const int carries[] = {
		SCMP_SYS(recvfrom),	 SCMP_SYS(sendto),     SCMP_SYS(recvmsg),
		SCMP_SYS(sendmsg),	 SCMP_SYS(poll),       SCMP_SYS(connect),
		SCMP_SYS(getsockopt),	 SCMP_SYS(shutdown),   SCMP_SYS(close),
		SCMP_SYS(clock_gettime), SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
		SCMP_SYS(rt_sigreturn),	 SCMP_SYS(write),      SCMP_SYS(writev),
		SCMP_SYS(brk),		 SCMP_SYS(munmap),
	};
	static const int families[] = {AF_INET, AF_INET6};
	int ret = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	(void)network;
	for (u32 i = 0; ret == 0 && i < ARRAY_SIZE(carries); i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, carries[i], 0);
	for (u32 i = 0; ret == 0 && i < ARRAY_SIZE(families); i++)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
				       SCMP_A0_32(SCMP_CMP_EQ, (u32)families[i]),
				       SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM));
	if (ret == 0)
		ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return ret;
}

/* Writes a filter to a file. Returns 0 or -errno. */
static int make(const char *path, int (*fill_it)(scmp_filter_ctx filter, enum net_mode network),
		enum net_mode network)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int ret = fd < 0 ? -errno : filter ? fill_it(filter, network) : -ENOMEM;

	if (ret == 0)
		ret = seccomp_export_bpf(filter, fd);
	if (fd >= 0 && close(fd) && ret == 0)
		ret = -errno;
	seccomp_release(filter);
	if (ret)
		fprintf(stderr, "seccomp-filter: %s: %s\n", path, strerror(-ret));
	return ret;
}

/* Prints a call by its name, which the library may be too old to know. */
static void print_call(int call, const char *text)
{
	static const struct {
		int call;
		const char *name;
	} newer[] = {
		{NR_CACHESTAT, "cachestat"},	   {NR_FCHMODAT2, "fchmodat2"},
		{NR_STATMOUNT, "statmount"},	   {NR_LISTMOUNT, "listmount"},
		{NR_FILE_GETATTR, "file_getattr"}, {NR_FILE_SETATTR, "file_setattr"},
	};
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, call);
	const char *known = name;

	for (u32 i = 0; !known && i < ARRAY_SIZE(newer); i++)
		if (newer[i].call == call)
			known = newer[i].name;
	printf("%s", known ? known : "unknown");
	printf("%s%s\n", text ? "\t" : "", text ? text : "");
	free(name);
}

static void list(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(calls); i++)
		print_call(calls[i], NULL);
	print_call(SCMP_SYS(ioctl), "requests of KVM for vCPUs and memory, common/ioctl.def");
	print_call(SCMP_SYS(fcntl), "commands of vm/hostcall_file.c");
	for (u32 i = 0; i < ARRAY_SIZE(restricted); i++)
		print_call(restricted[i].call, restricted[i].text);
	print_call(SCMP_SYS(clone3), "fails with ENOSYS");
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--list")) {
		list();
		return 0;
	}
	if (argc != 5) {
		fprintf(stderr, "usage: seccomp-filter --list | OFFLINE TCP ONLINE PROXY\n");
		return 2;
	}
	return make(argv[1], fill, NET_OFF) || make(argv[2], fill, NET_RULES) ||
	       make(argv[3], fill, NET_HOST) || make(argv[4], fill_proxy, NET_OFF);
}
