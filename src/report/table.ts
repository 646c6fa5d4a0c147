import { formatDuration } from '../base/index.ts';
import type { Column, LedgerModel, Run, TextView, TracedRecord } from '../lab/index.ts';
import { alignedLines, displayWidth, pad, printable } from './columns.ts';
import type { Presenter } from './presenter.ts';
import type { Summary } from './summary.ts';

/**
 * Plain aligned lines: a header, a line for each record as it comes, and at the end what it came to. The widths are
 * the columns' own, since a stream does not know its widest cell; a longer cell stays whole and pushes the rest.
 */
export class TablePresenter implements Presenter {
  readonly #noun: string;
  readonly #columns: readonly Column[];
  readonly #widths: readonly number[];

  /** The tool's own, where it writes its lines itself. */
  readonly #header: readonly string[] | undefined;

  constructor(run: Run) {
    this.#noun = run.view.noun;
    this.#header = run.view.kind === 'records' ? run.view.header : undefined;
    this.#columns = run.view.kind === 'records' ? withTime(run.view.columns) : [];
    this.#widths = this.#columns.map((column) => Math.max(column.width, displayWidth(column.title)));
  }

  head(): readonly string[] {
    if (this.#header) return this.#header.map(tabbed);
    return this.#columns.length === 0 ? [] : [this.#line((column) => column.title)];
  }

  record(record: TracedRecord): string {
    if (record.lines !== undefined) return record.lines.map(tabbed).join('\n');
    return this.#line((column) => {
      const cell = record.cells[column.key];
      return printable(cell ?? (column.key === 'time' ? seconds(record.time) : ''));
    });
  }

  #line(cellOf: (column: Column) => string): string {
    let line = '';
    let width = 0;
    let end = 0;
    for (let i = 0; i < this.#columns.length; i++) {
      const column = this.#columns[i] as Column;
      const gap = i === 0 ? 0 : 1;
      end += gap + (this.#widths[i] as number);
      const cell = pad(cellOf(column), end - width - gap, column.align);
      line += gap === 0 ? cell : ` ${cell}`;
      width += gap + displayWidth(cell);
    }
    return line.trimEnd();
  }

  text(view: TextView): readonly string[] {
    return view.lines.map(tabbed);
  }

  printed(line: string): string {
    return printable(line);
  }

  summary(summary: Summary): readonly string[] {
    const lines: string[] = [''];
    const events = `${plural(summary.events, 'event')} in ${formatDuration(summary.time)}`;
    lines.push(this.#columns.length === 0 ? events : `${plural(summary.records, this.#noun)} of ${events}`);
    if (summary.groups.length > 0) lines.push('', ...groupLines(summary));
    lines.push('', ...ledgerLines(summary.ledger));
    for (const note of summary.notes) lines.push(`note: ${printable(note)}`);
    for (const warning of summary.warnings) lines.push(`warning: ${printable(warning)}`);
    return lines;
  }
}

/** The tool's columns, after one of the time where it has none of its own. */
function withTime(columns: readonly Column[]): readonly Column[] {
  if (columns.some((column) => column.key === 'time')) return columns;
  return [{ key: 'time', title: 'TIME(s)', align: 'right', width: 12, priority: 100 }, ...columns];
}

function groupLines({ levels, groups }: Summary): string[] {
  const header = [...levels.map((level) => level.title.toUpperCase()), 'COUNT', 'SHARE', 'FIRST(s)', 'LAST(s)'];
  const rows = groups.map((group) => [
    ...levels.map((_, i) => printable(group.keys[i] ?? '')),
    String(group.count),
    `${(group.share * 100).toFixed(1)}%`,
    seconds(group.first),
    seconds(group.last),
  ]);
  const aligns = header.map((_, i) => (i < levels.length ? ('left' as const) : ('right' as const)));
  return alignedLines([header, ...rows], aligns);
}

/** The ledger as its sum, and each CPU's where there are several. */
function ledgerLines(ledger: LedgerModel): string[] {
  const rows = ledger.cpus.length > 1 ? [ledger.total, ...ledger.cpus] : [ledger.total];
  const cells = rows.map((row) => [
    row.cpu < 0 ? 'ledger:' : `  CPU ${row.cpu}:`,
    `produced ${row.produced}`,
    `= delivered ${row.delivered}`,
    `+ lost ${row.lost}`,
    `+ filtered ${row.filtered}`,
  ]);
  return alignedLines(cells, ['left', 'left', 'left', 'left', 'left']);
}

/** Virtual seconds to the microsecond. */
function seconds(time: number): string {
  return (time / 1e9).toFixed(6);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A tool's own line, whose tabs are its own. */
function tabbed(line: string): string {
  return line.split('\t').map(printable).join('\t');
}
