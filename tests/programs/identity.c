// SPDX-License-Identifier: MIT
/*
 * What may a user do? Each case lets a child become another user and tries what that user may not
 * do. When the program is started as root the children change for real; as another user the changes
 * are refused. Everything that a case tries on the host is refused or stays in its own directory.
 */
#include "check.h"
#include "child.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define USER 1234

/* Runs `run` in a child and prints how the child ended. */
static void child(void (*run)(void))
{
	int status = status_of_child(run);

	SHOW(status);
}

static void become_user(void)
{
	if (geteuid() == 0) {
		NEED(setgroups(0, NULL) == 0);
		NEED(setresgid(USER, USER, USER) == 0);
		NEED(setresuid(USER, USER, USER) == 0);
	}
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}};

	SHOW(syscall(SYS_capset, &head, none));
}

/*
 * Makes a file of this program's user that no other user may read, and one that no user may read.
 */
static void make_files(void)
{
	int fd = open("own", O_CREAT | O_RDWR | O_TRUNC, 0600);

	NEED(fd >= 0 && write(fd, "secret", 6) == 6 && close(fd) == 0);
	fd = open("none", O_CREAT | O_RDWR | O_TRUNC, 0222);
	NEED(fd >= 0 && close(fd) == 0);
	NEED(chmod(".", 0755) == 0 && chmod("none", 0222) == 0);
}

static long bind_to(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr = {htonl(INADDR_LOOPBACK)},
				   .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	long r = bind(fd, (void *)&addr, sizeof(addr));
	int error = errno;

	close(fd);
	errno = error;
	return r;
}

static void what_a_user_may_not(void)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	SHOW(bind_to(83));
	SHOW_OK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	SHOW_OK(socket(AF_PACKET, SOCK_RAW, 0));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_MARK, &one, sizeof(one)));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &one, sizeof(one)));
	SHOW(mknod("device", S_IFCHR | 0600, 0x103));
	SHOW(chown("/etc/passwd", USER, USER));
	SHOW_OK(open("/etc/passwd", O_RDWR));
	SHOW(access("/etc/passwd", W_OK));
	SHOW(setxattr("/etc/passwd", "trusted.x", "1", 1, 0));
	SHOW(setpriority(PRIO_PROCESS, 0, -5));
	SHOW(kill(getppid(), 0));
	close(fd);
}

static void user_tries(void)
{
	become_user();
	what_a_user_may_not();
	SHOW_OK(open("own", O_RDONLY));
	SHOW(access("own", R_OK));
	SHOW(truncate("own", 0));
	SHOW(mkdir("directory", 0700));
	SHOW(setuid(0));
	SHOW(setgid(0));
}

CASE(a_user)
{
	if (geteuid())
		return; /* The child owns the files. */
	make_files();
	child(user_tries);
}

static void without_capabilities(void)
{
	drop_capabilities();
	what_a_user_may_not();
	/* The owner keeps access to its own files. */
	SHOW_OK(open("own", O_RDONLY));
	SHOW_OK(open("none", O_RDONLY));
	SHOW(access("none", R_OK));
	SHOW(access("none", W_OK));
	SHOW(setuid(USER));
}

CASE(root_without_capabilities)
{
	make_files();
	if (geteuid() == 0)
		child(without_capabilities);
}

static void ask(const char *who)
{
	printf("%s: real %d, effective %d\n", who, getuid() != 0, geteuid() != 0);
	SHOW(access("own", R_OK));
	SHOW(access("none", R_OK));
	SHOW(access("none", W_OK));
	SHOW(access("none", X_OK));
	SHOW(faccessat(AT_FDCWD, "own", R_OK, AT_EACCESS));
	SHOW_OK(open("own", O_RDONLY));
}

static void effective_user(void)
{
	SHOW(seteuid(USER));
	ask("seteuid");
	SHOW(seteuid(0));
	ask("back");
}

