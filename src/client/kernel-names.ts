import { type Nanoseconds, UsageError } from '../base/index.ts';
import { structLayout } from '../btf/index.ts';
import type { Kernel } from '../sys/index.ts';
import type { StackFrame } from './stack-frames.ts';
import { findBinary, formatUserSymbol, type UserSymbolFormat } from './user-symbols.ts';

/**
 * What BCC's BPF class tells of a kernel without any program: symbols, system calls, what can be attached to, which
 * fields its structs have. In BCC these are static; here the kernel is named.
 */
/** A name, or a regular expression in its place; a text is matched from the name's start, as Python's re.match. */
export type NamePattern = string | RegExp;

export class KernelNames {
  readonly kernel: Kernel;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** The kernel symbol of an address, `[unknown]` where there is none. */
  ksym(
    address: bigint | number,
    { showModule = false, showOffset = false }: { readonly showModule?: boolean; readonly showOffset?: boolean } = {},
  ): string {
    const symbol = this.kernel.symbols.lookup(BigInt(address));
    if (!symbol) return showModule ? '[unknown] [unknown]' : '[unknown]';
    const offset = showOffset ? `+0x${symbol.offset.toString(16)}` : '';
    return `${symbol.name}${offset}${showModule ? ` [${symbol.module ?? 'kernel'}]` : ''}`;
  }

  /** The address of a kernel symbol, or undefined. */
  ksymname(name: string): bigint | undefined {
    return this.kernel.symbols.address(name);
  }

  /**
   * The symbol of a user address in a process; with pid -1 a kernel symbol, as BCC's. A frame of a stack with build ids
   * tells its binary itself: there `pid` says nothing.
   */
  sym(frame: StackFrame | number, pid: number, format: UserSymbolFormat = {}): string {
    if (typeof frame === 'object') return formatUserSymbol(this.kernel, pid, frame, format);
    if (pid < 0) return this.ksym(frame, format);
    return formatUserSymbol(this.kernel, pid, BigInt(frame), format);
  }

  /** What this kernel puts before a system call's name: `__x64_sys_`. */
  getSyscallPrefix(): string {
    return syscallPrefixes.find((prefix) => this.ksymname(`${prefix}bpf`) !== undefined) ?? 'sys_';
  }

  /** The function of a system call: `__x64_sys_execve` of `execve`. */
  getSyscallFnname(name: string): string {
    return `${this.getSyscallPrefix()}${name}`;
  }

  /** A system call's function under whatever prefix it is written with; other names stay. */
  fixSyscallFnname(name: string): string {
    const prefix = syscallPrefixes.find((one) => name.startsWith(one));
    return prefix === undefined ? name : this.getSyscallFnname(name.slice(prefix.length));
  }

  /** Functions that match and can be attached to. */
  getKprobeFunctions(pattern: NamePattern): string[] {
    return matching(this.kernel.functions(), pattern);
  }

  /** Tracepoints that match: `sched:sched_switch`. */
  getTracepoints(pattern: NamePattern): string[] {
    return matching(this.kernel.tracepoints(), pattern);
  }

  getUserFunctions(name: string, pattern: NamePattern): string[] {
    const { symbols } = findBinary(this.kernel, name);
    return matching(new Set(symbols.map((symbol) => symbol.name)), pattern);
  }

  /** Places in a binary whose symbols match, each once. */
  getUserAddresses(name: string, pattern: NamePattern): number[] {
    const { symbols } = findBinary(this.kernel, name);
    const form = formOf(pattern);
    return [...new Set(symbols.filter((symbol) => form.test(symbol.name)).map((symbol) => symbol.address))];
  }

  /** Whether a struct of this kernel has a field, also through anonymous members. */
  kernelStructHasField(struct: string, field: string): boolean {
    const { btf } = this.kernel.profile;
    const id = btf.find('struct', struct);
    return id !== undefined && structLayout(btf, id).some((member) => member.name === field);
  }

  /** Whether an enum of this kernel has a value of that name. */
  kernelEnumHasVal(name: string, value: string): boolean {
    const { btf } = this.kernel.profile;
    const id = btf.find('enum', name);
    const type = id === undefined ? undefined : btf.type(id);
    return type !== undefined && 'values' in type && type.values.some((one) => one.name === value);
  }

  tracepointExists(category: string, event: string): boolean {
    return this.kernel.profile.tracepoint(`${category}:${event}`) !== undefined;
  }

  /** CLOCK_MONOTONIC, ns: what bpf_ktime_get_ns answers. */
  monotonicTime(): Nanoseconds {
    return this.kernel.clock();
  }

  /** Whether programs can be attached to functions by trampoline (kfunc, fentry). */
  supportKfunc(): boolean {
    return this.kernel.profile.btf.count > 1;
  }

  /** Whether programs may answer for functions (fmod_ret), as BCC asks it. */
  supportFmodRet(): boolean {
    return this.kernelEnumHasVal('bpf_attach_type', 'BPF_MODIFY_RETURN');
  }

  /** Whether the kernel has hooks for LSM programs, as BCC asks it. */
  supportLsm(): boolean {
    return this.ksymname('bpf_lsm_bpf') !== undefined;
  }

  supportRawTracepoint(): boolean {
    for (const _ of this.kernel.rawTracepoints()) return true;
    return false;
  }
}

/** As BCC knows them (src/python/bcc/__init__.py: _syscall_prefixes). */
const syscallPrefixes = [
  'sys_',
  '__x64_sys_',
  '__x32_compat_sys_',
  '__ia32_compat_sys_',
  '__arm64_sys_',
  '__s390x_sys_',
  '__s390_sys_',
  '__riscv_sys_',
];

function matching(names: Iterable<string>, pattern: NamePattern): string[] {
  const form = formOf(pattern);
  return [...names].filter((name) => form.test(name));
}

/** @throws UsageError for a text that is no regular expression */
function formOf(pattern: NamePattern): RegExp {
  if (typeof pattern !== 'string') return pattern;
  try {
    return new RegExp(`^(?:${pattern})`);
  } catch (cause) {
    throw new UsageError(`not a regular expression: ${pattern}`, { cause, hint: (cause as Error).message });
  }
}
