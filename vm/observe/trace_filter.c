// SPDX-License-Identifier: MIT
/*
 * Which system calls --trace-filter means: names, and the classes that strace(1) has. The kinds of
 * the arguments say which calls take a path or a descriptor; the other classes are lists.
 */
#include <string.h>
#include "common/foreach.h"
#include "vm/observe/observe.h"

enum trait {
	TAKES_PATH = 1,
	TAKES_FD = 2,
};

/* The traits of the kinds that have any: kernel/syscall/trace_args.c. */
static u32 traits_of(const char *kind)
{
	if (!strcmp(kind, "path"))
		return TAKES_PATH;
	if (!strcmp(kind, "fd") || !strcmp(kind, "dirfd") || !strcmp(kind, "pollfds") ||
	    !strcmp(kind, "fd_set") || !strcmp(kind, "fd_pair"))
		return TAKES_FD;
	return 0;
}

#define KIND(kind) #kind

static const struct {
	const char *name;
	const char *kind[6];
} rows[BOOT_TRACE_CALLS] = {
#define SYSCALL(nr, name, ...) [nr] = {#name, {__VA_OPT__(FOR_EACH_COMMA(KIND, __VA_ARGS__))}},
#include "kernel/syscall/syscall.def"
};

static const struct {
	const char *name;
	u32 traits;
	const char *calls; /* " name name " */
} classes[] = {
	{"all", 0, NULL},
	{"file", TAKES_PATH, " getcwd "},
	{"desc", TAKES_FD,
	 " mmap open openat openat2 creat socket epoll_create epoll_create1 eventfd eventfd2 "
	 "timerfd_create inotify_init inotify_init1 memfd_create userfaultfd perf_event_open "
	 "pidfd_open mq_open io_uring_setup fanotify_init bpf "},
	{"network", 0,
	 " socket connect accept accept4 sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg "
	 "shutdown "
	 "bind listen getsockname getpeername socketpair setsockopt getsockopt getpmsg putpmsg "},
	{"process", 0,
	 " clone clone3 fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill "
	 "rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal unshare setns "},
	{"signal", 0,
	 " rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo "
	 "rt_tgsigqueueinfo rt_sigsuspend sigaltstack pause kill tkill tgkill signalfd signalfd4 "
	 "pidfd_send_signal "},
	{"memory", 0,
	 " brk mmap munmap mremap mprotect msync mincore madvise mlock mlock2 munlock mlockall "
	 "munlockall mbind set_mempolicy get_mempolicy migrate_pages move_pages remap_file_pages "
	 "shmat shmdt pkey_mprotect process_madvise mseal map_shadow_stack "
	 "set_mempolicy_home_node io_destroy io_setup "},
	{"ipc", 0,
	 " shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl "},
	{"creds", 0,
	 " getuid setuid getgid setgid geteuid getegid setreuid setregid getgroups setgroups "
	 "setresuid getresuid setresgid getresgid setfsuid setfsgid capget capset prctl "},
	{"clock", 0,
	 " clock_gettime clock_settime clock_getres clock_adjtime gettimeofday settimeofday time "
	 "adjtimex "},
};

const char *syscall_name(u64 nr)
{
	return nr < ARRAY_SIZE(rows) ? rows[nr].name : NULL;
}

static bool lists(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at && (at = strstr(at, name)); at += len)
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

static bool in_class(u32 class, u64 nr)
{
	u32 traits = 0;

	if (!classes[class].traits && !classes[class].calls)
		return true;
	if (!rows[nr].name)
		return false;
	for (int i = 0; i < 6 && rows[nr].kind[i]; i++)
		traits |= traits_of(rows[nr].kind[i]);
	return traits & classes[class].traits || lists(classes[class].calls, rows[nr].name);
}

/* Sets the bits that one word means. Returns false if it has no meaning. */
static bool mean(const char *word, size_t len, u64 calls[BOOT_TRACE_CALLS / 64])
{
	bool known = false;

	if (len && word[0] == '%') { /* strace's way to write a class */
		word++;
		len--;
	}
	for (u32 i = 0; i < ARRAY_SIZE(classes); i++) {
		if (strlen(classes[i].name) != len || memcmp(classes[i].name, word, len))
			continue;
		known = true;
		for (u64 nr = 0; nr < BOOT_TRACE_CALLS; nr++)
			if (in_class(i, nr))
				calls[nr / 64] |= 1UL << nr % 64;
	}
	for (u64 nr = 0; nr < BOOT_TRACE_CALLS; nr++) {
		if (!rows[nr].name || strlen(rows[nr].name) != len ||
		    memcmp(rows[nr].name, word, len))
			continue;
		known = true;
		calls[nr / 64] |= 1UL << nr % 64;
	}
	return known;
}

const char *trace_filter(const char *list, u64 calls[BOOT_TRACE_CALLS / 64])
{
	static char unknown[64];
	bool first = true;

	for (const char *word = list;; word++) {
		size_t len = strcspn(word, ",");
		bool not = word[0] == '!';
		u64 meant[BOOT_TRACE_CALLS / 64] = {0};

		if (!mean(word + not, len - not, meant)) {
			snprintf(unknown, sizeof(unknown), "\"%.*s\"", (int)MIN(len, 40UL), word);
			return unknown;
		}
		/* A list that begins with an exception takes it from all calls. */
		if (not &&first)
			memset(calls, 0xff, sizeof(meant));
		for (u32 i = 0; i < ARRAY_SIZE(meant); i++)
			calls[i] = not ? calls[i] & ~meant[i] : calls[i] | meant[i];
		first = false;
		word += len;
		if (!*word)
			return NULL;
	}
}

void trace_filter_help(FILE *to)
{
	for (u32 i = 0; i < ARRAY_SIZE(classes); i++)
		fprintf(to, "%s%s", i ? ", " : "", classes[i].name);
}
