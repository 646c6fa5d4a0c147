/** A listening TCP socket, and the connections that it takes: listen(2), the handshake, accept4(2). */
import type { Observable } from 'rxjs';
import { type Nanoseconds, us } from '../base/index.ts';
import { type Address, type KernelEvent, type NetDevice, parseAddress } from '../events/index.ts';
import { tcpStates } from '../uapi/index.ts';
import type { CallTree, Inside } from './call.ts';
import type { Context } from './context.ts';
import { interrupt } from './interrupt.ts';
import type { Script } from './script.ts';
import { TcpConnection } from './tcp-connection.ts';
import { type TcpEnds, TcpSocket, tcpSock, zeros } from './tcp-socket.ts';

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
