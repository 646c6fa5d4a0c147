/**
 * What a scenario is written with: its stage, and on it contexts that make events and generators that time them.
 * Everything is bound to the stage's clock, kernel and seed, so a scenario is a function of its stage.
 */
import { defer, type Observable } from 'rxjs';
import { InputError, type Nanoseconds } from '../base/index.ts';
import type { Arguments, KernelEvent, NetDevice, PacketEvent, Process, Task, TaskSpec } from '../events/index.ts';
import type { CallOptions, CallTree, Nested } from './call.ts';
import { Context, type Drop, type Place, World } from './context.ts';
import { type Emission, Generators, streamOf } from './generators.ts';
import type { Capture } from './pcap.ts';
import { type ReplayOptions, replay, whenPassed } from './replay.ts';
import type { ContainerMap, Scenario, Stage } from './scenario.ts';
import type { SyscallOptions } from './syscall.ts';

/** A stage with the words to write on it; the words may be taken apart (`({ every, drop }) => …`). */
export interface Script extends Stage {
  /** The idle task of CPU 0, outside of all calls: where `call` and the others happen when no `on` says else. */
  readonly idle: Context;
  on(place: Place): Context;
  task(spec: TaskSpec): Task;
  tracepoint: Context['tracepoint'];
  entry: Context['entry'];
  exit: Context['exit'];
  rawTracepoint: Context['rawTracepoint'];
  userEntry: Context['userEntry'];
  userExit: Context['userExit'];
  userCall: Context['userCall'];
  usdt: Context['usdt'];
  runs: Context['runs'];
  switchTo: Context['switchTo'];
  wakeup: Context['wakeup'];
  call(name: string, args?: Arguments, options?: CallOptions, nested?: readonly Nested[]): CallTree;
  syscall(name: string, args: Arguments, options?: SyscallOptions, nested?: readonly Nested[]): CallTree;
  drop(drop: Drop): readonly KernelEvent[];
  receive: Context['receive'];
  transmit: Context['transmit'];
  /** A packet at a device, and then what follows, unless a program there took it away. */
  whenPassed(event: PacketEvent, then: () => Emission): Observable<KernelEvent>;
  /** The packets of a capture at a device, with the gaps between them; where they happen as in `receive`. */
  replay(device: NetDevice, capture: Capture, options?: ReplayOptions): Observable<KernelEvent>;
  every: Generators['every'];
  poisson: Generators['poisson'];
  burst: Generators['burst'];
  ramp: Generators['ramp'];
  after: Generators['after'];
  lasting: Generators['lasting'];
  concurrently: Generators['concurrently'];
  sequence: Generators['sequence'];
  quiet: Generators['quiet'];
  repeat: Generators['repeat'];
}

/** The words of a stage. */
export function scriptOn(stage: Stage): Script {
  const world = new World(stage.profile, stage.scheduler);
  const idle = new Context(world, 0, world.task({ pid: 0, comm: 'swapper/0' }), []);
  const generators = new Generators(stage.scheduler, stage.random);
  return {
    profile: stage.profile,
    random: stage.random,
    cpus: stage.cpus,
    duration: stage.duration,
    scheduler: stage.scheduler,
    ...(stage.overridden === undefined ? {} : { overridden: stage.overridden }),
    ...(stage.passed === undefined ? {} : { passed: stage.passed }),
    idle,
    on: (place) => idle.on(place),
    task: (spec) => world.task(spec),
    tracepoint: (name, fields, place, raw) => idle.tracepoint(name, fields, place, raw),
    entry: (name, args, place) => idle.entry(name, args, place),
    exit: (name, returns, place) => idle.exit(name, returns, place),
    rawTracepoint: (name, args, place) => idle.rawTracepoint(name, args, place),
    userEntry: (binary, name, args, place) => idle.userEntry(binary, name, args, place),
    userExit: (binary, name, returns, place) => idle.userExit(binary, name, returns, place),
    userCall: (binary, name, options, nested) => idle.userCall(binary, name, options, nested),
    usdt: (binary, provider, probe, args, place) => idle.usdt(binary, provider, probe, args, place),
    runs: (duration, counts, place) => idle.runs(duration, counts, place),
    switchTo: (next, state, place) => idle.switchTo(next, state, place),
    wakeup: (task, place) => idle.wakeup(task, place),
    call: (name, args, options, nested) => idle.call(name, args, options, nested),
    syscall: (name, args, options, nested) => idle.syscall(name, args, options, nested),
    drop: (drop) => idle.drop(drop),
    receive: (device, packet, options) => idle.receive(device, packet, options),
    transmit: (device, packet, options) => idle.transmit(device, packet, options),
    whenPassed: (event, then) => whenPassed(stage, event, then),
    replay: (device, capture, options) => replay(idle, device, capture, options),
    every: (period, make, count) => generators.every(period, make, count),
    poisson: (meanGap, make, count) => generators.poisson(meanGap, make, count),
    burst: (count, gap, make) => generators.burst(count, gap, make),
    ramp: (from, to, duration, make) => generators.ramp(from, to, duration, make),
    after: (delay, source) => generators.after(delay, source),
    lasting: (duration, source) => generators.lasting(duration, source),
    concurrently: (...sources) => generators.concurrently(...sources),
    sequence: (...sources) => generators.sequence(...sources),
    quiet: (duration) => generators.quiet(duration),
    repeat: (source, gap, count) => generators.repeat(source, gap, count),
  };
}

export interface ScenarioDefinition {
  /** What `--scenario` takes: letters, digits, `-` and `_`. */
  readonly name: string;
  /** One line for `tracebed list`. */
  readonly summary: string;
  /** CPUs that it plays on when the user does not say; 2 when absent. */
  readonly cpus?: number;
  /** How long it lasts by itself, ns; absent for an endless one. */
  readonly duration?: Nanoseconds;
  /** Processes whose programs and libraries can be probed, and whose user stacks have names. */
  readonly processes?: readonly Process[];
  /** Network devices, beside `lo`. */
  readonly devices?: readonly NetDevice[];
  /** What files of /proc say, by path: `/proc/meminfo`, `/proc/loadavg`. */
  readonly files?: Readonly<Record<string, string>>;
  /** Maps that somebody has filled and pinned before the run: what tools take with --cgroupmap and --mntnsmap. */
  readonly containerMaps?: readonly ContainerMap[];
  /** What happens. Called once for each run. */
  readonly events: (script: Script) => Exclude<Emission, undefined>;
}

/** A scenario from its definition: the default export of a scenario file. @throws InputError for a bad name */
export function defineScenario(definition: ScenarioDefinition): Scenario {
  const { events, ...rest } = definition;
  if (!/^[\w-]+$/.test(definition.name)) {
    throw new InputError(`'${definition.name}' is no name for a scenario`, { expected: 'letters, digits, - and _' });
  }
  return {
    ...rest,
    events: (stage) =>
      defer(() => {
        const happening: Emission | null = events(scriptOn(stage));
        if (typeof happening === 'object' && happening !== null) return streamOf(happening);
        throw new InputError(`events of scenario ${definition.name} returned ${happening}`, {
          expected: 'what happens: every(…), sequence(…), or an event',
        });
      }),
  };
}
