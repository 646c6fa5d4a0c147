#include "bpf.h"
MAP(traces, STACK_TRACE, 4, 80, 64);
MAP(counts, HASH, 8, 8, 256);
struct key { u32 pid; s32 stack; };
SEC("perf_event") int sample(void *ctx)
{
	struct key key = { pid_tgid() >> 32, 0 };
	key.stack = stackid(ctx, &traces, 0);
	if (key.stack < 0)
		return 0;
	u64 one = 1, *count = lookup(&counts, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		update(&counts, &key, &one, 0);
	return 0;
}
