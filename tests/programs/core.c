// SPDX-License-Identifier: MIT
/*
 * A process for a core file: two threads wait, a third computes, the heap holds an object, and the
 * first thread crashes in crash_here. tests/bad-input opens the core file with gdb.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *live_text;
static atomic_int started;
static volatile int *volatile where_to = (volatile int *)8; /* not for the compiler to know */

__attribute__((noinline)) static void *waiting_thread(void *arg)
{
	atomic_fetch_add(&started, 1);
	for (;;)
		pause();
	return arg;
}

__attribute__((noinline)) static void *computing_thread(void *arg)
{
	double x = 1.5;

	atomic_fetch_add(&started, 1);
	for (;;)
		__asm__ volatile("mulsd %0, %0" : "+x"(x));
	return arg;
}

__attribute__((noinline)) static int crash_here(volatile int *where)
{
	*where = 1;
	return *where;
}

int main(void)
{
	void *(*const body[])(void *) = {waiting_thread, computing_thread, waiting_thread};
	pthread_t thread;

	live_text = malloc(40);
	if (!live_text)
		return 1;
	strcpy(live_text, "still here");
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, body[i], NULL))
			return 1;
	while (atomic_load(&started) < 3)
		usleep(1000);
	usleep(20000);
	return crash_here(where_to) + 1;
}
