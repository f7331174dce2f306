/* SPDX-License-Identifier: MIT */
/*
 * The policy of `buffervm run`: what a sandbox may reach. It is made of words ("read /usr"), which
 * the command line spells as options (--read=/usr) and policy files as lines (read /usr). One table
 * (policy_words.c) has each word, and the same function reads its value in both places.
 *
 * A word exists only if something enforces it. An option that is parsed and not enforced would be a
 * jail that fails open.
 *
 * The policy is built by one thread before the VM exists, and does not change afterwards.
 */
#ifndef VM_JAIL_POLICY_H
#define VM_JAIL_POLICY_H

#include <getopt.h>
#include <stdio.h>
#include "common/types.h"
#include "vm/jail/limits.h"
#include "vm/jail/net.h"
#include "vm/jail/walls.h"

/*
 * What a rule says about its path and everything below it, except where a rule of a longer path
 * says something else. DENY and HIDE win over all others, also over those of longer paths.
 */
enum path_kind {
	PATH_READ,    /* read, execute, list */
	PATH_WRITE,   /* PATH_READ, and change */
	PATH_PROTECT, /* PATH_READ below a PATH_WRITE; also if the file does not exist yet */
	PATH_TMPFS,   /* an empty directory of the sandbox's own, which ends with it */
	PATH_BIND,    /* .source of the host is shown here, as PATH_READ; PATH_WRITE may be added */
	PATH_OVERLAY, /* PATH_WRITE, to a copy of the host's directory (overlay.h) */
	PATH_DENY,    /* EACCES */
	PATH_HIDE,    /* ENOENT */
	PATH_KINDS
};

/* Where a word stands. file NULL: on the command line, or a default. */
struct policy_place {
	const char *file;
	u32 line, column;
};

struct path_rule {
	enum path_kind kind;
	bool optional;	    /* "?": no error if the host has no such file */
	const char *path;   /* in the sandbox; absolute, without ".", ".." and double slashes */
	const char *source; /* on the host, in the same form; NULL: the same path */
	struct policy_place place;
};

/* A list that grows. Rules are in the order in which they were read. */
struct path_rules {
	struct path_rule *rule;
	u32 count, space;
};

/* Strings, in the order in which they were read. */
struct text_list {
	const char **text;
	u32 count, space;
};

struct jail_policy {
	struct path_rules paths;
	const char *root;     /* --root: the host's directory that is "/"; NULL: none */
	const char *cwd;      /* --cwd: in the sandbox; NULL: the monitor's own */
	struct text_list env; /* NAME=VALUE, or NAME: as the monitor has it */
	const char *hostname; /* NULL: the default */
	bool as_root;	      /* the program is user 0 of its own world (owners.h) */
	bool no_defaults;     /* only what is said explicitly */

	/* Limits. 0: none. */
	u64 mem; /* bytes */
	u32 pids, fds;
	u32 cpus; /* whole ones; limits.cpu_share if fewer */
	struct limits limits;

	struct net_rules net;
	bool proxy;		 /* the network's rules are a proxy's (proxy.h) */
	struct text_list listen; /* the values of allow-listen, as they were read */
	struct walls walls;

	/* What is done with the changes in overlays when the program has ended. */
	bool diff, commit;
	bool diff_patch;    /* as a patch */
	bool commit_always; /* also if the program failed */
	const char *layer;  /* directory that keeps them; NULL: none */

	/* What the command line says besides (no words of policy files). */
	bool show, show_json;
	bool quiet;	   /* no lines on what was refused */
	const char *learn; /* file for a policy with what was used; NULL: none */
	const char *merge; /* policy file to which .learn adds; NULL: none */
	const char *used;  /* file with what a run used: --show compares; NULL: none */
	u32 collapse;	   /* so many used paths in a directory stand alone; 0: the default */
	const char *audit; /* file for JSON lines on what was refused; NULL: none */

	u32 own_paths; /* so many rules of .paths come first and are no defaults */
};

/*
 * Options of the command line. getopt_long returns POLICY_OPTION_FIRST for the first one of the
 * table, and so on; words without an option (include) have none.
 */
#define POLICY_OPTION_FIRST 1024
#define POLICY_OPTIONS_MAX  64

