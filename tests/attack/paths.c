// SPDX-License-Identifier: MIT
/* Attempts by names of files: plain ones, links, games with directories, and every call on names.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include "attack.h"

ATTEMPT("paths", read_file, 0, "")
{
	REACHED(reads_bait("/bait/secret"));
}

ATTEMPT("paths", read_denied_below_writable, 0, "")
{
	REACHED(reads_bait("/play/denied/secret"));
}

ATTEMPT("paths", write_file, 0, "")
{
	int fd = open("/bait/target", O_WRONLY);

	REACHED(fd >= 0 && write(fd, "x", 1) == 1);
}

ATTEMPT("paths", write_readable, 0, "")
{
	int fd = open("/ro/file", O_WRONLY);

	REACHED(fd >= 0 && write(fd, "x", 1) == 1);
}

ATTEMPT("paths", truncate_by_reading, 0, "")
{
	struct stat st;

	REACHED(open("/ro/file", O_RDONLY | O_TRUNC) >= 0 && !stat("/ro/file", &st) &&
		st.st_size == 0);
}

ATTEMPT("paths", append_readable, 0, "")
{
	int fd = open("/ro/file", O_WRONLY | O_APPEND);

	REACHED(fd >= 0 && write(fd, "x", 1) == 1);
}

ATTEMPT("paths", create_file, 0, "")
{
	REACHED(open("/bait/dir/new", O_WRONLY | O_CREAT | O_EXCL, 0600) >= 0);
}

ATTEMPT("paths", create_unnamed_file, 0, "")
{
	REACHED(open("/bait/dir", O_WRONLY | O_TMPFILE, 0600) >= 0);
}

ATTEMPT("paths", dots_from_writable, 0, "")
{
	REACHED(reads_bait("/play/../bait/secret"));
}

ATTEMPT("paths", dots_from_directory, 0, "")
{
	int dir = open("/play", O_RDONLY | O_DIRECTORY);

	REACHED(is_bait(openat(dir, "../bait/secret", O_RDONLY)));
}

ATTEMPT("paths", many_dots, 0, "")
{
	int dir = open("/play/sub", O_PATH | O_DIRECTORY);

	REACHED(is_bait(openat(dir, "../../../../../../bait/secret", O_RDONLY)));
}

ATTEMPT("paths", dots_from_working_directory, 0, "")
{
	REACHED(!chdir("/play/sub") && reads_bait("../../bait/secret"));
}

ATTEMPT("paths", working_directory, 0, "")
{
	REACHED(!chdir("/bait") && reads_bait("secret"));
}

ATTEMPT("paths", directory_handle, 0, "")
{
	int dir = open("/bait", O_PATH | O_DIRECTORY);

	REACHED(dir >= 0 && is_bait(openat(dir, "secret", O_RDONLY)));
}

ATTEMPT("paths", path_handle, 0, "")
{
	char link[64];
	int file = open("/bait/secret", O_PATH);

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	REACHED(file >= 0 && reads_bait(link));
}

ATTEMPT("paths", path_handle_of_denied, 0, "")
{
	struct stat st;
	int file = open("/play/denied/secret", O_PATH);

	REACHED(file >= 0 && !fstat(file, &st) && st.st_size > 0);
}

ATTEMPT("paths", double_slash, 0, "")
{
	REACHED(reads_bait("//bait//./secret"));
}

ATTEMPT("paths", denied_by_double_slash, 0, "")
{
	REACHED(reads_bait("/play//denied/./secret"));
}

ATTEMPT("paths", denied_by_dots, 0, "")
{
	REACHED(reads_bait("/play/sub/../denied/secret"));
}

ATTEMPT("paths", own_symlink, 0, "")
{
	REACHED(!symlink("/bait/secret", "/play/own") && reads_bait("/play/own"));
}

ATTEMPT("paths", own_symlink_relative, 0, "")
{
	REACHED(!symlink("../bait/secret", "/play/own") && reads_bait("/play/own"));
}

ATTEMPT("paths", own_symlink_to_directory, 0, "")
{
	REACHED(!symlink("/bait", "/play/own") && reads_bait("/play/own/secret"));
}

ATTEMPT("paths", own_symlink_to_root, 0, "")
{
	REACHED(!symlink("/", "/play/own") && reads_bait("/play/own/bait/secret"));
}

ATTEMPT("paths", own_symlink_to_denied, 0, "")
{
	REACHED(!symlink("/play/denied", "/play/own") && reads_bait("/play/own/secret"));
}

ATTEMPT("paths", symlink_chain, 0, "")
{
	REACHED(!symlink("/play/b", "/play/a") && !symlink("/bait", "/play/b") &&
		reads_bait("/play/a/secret"));
}

ATTEMPT("paths", foreign_symlink, 0, "")
{
	REACHED(reads_bait("/ro/out"));
}

ATTEMPT("paths", symlink_in_tmpfs, 0, "")
{
	REACHED(!symlink("/bait/secret", "/tmp/own") && reads_bait("/tmp/own"));
}

ATTEMPT("paths", create_by_symlink, 0, "")
{
	REACHED(!symlink("/bait/dir/new", "/play/own") &&
		open("/play/own", O_WRONLY | O_CREAT, 0600) >= 0);
}

ATTEMPT("paths", truncate_by_symlink, 0, "")
{
	REACHED(!symlink("/bait/target", "/play/own") && !truncate("/play/own", 0));
}

ATTEMPT("paths", rename_bait_here, 0, "")
{
	REACHED(!rename("/bait/target", "/play/mine"));
}

ATTEMPT("paths", rename_denied_out, 0, "")
{
	REACHED(!rename("/play/denied", "/play/free") && reads_bait("/play/free/secret"));
}

ATTEMPT("paths", rename_parent_of_denied, 0, "")
{
	REACHED(!rename("/play/nest", "/play/free") && reads_bait("/play/free/denied/secret"));
}

ATTEMPT("paths", exchange_with_denied, 0, "")
{
	REACHED(!renameat2(AT_FDCWD, "/play/sub", AT_FDCWD, "/play/denied", RENAME_EXCHANGE) &&
		reads_bait("/play/sub/secret"));
}

ATTEMPT("paths", link_bait_here, 0, "")
{
	REACHED(!link("/bait/target", "/play/mine"));
}

ATTEMPT("paths", link_denied_here, 0, "")
{
	REACHED(!link("/play/denied/secret", "/play/mine") && reads_bait("/play/mine"));
}

ATTEMPT("paths", link_readable_here, 0, "")
{
	int fd;

	/* A second name of a file that may only be read would make it writable. */
	if (link("/ro/file", "/play/mine"))
		return errno;
	fd = open("/play/mine", O_WRONLY);
	REACHED(fd >= 0 && write(fd, "x", 1) == 1);
}

