// SPDX-License-Identifier: MIT
/*
 * vCPUs: each is a host thread that enters and leaves KVM_RUN.
 *
 * A kick makes a vCPU look at its upcall word (common/vcpu_area.h), whatever it is doing. The
 * kicking thread sets the word first and then sends VCPU_KICK_SIGNAL to the vCPU's thread. In
 * KVM_RUN, the signal's handler sets immediate_exit, which makes KVM_RUN return. In a host call,
 * the handler moves the thread out of the instructions between the check of the word and SYSCALL
 * (vcpu_syscall), so that no wake-up is lost. Elsewhere the signal is not needed, because the
 * kernel checks the word before it leaves to the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include "vm/host_kernel.h"
#include "vm/jail/limits.h"
#include "vm/kvm_stats.h"
#include "vm/timer.h"
#include "vm/vm.h"
#include "vm/word.h"

static __thread struct vcpu *self;

#define VCPU_THREAD_STACK (128UL << 10)

#define STRING(x)	  STRING_(x)
#define STRING_(x)	  #x

/*
 * s64 interruptible(const u32 *word, long nr, const u64 arg[6]) makes the system call. Returns
 * -HOSTCALL_AGAIN without making it if *word is set, or if a kick comes, before the SYSCALL
 * instruction.
 */
__asm__("	.text\n"
	"	.type interruptible, @function\n"
	"interruptible:\n"
	"	mov %rdx, %r11\n"
	"	mov %rsi, %rax\n"
	"	mov %rdi, %rcx\n"
	"	mov 0(%r11), %rdi\n"
	"	mov 8(%r11), %rsi\n"
	"	mov 16(%r11), %rdx\n"
	"	mov 24(%r11), %r10\n"
	"	mov 32(%r11), %r8\n"
	"	mov 40(%r11), %r9\n"
	"interruptible_check:\n"
	"	cmpl $0, (%rcx)\n"
	"	jne interruptible_abort\n"
	"	syscall\n"
	"interruptible_end:\n"
	"	ret\n"
	"interruptible_abort:\n"
	"	mov $-" STRING(HOSTCALL_AGAIN) ", %rax\n"
					       "	ret\n"
					       "	.size interruptible, . - interruptible\n");
extern s64 interruptible(const volatile u32 *word, long nr, const u64 *arg)
	__attribute__((visibility("hidden")));
extern const char interruptible_check[] __attribute__((visibility("hidden")));
extern const char interruptible_end[] __attribute__((visibility("hidden")));
extern const char interruptible_abort[] __attribute__((visibility("hidden")));

s64 vcpu_syscall_again(struct vcpu *v, long nr, const u64 arg[6])
{
	return interruptible(&v->data->upcall, nr, arg);
}

s64 vcpu_syscall(struct vcpu *v, long nr, const u64 arg[6])
{
	s64 ret = interruptible(&v->data->upcall, nr, arg);

	return ret == -HOSTCALL_AGAIN ? -EINTR : ret;
}

s64 vcpu_syscall_steady(struct vcpu *v, long nr, const u64 arg[6])
{
	s64 ret = interruptible(&v->sandbox->ended, nr, arg);

	return ret == -HOSTCALL_AGAIN ? -EINTR : ret;
}

static void on_kick(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	greg_t *rip = &uc->uc_mcontext.gregs[REG_RIP];
	struct vcpu *v = self;

	(void)sig;
	if (!v)
		return;
	if (si->si_code == SI_TIMER && si->si_value.sival_int == OUTSIDE_TICK)
		outside_tick();
	else if (si->si_code == SI_TIMER)
		timer_expired(v->sandbox, si->si_value.sival_int);
	v->kicks++;
	v->run->immediate_exit = 1;
	if (*rip >= (greg_t)interruptible_check && *rip < (greg_t)interruptible_end)
		*rip = (greg_t)interruptible_abort;
}

void vcpu_kick(struct vcpu *v)
{
	if (v->tid)
		syscall(SYS_tgkill, getpid(), v->tid, VCPU_KICK_SIGNAL);
}

void vcpu_notify(struct vcpu *v)
{
	__atomic_store_n(&v->data->upcall, 1, __ATOMIC_SEQ_CST);
	vcpu_kick(v);
}

