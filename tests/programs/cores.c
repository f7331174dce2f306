// SPDX-License-Identifier: MIT
/*
 * Cores of processes that a signal ends: when there is one, and what is in it. Natively the host's
 * core_pattern has to name a file here; elsewhere the cases are left out.
 */
#include "child.h"
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define PAGE 4096UL

/* Do cores become files here, with names that begin with "core"? */
static bool cores_are_files(void)
{
	char pattern[200] = "";
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);

	if (fd >= 0) {
		if (read(fd, pattern, sizeof(pattern) - 1) < 0)
			pattern[0] = 0;
		close(fd);
	}
	if (!strncmp(pattern, "core", 4) && !strchr(pattern, '/'))
		return true;
	puts("  left out: cores are no files of this directory");
	return false;
}

/* The name of the core in this directory, or NULL. */
static const char *find_core(void)
{
	static char name[256];
	DIR *dir = opendir(".");
	struct dirent *e;

	NEED(dir);
	name[0] = '\0';
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, "core", 4))
			strcpy(name, e->d_name);
	closedir(dir);
	return name[0] ? name : NULL;
}

static void limit_cores(rlim_t soft)
{
	struct rlimit l;

	NEED(getrlimit(RLIMIT_CORE, &l) == 0);
	if (l.rlim_max < soft) {
		puts("  left out: the hard limit is too low");
		fflush(stdout);
		_exit(0);
	}
	l.rlim_cur = soft;
	NEED(setrlimit(RLIMIT_CORE, &l) == 0);
}

/* Runs body in a child that may write a core. Prints its end and whether there is a core. */
static bool try(const char *what, void (*body)(void), rlim_t limit)
{
	siginfo_t info = {0};
	const char *name;
	pid_t pid;

	name = find_core();
	if (name)
		unlink(name);
	pid = start_child();
	if (pid == 0) {
		limit_cores(limit);
		body();
		fflush(stdout);
		_exit(0);
	}
	NEED(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	NEED(waitpid(pid, NULL, 0) == pid);
	name = find_core();
	printf("  %s: code %d status %d, %s\n", what, info.si_code, info.si_status,
	       name ? "a core" : "no core");
	return name;
}

static void by_abort(void)
{
	abort();
}
static void by_quit(void)
{
	raise(SIGQUIT);
}
static void by_term(void)
{
	raise(SIGTERM);
}
static void by_kill(void)
{
	raise(SIGKILL);
}
static volatile int *volatile nowhere = (volatile int *)8; /* not for the compiler to know */

static void by_fault(void)
{
	*nowhere = 1;
}
static void undumpable(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	abort();
}
static void with_umask(void)
{
	umask(0277);
	abort();
}
static void by_filter(void)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog fprog = {4, program};

	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) == 0);
	getppid();
}

CASE(when)
{
	struct stat st;
	int status;
	pid_t pid;

	if (!cores_are_files())
		return;
	CHECK(try("abort", by_abort, RLIM_INFINITY));
	NEED(find_core() && stat(find_core(), &st) == 0);
	CHECK(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600 && st.st_uid == geteuid());
	try("quit", by_quit, RLIM_INFINITY);
	try("fault", by_fault, RLIM_INFINITY);
	try("filter", by_filter, RLIM_INFINITY);
	try("term", by_term, RLIM_INFINITY);
	try("kill", by_kill, RLIM_INFINITY);
	try("not dumpable", undumpable, RLIM_INFINITY);
	try("umask", with_umask, RLIM_INFINITY);
	try("limit 0", by_abort, 0);
	try("limit below a page", by_abort, PAGE - 1);
	try("small limit", by_abort, 3 * PAGE);
	NEED(find_core() && stat(find_core(), &st) == 0);
	CHECK(st.st_size <= (off_t)(3 * PAGE));
	/* The bit in wait's status. */
	pid = start_child();
	if (pid == 0) {
		limit_cores(RLIM_INFINITY);
		abort();
	}
	NEED(waitpid(pid, &status, 0) == pid);
	printf("  status %#x\n", (unsigned)status);
	unlink(find_core());
}

