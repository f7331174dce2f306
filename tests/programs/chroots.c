// SPDX-License-Identifier: MIT
/*
 * chroot(2): what is inside, what stays outside, and the known ways out. The calls succeed when the
 * program was started as root; other users are refused. Everything lies below the program's own
 * directory.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

static void show_file(const char *name)
{
	char text[32] = "";
	int fd = open(name, O_RDONLY);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		strcpy(text, "cannot be read");
	printf("  %s: %s\n", name, fd < 0 ? strerror(errno) : text);
	if (fd >= 0)
		close(fd);
}

static void make_tree(void)
{
	NEED(mkdir("jail", 0755) == 0 && mkdir("jail/etc", 0755) == 0);
	NEED(mkdir("jail/tmp", 01777) == 0 && mkdir("jail/etc/sub", 0755) == 0);
	write_file("jail/etc/passwd", "inside");
	write_file("outside", "outside");
	NEED(symlink("/etc/passwd", "jail/absolute") == 0);
	NEED(symlink("../../../../etc/passwd", "jail/etc/up") == 0);
	NEED(symlink("/tmp/made", "jail/dangling") == 0);
	NEED(symlink("/etc", "jail/directory") == 0);
}

/* Runs `run` in a child and prints how the child ended. */
static void child(void (*run)(void))
{
	int status = status_of_child(run);

	SHOW(status);
}

static void look_around(void)
{
	char buf[256];
	struct stat st;
	struct statfs fs;
	ssize_t n;

	SHOW(chroot("jail"));
	SHOW(chdir("/"));
	printf("  %s\n", getcwd(buf, sizeof(buf)) ? buf : strerror(errno));
	show_file("/etc/passwd");
	show_file("etc/passwd");
	show_file("/absolute");
	show_file("/etc/up");
	show_file("/../../outside");
	show_file("../outside");
	show_file("/directory/passwd");
	SHOW(chdir("/etc/sub"));
	printf("  %s\n", getcwd(buf, sizeof(buf)) ? buf : strerror(errno));
	show_file("../passwd");
	show_file("../../../../etc/passwd");
	SHOW(chdir("../.."));
	SHOW(stat("absolute", &st));
	SHOW(S_ISREG(st.st_mode));
	SHOW(lstat("/absolute", &st));
	SHOW(S_ISLNK(st.st_mode));
	SHOW(lstat("/directory/", &st));
	SHOW(S_ISDIR(st.st_mode));
	SHOW(stat("/dangling", &st));
	SHOW(statfs("/", &fs));
	n = readlink("/absolute", buf, sizeof(buf) - 1);
	NEED(n > 0);
	buf[n] = '\0';
	printf("  %s\n", buf);
	SHOW(access("/usr", F_OK));
	SHOW(access("/etc/passwd", R_OK));
	/* The new root has no /proc. */
	show_file("/proc/self/status");
}

static void change_names(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/tmp/socket"};
	struct stat st;
	int fd, s;

	SHOW(chroot("jail"));
	SHOW(chdir("/"));
	fd = open("/dangling", O_CREAT | O_WRONLY, 0600);
	SHOW_OK(fd);
	SHOW(access("/tmp/made", F_OK));
	SHOW(open("/tmp/made", O_CREAT | O_EXCL | O_WRONLY, 0600));
	SHOW(open("/absolute", O_RDONLY | O_NOFOLLOW));
	SHOW_OK(open("/tmp", O_TMPFILE | O_RDWR, 0600));
	SHOW(mkdir("/new/", 0755));
	SHOW(mkdir("/new", 0755));
	SHOW(mkdir("/dangling", 0755));
	SHOW(rmdir("/new/"));
	SHOW(rename("/tmp/made", "/etc/sub/../renamed"));
	SHOW(link("/etc/renamed", "/directory/linked"));
	SHOW(symlink("x", "/directory/link"));
	SHOW(unlink("/directory/link"));
	SHOW(chmod("/absolute", 0640));
	SHOW(stat("/etc/passwd", &st));
	SHOW((long)(st.st_mode & 07777));
	SHOW(truncate("/absolute", 2));
	show_file("/etc/passwd");
	SHOW(unlink("/absolute"));
	SHOW(access("/etc/passwd", F_OK));
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	SHOW(bind(s, (void *)&addr, sizeof(addr)));
	SHOW(lstat("/tmp/socket", &st));
	SHOW(unlink("/tmp/socket"));
	SHOW(chroot("/none"));
	SHOW(chroot("/etc/passwd"));
	SHOW(chroot("/etc"));
	show_file("/passwd");
	SHOW(setgroups(0, NULL) || setgid(1234) || setuid(1234));
	SHOW(chroot("/"));
}

/* A directory that was opened before the call leads out, and so does chroot(2) without chdir(2). */
static void get_out(void)
{
	int before = open(".", O_RDONLY | O_DIRECTORY);

	NEED(before >= 0);
	SHOW(chroot("jail"));
	show_file("outside");
	SHOW(openat(before, "jail/etc/passwd", O_RDONLY) >= 0);
	SHOW(openat(before, "outside", O_RDONLY) >= 0);
	SHOW(chdir("/"));
	show_file("outside");
	SHOW(fchdir(before));
	show_file("outside");
	show_file("/outside");
	SHOW(chroot("."));
	show_file("/outside");
	show_file("/jail/etc/passwd");
}

static void run_program(void)
{
	char *argv[] = {"program", "inside", NULL};

	SHOW(chroot("jail"));
	SHOW(chdir("/"));
	fflush(stdout);
	execv("/program", argv);
	printf("  %s\n", strerror(errno));
}

CASE(inside)
{
	if (geteuid() == 0) {
		make_tree();
		child(look_around);
		/* The parent keeps its own root. */
		show_file("outside");
	} else {
		SHOW(chroot("."));
	}
}

CASE(names_are_made_and_changed_inside)
{
	if (geteuid() == 0)
		child(change_names);
}

CASE(ways_out)
{
	if (geteuid() == 0) {
		write_file("jail/etc/passwd", "inside");
		child(get_out);
	}
}

CASE(programs)
{
	if (geteuid() == 0)
		child(run_program);
}
