// SPDX-License-Identifier: MIT
/*
 * Does the view hold against a hostile guest kernel? Random hostcalls, with paths, handles and
 * flags that nobody cleaned, go through the monitor's own dispatch, while a thread plays the
 * process outside that exchanges a directory and a link. After each call no descriptor may be of a
 * file that the policy does not allow; at the end the files must be as before, and no descriptor
 * may be left.
 *
 * sources: vm/word.c vm/embedded.c vm/gdb.c
 * sources: tests/fake/monitor.c vm/check_library.c vm/hostcall.c vm/hostcall_nonblocking.c
 * sources: vm/hostcall_check.c vm/hostcall_file.c vm/hostcall_host.c vm/hostcall_lookup.c
 * sources: vm/hostcall_poll.c vm/hostcall_sandbox.c vm/hostcall_socket.c vm/hostcall_mount.c
 * sources: vm/handle.c vm/host_thread.c vm/ioctl.c vm/own_proc.c vm/memory_files.c vm/sockopt.c
 * sources: vm/tick.c vm/timer.c vm/window.c vm/jail/audit.c vm/jail/calls.c vm/jail/calls_file.c
 * sources: vm/jail/calls_name.c vm/jail/calls_open.c vm/jail/calls_socket.c vm/jail/limits.c
 * sources: vm/jail/net.c vm/jail/net_rules.c vm/jail/policy.c vm/jail/policy_file.c
 * sources: vm/jail/policy_network.c vm/jail/policy_show.c vm/jail/policy_words.c vm/jail/view.c
 * sources: vm/jail/view_build.c vm/jail/view_own.c vm/jail/overlay.c vm/jail/overlay_commit.c
 * sources: vm/jail/overlay_changes.c vm/jail/overlay_layer.c vm/jail/overlay_patch.c
 * sources: vm/jail/policy_used.c
 * sources: vm/jail/scratch.c vm/jail/walls_names.c vm/jail/learn.c vm/observe/files.c
 * sources: vm/observe/stats.c vm/observe/trace_out.c vm/observe/write.c
 * sources: vm/jail/owners.c vm/jail/inside.c vm/jail/lookup.c vm/jail/dns.c vm/jail/helper.c
 * libraries: json-c resolv
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/openat2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/foreach.h"
#include "tests/fake/monitor.h"
#include "vm/handle.h"
#include "vm/hostcall.h"
#include "vm/jail/calls.h"
#include "vm/jail/policy.h"
#include "vm/jail/view.h"
#include "vm/jail/walls.h"
#include "vm/window.h"

#define CALLS 30000

static struct sandbox *s;
static char base[] = "/var/tmp/jail_test.XXXXXX";

/* The policy is kept until the end. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

u64 parse_size(const char *text)
{
	return strtoull(text, NULL, 10);
}

/* No process is started here. */
int walls_drop_privileges(void)
{
	return -EPERM;
}

/* ---- frames --------------------------------------------------------------------------------- */

static u32 area_used;

static void begin_frame(void)
{
	area_used = HOSTCALL_DATA_OFFSET;
	memset(s->vcpu[0]->frame, 0, sizeof(*s->vcpu[0]->frame));
}

/* Puts bytes into the area. Returns the argument that describes them. */
static u64 data(const void *from, u32 len)
{
	u64 arg = (u64)area_used << 32 | len;

	if (from)
		memcpy((u8 *)s->vcpu[0]->frame + area_used, from, len);
	area_used += ALIGN_UP(len, 16U);
	return arg;
}

static u64 text(const char *path)
{
	return data(path, (u32)strlen(path) + 1);
}

static s64 make_call(u32 nr, const u64 arg[HOSTCALL_ARGS])
{
	struct hostcall_frame *f = s->vcpu[0]->frame;

	f->nr = nr;
	memcpy(f->arg, arg, sizeof(f->arg));
	hostcall_dispatch(s->vcpu[0]);
	return f->ret;
}

