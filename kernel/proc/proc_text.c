// SPDX-License-Identifier: MIT
/*
 * The texts of our /proc, about the guest's processes and memory, never the monitor's. This file
 * does not know how a text reaches its reader.
 */
#include <asm/resource.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include "common/boot_info.h"
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/fs_info.h"
#include "kernel/fs/tty.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/backing.h"
#include "kernel/mm/frame.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/mm/window.h"
#include "kernel/proc/proc_text.h"
#include "kernel/signal/signal.h"
#include "kernel/task/oom.h"
#include "kernel/task/process.h"
#include "kernel/task/timer.h"
#include "kernel/task/usage.h"
#include "kernel/task/user_counts.h"

#define KB(bytes)    ((bytes) >> 10)
#define PAGES(bytes) ((bytes) >> PAGE_SHIFT)
#define NAME_COLUMN  73 /* the column of maps where the name of a mapping begins */

void text_bytes(struct text *t, const void *p, u64 len)
{
	while (len && !t->error) {
		u64 n = MIN(len, sizeof(t->buf) - t->len);

		memcpy(t->buf + t->len, p, n);
		t->len += n;
		p = (const char *)p + n;
		len -= n;
		if (t->len == sizeof(t->buf))
			text_flush(t);
	}
}

void text_printf(struct text *t, const char *fmt, ...)
{
	for (int tries = 0; tries < 2 && !t->error; tries++) {
		u64 space = sizeof(t->buf) - t->len;
		va_list args;
		int n;

		va_start(args, fmt);
		n = vsnprintf(t->buf + t->len, space, fmt, args);
		va_end(args);
		if (n >= 0 && (u64)n < space) {
			t->len += n;
			return;
		}
		text_flush(t); /* each line fits into the empty buffer */
	}
}

/* -- The program's memory ---------------------------------------------------------------------- */

static void program_bytes(struct text *t, struct mm *mm, u64 start, u64 end)
{
	char *buf = kmalloc(PAGE_SIZE);

	while (buf && start < end) {
		u64 n = MIN(end - start, PAGE_SIZE - (start & PAGE_MASK));

		/*
		 * As on Linux, the text ends where the program has unmapped the memory. task_lock
		 * is held: a page that has no RAM is not waited for.
		 */
		if (mm_copy_from_nowait(mm, buf, start, n) < 0)
			break;
		text_bytes(t, buf, n);
		start += n;
	}
	kfree(buf);
}

void proc_text_cmdline(struct text *t, const struct proc_ctx *c)
{
	if (c->p->mm)
		program_bytes(t, c->p->mm, c->p->mm->arg_start, c->p->mm->arg_end);
}

void proc_text_environ(struct text *t, const struct proc_ctx *c)
{
	if (c->p->mm)
		program_bytes(t, c->p->mm, c->p->mm->env_start, c->p->mm->env_end);
}

void proc_text_auxv(struct text *t, const struct proc_ctx *c)
{
	if (c->p->mm)
		text_bytes(t, c->p->mm->auxv, c->p->mm->auxv_len * sizeof(u64));
}

/*
 * The name of the previous mapping. A name costs a hostcall, and mappings of one file follow each
 * other.
 */
struct map_name {
	const struct vm_backing *backing;
	char text[PAGE_SIZE];
};

static void map_line(struct text *t, struct mm *mm, struct vma *v, struct map_name *name)
{
	const struct window *w = vma_window(v);
	u64 dev = w ? w->dev : 0;
	char line[128];
	int n;

	n = snprintf(line, sizeof(line), "%08lx-%08lx %c%c%c%c %08lx %02lx:%02lx %lu ", v->start,
		     v->end, v->prot & PROT_READ ? 'r' : '-', v->prot & PROT_WRITE ? 'w' : '-',
		     v->prot & PROT_EXEC ? 'x' : '-', v->flags & VMA_SHARED ? 's' : 'p',
		     w ? v->offset : 0, dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & ~0xffUL),
		     w ? w->ino : 0);
	if (!v->backing || v->backing != name->backing)
		mm_vma_name(mm, v, name->text, sizeof(name->text));
	name->backing = v->backing;
	if (*name->text)
		text_printf(t, "%-*s", MAX(n, NAME_COLUMN), line);
	else
		text_bytes(t, line, n);
	text_bytes(t, name->text, strcspn(name->text, "\n"));
	text_bytes(t, "\n", 1);
}

