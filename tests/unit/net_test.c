// SPDX-License-Identifier: MIT
/*
 * Does a sandbox reach exactly the addresses that its rules name, in each form in which an address
 * can be written?
 */
// sources: vm/jail/net.c vm/jail/net_rules.c vm/jail/lookup.c
// libraries: resolv
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "vm/hostcall.h"
#include "common/exit_status.h"
#include "vm/jail/helper.h"
#include "vm/jail/lookup.h"
#include "vm/jail/net.h"

void message(const char *fmt, ...)
{
	(void)fmt;
}

const char *host_error(int error)
{
	return strerror(error);
}

s64 host_syscall(long nr, const u64 arg[6])
{
	long ret = syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);

	return ret < 0 ? -errno : ret;
}

int helper_start(const char *name, int (*work)(const void *arg, int socket), const void *arg,
		 int keep, int *socket)
{
	(void)name, (void)work, (void)arg, (void)keep, (void)socket;
	return EXIT_HOST;
}

/* The clock of net.c. */
static time_t passed;

int clock_gettime(clockid_t __clock_id, struct timespec *__tp)
{
	long ret = syscall(SYS_clock_gettime, __clock_id, __tp);

	__tp->tv_sec += passed;
	return (int)ret;
}

static struct net_rules rules;

static void forget(void)
{
	net_enforce(NULL);
	for (u32 i = 0; i < rules.count; i++) {
		free(rules.rule[i].host);
		free(rules.rule[i].names);
		free(rules.rule[i].prefix);
		free(rules.rule[i].ports);
	}
	free(rules.rule);
	free(rules.listen);
	memset(&rules, 0, sizeof(rules));
}

static void enforce(const char *allow, const char *deny)
{
	forget();
	rules.mode = NET_RULES;
	if (allow)
		assert_null(net_add_rule(&rules, false, allow));
	if (deny)
		assert_null(net_add_rule(&rules, true, deny));
	assert_int_equal(lookup_all(&rules), 0);
	net_enforce(&rules);
}

static bool reaches(const char *text, u16 port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return net_may_reach(&in, sizeof(in), false) == 0;
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return net_may_reach(&in6, sizeof(in6), false) == 0;
}

static void nothing_is_reached_without_a_rule(void **state)
{
	(void)state;
	enforce(NULL, NULL);
	assert_false(reaches("127.0.0.1", 80));
	assert_false(reaches("::1", 80));
	rules.mode = NET_OFF;
	assert_int_equal(net_may_make(AF_INET, SOCK_STREAM, 0), -EACCES);
	assert_int_equal(net_may_make(AF_UNIX, SOCK_STREAM, 0), 0);
}

static void a_host_and_its_ports(void **state)
{
	(void)state;
	enforce("192.0.2.7:80,443,8000-8010", NULL);
	assert_true(reaches("192.0.2.7", 80));
	assert_true(reaches("192.0.2.7", 443));
	assert_true(reaches("192.0.2.7", 8010));
	assert_false(reaches("192.0.2.7", 8011));
	assert_false(reaches("192.0.2.8", 80));
	enforce("192.0.2.7", NULL);
	assert_true(reaches("192.0.2.7", 1));
	enforce(":53", NULL);
	assert_true(reaches("192.0.2.8", 53));
	assert_true(reaches("2001:db8::1", 53));
	assert_false(reaches("2001:db8::1", 54));
}

static void networks(void **state)
{
	(void)state;
	enforce("10.16.0.0/12:22", NULL);
	assert_true(reaches("10.31.255.255", 22));
	assert_false(reaches("10.32.0.0", 22));
	enforce("[2001:db8:8000::/33]:22", NULL);
	assert_true(reaches("2001:db8:8000::1", 22));
	assert_false(reaches("2001:db8::1", 22));
	enforce("2001:db8::1", NULL);
	assert_true(reaches("2001:db8::1", 22));
	assert_false(reaches("2001:db8::2", 22));
}

static void mapped_addresses_are_the_same(void **state)
{
	(void)state;
	enforce("192.0.2.7", NULL);
	assert_true(reaches("::ffff:192.0.2.7", 80));
	assert_false(reaches("::ffff:192.0.2.8", 80));
	enforce("*", "192.0.2.0/24");
	assert_false(reaches("192.0.2.7", 80));
	assert_false(reaches("::ffff:192.0.2.7", 80));
	assert_false(reaches("::192.0.2.7", 80));
	assert_false(reaches("64:ff9b::192.0.2.7", 80));
	assert_false(reaches("2002:c000:0207::1", 80));
	assert_true(reaches("198.51.100.1", 80));
	enforce("::ffff:192.0.2.7", NULL);
	assert_true(reaches("192.0.2.7", 80));
}

