// SPDX-License-Identifier: MIT
/*
 * Are packets of gdb's remote protocol read and written as gdb's manual has them, and wrong ones
 * refused?
 */
// sources: gdb/protocol.c gdb/registers.c gdb/signals.c
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "gdb/protocol.h"
#include "gdb/registers.h"
#include "gdb/signals.h"

static struct packet_reader reader;
static struct reply reply;

/* Feeds a text and returns the last event; the others have to be PACKET_NOTHING. */
static enum packet_event feed(const char *text)
{
	enum packet_event event = PACKET_NOTHING;

	for (; *text; text++) {
		assert_int_equal(event, PACKET_NOTHING);
		event = packet_feed(&reader, (u8)*text);
	}
	return event;
}

static void packets_are_framed(void **state)
{
	(void)state;
	memset(&reader, 0, sizeof(reader));
	assert_int_equal(feed("+noise$qC#b4"), PACKET_READY);
	assert_string_equal(reader.data, "qC");
	assert_int_equal(feed("$#00"), PACKET_READY);
	assert_int_equal(reader.len, 0);
	assert_int_equal(feed("$qC#b5"), PACKET_BROKEN);
	assert_int_equal(feed("$qC#xx"), PACKET_BROKEN);
	assert_int_equal(feed("$cut off$qC#B4"), PACKET_READY);
	assert_string_equal(reader.data, "qC");
	assert_int_equal(feed("\x03"), PACKET_INTERRUPT);
	assert_int_equal(feed("-"), PACKET_RESEND);
}

static void long_packets_are_refused(void **state)
{
	static const u32 lengths[] = {PACKET_MAX, PACKET_MAX + 1, 3 * PACKET_MAX};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(lengths); i++) {
		char sum[8];

		assert_int_equal(feed("$"), PACKET_NOTHING);
		for (u32 n = 0; n < lengths[i]; n++)
			assert_int_equal(packet_feed(&reader, 'a'), PACKET_NOTHING);
		snprintf(sum, sizeof(sum), "#%02x", (u8)(lengths[i] * 'a'));
		assert_int_equal(feed(sum), i ? PACKET_BROKEN : PACKET_READY);
	}
	assert_int_equal(feed("$qC#b4"), PACKET_READY);
}

static void replies_are_framed(void **state)
{
	char frame[sizeof(reply.data) + 4];
	u32 len;

	(void)state;
	reply_clear(&reply);
	reply_text(&reply, "QC");
	reply_format(&reply, "p%x", 255);
	len = reply_frame(&reply, frame);
	frame[len] = '\0';
	assert_string_equal(frame, "$QCpff#d0");
	reply_clear(&reply);
	reply_hex(&reply, "\x00\xff\x1a", 3);
	assert_int_equal(reply.len, 6);
	assert_memory_equal(reply.data, "00ff1a", 6);
}

