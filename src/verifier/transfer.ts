import { compute, extend, moveOffset, type Operation, swapBytes, truncate } from './arithmetic.ts';
import type { Environment } from './environment.ts';
import { markPrecise } from './precision.ts';
import {
  constantRegister,
  kinds,
  kindText,
  numberRegister,
  pointer,
  type Register,
  scalarRegister,
  unknownScalar,
} from './register.ts';
import { constant, type Scalar, s32Min, s64Min, zero } from './scalar.ts';

/** What arithmetic does to a register: numbers by their ranges, pointers by moving (check_alu_op). */
const operations: Readonly<Record<number, Operation>> = {
  0: 'add',
  16: 'sub',
  32: 'mul',
  64: 'or',
  80: 'and',
  96: 'lsh',
  112: 'rsh',
  160: 'xor',
  192: 'arsh',
};
const symbols: Readonly<Record<number, string>> = {
  0: '+=',
  16: '-=',
  32: '*=',
  48: '/=',
  64: '|=',
  80: '&=',
  96: '<<=',
  112: '>>=',
  128: 'neg',
  144: '%=',
  160: '^=',
  176: '=',
  192: 's>>=',
};

export function checkRead(env: Environment, number: number): Register {
  if (number > 10) env.fail('EINVAL', `R${number} is invalid`);
  const register = env.register(number);
  if (register.kind === 'uninitialised') env.fail('EACCES', `R${number} !read_ok`);
  env.scratchRegister(number);
  return register;
}

export function checkWrite(env: Environment, number: number): void {
  if (number > 10) env.fail('EINVAL', `R${number} is invalid`);
  if (number === 10) env.fail('EACCES', 'frame pointer is read only');
  env.scratchRegister(number);
}

export function transferArithmetic(env: Environment): void {
  const { slots, slot } = env;
  const opcode = slots.opcode[slot] as number;
  const operation = opcode & 0xf0;
  if (operation === 0x80 || operation === 0xd0) {
    unary(env, opcode);
    return;
  }
  if (operation === 0xb0) {
    move(env, opcode);
    return;
  }
  if (operation > 0xd0) env.fail('EINVAL', `invalid BPF_ALU opcode ${operation.toString(16)}`);
  binary(env, opcode);
}

function unary(env: Environment, opcode: number): void {
  const { slots, slot } = env;
  const dst = slots.dst[slot] as number;
  const wide = (opcode & 7) === 7;
  const imm = slots.imm[slot] as number;
  if ((opcode & 0xf0) === 0x80) {
    if ((opcode & 8) !== 0 || slots.src[slot] !== 0 || slots.offset[slot] !== 0 || imm !== 0) {
      env.fail('EINVAL', 'BPF_NEG uses reserved fields');
    }
  } else if (
    slots.src[slot] !== 0 ||
    slots.offset[slot] !== 0 ||
    (imm !== 16 && imm !== 32 && imm !== 64) ||
    (wide && (opcode & 8) !== 0)
  ) {
    env.fail('EINVAL', 'BPF_END uses reserved fields');
  }
  const register = checkRead(env, dst);
  checkWrite(env, dst);
  if (register.isPointer) env.setRegister(dst, unknownScalar);
  else if ((opcode & 0xf0) === 0x80)
    env.setRegister(dst, scalarRegister(compute('neg', register.scalar, zero, wide ? 64 : 32)));
  else if (wide || (opcode & 8) !== 0) env.setRegister(dst, scalarRegister(swapBytes(register.scalar, imm / 8)));
  else if (imm < 64) env.setRegister(dst, scalarRegister(truncate(register.scalar, imm / 8)));
}

function move(env: Environment, opcode: number): void {
  const { slots, slot } = env;
  const dst = slots.dst[slot] as number;
  const src = slots.src[slot] as number;
  const offset = slots.offset[slot] as number;
  const imm = slots.imm[slot] as number;
  const wide = (opcode & 7) === 7;
  const reserved = (): never => env.fail('EINVAL', 'BPF_MOV uses reserved fields');
  if ((opcode & 8) === 0) {
    if (src !== 0 || offset !== 0) reserved();
    checkWrite(env, dst);
    env.setRegister(dst, wide ? numberRegister(imm) : constantRegister(BigInt(imm >>> 0)));
    return;
  }
  if (imm !== 0 || (offset !== 0 && offset !== 8 && offset !== 16 && !(wide && offset === 32))) reserved();
  const from = checkRead(env, src);
  checkWrite(env, dst);
  const bytes = (offset / 8) as 1 | 2 | 4;
  if (from.isPointer) {
    // A part of an address is any number.
    const part = scalarRegister(wide ? unknownScalar.scalar : truncate(unknownScalar.scalar, 4));
    env.setRegister(dst, wide && offset === 0 ? from : part);
  } else if (offset !== 0) {
    const extended = extend(from.scalar, bytes, wide ? 64 : 32);
    // Without a sign to extend it is the same number still.
    const isSame = from.scalar.umaxNumber < 2 ** (offset - 1);
    env.setRegister(dst, isSame ? sameNumber(nameRegister(env, src, from), extended) : scalarRegister(extended));
  } else if (wide || from.scalar.umaxHigh === 0) {
    const named = nameRegister(env, src, from);
    env.setRegister(dst, wide ? named : sameNumber(named, named.scalar.draft().zeroExtend()));
  } else {
    env.setRegister(dst, scalarRegister(from.scalar.draft().zeroExtend()));
  }
}

