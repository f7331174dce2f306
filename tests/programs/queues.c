// SPDX-License-Identifier: MIT
/*
 * How signals are queued and told apart until they are taken: queues and their limit, codes that
 * may be sent, signals of threads and of the process, signalfds, stacks for handlers, timers and
 * their notifications.
 */
#include "child.h"
#include "probe.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static volatile sig_atomic_t count;
static siginfo_t seen[64];

static void informed(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (count < 64)
		seen[count] = *info;
	count++;
}

static void handle(int signal, int flags)
{
	struct sigaction action = {.sa_sigaction = informed, .sa_flags = flags | SA_SIGINFO};

	NEED(sigaction(signal, &action, NULL) == 0);
}

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	if (b)
		sigaddset(&set, b);
	return set;
}

static void block(int a, int b)
{
	sigset_t set = set_of(a, b);

	NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static void unblock(int a, int b)
{
	sigset_t set = set_of(a, b);

	NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

static void show_seen(void)
{
	for (int i = 0; i < count && i < 64; i++)
		printf("  %s, value %d\n", probe_signal_name(seen[i].si_signo, seen[i].si_code),
		       seen[i].si_code == SI_USER || seen[i].si_code == SI_TKILL
			       ? 0
			       : seen[i].si_value.sival_int);
	count = 0;
}

static void queue(int signal, int value)
{
	NEED(sigqueue(getpid(), signal, (union sigval){.sival_int = value}) == 0);
}

/* signal(7): the lowest number first; of one number in the order of their sending. */
CASE(real_time_order)
{
	for (int s = SIGRTMIN; s < SIGRTMIN + 4; s++) {
		handle(s, 0);
		block(s, 0);
	}
	for (int i = 0; i < 3; i++)
		for (int s = SIGRTMIN + 3; s >= SIGRTMIN; s--)
			queue(s, 10 * i + s - SIGRTMIN);
	for (int s = SIGRTMIN; s < SIGRTMIN + 4; s++) {
		sigset_t set = set_of(s, 0);
		siginfo_t info;

		NEED(sigtimedwait(&set, &info, &(struct timespec){0, 0}) == s);
		SHOW(info.si_value.sival_int);
	}
	count = 0;
	for (int s = SIGRTMIN + 3; s >= SIGRTMIN; s--)
		unblock(s, 0);
	show_seen();
}

CASE(ordinary_signals_do_not_queue)
{
	handle(SIGUSR1, 0);
	block(SIGUSR1, 0);
	queue(SIGUSR1, 1);
	queue(SIGUSR1, 2);
	kill(getpid(), SIGUSR1);
	count = 0;
	unblock(SIGUSR1, 0);
	show_seen();
}

/* The process and each thread have pending sets of their own. */
CASE(one_for_the_thread_one_for_the_process)
{
	sigset_t set = set_of(SIGUSR1, 0);
	siginfo_t info;

	handle(SIGUSR1, 0);
	block(SIGUSR1, 0);
	NEED(kill(getpid(), SIGUSR1) == 0 && raise(SIGUSR1) == 0);
	/* Not sigwaitinfo: glibc turns SI_TKILL into SI_USER. */
	SHOW(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8));
	CHECK(info.si_code == SI_TKILL);
	SHOW(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8));
	CHECK(info.si_code == SI_USER);
	SHOW(sigtimedwait(&set, &info, &(struct timespec){0, 0}));
	unblock(SIGUSR1, 0);
}

/* getrlimit(2): sigqueue fails at the limit, kill does not. */
CASE(limit_of_queued_signals)
{
	struct rlimit limit, old;
	int sent = 0;

	getrlimit(RLIMIT_SIGPENDING, &old);
	handle(SIGRTMIN, 0);
	block(SIGRTMIN, 0);
	limit = (struct rlimit){5, old.rlim_max};
	SHOW(setrlimit(RLIMIT_SIGPENDING, &limit));
	while (sent < 100 && sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = sent}) == 0)
		sent++;
	CHECK(errno == EAGAIN && sent <= 5);
	SHOW(kill(getpid(), SIGRTMIN));
	SHOW(setrlimit(RLIMIT_SIGPENDING, &old));
	count = 0;
	unblock(SIGRTMIN, 0);
	CHECK(count == sent + 1 || count == sent);
}