static void deny_wins(void **state)
{
	(void)state;
	enforce("192.0.2.7:80", "192.0.2.0/25");
	assert_false(reaches("192.0.2.7", 80));
	enforce("192.0.2.0/24", ":25");
	assert_true(reaches("192.0.2.7", 80));
	assert_false(reaches("192.0.2.7", 25));
}

static void link_local_has_to_be_named(void **state)
{
	(void)state;
	enforce("*", NULL);
	assert_false(reaches("169.254.169.254", 80));
	assert_false(reaches("::ffff:169.254.169.254", 80));
	assert_false(reaches("64:ff9b::169.254.169.254", 80));
	assert_false(reaches("fe80::1", 80));
	assert_false(reaches("fd00:ec2::254", 80));
	enforce("0.0.0.0/0", NULL);
	assert_false(reaches("169.254.169.254", 80));
	enforce("169.254.0.0/16", NULL);
	assert_true(reaches("169.254.169.254", 80));
	enforce("169.254.169.254:80", NULL);
	assert_true(reaches("169.254.169.254", 80));
	assert_false(reaches("169.254.169.253", 80));
	enforce("fe80::/10", NULL);
	assert_true(reaches("fe80::1", 80));
}

static void unspecified_means_this_host(void **state)
{
	(void)state;
	enforce("127.0.0.1:80", NULL);
	assert_true(reaches("0.0.0.0", 80));
	assert_true(reaches("::ffff:0.0.0.0", 80));
	enforce("192.0.2.7", NULL);
	assert_false(reaches("0.0.0.0", 80));
	assert_false(reaches("::", 80));
	enforce("*", "127.0.0.0/8");
	assert_false(reaches("0.0.0.0", 80));
	enforce("*", "::1");
	assert_false(reaches("::", 80));
}

static void cut_addresses_and_strange_families(void **state)
{
	struct sockaddr_storage any = {.ss_family = AF_INET};

	(void)state;
	enforce("*", NULL);
	for (u32 len = 1; len < sizeof(struct sockaddr_in); len++)
		assert_int_equal(net_may_reach(&any, len, false), -EACCES);
	any.ss_family = AF_INET6;
	assert_int_equal(net_may_reach(&any, 20, false), -EACCES);
	for (int family = 3; family < 50; family++) {
		if (family == AF_INET6 || family == AF_NETLINK)
			continue;
		any.ss_family = (sa_family_t)family;
		assert_int_equal(net_may_reach(&any, sizeof(any), false), -EACCES);
	}
	/* To connect(2) no family means to disconnect, to sendmsg(2) on UDP it means IPv4. */
	any.ss_family = AF_UNSPEC;
	enforce("192.0.2.7", NULL);
	assert_int_equal(net_may_reach(&any, sizeof(any), false), 0);
	assert_int_equal(net_may_reach(&any, sizeof(any), true), -EACCES);
}

static void kinds_of_sockets(void **state)
{
	(void)state;
	enforce("*", NULL);
	assert_int_equal(net_may_make(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), 0);
	assert_int_equal(net_may_make(AF_INET6, SOCK_STREAM, IPPROTO_TCP), 0);
	assert_int_equal(net_may_make(AF_INET, SOCK_STREAM, 262 /* MPTCP */), -EACCES);
	assert_int_equal(net_may_make(AF_INET, SOCK_DGRAM, 0), -EACCES);
	assert_int_equal(net_may_make(AF_INET, SOCK_RAW, IPPROTO_ICMP), -EACCES);
	assert_int_equal(net_may_make(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP), -EACCES);
	assert_int_equal(net_may_make(AF_PACKET, SOCK_RAW, 0), -EACCES);
	assert_int_equal(net_may_make(AF_VSOCK, SOCK_STREAM, 0), -EACCES);
	assert_int_equal(net_may_make(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), 0);
	assert_int_equal(net_may_make(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), -EACCES);
	rules.mode = NET_HOST;
	assert_int_equal(net_may_make(AF_INET, SOCK_DGRAM, 0), 0);
	assert_int_equal(net_may_make(AF_PACKET, SOCK_RAW, 0), -EACCES);
}

