// SPDX-License-Identifier: MIT
/*
 * What wait(2) and its relatives report about children: each way to end, stop and continue, which
 * process may wait for which, and what SIGCHLD carries.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static void nap(void)
{
	settle(20000);
}

static pid_t child(void (*run)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		run();
		fflush(stdout);
		_exit(0);
	}
	NEED(pid > 0);
	return pid;
}

static void sleeps_for_ever(void)
{
	for (;;)
		pause();
}

static void ends_with_7(void)
{
	_exit(7);
}

static void ends(void) {}

static const char *code_name(int code)
{
	static const char *const names[] = {
		[CLD_EXITED] = "CLD_EXITED",   [CLD_KILLED] = "CLD_KILLED",
		[CLD_DUMPED] = "CLD_DUMPED",   [CLD_TRAPPED] = "CLD_TRAPPED",
		[CLD_STOPPED] = "CLD_STOPPED", [CLD_CONTINUED] = "CLD_CONTINUED"};

	return code >= CLD_EXITED && code <= CLD_CONTINUED ? names[code] : "none";
}

static void show_info(const siginfo_t *info, pid_t pid)
{
	printf("  signal %d, %s, status %d, %s, uid %s\n", info->si_signo, code_name(info->si_code),
	       info->si_status,
	       info->si_pid == pid ? "the child"
	       : info->si_pid	   ? "other"
				   : "nobody",
	       info->si_uid == getuid() ? "ours" : "other");
}

/* Waits with waitid and again with wait4. Both have to report the same. */
static void tell(pid_t pid, int options)
{
	siginfo_t info = {0};
	int status = -1;

	SHOW(waitid(P_PID, pid, &info, options | WNOWAIT));
	show_info(&info, pid);
	NEED(waitpid(pid, &status, (options & WSTOPPED ? WUNTRACED : 0) | (options & WCONTINUED)) ==
	     pid);
	printf("  status 0x%x\n", status);
}

CASE(every_exit_status)
{
	static const int statuses[] = {0, 1, 127, 128, 255, 256, -1, 0x1234};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0)
			_exit(statuses[i]);
		tell(pid, WEXITED);
	}
}

/*
 * Each signal that kills, with core files disabled. Signals that dump core then have no core flag
 * either.
 */
CASE(every_signal_that_kills)
{
	struct rlimit old;

	getrlimit(RLIMIT_CORE, &old);
	NEED(setrlimit(RLIMIT_CORE, &(struct rlimit){0, old.rlim_max}) == 0);
	for (int signal = 1; signal <= 64; signal++) {
		pid_t pid;

		switch (signal) {
		case SIGCHLD:
		case SIGCONT:
		case SIGSTOP:
		case SIGTSTP:
		case SIGTTIN:
		case SIGTTOU:
		case SIGURG:
		case SIGWINCH:
		case 32: /* The C library keeps these signals for itself. */
		case 33:
			continue;
		}
		/*
		 * The process that started the program may have had it ignored, as nohup(1) does.
		 */
		sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
		pid = child(sleeps_for_ever);
		NEED(kill(pid, signal) == 0);
		tell(pid, WEXITED);
	}
	setrlimit(RLIMIT_CORE, &old);
}

CASE(every_signal_that_stops)
{
	static const int signals[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t pid = child(sleeps_for_ever);
		int status;

		/* Not an orphaned group: our parent is in another of the same session, or is not.
		 */
		NEED(kill(pid, SIGSTOP) == 0);
		tell(pid, WSTOPPED);
		NEED(kill(pid, SIGCONT) == 0);
		tell(pid, WCONTINUED);
		NEED(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
		SHOW(status);
	}
}

/* Each change of state is reported once. */
CASE(told_once)
{
	pid_t pid = child(sleeps_for_ever);
	int status;

	NEED(kill(pid, SIGSTOP) == 0);
	NEED(waitpid(pid, &status, WUNTRACED) == pid);
	SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));
	NEED(kill(pid, SIGSTOP) == 0);
	nap();
	SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));
	NEED(kill(pid, SIGCONT) == 0);
	nap();
	SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));
	SHOW(waitpid(pid, &status, WCONTINUED | WNOHANG) == pid);
	SHOW(status);
	SHOW(waitpid(pid, &status, WCONTINUED | WNOHANG));
	/* A stop that was not reported is lost when the child continues. */
	NEED(kill(pid, SIGSTOP) == 0);
	nap();
	NEED(kill(pid, SIGCONT) == 0);
	nap();
	SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));
	NEED(kill(pid, SIGKILL) == 0);
	nap();
	SHOW(waitpid(pid, &status, WUNTRACED | WCONTINUED) == pid);
	SHOW(status);
	SHOW(waitpid(pid, &status, WNOHANG));
}