static long send_info(int signal, int code)
{
	siginfo_t info = {.si_signo = signal, .si_code = code};

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = 99;
	return syscall(SYS_rt_sigqueueinfo, getpid(), signal, &info);
}

/* rt_sigqueueinfo(2): to other processes only negative codes but SI_TKILL; to oneself any code. */
CASE(codes_that_may_be_sent)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = 1};
	pid_t other;

	handle(SIGUSR1, 0);
	count = 0;
	SHOW(send_info(SIGUSR1, SI_QUEUE));
	SHOW(send_info(SIGUSR1, -60));
	SHOW(send_info(SIGUSR1, SI_USER));
	SHOW(send_info(SIGUSR1, SI_TKILL));
	SHOW(send_info(SIGUSR1, 0x30));
	printf("  %d %d %d %d %d\n", seen[0].si_code, seen[1].si_code, seen[2].si_code,
	       seen[3].si_code, seen[4].si_code);
	other = fork();
	if (other == 0)
		_exit(pause());
	SHOW(syscall(SYS_rt_sigqueueinfo, other, 0, &info));
	info.si_code = SI_TKILL;
	SHOW(syscall(SYS_rt_sigqueueinfo, other, 0, &info));
	info.si_code = SI_QUEUE;
	SHOW(syscall(SYS_rt_sigqueueinfo, other, 0, &info));
	SHOW(syscall(SYS_rt_sigqueueinfo, other, SIGKILL, &info));
	NEED(waitpid(other, NULL, 0) == other);
	SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), 65, &info));
	SHOW(syscall(SYS_rt_sigqueueinfo, 0, SIGUSR1, &info));
	SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, 8));
	SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info));
	SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), -1, SIGUSR1, &info));
	SHOW(syscall(SYS_rt_tgsigqueueinfo, getppid(), gettid(), SIGUSR1, &info));
	count = 0;
}

