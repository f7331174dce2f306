// SPDX-License-Identifier: MIT
/*
 * main() of each program of the table: see bug.h. The twin's last line is "done", so that a twin
 * that dies early does not pass.
 */
#include "bug.h"

volatile bool bad;
volatile long sink;
char *const *bug_args;
const char *bug_program;

extern const struct bug *const __start_bug_table[];
extern const struct bug *const __stop_bug_table[];

int main(int argc, char **argv)
{
	const struct bug *const *entry;
	static char out[4096]; /* stdio's own would be an object that is still reachable */
	int name = 1;

	setvbuf(stdout, out, _IOFBF, sizeof(out));
	if (argc > 2 && strcmp(argv[1], "-c") == 0)
		name = 2;
	bad = name == 1;
	bug_args = argv + name + (argc > name);
	bug_program = argv[0];
	for (entry = __start_bug_table; entry < __stop_bug_table; entry++) {
		if (argc == 1)
			printf("%s | %s\n", (*entry)->name, (*entry)->expect);
		else if (strcmp((*entry)->name, argv[name]) == 0) {
			(*entry)->run();
			printf("done\n");
			return 0;
		}
	}
	return argc == 1 ? 0 : 2;
}
