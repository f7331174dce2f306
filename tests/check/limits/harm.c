// SPDX-License-Identifier: MIT
/*
 * A program that damages what `buffervm check` keeps in its memory, or calls the guest kernel as
 * the heap library does, with nonsense. The program itself may suffer; the kernel and other
 * processes must not. A child does each damage, with another seed each time.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check/abi/call.h"

#define SEEDS 6

static unsigned state;

static unsigned number(void)
{
	state = state * 1103515245 + 12345;
	return state >> 8;
}

/* Overwrites some bytes of [at, at + size), mostly with small values, as counts and states are. */
static void scribble(char *at, size_t size)
{
	for (int i = 0; i < 400; i++)
		at[(number() << 12 ^ number()) % size] =
			(char)(number() % 3 ? number() % 6 : number());
}

static void harm_slots(void)
{
	scribble((char *)CHK_SLOT_TABLE, 3 * CHK_SPAN_SLOTS * sizeof(struct chk_slot));
}

static void harm_spans(void)
{
	scribble((char *)CHK_SPAN_TABLE, 8 * sizeof(struct chk_span));
}

static void harm_aliases(void)
{
	scribble((char *)CHK_ALIAS_TABLE, 200 * sizeof(uint64_t));
}

/* The library's own data: the writable mappings of its file, and what follows them. */
static void harm_library(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end, until = 0;
	char prot[5];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &start, &end, prot) != 3 || prot[1] != 'w')
			continue;
		if (strstr(line, "heap.so") || start == until) {
			scribble((char *)start, end - start);
			until = end;
		}
	}
	if (maps)
		fclose(maps);
}

static void harm_calls(void)
{
	static const unsigned long odd[] = {0,
					    1,
					    8,
					    64,
					    4096,
					    ~0UL,
					    1UL << 63,
					    CHK_BASE_AREA,
					    CHK_ALIAS_AREA,
					    CHK_SLOT_TABLE,
					    CHK_GUARDED_END};
	unsigned long buffer[64], arg[4];

	for (int i = 0; i < 2000; i++) {
		for (int k = 0; k < 64; k++)
			buffer[k] = odd[number() % 11] + number() % 3 * 16;
		for (int k = 0; k < 4; k++)
			arg[k] = number() % 3 == 0   ? (unsigned long)buffer
				 : number() % 2 == 0 ? odd[number() % 11]
						     : number() % 70;
		/*
		 * harm_library covers starts and unwinders of the program's own; the next case
		 * covers bugs.
		 */
		if (i % CHK_CALLS != CHK_CALL_BUG)
			syscall(CHK_CALL_BASE + i % CHK_CALLS, arg[0], arg[1], arg[2], arg[3], 0,
				0);
	}
}

static void harm_reports(void)
{
	struct chk_bug bug;

	for (int i = 0; i < 20; i++) {
		for (size_t k = 0; k < sizeof(bug); k++)
			((unsigned char *)&bug)[k] = (unsigned char)(number() % 4 ? 0 : number());
		bug.kind = number() % (CHECK_KINDS + 2);
		bug.fn = number() % (CHK_FUNCTIONS + 2);
		syscall(CHK_CALL_BASE + CHK_CALL_BUG, &bug, 0, 0, 0, 0, 0);
	}
}

static void *keep[300];

/* Some objects of each kind, so that what was damaged is used. */
static void use_heap(void)
{
	for (int i = 0; i < 1500; i++) {
		void **p = &keep[number() % 300];

		if (number() % 4 == 0) {
			*p = realloc(*p, 1 + number() % 3000);
		} else {
			free(*p);
			*p = number() % 3 ? malloc(number() % 2500) : NULL;
		}
	}
	if (fork() == 0)
		_exit(0);
	wait(NULL);
}

int main(void)
{
	static void (*const harm[])(void) = {harm_slots,   harm_spans, harm_aliases,
					     harm_library, harm_calls, harm_reports};
	int children = 0;

	for (int i = 0; i < 300; i++)
		keep[i] = malloc(8 + i * 7);
	for (unsigned i = 0; i < sizeof(harm) / sizeof(harm[0]); i++) {
		for (unsigned seed = 0; seed < SEEDS; seed++) {
			pid_t child = fork();

			if (child == 0) {
				state = seed * 77 + i;
				alarm(1);
				use_heap();
				harm[i]();
				use_heap();
				exit(0);
			}
			if (waitpid(child, NULL, 0) == child)
				children++;
		}
	}
	for (int i = 0; i < 300; i++)
		free(keep[i]);
	printf("%d children are gone\n", children);
	return 0;
}
