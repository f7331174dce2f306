// SPDX-License-Identifier: MIT
/*
 * The system-call trace (--trace), in lines like those of strace. The row of a call in syscall.def
 * gives the kind of each argument, and each kind has a printer here.
 *
 * A line is made after the call, so that it can show results; only calls that replace or end the
 * program are printed before. The printers check all memory that an argument points to, and show
 * the pointer where the memory cannot be read.
 */
#include "common/foreach.h"
#include "kernel/check_hooks.h"
#include "kernel/define_syscall.h"
#include "kernel/hostcall.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/syscall/trace_names.h"
#include "kernel/task/process.h"
#include "kernel/trace.h"

#include <asm/stat.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/limits.h>
#include <linux/poll.h>
#include <linux/time.h>
#include <linux/uio.h>

#define LINE_MAX    4096	     /* limit of the hostcall trace */
#define ARGS_MAX    (LINE_MAX - 256) /* leaves space for the result */
#define RESULT_AT   40		     /* column of "= result", as in strace */
#define BYTES_SHOWN 32		     /* of a string or buffer; paths are shown whole */
#define ITEMS_SHOWN 32		     /* of an array */

#define ERROR_MAX   4095

struct line {
	u32 len, max;
	char text[LINE_MAX];
};

struct call {
	const u64 *arg;
	s64 result;
	bool done; /* the result is known */
};

typedef void printer(struct line *l, const struct call *c, unsigned i,
		     const struct trace_names *names);

static void emit(struct line *l, const char *fmt, ...) __printf(2, 3);
static void emit(struct line *l, const char *fmt, ...)
{
	u32 space = l->max - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, space, fmt, ap);
	va_end(ap);
	l->len += MIN((u32)n, space - 1);
}

static bool failed(const struct call *c)
{
	return c->done && c->result < 0 && c->result >= -ERROR_MAX;
}

/* Numbers. */

static void print_int(struct line *l, const struct call *c, unsigned i,
		      const struct trace_names *names)
{
	(void)names;
	emit(l, "%d", (s32)c->arg[i]);
}

static void print_uint(struct line *l, const struct call *c, unsigned i,
		       const struct trace_names *names)
{
	(void)names;
	emit(l, "%u", (u32)c->arg[i]);
}

static void print_long(struct line *l, const struct call *c, unsigned i,
		       const struct trace_names *names)
{
	(void)names;
	emit(l, "%ld", (s64)c->arg[i]);
}

static void print_size(struct line *l, const struct call *c, unsigned i,
		       const struct trace_names *names)
{
	(void)names;
	emit(l, "%lu", c->arg[i]);
}

static void print_hex(struct line *l, const struct call *c, unsigned i,
		      const struct trace_names *names)
{
	(void)names;
	emit(l, "%#lx", c->arg[i]);
}

static void emit_octal(struct line *l, u32 mode)
{
	emit(l, "%#03o", mode);
}

static void print_octal(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	(void)names;
	emit_octal(l, (u32)c->arg[i]);
}

static void emit_ptr(struct line *l, u64 p)
{
	if (p)
		emit(l, "%#lx", p);
	else
		emit(l, "NULL");
}

static void print_ptr(struct line *l, const struct call *c, unsigned i,
		      const struct trace_names *names)
{
	(void)names;
	emit_ptr(l, c->arg[i]);
}

static void print_dirfd(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	(void)names;
	if ((s32)c->arg[i] == AT_FDCWD)
		emit(l, "AT_FDCWD");
	else
		emit(l, "%d", (s32)c->arg[i]);
}

static void emit_signal(struct line *l, u64 sig)
{
	const char *name = trace_signal_name(sig);

	if (name)
		emit(l, "%s", name);
	else if (sig == SIGRTMIN)
		emit(l, "SIGRTMIN");
	else if (sig > SIGRTMIN && sig <= NSIG)
		emit(l, "SIGRT_%lu", sig - SIGRTMIN);
	else
		emit(l, "%d", (s32)sig);
}

static void print_signo(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	(void)names;
	emit_signal(l, c->arg[i]);
}

/* Flags and named values. */

static const char *separator(u32 start, const struct line *l)
{
	return l->len > start ? "|" : "";
}