void sandbox_end(struct sandbox *s, int how)
{
	int running = -1;

	if (!atomic_compare_exchange_strong(&s->end_status, &running, how))
		return;
	__atomic_store_n(&s->ended, 1, __ATOMIC_SEQ_CST);
	/* vCPU 0's thread is the main thread, which ends the process with all other threads. */
	if (s->vcpu[0] && s->vcpu[0] != self) {
		vcpu_notify(s->vcpu[0]);
	}
}

static void vcpu_wake_word(struct sandbox *s, u64 gpa)
{
	u32 *word = memory_at(s, (gpa_t){gpa}, sizeof(*word));

	if (word && IS_ALIGNED(gpa, sizeof(*word)))
		word_wake((struct word){.at = word}, 1);
}

static struct kvm_segment segment(u16 selector, u8 type, u8 dpl, bool system)
{
	return (struct kvm_segment){
		.limit = ~0u,
		.selector = selector,
		.type = type,
		.present = 1,
		.dpl = dpl,
		.db = !system,
		.s = !system,
		.g = !system,
	};
}

#define MSRS_ALWAYS 3
#define MSRS_MAX    4

/*
 * Sets MSRs. Returns how many were set, up to the first that KVM refuses. Uses one ioctl for all,
 * because each costs exits if the host is a guest itself.
 */
static u32 set_msrs(struct vcpu *v, const struct kvm_msr_entry *entry, u32 count)
{
	u64 space[(sizeof(struct kvm_msrs) + MSRS_MAX * sizeof(*entry)) / sizeof(u64)] = {0};
	struct kvm_msrs *msrs = (struct kvm_msrs *)space;
	int set;

	msrs->nmsrs = count;
	memcpy(msrs->entries, entry, count * sizeof(*entry));
	set = ioctl(v->fd, KVM_SET_MSRS, msrs);
	return (u32)MAX(set, 0);
}

/*
 * Sets the registers that vCPU 0 has at the bootstrap: 32-bit protected mode without paging.
 * Returns 0 or -errno.
 */
static int set_boot_state(struct vcpu *v)
{
	u64 area = VCPU_AREA_BASE + v->id * VCPU_AREA_STRIDE;
	u64 data = area + PAGE_SIZE;
	struct kvm_sregs sr;
	struct kvm_regs r = {.rip = GPA_BOOTSTRAP, .rflags = RFLAGS_FIXED};
	u64 star = (u64)SEL_KERNEL_CS << 32 | (u64)SEL_USER_CS32 << 48;
	bool lower = v->sandbox->ring_mode == RING_MODE_3 && v->sandbox->syscall_raises;
	u64 masked =
		RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_AC | RFLAGS_RF;
	/*
	 * vCPU 0's LSTAR is for the bootstrap's trial. The bootstrap changes it if the trial's
	 * result requires that.
	 */
	const struct kvm_msr_entry msrs[MSRS_MAX] = {
		{.index = MSR_STAR, .data = star},
		{.index = MSR_LSTAR, .data = area + (lower ? ENTRY_SYSCALL_LOWER : ENTRY_SYSCALL)},
		{.index = MSR_SFMASK, .data = masked},
		{.index = MSR_MISC_FEATURES, .data = MISC_CPUID_FAULT},
	};
	u32 wanted, done;

	if (ioctl(v->fd, KVM_GET_SREGS, &sr) < 0)
		return -errno;
	sr.cs = segment(SEL_KERNEL_CS, 0xb, 0, false);
	sr.ds = sr.es = sr.ss = segment(SEL_KERNEL_DS, 3, 0, false);
	sr.fs = sr.gs = (struct kvm_segment){.type = 3, .s = 1, .db = 1, .present = 1};
	sr.tr = segment(SEL_TSS, 0xb, 0, true);
	sr.tr.base = data + offsetof(struct vcpu_data, tss);
	sr.tr.limit = sizeof(struct tss64) - 1;
	sr.ldt = (struct kvm_segment){.unusable = 1};
	sr.idt.base = data + offsetof(struct vcpu_data, idt);
	sr.idt.limit = sizeof(((struct vcpu_data *)0)->idt) - 1;
	sr.cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_MP;
	sr.cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_FSGSBASE |
		 X86_CR4_OSXSAVE;
	sr.efer = 0;
	if (ioctl(v->fd, KVM_SET_SREGS, &sr) < 0 || ioctl(v->fd, KVM_SET_REGS, &r) < 0)
		return -errno;
	wanted = kvm_cpuid_differs() ? MSRS_MAX : MSRS_ALWAYS;
	done = set_msrs(v, msrs, wanted);
	if (done == MSRS_ALWAYS && wanted == MSRS_MAX && !v->id) {
		/*
		 * CPUID then tells programs of a smaller XSAVE state than the CPU writes:
		 * docs/hosts.md.
		 */
		kvm_cpuid_keep();
		verbose(v->sandbox, "this KVM cannot make CPUID fault");
		return 0;
	}
	return done == wanted ? 0 : -EIO;
}

