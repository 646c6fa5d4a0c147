/**
 * A TCP connection as the kernel goes through it: connect or accept, data, loss, close, with the calls, tracepoints and
 * changes of its struct sock in the order of net/ipv4/tcp.c. Its socket is one kernel object that changes: addresses
 * and ports are zero until the kernel sets them, the state follows tcp_set_state, and byte counts grow. What a method
 * gives is worked out when it begins, so a course of steps may be put together before the first has happened.
 */
import { defer, merge, type Observable } from 'rxjs';
import { ms, type Nanoseconds, sec, us } from '../base/index.ts';
import {
  type Address,
  type Arguments,
  buildPacket,
  type Changes,
  type KernelEvent,
  later,
  type NetDevice,
  netDevice,
  parseAddress,
  type SkBuff,
  type Sock,
  skBuff,
  sock,
  type TcpFlag,
  tcpFlagBits,
} from '../events/index.ts';
import { type TcpState, tcpStates } from '../uapi/index.ts';
import type { CallTree, Inside, Nested } from './call.ts';
import type { Context } from './context.ts';
import type { Emission } from './generators.ts';
import { interrupt } from './interrupt.ts';
import type { Script } from './script.ts';
import { kernelAddress, userAddress } from './socket-address.ts';

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

export interface ConnectOptions {
  readonly fd?: number;
  /** Until the peer's answer is there, ns; 100 us when absent. */
  readonly answer?: Nanoseconds;
  /**
   * What connect(2) returns; 0 when absent. -111 ECONNREFUSED: the answer is a reset. -110 ETIMEDOUT: none comes, and
   * the SYN is sent again each time that its timer runs out. -101 ENETUNREACH, -113 EHOSTUNREACH: there is no route.
   * -115 EINPROGRESS: the caller does not wait.
   */
  readonly returns?: 0 | -101 | -110 | -111 | -113 | -115;
  /** How long parts of it take, ns: finding a route, a free port, building and sending the SYN. */
  readonly route?: Nanoseconds;
  readonly port?: Nanoseconds;
  readonly send?: Nanoseconds;
}

export interface SegmentOptions {
  readonly fd?: number;
  /** Until the peer has acknowledged it, ns; the round trip when absent. */
  readonly acknowledged?: Nanoseconds;
}

