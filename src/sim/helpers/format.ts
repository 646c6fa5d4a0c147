import { errno } from '../../base/index.ts';
import { kernelSpace, type Memory, userSpace } from '../../memory/index.ts';
import type { SymbolTable } from '../machine/symbols.ts';
import type { UserMemory } from '../processes/user-memory.ts';

/**
 * Formats as bpf_trace_printk takes them (kernel/bpf/helpers.c: bpf_bprintf_prepare, lib/vsprintf.c). Only printable
 * ASCII and white space, a NUL at the end, and of the conversions:
 *
 *   %[0 +-][width] d i u x X, each also l and ll; c s p pK px ps pS pB pks pus pi4 pI4 pi6 pI6; %%
 *
 * What is anything else, or wants more arguments than there are, is -EINVAL.
 */
export interface FormatEnvironment {
  readonly memory: Memory;
  readonly symbols: SymbolTable;
  readonly userMemory: UserMemory;
}

const conversion =
  /^%(?<flags>[0 +-]*)(?<width>[1-9][0-9]*)?(?:(?<pointer>p(?:[ku]s|[iI][46]|[KxsSB])?)|(?<length>ll?)?(?<type>[diuxX])|(?<text>[cs])|(?<percent>%))/;
/** A `%s` or `%p…` ends where its word ends. */
const wordEnd = /^(?:$|[\s!-/:-@[-`{-~])/;
const strange = /[^\x20-\x7e\t\n\v\f\r]/;
const mostText = 512;

/** @returns the text, or a negative errno */
export function formatPrintk(
  environment: FormatEnvironment,
  format: Uint8Array,
  args: readonly bigint[],
): string | number {
  const end = format.indexOf(0);
  if (end < 0 || format[format.length - 1] !== 0) return -errno.EINVAL;
  let rest = String.fromCharCode(...format.subarray(0, end));
  if (strange.test(rest)) return -errno.EINVAL;
  let text = '';
  let used = 0;
  for (;;) {
    const percent = rest.indexOf('%');
    if (percent < 0) return text + rest;
    text += rest.slice(0, percent);
    rest = rest.slice(percent);
    const match = conversion.exec(rest);
    if (!match?.groups) return -errno.EINVAL;
    rest = rest.slice(match[0].length);
    const { groups } = match;
    if (groups.percent !== undefined) {
      if (match[0] !== '%%') return -errno.EINVAL;
      text += '%';
      continue;
    }
    if ((groups.pointer !== undefined || groups.text === 's') && !wordEnd.test(rest)) return -errno.EINVAL;
    const argument = args[used++];
    if (argument === undefined) return -errno.EINVAL;
    // Zeros pad numbers, not texts.
    const flags = groups.text === undefined ? (groups.flags ?? '') : (groups.flags ?? '').replaceAll('0', '');
    text += pad(convert(environment, groups, argument), flags, Number(groups.width ?? 0));
  }
}

type Groups = Readonly<Record<string, string | undefined>>;

function convert(environment: FormatEnvironment, groups: Groups, argument: bigint): string {
  if (groups.pointer !== undefined) return pointerText(environment, groups.pointer, argument, groups.width);
  if (groups.text === 'c') return String.fromCharCode(Number(argument & 0xffn));
  if (groups.text === 's') return memoryText(environment, argument);
  const bits = groups.length === undefined ? 32 : 64;
  const unsigned = BigInt.asUintN(bits, argument);
  switch (groups.type) {
    case 'x':
      return unsigned.toString(16);
    case 'X':
      return unsigned.toString(16).toUpperCase();
    case 'u':
      return unsigned.toString();
    default:
      return signed(BigInt.asIntN(bits, argument), groups.flags ?? '');
  }
}

function signed(value: bigint, flags: string): string {
  if (value < 0n) return value.toString();
  if (flags.includes('+')) return `+${value}`;
  return flags.includes(' ') ? ` ${value}` : value.toString();
}

/** Zeros go behind the sign. */
function pad(text: string, flags: string, width: number): string {
  if (text.length >= width) return text;
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0')) return text.padStart(width);
  const sign = /^[+\- ]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

/**
 * %p and its kinds. A plain %p prints a hash, NULL as zeros: addresses stay inside the kernel. Addresses have 16 digits
 * unless the format says how wide they are.
 */
function pointerText(
  environment: FormatEnvironment,
  kind: string,
  argument: bigint,
  width: string | undefined,
): string {
  const { memory, symbols } = environment;
  const digits = width === undefined ? 16 : 0;
  switch (kind) {
    case 'px':
      return argument.toString(16).padStart(digits, '0');
    case 'ps':
      return symbolText(symbols, argument, false);
    case 'pS':
    case 'pB':
      return symbolText(symbols, argument, true);
    case 'pks':
    case 'pus':
      return memoryText(environment, argument);
    case 'pi4':
    case 'pI4':
      return ipv4(memoryBytes(memory, argument, 4), kind === 'pi4');
    case 'pi6':
    case 'pI6':
      return ipv6(memoryBytes(memory, argument, 16), kind === 'pi6' ? '' : ':');
    default:
      return (argument === 0n ? 0 : hashed(argument)).toString(16).padStart(digits, '0');
  }
}

function symbolText(symbols: SymbolTable, address: bigint, withOffset: boolean): string {
  const symbol = symbols.lookup(address);
  if (!symbol) return `0x${address.toString(16)}`;
  const module = symbol.module === undefined ? '' : ` [${symbol.module}]`;
  return withOffset ? symbols.format(address) : `${symbol.name}${module}`;
}

/** What a plain %p shows of an address: always the same 32 bits, and not the address, which stays inside the kernel. */
export function hashed(address: bigint): number {
  let hash = Number(BigInt.asIntN(32, address)) ^ Math.imul(Number(BigInt.asIntN(32, address >> 32n)), 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Text behind a pointer up to its NUL; empty when it is not mapped, as a failed copy leaves it. */
function memoryText({ memory, userMemory }: FormatEnvironment, argument: bigint): string {
  const high = Number(argument >> 32n);
  const low = Number(argument & 0xffffffffn);
  if (high !== kernelSpace && high !== userSpace) return '';
  let text = '';
  for (let address = low; address < low + mostText - 1; address++) {
    const mapped = high === userSpace ? userMemory.at(address) : address;
    if (mapped < 0 || (mapped === address && !memory.isMapped(high, address, 1))) return '';
    const byte = memory.u8[mapped] as number;
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Bytes behind a kernel pointer; zeros when they are not mapped. */
function memoryBytes(memory: Memory, argument: bigint, length: number): Uint8Array {
  const low = Number(argument & 0xffffffffn);
  return memory.isMapped(Number(argument >> 32n), low, length)
    ? memory.u8.slice(low, low + length)
    : new Uint8Array(length);
}

function ipv4(bytes: Uint8Array, zeros: boolean): string {
  return Array.from(bytes, (byte) => (zeros ? String(byte).padStart(3, '0') : String(byte))).join('.');
}

function ipv6(bytes: Uint8Array, separator: string): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16).padStart(4, '0'));
  return groups.join(separator);
}
