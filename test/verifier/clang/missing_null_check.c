#include "bpf.h"
MAP(hits, HASH, 4, 8, 16);
SEC("kprobe") int count(struct regs *ctx)
{
	u32 key = ctx->di;
	u64 *value = lookup(&hits, &key);
	*value += 1;
	return 0;
}
