/**
 * Programs and libraries as a tracer finds them on disk: a path, its symbols, its USDT probes. Addresses are those of
 * the file (a position-independent one begins at 0), so that a file offset and an address are the same number.
 */
import { InputError, nearestOrAll } from '../base/index.ts';

export interface Binary {
  /** `/usr/lib/libssl.so.3`; one with `.so` in its name is a library. */
  readonly path: string;
  readonly symbols: readonly BinarySymbol[];
  readonly probes: readonly UsdtProbe[];
  /** 20 bytes in hex. */
  readonly buildId: string;
}

export interface BinarySymbol {
  readonly name: string;
  readonly address: number;
  /** bytes */
  readonly size: number;
}

/** A probe of section .note.stapsdt. */
export interface UsdtProbe {
  readonly provider: string;
  readonly name: string;
  /** Where its nop stands. */
  readonly address: number;
  /** Where its arguments lie, as the note says it: `-4@%edi 8@-16(%rbp)`. */
  readonly arguments: string;
  /** Address of the counter that says whether anyone listens; absent when it has none. */
  readonly semaphore?: number;
}

/** A process that the scenario's tasks belong to, by their tgid. */
export interface Process {
  readonly pid: number;
  /** The last pid of many that run the same program, one after the other; `pid` is the first of them. */
  readonly lastPid?: number;
  /** What it maps; the first is its executable. */
  readonly binaries: readonly Binary[];
}

export interface BinarySpec {
  /** Names of functions, in the order of their addresses; or with their sizes in bytes. */
  readonly functions: readonly (string | { readonly name: string; readonly size: number })[];
  readonly probes?: readonly {
    readonly provider: string;
    readonly name: string;
    /** The function that it stands in. */
    readonly in: string;
    /** Bytes from the function's begin; when absent 0x20 behind it, or behind the probe before in that function. */
    readonly offset?: number;
    readonly arguments?: string;
    readonly semaphore?: boolean;
  }[];
  /** Made from the path when absent. */
  readonly buildId?: string;
}

/** The first page holds the ELF header. */
const firstAddress = 0x1000;
const usualSize = 0x400;
const usualProbe = 0x20;

/** A binary with its functions laid out one after the other. @throws InputError for a probe in no function of it */
export function binary(path: string, spec: BinarySpec): Binary {
  let address = firstAddress;
  const symbols = spec.functions.map((entry): BinarySymbol => {
    const { name, size } = typeof entry === 'string' ? { name: entry, size: usualSize } : entry;
    const symbol = { name, address, size };
    address += Math.ceil(size / 16) * 16;
    return symbol;
  });
  const counters = Math.ceil(address / 0x1000) * 0x1000;
  const last = new Map<string, number>();
  const probes = (spec.probes ?? []).map((probe, index): UsdtProbe => {
    const home = symbols.find((symbol) => symbol.name === probe.in);
    if (!home) throw noFunction(path, symbols, probe.in);
    const offset = probe.offset ?? (last.get(home.name) ?? 0) + usualProbe;
    last.set(home.name, offset);
    return {
      provider: probe.provider,
      name: probe.name,
      address: home.address + offset,
      arguments: probe.arguments ?? '',
      ...(probe.semaphore === true ? { semaphore: counters + 2 * index } : {}),
    };
  });
  return { path, symbols, probes, buildId: spec.buildId ?? idOf(path) };
}

function noFunction(path: string, symbols: readonly BinarySymbol[], name: string): InputError {
  const names = symbols.map((symbol) => symbol.name);
  return new InputError(`${path} has no function '${name}'`, nearestOrAll(name, names));
}

/** 20 bytes that are the same for the same path. */
function idOf(path: string): string {
  let hex = '';
  for (let word = 0; word < 5; word++) {
    let hash = 0x811c9dc5 ^ word;
    for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193);
    hex += (hash >>> 0).toString(16).padStart(8, '0');
  }
  return hex;
}
