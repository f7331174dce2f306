/* SPDX-License-Identifier: MIT */
/* The kernel's own /proc; proc.c has the table of its names. */
#ifndef KERNEL_FS_PROC_H
#define KERNEL_FS_PROC_H

#include <asm/stat.h>
#include "common/types.h"

struct ofile;
struct fs_path;
struct proc_entry;

/* A name of our /proc: its row in the table and what the variable parts of its path are. */
struct proc_node {
	const struct proc_entry *entry;
	s32 pid, tid; /* 0: not below a process, or a task */
	s32 fd;	      /* of fd/N and fdinfo/N */
};

/*
 * Looks up a normalised path that lies in /proc. 1: ours, *node; *tail is what follows a link in
 * the middle ("" if nothing). 0: the host's; the path may have been rewritten to the name the host
 * has for it. -ENOENT, -ENOTDIR.
 */
int proc_lookup(char *path, struct proc_node *node, const char **tail);

bool proc_is_link(const struct proc_node *node);
/* Text of a link; relative ones are names in /proc. Not terminated. Its length or -errno. */
s64 proc_readlink(const struct proc_node *node, char *buf, u64 size);
/* The open file that a link of fd/ is, a reference; NULL for all others. */
struct ofile *proc_link_file(const struct proc_node *node);

/* Makes st that of the node, but for st_dev and the times: those are of the host's /proc. */
s64 proc_stat_device(struct stat *st); /* first: 0 or -errno */
void proc_stat(const struct proc_node *node, struct stat *st);

/* Opens a file or directory; path is kept for F_GETFL's sake and /proc/self/fd. NULL and *err. */
struct ofile *proc_open(const struct proc_node *node, const char *path, u32 flags, int *err);
const struct proc_node *proc_node_of(struct ofile *f);
/* The process whose directory f is (any open file); 0: it is none. */
s32 proc_directory_of(struct ofile *f);

/* The content of a file as it is now: what a read from its start sees. 0 or -errno. */
s64 proc_refresh(struct ofile *f);
/* A write to the file; -EACCES, -EINVAL or what the file thinks of it. */
s64 proc_write(struct ofile *f, const char *text, u64 len);
/* Position of a directory, as d_off of its entries; the position or -errno. */
s64 proc_seek(struct ofile *f, s64 pos);
/* Entries of a directory from f->pos on, as getdents64(2) has them. Bytes or -errno. */
s64 proc_getdents(struct ofile *f, char *buf, u64 size);

#endif
