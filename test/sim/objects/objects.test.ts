import { describe, expect, test } from 'vitest';
import { cString, viewOf } from '../../../src/base/index.ts';
import type { TypeId } from '../../../src/btf/index.ts';
import {
  type KernelObject,
  later,
  netDevice,
  type SkBuff,
  type Sock,
  type StructObject,
  skBuff,
  sock,
  type UserMemory,
} from '../../../src/events/index.ts';
import { kernelSpace, Memory } from '../../../src/memory/index.ts';
import { FdTable } from '../../../src/sim/fds/fds.ts';
import { Current } from '../../../src/sim/machine/current.ts';
import { SymbolTable } from '../../../src/sim/machine/symbols.ts';
import { KernelObjects } from '../../../src/sim/objects/objects.ts';
import { Pool } from '../../../src/sim/objects/pool.ts';
import { Cgroups } from '../../../src/sim/processes/cgroups.ts';
import { profile } from '../bench.ts';

/** Objects in a memory, and their members read back by name, as a reader of BTF would. */
class Reader {
  readonly memory = new Memory(32 << 20);
  readonly objects = new KernelObjects(
    this.memory,
    profile,
    new SymbolTable(profile.btf.functionNames()),
    new Cgroups(new FdTable()),
    new Current(this.memory, 1),
  );

  address(object: KernelObject): number {
    return this.objects.address(object);
  }

  /** The text at an address of the current process. */
  userText(address: number): string {
    const bytes: number[] = [];
    for (let at = address; ; at++) {
      const byte = this.memory.u8[this.objects.userMemory.at(at)]!;
      if (byte === 0) return Buffer.from(bytes).toString();
      bytes.push(byte);
    }
  }

  bytes(at: number, struct: string, path: string): Uint8Array {
    const { btf } = profile;
    const place = btf.member(btf.find('struct', struct) as TypeId, path);
    if (!place) throw new Error(`no ${struct}.${path}`);
    return this.memory.bytes(at + place.offset, place.size);
  }

  number(at: number, struct: string, path: string): number {
    const bytes = this.bytes(at, struct, path);
    const view = viewOf(bytes);
    if (bytes.length === 1) return view.getUint8(0);
    return bytes.length === 2 ? view.getUint16(0, true) : view.getUint32(0, true);
  }

  /** The offset that a pointer member points to. */
  pointer(at: number, struct: string, path: string): number {
    const pointer = viewOf(this.bytes(at, struct, path)).getBigUint64(0, true);
    if (pointer !== 0n) expect(pointer >> 32n).toBe(BigInt(kernelSpace));
    return Number(pointer & 0xffffffffn);
  }
}

const device = netDevice('kvb', 3, { mtu: 1400 });
const socket = sock({
  protocol: 'tcp',
  source: '10.77.0.1',
  sourcePort: 8080,
  destination: '10.77.0.2',
  destinationPort: 42104,
});
/** Ethernet, IPv4, TCP, 6 bytes of payload. */
const frame = Uint8Array.from({ length: 14 + 20 + 20 + 6 }, (_, i) => i);
frame.set([0x08, 0x00, 0x45], 12);
frame[14 + 9] = 6;
frame[14 + 20 + 12] = 0x50;

function packet(more: Partial<SkBuff> = {}): SkBuff {
  return { ...skBuff({ data: frame, dev: device, sk: socket, mark: 7 }), ...more };
}

