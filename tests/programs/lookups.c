// SPDX-License-Identifier: MIT
/*
 * Path lookups, made in the same order again and again while the answers change: is each answer the
 * current one? A kernel that prefetches lookups (kernel/fs/path_prefetch.c) would give an old
 * answer here if it did so wrongly.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINKS  6
#define ROUNDS 50

/* The names are absolute, as realpath(3) makes them. */
static char names[LINKS][PATH_MAX];
static char missing[PATH_MAX];

static void absolute(char *to, const char *name)
{
	NEED(getcwd(to, PATH_MAX - 300));
	strcat(to, "/");
	strcat(to, name);
}

/* link 0 to 5 -> "old 0" to "old 5" */
static void make_links(void)
{
	for (int i = 0; i < LINKS; i++) {
		char name[8] = {'l', (char)('0' + i), 0}, target[8] = {'o', (char)('0' + i), 0};

		absolute(names[i], name);
		unlink(names[i]);
		NEED(symlink(target, names[i]) == 0);
	}
	absolute(missing, "missing");
	unlink(missing);
}

/* Returns the first letter of what link i contains now, or '?' if it does not exist. */
static char letter(int i)
{
	char target[8];

	return readlink(names[i], target, sizeof(target)) > 0 ? target[0] : '?';
}

/* Reads all links again and again, as a program does that looks for a file in many places. */
static void learn(void)
{
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < LINKS; i++)
			NEED(letter(i) != '?');
		getppid();
	}
}

/* Makes link i contain this letter. */
static void change(int i, char to)
{
	char temporary[PATH_MAX], target[8] = {to, (char)('0' + i), 0};

	snprintf(temporary, sizeof(temporary), "%s.new", names[i]);
	NEED(symlink(target, temporary) == 0);
	NEED(rename(temporary, names[i]) == 0);
}

/* Returns the letters of a run in which change_it() changes link 3 after the first two lookups. */
static void show_run(const char *what, void (*change_it)(void))
{
	char seen[LINKS + 1] = "";

	make_links();
	learn();
	for (int i = 0; i < LINKS; i++) {
		if (i == 2)
			change_it();
		seen[i] = letter(i);
	}
	printf("  %s: %s\n", what, seen);
	CHECK(!strcmp(seen, "ooonoo"));
}

/* ---- by the process itself ------------------------------------------------------------------ */

static void by_rename(void)
{
	change(3, 'n');
}

static void by_unlink_and_symlink(void)
{
	NEED(unlink(names[3]) == 0);
	NEED(symlink("new", names[3]) == 0);
}

static void by_moving_a_directory(void)
{
	char dir[PATH_MAX], old[PATH_MAX];

	/* The links lie in a directory of their own. Another directory takes its place. */
	absolute(dir, "d");
	absolute(old, "e");
	NEED(rename(dir, old) == 0);
	NEED(mkdir(dir, 0755) == 0);
	NEED(symlink("new", names[3]) == 0);
	for (int i = 0; i < LINKS; i++)
		if (i != 3)
			NEED(symlink("old", names[i]) == 0);
}

CASE(changed_between_by_itself)
{
	show_run("rename", by_rename);
	show_run("unlink, symlink", by_unlink_and_symlink);
}

CASE(changed_with_its_directory)
{
	char seen[LINKS + 1] = "";

	NEED(mkdir("d", 0755) == 0);
	for (int i = 0; i < LINKS; i++) {
		char name[8] = {'d', '/', (char)('0' + i), 0};

		absolute(names[i], name);
		NEED(symlink("old", names[i]) == 0);
	}
	learn();
	for (int i = 0; i < LINKS; i++) {
		if (i == 2)
			by_moving_a_directory();
		seen[i] = letter(i);
	}
	SHOW(strcmp(seen, "ooonoo"));
	CHECK(!strcmp(seen, "ooonoo"));
}

CASE(gone_and_back)
{
	char seen[LINKS + 1] = "";

	make_links();
	learn();
	for (int i = 0; i < LINKS; i++) {
		if (i == 2)
			NEED(unlink(names[4]) == 0);
		seen[i] = letter(i);
	}
	CHECK(!strcmp(seen, "oooo?o"));
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < LINKS; i++)
			letter(i);
		getppid();
	}
	for (int i = 0; i < LINKS; i++) {
		if (i == 2)
			NEED(symlink("new", names[4]) == 0);
		seen[i] = letter(i);
	}
	printf("  %s\n", seen);
	CHECK(!strcmp(seen, "oooono"));
}

