/**
 * Attach types: the kernel's names in lower case without BPF_ (include/uapi/linux/bpf.h: enum bpf_attach_type), and
 * which of them a program type takes as its expected attach type (kernel/bpf/syscall.c: bpf_prog_load_check_attach).
 */
import type { ProgramType } from './types.ts';

export const attachTypes = {
  cgroup_inet_ingress: 0,
  cgroup_inet_egress: 1,
  cgroup_inet_sock_create: 2,
  cgroup_sock_ops: 3,
  sk_skb_stream_parser: 4,
  sk_skb_stream_verdict: 5,
  cgroup_device: 6,
  sk_msg_verdict: 7,
  cgroup_inet4_bind: 8,
  cgroup_inet6_bind: 9,
  cgroup_inet4_connect: 10,
  cgroup_inet6_connect: 11,
  cgroup_inet4_post_bind: 12,
  cgroup_inet6_post_bind: 13,
  cgroup_udp4_sendmsg: 14,
  cgroup_udp6_sendmsg: 15,
  lirc_mode2: 16,
  flow_dissector: 17,
  cgroup_sysctl: 18,
  cgroup_udp4_recvmsg: 19,
  cgroup_udp6_recvmsg: 20,
  cgroup_getsockopt: 21,
  cgroup_setsockopt: 22,
  trace_raw_tp: 23,
  trace_fentry: 24,
  trace_fexit: 25,
  modify_return: 26,
  lsm_mac: 27,
  trace_iter: 28,
  cgroup_inet4_getpeername: 29,
  cgroup_inet6_getpeername: 30,
  cgroup_inet4_getsockname: 31,
  cgroup_inet6_getsockname: 32,
  xdp_devmap: 33,
  cgroup_inet_sock_release: 34,
  xdp_cpumap: 35,
  sk_lookup: 36,
  xdp: 37,
  sk_skb_verdict: 38,
  sk_reuseport_select: 39,
  sk_reuseport_select_or_migrate: 40,
  perf_event: 41,
  trace_kprobe_multi: 42,
  lsm_cgroup: 43,
  struct_ops: 44,
  netfilter: 45,
  tcx_ingress: 46,
  tcx_egress: 47,
  trace_uprobe_multi: 48,
  cgroup_unix_connect: 49,
  cgroup_unix_sendmsg: 50,
  cgroup_unix_recvmsg: 51,
  cgroup_unix_getpeername: 52,
  cgroup_unix_getsockname: 53,
  netkit_primary: 54,
  netkit_peer: 55,
  trace_kprobe_session: 56,
  trace_uprobe_session: 57,
} as const;

export type AttachType = keyof typeof attachTypes;

/**
 * Attach types by program type, for those where the kernel looks at it while loading. `syscall` and `ext` programs must
 * leave it 0; types that are absent may give any.
 */
export const expectedAttachTypes: Readonly<Partial<Record<ProgramType, readonly AttachType[]>>> = {
  cgroup_skb: ['cgroup_inet_ingress', 'cgroup_inet_egress'],
  cgroup_sock: [
    'cgroup_inet_sock_create',
    'cgroup_inet_sock_release',
    'cgroup_inet4_post_bind',
    'cgroup_inet6_post_bind',
  ],
  cgroup_sock_addr: [
    'cgroup_inet4_bind',
    'cgroup_inet6_bind',
    'cgroup_inet4_connect',
    'cgroup_inet6_connect',
    'cgroup_unix_connect',
    'cgroup_inet4_getpeername',
    'cgroup_inet6_getpeername',
    'cgroup_unix_getpeername',
    'cgroup_inet4_getsockname',
    'cgroup_inet6_getsockname',
    'cgroup_unix_getsockname',
    'cgroup_udp4_sendmsg',
    'cgroup_udp6_sendmsg',
    'cgroup_unix_sendmsg',
    'cgroup_udp4_recvmsg',
    'cgroup_udp6_recvmsg',
    'cgroup_unix_recvmsg',
  ],
  cgroup_sockopt: ['cgroup_setsockopt', 'cgroup_getsockopt'],
  sk_lookup: ['sk_lookup'],
  sk_reuseport: ['sk_reuseport_select', 'sk_reuseport_select_or_migrate'],
  netfilter: ['netfilter'],
};

/** As what a program is loaded that is for one place alone, by the kind of the place. */
export const placeAttachTypes = {
  raw_tracepoint: 'trace_raw_tp',
  fentry: 'trace_fentry',
  fexit: 'trace_fexit',
  fmod_ret: 'modify_return',
  lsm: 'lsm_mac',
} as const satisfies Readonly<Record<string, AttachType>>;
