/**
 * What the sockets of a connection and of a listener have in common: an object that changes as net/ipv4/tcp.c changes
 * its struct sock, and what tracepoints tell of it.
 */
import { us } from '../base/index.ts';
import {
  type Address,
  type Arguments,
  type Changes,
  later,
  type NetDevice,
  parseAddress,
  type Sock,
  sock,
} from '../events/index.ts';
import { type TcpState, tcpStates } from '../uapi/index.ts';
import type { CallTree, Inside } from './call.ts';
import type { Context } from './context.ts';
import type { Script } from './script.ts';

/** Both ends: `local` is where the scenario's machine is. */
export interface TcpEnds {
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  /** Where segments come in; an Ethernet device `eth0` when absent. */
  readonly device?: NetDevice;
  /**
   * Whether segments cross the device as packets, both ways: it is then one of the scenario's devices, and what is
   * attached to it sees them. A segment that it takes away on its way in is not handled: nothing is read, nothing
   * acknowledged, no state changes. System calls return what their options say. Not when absent.
   */
  readonly onWire?: boolean;
  /** Inode number of the network namespace; the machine's own when absent. */
  readonly netNamespace?: number;
  /** CPU that handles what comes in; the one after that of the first caller when absent. */
  readonly softirqCpu?: number;
}

/** What handles a segment that comes in: the innermost function of TCP, then how it got there. */
const receivePath = [
  'tcp_v4_do_rcv+0xcb',
  'tcp_v4_rcv+0xd6b',
  'ip_protocol_deliver_rcu+0x32',
  'ip_local_deliver_finish+0x72',
  '__netif_receive_skb_one_core+0x8b',
  'process_backlog+0x83',
  '__napi_poll+0x2b',
  'net_rx_action+0x2e3',
  'handle_softirqs+0xd7',
] as const;
/** Addresses that the kernel has not set yet. */
export const zeros = { 2: new Uint8Array(4), 10: new Uint8Array(16) };

export function tcpSock(ends: TcpEnds, state: TcpState, known: boolean): Sock {
  const source = parseAddress(ends.local);
  const family = source.length === 16 ? 10 : 2;
  const made = sock({
    protocol: 'tcp',
    source: known ? source : zeros[family],
    sourcePort: known ? ends.localPort : 0,
    destination: known ? ends.remote : zeros[family],
    destinationPort: known ? ends.remotePort : 0,
    state: tcpStates[state],
  });
  return ends.netNamespace === undefined ? made : { ...made, netNamespace: ends.netNamespace };
}

/** `::ffff:10.0.0.1`, as tracepoints hold IPv4 addresses in their 16-byte fields. */
function mapped(address: Uint8Array): Uint8Array {
  if (address.length === 16) return address;
  const bytes = new Uint8Array(16);
  bytes.set([0xff, 0xff], 10);
  bytes.set(address, 12);
  return bytes;
}

export function addressFields({ family, saddr, daddr, sport, dport }: Sock): Arguments {
  const four = family === 2 ? { saddr, daddr } : {};
  return { sport, dport, family, ...four, saddr_v6: mapped(saddr), daddr_v6: mapped(daddr) };
}

/** What the sockets of a connection and of a listener have in common: an object that changes. */
export class TcpSocket {
  readonly script: Script;
  #sock: Sock;

  constructor(script: Script, made: Sock) {
    this.script = script;
    this.#sock = made;
  }

  /** Its struct sock as it is now. As an argument any form of it means the same address. */
  get sock(): Sock {
    return this.#sock;
  }

  /** The kernel writes into the socket: for a moment inside of a call. */
  change(changes: Changes<Sock>): Inside {
    return (inside) => {
      this.#sock = later(this.#sock, changes);
      return inside.change(this.#sock);
    };
  }

  /** A change of state where no tcp_set_state is called: sock:inet_sock_set_state, then the state. */
  store(state: TcpState, changes: Changes<Sock> = {}): Inside {
    return (inside) => {
      const before = this.#sock;
      this.#sock = later(before, { ...changes, state: tcpStates[state] });
      const fields = {
        skaddr: before,
        oldstate: before.state ?? 0,
        newstate: tcpStates[state],
        protocol: before.protocol,
        ...addressFields(before),
      };
      return [inside.tracepoint('sock:inet_sock_set_state', fields), inside.change(this.#sock)];
    };
  }

  /** tcp_set_state. */
  setState(context: Context, state: TcpState, changes: Changes<Sock> = {}): CallTree {
    const args = { sk: this.#sock, state: tcpStates[state] };
    return context.call('tcp_set_state', args, { takes: us(0.3) }, [this.store(state, changes)]);
  }
}

/** Where segments are handled on a CPU: its idle task. */
export function softirqOn(script: Script, cpu: number): Context {
  return script.on({ cpu, task: script.task({ pid: 0, comm: `swapper/${cpu}` }), stack: receivePath });
}
