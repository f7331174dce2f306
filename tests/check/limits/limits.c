// SPDX-License-Identifier: MIT
/*
 * Programs without a bug that are hard on a checked heap, by name: they must print the same
 * natively and under `buffervm check`. An argument after the name makes the program smaller or
 * larger.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static long amount;

/* The same numbers in each run. */
static unsigned next_number(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 16;
}

/* An object that knows its size, so that one that was given out twice shows. */
static unsigned char *make(size_t size)
{
	unsigned char *p = malloc(size);
	if (p)
		memset(p, (unsigned char)size, size);
	return p;
}

static bool is_whole(const unsigned char *p, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != (unsigned char)size)
			return false;
	return true;
}

static void die(const char *why)
{
	printf("%s\n", why);
	exit(1);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
	(void)number;
	free(malloc(40));
	alarms++;
}

/* glibc's own malloc may not survive this, so it runs under check only. */
static void handler_allocates(void)
{
	struct itimerval every = {{0, 500}, {0, 500}};
	unsigned char *p[64] = {0};
	unsigned state = 1;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &every, NULL);
	while (alarms < (amount ? amount : 200)) {
		int i = next_number(&state) % 64;
		if (p[i] && !is_whole(p[i], 16 + i))
			die("an object was given away twice");
		free(p[i]);
		p[i] = make(16 + i);
	}
}

enum { QUEUE = 256 };
static _Atomic(unsigned char *) queue[QUEUE];

static void *release_queue(void *unused)
{
	for (long done = 0; done < (amount ? amount : 20000);) {
		for (int i = 0; i < QUEUE; i++) {
			unsigned char *p = atomic_exchange(&queue[i], NULL);
			if (!p)
				continue;
			if (!is_whole(p, *p))
				die("an object was given away twice");
			free(p);
			done++;
		}
	}
	return unused;
}

/* All objects are made by one thread and released by another. */
static void other_thread_releases(void)
{
	pthread_t thread;
	unsigned state = 1;

	pthread_create(&thread, NULL, release_queue, NULL);
	for (long i = 0; i < (amount ? amount : 20000);) {
		unsigned char *expected = NULL, *p = make(1 + next_number(&state) % 250);
		while (!atomic_compare_exchange_weak(&queue[i % QUEUE], &expected, p)) {
			expected = NULL;
			sched_yield();
		}
		i++;
	}
	pthread_join(thread, NULL);
}

static atomic_bool stop;

static void *allocate_until_stop(void *unused)
{
	while (!stop)
		free(make(100));
	return unused;
}

/*
 * Children are made while other threads are inside malloc. The children's malloc has to work
 * nevertheless.
 */
static void fork_with_held_locks(void)
{
	pthread_t thread[3];
	int good = 0, rounds = amount ? (int)amount : 20;

	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, allocate_until_stop, NULL);
	for (int i = 0; i < rounds; i++) {
		int status;
		pid_t child = fork();
		if (child == 0) {
			unsigned char *p[100];
			alarm(3600); /* in case a lock is held for ever */
			for (int j = 0; j < 100; j++)
				p[j] = make(j);
			for (int j = 0; j < 100; j++) {
				if (!is_whole(p[j], j))
					_exit(1);
				free(p[j]);
			}
			_exit(0);
		}
		if (waitpid(child, &status, 0) == child && status == 0)
			good++;
	}
	stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	printf("%d of %d children\n", good, rounds);
}

struct chunk {
	struct chunk *next;
};

/* Allocates objects of a size until there are no more, frees all of them, and allocates again. */
static void until_enomem(void)
{
	struct rlimit limit = {256 << 20, 256 << 20};
	struct chunk *all = NULL, *c;

	setrlimit(RLIMIT_AS, &limit);
	while ((c = malloc(amount ? amount : 60000))) {
		c->next = all;
		all = c;
	}
	if (errno != ENOMEM)
		die("malloc failed without ENOMEM");
	while ((c = all)) {
		all = c->next;
		free(c);
	}
	if (!(c = malloc(1 << 20)))
		die("nothing came back");
	free(c);
}

static void many_objects(void)
{
	long count = amount ? amount : 10000000;
	uint64_t **p = malloc(count * sizeof(*p)), sum = 0;

	for (long i = 0; i < count; i++) {
		if (!(p[i] = malloc(16 + i % 3 * 16)))
			die("no more memory");
		*p[i] = i;
	}
	for (long i = 0; i < count; i++)
		sum += *p[i];
	for (long i = 0; i < count; i++)
		free(p[i]);
	free(p);
	printf("%ju\n", (uintmax_t)sum);
}

static void *fill_and_check(void *seed)
{
	unsigned state = (uintptr_t)seed;
	unsigned char *p[64] = {0};

	for (int i = 0; i < 200; i++) {
		int at = next_number(&state) % 64;
		if (p[at] && !is_whole(p[at], 10 + at))
			return "broken";
		free(p[at]);
		p[at] = make(10 + at);
	}
	for (int i = 0; i < 64; i++)
		free(p[i]);
	return NULL;
}

static void many_threads(void)
{
	int count = amount ? (int)amount : 200, good = 0;
	pthread_t *thread = calloc(count, sizeof(*thread));

	for (int i = 0; i < count; i++)
		pthread_create(&thread[i], NULL, fill_and_check, (void *)(uintptr_t)(i + 1));
	for (int i = 0; i < count; i++) {
		void *result;
		pthread_join(thread[i], &result);
		good += !result;
	}
	free(thread);
	printf("%d of %d threads\n", good, count);
}

/* Each function of the interface, with its results and errors. */
static void interface(void)
{
	void *p = NULL;

	for (size_t align = 8; align <= 1 << 16; align *= 2) {
		if (posix_memalign(&p, align, 100) || (uintptr_t)p % align)
			die("posix_memalign");
		memset(p, 1, 100);
		free(p);
		p = aligned_alloc(align, align);
		if (!p || (uintptr_t)p % align)
			die("aligned_alloc");
		free(p);
	}
	p = calloc(1000, 10);
	for (int i = 0; i < 10000; i++)
		if (((char *)p)[i])
			die("calloc");
	p = realloc(p, 20);
	p = realloc(p, 200000);
	memset(p, 2, 200000);
	p = realloc(p, 100000);
	for (int i = 0; i < 100000; i++)
		if (((char *)p)[i] != 2)
			die("realloc");
	free(p);
	p = realloc(NULL, 10);
	free(p);
	p = reallocarray(NULL, 10, 10);
	free(p);
	free(NULL);
	p = malloc(0);
	printf("%d\n", p != NULL);
	free(p);
}

static const struct {
	const char *name;
	void (*run)(void);
} programs[] = {
	{"handler-allocates", handler_allocates},
	{"other-thread-releases", other_thread_releases},
	{"fork-with-held-locks", fork_with_held_locks},
	{"until-enomem", until_enomem},
	{"many-objects", many_objects},
	{"many-threads", many_threads},
	{"interface", interface},
};

int main(int argc, char **argv)
{
	amount = argc > 2 ? atol(argv[2]) : 0;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (argc > 1 && strcmp(argv[1], programs[i].name) == 0) {
			programs[i].run();
			printf("done\n");
			return 0;
		}
	}
	return 2;
}
