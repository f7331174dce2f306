// SPDX-License-Identifier: MIT
/* Hostcalls on files and paths that do more than the host's system call of the same name. */
#include <linux/kcmp.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/jail/limits.h"
#include "vm/jail/net.h"
#include "vm/memory_files.h"
#include "vm/own_proc.h"
#include "vm/window.h"

#ifndef F_CREATED_QUERY /* Linux 6.12 */
#define F_CREATED_QUERY 1028
#endif

#define PIPE_ROOM (1u << 20) /* pipe-max-size of an ordinary user: pipe(7) */
#define XATTR_MAX 0x10000    /* XATTR_SIZE_MAX and XATTR_LIST_MAX: xattr(7) */

/* The path of an open file's link in /proc. */
struct fd_link {
	char path[32];
};

static struct fd_link fd_link(int fd)
{
	struct fd_link link;

	snprintf(link.path, sizeof(link.path), "/proc/self/fd/%d", fd);
	return link;
}

#define OPEN_ALWAYS (O_CLOEXEC | O_NOCTTY | O_LARGEFILE)

/*
 * Opens a file; a kick interrupts it. Returns -EINTR only for a file that may wait for a peer
 * (fifo(7)) or for a device, because programs do not expect EINTR from others. dir and path name
 * the file that arg opens. *opened, if not NULL, gets the file's attributes, or zeros if the host
 * does not give them. Returns a handle or -errno.
 */
static s64 open_file(struct call *c, long nr, const u64 arg[6], int dir, const char *path,
		     struct stat *opened)
{
	s64 fd = vcpu_syscall(c->v, nr, arg);
	struct stat st;

