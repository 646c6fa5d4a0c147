import type { Run } from '../lab/index.ts';
import { JsonPresenter } from './json.ts';
import type { Presenter } from './presenter.ts';
import { Tally } from './summary.ts';
import { TablePresenter } from './table.ts';

/** The outputs other than the dashboard. */
const reportFormats = ['table', 'json'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/**
 * Writes a run's output as it goes on: whole lines, each chunk ending in a newline. All of it follows from virtual
 * time alone, so it is the same at any speed; lines of trace_printk only when asked for.
 * @returns what to call when the run is over: it writes the summary
 */
export function report(
  run: Run,
  format: ReportFormat,
  write: (text: string) => void,
  options: { readonly tracePipe: boolean } = { tracePipe: false },
): () => void {
  const presenter: Presenter = format === 'json' ? new JsonPresenter(run) : new TablePresenter(run);
  const tally = new Tally(run);
  const put = (lines: readonly string[]): void => {
    if (lines.length > 0) write(`${lines.join('\n')}\n`);
  };
  put(presenter.head(run));
  run.records.subscribe((batch) => {
    tally.add(batch);
    put(batch.map((record) => presenter.record(record)));
  });
  if (options.tracePipe) run.printed.subscribe((lines) => put(lines.map((line) => presenter.printed(line))));
  run.ticks.subscribe((tick) => {
    if (run.view.kind === 'text') put(presenter.text(run.view, tick));
  });
  return () => put(presenter.summary(tally.summary(run)));
}

/**
 * What a terminal keeps of a run that was watched on the dashboard: the text as it stood last, as a tool writes it when
 * Ctrl-C ends it, and the summary.
 * @returns what to call when the run is over; its lines, each ending in a newline
 */
export function closing(run: Run): (options: { readonly summary: boolean }) => string {
  const presenter = new TablePresenter(run);
  const tally = new Tally(run);
  run.records.subscribe((batch) => tally.add(batch));
  return ({ summary }) => {
    const text = run.view.kind === 'text' ? presenter.text(run.view) : [];
    const lines = [...text, ...(summary ? presenter.summary(tally.summary(run)) : [])];
    return lines.map((line) => `${line}\n`).join('');
  };
}
