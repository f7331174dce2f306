// SPDX-License-Identifier: MIT
/*
 * One leak. Another thread has a block that is no leak: only that thread's stack and registers
 * point to it.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static int to_thread[2], from_thread[2];

static void *thread_main(void *arg)
{
	void *volatile block = malloc(33);
	char c = 0;

	if (write(from_thread[1], &c, 1) != 1 || read(to_thread[0], &c, 1) != 1)
		return NULL;
	free(block);
	return arg;
}

int main(void)
{
	void *volatile lost;
	pthread_t t;
	char c;

	if (pipe(to_thread) || pipe(from_thread))
		return 2;
	pthread_create(&t, NULL, thread_main, NULL);
	if (read(from_thread[0], &c, 1) != 1)
		return 2;
	lost = malloc(77);
	lost = malloc(5);
	free(lost);
	return 0;
}
