#include "bpf.h"
SEC("xdp") int parse(struct xdp *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethernet *eth = data;
	if (data + 12 > end)
		return 1;
	return eth->type == htons(0x0806) ? 1 : 2;
}