export interface ReceiveOptions {
  readonly fd?: number;
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
const timerPath = [
  'tcp_write_timer_handler+0x1b6',
  'tcp_write_timer+0x86',
  'call_timer_fn+0x27',
  'run_timer_softirq+0xf2',
  'handle_softirqs+0xd7',
] as const;
const ethernet = netDevice('eth0', 2);
const ownMac = '02:00:00:00:00:01';
const peerMac = '02:00:00:00:00:02';
/** Bytes that one segment carries: an MTU of 1500 less the headers with timestamps. */
const largestSegment = 1448;
const zeros = { 2: new Uint8Array(4), 10: new Uint8Array(16) };
/** Where the first ack of a connection stands. */
const firstSequence = 0x1000;
/** TCP_TIMEOUT_INIT, TCP_RTO_MIN */
const firstTimeout = sec(1);
const shortestTimeout = ms(200);

/** So many bytes in segments; one that is empty for none. */
function segmentSizes(bytes: number): number[] {
  const count = Math.max(1, Math.ceil(bytes / largestSegment));
  return Array.from({ length: count }, (_, index) => Math.min(largestSegment, bytes - index * largestSegment));
}

function tcpSock(ends: TcpEnds, state: TcpState, known: boolean): Sock {
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

function addressFields({ family, saddr, daddr, sport, dport }: Sock): Arguments {
  const four = family === 2 ? { saddr, daddr } : {};
  return { sport, dport, family, ...four, saddr_v6: mapped(saddr), daddr_v6: mapped(daddr) };
}

/** What the sockets of a connection and of a listener have in common: an object that changes. */
class TcpSocket {
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

export class TcpConnection extends TcpSocket {
  readonly ends: TcpEnds;
  /** The end that closes first goes through FIN_WAIT. */
  #peerClosed = false;
  #sent = 0;
  /** Bytes sent before the last segment, which is the one that is sent again. */
  #before = 0;
  #received = 0;
  /** ns, as measured by the handshake. */
  #roundTrip = us(100);
  #softirq: Context | undefined;

  /** @param made the socket that accept found; one for connect, still without addresses, when absent */
  constructor(script: Script, ends: TcpEnds, made = tcpSock(ends, 'CLOSE', false)) {
    super(script, made);
    this.ends = ends;
  }

  /** Bytes that the application wrote, and that were received. */
  get bytes(): { readonly sent: number; readonly received: number } {
    return { sent: this.#sent, received: this.#received };
  }

  /** Where segments of this connection are handled when they come in: the idle task of its CPU. */
  softirq(caller: Context): Context {
    this.#softirq ??= softirqOn(this.script, this.ends.softirqCpu ?? (caller.cpu + 1) % this.script.cpus);
    return this.#softirq;
  }

  /** A segment of this connection that comes in, as TCP has it in hand. */
  segment(flags: readonly TcpFlag[], payload: string | Uint8Array = ''): SkBuff {
    const { ends } = this;
    const packet = buildPacket({
      ethernet: { source: peerMac, destination: ends.device?.mac ?? ownMac },
      ...this.#network(ends.remote, ends.local),
      tcp: {
        sourcePort: ends.remotePort,
        destinationPort: ends.localPort,
        sequence: firstSequence + this.#received,
        acknowledgment: firstSequence + this.#sent,
        flags,
      },
      payload,
    });
    return skBuff({ data: packet, start: 'transport', dev: ends.device ?? ethernet, sk: this.sock });
  }

  /** The device that segments cross as packets, or undefined. */
  get #wire(): NetDevice | undefined {
    return this.ends.onWire ? (this.ends.device ?? ethernet) : undefined;
  }

  /** In a call: segments of so many bytes go out by the device. Nothing where the connection is not on the wire. */
  #goes(flags: readonly TcpFlag[], bytes = 0, sequence = this.#sent): Nested[] {
    const device = this.#wire;
    if (device === undefined) return [];
    const { ends } = this;
    return segmentSizes(bytes).map(
      (size, index): Inside =>
        (inside) =>
          inside.transmit(
            device,
            {
              ethernet: { source: device.mac ?? ownMac, destination: peerMac },
              ...this.#network(ends.local, ends.remote),
              tcp: {
                sourcePort: ends.localPort,
                destinationPort: ends.remotePort,
                sequence: firstSequence + sequence + index * largestSegment,
                acknowledgment: firstSequence + this.#received,
                flags,
              },
              payload: new Uint8Array(size),
            },
            { sk: this.sock },
          ),
    );
  }

  /** Segments come in by the device, one behind the other; what follows when it let them all through. */
  #comes(softirq: Context, segments: readonly SkBuff[], then: () => Emission): Observable<KernelEvent> {
    const { script } = this;
    const device = this.#wire as NetDevice;
    const [first, ...rest] = segments;
    if (first === undefined) return script.after(0, then);
    const { cpu, task } = softirq;
    const event = script.receive(device, first.data as Uint8Array, { cpu, task });
    return script.whenPassed(event, () => this.#comes(softirq, rest, then));
  }

  /** In `delay` ns a segment comes in: what handles it, unless the device's programs have taken it away. */
  handled(
    delay: Nanoseconds,
    softirq: Context,
    segment: () => SkBuff,
    make: (skb: SkBuff) => CallTree,
  ): Observable<KernelEvent> {
    const { script } = this;
    if (this.#wire === undefined) return interrupt(script, delay, () => make(segment()));
    return script.after(delay, () => {
      const skb = segment();
      return this.#comes(softirq, [skb], () => interrupt(script, 0, () => make(skb)));
    });
  }

  /** The peer's handshake with a listener, on the wire: its SYN, our answer, its ACK a round trip later. */
  opened(softirq: Context, listener: Sock, roundTrip: Nanoseconds, then: () => Emission): Observable<KernelEvent> {
    const { script } = this;
    return script.after(0, () =>
      this.#comes(softirq, [this.segment(['SYN'])], () =>
        script.sequence(
          softirq.call('tcp_rcv_state_process', { sk: listener }, { takes: us(4) }, this.#goes(['SYN', 'ACK'])),
          script.after(roundTrip, () => this.#comes(softirq, [this.segment(['ACK'])], then)),
        ),
      ),
    );
  }

  #network(source: Address, destination: Address) {
    const ipv6 = this.sock.family === 10;
    return ipv6 ? { ipv6: { source, destination } } : { ipv4: { source, destination } };
  }

  /** connect(2) of a socket of the caller's, and what comes back. */
  connect(context: Context, options: ConnectOptions = {}): Observable<KernelEvent> {
    const { answer = us(100), returns = 0, fd = 3 } = options;
    const { ends } = this;
    const target = { address: parseAddress(ends.remote), port: ends.remotePort };
    const uservaddr = userAddress(target);
    const uaddr = kernelAddress(target);
    const size = uservaddr.content.length;
    const start = this.#startConnect(context, uaddr, size, options);
    const waits = returns === -115 || returns === -101 || returns === -113 ? 0 : answer;
    const flags = returns === -115 ? 0x802 : 2;
    const stream = context.call(
      'inet_stream_connect',
      { uaddr, addr_len: size, flags },
      { takes: start.span + us(2) + waits, returns, after: us(1) },
      [start],
    );
    const socket = { object: 'struct', type: 'socket', fields: { type: 1, sk: this.sock } } as const;
    const asked = context.callKnown(
      'bpf_lsm_socket_connect',
      { sock: socket, address: uaddr, addrlen: size },
      { after: 0 },
    );
    const call = context.syscall('connect', { fd, uservaddr, addrlen: size }, { takes: stream.span + us(2), returns }, [
      ...asked,
      stream,
    ]);
    const began = us(1) + us(1) + start.span;
    if (returns === -101 || returns === -113) return call;
    return merge(call, this.#answered(context, began, answer, returns));
  }

  /** tcp_v4_connect or tcp_v6_connect: a route, a state, a port, a SYN. */
  #startConnect(context: Context, uaddr: Arguments[string], size: number, options: ConnectOptions): CallTree {
    const { ends, sock: sk } = this;
    const { route = us(4), port = us(9), send = us(28), returns = 0 } = options;
    const ipv6 = sk.family === 10;
    const name = ipv6 ? 'tcp_v6_connect' : 'tcp_v4_connect';
    const args = { sk, uaddr, addr_len: size };
    const routing = context.call(ipv6 ? 'ip6_dst_lookup_flow' : 'ip_route_output_key_hash', {}, { takes: route });
    if (returns === -101 || returns === -113) {
      return context.call(name, args, { takes: route + us(2), returns, after: us(1) }, [routing]);
    }
    const addresses = { saddr: parseAddress(ends.local), daddr: parseAddress(ends.remote), dport: ends.remotePort };
    const nested: Nested[] = [
      routing,
      this.change(addresses),
      this.setState(context, 'SYN_SENT'),
      ...context.callKnown('inet_hash_connect', { sk }, { takes: port }, [this.change({ sport: ends.localPort })]),
      context.call('tcp_connect', { sk }, { takes: send }, this.#goes(['SYN'])),
    ];
    const inner = nested.reduce((sum, one) => sum + ('span' in one ? one.span : 0), 0);
    return context.call(name, args, { takes: inner + us(6), after: us(1) }, nested);
  }

  /** What comes back `answer` ns after the SYN: a SYN-ACK, a reset, or nothing. */
  #answered(context: Context, began: Nanoseconds, answer: Nanoseconds, returns: number): Observable<KernelEvent> {
    const softirq = this.softirq(context);
    const { script } = this;
    const at = began + answer;
    if (returns === -110) {
      const again: Observable<KernelEvent>[] = [];
      for (let wait = firstTimeout, sum = wait; sum < answer; wait *= 2, sum += wait) {
        again.push(script.after(began + sum, () => this.retransmit(context)));
      }
      return merge(
        ...again,
        interrupt(script, at, () => this.setState(this.timer(context), 'CLOSE')),
      );
    }
    const refused = returns === -111;
    const segment = () => this.segment(refused ? ['RST', 'ACK'] : ['SYN', 'ACK']);
    return this.handled(at, softirq, segment, (skb) => {
      this.#roundTrip = answer;
      const inner = refused
        ? this.#reset(softirq)
        : [this.setState(softirq, 'ESTABLISHED', this.#measured(answer)), ...this.#goes(['ACK'])];
      return softirq.call('tcp_rcv_state_process', { sk: this.sock, skb }, { takes: us(12) }, inner);
    });
  }

  #measured(roundTrip: Nanoseconds): Changes<Sock> {
    // Of srtt_us the low three bits are a fraction.
    return { fields: { srtt_us: Math.round(roundTrip / 1000) * 8, snd_cwnd: 10 } };
  }

  #reset(softirq: Context): Nested[] {
    const { sock: sk } = this;
    const told: Inside = (inside) =>
      inside.tracepointKnown('tcp:tcp_receive_reset', { skaddr: sk, ...addressFields(this.sock) });
    return [...softirq.callKnown('tcp_reset', { sk }, { takes: us(3) }, [told, this.setState(softirq, 'CLOSE')])];
  }

  /** The application writes so many bytes, which go out at once and are acknowledged a round trip later. */
  send(context: Context, bytes: number, options: SegmentOptions = {}): Observable<KernelEvent> {
    return defer(() => this.#send(context, bytes, options));
  }

  #send(context: Context, bytes: number, options: SegmentOptions): Observable<KernelEvent> {
    const { fd = 3, acknowledged = this.#roundTrip } = options;
    const { sock: sk } = this;
    const softirq = this.softirq(context);
    this.#before = this.#sent;
    this.#sent += bytes;
    const counted = this.change({ fields: { bytes_sent: this.#sent } });
    const sending = context.call('tcp_sendmsg', { sk, size: bytes }, { takes: us(9), returns: bytes }, [
      counted,
      ...this.#goes(['ACK', 'PSH'], bytes, this.#before),
    ]);
    const buffer = { object: 'user', content: new Uint8Array(Math.min(bytes, 64)) } as const;
    const call = context.syscall('sendto', { fd, buff: buffer, len: bytes }, { takes: us(11), returns: bytes }, [
      sending,
    ]);
    const acked = this.#sent;
    const answer = this.handled(
      us(10) + acknowledged,
      softirq,
      () => this.segment(['ACK']),
      (skb) =>
        softirq.call('tcp_rcv_established', { sk, skb }, { takes: us(3) }, [
          this.change({ fields: { bytes_acked: acked } }),
        ]),
    );
    return merge(call, answer);
  }

  /** So many bytes come in, and the application reads them. */
  receive(context: Context, bytes: number, options: ReceiveOptions = {}): Observable<KernelEvent> {
    return defer(() => this.#receive(context, bytes, options));
  }

  #receive(context: Context, bytes: number, options: ReceiveOptions): Observable<KernelEvent> {
    if (this.#wire === undefined) return this.#read(context, bytes, options);
    const segments = segmentSizes(bytes).map((size) => this.segment(['ACK', 'PSH'], new Uint8Array(size)));
    return this.#comes(this.softirq(context), segments, () => this.#read(context, bytes, options));
  }

  /** The data is there: TCP handles it, and the application reads it. */
  #read(context: Context, bytes: number, options: ReceiveOptions): Observable<KernelEvent> {
    const { fd = 3 } = options;
    const { sock: sk, script } = this;
    const softirq = this.softirq(context);
    const payload = new Uint8Array(Math.min(bytes, largestSegment));
    const skb = this.segment(['ACK', 'PSH'], payload);
    this.#received += bytes;
    const counted = this.change({ fields: { bytes_received: this.#received } });
    const handled = interrupt(script, 0, () =>
      softirq.call('tcp_rcv_established', { sk, skb }, { takes: us(6) }, [counted, ...this.#goes(['ACK'])]),
    );
    const buffer = { object: 'user', content: payload.subarray(0, 64) } as const;
    const reading = context.call('tcp_recvmsg', { sk, len: bytes }, { takes: us(5), returns: bytes }, [
      context.call('tcp_cleanup_rbuf', { sk, copied: bytes }, { takes: us(0.4) }),
    ]);
    const call = context.syscall('recvfrom', { fd, ubuf: buffer, size: bytes }, { takes: us(7), returns: bytes }, [
      reading,
    ]);
    return script.sequence(handled, script.quiet(us(4)), call);
  }

  /**
   * A segment is sent again: its timer ran out, or it is the tail loss probe that asks early for an answer. Of an
   * endless loss the caller says how often.
   */
  retransmit(context: Context, kind: 'timeout' | 'probe' = 'timeout'): Observable<KernelEvent> {
    return interrupt(this.script, 0, () => this.#retransmission(context, kind));
  }

  #retransmission(context: Context, kind: 'timeout' | 'probe'): CallTree {
    const { sock: sk } = this;
    const timer = this.timer(context);
    const skb = this.#outgoing();
    const told: Inside = (inside) => {
      const fields = { skbaddr: skb, skaddr: sk, state: this.sock.state ?? 0, ...addressFields(this.sock) };
      return inside.tracepointKnown(
        'tcp:tcp_retransmit_skb',
        fields,
        {},
        { sk, skb, ...this.#retransmitError(inside) },
      );
    };
    const again = this.#goes(
      this.sock.state === tcpStates.SYN_SENT ? ['SYN'] : ['ACK', 'PSH'],
      Math.min(this.#sent - this.#before, largestSegment),
      this.#before,
    );
    if (kind === 'probe') return timer.call('tcp_send_loss_probe', { sk }, { takes: us(7) }, [...again, told]);
    const loss: Inside = (inside) =>
      inside.tracepointKnown('tcp:tcp_cong_state_set', { skaddr: sk, ...addressFields(this.sock), cong_state: 4 });
    return timer.call('tcp_retransmit_timer', { sk }, { takes: us(11) }, [
      loss,
      this.change({ fields: { icsk_ca_state: 4 } }),
      timer.call('tcp_retransmit_skb', { sk, skb, segs: 1 }, { takes: us(8) }, [...again, told]),
    ]);
  }

  /** Since 6.16 the raw tracepoint is told the result. */
  #retransmitError(inside: Context): Arguments {
    const params = inside.world.profile.btf.functionPrototype('__traceiter_tcp_retransmit_skb')?.params ?? [];
    return params.some((param) => param.name === 'err') ? { err: 0 } : {};
  }

  /** How long a first retransmission waits, ns. */
  get timeout(): Nanoseconds {
    return this.sock.state === tcpStates.SYN_SENT ? firstTimeout : shortestTimeout + 2 * this.#roundTrip;
  }

  #outgoing(): SkBuff {
    const { ends } = this;
    const syn = this.sock.state === tcpStates.SYN_SENT;
    const packet = buildPacket({
      ...this.#network(ends.local, ends.remote),
      tcp: {
        sourcePort: ends.localPort,
        destinationPort: ends.remotePort,
        sequence: firstSequence + this.#before,
        acknowledgment: firstSequence + this.#received,
        flags: tcpFlagBits(syn ? ['SYN'] : ['ACK', 'PSH']),
      },
    });
    return skBuff({ data: packet, link: 'none', start: 'payload', dev: null, sk: this.sock });
  }

  /** A segment comes in and is given up, for a reason by the kernel's name: `TCP_OLD_DATA`. */
  drop(context: Context, reason: string, flags: readonly TcpFlag[] = ['ACK', 'PSH']): Observable<KernelEvent> {
    const segment = () => this.segment(flags, 'x'.repeat(48));
    return this.handled(0, this.softirq(context), segment, (skb) => this.#dropped(this.softirq(context), reason, skb));
  }

  #dropped(softirq: Context, reason: string, skb: SkBuff): CallTree {
    const { sock: sk } = this;
    const handler = this.sock.state === tcpStates.ESTABLISHED ? 'tcp_rcv_established' : 'tcp_rcv_state_process';
    const dropped: Inside = (inside) => {
      const [location = handler, ...stack] = inside.stack;
      return inside.drop({ skb, reason, location, stack, sk: null });
    };
    const given = softirq.callKnown('tcp_drop_reason', { sk, skb, reason: softirq.world.reason(reason) }, {}, [
      dropped,
    ]);
    const nested = given.length > 0 ? given : [dropped];
    return softirq.call(handler, { sk, skb }, { takes: us(4) }, nested);
  }

  /** close(2) at this end, and the states from there on. The end that closes first waits for the other's FIN. */
  close(context: Context, fd = 3): Observable<KernelEvent> {
    return defer(() => this.#close(context, fd));
  }

  #close(context: Context, fd: number): Observable<KernelEvent> {
    const { script, sock: sk } = this;
    const softirq = this.softirq(context);
    const first = !this.#peerClosed;
    const closing = context.call('tcp_close', { sk, timeout: 0 }, { takes: us(9) }, [
      this.setState(context, first ? 'FIN_WAIT1' : 'LAST_ACK'),
      ...this.#goes(['FIN', 'ACK']),
    ]);
    const call = context.syscall('close', { fd }, { takes: us(12) }, [closing]);
    const step = (state: TcpState, flags: readonly TcpFlag[]) =>
      this.handled(
        this.#roundTrip,
        softirq,
        () => this.segment(flags),
        (skb) =>
          softirq.call('tcp_rcv_state_process', { sk, skb }, { takes: us(5) }, [
            this.setState(softirq, state, this.#counts()),
            ...(state === 'CLOSE' ? [this.#destroy()] : []),
            ...(flags.includes('FIN') ? this.#goes(['ACK']) : []),
          ]),
      );
    if (!first) return script.sequence(call, step('CLOSE', ['ACK']));
    return script.sequence(call, step('FIN_WAIT2', ['ACK']), step('CLOSE', ['FIN', 'ACK']));
  }

  #counts(): Changes<Sock> {
    return { fields: { bytes_acked: this.#sent, bytes_received: this.#received } };
  }

  #destroy(): Inside {
    return (inside) =>
      inside.tracepointKnown('tcp:tcp_destroy_sock', {
        skaddr: this.sock,
        ...addressFields(this.sock),
        sock_cookie: 0,
      });
  }

  /** The peer closes first: its FIN comes in, and this end is in CLOSE_WAIT until it closes too. */
  peerCloses(context: Context): Observable<KernelEvent> {
    const softirq = this.softirq(context);
    const segment = () => this.segment(['FIN', 'ACK']);
    return this.handled(0, softirq, segment, (skb) => {
      this.#peerClosed = true;
      return softirq.call('tcp_rcv_established', { sk: this.sock, skb }, { takes: us(5) }, [
        this.setState(softirq, 'CLOSE_WAIT'),
        ...this.#goes(['ACK']),
      ]);
    });
  }

  /** The CPU's timer softirq, for this connection. */
  timer(context: Context): Context {
    return this.softirq(context).on({ stack: timerPath });
  }
}

export interface TcpListenerSpec {
  readonly address: Address;
  readonly port: number;
  /** Where peers reach it when it listens on any address; the loopback address when absent. */
  readonly reachedAt?: Address;
  /** Connections that may wait to be accepted; 128 when absent. */
  readonly backlog?: number;
  readonly device?: NetDevice;
  /** As a connection's: its segments are packets at the device. A SYN that is taken away there opens nothing. */
  readonly onWire?: boolean;
  readonly netNamespace?: number;
  readonly softirqCpu?: number;
}

/** A socket that listens, and the connections that it takes. */
export class TcpListener extends TcpSocket {
  readonly spec: TcpListenerSpec;
  #waiting = 0;

  constructor(script: Script, spec: TcpListenerSpec) {
    const { address, port, netNamespace } = spec;
    const family = parseAddress(address).length === 16 ? 10 : 2;
    const nobody = zeros[family];
    const ends = { local: address, localPort: port, remote: nobody, remotePort: 0 };
    super(script, tcpSock(netNamespace === undefined ? ends : { ...ends, netNamespace }, 'CLOSE', true));
    this.spec = spec;
  }

  /** listen(2). */
  listen(context: Context, fd = 3): CallTree {
    const { backlog = 128 } = this.spec;
    const socket = { object: 'struct', type: 'socket', fields: { type: 1, sk: this.sock } } as const;
    const fields = { sk_max_ack_backlog: backlog, sk_ack_backlog: 0 };
    const start = context.call('inet_listen', { sock: socket, backlog }, { takes: us(6) }, [
      this.change({ fields }),
      this.store('LISTEN'),
    ]);
    return context.syscall('listen', { fd, backlog }, { takes: us(8) }, [start]);
  }

  /** A peer connects, and the caller takes the connection with accept4(2). `taken` is told it as soon as it is there. */
  accept(
    context: Context,
    peer: { readonly address: Address; readonly port: number },
    taken: (connection: TcpConnection) => Observable<KernelEvent>,
    options: { readonly roundTrip?: Nanoseconds; readonly fd?: number } = {},
  ): Observable<KernelEvent> {
    const { script } = this;
    const { address, port, device, onWire, netNamespace, softirqCpu, reachedAt } = this.spec;
    const remote = parseAddress(peer.address);
    const any = parseAddress(address).every((byte) => byte === 0);
    const ends: TcpEnds = {
      local: any ? (reachedAt ?? (remote.length === 16 ? '::1' : '127.0.0.1')) : address,
      localPort: port,
      remote,
      remotePort: peer.port,
      ...(device === undefined ? {} : { device }),
      ...(onWire === undefined ? {} : { onWire }),
      ...(netNamespace === undefined ? {} : { netNamespace }),
      ...(softirqCpu === undefined ? {} : { softirqCpu }),
    };
    // A copy of the listening socket, an object of its own: it learns whom it is for when its state has changed.
    const { identity: _, ...copy } = this.sock;
    const child = new TcpConnection(script, ends, { ...copy, state: tcpStates.LISTEN });
    const roundTrip = options.roundTrip ?? us(100);
    const arrived = this.#arrive(context, child, roundTrip);
    const call = this.#acceptCall(context, child, options.fd ?? 3);
    const course = script.sequence(
      arrived,
      script.quiet(us(15)),
      call,
      script.after(us(3), () => taken(child)),
    );
    return onWire ? child.opened(child.softirq(context), this.sock, roundTrip, () => course) : course;
  }

  /** The last ack of the handshake: a socket is made, and stands in the queue. */
  #arrive(context: Context, child: TcpConnection, roundTrip: Nanoseconds): Observable<KernelEvent> {
    const { script, sock: sk } = this;
    const remote = parseAddress(child.ends.remote);
    const softirq = child.softirq(context);
    const name = child.sock.family === 10 ? 'tcp_v6_syn_recv_sock' : 'tcp_v4_syn_recv_sock';
    const skb = child.segment(['ACK']);
    const queued: Inside = (inside) => this.change({ fields: { sk_ack_backlog: ++this.#waiting } })(inside);
    const made = () =>
      softirq.call(name, { sk, skb }, { takes: us(9), returns: child.sock }, [
        child.store('SYN_RECV', { saddr: parseAddress(child.ends.local), daddr: remote, dport: child.ends.remotePort }),
        queued,
      ]);
    const process = () =>
      softirq.call('tcp_rcv_state_process', { sk: child.sock, skb }, { takes: us(5), after: us(1) }, [
        child.setState(softirq, 'ESTABLISHED', { fields: { srtt_us: Math.round(roundTrip / 1000) * 8, snd_cwnd: 10 } }),
      ]);
    return script.sequence(interrupt(script, 0, made), interrupt(script, 0, process));
  }

  #acceptCall(context: Context, child: TcpConnection, fd: number): CallTree {
    const taken: Inside = (inside) => this.change({ fields: { sk_ack_backlog: --this.#waiting } })(inside);
    const found = context.call('inet_csk_accept', { sk: this.sock }, { takes: us(3), returns: child.sock }, [taken]);
    return context.syscall('accept4', { fd }, { takes: us(9), returns: fd + 5 }, [found]);
  }
}

function softirqOn(script: Script, cpu: number): Context {
  return script.on({ cpu, task: script.task({ pid: 0, comm: `swapper/${cpu}` }), stack: receivePath });
}
