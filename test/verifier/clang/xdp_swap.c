#include "bpf.h"
SEC("xdp") int swap(struct xdp *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethernet *eth = data;
	if ((void *)(eth + 1) > end)
		return 1;
	u8 keep[6];
	__builtin_memcpy(keep, eth->to, 6);
	__builtin_memcpy(eth->to, eth->from, 6);
	__builtin_memcpy(eth->from, keep, 6);
	return 3;
}
