// SPDX-License-Identifier: MIT
/*
 * A program that writes its own end as a report, as the guest kernel would: so the reporter can be
 * tried without a VM. Usage: crash CASE REPORT
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include "check/abi/check.h"

#define BAD_ADDRESS 0x200000001008UL

int victim(void *p, int depth);

static const char *report_path;
static u32 kind;
static u64 alloc_pc, free_pc;
static u8 blob[CHECK_REPORT_MAX];

static const int registers[][2] = {
	{USER_R15, REG_R15}, {USER_R14, REG_R14},    {USER_R13, REG_R13}, {USER_R12, REG_R12},
	{USER_RBP, REG_RBP}, {USER_RBX, REG_RBX},    {USER_R11, REG_R11}, {USER_R10, REG_R10},
	{USER_R9, REG_R9},   {USER_R8, REG_R8},	     {USER_RAX, REG_RAX}, {USER_RCX, REG_RCX},
	{USER_RDX, REG_RDX}, {USER_RSI, REG_RSI},    {USER_RDI, REG_RDI}, {USER_RIP, REG_RIP},
	{USER_RSP, REG_RSP}, {USER_EFLAGS, REG_EFL},
};

static u32 add_part(struct check_report *r, u32 part, u32 at, const void *bytes, u64 len)
{
	memcpy(blob + at, bytes, len);
	r->part[part].offset = at;
	r->part[part].len = (u32)len;
	return ALIGN_UP(at + (u32)len, 8);
}

/* Returns the end of the mapping that contains this address. */
static u64 mapping_end(const char *maps, u64 addr)
{
	u64 start, end;

	for (const char *line = maps; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && addr >= start && addr < end)
			return end;
	}
	return addr;
}

static void on_fault(int sig, siginfo_t *si, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct check_report *r = (void *)blob;
	static char maps[1 << 16];
	u32 at = sizeof(*r);
	ssize_t n, len = 0;
	u64 stack;
	int fd;

	(void)sig;
	r->kind = kind;
	r->access = regs[REG_ERR] & 2 ? CHECK_ACCESS_WRITE : CHECK_ACCESS_READ;
	r->flags = CHECK_REPORT_REGS;
	r->pid = r->tid = 42;
	strcpy(r->comm, "crash");
	r->addr = (u64)si->si_addr;
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		r->reg[registers[i][0]] = (u64)regs[registers[i][1]];
	if (r->addr == r->reg[USER_RIP]) {
		r->access = CHECK_ACCESS_EXEC;
	} else {
		memcpy(r->insn, (void *)r->reg[USER_RIP], sizeof(r->insn));
		r->insn_len = sizeof(r->insn);
	}
	fd = open("/proc/self/maps", O_RDONLY);
	while ((n = read(fd, maps + len, sizeof(maps) - 1 - (size_t)len)) > 0)
		len += n;
	at = add_part(r, CHECK_PART_MAPS, at, maps, (u64)len);
	r->stack_at = stack = r->reg[USER_RSP] & ~7UL;
	at = add_part(r, CHECK_PART_STACK, at, (void *)stack,
		      MIN(mapping_end(maps, stack) - stack, CHECK_STACK_BYTES));
	if (kind == CHECK_USE_AFTER_FREE) {
		r->object = (struct check_object){
			.start = BAD_ADDRESS - 8,
			.size = 32,
			.state = CHK_STATE_FREED,
			.level = CHK_LEVEL_PAGE,
			.alloc_fn = CHK_FN_MALLOC,
			.free_fn = CHK_FN_FREE,
			.alloc_tid = 42,
			.free_tid = 42,
		};
		at = add_part(r, CHECK_PART_ALLOC, at, &alloc_pc, sizeof(alloc_pc));
		at = add_part(r, CHECK_PART_FREE, at, &free_pc, sizeof(free_pc));
	}
	fd = open(report_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	_exit(write(fd, blob, at) == (ssize_t)at ? 0 : 1);
}

/* A return address into the caller. */
__attribute__((noinline)) static u64 made_here(void)
{
	return (u64)__builtin_return_address(0);
}

__attribute__((noinline)) static void make(void)
{
	alloc_pc = made_here();
}

__attribute__((noinline)) static void drop(void)
{
	free_pc = made_here();
}

static inline __attribute__((always_inline)) int field(volatile int *p)
{
	return *p;
}

static inline __attribute__((always_inline)) int element(void *p)
{
	return field(p);
}

__attribute__((noinline)) static int use(void *p)
{
	return element(p) + 1;
}

/* No tail calls: each level has its frame. */
__attribute__((noinline, weak)) int victim(void *p, int depth)
{
	volatile int result = depth ? victim(p, depth - 1) : use(p);

	return result;
}

int main(int argc, char **argv)
{
	static u8 signal_stack[1 << 16];
	const stack_t ss = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
	const struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	volatile int result = 0;

	if (argc != 3)
		return 2;
	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	report_path = argv[2];
	kind = CHECK_USE_AFTER_FREE;
	make();
	drop();
	if (strcmp(argv[1], "freed") == 0) {
		result = victim((void *)BAD_ADDRESS, 0);
	} else if (strcmp(argv[1], "deep") == 0) {
		result = victim((void *)BAD_ADDRESS, 10000);
	} else if (strcmp(argv[1], "null") == 0) {
		kind = CHECK_NULL_POINTER;
		result = victim((void *)16, 0);
	} else if (strcmp(argv[1], "text") == 0) {
		kind = CHECK_WILD_POINTER;
		result = victim((void *)0x6f77206f6c6c6568, 0);
	} else if (strcmp(argv[1], "jump") == 0) {
		kind = CHECK_WILD_POINTER;
		result = ((int (*)(void))0x1234567)();
	}
	return result + 1;
}
