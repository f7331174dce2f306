// SPDX-License-Identifier: MIT
/*
 * seccomp(2): filters and what they do to system calls. Filters cannot be taken off again, so each
 * case works in children.
 */
#include "child.h"
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOAD(member)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(what)	BPF_STMT(BPF_RET | BPF_K, what)
#define LENGTH(program) (sizeof(program) / sizeof((program)[0]))

/* A filter that answers one call with a result, and allows all others. */
#define FOR_CALL(call, result)                                                                     \
	{                                                                                          \
		LOAD(nr), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), RETURN(result),         \
			RETURN(SECCOMP_RET_ALLOW),                                                 \
	}

static long seccomp(unsigned op, unsigned flags, void *args)
{
	return syscall(SYS_seccomp, op, flags, args);
}

static long set_filter(unsigned flags, struct sock_filter *program, size_t len)
{
	struct sock_fprog fprog = {(unsigned short)len, program};

	return seccomp(SECCOMP_SET_MODE_FILTER, flags, &fprog);
}

static long filter_call(unsigned flags, unsigned number, unsigned result)
{
	struct sock_filter program[] = FOR_CALL(number, result);

	return set_filter(flags, program, LENGTH(program));
}

static void no_new_privs(void)
{
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

/* Runs body in a child, and prints how that ended. */
static void in_child(void (*body)(void))
{
	pid_t pid = start_child();
	int status;

	if (pid == 0) {
		no_new_privs();
		body();
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

/* -- What is accepted -------------------------------------------------------------------------- */

static void arguments_in_child(void)
{
	struct sock_filter allow = RETURN(SECCOMP_RET_ALLOW);
	static struct sock_filter many[BPF_MAXINSNS + 1];
	struct sock_fprog fprog = {1, &allow};
	unsigned action = SECCOMP_RET_ERRNO;
	struct seccomp_notif_sizes sizes;

	for (unsigned i = 0; i < LENGTH(many); i++)
		many[i] = allow;
	SHOW(seccomp(99, 0, NULL));
	SHOW(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL));
	SHOW(seccomp(SECCOMP_SET_MODE_STRICT, 0, &fprog));
	SHOW(seccomp(SECCOMP_SET_MODE_FILTER, 1 << 20, &fprog));
	SHOW(seccomp(SECCOMP_SET_MODE_FILTER, 0, (void *)8));
	SHOW(seccomp(SECCOMP_SET_MODE_FILTER,
		     SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER, &fprog));
	SHOW(set_filter(0, many, 0));
	SHOW(set_filter(0, many, BPF_MAXINSNS + 1));
	SHOW(set_filter(0, (void *)8, 1));
	SHOW(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action));
	SHOW(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &action));
	action = 0x00070000;
	SHOW(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action));
	SHOW(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, NULL));
	SHOW(seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
	printf("  %u %u %u\n", sizes.seccomp_notif, sizes.seccomp_notif_resp, sizes.seccomp_data);
	SHOW(prctl(PR_SET_SECCOMP, 3, &fprog));
	SHOW(prctl(PR_GET_SECCOMP));
	SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog));
	SHOW(prctl(PR_GET_SECCOMP));
	SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0));
	SHOW(set_filter(SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW, many, 1));
	/* Three long ones fit. */
	SHOW(set_filter(0, many, BPF_MAXINSNS));
	SHOW(set_filter(0, many, BPF_MAXINSNS));
	SHOW(set_filter(0, many, BPF_MAXINSNS));
	SHOW(set_filter(0, many, BPF_MAXINSNS));
}

CASE(arguments)
{
	TRY(arguments_in_child);
}

