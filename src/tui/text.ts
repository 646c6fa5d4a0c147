import stringWidth from 'string-width';

/**
 * Text as cells: styled spans instead of escape sequences, and padding by display width instead of string length.
 * All text that comes from data passes `printable` once, so that one code point is one or two cells and no byte of a
 * recording can move the cursor.
 */
export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

/** What a span means; the palette gives it colours. */
export type Style =
  | 'plain'
  | 'strong'
  | 'dim'
  | 'bar'
  | 'barStrong'
  | 'barWarn'
  | 'heading'
  | 'section'
  | 'accent'
  | 'good'
  | 'warn'
  | 'bad'
  | 'key'
  | 'selected';

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });

/** ASCII, and the narrow signs of the dashboard itself: no look-up needed. */
const narrow = /^[\x20-\x7e…·→›↓↑▸×\u2500-\u259f]*$/;

/** Cells that `text` takes. */
export function width(text: string): number {
  return narrow.test(text) ? text.length : stringWidth(text);
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, part) => sum + width(part.text), 0);
}

const combining = /[\p{M}\p{Cf}]/gu;
const unprintable = /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
/** blessed takes these as one cell, terminals as two. */
const pictures = /\p{Extended_Pictographic}/gu;

/** Tabs as spaces up to the next of the columns that a terminal stops at, each 8 cells. */
function untabbed(text: string): string {
  return text.replace(/([^\t]*)\t/g, (_, before: string) => before + ' '.repeat(8 - (width(before) % 8)));
}

/** Data made safe to draw: control characters, lone surrogates and pictographs become one-cell stand-ins. */
export function printable(text: string): string {
  if (narrow.test(text)) return text;
  return untabbed(text)
    .normalize('NFC')
    .replace(combining, '')
    .replace(unprintable, '·')
    .replace(pictures, (sign) => (stringWidth(sign) === 1 ? sign : '\ufffd'));
}

/** The longest head of `text` that takes at most `cells`, with `…` for what is missing. */
export function clip(text: string, cells: number): string {
  if (width(text) <= cells) return text;
  if (cells <= 0) return '';
  return `${head(text, cells - 1)}…`;
}

/** The longest head of `text` that takes at most `cells`. */
function head(text: string, cells: number): string {
  if (narrow.test(text)) return text.slice(0, cells);
  let taken = 0;
  let out = '';
  for (const sign of text) {
    taken += width(sign);
    if (taken > cells) break;
    out += sign;
  }
  return out;
}

/** Exactly `cells` wide: clipped or padded. */
export function pad(text: string, cells: number, align: 'left' | 'right' = 'left'): string {
  const shown = clip(text, cells);
  const padding = ' '.repeat(Math.max(0, cells - width(shown)));
  return align === 'left' ? shown + padding : padding + shown;
}

/** A line of exactly `cells`: clipped, or padded with the given style. */
export function fitLine(line: Line, cells: number, style: Style = 'plain'): Line {
  const out: Span[] = [];
  let left = cells;
  for (const part of line) {
    if (left <= 0) break;
    const text = clip(part.text, left);
    if (text !== '') out.push({ text, style: part.style });
    left -= width(text);
    if (text !== part.text) break;
  }
  if (left > 0) out.push(span(' '.repeat(left), style));
  return out;
}

/** `left` and `right` at the two ends of a line; `right` gives way when both do not fit. */
export function justify(left: Line, right: Line, cells: number, style: Style = 'plain'): Line {
  const gap = cells - lineWidth(left) - lineWidth(right);
  return gap < 1 ? fitLine(left, cells, style) : [...left, span(' '.repeat(gap), style), ...right];
}

/** Breaks a long line at spaces; what follows the first line is indented as deep as the text, and two cells more. */
export function wrap(text: string, cells: number): string[] {
  if (width(text) <= cells) return [text];
  const indent = Math.min(/^ */.exec(text)?.[0].length ?? 0, Math.max(0, cells - 12));
  const lines: string[] = [];
  let rest = text;
  let lead = '';
  while (width(lead + rest) > cells) {
    const room = head(rest, cells - lead.length);
    const start = /^ */.exec(room)?.[0].length ?? 0;
    const space = rest[room.length] === ' ' ? room.length : room.lastIndexOf(' ');
    const cut = space > start ? space : Math.max(room.length, 1);
    lines.push(lead + rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
    lead = ' '.repeat(Math.min(indent + 2, Math.max(0, cells - 10)));
  }
  if (rest !== '') lines.push(lead + rest);
  return lines;
}

export const plainText = (line: Line): string => line.map((part) => part.text).join('');
