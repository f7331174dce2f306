// SPDX-License-Identifier: MIT
/* Does /proc/self describe the program itself, and not its monitor? */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <time.h>
#include <signal.h>
#include <limits.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char text[1 << 18];

static ssize_t read_all(const char *name)
{
	int fd = open(name, O_RDONLY);
	ssize_t n, done = 0;

	if (fd < 0)
		return -1;
	while ((n = read(fd, text + done, sizeof(text) - 1 - done)) > 0)
		done += n;
	close(fd);
	text[done] = '\0';
	return done;
}

/* Returns the line of /proc/self/maps that contains this address. */
static const char *map_line(const void *address)
{
	static char line[PATH_MAX];
	unsigned long start, end;

	NEED(read_all("/proc/self/maps") > 0);
	for (char *l = text; *l; l = strchr(l, '\n') + 1) {
		NEED(sscanf(l, "%lx-%lx", &start, &end) == 2);
		if ((unsigned long)address >= start && (unsigned long)address < end) {
			snprintf(line, sizeof(line), "%.*s", (int)strcspn(l, "\n"), l);
			return line;
		}
	}
	return NULL;
}

/* Prints "r-xp" and the name of the mapping, but not the addresses and the inode. */
static void print_map(const char *what, const void *address)
{
	const char *line = map_line(address);
	char rights[8] = "", name[PATH_MAX] = "";

	if (line)
		sscanf(line, "%*s %7s %*s %*s %*s %4095s", rights, name);
	printf("  %s: %s %s\n", what, line ? rights : "(none)",
	       strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
}

CASE(executable)
{
	char path[PATH_MAX] = "";
	struct stat a, b;
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	CHECK(n > 0 && path[0] == '/');
	printf("  %s\n", strrchr(path, '/') + 1);
	SHOW(stat("/proc/self/exe", &a));
	SHOW(stat(path, &b));
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	SHOW(lstat("/proc/self/exe", &a));
	SHOW(S_ISLNK(a.st_mode));
	int fd = SHOW(open("/proc/self/exe", O_RDONLY));
	char magic[4];
	SHOW(read(fd, magic, 4));
	CHECK(memcmp(magic, "\177ELF", 4) == 0);
	close(fd);
	SHOW(open("/proc/self/exe", O_WRONLY));
	SHOW(access("/proc/self/exe", X_OK));
}

CASE(command_line)
{
	ssize_t n = read_all("/proc/self/cmdline");
	char *p = text;

	CHECK(n > 0 && text[n - 1] == '\0');
	for (p += strlen(p) + 1; p < text + n; p += strlen(p) + 1)
		printf("  argument \"%s\"\n", p);
	n = read_all("/proc/self/environ");
	for (char **e = environ; *e && n > 0; e++)
		if (!memmem(text, n + 1, *e, strlen(*e) + 1))
			printf("  missing %s\n", *e);
	n = read_all("/proc/self/auxv");
	unsigned long *aux = (void *)text;
	CHECK(n > 0 && n % 16 == 0 && aux[n / 8 - 2] == AT_NULL);
	for (ssize_t i = 0; i < n / 8; i += 2)
		if (aux[i] == AT_ENTRY)
			CHECK(aux[i + 1] == getauxval(AT_ENTRY));
}

CASE(maps)
{
	extern int main(int argc, char **argv);
	static int data = 1;
	int local;
	char *file, *anonymous = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *none = mmap(NULL, 4096, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = open("mapped file", O_RDWR | O_CREAT, 0600);
	char *heap = sbrk(4096);

	NEED(ftruncate(fd, 8192) == 0);
	file = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	print_map("text", (void *)(uintptr_t)main);
	print_map("data", &data);
	print_map("stack", &local);
	print_map("heap", heap);
	print_map("vdso", (void *)getauxval(AT_SYSINFO_EHDR));
	print_map("file", file);
	print_map("anonymous", anonymous);
	CHECK(strstr(map_line(none), "---s 00000000 00:01") != NULL);
	NEED(mprotect(anonymous, 4096, PROT_READ) == 0);
	print_map("protected", anonymous);
	print_map("beside it", anonymous + 4096);
	NEED(munmap(anonymous, 4096) == 0);
	print_map("unmapped", anonymous);
	printf("  %s\n", strstr(map_line(file), "rw-s 00001000") ? "offset" : map_line(file));
	unsigned long last = 0, start, end;
	NEED(read_all("/proc/self/maps") > 0);
	bool sorted = true;
	for (char *l = text; *l; l = strchr(l, '\n') + 1) {
		sscanf(l, "%lx-%lx", &start, &end);
		sorted &= start >= last && end > start;
		last = end;
	}
	CHECK(sorted);
	close(fd);
}

/* Returns the value of "Name:\t..." in /proc/self/status. */
static const char *status(const char *name)
{
	static char value[256];
	char *line;

	NEED(read_all("/proc/self/status") > 0);
	line = strstr(text, name);
	if (!line)
		return "(none)";
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\n"), line);
	return value;
}

CASE(state)
{
	int pid, ppid, pgrp, session;
	char comm[32], state;

	printf("  %s\n", status("Name:"));
	printf("  %s\n", status("Umask:"));
	printf("  %s\n", status("State:"));
	printf("  %s\n", status("Threads:"));
	printf("  %s\n", status("Uid:"));
	printf("  %s\n", status("Gid:"));
	CHECK(atoi(status("Pid:") + 4) == getpid());
	CHECK(atoi(status("PPid:") + 5) == getppid());
	CHECK(atoi(status("VmRSS:") + 6) > 0);
	CHECK(atoi(status("VmSize:") + 7) > 0);
	printf("  %s\n", status("SigIgn:"));
	printf("  %s\n", status("SigBlk:"));
	NEED(read_all("/proc/self/stat") > 0);
	CHECK(sscanf(text, "%d (%31[^)]) %c %d %d %d", &pid, comm, &state, &ppid, &pgrp,
		     &session) == 6);
	printf("  %s %c\n", comm, state);
	CHECK(pid == getpid() && ppid == getppid() && pgrp == getpgrp() && session == getsid(0));
	int fields = 1;
	for (char *p = strrchr(text, ')'); *p; p++)
		fields += *p == ' ';
	SHOW(fields + 1);
	NEED(read_all("/proc/self/statm") > 0);
	CHECK(sscanf(text, "%d %d", &pid, &ppid) == 2 && pid > 0 && ppid > 0);
	NEED(read_all("/proc/self/limits") > 0);
	CHECK(strstr(text, "Max open files") != NULL);
}

static void show_file(const char *name, bool exact)
{
	char content[4096] = "", path[64];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, content, sizeof(content) - 1);
	/* Prints one letter for each number that belongs to the machine. */
	for (char *c = content; !exact && *c; c++)
		if (*c >= '0' && *c <= '9')
			*c = 'N';
	printf("%s: %s%s", name, n < 0 ? "error" : n ? "" : "empty\n", exact ? content : "");
	if (!exact && n > 0)
		printf("%zu words\n",
		       strcspn(content, "\n") ? (size_t)1 + (strchr(content, ' ') != NULL) : 0);
	if (fd >= 0)
		close(fd);
}

static long put(const char *name, const char *content)
{
	char path[64];
	int fd;
	long r;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	fd = open(path, O_WRONLY);
	r = fd < 0 ? -1 : write(fd, content, strlen(content));
	if (fd >= 0)
		close(fd);
	return r;
}

CASE(small_files)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	timer_t id;

	show_file("coredump_filter", true);
	SHOW(put("coredump_filter", "0x7f\n"));
	show_file("coredump_filter", true);
	SHOW(put("coredump_filter", "x"));
	SHOW(put("coredump_filter", "0x33"));
	show_file("oom_adj", true);
	SHOW(put("oom_adj", "15"));
	show_file("oom_adj", true);
	show_file("oom_score_adj", true);
	SHOW(put("oom_adj", "16"));
	SHOW(put("clear_refs", "1"));
	SHOW(put("clear_refs", "5"));
	SHOW(put("clear_refs", "9"));
	show_file("schedstat", false);
	show_file("syscall", false);
	show_file("timers", true);
	NEED(timer_create(CLOCK_MONOTONIC, &e, &id) == 0);
	show_file("timers", false);
	timer_delete(id);
	show_file("numa_maps", false);
}

