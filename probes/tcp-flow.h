// What the tcp tools know a connection by, as it stands in a struct sock.
#include <uapi/linux/ptrace.h>
#include <net/sock.h>
#include <bcc/proto.h>

struct flow {
    u8 saddr[16];       // the local end; of IPv4 the first 4 bytes
    u8 daddr[16];
    u16 family;         // AF_INET or AF_INET6
    u16 lport;          // both ports in host order
    u16 dport;
    u16 unused;         // no hole in a key
};

static inline void read_flow(struct flow *flow, struct sock *sk)
{
    flow->family = sk->__sk_common.skc_family;
    flow->lport = sk->__sk_common.skc_num;
    u16 dport = sk->__sk_common.skc_dport;
    flow->dport = ntohs(dport);
    if (flow->family == AF_INET) {
        u32 address = sk->__sk_common.skc_rcv_saddr;
        __builtin_memcpy(flow->saddr, &address, sizeof(address));
        address = sk->__sk_common.skc_daddr;
        __builtin_memcpy(flow->daddr, &address, sizeof(address));
    } else {
        bpf_probe_read_kernel(flow->saddr, 16, sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr8);
        bpf_probe_read_kernel(flow->daddr, 16, sk->__sk_common.skc_v6_daddr.in6_u.u6_addr8);
    }
}

// The same from the record of a tracepoint that tells both ends.
#define READ_FLOW_ARGS(flow, args)                                                  \
    do {                                                                            \
        (flow)->family = (args)->family;                                            \
        (flow)->lport = (args)->sport;                                              \
        (flow)->dport = (args)->dport;                                              \
        if ((args)->family == AF_INET) {                                            \
            __builtin_memcpy((flow)->saddr, (args)->saddr, 4);                      \
            __builtin_memcpy((flow)->daddr, (args)->daddr, 4);                      \
        } else {                                                                    \
            __builtin_memcpy((flow)->saddr, (args)->saddr_v6, 16);                  \
            __builtin_memcpy((flow)->daddr, (args)->daddr_v6, 16);                  \
        }                                                                           \
    } while (0)

// Set by the options -4 and -6.
#ifdef FAMILY
#define UNWANTED_FAMILY(family) ((family) != FAMILY)
#else
#define UNWANTED_FAMILY(family) ((family) != AF_INET && (family) != AF_INET6)
#endif

// Set by the options -L and -D: conditions on `port`, of the local and of the remote end.
static inline int unwanted_ports(u16 lport, u16 dport)
{
    u16 port = lport;
#ifdef LOCAL_WANTED
    if (!(LOCAL_WANTED))
        return 1;
#endif
    port = dport;
#ifdef REMOTE_WANTED
    if (!(REMOTE_WANTED))
        return 1;
#endif
    return 0;
}
