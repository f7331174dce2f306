// SPDX-License-Identifier: MIT
/*
 * Executable files that no linker makes: each is a small right one with a change. execve(2) runs
 * it, refuses it, or kills, and a program that runs tells what it finds.
 */
#include "check.h"
#include "child.h"
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PAGE	  4096UL
#define BASE	  0x10000000UL
#define FILE_SIZE (4 * PAGE)
#define PHDRS	  8

struct image {
	Elf64_Ehdr head;
	Elf64_Phdr ph[PHDRS];
	char interpreter[256];
	/* At PAGE: the code. Then data, at 2 * PAGE. */
};

/* Ends with the low byte of what it reads at DATA, or 42 without a read. */
static const unsigned char ends_with_42[] = {
	0xbf, 42,  0, 0, 0,		/* mov $42, %edi */
	0xb8, 231, 0, 0, 0, 0x0f, 0x05, /* mov $231, %eax; syscall (exit_group) */
};

static const unsigned char reads[] = {
	0x48, 0xbb, 0,	  0, 0, 0,    0,    0, 0, 0, /* mov $ADDRESS, %rbx */
	0x0f, 0xb6, 0x3b,			     /* movzbl (%rbx), %edi */
	0xb8, 231,  0,	  0, 0, 0x0f, 0x05,
};

static const unsigned char writes[] = {
	0x48, 0xbb, 0,	  0, 0, 0,    0,    0, 0, 0, /* mov $ADDRESS, %rbx */
	0xc6, 0x03, 7,				     /* movb $7, (%rbx) */
	0x0f, 0xb6, 0x3b,			     /* movzbl (%rbx), %edi */
	0xb8, 231,  0,	  0, 0, 0x0f, 0x05,
};

/* Pushes a RET and calls it: works with a stack that can be executed. */
static const unsigned char executes_stack[] = {
	0x6a, 0xffu & 0xc3, /* push $0xc3 */
	0xff, 0xd4,	    /* call *%rsp */
	0xbf, 42,	    0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05,
};

static struct image image;
static char contents[FILE_SIZE];

static void put_code(const unsigned char *code, size_t size, unsigned long address)
{
	memcpy(contents + PAGE, code, size);
	if (address)
		memcpy(contents + PAGE + 2, &address, sizeof(address));
}

/* The right file: headers and code in one segment, data in another, then zeros. */
static void begin(void)
{
	memset(contents, 0, sizeof(contents));
	memset(&image, 0, sizeof(image));
	image.head = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = BASE + PAGE,
		.e_phoff = offsetof(struct image, ph),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	image.ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				   .p_flags = PF_R | PF_X,
				   .p_vaddr = BASE,
				   .p_filesz = 2 * PAGE,
				   .p_memsz = 2 * PAGE,
				   .p_align = PAGE};
	image.ph[1] = (Elf64_Phdr){.p_type = PT_LOAD,
				   .p_flags = PF_R | PF_W,
				   .p_offset = 2 * PAGE,
				   .p_vaddr = BASE + 2 * PAGE,
				   .p_filesz = PAGE / 2,
				   .p_memsz = 2 * PAGE,
				   .p_align = PAGE};
	image.ph[2] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W, .p_align = 16};
	memset(contents + 2 * PAGE, 5, 2 * PAGE);
	put_code(ends_with_42, sizeof(ends_with_42), 0);
}

static void execute(void)
{
	char *const none[] = {(char[]){"odd"}, NULL};
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	execve("./odd", none, none);
	printf("    execve: %s\n", check_errno(errno));
}

