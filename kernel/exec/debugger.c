// SPDX-License-Identifier: MIT
/*
 * See debugger.h. The stub is a program (gdb/) and traces by ptrace(2) as any program does. Its
 * process is none of the tree: it is not among all processes, has no parent, and its number and its
 * thread's number are 0, which no call can name. So programs see it as they see a tracer outside of
 * their PID namespace: TracerPid is 0, and kill(-1) does not reach it. When it ends, it stays as it
 * is, and its tracees go on untraced.
 */
#include <linux/fcntl.h>
#include "common/boot_info.h"
#include "common/debugger.h"
#include "common/exit_status.h"
#include "kernel/exec/debugger.h"
#include "kernel/exec/exec.h"
#include "kernel/fs/file.h"
#include "kernel/fs/fs_info.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/signal/signal.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"

/* Opens the stub's program. Returns a reference, or NULL. */
static struct ofile *open_stub(void)
{
	s64 handle = hc_gdb_stub(HC_NONE);
	struct ofile *f = handle >= 0 ? host_file_new((s32)handle, O_RDONLY) : NULL;

	if (handle >= 0 && !f)
		hc_close((s32)handle);
	return f;
}

/* The first code of the stub's thread: makes its program the content of the process. */
static void begin(void)
{
	static const char name[] = "gdb-stub";
	struct exec_args *args = kzalloc(sizeof(*args));
	struct exec_error *why = kzalloc(sizeof(*why));
	char strings[64];
	int len = snprintf(strings, sizeof(strings), "%s%c%d%c%s", name, 0, boot->pid, 0,
			   boot->flags & BOOT_GDB_AT_BUG ? "running" : "halted");
	int err = -ENOMEM;

	if (args && why) {
		args->chunk[0] = (struct exec_chunk){strings, (u64)len + 1};
		args->chunks = 1;
		args->argc = 3;
		args->program = open_stub();
		if (args->program)
			err = exec_program(AT_FDCWD, name, 0, args, why);
		ofile_put(args->program);
	}
	if (err)
		panic("the stub for gdb cannot start: %d %s", err, why ? why->text : "");
	kfree(args);
	kfree(why);
}

static struct files *stub_files(void)
{
	struct files *files = files_new();
	struct ofile *socket = host_file_new(boot->gdb_socket, O_RDWR), *none;

	if (!files || !socket ||
	    fdtable_replace(files, DEBUGGER_FD_SOCKET, socket, false, &none) < 0)
		return NULL;
	return files;
}

/* Returns the stub's thread, in a process that nothing leads to, or NULL if memory is short. */
static struct thread *make(void)
{
	struct process *first = current_process(), *p = process_new(first);
	struct thread *t = p ? thread_new(p, NULL) : NULL;

	if (!t)
		return NULL;
	p->pid = DEBUGGER_PID;
	p->pgid = p->sid = -1; /* no group, no session */
	p->no_tty = true;
	p->creds = t->creds = *current_creds();
	p->mm = mm_new();
	p->files = stub_files();
	p->fs = fs_dup(first->fs);
	p->sighand = sighand_new();
	t->begin = begin;
	return p->mm && p->files && p->fs && p->sighand ? t : NULL;
}

void exec_debugger(void)
{
	struct thread *self = current(), *t;

	if (boot->gdb_socket < 0)
		return;
	t = make();
	if (!t)
		panic("no memory for the stub for gdb");
	mutex_lock(&task_lock);
	thread_link(t, DEBUGGER_PID);
	ptrace_attach(self, t, true, DEBUGGER_OPTIONS);
	self->ptrace.trap = true; /* before its first instruction */
	signal_kick(self);
	mutex_unlock(&task_lock);
	sched_start(t);
}
