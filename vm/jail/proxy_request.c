// SPDX-License-Identifier: MIT
/* See proxy_request.h. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "vm/jail/proxy_request.h"

/* A part of the request. */
struct text {
	const char *at;
	u32 len;
};

static bool is(struct text t, const char *word)
{
	return t.len == strlen(word) && !strncasecmp(t.at, word, t.len);
}

/* Returns true for a letter, a digit, or one of these. */
static bool is_plain(char c, const char *others)
{
	return c && (isalnum((unsigned char)c) || strchr(others, c));
}

/* Takes the text up to a character off *from, and the character. Returns false if there is none. */
static bool take_until(struct text *from, char end, struct text *to)
{
	const char *found = memchr(from->at, end, from->len);

	if (!found)
		return false;
	*to = (struct text){from->at, (u32)(found - from->at)};
	from->len -= to->len + 1;
	from->at = found + 1;
	return true;
}

/* Takes a host: a name or an address. */
static bool read_host(struct text host, struct proxy_target *to)
{
	struct net_prefix prefix = {0};

	to->host[0] = '\0';
	to->is_address = false;
	if (host.len > 0 && !memchr(host.at, '/', host.len) && !memchr(host.at, '\0', host.len) &&
	    net_read_prefix(host.at, host.len, &prefix)) {
		to->is_address = true;
		memcpy(to->addr, prefix.addr, sizeof(to->addr));
		return true;
	}
	if (host.len > 1 && host.at[host.len - 1] == '.')
		host.len--;
	if (host.len == 0 || host.len > NET_NAME_MAX)
		return false;
	for (u32 i = 0; i < host.len; i++)
		if (!is_plain(host.at[i], "-._"))
			return false;
	memcpy(to->host, host.at, host.len);
	to->host[host.len] = '\0';
	return true;
}

/* Reads HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. port: if there is none; 0: it is missing. */
static bool read_authority(struct text t, u16 port, struct proxy_target *to)
{
	struct text host;
	u32 number = 0;

	if (t.len > 0 && *t.at == '[') {
		t.at++;
		t.len--;
		if (!take_until(&t, ']', &host) || !memchr(host.at, ':', host.len))
			return false;
		if (t.len > 0 && *t.at != ':')
			return false;
		t.at += t.len > 0;
		t.len -= t.len > 0;
	} else if (!take_until(&t, ':', &host)) {
		host = t;
		t.len = 0;
	}
	for (u32 i = 0; i < t.len; i++) {
		if (!isdigit((unsigned char)t.at[i]) || number > UINT16_MAX)
			return false;
		number = number * 10 + (u32)(t.at[i] - '0');
	}
	if (t.len == 0)
		number = port;
	to->port = (u16)number;
	return number > 0 && number <= UINT16_MAX && read_host(host, to);
}

/* ---- HTTP ----------------------------------------------------------------------------------- */

/* Where the head is written as the server gets it. full: it did not fit. */
struct out {
	u8 *to;
	u32 len;
	bool full;
};

static void put(struct out *o, const char *text, u32 len)
{
	if (len > PROXY_OUT_MAX - o->len) {
		o->full = true;
		return;
	}
	memcpy(o->to + o->len, text, len);
	o->len += len;
}

static void put_text(struct out *o, const char *text)
{
	put(o, text, (u32)strlen(text));
}

static bool is_token(struct text t)
{
	for (u32 i = 0; i < t.len; i++)
		if (!is_plain(t.at[i], "!#$%&'*+-.^_`|~"))
			return false;
	return t.len > 0;
}

/* Takes a line that ends with CR LF, and has no other control characters than tabs. */
static bool take_line(struct text *from, struct text *to)
{
	if (!take_until(from, '\n', to) || to->len == 0 || to->at[to->len - 1] != '\r')
		return false;
	to->len--;
	for (u32 i = 0; i < to->len; i++)
		if (iscntrl((unsigned char)to->at[i]) && to->at[i] != '\t')
			return false;
	return true;
}

/*
 * Copies the header lines, but not those that are between client and proxy. Host becomes what the
 * target says, and the server is to close the connection: the next request of the same client may
 * be for another one.
 */