#define CALL(name, ...) make_call(HC_##name, (const u64[HOSTCALL_ARGS]){__VA_ARGS__})

static s64 open_at(s64 dir, const char *path, u64 flags)
{
	begin_frame();
	return CALL(openat, (u64)dir, text(path), flags, 0600);
}

static void close_handle(s64 handle)
{
	begin_frame();
	CALL(close, (u64)handle);
}

/* ---- the files ------------------------------------------------------------------------------ */

static const char *at(const char *name)
{
	static char path[4][256];
	static u32 next;
	char *to = path[next++ % 4];

	snprintf(to, sizeof(path[0]), "%s/%s", base, name);
	return to;
}

static void put(const char *name, const char *content)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static void make_tree(void)
{
	static const char *const dirs[] = {"W",	     "W/dir",	     "W/deny", "W/hide",
					   "W/.git", "W/.git/hooks", "R",      "R/dir",
					   "S",	     "S/dir"};

	for (u32 i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_int_equal(mkdir(at(dirs[i]), 0755), 0);
	put("W/file", "w");
	put("W/dir/file", "w");
	put("W/deny/file", "secret");
	put("W/hide/file", "secret");
	put("W/.git/hooks/h", "h");
	put("W/.git/config", "c");
	put("R/file", "r");
	put("R/dir/file", "r");
	put("R/deny", "secret");
	put("S/file", "secret");
	put("S/dir/file", "secret");
	assert_int_equal(symlink("../S", at("W/dirlink")), 0);
	assert_int_equal(symlink("../S/file", at("W/link")), 0);
	assert_int_equal(symlink(at("S/file"), at("R/link")), 0);
	assert_int_equal(link(at("R/deny"), at("W/hard")), 0);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static char snapshot[8192];
static size_t snapshot_used;

static int note_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	char content[64] = "";
	int fd = kind == FTW_F ? open(path, O_RDONLY) : -1;

	(void)ftw;
	if (fd >= 0) {
		if (read(fd, content, sizeof(content) - 1) < 0)
			content[0] = '?';
		close(fd);
	}
	snapshot_used +=
		(size_t)snprintf(snapshot + snapshot_used, sizeof(snapshot) - snapshot_used,
				 "%s %o %lu %u %s %ld.%ld\n", path, st->st_mode, (u64)st->st_nlink,
				 st->st_uid, content, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	return 0;
}

/* What the guest must not have changed, as a text. */
static char *look(void)
{
	static const char *const fixed[] = {"R", "S", "W/deny", "W/hide", "W/.git/hooks"};

	snapshot_used = 0;
	for (u32 i = 0; i < ARRAY_SIZE(fixed); i++)
		nftw(at(fixed[i]), note_one, 8, FTW_PHYS);
	return strdup(snapshot);
}

static u32 open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	u32 n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Returns true if a descriptor is of a file that the policy does not allow. */
static bool is_forbidden(int fd)
{
	static const char *const forbidden[] = {"S", "W/deny", "W/hide", "R/deny"};
	char link[64], name[4096], path[300];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	if (n <= 0 || name[0] != '/')
		return false;
	name[n] = '\0';
	for (u32 i = 0; i < ARRAY_SIZE(forbidden); i++) {
		size_t len = (size_t)snprintf(path, sizeof(path), "%s/%s", base, forbidden[i]);

		if (!strncmp(name, path, len) && (name[len] == '/' || name[len] == '\0'))
			return true;
	}
	/* Anything else that is on the host lies below W, R or in the scratch directory. */
	return strncmp(name, base, strlen(base)) != 0 && strncmp(name, "/memfd:", 7) != 0 &&
	       strncmp(name, "/dev/null", 9) != 0 && strncmp(name, "/dev/pts", 8) != 0;
}

static int setup(void **state)
{
	static struct jail_policy policy = {.no_defaults = true, .mem = 1 << 30};
	static const struct {
		enum path_kind kind;
		const char *name;
	} rules[] = {
		{PATH_WRITE, "W"},	 {PATH_READ, "R"},	{PATH_DENY, "W/deny"},
		{PATH_DENY, "R/deny"},	 {PATH_HIDE, "W/hide"}, {PATH_PROTECT, "W/.git/hooks"},
		{PATH_TMPFS, "W/tmpfs"},
	};
	const struct policy_place place = {0};
	int scratch;

	(void)state;
	s = fake_sandbox();
	assert_non_null(mkdtemp(base));
	make_tree();
	assert_int_equal(mkdir(at("scratch"), 0700), 0);
	scratch = open(at("scratch"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (u32 i = 0; i < ARRAY_SIZE(rules); i++)
		assert_int_equal(policy_add_path(&policy, rules[i].kind, at(rules[i].name), NULL,
						 false, &place),
				 0);
	assert_int_equal(policy_add_path(&policy, PATH_WRITE, "/dev/null", NULL, false, &place), 0);
	assert_int_equal(policy_complete(&policy, NULL), 0);
	assert_int_equal(view_build(&policy, scratch), 0);
	hostcall_jail = jail_find_call;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void paths_are_judged(void **state)
{
	static const struct {
		const char *path;
		u64 flags;
		s64 error;
	} opens[] = {
		{"W/file", O_RDWR, 0},
		{"W/dir/../file", O_RDONLY, 0},
		{"W/.git/hooks/h", O_RDONLY, 0},
		{"W/.git/hooks/h", O_WRONLY, EROFS},
		{"W/.git/config", O_WRONLY, 0},
		{"W/deny/file", O_RDONLY, EACCES},
		{"W/deny", O_PATH, EACCES},
		{"W/hide", O_PATH, ENOENT},
		{"W/hard", O_RDONLY, EACCES},
		{"W/link", O_RDONLY, EACCES},
		{"W/link", O_PATH | O_NOFOLLOW, 0},
		{"W/link", O_RDONLY | O_NOFOLLOW, ELOOP},
		{"W/tmpfs", O_RDONLY | O_DIRECTORY, 0},
		{"W/none", O_RDONLY, ENOENT},
		{"W/file/", O_RDONLY, ENOTDIR},
		{"W/file/x", O_RDONLY, ENOTDIR},
		{"W/dir", O_WRONLY, EISDIR},
		{"R/file", O_RDONLY, 0},
		{"R/file", O_RDONLY | O_TRUNC, EROFS},
		{"R/new", O_WRONLY | O_CREAT, EROFS},
		{"R/link", O_RDONLY, EACCES},
		{"S", O_PATH, EACCES},
		{"S/../W/file", O_RDONLY, EACCES},
		{"W/../../../../../../etc/passwd", O_RDONLY, EACCES},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(opens); i++) {
		s64 fd = open_at(-1, at(opens[i].path), opens[i].flags);

		if (opens[i].error)
			assert_int_equal(fd, -opens[i].error);
		else
			assert_true(fd >= 0);
		if (fd >= 0)
			close_handle(fd);
	}
}

/* A number that is a descriptor of the monitor's, but no handle, is no start for a path. */
static void only_handles_with_a_rule_are_starts(void **state)
{
	int outside = open(at("S"), O_RDONLY | O_DIRECTORY);
	s64 handle = handle_add(open(at("S"), O_RDONLY | O_DIRECTORY));

	(void)state;
	assert_int_equal(open_at(outside, "file", O_RDONLY), -EBADF);
	assert_int_equal(open_at(handle, "file", O_RDONLY), -EACCES);
	assert_int_equal(open_at(handle, ".", O_RDONLY), -EACCES);
	close_handle(handle);
	close(outside);
}

/* A directory that somebody outside moved away does not lead to what lies beside its new place. */
static void a_moved_directory_leads_nowhere(void **state)
{
	s64 dir = open_at(-1, at("W/dir"), O_PATH | O_DIRECTORY), fd;

	(void)state;
	assert_true(dir >= 0);
	assert_int_equal(rename(at("W/dir"), at("S/moved")), 0);
	assert_int_equal(open_at(dir, "../file", O_RDONLY), -ENOENT);
	fd = open_at(dir, "file", O_RDONLY);
	assert_true(fd >= 0); /* the handle itself is still good */
	close_handle(fd);
	assert_int_equal(rename(at("S/moved"), at("W/dir")), 0);
	fd = open_at(dir, "../file", O_RDONLY);
	assert_true(fd >= 0);
	close_handle(fd);
	close_handle(dir);
}

static void calls_that_are_not_listed_do_not_exist(void **state)
{
	(void)state;
	begin_frame();
	assert_int_equal(CALL(statmount, data("", 1), data(NULL, 8), 0), -ENOSYS);
	begin_frame();
	assert_int_equal(
		CALL(name_to_handle, (u64)-1, text("/"), data(NULL, 136), data(NULL, 8), 0),
		-ENOSYS);
	begin_frame();
	assert_int_equal(CALL(kill_outside, (u64)getppid(), 0), -EPERM);
}

static u64 random_state = 88172645463325252;

static u32 chance(u32 n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (u32)(random_state >> 20) % n;
}

static const char *random_path(void)
{
	static const char *const parts[] = {
		"W",	"R",	  "S",	     "dir",  "file", "deny",  "hide",  "link",
		"..",	".",	  "dirlink", "hard", ".git", "hooks", "tmpfs", "new",
		"new2", "config", "proc",    "self", "fd",   "dev",   "null",  "moved",
	};
	static char path[4][1024];
	static u32 next;
	char *to = path[next++ % 4];
	u32 n = chance(5);

	to[0] = '\0';
	if (chance(3) > 0)
		strcpy(to, base);
	else if (chance(4) == 0)
		strcpy(to, "/");
	for (u32 i = 0; i < n; i++) {
		if (to[0])
			strcat(to, "/");
		strcat(to, parts[chance(ARRAY_SIZE(parts))]);
	}
	if (chance(8) == 0)
		strcat(to, "/");
	return to;
}

static u64 random_flags(void)
{
	static const u64 flags[] = {O_RDONLY, O_WRONLY,	   O_RDWR,     O_CREAT, O_EXCL,	   O_TRUNC,
				    O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH,	O_TMPFILE, 0100000};
	u64 f = O_NONBLOCK;

	for (u32 i = chance(4); i > 0; i--)
		f |= flags[chance(ARRAY_SIZE(flags))];
	return f;
}

static s64 random_handle(void)
{
	return chance(6) == 0 ? -1 : (s64)chance(64);
}

static u64 random_at_flags(void)
{
	return (chance(2) ? AT_SYMLINK_NOFOLLOW : 0) | (chance(2) ? AT_EMPTY_PATH : 0);
}

/* Makes one call, whose number is from the table of this function. Returns its result. */
static s64 random_call(void)
{
	u64 dir = (u64)random_handle(), file = (u64)random_handle();
	u64 flags = random_flags(), at_flags = random_at_flags();
	struct open_how how = {.flags = flags & ~(u64)O_TMPFILE,
			       .mode = flags & O_CREAT ? 0600 : 0,
			       .resolve = chance(2) ? RESOLVE_IN_ROOT : chance(64)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", random_path());
	begin_frame();
	switch (chance(32)) {
	case 0:
	case 1:
	case 2:
		return CALL(openat, dir, text(random_path()), flags, 0600 | chance(8) << 9);
	case 3:
		return CALL(openat2, dir, text(random_path()), data(&how, sizeof(how)));
	case 4:
		return CALL(open_stat, dir, text(random_path()), flags, 0600, data(NULL, 144));
	case 5:
		return CALL(reopen, file, flags);
	case 6:
		return CALL(dup, file);
	case 7:
	case 8:
	case 9:
		return CALL(close, file);
	case 10:
		return CALL(newfstatat, dir, text(random_path()), data(NULL, 144), at_flags);
	case 11:
		return CALL(mkdirat, dir, text(random_path()), 0700);
	case 12:
		return CALL(mknodat, dir, text(random_path()), S_IFIFO | 0600, 0);
	case 13:
		return CALL(unlinkat, dir, text(random_path()), chance(2) ? AT_REMOVEDIR : 0);
	case 14:
	case 15:
		return CALL(renameat2, dir, text(random_path()), file, text(random_path()),
			    chance(4));
	case 16:
	case 17:
		return CALL(linkat, dir, text(random_path()), file, text(random_path()),
			    chance(2) ? AT_SYMLINK_FOLLOW : AT_EMPTY_PATH);
	case 18:
		return CALL(symlinkat, text(random_path()), dir, text(random_path()));
	case 19:
		return CALL(fchmodat2, dir, text(random_path()), 0600 | chance(8) << 9, at_flags);
	case 20:
		return CALL(fchownat, dir, text(random_path()), getuid(), getgid(), at_flags);
	case 21:
		return CALL(utimensat, dir, text(random_path()), data(NULL, 0), at_flags);
	case 22:
		return CALL(truncate, dir, text(random_path()), 1);
	case 23:
		return CALL(fchmod, file, 0600);
	case 24:
		return CALL(futimens, file, data(NULL, 0));
	case 25:
		return CALL(bind, file, dir, data(&un, sizeof(un)));
	case 26:
		return CALL(socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	case 27:
		return CALL(connect, file, dir, data(&un, sizeof(un)));
	case 28:
		return CALL(readlinkat, dir, text(random_path()), data(NULL, 4096));
	case 29:
		return CALL(handle_path, file, data(NULL, 4096));
	case 30:
		return CALL(getdents64, dir, data(NULL, 4096));
	default:
		return CALL(ftruncate, file, chance(64));
	}
}

/* The process outside. */
static pid_t start_swapping(void)
{
	pid_t child = fork();
	char a[300], b[300];

	if (child)
		return child;
	snprintf(a, sizeof(a), "%s/W/dir", base);
	snprintf(b, sizeof(b), "%s/W/dirlink", base);
	for (;;)
		renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static void close_all(void)
{
	for (s64 n = 0; n < 4096 && handle_count() > 0; n++)
		close_handle(n);
}

static void random_calls_reach_nothing_else(void **state)
{
	const char *count = getenv("JAIL_CALLS");
	u32 calls = count ? (u32)atoi(count) : CALLS, before = open_descriptors(), worked = 0;
	char *files = look(), *after;
	pid_t child = start_swapping();

	(void)state;
	for (u32 i = 0; i < calls; i++) {
		s64 ret = random_call();
		int fd;

		worked += ret >= 0;
		if (ret < 0 || ret >= 4096)
			continue;
		fd = handle_get((u64)ret);
		if (fd < 0)
			continue;
		if (is_forbidden(fd)) {
			char name[64];

			snprintf(name, sizeof(name), "ls -l /proc/%d/fd/%d >&2", getpid(), fd);
			print_error("call %u opened what it must not (hostcall %u)\n", i,
				    s->vcpu[0]->frame->nr);
			kill(child, SIGKILL);
			assert_int_equal(system(name), -1);
		}
		handle_put(fd);
		if (ret > 60)
			close_handle(ret);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close_all();
	assert_true(worked > calls / 20);
	assert_int_equal(open_descriptors(), before);
	after = look();
	assert_string_equal(after, files);
	free(after);
	free(files);
}

/* ---- each row of the table ------------------------------------------------------------------- */

/* Calls that end the sandbox, sleep for as long as they like, or act on threads and whole disks. */
static bool is_left_out(u32 nr)
{
	static const u32 nrs[] = {
		HC_exit,
		HC_panic,
		HC_boot_failed,
		HC_log,
		HC_trace,
		HC_ready,
		HC_end_info,
		HC_ram_grow,
		HC_ram_discard,
		HC_vcpu_start,
		HC_vcpu_kick,
		HC_wait,
		HC_wake,
		HC_poll,
		HC_poll_many,
		HC_epoll_wait,
		HC_sched_setaffinity,
		HC_ids,
		HC_tick,
		HC_clock_nanosleep,
		HC_timer_create,
		HC_timer_settime,
		HC_timer_gettime,
		HC_timer_delete,
		HC_debug_regs,
		HC_syncfs,
		HC_kill_outside,
		HC_membarrier,
		HC_check_report,
		HC_check_summary,
		HC_check_library,
	};

	for (u32 i = 0; i < ARRAY_SIZE(nrs); i++)
		if (nrs[i] == nr)
			return true;
	return false;
}

static const struct {
	u32 nr;
	const char *name;
	u8 kind[HOSTCALL_ARGS];
} table[] = {
#define HC_KIND(t)			    HC_KIND_AS t
#define HC_KIND_AS(kind, ...)		    HC_KIND_##kind
#define HOSTCALL(nr, name, impl, desc, ...) {nr, #name, {FOR_EACH_COMMA(HC_KIND, __VA_ARGS__)}},
#include "common/hostcall.def"
};

static u64 random_number(void)
{
	switch (chance(6)) {
	case 0:
		return 0;
	case 1:
		return 1UL << chance(32);
	case 2:
		return random_flags();
	case 3:
		return (u64) - (s64)chance(200);
	default:
		return chance(64);
	}
}

/* Bytes to a call: an address, how to open, or any. */
static u64 random_data(void)
{
	struct open_how how = {
		.flags = random_flags(), .mode = chance(2) ? 0600 : 0, .resolve = chance(64)};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	u8 bytes[256];

	switch (chance(3)) {
	case 0:
		return data(&how, sizeof(how));
	case 1:
		snprintf(un.sun_path, sizeof(un.sun_path), "%s", random_path());
		return data(&un, sizeof(un));
	default:
		for (u32 i = 0; i < sizeof(bytes); i++)
			bytes[i] = (u8)(chance(3) ? 0 : chance(256));
		return data(bytes, chance(sizeof(bytes)));
	}
}

static u64 random_segments(void)
{
	struct hostcall_seg seg[3];
	u32 count = chance(4);

	for (u32 i = 0; i < count; i++)
		seg[i] = (struct hostcall_seg){.gpa = RAM_BASE + chance(FAKE_RAM),
					       .len = chance(512)};
	return data(seg, count * (u32)sizeof(seg[0]));
}

/* Makes one call of a row, with arguments of the kinds that it has. Returns its result. */
static s64 random_call_of(u32 row)
{
	u64 arg[HOSTCALL_ARGS] = {0};
	u32 n = 0;

	begin_frame();
	for (u32 i = 0; i < HOSTCALL_ARGS; i++) {
		switch ((enum hostcall_kind)table[row].kind[i]) {
		case HC_KIND_none:
		case HC_KIND_len:
			break;
		case HC_KIND_int:
			arg[n++] = random_number();
			break;
		case HC_KIND_handle:
			arg[n++] = (u64)random_handle();
			break;
		case HC_KIND_path:
			arg[n++] = text(random_path());
			break;
		case HC_KIND_in:
		case HC_KIND_inout:
			arg[n++] = random_data();
			break;
		case HC_KIND_out:
			arg[n++] = data(NULL, chance(4) ? 4096 : chance(300));
			break;
		case HC_KIND_segs_in:
		case HC_KIND_segs_out:
			arg[n++] = random_segments();
			break;
		}
	}
	return make_call(table[row].nr, arg);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* Makes some handles of different kinds, which the calls of the row then hit. */
static void open_some(void)
{
	/* An ordinary user may shut themselves out of what they may write. */
	chmod(at("W"), 0700);
	chmod(at("W/.git"), 0700);
	for (u32 i = 0; i < 12; i++)
		random_call();
	begin_frame();
	CALL(socketpair, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, data(NULL, 8));
	begin_frame();
	CALL(pipe2, O_NONBLOCK, data(NULL, 8));
	begin_frame();
	CALL(memfd_create, text("m"), 0);
}

/* A window holds a descriptor of its own. */
static void close_windows(void)
{
	u64 now, made;

	window_count(&now, &made);
	for (u64 id = 0; now > 0 && id < 1 << 20; id++) {
		s64 ret;

		do {
			begin_frame();
			ret = CALL(window_unmap, id);
		} while (ret == 0);
		window_count(&now, &made);
	}
}

/* Many calls of one row. Returns how many of them worked. */
static u32 call_often(u32 row, u32 calls)
{
	u32 worked = 0;

	for (u32 i = 0; i < calls; i++) {
		s64 ret;
		int fd;

		if (i % 64 == 0) {
			close_all();
			open_some();
		}
		ret = random_call_of(row);
		worked += ret >= 0;
		fd = ret < 0 || ret >= 4096 ? -1 : handle_get((u64)ret);
		if (fd < 0)
			continue;
		if (is_forbidden(fd))
			fail_msg("%s opened what it must not", table[row].name);
		handle_put(fd);
	}
	open_some();
	close_all();
	close_windows();
	return worked;
}

/*
 * JAIL_EACH=n: n random calls of each row that a jail has. In a root of its own only (see
 * tests/attack/run --calls): the arguments name "/" and devices.
 */
static void random_calls_of_each_row(void **state)
{
	const char *number = getenv("JAIL_EACH");
	const u32 each = number ? (u32)atoi(number) : 0;
	const struct sigaction action = {.sa_handler = on_alarm};
	const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	u32 before = open_descriptors(), rows = 0, worked = 0;
	char *files = look(), *after;

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGIO, SIG_IGN);
	signal(FILE_SIGNAL, SIG_IGN); /* of leases and directories: the monitor handles it */
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){64 << 10, 64 << 10});
	for (u32 row = 0; row < ARRAY_SIZE(table); row++) {
		/* Any function does: the question is whether there is one. */
		if (is_left_out(table[row].nr) ||
		    !jail_find_call(table[row].nr, jail_find_call(HC_openat, NULL)))
			continue;
		setitimer(ITIMER_REAL, &often, NULL); /* a call that waits is interrupted */
		worked += call_often(row, each);
		setitimer(ITIMER_REAL, &never, NULL);
		rows++;
		if (open_descriptors() != before)
			fail_msg("%s leaves descriptors", table[row].name);
		after = look();
		if (strcmp(after, files) != 0)
			fail_msg("%s changed what it must not:\n%s\ninstead of\n%s",
				 table[row].name, after, files);
		free(after);
	}
	free(files);
	assert_true(rows > 80 && worked > rows);
	printf("%u random calls of each of %u rows, %u of them worked\n", each, rows, worked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_judged),
		cmocka_unit_test(only_handles_with_a_rule_are_starts),
		cmocka_unit_test(a_moved_directory_leads_nowhere),
		cmocka_unit_test(calls_that_are_not_listed_do_not_exist),
		cmocka_unit_test(random_calls_reach_nothing_else),
	};
	const struct CMUnitTest rows[] = {
		cmocka_unit_test(random_calls_of_each_row),
	};

	if (getenv("JAIL_EACH"))
		return cmocka_run_group_tests(rows, setup, teardown);
	return cmocka_run_group_tests(tests, setup, teardown);
}
