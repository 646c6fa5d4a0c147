import { execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { MapSpec } from '../../src/object/index.ts';
import { mapTypes } from '../../src/uapi/index.ts';

/** Python scripts that ask the running kernel, as root: one JSON object a line in, one a line out, in order. */
export const kernelScript = createRequire(import.meta.url).resolve('#root/test/conformance/kernel.py');

/** All questions at once. @throws when the script fails, or there is no Python */
export function askAll<Answer>(words: readonly string[], questions: readonly object[]): Answer[] {
  const input = questions.map((one) => `${JSON.stringify(one)}\n`).join('');
  const output = execFileSync('python3', words, { input, encoding: 'utf8', maxBuffer: 1 << 30 });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

/** A script that stays, and is asked one thing after another. */
export class KernelScript<Answer> {
  readonly #process;
  readonly #waiting: ((answer: Answer) => void)[] = [];

  constructor(...words: readonly string[]) {
    this.#process = spawn('python3', words, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.#process.stdout }).on('line', (line) =>
      this.#waiting.shift()?.(JSON.parse(line) as Answer),
    );
  }

  ask(question: object): Promise<Answer> {
    return new Promise((answer) => {
      this.#waiting.push(answer);
      this.#process.stdin.write(`${JSON.stringify(question)}\n`);
    });
  }

  close(): void {
    this.#process.stdin.end();
  }
}

/** A map as the scripts take it. */
export function mapQuestion({ type, keySize, valueSize, maxEntries, flags }: MapSpec) {
  return { type: mapTypes[type], key: keySize, value: valueSize, max: maxEntries, flags };
}
