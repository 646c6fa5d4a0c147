import type { Diagnostics } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import { type CType, type PointerType, printCType, quoted, sameType } from '../types/types.ts';
import type { Expression } from './ast.ts';
import type { Spans } from './spans.ts';

/** Where a value becomes one of another type without a cast: what clang calls it, and how it goes on. */
export type Conversion = 'assigning' | 'passing' | 'initializing' | 'returning';

const phrases: Readonly<Record<Conversion, (to: string, from: string) => string>> = {
  assigning: (to, from) => `assigning to ${to} from ${from}`,
  passing: (to, from) => `passing ${from} to parameter of type ${to}`,
  initializing: (to, from) => `initializing ${to} with an expression of type ${from}`,
  returning: (to, from) => `returning ${from} from a function with result type ${to}`,
};

/** Whether a value of one type becomes one of another without a cast, with or without a warning (C11 6.5.16.1). */
export function isConvertible(value: Expression, type: CType): boolean {
  const from = value.type;
  if (type.kind === 'void' || from.kind === 'void') return false;
  if (type.kind === 'struct' || from.kind === 'struct') return sameType(type, from);
  return true;
}

/** Why a value does not become one of the type. */
export function refusal(value: Expression, type: CType, how: Conversion): string {
  return phrases[how](quoted(type), quoted(value.type)).replace(...incompatible[how]);
}

/** Where the word stands. */
const incompatible: Readonly<Record<Conversion, readonly [string, string]>> = {
  assigning: [' from ', ' from incompatible type '],
  passing: [' of type ', ' of incompatible type '],
  initializing: [' of type ', ' of incompatible type '],
  returning: [' result type ', ' incompatible result type '],
};

/** Warns of a conversion between pointers and integers, or pointers to different types (C11 6.5.16.1), as clang does. */
export function warnOfConversion(
  diagnostics: Diagnostics,
  value: Expression,
  type: CType,
  at: Token,
  how: Conversion,
  spans: Spans,
): void {
  const what = mismatch(value, type);
  if (what === undefined) {
    warnOfConstant(diagnostics, value, type, spans);
    if (!discardsConst(value.type, type)) return;
    const message = `${phrases[how](quoted(type), quoted(value.type))} discards qualifiers`;
    diagnostics.warning(at, message, { ranges: [spans.of(value)] });
    return;
  }
  diagnostics.warning(at, `incompatible ${what} ${phrases[how](quoted(type), quoted(value.type))}`, {
    hint: 'a cast says that it is meant so',
    ranges: [spans.of(value)],
  });
}

function mismatch(value: Expression, type: CType): string | undefined {
  const from = value.type;
  if (type.kind === 'pointer') {
    if (from.kind === 'pointer') return isCompatible(type, from) ? undefined : 'pointer types';
    const isNull = value.kind === 'number' && value.value === 0n;
    return from.kind === 'int' && !isNull ? 'integer to pointer conversion' : undefined;
  }
  return type.kind === 'int' && !type.bool && from.kind === 'pointer' ? 'pointer to integer conversion' : undefined;
}

/** A constant that does not fit what it becomes. */
function warnOfConstant(diagnostics: Diagnostics, value: Expression, type: CType, spans: Spans): void {
  const from = value.type;
  if (value.kind !== 'number' || type.kind !== 'int' || from.kind !== 'int' || type.bool || type.values) return;
  const bits = widthOf(value.value);
  const width = type.size * 8;
  const turns = bits === width && type.signed && value.value > 0n && from.signed;
  if (bits <= width && !turns) return;
  const changed = type.signed ? BigInt.asIntN(width, value.value) : BigInt.asUintN(width, value.value);
  const what = `implicit conversion from ${quoted(from)} to ${quoted(type)}`;
  const at = spans.first(value);
  diagnostics.warning(at, `${what} changes value from ${value.value} to ${changed}`, { ranges: [spans.of(value)] });
}

/** Bits that a number takes, of a negative one without those that repeat its sign. */
function widthOf(value: bigint): number {
  return value < 0n
    ? (~value).toString(2).length + (value === -1n ? 0 : 1)
    : value === 0n
      ? 0
      : value.toString(2).length;
}

/** What may be read only could be written afterwards. */
function discardsConst(from: CType, to: CType): boolean {
  return from.kind === 'pointer' && to.kind === 'pointer' && from.constant && !to.constant;
}

function isCompatible(to: PointerType, from: PointerType): boolean {
  const [a, b] = [to.target, from.target];
  if (a.kind === 'void' || b.kind === 'void' || sameType(a, b)) return true;
  // Integers of one size: only a sign that differs, which BCC does not warn of.
  if (a.kind === 'int' && b.kind === 'int') return a.size === b.size;
  if (a.kind === 'pointer' && b.kind === 'pointer') return isCompatible(a, b);
  return printCType(a) === printCType(b);
}
