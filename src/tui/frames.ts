/** Sets a timer. @returns how to clear it */
export type Timer = (callback: () => void, milliseconds: number) => () => void;

export const wallTimer: Timer = (callback, milliseconds) => {
  const handle = setTimeout(callback, milliseconds);
  return () => clearTimeout(handle);
};

/** Real milliseconds between two frames at least: 20 a second. */
export const frameInterval = 50;

/** Draws when asked, at once after a rest, and never more often than the interval allows. */
export class Frames {
  readonly #timer: Timer;
  readonly #draw: () => void;
  #clear: (() => void) | undefined;
  #wanted = false;

  constructor(timer: Timer, draw: () => void) {
    this.#timer = timer;
    this.#draw = draw;
  }

  request(): void {
    if (this.#clear) this.#wanted = true;
    else this.now();
  }

  /** Draws at once: what the user did must be seen. */
  now(): void {
    this.#clear?.();
    this.#wanted = false;
    this.#draw();
    this.#clear = this.#timer(() => {
      this.#clear = undefined;
      if (this.#wanted) this.now();
    }, frameInterval);
  }

  stop(): void {
    this.#clear?.();
    this.#clear = undefined;
    this.#wanted = false;
  }
}