/* Writes the lines of smaps for one mapping, or for all. Values that the kernel lacks are 0. */
static void memory_lines(struct text *t, const struct mm_resident *r, u64 locked)
{
	u64 clean = r->private > r->anon ? r->private - r->anon : 0;
	u64 dirty = r->private - clean;
	const struct {
		const char *name;
		u64 bytes;
	} row[] = {
		{"Rss", r->rss},
		{"Pss", r->rss},
		{"Pss_Dirty", dirty},
		{"Shared_Clean", r->shared},
		{"Shared_Dirty", 0},
		{"Private_Clean", clean},
		{"Private_Dirty", dirty},
		{"Referenced", r->rss},
		{"Anonymous", r->anon},
		{"KSM", 0},
		{"LazyFree", 0},
		{"AnonHugePages", 0},
		{"ShmemPmdMapped", 0},
		{"FilePmdMapped", 0},
		{"Shared_Hugetlb", 0},
		{"Private_Hugetlb", 0},
		{"Swap", 0},
		{"SwapPss", 0},
		{"Locked", locked},
	};

	for (u32 i = 0; i < ARRAY_SIZE(row); i++)
		text_printf(t, "%s:%*lu kB\n", row[i].name, 23 - (int)strlen(row[i].name),
			    KB(row[i].bytes));
}

enum maps_detail { LINES_ONLY, WITH_MEMORY };

static void all_maps(struct text *t, struct mm *mm, enum maps_detail detail)
{
	struct map_name *name;

	if (!mm)
		return;
	name = kmalloc(sizeof(*name));
	if (!name) {
		t->error = -ENOMEM;
		return;
	}
	name->backing = NULL;
	mutex_lock(&mm->lock);
	for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
		struct mm_resident r;

		map_line(t, mm, v, name);
		if (detail == LINES_ONLY)
			continue;
		mm_vma_resident(mm, v, &r);
		text_printf(t, "Size:%*lu kB\nKernelPageSize:%*u kB\nMMUPageSize:%*u kB\n", 19,
			    KB(v->end - v->start), 9, 4, 12, 4);
		memory_lines(t, &r, v->flags & VMA_LOCKED ? r.rss : 0);
		text_printf(t, "THPeligible:    %8u\nVmFlags:%s%s%s%s%s%s%s%s%s\n",
			    !vma_window(v) && !(v->flags & VMA_NOHUGE),
			    v->prot & PROT_READ ? " rd" : "", v->prot & PROT_WRITE ? " wr" : "",
			    v->prot & PROT_EXEC ? " ex" : "", v->flags & VMA_SHARED ? " sh" : "",
			    " mr mw me", v->flags & VMA_GROWSDOWN ? " gd" : "",
			    v->flags & VMA_LOCKED ? " lo" : "",
			    v->flags & VMA_NORESERVE ? " nr" : "",
			    v->flags & VMA_DONTDUMP ? " dd" : "");
	}
	mutex_unlock(&mm->lock);
	kfree(name);
}

void proc_text_maps(struct text *t, const struct proc_ctx *c)
{
	all_maps(t, c->p->mm, LINES_ONLY);
}

void proc_text_smaps(struct text *t, const struct proc_ctx *c)
{
	all_maps(t, c->p->mm, WITH_MEMORY);
}

