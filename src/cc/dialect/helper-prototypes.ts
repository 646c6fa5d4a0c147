import type { HelperName } from '../../uapi/index.ts';
import { type CType, pointerTo, types } from '../types/types.ts';

/**
 * How helpers are declared for C, a letter for the result and one for each argument; helpers that are not listed give
 * an int and take their arguments as 64-bit values. The last column says what a call may write to.
 *
 *   v void · p void * · i int · u u32 · l s64 · q u64 · . any more
 */
const prototypes: Partial<Readonly<Record<HelperName, readonly [signature: string, writes?: readonly number[]]>>> = {
  map_lookup_elem: ['ppp', []],
  map_update_elem: ['ipppq', []],
  map_delete_elem: ['ipp', []],
  map_push_elem: ['ippq', []],
  map_pop_elem: ['ipp', [1]],
  map_peek_elem: ['ipp', [1]],
  map_lookup_percpu_elem: ['pppu', []],
  probe_read: ['ipup', [0]],
  probe_read_str: ['ipup', [0]],
  probe_read_user: ['ipup', [0]],
  probe_read_user_str: ['ipup', [0]],
  probe_read_kernel: ['ipup', [0]],
  probe_read_kernel_str: ['ipup', [0]],
  probe_write_user: ['ippu', []],
  ktime_get_ns: ['q', []],
  ktime_get_boot_ns: ['q', []],
  ktime_get_coarse_ns: ['q', []],
  ktime_get_tai_ns: ['q', []],
  jiffies64: ['q', []],
  trace_printk: ['ipu.', []],
  get_prandom_u32: ['u', []],
  get_smp_processor_id: ['u', []],
  get_numa_node_id: ['i', []],
  get_current_pid_tgid: ['q', []],
  get_current_uid_gid: ['q', []],
  get_current_comm: ['ipi', [0]],
  get_current_task: ['q', []],
  get_current_task_btf: ['p', []],
  get_current_cgroup_id: ['q', []],
  get_current_ancestor_cgroup_id: ['qi', []],
  get_cgroup_classid: ['up', []],
  get_ns_current_pid_tgid: ['iqqpu', [2]],
  perf_event_read: ['qpq', []],
  perf_event_read_value: ['ipqpu', [2]],
  perf_event_output: ['ippqpq', []],
  perf_prog_read_value: ['ippu', [1]],
  skb_output: ['ippqpq', []],
  xdp_output: ['ippqpq', []],
  get_stackid: ['ippq', []],
  get_stack: ['ippuq', [1]],
  get_task_stack: ['lppuq', [1]],
  tail_call: ['vppu', []],
  redirect: ['iiu', []],
  redirect_map: ['ipqq', []],
  clone_redirect: ['ipiu', []],
  csum_diff: ['lpupuu', []],
  skb_load_bytes: ['ipupu', [2]],
  skb_store_bytes: ['ipupuq', []],
  override_return: ['ipq', []],
  current_task_under_cgroup: ['ipu', []],
  get_socket_cookie: ['qp', []],
  get_socket_uid: ['up', []],
  get_netns_cookie: ['qp', []],
  get_hash_recalc: ['up', []],
  get_func_ip: ['qp', []],
  get_attach_cookie: ['qp', []],
  sk_storage_get: ['ppppq', []],
  sk_storage_delete: ['ipp', []],
  task_storage_get: ['ppppq', []],
  task_storage_delete: ['ipp', []],
  inode_storage_get: ['ppppq', []],
  inode_storage_delete: ['ipp', []],
  get_local_storage: ['ppq', []],
  ringbuf_output: ['ippqq', []],
  ringbuf_reserve: ['ppqq', []],
  ringbuf_submit: ['vpq', []],
  ringbuf_discard: ['vpq', []],
  ringbuf_query: ['qpq', []],
  send_signal: ['iu', []],
  send_signal_thread: ['iu', []],
  sk_fullsock: ['pp', []],
  tcp_sock: ['pp', []],
  get_listener_sock: ['pp', []],
  per_cpu_ptr: ['ppu', []],
  this_cpu_ptr: ['pp', []],
  snprintf: ['lpupu', [0]],
  strtol: ['lpuqp', [3]],
  strtoul: ['lpuqp', [3]],
  d_path: ['lppu', [1]],
  copy_from_user: ['lpup', [0]],
  task_pt_regs: ['lp', []],
  strncmp: ['lpup', []],
  loop: ['luppq'],
};

const letters: Readonly<Record<string, CType>> = {
  v: types.void,
  p: pointerTo(types.void),
  i: types.int,
  u: types.uint,
  l: types.llong,
  q: types.ullong,
};

export interface HelperPrototype {
  readonly returns: CType;
  /** Undefined: arguments are taken as they come. */
  readonly parameters: readonly CType[] | undefined;
  readonly variadic: boolean;
  /** The arguments whose memory the call writes; undefined when nobody knows. */
  readonly writes: readonly number[] | undefined;
}

export function helperPrototype(name: HelperName): HelperPrototype {
  const row = prototypes[name];
  if (!row) return { returns: types.int, parameters: undefined, variadic: false, writes: undefined };
  const [signature, writes] = row;
  const variadic = signature.endsWith('.');
  const letter = (one: string): CType => letters[one] as CType;
  const parameters = [...signature.slice(1)].filter((one) => one !== '.').map(letter);
  return { returns: letter(signature[0] as string), parameters, variadic, writes };
}

/** Helpers whose result is a pointer that may be read directly. */
export const directResults: ReadonlySet<HelperName> = new Set<HelperName>([
  'map_lookup_elem',
  'map_lookup_percpu_elem',
  'ringbuf_reserve',
  'sk_storage_get',
  'task_storage_get',
  'inode_storage_get',
  'get_local_storage',
  'sk_fullsock',
  'tcp_sock',
  'get_listener_sock',
]);
