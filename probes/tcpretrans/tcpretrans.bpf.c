// Segments that TCP sends again, and the tail loss probes that it tries.
//
// Set by the tool's options: FAMILY; COUNT counts by ends instead of telling each.

#include "../tcp-flow.h"

#define RETRANSMIT 1
#define PROBE 2

#ifdef COUNT
BPF_HASH(counts, struct flow);
#else
struct event {
    u64 ts;
    u32 pid;
    u32 type;
    u32 state;
    u32 sequence;
    struct flow flow;
};
BPF_PERF_OUTPUT(events);
#endif

static inline int tell(void *ctx, struct sock *sk, struct sk_buff *skb, u32 type)
{
    struct flow flow = {};
    read_flow(&flow, sk);
    if (UNWANTED_FAMILY(flow.family))
        return 0;
#ifdef COUNT
    counts.increment(flow);
#else
    struct event event = {};
    event.ts = bpf_ktime_get_ns();
    event.pid = bpf_get_current_pid_tgid() >> 32;
    event.type = type;
    event.state = sk->__sk_common.skc_state;
    // struct tcp_skb_cb begins with the segment's first sequence number.
    if (skb)
        bpf_probe_read_kernel(&event.sequence, sizeof(event.sequence), skb->cb);
    event.flow = flow;
    events.perf_submit(ctx, &event, sizeof(event));
#endif
    return 0;
}

TRACEPOINT_PROBE(tcp, tcp_retransmit_skb)
{
    return tell(args, (struct sock *)args->skaddr, (struct sk_buff *)args->skbaddr, RETRANSMIT);
}

int loss_probe(struct pt_regs *ctx, struct sock *sk)
{
    return tell(ctx, sk, NULL, PROBE);
}
