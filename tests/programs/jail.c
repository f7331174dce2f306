// SPDX-License-Identifier: MIT
/*
 * One attempt to reach a file, told by its name and paths: tests/jail/run has the attempts, and
 * runs each with and without a jail. Prints "reached", and what was read if it was a read, or the
 * name of the error.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ROUNDS 300

static char content[256];

/* Reads a file into content. Returns 0, or -1 with errno. */
static int read_fd(int fd)
{
	ssize_t n = fd < 0 ? -1 : read(fd, content, sizeof(content) - 1);

	if (n >= 0)
		content[n] = '\0';
	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

static int open_and_close(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static int do_read(char **arg)
{
	return read_fd(open(arg[0], O_RDONLY));
}

static int do_write(char **arg)
{
	return open_and_close(arg[0], O_WRONLY);
}

static int do_create(char **arg)
{
	return open_and_close(arg[0], O_WRONLY | O_CREAT | O_EXCL);
}

static int do_make(char **arg)
{
	return open_and_close(arg[0], O_WRONLY | O_CREAT);
}

static int do_tmpfile(char **arg)
{
	return open_and_close(arg[0], O_WRONLY | O_TMPFILE);
}

static int do_truncating_open(char **arg)
{
	return open_and_close(arg[0], O_RDONLY | O_TRUNC);
}

static int do_truncate(char **arg)
{
	return truncate(arg[0], 0);
}

static int do_stat(char **arg)
{
	struct stat st;

	return stat(arg[0], &st);
}

static int do_access(char **arg)
{
	return access(arg[0], W_OK);
}

static int do_statfs(char **arg)
{
	struct statfs st;

	return statfs(arg[0], &st);
}

/* The names of a directory, without "." and "..". */
static int do_list(char **arg)
{
	DIR *dir = opendir(arg[0]);
	struct dirent *entry;
	size_t used = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || used + len + 2 > sizeof(content))
			continue;
		memcpy(content + used, entry->d_name, len);
		used += len;
		content[used++] = ' ';
	}
	closedir(dir);
	return 0;
}

static int do_readlink(char **arg)
{
	ssize_t n = readlink(arg[0], content, sizeof(content) - 1);

	return n < 0 ? -1 : 0;
}

static int do_chmod(char **arg)
{
	return chmod(arg[0], 0640);
}

static int do_setuid_bit(char **arg)
{
	return chmod(arg[0], 04755);
}

static int do_chown(char **arg)
{
	return chown(arg[0], getuid(), getgid());
}

static int do_utimes(char **arg)
{
	return utimensat(AT_FDCWD, arg[0], NULL, 0);
}

static int do_xattr(char **arg)
{
	return setxattr(arg[0], "user.x", "1", 1, 0);
}

static int do_link(char **arg)
{
	return link(arg[0], arg[1]);
}

static int do_symlink(char **arg)
{
	return symlink(arg[0], arg[1]);
}

static int do_rename(char **arg)
{
	return rename(arg[0], arg[1]);
}

static int do_unlink(char **arg)
{
	return unlink(arg[0]);
}

static int do_mkdir(char **arg)
{
	return mkdir(arg[0], 0700);
}

static int do_mknod(char **arg)
{
	return mknod(arg[0], S_IFCHR | 0600, makedev(1, 3));
}

static int do_inotify(char **arg)
{
	int fd = inotify_init1(IN_CLOEXEC);

	return inotify_add_watch(fd, arg[0], IN_OPEN) < 0 ? -1 : 0;
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	return un;
}

static int do_connect(char **arg)
{
	struct sockaddr_un un = address(arg[0]);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	return connect(s, (struct sockaddr *)&un, sizeof(un));
}

static int do_bind(char **arg)
{
	struct sockaddr_un un = address(arg[0]), seen;
	socklen_t len = sizeof(seen);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(s, (struct sockaddr *)&un, sizeof(un)) ||
	    getsockname(s, (struct sockaddr *)&seen, &len))
		return -1;
	snprintf(content, sizeof(content), "%s", seen.sun_path);
	return 0;
}

/* The listener and its client are both inside. */
static int do_meet(char **arg)
{
	struct sockaddr_un un = address(arg[0]), seen = {0};
	socklen_t len = sizeof(seen);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(server, (struct sockaddr *)&un, sizeof(un)) || listen(server, 1) ||
	    connect(client, (struct sockaddr *)&un, sizeof(un)) ||
	    getpeername(client, (struct sockaddr *)&seen, &len))
		return -1;
	snprintf(content, sizeof(content), "%s", seen.sun_path);
	return 0;
}

static int do_abstract(char **arg)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "%s", arg[0]);
	return bind(s, (struct sockaddr *)&un, sizeof(un));
}

