import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { Output, print } from '../../src/cli/io.ts';
import { Gathered } from './console.ts';

/** A reader that has gone: every write fails with this code. */
class Gone extends Writable {
  readonly #code: string;

  constructor(code: string) {
    super();
    this.#code = code;
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    done(Object.assign(new Error(`write ${this.#code}`), { code: this.#code }));
  }
}

describe('output', () => {
  test('arrives whole and in order', async () => {
    const stream = new Gathered();
    const output = new Output(stream);
    for (let i = 0; i < 3000; i++) output.write(`${i}\n`);
    await output.end();
    expect(stream.text.split('\n').slice(0, -1)).toEqual(Array.from({ length: 3000 }, (_, i) => String(i)));
  });

  test('tells when the reader is slow, and when it has caught up', async () => {
    const stream = new PassThrough({ highWaterMark: 10 });
    const output = new Output(stream);
    output.write('x'.repeat(100));
    expect(output.send()).toBe(false);
    const drained = output.drained();
    stream.resume();
    await drained;
    expect(output.send()).toBe(true);
  });

  test('a reader that has gone is no fault', async () => {
    const output = new Output(new Gone('EPIPE'));
    output.write('x');
    await output.end();
    expect(output.closed).toBe(true);
    output.write('y');
    expect(output.send()).toBe(true);
    await output.drained();
  });

  test('a disk that is full is one', async () => {
    const io = { stdin: new PassThrough(), stdout: new Gone('ENOSPC'), stderr: new Gathered() };
    await expect(print(io, 'x')).rejects.toThrow('write ENOSPC');
  });
});
