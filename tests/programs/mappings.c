// SPDX-License-Identifier: MIT
/*
 * Does memory behave as natively after thousands of random calls? mmap, munmap, mprotect, mremap,
 * madvise and reads and writes of files by the kernel hit one region, and after each the program
 * reads and writes at random places there, faults included. All that is seen goes into one number.
 */
#include "check.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	 4096UL
#define PAGES	 1024UL
#define REGION	 ((char *)0x200000000000)
#define FILESIZE (700 * PAGE + 123)
#define CALLS	 2000
#define TOUCHES	 30 /* after each */

static uint64_t seed, seen;
static sigjmp_buf fault;
static volatile int fault_signal, fault_code;
static int shared_fd, program_fd;

static unsigned random_below(unsigned n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned)(seed >> 33) % n;
}

/* FNV-1a. */
static void see(uint64_t value)
{
	seen = (seen ^ value) * 1099511628211UL;
}

static void on_fault(int sig, siginfo_t *si, void *context)
{
	(void)context;
	fault_signal = sig;
	fault_code = si->si_code;
	siglongjmp(fault, 1);
}

static void touch(void)
{
	volatile char *p = REGION + random_below(PAGES) * PAGE + random_below(PAGE);
	char value = (char)random_below(256);
	bool write = random_below(2);
	volatile char got = 0;

	fault_signal = fault_code = 0;
	if (!sigsetjmp(fault, 1)) {
		if (write)
			*p = value;
		else
			got = *p;
	}
	see((uint64_t)fault_signal << 16 | (uint64_t)fault_code << 8 | (unsigned char)got);
}

static size_t clip(const char *start, size_t len)
{
	size_t room = (size_t)(REGION + PAGES * PAGE - start);

	return len < room ? len : room;
}

/* Makes one random call; returns whether it failed, and why. */
static long call(void)
{
	static const int prots[] = {PROT_NONE,
				    PROT_READ,
				    PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_EXEC,
				    PROT_READ | PROT_WRITE | PROT_EXEC};
	char *p = REGION + random_below(PAGES) * PAGE, *to = REGION + random_below(PAGES) * PAGE;
	size_t len = clip(p, (1 + random_below(random_below(5) ? 20 : 400)) * PAGE);
	int prot = prots[random_below(sizeof(prots) / sizeof(prots[0]))];
	const int anon = MAP_ANONYMOUS | MAP_FIXED;
	off_t offset = random_below(600) * (off_t)PAGE;
	size_t bytes = random_below(30000), skip = random_below(PAGE);

	switch (random_below(13)) {
	case 0:
	case 1:
		return mmap(p, len, prot, MAP_PRIVATE | anon, -1, 0) == p;
	case 2:
		return mmap(p, len, prot, MAP_SHARED | anon, -1, 0) == p;
	case 3:
		return mmap(p, len, prot, MAP_PRIVATE | anon | MAP_FIXED_NOREPLACE, -1, 0) == p;
	case 4:
		return mmap(p, len, prot, MAP_PRIVATE | MAP_FIXED, program_fd, 0) == p;
	case 5:
		return mmap(p, len, prot, MAP_SHARED | MAP_FIXED, shared_fd, offset) == p;
	case 6:
		return munmap(p, len);
	case 7:
	case 8:
		return mprotect(p, len, prot);
	case 9:
		return madvise(p, len, MADV_DONTNEED);
	case 10:
		/*
		 * One page only: what happens to several mappings at once depends on the version.
		 */
		return p == to || mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
	case 11:
		return pread(program_fd, p + skip, bytes, offset % 65536);
	default:
		return pwrite(shared_fd, p + skip, bytes, offset);
	}
}

static uint64_t storm(uint64_t start)
{
	seed = start;
	seen = 14695981039346656037UL;
	munmap(REGION, PAGES * PAGE);
	for (unsigned i = 0; i < CALLS; i++) {
		errno = 0;
		see((uint64_t)call());
		see((uint64_t)errno);
		for (unsigned n = 0; n < TOUCHES; n++)
			touch();
	}
	return seen;
}

CASE(random_mappings)
{
	const struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	char byte[1];

	NEED(sigaction(SIGSEGV, &sa, NULL) == 0 && sigaction(SIGBUS, &sa, NULL) == 0);
	shared_fd = open("shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
	program_fd = open("/bin/bash", O_RDONLY);
	NEED(shared_fd >= 0 && program_fd >= 0);
	for (uint64_t i = 1; i <= 3; i++) {
		NEED(ftruncate(shared_fd, 0) == 0 && ftruncate(shared_fd, FILESIZE) == 0);
		for (off_t at = 0; at < (off_t)FILESIZE; at += 997) {
			byte[0] = (char)(at / 997);
			NEED(pwrite(shared_fd, byte, 1, at) == 1);
		}
		printf("  %2lu: %016lx\n", i, storm(i));
	}
	munmap(REGION, PAGES * PAGE);
	close(shared_fd);
	close(program_fd);
}