CASE(descriptors)
{
	char path[64], target[PATH_MAX] = "";
	struct dirent *e;
	struct stat a, b;
	int fd = open("opened", O_RDWR | O_CREAT | O_APPEND, 0600), count = 0, p[2], again;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(readlink(path, target, sizeof(target) - 1) > 0);
	printf("  %s\n", strrchr(target, '/') + 1);
	SHOW(stat(path, &a));
	SHOW(fstat(fd, &b));
	CHECK(a.st_ino == b.st_ino);
	NEED(write(fd, "text", 4) == 4);
	SHOW_OK(again = open(path, O_RDONLY));
	SHOW(read(again, target, 10));
	close(again);
	NEED(pipe(p) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	memset(target, 0, sizeof(target));
	CHECK(readlink(path, target, sizeof(target)) > 0 && strncmp(target, "pipe:[", 6) == 0);
	SHOW(open("/proc/self/fd/999", O_RDONLY));
	SHOW(readlink("/proc/self/fd/999", target, sizeof(target)));
	dir = opendir("/proc/self/fd");
	NEED(dir);
	while ((e = readdir(dir))) {
		count += e->d_name[0] != '.';
		found |= atoi(e->d_name) == fd;
	}
	closedir(dir);
	SHOW(count);
	CHECK(found);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_all(path) > 0)
		printf("  %.*s\n", (int)strcspn(text, "\n"), text);
	else
		printf("  no fdinfo\n");
	close(fd);
	close(p[0]);
	close(p[1]);
}

