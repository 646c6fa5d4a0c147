#include "bpf.h"
MAP(work, QUEUE, 0, 8, 32);
MAP(done, STACK, 0, 8, 32);
SEC("tracepoint") int step(void *ctx)
{
	u64 item = ktime();
	push(&work, &item, 2);
	if (pop(&work, &item) == 0 && (item & 1))
		push(&done, &item, 0);
	return 0;
}
