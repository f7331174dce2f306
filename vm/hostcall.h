/* SPDX-License-Identifier: MIT */
/*
 * The inner interface of the monitor's hostcalls: what hostcall.c, which checks and marshals the
 * arguments by the table, and the functions of the table's FN rows share.
 *
 * The arguments of such a function are checked and copied. An integer is as the guest sent it. A
 * handle is a descriptor that stays open during the call, or -1 if the guest named none. Paths and
 * buffers are in the monitor's own memory. Segments are an iovec into guest memory, whose content
 * the guest may change at any time. Each function returns >= 0 or -errno.
 */
#ifndef VM_HOSTCALL_H
#define VM_HOSTCALL_H

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "common/foreach.h"
#include "common/hostcall.h"
#include "vm/vm.h"

/* One argument after its check and copy. */
struct hc_arg {
	union {
		u64 value;
		int fd;
		const char *path;
		void *buf; /* NULL if the guest's buffer is empty */
		const struct iovec *iov;
	};
	u32 len;    /* bytes of a buffer or path, elements of the iovec */
	u32 offset; /* of a buffer in the hostcall area */
};

struct call {
	struct sandbox *s;
	struct vcpu *v;
	u32 nr;
	u32 out_bytes; /* most bytes of each out or inout buffer that are copied to the guest */
	struct hc_arg arg[HOSTCALL_ARGS];
	u32 held; /* number of references in hold[] */
	int hold[HOSTCALL_ARGS];
};

/*
 * Makes a host system call. Returns its result, >= 0 or -errno. Hostcalls reach the host through
 * this function or, if they may sleep, through vcpu_syscall and its variants (vm.h); ioctls on
 * KVM's descriptors are made directly. Tests and the fuzzer link their own version.
 */
s64 host_syscall(long nr, const u64 arg[6]);

#define HOST_CALL(name, ...)	 host_syscall(SYS_##name, (const u64[6]){__VA_ARGS__})
#define HOST_SLEEP(c, name, ...) vcpu_syscall((c)->v, SYS_##name, (const u64[6]){__VA_ARGS__})
/*
 * HOST_SLEEP for all calls but those that wait for signals: if a kick comes before the host call,
 * the result is -HOSTCALL_AGAIN, and the program's call is repeated after the handler.
 */
#define HOST_AGAIN(c, name, ...) vcpu_syscall_again((c)->v, SYS_##name, (const u64[6]){__VA_ARGS__})

/*
 * Makes readv, writev, preadv2 or pwritev2; arg[0] is the file. A kick interrupts the call only
 * where a signal would on Linux: never on a regular file, and elsewhere only if the call has to
 * wait and has transferred nothing. Programs do not expect EINTR otherwise (signal(7)).
 */
s64 host_transfer(struct call *c, long nr, const u64 arg[6]);

/* Makes sendmsg or recvmsg; a kick interrupts it under the same conditions. */
s64 host_message(struct call *c, long nr, u64 file, struct msghdr *msg, u64 flags);

/*
 * Returns what a call on this file returns if it would have to wait but was kicked: -EAGAIN if the
 * file is nonblocking, else -EINTR.
 */
s64 host_would_wait(u64 file);

/*
 * readlinkat(2), but returns -EACCES for a link in the monitor's own directory of procfs
 * (own_proc.h): these links tell the monitor's process number, program and descriptors.
 */
s64 host_readlink(int dir, const char *path, char *target, u64 size);

/*
 * Gives the calling thread its own working directory and umask (unshare(2), CLONE_FS). Returns 0 or
 * -errno.
 */
s64 host_own_fs(void);

/*
 * Makes dir the calling thread's working directory, for host calls that take no directory
 * descriptor. Does nothing if path is absolute; dir may be -1 then. Returns 0 or -errno.
 */
s64 host_enter_dir(int dir, const char *path);

/*
 * Makes handles of two new descriptors, which it takes over, and writes their numbers to handles.
 * Returns 0. On failure both are closed and it returns -EINVAL or -EMFILE.
 */
s64 host_new_pair(int fd[2], void *handles, u32 handles_len);

/*
 * Makes an exitless call (common/hostcall.h) without sleeping; run is the function of the call's
 * row. Returns the call's result, or -HOSTCALL_SLEEPS if the call might sleep; nothing has happened
 * then.
 */
s64 hostcall_nonblocking(struct call *c, s64 (*run)(struct call *c));
#define HOSTCALL_SLEEPS 514

/*
 * Set before the first hostcall if there is a jail: returns the function that makes a call instead
 * of the one of its row, or NULL if the guest may not make the call.
 */
extern s64 (*(*hostcall_jail)(u32 nr, s64 (*run)(struct call *c)))(struct call *c);

/* Set with it: called after each call, whose arguments are still there. */
extern void (*hostcall_jailed)(const struct call *c, s64 ret);

/* How a lookup batch makes its lookups; results are those of the host calls. */
struct lookup_ops {
	s64 (*readlink)(int dir, const char *path, char *target, u64 size);
	s64 (*stat)(int dir, const char *path, void *st, u64 flags);
	s64 (*access)(int dir, const char *path, u64 mode, u64 flags);
};
/* Makes the hostcall lookup. */
s64 hostcall_lookup_batch(struct call *c, const struct lookup_ops *ops, int dir, int closes,
			  const void *lookups, u32 lookups_len, void *answers, u32 answers_len);

/* Returns the number of bytes of an iovec, UINT64_MAX on overflow. */
u64 iov_bytes(const struct iovec *iov, u32 count);

/* The parameters of hc_do_NAME for each kind of argument. */
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

/* HC_ROW calls prefix##SYS, prefix##SLEEP, prefix##NEWFD or prefix##FN with the row. */
#define HC_IMPL_SYS(x)		   SYS, SYS_##x
#define HC_IMPL_SLEEP(x)	   SLEEP, SYS_##x
#define HC_IMPL_NEWFD(x)	   NEWFD, SYS_##x
#define HC_IMPL_FN		   FN, 0
#define HC_ROW(prefix, ...)	   HC_ROW_(prefix, __VA_ARGS__)
#define HC_ROW_(prefix, impl, ...) prefix##impl(__VA_ARGS__)

/* Declares s64 hc_do_NAME(struct call *, parameters) for each FN row. */
#define HC_DECLARE_SYS(sys, name, ...)
#define HC_DECLARE_SLEEP(sys, name, ...)
#define HC_DECLARE_NEWFD(sys, name, ...)
#define HC_DECLARE_FN(sys, name, ...)                                                              \
	s64 hc_do_##name(struct call *c, FOR_EACH_COMMA(HC_DECL, __VA_ARGS__));
#define HOSTCALL(nr, name, impl, desc, ...) HC_ROW(HC_DECLARE_, HC_IMPL_##impl, name, __VA_ARGS__)
#include "common/hostcall.def"

#endif
