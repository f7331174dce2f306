// SPDX-License-Identifier: MIT
/*
 * Threads: making, joining and ending them in every order; what they share and what is their own; C
 * library locks under load; memory that is unmapped and protected while other threads use it.
 */
#include "check.h"
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	NEED(!(errno = pthread_create(&t, NULL, fn, arg)));
	return t;
}

static void *join(pthread_t t)
{
	void *result;

	NEED(!(errno = pthread_join(t, &result)));
	return result;
}

static void nap_ms(long ms)
{
	settle((unsigned)ms * 1000);
}

static void *twice(void *arg)
{
	return (void *)((long)arg * 2);
}

CASE(create_and_join)
{
	CHECK((long)join(start(twice, (void *)21)) == 42);
}

static _Atomic int arrived, released;

static void *wait_for_all(void *arg)
{
	arrived++;
	while (!released)
		syscall(SYS_futex, &released, FUTEX_WAIT_PRIVATE, 0, NULL);
	return arg;
}

static void let_go(void)
{
	released = 1;
	syscall(SYS_futex, &released, FUTEX_WAKE_PRIVATE, INT_MAX);
}

/* Small stacks, because the case is about the number of threads. */
static bool start_many(pthread_t *t, long n)
{
	pthread_attr_t attr;
	bool ok = true;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	arrived = released = 0;
	for (long i = 0; i < n && ok; i++)
		ok = pthread_create(&t[i], &attr, wait_for_all, (void *)i) == 0;
	pthread_attr_destroy(&attr);
	return ok;
}

CASE(five_hundred_at_once)
{
	static pthread_t t[500];
	bool right = true;

	NEED(start_many(t, 500));
	while (arrived < 500)
		nap_ms(1);
	let_go();
	for (long i = 0; i < 500; i++)
		right &= (long)join(t[i]) == i;
	CHECK(right);
}

static void join_in_turn(int n)
{
	bool right = true;

	for (long i = 0; i < n; i++)
		right &= (long)join(start(twice, (void *)i)) == 2 * i;
	CHECK(right);
}

CASE(one_after_another)
{
	join_in_turn(300);
}

LONE_CASE(ten_thousand_in_turn)
{
	join_in_turn(10000);
}

static _Atomic long detached_ran;

static void *count_and_go(void *arg)
{
	(void)arg;
	detached_ran++;
	return NULL;
}

CASE(detached)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 50; i++)
		NEED(pthread_create(&t, &attr, count_and_go, NULL) == 0);
	while (detached_ran < 50)
		nap_ms(1);
	CHECK(detached_ran == 50);
	pthread_attr_destroy(&attr);
}

/* -- Identity ------------------------------------------------------------------------------ */

static __thread int local = 7;
static pid_t tids[16];

static void *identity(void *arg)
{
	long i = (long)arg;

	tids[i] = gettid();
	local += i;
	nap_ms(1);
	return (void *)(long)(getpid() == getppid() || local != 7 + i || gettid() == getpid());
}

CASE(numbers_and_local_storage)
{
	pthread_t t[16];
	long wrong = 0, same = 0;

	for (long i = 0; i < 16; i++)
		t[i] = start(identity, (void *)i);
	for (int i = 0; i < 16; i++)
		wrong += (long)join(t[i]);
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < i; j++)
			same += tids[i] == tids[j];
	CHECK(wrong == 0);
	CHECK(same == 0);
	CHECK(local == 7);
	SHOW(tgkill(getpid(), tids[0], 0));
}

static void *name_myself(void *arg)
{
	char name[16], file[32] = {0};
	int fd;

	(void)arg;
	prctl(PR_GET_NAME, name);
	printf("  inherited: %s\n", strcmp(name, "main thread") ? "no" : "yes");
	prctl(PR_SET_NAME, "a thread of mine");
	prctl(PR_GET_NAME, name);
	printf("  own: %s\n", name);
	fd = open("/proc/thread-self/comm", O_RDONLY);
	NEED(fd >= 0 && read(fd, file, sizeof(file) - 1) > 0);
	close(fd);
	printf("  /proc: %s", file);
	return NULL;
}

static atomic_int tid_of_other, other_may_end;

static void *waits_to_end(void *unused)
{
	tid_of_other = gettid();
	while (!other_may_end)
		usleep(1000);
	return unused;
}