static void run_size(const char *what, size_t size)
{
	int fd, status;

	memcpy(contents, &image, sizeof(image));
	unlink("odd");
	fd = open("odd", O_CREAT | O_WRONLY, 0700);
	NEED(fd >= 0 && write(fd, contents, size) == (ssize_t)size && close(fd) == 0);
	printf("  %s\n", what);
	status = status_of_child(execute);
	if (WIFSIGNALED(status))
		printf("    signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		printf("    ran: %d\n", WEXITSTATUS(status));
}

static void run(const char *what)
{
	run_size(what, FILE_SIZE);
}

#define WITH(what, ...)                                                                            \
	do {                                                                                       \
		begin();                                                                           \
		__VA_ARGS__;                                                                       \
		run(what);                                                                         \
	} while (0)

#define H		image.head
#define P		image.ph
#define READS(address)	put_code(reads, sizeof(reads), address)
#define WRITES(address) put_code(writes, sizeof(writes), address)

CASE(the_right_one)
{
	WITH("as it is", );
	WITH("reads data", READS(BASE + 2 * PAGE));
	WITH("reads the rest of the page", READS(BASE + 2 * PAGE + PAGE / 2));
	WITH("reads behind it", READS(BASE + 3 * PAGE));
	WITH("reads behind all", READS(BASE + 4 * PAGE));
	WITH("writes data", WRITES(BASE + 2 * PAGE));
	WITH("writes code", WRITES(BASE));
}

CASE(the_header)
{
	WITH("class 32", H.e_ident[EI_CLASS] = ELFCLASS32);
	WITH("no class", H.e_ident[EI_CLASS] = 0);
	WITH("big endian", H.e_ident[EI_DATA] = ELFDATA2MSB);
	WITH("version in ident", H.e_ident[EI_VERSION] = 9);
	WITH("ABI", H.e_ident[EI_OSABI] = 77);
	WITH("magic", H.e_ident[3] = 'G');
	WITH("relocatable", H.e_type = ET_REL);
	WITH("core", H.e_type = ET_CORE);
	WITH("no type", H.e_type = ET_NONE);
	WITH("type of an OS", H.e_type = 0xfe00);
	WITH("machine", H.e_machine = EM_AARCH64);
	WITH("machine of 32 bits", H.e_machine = EM_386);
	WITH("version", H.e_version = 0);
	WITH("size of the header", H.e_ehsize = 1);
	WITH("flags", H.e_flags = 0xffffffff);
	WITH("entries of another size", H.e_phentsize = 57);
	WITH("entries of no size", H.e_phentsize = 0);
	WITH("no entries", H.e_phnum = 0);
	WITH("too many entries", H.e_phnum = 0xffff);
	if (check_kernel(6, 18)) /* older ones take a page of them */
		WITH("a page and more of entries", H.e_phnum = 74);
	WITH("entries beyond the file", H.e_phoff = FILE_SIZE);
	WITH("entries at an odd offset", H.e_phoff = 0xfffffffffffffff0);
	WITH("entries that end beyond the file", H.e_phoff = FILE_SIZE - 60);
	WITH("entry 0", H.e_entry = 0);
	WITH("entry in data", H.e_entry = BASE + 2 * PAGE);
	WITH("entry in the kernel", H.e_entry = 0xffffffff81000000);
	WITH("entry beyond all", H.e_entry = BASE + 100 * PAGE);
	WITH("entry not canonical", H.e_entry = 0x800000000000);
}

CASE(short_files)
{
	static const size_t sizes[] = {0, 1, 3, 4, 16, 63, 64, 100, 175, 176, 231, 232, 400};
	char what[32];

	/* Older kernels end some of these later, by another signal. */
	if (!check_kernel(6, 18))
		return;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		begin();
		snprintf(what, sizeof(what), "%zu bytes", sizes[i]);
		run_size(what, sizes[i]);
	}
	begin();
	run_size("without code", PAGE);
	begin();
	run_size("without data", 2 * PAGE);
	begin();
	READS(BASE + 2 * PAGE);
	run_size("reads data that is not there", 2 * PAGE);
	begin();
	READS(BASE + 2 * PAGE);
	run_size("reads data that is there in part", 2 * PAGE + 10);
}

