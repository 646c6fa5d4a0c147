#include "bpf.h"
MAP(marks, LRU_HASH, 4, 4, 128);
SEC("tc") int mark(struct skb *skb)
{
	void *data = DATA(skb), *end = DATA_END(skb);
	if (data + sizeof(struct ethernet) + sizeof(struct ipv4) > end)
		return 0;
	struct ipv4 *ip = data + sizeof(struct ethernet);
	u32 from = ip->from;
	u32 *value = lookup(&marks, &from);
	if (value)
		skb->mark = *value;
	skb->cb[0] = ip->ttl;
	return 0;
}
