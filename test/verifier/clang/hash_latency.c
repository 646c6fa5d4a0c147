#include "bpf.h"
struct info { u64 start; u32 pid; char name[16]; };
MAP(starts, HASH, 8, 32, 1024);
MAP(slots, ARRAY, 4, 8, 64);
INLINE u32 log2_of(u64 v)
{
	u32 r = 0;
	if (v >> 32) { r += 32; v >>= 32; }
	if (v >> 16) { r += 16; v >>= 16; }
	if (v >> 8) { r += 8; v >>= 8; }
	if (v >> 4) { r += 4; v >>= 4; }
	if (v >> 2) { r += 2; v >>= 2; }
	return r + (v >> 1);
}
SEC("kprobe") int entry(struct regs *ctx)
{
	struct info info = {};
	u64 id = pid_tgid();
	info.start = ktime();
	info.pid = id >> 32;
	comm(info.name, sizeof(info.name));
	update(&starts, &id, &info, 0);
	return 0;
}
SEC("kprobe/return") int leave(struct regs *ctx)
{
	u64 id = pid_tgid();
	struct info *info = lookup(&starts, &id);
	if (!info)
		return 0;
	u64 took = ktime() - info->start;
	u32 slot = log2_of(took);
	if (slot > 63)
		slot = 63;
	u64 *count = lookup(&slots, &slot);
	if (count)
		__sync_fetch_and_add(count, 1);
	erase(&starts, &id);
	return 0;
}
