import { errno, viewOf } from '../../base/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { CallWindow } from '../../vm/index.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { formatPrintk, hashed } from './format.ts';
import { showFlags, showType } from './show-type.ts';

/** Numbers out of texts, texts out of numbers, and how texts compare (kernel/bpf/helpers.c, lib/kstrtox.c). */
const bases: ReadonlySet<number> = new Set([0, 8, 10, 16]);
/** What __bpf_strtoull copies of a number at most. */
const longestNumber = 63;
/** MAX_BPRINTF_VARARGS */
const mostArguments = 12;
const longestFormat = 4096;
const smallest = -(1n << 63n);
const largest = (1n << 63n) - 1n;
const largestUnsigned = (1n << 64n) - 1n;

/** A number at the begin of a text, or the errno why there is none. */
interface Parsed {
  readonly value: bigint;
  readonly negative: boolean;
  /** Characters that it takes, spaces and sign included. */
  readonly length: number;
}

export function textHelpers(environment: HelperEnvironment): HelperBodies {
  const { memory } = environment;

  function parse(window: CallWindow, signed: boolean): number {
    const target = window.low(4);
    if (!window.isWritable(4, 8)) return -errno.EFAULT;
    memory.view.setBigUint64(target, 0n, true);
    const base = window.low(3);
    const length = window.low(2);
    if (window.high(3) !== 0 || !bases.has(base)) return -errno.EINVAL;
    if (!window.isMapped(1, length)) return -errno.EFAULT;
    const parsed = parseNumber(String.fromCharCode(...memory.bytes(window.low(1), length)), base);
    if (typeof parsed === 'number') return parsed;
    if (!signed && parsed.negative) return -errno.EINVAL;
    const value = parsed.negative ? -parsed.value : parsed.value;
    if (signed && (value < smallest || value > largest)) return -errno.ERANGE;
    memory.view.setBigInt64(target, value, true);
    return parsed.length;
  }

  return {
    strtol: (window) => window.answer(parse(window, true)),
    strtoul: (window) => window.answer(parse(window, false)),
    strncmp(window) {
      const length = window.low(2);
      if (!window.isMapped(1, length)) window.answer(-errno.EFAULT);
      else window.answer(compare(memory, window, length));
    },
    snprintf: (window) => window.answer(print(environment, window)),
    snprintf_btf: (window) => window.answer(show(environment, window)),
  };
}

/** _parse_integer_fixup_radix and _parse_integer_limit behind spaces and a sign. @returns a negative errno for none */
function parseNumber(text: string, given: number): Parsed | number {
  const start = /^[\t-\r \xa0]*-?/.exec(text)?.[0] ?? '';
  const negative = start.endsWith('-');
  const rest = text.slice(start.length, start.length + longestNumber);
  let base = given;
  if (base === 0) base = /^0x[0-9a-f]/i.test(rest) ? 16 : rest.startsWith('0') ? 8 : 10;
  const prefix = base === 16 && /^0x/i.test(rest) ? 2 : 0;
  let value = 0n;
  let at = prefix;
  for (; at < rest.length; at++) {
    const digit = digitOf(rest.charCodeAt(at));
    if (digit >= base) break;
    value = value * BigInt(base) + BigInt(digit);
  }
  if (at === prefix) return -errno.EINVAL;
  if (value > largestUnsigned) return -errno.ERANGE;
  return { value, negative, length: start.length + at };
}

function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : 16;
}

/** strncmp of lib/string.c: -1, 0 or 1. The second text ends with a NUL. */
function compare(memory: Memory, window: CallWindow, length: number): number {
  const { u8 } = memory;
  const one = window.low(1);
  const other = window.low(3);
  for (let index = 0; index < length; index++) {
    const a = u8[one + index] as number;
    const b = memory.isMapped(window.high(3), other + index, 1) ? (u8[other + index] as number) : 0;
    if (a !== b) return a < b ? -1 : 1;
    if (a === 0) return 0;
  }
  return 0;
}

/** bpf_snprintf: the length that the whole text has, its NUL included, however much of it there is room for. */
function print(environment: HelperEnvironment, window: CallWindow): number {
  const { memory } = environment;
  const target = window.low(1);
  const size = window.low(2);
  const bytes = window.low(5);
  if (bytes % 8 !== 0 || bytes > mostArguments * 8) return -errno.EINVAL;
  if (!window.isWritable(1, size)) return -errno.EFAULT;
  if (bytes > 0 && !window.isMapped(4, bytes)) return -errno.EFAULT;
  const args = Array.from({ length: bytes / 8 }, (_, i) => memory.view.getBigUint64(window.low(4) + i * 8, true));
  const text = formatPrintk(environment, formatAt(memory, window.high(3), window.low(3)), args);
  if (typeof text === 'number') return text;
  write(memory, target, size, text);
  return text.length + 1;
}

/** sizeof(struct btf_ptr): u64 pointer, u32 type id, u32 flags. */
const typedPointer = 16;
const allShowFlags = Object.values(showFlags).reduce((all, flag) => all | flag, 0);

/** bpf_snprintf_btf: the length that the whole text has, without its NUL. */
function show({ memory, profile: { btf } }: HelperEnvironment, window: CallWindow): number {
  const target = window.low(1);
  const size = window.low(2);
  const given = window.low(3);
  const flags = window.low(5);
  if (!window.isWritable(1, size)) return -errno.EFAULT;
  if (window.low(4) !== typedPointer || window.high(5) !== 0 || (flags & ~allShowFlags) !== 0) return -errno.EINVAL;
  if (!window.isMapped(3, typedPointer)) return -errno.EFAULT;
  const id = memory.view.getUint32(given + 8, true);
  if (id === 0 || id >= btf.count) return -errno.EINVAL;
  const [low, high] = [memory.view.getUint32(given, true), memory.view.getUint32(given + 4, true)];
  const kind = btf.type(btf.strip(id)).kind;
  const length = kind === 'function' || kind === 'prototype' ? 0 : btf.sizeOf(id);
  if (!memory.isMapped(high, low, length)) return -errno.EFAULT;
  const isRaw = (flags & showFlags.rawPointers) !== 0;
  const pointer = (address: bigint) =>
    (isRaw || address === 0n ? address : BigInt(hashed(address))).toString(16).padStart(16, '0');
  const text = showType(btf, id, { bytes: viewOf(memory.bytes(low, length)), pointer }, flags);
  write(memory, target, size, text);
  return text.length;
}

/** Cut to the room that there is, with its NUL; nothing where there is none. */
function write(memory: Memory, target: number, size: number, text: string): void {
  if (size === 0) return;
  const shown = Math.min(text.length, size - 1);
  for (let index = 0; index < shown; index++) memory.u8[target + index] = text.charCodeAt(index);
  memory.u8[target + shown] = 0;
}

/** The bytes of a format up to and with its NUL; empty when it has none. */
function formatAt(memory: Memory, high: number, at: number): Uint8Array {
  let length = 0;
  while (length < longestFormat && memory.isMapped(high, at + length, 1)) {
    if (memory.u8[at + length++] === 0) return memory.bytes(at, length);
  }
  return memory.bytes(at, 0);
}
