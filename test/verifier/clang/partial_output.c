#include "bpf.h"
struct event { u32 pid; u32 length; char path[64]; };
MAP(events, PERF_EVENT_ARRAY, 4, 4, 4);
SEC("kprobe") int opened(struct regs *ctx)
{
	struct event e = {};
	e.pid = pid_tgid() >> 32;
	long n = probe_read_kernel_str(e.path, sizeof(e.path), (void *)ctx->si);
	if (n < 0 || n > 64)
		return 0;
	e.length = n;
	perf_output(ctx, &events, 0xffffffffull, &e, 8 + n);
	return 0;
}
