import { type Command, Option } from 'commander';
import type { Nanoseconds } from '../base/index.ts';
import { type EngineName, engineNames } from './engines.ts';
import * as values from './values.ts';

export const formats = ['dashboard', 'table', 'json'] as const;
export type Format = (typeof formats)[number];

/** The options of `tracebed run`, whatever the tool. */
export interface RunFlags {
  readonly scenario?: string;
  readonly format?: Format;
  readonly seed: number;
  readonly cpus?: number;
  readonly duration?: Nanoseconds;
  readonly speed?: number | 'max';
  readonly ringPages?: number;
  readonly engine?: EngineName;
  readonly kernel: string;
  readonly tracePipe?: true;
  /** False with --no-summary. */
  readonly summary: boolean;
  readonly debug?: true;
}

/** BCC's perf buffers have 8 pages unless the tool says otherwise (open_perf_buffer's page_cnt). */
export const defaultRingPages = 8;

export function addRunOptions(command: Command): Command {
  return command
    .option('--scenario <name|file>', 'what happens: a name of `tracebed list`, a .trace or a scenario file')
    .addOption(
      new Option('--format <format>', `${formats.join(', ')} (default: dashboard on a terminal, else table)`).argParser(
        values.oneOf('--format', formats),
      ),
    )
    .addOption(seedOption())
    .addOption(cpusOption())
    .addOption(durationOption())
    .option('--speed <max|X>', 'virtual seconds per real second (default: 1 in the dashboard, else max)', values.speed)
    .addOption(
      new Option(
        '--ring-pages <n>',
        `pages of each perf ring: a power of two (default: the tool's, else ${defaultRingPages})`,
      ).argParser(values.ringPages),
    )
    .addOption(engineOption())
    .addOption(kernelOption())
    .option('--trace-pipe', 'show what programs write with trace_printk')
    .option('--no-summary', "end plain output with the tool's last line, without what it came to and the ledger")
    .option('--debug', 'with a fault, print where in the program it came from');
}

export function seedOption(): Option {
  return new Option('--seed <n>', 'seed of all that is random').argParser(values.seed).default(1);
}

export function cpusOption(): Option {
  return new Option('--cpus <n>', "simulated CPUs (default: the scenario's, else 2)").argParser(values.cpus);
}

export function durationOption(): Option {
  return new Option('--duration <time>', "virtual time: 500ms, 10s, 2h (default: the scenario's, else 60s)").argParser(
    values.duration,
  );
}

function engineOption(): Option {
  const names = `what programs run on: ${engineNames.join(' or ')} (default: ${engineNames[0]}); changes nothing but the speed`;
  return new Option('--engine <name>', names).argParser(values.oneOf('--engine', engineNames));
}

export function kernelOption(): Option {
  return new Option('--kernel <profile>', 'types, functions, tracepoints of 6.18, 6.1, or of a file of BTF').default(
    '6.18',
  );
}
