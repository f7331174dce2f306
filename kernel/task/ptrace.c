// SPDX-License-Identifier: MIT
/*
 * ptrace(2), the tracer's side (ptrace.h has the tracee's). A request is looked up, checked and
 * carried out under task_lock. What it reads from or writes to the tracer's memory is copied before
 * or after that. The tracee's memory is accessed through a reference to its mm.
 */
#include <linux/elf.h>
#include "kernel/task/ptrace_abi.h"
#include <linux/prctl.h>
#include <linux/uio.h>
#include "kernel/arch/x86_64/arch.h"
#include "kernel/define_syscall.h"
#include "kernel/hostcall.h"
#include "kernel/kernel.h"
#include "kernel/park.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/remote.h"
#include "kernel/mm/uaccess.h"
#include "kernel/signal/signal.h"
#include "kernel/task/process.h"
#include "kernel/task/ptrace.h"
#include "kernel/task/ptrace_access.h"
#include "kernel/task/ptrace_regs.h"
#include "kernel/task/seccomp.h"
#include "kernel/task/user_dispatch.h"

#define OPTIONS_KNOWN PTRACE_O_MASK

/* The arguments of a call. */
struct request {
	s64 nr;
	s32 tid;
	u64 addr, data;
};

/* Returns -EPERM if the running thread may not set these options, or 0. */
static int may_set(u64 options)
{
	if (!(options & PTRACE_O_SUSPEND_SECCOMP))
		return 0;
	return capable(CAP_SYS_ADMIN) && !seccomp_is_on(current()) ? 0 : -EPERM;
}

/* -- Attaching --------------------------------------------------------------------------------- */

static s64 trace_me(void)
{
	struct thread *self = current(), *tracer;
	struct process *parent;
	s64 err = -EPERM;

	mutex_lock(&task_lock);
	parent = self->proc->parent;
	if (self->ptrace.tracer || !parent || parent->exiting)
		goto out;
	/* The tracer is the thread that made this process, or the first thread of the parent. */
	TAILQ_FOREACH (tracer, &parent->threads, link)
		if (tracer->tid == self->proc->made_by)
			break;
	tracer = tracer ? tracer : TAILQ_FIRST(&parent->threads);
	if (tracer) {
		ptrace_attach(self, tracer, false, 0);
		err = 0;
	}
out:
	mutex_unlock(&task_lock);
	return err;
}

/* Sends the SIGSTOP of PTRACE_ATTACH or the signal of PTRACE_KILL. task_lock is held. */
static void send(struct thread *t, int sig, int code)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = sig;
	info.si_code = code;
	signal_send_locked(t->proc, t, &info);
}

static int attach_locked(struct thread *t, bool seize, u32 options)
{
	struct process *p = t ? t->proc : NULL;

	ASSERT_HELD(&task_lock);
	if (!t)
		return -ESRCH;
	if (p == current_process() || t->ptrace.tracer || p->exiting || p->zombie ||
	    !ptrace_may_access(p, PTRACE_REALCREDS))
		return -EPERM;
	ptrace_attach(t, current(), seize, options);
	if (p->stopped) {
		/* The thread goes from the stop of its process into a ptrace-stop. */
		t->ptrace.trap = true;
		unpark(&p->stopped, UNPARK_ALL);
	}
	if (!seize)
		send(t, SIGSTOP, SI_KERNEL);
	signal_kick(t);
	return 0;
}

/*
 * Returns the thread with exactly this number, or NULL with *err = -ESRCH, or -EPERM if it is a
 * process whose leader has ended. task_lock is held.
 */
static struct thread *find(s32 tid, int *err)
{
	struct thread *t = tid > 0 ? thread_find(tid) : NULL;

	*err = process_missing(tid);
	if (t && t->tid == tid)
		return t;
	if (tid > 0 && process_find(tid))
		*err = -EPERM;
	return NULL;
}

static s64 attach(const struct request *rq)
{
	bool seize = rq->nr == PTRACE_SEIZE;
	struct thread *t;
	int err;

	if (seize && (rq->addr || rq->data & ~(u64)OPTIONS_KNOWN))
		return -EIO;
	err = seize ? may_set(rq->data) : 0;
	if (err)
		return err;
	mutex_lock(&task_lock);
	t = find(rq->tid, &err);
	if (t)
		err = attach_locked(t, seize, seize ? (u32)rq->data : 0);
	mutex_unlock(&task_lock);
	return err;
}

/* -- Tracees ----------------------------------------------------------------------------------- */

/*
 * Returns the running thread's tracee with this number, in any state but ended, or NULL. task_lock
 * is held.
 */
