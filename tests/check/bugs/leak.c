// SPDX-License-Identifier: MIT
/*
 * Objects that nothing points to when the program ends. The twin keeps a pointer, or releases them.
 * What only an interior pointer leads to counts as reachable.
 */
#include "bug.h"

#include <pthread.h>
#include <unistd.h>
#include <sys/wait.h>

/* Overwrites registers and the stack below, which may hold copies of old pointers. */
static void forget(void)
{
	volatile char space[16384];
	for (size_t i = 0; i < sizeof(space); i++)
		space[i] = 0;
	__asm__ volatile("xor %%ebx, %%ebx\n\txor %%r12d, %%r12d\n\txor %%r13d, %%r13d\n\t"
			 "xor %%r14d, %%r14d\n\txor %%r15d, %%r15d" ::
				 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
				   "r11", "r12", "r13", "r14", "r15", "memory");
}

static void *volatile keep[16];

static void lose(size_t size)
{
	void *p = malloc(size);
	memset(p, 0, size);
	if (!bad)
		keep[0] = p;
}

BUG(lost, "leak of 40; in=-; alloc=lose,lost; with --leaks")
{
	lose(40);
	forget();
}

static void lose_some(int count)
{
	for (int i = 0; i < count; i++) {
		char *p = calloc(1, 24);
		if (!bad)
			keep[i] = p;
	}
}

BUG(lost_three_times, "leak of 72; 3 objects; in=-; alloc=lose_some,lost_three_times; with --leaks")
{
	lose_some(3);
	forget();
}

BUG(overwritten, "leak of 100; in=-; alloc=overwritten; with --leaks")
{
	keep[0] = calloc(1, 100);
	if (bad)
		keep[0] = NULL;
	forget();
}

struct link {
	struct link *next;
	long payload[3];
};

static struct link *make_list(int length)
{
	struct link *head = NULL;
	for (int i = 0; i < length; i++) {
		struct link *l = calloc(1, sizeof(*l));
		l->next = head;
		head = l;
	}
	return head;
}

static void lose_list(int length)
{
	struct link *head = make_list(length);
	if (!bad)
		keep[0] = head;
}

/* The head is lost, and with it all that it leads to: reported as one site. */
BUG(list, "leak of 160; 5 objects; in=-; alloc=make_list,lose_list; with --leaks")
{
	lose_list(5);
	forget();
}

static void lose_ring(void)
{
	struct link *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	a->next = b;
	b->next = a;
	if (!bad)
		keep[0] = b;
}

BUG(ring, "leak of ?; in=-; alloc=lose_ring,ring; with --leaks; 2 reports")
{
	lose_ring();
	forget();
}

/* The head is released properly, and what it pointed to is lost. */
static void release_head(int length)
{
	struct link *head = make_list(length), *next;

	for (; head; head = next) {
		next = head->next;
		free(head);
		if (bad)
			break;
	}
}

BUG(released_head, "leak of 96; 3 objects; in=-; alloc=make_list,release_head; with --leaks")
{
	release_head(4);
	forget();
}

static char *error_path(int fail)
{
	char *first = malloc(56), *second = malloc(72);
	if (fail) {
		free(second);
		if (!bad)
			free(first);
		return NULL;
	}
	free(first);
	return second;
}

BUG(on_error_path, "leak of 56; in=-; alloc=error_path,on_error_path; with --leaks")
{
	free(error_path(1));
	forget();
}

static void *thread_with_object(void *unused)
{
	void *p = calloc(1, 88);
	if (!bad)
		free(p);
	return unused;
}

BUG(in_thread, "leak of 88; in=-; alloc=thread_with_object,..; with --leaks")
{
	pthread_t thread;
	pthread_create(&thread, NULL, thread_with_object, NULL);
	pthread_join(thread, NULL);
	forget();
}

BUG(in_child, "leak of 40; in=-; alloc=lose,in_child; with --leaks")
{
	pid_t child = fork();
	if (child == 0) {
		lose(40);
		forget();
		exit(0);
	}
	waitpid(child, NULL, 0);
}

static void lose_grown(void)
{
	char *p = malloc(32), *larger = realloc(p, 3000);
	memset(larger, 0, 3000);
	if (!bad)
		free(larger);
}

BUG(grown, "leak of 3000; in=-; alloc=lose_grown,grown; with --leaks")
{
	lose_grown();
	forget();
}

static void lose_large(void)
{
	char *p = malloc(3 << 20);
	memset(p, 0, 3 << 20);
	if (!bad)
		keep[0] = p + 1000; /* an interior pointer is enough */
}

BUG(large, "leak of 3145728; in=-; alloc=lose_large,large; with --leaks")
{
	lose_large();
	forget();
}

BUG(still_reachable, "still-reachable of 48; in=-; alloc=still_reachable; with --leaks=reachable")
{
	keep[0] = calloc(1, 48);
	if (!bad) {
		free(keep[0]);
		keep[0] = NULL;
	}
}
