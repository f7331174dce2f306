// SPDX-License-Identifier: MIT
/*
 * Bugs whose bad access is made inside the C library, so that its caller is to blame. The library
 * chooses the width of the accesses.
 */
#define _GNU_SOURCE
#include "bug.h"

#include <ctype.h>
#include <stdarg.h>

static char *filled(size_t size)
{
	return memset(malloc(size), 'x', size);
}

BUG(strcpy_past, "heap-overflow write ? at ? of 16; in=..,strcpy_past")
{
	char *p = malloc(bad ? 16 : 32);
	strcpy(hide(p), hide("a text of 26 characters..."));
	free(p);
}

BUG(strcat_past, "heap-overflow write ? at ? of 32; in=..,strcat_past")
{
	char *p = malloc(bad ? 32 : 64);
	strcpy(p, "twenty characters...");
	strcat(hide(p), hide("and sixteen more"));
	free(p);
}

BUG(strncpy_past, "heap-overflow write ? at ? of 64; in=..,strncpy_past")
{
	char *p = malloc(64);
	strncpy(hide(p), hide("short"), bad ? 200 : 64);
	free(p);
}

BUG(memcpy_past, "heap-overflow write ? at ? of 256; in=..,memcpy_past")
{
	char *from = filled(1024), *to = malloc(256);
	memcpy(hide(to), hide(from), bad ? 300 : 256);
	free(from);
	free(to);
}

BUG(memcpy_from_past, "heap-overflow read ? at ? of 256; in=..,memcpy_from_past; "
		      "alloc=filled,memcpy_from_past")
{
	char *from = filled(256), *to = malloc(1024);
	memcpy(hide(to), hide(from), bad ? 300 : 256);
	free(from);
	free(to);
}

BUG(memmove_past,
    "heap-overflow write ? at ? of 512; in=..,memmove_past; alloc=filled,memmove_past")
{
	char *p = filled(512);
	memmove((char *)hide(p) + (bad ? 16 : 8), hide(p), 504);
	free(p);
}

BUG(memset_past, "heap-overflow write ? at ? of 96; in=..,memset_past")
{
	char *p = malloc(96);
	memset(hide(p), 0, bad ? 97 : 96);
	free(p);
}

BUG(memset_released, "heap-use-after-free write ? at ? of 96; in=..,memset_released")
{
	char *p = malloc(96);
	if (bad)
		free(p);
	memset(hide(p), 0, 96);
	if (!bad)
		free(p);
}

BUG(memcpy_from_released, "heap-use-after-free read ? at ? of 128; in=..,memcpy_from_released; "
			  "alloc=filled,memcpy_from_released")
{
	char copy[128], *p = filled(128);
	if (bad)
		free(p);
	memcpy(hide(copy), hide(p), 128);
	if (!bad)
		free(p);
}

BUG(memcmp_past, "heap-overflow read ? at ? of 48; in=..,memcmp_past; alloc=filled,memcmp_past")
{
	char *a = filled(96), *b = filled(48);
	sink = memcmp(hide(a), hide(b), bad ? 96 : 48);
	free(a);
	free(b);
}

BUG(strlen_without_end,
    "heap-overflow read ? at ? of 64; in=..,strlen_without_end; alloc=filled,strlen_without_end")
{
	char *p = filled(64);
	if (!bad)
		p[63] = 0;
	sink = strlen(hide(p));
	free(p);
}

BUG(strlen_released,
    "heap-use-after-free read ? at ? of 6; in=..,strlen_released; alloc=..,strlen_released")
{
	char *p = strdup("hello");
	if (bad)
		free(p);
	sink = strlen(hide(p));
	if (!bad)
		free(p);
}

BUG(strchr_without_end,
    "heap-overflow read ? at ? of 32; in=..,strchr_without_end; alloc=filled,strchr_without_end")
{
	char *p = filled(32);
	if (!bad)
		p[31] = 0;
	sink = strchr(hide(p), 'y') != NULL;
	free(p);
}

BUG(strcmp_released, "heap-use-after-free read ? at ? of 16; in=..,strcmp_released")
{
	char *p = strcpy(malloc(16), "key");
	if (bad)
		free(p);
	sink = strcmp(hide(p), hide("key"));
	if (!bad)
		free(p);
}

