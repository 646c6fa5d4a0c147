import { SysError, UsageError, viewOf } from '../base/index.ts';
import type { FieldType, MapSpec, StructLayout } from '../object/index.ts';
import type { Kernel } from '../sys/index.ts';
import { type MapType, mapFlags } from '../uapi/index.ts';
import { BpfError, request } from './bpf-error.ts';
import { bytesCodec, type Codec, type CodecOptions, type CodecValue, typeCodec } from './codec.ts';
import { linearSlots, log2Slots, printLinearHist, printLog2Hist } from './histogram.ts';
import { type LoadedMap, MapTable, perCpuCodec } from './map-table.ts';
import { PerfBuffer } from './perf-buffer.ts';
import { counterOf, openCounters, type PerfEventName } from './perf-event.ts';
import { RingBuffer } from './ring-buffer.ts';
import { addressesOf, buildIdFramesOf, type StackFrame } from './stack-frames.ts';
import { bucketsOf, bucketText, countsOf, type HistogramPrint } from './table-histogram.ts';

/**
 * A table as BCC's Python has it (src/python/bcc/table.py), typed by the C that declares it: integers are numbers, a
 * struct is an object with its fields, a char array its text. What a method needs of the map's kind is asked when it
 * is called.
 */

export interface PerfBufferOpen {
  /** Data pages of each CPU's ring: a power of two; 8 when absent, as BCC's, or what the user asked of the tool. */
  readonly pageCnt?: number;
  /** Called with the number of records that a ring had no room for. */
  readonly lostCb?: (lost: number, cpu: number) => void;
  /** Wakes the reader on every Nth record; 1 when absent. */
  readonly wakeupEvents?: number;
}

/** `data` is a copy of the record, `size` its bytes; up to 7 of them are padding. */
export type PerfCallback = (cpu: number, data: DataView, size: number) => void;
export type RingCallback = (data: DataView, size: number) => void;

/** What a table tells the object that it belongs to: what it opened. */
export interface TableOwner {
  readonly kernel: Kernel;
  readonly pageCnt: number;
  struct(name: string): StructLayout;
  /** What a table of that name is declared as; closes `fd`, a table like it, with the others. */
  held(name: string, fd: number): MapSpec;
  opened(buffer: PerfBuffer<unknown> | RingBuffer<unknown>): void;
}

/** A program, a table, or what else has an fd. */
export interface HasFd {
  readonly fd: number;
}

/** Kinds whose values are fds. */
const holdsFds: ReadonlySet<MapType> = new Set([
  'prog_array',
  'array_of_maps',
  'hash_of_maps',
  'cgroup_array',
  'perf_event_array',
]);

interface RawRecord {
  readonly cpu: number;
  readonly data: DataView;
}

export class Table<K = CodecValue, V = CodecValue> extends MapTable<K, V> {
  readonly #owner: TableOwner;
  readonly #codecs: CodecOptions;

  constructor(owner: TableOwner, map: LoadedMap, codecs: CodecOptions) {
    const { key, value } = map.spec;
    const keyCodec = key ? typeCodec(key, codecs) : bytesCodec(map.spec.keySize);
    super(owner.kernel, map, keyCodec as Codec<K>, valueCodec(owner.kernel, map, value, codecs) as Codec<V>);
    this.#owner = owner;
    this.#codecs = codecs;
  }

  /** For what the kernel itself is asked: an fd of a table is a value of a table of tables. */
  get fd(): number {
    return this.map.fd;
  }

  /**
   * As MapTable's. A table that holds programs, tables, cgroups or events takes an fd, or what has one:
   * `progs.set(1, bpf.loadFunc('on_read'))`, `outer.set(1, bpf.table('inner'))`.
   */
  override set(key: K, value: V | HasFd, flags = 0): void {
    super.set(key, (hasFd(value) && holdsFds.has(this.map.spec.type) ? value.fd : value) as V, flags);
  }