void proc_text_smaps_rollup(struct text *t, const struct proc_ctx *c)
{
	struct mm *mm = c->p->mm;
	struct mm_resident sum = {0}, r;
	u64 start = 0, end = 0, locked = 0;
	char line[128];

	if (!mm)
		return;
	mutex_lock(&mm->lock);
	for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
		mm_vma_resident(mm, v, &r);
		sum.rss += r.rss;
		sum.private += r.private;
		sum.shared += r.shared;
		sum.anon += r.anon;
		locked += v->flags & VMA_LOCKED ? r.rss : 0;
		start = start ? start : v->start;
		end = v->end;
	}
	mutex_unlock(&mm->lock);
	snprintf(line, sizeof(line), "%08lx-%08lx ---p 00000000 00:00 0", start, end);
	text_printf(t, "%-*s[rollup]\n", NAME_COLUMN, line);
	memory_lines(t, &sum, locked);
}

/* Writes a line of numa_maps. The machine has one node, N0. */
static void numa_line(struct text *t, struct mm *mm, struct vma *v, char *name, u64 size)
{
	struct mm_resident r;

	mm_vma_name(mm, v, name, size);
	mm_vma_resident(mm, v, &r);
	text_printf(t, "%08lx default", v->start);
	if (!strcmp(name, "[stack]"))
		text_printf(t, " stack");
	else if (!strcmp(name, "[heap]"))
		text_printf(t, " heap");
	else if (*name == '/')
		text_printf(t, " file=%s", name);
	if (r.rss) {
		if (r.anon)
			text_printf(t, " anon=%lu dirty=%lu", PAGES(r.anon), PAGES(r.anon));
		else
			text_printf(t, " mapped=%lu", PAGES(r.rss));
		text_printf(t, " N0=%lu", PAGES(r.rss));
	}
	text_printf(t, " kernelpagesize_kB=4\n");
}

void proc_text_numa_maps(struct text *t, const struct proc_ctx *c)
{
	struct mm *mm = c->p->mm;
	char *name = mm ? kmalloc(PAGE_SIZE) : NULL;

	if (!name)
		return;
	mutex_lock(&mm->lock);
	for (struct vma *v = vma_first(mm); v; v = vma_next(v))
		numa_line(t, mm, v, name, PAGE_SIZE);
	mutex_unlock(&mm->lock);
	kfree(name);
}

static void usage_of(struct mm *mm, struct mm_usage *u)
{
	if (mm)
		mm_usage(mm, u);
	else
		memset(u, 0, sizeof(*u));
}

void proc_text_statm(struct text *t, const struct proc_ctx *c)
{
	struct mm_usage u;

	usage_of(c->p->mm, &u);
	text_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", PAGES(u.vsz), PAGES(u.rss),
		    PAGES(u.rss_file + u.rss_shmem), PAGES(u.text), PAGES(u.data + u.stack));
}

/* -- The process --------------------------------------------------------------------------- */

static const char *comm(const struct proc_ctx *c)
{
	return c->t && c->t->comm[0] ? c->t->comm : c->p->comm;
}

/* Returns the thread; for a zombie one of zeros, with nothing pending and nothing blocked. */
static const struct thread *thread_of(const struct proc_ctx *c)
{
	static const struct thread none;

	return c->t ? c->t : &none;
}

/* A process whose first thread has ended before the others is shown as a zombie. */
static const char *state(const struct proc_ctx *c)
{
	if (!c->t || (c->whole && c->t->tid != c->p->pid))
		return "Z (zombie)";
	if (c->t->ptrace.stopped)
		return "t (tracing stop)";
	if (c->p->stopped && !c->t->ptrace.tracer)
		return "T (stopped)";
	if (c->t->seccomp.deaf)
		return "D (disk sleep)";
	return c->running ? "R (running)" : "S (sleeping)";
}

static s32 parent_pid(const struct process *p)
{
	return p->parent ? p->parent->pid : p->ppid_outside;
}

static s32 tracer_pid(const struct thread *t)
{
	return t->ptrace.tracer ? t->ptrace.tracer->proc->pid : 0;
}

void proc_text_comm(struct text *t, const struct proc_ctx *c)
{
	text_printf(t, "%s\n", comm(c));
}

