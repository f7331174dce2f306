// SPDX-License-Identifier: MIT
/*
 * futex(2), operation by operation: which waiters it wakes, how many, which it moves, and what it
 * refuses. Also the robust lists that a thread leaves behind.
 */
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long futex(volatile void *word, int op, uint32_t value, const void *timeout,
		  volatile void *word2, uint32_t value3)
{
	return syscall(SYS_futex, word, op, value, timeout, word2, value3);
}

static void nap(void)
{
	settle(20000);
}

static uint32_t a, b;
static atomic_int woken, asleep;
static const struct timespec none = {0, 0}, brief = {0, 20000000}, long_time = {10, 0};

struct sleeper {
	pthread_t thread;
	uint32_t *word;
	uint32_t bits;
	long result;
};

static void *sleeps(void *arg)
{
	struct sleeper *s = arg;

	asleep++;
	s->result = futex(s->word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, *s->word, NULL, NULL,
			  s->bits);
	woken++;
	return NULL;
}

static void put_to_sleep(struct sleeper *s, uint32_t *word, uint32_t bits)
{
	int before = asleep;

	*s = (struct sleeper){.word = word, .bits = bits};
	NEED(pthread_create(&s->thread, NULL, sleeps, s) == 0);
	while (asleep == before)
		nap();
	nap();
}

static void wait_for_woken(int n)
{
	for (int i = 0; i < 500 && woken < n; i++)
		settle(2000);
	nap();
	SHOW(woken);
}

static void join(struct sleeper *s, int n)
{
	for (int i = 0; i < n; i++)
		NEED(pthread_join(s[i].thread, NULL) == 0);
	asleep = woken = 0;
}

