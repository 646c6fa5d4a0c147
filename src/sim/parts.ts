import { Random } from '../base/index.ts';
import { Memory } from '../memory/index.ts';
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
import type { BootOptions } from './machine/machine.ts';
import { SignalLog } from './machine/signals.ts';
import { Stacks } from './machine/stacks.ts';
import { SymbolTable } from './machine/symbols.ts';
import { Timers } from './machine/timers.ts';
import { TracePipe } from './machine/trace-pipe.ts';
import { TrapLog } from './machine/traps.ts';
import { NetworkPoints } from './net/attach.ts';
import { Network } from './net/network.ts';
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

const defaultMemory = 64 << 20;
/** Where the first draws of get_prandom_u32 come from when the owner gives no seed. */
const defaultSeed = 1;

/** The parts that know of no program: memory and names, what processes hold, what the kernel's objects are. */
function groundOf({ profile, cpus, memory: size, processes = [] }: BootOptions) {
  const memory = new Memory(size ?? defaultMemory);
  const symbols = new SymbolTable(profile.btf.functionNames());
  const ledger = new Ledger(cpus);
  const fds = new FdTable();
  const timers = new Timers();
  const cgroups = new Cgroups(fds);
  const maps = new MapCommands(memory, cpus, fds, ledger, timers);
  const stacks = new Stacks(memory, symbols);
  const sampling = new Sampling(cpus);
  const current = new Current(memory, cpus);
  return {
    profile,
    memory,
    symbols,
    ledger,
    fds,
    timers,
    cgroups,
    maps,
    stacks,
    sampling,
    current,
    batches: new MapBatches(maps),
    pins: new Pins(fds),
    objects: new KernelObjects(memory, profile, symbols, cgroups, current),
    userSpace: new UserSpace(memory, stacks.frames, processes),
    events: new PerfEvents(memory, cpus, fds, ledger, sampling),
    variables: new KernelVariables(memory, profile.btf, cpus),
    traps: new TrapLog(),
    pipe: new TracePipe(),
    signals: new SignalLog(),
  };
}
type Ground = ReturnType<typeof groundOf>;

/** Where events and packets come to, and who plays them. @param programs once they are there */
function stageOf(ground: Ground, { cpus, devices = [] }: BootOptions, programs: () => Programs) {
  const { profile, memory, current, ledger, maps, fds, symbols, stacks, userSpace, sampling, objects, timers } = ground;
  const runs = new Runs(current, ledger, ground.traps);
  const network = new Network({ memory, current, ledger, runs, devices, mapId: (map) => maps.idOf(map) });
  maps.isDevice = (ifindex) => network.devices.at(ifindex) !== undefined;
  const sockets = new NetworkPoints(network, fds);
  const writers = { profile, memory, symbols, values: objects.values, stacks, userSpace };
  const points = new AttachPoints({ ...writers, sampling, network: sockets }, fds, cpus);
  const userRegisters = new UserRegisters(memory, objects.values, userSpace);
  const player = new Player({
    current,
    points,
    runs,
    network,
    userSpace,
    userRegisters,
    sampling,
    samples: new SampleContext(memory, stacks, userSpace, userRegisters),
    objects,
    timers,
    callbacks: new CallbackPrograms(memory, (program) => programs().make(program)),
  });
  network.tracer = new PacketTracer(profile, memory, points, (event, outer) => player.passOn(event, outer));
  return { network, sockets, points, player };
}
type Stage = ReturnType<typeof stageOf>;

/** What programs are made with: the helpers and kernel functions that they call, on all that is there. */
function programsOf(ground: Ground, { network, player }: Stage, { seed, engine }: BootOptions): Programs {
  const { profile, memory, fds, maps, objects, current, variables } = ground;
  const window = new CallWindow(memory);
  const environment: HelperEnvironment = {
    ...ground,
    window,
    maps: maps.byAddress,
    rings: maps.rings,
    tasks: objects.tasks,
    userMemory: objects.userMemory,
    sockets: objects.sockets,
    structs: objects.structs,
    cgroupObjects: objects.cgroups,
    network,
    packets: network.packets,
    skbs: objects.packets,
    random: new Random(seed ?? defaultSeed),
    dynptrs: new Dynptrs(memory),
    passed: (tracepoint) => player.passNested(tracepoint),
  };
  return new Programs({
    memory,
    btf: profile.btf,
    fds,
    engine: engineOf(engine),
    window,
    variables,
    helpers: helperTable(environment),
    kfuncs: kfuncTable(profile.btf, environment),
    current,
    maps: maps.byAddress,
    packets: network.packets,
  });
}

/** All parts of a simulated kernel, each made of those before it. */
export function partsOf(options: BootOptions): Parts {
  const ground = groundOf(options);
  const stage = stageOf(ground, options, () => programs);
  const programs: Programs = programsOf(ground, stage, options);
  return { ...ground, ...stage, programs };
}

export type Parts = Ground & Stage & { readonly programs: Programs };

function engineOf(wanted: BootOptions['engine']): Engine {
  if (typeof wanted === 'object') return wanted;
  return wanted === 'interpreter' ? createInterpreter() : createJit({ whenHot: true });
}
