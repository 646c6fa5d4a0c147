#include "bpf.h"
MAP(states, HASH, 4, 4, 64);
SEC("kprobe") int next(struct regs *ctx)
{
	u32 pid = pid_tgid(), *at = lookup(&states, &pid), state = at ? *at : 0, event = ctx->si & 7;
	switch (state) {
	case 0: state = event == 1 ? 1 : 0; break;
	case 1: state = event == 2 ? 2 : event == 3 ? 4 : 1; break;
	case 2: state = event > 4 ? 3 : 2; break;
	case 3: state = event ? 0 : 3; break;
	case 4: state = event == 7 ? 0 : 4; break;
	default: state = 0;
	}
	update(&states, &pid, &state, 0);
	return 0;
}
