// SPDX-License-Identifier: MIT
/*
 * Parts of libraries that must not get into the reporter: defined here, their archive members are
 * not taken. The names are elfutils's own (libdwfl/debuginfod-client.c); were they to change, the
 * linker's warning about dlopen in a static program would say so.
 *
 * debuginfod: a report asks no server.
 */
#include <stddef.h>

int __libdwfl_debuginfod_find_executable(void *dwfl, const unsigned char *build_id, size_t len);
int __libdwfl_debuginfod_find_debuginfo(void *dwfl, const unsigned char *build_id, size_t len);
void __libdwfl_debuginfod_end(void *client);

int __libdwfl_debuginfod_find_executable(void *dwfl, const unsigned char *build_id, size_t len)
{
	(void)dwfl;
	(void)build_id;
	(void)len;
	return -1;
}

int __libdwfl_debuginfod_find_debuginfo(void *dwfl, const unsigned char *build_id, size_t len)
{
	return __libdwfl_debuginfod_find_executable(dwfl, build_id, len);
}

void __libdwfl_debuginfod_end(void *client)
{
	(void)client;
}
