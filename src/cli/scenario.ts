import type { Command } from 'commander';
import { minutes, type Nanoseconds, Random } from '../base/index.ts';
import type { KernelEvent } from '../events/index.ts';
import type { Scenario, Stage } from '../scenario/index.ts';
import { quiet, withExamples } from './command.ts';
import { type Io, Output, print } from './io.ts';
import { cpusOption, durationOption, kernelOption, seedOption } from './run-options.ts';
import { limit, oneOf, profileNamed } from './values.ts';

interface StageFlags {
  readonly seed: number;
  readonly cpus?: number;
  readonly duration?: Nanoseconds;
  readonly kernel: string;
}

/** `tracebed scenario show|record`: what a scenario would emit, for people or into a file that runs again. */
export function describeScenario(command: Command, io: Io): void {
  command.summary('show or record what a scenario emits').description('show or record what a scenario emits');
  describeShow(quiet(command.command('show'), io), io);
  describeRecord(quiet(command.command('record'), io), io);
  withExamples(command, [
    { command: 'tracebed scenario show drop-storm --limit 20', what: 'its first events' },
    {
      command: 'tracebed scenario record drop-storm storm.record --duration 5s',
      what: 'five seconds of it, to a file',
    },
    { command: 'tracebed run --scenario storm.record', what: 'and a run on that file' },
  ]);
}

function addStageOptions(command: Command): Command {
  return command
    .addOption(seedOption())
    .addOption(cpusOption())
    .addOption(durationOption())
    .addOption(kernelOption())
    .option('--debug', 'with a fault, print where in the program it came from');
}

function describeShow(command: Command, io: Io): void {
  addStageOptions(command.summary('print the events').description('print the events of a scenario'))
    .argument('<name|file>', 'a name of `tracebed list`, a .trace or a scenario file')
    .option('--limit <n>', 'so many events at most', limit)
    .option('--stack', 'with the kernel stack of each')
    .option('--format <format>', 'text, json', oneOf('--format', ['text', 'json']), 'text')
    .action(async (name: string, flags: StageFlags & ShowFlags) => {
      const { scenario, stage } = await stageFor(name, flags);
      await show(scenario, stage, flags, io);
    });
  withExamples(command, [
    { command: 'tracebed scenario show udp_closed_port', what: '' },
    { command: 'tracebed scenario show slow-connect --limit 10 --stack', what: '' },
    { command: 'tracebed scenario show my.trace --format json', what: 'as a recording that runs again' },
  ]);
}

interface ShowFlags {
  readonly limit?: number;
  readonly stack?: true;
  readonly format: 'text' | 'json';
}

function describeRecord(command: Command, io: Io): void {
  addStageOptions(
    command.summary('write the events to a file').description('write the events to a file that runs again identically'),
  )
    .argument('<name|file>', 'a name of `tracebed list`, a .trace or a scenario file')
    .argument('<out>', 'the file to write')
    .action(async (name: string, out: string, flags: StageFlags) => {
      const { scenario, stage } = await stageFor(name, flags);
      const { recordScenario } = await import('../scenario/index.ts');
      const count = recordScenario(scenario, stage, out);
      await print(io, `${count} events of ${scenario.name} in ${out}\n`);
    });
  withExamples(command, [
    { command: 'tracebed scenario record drop-storm storm.record --seed 7 --duration 2s', what: '' },
  ]);
}

async function stageFor(name: string, flags: StageFlags): Promise<{ scenario: Scenario; stage: Stage }> {
  const { loadScenario, createScheduler } = await import('../scenario/index.ts');
  const scenario = await loadScenario(name);
  const stage = {
    profile: await profileNamed(flags.kernel),
    random: new Random(flags.seed),
    cpus: flags.cpus ?? scenario.cpus ?? 2,
    duration: flags.duration ?? scenario.duration ?? minutes(1),
    scheduler: createScheduler(),
  };
  return { scenario, stage };
}

/** Lines of what is shown: before the first event, for each, and after the last. */
interface Lines {
  readonly head: readonly string[];
  of(event: KernelEvent): readonly string[];
  end(count: number): readonly string[];
}

async function textLines(stack: boolean): Promise<Lines> {
  const { eventLine, stackLines } = await import('./event-text.ts');
  const linesOf = (event: KernelEvent): string[] => [eventLine(event), ...(stack ? stackLines(event) : [])];
  return { head: [], of: linesOf, end: () => [] };
}

/** The lines of a recording: what is shown can be kept as a file and runs again. */
async function recordingLines(scenario: Scenario, stage: Stage): Promise<Lines> {
  const { RecordWriter, recordEnd, recordHead } = await import('../scenario/index.ts');
  let lines: string[] = [];
  const writer = new RecordWriter((line) => lines.push(line));
  const linesOf = (event: KernelEvent): string[] => {
    lines = [];
    writer.event(event);
    return lines;
  };
  return { head: [recordHead(scenario, stage)], of: linesOf, end: (count) => [recordEnd(count)] };
}

/** Plays the scenario to nobody but the output, a slice of virtual time after the other. */
async function show(scenario: Scenario, stage: Stage, flags: ShowFlags, io: Io): Promise<void> {
  const lines = await (flags.format === 'json' ? recordingLines(scenario, stage) : textLines(flags.stack === true));
  const output = new Output(io.stdout);
  const put = (line: string): void => output.write(`${line}\n`);
  lines.head.forEach(put);
  const course = { ended: false, fault: undefined as unknown, shown: 0 };
  const subscription = scenario.events(stage).subscribe({
    next: (event) => {
      if (course.ended || event.time > stage.duration) return;
      lines.of(event).forEach(put);
      course.ended = ++course.shown === flags.limit;
    },
    error: (fault: unknown) => {
      course.fault = fault;
      course.ended = true;
    },
    complete: () => {
      course.ended = true;
    },
  });
  for (let time = stage.scheduler.next; !course.ended && time !== undefined; time = stage.scheduler.next) {
    if (time > stage.duration || output.closed) break;
    stage.scheduler.advanceTo(time);
    if (!output.send()) await output.drained();
  }
  subscription.unsubscribe();
  if (course.fault === undefined) lines.end(course.shown).forEach(put);
  await output.end();
  if (course.fault !== undefined) throw course.fault;
}
