import type { Run, TextView, Tick, TracedRecord } from '../lab/index.ts';
import type { Summary } from './summary.ts';

/** Makes lines of what a run tells: model in, lines out, no state of the world. */
export interface Presenter {
  /** Before the first record. */
  head(run: Run): readonly string[];
  record(record: TracedRecord): string;
  /** A text view as it stands at a tick. */
  text(view: TextView, tick: Tick): readonly string[];
  printed(line: string): string;
  summary(summary: Summary): readonly string[];
}
