import type { HelperName } from './helpers.ts';
import type { ProgramType } from './types.ts';

/**
 * What helpers take and give, as the verifier of 6.18 sees it (struct bpf_func_proto in kernel/bpf, kernel/trace and
 * net/core). The rows were held against the running kernel: each accepts the arguments that its row names and names
 * the same expected types when it is given another. One row a helper; longer than other files because it is a table.
 */
const argumentKinds = [
  'constMapPtr',
  'ptrToMapKey',
  'ptrToMapValue',
  'ptrToMem',
  'constSize',
  'constSizeOrZero',
  'ptrToCtx',
  'anything',
  'ptrToSpinLock',
  'ptrToSockCommon',
  'ptrToSocket',
  'ptrToBtfId',
  'ptrToRingbufMem',
  'constAllocSizeOrZero',
  'ptrToBtfIdSockCommon',
  'ptrToPercpuBtfId',
  'ptrToFunc',
  'ptrToStack',
  'ptrToConstStr',
  'ptrToTimer',
  'kptrXchgDest',
  'ptrToDynptr',
] as const;
/** enum bpf_arg_type without its flags; ARG_PTR_TO_FIXED_SIZE_MEM is ptrToMem with a size. */
export type ArgumentKind = (typeof argumentKinds)[number];

/** An argument with the flags of its type (include/linux/bpf.h: enum bpf_type_flag). */
export interface HelperArgument {
  readonly kind: ArgumentKind;
  /** PTR_MAYBE_NULL: NULL will do. */
  readonly orNull?: true;
  /** MEM_UNINIT: the helper fills it, what was there need not be initialised. */
  readonly uninit?: true;
  /** MEM_WRITE: the helper writes to it. */
  readonly write?: true;
  /** MEM_RDONLY: read-only memory will do. */
  readonly readOnly?: true;
  /** MEM_ALIGNED: it must be aligned. */
  readonly aligned?: true;
  /** OBJ_RELEASE: the reference ends here. */
  readonly release?: true;
  /** Bytes of memory of fixed size. */
  readonly size?: number;
  /** The struct that a BTF pointer must point to. */
  readonly struct?: string;
  readonly dynptr?: 'local' | 'ringbuf';
}

const returnKinds = [
  'integer',
  'void',
  'ptrToMapValue',
  'ptrToSocket',
  'ptrToTcpSock',
  'ptrToSockCommon',
  'ptrToRingbufMem',
  'ptrToDynptrMem',
  'ptrToMemOrBtfId',
  'ptrToBtfId',
] as const;
/** enum bpf_return_type without its flags. */
export type ReturnKind = (typeof returnKinds)[number];

export interface HelperReturn {
  readonly kind: ReturnKind;
  readonly orNull?: true;
  readonly trusted?: true;
  readonly readOnly?: true;
  readonly struct?: string;
}

export interface HelperPrototype {
  readonly returns: HelperReturn;
  readonly args: readonly HelperArgument[];
  /** pkt_access: pointers into the packet are taken for memory. */
  readonly packetAccess?: true;
  /** might_sleep: only for sleepable programs. */
  readonly sleeps?: true;
  /** bpf_helper_changes_pkt_data: pointers into the packet are void after it. */
  readonly changesPacket?: true;
}

const map: HelperArgument = { kind: 'constMapPtr' };
const key: HelperArgument = { kind: 'ptrToMapKey' };
const value: HelperArgument = { kind: 'ptrToMapValue' };
const valueOut: HelperArgument = { kind: 'ptrToMapValue', uninit: true, write: true };
const valueOrNull: HelperArgument = { kind: 'ptrToMapValue', orNull: true };
const any: HelperArgument = { kind: 'anything' };
const ctx: HelperArgument = { kind: 'ptrToCtx' };
const ctxOrNull: HelperArgument = { kind: 'ptrToCtx', orNull: true };
/** Memory that is read. */
const mem: HelperArgument = { kind: 'ptrToMem', readOnly: true };
const memOrNull: HelperArgument = { kind: 'ptrToMem', orNull: true, readOnly: true };
/** Memory that is filled. */
const out: HelperArgument = { kind: 'ptrToMem', uninit: true, write: true };
/** Memory that is read and written. */
const inOut: HelperArgument = { kind: 'ptrToMem', write: true };
const size: HelperArgument = { kind: 'constSize' };
const sizeOrZero: HelperArgument = { kind: 'constSizeOrZero' };
const allocSize: HelperArgument = { kind: 'constAllocSizeOrZero' };
const spinLock: HelperArgument = { kind: 'ptrToSpinLock' };
const sockCommon: HelperArgument = { kind: 'ptrToSockCommon' };
const socketOrNull: HelperArgument = { kind: 'ptrToSocket', orNull: true };
const anySock: HelperArgument = { kind: 'ptrToBtfIdSockCommon' };
const percpu: HelperArgument = { kind: 'ptrToPercpuBtfId' };
const callback: HelperArgument = { kind: 'ptrToFunc' };
const stackOrNull: HelperArgument = { kind: 'ptrToStack', orNull: true };
const string: HelperArgument = { kind: 'ptrToConstStr' };
const timer: HelperArgument = { kind: 'ptrToTimer' };
const ringbufMem: HelperArgument = { kind: 'ptrToRingbufMem', release: true };
const dynptr: HelperArgument = { kind: 'ptrToDynptr', readOnly: true };
const ringbufDynptr: HelperArgument = { kind: 'ptrToDynptr', dynptr: 'ringbuf', release: true };