/*
 * Makes the guest's TSC equal to the host's, so that the clocks that the monitor reads for the vDSO
 * (hostcall clock_read) fit the guest's TSC. In ring-3 mode they are equal anyway, because RDTSC is
 * not intercepted. If KVM cannot set the offset (before 5.16), writing the TSC is exact to some
 * microseconds. Returns 0 or -EIO.
 */
static int set_tsc(struct vcpu *v)
{
	u64 offset = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (u64)&offset,
	};
	struct kvm_msr_entry tsc = {.index = MSR_TSC};

	if (ioctl(v->fd, KVM_SET_DEVICE_ATTR, &attr) == 0)
		return 0;
	tsc.data = __builtin_ia32_rdtsc();
	return set_msrs(v, &tsc, 1) == 1 ? 0 : -EIO;
}

/*
 * Descriptors that are kept for further vCPUs. On Linux fork(2) and clone(2) need no descriptor,
 * and they have to work even if programs have used up all that the host allows. Idle vCPUs are used
 * again, so a few are enough.
 */
#define RESERVE	      8
#define RESERVE_BELOW 4096 /* a limit on open files from here on needs no reserve */
static struct {
	pthread_mutex_t lock;
	int fd[RESERVE];
	u32 count;
} reserve = {.lock = PTHREAD_MUTEX_INITIALIZER};

void vcpu_reserve(struct sandbox *s)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= RESERVE_BELOW)
		return;
	while (reserve.count < RESERVE) {
		int fd = fcntl(s->vm, F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			break;
		reserve.fd[reserve.count++] = fd;
	}
}

/* Closes one descriptor of the reserve. Returns false if the reserve is empty. */
static bool give_one_up(void)
{
	bool had;

	pthread_mutex_lock(&reserve.lock);
	had = reserve.count > 0;
	if (had)
		close(reserve.fd[--reserve.count]);
	pthread_mutex_unlock(&reserve.lock);
	return had;
}

/* Creates a vCPU in KVM. Returns its descriptor, or -1 with errno. */
static int create_fd(struct sandbox *s, u32 id)
{
	int fd;

	/*
	 * Another thread may take the descriptor that was closed; the loop then closes another one.
	 */
	do
		fd = ioctl(s->vm, KVM_CREATE_VCPU, id);
	while (fd < 0 && errno == EMFILE && give_one_up());
	return fd;
}

