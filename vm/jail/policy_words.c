// SPDX-License-Identifier: MIT
/* The words of policies (policy_words.h), as options and as lines. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "vm/jail/policy_words.h"
#include "vm/vm.h"

static void *field(struct jail_policy *p, const struct policy_word *word)
{
	return (char *)p + word->at;
}

static int wrong(const struct policy_word *word, const struct policy_value *v, const char *wanted)
{
	policy_error(&v->place, word->word, "%s is not %s", v->text, wanted);
	return EXIT_USAGE;
}

static int out_of_memory(int err)
{
	if (err)
		message("no memory for the policy");
	return err ? EXIT_HOST : 0;
}

static int read_path(struct jail_policy *p, const struct policy_word *word,
		     const struct policy_value *v)
{
	if (!*v->text)
		return wrong(word, v, "a path");
	return out_of_memory(policy_add_path(p, word->kind, v->text, NULL, v->optional, &v->place));
}

/* SRC:DST. A colon in SRC has no escape, so the last one counts. */
static int read_bind(struct jail_policy *p, const struct policy_word *word,
		     const struct policy_value *v)
{
	const char *colon = strrchr(v->text, ':');
	char *source;
	int err;

	if (!colon || colon == v->text || colon[1] != '/')
		return wrong(word, v, "SRC:DST, where DST is absolute");
	source = strndup(v->text, (size_t)(colon - v->text));
	if (!source)
		return out_of_memory(-ENOMEM);
	err = policy_add_path(p, PATH_BIND, colon + 1, source, v->optional, &v->place);
	free(source);
	return out_of_memory(err);
}

/* A path that is kept as it is: the view resolves it. */
static int read_name(struct jail_policy *p, const struct policy_word *word,
		     const struct policy_value *v)
{
	if (!*v->text)
		return wrong(word, v, "a name");
	*(const char **)field(p, word) = v->text;
	return 0;
}

static int read_cwd(struct jail_policy *p, const struct policy_word *word,
		    const struct policy_value *v)
{
	if (v->text[0] != '/')
		return wrong(word, v, "an absolute path in the sandbox");
	return read_name(p, word, v);
}

