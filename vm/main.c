// SPDX-License-Identifier: MIT
/* The command line, and the sandbox from its start to its end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include "vm/check.h"
#include "vm/gdb.h"
#include "vm/jail/audit.h"
#include "vm/jail/confine.h"
#include "vm/jail/jail.h"
#include "vm/jail/learn.h"
#include "vm/jail/policy.h"
#include "vm/host_kernel.h"
#include "vm/kvm_stats.h"
#include "vm/observe/observe.h"
#include "vm/suggest.h"
#include "vm/vm.h"

extern const u8 kernel_elf_start[], kernel_elf_end[];

/*
 * The monitor's copy of standard error has a number from here on, because low numbers are left for
 * the guest's handles.
 */
#define OWN_FD_MIN    512

#define MEM_MIN	      (8UL << 20)

/*
 * An open file may cost the host some KiB, and a full pipe 64 KiB: this is enough for servers, and
 * bounded.
 */
#define FILES_DEFAULT 65536

static struct sandbox sandbox = {.end_status = -1, .stderr_fd = -1};

static void usage(FILE *to, bool check, bool jail)
{
	fprintf(to,
		"usage: buffervm [OPTION]... [KERNEL] PROGRAM [ARG]...\n"
		"       buffervm run [OPTION]... %sPROGRAM [ARG]...\n"
		"%s"
		"\n"
		"  --mem=SIZE             most RAM the sandbox may have (K, M, G; default: the "
		"host's)\n"
		"  --pids=N               most processes and threads it may have at once\n"
		"  --cpus=N               CPUs that its threads run on at a time\n"
		"  --ring=0|3|auto        where the guest kernel runs (default auto)\n"
		"  --no-aslr              fixed addresses\n"
		"  --no-patch             system calls stay SYSCALL instructions (ring 3)\n"
		"  --no-module            the Linux module serves no hostcalls (ring 0)\n"
		"  --no-exitless          every hostcall is an exit of the machine\n"
		"  --gdb=PORT|PATH        gdb connects there and debugs the program\n"
		"  -v, --verbose          log what happens\n"
		"  --version; -h, --help\n"
		"\n",
		CHECK_BUILT ? "[check [OPTION]...] " : "",
		CHECK_BUILT ? "       buffervm check [OPTION]... PROGRAM [ARG]...\n"
			      "Runs an unmodified Linux program in a hardware VM of its own; check "
			      "reports its\n"
			      "heap bugs. Without run the program reaches the host's files as its "
			      "user does; run\n"
			      "is for programs that nobody trusts.\n"
			    : "Runs an unmodified Linux program in a hardware VM of its own. "
			      "Without run the\n"
			      "program reaches the host's files as its user does; run is for "
			      "programs that nobody\n"
			      "trusts.\n");
	fprintf(to, "What the run tells:\n");
	observe_options_help(to);
	fprintf(to, "  classes of --trace-filter: ");
	trace_filter_help(to);
	fprintf(to, "\n\n");
	if (jail) {
		fprintf(to, "run only:\n");
		policy_options_help(to);
		fprintf(to, "\n");
	}
	if (CHECK_BUILT && check) {
		fprintf(to, "check only:\n"
			    "  --gdb-at-bug           with --gdb: the program runs until a bug is "
			    "found\n");
		check_options_help(to);
		fprintf(to, "\n");
	}
	fprintf(to,
		"KERNEL, a kernel.elf of BufferVM, replaces the embedded one.\n"
		"%sbuffervm(1) says more, exit statuses included.\n",
		!CHECK_BUILT || check ? ""
				      : "buffervm check --help lists what check takes besides.\n");
}

u64 parse_size(const char *text)
{
	static const char units[] = "KMGT";
	char *end;
	u64 n;
	const char *unit;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (end == text || errno || text[0] == '-')
		return 0;
	if (!*end)
		return n;
	unit = strchr(units, *end & ~0x20);
	if (!unit || end[1])
		return 0;
	for (const char *u = units; u <= unit; u++)
		if (__builtin_mul_overflow(n, 1024, &n))
			return 0;
	return n;
}

