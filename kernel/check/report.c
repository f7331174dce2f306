// SPDX-License-Identifier: MIT
/*
 * See report.h. A report is built in one block of memory, the head first and then the parts, and
 * sent to the monitor; the verdict decides what happens next.
 */
#include "common/boot_info.h"
#include "kernel/check/callers.h"
#include "kernel/check/gone.h"
#include "kernel/check/heap.h"
#include "kernel/check/internal.h"
#include "kernel/check/report.h"
#include "kernel/check/threads.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc_text.h"
#include "kernel/task/core.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/task.h"

/* The text of the mappings is cut at this length, so that there is space for the other parts. */
#define MAPS_MAX (512UL << 10)

static bool reported;	     /* some process had a bug that was not suppressed ... */
static bool reported_in_run; /* ... and found it before it ended */

/* Signals that a program gets for bugs of its own. */
#define SIGNALS_OF_BUGS                                                                            \
	(SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGABRT) | SIGBIT(SIGBUS) | SIGBIT(SIGFPE) |    \
	 SIGBIT(SIGSEGV))

/*
 * A reported bug decides the exit status, whichever process had it and however the first process
 * ended. There are two exceptions, in which whoever waits sees the signal in the status: a signal
 * from outside ended the first process; or any signal did, and there is nothing but what was found
 * at the end.
 */
int chk_end_status(int wait_status)
{
	int sig = wait_status & 0x7f;

	if (!READ_ONCE(reported) || !boot->check.exitcode ||
	    (sig && (!READ_ONCE(reported_in_run) || !(SIGNALS_OF_BUGS & SIGBIT(sig)))))
		return wait_status;
	return (int)(boot->check.exitcode & 0xff) << 8;
}

struct building {
	struct check_report *r; /* CHECK_REPORT_MAX bytes */
	u64 len;
};

/* Returns space for a part, and reduces *len to what is free; NULL if nothing is free. */
static void *part_begin(struct building *b, enum check_part part, u64 *len)
{
	u64 at = ALIGN_UP(b->len, 8);

	*len = MIN(*len, CHECK_REPORT_MAX - at);
	b->r->part[part].offset = (u32)at;
	return *len ? (u8 *)b->r + at : NULL;
}

static void part_end(struct building *b, enum check_part part, u64 len)
{
	b->r->part[part].len = (u32)len;
	if (len)
		b->len = b->r->part[part].offset + len;
}

static void part_add(struct building *b, enum check_part part, const void *p, u64 len)
{
	u64 space = len;
	void *to = part_begin(b, part, &space);

	if (to)
		memcpy(to, p, space);
	part_end(b, part, space);
}

static void add_registers(struct check_report *r)
{
	const struct trapframe *f = thread_frame(current());

	arch_user_regs(f, arch_get_fsbase(), arch_get_gsbase(), r->reg);
	r->flags |= CHECK_REPORT_REGS;
	if (arch_opmasks(r->opmask))
		r->flags |= CHECK_REPORT_OPMASK;
	/* The bytes behind the instruction may lie in a page that is not mapped. */
	for (r->insn_len = sizeof(r->insn); r->insn_len; r->insn_len--)
		if (copy_from_user(r->insn, f->rip, r->insn_len) == 0)
			break;
}

/*
 * Adds the stack from the stack pointer up. If the pointer's page is not mapped (stack overflow),
 * the part begins at the next page.
 */
static void add_stack(struct building *b)
{
	u64 at = thread_frame(current())->rsp, len = CHECK_STACK_BYTES, done = 0;
	u8 *to = part_begin(b, CHECK_PART_STACK, &len);

	b->r->stack_at = at;
	while (to && done < len) {
		u64 n = MIN(len - done, PAGE_SIZE - ((at + done) & PAGE_MASK));

		if (copy_from_user(to + done, at + done, n) == 0) {
			done += n;
			continue;
		}
		if (done || b->r->stack_at != thread_frame(current())->rsp)
			break;
		at = b->r->stack_at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE;
	}
	part_end(b, CHECK_PART_STACK, done);
}

static void add_maps(struct building *b)
{
	const struct proc_ctx c = {.p = current_process(), .t = current()};
	u64 len = MAPS_MAX;
	struct text *t = kmalloc(sizeof(*t));

	if (!t)
		return;
	*t = (struct text){.handle = -1};
	t->memory = part_begin(b, CHECK_PART_MAPS, &len);
	t->memory_size = len;
	if (t->memory) {
		proc_text_maps(t, &c);
		text_flush(t);
		len -= t->written;
		mutex_lock(&current_mm()->lock);
		t->written += gone_maps(current_mm(), (char *)t->memory + t->written, len);
		mutex_unlock(&current_mm()->lock);
		part_end(b, CHECK_PART_MAPS, t->written);
	}
	kfree(t);
}

static void add_trace(struct building *b, enum check_part part, const struct chk_trace *t)
{
	u64 len = MIN(t->count, CHECK_DEPTH_MAX) * sizeof(*t->pc);
	struct mm *mm = current_mm();
	u64 *pc = part_begin(b, part, &len);

	len = ALIGN_DOWN(len, sizeof(*pc));
	mutex_lock(&mm->lock);
	for (u64 i = 0; pc && i < len / sizeof(*pc); i++)
		pc[i] = t->id ? gone_address(mm, t->id, t->pc[i]) : t->pc[i];
	mutex_unlock(&mm->lock);
	part_end(b, part, pc ? len : 0);
}