CASE(new_privileges)
{
	struct sock_filter allow = RETURN(SECCOMP_RET_ALLOW);
	pid_t pid = start_child();

	if (pid == 0) {
		/* Without no_new_privs it takes a privilege, which is given up here. */
		if (getuid() == 0)
			NEED(setuid(65534) == 0);
		SHOW(set_filter(0, &allow, 1));
		no_new_privs();
		SHOW(set_filter(0, &allow, 1));
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

struct
try {
	const char *name;
	struct sock_filter program[4];
	size_t len;
};

static void programs_in_child(void)
{
	static struct try tries[] = {
		{"no return", {BPF_STMT(BPF_LD | BPF_IMM, 1)}, 1},
		{"offset 1", {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1), RETURN(0x7fff0000)}, 2},
		{"offset 60", {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 60), RETURN(0x7fff0000)}, 2},
		{"offset 64", {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RETURN(0x7fff0000)}, 2},
		{"byte", {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), RETURN(0x7fff0000)}, 2},
		{"indirect", {BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RETURN(0x7fff0000)}, 2},
		{"length", {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), RETURN(0x7fff0000)}, 2},
		{"modulo", {BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN(0x7fff0000)}, 2},
		{"division by 0", {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(0x7fff0000)}, 2},
		{"shift by 32", {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN(0x7fff0000)}, 2},
		{"load before store", {BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0x7fff0000)}, 2},
		{"word 16", {BPF_STMT(BPF_ST, 16), RETURN(0x7fff0000)}, 2},
		{"jump out", {BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0), RETURN(0x7fff0000)}, 2},
		{"branch out",
		 {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), RETURN(0x7fff0000)},
		 2},
	};

	for (unsigned i = 0; i < LENGTH(tries); i++) {
		printf("  %s: ", tries[i].name);
		SHOW(set_filter(0, tries[i].program, tries[i].len));
	}
}

CASE(programs)
{
	TRY(programs_in_child);
}

/* -- Actions ----------------------------------------------------------------------------------- */

static void errors_in_child(void)
{
	SHOW(filter_call(0, SYS_getppid, SECCOMP_RET_ERRNO | EXDEV));
	SHOW(filter_call(0, SYS_getuid, SECCOMP_RET_ERRNO | 0));
	SHOW(filter_call(0, SYS_getgid, SECCOMP_RET_ERRNO | 5000));
	SHOW(filter_call(0, SYS_geteuid, SECCOMP_RET_ERRNO | 512)); /* inside the kernel: restart */
	SHOW(filter_call(0, SYS_getegid, SECCOMP_RET_LOG));
	SHOW(filter_call(0, SYS_getsid, SECCOMP_RET_TRACE | 7)); /* without a tracer */
	SHOW(filter_call(0, 1234, SECCOMP_RET_ERRNO | EXDEV));
	SHOW(syscall(SYS_getppid));
	SHOW(syscall(SYS_getuid));
	SHOW(syscall(SYS_getgid));
	SHOW(syscall(SYS_geteuid));
	CHECK((gid_t)syscall(SYS_getegid) != (gid_t)-1);
	SHOW(syscall(SYS_getsid, 0));
	SHOW(syscall(1234));
	SHOW(syscall(1235));
	/* A call site that has been used often may be another one inside. */
	for (int i = 0; i < 2000; i++)
		NEED(getppid() == -1 && errno == EXDEV);
}

static void kill_process_in_child(void)
{
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_KILL_PROCESS) == 0);
	getppid();
}

static void unknown_action_in_child(void)
{
	NEED(filter_call(0, SYS_getppid, 0x00070000) == 0);
	getppid();
}

static void kill_thread_alone_in_child(void)
{
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_KILL_THREAD) == 0);
	getppid();
}

static void *call_getppid(void *arg)
{
	getppid();
	puts("  not reached");
	return arg;
}

static void kill_thread_in_child(void)
{
	pthread_t t;

	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_KILL_THREAD) == 0);
	NEED(pthread_create(&t, NULL, call_getppid, NULL) == 0);
	SHOW(pthread_join(t, NULL));
}

static void kill_process_from_thread_in_child(void)
{
	pthread_t t;

	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_KILL_PROCESS) == 0);
	NEED(pthread_create(&t, NULL, call_getppid, NULL) == 0);
	for (;;)
		pause();
}

/* The worst of all filters counts, whatever their order. */
static void precedence_in_child(void)
{
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_ERRNO | EXDEV) == 0);
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_TRACE) == 0);
	SHOW(syscall(SYS_getppid));
	/* Of two that are equal the newer one counts. */
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_ERRNO | EBADF) == 0);
	SHOW(syscall(SYS_getppid));
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_ALLOW) == 0);
	SHOW(syscall(SYS_getppid));
	fflush(stdout);
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_KILL_PROCESS) == 0);
	syscall(SYS_getppid);
}

CASE(actions)
{
	TRY(errors_in_child);
	TRY(precedence_in_child);
	TRY(kill_process_in_child);
	TRY(unknown_action_in_child);
	TRY(kill_thread_alone_in_child);
	TRY(kill_thread_in_child);
	TRY(kill_process_from_thread_in_child);
}

