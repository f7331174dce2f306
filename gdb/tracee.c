// SPDX-License-Identifier: MIT
/* See tracee.h. ptrace(2) has the stops and events; breakpoints and memory are in points.c. */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/debugger.h"
#include "gdb/signals.h"
#include "gdb/tracee.h"

#define MESSAGE_ENTRY 1 /* PTRACE_EVENTMSG_SYSCALL_ENTRY, which the C library does not define */

struct process_list processes = TAILQ_HEAD_INITIALIZER(processes);
struct tracee_options tracee_options;

/* Stops of children that came before their parent's event. */
struct stranger {
	TAILQ_ENTRY(stranger) link;
	s32 tid;
	int status;
};
static TAILQ_HEAD(, stranger) strangers = TAILQ_HEAD_INITIALIZER(strangers);

/* While tracee_stop_all waits, a stop without an event ends nothing but its thread's running. */
static bool stopping;

static void handle(s32 tid, int status);

/* -- The tables -------------------------------------------------------------------------------- */

struct process *process_of(s32 pid)
{
	struct process *p;

	TAILQ_FOREACH (p, &processes, link)
		if (p->pid == pid)
			return p;
	return NULL;
}

struct thread *thread_of(s32 tid)
{
	struct process *p;
	struct thread *t;

	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link)
			if (t->tid == tid)
				return t;
	return NULL;
}

struct thread *thread_first(const struct process *p)
{
	const struct process *at = p ? p : TAILQ_FIRST(&processes);
	struct thread *t;

	for (; at; at = p ? NULL : TAILQ_NEXT(at, link))
		TAILQ_FOREACH (t, &at->threads, link)
			if (!t->ending && !at->ended)
				return t;
	return NULL;
}

static void *allocate(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		abort(); /* the tracees go on untraced */
	return p;
}

static struct process *new_process(s32 pid, struct space *space)
{
	struct process *p = allocate(sizeof(*p));

	p->pid = pid;
	p->space = space;
	TAILQ_INIT(&p->threads);
	TAILQ_INSERT_TAIL(&processes, p, link);
	return p;
}

static struct thread *new_thread(struct process *p, s32 tid)
{
	struct thread *t = allocate(sizeof(*t));

	t->proc = p;
	t->tid = tid;
	TAILQ_INSERT_TAIL(&p->threads, t, link);
	return t;
}

static void free_thread(struct thread *t)
{
	TAILQ_REMOVE(&t->proc->threads, t, link);
	free(t);
}

static void free_process(struct process *p)
{
	struct thread *t;

	while ((t = TAILQ_FIRST(&p->threads)))
		free_thread(t);
	TAILQ_REMOVE(&processes, p, link);
	space_put(p->space);
	free(p);
}

/* -- Running ----------------------------------------------------------------------------------- */

static void run(struct thread *t, int sig)
{
	bool step = t->action.kind == 's' || t->action.kind == 'r';
	enum __ptrace_request request = step		   ? PTRACE_SINGLESTEP
					: t->proc->catches ? PTRACE_SYSCALL
							   : PTRACE_CONT;

	t->in_vfork = t->made_vfork;
	t->made_vfork = false;
	t->event = EVENT_NONE;
	t->stopped = false;
	/* A stopped process stays stopped until SIGCONT: its threads wait for that. */
	if (t->in_group && !step && !sig)
		request = PTRACE_LISTEN;
	t->in_group = t->in_group && request == PTRACE_LISTEN;
	/* ESRCH: it was killed meanwhile; wait tells of its end. */
	ptrace(request, t->tid, 0, request == PTRACE_LISTEN ? 0 : (long)sig);
}

/* Goes on as the thread was told before: what stopped it is nothing for the debugger. */
static void go_on(struct thread *t, int sig)
{
	if (!stopping)
		run(t, sig);
	else if (sig) { /* the signal is not lost */
		t->event = EVENT_SIGNAL;
		t->value = (u64)sig;
	}
}

static void add_event(struct thread *t, enum event event, u64 value)
{
	t->event = event;
	t->value = value;
}

