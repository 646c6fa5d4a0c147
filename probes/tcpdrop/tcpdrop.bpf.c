// TCP segments that the kernel drops for a socket, with the stack that did it. tcp_drop is inlined in the kernels that
// tell drop reasons, so these are those of skb:kfree_skb that have a reason and a socket.
//
// Set by the tool's options: FAMILY.

#include "../tcp-flow.h"
#include <linux/skbuff.h>
#include <uapi/linux/ip.h>
#include <uapi/linux/ipv6.h>
#include <uapi/linux/tcp.h>

BPF_STACK_TRACE(stacks, 1024);

struct event {
    u64 ts;
    u32 pid;
    s32 stack;
    u32 state;
    u32 flags;          // of the segment: FIN is bit 0
    u16 sport;          // of the segment, host order
    u16 dport;
    u16 family;
    u16 unused;
    u8 saddr[16];
    u8 daddr[16];
};
BPF_PERF_OUTPUT(events);

TRACEPOINT_PROBE(skb, kfree_skb)
{
    if (args->reason <= SKB_DROP_REASON_NOT_SPECIFIED)
        return 0;
    struct sk_buff *skb = (struct sk_buff *)args->skbaddr;
    struct sock *sk = skb->sk;
    if (!sk)
        return 0;
    struct event event = {};
    event.family = sk->__sk_common.skc_family;
    u16 protocol = sk->sk_protocol;
    if (UNWANTED_FAMILY(event.family) || protocol != IPPROTO_TCP)
        return 0;
    unsigned char *head = skb->head;
    u16 network = skb->network_header;
    u16 transport = skb->transport_header;
    if (event.family == AF_INET) {
        struct iphdr ip = {};
        bpf_probe_read_kernel(&ip, sizeof(ip), head + network);
        __builtin_memcpy(event.saddr, &ip.saddr, 4);
        __builtin_memcpy(event.daddr, &ip.daddr, 4);
    } else {
        struct ipv6hdr ip = {};
        bpf_probe_read_kernel(&ip, sizeof(ip), head + network);
        __builtin_memcpy(event.saddr, &ip.saddr, 16);
        __builtin_memcpy(event.daddr, &ip.daddr, 16);
    }
    u8 tcp[14] = {};    // up to the flags
    bpf_probe_read_kernel(&tcp, sizeof(tcp), head + transport);
    event.sport = tcp[0] << 8 | tcp[1];
    event.dport = tcp[2] << 8 | tcp[3];
    event.flags = tcp[13];
    event.ts = bpf_ktime_get_ns();
    event.pid = bpf_get_current_pid_tgid() >> 32;
    event.state = sk->__sk_common.skc_state;
    event.stack = stacks.get_stackid(args, 0);
    events.perf_submit(args, &event, sizeof(event));
    return 0;
}
