#include "bpf.h"
struct box { u64 low, high; };
NOINLINE SEC("kprobe") int widen(struct box *box, u64 value)
{
	if (value < box->low)
		box->low = value;
	if (value > box->high)
		box->high = value;
	return box->high > box->low;
}
MAP(out, ARRAY, 4, 16, 1);
SEC("kprobe") int range(struct regs *ctx)
{
	struct box box = { ctx->di, ctx->di };
	u32 zero = 0;
	widen(&box, ctx->si);
	widen(&box, ctx->dx);
	update(&out, &zero, &box, 0);
	return 0;
}
