// SPDX-License-Identifier: MIT
/* Threads that use memory rightly, and then the bug that the named sanitizer finds. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int guarded, unguarded;

static void *right(void *arg)
{
	char *text = malloc(100);

	memset(text, 'x', 100);
	pthread_mutex_lock(&lock);
	guarded += text[99] == 'x';
	pthread_mutex_unlock(&lock);
	free(text);
	return arg;
}

static void *racing(void *arg)
{
	for (int i = 0; i < 1000; i++)
		unguarded++;
	return arg;
}

static void in_threads(void *(*body)(void *))
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, body, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	const char *bug = argc > 1 ? argv[1] : "none";
	volatile int *numbers = malloc(4 * sizeof(*numbers)), shift = 40;

	in_threads(right);
	printf("%d\n", guarded);
	fflush(stdout);
	if (!strcmp(bug, "thread"))
		in_threads(racing);
	else if (!strcmp(bug, "memory") && numbers[1])
		puts("something");
	else if (!strcmp(bug, "address"))
		numbers[4] = 1;
	else if (!strcmp(bug, "undefined"))
		numbers[0] = 1 << shift;
	free((void *)numbers);
	return 0;
}