/* ---- by others ------------------------------------------------------------------------------ */

static int to_child[2], to_parent[2];

static void by_asking_the_child(void)
{
	char byte = 'x';

	NEED(write(to_child[1], &byte, 1) == 1);
	NEED(read(to_parent[0], &byte, 1) == 1);
}

CASE(changed_by_a_child_that_says_so)
{
	pid_t pid;

	make_links();
	NEED(pipe(to_child) == 0 && pipe(to_parent) == 0);
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		char byte;

		close(to_child[1]);
		while (read(to_child[0], &byte, 1) == 1) {
			by_rename();
			NEED(write(to_parent[1], &byte, 1) == 1);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		show_run("pipe", by_asking_the_child);
	close(to_child[1]);
	NEED(waitpid(pid, NULL, 0) == pid);
	for (int i = 0; i < 2; i++) {
		close(to_child[0]);
		close(to_parent[i]);
	}
}

static void by_a_child(void)
{
	pid_t pid = fork();

	NEED(pid >= 0);
	if (pid == 0) {
		by_rename();
		_exit(0);
	}
	NEED(waitpid(pid, NULL, 0) == pid);
}

static void by_a_vfork_child(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		by_rename();
		_exit(0);
	}
	NEED(pid > 0 && waitpid(pid, NULL, 0) == pid);
}

CASE(changed_by_a_child_that_ends)
{
	show_run("fork", by_a_child);
	show_run("vfork", by_a_vfork_child);
}

/* A child of fork continues where its parent was, and makes its own lookups. */
CASE(asked_on_by_a_child)
{
	int status;
	pid_t pid;

	make_links();
	learn();
	letter(0);
	letter(1);
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		by_rename();
		_exit(letter(2) == 'o' && letter(3) == 'n' ? 0 : 1);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	SHOW(status);
	CHECK(letter(2) == 'o' && letter(3) == 'n');
}

static volatile sig_atomic_t changed;

static void on_signal(int sig)
{
	(void)sig;
	change(3, 'n');
	changed = 1;
}

/* Makes a child that changes a link (-1: none) after a delay that varies, then sends a signal. */
static pid_t signal_soon(int round, int link)
{
	pid_t pid = start_child();

	if (pid == 0) {
		usleep((useconds_t)(round * 37 % 500));
		if (link >= 0)
			change(link, 'n');
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	return pid;
}

/* The handler runs anywhere in the run, alone or while the program only computes. */
CASE(changed_by_a_signal_handler)
{
	struct sigaction action = {.sa_handler = on_signal}, old;
	int bad = 0;

	NEED(sigaction(SIGUSR1, &action, &old) == 0);
	make_links();
	learn();
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid;

		changed = 0;
		pid = signal_soon(round, -1);
		for (bool seen = false; !seen;) {
			seen = changed;
			for (int i = 0; i < LINKS; i++) {
				bool was = changed;
				char c = letter(i);

				bad += i == 3 && was && c != 'n';
			}
		}
		change(3, 'o');
		while (waitpid(pid, NULL, 0) != pid)
			;
	}
	NEED(sigaction(SIGUSR1, &old, NULL) == 0);
	SHOW(bad);
	CHECK(!bad);
}

static volatile int handler_saw;

static void asks_on_signal(int sig)
{
	(void)sig;
	handler_saw = letter(5);
	changed = 1;
}

/*
 * First the change, then the signal. Its handler makes the lookup that the program would have made
 * next, and the program computes for a while before that lookup, so that most signals come there.
 */
CASE(changed_before_a_signal)
{
	int bad = 0;

	NEED(signal(SIGUSR1, asks_on_signal) != SIG_ERR);
	make_links();
	learn();
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid;

		changed = 0;
		pid = signal_soon(round, 5);
		while (!changed) {
			for (int i = 0; i < LINKS && !changed; i++) {
				for (volatile int n = 0; i == 5 && n < 50000; n++)
					;
				letter(i);
			}
			getppid();
		}
		bad += handler_saw != 'n' || letter(5) != 'n';
		while (waitpid(pid, NULL, 0) != pid)
			;
		change(5, 'o');
	}
	NEED(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
	SHOW(bad);
	CHECK(!bad);
}