static void emit_names(struct line *l, u64 value, const struct trace_names *names)
{
	u64 flags = value & ~names->value_mask;
	u64 number = value & names->value_mask;
	u32 start = l->len;
	bool named = names->value_mask == 0;

	if (value == 0 && names->zero) {
		emit(l, "%s", names->zero);
		return;
	}
	for (const struct trace_name *n = names->list; n->text; n++) {
		if ((n->value & ~names->value_mask) == 0) {
			if (named || n->value != number)
				continue;
			named = true;
		} else {
			if ((flags & n->value) != n->value)
				continue;
			flags &= ~n->value;
		}
		emit(l, "%s%s", separator(start, l), n->text);
	}
	if (!named && number)
		emit(l, "%s%#lx", separator(start, l), number);
	if (flags)
		emit(l, "%s%#lx", separator(start, l), flags);
	if (l->len == start)
		emit(l, "0");
}

static void print_names(struct line *l, const struct call *c, unsigned i,
			const struct trace_names *names)
{
	emit_names(l, (u32)c->arg[i], names);
}

/* Strings and buffers. */

static void emit_byte(struct line *l, u8 byte, u8 next)
{
	static const char plain[][3] = {
		['\t'] = "\\t", ['\n'] = "\\n", ['\v'] = "\\v",	 ['\f'] = "\\f",
		['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
	};

	if (byte < ARRAY_SIZE(plain) && plain[byte][0])
		emit(l, "%s", plain[byte]);
	else if (byte >= ' ' && byte < 0x7f)
		emit(l, "%c", byte);
	else if (next >= '0' && next <= '9')
		emit(l, "\\%03o", byte); /* the next digit would be read as part of it */
	else
		emit(l, "\\%o", byte);
}

static void emit_bytes(struct line *l, const u8 *bytes, u64 len, bool cut)
{
	emit(l, "\"");
	for (u64 i = 0; i < len; i++)
		emit_byte(l, bytes[i], i + 1 < len ? bytes[i + 1] : 0);
	emit(l, cut ? "\"..." : "\"");
}

static void emit_user_bytes(struct line *l, uva addr, u64 len)
{
	u8 bytes[BYTES_SHOWN];
	u64 shown = MIN(len, (u64)sizeof(bytes));

	if (addr == 0 || copy_from_user(bytes, addr, shown))
		emit_ptr(l, addr);
	else
		emit_bytes(l, bytes, shown, len > shown);
}

static void emit_user_string(struct line *l, uva addr)
{
	char text[BYTES_SHOWN + 2];
	s64 len = strncpy_from_user(text, addr, sizeof(text));

	if (addr == 0 || (len < 0 && len != -ENAMETOOLONG))
		emit_ptr(l, addr);
	else
		emit_bytes(l, (const u8 *)text, len < 0 ? BYTES_SHOWN : MIN((u64)len, BYTES_SHOWN),
			   len < 0 || len > BYTES_SHOWN);
}

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
	if (!c->done || c->result < 0)
		emit_ptr(l, c->arg[i]);
	else
		emit_user_bytes(l, c->arg[i], MIN((u64)c->result, c->arg[i + 1]));
}

/* Read by the call; the next argument is the length. */
static void print_buf_in(struct line *l, const struct call *c, unsigned i,
			 const struct trace_names *names)
{
	(void)names;
	emit_user_bytes(l, c->arg[i], c->arg[i + 1]);
}

static void print_str_out(struct line *l, const struct call *c, unsigned i,
			  const struct trace_names *names)
{
	if (!c->done || c->result < 0)
		emit_ptr(l, c->arg[i]);
	else
		print_path(l, c, i, names);
}

/* For getrandom: random bytes are not readable as text. */
static void print_buf_hex(struct line *l, const struct call *c, unsigned i,
			  const struct trace_names *names)
{
	u8 bytes[BYTES_SHOWN];
	u64 len = c->done && c->result > 0 ? (u64)c->result : 0;
	u64 shown = MIN(len, (u64)sizeof(bytes));

	(void)names;
	if (len == 0 || copy_from_user(bytes, c->arg[i], shown)) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "\"");
	for (u64 k = 0; k < shown; k++)
		emit(l, "\\x%02x", bytes[k]);
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
		if (n == ITEMS_SHOWN) {
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
	emit(l, " /* %lu vars */", count);
}

