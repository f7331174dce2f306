// SPDX-License-Identifier: MIT
/*
 * Binary trees that are built, walked and freed: many small objects of one size that do not live
 * long.
 */
#include <stdio.h>
#include <stdlib.h>

struct node {
	struct node *left, *right;
};

static struct node *grow(int depth)
{
	struct node *n = malloc(sizeof(*n));

	n->left = depth ? grow(depth - 1) : NULL;
	n->right = depth ? grow(depth - 1) : NULL;
	return n;
}

static long count(const struct node *n)
{
	return n ? 1 + count(n->left) + count(n->right) : 0;
}

static void fell(struct node *n)
{
	if (!n)
		return;
	fell(n->left);
	fell(n->right);
	free(n);
}

int main(int argc, char **argv)
{
	long scale = argc > 1 ? atol(argv[1]) : 100, sum = 0;
	struct node *keep = grow(13);

	for (long i = 0; i < scale; i++) {
		struct node *n = grow(10);
		sum += count(n);
		fell(n);
	}
	printf("%ld\n", sum + count(keep));
	fell(keep);
	return 0;
}
