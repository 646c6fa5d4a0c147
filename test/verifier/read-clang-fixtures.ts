import { readdirSync, readFileSync } from 'node:fs';
import { fromHex } from '../../src/base/index.ts';
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
  return { code: fromHex(code) as Uint8Array, type, maps: new Map(shapes) };
}

function shapeOf(name: string, { type, contents, ...rest }: ClangMap): MapShape {
  const isConstant = contents !== undefined && name.startsWith('.rodata');
  return { ...rest, type: type as MapType, ...(isConstant ? { frozen: fromHex(contents) as Uint8Array } : {}) };
}
