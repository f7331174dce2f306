// SPDX-License-Identifier: MIT
/*
 * Do signals reach programs as Linux delivers them? Queues, dispositions, the frame of a handler
 * bit by bit, the way back, and what happens to interrupted system calls and to hostile frames.
 * The kernel's files are compiled into this one, so that current() can be a thread of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/arch/x86_64/arch.h"

static struct thread *test_thread(void);
#define current test_thread

#include "kernel/signal/signal.c"
#include "kernel/signal/deliver.c"
#include "kernel/signal/frame.c"
#include "kernel/mm/fpu_area.c"
#include "kernel/task/user_counts.c"

#include <asm/unistd.h>

/* The program's memory: [USER_BASE, +USER_SIZE), nothing else is mapped. */
#define USER_BASE 0x100000UL
#define USER_SIZE 0x20000UL
#define STACK_TOP (USER_BASE + 0x10000)
#define ALT_BASE  (USER_BASE + 0x10000)
#define ALT_SIZE  0x4000UL
#define HANDLER	  0x401000UL
#define RESTORER  0x402000UL
#define FPU_SIZE  2696

static u8 user[USER_SIZE];
static u8 kstack[KSTACK_SIZE] __attribute__((aligned(KSTACK_SIZE)));
static struct sighand hand;
static struct process proc;
static struct thread thread;
static struct vcpu_data vcpu;
static struct boot_info info_page;
static u8 fpu[FPU_SIZE];
static bool fpu_bad, fpu_was_reset;
static jmp_buf end;
static int end_status;
static u64 kmallocs;

const struct boot_info *boot = &info_page;
struct mutex task_lock;
struct process *init_process = &proc;
struct process_list all_processes = LIST_HEAD_INITIALIZER(all_processes);

static struct thread *test_thread(void)
{
	return &thread;
}

/* Stands in for what the signal code needs of the rest of the kernel. */

bool process_is_frozen(const struct thread *t)
{
	(void)t;
	return false;
}

void freeze_park(void)
{
	fail_msg("nobody froze the process");
}

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->word, 0);
	m->word = 1;
}

void mutex_unlock(struct mutex *m)
{
	assert_int_equal(m->word, 1);
	m->word = 0;
}

void *kzalloc(u64 size)
{
	kmallocs++;
	return __builtin_calloc(1, size);
}

void *kmalloc(u64 size)
{
	return kzalloc(size);
}

void kfree(void *p)
{
	kmallocs -= p != NULL;
	__builtin_free(p);
}

static u8 *user_at(u64 addr, u64 len)
{
	if (addr < USER_BASE || addr > USER_BASE + USER_SIZE || len > USER_BASE + USER_SIZE - addr)
		return NULL;
	return user + (addr - USER_BASE);
}

int copy_to_user(u64 dst, const void *src, u64 len)
{
	u8 *p = user_at(dst, len);

	if (p)
		memcpy(p, src, len);
	return p ? 0 : -EFAULT;
}

int copy_from_user(void *dst, u64 src, u64 len)
{
	u8 *p = user_at(src, len);

	if (p)
		memcpy(dst, p, len);
	return p ? 0 : -EFAULT;
}

u32 arch_fpu_size(void)
{
	return FPU_SIZE;
}

u64 arch_fpu_features(void)
{
	return 0xe7;
}

void arch_fpu_save(struct xsave_area *area)
{
	memcpy(area, fpu, FPU_SIZE);
}

int arch_fpu_restore(const struct xsave_area *area)
{
	if (fpu_bad)
		return -EINVAL;
	memcpy(fpu, area, FPU_SIZE);
	return 0;
}

void arch_fpu_reset(void)
{
	fpu_was_reset = true;
}

struct vcpu_data *arch_vcpu_data_of(u32 id)
{
	assert_int_equal(id, 0);
	return &vcpu;
}

struct vcpu_data *arch_vcpu_data(void)
{
	return &vcpu;
}