CASE(segments)
{
	if (!check_kernel(6, 18))
		return;
	WITH("none to load", P[0].p_type = P[1].p_type = PT_NULL);
	WITH("only the second", P[0].p_type = PT_NULL);
	WITH("no memory in the second", P[1].p_memsz = P[1].p_filesz = 0);
	WITH("no file in the second", P[1].p_filesz = 0; READS(BASE + 2 * PAGE));
	WITH("no memory in the first", P[0].p_memsz = P[0].p_filesz = 0);
	WITH("less memory than file", P[1].p_memsz = 10);
	WITH("less memory than file in the first", P[0].p_memsz = 10);
	WITH("both at one address", P[1].p_vaddr = BASE);
	WITH("code over code", P[1].p_vaddr = BASE + PAGE; P[1].p_offset = PAGE;
	     P[1].p_flags = PF_R | PF_X; P[1].p_memsz = P[1].p_filesz; READS(BASE + 2 * PAGE));
	WITH("data over the end of code", P[0].p_memsz = P[0].p_filesz = 3 * PAGE;
	     READS(BASE + 2 * PAGE + PAGE / 2));
	WITH("both at one address, reads", P[1].p_vaddr = BASE; READS(BASE));
	WITH("the second over a part", P[1].p_vaddr = BASE + PAGE; P[1].p_offset = PAGE);
	WITH("in falling order", P[0].p_vaddr = BASE + 2 * PAGE; P[1].p_vaddr = BASE;
	     P[1].p_memsz = PAGE; H.e_entry = BASE + 3 * PAGE);
	WITH("in falling order, reads", P[0].p_vaddr = BASE + 2 * PAGE; P[1].p_vaddr = BASE;
	     P[1].p_memsz = PAGE; H.e_entry = BASE + 3 * PAGE; READS(BASE));
	WITH("offset and address do not agree", P[1].p_offset += 8);
	WITH("address and offset do not agree", P[1].p_vaddr += 8);
	WITH("both not aligned", P[1].p_vaddr += 8; P[1].p_offset += 8; READS(BASE + 2 * PAGE + 8));
	WITH("both not aligned, reads before", P[1].p_vaddr += 8; P[1].p_offset += 8;
	     READS(BASE + 2 * PAGE));
	WITH("offset beyond the file", P[1].p_offset = 100 * PAGE);
	WITH("offset beyond the file, reads", P[1].p_offset = 100 * PAGE; READS(BASE + 2 * PAGE));
	WITH("huge offset", P[1].p_offset = 0x7ffffffffffff000);
	WITH("negative offset", P[1].p_offset = 0xfffffffffffff000);
	WITH("huge file size", P[1].p_filesz = P[1].p_memsz = 1UL << 46);
	WITH("huge memory size", P[1].p_memsz = 1UL << 46);
	WITH("larger memory size", P[1].p_memsz = 1UL << 50);
	WITH("negative memory size", P[1].p_memsz = 0xfffffffffffff000);
	WITH("largest memory size", P[1].p_memsz = ~0UL);
	WITH("a terabyte of zeros", P[1].p_memsz = 1UL << 40);
	WITH("address of the kernel", P[1].p_vaddr = 0xffffffff81000000);
	WITH("address behind the last", P[1].p_vaddr = 0x7ffffffff000);
	WITH("address that wraps", P[1].p_vaddr = 0xfffffffffffff000);
	WITH("more than the file has", P[1].p_filesz = P[1].p_memsz = 4 * PAGE;
	     READS(BASE + 2 * PAGE));
	WITH("more than the file has, reads it", P[1].p_filesz = P[1].p_memsz = 4 * PAGE;
	     READS(BASE + 5 * PAGE));
	WITH("physical address", P[1].p_paddr = 0x1234567);
}

CASE(alignment)
{
	static const unsigned long align[] = {
		0, 1, 2, 3, 16, 4095, 4097, 8192, 0x200000, 0x40000000, 1UL << 47, 1UL << 63, ~0UL};
	char what[64];

	for (size_t i = 0; i < sizeof(align) / sizeof(align[0]); i++) {
		for (int type = ET_EXEC; type <= ET_DYN; type++) {
			begin();
			H.e_type = (Elf64_Half)type;
			P[0].p_align = P[1].p_align = align[i];
			snprintf(what, sizeof(what), "%#lx, type %d", align[i], type);
			run(what);
		}
	}
}

CASE(low_and_high)
{
	unsigned long at[] = {0x10000, 0x400000, 0x7ffff0000000, 0x700000000000, 0x7fff00000000};
	char what[64];

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		for (int type = ET_EXEC; type <= ET_DYN; type++) {
			begin();
			H.e_type = (Elf64_Half)type;
			P[0].p_vaddr = at[i];
			P[1].p_vaddr = at[i] + 2 * PAGE;
			H.e_entry = at[i] + PAGE;
			snprintf(what, sizeof(what), "at %#lx, type %d", at[i], type);
			run(what);
		}
	}
}

CASE(rights_of_segments)
{
	char what[32];

	if (!check_kernel(6, 18))
		return;

	for (unsigned flags = 0; flags < 8; flags++) {
		begin();
		P[0].p_flags = flags;
		snprintf(what, sizeof(what), "code with %u", flags);
		run(what);
		begin();
		P[1].p_flags = flags;
		READS(BASE + 2 * PAGE);
		snprintf(what, sizeof(what), "data with %u, read", flags);
		run(what);
		begin();
		P[1].p_flags = flags;
		WRITES(BASE + 3 * PAGE);
		snprintf(what, sizeof(what), "zeros with %u, written", flags);
		run(what);
	}
	WITH("unknown flags", P[0].p_flags |= 0xfffffff8);
	WITH("zeros in a segment of code", P[0].p_memsz = 2 * PAGE + 8; P[1].p_vaddr += 4 * PAGE;
	     READS(BASE + 2 * PAGE));
	WITH("zeros in a page of code", P[0].p_filesz = 2 * PAGE - 8);
}

