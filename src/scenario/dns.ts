/**
 * A name server's answer, and a task that takes it from its socket: what udp_recvmsg is called with and leaves in user
 * memory (RFC 1035, section 4; net/ipv4/udp.c).
 */
import { type Nanoseconds, us } from '../base/index.ts';
import { type Address, parseAddress, sock } from '../events/index.ts';
import type { CallTree } from './call.ts';
import type { Context } from './context.ts';

export interface DnsAnswerOptions {
  readonly addresses: readonly Address[];
  /** The name server; 127.0.0.53 when absent, as systemd-resolved's. */
  readonly server?: Address;
  /** How long the call waits, ns; 500 us when absent. */
  readonly takes?: Nanoseconds;
}

/** A DNS message that answers a question for a name with addresses. */
export function dnsAnswer(name: string, addresses: readonly Address[]): Uint8Array {
  const parsed = addresses.map((address) => parseAddress(address));
  const labels = name.split('.').flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  const kind = parsed[0]?.length === 16 ? 28 : 1;
  const header = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, parsed.length, 0, 0, 0, 0];
  const question = [...labels, 0, 0, kind, 0, 1];
  const answers = parsed.flatMap((address) => [
    // The name is the question's, at byte 12; it lives for 300 seconds.
    ...[0xc0, 12, 0, address.length === 16 ? 28 : 1, 0, 1, 0, 0, 0x01, 0x2c, 0, address.length],
    ...address,
  ]);
  return Uint8Array.from([...header, ...question, ...answers]);
}

/** The call with which a task takes the answer for a name from its socket. */
export function takeDnsAnswer(context: Context, name: string, options: DnsAnswerOptions): CallTree {
  const { addresses, server = '127.0.0.53', takes = us(500) } = options;
  const content = dnsAnswer(name, addresses);
  const sk = sock({
    protocol: 'udp',
    source: '127.0.0.1',
    sourcePort: 40_053,
    destination: server,
    destinationPort: 53,
  });
  const buffer = { object: 'user', content } as const;
  // recv(2) and recvfrom(2) hand one buffer down; before Linux 6.3 they made a list of one. Both have the type 0.
  const { btf } = context.world.profile;
  const iterator = btf.find('struct', 'iov_iter');
  const isOne = iterator !== undefined && btf.member(iterator, '__iov') !== undefined;
  const list = { object: 'struct', type: 'iovec', fields: { iov_base: buffer, iov_len: content.length } } as const;
  const fields = {
    'msg_iter.count': content.length,
    ...(isOne ? { 'msg_iter.ubuf': buffer } : { 'msg_iter.iov': list }),
  };
  const msg = { object: 'struct', type: 'msghdr', fields } as const;
  return context.call('udp_recvmsg', { sk, msg, len: content.length }, { takes, returns: content.length });
}
