import { existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  BPF,
  defineTool,
  InputError,
  sec,
  type TextSnapshot,
  type ToolOutput,
  type ToolSetup,
  UsageError,
} from 'tracebed';
import { containerDefines, containerOptions } from '../container-filter.ts';
import { cpuOption } from '../cpu-option.ts';
import { type FlameStack, flameGraph } from '../flame-graph.ts';
import { type Counted, foldedLine, missingLines, type Sample, type Shown, stackLines } from './stacks.ts';

/**
 * Where CPU time goes, by sampling stacks at a timed interval: BCC's profile with its options and its output, and a
 * flame graph without further tools.
 */
export default defineTool({
  name: 'profile',
  summary: 'where CPU time goes: stacks, sampled',
  arguments: [{ name: 'DURATION', what: 'seconds; to the end when absent', required: false }],
  options: [
    { flags: '-p, --pid <pid>', what: 'only these processes: 185,186' },
    { flags: '-L, --tid <tid>', what: 'only these threads' },
    { flags: '-U, --user-stacks-only', what: 'only stacks of user space' },
    { flags: '-K, --kernel-stacks-only', what: 'only stacks of the kernel' },
    { flags: '-F, --frequency <frequency>', what: 'samples a second on each CPU (default: 49)' },
    { flags: '-c, --count <count>', what: 'or a sample every so many events: ns of the clock' },
    { flags: '-d, --delimited', what: 'a line between the stacks of kernel and user space' },
    { flags: '-a, --annotations', what: 'put _[k] behind functions of the kernel' },
    { flags: '-I, --include-idle', what: 'also idle CPUs' },
    { flags: '-f, --folded', what: 'a line for each stack, as flame graphs take them' },
    {
      flags: '--stack-storage-size <stack-storage-size>',
      what: 'how many different stacks there is room for',
      default: '16384',
    },
    { flags: '-C, --cpu <cpu>', what: 'only this CPU' },
    ...containerOptions,
    { flags: '--flame <file>', what: 'also write a flame graph, an SVG file' },
  ],
  examples: [
    { command: 'tracebed run profile', what: 'sample at 49 Hertz' },
    { command: 'tracebed run profile 5 -F 99', what: '5 seconds at 99 Hertz' },
    { command: 'tracebed run profile -f -p 3301', what: 'one process, folded' },
    { command: 'tracebed run profile 10 --flame profile.svg', what: 'a flame graph to look at in a browser' },
  ],
  scenario: 'processes',
  start,
});

const usualFrequency = 49;

function start(setup: ToolSetup): ToolOutput {
  const { kernel } = setup;
  const shown = stacksShown(setup);
  const rate = rateOf(setup);
  const threads = threadsOf(setup);
  const duration = durationOf(setup);
  const cpu = cpuOption(setup);
  const flame = flameFile(setup);
  const bpf = new BPF(kernel, {
    srcFile: new URL('profile.bpf.c', import.meta.url),
    defines: {
      WANTED: threads.condition,
      IDLE: setup.flag('includeIdle'),
      USER_ONLY: shown === 'user',
      KERNEL_ONLY: shown === 'kernel',
      ...containerDefines(setup),
    },
    maxEntries: { stacks: storageSize(setup) },
  });
  bpf.attachPerfEvent({
    event: 'cpu-clock',
    fnName: 'take_sample',
    ...rate.attach,
    ...(cpu === undefined ? {} : { cpu }),
  });

  const counts = bpf.table<Sample, number>('counts');
  const stacks = bpf.table('stacks');
  const annotation = setup.flag('annotations') ? '_[k]' : '';

  /** What was sampled so far, the least often first. */
  function counted(): Counted[] {
    const all = [...counts.items()].map(([sample, count]): Counted => {
      const user = stacks.walk(sample.user_stack, (address) => bpf.sym(address, sample.tgid));
      const inKernel = stacks.walk(sample.kernel_stack, (address) => `${bpf.ksym(address)}${annotation}`);
      return { sample, count, user, kernel: inKernel };
    });
    return all
      .map((one) => ({ one, text: foldedLine(one, { shown, delimited: false }) }))
      .sort((a, b) => a.one.count - b.one.count || a.one.sample.tgid - b.one.sample.tgid || (a.text < b.text ? -1 : 1))
      .map(({ one }) => one);
  }

  const folded = setup.flag('folded');
  const how = { shown, delimited: setup.flag('delimited') };
  function render(): TextSnapshot {
    const all = counted();
    const text = folded ? all.map((one) => foldedLine(one, how)) : ['', ...all.flatMap((one) => stackLines(one, how))];
    return {
      lines: [...text, ...missingLines(all, how.shown)],
      json: {
        stacks: all.map(({ sample, count, user, kernel }) => ({
          comm: sample.comm,
          pid: sample.tgid,
          user,
          kernel,
          count,
        })),
      },
    };
  }

  const ending = duration === undefined ? '... Hit Ctrl-C to end.' : ` for ${duration} secs.`;
  const on = cpu === undefined ? '' : ` on CPU#${cpu}`;
  const opening = `Sampling at ${rate.text} of ${threads.text} by ${shown} stack${on}${ending}`;
  return {
    bpf,
    ...(duration === undefined ? {} : { interval: sec(duration), count: 1 }),
    ...(flame === undefined
      ? {}
      : { tick: () => writeFlames(flame, counted(), `${rate.text}: ${threads.text}, ${shown} stacks${on}`) }),
    view: { noun: 'profile', opening: folded ? [] : [opening], render },
  };
}

