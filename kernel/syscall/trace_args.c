// SPDX-License-Identifier: MIT
/*
 * The kinds of arguments that a row of syscall.def may name, each with its printer, and how a
 * call's result is printed.
 */
#include "common/boot_info.h"
#include "common/foreach.h"
#include "kernel/define_syscall.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/syscall/trace_line.h"

#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/limits.h>
#include <linux/prctl.h>
#include <linux/sched.h>

/* Numbers. */

#define NUMBER(name, format, type)                                                                 \
	static void print_##name(struct line *l, const struct call *c, unsigned i,                 \
				 const struct trace_names *names)                                  \
	{                                                                                          \
		(void)names;                                                                       \
		emit(l, format, (type)c->arg[i]);                                                  \
	}
NUMBER(int, "%d", s32)
NUMBER(uint, "%u", u32)
NUMBER(long, "%ld", s64)
NUMBER(size, "%lu", u64)
NUMBER(octal, "%#03o", u32)

static void print_hex(struct line *l, const struct call *c, unsigned i,
		      const struct trace_names *names)
{
	(void)names;
	emit(l, c->arg[i] ? "%#lx" : "0", c->arg[i]);
}

static void print_ptr(struct line *l, const struct call *c, unsigned i,
		      const struct trace_names *names)
{
	(void)names;
	emit_ptr(l, c->arg[i]);
}

static void print_fd(struct line *l, const struct call *c, unsigned i,
		     const struct trace_names *names)
{
	(void)names;
	emit_fd(l, (s32)c->arg[i]);
}

static void print_dirfd(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	(void)names;
	if ((s32)c->arg[i] == AT_FDCWD)
		emit(l, "AT_FDCWD");
	else
		emit_fd(l, (s32)c->arg[i]);
}

static void print_signo(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	(void)names;
	emit_signal(l, c->arg[i]);
}

static void print_names(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	emit_names(l, (u32)c->arg[i], names);
}

/* Strings and buffers. */

static void print_path(struct line *l, const struct call *c, unsigned i,
		       const struct trace_names *names)
{
	char *path = kmalloc(PATH_MAX);
	s64 len = path && c->arg[i] ? strncpy_from_user(path, c->arg[i], PATH_MAX) : -EFAULT;

	(void)names;
	if (len < 0 && len != -ENAMETOOLONG)
		emit_ptr(l, c->arg[i]);
	else
		emit_bytes(l, (const u8 *)path, len < 0 ? PATH_MAX - 1 : (u64)len, len < 0);
	kfree(path);
}

/* Filled by the call; the result is the length. */
static void print_buf_out(struct line *l, const struct call *c, unsigned i,
			  const struct trace_names *names)
{
	(void)names;
	emit_user_bytes(l, c->arg[i], MIN((u64)c->result, c->arg[i + 1]));
}

/* Read by the call; the next argument is the length. */
static void print_buf_in(struct line *l, const struct call *c, unsigned i,
			 const struct trace_names *names)
{
	(void)names;
	emit_user_bytes(l, c->arg[i], c->arg[i + 1]);
}