CASE(the_stack)
{
	WITH("may be executed", P[2].p_flags = PF_R | PF_W | PF_X;
	     put_code(executes_stack, sizeof(executes_stack), 0));
	WITH("may not", put_code(executes_stack, sizeof(executes_stack), 0));
	WITH("no flags", P[2].p_flags = 0; put_code(executes_stack, sizeof(executes_stack), 0));
	WITH("not said", H.e_phnum = 2; put_code(executes_stack, sizeof(executes_stack), 0));
	WITH("data where it is not said", H.e_phnum = 2; H.e_entry = BASE + 2 * PAGE;
	     memcpy(contents + 2 * PAGE, ends_with_42, sizeof(ends_with_42)));
	WITH("said twice", H.e_phnum = 4; P[3] = P[2]; P[3].p_flags = PF_R | PF_W | PF_X;
	     put_code(executes_stack, sizeof(executes_stack), 0));
	WITH("with a size", P[2].p_memsz = 1UL << 30);
}

static void interpreter(const char *name, size_t size)
{
	H.e_phnum = 4;
	P[3] = (Elf64_Phdr){.p_type = PT_INTERP,
			    .p_flags = PF_R,
			    .p_offset = offsetof(struct image, interpreter),
			    .p_filesz = size,
			    .p_memsz = size,
			    .p_align = 1};
	memcpy(image.interpreter, name, strlen(name));
}

CASE(interpreters)
{
	WITH("that is not there", interpreter("/no/such/file", 14));
	WITH("that is a directory", interpreter("/", 2));
	WITH("that is no program", interpreter("/etc/passwd", 12));
	WITH("without NUL", interpreter("/no/such/file", 13));
	WITH("without a name", interpreter("", 1));
	WITH("of no size", interpreter("/x", 0));
	WITH("of a NUL more", interpreter("/no/such/file", 20));
	WITH("of a page and more", interpreter("/no/such/file", 5000));
	WITH("beyond the file", interpreter("/x", 3); P[3].p_offset = FILE_SIZE);
	WITH("at a negative offset", interpreter("/x", 3); P[3].p_offset = ~0UL);
	WITH("said twice", interpreter("/no/such/file", 14); P[4] = P[3]; H.e_phnum = 5);
	WITH("itself", interpreter("./odd", 6));
	WITH("a script", interpreter("./script", 9);
	     int fd = open("script", O_CREAT | O_WRONLY, 0700);
	     NEED(fd >= 0 && write(fd, "#!/bin/sh\n", 10) == 10 && close(fd) == 0));
	WITH("not executable", interpreter("./plain", 8);
	     int fd = open("plain", O_CREAT | O_WRONLY, 0600);
	     NEED(fd >= 0 && write(fd, contents, 100) == 100 && close(fd) == 0));
}

CASE(other_entries)
{
	static const Elf64_Word types[] = {
		PT_DYNAMIC,   PT_NOTE,	       PT_SHLIB,   PT_PHDR,    PT_TLS,	  PT_GNU_EH_FRAME,
		PT_GNU_RELRO, PT_GNU_PROPERTY, 0x6ffffffa, 0x70000000, 0xffffffff};
	char what[32];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		begin();
		H.e_phnum = 4;
		P[3] = (Elf64_Phdr){.p_type = types[i],
				    .p_offset = 100 * PAGE,
				    .p_vaddr = 0x123,
				    .p_filesz = 1UL << 40,
				    .p_memsz = 10,
				    .p_align = 3};
		snprintf(what, sizeof(what), "type %#x", types[i]);
		run(what);
	}
	WITH("property", H.e_phnum = 4;
	     P[3] = (Elf64_Phdr){.p_type = PT_GNU_PROPERTY, .p_offset = 3 * PAGE, .p_filesz = 48});
	WITH("property of no size", H.e_phnum = 4; P[3] = (Elf64_Phdr){.p_type = PT_GNU_PROPERTY});
}
