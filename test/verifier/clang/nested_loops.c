#include "bpf.h"
MAP(grid, ARRAY, 4, 64, 1);
SEC("kprobe") int fill(struct regs *ctx)
{
	u32 zero = 0;
	u8 *cells = lookup(&grid, &zero);
	if (!cells)
		return 0;
	ROLLED for (int y = 0; y < 8; y++)
		ROLLED for (int x = 0; x < 8; x++)
			if ((x ^ y) & ctx->di)
				cells[y * 8 + x] = x + y;
	return 0;
}
