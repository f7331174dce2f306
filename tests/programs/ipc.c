// SPDX-License-Identifier: MIT
/*
 * System V IPC between processes, and POSIX message queues. Each case removes what it makes,
 * because natively these objects belong to the machine.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static int wait_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) != pid)
		NEED(errno == EINTR);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		printf("  child: status %x\n", status);
	return 0;
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Repeats, because the first signal may come before the call that it is to interrupt. */
static void alarm_each_ms(int ms, int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};
	const struct itimerval in = {{.tv_usec = ms * 1000}, {.tv_usec = ms * 1000}};

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &in, NULL);
}

static void alarm_off(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

static key_t a_key(void)
{
	return (key_t)(0x5a000000 | (getpid() & 0xffffff));
}

/* ---- shared memory -------------------------------------------------------------------------- */

static struct shmid_ds shm_state(int id)
{
	struct shmid_ds ds = {0};

	NEED(shmctl(id, IPC_STAT, &ds) == 0);
	return ds;
}

CASE(shm_getting)
{
	key_t key = a_key();
	int id = SHOW_OK(shmget(key, 5000, IPC_CREAT | IPC_EXCL | 0640));
	struct shmid_ds ds;

	CHECK(id >= 0);
	CHECK(shmget(key, 0, 0) == id);
	CHECK(shmget(key, 5000, IPC_CREAT | 0600) == id);
	SHOW(shmget(key, 5001, 0));
	SHOW(shmget(key, 4000, IPC_CREAT | IPC_EXCL));
	SHOW(shmget(key + 1, 4000, 0));
	SHOW(shmget(IPC_PRIVATE, 0, 0600));
	SHOW(shmget(IPC_PRIVATE, (size_t)-1, 0600));
	ds = shm_state(id);
	SHOW(ds.shm_segsz);
	printf("  mode %o\n", ds.shm_perm.mode);
	CHECK(ds.shm_perm.__key == key);
	CHECK(ds.shm_perm.uid == geteuid() && ds.shm_perm.cgid == getegid());
	CHECK(ds.shm_cpid == getpid());
	SHOW(ds.shm_lpid);
	SHOW(ds.shm_nattch);
	SHOW(ds.shm_atime);
	CHECK(ds.shm_ctime > 1500000000);
	ds.shm_perm.mode = 01604;
	SHOW(shmctl(id, IPC_SET, &ds));
	printf("  mode %o\n", shm_state(id).shm_perm.mode);
	SHOW(shmctl(id, 12345, &ds));
	SHOW(shmctl(-1, IPC_STAT, &ds));
	SHOW(shmctl(id, IPC_STAT, (void *)8));
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmctl(id, IPC_STAT, &ds));
	SHOW(shmget(key, 0, 0));
}

CASE(shm_attaching)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, 0600);
	char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY), *c;

	NEED(a != (void *)-1 && b != (void *)-1);
	CHECK(a != b);
	SHOW(a[0] + a[3 * PAGE - 1]);
	strcpy(a + PAGE, "seen twice");
	printf("  %s\n", b + PAGE);
	SHOW(shm_state(id).shm_nattch);
	CHECK(shm_state(id).shm_lpid == getpid());
	SHOW(mprotect(b, PAGE, PROT_READ | PROT_WRITE));
	SHOW(mprotect(a, PAGE, PROT_READ));
	SHOW(mprotect(a, PAGE, PROT_READ | PROT_WRITE));
	SHOW((long)shmat(id, a, 0));
	SHOW((long)shmat(id, a + 1, 0));
	SHOW((long)shmat(id, NULL, SHM_REMAP));
	SHOW((long)shmat(-1, NULL, 0));
	SHOW((long)shmat(0x7fffffff, NULL, 0));
	c = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	c[5 * PAGE] = 'x';
	CHECK(shmat(id, c + PAGE, SHM_REMAP) == c + PAGE);
	printf("  %s %c\n", c + 2 * PAGE, c[5 * PAGE]);
	CHECK(shmat(id, c + 4 * PAGE + 100, SHM_RND | SHM_REMAP) == c + 4 * PAGE);
	printf("  %s\n", c + 5 * PAGE);
	SHOW(shm_state(id).shm_nattch);
	SHOW(shmdt(c + 2 * PAGE));
	SHOW(shmdt(c + 1));
	SHOW(shmdt(c));
	SHOW(shmdt(c + PAGE));
	SHOW(shmdt(c + 4 * PAGE));
	SHOW(shmdt(c + 4 * PAGE));
	SHOW(shm_state(id).shm_nattch);
	CHECK(shmat(id, c + 4 * PAGE, 0) == c + 4 * PAGE);
	SHOW(munmap(c + 5 * PAGE, PAGE));
	SHOW(shm_state(id).shm_nattch);
	SHOW(shmdt(c + 4 * PAGE));
	SHOW(munmap(c, 8 * PAGE));
	SHOW(munmap(b, 3 * PAGE));
	SHOW(shm_state(id).shm_nattch);
	CHECK(shm_state(id).shm_dtime > 1500000000);
	SHOW(shmdt(b));
	SHOW(shmdt(a));
	SHOW(shmctl(id, IPC_RMID, NULL));
}

