// SPDX-License-Identifier: MIT
/*
 * Many threads on few CPUs: does each get its turn, and does it then find its own registers,
 * segment bases, CPUs and clocks? The cases run with as many CPUs as there are, with one, and with
 * more.
 */
#include "check.h"
#include <asm/prctl.h>
#include <fcntl.h>
#include <immintrin.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	NEED(!(errno = pthread_create(&t, NULL, fn, arg)));
	return t;
}

static void join(pthread_t t)
{
	NEED(!(errno = pthread_join(t, NULL)));
}

static long ns(clockid_t clock)
{
	struct timespec ts;

	NEED(clock_gettime(clock, &ts) == 0);
	return ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static atomic_int stop;
static atomic_long turns;

static void *spin(void *arg)
{
	long n = 0;

	while (!stop)
		n++;
	if (arg)
		*(long *)arg = n;
	return NULL;
}

static void *write_now_and_then(void *arg)
{
	for (int i = 0; i < 10; i++) {
		usleep(3000);
		turns++;
	}
	stop = 1;
	return arg;
}

/* The reader never sleeps; the writer does. */
CASE(spinner_lets_a_sleeper_write)
{
	pthread_t t;

	stop = 0;
	turns = 0;
	t = start(write_now_and_then, NULL);
	spin(NULL);
	join(t);
	CHECK(turns == 10);
}

/* More spinning threads than CPUs, and all of them make progress. */
CASE(spinners_share_the_cpus)
{
	enum { SPINNERS = 12 };
	long count[SPINNERS] = {0};
	pthread_t t[SPINNERS];
	bool all = true;

	stop = 0;
	for (int i = 0; i < SPINNERS; i++)
		t[i] = start(spin, &count[i]);
	usleep(300000);
	settle(100000);
	stop = 1;
	for (int i = 0; i < SPINNERS; i++) {
		join(t[i]);
		all &= count[i] > 0;
	}
	CHECK(all);
}

static void on_alarm(int sig)
{
	(void)sig;
}

/*
 * A process sleeps until its timer, while a child spins without a system call, for longer than the
 * scheduler looks around by itself. The timer's signal wakes it, whichever CPU the child has.
 */
CASE(a_timer_wakes_a_sleeper_beside_a_spinner)
{
	const struct itimerspec later = {.it_value.tv_nsec = 120000000};
	const struct sigaction sa = {.sa_handler = on_alarm};
	sigset_t alarm_only, was;
	timer_t timer;
	int status;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	NEED(sigaction(SIGALRM, &sa, NULL) == 0);
	NEED(sigprocmask(SIG_BLOCK, &alarm_only, &was) == 0);
	NEED(timer_create(CLOCK_REALTIME, NULL, &timer) == 0);
	for (int i = 0; i < 8; i++) {
		pid_t pid;

		NEED(timer_settime(timer, 0, &later, NULL) == 0);
		pid = fork();
		if (pid == 0)
			for (;;)
				__asm__ volatile("");
		NEED(pid > 0);
		sigsuspend(&was);
		NEED(kill(pid, SIGTERM) == 0);
		NEED(waitpid(pid, &status, 0) == pid);
		SHOW(status);
	}
	timer_delete(timer);
	sigprocmask(SIG_SETMASK, &was, NULL);
}

enum { RING = 16, ROUNDS = 300 };
static sem_t place[RING];

static void *pass_on(void *arg)
{
	long i = (long)arg;

	for (int round = 0; round < ROUNDS; round++) {
		while (sem_wait(&place[i]))
			;
		turns++;
		sem_post(&place[(i + 1) % RING]);
	}
	return NULL;
}

CASE(a_ring_of_threads_hands_over)
{
	pthread_t t[RING];

	turns = 0;
	for (long i = 0; i < RING; i++)
		NEED(sem_init(&place[i], 0, i == 0) == 0);
	for (long i = 0; i < RING; i++)
		t[i] = start(pass_on, (void *)i);
	for (int i = 0; i < RING; i++)
		join(t[i]);
	CHECK(turns == RING * ROUNDS);
}

static atomic_int wrong;

/* Values in everything that a switch has to keep; another thread would leave other values there. */
static void *keep_registers(void *arg)
{
	const double mine = 1.0 + (double)(long)arg;
	const unsigned csr = 0x1f80 | (unsigned)((long)arg & 3) << 13; /* rounding */
	const unsigned short cw = (unsigned short)(0x37f & ~((long)arg & 3 ? 0x300 : 0));
	__m128d kept = _mm_set_pd(mine, -mine);
	unsigned long gs = 0;

	_mm_setcsr(csr);
	__asm__ volatile("fldcw %0" : : "m"(cw));
	NEED(syscall(SYS_arch_prctl, ARCH_SET_GS, 0x10000 * (1 + (long)arg)) == 0);
	for (int round = 0; round < 200; round++) {
		unsigned short now;
		__m128d seen;

		__asm__ volatile("movapd %1, %%xmm9\n"
				 "mov $24, %%eax\n" /* sched_yield */
				 "syscall\n"
				 "movapd %%xmm9, %0"
				 : "=x"(seen)
				 : "x"(kept)
				 : "xmm9", "rax", "rcx", "r11", "memory");
		__asm__ volatile("fnstcw %0" : "=m"(now));
		if (_mm_movemask_pd(_mm_cmpneq_pd(seen, kept)) || (_mm_getcsr() & ~0x3f) != csr ||
		    now != cw)
			wrong++;
		if (round % 16 == 0)
			usleep(100);
	}
	NEED(syscall(SYS_arch_prctl, ARCH_GET_GS, &gs) == 0);
	if (gs != 0x10000UL * (1 + (unsigned long)arg))
		wrong++;
	NEED(syscall(SYS_arch_prctl, ARCH_SET_GS, 0) == 0);
	return NULL;
}

CASE(registers_follow_the_thread)
{
	pthread_t t[9];

	wrong = 0;
	for (long i = 0; i < 9; i++)
		t[i] = start(keep_registers, (void *)i);
	for (int i = 0; i < 9; i++)
		join(t[i]);
	CHECK(wrong == 0);
}

__attribute__((target("avx"))) static void *keep_avx(void *arg)
{
	__m256d kept = _mm256_set1_pd((double)(long)arg);

	for (int round = 0; round < 200; round++) {
		__m256d seen;

		__asm__ volatile("vmovapd %1, %%ymm11\n"
				 "mov $24, %%eax\n"
				 "syscall\n"
				 "vmovapd %%ymm11, %0"
				 : "=x"(seen)
				 : "x"(kept)
				 : "xmm11", "rax", "rcx", "r11", "memory");
		if (_mm256_movemask_pd(_mm256_cmp_pd(seen, kept, _CMP_NEQ_UQ)))
			wrong++;
	}
	return NULL;
}

CASE(wide_registers_follow_the_thread)
{
	pthread_t t[5];

	wrong = 0;
	if (__builtin_cpu_supports("avx")) {
		for (long i = 0; i < 5; i++)
			t[i] = start(keep_avx, (void *)(i + 1));
		for (int i = 0; i < 5; i++)
			join(t[i]);
	}
	CHECK(wrong == 0);
}

static int first_cpu(const cpu_set_t *set)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set))
			return cpu;
	return -1;
}

