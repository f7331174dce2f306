/* SPDX-License-Identifier: MIT */
/*
 * A line of the trace while it is made, and what prints into it. trace.c decides which lines there
 * are and where they go; trace_args.c has the kinds of arguments, trace_structs.c and
 * trace_socket.c print the larger ones.
 */
#ifndef KERNEL_SYSCALL_TRACE_LINE_H
#define KERNEL_SYSCALL_TRACE_LINE_H

#include "common/types.h"
#include "kernel/kernel.h"
#include "kernel/syscall/trace_names.h"

struct siginfo;
struct syscall_args;

#define TRACE_ITEMS 32 /* of an array that are shown */
#define ERROR_MAX   4095

/* A text that ends when max - 1 bytes are in it: what does not fit is left out. */
struct line {
	u32 len, max;
	char *text;
};

/* A system call as its printers see it. */
struct call {
	u64 nr;
	const u64 *arg;
	s64 result;
	u64 sp;	   /* the program's stack pointer; 0: unknown */
	s32 given; /* what the call's socklen_t argument pointed to before the call; -1: unknown */
	bool done; /* the result is known */
};

typedef void printer(struct line *l, const struct call *c, unsigned i,
		     const struct trace_names *names);

static inline bool call_failed(const struct call *c)
{
	return c->done && c->result < 0 && c->result >= -ERROR_MAX;
}

/* trace_line.c: what every printer uses. */
void emit(struct line *l, const char *fmt, ...) __printf(2, 3);
void emit_char(struct line *l, char ch);
void emit_ptr(struct line *l, u64 p);	   /* "NULL" or a hexadecimal number */
void emit_octal(struct line *l, u32 mode); /* "0644" */
void emit_signal(struct line *l, u64 sig);
void emit_sigset(struct line *l, u64 set);
void emit_names(struct line *l, u64 value, const struct trace_names *names);
/* Kernel memory, quoted; cut: "..." behind it. */
void emit_bytes(struct line *l, const u8 *bytes, u64 len, bool cut);
/* The program's memory, quoted; at most boot->trace.length bytes. A pointer if it cannot be read.
 */
void emit_user_bytes(struct line *l, u64 addr, u64 len);
void emit_user_string(struct line *l, u64 addr);
/* A number that names a descriptor, with its path if the user wants it. */
void emit_fd(struct line *l, s32 fd);
/* The most bytes of a string or buffer that are shown. */
u64 trace_shown(void);

/*
 * trace_args.c: prints the arguments of c from *next on, with commas. Before the call (c->done is
 * false) it stops at the first one that the call fills. *next is where to go on after the call.
 */
void trace_args(struct line *l, const struct call *c, unsigned *next);
/* Returns the name of a system call, or NULL. */
const char *trace_call_name(u64 nr);
/*
 * Returns the value of the call's socklen_t before the call, which may be in its struct msghdr; -1
 * if it has none.
 */
#define MSGHDR_NAMELEN 8
s32 trace_given(u64 nr, const u64 *arg);
/* Prints the result, and what strace puts behind it. */
void trace_result(struct line *l, const struct call *c);

