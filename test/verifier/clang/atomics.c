#include "bpf.h"
MAP(state, ARRAY, 4, 32, 1);
SEC("kprobe") int change(struct regs *ctx)
{
	u32 zero = 0;
	u64 *s = lookup(&state, &zero);
	if (!s)
		return 0;
	u64 before = __sync_fetch_and_add(&s[0], ctx->di);
	__sync_fetch_and_or(&s[1], before);
	__sync_fetch_and_xor(&s[2], 5);
	u64 seen = __sync_val_compare_and_swap(&s[3], 0, before);
	u32 low = __sync_fetch_and_and((u32 *)s, 0xff);
	return seen == low;
}
