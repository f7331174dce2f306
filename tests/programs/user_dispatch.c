// SPDX-License-Identifier: MIT
/*
 * Syscall User Dispatch (prctl, PR_SET_SYSCALL_USER_DISPATCH): which system calls become SIGSYS,
 * what the handler is told, what turns it off. A setting that goes wrong ends the process, so the
 * cases work in children.
 */
#include "child.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG 0x4210
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211
#endif
#define INCLUSIVE_ON 2 /* PR_SYS_DISPATCH_INCLUSIVE_ON of Linux 6.17 */
#define ALLOW	     SYSCALL_DISPATCH_FILTER_ALLOW
#define BLOCK	     SYSCALL_DISPATCH_FILTER_BLOCK

static volatile char selector;
static volatile int caught;
static siginfo_t told;
static uint64_t told_rip, told_rax;

/* getppid, at an address that the test knows: the call's own address is behind it. */
long call_getppid(void);
extern const char behind_getppid[];
__asm__("call_getppid: mov $110, %eax\n"
	"syscall\n"
	"behind_getppid: ret\n");

static int dispatch(unsigned long mode, const volatile void *start, unsigned long len,
		    const volatile char *byte)
{
	return prctl(PR_SET_SYSCALL_USER_DISPATCH, mode, start, len, byte);
}

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	selector = ALLOW;
	caught++;
	told = *info;
	told_rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	told_rax = (uint64_t)uc->uc_mcontext.gregs[REG_RAX];
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void handle(void)
{
	struct sigaction sa = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};

	NEED(sigaction(SIGSYS, &sa, NULL) == 0);
}

