import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AluOperation,
  aluOperations,
  encode,
  type InstructionBody,
  immediate,
  type JumpOperation,
  jumpOperations,
  register,
} from '../../src/isa/index.ts';
import { engines } from './engines.ts';
import { linked, TestHost } from './host.ts';

const u = (bits: number, value: bigint): bigint => BigInt.asUintN(bits, value);
const s = (bits: number, value: bigint): bigint => BigInt.asIntN(bits, value);

/** What RFC 9669 says of each operation, on whole numbers of `bits`. */
const meaning: Record<AluOperation, (a: bigint, b: bigint, bits: number) => bigint> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? 0n : a / b),
  sdiv: (a, b, bits) => (b === 0n ? 0n : s(bits, a) / s(bits, b)),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  lsh: (a, b, bits) => a << (b & BigInt(bits - 1)),
  rsh: (a, b, bits) => a >> (b & BigInt(bits - 1)),
  mod: (a, b) => (b === 0n ? a : a % b),
  smod: (a, b, bits) => (b === 0n ? a : s(bits, a) % s(bits, b)),
  xor: (a, b) => a ^ b,
  mov: (_, b) => b,
  arsh: (a, b, bits) => s(bits, a) >> (b & BigInt(bits - 1)),
};

/** Numbers where carries, signs and the ways to divide change. */
const any64 = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.bigInt({ min: 0n, max: 0xffff_ffffn }),
  fc.nat(70).map((bit) => u(64, 1n << BigInt(bit % 64))),
  fc.constantFrom(0n, 1n, 0xffff_ffffn, 1n << 32n, 1n << 53n, 1n << 63n, (1n << 63n) - 1n, (1n << 64n) - 1n),
  fc.integer({ min: -20, max: 20 }).map((n) => u(64, BigInt(n))),
);

function load(dst: 0 | 1 | 2, value: bigint): InstructionBody {
  const [imm, nextImm] = [Number(s(32, value)), Number(s(32, value >> 32n))];
  return { kind: 'loadImm64', pseudo: 'value', dst, imm, nextImm };
}

describe.each(engines)('arithmetic on the $name', (engine) => {
  const host = new TestHost();
  const run = (...body: InstructionBody[]): bigint => {
    const program = engine.load(linked(encode([...body, { kind: 'exit' }])), host);
    program.run(0);
    expect(program.trap).toBeNull();
    return program.result;
  };

  test.each(Object.keys(aluOperations) as AluOperation[])('%s, both widths, register and immediate', (op) => {
    fc.assert(
      fc.property(any64, any64, fc.constantFrom(32 as const, 64 as const), (a, b, width) => {
        const src = register(1);
        const expected = u(width, meaning[op](u(width, a), u(width, b), width));
        expect(run(load(0, a), load(1, b), { kind: 'alu', op, width, dst: 0, src })).toBe(expected);
        const imm = Number(s(32, b));
        const extended = u(width, BigInt(imm));
        const withImm = u(width, meaning[op](u(width, a), extended, width));
        expect(run(load(0, a), { kind: 'alu', op, width, dst: 0, src: immediate(imm) })).toBe(withImm);
      }),
      { numRuns: 300 },
    );
  });

  test('neg, movsx and byte order', () => {
    fc.assert(
      fc.property(any64, (a) => {
        for (const width of [32, 64] as const) {
          expect(run(load(0, a), { kind: 'neg', width, dst: 0 })).toBe(u(width, -a));
          for (const bits of [8, 16, 32] as const) {
            if (bits === width) continue;
            const moved = run(load(1, a), { kind: 'movsx', width, bits, dst: 0, src: 1 });
            expect(moved).toBe(u(width, s(bits, a)));
          }
        }
        for (const bits of [16, 32, 64] as const) {
          const bytes = Array.from({ length: bits / 8 }, (_, i) => (a >> BigInt(8 * i)) & 0xffn);
          const swapped = bytes.reduce((sum, byte) => (sum << 8n) | byte, 0n);
          expect(run(load(0, a), { kind: 'endian', op: 'be', bits, dst: 0 })).toBe(swapped);
          expect(run(load(0, a), { kind: 'endian', op: 'bswap', bits, dst: 0 })).toBe(swapped);
          expect(run(load(0, a), { kind: 'endian', op: 'le', bits, dst: 0 })).toBe(u(bits, a));
        }
      }),
      { numRuns: 300 },
    );
  });

  const holds: Record<string, (a: bigint, b: bigint, bits: number) => boolean> = {
    eq: (a, b) => a === b,
    ne: (a, b) => a !== b,
    gt: (a, b) => a > b,
    ge: (a, b) => a >= b,
    lt: (a, b) => a < b,
    le: (a, b) => a <= b,
    set: (a, b) => (a & b) !== 0n,
    sgt: (a, b, bits) => s(bits, a) > s(bits, b),
    sge: (a, b, bits) => s(bits, a) >= s(bits, b),
    slt: (a, b, bits) => s(bits, a) < s(bits, b),
    sle: (a, b, bits) => s(bits, a) <= s(bits, b),
  };

  test.each(Object.keys(jumpOperations) as JumpOperation[])('jump if %s, both widths, register and immediate', (op) => {
    const taken = (a: bigint, b: bigint | number, width: 32 | 64): boolean => {
      const src = typeof b === 'number' ? immediate(b) : register(2);
      const answer = run(
        load(1, a),
        load(2, typeof b === 'number' ? 0n : b),
        { kind: 'alu', op: 'mov', width: 64, dst: 0, src: immediate(1) },
        { kind: 'jump', op, width, dst: 1, src, offset: 1 },
        { kind: 'alu', op: 'mov', width: 64, dst: 0, src: immediate(0) },
      );
      return answer === 1n;
    };
    fc.assert(
      fc.property(any64, any64, fc.boolean(), fc.constantFrom(32 as const, 64 as const), (a, other, same, width) => {
        const b = same ? a : other;
        expect(taken(a, b, width)).toBe(holds[op]!(u(width, a), u(width, b), width));
        const imm = Number(s(32, b));
        expect(taken(a, imm, width)).toBe(holds[op]!(u(width, a), u(width, BigInt(imm)), width));
      }),
      { numRuns: 300 },
    );
  });
});