	if (fd == -EINTR) {
		s64 err = HOST_CALL(newfstatat, (u64)dir, (u64)path, (u64)&st, 0);

		if (err < 0 || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
			fd = host_syscall(nr, arg);
	}
	if (fd == -EACCES && own_proc_is_shared(path))
		fd = own_proc_open(nr, arg);
	if (fd < 0)
		return fd;
	if (own_proc_forbids((int)fd)) {
		HOST_CALL(close, (u64)fd);
		return -EACCES;
	}
	if (opened && HOST_CALL(fstat, (u64)fd, (u64)opened) < 0)
		memset(opened, 0, sizeof(*opened));
	return handle_add((int)fd);
}

s64 hc_do_openat(struct call *c, int dir, const char *path, u64 flags, u64 mode)
{
	const u64 arg[6] = {(u64)dir, (u64)path, flags | OPEN_ALWAYS, mode};

	return open_file(c, SYS_openat, arg, dir, path, NULL);
}

s64 hc_do_open_stat(struct call *c, int dir, const char *path, u64 flags, u64 mode, void *st,
		    u32 st_len)
{
	const u64 arg[6] = {(u64)dir, (u64)path, flags | OPEN_ALWAYS, mode};

	if (st_len < sizeof(struct stat))
		return -EINVAL;
	return open_file(c, SYS_openat, arg, dir, path, st);
}

s64 hc_do_openat2(struct call *c, int dir, const char *path, const void *how, u32 how_len)
{
	struct open_how own;

	if (how_len != sizeof(own))
		return -EINVAL;
	memcpy(&own, how, sizeof(own));
	/* openat2(2) allows few flags together with O_PATH. */
	own.flags |= own.flags & O_PATH ? O_CLOEXEC : OPEN_ALWAYS;
	return open_file(c, SYS_openat2,
			 (const u64[6]){(u64)dir, (u64)path, (u64)&own, sizeof(own)}, dir, path,
			 NULL);
}

s64 hc_do_reopen(struct call *c, int file, u64 flags)
{
	struct fd_link link = fd_link(file);
	const u64 arg[6] = {(u64)AT_FDCWD, (u64)link.path, flags | OPEN_ALWAYS};

	return file < 0 ? -EBADF : open_file(c, SYS_openat, arg, AT_FDCWD, link.path, NULL);
}

s64 hc_do_close(struct call *c, int file)
{
	if (file < 0)
		return -EBADF;
	c->held = 0; /* handle_close drops the reference */
	return handle_close(file);
}

s64 hc_do_release(struct call *c, const void *what, u32 what_len)
{
	u32 count = what_len / sizeof(struct hostcall_release);

	(void)c;
	for (u32 i = 0; i < count; i++) {
		struct hostcall_release r;
		int fd;

		memcpy(&r, (const u8 *)what + i * sizeof(r), sizeof(r));
		if (r.window) {
			window_close(r.number);
			continue;
		}
		fd = handle_get(r.number);
		if (fd >= 0)
			handle_close(fd);
	}
	return count;
}

s64 hc_do_dup(struct call *c, int file)
{
	s64 fd = HOST_CALL(fcntl, (u64)file, F_DUPFD_CLOEXEC, 0);

	(void)c;
	return fd < 0 ? fd : handle_add((int)fd);
}

s64 hc_do_same_file(struct call *c, int a, int b)
{
	u64 self = (u64)getpid();
	s64 order;

	(void)c;
	if (a < 0 || b < 0)
		return -EBADF;
	order = HOST_CALL(kcmp, self, self, KCMP_FILE, (u64)a, (u64)b);
	return order < 0 ? order : order == 0;
}

s64 hc_do_handle_path(struct call *c, int file, void *path, u32 path_len)
{
	struct fd_link link = fd_link(file);

	(void)c;
	if (file < 0)
		return -EBADF;
	return HOST_CALL(readlink, (u64)link.path, (u64)path, path_len);
}

s64 hc_do_handle_info(struct call *c, int file, void *text, u32 text_len)
{
	char path[40];
	s64 fd, n, done = 0;

	(void)c;
	if (file < 0)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", file);
	fd = HOST_CALL(openat, (u64)AT_FDCWD, (u64)path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fd;
	do {
		n = HOST_CALL(read, (u64)fd, (u64)text + (u64)done, text_len - (u64)done);
		done += MAX(n, 0L);
	} while (n > 0 && done < text_len);
	HOST_CALL(close, (u64)fd);
	return n < 0 ? n : done;
}

/* Reads only from a regular file: another one may wait for data, or lose it. */
s64 hc_do_inspect(struct call *c, int file, void *inspect, u32 inspect_len, void *name,
		  u32 name_len, const struct iovec *head, u32 head_count)
{
	struct hostcall_inspect *i = inspect;
	struct stat st;
	s64 ret;

	if (inspect_len != sizeof(*i))
		return -EINVAL;
	ret = HOST_CALL(fstat, (u64)file, (u64)&st);
	if (ret < 0)
		return ret;
	_Static_assert(sizeof(i->stat) == sizeof(st), "a struct stat of the host");
	memcpy(i->stat, &st, sizeof(st));
	if (!S_ISREG(st.st_mode))
		return 0;
	i->access =
		(s32)HOST_CALL(faccessat2, (u64)file, (u64) "", X_OK, AT_EACCESS | AT_EMPTY_PATH);
	i->name_len = (s32)hc_do_handle_path(c, file, name, name_len);
	return i->access ? 0 : HOST_CALL(preadv2, (u64)file, (u64)head, head_count, 0, 0, 0);
}

/* Uses an O_PATH descriptor, so that the file that is checked is the file that is read. */
s64 host_readlink(int dir, const char *path, char *target, u64 size)
{
	s64 fd, n = -EACCES;

	/* With "" the link is dir itself, which was checked when it became a handle. */
	if (path[0] == '\0')
		return HOST_CALL(readlinkat, (u64)dir, (u64)path, (u64)target, size);
	fd = HOST_CALL(openat, (u64)dir, (u64)path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fd;
	if (!own_proc_forbids((int)fd))
		n = HOST_CALL(readlinkat, (u64)fd, (u64) "", (u64)target, size);
	HOST_CALL(close, (u64)fd);
	return n == -ENOENT ? -EINVAL : n; /* not a link */
}

s64 hc_do_readlinkat(struct call *c, int dir, const char *path, void *target, u32 target_len,
		     u64 len_)
{
	(void)c, (void)len_;
	return host_readlink(dir, path, target, target_len);
}

s64 hc_do_futimens(struct call *c, int file, const void *times, u32 times_len)
{
	(void)c, (void)times_len;
	return HOST_CALL(utimensat, (u64)file, 0, (u64)times, 0);
}

s64 hc_do_statfs(struct call *c, int dir, const char *path, void *st, u32 st_len)
{
	s64 err = host_enter_dir(dir, path);

	(void)c, (void)st_len;
	return err < 0 ? err : HOST_CALL(statfs, (u64)path, (u64)st);
}

s64 hc_do_truncate(struct call *c, int dir, const char *path, u64 length)
{
	s64 err = host_enter_dir(dir, path);
	s64 fd;

	(void)c;
	if (err == 0 && (memory_files_count() || limits_on_writes())) {
		fd = HOST_CALL(openat, (u64)AT_FDCWD, (u64)path, O_PATH | O_CLOEXEC);
		if (fd >= 0) {
			err = limits_resize((int)fd, length);
			if (err == 0)
				err = memory_files_reserve((int)fd, length);
			HOST_CALL(close, (u64)fd);
		}
	}
	return err < 0 ? err : HOST_CALL(truncate, (u64)path, length);
}

s64 hc_do_ftruncate(struct call *c, int file, u64 length)
{
	s64 err = (s64)length < 0 ? 0 : limits_resize(file, length);

	(void)c;
	if (err == 0 && (s64)length >= 0)
		err = memory_files_reserve(file, length);
	if (err == 0)
		err = HOST_CALL(ftruncate, (u64)file, length);
	if (err == 0)
		memory_files_reserve(file, 0); /* the file may have become shorter */
	return err;
}

s64 hc_do_fallocate(struct call *c, int file, u64 mode, u64 offset, u64 len)
{
	u64 end;
	s64 err = 0;

	(void)c;
	if (!(mode & FALLOC_FL_PUNCH_HOLE) && !__builtin_add_overflow(offset, len, &end)) {
		/* Space counts also where the size stays, and where there was a hole. */
		err = limits_write(file, offset, len, false);
		if (err == 0)
			err = memory_files_reserve(file, end);
	}
	return err < 0 ? err : HOST_CALL(fallocate, (u64)file, mode, offset, len);
}

/*
 * Makes a call that removes the name (dir, path), after which the file's memory may be free.
 * Returns the call's result.
 */
static s64 without_name(int dir, const char *path, long nr, const u64 arg[6])
{
	struct stat st;
	s64 ret, fd = -1;

	if (memory_files_count())
		fd = HOST_CALL(openat, (u64)dir, (u64)path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	ret = host_syscall(nr, arg);
	if (fd >= 0) {
		if (ret == 0 && HOST_CALL(fstat, (u64)fd, (u64)&st) == 0)
			memory_files_unlinked(&st);
		HOST_CALL(close, (u64)fd);
	}
	return ret;
}

s64 hc_do_unlinkat(struct call *c, int dir, const char *path, u64 flags)
{
	(void)c;
	return without_name(dir, path, SYS_unlinkat, (const u64[6]){(u64)dir, (u64)path, flags});
}

s64 hc_do_renameat2(struct call *c, int olddir, const char *oldpath, int newdir,
		    const char *newpath, u64 flags)
{
	(void)c;
	return without_name(
		newdir, newpath, SYS_renameat2,
		(const u64[6]){(u64)olddir, (u64)oldpath, (u64)newdir, (u64)newpath, flags});
}

s64 hc_do_inotify_add_watch(struct call *c, int inotify, int dir, const char *path, u64 mask)
{
	s64 err = host_enter_dir(dir, path);

	(void)c;
	return err < 0 ? err : HOST_CALL(inotify_add_watch, (u64)inotify, (u64)path, mask);
}

/* ---- extended attributes: the host wants one contiguous buffer ------------------------------ */

struct value {
	void *data;
	size_t size;
	void *bounce; /* the caller frees it; NULL if data is guest memory itself */
};

static s64 value_for(struct value *v, const struct iovec *iov, u32 count)
{
	*v = (struct value){.size = (size_t)MIN(iov_bytes(iov, count), (u64)XATTR_MAX)};
	if (count == 1) {
		v->data = iov[0].iov_base;
	} else if (v->size > 0) {
		v->data = v->bounce = calloc(1, v->size);
		if (!v->bounce)
			return -ENOMEM;
	}
	return 0;
}

/*
 * Copies between v's bounce buffer and guest memory: `bytes`, but at most v's size. The host
 * copies, in a system call, because guest memory may be a window whose file is shorter by now, or
 * read-only. Returns 0 or -EFAULT.
 */
static s64 value_copy(const struct value *v, const struct iovec *iov, u32 count, u64 bytes,
		      bool to_guest)
{
	struct iovec local = {v->bounce, (size_t)MIN(bytes, (u64)v->size)};
	u64 pid = (u64)getpid();
	s64 n;

	if (!v->bounce || local.iov_len == 0)
		return 0;
	if (to_guest)
		n = HOST_CALL(process_vm_writev, pid, (u64)&local, 1, (u64)iov, count, 0);
	else
		n = HOST_CALL(process_vm_readv, pid, (u64)&local, 1, (u64)iov, count, 0);
	return n == (s64)local.iov_len ? 0 : -EFAULT;
}

/* Makes a host call that fills a value: nr(file, [name,] value, size). Returns its result. */
static s64 value_get(long nr, u64 file, u64 name, const struct iovec *iov, u32 count)
{
	struct value v;
	s64 ret = value_for(&v, iov, count);
	s64 err;

	if (ret < 0)
		return ret;
	if (name)
		ret = host_syscall(nr, (const u64[6]){file, name, (u64)v.data, v.size});
	else
		ret = host_syscall(nr, (const u64[6]){file, (u64)v.data, v.size});
	if (ret > 0) {
		err = value_copy(&v, iov, count, (u64)ret, true);
		ret = err < 0 ? err : ret;
	}
	free(v.bounce);
	return ret;
}

static s64 value_set(long nr, u64 file, const char *name, const struct iovec *iov, u32 count,
		     u64 flags)
{
	struct value v;
	s64 ret;

	if (iov_bytes(iov, count) > XATTR_MAX)
		return -E2BIG;
	ret = value_for(&v, iov, count);
	if (ret == 0)
		ret = value_copy(&v, iov, count, v.size, false);
	if (ret == 0)
		ret = host_syscall(nr, (const u64[6]){file, (u64)name, (u64)v.data, v.size, flags});
	free(v.bounce);
	return ret;
}

s64 hc_do_xattr_get(struct call *c, int dir, const char *path, u64 flags, const char *name,
		    const struct iovec *value, u32 value_count)
{
	long nr = flags & AT_SYMLINK_NOFOLLOW ? SYS_lgetxattr : SYS_getxattr;
	s64 err = host_enter_dir(dir, path);

	(void)c;
	return err < 0 ? err : value_get(nr, (u64)path, (u64)name, value, value_count);
}

s64 hc_do_xattr_set(struct call *c, int dir, const char *path, u64 flags, const char *name,
		    const struct iovec *value, u32 value_count, u64 xflags)
{
	long nr = flags & AT_SYMLINK_NOFOLLOW ? SYS_lsetxattr : SYS_setxattr;
	s64 err = host_enter_dir(dir, path);

	(void)c;
	return err < 0 ? err : value_set(nr, (u64)path, name, value, value_count, xflags);
}

s64 hc_do_xattr_list(struct call *c, int dir, const char *path, u64 flags, const struct iovec *list,
		     u32 list_count)
{
	long nr = flags & AT_SYMLINK_NOFOLLOW ? SYS_llistxattr : SYS_listxattr;
	s64 err = host_enter_dir(dir, path);

	(void)c;
	return err < 0 ? err : value_get(nr, (u64)path, 0, list, list_count);
}

s64 hc_do_xattr_remove(struct call *c, int dir, const char *path, u64 flags, const char *name)
{
	long nr = flags & AT_SYMLINK_NOFOLLOW ? SYS_lremovexattr : SYS_removexattr;
	s64 err = host_enter_dir(dir, path);

	(void)c;
	return err < 0 ? err : host_syscall(nr, (const u64[6]){(u64)path, (u64)name});
}

s64 hc_do_fgetxattr(struct call *c, int file, const char *name, const struct iovec *value,
		    u32 value_count)
{
	(void)c;
	return value_get(SYS_fgetxattr, (u64)file, (u64)name, value, value_count);
}

s64 hc_do_fsetxattr(struct call *c, int file, const char *name, const struct iovec *value,
		    u32 value_count, u64 xflags)
{
	(void)c;
	return value_set(SYS_fsetxattr, (u64)file, name, value, value_count, xflags);
}

s64 hc_do_flistxattr(struct call *c, int file, const struct iovec *list, u32 list_count)
{
	(void)c;
	return value_get(SYS_flistxattr, (u64)file, 0, list, list_count);
}

/* ---- open files ----------------------------------------------------------------------------- */

/*
 * An empty transfer has effects with read(2) and write(2), too: an empty datagram, an error.
 * host_transfer makes one of these for it.
 */
s64 hc_do_readv(struct call *c, int file, const struct iovec *data, u32 data_count)
{
	return host_transfer(c, SYS_readv, (const u64[6]){(u64)file, (u64)data, data_count});
}

/* Asks the limits and the rules of the network about a write. Returns 0 or -errno. */
static s64 write_allowed(int file, u64 offset, u64 len, bool append)
{
	s64 err = limits_write(file, offset, len, append);

	/* Only sendmsg looks at what a netlink socket is asked. */
	if (err == 0 && net_is_netlink(file))
		err = -EOPNOTSUPP;
	if (err == 0)
		err = memory_files_reserve_write(file, offset, len, append);
	return err;
}

s64 hc_do_writev(struct call *c, int file, const struct iovec *data, u32 data_count)
{
	s64 err = write_allowed(file, ~0UL, iov_bytes(data, data_count), false);

	if (err < 0)
		return err;
	return host_transfer(c, SYS_writev, (const u64[6]){(u64)file, (u64)data, data_count});
}

/* The host call takes the offset in two registers; on a 64-bit host the first has all of it. */
s64 hc_do_preadv2(struct call *c, int file, const struct iovec *data, u32 data_count, u64 offset,
		  u64 flags)
{
	return host_transfer(c, SYS_preadv2,
			     (const u64[6]){(u64)file, (u64)data, data_count, offset, 0, flags});
}

s64 hc_do_pwritev2(struct call *c, int file, const struct iovec *data, u32 data_count, u64 offset,
		   u64 flags)
{
	s64 err = write_allowed(file, offset, iov_bytes(data, data_count), flags & RWF_APPEND);

	if (err < 0)
		return err;
	return host_transfer(c, SYS_pwritev2,
			     (const u64[6]){(u64)file, (u64)data, data_count, offset, 0, flags});
}

/*
 * Directs the file's signals to the monitor, with the file's number. The hostcall file_events hands
 * them to the guest kernel, which decides which process gets them.
 */
static void signals_here(int file)
{
	HOST_CALL(fcntl, (u64)file, F_SETOWN, (u64)getpid());
	HOST_CALL(fcntl, (u64)file, F_SETSIG, FILE_SIGNAL);
}

/* Life time hints: fcntl(2) takes the address of the hint. Returns the hint, or -errno. */
static s64 write_hint(int file, u64 cmd, u64 hint)
{
	s64 r = HOST_CALL(fcntl, (u64)file, cmd, (u64)&hint);

	return r < 0 ? r : (s64)(hint & INT32_MAX);
}

/*
 * With --mem: the largest pipe, also for root's monitor. Linux gives that much to users without
 * CAP_SYS_RESOURCE (pipe(7), /proc/sys/fs/pipe-max-size). The guest kernel copes with a refusal.
 */
#define PIPE_MOST (1UL << 20)

/*
 * The allowed commands have an integer argument, or a hint, and affect nothing but the file. The
 * guest kernel itself keeps owners and signals; duplicates have a hostcall of their own.
 */
s64 hc_do_fcntl(struct call *c, int file, u64 cmd, u64 arg)
{
	(void)c;
	switch (cmd) {
	case F_GET_RW_HINT:
	case F_SET_RW_HINT:
	case F_GET_FILE_RW_HINT:
	case F_SET_FILE_RW_HINT:
		return write_hint(file, cmd, arg);
	case F_GETLEASE:
	case F_CREATED_QUERY:
		break;
	case F_SETLEASE:
	case F_NOTIFY:
		signals_here(file);
		break;
	case F_SETPIPE_SZ:
		/* A pipe's memory is the host's kernel's, which --mem does not count. */
		if (memory_files_count() && arg > PIPE_MOST)
			return -EPERM;
		break;
	case F_GETFL:
	case F_GETPIPE_SZ:
	case F_ADD_SEALS:
	case F_GET_SEALS:
		break;
	case F_SETFL:
		if (arg & O_ASYNC)
			signals_here(file);
		break;
	default:
		return -EINVAL;
	}
	return HOST_CALL(fcntl, (u64)file, cmd, arg);
}

s64 hc_do_fcntl_lock(struct call *c, int file, u64 cmd, void *lock, u32 lock_len)
{
	(void)lock_len;
	switch (cmd) {
	case F_GETLK:
	case F_SETLK:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
		return HOST_CALL(fcntl, (u64)file, cmd, (u64)lock);
	case F_SETLKW:
	case F_OFD_SETLKW:
		return HOST_AGAIN(c, fcntl, (u64)file, cmd, (u64)lock);
	default:
		return -EINVAL;
	}
}

/*
 * Reserves memory for a copy of at most len bytes to `out`, if out is a file in memory: at *off, or
 * at its position if off is NULL or *off is -1. Returns 0 or -ENOSPC.
 */
static s64 reserve_copy(int in, int out, const void *off, u32 off_len, u64 len)
{
	u64 at = ~0UL;
	struct stat st;

	if (net_is_netlink(out))
		return -EOPNOTSUPP;
	if (!(memory_files_count() || limits_on_writes()) ||
	    HOST_CALL(fstat, (u64)in, (u64)&st) < 0)
		return 0;
	if (off && off_len == sizeof(at))
		memcpy(&at, off, sizeof(at));
	/*
	 * The copy takes at most what `in` holds; PIPE_ROOM is a guess for pipes and sockets. If
	 * that is too little, the next reservation counts the rest.
	 */
	len = MIN(len, S_ISREG(st.st_mode) ? (u64)st.st_size : (u64)PIPE_ROOM);
	return write_allowed(out, at, len, false);
}

s64 hc_do_copy_file_range(struct call *c, int in, void *in_off, u32 in_off_len, int out,
			  void *out_off, u32 out_off_len, u64 len, u64 flags)
{
	s64 err = reserve_copy(in, out, out_off, out_off_len, len);

	(void)in_off_len;
	if (err < 0)
		return err;
	return HOST_AGAIN(c, copy_file_range, (u64)in, (u64)in_off, (u64)out, (u64)out_off, len,
			  flags);
}

s64 hc_do_sendfile(struct call *c, int out, int in, void *offset, u32 offset_len, u64 len)
{
	s64 err = reserve_copy(in, out, NULL, 0, len);

	(void)offset_len;
	return err < 0 ? err : HOST_AGAIN(c, sendfile, (u64)out, (u64)in, (u64)offset, len);
}

s64 hc_do_splice(struct call *c, int in, void *in_off, u32 in_off_len, int out, void *out_off,
		 u32 out_off_len, u64 len, u64 flags)
{
	s64 err = reserve_copy(in, out, out_off, out_off_len, len);

	(void)in_off_len;
	if (err < 0)
		return err;
	return HOST_AGAIN(c, splice, (u64)in, (u64)in_off, (u64)out, (u64)out_off, len, flags);
}

/* pipe2 and socketpair use it (hostcall.h). */
s64 host_new_pair(int fd[2], void *handles, u32 handles_len)
{
	s64 first, second;

	if (handles_len < 2 * sizeof(s32)) {
		HOST_CALL(close, (u64)fd[0]);
		HOST_CALL(close, (u64)fd[1]);
		return -EINVAL;
	}
	first = handle_add(fd[0]);
	second = handle_add(fd[1]);
	if (first >= 0 && second >= 0) {
		memcpy(handles, (const s32[2]){(s32)first, (s32)second}, 2 * sizeof(s32));
		return 0;
	}
	if (first >= 0 && handle_get((u64)first) >= 0)
		handle_close((int)first);
	if (second >= 0 && handle_get((u64)second) >= 0)
		handle_close((int)second);
	return -EMFILE;
}

s64 hc_do_pipe2(struct call *c, u64 flags, void *handles, u32 handles_len)
{
	int fd[2];
	s64 err = HOST_CALL(pipe2, (u64)fd, flags | O_CLOEXEC);

	(void)c;
	return err < 0 ? err : host_new_pair(fd, handles, handles_len);
}
