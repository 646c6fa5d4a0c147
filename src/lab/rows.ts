import type { Nanoseconds } from '../base/index.ts';
import { conversions, type Printable, sprintf } from './sprintf.ts';
import type { Column, DetailSection, Level, RecordsView, TracedRecord } from './tool.ts';

/**
 * A view of rows, one for each event, said as BCC's tools say it: titles with the printf format of their column. Plain
 * output prints exactly these formats with a space between; the dashboard shows the same cells; JSON has the values.
 */
export interface RowsOptions<T extends string> {
  /** What one row is called: `exec`. The type of its JSON lines. */
  readonly noun: string;
  /** Title to format, in order: `{ PCOMM: '%-16s', PID: '%-7d' }`. What is false or undefined is no column. */
  readonly columns: Readonly<Record<T, string | false | undefined>>;
  /** What stands between columns in a plain line; a space when absent. */
  readonly separator?: string;
  /** Lines above the titles: `Tracing… Hit Ctrl-C to end.` */
  readonly opening?: readonly string[];
  /** What plain output writes above a column instead of its title. */
  readonly titles?: Readonly<Partial<Record<T, string>>>;
  /** Lines above the rows instead of the titles in their columns' widths. */
  readonly header?: readonly string[];
  /** Groups of the dashboard's tree, from the outside in, each by a column's title. */
  readonly groups?: readonly T[];
  /** Sections for the page of one row, from what `print` was given as `source`. */
  readonly detail?: (source: unknown, row: Readonly<Record<string, Printable>>) => readonly DetailSection[];
}

export interface RowPlace {
  /** When it happened, virtual ns; the reader's time when absent. */
  readonly time?: Nanoseconds;
  readonly cpu?: number;
  /** The plain lines, where the columns' formats do not make them. */
  readonly lines?: readonly string[];
  /** Plain lines below the row's own: its stack. */
  readonly below?: readonly string[];
  /** For the row's page. */
  readonly source?: unknown;
}

export class Rows<T extends string = string> implements RecordsView {
  readonly kind = 'records';
  readonly noun: string;
  readonly levels: readonly Level[];
  readonly columns: readonly Column[];
  readonly header: readonly string[];
  /** How many rows were printed. */
  count = 0;
  readonly #options: RowsOptions<T>;
  readonly #formats: readonly (readonly [title: T, key: string, format: string])[];
  readonly #clock: () => Nanoseconds;
  #pending: TracedRecord[] = [];

  constructor(clock: () => Nanoseconds, options: RowsOptions<T>) {
    this.#clock = clock;
    this.#options = options;
    this.noun = options.noun;
    const formats = Object.entries(options.columns) as [T, string | false | undefined][];
    this.#formats = formats.flatMap(([title, format]) => (format ? [[title, keyOf(title), format] as const] : []));
    this.levels = (options.groups ?? []).map((title) => ({ key: keyOf(title), title }));
    this.columns = this.#formats.map(([title, key, format], i) => columnOf(title, key, format, i));
    this.header = [...(options.opening ?? []), ...(options.header ?? [this.#titles()])];
  }

  /** The titles in their columns' widths, as BCC prints them: the formats with %s. */
  #titles(): string {
    return this.#formats
      .map(([title, , format]) => sprintf(titleFormat(format), this.#options.titles?.[title] ?? title))
      .join(this.#options.separator ?? ' ')
      .trimEnd();
  }

  /**
   * Prints a row: its values by title. What has no column is in JSON all the same.
   * @throws UsageError when a value does not fit its format
   */
  print(values: Readonly<Partial<Record<T, Printable>> & Record<string, Printable>>, place: RowPlace = {}): void {
    this.count++;
    const texts = this.#texts(values);
    const cells: Record<string, string> = {};
    for (const [title, key, format] of this.#formats) cells[key] = sprintf(bareFormat(format), values[title]).trim();
    const json: Record<string, Printable> = {};
    for (const title in values) json[keyOf(title)] = values[title];
    this.#pending.push({
      time: place.time ?? this.#clock(),
      cpu: place.cpu ?? 0,
      groups: this.levels.map(({ key }) => cells[key] ?? String(json[key] ?? '')),
      cells,
      lines: place.lines ?? [this.#joined(texts), ...(place.below ?? [])],
      json,
      source: place.source,
    });
  }

  /** The plain line of a row. @throws UsageError when a value does not fit its format */
  line(values: Readonly<Partial<Record<T, Printable>>>): string {
    return this.#joined(this.#texts(values));
  }

  #texts(values: Readonly<Partial<Record<T, Printable>>>): string[] {
    return this.#formats.map(([title, , format]) => sprintf(format, values[title]));
  }

  #joined(texts: readonly string[]): string {
    return texts.join(this.#options.separator ?? ' ');
  }

  take(): readonly TracedRecord[] {
    const taken = this.#pending;
    this.#pending = [];
    return taken;
  }

  detail(record: TracedRecord): readonly DetailSection[] {
    const row = record.json as Readonly<Record<string, Printable>>;
    if (this.#options.detail) return this.#options.detail(record.source, row);
    const widest = Math.max(0, ...Object.keys(row).map((key) => key.length));
    const lines = Object.entries(row).map(([key, value]) => `${key.padEnd(widest)}  ${value ?? ''}`);
    return [{ title: this.noun, lines }];
  }
}

/** `PCOMM` is pcomm, `TIME(s)` time_s, `LAT(ms)` lat_ms. */
function keyOf(title: string): string {
  const key = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return key === '' ? title : key;
}

/** A format with its conversion as text of the same width. */
function titleFormat(format: string): string {
  return format.replace(/%([-0+ #]*)(\d*)(?:\.\d+)?(?:hh|h|ll|l)?[a-zA-Z]/, (_, flags: string, width: string) => {
    const left = flags.includes('-') ? '-' : '';
    return `%${left}${width}s`;
  });
}

/** A format without what stands around its conversion: `%-11s ->` has an arrow of the plain line. A `%` belongs to it. */
function bareFormat(format: string): string {
  return /%[-0+ #]*\d*(?:\.\d+)?(?:hh|h|ll|l)?[a-zA-Z](?:%%)?/.exec(format)?.[0] ?? format;
}

function columnOf(title: string, key: string, format: string, index: number): Column {
  const [first] = conversions(format);
  const room = first?.letter === 's' ? 24 : 10;
  const width = Math.max(first?.width || room, title.length);
  return {
    key,
    title,
    align: first?.flags.includes('-') || first?.letter === 's' ? 'left' : 'right',
    width,
    priority: 100 - index,
  };
}
