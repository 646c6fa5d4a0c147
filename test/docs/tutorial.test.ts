import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { answersTo, outputForm, pageFile, pageOf, rewritten, typedIn, writing } from './page.ts';

/** The tutorial as a new user follows it: every file is written, every command typed, every output compared. */
const page = pageOf('tutorial.md');
const typed = typedIn(page);
const answers = answersTo(typed);
if (writing) writeFileSync(pageFile('tutorial.md'), rewritten(page, typed, answers));

describe('docs/tutorial.md', () => {
  test.each(typed.map((one, i) => [one.line, one.command, i] as const))('line %i: %s', (_line, _command, i) => {
    const { out, err } = answers[i]!;
    expect(`${out}${err}`).toMatch(outputForm(typed[i]!.expected));
  });

  test('says what to type', () => {
    expect(typed.length).toBeGreaterThan(5);
  });
});