/* Stands in for kernel/task/schedule.c, and counts its calls. */
void sched_kick(struct thread *t)
{
	hc_vcpu_kick(t->vcpu);
}

void arch_upcall_taken(void)
{
	vcpu.upcall = 0;
}

s64 hostcall_make(enum hostcall_nr nr, const struct hostcall_param *params, unsigned count)
{
	(void)params, (void)count;
	if (nr == HC_kill_outside)
		proc.wait_status = 0x137f; /* "stopped": as a test sees it */
	return 0;
}

void thread_exit(int wait_status)
{
	process_exit(wait_status);
}

void process_stop(struct process *p, int sig)
{
	p->stopped = (u32)sig;
}

void process_continue(struct process *p, bool report)
{
	(void)report;
	p->stopped = 0;
}

/* Tracing: the test decides what the tracer makes of a signal. No thread is stepped. */
static int traced_signal;

int ptrace_signal_stop(int sig, siginfo_t *info)
{
	info->si_signo = traced_signal;
	return sig ? traced_signal : 0;
}
void ptrace_trap_stop(void) {}
void ptrace_handler_entered(void) {}
void ptrace_wake(struct thread *t)
{
	(void)t;
}
void ptrace_continued(struct process *p)
{
	(void)p;
}
void ptrace_settle(struct thread *t)
{
	(void)t;
}

void process_park(void)
{
	proc.stopped = 0;
}

bool process_orphaned(struct process *p)
{
	(void)p;
	return false;
}

static int terminal_signal;

void async_arrived(void) {}

void path_prefetch_drop(struct thread *t)
{
	(void)t;
}

void tty_signal(int sig)
{
	terminal_signal = sig;
}

void signalfd_notify(int sig)
{
	(void)sig;
}

bool core_dump(const siginfo_t *info)
{
	(void)info;
	return false;
}

void process_exit(int wait_status)
{
	end_status = wait_status;
	longjmp(end, 1);
}

void panic(const char *fmt, ...)
{
	fail_msg("panic: %s", fmt);
	__builtin_trap();
}

void klog(int level, const char *fmt, ...)
{
	(void)level, (void)fmt;
}

void timers_expired(u64 bits)
{
	(void)bits;
}

void timer_signal_taken(siginfo_t *info)
{
	info->si_overrun = 7;
}

void mm_revalidate_windows(struct mm *mm)
{
	(void)mm;
}

void trace_signal(const siginfo_t *info)
{
	(void)info;
}

/* A program in a system call that has just ended, with nothing pending. */
static int setup(void **state)
{
	struct trapframe *f;

	(void)state;
	memset(&hand, 0, sizeof(hand));
	memset(&proc, 0, sizeof(proc));
	memset(&thread, 0, sizeof(thread));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(user, 0xcc, sizeof(user));
	memset(fpu, 0, sizeof(fpu));
	for (unsigned i = 0; i < sizeof(fpu); i++)
		if (i < XSAVE_SW_AT || i >= sizeof(struct xsave_area))
			fpu[i] = (u8)(i * 7);
	fpu_bad = fpu_was_reset = false;
	end_status = -1;
	TAILQ_INIT(&proc.threads);
	TAILQ_INIT(&proc.pending.queue);
	TAILQ_INIT(&thread.pending.queue);
	TAILQ_INSERT_TAIL(&proc.threads, &thread, link);
	proc.pid = 100;
	proc.sighand = &hand;
	proc.rlimit[RLIMIT_SIGPENDING].cur = 10;
	thread.tid = 100;
	thread.proc = &proc;
	thread.context.kstack = kstack;
	thread.altstack.flags = SS_DISABLE;
	f = thread_frame(&thread);
	*f = (struct trapframe){
		.r15 = 15,
		.r14 = 14,
		.r13 = 13,
		.r12 = 12,
		.rbp = 5,
		.rbx = 3,
		.r11 = 11,
		.r10 = 10,
		.r9 = 9,
		.r8 = 8,
		.rax = 0,
		.rcx = 2,
		.rdx = 4,
		.rsi = 6,
		.rdi = 7,
		.orig_rax = 39,
		.vector = TRAP_SYSCALL,
		.rip = 0x400002,
		.cs = SEL_USER_CS,
		.rflags = RFLAGS_FIXED | RFLAGS_IF | RFLAGS_DF,
		.rsp = STACK_TOP,
		.ss = SEL_USER_DS,
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	signal_flush(&proc, ~0UL);
	assert_int_equal(kmallocs, 0);
	assert_int_equal(user_count(0, USER_SIGNALS), 0);
	return 0;
}

static void handle(int sig, u64 flags, sigset mask)
{
	hand.action[sig - 1] = (struct sigaction_k){
		.handler = HANDLER,
		.flags = flags | SA_RESTORER,
		.restorer = RESTORER,
		.mask = mask,
	};
}

static siginfo_t info_of(int sig, int code, int value)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = code;
	info.si_value.sival_int = value;
	return info;
}