void proc_text_personality(struct text *t, const struct proc_ctx *c)
{
	text_printf(t, "%08x\n", c->p->personality);
}

void proc_text_oom_score(struct text *t, const struct proc_ctx *c)
{
	text_printf(t, "%ld\n", oom_score(c->p));
}

void proc_text_oom_score_adj(struct text *t, const struct proc_ctx *c)
{
	text_printf(t, "%d\n", c->p->oom_score_adj);
}

void proc_text_oom_adj(struct text *t, const struct proc_ctx *c)
{
	s32 adj = c->p->oom_score_adj;

	text_printf(t, "%d\n", adj == 1000 ? OOM_ADJ_MAX : adj * -OOM_ADJ_MIN / 1000);
}

/* clear_refs can only be written. */
void proc_text_clear_refs(struct text *t, const struct proc_ctx *c)
{
	(void)t, (void)c;
}

void proc_text_coredump_filter(struct text *t, const struct proc_ctx *c)
{
	if (c->p->mm)
		text_printf(t, "%08x\n", c->p->coredump_filter);
}

/* The kernel does not tell programs where a thread sleeps in it. */
void proc_text_stack(struct text *t, const struct proc_ctx *c)
{
	(void)t, (void)c;
}

/* proc(5): the call in which the thread sleeps, its arguments, RSP and RIP. */
void proc_text_syscall(struct text *t, const struct proc_ctx *c)
{
	const struct trapframe *f;

	if (!c->t)
		return;
	if (c->running && !c->self) {
		text_printf(t, "running\n");
		return;
	}
	f = thread_frame(c->t);
	text_printf(t, "%lu 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", c->t->syscall_nr,
		    f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9, f->rsp, f->rip);
}

static void timer_lines(void *text, s32 id, s32 signo, u64 value, s32 notify, s32 tid, s32 clock)
{
	static const char *const how[] = {
		[SIGEV_SIGNAL] = "signal", [SIGEV_NONE] = "none", [SIGEV_THREAD] = "thread"};
	struct text *t = text;
	bool by_tid = notify & SIGEV_THREAD_ID;

	text_printf(t, "ID: %d\nsignal: %d/%016lx\nnotify: %s/%s.%d\nClockID: %d\n", id, signo,
		    value, how[notify & (SIGEV_NONE | SIGEV_THREAD)], by_tid ? "tid" : "pid", tid,
		    clock);
}

void proc_text_timers(struct text *t, const struct proc_ctx *c)
{
	timers_each(c->p, timer_lines, t);
}

void proc_text_timerslack_ns(struct text *t, const struct proc_ctx *c)
{
	text_printf(t, "%lu\n", thread_of(c)->timer_slack);
}

void proc_text_wchan(struct text *t, const struct proc_ctx *c)
{
	(void)c;
	text_bytes(t, "0", 1); /* not told, as in proc_text_stack */
}

void proc_text_limits(struct text *t, const struct proc_ctx *c)
{
	static const struct {
		u32 nr;
		const char *name, *unit;
	} row[] = {
		{RLIMIT_CPU, "Max cpu time", "seconds"},
		{RLIMIT_FSIZE, "Max file size", "bytes"},
		{RLIMIT_DATA, "Max data size", "bytes"},
		{RLIMIT_STACK, "Max stack size", "bytes"},
		{RLIMIT_CORE, "Max core file size", "bytes"},
		{RLIMIT_RSS, "Max resident set", "bytes"},
		{RLIMIT_NPROC, "Max processes", "processes"},
		{RLIMIT_NOFILE, "Max open files", "files"},
		{RLIMIT_MEMLOCK, "Max locked memory", "bytes"},
		{RLIMIT_AS, "Max address space", "bytes"},
		{RLIMIT_LOCKS, "Max file locks", "locks"},
		{RLIMIT_SIGPENDING, "Max pending signals", "signals"},
		{RLIMIT_MSGQUEUE, "Max msgqueue size", "bytes"},
		{RLIMIT_NICE, "Max nice priority", ""},
		{RLIMIT_RTPRIO, "Max realtime priority", ""},
		{RLIMIT_RTTIME, "Max realtime timeout", "us"},
	};

	text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		const struct rlimit_pair *l = &c->p->rlimit[row[i].nr];
		char soft[24] = "unlimited", hard[24] = "unlimited";

		if (l->cur != RLIM_INFINITY)
			snprintf(soft, sizeof(soft), "%lu", l->cur);
		if (l->max != RLIM_INFINITY)
			snprintf(hard, sizeof(hard), "%lu", l->max);
		if (*row[i].unit)
			text_printf(t, "%-25s %-20s %-20s %-10s\n", row[i].name, soft, hard,
				    row[i].unit);
		else
			text_printf(t, "%-25s %-20s %-20s\n", row[i].name, soft, hard);
	}
}

