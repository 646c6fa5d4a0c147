/**
 * Program and map types: the kernel's names in lower case without their prefix, with their numbers
 * (include/uapi/linux/bpf.h: enum bpf_prog_type, enum bpf_map_type).
 */
export const programTypes = {
  unspec: 0,
  socket_filter: 1,
  kprobe: 2,
  sched_cls: 3,
  sched_act: 4,
  tracepoint: 5,
  xdp: 6,
  perf_event: 7,
  cgroup_skb: 8,
  cgroup_sock: 9,
  lwt_in: 10,
  lwt_out: 11,
  lwt_xmit: 12,
  sock_ops: 13,
  sk_skb: 14,
  cgroup_device: 15,
  sk_msg: 16,
  raw_tracepoint: 17,
  cgroup_sock_addr: 18,
  lwt_seg6local: 19,
  lirc_mode2: 20,
  sk_reuseport: 21,
  flow_dissector: 22,
  cgroup_sysctl: 23,
  raw_tracepoint_writable: 24,
  cgroup_sockopt: 25,
  tracing: 26,
  struct_ops: 27,
  ext: 28,
  lsm: 29,
  sk_lookup: 30,
  syscall: 31,
  netfilter: 32,
} as const;

export type ProgramType = keyof typeof programTypes;

export const mapTypes = {
  unspec: 0,
  hash: 1,
  array: 2,
  prog_array: 3,
  perf_event_array: 4,
  percpu_hash: 5,
  percpu_array: 6,
  stack_trace: 7,
  cgroup_array: 8,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  hash_of_maps: 13,
  devmap: 14,
  sockmap: 15,
  cpumap: 16,
  xskmap: 17,
  sockhash: 18,
  cgroup_storage: 19,
  reuseport_sockarray: 20,
  percpu_cgroup_storage: 21,
  queue: 22,
  stack: 23,
  sk_storage: 24,
  devmap_hash: 25,
  struct_ops: 26,
  ringbuf: 27,
  inode_storage: 28,
  task_storage: 29,
  bloom_filter: 30,
  user_ringbuf: 31,
  cgrp_storage: 32,
  arena: 33,
} as const;

export type MapType = keyof typeof mapTypes;

/** flags of map_update_elem (include/uapi/linux/bpf.h). */
export const updateFlags = { any: 0, noExist: 1, exist: 2, lock: 4 } as const;

/** flags of get_stackid and of perf_event_output (include/uapi/linux/bpf.h). */
export const stackFlags = { skipMask: 0xff, user: 0x100, fastCompare: 0x200, reuse: 0x400, buildId: 0x800 } as const;
/** BPF_F_CURRENT_CPU: the low half of perf_event_output's flags is an index or this. */
export const currentCpu = 0xffffffff;

/** flags of map creation (include/uapi/linux/bpf.h). */
export const mapFlags = {
  noPrealloc: 1 << 0,
  noCommonLru: 1 << 1,
  numaNode: 1 << 2,
  readOnly: 1 << 3,
  writeOnly: 1 << 4,
  stackBuildId: 1 << 5,
  zeroSeed: 1 << 6,
  readOnlyProgram: 1 << 7,
  writeOnlyProgram: 1 << 8,
  clone: 1 << 9,
  mmapable: 1 << 10,
  preserveElements: 1 << 11,
  innerMap: 1 << 12,
  link: 1 << 13,
  pathFd: 1 << 14,
  valueTypeBtfObject: 1 << 15,
  tokenFd: 1 << 16,
  segvOnFault: 1 << 17,
  noUserConversion: 1 << 18,
} as const;

/** flags of program load (include/uapi/linux/bpf.h). */
export const programFlags = {
  strictAlignment: 1 << 0,
  anyAlignment: 1 << 1,
  testRandomHigh: 1 << 2,
  testStateFrequency: 1 << 3,
  sleepable: 1 << 4,
  xdpFragments: 1 << 5,
  xdpDeviceBound: 1 << 6,
  testRegisterInvariants: 1 << 7,
} as const;

/** flags of ringbuf_output, ringbuf_submit and ringbuf_discard; what ringbuf_query asks for. */
export const ringbufFlags = { noWakeup: 1, forceWakeup: 2 } as const;
export const ringbufQueries = { availableData: 0, ringSize: 1, consumerPosition: 2, producerPosition: 3 } as const;
