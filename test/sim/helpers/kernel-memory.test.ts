import { describe, expect, test } from 'vitest';
import { errno, viewOf } from '../../../src/base/index.ts';
import { binary, type Task } from '../../../src/events/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench, bash, end, openOutput, profile, storing } from '../bench.ts';

const target = { kind: 'kprobe', function: 'tcp_v4_connect' } as const;

/** The id of a variable of the kernel: BTF is only searched for types and functions. */
function idOf(name: string): number {
  const { btf } = profile;
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id);
    if (type.kind === 'variable' && type.name === name) return id;
  }
  throw new Error(`no variable ${name}`);
}

describe.each(engines)('on the $name', (engine) => {
  /** A program in which `NAME ll` is the address of a variable of the kernel. */
  function variable(name: string, body: string) {
    const bench = new Bench(engine, { cpus: 4 });
    const out = bench.map({ type: 'array' });
    const code = bench.code(storing(body), { out });
    const view = viewOf(code);
    for (let at = 0; at < code.length; at += 8) {
      if (code[at] !== 0x18) continue;
      if (view.getInt32(at + 4, true) === -1) {
        code[at + 1] = (code[at + 1]! & 0xf) | 0x30;
        view.setInt32(at + 4, idOf(name), true);
      }
      at += 8;
    }
    const { machine } = bench;
    machine.attach(machine.programLoad({ type: 'kprobe', code, license: 'GPL' }), target);
    bench.entry('tcp_v4_connect', {}, { cpu: 3 });
    expect(machine.traps).toEqual([]);
    return bench.u64(out);
  }
  const readIt = 'if r0 == 0 goto none\nr0 = *(u32 *)(r0 + 0)\ngoto over\nnone:\nr0 = 99\nover:';

  test.each([
    ['this_cpu_ptr', 'r1 = it ll\ncall bpf_this_cpu_ptr\nr0 = *(u32 *)(r0 + 0)', 3n],
    ['per_cpu_ptr', `r1 = it ll\nr2 = 2\ncall bpf_per_cpu_ptr\n${readIt}`, 2n],
    ['per_cpu_ptr of no CPU', `r1 = it ll\nr2 = 4\ncall bpf_per_cpu_ptr\n${readIt}`, 99n],
  ])("%s finds a CPU's copy of a variable", (_, body, value) => {
    expect(variable('cpu_number', body)).toBe(value);
  });

  test('what nobody plays is zero', () => {
    expect(variable('runqueues', `r1 = it ll\nr2 = 1\ncall bpf_per_cpu_ptr\n${readIt}`)).toBe(0n);
  });

  const area = (path: string) => profile.btf.member(profile.btf.find('struct', 'vm_area_struct')!, path)!.offset;
  const finding = (address: string, flags = 0) => `${openOutput}
      call bpf_get_current_task_btf
      r1 = r0
      r2 = ${address} ll
      r3 = seen ll
      r4 = r10
      r4 += -8
      *(u64 *)(r10 - 8) = 5
      r5 = ${flags}
      call bpf_find_vma
      *(u64 *)(r7 + 0) = r0
      r1 = *(u64 *)(r10 - 8)
      *(u64 *)(r7 + 8) = r1${end}
    seen:
      r6 = r3
      r1 = *(u64 *)(r2 + ${area('vm_start')})
      *(u64 *)(r6 + 0) = r1
      r0 = 0
      exit`;

  test.each<[string, string, number, Task, number, bigint]>([
    ['within a mapping', '0x555500001010', 0, bash, 0, 0x5555_0000_0000n],
    ['outside of all', '0x1000', 0, bash, -errno.ENOENT, 5n],
    ['of a kernel thread', '0x555500001010', 0, { ...bash, kernelThread: true }, -errno.ENOENT, 5n],
    ['with flags', '0x555500001010', 1, bash, -errno.EINVAL, 5n],
  ])('find_vma of an address %s', (_, address, flags, task, answer, start) => {
    const processes = [{ pid: bash.tgid, binaries: [binary('/usr/bin/app', { functions: ['main'] })] }];
    const bench = new Bench(engine, { processes });
    const out = bench.map({ type: 'array', valueSize: 16 });
    bench.trace({ kind: 'fentry', function: 'tcp_v4_connect' }, finding(address, flags), { out });
    bench.entry('tcp_v4_connect', {}, { task });
    expect(bench.machine.traps).toEqual([]);
    expect([Number(BigInt.asIntN(64, bench.u64(out))), bench.u64(out, 0, 8)]).toEqual([answer, start]);
  });
});
