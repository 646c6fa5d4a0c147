import { createRequire } from 'node:module';
import { PassThrough, type Writable } from 'node:stream';
import blessed from 'blessed';
import { type Palette, paint } from './palette.ts';
import type { Line } from './text.ts';

/**
 * The only file that knows blessed, and blessed only draws: one box as large as the screen gets its content at frame
 * time, and blessed sends what has changed. Keys, the mouse, signals and the raw mode are ours, so blessed is given an
 * input on which nothing ever comes.
 */
export interface Output extends Writable {
  readonly columns?: number;
  readonly rows?: number;
  getColorDepth?(): number;
}

/** What blessed's typings leave out. */
interface Program {
  setMouse(modes: { vt200Mouse: boolean; sgrMouse: boolean }, enable: boolean): void;
  disableMouse(): void;
  flush(): void;
}

type Screen = blessed.Widgets.Screen & { enter(): void; leave(): void };

export class Canvas {
  readonly #screen: Screen;
  readonly #program: Program;
  readonly #box: blessed.Widgets.BoxElement;
  readonly #palette: Palette;

  constructor(output: Output, palette: Palette) {
    this.#palette = palette;
    this.#screen = createScreen(output) as Screen;
    this.#program = this.#screen.program as unknown as Program;
    // Colours are written as escapes, not as tags, so a brace in the data means nothing.
    this.#box = blessed.box({ parent: this.#screen, top: 0, left: 0, width: '100%', height: '100%', tags: false });
    (this.#box as { wrap?: boolean }).wrap = false;
    this.#enableMouse();
  }

  get columns(): number {
    return this.#screen.width as number;
  }

  get rows(): number {
    return this.#screen.height as number;
  }

  /** Presses and the wheel, in SGR coordinates; motion would only flood. */
  #enableMouse(): void {
    this.#program.setMouse({ vt200Mouse: true, sgrMouse: true }, true);
    this.#program.flush();
  }

  draw(lines: readonly Line[]): void {
    this.#box.setContent(lines.map((line) => paint(line, this.#palette)).join('\n'));
    this.#screen.render();
    this.#program.flush();
  }

  /** Gives the terminal back: mouse off, cursor shown, the screen as it was before. */
  leave(): void {
    this.#program.disableMouse();
    this.#screen.leave();
    this.#program.flush();
  }

  /** Takes the terminal again, also when it was never given back; the next draw paints all. */
  enter(): void {
    this.leave();
    this.#screen.enter();
    this.#enableMouse();
  }

  close(): void {
    this.leave();
    this.#screen.destroy();
  }
}

/**
 * A screen that draws with UTF-8 and 256 colours whatever TERM says: blessed reads no terminfo with 32-bit numbers, as
 * tmux's and screen's are, and would fall to 8 colours. What the terminal can do is the palette's matter.
 */
function createScreen(output: Output): blessed.Widgets.Screen {
  const input = new PassThrough();
  const terminal = createRequire(import.meta.url).resolve('blessed/usr/xterm-256color');
  return withEnvironment('NCURSES_NO_UTF8_ACS', '1', () =>
    blessed.screen({
      input,
      // The typings ask for a stream that reads; blessed only writes to it.
      output: output as unknown as PassThrough,
      terminal,
      forceUnicode: true,
      fullUnicode: true,
      autoPadding: false,
    }),
  );
}

/** blessed reads this variable, and takes no option for it, when a screen is made; nobody else shall see it. */
function withEnvironment<T>(name: string, value: string, make: () => T): T {
  const before = process.env[name];
  process.env[name] = value;
  try {
    return make();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}
