/**
 * USDT probes as BCC's Python enables them (src/python/bcc/usdt.py): which program runs at which probe, and where the
 * probe's note says that each argument lies, for bpf_usdt_readarg.
 */
import { nearestHint, UsageError } from '../base/index.ts';
import { type UsdtArgument as NoteArgument, parseUsdtArguments } from '../object/index.ts';
import type { AttachTarget, BinaryFile, Kernel } from '../sys/index.ts';
import { BpfError } from './bpf-error.ts';
import type { UsdtPlaces } from './compile-source.ts';
import { findBinary, usdtTargets } from './user-symbols.ts';

export interface UsdtOptions {
  /** The program or library; else all that the process maps. */
  readonly path?: string;
  /** Only in this process. */
  readonly pid?: number;
}

interface Enabled {
  readonly binary: string;
  readonly provider: string;
  readonly name: string;
  readonly fnName: string;
  readonly arguments: readonly NoteArgument[];
}

type Probe = BinaryFile['probes'][number];

/** The probes of a binary or a process. Hand it to `new BPF(kernel, { usdt })`. */
export class USDT {
  readonly #kernel: Kernel;
  readonly #pid: number | undefined;
  readonly #files: readonly BinaryFile[];
  readonly #enabled: Enabled[] = [];

  /** @throws BpfError ENOENT for a binary or process that is not there */
  constructor(kernel: Kernel, { path, pid }: UsdtOptions) {
    if (path === undefined && pid === undefined) {
      throw new UsageError('USDT probes of what?', { expected: 'a path, a pid, or both' });
    }
    this.#kernel = kernel;
    this.#pid = pid;
    this.#files = path === undefined ? filesOf(kernel, pid as number) : [findBinary(kernel, path)];
  }

  /** Every probe there is: `provider:name`. */
  enumerateProbes(): string[] {
    return this.#all().map(([, probe]) => `${probe.provider}:${probe.name}`);
  }

  /**
   * Has a program run at a probe.
   * @param probe `name`, or `provider:name` where several providers have it
   * @throws BpfError ENOENT, with the nearest names
   */
  enableProbe({ probe, fnName }: { readonly probe: string; readonly fnName: string }): this {
    const wanted = probe.replace('::', ':');
    const found = this.#all().find(([, one]) => wanted === one.name || wanted === `${one.provider}:${one.name}`);
    if (!found) {
      throw new BpfError('ENOENT', 'usdt', `there is no probe '${probe}'`, {
        ...nearestHint(wanted, [...this.#all().map(([, { name }]) => name), ...this.enumerateProbes()]),
      });
    }
    const [file, { provider, name, arguments: note }] = found;
    this.#enabled.push({ binary: file.path, provider, name, fnName, arguments: parseUsdtArguments(note) });
    return this;
  }

  #all(): [BinaryFile, Probe][] {
    return this.#files.flatMap((file) => file.probes.map((probe): [BinaryFile, Probe] => [file, probe]));
  }

  /** Where the arguments of a program's probe lie; undefined for a program that is at no probe of these. */
  readonly places: UsdtPlaces = (program, index) => {
    const enabled = this.#enabled.find((one) => one.fnName === program);
    const argument = enabled?.arguments[index - 1];
    return argument && placeOf(argument);
  };

  /** What to attach. */
  targets(): { readonly fnName: string; readonly targets: readonly AttachTarget[] }[] {
    const pid = this.#pid === undefined ? {} : { pid: this.#pid };
    return this.#enabled.map(({ binary, provider, name, fnName }) => ({
      fnName,
      targets: usdtTargets(this.#kernel, binary, provider, name, pid),
    }));
  }
}

function filesOf(kernel: Kernel, pid: number): BinaryFile[] {
  const paths = new Set(kernel.mappings(pid).map((mapping) => mapping.path));
  if (paths.size === 0) throw new BpfError('ENOENT', 'usdt', `there is no process ${pid}`);
  return [...paths].flatMap((path) => kernel.binary(path) ?? []);
}

/** @throws UsageError for an operand that bpf_usdt_readarg cannot be compiled for */
function placeOf({ size, signed, operand, text }: NoteArgument): ReturnType<UsdtPlaces> {
  switch (operand.kind) {
    case 'constant':
      return { size, signed, constant: operand.value };
    case 'register':
      if (operand.shift === 0) return { size, signed, register: operand.register };
      break;
    case 'memory':
      if (operand.index === undefined) {
        return { size, signed, register: operand.base, memory: operand.displacement };
      }
  }
  throw new UsageError(`the argument ${text} of a USDT probe cannot be read`, {
    expected: 'a constant, a register, or memory at a register and an offset',
  });
}
