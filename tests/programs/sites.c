// SPDX-License-Identifier: MIT
/*
 * Is a system call the same wherever it is made, and how often? In the ring-3 mode a SYSCALL that
 * is executed again becomes a jump into the guest kernel (docs/hosts.md), and nobody may see that:
 * not by registers, flags and the stack, not in a signal handler, not by a jump to the instruction,
 * not by another thread at that very moment, and not after the text was unmapped, moved or changed.
 *
 * The program has SYSCALL instructions with neighbours of each kind. Each is called until it is
 * surely replaced, and then looked at.
 */
#include "check.h"
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* arch_prctl(2): asm/prctl.h is not in every C library's way. */
#ifndef ARCH_SET_GS
#define ARCH_SET_GS 0x1001
#define ARCH_GET_GS 0x1004
#endif

#define WARM 8 /* calls after which a site is replaced */

/*
 * long NAME(long a, long b, long c): the call number NR with these arguments. NAME_syscall is the
 * SYSCALL, NAME_end behind the last instruction that may move. The text begins with enough room for
 * a decoder to look back.
 */
__asm__("	.pushsection .text.sites, \"ax\", @progbits\n"
	"	.balign 4096\n"
	"sites_start:\n"
	"	.skip 512, 0x90\n"
	/* MOV $nr, %eax in front. */
	"	.balign 16\n"
	"front:	mov $110, %eax\n"
	"front_syscall: syscall\n"
	"front_end: ret\n"
	/* The same behind ENDBR, as a function that is called by a pointer. */
	"	.balign 16\n"
	"endbr:	endbr64\n"
	"	mov $110, %eax\n"
	"endbr_syscall: syscall\n"
	"endbr_end: ret\n"
	/* Two instructions in front, as musl has them. */
	"	.balign 16\n"
	"pair:	mov $110, %r8d\n"
	"	mov %r8, %rax\n"
	"	mov %rdi, %rdi\n"
	"pair_syscall: syscall\n"
	"pair_end: ret\n"
	/* Only a branch in front, but something behind. */
	"	.balign 16\n"
	"behind:	mov %rsi, %rax\n"
	"	jmp behind_syscall\n"
	"	nop\n"
	"behind_syscall: syscall\n"
	"	cmp $-4095, %rax\n"
	"behind_end: jae 1f\n"
	"	ret\n"
	"1:	ret\n"
	/* An instruction behind that uses the stack. */
	"	.balign 16\n"
	"stack:	mov %rsi, %rax\n"
	"	jmp stack_syscall\n"
	"	nop\n"
	"stack_syscall: syscall\n"
	"	mov %rax, -24(%rsp)\n"
	"	mov -24(%rsp), %rdx\n"
	"stack_end: ret\n"
	/* Musl's cancellation point: a store to the stack right in front. */
	"	.balign 16\n"
	"store:	mov $110, %eax\n"
	"	mov %r11, -8(%rsp)\n"
	"store_syscall: syscall\n"
	"store_end: ret\n"
	/* The instruction crosses a page boundary. */
	"	.balign 4096\n"
	"	.skip 4096 - 14, 0x90\n"
	"split:	mov $110, %eax\n"
	"	mov %rdi, %rdi\n"
	"	mov $7, %ecx\n"
	"split_syscall: syscall\n"
	"split_end: ret\n"
	"	.balign 4096\n"
	/*
	 * The functions that are called with arguments: read, write, rt_sigaction and so on come
	 * from libc.
	 */
	"	.balign 16\n"
	"front_read: mov $0, %eax\n"
	"front_read_syscall: syscall\n"
	"front_read_end: ret\n"
	"	.balign 16\n"
	"behind_read: xor %eax, %eax\n"
	"	jmp behind_read_syscall\n"
	"	nop\n"
	"behind_read_syscall: syscall\n"
	"	cmp $-4095, %rax\n"
	"behind_read_end: ret\n"
	/* Sites for the threads; all threads execute each site for the first time at once. */
	"	.skip 512, 0x90\n"
	"	.balign 16\n"
	"many:\n"
	"	.rept 128\n"
	"	.balign 16\n"
	"	mov $110, %eax\n"
	"	syscall\n"
	"	ret\n"
	"	.balign 16\n"
	"	mov %esi, %eax\n"
	"	syscall\n"
	"	cmp $-4095, %rax\n"
	"	ret\n"
	"	.endr\n"
	"many_end:\n"
	"	.balign 4096\n"
	"sites_end:\n"
	"	.popsection\n");

