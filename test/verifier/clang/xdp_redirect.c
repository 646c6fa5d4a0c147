#include "bpf.h"
MAP(ports, DEVMAP, 4, 4, 8);
SEC("xdp") int forward(struct xdp *ctx)
{
	return redirect_map(&ports, ctx->ingress & 7, 2);
}