static struct thread *tracee(s32 tid)
{
	struct thread *t;

	ASSERT_HELD(&task_lock);
	TAILQ_FOREACH (t, &current()->ptrace.tracees, ptrace.link)
		if (t->tid == tid && !t->ptrace.zombie)
			return t;
	return NULL;
}

/* As tracee, but only if it is in a stop that it has not left. NULL means -ESRCH. */
static struct thread *stopped_tracee(s32 tid)
{
	struct thread *t = tracee(tid);
	bool killed;

	if (!t || !t->ptrace.stopped || t->ptrace.listening)
		return NULL;
	killed = t->dying || ((t->pending.set | t->proc->pending.set) & SIGBIT(SIGKILL));
	return killed && !t->ptrace.ending ? NULL : t;
}

/* -- Resuming ---------------------------------------------------------------------------------- */

static void wake_from_stop(struct thread *t)
{
	t->ptrace.stopped = t->ptrace.listening = false;
	t->ptrace.word++;
	unpark(&t->ptrace.word, 1);
}

static s64 resume(struct thread *t, const struct request *rq)
{
	struct ptrace_state *s = &t->ptrace;

	if (rq->data > NSIG)
		return -EIO;
	s->step = rq->nr == PTRACE_SINGLESTEP || rq->nr == PTRACE_SYSEMU_SINGLESTEP;
	s->run = rq->nr == PTRACE_SYSCALL ? PTRACE_RUN_SYSCALL
		 : rq->nr == PTRACE_SYSEMU || rq->nr == PTRACE_SYSEMU_SINGLESTEP ? PTRACE_RUN_SYSEMU
										 : PTRACE_RUN;
	s->code = (u32)rq->data;
	wake_from_stop(t);
	return 0;
}

static s64 detach(struct thread *t, const struct request *rq)
{
	if (rq->data > NSIG)
		return -EIO;
	t->ptrace.code = (u32)rq->data;
	ptrace_detach(t);
	return 0;
}

static s64 interrupt(struct thread *t)
{
	if (!t->ptrace.seized)
		return -EIO;
	t->ptrace.trap = true;
	if (t->ptrace.listening)
		wake_from_stop(t);
	else if (!t->ptrace.stopped)
		signal_kick(t);
	return 0;
}

static s64 listen(struct thread *t)
{
	struct ptrace_state *s = &t->ptrace;

	if (!s->seized || !s->has_info || s->info.si_code >> 8 != PTRACE_EVENT_STOP)
		return -EIO;
	s->listening = true;
	/* Events since the stop began are reported by a new stop. */
	if (s->notify)
		wake_from_stop(t);
	return 0;
}

/* -- Reports about a stop ---------------------------------------------------------------------- */

/* PTRACE_GET_SYSCALL_INFO. Returns how many bytes of *info are valid. */
static s64 syscall_info(struct thread *t, struct ptrace_syscall_info *info)
{
	const struct trapframe *f = thread_frame(t);
	const struct ptrace_state *s = &t->ptrace;
	const u64 args[6] = {f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9};
	int code = s->has_info ? s->info.si_code : 0;

	memset(info, 0, sizeof(*info));
	info->arch = 0xc000003e; /* AUDIT_ARCH_X86_64 */
	info->instruction_pointer = f->rip;
	info->stack_pointer = f->rsp;
	info->op = PTRACE_SYSCALL_INFO_NONE;
	if (code == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
		info->op = PTRACE_SYSCALL_INFO_SECCOMP;
		info->seccomp.nr = (u64)(s64)(s32)f->orig_rax;
		memcpy(info->seccomp.args, args, sizeof(args));
		info->seccomp.ret_data = (u32)s->message;
		return offsetof(struct ptrace_syscall_info, seccomp.ret_data) +
		       sizeof(info->seccomp.ret_data);
	}
	if (code != (SIGTRAP | 0x80))
		return offsetof(struct ptrace_syscall_info, entry);
	if (s->message == PTRACE_EVENTMSG_SYSCALL_ENTRY) {
		info->op = PTRACE_SYSCALL_INFO_ENTRY;
		info->entry.nr = (u64)(s64)(s32)f->orig_rax;
		memcpy(info->entry.args, args, sizeof(args));
		return offsetof(struct ptrace_syscall_info, entry) + sizeof(info->entry);
	}
	info->op = PTRACE_SYSCALL_INFO_EXIT;
	info->exit.rval = (s64)f->rax;
	info->exit.is_error = f->rax >= -4095UL;
	return offsetof(struct ptrace_syscall_info, exit.is_error) + sizeof(info->exit.is_error);
}

