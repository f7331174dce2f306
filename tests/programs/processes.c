// SPDX-License-Identifier: MIT
/*
 * Processes: how they are made, what they share and inherit, how they end, which process is told
 * what; groups, sessions, stopping and continuing; pipes and signals between processes.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static void nap_ms(long ms)
{
	settle((unsigned)ms * 1000);
}

/* Returns a wait status as text. */
static void show_status(const char *what, int status)
{
	if (WIFEXITED(status))
		printf("  %s: exited %d\n", what, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("  %s: killed by %d\n", what, WTERMSIG(status));
	else if (WIFSTOPPED(status))
		printf("  %s: stopped by %d\n", what, WSTOPSIG(status));
	else if (WIFCONTINUED(status))
		printf("  %s: continued\n", what);
	else
		printf("  %s: %#x\n", what, status);
}

static int wait_status(pid_t pid)
{
	int status = -1;

	pid_t got;

	while ((got = waitpid(pid, &status, 0)) == -1 && errno == EINTR)
		;
	NEED(got == pid);
	return status;
}

/* The block after CHILD(pid) runs in a child and ends with _exit(0). */
#define CHILD(pid) for ((pid) = start_child(); (pid) == 0; _exit(0))

/* Memory that parent and children share, zero at first. */
static void *shared_page(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED);
	memset(p, 0, 4096);
	return p;
}

static void wait_until(volatile _Atomic int *word, int value)
{
	while (*word < value)
		nap_ms(1);
}

/* -- fork ---------------------------------------------------------------------------------- */

CASE(fork_and_exit)
{
	pid_t parent = getpid(), pid;

	CHILD(pid)
	{
		if (getppid() != parent || getpid() == parent || getpid() != gettid())
			_exit(1);
		_exit(7);
	}
	CHECK(pid > 0);
	show_status("child", wait_status(pid));
	SHOW(waitpid(pid, NULL, 0));
}

CASE(memory_is_copied_when_written)
{
	static int data = 1;
	int local = 2;
	int *heap = malloc(1 << 20);
	pid_t pid;

	for (int i = 0; i < 1 << 18; i++)
		heap[i] = i;
	CHILD(pid)
	{
		data = 10;
		local = 20;
		for (int i = 0; i < 1 << 18; i += 64)
			heap[i]++;
		for (int i = 0; i < 1 << 18; i++)
			if (heap[i] != i + (i % 64 == 0))
				_exit(1);
		_exit(data + local);
	}
	for (int i = 1; i < 1 << 18; i += 64)
		heap[i]--;
	show_status("child", wait_status(pid));
	CHECK(data == 1 && local == 2);
	for (int i = 0; i < 1 << 18; i++)
		if (heap[i] != i - (i % 64 == 1)) {
			CHECK(!"the child's write is seen");
			break;
		}
	free(heap);
}

CASE(generations)
{
	int *sum = shared_page();
	pid_t pid;

	CHILD(pid)
	{
		for (int depth = 1; depth < 10; depth++) {
			pid_t next = fork();

			__atomic_add_fetch(sum, next == 0 ? depth : 0, __ATOMIC_SEQ_CST);
			if (next) {
				int status;

				waitpid(next, &status, 0);
				_exit(WEXITSTATUS(status) + 1);
			}
		}
		_exit(1);
	}
	show_status("first", wait_status(pid));
	CHECK(*sum == 45);
	munmap(sum, 4096);
}

CASE(shared_memory_private_memory)
{
	int *shared = shared_page();
	int *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	*shared = *private = 1;
	CHILD(pid)
	{
		*shared = 2;
		*private = 2;
	}
	wait_status(pid);
	CHECK(*shared == 2 && *private == 1);
	munmap(shared, 4096);
	munmap(private, 4096);
}

CASE(advice_about_fork)
{
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	memset(p, 'x', 3 * 4096);
	SHOW(madvise(p, 4096, MADV_WIPEONFORK));
	SHOW(madvise(p + 8192, 4096, MADV_DONTFORK));
	CHILD(pid)
	{
		if (p[0] != 0 || p[4096] != 'x')
			_exit(1);
		_exit(mincore(p + 8192, 4096, (unsigned char[1]){0}) == -1 ? 3 : 2);
	}
	show_status("child", wait_status(pid));
	CHECK(p[0] == 'x' && p[8192] == 'x');
	munmap(p, 3 * 4096);
}

