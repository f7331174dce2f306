// SPDX-License-Identifier: MIT
/*
 * Direct use of clone(2) and clone3(2), flag by flag: what the child shares, where thread ids are
 * stored, which waiters are woken, and what is refused.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* sched.h declares another clone(). The flags come from linux/sched.h. */
int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);

#define STACK 65536

static char *stack_top(void)
{
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(stack != MAP_FAILED);
	return stack + STACK;
}

static void free_stack(char *top)
{
	munmap(top - STACK, STACK);
}

static int wait_for(pid_t pid)
{
	int status = -1;

	NEED(waitpid(pid, &status, __WALL) == pid);
	return status;
}

static volatile int shared_word;
static int descriptor;

static int writes_the_word(void *arg)
{
	shared_word = (int)(long)arg;
	return 3;
}

CASE(without_memory_of_its_own)
{
	char *top = stack_top();

	fflush(stdout);
	shared_word = 0;
	SHOW(wait_for(clone(writes_the_word, top, CLONE_VM | SIGCHLD, (void *)5)));
	SHOW(shared_word);
	SHOW(wait_for(clone(writes_the_word, top, SIGCHLD, (void *)6)));
	SHOW(shared_word);
	SHOW(wait_for(clone(writes_the_word, top, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)7)));
	SHOW(shared_word);
	free_stack(top);
}

/* CLONE_VFORK: the caller continues only after the child has ended or called execve. */
static int naps_and_writes(void *arg)
{
	settle(50000);
	shared_word = (int)(long)arg;
	settle(50000);
	return 0;
}

CASE(waiting_for_the_child)
{
	char *top = stack_top();
	pid_t pid;

	shared_word = 0;
	pid = clone(naps_and_writes, top, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)9);
	SHOW(shared_word);
	SHOW(wait_for(pid));
	free_stack(top);
}

static int changes_files(void *arg)
{
	(void)arg;
	close(descriptor);
	return open("/dev/null", O_RDONLY) >= 0 ? 0 : 1;
}

static int opens_until(int fd)
{
	return fcntl(fd, F_GETFD) == 0 ? 1 : 0;
}

CASE(descriptors_shared_or_not)
{
	char *top = stack_top();

	descriptor = open("/dev/zero", O_RDONLY);
	SHOW(wait_for(clone(changes_files, top, SIGCHLD, NULL)));
	struct stat st;
	NEED(fstat(descriptor, &st) == 0);
	SHOW(st.st_rdev == 0x105);
	SHOW(wait_for(clone(changes_files, top, CLONE_FILES | SIGCHLD, NULL)));
	NEED(fstat(descriptor, &st) == 0);
	/* The same descriptor number, but another file. */
	SHOW(st.st_rdev == 0x103);
	close(descriptor);
	SHOW(opens_until(descriptor));
	free_stack(top);
}

static int unshares_and_closes(void *arg)
{
	(void)arg;
	if (syscall(SYS_unshare, CLONE_FILES) || syscall(SYS_unshare, CLONE_FS))
		return 1;
	close(descriptor);
	return chdir("/");
}

CASE(unsharing)
{
	char *top = stack_top(), before[200], after[200];

	descriptor = open("/dev/zero", O_RDONLY);
	NEED(getcwd(before, sizeof(before)));
	SHOW(wait_for(clone(unshares_and_closes, top, CLONE_FILES | CLONE_FS | SIGCHLD, NULL)));
	SHOW(opens_until(descriptor));
	NEED(getcwd(after, sizeof(after)));
	CHECK(strcmp(before, after) == 0);
	SHOW(syscall(SYS_unshare, 0));
	SHOW(syscall(SYS_unshare, 0x7));
	SHOW(syscall(SYS_unshare, CLONE_FILES | CLONE_FS | CLONE_SYSVSEM));
	SHOW(syscall(SYS_unshare, CLONE_THREAD));
	SHOW(syscall(SYS_unshare, CLONE_VM));
	SHOW(syscall(SYS_unshare, CLONE_SIGHAND));
	close(descriptor);
	free_stack(top);
}

static int changes_directory(void *arg)
{
	(void)arg;
	umask(077);
	return chdir("/");
}

CASE(directory_shared_or_not)
{
	char *top = stack_top(), before[200], after[200];
	int fd = open(".", O_RDONLY);

	umask(022);
	NEED(getcwd(before, sizeof(before)));
	SHOW(wait_for(clone(changes_directory, top, SIGCHLD, NULL)));
	CHECK(getcwd(after, sizeof(after)) && strcmp(before, after) == 0);
	SHOW(wait_for(clone(changes_directory, top, CLONE_FS | SIGCHLD, NULL)));
	CHECK(getcwd(after, sizeof(after)) && strcmp("/", after) == 0);
	SHOW(umask(022));
	NEED(fchdir(fd) == 0);
	close(fd);
	free_stack(top);
}

