// SPDX-License-Identifier: MIT
/* See objects.h; gdb's manual, "General Query Packets", has each object. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>
#include "gdb/objects.h"

#define LIBRARIES_MAX 4096 /* a damaged list may have no end */
#define AUXV_MAX      4096
#define HEADERS_MAX   64
#define DYNAMIC_MAX   512

/* A text that grows. What memory is short for is left out. */
struct text {
	char *data;
	size_t len, size;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *fmt, ...)
{
	va_list args;
	char *more;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->data + t->len, t->size - t->len, fmt, args);
	va_end(args);
	if (n >= 0 && t->len + (size_t)n >= t->size) {
		size_t size = 2 * (t->len + (size_t)n) + 256;

		more = realloc(t->data, size);
		if (!more)
			return;
		t->data = more;
		t->size = size;
		va_start(args, fmt);
		n = vsnprintf(t->data + t->len, t->size - t->len, fmt, args);
		va_end(args);
	}
	t->len += n > 0 ? (size_t)n : 0;
}

static void add_escaped(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (strchr("<>&\"'", *s) || (u8)*s < ' ')
			add(t, "&#%u;", (u8)*s);
		else
			add(t, "%c", *s);
	}
}

static ssize_t read_proc(s32 pid, const char *name, void *to, size_t size)
{
	char path[64];
	size_t done = 0;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (done < size && (n = read(fd, (char *)to + done, size - done)) > 0)
		done += (size_t)n;
	close(fd);
	return n < 0 ? -1 : (ssize_t)done;
}