static int last_cpu(const cpu_set_t *set)
{
	int last = -1;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set))
			last = cpu;
	return last;
}

static void *stay_there(void *arg)
{
	cpu_set_t set;
	int cpu = (int)(long)arg;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	NEED(sched_setaffinity(0, sizeof(set), &set) == 0);
	for (int i = 0; i < 100; i++) {
		unsigned now;

		if (syscall(SYS_getcpu, &now, NULL, NULL) || (int)now != cpu)
			wrong++;
		if (i % 8 == 0)
			usleep(200);
		else
			sched_yield();
	}
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) != 1 ||
	    !CPU_ISSET(cpu, &set))
		wrong++;
	return NULL;
}

CASE(a_bound_thread_stays_on_its_cpu)
{
	cpu_set_t all, now;
	pthread_t t[6];

	wrong = 0;
	NEED(sched_getaffinity(0, sizeof(all), &all) == 0);
	for (int i = 0; i < 6; i++)
		t[i] = start(stay_there, (void *)(long)(i % 2 ? first_cpu(&all) : last_cpu(&all)));
	for (int i = 0; i < 6; i++)
		join(t[i]);
	CHECK(wrong == 0);
	/* No other thread is bound by that. */
	NEED(sched_getaffinity(0, sizeof(now), &now) == 0);
	CHECK(CPU_EQUAL(&all, &now));
}