/* ---- opens, stat and access ----------------------------------------------------------------- */

static char sizes(void)
{
	struct stat st;
	int r = stat(missing, &st);

	return r ? '?' : (char)('0' + st.st_size);
}

/* As a compiler looks for a file: the directories, the name, then open(2). */
static void look_for_it(char seen[5])
{
	int fd;

	letter(0);
	seen[0] = sizes();
	seen[1] = access(missing, R_OK) ? '?' : 'a';
	letter(1);
	fd = open(missing, O_RDONLY | O_NOCTTY);
	seen[2] = fd < 0 ? '?' : 'f';
	letter(2);
	seen[3] = sizes();
	seen[4] = 0;
	if (fd >= 0)
		close(fd);
}

static void make_missing(const char *text)
{
	int fd = open(missing, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	NEED(fd >= 0);
	NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

CASE(opened_when_it_is_there)
{
	char seen[5];

	make_links();
	for (int i = 0; i < 4; i++) {
		look_for_it(seen);
		CHECK(!strcmp(seen, "????"));
	}
	make_missing("abc");
	look_for_it(seen);
	CHECK(!strcmp(seen, "3af3"));
	make_missing("abcde");
	look_for_it(seen);
	CHECK(!strcmp(seen, "5af5"));
	NEED(unlink(missing) == 0);
	look_for_it(seen);
	CHECK(!strcmp(seen, "????"));
	/* The open itself made the file: no lookup precedes it. */
	letter(0);
	sizes();
	access(missing, R_OK);
	letter(1);
	make_missing("x");
	SHOW(sizes());
	NEED(unlink(missing) == 0);
	/* open(2) reports the error of a link that leads nowhere, to itself, or through a file. */
	for (int i = 0; i < 4; i++) {
		char loop[PATH_MAX], through[PATH_MAX];

		absolute(loop, "loop");
		absolute(through, "l0/x");
		unlink(loop);
		NEED(symlink("loop", loop) == 0);
		if (i == 2)
			make_missing("file");
		letter(0);
		SHOW(open(names[0], O_RDONLY));
		SHOW(open(loop, O_RDONLY));
		SHOW(open(names[0], O_RDONLY | O_NOFOLLOW));
		SHOW(open(through, O_RDONLY));
		strcpy(through, missing);
		strcat(through, "/x");
		SHOW(open(through, O_RDONLY));
		SHOW(access(through, F_OK));
		SHOW(access(missing, 8));
		letter(1);
	}
	NEED(unlink(missing) == 0);
}

CASE(made_by_a_child)
{
	char seen[5];
	pid_t pid;

	make_links();
	for (int i = 0; i < 4; i++)
		look_for_it(seen);
	CHECK(!strcmp(seen, "????"));
	letter(0);
	sizes();
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		make_missing("abc");
		_exit(0);
	}
	NEED(waitpid(pid, NULL, 0) == pid);
	CHECK(access(missing, R_OK) == 0);
	letter(1);
	CHECK(sizes() == '3');
}

/* ---- fstat right behind open ---------------------------------------------------------------- */

CASE(changed_behind_open)
{
	struct stat st;
	int fd, other;

	make_links();
	for (int round = 0; round < 3; round++) {
		make_missing("abc");
		fd = open(missing, O_RDWR);
		CHECK(fstat(fd, &st) == 0 && st.st_size == 3 && S_ISREG(st.st_mode));
		NEED(ftruncate(fd, 7) == 0);
		CHECK(fstat(fd, &st) == 0 && st.st_size == 7);
		close(fd);
		/* fstat after the open of something else, of the same number, of the same file. */
		fd = open(missing, O_RDONLY);
		other = open(".", O_RDONLY | O_DIRECTORY);
		CHECK(fstat(fd, &st) == 0 && st.st_size == 7);
		CHECK(fstat(other, &st) == 0 && S_ISDIR(st.st_mode));
		NEED(dup2(other, fd) == fd);
		CHECK(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode));
		close(fd);
		close(other);
		fd = open(missing, O_RDONLY);
		NEED(chmod(missing, 0600 + (mode_t)round) == 0);
		CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0600U + (unsigned)round);
		close(fd);
		fd = open(missing, O_WRONLY | O_TRUNC);
		CHECK(fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 && st.st_size == 0);
		SHOW(fstat(fd, (struct stat *)8));
		close(fd);
		fd = open(names[0], O_PATH | O_NOFOLLOW);
		CHECK(fstat(fd, &st) == 0 && S_ISLNK(st.st_mode));
		close(fd);
		fd = open("/dev/null", O_RDONLY);
		CHECK(fstat(fd, &st) == 0 && S_ISCHR(st.st_mode));
		close(fd);
		SHOW(fstat(fd, &st));
	}
	NEED(unlink(missing) == 0);
}

