// SPDX-License-Identifier: MIT
/*
 * The changes of an overlay as a patch (overlay_changes.h), on stdout.
 *
 * diff(1) compares the contents and writes the hunks. The lines in front of them are those of git,
 * because they can say modes, links and files without content; patch(1) and git-apply(1) know them.
 * Files with bytes that are no text are named, as diff names them. Of directories a patch can say
 * nothing: they get the line of --diff, which patch skips.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vm/jail/overlay_changes.h"
#include "vm/vm.h"

#define LEFT  3 /* descriptors of diff's operands */
#define RIGHT 4
#define EMPTY "e69de29" /* git's name for no content */

/* Writes a name as git does: in quotes if it has more than plain characters. */
static void quote(char *to, size_t size, const char *prefix, const char *path)
{
	const char *end = to + size - 8;
	bool plain = true;

	for (const char *c = path; *c; c++)
		plain &= (unsigned char)*c > ' ' && (unsigned char)*c < 0x7f && *c != '"' &&
			 *c != '\\';
	to += sprintf(to, "%s%s", plain ? "" : "\"", prefix);
	for (; *path && to < end; path++)
		if (*path == '"' || *path == '\\')
			to += sprintf(to, "\\%c", *path);
		else if ((unsigned char)*path < ' ' || (unsigned char)*path >= 0x7f)
			to += sprintf(to, "\\%03o", (unsigned char)*path);
		else
			*to++ = *path;
	strcpy(to, plain ? "" : "\"");
}

/* Opens the content of a file, or a file with the text of a link. Returns -1 with errno. */
static int open_content(int root, const char *path, mode_t mode)
{
	const char *name;
	char text[PATH_MAX];
	int dir = open_parent(root, path, &name), fd = -1;
	ssize_t n;

	if (dir >= 0 && S_ISREG(mode)) {
		fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	} else if (dir >= 0) {
		n = readlinkat(dir, name, text, sizeof(text));
		fd = n > 0 ? memfd_create("link", MFD_CLOEXEC) : -1;
		if (fd >= 0 && (write(fd, text, (size_t)n) != n || lseek(fd, 0, SEEK_SET) != 0)) {
			close(fd);
			fd = -1;
		}
	}
	if (dir >= 0)
		close(dir);
	return fd;
}

/* In the child: becomes diff(1). */
static void become_diff(int left, int right, int out, const char *label_left,
			const char *label_right)
{
	char *const argv[] = {(char[]){"diff"},	     (char[]){"-u"},	    (char[]){"--label"},
			      UNCONST(label_left),   (char[]){"--label"},   UNCONST(label_right),
			      (char[]){"/dev/fd/3"}, (char[]){"/dev/fd/4"}, NULL};
	char *const environment[] = {(char[]){"LC_ALL=C"}, NULL};
	int a = fcntl(left, F_DUPFD, 10), b = fcntl(right, F_DUPFD, 10),
	    c = fcntl(out, F_DUPFD, 10);

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	if (a >= 0 && b >= 0 && dup2(a, LEFT) == LEFT && dup2(b, RIGHT) == RIGHT &&
	    dup2(c, STDOUT_FILENO) == STDOUT_FILENO) {
		/* What else is open here is not diff's business. */
		if (close_range(RIGHT + 1, ~0U, 0))
			_exit(2);
		execve("/usr/bin/diff", argv, environment);
	}
	_exit(2);
}

/*
 * Prints what a descriptor gives. header: what comes first, unless the files are binary, which
 * diff says in one line. Returns false if there was nothing.
 */
static bool print_hunks(int from, const char *header, bool *binary)
{
	char block[65536];
	size_t n, total = 0;
	FILE *in = fdopen(from, "r");

	*binary = false;
	if (!in) {
		close(from);
		return false;
	}
	while ((n = fread(block, 1, sizeof(block), in)) > 0) {
		if (total == 0) {
			*binary = n >= 6 && !memcmp(block, "Binary", 6);
			if (!*binary)
				fputs(header, stdout);
		}
		fwrite(block, 1, n, stdout);
		total += n;
	}
	fclose(in);
	return total > 0;
}

/* Prints one file. Returns false if diff could not be asked. */
static bool print_file(const char *header, const char *empty, int left, int right,
		       const char *label_left, const char *label_right)
{
	int ends[2], status = 0;
	pid_t child;
	bool some, binary;

	if (pipe2(ends, O_CLOEXEC))
		return false;
	child = fork();
	if (child == 0)
		become_diff(left, right, ends[1], label_left, label_right);
	close(ends[1]);
	some = print_hunks(ends[0], header, &binary);
	if (child < 0)
		return false;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	/* The contents are the same: the header says it all, if it has the names of both (empty).
	 */
	if (!some && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		printf("%s%s", header, empty);
	return binary || (WIFEXITED(status) && WEXITSTATUS(status) < 2);
}

static unsigned int git_mode(mode_t mode)
{
	return S_ISLNK(mode) ? 0120000 : mode & 0100 ? 0100755 : 0100644;
}

static bool print_change(const struct change *ch, int host, int copy)
{
	static char a[4 * PATH_MAX + 16], b[4 * PATH_MAX + 16];
	char header[sizeof(a) + sizeof(b) + 128];
	int left, right, n;
	bool done;

	quote(a, sizeof(a), "a/", ch->path);
	quote(b, sizeof(b), "b/", ch->path);
	n = sprintf(header, "diff --git %s %s\n", a, b);
	if (ch->kind == ADDED)
		sprintf(header + n, "new file mode %o\n", git_mode(ch->copy.st_mode));
	else if (ch->kind == DELETED)
		sprintf(header + n, "deleted file mode %o\n", git_mode(ch->base.st_mode));
	else if (git_mode(ch->base.st_mode) != git_mode(ch->copy.st_mode))
		sprintf(header + n, "old mode %o\nnew mode %o\n", git_mode(ch->base.st_mode),
			git_mode(ch->copy.st_mode));
	left = ch->kind == ADDED ? open("/dev/null", O_RDONLY | O_CLOEXEC)
				 : open_content(host, ch->path, ch->base.st_mode);
	right = ch->kind == DELETED ? open("/dev/null", O_RDONLY | O_CLOEXEC)
				    : open_content(copy, ch->path, ch->copy.st_mode);
	done = left >= 0 && right >= 0 &&
	       print_file(header,
			  ch->kind == ADDED	? "index 0000000.." EMPTY "\n"
			  : ch->kind == DELETED ? "index " EMPTY "..0000000\n"
						: "",
			  left, right, ch->kind == ADDED ? "/dev/null" : a,
			  ch->kind == DELETED ? "/dev/null" : b);
	if (left >= 0)
		close(left);
	if (right >= 0)
		close(right);
	return done;
}

void changes_print_patch(const struct changes *c, const char *path, int host, int copy)
{
	for (u32 i = 0; i < c->count; i++) {
		const struct change *ch = &c->change[i];
		mode_t mode = ch->kind == DELETED ? ch->base.st_mode : ch->copy.st_mode;

		fflush(stdout);
		if (!S_ISREG(mode) && !S_ISLNK(mode))
			printf("%c %s/%s%s\n", ch->kind, path, changes_printable(ch->path),
			       S_ISDIR(mode) ? "/" : "");
		else if (!print_change(ch, host, copy))
			message("--diff=patch: cannot compare %s/%s with diff(1)", path,
				changes_printable(ch->path));
	}
	fflush(stdout);
}
