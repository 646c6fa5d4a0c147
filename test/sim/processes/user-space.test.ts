import { describe, expect, test } from 'vitest';
import { viewOf } from '../../../src/base/index.ts';
import { binary, type Process } from '../../../src/events/index.ts';
import { registerOffsets } from '../../../src/sim/contexts/registers.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, end, openOutput, storing, u32Bytes } from '../bench.ts';

const app = binary('/usr/bin/app', {
  functions: ['main', 'serve', 'work'],
  probes: [
    { provider: 'app', name: 'got', in: 'serve', arguments: '-4@%edi 8@-24(%rbp) 2@8(%rsp,%rcx,2) 4@$7 1@%ah 8@%rcx' },
    { provider: 'app', name: 'far', in: 'serve', offset: 0x30, arguments: '8@9000(%rbx)' },
  ],
});
const libc = binary('/lib/libc.so.6', { functions: ['malloc', 'write'] });
const processes: Process[] = [
  { pid: 4242, binaries: [app, libc] },
  { pid: 99, binaries: [libc] },
];
const addressOf = (name: string) => app.symbols.find((symbol) => symbol.name === name)!.address;
const serve = { binary: app.path, address: addressOf('serve') } as const;
const userStack = ['serve+0x0 [/usr/bin/app]', 'main+0x20 [/usr/bin/app]'];
const entry = { kind: 'userEntry', binary: app.path, function: 'serve', userStack } as const;
const copyContext = `${openOutput}r1 = r7\nr2 = 168\nr3 = r6\ncall bpf_probe_read_kernel\n${end}`;

