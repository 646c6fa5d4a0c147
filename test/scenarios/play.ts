import { Random } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import type { KernelEvent } from '../../src/events/index.ts';
import { createScheduler, loadScenario, type Stage } from '../../src/scenario/index.ts';

export interface PlayOptions {
  readonly kernel?: string;
  readonly seed?: number;
  readonly cpus?: number;
  readonly duration: number;
}

/** Plays a bundled scenario; its events come in order, on the CPUs that there are. @returns how many there were */
export async function play(name: string, options: PlayOptions, see: (event: KernelEvent) => void): Promise<number> {
  const scenario = await loadScenario(name);
  const stage: Stage = {
    profile: loadProfile(options.kernel ?? '6.18'),
    random: new Random(options.seed ?? 1),
    cpus: options.cpus ?? scenario.cpus!,
    duration: options.duration,
    scheduler: createScheduler(),
  };
  let last = 0;
  let count = 0;
  let failure: unknown;
  const playing = scenario.events(stage).subscribe({
    next: (event) => {
      if (event.time < last || event.cpu >= stage.cpus) failure ??= new Error(`out of order: ${JSON.stringify(event)}`);
      last = event.time;
      count++;
      see(event);
    },
    error: (error: unknown) => {
      failure = error;
    },
  });
  stage.scheduler.advanceTo(options.duration);
  playing.unsubscribe();
  if (failure !== undefined) throw failure;
  return count;
}
