// SPDX-License-Identifier: MIT
/* Mapped memory: do mappings, protections, moves and advice behave as Linux's do? */
#include "check.h"
#include "probe.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096UL
#define MIB  (1UL << 20)
#define GIB  (1UL << 30)

static char *map(size_t len, int prot, int flags)
{
	char *p = mmap(NULL, len, prot, flags | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED);
	return p;
}

static char *map_rw(size_t len)
{
	return map(len, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static bool is_filled(const char *p, size_t len, char with)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != with)
			return false;
	return true;
}

/* A file of this many bytes: page n begins with the letter 'A' + n, the rest is that letter. */
static int make_file(const char *name, size_t len)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char page[PAGE];

	NEED(fd >= 0);
	for (size_t done = 0; done < len; done += PAGE) {
		size_t n = len - done < PAGE ? len - done : PAGE;

		memset(page, 'A' + done / PAGE % 26, n);
		NEED(write(fd, page, n) == (ssize_t)n);
	}
	return fd;
}

CASE(anonymous)
{
	char *p = map_rw(16 * PAGE);

	CHECK((uintptr_t)p % PAGE == 0);
	CHECK(is_filled(p, 16 * PAGE, 0));
	memset(p, 'x', 16 * PAGE);
	SHOW(munmap(p + PAGE, PAGE));
	SHOW_READ(p);
	SHOW_READ(p + PAGE);
	SHOW_READ(p + 2 * PAGE);
	CHECK(is_filled(p + 2 * PAGE, 14 * PAGE, 'x'));
	SHOW(munmap(p, 16 * PAGE));
	SHOW(munmap(p, 16 * PAGE)); /* An unmapped range is no error. */
	SHOW_WRITE(p);
}