/* clang-format off */
#define SITES(X) X(front) X(endbr) X(pair) X(behind) X(stack) X(store) X(split)
/* clang-format on */
#define X(name) extern char name[], name##_syscall[], name##_end[];
SITES(X)
X(front_read)
X(behind_read)
#undef X
extern char sites_start[], sites_end[], many[], many_end[];

typedef long (*site_fn)(long, long, long);

static const struct site {
	const char *name;
	char *start, *syscall, *end;
} sites[] = {
#define X(name) {#name, name, name##_syscall, name##_end},
	SITES(X)
#undef X
};
#define SITES_COUNT (sizeof(sites) / sizeof(*sites))

static long call(const char *start)
{
	return ((site_fn)(uintptr_t)start)(0, SYS_getppid, 0);
}

static void warm(const char *start)
{
	for (int i = 0; i < WARM; i++)
		call(start);
}

/* ---- registers ------------------------------------------------------------------------------- */

struct registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, flags;
	uint64_t red_zone[2]; /* 64 and 128 bytes below the stack pointer */
};

/*
 * Loads the registers, calls the site by a jump (so that the red zone is the caller's), and stores
 * them. The return address lies above the red zone.
 */
void call_with_registers(const char *start, struct registers *r);
__asm__("	.pushsection .text\n"
	"call_with_registers:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	"
	"push %r15\n"
	"	push %rsi\n" /* r, above the return address */
	"	mov %rdi, target(%rip)\n"
	"	mov %rsi, %rax\n"
	"	pushq 120(%rax)\n"
	"	popfq\n"
	"	lea 1f(%rip), %rcx\n"
	"	push %rcx\n" /* the site's return address */
	/* The red zone below it is filled. */
	"	mov $0x1234567890, %rcx\n"
	"	mov %rcx, -8(%rsp)\n	mov %rcx, -16(%rsp)\n	mov %rcx, -64(%rsp)\n"
	"	mov %rcx, -120(%rsp)\n	mov %rcx, -128(%rsp)\n"
	"	mov 8(%rax), %rbx\n	mov 24(%rax), %rdx\n	mov 32(%rax), %rsi\n"
	"	mov 40(%rax), %rdi\n	mov 48(%rax), %rbp\n	mov 56(%rax), %r8\n"
	"	mov 64(%rax), %r9\n	mov 72(%rax), %r10\n	mov 88(%rax), %r12\n"
	"	mov 96(%rax), %r13\n	mov 104(%rax), %r14\n	mov 112(%rax), %r15\n"
	"	jmp *target(%rip)\n"
	"1:	mov %rax, saved_rax(%rip)\n"
	"	pushfq\n"
	"	pop %rax\n"
	"	mov %rax, saved_flags(%rip)\n"
	"	mov (%rsp), %rax\n"
	"	mov %rbx, 8(%rax)\n	mov %rcx, 16(%rax)\n	mov %rdx, 24(%rax)\n"
	"	mov %rsi, 32(%rax)\n	mov %rdi, 40(%rax)\n	mov %rbp, 48(%rax)\n"
	"	mov %r8, 56(%rax)\n	mov %r9, 64(%rax)\n	mov %r10, 72(%rax)\n"
	"	mov %r11, 80(%rax)\n	mov %r12, 88(%rax)\n	mov %r13, 96(%rax)\n"
	"	mov %r14, 104(%rax)\n	mov %r15, 112(%rax)\n"
	"	mov saved_flags(%rip), %rcx\n	mov %rcx, 120(%rax)\n"
	"	mov saved_rax(%rip), %rcx\n	mov %rcx, 0(%rax)\n"
	"	mov -72(%rsp), %rcx\n	mov %rcx, 128(%rax)\n"
	"	mov -136(%rsp), %rcx\n	mov %rcx, 136(%rax)\n"
	"	cld\n"
	"	pop %rsi\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	"
	"pop %rbx\n"
	"	ret\n"
	"	.popsection\n"
	"	.pushsection .bss\n"
	"	.balign 8\n"
	"target: .skip 8\n"
	"saved_rax: .skip 8\n"
	"saved_flags: .skip 8\n"
	"	.popsection\n");

