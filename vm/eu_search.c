// SPDX-License-Identifier: MIT
/*
 * Six functions that the static libraries of elfutils 0.192 call but lack (sourceware bug 32293):
 * search trees with a lock, made of those of <search.h>. CMakeLists.txt adds this file if programs
 * do not link without it. The functions are weak, so a library that has them provides its own.
 *
 * A search_tree of elfutils begins with its root. Its lock follows and is not used here, so only
 * one thread at a time may use a tree: the reporter has one thread, and the monitor's loader keeps
 * each Elf within one call.
 */
#include <search.h>
#include <stddef.h>

struct eu_tree {
	void *root;
};

typedef int eu_compare(const void *a, const void *b);

__attribute__((weak)) void eu_search_tree_init(struct eu_tree *tree);
__attribute__((weak)) void eu_search_tree_fini(struct eu_tree *tree, void (*free_node)(void *));
__attribute__((weak)) void eu_tdestroy(struct eu_tree *tree, void (*free_node)(void *));
__attribute__((weak)) void *eu_tsearch(const void *key, struct eu_tree *tree, eu_compare *compare);
__attribute__((weak)) void *eu_tfind(const void *key, struct eu_tree *tree, eu_compare *compare);
__attribute__((weak)) void *eu_tdelete(const void *key, struct eu_tree *tree, eu_compare *compare);

void eu_search_tree_init(struct eu_tree *tree)
{
	tree->root = NULL;
}

void eu_tdestroy(struct eu_tree *tree, void (*free_node)(void *))
{
	tdestroy(tree->root, free_node);
	tree->root = NULL;
}

void eu_search_tree_fini(struct eu_tree *tree, void (*free_node)(void *))
{
	if (tree)
		eu_tdestroy(tree, free_node);
}

void *eu_tsearch(const void *key, struct eu_tree *tree, eu_compare *compare)
{
	return tsearch(key, &tree->root, compare);
}

void *eu_tfind(const void *key, struct eu_tree *tree, eu_compare *compare)
{
	return tfind(key, &tree->root, compare);
}

void *eu_tdelete(const void *key, struct eu_tree *tree, eu_compare *compare)
{
	return tdelete(key, &tree->root, compare);
}
