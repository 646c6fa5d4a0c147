#include "bpf.h"
struct node { struct node *next; u64 value; };
MAP(sums, PERCPU_HASH, 4, 8, 16);
SEC("kprobe") int walk(struct regs *ctx)
{
	struct node node, *at = (void *)ctx->di;
	u64 sum = 0;
	u32 key = 1;
	ROLLED for (int i = 0; i < 16 && at; i++) {
		if (probe_read_kernel(&node, sizeof(node), at))
			break;
		sum += node.value;
		at = node.next;
	}
	update(&sums, &key, &sum, 0);
	return 0;
}
