import { writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Run } from '../lab/index.ts';
import { Canvas, type Output } from './canvas.ts';
import { Frames, type Timer, wallTimer } from './frames.ts';
import { InputDecoder } from './input.ts';
import { DashboardModel, type Effect, type FileWriter } from './model.ts';
import { presentPage } from './page.ts';
import { paletteFor } from './palette.ts';
import { type ProcessLike, Signals, signalExitCodes } from './signals.ts';

/** The terminal and what else the dashboard needs of the world; a test hands in its own. */
export interface Terminal {
  readonly input: Readable & { setRawMode?(raw: boolean): unknown };
  readonly output: Output;
  /** The process when absent. */
  readonly process?: ProcessLike;
  /** setTimeout when absent. */
  readonly timer?: Timer;
  /** Writes an export; into the working directory when absent. */
  readonly writeFile?: FileWriter;
}

/**
 * Plays a run on the dashboard until the user quits. The terminal is as it was when this resolves, and whatever ends
 * the process.
 * @returns the exit code: 0 after `q`, 1 when the run failed (`run.failure` says why), 130, 143, 129 or 131 after
 *   SIGINT, SIGTERM, SIGHUP or SIGQUIT
 */
export function runDashboard(run: Run, terminal: Terminal): Promise<number> {
  return new Promise((resolve) => {
    const dashboard = new Dashboard(run, terminal, resolve);
    dashboard.start();
  });
}

class Dashboard {
  readonly #run: Run;
  readonly #terminal: Terminal;
  readonly #done: (code: number) => void;
  readonly #model: DashboardModel;
  readonly #canvas: Canvas;
  readonly #frames: Frames;
  readonly #signals: Signals;
  readonly #decoder = new InputDecoder();
  readonly #text = new StringDecoder('utf8');
  #stopListening: () => void = () => {};
  #holding = true;
  #ended = false;

  constructor(run: Run, terminal: Terminal, done: (code: number) => void) {
    this.#run = run;
    this.#terminal = terminal;
    this.#done = done;
    this.#model = new DashboardModel(run, terminal.writeFile ?? writeNewFile);
    const depth = terminal.output.getColorDepth?.() ?? 8;
    this.#canvas = new Canvas(terminal.output, paletteFor(depth));
    this.#frames = new Frames(terminal.timer ?? wallTimer, () => this.#draw());
    this.#signals = new Signals(terminal.process ?? process, {
      end: (code) => this.#end(code),
      leave: () => this.#leave(),
      enter: () => this.#enter(),
    });
  }

  start(): void {
    const { input, output } = this.#terminal;
    const onData = (chunk: Buffer | string): void => this.#take(chunk);
    const onResize = (): void => this.#frames.request();
    const onGone = (): void => this.#end(signalExitCodes.SIGHUP);
    const offSlice = this.#run.onSlice(() => this.#sliceDone());
    input.on('data', onData);
    input.on('end', onGone);
    input.on('error', onGone);
    output.on('resize', onResize);
    // The listeners for errors stay: a terminal that has gone answers every later write, the restoring ones too, with one.
    output.on('error', onGone);
    this.#stopListening = () => {
      offSlice();
      input.off('data', onData);
      input.off('end', onGone);
      output.off('resize', onResize);
    };
    this.#hold(true);
    this.#frames.now();
    void this.#play();
  }

  async #play(): Promise<void> {
    await this.#run.start();
    this.#sliceDone();
  }

  #sliceDone(): void {
    if (this.#ended) return;
    if (this.#run.state === 'failed') this.#end(1);
    else this.#frames.request();
  }

  #draw(): void {
    if (!this.#holding) return;
    const { columns, rows } = this.#canvas;
    this.#canvas.draw(presentPage(this.#model, columns, rows).lines);
  }

  #take(chunk: Buffer | string): void {
    const text = typeof chunk === 'string' ? chunk : this.#text.write(chunk);
    for (const input of this.#decoder.decode(text)) {
      const effect = this.#model.input(input);
      if (effect) this.#perform(effect);
      if (this.#ended) return;
    }
    this.#frames.request();
  }

  #perform(effect: Effect): void {
    if (effect === 'quit') this.#end(0);
    else if (effect === 'interrupt') this.#end(signalExitCodes.SIGINT);
    else if (effect === 'suspend') this.#signals.suspend();
    else this.#canvas.enter();
  }

  /** Raw mode and reading on, or off. */
  #hold(holding: boolean): void {
    const { input } = this.#terminal;
    this.#holding = holding;
    input.setRawMode?.(holding);
    if (holding) input.resume();
    else input.pause();
  }

  #leave(): void {
    if (!this.#holding) return;
    this.#canvas.leave();
    this.#hold(false);
  }

  /** Off first: after a stop the terminal has other modes than the ones last set. */
  #enter(): void {
    if (this.#ended) return;
    this.#hold(false);
    this.#hold(true);
    this.#canvas.enter();
    this.#frames.now();
  }

  #end(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#frames.stop();
    this.#stopListening();
    this.#leave();
    this.#canvas.close();
    this.#signals[Symbol.dispose]();
    this.#done(code);
  }
}

const writeNewFile: FileWriter = (name, text) => {
  try {
    writeFileSync(name, text, { flag: 'wx' });
    return true;
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fault;
  }
};
