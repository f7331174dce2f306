// SPDX-License-Identifier: MIT
/*
 * ptrace(2): a tracer and its tracees. Each case prints the stops that it sees and what it finds in
 * them. One tracee runs at a time, so the order of the stops does not depend on speed.
 */
#include "child.h"
#include <elf.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

/* glibc's ptrace() takes its arguments by type. These are numbers. */
static long pt(long request, pid_t pid, unsigned long addr, unsigned long data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}
#define PT(request, pid, addr, data) pt(request, pid, (unsigned long)(addr), (unsigned long)(data))

/* Waits for a stop or the end of pid and prints it. */
static int await(pid_t pid)
{
	int status = 0;
	pid_t got = waitpid(pid, &status, __WALL);

	if (got != pid)
		printf("  wait: %s\n", check_errno(errno));
	else if (WIFEXITED(status))
		printf("  exited %d\n", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("  killed by %d\n", WTERMSIG(status));
	else
		printf("  stopped %#x\n", status);
	return status;
}

static siginfo_t info_of(pid_t pid)
{
	siginfo_t info = {0};

	if (PT(PTRACE_GETSIGINFO, pid, 0, &info) < 0)
		printf("  no siginfo: %s\n", check_errno(errno));
	else
		printf("  signo %d code %#x\n", info.si_signo, (unsigned)info.si_code);
	return info;
}

static unsigned long message_of(pid_t pid)
{
	unsigned long message = 0;

	NEED(PT(PTRACE_GETEVENTMSG, pid, 0, &message) == 0);
	return message;
}

static struct user_regs_struct regs_of(pid_t pid)
{
	struct user_regs_struct regs = {0};

	NEED(PT(PTRACE_GETREGS, pid, 0, &regs) == 0);
	return regs;
}

/* Makes a child that asks to be traced and stops itself. */
static pid_t traced(void (*body)(void))
{
	pid_t pid = start_child();

	if (pid == 0) {
		NEED(PT(PTRACE_TRACEME, 0, 0, 0) == 0);
		raise(SIGSTOP);
		body();
		_exit(0);
	}
	await(pid);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		PT(PTRACE_CONT, pid, 0, 0); /* PTRACE_EVENT_EXIT */
}

static void exit_7(void)
{
	_exit(7);
}

static void endless(void)
{
	for (;;)
		pause();
}

CASE(trace_me)
{
	pid_t pid = traced(exit_7);

	info_of(pid);
	SHOW(PT(PTRACE_CONT, pid, 0, 0));
	await(pid);
	pid = start_child();
	if (pid == 0) {
		SHOW(PT(PTRACE_TRACEME, 0, 0, 0));
		SHOW(PT(PTRACE_TRACEME, 0, 0, 0));
		fflush(stdout);
		_exit(0);
	}
	await(pid);
}

CASE(refusals)
{
	pid_t pid = traced(endless), other = start_child();
	char path[40];
	unsigned long word;

	if (other == 0) {
		SHOW(PT(PTRACE_ATTACH, pid, 0, 0));
		SHOW(PT(PTRACE_CONT, pid, 0, 0));
		SHOW(PT(PTRACE_SEIZE, getppid(), 1, 0));
		SHOW(PT(PTRACE_SEIZE, getppid(), 0, 1L << 40));
		fflush(stdout);
		_exit(0);
	}
	await(other);
	SHOW(PT(PTRACE_ATTACH, getpid(), 0, 0));
	SHOW(PT(PTRACE_ATTACH, 0x3fffff, 0, 0));
	SHOW(PT(PTRACE_ATTACH, 0, 0, 0));
	SHOW(PT(PTRACE_CONT, pid, 0, 65));
	SHOW(PT(PTRACE_DETACH, pid, 0, 65));
	SHOW(PT(PTRACE_SETOPTIONS, pid, 0, 1L << 40));
	SHOW(PT(PTRACE_INTERRUPT, pid, 0, 0));
	SHOW(PT(PTRACE_LISTEN, pid, 0, 0));
	SHOW(PT(0x7777, pid, 0, 0));
	SHOW(PT(PTRACE_PEEKDATA, pid, 8, &word));
	SHOW(PT(PTRACE_POKEDATA, pid, 8, 1));
	SHOW(PT(PTRACE_PEEKDATA, pid, &word, 8));
	SHOW(PT(PTRACE_PEEKUSR, pid, 1, &word));
	SHOW(PT(PTRACE_PEEKUSR, pid, sizeof(struct user) + 16, &word));
	SHOW(PT(PTRACE_GETREGS, pid, 0, 8));
	SHOW(PT(PTRACE_GETSIGINFO, pid, 0, 8));
	SHOW(PT(PTRACE_GETSIGMASK, pid, 4, &word));
	SHOW(PT(PTRACE_CONT, pid, 0, 0));
	SHOW(PT(PTRACE_CONT, pid, 0, 0));
	SHOW(PT(PTRACE_GETREGS, pid, 0, &word));
	SHOW(PT(0x7777, pid, 0, 0));
	SHOW(PT(PTRACE_DETACH, pid, 0, 0));
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	SHOW(PT(PTRACE_KILL, pid, 0, 0));
	await(pid);
	SHOW(PT(PTRACE_KILL, pid, 0, 0));
}

/* Returns a line of /proc/PID/status. */
static void status_line(pid_t pid, const char *name, pid_t replace)
{
	char path[40], line[200];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, strlen(name)))
			continue;
		if (replace)
			printf("  %s is the tracer: %d\n", name,
			       atoi(line + strlen(name) + 1) == replace);
		else
			printf("  %s", line);
	}
	if (f)
		fclose(f);
}

