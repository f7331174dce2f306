/* heap/peek.h on the host, by process_vm_readv(2). */
#include <sys/uio.h>
#include <unistd.h>
#include "heap/peek.h"

bool peek_words(u64 a, u64 b, u64 to[2])
{
	struct iovec local = {to, 16}, remote[] = {{(void *)a, 8}, {(void *)b, 8}};

	return process_vm_readv(getpid(), &local, 1, remote, 2, 0) == 16;
}