static void unix_names(void **state)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "name"};

	(void)state;
	enforce(NULL, NULL);
	assert_int_equal(net_may_reach(&un, sizeof(un), false), 0);
	assert_int_equal(net_may_bind(&un, sizeof(un)), 0);
	un.sun_path[0] = '\0';
	assert_int_equal(net_may_reach(&un, sizeof(un), false), -EACCES);
	assert_int_equal(net_may_reach(&un, 3, true), -EACCES);
	assert_int_equal(net_may_bind(&un, sizeof(un)), -EACCES);
	/* The host would choose an abstract name. */
	assert_int_equal(net_may_bind(&un, sizeof(sa_family_t)), -EACCES);
}

static s64 binds(u16 family, u16 port)
{
	struct sockaddr_in in = {.sin_family = family, .sin_port = htons(port)};

	return net_may_bind(&in, sizeof(in));
}

static void listening(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	enforce(NULL, NULL);
	assert_null(net_add_listen(&rules, "8080,9000-9010"));
	assert_int_equal(binds(AF_INET, 8080), 0);
	assert_int_equal(binds(AF_INET, 9010), 0);
	assert_int_equal(binds(AF_INET, 8081), -EACCES);
	assert_int_equal(binds(AF_UNSPEC, 8081), -EACCES);
	/* A connection may have a port of its own; nobody may listen there. */
	assert_int_equal(binds(AF_INET, 0), 0);
	assert_true(fd >= 0);
	assert_int_equal(net_may_listen(fd), -EACCES);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(net_may_listen(fd), -EACCES);
	close(fd);
}

static void texts_that_are_no_rules(void **state)
{
	static const char *const wrong[] = {
		"",	      ":",	 ":0",		":65536", "192.0.2.7:", "192.0.2.7:80,",
		"192.0.2:80", "10.0/8",	 "10.0.0.0/33", "[::1",	  "[::1]x:80",	"a b",
		"name:80-79", "-x",	 "1.2.3.4.5",	"name/8", "[::1]:80 ",	"::1/129",
		"host:http",  "a:1,b:2", "[name]:80]",
	};

	(void)state;
	forget();
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_non_null(net_add_rule(&rules, false, wrong[i]));
	assert_non_null(net_add_listen(&rules, "0"));
	assert_non_null(net_add_listen(&rules, "http"));
	forget();
}

static void names_are_looked_up(void **state)
{
	u8 addr[NET_ANSWERS][16];
	u32 count, ttl;

	(void)state;
	enforce("localhost:80", NULL);
	assert_true(reaches("127.0.0.1", 80) || reaches("::1", 80));
	assert_false(reaches("127.0.0.1", 81));
	assert_true(net_fresh(&rules.rule[0], addr, &count, &ttl));
	assert_true(count > 0);
	for (u32 i = 1; i < count; i++)
		assert_memory_not_equal(addr[0], addr[i], 16);
	assert_int_equal(lookup_rule(&rules, "LocalHost"), 0);
	assert_int_equal(lookup_rule(&rules, "localhos"), -1);
	forget();
	rules.mode = NET_RULES;
	assert_null(net_add_rule(&rules, false, "no-such-name.invalid:80"));
	assert_int_not_equal(lookup_all(&rules), 0);
	forget();
	/* A denied name's addresses stay, and no program may ask for it. */
	enforce(":80", "localhost");
	assert_false(reaches("127.0.0.1", 80));
	assert_int_equal(lookup_rule(&rules, "localhost"), -1);
	forget();
}

static void answer(u8 to[16], u8 last)
{
	const u8 addr[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = last};

	memcpy(to, addr, sizeof(addr));
}

