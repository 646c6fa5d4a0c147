import { registerSets } from './registers.ts';
import type { ProgramType } from './types.ts';

/**
 * The contexts that programs are given in r1, as include/uapi/linux of 6.18 lays them out for x86-64: fields by the
 * kernel's names with offset and size in bytes. A field that lies over another (cb and its elements, a union) has a
 * row of its own. Longer than other files because it is a table.
 */
export type FieldPlace = readonly [offset: number, size: number];

export interface ContextLayout {
  /** The C type: `struct __sk_buff`. */
  readonly type: string;
  /** bytes; 0 where the point decides (raw tracepoints, tracepoint records) */
  readonly size: number;
  readonly fields: Readonly<Record<string, FieldPlace>>;
}

const registers = Object.fromEntries(
  Object.entries(registerSets.x86_64.offsets).map(([name, offset]) => [name, [offset, 8] as const]),
);

export const contexts = {
  bpf_user_pt_regs_t: { type: 'bpf_user_pt_regs_t', size: 168, fields: registers },
  __sk_buff: {
    type: 'struct __sk_buff',
    size: 192,
    fields: {
      len: [0, 4],
      pkt_type: [4, 4],
      mark: [8, 4],
      queue_mapping: [12, 4],
      protocol: [16, 4],
      vlan_present: [20, 4],
      vlan_tci: [24, 4],
      vlan_proto: [28, 4],
      priority: [32, 4],
      ingress_ifindex: [36, 4],
      ifindex: [40, 4],
      tc_index: [44, 4],
      cb: [48, 20],
      hash: [68, 4],
      tc_classid: [72, 4],
      data: [76, 4],
      data_end: [80, 4],
      napi_id: [84, 4],
      family: [88, 4],
      remote_ip4: [92, 4],
      local_ip4: [96, 4],
      remote_ip6: [100, 16],
      local_ip6: [116, 16],
      remote_port: [132, 4],
      local_port: [136, 4],
      data_meta: [140, 4],
      flow_keys: [144, 8],
      tstamp: [152, 8],
      wire_len: [160, 4],
      gso_segs: [164, 4],
      sk: [168, 8],
      gso_size: [176, 4],
      tstamp_type: [180, 1],
      hwtstamp: [184, 8],
    },
  },
  xdp_md: {
    type: 'struct xdp_md',
    size: 24,
    fields: {
      data: [0, 4],
      data_end: [4, 4],
      data_meta: [8, 4],
      ingress_ifindex: [12, 4],
      rx_queue_index: [16, 4],
      egress_ifindex: [20, 4],
    },
  },
  seccomp_data: {
    type: 'struct seccomp_data',
    size: 64,
    fields: {
      nr: [0, 4],
      arch: [4, 4],
      instruction_pointer: [8, 8],
      args: [16, 48],
    },
  },
  bpf_perf_event_data: {
    type: 'struct bpf_perf_event_data',
    size: 184,
    fields: { ...registers, sample_period: [168, 8], addr: [176, 8] },
  },
  bpf_sock: {
    type: 'struct bpf_sock',
    size: 80,
    fields: {
      bound_dev_if: [0, 4],
      family: [4, 4],
      type: [8, 4],
      protocol: [12, 4],
      mark: [16, 4],
      priority: [20, 4],
      src_ip4: [24, 4],
      src_ip6: [28, 16],
      src_port: [44, 4],
      dst_port: [48, 2],
      dst_ip4: [52, 4],
      dst_ip6: [56, 16],
      state: [72, 4],
      rx_queue_mapping: [76, 4],
    },
  },
  bpf_sock_ops: {
    type: 'struct bpf_sock_ops',
    size: 224,
    fields: {
      op: [0, 4],
      args: [4, 16],
      reply: [4, 4],
      replylong: [4, 16],
      family: [20, 4],
      remote_ip4: [24, 4],
      local_ip4: [28, 4],
      remote_ip6: [32, 16],
      local_ip6: [48, 16],
      remote_port: [64, 4],
      local_port: [68, 4],
      is_fullsock: [72, 4],
      snd_cwnd: [76, 4],
      srtt_us: [80, 4],
      bpf_sock_ops_cb_flags: [84, 4],
      state: [88, 4],
      rtt_min: [92, 4],
      snd_ssthresh: [96, 4],
      rcv_nxt: [100, 4],
      snd_nxt: [104, 4],
      snd_una: [108, 4],
      mss_cache: [112, 4],
      ecn_flags: [116, 4],
      rate_delivered: [120, 4],
      rate_interval_us: [124, 4],
      packets_out: [128, 4],
      retrans_out: [132, 4],
      total_retrans: [136, 4],
      segs_in: [140, 4],
      data_segs_in: [144, 4],
      segs_out: [148, 4],
      data_segs_out: [152, 4],
      lost_out: [156, 4],
      sacked_out: [160, 4],
      sk_txhash: [164, 4],
      bytes_received: [168, 8],
      bytes_acked: [176, 8],
      sk: [184, 8],
      skb_data: [192, 8],
      skb_data_end: [200, 8],
      skb_len: [208, 4],
      skb_tcp_flags: [212, 4],
      skb_hwtstamp: [216, 8],
    },
  },
  sk_msg_md: {
    type: 'struct sk_msg_md',
    size: 80,
    fields: {
      data: [0, 8],
      data_end: [8, 8],
      family: [16, 4],
      remote_ip4: [20, 4],
      local_ip4: [24, 4],
      remote_ip6: [28, 16],
      local_ip6: [44, 16],
      remote_port: [60, 4],
      local_port: [64, 4],
      size: [68, 4],
      sk: [72, 8],
    },
  },
  sk_reuseport_md: {
    type: 'struct sk_reuseport_md',
    size: 56,
    fields: {
      data: [0, 8],
      data_end: [8, 8],
      len: [16, 4],
      eth_protocol: [20, 4],
      ip_protocol: [24, 4],
      bind_inany: [28, 4],
      hash: [32, 4],
      sk: [40, 8],
      migrating_sk: [48, 8],
    },
  },
  bpf_sk_lookup: {
    type: 'struct bpf_sk_lookup',
    size: 72,
    fields: {
      sk: [0, 8],
      cookie: [0, 8],
      family: [8, 4],
      protocol: [12, 4],
      remote_ip4: [16, 4],
      remote_ip6: [20, 16],
      remote_port: [36, 2],
      local_ip4: [40, 4],
      local_ip6: [44, 16],
      local_port: [60, 4],
      ingress_ifindex: [64, 4],
    },
  },
  bpf_sock_addr: {
    type: 'struct bpf_sock_addr',
    size: 72,
    fields: {
      user_family: [0, 4],
      user_ip4: [4, 4],
      user_ip6: [8, 16],
      user_port: [24, 4],
      family: [28, 4],
      type: [32, 4],
      protocol: [36, 4],
      msg_src_ip4: [40, 4],
      msg_src_ip6: [44, 16],
      sk: [64, 8],
    },
  },
  bpf_cgroup_dev_ctx: {
    type: 'struct bpf_cgroup_dev_ctx',
    size: 12,
    fields: {
      access_type: [0, 4],
      major: [4, 4],
      minor: [8, 4],
    },
  },
  bpf_sysctl: {
    type: 'struct bpf_sysctl',
    size: 8,
    fields: {
      write: [0, 4],
      file_pos: [4, 4],
    },
  },
  bpf_sockopt: {
    type: 'struct bpf_sockopt',
    size: 40,
    fields: {
      sk: [0, 8],
      optval: [8, 8],
      optval_end: [16, 8],
      level: [24, 4],
      optname: [28, 4],
      optlen: [32, 4],
      retval: [36, 4],
    },
  },
  bpf_nf_ctx: {
    type: 'struct bpf_nf_ctx',
    size: 16,
    fields: {
      state: [0, 8],
      skb: [8, 8],
    },
  },
  bpf_raw_tracepoint_args: {
    type: 'struct bpf_raw_tracepoint_args',
    size: 0,
    fields: Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`args[${i}]`, [i * 8, 8] as const])),
  },
} as const satisfies Record<string, ContextLayout>;

