// SPDX-License-Identifier: MIT
/*
 * The system-call trace (--trace), in lines like those of strace -f.
 *
 * What a call's arguments say is printed before the call, up to the first argument that the call
 * fills; the rest is printed after it. All threads write into one text. A thread whose beginning is
 * the last in the text has the line `open`; if another thread writes first, the line ends with
 * "<unfinished ...>", and the rest of the call becomes a line "<... resumed>". With a file for each
 * process, lines are written whole, after the call.
 *
 * The text is kept here and goes to the monitor with one hostcall when a line is complete; to a
 * file, when no more fits, and before the vCPU sleeps, so that a reader of the file sees which call
 * a program waits in.
 */
#include "common/boot_info.h"
#include "common/debugger.h"
#include "kernel/arch/x86_64/arch.h"
#include "kernel/check_hooks.h"
#include "kernel/define_syscall.h"
#include "kernel/hostcall.h"
#include "kernel/lock.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/syscall/trace_line.h"
#include "kernel/task/nproc.h"
#include "kernel/task/process.h"
#include "kernel/time/clock.h"
#include "kernel/trace.h"

#include <asm/unistd.h>

#define LINE_SIZE   4096 /* of a line whose strings have the usual length */
#define RESULT_SIZE 256	 /* what the arguments leave for the rest */
#define RESULT_AT   40	 /* column of "= result", as in strace */
#define OUT_SIZE    4096 /* limit of the hostcall trace */

/* A thread's call under way: thread.trace_line. */
struct trace_call {
	unsigned next; /* argument that comes after the call */
	bool replaced; /* execve(2): nothing can be read afterwards */
	s32 given;     /* struct call */
	u64 start_ns;  /* CLOCK_MONOTONIC; 0: nobody wants to know */
	u32 column;    /* behind what was printed before the call; 0: nothing was */
	struct line line;
};

static struct {
	struct mutex lock;
	u32 len;
	s32 pid;		   /* whose text it is, with a file for each process */
	const struct thread *open; /* whose line is not complete at the end of the text */
	char text[OUT_SIZE];
} out = {.lock = MUTEX_INIT(LOCK_TRACE)};

/* --trace-summary: a row for each number, and one for all calls of the heap library. */
static struct tally {
	u64 calls, errors, ns;
} tallies[BOOT_TRACE_CALLS];

static bool has(u32 flag)
{
	return boot->trace.flags & flag;
}

/* The stub for gdb is none of the programs that are traced. */
static bool is_stub(void)
{
	return current_process()->pid == DEBUGGER_PID;
}

static bool is_wanted(u64 nr)
{
	/* Calls of the heap library, which no filter names: with all others only. */
	if (nr >= BOOT_TRACE_CALLS)
		nr = BOOT_TRACE_CALLS - 1;
	return !is_stub() && (boot->trace.calls[nr / 64] & 1UL << nr % 64);
}

/* The text. out.lock is held. */

static void flush(void)
{
	ASSERT_HELD(&out.lock);
	if (out.len)
		hc_trace((u64)out.pid, out.text, out.len);
	out.len = 0;
}

static void append(const char *text, u32 len)
{
	ASSERT_HELD(&out.lock);
	while (len) {
		u32 n = MIN(len, (u32)OUT_SIZE - out.len);

		memcpy(out.text + out.len, text, n);
		out.len += n;
		text += n;
		len -= n;
		if (out.len == OUT_SIZE)
			flush();
	}
}

#define APPEND(literal) append(literal, sizeof(literal) - 1)

/* Makes the end of the text the place where the running thread can write. */
static void take_over(void)
{
	ASSERT_HELD(&out.lock);
	if (has(BOOT_TRACE_EACH) && out.pid != current()->proc->pid) {
		flush();
		out.pid = current()->proc->pid;
	}
	if (out.open && out.open != current()) {
		APPEND(" <unfinished ...>\n");
		out.open = NULL;
	}
}

static void end_of_line(void)
{
	ASSERT_HELD(&out.lock);
	APPEND("\n");
	out.open = NULL;
	if (!has(BOOT_TRACE_FILE))
		flush();
}

