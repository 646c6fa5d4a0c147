import { type HelperName, type MapType, mapFlags, mapTypes } from '../uapi/index.ts';
import type { Environment } from './environment.ts';
import { type MapShape, programFlagsOf } from './program.ts';

/** Which kinds of maps go into which helpers (kernel/bpf/verifier.c: check_map_func_compatibility). */
const takers: Readonly<Partial<Record<HelperName, readonly MapType[]>>> = {
  tail_call: ['prog_array'],
  perf_event_output: ['perf_event_array'],
  skb_output: ['perf_event_array'],
  xdp_output: ['perf_event_array'],
  perf_event_read: ['perf_event_array'],
  perf_event_read_value: ['perf_event_array'],
  get_stackid: ['stack_trace'],
  get_local_storage: ['cgroup_storage', 'percpu_cgroup_storage'],
  sk_storage_get: ['sk_storage'],
  sk_storage_delete: ['sk_storage'],
  inode_storage_get: ['inode_storage'],
  inode_storage_delete: ['inode_storage'],
  task_storage_get: ['task_storage'],
  task_storage_delete: ['task_storage'],
  cgrp_storage_get: ['cgrp_storage'],
  cgrp_storage_delete: ['cgrp_storage'],
  ringbuf_output: ['ringbuf'],
  ringbuf_reserve: ['ringbuf'],
  ringbuf_query: ['ringbuf'],
  ringbuf_reserve_dynptr: ['ringbuf'],
  user_ringbuf_drain: ['user_ringbuf'],
  sk_select_reuseport: ['reuseport_sockarray', 'sockmap', 'sockhash'],
  redirect_map: ['devmap', 'devmap_hash', 'cpumap', 'xskmap'],
  sk_redirect_map: ['sockmap'],
  msg_redirect_map: ['sockmap'],
  sock_map_update: ['sockmap'],
  sk_redirect_hash: ['sockhash'],
  msg_redirect_hash: ['sockhash'],
  sock_hash_update: ['sockhash'],
  map_push_elem: ['queue', 'stack', 'bloom_filter'],
  map_pop_elem: ['queue', 'stack'],
  map_peek_elem: ['queue', 'stack', 'bloom_filter'],
  skb_under_cgroup: ['cgroup_array'],
  current_task_under_cgroup: ['cgroup_array'],
  map_lookup_percpu_elem: ['percpu_array', 'percpu_hash', 'lru_percpu_hash'],
};

/** Maps that only these helpers take. */
const elementHelpers: readonly HelperName[] = ['map_lookup_elem', 'map_update_elem', 'map_delete_elem'];
const onlyIn: Readonly<Partial<Record<MapType, readonly HelperName[]>>> = {
  prog_array: ['tail_call'],
  perf_event_array: ['perf_event_read', 'perf_event_output', 'skb_output', 'perf_event_read_value', 'xdp_output'],
  ringbuf: ['ringbuf_output', 'ringbuf_reserve', 'ringbuf_reserve_dynptr', 'ringbuf_query'],
  user_ringbuf: ['user_ringbuf_drain'],
  stack_trace: ['get_stackid'],
  cgroup_array: ['skb_under_cgroup', 'current_task_under_cgroup'],
  cgroup_storage: ['get_local_storage'],
  percpu_cgroup_storage: ['get_local_storage'],
  devmap: ['redirect_map', 'map_lookup_elem'],
  devmap_hash: ['redirect_map', 'map_lookup_elem'],
  cpumap: ['redirect_map'],
  xskmap: ['redirect_map', 'map_lookup_elem'],
  array_of_maps: ['map_lookup_elem'],
  hash_of_maps: ['map_lookup_elem'],
  sockmap: ['sk_redirect_map', 'sock_map_update', 'msg_redirect_map', 'sk_select_reuseport', ...elementHelpers],
  sockhash: ['sk_redirect_hash', 'sock_hash_update', 'msg_redirect_hash', 'sk_select_reuseport', ...elementHelpers],
  reuseport_sockarray: ['sk_select_reuseport'],
  queue: ['map_peek_elem', 'map_pop_elem', 'map_push_elem'],
  stack: ['map_peek_elem', 'map_pop_elem', 'map_push_elem'],
  bloom_filter: ['map_peek_elem', 'map_push_elem'],
  sk_storage: ['sk_storage_get', 'sk_storage_delete', 'kptr_xchg'],
  inode_storage: ['inode_storage_get', 'inode_storage_delete', 'kptr_xchg'],
  task_storage: ['task_storage_get', 'task_storage_delete', 'kptr_xchg'],
  cgrp_storage: ['cgrp_storage_get', 'cgrp_storage_delete', 'kptr_xchg'],
  struct_ops: [],
};

/** Program types whose update of a sockmap is known to be safe (may_update_sockmap). */
const sockmapUpdaters: ReadonlySet<string> = new Set([
  'socket_filter',
  'sched_cls',
  'sched_act',
  'xdp',
  'sk_reuseport',
  'flow_dissector',
  'sk_lookup',
]);

export function checkMapOfHelper(env: Environment, name: HelperName, shape: MapShape | undefined, shown: string): void {
  if (!shape) return;
  const wanted = takers[name];
  const only = onlyIn[shape.type];
  const isSockmap = shape.type === 'sockmap' || shape.type === 'sockhash';
  const { type } = env.program;
  const isUpdate =
    name === 'map_update_elem' && !(type === 'sock_ops' || (type === 'tracing' && env.program.attachType === 28));
  const unsafe =
    isSockmap && (isUpdate || (name === 'map_delete_elem' && type !== 'sock_ops')) && !sockmapUpdaters.has(type);
  if ((only && !only.includes(name)) || (wanted && !wanted.includes(shape.type)) || unsafe) {
    env.fail('EINVAL', `cannot pass map_type ${mapTypes[shape.type]} into func ${shown}`);
  }
}

/** A map that is read-only or write-only for programs (record_func_map). */
export function checkMapMode(env: Environment, name: HelperName, shape: MapShape | undefined): void {
  if (!shape || !mapModeHelpers.has(name)) return;
  if (programFlagsOf(shape) & mapFlags.readOnlyProgram && !/^map_(lookup|peek)/.test(name))
    env.fail('EACCES', 'write into map forbidden');
}

const mapModeHelpers: ReadonlySet<HelperName> = new Set([
  'map_update_elem',
  'map_delete_elem',
  'map_push_elem',
  'map_pop_elem',
] as const);
