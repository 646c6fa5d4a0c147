// Says why packets are dropped: one record for each skb:kfree_skb, and a count for each location and reason.
// The addresses and ports are read from the packet's own bytes, which one probe_read copies into the record.

.license "GPL"

// What the tool's options set.
.equ CAPTURE,       128   // bytes of each packet to copy, at most sizeof(drop.packet)
.equ STACKS,        1     // 1 keeps the kernel stack of each drop
.equ BY_REASON,     0     // 1: only reasons that are keys of `wanted`
.equ BY_DEVICE,     0     // 1: only the device whose name is these 16 bytes
.equ DEVICE_LOW,    0
.equ DEVICE_HIGH,   0
.equ PROTOCOL,      -1    // only this IP protocol; -1 is any
.equ PORT,          0     // only this port at either end; 0 is any
.equ PROCESS,       -1    // only this process in context (a tgid); -1 is any
.equ CONSUMED,      -1    // the reason that is none, where the kernel has one; -1 is no reason

.equ ETH_P_IP,      0x0800
.equ ETH_P_IPV6,    0x86dd
.equ IPPROTO_TCP,   6
.equ IPPROTO_UDP,   17
.equ IPPROTO_SCTP,  132
.equ UNSET,         0xffff   // a header offset of the skb that was never set
.equ LINK_MOST,     63       // bytes of link headers before the network header that are copied too
.equ TRANSPORT_MOST, 160     // bytes from the network header to the transport header, extensions included
.equ CURRENT_CPU, 0xffffffff

.struct drop_key
  u64  location
  u32  reason
  u32  zero
.end

.struct drop
  u64  time                // ktime, ns
  u64  skbaddr
  u64  location            // the code that dropped it
  u32  reason
  s32  stack_id            // a key of `stacks`, or a negative errno
  u32  cpu
  u32  tid
  u32  tgid
  u32  ifindex
  u32  length              // skb->len
  u32  linear              // bytes that skb->len counts and that are in the linear part
  char comm[16]
  char device[16]
  u8   source[16]          // 4 bytes of IPv4, 16 of IPv6, as version says
  u8   destination[16]
  u16  ethertype           // skb->protocol, host order
  u16  sport               // host order; 0 without
  u16  dport
  u16  captured            // bytes of packet
  u8   version             // 4, 6, or 0 when there is no IP header to read
  u8   protocol            // of IP, or the last next-header of IPv6
  u8   tcp_flags
  u8   fragment            // 1: not the first fragment, so there is no transport header
  u16  network             // where the network header lies in packet, UNSET when not known
  u16  transport           // where the transport header lies in packet, UNSET when not known
  u8   packet[256]         // only `captured` of them are sent
.end

.map drops,   hash,             key=drop_key, value=u64, entries=16384
.map wanted,  hash,             key=u32,      value=u8,  entries=256
.map stacks,  stack_trace,      entries=16384
.map scratch, percpu_array,     value=drop,   entries=1
.map events,  perf_event_array

.section "tracepoint/skb/kfree_skb"
.local skb, sizeof(sk_buff)
.local key, drop_key
.local zero, u32

drop_monitor:
  r6 = r1
  r7 = *(u32 *)(r6 + args.reason)
  if r7 == skb_drop_reason.SKB_NOT_DROPPED_YET goto out
  if r7 == CONSUMED goto out

  r1 = 0
  *(u64 *)(r10 + key.reason) = r1         // zeroes the padding of the key too
  *(u32 *)(r10 + key.reason) = r7
  *(u32 *)(r10 + zero) = r1
  r1 = BY_REASON
  if r1 == 0 goto any_reason
  r1 = wanted ll
  r2 = r10
  r2 += key.reason
  call bpf_map_lookup_elem
  if r0 == 0 goto out
