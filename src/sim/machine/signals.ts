import type { SentSignal } from './machine.ts';

/** Signals that are kept; a program that sends more is known well enough by then. */
const mostRows = 1000;

/** What programs sent with send_signal, in order. Bounded. */
export class SignalLog {
  readonly rows: SentSignal[] = [];

  note(sent: SentSignal): void {
    if (this.rows.length < mostRows) this.rows.push(sent);
  }
}