/* A stopped child that is killed ends. SIGCONT only lets it continue. */
CASE(signals_to_a_stopped_child)
{
	pid_t pid = child(sleeps_for_ever);
	int status;

	NEED(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
	NEED(kill(pid, SIGTERM) == 0);
	nap();
	SHOW(waitpid(pid, &status, WNOHANG));
	NEED(kill(pid, SIGCONT) == 0 && waitpid(pid, &status, 0) == pid);
	SHOW(status);
	pid = child(sleeps_for_ever);
	NEED(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
	NEED(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
	SHOW(status);
}

CASE(options_of_waitid)
{
	siginfo_t info;
	pid_t pid = child(sleeps_for_ever);

	memset(&info, 0x55, sizeof(info));
	SHOW(waitid(P_PID, pid, &info, WEXITED | WNOHANG));
	show_info(&info, pid);
	SHOW(waitid(P_PID, pid, &info, 0));
	SHOW(waitid(P_PID, pid, &info, WNOHANG));
	SHOW(waitid(P_PID, pid, &info, WEXITED | 0x40000));
	SHOW(waitid(99, pid, &info, WEXITED));
	SHOW(waitid(P_PID, 0, &info, WEXITED | WNOHANG));
	SHOW(waitid(P_PID, -1, &info, WEXITED | WNOHANG));
	SHOW(waitid(P_PGID, -1, &info, WEXITED | WNOHANG));
	SHOW(waitid(P_PID, getpid(), &info, WEXITED | WNOHANG));
	SHOW(waitid(P_PIDFD, -1, &info, WEXITED | WNOHANG));
	SHOW(waitid(P_PIDFD, 0, &info, WEXITED | WNOHANG));
	SHOW(waitpid(pid, NULL, 0x100));
	SHOW(waitpid(getpid(), NULL, 0));
	SHOW(waitpid(0x7ffffff0, NULL, 0));
	SHOW(waitpid(-0x7ffffff0, NULL, 0));
	SHOW(syscall(SYS_wait4, -2147483648, NULL, 0, NULL));
	kill(pid, SIGKILL);
	SHOW(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
	SHOW(waitid(P_PID, pid, NULL, WEXITED));
	SHOW(waitid(P_ALL, 0, &info, WEXITED));
}

CASE(by_group)
{
	pid_t a = child(sleeps_for_ever), b = child(sleeps_for_ever), c = child(sleeps_for_ever);
	siginfo_t info;
	int status;

	NEED(setpgid(a, a) == 0 && setpgid(b, a) == 0);
	NEED(kill(-a, SIGTERM) == 0);
	nap();
	for (int i = 0; i < 2; i++) {
		pid_t got = waitpid(-a, &status, 0);

		CHECK(got == a || got == b);
		SHOW(status);
	}
	SHOW(waitpid(-a, &status, 0));
	SHOW(waitpid(0, &status, WNOHANG));
	kill(c, SIGUSR1);
	SHOW(waitid(P_PGID, 0, &info, WEXITED));
	show_info(&info, c);
}

CASE(used_by_the_child)
{
	struct rusage usage, all;
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct timespec t;

		do
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
		while (t.tv_nsec < 60000000);
		_exit(0);
	}
	SHOW(wait4(pid, &status, 0, &usage) == pid);
	CHECK(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 40000);
	getrusage(RUSAGE_CHILDREN, &all);
	CHECK(all.ru_utime.tv_sec * 1000000 + all.ru_utime.tv_usec + all.ru_stime.tv_sec * 1000000 +
		      all.ru_stime.tv_usec >=
	      40000);
	pid = child(ends);
	siginfo_t info;
	SHOW(syscall(SYS_waitid, P_PID, pid, &info, WEXITED, &usage));
	CHECK(usage.ru_utime.tv_sec == 0);
}

static void *forks_one(void *arg)
{
	*(pid_t *)arg = child(ends_with_7);
	return NULL;
}

/* Children belong to the process, whichever thread made them, unless __WNOTHREAD is given. */
CASE(of_another_thread)
{
	pthread_t t;
	pid_t pid;
	int status;

	NEED(pthread_create(&t, NULL, forks_one, &pid) == 0 && pthread_join(t, NULL) == 0);
	SHOW(waitpid(pid, &status, 0) == pid);
	SHOW(status);
}

static volatile sig_atomic_t signals;
static siginfo_t last;

static void on_child(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	signals++;
	last = *info;
}

static void handle_child(int flags)
{
	struct sigaction action = {.sa_sigaction = on_child, .sa_flags = flags | SA_SIGINFO};

	NEED(sigaction(SIGCHLD, &action, NULL) == 0);
	signals = 0;
}

static void wait_for_signals(int n)
{
	for (int i = 0; i < 500 && signals < n; i++)
		settle(2000);
}

CASE(what_sigchld_tells)
{
	pid_t pid;
	int status;

	handle_child(SA_RESTART);
	pid = child(ends_with_7);
	wait_for_signals(1);
	SHOW(signals);
	show_info(&last, pid);
	NEED(waitpid(pid, &status, 0) == pid);
	signals = 0;
	pid = child(sleeps_for_ever);
	kill(pid, SIGSTOP);
	wait_for_signals(1);
	show_info(&last, pid);
	kill(pid, SIGCONT);
	wait_for_signals(2);
	show_info(&last, pid);
	kill(pid, SIGQUIT);
	wait_for_signals(3);
	SHOW(signals);
	printf("  %d %d\n", last.si_status, last.si_pid == pid);
	NEED(waitpid(pid, &status, 0) == pid);
	signal(SIGCHLD, SIG_DFL);
}

/* With SA_NOCLDSTOP a stop sends no signal, but wait still reports it. */
CASE(stops_without_a_signal)
{
	pid_t pid;
	int status;

	handle_child(SA_NOCLDSTOP);
	pid = child(sleeps_for_ever);
	kill(pid, SIGSTOP);
	NEED(waitpid(pid, &status, WUNTRACED) == pid);
	kill(pid, SIGCONT);
	NEED(waitpid(pid, &status, WCONTINUED) == pid);
	nap();
	SHOW(signals);
	kill(pid, SIGKILL);
	wait_for_signals(1);
	SHOW(signals);
	NEED(waitpid(pid, &status, 0) == pid);
	signal(SIGCHLD, SIG_DFL);
}

/*
 * With SA_NOCLDWAIT or SIG_IGN there are no zombies: a wait lasts until all children have ended,
 * and reports none of them.
 */
CASE(children_that_leave_nothing)
{
	int status;

	handle_child(SA_NOCLDWAIT);
	child(ends_with_7);
	child(ends);
	errno = 0;
	while (wait(&status) > 0 || errno == EINTR)
		errno = 0;
	printf("  %s, signals %s\n", check_errno(errno), signals ? "came" : "did not come");
	signal(SIGCHLD, SIG_IGN);
	child(ends_with_7);
	SHOW(wait(&status));
	signal(SIGCHLD, SIG_DFL);
	/* The disposition at the child's end decides: a zombie stays a zombie. */
	pid_t pid = child(ends_with_7);
	nap();
	signal(SIGCHLD, SIG_IGN);
	SHOW(waitpid(pid, &status, 0) == pid);
	signal(SIGCHLD, SIG_DFL);
}

CASE(a_zombie_waits)
{
	pid_t pid = child(ends_with_7);
	siginfo_t info;
	int status;

	NEED(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	SHOW(kill(pid, 0));
	SHOW(getpgid(pid) == getpgrp());
	SHOW(getsid(pid) == getsid(0));
	SHOW(setpgid(pid, pid));
	SHOW(sched_getscheduler(pid));
	SHOW(getpriority(PRIO_PROCESS, pid));
	NEED(waitpid(pid, &status, 0) == pid);
	SHOW(getpgid(pid));
	SHOW(getsid(pid));
	SHOW(setpgid(pid, pid));
	SHOW(sched_getscheduler(pid));
	SHOW(getpriority(PRIO_PROCESS, pid));
}

static int new_process(unsigned long long flags, int exit_signal)
{
	struct clone_args args = {.flags = flags, .exit_signal = exit_signal};
	long pid;

	fflush(stdout);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		_exit(5);
	return (int)pid;
}

/* clone(2): only __WALL or __WCLONE waits for a child that does not send SIGCHLD. */
CASE(children_of_another_signal)
{
	pid_t pid;
	int status;

	handle_child(0);
	signal(SIGUSR1, SIG_IGN);
	pid = new_process(0, SIGUSR1);
	nap();
	SHOW(waitpid(pid, &status, WNOHANG));
	SHOW(waitpid(pid, &status, __WCLONE) == pid);
	SHOW(status);
	pid = new_process(0, 0);
	SHOW(waitpid(pid, &status, WNOHANG));
	SHOW(waitpid(pid, &status, __WALL) == pid);
	SHOW(status);
	SHOW(signals);
	pid = new_process(0, SIGCHLD);
	wait_for_signals(1);
	SHOW(waitpid(pid, &status, __WCLONE));
	SHOW(waitpid(pid, &status, 0) == pid);
	SHOW(signals);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
}

CASE(a_subreaper_gets_orphans)
{
	int p[2], status;
	pid_t reaper = getpid(), middle, orphan = 0, got;

	NEED(pipe(p) == 0);
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
	fflush(stdout);
	middle = fork();
	if (middle == 0) {
		pid_t pid;

		middle = getpid();
		pid = fork();
		if (pid == 0) {
			while (getppid() == middle)
				nap();
			_exit(getppid() == reaper ? 9 : 1);
		}
		NEED(write(p[1], &pid, sizeof(pid)) == sizeof(pid));
		_exit(0);
	}
	NEED(read(p[0], &orphan, sizeof(orphan)) == sizeof(orphan));
	SHOW(waitpid(middle, &status, 0) == middle);
	got = wait(&status);
	CHECK(got == orphan);
	SHOW(WEXITSTATUS(status));
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 0));
	close(p[0]);
	close(p[1]);
}

static void stops_itself_thrice(void)
{
	for (int i = 0; i < 3; i++)
		raise(SIGSTOP);
	_exit(3);
}

CASE(a_child_that_stops_itself)
{
	pid_t pid = child(stops_itself_thrice);
	int status;

	for (int i = 0; i < 3; i++) {
		NEED(waitpid(pid, &status, WUNTRACED) == pid);
		SHOW(WIFSTOPPED(status) ? WSTOPSIG(status) : -1);
		kill(pid, SIGCONT);
	}
	NEED(waitpid(pid, &status, WUNTRACED) == pid);
	SHOW(WEXITSTATUS(status));
}

static void *counts_up(void *arg)
{
	volatile long *n = arg;

	for (;;)
		++*n;
	return NULL;
}

/* A stop stops all threads. */
CASE(all_threads_stop)
{
	volatile long *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long before;
	pid_t pid;
	int status;

	NEED(shared != MAP_FAILED);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		pthread_t t;

		pthread_create(&t, NULL, counts_up, (void *)&shared[0]);
		pthread_create(&t, NULL, counts_up, (void *)&shared[8]);
		counts_up((void *)&shared[16]);
	}
	while (!shared[0] || !shared[8] || !shared[16])
		nap();
	NEED(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
	nap();
	before = shared[0] + shared[8] + shared[16];
	nap();
	CHECK(before == shared[0] + shared[8] + shared[16]);
	kill(pid, SIGCONT);
	for (int i = 0; i < 1000 && before == shared[0] + shared[8] + shared[16]; i++)
		nap();
	CHECK(before != shared[0] + shared[8] + shared[16]);
	kill(pid, SIGKILL);
	NEED(waitpid(pid, &status, 0) == pid);
	SHOW(status);
	munmap((void *)shared, 4096);
}