CASE(waiting)
{
	struct timespec bad = {0, 1000000000}, negative = {-1, 0};

	a = 5;
	SHOW(futex(&a, FUTEX_WAIT, 4, NULL, NULL, 0));
	SHOW(futex(&a, FUTEX_WAIT, 5, &none, NULL, 0));
	SHOW(futex(&a, FUTEX_WAIT, 5, &brief, NULL, 0));
	SHOW(futex(&a, FUTEX_WAIT, 5, &bad, NULL, 0));
	SHOW(futex(&a, FUTEX_WAIT, 5, &negative, NULL, 0));
	SHOW(futex(&a, FUTEX_WAIT, 5, (void *)8, NULL, 0));
	SHOW(futex(NULL, FUTEX_WAIT, 5, &brief, NULL, 0));
	SHOW(futex((char *)&a + 1, FUTEX_WAIT, 5, &brief, NULL, 0));
	SHOW(futex((void *)0xffffffffff600000, FUTEX_WAKE, 5, NULL, NULL, 0));
	SHOW(futex(&a, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(&a, FUTEX_WAKE, 0, NULL, NULL, 0));
	SHOW(futex(&a, 99, 1, NULL, NULL, 0));
	SHOW(futex(&a, FUTEX_FD, 1, NULL, NULL, 0));
	SHOW(futex(&a, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0));
	SHOW(futex(&a, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	SHOW(futex(&a, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
}

/* FUTEX_WAIT's timeout is relative, FUTEX_WAIT_BITSET's is absolute. */
CASE(moments)
{
	struct timespec at;

	a = 0;
	clock_gettime(CLOCK_MONOTONIC, &at);
	SHOW(futex(&a, FUTEX_WAIT_BITSET, 0, &at, NULL, FUTEX_BITSET_MATCH_ANY));
	at.tv_nsec += 20000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	SHOW(futex(&a, FUTEX_WAIT_BITSET, 0, &at, NULL, 1));
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_nsec += 20000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	SHOW(futex(&a, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &at, NULL, 1));
	SHOW(futex(&a, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, &brief, NULL, 0));
}

CASE(some_of_many)
{
	struct sleeper s[5];

	a = 1;
	for (int i = 0; i < 5; i++)
		put_to_sleep(&s[i], &a, FUTEX_BITSET_MATCH_ANY);
	SHOW(futex(&a, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 2, NULL, NULL, 0));
	wait_for_woken(2);
	SHOW(futex(&a, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0));
	wait_for_woken(5);
	SHOW(futex(&a, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0));
	for (int i = 0; i < 5; i++)
		CHECK(s[i].result == 0);
	join(s, 5);
}

CASE(by_bits)
{
	struct sleeper s[3];

	a = 1;
	put_to_sleep(&s[0], &a, 1);
	put_to_sleep(&s[1], &a, 2);
	put_to_sleep(&s[2], &a, 6);
	SHOW(futex(&a, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 8));
	SHOW(futex(&a, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 4));
	wait_for_woken(1);
	SHOW(futex(&a, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 2));
	wait_for_woken(2);
	SHOW(futex(&a, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
	wait_for_woken(3);
	join(s, 3);
}

CASE(moving_sleepers)
{
	struct sleeper s[4];

	a = 7;
	b = 0;
	for (int i = 0; i < 4; i++)
		put_to_sleep(&s[i], &a, FUTEX_BITSET_MATCH_ANY);
	SHOW(futex(&a, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)1, &b, 6));
	/* One is woken, two are moved, one stays. */
	SHOW(futex(&a, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)2, &b, 7));
	wait_for_woken(1);
	SHOW(futex(&b, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0));
	wait_for_woken(3);
	SHOW(futex(&a, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 0, (void *)5, &b, 0));
	SHOW(futex(&a, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0));
	SHOW(futex(&b, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0));
	wait_for_woken(4);
	SHOW(futex(&a, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, -1, (void *)1, &b, 0));
	SHOW(futex(&a, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)-1, &b, 0));
	join(s, 4);
}

static uint32_t operation(int op, int compare, int arg, int than)
{
	return FUTEX_OP(op, arg, compare, than);
}

/* FUTEX_WAKE_OP changes the second word, and wakes its waiters if the old value compares true. */
CASE(waking_with_an_operation)
{
	static const struct {
		int op, compare, arg, than;
	} tries[] = {
		{FUTEX_OP_SET, FUTEX_OP_CMP_EQ, 3, 10},
		{FUTEX_OP_ADD, FUTEX_OP_CMP_NE, 5, 10},
		{FUTEX_OP_OR, FUTEX_OP_CMP_LT, 0x101, 11},
		{FUTEX_OP_ANDN, FUTEX_OP_CMP_LE, 2, 9},
		{FUTEX_OP_XOR, FUTEX_OP_CMP_GT, 0xff, 9},
		{FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, FUTEX_OP_CMP_GE, 4, 10},
	};

	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct sleeper s[2];

		a = 1;
		b = 10;
		put_to_sleep(&s[0], &a, FUTEX_BITSET_MATCH_ANY);
		put_to_sleep(&s[1], &b, FUTEX_BITSET_MATCH_ANY);
		SHOW(futex(&a, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &b,
			   operation(tries[i].op, tries[i].compare, tries[i].arg, tries[i].than)));
		SHOW(b);
		futex(&b, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
		join(s, 2);
	}
	SHOW(futex(&a, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &b,
		   operation(7, 0, 0, 0)));
	SHOW(futex(&a, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &b,
		   operation(0, 9, 0, 0)));
	SHOW(futex(&a, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, NULL, 0));
}

/* A shared futex is identified by the memory behind it, a private one by its address. */
CASE(shared_words)
{
	int fd = memfd_create("words", 0), status;
	uint32_t *here, *there;
	pid_t pid;

	NEED(ftruncate(fd, 4096) == 0);
	here = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	there = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(here != MAP_FAILED && there != MAP_FAILED);
	fflush(stdout);
	for (int private = 0; private < 2; private ++) {
		*here = 1;
		pid = fork();
		if (pid == 0) {
			long r = futex(here, FUTEX_WAIT | (private ? FUTEX_PRIVATE_FLAG : 0), 1,
				       &(struct timespec){private ? 0 : 10, 100000000}, NULL, 0);

			_exit(r == 0 ? 1 : errno == ETIMEDOUT ? 2 : 3);
		}
		for (int i = 0; i < 10; i++)
			nap();
		if (!private)
			SHOW(futex(there, FUTEX_WAKE, 1, NULL, NULL, 0));
		NEED(waitpid(pid, &status, 0) == pid);
		SHOW(WEXITSTATUS(status));
	}
	close(fd);
	munmap(here, 4096);
	munmap(there, 4096);
}

static void *unmaps(void *arg)
{
	nap();
	nap();
	munmap(arg, 4096);
	return NULL;
}

/* A thread that sleeps on memory goes on sleeping when the memory is unmapped. */
CASE(a_word_that_is_unmapped)
{
	uint32_t *word =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t t;

	NEED(word != MAP_FAILED && pthread_create(&t, NULL, unmaps, word) == 0);
	SHOW(futex(word, FUTEX_WAIT, 0, &(struct timespec){0, 150000000}, NULL, 0));
	NEED(pthread_join(t, NULL) == 0);
	SHOW(futex(word, FUTEX_WAIT, 0, &brief, NULL, 0));
	SHOW(futex(word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
}

/* -- Robust lists ----------------------------------------------------------------------------- */

struct lock {
	struct robust_list link;
	uint32_t word;
};

static struct lock locks[3], pending_lock;
static struct robust_list_head head;

static void list_locks(uint32_t tid)
{
	head.list.next = &locks[0].link;
	head.futex_offset = offsetof(struct lock, word) - offsetof(struct lock, link);
	head.list_op_pending = &pending_lock.link;
	for (int i = 0; i < 3; i++) {
		locks[i].link.next = i < 2 ? &locks[i + 1].link : &head.list;
		locks[i].word = tid;
	}
	pending_lock.word = tid;
}

static void *leaves_locks(void *arg)
{
	list_locks((uint32_t)gettid());
	locks[1].word |= FUTEX_WAITERS;
	locks[2].word = 1234567; /* owned by another thread */
	NEED(syscall(SYS_set_robust_list, &head, sizeof(head)) == 0);
	asleep = 1;
	while (!arg)
		nap();
	for (int i = 0; i < 3; i++)
		nap();
	syscall(SYS_exit, 0);
	return NULL;
}

CASE(locks_of_a_dead_thread)
{
	struct robust_list_head *now;
	size_t size;
	pthread_t t;

	asleep = 0;
	NEED(pthread_create(&t, NULL, leaves_locks, (void *)1) == 0);
	while (!asleep)
		nap();
	/* A waiter is woken by the owner's death. */
	SHOW(futex(&locks[1].word, FUTEX_WAIT, locks[1].word, &long_time, NULL, 0));
	NEED(pthread_join(t, NULL) == 0);
	printf("  %x %x %x %x\n", locks[0].word, locks[1].word, locks[2].word, pending_lock.word);
	SHOW(syscall(SYS_set_robust_list, &head, 5));
	SHOW(syscall(SYS_get_robust_list, 0, &now, &size));
	SHOW(size);
	SHOW(syscall(SYS_get_robust_list, -1, &now, &size));
	SHOW(syscall(SYS_get_robust_list, 0, (void *)8, &size));
	asleep = 0;
}

/* Broken lists of a program do no harm. */
CASE(bad_lists)
{
	static struct robust_list_head bad;
	int status;

	fflush(stdout);
	for (int kind = 0; kind < 4; kind++) {
		pid_t pid = fork();

		if (pid == 0) {
			bad.list.next = kind == 0   ? (void *)8
					: kind == 1 ? (void *)0xffff800000000000
					: kind == 2 ? &locks[0].link
						    : &bad.list;
			locks[0].link.next = &locks[0].link; /* an endless loop in the list */
			locks[0].word = (uint32_t)getpid();
			bad.futex_offset = kind == 3 ? 1 : (long)sizeof(struct robust_list);
			bad.list_op_pending = kind == 3 ? (void *)0x7ffffffff000 : NULL;
			NEED(syscall(SYS_set_robust_list, kind ? &bad : (void *)16, sizeof(bad)) ==
			     0);
			_exit(kind);
		}
		NEED(waitpid(pid, &status, 0) == pid);
		SHOW(status);
	}
}

static pthread_mutex_t *shared_mutex;

CASE(a_mutex_of_a_dead_process)
{
	pthread_mutexattr_t attr;
	int status;
	pid_t pid;

	shared_mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(shared_mutex != MAP_FAILED);
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	SHOW(pthread_mutex_init(shared_mutex, &attr));
	fflush(stdout);
	for (int kill_it = 0; kill_it < 2; kill_it++) {
		pid = fork();
		if (pid == 0) {
			pthread_mutex_lock(shared_mutex);
			if (kill_it)
				kill(getpid(), SIGKILL);
			settle(50000);
			_exit(0);
		}
		while (*(volatile int *)shared_mutex == 0)
			nap();
		CHECK(pthread_mutex_lock(shared_mutex) == EOWNERDEAD);
		SHOW(pthread_mutex_consistent(shared_mutex));
		SHOW(pthread_mutex_unlock(shared_mutex));
		NEED(waitpid(pid, &status, 0) == pid);
		SHOW(status);
	}
	munmap(shared_mutex, 4096);
}