static int send(int sig)
{
	siginfo_t info = info_of(sig, SI_USER, 0);

	return signal_send(&proc, NULL, &info);
}

static struct trapframe *deliver(void)
{
	if (setjmp(end) == 0)
		signal_deliver(thread_frame(&thread));
	return thread_frame(&thread);
}

static struct rt_sigframe *frame_at(u64 rsp)
{
	struct rt_sigframe *f = (struct rt_sigframe *)user_at(rsp, sizeof(*f));

	assert_non_null(f);
	return f;
}

static void handler_frame_is_linux_s(void **state)
{
	struct trapframe before = *thread_frame(&thread);
	struct trapframe *f;
	struct rt_sigframe sf;
	struct _fpx_sw_bytes sw;
	u64 fpstate;
	u32 magic2;

	(void)state;
	thread.blocked = SIGBIT(SIGHUP);
	handle(SIGUSR1, SA_SIGINFO, SIGBIT(SIGTERM));
	assert_int_equal(send(SIGUSR1), 0);
	f = deliver();

	assert_int_equal(f->rip, HANDLER);
	assert_int_equal(f->rdi, SIGUSR1);
	assert_int_equal(f->rax, 0);
	assert_int_equal(f->rsp % 16, 8); /* as after a CALL */
	assert_false(f->rflags & RFLAGS_DF);
	assert_true(fpu_was_reset);
	assert_int_equal(thread.blocked, SIGBIT(SIGHUP) | SIGBIT(SIGTERM) | SIGBIT(SIGUSR1));

	memcpy(&sf, frame_at(f->rsp), sizeof(sf));
	assert_int_equal(sf.restorer, RESTORER);
	assert_int_equal(f->rdx, f->rsp + 8);
	assert_int_equal(f->rsi, f->rsp + 8 + sizeof(struct ucontext));
	assert_int_equal(sf.info.si_signo, SIGUSR1);
	assert_int_equal(sf.uc.uc_flags, UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS);
	assert_int_equal(sf.uc.uc_sigmask, SIGBIT(SIGHUP));
	assert_int_equal(sf.uc.uc_stack.ss_flags, SS_DISABLE);
#define X(reg) assert_int_equal(sf.uc.uc_mcontext.reg, before.reg);
	FRAME_REGISTERS(X)
#undef X
	assert_int_equal(sf.uc.uc_mcontext.eflags, before.rflags);
	assert_int_equal(sf.uc.uc_mcontext.cs, SEL_USER_CS);
	assert_int_equal(sf.uc.uc_mcontext.ss, SEL_USER_DS);

	fpstate = (u64)sf.uc.uc_mcontext.fpstate;
	assert_int_equal(fpstate % 64, 0);
	/* The red zone belongs to the interrupted function. */
	assert_true(fpstate + FPU_SIZE + sizeof(magic2) <= before.rsp - 128);
	memcpy(&sw, user_at(fpstate + 464, sizeof(sw)), sizeof(sw));
	assert_int_equal(sw.magic1, FP_XSTATE_MAGIC1);
	assert_int_equal(sw.xstate_size, FPU_SIZE);
	assert_int_equal(sw.extended_size, FPU_SIZE + 4);
	assert_int_equal(sw.xfeatures, 0xe7);
	memcpy(&magic2, user_at(fpstate + FPU_SIZE, 4), 4);
	assert_int_equal(magic2, FP_XSTATE_MAGIC2);
}