/* For getrandom: random bytes are not readable as text. */
static void print_buf_hex(struct line *l, const struct call *c, unsigned i,
			  const struct trace_names *names)
{
	u64 len = c->result > 0 ? (u64)c->result : 0, shown = MIN(len, trace_shown());
	u8 byte;

	(void)names;
	if (len == 0 || get_user(&byte, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "\"");
	for (u64 k = 0; k < shown && !get_user(&byte, c->arg[i] + k); k++)
		emit(l, "\\x%02x", byte);
	emit(l, len > shown ? "\"..." : "\"");
}

static void print_strings(struct line *l, const struct call *c, unsigned i,
			  const struct trace_names *names)
{
	u64 at = c->arg[i];
	u64 string;

	(void)names;
	if (at == 0 || get_user(&string, at)) {
		emit_ptr(l, at);
		return;
	}
	emit(l, "[");
	for (unsigned n = 0; string; n++) {
		if (n)
			emit(l, ", ");
		if (n == TRACE_ITEMS) {
			emit(l, "...");
			break;
		}
		emit_user_string(l, string);
		at += sizeof(u64);
		if (get_user(&string, at)) {
			emit(l, ", ... /* %#lx */", at);
			break;
		}
	}
	emit(l, "]");
}

static void print_env(struct line *l, const struct call *c, unsigned i,
		      const struct trace_names *names)
{
	u64 count = 0, string;

	(void)names;
	emit_ptr(l, c->arg[i]);
	if (c->arg[i] == 0)
		return;
	while (get_user(&string, c->arg[i] + count * sizeof(u64)) == 0 && string)
		count++;
	emit(l, count == 1 ? " /* %lu var */" : " /* %lu vars */", count);
}

static void print_iov_in(struct line *l, const struct call *c, unsigned i,
			 const struct trace_names *names)
{
	(void)names;
	emit_iov(l, c->arg[i], (u32)c->arg[i + 1], UINT64_MAX);
}

static void print_iov_out(struct line *l, const struct call *c, unsigned i,
			  const struct trace_names *names)
{
	(void)names;
	emit_iov(l, c->arg[i], (u32)c->arg[i + 1], (u64)c->result);
}

/*
 * Arguments that exist only with certain values of another argument. If they do not exist, nothing
 * is printed, not even a comma, and they are the last.
 */
static void print_fcntl_arg(struct line *l, const struct call *c, unsigned i,
			    const struct trace_names *names)
{
	struct flock lock;

	switch (c->arg[i - 1]) {
	case F_SETFL:
		emit_names(l, (u32)c->arg[i], names);
		break;
	case F_SETFD:
		if (c->arg[i] == FD_CLOEXEC)
			emit(l, "FD_CLOEXEC");
		else
			print_hex(l, c, i, NULL);
		break;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		if (c->arg[i] == 0 || get_user(&lock, c->arg[i])) {
			emit_ptr(l, c->arg[i]);
			break;
		}
		emit(l, "{l_type=");
		emit_names(l, (u16)lock.l_type, &trace_lock_type_names);
		emit(l, ", l_whence=");
		emit_names(l, (u16)lock.l_whence, &trace_whence_names);
		emit(l, ", l_start=%ld, l_len=%ld}", (long)lock.l_start, (long)lock.l_len);
		break;
	default:
		emit(l, "%ld", (s64)c->arg[i]);
		break;
	}
}

static bool fcntl_has_arg(u64 cmd)
{
	return cmd != F_GETFD && cmd != F_GETFL && cmd != F_GETOWN && cmd != F_GETSIG &&
	       cmd != F_GETLEASE && cmd != F_GETPIPE_SZ && cmd != F_GET_SEALS;
}

static void print_mode_creat(struct line *l, const struct call *c, unsigned i,
			     const struct trace_names *names)
{
	print_octal(l, c, i, names);
}

/* The name of the operation has its flag in it. */
static void print_futex_op(struct line *l, const struct call *c, unsigned i,
			   const struct trace_names *names)
{
	u32 op = (u32)c->arg[i];

	emit_names(l, op & FUTEX_CMD_MASK, names);
	if (op & FUTEX_PRIVATE_FLAG)
		emit(l, "_PRIVATE");
	if (op & FUTEX_CLOCK_REALTIME)
		emit(l, "|FUTEX_CLOCK_REALTIME");
}

static void print_futex_val(struct line *l, const struct call *c, unsigned i,
			    const struct trace_names *names)
{
	(void)names;
	emit(l, (u32)c->arg[i] == FUTEX_WAITERS ? "FUTEX_WAITERS" : "%u", (u32)c->arg[i]);
}

/* Only the waiting operations of futex(2) have a timeout there. The others have a second count. */
static void print_futex_timeout(struct line *l, const struct call *c, unsigned i,
				const struct trace_names *names)
{
	unsigned cmd = (u32)c->arg[1] & FUTEX_CMD_MASK;

	if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI)
		print_timespec(l, c, i, names);
	else
		print_uint(l, c, i, names);
}