/** A pointer to a kernel struct. */
function to(struct: string): HelperArgument {
  return { kind: 'ptrToBtfId', struct };
}
function toOrNull(struct: string): HelperArgument {
  return { kind: 'ptrToBtfId', struct, orNull: true };
}
/** So many bytes that are read. */
function bytes(length: number): HelperArgument {
  return { kind: 'ptrToMem', readOnly: true, size: length };
}
/** So many aligned bytes that are filled. */
function result(length: number): HelperArgument {
  return { kind: 'ptrToMem', uninit: true, write: true, aligned: true, size: length };
}
function newDynptr(type: 'local' | 'ringbuf'): HelperArgument {
  return { kind: 'ptrToDynptr', dynptr: type, uninit: true, write: true };
}

const integer: HelperReturn = { kind: 'integer' };
const nothing: HelperReturn = { kind: 'void' };
const mapValueOrNull: HelperReturn = { kind: 'ptrToMapValue', orNull: true };
const socketReturn: HelperReturn = { kind: 'ptrToSocket', orNull: true };

/** A helper that gives an integer. */
function int(...args: HelperArgument[]): HelperPrototype {
  return { returns: integer, args };
}
function gives(returns: HelperReturn, ...args: HelperArgument[]): HelperPrototype {
  return { returns, args };
}
function givesStruct(struct: string, ...args: HelperArgument[]): HelperPrototype {
  return { returns: { kind: 'ptrToBtfId', orNull: true, struct }, args };
}
const packet = { packetAccess: true } as const;
const sleeps = { sleeps: true } as const;
const changes = { changesPacket: true } as const;

