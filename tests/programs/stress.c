// SPDX-License-Identifier: MIT
/*
 * Does the scheduler lose nothing and mix up nothing while everything happens at once? Threads and
 * processes hand tokens to each other through pipes, take a lock and wait for conditions with and
 * without a limit, send each other signals, make threads and processes, move from CPU to CPU and
 * change memory, each by its own sequence of random numbers, until the time is over. What is
 * checked does not depend on their order: no token is lost or doubled, each queued signal arrives
 * once, the lock has one owner, no wait ends before its limit, and results are those of their own
 * caller.
 *
 * STRESS_SECONDS (0.5) is how long it runs. By hand, for minutes and in either ring mode:
 *
 *   STRESS_SECONDS=300 buffervm build/tests/programs/stress
 */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS	  10
#define PROCESSES 3
#define TOKENS	  24

#define MS	  1000000L

static pid_t worker[WORKERS]; /* numbers of the threads */
static pthread_barrier_t barrier;
static int ring[WORKERS + PROCESSES][2]; /* a pipe for each thread and process, for tokens */
static int64_t end_ns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static int owners;
static long locked; /* under lock */
static atomic_long sent, arrived, early, wrong, turns;
static cpu_set_t all_cpus;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

static struct timespec at(int64_t ns)
{
	return (struct timespec){ns / (1000 * MS), ns % (1000 * MS)};
}

static unsigned next(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16 & 0x7fff;
}

static void note(int sig, siginfo_t *si, void *context)
{
	int saved = errno;

	(void)sig, (void)context;
	if (si->si_code != SI_QUEUE)
		wrong++;
	arrived++;
	errno = saved;
}

/* Takes a token of its own pipe, if one comes soon, and gives it to another thread or process. */
static void pass_token(int self, unsigned *seed)
{
	struct pollfd in = {.fd = ring[self][0], .events = POLLIN};
	int to = (int)(next(seed) % (WORKERS + PROCESSES));
	unsigned char token;

	if (poll(&in, 1, 1) != 1)
		return;
	while (read(ring[self][0], &token, 1) != 1)
		if (errno != EINTR)
			abort();
	while (write(ring[to][1], &token, 1) != 1)
		if (errno != EINTR)
			abort();
}

static void own_the_lock(unsigned *seed)
{
	pthread_mutex_lock(&lock);
	if (++owners != 1)
		wrong++;
	locked++;
	if (next(seed) % 4 == 0)
		sched_yield();
	owners--;
	if (next(seed) % 2)
		pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void wait_with_limit(unsigned *seed)
{
	int64_t limit = now_ns() + (int64_t)(next(seed) % 3000) * 1000;
	const struct timespec ts = at(limit);
	int err;

	pthread_mutex_lock(&lock);
	err = pthread_cond_timedwait(&changed, &lock, &ts);
	pthread_mutex_unlock(&lock);
	if (err == ETIMEDOUT && now_ns() < limit)
		early++;
}

static void sleep_a_while(unsigned *seed)
{
	int64_t limit = now_ns() + (int64_t)(next(seed) % 2000) * 1000;
	const struct timespec ts = at(limit);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
	if (now_ns() < limit)
		early++;
}

static void send_signal(unsigned *seed)
{
	siginfo_t si = {.si_signo = SIGRTMIN, .si_code = SI_QUEUE};

	si.si_pid = getpid();
	si.si_uid = getuid();
	sent++;
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), worker[next(seed) % WORKERS], SIGRTMIN, &si))
		sent--; /* the queue is full */
}

static void *give_back(void *arg)
{
	return arg;
}

static void make_thread(unsigned *seed)
{
	void *value = (void *)(uintptr_t)next(seed), *got = NULL;
	pthread_t t;

	if (pthread_create(&t, NULL, give_back, value) == 0 && pthread_join(t, &got) == 0 &&
	    got != value)
		wrong++;
}

static void make_process(unsigned *seed)
{
	int value = (int)(next(seed) % 200), status = -1;
	pid_t child = syscall(SYS_fork);

	if (child == 0)
		syscall(SYS_exit_group, value);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child > 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == value))
		wrong++;
}

static void change_cpu(unsigned *seed)
{
	cpu_set_t one;
	int cpu = (int)(next(seed) % CPU_SETSIZE);

	while (!CPU_ISSET(cpu, &all_cpus))
		cpu = (cpu + 1) % CPU_SETSIZE;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		wrong++;
	if (next(seed) % 2)
		sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
}

