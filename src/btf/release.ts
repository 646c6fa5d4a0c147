import type { Btf } from './btf.ts';

/**
 * BTF does not say what release it is of. What bpf(2) and its neighbours had learned by then tells: each release has added
 * enumerators to include/uapi/linux, and none has taken one away. A release that added none counts as the one before it.
 */
const firstWith: readonly (readonly [release: string, enumerator: string])[] = [
  ['4.18', 'BPF_PROG_TYPE_LWT_SEG6LOCAL'],
  ['4.19', 'BPF_PROG_TYPE_SK_REUSEPORT'],
  ['4.20', 'BPF_MAP_TYPE_QUEUE'],
  ['5.2', 'BPF_MAP_TYPE_SK_STORAGE'],
  ['5.3', 'BPF_PROG_TYPE_CGROUP_SOCKOPT'],
  ['5.4', 'BPF_MAP_TYPE_DEVMAP_HASH'],
  ['5.5', 'BPF_PROG_TYPE_TRACING'],
  ['5.6', 'BPF_MAP_TYPE_STRUCT_OPS'],
  ['5.7', 'BPF_PROG_TYPE_LSM'],
  ['5.8', 'BPF_MAP_TYPE_RINGBUF'],
  ['5.9', 'BPF_PROG_TYPE_SK_LOOKUP'],
  ['5.10', 'BPF_MAP_TYPE_INODE_STORAGE'],
  ['5.11', 'BPF_MAP_TYPE_TASK_STORAGE'],
  ['5.13', 'BPF_FUNC_for_each_map_elem'],
  ['5.14', 'BPF_PROG_TYPE_SYSCALL'],
  ['5.15', 'BPF_FUNC_timer_init'],
  ['5.16', 'BPF_MAP_TYPE_BLOOM_FILTER'],
  ['5.17', 'BPF_FUNC_loop'],
  ['5.18', 'BPF_TRACE_KPROBE_MULTI'],
  ['5.19', 'BPF_FUNC_map_lookup_percpu_elem'],
  ['6.0', 'BPF_LSM_CGROUP'],
  ['6.1', 'BPF_MAP_TYPE_USER_RINGBUF'],
  ['6.2', 'BPF_MAP_TYPE_CGRP_STORAGE'],
  ['6.3', 'NETDEV_XDP_ACT_BASIC'],
  ['6.4', 'BPF_PROG_TYPE_NETFILTER'],
  ['6.6', 'BPF_TRACE_UPROBE_MULTI'],
  ['6.7', 'BPF_NETKIT_PRIMARY'],
  ['6.9', 'BPF_TOKEN_CREATE'],
  ['6.10', 'BPF_TRACE_KPROBE_SESSION'],
  ['6.13', 'BPF_TRACE_UPROBE_SESSION'],
  ['6.17', 'BPF_PROG_STREAM_READ_BY_FD'],
];

/** The release that a kernel's BTF is of, as near as its types tell: `6.17`; undefined where they tell nothing. */
export function releaseOf(btf: Btf): string | undefined {
  // 6.18 added no enumerator; a program's signature it did.
  const attributes = btf.find('union', 'bpf_attr');
  if (attributes !== undefined && btf.member(attributes, 'signature_size')) return '6.18';
  return firstWith.findLast(([, enumerator]) => btf.enumerator(enumerator) !== undefined)?.[0];
}
