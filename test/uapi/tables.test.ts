import { describe, expect, test } from 'vitest';
import {
  attachTypes,
  type ContextName,
  contextField,
  contextOf,
  contexts,
  expectedAttachTypes,
  mapTypes,
  mapTypesSince,
  programTypes,
  programTypesSince,
  registerSets,
  releaseAtLeast,
  seccompAction,
  tcDirectAction,
  tcpStateName,
  xdpAction,
} from '../../src/uapi/index.ts';

describe('contexts', () => {
  test.each<[ContextName, number, string, number, number]>([
    ['bpf_user_pt_regs_t', 168, 'di', 112, 8],
    ['__sk_buff', 192, 'data', 76, 4],
    ['__sk_buff', 192, 'data_end', 80, 4],
    ['__sk_buff', 192, 'tstamp', 152, 8],
    ['__sk_buff', 192, 'sk', 168, 8],
    ['__sk_buff', 192, 'cb[4]', 64, 4],
    ['xdp_md', 24, 'egress_ifindex', 20, 4],
    ['seccomp_data', 64, 'args[5]', 56, 8],
    ['seccomp_data', 64, 'instruction_pointer', 8, 8],
    ['bpf_perf_event_data', 184, 'sample_period', 168, 8],
    ['bpf_raw_tracepoint_args', 0, 'args[3]', 24, 8],
  ])('%s is %i bytes, %s at %i', (name, size, field, offset, length) => {
    expect(contexts[name].size).toBe(size);
    expect(contextField(name, field)).toEqual([offset, length]);
  });

  test.each<[ContextName, string]>([
    ['__sk_buff', 'cb[5]'],
    ['__sk_buff', 'toString'],
    ['xdp_md', 'data[1]'],
    ['seccomp_data', 'args[6]'],
  ])('%s has no field %s', (name, field) => {
    expect(contextField(name, field)).toBeUndefined();
  });

  test('no field reaches beyond its context, and each is aligned', () => {
    for (const { size, fields } of Object.values(contexts)) {
      for (const [name, [offset, length]] of Object.entries(fields) as [string, readonly [number, number]][]) {
        if (size > 0) expect({ name, inside: offset + length <= size }).toEqual({ name, inside: true });
        expect(offset % Math.min(4, length)).toBe(0);
      }
    }
  });

  test('every program type says which it is given', () => {
    expect(Object.keys(contextOf)).toEqual(Object.keys(programTypes));
  });
});

describe('registers', () => {
  test.each([
    ['x86_64', 168, 'di', 112, 'ax', 80, 'ip', 128],
    ['arm64', 336, 'regs[0]', 0, 'regs[0]', 0, 'pc', 256],
  ] as const)('%s', (name, size, first, firstOffset, result, resultOffset, ip, ipOffset) => {
    const set = registerSets[name];
    const offsets: Readonly<Record<string, number>> = set.offsets;
    expect(set.size).toBe(size);
    expect([set.parameters[0], offsets[set.parameters[0]]]).toEqual([first, firstOffset]);
    expect([set.result, offsets[set.result]]).toEqual([result, resultOffset]);
    expect([set.instructionPointer, offsets[set.instructionPointer]]).toEqual([ip, ipOffset]);
    for (const register of [...set.parameters, ...set.syscallParameters, set.stackPointer, set.framePointer])
      expect(offsets[register]).toBeDefined();
  });
});

describe('verdicts', () => {
  test.each([
    [0, 'aborted'],
    [1, 'drop'],
    [2, 'pass'],
    [4, 'redirect'],
    [5, 'aborted'],
    [-1, 'aborted'],
  ])('XDP %i is %s', (result, name) => {
    expect(xdpAction(result)).toBe(name);
  });

  test.each([
    [0, 'ok'],
    [2, 'shot'],
    [7, 'redirect'],
    [8, 'trap'],
    [3, 'unspec'],
    [-1, 'unspec'],
    [99, 'unspec'],
  ])('tc %i is %s', (result, name) => {
    expect(tcDirectAction(result)).toBe(name);
  });

  test.each([
    [0x7fff0000, 'allow', 0],
    [0x5000d, 'errno', 13],
    [0x80000000, 'killProcess', 0],
    [-0x80000000, 'killProcess', 0],
    [0, 'killThread', 0],
    [0x12340000, 'killProcess', 0],
  ])('seccomp %i is %s', (result, action, data) => {
    expect(seccompAction(result)).toEqual({ action, data });
  });
});

describe('versions and names', () => {
  test('every program type and map type says since when', () => {
    expect(Object.keys(programTypesSince).sort()).toEqual(
      Object.keys(programTypes)
        .filter((n) => n !== 'unspec')
        .sort(),
    );
    expect(Object.keys(mapTypesSince).sort()).toEqual(
      Object.keys(mapTypes)
        .filter((n) => n !== 'unspec')
        .sort(),
    );
  });

  test.each([
    ['6.18', '6.1', true],
    ['6.1', '6.18', false],
    ['5.10', '5.9', true],
    ['4.20', '5.0', false],
    ['6.1', '6.1', true],
  ])('%s is at least %s: %s', (a, b, is) => {
    expect(releaseAtLeast(a, b)).toBe(is);
  });

  test('attach types run from 0 without a gap', () => {
    expect(Object.values(attachTypes)).toEqual(Object.values(attachTypes).map((_, index) => index));
    for (const types of Object.values(expectedAttachTypes)) expect(new Set(types).size).toBe(types.length);
  });

  test.each([
    [1, 'ESTABLISHED'],
    [12, 'NEW_SYN_RECV'],
    [99, '99'],
  ])('TCP state %i is %s', (value, name) => {
    expect(tcpStateName(value)).toBe(name);
  });
});