ATTEMPT("paths", rename_readable_here, 0, "")
{
	REACHED(!rename("/ro/file", "/play/mine"));
}

ATTEMPT("paths", move_into_bait, 0, "")
{
	REACHED(!rename("/play/file", "/bait/dir/moved"));
}

ATTEMPT("paths", unlink_bait, 0, "")
{
	REACHED(!unlink("/bait/target"));
}

ATTEMPT("paths", unlink_readable, 0, "")
{
	REACHED(!unlink("/ro/file"));
}

ATTEMPT("paths", make_directory, 0, "")
{
	REACHED(!mkdir("/bait/dir/new", 0700));
}

ATTEMPT("paths", remove_directory, 0, "")
{
	REACHED(!rmdir("/bait/dir"));
}

ATTEMPT("paths", make_fifo, 0, "")
{
	REACHED(!mkfifo("/bait/dir/new", 0600));
}

ATTEMPT("paths", make_symlink, 0, "")
{
	REACHED(!symlink("x", "/bait/dir/new"));
}

ATTEMPT("paths", change_mode, 0, "")
{
	struct stat st;

	REACHED(!chmod("/bait/own", 0640) && !stat("/bait/own", &st));
}

ATTEMPT("paths", change_mode_by_handle, 0, "")
{
	int file = open("/ro/own", O_RDONLY);

	REACHED(file >= 0 && !fchmod(file, 0640));
}

ATTEMPT("paths", change_owner, 0, "")
{
	REACHED(!chown("/bait/own", -1, getgid()));
}

ATTEMPT("paths", change_times, 0, "")
{
	REACHED(!utimensat(AT_FDCWD, "/bait/own", NULL, 0));
}

ATTEMPT("paths", change_times_by_handle, 0, "")
{
	int file = open("/ro/own", O_RDONLY);

	REACHED(file >= 0 && !futimens(file, NULL));
}

ATTEMPT("paths", truncate_file, 0, "")
{
	REACHED(!truncate("/bait/target", 0));
}

ATTEMPT("paths", see_attributes, 0, "")
{
	struct stat st;

	REACHED(!stat("/bait/secret", &st) && st.st_size > 0);
}

ATTEMPT("paths", see_attributes_of_denied, 0, "")
{
	struct stat st;

	REACHED(!lstat("/play/denied/secret", &st) && st.st_size > 0);
}

