/**
 * Where in the network stack a packet was given up, told by the functions on the stack: on the way in, on the way out
 * before or behind the device queue. With that, which header skb->data points at there (net/ipv4, net/core of 6.18).
 */
import type { DataStart, KernelStack } from '../events/index.ts';

/** `output`: on the way out, not yet at a device; `device`: behind its queue; `unknown`: the stack does not tell. */
export type DropPath = 'receive' | 'output' | 'device' | 'unknown';

const paths: readonly (readonly [DropPath, RegExp])[] = [
  [
    'receive',
    /^(__netif_receive_skb|netif_receive_skb|process_backlog|ip_rcv|ip6_rcv|ipv6_rcv|ip_list_rcv|ip_sublist_rcv|ip_local_deliver|ip6_input|ip_protocol_deliver_rcu|ip6_protocol_deliver_rcu|ip_forward|ip6_forward|ip_error|napi_|gro_|dev_gro_receive|net_rx_action|__napi_poll|tcp_v[46]_rcv|tcp_v[46]_do_rcv|__udp[46]_lib_rcv|udpv6_rcv|udp_rcv|udp_queue_rcv|udpv6_queue_rcv|icmp_rcv|icmpv6_rcv|arp_rcv|raw_local_deliver|br_handle_frame|veth_poll|veth_xdp_rcv)/,
  ],
  [
    'device',
    /^(__dev_queue_xmit|dev_hard_start_xmit|sch_direct_xmit|__qdisc_run|qdisc_|net_tx_action|validate_xmit_skb|veth_xmit|loopback_xmit|tun_net_xmit|dev_qdisc|__dev_direct_xmit|packet_xmit|packet_direct_xmit)/,
  ],
  [
    'output',
    /^(ip_output|ip6_output|ip_mc_output|ip_local_out|__ip_local_out|__ip6_local_out|ip6_local_out|ip_finish_output|__ip_finish_output|ip6_finish_output|__ip_queue_xmit|ip_queue_xmit|ip6_xmit|ip_send_skb|ip6_send_skb|ip_do_fragment|neigh_|__neigh_|arp_solicit|arp_error_report|ndisc_)/,
  ],
];

function functionOf(frame: string): string {
  return frame.replace(/[+ ].*$/, '');
}

/** The way that the innermost telling frame is on. */
export function dropPath(location: string, stack: KernelStack): DropPath {
  const from = stack.indexOf(location);
  const frames = from < 0 ? [location] : stack.slice(from);
  for (const frame of frames) {
    const name = functionOf(frame);
    const found = paths.find(([, pattern]) => pattern.test(name))?.[0];
    // A forwarded packet goes out on the stack that it came in on.
    if (found === 'output' && frames.some((one) => /^ip6?_forward\b/.test(functionOf(one)))) return 'receive';
    if (found) return found;
  }
  return 'unknown';
}

const payloadReasons: ReadonlySet<string> = new Set(['SOCKET_RCVBUFF', 'PROTO_MEM', 'SOCKET_BACKLOG']);

/** Reasons of packets that were received and then waited: for the rest of a datagram, or in a socket's queue. */
const heldReasons: ReadonlySet<string> = new Set([
  'FRAG_REASM_TIMEOUT',
  'FRAG_TOO_FAR',
  'DUP_FRAG',
  'QUEUE_PURGE',
  'SOCKET_CLOSE',
  'TCP_OFO_QUEUE_PRUNE',
]);

/** Functions that empty the receive queue of a socket that goes. They give no reason of their own. */
const emptiesQueue =
  /^(udp_destruct_common|udpv6_destruct_sock|inet_sock_destruct|packet_sock_destruct|unix_sock_destructor)\b/;

/** Whether a packet dropped there, for this reason, was held for some time after it was received. */
export function isHeld(reason: string | undefined, location: string): boolean {
  return (reason !== undefined && heldReasons.has(reason)) || emptiesQueue.test(functionOf(location));
}

/** Functions of the receive path that have pulled the network header off. */
const atTransport =
  /^(__udp[46]_lib_rcv|udp_rcv|udpv6_rcv|udp_queue_rcv|udpv6_queue_rcv|udp_unicast_rcv|__udp|tcp_v[46]_|tcp_rcv_|tcp_add_backlog|tcp_check_req|tcp_conn_request|icmp_rcv|icmpv6_rcv|igmp_rcv|ip_protocol_deliver_rcu|ip_local_deliver_finish|ip6_protocol_deliver_rcu|ip6_input_finish|sctp_rcv|raw_)/;

/** Functions that see only the payload of a segment. */
const atPayload = /^(tcp_data_queue|tcp_try_rmem|tcp_ofo_queue|tcp_prune)/;

/** The header at which skb->data points when a packet is dropped there; undefined when it cannot be told. */
export function dataStart(location: string, path: DropPath, reason: string | undefined): DataStart | undefined {
  const name = functionOf(location);
  switch (path) {
    case 'device':
      return 'mac';
    case 'output':
      return 'network';
    case 'receive':
      if (atPayload.test(name)) return 'payload';
      if (!atTransport.test(name)) return 'network';
      return /^(udp|__udp_enqueue)/.test(name) && reason !== undefined && payloadReasons.has(reason)
        ? 'payload'
        : 'transport';
    case 'unknown':
      if (!isHeld(reason, location)) return undefined;
      return /FRAG/.test(reason ?? '') ? 'transport' : 'payload';
  }
}

/** Whether IP has cut link padding off before this place: after ip_rcv_core and ip6_rcv_core. */
export function isTrimmed(location: string): boolean {
  return !/^(ip_rcv_core|ip6_rcv_core|__netif_receive_skb|veth_|__dev_queue_xmit)/.test(functionOf(location));
}