int vcpu_create(struct sandbox *s, u32 id, gpa_t area, struct vcpu **out)
{
	struct vcpu *v = calloc(1, sizeof(*v));
	long size = ioctl(s->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	u8 *pages = memory_at(s, area, VCPU_AREA_PAGES * PAGE_SIZE);
	int ret = -EFAULT;

	if (!v)
		return -ENOMEM;
	if (!pages)
		goto free_v;
	v->id = id;
	pthread_mutex_init(&v->call_lock, NULL);
	v->own_ids = self && self->own_ids; /* a thread inherits the IDs of its creator */
	v->sandbox = s;
	v->data = (struct vcpu_data *)pages;
	v->frame = (struct hostcall_frame *)(pages + PAGE_SIZE);
	v->fd = create_fd(s, id);
	ret = -errno;
	if (v->fd < 0)
		goto free_v;
	v->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	ret = -errno;
	if (v->run == MAP_FAILED)
		goto close_fd;
	ret = kvm_setup_cpuid(v->fd, id);
	if (ret)
		goto unmap;
	ret = set_tsc(v);
	if (ret)
		goto unmap;
	/*
	 * Sets every vCPU's MSRs, which point to its area. vcpu_start sets the other registers of
	 * further vCPUs.
	 */
	ret = set_boot_state(v);
	if (ret)
		goto unmap;
	boot_vcpu_area(v);
	kvm_stats_open(v);
	*out = v;
	return 0;

unmap:
	munmap(v->run, (size_t)size);
close_fd:
	close(v->fd);
free_v:
	free(v);
	return ret;
}

/*
 * Frees a vCPU whose start failed. KVM keeps the id, so a vCPU with this id cannot be made again.
 */
static void vcpu_destroy(struct vcpu *v)
{
	munmap(v->run, (size_t)ioctl(v->sandbox->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	if (v->stats_fd >= 0)
		close(v->stats_fd);
	close(v->fd);
	free(v);
}

int vcpu_remember(struct vcpu *v)
{
	return ioctl(v->fd, KVM_GET_SREGS, &v->sandbox->template_sregs) < 0 ? -errno : 0;
}

/*
 * Sets the registers of a further vCPU: vCPU 0's control registers and segments, the tables in its
 * own area, and the kernel's rip, rsp and cr3.
 */
static int set_start_state(struct vcpu *v, u64 rip, u64 rsp, u64 cr3)
{
	struct kvm_sregs sr = v->sandbox->template_sregs;
	struct kvm_regs r = {.rip = rip, .rsp = rsp, .rflags = RFLAGS_FIXED};
	u64 shift = v->id * VCPU_AREA_STRIDE;

	sr.cr3 = cr3;
	sr.tr.base += shift;
	sr.idt.base += shift;
	sr.gdt.base += shift;
	sr.fs.base = sr.gs.base = 0;
	return ioctl(v->fd, KVM_SET_SREGS, &sr) < 0 || ioctl(v->fd, KVM_SET_REGS, &r) < 0 ? -errno
											  : 0;
}

/*
 * Returns true if --pids allows no further vCPU. The monitor checks this itself, in case the guest
 * kernel does not. A thread that has ended keeps its vCPU for a moment, and the scheduler may want
 * a vCPU for each CPU, so as many vCPUs more than --pids are allowed.
 */
static bool too_many(const struct sandbox *s)
{
	u32 cpus = (u32)CPU_COUNT(&s->cpus);

	return s->opt.pids && 1 + s->vcpus >= (u64)s->opt.pids + MAX(cpus, 1U);
}

static void *vcpu_thread(void *arg)
{
	vcpu_run(arg);
	return NULL;
}

int vcpu_start(struct sandbox *s, u32 id, gpa_t area, u64 rip, u64 rsp, u64 cr3)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct vcpu *v = NULL;
	int ret = -EINVAL;

	if (id == 0 || id >= VCPU_MAX || !atomic_load(&s->ready))
		return ret;
	pthread_mutex_lock(&lock);
	if (s->vcpu[id])
		goto unlock;
	ret = -EAGAIN;
	if (too_many(s))
		goto unlock;
	ret = vcpu_create(s, id, area, &v);
	if (ret)
		goto unlock;
	ret = set_start_state(v, rip, rsp, cr3);
	if (ret)
		goto destroy;
	__atomic_store_n(&s->vcpu[id], v, __ATOMIC_RELEASE);
	s->vcpus++;
	ret = host_thread_start(vcpu_thread, v, VCPU_THREAD_STACK, VCPU_KICK_SIGNAL, NULL);
	/*
	 * A vCPU without a thread is not freed: KVM does not give its id again, and another thread
	 * may be kicking it. A kick does nothing as long as the vCPU has no tid.
	 */
	goto unlock;
destroy:
	vcpu_destroy(v);
unlock:
	pthread_mutex_unlock(&lock);
	return ret;
}

/* Reports an exit that no healthy kernel makes, and ends the sandbox. */
static void exit_unexpected(struct vcpu *v, const char *what)
{
	struct kvm_regs r = {0};
	struct kvm_sregs sr = {0};

	ioctl(v->fd, KVM_GET_REGS, &r);
	ioctl(v->fd, KVM_GET_SREGS, &sr);
	message("the guest stopped: %s (exit %u, rip %#llx, kernel%+lld, rsp %#llx, cr2 %#llx, "
		"cs %#x)",
		what, v->run->exit_reason, r.rip, (long long)(r.rip - v->sandbox->boot->kernel_va),
		r.rsp, sr.cr2, sr.cs.selector);
	sandbox_end(v->sandbox, SANDBOX_END_ERROR | EXIT_INTERNAL);
}

/* A hostcall that takes longer has probably not used the CPU all the time. */
#define SHORT_CALL_US 50

/*
 * Tells the guest how much CPU time the calling thread has used: hostcall_cpu_ns,
 * kernel/hostcall.h.
 */
static void tell_cpu_time(struct vcpu *v)
{
	struct vcpu_data *d = v->data;
	struct timespec ts;
	u32 seq = READ_ONCE(d->time_seq);

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts))
		return;
	__atomic_store_n(&d->time_seq, seq | 1, __ATOMIC_SEQ_CST);
	WRITE_ONCE(d->cpu_ns, (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec);
	WRITE_ONCE(d->cpu_tsc, __builtin_ia32_rdtsc());
	__atomic_store_n(&d->time_seq, (seq | 1) + 1, __ATOMIC_SEQ_CST);
}

static void ring(struct vcpu *v)
{
	u32 nr = READ_ONCE(v->frame->nr);
	u64 wakes = READ_ONCE(v->frame->wakes), start = __builtin_ia32_rdtsc();

	exitless_arrive(v);
	if (wakes)
		vcpu_wake_word(v->sandbox, wakes);
	hostcall_dispatch(v);
	exitless_notice(v, nr);
	if (__builtin_ia32_rdtsc() - start > SHORT_CALL_US * (v->sandbox->tsc_khz / 1000UL))
		tell_cpu_time(v);
}

static void handle_exit(struct vcpu *v)
{
	struct kvm_run *run = v->run;

	v->exits++;
	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		if (upcall_stray_exit(v))
			return;
		if (run->mmio.phys_addr != GPA_DOORBELL || !run->mmio.is_write) {
			exit_unexpected(v, "access to memory that is not there");
			return;
		}
		ring(v);
		return;
	case KVM_EXIT_IO:
		if (run->io.port != HOSTCALL_PORT || run->io.direction != KVM_EXIT_IO_OUT) {
			exit_unexpected(v, "access to an I/O port");
			return;
		}
		ring(v);
		return;
	case KVM_EXIT_INTR:
		return;
	case KVM_EXIT_SHUTDOWN:
		exit_unexpected(v, "triple fault");
		return;
	case KVM_EXIT_INTERNAL_ERROR:
		if (upcall_stray_exit(v))
			return;
		exit_unexpected(v, "KVM could not emulate an instruction");
		return;
	case KVM_EXIT_FAIL_ENTRY:
		exit_unexpected(v, "the CPU refused the vCPU's state");
		return;
	default:
		exit_unexpected(v, "unexpected exit");
	}
}