static void real_user(void)
{
	SHOW(setreuid(USER, 0));
	ask("setreuid");
}

static void file_user(void)
{
	SHOW(syscall(SYS_setfsuid, USER));
	ask("setfsuid");
	SHOW(mkdir("by-user", 0700));
}

CASE(access_asks_for_the_real_user)
{
	make_files();
	if (geteuid())
		return;
	child(effective_user);
	child(real_user);
	child(file_user);
}

static long thread_result[4];

/* By raw system calls, as file servers do it: glibc's setresuid would change all threads. */
static void *other_identity(void *arg)
{
	(void)arg;
	thread_result[0] = syscall(SYS_setresuid, -1, USER, -1);
	thread_result[1] = geteuid();
	thread_result[2] = open("own", O_RDONLY);
	thread_result[3] = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return NULL;
}

CASE(a_thread_has_its_own)
{
	pthread_t thread;

	make_files();
	NEED(pthread_create(&thread, NULL, other_identity, NULL) == 0);
	NEED(pthread_join(thread, NULL) == 0);
	if (geteuid() == 0) {
		SHOW(thread_result[0]);
		SHOW(thread_result[1]);
		CHECK(thread_result[2] == -1);
	}
	SHOW(thread_result[3]);
	/* The other threads keep their ids. */
	SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SHOW_OK(open("own", O_RDONLY));
	CHECK(geteuid() == getuid());
}

/* An identity follows its thread to whichever vCPU runs it: many threads, two identities. */
static void *by_turns(void *arg)
{
	long self = (long)arg, wrong = 0;

	if (geteuid() == 0 && self % 2 && syscall(SYS_setresuid, -1, USER, -1))
		return (void *)-1L;
	for (int i = 0; i < 50; i++) {
		int fd = open("own", O_RDONLY);

		wrong += (fd >= 0) != (geteuid() != USER);
		if (fd >= 0)
			close(fd);
		usleep(100);
	}
	return (void *)wrong;
}

CASE(threads_of_two_identities)
{
	pthread_t thread[8];
	void *wrong;

	make_files();
	for (long i = 0; i < 8; i++)
		NEED(pthread_create(&thread[i], NULL, by_turns, (void *)i) == 0);
	for (int i = 0; i < 8; i++) {
		NEED(pthread_join(thread[i], &wrong) == 0);
		SHOW((long)wrong);
	}
}

static void kept_over_setuid(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct set[2] = {{0, 0, 0}};

	SHOW(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	SHOW(setresuid(USER, USER, USER));
	SHOW_OK(open("own", O_RDONLY));
	set[0].permitted = set[0].effective = set[0].inheritable = 1u << CAP_DAC_READ_SEARCH;
	SHOW(syscall(SYS_capset, &head, set));
	SHOW_OK(open("own", O_RDONLY));
	SHOW_OK(open("own", O_RDWR));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_DAC_READ_SEARCH, 0, 0));
	fflush(stdout);
	execl("/bin/cat", "cat", "own", NULL);
}

CASE(capabilities_kept_over_setuid)
{
	make_files();
	if (geteuid() == 0)
		child(kept_over_setuid);
}

static void bits(void)
{
	SHOW(prctl(PR_GET_SECUREBITS));
	SHOW(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
	SHOW(prctl(PR_SET_SECUREBITS, 0));
	SHOW(setresuid(USER, USER, USER));
	SHOW_OK(open("own", O_RDONLY));
	SHOW(prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN));
	SHOW(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN));
	SHOW(prctl(PR_GET_SECUREBITS));
}

CASE(secure_bits)
{
	make_files();
	if (geteuid() == 0)
		child(bits);
}

