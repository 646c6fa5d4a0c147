import { InputError, type Nanoseconds, Random, SysError } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { KernelEvent, Task } from '../events/index.ts';
import { Memory } from '../memory/index.ts';
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
import { CallWindow, createInterpreter, createJit, type Engine } from '../vm/index.ts';
import { SampleContext } from './contexts/sample-context.ts';
import { UserRegisters } from './contexts/user-registers.ts';
import { FdTable } from './fds/fds.ts';
import { MapBatches } from './fds/map-batches.ts';
import { MapCommands } from './fds/map-commands.ts';
import { PerfEvents } from './fds/perf-events.ts';
import { Pins } from './fds/pins.ts';
import { Dynptrs } from './helpers/dynptrs.ts';
import { type HelperEnvironment, helperTable } from './helpers/index.ts';
import { kfuncTable } from './kfuncs/index.ts';
import { Current } from './machine/current.ts';
import { Ledger } from './machine/ledger.ts';
import type { BootOptions, OpenMachine, SentSignal } from './machine/machine.ts';
import { SignalLog } from './machine/signals.ts';
import { Stacks } from './machine/stacks.ts';
import { SymbolTable } from './machine/symbols.ts';
import { Timers } from './machine/timers.ts';
import { TracePipe } from './machine/trace-pipe.ts';
import { TrapLog } from './machine/traps.ts';
import { NetworkPoints } from './net/attach.ts';
import { Network, type PacketFate } from './net/network.ts';
import { PacketTracer } from './net/packet-tracer.ts';
import { KernelVariables } from './objects/kernel-variables.ts';
import { KernelObjects } from './objects/objects.ts';
import { AttachPoints } from './points/attach.ts';
import { Player } from './points/player.ts';
import { Runs } from './points/runs.ts';
import { Sampling } from './points/sampling.ts';
import { Cgroups } from './processes/cgroups.ts';
import { UserSpace } from './processes/user-space.ts';
import { CallbackPrograms } from './programs/callbacks.ts';
import { Programs } from './programs/programs.ts';
import type { TestResult, TestRun } from './programs/test-run.ts';

const defaultMemory = 64 << 20;
const mostCpus = 1024;
/** Where the first draws of get_prandom_u32 come from when the owner gives no seed. */
const defaultSeed = 1;

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

/** The parts of the simulated kernel, put together; each call goes to the part that knows. */
class SimulatedKernel implements OpenMachine {
  readonly profile: KernelProfile;
  readonly cpus: number;
  readonly symbols: SymbolTable;
  readonly ledger: Ledger;
  readonly memory: Memory;
  readonly #current: Current;
  readonly #traps = new TrapLog();
  readonly #pipe = new TracePipe();
  readonly #fds = new FdTable();
  readonly #maps: MapCommands;
  readonly #batches: MapBatches;
  readonly #pins: Pins;
  readonly #cgroups: Cgroups;
  readonly #files: Readonly<Record<string, string>>;
  readonly #events: PerfEvents;
  readonly #programs: Programs;
  readonly #points: AttachPoints;
  readonly #player: Player;
  readonly #userSpace: UserSpace;
  readonly #network: Network;
  readonly #sockets: NetworkPoints;
  readonly #signals = new SignalLog();
  readonly #timers = new Timers();

