#include "bpf.h"
SEC("tc") int rewrite(struct skb *skb)
{
	skb->len = 12;
	return 0;
}
