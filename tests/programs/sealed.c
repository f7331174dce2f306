// SPDX-License-Identifier: MIT
/*
 * Memory that stays as it is: mseal(2), and prctl(2)'s PR_SET_MDWE; also remap_file_pages(2), which
 * an old program may still use.
 */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_mseal
#define SYS_mseal 462
#endif
#define SET_MDWE 65
#define GET_MDWE 66
#define PAGE	 4096UL
#define RW	 (PROT_READ | PROT_WRITE)

static char *pages(unsigned n, int prot)
{
	char *p = mmap(NULL, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED);
	return p;
}

static long seal(void *p, size_t n, unsigned long flags)
{
	return syscall(SYS_mseal, p, n, flags);
}

static long at(void *p, const void *start)
{
	return p == MAP_FAILED ? -1 : (char *)p - (const char *)start;
}

CASE(sealing)
{
	char *p = pages(8, RW), *ro = pages(1, PROT_READ), *other = pages(4, RW);

	if (!check_kernel(6, 10))
		return;
	SHOW(seal(p, 0, 0));
	SHOW(seal(p + 1, PAGE, 0));
	SHOW(seal(p, PAGE, 1));
	SHOW(seal(p, ~0UL, 0));
	NEED(munmap(p + 6 * PAGE, PAGE) == 0);
	SHOW(seal(p + 5 * PAGE, 3 * PAGE, 0));
	SHOW(mprotect(p + 5 * PAGE, PAGE, PROT_READ));
	SHOW(seal(p + PAGE, 2 * PAGE, 0));
	SHOW(seal(p + PAGE, PAGE, 0));
	SHOW(munmap(p + PAGE, PAGE));
	SHOW(munmap(p, 4 * PAGE));
	SHOW(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	SHOW(mprotect(p + PAGE, PAGE, RW));
	SHOW(at(mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), p));
	SHOW(at(mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), p));
	SHOW(at(mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), p));
	SHOW(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	SHOW(seal(ro, PAGE, 0));
	SHOW(madvise(ro, PAGE, MADV_DONTNEED));
	SHOW(madvise(ro, PAGE, MADV_WILLNEED));
	SHOW(mprotect(p, PAGE, PROT_READ));
	SHOW(munmap(p, PAGE));
	p[PAGE] = 1;
	fflush(stdout);
	if (fork() == 0) {
		SHOW(munmap(p + PAGE, PAGE));
		_exit(0);
	}
	wait(NULL);
}

CASE(no_new_code)
{
	char *p = pages(1, RW), *x = pages(1, PROT_READ | PROT_EXEC);

	if (!check_kernel(6, 7))
		return;
	SHOW(prctl(GET_MDWE, 0, 0, 0, 0));
	SHOW(prctl(SET_MDWE, 2, 0, 0, 0));
	SHOW(prctl(SET_MDWE, 4, 0, 0, 0));
	SHOW(prctl(SET_MDWE, 1, 1, 0, 0));
	fflush(stdout);
	if (fork() == 0) {
		SHOW(prctl(SET_MDWE, 3, 0, 0, 0));
		SHOW(prctl(GET_MDWE, 0, 0, 0, 0));
		SHOW(prctl(SET_MDWE, 1, 0, 0, 0));
		SHOW(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
		fflush(stdout);
		if (fork() == 0) {
			SHOW(prctl(GET_MDWE, 0, 0, 0, 0));
			SHOW(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
			_exit(0);
		}
		wait(NULL);
		_exit(0);
	}
	wait(NULL);
	if (fork() == 0) {
		SHOW(prctl(SET_MDWE, 1, 0, 0, 0));
		SHOW(prctl(SET_MDWE, 0, 0, 0, 0));
		SHOW(prctl(SET_MDWE, 1, 0, 0, 0));
		SHOW_OK((long)mmap(NULL, PAGE, RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		SHOW_OK((long)mmap(NULL, PAGE, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		SHOW(mprotect(x, PAGE, PROT_READ | PROT_EXEC));
		SHOW(mprotect(x, PAGE, RW | PROT_EXEC));
		SHOW(mprotect(x, PAGE, PROT_READ));
		SHOW(mprotect(x, PAGE, PROT_READ | PROT_EXEC));
		fflush(stdout);
		if (fork() == 0) {
			SHOW(prctl(GET_MDWE, 0, 0, 0, 0));
			_exit(0);
		}
		wait(NULL);
		_exit(0);
	}
	wait(NULL);
}

CASE(pages_of_a_file_in_another_order)
{
	int fd = open("pages", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *p;

	NEED(fd >= 0);
	for (int i = 0; i < 4; i++) {
		char b[PAGE];

		memset(b, 'a' + i, PAGE);
		NEED(write(fd, b, PAGE) == (ssize_t)PAGE);
	}
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	NEED(p != MAP_FAILED);
	SHOW(syscall(SYS_remap_file_pages, p, PAGE, 0, 3UL, 0));
	SHOW(syscall(SYS_remap_file_pages, p + 3 * PAGE, PAGE, 0, 0UL, 0));
	printf("%c%c%c%c\n", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
	p[0] = 'D';
	p[3 * PAGE] = 'A';
	NEED(lseek(fd, 0, SEEK_SET) == 0);
	for (int i = 0; i < 4; i++) {
		char c;

		NEED(pread(fd, &c, 1, (off_t)(i * (int)PAGE)) == 1);
		printf("%c", c);
	}
	printf("\n");
	SHOW(syscall(SYS_remap_file_pages, p, PAGE, PROT_READ, 0UL, 0));
	SHOW(syscall(SYS_remap_file_pages, p, 0UL, 0, 0UL, 0));
	SHOW(syscall(SYS_remap_file_pages, pages(1, RW), PAGE, 0, 0UL, 0));
	munmap(p, 4 * PAGE);
	SHOW(syscall(SYS_remap_file_pages, p, PAGE, 0, 0UL, 0));
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 2 * PAGE);
	NEED(p != MAP_FAILED);
	SHOW(syscall(SYS_remap_file_pages, p, PAGE, 0, 1UL, 0));
	printf("%c%c\n", p[0], p[PAGE]);
}

/* Other settings that prctl(2) keeps or refuses. */
CASE(choices)
{
	if (!check_kernel(6, 7))
		return;
	for (int which = 0; which < 4; which++)
		SHOW(prctl(PR_GET_SPECULATION_CTRL, which, 1, 0, 0));
	SHOW(prctl(PR_GET_SPECULATION_CTRL, 99, 0, 0, 0));
	SHOW(prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_L1D_FLUSH, 0, 0, 0));
	SHOW(prctl(0x41555856, NULL, 0, 0, 0));
	SHOW(prctl(0x41555856, NULL, 0, 1, 0));
	SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	SHOW(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
	SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	SHOW(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, 3, 0, 0));
	SHOW(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 1, 0, 0));
	SHOW(prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0));
	SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	SHOW(prctl(68, 0, 0, 0, 0));
	SHOW(prctl(67, 1, 0, 0, 0));
	SHOW(prctl(68, 0, 0, 0, 0));
	SHOW(prctl(67, 0, 0, 0, 0));
}