static void print_futex_val3(struct line *l, const struct call *c, unsigned i,
			     const struct trace_names *names)
{
	unsigned cmd = (u32)c->arg[1] & FUTEX_CMD_MASK;

	if ((cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAKE_BITSET) && (u32)c->arg[i] == UINT32_MAX)
		emit(l, "FUTEX_BITSET_MATCH_ANY");
	else
		print_hex(l, c, i, names);
}

/* The second address is no argument of these operations, although others come behind it. */
static bool futex_lacks(u64 op, unsigned i)
{
	u32 cmd = (u32)op & FUTEX_CMD_MASK;

	return (cmd == FUTEX_WAIT_BITSET && i == 4) ||
	       (cmd == FUTEX_WAKE_BITSET && (i == 3 || i == 4));
}

/* How many arguments this operation has. */
static unsigned futex_args(u64 op)
{
	switch ((u32)op & FUTEX_CMD_MASK) {
	case FUTEX_WAKE:
		return 3;
	case FUTEX_WAIT:
	case FUTEX_LOCK_PI:
		return 4;
	case FUTEX_UNLOCK_PI:
	case FUTEX_TRYLOCK_PI:
		return 2;
	case FUTEX_REQUEUE:
		return 5;
	}
	return 6;
}

static bool clone_has(const struct call *c, u64 flags)
{
	return c->arg[0] & flags;
}

/*
 * clone(2): strace names the arguments, in an order of its own, and leaves out those that have no
 * meaning. The other arguments of the row are not printed.
 */
static void print_clone(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	s32 tid;

	(void)i;
	emit(l, "child_stack=");
	emit_ptr(l, c->arg[1]);
	emit(l, ", flags=");
	if (c->arg[0] & ~0xffUL || !(c->arg[0] & 0xff))
		emit_names(l, (u32)c->arg[0] & ~0xffu, names);
	if (c->arg[0] & 0xff) {
		emit(l, c->arg[0] & ~0xffUL ? "|" : "");
		emit_signal(l, c->arg[0] & 0xff);
	}
	if (clone_has(c, CLONE_PARENT_SETTID | CLONE_PIDFD)) {
		emit(l, clone_has(c, CLONE_PIDFD) ? ", pidfd=" : ", parent_tid=");
		if (c->done && c->result > 0 && !get_user(&tid, c->arg[2]))
			emit(l, "[%d]", tid);
		else
			emit_ptr(l, c->arg[2]);
	}
	if (clone_has(c, CLONE_SETTLS)) {
		emit(l, ", tls=");
		emit_ptr(l, c->arg[4]);
	}
	if (clone_has(c, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)) {
		emit(l, ", child_tidptr=");
		emit_ptr(l, c->arg[3]);
	}
}

static void print_prctl_arg(struct line *l, const struct call *c, unsigned i,
			    const struct trace_names *names)
{
	if ((u32)c->arg[0] == PR_SET_NAME)
		emit_user_string(l, c->arg[i]);
	else
		print_hex(l, c, i, names);
}

/* The mask that rt_sigreturn(2) brings back: of the ucontext at the stack pointer. */
static void print_sigreturn(struct line *l, const struct call *c, unsigned i,
			    const struct trace_names *names)
{
	u64 mask;

	(void)i;
	(void)names;
	if (c->sp == 0 || get_user(&mask, c->sp + 296))
		return;
	emit(l, "{mask=");
	emit_sigset(l, mask);
	emit(l, "}");
}

static bool ioctl_has_arg(u64 request)
{
	return (u32)request != FIOCLEX && (u32)request != FIONCLEX;
}

