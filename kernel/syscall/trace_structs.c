// SPDX-License-Identifier: MIT
/*
 * Printers of the structures that system calls read and fill (trace_line.h has their table). Each
 * copies the structure from the program once; where that fails it prints the address.
 */
#include "kernel/mm/uaccess.h"
#include "kernel/syscall/trace_line.h"
#include "kernel/task/process.h"

#include <asm/ioctls.h>
#include <asm/stat.h>
#include <asm/statfs.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include <asm/unistd.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/stat.h>
#include <linux/sysinfo.h>
#include <linux/time.h>
#include <linux/times.h>
#include <linux/uio.h>
#include <linux/utsname.h>

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe
#define CPU_SETS   128 /* bytes of a CPU set that are looked at */
#define FD_SETS	   128

/*
 * STRUCT(name, type) { body }: defines print_name, which copies a type to *v and runs the body, or
 * prints the address.
 */
#define STRUCT(name, type)                                                                         \
	static void show_##name(struct line *l, const struct call *c, const type *v, unsigned i,   \
				const struct trace_names *names);                                  \
	void print_##name(struct line *l, const struct call *c, unsigned i,                        \
			  const struct trace_names *names)                                         \
	{                                                                                          \
		type value;                                                                        \
                                                                                                   \
		if (c->arg[i] == 0 || get_user(&value, c->arg[i]))                                 \
			emit_ptr(l, c->arg[i]);                                                    \
		else                                                                               \
			show_##name(l, c, &value, i, names);                                       \
	}                                                                                          \
	static void show_##name(__attribute__((unused)) struct line *l,                            \
				__attribute__((unused)) const struct call *c,                      \
				__attribute__((unused)) const type *v,                             \
				__attribute__((unused)) unsigned i,                                \
				__attribute__((unused)) const struct trace_names *names)

static void emit_comma(struct line *l, bool needed)
{
	if (needed)
		emit(l, ", ");
}

static void emit_array_end(struct line *l, bool more)
{
	emit(l, more ? ", ...]" : "]");
}

/* Times. */

static void emit_timespec(struct line *l, const struct __kernel_timespec *ts)
{
	emit(l, "{tv_sec=%lld, tv_nsec=%lld}", (long long)ts->tv_sec, ts->tv_nsec);
}

static void emit_timeval(struct line *l, const struct __kernel_old_timeval *tv)
{
	emit(l, "{tv_sec=%ld, tv_usec=%ld}", (long)tv->tv_sec, (long)tv->tv_usec);
}

STRUCT(timespec, struct __kernel_timespec)
{
	emit_timespec(l, v);
}

struct timespecs {
	struct __kernel_timespec ts[2];
};

STRUCT(timespec_pair, struct timespecs)
{
	emit(l, "[");
	for (int n = 0; n < 2; n++) {
		emit_comma(l, n);
		if (v->ts[n].tv_nsec == UTIME_NOW)
			emit(l, "UTIME_NOW");
		else if (v->ts[n].tv_nsec == UTIME_OMIT)
			emit(l, "UTIME_OMIT");
		else
			emit_timespec(l, &v->ts[n]);
	}
	emit(l, "]");
}

STRUCT(timeval, struct __kernel_old_timeval)
{
	emit_timeval(l, v);
}

struct timevals {
	struct __kernel_old_timeval tv[2];
};

STRUCT(timeval_pair, struct timevals)
{
	emit(l, "[");
	emit_timeval(l, &v->tv[0]);
	emit(l, ", ");
	emit_timeval(l, &v->tv[1]);
	emit(l, "]");
}

STRUCT(itimerspec, struct __kernel_itimerspec)
{
	emit(l, "{it_interval=");
	emit_timespec(l, &v->it_interval);
	emit(l, ", it_value=");
	emit_timespec(l, &v->it_value);
	emit(l, "}");
}

STRUCT(itimerval, struct timevals)
{
	emit(l, "{it_interval=");
	emit_timeval(l, &v->tv[0]);
	emit(l, ", it_value=");
	emit_timeval(l, &v->tv[1]);
	emit(l, "}");
}

STRUCT(tms, struct tms)
{
	emit(l, "{tms_utime=%ld, tms_stime=%ld, tms_cutime=%ld, tms_cstime=%ld}",
	     (long)v->tms_utime, (long)v->tms_stime, (long)v->tms_cutime, (long)v->tms_cstime);
}

