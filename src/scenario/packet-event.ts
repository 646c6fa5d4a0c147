/**
 * Packets at devices: what a scenario has come in by a device or go out of it, from bytes or a description. Where the description leaves the link header out, it is one between the device and its neighbour.
 */
import {
  buildPacket,
  type KernelStack,
  type NetDevice,
  type PacketEvent,
  type PacketSpec,
  type Sock,
} from '../events/index.ts';
import type { Context, Place } from './context.ts';

/** A packet's bytes from the link header on, or what it is made of. */
export type PacketSource = Uint8Array | PacketSpec;

export interface PacketOptions extends Place {
  /** The device's queue. */
  readonly queue?: number;
  /** skb->mark, and skb->priority. */
  readonly mark?: number;
  readonly priority?: number;
  /** The socket that sends it. */
  readonly sk?: Sock;
}

/** Who is at the other end of a device's wire when nobody says: 02:00:00:00:00:fe. */
export const neighbour = '02:00:00:00:00:fe';
export const noMac = '00:00:00:00:00:00';
/** What takes packets off a device: the poll function of its driver, in the softirq. */
const receivePath: KernelStack = [
  'netif_receive_skb_list_internal+0x1d0',
  'napi_complete_done+0x74',
  '__napi_poll+0x2b',
  'net_rx_action+0x2e3',
  'handle_softirqs+0xd7',
];

/** The bytes of a packet as they are at a device. @throws InputError for a description that makes no packet */
export function packetBytes(device: NetDevice, direction: PacketEvent['direction'], source: PacketSource): Uint8Array {
  if (source instanceof Uint8Array) return source;
  if (source.ethernet !== undefined || !hasEthernet(device)) return buildPacket(source);
  const own = device.mac ?? noMac;
  const isIn = direction === 'receive';
  return buildPacket({
    ...source,
    ethernet: { source: isIn ? neighbour : own, destination: isIn ? own : neighbour },
  });
}

/** ARPHRD_ETHER, ARPHRD_LOOPBACK */
export function hasEthernet({ type = 1 }: NetDevice): boolean {
  return type === 1 || type === 772;
}

/** A packet at a device now. */
export function packetEvent(
  context: Context,
  direction: PacketEvent['direction'],
  device: NetDevice,
  source: PacketSource,
  options: PacketOptions = {},
): PacketEvent {
  const { queue, mark, priority, sk, ...place } = options;
  const { cpu, task, stack, world } = context.on(place);
  const given = Object.entries({ queue, mark, priority, sk }).filter(([, value]) => value !== undefined);
  return {
    kind: 'packet',
    time: world.scheduler.now(),
    cpu,
    task,
    stack: direction === 'receive' && stack.length === 0 ? receivePath : stack,
    direction,
    device,
    data: packetBytes(device, direction, source),
    ...Object.fromEntries(given),
  };
}