CASE(shm_between_processes)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
	volatile int *a = shmat(id, NULL, 0);

	NEED(a != (void *)-1);
	a[0] = 1;
	IN_CHILD
	{
		volatile int *b = shmat(id, NULL, 0);

		SHOW(shm_state(id).shm_nattch);
		SHOW(a[0]);
		a[1] = 2;
		SHOW(b[1]);
		b[1024] = 3;
		SHOW(shmdt((void *)a));
		SHOW(shm_state(id).shm_nattch);
	}
	SHOW(shm_state(id).shm_nattch);
	SHOW(a[1]);
	SHOW(a[1024]);
	IN_CHILD
	{
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	SHOW(shm_state(id).shm_nattch);
	/*
	 * A removed segment lives until its last user detaches it, and further processes may attach
	 * it.
	 */
	SHOW(shmctl(id, IPC_RMID, NULL));
	printf("  mode %o\n", shm_state(id).shm_perm.mode);
	IN_CHILD
	{
		volatile int *b = shmat(id, NULL, 0);

		SHOW(b[1024]);
		SHOW(shmctl(id, IPC_RMID, NULL));
	}
	SHOW(a[1024]);
	SHOW(shmdt((void *)a));
	SHOW((long)shmat(id, NULL, 0));
}

CASE(shm_removed_by_key)
{
	key_t key = a_key();
	int id = shmget(key, PAGE, IPC_CREAT | 0600), id2;
	void *a = shmat(id, NULL, 0);

	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmget(key, PAGE, 0));
	id2 = shmget(key, PAGE, IPC_CREAT | 0600);
	CHECK(id2 >= 0 && id2 != id);
	CHECK(shm_state(id).shm_perm.__key == IPC_PRIVATE);
	SHOW(shmdt(a));
	SHOW(shmctl(id2, IPC_RMID, NULL));
}

CASE(shm_moved_and_split)
{
	int id = shmget(IPC_PRIVATE, 4 * PAGE, 0600);
	char *a = shmat(id, NULL, 0), *b;

	for (int i = 0; i < 4; i++)
		a[i * PAGE] = (char)('a' + i);
	SHOW(mprotect(a + PAGE, PAGE, PROT_READ));
	SHOW(shm_state(id).shm_nattch);
	SHOW(mprotect(a + PAGE, PAGE, PROT_READ | PROT_WRITE));
	b = mremap(a + 2 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		   a + 1024 * PAGE);
	NEED(b != MAP_FAILED);
	printf("  %c%c%c%c\n", a[0], a[PAGE], b[0], b[PAGE]);
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(munmap(b, 2 * PAGE));
	printf("  %c%c\n", a[0], a[PAGE]);
	SHOW(shmdt(a));
	SHOW(shmctl(id, IPC_STAT, &(struct shmid_ds){0}));
}

CASE(shm_limits)
{
	struct shminfo info;
	int id = shmget(IPC_PRIVATE, PAGE, 0600);

	CHECK(shmctl(0, IPC_INFO, (void *)&info) >= 0);
	SHOW(info.shmmni);
	SHOW(info.shmmin);
	printf("  %lx %lx\n", info.shmmax, info.shmall);
	SHOW(shmctl(id, SHM_LOCK, NULL));
	printf("  mode %o\n", shm_state(id).shm_perm.mode);
	SHOW(shmctl(id, SHM_UNLOCK, NULL));
	printf("  mode %o\n", shm_state(id).shm_perm.mode);
	SHOW(shmctl(id, IPC_RMID, NULL));
}

/* ---- semaphores ------------------------------------------------------------------------------ */

union semun {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

static int sem_do(int id, int n, int op, int flags)
{
	struct sembuf b = {(unsigned short)n, (short)op, (short)flags};

	return semop(id, &b, 1);
}

static int sem_new(int count, const unsigned short *values)
{
	int id = semget(IPC_PRIVATE, count, 0600);

	NEED(id >= 0);
	NEED(semctl(id, 0, SETALL, (union semun){.array = (unsigned short *)values}) == 0);
	return id;
}

static int sem_value(int id, int n)
{
	return semctl(id, n, GETVAL);
}

static void sem_free(int id)
{
	SHOW(semctl(id, 0, IPC_RMID));
}

/* Waits until this many operations wait for semaphore n (to grow, or to become zero). */
static void sem_await(int id, int n, int cmd, int count)
{
	for (int i = 0; i < 5000 && semctl(id, n, cmd) != count; i++)
		settle(1000);
	if (semctl(id, n, cmd) != count)
		printf("  nobody waits\n");
}

CASE(sem_getting)
{
	key_t key = a_key();
	int id = SHOW_OK(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));
	struct semid_ds ds;
	struct seminfo info;

