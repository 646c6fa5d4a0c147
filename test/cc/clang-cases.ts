import { readFileSync } from 'node:fs';
import type { KernelProfile } from '../../src/btf/index.ts';
import { type Compiled, compileC } from '../../src/cc/index.ts';

/**
 * Mistakes in C and what clang 14 says of each: `=== NAME`, the text, `--- clang` and its lines, and where this compiler
 * means to differ, `--- tracebed` and its own. `npm run conformance:diagnostics` asks clang and writes both.
 */
export interface ClangCase {
  readonly name: string;
  readonly text: string;
  /** `LINE:COLUMN: error: MESSAGE` */
  readonly clang: readonly string[];
  /** What this compiler says, where that is something else. */
  readonly own: readonly string[] | undefined;
}

export const clangFixture = new URL('fixtures/clang.txt', import.meta.url);

export function readClangCases(from: URL = clangFixture): ClangCase[] {
  return readFileSync(from, 'utf8')
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const [, name = '', rest = ''] = /^(.*)\n([\s\S]*)$/.exec(part) ?? [];
      const [text = '', clang = '', own] = rest.split(/^--- \w+\n/m);
      return { name, text, clang: linesOf(clang), own: own === undefined ? undefined : linesOf(own) };
    });
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** The diagnostics in clang's form, without hints and notes. */
export function said({ diagnostics }: Compiled): string[] {
  return diagnostics.map(({ at, severity, message }) => `${at.line}:${at.column}: ${severity}: ${message}`);
}

export function diagnosed(text: string, profile: KernelProfile): string[] {
  return said(compileC(text, { file: 'tool.c', profile }));
}