#define CARRY	  1UL
#define DIRECTION 0x400UL
#define OVERFLOW  0x800UL
#define STATUS	  0x8d5UL

CASE(registers_and_flags)
{
	for (size_t n = 0; n < SITES_COUNT; n++) {
		const struct site *s = &sites[n];
		bool result = true, rcx = true, r11 = true, kept = true, zone = true;
		bool flags = true;

		for (int round = 0; round < 2 * WARM; round++) {
			uint64_t in = 0x202 | (round % 2 ? CARRY | OVERFLOW : 0) |
				      (round % 4 == 3 ? DIRECTION : 0);
			bool own_flags = s->start == behind; /* The site compares after the call. */
			struct registers r = {
				.rbx = 1,
				.rdx = 2,
				.rsi = SYS_getppid,
				.rdi = 4,
				.rbp = 5,
				.r8 = 6,
				.r9 = 7,
				.r10 = 8,
				.r12 = 9,
				.r13 = 10,
				.r14 = 11,
				.r15 = 12,
				.flags = in,
			};

			call_with_registers(s->start, &r);
			result &= (long)r.rax == getppid();
			rcx &= r.rcx == (uint64_t)s->syscall + 2;
			r11 &= (r.r11 & (STATUS | DIRECTION)) == (in & (STATUS | DIRECTION));
			flags &= own_flags ||
				 (r.flags & (STATUS | DIRECTION)) == (in & (STATUS | DIRECTION));
			kept &= r.rbx == 1 && r.rsi == SYS_getppid && r.rdi == 4 && r.rbp == 5 &&
				r.r10 == 8 && r.r12 == 9 && r.r13 == 10 && r.r14 == 11 &&
				r.r15 == 12;
			zone &= r.red_zone[0] == 0x1234567890 && r.red_zone[1] == 0x1234567890;
		}
		printf("  %s\n", s->name);
		CHECK(result);
		CHECK(rcx);
		CHECK(r11);
		CHECK(flags);
		CHECK(kept);
		CHECK(zone);
	}
}

/* ---- the bare instruction -------------------------------------------------------------------- */

static long call_bare(const char *syscall_insn, long nr, long a, long b, long c)
{
	long result;

	__asm__ volatile("call *%1"
			 : "=a"(result)
			 : "r"(syscall_insn), "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory", "cc");
	return result;
}

CASE(jump_to_the_bare_instruction)
{
	for (size_t n = 0; n < SITES_COUNT; n++) {
		bool right = true;

		if (sites[n].start == stack)
			continue; /* It writes below the stack pointer, so a call cannot be used. */
		warm(sites[n].start);
		for (int i = 0; i < WARM; i++) {
			right &= call_bare(sites[n].syscall, SYS_getpid, 0, 0, 0) == getpid();
			right &= call_bare(sites[n].syscall, SYS_getppid, 0, 0, 0) == getppid();
			right &= call_bare(sites[n].syscall, SYS_lseek, -1, 0, 0) == -EBADF;
			right &= call(sites[n].start) == getppid();
		}
		printf("  %s\n", sites[n].name);
		CHECK(right);
	}
}

/* ---- the text as others see it ----------------------------------------------------------------
 */

struct where {
	uintptr_t address;
	off_t offset;
};

static int find_offset(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct where *w = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && w->address - start < p->p_filesz) {
			w->offset = (off_t)(p->p_offset + (w->address - start));
			return 1;
		}
	}
	return 0;
}

/* Returns where an address of the program's text is in its file. */
static off_t offset_of(const char *text)
{
	struct where w = {(uintptr_t)text, -1};

	dl_iterate_phdr(find_offset, &w);
	NEED(w.offset >= 0);
	return w.offset;
}

