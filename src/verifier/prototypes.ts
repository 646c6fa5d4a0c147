import { type HelperName, helperById, type ProgramType } from '../uapi/index.ts';

/**
 * What each helper takes and gives (net/core/filter.c, kernel/trace/bpf_trace.c, kernel/bpf/: struct bpf_func_proto), as
 * `result(argument, …)`. `mem` is read, `memOut` written without being read, `memWrite` both; `size` belongs to the
 * memory before it; `!` hands a reference back; `btf:NAME` is a pointer to that kernel struct; `fixed:N` is N bytes.
 * One row a helper; longer than other files because it is a table.
 */
const signatures: Partial<Record<HelperName, string>> = {
  map_lookup_elem: 'mapValueOrNull(map,key)',
  map_update_elem: 'int(map,key,value,any)',
  map_delete_elem: 'int(map,key)',
  probe_read: 'int(memOut,sizeOrZero,any)',
  ktime_get_ns: 'int()',
  trace_printk: 'int(mem,size)',
  get_prandom_u32: 'int()',
  get_smp_processor_id: 'int()',
  skb_store_bytes: 'int(ctx,any,mem,size,any)',
  l3_csum_replace: 'int(ctx,any,any,any,any)',
  l4_csum_replace: 'int(ctx,any,any,any,any)',
  tail_call: 'void(ctx,map,any)',
  clone_redirect: 'int(ctx,any,any)',
  get_current_pid_tgid: 'int()',
  get_current_uid_gid: 'int()',
  get_current_comm: 'int(memOut,size)',
  get_cgroup_classid: 'int(ctx)',
  skb_vlan_push: 'int(ctx,any,any)',
  skb_vlan_pop: 'int(ctx)',
  skb_get_tunnel_key: 'int(ctx,memOut,size,any)',
  skb_set_tunnel_key: 'int(ctx,mem,size,any)',
  perf_event_read: 'int(map,any)',
  redirect: 'int(any,any)',
  get_route_realm: 'int(ctx)',
  perf_event_output: 'int(ctx,map,any,mem,sizeOrZero)',
  skb_load_bytes: 'int(ctx,any,memOut,size)',
  get_stackid: 'int(ctx,map,any)',
  csum_diff: 'int(memOrNull,sizeOrZero,memOrNull,sizeOrZero,any)',
  skb_get_tunnel_opt: 'int(ctx,memOut,size)',
  skb_set_tunnel_opt: 'int(ctx,mem,size)',
  skb_change_proto: 'int(ctx,any,any)',
  skb_change_type: 'int(ctx,any)',
  skb_under_cgroup: 'int(ctx,map,any)',
  get_hash_recalc: 'int(ctx)',
  get_current_task: 'int()',
  probe_write_user: 'int(any,mem,size)',
  current_task_under_cgroup: 'int(map,any)',
  skb_change_tail: 'int(ctx,any,any)',
  skb_pull_data: 'int(ctx,any)',
  csum_update: 'int(ctx,any)',
  set_hash_invalid: 'int(ctx)',
  get_numa_node_id: 'int()',
  skb_change_head: 'int(ctx,any,any)',
  xdp_adjust_head: 'int(ctx,any)',
  probe_read_str: 'int(memOut,sizeOrZero,any)',
  get_socket_cookie: 'int(ctx)',
  get_socket_uid: 'int(ctx)',
  set_hash: 'int(ctx,any)',
  setsockopt: 'int(ctx,any,any,mem,size)',
  skb_adjust_room: 'int(ctx,any,any,any)',
  redirect_map: 'int(map,any,any)',
  sk_redirect_map: 'int(ctx,map,any,any)',
  sock_map_update: 'int(ctx,map,key,any)',
  xdp_adjust_meta: 'int(ctx,any)',
  perf_event_read_value: 'int(map,any,memOut,size)',
  perf_prog_read_value: 'int(ctx,memOut,size)',
  getsockopt: 'int(ctx,any,any,memOut,size)',
  override_return: 'int(ctx,any)',
  sock_ops_cb_flags_set: 'int(ctx,any)',
  msg_redirect_map: 'int(ctx,map,any,any)',
  msg_apply_bytes: 'int(ctx,any)',
  msg_cork_bytes: 'int(ctx,any)',
  msg_pull_data: 'int(ctx,any,any,any)',
  bind: 'int(ctx,mem,size)',
  xdp_adjust_tail: 'int(ctx,any)',
  skb_get_xfrm_state: 'int(ctx,any,memOut,size,any)',
  get_stack: 'int(ctx,memOut,sizeOrZero,any)',
  skb_load_bytes_relative: 'int(ctx,any,memOut,size,any)',
  fib_lookup: 'int(ctx,memWrite,size,any)',
  sock_hash_update: 'int(ctx,map,key,any)',
  msg_redirect_hash: 'int(ctx,map,key,any)',
  sk_redirect_hash: 'int(ctx,map,key,any)',
  lwt_push_encap: 'int(ctx,any,mem,size)',
  lwt_seg6_store_bytes: 'int(ctx,any,mem,size)',
  lwt_seg6_adjust_srh: 'int(ctx,any,any)',
  lwt_seg6_action: 'int(ctx,any,mem,size)',
  rc_repeat: 'int(ctx)',
  rc_keydown: 'int(ctx,any,any,any)',
  skb_cgroup_id: 'int(ctx)',
  get_current_cgroup_id: 'int()',
  get_local_storage: 'mapValue(map,any)',
  sk_select_reuseport: 'int(ctx,map,key,any)',
  skb_ancestor_cgroup_id: 'int(ctx,any)',
  sk_lookup_tcp: 'sockOrNull(ctx,mem,size,any,any)',
  sk_lookup_udp: 'sockOrNull(ctx,mem,size,any,any)',
  sk_release: 'int(btfSockCommon!)',
  map_push_elem: 'int(map,value,any)',
  map_pop_elem: 'int(map,valueOut)',
  map_peek_elem: 'int(map,valueOut)',
  msg_push_data: 'int(ctx,any,any,any)',
  msg_pop_data: 'int(ctx,any,any,any)',
  rc_pointer_rel: 'int(ctx,any,any)',
  spin_lock: 'void(spinLock)',
  spin_unlock: 'void(spinLock)',
  sk_fullsock: 'sockOrNull(sockCommon)',
  tcp_sock: 'tcpSockOrNull(sockCommon)',
  skb_ecn_set_ce: 'int(ctx)',
  get_listener_sock: 'sockOrNull(sockCommon)',
  skc_lookup_tcp: 'sockCommonOrNull(ctx,mem,size,any,any)',
  tcp_check_syncookie: 'int(btfSockCommon,mem,size,mem,size)',
  sysctl_get_name: 'int(ctx,memWrite,size,any)',
  sysctl_get_current_value: 'int(ctx,memOut,size)',
  sysctl_get_new_value: 'int(ctx,memOut,size)',
  sysctl_set_new_value: 'int(ctx,mem,size)',
  strtol: 'int(mem,size,any,fixedOut:8)',
  strtoul: 'int(mem,size,any,fixedOut:8)',
  sk_storage_get: 'mapValueOrNull(map,btfSockCommon,valueOrNull,any)',
  sk_storage_delete: 'int(map,btfSockCommon)',
  send_signal: 'int(any)',
  tcp_gen_syncookie: 'int(btfSockCommon,mem,size,mem,size)',
  skb_output: 'int(btf:sk_buff,map,any,mem,sizeOrZero)',
  probe_read_user: 'int(memOut,sizeOrZero,any)',
  probe_read_kernel: 'int(memOut,sizeOrZero,any)',
  probe_read_user_str: 'int(memOut,sizeOrZero,any)',
  probe_read_kernel_str: 'int(memOut,sizeOrZero,any)',
  tcp_send_ack: 'int(btf:tcp_sock,any)',
  send_signal_thread: 'int(any)',
  jiffies64: 'int()',
  read_branch_records: 'int(ctx,memWriteOrNull,sizeOrZero,any)',
  get_ns_current_pid_tgid: 'int(any,any,memOut,size)',
  xdp_output: 'int(btf:xdp_buff,map,any,mem,sizeOrZero)',
  get_netns_cookie: 'int(ctxOrNull)',
  get_current_ancestor_cgroup_id: 'int(any)',
  sk_assign: 'int(ctx,btfSockCommon,any)',
  ktime_get_boot_ns: 'int()',
  seq_printf: 'int(btf:seq_file,mem,size,memOrNull,sizeOrZero)',
  seq_write: 'int(btf:seq_file,mem,sizeOrZero)',
  sk_cgroup_id: 'int(btfSockCommon)',
  sk_ancestor_cgroup_id: 'int(btfSockCommon,any)',
  ringbuf_output: 'int(map,mem,sizeOrZero,any)',
  ringbuf_reserve: 'ringbufMemOrNull(map,allocSize,any)',
  ringbuf_submit: 'void(ringbufMem!,any)',
  ringbuf_discard: 'void(ringbufMem!,any)',
  ringbuf_query: 'int(map,any)',
  csum_level: 'int(ctx,any)',
  skc_to_tcp6_sock: 'btfOrNull:tcp6_sock(btfSockCommon)',
  skc_to_tcp_sock: 'btfOrNull:tcp_sock(btfSockCommon)',
  skc_to_tcp_timewait_sock: 'btfOrNull:tcp_timewait_sock(btfSockCommon)',
  skc_to_tcp_request_sock: 'btfOrNull:tcp_request_sock(btfSockCommon)',
  skc_to_udp6_sock: 'btfOrNull:udp6_sock(btfSockCommon)',
  get_task_stack: 'int(btf:task_struct,memOut,sizeOrZero,any)',
  load_hdr_opt: 'int(ctx,memWrite,size,any)',
  store_hdr_opt: 'int(ctx,mem,size,any)',
  reserve_hdr_opt: 'int(ctx,any,any)',
  inode_storage_get: 'mapValueOrNull(map,btf:inode,valueOrNull,any)',
  inode_storage_delete: 'int(map,btf:inode)',
  d_path: 'int(btf:path,memWrite,sizeOrZero)',
  copy_from_user: 'int(memOut,sizeOrZero,any)',
  snprintf_btf: 'int(memWrite,size,mem,size,any)',
  seq_printf_btf: 'int(btf:seq_file,mem,sizeOrZero,any)',
  skb_cgroup_classid: 'int(ctx)',
  redirect_neigh: 'int(any,memOrNull,sizeOrZero,any)',
  per_cpu_ptr: 'perCpuMemOrNull(perCpuBtf,any)',
  this_cpu_ptr: 'perCpuMem(perCpuBtf)',
  redirect_peer: 'int(any,any)',
  task_storage_get: 'mapValueOrNull(map,btf:task_struct,valueOrNull,any)',
  task_storage_delete: 'int(map,btf:task_struct)',
  get_current_task_btf: 'btf:task_struct()',
  bprm_opts_set: 'int(btf:linux_binprm,any)',
  ktime_get_coarse_ns: 'int()',
  ima_inode_hash: 'int(btf:inode,memOut,size)',
  sock_from_file: 'btfOrNull:socket(btf:file)',
  check_mtu: 'int(ctx,any,fixedOut:4,any,any)',
  for_each_map_elem: 'int(map,func,stackOrNull,any)',
  snprintf: 'int(memWriteOrNull,sizeOrZero,string,memOrNull,sizeOrZero)',
  sys_bpf: 'int(any,mem,size)',
  btf_find_by_name_kind: 'int(mem,size,any,any)',
  sys_close: 'int(any)',
  timer_init: 'int(timer,map,any)',
  timer_set_callback: 'int(timer,func)',
  timer_start: 'int(timer,any,any)',
  timer_cancel: 'int(timer)',
  get_func_ip: 'int(ctx)',
  get_attach_cookie: 'int(ctx)',
  task_pt_regs: 'btf:pt_regs(btf:task_struct)',
  get_branch_snapshot: 'int(memOut,sizeOrZero)',
  trace_vprintk: 'int(mem,size,memOrNull,sizeOrZero)',
  skc_to_unix_sock: 'btfOrNull:unix_sock(btfSockCommon)',
  kallsyms_lookup_name: 'int(mem,sizeOrZero,any,fixedOut:8)',
  find_vma: 'int(btf:task_struct,any,func,stackOrNull,any)',
  loop: 'int(any,func,stackOrNull,any)',
  strncmp: 'int(mem,size,string)',
  get_func_arg: 'int(ctx,any,fixedOut:8)',
  get_func_ret: 'int(ctx,fixedOut:8)',
  get_func_arg_cnt: 'int(ctx)',
  get_retval: 'int()',
  set_retval: 'int(any)',
  xdp_get_buff_len: 'int(ctx)',
  xdp_load_bytes: 'int(ctx,any,memOut,size)',
  xdp_store_bytes: 'int(ctx,any,mem,size)',
  copy_from_user_task: 'int(memOut,sizeOrZero,any,btf:task_struct,any)',
  skb_set_tstamp: 'int(ctx,any,any)',
  ima_file_hash: 'int(btf:file,memOut,size)',
  kptr_xchg: 'btfOrNull:kptr(kptr,btfOrNull:kptr!)',
  map_lookup_percpu_elem: 'mapValueOrNull(map,key,any)',
  skc_to_mptcp_sock: 'btfOrNull:mptcp_sock(sockCommon)',
  dynptr_from_mem: 'int(memOut,sizeOrZero,any,dynptrLocalOut)',
  ringbuf_reserve_dynptr: 'int(map,any,any,dynptrRingbufOut)',
  ringbuf_submit_dynptr: 'void(dynptrRingbuf!,any)',
  ringbuf_discard_dynptr: 'void(dynptrRingbuf!,any)',
  dynptr_read: 'int(memOut,sizeOrZero,dynptr,any,any)',
  dynptr_write: 'int(dynptr,any,mem,sizeOrZero,any)',
  dynptr_data: 'dynptrMemOrNull(dynptr,any,allocSize)',
  tcp_raw_gen_syncookie_ipv4: 'int(fixed:20,mem,size)',
  tcp_raw_gen_syncookie_ipv6: 'int(fixed:40,mem,size)',
  tcp_raw_check_syncookie_ipv4: 'int(fixed:20,fixed:20)',
  tcp_raw_check_syncookie_ipv6: 'int(fixed:40,fixed:20)',
  ktime_get_tai_ns: 'int()',
  user_ringbuf_drain: 'int(map,func,stackOrNull,any)',
  cgrp_storage_get: 'mapValueOrNull(map,btf:cgroup,valueOrNull,any)',
  cgrp_storage_delete: 'int(map,btf:cgroup)',
};