any_reason:

  // The whole sk_buff at once; zeros when it cannot be read.
  r1 = r10
  r1 += skb
  r2 = sizeof(sk_buff)
  r3 = *(u64 *)(r6 + args.skbaddr)
  call bpf_probe_read_kernel

  r1 = scratch ll
  r2 = r10
  r2 += zero
  call bpf_map_lookup_elem
  if r0 == 0 goto out
  r8 = r0

  // What the event itself says.
  *(u32 *)(r8 + drop.reason) = r7
  r1 = *(u64 *)(r6 + args.skbaddr)
  *(u64 *)(r8 + drop.skbaddr) = r1
  r1 = *(u64 *)(r6 + args.location)
  *(u64 *)(r8 + drop.location) = r1
  *(u64 *)(r10 + key.location) = r1
  r1 = *(u16 *)(r6 + args.protocol)
  *(u16 *)(r8 + drop.ethertype) = r1
  r1 = *(u32 *)(r10 + skb + sk_buff.len)
  *(u32 *)(r8 + drop.length) = r1
  r2 = *(u32 *)(r10 + skb + sk_buff.data_len)
  r1 -= r2
  *(u32 *)(r8 + drop.linear) = r1
  call bpf_ktime_get_ns
  *(u64 *)(r8 + drop.time) = r0
  call bpf_get_smp_processor_id
  *(u32 *)(r8 + drop.cpu) = r0
  call bpf_get_current_pid_tgid
  *(u32 *)(r8 + drop.tid) = r0
  r0 >>= 32
  *(u32 *)(r8 + drop.tgid) = r0
  r1 = PROCESS
  if r1 == -1 goto any_process
  if w0 != w1 goto out
any_process:
  r1 = r8
  r1 += drop.comm
  r2 = sizeof(drop.comm)
  call bpf_get_current_comm

  // The device, where the skb still has one: in a socket's queue the same bytes hold something else, which cannot be
  // read as a device's name.
  r7 = *(u64 *)(r10 + skb + sk_buff.dev)
  r1 = r8
  r1 += drop.device
  r2 = sizeof(drop.device)
  r3 = r7
  r3 += net_device.name
  call bpf_probe_read_kernel
  r1 = r8
  r1 += drop.ifindex
  r2 = sizeof(drop.ifindex)
  r3 = r7
  r3 += net_device.ifindex
  call bpf_probe_read_kernel
  if r0 == 0 goto has_device
  r1 = *(u32 *)(r10 + skb + sk_buff.skb_iif)
  *(u32 *)(r8 + drop.ifindex) = r1
has_device:
  r1 = BY_DEVICE
  if r1 == 0 goto any_device
  r1 = DEVICE_LOW ll
  r2 = *(u64 *)(r8 + drop.device)
  if r1 != r2 goto out
  r1 = DEVICE_HIGH ll
  r2 = *(u64 *)(r8 + drop.device + 8)
  if r1 != r2 goto out
any_device:

  // Nothing is known of the packet until its bytes say it.
  r1 = 0
  *(u64 *)(r8 + drop.source) = r1
  *(u64 *)(r8 + drop.source + 8) = r1
  *(u64 *)(r8 + drop.destination) = r1
  *(u64 *)(r8 + drop.destination + 8) = r1
  *(u16 *)(r8 + drop.sport) = r1
  *(u16 *)(r8 + drop.dport) = r1
  *(u32 *)(r8 + drop.version) = r1        // and protocol, tcp_flags, fragment
  r1 = UNSET
  *(u16 *)(r8 + drop.network) = r1
  *(u16 *)(r8 + drop.transport) = r1
  r7 = 0                                  // bytes captured

  // All as offsets from skb->head: r2 tail, r9 the network header, r4 where the capture starts.
  r3 = *(u64 *)(r10 + skb + sk_buff.head)
  r5 = *(u64 *)(r10 + skb + sk_buff.data)
  r5 -= r3                                // skb->data
  r2 = *(u32 *)(r10 + skb + sk_buff.tail)
  r9 = *(u16 *)(r10 + skb + sk_buff.network_header)
  if r9 == UNSET goto network_at_data
  if r9 == 0 goto network_at_data         // as a fresh skb has it
  if r9 < r2 goto network_known