static char from_file[1 << 15];

static size_t read_file(void)
{
	size_t size = (size_t)(sites_end - sites_start);
	int fd = open("/proc/self/exe", O_RDONLY);

	NEED(fd >= 0 && size <= sizeof(from_file));
	NEED(pread(fd, from_file, size, offset_of(sites_start)) == (ssize_t)size);
	close(fd);
	return size;
}

static void warm_all(void)
{
	for (size_t n = 0; n < SITES_COUNT; n++)
		warm(sites[n].start);
}

CASE(text_read_by_system_calls)
{
	size_t size = read_file(), done = 0;
	char *seen = malloc(size);
	int fd[2], file;

	warm_all();
	NEED(pipe(fd) == 0);
	while (done < size) {
		size_t n = size - done < 4096 ? size - done : 4096;

		NEED(write(fd[1], sites_start + done, n) == (ssize_t)n);
		NEED(read(fd[0], seen + done, n) == (ssize_t)n);
		done += n;
	}
	CHECK(!memcmp(seen, from_file, size)); /* through a pipe */
	file = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
	NEED(file >= 0);
	NEED(write(file, sites_start, size) == (ssize_t)size);
	memset(seen, 0, size);
	NEED(pread(file, seen, size, 0) == (ssize_t)size);
	CHECK(!memcmp(seen, from_file, size)); /* through a file */
	unlink("copy");
	close(file);
	close(fd[0]);
	close(fd[1]);
	free(seen);
}

CASE(text_read_by_the_program)
{
	size_t size = read_file();

	warm_all();
	printf("  loads see the text of the file: %s\n",
	       memcmp(sites_start, from_file, size) ? "no" : "yes");
}

/* ---- changes of the text ----------------------------------------------------------------------
 */

/* Makes a private mapping of the sites' own pages. *at becomes the site's address in it. */
static char *map_sites(const char *site, char **at)
{
	size_t size = (size_t)(sites_end - sites_start);
	int fd = open("/proc/self/exe", O_RDONLY);
	off_t offset = offset_of(sites_start);
	char *map;

	NEED(fd >= 0 && offset % 4096 == 0);
	map = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, offset);
	NEED(map != MAP_FAILED);
	close(fd);
	*at = map + (site - sites_start);
	return map;
}

