// SPDX-License-Identifier: MIT
/*
 * A descriptor of O_PATH names a file and does not open it: what needs an open file answers EBADF,
 * and what needs only a name works. One table has every call that takes a descriptor, so that a
 * call which looks at its descriptor in a way of its own shows.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int ends[2];
static char bytes[4096];
static struct iovec iov = {bytes, 10};

static long poll_result(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static long select_result(int fd)
{
	struct timeval none = {0};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &none);
}

static long epoll_result(int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(0);
	long r;
	int error;

	NEED(epoll >= 0);
	r = epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	error = errno;
	close(epoll);
	errno = error;
	return r;
}

static long map(int fd)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	return p == MAP_FAILED ? -1 : munmap(p, 4096);
}

static long from(int fd)
{
	loff_t at = 0;

	return splice(fd, &at, ends[1], NULL, 3, SPLICE_F_NONBLOCK);
}

static long into(int fd)
{
	loff_t at = 0;

	return splice(ends[0], NULL, fd, &at, 3, SPLICE_F_NONBLOCK);
}

static long lock(int fd)
{
	struct flock l = {.l_type = F_RDLCK};

	return fcntl(fd, F_SETLK, &l);
}

static long open_lock(int fd)
{
	struct flock l = {.l_type = F_RDLCK};

	return fcntl(fd, F_OFD_SETLK, &l);
}

static long ask_lock(int fd)
{
	struct flock l = {.l_type = F_RDLCK};

	return fcntl(fd, F_GETLK, &l);
}

static long duplicate(int fd)
{
	int copy = dup(fd);

	return copy < 0 ? -1 : close(copy);
}

static long duplicate_by_fcntl(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 10);

	return copy < 0 ? -1 : close(copy);
}

static long send_it(int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec one = {bytes, 1};
	struct msghdr m = {.msg_iov = &one,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s[2];
	long r;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	r = sendmsg(s[0], &m, 0);
	close(s[0]);
	close(s[1]);
	return r;
}

static long below(int fd)
{
	int got = openat(fd, "file", O_RDONLY);

	return got < 0 ? -1 : close(got);
}

static long itself_below(int fd)
{
	int got = openat(fd, ".", O_RDONLY);

	return got < 0 ? -1 : close(got);
}

static long again(int fd)
{
	char name[64];
	int got;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	got = open(name, O_RDONLY | O_NONBLOCK);
	return got < 0 ? -1 : close(got);
}

static long stat_by_x(int fd)
{
	struct statx x;

	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x);
}

static long handle_of(int fd)
{
	union {
		struct file_handle head;
		char room[sizeof(struct file_handle) + 128];
	} h = {.head.handle_bytes = 0};
	int mount;

	return name_to_handle_at(fd, "", &h.head, &mount, AT_EMPTY_PATH);
}

static long link_it(int fd)
{
	unlink("linked");
	return linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH);
}

static long run_it(int fd)
{
	char *const none[] = {NULL};

	return execveat(fd, "", none, none, AT_EMPTY_PATH);
}

static long watch(int fd)
{
	char name[64];
	int notify = inotify_init1(0), error;
	long r;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	r = inotify_add_watch(notify, name, IN_OPEN) < 0 ? -1 : 0;
	error = errno;
	close(notify);
	errno = error;
	return r;
}

static long statfs_it(int fd)
{
	struct statfs s;

	return fstatfs(fd, &s);
}

static long stat_it(int fd)
{
	struct stat s;

	return fstat(fd, &s);
}

static long set_flags(int fd)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK);
}

static long flags(int fd)
{
	return fcntl(fd, F_GETFL) & (O_ACCMODE | O_PATH | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
}

static long owner(int fd)
{
	struct f_owner_ex o = {F_OWNER_PID, 0};

	return fcntl(fd, F_SETOWN_EX, &o);
}

static long hint(int fd)
{
	uint64_t h = 0;

	return fcntl(fd, F_GET_RW_HINT, &h);
}

static long attribute_flags(int fd)
{
	int f;

	return ioctl(fd, FS_IOC_GETFLAGS, &f);
}

static long bytes_there(int fd)
{
	int n;

	return ioctl(fd, FIONREAD, &n);
}

static long not_blocking(int fd)
{
	int one = 1;

	return ioctl(fd, FIONBIO, &one);
}

static long socket_name(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	return getsockname(fd, (void *)&a, &len);
}

static long option(int fd)
{
	int v;
	socklen_t len = sizeof(v);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len);
}

static long message(int fd)
{
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	return recvmsg(fd, &m, MSG_DONTWAIT);
}

static long signals(int fd)
{
	sigset_t set;

	sigemptyset(&set);
	return signalfd(fd, &set, 0);
}

static long timer(int fd)
{
	struct itimerspec none = {0};

	return timerfd_settime(fd, 0, &none, NULL);
}

static long cached(int fd)
{
	struct {
		uint64_t off, len;
	} range = {0, 0};
	uint64_t out[5];

	return syscall(451, fd, &range, out, 0);
}

/* clang-format off */
/* name of the call; since which minor version of Linux 6 it answers so; is it for names in /proc? */
#define CALLS(X) \
	X("poll", 0, true, poll_result(fd)) \
	X("select", 13, true, select_result(fd)) \
	X("epoll", 0, true, epoll_result(fd)) \
	X("mmap", 0, true, map(fd)) \
	X("splice from", 0, true, from(fd)) \
	X("splice into", 0, true, into(fd)) \
	X("lock", 0, true, lock(fd)) \
	X("lock of an open file", 0, true, open_lock(fd)) \
	X("ask for a lock", 0, true, ask_lock(fd)) \
	X("dup", 0, true, duplicate(fd)) \
	X("F_DUPFD_CLOEXEC", 0, true, duplicate_by_fcntl(fd)) \
	X("SCM_RIGHTS", 0, true, send_it(fd)) \
	X("openat below", 0, true, below(fd)) \
	X("openat of itself", 0, true, itself_below(fd)) \
	X("open by /proc/self/fd", 0, true, again(fd)) \
	X("statx", 0, true, stat_by_x(fd)) \
	X("name_to_handle_at", 0, true, handle_of(fd)) \
	X("linkat", 0, false, link_it(fd)) \
	X("execveat", 0, true, run_it(fd)) \
	X("inotify by /proc/self/fd", 0, false, watch(fd)) \
	X("fstatfs", 0, true, statfs_it(fd)) \
	X("fstat", 0, true, stat_it(fd)) \
	X("F_SETFL", 0, true, set_flags(fd)) \
	X("F_GETFL", 0, true, flags(fd)) \
	X("F_SETOWN_EX", 0, true, owner(fd)) \
	X("F_GET_RW_HINT", 0, true, hint(fd)) \
	X("FS_IOC_GETFLAGS", 0, true, attribute_flags(fd)) \
	X("FIONREAD", 0, true, bytes_there(fd)) \
	X("FIONBIO", 0, true, not_blocking(fd)) \
	X("getsockname", 0, true, socket_name(fd)) \
	X("getsockopt", 0, true, option(fd)) \
	X("recvmsg", 0, true, message(fd)) \
	X("signalfd", 0, true, signals(fd)) \
	X("timerfd_settime", 0, true, timer(fd)) \
	X("cachestat", 5, true, cached(fd)) \
	X("read", 0, true, read(fd, bytes, 1)) \
	X("read nothing", 0, true, read(fd, bytes, 0)) \
	X("write", 0, true, write(fd, bytes, 1)) \
	X("pread", 0, true, pread(fd, bytes, 1, 0)) \
	X("pwrite", 0, true, pwrite(fd, bytes, 1, 0)) \
	X("readv", 0, true, readv(fd, &iov, 1)) \
	X("writev", 0, true, writev(fd, &iov, 1)) \
	X("preadv2", 0, true, preadv2(fd, &iov, 1, 0, 0)) \
	X("pwritev2", 0, true, pwritev2(fd, &iov, 1, 0, 0)) \
	X("lseek", 0, true, lseek(fd, 0, SEEK_CUR)) \
	X("getdents", 0, true, syscall(SYS_getdents64, fd, bytes, sizeof(bytes)) < 0 ? -1 : 0) \
	X("fsync", 0, true, fsync(fd)) \
	X("fdatasync", 0, true, fdatasync(fd)) \
	X("syncfs", 0, true, syncfs(fd)) \
	X("sync file range", 0, true, sync_file_range(fd, 0, 0, 0)) \
	X("ftruncate", 0, true, ftruncate(fd, 3)) \
	X("fallocate", 0, true, fallocate(fd, 0, 0, 3)) \
	X("fadvise", 0, true, (errno = posix_fadvise(fd, 0, 0, POSIX_FADV_NORMAL)) ? -1 : 0) \
	X("readahead", 0, true, readahead(fd, 0, 10)) \
	X("fchmod", 0, true, fchmod(fd, 0700)) \
	X("fchmodat", 0, true, fchmodat(fd, "file", 0700, 0)) \
	X("fchown", 0, true, fchown(fd, -1, -1)) \
	X("fchownat", 0, false, fchownat(fd, "", -1, -1, AT_EMPTY_PATH)) \
	X("futimens", 0, true, futimens(fd, NULL)) \
	X("utimensat", 0, false, utimensat(fd, "", NULL, AT_EMPTY_PATH)) \
	X("futimesat", 0, true, syscall(SYS_futimesat, fd, NULL, NULL)) \
	X("fchdir", 0, true, fchdir(fd)) \
	X("flock", 0, true, flock(fd, LOCK_SH)) \
	X("fgetxattr", 0, true, fgetxattr(fd, "user.none", bytes, 10)) \
	X("fsetxattr", 0, true, fsetxattr(fd, "user.some", "x", 1, 0)) \
	X("flistxattr", 0, true, flistxattr(fd, bytes, sizeof(bytes)) < 0 ? -1 : 0) \
	X("fremovexattr", 0, true, fremovexattr(fd, "user.none")) \
	X("sendfile from", 0, true, sendfile(ends[1], fd, NULL, 3)) \
	X("sendfile to", 0, true, sendfile(fd, ends[0], NULL, 3)) \
	X("copy from", 0, true, copy_file_range(fd, NULL, ends[1], NULL, 3, 0)) \
	X("tee", 0, true, tee(fd, ends[1], 3, SPLICE_F_NONBLOCK)) \
	X("vmsplice", 0, true, vmsplice(fd, &iov, 1, SPLICE_F_NONBLOCK)) \
	X("get descriptor flags", 0, true, fcntl(fd, F_GETFD)) \
	X("set descriptor flags", 0, true, fcntl(fd, F_SETFD, FD_CLOEXEC)) \
	X("get owner", 0, true, fcntl(fd, F_GETOWN)) \
	X("set owner", 0, true, fcntl(fd, F_SETOWN, 0)) \
	X("get signal", 0, true, fcntl(fd, F_GETSIG)) \
	X("set signal", 0, true, fcntl(fd, F_SETSIG, 0)) \
	X("get lease", 0, true, fcntl(fd, F_GETLEASE)) \
	X("set lease", 0, true, fcntl(fd, F_SETLEASE, F_UNLCK)) \
	X("notify", 0, true, fcntl(fd, F_NOTIFY, DN_CREATE)) \
	X("pipe size", 0, true, fcntl(fd, F_GETPIPE_SZ)) \
	X("set pipe size", 0, true, fcntl(fd, F_SETPIPE_SZ, 4096)) \
	X("seals", 0, true, fcntl(fd, F_GET_SEALS)) \
	X("add seals", 0, true, fcntl(fd, F_ADD_SEALS, 0)) \
	X("no command", 0, true, fcntl(fd, 12345)) \
	X("set close on exec", 0, true, ioctl(fd, FIOCLEX)) \
	X("clear close on exec", 0, true, ioctl(fd, FIONCLEX)) \
	X("no request", 0, true, ioctl(fd, 0x12345678)) \
	X("listen", 0, true, listen(fd, 1)) \
	X("accept", 0, true, accept(fd, NULL, NULL)) \
	X("shutdown", 0, true, shutdown(fd, SHUT_RD)) \
	X("send", 0, true, send(fd, bytes, 1, MSG_DONTWAIT)) \
	X("receive", 0, true, recv(fd, bytes, 1, MSG_DONTWAIT)) \
	X("wait events", 0, true, epoll_wait(fd, (struct epoll_event *)bytes, 1, 0)) \
	X("control events", 0, true, epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], (struct epoll_event *)bytes)) \
	X("remove watch", 0, true, inotify_rm_watch(fd, 1)) \
	X("send signal", 0, true, syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0)) \
	X("mkdirat", 0, true, mkdirat(fd, "file", 0700)) \
	X("unlinkat", 0, true, unlinkat(fd, "none", 0)) \
	X("readlinkat", 0, true, readlinkat(fd, "", bytes, 10)) \
	X("faccessat", 0, true, faccessat(fd, "file", F_OK, 0)) \
	X("faccessat2", 0, true, syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH)) \
	X("descriptor query", 10, true, fcntl(fd, 1024 + 3, fd)) \
	X("created query", 12, true, fcntl(fd, 1024 + 4, 0)) \
	X("close range", 0, true, syscall(SYS_close_range, fd, fd, 1 << 2 /* CLOEXEC */))

