// SPDX-License-Identifier: MIT
/* The vocabularies of the trace: the names that Linux's headers give to numbers. */
#include "kernel/syscall/trace_names.h"
#include "kernel/kernel.h"

#include <asm/ioctls.h>
#include <asm/prctl.h>
#include <linux/eventpoll.h>
#include <linux/fadvise.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/wait.h>

/* The uapi headers linux/socket.h and linux/net.h leave these to the C library. */
#define AF_UNSPEC	 0
#define AF_UNIX		 1
#define AF_INET		 2
#define AF_INET6	 10
#define AF_NETLINK	 16
#define AF_PACKET	 17
#define SOCK_STREAM	 1
#define SOCK_DGRAM	 2
#define SOCK_RAW	 3
#define SOCK_SEQPACKET	 5
#define SOCK_NONBLOCK	 O_NONBLOCK
#define SOCK_CLOEXEC	 O_CLOEXEC
#define MSG_OOB		 0x1
#define MSG_PEEK	 0x2
#define MSG_DONTROUTE	 0x4
#define MSG_CTRUNC	 0x8
#define MSG_TRUNC	 0x20
#define MSG_DONTWAIT	 0x40
#define MSG_EOR		 0x80
#define MSG_WAITALL	 0x100
#define MSG_NOSIGNAL	 0x4000
#define MSG_MORE	 0x8000
#define MSG_WAITFORONE	 0x10000
#define MSG_CMSG_CLOEXEC 0x40000000
#define F_OK		 0
#define R_OK		 4
#define W_OK		 2
#define X_OK		 1

#define ALL_BITS	 (~0UL)
#define N(x)                                                                                       \
	{                                                                                          \
		x, #x                                                                              \
	}
#define END                                                                                        \
	{                                                                                          \
		0, NULL                                                                            \
	}

/* A vocabulary of single values, and one of flags. */
#define VALUES(name, ...)      VOCABULARY(name, ALL_BITS, NULL, __VA_ARGS__)
#define FLAGS(name, zero, ...) VOCABULARY(name, 0, zero, __VA_ARGS__)
#define VOCABULARY(name, mask, zero, ...)                                                          \
	static const struct trace_name name##_list[] = {__VA_ARGS__, END};                         \
	const struct trace_names trace_##name##_names = {mask, zero, name##_list};

/* clang-format off */
VOCABULARY(open, O_ACCMODE, "O_RDONLY",
	N(O_RDONLY), N(O_WRONLY), N(O_RDWR), N(O_CREAT), N(O_EXCL), N(O_NOCTTY), N(O_TRUNC),
	N(O_APPEND), N(O_NONBLOCK), N(O_SYNC), N(O_DSYNC), N(FASYNC), N(O_DIRECT), N(O_LARGEFILE),
	N(O_TMPFILE), N(O_DIRECTORY), N(O_NOFOLLOW), N(O_NOATIME), N(O_CLOEXEC), N(O_PATH))
FLAGS(fd, NULL, N(O_CLOEXEC), N(O_NONBLOCK), N(O_DIRECT))
FLAGS(at, NULL,
	N(AT_SYMLINK_NOFOLLOW), N(AT_EACCESS), N(AT_SYMLINK_FOLLOW), N(AT_NO_AUTOMOUNT),
	N(AT_EMPTY_PATH), N(AT_STATX_FORCE_SYNC), N(AT_STATX_DONT_SYNC))
FLAGS(at_rm, NULL, N(AT_REMOVEDIR))
FLAGS(access, "F_OK", N(R_OK), N(W_OK), N(X_OK))
FLAGS(prot, "PROT_NONE",
	N(PROT_READ), N(PROT_WRITE), N(PROT_EXEC), N(PROT_GROWSDOWN), N(PROT_GROWSUP))
