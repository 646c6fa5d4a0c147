import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { fromHex, SysError, toHex } from '../../../src/base/index.ts';
import type { ProgramType } from '../../../src/uapi/index.ts';
import { engines } from '../../vm/engines.ts';
import { Bench } from '../bench.ts';

/** Programs with what they were given, and what Linux 6.18 gave back; bytes in hex. */
interface Case {
  readonly name: string;
  readonly type: ProgramType;
  readonly text: string;
  readonly data?: string;
  readonly context?: string;
  readonly repeat?: number;
  readonly dataSizeOut?: number;
  readonly contextSizeOut?: number;
  readonly expected: {
    readonly errno?: string;
    readonly returned?: number;
    /** `same` as what was given. */
    readonly data?: string;
    readonly context?: string;
  };
}

const cases: readonly Case[] = readFileSync(new URL('../fixtures/test-runs.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

describe.each(engines)('BPF_PROG_TEST_RUN on the $name', (engine) => {
  const bench = new Bench(engine);
  afterAll(() => bench[Symbol.dispose]());

  function answerTo({ type, text, data, context, ...sizes }: Case): Case['expected'] {
    const program = bench.load(type, text);
    const bytes = (hex: string): Uint8Array => fromHex(hex) as Uint8Array;
    try {
      const result = bench.machine.programTestRun(program, {
        ...(data === undefined ? {} : { data: bytes(data) }),
        ...(context === undefined ? {} : { context: bytes(context) }),
        ...(sizes.repeat === undefined ? {} : { repeat: sizes.repeat }),
        ...(sizes.dataSizeOut === undefined ? {} : { dataSizeOut: sizes.dataSizeOut }),
        ...(sizes.contextSizeOut === undefined ? {} : { contextSizeOut: sizes.contextSizeOut }),
      });
      const out = toHex(result.data);
      return {
        returned: result.returned,
        data: out === data ? 'same' : out,
        ...(sizes.contextSizeOut === undefined ? {} : { context: toHex(result.context) }),
      };
    } catch (fault) {
      if (!(fault instanceof SysError) || fault.op !== 'prog_test_run') throw fault;
      return { errno: fault.errno };
    } finally {
      bench.machine.close(program);
    }
  }

  test.each(cases)('$name', (each) => {
    expect(answerTo(each)).toEqual(each.expected);
  });
});