static s64 get_syscall_info(const struct request *rq)
{
	struct ptrace_syscall_info info;
	struct thread *t;
	s64 size = -ESRCH;

	mutex_lock(&task_lock);
	t = stopped_tracee(rq->tid);
	if (t)
		size = syscall_info(t, &info);
	mutex_unlock(&task_lock);
	if (size > 0 && copy_to_user(rq->data, &info, MIN((u64)size, rq->addr)))
		return -EFAULT;
	return size;
}

/* PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG and PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG */
static s64 user_dispatch_config(const struct request *rq)
{
	bool set = rq->nr == PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG;
	bool right_size = rq->addr == sizeof(struct ptrace_sud_config);
	struct ptrace_sud_config c = {0};
	/* Not below the lock. */
	bool bad = set && right_size && copy_from_user(&c, rq->data, sizeof(c));
	struct thread *t;
	s64 ret = 0;

	mutex_lock(&task_lock);
	t = stopped_tracee(rq->tid);
	if (!t)
		ret = -ESRCH;
	else if (!right_size)
		ret = -EINVAL;
	else if (bad)
		ret = -EFAULT;
	else if (set)
		ret = user_dispatch_set(t, c.mode, c.offset, c.len, c.selector);
	else
		c = (struct ptrace_sud_config){.mode = t->user_dispatch.on ? PR_SYS_DISPATCH_ON
									   : PR_SYS_DISPATCH_OFF,
					       .selector = t->user_dispatch.selector,
					       .offset = t->user_dispatch.offset,
					       .len = t->user_dispatch.len};
	mutex_unlock(&task_lock);
	return ret || set ? ret : copy_to_user(rq->data, &c, sizeof(c));
}

/* PTRACE_SECCOMP_GET_FILTER and PTRACE_SECCOMP_GET_METADATA */
static s64 seccomp_request(const struct request *rq)
{
	struct seccomp_metadata md = {.filter_off = rq->addr};
	bool whole = rq->nr == PTRACE_SECCOMP_GET_FILTER;
	struct seccomp_filter *f = NULL;
	struct thread *t;
	s64 ret = -ESRCH;

	mutex_lock(&task_lock);
	t = stopped_tracee(rq->tid);
	mutex_unlock(&task_lock);
	if (!t)
		return -ESRCH;
	if (!capable(CAP_SYS_ADMIN) || seccomp_is_on(current()))
		return -EACCES;
	if (!whole && rq->addr < sizeof(md.filter_off))
		return -EINVAL;
	if (!whole && copy_from_user(&md.filter_off, rq->data, sizeof(md.filter_off)))
		return -EFAULT;
	mutex_lock(&task_lock);
	t = stopped_tracee(rq->tid);
	if (t)
		f = seccomp_filter_of(t, md.filter_off, &ret);
	mutex_unlock(&task_lock);
	if (!f)
		return ret;
	if (whole) {
		ret = seccomp_filter_copy(f, rq->data);
	} else {
		md.flags = seccomp_filter_flags(f);
		ret = (s64)MIN(rq->addr, sizeof(md));
		if (copy_to_user(rq->data, &md, (u64)ret))
			ret = -EFAULT;
	}
	seccomp_filter_put(f);
	return ret;
}

/* Returns the nth pending signal of a set, or NULL if there are fewer. */
static const struct sigqueue *nth_pending(const struct sigpending *p, u64 n)
{
	const struct sigqueue *q;

	TAILQ_FOREACH (q, &p->queue, link)
		if (n-- == 0)
			return q;
	return NULL;
}

static s64 peek_siginfo(const struct request *rq)
{
	struct ptrace_peeksiginfo_args args;
	s64 done = 0;

	if (get_user(&args, rq->addr))
		return -EFAULT;
	if (args.flags & ~(u32)PTRACE_PEEKSIGINFO_SHARED || args.nr < 0)
		return -EINVAL;
	for (; done < args.nr; done++) {
		const struct sigqueue *q = NULL;
		struct thread *t;
		siginfo_t info;

		mutex_lock(&task_lock);
		t = stopped_tracee(rq->tid);
		if (t)
			q = nth_pending(args.flags & PTRACE_PEEKSIGINFO_SHARED ? &t->proc->pending
									       : &t->pending,
					args.off + (u64)done);
		if (q)
			info = q->info;
		mutex_unlock(&task_lock);
		if (!t)
			return -ESRCH;
		if (!q)
			break;
		if (put_user(info, rq->data + (u64)done * sizeof(info)))
			return done ? done : -EFAULT;
	}
	return done;
}

/* -- Registers and memory ---------------------------------------------------------------------- */

