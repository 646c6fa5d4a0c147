import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/base/index.ts';
import * as values from '../../src/cli/values.ts';

const parsers = {
  seed: values.seed,
  cpus: values.cpus,
  limit: values.limit,
  ringPages: values.ringPages,
  duration: values.duration,
  speed: values.speed,
  oneOf: values.oneOf('--format', ['table', 'json']),
};

describe('values of options', () => {
  test.each([
    ['seed', '7', 7],
    ['seed', '0xff', 255],
    ['cpus', '64', 64],
    ['limit', '1', 1],
    ['ringPages', '8', 8],
    ['duration', '2s', 2e9],
    ['speed', 'max', 'max'],
    ['speed', '0.5', 0.5],
    ['speed', '100x', 100],
    ['oneOf', 'json', 'json'],
  ] as const)('%s %s', (parser, text, value) => {
    expect(parsers[parser](text)).toBe(value);
  });

  test.each([
    ['seed', '-1', 'a whole number from 0 to 4294967295'],
    ['seed', '', 'a whole number from 0 to 4294967295'],
    ['cpus', '0', 'a whole number from 1 to 64'],
    ['cpus', '2.5', 'a whole number from 1 to 64'],
    ['ringPages', '3', 'a power of two from 1 to 1024'],
    ['ringPages', '2048', 'a whole number from 1 to 1024'],
    ['duration', '0', 'more than nothing'],
    ['duration', 'soon', 'a number with a unit: ns, us, ms, s, m or h'],
    ['speed', '0', "'max', or a number above 0: virtual seconds per real second"],
    ['speed', '-1', "'max', or a number above 0: virtual seconds per real second"],
    ['oneOf', 'xml', 'table, json'],
  ] as const)('%s refuses %j', (parser, text, expected) => {
    const parse = (): unknown => parsers[parser](text);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(expect.objectContaining({ expected }));
  });
});
