// SPDX-License-Identifier: MIT
/* Does buffervm(1) list exactly the exit statuses of common/exit_status.h, with their meanings? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/exit_status.h"

/* Reads the page, with the escapes of its dashes removed. */
static char *page(void)
{
	static char text[1 << 16];
	char *to = text;
	FILE *f;
	int c;

	f = fopen(MANUAL_PAGE, "r");
	assert_non_null(f);
	while ((c = getc(f)) != EOF && to < text + sizeof(text) - 1)
		if (c != '\\')
			*to++ = (char)c;
	fclose(f);
	*to = '\0';
	return text;
}

static void exit_statuses_are_those_of_the_table(void **state)
{
	static const struct {
		int status;
		const char *text;
	} table[] = {
#define X(name, status, text) {status, text},
		EXIT_STATUS_TABLE(X)
#undef X
	};
	char *at = strstr(page(), ".SH EXIT STATUS");
	char *end;

	(void)state;
	assert_non_null(at);
	end = strstr(at, ".SH SIGNALS");
	assert_non_null(end);
	*end = '\0';
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char row[256];

		snprintf(row, sizeof(row), ".TP\n.B %d\n%s\n", table[i].status, table[i].text);
		at = strstr(at, ".TP\n");
		assert_non_null(at);
		assert_memory_equal(at, row, strlen(row));
		at += strlen(row);
	}
	assert_null(strstr(at, ".TP\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_statuses_are_those_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