void thread_name(const struct thread *t, char *name, size_t size)
{
	char file[32];
	ssize_t n;

	snprintf(file, sizeof(file), "task/%d/comm", t->tid);
	n = read_proc(t->proc->pid, file, name, size - 1);
	name[MAX(n, 0)] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

/* Puts the path of a process's program into a buffer; "" if it cannot be read. */
static void read_program_path(s32 pid, char *path, size_t size)
{
	char name[40];
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/exe", pid);
	n = readlink(name, path, size - 1);
	path[MAX(n, 0)] = '\0';
}

void program_path(struct reply *r, const struct process *p)
{
	char path[PATH_MAX];

	read_program_path(p->pid, path, sizeof(path));
	reply_hex(r, path, (u32)strlen(path));
}

/* -- The objects ------------------------------------------------------------------------------- */

/* Each fills a text. Returns false if there is nothing to tell. */

static bool make_features(struct text *to, struct thread *t, const char *annex)
{
	(void)t;
	if (strcmp(annex, "target.xml") != 0)
		return false;
	add(to, "%s", registers_description());
	return true;
}

static bool make_auxv(struct text *to, struct thread *t, const char *annex)
{
	ssize_t n;

	(void)annex;
	to->data = malloc(AUXV_MAX);
	n = to->data ? read_proc(t->proc->pid, "auxv", to->data, AUXV_MAX) : -1;
	to->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static bool make_exec_file(struct text *to, struct thread *t, const char *annex)
{
	struct process *p = t ? t->proc : NULL;
	char path[PATH_MAX];
	u64 pid;

	if (*annex && read_number(&annex, &pid) && pid <= INT32_MAX)
		p = process_of((s32)pid);
	if (!p)
		return false;
	read_program_path(p->pid, path, sizeof(path));
	add(to, "%s", path);
	return *path;
}

static bool make_threads(struct text *to, struct thread *t, const char *annex)
{
	const struct process *p;
	char name[64];

	(void)annex;
	add(to, "<threads>\n");
	TAILQ_FOREACH (p, &processes, link)
		TAILQ_FOREACH (t, &p->threads, link) {
			if (t->ending || p->ended)
				continue;
			thread_name(t, name, sizeof(name));
			add(to, "<thread id=\"p%x.%x\" name=\"", p->pid, t->tid);
			add_escaped(to, name);
			add(to, "\"/>\n");
		}
	add(to, "</threads>\n");
	return true;
}

static bool make_siginfo(struct text *to, struct thread *t, const char *annex)
{
	(void)annex;
	to->len = sizeof(siginfo_t);
	to->data = malloc(to->len);
	return to->data && ptrace(PTRACE_GETSIGINFO, t->tid, 0, to->data) == 0;
}

/* -- Shared libraries: the list that ld.so keeps for debuggers (link.h, struct r_debug) ----------
 */

static bool get(struct process *p, u64 addr, void *to, u64 len)
{
	return addr && tracee_read(p, addr, to, len) == len;
}

/* Finds DT_DEBUG's value through the program headers. Returns 0 if there is none yet. */
static u64 find_debug(struct process *p)
{
	u64 auxv[AUXV_MAX / 8], phdr = 0, count = 0, bias = 0, dynamic = 0;
	ssize_t n = read_proc(p->pid, "auxv", auxv, sizeof(auxv));
	static Elf64_Phdr headers[HEADERS_MAX];
	Elf64_Dyn d;

	for (ssize_t i = 0; i + 16 <= n; i += 16) {
		phdr = auxv[i / 8] == AT_PHDR ? auxv[i / 8 + 1] : phdr;
		count = auxv[i / 8] == AT_PHNUM ? auxv[i / 8 + 1] : count;
	}
	count = MIN(count, HEADERS_MAX);
	if (!count || !get(p, phdr, headers, count * sizeof(headers[0])))
		return 0;
	for (u64 i = 0; i < count; i++) {
		if (headers[i].p_type == PT_PHDR)
			bias = phdr - headers[i].p_vaddr;
		if (headers[i].p_type == PT_DYNAMIC)
			dynamic = headers[i].p_vaddr;
	}
	for (u64 i = 0; dynamic && i < DYNAMIC_MAX; i++) {
		if (!get(p, bias + dynamic + i * sizeof(d), &d, sizeof(d)) || d.d_tag == DT_NULL)
			return 0;
		if (d.d_tag == DT_DEBUG)
			return d.d_un.d_ptr;
	}
	return 0;
}

static void read_string(struct process *p, u64 addr, char *to, size_t size)
{
	size_t n = (size_t)tracee_read(p, addr, to, size - 1);

	to[n] = '\0';
}

static bool make_libraries(struct text *to, struct thread *t, const char *annex)
{
	struct process *p = t->proc;
	char name[PATH_MAX];
	struct r_debug debug;
	struct link_map map;
	u64 at, first, list = find_debug(p);

	(void)annex;
	add(to, "<library-list-svr4 version=\"1.0\"");
	if (!get(p, list, &debug, sizeof(debug)) || !debug.r_map) {
		add(to, "/>");
		return true;
	}
	first = (u64)debug.r_map;
	/* The first is the program itself. */
	add(to, " main-lm=\"0x%lx\">", (unsigned long)first);
	at = first;
	for (u32 i = 0; at && i < LIBRARIES_MAX && get(p, at, &map, sizeof(map)); i++) {
		read_string(p, (u64)map.l_name, name, sizeof(name));
		if (at != first && *name) {
			add(to, "<library name=\"");
			add_escaped(to, name);
			add(to,
			    "\" lm=\"0x%lx\" l_addr=\"0x%lx\" l_ld=\"0x%lx\" "
			    "lmid=\"0x%lx\"/>",
			    (unsigned long)at, (unsigned long)map.l_addr, (unsigned long)map.l_ld,
			    (unsigned long)list);
		}
		at = (u64)map.l_next;
	}
	add(to, "</library-list-svr4>");
	return true;
}

/* -- Packets ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	bool (*make)(struct text *to, struct thread *t, const char *annex);
	bool needs_thread;
} table[] = {
	{"features", make_features, false},   {"auxv", make_auxv, true},
	{"exec-file", make_exec_file, false}, {"threads", make_threads, false},
	{"siginfo", make_siginfo, true},      {"libraries-svr4", make_libraries, true},
};

void objects_supported(struct reply *r)
{
	for (u32 i = 0; i < ARRAY_SIZE(table); i++)
		reply_format(r, ";qXfer:%s:read+", table[i].name);
	reply_text(r, ";qXfer:siginfo:write+");
}

static void write_siginfo(struct reply *r, const struct thread *t, const struct xfer *x,
			  const char *packet)
{
	siginfo_t info;

	if (!t || ptrace(PTRACE_GETSIGINFO, t->tid, 0, &info) != 0 || x->offset > sizeof(info) ||
	    x->len > sizeof(info) - x->offset) {
		reply_text(r, "E01");
		return;
	}
	memcpy((char *)&info + x->offset, packet + x->data, x->len);
	if (ptrace(PTRACE_SETSIGINFO, t->tid, 0, &info) != 0)
		reply_text(r, "E01");
	else
		reply_format(r, "%lx", (unsigned long)x->len);
}

void objects_packet(struct reply *r, struct thread *t, const char *packet, u32 size)
{
	/* The pages of one object are asked for one after another: it is made at the first. */
	static struct text kept;
	static char kept_object[32], kept_annex[64];
	struct xfer x;
	u32 i;

	if (!read_xfer(packet, size, &x)) {
		reply_text(r, "E00");
		return;
	}
	if (x.write) {
		if (strcmp(x.object, "siginfo") == 0)
			write_siginfo(r, t, &x, packet);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, x.object) == 0)
			break;
	if (i == ARRAY_SIZE(table))
		return;
	if (x.offset == 0 || strcmp(kept_object, x.object) != 0 ||
	    strcmp(kept_annex, x.annex) != 0) {
		free(kept.data);
		kept = (struct text){0};
		*kept_object = '\0';
		if ((table[i].needs_thread && !t) || !table[i].make(&kept, t, x.annex)) {
			reply_text(r, "E01");
			return;
		}
		memcpy(kept_object, x.object, sizeof(kept_object));
		memcpy(kept_annex, x.annex, sizeof(kept_annex));
	}
	reply_page(r, &x, kept.data, kept.len);
}
