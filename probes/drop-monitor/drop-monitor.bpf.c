// Says why packets are dropped: one record for each skb:kfree_skb, and a count for each location and reason.
// The addresses and ports are read from the packet's own bytes, which one probe read copies into the record.
//
// Set by the tool's options; what is not defined is not asked for:
//   CAPTURE      bytes of each packet to copy, at most sizeof(drop.packet)
//   STACKS       keeps the kernel stack of each drop
//   BY_REASON    only reasons that are keys of `wanted`
//   DEVICE_LOW, DEVICE_HIGH   only the device whose name is these 16 bytes
//   PROTOCOL     only this IP protocol
//   PORT         only this port at either end
//   PROCESS      only this process in context (a tgid)
//   CONSUMED     the reason that is none, where the kernel has one

#include <uapi/linux/ptrace.h>
#include <linux/skbuff.h>
#include <linux/netdevice.h>
#include <uapi/linux/if_ether.h>
#include <uapi/linux/in.h>

#define UNSET 0xffff            // a header offset of the skb that was never set
#define LINK_MOST 63            // bytes of link headers before the network header that are copied too
#define TRANSPORT_MOST 160      // bytes from the network header to the transport header, extensions included
#define EXTENSIONS_MOST 6

// IPv6 extension headers.
#define HOP_BY_HOP 0
#define ROUTING 43
#define FRAGMENT 44
#define DESTINATION 60

struct drop_key {
    u64 location;
    u32 reason;
    u32 zero;
};

struct drop {
    u64 time;                   // ktime, ns
    u64 skbaddr;
    u64 location;               // the code that dropped it
    u32 reason;
    s32 stack_id;               // a key of `stacks`, or a negative errno
    u32 cpu;
    u32 tid;
    u32 tgid;
    u32 ifindex;
    u32 length;                 // skb->len
    u32 linear;                 // bytes that skb->len counts and that are in the linear part
    char comm[16];
    char device[16];
    u8 source[16];              // 4 bytes of IPv4, 16 of IPv6, as version says
    u8 destination[16];
    u16 ethertype;              // skb->protocol, host order
    u16 sport;                  // host order; 0 without
    u16 dport;
    u16 captured;               // bytes of packet
    u8 version;                 // 4, 6, or 0 when there is no IP header to read
    u8 protocol;                // of IP, or the last next-header of IPv6
    u8 tcp_flags;
    u8 fragment;                // 1: not the first fragment, so there is no transport header
    u16 network;                // where the network header lies in packet, UNSET when not known
    u16 transport;              // where the transport header lies in packet, UNSET when not known
    u8 packet[256];             // only `captured` of them are sent
};

BPF_HASH(drops, struct drop_key, u64, 16384);
BPF_HASH(wanted, u32, u8, 256);
BPF_STACK_TRACE(stacks, 16384);
BPF_PERCPU_ARRAY(scratch, struct drop, 1);
BPF_PERF_OUTPUT(events);

// Copies the linear bytes from the link header on; returns where in them the network header lies.
static inline u32 capture(struct drop *drop, struct sk_buff *skb)
{
    u64 head = (u64)skb->head;
    u32 tail = skb->tail;
    u32 network = skb->network_header;
    u32 mac = skb->mac_header;
    // A fresh skb has no network header: the start of its data is a guess, which the IP version checks.
    if (network == UNSET || network == 0 || network >= tail)
        network = (u64)skb->data - head;
    u32 start = network;
    if (mac != UNSET && mac <= network && network - mac <= LINK_MOST)
        start = mac;
    if (start >= tail)
        return UNSET;           // no linear bytes
    u32 length = tail - start;
    if (length > CAPTURE)
        length = CAPTURE;
    if (bpf_probe_read_kernel(drop->packet, length, (void *)(head + start)))
        return UNSET;
    drop->captured = length;
    return network - start;
}

static inline int is_extension(u8 protocol)
{
    return protocol == HOP_BY_HOP || protocol == ROUTING || protocol == FRAGMENT || protocol == DESTINATION;
}

// Ports and flags of the transport header at `at`.
static inline void read_transport(struct drop *drop, u32 at, u32 end)
{
    if (at > LINK_MOST + TRANSPORT_MOST || at >= end)
        return;
    drop->transport = at;
    u8 protocol = drop->protocol;
    if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != IPPROTO_SCTP)
        return;
    if (at + 4 > end)
        return;
    u8 *header = drop->packet + at;
    drop->sport = bpf_ntohs(*(u16 *)header);
    drop->dport = bpf_ntohs(*(u16 *)(header + 2));
    if (protocol == IPPROTO_TCP && at + 14 <= end)
        drop->tcp_flags = header[13];
}

static inline void read_ipv4(struct drop *drop, u32 at, u32 end)
{
    if (at + 20 > end)
        return;                 // the header is cut
    u8 *header = drop->packet + at;
    drop->version = 4;
    drop->protocol = header[9];
    *(u32 *)drop->source = *(u32 *)(header + 12);
    *(u32 *)drop->destination = *(u32 *)(header + 16);
    if (bpf_ntohs(*(u16 *)(header + 6)) & 0x1fff) {
        drop->fragment = 1;
        return;
    }
    u32 length = (header[0] & 15) << 2;
    if (length >= 20)
        read_transport(drop, at + length, end);
}