CASE(text_that_becomes_writable)
{
	size_t size = read_file();
	char *at, *map = map_sites(front, &at);
	bool same = true, changed = true, back = true;

	for (int round = 0; round < 6; round++) {
		warm(at);
		NEED(mprotect(map, size, PROT_READ | PROT_WRITE) == 0);
		same &= round || !memcmp(map, from_file, size);
		same &= at[0] == (char)0xb8 && at[5] == 0x0f && at[6] == 0x05;
		at[1] = round % 2 ? SYS_getppid : SYS_getpid;
		NEED(mprotect(map, size, PROT_READ | PROT_EXEC) == 0);
		for (int i = 0; i < WARM; i++)
			changed &= call(at) == (round % 2 ? getppid() : getpid());
		/* The same as a just-in-time compiler that writes all the time does it. */
		NEED(mprotect(map, size, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
		at[1] = SYS_getppid;
		for (int i = 0; i < WARM; i++)
			back &= call(at) == getppid();
		NEED(mprotect(map, size, PROT_READ | PROT_EXEC) == 0);
	}
	CHECK(same);
	CHECK(changed);
	CHECK(back);
	NEED(munmap(map, size) == 0);
}

/* The same text at two more addresses, in a way that the kernel may share it (MAP_DENYWRITE). */
CASE(text_at_several_addresses)
{
	size_t size = (size_t)(sites_end - sites_start);
	int fd = open("/proc/self/exe", O_RDONLY);
	bool right = true;
	char *map[2];

	NEED(fd >= 0 && read_file() == size);
	warm_all();
	for (int i = 0; i < 2; i++) {
		map[i] = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_DENYWRITE, fd,
			      offset_of(sites_start));
		NEED(map[i] != MAP_FAILED);
	}
	for (int i = 0; i < WARM; i++)
		for (size_t n = 0; n < SITES_COUNT; n++)
			for (int m = 0; m < 2; m++) {
				char *start = map[m] + (sites[n].start - sites_start);
				struct registers r = {.rsi = SYS_getppid, .flags = 0x202};

				call_with_registers(start, &r);
				right &= (long)r.rax == getppid();
				right &= r.rcx == (uintptr_t)map[m] + 2 +
							  (size_t)(sites[n].syscall - sites_start);
			}
	CHECK(right);
	NEED(munmap(map[0], size) == 0);
	for (size_t n = 0; n < SITES_COUNT; n++)
		right &= call(map[1] + (sites[n].start - sites_start)) == getppid() &&
			 call(sites[n].start) == getppid();
	CHECK(right);
	NEED(munmap(map[1], size) == 0);
	close(fd);
}

CASE(text_that_is_unmapped_and_moved)
{
	size_t size = (size_t)(sites_end - sites_start);
	bool right = true;

	for (int round = 0; round < 5; round++) {
		char *at, *map = map_sites(round % 2 ? behind : front, &at), *to;
		long distance = at - map;

		warm(at);
		to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		NEED(to != MAP_FAILED);
		to = mremap(map, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
		NEED(to != MAP_FAILED);
		for (int i = 0; i < WARM; i++)
			right &= call(to + distance) == getppid();
		right &= to[distance] == (char)(round % 2 ? 0x48 : 0xb8) || round % 2 == 0;
		NEED(madvise(to, size, MADV_DONTNEED) == 0);
		for (int i = 0; i < WARM; i++)
			right &= call(to + distance) == getppid();
		/* Other code at the same address. */
		NEED(mmap(to, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			  -1, 0) == to);
		memcpy(to + distance, "\xb8\x27\0\0\0\x0f\x05\xc3", 8); /* getpid */
		NEED(mprotect(to, size, PROT_READ | PROT_EXEC) == 0);
		for (int i = 0; i < WARM; i++)
			right &= call(to + distance) == getpid();
		NEED(munmap(to, size) == 0);
	}
	CHECK(right);
}

/* ---- fork, vfork, clone, exec --------------------------------------------------------------- */

CASE(fork_and_exec)
{
	int status;
	pid_t child;

	warm_all();
	child = fork();
	if (child == 0) {
		bool right = true;

		/* The child executes one more site than the parent, and gets its own answer. */
		for (int i = 0; i < WARM; i++) {
			for (size_t n = 0; n < SITES_COUNT; n++)
				right &= call(sites[n].start) == getppid();
			right &= call(many) == getppid();
		}
		if (!right)
			_exit(1);
		execl("/bin/true", "true", NULL);
		_exit(2);
	}
	NEED(waitpid(child, &status, 0) == child);
	CHECK(status == 0);
	for (size_t n = 0; n < SITES_COUNT; n++)
		CHECK(call(sites[n].start) == getppid());
}

/*
 * What this process has made of its text, the next one that executes the same file begins with, at
 * other addresses. It must get no more wrong for that.
 */
CASE(other_processes_with_the_same_text)
{
	static const char *const cases[] = {
		"registers_and_flags",	     "jump_to_the_bare_instruction",
		"text_read_by_system_calls", "fork_and_exec",
		"interrupted_calls",	     "single_steps",
		"gs_is_the_programs",
	};

	warm_all();
	warm(front_read);
	for (size_t n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
		int status = -1;
		pid_t child = fork();

		if (child == 0) {
			int null = open("/dev/null", O_WRONLY);

			dup2(null, STDOUT_FILENO);
			execl("/proc/self/exe", "sites", cases[n], NULL);
			_exit(127);
		}
		NEED(waitpid(child, &status, 0) == child);
		printf("  %s: %d\n", cases[n], status);
		CHECK(status == 0);
	}
}

CASE(vfork_many_times)
{
	volatile bool right = true;

	for (volatile int i = 0; i < 2 * WARM; i++) {
		int status = -1;
		pid_t child = vfork();

		if (child == 0)
			_exit(i);
		right = right && child > 0 && waitpid(child, &status, 0) == child &&
			WIFEXITED(status) && WEXITSTATUS(status) == i;
	}
	CHECK(right);
}

static int cloned(void *arg)
{
	*(volatile int *)arg += 1;
	return 5;
}

CASE(clone_with_a_new_stack)
{
	static char child_stack[1 << 16] __attribute__((aligned(16)));
	volatile int runs = 0;
	bool right = true;

	for (int i = 0; i < 2 * WARM; i++) {
		int status = -1;
		pid_t child = clone(cloned, child_stack + sizeof(child_stack), CLONE_VM | SIGCHLD,
				    (void *)&runs);

		right &= child > 0 && waitpid(child, &status, 0) == child &&
			 WEXITSTATUS(status) == 5;
	}
	CHECK(right);
	CHECK(runs == 2 * WARM);
}

/* ---- signals ----------------------------------------------------------------------------------
 */

static volatile uintptr_t handler_rip;
static volatile long handler_rax;
static volatile unsigned handled, strange;

static void note_rip(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;

	(void)sig, (void)si;
	handler_rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	handler_rax = (long)uc->uc_mcontext.gregs[REG_RAX];
	handled++;
}

/*
 * Returns whether rip is the start of an instruction of the site's original text. The text in
 * memory may be a jump.
 */
static bool is_boundary(const struct site *s, uintptr_t rip)
{
	static const unsigned char lengths[SITES_COUNT][8] = {
		{5, 2, 1},
		{4, 5, 2, 1},
		{6, 3, 3, 2, 1},
		{3, 2, 1, 2, 6, 2, 1},
		{3, 2, 1, 2, 5, 5, 1},
		{5, 5, 2, 1},
		{5, 3, 5, 2, 1},
	};
	uintptr_t at = (uintptr_t)s->start;

	for (int i = 0; i < 8; i++) {
		if (at == rip)
			return true;
		at += lengths[s - sites][i];
	}
	return at == rip; /* the second RET of some sites */
}

static void check_rip(int sig, siginfo_t *si, void *context)
{
	const ucontext_t *uc = context;
	uintptr_t rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];

	(void)sig, (void)si;
	handled++;
	if (rip >> 47)
		strange++;
	for (size_t n = 0; n < SITES_COUNT; n++)
		if (rip >= (uintptr_t)sites[n].start && rip <= (uintptr_t)sites[n].end &&
		    !is_boundary(&sites[n], rip))
			strange++;
}

static volatile bool stop_signals;

static void *send_signals(void *arg)
{
	pthread_t target = *(pthread_t *)arg;

	while (!stop_signals) {
		pthread_kill(target, SIGUSR1);
		sched_yield();
	}
	return NULL;
}

CASE(signals_at_any_instruction)
{
	struct sigaction sa = {.sa_sigaction = check_rip, .sa_flags = SA_SIGINFO | SA_RESTART};
	pthread_t self = pthread_self(), sender;
	bool right = true;

	handled = strange = 0;
	stop_signals = false;
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	NEED(pthread_create(&sender, NULL, send_signals, &self) == 0);
	for (int round = 0; round < 60 || handled < 50; round++)
		for (size_t n = 0; n < SITES_COUNT; n++)
			for (int i = 0; i < 20; i++)
				right &= call(sites[n].start) == getppid();
	stop_signals = true;
	pthread_join(sender, NULL);
	CHECK(right);
	CHECK(handled >= 50);
	CHECK(strange == 0);
}

/* Interrupts a read of an empty pipe by a signal, and then ends it by a byte. */
static void *interrupt(void *arg)
{
	const int *pipe_and_thread = arg;

	settle(20000);
	syscall(SYS_tgkill, getpid(), pipe_and_thread[1], SIGUSR2);
	settle(20000);
	if (write(pipe_and_thread[0], "x", 1) != 1)
		abort();
	return NULL;
}

static void interrupted_read(const char *name, char *start, char *syscall_insn, int flags)
{
	struct sigaction sa = {.sa_sigaction = note_rip, .sa_flags = SA_SIGINFO | flags};
	char byte = 0;
	int fd[2], arg[2];
	pthread_t thread;
	long got;

	NEED(pipe(fd) == 0 && sigaction(SIGUSR2, &sa, NULL) == 0);
	for (int i = 0; i < WARM; i++)
		NEED(write(fd[1], "y", 1) == 1 &&
		     ((site_fn)(uintptr_t)start)(fd[0], (long)&byte, 1) == 1);
	arg[0] = fd[1];
	arg[1] = (int)syscall(SYS_gettid);
	handled = 0;
	NEED(pthread_create(&thread, NULL, interrupt, arg) == 0);
	got = ((site_fn)(uintptr_t)start)(fd[0], (long)&byte, 1);
	pthread_join(thread, NULL);
	printf("  %s%s: %ld, '%c', %u signal\n", name, flags & SA_RESTART ? ", SA_RESTART" : "",
	       got, flags & SA_RESTART ? byte : '-', handled);
	if (flags & SA_RESTART) {
		CHECK(handler_rip == (uintptr_t)syscall_insn);
		CHECK(handler_rax == SYS_read);
	} else {
		CHECK(handler_rip == (uintptr_t)syscall_insn + 2);
		CHECK(handler_rax == -EINTR);
	}
	close(fd[0]);
	close(fd[1]);
}

CASE(interrupted_calls)
{
	interrupted_read("front", front_read, front_read_syscall, SA_RESTART);
	interrupted_read("front", front_read, front_read_syscall, 0);
	interrupted_read("behind", behind_read, behind_read_syscall, SA_RESTART);
	interrupted_read("behind", behind_read, behind_read_syscall, 0);
}

/* ---- single steps -----------------------------------------------------------------------------
 */

#define TRAP_FLAG 0x100

static volatile uintptr_t stepped[64];
static volatile unsigned steps;
static uintptr_t steps_end;

static void step(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	uintptr_t rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];

	(void)sig, (void)si;
	if (steps < 64)
		stepped[steps++] = rip;
	if (rip == steps_end || steps == 64)
		uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

/* Each instruction before SYSCALL is one step. */
CASE(single_steps)
{
	struct sigaction sa = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};

	NEED(sigaction(SIGTRAP, &sa, NULL) == 0);
	for (size_t n = 0; n < SITES_COUNT; n++) {
		const struct site *s = &sites[n];
		unsigned first = 0;
		bool boundaries = true;
		long result;

		if (s->start == store || s->start == stack || s->start == split)
			continue; /* The same again, with more steps or below the stack pointer. */
		warm(s->start);
		steps = 0;
		steps_end = (uintptr_t)s->syscall;
		__asm__ volatile("pushfq\n orq $0x100, (%%rsp)\n popfq\n call *%1\n"
				 : "=a"(result)
				 : "r"(s->start), "S"(SYS_getppid)
				 : "rcx", "rdx", "r8", "r11", "memory", "cc");
		while (first < steps && stepped[first] != (uintptr_t)s->start)
			first++;
		printf("  %s: %u steps to SYSCALL\n", s->name, steps - first);
		for (unsigned i = first; i < steps; i++)
			boundaries &= is_boundary(s, stepped[i]) &&
				      (i == first || stepped[i] != stepped[i - 1]);
		CHECK(boundaries);
		CHECK(steps && stepped[steps - 1] == (uintptr_t)s->syscall);
		CHECK(result == getppid());
	}
	signal(SIGTRAP, SIG_DFL);
}