VOCABULARY(map, MAP_TYPE, "MAP_FILE",
	N(MAP_SHARED), N(MAP_PRIVATE), N(MAP_SHARED_VALIDATE), N(MAP_32BIT), N(MAP_FIXED),
	N(MAP_ANONYMOUS), N(MAP_FIXED_NOREPLACE), N(MAP_GROWSDOWN), N(MAP_DENYWRITE),
	N(MAP_EXECUTABLE), N(MAP_LOCKED), N(MAP_NORESERVE), N(MAP_POPULATE), N(MAP_NONBLOCK),
	N(MAP_STACK), N(MAP_HUGETLB), N(MAP_SYNC))
FLAGS(mremap, NULL, N(MREMAP_MAYMOVE), N(MREMAP_FIXED), N(MREMAP_DONTUNMAP))
FLAGS(msync, NULL, N(MS_ASYNC), N(MS_INVALIDATE), N(MS_SYNC))
VALUES(madvice,
	N(MADV_NORMAL), N(MADV_RANDOM), N(MADV_SEQUENTIAL), N(MADV_WILLNEED), N(MADV_DONTNEED),
	N(MADV_FREE), N(MADV_REMOVE), N(MADV_DONTFORK), N(MADV_DOFORK), N(MADV_MERGEABLE),
	N(MADV_UNMERGEABLE), N(MADV_HUGEPAGE), N(MADV_NOHUGEPAGE), N(MADV_DONTDUMP),
	N(MADV_DODUMP), N(MADV_WIPEONFORK), N(MADV_KEEPONFORK), N(MADV_COLD), N(MADV_PAGEOUT),
	N(MADV_POPULATE_READ), N(MADV_POPULATE_WRITE))
VALUES(fadvice,
	N(POSIX_FADV_NORMAL), N(POSIX_FADV_RANDOM), N(POSIX_FADV_SEQUENTIAL),
	N(POSIX_FADV_WILLNEED), N(POSIX_FADV_DONTNEED), N(POSIX_FADV_NOREUSE))
VALUES(whence, N(SEEK_SET), N(SEEK_CUR), N(SEEK_END), N(SEEK_DATA), N(SEEK_HOLE))
VALUES(sig_how, N(SIG_BLOCK), N(SIG_UNBLOCK), N(SIG_SETMASK))
FLAGS(sa, NULL,
	N(SA_RESTORER), N(SA_NOCLDSTOP), N(SA_NOCLDWAIT), N(SA_SIGINFO), N(SA_ONSTACK),
	N(SA_RESTART), N(SA_NODEFER), N(SA_RESETHAND))
FLAGS(ss, NULL, N(SS_ONSTACK), N(SS_DISABLE), N(SS_AUTODISARM))
VALUES(clock,
	N(CLOCK_REALTIME), N(CLOCK_MONOTONIC), N(CLOCK_PROCESS_CPUTIME_ID),
	N(CLOCK_THREAD_CPUTIME_ID), N(CLOCK_MONOTONIC_RAW), N(CLOCK_REALTIME_COARSE),
	N(CLOCK_MONOTONIC_COARSE), N(CLOCK_BOOTTIME), N(CLOCK_REALTIME_ALARM),
	N(CLOCK_BOOTTIME_ALARM), N(CLOCK_TAI))
FLAGS(timer, NULL, N(TIMER_ABSTIME))
VALUES(itimer, N(ITIMER_REAL), N(ITIMER_VIRTUAL), N(ITIMER_PROF))
VALUES(fcntl,
	N(F_DUPFD), N(F_GETFD), N(F_SETFD), N(F_GETFL), N(F_SETFL), N(F_GETLK), N(F_SETLK),
	N(F_SETLKW), N(F_SETOWN), N(F_GETOWN), N(F_SETSIG), N(F_GETSIG), N(F_OFD_GETLK),
	N(F_OFD_SETLK), N(F_OFD_SETLKW), N(F_SETLEASE), N(F_GETLEASE), N(F_NOTIFY),
	N(F_DUPFD_CLOEXEC), N(F_SETPIPE_SZ), N(F_GETPIPE_SZ), N(F_ADD_SEALS), N(F_GET_SEALS))