  constructor(options: BootOptions) {
    const { profile, cpus } = options;
    const memory = new Memory(options.memory ?? defaultMemory);
    this.profile = profile;
    this.cpus = cpus;
    this.memory = memory;
    this.symbols = new SymbolTable(profile.btf.functionNames());
    this.ledger = new Ledger(cpus);
    this.#current = new Current(memory, cpus);
    this.#maps = new MapCommands(memory, cpus, this.#fds, this.ledger, this.#timers);
    this.#batches = new MapBatches(this.#maps);
    this.#pins = new Pins(this.#fds);
    this.#cgroups = new Cgroups(this.#fds);
    this.#files = { ...idleFiles, ...options.files };
    const objects = new KernelObjects(memory, profile, this.symbols, this.#cgroups, this.#current);
    const stacks = new Stacks(memory, this.symbols);
    const userSpace = new UserSpace(memory, stacks.frames, options.processes ?? []);
    const userRegisters = new UserRegisters(memory, objects.values, userSpace);
    this.#userSpace = userSpace;
    const sampling = new Sampling(cpus);
    this.#events = new PerfEvents(memory, cpus, this.#fds, this.ledger, sampling);
    const parts = { profile, memory, symbols: this.symbols, values: objects.values, stacks, userSpace };
    const runs = new Runs(this.#current, this.ledger, this.#traps);
    this.#network = new Network({
      memory,
      current: this.#current,
      ledger: this.ledger,
      runs,
      devices: options.devices ?? [],
      mapId: (map) => this.#maps.idOf(map),
    });
    this.#maps.isDevice = (ifindex) => this.#network.devices.at(ifindex) !== undefined;
    this.#sockets = new NetworkPoints(this.#network, this.#fds);
    this.#points = new AttachPoints({ ...parts, sampling, network: this.#sockets }, this.#fds, cpus);
    this.#player = new Player({
      current: this.#current,
      points: this.#points,
      runs,
      network: this.#network,
      userSpace,
      userRegisters,
      sampling,
      samples: new SampleContext(memory, stacks, userSpace, userRegisters),
      objects,
      timers: this.#timers,
      callbacks: new CallbackPrograms(memory, (program) => this.#programs.make(program)),
    });
    const variables = new KernelVariables(memory, profile.btf, cpus);
    this.#network.tracer = new PacketTracer(profile, memory, this.#points, (event, outer) =>
      this.#player.passOn(event, outer),
    );
    const window = new CallWindow(memory);
    const environment: HelperEnvironment = {
      profile,
      memory,
      window,
      current: this.#current,
      maps: this.#maps.byAddress,
      rings: this.#maps.rings,
      tasks: objects.tasks,
      userMemory: objects.userMemory,
      sockets: objects.sockets,
      structs: objects.structs,
      variables,
      cgroups: this.#cgroups,
      cgroupObjects: objects.cgroups,
      stacks,
      userSpace,
      network: this.#network,
      packets: this.#network.packets,
      skbs: objects.packets,
      signals: this.#signals,
      symbols: this.symbols,
      ledger: this.ledger,
      random: new Random(options.seed ?? defaultSeed),
      pipe: this.#pipe,
      dynptrs: new Dynptrs(memory),
      timers: this.#timers,
      passed: (tracepoint) => this.#player.passNested(tracepoint),
    };
    this.#programs = new Programs({
      memory,
      btf: profile.btf,
      fds: this.#fds,
      engine: engineOf(options.engine),
      window,
      variables,
      helpers: helperTable(environment),
      kfuncs: kfuncTable(profile.btf, environment),
      current: this.#current,
      maps: this.#maps.byAddress,
      packets: this.#network.packets,
    });
  }

  get traps(): TrapLog['rows'] {
    return this.#traps.rows;
  }

  clock(): Nanoseconds {
    return this.#current.now;
  }

  advanceTo(time: Nanoseconds): void {
    this.#player.advanceTo(time);
  }

  get nextDue(): Nanoseconds {
    return this.#player.due;
  }

  overridden(task: Task): bigint | undefined {
    return this.#player.overridden(task);
  }

  get signals(): readonly SentSignal[] {
    return this.#signals.rows;
  }

  fire(event: KernelEvent): void {
    this.#player.fire(event);
  }

  mapCreate(attributes: MapCreate): Fd {
    return this.#maps.create(attributes);
  }

  mapLookup(map: Fd, key: Uint8Array, value?: Uint8Array): Uint8Array {
    return this.#maps.lookup(map, key, value);
  }

  mapLookupAndDelete(map: Fd, key: Uint8Array): Uint8Array {
    return this.#maps.lookupAndDelete(map, key);
  }

  mapLookupBatch(map: Fd, take: boolean, after: Uint8Array | null, most: number, flags = 0): MapBatch {
    return this.#batches.lookup(map, take, after, most, flags);
  }

  mapUpdateBatch(map: Fd, keys: readonly Uint8Array[], values: readonly Uint8Array[], flags = 0): MapBatch {
    return this.#batches.update(map, keys, values, flags);
  }

  mapDeleteBatch(map: Fd, keys: readonly Uint8Array[], flags = 0): MapBatch {
    return this.#batches.delete(map, keys, flags);
  }

  mapFdById(id: number): Fd {
    return this.#maps.fdById(id);
  }

  programFdById(id: number): Fd {
    return this.#programs.fdById(id);
  }

  mapMmap(map: Fd): Uint8Array {
    return this.#maps.mmap(map);
  }

  readFile(path: string): string {
    const text = this.#files[path];
    if (text === undefined) throw new SysError('ENOENT', 'open', `there is no file ${path}`);
    return text;
  }

  cgroupId(path: string): number {
    return this.#cgroups.at(path).id;
  }

  cgroupOpen(path: string): Fd {
    return this.#cgroups.open(path);
  }

  mapUpdate(map: Fd, key: Uint8Array, value: Uint8Array, flags = 0): void {
    this.#maps.update(map, key, value, flags);
  }

  mapDelete(map: Fd, key: Uint8Array): void {
    this.#maps.delete(map, key);
  }

  objectPin(fd: Fd, path: string): void {
    this.#pins.pin(fd, path);
  }

  objectGet(path: string): Fd {
    return this.#pins.get(path);
  }

  unlink(path: string): void {
    this.#pins.unpin(path);
  }

  mapFreeze(map: Fd): void {
    this.#maps.freeze(map);
  }

  mapNextKey(map: Fd, key: Uint8Array | null): Uint8Array | null {
    return this.#maps.nextKey(map, key);
  }

  programLoad(attributes: ProgramLoad): Fd {
    return this.#programs.load(attributes);
  }

  programTestRun(program: Fd, run: ProgramTestRun): ProgramTestResult {
    return this.#programs.run(program, run);
  }

  programInfo(program: Fd): ProgramInfo {
    return this.#programs.info(program);
  }

  programNextId(id: number): number | null {
    return this.#programs.nextId(id);
  }

  testRun(run: TestRun): TestResult {
    return this.#programs.testRun(run);
  }

  attach(program: Fd, target: AttachTarget): Fd {
    return this.#points.attach(program, target, this.#current.now);
  }

  linkInfo(link: Fd): LinkInfo {
    return this.#points.info(link);
  }

  /** Each name once: BTF may have a function several times, as 6.1 has system calls that are not built in. */
  functions(): Iterable<string> {
    return new Set(this.profile.btf.functionNames());
  }

  tracepoints(): Iterable<string> {
    return this.profile.tracepointNames();
  }

  rawTracepoints(): Iterable<string> {
    return this.#points.rawNames();
  }

  binaries(): Iterable<string> {
    return this.#userSpace.paths();
  }

  binary(path: string): BinaryFile | undefined {
    return this.#userSpace.file(path);
  }

  mappings(pid: number): readonly Mapping[] {
    return this.#userSpace.mappings(pid);
  }

  devices(): readonly DeviceInfo[] {
    return this.#network.devices.infos();
  }

  packetSocket(attributes: PacketSocketOpen): Fd {
    return this.#sockets.open(attributes);
  }

  receive(socket: Fd): ReceivedPacket | null {
    return this.#sockets.receive(socket);
  }

  socketStatistics(socket: Fd): SocketStatistics {
    return this.#sockets.statistics(socket);
  }

  get packetFate(): PacketFate {
    return this.#network.fate;
  }

  perfEventOpen(attributes: PerfEventOpen): Fd {
    return this.#events.open(attributes, this.#current.now);
  }

  mmap(event: Fd, dataPages: number): Uint8Array {
    return this.#events.mmap(event, dataPages);
  }

  poll(fds: readonly Fd[]): Fd[] {
    return this.#events.poll(fds);
  }

  readTracePipe(): string[] {
    return this.#pipe.read();
  }

  close(fd: Fd): void {
    this.#fds.close(fd);
  }

  [Symbol.dispose](): void {
    this.#fds.closeAll();
    this.#pins.clear();
  }
}

function engineOf(wanted: BootOptions['engine']): Engine {
  if (typeof wanted === 'object') return wanted;
  return wanted === 'interpreter' ? createInterpreter() : createJit({ whenHot: true });
}