function stacksShown(setup: ToolSetup): Shown {
  const [user, inKernel] = [setup.flag('userStacksOnly'), setup.flag('kernelStacksOnly')];
  if (user && inKernel)
    throw new UsageError('-U and -K exclude each other', { expected: 'one, or none for both stacks' });
  return user ? 'user' : inKernel ? 'kernel' : 'user + kernel';
}

interface Rate {
  readonly attach: { readonly sampleFreq: number } | { readonly samplePeriod: number };
  /** As the opening line says it. */
  readonly text: string;
}

function rateOf(setup: ToolSetup): Rate {
  const [frequency, period] = [atLeastOne(setup, 'frequency'), atLeastOne(setup, 'count')];
  if (frequency !== undefined && period !== undefined) {
    throw new UsageError('-F and -c exclude each other', { expected: 'a frequency or a period' });
  }
  if (period !== undefined) return { attach: { samplePeriod: period }, text: `every ${period} events` };
  const hertz = frequency ?? usualFrequency;
  return { attach: { sampleFreq: hertz }, text: `${hertz} Hertz` };
}

function atLeastOne(setup: ToolSetup, option: string): number | undefined {
  const value = setup.integer(option);
  if (value === 0) throw new UsageError(`--${option} cannot be '0'`, { expected: 'a whole number, from 1' });
  return value;
}

interface Threads {
  /** For the program, on tgid and pid. */
  readonly condition: string | false;
  /** As the opening line says it. */
  readonly text: string;
}

function threadsOf(setup: ToolSetup): Threads {
  const [pids, tids] = [idsOf(setup, 'pid'), idsOf(setup, 'tid')];
  if (pids && tids) throw new UsageError('-p and -L exclude each other', { expected: 'processes or threads' });
  const condition = (name: string, ids: readonly number[]) => ids.map((id) => `${name} == ${id}`).join(' || ');
  if (pids) return { condition: condition('tgid', pids), text: `PID [${pids.join(', ')}]` };
  if (tids) return { condition: condition('pid', tids), text: `TID [${tids.join(', ')}]` };
  return { condition: false, text: 'all threads' };
}

function idsOf(setup: ToolSetup, option: 'pid' | 'tid'): number[] | undefined {
  const text = setup.text(option);
  if (text === undefined) return undefined;
  if (/^\d+(,\d+)*$/.test(text)) return text.split(',').map(Number);
  throw new UsageError(`--${option} cannot be '${text}'`, { expected: 'ids with commas between: 185,186' });
}

function durationOf(setup: ToolSetup): number | undefined {
  const seconds = setup.integerArgument(0);
  if (seconds === 0) throw new UsageError("the duration cannot be '0'", { expected: 'whole seconds, from 1' });
  return seconds;
}

function storageSize(setup: ToolSetup): number {
  const size = setup.integer('stackStorageSize');
  if (size !== 0) return size ?? 16_384;
  throw new UsageError("--stack-storage-size cannot be '0'", { expected: 'a whole number, from 1' });
}

/** The file of --flame. Its folder is looked for before anything is sampled. @throws UsageError */
function flameFile(setup: ToolSetup): string | undefined {
  const file = setup.text('flame');
  if (file === undefined) return undefined;
  const folder = dirname(file);
  if (!existsSync(folder))
    throw new UsageError(`there is no folder '${folder}'`, { expected: 'a file that --flame can write' });
  if (existsSync(file) && statSync(file).isDirectory()) {
    throw new UsageError(`'${file}' is a folder`, { expected: 'a file that --flame can write' });
  }
  return file;
}

function writeFlames(file: string, all: readonly Counted[], title: string): void {
  const stacks = all.map(
    ({ sample, count, user, kernel }): FlameStack => ({
      count,
      frames: [
        { name: sample.comm, kind: 'process' },
        ...[...user].reverse().map((name) => ({ name, kind: 'user' }) as const),
        ...[...kernel].reverse().map((name) => ({ name, kind: 'kernel' }) as const),
      ],
    }),
  );
  try {
    writeFileSync(file, flameGraph(stacks, title));
  } catch (cause) {
    throw new InputError(`cannot write ${file}: ${(cause as Error).message}`, { cause });
  }
}
