import { errno } from '../../base/index.ts';
import type { CallWindow, Helper } from '../../vm/index.ts';
import type { PacketBuffer, PacketBuffers } from '../net/buffers.ts';

/**
 * Helpers whose first argument is a packet's context. Where it is none, which only a program that no verifier has seen
 * can bring about, they answer -EINVAL.
 */
export function onSkb(
  packets: PacketBuffers,
  body: (window: CallWindow, skb: number, buffer: PacketBuffer) => number,
): Helper {
  return (window) => {
    const context = window.low(1);
    const buffer = packets.at(context);
    window.answer(buffer?.skb === context ? body(window, context, buffer) : -errno.EINVAL);
  };
}

export function onXdp(packets: PacketBuffers, body: (window: CallWindow, xdp: number) => number): Helper {
  return (window) => {
    const context = window.low(1);
    window.answer(packets.at(context)?.xdp === context ? body(window, context) : -errno.EINVAL);
  };
}
