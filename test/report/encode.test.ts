import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeJson } from '../../src/report/index.ts';

test.each([
  [1n, '"1"'],
  [-(2n ** 63n), '"-9223372036854775808"'],
  [new Uint8Array([0, 171]), '"00ab"'],
  [undefined, 'null'],
  [Number.NaN, 'null'],
  [{ a: undefined, b: [undefined, 2n] }, '{"b":[null,"2"]}'],
])('%o is %s', (value, text) => {
  expect(encodeJson(value)).toBe(text);
});

test('plain data is what JSON.stringify makes of it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(encodeJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('it does not matter who writes the text', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // A bigint beside it sends the whole down the other road.
      expect(encodeJson([value, 1n])).toBe(`[${JSON.stringify(JSON.parse(encodeJson(value)))},"1"]`);
    }),
  );
});
