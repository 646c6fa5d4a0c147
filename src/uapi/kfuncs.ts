import type { ProgramType } from './types.ts';

/**
 * The kernel's own functions that programs may call on 6.18 (kfuncs): flags (include/linux/btf.h: KF_*) and the program
 * types whose set they stand in. Their prototypes are the kernel's BTF. Which types may call which was asked of the
 * running kernel; for the types that its configuration lacks (LSM, struct_ops) it is as the sets of
 * kernel/bpf/helpers.c and their neighbours say. One row a set; longer than other files because it is a table.
 */
const kfuncFlags = [
  'acquire',
  'release',
  'retNull',
  'trustedArgs',
  'rcu',
  'rcuProtected',
  'sleepable',
  'destructive',
  'iterNew',
  'iterNext',
  'iterDestroy',
] as const;
export type KfuncFlag = (typeof kfuncFlags)[number];

export interface KfuncInfo {
  readonly name: string;
  readonly flags: ReadonlySet<KfuncFlag>;
}

const generic: readonly ProgramType[] = [
  'sched_cls',
  'tracepoint',
  'xdp',
  'perf_event',
  'cgroup_skb',
  'cgroup_sock',
  'sock_ops',
  'cgroup_device',
  'cgroup_sock_addr',
  'cgroup_sysctl',
  'cgroup_sockopt',
  'tracing',
  'struct_ops',
  'lsm',
  'syscall',
];
const tracing: readonly ProgramType[] = ['tracepoint', 'perf_event', 'tracing', 'lsm'];
const socketBuffers: readonly ProgramType[] = [
  'socket_filter',
  'sched_cls',
  'sched_act',
  'tracepoint',
  'perf_event',
  'cgroup_skb',
  'cgroup_sock',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
  'sock_ops',
  'sk_skb',
  'cgroup_device',
  'cgroup_sock_addr',
  'lwt_seg6local',
  'cgroup_sysctl',
  'cgroup_sockopt',
  'tracing',
  'lsm',
  'netfilter',
];
const cgroup: readonly ProgramType[] = [
  'cgroup_skb',
  'cgroup_sock',
  'sock_ops',
  'cgroup_device',
  'cgroup_sock_addr',
  'cgroup_sysctl',
  'cgroup_sockopt',
];

/** `name flag flag` a line; no types means every type. */
interface KfuncSet {
  readonly types?: readonly ProgramType[];
  readonly rows: string;
}

