/* SPDX-License-Identifier: MIT */
/*
 * Between the monitor (vm/reporter.c) and the reporter (check/report/main.c): a stream socket,
 * messages of a head and bytes. The monitor asks, one message at a time; REPORT and END are
 * answered with a u32. The end of the stream means END.
 */
#ifndef CHECK_ABI_CHANNEL_H
#define CHECK_ABI_CHANNEL_H

#include "common/types.h"

enum report_message {
	REPORT_MESSAGE_REPORT =
		1,		/* struct check_report and its parts; answer: enum check_verdict */
	REPORT_MESSAGE_SUMMARY, /* struct check_summary; no answer */
	REPORT_MESSAGE_END,	/* nothing; answered when everything is written */
};

struct report_message_head {
	u32 type; /* enum report_message */
	u32 len;  /* of the bytes that follow, at most CHECK_REPORT_MAX */
};

/* The reporter's descriptors: its standard error is the user's. */
#define REPORT_CHANNEL_FD 3

#endif
