// SPDX-License-Identifier: MIT
/* Does the proxy understand requests as their senders mean them, and none otherwise? */
// sources: vm/jail/proxy_request.c vm/jail/net_rules.c
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "vm/jail/proxy_request.h"

static struct proxy_target target;
static u8 out[PROXY_OUT_MAX + 1];
static u32 out_len;

static s32 http(const char *text)
{
	s32 n = proxy_read_http((const u8 *)text, (u32)strlen(text), &target, out, &out_len);

	out[out_len] = '\0';
	return n;
}

static void connect_requests(void **state)
{
	static const char text[] = "CONNECT Example.org:443 HTTP/1.1\r\nHost: other\r\n\r\nrest";

	(void)state;
	assert_int_equal(http(text), sizeof(text) - 1 - 4);
	assert_string_equal(target.host, "Example.org");
	assert_false(target.is_address);
	assert_int_equal(target.port, 443);
	assert_int_equal(out_len, 0);
	assert_true(http("CONNECT [2001:db8::1]:1 HTTP/1.1\r\n\r\n") > 0);
	assert_true(target.is_address && target.addr[0] == 0x20 && target.port == 1);
	assert_true(http("CONNECT 192.0.2.1:65535 HTTP/1.0\r\n\r\n") > 0);
	assert_true(target.is_address && target.addr[12] == 192 && target.port == 65535);
	assert_true(http("CONNECT a.:1 HTTP/1.1\r\n\r\n") > 0);
	assert_string_equal(target.host, "a");
}

static void forwarded_requests(void **state)
{
	(void)state;
	assert_true(http("GET http://a.example/x?y=/z HTTP/1.1\r\nhost: b.example\r\nA: b\r\n"
			 "Proxy-Connection: keep-alive\r\nConnection: keep-alive\r\n"
			 "Proxy-Authorization: secret\r\n\r\n") > 0);
	assert_string_equal(target.host, "a.example");
	assert_int_equal(target.port, 80);
	assert_string_equal((char *)out, "GET /x?y=/z HTTP/1.1\r\nA: b\r\nHost: a.example\r\n"
					 "Connection: close\r\n\r\n");
	assert_true(http("POST http://a:8080 HTTP/1.0\r\n\r\n{}") > 0);
	assert_int_equal(target.port, 8080);
	assert_string_equal((char *)out,
			    "POST / HTTP/1.0\r\nHost: a:8080\r\nConnection: close\r\n\r\n");
}

static void wrong_requests(void **state)
{
	static const char *const wrong[] = {
		"GET / HTTP/1.1\r\n\r\n",
		"GET https://a/ HTTP/1.1\r\n\r\n",
		"CONNECT a HTTP/1.1\r\n\r\n",
		"CONNECT a:0 HTTP/1.1\r\n\r\n",
		"CONNECT a:65536 HTTP/1.1\r\n\r\n",
		"CONNECT a:4294967739 HTTP/1.1\r\n\r\n",
		"CONNECT a:+1 HTTP/1.1\r\n\r\n",
		"CONNECT :1 HTTP/1.1\r\n\r\n",
		"CONNECT user@a:1 HTTP/1.1\r\n\r\n",
		"CONNECT [a]:1 HTTP/1.1\r\n\r\n",
		"CONNECT [::1:1 HTTP/1.1\r\n\r\n",
		"CONNECT 10.0.0.0/8:1 HTTP/1.1\r\n\r\n",
		"CONNECT a:1 HTTP/2\r\n\r\n",
		"CONNECT  a:1 HTTP/1.1\r\n\r\n",
		"CONNECT a:1\r\n\r\n",
		"GET http://user@a/ HTTP/1.1\r\n\r\n",
		"GET http:///x HTTP/1.1\r\n\r\n",
		"G(T http://a/ HTTP/1.1\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\nA : b\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\n folded: b\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\nno colon\r\n\r\n",
		"GET http://a/ HTTP/1.1\r\nA: b\rHost: c\r\n\r\n",
		"GET http://a/ HTTP/1.1\nHost: c\r\n\r\n",
		"GET http://a?x HTTP/1.1\r\n\r\n",
		"\r\n\r\n",
	};
	static char large[PROXY_HEAD_MAX + 2];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++)
		if (http(wrong[i]) != PROXY_BAD)
			fail_msg("it takes %s", wrong[i]);
	assert_int_equal(http(""), PROXY_MORE);
	assert_int_equal(http("GET http://a/ HTTP/1.1\r\n"), PROXY_MORE);
	memset(large, 'x', sizeof(large) - 1);
	assert_int_equal(http(large), PROXY_BAD);
	large[PROXY_HEAD_MAX - 1] = '\0';
	assert_int_equal(http(large), PROXY_MORE);
}

static void socks_requests(void **state)
{
	static const u8 offer[] = {5, 2, 2, 0}, secret[] = {5, 1, 2}, old[] = {4, 1},
			name[] = {5, 1, 0, 3, 3, 'a', '.', 'b', 1, 187},
			ipv4[] = {5, 1, 0, 1, 192, 0, 2, 1, 0, 80},
			bind[] = {5, 2, 0, 1, 192, 0, 2, 1, 0, 80}, kind[] = {5, 1, 0, 2, 0, 0, 0},
			bad[] = {5, 1, 0, 3, 3, 'a', 0, 'b', 1, 187},
			none[] = {5, 1, 0, 3, 0, 0, 1, 187};
	u8 ipv6[22] = {5, 1, 0, 4, 0x20, [21] = 9}, code;

	(void)state;
	for (u32 n = 0; n < sizeof(offer); n++)
		assert_int_equal(proxy_read_socks_offer(offer, n, &code), PROXY_MORE);
	assert_int_equal(proxy_read_socks_offer(offer, sizeof(offer), &code), sizeof(offer));
	assert_int_equal(code, 0);
	assert_int_equal(proxy_read_socks_offer(secret, sizeof(secret), &code), sizeof(secret));
	assert_int_equal(code, 0xff);
	assert_int_equal(proxy_read_socks_offer(old, sizeof(old), &code), PROXY_BAD);
	for (u32 n = 0; n < sizeof(name); n++)
		assert_int_equal(proxy_read_socks(name, n, &target, &code), PROXY_MORE);
	assert_int_equal(proxy_read_socks(name, sizeof(name), &target, &code), sizeof(name));
	assert_string_equal(target.host, "a.b");
	assert_true(code == 0 && !target.is_address && target.port == 443);
	assert_int_equal(proxy_read_socks(ipv4, sizeof(ipv4), &target, &code), sizeof(ipv4));
	assert_true(target.is_address && target.addr[11] == 0xff && target.addr[12] == 192);
	assert_int_equal(proxy_read_socks(ipv6, sizeof(ipv6), &target, &code), sizeof(ipv6));
	assert_true(target.is_address && target.addr[0] == 0x20 && target.port == 9);
	assert_int_equal(proxy_read_socks(bind, sizeof(bind), &target, &code), sizeof(bind));
	assert_int_equal(code, 7);
	assert_int_equal(proxy_read_socks(kind, sizeof(kind), &target, &code), PROXY_BAD);
	assert_int_equal(proxy_read_socks(none, sizeof(none), &target, &code), PROXY_BAD);
	assert_int_equal(proxy_read_socks(bad, sizeof(bad), &target, &code), sizeof(bad));
	assert_int_equal(code, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_requests),
		cmocka_unit_test(forwarded_requests),
		cmocka_unit_test(wrong_requests),
		cmocka_unit_test(socks_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