static void an_answer_opens_for_its_time(void **state)
{
	u8 addr[NET_ANSWERS][16], got[NET_ANSWERS][16];
	u32 count, ttl;

	(void)state;
	forget();
	rules.mode = NET_RULES;
	assert_null(net_add_rule(&rules, false, "a.example:80"));
	net_enforce(&rules);
	assert_false(net_fresh(&rules.rule[0], got, &count, &ttl));
	answer(addr[0], 1);
	net_open(&rules.rule[0], (const u8(*)[16])addr, 1, 60);
	assert_true(reaches("192.0.2.1", 80));
	assert_false(reaches("192.0.2.1", 81));
	assert_false(reaches("192.0.2.2", 80));
	passed += 30;
	assert_true(net_fresh(&rules.rule[0], got, &count, &ttl));
	assert_int_equal(count, 1);
	assert_in_range(ttl, 20, 30);
	/* A further answer opens its own; the first one stays for its time. */
	answer(addr[0], 2);
	net_open(&rules.rule[0], (const u8(*)[16])addr, 1, 600);
	assert_true(reaches("192.0.2.1", 80) && reaches("192.0.2.2", 80));
	assert_true(net_fresh(&rules.rule[0], got, &count, &ttl));
	assert_int_equal(count, 1);
	assert_memory_equal(got[0], addr[0], 16);
	passed += 40;
	assert_false(reaches("192.0.2.1", 80));
	assert_true(reaches("192.0.2.2", 80));
	/* A name that lost its addresses keeps those that are open, and has no answer. */
	net_open(&rules.rule[0], NULL, 0, 5);
	assert_true(net_fresh(&rules.rule[0], got, &count, &ttl));
	assert_int_equal(count, 0);
	passed += 700;
	assert_false(net_fresh(&rules.rule[0], got, &count, &ttl));
	assert_false(reaches("192.0.2.2", 80));
	/* More than fit: the newest are open. */
	for (u32 i = 0; i < 3 * NET_ANSWERS; i++) {
		answer(addr[0], (u8)i);
		net_open(&rules.rule[0], (const u8(*)[16])addr, 1, 10 + i);
	}
	assert_true(reaches("192.0.2.191", 80));
	assert_false(reaches("192.0.2.0", 80));
	/* An answer for the whole run; a link-local one opens nothing. */
	answer(addr[0], 7);
	memcpy(addr[1], (const u8[16]){[10] = 0xff, [11] = 0xff, 169, 254, 169, 254}, 16);
	net_open(&rules.rule[0], (const u8(*)[16])addr, 2, NET_TTL_FOREVER);
	passed += 1000000;
	assert_true(reaches("192.0.2.7", 80));
	assert_false(reaches("192.0.2.191", 80));
	assert_false(reaches("169.254.169.254", 80));
	forget();
}

static void a_name_opens_nothing_else(void **state)
{
	const u8 addr[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1},
		 meta[16] = {[10] = 0xff, [11] = 0xff, 169, 254, 169, 254};

	(void)state;
	forget();
	rules.mode = NET_RULES;
	assert_null(net_add_rule(&rules, false, "a.example:80"));
	assert_null(net_add_rule(&rules, true, "192.0.2.9"));
	/* As the proxy asks. */
	assert_true(net_allows(&rules, &rules.rule[0], addr, 80));
	assert_false(net_allows(&rules, &rules.rule[0], addr, 81));
	assert_false(net_allows(&rules, &rules.rule[0], meta, 80));
	assert_false(net_allows(&rules, NULL, addr, 80));
	forget();
}

static void source_routes(void **state)
{
	(void)state;
	enforce("*", NULL);
	assert_int_equal(net_may_set(IPPROTO_IP, IP_OPTIONS), -EPERM);
	assert_int_equal(net_may_set(IPPROTO_IPV6, IPV6_RTHDR), -EPERM);
	assert_int_equal(net_may_set(IPPROTO_IP, IP_TOS), 0);
	net_enforce(NULL);
	assert_int_equal(net_may_set(IPPROTO_IP, IP_OPTIONS), 0);
}

static void netlink_asks_only(void **state)
{
	struct {
		struct nlmsghdr first;
		u32 data;
		struct nlmsghdr second;
	} m = {
		{.nlmsg_len = 20, .nlmsg_type = RTM_GETLINK},
		0,
		{.nlmsg_len = 16, .nlmsg_type = RTM_GETADDR},
	};

	(void)state;
	enforce(NULL, NULL);
	assert_int_equal(net_may_ask(&m, sizeof(m)), 0);
	m.second.nlmsg_type = RTM_NEWADDR;
	assert_int_equal(net_may_ask(&m, sizeof(m)), -EPERM);
	m.first.nlmsg_type = RTM_DELROUTE;
	assert_int_equal(net_may_ask(&m, 16), -EPERM);
	m.first.nlmsg_type = RTM_SETLINK;
	assert_int_equal(net_may_ask(&m, sizeof(m)), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_reached_without_a_rule),
		cmocka_unit_test(a_host_and_its_ports),
		cmocka_unit_test(networks),
		cmocka_unit_test(mapped_addresses_are_the_same),
		cmocka_unit_test(deny_wins),
		cmocka_unit_test(link_local_has_to_be_named),
		cmocka_unit_test(unspecified_means_this_host),
		cmocka_unit_test(cut_addresses_and_strange_families),
		cmocka_unit_test(kinds_of_sockets),
		cmocka_unit_test(unix_names),
		cmocka_unit_test(listening),
		cmocka_unit_test(texts_that_are_no_rules),
		cmocka_unit_test(names_are_looked_up),
		cmocka_unit_test(an_answer_opens_for_its_time),
		cmocka_unit_test(a_name_opens_nothing_else),
		cmocka_unit_test(source_routes),
		cmocka_unit_test(netlink_asks_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
