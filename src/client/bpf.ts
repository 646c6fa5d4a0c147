import { Observable } from 'rxjs';
import { type Nanoseconds, UsageError } from '../base/index.ts';
import { structLayout } from '../btf/index.ts';
import { type ObjectSpec, parseSection } from '../object/index.ts';
import type { AttachTarget, Kernel } from '../sys/index.ts';
import { type PerfCounter, type ProgramType, perfCounter } from '../uapi/index.ts';
import type { BpfLink, Target } from './attach.ts';
import { BpfError } from './bpf-error.ts';
import { BpfObject, type BpfProgram } from './bpf-object.ts';
import type { CodecOptions, CodecValue } from './codec.ts';
import { compileSource, type SourceOptions } from './compile-source.ts';
import { log2Slots } from './histogram.ts';
import type { LoadedMap } from './map-table.ts';
import type { PerfBuffer } from './perf-buffer.ts';
import type { RingBuffer } from './ring-buffer.ts';
import { type PerfBufferOpen, Table } from './table.ts';
import { readTraceLines, type TraceLine } from './trace-pipe.ts';
import type { USDT } from './usdt.ts';
import { findBinary, formatUserSymbol, type UserSymbolFormat, userTarget } from './user-symbols.ts';

/**
 * BCC's BPF class: C text in, tables and probes out. The text is compiled in this process for the kernel's own types;
 * a program is loaded when it is first attached, and those whose names say where (`kprobe__tcp_v4_connect`) are
 * attached at once. Unlike BCC the kernel is named: a tool gets it in its context, a test boots one.
 */
export interface BpfOptions extends SourceOptions {
  /** Probes enabled with USDT.enableProbe: their programs are attached at once. */
  readonly usdt?: USDT | readonly USDT[];
  /** Other entries for tables, by name. */
  readonly maxEntries?: Readonly<Record<string, number>>;
  /** Objects whose tables this text's extern tables are. */
  readonly extern?: BPF | readonly BPF[];
  /** Data pages of each CPU's perf ring where openPerfBuffer gives none; 8 when absent. */
  readonly pageCnt?: number;
  /** How integers and text are held: see CodecOptions. 64-bit integers are numbers where exact. */
  readonly codecs?: CodecOptions;
}

/** A name, or a regular expression in its place; a text is matched from the name's start, as Python's re.match. */
export type NamePattern = string | RegExp;

export interface KprobeAttach {
  readonly event?: string;
  readonly eventRe?: NamePattern;
  /** Bytes behind the function's begin. */
  readonly eventOff?: number;
  readonly fnName: string;
}

export interface KretprobeAttach {
  readonly event?: string;
  readonly eventRe?: NamePattern;
  readonly fnName: string;
  readonly maxactive?: number;
}

export interface UprobeAttach {
  /** A path, or a library's short name, `c` of libc.so.6. */
  readonly name: string;
  readonly sym?: string;
  readonly symRe?: NamePattern;
  readonly symOff?: number;
  /** Instead of a symbol: the place in the file. */
  readonly addr?: number;
  readonly pid?: number;
  readonly fnName: string;
}

export interface PerfEventAttach {
  /** By perf-list's name, or by type and config as BCC's. */
  readonly event?: PerfCounter;
  readonly evType?: number;
  readonly evConfig?: number;
  readonly fnName: string;
  readonly samplePeriod?: number;
  readonly sampleFreq?: number;
  readonly pid?: number;
  /** All CPUs when absent. */
  readonly cpu?: number;
}

export class BPF implements Disposable {
  readonly kernel: Kernel;
  /** What the text was compiled to. */
  readonly spec: ObjectSpec;
  /** The maps and programs below the tables. */
  readonly object: BpfObject;
  readonly #options: BpfOptions;
  readonly #tables = new Map<string, Table<unknown, unknown>>();
  readonly #perf: PerfBuffer<unknown>[] = [];
  readonly #rings: RingBuffer<unknown>[] = [];

  /** @throws CompileError with the diagnostics; BpfError when the kernel refuses a map, a program or an attachment */
  constructor(kernel: Kernel, options: BpfOptions) {
    const contexts = listOf(options.usdt);
    this.kernel = kernel;
    this.#options = options;
    this.spec = compileSource(kernel, options, contexts.length > 0 ? placesOf(contexts) : undefined);
    this.object = new BpfObject(kernel, this.spec, {
      lazy: true,
      shared: new Map(listOf(options.extern).flatMap((other) => [...other.object.maps])),
      ...(options.maxEntries ? { maxEntries: options.maxEntries } : {}),
    });
    try {
      for (const context of contexts) {
        for (const { fnName, targets } of context.targets()) this.#attach(fnName, 'kprobe', targets);
      }
      this.#autoAttach();
    } catch (fault) {
      this.close();
      throw fault;
    }
  }

