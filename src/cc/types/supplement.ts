import type { KernelProfile } from '../../btf/index.ts';
import { versionCode } from '../dialect/headers.ts';
import { bpfStructs } from './bpf-structs.ts';

/**
 * What a trimmed BTF may lack of what tools name: enumerators, a few structs, records of tracepoints. All of it is used
 * only where the profile does not know better.
 */
const enumerators: Readonly<Record<string, number>> = {
  TASK_COMM_LEN: 16,
  XDP_ABORTED: 0,
  XDP_DROP: 1,
  XDP_PASS: 2,
  XDP_TX: 3,
  XDP_REDIRECT: 4,
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCP_NEW_SYN_RECV: 12,
  TCP_CA_Open: 0,
  TCP_CA_Disorder: 1,
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: 3,
  TCP_CA_Loss: 4,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  READ: 0,
  WRITE: 1,
  PIDTYPE_PID: 0,
  PIDTYPE_TGID: 1,
  IRQ_NONE: 0,
  IRQ_HANDLED: 1,
  NR_FREE_PAGES: 0,
  WMARK_MIN: 0,
  WMARK_LOW: 1,
  WMARK_HIGH: 2,
  COMPACT_CONTINUE: 4,
  HI_SOFTIRQ: 0,
  TIMER_SOFTIRQ: 1,
  NET_TX_SOFTIRQ: 2,
  NET_RX_SOFTIRQ: 3,
  BLOCK_SOFTIRQ: 4,
  IRQ_POLL_SOFTIRQ: 5,
  TASKLET_SOFTIRQ: 6,
  SCHED_SOFTIRQ: 7,
  HRTIMER_SOFTIRQ: 8,
  RCU_SOFTIRQ: 9,
  NR_SOFTIRQS: 10,
  NF_INET_PRE_ROUTING: 0,
  NF_INET_LOCAL_IN: 1,
  NF_INET_FORWARD: 2,
  NF_INET_LOCAL_OUT: 3,
  NF_INET_POST_ROUTING: 4,
  NF_INET_NUMHOOKS: 5,
  NFPROTO_UNSPEC: 0,
  NFPROTO_INET: 1,
  NFPROTO_IPV4: 2,
  NFPROTO_ARP: 3,
  NFPROTO_NETDEV: 5,
  NFPROTO_BRIDGE: 7,
  NFPROTO_IPV6: 10,
};

/** Enumerators whose numbers moved: the first version (inclusive) with each value. */
const moved: Readonly<Record<string, readonly (readonly [since: string, value: number])[]>> = {
  // ITER_UBUF came in front in 6.3 (lib/iov_iter.c history); ITER_IOVEC was 4 before 5.14.
  ITER_IOVEC: [
    ['0', 4],
    ['5.14', 0],
    ['6.4', 1],
  ],
  ITER_UBUF: [
    ['6.0', 6],
    ['6.4', 0],
  ],
};

/** Enumerators that close a list: the length of an array that is as long as the list. */
const lengths: Readonly<Record<string, readonly [struct: string, member: string]>> = {
  NR_VM_ZONE_STAT_ITEMS: ['zone', 'vm_stat'],
  NR_WMARK: ['zone', '_watermark'],
  NR_VM_NODE_STAT_ITEMS: ['pglist_data', 'vm_stat'],
};

/** An enumerator that the profile's BTF does not name. */
export function supplementaryEnumerator(profile: KernelProfile, name: string): bigint | undefined {
  if (Object.hasOwn(lengths, name)) {
    const [struct, member] = lengths[name] as readonly [string, string];
    const { btf } = profile;
    const id = btf.find('struct', struct);
    const place = id === undefined ? undefined : btf.member(id, member);
    const type = place && btf.type(btf.strip(place.type));
    return type?.kind === 'array' ? BigInt(type.length) : undefined;
  }
  if (Object.hasOwn(moved, name)) {
    const code = versionCode(profile.release);
    const row = (moved[name] ?? []).findLast(([since]) => code >= versionCode(since));
    return row && BigInt(row[1]);
  }
  return Object.hasOwn(enumerators, name) ? BigInt(enumerators[name] as number) : undefined;
}

const tcpRecord = `
  const void *skbaddr;
  const void *skaddr;
  int state;
  __u16 sport;
  __u16 dport;
  __u16 family;
  __u8 saddr[4];
  __u8 daddr[4];
  __u8 saddr_v6[16];
  __u8 daddr_v6[16];`;
const sectionRecord = 's32 caller_offs; s32 parent_offs;';
const recordStart = 'unsigned long long __do_not_use__;';

