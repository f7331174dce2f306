// SPDX-License-Identifier: MIT
/*
 * Signals of one process: handlers, masks, stacks, timers, restarts, and what handlers are given.
 */
#include "check.h"
#include "probe.h"
#include <fcntl.h>
#include <immintrin.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t count, last, last_code, last_value;
static int order[32], ordered;

static void counting(int signal)
{
	count++;
	last = signal;
	if (ordered < 32)
		order[ordered++] = signal;
}

static void informed(int signal, siginfo_t *info, void *context)
{
	(void)context;
	counting(signal);
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
}

static void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	NEED(sigaction(signal, &action, NULL) == 0);
}

static void handle_info(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};

	NEED(sigaction(signal, &action, NULL) == 0);
}

static void print_order(void)
{
	printf("  order:");
	for (int i = 0; i < ordered; i++)
		printf(" %d", order[i]);
	printf("\n");
	ordered = 0;
}

/*
 * The time that the program may need to get into the call that a single signal is to interrupt. It
 * is at most a fraction of what that call waits for.
 */
static long once(long us)
{
	return us * (check_slower() < 10 ? check_slower() : 10);
}

static void set_timer(long first_us, long interval_us)
{
	struct itimerval value = {.it_value.tv_usec = interval_us ? first_us : once(first_us),
				  .it_interval.tv_usec = interval_us};

	NEED(setitimer(ITIMER_REAL, &value, NULL) == 0);
}

CASE(actions)
{
	struct sigaction action, old;

	SHOW(sigaction(SIGUSR1, NULL, &old));
	CHECK(old.sa_handler == SIG_DFL);
	memset(&action, 0, sizeof(action));
	action.sa_handler = counting;
	action.sa_flags = SA_RESTART | SA_NODEFER;
	sigaddset(&action.sa_mask, SIGUSR2);
	SHOW(sigaction(SIGUSR1, &action, NULL));
	SHOW(sigaction(SIGUSR1, NULL, &old));
	CHECK(old.sa_handler == counting && sigismember(&old.sa_mask, SIGUSR2) == 1 &&
	      sigismember(&old.sa_mask, SIGUSR1) == 0);
	CHECK((old.sa_flags & ~0x04000000) == (SA_RESTART | SA_NODEFER));
	SHOW(sigaction(SIGKILL, &action, NULL));
	SHOW(sigaction(SIGSTOP, &action, NULL));
	SHOW(sigaction(0, &action, NULL));
	SHOW(sigaction(65, &action, NULL));
	SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	SHOW(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8));
	action.sa_flags = SA_RESETHAND;
	SHOW(sigaction(SIGUSR1, &action, NULL));
	SHOW(raise(SIGUSR1));
	SHOW(sigaction(SIGUSR1, NULL, &old));
	CHECK(old.sa_handler == SIG_DFL);
	SHOW(count);
}

CASE(masks)
{
	sigset_t set, old, pending;

	handle(SIGUSR1, counting, 0);
	handle(SIGUSR2, counting, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGKILL);
	SHOW(sigprocmask(SIG_BLOCK, &set, &old));
	SHOW(sigismember(&old, SIGUSR1));
	count = 0;
	SHOW(raise(SIGUSR1));
	SHOW(raise(SIGUSR1));
	SHOW(raise(SIGUSR2));
	SHOW(count);
	SHOW(sigpending(&pending));
	SHOW(sigismember(&pending, SIGUSR1));
	SHOW(sigismember(&pending, SIGUSR2));
	SHOW(sigprocmask(SIG_UNBLOCK, &set, &old));
	SHOW(sigismember(&old, SIGKILL));
	SHOW(count);
	SHOW(last == SIGUSR1);
	SHOW(sigprocmask(99, &set, NULL));
	SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8));
	/* A signal that is blocked and ignored is not kept. */
	SHOW(sigprocmask(SIG_BLOCK, &set, NULL));
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	SHOW(sigpending(&pending));
	SHOW(sigismember(&pending, SIGUSR1));
	handle(SIGUSR1, counting, 0);
	SHOW(sigprocmask(SIG_UNBLOCK, &set, NULL));
	SHOW(count);
}