	CHECK(id >= 0);
	CHECK(semget(key, 0, 0) == id);
	CHECK(semget(key, 3, 0) == id);
	SHOW(semget(key, 4, 0));
	SHOW(semget(key, 3, IPC_CREAT | IPC_EXCL));
	SHOW(semget(key + 1, 3, 0));
	SHOW(semget(IPC_PRIVATE, 0, 0600));
	SHOW(semget(IPC_PRIVATE, -1, 0600));
	SHOW(semget(IPC_PRIVATE, 32001, 0600));
	SHOW(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
	SHOW(ds.sem_nsems);
	SHOW(ds.sem_otime);
	printf("  mode %o\n", ds.sem_perm.mode);
	SHOW(sem_do(id, 0, 1, 0));
	SHOW(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
	CHECK(ds.sem_otime > 1500000000);
	ds.sem_perm.mode = 0400;
	SHOW(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
	SHOW(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
	printf("  mode %o\n", ds.sem_perm.mode);
	CHECK(semctl(0, 0, IPC_INFO, (union semun){.info = &info}) >= 0);
	printf("  %d %d %d %d %d %d\n", info.semmni, info.semmns, info.semmsl, info.semopm,
	       info.semvmx, info.semaem);
	sem_free(id);
	SHOW(semctl(id, 0, IPC_RMID));
	SHOW(sem_do(id, 0, 1, 0));
}

CASE(sem_values)
{
	int id = sem_new(3, (unsigned short[]){1, 2, 3});
	unsigned short v[3];

	SHOW(semctl(id, 0, GETALL, (union semun){.array = v}));
	printf("  %d %d %d\n", v[0], v[1], v[2]);
	SHOW(semctl(id, 1, SETVAL, (union semun){.val = 7}));
	SHOW(sem_value(id, 1));
	SHOW(semctl(id, 1, SETVAL, (union semun){.val = 32767}));
	SHOW(sem_do(id, 1, 1, 0));
	SHOW(semctl(id, 1, SETVAL, (union semun){.val = 32768}));
	SHOW(semctl(id, 1, SETVAL, (union semun){.val = -1}));
	SHOW(semctl(id, 3, SETVAL, (union semun){.val = 1}));
	SHOW(semctl(id, -1, GETVAL));
	SHOW(semctl(id, 3, GETVAL));
	v[1] = 40000;
	SHOW(semctl(id, 0, SETALL, (union semun){.array = v}));
	SHOW(sem_value(id, 0));
	CHECK(semctl(id, 1, GETPID) == getpid());
	SHOW(semctl(id, 0, GETNCNT));
	SHOW(semctl(id, 0, GETZCNT));
	SHOW(semctl(id, 0, 999));
	sem_free(id);
}

CASE(sem_operations)
{
	int id = sem_new(3, (unsigned short[]){1, 0, 5});
	struct sembuf ops[501] = {{0, -1, 0}, {1, 0, 0}, {2, -5, 0}};
	struct timespec ts = {0, 20000000};

	SHOW(semop(id, ops, 3));
	printf("  %d %d %d\n", sem_value(id, 0), sem_value(id, 1), sem_value(id, 2));
	/* All operations of a call happen, or none does. */
	ops[0] = (struct sembuf){0, 5, 0};
	ops[1] = (struct sembuf){1, 1, 0};
	ops[2] = (struct sembuf){2, -1, IPC_NOWAIT};
	SHOW(semop(id, ops, 3));
	printf("  %d %d %d\n", sem_value(id, 0), sem_value(id, 1), sem_value(id, 2));
	/* Operations on one semaphore happen one after another. */
	ops[0] = (struct sembuf){0, 5, 0};
	ops[1] = (struct sembuf){0, -3, 0};
	ops[2] = (struct sembuf){0, -2, 0};
	SHOW(semop(id, ops, 3));
	SHOW(sem_value(id, 0));
	SHOW(sem_do(id, 0, 0, 0));
	SHOW(sem_do(id, 0, 1, 0));
	SHOW(sem_do(id, 0, 0, IPC_NOWAIT));
	SHOW(sem_do(id, 0, -2, IPC_NOWAIT));
	SHOW(sem_do(id, 3, 1, 0));
	SHOW(semop(id, ops, 0));
	SHOW(semop(id, ops, 501));
	SHOW(semop(-1, ops, 1));
	SHOW(semop(id, (void *)8, 1));
	ops[0] = (struct sembuf){0, -2, 0};
	SHOW(semtimedop(id, ops, 1, &ts));
	ts.tv_nsec = -1;
	SHOW(semtimedop(id, ops, 1, &ts));
	alarm_each_ms(50, SA_RESTART);
	SHOW(semop(id, ops, 1));
	alarm_off();
	SHOW(sem_value(id, 0));
	sem_free(id);
}

CASE(sem_waiting)
{
	int id = sem_new(2, (unsigned short[]){0, 1});
	pid_t pid = start_child();

	if (pid == 0) {
		SHOW(sem_do(id, 0, -2, 0));
		SHOW(sem_do(id, 1, 0, 0));
		SHOW(sem_do(id, 0, -1, 0));
		_exit(0);
	}
	sem_await(id, 0, GETNCNT, 1);
	printf("  one\n");
	SHOW(sem_do(id, 0, 1, 0));
	sem_await(id, 0, GETNCNT, 1);
	printf("  two\n");
	NEED(sem_do(id, 0, 1, 0) == 0);
	sem_await(id, 1, GETZCNT, 1);
	CHECK(semctl(id, 0, GETPID) == pid);
	printf("  zero\n");
	NEED(sem_do(id, 1, -1, 0) == 0);
	sem_await(id, 0, GETNCNT, 1);
	printf("  removed\n");
	NEED(semctl(id, 0, IPC_RMID) == 0);
	wait_child(pid);
}

/* Waiters are served in the order in which they arrived. */
CASE(sem_order)
{
	int id = sem_new(1, (unsigned short[]){0}), p[2];
	pid_t pid[4];
	char who;

	NEED(pipe(p) == 0);
	for (int i = 0; i < 4; i++) {
		pid[i] = start_child();
		if (pid[i] == 0) {
			who = (char)('a' + i);
			NEED(sem_do(id, 0, -1, 0) == 0);
			NEED(write(p[1], &who, 1) == 1);
			_exit(0);
		}
		sem_await(id, 0, GETNCNT, i + 1);
	}
	for (int i = 0; i < 4; i++) {
		NEED(sem_do(id, 0, 1, 0) == 0);
		NEED(read(p[0], &who, 1) == 1);
		printf("  %c\n", who);
	}
	for (int i = 0; i < 4; i++)
		wait_child(pid[i]);
	close(p[0]);
	close(p[1]);
	sem_free(id);
}

CASE(sem_undoing)
{
	int id = sem_new(3, (unsigned short[]){5, 0, 9});

	IN_CHILD
	{
		SHOW(sem_do(id, 0, -3, SEM_UNDO));
		SHOW(sem_do(id, 1, 2, SEM_UNDO));
		SHOW(sem_do(id, 0, 1, SEM_UNDO));
		SHOW(sem_do(id, 2, -4, 0));
		printf("  %d %d %d\n", sem_value(id, 0), sem_value(id, 1), sem_value(id, 2));
	}
	printf("  %d %d %d\n", sem_value(id, 0), sem_value(id, 1), sem_value(id, 2));
	/* SETVAL discards the adjustments of SEM_UNDO. */
	IN_CHILD
	{
		SHOW(sem_do(id, 0, -3, SEM_UNDO));
		SHOW(sem_do(id, 2, -3, SEM_UNDO));
		SHOW(semctl(id, 0, SETVAL, (union semun){.val = 1}));
	}
	printf("  %d %d %d\n", sem_value(id, 0), sem_value(id, 1), sem_value(id, 2));
	/* The adjustment stops at zero. */
	IN_CHILD
	{
		SHOW(sem_do(id, 1, 4, SEM_UNDO));
		SHOW(sem_do(id, 1, -3, 0));
	}
	SHOW(sem_value(id, 1));
	/* fork does not inherit adjustments; exec keeps them. */
	NEED(sem_do(id, 0, 1, SEM_UNDO) == 0);
	IN_CHILD
	SHOW(sem_value(id, 0));
	SHOW(sem_value(id, 0));
	IN_CHILD
	{
		NEED(sem_do(id, 0, 3, SEM_UNDO) == 0);
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	SHOW(sem_value(id, 0));
	SHOW(sem_do(id, 2, -5, SEM_UNDO));
	SHOW(sem_do(id, 2, 32767, 0));
	SHOW(sem_do(id, 2, 32766, SEM_UNDO));
	SHOW(sem_do(id, 2, -32766, 0));
	SHOW(sem_do(id, 2, 32766, SEM_UNDO));
	sem_free(id);
}

/* The adjustments of a process that dies let another one continue. */
CASE(sem_undone_for_a_waiter)
{
	int id = sem_new(2, (unsigned short[]){1, 0});
	pid_t pid = start_child();

	if (pid == 0) {
		NEED(sem_do(id, 0, -1, SEM_UNDO) == 0);
		NEED(sem_do(id, 1, 1, 0) == 0);
		pause();
	}
	NEED(sem_do(id, 1, -1, 0) == 0);
	SHOW(sem_do(id, 0, -1, IPC_NOWAIT));
	kill(pid, SIGKILL);
	SHOW(sem_do(id, 0, -1, 0));
	wait_child(pid);
	sem_free(id);
}

CASE(sem_counting)
{
	int id = sem_new(1, (unsigned short[]){1});
	volatile long *n =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = start_child();
		for (int k = 0; pid[i] == 0; k++) {
			if (k == 300)
				_exit(0);
			NEED(sem_do(id, 0, -1, SEM_UNDO) == 0);
			++*n;
			NEED(sem_do(id, 0, 1, SEM_UNDO) == 0);
		}
	}
	for (int i = 0; i < 4; i++)
		wait_child(pid[i]);
	SHOW(*n);
	munmap((void *)n, PAGE);
	sem_free(id);
}

/* ---- message queues ----------------------------------------------------------------------------
 */

struct text_message {
	long type;
	char text[64];
};

static int send_text(int id, long type, const char *text, int flags)
{
	struct text_message m = {.type = type};

	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text), flags);
}

static int receive_text(int id, long type, size_t size, int flags)
{
	struct text_message m = {0};
	int n;

	errno = 0;
	n = (int)msgrcv(id, &m, size, type, flags);
	if (n < 0)
		printf("  type %ld size %zu flags %x: %s\n", type, size, flags, check_errno(errno));
	else
		printf("  type %ld size %zu flags %x: %d, type %ld '%.*s'\n", type, size, flags, n,
		       m.type, n, m.text);
	return n;
}

static struct msqid_ds msg_state(int id)
{
	struct msqid_ds ds = {0};

	NEED(msgctl(id, IPC_STAT, &ds) == 0);
	return ds;
}

CASE(msg_getting)
{
	key_t key = a_key();
	int id = SHOW_OK(msgget(key, IPC_CREAT | IPC_EXCL | 0620));
	struct msqid_ds ds;
	struct msginfo info;

	CHECK(id >= 0);
	CHECK(msgget(key, 0) == id);
	SHOW(msgget(key, IPC_CREAT | IPC_EXCL));
	SHOW(msgget(key + 1, 0));
	ds = msg_state(id);
	printf("  mode %o, %lu messages of %lu bytes\n", ds.msg_perm.mode, ds.msg_qnum,
	       ds.msg_qbytes);
	SHOW(ds.msg_lspid + ds.msg_lrpid);
	SHOW(ds.msg_stime + ds.msg_rtime);
	CHECK(msgctl(0, IPC_INFO, (void *)&info) >= 0);
	printf("  %d %d %d\n", info.msgmni, info.msgmax, info.msgmnb);
	SHOW(send_text(id, 1, "x", 0));
	ds = msg_state(id);
	CHECK(ds.msg_lspid == getpid() && ds.msg_stime > 1500000000);
	SHOW(ds.msg_qnum);
	SHOW(ds.__msg_cbytes);
	ds.msg_qbytes = 1000;
	ds.msg_perm.mode = 0600;
	SHOW(msgctl(id, IPC_SET, &ds));
	SHOW(msg_state(id).msg_qbytes);
	SHOW(msgctl(id, 99, &ds));
	SHOW(msgctl(-1, IPC_STAT, &ds));
	SHOW(msgctl(id, IPC_RMID, NULL));
	SHOW(msgctl(id, IPC_RMID, NULL));
	SHOW(send_text(id, 1, "x", 0));
	receive_text(id, 0, 10, 0);
}

CASE(msg_types)
{
	int id = msgget(IPC_PRIVATE, 0600);

	send_text(id, 3, "three", 0);
	send_text(id, 1, "one", 0);
	send_text(id, 2, "two", 0);
	send_text(id, 1, "one again", 0);
	send_text(id, 5, "five", 0);
	receive_text(id, 2, 64, 0);
	receive_text(id, 7, 64, IPC_NOWAIT);
	receive_text(id, -2, 64, 0);
	receive_text(id, 3, 64, MSG_EXCEPT);
	receive_text(id, 3, 4, 0);
	receive_text(id, 3, 4, MSG_NOERROR);
	receive_text(id, -4, 64, IPC_NOWAIT);
	receive_text(id, 0, 64, 0);
	receive_text(id, 0, 64, IPC_NOWAIT);
	SHOW(send_text(id, 0, "x", 0));
	SHOW(send_text(id, -1, "x", 0));
	SHOW(send_text(id, 1, "", 0));
	receive_text(id, (long)(1UL << 63), 0, 0);
	SHOW(msgsnd(id, &(struct text_message){.type = 1}, 8193, 0));
	SHOW(msgsnd(id, (void *)8, 1, 0));
	SHOW(msgrcv(id, &(struct text_message){0}, (size_t)-1, 0, IPC_NOWAIT));
	SHOW(msgrcv(-1, &(struct text_message){0}, 1, 0, IPC_NOWAIT));
	SHOW(msgctl(id, IPC_RMID, NULL));
}

CASE(msg_room)
{
	int id = msgget(IPC_PRIVATE, 0600);
	static struct {
		long type;
		char text[8192];
	} big = {.type = 1};
	pid_t pid;

	SHOW(msgsnd(id, &big, 8192, 0));
	SHOW(msgsnd(id, &big, 8192, 0));
	SHOW(msgsnd(id, &big, 1, IPC_NOWAIT));
	SHOW(msgsnd(id, &big, 0, IPC_NOWAIT));
	alarm_each_ms(50, SA_RESTART);
	SHOW(msgsnd(id, &big, 1, 0));
	alarm_off();
	pid = start_child();
	if (pid == 0) {
		SHOW(send_text(id, 2, "waited", 0));
		_exit(0);
	}
	settle(30000);
	printf("  room\n");
	NEED(msgrcv(id, &big, 8192, 1, 0) == 8192);
	wait_child(pid);
	receive_text(id, 2, 64, 0);
	SHOW(msgctl(id, IPC_RMID, NULL));
}

CASE(msg_waiting)
{
	int id = msgget(IPC_PRIVATE, 0600), p[2], q[2];
	pid_t pid;
	char c;

	NEED(pipe(p) == 0 && pipe(q) == 0);
	pid = start_child();
	if (pid == 0) {
		receive_text(id, 2, 64, 0);
		NEED(write(p[1], "x", 1) == 1 && read(q[0], &c, 1) == 1);
		receive_text(id, 0, 3, 0);
		NEED(write(p[1], "x", 1) == 1 && read(q[0], &c, 1) == 1);
		receive_text(id, 9, 64, 0);
		_exit(0);
	}
	settle(20000);
	send_text(id, 1, "not this", 0);
	settle(20000);
	printf("  sent\n");
	send_text(id, 2, "but this", 0);
	NEED(read(p[0], &c, 1) == 1);
	receive_text(id, 1, 64, 0);
	NEED(write(q[1], "x", 1) == 1);
	settle(20000);
	printf("  sent\n");
	NEED(send_text(id, 4, "too long", 0) == 0);
	NEED(read(p[0], &c, 1) == 1);
	receive_text(id, 4, 64, IPC_NOWAIT);
	printf("  removed\n");
	NEED(write(q[1], "x", 1) == 1);
	settle(300000); /* The thread has to be inside the call by then. */
	NEED(msgctl(id, IPC_RMID, NULL) == 0);
	wait_child(pid);
	id = msgget(IPC_PRIVATE, 0600);
	alarm_each_ms(50, SA_RESTART);
	receive_text(id, 0, 64, 0);
	alarm_off();
	SHOW(msgctl(id, IPC_RMID, NULL));
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
}

CASE(msg_many)
{
	int id = msgget(IPC_PRIVATE, 0600);
	long sum = 0;
	pid_t pid = start_child();

	if (pid == 0) {
		for (long i = 1; i <= 2000; i++)
			NEED(msgsnd(id, &(long[]){1, i}, sizeof(long), 0) == 0);
		_exit(0);
	}
	for (int i = 0; i < 2000; i++) {
		long m[2];

		NEED(msgrcv(id, m, sizeof(long), 0, 0) == sizeof(long));
		if (m[1] != i + 1)
			printf("  out of order\n");
		sum += m[1];
	}
	SHOW(sum);
	wait_child(pid);
	SHOW(msgctl(id, IPC_RMID, NULL));
}

/* ---- permissions -------------------------------------------------------------------------------
 */

CASE(permissions)
{
	int shm, sem, msg;

	if (geteuid() != 0) {
		printf("  only for root\n");
		return;
	}
	shm = shmget(IPC_PRIVATE, PAGE, 0604);
	sem = semget(IPC_PRIVATE, 1, 0604);
	msg = msgget(IPC_PRIVATE, 0602);
	IN_CHILD
	{
		void *a;

		NEED(setgid(65534) == 0 && setuid(65534) == 0);
		SHOW((long)shmat(shm, NULL, 0));
		a = shmat(shm, NULL, SHM_RDONLY);
		CHECK(a != (void *)-1);
		SHOW((long)shmat(shm, NULL, SHM_RDONLY | SHM_EXEC));
		SHOW(shmctl(shm, IPC_RMID, NULL));
		SHOW(sem_do(sem, 0, 1, 0));
		SHOW(sem_do(sem, 0, 0, 0));
		SHOW(sem_value(sem, 0));
		SHOW(semctl(sem, 0, SETVAL, (union semun){.val = 1}));
		SHOW(semctl(sem, 0, IPC_RMID));
		SHOW(send_text(msg, 1, "x", 0));
		receive_text(msg, 0, 10, 0);
		SHOW(msgctl(msg, IPC_STAT, &(struct msqid_ds){0}));
		SHOW(msgctl(msg, IPC_RMID, NULL));
	}
	SHOW(shmctl(shm, IPC_RMID, NULL));
	sem_free(sem);
	SHOW(msgctl(msg, IPC_RMID, NULL));
}

/* ---- POSIX message queues
 * ------------------------------------------------------------------------ */

static char name[64];

static mqd_t queue_new(long count, long size, int flags)
{
	struct mq_attr attr = {.mq_maxmsg = count, .mq_msgsize = size};
	mqd_t q;

	snprintf(name, sizeof(name), "/check-%d", getpid());
	q = mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &attr);
	NEED(q >= 0);
	return q;
}

static void show_receive(mqd_t q, size_t size)
{
	char text[100] = "";
	unsigned prio = 0;
	long n = mq_receive(q, text, size, &prio);

	if (n < 0)
		printf("  %s\n", check_errno(errno));
	else
		printf("  %ld '%.*s' at %u\n", n, (int)n, text, prio);
}

static int queue_events(mqd_t q)
{
	struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};

