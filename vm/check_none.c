// SPDX-License-Identifier: MIT
/* Hostcalls of `buffervm check` in a build without it. */
#include <errno.h>
#include "vm/hostcall.h"

s64 hc_do_check_report(struct call *c, const struct iovec *report, u32 report_count)
{
	(void)c;
	(void)report;
	(void)report_count;
	return -ENOSYS;
}

s64 hc_do_check_summary(struct call *c, const void *summary, u32 summary_len)
{
	(void)c;
	(void)summary;
	(void)summary_len;
	return -ENOSYS;
}

s64 hc_do_check_library(struct call *c, u64 none_)
{
	(void)c;
	(void)none_;
	return -ENOSYS;
}
