import { describe, expect, test } from 'vitest';
import { errno } from '../../../src/base/index.ts';
import { bytesCodec, RingBuffer } from '../../../src/client/index.ts';
import type { Fd } from '../../../src/sys/index.ts';
import { mapFlags } from '../../../src/uapi/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, end, openOutput, storing, u32Bytes, u64Bytes } from '../bench.ts';

const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;
const key = '*(u32 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\n';
const u64At16 = '*(u64 *)(r10 - 16) = 77\nr2 = r10\nr2 += -16\n';

describe.each(engines)('on the $name', (engine) => {
  /** What a body leaves in r0, and the bench it ran on. */
  function run(body: string, maps: (bench: Bench) => Record<string, Fd>, more: object = {}) {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 64 });
    const made = maps(bench);
    bench.attach(target, storing(body), { out, ...made });
    bench.entry('tcp_v4_connect', {}, more);
    expect(bench.machine.traps).toEqual([]);
    return { bench, maps: made, answer: BigInt.asIntN(64, bench.u64(out)) };
  }

  test('tail calls: a program is entered 34 times at most', () => {
    const bench = new Bench(engine);
    const count = bench.map({ type: 'array', maxEntries: 1 });
    const jumps = bench.map({ type: 'prog_array', valueSize: 4, maxEntries: 3 });
    const text = `r6 = r1
      ${key} r1 = count ll
      call bpf_map_lookup_elem
      if r0 == 0 goto done
      r1 = *(u64 *)(r0 + 0)
      r1 += 1
      *(u64 *)(r0 + 0) = r1
      r1 = r6
      r2 = jumps ll
      r3 = 1
      call bpf_tail_call
    done:
      r0 = 0
      exit`;
    const program = bench.load('kprobe', text, { count, jumps });
    bench.machine.attach(program, target);
    bench.entry('tcp_v4_connect');
    expect(bench.u64(count), 'an empty slot').toBe(1n);
    bench.machine.mapUpdate(jumps, u32Bytes(1), u32Bytes(program));
    bench.entry('tcp_v4_connect');
    expect(bench.u64(count)).toBe(35n);
    expect(bench.machine.traps).toEqual([]);
  });

  /** A callback that adds its second number to the sum that its context points to, and ends at the third call. */
  const summing = (register: string, number: string, stop: string) => `
    exit
  body:
    ${number}
    r3 = *(u64 *)(${register} + 0)
    r3 += r1
    *(u64 *)(${register} + 0) = r3
    r0 = ${stop}
    exit`;
  const context = 'r3 = r10\nr3 += -16\n*(u64 *)(r3 + 0) = 100\n';
  const sum = 'r1 = *(u64 *)(r10 - 16)\nr1 <<= 32\nr0 |= r1\n';
  const looping = (times: number, flags = 0, stop = 0) =>
    `${openOutput}r1 = ${times}\nr2 = body ll\n${context}r4 = ${flags}\ncall bpf_loop\n${sum}
    *(u64 *)(r7 + 0) = r0\n${end}${summing('r2', '', String(stop)).replace('exit', '')}`;
  const walking = (flags = 0, stop = 0) =>
    `${openOutput}r1 = walked ll\nr2 = body ll\n${context}r4 = ${flags}\ncall bpf_for_each_map_elem\n${sum}
    *(u64 *)(r7 + 0) = r0\n${end}${summing('r4', 'r1 = *(u64 *)(r3 + 0)', String(stop)).replace('exit', '')}`;

  test.each([
    ['loop of 5', looping(5), 5, 110],
    ['loop of none', looping(0), 0, 100],
    ['loop that ends at once', looping(5, 0, 1), 1, 100],
    ['loop with flags', looping(5, 1), -errno.EINVAL, -1],
    ['loop beyond 2^23', looping(8_388_609), -errno.E2BIG, -1],
    ['for_each_map_elem', walking(), 3, 160],
    ['for_each_map_elem that ends at once', walking(0, 1), 1, 110],
    ['for_each_map_elem with flags', walking(1), -errno.EINVAL, -1],
  ])('%s', (_, text, answer, total) => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 64 });
    const walked = bench.map({ type: 'array', maxEntries: 3 });
    for (const index of [0, 1, 2]) bench.machine.mapUpdate(walked, u32Bytes(index), u64Bytes(BigInt(10 * (index + 1))));
    bench.attach(target, text, { out, walked });
    bench.entry('tcp_v4_connect');
    expect(bench.machine.traps).toEqual([]);
    const result = bench.u64(out);
    expect([Number(BigInt.asIntN(32, result)), Number(BigInt.asIntN(32, result >> 32n))]).toEqual([answer, total]);
  });

  test('for_each_map_elem finds every element of a hash', () => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array', valueSize: 64 });
    for (const type of ['hash', 'lru_hash'] as const) {
      const walked = bench.map({ type });
      for (const index of [3, 9, 70]) bench.machine.mapUpdate(walked, u32Bytes(index), u64Bytes(BigInt(index)));
      const link = bench.attach(target, walking(), { out, walked });
      bench.entry('tcp_v4_connect');
      expect(bench.u64(out)).toBe((182n << 32n) | 3n);
      bench.machine.close(link);
    }
  });

  test.each([
    ['map_push_elem', `${u64At16}r1 = q ll\nr3 = 0\ncall bpf_map_push_elem`, 0],
    ['map_push_elem with unknown flags', `${u64At16}r1 = q ll\nr3 = 1\ncall bpf_map_push_elem`, -errno.EINVAL],
    ['map_pop_elem of an empty queue', `${u64At16}r1 = q ll\ncall bpf_map_pop_elem`, -errno.ENOENT],
    ['map_peek_elem of an empty queue', `${u64At16}r1 = q ll\ncall bpf_map_peek_elem`, -errno.ENOENT],
  ])('%s', (_, body, expected) => {
    const { answer } = run(body, (bench) => ({ q: bench.map({ type: 'queue', keySize: 0 }) }));
    expect(answer).toBe(BigInt(expected));
  });

  test('a look-up in a map of maps gives the inner map', () => {
    const body = `${key}r1 = outer ll
      call bpf_map_lookup_elem
      if r0 == 0 goto done
      r1 = r0
      r2 = r10
      r2 += -8
      call bpf_map_lookup_elem
      if r0 == 0 goto done
      r0 = *(u64 *)(r0 + 0)`;
    for (const type of ['array_of_maps', 'hash_of_maps'] as const) {
      const { answer } = run(body, (bench) => {
        const inner = bench.map({ type: 'hash' });
        const outer = bench.map({ type, valueSize: 4, innerMap: inner });
        bench.machine.mapUpdate(inner, u32Bytes(0), u64Bytes(42n));
        bench.machine.mapUpdate(outer, u32Bytes(0), u32Bytes(inner));
        return { outer };
      });
      expect(answer).toBe(42n);
    }
  });

  /** Cgroups: 1 is the root, 2 /system.slice, 3 /system.slice/ssh.service, 4 /user.slice. */
  const cgroups = (bench: Bench) => {
    const groups = bench.map({ type: 'cgroup_array', valueSize: 4, maxEntries: 4 });
    const paths = ['/system.slice/ssh.service', '/system.slice', '/user.slice'];
    for (const [index, path] of paths.entries()) {
      const fd = bench.machine.cgroupOpen(path);
      bench.machine.mapUpdate(groups, u32Bytes(index), u32Bytes(fd));
      bench.machine.close(fd);
    }
    return { groups };
  };
  const under = (index: number) => `r1 = groups ll\nr2 = ${index}\ncall bpf_current_task_under_cgroup`;
  const ancestor = (level: number) => `r1 = ${level}\ncall bpf_get_current_ancestor_cgroup_id`;
  test.each([
    ['its own', under(0), 1],
    ['one above', under(1), 1],
    ['another', under(2), 0],
    ['an empty slot', under(3), -errno.EAGAIN],
    ['beyond the map', under(4), -errno.E2BIG],
    ['get_current_cgroup_id', 'call bpf_get_current_cgroup_id', 3],
    ['ancestor 0', ancestor(0), 1],
    ['ancestor 1', ancestor(1), 2],
    ['ancestor 2', ancestor(2), 3],
    ['ancestor 3', ancestor(3), 0],
    ['ancestor -1', ancestor(-1), 0],
  ])('cgroup of the task: %s', (_, body, expected) => {
    const { answer } = run(body, cgroups, { task: { ...bash, cgroup: '/system.slice/ssh.service' } });
    expect(answer).toBe(BigInt(expected));
  });

  test('task storage belongs to the task', () => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    const store = bench.map({ type: 'task_storage', maxEntries: 0, flags: mapFlags.noPrealloc });
    const get = (flags: number) => `call bpf_get_current_task_btf
      r2 = r0
      r1 = store ll
      r3 = 0
      r4 = ${flags}
      call bpf_task_storage_get
      if r0 == 0 goto done
      r1 = *(u64 *)(r0 + 0)
      r1 += 1
      *(u64 *)(r0 + 0) = r1
      r0 = r1`;
    const found = bench.attach(target, storing(get(0)), { out, store });
    bench.entry('tcp_v4_connect');
    expect(bench.u64(out), 'there is none').toBe(0n);
    bench.machine.close(found);
    bench.attach(target, storing(get(1)), { out, store });
    const counts = [bash, { ...bash, pid: 9 }, bash].map((task, index, all) => {
      bench.entry('tcp_v4_connect', {}, { task: index === 2 ? all[0]! : task });
      return bench.u64(out);
    });
    expect(counts).toEqual([1n, 1n, 2n]);
  });

  test('get_task_stack is that of the current task', () => {
    const bench = new Bench(engine);
    const out = bench.map({ type: 'array' });
    const own = `call bpf_get_current_task_btf
      r1 = r0
      r2 = r10
      r2 += -64
      r3 = 64
      r4 = 0
      call bpf_get_task_stack`;
    bench.attach(target, storing(own), { out });
    bench.entry('tcp_v4_connect', {}, { stack: ['tcp_v4_connect', 'inet_stream_connect+0x3a'] });
    expect(bench.u64(out)).toBe(16n);
  });

  const record = (value: number) => `*(u64 *)(r10 - 16) = ${value}\nr2 = r10\nr2 += -16\nr1 = ring ll\n`;
  const reserve = (then: string) => `r1 = ring ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve
    if r0 == 0 goto done
    *(u64 *)(r0 + 0) = 5
    r1 = r0
    r2 = 0
    call bpf_ringbuf_${then}
    r0 = 0`;

  test.each([
    ['output', `${record(3)}r3 = 8\nr4 = 0\ncall bpf_ringbuf_output`, [3n], { delivered: 1 }],
    ['output with unknown flags', `${record(3)}r3 = 8\nr4 = 4\ncall bpf_ringbuf_output`, [], { lost: 1 }],
    ['submit', reserve('submit'), [5n], { delivered: 1 }],
    ['discard', reserve('discard'), [], { filtered: 1 }],
    ['two of one run', `${reserve('submit')}\n${reserve('submit')}`, [5n, 5n], { delivered: 2 }],
    ['nothing', 'r0 = 0', [], { filtered: 1 }],
  ])('ringbuf: %s', (_, body, expected, counted) => {
    const shape = { type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 } as const;
    const { bench, maps } = run(body, (made) => ({ ring: made.map(shape) }), { cpu: 1 });
    const { machine } = bench;
    const spec = { ...shape, name: 'ring', flags: 0, key: undefined, value: undefined };
    const decode = (view: DataView, offset: number, length: number) => [view.getBigUint64(offset, true), length];
    using reader = new RingBuffer(machine, { fd: maps.ring as Fd, spec }, { decode });
    const got: unknown[] = [];
    reader.records.subscribe((batch) => got.push(...batch));
    expect(machine.poll([reader.fd])).toEqual(expected.length > 0 || body.includes('discard') ? [reader.fd] : []);
    expect(machine.ledger.pending(0)).toBe(expected.length);
    expect(reader.poll()).toBe(expected.length);
    expect(got).toEqual(expected.map((value) => [value, 8]));
    expect(machine.poll([reader.fd])).toEqual([]);
    const { ledger } = machine;
    const counts = { delivered: ledger.delivered(1), lost: ledger.lost(1), filtered: ledger.filtered(1) };
    expect(counts).toEqual({ delivered: 0, lost: 0, filtered: 0, ...counted });
    expect(ledger.produced(1)).toBe(counts.delivered + counts.lost + counts.filtered);
  });

  test('a full ring loses, and both sides go on over its end', () => {
    const bench = new Bench(engine);
    const shape = { type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096 } as const;
    const ring = bench.map(shape);
    const big = bench.map({ type: 'array', valueSize: 1000, maxEntries: 1 });
    bench.attach(
      target,
      `${key}r1 = big ll
      call bpf_map_lookup_elem
      if r0 == 0 goto done
      r1 = *(u64 *)(r0 + 0)
      r1 += 1
      *(u64 *)(r0 + 0) = r1
      *(u64 *)(r0 + 992) = r1
      r2 = r0
      r1 = ring ll
      r3 = 1000
      r4 = 0
      call bpf_ringbuf_output
    done:
      r0 = 0
      exit`,
      { big, ring },
    );
    const { machine } = bench;
    const spec = { ...shape, name: 'ring', flags: 0, key: undefined, value: undefined };
    const decode = (view: DataView, offset: number) => [
      view.getUint32(offset, true),
      view.getUint32(offset + 992, true),
    ];
    const reader = new RingBuffer(machine, { fd: ring, spec }, { decode });
    const got: number[][] = [];
    reader.records.subscribe((batch) => got.push(...batch));
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 5; i++) bench.entry('tcp_v4_connect');
      expect(reader.poll()).toBe(4);
    }
    const kept = Array.from({ length: 25 }, (_, i) => i + 1).filter((i) => i % 5 !== 0);
    expect(got).toEqual(kept.map((i) => [i, i]));
    expect([machine.ledger.delivered(0), machine.ledger.lost(0)]).toEqual([20, 5]);
  });

  test('a map that is no ringbuf is refused with its name', () => {
    const bench = new Bench(engine);
    const shape = { type: 'hash', keySize: 4, valueSize: 8, maxEntries: 4 } as const;
    const spec = { ...shape, name: 'counts', flags: 0, key: undefined, value: undefined };
    const { decode } = { decode: bytesCodec(8).read };
    expect(() => new RingBuffer(bench.machine, { fd: bench.map(shape), spec }, { decode })).toThrow(/hash map counts/);
  });
});