static int do_inet(char **arg)
{
	(void)arg;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? -1 : 0;
}

static int do_exec(char **arg)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execl(arg[0], arg[0], NULL);
		_exit(errno);
	}
	waitpid(child, &status, 0);
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

/* Attributes by a descriptor that is open for reading. */
static int do_fchmod(char **arg)
{
	return fchmod(open(arg[0], O_RDONLY), 0640);
}

static int do_futimens(char **arg)
{
	return futimens(open(arg[0], O_RDONLY), NULL);
}

static int do_fsetxattr(char **arg)
{
	return fsetxattr(open(arg[0], O_RDONLY), "user.x", "1", 1, 0);
}

/* A descriptor without rights becomes one that has them. */
static int reopen_with(const char *path, int first, int then)
{
	char link[32];
	int fd = open(path, first);

	if (fd < 0)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return open_and_close(link, then);
}

static int do_reopen(char **arg)
{
	return reopen_with(arg[0], O_PATH, O_RDWR);
}

static int do_reopen_readable(char **arg)
{
	return reopen_with(arg[0], O_RDONLY, O_RDWR);
}

static int do_map_shared(char **arg)
{
	int fd = open(arg[0], O_RDWR);

	if (fd < 0)
		return -1;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0;
}

/* openat(DIR, PATH) */
static int do_from_directory(char **arg)
{
	int dir = open(arg[0], O_RDONLY | O_DIRECTORY);

	return dir < 0 ? -1 : read_fd(openat(dir, arg[1], O_RDONLY));
}

/* The same below a directory that is renamed meanwhile: DIR becomes TO, then PATH is read. */
static int do_from_renamed(char **arg)
{
	int dir = open(arg[0], O_RDONLY | O_DIRECTORY);

	if (dir < 0 || rename(arg[0], arg[1]))
		return -1;
	return read_fd(openat(dir, arg[2], O_RDONLY));
}

static int do_from_cwd(char **arg)
{
	return chdir(arg[0]) ? -1 : read_fd(open(arg[1], O_RDONLY));
}

/* Descriptor N as it was when the program started. */
static int do_inherited(char **arg)
{
	return read_fd(openat(atoi(arg[0]), arg[1], O_RDONLY));
}

static int do_chroot(char **arg)
{
	return chroot(arg[0]) || chdir("/") ? -1 : read_fd(open(arg[1], O_RDONLY));
}

static int do_in_root(char **arg)
{
	const struct {
		unsigned long long flags, mode, resolve;
	} how = {O_RDONLY, 0, 0x10 /* RESOLVE_IN_ROOT */};
	int dir = open(arg[0], O_RDONLY | O_DIRECTORY);

	return dir < 0 ? -1 : read_fd((int)syscall(SYS_openat2, dir, arg[1], &how, sizeof(how)));
}

static int do_getcwd(char **arg)
{
	return chdir(arg[0]) || !getcwd(content, sizeof(content)) ? -1 : 0;
}

static int do_fd_path(char **arg)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", open(arg[0], O_RDONLY));
	return readlink(link, content, sizeof(content) - 1) < 0 ? -1 : 0;
}

/* Reads PATH again and again. Succeeds if WANTED was ever in it. */
static int read_often(const char *path, const char *wanted)
{
	int last = ENOENT;

	for (int i = 0; i < ROUNDS * 20; i++) {
		content[0] = '\0';
		if (read_fd(open(path, O_RDONLY)))
			last = errno;
		else if (strstr(content, wanted))
			return 0;
	}
	content[0] = '\0';
	errno = last;
	return -1;
}

struct swap {
	char *a, *b;
	atomic_bool stop;
};

static void *swap_names(void *arg)
{
	struct swap *s = arg;

	while (!atomic_load(&s->stop))
		syscall(SYS_renameat2, AT_FDCWD, s->a, AT_FDCWD, s->b, 2 /* RENAME_EXCHANGE */);
	return NULL;
}

/* A B PATH WANTED: one thread exchanges A and B, another reads PATH, which leads through A. */
static int do_swap(char **arg)
{
	struct swap s = {.a = arg[0], .b = arg[1]};
	pthread_t thread;
	int ret;

	pthread_create(&thread, NULL, swap_names, &s);
	ret = read_often(arg[2], arg[3]);
	atomic_store(&s.stop, true);
	pthread_join(thread, NULL);
	return ret;
}

/* PATH WANTED: somebody outside exchanges what the path leads through. */
static int do_read_often(char **arg)
{
	return read_often(arg[0], arg[1]);
}

/* Opens descriptor N, as it was when the program started, for reading and writing. */
static int do_reopen_inherited(char **arg)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%s", arg[0]);
	return open_and_close(link, O_RDWR);
}

