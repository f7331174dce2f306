// SPDX-License-Identifier: MIT
/* The parts of the monitor that hostcalls need, without KVM: see monitor.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests/fake/monitor.h"
#include "vm/host_kernel.h"
#include "vm/hostcall.h"
#include "vm/jail/jail.h"
#include "vm/reporter.h"

#define WINDOW_BASE (1UL << 39)

/* In place of the library that the monitor carries. */
__asm__(".pushsection .rodata\n"
	".globl gdb_stub_start, gdb_stub_end\n"
	"gdb_stub_start: .ascii \"the stub\"\n"
	"gdb_stub_end:\n"
	".globl heap_library_start, heap_library_end\n"
	"heap_library_start: .ascii \"the heap library\"\n"
	"heap_library_end: .popsection");

struct fake_monitor fake = {.ended = -1};

static struct sandbox sandbox = {.opt.files = 1 << 20,
				 .opt.mem_given = true,
				 .kvm = -1,
				 .vm = -1,
				 .stderr_fd = -1,
				 .end_status = -1};
static struct vcpu vcpu0;
static struct vcpu_data data;
static struct boot_info boot;

static int add_slot(struct sandbox *s, u64 gpa, u64 size, int prot)
{
	u32 n = atomic_load(&s->mem.slots);
	u8 *host = mmap(NULL, size + HUGE_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);

	if (n == SLOTS_MAX || host == MAP_FAILED)
		return -ENOMEM;
	host = (u8 *)ALIGN_UP((u64)host, HUGE_SIZE);
	s->mem.slot[n] = (struct slot){.gpa = gpa, .size = size, .host = host};
	atomic_store(&s->mem.slots, n + 1);
	return (int)n;
}

struct sandbox *fake_sandbox(void)
{
	struct sandbox *s = &sandbox;

	if (s->vcpu[0])
		return s;
	pthread_mutex_init(&s->mem.lock, NULL);
	if (add_slot(s, RAM_BASE, FAKE_RAM, PROT_READ | PROT_WRITE) < 0)
		abort();
	s->mem.ram_size = FAKE_RAM;
	s->mem.window_base = s->mem.window_next = WINDOW_BASE;
	s->mem.window_end = WINDOW_BASE + (1UL << 36);
	s->boot = &boot;
	vcpu0 = (struct vcpu){
		.fd = -1,
		.tid = gettid(),
		.sandbox = s,
		.data = &data,
		.frame = calloc(1, HOSTCALL_AREA_SIZE),
	};
	s->vcpu[0] = &vcpu0;
	return s;
}

void *memory_at(struct sandbox *s, gpa_t gpa, u64 len)
{
	for (u32 i = 0; i < atomic_load(&s->mem.slots); i++) {
		struct slot *slot = &s->mem.slot[i];
		u64 at = gpa.raw - slot->gpa;

		if (at < slot->size)
			return len <= slot->size - at ? slot->host + at : NULL;
	}
	return NULL;
}

int memory_grow(struct sandbox *s, u64 bytes, struct hostcall_ram *added)
{
	(void)s, (void)bytes, (void)added;
	return -ENOMEM;
}

/* 256 MiB for files, beside the RAM. */
bool memory_count_files(struct sandbox *s, u64 before, u64 after, bool force)
{
	u64 files = s->mem.files - before + after;

	if (after > before && files > FAKE_FILES && !force)
		return false;
	s->mem.files = files;
	return true;
}

int memory_window_arena(struct sandbox *s, u64 size)
{
	int slot;

	size = ALIGN_UP(MAX(size, FAKE_ARENA), HUGE_SIZE);
	if (size > s->mem.window_end - s->mem.window_next)
		return -ENOMEM;
	slot = add_slot(s, s->mem.window_next, size, PROT_NONE);
	if (slot >= 0)
		s->mem.window_next += size;
	return slot;
}

int vcpu_start(struct sandbox *s, u32 id, gpa_t area, u64 rip, u64 rsp, u64 cr3)
{
	(void)s, (void)id, (void)area, (void)rip, (void)rsp, (void)cr3;
	return -EAGAIN;
}

void vcpu_reserve(struct sandbox *s)
{
	(void)s;
}

int vcpu_remember(struct vcpu *v)
{
	(void)v;
	return 0;
}

int outside_stop(int sig)
{
	return sig == SIGSTOP ? 0 : -EPERM;
}

/* Nothing comes from outside the test. */
s64 hc_do_file_events(struct call *c, void *events, u32 events_len)
{
	(void)c, (void)events, (void)events_len;
	return 0;
}

const char *host_error(int error)
{
	return strerror(error);
}

/* The harmless ones of a real monitor, which the tests use. */
bool outside_deadly(int sig)
{
	return sig > 0 && sig < NSIG && sig != SIGSTOP && sig != SIGCHLD;
}

int watchdog_start(struct sandbox *s)
{
	(void)s;
	return 0;
}

int jail_enter(struct sandbox *s)
{
	(void)s;
	return -ENOSYS;
}

void host_kernel_open(struct sandbox *s)
{
	(void)s;
}

int host_kernel_device(void)
{
	return -1;
}

void host_kernel_vcpu(struct vcpu *v)
{
	(void)v;
}

bool boot_settle_ring_mode(struct sandbox *s)
{
	(void)s;
	return true;
}

void vcpu_kick(struct vcpu *v)
{
	(void)v;
	fake.kicks++;
}

void vcpu_notify(struct vcpu *v)
{
	__atomic_store_n(&v->data->upcall, 1, __ATOMIC_SEQ_CST);
	vcpu_kick(v);
}

s64 vcpu_syscall(struct vcpu *v, long nr, const u64 arg[6])
{
	(void)v;
	return fake.kicked ? -EINTR : host_syscall(nr, arg);
}

s64 vcpu_syscall_again(struct vcpu *v, long nr, const u64 arg[6])
{
	(void)v;
	return fake.kicked ? -HOSTCALL_AGAIN : host_syscall(nr, arg);
}

s64 vcpu_syscall_steady(struct vcpu *v, long nr, const u64 arg[6])
{
	(void)v;
	return host_syscall(nr, arg);
}

void sandbox_end(struct sandbox *s, int how)
{
	(void)s;
	fake.ended = how;
}

void message(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.said, sizeof(fake.said), fmt, ap);
	va_end(ap);
}

void verbose(struct sandbox *s, const char *fmt, ...)
{
	(void)s, (void)fmt;
}

/* In place of the reporter: the report must be one that its contract allows. */
enum check_verdict reporter_report(const void *report, u32 len)
{
	if (!report || len < sizeof(struct check_report) || len > CHECK_REPORT_MAX)
		abort();
	return CHECK_VERDICT_SUPPRESSED;
}

void reporter_summary(const struct check_summary *summary)
{
	if (!summary)
		abort();
}