static void handler(int signal)
{
	(void)signal;
}

static int changes_handlers(void *arg)
{
	(void)arg;
	signal(SIGUSR1, SIG_IGN);
	return 0;
}

static bool is_ignored(int sig)
{
	struct sigaction now;

	NEED(sigaction(sig, NULL, &now) == 0);
	return now.sa_handler == SIG_IGN;
}

CASE(handlers_shared_or_not)
{
	char *top = stack_top();

	signal(SIGUSR1, handler);
	SHOW(wait_for(clone(changes_handlers, top, CLONE_VM | SIGCHLD, NULL)));
	SHOW(is_ignored(SIGUSR1));
	SHOW(wait_for(clone(changes_handlers, top, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL)));
	SHOW(is_ignored(SIGUSR1));
	signal(SIGUSR1, SIG_DFL);
	free_stack(top);
}

static long clone3(struct clone_args *args)
{
	fflush(stdout);
	return syscall(SYS_clone3, args, sizeof(*args));
}

/* CLONE_CLEAR_SIGHAND: handlers become the default action; ignored signals stay ignored. */
CASE(clearing_handlers)
{
	struct clone_args args = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	pid_t pid;

	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	pid = clone3(&args);
	if (pid == 0) {
		struct sigaction now;

		sigaction(SIGUSR1, NULL, &now);
		_exit((now.sa_handler == SIG_DFL ? 1 : 0) + (is_ignored(SIGUSR2) ? 2 : 0));
	}
	SHOW(WEXITSTATUS(wait_for(pid)));
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	args.flags |= CLONE_SIGHAND | CLONE_VM;
	SHOW(clone3(&args));
}

static pid_t stored[4];

static int checks_numbers(void *arg)
{
	(void)arg;
	return (stored[0] == getpid() ? 1 : 0) | (stored[1] == getpid() ? 2 : 0);
}

CASE(where_numbers_are_stored)
{
	char *top = stack_top();
	pid_t pid;

	stored[0] = stored[1] = 0;
	/* Without CLONE_VM only the child sees what CLONE_CHILD_SETTID stores. */
	pid = clone(checks_numbers, top, CLONE_CHILD_SETTID | CLONE_PARENT_SETTID | SIGCHLD, NULL,
		    &stored[0], NULL, &stored[1]);
	SHOW(stored[0] == pid);
	SHOW(stored[1] == pid);
	SHOW(WEXITSTATUS(wait_for(pid)));
	/* A bad address does not stop the child. */
	stored[0] = 0;
	pid = clone(checks_numbers, top, CLONE_CHILD_SETTID | SIGCHLD, NULL, NULL, NULL, (void *)8);
	SHOW(WEXITSTATUS(wait_for(pid)));
	pid = clone(checks_numbers, top, CLONE_PARENT_SETTID | SIGCHLD, NULL, (void *)8);
	SHOW(pid > 0 ? WEXITSTATUS(wait_for(pid)) : -1);
	free_stack(top);
}

static int naps(void *arg)
{
	(void)arg;
	settle(50000);
	return 0;
}

/* CLONE_CHILD_CLEARTID: when the child ends, the word becomes 0 and one waiter is woken. */
CASE(the_word_that_is_cleared)
{
	char *top = stack_top();
	volatile pid_t *word = &stored[2];
	pid_t pid;

	*word = 12345;
	pid = clone(naps, top, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, NULL, word);
	SHOW(syscall(SYS_futex, word, FUTEX_WAIT, 12345, NULL, NULL, 0));
	SHOW(*word);
	SHOW(wait_for(pid));
	/* Nothing is stored if no other process shares the memory. */
	*word = 777;
	pid = clone(naps, top, CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, NULL, word);
	SHOW(wait_for(pid));
	SHOW(*word);
	free_stack(top);
}