static void masked_inside(int signal)
{
	sigset_t now;

	counting(signal);
	sigprocmask(SIG_SETMASK, NULL, &now);
	printf("  in the handler: SIGUSR1 %d, SIGUSR2 %d, SIGHUP %d\n", sigismember(&now, SIGUSR1),
	       sigismember(&now, SIGUSR2), sigismember(&now, SIGHUP));
	if (count == 1) {
		raise(SIGUSR1); /* It waits until the handler returns. */
		raise(SIGUSR2);
		SHOW(count);
	}
}

CASE(mask_of_a_handler)
{
	struct sigaction action = {.sa_handler = masked_inside};
	sigset_t now;

	sigaddset(&action.sa_mask, SIGUSR2);
	NEED(sigaction(SIGUSR1, &action, NULL) == 0);
	handle(SIGUSR2, counting, 0);
	count = 0;
	raise(SIGUSR1);
	SHOW(count);
	sigprocmask(SIG_SETMASK, NULL, &now);
	SHOW(sigismember(&now, SIGUSR1) + sigismember(&now, SIGUSR2));
}

static void recursive(int signal)
{
	if (++count < 5)
		raise(signal);
	printf("  level\n");
}

CASE(nested)
{
	handle(SIGUSR1, recursive, SA_NODEFER);
	count = 0;
	raise(SIGUSR1);
	SHOW(count);
}

CASE(queued_real_time)
{
	sigset_t set;

	handle_info(SIGRTMIN + 1, informed, 0);
	handle_info(SIGRTMIN, informed, 0);
	handle_info(SIGUSR2, informed, 0);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++)
		SHOW(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 100 + i}));
	SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 7}));
	SHOW(kill(getpid(), SIGUSR2));
	SHOW(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 8})); /* not queued twice */
	count = ordered = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	SHOW(count);
	print_order();
	SHOW(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = -5}));
	SHOW(last_value);
	CHECK(last_code == SI_QUEUE);
	SHOW(kill(getpid(), SIGRTMIN));
	CHECK(last_code == SI_USER);
	SHOW(raise(SIGRTMIN));
	CHECK(last_code == SI_TKILL);
	SHOW(kill(getpid(), 0));
	SHOW(kill(getpid(), 65));
	SHOW(kill(getpid(), -1));
	SHOW(syscall(SYS_tgkill, getpid(), gettid(), SIGRTMIN));
	SHOW(syscall(SYS_tgkill, getpid(), -1, SIGRTMIN));
	SHOW(syscall(SYS_tkill, gettid(), SIGRTMIN));
}

CASE(waiting_for_signals)
{
	sigset_t set;
	siginfo_t info;
	int signal;
	struct timespec short_time = {0, 10000000}, none = {0, 0};

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	SHOW(sigtimedwait(&set, &info, &none));
	SHOW(sigtimedwait(&set, &info, &short_time));
	raise(SIGUSR1);
	SHOW(sigwaitinfo(&set, &info));
	CHECK(info.si_signo == SIGUSR1 && (info.si_code == SI_USER || info.si_code == SI_TKILL) &&
	      info.si_pid == getpid());
	sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 33});
	CHECK(sigwait(&set, &signal) == 0 && signal == SIGRTMIN + 2);
	/* A timer wakes it; another handler interrupts it. */
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	set_timer(20000, 0);
	SHOW(sigwaitinfo(&set, &info));
	sigdelset(&set, SIGALRM);
	handle(SIGALRM, counting, SA_RESTART);
	sigset_t alarm_only;
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
	set_timer(20000, 0);
	/* Not sigwaitinfo: musl calls again. */
	SHOW(syscall(SYS_rt_sigtimedwait, &set, &info, NULL, 8));
	/* sigsuspend lets the signal in and restores the mask. */
	sigprocmask(SIG_BLOCK, &alarm_only, NULL);
	set_timer(20000, 0);
	sigemptyset(&set);
	count = 0;
	SHOW(sigsuspend(&set));
	SHOW(count);
	sigprocmask(SIG_BLOCK, NULL, &set);
	SHOW(sigismember(&set, SIGALRM));
	sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
	set_timer(20000, 0);
	SHOW(pause());
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static long disarm(long result)
{
	int err = errno;

	set_timer(0, 0);
	errno = err;
	return result;
}

/*
 * A handler interrupts the call every 50 ms until the call returns: on a busy machine the first
 * signal may come before the call begins.
 */
