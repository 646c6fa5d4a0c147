import type { Btf } from '../../btf/index.ts';
import type { Sock } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { FieldWriter, StructFields } from './fields.ts';
import { Pool } from './pool.ts';

/**
 * Sockets as struct sock with the fields that tracers read (include/net/sock.h). Each has room for the largest of the
 * structs that begin with it, so a program may cast to inet_sock or tcp_sock and finds zeros where nothing is known.
 */
const live = 256;
const afInet6 = 10;
const ipProtocolTcp = 6;
const ipProtocolUdp = 17;
/** SOCK_STREAM, SOCK_DGRAM, SOCK_RAW (include/linux/net.h). */
const sockTypes = { stream: 1, datagram: 2, raw: 3 } as const;
const established = 1;

function sockOffsets(fields: StructFields) {
  const shared = '__sk_common';
  return {
    family: fields.offset(`${shared}.skc_family`),
    state: fields.offset(`${shared}.skc_state`),
    local: fields.offset(`${shared}.skc_rcv_saddr`),
    remote: fields.offset(`${shared}.skc_daddr`),
    localPort: fields.offset(`${shared}.skc_num`),
    remotePort: fields.offset(`${shared}.skc_dport`),
    local6: fields.offset(`${shared}.skc_v6_rcv_saddr`),
    remote6: fields.offset(`${shared}.skc_v6_daddr`),
    net: fields.offset(`${shared}.skc_net.net`),
    users: fields.offset(`${shared}.skc_refcnt.refs.counter`),
    protocol: fields.offset('sk_protocol'),
    type: fields.offset('sk_type'),
  };
}

export class Sockets {
  readonly #memory: Memory;
  readonly #write: FieldWriter;
  readonly #at: ReturnType<typeof sockOffsets>;
  readonly #wideProtocol: boolean;
  readonly #inetPort: number;
  readonly #inetAddress: number;
  readonly #size: number;
  readonly #net: number;
  readonly #pool: Pool<Sock>;

  /** @param net offset of the network namespace that all sockets are in */
  constructor(memory: Memory, btf: Btf, net: number) {
    const fields = new StructFields(btf, 'sock');
    this.#memory = memory;
    this.#write = new FieldWriter(memory);
    this.#at = sockOffsets(fields);
    // A byte beside sk_type before 5.6, a bit-field of the same place.
    this.#wideProtocol = (btf.member(fields.id, 'sk_protocol')?.size ?? 1) > 1;
    this.#net = net;
    let size = fields.size;
    for (const name of ['inet_sock', 'tcp_sock', 'tcp6_sock', 'udp_sock', 'udp6_sock', 'raw_sock']) {
      const id = btf.find('struct', name);
      if (id !== undefined) size = Math.max(size, btf.sizeOf(id));
    }
    this.#size = size;
    const inet = btf.find('struct', 'inet_sock');
    this.#inetPort = inet === undefined ? -1 : (btf.member(inet, 'inet_sport')?.offset ?? -1);
    this.#inetAddress = inet === undefined ? -1 : (btf.member(inet, 'inet_saddr')?.offset ?? -1);
    this.#pool = new Pool<Sock>(live, () => memory.allocate(size));
  }

  /** The offset of a socket's struct sock: the same while it lives. */
  address(socket: Sock): number {
    const known = this.#pool.find(socket);
    if (known !== 0) return known;
    const sk = this.#pool.take(socket);
    this.#memory.u8.fill(0, sk, sk + this.#size);
    this.#fill(sk, socket);
    return sk;
  }

  #fill(sk: number, socket: Sock): void {
    const write = this.#write;
    const at = this.#at;
    write.u16(sk, at.family, socket.family);
    write.u8(sk, at.state, socket.state ?? established);
    write.u16(sk, at.localPort, socket.sport);
    write.be16(sk, at.remotePort, socket.dport);
    write.be16(sk, this.#inetPort, socket.sport);
    if (this.#wideProtocol) write.u16(sk, at.protocol, socket.protocol);
    else write.u8(sk, at.protocol, socket.protocol);
    write.u16(sk, at.type, sockType(socket.protocol));
    write.pointer(sk, at.net, this.#net);
    write.u32(sk, at.users, 1);
    if (socket.family === afInet6) {
      write.bytes(sk, at.local6, socket.saddr.subarray(0, 16));
      write.bytes(sk, at.remote6, socket.daddr.subarray(0, 16));
    } else {
      write.bytes(sk, at.local, socket.saddr.subarray(0, 4));
      write.bytes(sk, at.remote, socket.daddr.subarray(0, 4));
      write.bytes(sk, this.#inetAddress, socket.saddr.subarray(0, 4));
    }
  }
}

function sockType(protocol: number): number {
  if (protocol === ipProtocolTcp) return sockTypes.stream;
  return protocol === ipProtocolUdp ? sockTypes.datagram : sockTypes.raw;
}
