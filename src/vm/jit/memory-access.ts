import type { AtomicOperation, Instruction, Size } from '../../isa/index.ts';
import { pageKinds, pageSize } from '../../memory/index.ts';
import { frameSize } from '../engine.ts';
import type { Code } from '../wasm/code.ts';
import { type WasmOp, wasm } from '../wasm/opcodes.ts';
import { extendSign, type Scratch } from './arithmetic.ts';
import { emitTrap, type ModuleContext } from './module-context.ts';
import { kernelBase, type RegisterFile } from './register-file.ts';
import type { Atom, SlotMap } from './slots.ts';
import { known } from './values.ts';

/**
 * Loads, stores and atomics. In a verified program a pointer's low half is the address; in any other the space and
 * the page are looked at first. Bytes of the frame that were promoted are locals.
 */
export class MemoryAccess {
  readonly #code: Code;
  readonly #context: ModuleContext;
  readonly #file: RegisterFile;
  readonly #scratch: Scratch;
  readonly #slots: SlotMap;
  readonly #locals = new Map<number, number>();
  /** The most that an atom may hold where the block at work on has stored to it, by its offset. */
  readonly #most = new Map<number, number>();
  /** A local for the address of a checked access, which must outlive the scratch locals. */
  #address = -1;
  /** Instructions of the block from the one at work on: not retired when it traps. */
  unretired = 0;

  constructor(code: Code, context: ModuleContext, file: RegisterFile, scratch: Scratch, slots: SlotMap) {
    this.#code = code;
    this.#context = context;
    this.#file = file;
    this.#scratch = scratch;
    this.#slots = slots;
  }

  /** At the entry of a block. */
  begin(): void {
    this.#most.clear();
  }

