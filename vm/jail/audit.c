// SPDX-License-Identifier: MIT
/*
 * See audit.h. Names come from the guest, so nothing of them reaches the terminal as it is: bytes
 * that are not plain characters are shown as \xHH.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "vm/jail/audit.h"
#include "vm/jail/inside.h"
#include "vm/jail/learn.h"
#include "vm/jail/view.h"

#define DENIALS_MAX 512	   /* different ones that are counted */
#define SHOWN_MAX   20	   /* lines at the end */
#define LINES_MAX   100000 /* of JSON: a guest must not fill the disk */

static _Thread_local struct {
	const char *rule, *where, *path;
	int dir;
	bool set, write;
} note;

enum verb {
	VERB_READ,
	VERB_WRITE,
	VERB_CONNECT,
	VERB_BIND,
	VERB_LISTEN,
	VERB_NETWORK,
	VERB_LOOK_UP
};

/* What is printed of each verb, and the option that would allow it. */
static const struct {
	const char *name, *option;
} verbs[] = {
	[VERB_READ] = {"read", "-r "},
	[VERB_WRITE] = {"write", "-w "},
	[VERB_CONNECT] = {"connect", "--allow-net "},
	[VERB_BIND] = {"bind", "--allow-listen PORT for "},
	[VERB_LISTEN] = {"listen", "--allow-listen PORT for "},
	[VERB_NETWORK] = {"use", "--net=host, or --allow-net HOST:PORT for "},
	[VERB_LOOK_UP] = {"look up", "--allow-net "},
};

struct denial {
	enum verb verb;
	char *text, *allow;	  /* what was refused, and what to allow */
	const char *rule, *where; /* as audit_note has them */
	char who[AUDIT_WHO];
	u64 count;
};

/* lock protects all of it. */
static struct {
	pthread_mutex_t lock;
	struct denial denial[DENIALS_MAX];
	u32 count;
	u64 others; /* denials that did not fit */
	int file;   /* of --audit; -1: none */
	u64 lines;
} audit = {.lock = PTHREAD_MUTEX_INITIALIZER, .file = -1};

int audit_start(const struct jail_policy *p)
{
	if (!p->audit)
		return 0;
	audit.file = open(p->audit, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY,
			  0644);
	if (audit.file < 0)
		message("--audit: %s: %s", p->audit, strerror(errno));
	return audit.file < 0 ? EXIT_USAGE : 0;
}

void audit_note(const char *rule, const char *where)
{
	note.set = true;
	note.rule = rule;
	note.where = where;
	note.path = NULL;
}

void audit_note_path(int dir, const char *path, bool write)
{
	note.dir = dir;
	note.path = path;
	note.write = write;
}

void audit_forget(void)
{
	note.set = false;
}

/* Writes text with other bytes than printable ASCII as \xHH, cut off where `to` ends. */
static void plain(const char *text, char *to, size_t size)
{
	size_t used = 0;

	for (; *text && used + 5 < size; text++) {
		if (isascii((unsigned char)*text) && isprint((unsigned char)*text) && *text != '\\')
			to[used++] = *text;
		else
			used += (size_t)snprintf(to + used, size - used, "\\x%02x",
						 (unsigned char)*text);
	}
	to[used] = '\0';
}

void audit_who(const struct call *c, char name[AUDIT_WHO], u32 *pid)
{
	char raw[17] = "";
	const void *at = memory_at(c->s, (gpa_t){READ_ONCE(c->v->data->comm_gpa)}, 16);
	char text[5 * sizeof(raw)];

	if (at)
		memcpy(raw, at, 16);
	raw[15] = '\0';
	plain(raw, text, sizeof(text));
	snprintf(name, AUDIT_WHO, "%.15s", text[0] ? text : "?");
	*pid = READ_ONCE(c->v->data->pid);
}

/* ---- what was refused ----------------------------------------------------------------------- */

/* Writes the path of the note to text, in the view. Returns false if it has none. */
static bool note_text(char *text, size_t size)
{
	s64 n = 0;

	if (!note.path)
		return false;
	if (note.path[0] != '/') {
		n = note.dir >= 0 ? view_path(note.dir, text, size - 1) : -EBADF;
		if (n < 0)
			return false;
		if (n > 0 && text[n - 1] == '/')
			n--;
	}
	return (size_t)snprintf(text + n, size - (size_t)n, "%s%s",
				note.path[0] != '/' && note.path[0] ? "/" : "",
				note.path) < size - (size_t)n;
}