function sameNumber(register: Register, scalar: Scalar): Register {
  const copy = register.draft();
  copy.scalar = scalar;
  return copy;
}

/** As `nameScalar`, for a register of the present frame, which gets the id too. */
function nameRegister(env: Environment, number: number, register: Register): Register {
  const named = nameScalar(env, register);
  if (named !== register) env.setRegister(number, named);
  return named;
}

/** A copied number gets an id, so that what one copy learns the other knows; a distance from others is forgotten. */
export function nameScalar(env: Environment, register: Register): Register {
  if (!register.isScalar) return register;
  const hasId = register.id !== 0 && !register.added;
  if (hasId || (register.isConst && register.id === 0)) return register;
  const named = register.draft();
  named.id = register.isConst ? 0 : env.freshId();
  named.added = 0;
  named.offset = 0;
  return named;
}

function binary(env: Environment, opcode: number): void {
  const { slots, slot } = env;
  const dst = slots.dst[slot] as number;
  const src = slots.src[slot] as number;
  const imm = slots.imm[slot] as number;
  const offset = slots.offset[slot] as number;
  const operation = opcode & 0xf0;
  const wide = (opcode & 7) === 7;
  const fromRegister = (opcode & 8) !== 0;
  const divides = operation === 0x30 || operation === 0x90;
  if ((fromRegister ? imm : src) !== 0 || (offset !== 0 && !(offset === 1 && divides))) {
    env.fail('EINVAL', 'BPF_ALU uses reserved fields');
  }
  const right = fromRegister ? checkRead(env, src) : numberRegister(imm);
  const left = checkRead(env, dst);
  if (!fromRegister && divides && imm === 0) env.fail('EINVAL', 'div by zero');
  const shifts = operation === 0x60 || operation === 0x70 || operation === 0xc0;
  if (!fromRegister && shifts && (imm < 0 || imm >= (wide ? 64 : 32))) env.fail('EINVAL', `invalid shift ${imm}`);
  checkWrite(env, dst);
  if (left.isPointer && right.isPointer) {
    if (operation !== 0x10) env.fail('EACCES', `R${dst} pointer ${symbols[operation]} pointer prohibited`);
    env.setRegister(dst, unknownScalar);
    return;
  }
  if (left.isPointer) {
    if (fromRegister) markPrecise(env, src);
    movePointer(env, dst, left, right.scalar, operation, wide, false);
    return;
  }
  if (right.isPointer) {
    markPrecise(env, dst);
    movePointer(env, dst, right, left.scalar, operation, wide, true);
    return;
  }
  const result = scalarRegister(compute(operations[operation] ?? 'other', left.scalar, right.scalar, wide ? 64 : 32));
  const distance = distanceOf(operation, right.scalar, wide);
  // A number to which a constant was added, once, is still tied to its copies; in 32 bits only one that has no more.
  const keeps = wide || left.scalar.umaxHigh === 0;
  if (keeps && left.id !== 0 && left.added === 0 && distance !== undefined && (!fromRegister || src !== dst)) {
    result.id = left.id;
    result.added = wide ? 64 : 32;
    result.offset = distance;
  }
  env.setRegister(dst, result);
}

/** What an addition or subtraction of a constant adds, where it is a signed number of 32 bits. */
function distanceOf(operation: number, by: Scalar, wide: boolean): number | undefined {
  if ((operation !== 0x00 && operation !== 0x10) || !(wide ? by.isConst : by.isConst32)) return undefined;
  const added = by.valueLow;
  if (wide && by.valueHigh !== added >> 31) return undefined;
  if (operation === 0x00) return added;
  return added === s32Min ? undefined : -added;
}

const movable: ReadonlySet<string> = new Set([
  'context',
  'mapValue',
  'mapKey',
  'stack',
  'packetMeta',
  'packet',
  'traceBuffer',
  'btf',
  'memory',
  'buffer',
  'function',
  'dynptr',
]);