static int read_hostname(struct jail_policy *p, const struct policy_word *word,
			 const struct policy_value *v)
{
	/* 64 bytes: uname(2). */
	if (strlen(v->text) > 64 ||
	    strspn(v->text, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") != strlen(v->text))
		return wrong(word, v, "a name of at most 64 letters, digits, dashes and dots");
	return read_name(p, word, v);
}

static int read_env(struct jail_policy *p, const struct policy_word *word,
		    const struct policy_value *v)
{
	if (!*v->text || v->text[0] == '=')
		return wrong(word, v, "NAME or NAME=VALUE");
	return out_of_memory(text_list_add(&p->env, v->text));
}

static int read_size(struct jail_policy *p, const struct policy_word *word,
		     const struct policy_value *v)
{
	u64 n = parse_size(v->text);

	if (!n)
		return wrong(word, v, "a size (K, M, G)");
	*(u64 *)field(p, word) = n;
	return 0;
}

static int read_count(struct jail_policy *p, const struct policy_word *word,
		      const struct policy_value *v)
{
	char *end;
	u64 n;

	errno = 0;
	n = strtoull(v->text, &end, 10);
	if (*v->text < '0' || *v->text > '9' || *end || errno || n < word->min || n > word->max)
		return wrong(word, v, "a number in the allowed range");
	*(u32 *)field(p, word) = (u32)n;
	return 0;
}

/* A number of CPUs with at most three digits behind the point. */
static int read_cpus(struct jail_policy *p, const struct policy_word *word,
		     const struct policy_value *v)
{
	size_t whole = strspn(v->text, "0123456789"), digits = 0;
	const char *point = v->text + whole;
	u64 thousandths = 0;

	if (*point == '.')
		digits = strspn(point + 1, "0123456789");
	if (whole == 0 || whole > 6 || (*point && (digits == 0 || digits > 3 || point[1 + digits])))
		return wrong(word, v, "a number of CPUs such as 2 or 0.5");
	for (const char *c = v->text; c < point; c++)
		thousandths = thousandths * 10 + (u64)(*c - '0');
	for (size_t i = 0; i < 3; i++)
		thousandths = thousandths * 10 + (i < digits ? (u64)(point[1 + i] - '0') : 0);
	if (thousandths < 10)
		return wrong(word, v, "at least 0.01");
	p->cpus = (u32)((thousandths + 999) / 1000);
	p->limits.cpu_share = thousandths % 1000 ? (u32)thousandths : 0;
	return 0;
}

static int read_flag(struct jail_policy *p, const struct policy_word *word,
		     const struct policy_value *v)
{
	(void)v;
	*(bool *)field(p, word) = true;
	return 0;
}

static int read_show(struct jail_policy *p, const struct policy_word *word,
		     const struct policy_value *v)
{
	if (v->text && strcmp(v->text, "json") != 0)
		return wrong(word, v, "json");
	p->show = true;
	p->show_json = v->text != NULL;
	return 0;
}

static int read_commit(struct jail_policy *p, const struct policy_word *word,
		       const struct policy_value *v)
{
	if (v->text && strcmp(v->text, "always") != 0)
		return wrong(word, v, "always");
	p->commit = true;
	p->commit_always = v->text != NULL;
	return 0;
}

static int read_diff(struct jail_policy *p, const struct policy_word *word,
		     const struct policy_value *v)
{
	if (v->text && strcmp(v->text, "patch") != 0)
		return wrong(word, v, "patch");
	p->diff = true;
	p->diff_patch = v->text != NULL;
	return 0;
}

static int read_dry_run(struct jail_policy *p, const struct policy_word *word,
			const struct policy_value *v)
{
	(void)word;
	p->diff = true;
	return out_of_memory(policy_add_path(p, PATH_OVERLAY, ".", NULL, false, &v->place));
}

static int read_policy(struct jail_policy *p, const struct policy_word *word,
		       const struct policy_value *v)
{
	(void)word;
	return policy_read_file(p, v->text);
}

/* An include is relative to the directory of the file that has it. */
static int read_include(struct jail_policy *p, const struct policy_word *word,
			const struct policy_value *v)
{
	const char *slash = v->place.file ? strrchr(v->place.file, '/') : NULL;
	char path[4096];
	int n;

	if (!*v->text)
		return wrong(word, v, "a file");
	if (v->text[0] == '/' || !slash)
		return policy_read_file(p, v->text);
	n = snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - v->place.file), v->place.file,
		     v->text);
	if (n < 0 || (size_t)n >= sizeof(path))
		return wrong(word, v, "a path of less than 4096 bytes");
	return policy_read_file(p, path);
}

static int read_profile(struct jail_policy *p, const struct policy_word *word,
			const struct policy_value *v)
{
	(void)word;
	return policy_read_profile(p, v->text, &v->place);
}

#define AT(f) .at = offsetof(struct jail_policy, f)

