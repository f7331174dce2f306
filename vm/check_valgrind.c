// SPDX-License-Identifier: MIT
/*
 * The command buffervm-check: `buffervm check` under a name of its own, for programs that can start
 * one command with Valgrind's options, such as CTest's memcheck. Valgrind's options become ours;
 * those that change nothing here are dropped; ours are taken, too.
 */
#include <stdlib.h>
#include <string.h>
#include "vm/check.h"

/* Options of memcheck, up to and with '=', and what stands for them; NULL: nothing. */
static const struct {
	const char *theirs, *ours;
} options[] = {
	/* With --tool the caller reads the log as memcheck writes it, and tests run to their end.
	 */
	{"--tool=memcheck", "--format=valgrind"},
	{"-q", "--quiet"},
	{"--leak-check=no", "--leaks=no"},
	{"--leak-check=summary", "--leaks=definite"},
	{"--leak-check=yes", "--leaks=definite"},
	{"--leak-check=full", "--leaks=definite"},
	{"--show-reachable=yes", "--leaks=reachable"},
	{"--show-reachable=no", NULL},
	{"--show-leak-kinds=all", "--leaks=reachable"},
	{"--show-leak-kinds=", NULL},
	{"--errors-for-leak-kinds=", NULL},
	{"--gen-suppressions=no", NULL},
	{"--gen-suppressions=", "--gen-suppressions"},
	{"--num-callers=", "--depth="},
	{"--xml=no", NULL},
	{"--xml=yes", NULL},
	{"--xml-file=", "--xml="},
	{"--trace-children=", NULL},
	{"--track-origins=", NULL},
	{"--track-fds=", NULL},
	{"--undef-value-errors=", NULL},
	{"--leak-resolution=", NULL},
	{"--read-var-info=", NULL},
	{"--demangle=", NULL},
	{"--child-silent-after-fork=", NULL},
	{"--keep-stacktraces=", NULL},
	{"--keep-debuginfo=", NULL},
	{"--run-libc-freeres=", NULL},
	{"--malloc-fill=", NULL},
	{"--free-fill=", NULL},
	{"--num-transtab-sectors=", NULL},
	{"--fair-sched=", NULL},
	{"--max-stackframe=", NULL},
	{"--main-stacksize=", NULL},
	{"--sim-hints=", NULL},
	{"--verbose", "-v"},
};

/* Returns the argument that stands for one of Valgrind's, the argument itself, or NULL. */
static char *translated(char *argument)
{
	for (u32 i = 0; i < ARRAY_SIZE(options); i++) {
		size_t len = strlen(options[i].theirs);
		bool has_value = options[i].theirs[len - 1] == '=';
		const char *ours = options[i].ours;
		char *text = NULL;

		if (has_value ? strncmp(argument, options[i].theirs, len)
			      : strcmp(argument, options[i].theirs))
			continue;
		if (!ours)
			return NULL;
		if (ours[strlen(ours) - 1] != '=')
			return strdup(ours);
		if (asprintf(&text, "%s%s", ours, argument + len) < 0)
			return NULL;
		return text;
	}
	return argument;
}

bool check_is_command(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcmp(slash ? slash + 1 : name, "buffervm-check") == 0;
}

char **check_command_arguments(int argc, char **argv, int *count)
{
	static char check[] = "check", keep_going[] = "--keep-going";
	static char exitcode[] = "--error-exitcode=0";
	char **to = calloc((size_t)argc + 4, sizeof(*to));
	int i = 1, n = 0;

	if (!to)
		return NULL;
	to[n++] = argv[0];
	to[n++] = check;
	for (int k = 1; k < argc && argv[k][0] == '-'; k++)
		if (strncmp(argv[k], "--tool=", 7) == 0) {
			to[n++] = keep_going;
			to[n++] = exitcode;
			break;
		}
	for (; i < argc && argv[i][0] == '-'; i++) {
		char *text = translated(argv[i]);

		if (strcmp(argv[i], "--") == 0)
			break;
		if (text)
			to[n++] = text;
	}
	while (i < argc)
		to[n++] = argv[i++];
	*count = n;
	return to;
}