/* ---- lookups right behind a close --------------------------------------------------------- */

static void run_behind_close(char seen[LINKS + 1], void (*between)(void))
{
	int fd;

	letter(0);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	NEED(fd >= 0);
	close(fd);
	if (between)
		between();
	for (int i = 0; i < LINKS; i++)
		seen[i] = letter(i);
}

CASE(changed_behind_close)
{
	char seen[LINKS + 1] = "";

	make_links();
	for (int round = 0; round < 4; round++) {
		run_behind_close(seen, NULL);
		getppid();
		CHECK(!strcmp(seen, "oooooo"));
	}
	run_behind_close(seen, by_rename);
	CHECK(!strcmp(seen, "ooonoo"));
	change(3, 'o');
	getppid();
	run_behind_close(seen, by_a_child);
	CHECK(!strcmp(seen, "ooonoo"));
	change(3, 'o');
	/* The close itself is not delayed: the pipe has no writer when the lookups are made. */
	for (int round = 0; round < 4; round++) {
		struct stat st;
		char byte;

		NEED(pipe(to_child) == 0);
		letter(0);
		close(to_child[1]);
		letter(1);
		NEED(stat(names[2], &st) == -1);
		letter(3);
		SHOW(read(to_child[0], &byte, 1));
		close(to_child[0]);
		SHOW(letter(4) == 'o');
		SHOW(close(to_child[0]));
	}
}

/* ---- what an answer looks like -------------------------------------------------------------- */

CASE(long_and_short_answers)
{
	static char target[PATH_MAX], got[2 * PATH_MAX], name[2 * PATH_MAX];
	static const int lengths[] = {1, 100, 255, 1000, 4000, PATH_MAX - 1};
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(page != MAP_FAILED && munmap(page + 4096, 4096) == 0);
	make_links();
	for (int i = 0; i < LINKS; i++) {
		memset(target, 'a' + i, (size_t)lengths[i]);
		target[lengths[i]] = 0;
		unlink(names[i]);
		NEED(symlink(target, names[i]) == 0);
	}
	memset(name, 'n', sizeof(name));
	name[0] = '/';
	for (int round = 0; round < 4; round++) {
		printf("  round %d\n", round);
		for (int i = 0; i < LINKS; i++) {
			ssize_t n = readlink(names[i], got, sizeof(got));

			CHECK(n == lengths[i] && got[0] == 'a' + i && got[n - 1] == 'a' + i);
		}
		/*
		 * A buffer smaller than the target: the result is cut, and not one byte more is
		 * written.
		 */
		memset(got, '-', sizeof(got));
		SHOW(readlink(names[2], got, 10));
		CHECK(got[9] == 'c' && got[10] == '-');
		SHOW(readlink(names[3], got, 0));
		SHOW(readlink(names[3], got, (size_t)-1));
		SHOW(readlink(names[3], (char *)8, 100));
		/* The target fits up to the page's end, then it does not. */
		SHOW(readlink(names[1], page + 4096 - 100, 4096));
		SHOW(readlink(names[1], page + 4096 - 99, 4096));
		SHOW(readlink((char *)8, got, 100));
		SHOW(readlink("", got, 100));
		name[256] = 0;
		SHOW(readlink(name, got, 100));
		name[256] = 'n';
		name[257] = 0;
		SHOW(readlink(name, got, 100));
		name[257] = 'n';
		name[PATH_MAX] = 0;
		SHOW(readlink(name, got, 100));
		name[PATH_MAX] = 'n';
		SHOW(readlink("/", got, 100));
		SHOW(readlink(missing, got, 100));
	}
	munmap(page, 4096);
}

