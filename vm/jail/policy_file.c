// SPDX-License-Identifier: MIT
/*
 * Policy files: a word and its value on each line, "#" begins a comment at the start of a line or
 * after a space. A value with other than plain characters stands in double quotes, in which \", \\,
 * \n, \t and \xHH are known. A "?" directly behind a path means that it may be missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "vm/jail/policy_words.h"
#include "vm/vm.h"

#define FILE_MAX     (1 << 20) /* a larger policy is a mistake */
#define INCLUDES_MAX 16

#ifndef BUFFERVM_DATADIR
#define BUFFERVM_DATADIR "/usr/local/share"
#endif

static int include_depth;

void policy_error(const struct policy_place *place, const char *word, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (place->file)
		message("%s:%u:%u: %s%s%s", place->file, place->line, place->column,
			word ? word : "", word ? ": " : "", text);
	else
		message("%s%s%s%s", word ? "--" : "", word ? word : "", word ? ": " : "", text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Reads a quoted value in place; *at points behind the first quote, and behind the last one
 * afterwards. Returns false if it is wrong there.
 */
static bool unquote(char **at)
{
	static const char names[] = "\"\\nt", values[] = "\"\\\n\t";
	char *from = *at, *to = *at;

	for (; *from != '"'; from++) {
		const char *name;

		*at = from;
		if (*from == '\0')
			return false;
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		from++;
		name = *from ? strchr(names, *from) : NULL;
		if (name) {
			*to++ = values[name - names];
		} else if (*from == 'x' && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0 &&
			   (from[1] != '0' || from[2] != '0')) {
			*to++ = (char)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
			from += 2;
		} else {
			return false;
		}
	}
	*at = from + 1;
	*to = '\0';
	return true;
}

/* Replaces "~/..." by the home directory. Returns an allocated string, NULL if memory is out. */
static char *home_path(const char *text)
{
	const char *home = getenv("HOME");
	char *path;

	if (text[0] != '~' || text[1] != '/' || !home)
		return strdup(text);
	return asprintf(&path, "%s%s", home, text + 1) < 0 ? NULL : path;
}

/*
 * Reads the value of a word at *at, in place; *at points to where the line is wrong if that is so.
 * Returns NULL if nothing is wrong, else what is.
 */
static const char *read_value(const struct policy_word *word, char **at, struct policy_value *v)
{
	bool quoted = **at == '"';
	char *start = *at + quoted, *end;

	if (quoted) {
		*at = start;
		if (!unquote(at))
			return "wrong quotes";
		end = *at;
	} else {
		for (end = start; *end && !(*end == '#' && (end == start || is_blank(end[-1])));)
			end++;
		*end = '\0'; /* the comment */
		while (end > start && is_blank(end[-1]))
			*--end = '\0';
		if (end > start && end[-1] == '?' && word->takes_mark)
			end--;
	}
	if (*end == '?' && word->takes_mark) {
		v->optional = true;
		*end++ = '\0';
	}
	while (is_blank(*end))
		end++;
	if (*end && *end != '#') {
		*at = end;
		return "something follows the value";
	}
	if (!word->value_name)
		return *start || quoted ? "no value is wanted" : NULL;
	if (!*start && !quoted)
		return word->value_optional ? NULL : "a value is missing";
	v->text = start;
	return NULL;
}

/* Reads one line without its newline. Returns 0 or EXIT_USAGE after a message. */
static int read_line(struct jail_policy *p, struct policy_place place, char *line)
{
	struct policy_value v = {0};
	const struct policy_word *word;
	const char *error;
	size_t len;
	char *at = line + strspn(line, " \t");

	if (*at == '\0' || *at == '#')
		return 0;
	len = strcspn(at, " \t");
	place.column = (u32)(at - line) + 1;
	word = policy_word_find(at, len);
	if (!word) {
		policy_error(&place, NULL, "%.*s: no such word", (int)len, at);
		return EXIT_USAGE;
	}
	at += len;
	at += strspn(at, " \t");
	v.place = place;
	v.place.column = (u32)(at - line) + 1;
	error = read_value(word, &at, &v);
	if (error) {
		place.column = (u32)(at - line) + 1;
		policy_error(&place, word->word, "%s", error);
		return EXIT_USAGE;
	}
	if (v.text)
		v.text = home_path(v.text);
	return word->value_name && !word->value_optional && !v.text ? EXIT_HOST
								    : word->read(p, word, &v);
}

int policy_read_text(struct jail_policy *p, const char *name, char *text)
{
	struct policy_place place = {.file = strdup(name)};
	char *line;
	int ret = 0;

	if (!place.file)
		return EXIT_HOST;
	while (ret == 0 && (line = strsep(&text, "\n"))) {
		place.line++;
		ret = read_line(p, place, line);
	}
	return ret;
}

/* Reads a whole file. Returns an allocated string, or NULL with errno. */
static char *read_whole(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *text = NULL;
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		errno = EISDIR;
	else if ((text = calloc(1, FILE_MAX + 1)))
		while (used < FILE_MAX && (n = read(fd, text + used, FILE_MAX - used)) > 0)
			used += (size_t)n;
	if (text && (n < 0 || used == FILE_MAX || strlen(text) != used)) {
		errno = n < 0 ? errno : used == FILE_MAX ? EFBIG : EINVAL;
		free(text);
		text = NULL;
	}
	close(fd);
	return text;
}

int policy_read_file(struct jail_policy *p, const char *path)
{
	char *text;
	int ret;

	if (include_depth == INCLUDES_MAX) {
		message("%s: policy files include each other", path);
		return EXIT_USAGE;
	}
	text = read_whole(path);
	if (!text) {
		message("policy file %s: %s", path, strerror(errno));
		return EXIT_USAGE;
	}
	include_depth++;
	ret = policy_read_text(p, path, text);
	include_depth--;
	free(text);
	return ret;
}

int policy_read_profile(struct jail_policy *p, const char *name, const struct policy_place *place)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	char path[3][4096] = {"", "", ""};

	if (!*name || strchr(name, '/') || name[0] == '.') {
		policy_error(place, "profile", "%s is not the name of a profile", name);
		return EXIT_USAGE;
	}
	snprintf(path[0], sizeof(path[0]), "%s/buffervm/profiles/%s.policy", BUFFERVM_DATADIR,
		 name);
	if (config && config[0] == '/')
		snprintf(path[1], sizeof(path[1]), "%s/buffervm/profiles/%s.policy", config, name);
	else if (home && home[0] == '/')
		snprintf(path[1], sizeof(path[1]), "%s/.config/buffervm/profiles/%s.policy", home,
			 name);
	for (u32 i = 0; i < 2; i++)
		if (path[i][0] && access(path[i], F_OK) == 0)
			return policy_read_file(p, path[i]);
	policy_error(place, "profile", "there is no %s%s%s", path[0], path[1][0] ? " and no " : "",
		     path[1]);
	return EXIT_USAGE;
}