static bool is_absent(printer *print, const struct call *c, unsigned i)
{
	u64 before = i ? c->arg[i - 1] : 0;

	if (print == print_mode_creat)
		return !(before & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)));
	if (print == print_fcntl_arg)
		return !fcntl_has_arg(before);
	if (print == print_ioctl_arg)
		return !ioctl_has_arg(before);
	if (c->nr == __NR_futex)
		return i >= futex_args(c->arg[1]);
	if (print == print_prctl_arg && i > 1)
		return c->arg[0] == PR_SET_NAME || c->arg[0] == PR_GET_NAME ||
		       c->arg[0] == PR_GET_DUMPABLE || c->arg[0] == PR_SET_DUMPABLE ||
		       c->arg[0] == PR_SET_PDEATHSIG || c->arg[0] == PR_CAPBSET_READ;
	return false;
}

/* clang-format off */
/*        kind            printer               vocabulary              when */
#define KINDS(X) \
	X(int,            print_int,            NULL,                   IN) \
	X(uint,           print_uint,           NULL,                   IN) \
	X(long,           print_long,           NULL,                   IN) \
	X(size,           print_size,           NULL,                   IN) \
	X(msec,           print_int,            NULL,                   IN) \
	X(hex,            print_hex,            NULL,                   IN) \
	X(octal,          print_octal,          NULL,                   IN) \
	X(ptr,            print_ptr,            NULL,                   IN) \
	X(fd,             print_fd,             NULL,                   IN) \
	X(dirfd,          print_dirfd,          NULL,                   IN) \
	X(signo,          print_signo,          NULL,                   IN) \
	X(path,           print_path,           NULL,                   IN) \
	X(str,            print_path,           NULL,                   IN) \
	X(buf_in,         print_buf_in,         NULL,                   IN) \
	X(buf_out,        print_buf_out,        NULL,                   OUT) \
	X(buf_hex,        print_buf_hex,        NULL,                   OUT) \
	X(str_out,        print_path,           NULL,                   OUT) \
	X(strings,        print_strings,        NULL,                   IN) \
	X(env,            print_env,            NULL,                   IN) \
	X(iov_in,         print_iov_in,         NULL,                   IN) \
	X(iov_out,        print_iov_out,        NULL,                   OUT) \
	X(mode_creat,     print_mode_creat,     NULL,                   IN) \
	X(fcntl_arg,      print_fcntl_arg,      &trace_open_names,      IN) \
	X(futex_op,       print_futex_op,       &trace_futex_names,     IN) \
	X(futex_val,      print_futex_val,      NULL,                   IN) \
	X(futex_timeout,  print_futex_timeout,  NULL,                   IN) \
	X(futex_val3,     print_futex_val3,     NULL,                   IN) \
	X(clone,          print_clone,          &trace_clone_names,     OUT) \
	X(prctl_arg,      print_prctl_arg,      NULL,                   IN) \
	X(sigreturn,      print_sigreturn,      NULL,                   IN) \
	X(access_mode,    print_names,          &trace_access_names,    IN) \
	X(arch_prctl_op,  print_names,          &trace_arch_prctl_names, IN) \
	X(at_flags,       print_names,          &trace_at_names,        IN) \
	X(at_rm_flags,    print_names,          &trace_at_rm_names,     IN) \
	X(clock,          print_names,          &trace_clock_names,     IN) \
	X(clone_flags,    print_names,          &trace_clone_names,     IN) \
	X(domain,         print_names,          &trace_domain_names,    IN) \
	X(efd_flags,      print_names,          &trace_efd_names,       IN) \
	X(epoll_flags,    print_names,          &trace_epoll_flags_names, IN) \
	X(epoll_op,       print_names,          &trace_epoll_op_names,  IN) \
	X(fadvice,        print_names,          &trace_fadvice_names,   IN) \
	X(fd_flags,       print_names,          &trace_fd_names,        IN) \
	X(fcntl_cmd,      print_names,          &trace_fcntl_names,     IN) \
	X(flock_op,       print_names,          &trace_flock_names,     IN) \
	X(in_flags,       print_names,          &trace_in_flags_names,  IN) \
	X(in_mask,        print_names,          &trace_in_names,        IN) \
	X(ioctl_request,  print_names,          &trace_ioctl_names,     IN) \
	X(itimer,         print_names,          &trace_itimer_names,    IN) \
	X(madvice,        print_names,          &trace_madvice_names,   IN) \
	X(map_flags,      print_names,          &trace_map_names,       IN) \
	X(memfd_flags,    print_names,          &trace_memfd_names,     IN) \
	X(mremap_flags,   print_names,          &trace_mremap_names,    IN) \
	X(msg_flags,      print_names,          &trace_msg_names,       IN) \
	X(msync_flags,    print_names,          &trace_msync_names,     IN) \
	X(open_flags,     print_names,          &trace_open_names,      IN) \
	X(prctl_op,       print_names,          &trace_prctl_names,     IN) \
	X(prot,           print_names,          &trace_prot_names,      IN) \
	X(random_flags,   print_names,          &trace_random_names,    IN) \
	X(rename_flags,   print_names,          &trace_rename_names,    IN) \
	X(rlimit,         print_names,          &trace_rlimit_names,    IN) \
	X(rusage_who,     print_names,          &trace_rusage_names,    IN) \
	X(sfd_flags,      print_names,          &trace_sfd_names,       IN) \
	X(sig_how,        print_names,          &trace_sig_how_names,   IN) \
	X(shut_how,       print_names,          &trace_shut_names,      IN) \
	X(sock_flags,     print_names,          &trace_sock_names,      IN) \
	X(sock_type,      print_names,          &trace_sock_type_names, IN) \
	X(sol,            print_names,          &trace_sol_names,       IN) \
	X(statx_flags,    print_names,          &trace_statx_flags_names, IN) \
	X(statx_mask,     print_names,          &trace_statx_names,     IN) \
	X(tfd_flags,      print_names,          &trace_tfd_names,       IN) \
	X(timer_flags,    print_names,          &trace_timer_names,     IN) \
	X(wait_id,        print_names,          &trace_wait_id_names,   IN) \
	X(wait_options,   print_names,          &trace_wait_names,      IN) \
	X(whence,         print_names,          &trace_whence_names,    IN) \
	TRACE_STRUCT_KINDS(X) \
	TRACE_SOCKET_KINDS(X)
