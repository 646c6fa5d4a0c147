import type { Trap } from '../../vm/index.ts';

/** Kinds of traps that are told apart; further ones only add to the last row. */
const mostRows = 64;

interface Row {
  readonly program: string;
  readonly message: string;
  count: number;
}

/** What went wrong in programs while they ran: one row for a program and message, with how often. Bounded. */
export class TrapLog {
  readonly rows: Row[] = [];

  note(program: string, trap: Trap): void {
    const known = this.rows.find((row) => row.program === program && row.message === trap.message);
    if (known) known.count++;
    else if (this.rows.length < mostRows - 1) this.rows.push({ program, message: trap.message, count: 1 });
    else if (this.rows.length < mostRows) this.rows.push({ program: '…', message: 'further traps', count: 1 });
    else this.rows[mostRows - 1]!.count++;
  }
}