/* Names that the guest kernel answers among names that the host answers. */
CASE(names_of_several_kinds)
{
	char got[PATH_MAX], fd_name[64];
	int fd;

	make_links();
	fd = open(names[0], O_PATH | O_NOFOLLOW);
	NEED(fd >= 0);
	snprintf(fd_name, sizeof(fd_name), "/proc/self/fd/%d", fd);
	for (int round = 0; round < 4; round++) {
		ssize_t n;

		CHECK(letter(0) == 'o');
		n = readlink("/proc/self/fd/0", got, 0);
		CHECK(n == -1 && errno == EINVAL);
		n = readlink(fd_name, got, sizeof(got) - 1);
		got[n > 0 ? n : 0] = 0;
		CHECK(!strcmp(got, names[0]));
		CHECK(letter(1) == 'o');
		SHOW(readlinkat(fd, "", got, sizeof(got)));
		SHOW(readlinkat(AT_FDCWD, "l2", got, sizeof(got)));
		SHOW(readlink("l3", got, sizeof(got)));
		CHECK(letter(4) == 'o');
	}
	close(fd);
}

/* One user may see what another may not: the answers depend on the user who asks. */
CASE(asked_by_somebody_else)
{
	char dir[PATH_MAX];
	int status;
	pid_t pid;

	absolute(dir, "private");
	NEED(mkdir(dir, 0700) == 0);
	for (int i = 0; i < LINKS; i++) {
		char name[16] = {'p', 'r', 'i', 'v', 'a', 't', 'e', '/', (char)('0' + i), 0};

		absolute(names[i], name);
		NEED(symlink("old", names[i]) == 0);
	}
	learn();
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		char got[8];
		int bad = 0;

		if (geteuid() == 0)
			NEED(setgid(65534) == 0 && setuid(65534) == 0);
		else
			NEED(chmod(dir, 0) == 0);
		for (int round = 0; round < 4; round++)
			for (int i = 0; i < LINKS; i++) {
				bad += readlink(names[i], got, sizeof(got)) != -1;
				bad += errno != EACCES;
			}
		_exit(bad);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	SHOW(status);
	CHECK(!status);
	chmod(dir, 0700);
	/* The identity changes in the middle of a run. */
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		char got[8];
		int bad = 0;

		learn();
		bad += letter(0) != 'o';
		bad += letter(1) != 'o';
		if (geteuid() == 0)
			NEED(seteuid(65534) == 0);
		else
			NEED(chmod(dir, 0) == 0);
		for (int i = 2; i < LINKS; i++)
			bad += readlink(names[i], got, sizeof(got)) != -1 || errno != EACCES;
		_exit(bad);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	SHOW(status);
	CHECK(!status);
	chmod(dir, 0700);
}

/*
 * ---- changes that are said in memory: last, for who had such memory once is not answered ahead
 * any more
 */

/*
 * Repeats until the number in memory is the last one. A thread that saw a number has to see the
 * link of that number or a later one.
 */
static int ask_and_compare(_Atomic unsigned char *said)
{
	int bad = 0;

	for (unsigned char last = 0; last < ROUNDS;) {
		for (int i = 0; i < LINKS; i++) {
			unsigned char before = atomic_load(said);
			char c = letter(i);

			if (i == 3 && before)
				bad += c < '0' + before;
			last = before;
		}
		getppid();
	}
	return bad;
}

/* First link 3 gets a number, then the memory does. */
static void tell(_Atomic unsigned char *said)
{
	for (unsigned char n = 1; n <= ROUNDS; n++) {
		change(3, (char)('0' + n));
		atomic_store(said, n);
		usleep(300);
	}
}

static void *telling_thread(void *said)
{
	tell(said);
	return NULL;
}

CASE(changed_by_a_thread)
{
	static _Atomic unsigned char said;
	pthread_t thread;
	int bad;

	make_links();
	change(3, '0');
	learn();
	NEED(pthread_create(&thread, NULL, telling_thread, (void *)&said) == 0);
	bad = ask_and_compare(&said);
	pthread_join(thread, NULL);
	SHOW(bad);
	CHECK(!bad);
}