network_at_data:
  r9 = r5                                 // a guess; the IP version checks it
network_known:
  r4 = r9
  r1 = *(u16 *)(r10 + skb + sk_buff.mac_header)
  if r1 == UNSET goto start_known
  if r1 > r9 goto start_known
  r0 = r9
  r0 -= r1
  if r0 > LINK_MOST goto start_known
  r4 = r1
start_known:
  if r4 >= r2 goto captured               // no linear bytes
  r9 -= r4                                // the network header in the record's packet
  r7 = r2
  r7 -= r4
  if r7 <= CAPTURE goto fits
  r7 = CAPTURE
fits:
  r1 = r8
  r1 += drop.packet
  r2 = r7
  r3 += r4
  call bpf_probe_read_kernel
  if r0 != 0 goto unreadable
  if r9 > LINK_MOST goto captured
  if r9 >= r7 goto captured
  *(u16 *)(r8 + drop.network) = r9

  // r1 walks from the network header; r7 is the end of what is known.
  r1 = r8
  r1 += r9
  r2 = *(u8 *)(r1 + drop.packet)
  r2 >>= 4
  r3 = *(u16 *)(r8 + drop.ethertype)
  if r2 == 6 goto ipv6
  if r2 != 4 goto captured

  if r3 == ETH_P_IP goto ipv4
  if r3 != 0 goto captured
ipv4:
  r3 = r9
  r3 += 20
  if r3 > r7 goto captured                // the header is cut
  r2 = 4
  *(u8 *)(r8 + drop.version) = r2
  r2 = *(u8 *)(r1 + drop.packet + 9)
  *(u8 *)(r8 + drop.protocol) = r2
  r3 = *(u32 *)(r1 + drop.packet + 12)
  *(u32 *)(r8 + drop.source) = r3
  r3 = *(u32 *)(r1 + drop.packet + 16)
  *(u32 *)(r8 + drop.destination) = r3
  r3 = *(u16 *)(r1 + drop.packet + 6)
  r3 = be16 r3
  r3 &= 0x1fff
  if r3 != 0 goto later_fragment
  r3 = *(u8 *)(r1 + drop.packet)
  r3 &= 15
  r3 <<= 2
  if r3 < 20 goto captured
  r9 += r3
  goto transport

ipv6:
  if r3 == ETH_P_IPV6 goto ipv6_header
  if r3 != 0 goto captured
ipv6_header:
  r3 = r9
  r3 += 40
  if r3 > r7 goto captured
  r2 = 6
  *(u8 *)(r8 + drop.version) = r2
  r2 = *(u64 *)(r1 + drop.packet + 8)
  *(u64 *)(r8 + drop.source) = r2
  r2 = *(u64 *)(r1 + drop.packet + 16)
  *(u64 *)(r8 + drop.source + 8) = r2
  r2 = *(u64 *)(r1 + drop.packet + 24)
  *(u64 *)(r8 + drop.destination) = r2
  r2 = *(u64 *)(r1 + drop.packet + 32)
  *(u64 *)(r8 + drop.destination + 8) = r2
  r2 = *(u8 *)(r1 + drop.packet + 6)
  *(u8 *)(r8 + drop.protocol) = r2
  r9 += 40
  r4 = 0                                  // extension headers seen

  // Hop-by-hop 0, routing 43, fragment 44, destination options 60.
extension:
  if r2 == 0 goto known_extension
  if r2 == 43 goto known_extension
  if r2 == 44 goto known_extension
  if r2 != 60 goto transport