	poll(&p, 1, 0);
	return p.revents & (POLLIN | POLLOUT);
}

CASE(mq_opening)
{
	mqd_t q = queue_new(4, 50, 0), q2;
	struct mq_attr attr;

	SHOW(fcntl(q, F_GETFD));
	SHOW(mq_getattr(q, &attr));
	printf("  %lx %ld %ld %ld\n", attr.mq_flags, attr.mq_maxmsg, attr.mq_msgsize,
	       attr.mq_curmsgs);
	SHOW(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL));
	q2 = mq_open(name, O_RDONLY | O_NONBLOCK);
	CHECK(q2 >= 0);
	SHOW(mq_getattr(q2, &attr));
	printf("  %lx\n", attr.mq_flags);
	attr.mq_flags = 0;
	SHOW(mq_setattr(q2, &attr, NULL));
	SHOW(mq_getattr(q2, &attr));
	printf("  %lx\n", attr.mq_flags);
	attr.mq_flags = 1;
	SHOW(mq_setattr(q2, &attr, NULL));
	SHOW(mq_send(q2, "x", 1, 0));
	SHOW(fcntl(q2, F_GETFL));
	SHOW(fcntl(q2, F_SETFL, O_NONBLOCK));
	show_receive(q2, 100);
	SHOW(mq_close(q2));
	SHOW(mq_close(q2));
	SHOW(mq_send(0, "x", 1, 0));
	SHOW(mq_unlink(name));
	SHOW(mq_unlink(name));
	SHOW(mq_open(name, O_RDWR));
	SHOW(mq_send(q, "still", 5, 0));
	show_receive(q, 100);
	SHOW(mq_close(q));
	SHOW(mq_open("noslash", O_RDWR));
	SHOW(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
	SHOW(mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
	SHOW(mq_open("/none", O_RDWR));
	SHOW(mq_open("/none", O_RDWR | O_CREAT, 0600, &(struct mq_attr){.mq_maxmsg = 0}));
	SHOW(mq_open("/none", O_RDWR | O_CREAT, 0600,
		     &(struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = -1}));
	SHOW(mq_open("/none", O_RDWR | O_CREAT, 0600,
		     &(struct mq_attr){.mq_maxmsg = 1 << 20, .mq_msgsize = 10}));
}

CASE(mq_priorities)
{
	mqd_t q = queue_new(5, 50, O_NONBLOCK);
	struct mq_attr attr;

	SHOW(queue_events(q));
	SHOW(mq_send(q, "low", 3, 1));
	SHOW(mq_send(q, "high", 4, 31));
	SHOW(mq_send(q, "low too", 7, 1));
	SHOW(mq_send(q, "highest", 7, 32767));
	SHOW(queue_events(q));
	SHOW(mq_send(q, "", 0, 0));
	SHOW(queue_events(q));
	SHOW(mq_send(q, "full", 4, 3));
	SHOW(mq_send(q, "x", 1, 32768));
	SHOW(mq_getattr(q, &attr));
	SHOW(attr.mq_curmsgs);
	show_receive(q, 49);
	for (int i = 0; i < 6; i++)
		show_receive(q, 50);
	SHOW(queue_events(q));
	SHOW(mq_send(q, name, 51, 0));
	SHOW(mq_close(q));
	SHOW(mq_unlink(name));
}

CASE(mq_waiting)
{
	mqd_t q = queue_new(1, 50, 0);
	struct timespec ts;
	char text[50];
	pid_t pid;

	clock_gettime(CLOCK_REALTIME, &ts);
	SHOW(mq_timedreceive(q, text, 50, NULL, &ts));
	ts.tv_nsec = -1;
	SHOW(mq_timedreceive(q, text, 50, NULL, &ts));
	alarm_each_ms(50, 0);
	SHOW(mq_receive(q, text, 50, NULL));
	alarm_off();
	pid = start_child();
	if (pid == 0) {
		show_receive(q, 50);
		show_receive(q, 50);
		show_receive(q, 50);
		_exit(0);
	}
	settle(20000);
	printf("  sending\n");
	NEED(mq_send(q, "one", 3, 0) == 0);
	NEED(mq_send(q, "two", 3, 0) == 0);
	NEED(mq_send(q, "three", 5, 0) == 0);
	wait_child(pid);
	SHOW(mq_send(q, "fills", 5, 0));
	clock_gettime(CLOCK_REALTIME, &ts);
	SHOW(mq_timedsend(q, "x", 1, 0, &ts));
	pid = start_child();
	if (pid == 0) {
		SHOW(mq_send(q, "waited", 6, 0));
		_exit(0);
	}
	settle(20000);
	NEED(mq_receive(q, text, 50, NULL) == 5);
	wait_child(pid);
	show_receive(q, 50);
	SHOW(mq_close(q));
	SHOW(mq_unlink(name));
}

CASE(mq_poll)
{
	mqd_t q = queue_new(2, 50, 0);
	struct epoll_event ev = {.events = EPOLLIN, .data = {.u64 = 5}}, got = {0};
	int ep = epoll_create1(0);
	pid_t pid;

	SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, q, &ev));
	SHOW(epoll_wait(ep, &got, 1, 0));
	pid = start_child();
	if (pid == 0) {
		settle(20000);
		mqd_t own = mq_open(name, O_WRONLY);

		NEED(mq_send(own, "hello", 5, 0) == 0);
		_exit(0);
	}
	SHOW(epoll_wait(ep, &got, 1, -1));
	wait_child(pid);
	show_receive(q, 50);
	SHOW(epoll_wait(ep, &got, 1, 0));
	close(ep);
	SHOW(mq_close(q));
	SHOW(mq_unlink(name));
}