/** Helpers that take something else where another program type calls them. */
const variants: Partial<Record<HelperName, readonly [types: readonly ProgramType[], signature: string][]>> = {
  get_cgroup_classid: [
    [
      [
        'kprobe',
        'tracepoint',
        'perf_event',
        'raw_tracepoint',
        'tracing',
        'lsm',
        'cgroup_sock_addr',
        'cgroup_sock',
        'cgroup_skb',
      ],
      'int()',
    ],
  ],
  get_socket_cookie: [[['tracing', 'lsm'], 'int(btfSockCommon)']],
  setsockopt: [[['tracing', 'lsm', 'struct_ops'], 'int(btfSockCommon,any,any,mem,size)']],
  getsockopt: [[['tracing', 'lsm', 'struct_ops'], 'int(btfSockCommon,any,any,memOut,size)']],
  sk_assign: [[['sk_lookup'], 'int(ctx,sockOrNull,any)']],
  sk_storage_get: [[['cgroup_sock'], 'mapValueOrNull(map,ctx,valueOrNull,any)']],
};

export interface Prototype {
  readonly name: HelperName;
  readonly result: string;
  /** The struct behind a btf result. */
  readonly resultBtf: string;
  readonly args: readonly Argument[];
}

export interface Argument {
  readonly kind: string;
  readonly releases: boolean;
  /** The struct behind a btf argument. */
  readonly btf: string;
  /** Bytes of fixed memory. */
  readonly size: number;
}

