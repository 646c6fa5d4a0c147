// How long a connect waits for the peer's answer: from tcp_v4_connect or tcp_v6_connect to the first segment that
// comes in for the socket in SYN_SENT.
//
// Set by the tool's options: PROCESS (a tgid), FAMILY, LEAST_NS (only connects that took longer).

#include "../tcp-flow.h"

struct begin {
    u64 ts;
    u32 pid;
    char comm[16];
};
BPF_HASH(begins, struct sock *, struct begin);

struct event {
    u64 ts;
    u64 delta;
    u32 pid;
    char comm[16];
    struct flow flow;
};
BPF_PERF_OUTPUT(events);

int connect_begins(struct pt_regs *ctx, struct sock *sk)
{
    struct begin begin = {};
    begin.pid = bpf_get_current_pid_tgid() >> 32;
#ifdef PROCESS
    if (begin.pid != PROCESS)
        return 0;
#endif
    begin.ts = bpf_ktime_get_ns();
    bpf_get_current_comm(&begin.comm, sizeof(begin.comm));
    begins.update(&sk, &begin);
    return 0;
}

int kprobe__tcp_rcv_state_process(struct pt_regs *ctx, struct sock *sk)
{
    u8 state = sk->__sk_common.skc_state;
    if (state != TCP_SYN_SENT)
        return 0;
    struct begin *begin = begins.lookup(&sk);
    if (!begin)
        return 0;       // begun before this tool, or unwanted
    u64 now = bpf_ktime_get_ns();
    u64 delta = now - begin->ts;
#ifdef LEAST_NS
    if (delta <= LEAST_NS) {
        begins.delete(&sk);
        return 0;
    }
#endif
    struct event event = {};
    read_flow(&event.flow, sk);
    if (!(UNWANTED_FAMILY(event.flow.family))) {
        event.ts = now;
        event.delta = delta;
        event.pid = begin->pid;
        __builtin_memcpy(event.comm, begin->comm, sizeof(event.comm));
        events.perf_submit(ctx, &event, sizeof(event));
    }
    begins.delete(&sk);
    return 0;
}

// A connect that is never answered.
TRACEPOINT_PROBE(tcp, tcp_destroy_sock)
{
    struct sock *sk = (struct sock *)args->skaddr;
    begins.delete(&sk);
    return 0;
}
