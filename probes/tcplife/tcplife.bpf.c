// TCP sessions when they end: by whom, for how long, and the bytes that went each way. All by changes of a socket's
// state; who a session belongs to is known best when it connects or closes, for in between softirqs change it.
//
// Set by the tool's options: PROCESS (a tgid), FAMILY, LOCAL_WANTED and REMOTE_WANTED (conditions on `port`).

#include "../tcp-flow.h"
#include <linux/tcp.h>

struct owner {
    u32 pid;
    char comm[16];
};
BPF_HASH(births, struct sock *, u64);
BPF_HASH(owners, struct sock *, struct owner);

struct event {
    u64 ts;
    u64 span;
    u64 rx_bytes;
    u64 tx_bytes;
    u32 pid;
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
        births.delete(&sk);
        return 0;
    }
    // States before FIN_WAIT1 are those in which a session comes to be; the last of them counts as its birth.
    if (args->newstate < TCP_FIN_WAIT1) {
        u64 now = bpf_ktime_get_ns();
        births.update(&sk, &now);
    }
    struct owner current = {};
    current.pid = bpf_get_current_pid_tgid() >> 32;
    if (args->newstate == TCP_SYN_SENT || args->newstate == TCP_LAST_ACK) {
#ifdef PROCESS
        if (current.pid != PROCESS)
            return 0;
#endif
        bpf_get_current_comm(&current.comm, sizeof(current.comm));
        owners.update(&sk, &current);
    }
    if (args->newstate != TCP_CLOSE)
        return 0;

    u64 *birth = births.lookup(&sk);
    if (!birth) {
        owners.delete(&sk);
        return 0;       // born before this tool
    }
    struct event event = {};
    event.ts = bpf_ktime_get_ns();
    event.span = event.ts - *birth;
    births.delete(&sk);
    struct owner *owner = owners.lookup(&sk);
    if (owner) {
        event.pid = owner->pid;
        __builtin_memcpy(event.comm, owner->comm, sizeof(event.comm));
        owners.delete(&sk);
    } else {
        event.pid = current.pid;
        bpf_get_current_comm(&event.comm, sizeof(event.comm));
    }
#ifdef PROCESS
    if (event.pid != PROCESS)
        return 0;
#endif
    READ_FLOW_ARGS(&event.flow, args);
    if (UNWANTED_FAMILY(event.flow.family))
        return 0;
    struct tcp_sock *tcp = (struct tcp_sock *)sk;
    event.rx_bytes = tcp->bytes_received;
    event.tx_bytes = tcp->bytes_acked;
    events.perf_submit(args, &event, sizeof(event));
    return 0;
}
