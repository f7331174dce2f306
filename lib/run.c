// SPDX-License-Identifier: MIT
/*
 * Starts sandboxes and talks to them (buffervm.h).
 *
 * The monitor gets its status objects' pipe as descriptor 3, and nothing else but the program's
 * standard descriptors. The end of the sandbox is seen on a pidfd, so no signal is needed. A caller
 * that waits for all its children may take the monitor's status away; the status object then tells
 * how the run ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "lib/spec.h"

#define STATUS_FD 3
#define HIGH_FD	  16 /* copies of descriptors for the child lie above those that it gets */
#define CHUNK	  65536

struct text {
	char *bytes; /* NUL behind them; NULL: empty */
	size_t len, space;
};

struct buffervm {
	pid_t pid;
	int pidfd;
	int status_fd;
	int pipe[STANDARD_FDS]; /* our ends; -1: none, or closed */
	struct text output[STANDARD_FDS], objects;
	const char *input;
	size_t input_len;
	bool ended, reaped, killed;
	int wait_status; /* if reaped */
	char *end_json;	 /* the object of the end */
};

/* Returns false if there is no memory. */
static bool text_add(struct text *t, const char *bytes, size_t len, size_t max)
{
	if (max && len > max - (t->len < max ? t->len : max))
		len = max - (t->len < max ? t->len : max);
	if (t->len + len + 1 > t->space) {
		size_t space = 2 * (t->len + len + 1);
		char *more = realloc(t->bytes, space);

		if (!more)
			return false;
		t->bytes = more;
		t->space = space;
	}
	memcpy(t->bytes + t->len, bytes, len);
	t->len += len;
	t->bytes[t->len] = '\0';
	return true;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- Start. --------------------------------------------------------------------------------- */

/* What the child gets: copies of the descriptors, to be closed after the start. */
struct plan {
	int fd[STATUS_FD + 1];
	struct strings argv;
};

static int copy_high(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

	return copy < 0 ? -errno : copy;
}

/* Makes a pipe whose end for the child is a high descriptor. */
static int make_pipe(int *child, int *ours, bool child_reads)
{
	int both[2], high;

	if (pipe2(both, O_CLOEXEC) < 0)
		return -errno;
	high = copy_high(both[child_reads ? 0 : 1]);
	close(both[child_reads ? 0 : 1]);
	*ours = both[child_reads ? 1 : 0];
	if (high < 0)
		return high;
	*child = high;
	return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int plan_fds(const struct buffervm_spec *spec, struct buffervm *b, struct plan *plan)
{
	int ret = make_pipe(&plan->fd[STATUS_FD], &b->status_fd, false);

	for (int fd = 0; fd < STANDARD_FDS && ret == 0; fd++) {
		if (spec->fd[fd] == IS_PIPE) {
			ret = make_pipe(&plan->fd[fd], &b->pipe[fd], fd == STDIN_FILENO);
			continue;
		}
		plan->fd[fd] = copy_high(spec->fd[fd]);
		/* A standard descriptor that the caller does not have is none of the program's. */
		if (plan->fd[fd] == -EBADF && spec->fd[fd] == fd)
			plan->fd[fd] = -1;
		else if (plan->fd[fd] < 0)
			ret = plan->fd[fd];
	}
	return ret;
}

static int add_all(struct strings *to, const struct strings *from)
{
	int ret = 0;

	for (size_t i = 0; i < from->count && ret == 0; i++)
		ret = buffervm_strings_add(to, from->text[i]);
	return ret;
}

static int plan_argv(const struct buffervm_spec *spec, struct strings *argv)
{
	char text[64];
	int ret = buffervm_strings_add(argv, spec->command ? spec->command : "buffervm");

	snprintf(text, sizeof(text), "--status-fd=%d", STATUS_FD);
	if (ret == 0)
		ret = buffervm_strings_add(argv, text);
	if (ret == 0)
		ret = add_all(argv, &spec->options);
	/* The limits of `run` have the same names, and there they are the ones that count. */
	if (ret == 0 && spec->policy.count)
		ret = buffervm_strings_add(argv, "run");
	snprintf(text, sizeof(text), "--mem=%llu", (unsigned long long)spec->memory);
	if (ret == 0 && spec->memory)
		ret = buffervm_strings_add(argv, text);
	snprintf(text, sizeof(text), "--pids=%u", spec->processes);
	if (ret == 0 && spec->processes)
		ret = buffervm_strings_add(argv, text);
	if (ret == 0)
		ret = add_all(argv, &spec->policy);
	/* A program whose name begins with a dash is no option. */
	if (ret == 0)
		ret = buffervm_strings_add(argv, "--");
	return ret == 0 ? add_all(argv, &spec->args) : ret;
}

/* Describes to posix_spawn what the child does before it becomes the monitor. */
static int describe_child(const struct buffervm_spec *spec, const struct plan *plan,
			  posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int err = 0;

	sigemptyset(&none);
	sigfillset(&all);
	err = posix_spawnattr_setsigmask(attr, &none) ?: posix_spawnattr_setsigdefault(attr, &all);
	err = err ?: posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	for (int fd = 0; fd <= STATUS_FD && !err; fd++)
		err = plan->fd[fd] < 0
			      ? posix_spawn_file_actions_addclose(actions, fd)
			      : posix_spawn_file_actions_adddup2(actions, plan->fd[fd], fd);
	err = err ?: posix_spawn_file_actions_addclosefrom_np(actions, STATUS_FD + 1);
	if (spec->dir)
		err = err ?: posix_spawn_file_actions_addchdir_np(actions, spec->dir);
	return -err;
}

static int spawn(const struct buffervm_spec *spec, struct buffervm *b, const struct plan *plan)
{
	char *const *env = spec->env.count ? spec->env.text : environ;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int ret;

	ret = -posix_spawn_file_actions_init(&actions);
	if (ret)
		return ret;
	ret = -posix_spawnattr_init(&attr);
	if (ret)
		goto actions;
	ret = describe_child(spec, plan, &actions, &attr);
	if (ret == 0)
		ret = -posix_spawnp(&b->pid, plan->argv.text[0], &actions, &attr, plan->argv.text,
				    env);
	posix_spawnattr_destroy(&attr);
actions:
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

struct buffervm *buffervm_start(const struct buffervm_spec *spec, int *error)
{
	struct plan plan = {.fd = {-1, -1, -1, -1}};
	struct buffervm *b = spec ? calloc(1, sizeof(*b)) : NULL;
	int ret = spec ? -ENOMEM : -EINVAL;

	if (!b)
		goto out;
	b->status_fd = b->pidfd = -1;
	for (int fd = 0; fd < STANDARD_FDS; fd++)
		b->pipe[fd] = -1;
	ret = plan_fds(spec, b, &plan);
	if (ret == 0)
		ret = plan_argv(spec, &plan.argv);
	if (ret == 0)
		ret = spawn(spec, b, &plan);
	if (ret == 0)
		b->pidfd = (int)syscall(SYS_pidfd_open, b->pid, 0);
	for (int fd = 0; fd <= STATUS_FD; fd++)
		if (plan.fd[fd] >= 0)
			close(plan.fd[fd]);
	for (size_t i = 0; i < plan.argv.count; i++)
		free(plan.argv.text[i]);
	free(plan.argv.text);
	if (ret) {
		buffervm_free(b);
		b = NULL;
	}
out:
	if (error)
		*error = ret;
	return b;
}

/* ---- The pipes. ----------------------------------------------------------------------------- */

/* Writes without SIGPIPE. Returns write(2)'s result. */
static ssize_t write_quietly(int fd, const char *bytes, size_t len)
{
	const struct timespec now = {0, 0};
	sigset_t pipe_signal, before;
	ssize_t n;
	int err;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
	n = write(fd, bytes, len);
	err = errno;
	if (n < 0 && err == EPIPE && !sigismember(&before, SIGPIPE))
		sigtimedwait(&pipe_signal, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = err;
	return n;
}

static void feed(struct buffervm *b)
{
	int *fd = &b->pipe[STDIN_FILENO];
	ssize_t n = b->input_len ? write_quietly(*fd, b->input, b->input_len) : 0;

	if (n > 0) {
		b->input += n;
		b->input_len -= (size_t)n;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		b->input_len = 0; /* the program reads no more */
	if (!b->input_len)
		close_fd(fd);
}

/* Reads once. Closes *fd at its end. Returns 0 or -ENOMEM. */
static int collect(int *fd, struct text *to, size_t max)
{
	char *chunk = malloc(CHUNK);
	ssize_t n;
	bool kept;

	if (!chunk)
		return -ENOMEM;
	n = read(*fd, chunk, CHUNK);
	kept = n <= 0 || text_add(to, chunk, (size_t)n, max);
	free(chunk);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(fd);
	return kept ? 0 : -ENOMEM;
}

/* Milliseconds of CLOCK_MONOTONIC. */
static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int left_ms(int64_t end)
{
	int64_t left = end - now_ms();

	if (end < 0)
		return -1;
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* Takes the monitor's status, unless somebody else did. */
static void reap(struct buffervm *b)
{
	pid_t pid;

	do {
		pid = waitpid(b->pid, &b->wait_status, 0);
	} while (pid < 0 && errno == EINTR);
	b->reaped = pid == b->pid;
	b->ended = true;
}

/*
 * Waits for the end of the sandbox, and with_pipes for the pipes, too. The status pipe is read in
 * any case: its end is the sandbox's end where there is no pidfd.
 */
static int run(struct buffervm *b, int timeout_ms, bool with_pipes, size_t max)
{
	int64_t end = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	int ret = 0;

	for (;;) {
		struct pollfd p[STANDARD_FDS + 2] = {
			{b->ended ? -1 : b->pidfd, POLLIN, 0},
			{b->status_fd, POLLIN, 0},
		};
		bool busy = !b->ended || b->status_fd >= 0;

		for (int fd = 0; fd < STANDARD_FDS; fd++) {
			p[2 + fd] = (struct pollfd){with_pipes ? b->pipe[fd] : -1,
						    fd == STDIN_FILENO ? POLLOUT : POLLIN, 0};
			/* Of a program that has ended nobody reads the input. */
			busy |= with_pipes && fd != STDIN_FILENO && b->pipe[fd] >= 0;
		}
		if (!busy)
			return 0;
		if (ret < 0)
			return ret;
		ret = poll(p, STANDARD_FDS + 2, left_ms(end));
		if (ret == 0)
			return -ETIMEDOUT;
		if (ret < 0 && errno != EINTR)
			return -errno;
		if (ret < 0) {
			ret = 0;
			continue;
		}
		ret = 0;
		if (p[1].revents)
			ret = collect(&b->status_fd, &b->objects, 0);
		for (int fd = 1; fd < STANDARD_FDS && ret == 0; fd++)
			if (p[2 + fd].revents)
				ret = collect(&b->pipe[fd], &b->output[fd], max);
		if (p[2].revents)
			feed(b);
		if (!b->ended && (p[0].revents || (b->pidfd < 0 && b->status_fd < 0)))
			reap(b);
	}
}

int buffervm_communicate(struct buffervm *b, const void *input, size_t input_len, int timeout_ms,
			 size_t max_output)
{
	if (!b || (!input && input_len))
		return -EINVAL;
	if (input) {
		b->input = input;
		b->input_len = input_len;
	}
	if (b->pipe[STDIN_FILENO] >= 0 && !b->input_len)
		close_fd(&b->pipe[STDIN_FILENO]);
	return run(b, timeout_ms, true, max_output);
}

int buffervm_wait(struct buffervm *b, int timeout_ms)
{
	return b ? run(b, timeout_ms, false, 0) : -EINVAL;
}

const char *buffervm_output(const struct buffervm *b, int fd, size_t *len)
{
	bool has = b && (fd == STDOUT_FILENO || fd == STDERR_FILENO);

	if (len)
		*len = has ? b->output[fd].len : 0;
	return has && b->output[fd].bytes ? b->output[fd].bytes : "";
}

int buffervm_pipe(const struct buffervm *b, int fd)
{
	return b && fd >= 0 && fd < STANDARD_FDS ? b->pipe[fd] : -1;
}

int buffervm_pid(const struct buffervm *b)
{
	return b ? b->pid : -EINVAL;
}

int buffervm_signal(struct buffervm *b, int sig)
{
	int ret;

	if (!b)
		return -EINVAL;
	if (b->pidfd >= 0)
		ret = (int)syscall(SYS_pidfd_send_signal, b->pidfd, sig, NULL, 0);
	else
		ret = b->ended ? (errno = ESRCH, -1) : kill(b->pid, sig);
	if (ret == 0 && sig == SIGKILL)
		__atomic_store_n(&b->killed, true, __ATOMIC_RELAXED);
	return ret ? -errno : 0;
}

void buffervm_free(struct buffervm *b)
{
	if (!b)
		return;
	if (b->pid > 0 && !b->ended) {
		buffervm_signal(b, SIGKILL);
		reap(b);
	}
	for (int fd = 0; fd < STANDARD_FDS; fd++) {
		close_fd(&b->pipe[fd]);
		free(b->output[fd].bytes);
	}
	close_fd(&b->status_fd);
	close_fd(&b->pidfd);
	free(b->objects.bytes);
	free(b->end_json);
	free(b);
}

/* ---- The status. ---------------------------------------------------------------------------- */

static struct json_object *member(struct json_object *o, const char *name)
{
	struct json_object *m = NULL;

	json_object_object_get_ex(o, name, &m);
	return m;
}

static enum buffervm_fault fault_of(const char *name)
{
	static const struct {
		const char *name;
		enum buffervm_fault fault;
	} faults[] = {
		{"program", BUFFERVM_FAULT_PROGRAM},
		{"limit", BUFFERVM_FAULT_LIMIT},
		{"caller", BUFFERVM_FAULT_CALLER},
		{"host", BUFFERVM_FAULT_HOST},
	};

	for (size_t i = 0; name && i < sizeof(faults) / sizeof(faults[0]); i++)
		if (!strcmp(name, faults[i].name))
			return faults[i].fault;
	return BUFFERVM_FAULT_MONITOR;
}

/* Returns the object of the end, or NULL. */
static struct json_object *end_object(struct buffervm *b)
{
	char *line = b->objects.bytes, *next;

	for (; line && *line; line = next) {
		struct json_object *o;
		const char *event;

		next = strchr(line, '\n');
		if (!next)
			break;
		*next = '\0';
		o = json_tokener_parse(line);
		*next++ = '\n';
		event = json_object_get_string(member(o, "event"));
		if (event && !strcmp(event, "end"))
			return o;
		json_object_put(o);
	}
	return NULL;
}

/* What the process's own status says, for a sandbox that could not write its object. */
static void from_wait_status(const struct buffervm *b, struct buffervm_status *s)
{
	s->fault = BUFFERVM_FAULT_MONITOR;
	if (!b->reaped)
		return;
	if (WIFSIGNALED(b->wait_status))
		s->signal = WTERMSIG(b->wait_status);
	else
		s->exit_status = WEXITSTATUS(b->wait_status);
	if (__atomic_load_n(&b->killed, __ATOMIC_RELAXED) || s->exit_status == 64)
		s->fault = BUFFERVM_FAULT_CALLER; /* 64: EXIT_USAGE */
}

int buffervm_get_status(struct buffervm *b, struct buffervm_status *status)
{
	struct buffervm_status s = {.exit_status = -1, .json = ""};
	struct json_object *o;

	if (!b || !status)
		return -EINVAL;
	if (!b->ended)
		return -EAGAIN;
	o = end_object(b);
	if (!o) {
		from_wait_status(b, &s);
		*status = s;
		return 0;
	}
	s.ran = json_object_get_boolean(member(o, "ran"));
	if (member(o, "exit_status"))
		s.exit_status = json_object_get_int(member(o, "exit_status"));
	s.signal = json_object_get_int(member(o, "signal"));
	s.fault = fault_of(json_object_get_string(member(o, "fault")));
	s.wall_seconds = json_object_get_double(member(o, "wall_seconds"));
	s.cpu_seconds = json_object_get_double(member(o, "user_seconds")) +
			json_object_get_double(member(o, "system_seconds"));
	s.peak_memory = json_object_get_uint64(member(o, "peak_memory_bytes"));
	if (!b->end_json)
		b->end_json = strdup(json_object_to_json_string_ext(
			o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	if (!b->end_json)
		return -ENOMEM;
	s.json = b->end_json;
	*status = s;
	return 0;
}
