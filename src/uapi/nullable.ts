/**
 * Arguments of tracepoints that may be NULL although their type does not say so (kernel/bpf/btf.c: raw_tp_null_args),
 * counted from 0, and what an iterator's program gets in its context (the ctx_arg_info of each target); both as the
 * running 6.18 answered for every tracepoint and iterator that it has.
 */
const nullable: Readonly<Record<number, string>> = {
  0: `mm_collapse_huge_page_isolate mm_page_alloc mm_page_alloc_zone_locked mm_page_pcpu_drain tcp_send_reset
    tmigr_update_events xfs_blockgc_flush_all xfs_blockgc_start xfs_blockgc_stop xfs_blockgc_worker xfs_defer_add_item
    xfs_defer_cancel_item xfs_defer_cancel_list xfs_defer_create_intent xfs_defer_finish_item xfs_defer_isolate_paused
    xfs_defer_item_pause xfs_defer_item_unpause xfs_defer_pending_abort xfs_defer_pending_finish xfs_defer_relog_intent
    xfs_fs_sync_fs xfs_inodegc_flush xfs_inodegc_push xfs_inodegc_queue xfs_inodegc_start xfs_inodegc_stop
    xfs_inodegc_throttle`,
  1: `break_lease_block break_lease_noblock break_lease_unblock ext4_mballoc_discard ext4_mballoc_free fcntl_setlk
    flock_lock_inode folio_wait_writeback generic_delete_lease hugetlbfs_alloc_inode locks_remove_posix
    mm_khugepaged_collapse_file mm_khugepaged_scan_file mm_khugepaged_scan_pmd posix_lock_inode sched_pi_setprio
    tcp_send_reset time_out_leases writeback_dirty_folio xfs_blockgc_free_space xfs_ioc_free_eofblocks`,
  2: `fib_table_lookup sched_stick_numa sched_swap_numa tcp_sendmsg_locked xfs_btree_overlapped_query_range
    xfs_btree_updkeys`,
  3: 'kfree_skb qdisc_dequeue',
  4: 'xfs_map_blocks_alloc xfs_map_blocks_found',
};

const nullableOf = new Map<number, ReadonlySet<string>>(
  Object.entries(nullable).map(([argument, names]) => [Number(argument), new Set(names.split(/\s+/))]),
);

/** Whether that argument of a tracepoint may be NULL. */
export function tracepointMayGiveNull(tracepoint: string, argument: number): boolean {
  return nullableOf.get(argument)?.has(tracepoint) ?? false;
}

/** `ptr` may be stale; `trusted` is good while the program runs; `buffer` and `rdonlyBuffer` are bytes. All may be NULL. */
export type IteratorArgument = 'ptr' | 'trusted' | 'buffer' | 'rdonlyBuffer';

/** By target and argument; what is absent is never NULL. */
export const iteratorArguments: Readonly<Record<string, Readonly<Record<number, IteratorArgument>>>> = {
  bpf_link: { 1: 'ptr' },
  bpf_map: { 1: 'trusted' },
  bpf_map_elem: { 2: 'rdonlyBuffer', 3: 'buffer' },
  bpf_prog: { 1: 'ptr' },
  bpf_sk_storage_map: { 2: 'ptr', 3: 'buffer' },
  cgroup: { 1: 'trusted' },
  dmabuf: { 1: 'ptr' },
  ipv6_route: { 1: 'ptr' },
  kmem_cache: { 1: 'trusted' },
  ksym: { 1: 'ptr' },
  netlink: { 1: 'ptr' },
  sockmap: { 2: 'rdonlyBuffer', 3: 'ptr' },
  task: { 1: 'trusted' },
  task_file: { 1: 'ptr', 3: 'ptr' },
  task_vma: { 1: 'ptr', 2: 'ptr' },
  tcp: { 1: 'trusted' },
  udp: { 1: 'trusted' },
  unix: { 1: 'ptr' },
};
