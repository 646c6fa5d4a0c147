import { type Memory, pageKinds, pageSize } from '../memory/index.ts';
import { type Host, stackSize } from './engine.ts';

/**
 * The stack memory of runs: one area for each level at which runs nest (a helper may make an event that runs a
 * program), the same for all programs and both engines of a host. So r10 is known when a program is compiled, and is
 * equal on both engines.
 */
export class StackAreas {
  readonly #memory: Memory;
  readonly #tops: number[] = [];
  /** Offset of a page that no program reaches, for what compiled code keeps of a run. */
  readonly cells: number;
  /** Runs under way. */
  level = 0;

  constructor(memory: Memory) {
    this.#memory = memory;
    this.top(0);
    this.cells = memory.allocatePages(pageSize, pageKinds.unmapped);
  }

  /** Offset of the end of the area for a level: r10 of the run's first frame. */
  top(level: number): number {
    for (let made = this.#tops.length; made <= level; made++) {
      this.#tops.push(this.#memory.allocatePages(stackSize, pageKinds.kernel) + stackSize);
    }
    return this.#tops[level] as number;
  }
}

const areas = new WeakMap<Host, StackAreas>();

export function stackAreas(host: Host): StackAreas {
  let found = areas.get(host);
  if (!found) {
    found = new StackAreas(host.memory);
    areas.set(host, found);
  }
  return found;
}