static void change_memory(unsigned *seed)
{
	size_t size = (next(seed) % 16 + 1) * 4096;
	unsigned char *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char byte = (unsigned char)next(seed);

	if (p == MAP_FAILED)
		return;
	memset(p, byte, size);
	mprotect(p, size, PROT_READ);
	if (next(seed) % 2)
		sched_yield();
	for (size_t i = 0; i < size; i += 4096)
		if (p[i] != byte || p[i + 4095] != byte)
			wrong++;
	munmap(p, size);
}

/* Registers and the x87's and vector unit's state survive whatever happens to the others. */
static void compute(unsigned *seed)
{
	volatile double x = next(seed), y = x;
	long double z = (long double)x;

	for (int i = 0; i < 2000; i++) {
		y = y * 1.0000001 + 1;
		z = z * 1.0000001L + 1;
	}
	for (int i = 0; i < 2000; i++)
		y = (y - 1) / 1.0000001;
	if (y - x > 1e-3 || x - y > 1e-3 || !(z > 0))
		wrong++;
}

static void *work(void *arg)
{
	static void (*const ops[])(unsigned *seed) = {
		own_the_lock, wait_with_limit, sleep_a_while, send_signal,
		make_thread,  change_cpu,      change_memory, compute,
	};
	int self = (int)(uintptr_t)arg;
	unsigned seed = 7919u * (unsigned)(self + 1);

	worker[self] = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&barrier); /* now each can be sent signals to */
	while (now_ns() < end_ns) {
		unsigned kind = next(&seed) % 64;

		if (kind < 20)
			pass_token(self, &seed);
		else if (kind == 63)
			make_process(&seed);
		else
			ops[kind % (sizeof(ops) / sizeof(*ops))](&seed);
		turns++;
	}
	pthread_barrier_wait(&barrier); /* nobody sends any more */
	sched_yield();			/* what was sent has arrived when this returns */
	return NULL;
}

/* A process only hands tokens on. */
static void be_process(int self)
{
	unsigned seed = 104729u * (unsigned)(self + 1);

	while (now_ns() < end_ns) {
		pass_token(self, &seed);
		compute(&seed);
	}
	_exit(wrong != 0);
}

static void collect(int *count)
{
	for (int i = 0; i < WORKERS + PROCESSES; i++) {
		struct pollfd in = {.fd = ring[i][0], .events = POLLIN};
		unsigned char token;

		while (poll(&in, 1, 0) == 1 && read(ring[i][0], &token, 1) == 1)
			count[token % TOKENS]++;
	}
}

CASE(nothing_is_lost)
{
	struct sigaction sa = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};
	const char *seconds = getenv("STRESS_SECONDS");
	int count[TOKENS] = {0}, tokens = 0;
	pid_t child[PROCESSES];
	pthread_condattr_t attr;
	pthread_t thread[WORKERS];
	bool children = true;

	end_ns = now_ns() + (int64_t)((seconds ? atof(seconds) : 0.5) * 1e9);
	NEED(pthread_condattr_init(&attr) == 0 &&
	     pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	     pthread_cond_init(&changed, &attr) == 0);
	NEED(sched_getaffinity(0, sizeof(all_cpus), &all_cpus) == 0);
	NEED(sigaction(SIGRTMIN, &sa, NULL) == 0);
	for (int i = 0; i < WORKERS + PROCESSES; i++)
		NEED(pipe(ring[i]) == 0);
	for (unsigned char t = 0; t < TOKENS; t++)
		NEED(write(ring[t % (WORKERS + PROCESSES)][1], &t, 1) == 1);
	for (int i = 0; i < PROCESSES; i++) {
		child[i] = fork();
		if (child[i] == 0)
			be_process(WORKERS + i);
		NEED(child[i] > 0);
	}
	NEED(pthread_barrier_init(&barrier, NULL, WORKERS) == 0);
	for (int i = 0; i < WORKERS; i++)
		NEED(pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)i) == 0);
	for (int i = 0; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		children &= waitpid(child[i], &status, 0) == child[i] && status == 0;
	}
	collect(count);
	for (int t = 0; t < TOKENS; t++)
		tokens += count[t] == 1;
	CHECK(turns > 0);
	CHECK(children);
	CHECK(tokens == TOKENS);
	CHECK(wrong == 0);
	CHECK(early == 0);
	CHECK(owners == 0);
	CHECK(arrived == sent);
}