/*
 * Copies a set of registers to or from user memory: at most *len bytes, which becomes the number of
 * bytes copied. A debugger that asks for fewer bytes than the set has gets those.
 */
static s64 regset(const struct request *rq, u32 type, u64 user, u64 *len, bool write)
{
	s64 size = ptrace_regset_size(type), err = -ESRCH;
	struct thread *t;
	char *buf;

	if (size < 0)
		return size;
	*len = MIN(*len, (u64)size);
	buf = kzalloc((u64)size);
	if (!buf)
		return -ENOMEM;
	if (write && copy_from_user(buf, user, *len)) {
		err = -EFAULT;
		goto out;
	}
	mutex_lock(&task_lock);
	t = stopped_tracee(rq->tid);
	if (t)
		err = write ? ptrace_regset_set(t, type, buf, *len)
			    : ptrace_regset_get(t, type, buf);
	mutex_unlock(&task_lock);
	if (!err && !write && copy_to_user(user, buf, *len))
		err = -EFAULT;
out:
	kfree(buf);
	return err;
}

/* PTRACE_GETREGSET and PTRACE_SETREGSET: addr is the set, data the address of an iovec. */
static s64 regset_iov(const struct request *rq, bool write)
{
	struct iovec iov;
	s64 err;

	if (get_user(&iov, rq->data))
		return -EFAULT;
	err = ptrace_regset_size((u32)rq->addr);
	if (err < 0)
		return err;
	if (iov.iov_len % sizeof(u64))
		return -EINVAL;
	err = regset(rq, (u32)rq->addr, (u64)iov.iov_base, &iov.iov_len, write);
	if (err)
		return err;
	return put_user(iov.iov_len, rq->data + offsetof(struct iovec, iov_len));
}

static s64 regset_whole(const struct request *rq, u32 type, bool write)
{
	u64 len = (u64)ptrace_regset_size(type);

	return regset(rq, type, rq->data, &len, write);
}

/* Reads or writes a word of the tracee's memory. */
static s64 memory(const struct request *rq, bool write)
{
	u64 word = rq->data, n = 0;
	struct mm *mm = NULL;
	struct thread *t;

	mutex_lock(&task_lock);
	t = stopped_tracee(rq->tid);
	if (t)
		mm = t->proc->mm;
	if (mm)
		mm_get(mm);
	mutex_unlock(&task_lock);
	if (!t)
		return -ESRCH;
	if (mm) {
		n = mm_remote_copy(mm, rq->addr, &word, sizeof(word),
				   MM_REMOTE_FORCE | (write ? MM_REMOTE_WRITE : MM_REMOTE_READ));
		mm_put(mm);
	}
	if (n != sizeof(word))
		return -EIO;
	return write ? 0 : put_user(word, rq->data);
}

static s64 user_area(const struct request *rq, bool write)
{
	s64 err = -ESRCH;
	struct thread *t;
	u64 word = 0;

	mutex_lock(&task_lock);
	t = stopped_tracee(rq->tid);
	if (t)
		err = write ? ptrace_poke_user(t, rq->addr, rq->data)
			    : ptrace_peek_user(t, rq->addr, &word);
	mutex_unlock(&task_lock);
	return err || write ? err : put_user(word, rq->data);
}

/* PTRACE_ARCH_PRCTL: arch_prctl(2) for the tracee. */
static s64 arch_prctl_of(const struct request *rq)
{
	enum { SET_GS = 0x1001, SET_FS, GET_FS, GET_GS };
	bool fs = rq->data == SET_FS || rq->data == GET_FS;
	struct request user = *rq;
	s64 err;

	user.addr = (fs ? USER_FS_BASE : USER_GS_BASE) * sizeof(u64);
	user.data = rq->addr;
	switch (rq->data) {
	case SET_GS:
	case SET_FS:
		err = user_area(&user, true);
		return err == -EIO ? -EPERM : err;
	case GET_FS:
	case GET_GS:
		return user_area(&user, false);
	default:
		return -EINVAL;
	}
}

/* -- Requests that copy a little --------------------------------------------------------------- */

/* Requests about a stopped tracee that carry at most a siginfo, from the tracer or to it. */
union small {
	siginfo_t info;
	u64 word;
};

