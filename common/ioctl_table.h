/* SPDX-License-Identifier: MIT */
/*
 * Looks up the rows of common/ioctl.def and common/ethtool.def, for both sides of the hostcall: the
 * kernel moves the data that a row tells, and the monitor lets nothing else through.
 */
#ifndef COMMON_IOCTL_TABLE_H
#define COMMON_IOCTL_TABLE_H

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/ethtool.h>
#include <linux/fs.h>
#include <linux/kd.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/sockios.h>
#include <linux/vt.h>
#include "common/types.h"

/* The kinds of third arguments, from ioctl.def. */
enum ioctl_kind { VALUE, READ, WRITE, BOTH, HANDLE, OPENS, RANGE, CONF, ETHTOOL_REQUEST };

struct ioctl_request {
	u32 nr;
	u8 kind; /* enum ioctl_kind */
	u16 size;
};

/* Returns the row of a request, or NULL: it is not allowed. */
static inline const struct ioctl_request *ioctl_request(u32 nr)
{
#define ETHTOOL ETHTOOL_REQUEST /* in ioctl.def; ethtool.def has a macro of this name */
	static const struct ioctl_request requests[] = {
#define IOCTL(nr, kind, size) {nr, kind, size},
#include "common/ioctl.def"
	};
#undef ETHTOOL

	for (u32 i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].nr == nr)
			return &requests[i];
	return NULL;
}

/* Returns the size of the struct of a command of SIOCETHTOOL; 0: not allowed. */
static inline u32 ioctl_ethtool_size(u32 command)
{
	static const struct {
		u32 command, size;
	} requests[] = {
#define ETHTOOL(command, size) {command, size},
#include "common/ethtool.def"
#undef ETHTOOL
	};

	for (u32 i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].command == command)
			return requests[i].size;
	return 0;
}

#endif