static volatile sig_atomic_t notified, notified_code, notified_value, notified_by_us;

static void on_notify(int sig, siginfo_t *info, void *context)
{
	(void)context;
	notified = sig;
	notified_code = info->si_code;
	notified_value = info->si_value.sival_int;
	notified_by_us = info->si_pid == getpid();
}

CASE(mq_notification)
{
	mqd_t q = queue_new(3, 50, O_NONBLOCK), q2;
	struct sigaction sa = {.sa_sigaction = on_notify, .sa_flags = SA_SIGINFO};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
	struct sigevent none = {.sigev_notify = SIGEV_NONE}, bad = {.sigev_notify = 77};

	sigaction(SIGUSR2, &sa, NULL);
	ev.sigev_value.sival_int = 88;
	SHOW(mq_notify(q, &ev));
	SHOW(mq_notify(q, &ev));
	SHOW(mq_send(q, "one", 3, 0));
	printf("  %d %d %d %d\n", (int)notified, (int)notified_code, (int)notified_value,
	       (int)notified_by_us);
	notified = 0;
	SHOW(mq_send(q, "two", 3, 0));
	SHOW(notified);
	/* A notification comes only if the queue was empty. */
	SHOW(mq_notify(q, &ev));
	SHOW(mq_send(q, "three", 5, 0));
	SHOW(notified);
	for (int i = 0; i < 3; i++)
		show_receive(q, 50);
	IN_CHILD
	{
		SHOW(mq_notify(q, &ev));
		SHOW(mq_notify(q, NULL));
		SHOW(mq_send(q, "by the child", 12, 0));
	}
	printf("  %d %d\n", (int)notified, (int)notified_by_us);
	show_receive(q, 50);
	SHOW(mq_notify(q, &ev));
	SHOW(mq_notify(q, NULL));
	SHOW(mq_notify(q, &none));
	SHOW(mq_notify(q, &ev));
	/* Closing any descriptor of the queue removes the notification. */
	q2 = dup(q);
	close(q2);
	SHOW(mq_notify(q, &ev));
	SHOW(mq_notify(q, NULL));
	SHOW(mq_notify(q, &bad));
	ev.sigev_signo = 65;
	SHOW(mq_notify(q, &ev));
	SHOW(mq_notify(0, &ev));
	SHOW(mq_close(q));
	SHOW(mq_unlink(name));
}

CASE(mq_as_a_file)
{
	mqd_t q = queue_new(3, 50, O_NONBLOCK);
	char text[128];
	struct stat st;
	ssize_t n;

	SHOW(mq_send(q, "12345", 5, 0));
	SHOW(fstat(q, &st));
	printf("  mode %o size %ld links %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	n = read(q, text, sizeof(text));
	printf("  %.*s", (int)n, text);
	SHOW(read(q, text, sizeof(text)));
	SHOW(write(q, text, 1));
	SHOW(mq_unlink(name));
	SHOW(fstat(q, &st));
	printf("  links %ld\n", (long)st.st_nlink);
	SHOW(mq_close(q));
}