void vcpu_run(struct vcpu *v)
{
	struct sandbox *s = v->sandbox;

	self = v;
	v->tid = gettid();
	tell_cpu_time(v);
	if (v->id != 0) /* vCPU 0: at hostcall ready, when the ring mode is known */
		host_kernel_vcpu(v);
	while (atomic_load(&s->end_status) == -1) {
		int ret;

		WRITE_ONCE(v->in_kvm, true);
		if (limits_wait(v))
			continue;
		ret = ioctl(v->fd, KVM_RUN, 0);
		WRITE_ONCE(v->in_kvm, false);
		if (ret == 0) {
			handle_exit(v);
			continue;
		}
		switch (errno) {
		case EINTR:
			/*
			 * Cleared before upcall_deliver reads the upcall word: a later kick sets it
			 * again.
			 */
			v->run->immediate_exit = 0;
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			upcall_deliver(v);
			tell_cpu_time(v);
			break;
		case EAGAIN:
			break;
		case EFAULT:
			if (upcall_window_fault(v) == 0)
				break;
			/* fall through */
		default:
			exit_unexpected(v, strerror(errno));
		}
	}
}

int vcpu_signals_init(void)
{
	struct sigaction sa = {.sa_sigaction = on_kick, .sa_flags = SA_SIGINFO};

	sigfillset(&sa.sa_mask);
	return sigaction(VCPU_KICK_SIGNAL, &sa, NULL) ? -errno : 0;
}