#define SHOW_HIT(call) (set_timer(50000, 50000), errno = 0, check_show(#call, disarm((long)(call))))

/* What does each blocking call return when a handler interrupts it? */
static void interrupt_calls(int flags)
{
	int p[2], wait_ms = 2000 * (int)check_slower();
	char c;
	struct pollfd fd;
	struct timeval long_timeval = {wait_ms / 1000, 0};
	struct timespec long_time = {wait_ms / 1000, 0}, rest = {0, 0};
	fd_set set;

	NEED(pipe(p) == 0);
	fd = (struct pollfd){.fd = p[0], .events = POLLIN};
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	handle(SIGALRM, counting, flags);
	count = 0;
	SHOW_HIT(poll(&fd, 1, wait_ms));
	SHOW_HIT(select(p[0] + 1, &set, NULL, NULL, &long_timeval));
	SHOW_HIT(nanosleep(&long_time, &rest));
	CHECK(rest.tv_sec < long_time.tv_sec && (rest.tv_sec || rest.tv_nsec));
	SHOW_HIT(clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, &rest));
	if (!(flags & SA_RESTART))
		SHOW_HIT(read(p[0], &c, 1));
	CHECK(count >= 4);
	close(p[0]);
	close(p[1]);
}

CASE(interrupted_calls)
{
	interrupt_calls(0);
}

CASE(interrupted_calls_with_restart)
{
	interrupt_calls(SA_RESTART);
}

static int restart_pipe[2];

static void third_writes(int signal)
{
	counting(signal);
	if (count == 3)
		NEED(write(restart_pipe[1], "x", 1) == 1);
}

CASE(restarted_read)
{
	char c = 0;

	NEED(pipe(restart_pipe) == 0);
	handle(SIGALRM, third_writes, SA_RESTART);
	count = 0;
	set_timer(10000, 10000);
	SHOW(read(restart_pipe[0], &c, 1));
	set_timer(0, 0);
	CHECK(count >= 3 && c == 'x');
	close(restart_pipe[0]);
	close(restart_pipe[1]);
}

/* A call that need not wait is not interrupted, however many signals come. */
CASE(calls_that_need_not_wait)
{
	int p[2], s[2], failures = 0, opens = 0, fd;
	char c;

	NEED(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	int from = open("from", O_RDWR | O_CREAT, 0600);
	NEED(from >= 0 && write(from, "0123456789", 10) == 10);
	handle(SIGALRM, counting, 0);
	count = 0;
	set_timer(2000, 2000);
	for (int i = 0; i < 1000 || count < 100; i++) {
		failures += write(p[1], "x", 1) != 1;
		failures += read(p[0], &c, 1) != 1;
		failures += send(s[1], "x", 1, 0) != 1;
		failures += recv(s[0], &c, 1, 0) != 1;
		opens += (fd = open("from", O_RDONLY)) < 0;
		opens += flock(fd, LOCK_EX) != 0;
		opens += fsync(fd) != 0;
		opens += close(fd) != 0;
	}
	set_timer(0, 0);
	SHOW(failures);
	SHOW(opens);
	close(from);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(s[i]);
	}
}

CASE(timers)
{
	struct itimerval value;
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGRTMIN + 3,
				 .sigev_value.sival_int = 77};
	struct itimerspec spec = {.it_value.tv_nsec = once(10000) * 1000}, left;

	handle(SIGALRM, counting, 0);
	SHOW(alarm(100));
	SHOW(alarm(0) >= 99);
	count = 0;
	set_timer(5000, 5000);
	while (count < 5)
		pause();
	SHOW(getitimer(ITIMER_REAL, &value));
	CHECK(value.it_interval.tv_usec == 5000 && value.it_value.tv_usec <= 5000);
	set_timer(0, 0);
	SHOW(getitimer(ITIMER_REAL, &value));
	CHECK(value.it_value.tv_usec == 0 && value.it_interval.tv_usec == 0);
	SHOW(setitimer(99, &value, NULL));
	value.it_value.tv_usec = 2000000;
	SHOW(setitimer(ITIMER_REAL, &value, NULL));
	/* A busy program is interrupted too. */
	count = 0;
	set_timer(10000, 0);
	while (count == 0)
		;
	SHOW(count);
	handle_info(SIGRTMIN + 3, informed, 0);
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	SHOW(timer_settime(timer, 0, &spec, NULL));
	SHOW(pause());
	SHOW(last_value);
	CHECK(last_code == SI_TIMER);
	SHOW(timer_gettime(timer, &left));
	CHECK(left.it_value.tv_nsec == 0);
	SHOW(timer_getoverrun(timer));
	SHOW(timer_delete(timer));
	SHOW(timer_delete(timer));
	SHOW(timer_create(9999, &event, &timer));
}

