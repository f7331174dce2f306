// SPDX-License-Identifier: MIT
/*
 * A program that confines itself with libseccomp: a long list of allowed calls as a tree, as
 * systemd makes it, a second filter on arguments, and one for threads that already run.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t trapped;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	trapped = info->si_syscall;
}

/* Every call up to 334 but some: what is not in the list is EPERM. */
static int allow_list(void)
{
	static const char *const denied[] = {"mkdir", "mkdirat", "ptrace", "mount",	 "setns",
					     "uname", "reboot",	 "swapon", "sethostname"};
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int ret = f ? seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2) : -ENOMEM;

	for (int nr = 0; ret == 0 && nr < 450; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
		int known = name != NULL;

		for (unsigned i = 0; known && i < sizeof(denied) / sizeof(denied[0]); i++)
			known = strcmp(name, denied[i]) != 0;
		if (known)
			ret = seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);
	}
	if (ret == 0)
		ret = seccomp_load(f);
	seccomp_release(f);
	return ret;
}

static int by_arguments(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int ret = 0;

	ret |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				SCMP_A0(SCMP_CMP_GE, AF_NETLINK));
	ret |= seccomp_rule_add(f, SCMP_ACT_ERRNO(EROFS), SCMP_SYS(openat), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, O_CREAT, O_CREAT));
	ret |= seccomp_rule_add(f, SCMP_ACT_TRAP, SCMP_SYS(getppid), 0);
	if (ret == 0)
		ret = seccomp_load(f);
	seccomp_release(f);
	return ret;
}

static int for_all_threads(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int ret = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);

	if (ret == 0)
		ret = seccomp_rule_add(f, SCMP_ACT_ERRNO(EXDEV), SCMP_SYS(sched_yield), 0);
	if (ret == 0)
		ret = seccomp_load(f);
	seccomp_release(f);
	return ret;
}

static int pipes[2];

static void *thread(void *arg)
{
	char c;

	if (read(pipes[0], &c, 1) != 1)
		return NULL;
	errno = 0;
	sched_yield();
	printf("thread: %s\n", strerror(errno));
	return arg;
}

static void try(const char *what, int ret)
{
	printf("%s: %s\n", what, ret < 0 ? strerror(errno) : "ok");
}

int main(void)
{
	struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
	struct utsname u;
	pthread_t t;
	int status;

	printf("interface: %u\n", seccomp_api_get());
	sigaction(SIGSYS, &action, NULL);
	if (pipe(pipes) || pthread_create(&t, NULL, thread, NULL))
		return 1;
	printf("list: %d\n", allow_list());
	try("mkdir", mkdir("d", 0700));
	try("uname", uname(&u));
	try("open", open("/dev/null", O_RDONLY));
	printf("arguments: %d\n", by_arguments());
	try("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	try("unix", socket(AF_UNIX, SOCK_STREAM, 0));
	try("create", open("f", O_CREAT | O_RDWR, 0600));
	try("open", open("/dev/null", O_RDWR));
	getppid();
	printf("trapped: %d\n", (int)trapped);
	printf("threads: %d\n", for_all_threads());
	if (write(pipes[1], "x", 1) != 1)
		return 1;
	pthread_join(t, NULL);
	fflush(stdout);
	if (fork() == 0) {
		try("mkdir in the child", mkdir("d", 0700));
		fflush(stdout);
		execl("/bin/grep", "grep", "Seccomp", "/proc/self/status", NULL);
	}
	wait(&status);
	printf("child: %#x\n", (unsigned)status);
	return 0;
}