struct rusage_head {
	struct __kernel_old_timeval utime, stime;
};

STRUCT(rusage, struct rusage_head)
{
	emit(l, "{ru_utime=");
	emit_timeval(l, &v->utime);
	emit(l, ", ru_stime=");
	emit_timeval(l, &v->stime);
	emit(l, ", ...}");
}

/* Signals. */

STRUCT(sigset, sigset)
{
	emit_sigset(l, *v);
}

/* The last argument of pselect6(2). */
struct sigset_pair {
	u64 set, size;
};

STRUCT(sigset_pair, struct sigset_pair)
{
	sigset set;

	emit(l, "{sigmask=");
	if (v->set == 0 || get_user(&set, v->set))
		emit_ptr(l, v->set);
	else
		emit_sigset(l, set);
	emit(l, ", sigsetsize=%lu}", v->size);
}

struct user_sigaction {
	u64 handler, flags, restorer;
	sigset mask;
};

STRUCT(sigaction, struct user_sigaction)
{
	if (v->handler == (u64)SIG_DFL)
		emit(l, "{sa_handler=SIG_DFL");
	else if (v->handler == (u64)SIG_IGN)
		emit(l, "{sa_handler=SIG_IGN");
	else
		emit(l, "{sa_handler=%#lx", v->handler);
	emit(l, ", sa_mask=");
	emit_sigset(l, v->mask);
	emit(l, ", sa_flags=");
	emit_names(l, v->flags, names);
	if (v->flags & SA_RESTORER)
		emit(l, ", sa_restorer=%#lx", v->restorer);
	emit(l, "}");
}

STRUCT(altstack, stack_t)
{
	emit(l, "{ss_sp=");
	emit_ptr(l, (u64)v->ss_sp);
	emit(l, ", ss_flags=");
	emit_names(l, (u32)v->ss_flags, names);
	emit(l, ", ss_size=%lu}", (u64)v->ss_size);
}

void emit_siginfo(struct line *l, const siginfo_t *info)
{
	bool fault = info->si_code > 0 && info->si_code != SI_KERNEL;

	emit(l, "{si_signo=");
	emit_signal(l, (u64)info->si_signo);
	emit(l, ", si_code=");
	emit_names(l, (u32)info->si_code, trace_si_names(info->si_signo, info->si_code));
	switch (info->si_signo) {
	case SIGCHLD:
		if (!fault)
			break;
		emit(l, ", si_pid=%d, si_uid=%u, si_status=", info->si_pid, info->si_uid);
		if (info->si_code == CLD_EXITED)
			emit(l, "%d", info->si_status);
		else
			emit_signal(l, (u64)info->si_status);
		emit(l, ", si_utime=%ld, si_stime=%ld}", (long)info->si_utime,
		     (long)info->si_stime);
		return;
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		if (info->si_code <= 0)
			break;
		emit(l, ", si_addr=");
		emit_ptr(l, (u64)info->si_addr);
		emit(l, "}");
		return;
	case SIGPOLL:
		if (!fault)
			break;
		emit(l, ", si_band=%ld, si_fd=%d}", (long)info->si_band, info->si_fd);
		return;
	}
	if (info->si_code == SI_TIMER) {
		emit(l, ", si_timerid=%d, si_overrun=%d, si_value={sival_int=%d, sival_ptr=",
		     info->si_tid, info->si_overrun, info->si_int);
		emit_ptr(l, (u64)info->si_ptr);
		emit(l, "}}");
		return;
	}
	if (info->si_code == SI_KERNEL) {
		emit(l, "}");
		return;
	}
	emit(l, ", si_pid=%d, si_uid=%u", info->si_pid, info->si_uid);
	if (info->si_code == SI_QUEUE || info->si_code == SI_MESGQ) {
		emit(l, ", si_value={sival_int=%d, sival_ptr=", info->si_int);
		emit_ptr(l, (u64)info->si_ptr);
		emit(l, "}");
	}
	emit(l, "}");
}

STRUCT(siginfo, siginfo_t)
{
	if (v->si_signo == 0 && v->si_pid == 0)
		emit(l, "{}");
	else
		emit_siginfo(l, v);
}

/* Files. */

static u32 major(u64 dev)
{
	return (u32)((dev >> 8 & 0xfff) | (dev >> 32 & ~0xfffUL));
}

