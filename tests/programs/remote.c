// SPDX-License-Identifier: MIT
/*
 * One process reads and writes another's memory: process_vm_readv(2), process_vm_writev(2),
 * /proc/PID/mem. Also kcmp(2), which compares what two processes share.
 */
#include "child.h"
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define PAGE 4096UL

/* What a child shows: the same addresses as in the parent, but other content. */
static struct {
	char *rw, *ro, *none, *shared_ro, *hole; /* a page each; hole: behind rw's second page */
} m;

static char text_page[2 * PAGE] __attribute__((aligned(4096)));

static void map_all(void)
{
	int fd = memfd_create("shared", 0);

	NEED(fd >= 0 && ftruncate(fd, PAGE) == 0);
	m.rw = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m.hole = m.rw + 2 * PAGE;
	m.ro = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(m.ro, "read-only");
	mprotect(m.ro, PAGE, PROT_READ);
	m.none = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(m.none, "no access");
	mprotect(m.none, PAGE, PROT_NONE);
	m.shared_ro = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	munmap(m.hole, PAGE); /* mapped last, or another mapping would fill it */
	strcpy(m.rw, "parent");
	strcpy(text_page, "text");
	mprotect(text_page, PAGE, PROT_READ);
}

static void unmap_all(void)
{
	munmap(m.rw, 2 * PAGE);
	munmap(m.ro, PAGE);
	munmap(m.none, PAGE);
	munmap(m.shared_ro, PAGE);
	mprotect(text_page, PAGE, PROT_READ | PROT_WRITE);
}

static int to_child[2], from_child[2];

static void child_main(void)
{
	char command;

	strcpy(m.rw, "child");
	strcpy(m.rw + PAGE - 4, "across the pages");
	while (read(to_child[0], &command, 1) == 1) {
		char answer = 0;

		if (command == 'r') /* Does the child see what was written? */
			answer = m.rw[0];
		if (command == 'o')
			answer = m.ro[0];
		if (command == 't')
			answer = text_page[0];
		if (command == 'w') { /* Read-only memory stays read-only. */
			signal(SIGSEGV, SIG_DFL);
			if (fork() == 0) {
				*(volatile char *)m.ro = 'x';
				_exit(0);
			} else {
				int status;

				wait(&status);
				answer = WIFSIGNALED(status) ? 'y' : 'n';
			}
		}
		if (command == 'n') {
			mprotect(m.none, PAGE, PROT_READ);
			answer = m.none[0];
			mprotect(m.none, PAGE, PROT_NONE);
		}
		if (command == 'd')
			answer = prctl(PR_SET_DUMPABLE, 0) == 0 ? 'd' : 'x';
		NEED(write(from_child[1], &answer, 1) == 1);
	}
	_exit(0);
}

static char ask(char command)
{
	char answer = '?';

	NEED(write(to_child[1], &command, 1) == 1 && read(from_child[0], &answer, 1) == 1);
	return answer;
}

static pid_t begin(void)
{
	pid_t pid;

	map_all();
	NEED(pipe(to_child) == 0 && pipe(from_child) == 0);
	pid = start_child();
	if (pid == 0) {
		close(to_child[1]);
		child_main();
	}
	close(to_child[0]);
	ask('-');
	return pid;
}

static void end(pid_t pid)
{
	close(to_child[1]);
	close(from_child[0]);
	close(from_child[1]);
	waitpid(pid, NULL, 0);
	unmap_all();
}

