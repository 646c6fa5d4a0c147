import { ByteBuffer } from './bytes.ts';
import type { Code } from './code.ts';
import { type ValueType, valueTypes } from './opcodes.ts';

/**
 * A WebAssembly module, section by section (Core Specification 5.5 Binary Format, Modules). Functions are numbered as
 * WebAssembly does: the imports first, then those defined, in the order declared; so all imports come first.
 *
 *   \0asm 1 | type | import | function | table | global | export | element | code
 */
export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #typeBytes: Uint8Array[] = [];
  readonly #imports: { readonly module: string; readonly name: string; readonly entry: Uint8Array }[] = [];
  readonly #functions: { readonly type: number; code: Code | undefined }[] = [];
  readonly #globals: Uint8Array[] = [];
  readonly #exports: Uint8Array[] = [];
  #importedFunctions = 0;
  #table: number[] | undefined;

  /** The number of a function type, the same for the same type. */
  type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}:${results.join()}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const bytes = new ByteBuffer(16);
    bytes.byte(0x60);
    for (const list of [params, results]) {
      bytes.u32(list.length);
      for (const value of list) bytes.byte(valueTypes[value]);
    }
    this.#typeBytes.push(bytes.view().slice());
    return this.#types.push(key) - 1;
  }

  /** Imports the one memory, at least `pages` of 64 KiB and at most as many as it has. */
  importMemory(module: string, name: string, pages: number): void {
    const entry = new ByteBuffer(16);
    entry.byte(0x02);
    entry.byte(0x01);
    entry.u32(pages);
    entry.u32(pages);
    this.#imports.push({ module, name, entry: entry.view().slice() });
  }

  /** @returns the function's number */
  importFunction(module: string, name: string, type: number): number {
    const entry = new ByteBuffer(8);
    entry.byte(0x00);
    entry.u32(type);
    this.#imports.push({ module, name, entry: entry.view().slice() });
    return this.#importedFunctions++;
  }

  /** Declares a function whose body `define` gives later, so that functions can call each other. */
  declare(type: number): number {
    return this.#importedFunctions + this.#functions.push({ type, code: undefined }) - 1;
  }

  define(func: number, code: Code): void {
    const entry = this.#functions[func - this.#importedFunctions];
    if (!entry) throw new RangeError(`function ${func} is not declared`);
    entry.code = code;
  }

  /** A mutable global that begins at 0. @returns its number */
  global(type: ValueType): number {
    const bytes = new ByteBuffer(8);
    bytes.byte(valueTypes[type]);
    bytes.byte(1);
    bytes.byte(type === 'i32' ? 0x41 : 0x42);
    bytes.byte(0);
    bytes.byte(0x0b);
    return this.#globals.push(bytes.view().slice()) - 1;
  }

  /** The one table of functions, filled from index 0. */
  table(functions: readonly number[]): void {
    this.#table = [...functions];
  }

  exportFunction(name: string, func: number): void {
    this.#export(name, 0x00, func);
  }

  exportGlobal(name: string, global: number): void {
    this.#export(name, 0x03, global);
  }

  exportTable(name: string): void {
    this.#export(name, 0x01, 0);
  }

  /** The module's bytes. */
  build(): Uint8Array {
    const out = new ByteBuffer(4096);
    out.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    section(out, 1, this.#typeBytes);
    section(
      out,
      2,
      this.#imports.map(({ module, name, entry }) => {
        const bytes = new ByteBuffer(64);
        bytes.name(module);
        bytes.name(name);
        bytes.append(entry);
        return bytes.view().slice();
      }),
    );
    section(
      out,
      3,
      this.#functions.map(({ type }) => leb(type)),
    );
    if (this.#table) {
      const count = this.#table.length;
      section(out, 4, [Uint8Array.of(0x70, 0x01, ...leb(count), ...leb(count))]);
    }
    section(out, 6, this.#globals);
    section(out, 7, this.#exports);
    if (this.#table) {
      const entry = new ByteBuffer();
      entry.append(Uint8Array.of(0x00, 0x41, 0x00, 0x0b));
      entry.u32(this.#table.length);
      for (const func of this.#table) entry.u32(func);
      section(out, 9, [entry.view()]);
    }
    section(
      out,
      10,
      this.#functions.map(({ code }, index) => {
        if (!code) throw new RangeError(`function ${index + this.#importedFunctions} has no body`);
        return code.body();
      }),
    );
    return out.view().slice();
  }

  #export(name: string, kind: number, index: number): void {
    const bytes = new ByteBuffer(32);
    bytes.name(name);
    bytes.byte(kind);
    bytes.u32(index);
    this.#exports.push(bytes.view().slice());
  }
}

function leb(value: number): Uint8Array {
  const bytes = new ByteBuffer(8);
  bytes.u32(value);
  return bytes.view().slice();
}

/** A section: its id, size, and a vector of entries. One without entries is left out. */
function section(out: ByteBuffer, id: number, entries: readonly Uint8Array[]): void {
  if (entries.length === 0) return;
  const count = leb(entries.length);
  const size = entries.reduce((sum, entry) => sum + entry.length, count.length);
  out.byte(id);
  out.u32(size);
  out.append(count);
  for (const entry of entries) out.append(entry);
}
