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
  '\r',
  '\ufeff',
  '\u2028',
  '??/\n',
  '\\ \n',
];
const directives = [
  '\n#line 100 "other.c"\n',
  '\n#line 0\n# 7 "gen.c" 1 3\n',
  '\n#include <linux/shced.h>\n',
  '\n#include <uapi/linux/ptrace.h> junk\n',
  '\n#include "missing.h"\n',
  '\nint level = __INCLUDE_LEVEL__ + __COUNTER__ + __LINE__; char base[] = __BASE_FILE__ __FILE__;\n',
  '\n#define A(x, x) x##\n#define defined\n#undef\n',
  '\n#if defined(\n#elif\n#else\n#elif 1\n',
  '\n_Pragma("unroll") _Pragma(\n',
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
    ['(int)', ''],
    ['(*', ')'],
    ['switch (1) ', ''],
    ['for (;;) ', ''],
    ['do ', 'while (0);'],
    ['if (1) ; else ', ''],
    ['case 1: ', ''],
    ['union {', '};'],
    ['typeof(', ') x'],
    ['__attribute__((', '))'],
    ['\n#if 1\n', '\n#endif\n'],
    ['PT_REGS_PARM1(', ')'],
    ['_Generic(1, default: ', ')'],
    ['(int){', '}'],
    ['"a" ', ''],
    ['!', ''],
  ] as const);
  const count = random.pick([30, 300, 10_000]);
  return open.repeat(count) + (random.chance(0.5) ? `1${close.repeat(count)}` : '');
};

/** What may stand between functions, and what hardly can. */
const declarations = [
  'struct data_t { struct data_t self; int a : -1; int a : 99; };',
  'struct empty {}; BPF_HASH(of_nothing, struct empty, struct empty);',
  'BPF_HASH(); BPF_HASH(1); BPF_HASH(a, b, c, d, e, f, g); BPF_ARRAY(x, u64, -1);',
  'BPF_TABLE("nothing", u32, u64, t, 1); BPF_TABLE("hash", u32); BPF_RINGBUF_OUTPUT(r, 3);',
  'BPF_ARRAY_OF_MAPS(outer, "missing", 4); BPF_PERF_OUTPUT(events); BPF_PERF_OUTPUT(events);',
  'BPF_ARRAY(huge, u64, 4294967295); BPF_STACK_TRACE(stacks, 99999999);',
  'int kprobe__no_such_function(void *ctx) { return 0; }',
  'int kfunc__(void *ctx) { return 0; } int raw_tracepoint__(void *ctx) { return 0; }',
  'KFUNC_PROBE(no_such_function, int a) { return a; } LSM_PROBE(no_hook) { return 0; }',
  'TRACEPOINT_PROBE(no, tracepoint) { return args->field; }',
  'TRACEPOINT_PROBE() { return 0; }',
  'int a[2147483647]; char b[9223372036854775807]; int c[-1]; int d[0]; int e[][];',
  'enum { BIG = 0xffffffffffffffff, BIGGER }; enum { E = 1 / 0 }; enum same { S }; enum same { S };',
  'static int again(int n) { return again(n - 1); } int other(int a, int a) { return other; }',
  'typedef int t; typedef long t; t t; void v; void (*f[3])(void); int g(void)[2];',
  'int kprobe__do_exit(struct pt_regs ctx, double x, ...) { return 1.5; }',
];
const statements = [
  'goto in; int x = ({ in: 1; }); goto nowhere;',
  'switch (1) { int q; case 1 ... 99999999999: case 5 ... 1: default: default: ; }',
  'switch (ctx) case 1: do { case 2: ; } while (0);',
  '\n#pragma unroll\nreturn 1;\n',
  '\n#pragma unroll\nfor (;;) ;\n',
  'int n = bpf_get_prandom_u32(); int vla[n]; char big[100000]; big[n] = vla[n];',
  'asm volatile("r0 = r99; goto +7; junk" : "=z"(ctx) : "i"(1));',
  'long long z = 1 << 99, y = 1 >> -1, w = 5 / 0, v = 5 % 0;',
  'int i[] = { [5 ... 1] = 1, [-1] = 2, [99999999] = 3, .x = 4 };',
  'struct nothing *p = 0; p->a->b.c[1](2)++;',
  'unsigned __int128 wide = 1; wide = wide / 3 << 200;',
  'char *s = "\\xffffff\\777\\q" "\\"; s[99] = *s++;',
  'bpf_probe_read(1, 2); bpf_trace_printk("%s %d %n %99999d"); bpf_nothing();',
  'return ({ struct { int a; } x = {}; x; });',
  '__builtin_memcpy(0, 0, -1); __builtin_offsetof(int, x); __builtin_memset();',
  'while (1) { continue; break; } break; continue; case 3: default: ;',
];

