#include "bpf.h"
struct prefix { u32 bits; u32 address; };
MAP(routes, LPM_TRIE, 8, 8, 64, 1);
SEC("tc") int route(struct skb *skb)
{
	void *data = DATA(skb), *end = DATA_END(skb);
	if (data + 34 > end)
		return 0;
	struct ipv4 *ip = data + 14;
	struct prefix key = { 32, ip->to };
	u64 *hops = lookup(&routes, &key);
	return hops && *hops > 4 ? 2 : 0;
}
