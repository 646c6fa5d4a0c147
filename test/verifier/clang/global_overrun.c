#include "bpf.h"
u32 buckets[8] = { 1, 2, 3 };
SEC("kprobe") int add(struct regs *ctx)
{
	buckets[ctx->dx & 15]++;
	return 0;
}
