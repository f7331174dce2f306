// SPDX-License-Identifier: MIT
/*
 * Starts the reporter and talks to it. The reporter's program is embedded in the monitor. It runs
 * from a memory file in a child process that is forked before the VM is made: so it contains
 * nothing of the guest, and it has no descriptor of the monitor's but its end of the socket and
 * standard error. No report is lost: if the reporter is gone, the monitor prints each report in one
 * line.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check/abi/channel.h"
#include "check/report/io.h"
#include "check/report/kind.h"
#include "check/report/options.h"
#include "vm/check.h"
#include "vm/reporter.h"
#include "vm/vm.h"

extern const u8 report_elf_start[], report_elf_end[];

#define OUTPUTS_MAX    8
#define OPTIONS_MAX    (20 + REPORT_SUPPRESSIONS_MAX)
#define MFD_EXECUTABLE 0x10U /* MFD_EXEC, of Linux 6.3 */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* one message and its answer at a time */
static int channel = -1;				 /* -1: there is no reporter */
static pid_t reporter;

struct arguments {
	char *argv[OPTIONS_MAX + 1];
	u32 argc;
	bool failed;		 /* out of memory, or a message was printed */
	int output[OUTPUTS_MAX]; /* descriptors of the user's that the reporter gets, in this order
				  */
	u32 outputs;
};

static void __printf(2, 3) add(struct arguments *a, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (a->argc == OPTIONS_MAX || vasprintf(&text, fmt, ap) < 0)
		a->failed = true;
	else
		a->argv[a->argc++] = text;
	va_end(ap);
}

static void add_text(struct arguments *a, const char *name, const char *value)
{
	if (value)
		add(a, "--%s=%s", name, value);
}

/* Returns the user's descriptor that an output's name stands for, or -1: it is a file's name. */
static int descriptor_of(const char *name)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

	if (!strcmp(name, "-") || !strcmp(name, "/dev/stdout"))
		return 1;
	if (!strcmp(name, "/dev/stderr"))
		return 2;
	for (u32 i = 0; i < ARRAY_SIZE(folders); i++) {
		const char *number = name + strlen(folders[i]);
		char *end;
		long fd;

		if (strncmp(name, folders[i], strlen(folders[i])) || *number < '0' || *number > '9')
			continue;
		fd = strtol(number, &end, 10);
		if (!*end && fd <= 1 << 20 && fcntl((int)fd, F_GETFD) >= 0)
			return (int)fd;
	}
	return -1;
}

/*
 * Returns an output's name with Valgrind's specifiers replaced: %p by the monitor's process ID,
 * %q{NAME} by a variable of the environment, %% by a percent sign. The caller frees it.
 */
static char *expanded(const char *name)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (const char *s = name; *s; s++) {
		const char *end = s[0] == '%' && s[1] == 'q' && s[2] == '{' ? strchr(s, '}') : NULL;

		if (end) {
			char *variable = strndup(s + 3, (size_t)(end - s - 3));
			const char *value = variable ? getenv(variable) : NULL;

			fputs(value ? value : "", out);
			free(variable);
			s = end;
		} else if (s[0] == '%' && s[1] == 'p') {
			fprintf(out, "%d", getpid());
			s++;
		} else {
			fputc(*s, out);
			s += s[0] == '%' && s[1] == '%';
		}
	}
	fclose(out);
	return text;
}

/* Adds an output: a file, or a descriptor that the reporter inherits. */
static void add_output(struct arguments *a, const char *option, const char *value)
{
	int fd = value ? descriptor_of(value) : -1;
	char *name;

	if (!value)
		return;
	if (fd >= 0 && a->outputs < OUTPUTS_MAX) {
		a->output[a->outputs++] = fd;
		add(a, "--%s=%c%d", option, REPORT_DESCRIPTOR, REPORT_CHANNEL_FD + (int)a->outputs);
		return;
	}
	name = expanded(value);
	a->failed |= !name;
	add_text(a, option, name);
	free(name);
}

static void add_flag(struct arguments *a, const char *name, bool set)
{
	if (set)
		add(a, "--%s", name);
}

/* Makes the command line of check/report/main.c. */
static void make_arguments(struct arguments *a, const struct report_options *o)
{
	add(a, "buffervm-report");
	add_flag(a, "channel", true);
	add_output(a, "json", o->json);
	add_output(a, "sarif", o->sarif);
	add_output(a, "html", o->html);
	add_output(a, "xml", o->xml);
	add_output(a, "log-file", o->log_file);
	add_text(a, "program", o->program);
	for (u32 i = 0; i < o->suppressions_count; i++)
		add_text(a, "suppressions", o->suppressions[i]);
	add_flag(a, "gen-suppressions", o->gen_suppressions);
	add_flag(a, "registers", o->registers);
	add_flag(a, "quiet", o->quiet);
	add(a, "--color=%u", o->color);
	add(a, "--format=%u", o->format);
	add(a, "--depth=%u", o->depth);
}

/*
 * Moves the user's descriptors of outputs to those behind REPORT_CHANNEL_FD. Returns false if that
 * fails.
 */