/* clang-format on */

/* Makes each call with a descriptor of the name. */
static void ask(const char *name, int open_flags)
{
	bool in_proc = !strncmp(name, "/proc/", 6);
	int here = open(".", O_RDONLY | O_DIRECTORY), fd;
	long r;

	NEED(here >= 0 && pipe2(ends, O_NONBLOCK) == 0);
	printf("%s\n", name);
#define ASK(call_name, since, proc, call)                                                          \
	if ((proc || !in_proc) && (!since || check_kernel(6, since))) {                            \
		fd = open(name, O_PATH | open_flags);                                              \
		NEED(fd >= 0);                                                                     \
		errno = 0;                                                                         \
		r = (call);                                                                        \
		printf("  %s: %ld %s\n", call_name, r, r < 0 ? check_errno(errno) : "");           \
		close(fd);                                                                         \
		NEED(fchdir(here) == 0);                                                           \
	}
	CALLS(ASK)
#undef ASK
	close(here);
	close(ends[0]);
	close(ends[1]);
}

static void make_file(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0700);

	NEED(fd >= 0 && write(fd, "abcdef", 6) == 6);
	close(fd);
}

CASE(a_file)
{
	make_file();
	ask("file", 0);
}

CASE(a_directory)
{
	make_file();
	ask(".", 0);
}

CASE(a_link)
{
	make_file();
	unlink("link");
	NEED(symlink("file", "link") == 0);
	ask("link", O_NOFOLLOW);
}

CASE(a_fifo)
{
	unlink("fifo");
	NEED(mkfifo("fifo", 0700) == 0);
	ask("fifo", 0);
}

CASE(a_device)
{
	ask("/dev/null", 0);
}

CASE(a_file_of_proc)
{
	make_file();
	ask("/proc/self/status", 0);
	ask("/proc/self", 0);
	ask("/proc/self/exe", O_NOFOLLOW);
}
