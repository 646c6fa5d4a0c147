import { kernelSpace } from '../../memory/index.ts';
import type { Code } from '../wasm/code.ts';
import { wasm } from '../wasm/opcodes.ts';
import { wants } from './analysis.ts';
import { type BlockValues, known, type Values } from './values.ts';

/** The upper half of every pointer that a program can use. */
export const kernelBase = BigInt(kernelSpace) << 32n;

/** Where a register is: nowhere (its value is known, or nobody reads it), in an i32 local, or in an i64 local. */
const forms = { none: 0, narrow: 32, wide: 64 } as const;

/** What a block's end leaves for its edges. */
export interface Snapshot {
  readonly kind: Uint8Array;
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly form: Uint8Array;
}

/**
 * r0–r9 as WebAssembly locals. A register whose high half is known or not wanted is held in an i32 local, any other
 * in an i64 local, and one whose value is known in none. The form at a block's entry follows from the analysis, so an
 * edge only has to bring registers into the form that its target expects.
 */
export class RegisterFile {
  readonly values: Values;
  readonly #code: Code;
  readonly #narrow = new Int32Array(10).fill(-1);
  readonly #wide = new Int32Array(10).fill(-1);
  readonly #form = new Uint8Array(10);
  /** The frame's end: an i32 local, or -1 where it is the constant `top`. */
  readonly #frame: number;
  readonly #top: number;

  constructor(code: Code, values: Values, frame: number, top: number) {
    this.#code = code;
    this.values = values;
    this.#frame = frame;
    this.#top = top;
  }

  /** A register is in an i64 local that is there already: a parameter. */
  bind(register: number, local: number): void {
    this.#wide[register] = local;
    this.#form[register] = forms.wide;
  }

  /** As `bind`, in an i32 local. */
  bindNarrow(register: number, local: number): void {
    this.#narrow[register] = local;
    this.#form[register] = forms.narrow;
  }

  /** Whether a register has a value at all: r1–r5 have none after a call. */
  isDefined(register: number): boolean {
    return this.#isImplicit(register) || this.#form[register] !== forms.none;
  }

