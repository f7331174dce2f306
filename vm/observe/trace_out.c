// SPDX-License-Identifier: MIT
/*
 * Where the text of the system-call trace goes: standard error, the file of --trace=FILE, or with
 * %p in its name a file for each process. The text is the guest's: control characters are replaced,
 * because it may go to a terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "vm/hostcall.h"
#include "vm/observe/observe.h"

#define TEXT_MAX  4096
#define READER_MS 100	    /* between looks at the end of the sandbox, while a pipe is full */
#define PID_MAX	  (1 << 22) /* of Linux, and of the guest kernel */

/* All under lock. */
static struct {
	pthread_mutex_t lock;
	int fd;	 /* of the only file, or of the process .pid; -1: none is open */
	int dir; /* of the files of processes */
	s64 pid;
	bool broken;	       /* a message was printed, and nothing is written any more */
	u8 begun[PID_MAX / 8]; /* bit n: the file of process n was emptied in this run */
} out = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1, .dir = -1};

int trace_open(struct sandbox *s)
{
	const char *file = s->opt.trace_file, *slash;
	char dir[PATH_MAX] = ".";

	if (!file)
		return 0;
	if (!(s->opt.trace_info.flags & BOOT_TRACE_EACH)) {
		out.fd = observe_create("--trace", file, O_TRUNC);
		return out.fd < 0 ? EXIT_HOST : 0;
	}
	slash = strrchr(file, '/');
	if (strstr(file, "%p") < slash) {
		message("--trace=%s: %%p stands in the last part of the name", file);
		return EXIT_USAGE;
	}
	if (slash)
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - file) ?: 1, file);
	/* Opened now: later the program may have changed what the name means. */
	out.dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (out.dir < 0 || faccessat(out.dir, ".", W_OK, AT_EACCESS)) {
		message("--trace=%s: %s", file, host_error(errno));
		return EXIT_HOST;
	}
	return 0;
}

static void broken(const char *why)
{
	if (!out.broken)
		message("the trace is not complete: %s", why);
	out.broken = true;
}

/* Makes out.fd the file of a process. */
static void turn_to(struct sandbox *s, u64 pid)
{
	const char *slash = strrchr(s->opt.trace_file, '/');
	const char *name = slash ? slash + 1 : s->opt.trace_file;
	const char *mark = strstr(name, "%p");
	char path[NAME_MAX + 32];
	bool begun;

	if (out.fd >= 0 && out.pid == (s64)pid)
		return;
	if (out.fd >= 0)
		close(out.fd);
	out.fd = -1;
	if (pid == 0 || pid >= PID_MAX) {
		broken("the guest names no process");
		return;
	}
	begun = out.begun[pid / 8] & 1 << pid % 8;
	snprintf(path, sizeof(path), "%.*s%lu%s", (int)(mark - name), name, pid, mark + 2);
	out.fd =
		openat(out.dir, path,
		       O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_APPEND | (begun ? 0 : O_TRUNC),
		       0666 & ~s->umask);
	if (out.fd < 0)
		broken(host_error(errno));
	out.begun[pid / 8] |= (u8)(1 << pid % 8);
	out.pid = (s64)pid;
}

/*
 * Writes all text. A reader that does not read stops the program, but not the end of the sandbox.
 * Returns 0 or -errno.
 */
static int write_text(struct sandbox *s, int fd, const char *text, size_t len)
{
	int ret = 0;

	while (fd >= 0 && len > 0 && ret == 0) {
		size_t n = MIN(len, (size_t)TEXT_MAX);
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		if (poll(&p, 1, READER_MS) <= 0 && atomic_load(&s->end_status) != -1)
			return -EINTR;
		if (p.revents == 0)
			continue;
		ret = observe_write(fd, text, n);
		text += n;
		len -= n;
	}
	return ret;
}

s64 hc_do_trace(struct call *c, u64 pid, const void *text, u32 text_len)
{
	char clean[TEXT_MAX];
	u32 len = MIN(text_len, (u32)TEXT_MAX);
	int err;

	if (!c->s->opt.trace)
		return 0;
	for (u32 i = 0; i < len; i++) {
		u8 ch = ((const u8 *)text)[i];

		clean[i] = (char)((ch < ' ' && ch != '\t' && ch != '\n') || ch == 0x7f ? '?' : ch);
	}
	pthread_mutex_lock(&out.lock);
	if (!c->s->opt.trace_file) {
		write_text(c->s, c->s->stderr_fd, clean, len);
	} else if (!out.broken) {
		if (c->s->opt.trace_info.flags & BOOT_TRACE_EACH)
			turn_to(c->s, pid);
		err = out.fd < 0 ? 0 : write_text(c->s, out.fd, clean, len);
		if (err)
			broken(host_error(-err));
	}
	pthread_mutex_unlock(&out.lock);
	return 0;
}
