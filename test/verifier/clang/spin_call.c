#include "bpf.h"
struct value { int count; u32 lock; };
MAP(guarded, ARRAY, 4, 8, 4, 0, 1);
SEC("tc") int guard(struct skb *skb)
{
	u32 key = 0;
	struct value *v = lookup(&guarded, &key);
	if (!v)
		return 0;
	spin_lock(&v->lock);
	v->count = ktime();
	spin_unlock(&v->lock);
	return 0;
}