describe.each(engines)('on the $name', (engine) => {
  function stage() {
    const bench = new Bench(engine, { processes });
    const out = bench.map({ type: 'array', valueSize: 168 });
    const register = (name: keyof typeof registerOffsets) =>
      viewOf(bench.bytes(out)).getBigUint64(registerOffsets[name], true);
    return { bench, out, register };
  }

  test('a uprobe sees the registers of a user call', () => {
    const { bench, out, register } = stage();
    bench.attach({ kind: 'uprobe', ...serve }, copyContext, { out });
    const text = bench.map({ type: 'array', valueSize: 8 });
    const readText = `r1 = r7\nr2 = 8\nr3 = *(u64 *)(r6 + ${registerOffsets.si})\ncall bpf_probe_read_user_str`;
    bench.attach({ kind: 'uprobe', ...serve }, `${openOutput}${readText}\n${end}`, { out: text });
    bench.fire({ ...entry, args: [7, 'text', 0xffff_ffff_ffffn, 4, 5, 6, 70] });
    expect([register('di'), register('dx'), register('r9')]).toEqual([7n, 0xffff_ffff_ffffn, 6n]);
    const start = bench.machine.mappings(4242).find(({ path }) => path === app.path)!.start;
    expect(register('ip')).toBe(start + BigInt(serve.address));
    expect([register('cs'), register('ss')]).toEqual([0x33n, 0x2bn]);
    const { memory } = bench.machine;
    expect(Buffer.from(bench.bytes(text)).toString()).toBe('text\0\0\0\0');
    const sp = Number(register('sp') & 0xffffffffn);
    expect(memory.u64[sp >>> 3], 'the return address').toBe(start + BigInt(addressOf('main') + 0x20));
    expect(memory.u64[(sp >>> 3) + 1], 'the seventh argument').toBe(70n);
  });

  test('a uretprobe sees the result of calls that it saw begin, and the caller', () => {
    const { bench, out, register } = stage();
    bench.fire({ ...entry, args: [] });
    const link = bench.attach({ kind: 'uretprobe', ...serve }, copyContext, { out });
    const exit = { kind: 'userExit', binary: app.path, function: 'serve', userStack } as const;
    bench.fire({ ...exit, returns: 1 });
    expect(bench.machine.linkInfo(link)).toMatchObject({ hits: 0, missed: 0 });
    bench.fire({ ...entry, args: [] });
    bench.fire({ ...exit, returns: -5 });
    expect(BigInt.asIntN(64, register('ax'))).toBe(-5n);
    const start = bench.machine.mappings(4242).find(({ path }) => path === app.path)!.start;
    expect(register('ip')).toBe(start + BigInt(addressOf('main') + 0x20));
  });

  test('a probe for one process sees only that', () => {
    const { bench, out } = stage();
    const link = bench.attach({ kind: 'uprobe', ...serve, pid: 4242 }, 'r0 = 0\nexit', { out });
    bench.fire({ ...entry, args: [] });
    bench.fire({ ...entry, args: [], task: { ...bash, tgid: 99 } });
    expect(bench.machine.linkInfo(link)).toMatchObject({ hits: 1 });
  });

  test('USDT arguments lie where the note says', () => {
    const { bench, out, register } = stage();
    const probe = app.probes[0]!;
    bench.attach({ kind: 'uprobe', binary: app.path, address: probe.address }, copyContext, { out });
    const marker = { kind: 'userMarker', binary: app.path, provider: 'app', probe: 'got' } as const;
    bench.fire({ ...marker, args: [-3, 0x1122334455667788n, 515, 7, 0x42, 10] });
    const { view } = bench.machine.memory;
    const at = (name: 'bp' | 'sp') => Number(register(name) & 0xffffffffn);
    expect(Number(BigInt.asIntN(32, register('di')))).toBe(-3);
    expect(view.getBigUint64(at('bp') - 24, true)).toBe(0x1122334455667788n);
    expect(view.getUint16(at('sp') + 8 + 2 * 10, true)).toBe(515);
    expect((register('ax') >> 8n) & 0xffn).toBe(0x42n);
    expect(register('cx')).toBe(10n);
  });

  test.each([
    ['0x100', ['serve+0x0', 'main+0x20']],
    ['0x101', ['main+0x20']],
  ])('get_stackid with flags %s is the user stack', (flags, names) => {
    const { bench } = stage();
    const out = bench.map({ type: 'array' });
    const stacks = bench.map({ type: 'stack_trace', valueSize: 64 });
    const body = `r1 = r6\nr2 = stacks ll\nr3 = ${flags}\ncall bpf_get_stackid`;
    bench.attach({ kind: 'uprobe', ...serve }, storing(body), { out, stacks });
    bench.fire({ ...entry, args: [] });
    const bytes = bench.machine.mapLookup(stacks, u32Bytes(Number(bench.u64(out))));
    const start = bench.machine.mappings(4242).find(({ path }) => path === app.path)!.start;
    const frames = [...new BigUint64Array(bytes.slice().buffer)].filter((frame) => frame !== 0n);
    const place = (name: string) => {
      const [symbol = '', offset = '0x0'] = name.split('+');
      return start + BigInt(addressOf(symbol)) + BigInt(offset);
    };
    expect(frames).toEqual(names.map(place));
  });

  test('get_stack gives build ids and offsets of a kernel event’s user stack', () => {
    const { bench } = stage();
    const out = bench.map({ type: 'array', valueSize: 72 });
    const body = 'r1 = r6\nr2 = r7\nr2 += 8\nr3 = 64\nr4 = 0x900\ncall bpf_get_stack';
    bench.attach({ kind: 'kprobe', function: 'tcp_v4_connect' }, storing(body), { out });
    bench.entry('tcp_v4_connect', {}, { userStack: ['write+0x14 [/lib/libc.so.6]', '0x7ffffff00123'] });
    const bytes = bench.bytes(out);
    const view = viewOf(bytes);
    expect(bench.u64(out)).toBe(64n);
    expect(view.getInt32(8, true)).toBe(1);
    expect(Buffer.from(bytes.subarray(12, 32)).toString('hex')).toBe(libc.buildId);
    expect(view.getBigUint64(32, true)).toBe(BigInt(libc.symbols[1]!.address + 0x14));
    expect([view.getInt32(40, true), view.getBigUint64(64, true)]).toEqual([2, 0x7ffffff00123n]);
  });

  test.each([
    ['a binary that nobody maps', { ...entry, args: [], binary: '/usr/bin/ap' }, /no process maps '\/usr\/bin\/ap'/],
    ['a function that is not there', { ...entry, args: [], function: 'serv' }, /has no function 'serv'/],
    [
      'a probe that is not there',
      { kind: 'userMarker', binary: app.path, provider: 'app', probe: 'gott', args: [] },
      /has no probe 'app:gott'/,
    ],
  ])('%s', (_, event, message) => {
    const { bench } = stage();
    expect(() => bench.fire(event as never)).toThrow(message);
  });

  test('an operand beyond its window, and more arguments than the note has', () => {
    const { bench, out } = stage();
    for (const probe of app.probes) {
      bench.attach({ kind: 'uprobe', binary: app.path, address: probe.address }, 'r0 = 0\nexit', { out });
    }
    const marker = { kind: 'userMarker', binary: app.path, provider: 'app' } as const;
    expect(() => bench.fire({ ...marker, probe: 'far', args: [1] })).toThrow(/reaches too far/);
    expect(() => bench.fire({ ...marker, probe: 'far', args: [1, 2] })).toThrow(/is given 2 arguments/);
  });
});
