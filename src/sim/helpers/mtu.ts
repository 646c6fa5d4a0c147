import { errno } from '../../base/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { PacketBuffer } from '../net/buffers.ts';
import { Skbs, skbAt, xdpAt } from '../net/skb.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** BPF_MTU_CHK_RET_FRAG_NEEDED; BPF_MTU_CHK_SEGS, which asks about the segments of a packet that is not one here. */
const tooLong = 1;
const segments = 1;

/** What a packet's program asks about a device and a socket (net/core/filter.c). */
export function mtuHelpers({ memory, packets, network, window }: HelperEnvironment): HelperBodies {
  const skbs = new Skbs(memory);

  /** Argument 3 points to the MTU that comes back, and to a length of the network packet that is asked about instead. */
  function check(call: CallWindow, buffer: PacketBuffer): number {
    const isSkb = buffer.skb === call.low(1);
    const at = call.low(3);
    const flags = call.low(5);
    const difference = call.low(4) | 0;
    if (!call.isWritable(3, 4)) return -errno.EFAULT;
    const asked = memory.view.getUint32(at, true);
    if (call.high(5) !== 0 || (flags & ~(isSkb ? segments : 0)) !== 0) return -errno.EINVAL;
    if (flags !== 0 && (difference !== 0 || asked !== 0)) return -errno.EINVAL;
    const own = skbs.get(buffer.skb, skbAt.ifindex);
    const ifindex = call.low(2) !== 0 ? call.low(2) : (buffer.device?.ifindex ?? (isSkb ? own : loopback));
    const device = network.devices.at(ifindex);
    if (device === undefined) return -errno.ENODEV;
    const { mtu, header } = device;
    const length = (asked !== 0 ? asked + header : lengthOf(buffer, isSkb)) + difference;
    memory.view.setUint32(at, mtu, true);
    return length > mtu + header ? tooLong : 0;
  }

  function lengthOf({ skb, xdp }: PacketBuffer, isSkb: boolean): number {
    return isSkb ? skbs.length(skb) : skbs.get(xdp, xdpAt.dataEnd) - skbs.get(xdp, xdpAt.data);
  }

  return {
    check_mtu(call) {
      const buffer = packets.at(call.low(1));
      call.answer(buffer === undefined ? -errno.EINVAL : check(call, buffer));
    },

    /** Each socket of a packet is a full one: none is a request or waits for its end. */
    sk_fullsock: () => window.answerPointer(window.low(1)),
  };
}

/** ifindex of `lo`, where test runs are. */
const loopback = 1;
