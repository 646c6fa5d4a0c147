import { describe, expect, test } from 'vitest';
import { errno } from '../../../src/base/index.ts';
import { PerfBuffer } from '../../../src/client/index.ts';
import { buildPacket, netDevice, skBuff, sock } from '../../../src/events/index.ts';
import type { HelperName } from '../../../src/uapi/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, storing, u32Bytes } from '../bench.ts';

/** What programs on the way out ask about the socket that sends, and the bytes that a tracing program sends along. */
const eth0 = netDevice('eth0', 2, { mac: '02:00:00:00:00:01' });
const data = buildPacket({
  ethernet: { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' },
  ipv4: { source: '10.0.0.1', destination: '10.0.0.2' },
  udp: { sourcePort: 5, destinationPort: 53 },
  payload: 'abcdefgh',
});
const sender = sock({
  protocol: 'udp',
  source: '10.0.0.1',
  sourcePort: 5,
  destination: '10.0.0.2',
  destinationPort: 53,
});
const task = { ...bash, cgroup: '/user.slice/app' };

describe.each(engines)('on the $name', (engine) => {
  /** What a classifier on the way out answers, with and without a socket that sends. */
  function answers(body: string): [withSocket: number, without: number] {
    using bench = new Bench(engine, { devices: [eth0] });
    const out = bench.map({ type: 'array', valueSize: 128 });
    const groups = bench.map({ type: 'cgroup_array', valueSize: 4, maxEntries: 4 });
    for (const [index, path] of ['/', '/user.slice', '/system.slice'].entries()) {
      const fd = bench.machine.cgroupOpen(path);
      bench.machine.mapUpdate(groups, u32Bytes(index), u32Bytes(fd));
    }
    const program = bench.load('sched_cls', storing(body), { out, groups });
    bench.machine.attach(program, { kind: 'tc', ifindex: 2, direction: 'egress' });
    const answer = (sk: typeof sender | null): number => {
      bench.fire({ kind: 'packet', device: eth0, direction: 'transmit', data, task, ...(sk === null ? {} : { sk }) });
      return Number(BigInt.asIntN(64, bench.u64(out)));
    };
    const both = [answer(sender), answer(null)] as [number, number];
    expect(bench.machine.traps).toEqual([]);
    return both;
  }
  const ask = (helper: HelperName, ...rest: string[]): string => ['r1 = r6', ...rest, `call bpf_${helper}`].join('\n');

  test('the class of net_cls is none', () => {
    expect(answers(ask('skb_cgroup_classid'))).toEqual([0, 0]);
  });

  /** Numbered as they are met: the root, the two that the map holds, the sender's own. */
  test.each([
    [0, 1],
    [1, 2],
    [2, 4],
    [3, 0],
    [-1, 0],
  ])('the cgroup of the sender at level %d is %d', (level, id) => {
    expect(answers(ask('skb_ancestor_cgroup_id', `r2 = ${level}`))).toEqual([id, 0]);
  });

  test.each([
    [0, 1],
    [1, 1],
    [2, 0],
    [3, -errno.EAGAIN],
    [4, -errno.E2BIG],
  ])('whether it is under the cgroup at index %d: %d', (index, expected) => {
    const text = ask('skb_under_cgroup', 'r2 = groups ll', `r3 = ${index}`);
    expect(answers(text)).toEqual([expected, -errno.ENOENT]);
  });

  test('its socket is a full one', () => {
    const text = `
      r1 = *(u64 *)(r6 + 168)
      r8 = 0
      if r1 == 0 goto none
      call bpf_sk_fullsock
      r8 = 1
      if r0 == 0 goto none
      r8 = *(u32 *)(r0 + 4)
      none:
      r0 = r8`;
    expect(answers(text)).toEqual([2, 0]);
  });

  test.each([
    ['with none of its bytes', 0, 0, 'head'],
    ['with its first', 4, 0, 'head\u0045\0\0\u0024'],
    ['with more than there are', 99, -errno.EFAULT, undefined],
  ])('a tracing program sends a packet %s along', (_, bytes, status, content) => {
    using bench = new Bench(engine);
    const spec = { type: 'perf_event_array', keySize: 4, valueSize: 4, maxEntries: 2 } as const;
    const out = bench.map({ type: 'array', valueSize: 64 });
    const records = bench.map(spec);
    const decode = (view: DataView, at: number, length: number) =>
      String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, length));
    const map = { fd: records, spec: { ...spec, name: 'records', flags: 0, key: undefined, value: undefined } };
    using reader = new PerfBuffer(bench.machine, map, { pages: 1, decode });
    const got: string[] = [];
    reader.records.subscribe((batch) => got.push(...batch));
    const body = `
      r1 = *(u64 *)(r6 + 0)
      *(u32 *)(r10 - 8) = 0x64616568
      r2 = records ll
      r3 = ${(BigInt(bytes) << 32n) | 0xffff_ffffn} ll
      r4 = r10
      r4 += -8
      r5 = 4
      call bpf_skb_output`;
    bench.trace({ kind: 'fentry', function: 'tcp_v4_rcv' }, storing(body), { out, records });
    bench.entry('tcp_v4_rcv', { skb: skBuff({ data, dev: eth0 }) });
    expect(bench.machine.traps).toEqual([]);
    expect(Number(BigInt.asIntN(64, bench.u64(out)))).toBe(status);
    reader.poll();
    expect(got.map((record) => record.slice(0, content?.length))).toEqual(content === undefined ? [] : [content]);
  });
});