  /**
   * The table that a table of tables holds, with the keys and values of the one that it was declared with; undefined
   * when it holds none there.
   */
  inner<IK = CodecValue, IV = CodecValue>(key: K): Table<IK, IV> | undefined {
    const { innerMap } = this.map.spec;
    if (innerMap === undefined) throw this.#wrongKind('inner', 'a BPF_ARRAY_OF_MAPS or BPF_HASH_OF_MAPS');
    const id = Number(this.get(key) ?? 0);
    if (id === 0) return undefined;
    const fd = request('map lookup', `cannot open what table ${this.name} holds`, () =>
      this.#owner.kernel.mapFdById(id),
    );
    return new Table<IK, IV>(this.#owner, { fd, spec: this.#owner.held(innerMap, fd) }, this.#codecs);
  }

  /** Makes one element of an array zero. */
  clearItem(key: K): void {
    this.zeroAt(key);
  }

  /** Whether there is such a key. */
  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  *values(): IterableIterator<V> {
    for (const [, value] of this.items()) yield value;
  }

  /** How many keys there are. */
  get size(): number {
    let count = 0;
    for (const _ of this.keys()) count++;
    return count;
  }

  /** Everything as it stands, taken in one walk. */
  itemsLookupBatch(): [K, V][] {
    return this.batches(false) ?? [...this.items()];
  }

  /** Everything as it stands; the keys are gone then (an array's elements zero). */
  itemsLookupAndDeleteBatch(): [K, V][] {
    const taken = this.batches(true);
    if (taken !== undefined) return taken;
    const items = [...this.items()];
    if (this.map.spec.type.endsWith('array')) this.zero();
    else for (const [key] of items) this.delete(key);
    return items;
  }

  itemsUpdateBatch(items: Iterable<readonly [K, V]>): void {
    for (const [key, value] of items) this.set(key, value);
  }

  itemsDeleteBatch(keys: Iterable<K> = [...this.keys()]): void {
    for (const key of keys) this.delete(key);
  }

  /** The sum over the CPUs of a per-CPU table's value; 0 when there is no such key. */
  sum(key: K): number {
    return this.#perCpu(key, 'sum').reduce<number>((sum, value) => sum + Number(value), 0);
  }

  /** The largest of the CPUs' values. */
  max(key: K): number {
    return Math.max(0, ...this.#perCpu(key, 'max').map(Number));
  }

  average(key: K): number {
    const values = this.#perCpu(key, 'average');
    return values.length === 0 ? 0 : this.sum(key) / values.length;
  }

  #perCpu(key: K, method: string): readonly (number | bigint)[] {
    if (!this.map.spec.type.includes('percpu')) throw this.#wrongKind(method, 'a value for each CPU');
    const values = (this.get(key) ?? []) as readonly CodecValue[];
    for (const value of values) {
      if (typeof value !== 'number' && typeof value !== 'bigint') throw this.#wrongKind(method, 'integers');
    }
    return values as readonly (number | bigint)[];
  }

  /**
   * The lines of a log2 histogram, as BCC's print_log2_hist prints them. A struct as key is a bucket and a slot: then
   * one histogram for each bucket, with a section header.
   */
  printLog2Hist<B = CodecValue>(valType = 'value', options: HistogramPrint<B> = {}): string[] {
    return this.#histograms(log2Slots, options, (slots) => printLog2Hist(slots, histogramOptions(valType, options)));
  }

  /** The lines of a linear histogram, as BCC's print_linear_hist prints them. */
  printLinearHist<B = CodecValue>(valType = 'value', options: HistogramPrint<B> = {}): string[] {
    return this.#histograms(linearSlots, options, (slots) =>
      printLinearHist(slots, histogramOptions(valType, options)),
    );
  }