static int do_fchdir_inherited(char **arg)
{
	return fchdir(atoi(arg[0])) ? -1 : read_fd(open(arg[1], O_RDONLY));
}

static int do_open_path(char **arg)
{
	return open_and_close(arg[0], O_PATH);
}

static int do_chdir(char **arg)
{
	return chdir(arg[0]);
}

static int do_getxattr(char **arg)
{
	return listxattr(arg[0], content, sizeof(content)) < 0 ? -1 : 0;
}

static int do_mkfifo(char **arg)
{
	return mkfifo(arg[0], 0600);
}

/* A second name by the descriptor of a file that is open for reading. */
static int do_link_by_fd(char **arg)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", open(arg[0], O_RDONLY));
	return linkat(AT_FDCWD, link, AT_FDCWD, arg[1], AT_SYMLINK_FOLLOW);
}

static int do_exchange(char **arg)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, arg[0], AT_FDCWD, arg[1],
			    2 /* RENAME_EXCHANGE */);
}

static int do_rmdir(char **arg)
{
	return rmdir(arg[0]);
}

static int do_send_to(char **arg)
{
	struct sockaddr_un un = address(arg[0]);
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	return sendto(s, "x", 1, 0, (struct sockaddr *)&un, sizeof(un)) < 0 ? -1 : 0;
}

static int do_write_often_swapped(char **arg)
{
	struct swap s = {.a = arg[0], .b = arg[1]};
	pthread_t thread;
	int made = 0;

	pthread_create(&thread, NULL, swap_names, &s);
	/* Succeeds if the file came to be where the link leads. */
	for (int i = 0; i < ROUNDS * 20 && !made; i++) {
		open_and_close(arg[2], O_WRONLY | O_CREAT);
		made = access(arg[3], F_OK) == 0;
	}
	atomic_store(&s.stop, true);
	pthread_join(thread, NULL);
	errno = EACCES;
	return made ? 0 : -1;
}

static int do_kill(char **arg)
{
	return kill(atoi(arg[0]), 0);
}

static int do_uname(char **arg)
{
	(void)arg;
	return gethostname(content, sizeof(content));
}

static const struct attempt {
	const char *name;
	int (*run)(char **arg);
} attempts[] = {
#define ATTEMPT(name)                                                                              \
	{                                                                                          \
#name, do_##name                                                                   \
	}
	ATTEMPT(read),
	ATTEMPT(write),
	ATTEMPT(create),
	ATTEMPT(make),
	ATTEMPT(tmpfile),
	ATTEMPT(truncating_open),
	ATTEMPT(truncate),
	ATTEMPT(stat),
	ATTEMPT(access),
	ATTEMPT(statfs),
	ATTEMPT(list),
	ATTEMPT(readlink),
	ATTEMPT(chmod),
	ATTEMPT(setuid_bit),
	ATTEMPT(chown),
	ATTEMPT(utimes),
	ATTEMPT(xattr),
	ATTEMPT(link),
	ATTEMPT(symlink),
	ATTEMPT(rename),
	ATTEMPT(unlink),
	ATTEMPT(mkdir),
	ATTEMPT(mknod),
	ATTEMPT(inotify),
	ATTEMPT(connect),
	ATTEMPT(bind),
	ATTEMPT(meet),
	ATTEMPT(abstract),
	ATTEMPT(inet),
	ATTEMPT(exec),
	ATTEMPT(fchmod),
	ATTEMPT(futimens),
	ATTEMPT(fsetxattr),
	ATTEMPT(reopen),
	ATTEMPT(reopen_readable),
	ATTEMPT(map_shared),
	ATTEMPT(from_directory),
	ATTEMPT(from_renamed),
	ATTEMPT(from_cwd),
	ATTEMPT(inherited),
	ATTEMPT(chroot),
	ATTEMPT(in_root),
	ATTEMPT(getcwd),
	ATTEMPT(fd_path),
	ATTEMPT(swap),
	ATTEMPT(read_often),
	ATTEMPT(reopen_inherited),
	ATTEMPT(fchdir_inherited),
	ATTEMPT(open_path),
	ATTEMPT(chdir),
	ATTEMPT(getxattr),
	ATTEMPT(mkfifo),
	ATTEMPT(link_by_fd),
	ATTEMPT(exchange),
	ATTEMPT(rmdir),
	ATTEMPT(send_to),
	ATTEMPT(write_often_swapped),
	ATTEMPT(kill),
	ATTEMPT(uname),
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		if (strcmp(attempts[i].name, argv[1]) != 0)
			continue;
		if (attempts[i].run(argv + 2)) {
			puts(strerrorname_np(errno));
			return 1;
		}
		printf("reached %s\n", content);
		return 0;
	}
	fprintf(stderr, "usage: jail ATTEMPT [PATH]...\n");
	return 2;
}
