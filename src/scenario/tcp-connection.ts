/**
 * A TCP connection as the kernel goes through it: connect or accept, data, loss, close, with the calls, tracepoints and
 * changes of its struct sock in the order of net/ipv4/tcp.c. Its socket is one kernel object that changes: addresses
 * and ports are zero until the kernel sets them, the state follows tcp_set_state, and byte counts grow. What a method
 * gives is worked out when it begins, so a course of steps may be put together before the first has happened.
 */
import { defer, merge, type Observable } from 'rxjs';
import { ms, type Nanoseconds, sec, us } from '../base/index.ts';
import {
  type Arguments,
  buildPacket,
  type Changes,
  type KernelEvent,
  parseAddress,
  type SkBuff,
  type Sock,
  skBuff,
  type TcpFlag,
  tcpFlagBits,
} from '../events/index.ts';
import { type TcpState, tcpStates } from '../uapi/index.ts';
import type { CallTree, Inside, Nested } from './call.ts';
import type { Context } from './context.ts';
import { interrupt } from './interrupt.ts';
import { kernelAddress, userAddress } from './socket-address.ts';
import { firstSequence, largestSegment, segmentSizes, TcpSegments } from './tcp-segments.ts';
import { addressFields } from './tcp-socket.ts';

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

const timerPath = [
  'tcp_write_timer_handler+0x1b6',
  'tcp_write_timer+0x86',
  'call_timer_fn+0x27',
  'run_timer_softirq+0xf2',
  'handle_softirqs+0xd7',
] as const;
/** TCP_TIMEOUT_INIT, TCP_RTO_MIN */
const firstTimeout = sec(1);
const shortestTimeout = ms(200);

export class TcpConnection extends TcpSegments {
  /** The end that closes first goes through FIN_WAIT. */
  #peerClosed = false;
  /** ns, as measured by the handshake. */
  #roundTrip = us(100);

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
      context.call('tcp_connect', { sk }, { takes: send }, this.goes(['SYN'])),
    ];
    const inner = nested.reduce((sum, one) => sum + ('span' in one ? one.span : 0), 0);
    return context.call(name, args, { takes: inner + us(6), after: us(1) }, nested);
  }

  /** What comes back `answer` ns after the SYN: a SYN-ACK, a reset, or nothing. Until then the SYN is sent again. */
  #answered(context: Context, began: Nanoseconds, answer: Nanoseconds, returns: number): Observable<KernelEvent> {
    const softirq = this.softirq(context);
    const { script } = this;
    const at = began + answer;
    const events: Observable<KernelEvent>[] = [];
    for (let wait = firstTimeout, sum = wait; sum < answer; wait *= 2, sum += wait) {
      events.push(script.after(began + sum, () => this.retransmit(context)));
    }
    if (returns === -110) {
      events.push(interrupt(script, at, () => this.setState(this.timer(context), 'CLOSE')));
      return merge(...events);
    }
    const refused = returns === -111;
    const segment = () => this.segment(refused ? ['RST', 'ACK'] : ['SYN', 'ACK']);
    const come = this.handled(at, softirq, segment, (skb) => {
      this.#roundTrip = answer;
      const inner = refused
        ? this.#reset(softirq)
        : [this.setState(softirq, 'ESTABLISHED', this.#measured(answer)), ...this.goes(['ACK'])];
      return softirq.call('tcp_rcv_state_process', { sk: this.sock, skb }, { takes: us(12) }, inner);
    });
    return merge(...events, come);
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
    this.before = this.sent;
    this.sent += bytes;
    const counted = this.change({ fields: { bytes_sent: this.sent } });
    const sending = context.call('tcp_sendmsg', { sk, size: bytes }, { takes: us(9), returns: bytes }, [
      counted,
      ...this.goes(['ACK', 'PSH'], bytes, this.before),
    ]);
    const buffer = { object: 'user', content: new Uint8Array(Math.min(bytes, 64)) } as const;
    const call = context.syscall('sendto', { fd, buff: buffer, len: bytes }, { takes: us(11), returns: bytes }, [
      sending,
    ]);
    const acked = this.sent;
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
    if (this.wire === undefined) return this.#read(context, bytes, options);
    const segments = segmentSizes(bytes).map((size) => this.segment(['ACK', 'PSH'], new Uint8Array(size)));
    return this.comes(this.softirq(context), segments, () => this.#read(context, bytes, options));
  }

  /** The data is there: TCP handles it, and the application reads it. */
  #read(context: Context, bytes: number, options: ReceiveOptions): Observable<KernelEvent> {
    const { fd = 3 } = options;
    const { sock: sk, script } = this;
    const softirq = this.softirq(context);
    const payload = new Uint8Array(Math.min(bytes, largestSegment));
    const skb = this.segment(['ACK', 'PSH'], payload);
    this.received += bytes;
    const counted = this.change({ fields: { bytes_received: this.received } });
    const handled = interrupt(script, 0, () =>
      softirq.call('tcp_rcv_established', { sk, skb }, { takes: us(6) }, [counted, ...this.goes(['ACK'])]),
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
    const again = this.goes(
      this.sock.state === tcpStates.SYN_SENT ? ['SYN'] : ['ACK', 'PSH'],
      Math.min(this.sent - this.before, largestSegment),
      this.before,
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
      ...this.network(ends.local, ends.remote),
      tcp: {
        sourcePort: ends.localPort,
        destinationPort: ends.remotePort,
        sequence: firstSequence + this.before,
        acknowledgment: firstSequence + this.received,
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
      ...this.goes(['FIN', 'ACK']),
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
            ...(flags.includes('FIN') ? this.goes(['ACK']) : []),
          ]),
      );
    if (!first) return script.sequence(call, step('CLOSE', ['ACK']));
    return script.sequence(call, step('FIN_WAIT2', ['ACK']), step('CLOSE', ['FIN', 'ACK']));
  }

  #counts(): Changes<Sock> {
    return { fields: { bytes_acked: this.sent, bytes_received: this.received } };
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
        ...this.goes(['ACK']),
      ]);
    });
  }

  /** The CPU's timer softirq, for this connection. */
  timer(context: Context): Context {
    return this.softirq(context).on({ stack: timerPath });
  }
}
