import type { DetailSection, LedgerModel, LedgerRow } from '../lab/index.ts';
import { formatCount } from './figures.ts';
import { keyRows, type PageKind, shownKey } from './keys.ts';
import { type Line, pad, printable, span, wrap } from './text.ts';

/** Pages that are read, not chosen from: one record, a tool's text, the help, the ledger, the trace pipe. */

/** Sections one under the other, their lines broken at the width. */
export function detailLines(sections: readonly DetailSection[], cells: number): Line[] {
  const lines: Line[] = [];
  for (const section of sections) {
    if (lines.length > 0) lines.push([]);
    lines.push([span(` ${printable(section.title)}`, 'section')]);
    for (const line of section.lines) {
      for (const part of wrap(printable(line), cells - 4)) lines.push([span(`   ${part}`)]);
    }
  }
  return lines;
}

/** A tool's text as it is: broken lines would spoil a histogram, so long ones are cut at the edge. */
export function textLines(lines: readonly string[]): Line[] {
  return lines.map((line) => [span(` ${printable(line)}`)]);
}

/** The key table. Keys that do nothing on the page below are dim. */
export function helpLines(page: PageKind): Line[] {
  const rows = keyRows.map((row): Line => {
    const here = row.on.includes(page);
    return [span(`  ${pad(shownKey(row), 8)}`, here ? 'key' : 'dim'), span(row.what, here ? 'plain' : 'dim')];
  });
  return [
    [span(' Keys', 'section')],
    ...rows,
    [],
    [span(' Mouse', 'section')],
    [span(`  ${pad('click', 8)}`, 'key'), span('select a row; the selected one opens')],
    [span(`  ${pad('', 8)}`, 'key'), span('a title sorts, a group above goes back, a key below acts')],
    [span(`  ${pad('wheel', 8)}`, 'key'), span('up and down')],
  ];
}

const ledgerColumns = ['produced', 'delivered', 'lost', 'filtered', 'pending'] as const;

/** produced = delivered + lost + filtered, for each CPU and in all, and what the words mean. */
export function ledgerLines(ledger: LedgerModel): Line[] {
  const wide = Math.max(9, ...ledgerColumns.map((key) => formatCount(ledger.total[key]).length));
  const row = (name: string, cells: readonly string[], style: 'heading' | 'plain' | 'strong' | 'bad'): Line => [
    span(`  ${pad(name, 4)}${cells.map((cell) => ` ${pad(cell, wide, 'right')}`).join('')}`, style),
  ];
  const counts = (of: LedgerRow): string[] => ledgerColumns.map((key) => formatCount(of[key]));
  return [
    [span(' What became of every event', 'section')],
    row(
      'CPU',
      ledgerColumns.map((key) => key.toUpperCase()),
      'heading',
    ),
    ...ledger.cpus.map((of) => row(String(of.cpu), counts(of), of.lost > 0 ? 'bad' : 'plain')),
    row('all', counts(ledger.total), ledger.total.lost > 0 ? 'bad' : 'strong'),
    [],
    ledger.balanced
      ? [span(' produced = delivered + lost + filtered on every CPU.', 'good')]
      : [span(' THE LEDGER DOES NOT ADD UP: produced is not delivered + lost + filtered.', 'bad')],
    [],
    [span(' produced   runs of a program that were due, and records beyond a run’s first')],
    [span(' delivered  records that a ring took; pending: not read yet')],
    [span(' lost       records that found the ring full, and runs that were missed')],
    [span(' filtered   runs that ended without a record')],
  ];
}

export function printedLines(lines: readonly string[]): Line[] {
  const text =
    lines.length > 0 ? textLines(lines) : [[span(' Nothing printed yet: no program called bpf_trace_printk.', 'dim')]];
  return [[span(' Trace pipe', 'section')], ...text];
}
