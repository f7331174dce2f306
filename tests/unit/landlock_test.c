// SPDX-License-Identifier: MIT
/*
 * Does Landlock hold what its rules say, in a child of this test? On a host without Landlock the
 * tests are left out.
 */
// sources: vm/jail/landlock.c
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vm/jail/landlock.h"

static char top[] = "/tmp/landlock.XXXXXX";
static long version;

static char *name(const char *file)
{
	static char path[4][128];
	static u32 next;
	char *to = path[next++ % 4];

	snprintf(to, sizeof(path[0]), "%s/%s", top, file);
	return to;
}

static int make_files(void **state)
{
	(void)state;
	version = syscall(444, NULL, 0, 1);
	if (!mkdtemp(top) || mkdir(name("read"), 0700) || mkdir(name("write"), 0700) ||
	    mkdir(name("none"), 0700))
		return -1;
	close(creat(name("read/file"), 0600));
	close(creat(name("write/file"), 0600));
	close(creat(name("none/file"), 0600));
	return 0;
}

static int remove_files(void **state)
{
	static const char *const files[] = {"read/file", "write/file", "write/new", "none/file",
					    "write/moved"};
	static const char *const directories[] = {"read", "write", "none"};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(files); i++)
		unlink(name(files[i]));
	for (u32 i = 0; i < ARRAY_SIZE(directories); i++)
		rmdir(name(directories[i]));
	return rmdir(top);
}

/* Runs a test in a child with these rules. Returns its exit status: 0 if all was as it should. */
static int confined(const struct landlock_rules *rules, int (*test)(void))
{
	const char *what;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || landlock_confine(rules, &what))
			_exit(100);
		_exit(test());
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Returns the error of opening a file, 0 for none. */
static int opens(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

#define EXPECT(number, is, wanted)                                                                 \
	do {                                                                                       \
		if ((is) != (wanted))                                                              \
			return number;                                                             \
	} while (0)

static int files(void)
{
	EXPECT(1, opens(name("read/file"), O_RDONLY), 0);
	EXPECT(2, opens(name("read/file"), O_WRONLY), EACCES);
	EXPECT(3, opens(name("read/new"), O_WRONLY | O_CREAT), EACCES);
	EXPECT(4, opens(name("write/file"), O_RDWR), 0);
	EXPECT(5, opens(name("write/new"), O_WRONLY | O_CREAT | O_TRUNC), 0);
	EXPECT(6, opens(name("none/file"), O_RDONLY), EACCES);
	EXPECT(7, opens(name("write/../none/file"), O_RDONLY), EACCES);
	EXPECT(8,
	       rename(name("none/file"), name("write/moved")) ? errno == EACCES || errno == EXDEV
							      : 0,
	       1);
	EXPECT(9, unlink(name("read/file")) ? errno : 0, EACCES);
	EXPECT(10, mknod(name("write/device"), S_IFCHR | 0600, 0x103) ? 1 : 0, 1);
	EXPECT(11, execl("/bin/true", "true", NULL), -1);
	return 0;
}

static void only_the_paths_of_the_rules(void **state)
{
	const struct landlock_path paths[] = {
		{name("read"), false}, {name("write"), true}, {"/no/such/path", true}};
	const struct landlock_rules rules = {
		.path = paths, .paths = ARRAY_SIZE(paths), .any_connect = true, .any_bind = true};

	(void)state;
	if (version < 0)
		skip();
	assert_int_equal(confined(&rules, files), 0);
}

static int binds(u16 port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	ret = bind(fd, (struct sockaddr *)&in, sizeof(in)) ? errno : 0;
	close(fd);
	return ret;
}

static int connects(u16 port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	ret = connect(fd, (struct sockaddr *)&in, sizeof(in)) ? errno : 0;
	close(fd);
	return ret;
}

static int ports(void)
{
	EXPECT(1, connects(2), EACCES);
	EXPECT(2, connects(1) == EACCES, 0); /* refused by nobody who listens, or it works */
	EXPECT(3, binds(2), EACCES);
	EXPECT(4, binds(0), 0);
	return 0;
}

static void only_the_ports_of_the_rules(void **state)
{
	const struct landlock_path all = {"/", true};
	const struct landlock_port one = {1, 1}, none = {0, 0};
	const struct landlock_rules rules = {.path = &all,
					     .paths = 1,
					     .connect = &one,
					     .connects = 1,
					     .bind = &none,
					     .binds = 1};

	(void)state;
	if (version < 4)
		skip();
	assert_int_equal(confined(&rules, ports), 0);
}

static int outside(void)
{
	EXPECT(1, kill(getppid(), 0) ? errno : 0, EPERM);
	EXPECT(2, kill(getpid(), 0), 0);
	return 0;
}

static void no_signals_to_the_outside(void **state)
{
	const struct landlock_path all = {"/", true};
	const struct landlock_rules rules = {
		.path = &all, .paths = 1, .any_connect = true, .any_bind = true};

	(void)state;
	if (version < 6)
		skip();
	assert_int_equal(confined(&rules, outside), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_paths_of_the_rules),
		cmocka_unit_test(only_the_ports_of_the_rules),
		cmocka_unit_test(no_signals_to_the_outside),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
