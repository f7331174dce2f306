// SPDX-License-Identifier: MIT
/*
 * The reporter is a program of its own. It is embedded in the monitor, which starts it before the
 * VM exists (vm/reporter.c). So the reporter holds no resources of the guest or the monitor, and
 * the sandbox survives its death.
 *
 *   report.elf [OPTION]... --channel     serves the monitor on descriptor REPORT_CHANNEL_FD
 *   report.elf [OPTION]... FILE...       reports that were saved (--save=DIR), by hand
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "check/abi/channel.h"
#include "check/report/confine.h"
#include "check/report/io.h"
#include "check/report/reporter.h"
#include "check/report/worker.h"
#include "check/report/zydis_load.h"
#include "common/exit_status.h"

enum {
	OPT_JSON = 256,
	OPT_SARIF,
	OPT_HTML,
	OPT_XML,
	OPT_PROGRAM,
	OPT_FORMAT,
	OPT_LOG_FILE,
	OPT_SUPPRESSIONS,
	OPT_GEN_SUPPRESSIONS,
	OPT_REGISTERS,
	OPT_QUIET,
	OPT_COLOR,
	OPT_DEPTH,
	OPT_CHANNEL,
};

/* The options that vm/reporter.c passes. */
static const struct option long_options[] = {
	{"json", required_argument, NULL, OPT_JSON},
	{"sarif", required_argument, NULL, OPT_SARIF},
	{"html", required_argument, NULL, OPT_HTML},
	{"xml", required_argument, NULL, OPT_XML},
	{"program", required_argument, NULL, OPT_PROGRAM},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"log-file", required_argument, NULL, OPT_LOG_FILE},
	{"suppressions", required_argument, NULL, OPT_SUPPRESSIONS},
	{"gen-suppressions", no_argument, NULL, OPT_GEN_SUPPRESSIONS},
	{"registers", no_argument, NULL, OPT_REGISTERS},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"color", required_argument, NULL, OPT_COLOR},
	{"depth", required_argument, NULL, OPT_DEPTH},
	{"channel", no_argument, NULL, OPT_CHANNEL},
	{0},
};

static struct reporter reporter = {.ask = report_worker_ask};

static bool parse_options(struct report_options *o, int argc, char **argv, bool *channel)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_JSON:
			o->json = optarg;
			break;
		case OPT_SARIF:
			o->sarif = optarg;
			break;
		case OPT_HTML:
			o->html = optarg;
			break;
		case OPT_XML:
			o->xml = optarg;
			break;
		case OPT_PROGRAM:
			o->program = optarg;
			break;
		case OPT_FORMAT:
			o->format = (u32)strtoul(optarg, NULL, 10);
			break;
		case OPT_LOG_FILE:
			o->log_file = optarg;
			break;
		case OPT_SUPPRESSIONS:
			if (o->suppressions_count < REPORT_SUPPRESSIONS_MAX)
				o->suppressions[o->suppressions_count++] = optarg;
			break;
		case OPT_GEN_SUPPRESSIONS:
			o->gen_suppressions = true;
			break;
		case OPT_REGISTERS:
			o->registers = true;
			break;
		case OPT_QUIET:
			o->quiet = true;
			break;
		case OPT_COLOR:
			o->color = (u32)strtoul(optarg, NULL, 10);
			break;
		case OPT_DEPTH:
			o->depth = (u32)strtoul(optarg, NULL, 10);
			break;
		case OPT_CHANNEL:
			*channel = true;
			break;
		default:
			return false;
		}
	}
	return true;
}

static bool open_output(const char *path, FILE **out)
{
	if (!path)
		return true;
	if (path[0] == REPORT_DESCRIPTOR)
		*out = fdopen((int)strtol(path + 1, NULL, 10), "w");
	else
		*out = fopen(path, "we");
	if (!*out)
		fprintf(stderr, "buffervm: cannot write %s: %s\n", path, strerror(errno));
	return *out != NULL;
}

static bool read_suppressions(struct reporter *r)
{
	for (u32 i = 0; i < r->opt.suppressions_count; i++) {
		const char *path = r->opt.suppressions[i], *why = "";
		int ret = report_suppressions_read(&r->suppressions, path, &why);

		if (!ret)
			continue;
		if (ret < 0)
			fprintf(stderr, "buffervm: cannot read %s: %s\n", path, strerror(-ret));
		else
			fprintf(stderr, "buffervm: %s:%d: %s\n", path, ret, why);
		return false;
	}
	return true;
}

