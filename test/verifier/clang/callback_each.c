#include "bpf.h"
MAP(ages, HASH, 8, 8, 64);
NOINLINE SEC("kprobe") long old(void *map, u64 *key, u64 *value, u64 *oldest)
{
	if (*value < *oldest)
		*oldest = *value;
	return 0;
}
SEC("kprobe") int find(struct regs *ctx)
{
	u64 oldest = ~0ull;
	for_each(&ages, old, &oldest, 0);
	return oldest == 0;
}
