import type { Readable, Writable } from 'node:stream';

/** What the command line stands on. A test hands in its own. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** process.env when absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where SIGINT and SIGTERM come from; the process when absent. */
  readonly signals?: SignalSource;
}

export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/**
 * Standard output as a command writes it: gathers text, hands it on in large pieces, knows when the reader is slow,
 * and takes a reader that has gone (`| head`) as the end of the wish for output, not as a fault.
 */
export class Output {
  readonly #stream: Writable;
  readonly #onError: (fault: NodeJS.ErrnoException) => void;
  #pieces: string[] = [];
  #closed = false;
  #full = false;
  #fault: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(stream: Writable) {
    this.#stream = stream;
    this.#onError = (fault) => {
      if (fault.code !== 'EPIPE') this.#fault = fault;
      this.#closed = true;
      this.#wake();
    };
    stream.on('error', this.#onError);
  }

  /** Nobody reads any more. */
  get closed(): boolean {
    return this.#closed;
  }

  write(text: string): void {
    this.#pieces.push(text);
    if (this.#pieces.length >= 1024) this.send();
  }

  /** Hands on what was gathered. @returns whether the reader keeps up */
  send(): boolean {
    const text = this.#pieces.join('');
    this.#pieces = [];
    if (text !== '' && !this.#closed) {
      if (!this.#stream.write(text) && !this.#full) {
        this.#full = true;
        this.#stream.once('drain', () => {
          this.#full = false;
          this.#wake();
        });
      }
    }
    return !this.#full || this.#closed;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when the reader has caught up or has gone. */
  async drained(): Promise<void> {
    if (!this.#full || this.#closed) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Sends the rest and waits until it is out. @throws Error when writing failed otherwise than by the reader's going */
  async end(): Promise<void> {
    this.send();
    if (!this.#closed) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        this.#stream.write('', () => resolve());
      });
    }
    this.#stream.off('error', this.#onError);
    if (this.#fault) throw this.#fault;
  }
}

/** Writes one text to standard output whole. */
export async function print(io: Io, text: string): Promise<void> {
  const output = new Output(io.stdout);
  output.write(text);
  await output.end();
}
