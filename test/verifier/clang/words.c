#include "bpf.h"
MAP(scratch, PERCPU_ARRAY, 4, 256, 1);
SEC("kprobe") int split(struct regs *ctx)
{
	u32 zero = 0, words = 0, inside = 0;
	char *text = lookup(&scratch, &zero);
	if (!text)
		return 0;
	long n = probe_read_kernel_str(text, 256, (void *)ctx->di);
	if (n < 1)
		return 0;
	ROLLED for (u32 i = 0; i < 12; i++) {
		if (i >= n)
			break;
		char c = text[i];
		if (c == 0)
			break;
		if (c == ' ')
			inside = 0;
		else if (!inside) {
			inside = 1;
			words++;
		}
	}
	return words > 3;
}