static bool copy_headers(struct text lines, struct text authority, struct out *o)
{
	static const char *const own[] = {"Host", "Connection", "Keep-Alive", "Proxy-Connection",
					  "Proxy-Authorization"};
	struct text line, name;

	while (lines.len > 0) {
		struct text rest;
		bool skip = false;

		if (!take_line(&lines, &line))
			return false;
		rest = line;
		if (line.len == 0)
			break;
		if (!take_until(&rest, ':', &name) || !is_token(name))
			return false;
		for (u32 i = 0; i < ARRAY_SIZE(own); i++)
			skip |= is(name, own[i]);
		if (skip)
			continue;
		put(o, line.at, line.len);
		put_text(o, "\r\n");
	}
	put_text(o, "Host: ");
	put(o, authority.at, authority.len);
	put_text(o, "\r\nConnection: close\r\n\r\n");
	return true;
}

/* Returns how many bytes a head has, with the empty line; 0: it is not complete. */
static u32 head_length(const u8 *data, u32 len)
{
	const u8 *end = memmem(data, len, "\r\n\r\n", 4);

	return end ? (u32)(end - data) + 4 : 0;
}

s32 proxy_read_http(const u8 *data, u32 len, struct proxy_target *to, u8 out[PROXY_OUT_MAX],
		    u32 *out_len)
{
	static const char scheme[] = "http://";
	struct out o = {.to = out};
	u32 head = head_length(data, MIN(len, (u32)PROXY_HEAD_MAX));
	struct text rest = {(const char *)data, head}, line, method, target, authority;
	const char *slash;

	*out_len = 0;
	if (!head)
		return len >= PROXY_HEAD_MAX ? PROXY_BAD : PROXY_MORE;
	if (!take_line(&rest, &line) || !take_until(&line, ' ', &method) || !is_token(method) ||
	    !take_until(&line, ' ', &target) || (!is(line, "HTTP/1.1") && !is(line, "HTTP/1.0")))
		return PROXY_BAD;
	if (is(method, "CONNECT"))
		return read_authority(target, 0, to) ? (s32)head : PROXY_BAD;
	if (target.len <= strlen(scheme) || strncasecmp(target.at, scheme, strlen(scheme)) != 0)
		return PROXY_BAD;
	target.at += strlen(scheme);
	target.len -= (u32)strlen(scheme);
	slash = memchr(target.at, '/', target.len);
	authority = (struct text){target.at, slash ? (u32)(slash - target.at) : target.len};
	if (!read_authority(authority, 80, to))
		return PROXY_BAD;
	put(&o, method.at, method.len);
	put_text(&o, slash ? " " : " /");
	put(&o, target.at + authority.len, target.len - authority.len);
	put_text(&o, " ");
	put(&o, line.at, line.len);
	put_text(&o, "\r\n");
	if (!copy_headers(rest, authority, &o) || o.full)
		return PROXY_BAD;
	*out_len = o.len;
	return (s32)head;
}

/* ---- SOCKS5 --------------------------------------------------------------------------------- */

enum { VERSION = 5, NO_METHOD = 0xff, CONNECT = 1, IPV4 = 1, NAME = 3, IPV6 = 4 };
enum { BAD_COMMAND = 7, BAD_ADDRESS = 8 };

s32 proxy_read_socks_offer(const u8 *data, u32 len, u8 *code)
{
	*code = NO_METHOD;
	if (len >= 1 && data[0] != VERSION)
		return PROXY_BAD;
	if (len < 2 || len < 2U + data[1])
		return PROXY_MORE;
	/* 0: no authentication. */
	if (memchr(data + 2, 0, data[1]))
		*code = 0;
	return 2 + data[1];
}

s32 proxy_read_socks(const u8 *data, u32 len, struct proxy_target *to, u8 *code)
{
	static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	u32 size, at = 4; /* of the address, and where it is */

	*code = 0;
	if (len >= 1 && data[0] != VERSION)
		return PROXY_BAD;
	if (len < 5)
		return PROXY_MORE;
	if (data[3] == NAME)
		at++;
	size = data[3] == IPV4 ? 4 : data[3] == IPV6 ? 16 : data[3] == NAME ? data[4] : 0;
	if (size == 0)
		return PROXY_BAD;
	if (len < at + size + 2)
		return PROXY_MORE;
	if (data[1] != CONNECT)
		*code = BAD_COMMAND;
	to->port = (u16)(data[at + size] << 8 | data[at + size + 1]);
	to->host[0] = '\0';
	to->is_address = data[3] != NAME;
	if (data[3] == IPV4) {
		memcpy(to->addr, mapped, sizeof(mapped));
		memcpy(to->addr + 12, data + at, size);
	} else if (data[3] == IPV6) {
		memcpy(to->addr, data + at, size);
	} else if (!read_host((struct text){(const char *)data + at, size}, to)) {
		*code = BAD_ADDRESS;
	}
	return (s32)(at + size + 2);
}