CASE(what_proc_says)
{
	pid_t pid = traced(endless);

	status_line(pid, "State:", 0);
	status_line(pid, "TracerPid:", getpid());
	SHOW(PT(PTRACE_DETACH, pid, 0, 0));
	status_line(pid, "TracerPid:", 0);
	end(pid);
}

static volatile int signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static void send_signals(void)
{
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, SIG_IGN);
	raise(SIGUSR1);
	raise(SIGUSR2);
	raise(SIGUSR1);
	raise(SIGTERM);
	_exit(signals);
}

CASE(signals_stop_the_tracee)
{
	pid_t pid = traced(send_signals);
	siginfo_t info;

	PT(PTRACE_CONT, pid, 0, 0);
	await(pid); /* USR1: delivered */
	info = info_of(pid);
	CHECK(info.si_pid == pid);
	PT(PTRACE_CONT, pid, 0, SIGUSR1);
	await(pid); /* USR2, although ignored, is replaced by a signal that is handled */
	PT(PTRACE_CONT, pid, 0, SIGUSR1);
	await(pid); /* USR1: suppressed */
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid); /* TERM: suppressed */
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

static void wait_for_info(void)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	raise(SIGUSR2);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	memset(&info, 0, sizeof(info));
	_exit(0);
}

CASE(pending_signals_and_masks)
{
	struct ptrace_peeksiginfo_args args = {0, 0, 10};
	siginfo_t info[10];
	uint64_t mask = 0;
	pid_t pid = traced(wait_for_info);

	/* The child stops at the system call that unblocks them. */
	for (int i = 0; i < 60; i++) {
		NEED(PT(PTRACE_SYSCALL, pid, 0, 0) == 0);
		waitpid(pid, NULL, 0);
		if (regs_of(pid).orig_rax == SYS_rt_sigprocmask && regs_of(pid).rdi == SIG_UNBLOCK)
			break;
	}
	CHECK(PT(PTRACE_GETSIGMASK, pid, 8, &mask) == 0);
	CHECK((mask >> (SIGUSR1 - 1) & 1) && (mask >> (SIGUSR2 - 1) & 1));
	SHOW(PT(PTRACE_PEEKSIGINFO, pid, &args, info));
	CHECK(info[0].si_signo == SIGUSR1 && info[1].si_signo == SIGUSR2);
	args.off = 1;
	SHOW(PT(PTRACE_PEEKSIGINFO, pid, &args, info));
	args.flags = 8;
	SHOW(PT(PTRACE_PEEKSIGINFO, pid, &args, info));
	end(pid);
}