/* The handler returns: RET pops the restorer, which calls rt_sigreturn. */
static s64 return_from_handler(void)
{
	struct trapframe *f = thread_frame(&thread);
	s64 ret;

	f->rsp += 8;
	f->vector = TRAP_SYSCALL;
	f->orig_rax = __NR_rt_sigreturn;
	ret = sys_rt_sigreturn(NULL);
	f->rax = (u64)ret;
	return ret;
}

static void sigreturn_restores_everything(void **state)
{
	struct trapframe before = *thread_frame(&thread);
	struct trapframe *f;
	u8 fpu_before[FPU_SIZE];

	(void)state;
	before.rax = thread_frame(&thread)->rax = 42;
	memcpy(fpu_before, fpu, sizeof(fpu));
	handle(SIGUSR1, SA_SIGINFO, 0);
	send(SIGUSR1);
	f = deliver();
	f->rbx = f->r15 = f->rcx = 0x5555;
	memset(fpu, 0xee, sizeof(fpu));

	assert_int_equal(return_from_handler(), 42);
	assert_int_equal(f->orig_rax, (u64)-1);
	before.orig_rax = (u64)-1;
	assert_memory_equal(f, &before, sizeof(before));
	assert_int_equal(thread.blocked, 0);
	/* Except for the bytes of the frame itself. */
	assert_memory_equal(fpu, fpu_before, XSAVE_SW_AT);
	assert_memory_equal(fpu + sizeof(struct xsave_area), fpu_before + sizeof(struct xsave_area),
			    FPU_SIZE - sizeof(struct xsave_area));
	/* A result that looks like a restart code is now the program's own register value. */
	f->rax = (u64)-ERESTARTSYS;
	deliver();
	assert_int_equal(f->rip, before.rip);
}

static void enter_usr1(void)
{
	handle(SIGUSR1, SA_SIGINFO, 0);
	send(SIGUSR1);
	assert_int_equal(deliver()->rip, HANDLER);
}

static void sigreturn_kills(void)
{
	return_from_handler();
	deliver();
	assert_int_equal(end_status, SIGSEGV);
}

static void sigreturn_to_kernel_addresses_is_refused(void **state)
{
	(void)state;
	enter_usr1();
	frame_at(thread_frame(&thread)->rsp)->uc.uc_mcontext.rip = KERNEL_BASE;
	sigreturn_kills();
}

static void sigreturn_to_other_segments_is_refused(void **state)
{
	(void)state;
	enter_usr1();
	frame_at(thread_frame(&thread)->rsp)->uc.uc_mcontext.cs = SEL_KERNEL_CS;
	sigreturn_kills();
}

static void sigreturn_of_bad_fpu_state_is_refused(void **state)
{
	(void)state;
	enter_usr1();
	fpu_bad = true;
	sigreturn_kills();
}

static void sigreturn_without_frame_is_refused(void **state)
{
	(void)state;
	thread_frame(&thread)->rsp = 0x1000;
	sigreturn_kills();
}

static void sigreturn_cannot_raise_privilege_flags(void **state)
{
	struct trapframe *f = thread_frame(&thread);

	(void)state;
	enter_usr1();
	frame_at(f->rsp)->uc.uc_mcontext.eflags = ~0UL;
	return_from_handler();
	assert_int_equal(f->rflags & (RFLAGS_IOPL | RFLAGS_NT), 0);
	assert_true(f->rflags & RFLAGS_IF);
	assert_int_equal(f->rflags & RFLAGS_USER, RFLAGS_USER);
}

