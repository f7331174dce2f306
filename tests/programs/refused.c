// SPDX-License-Identifier: MIT
/*
 * System calls that BufferVM refuses by decision, each with its cause in tests/known-differences if
 * the machine natively allows it; and seals of memory files, which it has to keep.
 */
#include "check.h"
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

CASE(user_faults)
{
	SHOW_OK(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY));
}

CASE(rings)
{
	char params[120] = "";

	SHOW_OK(syscall(SYS_io_uring_setup, 8, params));
	SHOW(syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
	SHOW(syscall(SYS_io_uring_register, -1, 0, NULL, 0));
}

/* For checkpoints; present in kernels that are configured for them. */
CASE(copies_of_messages)
{
	int id = msgget(IPC_PRIVATE, 0600);
	long m[2] = {1, 2};

	SHOW(msgsnd(id, m, sizeof(long), 0));
	SHOW(msgrcv(id, m, sizeof(long), 0, MSG_COPY));
	SHOW(msgrcv(id, m, sizeof(long), 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT));
	SHOW(msgrcv(id, m, sizeof(long), 0, MSG_COPY | IPC_NOWAIT));
	SHOW(msgrcv(id, m, sizeof(long), 0, IPC_NOWAIT));
	SHOW(msgctl(id, IPC_RMID, NULL));
}

CASE(seals)
{
	int fd = memfd_create("plain", 0), ro;
	char *a, path[64];

	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	close(fd);
	fd = memfd_create("sealed", MFD_ALLOW_SEALING);
	SHOW(fcntl(fd, F_GET_SEALS));
	SHOW(ftruncate(fd, 8192));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SHOW(ftruncate(fd, 8193));
	SHOW(pwrite(fd, "12345", 5, 8190));
	SHOW(pwrite(fd, "12345", 5, 8192));
	SHOW(ftruncate(fd, 4096));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SHOW(ftruncate(fd, 4095));
	SHOW(fallocate(fd, 0, 0, 4096));
	SHOW(fallocate(fd, 0, 0, 4097));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(a != MAP_FAILED);
	strcpy(a, "written");
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	/* The existing mapping can still be written, but nothing else can. */
	strcpy(a, "again");
	SHOW(pwrite(fd, "x", 1, 0));
	SHOW((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	SHOW_OK(munmap(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), 4096));
	SHOW(munmap(a, 4096));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	a = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	NEED(a != MAP_FAILED);
	printf("  %s\n", a);
	SHOW(mprotect(a, 4096, PROT_READ | PROT_WRITE));
	SHOW(munmap(a, 4096));
	a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	NEED(a != MAP_FAILED);
	a[0] = 'A';
	printf("  %s\n", a);
	SHOW(munmap(a, 4096));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	SHOW(fcntl(ro, F_ADD_SEALS, F_SEAL_SEAL));
	SHOW(fcntl(ro, F_GET_SEALS));
	close(ro);
	SHOW(fcntl(fd, F_ADD_SEALS, 0x4000));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SHOW(fcntl(fd, F_GET_SEALS));
	close(fd);
}
