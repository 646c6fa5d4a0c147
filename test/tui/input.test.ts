import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Input, InputDecoder } from '../../src/tui/input.ts';

const brief = (input: Input): string => (input.kind === 'key' ? input.key : `${input.what}@${input.x},${input.y}`);
const decode = (...chunks: string[]): string[] => {
  const decoder = new InputDecoder();
  return chunks.flatMap((chunk) => decoder.decode(chunk).map(brief));
};

describe('what a terminal sends', () => {
  test.each([
    ['q', ['q']],
    ['S', ['S']],
    ['é日', ['é', '日']],
    ['\r', ['enter']],
    ['\n', ['enter']],
    ['\t', ['tab']],
    [' ', ['space']],
    ['\x7f', ['backspace']],
    ['\b', ['backspace']],
    ['\x03', ['C-c']],
    ['\x1a', ['C-z']],
    ['\x1b', ['escape']],
    ['\x1b[A\x1b[B\x1b[C\x1b[D', ['up', 'down', 'right', 'left']],
    ['\x1bOA\x1bOB', ['up', 'down']],
    ['\x1b[1;5A', ['up']],
    ['\x1b[5~\x1b[6~', ['pageup', 'pagedown']],
    ['\x1b[H\x1b[F\x1b[1~\x1b[4~\x1bOH\x1bOF', ['home', 'end', 'home', 'end', 'home', 'end']],
    ['\x1bOP\x1b[11~', ['f1', 'f1']],
    ['\x1b[<0;10;5M', ['press@9,4']],
    ['\x1b[<0;10;5m', []],
    ['\x1b[<16;1;1M', ['press@0,0']],
    ['\x1b[<35;10;5M', []],
    ['\x1b[<2;10;5M', []],
    ['\x1b[<64;3;4M\x1b[<64;3;4M\x1b[<65;3;4M', ['wheelUp@2,3', 'wheelUp@2,3', 'wheelDown@2,3']],
    ['\x1b[?1;2c', []],
    ['\x1b[99~', []],
    ['j\x1b[<0;1;1Mk', ['j', 'press@0,0', 'k']],
  ])('%j', (text, expected) => {
    expect(decode(text)).toEqual(expected);
  });

  test('a sequence cut by the end of a chunk is completed by the next', () => {
    expect(decode('\x1b[<0;1', '0;5M')).toEqual(['press@9,4']);
    expect(decode('\x1b[', 'A')).toEqual(['up']);
    expect(decode('\x1bO', 'B')).toEqual(['down']);
  });

  test('an Esc alone is the key, at once', () => {
    expect(decode('\x1b', '[')).toEqual(['escape', '[']);
  });

  test('no input is an error, and plain text comes through whole', () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: 'binary' })), (chunks) => void decode(...chunks)));
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'Z', '/', 'é', '日') }), (text) => {
        expect(decode(text).join('')).toBe(text);
      }),
    );
  });
});