CASE(what_a_child_inherits)
{
	struct sigaction sa = {.sa_handler = SIG_IGN}, got;
	struct itimerval it = {{0, 0}, {100, 0}};
	sigset_t set, now;
	char name[16];
	pid_t pid;

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR2);
	setitimer(ITIMER_REAL, &it, NULL);
	prctl(PR_SET_NAME, "inheritance");
	umask(0123);
	CHILD(pid)
	{
		struct rlimit core;

		sigaction(SIGUSR1, NULL, &got);
		printf("  ignored: %d\n", got.sa_handler == SIG_IGN);
		sigprocmask(SIG_SETMASK, NULL, &now);
		printf("  blocked: %d\n", sigismember(&now, SIGUSR2));
		sigpending(&now);
		printf("  pending: %d\n", sigismember(&now, SIGUSR2));
		getitimer(ITIMER_REAL, &it);
		printf("  timer: %ld\n", (long)it.it_value.tv_sec);
		prctl(PR_GET_NAME, name);
		printf("  name: %s\n", name);
		printf("  umask: %o\n", umask(0));
		printf("  same group: %d, session: %d\n", getpgrp() == getpgid(getppid()),
		       getsid(0) == getsid(getppid()));
		getrlimit(RLIMIT_CORE, &core);
		printf("  cpu time: %d\n", times(&(struct tms){0}) != -1);
		fflush(stdout);
	}
	wait_status(pid);
	CHECK(umask(022) == 0123);
	it.it_value.tv_sec = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	signal(SIGUSR2, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

CASE(descriptors_share_their_position)
{
	int fd = open("position", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char buf[8] = {0};
	pid_t pid;

	NEED(write(fd, "abcdefgh", 8) == 8 && lseek(fd, 0, SEEK_SET) == 0);
	CHILD(pid)
	{
		NEED(read(fd, buf, 3) == 3);
		fcntl(fd, F_SETFL, O_APPEND);
		close(0); /* its own table */
	}
	wait_status(pid);
	SHOW(lseek(fd, 0, SEEK_CUR));
	CHECK(fcntl(fd, F_GETFL) & O_APPEND);
	NEED(read(fd, buf, 3) == 3);
	printf("  %s\n", buf);
	CHECK(fcntl(0, F_GETFD) != -1);
	close(fd);
	unlink("position");
}

CASE(working_directory_is_the_childs_own)
{
	char before[512], after[512];
	pid_t pid;

	NEED(getcwd(before, sizeof(before)));
	CHILD(pid)
	{
		NEED(chdir("/") == 0);
		NEED(getcwd(after, sizeof(after)));
		printf("  child: %s\n", after);
		fflush(stdout);
	}
	wait_status(pid);
	NEED(getcwd(after, sizeof(after)));
	CHECK(strcmp(before, after) == 0);
}

static double product(double a, double b)
{
	return a * b;
}

CASE(floating_point_registers)
{
	volatile double a = 1.5, b = 2.25;
	double expected = product(a, b);
	pid_t pid;

	CHILD(pid)
	{
		_exit(product(a, b) == expected && product(expected, a) == 1.5 * 1.5 * 2.25 ? 0
											    : 1);
	}
	show_status("child", wait_status(pid));
}

/* -- Ends and waiting ---------------------------------------------------------------------- */

CASE(ends_of_every_kind)
{
	static const int signals[] = {SIGTERM, SIGKILL, SIGHUP, SIGALRM, SIGPIPE, SIGUSR1};
	static int *volatile bad_address = (int *)8;
	pid_t pid;

	for (int code = 0; code < 512; code += 51) {
		CHILD(pid)
		_exit(code);
		show_status("exit", wait_status(pid));
	}
	for (unsigned i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		CHILD(pid)
		{
			kill(getpid(), signals[i]);
			_exit(99);
		}
		show_status("signal", wait_status(pid));
	}
	CHILD(pid)
	*bad_address = 1;
	show_status("fault", wait_status(pid));
	CHILD(pid)
	__asm__ volatile("ud2");
	show_status("bad instruction", wait_status(pid));
	CHILD(pid)
	{
		signal(SIGFPE, SIG_DFL);
		volatile int zero = 0;
		volatile int x = 1 / zero;
		_exit(x);
	}
	show_status("division", wait_status(pid));
}

CASE(wait_options)
{
	int status = -1, go[2];
	pid_t pid;
	char c;

	NEED(pipe(go) == 0);
	SHOW(waitpid(-1, NULL, 0));
	SHOW(waitpid(-1, NULL, WNOHANG));
	SHOW(waitpid(1 << 22, NULL, 0));
	SHOW(waitpid(0, NULL, 0x80));
	CHILD(pid)
	{
		NEED(read(go[0], &c, 1) == 1);
		_exit(3);
	}
	SHOW(waitpid(pid, &status, WNOHANG));
	SHOW(waitpid(-getpgrp(), &status, WNOHANG));
	SHOW(waitpid(-getpgrp() - 1, &status, WNOHANG));
	SHOW(waitpid(pid, &status, __WCLONE | WNOHANG));
	SHOW(waitpid(pid, &status, __WALL | WNOHANG));
	NEED(write(go[1], "x", 1) == 1);
	CHECK(waitpid(0, &status, 0) == pid);
	show_status("child", status);
	close(go[0]);
	close(go[1]);
}

static void show_info(const siginfo_t *si, pid_t pid)
{
	int status = si->si_status;

	/*
	 * If the parent waits before the stopped child has sent its signal, Linux loses the reason.
	 */
	if (si->si_code == CLD_STOPPED && status == 0)
		status = SIGSTOP;
	printf("  signo %d code %d status %d pid %s uid %s\n", si->si_signo, si->si_code, status,
	       si->si_pid == pid ? "right"
	       : si->si_pid	 ? "wrong"
				 : "0",
	       si->si_uid == getuid() ? "right" : "other");
}

CASE(waitid_everything)
{
	siginfo_t si;
	pid_t pid;

	SHOW(waitid(P_ALL, 0, &si, WEXITED));
	SHOW(waitid(P_ALL, 0, &si, 0));
	SHOW(waitid(P_PID, 0, &si, WEXITED));
	SHOW(waitid(9, 0, &si, WEXITED));
	CHILD(pid)
	_exit(4);
	memset(&si, 0, sizeof(si));
	SHOW(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	show_info(&si, pid);
	SHOW(waitid(P_PGID, getpgrp(), &si, WEXITED | WNOWAIT));
	show_info(&si, pid);
	SHOW(waitid(P_ALL, 0, &si, WEXITED));
	show_info(&si, pid);
	SHOW(waitid(P_ALL, 0, &si, WEXITED));
	CHILD(pid)
	pause();
	memset(&si, 0xff, sizeof(si));
	SHOW(waitid(P_PID, pid, &si, WEXITED | WNOHANG));
	printf("  pid %d signo %d\n", si.si_pid, si.si_signo);
	kill(pid, SIGKILL);
	SHOW(waitid(P_PID, pid, &si, WEXITED));
	show_info(&si, pid);
}

CASE(usage_of_children)
{
	struct rusage ru, all;
	struct tms t;
	pid_t pid;
	int status;

	CHILD(pid)
	{
		struct timespec ts;

		do
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
		while (ts.tv_sec == 0 && ts.tv_nsec < 60000000);
	}
	CHECK(wait4(pid, &status, 0, &ru) == pid);
	CHECK(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec >= 40000);
	CHECK(ru.ru_maxrss > 0);
	getrusage(RUSAGE_CHILDREN, &all);
	CHECK(all.ru_utime.tv_usec + all.ru_stime.tv_usec + all.ru_utime.tv_sec * 1000000 >= 40000);
	times(&t);
	CHECK(t.tms_cutime + t.tms_cstime >= 4);
}

static _Atomic int chlds;
static siginfo_t chld_info;

static void on_chld(int sig, siginfo_t *si, void *context)
{
	(void)sig, (void)context;
	chld_info = *si;
	chlds++;
}

CASE(sigchld)
{
	struct sigaction sa = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO};
	sigset_t block, old;
	pid_t pid;

	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &old);
	chlds = 0;
	CHILD(pid)
	_exit(12);
	while (!chlds)
		sigsuspend(&old);
	show_info(&chld_info, pid);
	show_status("child", wait_status(pid));
	chlds = 0;
	CHILD(pid)
	{
		pause();
	}
	kill(pid, SIGTERM);
	while (!chlds)
		sigsuspend(&old);
	show_info(&chld_info, pid);
	show_status("child", wait_status(pid));
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGCHLD, SIG_DFL);
}