/*
 * Returns the number that a text like "20" says, or 0 if it is not a number from 1 to UINT32_MAX.
 */
static u32 parse_count(const char *text)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	return *text < '0' || *text > '9' || *end || errno || n > UINT32_MAX ? 0 : (u32)n;
}

enum {
	OPT_MEM = 256,
	OPT_PIDS,
	OPT_CPUS,
	OPT_RING,
	OPT_NO_ASLR,
	OPT_NO_PATCH,
	OPT_NO_MODULE,
	OPT_EXITLESS,
	OPT_NO_EXITLESS,
	OPT_GDB,
	OPT_GDB_AT_BUG,
	OPT_VERSION,
	OPT_HELP
};

/* Options of every run. */
static const struct option run_options[] = {
	{"mem", required_argument, NULL, OPT_MEM},
	{"pids", required_argument, NULL, OPT_PIDS},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"ring", required_argument, NULL, OPT_RING},
	{"no-aslr", no_argument, NULL, OPT_NO_ASLR},
	{"no-patch", no_argument, NULL, OPT_NO_PATCH},
	{"no-module", no_argument, NULL, OPT_NO_MODULE},
	{"gdb", required_argument, NULL, OPT_GDB},
	{"gdb-at-bug", no_argument, NULL, OPT_GDB_AT_BUG},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{"no-exitless", no_argument, NULL, OPT_NO_EXITLESS},
	{"exitless", no_argument, NULL, OPT_EXITLESS},	 /* the default */
	{"no-post", no_argument, NULL, OPT_NO_EXITLESS}, /* the names of 0.1.0 */
	{"post", no_argument, NULL, OPT_EXITLESS},
	{0},
};

/* The options that every command takes, for getopt_long: the end mark included. */
#define COMMON_OPTIONS (OBSERVE_OPTIONS + ARRAY_SIZE(run_options))
static void common_table(struct option to[COMMON_OPTIONS])
{
	observe_options_table(to);
	memcpy(to + OBSERVE_OPTIONS, run_options, sizeof(run_options));
}

#define PIDS_MAX (1u << 22) /* of Linux: proc(5), pid_max */

/* Applies option c. Returns -1 to go on, or the status to end with. */
static int run_option(struct options *o, int c, const char *value)
{
	switch (c) {
	case OPT_MEM:
		o->mem = parse_size(value);
		o->mem_given = true;
		if (!o->mem) {
			message("--mem=%s is not a size", value);
			return EXIT_USAGE;
		}
		break;
	case OPT_PIDS:
		o->pids = parse_count(value);
		if (!o->pids || o->pids > PIDS_MAX) {
			message("--pids=%s is not a number from 1 to %u", value, PIDS_MAX);
			return EXIT_USAGE;
		}
		break;
	case OPT_CPUS:
		o->cpus = parse_count(value);
		if (!o->cpus || o->cpus > VCPU_MAX) {
			message("--cpus=%s is not a number from 1 to %u", value, VCPU_MAX);
			return EXIT_USAGE;
		}
		break;
	case OPT_RING:
		if (!strcmp(value, "0"))
			o->ring_mode = RING_MODE_0;
		else if (!strcmp(value, "3"))
			o->ring_mode = RING_MODE_3;
		else if (!strcmp(value, "auto"))
			o->ring_mode = RING_MODE_AUTO;
		else {
			message("--ring=%s: 0, 3 or auto", value);
			return EXIT_USAGE;
		}
		break;
	case OPT_NO_ASLR:
		o->no_aslr = true;
		break;
	case OPT_NO_PATCH:
		o->no_patch = true;
		break;
	case OPT_NO_MODULE:
		o->no_module = true;
		break;
	case OPT_EXITLESS:
		o->exitless = true;
		break;
	case OPT_NO_EXITLESS:
		o->exitless = false;
		break;
	case OPT_GDB:
		return gdb_option(o, value) ?: -1;
	case OPT_GDB_AT_BUG:
		o->gdb_at_bug = true;
		break;
	case 'v':
		o->verbose = true;
		break;
	case OPT_VERSION:
		printf("buffervm %s (kernel ABI %d)\n", BUFFERVM_VERSION, ABI_VERSION);
		return EXIT_SUCCESS;
	case OPT_HELP:
	case 'h':
		usage(stdout, o->check.flags & CHECK_ON, o->policy != NULL);
		return EXIT_SUCCESS;
	}
	return -1;
}