static void two_calls(void)
{
	syscall(SYS_getppid);
	syscall(SYS_close, -1);
	_exit(9);
}

static void show_syscall(pid_t pid)
{
	struct ptrace_syscall_info info;
	long size = PT(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);

	printf("  size %ld op %d", size, info.op);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		printf(" nr %lld", (long long)info.entry.nr);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr != SYS_getppid)
		printf(" arg %#llx", (unsigned long long)info.entry.args[0]);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.is_error)
		printf(" error %lld", (long long)info.exit.rval);
	printf("\n");
}

CASE(system_calls_stop_the_tracee)
{
	pid_t pid = traced(two_calls);

	PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	show_syscall(pid);
	for (int i = 0; i < 12; i++) {
		struct user_regs_struct regs;

		PT(PTRACE_SYSCALL, pid, 0, 0);
		if (await(pid) == 9 << 8)
			break;
		regs = regs_of(pid);
		if (regs.orig_rax == SYS_getppid || regs.orig_rax == SYS_close ||
		    regs.orig_rax == SYS_exit_group) {
			info_of(pid);
			SHOW(message_of(pid));
			show_syscall(pid);
		}
	}
}

/* Continues to the next entry of this call. */
static void to_call(pid_t pid, unsigned long nr)
{
	int status;

	do {
		NEED(PT(PTRACE_SYSCALL, pid, 0, 0) == 0);
		NEED(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	} while (regs_of(pid).orig_rax != nr);
}

static void three_close(void)
{
	long a = syscall(SYS_close, -1), b = syscall(SYS_close, -1), c = syscall(SYS_close, -1);

	_exit(a == 77 && b == getpid() && c == -1 ? 0 : 1);
}

CASE(calls_and_results_can_be_changed)
{
	pid_t pid = traced(three_close);
	struct user_regs_struct regs;

	to_call(pid, SYS_close);
	regs = regs_of(pid);
	CHECK((long)regs.rax == -ENOSYS);
	regs.orig_rax = (unsigned long)-1; /* no call */
	NEED(PT(PTRACE_SETREGS, pid, 0, &regs) == 0);
	PT(PTRACE_SYSCALL, pid, 0, 0);
	await(pid);
	regs = regs_of(pid);
	CHECK((long)regs.rax == -ENOSYS);
	regs.rax = 77;
	NEED(PT(PTRACE_SETREGS, pid, 0, &regs) == 0);
	to_call(pid, SYS_close);
	/* The call's number is an int. */
	NEED(PT(PTRACE_POKEUSR, pid, offsetof(struct user, regs.orig_rax),
		0x100000000 + SYS_getpid) == 0);
	PT(PTRACE_SYSCALL, pid, 0, 0);
	await(pid);
	CHECK((long)regs_of(pid).rax == pid);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

static void emulated(void)
{
	_exit(syscall(SYS_getppid) == 5 && syscall(SYS_close, -1) == -1 ? 3 : 4);
}

CASE(calls_can_be_left_out)
{
	pid_t pid = traced(emulated);

	PT(PTRACE_SYSEMU, pid, 0, 0);
	await(pid);
	CHECK(regs_of(pid).orig_rax == SYS_getppid);
	PT(PTRACE_POKEUSR, pid, offsetof(struct user, regs.rax), 5);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

static int pipe_fds[2];

static void read_pipe(void)
{
	char c;

	_exit(read(pipe_fds[0], &c, 1) == 1 ? c : 99);
}

CASE(an_interrupted_call_starts_again)
{
	pid_t pid;

	NEED(pipe(pipe_fds) == 0);
	pid = start_child();
	if (pid == 0)
		read_pipe();
	NEED(PT(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	settle(100000);
	SHOW(PT(PTRACE_INTERRUPT, pid, 0, 0));
	await(pid);
	info_of(pid);
	CHECK((long)regs_of(pid).rax == -512 && regs_of(pid).orig_rax == SYS_read);
	SHOW(PT(PTRACE_INTERRUPT, pid, 0, 0));
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid); /* Asked for during a stop: it comes at once. */
	PT(PTRACE_SYSCALL, pid, 0, 0);
	await(pid);
	CHECK((long)regs_of(pid).rax == -ENOSYS);
	NEED(write(pipe_fds[1], "\x21", 1) == 1);
	PT(PTRACE_SYSCALL, pid, 0, 0);
	await(pid);
	CHECK(regs_of(pid).rax == 1);
	PT(PTRACE_DETACH, pid, 0, 0);
	await(pid);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

CASE(attach_and_detach)
{
	pid_t pid = start_child();
	siginfo_t info;

	if (pid == 0)
		endless();
	SHOW(PT(PTRACE_ATTACH, pid, 0, 0));
	await(pid);
	info = info_of(pid);
	CHECK(info.si_pid == 0);
	SHOW(PT(PTRACE_ATTACH, pid, 0, 0));
	SHOW(PT(PTRACE_DETACH, pid, 0, 0));
	settle(20000);
	status_line(pid, "State:", 0);
	SHOW(PT(PTRACE_ATTACH, pid, 0, 0));
	await(pid);
	SHOW(PT(PTRACE_DETACH, pid, 0, SIGTERM));
	await(pid);
}

CASE(attach_to_a_stopped_process)
{
	pid_t pid = start_child();

	if (pid == 0)
		endless();
	kill(pid, SIGSTOP);
	CHECK(waitpid(pid, NULL, WUNTRACED) == pid);
	SHOW(PT(PTRACE_ATTACH, pid, 0, 0));
	await(pid);
	info_of(pid);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	info_of(pid);
	end(pid);
}

CASE(seize_sees_job_control)
{
	pid_t pid = start_child();

	if (pid == 0)
		endless();
	SHOW(PT(PTRACE_SEIZE, pid, 0, 0));
	kill(pid, SIGSTOP);
	await(pid);
	info_of(pid);
	PT(PTRACE_CONT, pid, 0, SIGSTOP);
	await(pid);
	info_of(pid);
	SHOW(PT(PTRACE_LISTEN, pid, 0, 0));
	SHOW(PT(PTRACE_CONT, pid, 0, 0));
	SHOW(PT(PTRACE_INTERRUPT, pid, 0, 0));
	await(pid);
	SHOW(PT(PTRACE_LISTEN, pid, 0, 0));
	kill(pid, SIGCONT);
	await(pid);
	info_of(pid);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	info_of(pid);
	PT(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGSTOP);
	await(pid);
	PT(PTRACE_CONT, pid, 0, SIGSTOP);
	await(pid);
	PT(PTRACE_DETACH, pid, 0, 0);
	settle(20000);
	status_line(pid, "State:", 0);
	end(pid);
}

static void makes_children(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(1);
	waitpid(pid, NULL, 0);
	pid = vfork();
	if (pid == 0)
		_exit(2);
	waitpid(pid, NULL, 0);
	_exit(3);
}

CASE(children_are_traced_too)
{
	pid_t pid = traced(makes_children), child;
	const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE |
			     PTRACE_O_TRACEEXIT;
	siginfo_t info;

	NEED(PT(PTRACE_SETOPTIONS, pid, 0, options) == 0);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	info_of(pid);
	child = (pid_t)message_of(pid);
	await(child);
	info = info_of(child);
	CHECK(info.si_pid == 0);
	PT(PTRACE_CONT, child, 0, 0);
	await(child);
	SHOW(message_of(child));
	PT(PTRACE_CONT, child, 0, 0);
	await(child);
	PT(PTRACE_CONT, pid, 0, 0);
	do { /* SIGCHLD, perhaps */
		int status;

		NEED(waitpid(pid, &status, 0) == pid);
		if (status >> 16) {
			printf("  stopped %#x\n", status);
			break;
		}
		PT(PTRACE_CONT, pid, 0, status >> 8);
	} while (1);
	child = (pid_t)message_of(pid);
	await(child);
	PT(PTRACE_CONT, pid, 0, 0);
	PT(PTRACE_CONT, child, 0, 0);
	await(child);
	PT(PTRACE_CONT, child, 0, 0);
	await(pid);
	CHECK(message_of(pid) == (unsigned long)child);
	await(child);
	end(pid);
}

static void executes(void)
{
	execl("/bin/true", "true", NULL);
	_exit(1);
}

CASE(exec_tells_its_tracer)
{
	pid_t pid = traced(executes);
	siginfo_t info;

	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	info = info_of(pid);
	CHECK(info.si_pid == pid);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	pid = traced(executes);
	PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	CHECK(message_of(pid) == (unsigned long)pid);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

static void *thread_main(void *arg)
{
	(void)arg;
	syscall(SYS_getppid);
	return NULL;
}

static void makes_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_main, NULL);
	pthread_join(t, NULL);
	_exit(6);
}

CASE(threads_are_tracees_of_their_own)
{
	pid_t pid = traced(makes_thread), tid;

	PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	tid = (pid_t)message_of(pid);
	CHECK(tid != pid);
	await(tid);
	info_of(tid);
	PT(PTRACE_CONT, tid, 0, 0);
	await(tid);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

static void *thread_exec(void *arg)
{
	(void)arg;
	execl("/bin/true", "true", NULL);
	return NULL;
}

static void exec_by_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_exec, NULL);
	endless();
}

CASE(exec_by_a_thread)
{
	pid_t pid = traced(exec_by_thread), tid;

	PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	tid = (pid_t)message_of(pid);
	await(tid);
	PT(PTRACE_CONT, pid, 0, 0);
	PT(PTRACE_CONT, tid, 0, 0);
	await(pid);
	CHECK(message_of(pid) == (unsigned long)tid);
	SHOW(PT(PTRACE_CONT, tid, 0, 0));
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

static void killed_here(void)
{
	_exit(5);
}

CASE(an_exit_stop_outlives_sigkill)
{
	pid_t pid = traced(killed_here);

	PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	SHOW(message_of(pid));
	kill(pid, SIGKILL);
	settle(20000);
	SHOW(message_of(pid));
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	pid = traced(endless);
	PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT);
	kill(pid, SIGKILL);
	await(pid);
	SHOW(message_of(pid));
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

/* In registers only, so that each step is one instruction of this list. */
__attribute__((naked, noinline)) static void stepped(void)
{
	__asm__("xor %eax, %eax\n"
		"inc %eax\n"
		"pushf\n"
		"pop %rdx\n"
		"mov $110, %eax\n" /* getppid */
		"syscall\n"
		"nop\n"
		"ret\n");
}

static void runs_stepped(void)
{
	stepped();
	_exit(0);
}

CASE(single_steps)
{
	pid_t pid = traced(runs_stepped);
	struct user_regs_struct regs;
	siginfo_t info;
	int steps = 0;

	/* Some hundred steps, from the call of raise to the function. */
	do {
		PT(PTRACE_SINGLESTEP, pid, 0, 0);
		NEED(waitpid(pid, NULL, 0) == pid);
		regs = regs_of(pid);
	} while (regs.rip != (unsigned long)stepped && ++steps < 100000);
	CHECK(regs.rip == (unsigned long)stepped);
	for (int i = 0; i < 8; i++) {
		PT(PTRACE_SINGLESTEP, pid, 0, 0);
		await(pid);
		info = info_of(pid);
		regs = regs_of(pid);
		printf("  at %+ld: flags have TF: %d\n", (long)(regs.rip - (unsigned long)stepped),
		       (regs.eflags & 0x100) != 0);
		CHECK(info.si_addr == (void *)regs.rip);
		if (i == 3)
			CHECK((regs.rdx & 0x100) != 0);
		if (i == 5) {
			CHECK((long)regs.orig_rax == SYS_getppid);
			CHECK((regs.r11 & 0x100) != 0);
		}
	}
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

CASE(steps_into_a_handler)
{
	pid_t pid = traced(send_signals);

	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	PT(PTRACE_SINGLESTEP, pid, 0, SIGUSR1);
	await(pid);
	info_of(pid);
	CHECK(regs_of(pid).rip == (unsigned long)on_signal);
	end(pid);
}

__attribute__((naked, noinline)) static void breakpoint(void)
{
	__asm__("nop\n"
		"nop\n"
		"ret\n");
}

static void runs_breakpoint(void)
{
	breakpoint();
	breakpoint();
	_exit(0);
}

CASE(breakpoints)
{
	pid_t pid = traced(runs_breakpoint);
	struct user_regs_struct regs;
	unsigned long word;
	siginfo_t info;

	NEED(PT(PTRACE_PEEKTEXT, pid, breakpoint, &word) == 0);
	CHECK((word & 0xffffff) == 0xc39090);
	NEED(PT(PTRACE_POKETEXT, pid, breakpoint, (word & ~0xffUL) | 0xcc) == 0);
	CHECK(*(volatile unsigned char *)breakpoint == 0x90);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	info = info_of(pid);
	CHECK(info.si_addr == NULL);
	regs = regs_of(pid);
	CHECK(regs.rip == (unsigned long)breakpoint + 1);
	PT(PTRACE_POKETEXT, pid, breakpoint, word);
	regs.rip--;
	PT(PTRACE_SETREGS, pid, 0, &regs);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

static void uses_fpu(void)
{
	double d = 0;

	__asm__ volatile("movsd %1, %%xmm7\n"
			 "nop\n"
			 "1: syscall\n"
			 "movsd %%xmm7, %0\n"
			 : "=m"(d)
			 : "m"((double){2.5}), "a"(SYS_getppid)
			 : "rcx", "r11", "xmm7", "memory");
	_exit(d == 4.5 ? 0 : 1);
}

CASE(floating_point_registers)
{
	pid_t pid = traced(uses_fpu);
	static unsigned char area[32768] __attribute__((aligned(64)));
	struct user_fpregs_struct fp;
	struct iovec iov = {area, sizeof(area)};
	double d = 4.5, seen;
	uint64_t xcr0;

	to_call(pid, SYS_getppid);
	NEED(PT(PTRACE_GETFPREGS, pid, 0, &fp) == 0);
	memcpy(&seen, (char *)fp.xmm_space + 7 * 16, sizeof(seen));
	CHECK(seen == 2.5);
	NEED(PT(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov) == 0);
	CHECK(iov.iov_len >= 576);
	memcpy(&xcr0, area + 464, sizeof(xcr0));
	CHECK((xcr0 & 3) == 3);
	memcpy(area + 160 + 7 * 16, &d, sizeof(d));
	SHOW(PT(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov));
	iov.iov_len = 576 - 64;
	SHOW(PT(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov));
	iov.iov_len = 9;
	SHOW(PT(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	iov.iov_len = 0;
	SHOW(PT(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	iov.iov_len = 16;
	SHOW(PT(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	CHECK(iov.iov_len == 16);
	iov.iov_len = 1000;
	SHOW(PT(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	CHECK(iov.iov_len == sizeof(struct user_regs_struct));
	SHOW(PT(PTRACE_GETREGSET, pid, 0x7777, &iov));
	SHOW(PT(PTRACE_GETREGSET, pid, 0x201, &iov));
	SHOW(PT(PTRACE_GETFPXREGS, pid, 0, area));
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

CASE(bad_register_values)
{
	pid_t pid = traced(exit_7);
	unsigned long flags;

#define POKE(reg, value) PT(PTRACE_POKEUSR, pid, offsetof(struct user, regs.reg), value)
	SHOW(POKE(cs, 0));
	SHOW(POKE(ss, 0));
	SHOW(POKE(cs, 0x10));
	SHOW(POKE(fs_base, 1UL << 63));
	SHOW(POKE(gs_base, 1UL << 62));
	SHOW(PT(PTRACE_POKEUSR, pid, offsetof(struct user, u_tsize), 1));
	SHOW(POKE(eflags, -1));
	NEED(PT(PTRACE_PEEKUSR, pid, offsetof(struct user, regs.eflags), &flags) == 0);
	printf("  flags %#lx\n", flags);
	SHOW(POKE(eflags, 0x202));
	SHOW(POKE(rip, -1));
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
	PT(PTRACE_CONT, pid, 0, SIGSEGV);
	await(pid);
}

CASE(a_tracers_end)
{
	int fds[2];
	pid_t tracer, pid = 0, killed = 0;
	char c;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	NEED(pipe(fds) == 0);
	tracer = start_child();
	if (tracer == 0) {
		pid_t both[2] = {fork(), 0};

		if (both[0] == 0)
			endless();
		both[1] = fork();
		if (both[1] == 0)
			endless();
		PT(PTRACE_SEIZE, both[0], 0, 0);
		PT(PTRACE_INTERRUPT, both[0], 0, 0);
		PT(PTRACE_SEIZE, both[1], 0, PTRACE_O_EXITKILL);
		waitpid(both[0], NULL, 0);
		NEED(write(fds[1], both, sizeof(both)) == sizeof(both));
		_exit(0);
	}
	NEED(read(fds[0], &pid, sizeof(pid)) == sizeof(pid));
	NEED(read(fds[0], &killed, sizeof(killed)) == sizeof(killed));
	await(tracer);
	await(killed);
	settle(20000);
	status_line(pid, "State:", 0);
	status_line(pid, "TracerPid:", 0);
	end(pid);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	close(fds[0]);
	close(fds[1]);
	(void)c;
}

static void calls_for_ever(void)
{
	for (;;)
		usleep(100);
}

/* The tracer ends between two calls, at a stop that it has not seen. */
CASE(a_tracers_end_at_a_syscall_stop)
{
	pid_t pid = start_child(), tracer;

	if (pid == 0)
		calls_for_ever();
	for (int good = 1; good >= 0; good--) {
		tracer = start_child();
		if (tracer == 0) {
			long options = good ? PTRACE_O_TRACESYSGOOD : 0;

			NEED(PT(PTRACE_SEIZE, pid, 0, options) == 0);
			NEED(PT(PTRACE_INTERRUPT, pid, 0, 0) == 0);
			NEED(waitpid(pid, NULL, 0) == pid);
			NEED(PT(PTRACE_SYSCALL, pid, 0, 0) == 0);
			settle(20000);
			_exit(0);
		}
		await(tracer);
		settle(20000);
		if (good)
			SHOW(waitpid(pid, NULL, WNOHANG));
	}
	await(pid); /* the stop that was not seen is a signal */
}

/* The tracer is another child: the parent is told of the end after the tracer is. */
CASE(the_parent_waits_for_the_tracer)
{
	int to[2], from[2];
	pid_t pid = start_child(), tracer;
	char c = 'x';

	if (pid == 0)
		endless();
	NEED(pipe(to) == 0 && pipe(from) == 0);
	tracer = start_child();
	if (tracer == 0) {
		PT(PTRACE_SEIZE, pid, 0, 0);
		NEED(write(from[1], &c, 1) == 1 && read(to[0], &c, 1) == 1);
		await(pid);
		fflush(stdout);
		NEED(write(from[1], &c, 1) == 1 && read(to[0], &c, 1) == 1);
		_exit(0);
	}
	NEED(read(from[0], &c, 1) == 1);
	kill(pid, SIGKILL);
	settle(50000);
	SHOW(waitpid(pid, NULL, WNOHANG));
	fflush(stdout);
	NEED(write(to[1], &c, 1) == 1 && read(from[0], &c, 1) == 1);
	await(pid);
	NEED(write(to[1], &c, 1) == 1);
	await(tracer);
	close(to[0]);
	close(to[1]);
	close(from[0]);
	close(from[1]);
}

CASE(waitid_tells_of_stops)
{
	pid_t pid = traced(exit_7);
	siginfo_t info;

	PT(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT);
	PT(PTRACE_CONT, pid, 0, 0);
	SHOW(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
	CHECK(info.si_code == CLD_TRAPPED && info.si_pid == pid);
	printf("  status %#x\n", (unsigned)info.si_status);
	SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	SHOW(info.si_code == CLD_TRAPPED);
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}

CASE(other_users_and_the_undumpable)
{
	pid_t pid = traced(endless), other;

	other = start_child();
	if (other == 0) {
		if (getuid() == 0)
			NEED(setresgid(1, 1, 1) == 0 && setresuid(1, 1, 1) == 0);
		SHOW(getuid() == 1 ? PT(PTRACE_SEIZE, getppid(), 0, 0) : -1);
		fflush(stdout);
		_exit(0);
	}
	await(other);
	end(pid);
}

static volatile struct {
	uint64_t word, other;
} watched __attribute__((aligned(16)));

__attribute__((noinline)) static void at_breakpoint(void)
{
	__asm__ volatile("");
}

static void writes_and_calls(void)
{
	int fd = open("/dev/zero", O_RDONLY);

	watched.other = 1;
	watched.word = 1;
	NEED(read(fd, (void *)&watched.word, 8) == 8); /* The kernel's writes do not trigger it. */
	watched.word = 2;
	at_breakpoint();
	watched.other = 3;
	_exit((int)watched.word);
}

#define DR(n) (offsetof(struct user, u_debugreg) + (n)*8)

static unsigned long debug_reg(pid_t pid, int n)
{
	unsigned long value = 0;

	NEED(PT(PTRACE_PEEKUSR, pid, DR(n), &value) == 0);
	return value;
}

CASE(hardware_breakpoints)
{
	pid_t pid = traced(writes_and_calls);

	SHOW(PT(PTRACE_POKEUSR, pid, DR(0), &watched.word));
	SHOW(PT(PTRACE_POKEUSR, pid, DR(1), at_breakpoint));
	/* DR0: 8 bytes, writes; DR1: execution; both local. */
	SHOW(PT(PTRACE_POKEUSR, pid, DR(7), 0x90000 | 1 | 4));
	PT(PTRACE_CONT, pid, 0, 0);
	for (int i = 0; i < 3; i++) {
		siginfo_t info;

		await(pid);
		info = info_of(pid);
		printf("  hit %#lx\n", debug_reg(pid, 6) & 0xf);
		if (i == 2)
			CHECK(regs_of(pid).rip == (unsigned long)at_breakpoint &&
			      info.si_addr == (void *)at_breakpoint);
		PT(PTRACE_CONT, pid, 0, 0);
	}
	await(pid);
}

CASE(debug_registers)
{
	pid_t pid = traced(exit_7);

	SHOW(PT(PTRACE_POKEUSR, pid, DR(4), 1));
	SHOW(PT(PTRACE_POKEUSR, pid, DR(0), -1));
	SHOW(PT(PTRACE_POKEUSR, pid, DR(0), (char *)&watched + 1));
	SHOW(PT(PTRACE_POKEUSR, pid, DR(7), 0xd0001)); /* 4 bytes, not aligned */
	SHOW(PT(PTRACE_POKEUSR, pid, DR(7), 0x20001)); /* I/O */
	SHOW(PT(PTRACE_POKEUSR, pid, DR(7), 0xc0001)); /* execution of 4 bytes */
	SHOW(PT(PTRACE_POKEUSR, pid, DR(7), 0x10001));
	CHECK(debug_reg(pid, 7) == 0x10001 && debug_reg(pid, 4) == 0);
	CHECK(debug_reg(pid, 0) == (unsigned long)&watched + 1);
	SHOW(PT(PTRACE_POKEUSR, pid, DR(6), 0));
	SHOW(PT(PTRACE_POKEUSR, pid, DR(7), 0));
	PT(PTRACE_CONT, pid, 0, 0);
	await(pid);
}
