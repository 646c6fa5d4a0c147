import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Nanoseconds, nearestOrAll, parseDuration, UsageError } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';

/** Values of options: each takes the text of the command line or says what it would have taken. */

function integer(option: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = /^(\d+|0x[0-9a-f]+)$/i.test(text.trim()) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < low || value > high) {
      throw new UsageError(`${option} cannot be '${text}'`, { expected: `a whole number from ${low} to ${high}` });
    }
    return value;
  };
}

export const seed = integer('--seed', 0, 0xffff_ffff);
export const cpus = integer('--cpus', 1, 64);
export const limit = integer('--limit', 1, Number.MAX_SAFE_INTEGER);

export const budget = integer('--budget', 1, Number.MAX_SAFE_INTEGER);

/** Data pages of a ring: mmap of a perf event takes a power of two. */
export function ringPages(text: string): number {
  const value = integer('--ring-pages', 1, 1024)(text);
  if ((value & (value - 1)) !== 0) {
    throw new UsageError(`--ring-pages cannot be '${text}'`, { expected: 'a power of two from 1 to 1024' });
  }
  return value;
}

export function duration(text: string): Nanoseconds {
  const value = parseDuration(text, '--duration');
  if (value <= 0) throw new UsageError(`--duration cannot be '${text}'`, { expected: 'more than nothing' });
  return value;
}

/** `max`, or virtual seconds per real second: `1`, `0.5`, `100`, `10x`. */
export function speed(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const value = /^\d+(\.\d+)?x?$/.test(text) ? Number.parseFloat(text) : 0;
  if (!(value > 0)) {
    throw new UsageError(`--speed cannot be '${text}'`, {
      expected: "'max', or a number above 0: virtual seconds per real second",
    });
  }
  return value;
}

/** Bits of the verifier's log level. */
export const logLevel = integer('--log-level', 0, 15);

/** A name of one of the kernel's tables, or a fault with the nearest. */
export function named<T extends string>(option: string, table: Readonly<Record<T, number>>): (text: string) => T {
  return (text) => {
    if (Object.hasOwn(table, text)) return text as T;
    const names = Object.keys(table);
    throw new UsageError(`${option} cannot be '${text}'`, nearestOrAll(text, names));
  };
}

/** One of a list, or a fault that names them all. */
export function oneOf<const T extends string>(option: string, choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) {
      throw new UsageError(`${option} cannot be '${text}'`, { expected: choices.join(', ') });
    }
    return found;
  };
}

/**
 * A kernel profile by its name, or by a file of BTF. Loads it only now, for help must be quick.
 * @throws UsageError for one that is neither; InputError with the byte offset for a file that holds no BTF
 */
export async function profileNamed(name: string): Promise<KernelProfile> {
  const { loadProfile, profileFromBtf, profileNames } = await import('../btf/index.ts');
  if (profileNames.some((known) => known === name)) return loadProfile(name);
  return profileFromBtf(await readBtfFile(name, profileNames), basename(name), { file: name });
}

async function readBtfFile(path: string, profileNames: readonly string[]): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new UsageError(`--kernel cannot be '${path}'${code === 'ENOENT' ? '' : `: ${message}`}`, {
      expected: `${profileNames.join(', ')}, or a file of BTF as /sys/kernel/btf/vmlinux`,
      cause,
    });
  }
}