/* Writes the rows for getopt_long to `to`, without an end mark. Returns how many. */
u32 policy_options_table(struct option to[POLICY_OPTIONS_MAX]);
/* The letters for getopt_long: "r:w:". */
const char *policy_option_letters(void);
/*
 * Reads the option for which getopt_long returned c; value is NULL if it has none. The policy keeps
 * value. Returns 0, or EXIT_USAGE after a message.
 */
int policy_option(struct jail_policy *p, int c, const char *value);
/* Returns true if c is one of this table. */
bool policy_is_option(int c);
/* Prints one line for each option. */
void policy_options_help(FILE *to);
/*
 * Returns the option that somebody means who writes `option` ("--ro-bind=x") as other tools spell
 * it; NULL if none is known. The result is a text for a message.
 */
const char *policy_did_you_mean(const char *option);

/*
 * Reads a policy file. Each error is a message with file, line and column. Returns 0 or EXIT_USAGE.
 * policy_read_text does the same for a text in memory that was read from a file of this name.
 */
int policy_read_file(struct jail_policy *p, const char *path);
int policy_read_text(struct jail_policy *p, const char *name, char *text);
/* Reads the profile of this name: the system's, or else the user's. Returns 0 or EXIT_USAGE. */
int policy_read_profile(struct jail_policy *p, const char *name, const struct policy_place *place);
/* Prints a message that begins with the place: "FILE:LINE:COLUMN: ..." or "--WORD: ...". */
void policy_error(const struct policy_place *place, const char *word, const char *fmt, ...)
	__printf(3, 4);

/*
 * Adds the defaults of `buffervm run` for a program that was found at this path of the host (NULL:
 * for none), unless the policy says no-defaults; then checks the rules against each other. Prints a
 * line for a default that does not fit. Called once, after the last word. Returns 0 or EXIT_USAGE
 * after a message.
 */
int policy_complete(struct jail_policy *p, const char *program);

/* Prints the policy as a file that --policy reads, or as JSON. */
void policy_show(const struct jail_policy *p, FILE *to);
void policy_show_json(const struct jail_policy *p, FILE *to);

/* What both print on the network, limits on time and writing, and required walls. */
struct json_object;
void policy_show_network(const struct jail_policy *p, FILE *to);
void policy_show_network_json(const struct jail_policy *p, struct json_object *to);

/* Checks the words on the network against each other. Returns 0, or EXIT_USAGE after a message. */
int policy_settle_network(const struct jail_policy *p);

/*
 * What a run used: policy_used.c reads it from a file that --learn or --audit has written, and says
 * of it what a policy has to do with it. Returns 0 or EXIT_USAGE after a message. Called once.
 */
int policy_used_read(const char *file);
/* Returns true if something that was used needs this rule. */
bool policy_used_needs(const struct path_rule *rule);
/* Prints what was used and the policy does not allow, as comments. */
void policy_used_missing(const struct jail_policy *p, FILE *to);
/* Returns the rule that decides about a path; NULL if there is none. */
const struct path_rule *policy_decides(const struct jail_policy *p, const char *path);
/* Returns true if a rule lets its path be read, or, with write, changed. */
bool path_kind_allows(enum path_kind kind, bool write);

/* Prints one rule as a line of a policy file. */
void policy_write_rule(FILE *to, enum path_kind kind, const char *path);
/* Returns what a directory is if it shows too much for a rule that nobody wrote ("a home"); or
 * NULL. */
const char *policy_too_wide(const char *dir);
/*
 * Returns true if the defaults say something about a path: they allow what is wanted, or it is a
 * secret of the system.
 */
bool policy_default_covers(const char *path, bool write);

/* Adds a rule; path and source are made absolute and normal. Returns 0 or -errno. */
int policy_add_path(struct jail_policy *p, enum path_kind kind, const char *path,
		    const char *source, bool optional, const struct policy_place *place);
/* Appends text, which the list keeps. Returns 0 or -ENOMEM. */
int text_list_add(struct text_list *list, const char *text);
/* Returns the user's directory for what is to be finished later; NULL if the user has none. */
const char *policy_state(void);
/* The word of a kind: "read". */
const char *path_kind_word(enum path_kind kind);

#endif