static void *raises_for_itself(void *arg)
{
	sigset_t pending, set = set_of(SIGUSR1, SIGUSR2);

	(void)arg;
	NEED(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	NEED(raise(SIGUSR1) == 0 && kill(getpid(), SIGUSR2) == 0);
	NEED(sigpending(&pending) == 0);
	printf("  the thread: %d %d\n", sigismember(&pending, SIGUSR1),
	       sigismember(&pending, SIGUSR2));
	return NULL;
}

/* What is pending for a thread is dropped when the thread ends. */
CASE(pending_for_a_thread)
{
	sigset_t pending;
	pthread_t t;

	handle(SIGUSR1, 0);
	handle(SIGUSR2, 0);
	block(SIGUSR1, SIGUSR2);
	NEED(pthread_create(&t, NULL, raises_for_itself, NULL) == 0 && pthread_join(t, NULL) == 0);
	NEED(sigpending(&pending) == 0);
	printf("  the process: %d %d\n", sigismember(&pending, SIGUSR1),
	       sigismember(&pending, SIGUSR2));
	count = 0;
	unblock(SIGUSR1, SIGUSR2);
	show_seen();
}

/* fork(2) does not inherit pending signals; execve(2) keeps them. */
CASE(pending_over_fork)
{
	int status;

	handle(SIGUSR1, 0);
	block(SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	fflush(stdout);
	if (fork() == 0) {
		sigset_t pending;

		sigpending(&pending);
		SHOW(sigismember(&pending, SIGUSR1));
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	count = 0;
	unblock(SIGUSR1, 0);
	SHOW(count);
}

CASE(one_shot_handlers)
{
	struct sigaction now;

	handle(SIGUSR1, SA_RESETHAND | SA_NODEFER);
	count = 0;
	raise(SIGUSR1);
	SHOW(count);
	SHOW(sigaction(SIGUSR1, NULL, &now));
	CHECK(now.sa_handler == SIG_DFL);
	/* Unknown flags are taken and given back cleared: sigaction(2), "dynamically probing". */
	handle(SIGUSR1, 0x00000800 | SA_NODEFER);
	SHOW(sigaction(SIGUSR1, NULL, &now));
	SHOW((now.sa_flags & 0x00000800) != 0);
	handle(SIGUSR1, 0x00000400 | 0x00001000);
	SHOW(sigaction(SIGUSR1, NULL, &now));
	SHOW(now.sa_flags & 0x00001c00);
}

/* Ignoring a signal discards those that are pending, real-time ones too. */
CASE(ignoring_forgets)
{
	sigset_t pending;

	handle(SIGRTMIN, 0);
	block(SIGRTMIN, SIGCHLD);
	for (int i = 0; i < 3; i++)
		queue(SIGRTMIN, i);
	raise(SIGCHLD);
	signal(SIGRTMIN, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigpending(&pending);
	SHOW(sigismember(&pending, SIGRTMIN));
	SHOW(sigismember(&pending, SIGCHLD));
	handle(SIGRTMIN, 0);
	count = 0;
	unblock(SIGRTMIN, SIGCHLD);
	SHOW(count);
}

/* -- signalfd --------------------------------------------------------------------------------- */

CASE(several_from_a_signal_file)
{
	struct signalfd_siginfo info[5];
	sigset_t set = set_of(SIGUSR1, SIGRTMIN);
	int fd;

	handle(SIGUSR1, 0);
	handle(SIGRTMIN, 0);
	block(SIGUSR1, SIGRTMIN);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	NEED(fd >= 0);
	queue(SIGRTMIN, 5);
	queue(SIGUSR1, 6);
	queue(SIGRTMIN, 7);
	SHOW(read(fd, info, sizeof(info[0]) - 1));
	SHOW(read(fd, info, sizeof(info)) / (long)sizeof(info[0]));
	for (int i = 0; i < 3; i++)
		printf("  %s, value %d, %d\n",
		       probe_signal_name(info[i].ssi_signo, info[i].ssi_code), info[i].ssi_int,
		       info[i].ssi_pid == (uint32_t)getpid());
	SHOW(read(fd, info, sizeof(info)));
	/* Another mask for the same file. */
	set = set_of(SIGUSR1, 0);
	SHOW(signalfd(fd, &set, 0) == fd);
	queue(SIGRTMIN, 8);
	SHOW(read(fd, info, sizeof(info)));
	queue(SIGUSR1, 9);
	SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0));
	SHOW(read(fd, info, sizeof(info)) / (long)sizeof(info[0]));
	SHOW(signalfd(fd, &set, 0x123));
	SHOW(signalfd(0, &set, 0));
	SHOW(signalfd(-2, &set, 0));
	SHOW(syscall(SYS_signalfd4, -1, &set, 4, 0));
	close(fd);
	count = 0;
	unblock(SIGUSR1, SIGRTMIN);
	show_seen();
}

static void *sends_soon(void *arg)
{
	(void)arg;
	settle(30000);
	queue(SIGUSR1, 3);
	return NULL;
}

CASE(waiting_at_a_signal_file)
{
	struct epoll_event event = {.events = EPOLLIN}, out;
	struct signalfd_siginfo info;
	sigset_t set = set_of(SIGUSR1, 0);
	int fd, e = epoll_create1(0);
	pthread_t t;

	block(SIGUSR1, 0);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	NEED(fd >= 0 && epoll_ctl(e, EPOLL_CTL_ADD, fd, &event) == 0);
	for (int i = 0; i < 3; i++) {
		NEED(pthread_create(&t, NULL, sends_soon, NULL) == 0);
		if (i == 1)
			SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 5000));
		if (i == 2)
			SHOW(epoll_wait(e, &out, 1, 5000));
		SHOW(read(fd, &info, sizeof(info)));
		SHOW(info.ssi_int);
		NEED(pthread_join(t, NULL) == 0);
	}
	close(fd);
	close(e);
	unblock(SIGUSR1, 0);
}