/*
 * Returns how many bytes of a path name what a rule would have to allow: all, or the directory if a
 * new name in it was refused. Returns 0 if the host has no such file, because programs look for
 * many that nobody has.
 */
static size_t allowable(const char *path, bool write)
{
	char dir[HOSTCALL_PATH_MAX];
	struct stat st;
	char *slash;

	if (HOST_CALL(newfstatat, (u64)AT_FDCWD, (u64)path, (u64)&st, AT_SYMLINK_NOFOLLOW) == 0)
		return strlen(path);
	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!write || !slash || slash == dir)
		return 0;
	*slash = '\0';
	return HOST_CALL(newfstatat, (u64)AT_FDCWD, (u64)dir, (u64)&st, 0) == 0 ? strlen(dir) : 0;
}

static bool address_text(const void *addr, u32 len, char *text, size_t size)
{
	const struct sockaddr *sa = addr;
	char host[INET6_ADDRSTRLEN];

	if (len >= sizeof(struct sockaddr_in) && sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = addr;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(in->sin_port));
	} else if (len >= sizeof(struct sockaddr_in6) && sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = addr;

		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(in->sin6_port));
	} else if (len > sizeof(sa->sa_family) && sa->sa_family == AF_UNIX) {
		snprintf(text, size, "the abstract unix socket");
	} else {
		return false;
	}
	return true;
}

/* Describes a refused call on a socket, about which there is no note. Returns false if it is none.
 */
static bool socket_text(const struct call *c, s64 ret, enum verb *verb, char *text, size_t size)
{
	if (ret != -EACCES && ret != -EPERM && ret != -EAFNOSUPPORT)
		return false;
	switch (c->nr) {
	case HC_socket:
		*verb = VERB_NETWORK;
		snprintf(text, size, "the network");
		return c->arg[0].value == AF_INET || c->arg[0].value == AF_INET6;
	case HC_connect:
		*verb = VERB_CONNECT;
		return address_text(c->arg[2].buf, c->arg[2].len, text, size);
	case HC_sendmsg:
		*verb = VERB_CONNECT;
		return address_text(c->arg[2].buf, c->arg[2].len, text, size);
	case HC_bind:
		*verb = VERB_BIND;
		return address_text(c->arg[2].buf, c->arg[2].len, text, size);
	case HC_listen:
		*verb = VERB_LISTEN;
		snprintf(text, size, "a port");
		return true;
	default:
		return false;
	}
}

/* ---- writing it down ------------------------------------------------------------------------ */

static const char *call_name(u32 nr)
{
	static const char *const names[HC_MAX] = {
#define HOSTCALL(nr, name, ...) [nr] = #name,
#include "common/hostcall.def"
	};

	return names[nr];
}