static bool place_outputs(const struct arguments *a)
{
	int high[OUTPUTS_MAX];

	for (u32 i = 0; i < a->outputs; i++) {
		high[i] = fcntl(a->output[i], F_DUPFD_CLOEXEC, REPORT_CHANNEL_FD + 1 + OUTPUTS_MAX);
		if (high[i] < 0)
			return false;
	}
	for (u32 i = 0; i < a->outputs; i++)
		if (dup2(high[i], REPORT_CHANNEL_FD + 1 + (int)i) < 0)
			return false;
	return true;
}

/* Runs in the child: sets up its descriptors and executes the reporter. Returns only on failure. */
static void become(int socket, int text_fd, struct arguments *a)
{
	const int first = REPORT_CHANNEL_FD + 1 + OUTPUTS_MAX;
	static char *no_environment[] = {NULL};
	const u8 *at = report_elf_start;
	int null = open("/dev/null", O_RDWR), file;

	file = memfd_create("buffervm-report", MFD_CLOEXEC | MFD_EXECUTABLE);
	if (file < 0 && errno == EINVAL)
		file = memfd_create("buffervm-report", MFD_CLOEXEC);
	while (file >= 0 && at < report_elf_end) {
		ssize_t n = write(file, at, (size_t)(report_elf_end - at));

		if (n <= 0)
			return;
		at += n;
	}
	/* Moves the descriptors above those at which the reporter expects its own. */
	socket = fcntl(socket, F_DUPFD_CLOEXEC, first);
	file = fcntl(file, F_DUPFD_CLOEXEC, first);
	null = fcntl(null, F_DUPFD_CLOEXEC, first);
	text_fd = text_fd < 0 ? null : fcntl(text_fd, F_DUPFD_CLOEXEC, first);
	if (!place_outputs(a) || socket < 0 || file < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(text_fd, 2) < 0 || dup2(socket, REPORT_CHANNEL_FD) < 0)
		return;
	close_range(REPORT_CHANNEL_FD + 1 + a->outputs, ~0U, CLOSE_RANGE_CLOEXEC);
	syscall(SYS_execveat, file, "", a->argv, no_environment, AT_EMPTY_PATH);
}

int reporter_start(const struct report_options *o, int text_fd)
{
	struct arguments a = {0};
	int pair[2], ret = EXIT_HOST;
	u32 answer;

	make_arguments(&a, o);
	if (a.failed || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		message("cannot start the reporter: %s", host_error(errno));
		goto free_arguments;
	}
	/*
	 * The reporter's end sends no signal to the guest, because host_signals.c installs no
	 * handler for SIGCHLD.
	 */
	reporter = fork();
	if (reporter == 0) {
		become(pair[1], text_fd, &a);
		_exit(EXIT_HOST);
	}
	close(pair[1]);
	if (reporter < 0) {
		message("cannot start the reporter: %s", host_error(errno));
		close(pair[0]);
		goto free_arguments;
	}
	if (!report_read(pair[0], &answer, sizeof(answer)))
		message("the reporter did not start");
	else
		ret = (int)(answer & 0xff); /* the reporter has printed the reason */
	if (ret) {
		close(pair[0]);
		report_reap(reporter);
	} else {
		channel = pair[0];
	}
free_arguments:
	for (u32 i = 0; i < a.argc; i++)
		free(a.argv[i]);
	return ret;
}

/* Sends a message. Returns false if the reporter is gone. lock is held. */
static bool send_message(u32 type, const void *bytes, u32 len)
{
	struct report_message_head head = {.type = type, .len = len};

	return channel >= 0 && report_write(channel, &head, sizeof(head)) &&
	       report_write(channel, bytes, len);
}

/* Closes the channel to a reporter that has died. lock is held. */
static void give_up(void)
{
	if (channel < 0)
		return;
	message("the reporter has died: reports are short from here on");
	close(channel);
	channel = -1;
}

/* Prints the report in one line. Its fields may have any values. */
static void say(const void *report, u32 len)
{
	struct check_report head = {0};

	memcpy(&head, report, MIN(len, (u32)sizeof(head)));
	message("%s: address 0x%lx, object 0x%lx of %lu bytes, at pc 0x%lx, process %d, thread %d",
		report_kind(head.kind)->name, head.addr, head.object.start, head.object.size,
		head.reg[USER_RIP], head.pid, head.tid);
}

enum check_verdict reporter_report(const void *report, u32 len)
{
	u32 verdict = CHECK_VERDICT_REPORTED;

	pthread_mutex_lock(&lock);
	if (!send_message(REPORT_MESSAGE_REPORT, report, len) ||
	    !report_read(channel, &verdict, sizeof(verdict))) {
		give_up();
		say(report, len);
	}
	pthread_mutex_unlock(&lock);
	return verdict <= CHECK_VERDICT_DUPLICATE ? verdict : CHECK_VERDICT_REPORTED;
}

void reporter_summary(const struct check_summary *summary)
{
	pthread_mutex_lock(&lock);
	if (channel >= 0 && !send_message(REPORT_MESSAGE_SUMMARY, summary, sizeof(*summary)))
		give_up();
	pthread_mutex_unlock(&lock);
}

void reporter_end(void)
{
	u32 answer;

	pthread_mutex_lock(&lock);
	if (channel >= 0) {
		if (!send_message(REPORT_MESSAGE_END, NULL, 0) ||
		    !report_read(channel, &answer, sizeof(answer)))
			message("the reporter died before its outputs were complete");
		close(channel);
		channel = -1;
		report_reap(reporter);
	}
	pthread_mutex_unlock(&lock);
}