static u32 minor(u64 dev)
{
	return (u32)((dev & 0xff) | (dev >> 12 & ~0xffUL));
}

static void emit_mode(struct line *l, u32 mode, const struct trace_names *names)
{
	emit_names(l, mode & names->value_mask, names);
	if (mode & 07000)
		emit(l, "%s%s%s", mode & 04000 ? "|S_ISUID" : "", mode & 02000 ? "|S_ISGID" : "",
		     mode & 01000 ? "|S_ISVTX" : "");
	emit(l, "|");
	emit_octal(l, mode & 0777);
}

STRUCT(stat, struct stat)
{
	emit(l, "{st_mode=");
	emit_mode(l, v->st_mode, names);
	if ((v->st_mode & 0170000) == 0020000 || (v->st_mode & 0170000) == 0060000)
		emit(l, ", st_rdev=makedev(%#x, %#x), ...}", major(v->st_rdev), minor(v->st_rdev));
	else
		emit(l, ", st_size=%ld, ...}", (long)v->st_size);
}

STRUCT(statx, struct statx)
{
	emit(l, "{stx_mask=");
	emit_names(l, v->stx_mask, &trace_statx_names);
	emit(l, ", stx_attributes=%#llx, stx_mode=", v->stx_attributes);
	emit_mode(l, v->stx_mode, names);
	emit(l, ", stx_size=%llu, ...}", v->stx_size);
}

STRUCT(statfs, struct statfs64)
{
	emit(l, "{f_type=");
	emit_names(l, (u64)v->f_type, names);
	emit(l,
	     ", f_bsize=%ld, f_blocks=%lu, f_bfree=%lu, f_bavail=%lu, f_files=%lu, f_ffree=%lu, "
	     "f_fsid={val=[%#x, %#x]}, f_namelen=%ld, f_frsize=%ld, f_flags=",
	     (long)v->f_bsize, (u64)v->f_blocks, (u64)v->f_bfree, (u64)v->f_bavail, (u64)v->f_files,
	     (u64)v->f_ffree, (u32)v->f_fsid.val[0], (u32)v->f_fsid.val[1], (long)v->f_namelen,
	     (long)v->f_frsize);
	emit_names(l, (u64)v->f_flags, &trace_st_names);
	emit(l, "}");
}

STRUCT(open_how, struct open_how)
{
	emit(l, "{flags=");
	emit_names(l, v->flags, names);
	if (v->flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
		emit(l, ", mode=");
		emit_octal(l, (u32)v->mode);
	}
	emit(l, ", resolve=");
	emit_names(l, v->resolve, &trace_resolve_names);
	emit(l, "}");
}

STRUCT(offset, s64)
{
	emit(l, "[%ld]", *v);
}

/* The number of entries; strace does not show them either. */
void print_dirents(struct line *l, const struct call *c, unsigned i,
		   const struct trace_names *names)
{
	u64 left = c->result > 0 ? (u64)c->result : 0, at = c->arg[i], count = 0;
	u16 size;

	(void)names;
	/* struct linux_dirent64 and linux_dirent have the record's length at the same place. */
	while (left > 18 && get_user(&size, at + 16) == 0 && size >= 18 && size <= left) {
		at += size;
		left -= size;
		count++;
	}
	emit_ptr(l, c->arg[i]);
	emit(l, " /* %lu entries */", count);
}

void emit_iov(struct line *l, u64 addr, u64 count, u64 bytes)
{
	u64 shown = MIN(count, (u64)TRACE_ITEMS);
	struct iovec iov;

	if (addr == 0 || (count && get_user(&iov, addr))) {
		emit_ptr(l, addr);
		return;
	}
	emit(l, "[");
	for (u64 n = 0; n < shown; n++) {
		u64 len;

		if (get_user(&iov, addr + n * sizeof(iov)))
			break;
		len = MIN((u64)iov.iov_len, bytes);
		bytes -= len;
		emit_comma(l, n);
		emit(l, "{iov_base=");
		emit_user_bytes(l, (u64)iov.iov_base, len);
		emit(l, ", iov_len=%lu}", (u64)iov.iov_len);
	}
	emit_array_end(l, shown < count);
}

