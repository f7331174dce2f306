// SPDX-License-Identifier: MIT
/*
 * Does libbuffervm do what its header says, with sandboxes of the command in $BUFFERVM? Each case
 * is a function; its result is a line PASS or FAIL. Run by tests/library/run.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/buffervm.h"

static int failures;
static const char *now; /* the case */

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			printf("FAIL library/%s: line %d: %s\n", now, __LINE__, #condition);       \
			failures++;                                                                \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* A shell script with pipes at 0, 1 and 2. */
static struct buffervm_spec *script(const char *text)
{
	struct buffervm_spec *spec = buffervm_spec_new("/bin/sh");

	buffervm_spec_command(spec, getenv("BUFFERVM"));
	buffervm_spec_arg(spec, "-c");
	buffervm_spec_arg(spec, text);
	for (int fd = 0; fd < 3; fd++)
		buffervm_spec_pipe(spec, fd);
	return spec;
}

static struct buffervm *start(const char *text)
{
	struct buffervm_spec *spec = script(text);
	struct buffervm *b = buffervm_start(spec, NULL);

	buffervm_spec_free(spec);
	return b;
}

static void output_and_status(void)
{
	struct buffervm *b = start("cat; echo error >&2; exit 3");
	struct buffervm_status s;
	size_t len;

	CHECK(b && buffervm_get_status(b, &s) == -EAGAIN);
	CHECK(buffervm_communicate(b, "text", 4, -1, 0) == 0);
	CHECK(!strcmp(buffervm_output(b, 1, &len), "text") && len == 4);
	CHECK(!strcmp(buffervm_output(b, 2, NULL), "error\n"));
	CHECK(buffervm_get_status(b, &s) == 0);
	CHECK(s.ran && s.exit_status == 3 && s.signal == 0 && s.fault == BUFFERVM_FAULT_PROGRAM);
	CHECK(s.wall_seconds > 0 && s.peak_memory > 1 << 20 && strstr(s.json, "\"event\":\"end\""));
	buffervm_free(b);
}

/* More than the pipes hold, in both directions and on two outputs at once. */
static void nothing_waits_for_a_full_pipe(void)
{
	struct buffervm *b = start("tee /dev/stderr");
	size_t size = 1 << 20, out, err;
	char *data = malloc(size);

	memset(data, 'x', size);
	CHECK(b && buffervm_communicate(b, data, size, -1, 0) == 0);
	buffervm_output(b, 1, &out);
	buffervm_output(b, 2, &err);
	CHECK(out == size && err == size);
	buffervm_free(b);
	free(data);
}

static void output_is_limited(void)
{
	struct buffervm *b = start("head -c 300000 /dev/zero; echo end >&2");
	size_t len;

	CHECK(b && buffervm_communicate(b, NULL, 0, -1, 1000) == 0);
	buffervm_output(b, 1, &len);
	CHECK(len == 1000 && !strcmp(buffervm_output(b, 2, NULL), "end\n"));
	buffervm_free(b);
}

/* SIGPIPE would end this test. */
static void input_that_nobody_reads(void)
{
	static char data[1 << 20];
	struct buffervm *b = start("exec <&-; echo done");

	CHECK(b && buffervm_communicate(b, data, sizeof(data), -1, 0) == 0);
	CHECK(!strcmp(buffervm_output(b, 1, NULL), "done\n"));
	buffervm_free(b);
}

static void a_timeout_and_a_signal(void)
{
	struct buffervm *b = start("trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done");
	struct buffervm_status s;

	while (b && !*buffervm_output(b, 1, NULL))
		CHECK(buffervm_communicate(b, NULL, 0, 50, 0) == -ETIMEDOUT);
	CHECK(b && buffervm_wait(b, 0) == -ETIMEDOUT);
	CHECK(buffervm_signal(b, SIGTERM) == 0);
	CHECK(buffervm_wait(b, -1) == 0 && buffervm_get_status(b, &s) == 0);
	CHECK(s.exit_status == 7);
	CHECK(buffervm_signal(b, SIGTERM) == -ESRCH);
	buffervm_free(b);
}

static void a_killed_sandbox(void)
{
	struct buffervm *b = start("kill -SEGV $$"), *c = start("sleep 1000");
	struct buffervm_status s;

	CHECK(b && c && buffervm_communicate(b, NULL, 0, -1, 0) == 0);
	CHECK(buffervm_get_status(b, &s) == 0 && s.signal == SIGSEGV && s.exit_status == -1);
	CHECK(buffervm_signal(c, SIGKILL) == 0 && buffervm_wait(c, -1) == 0);
	CHECK(buffervm_get_status(c, &s) == 0 && s.signal == SIGKILL && !s.ran);
	CHECK(s.fault == BUFFERVM_FAULT_CALLER && *s.json == '\0');
	buffervm_free(b);
	buffervm_free(c);
}

static void freed_while_it_runs(void)
{
	struct buffervm *b = start("sleep 1000 & sleep 1000");
	int pid = buffervm_pid(b);

	CHECK(b && kill(pid, 0) == 0);
	buffervm_free(b);
	CHECK(kill(pid, 0) == -1 && errno == ESRCH);
}

static void environment_directory_and_limits(void)
{
	struct buffervm_spec *spec = script("echo $NAME-$HOME; pwd; ulimit -p");
	struct buffervm *b;

	CHECK(spec && !buffervm_spec_env(spec, "NAME=value") && !buffervm_spec_dir(spec, "/usr"));
	CHECK(!buffervm_spec_memory(spec, 64 << 20) && !buffervm_spec_processes(spec, 10));
	b = buffervm_start(spec, NULL);
	CHECK(b && buffervm_communicate(b, NULL, 0, -1, 0) == 0);
	CHECK(!strcmp(buffervm_output(b, 1, NULL), "value-\n/usr\n10\n"));
	buffervm_free(b);
	/* A description may be started again. */
	b = buffervm_start(spec, NULL);
	CHECK(b && buffervm_communicate(b, NULL, 0, -1, 0) == 0);
	CHECK(!strncmp(buffervm_output(b, 1, NULL), "value-\n", 7));
	buffervm_free(b);
	buffervm_spec_free(spec);
}

/* Descriptors of the caller's, exchanged, and one that lies where the library puts its own. */
static void descriptors(void)
{
	struct buffervm_spec *spec = script("cat; echo out; echo err >&2");
	struct buffervm *b;
	char text[64] = "";
	int in[2], out[2], err[2];

	CHECK(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC));
	CHECK(write(in[1], "in\n", 3) == 3 && !close(in[1]));
	CHECK(!buffervm_spec_fd(spec, 0, in[0]) && !buffervm_spec_fd(spec, 1, err[1]));
	CHECK(!buffervm_spec_fd(spec, 2, out[1]));
	b = buffervm_start(spec, NULL);
	CHECK(b && buffervm_wait(b, -1) == 0);
	CHECK(read(err[0], text, sizeof(text)) == 7 && !strcmp(text, "in\nout\n"));
	memset(text, 0, sizeof(text));
	CHECK(read(out[0], text, sizeof(text)) == 4 && !strcmp(text, "err\n"));
	buffervm_free(b);
	buffervm_spec_free(spec);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	close(err[0]);
	close(err[1]);
}