describe('an sk_buff', () => {
  test('has its fields at the offsets of BTF and its packet in the data area', () => {
    const reader = new Reader();
    const skb = reader.address(packet());
    const number = (path: string) => reader.number(skb, 'sk_buff', path);
    const head = reader.pointer(skb, 'sk_buff', 'head');
    const data = reader.pointer(skb, 'sk_buff', 'data');
    expect([number('len'), number('data_len'), number('mac_len'), number('mark')]).toEqual([46, 0, 14, 7]);
    expect(reader.bytes(skb, 'sk_buff', 'protocol'), 'network order').toEqual(new Uint8Array([8, 0]));
    expect(data - head).toBe(number('network_header'));
    expect(number('mac_header')).toBe(number('network_header') - 14);
    expect(number('transport_header')).toBe(number('network_header') + 20);
    expect(head + number('tail'), 'an offset from head').toBe(data + 46);
    expect(reader.memory.bytes(head + number('mac_header'), frame.length)).toEqual(frame);
    expect(number('end')).toBeGreaterThanOrEqual(number('tail'));
    expect(reader.number(head + number('end'), 'skb_shared_info', 'nr_frags')).toBe(0);
    expect(reader.pointer(skb, 'sk_buff', 'dev')).toBe(reader.address(device));
    expect(reader.pointer(skb, 'sk_buff', 'sk')).toBe(reader.address(socket));
    expect(number('users.refs.counter')).toBe(1);
  });

  test('the offsets are those of the running kernel', () => {
    const reader = new Reader();
    const skb = reader.address(packet());
    const { view } = reader.memory;
    expect(view.getUint32(skb + 112, true), 'len').toBe(46);
    expect(view.getUint16(skb + 176, false), 'protocol').toBe(0x0800);
    expect(view.getBigUint64(skb + 200, true) - view.getBigUint64(skb + 192, true), 'data - head').toBe(64n + 14n);
  });

  test('of which the recording held less says so: the rest is not linear', () => {
    const reader = new Reader();
    const skb = reader.address(packet({ length: 1486 }));
    const number = (path: string) => reader.number(skb, 'sk_buff', path);
    expect([number('len'), number('data_len')]).toEqual([1486, 1440]);
    expect(number('tail') - number('network_header'), 'the linear part').toBe(46);
  });

  test('of which nothing is known has a length and nothing to read', () => {
    const reader = new Reader();
    const skb = reader.address(packet({ data: null, length: 92, mac: 0, network: 14, transport: 34, start: 14 }));
    const number = (path: string) => reader.number(skb, 'sk_buff', path);
    expect([number('len'), number('data_len')]).toEqual([92, 92]);
    expect(['mac_header', 'network_header', 'transport_header'].map(number)).toEqual([0xffff, 0xffff, 0xffff]);
    const head = reader.pointer(skb, 'sk_buff', 'head');
    expect(head + number('tail')).toBe(reader.pointer(skb, 'sk_buff', 'data'));
    expect(reader.memory.bytes(head, number('end')).every((byte) => byte === 0)).toBe(true);
  });

  test('longer data than its length ends at its length', () => {
    const reader = new Reader();
    const skb = reader.address(packet({ length: 40 }));
    expect(reader.number(skb, 'sk_buff', 'data_len')).toBe(0);
    const linear = reader.number(skb, 'sk_buff', 'tail') - reader.number(skb, 'sk_buff', 'network_header');
    expect(linear).toBe(40);
  });

  test.each([0, 60, 384, 385, 1792, 9000, 16385, 65536])('holds %i bytes, and none of the packet before', (length) => {
    const reader = new Reader();
    for (const fill of [0xaa, 0xbb]) {
      for (let i = 0; i < (length > 2000 ? 33 : 257); i++) {
        const data = new Uint8Array(length).fill(fill);
        const skb = reader.address({ ...packet(), data, mac: -1, network: 0, transport: -1, start: 0, length });
        if (i > 0) continue;
        const head = reader.pointer(skb, 'sk_buff', 'head');
        const area = reader.memory.bytes(head, reader.number(skb, 'sk_buff', 'end'));
        expect(area.every((byte, at) => byte === (at >= 64 && at < 64 + length ? fill : 0))).toBe(true);
      }
    }
  });

  test('beyond 64 KiB is refused', () => {
    const reader = new Reader();
    expect(() => reader.address(packet({ data: new Uint8Array(65537) }))).toThrow(/65537 bytes is too long/);
  });

  test('has one address, and memory stays bounded however many come', () => {
    const reader = new Reader();
    const first = packet();
    expect(reader.address(first)).toBe(reader.address(first));
    for (let i = 0; i < 300; i++) reader.address(packet());
    const used = reader.memory.used;
    for (let i = 0; i < 2000; i++) reader.address(packet());
    expect(reader.memory.used).toBe(used);
  });
});

