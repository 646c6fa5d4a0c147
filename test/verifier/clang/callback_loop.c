#include "bpf.h"
MAP(table, ARRAY, 4, 8, 64);
struct with { u64 sum; u32 seed; };
NOINLINE SEC("kprobe") long each(u32 index, struct with *with)
{
	u32 key = index & 63;
	u64 *value = lookup(&table, &key);
	if (!value)
		return 1;
	with->sum += *value ^ with->seed;
	return 0;
}
SEC("kprobe") int total(struct regs *ctx)
{
	struct with with = { 0, ctx->di };
	loop(1000, each, &with, 0);
	return with.sum == 0;
}
