// SPDX-License-Identifier: MIT
/*
 * See seccomp.h. The rules, the precedence of results and the order of checks are those of Linux's
 * kernel/seccomp.c.
 */
#include "kernel/task/seccomp.h"
#include <asm/siginfo.h>
#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/fcntl.h>
#include "kernel/define_syscall.h"
#include "kernel/fs/file.h"
#include "kernel/fs/path_prefetch.h"
#include "kernel/kernel.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/bpf.h"
#include "kernel/task/exit.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/ptrace_abi.h"
#include "kernel/task/seccomp_notify.h"

#define LENGTH_MAX  32768 /* of all filters of a thread, as Linux translates them */
#define LENGTH_EACH 4	  /* what Linux adds for each filter that is there already */
#define ERRNO_MAX   4095

#define FLAGS_KNOWN                                                                                \
	(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |    \
	 SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |                      \
	 SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)

struct seccomp_filter {
	u32 users; /* threads and newer filters; atomic */
	struct seccomp_filter *older;
	struct seccomp_notify *notify; /* SECCOMP_FILTER_FLAG_NEW_LISTENER, or NULL. Owned */
	bool log;		       /* SECCOMP_FILTER_FLAG_LOG */
	bool killable;		       /* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */
	u32 translated;		       /* bpf_translated_len */
	u32 len;		       /* of the program */
	struct sock_filter program[];
};

static void filter_get(struct seccomp_filter *f)
{
	if (f)
		__atomic_add_fetch(&f->users, 1, __ATOMIC_RELAXED);
}

static void filter_put(struct seccomp_filter *f)
{
	while (f && __atomic_sub_fetch(&f->users, 1, __ATOMIC_ACQ_REL) == 0) {
		struct seccomp_filter *older = f->older;

		seccomp_notify_end(f->notify);
		kfree(f);
		f = older;
	}
}

void seccomp_inherit(struct thread *child)
{
	const struct thread *self = current();

	ASSERT_HELD(&task_lock);
	child->seccomp = self->seccomp;
	child->creds.no_new_privs = self->creds.no_new_privs;
	filter_get(child->seccomp.filter);
}

void seccomp_thread_freed(struct thread *t)
{
	filter_put(t->seccomp.filter);
}

/* -- Before a system call ---------------------------------------------------------------------- */

static struct seccomp_data data_of(const struct trapframe *f)
{
	return (struct seccomp_data){
		.nr = (s32)f->orig_rax,
		.arch = AUDIT_ARCH_X86_64,
		.instruction_pointer = f->rip,
		.args = {f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9},
	};
}

/* The action of a result as a number: the lower one counts. */
static s32 action_of(u32 result)
{
	return (s32)(result & SECCOMP_RET_ACTION_FULL);
}

/* Runs all filters. Returns the result that counts, and the newest filter that has it. */
static u32 run_filters(const struct seccomp_data *data, struct seccomp_filter **by)
{
	u32 result = SECCOMP_RET_ALLOW;

	*by = NULL;
	for (struct seccomp_filter *f = READ_ONCE(current()->seccomp.filter); f; f = f->older) {
		u32 r = bpf_run(f->program, data);

		if (action_of(r) < action_of(result)) {
			result = r;
			*by = f;
		}
	}
	return result;
}

static void report(const struct seccomp_data *data, u32 result)
{
	const struct thread *t = current();

	klog(1, "seccomp: pid %d (%s), system call %d at %#lx: result %#x", t->tid, t->comm,
	     data->nr, (u64)data->instruction_pointer, result);
}

static siginfo_t sigsys(const struct seccomp_data *data, u32 result)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGSYS;
	info.si_code = SYS_SECCOMP;
	info.si_errno = (int)(result & SECCOMP_RET_DATA);
	info.si_call_addr = (void *)data->instruction_pointer;
	info.si_syscall = data->nr;
	info.si_arch = data->arch;
	return info;
}

/* Returns true if no other thread of the process is left. */
static bool is_last_thread(void)
{
	bool last;

	mutex_lock(&task_lock);
	last = current_process()->nthreads == 1;
	mutex_unlock(&task_lock);
	return last;
}

