// SPDX-License-Identifier: MIT
/*
 * Prints what a program sees of its environment in each of the ways that exist. With arguments, it
 * executes them, to show what its children inherit.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char **environ;

/* The auxiliary vector as start code finds it: behind envp's NULL. */
static const Elf64_auxv_t *vector(void)
{
	char **e = environ;

	while (*e)
		e++;
	return (const Elf64_auxv_t *)(e + 1);
}

/* The entry types to print, in a fixed order. AT_IGNORE marks the end. */
static void print_vector(void)
{
	for (const Elf64_auxv_t *a = vector(); a->a_type != AT_NULL; a++)
		if (a->a_type == AT_PAGESZ || a->a_type == AT_ENTRY || a->a_type == AT_EXECFN)
			printf("vector %lu %s\n", a->a_type,
			       a->a_un.a_val == getauxval(a->a_type) ? "as getauxval" : "differs");
}

int main(int argc, char **argv)
{
	const char *preload = getenv("LD_PRELOAD");
	static char text[1 << 16];
	int fd = open("/proc/self/environ", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	for (char **e = environ; *e; e++)
		printf("environ %s\n", *e);
	for (const char *s = text; s < text + (n > 0 ? n : 0); s += strlen(s) + 1)
		printf("/proc %s\n", s);
	printf("getenv %s\n", preload ? preload : "-");
	print_vector();
	fflush(stdout);
	if (argc > 1) {
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		return 1;
	}
	return 0;
}