/* Lines. */

static u64 lines_size(void)
{
	return LINE_SIZE + 4 * trace_shown();
}

/* Starts a line with what stands before each: who and when. */
static void begin_line(struct line *l)
{
	u64 now;

	l->len = 0;
	if (has(BOOT_TRACE_EACH)) {
		if (current()->tid != current()->proc->pid)
			emit(l, "[tid %d] ", current()->tid);
	} else if (has(BOOT_TRACE_FILE)) {
		emit(l, "%-5d ", current()->tid);
	} else if (nproc_count() > 1) {
		emit(l, "[pid %5d] ", current()->tid);
	}
	if (has(BOOT_TRACE_TIME)) {
		now = clock_realtime_ns();
		emit(l, "%lu.%06lu ", now / NSEC_PER_SEC, now % NSEC_PER_SEC / 1000);
	}
}

/* Returns an empty line in a call, or NULL if memory is short. */
static struct trace_call *call_new(void)
{
	u64 size = has(BOOT_TRACE_SUMMARY) ? RESULT_SIZE : lines_size();
	struct trace_call *t = kmalloc(sizeof(*t) + size);

	if (!t)
		return NULL;
	t->next = 0;
	t->replaced = false;
	t->given = -1;
	t->start_ns = 0;
	t->column = 0;
	t->line.len = 0;
	t->line.max = (u32)size;
	t->line.text = (char *)(t + 1);
	return t;
}

/* A whole line of the running thread's. */
static void send_line(struct line *l)
{
	mutex_lock(&out.lock);
	/* A call of its own that did not return is unfinished for good. */
	if (out.open == current()) {
		APPEND(" <unfinished ...>\n");
		out.open = NULL;
	}
	take_over();
	append(l->text, l->len);
	end_of_line();
	mutex_unlock(&out.lock);
}

/* "name(arguments", without the bracket at the end. */
static void emit_call(struct line *l, const struct call *c, unsigned *next)
{
	s64 number = check_syscall_number(c->nr);
	const char *name = trace_call_name(c->nr);
	const u64 *a = c->arg;

	l->max -= RESULT_SIZE;
	if (name) {
		emit(l, "%s(", name);
		trace_args(l, c, next);
	} else if (number >= 0) {
		emit(l, "chk_call_%ld(%#lx, %#lx, %#lx, %#lx", number, a[0], a[1], a[2], a[3]);
	} else {
		emit(l, "syscall_%#lx(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx", c->nr, a[0], a[1], a[2],
		     a[3], a[4], a[5]);
	}
	l->max += RESULT_SIZE;
}

/* Fills to the column of the result. */
static void emit_pad(struct line *l, u32 column)
{
	emit(l, "%*s= ", column < RESULT_AT ? (int)(RESULT_AT - column) : 1, "");
}

static bool never_returns(u64 nr)
{
	return nr == __NR_exit || nr == __NR_exit_group;
}

static void tally(u64 nr, const struct call *c, u64 start_ns)
{
	struct tally *t = &tallies[nr < BOOT_TRACE_CALLS ? nr : BOOT_TRACE_CALLS - 1];

	__atomic_add_fetch(&t->calls, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&t->errors, call_failed(c), __ATOMIC_RELAXED);
	if (start_ns)
		__atomic_add_fetch(&t->ns, clock_monotonic_ns() - start_ns, __ATOMIC_RELAXED);
}

