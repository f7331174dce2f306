// SPDX-License-Identifier: MIT
/* Does the sandbox's name server read questions as they are meant, and are its answers right? */
// sources: vm/jail/dns.c
// libraries: resolv
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <string.h>
#undef MIN /* sys/param.h, by nameser.h */
#undef MAX
#include "vm/jail/dns.h"

static u8 question[512];

/* Makes a question by the C library. Returns its size. */
static size_t ask(const char *name, int type)
{
	int len = res_mkquery(ns_o_query, name, ns_c_in, type, NULL, 0, NULL, question,
			      sizeof(question));

	assert_true(len > 0);
	return (size_t)len;
}

static void questions(void **state)
{
	struct dns_question q;
	size_t len = ask("www.Example.org", ns_t_aaaa);

	(void)state;
	assert_int_equal(dns_read_question(question, len, &q), ns_r_noerror);
	assert_string_equal(q.name, "www.Example.org");
	assert_int_equal(q.type, ns_t_aaaa);
	assert_int_equal(q.end, len);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(dns_read_question(question, cut, &q),
				 cut < 12 ? -EINVAL : ns_r_formerr);
	question[2] |= 0x80; /* an answer */
	assert_int_equal(dns_read_question(question, len, &q), -EINVAL);
	len = ask("a", ns_t_a);
	question[2] |= 2 << 3;
	assert_int_equal(dns_read_question(question, len, &q), ns_r_notimpl);
	len = ask("a", ns_t_a);
	question[5] = 2; /* questions */
	assert_int_equal(dns_read_question(question, len, &q), ns_r_formerr);
	len = ask("a", ns_t_a);
	question[len - 1] = ns_c_chaos;
	assert_int_equal(dns_read_question(question, len, &q), ns_r_refused);
	/* A name that points to itself, and one with a label that is too long. */
	len = ask("abc", ns_t_a);
	question[12] = 0xc0;
	question[13] = 12;
	assert_int_equal(dns_read_question(question, len, &q), ns_r_formerr);
	len = ask("abc", ns_t_a);
	question[12] = 0x7f;
	assert_int_equal(dns_read_question(question, len, &q), ns_r_formerr);
}

static void answers(void **state)
{
	u8 addr[NET_ANSWERS][16] = {{0}}, to[DNS_MESSAGE_MAX];
	struct dns_question q;
	size_t len = ask("www.example.org", ns_t_a);
	ns_msg message;
	ns_rr record;

	(void)state;
	for (u32 i = 0; i < NET_ANSWERS; i++) {
		addr[i][15] = (u8)i;
		/* Every second one is IPv4. */
		addr[i][10] = addr[i][11] = i % 2 ? 0xff : 0;
	}
	assert_int_equal(dns_read_question(question, len, &q), ns_r_noerror);
	len = dns_write_answer(to, question, &q, ns_r_noerror, (const u8(*)[16])addr, 5, 77);
	assert_int_equal(ns_initparse(to, (int)len, &message), 0);
	assert_memory_equal(to, question, 2);
	assert_int_equal(ns_msg_getflag(message, ns_f_qr), 1);
	assert_int_equal(ns_msg_getflag(message, ns_f_rd), 1);
	assert_int_equal(ns_msg_getflag(message, ns_f_ra), 1);
	assert_int_equal(ns_msg_count(message, ns_s_an), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ns_parserr(&message, ns_s_an, i, &record), 0);
		assert_string_equal(ns_rr_name(record), "www.example.org");
		assert_int_equal(ns_rr_ttl(record), 77);
		assert_int_equal(ns_rr_type(record), ns_t_a);
		assert_int_equal(ns_rr_rdlen(record), 4);
		assert_int_equal(ns_rr_rdata(record)[3], 2 * i + 1);
	}
	/* Of many, as many as fit. */
	q.type = ns_t_aaaa;
	for (u32 i = 0; i < NET_ANSWERS; i++)
		addr[i][10] = 0;
	len = dns_write_answer(to, question, &q, ns_r_noerror, (const u8(*)[16])addr, NET_ANSWERS,
			       77);
	assert_true(len <= sizeof(to));
	assert_int_equal(ns_initparse(to, (int)len, &message), 0);
	assert_int_equal(ns_msg_count(message, ns_s_an), (512 - q.end) / 28);
	len = dns_write_answer(to, question, &q, ns_r_nxdomain, NULL, 0, 0);
	assert_int_equal(ns_initparse(to, (int)len, &message), 0);
	assert_int_equal(ns_msg_getflag(message, ns_f_rcode), ns_r_nxdomain);
	assert_int_equal(ns_msg_count(message, ns_s_an), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
