import type { Instruction } from '../../isa/index.ts';
import type { HashLayout, MapLayout, PerCpu } from '../engine.ts';
import type { Code } from '../wasm/code.ts';
import { wasm } from '../wasm/opcodes.ts';
import { keySizeOf } from './inline-calls.ts';
import { compareKey, hashInto, type MapFunctions, pushBucket } from './map-functions.ts';
import type { MemoryAccess } from './memory-access.ts';
import type { RegisterFile } from './register-file.ts';
import { definedBy } from './values.ts';

/** Keys of more bytes than this are looked up by a call. */
const longestInlined = 16;

/**
 * map_lookup_elem without a call, and the test for NULL that follows it. A lookup has two parts: whether there is an
 * element, and the address of its value where there is one. The test is done on the first, and behind it the registers
 * take the second, so that the pointer that may be NULL is only made where somebody else reads it.
 */
export class MapLookup {
  readonly #code: Code;
  readonly #file: RegisterFile;
  readonly #memory: MemoryAccess;
  readonly #functions: MapFunctions;
  /** Registers that hold the answer of the block's last lookup, as a mask. */
  #holders = 0;
  /** Locals of that lookup, shared by all: other than 0 when there is an element; the address of its value. */
  #found = -1;
  #value = -1;
  /** Locals of a hash's key and of what is computed from it. */
  readonly #words: number[] = [];
  #hash = -1;
  #left = -1;

  constructor(code: Code, file: RegisterFile, memory: MemoryAccess, functions: MapFunctions) {
    this.#code = code;
    this.#file = file;
    this.#memory = memory;
    this.#functions = functions;
  }

  /** At the entry of a block. */
  begin(): void {
    this.#holders = 0;
  }

  /** Pushes the offset of the value, or 0, which r0 is to hold. */
  emit(layout: MapLayout): void {
    const code = this.#code;
    if (this.#found === -1) {
      this.#found = code.local('i32');
      this.#value = code.local('i32');
    }
    if (layout.kind === 'array') this.#array(layout);
    else this.#element(layout);
    this.#addCpu(layout.perCpu);
    code.set(this.#value);
    code.get(this.#value);
    code.i32(0);
    code.get(this.#found);
    code.op(wasm.select);
    this.#holders = 1;
  }

  /** Sets `found`, and pushes where the value of the first CPU is. */
  #array(layout: Extract<MapLayout, { kind: 'array' }>): void {
    const code = this.#code;
    const isWithin = this.#memory.mostOfWord(2, 0) < layout.maxEntries;
    this.#memory.pushWord(2, 0);
    code.tee(this.#value);
    code.i32(layout.maxEntries);
    code.op(wasm.i32LtU);
    if (isWithin) {
      code.op(wasm.drop);
      code.i32(1);
    }
    code.set(this.#found);
    code.get(this.#value);
    code.i32(layout.stride);
    code.op(wasm.i32Mul);
    code.i32(layout.data);
    code.op(wasm.i32Add);
  }

  #element(layout: HashLayout): void {
    const code = this.#code;
    const size = keySizeOf(layout);
    if (size > longestInlined) {
      for (let word = 0; word < size; word += 4) this.#memory.pushWord(2, word);
      code.call(this.#functions.find(layout));
      code.set(this.#found);
    } else {
      this.#find(layout, size / 4);
    }
    code.get(this.#found);
    code.i32(layout.valueOffset);
    code.op(wasm.i32Add);
  }

  /**
   * Sets `found` to the element of a key, or 0. Which of a chain's first two elements it is depends on the hashes
   * alone and no processor guesses it, so that is a select and no branch; few chains are longer. Offset 0 is a page
   * that nobody is given: what is read there is not used.
   */
  #find(layout: HashLayout, words: number): void {
    const code = this.#code;
    while (this.#words.length < words) this.#words.push(code.local('i32'));
    if (this.#hash === -1) {
      this.#hash = code.local('i32');
      this.#left = code.local('i32');
    }
    const key = this.#words.slice(0, words);
    const element = this.#found;
    for (const [word, local] of key.entries()) {
      this.#memory.pushWord(2, word * 4);
      code.set(local);
    }
    hashInto(code, key, this.#hash);
    pushBucket(code, layout, this.#hash);
    code.memory(wasm.i32Load);
    code.tee(element);
    code.get(element);
    code.memory(wasm.i32Load);
    code.get(element);
    code.memory(wasm.i32Load, 4);
    code.get(this.#hash);
    code.op(wasm.i32Eq);
    code.op(wasm.select);
    code.set(element);
    const done = code.open(wasm.block);
    this.#leaveIfFound(element, key, done);
    code.i32((layout.end - layout.data) / layout.stride);
    code.set(this.#left);
    const again = code.open(wasm.loop);
    code.get(element);
    code.memory(wasm.i32Load);
    code.set(element);
    this.#leaveIfFound(element, key, done);
    // No chain is longer than there are elements, whatever a program that was not verified wrote into one.
    code.get(this.#left);
    code.i32(1);
    code.op(wasm.i32Sub);
    code.tee(this.#left);
    code.brIf(again);
    code.end();
    code.i32(0);
    code.set(element);
    code.end();
  }

  /** Leaves a block when there is no element or it has the key. */
  #leaveIfFound(element: number, key: readonly number[], block: number): void {
    const code = this.#code;
    code.get(element);
    code.op(wasm.i32Eqz);
    code.brIf(block);
    const differs = code.open(wasm.block);
    compareKey(code, element, key, differs);
    code.br(block);
    code.end();
  }

  /** After an instruction of the block that is no lookup: which registers still hold the answer. */
  note(instruction: Instruction): void {
    if (this.#holders === 0) return;
    const defined = definedBy(instruction);
    if (defined < 0) return;
    this.#holders &= ~(1 << defined);
    if (instruction.kind === 'call' || instruction.kind === 'callx') this.#holders &= ~0x3f;
    if (instruction.kind !== 'alu' || instruction.op !== 'mov' || instruction.width !== 64) return;
    const { src } = instruction;
    if (src.kind === 'register' && ((this.#holders >>> src.register) & 1) === 1) this.#holders |= 1 << defined;
  }

  /** Whether a jump that ends the block tests the answer for NULL; then it is `pushTest` that pushes its condition. */
  isTestedBy(jump: Instruction): boolean {
    if (jump.kind !== 'jump' || jump.width !== 64 || (jump.op !== 'eq' && jump.op !== 'ne')) return false;
    return jump.src.kind === 'imm' && jump.src.imm === 0 && ((this.#holders >>> jump.dst) & 1) === 1;
  }

  pushTest(jump: Instruction): void {
    this.#code.get(this.#found);
    if (jump.kind === 'jump' && jump.op === 'eq') this.#code.op(wasm.i32Eqz);
  }

  /** The registers that hold the answer, as a mask: what `take` is told, when more code may have been emitted. */
  get holders(): number {
    return this.#holders;
  }

  /** On the way where there is an element: some registers are its value's address. */
  take(holders: number): void {
    for (let register = 0; register < 10; register++) {
      if (((holders >>> register) & 1) === 1) this.#file.setNarrow(register, this.#value);
    }
  }

  #addCpu(perCpu: PerCpu | undefined): void {
    if (!perCpu) return;
    const code = this.#code;
    code.i32(perCpu.current);
    code.memory(wasm.i32Load);
    code.i32(perCpu.stride);
    code.op(wasm.i32Mul);
    code.op(wasm.i32Add);
  }
}
