import { errno } from '../../base/index.ts';
import { identityOf, type Sock } from '../../events/index.ts';
import { flowHash } from '../net/flow-hash.ts';
import { hashKinds, Skbs, skbAt } from '../net/skb.ts';
import { isUnder } from './cgroup.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { onSkb } from './packet-context.ts';

/** overflowuid: of a packet without a socket. */
const nobody = 65534;

/** What is known of a packet beside its bytes: its flow's hash, and who sends it (net/core/filter.c, net/core/sock.c). */
export function skbFactHelpers({
  memory,
  window,
  packets,
  sockets,
  maps,
  current,
  cgroups,
}: HelperEnvironment): HelperBodies {
  const skbs = new Skbs(memory);
  const cookies = new WeakMap<Sock, number>();
  let lastCookie = 0;

  /** __sock_gen_cookie: numbered as they are asked for. */
  function cookieOf(socket: Sock | null | undefined): number {
    if (socket === null || socket === undefined) return 0;
    const key = identityOf(socket);
    const known = cookies.get(key);
    if (known !== undefined) return known;
    cookies.set(key, ++lastCookie);
    return lastCookie;
  }

  function setHash(skb: number, hash: number, kind: number): number {
    skbs.set(skb, skbAt.hash, hash);
    skbs.set(skb, skbAt.hashKind, kind);
    return hash;
  }

  return {
    get_hash_recalc(_) {
      const skb = window.low(1);
      const hash = packets.at(skb)?.skb !== skb ? 0 : hashOf(skb);
      window.answerHalves(0, hash);
    },
    set_hash_invalid: onSkb(packets, (_, skb) => {
      skbs.clearHash(skb);
      return 0;
    }),
    set_hash: onSkb(packets, (_, skb) => {
      setHash(skb, window.low(2), hashKinds.software | hashKinds.transport);
      return 0;
    }),

    /** Of a packet's socket, or of the socket that a tracing program has a pointer to. */
    get_socket_cookie() {
      const packet = packets.at(window.low(1));
      const socket = packet === undefined ? sockets.sockAt(window.low(1)) : packet.socket;
      window.answer(cookieOf(socket));
    },
    get_socket_uid: onSkb(packets, (_, skb, { socket, device }) => {
      if (socket !== null) return current.task.uid;
      return device === null && skbs.get(skb, skbAt.socket) !== 0 ? 0 : nobody;
    }),

    /** No route has a realm, and no packet a class of net_cls: the hierarchy is of version 2. */
    get_route_realm: onSkb(packets, () => 0),
    skb_cgroup_classid: onSkb(packets, () => 0),

    skb_cgroup_id: onSkb(packets, (_, __, { socket }) => (socket === null ? 0 : cgroups.of(current.task).id)),
    skb_ancestor_cgroup_id: onSkb(packets, (_, __, { socket }) =>
      socket === null ? 0 : (cgroups.of(current.task).line[window.low(2) | 0]?.id ?? 0),
    ),
    skb_under_cgroup: onSkb(packets, (_, __, { socket }) =>
      socket === null ? -errno.ENOENT : isUnder(cgroups.of(current.task), maps.get(window.low(2)), window.low(3)),
    ),
  };

  /** skb_get_hash */
  function hashOf(skb: number): number {
    if (skbs.get(skb, skbAt.hashKind) !== 0) return skbs.get(skb, skbAt.hash);
    return setHash(skb, flowHash(skbs, skb), hashKinds.software);
  }
}
