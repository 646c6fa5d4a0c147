#include "bpf.h"
SEC("tc") int rewrite(struct skb *skb)
{
	u32 old, new = 0x0100007f;
	if (skb_load_bytes(skb, 26, &old, 4))
		return 0;
	l3_csum_replace(skb, 24, old, new, 4);
	skb_store_bytes(skb, 26, &new, 4, 0);
	s64 sum = csum_diff(&old, 4, &new, 4, 0);
	return sum == 0 ? 2 : 0;
}