CASE(children_nobody_waits_for)
{
	struct sigaction sa = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO | SA_NOCLDWAIT};
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	CHILD(pid)
	_exit(1);
	SHOW(waitpid(pid, NULL, 0));
	chlds = 0;
	sigaction(SIGCHLD, &sa, NULL);
	CHILD(pid)
	_exit(1);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	CHECK(errno == ECHILD);
	while (!chlds)
		nap_ms(1);
	CHECK(chlds == 1);
	signal(SIGCHLD, SIG_DFL);
}

CASE(a_signal_ends_a_wait)
{
	struct sigaction sa = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO};
	pid_t parent = getpid(), pid, other;

	chlds = 0;
	sigaction(SIGUSR1, &sa, NULL);
	CHILD(pid)
	pause();
	CHILD(other)
	{
		nap_ms(50);
		kill(parent, SIGUSR1);
	}
	SHOW(waitpid(pid, NULL, 0));
	CHECK(chlds == 1);
	CHECK(chld_info.si_pid == other && chld_info.si_code == SI_USER);
	sa.sa_flags |= SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	wait_status(other);
	CHILD(other)
	{
		nap_ms(50);
		kill(parent, SIGUSR1);
		nap_ms(50);
		kill(pid, SIGTERM);
	}
	show_status("after restart", wait_status(pid));
	CHECK(chlds == 2);
	wait_status(other);
	signal(SIGUSR1, SIG_DFL);
}