FLAGS(flock, NULL, N(LOCK_SH), N(LOCK_EX), N(LOCK_NB), N(LOCK_UN))
VALUES(ioctl,
	N(TCGETS), N(TCSETS), N(TCSETSW), N(TCSETSF), N(TIOCGWINSZ), N(TIOCSWINSZ), N(TIOCGPGRP),
	N(TIOCSPGRP), N(TIOCSCTTY), N(TIOCNOTTY), N(TIOCGPTN), N(TIOCSPTLCK), N(TIOCGSID),
	N(FIONREAD), N(FIONBIO), N(FIOASYNC), N(FIOCLEX), N(FIONCLEX), N(FS_IOC_GETFLAGS),
	N(FICLONE), N(FICLONERANGE))
VOCABULARY(futex, FUTEX_CMD_MASK, NULL,
	{ FUTEX_WAIT, "FUTEX_WAIT" }, N(FUTEX_WAKE), N(FUTEX_REQUEUE), N(FUTEX_CMP_REQUEUE),
	N(FUTEX_WAKE_OP), N(FUTEX_LOCK_PI), N(FUTEX_UNLOCK_PI), N(FUTEX_TRYLOCK_PI),
	N(FUTEX_WAIT_BITSET), N(FUTEX_WAKE_BITSET), N(FUTEX_WAIT_REQUEUE_PI),
	N(FUTEX_CMP_REQUEUE_PI), N(FUTEX_LOCK_PI2), N(FUTEX_PRIVATE_FLAG),
	N(FUTEX_CLOCK_REALTIME))
VALUES(epoll_op, N(EPOLL_CTL_ADD), N(EPOLL_CTL_DEL), N(EPOLL_CTL_MOD))
FLAGS(poll, NULL,
	N(POLLIN), N(POLLPRI), N(POLLOUT), N(POLLERR), N(POLLHUP), N(POLLNVAL), N(POLLRDNORM),
	N(POLLRDBAND), N(POLLWRNORM), N(POLLWRBAND), N(POLLRDHUP))
VALUES(domain,
	N(AF_UNSPEC), N(AF_UNIX), N(AF_INET), N(AF_INET6), N(AF_NETLINK), N(AF_PACKET))
VOCABULARY(sock_type, 0xf, NULL,
	N(SOCK_STREAM), N(SOCK_DGRAM), N(SOCK_RAW), N(SOCK_SEQPACKET), N(SOCK_CLOEXEC),
	N(SOCK_NONBLOCK))
FLAGS(sock, NULL, N(SOCK_CLOEXEC), N(SOCK_NONBLOCK))
FLAGS(msg, NULL,
	N(MSG_OOB), N(MSG_PEEK), N(MSG_DONTROUTE), N(MSG_CTRUNC), N(MSG_TRUNC), N(MSG_DONTWAIT),
	N(MSG_EOR), N(MSG_WAITALL), N(MSG_NOSIGNAL), N(MSG_MORE), N(MSG_WAITFORONE),
	N(MSG_CMSG_CLOEXEC))
FLAGS(random, NULL, N(GRND_NONBLOCK), N(GRND_RANDOM), N(GRND_INSECURE))
FLAGS(wait, NULL,
	N(WNOHANG), N(WUNTRACED), N(WEXITED), N(WCONTINUED), N(WNOWAIT), N(__WNOTHREAD),
	N(__WALL), N(__WCLONE))
VALUES(rlimit,
	N(RLIMIT_CPU), N(RLIMIT_FSIZE), N(RLIMIT_DATA), N(RLIMIT_STACK), N(RLIMIT_CORE),
	N(RLIMIT_RSS), N(RLIMIT_NPROC), N(RLIMIT_NOFILE), N(RLIMIT_MEMLOCK), N(RLIMIT_AS),
	N(RLIMIT_LOCKS), N(RLIMIT_SIGPENDING), N(RLIMIT_MSGQUEUE), N(RLIMIT_NICE),
	N(RLIMIT_RTPRIO), N(RLIMIT_RTTIME))