/* clang-format off */
const struct policy_word policy_words[] = {
	{.word = "read", .letter = 'r', .value_name = "PATH", .read = read_path, .kind = PATH_READ,
	 .takes_mark = true, .help = "PATH and what is below it may be read and executed"},
	{.word = "write", .letter = 'w', .value_name = "PATH", .read = read_path, .kind = PATH_WRITE,
	 .takes_mark = true, .help = "... read and changed"},
	{.word = "protect", .value_name = "PATH", .read = read_path, .kind = PATH_PROTECT,
	 .takes_mark = true, .help = "... only read, although it is below a --write"},
	{.word = "deny", .value_name = "PATH", .read = read_path, .kind = PATH_DENY,
	 .takes_mark = true, .help = "... not reached (EACCES), whatever else is allowed"},
	{.word = "hide", .value_name = "PATH", .read = read_path, .kind = PATH_HIDE,
	 .takes_mark = true, .help = "... not seen (ENOENT), whatever else is allowed"},
	{.word = "tmpfs", .value_name = "PATH", .read = read_path, .kind = PATH_TMPFS,
	 .help = "an empty directory of the sandbox's own"},
	{.word = "overlay", .value_name = "DIR", .read = read_path, .kind = PATH_OVERLAY,
	 .help = "a copy of DIR that may be changed"},
	{.word = "diff", .value_name = "patch", .value_optional = true, .read = read_diff,
	 .help = "print what the program changed in the copies (patch: for patch(1))"},
	{.word = "layer", .value_name = "DIR", .read = read_name, AT(layer),
	 .help = "keep the changes of --overlay in DIR, for the next run with it"},
	{.word = "commit", .value_name = "always", .value_optional = true, .read = read_commit,
	 .help = "write that back if the program ended with 0 (always: in any case)"},
	{.word = "dry-run", .read = read_dry_run, .where = WORD_OPTION,
	 .help = "--overlay=. --diff"},
	{.word = "bind", .value_name = "SRC:DST", .read = read_bind, .kind = PATH_BIND,
	 .takes_mark = true, .help = "the host's SRC is DST; read-only without --write=DST"},
	{.word = "root", .value_name = "DIR", .read = read_name, AT(root),
	 .help = "the host's DIR is /, read-only without --write=/"},
	{.word = "cwd", .value_name = "PATH", .read = read_cwd, AT(cwd),
	 .help = "working directory, in the sandbox"},
	{.word = "env", .value_name = "NAME[=VALUE]", .read = read_env,
	 .help = "a variable of the environment; without VALUE as it is here"},
	{.word = "hostname", .value_name = "NAME", .read = read_hostname, AT(hostname),
	 .help = "the sandbox's name (default sandbox)"},
	{.word = "as-root", .read = read_flag, AT(as_root),
	 .help = "the program is user 0 of its own world; owners are set in copies only"},
	{.word = "mem", .value_name = "SIZE", .read = read_size, AT(mem),
	 .help = "most RAM (K, M, G; default 2G)"},
	{.word = "pids", .value_name = "N", .read = read_count, AT(pids), .min = 1,
	 .max = UINT32_MAX, .help = "most processes and threads (default 256)"},
	{.word = "fds", .value_name = "N", .read = read_count, AT(fds), .min = 16,
	 .max = UINT32_MAX, .help = "most open files together (default 1024)"},
	{.word = "cpus", .value_name = "N", .read = read_cpus,
	 .help = "CPUs that threads run on at a time; 0.5 is half of one's time"},
	{.word = "fsize", .value_name = "SIZE", .read = read_size, AT(limits.fsize),
	 .help = "largest file that may be written"},
	{.word = "disk", .value_name = "SIZE", .read = read_size, AT(limits.disk),
	 .help = "most bytes that may be written to files"},
	{.word = "time", .value_name = "TIME", .read = policy_read_duration, AT(limits.time_ns),
	 .help = "longest run (seconds; ms, s, m, h); the exit status is then 124"},
	{.word = "cpu-time", .value_name = "TIME", .read = policy_read_duration,
	 AT(limits.cpu_ns), .help = "most CPU time; the exit status is then 76"},
	{.word = "net", .value_name = "host", .read = policy_read_net,
	 .help = "the host's network without rules"},
	{.word = "allow-net", .value_name = "HOST[:PORTS]", .read = policy_read_net_rule,
	 .help = "connect there by TCP; also a network, or :PORTS"},
	{.word = "deny-net", .value_name = "HOST[:PORTS]", .read = policy_read_net_rule, .min = 1,
	 .help = "... not, whatever else is allowed"},
	{.word = "proxy", .read = read_flag, AT(proxy),
	 .help = "connect by name, through a proxy of HTTP and SOCKS5, and to nothing else"},
	{.word = "allow-listen", .value_name = "PORTS", .read = policy_read_listen,
	 .help = "accept TCP connections there; PORT, LOW-HIGH or a list"},
	{.word = "require", .value_name = "WALLS", .read = policy_read_walls,
	 AT(walls.required), .help = "fail unless these walls hold: a list (see -v)"},
#ifdef BUFFERVM_WALLS_TEST
	{.word = "without-wall", .value_name = "WALLS", .read = policy_read_walls,
	 AT(walls.without), .where = WORD_OPTION, .help = "do not raise them (a test build)"},
#endif
	{.word = "no-defaults", .read = read_flag, AT(no_defaults),
	 .help = "allow only what is said explicitly"},
	{.word = "profile", .value_name = "NAME", .read = read_profile,
	 .help = "the policy file of this name that is installed"},
	{.word = "include", .value_name = "FILE", .read = read_include, .where = WORD_FILE},
	{.word = "learn", .value_name = "FILE", .read = read_name, AT(learn), .where = WORD_OPTION,
	 .help = "let the program read everything, work on a copy, and write a policy of what it used"},
	{.word = "merge", .value_name = "OLD", .read = read_name, AT(merge), .where = WORD_OPTION,
	 .help = "with --learn: begin with the policy file OLD, and add what it does not allow"},
	{.word = "collapse", .value_name = "N", .read = read_count, AT(collapse), .min = 1,
	 .max = UINT32_MAX, .where = WORD_OPTION,
	 .help = "with --learn: a directory stands for more than N paths (default 8)"},
	{.word = "quiet", .read = read_flag, AT(quiet), .where = WORD_OPTION,
	 .help = "no lines at the end on what was refused"},
	{.word = "audit", .value_name = "FILE", .read = read_name, AT(audit), .where = WORD_OPTION,
	 .help = "write each refusal as a line of JSON"},
	{.word = "policy", .value_name = "FILE", .read = read_policy, .where = WORD_OPTION,
	 .help = "read options from FILE, one a line, without the dashes"},
	{.word = "show", .value_name = "json", .value_optional = true, .read = read_show,
	 .where = WORD_OPTION, .help = "print the policy as a file for --policy, and end"},
	{.word = "used", .value_name = "FILE", .read = read_name, AT(used), .where = WORD_OPTION,
	 .help = "with --show: compare with what a run used, as --learn or --audit wrote it"},
};
/* clang-format on */
const u32 policy_word_count = ARRAY_SIZE(policy_words);
_Static_assert(ARRAY_SIZE(policy_words) <= POLICY_OPTIONS_MAX, "the header says how many fit");

