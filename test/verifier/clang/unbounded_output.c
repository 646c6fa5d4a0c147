#include "bpf.h"
MAP(events, PERF_EVENT_ARRAY, 4, 4, 4);
SEC("kprobe") int copied(struct regs *ctx)
{
	char buffer[64] = {};
	u32 n = ctx->dx;
	probe_read_user(buffer, n, (void *)ctx->si);
	perf_output(ctx, &events, 0xffffffffull, buffer, sizeof(buffer));
	return 0;
}
