import type { KernelProfile } from '../../btf/index.ts';
import { identityOf, type Sock } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { Values } from '../contexts/values.ts';
import { FieldWriter, StructFields } from './fields.ts';
import { Members } from './members.ts';
import type { NamespaceTable } from './namespaces.ts';
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
  readonly #namespaces: NamespaceTable;
  readonly #members: Members;
  readonly #pool: Pool<Sock>;
  /** What sockets that changed are like, by what they first were. */
  readonly #latest = new WeakMap<Sock, Sock>();

  constructor(memory: Memory, profile: KernelProfile, namespaces: NamespaceTable, values: Values) {
    const { btf } = profile;
    const fields = new StructFields(btf, 'sock');
    this.#memory = memory;
    this.#write = new FieldWriter(memory);
    this.#at = sockOffsets(fields);
    // A byte beside sk_type before 5.6, a bit-field of the same place.
    this.#wideProtocol = (btf.member(fields.id, 'sk_protocol')?.size ?? 1) > 1;
    this.#namespaces = namespaces;
    let size = fields.size;
    const kinds = [fields];
    for (const name of [
      'inet_sock',
      'inet_connection_sock',
      'tcp_sock',
      'tcp6_sock',
      'udp_sock',
      'udp6_sock',
      'raw_sock',
    ]) {
      if (btf.find('struct', name) === undefined) continue;
      const kind = new StructFields(btf, name);
      size = Math.max(size, kind.size);
      kinds.push(kind);
    }
    this.#members = new Members(memory, profile, values, kinds);
    this.#size = size;
    const inet = btf.find('struct', 'inet_sock');
    this.#inetPort = inet === undefined ? -1 : (btf.member(inet, 'inet_sport')?.offset ?? -1);
    this.#inetAddress = inet === undefined ? -1 : (btf.member(inet, 'inet_saddr')?.offset ?? -1);
    this.#pool = new Pool<Sock>(live, () => memory.allocate(size));
  }

  /** The socket whose struct sock is at an offset. */
  sockAt(offset: number): Sock | undefined {
    return this.#pool.keyAt(offset);
  }

  /** The offset of a socket's struct sock: the same while it lives. */
  address(socket: Sock): number {
    const key = identityOf(socket);
    const known = this.#pool.find(key);
    return known !== 0 ? known : this.#fill(this.#pool.take(key), this.#latest.get(key) ?? socket);
  }

  /** A socket is like this from now on. */
  change(socket: Sock): void {
    const key = identityOf(socket);
    const known = this.#pool.find(key);
    this.#latest.set(key, socket);
    if (known !== 0) this.#fill(known, socket);
  }

  #fill(sk: number, socket: Sock): number {
    const write = this.#write;
    const at = this.#at;
    this.#memory.u8.fill(0, sk, sk + this.#size);
    write.u16(sk, at.family, socket.family);
    write.u8(sk, at.state, socket.state ?? established);
    write.u16(sk, at.localPort, socket.sport);
    write.be16(sk, at.remotePort, socket.dport);
    write.be16(sk, this.#inetPort, socket.sport);
    if (this.#wideProtocol) write.u16(sk, at.protocol, socket.protocol);
    else write.u8(sk, at.protocol, socket.protocol);
    write.u16(sk, at.type, sockType(socket.protocol));
    write.pointer(sk, at.net, this.#namespaces.net(socket.netNamespace));
    write.u32(sk, at.users, 1);
    if (socket.family === afInet6) {
      write.bytes(sk, at.local6, socket.saddr.subarray(0, 16));
      write.bytes(sk, at.remote6, socket.daddr.subarray(0, 16));
    } else {
      write.bytes(sk, at.local, socket.saddr.subarray(0, 4));
      write.bytes(sk, at.remote, socket.daddr.subarray(0, 4));
      write.bytes(sk, this.#inetAddress, socket.saddr.subarray(0, 4));
    }
    if (socket.fields !== undefined) this.#members.write(sk, socket.fields);
    return sk;
  }
}

function sockType(protocol: number): number {
  if (protocol === ipProtocolTcp) return sockTypes.stream;
  return protocol === ipProtocolUdp ? sockTypes.datagram : sockTypes.raw;
}
