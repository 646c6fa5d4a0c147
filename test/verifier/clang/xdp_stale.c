#include "bpf.h"
SEC("xdp") int stale(struct xdp *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethernet *eth = data;
	if ((void *)(eth + 1) > end)
		return 1;
	if (xdp_adjust_head(ctx, -8))
		return 1;
	return eth->type ? 2 : 1;
}
