/* SPDX-License-Identifier: MIT */
/*
 * elfutils before 0.189 cannot read sections that are compressed with zstd (-gz=zstd). It gets a
 * copy of such a file, in memory, in which they are not compressed.
 */
#ifndef REPORT_ZSTD_H
#define REPORT_ZSTD_H

/*
 * Takes over the descriptor of any file. Returns it, or the descriptor of a copy if the file is an
 * ELF file with sections compressed by zstd and this build has zstd.
 */
int zstd_expanded(int fd);

#endif
