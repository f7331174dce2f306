// SPDX-License-Identifier: MIT
/* See protocol.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "gdb/protocol.h"

#define ESCAPE	   '}'
#define ESCAPE_XOR 0x20

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* -- Reading packets --------------------------------------------------------------------------- */

static enum packet_event begin(struct packet_reader *r, u8 byte)
{
	switch (byte) {
	case '$':
		r->state = READ_DATA;
		r->len = r->sum = 0;
		r->too_long = false;
		return PACKET_NOTHING;
	case 3:
		return PACKET_INTERRUPT;
	case '-':
		return PACKET_RESEND;
	default:
		return PACKET_NOTHING; /* "+", or noise between packets */
	}
}

static enum packet_event end(struct packet_reader *r, int digit)
{
	r->state = READ_IDLE;
	if (digit < 0 || r->too_long || r->sum != (r->sum_wanted | (u8)digit))
		return PACKET_BROKEN;
	r->data[r->len] = '\0';
	return PACKET_READY;
}

enum packet_event packet_feed(struct packet_reader *r, u8 byte)
{
	int digit = hex_digit((char)byte);

	switch (r->state) {
	case READ_IDLE:
		return begin(r, byte);
	case READ_DATA:
		if (byte == '#') {
			r->state = READ_SUM_1;
			return PACKET_NOTHING;
		}
		if (byte == '$') /* a packet never has one: the last packet was cut off */
			return begin(r, byte);
		r->sum = (u8)(r->sum + byte);
		r->too_long |= r->len == PACKET_MAX;
		if (!r->too_long)
			r->data[r->len++] = (char)byte;
		return PACKET_NOTHING;
	case READ_SUM_1:
		r->state = READ_SUM_2;
		r->sum_wanted = (u8)(MAX(digit, 0) << 4);
		r->too_long |= digit < 0; /* broken as well */
		return PACKET_NOTHING;
	default:
		return end(r, digit);
	}
}

u32 packet_unescape(char *data, u32 len)
{
	u32 to = 0;

	for (u32 at = 0; at < len; at++) {
		if (data[at] == ESCAPE && at + 1 < len)
			data[to++] = (char)(data[++at] ^ ESCAPE_XOR);
		else
			data[to++] = data[at];
	}
	return to;
}

bool read_number(const char **p, u64 *value)
{
	u32 digits = 0;

	*value = 0;
	for (; hex_digit(**p) >= 0; ++*p) {
		if (++digits > 16)
			return false;
		*value = *value << 4 | (u64)hex_digit(**p);
	}
	return digits != 0;
}

bool read_hex(const char *text, u8 *to, u32 count)
{
	for (u32 i = 0; i < count; i++, text += 2) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0)
			return false;
		to[i] = (u8)(high << 4 | low);
	}
	return *text == '\0';
}

bool read_word(const char **p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*p, word, len) != 0)
		return false;
	*p += len;
	return true;
}

static bool read_id(const char **p, s32 *id)
{
	u64 value;

	if (read_word(p, "-1")) {
		*id = ID_ALL;
		return true;
	}
	if (!read_number(p, &value) || value > INT32_MAX)
		return false;
	*id = (s32)value;
	return true;
}

bool read_thread_id(const char **p, struct thread_id *id)
{
	id->pid = ID_ANY;
	if (!read_word(p, "p"))
		return read_id(p, &id->tid);
	id->tid = ID_ALL;
	if (!read_id(p, &id->pid))
		return false;
	return !read_word(p, ".") || read_id(p, &id->tid);
}

/* Reads ";KIND[VALUES][:ID]". Without an id the action is for every thread. */
static bool read_action(const char **p, struct action *a, struct thread_id *id)
{
	u64 signal = 0;

	*a = (struct action){0};
	*id = (struct thread_id){ID_ALL, ID_ALL};
	if (!read_word(p, ";"))
		return false;
	a->kind = **p;
	if (!a->kind || !strchr("csCSrt", a->kind))
		return false;
	++*p;
	if (a->kind == 'C' || a->kind == 'S') {
		if (!read_number(p, &signal) || signal > 255)
			return false;
		a->kind = a->kind == 'C' ? 'c' : 's';
		a->signal = (int)signal;
	} else if (a->kind == 'r') {
		if (!read_number(p, &a->from) || !read_word(p, ",") || !read_number(p, &a->to))
			return false;
	}
	return !read_word(p, ":") || read_thread_id(p, id);
}

