/* SPDX-License-Identifier: MIT */
/* The names that --files has collected: files.c collects, files_report.c reports. */
#ifndef VM_OBSERVE_FILES_H
#define VM_OBSERVE_FILES_H

#include <pthread.h>
#include "common/types.h"

enum use {
	READ = 1,
	WRITTEN = 2,
	CREATED = 4,
	REMOVED = 8,
	EXECUTED = 16,
	CONNECTED = 32,
};
#define USES 6

/* A name and how it was used. */
struct used {
	u32 use;
	char name[];
};

/* All under lock. */
struct used_files {
	pthread_mutex_t lock;
	void *tree; /* tsearch(3), sorted by the names */
	u32 count;
	u64 left_out; /* names beyond FILES_MAX */
};
extern struct used_files used_files;

#endif