/* Opens the outputs, then gives up the right to open files for writing. Returns an exit status. */
static int prepare(struct reporter *r)
{
	const struct report_options *o = &r->opt;
	static const struct rlimit none;

	if (!open_output(o->json, &r->json) || !open_output(o->sarif, &r->sarif) ||
	    !open_output(o->html, &r->html) || !open_output(o->xml, &r->xml))
		return EXIT_HOST;
	r->text = stderr;
	if (!open_output(o->log_file, &r->text))
		return EXIT_HOST;
	if (!read_suppressions(r))
		return EXIT_USAGE;
	/* With this buffer most reports are written with one write(2). */
	setvbuf(r->text, NULL, _IOFBF, 65536);
	r->color = o->color == REPORT_COLOR_ALWAYS ||
		   (o->color == REPORT_COLOR_AUTO && isatty(fileno(r->text)));
	r->analysis.depth = o->depth ? o->depth : REPORT_DEPTH_DEFAULT;
	r->analysis.source = r->html != NULL;
	report_zydis_load();
	setrlimit(RLIMIT_CORE, &none);
	if (!report_confine(REPORT_CONFINE_REPORTER)) {
		fprintf(stderr, "buffervm: the reporter cannot be confined: %s\n", strerror(errno));
		return EXIT_HOST;
	}
	return 0;
}

/* Closes an output. A full disk or a closed pipe is told: the output is not complete. */
static void close_output(FILE *out, const char *name)
{
	bool failed;

	if (!out)
		return;
	failed = ferror(out);
	if (fflush(out) || failed)
		fprintf(stderr, "buffervm: %s is not complete: %s\n",
			name[0] == REPORT_DESCRIPTOR ? "an output" : name,
			strerror(errno ? errno : EIO));
	fclose(out);
}

static void close_outputs(struct reporter *r)
{
	const struct report_options *o = &r->opt;

	close_output(r->json, o->json);
	close_output(r->sarif, o->sarif);
	close_output(r->xml, o->xml);
	close_output(r->html, o->html);
	if (r->text != stderr)
		close_output(r->text, o->log_file);
	fflush(stderr);
}

/* Serves the monitor's messages until REPORT_MESSAGE_END or the end of the stream. */
static void serve(struct reporter *r, int fd)
{
	struct report_message_head head;
	void *bytes = malloc(CHECK_REPORT_MAX);
	u32 answer;

	while (bytes && report_read(fd, &head, sizeof(head)) && head.len <= CHECK_REPORT_MAX &&
	       report_read(fd, bytes, head.len)) {
		if (head.type == REPORT_MESSAGE_SUMMARY) {
			reporter_summary(r, bytes, head.len);
			continue;
		}
		if (head.type != REPORT_MESSAGE_REPORT)
			break;
		answer = reporter_report(r, bytes, head.len);
		if (!report_write(fd, &answer, sizeof(answer)))
			break;
	}
	free(bytes);
	reporter_end(r);
	close_outputs(r);
	answer = 0;
	report_write(fd, &answer, sizeof(answer));
}

static bool report_file(struct reporter *r, const char *path)
{
	void *bytes = malloc(CHECK_REPORT_MAX + 1);
	FILE *in = fopen(path, "re");
	bool done = bytes && in;

	if (done)
		reporter_report(r, bytes, fread(bytes, 1, CHECK_REPORT_MAX + 1, in));
	else
		fprintf(stderr, "buffervm: cannot read %s: %s\n", path, strerror(errno));
	if (in)
		fclose(in);
	free(bytes);
	return done;
}

int main(int argc, char **argv)
{
	struct reporter *r = &reporter;
	bool channel = false;
	u32 answer;
	int ret;

	/* Without this the name would be a number, because the executable is a file in memory. */
	prctl(PR_SET_NAME, "buffervm-report");
	if (!parse_options(&r->opt, argc, argv, &channel))
		return EXIT_USAGE;
	/* The reporter ends at the end of the monitor's stream, not by keys of the terminal. */
	for (int sig = 1; channel && sig < NSIG; sig++)
		if (sig != SIGCHLD && sig != SIGSEGV && sig != SIGBUS && sig != SIGABRT &&
		    sig != SIGFPE && sig != SIGILL && sig != SIGSYS)
			signal(sig, SIG_IGN);
	ret = prepare(r);
	if (channel) {
		/* If the monitor is gone by now, serve finds the end of the stream. */
		answer = (u32)ret;
		report_write(REPORT_CHANNEL_FD, &answer, sizeof(answer));
		if (ret)
			return ret;
		serve(r, REPORT_CHANNEL_FD);
	} else if (!ret) {
		for (; optind < argc && !ret; optind++)
			if (!report_file(r, argv[optind]))
				ret = EXIT_HOST;
		reporter_end(r);
		close_outputs(r);
	}
	report_worker_end();
	return ret;
}