/* trace_structs.c, trace_socket.c */
void emit_siginfo(struct line *l, const struct siginfo *info);
/* X(kind, printer, vocabulary or NULL, IN or OUT): OUT is printed after the call. */
/* clang-format off */
#define TRACE_STRUCT_KINDS(X) \
	X(altstack_in,    print_altstack,       &trace_ss_names,      IN) \
	X(altstack_out,   print_altstack,       &trace_ss_names,      OUT) \
	X(clone_args,     print_clone_args,     &trace_clone_names,   OUT) \
	X(cpu_set,        print_cpu_set,        NULL,                 IN) \
	X(cpu_set_out,    print_cpu_set,        NULL,                 OUT) \
	X(dirents,        print_dirents,        NULL,                 OUT) \
	X(epoll_event,    print_epoll_event,    &trace_epoll_names,   IN) \
	X(epoll_events,   print_epoll_events,   &trace_epoll_names,   OUT) \
	X(fd_set,         print_fd_set,         NULL,                 IN) \
	X(groups,         print_groups,         NULL,                 IN) \
	X(groups_out,     print_groups,         NULL,                 OUT) \
	X(int_out,        print_int_ptr,        NULL,                 OUT) \
	X(fd_pair,        print_fd_pair,        NULL,                 OUT) \
	X(ioctl_arg,      print_ioctl_arg,      NULL,                 OUT) \
	X(itimerspec_in,  print_itimerspec,     NULL,                 IN) \
	X(itimerspec_out, print_itimerspec,     NULL,                 OUT) \
	X(itimerval_in,   print_itimerval,      NULL,                 IN) \
	X(itimerval_out,  print_itimerval,      NULL,                 OUT) \
	X(offset_inout,   print_offset,         NULL,                 OUT) \
	X(open_how,       print_open_how,       &trace_open_names,    IN) \
	X(pollfds,        print_pollfds,        &trace_poll_names,    IN) \
	X(rlimit_in,      print_rlimit,         NULL,                 IN) \
	X(rlimit_out,     print_rlimit,         NULL,                 OUT) \
	X(rusage,         print_rusage,         NULL,                 OUT) \
	X(sched_param,    print_sched_param,    NULL,                 IN) \
	X(sched_param_out,print_sched_param,    NULL,                 OUT) \
	X(sigaction_in,   print_sigaction,      &trace_sa_names,      IN) \
	X(sigaction_out,  print_sigaction,      &trace_sa_names,      OUT) \
	X(siginfo_in,     print_siginfo,        NULL,                 IN) \
	X(siginfo_out,    print_siginfo,        NULL,                 OUT) \
	X(sigset_in,      print_sigset,         NULL,                 IN) \
	X(sigset_out,     print_sigset,         NULL,                 OUT) \
	X(sigset_pair,    print_sigset_pair,    NULL,                 IN) \
	X(stat,           print_stat,           &trace_mode_names,    OUT) \
	X(statfs,         print_statfs,         &trace_fs_type_names, OUT) \
	X(statx,          print_statx,          &trace_mode_names,    OUT) \
	X(sysinfo,        print_sysinfo,        NULL,                 OUT) \
	X(timespec_in,    print_timespec,       NULL,                 IN) \
	X(timespec_out,   print_timespec,       NULL,                 OUT) \
	X(timespec_pair,  print_timespec_pair,  NULL,                 IN) \
	X(timeval_in,     print_timeval,        NULL,                 IN) \
	X(timeval_out,    print_timeval,        NULL,                 OUT) \
	X(timeval_pair,   print_timeval_pair,   NULL,                 IN) \
	X(tms,            print_tms,            NULL,                 OUT) \
	X(utsname,        print_utsname,        NULL,                 OUT) \
	X(wstatus,        print_wstatus,        NULL,                 OUT)
#define TRACE_SOCKET_KINDS(X) \
	X(sockaddr,       print_sockaddr,       &trace_domain_names,  IN) \
	X(sockaddr_out,   print_sockaddr_out,   &trace_domain_names,  OUT) \
	X(socklen_out,    print_socklen,        NULL,                 OUT) \
	X(protocol,       print_protocol,       &trace_ipproto_names, IN) \
	X(sockopt,        print_sockopt,        NULL,                 IN) \
	X(optval_in,      print_optval_in,      NULL,                 IN) \
	X(optval_out,     print_optval_out,     NULL,                 OUT) \
	X(optlen_out,     print_optlen,         NULL,                 OUT) \
	X(msghdr_in,      print_msghdr,         &trace_msg_names,     IN) \
	X(msghdr_out,     print_msghdr_out,     &trace_msg_names,     OUT)
/* clang-format on */
#define X(kind, print, names, when) printer print;
TRACE_STRUCT_KINDS(X)
TRACE_SOCKET_KINDS(X)
#undef X

/* trace_structs.c: "{iov_base=..., iov_len=...}" of count elements, with at most bytes of data. */
void emit_iov(struct line *l, u64 addr, u64 count, u64 bytes);
/* trace_structs.c: whether the data of an ioctl(2) request is filled by the call. */
bool trace_ioctl_fills(u64 request);
/* trace_structs.c: what strace prints behind the result of poll(2) and select(2). */
void emit_poll_result(struct line *l, const struct call *c);
void emit_select_result(struct line *l, const struct call *c);

#endif