static void binary_data_come_back(void **state)
{
	char all[256], copy[512];

	(void)state;
	for (u32 i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	reply_clear(&reply);
	assert_int_equal(reply_binary(&reply, all, sizeof(all)), sizeof(all));
	assert_int_equal(reply.len, sizeof(all) + 4);
	memcpy(copy, reply.data, reply.len);
	assert_int_equal(packet_unescape(copy, reply.len), sizeof(all));
	assert_memory_equal(copy, all, sizeof(all));
	copy[0] = '}'; /* an escape of nothing */
	assert_int_equal(packet_unescape(copy, 1), 1);
}

static void objects_are_paged(void **state)
{
	static char object[3 * PACKET_MAX];
	struct xfer x = {.len = PACKET_MAX};
	u64 done = 0;

	(void)state;
	memset(object, '#', sizeof(object)); /* each needs an escape */
	for (x.offset = 0; x.offset < sizeof(object); x.offset = done) {
		reply_clear(&reply);
		reply_page(&reply, &x, object, sizeof(object));
		assert_true(reply.len > 1 && reply.len <= PACKET_MAX && !reply.full);
		done += (reply.len - 1) / 2;
		assert_int_equal(reply.data[0], done == sizeof(object) ? 'l' : 'm');
	}
	x.offset = ~0UL;
	reply_clear(&reply);
	reply_page(&reply, &x, object, sizeof(object));
	assert_int_equal(reply.len, 1);
	assert_int_equal(reply.data[0], 'l');
}

static void xfer_packets_are_read(void **state)
{
	static const char *const wrong[] = {
		"qXfer:",
		"qXfer:auxv:read",
		"qXfer:auxv:read::",
		"qXfer:auxv:read::0",
		"qXfer:a:b::0,1",
		"qXfer:auxv:read::0,1x",
		"qXfer:auxv:read::00000000000000000,1",
		"qXfer:a-name-that-is-much-too-long-for-an-object:read::0,1",
	};
	static const char write[] = "qXfer:siginfo:write::8:ab:c";
	struct xfer x;

	(void)state;
	assert_true(read_xfer("qXfer:features:read:target.xml:ff,1000", 39, &x));
	assert_string_equal(x.object, "features");
	assert_string_equal(x.annex, "target.xml");
	assert_false(x.write);
	assert_int_equal(x.offset, 255);
	assert_int_equal(x.len, 4096);
	assert_true(read_xfer(write, sizeof(write) - 1, &x));
	assert_true(x.write);
	assert_int_equal(x.len, 4);
	assert_memory_equal(write + x.data, "ab:c", 4);
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(read_xfer(wrong[i], (u32)strlen(wrong[i]), &x));
}

static void thread_ids_are_read(void **state)
{
	static const struct {
		const char *text;
		bool good;
		s32 pid, tid;
	} rows[] = {
		{"p1.2", true, 1, 2}, {"p-1", true, -1, -1}, {"p1.-1", true, 1, -1},
		{"p1", true, 1, -1},  {"-1", true, 0, -1},   {"1f", true, 0, 31},
		{"0", true, 0, 0},    {"", false, 0, 0},     {"p", false, 0, 0},
		{"p1.", false, 0, 0}, {"-2", false, 0, 0},   {"p80000000", false, 0, 0},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text = rows[i].text;
		struct thread_id id;

		assert_int_equal(read_thread_id(&text, &id), rows[i].good);
		if (!rows[i].good)
			continue;
		assert_int_equal(id.pid, rows[i].pid);
		assert_int_equal(id.tid, rows[i].tid);
		assert_int_equal(*text, '\0');
	}
}

static void vcont_goes_to_its_threads(void **state)
{
	static const char actions[] = ";S05:p1.2;r10,20:p1.3;t:p2.-1;c:p1.-1";
	static const char *const wrong[] = {"",	   "c",	  ";",	      ";x",	  ";C",	  ";C100",
					    ";r1", ";c:", ";c:p1.2;", ";c:p1.2x", ";s:-2"};
	struct action a;

	(void)state;
	assert_true(vcont_is_valid(actions));
	a = vcont_action(actions, 1, 2);
	assert_true(a.kind == 's' && a.signal == 5);
	a = vcont_action(actions, 1, 3);
	assert_true(a.kind == 'r' && a.from == 16 && a.to == 32);
	assert_int_equal(vcont_action(actions, 1, 4).kind, 'c');
	assert_int_equal(vcont_action(actions, 2, 9).kind, 't');
	assert_int_equal(vcont_action(actions, 3, 9).kind, 0);
	assert_int_equal(vcont_action(";c", 3, 9).kind, 'c');
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(vcont_is_valid(wrong[i]));
}

static void points_and_ranges_are_read(void **state)
{
	const char *rest;
	struct point z;
	u64 addr, len;

	(void)state;
	assert_true(read_point("2,7fff0000,8", &z));
	assert_true(z.type == 2 && z.addr == 0x7fff0000 && z.kind == 8);
	assert_true(read_point("0,1,1;X3,220027", &z));
	assert_false(read_point("5,1,1", &z));
	assert_false(read_point("0,,1", &z));
	assert_false(read_point("0,1,1x", &z));
	assert_true(read_range("10,4:aabb", &addr, &len, &rest));
	assert_true(addr == 16 && len == 4);
	assert_string_equal(rest, "aabb");
	assert_true(read_range("10,4", &addr, &len, &rest));
	assert_false(read_range("10;4", &addr, &len, &rest));
}

static void registers_have_their_places(void **state)
{
	static struct registers r;
	u8 value[REGISTER_BYTES] = {0};
	u32 all, n;

	(void)state;
	registers_init(3);
	all = registers_count();
	assert_int_equal(all, 60); /* core 40, sse 17, orig_rax, two bases */
	r.general.rip = 0x1122334455667788;
	assert_int_equal(register_get(&r, REGISTER_RIP, value), 8);
	assert_memory_equal(value, &r.general.rip, 8);
	assert_int_equal(register_get(&r, 24, value), 0); /* the XSAVE area could not be read */
	r.xsave_size = 576;
	/* Everything in its initial state: the control words are not zero. */
	assert_int_equal(register_get(&r, 32, value), 4);
	assert_int_equal(value[0] | value[1] << 8, 0x37f);
	assert_int_equal(register_get(&r, 56, value), 4);
	assert_int_equal(value[0] | value[1] << 8, 0x1f80);
	/* A register that changes brings its part out of that state, and nothing else. */
	memset(value, 0xab, sizeof(value));
	assert_true(register_set(&r, 41, value));
	assert_true(r.xsave_changed && !r.general_changed);
	assert_int_equal(r.xsave[512], 2);
	assert_int_equal(register_get(&r, 40, value), 16);
	assert_int_equal(value[0], 0);
	for (n = 0; n < all; n++)
		assert_int_equal(register_get(&r, n, value), register_size(n));
	assert_int_equal(register_size(all), 0);
	assert_false(register_set(&r, all, value));
}

static void tags_are_whole(void **state)
{
	static struct registers r = {.xsave_size = 576};
	u8 value[REGISTER_BYTES];

	(void)state;
	registers_init(3);
	r.xsave[512] = 1;
	r.xsave[3] = 6 << 3; /* TOP is 6: two registers are used */
	r.xsave[4] = 0xc0;
	r.xsave[32 + 7] = 0x80; /* st0: 1.0 */
	r.xsave[32 + 8] = 0xff;
	r.xsave[32 + 9] = 0x3f;
	assert_int_equal(register_get(&r, 34, value), 4); /* st1 is zero */
	assert_int_equal(value[0] | value[1] << 8, 0x4fff);
}

static void signals_have_two_numbers(void **state)
{
	(void)state;
	assert_int_equal(signal_to_gdb(SIGSEGV), 11);
	assert_int_equal(signal_to_gdb(SIGBUS), 10);
	assert_int_equal(signal_to_gdb(SIGUSR1), 30);
	assert_int_equal(signal_to_gdb(34), 46);
	for (int sig = 1; sig <= 64; sig++)
		if (sig != SIGSTKFLT)
			assert_int_equal(signal_from_gdb(signal_to_gdb(sig)), sig);
	assert_int_equal(signal_from_gdb(143), 0);
	assert_int_equal(signal_from_gdb(0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_framed),
		cmocka_unit_test(long_packets_are_refused),
		cmocka_unit_test(replies_are_framed),
		cmocka_unit_test(binary_data_come_back),
		cmocka_unit_test(objects_are_paged),
		cmocka_unit_test(xfer_packets_are_read),
		cmocka_unit_test(thread_ids_are_read),
		cmocka_unit_test(vcont_goes_to_its_threads),
		cmocka_unit_test(points_and_ranges_are_read),
		cmocka_unit_test(registers_have_their_places),
		cmocka_unit_test(tags_are_whole),
		cmocka_unit_test(signals_have_two_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