/* Calls about processes take the id of any thread, except for some that want the leader's. */
CASE(numbers_of_threads_stand_for_the_process)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	sigset_t set, before;
	pthread_t thread;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	NEED(sigprocmask(SIG_BLOCK, &set, &before) == 0);
	tid_of_other = other_may_end = 0;
	NEED(pthread_create(&thread, NULL, waits_to_end, NULL) == 0);
	while (!tid_of_other)
		usleep(1000);
	CHECK(tid_of_other != getpid());
	SHOW(kill(tid_of_other, 0));
	SHOW(kill(tid_of_other, SIGUSR1));
	/* The signal is for the whole process: the leader can take it. */
	SHOW(sigwaitinfo(&set, NULL));
	SHOW(syscall(SYS_rt_sigqueueinfo, tid_of_other, SIGUSR1, &info));
	SHOW(sigwaitinfo(&set, NULL));
	CHECK(getpgid(tid_of_other) == getpgid(0));
	CHECK(getsid(tid_of_other) == getsid(0));
	SHOW(setpgid(tid_of_other, 0));
	other_may_end = 1;
	pthread_join(thread, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

#define FD_OF_THREAD   O_EXCL /* PIDFD_THREAD */
#define SIGNAL_THREAD  1      /* PIDFD_SIGNAL_* */
#define SIGNAL_PROCESS 2

static _Thread_local sig_atomic_t is_other;
static atomic_int by_other, by_main;

static void notes_thread(int sig)
{
	(void)sig;
	is_other ? by_other++ : by_main++;
}

static void *waits_as_other(void *unused)
{
	is_other = 1;
	return waits_to_end(unused);
}

CASE(descriptors_of_threads)
{
	struct sigaction sa = {.sa_handler = notes_thread}, was;
	struct pollfd p = {.events = POLLIN};
	pthread_t thread;
	int fd, whole;

	if (!check_kernel(6, 9))
		return;
	tid_of_other = other_may_end = by_other = by_main = 0;
	NEED(sigaction(SIGUSR1, &sa, &was) == 0);
	NEED(pthread_create(&thread, NULL, waits_as_other, NULL) == 0);
	while (!tid_of_other)
		usleep(1000);
	if (check_kernel(6, 18)) /* Linux 6.12 says EINVAL */
		SHOW(syscall(SYS_pidfd_open, tid_of_other, 0));
	SHOW_OK(p.fd = fd = (int)syscall(SYS_pidfd_open, tid_of_other, FD_OF_THREAD));
	SHOW_OK(whole = (int)syscall(SYS_pidfd_open, getpid(), 0));
	SHOW(syscall(SYS_pidfd_open, 0x3ffffff0, FD_OF_THREAD));
	SHOW(poll(&p, 1, 0));
	SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 3));
	SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 8));
	SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
	for (int i = 0; i < 1000 && !by_other; i++)
		settle(5000);
	CHECK(by_other == 1 && by_main == 0);
	SHOW(syscall(SYS_pidfd_send_signal, whole, SIGUSR1, NULL, SIGNAL_THREAD));
	for (int i = 0; i < 1000 && !by_main; i++)
		settle(5000);
	CHECK(by_other == 1 && by_main == 1);
	SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, SIGNAL_PROCESS));
	other_may_end = 1;
	pthread_join(thread, NULL);
	SHOW(poll(&p, 1, -1));
	SHOW(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
	close(fd);
	close(whole);
	sigaction(SIGUSR1, &was, NULL);
}

static void *forks_and_waits(void *unused)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	tid_of_other = pid;
	while (!other_may_end)
		usleep(1000);
	NEED(waitpid(pid, NULL, __WNOTHREAD) == pid);
	return unused;
}

CASE(children_of_one_thread)
{
	pthread_t thread;
	siginfo_t info;

	tid_of_other = other_may_end = 0;
	fflush(stdout);
	NEED(pthread_create(&thread, NULL, forks_and_waits, NULL) == 0);
	while (!tid_of_other)
		usleep(1000);
	SHOW(waitpid(tid_of_other, NULL, __WNOTHREAD));
	SHOW(waitid(P_PID, (id_t)tid_of_other, &info, WEXITED | WNOWAIT));
	other_may_end = 1;
	pthread_join(thread, NULL);
}

static char letter_of(pid_t pid)
{
	char path[64], text[400] = "", *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	NEED(f && fgets(text, sizeof(text), f));
	fclose(f);
	end = strrchr(text, ')');
	NEED(end);
	return end[2];
}

static char settled_letter(pid_t pid, char wanted)
{
	for (int i = 0; i < 500 && letter_of(pid) != wanted; i++)
		settle(5000);
	return letter_of(pid);
}

static void *pauses(void *unused)
{
	pause();
	return unused;
}

CASE(letters_of_states)
{
	struct stat st;
	pthread_t thread;
	pid_t pid = fork();

	NEED(pid >= 0);
	if (pid == 0)
		for (;;)
			;
	CHECK(settled_letter(pid, 'R') == 'R');
	kill(pid, SIGSTOP);
	CHECK(settled_letter(pid, 'T') == 'T');
	kill(pid, SIGKILL);
	CHECK(settled_letter(pid, 'Z') == 'Z');
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	CHECK(settled_letter(pid, 'S') == 'S');
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		pthread_create(&thread, NULL, pauses, NULL);
		pthread_exit(NULL);
	}
	CHECK(settled_letter(pid, 'Z') == 'Z');
	SHOW(waitpid(pid, NULL, WNOHANG));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	NEED(pthread_create(&thread, NULL, pauses, NULL) == 0);
	NEED(stat("/proc/self/task", &st) == 0);
	CHECK(st.st_nlink >= 4);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

CASE(names)
{
	char name[16];

	prctl(PR_SET_NAME, "main thread");
	join(start(name_myself, NULL));
	prctl(PR_GET_NAME, name);
	printf("  main: %s\n", name);
}

static sigset_t mask_seen;