export const prototypes: Readonly<Record<HelperName, HelperPrototype>> = {
  map_lookup_elem: { ...gives(mapValueOrNull, map, key), ...packet },
  map_update_elem: { ...int(map, key, value, any), ...packet },
  map_delete_elem: { ...int(map, key), ...packet },
  probe_read: int(out, sizeOrZero, any),
  ktime_get_ns: int(),
  trace_printk: int(mem, size),
  get_prandom_u32: int(),
  get_smp_processor_id: int(),
  skb_store_bytes: { ...int(ctx, any, mem, size, any), ...changes },
  l3_csum_replace: { ...int(ctx, any, any, any, any), ...changes },
  l4_csum_replace: { ...int(ctx, any, any, any, any), ...changes },
  tail_call: gives(nothing, ctx, map, any),
  clone_redirect: { ...int(ctx, any, any), ...changes },
  get_current_pid_tgid: int(),
  get_current_uid_gid: int(),
  get_current_comm: int(out, size),
  get_cgroup_classid: int(),
  skb_vlan_push: { ...int(ctx, any, any), ...changes },
  skb_vlan_pop: { ...int(ctx), ...changes },
  skb_get_tunnel_key: int(ctx, out, size, any),
  skb_set_tunnel_key: int(ctx, mem, size, any),
  perf_event_read: int(map, any),
  redirect: int(any, any),
  get_route_realm: int(ctx),
  perf_event_output: int(ctx, map, any, mem, sizeOrZero),
  skb_load_bytes: int(ctx, any, out, size),
  get_stackid: int(ctx, map, any),
  csum_diff: { ...int(memOrNull, sizeOrZero, memOrNull, sizeOrZero, any), ...packet },
  skb_get_tunnel_opt: int(ctx, out, size),
  skb_set_tunnel_opt: int(ctx, mem, size),
  skb_change_proto: { ...int(ctx, any, any), ...changes },
  skb_change_type: int(ctx, any),
  skb_under_cgroup: int(ctx, map, any),
  get_hash_recalc: int(ctx),
  get_current_task: int(),
  probe_write_user: int(any, mem, size),
  current_task_under_cgroup: int(map, any),
  skb_change_tail: { ...int(ctx, any, any), ...changes },
  skb_pull_data: { ...int(ctx, any), ...changes },
  csum_update: int(ctx, any),
  set_hash_invalid: int(ctx),
  get_numa_node_id: int(),
  skb_change_head: { ...int(ctx, any, any), ...changes },
  xdp_adjust_head: { ...int(ctx, any), ...changes },
  probe_read_str: int(out, sizeOrZero, any),
  get_socket_cookie: int(ctx),
  get_socket_uid: int(ctx),
  set_hash: int(ctx, any),
  setsockopt: int(ctx, any, any, mem, size),
  skb_adjust_room: { ...int(ctx, any, any, any), ...changes },
  redirect_map: int(map, any, any),
  sk_redirect_map: int(ctx, map, any, any),
  sock_map_update: { ...int(ctx, map, key, any), ...packet },
  xdp_adjust_meta: { ...int(ctx, any), ...changes },
  perf_event_read_value: int(map, any, out, size),
  perf_prog_read_value: int(ctx, out, size),
  getsockopt: int(ctx, any, any, out, size),
  override_return: int(ctx, any),
  sock_ops_cb_flags_set: int(ctx, any),
  msg_redirect_map: int(ctx, map, any, any),
  msg_apply_bytes: int(ctx, any),
  msg_cork_bytes: int(ctx, any),
  msg_pull_data: { ...int(ctx, any, any, any), ...changes },
  bind: int(ctx, mem, size),
  xdp_adjust_tail: { ...int(ctx, any), ...changes },
  skb_get_xfrm_state: int(ctx, any, out, size, any),
  get_stack: int(ctx, out, sizeOrZero, any),
  skb_load_bytes_relative: int(ctx, any, out, size, any),
  fib_lookup: int(ctx, inOut, size, any),
  sock_hash_update: { ...int(ctx, map, key, any), ...packet },
  msg_redirect_hash: int(ctx, map, key, any),
  sk_redirect_hash: int(ctx, map, key, any),
  lwt_push_encap: { ...int(ctx, any, mem, size), ...changes },
  lwt_seg6_store_bytes: { ...int(ctx, any, mem, size), ...changes },
  lwt_seg6_adjust_srh: { ...int(ctx, any, any), ...changes },
  lwt_seg6_action: { ...int(ctx, any, mem, size), ...changes },
  rc_repeat: int(ctx),
  rc_keydown: int(ctx, any, any, any),
  skb_cgroup_id: int(ctx),
  get_current_cgroup_id: int(),
  get_local_storage: gives({ kind: 'ptrToMapValue' }, map, any),
  sk_select_reuseport: int(ctx, map, key, any),
  skb_ancestor_cgroup_id: int(ctx, any),
  sk_lookup_tcp: { ...gives(socketReturn, ctx, mem, sizeOrZero, any, any), ...packet },
  sk_lookup_udp: { ...gives(socketReturn, ctx, mem, sizeOrZero, any, any), ...packet },
  sk_release: int({ kind: 'ptrToBtfIdSockCommon', release: true }),
  map_push_elem: { ...int(map, value, any), ...packet },
  map_pop_elem: int(map, valueOut),
  map_peek_elem: int(map, valueOut),
  msg_push_data: { ...int(ctx, any, any, any), ...changes },
  msg_pop_data: { ...int(ctx, any, any, any), ...changes },
  rc_pointer_rel: int(ctx, any, any),
  spin_lock: gives(nothing, spinLock),
  spin_unlock: gives(nothing, spinLock),
  sk_fullsock: gives(socketReturn, sockCommon),
  tcp_sock: gives({ kind: 'ptrToTcpSock', orNull: true }, sockCommon),
  skb_ecn_set_ce: int(ctx),
  get_listener_sock: gives(socketReturn, sockCommon),
  skc_lookup_tcp: { ...gives({ kind: 'ptrToSockCommon', orNull: true }, ctx, mem, sizeOrZero, any, any), ...packet },
  tcp_check_syncookie: { ...int(anySock, mem, size, mem, size), ...packet },
  sysctl_get_name: int(ctx, inOut, size, any),
  sysctl_get_current_value: int(ctx, out, size),
  sysctl_get_new_value: int(ctx, out, size),
  sysctl_set_new_value: int(ctx, mem, size),
  strtol: int(mem, size, any, result(8)),
  strtoul: int(mem, size, any, result(8)),
  sk_storage_get: gives(mapValueOrNull, map, anySock, valueOrNull, any),
  sk_storage_delete: int(map, anySock),
  send_signal: int(any),
  tcp_gen_syncookie: { ...int(anySock, mem, size, mem, size), ...packet },
  skb_output: int(to('sk_buff'), map, any, mem, sizeOrZero),
  probe_read_user: int(out, sizeOrZero, any),
  probe_read_kernel: int(out, sizeOrZero, any),
  probe_read_user_str: int(out, sizeOrZero, any),
  probe_read_kernel_str: int(out, sizeOrZero, any),
  tcp_send_ack: int(to('tcp_sock'), any),
  send_signal_thread: int(any),
  jiffies64: int(),
  read_branch_records: int(ctx, { kind: 'ptrToMem', orNull: true, uninit: true, write: true }, sizeOrZero, any),
  get_ns_current_pid_tgid: int(any, any, out, size),
  xdp_output: int(to('xdp_buff'), map, any, mem, sizeOrZero),
  get_netns_cookie: int(ctxOrNull),
  get_current_ancestor_cgroup_id: int(any),
  sk_assign: int(ctx, anySock, any),
  ktime_get_boot_ns: int(),
  seq_printf: int(to('seq_file'), mem, size, memOrNull, sizeOrZero),
  seq_write: int(to('seq_file'), mem, sizeOrZero),
  sk_cgroup_id: int(anySock),
  sk_ancestor_cgroup_id: int(anySock, any),
  ringbuf_output: int(map, mem, sizeOrZero, any),
  ringbuf_reserve: gives({ kind: 'ptrToRingbufMem', orNull: true }, map, allocSize, any),
  ringbuf_submit: gives(nothing, ringbufMem, any),
  ringbuf_discard: gives(nothing, ringbufMem, any),
  ringbuf_query: int(map, any),
  csum_level: int(ctx, any),
  skc_to_tcp6_sock: givesStruct('tcp6_sock', anySock),
  skc_to_tcp_sock: givesStruct('tcp_sock', anySock),
  skc_to_tcp_timewait_sock: givesStruct('tcp_timewait_sock', anySock),
  skc_to_tcp_request_sock: givesStruct('tcp_request_sock', anySock),
  skc_to_udp6_sock: givesStruct('udp6_sock', anySock),
  get_task_stack: int(to('task_struct'), out, sizeOrZero, any),
  load_hdr_opt: int(ctx, inOut, size, any),
  store_hdr_opt: int(ctx, mem, size, any),
  reserve_hdr_opt: int(ctx, any, any),
  inode_storage_get: gives(mapValueOrNull, map, toOrNull('inode'), valueOrNull, any),
  inode_storage_delete: int(map, toOrNull('inode')),
  d_path: int(to('path'), inOut, sizeOrZero),
  copy_from_user: { ...int(out, sizeOrZero, any), ...sleeps },
  snprintf_btf: int(inOut, size, mem, size, any),
  seq_printf_btf: int(to('seq_file'), mem, sizeOrZero, any),
  skb_cgroup_classid: int(ctx),
  redirect_neigh: int(any, memOrNull, sizeOrZero, any),
  per_cpu_ptr: gives({ kind: 'ptrToMemOrBtfId', orNull: true, readOnly: true }, percpu, any),
  this_cpu_ptr: gives({ kind: 'ptrToMemOrBtfId', readOnly: true }, percpu),
  redirect_peer: int(any, any),
  task_storage_get: gives(mapValueOrNull, map, toOrNull('task_struct'), valueOrNull, any),
  task_storage_delete: int(map, toOrNull('task_struct')),
  get_current_task_btf: gives({ kind: 'ptrToBtfId', trusted: true, struct: 'task_struct' }),
  bprm_opts_set: int(to('linux_binprm'), any),
  ktime_get_coarse_ns: int(),
  ima_inode_hash: { ...int(to('inode'), out, size), ...sleeps },
  sock_from_file: givesStruct('socket', to('file')),
  check_mtu: int(ctx, any, { kind: 'ptrToMem', write: true, aligned: true, size: 4 }, any, any),
  for_each_map_elem: int(map, callback, stackOrNull, any),
  snprintf: int({ kind: 'ptrToMem', orNull: true, write: true }, sizeOrZero, string, memOrNull, sizeOrZero),
  sys_bpf: int(any, mem, size),
  btf_find_by_name_kind: int(mem, size, any, any),
  sys_close: int(any),
  timer_init: int(timer, map, any),
  timer_set_callback: int(timer, callback),
  timer_start: int(timer, any, any),
  timer_cancel: int(timer),
  get_func_ip: int(ctx),
  get_attach_cookie: int(ctx),
  task_pt_regs: gives({ kind: 'ptrToBtfId', struct: 'pt_regs' }, to('task_struct')),
  get_branch_snapshot: int(out, sizeOrZero),
  trace_vprintk: int(mem, size, memOrNull, sizeOrZero),
  skc_to_unix_sock: givesStruct('unix_sock', anySock),
  kallsyms_lookup_name: int(mem, sizeOrZero, any, result(8)),
  find_vma: int(to('task_struct'), any, callback, stackOrNull, any),
  loop: int(any, callback, stackOrNull, any),
  strncmp: int(mem, size, string),
  get_func_arg: int(ctx, any, result(8)),
  get_func_ret: int(ctx, result(8)),
  get_func_arg_cnt: int(ctx),
  get_retval: int(),
  set_retval: int(any),
  xdp_get_buff_len: int(ctx),
  xdp_load_bytes: int(ctx, any, out, size),
  xdp_store_bytes: int(ctx, any, mem, size),
  copy_from_user_task: { ...int(out, sizeOrZero, any, to('task_struct'), any), ...sleeps },
  skb_set_tstamp: int(ctx, any, any),
  ima_file_hash: { ...int(to('file'), out, size), ...sleeps },
  kptr_xchg: gives(
    { kind: 'ptrToBtfId', orNull: true },
    { kind: 'kptrXchgDest' },
    { kind: 'ptrToBtfId', orNull: true, release: true },
  ),
  map_lookup_percpu_elem: { ...gives(mapValueOrNull, map, key, any), ...packet },
  skc_to_mptcp_sock: givesStruct('mptcp_sock', sockCommon),
  dynptr_from_mem: int(out, sizeOrZero, any, newDynptr('local')),
  ringbuf_reserve_dynptr: int(map, any, any, newDynptr('ringbuf')),
  ringbuf_submit_dynptr: gives(nothing, ringbufDynptr, any),
  ringbuf_discard_dynptr: gives(nothing, ringbufDynptr, any),
  dynptr_read: int(out, sizeOrZero, dynptr, any, any),
  dynptr_write: int(dynptr, any, mem, sizeOrZero, any),
  dynptr_data: gives({ kind: 'ptrToDynptrMem', orNull: true }, dynptr, any, allocSize),
  tcp_raw_gen_syncookie_ipv4: { ...int(bytes(20), mem, sizeOrZero), ...packet },
  tcp_raw_gen_syncookie_ipv6: { ...int(bytes(40), mem, sizeOrZero), ...packet },
  tcp_raw_check_syncookie_ipv4: { ...int(bytes(20), bytes(20)), ...packet },
  tcp_raw_check_syncookie_ipv6: { ...int(bytes(40), bytes(20)), ...packet },
  ktime_get_tai_ns: int(),
  user_ringbuf_drain: int(map, callback, stackOrNull, any),
  cgrp_storage_get: gives(mapValueOrNull, map, toOrNull('cgroup'), valueOrNull, any),
  cgrp_storage_delete: int(map, toOrNull('cgroup')),
};