  #histograms<B>(
    slots: number,
    options: HistogramPrint<B>,
    lines: (slots: readonly number[]) => readonly string[],
  ): string[] {
    const { sectionHeader = 'Bucket ptr', sectionPrintFn = bucketText } = options;
    if (this.map.spec.key?.kind !== 'struct') return [...lines(this.histogram(slots))];
    return this.histograms<B>(options, slots).flatMap(([bucket, counts]) => [
      '',
      `${sectionHeader} = ${sectionPrintFn(bucket)}`,
      ...lines(counts),
    ]);
  }

  /** Counts by slot, of a table whose key is the slot. */
  histogram(slots = log2Slots): number[] {
    return countsOf(this.name, this.items(), slots);
  }

  /** Buckets, each with its counts by slot, of a table whose key is a struct of a bucket and a slot. */
  histograms<B = CodecValue>(options: HistogramPrint<B> = {}, slots = log2Slots): [B, number[]][] {
    const { key } = this.map.spec;
    const names = key?.kind === 'struct' ? key.struct.fields.map((field) => field.name) : [];
    const [bucketName, slotName] = names.filter((name) => !name.startsWith('__pad'));
    if (bucketName === undefined || slotName === undefined) {
      throw this.#wrongKind('histograms', 'a key that is a struct of a bucket and a slot');
    }
    return bucketsOf(this.name, this.items(), [bucketName, slotName], options, slots);
  }

  /**
   * Opens the rings of a BPF_PERF_OUTPUT: `callback` is called for each record when the buffers are polled.
   * @throws BpfError when the table is no such; UsageError when pageCnt is no power of two
   */
  openPerfBuffer(callback: PerfCallback, options: PerfBufferOpen = {}): void {
    this.#openPerf<RawRecord>(
      (view, offset, length, cpu) => ({ cpu, data: copyOf(view, offset, length) }),
      ({ cpu, data }) => callback(cpu, data, data.byteLength),
      options,
    );
  }

  /**
   * Puts a counter of each CPU into a BPF_PERF_ARRAY, where programs read it with perf_read and perf_counter_value. It
   * counts from now on, on the virtual clock: what the scenario's activities say that they count.
   * @throws BpfError when the table is no such, or ENOENT for an event that there is not
   */
  openPerfEvent({ pid, ...event }: PerfEventName & { readonly pid?: number }): void {
    if (this.map.spec.type !== 'perf_event_array') throw this.#wrongKind('openPerfEvent', 'a BPF_PERF_ARRAY');
    openCounters(this.#owner.kernel, this.map, counterOf(event), pid);
  }

  /** Opens a BPF_RINGBUF_OUTPUT. */
  openRingBuffer(callback: RingCallback): void {
    this.#openRing<DataView>(copyOf, (data) => callback(data, data.byteLength));
  }

  /** Opens the rings of either kind; each record is decoded by its type and handed to `next`. */
  openEvents<E = CodecValue>(next: (event: E) => void, options: PerfBufferOpen = {}): void {
    const codec = this.#recordCodec<E>();
    const decode = (view: DataView, offset: number): E => codec.read(view, offset);
    if (this.map.spec.type === 'ringbuf') this.#openRing(decode, next);
    else this.#openPerf(decode, next, options);
  }

  #openPerf<T>(
    decode: (view: DataView, offset: number, length: number, cpu: number) => T,
    next: (record: T) => void,
    { pageCnt = this.#owner.pageCnt, lostCb, wakeupEvents }: PerfBufferOpen,
  ): void {
    if (this.map.spec.type !== 'perf_event_array') throw this.#wrongKind('openPerfBuffer', 'a BPF_PERF_OUTPUT');
    const buffer = new PerfBuffer<T>(this.#owner.kernel, this.map, {
      pages: pageCnt,
      decode,
      ...(wakeupEvents === undefined ? {} : { wakeupEvents }),
    });
    this.#owner.opened(buffer as PerfBuffer<unknown>);
    buffer.records.subscribe((batch) => {
      for (const record of batch) next(record);
    });
    if (lostCb) buffer.losses.subscribe(({ count, cpu }) => lostCb(count, cpu));
  }

  #openRing<T>(decode: (view: DataView, offset: number, length: number) => T, next: (record: T) => void): void {
    if (this.map.spec.type !== 'ringbuf') throw this.#wrongKind('openRingBuffer', 'a BPF_RINGBUF_OUTPUT');
    const buffer = new RingBuffer<T>(this.#owner.kernel, this.map, { decode });
    this.#owner.opened(buffer as RingBuffer<unknown>);
    buffer.records.subscribe((batch) => {
      for (const record of batch) next(record);
    });
  }

  /**
   * A record by the type that the program submits, or by a struct of the text.
   * @param struct its name, where programs submit several types or bytes
   * @throws BpfError when the compiler saw no type, or the text has no such struct
   */
  event<E = CodecValue>(data: DataView, struct?: string): E {
    const codec = this.#recordCodec<E>(struct);
    if (data.byteLength < codec.size) {
      throw new UsageError(`a record of ${data.byteLength} bytes in table '${this.name}'`, {
        expected: `at least ${codec.size} bytes`,
      });
    }
    return codec.read(data, 0);
  }

  #recordCodec<E>(struct?: string): Codec<E> {
    const named = struct === undefined ? undefined : this.#owner.struct(struct);
    const record: FieldType | undefined = named ? { kind: 'struct', struct: named } : this.map.spec.record;
    if (!record) throw this.#wrongKind('event', 'a struct that the program submits by its own type');
    return typeCodec(record, this.#codecs) as Codec<E>;
  }

  /**
   * The frames of a stack, innermost first; empty for an id that is none. Of a BPF_STACK_TRACE they are addresses, of a
   * BPF_STACK_TRACE_BUILDID build ids and offsets (`BuildIdFrame`), and addresses where there is no build id.
   * @param resolve makes of each frame what is wanted: `(address) => bpf.ksym(address)`, `(frame) => bpf.sym(frame, -1)`
   */
  walk<F extends StackFrame = bigint>(id: number): F[];
  walk<T, F extends StackFrame = bigint>(id: number, resolve: (frame: F) => T): T[];
  walk<T>(id: number, resolve?: (frame: never) => T): (StackFrame | T)[] {
    const { type, flags } = this.map.spec;
    if (type !== 'stack_trace') throw this.#wrongKind('walk', 'a BPF_STACK_TRACE');
    const bytes = id < 0 ? undefined : this.#stackBytes(id);
    if (!bytes) return [];
    const frames: StackFrame[] = (flags & mapFlags.stackBuildId) !== 0 ? buildIdFramesOf(bytes) : addressesOf(bytes);
    return resolve ? frames.map((frame) => resolve(frame as never)) : frames;
  }

  #stackBytes(id: number): Uint8Array | undefined {
    const key = new Uint8Array(4);
    viewOf(key).setInt32(0, id, true);
    try {
      return this.#owner.kernel.mapLookup(this.map.fd, key);
    } catch (fault) {
      if (fault instanceof SysError && fault.errno === 'ENOENT') return undefined;
      throw fault;
    }
  }

  #wrongKind(method: string, wanted: string): BpfError {
    const { name, type } = this.map.spec;
    return new BpfError('EINVAL', method, `${method} on table '${name}', which is of type ${type}`, {
      expected: wanted,
    });
  }
}

function valueCodec(
  kernel: Kernel,
  { spec }: LoadedMap,
  value: FieldType | undefined,
  codecs: CodecOptions,
): Codec<unknown> {
  const plain = value ? typeCodec(value, codecs) : (bytesCodec(spec.valueSize) as Codec<CodecValue>);
  return spec.type.includes('percpu') ? perCpuCodec(plain, kernel.cpus) : plain;
}

function hasFd(value: unknown): value is HasFd {
  return typeof value === 'object' && value !== null && 'fd' in value;
}

function histogramOptions(unit: string, { stripLeadingZero }: { readonly stripLeadingZero?: boolean }) {
  return { unit, ...(stripLeadingZero === undefined ? {} : { stripLeadingZero }) };
}

function copyOf(view: DataView, offset: number, length: number): DataView {
  return viewOf(new Uint8Array(view.buffer, view.byteOffset + offset, length).slice());
}
