// SPDX-License-Identifier: MIT
/* Accesses that must fail: beyond a file, into truncated files, into the program's text. */
#include "check.h"
#include "probe.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

/* A file of one and a half pages, mapped as four. */
static int fd;
static volatile char *map;

static void map_short_file(int flags)
{
	char page[PAGE];

	memset(page, 'f', sizeof(page));
	fd = open("short", O_RDWR | O_CREAT | O_TRUNC, 0600);
	NEED(fd >= 0 && write(fd, page, PAGE) == PAGE && write(fd, page, PAGE / 2) == PAGE / 2);
	map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
	NEED(map != MAP_FAILED);
}

static void explain(int signal, siginfo_t *info, void *context)
{
	static char text[128];

	(void)context;
	snprintf(text, sizeof(text), "  %s, offset %ld\n", probe_signal_name(signal, info->si_code),
		 (long)((char *)info->si_addr - map));
	(void)!write(STDOUT_FILENO, text, strlen(text));
	_exit(42);
}

static void explain_faults(void)
{
	struct sigaction action = {.sa_sigaction = explain, .sa_flags = SA_SIGINFO};

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

static sigjmp_buf back;
static siginfo_t fault;

static void go_back(int signal, siginfo_t *info, void *context)
{
	(void)context;
	fault = *info;
	siglongjmp(back, signal);
}

/* Which signal an instruction causes, given an address in its register operand. */
#define SHOW_CODE(code, addr)                                                                      \
	do {                                                                                       \
		struct sigaction action = {.sa_sigaction = go_back, .sa_flags = SA_SIGINFO};       \
		int number = sigsetjmp(back, 1);                                                   \
		sigaction(SIGSEGV, &action, NULL);                                                 \
		sigaction(SIGILL, &action, NULL);                                                  \
		if (number == 0)                                                                   \
			__asm__ volatile(code : : "r"(addr) : "rax", "r9", "memory");              \
		printf("  %s: %s\n", code,                                                         \
		       number ? probe_signal_name(number, fault.si_code) : "ok");                  \
		signal(SIGSEGV, SIG_DFL);                                                          \
		signal(SIGILL, SIG_DFL);                                                           \
	} while (0)

CASE(end_of_a_file)
{
	map_short_file(MAP_PRIVATE);
	CHECK(map[PAGE + PAGE / 2 - 1] == 'f' && map[PAGE + PAGE / 2] == 0);
	SHOW_READ(map + 2 * PAGE - 1);
	SHOW_READ(map + 2 * PAGE);
	SHOW_WRITE(map + 3 * PAGE);
	map_short_file(MAP_SHARED);
	SHOW_WRITE(map + 2 * PAGE - 1);
	SHOW_WRITE(map + 2 * PAGE);
	/* A system call with such memory fails, and the program continues. */
	SHOW(write(STDOUT_FILENO, (char *)map + 2 * PAGE, 1));
	SHOW(pread(fd, (char *)map + 3 * PAGE, 10, 0));
	SHOW(ftruncate(fd, 0));
	SHOW_READ(map);
	SHOW(write(STDOUT_FILENO, (char *)map, 1));
	SHOW(access((char *)map, F_OK));
	SHOW(ftruncate(fd, PAGE));
	SHOW_READ(map);
	CHECK(map[0] == 0);
}

/* Non-canonical addresses in instructions of each kind of encoding. */
CASE(no_canonical_address)
{
	static const uint64_t bad = 0x4141414141414141, good = 0x10;
#define TRY(code) SHOW_CODE(code, bad)
	TRY("movb (%0), %%al");
	TRY("movups (%0), %%xmm0");
	TRY("pcmpeqb 16(%0), %%xmm0");
	TRY("movdqa %%xmm0, (%0)");
	TRY("pshufd $1, 0x1000(%0), %%xmm9");
	TRY("pcmpistri $0x1a, (%0), %%xmm0");
	if (__builtin_cpu_supports("avx2")) {
		TRY("vmovdqu (%0), %%ymm0");
		TRY("vpcmpeqb 32(%0), %%ymm0, %%ymm1");
		TRY("xor %%eax, %%eax; vmovdqu %%ymm0, (%%rax,%0,4)");
		TRY("xor %%r9d, %%r9d; vpcmpeqb -32(%0,%%r9), %%ymm9, %%ymm11");
		SHOW_CODE("vmovdqu (%0), %%ymm0", good);
		/* vpgatherdd with one register as both index and mask is an invalid instruction. */
		TRY("mov %0, %%rax; .byte 0xc4, 0xe2, 0x75, 0x90, 0x04, 0x88");
	}
	if (__builtin_cpu_supports("avx512bw")) {
		TRY("vmovdqu64 64(%0), %%zmm0");
		TRY("vpcmpeqb (%0), %%zmm0, %%k1");
	}
	TRY("ud2");
}

LONE_CASE(dies_beyond_a_file)
{
	map_short_file(MAP_PRIVATE);
	(void)map[2 * PAGE];
}

LONE_CASE(handles_read_beyond_a_file)
{
	map_short_file(MAP_PRIVATE);
	explain_faults();
	(void)map[2 * PAGE + 77];
}

LONE_CASE(handles_write_beyond_a_file)
{
	map_short_file(MAP_SHARED);
	explain_faults();
	map[3 * PAGE + 5] = 1;
}

LONE_CASE(dies_in_a_truncated_file)
{
	map_short_file(MAP_SHARED);
	NEED(map[PAGE] == 'f');
	NEED(ftruncate(fd, 10) == 0);
	(void)map[PAGE];
}

LONE_CASE(handles_a_truncated_file)
{
	map_short_file(MAP_SHARED);
	NEED(map[PAGE] == 'f');
	NEED(ftruncate(fd, 10) == 0);
	CHECK(map[9] == 'f' && map[10] == 0);
	explain_faults();
	(void)map[PAGE + 3];
}

LONE_CASE(dies_writing_its_text)
{
	extern int main(int argc, char **argv);

	*(volatile char *)(uintptr_t)main = 0;
}

LONE_CASE(handles_writing_its_text)
{
	extern int main(int argc, char **argv);

	map = (char *)(uintptr_t)main;
	explain_faults();
	*(volatile char *)(uintptr_t)main = 0;
}

LONE_CASE(dies_executing_data)
{
	static char code[] = {(char)0xc3};

	((void (*)(void))(uintptr_t)code)();
}

LONE_CASE(dies_executing_null)
{
	((void (*)(void))(uintptr_t)(fd * 8))();
}

LONE_CASE(dies_at_a_kernel_address)
{
	(void)*(volatile char *)0xffffffff81000000;
}

LONE_CASE(dies_jumping_to_a_kernel_address)
{
	((void (*)(void))0xffffffff80000000)();
}