/* Finds the signals that the process ignores, and those for which it has a handler. */
static void dispositions(const struct process *p, sigset *ignored, sigset *caught)
{
	struct sighand *h = p->sighand;

	*ignored = *caught = 0;
	if (!h)
		return;
	mutex_lock(&h->lock);
	for (int sig = 1; sig <= NSIG; sig++) {
		u64 handler = h->action[sig - 1].handler;

		if (handler == (u64)SIG_IGN)
			*ignored |= SIGBIT(sig);
		else if (handler != (u64)SIG_DFL)
			*caught |= SIGBIT(sig);
	}
	mutex_unlock(&h->lock);
}

/* Returns the usage of the process, or of the one thread that the file is about. */
static struct rusage rusage_of(const struct proc_ctx *c)
{
	struct usage u = {0};

	if (c->whole)
		usage_process(c->p, &u);
	else
		u.user_us = usage_cpu_ns(c->p, c->t) / 1000;
	return usage_to_rusage(&u);
}

/* Time on a CPU, time waiting for one (not counted: 0), and the number of context switches. */
void proc_text_schedstat(struct text *t, const struct proc_ctx *c)
{
	struct rusage ru = rusage_of(c);

	text_printf(t, "%lu 0 %lu\n", c->t ? usage_cpu_ns(c->p, c->whole ? NULL : c->t) : 0,
		    (u64)(ru.ru_nvcsw + ru.ru_nivcsw));
}

static s64 ticks(const struct __kernel_old_timeval *tv)
{
	return usage_ticks(tv->tv_sec * 1000000 + tv->tv_usec);
}

void proc_text_stat(struct text *t, const struct proc_ctx *c)
{
	static const struct mm no_mm;
	const struct process *p = c->p;
	const struct thread *th = thread_of(c);
	const struct mm *mm = p->mm ? p->mm : &no_mm;
	const struct usage *children = &p->children_usage;
	struct rusage ru = rusage_of(c);
	sigset ignored, caught;
	struct mm_usage u;
	s32 group, nice = c->t ? c->t->nice : p->last_nice;
	u32 device;

	tty_describe(p, &device, &group);
	usage_of(p->mm, &u);
	dispositions(p, &ignored, &caught);
	text_printf(t, "%d (%s) %c %d %d %d %u %d %u ", c->tid, comm(c), *state(c), parent_pid(p),
		    p->pgid, p->sid, device, group, 0x400000 /* PF_RANDOMIZE */);
	text_printf(t, "%lu %lu %lu %lu %ld %ld %ld %ld ", (u64)ru.ru_minflt,
		    children->minor_faults, (u64)ru.ru_majflt, children->major_faults,
		    ticks(&ru.ru_utime), ticks(&ru.ru_stime), usage_ticks(children->user_us),
		    usage_ticks(children->system_us));
	text_printf(t, "%d %d %u 0 %lu ", th->rt_priority ? -1 - (s32)th->rt_priority : 20 + nice,
		    nice, MAX(p->nthreads, 1U), p->start_ns / (1000000000 / USAGE_TICKS));
	text_printf(t, "%lu %lu %lu %lu %lu %lu 0 0 ", u.vsz, PAGES(u.rss),
		    p->rlimit[RLIMIT_RSS].cur, mm->code_start, mm->code_end, mm->stack_top);
	text_printf(t, "%lu %lu %lu %lu 0 0 0 %d %u %u %d 0 0 0 ", th->pending.set,
		    th->blocked & 0x7fffffff, ignored & 0x7fffffff, caught & 0x7fffffff,
		    p->exit_signal, th->vcpu, th->rt_priority, th->policy);
	text_printf(t, "%lu %lu %lu %lu %lu %lu %lu %d\n", mm->data_start, mm->data_end,
		    mm->brk_start, mm->arg_start, mm->arg_end, mm->env_start, mm->env_end,
		    p->zombie ? p->wait_status : 0);
}

