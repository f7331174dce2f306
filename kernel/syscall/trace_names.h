/* SPDX-License-Identifier: MIT */
/* Names of numbers for the trace: values, flags, errors. */
#ifndef KERNEL_SYSCALL_TRACE_NAMES_H
#define KERNEL_SYSCALL_TRACE_NAMES_H

#include "common/types.h"

struct trace_name {
	u64 value;
	const char *text; /* NULL: the end of the list */
};

/*
 * A vocabulary. The bits in value_mask are one number, the other bits are single flags. An entry of
 * the list may have several bits; it stands before the entries of its parts. zero is the name of 0;
 * NULL: "0".
 */
struct trace_names {
	u64 value_mask;
	const char *zero;
	const struct trace_name *list;
};

/* clang-format off */
#define TRACE_VOCABULARIES(X) \
	X(access) X(arch_prctl) X(at) X(at_rm) X(clock) X(clone) X(domain) X(efd) X(epoll) \
	X(epoll_flags) X(epoll_op) X(fadvice) X(fcntl) X(fd) X(flock) X(fs_type) X(futex) \
	X(iflag) X(in) X(in_flags) X(ioctl) X(ip) X(ipproto) X(ipv6) X(itimer) X(lflag) \
	X(lock_type) X(madvice) X(map) X(memfd) X(mode) X(mremap) X(msg) X(msync) X(netlink) \
	X(oflag) X(open) X(poll) X(prctl) X(prot) X(random) X(rename) X(resolve) X(rlimit) \
	X(rusage) X(sa) X(scm) X(sfd) X(shut) X(si_any) X(si_bus) X(si_chld) X(si_fpe) X(si_ill) \
	X(si_poll) X(si_segv) X(si_trap) X(sig_how) X(so) X(sock) X(sock_type) X(sol) X(ss) X(st) \
	X(statx) X(statx_flags) X(tcp) X(tfd) X(timer) X(wait) X(wait_id) X(whence)
/* clang-format on */

#define X(name) extern const struct trace_names trace_##name##_names;
TRACE_VOCABULARIES(X)
#undef X

/* Returns a signal's name, such as "SIGINT", or NULL. Real-time signals have no names here. */
const char *trace_signal_name(u64 sig);
/* Returns the vocabulary of si_code for this signal and code: sigaction(2). */
const struct trace_names *trace_si_names(s32 sig, s32 code);
/*
 * Sets the name of an error number, such as "ENOENT", and its text. Returns false if the number is
 * unknown.
 */
bool trace_error(u64 error, const char **name, const char **text);

#endif
