// SPDX-License-Identifier: MIT
/*
 * The stub for gdb: a program that speaks gdb's remote protocol at a socket and traces processes by
 * ptrace(2). In a sandbox the guest kernel starts it (kernel/exec/debugger.c, common/debugger.h):
 *
 *   gdb-stub PID halted|running
 *
 * Outside of a sandbox, for tests and to compare:
 *
 *   gdb-stub --listen=PATH PROGRAM [ARG]...
 */
#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/debugger.h"
#include "gdb/registers.h"
#include "gdb/server.h"
#include "gdb/tracee.h"

#define XCR0_AT 464 /* in the XSAVE area that PTRACE_GETREGSET gives */

/* The first thread is stopped: asks which registers there are. */
static void learn_registers(s32 tid)
{
	static u8 area[XSAVE_MAX];
	struct iovec v = {area, sizeof(area)};
	u64 features = 3;

	if (ptrace(PTRACE_GETREGSET, tid, NT_X86_XSTATE, &v) == 0 && v.iov_len > XCR0_AT + 8)
		memcpy(&features, area + XCR0_AT, sizeof(features));
	registers_init(features);
}

/* Starts the program, stopped and traced. Returns its number, or -1. */
static s32 start(char **argv)
{
	int gate[2], status;
	s32 pid;

	if (pipe(gate) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		char byte;

		close(gate[1]);
		if (read(gate[0], &byte, 1) == 1)
			execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, 0, (long)DEBUGGER_OPTIONS) != 0 ||
	    write(gate[1], "", 1) != 1 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	close(gate[0]);
	close(gate[1]);
	return pid;
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	umask(0177);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 1) != 0)
		return -1;
	return fd;
}

static int run_outside(const char *path, char **argv)
{
	int fd = listen_at(path);
	s32 pid = fd < 0 ? -1 : start(argv);

	if (pid < 0) {
		perror("gdb-stub");
		return 1;
	}
	tracee_add(pid, pid)->stopped = true;
	learn_registers(pid);
	server_run(fd, pid, true);
	return 0;
}

int main(int argc, char **argv)
{
	static const char listen_option[] = "--listen=";
	bool halted;
	s32 pid;

	if (argc > 2 && strncmp(argv[1], listen_option, strlen(listen_option)) == 0)
		return run_outside(argv[1] + strlen(listen_option), argv + 2);
	if (argc != 3)
		return 2;
	pid = atoi(argv[1]);
	halted = strcmp(argv[2], "halted") == 0;
	tracee_add(pid, pid);
	/* The first thread stops once, in any case. */
	tracee_stop_all();
	learn_registers(pid);
	if (!halted) {
		process_of(pid)->was_running = true;
		tracee_resume_all();
	}
	server_run(DEBUGGER_FD_SOCKET, pid, halted);
	return 0;
}
