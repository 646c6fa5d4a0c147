// Connections that a task accepts: what inet_csk_accept returns.
//
// Set by the tool's options: PROCESS (a tgid), FAMILY, WANTED (a condition on the local `port`).

#include "../tcp-flow.h"
#include "../container-filter.h"

struct event {
    u64 ts;
    u32 pid;
    char comm[16];
    struct flow flow;
};
BPF_PERF_OUTPUT(events);

int kretprobe__inet_csk_accept(struct pt_regs *ctx)
{
    struct sock *sk = (struct sock *)PT_REGS_RC(ctx);
    if (!sk)
        return 0;
    u64 id = bpf_get_current_pid_tgid();
    if (unwanted_container())
        return 0;
#ifdef PROCESS
    if (id >> 32 != PROCESS)
        return 0;
#endif
    u16 protocol = sk->sk_protocol;
    if (protocol != IPPROTO_TCP)
        return 0;       // MPTCP's and SCTP's sockets come here too
    struct event event = {};
    read_flow(&event.flow, sk);
    if (UNWANTED_FAMILY(event.flow.family))
        return 0;
#ifdef WANTED
    u16 port = event.flow.lport;
    if (!(WANTED))
        return 0;
#endif
    event.ts = bpf_ktime_get_ns();
    event.pid = id >> 32;
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    events.perf_submit(ctx, &event, sizeof(event));
    return 0;
}