export type ContextName = keyof typeof contexts;

/** The context of a program type; null for types whose point decides (tracing, lsm, struct_ops, ext, syscall). */
export const contextOf: Readonly<Record<ProgramType, ContextName | null>> = {
  unspec: null,
  socket_filter: '__sk_buff',
  kprobe: 'bpf_user_pt_regs_t',
  sched_cls: '__sk_buff',
  sched_act: '__sk_buff',
  tracepoint: null,
  xdp: 'xdp_md',
  perf_event: 'bpf_perf_event_data',
  cgroup_skb: '__sk_buff',
  cgroup_sock: 'bpf_sock',
  lwt_in: '__sk_buff',
  lwt_out: '__sk_buff',
  lwt_xmit: '__sk_buff',
  sock_ops: 'bpf_sock_ops',
  sk_skb: '__sk_buff',
  cgroup_device: 'bpf_cgroup_dev_ctx',
  sk_msg: 'sk_msg_md',
  raw_tracepoint: 'bpf_raw_tracepoint_args',
  cgroup_sock_addr: 'bpf_sock_addr',
  lwt_seg6local: '__sk_buff',
  lirc_mode2: null,
  sk_reuseport: 'sk_reuseport_md',
  flow_dissector: '__sk_buff',
  cgroup_sysctl: 'bpf_sysctl',
  raw_tracepoint_writable: 'bpf_raw_tracepoint_args',
  cgroup_sockopt: 'bpf_sockopt',
  tracing: null,
  struct_ops: null,
  ext: null,
  lsm: null,
  sk_lookup: 'bpf_sk_lookup',
  syscall: null,
  netfilter: 'bpf_nf_ctx',
};

/** Where a field of a context lies; `cb[2]` and other elements of an array too. Undefined when there is none. */
export function contextField(context: ContextName, field: string): FieldPlace | undefined {
  const fields: Readonly<Record<string, FieldPlace>> = contexts[context].fields;
  const own = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (own) return own;
  const element = /^(\w+)\[(\d+)\]$/.exec(field);
  const array = element && Object.hasOwn(fields, element[1] as string) ? fields[element[1] as string] : undefined;
  if (!element || !array) return undefined;
  const size = context === 'seccomp_data' ? 8 : 4;
  const offset = Number(element[2]) * size;
  return offset + size <= array[1] ? [array[0] + offset, size] : undefined;
}
