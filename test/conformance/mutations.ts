import type { Random } from '../../src/base/index.ts';

/** Ways to spoil a C text: characters, tokens, lines and whole texts, and what no person would write. */
export type Mutation = (text: string, random: Random, others: readonly string[]) => string;

function tokens(change: (pieces: string[], at: number, random: Random, from: readonly string[]) => void): Mutation {
  return (text, random, others) => {
    const pieces = text.match(/\w+|\s+|[^\w\s]/g) ?? [''];
    const from = random.chance(0.2) ? (random.pick(others).match(/\w+|[^\w\s]/g) ?? ['']) : [...pieces];
    for (let n = random.int(1, 4); n > 0; n--) change(pieces, random.int(0, pieces.length - 1), random, from);
    return pieces.join('');
  };
}

function lines(change: (all: string[], at: number, random: Random, from: readonly string[]) => void): Mutation {
  return (text, random, others) => {
    const all = text.split('\n');
    const from = random.chance(0.3) ? random.pick(others).split('\n') : [...all];
    for (let n = random.int(1, 3); n > 0; n--) change(all, random.int(0, all.length - 1), random, from);
    return all.join('\n');
  };
}

function inserted(what: (random: Random) => string): Mutation {
  return (text, random) => {
    const at = random.int(0, text.length);
    return text.slice(0, at) + what(random) + text.slice(at);
  };
}

const numbers = ['0', '-1', '65536', '0xffffffffffffffff', '1u', '99999999999999999999999', '08', '1e9', '0x', '1ull'];
const odd = [
  '\0',
  '\r\n',
  '\\\n',
  '"',
  "'",
  '/*',
  '//',
  '\ufffd',
  '\u{1f41d}',
  '#',
  '##',
  '\\',
  '@',
  '`',
  '??=',
  '\x7f',
];
const directives = [
  '\n#include "self.h"\n',
  '\n#define A B\n#define B A\nA\n',
  '\n#define F(x) F(F(x)) x\nF(F(F(1)))\n',
  '\n#if 1\n',
  '\n#endif\n',
  '\n#else\n',
  '\n#if (1 << 70) / 0\n#endif\n',
  '\n#define M(a, b...) a##b #a\nM(,)\n',
  '\n#error stop\n',
  '\n#pragma unroll 100000\n',
  '\n#define X X(X\nX(\n',
];

const deep = (random: Random): string => {
  const [open, close] = random.pick([
    ['(', ')'],
    ['{', '}'],
    ['[', ']'],
    ['({', ';})'],
    ['-', ''],
    ['*', ''],
    ['if (1) ', ''],
    ['1 ? ', ' : 0'],
    ['struct {', '} x;'],
    ['sizeof ', ''],
    ['!', ''],
  ] as const);
  const count = random.pick([30, 300, 10_000]);
  return open.repeat(count) + (random.chance(0.5) ? `1${close.repeat(count)}` : '');
};

export const mutations: Readonly<Record<string, Mutation>> = {
  'tokens left out': tokens((pieces, at, random) => pieces.splice(at, random.int(1, 3))),
  'tokens put in': tokens((pieces, at, random, from) => pieces.splice(at, 0, random.pick(from))),
  'tokens changed': tokens((pieces, at, random, from) => {
    pieces[at] = random.pick(from);
  }),
  'numbers changed': tokens((pieces, at, random) => {
    const number = pieces.findIndex((one, i) => i >= at && /^\d/.test(one));
    if (number >= 0) pieces[number] = random.pick(numbers);
  }),
  'characters changed': (text, random) => {
    const at = random.int(0, text.length - 1);
    return text.slice(0, at) + String.fromCharCode(random.int(0, 255)) + text.slice(at + random.int(0, 2));
  },
  'lines left out': lines((all, at, random) => all.splice(at, random.int(1, 4))),
  'lines put in': lines((all, at, random, from) => all.splice(at, 0, random.pick(from))),
  'lines swapped': lines((all, at, random) => {
    const other = random.int(0, all.length - 1);
    [all[at], all[other]] = [all[other] ?? '', all[at] ?? ''];
  }),
  'half of another text': (text, random, others) => {
    const other = random.pick(others);
    return text.slice(0, random.int(0, text.length)) + other.slice(random.int(0, other.length));
  },
  'cut short': (text, random) => text.slice(0, random.int(0, text.length)),
  'odd characters': inserted((random) => random.pick(odd)),
  'directives put in': inserted((random) => random.pick(directives)),
  'nested deep': inserted(deep),
  'long lines': inserted((random) =>
    random.pick(['x', ' ', '1+', 'a,', '"s" ', '\\']).repeat(random.pick([1000, 100_000])),
  ),
  'ends of lines': (text) => text.replaceAll('\n', '\r\n'),
};