known_extension:
  r4 += 1
  if r4 > 6 goto captured
  if r9 > TRANSPORT_MOST goto captured
  r3 = r9
  r3 += 8
  if r3 > r7 goto captured
  r1 = r8
  r1 += r9
  r0 = *(u8 *)(r1 + drop.packet)
  *(u8 *)(r8 + drop.protocol) = r0
  if r2 == 44 goto fragment_header
  r2 = r0
  r0 = *(u8 *)(r1 + drop.packet + 1)
  r0 += 1
  r0 <<= 3
  r9 += r0
  goto extension
fragment_header:
  r2 = r0
  r0 = *(u16 *)(r1 + drop.packet + 2)
  r0 = be16 r0
  r0 &= 0xfff8
  r9 += 8
  if r0 == 0 goto extension

later_fragment:
  r1 = 1
  *(u8 *)(r8 + drop.fragment) = r1
  goto captured

  // r2 the protocol, r9 where its header lies.
transport:
  if r9 > LINK_MOST + TRANSPORT_MOST goto captured
  if r9 >= r7 goto captured
  *(u16 *)(r8 + drop.transport) = r9
  if r2 == IPPROTO_TCP goto ports
  if r2 == IPPROTO_UDP goto ports
  if r2 != IPPROTO_SCTP goto captured
ports:
  r3 = r9
  r3 += 4
  if r3 > r7 goto captured
  r1 = r8
  r1 += r9
  r3 = *(u16 *)(r1 + drop.packet)
  r3 = be16 r3
  *(u16 *)(r8 + drop.sport) = r3
  r3 = *(u16 *)(r1 + drop.packet + 2)
  r3 = be16 r3
  *(u16 *)(r8 + drop.dport) = r3
  if r2 != IPPROTO_TCP goto captured
  r3 = r9
  r3 += 14
  if r3 > r7 goto captured
  r3 = *(u8 *)(r1 + drop.packet + 13)
  *(u8 *)(r8 + drop.tcp_flags) = r3
  goto captured

unreadable:
  r7 = 0

captured:
  *(u16 *)(r8 + drop.captured) = r7

  r1 = PROTOCOL
  if r1 == -1 goto any_protocol
  r2 = *(u8 *)(r8 + drop.version)
  if r2 == 0 goto out
  r2 = *(u8 *)(r8 + drop.protocol)
  if r1 != r2 goto out
any_protocol:
  r1 = PORT
  if r1 == 0 goto any_port
  r2 = *(u16 *)(r8 + drop.sport)
  if r1 == r2 goto any_port
  r2 = *(u16 *)(r8 + drop.dport)
  if r1 != r2 goto out
any_port:

  // The count. Two CPUs may find no entry at once: the second one's update then says that it is there.
  r1 = drops ll
  r2 = r10
  r2 += key
  call bpf_map_lookup_elem
  if r0 != 0 goto count
  r1 = 0
  *(u64 *)(r10 + skb) = r1                // the sk_buff's bytes are not needed any more
  r1 = drops ll
  r2 = r10
  r2 += key
  r3 = r10
  r3 += skb
  r4 = 1                                  // BPF_NOEXIST
  call bpf_map_update_elem
  r1 = drops ll
  r2 = r10
  r2 += key
  call bpf_map_lookup_elem
  if r0 == 0 goto counted
count:
  r1 = 1
  lock *(u64 *)(r0 + 0) += r1
counted:

  r0 = -2                                 // -ENOENT: no stack was asked for
  r1 = STACKS
  if r1 == 0 goto send
  r1 = r6
  r2 = stacks ll
  r3 = 0
  call bpf_get_stackid
send:
  *(u32 *)(r8 + drop.stack_id) = r0

  if r7 > sizeof(drop.packet) goto out
  r1 = r6
  r2 = events ll
  r3 = CURRENT_CPU ll
  r4 = r8
  r5 = r7
  r5 += drop.packet
  call bpf_perf_event_output
out:
  r0 = 0
  exit
