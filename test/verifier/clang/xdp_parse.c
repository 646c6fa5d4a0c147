#include "bpf.h"
MAP(protocols, PERCPU_ARRAY, 4, 8, 256);
SEC("xdp") int parse(struct xdp *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethernet *eth = data;
	if (data + sizeof(*eth) > end)
		return 1;
	if (eth->type != htons(0x0800))
		return 2;
	struct ipv4 *ip = data + sizeof(*eth);
	if ((void *)(ip + 1) > end)
		return 1;
	u32 protocol = ip->protocol;
	u64 *count = lookup(&protocols, &protocol);
	if (count)
		*count += 1;
	u32 header = (ip->version_ihl & 15) * 4;
	if (header < sizeof(*ip))
		return 1;
	if (protocol == 6) {
		struct tcp *tcp = (void *)ip + header;
		if ((void *)(tcp + 1) > end)
			return 1;
		return tcp->dest == htons(22) ? 1 : 2;
	}
	if (protocol == 17) {
		struct udp *udp = (void *)ip + header;
		if ((void *)(udp + 1) > end)
			return 1;
		return udp->dest == htons(53) ? 2 : 1;
	}
	return 2;
}