function parse(name: HelperName, signature: string): Prototype {
  const [, result = '', inside = ''] = /^([^(]+)\((.*)\)$/.exec(signature) ?? [];
  const [resultKind = '', resultBtf = ''] = result.split(':');
  return { name, result: resultKind, resultBtf, args: inside === '' ? [] : inside.split(',').map(parseArgument) };
}

function parseArgument(text: string): Argument {
  const releases = text.endsWith('!');
  const [kind = '', detail = ''] = (releases ? text.slice(0, -1) : text).split(':');
  return { kind, releases, btf: detail, size: Number(detail) || 0 };
}

const parsed = new Map<string, Prototype>();

/** The prototype of a helper as a program type sees it; undefined when there is none of that number. */
export function prototypeOf(id: number, type: ProgramType): Prototype | undefined {
  const name = helperById(id)?.name;
  if (name === undefined) return undefined;
  const signature = variants[name]?.find(([types]) => types.includes(type))?.[1] ?? signatures[name];
  if (signature === undefined) return undefined;
  const key = `${name} ${signature}`;
  let prototype = parsed.get(key);
  if (!prototype) {
    prototype = parse(name, signature);
    parsed.set(key, prototype);
  }
  return prototype;
}

/** Arguments of a helper, for liveness; all five when it is unknown. */
export function argumentCount(id: number): number {
  const name = helperById(id)?.name;
  const signature = name === undefined ? undefined : signatures[name];
  return signature === undefined ? 5 : parse(name as HelperName, signature).args.length;
}
