import type { Run, TracedRecord } from '../lab/index.ts';
import type { Browser } from './browser.ts';

/** What is on the screen. */
export interface Shown {
  readonly run: Run;
  readonly browser: Browser | undefined;
  /** The record whose page is open. */
  readonly record: TracedRecord | undefined;
  readonly filter: string;
}

/**
 * What is on the screen as JSON: one object with the run it belongs to, the ledger, and the rows, the record or the
 * text shown. `version` changes when a field changes its meaning. Times are virtual ns.
 */
export function exportText(screen: Shown): string {
  const { run } = screen;
  const head = {
    type: 'export',
    version: 1,
    tool: run.options.tool.name,
    arguments: run.options.args,
    scenario: run.options.scenario.name,
    seed: run.options.seed,
    time: run.time,
    state: run.state,
    events: run.events,
    ledger: run.ledger(),
  };
  return `${JSON.stringify({ ...head, ...shown(screen) }, plain, 2)}\n`;
}

/** `tracebed-drops-12.345s.json`; a second one of that moment is `tracebed-drops-12.345s-2.json`. */
export function exportName(run: Run, attempt: number): string {
  const noun = run.view.kind === 'records' ? `${run.view.noun}s` : run.view.noun;
  const time = (Math.floor(run.time / 1e6) / 1000).toFixed(3);
  return `tracebed-${noun}-${time}s${attempt > 1 ? `-${attempt}` : ''}.json`;
}

/** JSON knows no 64-bit integers: they are written as text. */
const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

const recordJson = (record: TracedRecord): object => ({ time: record.time, cpu: record.cpu, ...record.json });

function shown(screen: Shown): object {
  const { run, browser, record } = screen;
  if (!browser) return run.view.kind === 'text' ? { [run.view.noun]: run.view.json } : {};
  const { levels } = browser.view;
  const path = Object.fromEntries(browser.path.map((key, i) => [levels[i]?.key ?? String(i), key]));
  if (record) return { path, record: recordJson(record), sections: browser.view.detail(record) };
  const view = { path, level: browser.level?.key ?? browser.view.noun, filter: screen.filter, sort: browser.sort };
  if (!browser.level) return { ...view, rows: browser.records().map(recordJson) };
  const level = browser.level.key;
  const rows = browser.groups(run.time).map(({ key, trend, ...counts }) => ({ [level]: key, ...counts }));
  return { ...view, rows };
}
