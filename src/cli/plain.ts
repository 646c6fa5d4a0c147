import type { Run } from '../lab/index.ts';
import { type ReportFormat, report } from '../report/index.ts';
import { type Io, Output, type SignalSource } from './io.ts';
import { Progress } from './progress.ts';

/** Exit codes of a run that a signal ended: 128 and its number, as shells have it. */
const signalCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Plays a run to its end, or to a signal, and writes it as lines. What was written by then is always followed by the
 * summary. A slow reader slows the run down; a reader that goes ends it.
 */
export async function playPlain(
  run: Run,
  format: ReportFormat,
  flags: { readonly tracePipe?: true; readonly summary: boolean },
  io: Io,
): Promise<number> {
  const output = new Output(io.stdout);
  const progress = run.speed === 'max' && io.stdout.isTTY !== true ? new Progress(io.stderr, run) : undefined;
  const finish = report(run, format, (text) => output.write(text), { tracePipe: flags.tracePipe === true });
  run.onSlice(() => {
    progress?.show();
    if (!output.send()) void holdUntilDrained(run, output);
    if (output.closed) run.stop();
  });
  const signals = catchSignals(io.signals ?? process, () => run.stop());
  try {
    await run.start();
    progress?.clear();
    if (flags.summary) finish();
    await output.end();
  } finally {
    signals.release();
  }
  return signals.caught === undefined ? 0 : signalCodes[signals.caught];
}

async function holdUntilDrained(run: Run, output: Output): Promise<void> {
  if (run.state !== 'running') return;
  run.pause();
  await output.drained();
  if (output.closed) run.stop();
  else run.resume();
}

type Signal = keyof typeof signalCodes;

/** Stops at the first signal; a second one of the same kind finds no listener and ends the process. */
function catchSignals(
  source: SignalSource,
  stop: () => void,
): { readonly caught: Signal | undefined; release(): void } {
  let caught: Signal | undefined;
  const listeners = (Object.keys(signalCodes) as Signal[]).map((signal) => {
    const listener = (): void => {
      caught = signal;
      release();
      stop();
    };
    source.on(signal, listener);
    return { signal, listener };
  });
  const release = (): void => {
    for (const { signal, listener } of listeners) source.off(signal, listener);
  };
  return {
    get caught() {
      return caught;
    },
    release,
  };
}