ATTEMPT("paths", statx_file, 0, "")
{
	struct statx st;

	REACHED(!statx(AT_FDCWD, "/bait/secret", 0, STATX_SIZE, &st) && st.stx_size > 0);
}

ATTEMPT("paths", see_file_system, 0, "")
{
	struct statfs st;

	REACHED(!statfs("/bait/secret", &st));
}

ATTEMPT("paths", ask_access, 0, "")
{
	REACHED(!access("/bait/secret", R_OK));
}

ATTEMPT("paths", read_link, 0, "")
{
	char to[64];

	REACHED(readlink("/bait/link", to, sizeof(to)) > 0);
}

ATTEMPT("paths", list_directory, 0, "")
{
	DIR *dir = opendir("/bait");

	REACHED(dir && readdir(dir));
}

ATTEMPT("paths", watch_file, 0, "")
{
	int fd = inotify_init1(0);

	REACHED(fd >= 0 && inotify_add_watch(fd, "/bait/secret", IN_ALL_EVENTS) >= 0);
}

ATTEMPT("paths", watch_denied, 0, "")
{
	int fd = inotify_init1(0);

	REACHED(fd >= 0 && inotify_add_watch(fd, "/play/denied", IN_ALL_EVENTS) >= 0);
}

ATTEMPT("paths", get_xattr, 0, "")
{
	char value[16];

	REACHED(getxattr("/bait/secret", "user.bait", value, sizeof(value)) > 0 ||
		errno == ENODATA || errno == EOPNOTSUPP);
}

ATTEMPT("paths", list_xattrs, 0, "")
{
	char value[64];

	REACHED(listxattr("/bait/secret", value, sizeof(value)) >= 0);
}

ATTEMPT("paths", run_program, 0, "")
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bait/run", "run", NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
	REACHED(status == 0);
}

ATTEMPT("paths", interpreter_of_script, 0, "")
{
	int status = -1, fd = open("/play/script", O_WRONLY | O_CREAT, 0700);
	pid_t pid;

	if (fd < 0 || write(fd, "#!/bait/run\n", 12) != 12)
		return errno;
	close(fd);
	pid = fork();
	if (pid == 0) {
		execl("/play/script", "script", NULL);
		_exit(errno);
	}
	waitpid(pid, &status, 0);
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
	REACHED(status == 0);
}

ATTEMPT("paths", map_file, 0, "")
{
	int fd = open("/bait/secret", O_RDONLY);
	char *at = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	REACHED(at != MAP_FAILED && !memcmp(at, BAIT_TEXT, 4));
}

ATTEMPT("paths", map_readable_for_writing, 0, "")
{
	int fd = open("/ro/file", O_RDONLY);
	char *at = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED || mprotect(at, 4096, PROT_READ | PROT_WRITE)) {
		/* Without the sandbox the file can be opened for writing. */
		fd = open("/ro/file", O_RDWR);
		at = fd < 0 ? MAP_FAILED
			    : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (at == MAP_FAILED)
		return errno;
	at[0] = 'x';
	return 0;
}

ATTEMPT("paths", openat2_without_flags, 0, "")
{
	struct open_how how = {.flags = O_RDONLY};

	REACHED(is_bait((int)syscall(SYS_openat2, AT_FDCWD, "/bait/secret", &how, sizeof(how))));
}

ATTEMPT("paths", openat2_in_root, 0, "")
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
	int root = open("/", O_PATH | O_DIRECTORY);

	REACHED(root >= 0 &&
		is_bait((int)syscall(SYS_openat2, root, "bait/secret", &how, sizeof(how))));
}

ATTEMPT("paths", file_handle, AS_ROOT | NATIVE, "")
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + 128];
	} u = {.h.handle_bytes = 128};
	int mount, root = open("/bait", O_RDONLY);

	REACHED(root >= 0 && !name_to_handle_at(AT_FDCWD, "/bait/secret", &u.h, &mount, 0) &&
		is_bait(open_by_handle_at(root, &u.h, O_RDONLY)));
}

ATTEMPT("paths", name_of_handle, 0, "")
{
	union {
		struct file_handle h;
		char space[sizeof(struct file_handle) + 128];
	} u = {.h.handle_bytes = 128};
	int mount;

	REACHED(!name_to_handle_at(AT_FDCWD, "/bait/secret", &u.h, &mount, 0));
}

/* A thread exchanges a directory and a link; another one opens a file below them. */
static volatile bool stop;

static void *exchange(void *arg)
{
	(void)arg;
	while (!stop)
		renameat2(AT_FDCWD, "/play/game", AT_FDCWD, "/play/trap", RENAME_EXCHANGE);
	return NULL;
}