/* signalfd(2): a child that reads the inherited file gets its own signals. */
CASE(inherited_signal_file)
{
	struct signalfd_siginfo info;
	sigset_t set = set_of(SIGUSR1, 0);
	int fd, status;

	block(SIGUSR1, 0);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	raise(SIGUSR1);
	fflush(stdout);
	if (fork() == 0) {
		SHOW(read(fd, &info, sizeof(info)));
		raise(SIGUSR1);
		SHOW(read(fd, &info, sizeof(info)));
		CHECK(info.ssi_pid == (uint32_t)getpid());
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	SHOW(status);
	SHOW(read(fd, &info, sizeof(info)));
	close(fd);
	unblock(SIGUSR1, 0);
}

/* -- Stacks ------------------------------------------------------------------------------------ */

#define STACK_SIZE (64 << 10)

static char *stack_memory;
static int depth;

static bool on_the_stack(void)
{
	char here;

	return &here >= stack_memory && &here < stack_memory + STACK_SIZE;
}

static void nests(int signal)
{
	stack_t now;

	sigaltstack(NULL, &now);
	printf("  depth %d, on the stack %d, flags %d\n", depth, on_the_stack(), now.ss_flags);
	if (++depth < 3)
		raise(signal == SIGUSR1 ? SIGUSR2 : SIGUSR1);
}

static void use_stack(int flags)
{
	stack_memory =
		mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(stack_memory != MAP_FAILED);
	SHOW(sigaltstack(
		&(stack_t){.ss_sp = stack_memory, .ss_flags = flags, .ss_size = STACK_SIZE}, NULL));
}

static void drop_stack(void)
{
	SHOW(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL));
	munmap(stack_memory, STACK_SIZE);
}

CASE(nested_on_one_stack)
{
	struct sigaction action = {.sa_handler = nests, .sa_flags = SA_ONSTACK | SA_NODEFER};

	NEED(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0);
	use_stack(0);
	depth = 0;
	raise(SIGUSR1);
	drop_stack();
}

/* A handler without SA_ONSTACK runs on the stack that was in use. */
CASE(only_one_wants_the_stack)
{
	struct sigaction with = {.sa_handler = nests, .sa_flags = SA_ONSTACK};
	struct sigaction without = {.sa_handler = nests};

	use_stack(0);
	NEED(sigaction(SIGUSR1, &with, NULL) == 0 && sigaction(SIGUSR2, &without, NULL) == 0);
	depth = 1;
	raise(SIGUSR1);
	depth = 1;
	raise(SIGUSR2);
	drop_stack();
}

static void looks_at_disarmed(int signal)
{
	stack_t now;

	(void)signal;
	SHOW(sigaltstack(NULL, &now));
	SHOW(on_the_stack());
	SHOW(now.ss_flags);
	/* So a handler may leave for another context, and the stack can be used again. */
	SHOW(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL));
}

CASE(a_stack_that_disarms)
{
	struct sigaction action = {.sa_handler = looks_at_disarmed, .sa_flags = SA_ONSTACK};
	stack_t now;

	NEED(sigaction(SIGUSR1, &action, NULL) == 0);
	use_stack(SS_AUTODISARM);
	SHOW(sigaltstack(NULL, &now));
	SHOW((unsigned int)now.ss_flags == SS_AUTODISARM);
	raise(SIGUSR1);
	SHOW(sigaltstack(NULL, &now));
	SHOW((unsigned int)now.ss_flags == SS_AUTODISARM);
	drop_stack();
	SHOW(sigaltstack(
		&(stack_t){.ss_sp = stack_memory, .ss_flags = SS_ONSTACK, .ss_size = STACK_SIZE},
		&now));
	SHOW(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL));
}

/* -- Timers ------------------------------------------------------------------------------------ */

static void arm(timer_t timer, long first_ms, long interval_ms)
{
	struct itimerspec spec = {{interval_ms / 1000, interval_ms % 1000 * 1000000},
				  {first_ms / 1000, first_ms % 1000 * 1000000}};

	NEED(timer_settime(timer, 0, &spec, NULL) == 0);
}

CASE(a_timer_for_a_thread)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID,
				 .sigev_signo = SIGRTMIN,
				 .sigev_value.sival_int = 41};
	sigset_t set = set_of(SIGRTMIN, 0);
	siginfo_t info;
	timer_t timer;

	block(SIGRTMIN, 0);
	event._sigev_un._tid = gettid();
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	arm(timer, 10, 0);
	SHOW(sigwaitinfo(&set, &info) == SIGRTMIN);
	SHOW(info.si_value.sival_int);
	CHECK(info.si_code == SI_TIMER && info.si_overrun == 0);
	SHOW(timer_delete(timer));
	event._sigev_un._tid = 1;
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	event._sigev_un._tid = -1;
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	event.sigev_signo = 65;
	event._sigev_un._tid = gettid();
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	event.sigev_signo = 0;
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	event.sigev_notify = 77;
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	unblock(SIGRTMIN, 0);
}