/* Adds the guessed callers, for a stack that the reporter has to unwind. */
static void add_callers(struct building *b)
{
	struct check_caller caller[CHECK_CALLERS_MAX];

	part_add(b, CHECK_PART_CALLERS, caller, chk_callers(caller) * sizeof(*caller));
}

static void add_samples(struct building *b, struct mm *mm)
{
	mutex_lock(&mm->lock);
	if (mm->check->heap)
		part_add(b, CHECK_PART_SAMPLES, mm->check->heap->sample,
			 mm->check->heap->samples * sizeof(*mm->check->heap->sample));
	mutex_unlock(&mm->lock);
}

/*
 * Adds the names of the threads that the report mentions, and where they were created. A thread
 * that is mentioned twice has its stack once.
 */
static void add_threads(struct building *b)
{
	struct check_report *r = b->r;
	const s32 tid[CHECK_THREADS] = {r->tid, r->object.alloc_tid, r->object.free_tid};
	struct mm *mm = current_mm();

	for (u32 i = 0; i < CHECK_THREADS; i++) {
		struct chk_trace trace = {0};
		struct chk_thread t;
		bool again = false;

		if (!tid[i] || !threads_find(tid[i], &t))
			continue;
		if (memcmp(t.comm, r->comm, sizeof(t.comm)) != 0)
			memcpy(r->thread[i].name, t.comm, sizeof(t.comm));
		for (u32 k = 0; k < i; k++)
			again |= tid[k] == tid[i];
		if (again || !t.stack)
			continue;
		r->thread[i].creator = t.creator;
		trace.id = t.stack;
		mutex_lock(&mm->lock);
		if (mm->check->heap)
			trace.count = chk_stack(mm, t.stack, &trace.pc);
		mutex_unlock(&mm->lock);
		add_trace(b, (enum check_part)(CHECK_PART_CREATED + i), &trace);
	}
}

static s64 send(const struct building *b)
{
	struct hostcall_seg seg[2];
	struct segs segs;
	int ret = kernel_segs(seg, ARRAY_SIZE(seg), b->r, b->len, &segs);

	return ret < 0 ? ret : hc_check_report(&segs);
}

/* --core: writes a core file with the signal that the bug would have caused. */
static void write_core(const struct check_report *head)
{
	siginfo_t info = {.si_signo = head->access ? SIGSEGV : SIGABRT};

	if (head->access) {
		info.si_code = SEGV_MAPERR;
		info.si_addr = (void *)head->addr;
	}
	core_write(&info);
}

/* Returns whether the process is at its end because of a signal, which it is to end by. */
static bool ends_by_signal(void)
{
	const struct chk_heap *h = current_mm()->check->heap;

	return h && READ_ONCE(h->by_signal);
}

enum check_verdict chk_report(struct check_report *head, const struct chk_report_parts *parts)
{
	static const struct chk_report_parts none;
	struct process *p = current_process();
	struct building b = {.r = kmalloc(CHECK_REPORT_MAX), .len = sizeof(*head)};
	/* These are found when the process ends anyway: no instruction is at fault. */
	bool at_exit = head->kind == CHECK_LEAK || head->kind == CHECK_REACHABLE_AT_EXIT;
	bool last = !(boot->check.flags & CHECK_KEEP_GOING) && !at_exit && !ends_by_signal();
	s64 verdict = -ENOMEM;

	if (!parts)
		parts = &none;
	if (b.r) {
		*b.r = *head;
		b.r->pid = p->pid;
		b.r->tid = current()->tid;
		b.r->flags |= last ? CHECK_REPORT_LAST : 0;
		memcpy(b.r->comm, p->comm, sizeof(b.r->comm));
		if (!(b.r->flags & CHECK_REPORT_REGS) && !at_exit)
			add_registers(b.r);
		add_trace(&b, CHECK_PART_ACCESS, &parts->access);
		add_trace(&b, CHECK_PART_ALLOC, &parts->alloc);
		add_trace(&b, CHECK_PART_FREE, &parts->free);
		part_add(&b, CHECK_PART_AROUND, parts->around,
			 parts->around_count * sizeof(*parts->around));
		add_threads(&b);
		add_samples(&b, current_mm());
		if (!at_exit && !parts->access.count)
			add_callers(&b);
		if (!at_exit)
			add_stack(&b);
		add_maps(&b);
		verdict = send(&b);
		kfree(b.r);
	}
	if (verdict < 0)
		klog(0,
		     "process %d (%s): a heap bug of kind %u at %#lx could not be reported (%ld)",
		     p->pid, p->comm, head->kind, head->addr, verdict);
	if (verdict == CHECK_VERDICT_SUPPRESSED)
		return CHECK_VERDICT_SUPPRESSED;
	if (head->kind != CHECK_REACHABLE_AT_EXIT)
		WRITE_ONCE(reported, true);
	if (!at_exit && !ends_by_signal())
		WRITE_ONCE(reported_in_run, true);
	if ((boot->check.flags & CHECK_CORE) && !at_exit && verdict != CHECK_VERDICT_DUPLICATE)
		write_core(head);
	if (!at_exit && verdict != CHECK_VERDICT_DUPLICATE)
		ptrace_bug();
	if (last) {
		if (p->mm->check->heap)
			WRITE_ONCE(p->mm->check->heap->exiting, true);
		process_exit((int)(boot->check.exitcode & 0xff) << 8);
	}
	return verdict < 0 ? CHECK_VERDICT_REPORTED : (enum check_verdict)verdict;
}