/* ---- GS ---------------------------------------------------------------------------------------
 */

static void *gs_of_a_thread(void *arg)
{
	unsigned long base = 1;
	bool right = syscall(SYS_arch_prctl, ARCH_GET_GS, &base) == 0;

	(void)arg;
	warm_all();
	return (void *)(uintptr_t)(right && base == 0 && call(front) == getppid());
}

CASE(gs_is_the_programs)
{
	static unsigned long word[8] = {0x1122334455667788, 7};
	unsigned long base = 1, loaded = 0;
	pthread_t thread;
	void *other = NULL;
	bool right = true;

	warm_all();
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
	CHECK(base == 0);
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, word));
	for (int i = 0; i < WARM; i++) {
		for (size_t n = 0; n < SITES_COUNT; n++)
			right &= call(sites[n].start) == getppid();
		__asm__ volatile("mov %%gs:0, %0" : "=r"(loaded));
		right &= loaded == word[0];
	}
	CHECK(right);
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
	CHECK(base == (unsigned long)word);
	SHOW(syscall(SYS_arch_prctl, ARCH_SET_GS, 0));
	NEED(pthread_create(&thread, NULL, gs_of_a_thread, NULL) == 0);
	pthread_join(thread, &other);
	CHECK(other != NULL);
	/* On some CPUs loading a null selector clears the base. */
	__asm__ volatile("mov %0, %%gs" : : "r"(0));
	for (size_t n = 0; n < SITES_COUNT; n++)
		right &= call(sites[n].start) == getppid();
	CHECK(right);
	SHOW(syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
	CHECK(base == 0);
}

