import type { Writable } from 'node:stream';
import { formatDuration } from '../base/index.ts';
import type { Run } from '../lab/index.ts';

/**
 * How far a long run is, on standard error: one line rewritten on a terminal, a line now and then elsewhere. A run
 * that is over within a second shows nothing.
 */
export class Progress {
  readonly #stream: Writable & { readonly isTTY?: boolean };
  readonly #run: Run;
  readonly #now: () => number;
  readonly #start: number;
  #shown: number;
  #onScreen = false;

  /** @param now milliseconds */
  constructor(stream: Writable & { readonly isTTY?: boolean }, run: Run, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#run = run;
    this.#now = now;
    this.#start = now();
    this.#shown = this.#start;
  }

  /** Call it as often as you like. */
  show(): void {
    const now = this.#now();
    const terminal = this.#stream.isTTY === true;
    if (now - this.#start < 1000 || now - this.#shown < (terminal ? 200 : 5000)) return;
    this.#shown = now;
    const line = this.#line(now);
    this.#stream.write(terminal ? `\r${line}\x1b[K` : `${line}\n`);
    this.#onScreen = terminal;
  }

  #line(now: number): string {
    const { time, duration, events } = this.#run;
    const percent = Math.floor((time / duration) * 100);
    const perSecond = Math.round(events / ((now - this.#start) / 1000));
    const done = `${formatDuration(time)} of ${formatDuration(duration)} (${percent}%)`;
    return `${done}, ${events} events, ${perSecond} a second`;
  }

  /** Takes the line off the screen. */
  clear(): void {
    if (this.#onScreen) this.#stream.write('\r\x1b[K');
    this.#onScreen = false;
  }
}
