#include "bpf.h"
NOINLINE SEC("kprobe") u64 inner(u64 seed)
{
	volatile u64 room[40];
	for (int i = 0; i < 40; i++)
		room[i] = seed + i;
	return room[seed & 31];
}
SEC("kprobe") int outer(struct regs *ctx)
{
	volatile u64 room[40];
	for (int i = 0; i < 40; i++)
		room[i] = ctx->di;
	return inner(room[ctx->si & 31]);
}
