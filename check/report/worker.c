// SPDX-License-Identifier: MIT
/*
 * See worker.h. Reporter and worker each have one end of a stream socket. Question and answer are a
 * u32 length and that number of bytes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "check/report/confine.h"
#include "check/report/io.h"
#include "check/report/worker.h"

static pid_t worker;
static int worker_fd = -1;

/* Answers one question. Returns false at the end of the stream and after an error. */
static bool serve(int fd, const struct report_analysis_options *opt)
{
	struct report_input in;
	char *answer = NULL;
	size_t answer_len = 0;
	u32 len;
	bool done = false;
	FILE *out;
	void *blob;

	if (!report_read(fd, &len, sizeof(len)) || len > CHECK_REPORT_MAX)
		return false;
	blob = malloc(len);
	out = open_memstream(&answer, &answer_len);
	if (blob && out && report_read(fd, blob, len) && report_input(&in, blob, len) == 0) {
		report_analyse(&in, opt, out);
		if (fclose(out) == 0 && answer_len <= REPORT_ANALYSIS_MAX) {
			len = (u32)answer_len;
			done = report_write(fd, &len, sizeof(len)) && report_write(fd, answer, len);
		}
	}
	free(answer);
	free(blob);
	return done;
}

static bool start(const struct report_analysis_options *opt)
{
	/* Enough for the debug information of a browser; a forged file may ask for more. */
	static const struct rlimit memory = {8UL << 30, 8UL << 30};
	int pair[2];

	if (worker_fd >= 0)
		return true;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return false;
	worker = fork();
	if (worker < 0) {
		close(pair[0]);
		close(pair[1]);
		return false;
	}
	if (worker == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_AS, &memory);
		/* The worker keeps only the socket, not the reporter's output files. */
		if (dup2(pair[1], 0) != 0 || close_range(1, ~0U, 0) ||
		    !report_confine(REPORT_CONFINE_WORKER))
			_exit(1);
		while (serve(0, opt))
			;
		_exit(0);
	}
	close(pair[1]);
	worker_fd = pair[0];
	return true;
}

void report_worker_end(void)
{
	if (worker_fd < 0)
		return;
	close(worker_fd);
	worker_fd = -1;
	kill(worker, SIGKILL);
	report_reap(worker);
}

/* Receives len bytes of the answer. Returns false if they are not there at the time end. */
static bool receive(void *to, size_t len, const struct timespec *end)
{
	struct pollfd p = {.fd = worker_fd, .events = POLLIN};
	struct timespec now;
	char *at = to;

	while (len) {
		ssize_t n;

		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end->tv_sec ||
		    (poll(&p, 1, (int)(end->tv_sec - now.tv_sec) * 1000) < 0 && errno != EINTR))
			return false;
		n = recv(worker_fd, at, len, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool ask(const void *blob, u32 len, char **answer, u32 *answer_len)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += REPORT_WORKER_SECONDS;
	*answer = NULL;
	if (!report_write(worker_fd, &len, sizeof(len)) || !report_write(worker_fd, blob, len) ||
	    !receive(answer_len, sizeof(*answer_len), &end) || *answer_len > REPORT_ANALYSIS_MAX)
		return false;
	*answer = malloc(*answer_len + 1UL);
	return *answer && receive(*answer, *answer_len, &end);
}

char *report_worker_ask(const void *blob, size_t len, const struct report_analysis_options *opt,
			size_t *answer_len)
{
	u32 n = 0;
	char *answer;

	if (!start(opt))
		return NULL;
	if (!ask(blob, (u32)len, &answer, &n)) {
		free(answer);
		report_worker_end();
		return NULL;
	}
	*answer_len = n;
	return answer;
}