bool vcont_is_valid(const char *actions)
{
	struct thread_id id;
	struct action a;

	do {
		if (!read_action(&actions, &a, &id))
			return false;
	} while (*actions);
	return true;
}

struct action vcont_action(const char *actions, s32 pid, s32 tid)
{
	struct thread_id id;
	struct action a;

	while (*actions && read_action(&actions, &a, &id))
		if (id_matches(&id, pid, tid))
			return a;
	return (struct action){0};
}

/* Copies the text up to the next ":" and moves *p behind that. */
static bool read_part(const char **p, char *to, size_t size)
{
	size_t len = strcspn(*p, ":");

	if ((*p)[len] != ':' || len >= size)
		return false;
	memcpy(to, *p, len);
	to[len] = '\0';
	*p += len + 1;
	return true;
}

bool read_xfer(const char *text, u32 size, struct xfer *x)
{
	const char *p = text;
	char direction[8];

	if (!read_word(&p, "qXfer:") || !read_part(&p, x->object, sizeof(x->object)) ||
	    !read_part(&p, direction, sizeof(direction)) ||
	    !read_part(&p, x->annex, sizeof(x->annex)) || !read_number(&p, &x->offset))
		return false;
	x->write = strcmp(direction, "write") == 0;
	if (!x->write)
		return strcmp(direction, "read") == 0 && read_word(&p, ",") &&
		       read_number(&p, &x->len) && !*p;
	if (!read_word(&p, ":"))
		return false;
	x->data = (u32)(p - text);
	x->len = size - x->data;
	return true;
}

bool read_point(const char *text, struct point *z)
{
	u64 type;

	if (!read_number(&text, &type) || type > 4 || !read_word(&text, ",") ||
	    !read_number(&text, &z->addr) || !read_word(&text, ",") ||
	    !read_number(&text, &z->kind))
		return false;
	z->type = (u32)type;
	return *text == '\0' || *text == ';';
}

bool read_range(const char *text, u64 *addr, u64 *len, const char **rest)
{
	if (!read_number(&text, addr) || !read_word(&text, ",") || !read_number(&text, len))
		return false;
	*rest = text + (*text == ':');
	return *text == ':' || *text == '\0';
}

/* -- Writing packets --------------------------------------------------------------------------- */

void reply_clear(struct reply *r)
{
	r->len = 0;
	r->full = false;
}

static void put(struct reply *r, char c)
{
	if (r->len < sizeof(r->data))
		r->data[r->len++] = c;
	else
		r->full = true;
}

void reply_text(struct reply *r, const char *text)
{
	for (; *text; text++)
		put(r, *text);
}

void reply_format(struct reply *r, const char *fmt, ...)
{
	size_t space = sizeof(r->data) - r->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(r->data + r->len, space, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= space)
		r->full = true;
	else
		r->len += (u32)n;
}

void reply_hex(struct reply *r, const void *data, u32 len)
{
	static const char digits[] = "0123456789abcdef";
	const u8 *bytes = data;

	for (u32 i = 0; i < len; i++) {
		put(r, digits[bytes[i] >> 4]);
		put(r, digits[bytes[i] & 15]);
	}
}

u32 reply_binary(struct reply *r, const void *data, u32 len)
{
	const char *bytes = data;
	u32 i;

	for (i = 0; i < len && r->len + 2 <= PACKET_MAX; i++) {
		char c = bytes[i];

		if (c == '$' || c == '#' || c == ESCAPE || c == '*') {
			put(r, ESCAPE);
			c ^= ESCAPE_XOR;
		}
		put(r, c);
	}
	return i;
}

void reply_page(struct reply *r, const struct xfer *x, const void *object, u64 size)
{
	u64 left = x->offset < size ? size - x->offset : 0;
	u32 begins = r->len, wanted = (u32)MIN(MIN(left, x->len), PACKET_MAX), done;

	put(r, 'l');
	done = left ? reply_binary(r, (const char *)object + x->offset, wanted) : 0;
	if (done < left && begins < r->len)
		r->data[begins] = 'm';
}

u32 reply_frame(const struct reply *r, char *to)
{
	static const char digits[] = "0123456789abcdef";
	u8 sum = 0;
	u32 n = 0;

	to[n++] = '$';
	for (u32 i = 0; i < r->len; i++) {
		sum = (u8)(sum + (u8)r->data[i]);
		to[n++] = r->data[i];
	}
	to[n++] = '#';
	to[n++] = digits[sum >> 4];
	to[n++] = digits[sum & 15];
	return n;
}
