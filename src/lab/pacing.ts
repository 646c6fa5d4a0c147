/**
 * The wall clock as pacing needs it. The lab is the lowest floor that may know real time, and this is all it knows;
 * a test hands in another.
 */
export interface WallClock {
  /** Milliseconds, from any start. */
  now(): number;
  /** Resolves after that many milliseconds. */
  sleep(milliseconds: number): Promise<void>;
  /** Resolves when input and timers that are due have had their turn. */
  breathe(): Promise<void>;
}

export const wallClock: WallClock = {
  now: () => performance.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  breathe: () => new Promise((resolve) => setImmediate(resolve)),
};

/** Real milliseconds that a slice may take, so that keys and frames get their turn. */
export const sliceTime = 12;

/** Real milliseconds between slices at a speed that leaves time. */
export const sliceInterval = 16;

/** Real milliseconds that a run may lag behind its speed before the rest is forgiven rather than caught up. */
export const forgivenLag = 250;