__attribute__((noreturn)) static void kill(struct trapframe *f, const struct seccomp_data *data,
					   u32 result)
{
	siginfo_t info = sigsys(data, result);

	if ((result & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_THREAD && !is_last_thread())
		thread_exit(SIGSYS);
	f->rax = f->orig_rax; /* a core shows the call */
	signal_ends_process(&info);
}

/* Sets the result of a call that is not made. A value that the kernel uses inside is none here. */
static void set_result(struct trapframe *f, s64 result)
{
	f->rax = (u64)result;
	if (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK)
		f->orig_rax = -1UL; /* the call is not restarted */
}

static bool ask_filters(struct trapframe *f, bool traced);

/* SECCOMP_RET_TRACE. Returns true if the call is to be made. */
static bool ask_tracer(struct trapframe *f, u32 result)
{
	int err = ptrace_seccomp_event(result & SECCOMP_RET_DATA);

	path_prefetch_drop(current());
	if (err == -ENOSYS)
		f->rax = -(u64)ENOSYS;
	if (err || (s32)f->orig_rax < 0)
		return false;
	/* The tracer may have made it another call. */
	return ask_filters(f, true);
}

/* SECCOMP_RET_USER_NOTIF. Returns true if the call is to be made. */
static bool ask_supervisor(struct trapframe *f, const struct seccomp_data *data,
			   const struct seccomp_filter *by)
{
	s64 result = 0;
	enum seccomp_answer answer = seccomp_notify_ask(by->notify, data, by->killable, &result);

	path_prefetch_drop(current());
	if (answer == SECCOMP_INTERRUPTED)
		f->rax = -(u64)ERESTARTSYS;
	else if (answer == SECCOMP_ANSWERED)
		set_result(f, result);
	return answer == SECCOMP_CONTINUE;
}

/* traced: the tracer was asked already. Returns true if the call is to be made. */
static bool ask_filters(struct trapframe *f, bool traced)
{
	const struct seccomp_data data = data_of(f);
	struct seccomp_filter *by;
	u32 result = run_filters(&data, &by);
	siginfo_t info;

	if (by && by->log && action_of(result) != action_of(SECCOMP_RET_LOG))
		report(&data, result);
	switch (result & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return true;
	case SECCOMP_RET_LOG:
		report(&data, result);
		return true;
	case SECCOMP_RET_TRACE:
		return traced || ask_tracer(f, result);
	case SECCOMP_RET_USER_NOTIF:
		return ask_supervisor(f, &data, by);
	case SECCOMP_RET_ERRNO:
		set_result(f, -(s64)MIN(result & SECCOMP_RET_DATA, (u32)ERRNO_MAX));
		return false;
	case SECCOMP_RET_TRAP:
		f->rax = f->orig_rax; /* the handler sees the call's registers */
		info = sigsys(&data, result);
		signal_force(&info);
		return false;
	default: /* SECCOMP_RET_KILL_THREAD and _PROCESS; others count as the latter */
		report(&data, result);
		kill(f, &data, result);
	}
}

static bool is_strict_call(s32 nr)
{
	return nr == __NR_read || nr == __NR_write || nr == __NR_exit || nr == __NR_rt_sigreturn;
}

/* PTRACE_O_SUSPEND_SECCOMP */
static bool is_suspended(const struct thread *t)
{
	return ptrace_traced(t) && (READ_ONCE(t->ptrace.options) & PTRACE_O_SUSPEND_SECCOMP);
}

bool seccomp_enter(struct trapframe *f)
{
	if (is_suspended(current()))
		return true;
	if (READ_ONCE(current()->seccomp.mode) == SECCOMP_MODE_FILTER)
		return ask_filters(f, false);
	if (!is_strict_call((s32)f->orig_rax))
		thread_exit(SIGKILL);
	return true;
}

/* -- For ptrace(2) ----------------------------------------------------------------------------- */

struct seccomp_filter *seccomp_filter_of(const struct thread *t, u64 n, s64 *err)
{
	struct seccomp_filter *f = t->seccomp.filter;

	ASSERT_HELD(&task_lock);
	*err = t->seccomp.mode == SECCOMP_MODE_FILTER ? -ENOENT : -EINVAL;
	if (t->seccomp.mode != SECCOMP_MODE_FILTER || n >= t->seccomp.count)
		return NULL;
	for (u64 i = t->seccomp.count - 1; i > n; i--)
		f = f->older;
	filter_get(f);
	return f;
}

void seccomp_filter_put(struct seccomp_filter *f)
{
	filter_put(f);
}

s64 seccomp_filter_copy(const struct seccomp_filter *f, u64 to)
{
	if (to && copy_to_user(to, f->program, f->len * sizeof(f->program[0])))
		return -EFAULT;
	return f->len;
}

u64 seccomp_filter_flags(const struct seccomp_filter *f)
{
	return f->log ? SECCOMP_FILTER_FLAG_LOG : 0;
}

/* -- Setting it -------------------------------------------------------------------------------- */

s64 seccomp_set_strict(void)
{
	struct thread *t = current();
	s64 ret = -EINVAL;

	mutex_lock(&task_lock);
	if (t->seccomp.mode != SECCOMP_MODE_FILTER) {
		WRITE_ONCE(t->seccomp.mode, SECCOMP_MODE_STRICT);
		/* In ring-3 mode the TSC stays readable. */
		arch_forbid_tsc(&t->context, true);
		ret = 0;
	}
	mutex_unlock(&task_lock);
	return ret;
}

/* Copies and checks a filter of the program's. Returns NULL and sets *err if this fails. */
static struct seccomp_filter *filter_read(uva from, int *err)
{
	struct seccomp_filter *f = NULL;
	struct sock_fprog fprog;
	u16 *scratch = NULL;

	*err = -EFAULT;
	if (get_user(&fprog, from))
		return NULL;
	*err = -EINVAL;
	if (!fprog.len || fprog.len > BPF_LENGTH_MAX)
		return NULL;
	*err = -EACCES;
	if (!current_creds()->no_new_privs && !capable(CAP_SYS_ADMIN))
		return NULL;
	*err = -ENOMEM;
	f = kzalloc(sizeof(*f) + fprog.len * sizeof(f->program[0]));
	scratch = kmalloc(fprog.len * sizeof(*scratch));
	if (f && scratch)
		*err = copy_from_user(f->program, (uva)fprog.filter,
				      fprog.len * sizeof(f->program[0]));
	if (!*err)
		*err = bpf_check(f->program, fprog.len, scratch);
	kfree(scratch);
	if (*err) {
		kfree(f);
		return NULL;
	}
	f->users = 1;
	f->len = fprog.len;
	f->translated = bpf_translated_len(f->program, fprog.len);
	return f;
}

/* Returns true if the filter old is one of those of new, or if old is NULL. */
static bool is_among(const struct seccomp_filter *old, const struct seccomp_filter *new)
{
	while (new &&new != old)
		new = new->older;
	return new == old;
}

/*
 * Returns the number of a thread that cannot take over the filters of the running thread, because
 * it has others, or 0. task_lock is held.
 */
static s32 cannot_sync(void)
{
	const struct thread *self = current(), *t;

	ASSERT_HELD(&task_lock);
	TAILQ_FOREACH (t, &self->proc->threads, link)
		if (t != self && !t->dying &&
		    (t->seccomp.mode == SECCOMP_MODE_STRICT ||
		     !is_among(t->seccomp.filter, self->seccomp.filter)))
			return t->tid;
	return 0;
}

/*
 * Gives the running thread's filters to the other threads of its process. One that is about to make
 * a call may still ask its old filters, which are among the new ones and so stay. task_lock is
 * held.
 */
static void sync_threads(void)
{
	const struct thread *self = current();
	struct thread *t;

	ASSERT_HELD(&task_lock);
	TAILQ_FOREACH (t, &self->proc->threads, link) {
		struct seccomp_filter *old = t->seccomp.filter;

		if (t == self || t->dying)
			continue;
		filter_get(self->seccomp.filter);
		t->seccomp.count = self->seccomp.count;
		__atomic_store_n(&t->seccomp.filter, self->seccomp.filter, __ATOMIC_RELEASE);
		__atomic_store_n(&t->seccomp.mode, SECCOMP_MODE_FILTER, __ATOMIC_RELEASE);
		t->creds.no_new_privs |= self->creds.no_new_privs;
		filter_put(old);
	}
}

/* Returns 0 if f may be put before the running thread's filters. task_lock is held. */
static s64 may_attach(const struct seccomp_filter *f, u64 flags)
{
	const struct thread *t = current();
	u32 length = f->translated;
	s32 tid;

	ASSERT_HELD(&task_lock);
	if (t->seccomp.mode == SECCOMP_MODE_STRICT)
		return -EINVAL;
	for (const struct seccomp_filter *o = t->seccomp.filter; o; o = o->older) {
		if (f->notify && o->notify)
			return -EBUSY;
		length += o->translated + LENGTH_EACH;
	}
	if (length > LENGTH_MAX)
		return -ENOMEM;
	tid = flags & SECCOMP_FILTER_FLAG_TSYNC ? cannot_sync() : 0;
	return tid && (flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) ? -ESRCH : tid;
}

/* Takes over f, unless the result is not 0. */
static s64 attach(struct seccomp_filter *f, u64 flags)
{
	struct thread *t = current();
	s64 ret;

	mutex_lock(&task_lock);
	ret = may_attach(f, flags);
	if (!ret) {
		f->older = t->seccomp.filter;
		t->seccomp.filter = f;
		t->seccomp.count++;
		t->seccomp.mode = SECCOMP_MODE_FILTER;
		if (flags & SECCOMP_FILTER_FLAG_TSYNC)
			sync_threads();
	}
	mutex_unlock(&task_lock);
	return ret;
}

/* Attaches f with a listener. Returns the listener's descriptor or -errno. */
static s64 attach_with_listener(struct seccomp_filter *f, u64 flags)
{
	struct files *files = current_process()->files;
	struct ofile *listener = seccomp_listener_new(&f->notify);
	s32 fd = listener ? fd_install(listener, 0, true) : -ENOMEM;
	s64 ret;

	if (fd < 0) {
		ofile_put(listener);
		return fd;
	}
	ret = attach(f, flags);
	if (!ret)
		return fd;
	file_close(files, fdtable_remove(files, fd));
	return ret;
}

s64 seccomp_set_filter(u64 flags, uva filter)
{
	const u64 both = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER;
	struct seccomp_filter *f;
	s64 ret;
	int err;

	if (flags & ~(u64)FLAGS_KNOWN)
		return -EINVAL;
	/* The result could be a descriptor or the number of a thread. */
	if ((flags & both) == both && !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return -EINVAL;
	if ((flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) &&
	    !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return -EINVAL;
	f = filter_read(filter, &err);
	if (!f)
		return err;
	f->log = flags & SECCOMP_FILTER_FLAG_LOG;
	f->killable = flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) {
		ret = attach_with_listener(f, flags);
		if (ret < 0)
			filter_put(f);
		return ret;
	}
	ret = attach(f, flags);
	if (ret)
		filter_put(f);
	return ret;
}

static s64 action_available(uva from)
{
	static const u32 actions[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
		SECCOMP_RET_ERRNO,	  SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE,
		SECCOMP_RET_LOG,	  SECCOMP_RET_ALLOW,
	};
	u32 action;

	if (get_user(&action, from))
		return -EFAULT;
	for (unsigned i = 0; i < ARRAY_SIZE(actions); i++)
		if (actions[i] == action)
			return 0;
	return -EOPNOTSUPP;
}

static s64 notification_sizes(uva to)
{
	const struct seccomp_notif_sizes sizes = {
		.seccomp_notif = sizeof(struct seccomp_notif),
		.seccomp_notif_resp = sizeof(struct seccomp_notif_resp),
		.seccomp_data = sizeof(struct seccomp_data),
	};

	return put_user(sizes, to);
}

DEFINE_SYSCALL3(seccomp, u32, op, u32, flags, uva, args)
{
	switch (op) {
	case SECCOMP_SET_MODE_STRICT:
		return flags || args ? -EINVAL : seccomp_set_strict();
	case SECCOMP_SET_MODE_FILTER:
		return seccomp_set_filter(flags, args);
	case SECCOMP_GET_ACTION_AVAIL:
		return flags ? -EINVAL : action_available(args);
	case SECCOMP_GET_NOTIF_SIZES:
		return flags ? -EINVAL : notification_sizes(args);
	default:
		return -EINVAL;
	}
}
