import stringWidth from 'string-width';

/** Text to be laid out in cells of a terminal: its width there, and padding to a width. */

/** Printable ASCII and the arrow of a flow: one cell each. Measuring the rest costs microseconds. */
const plain = /^[ -~→]*$/;

/** Cells that a text takes. */
export function displayWidth(text: string): number {
  return plain.test(text) ? text.length : stringWidth(text);
}

/** Padded with spaces to `width` cells; a longer text stays whole. */
export function pad(text: string, width: number, align: 'left' | 'right'): string {
  const room = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + room : room + text;
}

/** Control characters become `?`: what a traced task calls itself must not steer the terminal. */
export function printable(text: string): string {
  return plain.test(text) ? text : text.replace(/\p{Cc}/gu, '?');
}

/** Rows as lines: each column as wide as its widest cell, two spaces between, no spaces at the end. */
export function alignedLines(rows: readonly (readonly string[])[], aligns: readonly ('left' | 'right')[]): string[] {
  const widths = aligns.map((_, column) => Math.max(...rows.map((row) => displayWidth(row[column] ?? ''))));
  return rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, aligns[column] ?? 'left'))
      .join('  ')
      .trimEnd(),
  );
}