static volatile sig_atomic_t notified;
static pthread_t main_thread;

static void in_a_thread(union sigval value)
{
	if (!pthread_equal(pthread_self(), main_thread))
		notified += value.sival_int;
}

CASE(a_timer_that_starts_threads)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD,
				 .sigev_notify_function = in_a_thread,
				 .sigev_value.sival_int = 1};
	timer_t timer;

	main_thread = pthread_self();
	notified = 0;
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	arm(timer, 5, 5);
	for (int i = 0; i < 1000 && notified < 3; i++)
		settle(5000);
	CHECK(notified >= 3);
	SHOW(timer_delete(timer));
}

/* A periodic timer's signal is queued once; the expirations that it missed are its overrun. */
CASE(overruns)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	sigset_t set = set_of(SIGRTMIN, 0);
	siginfo_t info;
	timer_t timer;

	block(SIGRTMIN, 0);
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	arm(timer, 5, 5);
	settle(100000);
	SHOW(sigwaitinfo(&set, &info) == SIGRTMIN);
	CHECK(info.si_overrun >= 15 && timer_getoverrun(timer) == info.si_overrun);
	arm(timer, 0, 0);
	while (sigtimedwait(&set, &info, &(struct timespec){0, 0}) > 0)
		;
	SHOW(sigtimedwait(&set, &info, &(struct timespec){0, 20000000}));
	SHOW(timer_delete(timer));
	unblock(SIGRTMIN, 0);
}

CASE(timers_without_a_signal)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct itimerspec left = {0}, old = {0};
	timer_t timer, other;

	SHOW(timer_create(CLOCK_REALTIME, &event, &timer));
	arm(timer, 20000, 3000);
	SHOW(timer_gettime(timer, &left));
	CHECK(left.it_value.tv_sec >= 18 && left.it_value.tv_sec <= 20);
	SHOW(left.it_interval.tv_sec);
	/* An absolute time. */
	clock_gettime(CLOCK_REALTIME, &left.it_value);
	left.it_value.tv_sec += 100;
	left.it_interval.tv_sec = 0;
	SHOW(timer_settime(timer, TIMER_ABSTIME, &left, &old));
	CHECK(old.it_value.tv_sec >= 18 && old.it_interval.tv_sec == 3);
	SHOW(timer_gettime(timer, &left));
	CHECK(left.it_value.tv_sec >= 98 && left.it_value.tv_sec <= 100);
	left.it_value.tv_nsec = 1000000000;
	SHOW(timer_settime(timer, 0, &left, NULL));
	SHOW(timer_create(CLOCK_MONOTONIC, NULL, &other));
	SHOW(timer_delete(other));
	SHOW(timer_settime(other, 0, &old, NULL));
	SHOW(timer_gettime(other, &old));
	SHOW(timer_getoverrun(other));
	SHOW(timer_delete(timer));
}

CASE(timers_of_used_time)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t process, thread;

	handle(SIGUSR1, 0);
	SHOW(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &process));
	SHOW(timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &thread));
	count = 0;
	arm(process, 20, 0);
	while (count == 0)
		;
	arm(thread, 20, 0);
	while (count == 1)
		;
	SHOW(count);
	SHOW(timer_delete(process));
	SHOW(timer_delete(thread));
	count = 0;
}

