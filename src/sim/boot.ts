import { InputError, type Nanoseconds, SysError } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { KernelEvent, Task } from '../events/index.ts';
import type { Memory } from '../memory/index.ts';
import type {
  AttachTarget,
  BinaryFile,
  DeviceInfo,
  Fd,
  LinkInfo,
  MapBatch,
  MapCreate,
  Mapping,
  PacketSocketOpen,
  PerfEventOpen,
  ProgramInfo,
  ProgramLoad,
  ProgramTestResult,
  ProgramTestRun,
  ReceivedPacket,
  SocketStatistics,
} from '../sys/index.ts';
import type { Ledger } from './machine/ledger.ts';
import type { BootOptions, OpenMachine, SentSignal } from './machine/machine.ts';
import type { SymbolTable } from './machine/symbols.ts';
import type { TrapLog } from './machine/traps.ts';
import type { PacketFate } from './net/network.ts';
import { type Parts, partsOf } from './parts.ts';
import type { TestResult, TestRun } from './programs/test-run.ts';

const mostCpus = 1024;

/** What /proc says of a machine on which nothing goes on (fs/proc/meminfo.c, fs/proc/loadavg.c). */
const idleFiles: Readonly<Record<string, string>> = {
  '/proc/meminfo': 'MemTotal:        4194304 kB\nBuffers:               0 kB\nCached:                0 kB\n',
  '/proc/loadavg': '0.00 0.00 0.00 1/1 1\n',
};

/** Boots a simulated kernel. @throws InputError for options that make no machine */
export function boot(options: BootOptions): OpenMachine {
  const { cpus } = options;
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > mostCpus) {
    throw new InputError(`a machine of ${cpus} CPUs`, { expected: `1 to ${mostCpus}` });
  }
  return new SimulatedKernel(options);
}

/** The simulated kernel as its owner and processes see it: each call goes to the part that knows. */
class SimulatedKernel implements OpenMachine {
  readonly profile: KernelProfile;
  readonly cpus: number;
  readonly symbols: SymbolTable;
  readonly ledger: Ledger;
  readonly memory: Memory;
  readonly #parts: Parts;
  readonly #files: Readonly<Record<string, string>>;

  constructor(options: BootOptions) {
    const parts = partsOf(options);
    this.profile = options.profile;
    this.cpus = options.cpus;
    this.symbols = parts.symbols;
    this.ledger = parts.ledger;
    this.memory = parts.memory;
    this.#parts = parts;
    this.#files = { ...idleFiles, ...options.files };
  }

  get traps(): TrapLog['rows'] {
    return this.#parts.traps.rows;
  }

  clock(): Nanoseconds {
    return this.#parts.current.now;
  }

  advanceTo(time: Nanoseconds): void {
    this.#parts.player.advanceTo(time);
  }

  get nextDue(): Nanoseconds {
    return this.#parts.player.due;
  }

  overridden(task: Task): bigint | undefined {
    return this.#parts.player.overridden(task);
  }

  get signals(): readonly SentSignal[] {
    return this.#parts.signals.rows;
  }

  fire(event: KernelEvent): void {
    this.#parts.player.fire(event);
  }

  mapCreate(attributes: MapCreate): Fd {
    return this.#parts.maps.create(attributes);
  }

  mapLookup(map: Fd, key: Uint8Array, value?: Uint8Array): Uint8Array {
    return this.#parts.maps.lookup(map, key, value);
  }

  mapLookupAndDelete(map: Fd, key: Uint8Array): Uint8Array {
    return this.#parts.maps.lookupAndDelete(map, key);
  }

  mapLookupBatch(map: Fd, take: boolean, after: Uint8Array | null, most: number, flags = 0): MapBatch {
    return this.#parts.batches.lookup(map, take, after, most, flags);
  }

  mapUpdateBatch(map: Fd, keys: readonly Uint8Array[], values: readonly Uint8Array[], flags = 0): MapBatch {
    return this.#parts.batches.update(map, keys, values, flags);
  }

  mapDeleteBatch(map: Fd, keys: readonly Uint8Array[], flags = 0): MapBatch {
    return this.#parts.batches.delete(map, keys, flags);
  }

