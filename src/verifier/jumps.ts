import { comparisons, decide, opposite, refine } from './branch.ts';
import type { Environment } from './environment.ts';
import { Lesson, Linked } from './linked.ts';
import { markPrecise } from './precision.ts';
import { flag, numberRegister, type Register, zeroRegister } from './register.ts';
import type { State } from './state.ts';
import { checkRead } from './transfer.ts';
import { widenFrom } from './widening.ts';

/** Conditional jumps: which sides can be taken, and what each side knows (check_cond_jmp_op). */
export function jumpIf(env: Environment): void {
  const { slots, slot } = env;
  const opcode = slots.opcode[slot] as number;
  if (opcode === 0xe5) {
    mayGoto(env);
    return;
  }
  const width = (opcode & 7) === 6 ? 32 : 64;
  const fromRegister = (opcode & 8) !== 0;
  const src = slots.src[slot] as number;
  const dst = slots.dst[slot] as number;
  const comparison = comparisons[opcode & 0xf0];
  if (!comparison) env.fail('EINVAL', `invalid BPF_JMP/JMP32 opcode ${(opcode & 0xf0).toString(16)}`);
  const left = checkRead(env, dst);
  if (fromRegister ? slots.imm[slot] !== 0 : src !== 0) env.fail('EINVAL', 'BPF_JMP/JMP32 uses reserved fields');
  const right = fromRegister ? checkRead(env, src) : numberRegister(slots.imm[slot] as number);
  const target = slot + 1 + (slots.offset[slot] as number);
  if (fromRegister && left.kind === 'stack') env.history().targetIsStack = true;
  if (fromRegister && right.kind === 'stack') env.history().sourceIsStack = true;
  const taken = decideJump(comparison, left, right, width);
  if (taken !== undefined) {
    if (left.isScalar) markPrecise(env, dst);
    if (fromRegister && right.isScalar) markPrecise(env, src);
    if (env.log.detailed) env.sayState();
    env.slot = taken ? target : slot + 1;
    return;
  }
  const linked = new Linked();
  if (fromRegister && right.isScalar && right.id !== 0) linked.collect(env.state, right.id, env.liveRegisters);
  if (left.isScalar && left.id !== 0) linked.collect(env.state, left.id, env.liveRegisters);
  if (linked.places.length > 1) env.history().linked = linked.places;
  const other = env.push(target, slot);
  if (left.isScalar && right.isScalar) {
    const learn = new Lesson(dst, left, fromRegister ? src : -1, right, linked.places);
    learn.give(other, (a, b) => refine(comparison, a, b, width));
    learn.give(env.state, (a, b) => refine(opposite(comparison), a, b, width));
  } else if ((comparison === 'eq' || comparison === 'ne') && width === 64) {
    const isNullTest = right.isNull && left.maybeNull;
    if (isNullTest) {
      settleNull(other, left, comparison === 'eq');
      settleNull(env.state, left, comparison === 'ne');
    }
  } else if (fromRegister && width === 64) comparePackets(env, comparison, left, right, other);
  if (env.log.detailed) env.sayState();
  env.slot = slot + 1;
}

function mayGoto(env: Environment): void {
  const { slots, slot } = env;
  if (slots.src[slot] !== 0 || slots.dst[slot] !== 0 || slots.imm[slot] !== 0) {
    env.fail('EINVAL', `invalid may_goto imm ${slots.imm[slot]}`);
  }
  const inside = env.push(slot + 1, slot);
  inside.mayGotoDepth++;
  widenFrom(env, inside, slot);
  env.slot = slot + 1 + (slots.offset[slot] as number);
}

function decideJump(
  comparison: NonNullable<(typeof comparisons)[number]>,
  left: Register,
  right: Register,
  width: 32 | 64,
): boolean | undefined {
  if (left.isScalar && right.isScalar) return decide(comparison, left.scalar, right.scalar, width);
  const isPointerToNull = (left.isPointer && right.isNull) || (right.isPointer && left.isNull);
  const pointed = left.isPointer ? left : right;
  if (left.isPointer && right.isPointer && width === 64) return decidePacket(comparison, left, right);
  if (!isPointerToNull || !neverNull(pointed)) return undefined;
  return comparison === 'eq' ? false : comparison === 'ne' ? true : undefined;
}

function neverNull(register: Register): boolean {
  if (register.maybeNull) return false;
  return ['socket', 'tcpSocket', 'mapValue', 'mapKey', 'socketCommon', 'map'].includes(register.kind);
}

