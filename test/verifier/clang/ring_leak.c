#include "bpf.h"
struct event { u64 time; u32 pid, cpu; };
MAP(ring, RINGBUF, 0, 0, 4096);
SEC("tracepoint") int record(void *ctx)
{
	struct event *e = ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e)
		return 0;
	e->time = ktime();
	if (e->time & 1)
		return 0;
	ringbuf_submit(e, 0);
	return 0;
}