static long readv1(pid_t pid, void *from, void *to, size_t len)
{
	struct iovec local = {to, len}, remote = {from, len};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static long writev1(pid_t pid, void *to, const void *from, size_t len)
{
	struct iovec local = {(void *)from, len}, remote = {to, len};

	return process_vm_writev(pid, &local, 1, &remote, 1, 0);
}

CASE(process_vm_moves_bytes)
{
	pid_t pid = begin();
	char buf[64] = "", a[3] = "", b[30] = "";
	struct iovec local[2] = {{a, 2}, {b, 20}};
	struct iovec remote[3] = {{m.rw, 3}, {NULL, 0}, {m.rw + 3, 3}};

	CHECK(readv1(pid, m.rw, buf, 6) == 6 && !strcmp(buf, "child"));
	CHECK(readv1(pid, m.rw + PAGE - 4, buf, 17) == 17 && !strcmp(buf, "across the pages"));
	CHECK(process_vm_readv(pid, local, 2, remote, 3, 0) == 6);
	CHECK(!strcmp(a, "ch") && !strcmp(b, "ild"));
	CHECK(writev1(pid, m.rw, "Z", 1) == 1 && ask('r') == 'Z');
	CHECK(!strcmp(m.rw, "parent"));
	end(pid);
}

CASE(process_vm_keeps_to_permissions)
{
	pid_t pid = begin();
	char buf[2 * PAGE];

	SHOW(readv1(pid, m.none, buf, 1));
	SHOW(writev1(pid, m.none, "x", 1));
	SHOW(writev1(pid, m.ro, "x", 1));
	SHOW(readv1(pid, m.ro, buf, 5));
	SHOW(readv1(pid, m.hole, buf, 1));
	SHOW(readv1(pid, m.hole - 100, buf, 200));
	SHOW(readv1(pid, (void *)-4096L, buf, 8));
	SHOW(readv1(pid, m.rw, (void *)8, 8));
	CHECK(ask('o') == 'r');
	end(pid);
}

CASE(process_vm_refuses)
{
	struct iovec v = {&v, 8}, bad = {&v, (size_t)-1};

	SHOW(process_vm_readv(0, &v, 1, &v, 1, 0));
	SHOW(process_vm_readv(0x3fffff, &v, 1, &v, 1, 0));
	SHOW(process_vm_readv(0x3fffff, &v, 0, &v, 1, 0));
	SHOW(process_vm_readv(0x3fffff, &v, 1, &v, 0, 0));
	SHOW(process_vm_readv(getpid(), &v, 1, &v, 1, 1));
	SHOW(process_vm_readv(getpid(), &v, 1025, &v, 1, 0));
	SHOW(process_vm_readv(getpid(), &bad, 1, &v, 1, 0));
	SHOW(process_vm_readv(getpid(), &v, 1, &bad, 1, 0));
	SHOW(process_vm_readv(getpid(), (void *)8, 1, &v, 1, 0));
	SHOW(process_vm_readv(getpid(), &v, 1, (void *)8, 1, 0));
	SHOW(process_vm_readv(getpid(), &v, 1, &v, 1, 0));
}

CASE(the_memory_of_a_zombie_is_gone)
{
	pid_t pid = start_child();
	char path[40], c;
	siginfo_t info;
	int fd;

	if (pid == 0)
		_exit(0);
	NEED(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
	SHOW(readv1(pid, &c, &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR); /* ESRCH since Linux 6.13 */
	CHECK(fd < 0 || read(fd, &c, 1) == 0);
	waitpid(pid, NULL, 0);
	SHOW(readv1(pid, &c, &c, 1));
}

static int open_mem(pid_t pid, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, flags);
}

CASE(mem_is_the_process_with_force)
{
	pid_t pid = begin();
	int fd = open_mem(pid, O_RDWR);
	char buf[64] = "";

	NEED(fd >= 0);
	CHECK(pread(fd, buf, 6, (off_t)m.rw) == 6 && !strcmp(buf, "child"));
	CHECK(pwrite(fd, "Y", 1, (off_t)m.rw) == 1 && ask('r') == 'Y');
	CHECK(pread(fd, buf, 10, (off_t)m.none) == 10 && !strcmp(buf, "no access"));
	CHECK(pwrite(fd, "N", 1, (off_t)m.none) == 1 && ask('n') == 'N');
	CHECK(pwrite(fd, "R", 1, (off_t)m.ro) == 1 && ask('o') == 'R');
	CHECK(pwrite(fd, "T", 1, (off_t)text_page) == 1 && ask('t') == 'T');
	CHECK(ask('w') == 'y');
	CHECK(!strcmp(m.ro, "read-only") && !strcmp(text_page, "text"));
	SHOW(pwrite(fd, "S", 1, (off_t)m.shared_ro));
	SHOW(pread(fd, buf, 1, (off_t)m.shared_ro));
	SHOW(pread(fd, buf, 1, (off_t)m.hole));
	SHOW(pread(fd, buf, 64, (off_t)m.hole - 10));
	SHOW(pread(fd, buf, 0, (off_t)m.hole));
	SHOW(pread(fd, buf, 1, 0));
	SHOW(pread(fd, buf, 1, -4096));
	SHOW(lseek(fd, 0, SEEK_END));
	CHECK(lseek(fd, (off_t)m.rw, SEEK_SET) == (off_t)m.rw && read(fd, buf, 3) == 3);
	CHECK(lseek(fd, 0, SEEK_CUR) == (off_t)m.rw + 3);
	SHOW(read(fd, (void *)8, 1));
	end(pid);
	SHOW(pread(fd, buf, 1, (off_t)text_page));
	SHOW(pwrite(fd, buf, 1, (off_t)text_page));
	close(fd);
}

CASE(mem_of_the_process_itself)
{
	int fd = open_mem(getpid(), O_RDWR), ro = open_mem(getpid(), O_RDONLY);
	char c = 'a';

	NEED(fd >= 0 && ro >= 0);
	map_all();
	CHECK(pwrite(fd, "b", 1, (off_t)&c) == 1 && c == 'b');
	CHECK(pwrite(fd, "Q", 1, (off_t)m.ro) == 1 && m.ro[0] == 'Q');
	SHOW(pwrite(ro, "Q", 1, (off_t)m.ro));
	unmap_all();
	close(fd);
	close(ro);
}

CASE(mem_is_not_that_of_the_next_program)
{
	char buf[1];
	pid_t pid = begin();
	int fd = open_mem(pid, O_RDONLY);

	NEED(fd >= 0);
	end(pid);
	pid = start_child();
	if (pid == 0) {
		execl("/bin/sleep", "sleep", "100", NULL);
		_exit(1);
	}
	SHOW(pread(fd, buf, 1, (off_t)text_page));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
}

CASE(a_forked_page_is_not_written_for_both)
{
	pid_t pid = begin();
	int fd = open_mem(pid, O_RDWR);
	char before[PAGE];

	memcpy(before, text_page + PAGE, PAGE);
	/*
	 * Parent and child have had this page since before the fork, and neither has written to it.
	 */
	CHECK(pwrite(fd, "12345678", 8, (off_t)text_page + 4090) == 8);
	CHECK(memcmp(before, text_page + PAGE, PAGE) == 0);
	end(pid);
	close(fd);
}

static long kcmp_(pid_t a, pid_t b, int type, unsigned long i, unsigned long j)
{
	return syscall(SYS_kcmp, a, b, type, i, j);
}

CASE(kcmp_tells_what_is_shared)
{
	pid_t pid = begin();
	int fd = dup(0), other = open("/dev/null", O_RDONLY);

	CHECK(kcmp_(getpid(), getpid(), KCMP_VM, 0, 0) == 0);
	CHECK(kcmp_(getpid(), pid, KCMP_VM, 0, 0) > 0);
	CHECK(kcmp_(getpid(), pid, KCMP_VM, 0, 0) + kcmp_(pid, getpid(), KCMP_VM, 0, 0) == 3);
	CHECK(kcmp_(getpid(), pid, KCMP_FILES, 0, 0) > 0);
	CHECK(kcmp_(getpid(), pid, KCMP_FS, 0, 0) > 0);
	CHECK(kcmp_(getpid(), pid, KCMP_SIGHAND, 0, 0) > 0);
	CHECK(kcmp_(getpid(), pid, KCMP_FILE, 0, 0) == 0);
	CHECK(kcmp_(getpid(), getpid(), KCMP_FILE, 0, (unsigned long)fd) == 0);
	CHECK(kcmp_(getpid(), getpid(), KCMP_FILE, 0, (unsigned long)other) > 0);
	SHOW(kcmp_(getpid(), pid, KCMP_FILE, 0, (unsigned long)other + 10));
	SHOW(kcmp_(getpid(), pid, 99, 0, 0));
	SHOW(kcmp_(0x3fffff, pid, KCMP_VM, 0, 0));
	close(fd);
	close(other);
	end(pid);
}