static bool about(long n, long least)
{
	return n >= least && n < 100 * least * (long)check_slower();
}

/* Signals of timers that nobody takes: each timer has one signal pending, and counts the rest. */
CASE(timers_whose_signal_waits)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct itimerspec every = {{0, 2000000}, {0, 2000000}};
	struct timespec none = {0, 0};
	sigset_t set, before;
	timer_t a, b;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	NEED(sigprocmask(SIG_BLOCK, &set, &before) == 0);
	NEED(timer_create(CLOCK_MONOTONIC, &e, &a) == 0);
	NEED(timer_create(CLOCK_MONOTONIC, &e, &b) == 0);
	NEED(kill(getpid(), SIGALRM) == 0);
	NEED(timer_settime(a, 0, &every, NULL) == 0 && timer_settime(b, 0, &every, NULL) == 0);
	settle(40000);
	SHOW(sigtimedwait(&set, &si, &none));
	CHECK(si.si_code == SI_USER);
	for (int i = 0; i < 2; i++) {
		SHOW(sigtimedwait(&set, &si, &none));
		CHECK(si.si_code == SI_TIMER && about(si.si_overrun, 10));
	}
	timer_delete(a);
	timer_delete(b);
	sigtimedwait(&set, &si, &none);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* A signal that a timer has sent is discarded when the timer is set or deleted. */
CASE(timers_that_are_set_again)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct itimerspec once = {{0, 0}, {0, 1000000}}, off = {{0, 0}, {0, 0}};
	struct timespec none = {0, 0};
	sigset_t set, before;
	siginfo_t si;
	timer_t a;

	/* In older kernels the signal stayed pending. */
	if (!check_kernel(6, 13))
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	NEED(sigprocmask(SIG_BLOCK, &set, &before) == 0);
	NEED(timer_create(CLOCK_MONOTONIC, &e, &a) == 0);
	NEED(timer_settime(a, 0, &once, NULL) == 0);
	settle(20000);
	NEED(timer_settime(a, 0, &off, NULL) == 0);
	SHOW(sigtimedwait(&set, &si, &none));
	NEED(timer_settime(a, 0, &once, NULL) == 0);
	settle(20000);
	NEED(timer_delete(a) == 0);
	SHOW(sigtimedwait(&set, &si, &none));
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* A signal that is ignored does not end a wait for it, unless it is blocked, too. */
CASE(waiting_for_what_is_ignored)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, was;
	struct timespec brief = {0, 50000000};
	sigset_t set, before;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	NEED(sigaction(SIGUSR1, &ignore, &was) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		usleep(10000);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	SHOW(sigtimedwait(&set, NULL, &brief));
	waitpid(pid, NULL, 0);
	NEED(sigprocmask(SIG_BLOCK, &set, &before) == 0);
	raise(SIGUSR1);
	SHOW(sigtimedwait(&set, NULL, &brief));
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGUSR1, &was, NULL);
}

CASE(cpu_timers)
{
	struct itimerval value = {.it_value.tv_usec = 20000};

	handle(SIGVTALRM, counting, 0);
	handle(SIGPROF, counting, 0);
	count = 0;
	NEED(setitimer(ITIMER_VIRTUAL, &value, NULL) == 0);
	while (count == 0)
		;
	SHOW(last == SIGVTALRM);
	NEED(setitimer(ITIMER_PROF, &value, NULL) == 0);
	while (count == 1)
		;
	SHOW(last == SIGPROF);
}

static char *alternate;
static size_t alternate_size;

static void on_other_stack(int signal)
{
	char here;
	stack_t now;

	counting(signal);
	CHECK(&here >= alternate && &here < alternate + alternate_size);
	SHOW(sigaltstack(NULL, &now));
	CHECK(now.ss_flags == SS_ONSTACK);
	now.ss_flags = SS_DISABLE;
	SHOW(sigaltstack(&now, NULL)); /* not while it is in use */
}

