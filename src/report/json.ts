import type { LedgerRow, Run, TextView, Tick, TracedRecord } from '../lab/index.ts';
import { encodeJson } from './encode.ts';
import type { Presenter } from './presenter.ts';
import type { Summary } from './summary.ts';

/** The number in the first line; it changes when a reader of the lines would have to. */
const schemaVersion = 1;

/** One JSON object a line: see SCHEMA.md beside this file. */
export class JsonPresenter implements Presenter {
  readonly #noun: string;

  constructor(run: Run) {
    this.#noun = run.view.noun;
  }

  head(run: Run): readonly string[] {
    const { tool, args, toolOptions, scenario, seed, profile, ringPages } = run.options;
    return [
      encodeJson({
        type: 'run',
        schema: schemaVersion,
        tool: tool.name,
        args,
        options: toolOptions,
        scenario: scenario.name,
        epoch_ns: scenario.epoch,
        seed,
        cpus: run.cpus,
        duration_ns: run.duration,
        kernel: profile.name,
        release: profile.release,
        ring_pages: ringPages,
      }),
    ];
  }

  record(record: TracedRecord): string {
    return encodeJson({ type: this.#noun, time_ns: record.time, cpu: record.cpu, ...record.json });
  }

  text(view: TextView, tick: Tick): readonly string[] {
    return [encodeJson({ type: this.#noun, time_ns: tick.time, last: tick.last, ...view.json })];
  }

  printed(line: string): string {
    return encodeJson({ type: 'trace_printk', line });
  }

  summary(summary: Summary): readonly string[] {
    const { levels, ledger } = summary;
    const groups = summary.groups.map((group) => ({
      ...Object.fromEntries(levels.map((level, i) => [level.key, group.keys[i] ?? null])),
      count: group.count,
      first_ns: group.first,
      last_ns: group.last,
    }));
    return [
      ...summary.notes.map((message) => encodeJson({ type: 'note', message })),
      ...summary.warnings.map((message) => encodeJson({ type: 'warning', message })),
      encodeJson({
        type: 'summary',
        state: summary.state,
        time_ns: summary.time,
        events: summary.events,
        records: summary.records,
        groups: levels.length === 0 ? undefined : groups,
        ledger: {
          balanced: ledger.balanced,
          ...counts(ledger.total),
          cpus: ledger.cpus.map((row) => ({ cpu: row.cpu, ...counts(row) })),
        },
      }),
    ];
  }
}

function counts({ produced, delivered, lost, filtered, pending }: LedgerRow): Omit<LedgerRow, 'cpu'> {
  return { produced, delivered, lost, filtered, pending };
}
