// Changes of TCP sockets' states, each with the time that was spent in the old one.
//
// Set by the tool's options: FAMILY, LOCAL_WANTED and REMOTE_WANTED (conditions on `port`).

#include "../tcp-flow.h"

BPF_HASH(since, struct sock *, u64);

struct event {
    u64 ts;
    u64 span;           // 0 for the first change that is seen
    u64 skaddr;
    u32 pid;
    u32 oldstate;
    u32 newstate;
    char comm[16];
    struct flow flow;
};
BPF_PERF_OUTPUT(events);

TRACEPOINT_PROBE(sock, inet_sock_set_state)
{
    if (args->protocol != IPPROTO_TCP)
        return 0;
    struct sock *sk = (struct sock *)args->skaddr;
    if (unwanted_ports(args->sport, args->dport)) {
        since.delete(&sk);
        return 0;
    }
    struct event event = {};
    READ_FLOW_ARGS(&event.flow, args);
    if (UNWANTED_FAMILY(event.flow.family))
        return 0;
    event.ts = bpf_ktime_get_ns();
    u64 *begin = since.lookup(&sk);
    if (begin)
        event.span = event.ts - *begin;
    event.skaddr = (u64)sk;
    event.pid = bpf_get_current_pid_tgid() >> 32;
    event.oldstate = args->oldstate;
    event.newstate = args->newstate;
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    events.perf_submit(args, &event, sizeof(event));
    if (args->newstate == TCP_CLOSE) {
        since.delete(&sk);
    } else {
        u64 now = event.ts;
        since.update(&sk, &now);
    }
    return 0;
}