CASE(alternate_stack)
{
	stack_t stack, old;

	alternate_size = 64 << 10;
	alternate = malloc(alternate_size);
	SHOW(sigaltstack(NULL, &old));
	CHECK(old.ss_flags == SS_DISABLE);
	stack = (stack_t){.ss_sp = alternate, .ss_size = 100};
	SHOW(sigaltstack(&stack, NULL));
	stack.ss_size = alternate_size;
	stack.ss_flags = 0x99;
	SHOW(sigaltstack(&stack, NULL));
	stack.ss_flags = 0;
	SHOW(sigaltstack(&stack, NULL));
	handle(SIGUSR1, on_other_stack, SA_ONSTACK);
	count = 0;
	raise(SIGUSR1);
	SHOW(count);
	SHOW(sigaltstack(NULL, &old));
	CHECK(old.ss_sp == alternate && old.ss_size == alternate_size && old.ss_flags == 0);
	stack.ss_flags = SS_DISABLE;
	SHOW(sigaltstack(&stack, NULL));
	free(alternate);
}

static sigjmp_buf out_of_overflow;

static void on_overflow(int signal, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	counting(signal);
	last_code = info->si_code;
	CHECK(&here >= alternate && &here < alternate + alternate_size);
	siglongjmp(out_of_overflow, 1);
}

/* Never set, but the compiler cannot know that. */
static volatile int zero;

static int overflow(volatile char *above)
{
	volatile char frame[4096];

	frame[0] = *above;
	if (zero)
		return 0;
	return overflow(frame) + frame[0];
}

CASE(stack_overflow_is_handled)
{
	struct rlimit limit = {1 << 20, RLIM_INFINITY};
	char c = 0;

	getrlimit(RLIMIT_STACK, &limit);
	limit.rlim_cur = 2 << 20;
	SHOW(setrlimit(RLIMIT_STACK, &limit));
	alternate_size = 64 << 10;
	alternate = malloc(alternate_size);
	SHOW(sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = alternate_size}, NULL));
	handle_info(SIGSEGV, on_overflow, SA_ONSTACK);
	count = 0;
	for (int i = 0; i < 3; i++)
		if (sigsetjmp(out_of_overflow, 1) == 0)
			overflow(&c);
	SHOW(count);
	CHECK(last_code == SEGV_MAPERR);
	signal(SIGSEGV, SIG_DFL);
}

static void change_registers(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	counting(signal);
	uc->uc_mcontext.gregs[REG_R12] = 0x1234;
	uc->uc_mcontext.gregs[REG_RIP] += 2; /* skip the ud2 */
}

CASE(registers_in_the_frame)
{
	long r12 = 1, rbx = 0x5555;

	handle_info(SIGILL, change_registers, 0);
	__asm__ volatile("movq $0x77, %%r12; movq $0x99, %%rbx; ud2"
			 : "=&r"(r12)
			 :
			 : "r12", "rbx", "memory");
	__asm__ volatile(
		"movq $0x77, %%r12; movq $0x5555, %%rbx; ud2; movq %%r12, %0; movq %%rbx, %1"
		: "=r"(r12), "=r"(rbx)
		:
		: "r12", "rbx", "memory");
	CHECK(r12 == 0x1234);
	CHECK(rbx == 0x5555);
	signal(SIGILL, SIG_DFL);
}

static void disturb_vectors(int signal)
{
	counting(signal);
	for (volatile int i = 0; i < 3; i++) {
		__asm__ volatile(
			"pxor %%xmm0, %%xmm0; pxor %%xmm7, %%xmm7; pcmpeqd %%xmm15, %%xmm15;"
			"fninit; fldpi"
			:
			:
			: "xmm0", "xmm7", "xmm15");
		__builtin_ia32_ldmxcsr(0x1f80 | 0x6000);
	}
}

