/* SPDX-License-Identifier: MIT */
/* Children of the conformance programs. A file that uses IN_CHILD has its own wait_child(pid). */
#ifndef TESTS_PROGRAMS_CHILD_H
#define TESTS_PROGRAMS_CHILD_H

#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

/* Runs the block in a child. The parent waits for the child. */
#define IN_CHILD for (pid_t child_ = start_child(); child_ == 0 || wait_child(child_); _exit(0))

/* fork(2) after flushing stdout, so that parent and child do not print the same text twice. */
static inline pid_t start_child(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	NEED(pid >= 0);
	return pid;
}

/* Runs `run` in a child, which ends with 0 after it. Returns the child's wait status. */
static inline int status_of_child(void (*run)(void))
{
	pid_t pid = start_child();
	int status;

	if (pid == 0) {
		run();
		fflush(stdout);
		_exit(0);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	return status;
}

#endif