void trace_enter(u64 nr, const struct syscall_args *args, u64 sp)
{
	struct call c = {.nr = nr, .arg = args->a, .sp = sp, .given = -1};
	struct trace_call *t;

	if (!is_wanted(nr))
		return;
	if (has(BOOT_TRACE_SUMMARY) && never_returns(nr)) {
		tally(nr, &c, 0);
		return;
	}
	t = call_new();
	if (!t)
		return;
	t->replaced = nr == __NR_execve || nr == __NR_execveat;
	if (has(BOOT_TRACE_TIME | BOOT_TRACE_SUMMARY))
		t->start_ns = clock_monotonic_ns();
	if (!has(BOOT_TRACE_SUMMARY)) {
		t->given = c.given = trace_given(nr, args->a);
		begin_line(&t->line);
		emit_call(&t->line, &c, &t->next);
	}
	if (never_returns(nr)) {
		emit(&t->line, ")");
		emit_pad(&t->line, t->line.len);
		emit(&t->line, "?");
		send_line(&t->line);
		kfree(t);
		return;
	}
	if (!has(BOOT_TRACE_SUMMARY | BOOT_TRACE_EACH)) {
		t->column = t->line.len;
		mutex_lock(&out.lock);
		take_over();
		append(t->line.text, t->line.len);
		out.open = current();
		mutex_unlock(&out.lock);
		t->line.len = 0;
	}
	current()->trace_line = t;
}

/*
 * Writes the rest of a call's line: the arguments that were not printed before, and the result. If
 * others have written meanwhile, "<... resumed>" stands before it.
 */
static void send_rest(struct trace_call *t, const struct call *c)
{
	struct line *l = &t->line, head, middle;
	char head_text[64 + RESULT_SIZE], middle_text[RESULT_AT + 8];
	const char *name = trace_call_name(c->nr);
	bool begun = t->column > 0;
	u32 args_len;

	head = (struct line){.max = sizeof(head_text), .text = head_text};
	middle = (struct line){.max = sizeof(middle_text), .text = middle_text};
	if (begun) {
		begin_line(&head);
		emit(&head, "<... %s resumed>", name ? name : "syscall");
	}
	if (!begun && !l->len) {
		begin_line(l);
		emit_call(l, c, &t->next);
	} else if (!t->replaced && name) {
		l->max -= RESULT_SIZE;
		trace_args(l, c, &t->next);
		l->max += RESULT_SIZE;
	}
	args_len = l->len;
	trace_result(l, c);
	if (t->start_ns && has(BOOT_TRACE_TIME)) {
		u64 ns = clock_monotonic_ns() - t->start_ns;

		emit(l, " <%lu.%06lu>", ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / 1000);
	}

	mutex_lock(&out.lock);
	if (out.open != current() && begun) {
		take_over();
		append(head.text, head.len);
		t->column = head.len;
	} else {
		take_over();
	}
	emit(&middle, ")");
	emit_pad(&middle, t->column + args_len + 1);
	append(l->text, args_len);
	append(middle.text, middle.len);
	append(l->text + args_len, l->len - args_len);
	end_of_line();
	mutex_unlock(&out.lock);
}

void trace_syscall(u64 nr, const struct syscall_args *args, s64 result)
{
	struct trace_call *t = current()->trace_line;
	struct call c = {
		.nr = nr,
		.arg = args->a,
		.result = result,
		.given = t ? t->given : -1,
		.done = true,
	};

	current()->trace_line = NULL;
	if (!is_wanted(nr))
		return;
	if (!t)
		t = call_new();
	if (!t)
		return;
	if (has(BOOT_TRACE_SUMMARY))
		tally(nr, &c, t->start_ns);
	else
		send_rest(t, &c);
	kfree(t);
}

void trace_first_program(const char *path, const char *argv, u32 argc, u32 envc, u64 envp)
{
	struct trace_call *t;

	if (has(BOOT_TRACE_SUMMARY) || !is_wanted(__NR_execve))
		return;
	t = call_new();
	if (!t)
		return;
	begin_line(&t->line);
	emit(&t->line, "execve(");
	emit_bytes(&t->line, (const u8 *)path, strlen(path), false);
	emit(&t->line, ", [");
	t->line.max -= RESULT_SIZE;
	for (u32 i = 0; i < argc; i++) {
		u64 len = strlen(argv), shown = MIN(len, trace_shown());

		emit(&t->line, i ? ", " : "");
		if (i == TRACE_ITEMS) {
			emit(&t->line, "...");
			break;
		}
		emit_bytes(&t->line, (const u8 *)argv, shown, len > shown);
		argv += len + 1;
	}
	t->line.max += RESULT_SIZE;
	emit(&t->line, envc == 1 ? "], %#lx /* %u var */" : "], %#lx /* %u vars */", envp, envc);
	emit(&t->line, ")");
	emit_pad(&t->line, t->line.len);
	emit(&t->line, "0");
	send_line(&t->line);
	kfree(t);
}

