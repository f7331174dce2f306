// SPDX-License-Identifier: MIT
/*
 * See lookup.h. Three sources are asked in turn, until one knows the name:
 *
 *   1. the host's /etc/hosts. What it says holds for the whole run;
 *   2. the name servers in the host's /etc/resolv.conf, by the C library's resolver, which tells
 *      for how long an answer holds;
 *   3. what else nsswitch.conf(5) names. It tells no time; the answer holds for a minute.
 *
 * The C library of a static program cannot do 1 and 3, so getent(1) does.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <resolv.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#undef MIN /* sys/param.h, by nameser.h */
#undef MAX
#include "common/exit_status.h"
#include "vm/jail/helper.h"
#include "vm/jail/lookup.h"
#include "vm/vm.h"

#define TTL_UNKNOWN 60 /* of an answer from a source that tells no time */
#define TTL_NOTHING 5  /* a name without an address is looked up again after this time */
#define TRY_SECONDS 2  /* a name server has so long to answer */
#define TRIES	    2
#define DNS_MAX	    8192 /* bytes of an answer */

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

/* Adds an address that belongs to a rule's name, once, if the rule may have it. */
static void add(struct lookup_answer *to, const struct net_rule *rule, const u8 addr[16])
{
	for (u32 i = 0; i < to->count; i++)
		if (!memcmp(to->addr[i], addr, 16))
			return;
	if (to->count == NET_ANSWERS)
		return;
	if (rule->deny || !strcasecmp(rule->host, "localhost") || !is_of_this_host(addr))
		memcpy(to->addr[to->count++], addr, 16);
}

/*
 * Runs getent(1), which prints an address at the start of each line, and some several times.
 * files_only: it reads /etc/hosts and nothing else. Returns 0 or -errno.
 */
static int ask_getent(const struct net_rule *rule, bool files_only, struct lookup_answer *to)
{
	static char *const environment[] = {NULL};
	char *const argv[] = {UNCONST("getent"), UNCONST("-s"), UNCONST("hosts:files"),
			      UNCONST("ahosts"), rule->host,	NULL};
	char *const argv_all[] = {UNCONST("getent"), UNCONST("ahosts"), rule->host, NULL};
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], ret, status;
	FILE *answers = NULL;
	char line[1024];
	pid_t child;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	ret = -posix_spawn(&child, "/usr/bin/getent", &actions, NULL, files_only ? argv : argv_all,
			   environment);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	if (ret == 0)
		answers = fdopen(pipe_fd[0], "r");
	if (!answers) {
		close(pipe_fd[0]);
		ret = ret ? ret : -ENOMEM;
	} else {
		struct net_prefix prefix;

		while (fgets(line, sizeof(line), answers))
			if (net_read_prefix(line, strcspn(line, " \t\n"), &prefix))
				add(to, rule, prefix.addr);
		fclose(answers);
	}
	if (ret == 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	return ret;
}

/* Takes the addresses of a name server's answer, which lasts as long as its shortest record. */
static void read_records(const struct net_rule *rule, const u8 *message, int len,
			 struct lookup_answer *to)
{
	ns_msg parsed;
	ns_rr record;

	if (ns_initparse(message, len, &parsed))
		return;
	for (int i = 0; i < ns_msg_count(parsed, ns_s_an); i++) {
		u8 addr[16] = {[10] = 0xff, [11] = 0xff};

		if (ns_parserr(&parsed, ns_s_an, i, &record))
			return;
		if (ns_rr_class(record) != ns_c_in)
			continue;
		to->ttl = MIN(to->ttl, ns_rr_ttl(record));
		if (ns_rr_type(record) == ns_t_a && ns_rr_rdlen(record) == 4)
			memcpy(addr + 12, ns_rr_rdata(record), 4);
		else if (ns_rr_type(record) == ns_t_aaaa && ns_rr_rdlen(record) == 16)
			memcpy(addr, ns_rr_rdata(record), 16);
		else
			continue;
		add(to, rule, addr);
	}
}

static void ask_name_servers(const struct net_rule *rule, struct lookup_answer *to)
{
	struct __res_state state = {0};
	u8 message[DNS_MAX];

	if (res_ninit(&state))
		return;
	state.retrans = TRY_SECONDS;
	state.retry = TRIES;
	to->ttl = INT32_MAX;
	for (u32 i = 0; i < 2; i++) {
		int len = res_nquery(&state, rule->host, ns_c_in, i ? ns_t_aaaa : ns_t_a, message,
				     sizeof(message));

		if (len > 0)
			read_records(rule, message, MIN(len, (int)sizeof(message)), to);
	}
	res_nclose(&state);
}