function movePointer(
  env: Environment,
  dst: number,
  from: Register,
  by: Scalar,
  operation: number,
  wide: boolean,
  reversed: boolean,
): void {
  const text = kindText(from.kind, from.flags);
  if (!wide) {
    if (operation === 0x10) {
      env.setRegister(dst, unknownScalar);
      return;
    }
    env.fail('EACCES', `R${dst} 32-bit pointer arithmetic prohibited`);
  }
  if (from.maybeNull) env.fail('EACCES', `R${dst} pointer arithmetic on ${text} prohibited, null-check it first`);
  const mapByZero = from.kind === 'map' && by.isZero && operation === 0x00;
  if (!movable.has(from.kind) && !(from.kind === 'flowKeys' && by.isConst) && !mapByZero) {
    env.fail('EACCES', `R${dst} pointer arithmetic on ${text} prohibited`);
  }
  checkSane(env, kinds[from.kind], by, 0);
  checkSane(env, kinds[from.kind], from.scalar, from.offset);
  if (operation === 0x10 && reversed) env.fail('EACCES', `R${dst} tried to subtract pointer from scalar`);
  if (operation === 0x10 && from.kind === 'stack')
    env.fail('EACCES', `R${dst} subtraction from stack pointer prohibited`);
  if (operation === 0x40 || operation === 0x50 || operation === 0xa0) {
    env.fail('EACCES', `R${dst} bitwise operator ${symbols[operation]} on pointer prohibited`);
  }
  if (operation > 0x10) env.fail('EACCES', `R${dst} pointer arithmetic with ${symbols[operation]} operator prohibited`);
  const moved = from.draft();
  const adds = operation === 0x00;
  if (by.isConst) {
    moved.offset += adds ? by.valueLow : -by.valueLow;
  } else {
    moved.scalar = moveOffset(adds ? 'add' : 'sub', from.scalar, by);
    if (from.isPacket) {
      moved.id = env.freshId();
      if (adds || by.sminHigh < 0) moved.range = 0;
    }
  }
  checkSane(env, kinds[from.kind], moved.scalar, moved.offset);
  env.setRegister(dst, moved);
}

const most = 1 << 29;

/** Offsets beyond 2^29 could overflow later sums (check_reg_sane_offset). */
function checkSane(env: Environment, text: string, scalar: Scalar, offset: number): void {
  const isSane = scalar.sminNumber < most && scalar.sminNumber > -most;
  if (scalar.isConst && !isSane) {
    env.fail('EINVAL', `math between ${text} pointer and ${BigInt.asIntN(64, scalar.value)} is not allowed`);
  }
  if (offset >= most || offset <= -most) env.fail('EINVAL', `${text} pointer offset ${offset} is not allowed`);
  if (isSane) return;
  if (scalar.smin === s64Min) {
    env.fail('EINVAL', `math between ${text} pointer and register with unbounded min value is not allowed`);
  }
  env.fail('EINVAL', `value ${scalar.smin} makes ${text} pointer be out of bounds`);
}

/** A 64-bit immediate: a number, a map, or a place in a map's value. */
export function loadWide(env: Environment): void {
  const { slots, slot } = env;
  const dst = slots.dst[slot] as number;
  if (slots.offset[slot] !== 0) env.fail('EINVAL', 'BPF_LD_IMM64 uses reserved fields');
  checkWrite(env, dst);
  const source = slots.src[slot] as number;
  const next = slots.imm[slot + 1] as number;
  if (source === 0) {
    env.setRegister(
      dst,
      scalarRegister(constant((BigInt(next >>> 0) << 32n) | BigInt((slots.imm[slot] as number) >>> 0))),
    );
    return;
  }
  if (source === 3) {
    env.setRegister(dst, env.symbolAt.get(slot) ?? unknownScalar);
    return;
  }
  if (source === 4) {
    env.setRegister(dst, functionPointer(env));
    return;
  }
  const register = pointer(source === 1 ? 'map' : 'mapValue');
  register.shape = env.mapAt.get(slot);
  if (source === 2) register.offset = next;
  env.setRegister(dst, register);
}

/** The address of one of the program's own functions, for a helper to call back. */
function functionPointer(env: Environment): Register {
  const { slots, slot, program } = env;
  const target = slot + 1 + (slots.imm[slot] as number);
  if (!program.functions) env.fail('EINVAL', 'missing btf func_info');
  const info = program.functions.find((each) => each.slot === target);
  const type = info && program.btf?.type(info.type);
  if (type?.kind === 'function' && type.linkage !== 0) env.fail('EINVAL', 'callback function not static');
  const register = pointer('function').draft();
  register.frame = env.subprogramAt(target);
  return register;
}
