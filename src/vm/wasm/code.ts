import { ByteBuffer } from './bytes.ts';
import { emptyBlock, type ValueType, valueTypes, type WasmOp, wasm } from './opcodes.ts';

/**
 * The body of one function as it is written: instructions with their immediates, locals declared on the way, and the
 * depth of open blocks, so that a branch can name the block it leaves by a mark and not by a distance.
 */
export class Code {
  readonly #bytes = new ByteBuffer(1024);
  readonly #params: number;
  readonly #locals: ValueType[] = [];
  #depth = 0;

  constructor(params: number) {
    this.#params = params;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#bytes.length;
  }

  /** A new local, 0 at first. @returns its number */
  local(type: ValueType): number {
    return this.#params + this.#locals.push(type) - 1;
  }

  op(op: WasmOp): void {
    this.#bytes.byte(op);
  }

  i32(value: number): void {
    this.#bytes.byte(wasm.i32Const);
    this.#bytes.s32(value);
  }

  i64(value: bigint): void {
    this.#bytes.byte(wasm.i64Const);
    this.#bytes.s64(value);
  }

  get(local: number): void {
    this.#bytes.byte(wasm.localGet);
    this.#bytes.u32(local);
  }

  set(local: number): void {
    this.#bytes.byte(wasm.localSet);
    this.#bytes.u32(local);
  }

  tee(local: number): void {
    this.#bytes.byte(wasm.localTee);
    this.#bytes.u32(local);
  }

  globalGet(global: number): void {
    this.#bytes.byte(wasm.globalGet);
    this.#bytes.u32(global);
  }

  globalSet(global: number): void {
    this.#bytes.byte(wasm.globalSet);
    this.#bytes.u32(global);
  }

  /** A load or store at `offset` from the i32 address on the stack; no alignment is promised. */
  memory(op: WasmOp, offset = 0): void {
    this.#bytes.byte(op);
    this.#bytes.u32(0);
    this.#bytes.u32(offset);
  }

  call(func: number): void {
    this.#bytes.byte(wasm.call);
    this.#bytes.u32(func);
  }

  callIndirect(type: number): void {
    this.#bytes.byte(wasm.callIndirect);
    this.#bytes.u32(type);
    this.#bytes.u32(0);
  }

  /** Opens a block, loop or if. @returns its mark, for `br` */
  open(op: typeof wasm.block | typeof wasm.loop | typeof wasm.if, result?: ValueType): number {
    this.#bytes.byte(op);
    this.#bytes.byte(result === undefined ? emptyBlock : valueTypes[result]);
    return this.#depth++;
  }

  else(): void {
    this.#bytes.byte(wasm.else);
  }

  end(): void {
    this.#bytes.byte(wasm.end);
    this.#depth--;
  }

  /** To the end of the marked block, or to the beginning of the marked loop. */
  br(mark: number): void {
    this.#bytes.byte(wasm.br);
    this.#bytes.u32(this.#depth - 1 - mark);
  }

  brIf(mark: number): void {
    this.#bytes.byte(wasm.brIf);
    this.#bytes.u32(this.#depth - 1 - mark);
  }

  /** By the i32 on the stack to one of the marks; beyond them to the last. */
  brTable(marks: readonly number[]): void {
    this.#bytes.byte(wasm.brTable);
    this.#bytes.u32(marks.length - 1);
    for (const mark of marks) this.#bytes.u32(this.#depth - 1 - mark);
  }

  /** Size, local declarations in runs of one type, instructions, end. */
  body(): Uint8Array {
    const head = new ByteBuffer(64);
    const runs: [number, ValueType][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    head.u32(runs.length);
    for (const [count, type] of runs) {
      head.u32(count);
      head.byte(valueTypes[type]);
    }
    const out = new ByteBuffer(this.#bytes.length + head.length + 8);
    out.u32(head.length + this.#bytes.length + 1);
    out.append(head.view());
    out.append(this.#bytes.view());
    out.byte(wasm.end);
    return out.view();
  }
}
