import { Observable } from 'rxjs';
import { nearestHint } from '../base/index.ts';
import { type ObjectSpec, parseSection, type StructLayout } from '../object/index.ts';
import type { Kernel } from '../sys/index.ts';
import type { ProgramType } from '../uapi/index.ts';
import { BpfError } from './bpf-error.ts';
import { BpfObject, type BpfProgram } from './bpf-object.ts';
import type { CodecOptions, CodecValue } from './codec.ts';
import { compileSource, type SourceOptions, sourceText } from './compile-source.ts';
import { log2Slots } from './histogram.ts';
import type { LoadedMap } from './map-table.ts';
import { NetworkAttachments } from './network-attachments.ts';
import type { PerfBuffer } from './perf-buffer.ts';
import type { RingBuffer } from './ring-buffer.ts';
import { type PerfBufferOpen, Table } from './table.ts';
import { readTraceLines, type TraceLine } from './trace-pipe.ts';
import type { USDT } from './usdt.ts';

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

export class BPF extends NetworkAttachments implements Disposable {
  /** What the text was compiled to. */
  readonly spec: ObjectSpec;
  /** The maps and programs below the tables. */
  readonly object: BpfObject;
  readonly #options: BpfOptions;
  readonly #tables = new Map<string, Table<unknown, unknown>>();
  readonly #perf: PerfBuffer<unknown>[] = [];
  readonly #rings: RingBuffer<unknown>[] = [];
  /** Fds of tables that tables of tables hold. */
  readonly #held: number[] = [];

  /** @throws CompileError with the diagnostics; BpfError when the kernel refuses a map, a program or an attachment */
  constructor(kernel: Kernel, options: BpfOptions) {
    super(kernel);
    const contexts = listOf(options.usdt);
    this.#options = options;
    this.spec = compileSource(kernel, options, contexts.length > 0 ? placesOf(contexts) : undefined);
    this.object = new BpfObject(kernel, this.spec, {
      lazy: true,
      shared: new Map(listOf(options.extern).flatMap((other) => [...other.object.maps])),
      ...(options.maxEntries ? { maxEntries: options.maxEntries } : {}),
    });
    try {
      for (const context of contexts) {
        for (const { fnName, targets } of context.targets()) this.attachAt(fnName, 'kprobe', targets);
      }
      this.#autoAttach();
    } catch (fault) {
      this.close();
      throw fault;
    }
  }

  /** Attaches what says by its name or section where it belongs. */
  #autoAttach(): void {
    for (const { name, section, at } of this.spec.programs) {
      const { target } = parseSection(section);
      if (!target) continue;
      const program = this.loadFunc(name);
      const place =
        target.kind === 'kprobe' || target.kind === 'kretprobe'
          ? { ...target, function: this.fixSyscallFnname(target.function) }
          : target;
      program.attach(place, at);
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

  /** What is compiled, in lines: the macros that `defines` sets, then the text. BCC's tools print it with --ebpf. */
  get sourceLines(): string[] {
    const macros = Object.entries(this.#options.defines ?? {}).flatMap(([name, value]) =>
      value === false ? [] : [`#define ${name} ${value === true ? 1 : value}`],
    );
    return [...macros, ...sourceText(this.#options).trimEnd().split('\n')];
  }

  /** Loads every program of the text. */
  loadFuncs(): BpfProgram[] {
    return this.funcs().map((fnName) => this.loadFunc(fnName));
  }

  /** A program's instructions, 8 bytes each, before its maps are put in. `tracebed cc -S` prints them. */
  dumpFunc(fnName: string): Uint8Array {
    return this.loadFunc(fnName).spec.code;
  }

  /** Names of the programs of the text, in its order. */
  funcs(): string[] {
    return this.spec.programs.map((program) => program.name);
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
      struct: (struct: string) => this.struct(struct),
      held: (table: string, fd: number) => {
        this.#held.push(fd);
        return this.object.map(table).spec;
      },
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

  /** The layout of a struct of the text, for a decoder written by hand. @throws BpfError ENOENT with the nearest names */
  struct(name: string): StructLayout {
    const { structs } = this.spec;
    const found = structs.find((one) => one.name === name);
    if (found) return found;
    throw new BpfError('ENOENT', 'struct', `the text has no struct '${name}'`, {
      ...nearestHint(
        name,
        structs.map((one) => one.name),
      ),
    });
  }

  /** A table's records as they are read, decoded by the type that the program submits; opened when subscribed to. */
  events<E = CodecValue>(name: string, options: PerfBufferOpen = {}): Observable<E> {
    const table = this.table(name);
    return new Observable<E>((subscriber) => table.openEvents<E>((event) => subscriber.next(event), options));
  }

  /**
   * Counts by slot, read at each emission of `when` (in a tool `setup.every(sec(1))`); the table begins anew after each.
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

  /** The fds to poll: of every buffer that is open, and of sockets whose packets a callback takes. */
  get fds(): readonly number[] {
    return [
      ...this.#perf.flatMap((buffer) => buffer.events),
      ...this.#rings.map((ring) => ring.fd),
      ...this.sockets.fds,
    ];
  }

  /** Records that perf rings had no room for. */
  get lost(): number {
    return this.#perf.reduce((sum, buffer) => sum + buffer.lost, 0);
  }

  /** Takes all that waits in the perf buffers; the callbacks are called. It does not wait. @returns how many records */
  perfBufferPoll(): number {
    return this.#perf.reduce((sum, buffer) => sum + buffer.poll(), 0);
  }

  perfBufferConsume(): number {
    return this.perfBufferPoll();
  }

  ringBufferPoll(): number {
    return this.#rings.reduce((sum, ring) => sum + ring.poll(), 0);
  }

  ringBufferConsume(): number {
    return this.ringBufferPoll();
  }

  /** Both kinds, and sockets. */
  poll(): number {
    return this.perfBufferPoll() + this.ringBufferPoll() + this.sockets.poll();
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

  /** Detaches everything and lets the maps go. */
  cleanup(): void {
    this.close();
  }

  close(): void {
    for (const buffer of this.#perf.splice(0)) buffer.close();
    for (const ring of this.#rings.splice(0)) ring.close();
    for (const fd of this.#held.splice(0)) this.kernel.close(fd);
    this.object.close();
    this.sockets.close();
  }

  [Symbol.dispose](): void {
    this.close();
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
