/**
 * The segments of a connection: as TCP has them in hand, and, where the connection is on the wire, as packets that cross
 * its device both ways.
 */
import type { Observable } from 'rxjs';
import { type Nanoseconds, us } from '../base/index.ts';
import {
  type Address,
  buildPacket,
  type KernelEvent,
  type NetDevice,
  netDevice,
  type SkBuff,
  type Sock,
  skBuff,
  type TcpFlag,
} from '../events/index.ts';
import type { CallTree, Inside, Nested } from './call.ts';
import type { Context } from './context.ts';
import type { Emission } from './generators.ts';
import { interrupt } from './interrupt.ts';
import type { Script } from './script.ts';
import { softirqOn, type TcpEnds, TcpSocket, tcpSock } from './tcp-socket.ts';

const ethernet = netDevice('eth0', 2);
const ownMac = '02:00:00:00:00:01';
const peerMac = '02:00:00:00:00:02';
/** Bytes that one segment carries: an MTU of 1500 less the headers with timestamps. */
export const largestSegment = 1448;
/** Where the first ack of a connection stands. */
export const firstSequence = 0x1000;

/** So many bytes in segments; one that is empty for none. */
export function segmentSizes(bytes: number): number[] {
  const count = Math.max(1, Math.ceil(bytes / largestSegment));
  return Array.from({ length: count }, (_, index) => Math.min(largestSegment, bytes - index * largestSegment));
}

export class TcpSegments extends TcpSocket {
  readonly ends: TcpEnds;
  protected sent = 0;
  /** Bytes sent before the last segment, which is the one that is sent again. */
  protected before = 0;
  protected received = 0;
  #softirq: Context | undefined;

  /** @param made the socket that accept found; one for connect, still without addresses, when absent */
  constructor(script: Script, ends: TcpEnds, made = tcpSock(ends, 'CLOSE', false)) {
    super(script, made);
    this.ends = ends;
  }

  /** Bytes that the application wrote, and that were received. */
  get bytes(): { readonly sent: number; readonly received: number } {
    return { sent: this.sent, received: this.received };
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
      ...this.network(ends.remote, ends.local),
      tcp: {
        sourcePort: ends.remotePort,
        destinationPort: ends.localPort,
        sequence: firstSequence + this.received,
        acknowledgment: firstSequence + this.sent,
        flags,
      },
      payload,
    });
    return skBuff({ data: packet, start: 'transport', dev: ends.device ?? ethernet, sk: this.sock });
  }

  /** The device that segments cross as packets, or undefined. */
  protected get wire(): NetDevice | undefined {
    return this.ends.onWire ? (this.ends.device ?? ethernet) : undefined;
  }

  /** In a call: segments of so many bytes go out by the device. Nothing where the connection is not on the wire. */
  protected goes(flags: readonly TcpFlag[], bytes = 0, sequence = this.sent): Nested[] {
    const device = this.wire;
    if (device === undefined) return [];
    const { ends } = this;
    return segmentSizes(bytes).map(
      (size, index): Inside =>
        (inside) =>
          inside.transmit(
            device,
            {
              ethernet: { source: device.mac ?? ownMac, destination: peerMac },
              ...this.network(ends.local, ends.remote),
              tcp: {
                sourcePort: ends.localPort,
                destinationPort: ends.remotePort,
                sequence: firstSequence + sequence + index * largestSegment,
                acknowledgment: firstSequence + this.received,
                flags,
              },
              payload: new Uint8Array(size),
            },
            { sk: this.sock },
          ),
    );
  }

  /** Segments come in by the device, one behind the other; what follows when it let them all through. */
  protected comes(softirq: Context, segments: readonly SkBuff[], then: () => Emission): Observable<KernelEvent> {
    const { script } = this;
    const device = this.wire as NetDevice;
    const [first, ...rest] = segments;
    if (first === undefined) return script.after(0, then);
    const { cpu, task } = softirq;
    const event = script.receive(device, first.data as Uint8Array, { cpu, task });
    return script.whenPassed(event, () => this.comes(softirq, rest, then));
  }

  /** In `delay` ns a segment comes in: what handles it, unless the device's programs have taken it away. */
  handled(
    delay: Nanoseconds,
    softirq: Context,
    segment: () => SkBuff,
    make: (skb: SkBuff) => CallTree,
  ): Observable<KernelEvent> {
    const { script } = this;
    if (this.wire === undefined) return interrupt(script, delay, () => make(segment()));
    return script.after(delay, () => {
      const skb = segment();
      return this.comes(softirq, [skb], () => interrupt(script, 0, () => make(skb)));
    });
  }

  /** The peer's handshake with a listener, on the wire: its SYN, our answer, its ACK a round trip later. */
  opened(softirq: Context, listener: Sock, roundTrip: Nanoseconds, then: () => Emission): Observable<KernelEvent> {
    const { script } = this;
    return script.after(0, () =>
      this.comes(softirq, [this.segment(['SYN'])], () =>
        script.sequence(
          softirq.call('tcp_rcv_state_process', { sk: listener }, { takes: us(4) }, this.goes(['SYN', 'ACK'])),
          script.after(roundTrip, () => this.comes(softirq, [this.segment(['ACK'])], then)),
        ),
      ),
    );
  }

  protected network(source: Address, destination: Address) {
    const ipv6 = this.sock.family === 10;
    return ipv6 ? { ipv6: { source, destination } } : { ipv4: { source, destination } };
  }
}
