import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { diagnosed, readClangCases } from './clang-cases.ts';

const profile = loadProfile('6.18');
const cases = readClangCases();

describe('diagnostics beside those of clang 14', () => {
  test.each(cases)('$name', ({ text, clang, own }) => {
    expect(diagnosed(text, profile)).toEqual(own ?? clang);
  });

  test('most of them are the same', () => {
    const same = cases.filter(({ own }) => own === undefined).length;
    expect(same / cases.length).toBeGreaterThan(0.8);
  });
});