  mapFdById(id: number): Fd {
    return this.#parts.maps.fdById(id);
  }

  programFdById(id: number): Fd {
    return this.#parts.programs.fdById(id);
  }

  mapMmap(map: Fd): Uint8Array {
    return this.#parts.maps.mmap(map);
  }

  readFile(path: string): string {
    const text = this.#files[path];
    if (text === undefined) throw new SysError('ENOENT', 'open', `there is no file ${path}`);
    return text;
  }

  cgroupId(path: string): number {
    return this.#parts.cgroups.at(path).id;
  }

  cgroupOpen(path: string): Fd {
    return this.#parts.cgroups.open(path);
  }

  mapUpdate(map: Fd, key: Uint8Array, value: Uint8Array, flags = 0): void {
    this.#parts.maps.update(map, key, value, flags);
  }

  mapDelete(map: Fd, key: Uint8Array): void {
    this.#parts.maps.delete(map, key);
  }

  objectPin(fd: Fd, path: string): void {
    this.#parts.pins.pin(fd, path);
  }

  objectGet(path: string): Fd {
    return this.#parts.pins.get(path);
  }

  unlink(path: string): void {
    this.#parts.pins.unpin(path);
  }

  mapFreeze(map: Fd): void {
    this.#parts.maps.freeze(map);
  }

  mapNextKey(map: Fd, key: Uint8Array | null): Uint8Array | null {
    return this.#parts.maps.nextKey(map, key);
  }

  programLoad(attributes: ProgramLoad): Fd {
    return this.#parts.programs.load(attributes);
  }

  programTestRun(program: Fd, run: ProgramTestRun): ProgramTestResult {
    return this.#parts.programs.run(program, run);
  }

  programInfo(program: Fd): ProgramInfo {
    return this.#parts.programs.info(program);
  }

  programNextId(id: number): number | null {
    return this.#parts.programs.nextId(id);
  }

  testRun(run: TestRun): TestResult {
    return this.#parts.programs.testRun(run);
  }

  attach(program: Fd, target: AttachTarget): Fd {
    return this.#parts.points.attach(program, target, this.#parts.current.now);
  }

  linkInfo(link: Fd): LinkInfo {
    return this.#parts.points.info(link);
  }

  /** Each name once: BTF may have a function several times, as 6.1 has system calls that are not built in. */
  functions(): Iterable<string> {
    return new Set(this.profile.btf.functionNames());
  }

  tracepoints(): Iterable<string> {
    return this.profile.tracepointNames();
  }

  rawTracepoints(): Iterable<string> {
    return this.#parts.points.rawNames();
  }

  binaries(): Iterable<string> {
    return this.#parts.userSpace.paths();
  }

  binary(path: string): BinaryFile | undefined {
    return this.#parts.userSpace.file(path);
  }

  mappings(pid: number): readonly Mapping[] {
    return this.#parts.userSpace.mappings(pid);
  }

  devices(): readonly DeviceInfo[] {
    return this.#parts.network.devices.infos();
  }

  packetSocket(attributes: PacketSocketOpen): Fd {
    return this.#parts.sockets.open(attributes);
  }

  receive(socket: Fd): ReceivedPacket | null {
    return this.#parts.sockets.receive(socket);
  }

  socketStatistics(socket: Fd): SocketStatistics {
    return this.#parts.sockets.statistics(socket);
  }

  get packetFate(): PacketFate {
    return this.#parts.network.fate;
  }

  perfEventOpen(attributes: PerfEventOpen): Fd {
    return this.#parts.events.open(attributes, this.#parts.current.now);
  }

  mmap(event: Fd, dataPages: number): Uint8Array {
    return this.#parts.events.mmap(event, dataPages);
  }

  poll(fds: readonly Fd[]): Fd[] {
    return this.#parts.events.poll(fds);
  }

  readTracePipe(): string[] {
    return this.#parts.pipe.read();
  }

  close(fd: Fd): void {
    this.#parts.fds.close(fd);
  }

  [Symbol.dispose](): void {
    this.#parts.fds.closeAll();
    this.#parts.pins.clear();
  }
}