static void new_file(void)
{
	struct stat st;

	become_user();
	SHOW_OK(open("owned", O_CREAT | O_RDWR, 0600));
	NEED(stat("owned", &st) == 0);
	CHECK(st.st_uid == geteuid() && st.st_gid == getegid());
	SHOW_OK(mkfifo("fifo", 0600));
	NEED(stat("fifo", &st) == 0);
	CHECK(st.st_uid == geteuid());
	unlink("owned");
	unlink("fifo");
}

CASE(what_it_makes_is_its_own)
{
	NEED(chmod(".", 0777) == 0);
	child(new_file);
	NEED(chmod(".", 0755) == 0);
}

/* A copy of a program with these mode bits, run by a user. */
static void set_id_program(void)
{
	become_user();
	execl("./program", "program", "effective", NULL);
}

static void set_id_program_confined(void)
{
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	set_id_program();
}

LONE_CASE(effective)
{
	printf("real %d, effective %d, group %d\n", getuid() == USER, geteuid() == 0,
	       getegid() == 0);
	SHOW_OK(open("own", O_RDONLY));
}

static void copy_self(mode_t mode)
{
	char buf[65536];
	int from = open("/proc/self/exe", O_RDONLY);
	int to = open("program", O_CREAT | O_TRUNC | O_WRONLY, 0700);
	ssize_t n;

	NEED(from >= 0 && to >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		NEED(write(to, buf, (size_t)n) == n);
	NEED(fchmod(to, mode) == 0 && close(to) == 0 && close(from) == 0);
}

/* Prints what the program has of capabilities, and tries some of them. */
LONE_CASE(capable)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	int fd;

	NEED(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "Cap", 3) || !strncmp(line, "Uid", 3))
			fputs(line, stdout);
	fclose(f);
	SHOW(prctl(PR_GET_DUMPABLE));
	fd = open("own", O_RDONLY); /* CAP_DAC_READ_SEARCH */
	SHOW(fd >= 0);
	SHOW(chown("own", USER, USER)); /* CAP_CHOWN */
}

static void capable_program(void)
{
	become_user();
	execl("./program", "program", "capable", NULL);
	printf("exec: %s\n", check_errno(errno));
}

static void capable_program_confined(void)
{
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	capable_program();
}

static void capable_program_bounded(void)
{
	NEED(prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0) == 0);
	capable_program();
}

static void capable_program_of_root(void)
{
	execl("./program", "program", "capable", NULL);
}

/* As setcap(8) does. */
static void set_file_capabilities(unsigned permitted, unsigned inheritable, bool effective)
{
	struct vfs_cap_data d = {
		.magic_etc = VFS_CAP_REVISION_2 | (effective ? VFS_CAP_FLAGS_EFFECTIVE : 0),
		.data = {{permitted, inheritable}, {0, 0}},
	};

	NEED(setxattr("program", "security.capability", &d, sizeof(d), 0) == 0);
}

CASE(capabilities_of_files)
{
	const unsigned reads = 1U << CAP_DAC_READ_SEARCH;

	if (geteuid())
		return;
	make_files();
	copy_self(0755);
	if (setxattr("program", "security.capability", "", 0, 0) && errno == EOPNOTSUPP) {
		puts("  left out: files have no capabilities here");
		return;
	}
	set_file_capabilities(reads, 0, true);
	child(capable_program);
	child(capable_program_confined);
	child(capable_program_bounded);
	set_file_capabilities(reads, 0, false);
	child(capable_program);
	child(capable_program_bounded);
	set_file_capabilities(0, reads, true);
	child(capable_program);
	/* A set-user-ID program of root's gets the file's only. */
	copy_self(04755);
	set_file_capabilities(reads, 0, true);
	child(capable_program);
	child(capable_program_of_root);
	unlink("program");
}

CASE(set_user_id_programs)
{
	if (geteuid())
		return;
	make_files();
	copy_self(04755);
	child(set_id_program);
	child(set_id_program_confined);
	copy_self(02755);
	child(set_id_program);
	copy_self(0755);
	child(set_id_program);
	unlink("program");
}
