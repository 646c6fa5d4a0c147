#include "bpf.h"
MAP(results, HASH, 8, 8, 64);
NOINLINE SEC("kprobe") u64 mix(u64 a, u64 b)
{
	a ^= b << 13;
	a ^= a >> 7;
	return a * 0x9e3779b97f4a7c15ull;
}
NOINLINE SEC("kprobe") int store(u64 key, u64 value)
{
	return update(&results, &key, &value, 0);
}
SEC("kprobe") int hash(struct regs *ctx)
{
	u64 h = mix(ctx->di, ctx->si);
	h = mix(h, ctx->dx);
	store(h, ktime());
	return 0;
}