/* -- SIGSYS ------------------------------------------------------------------------------------ */

static volatile long trap_rip, trap_rax, trap_call, trap_nr, trap_errno, trap_code, trap_arch;

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)sig;
	trap_rip = u->uc_mcontext.gregs[REG_RIP];
	trap_rax = u->uc_mcontext.gregs[REG_RAX];
	trap_call = (long)info->si_call_addr;
	trap_nr = info->si_syscall;
	trap_errno = info->si_errno;
	trap_code = info->si_code;
	trap_arch = (long)(unsigned)info->si_arch;
	u->uc_mcontext.gregs[REG_RAX] = 4711; /* as sandboxes do calls for the program */
}

/* One call site, whose address the filter and the handler see. */
__attribute__((noinline)) static long site(long nr, void **after)
{
	long ret;

	__asm__ volatile("leaq 1f(%%rip), %1\n\tmovq %1, (%3)\n\tmov %2, %%rax\n\tsyscall\n1:"
			 : "=&a"(ret), "=&r"((long){0})
			 : "r"(nr), "r"(after)
			 : "rcx", "r11", "memory");
	return ret;
}

static void traps_in_child(void)
{
	struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
	void *after;

	sigaction(SIGSYS, &action, NULL);
	for (int i = 0; i < 100; i++)
		site(SYS_getppid, &after);
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_TRAP | 77) == 0);
	for (int i = 0; i < 100; i++)
		NEED(site(SYS_getppid, &after) == 4711);
	CHECK(trap_rip == (long)after && trap_call == (long)after);
	CHECK(trap_rax == SYS_getppid && trap_nr == SYS_getppid);
	printf("  errno %ld code %ld arch %#lx\n", trap_errno, trap_code, trap_arch);
	CHECK(trap_arch == AUDIT_ARCH_X86_64);
}

static void blocked_trap_in_child(void)
{
	struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
	sigset_t set;

	sigaction(SIGSYS, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_TRAP) == 0);
	getppid();
}

static void ignored_trap_in_child(void)
{
	signal(SIGSYS, SIG_IGN);
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_TRAP) == 0);
	getppid();
}

CASE(traps)
{
	TRY(traps_in_child);
	TRY(blocked_trap_in_child);
	TRY(ignored_trap_in_child);
}

/* -- What a filter sees ------------------------------------------------------------------------ */

static void data_in_child(void)
{
	void *after = NULL;
	long nr = SYS_getpriority;

	for (int i = 0; i < 200; i++)
		site(SYS_getppid, &after); /* the site may be another one inside by now */
	{
		struct sock_filter program[] = {
			LOAD(nr),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 6),
			LOAD(arch),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 4),
			LOAD(instruction_pointer),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(uintptr_t)after, 0, 2),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
				 offsetof(struct seccomp_data, instruction_pointer) + 4),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)((uintptr_t)after >> 32), 1,
				 0),
			RETURN(SECCOMP_RET_ALLOW),
			RETURN(SECCOMP_RET_ERRNO | EXDEV),
		};

		NEED(set_filter(0, program, LENGTH(program)) == 0);
	}
	SHOW(site(SYS_getppid, &after) == -EXDEV);
	CHECK(getppid() > 0); /* from elsewhere */
	{
		/* An argument is seen whole. */
		struct sock_filter program[] = {
			LOAD(nr),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr, 0, 5),
			LOAD(args[1]),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x9abcdef0, 0, 3),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
				 offsetof(struct seccomp_data, args[1]) + 4),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x12345678, 0, 1),
			RETURN(SECCOMP_RET_ERRNO | EXDEV),
			RETURN(SECCOMP_RET_ALLOW),
		};

		NEED(set_filter(0, program, LENGTH(program)) == 0);
	}
	SHOW(syscall(nr, 0, 0x123456789abcdef0));
	SHOW(syscall(nr, 99, 0x12345679abcdef00));
}

CASE(data)
{
	TRY(data_in_child);
}

/* -- Inheritance and threads ------------------------------------------------------------------- */

static void show_status(void)
{
	FILE *f = fopen("/proc/thread-self/status", "r");
	char line[256];

	NEED(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "Seccomp", 7) || !strncmp(line, "NoNewPrivs", 10))
			printf("  %s", line);
	fclose(f);
}

