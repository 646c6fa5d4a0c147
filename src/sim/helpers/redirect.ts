import { errno } from '../../base/index.ts';
import { RedirectMap } from '../../maps/index.ts';
import { redirectFlags, tcActions, xdpActions } from '../../uapi/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { onSkb } from './packet-context.ts';

const { ingress, broadcast, excludeIngress } = redirectFlags;
const broadcastFlags = broadcast | excludeIngress;
/** BPF_F_ACTION_MASK: what redirect_map answers where there is no entry. */
const actionMask = 3;

/**
 * Where a packet goes instead (net/core/filter.c). The helper only notes it; the packet goes when the program has
 * answered with what the helper gave. clone_redirect alone sends at once.
 */
export function redirectHelpers({ window, packets, maps, network }: HelperEnvironment): HelperBodies {
  const target = network.redirect;

  function toDevice(flags: number, isWhole: boolean): number {
    const isXdp = packets.running?.kind === 'xdp';
    if (!isWhole || (flags & ~(isXdp ? 0 : ingress)) !== 0) return isXdp ? xdpActions.aborted : tcActions.shot;
    target.toDevice(window.low(1), flags);
    return isXdp ? xdpActions.redirect : tcActions.redirect;
  }

  function toMap(map: RedirectMap, key: number, flags: number): number {
    const { type } = map.shape;
    const mayBroadcast = type === 'devmap' || type === 'devmap_hash';
    if ((flags & ~(actionMask | (mayBroadcast ? broadcastFlags : 0))) !== 0) return xdpActions.aborted;
    const ifindex = map.device(key);
    if (ifindex === 0 && (flags & broadcast) === 0) {
      target.clear();
      return flags & actionMask;
    }
    target.toMap(map, key, ifindex, flags & broadcastFlags);
    return xdpActions.redirect;
  }

  return {
    redirect: () => window.answer(toDevice(window.low(2), window.high(2) === 0)),

    redirect_peer() {
      if (!window.isZero(2)) window.answer(tcActions.shot);
      else {
        target.toPeer(window.low(1));
        window.answer(tcActions.redirect);
      }
    },

    redirect_map() {
      const map = maps.get(window.low(1));
      const isWhole = window.high(3) === 0 && map instanceof RedirectMap;
      window.answer(isWhole ? toMap(map, window.low(2), window.low(3)) : xdpActions.aborted);
    },

    clone_redirect: onSkb(packets, (_, __, buffer) => {
      const flags = window.low(3);
      if ((flags & ~ingress) !== 0 || window.high(3) !== 0) return -errno.EINVAL;
      return network.cloneTo(buffer, window.low(2), (flags & ingress) !== 0);
    }),
  };
}
