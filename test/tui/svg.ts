import type { IBufferCell } from '@xterm/headless';
import type { FakeTerminal } from './terminal.ts';

/**
 * The screen of a fake terminal as a picture. Text is drawn in runs of one style, each stretched to its cells, so that
 * it stands in line whatever monospace font the viewer has; blocks and rules are drawn as shapes for the same reason.
 */
export function screenSvg(terminal: FakeTerminal, title: string): string {
  const { columns, rows } = terminal;
  const wide = columns * cell.width + 2 * margin;
  const high = rows * cell.height + 2 * margin;
  const parts: string[] = [];
  for (let y = 0; y < rows; y++) parts.push(...drawRow(terminal, y));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wide} ${high}" width="${wide}" height="${high}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${wide}" height="${high}" rx="8" fill="${colours.background}"/>`,
    `<g font-family="'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${cell.font}" shape-rendering="crispEdges" xml:space="preserve">`,
    ...parts,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** Whole pixels, so that shapes meet without a seam; the font's advance is 0.602 of its size. */
const cell = { width: 9, height: 19, baseline: 14, font: 14.95 };
const margin = 12;
const colours = { background: '#12171d', foreground: '#d5dae0' };

interface Run {
  x: number;
  cells: number;
  text: string;
  readonly look: Look;
}

interface Look {
  readonly fg: string;
  readonly bg: string;
  readonly bold: boolean;
  readonly underline: boolean;
}

function drawRow(terminal: FakeTerminal, y: number): string[] {
  const runs = runsOf(terminal, y);
  const top = margin + y * cell.height;
  return [
    ...runs.filter((run) => run.look.bg !== colours.background).map((run) => rect(run.x, top, run.cells, run.look.bg)),
    ...runs.flatMap((run) => drawRun(run, top)),
  ];
}

/** Neighbouring cells of one look; blanks between words belong to their run, so that underlines go through. */
function runsOf(terminal: FakeTerminal, y: number): Run[] {
  const line = terminal.screen.buffer.active.getLine(y);
  const runs: Run[] = [];
  for (let x = 0; x < terminal.columns; x++) {
    const at = line?.getCell(x);
    if (!at || at.getWidth() === 0) continue;
    const look = lookOf(at);
    const text = at.getChars() || ' ';
    const last = runs.at(-1);
    const same = last && JSON.stringify(last.look) === JSON.stringify(look) && isShape(text) === isShape(last.text);
    if (last && same) {
      last.text += text;
      last.cells += at.getWidth();
    } else runs.push({ x, cells: at.getWidth(), text, look });
  }
  return runs;
}

function lookOf(at: IBufferCell): Look {
  const fg = at.isFgDefault() ? colours.foreground : indexed(at.getFgColor());
  const bg = at.isBgDefault() ? colours.background : indexed(at.getBgColor());
  const style = { bold: at.isBold() !== 0, underline: at.isUnderline() !== 0 };
  return at.isInverse() ? { fg: bg, bg: fg, ...style } : { fg, bg, ...style };
}

const isShape = (text: string): boolean => /^[─▁-▏]/.test(text);

function drawRun(run: Run, top: number): string[] {
  if (isShape(run.text)) return drawShapes(run, top);
  const out: string[] = [];
  const left = margin + run.x * cell.width;
  if (run.look.underline) out.push(rect(run.x, top + cell.height - 2, run.cells, run.look.fg, 1));
  if (run.text.trim() === '') return out;
  const weight = run.look.bold ? ' font-weight="bold"' : '';
  const place = `x="${round(left)}" y="${top + cell.baseline}" textLength="${round(run.cells * cell.width)}"`;
  out.push(
    `<text ${place} lengthAdjust="spacingAndGlyphs" fill="${run.look.fg}"${weight}>${escapeXml(run.text)}</text>`,
  );
  return out;
}

/** Equal signs side by side are one shape, but for those that do not fill their cell to the right. */
function drawShapes(run: Run, top: number): string[] {
  const out: string[] = [];
  let x = run.x;
  for (const [signs] of run.text.matchAll(/([─▁-█])\1*|./gu)) {
    out.push(shape(signs, x, top, run.look.fg));
    x += signs.length;
  }
  return out;
}

/** ▁ to █ grow from the bottom, ▏ to ▉ from the left, ─ is a rule in the middle. */
function shape(signs: string, x: number, top: number, fill: string): string {
  const code = signs.codePointAt(0) as number;
  if (signs.startsWith('─')) return rect(x, top + cell.height / 2, signs.length, fill, 1);
  if (code <= 0x2588) {
    const high = ((code - 0x2580) / 8) * (cell.height - 2);
    return rect(x, round(top + cell.height - 1 - high), signs.length, fill, round(high));
  }
  return rect(x, top + 1, (0x2590 - code) / 8, fill, cell.height - 2);
}

function rect(x: number, y: number, cells: number, fill: string, high = cell.height): string {
  const left = round(margin + x * cell.width);
  return `<rect x="${left}" y="${y}" width="${round(cells * cell.width)}" height="${high}" fill="${fill}"/>`;
}

const round = (value: number): number => Math.round(value * 100) / 100;

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const basic = ['#1d232a', '#e06c6c', '#7fb069', '#d9b45b', '#5b8fd9', '#b07fc7', '#5bb5b5', '#d5dae0'];

/** xterm's 256 colours: 16 named ones, a 6×6×6 cube, 24 greys. */
function indexed(index: number): string {
  if (index < 16) return basic[index % 8] as string;
  if (index >= 232) return hex([0, 0, 0].map(() => 8 + 10 * (index - 232)));
  const level = (value: number): number => (value === 0 ? 0 : 55 + 40 * value);
  const place = index - 16;
  return hex([Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map(level));
}

const hex = (parts: readonly number[]): string =>
  `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