static void inherited_in_child(void)
{
	pid_t pid;

	show_status();
	NEED(filter_call(0, SYS_getppid, SECCOMP_RET_ERRNO | EXDEV) == 0);
	NEED(filter_call(0, SYS_getsid, SECCOMP_RET_ERRNO | EXDEV) == 0);
	show_status();
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		SHOW(syscall(SYS_getppid));
		show_status();
		fflush(stdout);
		/* execve(2) keeps the filters. */
		execl("/bin/sh", "sh", "-c", "grep Seccomp /proc/self/status", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static _Atomic int step;
static long thread_result;
static bool diverges;

static void *waits_for_step(void *arg)
{
	if (diverges)
		NEED(filter_call(0, SYS_getsid, SECCOMP_RET_ERRNO | EBADF) == 0);
	atomic_store(&step, 1);
	while (atomic_load(&step) < 2)
		usleep(100);
	errno = 0;
	thread_result = getppid() == -1 ? errno : 0;
	if (arg)
		*(pid_t *)arg = gettid();
	return arg;
}

static void sync_in_child(void)
{
	pthread_t t;

	NEED(pthread_create(&t, NULL, waits_for_step, NULL) == 0);
	while (atomic_load(&step) < 1)
		usleep(100);
	SHOW(filter_call(SECCOMP_FILTER_FLAG_TSYNC, SYS_getppid, SECCOMP_RET_ERRNO | EXDEV));
	atomic_store(&step, 2);
	pthread_join(t, NULL);
	printf("  the other thread's error: %s\n", check_errno((int)thread_result));
}

static void no_sync_in_child(void)
{
	pthread_t t;

	NEED(pthread_create(&t, NULL, waits_for_step, NULL) == 0);
	while (atomic_load(&step) < 1)
		usleep(100);
	SHOW(filter_call(0, SYS_getppid, SECCOMP_RET_ERRNO | EXDEV));
	atomic_store(&step, 2);
	pthread_join(t, NULL);
	printf("  the other thread's error: %s\n", check_errno((int)thread_result));
}

static void failing_sync_in_child(void)
{
	pthread_t t;
	pid_t tid = 0;
	long ret;

	diverges = true;
	NEED(pthread_create(&t, NULL, waits_for_step, &tid) == 0);
	while (atomic_load(&step) < 1)
		usleep(100);
	ret = filter_call(SECCOMP_FILTER_FLAG_TSYNC, SYS_getppid, SECCOMP_RET_ERRNO | EXDEV);
	SHOW(filter_call(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, SYS_getppid,
			 SECCOMP_RET_ERRNO | EXDEV));
	CHECK(getppid() > 0);
	atomic_store(&step, 2);
	pthread_join(t, NULL);
	CHECK(ret > 0 && ret == tid);
}

CASE(threads)
{
	TRY(inherited_in_child);
	TRY(sync_in_child);
	TRY(no_sync_in_child);
	TRY(failing_sync_in_child);
}

/* -- Strict mode ------------------------------------------------------------------------------- */

static void strict_in_child(void)
{
	static const char said[] = "  strict\n";

	fflush(stdout);
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	syscall(SYS_write, 1, said, sizeof(said) - 1);
	syscall(SYS_exit, 9);
}

static void strict_killed_in_child(void)
{
	NEED(seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL) == 0);
	syscall(SYS_getpid);
}

CASE(strict)
{
	TRY(strict_in_child);
	TRY(strict_killed_in_child);
}

/* -- A tracer ---------------------------------------------------------------------------------- */

static long pt(long request, pid_t pid, unsigned long addr, void *data)
{
	return syscall(SYS_ptrace, request, pid, addr, data);
}

static void show_stop(pid_t pid)
{
	unsigned long message = 0;
	struct ptrace_syscall_info info;
	int status = 0;

	NEED(waitpid(pid, &status, 0) == pid);
	if (!WIFSTOPPED(status)) {
		printf("  ended %#x\n", status);
		return;
	}
	pt(PTRACE_GETEVENTMSG, pid, 0, &message);
	printf("  stopped %#x", status);
	if (status >> 16)
		printf(" message %lu", message);
	if (pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) == 84)
		printf(" op %u nr %llu data %u", info.op, info.seccomp.nr, info.seccomp.ret_data);
	putchar('\n');
}