/* Returns true if the name of an option, without its dashes and value, is in the table. */
static bool has_name(const struct option *known, u32 count, const char *name, size_t len)
{
	for (u32 i = 0; i < count && known[i].name; i++)
		if (strlen(known[i].name) == len && !memcmp(known[i].name, name, len))
			return true;
	return false;
}

/* Says what is wrong with an option that getopt_long does not take. */
static void refuse_option(const struct options *o, const struct option *known, const char *arg)
{
	struct option others[POLICY_OPTIONS_MAX + CHECK_OPTIONS] = {{0}};
	const char *name = arg + strspn(arg, "-");
	size_t len = strcspn(name, "=");
	char word[40];
	struct suggestion near = {.wrong = word};
	const char *meant = o->policy ? policy_did_you_mean(arg) : NULL;

	snprintf(word, sizeof(word), "%.*s", (int)MIN(len, sizeof(word) - 1), name);
	if (meant) {
		message("unknown option %s: did you mean %s?", arg, meant);
		return;
	}
	if (has_name(known, UINT32_MAX, name, len)) {
		message("--%s takes no value (see --help)", word);
		return;
	}
	if (CHECK_BUILT && !(o->check.flags & CHECK_ON)) {
		check_options_table(others);
		if (has_name(others, CHECK_OPTIONS, name, len)) {
			message("--%s is an option of check: buffervm check --%s ... PROGRAM", word,
				word);
			return;
		}
	}
	if (!o->policy && has_name(others, policy_options_table(others), name, len)) {
		message("--%s is an option of run: buffervm run --%s ... PROGRAM", word, word);
		return;
	}
	for (const struct option *k = known; k->name; k++)
		suggest_add(&near, k->name);
	if (near.best)
		message("unknown option %s: did you mean --%s?", arg, near.best);
	else
		message("unknown option %s (see --help)", arg);
}

/*
 * Parses options from argv[1] up to the first argument that is not an option; *next is that
 * argument's index. Returns -1 to go on, or the status to end with.
 */
static int parse_some(struct options *o, int argc, char **argv, const struct option *known,
		      int *next)
{
	char letters[128];
	int c, ret;

	snprintf(letters, sizeof(letters), "+:vh%s", o->policy ? policy_option_letters() : "");
	opterr = 0;
	optind = 0; /* starts again at the first argument: getopt(3), NOTES */
	while ((c = getopt_long(argc, argv, letters, known, NULL)) != -1) {
		if (c == ':') {
			message("%s needs a value (see --help)", argv[optind - 1]);
			return EXIT_USAGE;
		}
		if (c == '?') {
			refuse_option(o, known, argv[optind - 1]);
			return EXIT_USAGE;
		}
		if (policy_is_option(c))
			ret = policy_option(o->policy, c, optarg) ?: -1;
		else if (c >= OBSERVE_OPTION_FIRST)
			ret = observe_option(o, c, optarg) ? EXIT_USAGE : -1;
		else if (CHECK_BUILT && c >= CHECK_OPTION_FIRST)
			ret = check_option(o, c, optarg) ? EXIT_USAGE : -1;
		else
			ret = run_option(o, c, optarg);
		if (ret >= 0)
			return ret;
	}
	*next = optind;
	return -1;
}

/*
 * A command is a word before the program, with options of its own. These functions parse from that
 * word on; *next is then the index of the first argument that is not an option, counted from there.
 * Each returns -1 to go on, or the status to end with.
 */
static int parse_check(struct options *o, int argc, char **argv, int *next)
{
	struct option known[CHECK_OPTIONS + COMMON_OPTIONS];
	int ret;

	if (!CHECK_BUILT) {
		message("check: this buffervm was built without it (BUFFERVM_CHECK=OFF)");
		return EXIT_USAGE;
	}
	check_options_table(known);
	common_table(known + CHECK_OPTIONS);
	check_options_init(o);
	ret = parse_some(o, argc, argv, known, next);
	return ret < 0 && check_options_done(o) ? EXIT_USAGE : ret;
}