function settleNull(state: State, tested: Register, isNull: boolean): void {
  state.mapRegisters((register) => {
    if (!register.maybeNull || register.id !== tested.id) return register;
    if (isNull) return zeroRegister;
    const known = withoutNull(register);
    if (register.referenceId === 0 && register.shape?.spinLock === undefined) known.id = 0;
    return known;
  });
  if (isNull && tested.referenceId !== 0 && tested.referenceId === tested.id) {
    state.references = state.references.filter(({ id }) => id !== tested.referenceId);
  }
}

/** A value that is there: of a map of maps it is a map, of a map of sockets a socket (mark_ptr_not_null_reg). */
function withoutNull(register: Register): Register {
  const known = register.draft();
  known.flags &= ~flag.maybeNull;
  const { shape } = register;
  if (register.kind !== 'mapValue' || !shape) return known;
  if (shape.inner) {
    known.kind = 'map';
    known.shape = shape.inner;
    known.mapUid = shape.inner.timer === undefined ? 0 : register.id;
  } else if (shape.type === 'xskmap' || shape.type === 'sockmap' || shape.type === 'sockhash') {
    known.kind = shape.type === 'xskmap' ? 'xdpSocket' : 'socket';
    known.shape = undefined;
  }
  return known;
}

/** `data + N > data_end`: where it is not so, N bytes are there (find_good_pkt_pointers). */
function comparePackets(env: Environment, comparison: string, left: Register, right: Register, other: State): void {
  const forward = reaches(left, right);
  const backward = reaches(right, left);
  if (!forward && !backward) return;
  const pointed = forward ? left : right;
  const asForward = forward ? comparison : flipped[comparison];
  const number = env.slots[forward ? 'dst' : 'src'][env.slot] as number;
  // Where the pointer is at most (or below) the end, its offset's bytes lie inside; below means one more.
  const falls = asForward === 'gt' || asForward === 'ge';
  if (!falls && asForward !== 'lt' && asForward !== 'le') return;
  const strict = asForward === 'ge' || asForward === 'lt';
  goodPacket(falls ? env.state : other, pointed, strict);
  markEnd(falls ? other : env.state, number, !strict);
}

/** The data's end bounds the data; the data's start bounds the metadata before it. */
function reaches(pointed: Register, end: Register): boolean {
  if (pointed.kind === 'packet') return end.kind === 'packetEnd';
  return pointed.kind === 'packetMeta' && isStart(end);
}

/** The packet's first byte, not a place within. */
function isStart(register: Register): boolean {
  return register.kind === 'packet' && register.id === 0 && register.offset === 0 && register.scalar.value === 0n;
}

/** Marks in `range`: the pointer was found at the packet's end or beyond it, or beyond it for sure. */
const atEnd = -1;
const beyondEnd = -2;

function markEnd(state: State, number: number, strict: boolean): void {
  const register = state.frame.register(number);
  if (register.kind !== 'packet') return;
  const marked = register.draft();
  marked.range = strict ? beyondEnd : atEnd;
  state.frame.registers[number] = marked;
}

function decidePacket(comparison: string, left: Register, right: Register): boolean | undefined {
  const forward = right.kind === 'packetEnd' && left.kind === 'packet';
  if (!forward && !(left.kind === 'packetEnd' && right.kind === 'packet')) return undefined;
  const { range } = forward ? left : right;
  const asForward = forward ? comparison : flipped[comparison];
  if (range === beyondEnd && (asForward === 'gt' || asForward === 'le')) return asForward === 'gt';
  if (range < 0 && (asForward === 'ge' || asForward === 'lt')) return asForward === 'ge';
  return undefined;
}

const flipped: Readonly<Record<string, string>> = { gt: 'lt', ge: 'le', lt: 'gt', le: 'ge' };

function goodPacket(state: State, pointed: Register, strict: boolean): void {
  if (pointed.offset < 0 || (pointed.offset === 0 && strict) || pointed.scalar.umax > 0xffffn) return;
  if (pointed.scalar.umax + BigInt(pointed.offset) > 0xffffn) return;
  const range = pointed.offset + (strict ? 1 : 0);
  state.mapRegisters((register) => {
    if (register.kind !== pointed.kind || register.id !== pointed.id || register.range >= range) return register;
    const known = register.draft();
    known.range = range;
    return known;
  });
}
