#include "bpf.h"
SEC("kprobe") int wait(struct regs *ctx)
{
	u64 until = ctx->di;
	ROLLED while (until & 1)
		asm volatile("" : "+r"(until));
	return 0;
}