/* -- What stops mean --------------------------------------------------------------------------- */

bool tracee_registers(const struct thread *t, struct registers *r)
{
	struct iovec v = {r->xsave, sizeof(r->xsave)};

	r->general_changed = r->xsave_changed = false;
	r->xsave_size = 0;
	if (!t->stopped || ptrace(PTRACE_GETREGS, t->tid, 0, &r->general) != 0)
		return false;
	if (ptrace(PTRACE_GETREGSET, t->tid, NT_X86_XSTATE, &v) == 0)
		r->xsave_size = v.iov_len;
	return true;
}

bool tracee_set_registers(const struct thread *t, struct registers *r)
{
	struct iovec v = {r->xsave, r->xsave_size};

	if (r->general_changed && ptrace(PTRACE_SETREGS, t->tid, 0, &r->general) != 0)
		return false;
	return !r->xsave_changed || ptrace(PTRACE_SETREGSET, t->tid, NT_X86_XSTATE, &v) == 0;
}

static u64 peek_rip(const struct thread *t)
{
	return (u64)ptrace(PTRACE_PEEKUSER, t->tid, offsetof(struct user_regs_struct, rip), 0);
}

/* SIGTRAP: a breakpoint, a step, or the program's own. */
static void classify_trap(struct thread *t)
{
	u64 rip = peek_rip(t);
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, t->tid, 0, &info) != 0)
		memset(&info, 0, sizeof(info));
	if (info.si_code == SI_KERNEL && breakpoint_at(t->proc->space, rip - 1)) {
		ptrace(PTRACE_POKEUSER, t->tid, offsetof(struct user_regs_struct, rip), rip - 1);
		add_event(t, EVENT_BREAKPOINT, rip - 1);
		return;
	}
	if (debug_hit(t, &t->slot)) {
		const struct debug_slot *s = &t->proc->slots[t->slot];

		add_event(t, (s->kind & 3) == DEBUG_KIND_EXEC ? EVENT_HARDWARE : EVENT_WATCH,
			  s->addr);
		return;
	}
	if ((t->action.kind == 's' || t->action.kind == 'r') && info.si_code != SI_USER &&
	    info.si_code != SI_TKILL && info.si_code != SI_KERNEL) {
		if (t->action.kind == 'r' && rip >= t->action.from && rip < t->action.to)
			go_on(t, 0);
		else
			add_event(t, EVENT_STEPPED, 0);
		return;
	}
	add_event(t, EVENT_SIGNAL, SIGTRAP);
}

/* Returns the number of the process that a thread belongs to, from /proc. */
static s32 process_number(s32 tid)
{
	char path[40], line[128];
	s32 pid = tid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &pid) == 1)
			break;
	if (f)
		fclose(f);
	return pid;
}

/* Waits for the first stop of a thread that is new to us. Returns false if it ended. */
static bool await_first_stop(s32 tid)
{
	struct stranger *s;
	int status;

	TAILQ_FOREACH (s, &strangers, link) {
		if (s->tid != tid)
			continue;
		TAILQ_REMOVE(&strangers, s, link);
		status = s->status;
		free(s);
		return WIFSTOPPED(status);
	}
	while (waitpid(tid, &status, __WALL) != tid)
		if (errno != EINTR)
			return false;
	return WIFSTOPPED(status);
}

static void detach_thread(struct thread *t)
{
	long sig = t->event == EVENT_SIGNAL && t->value != SIGTRAP ? (long)t->value : 0;

	if (!t->stopped)
		return;
	for (u32 n = 0; n < DEBUG_SLOTS; n++)
		if (t->proc->slots[n].users) {
			memset(t->proc->slots, 0, sizeof(t->proc->slots));
			break;
		}
	debug_load(t);
	ptrace(PTRACE_DETACH, t->tid, 0, sig);
}