bool trace_ioctl_fills(u64 request)
{
	switch ((u32)request) {
	case TIOCGWINSZ:
	case TCGETS:
	case FIONREAD:
	case TIOCGPGRP:
	case TIOCGPTN:
	case TIOCGSID:
		return true;
	}
	return false;
}

/* Only requests whose data is known; with others strace prints the address, too. */
void print_ioctl_arg(struct line *l, const struct call *c, unsigned i,
		     const struct trace_names *names)
{
	struct winsize ws;
	struct termios t;
	s32 number;
	u64 at = c->arg[i];

	(void)names;
	switch ((u32)c->arg[i - 1]) {
	case TIOCGWINSZ:
	case TIOCSWINSZ:
		if (at == 0 || get_user(&ws, at))
			break;
		emit(l, "{ws_row=%u, ws_col=%u, ws_xpixel=%u, ws_ypixel=%u}", ws.ws_row, ws.ws_col,
		     ws.ws_xpixel, ws.ws_ypixel);
		return;
	case TCGETS:
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		if (at == 0 || get_user(&t, at))
			break;
		emit(l, "{c_iflag=");
		emit_names(l, t.c_iflag, &trace_iflag_names);
		emit(l, ", c_oflag=");
		emit_names(l, t.c_oflag, &trace_oflag_names);
		emit(l, ", c_cflag=%#x, c_lflag=", t.c_cflag);
		emit_names(l, t.c_lflag, &trace_lflag_names);
		emit(l, ", ...}");
		return;
	case FIONREAD:
	case FIONBIO:
	case FIOASYNC:
	case TIOCGPGRP:
	case TIOCSPGRP:
	case TIOCGPTN:
	case TIOCSPTLCK:
	case TIOCGSID:
		if (at == 0 || get_user(&number, at))
			break;
		emit(l, "[%d]", number);
		return;
	}
	emit_ptr(l, at);
}

/* Waiting for files. */

static void emit_epoll_event(struct line *l, const struct epoll_event *e,
			     const struct trace_names *names)
{
	emit(l, "{events=");
	emit_names(l, e->events, names);
	emit(l, ", data={u32=%u, u64=%lu}}", (u32)e->data, (u64)e->data);
}

STRUCT(epoll_event, struct epoll_event)
{
	emit_epoll_event(l, v, names);
}

void print_epoll_events(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	u64 count = c->result > 0 ? (u64)c->result : 0;
	u64 shown = MIN(count, (u64)TRACE_ITEMS);
	struct epoll_event e;

	emit(l, "[");
	for (u64 n = 0; n < shown; n++) {
		if (get_user(&e, c->arg[i] + n * sizeof(e)))
			break;
		emit_comma(l, n);
		emit_epoll_event(l, &e, names);
	}
	emit_array_end(l, shown < count);
}

void print_pollfds(struct line *l, const struct call *c, unsigned i,
		   const struct trace_names *names)
{
	u64 count = (u32)c->arg[i + 1], shown = MIN(count, (u64)TRACE_ITEMS);
	struct pollfd p;

	if (c->arg[i] == 0 || (count && get_user(&p, c->arg[i]))) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "[");
	for (u64 n = 0; n < shown; n++) {
		if (get_user(&p, c->arg[i] + n * sizeof(p)))
			break;
		emit_comma(l, n);
		emit(l, "{fd=");
		emit_fd(l, p.fd);
		if (p.fd >= 0) {
			emit(l, ", events=");
			emit_names(l, (u16)p.events, names);
		}
		emit(l, "}");
	}
	emit_array_end(l, shown < count);
}

void emit_poll_result(struct line *l, const struct call *c)
{
	u64 count = MIN((u64)(u32)c->arg[1], (u64)TRACE_ITEMS);
	bool first = true;
	struct pollfd p;

	if (c->result == 0) {
		emit(l, " (Timeout)");
		return;
	}
	if (c->result < 0)
		return;
	emit(l, " ([");
	for (u64 n = 0; n < count; n++) {
		if (get_user(&p, c->arg[0] + n * sizeof(p)))
			break;
		if (!p.revents)
			continue;
		emit_comma(l, !first);
		first = false;
		emit(l, "{fd=");
		emit_fd(l, p.fd);
		emit(l, ", revents=");
		emit_names(l, (u16)p.revents, &trace_poll_names);
		emit(l, "}");
	}
	emit(l, "])");
}

