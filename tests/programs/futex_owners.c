// SPDX-License-Identifier: MIT
/*
 * Futexes with an owner (the PI operations), and waits for several words at once: which thread gets
 * the word, what the word holds meanwhile, what a dead owner leaves, and which arguments are wrong.
 */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_futex_wake
#define SYS_futex_wake	  454
#define SYS_futex_wait	  455
#define SYS_futex_requeue 456
#endif
#define PRIVATE FUTEX_PRIVATE_FLAG

static long futex(volatile void *word, int op, uint32_t value, const void *timeout,
		  volatile void *word2, uint32_t value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static _Atomic uint32_t word, plain;
static atomic_int started, got, may_end;

/*
 * Returns the word with its thread ids, which differ from run to run, replaced: 1 is the caller's,
 * 2 another thread's.
 */
static unsigned owner_and_bits(void)
{
	uint32_t v = word, tid = v & FUTEX_TID_MASK;

	return (v & ~FUTEX_TID_MASK) | (tid == 0 ? 0 : tid == (uint32_t)gettid() ? 1 : 2);
}

static void show_word(void)
{
	printf("word %x\n", owner_and_bits());
}

static struct timespec soon(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += 20000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

static void *locks(void *unused)
{
	started++;
	if (futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0) == 0)
		got++;
	while (!may_end)
		usleep(1000);
	futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	return unused;
}

static pthread_t start(void *(*f)(void *))
{
	int before = started;
	pthread_t t;

	NEED(pthread_create(&t, NULL, f, NULL) == 0);
	while (started == before)
		usleep(1000);
	settle(20000);
	return t;
}

CASE(one_thread)
{
	struct timespec past = {1, 0}, bad = {0, -1};

	word = 0;
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show_word();
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, &past, NULL, 0));
	SHOW(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	show_word();
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, &bad, NULL, 0));
	SHOW(futex(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
	word = FUTEX_OWNER_DIED;
	SHOW(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	show_word();
	/* No thread has this id. */
	word = FUTEX_TID_MASK - 5;
	SHOW(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	show_word();
	word = 1000;
	SHOW(futex((char *)&word + 1, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(NULL, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	SHOW(futex(NULL, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
}

CASE(handed_over)
{
	pthread_t a, b;
	struct timespec t;

	word = started = got = may_end = 0;
	SHOW(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	a = start(locks);
	b = start(locks);
	show_word();
	CHECK(got == 0);
	/* Threads that wait for ownership are neither woken nor requeued. */
	SHOW(futex(&word, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_REQUEUE | PRIVATE, 0, (void *)1, &plain, 0));
	SHOW(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	settle(20000);
	CHECK(got == 1);
	show_word();
	SHOW(futex(&word, FUTEX_TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	t = soon(CLOCK_REALTIME);
	SHOW(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, &t, NULL, 0));
	t = soon(CLOCK_MONOTONIC);
	SHOW(futex(&word, FUTEX_LOCK_PI2 | PRIVATE, 0, &t, NULL, 0));
	t = soon(CLOCK_REALTIME);
	SHOW(futex(&word, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME | PRIVATE, 0, &t, NULL, 0));
	may_end = 1;
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	CHECK(got == 2);
}

static void *locks_and_ends(void *unused)
{
	started++;
	futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	got++;
	return unused;
}

/* The owner ends without unlocking: the next thread gets the lock and is told (EOWNERDEAD). */
CASE(a_dead_owner)
{
	pthread_t a, b;

	word = started = got = 0;
	SHOW(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	a = start(locks_and_ends);
	b = start(locks_and_ends);
	SHOW(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	CHECK(got == 2);
	/* The thread whose id is in the word has ended. */
	SHOW(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0));
	CHECK((word & FUTEX_OWNER_DIED) != 0);
}

static void *waits_to_move(void *result)
{
	started++;
	*(long *)result = futex(&plain, FUTEX_WAIT_REQUEUE_PI | PRIVATE, 0, NULL, &word, 0);
	got++;
	while (!may_end)
		usleep(1000);
	futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

CASE(moved_to_an_owned_word)
{
	struct timespec t = soon(CLOCK_MONOTONIC);
	pthread_t thread[3];
	long result[3];

	word = plain = started = got = may_end = 0;
	SHOW(futex(&plain, FUTEX_WAIT_REQUEUE_PI | PRIVATE, 1, NULL, &word, 0));
	SHOW(futex(&plain, FUTEX_WAIT_REQUEUE_PI | PRIVATE, 0, NULL, &plain, 0));
	SHOW(futex(&plain, FUTEX_WAIT_REQUEUE_PI | PRIVATE, 0, &t, &word, 0));
	for (int i = 0; i < 3; i++) {
		result[i] = 99;
		NEED(pthread_create(&thread[i], NULL, waits_to_move, &result[i]) == 0);
		while (started == i)
			usleep(1000);
		settle(20000);
	}
	SHOW(futex(&plain, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&plain, FUTEX_CMP_REQUEUE | PRIVATE, 0, (void *)1, &word, 0));
	SHOW(futex(&plain, FUTEX_CMP_REQUEUE_PI | PRIVATE, 1, (void *)1, &word, 7));
	SHOW(futex(&plain, FUTEX_CMP_REQUEUE_PI | PRIVATE, 2, (void *)1, &word, 0));
	SHOW(futex(&plain, FUTEX_CMP_REQUEUE_PI | PRIVATE, 1, (void *)1, &plain, 0));
	/* The word is free: the first thread gets it at once, and another one waits for it. */
	SHOW(futex(&plain, FUTEX_CMP_REQUEUE_PI | PRIVATE, 1, (void *)1, &word, 0));
	settle(20000);
	CHECK(got == 1);
	show_word();
	SHOW(futex(&plain, FUTEX_CMP_REQUEUE_PI | PRIVATE, 1, (void *)9, &word, 0));
	may_end = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	CHECK(got == 3);
	for (int i = 0; i < 3; i++)
		SHOW(result[i]);
}

static pthread_mutex_t mutex;
static pthread_cond_t cond;
static long counter;

static void *counts(void *unused)
{
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		if (i % 16 == 0)
			sched_yield();
		pthread_mutex_unlock(&mutex);
	}
	return unused;
}

CASE(mutexes_that_inherit)
{
	pthread_mutexattr_t attr;
	pthread_t t[6];

	SHOW(pthread_mutexattr_init(&attr));
	SHOW(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
	SHOW(pthread_mutex_init(&mutex, &attr));
	counter = 0;
	for (int i = 0; i < 6; i++)
		NEED(pthread_create(&t[i], NULL, counts, NULL) == 0);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	CHECK(counter == 12000);
	pthread_cond_init(&cond, NULL);
	SHOW(pthread_mutex_lock(&mutex));
	struct timespec ts = soon(CLOCK_REALTIME);
	CHECK(pthread_cond_timedwait(&cond, &mutex, &ts) == ETIMEDOUT);
	SHOW(pthread_mutex_unlock(&mutex));
}

/* A robust PI mutex in memory that two processes share. */
CASE(owner_in_another_process)
{
	pthread_mutex_t *m =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;
	pid_t pid;

	NEED(m != MAP_FAILED);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	SHOW(pthread_mutex_init(m, &attr));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(m);
		settle(100000);
		_exit(0);
	}
	settle(50000);
	CHECK(pthread_mutex_lock(m) == EOWNERDEAD);
	SHOW(pthread_mutex_consistent(m));
	SHOW(pthread_mutex_unlock(m));
	SHOW(pthread_mutex_lock(m));
	waitpid(pid, NULL, 0);
}

static _Atomic uint32_t words[3];

static long waitv(struct futex_waitv *v, unsigned n, unsigned flags, const struct timespec *t,
		  clockid_t clock)
{
	return syscall(SYS_futex_waitv, v, n, flags, t, clock);
}

static void *wakes_the_last(void *unused)
{
	settle(30000);
	futex(&words[2], FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0);
	return unused;
}

static void nothing(int sig)
{
	(void)sig;
}

CASE(several_words)
{
	struct futex_waitv v[3];
	struct sigaction sa = {.sa_handler = nothing};
	struct timespec t;
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		words[i] = 0;
		v[i] = (struct futex_waitv){.uaddr = (uintptr_t)&words[i],
					    .flags = FUTEX_32 | PRIVATE};
	}
	t = soon(CLOCK_MONOTONIC);
	SHOW(waitv(v, 3, 0, &t, CLOCK_MONOTONIC));
	t = soon(CLOCK_REALTIME);
	SHOW(waitv(v, 3, 0, &t, CLOCK_REALTIME));
	v[1].val = 1;
	SHOW(waitv(v, 3, 0, NULL, 0));
	v[1].val = 0;
	NEED(pthread_create(&thread, NULL, wakes_the_last, NULL) == 0);
	SHOW(waitv(v, 3, 0, NULL, 0));
	pthread_join(thread, NULL);
	sigaction(SIGALRM, &sa, NULL);
	ualarm(20000, 0);
	SHOW(waitv(v, 3, 0, NULL, 0));
	SHOW(waitv(v, 0, 0, NULL, 0));
	SHOW(waitv(v, FUTEX_WAITV_MAX + 1, 0, NULL, 0));
	SHOW(waitv(NULL, 3, 0, NULL, 0));
	SHOW(waitv(v, 3, 1, NULL, 0));
	SHOW(waitv(v, 3, 0, &t, CLOCK_BOOTTIME));
	SHOW(waitv((void *)1, 3, 0, NULL, 0));
	v[2].flags = PRIVATE;
	SHOW(waitv(v, 3, 0, NULL, 0));
	v[2].flags = FUTEX_32;
	v[2].__reserved = 1;
	SHOW(waitv(v, 3, 0, NULL, 0));
	v[2].__reserved = 0;
	v[2].uaddr = 4;
	SHOW(waitv(v, 3, 0, NULL, 0));
	v[2].uaddr = (uintptr_t)&words[2] + 1;
	SHOW(waitv(v, 3, 0, NULL, 0));
	v[2].uaddr = (uintptr_t)&words[2];
	/* Older kernels ignore the upper half, and the thread would sleep for ever. */
	if (!check_kernel(6, 7))
		return;
	v[2].val = 1UL << 32;
	SHOW(waitv(v, 3, 0, NULL, 0));
}

static void *waits_by_bits(void *bits)
{
	started++;
	if (syscall(SYS_futex_wait, &words[0], 0UL, (unsigned long)bits, FUTEX_32 | PRIVATE, NULL,
		    0) == 0)
		got++;
	return NULL;
}

CASE(calls_of_their_own)
{
	struct futex_waitv v[2] = {{.uaddr = (uintptr_t)&words[0], .flags = FUTEX_32 | PRIVATE},
				   {.uaddr = (uintptr_t)&words[1], .flags = FUTEX_32 | PRIVATE}};
	struct timespec t = soon(CLOCK_MONOTONIC);
	pthread_t a, b;

	if (!check_kernel(6, 7))
		return;
	words[0] = words[1] = started = got = 0;
	SHOW(syscall(SYS_futex_wait, &words[0], 0UL, ~0U, FUTEX_32 | PRIVATE, &t, CLOCK_MONOTONIC));
	SHOW(syscall(SYS_futex_wait, &words[0], 1UL, ~0U, FUTEX_32 | PRIVATE, NULL, 0));
	SHOW(syscall(SYS_futex_wait, &words[0], 0UL, 0UL, FUTEX_32 | PRIVATE, NULL, 0));
	SHOW(syscall(SYS_futex_wait, &words[0], 0UL, 1UL << 32, FUTEX_32 | PRIVATE, NULL, 0));
	SHOW(syscall(SYS_futex_wait, &words[0], 0UL, ~0U, PRIVATE, NULL, 0));
	SHOW(syscall(SYS_futex_wait, &words[0], 0UL, ~0U, FUTEX_32, &t, CLOCK_BOOTTIME));
	NEED(pthread_create(&a, NULL, waits_by_bits, (void *)1) == 0);
	NEED(pthread_create(&b, NULL, waits_by_bits, (void *)6) == 0);
	while (started < 2)
		usleep(1000);
	settle(30000);
	SHOW(syscall(SYS_futex_wake, &words[0], 8UL, 9, FUTEX_32 | PRIVATE));
	SHOW(syscall(SYS_futex_wake, &words[0], 2UL, 0, FUTEX_32 | PRIVATE));
	SHOW(syscall(SYS_futex_wake, &words[0], 0UL, 1, FUTEX_32 | PRIVATE));
	SHOW(syscall(SYS_futex_wake, &words[0], 2UL, 1, FUTEX_32));
	SHOW(syscall(SYS_futex_wake, &words[0], 2UL, 1, FUTEX_32 | PRIVATE));
	v[0].val = 5;
	SHOW(syscall(SYS_futex_requeue, v, 0, 0, 9));
	v[0].val = 0;
	SHOW(syscall(SYS_futex_requeue, v, 1, 0, 9));
	SHOW(syscall(SYS_futex_requeue, NULL, 0, 0, 9));
	SHOW(syscall(SYS_futex_requeue, v, 0, -1, 9));
	SHOW(syscall(SYS_futex_requeue, v, 0, 0, 9));
	SHOW(syscall(SYS_futex_wake, &words[1], 1UL, 9, FUTEX_32 | PRIVATE));
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	CHECK(got == 2);
}

/*
 * A private and a shared futex at one address are different futexes. The page of a shared one has
 * to exist.
 */
CASE(private_and_shared)
{
	struct timespec t = {0, 1000};
	char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *file;
	int fd = memfd_create("words", 0);
	pthread_t a;

	if (!check_kernel(6, 7))
		return;
	words[0] = started = got = 0;
	NEED(pthread_create(&a, NULL, waits_by_bits, (void *)1) == 0);
	while (!started)
		usleep(1000);
	settle(20000);
	SHOW(futex(&words[0], FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(&words[0], FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0));
	pthread_join(a, NULL);
	SHOW(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(none, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(none, FUTEX_WAIT | PRIVATE, 0, &t, NULL, 0));
	NEED(fd >= 0 && ftruncate(fd, 4096) == 0);
	file = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	NEED(file != MAP_FAILED);
	SHOW(futex(file, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(file, FUTEX_WAIT, 0, &t, NULL, 0));
	NEED(ftruncate(fd, 0) == 0);
	SHOW(futex(file, FUTEX_WAKE, 1, NULL, NULL, 0));
}
