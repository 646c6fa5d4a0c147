#include "bpf.h"
MAP(stages, PROG_ARRAY, 4, 4, 4);
SEC("xdp") int first(struct xdp *ctx)
{
	tail_call(ctx, &stages, ctx->queue & 3);
	return 2;
}