/* clang-format on */

enum kind {
	KIND_end,
#define X(name, print, names, when) KIND_##name,
	KINDS(X)
#undef X
};

enum when { IN, OUT };

static const struct {
	printer *print;
	const struct trace_names *names;
	enum when when;
} kinds[] = {
#define X(name, print, names, when) [KIND_##name] = {print, names, when},
	KINDS(X)
#undef X
};

#define ARG_KIND(kind) KIND_##kind

static const struct {
	const char *name;
	u8 kind[6];
} rows[] = {
#define SYSCALL(nr, name, ...) [nr] = {#name, {__VA_OPT__(FOR_EACH_COMMA(ARG_KIND, __VA_ARGS__))}},
#include "kernel/syscall/syscall.def"
};

const char *trace_call_name(u64 nr)
{
	return nr < ARRAY_SIZE(rows) ? rows[nr].name : NULL;
}

s32 trace_given(u64 nr, const u64 *arg)
{
	s32 len;

	if (nr >= ARRAY_SIZE(rows))
		return -1;
	for (unsigned i = 0; i < ARRAY_SIZE(rows[nr].kind); i++) {
		unsigned kind = rows[nr].kind[i];
		u64 at = arg[i];

		if (kind == KIND_msghdr_out)
			at += at ? MSGHDR_NAMELEN : 0;
		else if (kind != KIND_socklen_out && kind != KIND_optlen_out)
			continue;
		if (at && !get_user(&len, at))
			return len;
	}
	return -1;
}

/* Returns true if the call failed and so did not fill what the argument points to. */
static bool is_unfilled(const struct call *c, unsigned i, unsigned kind)
{
	if (kinds[kind].when != OUT || c->result >= 0)
		return false;
	/* These show what the program gave the call, too. */
	if (kind == KIND_clone || kind == KIND_clone_args)
		return false;
	return kind != KIND_ioctl_arg || trace_ioctl_fills(c->arg[i - 1]);
}

