// SPDX-License-Identifier: MIT
/*
 * A judge with libbuffervm: runs each submission of a directory on the same input and says what it
 * is worth.
 *
 *   judge SUBMISSIONS INPUT EXPECTED
 *
 * Submissions are executable files. Each runs under `buffervm run` in a sandbox of its own, four at
 * a time, with one second, 128 MiB and 16 processes; of the judge's files it can read only itself.
 * A line for each: its name and "accepted", "wrong answer", "too slow", "too much memory", "too
 * much output" or "failed".
 *
 *   cc judge.c $(pkg-config --cflags --libs buffervm) -pthread -o judge
 */
#include <buffervm.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WORKERS	    4
#define TIME_MS	    1000
#define MEMORY	    (128ull << 20)
#define PROCESSES   16
#define OUTPUT_MAX  (1 << 20)
#define SUBMISSIONS 1000

struct file {
	char *bytes;
	size_t len;
};

static struct {
	const char *directory;
	char *name[SUBMISSIONS];
	const char *verdict[SUBMISSIONS];
	int count;
	int next; /* the first one that no worker has taken; atomic */
	int time_ms;
	struct file input, expected;
} contest;

static bool read_file(const char *path, struct file *to)
{
	FILE *f = fopen(path, "r");
	long len;

	if (!f || fseek(f, 0, SEEK_END) || (len = ftell(f)) < 0)
		return false;
	rewind(f);
	to->len = (size_t)len;
	to->bytes = malloc(to->len + 1);
	if (!to->bytes || fread(to->bytes, 1, to->len, f) != to->len)
		return false;
	fclose(f);
	return true;
}

/* Blanks at the end do not count. */
static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	while (a_len && strchr(" \t\n", a[a_len - 1]))
		a_len--;
	while (b_len && strchr(" \t\n", b[b_len - 1]))
		b_len--;
	return a_len == b_len && !memcmp(a, b, a_len);
}

static const char *verdict_of(struct buffervm *b, int ret)
{
	struct buffervm_status status;
	const char *text;
	size_t len;

	if (ret == -ETIMEDOUT)
		return "too slow";
	if (ret || buffervm_get_status(b, &status))
		return "the judge failed";
	if (status.fault == BUFFERVM_FAULT_LIMIT)
		return "too much memory";
	if (status.fault == BUFFERVM_FAULT_HOST || status.fault == BUFFERVM_FAULT_MONITOR)
		return "the judge failed"; /* and not the submission */
	if (!status.ran || status.exit_status != 0)
		return "failed";
	text = buffervm_output(b, 1, &len);
	if (len == OUTPUT_MAX)
		return "too much output";
	return same_text(text, len, contest.expected.bytes, contest.expected.len) ? "accepted"
										  : "wrong answer";
}

static const char *judge(const char *name)
{
	char path[PATH_MAX], read_itself[PATH_MAX + 16];
	struct buffervm_spec *spec;
	struct buffervm *b;
	const char *verdict = "the judge failed";
	int ret;

	snprintf(path, sizeof(path), "%s/%s", contest.directory, name);
	snprintf(read_itself, sizeof(read_itself), "--read=%s", path);
	spec = buffervm_spec_new(path);
	if (!spec)
		return verdict;
	if (buffervm_spec_memory(spec, MEMORY) || buffervm_spec_processes(spec, PROCESSES) ||
	    buffervm_spec_policy(spec, read_itself) || buffervm_spec_dir(spec, "/usr") ||
	    buffervm_spec_pipe(spec, 0) || buffervm_spec_pipe(spec, 1) ||
	    buffervm_spec_pipe(spec, 2))
		goto out;
	b = buffervm_start(spec, NULL);
	if (!b)
		goto out;
	ret = buffervm_communicate(b, contest.input.bytes, contest.input.len, contest.time_ms,
				   OUTPUT_MAX);
	verdict = verdict_of(b, ret);
	buffervm_free(b); /* ends it if it is too slow */
out:
	buffervm_spec_free(spec);
	return verdict;
}

static void *work(void *unused)
{
	int i;

	while ((i = __atomic_fetch_add(&contest.next, 1, __ATOMIC_RELAXED)) < contest.count)
		contest.verdict[i] = judge(contest.name[i]);
	return unused;
}

int main(int argc, char **argv)
{
	const char *slow = getenv("JUDGE_TIME_MS");
	pthread_t worker[WORKERS];
	struct dirent **entry;

	if (argc != 4 || !read_file(argv[2], &contest.input) ||
	    !read_file(argv[3], &contest.expected)) {
		fprintf(stderr, "usage: judge SUBMISSIONS INPUT EXPECTED\n");
		return 2;
	}
	contest.directory = realpath(argv[1], NULL);
	if (!contest.directory)
		return 2;
	contest.time_ms = slow ? atoi(slow) : TIME_MS;
	for (int i = 0, n = scandir(argv[1], &entry, NULL, alphasort); i < n; i++)
		if (entry[i]->d_name[0] != '.' && contest.count < SUBMISSIONS)
			contest.name[contest.count++] = entry[i]->d_name;
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&worker[i], NULL, work, NULL))
			return 1;
	for (int i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	for (int i = 0; i < contest.count; i++)
		printf("%-20s %s\n", contest.name[i], contest.verdict[i]);
	return 0;
}
