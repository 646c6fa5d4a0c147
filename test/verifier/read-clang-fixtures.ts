import { readdirSync, readFileSync } from 'node:fs';
import { fromHex } from '../../src/base/index.ts';
import { readBtf } from '../../src/btf/index.ts';
import type { MapType } from '../../src/uapi/index.ts';
import type { MapShape, ProgramText } from '../../src/verifier/index.ts';
import type { ClangMap, ClangObject, ClangProgram } from '../conformance/verifier/elf-programs.ts';

/**
 * What `clang -O2 -target bpf` made of the texts in clang/, and what the running kernel said to it.
 * `npm run fixtures:verifier` compiles and asks again.
 */
export interface JudgedProgram extends ClangProgram {
  readonly answer: { readonly errno: string | null; readonly last: string; readonly processed: number };
}

export interface ClangFixture {
  readonly name: string;
  readonly maps: ClangObject['maps'];
  readonly programs: readonly JudgedProgram[];
}

export const clangFolder = new URL('clang/', import.meta.url);

export function readClangFixtures(): ClangFixture[] {
  return readdirSync(clangFolder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(new URL(name, clangFolder), 'utf8')) as ClangFixture);
}

export function textOf({ maps }: ClangFixture, { code, type }: ClangProgram): ProgramText {
  const shapes = Object.entries(maps).map(([name, map], index) => [index + 1, shapeOf(name, map)] as const);
  const bytes = fromHex(code) as Uint8Array;
  return { code: bytes, type, maps: new Map(shapes), ...typesOf(bytes) };
}

/** Where functions are called back, their types, as kernel.py gives them: each is `int f(void)`. */
function typesOf(code: Uint8Array): Pick<ProgramText, 'btf' | 'functions'> {
  const view = new DataView(code.buffer);
  const starts = new Set([0]);
  let callsBack = false;
  for (let slot = 0; slot < code.length / 8; slot++) {
    const [opcode, source] = [code[slot * 8], (code[slot * 8 + 1] as number) >>> 4];
    if (opcode === 0x18 && source === 4) callsBack = true;
    if ((opcode === 0x18 && source === 4) || (opcode === 0x85 && source === 1))
      starts.add(slot + 1 + view.getInt32(slot * 8 + 4, true));
  }
  if (!callsBack) return {};
  const functions = [...starts].sort((a, b) => a - b).map((slot, index) => ({ slot, type: index + 3 }));
  return { btf: functionTypes(functions.length), functions };
}

/** BTF of int, int(void), and so many functions; the first global, the others static. */
function functionTypes(count: number): ReturnType<typeof readBtf> {
  const names = `\0int\0${Array.from({ length: count }, (_, index) => `f${index}\0`).join('')}`;
  const at = (name: string): number => names.indexOf(`\0${name}\0`) + 1;
  const words = [at('int'), 1 << 24, 4, 0x0100_0020, 0, 13 << 24, 1];
  for (let index = 0; index < count; index++) words.push(at(`f${index}`), (12 << 24) | (index === 0 ? 1 : 0), 2);
  const header = new Uint8Array(24);
  const view = new DataView(header.buffer);
  view.setUint16(0, 0xeb9f, true);
  view.setUint8(2, 1);
  for (const [index, word] of [24, 0, words.length * 4, words.length * 4, names.length].entries())
    view.setUint32(4 + index * 4, word, true);
  const types = new Uint8Array(new Uint32Array(words).buffer);
  const blob = Uint8Array.from([...header, ...types, ...new TextEncoder().encode(names)]);
  return readBtf(blob);
}

function shapeOf(name: string, { type, contents, ...rest }: ClangMap): MapShape {
  const isConstant = contents !== undefined && name.startsWith('.rodata');
  return { ...rest, type: type as MapType, ...(isConstant ? { frozen: fromHex(contents) as Uint8Array } : {}) };
}