void tracee_detach(struct process *p)
{
	struct thread *t;

	/* The parent of a vfork(2) child still needs the breakpoints in their memory. */
	if (p->space && p->space->users == 1)
		space_clear(p->space);
	TAILQ_FOREACH (t, &p->threads, link)
		detach_thread(t);
	free_process(p);
}

/* A thread of a known process, or a new process, was made by t. */
static void adopt(struct thread *t, enum event event)
{
	struct process *parent = t->proc, *p = parent;
	bool wanted = event == EVENT_VFORK ? tracee_options.vforks : tracee_options.forks;
	unsigned long message = 0;
	struct thread *child;
	s32 tid;

	ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &message);
	tid = (s32)message;
	t->made_vfork = event == EVENT_VFORK;
	if (!await_first_stop(tid)) {
		go_on(t, 0);
		return;
	}
	if (event != EVENT_NONE || process_number(tid) == tid) {
		p = new_process(tid, NULL);
		p->was_running = parent->was_running;
		p->of_vfork = event == EVENT_VFORK;
		if (p->of_vfork) {
			p->space = parent->space;
			p->space->users++;
		} else {
			p->space = space_copy(parent->space, tid);
		}
		event = event == EVENT_NONE ? EVENT_FORK : event;
	}
	child = new_thread(p, tid);
	child->stopped = true;
	if (p == parent) {
		debug_load(child);
		child->action = (struct action){.kind = 'c'};
		child->resumed = t->resumed;
		go_on(child, 0);
		go_on(t, 0);
	} else if (wanted) {
		add_event(t, event, (u64)tid);
	} else {
		tracee_detach(p);
		go_on(t, 0);
	}
}

/* execve(2): only this thread is left, with the number of its process, in a new address space. */
static void executed(struct thread *t)
{
	struct process *p = t->proc;
	struct thread *other, *next;

	for (other = TAILQ_FIRST(&p->threads); other; other = next) {
		next = TAILQ_NEXT(other, link);
		if (other != t)
			free_thread(other);
	}
	t->ending = false;
	space_put(p->space);
	p->space = space_new(p->pid);
	p->of_vfork = false;
	memset(p->slots, 0, sizeof(p->slots));
	if (tracee_options.execs)
		add_event(t, EVENT_EXEC, 0);
	else
		go_on(t, 0);
}

static void syscall_stop(struct thread *t)
{
	unsigned long message = 0;
	u64 nr = (u64)ptrace(PTRACE_PEEKUSER, t->tid, offsetof(struct user_regs_struct, orig_rax),
			     0);
	const struct process *p = t->proc;

	ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &message);
	t->in_call = message == MESSAGE_ENTRY;
	if (p->catches &&
	    (p->catches_all || (nr < SYSCALLS_MAX && p->caught[nr / 64] >> nr % 64 & 1)))
		add_event(t, t->in_call ? EVENT_SYSCALL_ENTRY : EVENT_SYSCALL_RETURN, nr);
	else
		go_on(t, 0);
}

static void ended(struct process *p, int status)
{
	p->ended = true;
	p->status = status;
	/* A vfork(2) child gives the memory back; otherwise the address space is gone. */
	space_put(p->space);
	p->space = NULL;
}

/*
 * A thread is about to end. The last one of a process is held until the debugger knows: when its
 * end has been waited for, its parent goes on, and that may be the end of the sandbox.
 */
static void exiting(struct thread *t)
{
	struct process *p = t->proc;
	unsigned long message = 0;
	const struct thread *other;

	t->ending = true;
	TAILQ_FOREACH (other, &p->threads, link)
		if (!other->ending)
			break;
	if (other || p->ended) {
		run(t, 0);
		return;
	}
	ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &message);
	p->holder = t->tid;
	ended(p, (int)message);
}