CASE(vector_registers_survive)
{
	double one[2] = {1.5, 2.5}, seven[2] = {7.5, 8.5}, fifteen[2] = {15.5, 16.5};
	double out[6];
	unsigned int mxcsr;

	handle(SIGUSR1, disturb_vectors, 0);
	__asm__ volatile("movupd %6, %%xmm0; movupd %7, %%xmm7; movupd %8, %%xmm15;"
			 "syscall;"
			 "movupd %%xmm0, %0; movupd %%xmm7, %2; movupd %%xmm15, %4"
			 : "=m"(*(double(*)[2])out), "=m"(out[1]), "=m"(*(double(*)[2])(out + 2)),
			   "=m"(out[3]), "=m"(*(double(*)[2])(out + 4)), "=m"(out[5])
			 : "m"(one), "m"(seven), "m"(fifteen), "a"(SYS_kill), "D"(getpid()),
			   "S"(SIGUSR1)
			 : "rcx", "r11", "xmm0", "xmm7", "xmm15", "memory");
	CHECK(out[0] == 1.5 && out[1] == 2.5 && out[2] == 7.5 && out[3] == 8.5 && out[4] == 15.5 &&
	      out[5] == 16.5);
	mxcsr = __builtin_ia32_stmxcsr();
	CHECK((mxcsr & 0x6000) == 0);
}

__attribute__((target("avx"))) static void disturb_wide(int signal)
{
	counting(signal);
	_mm256_zeroall();
}

__attribute__((target("avx"))) static void keep_wide(void)
{
	double in[4] = {1, 2, 3, 4}, out[4] = {0};

	__asm__ volatile("vmovupd %1, %%ymm3; syscall; vmovupd %%ymm3, %0"
			 : "=m"(out)
			 : "m"(in), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
			 : "rcx", "r11", "xmm3", "memory");
	CHECK(memcmp(in, out, sizeof(in)) == 0);
}

CASE(wide_vector_registers_survive)
{
	if (!__builtin_cpu_supports("avx")) {
		printf("  no AVX here\n");
		return;
	}
	handle(SIGUSR1, disturb_wide, 0);
	keep_wide();
}

static void changes_xmm(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	counting(signal);
	memset(&uc->uc_mcontext.fpregs->_xmm[5], 0x5a, 16);
}

CASE(vector_registers_in_the_frame)
{
	unsigned char out[16];

	handle_info(SIGUSR1, changes_xmm, 0);
	__asm__ volatile("pxor %%xmm5, %%xmm5; syscall; movdqu %%xmm5, %0"
			 : "=m"(out)
			 : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
			 : "rcx", "r11", "xmm5", "memory");
	CHECK(out[0] == 0x5a && out[15] == 0x5a);
}

static volatile long fault_trap, fault_error, fault_cr2;
static siginfo_t fault_info;
static sigjmp_buf out_of_fault;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	fault_info = *info;
	fault_trap = uc->uc_mcontext.gregs[REG_TRAPNO];
	/* The kernel decides whether the page was there: it maps lazily. */
	fault_error = uc->uc_mcontext.gregs[REG_ERR];
	if (fault_trap == 14)
		fault_error &= ~1;
	fault_cr2 = uc->uc_mcontext.gregs[REG_CR2];
	siglongjmp(out_of_fault, signal);
}

