// SPDX-License-Identifier: MIT
/*
 * Which files and addresses a run used (--files). Every access to a file of the host is a hostcall,
 * so they are noted where hostcalls are made (vm/hostcall.c): an opened file by the path that the
 * host has for the descriptor, other calls by directory and name. Only what succeeded is noted;
 * lookups are not, because the kernel makes some ahead.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "vm/hostcall.h"
#include "vm/observe/files.h"
#include "vm/observe/observe.h"

#define FILES_MAX 100000 /* names that are kept; the others are counted */

struct used_files used_files = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct used *)a)->name, ((const struct used *)b)->name);
}

static void note(const char *name, u32 use)
{
	size_t len = strlen(name);
	struct used *u = malloc(sizeof(*u) + len + 1), **found;

	if (!u)
		return;
	u->use = 0;
	memcpy(u->name, name, len + 1);
	pthread_mutex_lock(&used_files.lock);
	if (used_files.count >= FILES_MAX) {
		found = tfind(u, &used_files.tree, by_name);
		used_files.left_out += !found;
	} else {
		found = (struct used **)tsearch(u, &used_files.tree, by_name);
	}
	if (found) {
		(*found)->use |= use;
		if (*found == u) {
			used_files.count++;
			u = NULL;
		}
	}
	pthread_mutex_unlock(&used_files.lock);
	free(u);
}

/* Writes the host's name of a descriptor to path[PATH_MAX]. Returns false if it has none. */
static bool name_of(int fd, char *path)
{
	static const char gone[] = " (deleted)";
	char link[40];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, PATH_MAX - 1);
	if (len <= 0 || path[0] != '/')
		return false;
	path[len] = '\0';
	if (len > (ssize_t)sizeof(gone) && !strcmp(path + len - (sizeof(gone) - 1), gone))
		path[len - (ssize_t)(sizeof(gone) - 1)] = '\0';
	return strncmp(path, "/memfd:", 7) != 0;
}

static void note_at(int dir, const char *path, u32 use)
{
	char name[2 * PATH_MAX] = "";

	if (path[0] != '/') {
		if (!name_of(dir, name))
			return;
		while (!strncmp(path, "./", 2))
			path += 2;
		if (strcmp(name, "/") && *path)
			strcat(name, "/");
	}
	strncat(name, path, PATH_MAX - 1);
	note(name, use);
}

static void note_address(const void *addr, u32 len)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} a = {0};
	char ip[INET6_ADDRSTRLEN], text[sizeof(a.un.sun_path) + 32];

	memcpy(&a, addr, MIN((size_t)len, sizeof(a)));
	switch (a.sa.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &a.in.sin_addr, ip, sizeof(ip));
		snprintf(text, sizeof(text), "%s:%u", ip, ntohs(a.in.sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a.in6.sin6_addr, ip, sizeof(ip));
		snprintf(text, sizeof(text), "[%s]:%u", ip, ntohs(a.in6.sin6_port));
		break;
	case AF_UNIX:
		snprintf(text, sizeof(text), "unix:%s%.*s", a.un.sun_path[0] ? "" : "@",
			 (int)sizeof(a.un.sun_path) - 1, a.un.sun_path + !a.un.sun_path[0]);
		break;
	default:
		return;
	}
	note(text, CONNECTED);
}

/* What an open file is used for, by its flags. 0: nothing, it only names the file (O_PATH). */
static u32 use_of(u64 flags)
{
	if (flags & O_PATH)
		return 0;
	switch (flags & O_ACCMODE) {
	case O_WRONLY:
		return WRITTEN;
	case O_RDWR:
		return READ | WRITTEN;
	}
	return READ | (flags & O_TRUNC ? WRITTEN : 0);
}

/* The flags of an open; false: the hostcall opens nothing. */
static bool open_flags(const struct call *c, u64 *flags)
{
	switch (c->nr) {
	case HC_openat:
	case HC_open_stat:
		*flags = c->arg[2].value;
		return true;
	case HC_openat2:
		if (c->arg[2].len < sizeof(*flags))
			return false;
		memcpy(flags, c->arg[2].buf, sizeof(*flags)); /* first of struct open_how */
		return true;
	case HC_reopen:
		*flags = c->arg[1].value;
		return true;
	}
	return false;
}

void files_before(const struct call *c, struct files_note *n)
{
	u64 flags;

	n->existed = true;
	if (c->nr != HC_reopen && open_flags(c, &flags) && flags & O_CREAT)
		n->existed = !faccessat(c->arg[0].fd, c->arg[1].path, F_OK, 0);
}

void files_after(const struct call *c, const struct files_note *n, s64 result)
{
	const struct hc_arg *a = c->arg;
	char path[PATH_MAX];
	u64 flags;
	u32 use;

	if (c->nr == HC_connect && (result >= 0 || result == -EINPROGRESS)) {
		note_address(a[2].buf, a[2].len);
		return;
	}
	if (result < 0)
		return;
	if (open_flags(c, &flags)) {
		use = use_of(flags) | (n->existed ? 0 : CREATED);
		if (use && name_of((int)result, path))
			note(path, use);
		return;
	}
	switch (c->nr) {
	case HC_sendmsg:
		if (a[2].len)
			note_address(a[2].buf, a[2].len);
		break;
	case HC_executed:
		if (name_of(a[0].fd, path))
			note(path, EXECUTED);
		break;
	case HC_mkdirat:
	case HC_mknodat:
		note_at(a[0].fd, a[1].path, CREATED);
		break;
	case HC_symlinkat:
		note_at(a[1].fd, a[2].path, CREATED);
		break;
	case HC_linkat:
		note_at(a[2].fd, a[3].path, CREATED);
		break;
	case HC_truncate:
		note_at(a[0].fd, a[1].path, WRITTEN);
		break;
	case HC_unlinkat:
		note_at(a[0].fd, a[1].path, REMOVED);
		break;
	case HC_renameat2:
		note_at(a[0].fd, a[1].path, REMOVED);
		note_at(a[2].fd, a[3].path, CREATED);
		break;
	}
}

s64 hc_do_executed(struct call *c, int file)
{
	(void)c;
	return file < 0 ? -EBADF : 0;
}
