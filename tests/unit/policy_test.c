// SPDX-License-Identifier: MIT
/*
 * Do options and lines of policy files make the same policy, does what is shown read back as the
 * same policy, and does each wrong line have its message with file, line and column?
 * sources: vm/jail/policy.c vm/jail/policy_words.c vm/jail/policy_file.c vm/jail/policy_show.c
 * sources: vm/jail/policy_network.c vm/jail/net_rules.c vm/jail/walls_names.c
 * sources: vm/jail/policy_used.c
 * libraries: json-c
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "vm/jail/policy.h"
#include "vm/vm.h"

static char last[4096];

/* The monitor's, see vm/vm.h. */
void message(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last, sizeof(last), fmt, ap);
	va_end(ap);
}

const char *host_error(int error)
{
	return strerror(error);
}

u64 parse_size(const char *text)
{
	char *end;
	u64 n = strtoull(text, &end, 10);

	return *end == 'M' && !end[1] ? n << 20 : *end ? 0 : n;
}

/* Memory of a policy is kept until the process ends; LeakSanitizer has to know that. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static int read_text(struct jail_policy *p, const char *text)
{
	char *copy = strdup(text);
	int ret;

	last[0] = '\0';
	ret = policy_read_text(p, "dir/x.policy", copy);
	free(copy);
	return ret;
}

static int option_value(const char *name)
{
	struct option rows[POLICY_OPTIONS_MAX];
	u32 n = policy_options_table(rows);

	for (u32 i = 0; i < n; i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].val;
	fail();
	return -1;
}

static char *shown(const struct jail_policy *p)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	policy_show(p, to);
	fclose(to);
	return text;
}

static void an_option_and_a_line_mean_the_same(void **state)
{
	struct jail_policy a = {.no_defaults = true}, b = {.no_defaults = true};

	(void)state;
	assert_int_equal(policy_option(&a, 'r', "/usr"), 0);
	assert_int_equal(policy_option(&a, option_value("write"), "/a b//c/./d/../#e"), 0);
	assert_int_equal(policy_option(&a, option_value("bind"), "/x:y:/z"), 0);
	assert_int_equal(policy_option(&a, option_value("env"), "A=b c"), 0);
	assert_int_equal(policy_option(&a, option_value("mem"), "64M"), 0);
	assert_int_equal(policy_option(&a, option_value("pids"), "7"), 0);
	assert_int_equal(read_text(&b, "read /usr  # the system\n"
				       "\n# a comment\n"
				       "\twrite \"/a b/c/#e\"\n"
				       "bind /x:y:/z\n"
				       "env A=b c\n"
				       "mem 64M\n"
				       "pids 7"),
			 0);
	assert_string_equal(shown(&a), shown(&b));
	assert_string_equal(a.paths.rule[1].path, "/a b/c/#e");
	assert_string_equal(a.paths.rule[2].source, "/x:y");
	assert_string_equal(a.paths.rule[2].path, "/z");
	assert_int_equal(b.pids, 7);
	assert_int_equal(b.mem, 64 << 20);
}

static void what_is_shown_reads_back(void **state)
{
	static const char *const odd[] = {"/a?", "/ b", "/c\nd", "/\"e\"\\", "/f #g", "/h\x01"};
	struct jail_policy a = {.no_defaults = true}, b = {0};
	char *text;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(odd); i++)
		assert_int_equal(policy_option(&a, option_value(i % 2 ? "hide" : "read"), odd[i]),
				 0);
	a.cwd = "/w x";
	text = shown(&a);
	assert_int_equal(read_text(&b, text), 0);
	assert_true(b.no_defaults);
	assert_string_equal(shown(&b), text);
	for (u32 i = 0; i < ARRAY_SIZE(odd); i++) {
		assert_string_equal(b.paths.rule[i].path, odd[i]);
		assert_false(b.paths.rule[i].optional);
	}
}

static void network_limits_and_walls_read_back(void **state)
{
	struct jail_policy a = {.no_defaults = true}, b = {0};
	char *text;

	(void)state;
	assert_int_equal(policy_option(&a, option_value("allow-net"), "example.org:80,443"), 0);
	assert_int_equal(policy_option(&a, option_value("allow-net"), "[2001:db8::/32]:1-9"), 0);
	assert_int_equal(policy_option(&a, option_value("deny-net"), "10.0.0.0/8"), 0);
	assert_int_equal(policy_option(&a, option_value("allow-listen"), "80,9000-9010"), 0);
	assert_int_equal(policy_option(&a, option_value("time"), "1.5"), 0);
	assert_int_equal(policy_option(&a, option_value("cpu-time"), "250ms"), 0);
	assert_int_equal(policy_option(&a, option_value("disk"), "64M"), 0);
	assert_int_equal(policy_option(&a, option_value("fsize"), "64M"), 0);
	assert_int_equal(policy_option(&a, option_value("require"), "seccomp,netns"), 0);
	assert_int_equal(a.limits.time_ns, 1500000000);
	assert_int_equal(a.limits.cpu_ns, 250000000);
	assert_true(a.net.rule[2].deny);
	text = shown(&a);
	assert_int_equal(read_text(&b, text), 0);
	assert_string_equal(shown(&b), text);
	assert_int_equal(b.net.count, 3);
	assert_int_equal(b.net.listen_count, 2);
	assert_int_equal(b.walls.required, WALL_BIT(WALL_seccomp) | WALL_BIT(WALL_netns));
}

static void values_that_are_none(void **state)
{
	static const struct {
		const char *option, *value;
	} wrong[] = {
		{"time", "0"},	       {"time", "1x"},	     {"time", ""},
		{"time", "-1"},	       {"time", "1.2.3"},    {"cpu-time", "s"},
		{"net", "guest"},      {"allow-net", "a b"}, {"deny-net", ""},
		{"allow-listen", "x"}, {"require", "brick"}, {"require", ""},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct jail_policy p = {0};

		assert_int_not_equal(
			policy_option(&p, option_value(wrong[i].option), wrong[i].value), 0);
	}
}

static void defaults_read_back_too(void **state)
{
	struct jail_policy a = {0}, b = {0};
	char *text;

	(void)state;
	assert_int_equal(policy_complete(&a, "/bin/true"), 0);
	text = shown(&a);
	assert_int_equal(read_text(&b, text), 0);
	assert_int_equal(policy_complete(&b, "/bin/true"), 0);
	assert_string_equal(shown(&b), text);
}

static void a_mark_makes_a_path_optional(void **state)
{
	struct jail_policy p = {0};

	(void)state;
	assert_int_equal(read_text(&p, "read /a?\nread \"/b\"?  # c\nread /d ?\nread \"/e?\"\n"),
			 0);
	assert_int_equal(p.paths.count, 4);
	assert_true(p.paths.rule[0].optional);
	assert_string_equal(p.paths.rule[0].path, "/a");
	assert_true(p.paths.rule[1].optional);
	assert_string_equal(p.paths.rule[1].path, "/b");
	assert_false(p.paths.rule[3].optional);
	assert_string_equal(p.paths.rule[3].path, "/e?");
}

static void wrong_lines_are_named(void **state)
{
	static const struct {
		const char *text, *message;
	} wrong[] = {
		{"read /a\n  raed /b\n", "dir/x.policy:2:3: raed: no such word"},
		{"read\n", "dir/x.policy:1:5: read: a value is missing"},
		{"read  # x\n", "dir/x.policy:1:7: read: a value is missing"},
		{"read \"/a\n", "dir/x.policy:1:9: read: wrong quotes"},
		{"read \"/a\\q\"\n", "dir/x.policy:1:9: read: wrong quotes"},
		{"read \"/a\\x00\"\n", "dir/x.policy:1:9: read: wrong quotes"},
		{"read \"/a\" b\n", "dir/x.policy:1:11: read: something follows the value"},
		{"no-defaults yes\n", "dir/x.policy:1:13: no-defaults: no value is wanted"},
		{"\n\npids none\n",
		 "dir/x.policy:3:6: pids: none is not a number in the allowed range"},
		{"pids -1\n", "dir/x.policy:1:6: pids: -1 is not a number in the allowed range"},
		{"pids 4294967296\n",
		 "dir/x.policy:1:6: pids: 4294967296 is not a number in the allowed range"},
		{"cpus 0.001\n", "dir/x.policy:1:6: cpus: 0.001 is not at least 0.01"},
		{"cpus 1.\n",
		 "dir/x.policy:1:6: cpus: 1. is not a number of CPUs such as 2 or 0.5"},
		{"cpus 0.1234\n",
		 "dir/x.policy:1:6: cpus: 0.1234 is not a number of CPUs such as 2 or 0.5"},
		{"diff lines\n", "dir/x.policy:1:6: diff: lines is not patch"},
		{"mem 4G4\n", "dir/x.policy:1:5: mem: 4G4 is not a size (K, M, G)"},
		{"bind /a\n", "dir/x.policy:1:6: bind: /a is not SRC:DST, where DST is absolute"},
		{"bind /a:b\n",
		 "dir/x.policy:1:6: bind: /a:b is not SRC:DST, where DST is absolute"},
		{"cwd a\n", "dir/x.policy:1:5: cwd: a is not an absolute path in the sandbox"},
		{"show\n", "dir/x.policy:1:1: show: no such word"},
		{"policy x\n", "dir/x.policy:1:1: policy: no such word"},
		{"include none\n", "policy file dir/none: No such file or directory"},
		{"profile ../x\n", "dir/x.policy:1:9: profile: ../x is not the name of a profile"},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct jail_policy p = {0};

		assert_int_equal(read_text(&p, wrong[i].text), EXIT_USAGE);
		assert_string_equal(last, wrong[i].message);
	}
}

static void contradictions_are_errors(void **state)
{
	static const struct {
		const char *text;
		bool wrong;
	} pairs[] = {
		{"read /a\nread /a\n", false},	    {"read /a\nwrite /a\n", false},
		{"read /a\ndeny /a\n", true},	    {"hide /a\ndeny /a\n", true},
		{"tmpfs /a\nbind /b:/a\n", true},   {"bind /b:/a\nwrite /a\n", false},
		{"bind /b:/a\nbind /c:/a\n", true}, {"protect /a\nwrite /a\n", true},
		{"read /a\ndeny /a/b\n", false},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct jail_policy p = {0};

		assert_int_equal(read_text(&p, pairs[i].text), 0);
		assert_int_equal(policy_complete(&p, NULL), pairs[i].wrong ? EXIT_USAGE : 0);
		if (pairs[i].wrong)
			assert_non_null(strstr(last, "dir/x.policy:2:"));
	}
}

static void a_default_gives_way_to_what_is_said(void **state)
{
	struct jail_policy p = {0};
	u32 tmp = 0, shadow = 0;

	(void)state;
	assert_int_equal(read_text(&p, "write /tmp\nread /etc/shadow\n"), 0);
	assert_int_equal(policy_complete(&p, NULL), 0);
	for (u32 i = 0; i < p.paths.count; i++) {
		const struct path_rule *r = &p.paths.rule[i];

		tmp += !strcmp(r->path, "/tmp");
		shadow += !strcmp(r->path, "/etc/shadow");
		assert_false(!strcmp(r->path, "/tmp") && r->kind != PATH_WRITE);
		assert_false(!strcmp(r->path, "/etc/shadow") && r->kind != PATH_READ);
	}
	assert_int_equal(tmp, 1);
	assert_int_equal(shadow, 1);
}

/* The working directory is a default only if it is not a home, /tmp or above one of these. */
static void a_wide_directory_is_no_default(void **state)
{
	static const char *const wide[] = {"/", "/tmp", "/var", "/home"};
	char dir[] = "/tmp/policy.XXXXXX";
	char *old = getcwd(NULL, 0);

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (u32 i = 0; i <= ARRAY_SIZE(wide); i++) {
		const char *path = i < ARRAY_SIZE(wide) ? wide[i] : dir;
		struct jail_policy p = {0};
		bool found = false;

		if (chdir(path))
			continue;
		last[0] = '\0';
		assert_int_equal(policy_complete(&p, NULL), 0);
		for (u32 k = 0; k < p.paths.count; k++)
			found |= !strcmp(p.paths.rule[k].path, path) &&
				 p.paths.rule[k].kind == PATH_READ;
		assert_int_equal(found, path == dir);
		assert_int_equal(last[0] == '\0', path == dir);
	}
	assert_int_equal(chdir(old), 0);
	free(old);
	rmdir(dir);
}

static void other_tools_words_are_known(void **state)
{
	(void)state;
	assert_string_equal(policy_did_you_mean("--ro-bind=/a"), "-r PATH, or --bind SRC:DST");
	assert_string_equal(policy_did_you_mean("-m64"), "--mem SIZE");
	assert_null(policy_did_you_mean("--ro-bind-x"));
	assert_null(policy_did_you_mean("--read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_and_a_line_mean_the_same),
		cmocka_unit_test(what_is_shown_reads_back),
		cmocka_unit_test(network_limits_and_walls_read_back),
		cmocka_unit_test(values_that_are_none),
		cmocka_unit_test(defaults_read_back_too),
		cmocka_unit_test(a_mark_makes_a_path_optional),
		cmocka_unit_test(wrong_lines_are_named),
		cmocka_unit_test(contradictions_are_errors),
		cmocka_unit_test(a_default_gives_way_to_what_is_said),
		cmocka_unit_test(a_wide_directory_is_no_default),
		cmocka_unit_test(other_tools_words_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
