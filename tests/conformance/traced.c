// SPDX-License-Identifier: MIT
/*
 * The program that the debuggers of the conformance cases look at: calls in a thread, and in a
 * child.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int total;

__attribute__((noinline)) int add(int n)
{
	total += n;
	return total;
}

static void *thread_main(void *arg)
{
	for (int i = 1; i <= 3; i++)
		add(i);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_main, NULL);
	pthread_join(t, NULL);
	printf("%d\n", add(10));
	fflush(stdout);
	if (argc > 1 && !strcmp(argv[1], "fork")) {
		int status;

		if (fork() == 0)
			_exit(add(100) == 116 ? 3 : 4);
		wait(&status);
		return WEXITSTATUS(status);
	}
	return 0;
}