static void *look_at_mask(void *arg)
{
	sigset_t all;

	(void)arg;
	pthread_sigmask(SIG_SETMASK, NULL, &mask_seen);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	return NULL;
}

CASE(signal_mask_is_inherited_and_own)
{
	sigset_t set, now;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	join(start(look_at_mask, NULL));
	CHECK(sigismember(&mask_seen, SIGUSR2) == 1 && sigismember(&mask_seen, SIGUSR1) == 0);
	pthread_sigmask(SIG_UNBLOCK, &set, &now);
	CHECK(sigismember(&now, SIGUSR1) == 0);
}

#define ROUND_UP (2u << 13) /* of MXCSR: Intel SDM vol. 1, 10.2.3 */

static void *rounding(void *arg)
{
	unsigned inherited = __builtin_ia32_stmxcsr();

	(void)arg;
	__builtin_ia32_ldmxcsr(inherited & ~ROUND_UP);
	return (void *)(long)(inherited & ROUND_UP);
}

CASE(floating_point_environment)
{
	unsigned before = __builtin_ia32_stmxcsr();

	__builtin_ia32_ldmxcsr(before | ROUND_UP);
	CHECK((long)join(start(rounding, NULL)) == ROUND_UP);
	CHECK((__builtin_ia32_stmxcsr() & ROUND_UP) == ROUND_UP);
	__builtin_ia32_ldmxcsr(before);
}

static void *alternate_stack(void *arg)
{
	stack_t ss;

	(void)arg;
	sigaltstack(NULL, &ss);
	return (void *)(long)ss.ss_flags;
}

CASE(alternate_stack_is_not_inherited)
{
	static char stack[64 << 10];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	stack_t off = {.ss_flags = SS_DISABLE};

	SHOW(sigaltstack(&ss, NULL));
	CHECK((long)join(start(alternate_stack, NULL)) == SS_DISABLE);
	SHOW(sigaltstack(&off, NULL));
}

static void *change_shared_things(void *arg)
{
	(void)arg;
	NEED(chdir("/") == 0);
	umask(027);
	return (void *)(long)open("/dev/null", O_RDONLY);
}

CASE(files_directory_and_umask_are_shared)
{
	char cwd[PATH_MAX], back[PATH_MAX];
	mode_t old = umask(022);
	long fd;

	NEED(getcwd(back, sizeof(back)));
	fd = (long)join(start(change_shared_things, NULL));
	CHECK(fcntl(fd, F_GETFD) == 0);
	CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
	CHECK(umask(old) == 027);
	close(fd);
	NEED(chdir(back) == 0);
}

/* -- Locks --------------------------------------------------------------------------------- */

#define THREADS 8
#define ROUNDS	2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static long counter;

static void run_all(void *(*fn)(void *))
{
	pthread_t t[THREADS];

	counter = 0;
	for (long i = 0; i < THREADS; i++)
		t[i] = start(fn, (void *)i);
	for (int i = 0; i < THREADS; i++)
		join(t[i]);
}

