// SPDX-License-Identifier: MIT
/*
 * A process that harms itself dies as on Linux, and no other process does. Each case does the harm
 * in a child and prints how the child ended. The rest of the tree, this program first, continues.
 */
#include "check.h"
#include "child.h"
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE 65536

/* Returns the wait status of a child that runs this. */
static int end_of(void (*run)(void))
{
	pid_t pid = start_child();
	int status;

	if (pid == 0) {
		run();
		_exit(7);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void close_all(void)
{
	if (syscall(SYS_close_range, 0U, ~0U, 0U))
		_exit(1);
	if (write(1, "x", 1) != -1 || errno != EBADF)
		_exit(2);
	_exit(open("/dev/null", O_RDONLY) == 0 ? 3 : 4);
}

CASE(closes_every_descriptor)
{
	SHOW(end_of(close_all));
}

/* No C code after the call, because the stack is gone. */
static void unmap_stack(void)
{
	unsigned long sp;

	__asm__ volatile("mov %%rsp, %0" : "=r"(sp));
	sp &= ~0xfffffUL;
	__asm__ volatile("syscall; push $1; hlt" ::"a"(SYS_munmap), "D"(sp - 0x800000),
			 "S"(0x1000000)
			 : "rcx", "r11", "memory");
}

CASE(unmaps_its_stack)
{
	SHOW(end_of(unmap_stack));
}

static void unmap_all(void)
{
	__asm__ volatile("syscall; hlt" ::"a"(SYS_munmap), "D"(0), "S"(0x7ffffffff000)
			 : "rcx", "r11", "memory");
}

CASE(unmaps_everything)
{
	SHOW(end_of(unmap_all) == -SIGSEGV);
}

static void on_signal(int sig)
{
	(void)sig;
	_exit(9);
}

static void signal_on_garbage_stack(void)
{
	stack_t ss = {.ss_sp = (void *)0x123456789000, .ss_size = STACK_SIZE};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

	if (sigaltstack(&ss, NULL) || sigaction(SIGUSR1, &sa, NULL))
		_exit(1);
	raise(SIGUSR1);
}

static void fault_on_garbage_stack(void)
{
	stack_t ss = {.ss_sp = (void *)0x7ffffffff000, .ss_size = STACK_SIZE};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

	if (sigaltstack(&ss, NULL) || sigaction(SIGSEGV, &sa, NULL))
		_exit(1);
	__asm__ volatile("mov %0, (%0)" ::"r"(8L) : "memory");
}

CASE(signal_stack_is_garbage)
{
	SHOW(end_of(signal_on_garbage_stack));
	SHOW(end_of(fault_on_garbage_stack));
}

static unsigned long target;

static void jump(void)
{
	((void (*)(void))target)();
}

/*
 * Addresses where a kernel may lie, and non-canonical ones. The cases only jump to addresses that
 * hold no code: in ring-3 mode a program can reach the guest kernel's memory (docs/hosts.md).
 */
CASE(uses_kernel_addresses)
{
	static const unsigned long addresses[] = {
		0xffffffff80000000, 0xffffffff80001000, 0xffffffffc0001000, 0xffffffffc0002000,
		0xffffffffd0000000, 0xffff888000000000, 0xfffffffffffff000, 0x0000800000000000,
		0x00007ffffffff000, 0x8000000000000000,
	};

	for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		target = addresses[i];
		printf("%#lx\n", target);
		SHOW(end_of(jump));
	}
}

/*
 * Natively, and in ring-0 mode, the first access ends the child. In ring-3 mode the child can read
 * the guest kernel and, through the physmap, change it: it writes an endless loop behind the
 * kernel's text. No system call, fault or signal handler leads out of that loop.
 */
static void spin_in_kernel(void)
{
	const volatile unsigned long *vcpu_data = (void *)0xffffffffc0001000;
	unsigned long entry = vcpu_data[2], base = entry & ~4095UL, end = 0;
	const unsigned char *image;
	const Elf64_Phdr *ph;
	volatile unsigned short *loop;

	/* The kernel's own ELF header. The header of the vDSO inside it has no entry point. */
	while (memcmp((void *)base, ELFMAG, SELFMAG) || !((const Elf64_Ehdr *)base)->e_entry)
		base -= 4096;
	image = (void *)base;
	ph = (const void *)(image + ((const Elf64_Ehdr *)image)->e_phoff);
	for (int i = 0; i < ((const Elf64_Ehdr *)image)->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X))
			end = ph[i].p_vaddr + ph[i].p_memsz;
	end = (end + 1) & ~1UL;
	if (end % 4096 == 0)
		_exit(8);
	loop = (void *)(0x400000000000UL + 0x200000 + end);
	*loop = 0xfeeb; /* the instruction "jmp .": an endless loop */
	target = base + end;
	jump();
}

