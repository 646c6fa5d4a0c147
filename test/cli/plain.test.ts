import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { run, type SignalSource } from '../../src/cli/index.ts';
import { Gathered, tracebed } from './console.ts';

const endless = ['run', '--scenario', 'drop-storm', '--duration', '10h', '--format', 'json'];

/** Signals come when the test says so. */
class ToldSignals extends EventEmitter implements SignalSource {}

/** Does something at the first chunk that is written to it. */
class Watched extends Gathered {
  #then: (() => void) | undefined;

  constructor(then: () => void) {
    super();
    this.#then = then;
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    super._write(chunk, encoding, done);
    this.#then?.();
    this.#then = undefined;
  }
}

describe('a signal during plain output', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends the run with its summary and exit code %d', async (signal, code) => {
    const signals = new ToldSignals();
    const stdout = new Watched(() => signals.emit(signal));
    const outcome = await tracebed(endless, { stdout, signals });
    expect(outcome).toMatchObject({ code, err: '' });
    const lines = stdout.text.trimEnd().split('\n');
    const summary = JSON.parse(lines.at(-1)!) as { type: string; records: number; ledger: object };
    expect(summary).toMatchObject({ type: 'summary', state: 'ended', ledger: { balanced: true, pending: 0 } });
    expect(lines.length - 2).toBe(summary.records);
    expect(signals.listenerCount(signal)).toBe(0);
  });
});

test('a reader that goes (| head) ends the run quietly', async () => {
  let chunks = 0;
  const stdout = new Writable({
    write(_chunk, _encoding, done) {
      done(++chunks > 2 ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : null);
    },
  });
  expect(await tracebed(endless, { stdout })).toMatchObject({ code: 0, err: '' });
});

test('a slow reader slows the run down and gets everything', async () => {
  const argv = ['run', '--scenario', 'drop-storm', '--duration', '100ms', '--format', 'json'];
  let text = '';
  let most = 0;
  const stdout: Writable = new Writable({
    highWaterMark: 1000,
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      most = Math.max(most, stdout.writableLength);
      setImmediate(done);
    },
  });
  expect((await tracebed(argv, { stdout })).code).toBe(0);
  expect(text).toBe((await tracebed(argv)).out);
  expect(most).toBeLessThan(text.length / 2);
});

test('a terminal that is dumb, or none, gets lines instead of the dashboard', async () => {
  const expected = (await tracebed(['run'])).out;
  expect(expected).toContain('PKT_TOO_SMALL');
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const stdout = new Gathered(true);
  const stderr = new Gathered();
  const code = await run(['run', '--format', 'dashboard'], { stdin, stdout, stderr, env: { TERM: 'dumb' } });
  expect({ code, text: stdout.text, err: stderr.text }).toEqual({ code: 0, text: expected, err: '' });
});

test('the dashboard leaves behind it what the run came to', async () => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  const stdout = Object.assign(new Gathered(true), { columns: 80, rows: 24 });
  stdin.write('q');
  const io = { stdin, stdout, stderr: new Gathered(), env: { TERM: 'xterm-256color' } };
  expect(await run(['run', 'biolatency', '-m'], io)).toBe(0);
  const behind = stdout.text.slice(stdout.text.lastIndexOf('\x1b'));
  expect(behind).toContain('Tracing block device I/O... Hit Ctrl-C to end.\n');
  expect(behind).toMatch(/\nledger: .*produced 0 /);
});
