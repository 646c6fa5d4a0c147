import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { toHex } from '../../src/base/index.ts';
import type { ObjectSpec } from '../../src/object/index.ts';
import { mapTypes } from '../../src/uapi/index.ts';

/** The running kernel, as root: takes an object's first program as a raw tracepoint's and runs it on eight words. */
export class Kernel {
  readonly #process;
  readonly #waiting: ((answer: KernelRun) => void)[] = [];

  constructor() {
    const script = createRequire(import.meta.url).resolve('#root/test/conformance/kernel.py');
    this.#process = spawn('python3', [script, '--log-level', '1'], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const { verdict = 'reject', log = '', skip, run } = JSON.parse(line);
      this.#waiting.shift()?.({ verdict, log: skip ?? log, result: run?.errno ?? String(run?.retval) });
    });
  }

  run(object: ObjectSpec, input: readonly bigint[]): Promise<KernelRun> {
    const [program] = object.programs;
    const maps = object.maps.map((map) => ({
      type: mapTypes[map.type],
      key: map.keySize,
      value: map.valueSize,
      max: map.maxEntries,
      flags: map.flags,
      contents: map.contents && toHex(map.contents),
      at: program?.relocations.filter((one) => one.map === map.name && one.offset === undefined).map((one) => one.slot),
      values_at: program?.relocations.flatMap((one) =>
        one.map === map.name && one.offset !== undefined ? [[one.slot, one.offset]] : [],
      ),
    }));
    const context = toHex(new Uint8Array(BigUint64Array.from(input).buffer));
    const insns = program && toHex(program.code);
    return new Promise((answer) => {
      this.#waiting.push(answer);
      this.#process.stdin.write(`${JSON.stringify({ id: 0, prog_type: 17, insns, maps, context })}\n`);
    });
  }

  close(): void {
    this.#process.stdin.end();
  }
}

export interface KernelRun {
  readonly verdict: string;
  readonly log: string;
  /** The low half of r0, or why there is none. */
  readonly result: string;
}