const struct policy_word *policy_word_find(const char *text, size_t len)
{
	for (u32 i = 0; i < policy_word_count; i++) {
		const struct policy_word *w = &policy_words[i];

		if (w->where != WORD_OPTION && strlen(w->word) == len &&
		    !memcmp(w->word, text, len))
			return w;
	}
	return NULL;
}

u32 policy_options_table(struct option to[POLICY_OPTIONS_MAX])
{
	u32 n = 0;

	for (u32 i = 0; i < policy_word_count; i++) {
		const struct policy_word *w = &policy_words[i];

		if (w->where == WORD_FILE)
			continue;
		to[n++] = (struct option){
			.name = w->word,
			.has_arg = !w->value_name      ? no_argument
				   : w->value_optional ? optional_argument
						       : required_argument,
			.val = POLICY_OPTION_FIRST + (int)i,
		};
	}
	return n;
}

const char *policy_option_letters(void)
{
	static char letters[2 * ARRAY_SIZE(policy_words) + 1];
	char *to = letters;

	for (u32 i = 0; i < policy_word_count; i++)
		if (policy_words[i].letter) {
			*to++ = policy_words[i].letter;
			if (policy_words[i].value_name)
				*to++ = ':';
		}
	*to = '\0';
	return letters;
}

/* Returns the word of an option, NULL if c is none. */
static const struct policy_word *word_of(int c)
{
	for (u32 i = 0; i < policy_word_count; i++)
		if (c == POLICY_OPTION_FIRST + (int)i ||
		    (policy_words[i].letter && c == policy_words[i].letter))
			return &policy_words[i];
	return NULL;
}

