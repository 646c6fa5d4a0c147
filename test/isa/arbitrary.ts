import fc from 'fast-check';
import {
  aluOperations,
  atomicOperations,
  type CallTarget,
  callTargets,
  endianOperations,
  type InstructionBody,
  immediate,
  jumpOperations,
  type Operand,
  type PseudoImmediate,
  pseudoImmediates,
  type Register,
  register,
} from '../../src/isa/index.ts';

/** Instructions of every form, with every field at its extremes too. */
const keys = <K extends string>(table: Record<K, unknown>): fc.Arbitrary<K> =>
  fc.constantFrom(...(Object.keys(table) as K[]));
const anyRegister = fc.constantFrom<Register[]>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
const width = fc.constantFrom(32 as const, 64 as const);
const s16 = fc.integer({ min: -0x8000, max: 0x7fff });
const s32 = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 0x7fff_ffff, -0x8000_0000));
const operand: fc.Arbitrary<Operand> = fc.oneof(anyRegister.map(register), s32.map(immediate));
const anySize = fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const);
const place = fc.record({ size: anySize, base: anyRegister, offset: s16 });

const pseudo = keys(pseudoImmediates).chain((name: PseudoImmediate) =>
  fc.record({
    kind: fc.constant('loadImm64' as const),
    pseudo: fc.constant(name),
    dst: anyRegister,
    imm: s32,
    nextImm: pseudoImmediates[name].second === 'zero' ? fc.constant(0) : s32,
  }),
);

const call = keys(callTargets).chain((target: CallTarget) =>
  fc.record({
    kind: fc.constant('call' as const),
    target: fc.constant(target),
    imm: s32,
    offset: target === 'kfunc' ? s16 : fc.constant(0),
  }),
);

export const anyInstruction: fc.Arbitrary<InstructionBody> = fc.oneof(
  fc.record({ kind: fc.constant('alu' as const), op: keys(aluOperations), width, dst: anyRegister, src: operand }),
  fc.record({ kind: fc.constant('neg' as const), width, dst: anyRegister }),
  fc.record({
    kind: fc.constant('movsx' as const),
    width: fc.constant(64 as const),
    bits: fc.constantFrom(8 as const, 16 as const, 32 as const),
    dst: anyRegister,
    src: anyRegister,
  }),
  fc.record({
    kind: fc.constant('movsx' as const),
    width: fc.constant(32 as const),
    bits: fc.constantFrom(8 as const, 16 as const),
    dst: anyRegister,
    src: anyRegister,
  }),
  fc.record({ kind: fc.constant('addrSpaceCast' as const), dst: anyRegister, src: anyRegister, imm: s32 }),
  fc.record({
    kind: fc.constant('endian' as const),
    op: keys(endianOperations),
    bits: fc.constantFrom(16 as const, 32 as const, 64 as const),
    dst: anyRegister,
  }),
  place.chain((at) =>
    fc.record({
      kind: fc.constant('load' as const),
      signed: at.size === 8 ? fc.constant(false) : fc.boolean(),
      dst: anyRegister,
      size: fc.constant(at.size),
      base: fc.constant(at.base),
      offset: fc.constant(at.offset),
    }),
  ),
  fc.tuple(place, operand).map(([at, src]) => ({ kind: 'store' as const, ...at, src })),
  fc.tuple(place, keys(atomicOperations), anyRegister).map(([at, op, src]) => ({
    kind: 'atomic' as const,
    ...at,
    size: at.size === 8 ? (8 as const) : (4 as const),
    op,
    src,
  })),
  fc.tuple(place, anyRegister).map(([at, dst]) => ({ kind: 'loadAcquire' as const, ...at, dst })),
  fc.tuple(place, anyRegister).map(([at, src]) => ({ kind: 'storeRelease' as const, ...at, src })),
  fc.record({
    kind: fc.constant('loadPacket' as const),
    size: fc.constantFrom(1 as const, 2 as const, 4 as const),
    index: fc.option(anyRegister),
    imm: s32,
  }),
  pseudo,
  fc.record({
    kind: fc.constant('jump' as const),
    op: keys(jumpOperations),
    width,
    dst: anyRegister,
    src: operand,
    offset: s16,
  }),
  fc.record({ kind: fc.constant('goto' as const), long: fc.constant(false), offset: s16 }),
  fc.record({ kind: fc.constant('goto' as const), long: fc.constant(true), offset: s32 }),
  fc.record({ kind: fc.constant('mayGoto' as const), offset: s16 }),
  call,
  fc.record({ kind: fc.constant('callx' as const), dst: anyRegister }),
  fc.constant({ kind: 'exit' as const }),
);