static void *with_mutex(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

CASE(mutexes)
{
	run_all(with_mutex);
	CHECK(counter == THREADS * ROUNDS);
}

static void *with_rwlock(void *arg)
{
	long odd = 0;

	for (int i = 0; i < ROUNDS / 4; i++) {
		if (i % 8 == 0) {
			pthread_rwlock_wrlock(&rwlock);
			counter++;
			counter++;
			pthread_rwlock_unlock(&rwlock);
		} else {
			pthread_rwlock_rdlock(&rwlock);
			odd += counter & 1;
			pthread_rwlock_unlock(&rwlock);
		}
	}
	if (odd)
		printf("  saw half an update\n");
	return arg;
}

CASE(read_write_locks)
{
	run_all(with_rwlock);
	CHECK(counter == 2L * THREADS * ((ROUNDS / 4 + 7) / 8));
}

static void *with_barrier(void *arg)
{
	for (long i = 1; i <= 50; i++) {
		__atomic_add_fetch(&counter, 1, __ATOMIC_SEQ_CST);
		pthread_barrier_wait(&barrier);
		if (__atomic_load_n(&counter, __ATOMIC_SEQ_CST) != i * THREADS)
			printf("  passed the barrier early\n");
		pthread_barrier_wait(&barrier);
	}
	return arg;
}

CASE(barriers)
{
	pthread_barrier_init(&barrier, NULL, THREADS);
	run_all(with_barrier);
	CHECK(counter == 50 * THREADS);
	pthread_barrier_destroy(&barrier);
}

static int slots[4], filled, put_at, take_at;

static void *producer(void *arg)
{
	for (int i = 1; i <= 500; i++) {
		pthread_mutex_lock(&mutex);
		while (filled == 4)
			pthread_cond_wait(&cond, &mutex);
		slots[put_at++ % 4] = i;
		filled++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void *consumer(void *arg)
{
	long sum = 0;

	(void)arg;
	for (int i = 1; i <= 500; i++) {
		pthread_mutex_lock(&mutex);
		while (filled == 0)
			pthread_cond_wait(&cond, &mutex);
		sum += slots[take_at++ % 4];
		filled--;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return (void *)sum;
}

CASE(condition_variables)
{
	pthread_t p[3], c[3];
	long sum = 0;

	for (int i = 0; i < 3; i++) {
		p[i] = start(producer, NULL);
		c[i] = start(consumer, NULL);
	}
	for (int i = 0; i < 3; i++) {
		join(p[i]);
		sum += (long)join(c[i]);
	}
	CHECK(sum == 3 * 500 * 501 / 2);
}

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

CASE(waits_with_a_limit)
{
	struct timespec ts = in_ms(CLOCK_REALTIME, 20);

	pthread_mutex_lock(&mutex);
	CHECK(pthread_cond_timedwait(&cond, &mutex, &ts) == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
	sem_init(&semaphore, 0, 0);
	ts = in_ms(CLOCK_REALTIME, 20);
	SHOW(sem_timedwait(&semaphore, &ts));
	SHOW(sem_post(&semaphore));
	SHOW(sem_timedwait(&semaphore, &ts));
}

static void *hold_and_die(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

CASE(robust_mutex_of_a_dead_owner)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t robust;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &attr);
	join(start(hold_and_die, &robust));
	CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
	CHECK(pthread_mutex_consistent(&robust) == 0);
	CHECK(pthread_mutex_unlock(&robust) == 0);
	CHECK(pthread_mutex_lock(&robust) == 0);
	pthread_mutex_unlock(&robust);
	pthread_mutexattr_destroy(&attr);
}

static void *wait_on_counter(void *arg)
{
	(void)arg;
	arrived++;
	return (void *)syscall(SYS_futex, &counter, FUTEX_WAIT_PRIVATE, 0, NULL);
}

CASE(futex_requeue)
{
	static int other;
	pthread_t t[6];

	counter = 0;
	arrived = 0;
	for (int i = 0; i < 6; i++)
		t[i] = start(wait_on_counter, NULL);
	while (arrived < 6)
		nap_ms(1);
	nap_ms(50); /* The threads sleep now. */
	SHOW(syscall(SYS_futex, &counter, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2L, &other, 1));
	SHOW(syscall(SYS_futex, &counter, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2L, &other, 0));
	SHOW(syscall(SYS_futex, &other, FUTEX_WAKE_PRIVATE, 9));
	SHOW(syscall(SYS_futex, &counter, FUTEX_WAKE_PRIVATE, 9));
	for (int i = 0; i < 6; i++)
		join(t[i]);
}

/* -- Ending -------------------------------------------------------------------------------- */

static void *sleep_for_ever(void *arg)
{
	arrived++;
	for (;;)
		pause();
	return arg;
}

static void *spin_for_ever(void *arg)
{
	arrived++;
	for (;;)
		__asm__ volatile("pause");
	return arg;
}

static void *read_for_ever(void *arg)
{
	int fd[2];
	char c;

	NEED(pipe(fd) == 0);
	arrived++;
	while (read(fd[0], &c, 1) != 1)
		;
	return arg;
}

static void start_one_of_each(void)
{
	arrived = 0;
	start(sleep_for_ever, NULL);
	start(spin_for_ever, NULL);
	start(read_for_ever, NULL);
	while (arrived < 3)
		nap_ms(1);
}

static atomic_int named_tid, taken_by;
static atomic_bool named_may_end;

static void takes_signal(int sig)
{
	(void)sig;
	taken_by = gettid();
}

static void *is_named(void *arg)
{
	named_tid = gettid();
	if (arg) {
		sigset_t set;

		sigfillset(&set);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
	}
	while (!named_may_end)
		usleep(1000);
	return NULL;
}

static void who_takes_it(bool blocked)
{
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
	pthread_t thread;

	named_tid = 0;
	named_may_end = false;
	NEED(pthread_create(&thread, NULL, is_named, blocked ? &thread : NULL) == 0);
	while (!named_tid)
		usleep(1000);
	if (blocked)
		settle(20000);
	taken_by = 0;
	SHOW(kill(named_tid, SIGUSR1));
	while (!taken_by)
		usleep(1000);
	printf("  %s\n", taken_by == named_tid ? "the named thread" : "another one");
	taken_by = 0;
	SHOW(syscall(SYS_rt_sigqueueinfo, named_tid, SIGUSR1, &info));
	while (!taken_by)
		usleep(1000);
	printf("  %s\n", taken_by == named_tid ? "the named thread" : "another one");
	taken_by = 0;
	SHOW(kill(getpid(), SIGUSR1));
	while (!taken_by)
		usleep(1000);
	printf("  %s\n", taken_by == named_tid ? "the named thread" : "another one");
	SHOW(kill(named_tid, 0));
	named_may_end = true;
	NEED(pthread_join(thread, NULL) == 0);
}

CASE(a_signal_by_the_number_of_a_thread)
{
	NEED(signal(SIGUSR1, takes_signal) != SIG_ERR);
	who_takes_it(false);
	who_takes_it(true);
}

LONE_CASE(exit_group_ends_all)
{
	start_one_of_each();
	exit(5);
}

LONE_CASE(return_from_main_ends_all)
{
	start_one_of_each();
}

LONE_CASE(deadly_signal_ends_all)
{
	start_one_of_each();
	kill(getpid(), SIGTERM);
	for (;;)
		pause();
}

static void *fault(void *arg)
{
	*(volatile int *)arg = 1;
	return NULL;
}

LONE_CASE(fault_of_one_ends_all)
{
	start_one_of_each();
	join(start(fault, NULL));
}

static void *outlive(void *arg)
{
	(void)arg;
	nap_ms(100);
	printf("  the last one\n");
	fflush(stdout);
	return NULL;
}

LONE_CASE(main_thread_ends_first)
{
	start(outlive, NULL);
	pthread_exit(NULL);
}

static void *exit_for_all(void *arg)
{
	(void)arg;
	nap_ms(50);
	exit(6);
}

LONE_CASE(exit_after_main_thread_ended)
{
	start(exit_for_all, NULL);
	pthread_exit(NULL);
}

static void *signal_for_all(void *arg)
{
	(void)arg;
	nap_ms(50);
	kill(getpid(), SIGALRM);
	return sleep_for_ever(NULL);
}

LONE_CASE(signal_after_main_thread_ended)
{
	start(signal_for_all, NULL);
	pthread_exit(NULL);
}

static void *cancel_me(void *arg)
{
	return read_for_ever(arg);
}

CASE(cancellation)
{
	pthread_t t;

	arrived = 0;
	t = start(cancel_me, NULL);
	while (!arrived)
		nap_ms(1);
	CHECK(pthread_cancel(t) == 0);
	CHECK(join(t) == PTHREAD_CANCELED);
}

/* -- Signals ------------------------------------------------------------------------------- */

static _Atomic pid_t handled_by;
static _Atomic int handled;

static void note_thread(int sig)
{
	(void)sig;
	handled_by = gettid();
	handled++;
}

static _Atomic pid_t waiter_tid;

static void *wait_for_signal(void *arg)
{
	waiter_tid = gettid();
	while (!handled)
		settle(1000);
	return arg;
}

static void handle(int sig)
{
	struct sigaction sa = {.sa_handler = note_thread};

	handled = 0;
	handled_by = 0;
	sigaction(sig, &sa, NULL);
}

CASE(signal_to_one_thread)
{
	pthread_t t;

	handle(SIGUSR1);
	waiter_tid = 0;
	t = start(wait_for_signal, NULL);
	while (!waiter_tid)
		nap_ms(1);
	SHOW(tgkill(getpid(), waiter_tid, SIGUSR1));
	join(t);
	CHECK(handled_by == waiter_tid);
}

CASE(signal_to_the_process_goes_where_it_is_not_blocked)
{
	sigset_t set;
	pthread_t t;

	handle(SIGUSR1);
	waiter_tid = 0;
	t = start(wait_for_signal, NULL);
	while (!waiter_tid)
		nap_ms(1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	SHOW(kill(getpid(), SIGUSR1));
	join(t);
	CHECK(handled_by == waiter_tid);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *take_signal(void *arg)
{
	sigset_t set;
	int sig = 0;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	arrived = 1;
	sigwait(&set, &sig);
	return (void *)(long)sig;
}

CASE(sigwait_in_another_thread)
{
	sigset_t set;
	pthread_t t;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	arrived = 0;
	t = start(take_signal, NULL);
	while (!arrived)
		nap_ms(1);
	nap_ms(20);
	kill(getpid(), SIGUSR2);
	CHECK((long)join(t) == SIGUSR2);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *signal_storm(void *arg)
{
	for (int i = 0; i < 300; i++) {
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
		if (i % 16 == 0)
			sched_yield();
	}
	return NULL;
}

CASE(calls_go_on_under_a_signal_storm)
{
	struct sigaction sa = {.sa_handler = note_thread, .sa_flags = SA_RESTART};
	pthread_t self = pthread_self(), t;
	bool right = true;
	int fd[2];

	sigaction(SIGUSR1, &sa, NULL);
	NEED(pipe(fd) == 0);
	t = start(signal_storm, &self);
	for (int i = 0; i < 2000; i++) {
		char c = (char)i, d = 0;

		right &= write(fd[1], &c, 1) == 1 && read(fd[0], &d, 1) == 1 && c == d;
	}
	join(t);
	CHECK(right);
	close(fd[0]);
	close(fd[1]);
}

static _Atomic bool storm_over;

/* Not for ever: a fault that each signal interrupts makes no progress natively on two busy CPUs. */
static void *signal_often(void *arg)
{
	for (int i = 0; i < 20000 && !storm_over; i++)
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void *fault_often(void *arg)
{
	long wrong = 0;

	(void)arg;
	for (int i = 0; i < 400; i++) {
		char *p = mmap(NULL, 64 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		for (int n = 0; n < 64; n++)
			p[n << 12] = (char)n;
		for (int n = 0; n < 64; n++)
			wrong += p[n << 12] != n;
		munmap(p, 64 << 12);
	}
	return (void *)wrong;
}

CASE(page_faults_under_a_signal_storm)
{
	struct sigaction sa = {.sa_handler = note_thread, .sa_flags = SA_RESTART};
	pthread_t t[2], storm[2];

	sigaction(SIGUSR1, &sa, NULL);
	storm_over = false;
	for (int i = 0; i < 2; i++)
		t[i] = start(fault_often, NULL);
	for (int i = 0; i < 2; i++)
		storm[i] = start(signal_often, &t[i]);
	for (int i = 0; i < 2; i++)
		CHECK(join(t[i]) == NULL);
	storm_over = true;
	for (int i = 0; i < 2; i++)
		join(storm[i]);
}

static _Atomic long timer_ticks;

static void on_tick(int sig)
{
	(void)sig;
	timer_ticks++;
}

static void *burn(void *arg)
{
	while (timer_ticks < 20)
		for (volatile int i = 0; i < 10000; i++)
			;
	return arg;
}

static _Thread_local int own_number;
static atomic_int profiled[3], may_stop;

static void counts_profile(int sig)
{
	profiled[own_number] += sig == SIGPROF;
}

static void *uses_time(void *n)
{
	own_number = (int)(intptr_t)n;
	while (!may_stop)
		;
	return NULL;
}

/* SIGPROF goes to threads that use CPU time, not to the one that sleeps. */
CASE(profiling_signals_go_where_time_is_used)
{
	struct sigaction sa = {.sa_handler = counts_profile}, was;
	struct itimerval every = {{0, 10000}, {0, 10000}}, off = {{0, 0}, {0, 0}};
	pthread_t a, b;

	may_stop = profiled[1] = profiled[2] = 0;
	NEED(sigaction(SIGPROF, &sa, &was) == 0);
	NEED(setitimer(ITIMER_PROF, &every, NULL) == 0);
	NEED(pthread_create(&a, NULL, uses_time, (void *)1) == 0);
	NEED(pthread_create(&b, NULL, uses_time, (void *)2) == 0);
	for (int i = 0; i < 500 && (!profiled[1] || !profiled[2]); i++)
		settle(20000);
	NEED(setitimer(ITIMER_PROF, &off, NULL) == 0);
	may_stop = 1;
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	CHECK(profiled[1] > 0 && profiled[2] > 0);
	sigaction(SIGPROF, &was, NULL);
}

CASE(interval_timer_over_threads)
{
	struct sigaction sa = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
	struct itimerval it = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
	pthread_t t[3];

	timer_ticks = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	for (int i = 0; i < 3; i++)
		t[i] = start(burn, NULL);
	for (int i = 0; i < 3; i++)
		join(t[i]);
	setitimer(ITIMER_REAL, &off, NULL);
	CHECK(timer_ticks >= 20);
}

/* -- Memory -------------------------------------------------------------------------------- */

#define PAGE 4096
static _Atomic(char *) area;
static _Atomic long faults;
static _Atomic bool stop;
static __thread sigjmp_buf recover;
static __thread volatile bool recovering;

static void on_fault(int sig, siginfo_t *si, void *context)
{
	char *base = area;
	char *at = si->si_addr;

	(void)context;
	if (!recovering || at < base || at >= base + 64 * PAGE) {
		printf("  a fault elsewhere: signal %d\n", sig);
		_exit(3);
	}
	faults++;
	siglongjmp(recover, 1);
}

/*
 * A thread that reads a page sees what was last written there, or faults; it never sees another
 * page.
 */
static void *touch(void *arg)
{
	unsigned seed = (unsigned)(long)arg + 1;
	volatile long wrong = 0;

	while (!stop) {
		char *p = area + (rand_r(&seed) % 64) * PAGE;

		recovering = true;
		if (sigsetjmp(recover, 1) == 0) {
			char c = *(volatile char *)p;

			wrong += c != 0 && c != 'x';
		}
		recovering = false;
	}
	return (void *)wrong;
}

static void catch_faults(void)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &sa, NULL);
	faults = 0;
	stop = false;
}

static long end_storm(pthread_t *t, int n)
{
	long wrong = 0;

	stop = true;
	for (int i = 0; i < n; i++)
		wrong += (long)join(t[i]);
	signal(SIGSEGV, SIG_DFL);
	return wrong;
}

CASE(unmapping_under_readers)
{
	pthread_t t[4];
	long wrong;

	area = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(area != MAP_FAILED);
	catch_faults();
	for (long i = 0; i < 4; i++)
		t[i] = start(touch, (void *)i);
	for (int i = 0; i < 300; i++) {
		char *p = area + (i * 7 % 64) * PAGE, *other;

		munmap(p, PAGE);
		/* The frame goes to another user at once. */
		other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
		*other = 'z';
		NEED(mmap(p, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			  -1, 0) == p);
		*p = 'x';
		munmap(other, PAGE);
	}
	wrong = end_storm(t, 4);
	CHECK(wrong == 0);
	munmap(area, 64 * PAGE);
}

CASE(protection_is_seen_by_all_at_once)
{
	pthread_t t[3];
	bool kept = true;
	long before;

	area = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(area != MAP_FAILED);
	memset(area, 'x', 64 * PAGE);
	catch_faults();
	for (long i = 0; i < 3; i++)
		t[i] = start(touch, (void *)i);
	for (int i = 0; i < 100; i++) {
		NEED(mprotect(area, 64 * PAGE, PROT_NONE) == 0);
		before = faults;
		while (faults == before) /* A thread faults on it. */
			sched_yield();
		NEED(mprotect(area, 64 * PAGE, PROT_READ | PROT_WRITE) == 0);
		kept &= area[i % 64 * PAGE] == 'x';
	}
	CHECK(end_storm(t, 3) == 0);
	CHECK(kept);
	munmap(area, 64 * PAGE);
}

/* Writers count in pages that become read-only now and then: no increment may be lost or late. */
static _Atomic long *count_page;
static _Atomic bool writable;

static void on_write_fault(int sig, siginfo_t *si, void *context)
{
	(void)sig, (void)context;
	if ((char *)si->si_addr < (char *)count_page ||
	    (char *)si->si_addr >= (char *)count_page + PAGE)
		_exit(3);
	while (!writable && !stop)
		sched_yield();
}

static void *count_up(void *arg)
{
	long own = 0;

	(void)arg;
	while (!stop) {
		count_page[0]++;
		own++;
	}
	return (void *)own;
}

CASE(no_write_after_mprotect)
{
	struct sigaction sa = {.sa_sigaction = on_write_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	pthread_t t[3];
	long late = 0, sum = 0;

	count_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(count_page != MAP_FAILED);
	sigaction(SIGSEGV, &sa, NULL);
	stop = false;
	writable = true;
	for (long i = 0; i < 3; i++)
		t[i] = start(count_up, NULL);
	for (int i = 0; i < 200; i++) {
		long seen;

		writable = false;
		mprotect(count_page, PAGE, PROT_READ);
		seen = count_page[0];
		for (volatile int n = 0; n < 20000; n++)
			;
		late += count_page[0] != seen;
		mprotect(count_page, PAGE, PROT_READ | PROT_WRITE);
		writable = true;
		sched_yield();
	}
	stop = true;
	for (int i = 0; i < 3; i++)
		sum += (long)join(t[i]);
	CHECK(late == 0);
	CHECK(sum == count_page[0]);
	signal(SIGSEGV, SIG_DFL);
	munmap(count_page, PAGE);
}

static void *map_and_check(void *arg)
{
	unsigned seed = (unsigned)(long)arg + 99;
	long wrong = 0;

	for (int i = 0; i < 150; i++) {
		size_t pages = 1 + rand_r(&seed) % 40;
		char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return (void *)1000L;
		for (size_t n = 0; n < pages; n++) {
			wrong += p[n * PAGE] != 0;
			p[n * PAGE] = (char)(long)arg;
		}
		for (size_t n = 0; n < pages; n++)
			wrong += p[n * PAGE] != (char)(long)arg;
		munmap(p, pages * PAGE);
	}
	return (void *)wrong;
}

CASE(fresh_pages_are_zero_under_load)
{
	pthread_t t[6];
	long wrong = 0;

	for (long i = 0; i < 6; i++)
		t[i] = start(map_and_check, (void *)(i + 1));
	for (int i = 0; i < 6; i++)
		wrong += (long)join(t[i]);
	CHECK(wrong == 0);
}

static void *copy_on_write(void *arg)
{
	char *page = arg;

	for (int i = 0; i < 256; i++)
		page[i * 16]++;
	return NULL;
}

CASE(one_page_of_a_private_file_for_all)
{
	int fd = open("private", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char zero[PAGE] = {0}, *page;
	bool right = true;
	pthread_t t[4];

	NEED(fd >= 0 && write(fd, zero, sizeof(zero)) == sizeof(zero));
	for (int round = 0; round < 20; round++) {
		char *base = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

		NEED(base != MAP_FAILED);
		/* All threads make the first write at once, each to bytes of its own. */
		for (int i = 0; i < 4; i++)
			t[i] = start(copy_on_write, base + i);
		for (int i = 0; i < 4; i++)
			join(t[i]);
		for (int i = 0; i < 256 * 4; i++)
			right &= base[i / 4 * 16 + i % 4] == 1;
		munmap(base, PAGE);
	}
	CHECK(right);
	page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(memcmp(page, zero, PAGE) == 0);
	munmap(page, PAGE);
	close(fd);
	unlink("private");
}

/* A thread waits in read(2) while the process forks: the bytes go to the parent. */
static int blocked_pipe[2];
static char *read_page;

static void *read_into_page(void *arg)
{
	arrived = 1;
	return (void *)read(blocked_pipe[0], read_page + 100, (size_t)arg);
}

CASE(fork_while_a_thread_reads)
{
	bool right = true;

	NEED(pipe(blocked_pipe) == 0);
	read_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(read_page != MAP_FAILED);
	for (int i = 0; i < 20; i++) {
		pthread_t t;
		pid_t child;

		memset(read_page, 0, PAGE);
		arrived = 0;
		t = start(read_into_page, (void *)5);
		while (!arrived)
			sched_yield();
		nap_ms(2);
		child = fork();
		if (child == 0) {
			nap_ms(10);
			_exit(read_page[100] == 0 ? 0 : 1);
		}
		read_page[0] = 'w'; /* The parent's page becomes a copy, or stays. */
		NEED(write(blocked_pipe[1], "hello", 5) == 5);
		right &= (long)join(t) == 5 && memcmp(read_page + 100, "hello", 5) == 0 &&
			 read_page[0] == 'w';
		int status;
		NEED(waitpid(child, &status, 0) == child);
		right &= status == 0;
	}
	CHECK(right);
	munmap(read_page, PAGE);
}

static volatile long *counters;

static void *count_for_ever(void *arg)
{
	while (!stop)
		counters[(long)arg * 512]++;
	return NULL;
}

/* What the other threads write after the fork does not reach the child. */
CASE(fork_while_threads_write)
{
	pthread_t t[3];
	bool right = true;

	counters = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(counters != MAP_FAILED);
	stop = false;
	for (long i = 0; i < 3; i++)
		t[i] = start(count_for_ever, (void *)i);
	for (int i = 0; i < 30; i++) {
		long before[3];
		int status;
		pid_t child = fork();

		if (child == 0) {
			long seen[3];

			for (int n = 0; n < 3; n++)
				seen[n] = counters[n * 512];
			nap_ms(3);
			for (int n = 0; n < 3; n++)
				right &= counters[n * 512] == seen[n];
			for (int n = 0; n < 3; n++)
				counters[n * 512] = -1;
			_exit(right ? 0 : 1);
		}
		for (int n = 0; n < 3; n++)
			before[n] = counters[n * 512];
		NEED(waitpid(child, &status, 0) == child);
		right &= status == 0;
		for (int n = 0; n < 3; n++)
			right &= counters[n * 512] >= before[n];
	}
	stop = true;
	for (int i = 0; i < 3; i++)
		join(t[i]);
	CHECK(right);
	munmap((void *)counters, 4 * PAGE);
}

/* -- Processes of threads ------------------------------------------------------------------ */

static void *fork_here(void *arg)
{
	pid_t pid = fork();
	int status;

	(void)arg;
	if (pid == 0)
		_exit(gettid() == getpid() ? 9 : 8);
	waitpid(pid, &status, 0);
	return (void *)(long)WEXITSTATUS(status);
}

CASE(fork_in_a_thread)
{
	CHECK((long)join(start(fork_here, NULL)) == 9);
}

CASE(forks_in_many_threads)
{
	pthread_t t[8];
	bool right = true;

	for (int i = 0; i < 8; i++)
		t[i] = start(fork_here, NULL);
	for (int i = 0; i < 8; i++)
		right &= (long)join(t[i]) == 9;
	CHECK(right);
}

static void *exec_here(void *arg)
{
	(void)arg;
	execl("/bin/sh", "sh", "-c", "[ $$ = \"$PARENT\" ] && echo '  same number'; exit 4", NULL);
	return NULL;
}

LONE_CASE(exec_in_a_thread)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", getpid());
	setenv("PARENT", number, 1);
	fflush(stdout);
	start_one_of_each();
	start(exec_here, NULL);
	for (;;)
		pause();
}

CASE(limit_is_an_error)
{
	struct rlimit before, few;
	pid_t pid;
	int status;

	getrlimit(RLIMIT_NPROC, &before);
	few = before;
	few.rlim_cur = 0;
	pid = fork();
	if (pid == 0) {
		pthread_t t;

		/* The superuser has no such limit. */
		if (getuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
			_exit(2);
		setrlimit(RLIMIT_NPROC, &few);
		_exit(pthread_create(&t, NULL, twice, NULL) == EAGAIN && fork() == -1 &&
				      errno == EAGAIN
			      ? 0
			      : 1);
	}
	waitpid(pid, &status, 0);
	CHECK(status == 0);
}

/* -- Raw clone ----------------------------------------------------------------------------- */

CASE(clone_flags_that_do_not_fit)
{
	SHOW(syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0));
	SHOW(syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0));
	SHOW(syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0));
	SHOW(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0));
}

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size, cgroup;
};

CASE(clone3_arguments)
{
	struct clone3_args a = {.exit_signal = SIGCHLD};
	struct {
		struct clone3_args a;
		uint64_t more[4];
	} large = {{.exit_signal = SIGCHLD}, {0, 1}};
	long pid;

	SHOW(syscall(SYS_clone3, &a, 8));
	SHOW(syscall(SYS_clone3, &large, sizeof(large)));
	SHOW(syscall(SYS_clone3, (void *)8, sizeof(a)));
	a.flags = 1; /* part of CSIGNAL */
	SHOW(syscall(SYS_clone3, &a, sizeof(a)));
	a.flags = CLONE_DETACHED;
	SHOW(syscall(SYS_clone3, &a, sizeof(a)));
	a.flags = CLONE_PARENT;
	SHOW(syscall(SYS_clone3, &a, sizeof(a)));
	a = (struct clone3_args){.exit_signal = 65};
	SHOW(syscall(SYS_clone3, &a, sizeof(a)));
	a = (struct clone3_args){.exit_signal = SIGCHLD, .stack = 4096};
	SHOW(syscall(SYS_clone3, &a, sizeof(a)));
	a = (struct clone3_args){.exit_signal = SIGCHLD};
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (pid == 0)
		_exit(3);
	int status;
	CHECK(pid > 0 && waitpid((pid_t)pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
}
