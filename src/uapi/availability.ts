import { type AttachType, attachTypes } from './attach.ts';
import type { HelperName } from './helpers.ts';
import { type ProgramType, programTypes } from './types.ts';

/**
 * Which program type may call which helper on 6.18, as the running kernel answered for CAP_SYS_ADMIN; for the types
 * that its configuration lacks (LSM, struct_ops, LIRC) and for helpers that it locks down, as the *_func_proto
 * functions say. `tracing` is the union over its attach types (see `onlyFor`), and an `ext` program may call what the
 * program that it replaces may. Helpers that the same types may call stand in one row.
 */
const everyType = (Object.keys(programTypes) as ProgramType[]).filter(
  (type) => type !== 'unspec' && type !== 'ext' && type !== 'lirc_mode2',
);

function except(...types: ProgramType[]): readonly ProgramType[] {
  return everyType.filter((type) => !types.includes(type));
}

const rows: readonly (readonly [types: readonly ProgramType[], helpers: readonly HelperName[]])[] = [
  [
    [...everyType, 'lirc_mode2'],
    [
      'map_lookup_elem',
      'map_update_elem',
      'map_delete_elem',
      'ktime_get_ns',
      'trace_printk',
      'get_prandom_u32',
      'tail_call',
      'map_push_elem',
      'map_pop_elem',
      'map_peek_elem',
      'ktime_get_boot_ns',
    ],
  ],
  [
    everyType,
    [
      'get_smp_processor_id',
      'get_current_pid_tgid',
      'get_current_uid_gid',
      'get_current_comm',
      'get_cgroup_classid',
      'perf_event_read',
      'get_current_task',
      'current_task_under_cgroup',
      'get_numa_node_id',
      'perf_event_read_value',
      'get_current_cgroup_id',
      'spin_lock',
      'spin_unlock',
      'strtol',
      'strtoul',
      'send_signal',
      'probe_read_user',
      'probe_read_kernel',
      'probe_read_user_str',
      'probe_read_kernel_str',
      'send_signal_thread',
      'jiffies64',
      'get_ns_current_pid_tgid',
      'get_current_ancestor_cgroup_id',
      'ringbuf_output',
      'ringbuf_reserve',
      'ringbuf_submit',
      'ringbuf_discard',
      'ringbuf_query',
      'get_task_stack',
      'copy_from_user',
      'snprintf_btf',
      'per_cpu_ptr',
      'this_cpu_ptr',
      'task_storage_get',
      'task_storage_delete',
      'get_current_task_btf',
      'for_each_map_elem',
      'snprintf',
      'timer_init',
      'timer_set_callback',
      'timer_start',
      'timer_cancel',
      'task_pt_regs',
      'get_branch_snapshot',
      'trace_vprintk',
      'find_vma',
      'loop',
      'strncmp',
      'copy_from_user_task',
      'kptr_xchg',
      'map_lookup_percpu_elem',
      'dynptr_from_mem',
      'ringbuf_reserve_dynptr',
      'ringbuf_submit_dynptr',
      'ringbuf_discard_dynptr',
      'dynptr_read',
      'dynptr_write',
      'dynptr_data',
      'ktime_get_tai_ns',
      'user_ringbuf_drain',
      'cgrp_storage_get',
      'cgrp_storage_delete',
    ],
  ],
  [except('sk_reuseport', 'flow_dissector', 'struct_ops', 'netfilter'), ['perf_event_output']],
  [
    except(
      'kprobe',
      'tracepoint',
      'perf_event',
      'cgroup_device',
      'raw_tracepoint',
      'raw_tracepoint_writable',
      'cgroup_sockopt',
      'tracing',
      'lsm',
      'syscall',
      'netfilter',
    ),
    ['ktime_get_coarse_ns'],
  ],
  [
    except(
      'kprobe',
      'tracepoint',
      'perf_event',
      'cgroup_sock',
      'cgroup_device',
      'raw_tracepoint',
      'sk_reuseport',
      'cgroup_sysctl',
      'raw_tracepoint_writable',
      'cgroup_sockopt',
      'struct_ops',
      'lsm',
      'netfilter',
    ),
    [
      'skc_to_tcp6_sock',
      'skc_to_tcp_sock',
      'skc_to_tcp_timewait_sock',
      'skc_to_tcp_request_sock',
      'skc_to_udp6_sock',
      'skc_to_unix_sock',
      'skc_to_mptcp_sock',
    ],
  ],
  [
    [
      'socket_filter',
      'sched_cls',
      'sched_act',
      'cgroup_skb',
      'lwt_in',
      'lwt_out',
      'lwt_xmit',
      'sk_skb',
      'lwt_seg6local',
      'sk_reuseport',
      'flow_dissector',
    ],
    ['skb_load_bytes'],
  ],
  [
    [
      'socket_filter',
      'sched_cls',
      'sched_act',
      'cgroup_skb',
      'cgroup_sock',
      'sock_ops',
      'sk_skb',
      'cgroup_sock_addr',
      'sk_reuseport',
      'tracing',
      'syscall',
    ],
    ['get_socket_cookie'],
  ],
  [
    [
      'sched_cls',
      'sched_act',
      'cgroup_skb',
      'cgroup_sock',
      'sock_ops',
      'sk_msg',
      'cgroup_sock_addr',
      'cgroup_sockopt',
      'tracing',
      'struct_ops',
      'lsm',
    ],
    ['sk_storage_get'],
  ],
  [
    [
      'sched_cls',
      'sched_act',
      'cgroup_skb',
      'sock_ops',
      'sk_msg',
      'cgroup_sock_addr',
      'cgroup_sockopt',
      'tracing',
      'struct_ops',
      'lsm',
    ],
    ['sk_storage_delete'],
  ],
  [
    [
      'socket_filter',
      'sched_cls',
      'sched_act',
      'cgroup_skb',
      'cgroup_sock',
      'sock_ops',
      'sk_msg',
      'cgroup_sock_addr',
      'cgroup_sockopt',
    ],
    ['get_netns_cookie'],
  ],
  [
    ['kprobe', 'tracepoint', 'perf_event', 'raw_tracepoint', 'raw_tracepoint_writable', 'tracing', 'lsm', 'syscall'],
    ['probe_read', 'get_stackid', 'probe_read_str', 'get_stack', 'get_func_ip'],
  ],
  [
    [
      'cgroup_skb',
      'cgroup_sock',
      'sock_ops',
      'cgroup_device',
      'cgroup_sock_addr',
      'cgroup_sysctl',
      'cgroup_sockopt',
      'lsm',
    ],
    ['get_local_storage'],
  ],
  [['sched_cls', 'sched_act', 'xdp', 'lwt_in', 'lwt_out', 'lwt_xmit', 'lwt_seg6local'], ['csum_diff']],
  [
    ['kprobe', 'tracepoint', 'perf_event', 'raw_tracepoint', 'raw_tracepoint_writable', 'tracing', 'lsm'],
    ['probe_write_user', 'get_attach_cookie'],
  ],
  [['sched_cls', 'sched_act', 'lwt_in', 'lwt_out', 'lwt_xmit', 'sk_skb', 'lwt_seg6local'], ['skb_pull_data']],
  [['sched_cls', 'sched_act', 'xdp', 'cgroup_skb', 'sk_skb', 'cgroup_sock_addr', 'sk_lookup'], ['sk_release']],
  [
    ['sched_cls', 'sched_act', 'lwt_in', 'lwt_out', 'lwt_xmit', 'lwt_seg6local'],
    ['get_route_realm', 'skb_under_cgroup', 'get_hash_recalc'],
  ],
  [
    ['sched_cls', 'sched_act', 'xdp', 'cgroup_skb', 'sk_skb', 'cgroup_sock_addr'],
    ['sk_lookup_tcp', 'sk_lookup_udp', 'skc_lookup_tcp'],
  ],
  [['socket_filter', 'sched_cls', 'sched_act', 'cgroup_skb', 'sk_skb'], ['get_socket_uid']],
  [
    ['sock_ops', 'cgroup_sock_addr', 'cgroup_sockopt', 'struct_ops', 'lsm'],
    ['setsockopt', 'getsockopt'],
  ],
  [['socket_filter', 'sched_cls', 'sched_act', 'cgroup_skb', 'sk_reuseport'], ['skb_load_bytes_relative']],
  [['sched_cls', 'sched_act', 'cgroup_skb', 'sock_ops', 'cgroup_sockopt'], ['tcp_sock']],
  [
    ['sched_cls', 'sched_act', 'lwt_xmit', 'sk_skb'],
    ['skb_store_bytes', 'skb_change_tail', 'skb_change_head'],
  ],
  [['sched_cls', 'sched_act', 'xdp', 'lwt_xmit'], ['redirect']],
  [
    ['cgroup_sock', 'cgroup_sock_addr', 'cgroup_sockopt', 'lsm'],
    ['get_retval', 'set_retval'],
  ],
  [
    ['sched_cls', 'sched_act', 'lwt_xmit'],
    [
      'l3_csum_replace',
      'l4_csum_replace',
      'clone_redirect',
      'skb_get_tunnel_key',
      'skb_set_tunnel_key',
      'skb_get_tunnel_opt',
      'skb_set_tunnel_opt',
      'csum_update',
      'set_hash_invalid',
      'csum_level',
    ],
  ],
  [['sched_cls', 'sched_act', 'sk_skb'], ['skb_adjust_room']],
  [
    ['sched_cls', 'sched_act', 'xdp'],
    [
      'fib_lookup',
      'tcp_check_syncookie',
      'tcp_gen_syncookie',
      'check_mtu',
      'tcp_raw_gen_syncookie_ipv4',
      'tcp_raw_gen_syncookie_ipv6',
      'tcp_raw_check_syncookie_ipv4',
      'tcp_raw_check_syncookie_ipv6',
    ],
  ],
  [
    ['sched_cls', 'sched_act', 'cgroup_skb'],
    ['skb_cgroup_id', 'skb_ancestor_cgroup_id', 'sk_fullsock', 'skb_ecn_set_ce', 'get_listener_sock'],
  ],
  [['sched_cls', 'sched_act', 'sk_lookup'], ['sk_assign']],
  [['xdp', 'tracing', 'syscall'], ['xdp_get_buff_len']],
  [
    ['sched_cls', 'sched_act'],
    [
      'skb_vlan_push',
      'skb_vlan_pop',
      'skb_change_proto',
      'skb_change_type',
      'set_hash',
      'skb_get_xfrm_state',
      'skb_cgroup_classid',
      'redirect_neigh',
      'redirect_peer',
      'skb_set_tstamp',
    ],
  ],
  [['lwt_in', 'lwt_xmit'], ['lwt_push_encap']],
  [
    ['tracing', 'syscall'],
    ['skb_output', 'xdp_output', 'sock_from_file'],
  ],
  [['tracing', 'lsm'], ['d_path']],
  [
    ['xdp'],
    ['xdp_adjust_head', 'redirect_map', 'xdp_adjust_meta', 'xdp_adjust_tail', 'xdp_load_bytes', 'xdp_store_bytes'],
  ],
  [['sk_skb'], ['sk_redirect_map', 'sk_redirect_hash']],
  [
    ['sock_ops'],
    [
      'sock_map_update',
      'sock_ops_cb_flags_set',
      'sock_hash_update',
      'load_hdr_opt',
      'store_hdr_opt',
      'reserve_hdr_opt',
    ],
  ],
  [['perf_event'], ['perf_prog_read_value', 'read_branch_records']],
  [['kprobe'], ['override_return']],
  [
    ['sk_msg'],
    [
      'msg_redirect_map',
      'msg_apply_bytes',
      'msg_cork_bytes',
      'msg_pull_data',
      'msg_redirect_hash',
      'msg_push_data',
      'msg_pop_data',
    ],
  ],
  [['cgroup_sock_addr'], ['bind']],
  [['lwt_seg6local'], ['lwt_seg6_store_bytes', 'lwt_seg6_adjust_srh', 'lwt_seg6_action']],
  [['lirc_mode2'], ['rc_repeat', 'rc_keydown', 'rc_pointer_rel']],
  [['sk_reuseport'], ['sk_select_reuseport']],
  [['cgroup_sysctl'], ['sysctl_get_name', 'sysctl_get_current_value', 'sysctl_get_new_value', 'sysctl_set_new_value']],
  [['struct_ops'], ['tcp_send_ack']],
  [['tracing'], ['seq_printf', 'seq_write', 'seq_printf_btf', 'get_func_arg', 'get_func_ret', 'get_func_arg_cnt']],
  [['cgroup_skb'], ['sk_cgroup_id', 'sk_ancestor_cgroup_id']],
  [['lsm'], ['inode_storage_get', 'inode_storage_delete', 'bprm_opts_set', 'ima_inode_hash', 'ima_file_hash']],
  [['syscall'], ['sys_bpf', 'btf_find_by_name_kind', 'sys_close', 'kallsyms_lookup_name']],
];