static void bad_calls(void)
{
	struct buffervm_spec *spec = buffervm_spec_new("/bin/true");
	struct buffervm_status s;
	int error = 0;

	CHECK(!buffervm_spec_new(NULL) && spec);
	CHECK(buffervm_spec_arg(NULL, "x") == -EINVAL && buffervm_spec_arg(spec, NULL) == -EINVAL);
	CHECK(buffervm_spec_env(spec, "none") == -EINVAL &&
	      buffervm_spec_env(spec, "=x") == -EINVAL);
	CHECK(buffervm_spec_option(spec, "ls") == -EINVAL &&
	      buffervm_spec_option(spec, "--") == -EINVAL);
	CHECK(buffervm_spec_policy(spec, NULL) == -EINVAL &&
	      buffervm_spec_dir(spec, NULL) == -EINVAL);
	CHECK(buffervm_spec_fd(spec, 3, 0) == -EINVAL && buffervm_spec_fd(spec, 0, -1) == -EBADF);
	CHECK(buffervm_spec_pipe(spec, -1) == -EINVAL && buffervm_spec_memory(NULL, 1) == -EINVAL);
	CHECK(!buffervm_start(NULL, &error) && error == -EINVAL);
	CHECK(buffervm_wait(NULL, 0) == -EINVAL && buffervm_signal(NULL, 1) == -EINVAL);
	CHECK(buffervm_communicate(NULL, NULL, 0, 0, 0) == -EINVAL);
	CHECK(buffervm_get_status(NULL, &s) == -EINVAL && buffervm_pipe(NULL, 0) == -1);
	CHECK(!strcmp(buffervm_output(NULL, 1, NULL), ""));
	buffervm_free(NULL);
	buffervm_spec_free(NULL);
	/* Descriptors that are not open, and a command that does not exist. */
	CHECK(!buffervm_spec_fd(spec, 1, 987));
	CHECK(!buffervm_start(spec, &error) && error == -EBADF);
	CHECK(!buffervm_spec_fd(spec, 1, 1) && !buffervm_spec_command(spec, "/no/such/buffervm"));
	CHECK(!buffervm_start(spec, &error) && error == -ENOENT);
	buffervm_spec_free(spec);
}