static s64 small_request(struct thread *t, const struct request *rq, union small *v)
{
	struct ptrace_state *s = &t->ptrace;

	switch (rq->nr) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
		return resume(t, rq);
	case PTRACE_DETACH:
		return detach(t, rq);
	case PTRACE_LISTEN:
		return listen(t);
	case PTRACE_SETOPTIONS:
	case PTRACE_OLDSETOPTIONS:
		if (rq->data & ~(u64)OPTIONS_KNOWN)
			return -EINVAL;
		if (may_set(rq->data))
			return -EPERM;
		s->options = (u32)rq->data;
		return 0;
	case PTRACE_GETEVENTMSG:
		v->word = s->message;
		return 0;
	case PTRACE_GETSIGINFO:
		if (!s->has_info)
			return -EINVAL;
		v->info = s->info;
		return 0;
	case PTRACE_SETSIGINFO:
		if (!s->has_info)
			return -EINVAL;
		s->info = v->info;
		return 0;
	case PTRACE_GETSIGMASK:
		v->word = t->restore_blocked ? t->saved_blocked : t->blocked;
		return 0;
	case PTRACE_SETSIGMASK:
		t->blocked = v->word & ~SIGNALS_FORCED;
		t->restore_blocked = false;
		return 0;
	default:
		return -EIO;
	}
}

/* Returns how many bytes a request reads from (in), or writes to, the tracer's memory at data. */
static u64 small_size(s64 nr, bool in)
{
	switch (nr) {
	case PTRACE_SETSIGINFO:
		return in ? sizeof(siginfo_t) : 0;
	case PTRACE_GETSIGINFO:
		return in ? 0 : sizeof(siginfo_t);
	case PTRACE_SETSIGMASK:
		return in ? sizeof(u64) : 0;
	case PTRACE_GETSIGMASK:
	case PTRACE_GETEVENTMSG:
		return in ? 0 : sizeof(u64);
	default:
		return 0;
	}
}

static s64 small(const struct request *rq)
{
	bool masks = rq->nr == PTRACE_GETSIGMASK || rq->nr == PTRACE_SETSIGMASK;
	union small v = {0};
	s64 err = -ESRCH;
	struct thread *t;
	bool bad = copy_from_user(&v, rq->data, small_size(rq->nr, true));

	mutex_lock(&task_lock);
	t = stopped_tracee(rq->tid);
	if (t && masks && rq->addr != sizeof(sigset))
		err = -EINVAL;
	else if (t)
		err = bad ? -EFAULT : small_request(t, rq, &v);
	mutex_unlock(&task_lock);
	if (!err && copy_to_user(rq->data, &v, small_size(rq->nr, false)))
		err = -EFAULT;
	return err;
}

/* PTRACE_KILL and PTRACE_INTERRUPT, which need no stopped tracee. */
static s64 any_state(const struct request *rq)
{
	s64 err = -ESRCH;
	struct thread *t;

	mutex_lock(&task_lock);
	t = tracee(rq->tid);
	if (t && rq->nr == PTRACE_KILL) {
		send(t, SIGKILL, SI_USER);
		err = 0;
	} else if (t) {
		err = interrupt(t);
	}
	mutex_unlock(&task_lock);
	return err;
}

DEFINE_SYSCALL4(ptrace, s64, nr, s64, pid, u64, addr, u64, data)
{
	const struct request rq = {nr, (s32)pid, addr, data};

	switch (nr) {
	case PTRACE_TRACEME:
		return trace_me();
	case PTRACE_ATTACH:
	case PTRACE_SEIZE:
		return attach(&rq);
	case PTRACE_KILL:
	case PTRACE_INTERRUPT:
		return any_state(&rq);
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return memory(&rq, false);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return memory(&rq, true);
	case PTRACE_PEEKUSR:
		return user_area(&rq, false);
	case PTRACE_POKEUSR:
		return user_area(&rq, true);
	case PTRACE_GETREGS:
		return regset_whole(&rq, NT_PRSTATUS, false);
	case PTRACE_SETREGS:
		return regset_whole(&rq, NT_PRSTATUS, true);
	case PTRACE_GETFPREGS:
		return regset_whole(&rq, NT_PRFPREG, false);
	case PTRACE_SETFPREGS:
		return regset_whole(&rq, NT_PRFPREG, true);
	case PTRACE_GETREGSET:
		return regset_iov(&rq, false);
	case PTRACE_SETREGSET:
		return regset_iov(&rq, true);
	case PTRACE_ARCH_PRCTL:
		return arch_prctl_of(&rq);
	case PTRACE_GET_SYSCALL_INFO:
		return get_syscall_info(&rq);
	case PTRACE_PEEKSIGINFO:
		return peek_siginfo(&rq);
	case PTRACE_SECCOMP_GET_FILTER:
	case PTRACE_SECCOMP_GET_METADATA:
		return seccomp_request(&rq);
	case PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG:
	case PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG:
		return user_dispatch_config(&rq);
	default:
		return small(&rq);
	}
}