static int parse_jail(struct options *o, int argc, char **argv, int *next)
{
	static struct jail_policy policy;
	struct option known[POLICY_OPTIONS_MAX + COMMON_OPTIONS];
	u32 count = policy_options_table(known);

	/* getopt_long takes the first row of a name: --mem is the policy's. */
	common_table(known + count);
	o->policy = &policy;
	return parse_some(o, argc, argv, known, next);
}

/* Behind "--" stands the program, whatever its name is. */
static bool is_command(int argc, char **argv, int at, const char *name)
{
	return at < argc && !strcmp(argv[at], name) && !(at > 1 && !strcmp(argv[at - 1], "--"));
}

/* Parses the command line. Returns -1 to go on, or the status to end with. */
static int parse_options(struct options *o, int argc, char **argv)
{
	struct option known[COMMON_OPTIONS];
	int next, ret;

	if (CHECK_BUILT && check_is_command(argv[0])) {
		argv = check_command_arguments(argc, argv, &argc);
		if (!argv) {
			message("no memory");
			return EXIT_HOST;
		}
	}

	common_table(known);
	ret = parse_some(o, argc, argv, known, &next);
	if (ret < 0 && is_command(argc, argv, next, "run")) {
		argv += next;
		argc -= next;
		ret = parse_jail(o, argc, argv, &next);
	}
	if (ret < 0 && is_command(argc, argv, next, "check")) {
		argv += next;
		argc -= next;
		ret = parse_check(o, argc, argv, &next);
	}
	if (ret < 0 && (observe_options_done(o) || gdb_options_done(o)))
		ret = EXIT_USAGE;
	if (ret >= 0)
		return ret;
	o->argv = argv + next;
	o->argc = argc - next;
	if (CHECK_BUILT && o->report && o->argc)
		check_options_program(o->argv[0]);
	if (!o->argc && !(o->policy && o->policy->show)) {
		message("no program given (see --help)");
		return EXIT_USAGE;
	}
	return -1;
}

/*
 * Returns the path that execvp(3) finds: a name with a slash unchanged, else the first match along
 * PATH. If there is none, returns the name itself, and the kernel reports the error. The result may
 * be a static buffer.
 */
static const char *find_program(const char *name)
{
	static char path[PATH_MAX];
	const char *dirs = getenv("PATH");

	if (strchr(name, '/') || !*name)
		return name;
	for (const char *d = dirs ? dirs : "/usr/local/bin:/bin:/usr/bin"; d; d = strchr(d, ':')) {
		struct stat st;
		int len;

		d += *d == ':';
		len = (int)strcspn(d, ":");
		if (snprintf(path, sizeof(path), "%.*s%s%s", len, d, len ? "/" : "./", name) <
			    (int)sizeof(path) &&
		    !access(path, X_OK) && !stat(path, &st) && S_ISREG(st.st_mode))
			return path;
	}
	return name;
}

/*
 * Says why find_program found nothing for a name without a slash. Returns the exit_status.
 */
static int not_found(const char *name)
{
	static const char *const commands[] = {"run", "check"};
	const char *dirs = getenv("PATH");
	struct suggestion near = {.wrong = name};

	for (u32 i = 0; i < ARRAY_SIZE(commands); i++)
		suggest_add(&near, commands[i]);
	message("%s: no such program along PATH (%s)%s%s%s", name,
		dirs ? dirs : "it is not set: /usr/local/bin:/bin:/usr/bin",
		near.best ? "; did you mean the command " : "", near.best ? near.best : "",
		near.best ? "?" : "");
	return EXIT_NOT_FOUND;
}

/*
 * Completes the policy of `buffervm run`. Returns -1 to go on, or the status to end with.
 */
static int prepare_jail(struct options *o)
{
	struct jail_policy *p = o->policy;
	int ret;

	if (!p->show)
		confine_prepare(p);
	ret = policy_complete(p, o->argc ? find_program(o->argv[0]) : NULL);
	if (ret)
		return ret;
	if (p->show) {
		if (p->show_json)
			policy_show_json(p, stdout);
		else
			policy_show(p, stdout);
		return fflush(stdout) ? EXIT_HOST : EXIT_SUCCESS;
	}
	return -1;
}

