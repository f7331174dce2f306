// SPDX-License-Identifier: MIT
/*
 * Six functions that the static libraries of some elfutils versions call but lack (0.192;
 * sourceware bug 32293): search trees with a lock, over those of <search.h>. CMakeLists.txt adds
 * this file where programs do not link without it. The functions are weak: those of a library that
 * has them win.
 *
 * A search_tree of elfutils begins with the root; what follows is its lock, which is not used here.
 * So a tree belongs to one thread at a time: the reporter has one thread, and the loader of the
 * monitor keeps each Elf within one call.
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