/* A stop of PTRACE_EVENT_*. */
static void event_stop(struct thread *t, int event, int sig)
{
	unsigned long message = 0;

	switch (event) {
	case PTRACE_EVENT_STOP:
		t->in_group = sig != SIGTRAP;
		go_on(t, 0);
		break;
	case PTRACE_EVENT_FORK:
		adopt(t, EVENT_FORK);
		break;
	case PTRACE_EVENT_VFORK:
		adopt(t, EVENT_VFORK);
		break;
	case PTRACE_EVENT_CLONE:
		adopt(t, EVENT_NONE);
		break;
	case PTRACE_EVENT_VFORK_DONE:
		if (tracee_options.vforks)
			add_event(t, EVENT_VFORK_DONE, 0);
		else
			go_on(t, 0);
		break;
	case PTRACE_EVENT_EXEC:
		executed(t);
		break;
	case PTRACE_EVENT_EXIT:
		exiting(t);
		break;
	case DEBUGGER_EVENT_BUG:
		add_event(t, EVENT_BUG, 0);
		break;
	case DEBUGGER_EVENT_END:
		ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &message);
		t->proc->holder = t->tid;
		ended(t->proc, (int)message);
		break;
	default:
		go_on(t, 0);
	}
}

static void stopped(struct thread *t, int status)
{
	int sig = WSTOPSIG(status), event = (int)((u32)status >> 16);

	t->stopped = true;
	t->in_vfork = t->in_group = false;
	if (event) {
		event_stop(t, event, sig);
	} else if (sig == (SIGTRAP | 0x80)) {
		syscall_stop(t);
	} else if (sig == SIGTRAP) {
		classify_trap(t);
	} else if (sigismember(&tracee_options.passed, sig) == 1) {
		go_on(t, sig);
	} else {
		add_event(t, EVENT_SIGNAL, (u64)sig);
	}
}

/* A thread has ended, and with a leader its process. */
static void thread_ended(struct thread *t, int status)
{
	struct process *p = t->proc;

	if (t->tid != p->pid)
		free_thread(t);
	else
		ended(p, status);
}

static void handle(s32 tid, int status)
{
	struct thread *t = thread_of(tid);
	struct stranger *s;

	if (t && WIFSTOPPED(status)) {
		stopped(t, status);
	} else if (t) {
		thread_ended(t, status);
	} else if (status >> 8 == (SIGTRAP | DEBUGGER_EVENT_END << 8)) {
		ptrace(PTRACE_CONT, tid, 0, 0); /* the debugger knows already */
	} else if (WIFSTOPPED(status)) {
		/* After execve(2) by a thread that is not the leader, the leader may be unknown. */
		struct process *p = process_of(tid);

		if (p && (u32)status >> 16) {
			t = new_thread(p, tid);
			stopped(t, status);
			return;
		}
		s = allocate(sizeof(*s));
		s->tid = tid;
		s->status = status;
		TAILQ_INSERT_TAIL(&strangers, s, link);
	}
}

void tracee_collect(void)
{
	int status;
	s32 tid;

	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
		handle(tid, status);
}

/* Returns a thread that runs and can be stopped, or NULL. */
static struct thread *find_running(void)
{
	struct process *p;
	struct thread *t;

	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link)
			if (!p->ended && !t->stopped && !t->ending && !t->in_vfork)
				return t;
	return NULL;
}

bool tracee_running(void)
{
	struct process *p;
	struct thread *t;

	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link)
			if (!p->ended && !t->stopped && t->resumed)
				return true;
	return false;
}

void tracee_stop_all(void)
{
	struct process *p;
	struct thread *t;
	int status;
	s32 tid;

	stopping = true;
	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link)
			if (!t->stopped && !t->ending)
				ptrace(PTRACE_INTERRUPT, t->tid, 0, 0);
	while (find_running()) {
		tid = waitpid(-1, &status, __WALL);
		if (tid > 0)
			handle(tid, status);
		else if (errno != EINTR)
			break;
	}
	stopping = false;
}

/* -- Resuming ---------------------------------------------------------------------------------- */

/* An event that is not true any more: the debugger has removed that breakpoint. */
static bool is_stale(const struct thread *t)
{
	switch (t->event) {
	case EVENT_BREAKPOINT:
		return !t->proc->space || !breakpoint_at(t->proc->space, t->value) ||
		       peek_rip(t) != t->value;
	case EVENT_HARDWARE:
	case EVENT_WATCH:
		return !t->proc->slots[t->slot].users;
	default:
		return false;
	}
}

