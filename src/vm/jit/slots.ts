import type { Instruction } from '../../isa/index.ts';
import { frameSize } from '../engine.ts';
import { type Analysis, step } from './analysis.ts';
import { type Block, successorsOf } from './blocks.ts';
import { type InlineCalls, keySizeOf } from './inline-calls.ts';
import { known, Values } from './values.ts';

/**
 * Which bytes of a verified function's stack frame can live in locals: those that are only read and written at
 * constant offsets and whose address nobody is given. They are cut into atoms, each the bytes between two places
 * where some access begins or ends, so that an access is of one or a few whole atoms.
 *
 *   -16             -8              0
 *   |       u64 = 0 |       u64 = 0 |     stores
 *   | u32   | u32   | u16 | u16     |     stores
 *   | atom  | atom  | a.  | a.  | a.|
 */
export interface Atom {
  /** Bytes from the frame's end, below 0. */
  readonly offset: number;
  readonly size: number;
}

/** The atoms that an access at an offset of the frame is made of, in order; undefined: it is in memory. */
export type SlotMap = ReadonlyMap<number, Atom>;

/** More atoms than this an access is not put together from. */
const mostParts = 4;
/** More locals than this a function is not given. */
const mostAtoms = 160;

interface Access {
  readonly offset: number;
  readonly size: number;
  /** A store of a constant costs little, whatever it is cut into. */
  readonly isConstant: boolean;
}

/** Finds the atoms by the offset of their first byte. */
export function promoteSlots(
  instructions: readonly Instruction[],
  blocks: readonly Block[],
  analysis: Analysis,
  inlineCalls: InlineCalls,
  facts: Uint8Array | undefined,
): SlotMap {
  const frame = new Frame();
  const values = new Values(true, facts);
  blocks.forEach((block, node) => {
    if (!analysis.values.isReached(node)) return;
    analysis.values.read(node, values);
    for (let index = block.first; index < block.first + block.count; index++) {
      const instruction = instructions[index] as Instruction;
      values.refine(instruction.slot);
      frame.look(instruction, values, inlineCalls);
      const before = stackMask(values);
      step(values, instruction, inlineCalls);
      if (before !== 0) frame.lookAtResult(instruction, values, before);
    }
    for (const next of successorsOf(block.end)) frame.flow(values, analysis, next);
    if (block.end.kind === 'leave') frame.escapeAll();
  });
  return frame.atoms();
}

/** Registers r0–r9 that point into the frame. */
function stackMask(values: Values): number {
  let mask = 0;
  for (let register = 0; register < 10; register++) if (values.kind[register] === known.stack) mask |= 1 << register;
  return mask;
}

class Frame {
  /** By bytes above the frame's lowest. */
  readonly #escaped = new Uint8Array(frameSize);
  readonly #accesses = new Map<number, Access>();
  #lost = false;

  escapeAll(): void {
    this.#lost = true;
  }

  /** Notes what an instruction does to the frame; `values` are those before it. */
  look(instruction: Instruction, values: Values, inlineCalls: InlineCalls): void {
    const isStack = (register: number): boolean => values.kind[register] === known.stack;
    switch (instruction.kind) {
      case 'load':
        if (isStack(instruction.base))
          this.#access(values.low[instruction.base]! + instruction.offset, instruction.size);
        return;
      case 'store': {
        const { src, base, offset, size } = instruction;
        if (src.kind === 'register' && isStack(src.register)) this.#lost = true;
        const isConstant = src.kind === 'imm' || values.isConstant(src.register);
        if (isStack(base)) this.#access(values.low[base]! + offset, size, isConstant);
        return;
      }
      case 'atomic':
      case 'storeRelease':
        if (isStack(instruction.src)) this.#lost = true;
        if (isStack(instruction.base))
          this.#escape(values.low[instruction.base]! + instruction.offset, instruction.size);
        return;
      case 'loadAcquire':
        if (isStack(instruction.base))
          this.#escape(values.low[instruction.base]! + instruction.offset, instruction.size);
        return;
      case 'call':
        this.#call(instruction, values, inlineCalls);
        return;
      case 'callx':
        for (let register = 1; register <= 5; register++) if (isStack(register)) this.#lost = true;
        return;
      default:
        return;
    }
  }

