/* SPDX-License-Identifier: MIT */
/*
 * The protocol between the monitor (vm/reporter.c) and the reporter (check/report/main.c), on a
 * stream socket. The reporter begins with a u32: 0 if it is ready, else the exit status with which
 * it ends. Then the monitor sends messages, one at a time, each a head and bytes. The reporter
 * answers REPORT and END with a u32. The end of the stream means END.
 */
#ifndef CHECK_ABI_CHANNEL_H
#define CHECK_ABI_CHANNEL_H

#include "common/types.h"

enum report_message {
	REPORT_MESSAGE_REPORT =
		1,		/* struct check_report and its parts; answer: enum check_verdict */
	REPORT_MESSAGE_SUMMARY, /* struct check_summary; no answer */
	REPORT_MESSAGE_END,	/* no bytes; the answer, 0, comes when all outputs are written */
};

struct report_message_head {
	u32 type; /* enum report_message */
	u32 len;  /* of the bytes that follow, at most CHECK_REPORT_MAX */
};

/* The reporter's end of the socket. Its standard error is where the text goes. */
#define REPORT_CHANNEL_FD 3

#endif
