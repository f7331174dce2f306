// SPDX-License-Identifier: MIT
/*
 * Single figures of a heap: "pair SIZE COUNT" prints the nanoseconds of a malloc and its free;
 * "live SIZE COUNT" keeps this many objects, touched, and prints nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void pair(size_t size, long count)
{
	double start = now();

	for (long i = 0; i < count; i++) {
		char *volatile p = malloc(size);
		p[0] = 1;
		free(p);
	}
	printf("%.1f\n", (now() - start) / count);
}

static void live(size_t size, long count)
{
	char **p = malloc(count * sizeof(*p) + 1);

	for (long i = 0; i < count; i++)
		memset(p[i] = malloc(size), 1, size);
	for (long i = 0; i < count; i++)
		free(p[i]);
	free(p);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	(strcmp(argv[1], "pair") == 0 ? pair : live)(strtoul(argv[2], NULL, 10), atol(argv[3]));
	return 0;
}