/* Shows the lines of fdinfo/N after the first four, of which two must be there. */
static void show_info(const char *what, int fd)
{
	char path[64], *line, *next;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	NEED(read_all(path) > 0);
	printf("  %s\n", what);
	CHECK(strstr(text, "\nmnt_id:\t") && strstr(text, "\nino:\t"));
	for (line = text; *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		/* Numbers that the host chooses, and what is left of a time. */
		if (!strncmp(line, "mnt_id:", 7) || !strncmp(line, "ino:", 4) ||
		    !strncmp(line, "eventfd-id:", 11) || !strncmp(line, "it_value:", 9))
			printf("    %.*s\n", (int)strcspn(line, ":"), line);
		else if (!strncmp(line, "tfd:", 4) || !strncmp(line, "inotify", 7))
			printf("    %.*s\n", *line == 't' ? 57 : 12, line);
		else
			printf("    %s\n", line);
	}
}

CASE(what_descriptors_tell)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x1234};
	struct itimerspec time = {{2000, 0}, {1000, 0}};
	int counter = eventfd(5, 0), semaphore = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	int timer = timerfd_create(CLOCK_MONOTONIC, 0), epoll = epoll_create1(0);
	int notify = inotify_init1(IN_NONBLOCK), signals, p[2], process;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signals = signalfd(-1, &set, 0);
	process = (int)syscall(SYS_pidfd_open, getpid(), 0);
	NEED(counter >= 0 && timer >= 0 && epoll >= 0 && notify >= 0 && signals >= 0 &&
	     pipe(p) == 0);
	NEED(process >= 0 && timerfd_settime(timer, 0, &time, NULL) == 0);
	NEED(inotify_add_watch(notify, ".", IN_CREATE) == 1);
	NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, counter, &event) == 0);
	show_info("an epoll with an eventfd", epoll);
	NEED(epoll_ctl(epoll, EPOLL_CTL_DEL, counter, NULL) == 0);
	event.data.u64 = 0xffffffffffffffff;
	NEED(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event) == 0);
	show_info("an epoll with a timer", epoll);
	if (check_kernel(6, 6)) {
		show_info("an eventfd", counter);
		show_info("a semaphore", semaphore);
	}
	show_info("a timer", timer);
	show_info("a signalfd", signals);
	show_info("a pipe", p[0]);
	show_info("an inotify", notify);
	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", process);
	CHECK(read_all(text) > 0 && strstr(text, "\nPid:\t"));
	close(counter);
	close(semaphore);
	close(timer);
	close(epoll);
	close(notify);
	close(signals);
	close(process);
	close(p[0]);
	close(p[1]);
}