const typesOf = new Map<HelperName, ReadonlySet<ProgramType>>(
  rows.flatMap(([types, helpers]) => {
    const set = new Set(types);
    return helpers.map((helper) => [helper, set] as const);
  }),
);

/** Helpers of one attach type of tracing programs only (kernel/trace/bpf_trace.c: tracing_prog_func_proto). */
export const onlyFor: Readonly<Partial<Record<HelperName, readonly AttachType[]>>> = {
  seq_printf: ['trace_iter'],
  seq_write: ['trace_iter'],
  seq_printf_btf: ['trace_iter'],
  get_func_arg: ['trace_fentry', 'trace_fexit', 'modify_return'],
  get_func_arg_cnt: ['trace_fentry', 'trace_fexit', 'modify_return'],
  get_func_ret: ['trace_fentry', 'trace_fexit', 'modify_return'],
};

/**
 * Whether a program of that type may call the helper on 6.18.
 * @param attach its expected attach type's number, which tells tracing programs apart; any when absent
 */
export function helperAllowed(helper: HelperName, type: ProgramType, attach?: number): boolean {
  const only = type === 'tracing' && attach !== undefined ? onlyFor[helper] : undefined;
  if (only && !only.some((name) => attachTypes[name] === attach)) return false;
  return typesOf.get(helper)?.has(type) ?? false;
}

/** The program types that may call a helper, in the order of their numbers. */
export function typesCalling(helper: HelperName): readonly ProgramType[] {
  return [...(typesOf.get(helper) ?? [])];
}

/** The helpers that a program of that type may call, in the order of the rows. */
export function helpersFor(type: ProgramType): readonly HelperName[] {
  return [...typesOf].flatMap(([helper, types]) => (types.has(type) ? [helper] : []));
}
