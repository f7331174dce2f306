// SPDX-License-Identifier: MIT
/* Reads the rules of net.h. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vm/jail/net.h"

/* Reads a number up to max from *text, which it moves behind the digits. Returns false if none. */
static bool read_number(const char **text, u32 max, u32 *value)
{
	const char *at = *text;
	u32 n = 0;

	while (isdigit((unsigned char)*at) && n <= max)
		n = n * 10 + (u32)(*at++ - '0');
	if (at == *text || n > max)
		return false;
	*text = at;
	*value = n;
	return true;
}

/* Reads PORT or LOW-HIGH. Returns false if there is neither. */
static bool read_range(const char **text, struct net_ports *range)
{
	u32 first, last;

	if (!read_number(text, UINT16_MAX, &first) || first == 0)
		return false;
	last = first;
	if (**text == '-') {
		++*text;
		if (!read_number(text, UINT16_MAX, &last) || last < first)
			return false;
	}
	*range = (struct net_ports){(u16)first, (u16)last};
	return true;
}

/* Adds one element of this size to an array. Returns the element, zeroed, or NULL. */
static void *grow(void *array, u32 *count, size_t size)
{
	u8 **to = array;
	u8 *more = realloc(*to, (*count + 1UL) * size);

	if (!more)
		return NULL;
	*to = more;
	return memset(more + (*count)++ * size, 0, size);
}

/* Reads ports up to the end of the text. */
static const char *read_ports(struct net_rule *rule, const char *text)
{
	struct net_ports range, *to;

	for (;; text++) {
		if (!read_range(&text, &range))
			return "a port is a number from 1 to 65535, or LOW-HIGH";
		if (*text && *text != ',')
			return "after a port there may be a comma and a further port";
		to = grow(&rule->ports, &rule->port_count, sizeof(*to));
		if (!to)
			return "out of memory";
		*to = range;
		if (!*text)
			return NULL;
	}
}

/* Reads an address, with a length of its network if there is one. Returns false if it is none. */
bool net_read_prefix(const char *text, size_t len, struct net_prefix *prefix)
{
	char copy[INET6_ADDRSTRLEN + 8], *slash;
	const char *digits;
	u32 bits = 0, most;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET, copy, prefix->addr + 12) == 1) {
		memset(prefix->addr, 0, 10);
		prefix->addr[10] = prefix->addr[11] = 0xff;
		most = 32;
	} else if (inet_pton(AF_INET6, copy, prefix->addr) == 1) {
		most = 128;
	} else {
		return false;
	}
	prefix->bits = 128;
	if (!slash)
		return true;
	digits = slash + 1;
	if (!read_number(&digits, most, &bits) || *digits)
		return false;
	prefix->bits = (u8)(128 - most + bits);
	return true;
}

static bool is_name(const char *text, size_t len)
{
	if (len == 0 || len > NET_NAME_MAX || text[0] == '-' || text[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '.' &&
		    text[i] != '_')
			return false;
	/* A name of digits and dots is an address with an error. */
	return strspn(text, "0123456789.") < len;
}

bool net_add_prefix(struct net_rule *rule, const struct net_prefix *prefix)
{
	struct net_prefix *to = grow(&rule->prefix, &rule->prefixes, sizeof(*to));

	if (to)
		*to = *prefix;
	return to != NULL;
}

/* Reads the part of a rule before the ports. */
static const char *read_host(struct net_rule *rule, const char *text, size_t len)
{
	static const struct net_prefix everything = {.literal = true};
	struct net_prefix prefix = {.literal = true};

	if (len == 0 || (len == 1 && *text == '*'))
		return net_add_prefix(rule, &everything) ? NULL : "out of memory";
	if (net_read_prefix(text, len, &prefix))
		return net_add_prefix(rule, &prefix) ? NULL : "out of memory";
	if (!is_name(text, len))
		return "this is neither a name nor an address nor a network";
	rule->host = strndup(text, len);
	if (!rule->deny)
		rule->names = calloc(1, sizeof(*rule->names));
	return rule->host && (rule->deny || rule->names) ? NULL : "out of memory";
}

/*
 * Splits [ADDRESS], [ADDRESS]/BITS, [ADDRESS/BITS] or a text without brackets from the ports. An
 * IPv6 address without brackets has no ports behind it. Copies the host part to host, without the
 * brackets. Returns the ports' text, NULL if there are none; *error is set if the text is wrong.
 */
static const char *split(const char *text, char host[NET_NAME_MAX + 1], const char **error)
{
	const char *close = text[0] == '[' ? strchr(text, ']') : NULL, *end;
	int len;

	*error = NULL;
	if (text[0] == '[' && !close) {
		*error = "the bracket is not closed";
		return NULL;
	}
	if (close) {
		end = close + 1 + strcspn(close + 1, ":");
		len = snprintf(host, NET_NAME_MAX + 1, "%.*s%.*s", (int)(close - text - 1),
			       text + 1, (int)(end - close - 1), close + 1);
	} else {
		end = strchr(text, ':');
		if (!end || strchr(end + 1, ':'))
			end = text + strlen(text);
		len = snprintf(host, NET_NAME_MAX + 1, "%.*s", (int)(end - text), text);
	}
	if (len > NET_NAME_MAX) {
		*error = "the name is too long";
		return NULL;
	}
	return *end ? end + 1 : NULL;
}

const char *net_add_rule(struct net_rules *rules, bool deny, const char *text)
{
	char host[NET_NAME_MAX + 1];
	const char *error, *ports = split(text, host, &error);
	struct net_rule *rule;

	if (error)
		return error;
	if (!*text)
		return "a host, a network or a port is missing";
	rule = grow(&rules->rule, &rules->count, sizeof(*rule));
	if (!rule)
		return "out of memory";
	rule->deny = deny;
	rule->text = text;
	error = read_host(rule, host, strlen(host));
	return error || !ports ? error : read_ports(rule, ports);
}

const char *net_add_listen(struct net_rules *rules, const char *text)
{
	struct net_rule parsed = {0};
	const char *error = read_ports(&parsed, text);
	struct net_ports *to;

	for (u32 i = 0; !error && i < parsed.port_count; i++) {
		to = grow(&rules->listen, &rules->listen_count, sizeof(*to));
		if (to)
			*to = parsed.ports[i];
		else
			error = "out of memory";
	}
	free(parsed.ports);
	return error;
}
