import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { verified } from '../conformance/bcc-texts.ts';
import { engines } from '../vm/engines.ts';
import { prelude, randomInput, randomProgram } from './random-c/index.ts';
import { compiled, compiledObject, runCode } from './run-c.ts';
import { input, snippets, snippetText } from './snippets.ts';

/** Snippets with the value that each gives, by feature; and random programs with the value that gcc's code gave. */
const profile = loadProfile('6.1');

describe.each(engines)('C on the $name', (engine) => {
  const all = snippets();
  test.each([...new Set(all.map((one) => one.feature))])('%s', (feature) => {
    const list = all.filter((one) => one.feature === feature);
    const results = list.map((one) => `${one.name}: ${runCode(compiled(snippetText(one), profile), input, engine)}`);
    expect(results).toEqual(list.map((one) => `${one.name}: ${one.expected}`));
  });

  test('random programs give what gcc gives', () => {
    const lines = readFileSync(new URL('fixtures/random.jsonl', import.meta.url), 'utf8')
      .trim()
      .split('\n');
    for (const line of lines) {
      const { seed, result } = JSON.parse(line) as { seed: number; result: string };
      const code = compiled(prelude + randomProgram(seed), profile);
      expect(`${seed}: ${runCode(code, randomInput(seed), engine)}`).toBe(`${seed}: ${result}`);
    }
  });
});

/** What their refusal is about: the verifier sees no end of these loops, and the context takes no variable index. */
const refused = {
  counterChangedInSmallLoop: /^dereference of modified ctx ptr/,
  counterChangedInUnrolledLoop: /^dereference of modified ctx ptr/,
  pointerMovedInLoop: /^invalid read from stack/,
  stringWalk: /^invalid read from stack/,
} as const;

test.each([...new Set(snippets().map((one) => one.feature))])('the verifier takes what %s becomes', (feature) => {
  for (const snippet of snippets().filter((one) => one.feature === feature)) {
    const object = compiledObject(snippetText(snippet), profile);
    const message = object.programs[0] ? verified(object, object.programs[0], profile.btf).message : 'no program';
    const wanted = Object.hasOwn(refused, snippet.name) ? refused[snippet.name as keyof typeof refused] : /^$/;
    expect(`${message}`, snippet.name).toMatch(wanted);
  }
});
