// SPDX-License-Identifier: MIT
/*
 * The status objects (--status-fd, --status-file): JSON, one object on a line, so that a caller
 * need not guess from a status or from lines on standard error how a run ended. docs/status.md has
 * their members.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vm/observe/observe.h"
#include "vm/jail/limits.h"
#include "vm/jail/policy.h"

#define PATIENCE_MS 5000 /* for a reader of a full pipe */

static int status_fd = -1;

static void add_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static void add_number(struct json_object *o, const char *key, u64 value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

/* Milliseconds are exact enough, and print as a person would write them. */
static void add_seconds(struct json_object *o, const char *key, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6f", value);
	json_object_object_add(o, key, json_object_new_double_s(value, text));
}

/* Writes o on one line and frees it. */
static void send_object(int fd, struct json_object *o)
{
	const char *text = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	char *line;
	int err = 0;

	if (poll(&p, 1, PATIENCE_MS) == 0)
		err = -EAGAIN;
	if (!err && asprintf(&line, "%s\n", text) >= 0) {
		err = observe_write(fd, line, strlen(line));
		free(line);
	}
	if (err)
		message("the status object is lost: %s",
			err == -EAGAIN ? "nobody reads the pipe" : host_error(-err));
	json_object_put(o);
}

static bool is_writable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY;
}

/* The policy in force, as --show=json prints it; null without `run`. */
static void add_policy(struct json_object *to, const struct jail_policy *policy)
{
	struct json_object *o = NULL;
	char *text = NULL;
	size_t size;
	FILE *f = policy ? open_memstream(&text, &size) : NULL;

	if (f) {
		policy_show_json(policy, f);
		fclose(f);
		o = json_tokener_parse(text);
		free(text);
	}
	json_object_object_add(to, "policy", o);
}

int status_open(struct sandbox *s)
{
	const struct options *o = &s->opt;
	struct json_object *start;

	if (o->status_file) {
		status_fd = observe_create("--status-file", o->status_file, O_TRUNC);
		if (status_fd < 0)
			return EXIT_HOST;
	} else if (o->status_fd_given) {
		if (!is_writable(o->status_fd)) {
			message("--status-fd=%d: %s", o->status_fd,
				fcntl(o->status_fd, F_GETFD) < 0 ? "it is not open"
								 : "it is not open for writing");
			return EXIT_USAGE;
		}
		/* The program must not have it: it could write what it likes there. */
		status_fd = fcntl(o->status_fd, F_DUPFD_CLOEXEC, 512);
		if (status_fd < 0)
			status_fd = fcntl(o->status_fd, F_DUPFD_CLOEXEC, 3);
		if (status_fd < 0) {
			message("--status-fd=%d: %s", o->status_fd, host_error(errno));
			return EXIT_HOST;
		}
		if (o->status_fd > STDERR_FILENO)
			close(o->status_fd);
	}
	if (status_fd < 0)
		return 0;
	start = json_object_new_object();
	add_string(start, "event", "start");
	add_number(start, "pid", (u64)getpid());
	add_string(start, "version", BUFFERVM_VERSION);
	add_string(start, "program", o->argc ? o->argv[0] : "");
	add_policy(start, o->policy);
	if (o->mem_given)
		add_number(start, "mem_limit_bytes", o->mem);
	if (o->pids)
		add_number(start, "pids_limit", o->pids);
	add_number(start, "open_files_limit", o->files);
	send_object(status_fd, start);
	return 0;
}

static const char *error_name(u32 error)
{
	const char *name = strerrorname_np((int)error);

	return name ? name : "?";
}

static void add_refused(struct json_object *to, const struct hostcall_end_info *k)
{
	struct json_object *list = json_object_new_array();

	for (u32 i = 0; i < k->calls; i++) {
		struct json_object *call = json_object_new_object();
		const char *name = syscall_name(k->call[i].nr);

		add_string(call, "name", name ? name : "?");
		add_string(call, "error", error_name(k->call[i].error));
		add_number(call, "count", k->call[i].count);
		json_object_object_add(call, "implemented",
				       json_object_new_boolean(!k->call[i].missing));
		json_object_array_add(list, call);
	}
	json_object_object_add(to, "refused_calls", list);
}