CASE(in_the_way)
{
	struct stat st;
	char name[256];

	if (!cores_are_files())
		return;
	try("first", by_abort, RLIM_INFINITY);
	strcpy(name, find_core() ? find_core() : "core");
	if (strcmp(name, "core") != 0) {
		puts("  left out: the name is not always the same");
		unlink(name);
		return;
	}
	unlink(name);
	/* A link is replaced and not followed; a file that had another name keeps its content. */
	NEED(close(open("other", O_CREAT | O_WRONLY, 0644)) == 0);
	NEED(symlink("other", "core") == 0);
	pid_t pid = start_child();

	if (pid == 0) {
		limit_cores(RLIM_INFINITY);
		abort();
	}
	waitpid(pid, NULL, 0);
	NEED(lstat("core", &st) == 0);
	CHECK(S_ISREG(st.st_mode) && st.st_size > (off_t)PAGE);
	NEED(stat("other", &st) == 0);
	SHOW(st.st_size);
	unlink("core");
	NEED(link("other", "core") == 0);
	pid = start_child();
	if (pid == 0) {
		limit_cores(RLIM_INFINITY);
		abort();
	}
	waitpid(pid, NULL, 0);
	NEED(stat("other", &st) == 0);
	SHOW(st.st_size);
	SHOW(st.st_nlink);
	unlink("core");
	/* A directory is left alone. */
	NEED(mkdir("core", 0700) == 0);
	pid = start_child();
	if (pid == 0) {
		limit_cores(RLIM_INFINITY);
		abort();
	}
	int status;

	waitpid(pid, &status, 0);
	printf("  status %#x\n", (unsigned)status);
	SHOW(rmdir("core"));
	unlink("other");
}

/* -- The content ------------------------------------------------------------------------------- */

static char *core; /* the file, mapped */
static size_t core_size;

static bool map_core(void)
{
	const char *name = find_core();
	int fd = name ? open(name, O_RDONLY) : -1;
	struct stat st;

	if (fd < 0)
		return false;
	NEED(fstat(fd, &st) == 0);
	core_size = (size_t)st.st_size;
	core = mmap(NULL, core_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	unlink(name);
	return core != MAP_FAILED;
}

static const Elf64_Phdr *headers(unsigned *count)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)core;

	*count = e->e_phnum;
	return (const Elf64_Phdr *)(core + e->e_phoff);
}

/* The bytes at an address of the process: "absent", "not in the file", or the first of them. */
static const char *at(const void *address)
{
	uint64_t va = (uintptr_t)address;
	const Elf64_Phdr *p;
	unsigned n;

	p = headers(&n);
	for (unsigned i = 0; i < n; i++) {
		if (p[i].p_type != PT_LOAD || va < p[i].p_vaddr ||
		    va >= p[i].p_vaddr + p[i].p_memsz)
			continue;
		if (va >= p[i].p_vaddr + p[i].p_filesz)
			return NULL;
		return core + p[i].p_offset + (va - p[i].p_vaddr);
	}
	return NULL;
}

static void show_bytes(const char *what, const void *address)
{
	const char *p = at(address);

	printf("  %s: %s\n", what, !p ? "not in the core" : *p ? p : "zero");
}

static char *private_page, *advised_page, *shared_page, *forbidden_page, *untouched_page;

