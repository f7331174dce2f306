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
	X(access) X(arch_prctl) X(at) X(at_rm) X(clock) X(clone) X(domain) X(epoll_op) X(fadvice) \
	X(fcntl) X(fd) X(flock) X(futex) X(ioctl) X(itimer) X(madvice) X(map) X(mode) X(mremap) \
	X(msg) X(msync) X(open) X(poll) X(prctl) X(prot) X(random) X(rlimit) X(sa) X(sig_how) \
	X(sock) X(sock_type) X(ss) X(timer) X(wait) X(whence)
/* clang-format on */

#define X(name) extern const struct trace_names trace_##name##_names;
TRACE_VOCABULARIES(X)
#undef X

/* Returns a signal's name, such as "SIGINT", or NULL. Real-time signals have no names here. */
const char *trace_signal_name(u64 sig);
/*
 * Sets the name of an error number, such as "ENOENT", and its text. Returns false if the number is
 * unknown.
 */
bool trace_error(u64 error, const char **name, const char **text);

#endif