  /** Whether the value is known, so that it needs no local. */
  #isImplicit(register: number): boolean {
    return this.values.kind[register]! >= known.constant;
  }

  push64(register: number): void {
    const { values } = this;
    const code = this.#code;
    const kind = values.kind[register] as number;
    if (kind === known.constant) code.i64(whole(values.high[register]!, values.low[register]!));
    else if (kind === known.stack) this.#pushFrame64(values.low[register] as number);
    else if (this.#form[register] === forms.wide) code.get(this.#wideLocal(register));
    else if (this.#form[register] === forms.none) code.i64(0n);
    else this.#widen(register, kind);
  }

  #widen(register: number, kind: number): void {
    const code = this.#code;
    code.get(this.#narrowLocal(register));
    code.op(wasm.i64ExtendI32u);
    if (kind === known.pointer) {
      code.i64(kernelBase);
      code.op(wasm.i64Or);
    } else if (kind === known.orNull) {
      code.i64(kernelBase);
      code.i64(0n);
      code.get(this.#narrowLocal(register));
      code.op(wasm.select);
      code.op(wasm.i64Or);
    }
  }

  push32(register: number): void {
    const { values } = this;
    const code = this.#code;
    const kind = values.kind[register] as number;
    if (kind === known.constant) {
      code.i32(values.low[register] as number);
    } else if (kind === known.stack) {
      this.pushFrame(values.low[register] as number);
    } else if (this.#form[register] === forms.wide) {
      code.get(this.#wideLocal(register));
      code.op(wasm.i32WrapI64);
    } else if (this.#form[register] === forms.none) {
      code.i32(0);
    } else {
      code.get(this.#narrowLocal(register));
    }
  }

  /** The offset in linear memory of a place in the frame. */
  pushFrame(offset: number): void {
    const code = this.#code;
    if (this.#frame < 0) {
      code.i32(this.#top + offset);
      return;
    }
    code.get(this.#frame);
    if (offset === 0) return;
    code.i32(offset);
    code.op(wasm.i32Add);
  }

  #pushFrame64(offset: number): void {
    const code = this.#code;
    if (this.#frame < 0) {
      code.i64(kernelBase | BigInt(this.#top + offset));
      return;
    }
    this.pushFrame(offset);
    code.op(wasm.i64ExtendI32u);
    code.i64(kernelBase);
    code.op(wasm.i64Or);
  }

  /** Whether an evaluated result needs no code: it is known. */
  get resultIsKnown(): boolean {
    return this.values.resultKind >= known.constant;
  }

  /** Whether an evaluated result goes to an i32 local. @param want of the analysis */
  isNarrow(want: number): boolean {
    return this.values.resultKind >= known.low || (want & wants.wide) === 0;
  }

  /** Pops an evaluated result into its register and commits its value. */
  define(register: number, type: 'i32' | 'i64', want: number): void {
    const code = this.#code;
    if (this.isNarrow(want)) {
      if (type === 'i64') code.op(wasm.i32WrapI64);
      code.set(this.#narrowLocal(register));
      this.#form[register] = forms.narrow;
    } else {
      if (type === 'i32') code.op(wasm.i64ExtendI32u);
      code.set(this.#wideLocal(register));
      this.#form[register] = forms.wide;
    }
    this.values.commit(register);
  }

  /** Gives a register that is in an i32 local what another local holds. */
  setNarrow(register: number, local: number): void {
    if (this.#isImplicit(register) || this.#form[register] !== forms.narrow) return;
    this.#code.get(local);
    this.#code.set(this.#narrowLocal(register));
  }

  /** Commits an evaluated result that has no code: it is known, or nobody reads it. */
  defineNothing(register: number): void {
    this.#form[register] = forms.none;
    this.values.commit(register);
  }

  /** After a call in a verified program. */
  forgetArguments(): void {
    for (let register = 1; register <= 5; register++) {
      if (this.values.kind[register] === known.any) this.#form[register] = forms.none;
    }
  }

  // --- Blocks and edges

  #formAt(entries: BlockValues, wide: number, block: number, register: number): number {
    const kind = entries.kind(block, register);
    if (kind >= known.constant) return forms.none;
    return kind >= known.low || ((wide >>> register) & 1) === 0 ? forms.narrow : forms.wide;
  }

  /** At the entry of a block. */
  enter(entries: BlockValues, live: number, wide: number, block: number): void {
    entries.read(block, this.values);
    for (let register = 0; register < 10; register++) {
      const isLive = ((live >>> register) & 1) === 1;
      this.#form[register] = isLive ? this.#formAt(entries, wide, block, register) : forms.none;
    }
  }

  /** Brings the live registers into the form that a block expects. @returns whether that takes code */
  flow(entries: BlockValues, live: number, wide: number, block: number, dry = false): boolean {
    const code = this.#code;
    let any = false;
    for (let register = 0; register < 10; register++) {
      if (((live >>> register) & 1) === 0) continue;
      const form = this.#formAt(entries, wide, block, register);
      if (form === forms.none || (form === this.#form[register] && !this.#isImplicit(register))) continue;
      any = true;
      if (dry) return true;
      if (form === forms.narrow) {
        this.push32(register);
        code.set(this.#narrowLocal(register));
      } else {
        this.push64(register);
        code.set(this.#wideLocal(register));
      }
    }
    return any;
  }

  snapshot(): Snapshot {
    const { kind, low, high } = this.values;
    return { kind: kind.slice(), low: low.slice(), high: high.slice(), form: this.#form.slice() };
  }

  restore(snapshot: Snapshot): void {
    this.values.kind.set(snapshot.kind);
    this.values.low.set(snapshot.low);
    this.values.high.set(snapshot.high);
    this.#form.set(snapshot.form);
  }

  #narrowLocal(register: number): number {
    if (this.#narrow[register] === -1) this.#narrow[register] = this.#code.local('i32');
    return this.#narrow[register] as number;
  }

  #wideLocal(register: number): number {
    if (this.#wide[register] === -1) this.#wide[register] = this.#code.local('i64');
    return this.#wide[register] as number;
  }
}

function whole(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}
