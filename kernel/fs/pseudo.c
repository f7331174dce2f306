// SPDX-License-Identifier: MIT
/* See pseudo.h. */
#include "kernel/fs/fs.h"
#include "kernel/fs/pseudo.h"

static const struct pseudo_fs *registered[4];

void pseudo_fs_register(const struct pseudo_fs *fs)
{
	u32 i = 0;

	while (i < ARRAY_SIZE(registered) && registered[i])
		i++;
	KASSERT(i < ARRAY_SIZE(registered));
	registered[i] = fs;
}

const struct pseudo_fs *pseudo_fs_of(const char *path)
{
	for (u32 i = 0; i < ARRAY_SIZE(registered) && registered[i]; i++)
		if (path_below(path, registered[i]->root))
			return registered[i];
	return NULL;
}

bool ofile_is_pseudo_dir(struct ofile *f)
{
	return ofile_node(f) && ofile_type(f) == S_IFDIR;
}
