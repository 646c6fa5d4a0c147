/** Packets of capture files at devices, and what follows a packet that nothing took away. */
import { concat, defer, EMPTY, isObservable, type Observable, of } from 'rxjs';
import { InputError, type Nanoseconds } from '../base/index.ts';
import { buildPacket, etherTypes, type KernelEvent, type NetDevice, type PacketEvent } from '../events/index.ts';
import type { Context } from './context.ts';
import type { Emission } from './generators.ts';
import { hasEthernet, neighbour, noMac, type PacketOptions, packetEvent } from './packet-event.ts';
import { type Capture, type CapturedPacket, readPcap } from './pcap.ts';
import { playInOrder } from './play-list.ts';
import { readInput } from './recording.ts';
import type { Stage } from './scenario.ts';

export interface ReplayOptions extends PacketOptions {
  /** When absent: out where the packet's source is the device's address, in otherwise. */
  readonly direction?: PacketEvent['direction'];
  /** Instead of the captured gaps, ns. */
  readonly gap?: Nanoseconds;
}

/** A packet at a device, and what follows when nothing that is attached there has taken it away. */
export function whenPassed(stage: Stage, event: PacketEvent, then: () => Emission): Observable<KernelEvent> {
  return concat(
    of(event),
    defer(() => (stage.passed?.() === false ? EMPTY : observed(then()))),
  );
}

function observed(emission: Emission): Observable<KernelEvent> {
  if (emission === undefined) return EMPTY;
  if (isObservable(emission)) return emission;
  return Array.isArray(emission) ? of(...(emission as readonly KernelEvent[])) : of(emission as KernelEvent);
}

/** The packets of a capture file (pcap). @throws InputError with the place of what is wrong */
export function readCapture(file: string): Capture {
  return readPcap(readInput(file), file);
}

/** The packets of a capture at a device, at the times between them. */
export function replay(
  context: Context,
  device: NetDevice,
  capture: Capture,
  options: ReplayOptions = {},
): Observable<KernelEvent> {
  const { direction, gap, ...rest } = options;
  const { scheduler } = context.world;
  return defer(() => {
    const begin = scheduler.now();
    const first = capture.packets[0]?.time ?? 0n;
    function* events(): Generator<KernelEvent> {
      for (const [index, packet] of capture.packets.entries()) {
        const time = begin + (gap === undefined ? Number(packet.time - first) : index * gap);
        const way = direction ?? directionOf(device, packet);
        yield { ...packetEvent(context, way, device, framed(device, way, packet), rest), time };
      }
    }
    return playInOrder(events, scheduler);
  });
}

function directionOf(device: NetDevice, { data, link }: CapturedPacket): PacketEvent['direction'] {
  if (device.mac === undefined || link !== 'ethernet') return 'receive';
  const source = [...data.subarray(6, 12)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  return source === device.mac.toLowerCase() ? 'transmit' : 'receive';
}

/** A captured packet with the link header that the device's have: one is put before it, or taken off. */
function framed(device: NetDevice, direction: PacketEvent['direction'], packet: CapturedPacket): Uint8Array {
  const { data, link, protocol, file } = packet;
  const wanted = hasEthernet(device) ? 'ethernet' : 'none';
  if (link === wanted) return data;
  if (wanted === 'none') return data.subarray(14);
  const known = protocol !== 0 ? protocol : (data[0] as number) >>> 4 === 6 ? etherTypes.IPv6 : etherTypes.IPv4;
  if (data.length === 0) throw new InputError(`a packet of ${file} has no bytes`);
  const own = device.mac ?? noMac;
  const isIn = direction === 'receive';
  const ethernet = { source: isIn ? neighbour : own, destination: isIn ? own : neighbour, etherType: known };
  return buildPacket({ ethernet, payload: data });
}