static void sigreturn_never_blocks_kill_and_stop(void **state)
{
	(void)state;
	enter_usr1();
	frame_at(thread_frame(&thread)->rsp)->uc.uc_sigmask = ~0UL;
	return_from_handler();
	assert_int_equal(thread.blocked, ~SIGNALS_FORCED);
}

/* signal(7), "Interruption of system calls and library functions by signal handlers". */
static void interrupted_calls_restart_or_fail(void **state)
{
	static const struct {
		s64 result;
		u64 flags;
		s64 with_handler, without; /* what rax becomes: a result or the number to run */
	} cases[] = {
		{-ERESTARTSYS, SA_RESTART, 39, 39},
		{-ERESTARTSYS, 0, -EINTR, 39},
		{-ERESTARTNOINTR, 0, 39, 39},
		{-ERESTARTNOHAND, SA_RESTART, -EINTR, 39},
		{-ERESTARTNOHAND, 0, -EINTR, 39},
		{-ERESTART_RESTARTBLOCK, SA_RESTART, -EINTR, __NR_restart_syscall},
		{-EINTR, SA_RESTART, -EINTR, -EINTR},
		{5, SA_RESTART, 5, 5},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct trapframe *f;
		struct rt_sigframe *sf;

		setup(state);
		thread_frame(&thread)->rax = (u64)cases[i].result;
		f = deliver();
		assert_int_equal((s64)f->rax, cases[i].without);
		assert_int_equal(f->rip, cases[i].without > 5 ? 0x400000 : 0x400002);

		setup(state);
		thread_frame(&thread)->rax = (u64)cases[i].result;
		handle(SIGUSR1, cases[i].flags, 0);
		send(SIGUSR1);
		f = deliver();
		sf = frame_at(f->rsp);
		assert_int_equal((s64)sf->uc.uc_mcontext.rax, cases[i].with_handler);
		assert_int_equal(sf->uc.uc_mcontext.rip,
				 cases[i].with_handler > 5 ? 0x400000 : 0x400002);
	}
}

static void traps_are_not_restarted(void **state)
{
	struct trapframe *f = thread_frame(&thread);

	(void)state;
	f->vector = VEC_UPCALL;
	f->orig_rax = (u64)-1;
	f->rax = (u64)-ERESTARTSYS; /* the program's own */
	deliver();
	assert_int_equal(f->rip, 0x400002);
	assert_int_equal(f->rax, (u64)-ERESTARTSYS);
}

static void real_time_signals_queue_in_order(void **state)
{
	const int sig = 40;
	siginfo_t info;

	(void)state;
	thread.blocked = SIGBIT(sig);
	for (int i = 0; i < 3; i++) {
		info = info_of(sig, SI_QUEUE, i);
		assert_int_equal(signal_send(&proc, NULL, &info), 0);
	}
	assert_false(signal_pending());
	for (int i = 0; i < 3; i++) {
		assert_int_equal(signal_take(SIGBIT(sig), &info), sig);
		assert_int_equal(info.si_value.sival_int, i);
	}
	assert_int_equal(signal_take(SIGBIT(sig), &info), 0);
}

static void standard_signals_are_pending_once(void **state)
{
	siginfo_t info;

	(void)state;
	thread.blocked = SIGBIT(SIGUSR1);
	send(SIGUSR1);
	send(SIGUSR1);
	assert_int_equal(signal_take(~0UL, &info), SIGUSR1);
	assert_int_equal(signal_take(~0UL, &info), 0);
}

static void sigqueue_beyond_the_limit_is_refused_but_kill_arrives(void **state)
{
	siginfo_t info = info_of(40, SI_QUEUE, 0);

	(void)state;
	thread.blocked = ~0UL;
	for (int i = 0; i < 10; i++)
		assert_int_equal(signal_send(&proc, NULL, &info), 0);
	assert_int_equal(signal_send(&proc, NULL, &info), -EAGAIN);
	assert_int_equal(send(SIGUSR1), 0);
	assert_int_equal(signal_take(SIGBIT(SIGUSR1), &info), SIGUSR1);
	assert_int_equal(info.si_code, SI_USER);
}