CASE(tracer)
{
	struct user_regs_struct regs;
	pid_t pid = start_child();

	if (pid == 0) {
		no_new_privs();
		NEED(pt(PTRACE_TRACEME, 0, 0, NULL) == 0);
		raise(SIGSTOP);
		NEED(filter_call(0, SYS_getppid, SECCOMP_RET_TRACE | 55) == 0);
		NEED(filter_call(0, SYS_getsid, SECCOMP_RET_ERRNO | EXDEV) == 0);
		CHECK(getppid() > 0);
		SHOW(syscall(SYS_getppid)); /* the tracer skips it */
		SHOW(syscall(SYS_getppid)); /* and makes it another one, which a filter denies */
		SHOW(syscall(SYS_getppid)); /* and is asked to stop at its exit */
		fflush(stdout);
		_exit(3);
	}
	show_stop(pid);
	NEED(pt(PTRACE_SETOPTIONS, pid, 0,
		(void *)(PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)) == 0);
	pt(PTRACE_CONT, pid, 0, NULL);
	show_stop(pid);
	pt(PTRACE_CONT, pid, 0, NULL);
	show_stop(pid);
	NEED(pt(PTRACE_GETREGS, pid, 0, &regs) == 0);
	CHECK(regs.orig_rax == SYS_getppid && (long)regs.rax == -ENOSYS);
	regs.orig_rax = -1UL;
	regs.rax = 1234;
	NEED(pt(PTRACE_SETREGS, pid, 0, &regs) == 0);
	pt(PTRACE_CONT, pid, 0, NULL);
	show_stop(pid);
	NEED(pt(PTRACE_GETREGS, pid, 0, &regs) == 0);
	regs.orig_rax = SYS_getsid;
	NEED(pt(PTRACE_SETREGS, pid, 0, &regs) == 0);
	pt(PTRACE_CONT, pid, 0, NULL);
	show_stop(pid);
	NEED(pt(PTRACE_GETREGS, pid, 0, &regs) == 0);
	regs.orig_rax = 1234;
	NEED(pt(PTRACE_SETREGS, pid, 0, &regs) == 0);
	pt(PTRACE_SYSCALL, pid, 0, NULL);
	show_stop(pid);
	pt(PTRACE_CONT, pid, 0, NULL);
	show_stop(pid);
}

/* A signal that comes while a call waits for its tracer interrupts the call's sleep. */
CASE(signal_before_the_call)
{
	pid_t pid = start_child();

	if (pid == 0) {
		no_new_privs();
		NEED(pt(PTRACE_TRACEME, 0, 0, NULL) == 0);
		raise(SIGSTOP);
		NEED(filter_call(0, SYS_clock_nanosleep, SECCOMP_RET_TRACE | 1) == 0);
		NEED(filter_call(0, SYS_restart_syscall, SECCOMP_RET_TRACE | 2) == 0);
		sleep(1000);
		_exit(3);
	}
	show_stop(pid);
	NEED(pt(PTRACE_SETOPTIONS, pid, 0, (void *)(PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)) ==
	     0);
	pt(PTRACE_CONT, pid, 0, NULL);
	show_stop(pid);
	kill(pid, SIGUSR1);
	pt(PTRACE_CONT, pid, 0, NULL);
	show_stop(pid);
	pt(PTRACE_CONT, pid, 0, NULL);
	show_stop(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Tools that save a process read its filters, and suspend them; both need a privilege. */
CASE(filters_of_others)
{
	struct seccomp_metadata md = {.filter_off = 1};
	struct sock_filter program[BPF_MAXINSNS];
	pid_t pid = start_child();

	if (pid == 0) {
		no_new_privs();
		NEED(pt(PTRACE_TRACEME, 0, 0, NULL) == 0);
		NEED(filter_call(0, SYS_getppid, SECCOMP_RET_ERRNO | EXDEV) == 0);
		NEED(filter_call(SECCOMP_FILTER_FLAG_LOG, SYS_getsid, SECCOMP_RET_ERRNO) == 0);
		raise(SIGSTOP);
		SHOW(getppid() > 0);
		fflush(stdout);
		_exit(0);
	}
	show_stop(pid);
	SHOW(pt(PTRACE_SECCOMP_GET_FILTER, pid, 0, program));
	printf("  %#x\n", program[1].k == SYS_getppid);
	SHOW(pt(PTRACE_SECCOMP_GET_FILTER, pid, 1, NULL));
	SHOW(pt(PTRACE_SECCOMP_GET_FILTER, pid, 2, NULL));
	SHOW(pt(PTRACE_SECCOMP_GET_METADATA, pid, sizeof(md), &md));
	printf("  %llu\n", (unsigned long long)md.flags);
	SHOW(pt(PTRACE_SECCOMP_GET_METADATA, pid, 4, &md));
	SHOW(pt(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_SUSPEND_SECCOMP));
	pt(PTRACE_CONT, pid, 0, NULL);
	show_stop(pid);
}

/* -- A supervisor ------------------------------------------------------------------------------ */

/* The supervisor's end: takes the listener of the child over a socket. */
static int receive_fd(int sock)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};
	int fd = -1;

	NEED(recvmsg(sock, &m, 0) == 1 && CMSG_FIRSTHDR(&m));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void send_fd(int sock, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	NEED(sendmsg(sock, &m, 0) == 1);
}

static struct seccomp_notif next_question(int listener)
{
	struct pollfd p = {listener, POLLIN, 0};
	struct seccomp_notif q = {0};

	NEED(poll(&p, 1, -1) == 1);
	NEED(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &q) == 0);
	printf("  asked: %d, %llu, flags %u\n", q.data.nr, q.data.args[0], q.flags);
	return q;
}

