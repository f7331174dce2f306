// SPDX-License-Identifier: MIT
/* Hostcalls of `buffervm check`: they pass the guest kernel's reports to the reporter. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check/abi/check.h"
#include "vm/hostcall.h"
#include "vm/reporter.h"

s64 hc_do_check_report(struct call *c, const struct iovec *report, u32 report_count)
{
	u64 len = iov_bytes(report, report_count);
	enum check_verdict verdict;
	struct iovec local = {NULL, len};

	if (!(c->s->opt.check.flags & CHECK_ON))
		return -ENOSYS;
	if (len < sizeof(struct check_report))
		return -EINVAL;
	if (len > CHECK_REPORT_MAX)
		return -EMSGSIZE;
	/*
	 * Reads the memory once, because the guest may change it. The host reads it, because it may
	 * be a window whose file is shorter by now.
	 */
	local.iov_base = malloc(len);
	if (!local.iov_base)
		return -ENOMEM;
	if (HOST_CALL(process_vm_readv, (u64)getpid(), (u64)&local, 1, (u64)report, report_count,
		      0) != (s64)len) {
		free(local.iov_base);
		return -EFAULT;
	}
	verdict = reporter_report(local.iov_base, (u32)len);
	free(local.iov_base);
	return verdict;
}

s64 hc_do_check_summary(struct call *c, const void *summary, u32 summary_len)
{
	struct check_summary s;

	if (!(c->s->opt.check.flags & CHECK_ON))
		return -ENOSYS;
	if (summary_len != sizeof(s))
		return -EINVAL;
	memcpy(&s, summary, sizeof(s));
	reporter_summary(&s);
	return 0;
}