static void write_json(u32 nr, s64 ret, enum verb verb, const char *text, const char *who, u32 pid)
{
	json_object *line;
	struct timespec now;
	const char *out;
	char rule[HOSTCALL_PATH_MAX + 16];
	size_t len;

	if (audit.file < 0 || audit.lines == LINES_MAX)
		return;
	audit.lines++;
	line = json_object_new_object();
	clock_gettime(CLOCK_REALTIME, &now);
	json_object_object_add(
		line, "time",
		json_object_new_double((double)now.tv_sec + (double)now.tv_nsec / 1e9));
	json_object_object_add(line, "pid", json_object_new_int64(pid));
	json_object_object_add(line, "comm", json_object_new_string(who));
	json_object_object_add(line, "call", json_object_new_string(call_name(nr)));
	json_object_object_add(line, "wanted", json_object_new_string(verbs[verb].name));
	json_object_object_add(line, verb <= VERB_WRITE ? "path" : "address",
			       json_object_new_string(text));
	if (note.set && note.rule) {
		snprintf(rule, sizeof(rule), "%s %s", note.rule, note.where ? note.where : "");
		json_object_object_add(line, "rule", json_object_new_string(rule));
	} else {
		json_object_object_add(line, "rule", NULL);
	}
	json_object_object_add(line, "error", json_object_new_string(strerrorname_np((int)-ret)));
	if (audit.lines == LINES_MAX)
		json_object_object_add(line, "last", json_object_new_boolean(true));
	out = json_object_to_json_string_length(
		line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (out) {
		struct iovec iov[2] = {{UNCONST(out), len}, {"\n", 1}};

		HOST_CALL(writev, (u64)audit.file, (u64)iov, 2);
	}
	json_object_put(line);
}

static void count(enum verb verb, const char *text, const char *allow, const char *who)
{
	struct denial *d = audit.denial;

	for (u32 i = 0; i < audit.count; i++, d++)
		if (d->verb == verb && !strcmp(d->text, text)) {
			d->count++;
			return;
		}
	if (audit.count == DENIALS_MAX || !(d->text = strdup(text)) ||
	    !(d->allow = strdup(allow))) {
		audit.others++;
		return;
	}
	d->verb = verb;
	d->rule = note.set ? note.rule : NULL;
	d->where = note.set ? note.where : NULL;
	d->count = 1;
	snprintf(d->who, sizeof(d->who), "%s", who);
	audit.count++;
}

void audit_call(const struct call *c, s64 ret)
{
	char raw[HOSTCALL_PATH_MAX], text[HOSTCALL_PATH_MAX], allow[HOSTCALL_PATH_MAX];
	char who[AUDIT_WHO];
	enum verb verb;
	size_t len;
	u32 pid;

	if (ret >= 0)
		return;
	if (note.set) {
		if (!note_text(raw, sizeof(raw)))
			return;
		len = allowable(raw, note.write);
		if (len == 0)
			return;
		if (learn_is_on()) {
			char wanted = raw[len];

			raw[len] = '\0';
			learn_used(raw, note.write);
			raw[len] = wanted;
		}
		verb = note.write ? VERB_WRITE : VERB_READ;
	} else if (!socket_text(c, ret, &verb, raw, sizeof(raw))) {
		return;
	} else {
		len = strlen(raw);
	}
	plain(raw, text, sizeof(text));
	raw[len] = '\0';
	plain(raw, allow, sizeof(allow));
	audit_who(c, who, &pid);
	pthread_mutex_lock(&audit.lock);
	write_json(c->nr, ret, verb, text, who, pid);
	count(verb, text, allow, who);
	pthread_mutex_unlock(&audit.lock);
}

void audit_look_up(const char *name, const char *who, u32 pid)
{
	char text[4 * (NET_NAME_MAX + 1) + 1];

	plain(name, text, sizeof(text));
	pthread_mutex_lock(&audit.lock);
	write_json(HC_sendmsg, -ENOENT, VERB_LOOK_UP, text, who, pid);
	count(VERB_LOOK_UP, text, text, who);
	pthread_mutex_unlock(&audit.lock);
}

/* The proxy has refused a target. It does not know which thread wanted to go there. */
static void proxy_refused(const char *target)
{
	char text[4 * (NET_NAME_MAX + 16)];

	plain(target, text, sizeof(text));
	write_json(HC_connect, -EACCES, VERB_CONNECT, text, "the proxy", 0);
	count(VERB_CONNECT, text, text, "the proxy");
}

/* Returns true if a rule of the user's, not a default, refused it. */
static bool is_wanted(const struct jail_policy *p, const struct denial *d)
{
	if (!d->rule || !d->where || !strcmp(d->rule, "read"))
		return false;
	for (u32 i = 0; i < p->own_paths; i++)
		if (!strcmp(p->paths.rule[i].path, d->where))
			return true;
	return false;
}

void audit_report(const struct jail_policy *p)
{
	u32 shown;
	u64 others;

	pthread_mutex_lock(&audit.lock);
	inside_each_refused(proxy_refused);
	pthread_mutex_unlock(&audit.lock);
	shown = MIN(audit.count, (u32)SHOWN_MAX);
	others = audit.others + audit.count - shown;
	if (p->quiet)
		return;
	for (u32 i = 0; i < shown; i++) {
		const struct denial *d = &audit.denial[i];
		char times[40] = "";

		if (d->count > 1)
			snprintf(times, sizeof(times), " (%lu times)", d->count);
		if (is_wanted(p, d))
			message("denied: %s %s%s by %s, as --%s=%s says", verbs[d->verb].name,
				d->text, times, d->who, d->rule, d->where);
		else
			message("denied: %s %s%s by %s; allow with %s%s", verbs[d->verb].name,
				d->text, times, d->who, verbs[d->verb].option, d->allow);
	}
	if (others > 0)
		message("denied: %lu more; --audit FILE writes all", others);
}
