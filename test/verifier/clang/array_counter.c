#include "bpf.h"
MAP(hits, ARRAY, 4, 8, 16);
SEC("kprobe") int count(struct regs *ctx)
{
	u32 key = ctx->di & 15;
	u64 *value = lookup(&hits, &key);
	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}