CASE(spins_in_the_kernel)
{
	int status;
	pid_t pid;

	SHOW(end_of(spin_in_kernel));
	/* The same, ended by SIGKILL before the watchdog acts. */
	fflush(stdout);
	pid = fork();
	NEED(pid >= 0);
	if (pid == 0)
		spin_in_kernel();
	settle(50000);
	kill(pid, SIGKILL);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

static void read_doorbell(void)
{
	__asm__ volatile("mov (%0), %%rax" ::"r"(0xffffffffd0000000) : "rax", "memory");
}

static void write_doorbell(void)
{
	__asm__ volatile("movl $1, (%0)" ::"r"(0xffffffffd0000000) : "memory");
}

static void add_to_doorbell(void)
{
	__asm__ volatile("lock incq (%0)" ::"r"(0xffffffffd0000008) : "memory");
}

static void vector_to_doorbell(void)
{
	__asm__ volatile("movups %%xmm0, (%0)" ::"r"(0xffffffffd0000010) : "memory");
}

/* In ring-3 mode there is a doorbell port to the monitor. It does not serve the program. */
CASE(rings_the_doorbell)
{
	SHOW(end_of(read_doorbell));
	SHOW(end_of(write_doorbell));
	SHOW(end_of(add_to_doorbell));
	SHOW(end_of(vector_to_doorbell));
}

static void wild_stack_pointer(void)
{
	__asm__ volatile("mov $0x800000000800, %rsp; push %rax; hlt");
}

static void wild_stack_in_call(void)
{
	__asm__ volatile("mov $0xffffffffc0001800, %%rsp; syscall; hlt" ::"a"(SYS_getpid)
			 : "rcx", "r11", "memory");
}

CASE(stack_pointer_is_garbage)
{
	SHOW(end_of(wild_stack_pointer));
	SHOW(end_of(wild_stack_in_call));
}

static void wild_thread_pointer(void)
{
	syscall(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, 0x1000UL);
	__asm__ volatile("mov %%fs:0, %%rax" ::: "rax");
}

static void bad_return(void)
{
	__asm__ volatile("xor %%esp, %%esp; syscall; hlt" ::"a"(SYS_rt_sigreturn)
			 : "rcx", "r11", "memory");
}

CASE(registers_are_garbage)
{
	SHOW(end_of(wild_thread_pointer));
	SHOW(end_of(bad_return));
}

static void bad_arguments(void)
{
	static const int calls[] = {
		SYS_read,	SYS_write,	  SYS_open,	 SYS_stat,	 SYS_poll,
		SYS_mprotect,	SYS_rt_sigaction, SYS_ioctl,	 SYS_readv,	 SYS_select,
		SYS_mremap,	SYS_mincore,	  SYS_connect,	 SYS_sendmsg,	 SYS_recvmsg,
		SYS_bind,	SYS_uname,	  SYS_semop,	 SYS_getdents64, SYS_futex,
		SYS_epoll_wait, SYS_openat,	  SYS_clone3,	 SYS_execve,	 SYS_getcwd,
		SYS_statx,	SYS_prlimit64,	  SYS_getrandom, SYS_wait4,	 SYS_msgrcv,
	};

	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (int n = 0; n < 6; n++)
			syscall(calls[i], 1000 + n, 0xffffffff80000000UL - (unsigned)n, ~0UL >> n,
				0xffffffffc0000000UL, 0x800000000000UL, -1UL);
	for (long call = 1000; call < 100000; call += 997)
		syscall(call, -1, -1, -1, -1, -1, -1);
	_exit(5);
}

CASE(arguments_are_garbage)
{
	SHOW(end_of(bad_arguments));
}

static void spin_in_calls(void)
{
	for (;;)
		syscall(SYS_getppid), access("/", F_OK);
}

CASE(spins_in_calls)
{
	int status;
	pid_t pid[4];

	fflush(stdout);
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		NEED(pid[i] >= 0);
		if (pid[i] == 0)
			spin_in_calls();
	}
	settle(200000);
	for (int i = 0; i < 4; i++) {
		SHOW(kill(pid[i], SIGKILL));
		CHECK(waitpid(pid[i], &status, 0) == pid[i] && WIFSIGNALED(status));
	}
}

static void fork_bomb(void)
{
	int forks = 0, error;

	setrlimit(RLIMIT_NPROC, &(struct rlimit){50, 50});
	if (setresuid(65534, 65534, 65534))
		_exit(1);
	for (;;) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0)
			pause();
		forks++;
	}
	error = errno;
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
	_exit(error == EAGAIN && forks > 0 && forks <= 50 ? 0 : 2);
}

static void fork_bomb_in_group(void)
{
	setpgid(0, 0);
	fork_bomb();
}

/* RLIMIT_NPROC does not bind root, so the case runs as another user. */
CASE(forks_without_end)
{
	if (geteuid() == 0)
		CHECK(end_of(fork_bomb_in_group) == 0);
}

/*
 * setuid(2) to a user who has too many processes succeeds, and execve(2) then fails: see
 * credentials(7). One process waits as that user; a zombie counts as well.
 */
static void exec_beyond_the_limit(void)
{
	int p[2];
	pid_t pid;
	char c;

	if (pipe(p))
		_exit(1);
	pid = fork();
	if (pid == 0) {
		if (setresuid(65533, 65533, 65533) || write(p[1], "r", 1) != 1)
			_exit(1);
		_exit(0);
	}
	if (read(p[0], &c, 1) != 1)
		_exit(1);
	settle(20000);
	setrlimit(RLIMIT_NPROC, &(struct rlimit){0, 0});
	if (setresuid(65533, 65533, 65533))
		_exit(2);
	execl("/bin/true", "true", (char *)NULL);
	if (errno != EAGAIN)
		_exit(3);
	waitpid(pid, NULL, 0);
	execl("/bin/true", "true", (char *)NULL);
	_exit(errno == EAGAIN ? 4 : 5);
}

CASE(process_limit_and_exec)
{
	if (geteuid() == 0)
		SHOW(end_of(exec_beyond_the_limit));
}

static void exhaust_descriptors(void)
{
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){100, 100});
	while (dup(1) >= 0)
		;
	_exit(errno == EMFILE ? 6 : 1);
}

CASE(opens_without_end)
{
	SHOW(end_of(exhaust_descriptors));
}
