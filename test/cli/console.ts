import { PassThrough, Writable } from 'node:stream';
import { type Io, run } from '../../src/cli/index.ts';

/** A stream that gathers what is written to it. */
export class Gathered extends Writable {
  readonly isTTY: boolean;
  text = '';

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line with streams that are no terminals. */
export async function tracebed(argv: readonly string[], over: Partial<Io> = {}): Promise<Outcome> {
  const stdout = new Gathered();
  const stderr = new Gathered();
  const code = await run(argv, { stdin: new PassThrough(), stdout, stderr, env: { TERM: 'xterm-256color' }, ...over });
  return { code, out: stdout.text, err: stderr.text };
}
