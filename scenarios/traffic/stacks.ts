/**
 * The calls under which packets are dropped, innermost first, from the caller of the function that gives up. Those of
 * the IPv4 paths were recorded on 6.18; the IPv6 ones follow the same functions.
 */

/** A network card's interrupt on an idle CPU, up to the IP layer. */
const interrupt = [
  '__netif_receive_skb_one_core+0x8d',
  'process_backlog+0x83',
  '__napi_poll+0x31',
  'net_rx_action+0x13b',
  'handle_softirqs+0xcd',
  '__irq_exit_rcu+0x8e',
  'sysvec_apic_timer_interrupt+0x65',
  'asm_sysvec_apic_timer_interrupt+0x16',
  'pv_native_safe_halt+0xb',
  'default_idle+0x5',
  'do_idle+0x136',
  'cpu_startup_entry+0x25',
];

/** The softirq thread, when packets come faster than interrupts can take them. */
const ksoftirqd = [
  '__netif_receive_skb_one_core+0x8d',
  'process_backlog+0x83',
  '__napi_poll+0x31',
  'net_rx_action+0x13b',
  'handle_softirqs+0xcd',
  'run_ksoftirqd+0x2f',
  'smpboot_thread_fn+0xef',
  'kthread+0xf8',
  'ret_from_fork+0x151',
  'ret_from_fork_asm+0x1a',
];

const sendto = [
  'udp_sendmsg+0x9e6',
  '__sys_sendto+0x1c2',
  '__x64_sys_sendto+0x20',
  'do_syscall_64+0x71',
  'entry_SYSCALL_64_after_hwframe+0x76',
];

const deliver4 = ['ip_protocol_deliver_rcu+0xb3', 'ip_local_deliver_finish+0x81'];
const deliver6 = ['ip6_protocol_deliver_rcu+0x10c', 'ip6_input_finish+0x4a'];

/** How softirq work runs: on an idle CPU, or in ksoftirqd. */
export type Softirq = 'interrupt' | 'ksoftirqd';

function received(...inner: string[]): Readonly<Record<Softirq, readonly string[]>> {
  return { interrupt: [...inner, ...interrupt], ksoftirqd: [...inner, ...ksoftirqd] };
}

/** Received packets by how far they came. */
export const receiveStacks = {
  link: received(),
  ip: received('ip_rcv+0x2c'),
  route: received('ip_rcv+0x9a'),
  firewall: received('nft_do_chain_inet+0x43', 'nf_hook_slow+0x43', 'ip_local_deliver+0xd5'),
  transport4: received(...deliver4),
  transport6: received(...deliver6),
  udpSocket: received('udp_unicast_rcv_skb+0x76', '__udp4_lib_rcv+0x9c1', ...deliver4),
  tcpSocket: received('tcp_rcv_established+0x1cf', 'tcp_v4_do_rcv+0x15e', 'tcp_v4_rcv+0xd3b', ...deliver4),
} as const;

/** Sent packets by how far they came. */
export const sendStacks = {
  queue: ['ip_finish_output2+0x2c1', 'ip_output+0x5f', 'ip_send_skb+0x91', 'udp_send_skb+0x1a7', ...sendto],
  device: [
    'dev_hard_start_xmit+0x5f',
    '__dev_queue_xmit+0x924',
    'ip_finish_output2+0x2c1',
    'ip_output+0x5f',
    'ip_send_skb+0x91',
    'udp_send_skb+0x1a7',
    ...sendto,
  ],
  neighbour: [
    'neigh_timer_handler+0x2db',
    'call_timer_fn+0x29',
    '__run_timers+0x1dc',
    'run_timer_softirq+0x72',
    'handle_softirqs+0xcd',
    '__irq_exit_rcu+0x8e',
    'sysvec_apic_timer_interrupt+0x65',
    'asm_sysvec_apic_timer_interrupt+0x16',
  ],
} as const;