describe('other objects', () => {
  test('a net_device', () => {
    const reader = new Reader();
    const dev = reader.address(device);
    expect(cString(reader.bytes(dev, 'net_device', 'name'))).toBe('kvb');
    const numbers = ['ifindex', 'mtu', 'type'].map((path) => reader.number(dev, 'net_device', path));
    expect(numbers).toEqual([3, 1400, 1]);
    const net = reader.pointer(dev, 'net_device', 'nd_net.net');
    expect(reader.number(net, 'net', 'ns.inum')).toBe(0xeffffff9);
  });

  test('a sock: the local port in host order, the remote one in network order', () => {
    const reader = new Reader();
    const sk = reader.address(socket);
    const common = (path: string) => reader.number(sk, 'sock', `__sk_common.${path}`);
    expect([common('skc_family'), common('skc_state'), common('skc_num')]).toEqual([2, 1, 8080]);
    expect(reader.bytes(sk, 'sock', '__sk_common.skc_dport')).toEqual(new Uint8Array([42104 >> 8, 42104 & 0xff]));
    expect(reader.bytes(sk, 'sock', '__sk_common.skc_rcv_saddr')).toEqual(new Uint8Array([10, 77, 0, 1]));
    expect(reader.bytes(sk, 'sock', '__sk_common.skc_daddr')).toEqual(new Uint8Array([10, 77, 0, 2]));
    expect([reader.number(sk, 'sock', 'sk_protocol'), reader.number(sk, 'sock', 'sk_type')]).toEqual([6, 1]);
    expect(reader.bytes(sk, 'inet_sock', 'inet_sport'), 'also as inet_sock').toEqual(new Uint8Array([0x1f, 0x90]));
  });

  test('a sock of IPv6', () => {
    const reader = new Reader();
    const addresses = { source: '2001:db8::1', destination: '2001:db8::2' };
    const six = sock({ protocol: 'udp', ...addresses, sourcePort: 53, destinationPort: 5353 });
    const sk = reader.address(six);
    expect(reader.number(sk, 'sock', '__sk_common.skc_family')).toBe(10);
    expect(reader.bytes(sk, 'sock', '__sk_common.skc_v6_daddr')).toEqual(six.daddr);
    expect(reader.bytes(sk, 'sock', '__sk_common.skc_v6_rcv_saddr')).toEqual(six.saddr);
    expect(reader.number(sk, 'sock', 'sk_type')).toBe(2);
  });

  test('a task_struct with its credentials', () => {
    const reader = new Reader();
    const task = reader.objects.tasks.address({ pid: 7, tgid: 5, comm: 'nginx: worker process', uid: 33, gid: 34 });
    const numbers = ['pid', 'tgid'].map((path) => reader.number(task, 'task_struct', path));
    expect(numbers).toEqual([7, 5]);
    expect(cString(reader.bytes(task, 'task_struct', 'comm'))).toBe('nginx: worker p');
    const cred = reader.pointer(task, 'task_struct', 'cred');
    expect(['uid.val', 'euid.val', 'gid.val'].map((path) => reader.number(cred, 'cred', path))).toEqual([33, 33, 34]);
  });

  test('any struct, with pointers, texts, arrays and nested members', () => {
    const reader = new Reader();
    const at = reader.address({
      object: 'struct',
      type: 'sk_buff',
      fields: { len: 5, 'users.refs.counter': 3, dev: device, sk: null, cb: new Uint8Array([1, 2, 3]) },
    });
    expect(reader.number(at, 'sk_buff', 'len')).toBe(5);
    expect(reader.number(at, 'sk_buff', 'users.refs.counter')).toBe(3);
    expect(reader.pointer(at, 'sk_buff', 'dev')).toBe(reader.address(device));
    expect(reader.bytes(at, 'sk_buff', 'cb').subarray(0, 4)).toEqual(new Uint8Array([1, 2, 3, 0]));
    const named = reader.address({ object: 'struct', type: 'task_struct', fields: { comm: 'text', pid: -1 } });
    expect(cString(reader.bytes(named, 'task_struct', 'comm'))).toBe('text');
    expect(reader.number(named, 'task_struct', 'pid')).toBe(0xffffffff);
  });

  test('a bit-field leaves its neighbours alone', () => {
    const reader = new Reader();
    const { btf } = profile;
    const place = btf.member(btf.find('struct', 'sk_buff') as TypeId, 'pkt_type');
    expect(place?.bitSize).toBe(3);
    const at = reader.address({ object: 'struct', type: 'sk_buff', fields: { pkt_type: 5 } });
    const byte = reader.memory.u8[at + (place?.offset ?? 0) + ((place?.bitShift ?? 0) >>> 3)] as number;
    expect(byte >>> ((place?.bitShift ?? 0) & 7)).toBe(5);
    expect(byte & ~(7 << ((place?.bitShift ?? 0) & 7))).toBe(0);
  });

  test.each([
    [{ object: 'struct', type: 'sk_bufff', fields: {} }, /no struct sk_bufff/],
    [{ object: 'struct', type: 'sk_buff', fields: { lenn: 1 } }, /struct sk_buff has no member 'lenn'/],
    [{ object: 'struct', type: 'sk_buff', fields: { len: device } }, /sk_buff.len cannot be an object/],
    [{ object: 'user', content: new Uint8Array(65537) }, /65537 bytes behind one pointer/],
  ] as const)('%o is refused', (object, message) => {
    expect(() => new Reader().address(object as KernelObject)).toThrow(message);
  });

  test('texts in user memory have one address each and end with a NUL', () => {
    const reader = new Reader();
    const { values } = reader.objects;
    const slot = {
      what: 'it',
      type: 'char *',
      kind: 'pointer',
      bits: 64,
      signed: false,
      user: true,
      names: undefined,
    } as const;
    const take = (argument: string | Uint8Array) => {
      values.take(slot, argument);
      expect(values.high).toBe(0x7f00);
      return values.low;
    };
    const texts = ['', 'a', '/etc/passwd', 'größe', 'x'.repeat(300), 'y'.repeat(5000)];
    const places = texts.map(take);
    expect(texts.map(take)).toEqual(places);
    expect(places.map((at) => reader.userText(at))).toEqual(texts);
    expect(reader.memory.isMapped(kernelSpace, places[0]!, 1)).toBe(false);
  });
});