CASE(orphans_get_a_new_parent)
{
	_Atomic int *word = shared_page();
	int status;
	pid_t pid, got;

	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	CHILD(pid)
	{
		pid_t grandchild = fork();

		if (grandchild == 0) {
			pid_t old = getppid();

			word[0] = 1;
			while (getppid() == old)
				nap_ms(1);
			_exit(getppid() == getpgrp() || getppid() > 0 ? 21 : 1);
		}
		wait_until(word, 1);
		_exit(20);
	}
	show_status("child", wait_status(pid));
	got = wait(&status);
	CHECK(got > 0 && got != pid);
	show_status("grandchild", status);
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
	munmap(word, 4096);
}

CASE(death_of_the_parent_is_a_signal)
{
	_Atomic int *word = shared_page();
	pid_t pid;
	int status;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	CHILD(pid)
	{
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGUSR2);
			word[0] = 1;
			for (;;)
				pause();
		}
		wait_until(word, 1);
	}
	wait_status(pid);
	wait(&status);
	show_status("grandchild", status);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	munmap(word, 4096);
}

CASE(many_zombies)
{
	bool right = true;
	int status;
	pid_t pid;

	for (int i = 0; i < 50; i++) {
		CHILD(pid)
		_exit(i);
		(void)pid;
	}
	for (int i = 0, seen = 0; i < 50; i++) {
		right &= wait(&status) > 0 && WIFEXITED(status);
		seen += WEXITSTATUS(status);
		if (i == 49)
			right &= seen == 49 * 50 / 2;
	}
	CHECK(right);
	SHOW(wait(&status));
}

/* -- vfork, clone, exec -------------------------------------------------------------------- */

static int vfork_seen;

CASE(vfork_lends_the_memory)
{
	pid_t pid;

	vfork_seen = 0;
	pid = vfork();
	if (pid == 0) {
		vfork_seen = getpid() != getppid();
		nap_ms(20);
		vfork_seen++;
		_exit(5);
	}
	CHECK(vfork_seen == 2);
	show_status("child", wait_status(pid));
	pid = vfork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "exit 6", NULL);
		_exit(127);
	}
	show_status("exec", wait_status(pid));
	pid = vfork();
	if (pid == 0) {
		execl("/no/such/file", "x", NULL);
		_exit(errno == ENOENT ? 8 : 1);
	}
	show_status("failed exec", wait_status(pid));
}

extern char **environ;

CASE(spawn)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all;
	char *argv[] = {"sh", "-c", "read line; echo \"$line\"; exit 9", NULL};
	char buf[32] = {0};
	int in[2], out[2];
	pid_t pid;

	NEED(pipe(in) == 0 && pipe(out) == 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_addclose(&actions, in[1]);
	posix_spawn_file_actions_addclose(&actions, out[0]);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	sigemptyset(&all);
	posix_spawnattr_setsigmask(&attr, &all);
	CHECK(posix_spawn(&pid, "/bin/sh", &actions, &attr, argv, environ) == 0);
	CHECK(getpgid(pid) == pid);
	NEED(write(in[1], "a line\n", 7) == 7);
	NEED(read(out[0], buf, sizeof(buf)) == 7);
	printf("  %s", buf);
	show_status("child", wait_status(pid));
	CHECK(posix_spawn(&pid, "/no/such", NULL, NULL, argv, environ) == ENOENT);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
}

CASE(exec_chain)
{
	pid_t pid;

	CHILD(pid)
	{
		execl("/bin/sh", "sh", "-c",
		      "p=$$; exec sh -c \"[ \\$\\$ = $p ] && exec sh -c 'exit 33'\"", NULL);
		_exit(1);
	}
	show_status("last", wait_status(pid));
}