static void ignored_signals_vanish_unless_blocked(void **state)
{
	(void)state;
	hand.action[SIGUSR1 - 1].handler = (u64)SIG_IGN;
	send(SIGUSR1);
	send(SIGCHLD); /* ignored by default */
	assert_int_equal(proc.pending.set, 0);
	thread.blocked = SIGBIT(SIGUSR1);
	send(SIGUSR1);
	assert_int_equal(proc.pending.set, SIGBIT(SIGUSR1));
}

/* A tracer has the thread. A signal becomes this one; 0: it is suppressed. */
static void trace(int as)
{
	static struct thread tracer;

	thread.ptrace.tracer = &tracer;
	traced_signal = as;
}

static void tracer_sees_ignored_signals_and_may_replace_them(void **state)
{
	struct trapframe *f;

	(void)state;
	hand.action[SIGUSR2 - 1].handler = (u64)SIG_IGN;
	handle(SIGUSR1, 0, 0);
	trace(SIGUSR1);
	send(SIGUSR2);
	assert_int_equal(proc.pending.set, SIGBIT(SIGUSR2));
	f = deliver();
	assert_int_equal(f->rip, HANDLER);
	assert_int_equal(f->rdi, SIGUSR1);
}

static void tracer_suppresses_signals(void **state)
{
	struct trapframe before = *thread_frame(&thread), *f;

	(void)state;
	trace(0);
	send(SIGTERM);
	send(SIGHUP);
	f = deliver();
	assert_int_equal(proc.pending.set, 0);
	assert_int_equal(f->rip, before.rip);
	assert_int_equal(end_status, -1);
}

static void default_action_ends_with_the_signal(void **state)
{
	(void)state;
	send(SIGTERM);
	deliver();
	assert_int_equal(end_status, SIGTERM);
}

static void stop_and_continue_cancel_each_other(void **state)
{
	(void)state;
	thread.blocked = SIGBIT(SIGTSTP) | SIGBIT(SIGCONT);
	send(SIGTSTP);
	send(SIGCONT);
	assert_int_equal(proc.pending.set, SIGBIT(SIGCONT));
	send(SIGTSTP);
	assert_int_equal(proc.pending.set, SIGBIT(SIGTSTP));
	thread.blocked = 0;
	deliver();
	assert_int_equal(proc.wait_status, 0x137f);
	assert_int_equal(end_status, -1);
}

static void faults_come_before_other_signals(void **state)
{
	struct trapframe *f;

	(void)state;
	handle(SIGHUP, SA_SIGINFO, ~0UL);
	handle(SIGSEGV, SA_SIGINFO, ~0UL);
	send(SIGHUP);
	signal_fault(SIGSEGV, SEGV_MAPERR, 0x1234, VEC_PF, 6);
	f = deliver();
	assert_int_equal(f->rdi, SIGSEGV);
	assert_ptr_equal(frame_at(f->rsp)->info.si_addr, (void *)0x1234);
	assert_int_equal(frame_at(f->rsp)->uc.uc_mcontext.cr2, 0x1234);
	assert_int_equal(frame_at(f->rsp)->uc.uc_mcontext.trapno, VEC_PF);
	assert_int_equal(frame_at(f->rsp)->uc.uc_mcontext.err, 6);
	assert_int_equal(proc.pending.set, SIGBIT(SIGHUP));
}

static void blocked_fault_kills(void **state)
{
	(void)state;
	handle(SIGSEGV, SA_SIGINFO, 0);
	thread.blocked = SIGBIT(SIGSEGV);
	signal_fault(SIGSEGV, SEGV_MAPERR, 0, VEC_PF, 6);
	deliver();
	assert_int_equal(end_status, SIGSEGV);
}

static void ignored_fault_kills(void **state)
{
	(void)state;
	hand.action[SIGSEGV - 1].handler = (u64)SIG_IGN;
	signal_fault(SIGSEGV, SEGV_MAPERR, 0, VEC_PF, 6);
	deliver();
	assert_int_equal(end_status, SIGSEGV);
}