  /** Attaches what says by its name or section where it belongs. */
  #autoAttach(): void {
    for (const { name, section } of this.spec.programs) {
      const { target } = parseSection(section);
      if (!target) continue;
      const program = this.loadFunc(name);
      program.attach(
        target.kind === 'kprobe' || target.kind === 'kretprobe'
          ? { ...target, function: this.fixSyscallFnname(target.function) }
          : target,
      );
    }
  }

  // ---------------------------------------------------------------------------------------------------- programs

  /**
   * Loads a program of the text, unless it was.
   * @param type what it is loaded as; what its text says when absent
   * @throws BpfError ENOENT for a function that is no program, with the nearest names
   */
  loadFunc(fnName: string, type?: ProgramType): BpfProgram {
    return this.object.load(fnName, type);
  }

  /** Names of the programs of the text, in its order. */
  funcs(): string[] {
    return this.spec.programs.map((program) => program.name);
  }

  #attach(fnName: string, type: ProgramType, targets: readonly Target[]): BpfLink[] {
    const program = this.loadFunc(fnName, type);
    return targets.flatMap((target) => program.attach(target));
  }

  /** Attaches at each; a pattern's points may refuse, but not all. */
  #attachMatches(fnName: string, type: ProgramType, targets: readonly Target[], what: string): BpfLink[] {
    const program = this.loadFunc(fnName, type);
    const links: BpfLink[] = [];
    for (const target of targets) {
      try {
        links.push(...program.attach(target));
      } catch (fault) {
        if (!(fault instanceof BpfError)) throw fault;
      }
    }
    if (links.length === 0) {
      throw new BpfError('ENOENT', 'attach', `no ${what} can be attached to`, {
        hint: 'tracebed events lists what can be attached',
      });
    }
    return links;
  }

  attachKprobe({ event, eventRe, eventOff, fnName }: KprobeAttach): BpfLink[] {
    if (eventRe !== undefined) {
      const targets = this.getKprobeFunctions(eventRe).map((name): Target => ({ kind: 'kprobe', function: name }));
      return this.#attachMatches(fnName, 'kprobe', targets, `function that matches ${eventRe}`);
    }
    const name = needed(event, 'attachKprobe', 'event or eventRe');
    const offset = eventOff ? { offset: eventOff } : {};
    return this.#attach(fnName, 'kprobe', [{ kind: 'kprobe', function: name, ...offset }]);
  }

  attachKretprobe({ event, eventRe, fnName, maxactive }: KretprobeAttach): BpfLink[] {
    const active = maxactive ? { maxActive: maxactive } : {};
    if (eventRe !== undefined) {
      const names = this.getKprobeFunctions(eventRe);
      const targets = names.map((name): Target => ({ kind: 'kretprobe', function: name, ...active }));
      return this.#attachMatches(fnName, 'kprobe', targets, `function that matches ${eventRe}`);
    }
    const name = needed(event, 'attachKretprobe', 'event or eventRe');
    return this.#attach(fnName, 'kprobe', [{ kind: 'kretprobe', function: name, ...active }]);
  }

  attachTracepoint({
    tp,
    tpRe,
    fnName,
  }: {
    readonly tp?: string;
    readonly tpRe?: NamePattern;
    readonly fnName: string;
  }): BpfLink[] {
    if (tpRe !== undefined) {
      const targets = this.getTracepoints(tpRe).map((name): Target => ({ kind: 'tracepoint', name }));
      return this.#attachMatches(fnName, 'tracepoint', targets, `tracepoint that matches ${tpRe}`);
    }
    const name = needed(tp, 'attachTracepoint', 'tp or tpRe');
    return this.#attach(fnName, 'tracepoint', [{ kind: 'tracepoint', name }]);
  }

  attachRawTracepoint({ tp, fnName }: { readonly tp: string; readonly fnName: string }): BpfLink[] {
    return this.#attach(fnName, 'raw_tracepoint', [{ kind: 'raw_tracepoint', name: tp }]);
  }

  attachUprobe(options: UprobeAttach): BpfLink[] {
    return this.#attach(options.fnName, 'kprobe', this.#userTargets('uprobe', options));
  }

  attachUretprobe(options: UprobeAttach): BpfLink[] {
    return this.#attach(options.fnName, 'kprobe', this.#userTargets('uretprobe', options));
  }

  #userTargets(kind: 'uprobe' | 'uretprobe', options: UprobeAttach): AttachTarget[] {
    const { name, sym, symRe, symOff, addr } = options;
    const pid = options.pid === undefined || options.pid < 0 ? {} : { pid: options.pid };
    if (symRe !== undefined) {
      const addresses = this.getUserAddresses(name, symRe);
      if (addresses.length > 0) {
        const { path } = findBinary(this.kernel, name);
        return addresses.map((address) => ({ kind, binary: path, address, ...pid }));
      }
      throw new BpfError('ENOENT', 'attach', `no function of ${name} matches ${symRe}`);
    }
    if (addr !== undefined) return [{ kind, binary: findBinary(this.kernel, name).path, address: addr, ...pid }];
    const symbol = needed(sym, kind === 'uprobe' ? 'attachUprobe' : 'attachUretprobe', 'sym, symRe or addr');
    return [userTarget(this.kernel, name, symbol, { kind, ...pid, ...(symOff ? { offset: symOff } : {}) })];
  }

  attachPerfEvent(options: PerfEventAttach): BpfLink[] {
    const event = options.event ?? perfCounter(options.evType ?? -1, options.evConfig ?? -1);
    if (event === undefined) {
      throw new BpfError('ENOENT', 'attach', `no perf event of type ${options.evType} and config ${options.evConfig}`);
    }
    const rate = options.sampleFreq ? { frequency: options.sampleFreq } : { period: options.samplePeriod ?? 0 };
    const pid = options.pid === undefined || options.pid < 0 ? {} : { pid: options.pid };
    const all = options.cpu === undefined || options.cpu < 0;
    const cpus = all ? Array.from({ length: this.kernel.cpus }, (_, cpu) => cpu) : [options.cpu as number];
    const targets = cpus.map((cpu): Target => ({ kind: 'perf_event', event, cpu, ...rate, ...pid }));
    return this.#attach(options.fnName, 'perf_event', targets);
  }

  /** Detaches from a function; one program of several when it is named. @throws BpfError ENOENT */
  detachKprobe(event: string, fnName?: string): void {
    this.#detach('kprobe', event, fnName);
  }

  detachKretprobe(event: string, fnName?: string): void {
    this.#detach('kretprobe', event, fnName);
  }

  detachTracepoint(tp: string): void {
    this.#detach('tracepoint', tp);
  }

  detachRawTracepoint(tp: string): void {
    this.#detach('raw_tracepoint', tp);
  }

  detachUprobe({ name, sym, addr }: { readonly name: string; readonly sym?: string; readonly addr?: number }): void {
    this.#detachUser('uprobe', name, sym, addr);
  }

  detachUretprobe({ name, sym, addr }: { readonly name: string; readonly sym?: string; readonly addr?: number }): void {
    this.#detachUser('uretprobe', name, sym, addr);
  }

  detachPerfEvent(event: PerfCounter): void {
    this.#detach('perf_event', event);
  }

  #detachUser(kind: 'uprobe' | 'uretprobe', name: string, sym: string | undefined, addr: number | undefined): void {
    const [target] = this.#userTargets(kind, { name, fnName: '', ...(sym ? { sym } : {}), ...(addr ? { addr } : {}) });
    const { address } = target as Extract<AttachTarget, { binary: string }>;
    this.#detach(kind, `${findBinary(this.kernel, name).path}:${address}`);
  }

  #detach(kind: AttachTarget['kind'], place: string, fnName?: string): void {
    const links = this.object.links.filter(
      (link) =>
        link.open &&
        link.target.kind === kind &&
        placeOf(link.target) === place &&
        (fnName === undefined || link.program === fnName),
    );
    if (links.length === 0) throw new BpfError('ENOENT', 'detach', `nothing is attached to ${kind} ${place}`);
    for (const link of links) link.close();
  }

  numOpenKprobes(): number {
    return this.#count('kprobe', 'kretprobe');
  }

  numOpenUprobes(): number {
    return this.#count('uprobe', 'uretprobe');
  }

  numOpenTracepoints(): number {
    return this.#count('tracepoint', 'raw_tracepoint');
  }

  #count(...kinds: AttachTarget['kind'][]): number {
    return this.object.links.filter((link) => link.open && kinds.includes(link.target.kind)).length;
  }

  // ------------------------------------------------------------------------------------------------------ tables

  /**
   * A table of the text, its keys and values as the C declares them.
   * @throws BpfError ENOENT with the nearest names
   */
  table<K = CodecValue, V = CodecValue>(name: string): Table<K, V> {
    const known = this.#tables.get(name) ?? this.#newTable(name);
    return known as Table<K, V>;
  }

  /** The same: Python's `b["name"]`. */
  get<K = CodecValue, V = CodecValue>(name: string): Table<K, V> {
    return this.table<K, V>(name);
  }

  #newTable(name: string): Table<unknown, unknown> {
    const map: LoadedMap = this.object.map(name);
    const owner = {
      kernel: this.kernel,
      pageCnt: this.#options.pageCnt ?? 8,
      opened: (buffer: PerfBuffer<unknown> | RingBuffer<unknown>) => {
        if ('events' in buffer) this.#perf.push(buffer);
        else this.#rings.push(buffer);
      },
    };
    const table = new Table<unknown, unknown>(owner, map, { wide: 'exact', ...this.#options.codecs });
    this.#tables.set(name, table);
    return table;
  }

  /** Every table's name, in the text's order. */
  tables(): string[] {
    return this.spec.maps.map((map) => map.name).filter((name) => !name.startsWith('.'));
  }

  /** A table's records as they are read, decoded by the type that the program submits; opened when subscribed to. */
  events<E = CodecValue>(name: string, options: PerfBufferOpen = {}): Observable<E> {
    const table = this.table(name);
    return new Observable<E>((subscriber) => table.openEvents<E>((event) => subscriber.next(event), options));
  }

  /**
   * Counts by slot, read at each emission of `when` (such as `every(sec(1))`); the table begins anew after each.
   * @throws BpfError ENOENT for an unknown table
   */
  histogram(name: string, when: Observable<unknown>, slots: number = log2Slots): Observable<readonly number[]> {
    const table = this.table<number, number>(name);
    return new Observable((subscriber) =>
      when.subscribe({
        next: () => {
          const counts = table.histogram(slots);
          table.clear();
          subscriber.next(counts);
        },
        error: (fault: unknown) => subscriber.error(fault),
        complete: () => subscriber.complete(),
      }),
    );
  }

  // ------------------------------------------------------------------------------------------------------ buffers

  /** The fds to poll: of every buffer that is open. */
  get fds(): readonly number[] {
    return [...this.#perf.flatMap((buffer) => buffer.events), ...this.#rings.map((ring) => ring.fd)];
  }

  /** Records that perf rings had no room for. */
  get lost(): number {
    return this.#perf.reduce((sum, buffer) => sum + buffer.lost, 0);
  }

  /** Takes all that waits in the perf buffers; the callbacks are called. It does not wait. @returns how many records */
  perfBufferPoll(): number {
    return this.#perf.reduce((sum, buffer) => sum + buffer.poll(), 0);
  }

  ringBufferPoll(): number {
    return this.#rings.reduce((sum, ring) => sum + ring.poll(), 0);
  }

  ringBufferConsume(): number {
    return this.ringBufferPoll();
  }

  /** Both kinds. */
  poll(): number {
    return this.perfBufferPoll() + this.ringBufferPoll();
  }

  /** The lines that bpf_trace_printk wrote since the last call, as fields. It does not wait. */
  traceFields(): TraceLine[] {
    return readTraceLines(this.kernel);
  }

  /** The same as text; `format` may name fields: `{0} {1} {5}` for task, pid and message. */
  tracePrint(format?: string): string[] {
    if (format === undefined) return this.kernel.readTracePipe();
    return this.traceFields().map(({ task, pid, cpu, flags, time, message }) => {
      const fields = [task, pid, cpu, flags, time, message];
      return format.replace(/\{(\d)\}/g, (whole, index: string) => String(fields[Number(index)] ?? whole));
    });
  }

  // ------------------------------------------------------------------------------------------------------ symbols

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

  /** The symbol of a user address in a process; with pid -1 a kernel symbol, as BCC's. */
  sym(address: bigint | number, pid: number, format: UserSymbolFormat = {}): string {
    if (pid < 0) return this.ksym(address, format);
    return formatUserSymbol(this.kernel, pid, BigInt(address), format);
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
    return matching(
      symbols.map((symbol) => symbol.name),
      pattern,
    );
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

  tracepointExists(category: string, event: string): boolean {
    return this.kernel.profile.tracepoint(`${category}:${event}`) !== undefined;
  }

  /** CLOCK_MONOTONIC, ns: what bpf_ktime_get_ns answers. */
  monotonicTime(): Nanoseconds {
    return this.kernel.clock();
  }

  /** Detaches everything and lets the maps go. */
  cleanup(): void {
    this.close();
  }

  close(): void {
    for (const buffer of this.#perf.splice(0)) buffer.close();
    for (const ring of this.#rings.splice(0)) ring.close();
    this.object.close();
  }

  [Symbol.dispose](): void {
    this.close();
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

function listOf<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function placesOf(contexts: readonly USDT[]): USDT['places'] {
  return (program, index) => {
    for (const context of contexts) {
      const place = context.places(program, index);
      if (place) return place;
    }
    return undefined;
  };
}

function needed(value: string | undefined, method: string, expected: string): string {
  if (value !== undefined && value !== '') return value;
  throw new UsageError(`${method} is not told where`, { expected });
}

function placeOf(target: AttachTarget): string {
  switch (target.kind) {
    case 'uprobe':
    case 'uretprobe':
      return `${target.binary}:${target.address}`;
    case 'perf_event':
      return target.event;
    default:
      return 'name' in target ? target.name : target.function;
  }
}