CASE(close_on_exec)
{
	int keep = open("/dev/null", O_RDONLY), go = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char script[128];
	pid_t pid;

	snprintf(script, sizeof(script),
		 "[ -e /proc/self/fd/%d ] && echo '  kept'; [ -e /proc/self/fd/%d ] || echo '  "
		 "closed'",
		 keep, go);
	CHILD(pid)
	{
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(1);
	}
	wait_status(pid);
	CHECK(fcntl(go, F_GETFD) == FD_CLOEXEC);
	close(keep);
	close(go);
}

static char clone_stack[64 << 10] __attribute__((aligned(16)));

static int clone_child(void *arg)
{
	*(int *)arg = 3;
	close(0);
	if (chdir("/") != 0)
		return 1;
	return 14;
}

CASE(clone_shares_what_is_asked_for)
{
	char before[512], after[512];
	int value = 0, status;
	int in = dup(0);
	pid_t pid;

	NEED(getcwd(before, sizeof(before)));
	pid = clone(clone_child, clone_stack + sizeof(clone_stack),
		    CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, &value);
	NEED(pid > 0);
	show_status("child", wait_status(pid));
	CHECK(value == 3);
	CHECK(fcntl(0, F_GETFD) == -1);
	NEED(getcwd(after, sizeof(after)));
	CHECK(strcmp(after, "/") == 0);
	NEED(chdir(before) == 0);
	dup2(in, 0);
	value = 0;
	signal(SIGUSR1, SIG_IGN);
	pid = clone(clone_child, clone_stack + sizeof(clone_stack), SIGUSR1 | CLONE_VFORK, &value);
	NEED(pid > 0);
	SHOW(waitpid(pid, &status, WNOHANG));
	CHECK(waitpid(pid, &status, __WCLONE) == pid);
	show_status("clone child", status);
	CHECK(value == 0 && fcntl(0, F_GETFD) == 0);
	signal(SIGUSR1, SIG_DFL);
	close(in);
}

static int show_parent(void *arg)
{
	return getppid() == *(pid_t *)arg ? 15 : 16;
}

CASE(clone_parent)
{
	pid_t self = getpid(), pid;
	int status;

	CHILD(pid)
	{
		pid_t sibling = clone(show_parent, clone_stack + sizeof(clone_stack),
				      CLONE_PARENT | SIGCHLD, &self);

		_exit(waitpid(sibling, NULL, 0) == -1 && errno == ECHILD ? 17 : 18);
	}
	show_status("child", wait_status(pid));
	CHECK(wait(&status) > 0);
	show_status("sibling", status);
}

/* -- Between processes --------------------------------------------------------------------- */

CASE(pipes)
{
	int to[2], from[2];
	long sum = 0, n;
	pid_t pid;

	NEED(pipe(to) == 0 && pipe(from) == 0);
	CHILD(pid)
	{
		close(to[1]);
		while (read(to[0], &n, sizeof(n)) == sizeof(n)) {
			n *= 2;
			NEED(write(from[1], &n, sizeof(n)) == sizeof(n));
		}
		_exit(2);
	}
	close(to[0]);
	close(from[1]);
	for (long i = 0; i < 200; i++) {
		NEED(write(to[1], &i, sizeof(i)) == sizeof(i));
		NEED(read(from[0], &n, sizeof(n)) == sizeof(n));
		sum += n;
	}
	CHECK(sum == 199 * 200);
	close(to[1]);
	SHOW(read(from[0], &n, sizeof(n)));
	show_status("child", wait_status(pid));
	close(from[0]);
}

CASE(writing_without_a_reader)
{
	int fd[2];
	pid_t pid;

	NEED(pipe(fd) == 0);
	CHILD(pid)
	{
		close(fd[0]);
		nap_ms(30);
		_exit(write(fd[1], "x", 1) == 1 ? 0 : 1);
	}
	close(fd[0]);
	show_status("child", wait_status(pid));
	close(fd[1]);
}

CASE(much_data_through_a_pipe)
{
	static char buf[1 << 16];
	long total = 0, got, wrong = 0;
	int fd[2];
	pid_t pid;

	NEED(pipe(fd) == 0);
	CHILD(pid)
	{
		for (int i = 0; i < 64; i++) {
			memset(buf, i, sizeof(buf));
			NEED(write(fd[1], buf, sizeof(buf)) == sizeof(buf));
		}
	}
	close(fd[1]);
	while ((got = read(fd[0], buf, sizeof(buf))) > 0)
		for (long i = 0; i < got; i++, total++)
			wrong += buf[i] != (char)(total >> 16);
	CHECK(total == 64L << 16 && wrong == 0);
	wait_status(pid);
	close(fd[0]);
}

