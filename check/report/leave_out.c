// SPDX-License-Identifier: MIT
/*
 * Replaces parts of libraries that must not get into the reporter: the linker takes these
 * definitions in place of the archive members. The names are elfutils's
 * (libdwfl/debuginfod-client.c). If elfutils changes them, the linker warns about dlopen in a
 * static program.
 *
 * debuginfod is left out because a report must not ask a server.
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
