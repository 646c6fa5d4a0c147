import type { Environment } from '../environment.ts';
import type { Register } from '../register.ts';
import { uninitialised } from '../register.ts';

/**
 * The way that a path has come, as a list from its last step back, which paths with the same beginning share. It is kept
 * only while a refused program is walked for the second time, to explain it.
 */
export interface Step {
  readonly slot: number;
  /** Frames below it; 0 in the main program. */
  readonly depth: number;
  /** What dst and src held before it. */
  readonly dst: Register;
  readonly src: Register;
  readonly before: Step | undefined;
}

export class Trail {
  /** Lines that the instruction being judged has said. */
  said: string[] = [];

  /** Notes the step that comes now. */
  record(env: Environment): void {
    const { state, slots, slot } = env;
    const registers = state.frame.registers;
    state.trail = {
      slot,
      depth: state.depth,
      dst: registers[slots.dst[slot] as number] ?? uninitialised,
      src: registers[slots.src[slot] as number] ?? uninitialised,
      before: state.trail,
    };
    this.said = [];
  }
}

/** Steps in the order in which they were made. */
export function stepsOf(last: Step | undefined): Step[] {
  const steps: Step[] = [];
  for (let step = last; step; step = step.before) steps.push(step);
  return steps.reverse();
}