VALUES(prctl,
	N(PR_SET_PDEATHSIG), N(PR_GET_PDEATHSIG), N(PR_GET_DUMPABLE), N(PR_SET_DUMPABLE),
	N(PR_GET_KEEPCAPS), N(PR_SET_KEEPCAPS), N(PR_SET_NAME), N(PR_GET_NAME),
	N(PR_GET_SECCOMP), N(PR_SET_SECCOMP), N(PR_CAPBSET_READ), N(PR_CAPBSET_DROP),
	N(PR_GET_SECUREBITS), N(PR_SET_SECUREBITS), N(PR_SET_TIMERSLACK), N(PR_GET_TIMERSLACK),
	N(PR_SET_MM), N(PR_SET_CHILD_SUBREAPER), N(PR_GET_CHILD_SUBREAPER),
	N(PR_SET_NO_NEW_PRIVS), N(PR_GET_NO_NEW_PRIVS), N(PR_SET_THP_DISABLE),
	N(PR_GET_THP_DISABLE), N(PR_CAP_AMBIENT), N(PR_GET_SPECULATION_CTRL),
	N(PR_SET_SPECULATION_CTRL), N(PR_SET_PTRACER), N(PR_SET_VMA))
VALUES(arch_prctl,
	N(ARCH_SET_GS), N(ARCH_SET_FS), N(ARCH_GET_FS), N(ARCH_GET_GS), N(ARCH_GET_CPUID),
	N(ARCH_SET_CPUID), { 0x1021, "ARCH_GET_XCOMP_SUPP" }, { 0x1022, "ARCH_GET_XCOMP_PERM" },
	{ 0x1023, "ARCH_REQ_XCOMP_PERM" }, { 0x3001, "ARCH_CET_STATUS" })
VOCABULARY(clone, 0xff, NULL,
	{ SIGCHLD, "SIGCHLD" }, N(CLONE_VM), N(CLONE_FS), N(CLONE_FILES), N(CLONE_SIGHAND),
	N(CLONE_PIDFD), N(CLONE_PTRACE), N(CLONE_VFORK), N(CLONE_PARENT), N(CLONE_THREAD),
	N(CLONE_NEWNS), N(CLONE_SYSVSEM), N(CLONE_SETTLS), N(CLONE_PARENT_SETTID),
	N(CLONE_CHILD_CLEARTID), N(CLONE_UNTRACED), N(CLONE_CHILD_SETTID), N(CLONE_NEWCGROUP),
	N(CLONE_NEWUTS), N(CLONE_NEWIPC), N(CLONE_NEWUSER), N(CLONE_NEWPID), N(CLONE_NEWNET),
	N(CLONE_IO))
VOCABULARY(mode, S_IFMT, NULL,
	N(S_IFREG), N(S_IFDIR), N(S_IFCHR), N(S_IFBLK), N(S_IFIFO), N(S_IFSOCK), N(S_IFLNK))

static const char *const signal_names[] = {
#define S(x) [SIG##x] = "SIG" #x
	S(HUP), S(INT), S(QUIT), S(ILL), S(TRAP), S(ABRT), S(BUS), S(FPE), S(KILL), S(USR1),
	S(SEGV), S(USR2), S(PIPE), S(ALRM), S(TERM), S(STKFLT), S(CHLD), S(CONT), S(STOP),
	S(TSTP), S(TTIN), S(TTOU), S(URG), S(XCPU), S(XFSZ), S(VTALRM), S(PROF), S(WINCH),
	S(IO), S(PWR), S(SYS),
#undef S
};
/* clang-format on */

const char *trace_signal_name(u64 sig)
{
	return sig < ARRAY_SIZE(signal_names) ? signal_names[sig] : NULL;
}

static const struct {
	const char *name, *text;
} errors[] = {
#define E(name, text) [name] = {#name, text},
#include "kernel/syscall/errno.def"
};

bool trace_error(u64 error, const char **name, const char **text)
{
	if (error >= ARRAY_SIZE(errors) || !errors[error].name)
		return false;
	*name = errors[error].name;
	*text = errors[error].text;
	return true;
}