CASE(a_descriptor_through_a_socket)
{
	int pair[2], fd[2];
	char c = 0, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&c, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	char buf[8] = {0};
	pid_t pid;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && pipe(fd) == 0);
	CHILD(pid)
	{
		int got;

		close(fd[0]);
		close(fd[1]);
		NEED(recvmsg(pair[1], &msg, 0) == 1);
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
		NEED(write(got, "through", 7) == 7);
	}
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd[1], sizeof(int));
	SHOW(sendmsg(pair[0], &msg, 0));
	close(fd[1]);
	SHOW(read(fd[0], buf, sizeof(buf)));
	printf("  %s\n", buf);
	wait_status(pid);
	close(fd[0]);
	close(pair[0]);
	close(pair[1]);
}

CASE(semaphores_and_futexes_in_shared_memory)
{
	sem_t *sem = shared_page();
	int *count = (int *)(sem + 2);
	pid_t pid[4];

	sem_init(&sem[0], 1, 1);
	sem_init(&sem[1], 1, 0);
	for (int i = 0; i < 4; i++) {
		CHILD(pid[i])
		{
			sem_wait(&sem[1]);
			for (int n = 0; n < 500; n++) {
				sem_wait(&sem[0]);
				++*(volatile int *)count;
				sem_post(&sem[0]);
			}
		}
	}
	for (int i = 0; i < 4; i++)
		sem_post(&sem[1]);
	for (int i = 0; i < 4; i++)
		wait_status(pid[i]);
	CHECK(*count == 2000);
	munmap(sem, 4096);
}

CASE(shared_file_memory)
{
	int fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
	_Atomic int *word;
	pid_t pid;

	NEED(fd >= 0 && ftruncate(fd, 8192) == 0);
	word = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(word != MAP_FAILED);
	CHILD(pid)
	{
		for (int i = 0; i < 1000; i++)
			word[1024]++;
		pwrite(fd, "text", 4, 100);
		word[0] = 1;
	}
	wait_until(word, 1);
	CHECK(memcmp((char *)word + 100, "text", 4) == 0);
	wait_status(pid);
	CHECK(word[1024] == 1000);
	munmap(word, 8192);
	close(fd);
	unlink("shared");
}

CASE(files_are_locked_between_processes)
{
	int fd = open("lock", O_RDWR | O_CREAT, 0600), status;
	struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
	pid_t pid;

	SHOW(fcntl(fd, F_SETLK, &fl));
	CHILD(pid)
	{
		int mine = open("lock", O_RDWR);
		struct flock got = fl;

		printf("  child's try: ");
		SHOW(fcntl(mine, F_SETLK, &fl));
		fcntl(mine, F_GETLK, &got);
		printf("  held by the parent: %d, type %d\n", got.l_pid == getppid(), got.l_type);
		fl.l_start = 10;
		printf("  behind it: %d\n", fcntl(mine, F_SETLK, &fl));
		fflush(stdout);
	}
	status = wait_status(pid);
	show_status("child", status);
	CHILD(pid)
	{
		int mine = open("lock", O_RDWR);

		fl.l_start = 0;
		_exit(fcntl(mine, F_SETLKW, &fl) == 0 ? 0 : 1);
	}
	nap_ms(30);
	fl.l_type = F_UNLCK;
	fl.l_start = 0;
	SHOW(fcntl(fd, F_SETLK, &fl));
	show_status("waiter", wait_status(pid));
	SHOW(flock(fd, LOCK_EX));
	CHILD(pid)
	{
		int mine = open("lock", O_RDWR);

		SHOW(flock(mine, LOCK_EX | LOCK_NB));
		printf("  flock here: %d\n", flock(fd, LOCK_EX | LOCK_NB));
		fflush(stdout);
	}
	wait_status(pid);
	close(fd);
	unlink("lock");
}

/* -- Signals ------------------------------------------------------------------------------- */

static _Atomic int hits;
static siginfo_t hit_info;

static void on_hit(int sig, siginfo_t *si, void *context)
{
	(void)sig, (void)context;
	hit_info = *si;
	hits++;
}

CASE(signals_from_a_child)
{
	struct sigaction sa = {.sa_sigaction = on_hit, .sa_flags = SA_SIGINFO};
	pid_t parent = getpid(), pid;

	hits = 0;
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGRTMIN, &sa, NULL);
	CHILD(pid)
	kill(parent, SIGUSR1);
	wait_status(pid);
	CHECK(hits == 1 && hit_info.si_pid == pid && hit_info.si_code == SI_USER);
	CHILD(pid)
	{
		for (int i = 0; i < 5; i++)
			sigqueue(parent, SIGRTMIN, (union sigval){.sival_int = i});
	}
	wait_status(pid);
	CHECK(hits == 6 && hit_info.si_value.sival_int == 4 && hit_info.si_pid == pid);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGRTMIN, SIG_DFL);
}