void trace_signal(const siginfo_t *info)
{
	struct trace_call *t = NULL;

	/* Of SIGKILL strace sees only the end. */
	if (!has(BOOT_TRACE_SUMMARY) && info->si_signo != SIGKILL && !is_stub())
		t = call_new();
	if (!t)
		return;
	begin_line(&t->line);
	emit(&t->line, "--- ");
	emit_signal(&t->line, (u64)info->si_signo);
	emit(&t->line, " ");
	emit_siginfo(&t->line, info);
	emit(&t->line, " ---");
	send_line(&t->line);
	kfree(t);
}

void trace_exit(int wait_status)
{
	struct trace_call *t = has(BOOT_TRACE_SUMMARY) || is_stub() ? NULL : call_new();

	/* What a thread that is ended in the middle of a call leaves. */
	kfree(current()->trace_line);
	current()->trace_line = NULL;
	if (!t)
		return;
	begin_line(&t->line);
	if (wait_status & 0x7f) {
		emit(&t->line, "+++ killed by ");
		emit_signal(&t->line, (u64)(wait_status & 0x7f));
		emit(&t->line, wait_status & 0x80 ? " (core dumped) +++" : " +++");
	} else {
		emit(&t->line, "+++ exited with %d +++", wait_status >> 8 & 0xff);
	}
	send_line(&t->line);
	kfree(t);
}

void trace_flush(void)
{
	/* A text that another vCPU adds at this moment goes with the next flush. */
	if (!(boot->flags & BOOT_TRACE) || !READ_ONCE(out.len))
		return;
	mutex_lock(&out.lock);
	flush();
	mutex_unlock(&out.lock);
}

void trace_panics(void)
{
	if (boot->flags & BOOT_TRACE && out.len && out.len <= OUT_SIZE)
		hc_trace((u64)out.pid, out.text, out.len);
}

/* The table of --trace-summary, the calls that took longest first. */

static void summary_line(const char *format, ...) __printf(1, 2);
static void summary_line(const char *format, ...)
{
	char text[160];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	mutex_lock(&out.lock);
	append(text, MIN((u32)n, (u32)sizeof(text) - 1));
	end_of_line();
	mutex_unlock(&out.lock);
}

static void summary_row(const struct tally *t, u64 all_ns, const char *name)
{
	u64 share = all_ns ? t->ns * 10000 / all_ns : 0;
	char errors[24] = "";

	if (t->errors)
		snprintf(errors, sizeof(errors), "%lu", t->errors);
	summary_line("%3lu.%02lu %5lu.%06lu %11lu %9lu %9s %s", share / 100, share % 100,
		     t->ns / NSEC_PER_SEC, t->ns % NSEC_PER_SEC / 1000,
		     t->calls ? t->ns / 1000 / t->calls : 0, t->calls, errors, name);
}

static void summary(void)
{
	static const char rule[] =
		"------ ----------- ----------- --------- --------- ----------------";
	struct tally all = {0};

	for (u64 nr = 0; nr < BOOT_TRACE_CALLS; nr++) {
		all.calls += tallies[nr].calls;
		all.errors += tallies[nr].errors;
		all.ns += tallies[nr].ns;
	}
	summary_line("%% time     seconds  usecs/call     calls    errors syscall");
	summary_line("%s", rule);
	for (;;) {
		struct tally *most = NULL;
		const char *name;

		for (u64 nr = 0; nr < BOOT_TRACE_CALLS; nr++)
			if (tallies[nr].calls && (!most || tallies[nr].ns > most->ns))
				most = &tallies[nr];
		if (!most)
			break;
		name = trace_call_name((u64)(most - tallies));
		summary_row(most, all.ns, name ? name : "?");
		most->calls = 0;
	}
	summary_line("%s", rule);
	summary_row(&all, all.ns, "total");
}

void trace_end(void)
{
	if (has(BOOT_TRACE_SUMMARY))
		summary();
	trace_flush();
}
