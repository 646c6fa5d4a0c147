import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type ArgumentKind,
  helperAllowed,
  helperById,
  helperByName,
  helperNames,
  helperPrototype,
  helpers,
  helpersFor,
  onlyFor,
  type ProgramType,
  programTypes,
  prototypes,
  releaseAtLeast,
  typesCalling,
} from '../../src/uapi/index.ts';

/**
 * What Linux 6.18 answered, asked with small programs: the types that may call a helper, whether a program without a
 * GPL license may, and of each argument the types that the verifier expects when it is given another, whether it takes
 * NULL or a size of 0, and whether it writes there. `complete`: a call with these arguments and no more was accepted.
 */
interface Observed {
  readonly id: number;
  readonly gpl: boolean | null;
  readonly types: readonly ProgramType[];
  readonly type?: ProgramType;
  readonly args?: readonly { expected?: string; null?: boolean; zero?: boolean; writes?: boolean }[];
  readonly complete?: boolean;
}
const observed = Object.entries(
  JSON.parse(readFileSync(new URL('fixtures/helpers-6.18.json', import.meta.url), 'utf8')) as Record<string, Observed>,
);

const memory = 'fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_';
const expectedTypes: Readonly<Record<ArgumentKind, string | undefined>> = {
  constMapPtr: 'map_ptr',
  ptrToMapKey: memory,
  ptrToMapValue: memory,
  ptrToMem: memory,
  constSize: 'scalar',
  constSizeOrZero: 'scalar',
  constAllocSizeOrZero: 'scalar',
  ptrToCtx: 'ctx',
  anything: undefined,
  ptrToSpinLock: 'map_value, ptr_',
  ptrToSockCommon: 'sock_common, sock, tcp_sock, xdp_sock',
  ptrToSocket: 'sock, tcp_sock, xdp_sock',
  ptrToBtfId: 'ptr_, trusted_ptr_, rcu_ptr_',
  ptrToRingbufMem: 'ringbuf_mem',
  ptrToBtfIdSockCommon: 'sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_',
  ptrToPercpuBtfId: 'percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_',
  ptrToFunc: 'func',
  ptrToStack: 'fp',
  ptrToConstStr: 'map_value',
  ptrToTimer: 'map_value',
  kptrXchgDest: 'map_value, ptr_',
  ptrToDynptr: 'fp, dynptr_ptr',
};

describe('the helpers of 6.18', () => {
  test('are those of the kernel, each with its number', () => {
    expect(observed.map(([name]) => name)).toEqual(helperNames);
    for (const [name, facts] of observed) expect(helperByName(name)).toMatchObject({ name, id: facts.id });
  });

  test('numbers run from 1 without a gap', () => {
    expect(helperNames.map((name) => helpers[name].id)).toEqual(helperNames.map((_, index) => index + 1));
  });

  test.each([
    ['ktime_get_ns', 5],
    ['bpf_ktime_get_ns', 5],
    ['perf_event_output', 25],
    ['bpf_probe_read_kernel_str', 115],
  ])('%s is %i', (name, id) => {
    expect(helperByName(name)?.id).toBe(id);
    expect(helperById(id)?.name).toBe(name.replace('bpf_', ''));
  });

  test.each(['', 'bpf_', 'unspec', 'toString', 'bpf_bpf_loop'])('%j is no helper', (name) => {
    expect(helperByName(name)).toBeUndefined();
  });

  test.each([0, 212, -1, 1.5])('%d is no number of one', (id) => {
    expect(helperById(id)).toBeUndefined();
  });

  test('a later number did not come in an earlier release', () => {
    const wrong = helperNames.filter((name, index) => {
      const before = helperNames[index - 1];
      return before !== undefined && !releaseAtLeast(helpers[name].since, helpers[before].since);
    });
    expect(wrong).toEqual([]);
  });
});

describe('who may call what', () => {
  /** Types and helpers that the asked kernel was built without. */
  const unasked = new Set<ProgramType>(['lirc_mode2', 'struct_ops', 'ext', 'lsm']);

  test.each(observed)('%s', (name, facts) => {
    const helper = helperByName(name)!;
    if (facts.gpl !== null) expect(helper.gpl).toBe(facts.gpl);
    const known = typesCalling(helper.name).filter((type) => !unasked.has(type));
    if (facts.types.length > 0) expect([...known].sort()).toEqual([...facts.types].sort());
  });

  test.each<[string, ProgramType, boolean]>([
    ['probe_read', 'kprobe', true],
    ['probe_read', 'xdp', false],
    ['xdp_adjust_head', 'xdp', true],
    ['xdp_adjust_head', 'sched_cls', false],
    ['override_return', 'kprobe', true],
    ['override_return', 'tracepoint', false],
    ['ima_inode_hash', 'lsm', true],
    ['map_lookup_elem', 'unspec', false],
  ])('%s from %s: %s', (name, type, allowed) => {
    expect(helperAllowed(helperByName(name)!.name, type)).toBe(allowed);
  });

  test('the two ways of asking agree', () => {
    for (const type of Object.keys(programTypes) as ProgramType[]) {
      expect(new Set(helpersFor(type))).toEqual(new Set(helperNames.filter((name) => helperAllowed(name, type))));
    }
    for (const name of Object.keys(onlyFor)) expect(helperAllowed(helperByName(name)!.name, 'tracing')).toBe(true);
  });

  test('every helper can be called by someone', () => {
    expect(helperNames.filter((name) => typesCalling(name).length === 0)).toEqual([]);
  });
});

describe('what helpers take', () => {
  test.each(observed.filter(([, facts]) => facts.args !== undefined))('%s', (name, facts) => {
    const prototype = helperPrototype(helperByName(name)!.name, facts.type);
    if (facts.complete) expect(prototype.args.length).toBe(facts.args!.length);
    for (const [index, seen] of facts.args!.entries()) {
      const arg = prototype.args[index]!;
      expect({ index, expected: expectedTypes[arg.kind] }).toEqual({ index, expected: seen.expected });
      if (seen.null !== undefined) expect(arg.orNull ?? false).toBe(seen.null);
      if (seen.writes !== undefined) expect(arg.write ?? false).toBe(seen.writes);
      if (seen.zero !== undefined) expect(arg.kind !== 'constSize').toBe(seen.zero);
    }
  });

  test.each(helperNames)('%s: at most five arguments, a size behind every memory of no fixed size', (name) => {
    const { args } = prototypes[name];
    expect(args.length).toBeLessThanOrEqual(5);
    for (const [index, arg] of args.entries()) {
      const next = args[index + 1]?.kind;
      if (arg.kind === 'ptrToMem' && arg.size === undefined) expect(next).toMatch(/^constSize/);
      if (arg.kind.startsWith('constSize')) expect(args[index - 1]?.kind).toBe('ptrToMem');
      if (arg.kind === 'ptrToMapKey')
        expect(args.slice(0, index).map((before) => before.kind)).toContain('constMapPtr');
      if (arg.kind === 'ptrToBtfId' && !arg.release) expect(arg.struct).toBeDefined();
    }
  });

  test('some helpers take something else from some programs', () => {
    expect(helperPrototype('get_cgroup_classid').args).toEqual([]);
    expect(helperPrototype('get_cgroup_classid', 'sched_cls').args).toEqual([{ kind: 'ptrToCtx' }]);
    expect(helperPrototype('get_cgroup_classid', 'kprobe').args).toEqual([]);
  });
});
