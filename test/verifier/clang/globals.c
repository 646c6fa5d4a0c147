#include "bpf.h"
static const u32 limits[4] = { 10, 100, 1000, 10000 };
const volatile u32 wanted = 42;
u64 total;
u32 buckets[8] = { 1, 2, 3 };
SEC("kprobe") int add(struct regs *ctx)
{
	u32 index = ctx->di & 3;
	if ((u32)ctx->si != wanted)
		return 0;
	total += limits[index];
	buckets[ctx->dx & 7]++;
	return 0;
}