/* ---- CPUID ------------------------------------------------------------------------------------
 */

struct cpuid {
	unsigned long rax, rbx, rcx, rdx, r11, flags;
};

/* CPUID with what neighbours it may be replaced with: one instruction in front, or one behind. */
#define CPUID_SITE(name, before, after)                                                            \
	static struct cpuid name(unsigned leaf)                                                    \
	{                                                                                          \
		struct cpuid c = {leaf | 0xdead00000000, -1UL, 0xbeef00000000, -1UL, 0, 0};        \
		register unsigned long r11 __asm__("r11") = 0x1111222233334444;                    \
                                                                                                   \
		__asm__ volatile(before "cpuid\n" after "pushfq\n pop %5\n"                        \
				 : "+a"(c.rax), "+b"(c.rbx), "+c"(c.rcx), "+d"(c.rdx), "+r"(r11),  \
				   "=r"(c.flags)                                                   \
				 :                                                                 \
				 : "cc", "memory", "r8");                                          \
		c.r11 = r11;                                                                       \
		return c;                                                                          \
	}
CPUID_SITE(cpuid_front, "stc\n mov $0x12345678, %%edx\n", "")
CPUID_SITE(cpuid_behind, "stc\n jmp 1f\n nop\n1: ", "mov $0x12345678, %%r8\n")