  /** Pushes what a load gives. @param narrow its high half is not wanted. @returns the type */
  load(instruction: Extract<Instruction, { kind: 'load' | 'loadAcquire' }>, narrow: boolean): 'i32' | 'i64' {
    const { base, offset, size, slot } = instruction;
    const signed = instruction.kind === 'load' && instruction.signed;
    const parts = this.#parts(base, offset, size);
    const type = size === 8 || (signed && !narrow) ? (narrow ? 'i32' : 'i64') : 'i32';
    if (parts) {
      this.#pushParts(parts, size, type);
      if (signed) extendSign(this.#code, size * 8, type);
      return type;
    }
    const op = (signed ? signedLoads : loads)[type][size];
    if (this.#context.mayFault?.[slot] === 1) {
      this.#loadOrZero(instruction, type, op);
      return type;
    }
    const rest = this.#pushAddress(base, offset, size, false, slot);
    this.#code.memory(op, rest);
    return type;
  }

  /** A load through a kernel object's pointer gives 0 where it leads nowhere. */
  #loadOrZero(
    { base, offset, size }: { base: number; offset: number; size: Size },
    type: 'i32' | 'i64',
    op: WasmOp,
  ): void {
    const code = this.#code;
    const { i32 } = this.#scratch;
    this.#pushIsDoubtful(base, offset, size, false);
    code.open(wasm.if, 'i32');
    this.#pushPlace(size);
    code.call(this.#context.imports.probe);
    code.else();
    code.i32(1);
    code.end();
    code.open(wasm.if, type);
    code.get(i32);
    code.memory(op);
    code.else();
    if (type === 'i64') code.i64(0n);
    else code.i32(0);
    code.end();
  }

  /**
   * Pushes two bytes in the other order, each loaded by itself: WebAssembly has no byte swap, and shifting one of two
   * loads costs less than taking one load apart. Verified programs only. @returns false when they are in locals
   */
  loadSwapped({ base, offset, slot }: Extract<Instruction, { kind: 'load' }>): boolean {
    if (this.#parts(base, offset, 2)) return false;
    const code = this.#code;
    code.memory(wasm.i32Load8u, this.#pushAddress(base, offset, 2, false, slot));
    code.i32(8);
    code.op(wasm.i32Shl);
    code.memory(wasm.i32Load8u, this.#pushAddress(base, offset, 2, false, slot) + 1);
    code.op(wasm.i32Or);
    return true;
  }

  /** @param most of the register that is stored */
  store(instruction: Extract<Instruction, { kind: 'store' | 'storeRelease' }>, most: number): void {
    const { base, offset, size, slot } = instruction;
    const parts = this.#parts(base, offset, size);
    const pushSource = (wide: boolean): void => {
      if (instruction.kind === 'store' && instruction.src.kind === 'imm') {
        if (wide) this.#code.i64(BigInt(instruction.src.imm));
        else this.#code.i32(instruction.src.imm);
        return;
      }
      const register =
        instruction.kind === 'store' ? (instruction.src as { register: number }).register : instruction.src;
      if (wide) this.#file.push64(register);
      else this.#file.push32(register);
    };
    if (parts) {
      this.#setParts(parts, size, pushSource, this.#constantSource(instruction));
      for (const part of parts) this.#most.delete(part.offset);
      if (parts.length === 1) this.#most.set(parts[0]!.offset, most);
      return;
    }
    const rest = this.#pushAddress(base, offset, size, true, slot);
    pushSource(size === 8);
    this.#code.memory(stores[size], rest);
  }

  #constantSource(instruction: Extract<Instruction, { kind: 'store' | 'storeRelease' }>): bigint | undefined {
    if (instruction.kind !== 'store') return undefined;
    const { src } = instruction;
    if (src.kind === 'imm') return BigInt(src.imm);
    const { values } = this.#file;
    if (!values.isConstant(src.register)) return undefined;
    return (BigInt(values.high[src.register]!) << 32n) | BigInt(values.low[src.register]! >>> 0);
  }

  /** One processor runs: an atomic is a load, an operation and a store. Leaves the old value on the stack if fetched. */
  atomic(instruction: Extract<Instruction, { kind: 'atomic' }>, fetches: boolean): void {
    const code = this.#code;
    const { base, offset, size, src, op, slot } = instruction;
    const rest = this.#pushAddress(base, offset, size, true, slot);
    const type = size === 8 ? 'i64' : 'i32';
    const old = size === 8 ? this.#scratch.i64 : this.#scratch.i32;
    if (this.#address === -1) this.#address = code.local('i32');
    code.tee(this.#address);
    code.memory(loads[type][size], rest);
    code.set(old);
    const pushSource = (register: number): void => {
      if (size === 8) this.#file.push64(register);
      else this.#file.push32(register);
    };
    if (op === 'cmpxchg') {
      code.get(old);
      pushSource(0);
      code.op(size === 8 ? wasm.i64Eq : wasm.i32Eq);
      code.open(wasm.if);
      code.get(this.#address);
      pushSource(src);
      code.memory(stores[size], rest);
      code.end();
    } else {
      code.get(this.#address);
      const combine = combinations[op];
      if (combine !== undefined) code.get(old);
      pushSource(src);
      if (combine !== undefined) code.op(combine[type]);
      code.memory(stores[size], rest);
    }
    if (fetches) code.get(old);
  }

  /** Pushes four bytes that a register and an offset point to: a word of a map's key. Verified programs only. */
  pushWord(base: number, offset: number): void {
    const parts = this.#parts(base, offset, 4);
    if (parts) {
      this.#pushParts(parts, 4, 'i32');
      return;
    }
    const rest = this.#pushAddress(base, offset, 4, false, 0);
    this.#code.memory(wasm.i32Load, rest);
  }

  /** The most that those four bytes may be, as an unsigned number. */
  mostOfWord(base: number, offset: number): number {
    const parts = this.#parts(base, offset, 4);
    const only = parts?.length === 1 ? parts[0] : undefined;
    return Math.min((only && this.#most.get(only.offset)) ?? Infinity, 0xffffffff);
  }

  // --- Addresses

  /** Pushes the i32 address of an access. @returns the constant offset that is left for the instruction */
  #pushAddress(base: number, offset: number, size: number, write: boolean, slot: number): number {
    const code = this.#code;
    const { values } = this.#file;
    const place = values.low[base]! + offset;
    if (base === 10 && offset < -frameSize) emitTrap(code, this.#context, 'stack-overflow', slot, this.unretired);
    if (values.kind[base] === known.stack && place >= -frameSize && place + size <= 0) {
      this.#file.pushFrame(place);
      return 0;
    }
    if (!this.#context.verified) {
      this.#pushChecked(base, offset, size, write, slot);
      return 0;
    }
    this.#file.push32(base);
    if (offset >= 0) return offset;
    code.i32(offset);
    code.op(wasm.i32Add);
    return 0;
  }

  /** Looks at the space and the page; what is not plainly within one kernel page is asked of the host. */
  #pushChecked(base: number, offset: number, size: number, write: boolean, slot: number): void {
    const code = this.#code;
    this.#pushIsDoubtful(base, offset, size, write);
    code.open(wasm.if);
    this.#pushPlace(size);
    code.i32(write ? 1 : 0);
    code.i32(slot);
    code.i32(this.unretired);
    code.call(this.#context.imports.access);
    code.op(wasm.i32Eqz);
    code.open(wasm.if);
    code.op(wasm.unreachable);
    code.end();
    code.end();
    code.get(this.#scratch.i32);
  }

  /** Pushes high half, low half and size of the access whose place is in the scratch locals. */
  #pushPlace(size: number): void {
    const code = this.#code;
    code.get(this.#scratch.i64);
    code.i64(kernelBase);
    code.op(wasm.i64Add);
    code.i64(32n);
    code.op(wasm.i64ShrU);
    code.op(wasm.i32WrapI64);
    code.get(this.#scratch.i32);
    code.i32(size);
  }

  /** Pushes whether an access is not plainly within one kernel page; its offset in memory is in the i32 scratch. */
  #pushIsDoubtful(base: number, offset: number, size: number, write: boolean): void {
    const code = this.#code;
    const { memorySize, pageTable } = this.#context;
    const { i32, i64 } = this.#scratch;
    this.#file.push64(base);
    code.i64(BigInt(offset) - kernelBase);
    code.op(wasm.i64Add);
    code.tee(i64);
    code.op(wasm.i32WrapI64);
    code.set(i32);
    code.get(i64);
    code.i64(BigInt(memorySize - size));
    code.op(wasm.i64LeU);
    code.open(wasm.if, 'i32');
    code.get(i32);
    code.i32(12);
    code.op(wasm.i32ShrU);
    code.memory(wasm.i32Load8u, pageTable);
    code.i32(pageKinds.kernel);
    code.op(write ? wasm.i32Ne : wasm.i32Sub);
    if (!write) {
      code.i32(pageKinds.kernelReadOnly - pageKinds.kernel);
      code.op(wasm.i32GtU);
    }
    if (size > 1) {
      code.get(i32);
      code.i32(pageSize - 1);
      code.op(wasm.i32And);
      code.i32(pageSize - size);
      code.op(wasm.i32GtU);
      code.op(wasm.i32Or);
    }
    code.else();
    code.i32(1);
    code.end();
  }

  // --- The frame in locals

  /** The atoms of an access to the frame, or undefined when it is in memory. */
  #parts(base: number, offset: number, size: number): readonly Atom[] | undefined {
    const { values } = this.#file;
    if (this.#slots.size === 0 || values.kind[base] !== known.stack) return undefined;
    const from = values.low[base]! + offset;
    const first = this.#slots.get(from);
    if (!first) return undefined;
    const parts = [first];
    for (let at = from + first.size; at < from + size; ) {
      const part = this.#slots.get(at);
      if (!part) return undefined;
      parts.push(part);
      at += part.size;
    }
    return parts;
  }

  #local(atom: Atom): number {
    let local = this.#locals.get(atom.offset);
    if (local === undefined) {
      local = this.#code.local(atom.size <= 4 ? 'i32' : 'i64');
      this.#locals.set(atom.offset, local);
    }
    return local;
  }

  /** Zero-extended; an access of 8 bytes in i32 is its low half. */
  #pushParts(parts: readonly Atom[], size: Size, type: 'i32' | 'i64'): void {
    const code = this.#code;
    const wide = parts.some((part) => part.size > 4);
    const within: 'i32' | 'i64' = type === 'i32' && !wide ? 'i32' : 'i64';
    let at = 0;
    for (const part of parts) {
      if (type === 'i32' && at >= 4) break;
      code.get(this.#local(part));
      if (within === 'i64' && part.size <= 4) code.op(wasm.i64ExtendI32u);
      if (at > 0) {
        if (within === 'i64') code.i64(BigInt(at * 8));
        else code.i32(at * 8);
        code.op(within === 'i64' ? wasm.i64Shl : wasm.i32Shl);
        code.op(within === 'i64' ? wasm.i64Or : wasm.i32Or);
      }
      at += part.size;
    }
    if (within === type) return;
    code.op(wasm.i32WrapI64);
    if (size < 4) throw new RangeError(`an access of ${size} bytes to a wider atom`);
  }

  #setParts(
    parts: readonly Atom[],
    size: Size,
    pushSource: (wide: boolean) => void,
    constant: bigint | undefined,
  ): void {
    const code = this.#code;
    const only = parts.length === 1 ? parts[0] : undefined;
    if (only && constant === undefined) {
      pushSource(size === 8);
      if (size < 4) {
        code.i32(size === 1 ? 0xff : 0xffff);
        code.op(wasm.i32And);
      }
      code.set(this.#local(only));
      return;
    }
    if (constant === undefined) {
      pushSource(true);
      code.set(this.#scratch.i64);
    }
    let at = 0;
    for (const part of parts) {
      const bits = BigInt(part.size * 8);
      if (constant !== undefined) {
        const value = BigInt.asUintN(Number(bits), constant >> BigInt(at * 8));
        if (part.size <= 4) code.i32(Number(value));
        else code.i64(value);
      } else {
        this.#pushCut(at, part.size);
      }
      code.set(this.#local(part));
      at += part.size;
    }
  }

  /** Pushes some bytes of the scratch local. */
  #pushCut(at: number, size: number): void {
    const code = this.#code;
    code.get(this.#scratch.i64);
    if (at > 0) {
      code.i64(BigInt(at * 8));
      code.op(wasm.i64ShrU);
    }
    if (size <= 4) code.op(wasm.i32WrapI64);
    if (size < 4) {
      code.i32((1 << (size * 8)) - 1);
      code.op(wasm.i32And);
    } else if (size > 4 && size < 8) {
      code.i64((1n << BigInt(size * 8)) - 1n);
      code.op(wasm.i64And);
    }
  }

  /** Sets all atoms to 0, so that nothing is carried from one run of a batch to the next. */
  clear(): void {
    for (const atom of this.#slots.values()) {
      if (atom.size <= 4) this.#code.i32(0);
      else this.#code.i64(0n);
      this.#code.set(this.#local(atom));
    }
  }
}

const loads: Readonly<Record<'i32' | 'i64', Readonly<Record<Size, WasmOp>>>> = {
  i32: { 1: wasm.i32Load8u, 2: wasm.i32Load16u, 4: wasm.i32Load, 8: wasm.i32Load },
  i64: { 1: wasm.i64Load8u, 2: wasm.i64Load16u, 4: wasm.i64Load32u, 8: wasm.i64Load },
};
const signedLoads: Readonly<Record<'i32' | 'i64', Readonly<Record<Size, WasmOp>>>> = {
  i32: { 1: wasm.i32Load8s, 2: wasm.i32Load16s, 4: wasm.i32Load, 8: wasm.i32Load },
  i64: { 1: wasm.i64Load8s, 2: wasm.i64Load16s, 4: wasm.i64Load32s, 8: wasm.i64Load },
};
const stores: Readonly<Record<Size, WasmOp>> = {
  1: wasm.i32Store8,
  2: wasm.i32Store16,
  4: wasm.i32Store,
  8: wasm.i64Store,
};

const add = { i32: wasm.i32Add, i64: wasm.i64Add } as const;
const or = { i32: wasm.i32Or, i64: wasm.i64Or } as const;
const and = { i32: wasm.i32And, i64: wasm.i64And } as const;
const xor = { i32: wasm.i32Xor, i64: wasm.i64Xor } as const;

/** What an atomic does with the old value and the source; xchg takes the source alone. */
const combinations: Readonly<
  Record<Exclude<AtomicOperation, 'cmpxchg'>, Readonly<Record<'i32' | 'i64', WasmOp>> | undefined>
> = {
  add,
  or,
  and,
  xor,
  fetchAdd: add,
  fetchOr: or,
  fetchAnd: and,
  fetchXor: xor,
  xchg: undefined,
};