static void *read_affinity(void *set)
{
	NEED(sched_getaffinity(0, sizeof(cpu_set_t), set) == 0);
	return NULL;
}

CASE(affinity_is_inherited_and_given)
{
	cpu_set_t all, one, seen;
	int status;
	pid_t child;

	NEED(sched_getaffinity(0, sizeof(all), &all) == 0);
	CPU_ZERO(&one);
	SHOW(sched_setaffinity(0, sizeof(one), &one));
	CPU_SET(last_cpu(&all), &one);
	NEED(sched_setaffinity(0, sizeof(one), &one) == 0);
	join(start(read_affinity, &seen));
	CHECK(CPU_EQUAL(&one, &seen));
	child = fork();
	NEED(child >= 0);
	if (child == 0) {
		NEED(sched_getaffinity(0, sizeof(seen), &seen) == 0);
		_exit(CPU_EQUAL(&one, &seen) ? 3 : 4);
	}
	NEED(waitpid(child, &status, 0) == child);
	SHOW(WEXITSTATUS(status));
	NEED(sched_setaffinity(0, sizeof(all), &all) == 0);
	NEED(sched_getaffinity(0, sizeof(seen), &seen) == 0);
	CHECK(CPU_EQUAL(&all, &seen));
	SHOW(sched_setaffinity(INT_MAX, sizeof(all), &all));
	SHOW(syscall(SYS_sched_getaffinity, 0, 4, &seen));
}

static atomic_long done[2];

static void *work_at(void *arg)
{
	long which = (long)arg;

	if (which)
		NEED(setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19) == 0);
	while (!stop)
		done[which]++;
	return NULL;
}

/* Both on one CPU: the first thread gets most of it. For one CPU, or for CPUs of our own kernel. */
LONE_CASE(a_nice_thread_gets_less)
{
	cpu_set_t set;
	pthread_t t[2];

	NEED(sched_getaffinity(0, sizeof(set), &set) == 0);
	for (int cpu = last_cpu(&set), first = first_cpu(&set); cpu > first; cpu--)
		CPU_CLR(cpu, &set);
	NEED(sched_setaffinity(0, sizeof(set), &set) == 0);
	stop = 0;
	for (long i = 0; i < 2; i++)
		t[i] = start(work_at, (void *)i);
	usleep(1000000);
	settle(500000);
	stop = 1;
	for (int i = 0; i < 2; i++)
		join(t[i]);
	CHECK(done[0] > 3 * done[1]);
	CHECK(done[1] > 0);
}

/* A timeout comes although every CPU is busy. */
CASE(timeouts_come_while_all_spin)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
	pthread_t t[4];
	int timeouts = 0;

	stop = 0;
	for (int i = 0; i < 4; i++)
		t[i] = start(spin, NULL);
	pthread_mutex_lock(&mutex);
	for (int i = 0; i < 5; i++) {
		struct timespec until;
		long before = ns(CLOCK_MONOTONIC);

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 10000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		timeouts += pthread_cond_timedwait(&cond, &mutex, &until) == ETIMEDOUT;
		if (ns(CLOCK_MONOTONIC) - before < 9000000)
			wrong++;
	}
	pthread_mutex_unlock(&mutex);
	stop = 1;
	for (int i = 0; i < 4; i++)
		join(t[i]);
	CHECK(timeouts == 5);
}