/* A timer that measures the CPU time of a child. */
CASE(timers_of_anothers_time)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec left = {0};
	struct timespec used = {0};
	clockid_t clock, thread_clock;
	timer_t timer, other;
	pid_t pid;

	handle(SIGUSR1, 0);
	count = 0;
	pid = start_child();
	if (pid == 0)
		for (;;)
			;
	SHOW(clock_getcpuclockid(pid, &clock));
	thread_clock = clock | 4; /* CPUCLOCK_PERTHREAD_MASK */
	SHOW(timer_create(thread_clock, &event, &other));
	SHOW(timer_create(clock, &event, &timer));
	arm(timer, 30, 30);
	while (count < 2)
		settle(1000);
	NEED(clock_gettime(clock, &used) == 0);
	CHECK(used.tv_sec > 0 || used.tv_nsec >= 60000000);
	SHOW(timer_gettime(timer, &left));
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0 &&
	      left.it_value.tv_nsec <= 30000000 && left.it_interval.tv_nsec == 30000000);
	/* A child that has ended and was not waited for has a clock. */
	kill(pid, SIGKILL);
	NEED(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT) == 0);
	SHOW(clock_gettime(clock, &used));
	NEED(waitpid(pid, NULL, 0) == pid);
	SHOW(timer_gettime(timer, &left));
	CHECK(left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
	left.it_value.tv_sec = 1;
	SHOW(timer_settime(timer, 0, &left, NULL));
	left.it_value.tv_sec = 0;
	SHOW(timer_settime(timer, 0, &left, NULL));
	SHOW(clock_gettime(clock, &used));
	SHOW(timer_create(clock, &event, &other));
	SHOW(timer_delete(timer));
	count = 0;
}

/* timer_create(2), setitimer(2): a child has none of its parent's timers. */
CASE(timers_over_fork)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerval value = {.it_value.tv_sec = 50};
	struct itimerspec left;
	timer_t timer;
	int status;

	NEED(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	arm(timer, 50000, 0);
	NEED(setitimer(ITIMER_REAL, &value, NULL) == 0);
	fflush(stdout);
	if (fork() == 0) {
		SHOW(timer_gettime(timer, &left));
		SHOW(getitimer(ITIMER_REAL, &value));
		SHOW(value.it_value.tv_sec);
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	SHOW(alarm(0) >= 49);
	SHOW(timer_delete(timer));
}

/* execve(2): alarm and mask are kept; timers of timer_create are not. */
CASE(alarm_over_exec)
{
	int status;

	fflush(stdout);
	if (fork() == 0) {
		signal(SIGALRM, SIG_DFL);
		ualarm(100000, 0);
		execl("/bin/sleep", "sleep", "10", NULL);
		_exit(99);
	}
	wait(&status);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
}

CASE(many_timers)
{
	static timer_t timers[50];
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	sigset_t set = set_of(SIGRTMIN, 0);
	siginfo_t info;
	long sum = 0;

	block(SIGRTMIN, 0);
	for (int i = 0; i < 50; i++) {
		event.sigev_value.sival_int = i;
		NEED(timer_create(CLOCK_MONOTONIC, &event, &timers[i]) == 0);
		arm(timers[i], 10 + i % 5, 0);
	}
	for (int i = 0; i < 50; i++) {
		NEED(sigtimedwait(&set, &info, &(struct timespec){5, 0}) == SIGRTMIN);
		sum += info.si_value.sival_int;
	}
	SHOW(sum);
	for (int i = 0; i < 50; i++)
		NEED(timer_delete(timers[i]) == 0);
	unblock(SIGRTMIN, 0);
}

/* -- kill(2) ----------------------------------------------------------------------------------- */

CASE(kill_of_what_is_not)
{
	pid_t gone;
	int status;

	fflush(stdout);
	gone = fork();
	if (gone == 0)
		_exit(0);
	/* Signals can be sent to a zombie. They have no effect. */
	settle(50000);
	SHOW(kill(gone, SIGKILL));
	SHOW(kill(gone, 0));
	NEED(waitpid(gone, &status, 0) == gone);
	SHOW(status);
	SHOW(kill(gone, 0));
	SHOW(kill(-gone, 0));
	SHOW(kill(0x7ffffff0, 0));
	SHOW(kill(-0x7ffffff0, 0));
	SHOW(kill(getpid(), -1));
	SHOW(syscall(SYS_tgkill, -1, gettid(), 0));
	SHOW(syscall(SYS_tgkill, getpid(), 0, 0));
	SHOW(syscall(SYS_tkill, -5, 0));
	SHOW(syscall(SYS_tgkill, getpid(), gettid(), 0));
	SHOW(syscall(SYS_tgkill, getpid(), gettid(), 99));
}