describe('an object that changes', () => {
  test('is a socket with other contents at the same address, whichever form of it is asked for', () => {
    const reader = new Reader();
    const before = sock({
      protocol: 'tcp',
      source: '0.0.0.0',
      sourcePort: 0,
      destination: '0.0.0.0',
      destinationPort: 0,
      state: 7,
    });
    const after = later(later(before, { sport: 40_000, state: 2 }), {
      state: 1,
      fields: { bytes_acked: 512, srtt_us: 800 },
    });
    const at = reader.address(before);
    reader.objects.change(after);
    expect([reader.address(before), reader.address(after)]).toEqual([at, at]);
    expect(reader.number(at, 'sock', '__sk_common.skc_num')).toBe(40_000);
    expect(reader.number(at, 'sock', '__sk_common.skc_state')).toBe(1);
    expect(reader.number(at, 'tcp_sock', 'bytes_acked')).toBe(512);
    expect(reader.number(at, 'tcp_sock', 'srtt_us')).toBe(800);
    expect(after.identity).toBe(before);
  });

  test('is as it is by the time that a program first sees it', () => {
    const reader = new Reader();
    const before = { object: 'struct', type: 'request', fields: { __data_len: 4096, __sector: 8 } } as const;
    const after = later<StructObject>(before, { fields: { __data_len: 0 } });
    reader.objects.change(after);
    const at = reader.address(before);
    expect(reader.number(at, 'request', '__data_len')).toBe(0);
    expect(reader.number(at, 'request', '__sector')).toBe(8);
  });

  test('is a task under another name, with a code to exit with', () => {
    const reader = new Reader();
    const before = { pid: 7, tgid: 7, comm: 'bash', uid: 0, gid: 0 };
    const at = reader.objects.tasks.address(before);
    const after = { ...before, comm: 'ls', identity: before, fields: { exit_code: 256 } };
    reader.objects.change({ object: 'task', task: after });
    expect(reader.objects.tasks.address(after)).toBe(at);
    expect(cString(reader.bytes(at, 'task_struct', 'comm'))).toBe('ls');
    expect(reader.number(at, 'task_struct', 'exit_code')).toBe(256);
    expect(reader.objects.tasks.taskAt(at)).toBe(before);
  });

  test('has a network namespace of its own where it says so', () => {
    const reader = new Reader();
    const inodeOf = (socket: Sock) => {
      const net = reader.pointer(reader.address(socket), 'sock', '__sk_common.skc_net.net');
      return reader.number(net, 'net', 'ns.inum');
    };
    expect(inodeOf({ ...socket, netNamespace: 4026532451 })).toBe(4026532451);
    expect(inodeOf(socket)).not.toBe(4026532451);
  });

  test('refuses a member that no struct of a socket has', () => {
    const reader = new Reader();
    expect(() => reader.address({ ...socket, fields: { bytes_acke: 1 } })).toThrow("no member 'bytes_acke'");
  });
});

test('an array of pointers in user memory points to its texts, also when they have moved', () => {
  const reader = new Reader();
  const argv: UserMemory = {
    object: 'user',
    content: [{ object: 'user', content: 'ls' }, { object: 'user', content: '-l' }, null],
  };
  const texts = () => {
    const at = reader.objects.userMemory.at(reader.address(argv));
    return [0, 1, 2].map((index) => {
      const pointer = reader.memory.view.getBigUint64(at + index * 8, true);
      return pointer === 0n ? null : reader.userText(Number(pointer & 0xffffffffn));
    });
  };
  expect(texts()).toEqual(['ls', '-l', null]);
  for (let n = 0; n < 255; n++) reader.address({ object: 'user', content: `other ${n}` });
  expect(texts()).toEqual(['ls', '-l', null]);
});

describe('a pool', () => {
  test('gives the oldest place to the newest key', () => {
    const pool = new Pool<string>(2, (index) => 100 * (index + 1));
    expect([pool.take('a'), pool.take('b'), pool.find('a')]).toEqual([100, 200, 100]);
    expect(pool.take('c')).toBe(100);
    expect([pool.find('a'), pool.find('b'), pool.find('c'), pool.size]).toEqual([0, 200, 100, 2]);
  });
});