/*
 * Where the guest kernel answers CPUID, its sites are replaced, too. An answer is the same each
 * time, and nothing but the four registers changes.
 */
CASE(cpuid_answers_stay)
{
	static const unsigned leaves[] = {0, 7, 0x80000000, 0x80000002};
	struct cpuid (*const site[])(unsigned) = {cpuid_front, cpuid_behind};

	for (size_t n = 0; n < 2; n++) {
		bool same = true, upper = true, kept = true;

		for (size_t l = 0; l < sizeof(leaves) / sizeof(*leaves); l++) {
			struct cpuid first = cpuid_front(leaves[l]);

			for (int i = 0; i < WARM; i++) {
				struct cpuid c = site[n](leaves[l]);

				same &= c.rax == first.rax && c.rbx == first.rbx &&
					c.rcx == first.rcx && c.rdx == first.rdx;
				upper &= !((c.rax | c.rbx | c.rcx | c.rdx) >> 32);
				kept &= c.r11 == 0x1111222233334444 && (c.flags & CARRY);
			}
		}
		CHECK(same);
		CHECK(upper);
		CHECK(kept);
	}
}

/* ---- threads ----------------------------------------------------------------------------------
 */

#define THREADS 4

static pthread_barrier_t barrier;

/* All threads reach each site at the same time, and continue while it is replaced. */
static void *run_many(void *arg)
{
	long parent = getppid(), wrong = 0;

	(void)arg;
	for (char *site = many; site < many_end; site += 16) {
		pthread_barrier_wait(&barrier);
		for (int i = 0; i < 50; i++)
			wrong += call(site) != parent;
	}
	return (void *)wrong;
}

CASE(threads_at_sites_that_change)
{
	pthread_t thread[THREADS];
	long wrong = 0;

	NEED(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS; i++)
		NEED(pthread_create(&thread[i], NULL, run_many, NULL) == 0);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(thread[i], &result);
		wrong += (long)result;
	}
	CHECK(wrong == 0);
}
