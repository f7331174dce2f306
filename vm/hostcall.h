/* SPDX-License-Identifier: MIT */
/*
 * Inside of the monitor's hostcalls: what hostcall.c (checks and marshalling, from the table) and
 * the functions behind the table's FN rows share.
 *
 * When a function runs, its arguments are checked and copied: integers as they came, handles as
 * descriptors that stay open during the call (-1 where the guest named none), paths and buffers
 * in the monitor's own memory, segments as an iovec into guest memory, whose content the guest may
 * change at any time. Results: >= 0 or -errno.
 */
#ifndef VM_HOSTCALL_H
#define VM_HOSTCALL_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "common/foreach.h"
#include "common/hostcall.h"
#include "vm/vm.h"

/* One argument after marshalling. */
struct hc_arg {
	union {
		u64 value;
		int fd;
		const char *path;
		void *buf; /* NULL when the guest's buffer has no bytes */
		const struct iovec *iov;
	};
	u32 len;    /* bytes of a buffer or path, elements of the iovec */
	u32 offset; /* where a buffer lies in the area */
};

struct call {
	struct sandbox *s;
	struct vcpu *v;
	u32 nr;
	u32 out_bytes; /* most bytes of an out or inout buffer that go back to the guest */
	struct hc_arg arg[HOSTCALL_ARGS];
	u32 held; /* references in hold[] */
	int hold[HOSTCALL_ARGS];
};

/*
 * The one way to the host: a system call and its result, >= 0 or -errno. (vcpu_syscall of vm.h is
 * the other leaf of it, for calls that sleep.) The tests and the fuzzer put their own here.
 */
s64 host_syscall(long nr, const u64 arg[6]);

#define HOST_CALL(name, ...)	 host_syscall(SYS_##name, (const u64[6]){__VA_ARGS__})
#define HOST_SLEEP(c, name, ...) vcpu_syscall((c)->v, SYS_##name, (const u64[6]){__VA_ARGS__})
/* For calls that a signal before them does not concern: all but those that wait for signals. */
#define HOST_AGAIN(c, name, ...) vcpu_syscall_again((c)->v, SYS_##name, (const u64[6]){__VA_ARGS__})

/*
 * readv, writev, preadv2 or pwritev2 whose file is arg[0]. A kick interrupts it only where Linux
 * would let a signal do so: not on regular files, and elsewhere only when it has to wait, with
 * nothing transferred yet. Programs do not expect EINTR otherwise (signal(7)).
 */
s64 host_transfer(struct call *c, long nr, const u64 arg[6]);

/* sendmsg or recvmsg, with the same promise. */
s64 host_message(struct call *c, long nr, u64 file, struct msghdr *msg, u64 flags);

/* What a call on this file returns that has to wait but was kicked: -EAGAIN or -EINTR. */
s64 host_would_wait(u64 file);

/*
 * readlinkat(2), but -EACCES for a link in the monitor's own directory of procfs (own_proc.h):
 * those tell the monitor's number, program and descriptors.
 */
s64 host_readlink(int dir, const char *path, char *target, u64 size);

/* Gives this thread a working directory and umask of its own. 0 or -errno. */
s64 host_own_fs(void);

/*
 * Makes dir this thread's working directory, for host calls that know no directory descriptor.
 * Not for an absolute path: dir may be -1 then.
 */
s64 host_enter_dir(int dir, const char *path);

/*
 * Makes handles of two new descriptors and writes their numbers to handles. 0, or -errno and both
 * are closed.
 */
s64 host_new_pair(int fd[2], void *handles, u32 handles_len);

/*
 * The body of an exitless call (common/hostcall.h), which must not sleep; run is the row's. Its
 * result, or -HOSTCALL_SLEEPS and nothing has happened.
 */
s64 hostcall_nonblocking(struct call *c, s64 (*run)(struct call *c));
#define HOSTCALL_SLEEPS 514

/* Bytes of an iovec; saturates. */
u64 iov_bytes(const struct iovec *iov, u32 count);

/* Parameters of the functions, by kind. */
#define HC_DECL(t)		   HC_DECL_ t
#define HC_DECL_(kind, ...)	   HC_DECL_##kind(__VA_ARGS__)
#define HC_DECL_none()		   u64 none_
#define HC_DECL_int(n)		   u64 n
#define HC_DECL_handle(n)	   int n
#define HC_DECL_path(n)		   const char *n
#define HC_DECL_in(n, max)	   const void *n, u32 n##_len
#define HC_DECL_out(n, max)	   void *n, u32 n##_len
#define HC_DECL_inout(n, max)	   void *n, u32 n##_len
#define HC_DECL_len()		   u64 len_
#define HC_DECL_segs_in(n)	   const struct iovec *n, u32 n##_count
#define HC_DECL_segs_out(n)	   const struct iovec *n, u32 n##_count

/* SYS(x), SLEEP(x), NEWFD(x) and FN pick one of four macros and hand it the row. */
#define HC_IMPL_SYS(x)		   SYS, SYS_##x
#define HC_IMPL_SLEEP(x)	   SLEEP, SYS_##x
#define HC_IMPL_NEWFD(x)	   NEWFD, SYS_##x
#define HC_IMPL_FN		   FN, 0
#define HC_ROW(prefix, ...)	   HC_ROW_(prefix, __VA_ARGS__)
#define HC_ROW_(prefix, impl, ...) prefix##impl(__VA_ARGS__)

/* s64 hc_do_NAME(struct call *, parameters) for each FN row. */
#define HC_DECLARE_SYS(sys, name, ...)
#define HC_DECLARE_SLEEP(sys, name, ...)
#define HC_DECLARE_NEWFD(sys, name, ...)
#define HC_DECLARE_FN(sys, name, ...)                                                              \
	s64 hc_do_##name(struct call *c, FOR_EACH_COMMA(HC_DECL, __VA_ARGS__));
#define HOSTCALL(nr, name, impl, desc, ...) HC_ROW(HC_DECLARE_, HC_IMPL_##impl, name, __VA_ARGS__)
#include "common/hostcall.def"

#endif
