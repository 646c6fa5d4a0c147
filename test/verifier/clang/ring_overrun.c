#include "bpf.h"
struct event { u64 time; char text[24]; };
MAP(ring, RINGBUF, 0, 0, 4096);
SEC("kprobe") int record(struct regs *ctx)
{
	struct event *e = ringbuf_reserve(&ring, sizeof(*e), 0);
	if (!e)
		return 0;
	u32 at = ctx->si & 31;
	e->text[at] = 1;
	ringbuf_submit(e, 0);
	return 0;
}
