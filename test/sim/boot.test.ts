import { describe, expect, test } from 'vitest';
import { loadProfile, profileNames } from '../../src/btf/index.ts';
import { netDevice, skBuff, sock } from '../../src/events/index.ts';
import { engines } from '../vm/engines.ts';
import { Bench, profile, storing } from './bench.ts';

const engine = engines[0]!;

describe('a machine', () => {
  test.each([0, -1, 1.5, 1025, Number.NaN])('of %d CPUs cannot boot', (cpus) => {
    expect(() => new Bench(engine, { cpus })).toThrow(/CPUs/);
  });

  test('has a clock that never goes back', () => {
    using bench = new Bench(engine);
    const { machine } = bench;
    machine.advanceTo(2 ** 45);
    machine.advanceTo(5);
    expect(machine.clock()).toBe(2 ** 45);
    bench.entry('tcp_v4_connect', {}, { time: 2 ** 45 });
    expect(() => bench.entry('tcp_v4_connect', {}, { time: 2 ** 45 - 1 })).toThrow(/before the clock/);
  });

  test('names what can be attached to', () => {
    using bench = new Bench(engine);
    expect([...bench.machine.functions()]).toContain('tcp_v4_connect');
    expect([...bench.machine.tracepoints()]).toContain('skb:kfree_skb');
    expect(bench.machine.symbols.address('tcp_v4_connect')).toBeDefined();
  });

  test.each(profileNames)('of Linux %s names each function once', (name) => {
    using bench = new Bench(engine, { profile: loadProfile(name) });
    const names = [...bench.machine.functions()];
    expect(names).toHaveLength(new Set(names).size);
  });

  test('makes no object that nobody looks at', () => {
    using bench = new Bench(engine);
    const used = bench.machine.memory.used;
    for (let i = 0; i < 100; i++)
      bench.tracepoint('skb:kfree_skb', { skbaddr: skBuff({ data: new Uint8Array(1500) }) });
    expect(bench.machine.memory.used).toBe(used);
  });

  test.each(profileNames)('of Linux %s plays a drop with its objects', (name) => {
    const kernel = loadProfile(name);
    using bench = new Bench(engine, { profile: kernel });
    const out = bench.map({ type: 'array' });
    const dropper = kernel.btf.functionPrototype('sk_skb_reason_drop') ? 'sk_skb_reason_drop' : 'kfree_skb_reason';
    const place = kernel.btf.member(kernel.btf.find('struct', 'sk_buff') as number, 'len');
    const format = kernel.tracepoint('skb:kfree_skb');
    const field = format?.fields.find(({ name: fieldName }) => fieldName === 'skbaddr');
    const readLength = (source: string) =>
      storing(`r3 = ${source}
        r3 += ${place?.offset}
        r1 = r10
        r1 += -8
        *(u64 *)(r10 - 8) = 0
        r2 = 4
        call bpf_probe_read_kernel
        r0 = *(u64 *)(r10 - 8)`);
    const tracepoint = { kind: 'tracepoint', name: 'skb:kfree_skb' } as const;
    bench.attach(tracepoint, readLength(`*(u64 *)(r6 + ${field?.offset})`), { out });
    const seen = () => bench.u64(out);
    const socket = sock({
      protocol: 'udp',
      source: '10.0.0.1',
      sourcePort: 1,
      destination: '10.0.0.2',
      destinationPort: 2,
    });
    const skb = skBuff({ data: new Uint8Array(74), link: 'none', dev: netDevice('lo', 1), sk: socket });
    bench.tracepoint('skb:kfree_skb', { skbaddr: skb, reason: 'NO_SOCKET', protocol: 2048 });
    expect(seen()).toBe(74n);
    const argument = kernel.btf.functionPrototype(dropper)?.params.findIndex((param) => param.name === 'skb');
    const register = argument === 0 ? 112 : 104;
    bench.attach({ kind: 'kprobe', function: dropper }, readLength(`*(u64 *)(r6 + ${register})`), { out });
    bench.entry(dropper, { skb: skBuff({ data: new Uint8Array(33), link: 'none' }), reason: 'NO_SOCKET' });
    expect(seen()).toBe(33n);
    expect(bench.machine.traps).toEqual([]);
  });

  test('gives the same bytes again', () => {
    const play = () => {
      using bench = new Bench(engine, { profile });
      const out = bench.map({ type: 'array' });
      const program = storing('r0 = *(u64 *)(r6 + 104)\nr1 = *(u64 *)(r6 + 128)\nr0 ^= r1');
      bench.attach({ kind: 'kprobe', function: 'sk_skb_reason_drop' }, program, { out });
      return [1, 2, 3].map((length) => {
        bench.entry('sk_skb_reason_drop', { skb: skBuff({ data: new Uint8Array(length), link: 'none' }) });
        return bench.u64(out);
      });
    };
    expect(play()).toEqual(play());
  });
});
