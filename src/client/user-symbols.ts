/**
 * Symbols of user space, as BCC finds them: a function or a USDT probe by the file that has it, and the name of an
 * address by the mappings of its process (bcc_syms.cc, usdt.cc). A library also goes by its short name: `c` is libc.so.6.
 */
import { nearestHint } from '../base/index.ts';
import type { AttachTarget, BinaryFile, Kernel } from '../sys/index.ts';
import { BpfError } from './bpf-error.ts';
import type { BuildIdFrame, StackFrame } from './stack-frames.ts';

export interface UserTargetOptions {
  readonly kind: 'uprobe' | 'uretprobe';
  /** Only in this process. */
  readonly pid?: number;
  readonly cookie?: bigint;
  /** Bytes behind the function's begin. */
  readonly offset?: number;
}

/** The file that a path or a library's short name means. @throws BpfError ENOENT */
export function findBinary(kernel: Kernel, name: string): BinaryFile {
  const exact = kernel.binary(name);
  if (exact) return exact;
  const paths = [...kernel.binaries()];
  const short = paths.find((path) => baseName(path).startsWith(`lib${name}.so`) || baseName(path) === name);
  const found = short === undefined ? undefined : kernel.binary(short);
  if (found) return found;
  const all = paths.length === 0 ? 'the scenario has no processes with programs of their own' : paths.join(', ');
  throw new BpfError('ENOENT', 'attach', `there is no program or library '${name}'`, {
    ...nearestHint(name, [...paths, ...paths.map(baseName)]),
    expected: all,
  });
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The begin of a function of a binary as a target. @throws BpfError ENOENT */
export function userTarget(kernel: Kernel, binary: string, name: string, options: UserTargetOptions): AttachTarget {
  const file = findBinary(kernel, binary);
  const symbol = file.symbols.find((candidate) => candidate.name === name);
  if (!symbol) {
    const names = file.symbols.map((candidate) => candidate.name);
    throw new BpfError('ENOENT', 'attach', `${file.path} has no function '${name}'`, nearestHint(name, names));
  }
  const { offset = 0, ...rest } = options;
  return { ...rest, binary: file.path, address: symbol.address + offset };
}

/** Every place of a USDT probe in a binary as targets. @throws BpfError ENOENT */
export function usdtTargets(
  kernel: Kernel,
  binary: string,
  provider: string | undefined,
  name: string,
  options: { readonly pid?: number; readonly cookie?: bigint } = {},
): AttachTarget[] {
  const file = findBinary(kernel, binary);
  const places = file.probes.filter(
    (probe) => probe.name === name && (provider === undefined || probe.provider === provider),
  );
  if (places.length === 0) {
    const names = file.probes.map((probe) => `${probe.provider}:${probe.name}`);
    const wanted = provider === undefined ? name : `${provider}:${name}`;
    throw new BpfError('ENOENT', 'attach', `${file.path} has no probe '${wanted}'`, nearestHint(wanted, names));
  }
  return places.map(({ address }) => ({ ...options, kind: 'uprobe', binary: file.path, address }));
}

/** A user address by what its process maps there. */
export interface UserSymbol {
  /** Undefined where the file has no symbol for it. */
  readonly name: string | undefined;
  /** Bytes from the symbol, or from the file's begin without one. */
  readonly offset: number;
  readonly path: string;
}

/** The symbol of an address in a process, or undefined where it maps nothing. */
export function userSymbol(kernel: Kernel, pid: number, address: bigint): UserSymbol | undefined {
  const mapping = kernel.mappings(pid).find(({ start, end }) => address >= start && address < end);
  const file = mapping && kernel.binary(mapping.path);
  if (!mapping || !file) return undefined;
  return symbolAt(file, Number(address - mapping.start));
}

/** The symbol of a frame that a stack with build ids has, or undefined where no binary here has that id. */
function buildIdSymbol(kernel: Kernel, { buildId, offset }: BuildIdFrame): UserSymbol | undefined {
  for (const path of kernel.binaries()) {
    const file = kernel.binary(path);
    if (file?.buildId === buildId) return symbolAt(file, offset);
  }
  return undefined;
}

function symbolAt(file: BinaryFile, place: number): UserSymbol {
  const symbol = file.symbols.find((one) => place >= one.address && place < one.address + one.size);
  return { name: symbol?.name, offset: symbol ? place - symbol.address : place, path: file.path };
}

export interface UserSymbolFormat {
  /** ` [libc.so.6]` behind the name, as BCC's show_module. */
  readonly showModule?: boolean;
  /** `+0x1f` behind the name, as BCC's show_offset. */
  readonly showOffset?: boolean;
}

/** BPF.sym: the name of a user address or of a frame with its build id, `[unknown]` where there is none. */
export function formatUserSymbol(
  kernel: Kernel,
  pid: number,
  frame: StackFrame,
  format: UserSymbolFormat = {},
): string {
  const symbol = typeof frame === 'bigint' ? userSymbol(kernel, pid, frame) : buildIdSymbol(kernel, frame);
  const module = symbol && format.showModule === true ? ` [${baseName(symbol.path)}]` : '';
  if (symbol?.name === undefined) return `[unknown]${module}`;
  const offset = format.showOffset === true ? `+0x${symbol.offset.toString(16)}` : '';
  return `${symbol.name}${offset}${module}`;
}
