import type { Line, Style } from './text.ts';

/**
 * Colours by meaning, for three kinds of terminal. No style says a thing by colour alone: a loss is also written in
 * capitals, a selected row is also marked, so the monochrome palette loses nothing.
 */
interface Paint {
  readonly fg?: number;
  readonly bg?: number;
  readonly bold?: boolean;
  readonly underline?: boolean;
  readonly inverse?: boolean;
}

export type Palette = Readonly<Record<Style, Paint>>;

const monochrome: Palette = {
  plain: {},
  strong: { bold: true },
  dim: {},
  bar: { inverse: true },
  barStrong: { inverse: true, bold: true },
  barWarn: { inverse: true, bold: true },
  heading: { bold: true, underline: true },
  section: { bold: true },
  accent: {},
  good: {},
  warn: { bold: true },
  bad: { bold: true, underline: true },
  key: { bold: true },
  selected: { inverse: true },
};

const eight: Palette = {
  ...monochrome,
  bar: { fg: 7, bg: 4 },
  barStrong: { fg: 7, bg: 4, bold: true },
  barWarn: { fg: 3, bg: 4, bold: true },
  section: { fg: 6, bold: true },
  accent: { fg: 6 },
  good: { fg: 2 },
  warn: { fg: 3, bold: true },
  bad: { fg: 1, bold: true },
  key: { fg: 6, bold: true },
};

const manyColours: Palette = {
  ...eight,
  dim: { fg: 245 },
  bar: { fg: 252, bg: 24 },
  barStrong: { fg: 231, bg: 24, bold: true },
  barWarn: { fg: 221, bg: 24, bold: true },
  section: { fg: 74, bold: true },
  accent: { fg: 74 },
  good: { fg: 71 },
  warn: { fg: 172, bold: true },
  bad: { fg: 203, bold: true },
  key: { fg: 74, bold: true },
};

/** The palette for a colour depth in bits, as `tty.WriteStream.getColorDepth` tells it: 1, 4, 8 or 24. */
export function paletteFor(depth: number): Palette {
  if (depth < 4) return monochrome;
  return depth < 8 ? eight : manyColours;
}

const colour = (base: number, index: number): string => (index < 8 ? `${base + index}` : `${base + 8};5;${index}`);

function sequence(paint: Paint): string {
  const codes = ['0'];
  if (paint.bold) codes.push('1');
  if (paint.underline) codes.push('4');
  if (paint.inverse) codes.push('7');
  if (paint.fg !== undefined) codes.push(colour(30, paint.fg));
  if (paint.bg !== undefined) codes.push(colour(40, paint.bg));
  return `\x1b[${codes.join(';')}m`;
}

/** A line with its colours as escape sequences; spans hold no escapes themselves. */
export function paint(line: Line, palette: Palette): string {
  return `${line.map((part) => sequence(palette[part.style]) + part.text).join('')}\x1b[0m`;
}