static int sleeps(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

CASE(a_descriptor_of_the_child)
{
	char *top = stack_top();
	int fd = -1;
	pid_t pid = clone(sleeps, top, CLONE_PIDFD | SIGCHLD, NULL, &fd);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	SHOW(fd >= 0);
	SHOW(fcntl(fd, F_GETFD));
	SHOW(poll(&p, 1, 0));
	SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	SHOW(poll(&p, 1, 5000));
	SHOW(wait_for(pid));
	close(fd);
	/* Both flags store into the same word. */
	SHOW(clone(sleeps, top, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd));
	SHOW(clone(sleeps, top, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, NULL, &fd));
	free_stack(top);
}

static int tells_parent(void *arg)
{
	return getppid() == (pid_t)(long)arg ? 1 : 2;
}

/* CLONE_PARENT makes a sibling, not a child. */
CASE(a_sibling)
{
	char *top = stack_top();
	pid_t parent = getpid(), middle, sibling = 0, got;
	int p[2], status;

	NEED(pipe(p) == 0);
	fflush(stdout);
	middle = fork();
	if (middle == 0) {
		pid_t pid = clone(tells_parent, top, CLONE_PARENT | SIGCHLD, (void *)(long)parent);

		NEED(write(p[1], &pid, sizeof(pid)) == sizeof(pid));
		_exit(waitpid(pid, NULL, 0) == -1 && errno == ECHILD ? 0 : 1);
	}
	NEED(read(p[0], &sibling, sizeof(sibling)) == sizeof(sibling));
	SHOW(wait_for(middle));
	got = waitpid(sibling, &status, 0);
	CHECK(got == sibling);
	SHOW(WEXITSTATUS(status));
	close(p[0]);
	close(p[1]);
	free_stack(top);
}

static atomic_int started;

static int a_thread(void *arg)
{
	(void)arg;
	atomic_fetch_add(&started, gettid() != getpid());
	syscall(SYS_exit, 0);
	return 0;
}

/* A thread without the C library is nobody's child, and no process can wait for it. */
CASE(a_bare_thread)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			  CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	char *top = stack_top();
	volatile pid_t *word = &stored[3];
	pid_t tid;

	started = 0;
	*word = 1;
	tid = clone(a_thread, top, flags, NULL, &stored[0], NULL, word);
	CHECK(tid > 0 && stored[0] == tid);
	while (*word)
		syscall(SYS_futex, word, FUTEX_WAIT, *word, NULL, NULL, 0);
	SHOW(started);
	SHOW(waitpid(tid, NULL, __WALL));
	free_stack(top);
}

static _Thread_local int local = 11;

static int looks_at_local(void *arg)
{
	long base;

	(void)arg;
	__asm__ volatile("movq %%fs:16, %0" : "=r"(base));
	return (int)base;
}

/* CLONE_SETTLS sets the new thread's FS base. The C library does not work in that thread. */
static int execs_true(void *unused)
{
	char *argv[] = {"/bin/true", NULL};

	(void)unused;
	execve(argv[0], argv, NULL);
	return 1;
}

/*
 * CLONE_VFORK with CLONE_THREAD: the creator waits until the thread calls execve, which ends both.
 */
CASE(waiting_for_a_thread)
{
	const int flags =
		CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_VM | CLONE_VFORK;
	char *stack = malloc(65536);
	int went_on = 0;

	NEED(stack);
	fflush(stdout);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			clone(execs_true, stack + 65536, flags, NULL);
			_exit(77);
		}
		waitpid(pid, &status, 0);
		went_on += status == 77 << 8;
	}
	CHECK(went_on == 0);
	free(stack);
}

/* fork(2) takes no descriptor, so it works when the limit on open files is used up. */
LONE_CASE(no_descriptor_left)
{
	int status;

	while (open("/dev/null", O_RDONLY) >= 0)
		;
	CHECK(errno == EMFILE);
	fflush(stdout);
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(i);
		SHOW(pid > 0);
		SHOW(waitpid(pid, &status, 0) == pid && status == i << 8);
	}
}

CASE(local_storage_of_its_own)
{
	static long block[16] __attribute__((aligned(64)));
	char *top = stack_top();

	block[2] = 77;
	SHOW(local);
	SHOW(WEXITSTATUS(wait_for(
		clone(looks_at_local, top, CLONE_VM | CLONE_SETTLS | SIGCHLD, NULL, NULL, block))));
	SHOW(local);
	SHOW(clone(looks_at_local, top, CLONE_VM | CLONE_SETTLS | SIGCHLD, NULL, NULL,
		   (void *)0xffff800000000000));
	free_stack(top);
}

CASE(flags_that_do_not_fit)
{
	static const unsigned long flags[] = {
		CLONE_SIGHAND,
		CLONE_THREAD | CLONE_SIGHAND,
		CLONE_THREAD | CLONE_VM,
		CLONE_FS | CLONE_NEWNS,
		CLONE_NEWUSER | CLONE_FS,
		CLONE_NEWIPC | CLONE_SYSVSEM,
		CLONE_NEWPID | CLONE_THREAD | CLONE_VM | CLONE_SIGHAND,
		CLONE_PIDFD | CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_PARENT_SETTID,
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		SHOW(syscall(SYS_clone, flags[i] | SIGCHLD, 0, &stored[0], 0, 0));
	}
}

