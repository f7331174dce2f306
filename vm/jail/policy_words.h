/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary of policies: one row for each word, whose function reads the value of an option
 * and of a line in a file alike.
 */
#ifndef VM_JAIL_POLICY_WORDS_H
#define VM_JAIL_POLICY_WORDS_H

#include "vm/jail/policy.h"

enum policy_where {
	WORD_ANYWHERE,
	WORD_OPTION, /* only on the command line */
	WORD_FILE    /* only in policy files */
};

struct policy_value {
	const char *text; /* NULL: none */
	bool optional;	  /* "?" stood behind it */
	struct policy_place place;
};

struct policy_word {
	const char *word;
	char letter;		/* of the short option; 0: none */
	const char *value_name; /* NULL: no value */
	bool value_optional;	/* only for options: --show[=json] */
	bool takes_mark;	/* "?" may stand behind the value */
	enum policy_where where;
	const char *help;
	/* Reads the value into *p. Returns 0, or EXIT_USAGE after a message. */
	int (*read)(struct jail_policy *p, const struct policy_word *word,
		    const struct policy_value *v);
	enum path_kind kind; /* of words that name a path */
	size_t at;	     /* of words that set one field: its offset in struct jail_policy */
	u64 min, max;
};

/* The readers of policy_network.c. */
int policy_read_net(struct jail_policy *p, const struct policy_word *word,
		    const struct policy_value *v);
int policy_read_net_rule(struct jail_policy *p, const struct policy_word *word,
			 const struct policy_value *v);
int policy_read_listen(struct jail_policy *p, const struct policy_word *word,
		       const struct policy_value *v);
int policy_read_duration(struct jail_policy *p, const struct policy_word *word,
			 const struct policy_value *v);
int policy_read_walls(struct jail_policy *p, const struct policy_word *word,
		      const struct policy_value *v);

extern const struct policy_word policy_words[];
extern const u32 policy_word_count;

/* Finds a word of policy files. Returns NULL if there is none of this length and spelling. */
const struct policy_word *policy_word_find(const char *text, size_t len);

#endif
