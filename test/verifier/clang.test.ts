import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { verify } from '../../src/verifier/index.ts';
import { clangFolder, readClangFixtures, textOf } from './read-clang-fixtures.ts';

/** Every answer is Linux 6.18's on what clang 14 made of the text beside it. */
const fixtures = readClangFixtures();

describe.each(fixtures.map((fixture) => [fixture.name, fixture] as const))('%s', (_, fixture) => {
  test.each(fixture.programs)('$name', (program) => {
    const { errno, log, statistics } = verify(textOf(fixture, program));
    const last = log.split('\n').findLast((line) => line !== '' && !line.startsWith('processed ')) ?? '';
    expect({ errno, last, processed: statistics.processed }).toEqual(program.answer);
  });
});

test('each text has its fixture, some accepted and some refused', () => {
  const texts = readdirSync(clangFolder).filter((name) => name.endsWith('.c'));
  expect(fixtures.map(({ name }) => `${name}.c`).sort()).toEqual(texts.sort());
  const answers = fixtures.flatMap(({ programs }) => programs.map(({ answer }) => answer.errno));
  expect(answers.length).toBeGreaterThanOrEqual(30);
  expect(answers.filter((errno) => errno !== null).length).toBeGreaterThanOrEqual(8);
});