static bool wins(const char *path, int flags, const char *trap)
{
	struct timespec now, start;
	bool won = false;
	pthread_t thread;

	if (mkdir("/play/game", 0700) || symlink(trap, "/play/trap"))
		return false;
	close(open("/play/game/secret", O_WRONLY | O_CREAT, 0600));
	if (pthread_create(&thread, NULL, exchange, NULL))
		return false;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		int fd = open(path, flags);

		won = fd >= 0 && is_bait(fd);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!won && now.tv_sec - start.tv_sec < 2);
	stop = true;
	pthread_join(thread, NULL);
	errno = EAGAIN;
	return won;
}

ATTEMPT("races", directory_and_link, THREADS, "")
{
	REACHED(wins("/play/game/secret", O_RDONLY, "/bait"));
}

ATTEMPT("races", directory_and_link_to_denied, THREADS, "")
{
	REACHED(wins("/play/game/secret", O_RDONLY, "/play/denied"));
}

ATTEMPT("races", directory_and_link_with_dots, THREADS, "")
{
	REACHED(wins("/play/game/../bait/secret", O_RDONLY, "/bait"));
}

/* A process outside exchanges /play/swap and a link to /bait all the time. */
ATTEMPT("races", swapped_from_outside, 0, "")
{
	struct timespec now, start;
	bool won = false;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		won = reads_bait("/play/swap/secret");
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!won && now.tv_sec - start.tv_sec < 2);
	errno = EAGAIN;
	REACHED(won);
}

ATTEMPT("races", created_through_swapped, 0, "")
{
	struct timespec now, start;
	struct stat st;
	int n = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		char name[64];

		snprintf(name, sizeof(name), "/play/swap/made%d", n++);
		close(open(name, O_WRONLY | O_CREAT, 0600));
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec - start.tv_sec < 2);
	/* The runner looks into /bait as well; from inside nothing shows it. */
	REACHED(!stat("/bait/made0", &st) || !stat("/bait/made1", &st) ||
		!stat("/bait/made2", &st) || !stat("/bait/made3", &st) ||
		!stat("/bait/made4", &st) || !stat("/bait/made5", &st) ||
		!stat("/bait/made6", &st) || !stat("/bait/made7", &st));
}

ATTEMPT("descriptors", directory_that_was_open, 0, "stdin=/bait")
{
	REACHED(is_bait(openat(0, "secret", O_RDONLY)));
}

ATTEMPT("descriptors", directory_that_was_open_upwards, 0, "stdin=/play")
{
	REACHED(is_bait(openat(0, "../bait/secret", O_RDONLY)));
}

ATTEMPT("descriptors", working_directory_of_open, 0, "stdin=/bait")
{
	REACHED(!fchdir(0) && reads_bait("secret"));
}

ATTEMPT("descriptors", reopen_for_writing, 0, "stdin=/bait/target")
{
	int fd = open("/proc/self/fd/0", O_WRONLY);

	REACHED(fd >= 0 && write(fd, "x", 1) == 1);
}

ATTEMPT("descriptors", reopen_by_dev_stdin, 0, "stdin=/bait/target")
{
	int fd = open("/dev/stdin", O_RDWR);

	REACHED(fd >= 0 && write(fd, "x", 1) == 1);
}

ATTEMPT("descriptors", readable_reopened_for_writing, 0, "stdin=/ro/file")
{
	int fd = open("/dev/fd/0", O_RDWR);

	REACHED(fd >= 0 && write(fd, "x", 1) == 1);
}

ATTEMPT("descriptors", link_of_open, 0, "stdin=/bait/target")
{
	REACHED(!linkat(AT_FDCWD, "/proc/self/fd/0", AT_FDCWD, "/play/mine", AT_SYMLINK_FOLLOW));
}

ATTEMPT("descriptors", link_of_open_by_handle, 0, "stdin=/bait/target")
{
	REACHED(!linkat(0, "", AT_FDCWD, "/play/mine", AT_EMPTY_PATH) ||
		!linkat(AT_FDCWD, "/proc/self/fd/0", AT_FDCWD, "/play/mine", AT_SYMLINK_FOLLOW));
}

ATTEMPT("descriptors", change_mode_of_open, 0, "stdin=/bait/own")
{
	REACHED(!fchmod(0, 0644));
}

ATTEMPT("descriptors", inherited_number, NATIVE, "")
{
	/* The runner leaves /bait open as descriptor 9. */
	REACHED(is_bait(openat(9, "secret", O_RDONLY)));
}