const sets: readonly KfuncSet[] = [
  {
    rows: `
bpf_cast_to_kern_ctx
bpf_rdonly_cast
bpf_rcu_read_lock
bpf_rcu_read_unlock
bpf_dynptr_slice retNull
bpf_dynptr_slice_rdwr retNull
bpf_iter_num_new iterNew
bpf_iter_num_next iterNext retNull
bpf_iter_num_destroy iterDestroy
bpf_iter_task_vma_new iterNew rcu
bpf_iter_task_vma_next iterNext retNull
bpf_iter_task_vma_destroy iterDestroy
bpf_iter_css_task_new iterNew trustedArgs
bpf_iter_css_task_next iterNext retNull
bpf_iter_css_task_destroy iterDestroy
bpf_iter_css_new iterNew trustedArgs rcuProtected
bpf_iter_css_next iterNext retNull
bpf_iter_css_destroy iterDestroy
bpf_iter_task_new iterNew trustedArgs rcuProtected
bpf_iter_task_next iterNext retNull
bpf_iter_task_destroy iterDestroy
bpf_iter_bits_new iterNew
bpf_iter_bits_next iterNext retNull
bpf_iter_bits_destroy iterDestroy
bpf_iter_kmem_cache_new iterNew sleepable
bpf_iter_kmem_cache_next iterNext retNull sleepable
bpf_iter_kmem_cache_destroy iterDestroy sleepable
bpf_iter_dmabuf_new iterNew sleepable
bpf_iter_dmabuf_next iterNext retNull sleepable
bpf_iter_dmabuf_destroy iterDestroy sleepable
bpf_dynptr_adjust
bpf_dynptr_is_null
bpf_dynptr_is_rdonly
bpf_dynptr_size
bpf_dynptr_clone
bpf_dynptr_copy
bpf_dynptr_memset
bpf_modify_return_test_tp
bpf_wq_init
bpf_wq_set_callback_impl
bpf_wq_start
bpf_preempt_disable
bpf_preempt_enable
bpf_copy_from_user_str sleepable
bpf_copy_from_user_task_str sleepable
bpf_get_kmem_cache
bpf_local_irq_save
bpf_local_irq_restore
bpf_res_spin_lock retNull
bpf_res_spin_unlock
bpf_res_spin_lock_irqsave retNull
bpf_res_spin_unlock_irqrestore
bpf_probe_read_user_dynptr
bpf_probe_read_kernel_dynptr
bpf_probe_read_user_str_dynptr
bpf_probe_read_kernel_str_dynptr
bpf_copy_from_user_dynptr sleepable
bpf_copy_from_user_str_dynptr sleepable
bpf_copy_from_user_task_dynptr sleepable trustedArgs
bpf_copy_from_user_task_str_dynptr sleepable trustedArgs
__bpf_trap
bpf_strcmp
bpf_strcasecmp
bpf_strchr
bpf_strchrnul
bpf_strnchr
bpf_strrchr
bpf_strlen
bpf_strnlen
bpf_strspn
bpf_strcspn
bpf_strstr
bpf_strnstr
bpf_stream_vprintk_impl trustedArgs
bpf_task_work_schedule_signal_impl trustedArgs
bpf_task_work_schedule_resume_impl trustedArgs
bpf_cgroup_read_xattr rcu
bpf_map_sum_elem_count trustedArgs
bpf_arena_alloc_pages trustedArgs sleepable
bpf_arena_free_pages trustedArgs sleepable
bpf_arena_reserve_pages trustedArgs sleepable
bpf_xdp_metadata_rx_hash trustedArgs
bpf_xdp_metadata_rx_timestamp trustedArgs
bpf_xdp_metadata_rx_vlan_tag trustedArgs`,
  },
  {
    types: generic,
    rows: `
bpf_obj_new_impl acquire retNull
bpf_percpu_obj_new_impl acquire retNull
bpf_obj_drop_impl release
bpf_percpu_obj_drop_impl release
bpf_refcount_acquire_impl acquire retNull rcu
bpf_list_push_front_impl
bpf_list_push_back_impl
bpf_list_pop_front acquire retNull
bpf_list_pop_back acquire retNull
bpf_list_front retNull
bpf_list_back retNull
bpf_task_acquire acquire rcu retNull
bpf_task_release release
bpf_rbtree_remove acquire retNull
bpf_rbtree_add_impl
bpf_rbtree_first retNull
bpf_rbtree_root retNull
bpf_rbtree_left retNull
bpf_rbtree_right retNull
bpf_cgroup_acquire acquire rcu retNull
bpf_cgroup_release release
bpf_cgroup_ancestor acquire rcu retNull
bpf_cgroup_from_id acquire retNull
bpf_task_under_cgroup rcu
bpf_task_get_cgroup1 acquire rcu retNull
bpf_task_from_pid acquire retNull
bpf_task_from_vpid acquire retNull
bpf_throw
bpf_send_signal_task trustedArgs
bpf_lookup_user_key acquire retNull sleepable
bpf_lookup_system_key acquire retNull
bpf_key_put release`,
  },
  {
    types: [...tracing, 'struct_ops', 'syscall'],
    rows: `
bpf_cpumask_create acquire retNull
bpf_cpumask_release release
bpf_cpumask_acquire acquire trustedArgs
bpf_cpumask_first rcu
bpf_cpumask_first_zero rcu
bpf_cpumask_first_and rcu
bpf_cpumask_set_cpu rcu
bpf_cpumask_clear_cpu rcu
bpf_cpumask_test_cpu rcu
bpf_cpumask_test_and_set_cpu rcu
bpf_cpumask_test_and_clear_cpu rcu
bpf_cpumask_setall rcu
bpf_cpumask_clear rcu
bpf_cpumask_and rcu
bpf_cpumask_or rcu
bpf_cpumask_xor rcu
bpf_cpumask_equal rcu
bpf_cpumask_intersects rcu
bpf_cpumask_subset rcu
bpf_cpumask_empty rcu
bpf_cpumask_full rcu
bpf_cpumask_copy rcu
bpf_cpumask_any_distribute rcu
bpf_cpumask_any_and_distribute rcu
bpf_cpumask_weight rcu
bpf_cpumask_populate rcu`,
  },
  { types: tracing, rows: 'css_rstat_updated\ncss_rstat_flush sleepable' },
  { types: socketBuffers, rows: 'bpf_dynptr_from_skb trustedArgs' },
  { types: ['sched_cls', 'sched_act'], rows: 'bpf_dynptr_from_skb_meta trustedArgs' },
  {
    types: ['xdp'],
    rows: 'bpf_dynptr_from_xdp\nbpf_xdp_pull_data\nbpf_xdp_get_xfrm_state acquire retNull\nbpf_xdp_xfrm_state_release release',
  },
  { types: ['sched_cls'], rows: 'bpf_sk_assign_tcp_reqsk trustedArgs' },
  {
    types: ['xdp', 'sched_cls'],
    rows: `
bpf_xdp_ct_alloc acquire retNull
bpf_xdp_ct_lookup acquire retNull
bpf_skb_ct_alloc acquire retNull
bpf_skb_ct_lookup acquire retNull
bpf_ct_insert_entry acquire retNull release
bpf_ct_release release
bpf_ct_set_timeout trustedArgs
bpf_ct_change_timeout trustedArgs
bpf_ct_set_status trustedArgs
bpf_ct_change_status trustedArgs
bpf_ct_set_nat_info trustedArgs`,
  },
  { types: cgroup, rows: 'bpf_sock_addr_set_sun_path\nbpf_sock_ops_enable_tx_tstamp trustedArgs' },
  {
    types: ['syscall'],
    rows: 'bpf_crypto_ctx_create acquire retNull sleepable\nbpf_crypto_ctx_release release\nbpf_crypto_ctx_acquire acquire rcu retNull',
  },
  { types: ['sched_cls', 'sched_act', 'xdp'], rows: 'bpf_crypto_decrypt rcu\nbpf_crypto_encrypt rcu' },
  {
    types: ['lsm'],
    rows: `
bpf_get_task_exe_file acquire trustedArgs retNull
bpf_put_file release
bpf_path_d_path trustedArgs
bpf_get_dentry_xattr sleepable trustedArgs
bpf_get_file_xattr sleepable trustedArgs
bpf_set_dentry_xattr sleepable trustedArgs
bpf_remove_dentry_xattr sleepable trustedArgs`,
  },
  { types: ['kprobe'], rows: 'bpf_session_is_return\nbpf_session_cookie' },
];

interface Row extends KfuncInfo {
  readonly types: ReadonlySet<ProgramType> | undefined;
}

const byName = new Map<string, Row>(
  sets.flatMap(({ types, rows }) => {
    const allowed = types && new Set(types);
    return rows
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', ...flags] = line.split(' ');
        return [name, { name, flags: new Set(flags as KfuncFlag[]), types: allowed }] as const;
      });
  }),
);

/** What is known of a kernel function; undefined when no program may call it. */
export function kfuncByName(name: string): KfuncInfo | undefined {
  return byName.get(name);
}

/** Whether a program of that type may call the kernel function. */
export function kfuncAllowed(name: string, type: ProgramType): boolean {
  const row = byName.get(name);
  return row !== undefined && (row.types?.has(type) ?? true);
}
