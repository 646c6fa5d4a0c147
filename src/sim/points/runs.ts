import type { Executable } from '../../vm/index.ts';
import type { Current } from '../machine/current.ts';
import type { Ledger } from '../machine/ledger.ts';
import type { TrapLog } from '../machine/traps.ts';
import type { LinkResource } from './points.ts';

/**
 * Runs of attached programs, and what the ledger says of each. Tracing programs do not nest on a CPU
 * (bpf_prog_active); programs that see packets do: one may send a packet to where the next one runs.
 */
export class Runs {
  readonly #current: Current;
  readonly #ledger: Ledger;
  readonly #traps: TrapLog;
  /** Records that the last run tried to write. */
  records = 0;

  constructor(current: Current, ledger: Ledger, traps: TrapLog) {
    this.#current = current;
    this.#ledger = ledger;
    this.#traps = traps;
  }

  /** A tracing program, once. */
  run(link: LinkResource, context: number): void {
    const current = this.#current;
    const { cpu } = current;
    if (current.active[cpu] !== 0) {
      this.miss(link);
      return;
    }
    const outer = current.link;
    current.link = link;
    this.execute(link.program.executable, link.program.name, context);
    link.countHit();
    current.link = outer;
  }

  /**
   * A run that nothing is attached for: the callback of a timer. A program on a packet may be under way, whose helper
   * sends packets that tracers are told of: its records are its own.
   */
  execute(executable: Executable, name: string, context: number): void {
    const current = this.#current;
    const { cpu, records: outerRecords, reserved: outerReserved } = current;
    this.#ledger.countProduced(cpu);
    current.active[cpu] = 1;
    current.records = 0;
    current.reserved = 0;
    executable.run(context);
    current.active[cpu] = 0;
    this.#finish(executable, name, true);
    current.records = outerRecords;
    current.reserved = outerReserved;
  }

  /**
   * A program on a packet.
   * @param filters whether a run that writes no record has filtered something; else who runs it counts that
   * @returns its result; 0 when it was trapped
   */
  runPacket(link: LinkResource, context: number, filters = true): number {
    const current = this.#current;
    const { link: outerLink, records: outerRecords, reserved: outerReserved } = current;
    this.#ledger.countProduced(current.cpu);
    current.records = 0;
    current.reserved = 0;
    current.link = link;
    const { executable, name } = link.program;
    const result = executable.run(context);
    const isTrapped = this.#finish(executable, name, filters);
    link.countHit();
    current.link = outerLink;
    current.records = outerRecords;
    current.reserved = outerReserved;
    return isTrapped ? 0 : result;
  }

  /** Counts what came of a run. @returns whether it was trapped */
  #finish(executable: Executable, name: string, filters: boolean): boolean {
    const current = this.#current;
    const { cpu } = current;
    const { trap } = executable;
    if (trap !== null) this.#traps.note(name, trap);
    // A run that was trapped leaves its records unfinished.
    for (; current.reserved > 0; current.reserved--) this.#ledger.countUnsent(cpu);
    this.records = current.records;
    if (current.records > 0) return trap !== null;
    if (trap !== null) this.#ledger.countUnrun(cpu);
    else if (filters) this.#ledger.countFiltered(cpu);
    return trap !== null;
  }

  /** A run was due and does not happen. */
  miss(link: LinkResource): void {
    link.countMissed();
    this.#ledger.countProduced(this.#current.cpu);
    this.#ledger.countUnrun(this.#current.cpu);
  }
}