CASE(arguments_of_clone3)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	struct {
		struct clone_args args;
		uint64_t more[2];
	} larger = {.args = {.exit_signal = SIGCHLD}};
	pid_t pid;

	SHOW(syscall(SYS_clone3, &args, 63));
	SHOW(syscall(SYS_clone3, &args, 8192));
	SHOW(syscall(SYS_clone3, (void *)8, sizeof(args)));
	pid = syscall(SYS_clone3, &args, 64);
	if (pid == 0)
		_exit(1);
	SHOW(WEXITSTATUS(wait_for(pid)));
	pid = syscall(SYS_clone3, &larger, sizeof(larger));
	if (pid == 0)
		_exit(2);
	SHOW(WEXITSTATUS(wait_for(pid)));
	larger.more[1] = 1;
	SHOW(syscall(SYS_clone3, &larger, sizeof(larger)));
	args.exit_signal = 65;
	SHOW(clone3(&args));
	args.exit_signal = SIGCHLD;
	args.flags = CLONE_DETACHED;
	SHOW(clone3(&args));
	args.flags = 0xff;
	SHOW(clone3(&args));
	args.flags = 1UL << 40;
	SHOW(clone3(&args));
	args.flags = 0;
	args.stack = 4096;
	SHOW(clone3(&args));
	args.stack = 0;
	args.stack_size = 4096;
	SHOW(clone3(&args));
	args.stack_size = 0;
	args.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
	SHOW(clone3(&args));
	args.flags = 0;
	args.set_tid_size = 1;
	SHOW(clone3(&args));
	args.set_tid = (uint64_t)(uintptr_t)stored;
	args.set_tid_size = 40;
	SHOW(clone3(&args));
	args.set_tid_size = 1;
	stored[0] = getpid();
	SHOW(clone3(&args));
	stored[0] = -1;
	SHOW(clone3(&args));
	/* A pidfd number that was given back just before. */
	stored[0] = fork();
	if (stored[0] == 0)
		_exit(0);
	wait_for(stored[0]);
	pid = clone3(&args);
	if (pid == 0)
		_exit(getpid() == stored[0] ? 6 : 7);
	SHOW(pid == stored[0]);
	SHOW(WEXITSTATUS(wait_for(pid)));
}

/* A stack for the child in clone3's form: its lowest byte and its size. */
CASE(a_stack_for_clone3)
{
	char *top = stack_top();
	struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK,
				  .exit_signal = SIGCHLD,
				  .stack = (uint64_t)(uintptr_t)(top - STACK),
				  .stack_size = STACK};
	long pid;

	fflush(stdout);
	/* In assembly, because the compiler's stack frame does not exist for the child. */
	__asm__ volatile("syscall; testq %%rax, %%rax; jnz 1f;"
			 "leaq 4(%%rsp), %%rdi; subq %%rsp, %%rdi; movl $60, %%eax; syscall; 1:"
			 : "=a"(pid)
			 : "a"(SYS_clone3), "D"(&args), "S"(sizeof(args))
			 : "rcx", "r11", "memory");
	SHOW(WEXITSTATUS(wait_for((pid_t)pid)));
	free_stack(top);
}

/*
 * What fork does not copy, and what it copies: resource limits, nice value, name, dumpable,
 * no_new_privs.
 */
CASE(attributes_of_a_child)
{
	struct rlimit limit = {77, 1000}, old, now;
	char name[16] = "";
	pid_t pid;

	getrlimit(RLIMIT_NOFILE, &old);
	limit.rlim_max = old.rlim_max;
	NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	NEED(prctl(PR_SET_NAME, "of-the-parent") == 0);
	NEED(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int death = -1;

		getrlimit(RLIMIT_NOFILE, &now);
		SHOW(now.rlim_cur);
		prctl(PR_GET_NAME, name);
		printf("  %s\n", name);
		prctl(PR_GET_PDEATHSIG, &death);
		SHOW(death);
		setrlimit(RLIMIT_NOFILE, &(struct rlimit){66, old.rlim_max});
		prctl(PR_SET_NAME, "of-the-child");
		fflush(stdout);
		_exit(0);
	}
	SHOW(wait_for(pid));
	getrlimit(RLIMIT_NOFILE, &now);
	SHOW(now.rlim_cur);
	prctl(PR_GET_NAME, name);
	printf("  %s\n", name);
	prctl(PR_SET_PDEATHSIG, 0);
	setrlimit(RLIMIT_NOFILE, &old);
}
