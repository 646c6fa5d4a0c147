/**
 * What may end or stop the process while it holds the terminal. Each signal has its exit code; job control stops the
 * whole process group, as the terminal itself would, because a shell waits for npm and npm for us.
 */
export interface ProcessLike {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  kill(pid: number, signal: 'SIGTSTP'): unknown;
}

export interface SignalTargets {
  /** The run is to end with this exit code. */
  end(code: number): void;
  /** The process is about to die or to stop: give the terminal back, at once. */
  leave(): void;
  /** It goes on: take the terminal again. */
  enter(): void;
}

/** 128 + the signal's number, as shells tell it. */
export const signalExitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGQUIT: 131 } as const;

export class Signals implements Disposable {
  readonly #process: ProcessLike;
  readonly #targets: SignalTargets;
  readonly #listeners = new Map<string, () => void>();

  constructor(process: ProcessLike, targets: SignalTargets) {
    this.#process = process;
    this.#targets = targets;
    for (const [signal, code] of Object.entries(signalExitCodes)) this.#listen(signal, () => targets.end(code));
    // The monitor only looks on: Node still prints the fault and exits as if we were not here.
    this.#listen('uncaughtExceptionMonitor', () => targets.leave());
    this.#listen('exit', () => targets.leave());
    this.#listenToJobControl();
  }

  #listen(event: string, listener: () => void): void {
    this.#listeners.set(event, listener);
    this.#process.on(event, listener);
  }

  #ignore(event: string): void {
    const listener = this.#listeners.get(event);
    if (listener) this.#process.off(event, listener);
    this.#listeners.delete(event);
  }

  #listenToJobControl(): void {
    this.#listen('SIGTSTP', () => this.suspend());
    // Stopped by a SIGSTOP, which no one can see coming: the shell has drawn over us.
    this.#listen('SIGCONT', () => this.#targets.enter());
  }

  /**
   * Stops the process group, terminal given back; returns when it goes on. Without our listener the signal does what
   * it does to any process: the call does not return before that. Where no shell waits the kernel drops the signal,
   * and we go on at once.
   */
  suspend(): void {
    this.#targets.leave();
    this.#ignore('SIGTSTP');
    this.#ignore('SIGCONT');
    this.#process.kill(0, 'SIGTSTP');
    this.#listenToJobControl();
    this.#targets.enter();
  }

  [Symbol.dispose](): void {
    for (const event of [...this.#listeners.keys()]) this.#ignore(event);
  }
}