static int answer(int listener, __u64 id, long val, int error, unsigned flags)
{
	struct seccomp_notif_resp r = {id, val, error, flags};

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static int give_fd(int listener, __u64 id, int fd, unsigned flags, unsigned newfd)
{
	struct seccomp_notif_addfd a = {id, flags, (unsigned)fd, newfd, O_CLOEXEC};

	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
}

/* As a later kernel's headers may have it. */
struct longer {
	struct seccomp_notif_addfd add;
	char more[16];
};
#define ADDFD_BIG SECCOMP_IOWR(3, struct longer)

static void on_usr1(int sig)
{
	(void)sig;
}

static void show_file(const char *name)
{
	FILE *f = fopen(name, "r");
	char line[256];

	NEED(f);
	while (fgets(line, sizeof(line), f))
		fputs(line, stdout);
	fclose(f);
}

/* What the supervised process does. */
static void supervised(int sock)
{
	struct sigaction action = {.sa_handler = on_usr1};
	int listener;
	char byte;

	NEED(freopen("said", "w", stdout)); /* the supervisor shows it */
	no_new_privs();
	sigaction(SIGUSR1, &action, NULL);
	listener = (int)filter_call(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getsid,
				    SECCOMP_RET_USER_NOTIF);
	NEED(listener >= 0);
	CHECK(fcntl(listener, F_GETFD) == FD_CLOEXEC);
	SHOW(filter_call(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getsid, SECCOMP_RET_USER_NOTIF));
	send_fd(sock, listener);
	close(listener);
	SHOW(syscall(SYS_getsid, 1));
	SHOW(syscall(SYS_getsid, 2));
	SHOW(syscall(SYS_getsid, -3)); /* goes on: ESRCH */
	SHOW(syscall(SYS_getsid, 4));  /* a descriptor in a place of its own */
	SHOW(read(50, &byte, 1));
	CHECK(fcntl(50, F_GETFD) == FD_CLOEXEC);
	SHOW(syscall(SYS_getsid, 5) >= 0); /* a descriptor as the answer */
	SHOW(syscall(SYS_getsid, 8)); /* a value that is more than an error inside the kernel */
	SHOW(syscall(SYS_getsid, 6)); /* a signal: the handler does not restart it */
	SHOW(syscall(SYS_getsid, 7)); /* nobody listens any more */
	fflush(stdout);
	_exit(0);
}

CASE(supervisor)
{
	int sock[2], listener, file = open("given", O_RDWR | O_CREAT, 0600), status;
	struct longer big;
	struct seccomp_notif q;
	struct pollfd p;
	pid_t pid;

	NEED(write(file, "x", 1) == 1 && lseek(file, 0, SEEK_SET) == 0);
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0);
	pid = start_child();
	if (pid == 0)
		supervised(sock[1]);
	listener = receive_fd(sock[0]);
	q = next_question(listener);
	CHECK((pid_t)q.pid == pid && q.data.arch == AUDIT_ARCH_X86_64);
	p = (struct pollfd){listener, POLLIN | POLLOUT, 0};
	SHOW(poll(&p, 1, 0));
	printf("  events %#x\n", (unsigned)p.revents);
	SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &q.id));
	SHOW(answer(listener, q.id + 100, 0, 0, 0));
	SHOW(answer(listener, q.id, 0, 0, 2));
	SHOW(answer(listener, q.id, 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));
	SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &q)); /* must be zeros */
	SHOW(ioctl(listener, 0x1234, 0));
	SHOW(answer(listener, q.id, 42, 0, 0));
	SHOW(answer(listener, q.id, 42, 0, 0) == -1);

	q = next_question(listener);
	SHOW(answer(listener, q.id, 0, -EXDEV, 0));
	q = next_question(listener);
	SHOW(answer(listener, q.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE));

	q = next_question(listener);
	SHOW(give_fd(listener, q.id, 999, 0, 0));
	SHOW(give_fd(listener, q.id, file, 0, 50));
	SHOW(give_fd(listener, q.id, file, 4, 0));
	SHOW(give_fd(listener, q.id + 100, file, 0, 0));
	memset(&big, 1, sizeof(big));
	big.add = (struct seccomp_notif_addfd){q.id, 0, (unsigned)file, 0, 0};
	SHOW(ioctl(listener, ADDFD_BIG, &big));
	memset(big.more, 0, sizeof(big.more));
	SHOW(ioctl(listener, ADDFD_BIG, &big) >= 0);
	SHOW(give_fd(listener, q.id, file, SECCOMP_ADDFD_FLAG_SETFD, 50));
	SHOW(answer(listener, q.id, 0, 0, 0));
	q = next_question(listener);
	SHOW(give_fd(listener, q.id, file, SECCOMP_ADDFD_FLAG_SEND, 0) >= 0);

	q = next_question(listener);
	SHOW(answer(listener, q.id, 0, -512, 0));
	q = next_question(listener);
	kill(pid, SIGUSR1);
	while (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &q.id) == 0)
		usleep(100);
	SHOW(ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &q.id));
	SHOW(answer(listener, q.id, 0, 0, 0));
	q = next_question(listener);
	close(listener);
	NEED(waitpid(pid, &status, 0) == pid);
	printf("  status %#x; it said:\n", status);
	show_file("said");
	close(file);
}