static void emit_iov(struct line *l, const struct call *c, unsigned i, u64 bytes)
{
	u64 count = MIN((u64)(u32)c->arg[i + 1], (u64)ITEMS_SHOWN);
	struct iovec iov;

	if (c->arg[i] == 0 || get_user(&iov, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "[");
	for (u64 n = 0; n < count; n++) {
		u64 len;

		if (get_user(&iov, c->arg[i] + n * sizeof(iov)))
			break;
		len = MIN((u64)iov.iov_len, bytes);
		bytes -= len;
		emit(l, "%s{iov_base=", n ? ", " : "");
		emit_user_bytes(l, (u64)iov.iov_base, len);
		emit(l, ", iov_len=%lu}", (u64)iov.iov_len);
	}
	emit(l, count < (u32)c->arg[i + 1] ? ", ...]" : "]");
}

static void print_iov_in(struct line *l, const struct call *c, unsigned i,
			 const struct trace_names *names)
{
	(void)names;
	emit_iov(l, c, i, UINT64_MAX);
}

static void print_iov_out(struct line *l, const struct call *c, unsigned i,
			  const struct trace_names *names)
{
	(void)names;
	if (!c->done || c->result < 0)
		emit_ptr(l, c->arg[i]);
	else
		emit_iov(l, c, i, (u64)c->result);
}

/* Structures. A structure that a call fills is shown if the call succeeded. */

#define OUT(print_out, print_in)                                                                   \
	static void print_out(struct line *l, const struct call *c, unsigned i,                    \
			      const struct trace_names *names)                                     \
	{                                                                                          \
		if (!c->done || failed(c))                                                         \
			emit_ptr(l, c->arg[i]);                                                    \
		else                                                                               \
			print_in(l, c, i, names);                                                  \
	}

static void emit_timespec(struct line *l, const struct __kernel_timespec *ts)
{
	emit(l, "{tv_sec=%lld, tv_nsec=%lld}", (long long)ts->tv_sec, ts->tv_nsec);
}

static void print_timespec_in(struct line *l, const struct call *c, unsigned i,
			      const struct trace_names *names)
{
	struct __kernel_timespec ts;

	(void)names;
	if (c->arg[i] == 0 || get_user(&ts, c->arg[i]))
		emit_ptr(l, c->arg[i]);
	else
		emit_timespec(l, &ts);
}
OUT(print_timespec_out, print_timespec_in)

static void print_timespec_pair(struct line *l, const struct call *c, unsigned i,
				const struct trace_names *names)
{
	struct __kernel_timespec ts[2];

	(void)names;
	if (c->arg[i] == 0 || get_user(&ts, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "[");
	emit_timespec(l, &ts[0]);
	emit(l, ", ");
	emit_timespec(l, &ts[1]);
	emit(l, "]");
}

static void print_timeval_in(struct line *l, const struct call *c, unsigned i,
			     const struct trace_names *names)
{
	struct __kernel_old_timeval tv;

	(void)names;
	if (c->arg[i] == 0 || get_user(&tv, c->arg[i]))
		emit_ptr(l, c->arg[i]);
	else
		emit(l, "{tv_sec=%ld, tv_usec=%ld}", (long)tv.tv_sec, (long)tv.tv_usec);
}
OUT(print_timeval_out, print_timeval_in)

static void print_itimerspec_in(struct line *l, const struct call *c, unsigned i,
				const struct trace_names *names)
{
	struct __kernel_itimerspec spec;

	(void)names;
	if (c->arg[i] == 0 || get_user(&spec, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "{it_interval=");
	emit_timespec(l, &spec.it_interval);
	emit(l, ", it_value=");
	emit_timespec(l, &spec.it_value);
	emit(l, "}");
}
OUT(print_itimerspec_out, print_itimerspec_in)

/* Only the waiting operations of futex(2) have a timeout there. The others have a second count. */
static void print_futex_timeout(struct line *l, const struct call *c, unsigned i,
				const struct trace_names *names)
{
	unsigned cmd = (u32)c->arg[1] & FUTEX_CMD_MASK;

	if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI)
		print_timespec_in(l, c, i, names);
	else
		print_hex(l, c, i, names);
}

static void emit_sigset(struct line *l, sigset set)
{
	const char *between = "";
	unsigned count = 0;
	bool most;

	for (sigset rest = set; rest; rest &= rest - 1)
		count++;
	most = count > NSIG / 2;

	emit(l, most ? "~[" : "[");
	for (int sig = 1; sig <= NSIG; sig++) {
		const char *name = trace_signal_name((u64)sig);

		if (!!(set & SIGBIT(sig)) == most)
			continue;
		if (name)
			emit(l, "%s%s", between, name + strlen("SIG"));
		else if (sig == SIGRTMIN)
			emit(l, "%sRTMIN", between);
		else
			emit(l, "%sRT_%d", between, sig - SIGRTMIN);
		between = " ";
	}
	emit(l, "]");
}

static void print_sigset_in(struct line *l, const struct call *c, unsigned i,
			    const struct trace_names *names)
{
	sigset set;

	(void)names;
	if (c->arg[i] == 0 || get_user(&set, c->arg[i]))
		emit_ptr(l, c->arg[i]);
	else
		emit_sigset(l, set);
}
OUT(print_sigset_out, print_sigset_in)

static void print_sigaction_in(struct line *l, const struct call *c, unsigned i,
			       const struct trace_names *names)
{
	struct {
		u64 handler, flags, restorer;
		sigset mask;
	} sa;

	if (c->arg[i] == 0 || get_user(&sa, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	if (sa.handler == (u64)SIG_DFL)
		emit(l, "{sa_handler=SIG_DFL");
	else if (sa.handler == (u64)SIG_IGN)
		emit(l, "{sa_handler=SIG_IGN");
	else
		emit(l, "{sa_handler=%#lx", sa.handler);
	emit(l, ", sa_mask=");
	emit_sigset(l, sa.mask);
	emit(l, ", sa_flags=");
	emit_names(l, sa.flags, names);
	if (sa.flags & SA_RESTORER)
		emit(l, ", sa_restorer=%#lx", sa.restorer);
	emit(l, "}");
}
OUT(print_sigaction_out, print_sigaction_in)

static void print_altstack_in(struct line *l, const struct call *c, unsigned i,
			      const struct trace_names *names)
{
	stack_t ss;

	if (c->arg[i] == 0 || get_user(&ss, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "{ss_sp=");
	emit_ptr(l, (u64)ss.ss_sp);
	emit(l, ", ss_flags=");
	emit_names(l, (u32)ss.ss_flags, names);
	emit(l, ", ss_size=%lu}", (u64)ss.ss_size);
}
OUT(print_altstack_out, print_altstack_in)

static void print_stat_filled(struct line *l, const struct call *c, unsigned i,
			      const struct trace_names *names)
{
	struct stat st;

	if (c->arg[i] == 0 || get_user(&st, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "{st_mode=");
	emit_names(l, st.st_mode & names->value_mask, names);
	emit(l, "|");
	emit_octal(l, st.st_mode & ~(u32)names->value_mask);
	emit(l, ", st_size=%ld, ...}", (long)st.st_size);
}
OUT(print_stat, print_stat_filled)

static void emit_limit(struct line *l, u64 limit)
{
	if (limit == UINT64_MAX)
		emit(l, "RLIM64_INFINITY");
	else if (limit > 1024 && limit % 1024 == 0)
		emit(l, "%lu*1024", limit / 1024);
	else
		emit(l, "%lu", limit);
}

static void print_rlimit_in(struct line *l, const struct call *c, unsigned i,
			    const struct trace_names *names)
{
	struct rlimit_pair limit;

	(void)names;
	if (c->arg[i] == 0 || get_user(&limit, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "{rlim_cur=");
	emit_limit(l, limit.cur);
	emit(l, ", rlim_max=");
	emit_limit(l, limit.max);
	emit(l, "}");
}
OUT(print_rlimit_out, print_rlimit_in)

static void print_fd_pair_filled(struct line *l, const struct call *c, unsigned i,
				 const struct trace_names *names)
{
	s32 fd[2];

	(void)names;
	if (c->arg[i] == 0 || get_user(&fd, c->arg[i]))
		emit_ptr(l, c->arg[i]);
	else
		emit(l, "[%d, %d]", fd[0], fd[1]);
}
OUT(print_fd_pair, print_fd_pair_filled)

static void print_int_filled(struct line *l, const struct call *c, unsigned i,
			     const struct trace_names *names)
{
	s32 value;

	(void)names;
	if (c->arg[i] == 0 || get_user(&value, c->arg[i]))
		emit_ptr(l, c->arg[i]);
	else
		emit(l, "[%d]", value);
}
OUT(print_int_out, print_int_filled)

static void print_wstatus(struct line *l, const struct call *c, unsigned i,
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
	}
	emit(l, "}]");
}

static void print_pollfds(struct line *l, const struct call *c, unsigned i,
			  const struct trace_names *names)
{
	u64 count = MIN((u64)(u32)c->arg[i + 1], (u64)ITEMS_SHOWN);
	struct pollfd p;

	if (c->arg[i] == 0 || get_user(&p, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "[");
	for (u64 n = 0; n < count; n++) {
		if (get_user(&p, c->arg[i] + n * sizeof(p)))
			break;
		emit(l, "%s{fd=%d, events=", n ? ", " : "", p.fd);
		emit_names(l, (u16)p.events, names);
		if (c->done && c->result > 0 && p.revents) {
			emit(l, ", revents=");
			emit_names(l, (u16)p.revents, names);
		}
		emit(l, "}");
	}
	emit(l, count < (u32)c->arg[i + 1] ? ", ...]" : "]");
}

static void print_sockaddr(struct line *l, const struct call *c, unsigned i,
			   const struct trace_names *names)
{
	u16 family;

	if (c->arg[i] == 0 || get_user(&family, c->arg[i])) {
		emit_ptr(l, c->arg[i]);
		return;
	}
	emit(l, "{sa_family=");
	emit_names(l, family, names);
	emit(l, ", ...}");
}

/*
 * Arguments that exist only with certain values of the argument before them. If they do not exist,
 * nothing is printed, not even a comma.
 */
static void print_mode_creat(struct line *l, const struct call *c, unsigned i,
			     const struct trace_names *names)
{
	print_octal(l, c, i, names);
}

static void print_fcntl_arg(struct line *l, const struct call *c, unsigned i,
			    const struct trace_names *names)
{
	switch (c->arg[i - 1]) {
	case F_SETFL:
		emit_names(l, (u32)c->arg[i], names);
		break;
	case F_SETFD:
		if (c->arg[i] == FD_CLOEXEC)
			emit(l, "FD_CLOEXEC");
		else
			emit(l, "%#lx", c->arg[i]);
		break;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		emit_ptr(l, c->arg[i]);
		break;
	default:
		emit(l, "%ld", (s64)c->arg[i]);
		break;
	}
}

static bool is_absent(printer *print, const struct call *c, unsigned i)
{
	u64 before = i ? c->arg[i - 1] : 0;

	if (print == print_mode_creat)
		return !(before & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)));
	if (print == print_fcntl_arg)
		return before == F_GETFD || before == F_GETFL || before == F_GETOWN ||
		       before == F_GETSIG || before == F_GETLEASE || before == F_GETPIPE_SZ ||
		       before == F_GET_SEALS;
	return false;
}

/* clang-format off */
/*        kind            printer               vocabulary */
#define KINDS(X) \
	X(int,            print_int,            NULL) \
	X(uint,           print_uint,           NULL) \
	X(long,           print_long,           NULL) \
	X(size,           print_size,           NULL) \
	X(msec,           print_int,            NULL) \
	X(hex,            print_hex,            NULL) \
	X(octal,          print_octal,          NULL) \
	X(ptr,            print_ptr,            NULL) \
	X(fd,             print_int,            NULL) \
	X(dirfd,          print_dirfd,          NULL) \
	X(signo,          print_signo,          NULL) \
	X(path,           print_path,           NULL) \
	X(buf_in,         print_buf_in,         NULL) \
	X(buf_out,        print_buf_out,        NULL) \
	X(buf_hex,        print_buf_hex,        NULL) \
	X(str_out,        print_str_out,        NULL) \
	X(strings,        print_strings,        NULL) \
	X(env,            print_env,            NULL) \
	X(iov_in,         print_iov_in,         NULL) \
	X(iov_out,        print_iov_out,        NULL) \
	X(timespec_in,    print_timespec_in,    NULL) \
	X(timespec_out,   print_timespec_out,   NULL) \
	X(timespec_pair,  print_timespec_pair,  NULL) \
	X(timeval_in,     print_timeval_in,     NULL) \
	X(timeval_out,    print_timeval_out,    NULL) \
	X(itimerspec_in,  print_itimerspec_in,  NULL) \
	X(itimerspec_out, print_itimerspec_out, NULL) \
	X(futex_timeout,  print_futex_timeout,  NULL) \
	X(sigset_in,      print_sigset_in,      NULL) \
	X(sigset_out,     print_sigset_out,     NULL) \
	X(sigaction_in,   print_sigaction_in,   &trace_sa_names) \
	X(sigaction_out,  print_sigaction_out,  &trace_sa_names) \
	X(altstack_in,    print_altstack_in,    &trace_ss_names) \
	X(altstack_out,   print_altstack_out,   &trace_ss_names) \
	X(stat,           print_stat,           &trace_mode_names) \
	X(rlimit_in,      print_rlimit_in,      NULL) \
	X(rlimit_out,     print_rlimit_out,     NULL) \
	X(fd_pair,        print_fd_pair,        NULL) \
	X(int_out,        print_int_out,        NULL) \
	X(wstatus,        print_wstatus,        NULL) \
	X(pollfds,        print_pollfds,        &trace_poll_names) \
	X(sockaddr,       print_sockaddr,       &trace_domain_names) \
	X(mode_creat,     print_mode_creat,     NULL) \
	X(fcntl_arg,      print_fcntl_arg,      &trace_open_names) \
	X(access_mode,    print_names,          &trace_access_names) \
	X(arch_prctl_op,  print_names,          &trace_arch_prctl_names) \
	X(at_flags,       print_names,          &trace_at_names) \
	X(at_rm_flags,    print_names,          &trace_at_rm_names) \
	X(clock,          print_names,          &trace_clock_names) \
	X(clone_flags,    print_names,          &trace_clone_names) \
	X(domain,         print_names,          &trace_domain_names) \
	X(epoll_op,       print_names,          &trace_epoll_op_names) \
	X(fadvice,        print_names,          &trace_fadvice_names) \
	X(fd_flags,       print_names,          &trace_fd_names) \
	X(fcntl_cmd,      print_names,          &trace_fcntl_names) \
	X(flock_op,       print_names,          &trace_flock_names) \
	X(futex_op,       print_names,          &trace_futex_names) \
	X(ioctl_request,  print_names,          &trace_ioctl_names) \
	X(itimer,         print_names,          &trace_itimer_names) \
	X(madvice,        print_names,          &trace_madvice_names) \
	X(map_flags,      print_names,          &trace_map_names) \
	X(mremap_flags,   print_names,          &trace_mremap_names) \
	X(msg_flags,      print_names,          &trace_msg_names) \
	X(msync_flags,    print_names,          &trace_msync_names) \
	X(open_flags,     print_names,          &trace_open_names) \
	X(prctl_op,       print_names,          &trace_prctl_names) \
	X(prot,           print_names,          &trace_prot_names) \
	X(random_flags,   print_names,          &trace_random_names) \
	X(rlimit,         print_names,          &trace_rlimit_names) \
	X(sig_how,        print_names,          &trace_sig_how_names) \
	X(sock_flags,     print_names,          &trace_sock_names) \
	X(sock_type,      print_names,          &trace_sock_type_names) \
	X(timer_flags,    print_names,          &trace_timer_names) \
	X(wait_options,   print_names,          &trace_wait_names) \
	X(whence,         print_names,          &trace_whence_names)
/* clang-format on */

enum kind {
	KIND_end,
#define X(name, print, names) KIND_##name,
	KINDS(X)
#undef X
};

static const struct {
	printer *print;
	const struct trace_names *names;
} kinds[] = {
#define X(name, print, names) [KIND_##name] = {print, names},
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

static void emit_args(struct line *l, u64 nr, const struct call *c)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows[nr].kind); i++) {
		unsigned kind = rows[nr].kind[i];

		if (kind == KIND_end || is_absent(kinds[kind].print, c, i))
			break;
		if (i)
			emit(l, ", ");
		kinds[kind].print(l, c, i, kinds[kind].names);
	}
}

static void emit_result(struct line *l, u64 nr, s64 result)
{
	const char *name, *text;

	if (result < 0 && result >= -ERROR_MAX && trace_error((u64)-result, &name, &text)) {
		emit(l, result <= -ERESTARTSYS ? "? %s (%s)" : "-1 %s (%s)", name, text);
		return;
	}
	switch (nr) {
	case __NR_mmap:
	case __NR_mremap:
	case __NR_brk:
	case __NR_shmat:
		emit(l, "%#lx", (u64)result);
		break;
	case __NR_umask:
		emit_octal(l, (u32)result);
		break;
	default:
		emit(l, "%ld", result);
		break;
	}
}

/* Returns an empty line, or NULL if memory is short. */
static struct line *line_new(void)
{
	struct line *l = kmalloc(sizeof(*l));

	if (l) {
		l->len = 0;
		l->max = LINE_MAX;
	}
	return l;
}

static void send(struct line *l)
{
	hc_trace(l->text, l->len);
	kfree(l);
}

/* Returns "name(args)", padded for the result, or NULL if memory is short. */
static struct line *begin(u64 nr, const struct call *c)
{
	s64 number = check_syscall_number(nr);
	struct line *l = line_new();

	if (!l)
		return NULL;
	l->max = ARGS_MAX;
	if (nr < ARRAY_SIZE(rows) && rows[nr].name) {
		emit(l, "%s(", rows[nr].name);
		emit_args(l, nr, c);
	} else if (number >= 0) {
		emit(l, "chk_call_%ld(%#lx, %#lx, %#lx, %#lx", number, c->arg[0], c->arg[1],
		     c->arg[2], c->arg[3]);
	} else {
		emit(l, "syscall_%#lx(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx", nr, c->arg[0], c->arg[1],
		     c->arg[2], c->arg[3], c->arg[4], c->arg[5]);
	}
	l->max = LINE_MAX;
	emit(l, ")");
	emit(l, "%*s= ", l->len < RESULT_AT ? (int)(RESULT_AT - l->len) : 1, "");
	return l;
}

void trace_enter(u64 nr, const struct syscall_args *args)
{
	struct call c = {.arg = args->a};
	struct line *l;

	switch (nr) {
	case __NR_execve:
	case __NR_execveat:
		current()->trace_line = begin(nr, &c);
		break;
	case __NR_exit:
	case __NR_exit_group:
		l = begin(nr, &c);
		if (l) {
			emit(l, "?");
			send(l);
		}
		break;
	}
}

void trace_syscall(u64 nr, const struct syscall_args *args, s64 result)
{
	struct call c = {.arg = args->a, .result = result, .done = true};
	struct line *l = current()->trace_line;

	if (l)
		current()->trace_line = NULL;
	else
		l = begin(nr, &c);
	if (!l)
		return;
	emit_result(l, nr, result);
	send(l);
}

void trace_signal(const siginfo_t *info)
{
	struct line *l = line_new();

	if (!l)
		return;
	emit(l, "--- ");
	emit_signal(l, (u64)info->si_signo);
	if (info->si_code > 0 && info->si_code != SI_KERNEL && info->si_signo != SIGCHLD)
		emit(l, " {si_code=%d, si_addr=%#lx} ---", info->si_code, (u64)info->si_addr);
	else
		emit(l, " {si_code=%d, si_pid=%d, si_uid=%u} ---", info->si_code, info->si_pid,
		     info->si_uid);
	send(l);
}

void trace_exit(int wait_status)
{
	struct line *l = line_new();

	if (!l)
		return;
	if (wait_status & 0x7f) {
		emit(l, "+++ killed by ");
		emit_signal(l, (u64)(wait_status & 0x7f));
		emit(l, " +++");
	} else {
		emit(l, "+++ exited with %d +++", wait_status >> 8 & 0xff);
	}
	send(l);
}