/** Helpers whose prototype is another for some program types. */
const variants: readonly (readonly [helper: HelperName, types: readonly ProgramType[], prototype: HelperPrototype])[] =
  [
    ['get_cgroup_classid', ['sched_cls', 'sched_act', 'lwt_in', 'lwt_out', 'lwt_xmit', 'lwt_seg6local'], int(ctx)],
    ['get_socket_cookie', ['tracing', 'lsm', 'syscall'], int(anySock)],
    ['sk_storage_get', ['cgroup_sock'], gives(mapValueOrNull, map, ctx, valueOrNull, any)],
    ['sk_assign', ['sk_lookup'], int(ctx, socketOrNull, any)],
    ['xdp_get_buff_len', ['tracing', 'syscall'], int(to('xdp_buff'))],
    ['setsockopt', ['tracing', 'struct_ops', 'lsm'], int(anySock, any, any, mem, size)],
    ['getsockopt', ['tracing', 'struct_ops', 'lsm'], int(anySock, any, any, out, size)],
    ['get_attach_cookie', ['lsm'], int(ctx)],
  ];

/** What a helper takes and gives when a program of that type calls it. */
export function helperPrototype(helper: HelperName, type?: ProgramType): HelperPrototype {
  const variant = variants.find((row) => row[0] === helper && type !== undefined && row[1].includes(type));
  return variant ? variant[2] : prototypes[helper];
}