/* Returns false if the set cannot be read. */
static bool emit_fds(struct line *l, u64 at, u64 nfds)
{
	u8 bits[FD_SETS];
	u64 bytes = MIN((nfds + 63) / 64 * 8, (u64)FD_SETS);
	bool first = true;

	if (copy_from_user(bits, at, bytes))
		return false;
	emit(l, "[");
	for (u64 fd = 0; fd < MIN(nfds, bytes * 8); fd++) {
		if (!(bits[fd / 8] & 1 << fd % 8))
			continue;
		if (!first)
			emit_char(l, ' ');
		first = false;
		emit_fd(l, (s32)fd);
	}
	emit(l, "]");
	return true;
}

void print_fd_set(struct line *l, const struct call *c, unsigned i, const struct trace_names *names)
{
	(void)names;
	if (c->arg[i] == 0 || (s32)c->arg[0] < 0 || !emit_fds(l, c->arg[i], (u32)c->arg[0]))
		emit_ptr(l, c->arg[i]);
}

void emit_select_result(struct line *l, const struct call *c)
{
	static const char *const name[] = {"in", "out", "except"};
	bool first = true;

	if (c->result == 0) {
		emit(l, " (Timeout)");
		return;
	}
	if (c->result < 0 || (s32)c->arg[0] < 0)
		return;
	emit(l, " (");
	for (int n = 0; n < 3; n++) {
		u32 start = l->len;

		if (c->arg[1 + n] == 0)
			continue;
		emit_comma(l, !first);
		emit(l, "%s ", name[n]);
		/* A set without members is not mentioned. */
		if (!emit_fds(l, c->arg[1 + n], (u32)c->arg[0]) ||
		    (l->len >= 2 && l->text[l->len - 2] == '['))
			l->len = start;
		else
			first = false;
	}
	if (c->arg[4] && c->nr == __NR_pselect6) {
		struct __kernel_timespec left;

		if (!get_user(&left, c->arg[4])) {
			emit(l, ", left ");
			emit_timespec(l, &left);
		}
	} else if (c->arg[4] && c->nr == __NR_select) {
		struct __kernel_old_timeval left;

		if (!get_user(&left, c->arg[4])) {
			emit(l, ", left ");
			emit_timeval(l, &left);
		}
	}
	emit(l, ")");
}

/* Processes. */

void print_wstatus(struct line *l, const struct call *c, unsigned i,
		   const struct trace_names *names)
{
	u32 status;

	(void)names;
	if (c->arg[i] == 0 || c->result <= 0 || get_user(&status, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	if ((status & 0x7f) == 0) {
		emit(l, "[{WIFEXITED(s) && WEXITSTATUS(s) == %u}]", status >> 8 & 0xff);
		return;
	}
	if ((status & 0xffff) == 0xffff) {
		emit(l, "[{WIFCONTINUED(s)}]");
		return;
	}
	if ((status & 0xff) == 0x7f) {
		emit(l, "[{WIFSTOPPED(s) && WSTOPSIG(s) == ");
		emit_signal(l, status >> 8 & 0xff);
	} else {
		emit(l, "[{WIFSIGNALED(s) && WTERMSIG(s) == ");
		emit_signal(l, status & 0x7f);
		if (status & 0x80)
			emit(l, " && WCOREDUMP(s)");
	}
	emit(l, "}]");
}

static void emit_limit(struct line *l, u64 limit)
{
	if (limit == UINT64_MAX)
		emit(l, "RLIM64_INFINITY");
	else if (limit > 1024 && limit % 1024 == 0)
		emit(l, "%lu*1024", limit / 1024);
	else
		emit(l, "%lu", limit);
}

STRUCT(rlimit, struct rlimit_pair)
{
	emit(l, "{rlim_cur=");
	emit_limit(l, v->cur);
	emit(l, ", rlim_max=");
	emit_limit(l, v->max);
	emit(l, "}");
}

/* clone3(2). A larger structure is one of a newer kernel. */
void print_clone_args(struct line *l, const struct call *c, unsigned i,
		      const struct trace_names *names)
{
	struct clone_args v = {0};
	s32 tid;

	if (c->arg[i] == 0 ||
	    copy_from_user(&v, c->arg[i], MIN(c->arg[i + 1], (u64)CLONE_ARGS_SIZE_VER0))) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "{flags=");
	emit_names(l, v.flags & ~0xffUL, names);
	if (v.flags & CLONE_PIDFD) {
		emit(l, ", pidfd=");
		emit_ptr(l, v.pidfd);
	}
	if (v.flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
		emit(l, ", child_tid=");
		emit_ptr(l, v.child_tid);
	}
	if (v.flags & CLONE_PARENT_SETTID) {
		emit(l, ", parent_tid=");
		emit_ptr(l, v.parent_tid);
	}
	emit(l, ", exit_signal=");
	emit_signal(l, v.exit_signal);
	emit(l, ", stack=");
	emit_ptr(l, v.stack);
	emit(l, v.stack_size ? ", stack_size=%#llx" : ", stack_size=0", v.stack_size);
	if (v.flags & CLONE_SETTLS)
		emit(l, ", tls=%#llx", v.tls);
	emit(l, "}");
	if (c->result > 0 && v.flags & CLONE_PARENT_SETTID && !get_user(&tid, v.parent_tid))
		emit(l, " => {parent_tid=[%d]}", tid);
}

STRUCT(sched_param, s32)
{
	emit(l, "[%d]", *v);
}

void print_cpu_set(struct line *l, const struct call *c, unsigned i,
		   const struct trace_names *names)
{
	/* sched_getaffinity(2) fills as many bytes as it returns. */
	u64 size = c->done && c->nr == __NR_sched_getaffinity && c->result >= 0 ? (u64)c->result
										: c->arg[i - 1];
	u8 bits[CPU_SETS];
	bool first = true;

	(void)names;
	size = MIN(size, (u64)CPU_SETS);
	if (c->arg[i] == 0 || copy_from_user(bits, c->arg[i], size)) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "[");
	for (u64 cpu = 0; cpu < size * 8; cpu++) {
		if (!(bits[cpu / 8] & 1 << cpu % 8))
			continue;
		emit(l, first ? "%lu" : " %lu", cpu);
		first = false;
	}
	emit(l, "]");
}

