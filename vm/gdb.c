// SPDX-License-Identifier: MIT
/* See gdb.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "vm/embedded.h"
#include "vm/gdb.h"
#include "vm/handle.h"
#include "vm/hostcall.h"

extern const u8 gdb_stub_start[], gdb_stub_end[];

static struct {
	int fd;	 /* the socket until it is a handle */
	int dir; /* of the path, or -1 */
	char name[NAME_MAX + 1];
} made = {-1, -1, ""};

int gdb_option(struct options *o, const char *value)
{
	bool is_port = *value && value[strspn(value, "0123456789")] == '\0';
	unsigned long port = is_port ? strtoul(value, NULL, 10) : 0;

	if (!*value || (is_port && (port == 0 || port > UINT16_MAX))) {
		message("--gdb=%s: a port from 1 to 65535, or the path of a socket", value);
		return EXIT_USAGE;
	}
	o->gdb = value;
	o->gdb_port = (u16)port;
	return 0;
}

int gdb_options_done(const struct options *o)
{
	if (!o->gdb_at_bug)
		return 0;
	if (!o->gdb) {
		message("--gdb-at-bug: --gdb=PORT or --gdb=PATH says where gdb connects");
		return EXIT_USAGE;
	}
	if (!(o->check.flags & CHECK_ON)) {
		message("--gdb-at-bug: only check finds bugs");
		return EXIT_USAGE;
	}
	return 0;
}

static int bind_port(int fd, u16 port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons(port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(fd, (struct sockaddr *)&addr, sizeof(addr));
}

/* Also opens the path's directory, from where gdb_close removes the name. */
static int bind_path(int fd, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char copy[sizeof(addr.sun_path)], dir[sizeof(addr.sun_path)];
	mode_t mask;
	int ret;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(addr.sun_path, path);
	strcpy(copy, path);
	strcpy(dir, path);
	snprintf(made.name, sizeof(made.name), "%s", basename(copy));
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (ret == 0)
		made.dir = open(dirname(dir), O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret;
}

int gdb_open(struct sandbox *s)
{
	const struct options *o = &s->opt;
	int fd;

	if (!o->gdb)
		return 0;
	fd = socket(o->gdb_port ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || (o->gdb_port ? bind_port(fd, o->gdb_port) : bind_path(fd, o->gdb)) != 0 ||
	    listen(fd, 1) != 0) {
		message("--gdb=%s: %s", o->gdb, host_error(errno));
		return EXIT_HOST;
	}
	made.fd = fd;
	if (!o->gdb_at_bug)
		message("gdb is waited for: target remote %s%s", o->gdb_port ? "localhost:" : "",
			o->gdb);
	return 0;
}

s32 gdb_handle(struct sandbox *s)
{
	(void)s;
	return made.fd < 0 ? -1 : (s32)handle_add(made.fd);
}

void gdb_close(struct sandbox *s)
{
	(void)s;
	if (made.dir >= 0)
		unlinkat(made.dir, made.name, 0);
}

s64 hc_do_gdb_stub(struct call *c, u64 none_)
{
	(void)none_;
	if (!c->s->opt.gdb)
		return -ENOENT;
	return embedded_file("gdb-stub", gdb_stub_start, gdb_stub_end);
}
