/* SPDX-License-Identifier: MIT */
/* Inside of libbuffervm: a description. */
#ifndef LIB_SPEC_H
#define LIB_SPEC_H

#include "lib/buffervm.h"

#define STANDARD_FDS 3
#define IS_PIPE	     (-1)

/* A list that grows. text[count] is NULL, unless nothing was added: then text is NULL. */
struct strings {
	char **text;
	size_t count, space;
};

struct buffervm_spec {
	struct strings args, env, options, policy;
	char *dir, *command;	/* NULL: the defaults */
	int fd[STANDARD_FDS];	/* the caller's descriptor, or IS_PIPE */
	uint64_t memory;	/* 0: no limit */
	unsigned int processes; /* 0: no limit */
};

/* Appends a copy. Returns 0, -EINVAL (text is NULL) or -ENOMEM. */
int buffervm_strings_add(struct strings *list, const char *text);

#endif
