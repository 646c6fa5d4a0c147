import type { CallWindow, Helper } from '../../vm/index.ts';
import { StructFields } from '../objects/fields.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';

/** IPPROTO_TCP, IPPROTO_UDP, AF_UNIX, AF_INET6, SOCK_DGRAM (include/uapi/linux/in.h, include/linux/socket.h, net.h). */
const protocols = { tcp: 6, udp: 17 } as const;
const families = { unix: 1, inet6: 10 } as const;
const datagram = 2;
/** TCP_TIME_WAIT, TCP_NEW_SYN_RECV: what has these states is not a whole struct sock (sk_fullsock). */
const states = { timeWait: 6, newSynRecv: 12 } as const;

/** What a cast looks at. */
interface Socket {
  readonly family: number;
  readonly state: number;
  readonly protocol: number;
  readonly type: number;
}

/** Sockets as what they are (net/core/filter.c: bpf_skc_to_*), and the socket of a file (net/socket.c). */
export function castHelpers({ memory, profile, structs }: HelperEnvironment): HelperBodies {
  const fields = new StructFields(profile.btf, 'sock');
  const at = {
    family: fields.offset('__sk_common.skc_family'),
    state: fields.offset('__sk_common.skc_state'),
    protocol: fields.offset('sk_protocol'),
    type: fields.offset('sk_type'),
  };
  const wide = (profile.btf.member(fields.id, 'sk_protocol')?.size ?? 1) > 1;
  const privateData = new StructFields(profile.btf, 'file').offset('private_data');
  /** Read into one place: a call allocates nothing. */
  const socket = { family: 0, state: 0, protocol: 0, type: 0 };

  /** The same address when the socket at it is what is wanted, else NULL. */
  const cast =
    (isSuch: (socket: Socket) => boolean): Helper =>
    (window: CallWindow) => {
      const low = window.low(1);
      const high = window.high(1);
      let found = memory.isMapped(high, low, fields.size);
      if (found) {
        const { view, u8 } = memory;
        socket.family = view.getUint16(low + at.family, true);
        socket.state = u8[low + at.state] as number;
        socket.protocol = wide ? view.getUint16(low + at.protocol, true) : (u8[low + at.protocol] as number);
        socket.type = view.getUint16(low + at.type, true);
        found = isSuch(socket);
      }
      window.answerHalves(found ? high | 0 : 0, found ? low | 0 : 0);
    };

  return {
    skc_to_tcp_sock: cast((sk) => isFull(sk) && sk.protocol === protocols.tcp),
    skc_to_tcp6_sock: cast((sk) => isFull(sk) && sk.protocol === protocols.tcp && sk.family === families.inet6),
    skc_to_tcp_timewait_sock: cast((sk) => sk.state === states.timeWait),
    skc_to_tcp_request_sock: cast((sk) => sk.state === states.newSynRecv),
    skc_to_udp6_sock: cast(
      (sk) => isFull(sk) && sk.protocol === protocols.udp && sk.type === datagram && sk.family === families.inet6,
    ),
    skc_to_unix_sock: cast((sk) => isFull(sk) && sk.family === families.unix),
    /** No socket here is one of MPTCP's. */
    skc_to_mptcp_sock: cast(() => false),
    sock_from_file(window) {
      const file = window.low(1);
      const known = window.isMapped(1, privateData + 8);
      const found = known ? memory.view.getUint32(file + privateData, true) : 0;
      const isSocket = found !== 0 && structs.objectAt('socket', found) !== undefined;
      window.answerPointer(isSocket ? found : 0);
    },
  };
}

function isFull({ state }: Socket): boolean {
  return state !== states.timeWait && state !== states.newSynRecv;
}