static void show_notes(void)
{
	static const char *const names[] = {[NT_PRSTATUS] = "PRSTATUS",
					    [NT_PRFPREG] = "PRFPREG",
					    [NT_PRPSINFO] = "PRPSINFO",
					    [NT_AUXV] = "AUXV"};
	const Elf64_Phdr *p;
	unsigned n, statuses = 0, fpus = 0, xstates = 0;
	size_t o;

	p = headers(&n);
	NEED(n && p[0].p_type == PT_NOTE);
	for (o = p[0].p_offset; o < p[0].p_offset + p[0].p_filesz;) {
		const Elf64_Nhdr *h = (const Elf64_Nhdr *)(core + o);
		const char *content = core + o + sizeof(*h) + ((h->n_namesz + 3) & ~3U);
		const struct elf_prstatus *s = (const void *)content;
		const struct elf_prpsinfo *ps = (const void *)content;

		if (h->n_type == NT_PRSTATUS && !statuses++) {
			printf("  first thread: signal %d\n", s->pr_cursig);
			CHECK(h->n_descsz == sizeof(*s));
		}
		fpus += h->n_type == NT_PRFPREG;
		xstates += h->n_type == NT_X86_XSTATE;
		if (h->n_type == NT_PRPSINFO)
			printf("  PRPSINFO: %.16s\n", ps->pr_fname);
		if (h->n_type == NT_SIGINFO)
			printf("  SIGINFO: %d\n", ((const siginfo_t *)content)->si_signo);
		if (h->n_type < sizeof(names) / sizeof(names[0]) && names[h->n_type] &&
		    h->n_type == NT_AUXV)
			printf("  %s\n", names[h->n_type]);
		if (h->n_type == NT_FILE)
			puts("  FILE");
		o = (size_t)(content - core) + ((h->n_descsz + 3) & ~3U);
	}
	printf("  %u threads, %u with FPU, %u with XSTATE\n", statuses, fpus, xstates);
}

static void *sleeping(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void crash_with_content(void)
{
	pthread_t t;

	strcpy(private_page, "private");
	strcpy(advised_page, "advised");
	strcpy(shared_page, "shared");
	strcpy(forbidden_page, "forbidden");
	NEED(mprotect(forbidden_page, PAGE, PROT_NONE) == 0);
	NEED(madvise(advised_page, PAGE, MADV_DONTDUMP) == 0);
	for (int i = 0; i < 2; i++)
		NEED(pthread_create(&t, NULL, sleeping, NULL) == 0);
	/* Call sites that are used often may be other ones inside. */
	for (int i = 0; i < 1000; i++)
		getppid();
	by_fault();
}

/* With a page that is left free before it, so that it is a segment of its own. */
static char *page(int flags)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED);
	NEED(mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_FIXED | flags, -1,
		  0) == p + PAGE);
	return p + PAGE;
}

static void make_pages(void)
{
	private_page = page(MAP_PRIVATE);
	advised_page = page(MAP_PRIVATE);
	shared_page = page(MAP_SHARED);
	forbidden_page = page(MAP_PRIVATE);
	untouched_page = page(MAP_PRIVATE);
}

static void set_filter(const char *bits)
{
	int fd = open("/proc/self/coredump_filter", O_WRONLY);

	NEED(fd >= 0 && write(fd, bits, strlen(bits)) == (ssize_t)strlen(bits));
	close(fd);
}

static void show_content(const char *filter)
{
	printf("  filter %s\n", filter);
	set_filter(filter);
	if (!try("crash", crash_with_content, RLIM_INFINITY) || !map_core())
		return;
	show_bytes("private", private_page);
	show_bytes("advised", advised_page);
	show_bytes("shared", shared_page);
	show_bytes("forbidden", forbidden_page);
	show_bytes("untouched", untouched_page);
	munmap(core, core_size);
}

CASE(content)
{
	const Elf64_Ehdr *e;

	if (!cores_are_files())
		return;
	make_pages();
	if (!try("crash", crash_with_content, RLIM_INFINITY) || !map_core())
		return;
	e = (const Elf64_Ehdr *)core;
	CHECK(!memcmp(e->e_ident, ELFMAG, SELFMAG) && e->e_type == ET_CORE &&
	      e->e_machine == EM_X86_64);
	show_notes();
	munmap(core, core_size);
	show_content("0x33");
	show_content("0x0");
	show_content("0x1");
	show_content("0x2");
}

extern const char __executable_start[], etext[];

/* With bit 2 the program's text is in the core: as it is in the file. */
CASE(text)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	const char *start = (const char *)(((uintptr_t)etext - 1) & ~(PAGE - 1)), *in_core;
	static char in_file[PAGE];

	if (!cores_are_files())
		return;
	make_pages();
	set_filter("0x37");
	if (!try("crash", crash_with_content, RLIM_INFINITY) || !map_core())
		return;
	in_core = at(start);
	CHECK(pread(fd, in_file, PAGE, start - __executable_start) > 0);
	CHECK(in_core && !memcmp(in_core, in_file, (size_t)(etext - start)));
	close(fd);
	munmap(core, core_size);
}
