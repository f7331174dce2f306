// SPDX-License-Identifier: MIT
/*
 * A program that calls mmap(2) and its relatives on the addresses of the checked heap and on its
 * own objects. The heap must not be harmed: refusals are printed, and what a program may do with
 * its own objects must work. HEAP is the address of a large object.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	   4096UL
#define RANGE	   0x200000000000UL /* the guarded range: check/abi/check.h */
#define RANGE_END  0x3f0000000000UL
#define TABLES	   (RANGE + (9UL << 40)) /* check/abi/call.h */
#define TABLES_END (RANGE + (12UL << 40))

static void say(const char *what, long result)
{
	printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "0");
}

static long map_at(uintptr_t at, size_t len, int flags)
{
	void *p = mmap((void *)at, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

/* Every kind of address in the range: of objects, of tables, between and behind them. */
static void try_all(void)
{
	static const uintptr_t at[] = {
		RANGE,
		RANGE + (1UL << 30),
		RANGE + (8UL << 40),
		RANGE + (9UL << 40),
		RANGE + (10UL << 40),
		RANGE + (11UL << 40),
		RANGE + (12UL << 40),
		RANGE + (16UL << 40),
		RANGE_END - PAGE,
	};
	void *outside =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int refused[9] = {0};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		void *p = (void *)at[i];
		/* A hint does not have to be taken. */
		void *hinted = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		refused[0] += map_at(at[i], PAGE, MAP_FIXED) < 0 && errno == ENOMEM;
		refused[1] += map_at(at[i], PAGE, MAP_FIXED_NOREPLACE) < 0 && errno == EEXIST;
		refused[2] += munmap(p, PAGE) < 0 && errno == EINVAL;
		refused[3] += mremap(outside, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) ==
				      MAP_FAILED &&
			      errno == ENOMEM;
		refused[4] +=
			mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT;
		refused[5] += mprotect(p, 1UL << 30, PROT_NONE) < 0 && errno == ENOMEM;
		refused[6] += madvise(p, 1UL << 30, MADV_DONTNEED) < 0 && errno == ENOMEM;
		refused[7] += at[i] >= TABLES && at[i] < TABLES_END && mlock(p, PAGE) < 0;
		refused[8] += hinted != MAP_FAILED &&
			      ((uintptr_t)hinted < RANGE || (uintptr_t)hinted >= RANGE_END);
	}
	for (int i = 0; i < 9; i++)
		printf("%d ", refused[i]);
	printf("of %zu\n", sizeof(at) / sizeof(at[0]));
	*(char *)outside = 1;
	say("munmap all of it", munmap((void *)PAGE, (1UL << 47) - 2 * PAGE));
	say("map more than lies above it", map_at(0, 80UL << 40, 0));
}

static sigjmp_buf back;

static void on_fault(int number)
{
	(void)number;
	siglongjmp(back, 1);
}

/* Returns whether a write faults, as the program's own handler sees it. */
static bool faults(char *p)
{
	if (sigsetjmp(back, 1))
		return true;
	*(volatile char *)p = 1;
	return false;
}

/* The example of mprotect(2), and its consequences, for an object of a size. */
static void use_object(size_t size)
{
	char *p = aligned_alloc(PAGE, size);
	int status;
	pid_t child;

	signal(SIGSEGV, on_fault);
	memset(p, 7, size);
	printf("%zu:", size);
	printf(" %d", mprotect(p, size, PROT_READ));
	printf(" %d", faults(p));
	printf(" %d", mprotect(p, size, PROT_NONE));
	child = fork();
	if (child == 0) {
		/* The child sees the old content. */
		bool good = faults(p) && mprotect(p, size, PROT_READ | PROT_WRITE) == 0 &&
			    p[0] == 7 && p[size - 1] == 7 && !faults(p);
		free(p);
		free(malloc(size));
		_exit(!good);
	}
	waitpid(child, &status, 0);
	printf(" %d", status);
	printf(" %d", mprotect(p, size, PROT_READ | PROT_WRITE | PROT_EXEC));
	p[0] = (char)0xc3; /* ret */
	((void (*)(void))(uintptr_t)p)();
	printf(" %d", mlock(p, PAGE));
	printf(" %d", munlock(p, PAGE));
	printf(" %d", madvise(p, size, MADV_DONTNEED));
	printf(" %d", p[0] | p[size - 1]);
	printf(" %d", madvise(p, size, MADV_HUGEPAGE) < 0 && errno != EINVAL);
	printf(" %d", madvise(p, size, MADV_DONTFORK));
	printf(" %d", madvise(p, size, MADV_DOFORK));
	memset(p, 8, size);
	printf(" %d", mprotect(p, size, PROT_READ | PROT_WRITE));
	child = fork();
	if (child == 0)
		_exit(0);
	waitpid(child, &status, 0);
	printf(" %d\n", status);
	free(p);
}

/*
 * Code in small objects: the program may make their pages executable, whether or not other objects
 * share them.
 */
static void run_small(void)
{
	char *p[60];
	int status, good = 0;
	pid_t child;

	signal(SIGSEGV, SIG_DFL);
	for (int i = 0; i < 60; i++) {
		uintptr_t page;

		p[i] = malloc(40);
		page = (uintptr_t)p[i] & ~(PAGE - 1);
		p[i][0] = (char)0xc3;
		p[i][1] = (char)i;
		good += mprotect((void *)page, PAGE, PROT_READ | PROT_EXEC) == 0;
		((void (*)(void))(uintptr_t)p[i])();
		mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
		p[i][2] = (char)(i + 1);
	}
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 60; i++) {
			if (p[i][1] != (char)i || p[i][2] != (char)(i + 1))
				_exit(1);
			p[i][3] = 1;
			free(p[i]);
		}
		_exit(0);
	}
	waitpid(child, &status, 0);
	printf("small: %d, %d\n", good, status);
	for (int i = 0; i < 60; i++)
		free(p[i]);
}

int main(int argc, char **argv)
{
	/* Some objects of each kind, so that there is something to destroy. */
	char *p[400];

	for (int i = 0; i < 400; i++) {
		p[i] = malloc(24 + i * 30 % 3000);
		memset(p[i], i, 24);
	}
	if (argc > 1 && strcmp(argv[1], "objects") == 0) {
		use_object(PAGE);
		use_object(16 * PAGE);
		use_object(300 * PAGE);
		run_small();
	} else {
		try_all();
	}
	for (int i = 0; i < 400; i++) {
		if (p[i][0] != (char)i || p[i][23] != (char)i)
			return 1;
		free(p[i]);
	}
	printf("done\n");
	return 0;
}