/* Writes the mask and the list of CPUs that sched_getaffinity(2) returns. */
static void cpus_allowed(struct text *t, const struct thread *of)
{
	u64 mask[16] = {0};
	u32 words = ARRAY_SIZE(mask);
	const char *sep = "";

	if (!of || affinity_of(of, mask, sizeof(mask)) < 0)
		mask[0] = (1UL << MIN(boot->ncpus, 63U)) - 1;
	while (words > 1 && !mask[words - 1])
		words--;
	text_printf(t, "Cpus_allowed:\t%lx", mask[words - 1]);
	for (u32 i = words - 1; i-- > 0;)
		text_printf(t, ",%08lx,%08lx", mask[i] >> 32, mask[i] & 0xffffffff);
	text_printf(t, "\nCpus_allowed_list:\t");
	for (u32 cpu = 0; cpu < words * 64; cpu++) {
		u32 last = cpu;

		if (!(mask[cpu / 64] >> cpu % 64 & 1))
			continue;
		while (last + 1 < words * 64 && mask[(last + 1) / 64] >> (last + 1) % 64 & 1)
			last++;
		text_printf(t, last > cpu ? "%s%u-%u" : "%s%u", sep, cpu, last);
		sep = ",";
		cpu = last;
	}
	text_printf(t, "\n");
}

static void status_memory(struct text *t, struct mm *mm)
{
	struct mm_usage u;

	if (!mm)
		return;
	mm_usage(mm, &u);
	text_printf(t,
		    "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8u kB\n"
		    "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\n"
		    "RssShmem:\t%8lu kB\n",
		    KB(u.vsz_peak), KB(u.vsz), KB(u.locked), 0, KB(u.rss_peak), KB(u.rss),
		    KB(u.rss_anon), KB(u.rss_file), KB(u.rss_shmem));
	text_printf(t,
		    "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8lu kB\n"
		    "VmPTE:\t%8lu kB\nVmSwap:\t%8lu kB\nHugetlbPages:\t%8u kB\n",
		    KB(u.data), KB(u.stack), KB(u.text), KB(u.lib), KB(u.page_tables), KB(u.swap),
		    0);
	text_printf(t, "CoreDumping:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n");
}