CASE(whom_kill_reaches)
{
	_Atomic int *ready = shared_page();
	pid_t pid[3], group;

	SHOW(kill(getpid(), 0));
	SHOW(kill(1 << 22, 0));
	SHOW(kill(-(1 << 22), SIGTERM));
	SHOW(kill(getpid(), 65));
	SHOW(kill(getpid(), -1));
	for (int i = 0; i < 3; i++) {
		CHILD(pid[i])
		{
			ready[0]++;
			for (;;)
				pause();
		}
		SHOW(setpgid(pid[i], pid[0]));
	}
	group = pid[0];
	wait_until(ready, 3);
	SHOW(kill(-group, 0));
	SHOW(kill(-group, SIGTERM));
	for (int i = 0; i < 3; i++)
		show_status("member", wait_status(pid[i]));
	SHOW(kill(-group, 0));
	CHILD(pid[0])
	_exit(0);
	nap_ms(30);
	SHOW(kill(pid[0], SIGTERM)); /* a zombie */
	show_status("zombie", wait_status(pid[0]));
	SHOW(kill(pid[0], SIGTERM));
	munmap(ready, 4096);
}

CASE(groups_and_sessions)
{
	_Atomic int *word = shared_page();
	pid_t pid;

	CHILD(pid)
	{
		printf("  setsid: %d\n", setsid() == getpid());
		printf("  leader: %d %d\n", getpgrp() == getpid(), getsid(0) == getpid());
		SHOW(setsid());
		SHOW(setpgid(0, 0));
		fflush(stdout);
		word[0] = 1;
		wait_until(word, 2);
	}
	wait_until(word, 1);
	CHECK(getsid(pid) == pid && getpgid(pid) == pid);
	SHOW(setpgid(pid, getpgrp()));
	word[0] = 2;
	wait_status(pid);
	word[0] = 0;
	CHILD(pid)
	{
		wait_until(word, 1);
		execl("/bin/sh", "sh", "-c", "read x", NULL);
		_exit(1);
	}
	SHOW(setpgid(pid, 0));
	SHOW(setpgid(pid, 1 << 22));
	SHOW(setpgid(getpid(), pid) == 0 || errno == EPERM ? 0 : -1);
	SHOW(setpgid(-1, 0));
	kill(pid, SIGKILL);
	wait_status(pid);
	munmap(word, 4096);
}

CASE(stop_and_continue)
{
	struct sigaction sa = {.sa_sigaction = on_chld, .sa_flags = SA_SIGINFO};
	_Atomic int *word = shared_page();
	int status, before;
	pid_t pid;

	chlds = 0;
	sigaction(SIGCHLD, &sa, NULL);
	CHILD(pid)
	{
		for (;;)
			word[0]++;
	}
	wait_until(word, 1);
	SHOW(kill(pid, SIGSTOP));
	while (waitpid(pid, &status, WUNTRACED) == -1 && errno == EINTR)
		;
	show_status("child", status);
	wait_until(&chlds, 1); /* The wait's report and the signal come one after the other. */
	CHECK(chlds == 1);
	show_info(&chld_info, pid);
	before = word[0];
	nap_ms(20);
	CHECK(word[0] == before);
	SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));
	SHOW(kill(pid, SIGCONT));
	while (waitpid(pid, &status, WCONTINUED) == -1 && errno == EINTR)
		;
	show_status("child", status);
	wait_until(&chlds, 2);
	CHECK(chlds == 2);
	show_info(&chld_info, pid);
	wait_until(word, before + 1);
	SHOW(kill(pid, SIGSTOP));
	while (waitpid(pid, &status, WUNTRACED) == -1 && errno == EINTR)
		;
	SHOW(kill(pid, SIGTERM)); /* The writer waits until the reader continues. */
	nap_ms(20);
	SHOW(waitpid(pid, &status, WNOHANG));
	SHOW(kill(pid, SIGKILL)); /* The writer does not wait. */
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	show_status("child", status);
	signal(SIGCHLD, SIG_DFL);
	munmap(word, 4096);
}

