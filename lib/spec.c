// SPDX-License-Identifier: MIT
/* Descriptions of runs: lists of strings (buffervm.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/spec.h"

#define TEXT(x)	 #x
#define VALUE(x) TEXT(x)

const char *buffervm_version(void)
{
	return VALUE(BUFFERVM_VERSION_MAJOR) "." VALUE(BUFFERVM_VERSION_MINOR) "." VALUE(
		BUFFERVM_VERSION_PATCH);
}

int buffervm_strings_add(struct strings *list, const char *text)
{
	char **more, *copy;

	if (!text)
		return -EINVAL;
	/* The array always has space for the NULL at its end. */
	if (list->count + 2 > list->space) {
		size_t space = list->space ? 2 * list->space : 8;

		more = reallocarray(list->text, space, sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->text = more;
		list->space = space;
	}
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	list->text[list->count++] = copy;
	list->text[list->count] = NULL;
	return 0;
}

static void strings_free(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->text[i]);
	free(list->text);
}

struct buffervm_spec *buffervm_spec_new(const char *program)
{
	struct buffervm_spec *spec = program ? calloc(1, sizeof(*spec)) : NULL;

	if (!spec)
		return NULL;
	for (int fd = 0; fd < STANDARD_FDS; fd++)
		spec->fd[fd] = fd;
	if (buffervm_strings_add(&spec->args, program) < 0) {
		buffervm_spec_free(spec);
		return NULL;
	}
	return spec;
}

void buffervm_spec_free(struct buffervm_spec *spec)
{
	if (!spec)
		return;
	strings_free(&spec->args);
	strings_free(&spec->env);
	strings_free(&spec->options);
	strings_free(&spec->policy);
	free(spec->dir);
	free(spec->command);
	free(spec);
}

int buffervm_spec_arg(struct buffervm_spec *spec, const char *arg)
{
	return spec ? buffervm_strings_add(&spec->args, arg) : -EINVAL;
}

int buffervm_spec_env(struct buffervm_spec *spec, const char *assignment)
{
	if (!spec || !assignment || assignment[0] == '=' || !strchr(assignment, '='))
		return -EINVAL;
	return buffervm_strings_add(&spec->env, assignment);
}

/* An option that does not begin with a dash would be taken for the program. */
static int add_option(struct strings *list, const char *option)
{
	if (!option || option[0] != '-' || option[1] == '\0' || !strcmp(option, "--"))
		return -EINVAL;
	return buffervm_strings_add(list, option);
}

int buffervm_spec_option(struct buffervm_spec *spec, const char *option)
{
	return spec ? add_option(&spec->options, option) : -EINVAL;
}

int buffervm_spec_policy(struct buffervm_spec *spec, const char *option)
{
	return spec ? add_option(&spec->policy, option) : -EINVAL;
}

int buffervm_spec_memory(struct buffervm_spec *spec, uint64_t bytes)
{
	if (!spec)
		return -EINVAL;
	spec->memory = bytes;
	return 0;
}

int buffervm_spec_processes(struct buffervm_spec *spec, unsigned int most)
{
	if (!spec)
		return -EINVAL;
	spec->processes = most;
	return 0;
}

static int replace(char **at, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (!copy)
		return text ? -ENOMEM : -EINVAL;
	free(*at);
	*at = copy;
	return 0;
}

int buffervm_spec_dir(struct buffervm_spec *spec, const char *path)
{
	return spec ? replace(&spec->dir, path) : -EINVAL;
}

int buffervm_spec_command(struct buffervm_spec *spec, const char *path)
{
	return spec ? replace(&spec->command, path) : -EINVAL;
}

int buffervm_spec_fd(struct buffervm_spec *spec, int fd, int host_fd)
{
	if (!spec || fd < 0 || fd >= STANDARD_FDS)
		return -EINVAL;
	if (host_fd < 0)
		return -EBADF;
	spec->fd[fd] = host_fd;
	return 0;
}

int buffervm_spec_pipe(struct buffervm_spec *spec, int fd)
{
	if (!spec || fd < 0 || fd >= STANDARD_FDS)
		return -EINVAL;
	spec->fd[fd] = IS_PIPE;
	return 0;
}
