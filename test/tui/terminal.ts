import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import xterm from '@xterm/headless';
import type { Run } from '../../src/lab/index.ts';
import { type ProcessLike, runDashboard } from '../../src/tui/index.ts';

/**
 * A terminal without a screen: what is written to it is interpreted by xterm, keys and clicks are what a terminal
 * would send, and the cells can be read back. Frames come from a timer that only the test moves, so nothing waits.
 */
export class FakeTerminal extends Writable {
  readonly isTTY = true;
  columns: number;
  rows: number;
  readonly input = new FakeInput();
  readonly process = new FakeProcess();
  readonly screen: InstanceType<typeof xterm.Terminal>;
  /** All bytes written so far. */
  bytes = '';
  /** Frame timers that are set. */
  readonly #timers = new Set<() => void>();
  readonly files = new Map<string, string>();
  readonly #depth: number;

  constructor(columns: number, rows: number, depth = 8) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.rows = rows;
    this.#depth = depth;
    this.screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  }

  getColorDepth(): number {
    return this.#depth;
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.bytes += chunk.toString();
    this.screen.write(chunk.toString(), done);
  }

  readonly timer = (callback: () => void): (() => void) => {
    this.#timers.add(callback);
    return () => this.#timers.delete(callback);
  };

  readonly writeFile = (name: string, text: string): boolean => {
    if (this.files.has(name)) return false;
    this.files.set(name, text);
    return true;
  };

  /** Lets everything under way arrive: input, the frame that is due, and xterm's reading of it. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const callback of [...this.#timers]) {
        this.#timers.delete(callback);
        callback();
      }
    }
    await new Promise<void>((resolve) => this.screen.write('', resolve));
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) this.input.write(sequences[key] ?? key);
    await this.settle();
  }

  /** A left click on a cell, counted from 0. */
  async click(x: number, y: number): Promise<void> {
    this.input.write(`\x1b[<0;${x + 1};${y + 1}M\x1b[<0;${x + 1};${y + 1}m`);
    await this.settle();
  }

  async clickOn(text: string): Promise<void> {
    const { x, y } = this.find(text);
    await this.click(x, y);
  }

  async wheel(direction: 'up' | 'down', notches = 1): Promise<void> {
    this.input.write(`\x1b[<${direction === 'up' ? 64 : 65};3;6M`.repeat(notches));
    await this.settle();
  }

  async resize(columns: number, rows: number): Promise<void> {
    this.columns = columns;
    this.rows = rows;
    this.screen.resize(columns, rows);
    this.emit('resize');
    await this.settle();
  }

  /** The text of a row of the screen, without the blanks at its end. */
  row(y: number): string {
    return (this.screen.buffer.active.getLine(y)?.translateToString(true) ?? '').trimEnd();
  }

  text(): string {
    return Array.from({ length: this.rows }, (_, y) => this.row(y)).join('\n');
  }

  find(text: string): { x: number; y: number } {
    for (let y = 0; y < this.rows; y++) {
      const x = this.row(y).indexOf(text);
      if (x >= 0) return { x, y };
    }
    throw new Error(`'${text}' is not on the screen:\n${this.text()}`);
  }

  /** The row drawn inverse, below the title: what is selected. */
  selected(): string | undefined {
    for (let y = 1; y < this.rows; y++) {
      const line = this.screen.buffer.active.getLine(y);
      if (line?.getCell(4)?.isInverse()) return this.row(y);
    }
    return undefined;
  }

  /** What must be off when the terminal is given back. */
  state(): { alternate: boolean; mouse: string; cursorHidden: boolean; raw: boolean; reading: boolean } {
    const hidden = this.bytes.lastIndexOf('\x1b[?25l');
    const shown = Math.max(this.bytes.lastIndexOf('\x1b[?25h'), this.bytes.lastIndexOf('\x1b[?12l\x1b[?25h'));
    return {
      alternate: this.screen.buffer.active.type === 'alternate',
      mouse: this.screen.modes.mouseTrackingMode,
      cursorHidden: hidden > shown,
      raw: this.input.raw,
      reading: !this.input.isPaused(),
    };
  }
}

export const released = { alternate: false, mouse: 'none', cursorHidden: false, raw: false, reading: false };
export const held = { alternate: true, mouse: 'vt200', cursorHidden: true, raw: true, reading: true };

const sequences: Readonly<Record<string, string>> = {
  Enter: '\r',
  Esc: '\x1b',
  Bksp: '\x7f',
  Tab: '\t',
  Space: ' ',
  Up: '\x1b[A',
  Down: '\x1b[B',
  PgUp: '\x1b[5~',
  PgDn: '\x1b[6~',
  Home: '\x1b[H',
  End: '\x1b[F',
  'Ctrl-C': '\x03',
  'Ctrl-L': '\x0c',
  'Ctrl-Z': '\x1a',
};

class FakeInput extends PassThrough {
  readonly isTTY = true;
  raw = false;

  setRawMode(raw: boolean): this {
    this.raw = raw;
    return this;
  }
}

class FakeProcess extends EventEmitter implements ProcessLike {
  /** What was asked of kill, and how the terminal stood then. */
  readonly kills: { readonly pid: number; readonly signal: string }[] = [];
  onKill: () => void = () => {};

  kill(pid: number, signal: string): void {
    this.kills.push({ pid, signal });
    this.onKill();
  }
}

/** A dashboard on a fake terminal, after its first frame. */
export async function openDashboard(
  run: Run,
  columns: number,
  rows: number,
  depth?: number,
): Promise<{ terminal: FakeTerminal; exit: Promise<number> }> {
  const terminal = new FakeTerminal(columns, rows, depth);
  const { input, process, timer, writeFile } = terminal;
  const exit = runDashboard(run, { input, output: terminal, process, timer, writeFile });
  await terminal.settle();
  return { terminal, exit };
}