static void *sleep_a_while(void *arg)
{
	usleep(100000);
	*(long *)arg = ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static void *work_a_while(void *arg)
{
	long end = ns(CLOCK_MONOTONIC) + 100000000;

	while (ns(CLOCK_MONOTONIC) < end || ns(CLOCK_THREAD_CPUTIME_ID) < 20000000)
		;
	*(long *)arg = ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

/* CPU time belongs to the thread that used it, whichever vCPU it was on. */
CASE(cpu_time_is_the_threads)
{
	long used[4], before = ns(CLOCK_PROCESS_CPUTIME_ID), all;
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		t[i] = start(i % 2 ? work_a_while : sleep_a_while, &used[i]);
	for (int i = 0; i < 4; i++)
		join(t[i]);
	all = ns(CLOCK_PROCESS_CPUTIME_ID) - before;
	CHECK(used[0] < used[1] && used[2] < used[3]);
	CHECK(used[0] < 10000000L * check_slower() && used[2] < 10000000L * check_slower());
	CHECK(used[1] >= 20000000 && used[3] >= 20000000);
	CHECK(all >= (used[1] + used[3]) / 10 * 9);
}

static atomic_int caught, waits;
static sem_t never;

static void on_signal(int sig)
{
	(void)sig;
	caught++;
}

static void *wait_for_a_signal(void *arg)
{
	waits++;
	while (sem_wait(&never) == 0)
		;
	if (errno != EINTR)
		wrong++;
	return arg;
}

CASE(signals_find_threads_that_sleep)
{
	struct sigaction sa = {.sa_handler = on_signal};
	pthread_t t[20];

	wrong = caught = waits = 0;
	NEED(sem_init(&never, 0, 0) == 0 && sigaction(SIGUSR1, &sa, NULL) == 0);
	for (int i = 0; i < 20; i++)
		t[i] = start(wait_for_a_signal, NULL);
	while (waits < 20)
		usleep(100);
	settle(20000);
	for (int i = 0; i < 20; i++)
		NEED(pthread_kill(t[i], SIGUSR1) == 0);
	for (int i = 0; i < 20; i++)
		join(t[i]);
	CHECK(wrong == 0);
	CHECK(caught == 20);
}

static void *read_one(void *arg)
{
	char c;

	if (read(*(int *)arg, &c, 1) != 1)
		wrong++;
	return NULL;
}

/* More threads than CPUs sleep in the host, and the thread that wakes them still runs. */
CASE(readers_in_the_host_leave_the_cpus)
{
	int pipes[40][2];
	pthread_t t[40];

	wrong = 0;
	for (int i = 0; i < 40; i++) {
		NEED(pipe(pipes[i]) == 0);
		t[i] = start(read_one, &pipes[i][0]);
	}
	settle(20000);
	for (int i = 0; i < 40; i++)
		NEED(write(pipes[i][1], "x", 1) == 1);
	for (int i = 0; i < 40; i++) {
		join(t[i]);
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	CHECK(wrong == 0);
}

/* Returns the state letter of proc(5) for a thread of this process. */
static int state_of(pid_t tid)
{
	char path[64], text[512], *end;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY);
	NEED(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	NEED(n > 0);
	text[n] = 0;
	end = strrchr(text, ')');
	NEED(end);
	return end[2];
}

static atomic_int tids[2];

static void *say_tid_and_spin(void *arg)
{
	tids[0] = (int)syscall(SYS_gettid);
	return spin(arg);
}

static void *say_tid_and_sleep(void *arg)
{
	tids[1] = (int)syscall(SYS_gettid);
	while (sem_wait(&never))
		;
	return arg;
}

CASE(states_are_told)
{
	pthread_t t[2];
	bool slept = false;

	stop = 0;
	tids[0] = tids[1] = 0;
	NEED(sem_init(&never, 0, 0) == 0);
	t[0] = start(say_tid_and_spin, NULL);
	t[1] = start(say_tid_and_sleep, NULL);
	while (!tids[0] || !tids[1])
		usleep(100);
	CHECK(state_of(tids[0]) == 'R');
	/* The thread may not sleep yet. */
	for (int i = 0; i < 1000 && !slept; i++) {
		slept = state_of(tids[1]) == 'S';
		usleep(1000);
	}
	CHECK(slept);
	stop = 1;
	sem_post(&never);
	for (int i = 0; i < 2; i++)
		join(t[i]);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static int open_now, came;

static void *wait_at_the_gate(void *arg)
{
	pthread_mutex_lock(&gate);
	came++;
	while (!open_now)
		pthread_cond_wait(&opened, &gate);
	pthread_mutex_unlock(&gate);
	return arg;
}

/* More threads than there can be vCPUs. */
LONE_CASE(twenty_thousand_sleep_in_futexes)
{
	enum { MANY = 20000 };
	static pthread_t t[MANY];
	pthread_attr_t small;
	int made = 0;

	NEED(pthread_attr_init(&small) == 0);
	NEED(pthread_attr_setstacksize(&small, PTHREAD_STACK_MIN) == 0);
	while (made < MANY && !pthread_create(&t[made], &small, wait_at_the_gate, NULL))
		made++;
	SHOW(made);
	pthread_mutex_lock(&gate);
	open_now = 1;
	pthread_cond_broadcast(&opened);
	pthread_mutex_unlock(&gate);
	for (int i = 0; i < made; i++)
		join(t[i]);
	SHOW(came);
}
