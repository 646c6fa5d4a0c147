import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ProgramType, programTypes } from '../../src/uapi/index.ts';
import { type ProgramText, type Verdict, verify } from '../../src/verifier/index.ts';
import { programOf, randomCase } from '../conformance/verifier/random-case.ts';

/** Any bytes at all, for any type of program and with any log, get a verdict, and a refusal is explained. */
const types = Object.keys(programTypes) as ProgramType[];
const options = fc.record({
  logLevel: fc.nat(15),
  logSize: fc.constantFrom(0, 1, 2, 100, 4096, 1 << 20),
  strictAlignment: fc.boolean(),
  limit: fc.constant(3_000),
});

function holds(program: ProgramText, chosen: Parameters<typeof verify>[1]): void {
  const { verdict, errno, explanation, log, logTrueSize }: Verdict = verify(program, chosen);
  expect(verdict).toBe(errno === null ? 'accept' : 'reject');
  if (errno !== null && errno !== 'ENOSPC') expect(explanation?.reason).not.toBe('');
  if (errno === null) expect(explanation).toBeNull();
  expect(log.length).toBeLessThanOrEqual(logTrueSize);
}

test('bytes', () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 200 });
  fc.assert(
    fc.property(bytes, fc.constantFrom(...types), fc.nat(60), options, (code, type, attachType, chosen) => {
      holds({ code, type, attachType }, chosen);
    }),
    { numRuns: 1500 },
  );
});

test('programs with a few bytes changed', () => {
  const change = fc.record({ at: fc.nat(), to: fc.nat(255) });
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.array(change, { maxLength: 5 }), options, (seed, changes, chosen) => {
      const text = programOf(randomCase(seed));
      for (const { at, to } of changes) text.code[at % text.code.length] = to;
      holds(text, chosen);
    }),
    { numRuns: 200 },
  );
});
