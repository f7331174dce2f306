// SPDX-License-Identifier: MIT
/*
 * Reads the rules of net.h and looks their names up. The C library of a static program cannot look
 * names up by all means that a host may use (nsswitch.conf(5)), so getent(1) does it. It runs
 * before the walls are raised, with nothing of the sandbox.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/exit_status.h"
#include "vm/jail/net.h"
#include "vm/vm.h"

#define NAME_MAX_LEN 253 /* RFC 1035 */
#define ADDRESSES    64	 /* most that are taken of one name */

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
static bool read_prefix(const char *text, size_t len, struct net_prefix *prefix)
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
	if (len == 0 || len > NAME_MAX_LEN || text[0] == '-' || text[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '.' &&
		    text[i] != '_')
			return false;
	/* A name of digits and dots is an address with an error. */
	return strspn(text, "0123456789.") < len;
}

static bool add_prefix(struct net_rule *rule, const struct net_prefix *prefix)
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
		return add_prefix(rule, &everything) ? NULL : "out of memory";
	if (read_prefix(text, len, &prefix))
		return add_prefix(rule, &prefix) ? NULL : "out of memory";
	if (!is_name(text, len))
		return "this is neither a name nor an address nor a network";
	rule->host = strndup(text, len);
	return rule->host ? NULL : "out of memory";
}

/*
 * Splits [ADDRESS], [ADDRESS]/BITS, [ADDRESS/BITS] or a text without brackets from the ports. An
 * IPv6 address without brackets has no ports behind it. Copies the host part to host, without the
 * brackets. Returns the ports' text, NULL if there are none; *error is set if the text is wrong.
 */
static const char *split(const char *text, char host[NAME_MAX_LEN + 1], const char **error)
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
		len = snprintf(host, NAME_MAX_LEN + 1, "%.*s%.*s", (int)(close - text - 1),
			       text + 1, (int)(end - close - 1), close + 1);
	} else {
		end = strchr(text, ':');
		if (!end || strchr(end + 1, ':'))
			end = text + strlen(text);
		len = snprintf(host, NAME_MAX_LEN + 1, "%.*s", (int)(end - text), text);
	}
	if (len > NAME_MAX_LEN) {
		*error = "the name is too long";
		return NULL;
	}
	return *end ? end + 1 : NULL;
}

const char *net_add_rule(struct net_rules *rules, bool deny, const char *text)
{
	char host[NAME_MAX_LEN + 1];
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

/* ---- names ---------------------------------------------------------------------------------- */

/* Returns true for addresses that mean another host to each host that uses them. */
static bool is_of_this_host(const u8 addr[16])
{
	static const u8 zero[15];
	bool ipv4 = memcmp(addr, zero, 10) == 0 && addr[10] == 0xff && addr[11] == 0xff;

	if (ipv4)
		return addr[12] == 127 || addr[12] == 0 || (addr[12] == 169 && addr[13] == 254);
	return (memcmp(addr, zero, 15) == 0 && addr[15] <= 1) ||
	       (addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80);
}

static bool has_address(const struct net_rule *rule, const u8 addr[16])
{
	for (u32 i = 0; i < rule->prefixes; i++)
		if (!memcmp(rule->prefix[i].addr, addr, sizeof(rule->prefix[i].addr)))
			return true;
	return false;
}

/* Adds the addresses that getent(1) prints, one at the start of each line, some several times. */
static bool add_answers(struct net_rule *rule, FILE *answers)
{
	bool local = !strcmp(rule->host, "localhost"), done = true;
	char line[1024];

	while (done && rule->prefixes < ADDRESSES && fgets(line, sizeof(line), answers)) {
		struct net_prefix prefix = {0};

		if (!read_prefix(line, strcspn(line, " \t\n"), &prefix) ||
		    has_address(rule, prefix.addr))
			continue;
		if (rule->deny || local || !is_of_this_host(prefix.addr))
			done = add_prefix(rule, &prefix);
	}
	return done;
}

/* Runs getent(1) and reads what it prints. Returns 0 or -errno. */
static int look_up(struct net_rule *rule)
{
	static char *const environment[] = {NULL};
	char *const argv[] = {UNCONST("getent"), UNCONST("ahosts"), rule->host, NULL};
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], ret, status;
	FILE *answers = NULL;
	pid_t child;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
	ret = -posix_spawn(&child, "/usr/bin/getent", &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	if (ret == 0)
		answers = fdopen(pipe_fd[0], "r");
	if (!answers) {
		close(pipe_fd[0]);
		ret = ret ? ret : -ENOMEM;
	} else {
		if (!add_answers(rule, answers))
			ret = -ENOMEM;
		fclose(answers);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	return ret;
}

int net_resolve(struct net_rules *rules)
{
	for (u32 i = 0; i < rules->count; i++) {
		struct net_rule *rule = &rules->rule[i];
		int ret = rule->host ? look_up(rule) : 0;

		if (ret) {
			message("cannot look up %s: %s", rule->host, host_error(-ret));
			return EXIT_HOST;
		}
		if (rule->prefixes == 0) {
			message("%s-net %s: the name has no address that a sandbox may have",
				rule->deny ? "deny" : "allow", rule->host);
			return EXIT_HOST;
		}
	}
	return 0;
}

int net_hosts_file(const struct net_rules *rules)
{
	static const u8 ipv4[12] = {[10] = 0xff, [11] = 0xff};
	int fd = memfd_create("hosts", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	dprintf(fd, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n");
	for (u32 i = 0; i < rules->count; i++) {
		const struct net_rule *rule = &rules->rule[i];

		for (u32 k = 0; rule->host && !rule->deny && k < rule->prefixes; k++) {
			const u8 *addr = rule->prefix[k].addr;
			bool is_ipv4 = memcmp(addr, ipv4, sizeof(ipv4)) == 0;
			char text[INET6_ADDRSTRLEN];

			inet_ntop(is_ipv4 ? AF_INET : AF_INET6, is_ipv4 ? addr + 12 : addr, text,
				  sizeof(text));
			dprintf(fd, "%s\t%s\n", text, rule->host);
		}
	}
	fchmod(fd, 0444);
	return fd;
}