bool policy_is_option(int c)
{
	return word_of(c) != NULL;
}

int policy_option(struct jail_policy *p, int c, const char *value)
{
	const struct policy_word *w = word_of(c);

	return w->read(p, w, &(struct policy_value){.text = value});
}

void policy_options_help(FILE *to)
{
	for (u32 i = 0; i < policy_word_count; i++) {
		const struct policy_word *w = &policy_words[i];
		char left[64];
		int n = 0;

		if (w->where == WORD_FILE)
			continue;
		if (w->letter)
			n = snprintf(left, sizeof(left), "-%c, ", w->letter);
		snprintf(left + n, sizeof(left) - (size_t)n,
			 w->value_optional ? "--%s[=%s]" : "--%s%s%s", w->word,
			 !w->value_name	     ? ""
			 : w->value_optional ? w->value_name
					     : "=",
			 w->value_name ? w->value_name : "");
		fprintf(to, "  %-22s %s\n", left, w->help);
	}
}

/* What other tools call it: bubblewrap, sandlock, landrun, docker, deno, jai, srt. */
const char *policy_did_you_mean(const char *option)
{
	static const struct {
		const char *theirs, *ours;
	} known[] = {
		{"--ro-bind", "-r PATH, or --bind SRC:DST"},
		{"--ro", "-r PATH"},
		{"--rox", "-r PATH"},
		{"--rw", "-w PATH"},
		{"--rwx", "-w PATH"},
		{"--allow-read", "-r PATH"},
		{"--allow-write", "-w PATH"},
		{"--allowWrite", "-w PATH"},
		{"--deny-read", "--deny PATH"},
		{"--deny-write", "--protect PATH"},
		{"--denyRead", "--deny PATH"},
		{"--volume", "--bind SRC:DST"},
		{"--mount", "--bind SRC:DST"},
		{"--workdir", "--cwd PATH"},
		{"--chdir", "--cwd PATH"},
		{"--setenv", "--env NAME=VALUE"},
		{"--allow-env", "--env NAME"},
		{"--clearenv", "no option: the environment is clean"},
		{"--read-only", "no option: what is not given by -w is read-only"},
		{"--memory", "--mem SIZE"},
		{"--pids-limit", "--pids N"},
		{"--files", "--fds N"},
		{"--mask", "--hide PATH"},
		{"--timeout", "--time TIME"},
		{"-t", "--time TIME"},
		{"--net-allow", "--allow-net HOST:PORT"},
		{"--connect-tcp", "--allow-net :PORT"},
		{"--allowedDomains", "--allow-net HOST:PORT"},
		{"--net-deny", "--deny-net HOST"},
		{"--bind-tcp", "--allow-listen PORT"},
		{"--network", "--net=host; without it there is none"},
		{"--share-net", "--net=host"},
		{"--unshare-net", "no option: without --net and --allow-net there is no network"},
		{"--conf", "--policy FILE"},
		{"-d", "-w PATH"},
		{"-m", "--mem SIZE"},
		{"-P", "--pids N"},
		{"-e", "--env NAME=VALUE"},
		{"-p", "--policy FILE"},
	};
	size_t len = strcspn(option, "=");

	/* A short option may have its value attached. */
	if (option[0] == '-' && option[1] != '-')
		len = MIN(len, (size_t)2);
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i].theirs) == len && !memcmp(known[i].theirs, option, len))
			return known[i].ours;
	return NULL;
}