  #call(call: Extract<Instruction, { kind: 'call' }>, values: Values, inlineCalls: InlineCalls): void {
    const inline = inlineCalls.at(call, values);
    if (inline?.kind === 'cell') return;
    for (let register = 1; register <= 5; register++) {
      if (values.kind[register] !== known.stack) continue;
      const offset = values.low[register] as number;
      if (call.target === 'local') this.#lost = true;
      else if (!inline || inline.kind === 'loop') this.#escape(offset, -offset);
      else if (register === 2) {
        for (let word = 0; word < keySizeOf(inline.layout); word += 4) this.#access(offset + word, 4);
      } else if (register === 3 && inline.kind === 'mapUpdate') {
        this.#escape(offset, inline.layout.valueSize);
      }
    }
  }

  /** A pointer into the frame that arithmetic made into something else is lost from sight; `before` were the pointers. */
  lookAtResult(instruction: Instruction, values: Values, before: number): void {
    if (instruction.kind !== 'alu') {
      const from = instruction.kind === 'movsx' ? instruction.src : 'dst' in instruction ? instruction.dst : 10;
      const computes = instruction.kind === 'neg' || instruction.kind === 'movsx' || instruction.kind === 'endian';
      if (computes && ((before >>> from) & 1) === 1) this.#lost = true;
      return;
    }
    const { op, src, dst } = instruction;
    const reads = (op === 'mov' ? 0 : 1 << dst) | (src.kind === 'register' ? 1 << src.register : 0);
    if ((before & reads) !== 0 && values.kind[dst] !== known.stack) this.#lost = true;
  }

  /** Along an edge a pointer into the frame stays one, or it is lost from sight. */
  flow(values: Values, { values: entries, live }: Analysis, next: number): void {
    for (let register = 0; register < 10; register++) {
      if (values.kind[register] !== known.stack || ((live[next]! >>> register) & 1) === 0) continue;
      if (entries.kind(next, register) !== known.stack) this.#lost = true;
    }
  }

  #access(offset: number, size: number, isConstant = false): void {
    if (offset < -frameSize || offset + size > 0) {
      this.#lost = true;
      return;
    }
    const key = (offset + frameSize) * 16 + size;
    const old = this.#accesses.get(key);
    if (!old || (old.isConstant && !isConstant)) this.#accesses.set(key, { offset, size, isConstant });
  }

  #escape(offset: number, size: number): void {
    const from = Math.max(0, offset + frameSize);
    this.#escaped.fill(1, from, Math.max(from, Math.min(frameSize, offset + frameSize + size)));
  }

  atoms(): SlotMap {
    const atoms = new Map<number, Atom>();
    if (this.#lost) return atoms;
    const cuts = new Uint8Array(frameSize + 1);
    const used = new Uint8Array(frameSize);
    for (const { offset, size } of this.#accesses.values()) {
      cuts[offset + frameSize] = 1;
      cuts[offset + frameSize + size] = 1;
      used.fill(1, offset + frameSize, offset + frameSize + size);
    }
    this.#spread(cuts);
    for (let at = 0; at < frameSize && atoms.size < mostAtoms; ) {
      if (used[at] === 0 || this.#escaped[at] === 1) {
        at++;
        continue;
      }
      let end = at + 1;
      while (cuts[end] === 0) end++;
      atoms.set(at - frameSize, { offset: at - frameSize, size: end - at });
      at = end;
    }
    // What did not fit is in memory, and so is all that it is accessed together with.
    if (atoms.size === mostAtoms) return new Map();
    return atoms;
  }

  /** An access that is partly in memory, or of too many parts, is wholly in memory. */
  #spread(cuts: Uint8Array): void {
    for (let changed = true; changed; ) {
      changed = false;
      for (const { offset, size, isConstant } of this.#accesses.values()) {
        const from = offset + frameSize;
        let parts = 0;
        let escaped = 0;
        for (let at = from; at < from + size; at++) {
          parts += cuts[at]!;
          escaped += this.#escaped[at]!;
        }
        if (escaped === size || (escaped === 0 && (isConstant || parts <= mostParts))) continue;
        this.#escaped.fill(1, from, from + size);
        changed = true;
      }
    }
  }
}
