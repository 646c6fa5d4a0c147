import type { Environment } from '../environment.ts';
import type { Register } from '../register.ts';
import type { Step } from './trail.ts';

/**
 * Which steps of a way matter for what a register holds at its end: walks back from there, and keeps a step that writes
 * what is looked for, then looks for what that step reads; and branches that test it. Stops where a value begins: at a
 * constant, a call's result, a load from memory other than the stack.
 */
export interface Slice {
  /** Indices into the steps, rising. */
  readonly steps: readonly number[];
  /** The step at which the value of the register itself begins; undefined when it is there from the start. */
  readonly origin: number | undefined;
}

/** A register (0–10) or stack slot (32 and up) of a frame. */
type Place = number;
const frameSize = 1024;
const stackBase = 32;

function registerPlace(depth: number, number: number): Place {
  return depth * frameSize + number;
}

function stackPlace(depth: number, index: number): Place {
  return depth * frameSize + stackBase + index;
}

/** The slot of stack that a pointer plus an offset leads to. */
function stackAt(pointer: Register, offset: number): Place | undefined {
  if (pointer.kind !== 'stack' || !pointer.scalar.isConst) return undefined;
  const at = pointer.offset + Number(pointer.constant) + offset;
  return at < 0 && at >= -512 ? stackPlace(pointer.frame, (-at - 1) >> 3) : undefined;
}

/** What an instruction writes, and what it needs for that. */
interface Effect {
  readonly writes: readonly Place[];
  readonly reads: readonly Place[];
  /** The value begins here. */
  readonly begins?: boolean;
  /** Each place that is written has its value from the place in the same position. */
  readonly passes?: boolean;
}

const nothing: Effect = { writes: [], reads: [] };

export function sliceOf(
  env: Environment,
  steps: readonly Step[],
  wanted: readonly number[],
  allBranches: boolean,
): Slice {
  const last = steps.length - 1;
  const depth = steps[last]?.depth ?? 0;
  const first = registerPlace(depth, wanted[0] ?? -1);
  const places = new Set<Place>(wanted.map((number) => registerPlace(depth, number)));
  const kept: number[] = [];
  let origin: number | undefined;
  let main: Place | undefined = wanted.length > 0 ? first : undefined;
  for (let index = last - 1; index >= 0; index--) {
    const step = steps[index] as Step;
    const next = steps[index + 1] as Step;
    if (isBranch(env, step.slot)) {
      if (isFork(env, step.slot) && (allBranches || testsOneOf(env, step, places))) kept.push(index);
      continue;
    }
    if (places.size === 0 && !allBranches) break;
    const effect = effectOf(env, step, next);
    const written = effect.writes.filter((place) => places.has(place));
    if (written.length === 0) continue;
    if (isVisible(env, step.slot)) kept.push(index);
    for (const place of written) places.delete(place);
    const reads = effect.passes ? written.map((place) => passedTo(effect, place)) : effect.reads;
    for (const place of reads) places.add(place);
    if (main === undefined || !written.includes(main)) continue;
    if (effect.begins || reads.length === 0) {
      origin = index;
      main = undefined;
    } else main = effect.passes ? passedTo(effect, main) : reads[0];
  }
  return { steps: kept.reverse(), origin };
}

function passedTo(effect: Effect, place: Place): Place {
  return effect.reads[effect.writes.indexOf(place)] as Place;
}

function isBranch(env: Environment, slot: number): boolean {
  const opcode = env.slots.opcode[slot] as number;
  const operation = opcode & 0xf0;
  return ((opcode & 7) === 5 || (opcode & 7) === 6) && operation !== 0x80 && operation !== 0x90;
}

/** A jump that may go either way. */
export function isFork(env: Environment, slot: number): boolean {
  return isBranch(env, slot) && ((env.slots.opcode[slot] as number) & 0xf0) !== 0;
}

/** Calls of functions and their returns only pass values on. */
function isVisible(env: Environment, slot: number): boolean {
  return env.slots.opcode[slot] !== 0x95;
}

function testsOneOf(env: Environment, { slot, depth }: Step, places: ReadonlySet<Place>): boolean {
  if (places.has(registerPlace(depth, env.slots.dst[slot] as number))) return true;
  const fromRegister = ((env.slots.opcode[slot] as number) & 8) !== 0;
  return fromRegister && places.has(registerPlace(depth, env.slots.src[slot] as number));
}

function effectOf(env: Environment, step: Step, next: Step): Effect {
  const { slots } = env;
  const { slot, depth } = step;
  const opcode = slots.opcode[slot] as number;
  const dst = registerPlace(depth, slots.dst[slot] as number);
  const src = registerPlace(depth, slots.src[slot] as number);
  switch (opcode & 7) {
    case 4:
    case 7:
      return arithmetic(opcode, dst, src);
    case 1: {
      const place = stackAt(step.src, slots.offset[slot] as number);
      return place === undefined ? { writes: [dst], reads: [], begins: true } : { writes: [dst], reads: [place] };
    }
    case 2:
    case 3:
      return stored(env, step, src);
    case 0:
      return { writes: [opcode === 0x18 ? dst : registerPlace(depth, 0)], reads: [], begins: true };
    default:
      return called(env, step, next);
  }
}

function arithmetic(opcode: number, dst: Place, src: Place): Effect {
  const fromRegister = (opcode & 8) !== 0;
  const operation = opcode & 0xf0;
  if (operation === 0xb0) return { writes: [dst], reads: fromRegister ? [src] : [], begins: !fromRegister };
  const unary = operation === 0x80 || operation === 0xd0;
  return { writes: [dst], reads: fromRegister && !unary ? [dst, src] : [dst] };
}

function stored(env: Environment, step: Step, src: Place): Effect {
  const { slots } = env;
  const opcode = slots.opcode[step.slot] as number;
  const isAtomic = (opcode & 7) === 3 && (opcode & 0xe0) === 0xc0;
  const imm = slots.imm[step.slot] as number;
  if (isAtomic && imm === 0xf1) return { writes: [registerPlace(step.depth, 0)], reads: [], begins: true };
  if (isAtomic && (imm & 1) !== 0) return { writes: [src], reads: [], begins: true };
  const place = stackAt(step.dst, slots.offset[step.slot] as number);
  if (place === undefined) return nothing;
  return (opcode & 7) === 2 ? { writes: [place], reads: [], begins: true } : { writes: [place], reads: [src] };
}

/** A call of a function hands r1–r5 down, its exit hands r0 up; any other call sets r0 and destroys r1–r5. */
function called(env: Environment, { slot, depth }: Step, next: Step): Effect {
  const isExit = env.slots.opcode[slot] === 0x95;
  if (isExit) {
    const up = [registerPlace(depth - 1, 0)];
    return depth > 0 ? { writes: up, reads: [registerPlace(depth, 0)] } : nothing;
  }
  const registers = [1, 2, 3, 4, 5];
  if (next.depth > depth) {
    return {
      writes: registers.map((number) => registerPlace(next.depth, number)),
      reads: registers.map((number) => registerPlace(depth, number)),
      passes: true,
    };
  }
  return { writes: [0, ...registers].map((number) => registerPlace(depth, number)), reads: [], begins: true };
}