static void a_wrong_option_is_the_callers_fault(void)
{
	struct buffervm_spec *spec = script("true");
	struct buffervm_status s;
	struct buffervm *b;

	CHECK(!buffervm_spec_option(spec, "--no-such-option"));
	b = buffervm_start(spec, NULL);
	CHECK(b && buffervm_communicate(b, NULL, 0, -1, 0) == 0);
	CHECK(strstr(buffervm_output(b, 2, NULL), "unknown option"));
	CHECK(!buffervm_get_status(b, &s) && s.exit_status == 64 && !s.ran);
	CHECK(s.fault == BUFFERVM_FAULT_CALLER);
	buffervm_free(b);
	buffervm_spec_free(spec);
}

static void ten_thousand_arguments(void)
{
	struct buffervm_spec *spec = script("echo $#");
	struct buffervm *b;

	for (int i = 0; i <= 10000; i++)
		CHECK(!buffervm_spec_arg(spec, "x"));
	b = buffervm_start(spec, NULL);
	CHECK(b && buffervm_communicate(b, NULL, 0, -1, 0) == 0);
	CHECK(!strcmp(buffervm_output(b, 1, NULL), "10000\n"));
	buffervm_free(b);
	buffervm_spec_free(spec);
}

static void *eight_runs(void *arg)
{
	long number = (long)arg;
	char text[32], expected[32];

	snprintf(text, sizeof(text), "echo %ld", number);
	snprintf(expected, sizeof(expected), "%ld\n", number);
	for (int i = 0; i < 2; i++) {
		struct buffervm *b = start(text);

		if (!b || buffervm_communicate(b, NULL, 0, -1, 0) ||
		    strcmp(buffervm_output(b, 1, NULL), expected))
			return (void *)1;
		buffervm_free(b);
	}
	return NULL;
}

static void several_threads(void)
{
	pthread_t thread[4];
	void *failed;

	for (long i = 0; i < 4; i++)
		CHECK(!pthread_create(&thread[i], NULL, eight_runs, (void *)i));
	for (long i = 0; i < 4; i++)
		CHECK(!pthread_join(thread[i], &failed) && !failed);
}

/* A caller that takes the status of all its children away. */
static void reaped_by_the_caller(void)
{
	struct buffervm *b = start("exit 3");
	struct buffervm_status s;

	CHECK(b && waitpid(-1, NULL, 0) == buffervm_pid(b));
	CHECK(buffervm_wait(b, -1) == 0 && buffervm_get_status(b, &s) == 0);
	CHECK(s.exit_status == 3 && s.ran);
	buffervm_free(b);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int main(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
#define CASE(name) {#name, name}
		CASE(output_and_status),
		CASE(nothing_waits_for_a_full_pipe),
		CASE(output_is_limited),
		CASE(input_that_nobody_reads),
		CASE(a_timeout_and_a_signal),
		CASE(a_killed_sandbox),
		CASE(freed_while_it_runs),
		CASE(environment_directory_and_limits),
		CASE(descriptors),
		CASE(bad_calls),
		CASE(a_wrong_option_is_the_callers_fault),
		CASE(ten_thousand_arguments),
		CASE(several_threads),
		CASE(reaped_by_the_caller),
	};
	int before = count_fds();

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int failed = failures;

		now = cases[i].name;
		cases[i].run();
		if (failures == failed)
			printf("PASS library/%s\n", now);
	}
	if (!failures && count_fds() != before) {
		printf("FAIL library/descriptors-left: %d, before %d\n", count_fds(), before);
		failures++;
	}
	return failures != 0;
}