static void in_child(void (*body)(void))
{
	pid_t pid = start_child();
	int status;

	if (pid == 0) {
		body();
		selector = ALLOW;
		fflush(stdout);
		_exit(0);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		printf("  killed by %d\n", WTERMSIG(status));
	else
		printf("  exited %d\n", WEXITSTATUS(status));
}
#define TRY(name) (printf("  " #name ":\n"), fflush(stdout), in_child(name))

CASE(arguments)
{
	SHOW(dispatch(PR_SYS_DISPATCH_OFF, NULL, 0, NULL));
	SHOW(dispatch(PR_SYS_DISPATCH_OFF, &selector, 0, NULL));
	SHOW(dispatch(PR_SYS_DISPATCH_OFF, NULL, 1, NULL));
	SHOW(dispatch(PR_SYS_DISPATCH_OFF, NULL, 0, &selector));
	SHOW(dispatch(99, NULL, 0, NULL));
	SHOW(dispatch(PR_SYS_DISPATCH_ON, (void *)16, 0, &selector));
	SHOW(dispatch(PR_SYS_DISPATCH_ON, (void *)16, -1UL, &selector));
	SHOW(dispatch(PR_SYS_DISPATCH_ON, NULL, -1UL, (void *)-4096L));
	SHOW(dispatch(PR_SYS_DISPATCH_ON, NULL, -1UL, &selector));
	SHOW(dispatch(PR_SYS_DISPATCH_OFF, NULL, 0, NULL));
}

static void blocked_calls(void)
{
	long answer;

	handle();
	NEED(dispatch(PR_SYS_DISPATCH_ON, NULL, 0, &selector) == 0);
	/* Often enough for the call site to be patched. */
	for (int i = 0; i < 3000; i++) {
		if (call_getppid() == 4711)
			_exit(1);
	}
	for (int i = 0; i < 300; i++) {
		selector = BLOCK;
		answer = call_getppid();
		if (answer != 4711 || caught != i + 1)
			_exit(2);
	}
	CHECK(told.si_code == 2 && told.si_errno == 0); /* SYS_USER_DISPATCH */
	CHECK(told.si_call_addr == behind_getppid);
	CHECK(told_rip == (uint64_t)behind_getppid);
	printf("  call %d, arch %x, rax %d\n", told.si_syscall, told.si_arch, (int)told_rax);
	SHOW(dispatch(PR_SYS_DISPATCH_OFF, NULL, 0, NULL));
	selector = BLOCK;
	CHECK(call_getppid() == getppid());
	/* A number that no call has. */
	selector = ALLOW;
	NEED(dispatch(PR_SYS_DISPATCH_ON, NULL, 0, &selector) == 0);
	selector = BLOCK;
	answer = syscall(100000, 1, 2, 3);
	printf("  call %d, answer %d\n", told.si_syscall, (int)answer);
}

static void allowed_range(void)
{
	long inside, outside;
	int before;

	handle();
	NEED(dispatch(PR_SYS_DISPATCH_ON, behind_getppid, 1, &selector) == 0);
	selector = BLOCK;
	inside = call_getppid();
	before = caught;
	outside = getuid();
	CHECK(inside != 4711 && before == 0);
	CHECK(outside == 4711 && caught == 1 && told.si_syscall == SYS_getuid);
}

static void no_selector(void)
{
	NEED(dispatch(PR_SYS_DISPATCH_ON, behind_getppid, 1, NULL) == 0);
	if (call_getppid() > 0)
		getuid();
}

static void no_handler(void)
{
	NEED(dispatch(PR_SYS_DISPATCH_ON, NULL, 0, &selector) == 0);
	selector = BLOCK;
	getuid();
}

static void blocked_signal(void)
{
	sigset_t set;

	handle();
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	no_handler();
}

static void odd_selector(void)
{
	handle();
	NEED(dispatch(PR_SYS_DISPATCH_ON, NULL, 0, &selector) == 0);
	selector = 2;
	getuid();
}

static void unmapped_selector(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	handle();
	NEED(dispatch(PR_SYS_DISPATCH_ON, NULL, 0, page) == 0);
	munmap(page, 4096);
	getuid();
}

CASE(calls)
{
	TRY(blocked_calls);
	TRY(allowed_range);
	TRY(no_selector);
	TRY(no_handler);
	TRY(blocked_signal);
	TRY(odd_selector);
	TRY(unmapped_selector);
}

/* The other thread makes no system call while this one has the selector at BLOCK. */
static volatile int go_on, finished;

static void *thread(void *arg)
{
	(void)arg;
	while (!go_on)
		sched_yield();
	selector = BLOCK;
	getuid();
	selector = ALLOW;
	finished = 1;
	return NULL;
}

static void children(void)
{
	pthread_t t;
	int status;
	pid_t pid;

	handle();
	NEED(dispatch(PR_SYS_DISPATCH_ON, NULL, 0, &selector) == 0);
	NEED(pthread_create(&t, NULL, thread, NULL) == 0);
	go_on = 1;
	while (!finished)
		;
	pthread_join(t, NULL);
	CHECK(caught == 0);
	pid = fork();
	if (pid == 0) {
		selector = BLOCK;
		getuid();
		selector = ALLOW;
		_exit(caught);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	CHECK(status == 0);
	selector = BLOCK;
	getuid();
	CHECK(caught == 1);
	/* A program that is executed has no handler, and its calls pass. */
	NEED(dispatch(PR_SYS_DISPATCH_ON, NULL, 0, &selector) == 0);
	execl("/bin/echo", "echo", "  executed", NULL);
}

CASE(inherited)
{
	TRY(children);
}

static void inclusive(void)
{
	long inside, outside;
	int before;

	handle();
	SHOW(dispatch(INCLUSIVE_ON, behind_getppid, 0, &selector));
	SHOW(dispatch(INCLUSIVE_ON, behind_getppid, -1UL, &selector));
	SHOW(dispatch(INCLUSIVE_ON, behind_getppid, 1, &selector));
	selector = BLOCK;
	outside = getuid();
	before = caught;
	inside = call_getppid();
	CHECK(outside != 4711 && before == 0);
	CHECK(inside == 4711 && caught == 1);
}

CASE(inclusive_range)
{
	if (!check_kernel(6, 17)) {
		printf("  Linux is older\n");
		return;
	}
	TRY(inclusive);
}

CASE(by_ptrace)
{
	struct {
		uint64_t mode, selector, offset, len;
	} config = {PR_SYS_DISPATCH_ON, (uint64_t)&selector, 0, 0};
	pid_t pid;
	int status;

	if (!check_kernel(6, 4)) {
		printf("  Linux is older\n");
		return;
	}
	pid = start_child();
	if (pid == 0) {
		handle();
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		selector = BLOCK;
		getuid();
		_exit(caught);
	}
	NEED(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
#define GET(size)	SHOW(ptrace(PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, pid, size, &config))
#define SET(size, from) SHOW(ptrace(PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG, pid, size, from))
	SET(sizeof(config) - 1, &config);
	SET(sizeof(config), (void *)8);
	SET(sizeof(config), &config);
	memset(&config, 1, sizeof(config));
	GET(8);
	GET(sizeof(config));
	CHECK(config.selector == (uint64_t)&selector);
	printf("  mode %d, offset %d, len %d\n", (int)config.mode, (int)config.offset,
	       (int)config.len);
	config.len = 1;
	config.mode = PR_SYS_DISPATCH_OFF;
	SET(sizeof(config), &config);
	/* The tracer sees the signal, but neither stop of the call. */
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	for (int sig = 0; ptrace(PTRACE_SYSCALL, pid, 0, sig) == 0;) {
		struct user_regs_struct regs;

		NEED(waitpid(pid, &status, 0) == pid);
		if (!WIFSTOPPED(status))
			break;
		sig = WSTOPSIG(status);
		NEED(ptrace(PTRACE_GETREGS, pid, 0, &regs) == 0);
		if (regs.orig_rax == SYS_getuid || regs.orig_rax == SYS_exit_group)
			printf("  stop %d of call %d\n", sig, (int)regs.orig_rax);
		if (sig == (SIGTRAP | 0x80))
			sig = 0;
	}
	printf("  exited %d\n", WEXITSTATUS(status));
}
