import type { Token } from '../preprocess/token.ts';
import type { InitializerEntry, Variable } from '../syntax/ast.ts';
import type { Parsing } from '../syntax/parsing.ts';
import { type CType, printCType, sizeOf, types } from '../types/types.ts';
import { kernelOption } from './headers.ts';

/**
 * `extern int CONFIG_HZ __kconfig`: what libbpf reads from the running kernel's configuration is known here, so such an
 * extern is a constant. What the kernel has not is 0 where the extern is weak.
 */
export function setKernelOption(p: Parsing, variable: Variable, at: Token, weak: boolean): void {
  const value = kernelOption(p.kernel.profile, variable.name);
  if (value === undefined && !weak) {
    const hint = 'declare it __weak to have 0 there';
    p.diagnostics.error(at, `extern (kcfg) '${variable.name}': value not found in the kernel's configuration`, hint);
  }
  variable.extern = false;
  variable.initial = { end: sizeOf(variable.type), entries: entries(p, variable, at, value) };
}

function entries(p: Parsing, { type, name }: Variable, at: Token, value: string | undefined): InitializerEntry[] {
  const put = (of: CType, number: bigint, offset = 0): InitializerEntry => {
    return { offset, type: of, bits: undefined, value: p.typing.number(at, number, of) };
  };
  const text = /^"(.*)"$/.exec(value ?? '')?.[1];
  if (type.kind === 'array' && text !== undefined) {
    const bytes = Buffer.from(text).subarray(0, Math.max(0, (type.length ?? 0) - 1));
    return [...bytes].map((byte, i) => put(types.char, BigInt(byte), i));
  }
  if (type.kind !== 'int' || text !== undefined) {
    if (value !== undefined) p.diagnostics.error(at, `extern (kcfg) '${name}': '${value}' is no ${printCType(type)}`);
    return [];
  }
  if (value !== 'y') return [put(type, BigInt(value ?? 0))];
  if (type.bool) return [put(type, 1n)];
  // enum libbpf_tristate: TRI_YES is 2.
  if (type.values) return [put(type, 2n)];
  if (type.size !== 1) p.diagnostics.error(at, `extern (kcfg) '${name}': 'y' is no ${printCType(type)}`);
  return [put(type, BigInt('y'.charCodeAt(0)))];
}
