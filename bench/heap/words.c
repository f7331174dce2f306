// SPDX-License-Identifier: MIT
/*
 * A table of words with their counts: strings of many lengths that live long, and a table that
 * grows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
	struct word *next;
	char *text;
	long count;
};

static struct word **table;
static size_t size, used;

static size_t hash(const char *text)
{
	size_t h = 5381;

	while (*text)
		h = h * 33 + (unsigned char)*text++;
	return h;
}

static void resize(size_t to)
{
	struct word **larger = calloc(to, sizeof(struct word *)), *w, *next;

	for (size_t i = 0; i < size; i++)
		for (w = table[i]; w; w = next) {
			next = w->next;
			w->next = larger[hash(w->text) % to];
			larger[hash(w->text) % to] = w;
		}
	free(table);
	table = larger;
	size = to;
}

static void count_word(const char *text)
{
	struct word *w;

	if (used >= size)
		resize(size ? size * 2 : 64);
	for (w = table[hash(text) % size]; w; w = w->next)
		if (strcmp(w->text, text) == 0) {
			w->count++;
			return;
		}
	w = malloc(sizeof(*w));
	w->text = strdup(text);
	w->count = 1;
	w->next = table[hash(text) % size];
	table[hash(text) % size] = w;
	used++;
}

int main(int argc, char **argv)
{
	long scale = argc > 1 ? atol(argv[1]) : 100;
	unsigned state = 1;
	char text[64];

	for (long i = 0; i < scale * 1000; i++) {
		state = state * 1103515245 + 12345;
		snprintf(text, sizeof(text), "%.*s%u", (int)(state >> 28), "abcdefghijklmnop",
			 (state >> 8) % 40000);
		count_word(text);
	}
	printf("%zu words\n", used);
	return 0;
}