static void alternate_stack_is_used_and_kept(void **state)
{
	struct trapframe *f;
	u64 first;

	(void)state;
	thread.altstack.sp = ALT_BASE;
	thread.altstack.size = ALT_SIZE;
	thread.altstack.flags = 0;
	handle(SIGUSR1, SA_ONSTACK, 0);
	handle(SIGUSR2, SA_ONSTACK, 0);
	send(SIGUSR1);
	f = deliver();
	first = f->rsp;
	assert_in_range(first, ALT_BASE, ALT_BASE + ALT_SIZE);
	assert_int_equal(altstack_state(&thread, first), SS_ONSTACK);
	/* A nested handler continues below; it does not start again at the top. */
	send(SIGUSR2);
	f = deliver();
	assert_in_range(f->rsp, ALT_BASE, first);
	/* The stack cannot be changed while it is in use. */
	assert_int_equal(signal_altstack_set(&(stack_t){.ss_flags = SS_DISABLE}, f->rsp), -EPERM);
}

static void alternate_stack_that_is_too_small_kills(void **state)
{
	(void)state;
	thread.altstack.sp = ALT_BASE;
	thread.altstack.size = 2048; /* allowed, but XSAVE's frame is larger */
	thread.altstack.flags = 0;
	handle(SIGUSR1, SA_ONSTACK, 0);
	send(SIGUSR1);
	deliver();
	assert_int_equal(end_status, SIGSEGV);
}

static void autodisarm_clears_and_sigreturn_restores(void **state)
{
	(void)state;
	thread.altstack.sp = ALT_BASE;
	thread.altstack.size = ALT_SIZE;
	thread.altstack.flags = SS_AUTODISARM;
	handle(SIGUSR1, SA_ONSTACK, 0);
	send(SIGUSR1);
	deliver();
	assert_int_equal(thread.altstack.size, 0);
	return_from_handler();
	assert_int_equal(thread.altstack.size, ALT_SIZE);
	assert_int_equal(thread.altstack.flags, SS_AUTODISARM);
}

static void unmapped_stack_kills(void **state)
{
	(void)state;
	thread_frame(&thread)->rsp = 0x5000;
	handle(SIGUSR1, 0, 0);
	send(SIGUSR1);
	deliver();
	assert_int_equal(end_status, SIGSEGV);
}

static void unmapped_stack_of_a_segv_handler_kills(void **state)
{
	(void)state;
	thread_frame(&thread)->rsp = 0x5000;
	handle(SIGSEGV, 0, 0);
	signal_fault(SIGSEGV, SEGV_MAPERR, 0, VEC_PF, 6);
	deliver();
	assert_int_equal(end_status, SIGSEGV);
}

static void resethand_and_nodefer(void **state)
{
	(void)state;
	handle(SIGUSR1, SA_RESETHAND | SA_NODEFER, 0);
	send(SIGUSR1);
	deliver();
	assert_int_equal(hand.action[SIGUSR1 - 1].handler, (u64)SIG_DFL);
	assert_int_equal(thread.blocked, 0);
}

static void several_handlers_nest(void **state)
{
	struct trapframe *f;

	(void)state;
	handle(SIGUSR1, 0, 0);
	handle(SIGUSR2, 0, 0);
	send(SIGUSR1);
	send(SIGUSR2);
	f = deliver();
	/* The last frame pushed runs first and returns into the start of the other handler. */
	assert_int_equal(f->rdi, SIGUSR2);
	return_from_handler();
	assert_int_equal(f->rip, HANDLER);
	assert_int_equal(f->rdi, SIGUSR1);
	return_from_handler();
	assert_int_equal(f->rip, 0x400002);
}

