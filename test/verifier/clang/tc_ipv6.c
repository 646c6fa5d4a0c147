#include "bpf.h"
MAP(seen, HASH, 16, 8, 64);
SEC("tc") int count(struct skb *skb)
{
	void *data = DATA(skb), *end = DATA_END(skb);
	struct ethernet *eth = data;
	struct ipv6 *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > end || eth->type != htons(0x86dd))
		return 0;
	u32 key[4];
	UNROLL for (int i = 0; i < 4; i++)
		key[i] = ip->from[i];
	u64 one = 1, *value = lookup(&seen, key);
	if (value)
		__sync_fetch_and_add(value, 1);
	else
		update(&seen, key, &one, 1);
	return 0;
}