struct thread *tracee_news(void)
{
	struct process *p;
	struct thread *t;

	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link)
			if (!p->ended && t->stopped && t->event && t->resumed)
				return t;
	return NULL;
}

void tracee_all_halted(void)
{
	struct process *p;
	struct thread *t;

	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link)
			t->resumed = false;
}

struct process *tracee_end(bool told)
{
	struct process *p;

	TAILQ_FOREACH (p, &processes, link)
		if (p->ended && p->told == told)
			return p;
	return NULL;
}

void tracee_forget(struct process *p)
{
	if (p->holder)
		ptrace(PTRACE_CONT, p->holder, 0, 0);
	free_process(p);
}

void tracee_resume(const char *actions)
{
	struct process *p, *next_process;
	struct thread *t, *next;

	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link) {
			struct action a = vcont_action(actions, p->pid, t->tid);

			t->resumed = a.kind && a.kind != 't';
		}
	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link) {
			struct action a = vcont_action(actions, p->pid, t->tid);

			if (!t->stopped || p->ended || !t->event || !a.kind || a.kind == 't')
				continue;
			if (!is_stale(t))
				return; /* is told first */
			t->event = EVENT_NONE;
		}
	for (p = TAILQ_FIRST(&processes); p; p = next_process) {
		next_process = TAILQ_NEXT(p, link);
		for (t = TAILQ_FIRST(&p->threads); t && !p->ended; t = next) {
			struct action a = vcont_action(actions, p->pid, t->tid);

			next = TAILQ_NEXT(t, link);
			if (!t->stopped || t->ending || !a.kind || a.kind == 't')
				continue;
			t->action = a;
			run(t, signal_from_gdb(a.signal));
		}
	}
}

void tracee_resume_all(void)
{
	struct process *p;
	struct thread *t;

	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link) {
			int sig = t->event == EVENT_SIGNAL ? (int)t->value : 0;

			if (!t->stopped || p->ended || t->ending)
				continue;
			t->action = (struct action){.kind = 'c'};
			t->resumed = true;
			run(t, sig);
		}
}

/* -- Attaching --------------------------------------------------------------------------------- */

struct thread *tracee_add(s32 pid, s32 tid)
{
	struct process *p = process_of(pid);
	struct thread *t;

	if (!p)
		p = new_process(pid, space_new(pid));
	t = new_thread(p, tid);
	t->action = (struct action){.kind = 'c'};
	t->resumed = true;
	return t;
}

/* Attaches to those threads in /proc/PID/task that are unknown. Returns how many. */
static u32 seize_threads(s32 pid)
{
	char path[40];
	struct dirent *e;
	u32 found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		s32 tid = atoi(e->d_name);

		if (tid <= 0 || thread_of(tid))
			continue;
		if (ptrace(PTRACE_SEIZE, tid, 0, (long)DEBUGGER_OPTIONS) != 0)
			continue;
		tracee_add(pid, tid);
		found++;
	}
	if (dir)
		closedir(dir);
	return found;
}

int tracee_attach(s32 pid)
{
	if (process_of(pid))
		return 0;
	/* Threads that are made meanwhile: once all are ours, new ones are, too. */
	while (seize_threads(pid))
		;
	if (!process_of(pid))
		return errno == EPERM ? EPERM : ESRCH;
	process_of(pid)->was_running = true;
	tracee_stop_all();
	return 0;
}

void tracee_kill(struct process *p)
{
	struct thread *t;
	int status;
	s32 tid;

	kill(p->pid, SIGKILL);
	TAILQ_FOREACH (t, &p->threads, link)
		if (t->stopped)
			ptrace(PTRACE_CONT, t->tid, 0, (long)SIGKILL);
	while (!p->ended) {
		tid = waitpid(-1, &status, __WALL);
		if (tid > 0)
			handle(tid, status);
		else if (errno != EINTR)
			break;
	}
}