static void told_by_a_process(_Atomic unsigned char *said, _Atomic unsigned char *tells)
{
	pid_t pid;
	int bad;

	make_links();
	change(3, '0');
	learn();
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		tell(tells);
		_exit(0);
	}
	bad = ask_and_compare(said);
	NEED(waitpid(pid, NULL, 0) == pid);
	SHOW(bad);
	CHECK(!bad);
}

CASE(changed_by_a_process_with_shared_memory)
{
	void *said = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	NEED(said != MAP_FAILED);
	told_by_a_process(said, said);
	munmap(said, 4096);
}

/* One process has the file's page mapped for reading only. */
static void told_in_a_file(const char *name, unsigned seconds_old)
{
	int fd = open(name, O_RDWR | O_CREAT, 0644);
	int reads = open(name, O_RDONLY);
	void *said, *tells;

	NEED(fd >= 0 && reads >= 0 && ftruncate(fd, 4096) == 0);
	sleep(seconds_old);
	said = mmap(NULL, 4096, PROT_READ, MAP_SHARED, reads, 0);
	tells = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(said != MAP_FAILED && tells != MAP_FAILED);
	told_by_a_process(said, tells);
	munmap(said, 4096);
	munmap(tells, 4096);
	close(fd);
	close(reads);
	unlink(name);
}

CASE(changed_by_a_process_with_a_file)
{
	told_in_a_file("said", 0);
}

/* A file in memory does not report when it was written last. */
CASE(changed_by_a_process_with_an_old_file)
{
	char name[64];

	snprintf(name, sizeof(name), "/dev/shm/looks-%d", getpid());
	told_in_a_file(name, 5);
}

/* The file grows by a byte, then the memory says how many bytes there are. */
static void grow(_Atomic unsigned char *said)
{
	int fd = open(missing, O_WRONLY | O_APPEND);

	NEED(fd >= 0);
	for (unsigned char n = 1; n <= ROUNDS; n++) {
		NEED(write(fd, "x", 1) == 1);
		atomic_store(said, n);
		usleep(300);
	}
	close(fd);
}

static void *growing_thread(void *said)
{
	grow(said);
	return NULL;
}

/* A thread that saw a number between open and fstat has to see a file at least that large. */
static int open_and_compare(_Atomic unsigned char *said)
{
	int bad = 0;

	for (unsigned char last = 0; last < ROUNDS;) {
		int fd = open(missing, O_RDONLY);
		struct stat st;

		for (volatile int n = 0; n < 20000; n++)
			;
		last = atomic_load(said);
		bad += fstat(fd, &st) != 0 || st.st_size < last;
		close(fd);
	}
	return bad;
}

CASE(grown_behind_open)
{
	static _Atomic unsigned char said;
	pthread_t thread;
	_Atomic unsigned char *shared;
	int bad;
	pid_t pid;

	make_links();
	make_missing("");
	NEED(pthread_create(&thread, NULL, growing_thread, (void *)&said) == 0);
	bad = open_and_compare(&said);
	pthread_join(thread, NULL);
	SHOW(bad);
	CHECK(!bad);

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(shared != MAP_FAILED);
	make_missing("");
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0) {
		grow(shared);
		_exit(0);
	}
	bad = open_and_compare(shared);
	NEED(waitpid(pid, NULL, 0) == pid);
	SHOW(bad);
	CHECK(!bad);
	munmap((void *)shared, 4096);
	NEED(unlink(missing) == 0);
}

/* ---- a file that was just opened ------------------------------------------------------------ */

/* Opens the file as Python does, up to the read that comes to its end. Returns the descriptor. */
static int read_to_the_end(char text[8])
{
	int fd = open(missing, O_RDONLY | O_CLOEXEC);
	struct stat st;

	NEED(fd >= 0);
	NEED(fstat(fd, &st) == 0);
	CHECK(!isatty(fd) && errno == ENOTTY);
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	NEED(fstat(fd, &st) == 0);
	memset(text, 0, 8);
	CHECK(read(fd, text, 7) == st.st_size);
	return fd;
}

