import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import {
  addressCodec,
  BpfError,
  type BpfObject,
  loadObject,
  perCpuCodec,
  structCodec,
  u32Codec,
  u64Codec,
} from '../../src/client/index.ts';
import { assembleObject } from '../../src/object/index.ts';
import { boot, type Machine } from '../../src/sim/index.ts';

const profile = loadProfile('6.18');
const file = 'tool.bpf.s';

const text = `
  .license "GPL"
  .struct pair
    u32 a
    u32 b
  .end
  .map table,  hash, key=pair, value=u64, entries=4
  .map numbers, array, value=u32, entries=3
  .map each,   percpu_array, value=u64, entries=1
  .section "kprobe/tcp_v4_connect"
  on_connect:
    r1 = 0
    *(u32 *)(r10 - 4) = r1
    r1 = each ll
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r1 = 1
    lock *(u64 *)(r0 + 0) += r1
  out:
    r0 = 0
    exit
  .section "kretprobe"
  anywhere:
    r0 = 0
    exit
`;

let machine: Machine;
beforeEach(() => {
  machine = boot({ profile, cpus: 2 });
});
afterEach(() => machine[Symbol.dispose]());

const load = (source = text) => loadObject(machine, assembleObject(source, { file, profile }));
const perCpu = (object: BpfObject) => object.table('each', u32Codec, perCpuCodec(addressCodec, 2));
const connect = (cpu: number, time: number) =>
  machine.fire({
    kind: 'entry',
    function: 'tcp_v4_connect',
    args: {},
    time,
    cpu,
    task: { pid: 1, tgid: 1, comm: 'x', uid: 0, gid: 0 },
    stack: [],
  });

describe('maps', () => {
  test('get, set, delete, items, clear', () => {
    using object = load();
    const table = object.table('table', structCodec(object.spec.structs[0]!), u64Codec);
    expect(table.get({ a: 1, b: 2 })).toBeUndefined();
    table.set({ a: 1, b: 2 }, 10);
    table.set({ a: 3, b: 4 }, 20);
    table.set({ a: 1, b: 2 }, 11);
    expect(table.get({ a: 1, b: 2 })).toBe(11);
    expect([...table].sort((one, other) => one[1] - other[1])).toEqual([
      [{ a: 1, b: 2 }, 11],
      [{ a: 3, b: 4 }, 20],
    ]);
    expect(table.delete({ a: 3, b: 4 })).toBe(true);
    expect(table.delete({ a: 3, b: 4 })).toBe(false);
    table.zero();
    expect([...table.items()]).toEqual([[{ a: 1, b: 2 }, 0]]);
    table.clear();
    expect([...table.keys()]).toEqual([]);
  });

  test('a full map and a wrong flag are errors of the kernel', () => {
    using object = load();
    const table = object.table('table', structCodec(object.spec.structs[0]!), u64Codec);
    for (let a = 0; a < 4; a++) table.set({ a, b: 0 }, a);
    expect(() => table.set({ a: 9, b: 9 }, 1)).toThrow(expect.objectContaining({ errno: 'E2BIG', op: 'map update' }));
    expect(() => table.set({ a: 0, b: 0 }, 1, 1)).toThrow(expect.objectContaining({ errno: 'EEXIST' }));
    expect(() => table.set({ a: 9, b: 9 }, 1, 2)).toThrow(expect.objectContaining({ errno: 'ENOENT' }));
  });

  test('an array keeps its elements: clearing makes them zero', () => {
    using object = load();
    const numbers = object.table('numbers', u32Codec, u32Codec);
    numbers.set(1, 7);
    numbers.clear();
    expect([...numbers.items()]).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
    ]);
  });

  test('a per-CPU map gives a value for each CPU', () => {
    using object = load();
    object.autoAttach();
    connect(1, 10);
    connect(1, 20);
    connect(0, 30);
    expect([...perCpu(object).items()]).toEqual([[0, [1n, 2n]]]);
  });
});

describe('attaching', () => {
  test('by section, by target, by pattern; a closed link sees nothing more', () => {
    using object = load();
    expect(object.autoAttach().map(({ target }) => target)).toEqual([{ kind: 'kprobe', function: 'tcp_v4_connect' }]);
    connect(0, 10);
    expect(object.links[0]!.info()).toMatchObject({ hits: 1, missed: 0 });
    object.links[0]!.close();
    connect(0, 20);
    expect(perCpu(object).get(0)).toEqual([1n, 0n]);
    const links = object.program('anywhere').attach({ kind: 'kretprobe', function: 'tcp_v?_connect' });
    expect(links.map(({ target }) => target)).toEqual([
      { kind: 'kretprobe', function: 'tcp_v4_connect' },
      { kind: 'kretprobe', function: 'tcp_v6_connect' },
    ]);
  });

  test.each<[Parameters<ReturnType<typeof loadObject>['program']>[0], unknown, string, RegExp, RegExp]>([
    ['on_connect', { kind: 'kprobe', function: 'tcp_v4_conect' }, 'ENOENT', /kprobe tcp_v4_conect/, /tcp_v4_connect/],
    ['on_connect', { kind: 'kprobe', function: 'no_such_*' }, 'ENOENT', /no function matches/, /tracebed events/],
    ['anywhere', undefined, 'EINVAL', /does not say where/, /section is "kretprobe"/],
  ])('%s to %j is refused', (name, target, errno, message, hint) => {
    using object = load();
    let fault: unknown;
    try {
      object.program(name).attach(target as never);
    } catch (caught) {
      fault = caught;
    }
    expect(fault).toBeInstanceOf(BpfError);
    expect(fault).toMatchObject({ errno, op: 'attach', message: expect.stringMatching(message) });
    expect((fault as BpfError).hint).toMatch(hint);
    expect(object.links).toEqual([]);
  });
});

describe('loading', () => {
  test('a map that the kernel refuses: which, why; nothing stays behind', () => {
    const bad = `${text}\n.map wrong, array, key=8, value=4, entries=1\n`;
    expect(() => load(bad)).toThrow(
      expect.objectContaining({ errno: 'EINVAL', op: 'map create', message: expect.stringMatching(/make map wrong/) }),
    );
  });

  test('a program that the verifier refuses: its words, the source line, the end of its log', () => {
    // An element of an array that is known to be there needs no test; r1 is a number.
    const bad = text.replace('if r0 == 0 goto out', 'r0 = r1');
    let fault: unknown;
    try {
      load(bad);
    } catch (caught) {
      fault = caught;
    }
    expect(fault).toMatchObject({
      errno: 'EACCES',
      op: 'program load',
      message: 'program on_connect is refused: R1 !read_ok (EACCES)',
      at: { file, text: '    r0 = r1' },
      log: expect.stringMatching(/^0: R1=ctx\(\) R10=fp0\n.*\nprocessed \d+ insns/s),
    });
    expect((fault as BpfError).hint).toMatch(/log ends:\n(.*\n)*\s+R1 !read_ok\n/);
  });

  test('names that the object does not have', () => {
    using object = load();
    expect(() => object.map('tabel')).toThrow(expect.objectContaining({ hint: 'did you mean table?' }));
    expect(() => object.program('on_conect')).toThrow(expect.objectContaining({ hint: 'did you mean on_connect?' }));
  });

  test('closing twice closes once', () => {
    const object = load();
    object.close();
    object.close();
    expect(() => machine.mapLookup(object.map('numbers').fd, new Uint8Array(4))).toThrow(
      expect.objectContaining({ errno: 'EBADF' }),
    );
  });
});