/* Fills to->ttl, count and addr. Returns 0 or -errno. */
static int look_up(const struct net_rule *rule, struct lookup_answer *to)
{
	int ret;

	to->count = 0;
	to->ttl = NET_TTL_FOREVER;
	ret = ask_getent(rule, true, to);
	if (ret == 0 && to->count == 0)
		ask_name_servers(rule, to);
	if (ret == 0 && to->count == 0) {
		to->ttl = TTL_UNKNOWN;
		ret = ask_getent(rule, false, to);
	}
	if (to->count == 0)
		to->ttl = TTL_NOTHING;
	return ret;
}

int lookup_all(struct net_rules *rules)
{
	for (u32 i = 0; i < rules->count; i++) {
		struct net_rule *rule = &rules->rule[i];
		struct lookup_answer answer;
		int ret;

		if (!rule->host)
			continue;
		ret = look_up(rule, &answer);
		if (ret) {
			message("cannot look up %s: %s", rule->host, host_error(-ret));
			return EXIT_HOST;
		}
		if (answer.count == 0) {
			message("%s-net %s: the name has no address that a sandbox may have",
				rule->deny ? "deny" : "allow", rule->host);
			return EXIT_HOST;
		}
		if (!rule->deny)
			net_open(rule, answer.addr, answer.count, answer.ttl);
		for (u32 k = 0; k < answer.count && rule->deny; k++) {
			struct net_prefix prefix = {.bits = 128};

			memcpy(prefix.addr, answer.addr[k], sizeof(prefix.addr));
			if (!net_add_prefix(rule, &prefix)) {
				message("no memory for the addresses of %s", rule->host);
				return EXIT_HOST;
			}
		}
	}
	return 0;
}

/* ---- the process ---------------------------------------------------------------------------- */

static void serve(const struct net_rules *rules, int channel)
{
	struct lookup_answer answer;
	u32 number;

	while (recv(channel, &number, sizeof(number), 0) == sizeof(number)) {
		memset(&answer, 0, sizeof(answer));
		answer.rule = number;
		answer.ttl = TTL_NOTHING;
		if (number < rules->count && rules->rule[number].names)
			look_up(&rules->rule[number], &answer);
		if (send(channel, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
			break;
	}
}

static int lookup_main(const void *rules, int channel)
{
	serve(rules, channel);
	return 0;
}

int lookup_start(const struct net_rules *rules, int *channel)
{
	bool named = false;

	*channel = -1;
	for (u32 i = 0; i < rules->count; i++)
		named |= rules->rule[i].names != NULL;
	return named ? helper_start("lookups", lookup_main, rules, -1, channel) : 0;
}

bool lookup_ask(int channel, u32 rule)
{
	const struct iovec iov = {&rule, sizeof(rule)};
	const struct msghdr msg = {.msg_iov = UNCONST(&iov), .msg_iovlen = 1};

	return sendmsg(channel, &msg, MSG_NOSIGNAL) == sizeof(rule);
}

bool lookup_read(int channel, const struct net_rules *rules, struct lookup_answer *to)
{
	struct iovec iov = {to, sizeof(*to)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	while ((n = recvmsg(channel, &msg, 0)) < 0 && errno == EINTR)
		;
	return n == sizeof(*to) && to->count <= NET_ANSWERS && to->rule < rules->count &&
	       rules->rule[to->rule].names;
}

void lookup_open(const struct net_rules *rules, const struct lookup_answer *answer)
{
	/* A name may stand in several rules, with ports of their own. */
	for (u32 i = 0; i < rules->count; i++)
		if (rules->rule[i].names &&
		    !strcasecmp(rules->rule[i].host, rules->rule[answer->rule].host))
			net_open(&rules->rule[i], answer->addr, answer->count, answer->ttl);
}

s64 lookup_rule(const struct net_rules *rules, const char *name)
{
	for (u32 i = 0; i < rules->count; i++)
		if (rules->rule[i].names && !strcasecmp(rules->rule[i].host, name))
			return i;
	return -1;
}