static void add_limits(struct json_object *to, const struct sandbox *s,
		       const struct hostcall_end_info *k)
{
	struct json_object *list = json_object_new_array();
	int status = atomic_load(&s->end_status);
	u64 disk, fsize;

	if (k->oom_kills)
		json_object_array_add(list, json_object_new_string("mem"));
	if (k->tasks_refused)
		json_object_array_add(list, json_object_new_string("pids"));
	if (status == (SANDBOX_END_ERROR | EXIT_TIME))
		json_object_array_add(list, json_object_new_string("time"));
	if (status == (SANDBOX_END_ERROR | EXIT_CPU_TIME))
		json_object_array_add(list, json_object_new_string("cpu-time"));
	limits_refused(&disk, &fsize);
	if (disk)
		json_object_array_add(list, json_object_new_string("disk"));
	if (fsize)
		json_object_array_add(list, json_object_new_string("fsize"));
	json_object_object_add(to, "limits_hit", list);
}

/* Whose fault an exit status of the monitor's own is. */
static const char *fault_of(int status)
{
	switch (status) {
	case EXIT_USAGE:
		return "caller";
	case EXIT_BAD_ELF:
	case EXIT_FOREIGN_ELF:
	case EXIT_NO_INTERPRETER:
	case EXIT_TOO_BIG:
	case EXIT_NOT_EXECUTABLE:
	case EXIT_NOT_FOUND:
		return "program";
	case EXIT_NO_MEMORY:
	case EXIT_CPU_TIME:
	case EXIT_TIME:
		return "limit";
	case EXIT_NO_KVM:
	case EXIT_KVM_LACKS:
	case EXIT_HOST:
	case EXIT_WALL:
		return "host";
	default:
		return "monitor";
	}
}

static void add_end(struct json_object *o, struct sandbox *s, int how,
		    const struct hostcall_end_info *k)
{
	int status = how >= 0 ? how | SANDBOX_END_ERROR : atomic_load(&s->end_status);

	if (status & SANDBOX_END_ERROR) {
		json_object_object_add(o, "exit_status", json_object_new_int(status & 0xff));
		add_string(o, "fault", fault_of(status & 0xff));
		json_object_object_add(o, "ran", json_object_new_boolean(false));
		return;
	}
	if (WIFSIGNALED(status)) {
		const char *name = sigabbrev_np(WTERMSIG(status));
		char text[32];

		json_object_object_add(o, "signal", json_object_new_int(WTERMSIG(status)));
		snprintf(text, sizeof(text), name ? "SIG%s" : "%s%d", name ? name : "SIG",
			 WTERMSIG(status));
		add_string(o, "signal_name", text);
	} else {
		json_object_object_add(o, "exit_status", json_object_new_int(WEXITSTATUS(status)));
	}
	add_string(o, "fault", k->first_killed ? "limit" : "program");
	json_object_object_add(o, "ran", json_object_new_boolean(true));
}

static struct json_object *end_object(struct sandbox *s, int how)
{
	struct json_object *o = json_object_new_object();
	struct run_totals t;

	stats_totals(s, &t);
	add_string(o, "event", "end");
	add_end(o, s, how, &t.kernel);
	add_seconds(o, "wall_seconds", t.wall_s);
	add_seconds(o, "user_seconds", t.user_s);
	add_seconds(o, "system_seconds", t.system_s);
	add_number(o, "peak_memory_bytes", t.peak_bytes);
	add_number(o, "hostcalls", t.hostcalls);
	add_number(o, "exits", t.exits);
#define X(name) add_number(o, #name, t.kernel.name);
	HOSTCALL_END_VALUES(X)
#undef X
	add_limits(o, s, &t.kernel);
	add_refused(o, &t.kernel);
	return o;
}

void status_end(struct sandbox *s, int how)
{
	if (status_fd >= 0)
		send_object(status_fd, end_object(s, how));
}

void stats_report_json(struct sandbox *s, int how)
{
	send_object(s->stderr_fd, end_object(s, how));
}
