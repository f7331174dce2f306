/* SPDX-License-Identifier: MIT */
/*
 * libbuffervm: run programs in sandboxes of BufferVM from a program of your own.
 *
 * A sandbox is described (struct buffervm_spec), started (struct buffervm), fed and read, waited
 * for, and asked how it ended (struct buffervm_status). Each sandbox is a process of its own, the
 * command `buffervm`; the library starts it and talks to it through pipes.
 *
 * The library installs no signal handlers, changes neither the environment nor the working
 * directory, and does not fork: it uses posix_spawn(3), so a large program with many threads can
 * start sandboxes. Different threads may use different objects at the same time. One object may be
 * used by one thread at a time, except that buffervm_signal may be called by any thread.
 *
 * Functions that return int return 0, or a negative errno value. A NULL where an object or a string
 * is wanted is -EINVAL.
 *
 * Versions are semantic: a program that was built with this header works with every library of the
 * same BUFFERVM_VERSION_MAJOR that is not older. Version 0.x promises this for the same minor
 * version.
 */
#ifndef BUFFERVM_H
#define BUFFERVM_H

#include <stddef.h>
#include <stdint.h>

#define BUFFERVM_VERSION_MAJOR 0
#define BUFFERVM_VERSION_MINOR 1
#define BUFFERVM_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BUFFERVM_API __attribute__((visibility("default")))
#else
#define BUFFERVM_API
#endif

struct buffervm_spec; /* what to run, and how */
struct buffervm;      /* a sandbox */

/* The version of the library: "0.1.0". */
BUFFERVM_API const char *buffervm_version(void);

/* ---- A description. ------------------------------------------------------------------------ */

/*
 * Returns a description of a run of this program without arguments, with the caller's environment
 * and standard descriptors; NULL: no memory, or program is NULL. The caller frees it; it may be
 * started several times.
 */
BUFFERVM_API struct buffervm_spec *buffervm_spec_new(const char *program);
BUFFERVM_API void buffervm_spec_free(struct buffervm_spec *spec); /* NULL is allowed */

/* Appends an argument (the program's name is the first one already). */
BUFFERVM_API int buffervm_spec_arg(struct buffervm_spec *spec, const char *arg);
/* Adds "NAME=VALUE". The first call makes the environment empty before it. */
BUFFERVM_API int buffervm_spec_env(struct buffervm_spec *spec, const char *assignment);
/* The working directory; default: the caller's. */
BUFFERVM_API int buffervm_spec_dir(struct buffervm_spec *spec, const char *path);
/*
 * Adds an option of the command, with its dashes: "--mem=256M". buffervm(1) has them.
 * buffervm_spec_policy adds one of the command `run`, such as "--read=/usr", and with the first one
 * the program runs under `buffervm run`, which denies what no option allows.
 */
BUFFERVM_API int buffervm_spec_option(struct buffervm_spec *spec, const char *option);
BUFFERVM_API int buffervm_spec_policy(struct buffervm_spec *spec, const char *option);
/* The limits that most callers want; 0 takes a limit away. */
BUFFERVM_API int buffervm_spec_memory(struct buffervm_spec *spec, uint64_t bytes);
BUFFERVM_API int buffervm_spec_processes(struct buffervm_spec *spec, unsigned int most);
/*
 * The program's descriptor 0, 1 or 2 is the caller's descriptor host_fd, which stays the caller's
 * and has to be open when the sandbox is started.
 */
BUFFERVM_API int buffervm_spec_fd(struct buffervm_spec *spec, int fd, int host_fd);
/* The program's descriptor 0, 1 or 2 is a pipe to this library: buffervm_communicate. */
BUFFERVM_API int buffervm_spec_pipe(struct buffervm_spec *spec, int fd);
/* The path of the command; default: "buffervm" along PATH. */
BUFFERVM_API int buffervm_spec_command(struct buffervm_spec *spec, const char *path);

/* ---- A run. -------------------------------------------------------------------------------- */

/* Starts a sandbox. Returns NULL with a negative errno value in *error. error may be NULL. */
BUFFERVM_API struct buffervm *buffervm_start(const struct buffervm_spec *spec, int *error);
/*
 * Ends the sandbox if it still runs, and frees the object with all texts that it gave. NULL is
 * allowed.
 */
BUFFERVM_API void buffervm_free(struct buffervm *b);

/*
 * Writes input to the program's standard input, then closes it, and collects what it writes to its
 * pipes, until all pipes are at their end and the sandbox has ended. Never waits for a pipe while
 * another one is full. input may be NULL. A program that does not read all of its input is no
 * error.
 *
 * timeout_ms -1: no limit. max_output: most bytes of each pipe that are kept, 0: no limit; the rest
 * is read and dropped. -ETIMEDOUT: the sandbox still runs, and a further call with input NULL goes
 * on.
 */
BUFFERVM_API int buffervm_communicate(struct buffervm *b, const void *input, size_t input_len,
				      int timeout_ms, size_t max_output);
/*
 * Returns what was collected from descriptor 1 or 2, with a NUL behind it; *len may be NULL. Valid
 * until the object is freed or buffervm_communicate is called.
 */
BUFFERVM_API const char *buffervm_output(const struct buffervm *b, int fd, size_t *len);
/*
 * Returns the caller's end of a pipe, for a caller that reads or writes itself; -1: there is none.
 * It stays the library's. It is nonblocking.
 */
BUFFERVM_API int buffervm_pipe(const struct buffervm *b, int fd);
/* Waits until the sandbox has ended, without reading its pipes. -ETIMEDOUT: it still runs. */
BUFFERVM_API int buffervm_wait(struct buffervm *b, int timeout_ms);
/*
 * Sends a signal to the program; SIGKILL ends the sandbox with all its processes. -ESRCH: it has
 * ended.
 */
BUFFERVM_API int buffervm_signal(struct buffervm *b, int signal);
/* Returns the process ID of the sandbox. */
BUFFERVM_API int buffervm_pid(const struct buffervm *b);

/* ---- The end. ------------------------------------------------------------------------------ */

enum buffervm_fault {
	BUFFERVM_FAULT_PROGRAM, /* the program ended as it did by itself */
	BUFFERVM_FAULT_LIMIT,	/* a limit of the description was reached and ended it */
	BUFFERVM_FAULT_CALLER,	/* the description is wrong, or the caller ended it by SIGKILL */
	BUFFERVM_FAULT_HOST,	/* the host refused something that a sandbox needs */
	BUFFERVM_FAULT_MONITOR, /* a bug of BufferVM */
};

struct buffervm_status {
	int ran;	 /* 1: the program ran, and the two below are its own */
	int exit_status; /* -1 if a signal ended it */
	int signal;	 /* 0 if none did */
	enum buffervm_fault fault;
	double wall_seconds, cpu_seconds;
	uint64_t peak_memory; /* bytes of the host */
	/* The whole object (docs/status.md), on one line; "" if the sandbox was killed. */
	const char *json;
};

/* Fills *status. -EAGAIN: the sandbox still runs. The texts are valid until b is freed. */
BUFFERVM_API int buffervm_get_status(struct buffervm *b, struct buffervm_status *status);

#ifdef __cplusplus
}
#endif

#endif
