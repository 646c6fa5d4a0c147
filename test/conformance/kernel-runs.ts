import { toHex } from '../../src/base/index.ts';
import type { ObjectSpec } from '../../src/object/index.ts';
import { KernelScript, kernelScript, mapQuestion } from './kernel-script.ts';

/** The running kernel, as root: takes an object's first program as a raw tracepoint's and runs it on eight words. */
export class Kernel {
  readonly #script = new KernelScript<Answer>(kernelScript, '--log-level', '1');

  async run(object: ObjectSpec, input: readonly bigint[]): Promise<KernelRun> {
    const [program] = object.programs;
    const maps = object.maps.map((map) => ({
      ...mapQuestion(map),
      contents: map.contents && toHex(map.contents),
      at: program?.relocations.filter((one) => one.map === map.name && one.offset === undefined).map((one) => one.slot),
      values_at: program?.relocations.flatMap((one) =>
        one.map === map.name && one.offset !== undefined ? [[one.slot, one.offset]] : [],
      ),
    }));
    const context = toHex(new Uint8Array(BigUint64Array.from(input).buffer));
    const insns = program && toHex(program.code);
    const asked = { id: 0, prog_type: 17, insns, maps, context };
    const { verdict = 'reject', log = '', skip, run } = await this.#script.ask(asked);
    return { verdict, log: skip ?? log, result: run?.errno ?? String(run?.retval) };
  }

  close(): void {
    this.#script.close();
  }
}

interface Answer {
  readonly verdict?: string;
  readonly log?: string;
  readonly skip?: string;
  readonly run?: { readonly errno: string | null; readonly retval: number };
}

export interface KernelRun {
  readonly verdict: string;
  readonly log: string;
  /** The low half of r0, or why there is none. */
  readonly result: string;
}
