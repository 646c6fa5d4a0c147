#include "bpf.h"
SEC("xdp") int options(struct xdp *ctx)
{
	u8 *at = DATA(ctx), *end = DATA_END(ctx);
	u32 seen = 0;
	ROLLED for (int i = 0; i < 12; i++) {
		if (at + 2 > end)
			break;
		u8 kind = at[0], length = at[1];
		if (kind == 0)
			break;
		if (kind == 1) {
			at++;
			continue;
		}
		if (length < 2)
			break;
		seen |= 1u << (kind & 31);
		at += length;
	}
	return seen & 4 ? 1 : 2;
}