/** At the begin of a line, between functions or within one. */
function between(lines: readonly string[], depth: 0 | 1): Mutation {
  return (text, random) => {
    const all = text.split('\n');
    let open = 0;
    const places = all.flatMap((line, i) => {
      const here = open;
      open += (line.match(/[{(]/g)?.length ?? 0) - (line.match(/[})]/g)?.length ?? 0);
      return (depth === 0 ? here === 0 : here > 0) ? [i] : [];
    });
    if (places.length > 0) all.splice(random.pick(places), 0, random.pick(lines));
    return all.join('\n');
  };
}

const closing = /["')}\];]|\*\/|#endif/g;

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
  'declarations put in': between(declarations, 0),
  'statements put in': between(statements, 1),
  'an end left out': (text, random) => {
    const ends = [...text.matchAll(closing)];
    if (ends.length === 0) return text;
    const { 0: end, index } = random.pick(ends);
    return text.slice(0, index) + text.slice(index + end.length);
  },
  'a part twice': (text, random) => {
    const parts = text.split(/(?<=^\}.*\n|^BPF_.*\n|^struct .*;\n)/m);
    const at = random.int(0, parts.length - 1);
    return [...parts.slice(0, at), parts[at], ...parts.slice(at)].join('\n');
  },
  'arguments of tables': (text, random) => {
    const uses = [...text.matchAll(/\bBPF_\w+\(([^()]*)\)/g)];
    if (uses.length === 0) return text;
    const { 0: whole, 1: inside = '', index } = random.pick(uses);
    const args = inside.split(',');
    const odd = random.pick([
      '',
      '1',
      '"text"',
      'struct',
      'void',
      'u64',
      'int (int)',
      'missing',
      '-1',
      '1.5',
      'struct { int a; }',
    ]);
    args.splice(random.int(0, args.length), random.int(0, 2), ...(random.chance(0.7) ? [odd] : []));
    return text.slice(0, index) + whole.replace(inside, args.join(',')) + text.slice(index + whole.length);
  },
  'lines joined': (text, random) => {
    let joined = text;
    for (let n = random.int(1, 40); n > 0; n--) {
      const at = random.int(0, joined.length);
      joined = joined.slice(0, at) + random.pick(['\\\n', '\\\r\n', '\\ \n']) + joined.slice(at);
    }
    return joined;
  },
  'long names': (text, random) => {
    const names = text.match(/\b[a-z_]\w{2,}\b/g) ?? ['x'];
    const name = random.pick(names);
    return text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), name.repeat(random.pick([20, 200, 5000])));
  },
  // As a file is read: what is not UTF-8 becomes U+FFFD.
  'bytes changed': (text, random) => {
    const bytes = Buffer.from(text);
    for (let n = random.int(1, 5); n > 0; n--) bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
    return bytes.toString();
  },
  'ends of lines': (text, random) => text.replaceAll('\n', random.pick(['\r\n', '\r', '\n\r'])),
};
