// SPDX-License-Identifier: MIT
/*
 * The parts of which lines of the trace are made: numbers, names, quoted bytes. Memory of the
 * program is checked before it is shown; where it cannot be read, its address is shown.
 */
#include "common/boot_info.h"
#include "kernel/fs/file.h"
#include "kernel/fs/file_ops.h"
#include "kernel/fs/fs.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/syscall/trace_line.h"
#include "kernel/task/sigset.h"

#include <linux/fcntl.h>
#include <linux/limits.h>

#define CHUNK 64 /* bytes of the program that are copied at a time */

void emit_char(struct line *l, char ch)
{
	if (l->len + 1 < l->max)
		l->text[l->len++] = ch;
}

static void emit_text(struct line *l, const char *text)
{
	while (*text)
		emit_char(l, *text++);
}

void emit(struct line *l, const char *fmt, ...)
{
	u32 space = l->max - l->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, space, fmt, ap);
	va_end(ap);
	l->len += MIN((u32)n, space - 1);
}

void emit_octal(struct line *l, u32 mode)
{
	emit(l, "%#03o", mode);
}

void emit_ptr(struct line *l, u64 p)
{
	if (p)
		emit(l, "%#lx", p);
	else
		emit_text(l, "NULL");
}

void emit_signal(struct line *l, u64 sig)
{
	const char *name = trace_signal_name(sig);

	if (name)
		emit_text(l, name);
	else if (sig == SIGRTMIN)
		emit_text(l, "SIGRTMIN");
	else if (sig > SIGRTMIN && sig <= NSIG)
		emit(l, "SIGRT_%lu", sig - SIGRTMIN);
	else
		emit(l, "%d", (s32)sig);
}

void emit_sigset(struct line *l, u64 set)
{
	const char *between = "";
	unsigned count = 0;
	bool most;

	for (u64 rest = set; rest; rest &= rest - 1)
		count++;
	most = count > NSIG / 2;

	emit_text(l, most ? "~[" : "[");
	for (int sig = 1; sig <= NSIG; sig++) {
		const char *name = trace_signal_name((u64)sig);

		if (!!(set & SIGBIT(sig)) == most)
			continue;
		if (name)
			emit(l, "%s%s", between, name + strlen("SIG"));
		else if (sig == SIGRTMIN)
			emit(l, "%sRTMIN", between);
		else
			emit(l, "%sRT_%d", between, sig - SIGRTMIN);
		between = " ";
	}
	emit_char(l, ']');
}

static const char *separator(u32 start, const struct line *l)
{
	return l->len > start ? "|" : "";
}

void emit_names(struct line *l, u64 value, const struct trace_names *names)
{
	u64 flags = value & ~names->value_mask;
	u64 number = value & names->value_mask;
	u32 start = l->len;
	bool named = names->value_mask == 0;

	if (value == 0 && names->zero) {
		emit_text(l, names->zero);
		return;
	}
	for (const struct trace_name *n = names->list; n->text; n++) {
		if ((n->value & ~names->value_mask) == 0) {
			if (named || n->value != number)
				continue;
			named = true;
		} else {
			if ((flags & n->value) != n->value)
				continue;
			flags &= ~n->value;
		}
		emit_text(l, separator(start, l));
		emit_text(l, n->text);
	}
	if (!named && number)
		emit(l, "%s%#lx", separator(start, l), number);
	if (flags)
		emit(l, "%s%#lx", separator(start, l), flags);
	if (l->len == start)
		emit_char(l, '0');
}

static void emit_byte(struct line *l, u8 byte, u8 next)
{
	static const char plain[][3] = {
		['\t'] = "\\t", ['\n'] = "\\n", ['\v'] = "\\v",	 ['\f'] = "\\f",
		['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
	};

	if (byte < ARRAY_SIZE(plain) && plain[byte][0])
		emit_text(l, plain[byte]);
	else if (byte >= ' ' && byte < 0x7f)
		emit_char(l, (char)byte);
	else if (next >= '0' && next <= '9')
		emit(l, "\\%03o", byte); /* the next digit would be read as part of it */
	else
		emit(l, "\\%o", byte);
}

void emit_bytes(struct line *l, const u8 *bytes, u64 len, bool cut)
{
	emit_char(l, '"');
	for (u64 i = 0; i < len; i++)
		emit_byte(l, bytes[i], i + 1 < len ? bytes[i + 1] : 0);
	emit_text(l, cut ? "\"..." : "\"");
}

u64 trace_shown(void)
{
	return boot->trace.length;
}

void emit_user_bytes(struct line *l, u64 addr, u64 len)
{
	u8 bytes[CHUNK + 1];
	u64 shown = MIN(len, trace_shown());

	if (addr == 0 || copy_from_user(bytes, addr, MIN(shown, (u64)CHUNK))) {
		emit_ptr(l, addr);
		return;
	}
	emit_char(l, '"');
	for (u64 at = 0; at < shown; at += CHUNK) {
		u64 n = MIN(shown - at, (u64)CHUNK);
		bool more = at + n < shown;

		/* One byte more than is shown now, because it decides how the last one is written.
		 */
		if (copy_from_user(bytes, addr + at, n + more))
			break;
		for (u64 i = 0; i < n; i++)
			emit_byte(l, bytes[i], i + 1 < n + more ? bytes[i + 1] : 0);
	}
	emit_text(l, len > shown ? "\"..." : "\"");
}

void emit_user_string(struct line *l, u64 addr)
{
	u64 max = trace_shown();
	char *text = addr ? kmalloc(max + 2) : NULL;
	s64 len = text ? strncpy_from_user(text, addr, max + 2) : -EFAULT;

	if (len < 0 && len != -ENAMETOOLONG)
		emit_ptr(l, addr);
	else
		emit_bytes(l, (const u8 *)text, len < 0 ? max : MIN((u64)len, max),
			   len < 0 || (u64)len > max);
	kfree(text);
}

void emit_fd(struct line *l, s32 fd)
{
	struct ofile *f;
	char *path;
	s64 len;

	emit(l, "%d", fd);
	if (!(boot->trace.flags & BOOT_TRACE_PATHS) || fd < 0)
		return;
	f = fd_get(fd);
	if (!f)
		return;
	path = kmalloc(PATH_MAX);
	len = path ? ofile_name(f, path, PATH_MAX) : -ENOMEM;
	if (len > 0) {
		emit_char(l, '<');
		for (s64 i = 0; i < MIN(len, (s64)PATH_MAX); i++)
			emit_byte(l, (u8)path[i], 0);
		emit_char(l, '>');
	}
	kfree(path);
	ofile_put(f);
}
