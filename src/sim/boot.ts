import { InputError, type Nanoseconds, Random } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { KernelEvent } from '../events/index.ts';
import { Memory } from '../memory/index.ts';
import type { AttachTarget, Fd, LinkInfo, MapCreate, PerfEventOpen, ProgramLoad } from '../sys/index.ts';
import { CallWindow, createInterpreter, createJit, type Engine } from '../vm/index.ts';
import { AttachPoints } from './attach.ts';
import { Current } from './current.ts';
import { FdTable } from './fds.ts';
import { helperTable } from './helpers/index.ts';
import { Ledger } from './ledger.ts';
import type { BootOptions, OpenMachine } from './machine.ts';
import { MapCommands } from './map-commands.ts';
import { KernelObjects } from './objects/objects.ts';
import { PerfEvents } from './perf-events.ts';
import { Player } from './player.ts';
import { Programs } from './programs.ts';
import { Stacks } from './stacks.ts';
import { SymbolTable } from './symbols.ts';
import type { TestResult, TestRun } from './test-run.ts';
import { TracePipe } from './trace-pipe.ts';
import { TrapLog } from './traps.ts';

const defaultMemory = 64 << 20;
const mostCpus = 1024;
/** Where the first draws of get_prandom_u32 come from when the owner gives no seed. */
const defaultSeed = 1;

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
  readonly #events: PerfEvents;
  readonly #programs: Programs;
  readonly #points: AttachPoints;
  readonly #player: Player;

  constructor(options: BootOptions) {
    const { profile, cpus } = options;
    const memory = new Memory(options.memory ?? defaultMemory);
    this.profile = profile;
    this.cpus = cpus;
    this.memory = memory;
    this.symbols = new SymbolTable(profile.btf.functionNames());
    this.ledger = new Ledger(cpus);
    this.#current = new Current(memory, cpus);
    this.#maps = new MapCommands(memory, cpus, this.#fds);
    this.#events = new PerfEvents(memory, cpus, this.#fds, this.ledger);
    const objects = new KernelObjects(memory, profile, this.symbols);
    const stacks = new Stacks(memory, this.symbols);
    const parts = { profile, memory, symbols: this.symbols, values: objects.values, stacks };
    this.#points = new AttachPoints(parts, this.#fds, cpus);
    this.#player = new Player(this.#current, this.#points, this.ledger, this.#traps);
    const helpers = helperTable({
      memory,
      current: this.#current,
      maps: this.#maps.byAddress,
      tasks: objects.tasks,
      stacks,
      symbols: this.symbols,
      ledger: this.ledger,
      random: new Random(options.seed ?? defaultSeed),
      pipe: this.#pipe,
      printed: () => this.#player.passNested('bpf_trace:bpf_trace_printk'),
    });
    this.#programs = new Programs(memory, this.#fds, engineOf(options.engine), new CallWindow(memory), helpers);
  }

  get traps(): TrapLog['rows'] {
    return this.#traps.rows;
  }

  clock(): Nanoseconds {
    return this.#current.now;
  }

  advanceTo(time: Nanoseconds): void {
    if (time > this.#current.now) this.#current.now = time;
  }

  fire(event: KernelEvent): void {
    this.#player.fire(event);
  }

  mapCreate(attributes: MapCreate): Fd {
    return this.#maps.create(attributes);
  }

  mapLookup(map: Fd, key: Uint8Array): Uint8Array {
    return this.#maps.lookup(map, key);
  }

  mapUpdate(map: Fd, key: Uint8Array, value: Uint8Array, flags = 0): void {
    this.#maps.update(map, key, value, flags);
  }

  mapDelete(map: Fd, key: Uint8Array): void {
    this.#maps.delete(map, key);
  }

  mapNextKey(map: Fd, key: Uint8Array | null): Uint8Array | null {
    return this.#maps.nextKey(map, key);
  }

  programLoad(attributes: ProgramLoad): Fd {
    return this.#programs.load(attributes);
  }

  testRun(run: TestRun): TestResult {
    return this.#programs.testRun(run);
  }

  attach(program: Fd, target: AttachTarget): Fd {
    return this.#points.attach(program, target);
  }

  linkInfo(link: Fd): LinkInfo {
    return this.#points.info(link);
  }

  functions(): Iterable<string> {
    return this.profile.btf.functionNames();
  }

  tracepoints(): Iterable<string> {
    return this.profile.tracepointNames();
  }

  perfEventOpen(attributes: PerfEventOpen): Fd {
    return this.#events.open(attributes);
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
  }
}

function engineOf(wanted: BootOptions['engine']): Engine {
  if (typeof wanted === 'object') return wanted;
  return wanted === 'interpreter' ? createInterpreter() : createJit();
}
