// SPDX-License-Identifier: MIT
/*
 * Pointers that never pointed to an object: NULL, garbage, the end of the stack. The program dies
 * natively too; the report has to say what the pointer was.
 */
#define _GNU_SOURCE
#include "bug.h"

#include <pthread.h>
#include <sys/mman.h>

struct big {
	char space[4000];
	long field;
};

static long field_of(const struct big *b)
{
	return ((const volatile struct big *)b)->field;
}

BUG(null_read, "null-pointer read 4")
{
	int here = 1;
	sink = *(volatile int *)(bad ? hide(NULL) : &here);
}

BUG(null_write, "null-pointer write 8")
{
	long here;
	*(volatile long *)(bad ? hide(NULL) : &here) = 1;
}

BUG(null_field, "null-pointer read 8; in=field_of,null_field")
{
	static struct big here;
	sink = field_of(bad ? hide(NULL) : &here);
}

BUG(null_call, "null-pointer exec; in=..,null_call")
{
	int (*call)(void) = (int (*)(void))(uintptr_t)(bad ? hide(NULL) : hide((void *)rand));
	sink = call();
}

BUG(wild_read, "wild-pointer read 1")
{
	char here = 0;
	sink = *(volatile char *)(bad ? hide((void *)0x123456789abc) : &here);
}

BUG(not_canonical, "wild-pointer write 1")
{
	char here;
	*(volatile char *)(bad ? hide((void *)0xdeadbeefdeadbeef) : &here) = 1;
}

/* The C library's vector instructions, which the host's CPU may lack. */
BUG(not_canonical_string, "wild-pointer read; in=..,not_canonical_string")
{
	sink = strlen(bad ? hide((void *)0x4141414141414141) : "text");
}

/* The CPU reports only the refusal. The address has to be computed from the instruction. */
BUG(not_canonical_call, "wild-pointer exec; in=not_canonical_call")
{
	int (*call)(void) = (int (*)(void))(uintptr_t)(bad ? hide((void *)0xdeadbeefdeadbeef)
							   : hide((void *)rand));
	sink = call();
}

BUG(read_only_data, "wild-pointer write 1")
{
	static const char text[] = "constant";
	char here[8];
	((volatile char *)(bad ? hide(text) : here))[0] = 'C';
}

BUG(unmapped_again, "wild-pointer read 1")
{
	char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bad)
		munmap(map, 4096);
	sink = *(volatile char *)map;
	if (!bad)
		munmap(map, 4096);
}

static void recurse(volatile long depth)
{
	volatile char frame[1024];
	frame[0] = depth;
	if (depth > 0)
		recurse(depth - 1);
	sink += frame[0];
}

BUG(endless_recursion, "stack-overflow write ?; in=recurse,recurse")
{
	recurse(bad ? 1L << 40 : 100);
}

static void *recurse_in_thread(void *unused)
{
	recurse(bad ? 1L << 40 : 10);
	return unused;
}

BUG(thread_recursion, "stack-overflow write ?; in=recurse,recurse")
{
	pthread_t thread;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 262144);
	pthread_create(&thread, &attributes, recurse_in_thread, NULL);
	pthread_join(thread, NULL);
}

/* Data that is executed: the heap is not executable. */
BUG(call_of_data, "wild-pointer exec; in=..,call_of_data")
{
	static unsigned char data[16] = {0xc3};
	void (*call)(void) = (void (*)(void))(uintptr_t)hide(data);
	if (bad)
		call();
}