void print_groups(struct line *l, const struct call *c, unsigned i, const struct trace_names *names)
{
	/* getgroups(0, ...) fills nothing and returns how many there are. */
	u64 count = c->nr == __NR_getgroups && c->done && c->arg[0] ? (u64)c->result : c->arg[0];
	u64 shown = MIN(count, (u64)TRACE_ITEMS);
	u32 gid;

	(void)names;
	if (c->arg[i] == 0 || (shown && get_user(&gid, c->arg[i]))) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "[");
	for (u64 n = 0; n < shown && !get_user(&gid, c->arg[i] + n * sizeof(gid)); n++)
		emit(l, n ? ", %u" : "%u", gid);
	emit_array_end(l, shown < count);
}

struct fds {
	s32 fd[2];
};

STRUCT(fd_pair, struct fds)
{
	emit(l, "[");
	emit_fd(l, v->fd[0]);
	emit(l, ", ");
	emit_fd(l, v->fd[1]);
	emit(l, "]");
}

STRUCT(int_ptr, s32)
{
	emit(l, "[%d]", *v);
}

/* The system. */

static void emit_field(struct line *l, const char *name, const char *text, u64 size)
{
	emit(l, "%s=", name);
	emit_bytes(l, (const u8 *)text, strnlen(text, size), false);
}

STRUCT(utsname, struct new_utsname)
{
	emit_field(l, "{sysname", v->sysname, sizeof(v->sysname));
	emit_field(l, ", nodename", v->nodename, sizeof(v->nodename));
	emit(l, ", ...}");
}

STRUCT(sysinfo, struct sysinfo)
{
	emit(l,
	     "{uptime=%ld, loads=[%lu, %lu, %lu], totalram=%lu, freeram=%lu, sharedram=%lu, "
	     "bufferram=%lu, totalswap=%lu, freeswap=%lu, procs=%u, totalhigh=%lu, freehigh=%lu, "
	     "mem_unit=%u}",
	     (long)v->uptime, (u64)v->loads[0], (u64)v->loads[1], (u64)v->loads[2],
	     (u64)v->totalram, (u64)v->freeram, (u64)v->sharedram, (u64)v->bufferram,
	     (u64)v->totalswap, (u64)v->freeswap, v->procs, (u64)v->totalhigh, (u64)v->freehigh,
	     v->mem_unit);
}