static void status_signals(struct text *t, const struct proc_ctx *c)
{
	const struct thread *th = thread_of(c);
	sigset ignored, caught;

	dispositions(c->p, &ignored, &caught);
	text_printf(t, "SigQ:\t%u/%lu\n", (u32)user_count(c->p->creds.ruid, USER_SIGNALS),
		    c->p->rlimit[RLIMIT_SIGPENDING].cur);
	text_printf(t, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", th->pending.set,
		    c->p->pending.set, th->blocked);
	text_printf(t, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", ignored, caught);
}

void proc_text_status(struct text *t, const struct proc_ctx *c)
{
	const struct process *p = c->p;
	const struct creds *cr = c->t ? &c->t->creds : &p->creds;
	struct rusage ru = rusage_of(c);

	text_printf(t, "Name:\t%s\n", comm(c));
	if (p->fs)
		text_printf(t, "Umask:\t%04o\n", p->fs->umask);
	text_printf(t, "State:\t%s\n", state(c));
	text_printf(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", p->pid, c->tid,
		    parent_pid(p), tracer_pid(thread_of(c)));
	text_printf(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t",
		    cr->ruid, cr->euid, cr->suid, cr->fsuid, cr->rgid, cr->egid, cr->sgid,
		    cr->fsgid, p->files ? fdtable_size(p->files) : 0);
	for (u32 i = 0; i < cr->ngroups; i++)
		text_printf(t, "%u ", cr->groups[i]);
	text_printf(t, "%s\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t0\n",
		    cr->ngroups ? "" : " ", p->pid, c->tid, p->pgid, p->sid);
	status_memory(t, p->mm);
	text_printf(t, "Threads:\t%u\n", MAX(p->nthreads, 1U));
	status_signals(t, c);
	text_printf(t,
		    "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n"
		    "CapAmb:\t%016lx\nNoNewPrivs:\t%u\nSeccomp:\t%u\nSeccomp_filters:\t%u\n",
		    cr->cap_inheritable, cr->cap_permitted, cr->cap_effective, cr->cap_bounding,
		    cr->cap_ambient, cr->no_new_privs, thread_of(c)->seccomp.mode,
		    thread_of(c)->seccomp.count);
	cpus_allowed(t, c->t);
	text_printf(t, "Mems_allowed:\t1\nMems_allowed_list:\t0\n");
	text_printf(t, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		    (u64)ru.ru_nvcsw, (u64)ru.ru_nivcsw);
}

void proc_text_children(struct text *t, const struct proc_ctx *c)
{
	const struct process *child;

	TAILQ_FOREACH (child, &c->p->children, sibling)
		if (c->t && child_is_of(child, c->t))
			text_printf(t, "%d ", child->pid);
}

/* -- Descriptors and the machine ----------------------------------------------------------- */

void proc_text_fdinfo(struct text *t, const struct proc_ctx *c)
{
	struct ofile *f = c->file;
	struct file_info *info = f ? kmalloc(sizeof(*info)) : NULL;

	if (!info) {
		t->error = f ? -ENOMEM : -ENOENT;
		return;
	}
	ofile_info(f, info);
	if (fdtable_get_cloexec(c->p->files, c->fd) == 1)
		info->flags |= O_CLOEXEC;
	text_printf(t, "pos:\t%ld\nflags:\t0%lo\nmnt_id:\t%ld\nino:\t%lu\n", MAX(info->pos, 0L),
		    (u64)info->flags, info->mnt_id, info->ino);
	text_bytes(t, info->more, strlen(info->more));
	kfree(info);
}

void proc_text_meminfo(struct text *t, const struct proc_ctx *c)
{
	struct frame_stats s;
	u64 total, free;

	(void)c;
	frame_stats(&s);
	total = s.total * PAGE_SIZE;
	free = s.free * PAGE_SIZE;
	const struct {
		const char *name;
		u64 bytes;
	} row[] = {
		{"MemTotal", total},
		{"MemFree", free},
		{"MemAvailable", free},
		{"Buffers", 0},
		{"Cached", 0},
		{"SwapCached", 0},
		{"Active", 0},
		{"Inactive", 0},
		{"Active(anon)", 0},
		{"Inactive(anon)", 0},
		{"Active(file)", 0},
		{"Inactive(file)", 0},
		{"Unevictable", 0},
		{"Mlocked", 0},
		{"SwapTotal", 0},
		{"SwapFree", 0},
		{"Dirty", 0},
		{"Writeback", 0},
		{"AnonPages", total - free},
		{"Mapped", 0},
		{"Shmem", 0},
		{"KReclaimable", 0},
		{"Slab", 0},
		{"SReclaimable", 0},
		{"SUnreclaim", 0},
		{"CommitLimit", total},
		{"Committed_AS", total - free},
	};

	for (u32 i = 0; i < ARRAY_SIZE(row); i++)
		text_printf(t, "%s:%*lu kB\n", row[i].name, 23 - (int)strlen(row[i].name),
			    KB(row[i].bytes));
	text_printf(t, "HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       "
		       "2048 kB\n");
}