static void append(const char *text)
{
	int fd = open(missing, O_WRONLY | O_APPEND);

	NEED(fd >= 0);
	NEED(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

CASE(read_to_its_end)
{
	char text[8], more[8] = "";
	struct stat st;
	int fd;

	make_links();
	make_missing("abc");
	for (int i = 0; i < 4; i++) {
		fd = read_to_the_end(text);
		CHECK(!strcmp(text, "abc"));
		CHECK(read(fd, more, sizeof(more)) == 0);
		CHECK(read(fd, more, sizeof(more)) == 0);
		CHECK(lseek(fd, 0, SEEK_CUR) == 3);
		CHECK(lseek(fd, -2, SEEK_CUR) == 1);
		CHECK(read(fd, more, 1) == 1 && more[0] == 'b');
		CHECK(lseek(fd, 0, SEEK_CUR) == 2);
		close(fd);
	}
	/* The process itself adds to the file. */
	fd = read_to_the_end(text);
	append("d");
	CHECK(read(fd, more, sizeof(more)) == 1 && more[0] == 'd');
	NEED(fstat(fd, &st) == 0);
	CHECK(st.st_size == 4);
	close(fd);
	/* A child does, and moves the position that both have. */
	fd = read_to_the_end(text);
	if (!start_child()) {
		append("ef");
		_exit(lseek(fd, 1, SEEK_CUR) == 5 ? 0 : 1);
	}
	NEED(wait(NULL) > 0);
	CHECK(read(fd, more, sizeof(more)) == 1 && more[0] == 'f');
	CHECK(lseek(fd, 0, SEEK_CUR) == 6);
	close(fd);
	/* To the end and back, as grep(1) does to look for holes; and elsewhere. */
	fd = open(missing, O_RDONLY);
	NEED(fd >= 0 && fstat(fd, &st) == 0);
	CHECK(lseek(fd, 0, SEEK_END) == st.st_size);
	CHECK(lseek(fd, 0, SEEK_CUR) == st.st_size);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(read(fd, more, 1) == 1 && more[0] == 'a');
	CHECK(lseek(fd, 2, SEEK_SET) == 2);
	CHECK(lseek(fd, 1, SEEK_SET) == 1);
	CHECK(read(fd, more, 1) == 1 && more[0] == 'b');
	close(fd);
	/* A read that gets all, and no more was asked for. */
	fd = open(missing, O_RDONLY);
	NEED(fd >= 0 && fstat(fd, &st) == 0);
	CHECK(read(fd, more, 6) == 6);
	append("g");
	CHECK(read(fd, more, 6) == 1 && more[0] == 'g');
	close(fd);
	NEED(unlink(missing) == 0);
}

/* Who knows the size by reading must not hear an older one. */
CASE(grown_behind_read)
{
	static _Atomic unsigned char said;
	pthread_t thread;
	int bad = 0;

	make_links();
	make_missing("");
	NEED(pthread_create(&thread, NULL, growing_thread, (void *)&said) == 0);
	for (unsigned char last = 0; last < ROUNDS;) {
		char data[256];
		int fd = open(missing, O_RDONLY);
		struct stat st;
		ssize_t n = read(fd, data, sizeof(data)), more;

		bad += fstat(fd, &st) != 0 || st.st_size < n;
		last = atomic_load(&said);
		more = read(fd, data, sizeof(data));
		bad += n + more < last;
		close(fd);
	}
	pthread_join(thread, NULL);
	SHOW(bad);
	CHECK(!bad);
	NEED(unlink(missing) == 0);
}

/* The same lookup twice in a row, with and without something between. */
CASE(asked_twice)
{
	char seen[6];

	make_links();
	for (int i = 0; i < 20; i++) {
		make_missing("ab");
		seen[0] = sizes();
		seen[1] = sizes();
		make_missing("abcd");
		seen[2] = sizes();
		NEED(unlink(missing) == 0);
		seen[3] = sizes();
		seen[4] = sizes();
		seen[5] = 0;
		CHECK(!strcmp(seen, "224??"));
	}
	for (int i = 0; i < 20; i++) {
		make_missing("abc");
		seen[0] = sizes();
		if (!start_child())
			_exit(unlink(missing));
		NEED(wait(NULL) > 0);
		seen[1] = sizes();
		seen[2] = 0;
		CHECK(!strcmp(seen, "3?"));
	}
}