CASE(bad_arguments)
{
	char *p = map_rw(4 * PAGE);

	SHOW((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SHOW((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
	SHOW((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0));
	SHOW((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1));
	SHOW((long)mmap(p + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	SHOW((long)mmap(NULL, 1UL << 48, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SHOW((long)mmap(NULL, -PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	/* The first address that no paging mode has for programs. */
	SHOW((long)mmap((void *)0xfffffffffff000, PAGE, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	SHOW((long)mmap((void *)0xffff800000000000, PAGE, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	SHOW(munmap(p + 1, PAGE));
	SHOW(munmap(p, 0));
	SHOW(munmap((void *)-PAGE, PAGE));
	SHOW(mprotect(p + 1, PAGE, PROT_READ));
	SHOW(mprotect(p, 0, PROT_READ));
	SHOW(mprotect(p, PAGE, 0x1000));
	NEED(munmap(p + 2 * PAGE, PAGE) == 0);
	SHOW(mprotect(p, 4 * PAGE, PROT_READ));
	SHOW_WRITE(p + PAGE); /* the part before the hole was changed */
	SHOW_WRITE(p + 3 * PAGE);
	int fd = open(".", O_RDONLY);
	SHOW((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	fd = make_file("wo", PAGE);
	close(fd);
	fd = open("wo", O_WRONLY);
	SHOW((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	fd = open("wo", O_RDONLY);
	SHOW((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0));
	SHOW((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100));
	char *ro = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	SHOW(mprotect(ro, PAGE, PROT_READ | PROT_WRITE));
	close(fd);
}

CASE(fixed_and_hints)
{
	char *p = map_rw(8 * PAGE), *q;

	memset(p, 'o', 8 * PAGE);
	q = mmap(p + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == p + 2 * PAGE);
	CHECK(is_filled(q, 2 * PAGE, 0));
	CHECK(is_filled(p, 2 * PAGE, 'o'));
	CHECK(is_filled(p + 4 * PAGE, 4 * PAGE, 'o'));
	SHOW((long)mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			0));
	NEED(munmap(p + PAGE, PAGE) == 0);
	q = mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0);
	CHECK(q == p + PAGE);
	q = mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q != p + PAGE); /* The hint is taken. */
	NEED(munmap(p, 8 * PAGE) == 0);
	q = mmap(p + 123, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK((uintptr_t)q % PAGE == 0);
	q = mmap((void *)0xc000000000, 64 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q == (void *)0xc000000000);
	q = mmap((void *)0x10000, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q == (void *)0x10000);
	q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
		 0);
	CHECK((uintptr_t)q < 1UL << 31);
}

CASE(top_down_and_adjacent)
{
	char *a = map_rw(PAGE), *b = map_rw(PAGE);

	CHECK(b + PAGE == a || b < a || b > a);
	CHECK((uintptr_t)a > 0x100000000000);
}

CASE(protection)
{
	char *p = map_rw(4 * PAGE);

	p[PAGE] = 'a';
	SHOW(mprotect(p + PAGE, PAGE, PROT_READ));
	SHOW_READ(p + PAGE);
	SHOW_WRITE(p + PAGE);
	CHECK(p[PAGE] == 'a');
	SHOW(mprotect(p + PAGE, PAGE, PROT_NONE));
	SHOW_READ(p + PAGE);
	SHOW(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
	CHECK(p[PAGE] == 'a');
	SHOW_WRITE(p + PAGE);
	SHOW_WRITE(p + 2 * PAGE);
	SHOW(mprotect(p, 4 * PAGE, PROT_READ));
	SHOW_WRITE(p + 3 * PAGE); /* never touched before */
	SHOW_READ(p + 3 * PAGE);
	SHOW(mprotect(p, 4 * PAGE, PROT_WRITE)); /* x86: implies reading */
	SHOW_READ(p);
	SHOW_WRITE(p);
	munmap(p, 4 * PAGE);
}

CASE(execute)
{
	static const unsigned char ret = 0xc3;
	char *p = map_rw(PAGE), *q;

	*p = (char)ret;
	SHOW_EXECUTE(p);
	SHOW(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	SHOW_EXECUTE(p);
	SHOW_WRITE(p);
	SHOW(mprotect(p, PAGE, PROT_READ));
	SHOW_EXECUTE(p);
	q = map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
	*q = (char)ret;
	SHOW_EXECUTE(q);
	SHOW_WRITE(q);
	/* Code that is changed and executed again at once. */
	static const unsigned char return_1[] = {0xb8, 1, 0, 0, 0, 0xc3};
	int sum = 0;
	memcpy(q, return_1, sizeof(return_1));
	for (int i = 0; i < 100; i++) {
		q[1] = (char)i;
		sum += ((int (*)(void))(uintptr_t)q)();
	}
	SHOW(sum);
	char on_stack[16] = {(char)ret};
	SHOW_EXECUTE(on_stack);
	static char in_data[16] = {(char)0xc3};
	SHOW_EXECUTE(in_data);
	SHOW_EXECUTE((void *)0x10);
	SHOW_EXECUTE((void *)0x8000000000000000);
	SHOW_READ((void *)0xffffffff80000000);
	SHOW_READ((void *)0x8000000000000000);
}

CASE(text_is_read_only)
{
	extern int main(int argc, char **argv);

	SHOW_READ((char *)(uintptr_t)main);
	SHOW_WRITE((char *)(uintptr_t)main);
	SHOW_WRITE((char *)"a string literal");
	SHOW_READ((char *)NULL);
	SHOW_WRITE((char *)100);
}

CASE(file_private)
{
	int fd = make_file("private", 3 * PAGE);
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), c;
	char *q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE);

	NEED(p != MAP_FAILED && q != MAP_FAILED);
	printf("  %c %c %c, %c\n", p[0], p[PAGE], p[2 * PAGE], *q);
	p[0] = 'z';
	NEED(pread(fd, &c, 1, 0) == 1);
	CHECK(c == 'A');
	NEED(pwrite(fd, "y", 1, PAGE) == 1);
	CHECK(p[PAGE] == 'y'); /* Not written yet: the page is still the file's. */
	p[2 * PAGE + 1] = 'z';
	NEED(pwrite(fd, "x", 1, 2 * PAGE) == 1);
	CHECK(p[2 * PAGE] == 'C');
	CHECK(*q == 'x');
	close(fd);
	CHECK(p[PAGE + 1] == 'B');
	SHOW_WRITE(q);
	munmap(p, 3 * PAGE);
	munmap(q, PAGE);
}

CASE(file_shared)
{
	int fd = make_file("shared", 3 * PAGE);
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	char data[4] = "";

	NEED(p != MAP_FAILED && q != MAP_FAILED);
	p[PAGE] = 'm';
	CHECK(*q == 'm');
	SHOW(pread(fd, data, 2, PAGE));
	printf("  file has \"%s\"\n", data);
	NEED(pwrite(fd, "w", 1, PAGE + 1) == 1);
	CHECK(p[PAGE + 1] == 'w' && q[1] == 'w');
	SHOW(msync(p, 3 * PAGE, MS_SYNC));
	SHOW(msync(p, 3 * PAGE, MS_ASYNC));
	SHOW(msync(p, 3 * PAGE, MS_ASYNC | MS_SYNC));
	SHOW(msync(p + 1, PAGE, MS_SYNC));
	SHOW(munmap(p + PAGE, PAGE));
	SHOW(msync(p, 3 * PAGE, MS_SYNC));
	p[2 * PAGE] = 'e';
	close(fd);
	munmap(p, PAGE);
	munmap(p + 2 * PAGE, PAGE);
	fd = open("shared", O_RDONLY);
	SHOW(pread(fd, data, 1, 2 * PAGE));
	printf("  file has \"%.1s\"\n", data);
	close(fd);
}

CASE(file_tail)
{
	int fd = make_file("tail", PAGE + 100);
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char *s = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct stat st;

	CHECK(p[PAGE + 99] == 'B' && p[PAGE + 100] == 0 && p[2 * PAGE - 1] == 0);
	SHOW_READ(p + 2 * PAGE);
	SHOW_READ(s + 2 * PAGE);
	SHOW_WRITE(s + 3 * PAGE);
	s[PAGE + 200] = 'q'; /* Behind the file's end: not part of the file. */
	SHOW(ftruncate(fd, 3 * PAGE));
	SHOW_READ(s + 2 * PAGE);
	SHOW_READ(p + 2 * PAGE);
	SHOW_READ(p + 3 * PAGE);
	SHOW(fstat(fd, &st));
	CHECK(st.st_size == 3 * PAGE);
	SHOW(ftruncate(fd, 10));
	SHOW_READ(s + 2 * PAGE);
	SHOW_READ(s + PAGE);
	CHECK(s[9] == 'A' && s[10] == 0);
	SHOW(ftruncate(fd, 2 * PAGE));
	SHOW_READ(s + PAGE);
	CHECK(s[PAGE] == 0);
	close(fd);
	munmap(p, 4 * PAGE);
	munmap(s, 4 * PAGE);
}

CASE(private_copy_survives_truncation)
{
	int fd = make_file("cut", 2 * PAGE);
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	p[0] = 'w';
	SHOW(ftruncate(fd, 0));
	SHOW_READ(p + PAGE);
	/* Truncation takes private copies away too. */
	SHOW_READ(p);
	close(fd);
	munmap(p, 2 * PAGE);
}

CASE(reads_into_mappings)
{
	int fd = make_file("source", 600 * PAGE);
	char *p = map_rw(600 * PAGE);
	ssize_t n;

	NEED(mprotect(p + 100 * PAGE, PAGE, PROT_READ) == 0);
	NEED(munmap(p + 500 * PAGE, PAGE) == 0);
	SHOW(lseek(fd, 0, SEEK_SET));
	n = read(fd, p + 101 * PAGE, 599 * PAGE);
	CHECK(n == (ssize_t)(399 * PAGE)); /* up to the hole */
	CHECK(p[101 * PAGE] == 'A' && p[102 * PAGE] == 'B');
	SHOW(pread(fd, p + 100 * PAGE, 10, 0));
	n = pread(fd, p + 100 * PAGE - 5, 10, 0);
	CHECK(n == 5 || (n == -1 && errno == EFAULT));
	SHOW(pread(fd, p + 500 * PAGE, 10, 0));
	SHOW(pwrite(fd, p + 500 * PAGE, 10, 0));
	close(fd);
	munmap(p, 600 * PAGE);
}

/* As sanitizers and runtimes reserve addresses: more than half of all there are. */
CASE(large_reservations)
{
	const size_t len = 64UL << 40;
	char *p = map(len, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
	char *gap = (char *)0x400000000000; /* ThreadSanitizer and MemorySanitizer protect this */

	SHOW(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	SHOW(mprotect(p + len - PAGE, PAGE, PROT_READ | PROT_WRITE));
	memset(p, 'a', PAGE);
	memset(p + len - PAGE, 'z', PAGE);
	CHECK(is_filled(p, PAGE, 'a') && is_filled(p + len - PAGE, PAGE, 'z'));
	SHOW_READ(p + PAGE);
	SHOW_READ(p + len / 2);
	SHOW(munmap(p, len));
	CHECK(mmap(gap, 1UL << 40, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == gap);
	SHOW(munmap(gap, 1UL << 40));
}

CASE(move_and_resize)
{
	char *p = map_rw(4 * PAGE), *q, *r;

	memset(p, 'm', 4 * PAGE);
	q = mremap(p, 4 * PAGE, 2 * PAGE, 0);
	CHECK(q == p);
	SHOW_READ(p + 2 * PAGE);
	q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && is_filled(q, 2 * PAGE, 'm') &&
	      is_filled(q + 2 * PAGE, 62 * PAGE, 0));
	r = map(64 * PAGE, PROT_NONE, MAP_PRIVATE);
	p = mremap(q, 64 * PAGE, 64 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r);
	CHECK(p == r && is_filled(p, 2 * PAGE, 'm'));
	SHOW_READ(q);
	SHOW_WRITE(p + 63 * PAGE);
	SHOW((long)mremap(p + 1, PAGE, PAGE, 0));
	SHOW((long)mremap(p, PAGE, 0, MREMAP_MAYMOVE));
	SHOW((long)mremap(p, PAGE, 2 * PAGE, 0)); /* no room: the mapping stays */
	SHOW((long)mremap(p, PAGE, PAGE, MREMAP_FIXED, r));
	SHOW((long)mremap(p, 64 * PAGE, 64 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
	SHOW((long)mremap((void *)0x10000000, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	CHECK(q != MAP_FAILED && is_filled(q, 2 * PAGE, 'm') && is_filled(p, 2 * PAGE, 0));
	munmap(q, 4 * PAGE);
	munmap(p, 64 * PAGE);
	/* A file mapping. */
	int fd = make_file("moved", 4 * PAGE);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE);
	q = mremap(p, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	printf("  %c %c %c\n", q[0], q[PAGE], q[2 * PAGE]);
	/* Old size 0: a second mapping of the same shared pages. */
	r = mremap(q, 0, PAGE, MREMAP_MAYMOVE);
	q[0] = '!';
	CHECK(r != MAP_FAILED && r != q && r[0] == '!');
	close(fd);
	/* Growing in steps keeps the content. */
	p = map_rw(PAGE);
	for (size_t len = PAGE; len < 4 * MIB; len *= 2) {
		memset(p + len / 2, (int)(len / PAGE), len / 2);
		p = mremap(p, len, len * 2, MREMAP_MAYMOVE);
		NEED(p != MAP_FAILED);
	}
	CHECK(is_filled(p + 64 * PAGE, 64 * PAGE, (char)128));
}

CASE(advice)
{
	char *p = map_rw(8 * PAGE);

	memset(p, 'd', 8 * PAGE);
	SHOW(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	CHECK(is_filled(p, PAGE, 'd') && is_filled(p + PAGE, PAGE, 0) &&
	      is_filled(p + 2 * PAGE, 6 * PAGE, 'd'));
	SHOW(madvise(p, 8 * PAGE, MADV_WILLNEED));
	SHOW(madvise(p, 8 * PAGE, MADV_SEQUENTIAL));
	SHOW(madvise(p, 8 * PAGE, MADV_RANDOM));
	SHOW(madvise(p, 8 * PAGE, MADV_NORMAL));
	SHOW(madvise(p, 8 * PAGE, MADV_FREE));
	SHOW(madvise(p, 8 * PAGE, MADV_HUGEPAGE));
	SHOW(madvise(p, 8 * PAGE, MADV_NOHUGEPAGE));
	SHOW(madvise(p, 8 * PAGE, MADV_DONTFORK));
	SHOW(madvise(p, 8 * PAGE, MADV_DOFORK));
	SHOW(madvise(p, 8 * PAGE, MADV_DONTDUMP));
	SHOW(madvise(p, 8 * PAGE, MADV_DODUMP));
	SHOW(madvise(p, 8 * PAGE, MADV_POPULATE_WRITE));
	SHOW(madvise(p, 8 * PAGE, MADV_COLD));
	SHOW(madvise(p, 8 * PAGE, 9999));
	SHOW(madvise(p + 1, PAGE, MADV_NORMAL));
	SHOW(madvise(p, 0, MADV_NORMAL));
	NEED(munmap(p + 4 * PAGE, PAGE) == 0);
	SHOW(madvise(p, 8 * PAGE, MADV_DONTNEED));
	CHECK(is_filled(p + 5 * PAGE, 3 * PAGE, 0));
	munmap(p, 8 * PAGE);
	int fd = make_file("advice", 2 * PAGE);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	p[0] = 'z';
	SHOW(madvise(p, 2 * PAGE, MADV_DONTNEED));
	CHECK(p[0] == 'A'); /* The page is the file's again. */
	munmap(p, 2 * PAGE);
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	SHOW(madvise(p, 2 * PAGE, MADV_FREE));
	p[0] = 'k';
	SHOW(madvise(p, 2 * PAGE, MADV_DONTNEED));
	CHECK(p[0] == 'k');
	SHOW(madvise(p, PAGE, MADV_REMOVE));
	CHECK(p[0] == 0);
	close(fd);
	munmap(p, 2 * PAGE);
	SHOW(posix_madvise(NULL, 0, POSIX_MADV_NORMAL));
}

CASE(shared_anonymous)
{
	char *p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED), *q;

	CHECK(is_filled(p, 4 * PAGE, 0));
	memset(p, 's', 4 * PAGE);
	SHOW(madvise(p, PAGE, MADV_DONTNEED));
	CHECK(p[0] == 's');
	q = mremap(p, 0, PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	q[1] = 't';
	CHECK(p[1] == 't');
	SHOW(msync(p, 4 * PAGE, MS_SYNC));
	munmap(q, PAGE);
	munmap(p, 4 * PAGE);
}

CASE(residency)
{
	static unsigned char in[2048];
	char *p = map_rw(2048 * PAGE);

	NEED(madvise(p, 2048 * PAGE, MADV_NOHUGEPAGE) == 0);
	p[0] = 1;
	p[3 * PAGE] = 1;
	SHOW(mincore(p, 2048 * PAGE, in));
	/* Neighbours of a touched page may be resident as well. */
	CHECK((in[0] & 1) && (in[3] & 1) && !(in[2047] & 1));
	SHOW(mincore(p + 1, PAGE, in));
	SHOW(mincore(p, 8 * PAGE, (unsigned char *)8));
	munmap(p, 2048 * PAGE);
	SHOW(mincore(p, 8 * PAGE, in));
	SHOW(mlock(p, PAGE));
	p = map_rw(8 * PAGE);
	SHOW(mlock(p, PAGE));
	SHOW(munlock(p, PAGE));
	SHOW(mlockall(0));
	p = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
	SHOW(mincore(p, 4 * PAGE, in));
	CHECK(in[0] & in[1] & in[2] & in[3] & 1);
}

CASE(program_break)
{
	char *start = sbrk(0), *p;

	CHECK(sbrk((intptr_t)(4 * PAGE)) == start);
	CHECK(is_filled(start, 4 * PAGE, 0));
	memset(start, 'b', 4 * PAGE);
	CHECK(sbrk(-(intptr_t)(2 * PAGE)) == start + 4 * PAGE);
	p = start + 4 * PAGE;
	p = (char *)((uintptr_t)p & ~(PAGE - 1)) - PAGE;
	SHOW_READ(p);
	CHECK(sbrk((intptr_t)(2 * PAGE)) == start + 2 * PAGE);
	CHECK(start[2 * PAGE - 1] == 'b' && start[4 * PAGE - 1] == 0);
	CHECK(sbrk((intptr_t)(1UL << 47)) == (void *)-1);
	CHECK(errno == ENOMEM);
	CHECK((char *)syscall(SYS_brk, 1) == start + 4 * PAGE);
	CHECK(brk(start) == 0 && sbrk(0) == start);
}

CASE(reservations)
{
	char *p = map(512 * GIB, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE), *q;

	SHOW_READ(p + 100 * GIB);
	SHOW(mprotect(p + 100 * GIB, MIB, PROT_READ | PROT_WRITE));
	SHOW_WRITE(p + 100 * GIB);
	SHOW_READ(p + 100 * GIB + MIB);
	q = mmap(p + 200 * GIB, MIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == p + 200 * GIB);
	memset(q, 1, MIB);
	SHOW(munmap(p, 512 * GIB));
	SHOW_READ(q);
	p = map(4096 * GIB, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
	SHOW(munmap(p, 4096 * GIB));
}

CASE(huge_pages)
{
	char *p = map_rw(16 * MIB);
	char *huge = (char *)(((uintptr_t)p + 2 * MIB - 1) & ~(2 * MIB - 1));

	memset(p, 'h', 16 * MIB);
	SHOW(munmap(huge + MIB, PAGE));
	SHOW_READ(huge + MIB);
	SHOW(mprotect(huge + 2 * MIB + 5 * PAGE, PAGE, PROT_READ));
	SHOW_WRITE(huge + 2 * MIB + 5 * PAGE);
	SHOW_WRITE(huge + 2 * MIB + 6 * PAGE);
	SHOW(madvise(huge + 4 * MIB + PAGE, PAGE, MADV_DONTNEED));
	CHECK(is_filled(huge + 4 * MIB, PAGE, 'h') && is_filled(huge + 4 * MIB + PAGE, PAGE, 0) &&
	      is_filled(huge + 4 * MIB + 2 * PAGE, PAGE, 'h'));
	CHECK(is_filled(huge, MIB, 'h') && is_filled(huge + MIB + PAGE, MIB - PAGE, 'h'));
	p = mremap(huge + 6 * MIB, 2 * MIB, 2 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED,
		   map(4 * MIB, PROT_NONE, MAP_PRIVATE) + PAGE);
	CHECK(p != MAP_FAILED && is_filled(p, 2 * MIB, 'h'));
}

CASE(address_space_limit)
{
	struct rlimit before, limit;

	NEED(getrlimit(RLIMIT_AS, &before) == 0);
	limit = before;
	limit.rlim_cur = GIB;
	SHOW(setrlimit(RLIMIT_AS, &limit));
	SHOW((long)mmap(NULL, 2 * GIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SHOW_OK((long)mmap(NULL, MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SHOW(setrlimit(RLIMIT_AS, &before));
	SHOW_OK((long)mmap(NULL, 2 * GIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

CASE(many_mappings)
{
	enum { COUNT = 2000 };
	static char *p[COUNT];
	char *all = map(2 * COUNT * PAGE, PROT_NONE, MAP_PRIVATE);
	unsigned int sum = 0;

	/* Every other page is writable, so no two neighbours can be one mapping. */
	for (int i = 0; i < COUNT; i++) {
		p[i] = all + 2 * i * PAGE;
		NEED(mprotect(p[i], PAGE, PROT_READ | PROT_WRITE) == 0);
		*p[i] = (char)i;
	}
	for (int i = 0; i < COUNT; i++)
		sum += (unsigned char)*p[i];
	SHOW(sum);
	for (int i = 0; i < COUNT; i += 2)
		NEED(munmap(p[i], PAGE) == 0);
	SHOW_READ(p[1000]);
	SHOW_READ(p[1001]);
	NEED(mprotect(p[1], PAGE, PROT_NONE) == 0);
	SHOW(munmap(all, 2 * COUNT * PAGE));
	SHOW_READ(p[1001]);
}

CASE(memory_files)
{
	int fd = SHOW(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	char *p;

	SHOW(ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(p != MAP_FAILED);
	memcpy(p + 100, "shared", 6);
	char data[8] = "";
	SHOW(pread(fd, data, 6, 100));
	printf("  \"%s\"\n", data);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SHOW(ftruncate(fd, PAGE));
	SHOW(ftruncate(fd, 3 * PAGE));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(p, 2 * PAGE);
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(write(fd, "x", 1));
	SHOW((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	SHOW_OK((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	close(fd);
	SHOW(memfd_create("test", 0x8000));
}