BUG(sprintf_past, "heap-overflow write ? at ? of 16; in=..,sprintf_past")
{
	char *p = malloc(16);
	sprintf(hide(p), hide("%s is %d"), bad ? "the answer to all" : "it", 42);
	free(p);
}

BUG(snprintf_wrong_size, "heap-overflow write ? at ? of 16; in=..,snprintf_wrong_size")
{
	char *p = malloc(16);
	snprintf(hide(p), bad ? 64 : 16, hide("%d %d %d %d"), 12345, 67890, 12345, 67890);
	free(p);
}

BUG(printf_of_released, "heap-use-after-free read ? at ? of 32; in=..,printf_of_released")
{
	char *p = strcpy(malloc(32), "printed");
	if (bad)
		free(p);
	printf("%s\n", (char *)hide(p));
	if (!bad)
		free(p);
}

static int compare_ints(const void *a, const void *b)
{
	int x = *(const volatile int *)a, y = *(const volatile int *)b;
	return (x > y) - (x < y);
}

BUG(qsort_one_too_many,
    "heap-overflow read 4 at 64 of 64; in=compare_ints,..,qsort_one_too_many; only dynamic static")
{
	int *p = calloc(16, 4);
	for (int i = 0; i < 16; i++)
		p[i] = 16 - i;
	qsort(hide(p), bad ? 17 : 16, 4, compare_ints);
	free(p);
}

BUG(bsearch_released, "heap-use-after-free read 4 at ? of 64; in=compare_ints,..,bsearch_released")
{
	int *p = calloc(16, 4), key = 7;
	if (bad)
		free(p);
	sink = bsearch(&key, hide(p), 16, 4, compare_ints) != NULL;
	if (!bad)
		free(p);
}

BUG(strtol_past, "heap-overflow read 1 at 16 of 16; in=..,strtol_past")
{
	char *p = memset(malloc(16), '7', 16);
	p[0] = '0';
	if (!bad)
		p[15] = 0;
	sink = strtol(hide(p), NULL, 10);
	free(p);
}

BUG(strdup_without_end,
    "heap-overflow read ? at ? of 64; in=..,strdup_without_end; alloc=filled,strdup_without_end")
{
	char *p = filled(64);
	if (!bad)
		p[63] = 0;
	free(strdup(hide(p)));
	free(p);
}

BUG(getline_buffer_kept, "heap-use-after-realloc|heap-use-after-free read 1 at 0 of ?; "
			 "alloc=..,getline_buffer_kept; free=..,getline_buffer_kept")
{
	static char text[4096];
	memset(text, 'a', sizeof(text));
	text[10] = '\n';
	text[4094] = '\n';
	FILE *f = fmemopen(text, sizeof(text) - 1, "r");
	char *line = NULL, *first;
	size_t size = 0;
	sink = getline(&line, &size, f);
	first = hide(line);
	sink = getline(&line, &size, f);
	sink = *(volatile char *)(bad ? first : line);
	free(line);
	fclose(f);
}

BUG(closed_stream, "heap-use-after-free read|write ? at ? of ?; in=..,closed_stream; "
		   "alloc=..,closed_stream; free=..,closed_stream")
{
	FILE *f = fopen("/dev/null", "w"), *stale = hide(f);
	if (bad)
		fclose(f);
	fputs("text", stale);
	if (!bad)
		fclose(f);
}

BUG(strtok_of_released, "heap-use-after-free read ? at ? of 32; in=..,strtok_of_released")
{
	char *p = strcpy(malloc(32), "one two three");
	sink = *strtok(p, " ");
	if (bad)
		free(p);
	sink = *strtok(NULL, " ");
	if (!bad)
		free(p);
}

static void format(char *out, const char *text, ...)
{
	va_list args;
	va_start(args, text);
	vsprintf(out, text, args);
	va_end(args);
}

BUG(vsprintf_past, "heap-overflow write ? at ? of 32; in=..,format,vsprintf_past")
{
	char *p = malloc(32);
	format(hide(p), "%0*d", bad ? 40 : 20, 1);
	free(p);
}
