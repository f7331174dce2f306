// SPDX-License-Identifier: MIT
/*
 * columns: prints the words of standard input, sorted, in columns of the given width (80). A small
 * utility like many others; columns.patch plants a bug in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words {
	char **word;
	size_t count, room;
};

static char *read_word(FILE *from)
{
	char buffer[256];

	if (fscanf(from, "%255s", buffer) != 1)
		return NULL;
	return strdup(buffer);
}

static int add_word(struct words *w, char *word)
{
	if (w->count == w->room) {
		size_t room = w->room ? w->room * 2 : 8;
		char **larger = realloc(w->word, room * sizeof(*larger));

		if (!larger)
			return -1;
		w->word = larger;
		w->room = room;
	}
	w->word[w->count++] = word;
	return 0;
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_columns(const struct words *w, size_t width)
{
	size_t widest = 1, columns, rows;

	for (size_t i = 0; i < w->count; i++)
		if (strlen(w->word[i]) > widest)
			widest = strlen(w->word[i]);
	columns = width / (widest + 2) ? width / (widest + 2) : 1;
	rows = (w->count + columns - 1) / columns;
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = row; i < w->count; i += rows)
			printf("%-*s", i + rows < w->count ? (int)widest + 2 : 0, w->word[i]);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	struct words w = {0};
	char *word;

	while ((word = read_word(stdin))) {
		if (add_word(&w, word)) {
			perror("columns");
			return 1;
		}
	}
	qsort(w.word, w.count, sizeof(*w.word), compare_words);
	print_columns(&w, argc > 1 ? strtoul(argv[1], NULL, 10) : 80);
	for (size_t i = 0; i < w.count; i++)
		free(w.word[i]);
	free(w.word);
	return 0;
}
