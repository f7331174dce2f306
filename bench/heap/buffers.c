// SPDX-License-Identifier: MIT
/*
 * Buffers that grow by realloc while lines are put together, and lines that live for a while.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	enum { LINES = 1024 };
	static char *line[LINES];
	long scale = argc > 1 ? atol(argv[1]) : 100, total = 0;
	unsigned state = 1;

	for (long i = 0; i < scale * 100; i++) {
		size_t length = 0, room = 16;
		char *buffer = malloc(room);
		int parts = (state = state * 1103515245 + 12345) >> 27;

		while (parts--) {
			if (length + 12 > room)
				buffer = realloc(buffer, room *= 2);
			memcpy(buffer + length, "some text..", 11);
			length += 11;
		}
		buffer[length] = 0;
		total += length;
		free(line[i % LINES]);
		line[i % LINES] = buffer;
	}
	printf("%ld\n", total);
	return 0;
}