static void temporary_mask_is_in_the_frame_and_goes(void **state)
{
	struct trapframe *f;

	(void)state;
	/* As rt_sigsuspend leaves it: SIGUSR1 is let in, and SIGHUP was blocked before. */
	thread.saved_blocked = SIGBIT(SIGUSR1) | SIGBIT(SIGHUP);
	thread.restore_blocked = true;
	thread.blocked = 0;
	thread_frame(&thread)->rax = (u64)-ERESTARTNOHAND;
	handle(SIGUSR1, SA_RESTART, 0);
	send(SIGUSR1);
	f = deliver();
	assert_int_equal(frame_at(f->rsp)->uc.uc_sigmask, SIGBIT(SIGUSR1) | SIGBIT(SIGHUP));
	assert_int_equal((s64)frame_at(f->rsp)->uc.uc_mcontext.rax, -EINTR);
	assert_false(thread.restore_blocked);

	setup(state);
	thread.saved_blocked = SIGBIT(SIGHUP);
	thread.restore_blocked = true;
	deliver();
	assert_int_equal(thread.blocked, SIGBIT(SIGHUP));
}

static void signals_from_outside_arrive(void **state)
{
	(void)state;
	vcpu.upcall = 1;
	vcpu.signals_arrived = SIGBIT(SIGINT);
	deliver();
	assert_int_equal(end_status, SIGINT);
	assert_int_equal(vcpu.signals_arrived, 0);
	assert_int_equal(vcpu.upcall, 0);
}

static void timer_signals_say_their_overrun(void **state)
{
	siginfo_t info = info_of(SIGALRM, SI_TIMER, 0);

	(void)state;
	thread.blocked = SIGBIT(SIGALRM);
	signal_send(&proc, NULL, &info);
	assert_int_equal(signal_take(~0UL, &info), SIGALRM);
	assert_int_equal(info.si_overrun, 7);
}

static void exec_keeps_ignored_and_drops_handlers(void **state)
{
	(void)state;
	handle(SIGUSR1, SA_SIGINFO, 1);
	hand.action[SIGUSR2 - 1].handler = (u64)SIG_IGN;
	thread.altstack.size = 1;
	signal_exec();
	assert_int_equal(hand.action[SIGUSR1 - 1].handler, (u64)SIG_DFL);
	assert_int_equal(hand.action[SIGUSR1 - 1].flags, 0);
	assert_int_equal(hand.action[SIGUSR2 - 1].handler, (u64)SIG_IGN);
	assert_int_equal(thread.altstack.size, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(handler_frame_is_linux_s),
		TEST(sigreturn_restores_everything),
		TEST(sigreturn_to_kernel_addresses_is_refused),
		TEST(sigreturn_to_other_segments_is_refused),
		TEST(sigreturn_of_bad_fpu_state_is_refused),
		TEST(sigreturn_without_frame_is_refused),
		TEST(sigreturn_cannot_raise_privilege_flags),
		TEST(sigreturn_never_blocks_kill_and_stop),
		TEST(interrupted_calls_restart_or_fail),
		TEST(traps_are_not_restarted),
		TEST(real_time_signals_queue_in_order),
		TEST(standard_signals_are_pending_once),
		TEST(sigqueue_beyond_the_limit_is_refused_but_kill_arrives),
		TEST(ignored_signals_vanish_unless_blocked),
		TEST(tracer_sees_ignored_signals_and_may_replace_them),
		TEST(tracer_suppresses_signals),
		TEST(default_action_ends_with_the_signal),
		TEST(stop_and_continue_cancel_each_other),
		TEST(faults_come_before_other_signals),
		TEST(blocked_fault_kills),
		TEST(ignored_fault_kills),
		TEST(alternate_stack_is_used_and_kept),
		TEST(alternate_stack_that_is_too_small_kills),
		TEST(autodisarm_clears_and_sigreturn_restores),
		TEST(unmapped_stack_kills),
		TEST(unmapped_stack_of_a_segv_handler_kills),
		TEST(resethand_and_nodefer),
		TEST(several_handlers_nest),
		TEST(temporary_mask_is_in_the_frame_and_goes),
		TEST(signals_from_outside_arrive),
		TEST(timer_signals_say_their_overrun),
		TEST(exec_keeps_ignored_and_drops_handlers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