static inline void read_ipv6(struct drop *drop, u32 at, u32 end)
{
    if (at + 40 > end)
        return;
    u8 *header = drop->packet + at;
    drop->version = 6;
    *(u64 *)drop->source = *(u64 *)(header + 8);
    *(u64 *)(drop->source + 8) = *(u64 *)(header + 16);
    *(u64 *)drop->destination = *(u64 *)(header + 24);
    *(u64 *)(drop->destination + 8) = *(u64 *)(header + 32);
    drop->protocol = header[6];
    at += 40;
    for (int i = 0; is_extension(drop->protocol); i++) {
        if (i >= EXTENSIONS_MOST || at > TRANSPORT_MOST || at + 8 > end)
            return;
        u8 kind = drop->protocol;
        u8 *extension = drop->packet + at;
        drop->protocol = extension[0];
        if (kind != FRAGMENT) {
            at += (extension[1] + 1) << 3;
            continue;
        }
        at += 8;
        if (bpf_ntohs(*(u16 *)(extension + 2)) & 0xfff8) {
            drop->fragment = 1;
            return;
        }
    }
    read_transport(drop, at, end);
}

static inline void read_packet(struct drop *drop, struct sk_buff *skb)
{
    u32 network = capture(drop, skb);
    u32 end = drop->captured;
    if (network > LINK_MOST || network >= end)
        return;
    drop->network = network;
    u8 version = drop->packet[network] >> 4;
    u16 ethertype = drop->ethertype;
    if (version == 4 && (ethertype == ETH_P_IP || ethertype == 0))
        read_ipv4(drop, network, end);
    if (version == 6 && (ethertype == ETH_P_IPV6 || ethertype == 0))
        read_ipv6(drop, network, end);
}

// The device, where the skb still has one: in a socket's queue the same bytes hold something else, which cannot be
// read as a device's name.
static inline void read_device(struct drop *drop, struct sk_buff *skb)
{
    u64 device = (u64)skb->dev;
    bpf_probe_read_kernel(drop->device, sizeof(drop->device), (void *)(device + offsetof(struct net_device, name)));
    if (bpf_probe_read_kernel(&drop->ifindex, sizeof(drop->ifindex),
                              (void *)(device + offsetof(struct net_device, ifindex))))
        drop->ifindex = skb->skb_iif;
}

TRACEPOINT_PROBE(skb, kfree_skb)
{
    struct drop_key key = {};
    key.location = (u64)args->location;
    key.reason = args->reason;
    if (key.reason == SKB_NOT_DROPPED_YET)
        return 0;
#ifdef CONSUMED
    if (key.reason == CONSUMED)
        return 0;
#endif
#ifdef BY_REASON
    if (!wanted.lookup(&key.reason))
        return 0;
#endif
    u64 id = bpf_get_current_pid_tgid();
#ifdef PROCESS
    if (id >> 32 != PROCESS)
        return 0;
#endif
    int zero = 0;
    struct drop *drop = scratch.lookup(&zero);
    if (!drop)
        return 0;
    // The whole sk_buff at once; zeros when it cannot be read.
    struct sk_buff skb;
    bpf_probe_read_kernel(&skb, sizeof(skb), args->skbaddr);
    drop->time = bpf_ktime_get_ns();
    drop->skbaddr = (u64)args->skbaddr;
    drop->location = key.location;
    drop->reason = key.reason;
    drop->cpu = bpf_get_smp_processor_id();
    drop->tid = id;
    drop->tgid = id >> 32;
    drop->ethertype = args->protocol;
    drop->length = skb.len;
    drop->linear = skb.len - skb.data_len;
    bpf_get_current_comm(drop->comm, sizeof(drop->comm));
    read_device(drop, &skb);
#ifdef DEVICE_LOW
    if (*(u64 *)drop->device != DEVICE_LOW || *(u64 *)(drop->device + 8) != DEVICE_HIGH)
        return 0;
#endif

    // Nothing is known of the packet until its bytes say it.
    *(u64 *)drop->source = 0;
    *(u64 *)(drop->source + 8) = 0;
    *(u64 *)drop->destination = 0;
    *(u64 *)(drop->destination + 8) = 0;
    drop->sport = 0;
    drop->dport = 0;
    drop->captured = 0;
    drop->version = 0;
    drop->protocol = 0;
    drop->tcp_flags = 0;
    drop->fragment = 0;
    drop->network = UNSET;
    drop->transport = UNSET;
    read_packet(drop, &skb);
#ifdef PROTOCOL
    if (drop->version == 0 || drop->protocol != PROTOCOL)
        return 0;
#endif
#ifdef PORT
    if (drop->sport != PORT && drop->dport != PORT)
        return 0;
#endif

    drops.atomic_increment(key);
#ifdef STACKS
    drop->stack_id = stacks.get_stackid(args, 0);
#else
    drop->stack_id = -2;        // -ENOENT
#endif
    u64 captured = drop->captured;
    if (captured > sizeof(drop->packet))
        return 0;
    events.perf_submit(args, drop, offsetof(struct drop, packet) + captured);
    return 0;
}