void trace_args(struct line *l, const struct call *c, unsigned *next)
{
	unsigned resumed = c->done ? *next : 0; /* its comma was printed before the call */

	for (; *next < ARRAY_SIZE(rows[c->nr].kind); ++*next) {
		unsigned i = *next, kind = rows[c->nr].kind[i];

		if (kind == KIND_end || is_absent(kinds[kind].print, c, i)) {
			*next = ARRAY_SIZE(rows[c->nr].kind);
			return;
		}
		if (c->nr == __NR_futex && futex_lacks(c->arg[1], i))
			continue;
		if (i != resumed)
			emit(l, ", ");
		if (kinds[kind].when == OUT && !c->done)
			return;
		if (c->result < 0 && c->given >= 0 &&
		    (kind == KIND_socklen_out || kind == KIND_optlen_out))
			emit(l, "[%d]", c->given);
		else if (is_unfilled(c, i, kind))
			emit_ptr(l, c->arg[i]);
		else
			kinds[kind].print(l, c, i, kinds[kind].names);
	}
}

static void result_fd(struct line *l, const struct call *c)
{
	emit_fd(l, (s32)c->result);
}

static void result_hex(struct line *l, const struct call *c)
{
	emit(l, "%#lx", (u64)c->result);
}

static void result_octal(struct line *l, const struct call *c)
{
	emit_octal(l, (u32)c->result);
}

static void result_poll(struct line *l, const struct call *c)
{
	emit(l, "%ld", c->result);
	emit_poll_result(l, c);
}

static void result_select(struct line *l, const struct call *c)
{
	emit(l, "%ld", c->result);
	emit_select_result(l, c);
}

static void result_fcntl(struct line *l, const struct call *c)
{
	switch (c->arg[1]) {
	case F_GETFL:
		emit(l, "%#lx (flags ", c->result);
		emit_names(l, (u64)c->result, &trace_open_names);
		emit(l, ")");
		break;
	case F_GETFD:
		emit(l, c->result ? "%#lx (flags FD_CLOEXEC)" : "0", c->result);
		break;
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		result_fd(l, c);
		break;
	default:
		emit(l, "%ld", c->result);
		break;
	}
}

/* Calls whose result is not a plain number. */
static void (*const result_printers[])(struct line *l, const struct call *c) = {
	[__NR_accept] = result_fd,
	[__NR_accept4] = result_fd,
	[__NR_brk] = result_hex,
	[__NR_creat] = result_fd,
	[__NR_dup] = result_fd,
	[__NR_dup2] = result_fd,
	[__NR_dup3] = result_fd,
	[__NR_epoll_create] = result_fd,
	[__NR_epoll_create1] = result_fd,
	[__NR_eventfd2] = result_fd,
	[__NR_fcntl] = result_fcntl,
	[__NR_inotify_init1] = result_fd,
	[__NR_memfd_create] = result_fd,
	[__NR_mmap] = result_hex,
	[__NR_mremap] = result_hex,
	[__NR_open] = result_fd,
	[__NR_openat] = result_fd,
	[__NR_openat2] = result_fd,
	[__NR_pidfd_open] = result_fd,
	[__NR_poll] = result_poll,
	[__NR_ppoll] = result_poll,
	[__NR_pselect6] = result_select,
	[__NR_select] = result_select,
	[__NR_shmat] = result_hex,
	[__NR_signalfd4] = result_fd,
	[__NR_socket] = result_fd,
	[__NR_timerfd_create] = result_fd,
	[__NR_umask] = result_octal,
};

void trace_result(struct line *l, const struct call *c)
{
	const char *name, *text;

	if (call_failed(c) && trace_error((u64)-c->result, &name, &text))
		emit(l, c->result <= -ERESTARTSYS ? "? %s (%s)" : "-1 %s (%s)", name, text);
	else if (c->nr < ARRAY_SIZE(result_printers) && result_printers[c->nr] && c->result >= 0)
		result_printers[c->nr](l, c);
	else
		emit(l, "%ld", c->result);
}
