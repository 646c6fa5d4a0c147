import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench } from '../bench.ts';
import { helperCases } from './helper-cases.ts';
import { type HelperAnswer, mostResults, resultsOf } from './helper-program.ts';

const path = new URL('../fixtures/packet-helpers.json', import.meta.url);
/** What Linux 6.18.44 answered; data is `same` where the packet stayed as it was. */
const answers: Readonly<Record<string, HelperAnswer>> = JSON.parse(readFileSync(path, 'utf8'));

describe.each(engines)('packet helpers on the $name', (engine) => {
  const bench = new Bench(engine);
  afterAll(() => bench[Symbol.dispose]());

  test.each(helperCases)('$name', ({ name, type, text, data, context, flags = 0, results }) => {
    const out = bench.map({ type: 'array', valueSize: 8 * mostResults, maxEntries: 1 });
    const program = bench.load(type, text, { out }, 'GPL', { flags });
    const run = bench.machine.programTestRun(program, context === undefined ? { data } : { data, context });
    const seen = toHex(run.data);
    const answer: HelperAnswer = {
      returned: run.returned,
      data: seen === toHex(data) ? 'same' : seen,
      results: resultsOf(bench.bytes(out), results),
    };
    expect(answer).toEqual(answers[name]);
    bench.machine.close(program);
    bench.machine.close(out);
  });
});