/*
 * Maps a file that may be a kernel. Returns MAP_FAILED if it cannot be read, is not a regular file
 * or is empty.
 */
static const u8 *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	void *p = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return p;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0) {
		*size = (size_t)st.st_size;
		p = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	close(fd);
	return p;
}

/*
 * Chooses the kernel to boot: the first argument if it is a BufferVM kernel (the ancestor's command
 * line), else the embedded one. A file that ends in .elf and is followed by a program is meant as a
 * kernel, so it is an error if it is not one. Returns 0, or an exit_status after a message.
 */
static int choose_kernel(struct options *o, struct kernel_image *image)
{
	const char *name = o->argv[0];
	size_t name_len = strlen(name), size = 0;
	bool meant = o->argc > 1 && name_len > 4 && !strcmp(name + name_len - 4, ".elf");
	const u8 *file = map_file(name, &size);
	const char *why = "cannot be read";
	int ret = -ENOEXEC;

	if (file != MAP_FAILED)
		ret = loader_parse(file, size, image, &why);
	if (ret == 0 || ret == -EPROTO || meant) {
		if (ret) {
			message("%s: %s", name, why);
			return EXIT_BAD_KERNEL;
		}
		o->kernel = name;
		o->argv++;
		if (!--o->argc) {
			message("%s is a kernel: no program given", name);
			return EXIT_USAGE;
		}
		return 0;
	}
	if (file != MAP_FAILED)
		munmap((void *)(uintptr_t)file, size);
	if (loader_parse(kernel_elf_start, (size_t)(kernel_elf_end - kernel_elf_start), image,
			 &why)) {
		message("embedded kernel: %s", why);
		return EXIT_INTERNAL;
	}
	return 0;
}

/*
 * Opens a placeholder for each closed standard descriptor, so that no file of the monitor gets its
 * number. hostcall_init sees in s->stdio_closed that the guest has no such descriptor. Also keeps a
 * copy of standard error for messages. Returns 0 or EXIT_HOST.
 */
static int keep_stdio(struct sandbox *s)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/", O_PATH | O_CLOEXEC) != fd)
			return EXIT_HOST;
		s->stdio_closed |= 1u << fd;
	}
	if (!(s->stdio_closed & 1u << STDERR_FILENO))
		s->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, OWN_FD_MIN);
	/* A small RLIMIT_NOFILE may not allow the high number. */
	if (s->stderr_fd < 0 && !(s->stdio_closed & 1u << STDERR_FILENO))
		s->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (s->stderr_fd < 0 && !(s->stdio_closed & 1u << STDERR_FILENO)) {
		message("cannot keep standard error: %s", host_error(EMFILE));
		return EXIT_HOST;
	}
	message_to(s->stderr_fd);
	return 0;
}

static int memory_setup(struct sandbox *s, const struct kernel_image *image, const char *program)
{
	u64 boot_size = GPA_KERNEL + image->memory_size + PAGE_SIZE + boot_blob_size(s, program) +
			CPUID_MAX * sizeof(struct boot_cpuid);
	u64 top = 1UL << s->gpa_bits;
	struct sysinfo info;
	int ret;

	if (!s->opt.mem) {
		sysinfo(&info);
		s->opt.mem = (u64)info.totalram * info.mem_unit;
	} else if (s->opt.mem < MEM_MIN) {
		message("--mem is too small: at least %lu MiB", MEM_MIN >> 20);
		return EXIT_NO_MEMORY;
	} else if (s->opt.mem > top / 4) {
		message("--mem is larger than what this machine can address: at most %lu GiB",
			top / 4 >> 30);
		return EXIT_USAGE;
	}
	s->mem.ram_max = ALIGN_DOWN(MIN(s->opt.mem, top / 4 - RAM_BASE), HUGE_SIZE);
	s->mem.window_base = s->mem.window_next = top / 2;
	s->mem.window_end = top;
	ret = memory_init(s, MAX(BOOT_SLOT_MIN, ALIGN_UP(boot_size, HUGE_SIZE)));
	if (ret) {
		message("no memory for the guest: %s", host_error(-ret));
		return EXIT_HOST;
	}
	s->boot = memory_at(s, (gpa_t){GPA_BOOT_INFO}, sizeof(*s->boot));
	return 0;
}