#define FAULT(code)                                                                                \
	do {                                                                                       \
		int signal_ = sigsetjmp(out_of_fault, 1);                                          \
		if (signal_ == 0) {                                                                \
			code;                                                                      \
			printf("  %s: no fault\n", #code);                                         \
		} else {                                                                           \
			printf("  %s: %s, trap %ld, error %ld\n", #code,                           \
			       probe_signal_name(signal_, fault_info.si_code), fault_trap,         \
			       fault_error);                                                       \
		}                                                                                  \
	} while (0)

CASE(faults)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		handle_info(signals[i], on_fault, 0);
	FAULT(*(volatile char *)0x1234 = 1);
	CHECK((long)fault_info.si_addr == 0x1234 && fault_cr2 == 0x1234);
	FAULT((void)*(volatile char *)0x1234);
	FAULT(*(volatile char *)page = 1);
	CHECK(fault_info.si_addr == page);
	FAULT(((void (*)(void))(uintptr_t)page)());
	FAULT((void)*(volatile char *)0x8000000000000000);
	CHECK(fault_info.si_addr == NULL);
	FAULT((void)*(volatile char *)0xffff800000000000);
	FAULT(zero = 10 / zero);
	FAULT(__asm__ volatile("ud2"));
	FAULT(__asm__ volatile("int3"));
	FAULT(__asm__ volatile("hlt"));
	FAULT(__asm__ volatile("cli"));
	FAULT(__asm__ volatile("outb %%al, $0x80" : : "a"(0)));
	FAULT(__asm__ volatile("movq %%cr0, %%rax" : : : "rax"));
	FAULT(__asm__ volatile("lgdt (%rsp)"));
	FAULT(__asm__ volatile("wrmsr" : : "a"(0), "c"(0), "d"(0)));
	FAULT(__asm__ volatile("int $0x20"));
	FAULT(__asm__ volatile("movaps (%0), %%xmm0" : : "r"(page + 1) : "xmm0"));
	FAULT(__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" : : : "memory"));
	FAULT(_mm_setcsr(0x1f00); zero = (int)(1.0 / (double)zero); _mm_setcsr(0x1f80));
	_mm_setcsr(0x1f80);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	munmap(page, 4096);
}

CASE(many_faults_in_a_row)
{
	static unsigned int sum;
	char *none = mmap(NULL, 2000 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	handle_info(SIGSEGV, on_fault, 0);
	for (volatile int i = 0; i < 2000; i++)
		if (sigsetjmp(out_of_fault, 1) == 0)
			*(volatile char *)(none + i * 4096L) = 1;
		else
			sum += ((char *)fault_info.si_addr - none) / 4096;
	SHOW(sum);
	signal(SIGSEGV, SIG_DFL);
}

CASE(ignored_and_default)
{
	signal(SIGUSR1, SIG_IGN);
	SHOW(raise(SIGUSR1));
	signal(SIGCHLD, SIG_DFL);
	SHOW(raise(SIGCHLD));
	SHOW(raise(SIGWINCH));
	SHOW(raise(SIGURG));
	SHOW(raise(SIGCONT));
	signal(SIGPIPE, SIG_IGN);
	int p[2];
	NEED(pipe(p) == 0);
	close(p[0]);
	SHOW(write(p[1], "x", 1));
	handle(SIGPIPE, counting, 0);
	count = 0;
	SHOW(write(p[1], "x", 1));
	SHOW(count);
	close(p[1]);
}

LONE_CASE(die_by_term)
{
	raise(SIGTERM);
}

LONE_CASE(die_by_kill)
{
	kill(getpid(), SIGKILL);
}

LONE_CASE(die_by_abort)
{
	abort();
}

LONE_CASE(die_by_alarm)
{
	set_timer(20000, 0);
	for (;;)
		pause();
}

LONE_CASE(die_by_alarm_while_busy)
{
	set_timer(20000, 0);
	for (;;)
		(void)zero;
}

LONE_CASE(die_by_pipe)
{
	int p[2];

	NEED(pipe(p) == 0);
	close(p[0]);
	(void)!write(p[1], "x", 1);
}

LONE_CASE(die_by_real_time)
{
	raise(SIGRTMIN + 5);
}

LONE_CASE(die_by_division)
{
	zero = 10 / zero;
}

LONE_CASE(die_by_illegal_instruction)
{
	__builtin_trap();
}

LONE_CASE(die_by_breakpoint)
{
	__asm__ volatile("int3");
}

LONE_CASE(die_by_privileged_instruction)
{
	__asm__ volatile("hlt");
}

LONE_CASE(die_by_null)
{
	*(volatile int *)NULL = 1;
}

LONE_CASE(die_by_stack_overflow)
{
	char c = 0;

	overflow(&c);
}

/* A blocked synchronous fault cannot wait: the program dies. */
LONE_CASE(die_by_blocked_fault)
{
	sigset_t all;

	handle_info(SIGSEGV, on_fault, 0);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	*(volatile int *)NULL = 1;
}

/* There is no room for the handler's frame. */
LONE_CASE(die_by_bad_stack)
{
	handle(SIGUSR1, counting, 0);
	__asm__ volatile("movq $0x1000, %%rsp; syscall; ud2"
			 :
			 : "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
			 : "memory");
}

LONE_CASE(die_in_handler)
{
	handle(SIGSEGV, (void (*)(int))(uintptr_t)8, 0);
	*(volatile int *)NULL = 1;
}

LONE_CASE(bad_sigreturn)
{
	__asm__ volatile("movq $0x10, %%rsp; syscall" : : "a"(SYS_rt_sigreturn) : "memory");
}

LONE_CASE(exit_status_300)
{
	exit(300);
}

LONE_CASE(exit_negative)
{
	_exit(-1);
}