CASE(stop_signals_and_their_kin)
{
	static const int stops[] = {SIGTSTP, SIGTTIN, SIGTTOU};
	_Atomic int *word = shared_page();
	int status;
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		CHILD(pid)
		{
			setpgid(0, 0);
			word[0] = i + 1;
			for (;;)
				pause();
		}
		wait_until(word, i + 1);
		kill(pid, stops[i]);
		NEED(waitpid(pid, &status, WUNTRACED) == pid);
		show_status("child", status);
		kill(pid, SIGTERM);
		kill(pid, SIGCONT);
		NEED(waitpid(pid, &status, 0) == pid);
		show_status("child", status);
	}
	/* SIGCONT discards a stop signal that is blocked. */
	CHILD(pid)
	{
		sigset_t set, pending;

		sigemptyset(&set);
		sigaddset(&set, SIGTSTP);
		sigaddset(&set, SIGCONT);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGTSTP);
		raise(SIGCONT);
		sigpending(&pending);
		_exit(sigismember(&pending, SIGTSTP) * 2 + sigismember(&pending, SIGCONT));
	}
	show_status("child", wait_status(pid));
	munmap(word, 4096);
}

CASE(a_stopped_read_goes_on)
{
	int fd[2], status;
	pid_t pid;
	char c = 0;

	NEED(pipe(fd) == 0);
	CHILD(pid)
	_exit(read(fd[0], &c, 1) == 1 ? c : 1);
	nap_ms(20);
	kill(pid, SIGSTOP);
	NEED(waitpid(pid, &status, WUNTRACED) == pid);
	kill(pid, SIGCONT);
	nap_ms(20);
	NEED(write(fd[1], "\x2a", 1) == 1);
	show_status("child", wait_status(pid));
	close(fd[0]);
	close(fd[1]);
}

CASE(orphaned_group_is_hung_up)
{
	_Atomic int *word = shared_page();
	int status;
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	CHILD(pid)
	{
		pid_t child;

		setsid();
		child = fork();
		if (child == 0) {
			setpgid(0, 0);
			word[0] = 1;
			for (;;)
				pause();
		}
		wait_until(word, 1);
		kill(child, SIGSTOP);
		waitpid(child, &status, WUNTRACED);
	}
	wait_status(pid);
	wait(&status);
	show_status("orphan", status);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	munmap(word, 4096);
}

/* -- The whole ----------------------------------------------------------------------------- */

static void run_shell(const char *script)
{
	pid_t pid;

	CHILD(pid)
	{
		execl("/bin/sh", "sh", "-c", script, NULL);
		_exit(127);
	}
	show_status("shell", wait_status(pid));
}

CASE(shells)
{
	run_shell("echo '  a b c' | tr a-c A-C | sed 's/A/x/'");
	run_shell("(exit 3) || echo \"  $?\"; exit 4");
	run_shell("trap 'echo \"  trapped\"' USR1; kill -USR1 $$; exit 5");
	run_shell("sleep 0.05 & wait $!; echo \"  $?\"");
	run_shell("kill -TERM $$");
	run_shell("for i in 1 2 3 4 5 6 7 8; do (exit $i) & done; wait; echo '  all'");
	run_shell("x=$(echo $(echo $(echo nested))); echo \"  $x\"");
	run_shell("seq 1000 | sort -rn | head -n 1 | sed 's/^/  /'");
}

CASE(a_tree_is_killed)
{
	_Atomic int *word = shared_page();
	pid_t pid, end;
	int status, count = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	CHILD(pid)
	{
		setpgid(0, 0);
		for (int i = 0; i < 3; i++)
			fork(); /* eight of them */
		word[0]++;
		for (;;)
			pause();
	}
	wait_until(word, 8);
	SHOW(kill(-pid, SIGKILL));
	while ((end = wait(&status)) > 0)
		count += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	CHECK(count == 8);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	munmap(word, 4096);
}

CASE(two_hundred_children_in_turn)
{
	bool right = true;
	pid_t pid;

	for (int i = 0; i < 200; i++) {
		CHILD(pid)
		_exit(i & 0x7f);
		right &= wait_status(pid) == (i & 0x7f) << 8;
	}
	CHECK(right);
}

CASE(forty_children_at_once)
{
	_Atomic int *word = shared_page();
	bool right = true;
	pid_t pid[40];
	int gate[2];
	char byte;

	/*
	 * They wait in read(2): forty children that sleep and wake would leave an emulated CPU no
	 * time to fork.
	 */
	NEED(pipe(gate) == 0);
	for (int i = 0; i < 40; i++) {
		CHILD(pid[i])
		{
			close(gate[1]);
			word[0]++;
			_exit(read(gate[0], &byte, 1) == 0 ? i : 99);
		}
	}
	wait_until(word, 40);
	close(gate[1]);
	for (int i = 0; i < 40; i++)
		right &= wait_status(pid[i]) == i << 8;
	CHECK(right);
	close(gate[0]);
	munmap(word, 4096);
}
