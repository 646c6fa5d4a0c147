// Connects that a task begins: tcp_v4_connect and tcp_v6_connect, told when they return without a fault.
//
// Set by the tool's options:
//   PROCESS  only this process (a tgid)       UID      only this user
//   FAMILY   only this family                 WANTED   a condition on the remote `port`
//   COUNT    count by ends instead of telling each
//   DNS      tell name servers' answers too

#include "../tcp-flow.h"
#include "../container-filter.h"
#ifdef DNS
#include "dns.h"
#endif

struct event {
    u64 ts;
    u32 pid;
    u32 uid;
    char comm[16];
    struct flow flow;
};

BPF_HASH(connecting, u32, struct sock *);
#ifdef COUNT
BPF_HASH(counts, struct flow);
#else
BPF_PERF_OUTPUT(events);
#endif

int connect_begins(struct pt_regs *ctx, struct sock *sk)
{
    u64 id = bpf_get_current_pid_tgid();
    u32 tid = id;
    if (unwanted_container())
        return 0;
#ifdef PROCESS
    if (id >> 32 != PROCESS)
        return 0;
#endif
#ifdef UID
    if ((u32)bpf_get_current_uid_gid() != UID)
        return 0;
#endif
    connecting.update(&tid, &sk);
    return 0;
}

int connect_ends(struct pt_regs *ctx)
{
    u64 id = bpf_get_current_pid_tgid();
    u32 tid = id;
    struct sock **kept = connecting.lookup(&tid);
    if (!kept)
        return 0;
    struct sock *sk = *kept;
    connecting.delete(&tid);
    if (PT_REGS_RC(ctx) != 0)
        return 0;       // no SYN went out
    struct flow flow = {};
    read_flow(&flow, sk);
    if (UNWANTED_FAMILY(flow.family))
        return 0;
#ifdef WANTED
    u16 port = flow.dport;
    if (!(WANTED))
        return 0;
#endif
#ifdef COUNT
    flow.lport = 0;
    counts.increment(flow);
#else
    struct event event = {};
    event.ts = bpf_ktime_get_ns();
    event.pid = id >> 32;
    event.uid = bpf_get_current_uid_gid();
    bpf_get_current_comm(&event.comm, sizeof(event.comm));
    event.flow = flow;
    events.perf_submit(ctx, &event, sizeof(event));
#endif
    return 0;
}
