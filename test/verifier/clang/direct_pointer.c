#include "bpf.h"
struct sock { u32 a, b, c; };
SEC("kprobe") int read(struct regs *ctx)
{
	struct sock *sk = (void *)ctx->di;
	return sk->b == 4;
}