static char state_of(pid_t pid)
{
	char path[64], line[200] = "", *p;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	NEED(fd >= 0 && read(fd, line, sizeof(line) - 1) > 0);
	close(fd);
	p = strrchr(line, ')');
	return p ? p[2] : '?';
}

/* Once it is read, a question may be kept from all signals but deadly ones. */
CASE(killable)
{
	const int signals[] = {SIGUSR1, SIGTERM};

	for (int i = 0; i < 2; i++) {
		int sock[2], listener, status;
		struct seccomp_notif q;
		pid_t pid;

		NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0);
		pid = start_child();
		if (pid == 0) {
			struct sigaction action = {.sa_handler = on_usr1};

			no_new_privs();
			sigaction(SIGUSR1, &action, NULL);
			send_fd(sock[1],
				(int)filter_call(SECCOMP_FILTER_FLAG_NEW_LISTENER |
							 SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
						 SYS_getsid, SECCOMP_RET_USER_NOTIF));
			_exit(syscall(SYS_getsid, 1) == 42 ? 5 : 6);
		}
		listener = receive_fd(sock[0]);
		q = next_question(listener);
		kill(pid, signals[i]);
		if (signals[i] == SIGUSR1) {
			while (state_of(pid) != 'D')
				usleep(1000);
			SHOW(answer(listener, q.id, 42, 0, 0));
		}
		NEED(waitpid(pid, &status, 0) == pid);
		printf("  status %#x\n", (unsigned)status);
		close(listener);
		close(sock[0]);
		close(sock[1]);
	}
}

/* The listener hangs up when no thread has the filter any more. */
CASE(supervised_process_ends)
{
	int sock[2], listener;
	struct seccomp_notif q = {0};
	struct pollfd p;
	pid_t pid;

	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, sock) == 0);
	pid = start_child();
	if (pid == 0) {
		no_new_privs();
		send_fd(sock[1], (int)filter_call(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_getsid,
						  SECCOMP_RET_USER_NOTIF));
		syscall(SYS_getsid, 1);
		_exit(0);
	}
	listener = receive_fd(sock[0]);
	q = next_question(listener);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	p = (struct pollfd){listener, POLLIN, 0};
	SHOW(poll(&p, 1, -1));
	printf("  events %#x\n", (unsigned)p.revents);
	SHOW(answer(listener, q.id, 0, 0, 0));
	close(listener);
}
