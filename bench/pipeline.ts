/**
 * What an event costs on its way from the scenario to the view model, stage by stage. Each stage does what the one
 * before does and one thing more, so the difference is the price of that thing. All stages run in every round, one
 * after the other, and the figures are medians over the rounds: a machine that slows down slows all of them.
 *
 *   node dist/bench/pipeline.js [EVENTS] [ROUNDS]        (200,000 and 5 by default)
 */
import { minutes, type Nanoseconds, Random, sec } from '../src/base/index.ts';
import { type KernelProfile, loadProfile } from '../src/btf/index.ts';
import { loadObject } from '../src/client/index.ts';
import type { KernelEvent } from '../src/events/index.ts';
import { createRun, loadTool, type Run, type Tool, watchRecords } from '../src/lab/index.ts';
import { assembleObject } from '../src/object/index.ts';
import { alignedLines } from '../src/report/index.ts';
import { createScheduler, loadScenario, type Scenario, type Stage } from '../src/scenario/index.ts';
import { boot, type Machine } from '../src/sim/index.ts';

const scenarioName = 'drop-storm';
const cpus = 2;
/** `npm run bench -- interpreter` measures the other one. */
const engine = process.argv.includes('interpreter') ? 'interpreter' : 'jit';

/** What every stage of the bench runs on. */
interface Setting {
  readonly profile: KernelProfile;
  readonly scenario: Scenario;
  readonly tool: Tool;
  /** Virtual time in which about the number of events asked for happens. */
  readonly duration: Nanoseconds;
  /** The same events, made beforehand. */
  readonly made: readonly KernelEvent[];
}

interface BenchStage {
  readonly name: string;
  /** Plays all events. @returns how many, and the ns of real time that they took */
  readonly play: (setting: Setting) => Played;
}

interface Played {
  readonly events: number;
  readonly time: number;
}

const emptyProgram = `
.license "GPL"
.section "tracepoint/skb/kfree_skb"
empty:
  r0 = 0
  exit
`;

const stages: readonly BenchStage[] = [
  { name: 'scenario alone', play: (setting) => playScenario(setting, () => {}) },
  { name: '+ machine, nothing attached', play: (setting) => onMachine(setting, () => {}, playScenario) },
  { name: '+ empty program on skb:kfree_skb', play: (setting) => onMachine(setting, attachEmpty, playScenario) },
  { name: '+ drop-monitor: program, ring, reader', play: (setting) => playRun(setting, () => {}) },
  { name: '+ view model', play: (setting) => playRun(setting, watchRecords) },
  { name: 'events made before, nothing attached', play: (setting) => onMachine(setting, () => {}, playMade) },
  { name: 'events made before, empty program', play: (setting) => onMachine(setting, attachEmpty, playMade) },
];

/** The stages up to this one stand on each other; those behind it stand alone. */
const lastStage = 4;

function stageOf({ profile, duration }: Pick<Setting, 'profile' | 'duration'>): Stage {
  return { profile, random: new Random(1), cpus, duration, scheduler: createScheduler() };
}

/** Plays the scenario on its scheduler; `take` gets every event. */
function playScenario(setting: Setting, take: (event: KernelEvent) => void): Played {
  const stage = stageOf(setting);
  let events = 0;
  let fault: unknown;
  const start = process.hrtime.bigint();
  const subscription = setting.scenario.events(stage).subscribe({
    next: (event) => {
      events++;
      take(event);
    },
    error: (error: unknown) => {
      fault = error;
    },
  });
  stage.scheduler.advanceTo(setting.duration);
  const time = Number(process.hrtime.bigint() - start);
  subscription.unsubscribe();
  if (fault !== undefined) throw fault;
  return { events, time };
}

/** The same events without the scenario's cost of making them. */
function playMade(setting: Setting, take: (event: KernelEvent) => void): Played {
  const start = process.hrtime.bigint();
  for (const event of setting.made) take(event);
  return { events: setting.made.length, time: Number(process.hrtime.bigint() - start) };
}

function onMachine(setting: Setting, attach: (machine: Machine) => void, player: typeof playScenario): Played {
  const machine = boot({ profile: setting.profile, cpus, engine });
  try {
    attach(machine);
    return player(setting, (event) => machine.fire(event));
  } finally {
    machine[Symbol.dispose]();
  }
}

function attachEmpty(machine: Machine): void {
  const spec = assembleObject(emptyProgram, { profile: machine.profile, file: 'empty.bpf.s' });
  loadObject(machine, spec).program('empty').attach();
}

function playRun({ tool, scenario, profile, duration }: Setting, watch: (run: Run) => unknown): Played {
  const options = { tool, args: [], toolOptions: {}, scenario, profile, seed: 1, cpus, duration, ringPages: 64 };
  const run = createRun({ ...options, speed: 'max', engine });
  try {
    watch(run);
    const start = process.hrtime.bigint();
    run.advance(duration);
    const time = Number(process.hrtime.bigint() - start);
    if (run.state === 'failed') throw run.failure;
    return { events: run.events, time };
  } finally {
    run[Symbol.dispose]();
  }
}

/** The setting in which about `wanted` events happen: the rate of the first second says how long that takes. */
async function settingFor(wanted: number): Promise<Setting> {
  const [scenario, tool] = await Promise.all([loadScenario(scenarioName), loadTool('drop-monitor')]);
  const profile = loadProfile('6.18');
  const base = { profile, scenario, tool, made: [] };
  const perSecond = playScenario({ ...base, duration: sec(2) }, () => {}).events / 2;
  const duration = Math.min(minutes(60), Math.round((wanted / perSecond) * 1e9));
  const made: KernelEvent[] = [];
  playScenario({ ...base, duration }, (event) => made.push(event));
  return { ...base, duration, made };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function main(wanted: number, rounds: number): Promise<void> {
  const setting = await settingFor(wanted);
  const times = stages.map((): number[] => []);
  for (const stage of stages) stage.play(setting);
  for (let round = 0; round < rounds; round++) {
    stages.forEach((stage, i) => {
      const { events, time } = stage.play(setting);
      times[i]?.push(time / events);
    });
  }
  const costs = times.map(median);
  const whole = costs[lastStage] as number;
  const rows = stages.map(({ name }, i) => {
    const cost = costs[i] as number;
    const before = i === 0 || i > lastStage ? 0 : (costs[i - 1] as number);
    const own = i > lastStage ? '' : `${Math.round(((cost - before) / whole) * 100)}%`;
    return [name, cost.toFixed(0), (1e3 / cost).toFixed(2), (cost / whole).toFixed(2), own];
  });
  const header = ['stage', 'ns/event', 'M events/s', 'of the whole', 'its own share'];
  const lines = [
    ...alignedLines([header, ...rows], ['left', 'right', 'right', 'right', 'right']),
    '',
    `${setting.made.length} events of ${scenarioName}, ${cpus} CPUs, ${engine}; medians of ${rounds} rounds after one to warm up,`,
    `all stages in every round; Node ${process.versions.node}, one thread, real time of process.hrtime.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

const [wanted = 200_000, rounds = 5] = process.argv
  .slice(2)
  .filter((word) => /^\d+$/.test(word))
  .map(Number);
await main(wanted, rounds);