/*
 * Returns 0 if the sandbox ran; s->end_status then tells how it ended. Otherwise returns an
 * exit_status, after a message.
 */
static int run(struct sandbox *s)
{
	struct kernel_image image;
	const char *program;
	int ret;

	ret = choose_kernel(&s->opt, &image);
	if (ret)
		return ret;
	/* Before the reporter, whose socket the jail's helper must not have. */
	if (s->opt.policy) {
		ret = jail_begin(s);
		if (ret)
			return ret;
	} else {
		program = find_program(s->opt.argv[0]);
		if (program == s->opt.argv[0] && *program && !strchr(program, '/'))
			return not_found(program);
	}
	if (CHECK_BUILT && s->opt.report) {
		ret = reporter_start(s->opt.report, s->stderr_fd);
		if (ret)
			return ret;
	}
	if (s->opt.policy) {
		ret = confine_begin(s);
		if (ret == 0)
			ret = jail_prepare(s);
		if (ret)
			return ret;
	}
	program = s->opt.policy ? jail_find_program(s->opt.argv[0]) : find_program(s->opt.argv[0]);
	ret = kvm_open(s);
	if (ret)
		return ret;
	ret = memory_setup(s, &image, program);
	if (ret)
		return ret;
	ret = vcpu_create(s, 0, (gpa_t){GPA_VCPU0}, &s->vcpu[0]);
	if (ret) {
		message("cannot make a vCPU: %s", host_error(-ret));
		return ret == -ENODEV ? EXIT_KVM_LACKS : EXIT_HOST;
	}
	ret = boot_prepare(s, &image, program);
	if (ret)
		return ret;
	ret = hostcall_init(s);
	if (ret) {
		message("cannot give the guest its files: %s", host_error(-ret));
		return EXIT_HOST;
	}
	ret = vcpu_signals_init();
	if (ret) {
		message("cannot handle signals: %s", host_error(-ret));
		return EXIT_HOST;
	}
	outside_init(s);
	if (s->opt.policy) {
		ret = confine_last(s);
		if (ret)
			return ret;
	}
	vcpu_run(s->vcpu[0]);
	limits_report();
	if (s->opt.policy)
		audit_report(s->opt.policy);
	if (s->opt.policy)
		learn_write(s->opt.policy);
	boot_describe_ring_mode(s);
	host_kernel_report(s);
	verbose(s, "the first vCPU made %lu exits and %lu hostcalls", s->vcpu[0]->exits,
		s->vcpu[0]->hostcalls);
	kvm_stats_report(s);
	return 0;
}

int main(int argc, char **argv)
{
	struct sandbox *s = &sandbox;
	int ret;

	if (keep_stdio(s))
		return EXIT_HOST;
	pthread_mutex_init(&s->mem.lock, NULL);
	s->opt.ring_mode = RING_MODE_AUTO;
	s->opt.exitless = true;
	s->opt.files = FILES_DEFAULT;
	ret = parse_options(&s->opt, argc, argv);
	if (ret < 0 && s->opt.policy)
		ret = prepare_jail(&s->opt);
	if (ret >= 0)
		return ret;
	ret = observe_start(s);
	if (!ret)
		ret = gdb_open(s);
	if (!ret)
		ret = run(s);
	gdb_close(s);
	if (CHECK_BUILT)
		reporter_end();
	if (!jail_end(ret == 0 && atomic_load(&s->end_status) == 0) && ret == 0)
		ret = EXIT_HOST;
	observe_end(s, ret ? ret : -1);
	if (ret)
		return ret;

	ret = atomic_load(&s->end_status);
	if (ret & SANDBOX_END_ERROR)
		return ret & 0xff;
	if (WIFSIGNALED(ret)) {
		/* The program died by the signal, so the monitor writes no core of itself. */
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		outside_die(WTERMSIG(ret));
	}
	_exit(WEXITSTATUS(ret));
}