/** Members of structs that tools name, by tag: used where neither BTF nor the profile's tracepoints know the struct. */
const structs: Readonly<Record<string, string>> = {
  bpf_raw_tracepoint_args: '__u64 args[0];',
  bpf_perf_event_data: 'struct pt_regs regs; __u64 sample_period; __u64 addr;',
  // TP_PROTO(sk, skb), as before 6.14 (include/trace/events/tcp.h: tcp_event_sk_skb).
  tracepoint__tcp__tcp_retransmit_skb: recordStart + tcpRecord,
  tracepoint__preemptirq__irq_disable: recordStart + sectionRecord,
  tracepoint__preemptirq__irq_enable: recordStart + sectionRecord,
  tracepoint__preemptirq__preempt_disable: recordStart + sectionRecord,
  tracepoint__preemptirq__preempt_enable: recordStart + sectionRecord,
  nameidata: 'struct path path; struct qstr last;',
  open_how: '__u64 flags; __u64 mode; __u64 resolve;',
  sockaddr_storage: 'union { struct { unsigned short ss_family; char __data[126]; }; void *__align; };',
  rdma_cm_event: 'unsigned int event; int status;',
  // As far as its addresses (include/rdma/rdma_cm.h): what is behind them differs from kernel to kernel.
  rdma_cm_id: `
  struct ib_device *device;
  void *context;
  struct ib_qp *qp;
  void *event_handler;
  struct { struct { struct sockaddr_storage src_addr; struct sockaddr_storage dst_addr; } addr; } route;`,
  bpf_stacktrace: '__u64 ip[127];',
  bpf_stacktrace_buildid: 'struct bpf_stack_build_id trace[127];',
  bpf_cgroup_storage_key: '__u64 cgroup_inode_id; __u32 attach_type;',
  bpf_stack_build_id: '__s32 status; unsigned char build_id[20]; __u64 offset;',
};

/** The members of such a struct as C text. */
export function supplementaryStruct(tag: string): string | undefined {
  if (Object.hasOwn(structs, tag)) return structs[tag];
  return Object.hasOwn(bpfStructs, tag) ? bpfStructs[tag] : undefined;
}

/** Members that kernel headers define as macros: what stands for them (net/sock.h, net/inet_sock.h, uapi/linux/in6.h). */
const memberMacros: Readonly<Record<string, string>> = {
  sk_node: '__sk_common.skc_node',
  sk_refcnt: '__sk_common.skc_refcnt',
  sk_hash: '__sk_common.skc_hash',
  sk_portpair: '__sk_common.skc_portpair',
  sk_num: '__sk_common.skc_num',
  sk_dport: '__sk_common.skc_dport',
  sk_addrpair: '__sk_common.skc_addrpair',
  sk_daddr: '__sk_common.skc_daddr',
  sk_rcv_saddr: '__sk_common.skc_rcv_saddr',
  sk_family: '__sk_common.skc_family',
  sk_state: '__sk_common.skc_state',
  sk_reuse: '__sk_common.skc_reuse',
  sk_reuseport: '__sk_common.skc_reuseport',
  sk_ipv6only: '__sk_common.skc_ipv6only',
  sk_bound_dev_if: '__sk_common.skc_bound_dev_if',
  sk_prot: '__sk_common.skc_prot',
  sk_net: '__sk_common.skc_net',
  sk_v6_daddr: '__sk_common.skc_v6_daddr',
  sk_v6_rcv_saddr: '__sk_common.skc_v6_rcv_saddr',
  sk_cookie: '__sk_common.skc_cookie',
  sk_incoming_cpu: '__sk_common.skc_incoming_cpu',
  sk_flags: '__sk_common.skc_flags',
  inet_daddr: 'sk.__sk_common.skc_daddr',
  inet_rcv_saddr: 'sk.__sk_common.skc_rcv_saddr',
  inet_dport: 'sk.__sk_common.skc_dport',
  inet_num: 'sk.__sk_common.skc_num',
  s6_addr: 'in6_u.u6_addr8',
  s6_addr16: 'in6_u.u6_addr16',
  s6_addr32: 'in6_u.u6_addr32',
};

export function memberMacro(name: string): readonly string[] | undefined {
  return Object.hasOwn(memberMacros, name) ? memberMacros[name]?.split('.') : undefined;
}

/** The macros that stand for a member within one of these members. */
export function memberMacrosIn(members: readonly string[]): string[] {
  return Object.keys(memberMacros).filter((name) =>
    members.includes((memberMacros[name] as string).split('.')[0] ?? ''),
  );
}