CASE(map_of_pages)
{
	size_t huge = 2 << 20;
	char *p = mmap(NULL, 4 * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry[3];
	off_t at;

	NEED(p != MAP_FAILED && fd >= 0 && madvise(p, 4 * huge, MADV_NOHUGEPAGE) == 0);
	p[2 * huge] = 1;
	at = (off_t)((uintptr_t)(p + 2 * huge) / 4096 * 8);
	SHOW(pread(fd, entry, 8, at));
	printf("  present %d, exclusive %d, of a file %d\n", (int)(entry[0] >> 63),
	       (int)(entry[0] >> 56 & 1), (int)(entry[0] >> 61 & 1));
	SHOW(pread(fd, entry, 8, at - (off_t)(huge / 4096 * 8)));
	SHOW(entry[0] & ~(1UL << 55)); /* soft-dirty, in kernels that have it */
	SHOW(pread(fd, entry, 24, at));
	SHOW(pread(fd, entry, 7, at));
	SHOW(pread(fd, entry, 8, at + 1));
	SHOW(pread(fd, entry, 0, at));
	SHOW(pread(fd, entry, 8, 0x7fffffffe000 / 4096 * 8));
	if (check_kernel(6, 18)) /* older ones have an entry there */
		SHOW(pread(fd, entry, 8, 0x7ffffffff000 / 4096 * 8));
	SHOW(pread(fd, entry, 8, (off_t)(0xffffffffff600000 / 4096 * 8)));
	SHOW(pread(fd, NULL, 8, at));
	SHOW(lseek(fd, 16, SEEK_SET));
	SHOW(read(fd, entry, 8));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(lseek(fd, 0, SEEK_END));
	SHOW(write(fd, entry, 8));
	close(fd);
	munmap(p, 4 * huge);
}

CASE(children_of_threads)
{
	char expected[32];
	pid_t child = fork();

	NEED(child >= 0);
	if (child == 0) {
		pause();
		_exit(0);
	}
	snprintf(expected, sizeof(expected), "%d ", (int)child);
	if (read_all("/proc/thread-self/children") >= 0)
		CHECK(!strcmp(text, expected));
	else
		printf("  no file children\n");
	NEED(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	if (read_all("/proc/thread-self/children") >= 0)
		CHECK(!*text);
}

/* The host's first process: not in the sandbox, but programs ask whether it is there, and its name.
 */
CASE(the_first_process)
{
	struct stat a, b;

	if (getpid() == 1 || geteuid() != 0) {
		printf("  not for this process\n");
		return;
	}
	SHOW(kill(1, 0));
	CHECK(read_all("/proc/1/comm") > 0);
	CHECK(read_all("/proc/1/stat") > 0 && !strncmp(text, "1 (", 3));
	SHOW(open("/proc/1/none", O_RDONLY));
	SHOW(stat("/proc/1", &a));
	SHOW(stat("/proc/1/fd", &b));
}

CASE(own_directories)
{
	char path[64], target[PATH_MAX] = "", here[PATH_MAX];
	struct stat a, b;
	int n = readlink("/proc/self", target, sizeof(target) - 1);

	CHECK(n > 0 && atoi(target) == getpid());
	snprintf(path, sizeof(path), "/proc/%d/cmdline", getpid());
	CHECK(read_all(path) > 0);
	memset(target, 0, sizeof(target));
	NEED(readlink("/proc/self/cwd", target, sizeof(target) - 1) > 0);
	NEED(getcwd(here, sizeof(here)));
	CHECK(strcmp(target, here) == 0);
	memset(target, 0, sizeof(target));
	SHOW(readlink("/proc/self/root", target, sizeof(target) - 1));
	printf("  %s\n", target);
	SHOW(stat("/proc/self/cwd", &a));
	SHOW(stat(".", &b));
	CHECK(a.st_ino == b.st_ino);
	SHOW_OK(stat("/proc/self/cwd/../", &a));
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", getpid());
	CHECK(read_all(path) > 0);
	printf("  %s", text);
	SHOW(open("/proc/self/none", O_RDONLY));
	SHOW(open("/proc/999999999/stat", O_RDONLY));
}

/* A file that belongs to no file system can be neither mapped nor flushed. */
static void map_and_flush(const char *name, int fd)
{
	printf("%s\n", name);
	CHECK(fd >= 0);
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
	SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	SHOW(fsync(fd));
	SHOW(fdatasync(fd));
	close(fd);
}

CASE(files_that_cannot_be_mapped)
{
	sigset_t none;

	sigemptyset(&none);
	map_and_flush("a file of a process", open("/proc/self/maps", O_RDONLY));
	map_and_flush("for writing", open("/proc/self/comm", O_RDWR));
	map_and_flush("for writing only", open("/proc/self/comm", O_WRONLY));
	map_and_flush("by its path", open("/proc/self/comm", O_RDONLY | O_PATH));
	map_and_flush("a file of the system", open("/proc/meminfo", O_RDONLY));
	map_and_flush("of System V IPC", open("/proc/sysvipc/shm", O_RDONLY));
	map_and_flush("the host's", open("/proc/version", O_RDONLY));
	map_and_flush("a setting", open("/proc/sys/kernel/pid_max", O_RDONLY));
	map_and_flush("a directory", open("/proc/self/fd", O_RDONLY | O_DIRECTORY));
	map_and_flush("the root", open("/proc", O_RDONLY | O_DIRECTORY));
	map_and_flush("signals", signalfd(-1, &none, 0));
	map_and_flush("a process", (int)syscall(SYS_pidfd_open, getpid(), 0));
	map_and_flush("an event", eventfd(0, 0));
}

CASE(system_files)
{
	CHECK(read_all("/proc/cpuinfo") > 0 && strstr(text, "processor"));
	CHECK(read_all("/proc/meminfo") > 0 && strstr(text, "MemTotal"));
	CHECK(read_all("/proc/uptime") > 0 && atof(text) > 0);
	CHECK(read_all("/proc/loadavg") > 0);
	CHECK(read_all("/proc/filesystems") > 0 && strstr(text, "proc"));
	CHECK(read_all("/proc/mounts") > 0 || read_all("/proc/self/mounts") > 0);
	CHECK(read_all("/proc/stat") > 0 && strncmp(text, "cpu ", 4) == 0);
	CHECK(read_all("/proc/sys/kernel/pid_max") > 0 && atoi(text) > 1000);
	CHECK(read_all("/proc/version") > 0 && strncmp(text, "Linux version", 13) == 0);
	CHECK(read_all("/sys/devices/system/cpu/online") > 0);
}

/* Returns whether map_files has the line of /proc/self/maps, as a link to the file's name. */
static bool has_map_file(const char *line)
{
	char path[64], target[4096];
	const char *name = strchr(line, '/'), *end = strchr(line, '\n');
	int range = (int)strcspn(line, " ");
	struct stat st;
	long n;

	/* maps has leading zeros where the address has fewer than eight digits, map_files has none.
	 */
	while (*line == '0' && range--)
		line++;
	snprintf(path, sizeof(path), "/proc/self/map_files/%.*s", range, line);
	n = readlink(path, target, sizeof(target));
	return n == end - name && !memcmp(target, name, (size_t)n) && lstat(path, &st) == 0 &&
	       S_ISLNK(st.st_mode) && st.st_size == 64 && (st.st_mode & 0777) == 0400;
}

CASE(map_files)
{
	int files = 0, found = 0, listed = 0, fd;
	struct dirent *d;
	char path[64];
	struct stat st;
	char *page;
	DIR *dir;

	fd = open("mapped", O_RDWR | O_CREAT | O_EXCL, 0600);
	NEED(fd >= 0 && write(fd, "text", 4) == 4);
	NEED(read_all("/proc/self/maps") > 0);
	for (char *line = text; line && *line;) {
		char *end = strchr(line, '\n'), *name = strchr(line, '/');

		if (name && end && name < end) {
			files++;
			found += has_map_file(line);
		}
		line = end ? end + 1 : NULL;
	}
	CHECK(files > 0 && found == files);
	dir = opendir("/proc/self/map_files");
	NEED(dir);
	while ((d = readdir(dir)))
		listed += d->d_type == DT_LNK;
	closedir(dir);
	CHECK(listed == files);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)page, (long)page + 4096);
	SHOW(lstat(path, &st));
	printf("  mode %o\n", st.st_mode);
	SHOW(access(path, F_OK));
	munmap(page, 4096);
	SHOW(lstat(path, &st));
	SHOW(readlink("/proc/self/map_files/0-1000", text, 100));
	SHOW(readlink("/proc/self/map_files/none", text, 100));
	SHOW(open("/proc/self/map_files/1", O_RDONLY));
	SHOW(stat("/proc/self/map_files", &st));
	printf("  mode %o\n", st.st_mode);
	SHOW(stat("/proc/self/task/self/map_files", &st));
	close(fd);
	unlink("mapped");
}
