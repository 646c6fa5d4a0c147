import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { type Compiled, compileC, type IncludeFile } from '../../src/cc/index.ts';

/** Texts that nobody writes, most of them found by mutation: each has a diagnostic with its place, soon, or compiles. */
const profile = loadProfile('6.1');
const around = (text: string): string => `int kprobe__vfs_read(struct pt_regs *ctx) {\n${text}\nreturn 0; }`;
const many = (count: number, one: (i: number) => string, between = ''): string =>
  Array.from({ length: count }, (_, i) => one(i)).join(between);
const nested = (open: string, inner: string, close: string, count = 10_000): string =>
  open.repeat(count) + inner + close.repeat(count);

function compiled(text: string): Compiled {
  const includes = (path: string): IncludeFile | undefined =>
    path === 'self.h'
      ? { name: path, text }
      : path === 'other.h'
        ? { name: path, text: 'int level = __INCLUDE_LEVEL__;' }
        : undefined;
  return compileC(text, { file: 'tool.c', profile, includes });
}

describe('is told with its place', () => {
  test.each<[what: string, text: string, line: number, message: RegExp]>([
    [
      'a pointer to a pointer, ten thousand times',
      around(`int ${'*'.repeat(10_000)}p;`),
      2,
      /a pointer of more than 32 levels/,
    ],
    ['an array of arrays, ten thousand times', around(`int a${'[1]'.repeat(10_000)};`), 2, /nests more than 200 deep/],
    [
      'a hundred thousand unknown names',
      around(`${'unknown, '.repeat(100_000)}0;`),
      2,
      /undeclared identifier 'unknown'/,
    ],
    ['open brackets', around(`return ${'('.repeat(10_000)}1;`), 2, /nests more than 200 deep/],
    ['brackets', around(`return ${nested('(', '1', ')')};`), 2, /nests more than 200 deep/],
    ['blocks', around(nested('{', '', '}')), 2, /nests more than 200 deep/],
    ['structs', nested('struct {', 'int a;', '} x;'), 1, /nests more than 200 deep/],
    ['brackets of pointers', around(`int ${nested('(*', 'p', ')')};`), 2, /nests more than 200 deep/],
    ['ifs', around(`${'if (ctx->di) '.repeat(10_000)};`), 2, /nests more than 200 deep/],
    ['conditionals', around(`return ${'ctx->di ? 1 : '.repeat(10_000)}2;`), 2, /nests more than 200 deep/],
    ['casts', around(`return ${'(int)'.repeat(10_000)}1;`), 2, /nests more than 200 deep/],
    ['initialisers', around(`int a[] = ${nested('{', '1', '}')};`), 2, /nests more than 200 deep/],
    ['statement expressions', around(`return ${nested('({', '1', ';})')};`), 2, /nests more than 200 deep/],
    ['attributes', '__attribute__(('.repeat(10_000), 1, /nests more than 200 deep/],
    ['conditions of the preprocessor', `#if ${nested('(', '1', ')')}\n#endif`, 1, /nests more than 200 deep/],
    ['arguments of macros', `#define M(a) a\nint x = ${nested('M(', '1', ')')};`, 2, /nest more than 200 deep/],
    ['comparisons of comparisons', around(`return ${'ctx->di < '.repeat(3000)}1;`), 2, /nests more than 1000 deep/],
    [
      'a pointer that is followed thousands of times',
      around(`struct task_struct *t = (void *)ctx->di;\nreturn t${'->real_parent'.repeat(3000)}->pid;`),
      3,
      /nests more than 1000 deep/,
    ],
    [
      'ten thousand ifs behind the elses of each other',
      around(`${many(10_000, (i) => `if (ctx->di == ${i}) return ${i}; else `)};`),
      2,
      /nests more than 1000 deep/,
    ],
    ['ten thousand commas', around(`return (${'ctx->di, '.repeat(10_000)}1);`), 2, /nests more than 1000 deep/],
    [
      'macros that lead to each other',
      `${many(20_000, (i) => `#define A${i} A${i + 1}\n`)}int a = A0;`,
      20_001,
      /expand to more/,
    ],
    [
      'macros that double',
      `${many(50, (i) => `#define A${i} A${i + 1} A${i + 1}\n`)}int a = A0;`,
      51,
      /expand to more/,
    ],
    [
      'a loop over calls that double thirty times',
      `${Array.from({ length: 30 }, (_, i) => `static inline int f${30 - i}(int a) { return ${i === 0 ? 'a' : `f${31 - i}(a) + f${31 - i}(a + 1)`}; }`).join('\n')}
int run(struct pt_regs *ctx) { int s = 0; for (int i = 0; i < 3; i++) s += f1(i); return s; }`,
      2,
      /becomes too much code/,
    ],
    [
      'quotes within quotes, each of which doubles what escapes them',
      `#define S(a) #a\n#define M(a) S(a)\nchar x[] = ${nested('M(', '1', ')', 64)};`,
      3,
      /expand to more/,
    ],
    [
      'names that are pasted to themselves',
      `${many(64, (i) => `#define A${i}(x) A${i + 1}(x ## x)\n`)}#define A64(x) x\nint A0(y);`,
      66,
      /expand to more/,
    ],
    [
      'a text that includes itself twice, and nothing else',
      '#if __INCLUDE_LEVEL__ < 60\n#include "self.h"\n#include "self.h"\n#endif\n',
      3,
      /includes more than 10000 files/,
    ],
    [
      'arrays of arrays by typedefs',
      `typedef int t0;\n${many(300, (i) => `typedef t${i} t${i + 1}[1];\n`)}`,
      202,
      /this type nests more than 200 deep/,
    ],
    [
      'functions of functions, each twice, in a message',
      `typedef int t0;\n${many(64, (i) => `typedef int (*t${i + 1})(t${i}, t${i});\n`)}extern __typeof__((t64)0) x;\nint x;`,
      67,
      /redefinition of 'x' with a different type: 'int' vs 't64'/,
    ],
    [
      'thirty loops of two that are to be unrolled',
      around(`${many(30, (i) => `\n#pragma unroll\nfor (int i${i} = 0; i${i} < 2; i${i}++)`)};`),
      54,
      /this loop cannot be unrolled: it becomes too much code/,
    ],
    ['a text that includes itself', '#include "self.h"\n', 1, /#include nested more than 64 deep/],
    [
      'a macro of a hundred thousand backslashes',
      `#define A ${'\\\\'.repeat(100_000)}x\nint a = b;`,
      2,
      /undeclared identifier 'b'/,
    ],
    ['a comment without an end', 'int a; /* b', 1, /unterminated \/\* comment/],
    ['a string without an end', 'char a[] = "b;\nint c;', 1, /missing terminating '"' character/],
    ['a character without an end', "char a = 'b;\nint c;", 1, /missing terminating ' character/],
    ['a condition without an end', '#if 1\nint a;', 1, /unterminated conditional directive/],
    [
      'arguments without an end',
      '#define M(a) a\nint a = M(1;\nint b;',
      2,
      /unterminated function-like macro invocation/,
    ],
    ['a function without an end', 'int f(void *ctx) {', 1, /expected '}'/],
    ['a struct without an end', 'struct a { int b;', 1, /expected/],
    ['a table without an end', 'BPF_HASH(a', 1, /expected/],
    ['what is not UTF-8', 'int a\ufffd;', 1, /not valid UTF-8/],
    ['an array of 2 GB', 'int a[2147483647];', 1, /array is too large \(2147483647 elements\)/],
    ['an array of arrays of 8 PB', 'char a[1000000][1000000];', 1, /array is too large/],
    ['a struct of 6 GB', 'struct a { char b[400000000], c[400000000]; };', 1, /structure 'a' is too large/],
    [
      '300 MB of globals',
      `static char a[300000000] = { 1 };\n${around('return a[ctx->di & 3];')}`,
      1,
      /a map's value holds/,
    ],
    [
      '70,000 members',
      `struct a { ${many(70_000, (i) => `int a${i};`)} };`,
      1,
      /70000 members are more than the 65535/,
    ],
    ['70,000 enumerators', `enum a { ${many(70_000, (i) => `A${i}`, ',')} };`, 1, /70000 enumerators are more than/],
    ['70,000 parameters', `int f(${many(70_000, (i) => `int a${i}`, ',')});`, 1, /70000 parameters are more than/],
    ['an element far away', 'int a[] = { [2000000000] = 1 };', 1, /exceeds array bounds/],
    ['a range of elements', 'int a[] = { [0 ... 99999999] = 1 };', 1, /this initialiser is too long/],
    ['an element before the first', 'int a[] = { [-5] = 1 };', 1, /designator value '-5' is negative/],
    [
      'a megabyte of text on the stack',
      around(`char *s = "${'x'.repeat(1_000_000)}";`),
      2,
      /this string takes 1000001 bytes/,
    ],
    [
      'a copy of a hundred thousand bytes',
      `struct a { char b[100000]; }; BPF_ARRAY(m, struct a, 2);\n${around('int k = 0; struct a *p = m.lookup(&k), *q = m.lookup(&k); if (p && q) *p = *q;')}`,
      3,
      /this copies 100000 bytes/,
    ],
    ['a table without entries', 'BPF_HASH(a, u32, u64, 0);', 1, /the size of a table must be 1 to 4294967295/],
    ['a table of fewer entries', 'BPF_HASH(a, u32, u64, -1);', 1, /the size of a table must be 1 to 4294967295/],
    ['a ring of three pages', 'BPF_RINGBUF_OUTPUT(a, 3);', 1, /a ring of 3 pages/],
    ['an empty key', 'struct z {}; BPF_HASH(h, struct z);', 1, /the key of a table is empty/],
    ['a table of no kind', 'BPF_TABLE("hsh", u32, u64, a, 10);', 1, /there is no table of kind 'hsh'/],
    ['two tables of a name', 'BPF_HASH(a);\nBPF_HASH(a);', 2, /redefinition of 'a'/],
    [
      'a table and a function of a name',
      'BPF_HASH(a);\nint a(void *ctx) { return 0; }',
      2,
      /redefinition of 'a' as different kind of symbol/,
    ],
    ['a program of nothing', 'int raw_tracepoint__(void *ctx) { return 0; }', 1, /names no program/],
    ['a tracing program of nothing', 'KFUNC_PROBE() { return 0; }', 1, /names no program/],
    [
      'a program that returns a struct',
      'struct s { int a; }; struct s kprobe__f(void *ctx) { struct s x = {}; return x; }',
      1,
      /a program returns an integer/,
    ],
    [
      'a struct as context',
      'struct s { long a, b; }; int kprobe__f(struct s a) { return a.a; }',
      1,
      /gets its context's address/,
    ],
    ['a struct of itself', 'struct a { int b; struct a c; };', 1, /field has incomplete type 'struct a'/],
    [
      'a function of itself',
      `static int g(int a) { return g(a - 1); }\n${around('return g(3);')}`,
      1,
      /'g' calls itself/,
    ],
    ['an array of negative length', around('int a[-1];'), 2, /'a' declared as an array with a negative size/],
    ['a bit-field of negative width', 'struct a { int b : -5; };', 1, /bit-field 'b' has negative width \(-5\)/],
    ['division by zero in a condition', '#if 1 / 0\n#endif', 1, /division by zero in preprocessor expression/],
    ['division by zero in an enumerator', 'enum { A = 1 / 0 };', 1, /division by zero is undefined/],
    ['an array of variable length', around('int n = ctx->di; int a[n];'), 2, /not an integer constant expression/],
    ['assembly that is none', around('asm volatile("garbage here");'), 2, /unexpected 'garbage'/],
    ['a header whose name is misspelt', '#include <linux/shced.h>\n', 1, /'linux\/shced.h' file not found/],
    ['a line number that is none', '#line x\n', 1, /#line directive requires a positive integer argument/],
    [
      'loops in loops',
      around(`u64 s = 0;${'\n#pragma unroll\nfor (int i = 0; i < 100; i++)'.repeat(3)} s += ctx->di;\nreturn s;`),
      8,
      /this loop cannot be unrolled/,
    ],
  ])('%s', (_what, text, line, message) => {
    const { diagnostics } = compiled(text);
    const told = diagnostics.find((one) => message.test(one.message));
    expect(told, diagnostics.map((one) => one.message).join('\n')).toMatchObject({ at: { line } });
    expect(diagnostics.length).toBeLessThanOrEqual(20);
  });

  test('the header that was meant', () => {
    expect(compiled('#include <uapi/linux/ptrce.h>\n').diagnostics[0]?.hint).toBe(
      `did you mean 'uapi/linux/ptrace.h'?`,
    );
    expect(compiled('#include <lnux/sched.h>\n').diagnostics[0]?.hint).toBe(`did you mean 'linux/sched.h'?`);
    expect(compiled('#include <linux/of_the_year_2031.h>\n').diagnostics).toEqual([]);
  });

  test.each([
    ['#line 100 "other.c"\nint a = b;', 'other.c', 100],
    ['#line 7\n\nint a = b;', 'tool.c', 8],
    ['# 42 "gen.c"\nint a = b;', 'gen.c', 42],
    ['#define N 9\n#line N "n.c"\nint a = b;', 'n.c', 9],
  ])('by the line that %j says it is', (text, file, line) => {
    expect(compiled(text).diagnostics[0]?.at).toMatchObject({ file, line, text: 'int a = b;' });
  });

  test('a function that the kernel lacks, and those that are near', () => {
    const [warning] = compiled('KFUNC_PROBE(vfs_raed) { return 0; }').diagnostics;
    expect(warning).toMatchObject({
      severity: 'warning',
      message: "kernel 6.1 has no function 'vfs_raed'",
      at: { line: 1 },
    });
    expect(warning?.hint).toContain('vfs_read');
  });
});

describe('compiles', () => {
  test.each([
    ['quotes in text that a condition leaves out', `#if 0\ndon't "do this\n#endif\n${around('')}`],
    ['an error that a condition leaves out', `#if 0\n#error don't\n#endif\n${around('')}`],
    ['lines that end with carriage returns', around('return 1;').replaceAll('\n', '\r\n')],
    ['lines that end with carriage returns alone', around('return 1;').replaceAll('\n', '\r')],
    ['a joint between any two characters', [...around('return 12 + ctx->di;')].join('\\\n')],
    ['a byte order mark', `\ufeff${around('')}`],
    ['null characters between tokens', around('int a\0 = 1;')],
    ['many cases of one statement', around(`switch (ctx->di) { ${many(250, (i) => `case ${i}: `)} return 1; }`)],
    ['a chain of 250 ifs', around(`${many(250, (i) => `if (ctx->di == ${i}) return ${i}; else `)};`)],
    [
      "Duff's device",
      around('int n = ctx->di & 7, s = 0; switch (n) { case 0: do { s++; case 1: s++; } while (--n > 0); } return s;'),
    ],
    ['a sum of thousands', around(`return ${'ctx->di + '.repeat(10_000)}1;`)],
    ['a wide sum of thousands', around(`__int128 a = ctx->di; a = ${'a + '.repeat(5000)}1; return a;`)],
    ['thousands of conditions', around(`long a = ctx->di; return ${many(5000, (i) => `a != ${i}`, ' && ')};`)],
    ['two thousand ifs behind each other', around(`${many(2000, (i) => `if (ctx->di == ${i}) return ${i}; else `)};`)],
    ['a struct without members', `struct z {};\n${around('struct z a = {}, b; b = a;')}`],
    ['shifts by too much', around('return (1 << 99) + (ctx->di >> -1);')],
    ['a switch without a block', around('switch (ctx->di) case 1: return 1;')],
    ['a pragma before what is no loop', around('#pragma unroll\nreturn 1;')],
    ['a trigraph, which is none', around('char a[] = "??=";')],
    ['a text without anything', ''],
    [
      'an address that is a sum of sums of sums',
      around(
        `unsigned long a = ctx->di, b = ctx->si; ${many(30, () => 'a = a + b; b = b + a;')}
         struct __attribute__((packed)) s { char c; long v; } *p = (void *)a; return p->v;`,
      ),
    ],
    [
      'calls to which very many ways lead',
      `${many(27, (i) => {
        const rest = i === 0 ? 'a * 3' : `g${i - 1}(a) + h${i - 1}(a)`;
        return `static __attribute__((noinline)) int g${i}(int a) { return ${rest}; }
          static __attribute__((noinline)) int h${i}(int a) { return ${rest}; }\n`;
      })}${around('return g26(ctx->di) + h26(ctx->si);')}`,
    ],
    [
      'structs of two of two of two',
      `struct s0 { char a; };\n${many(26, (i) => `struct s${i + 1} { struct s${i} a, b; };\n`)}${around('return sizeof(struct s26);')}`,
    ],
    [
      'empty structs of two of two of two',
      `struct s0 {};\n${many(60, (i) => `struct s${i + 1} { struct s${i} a, b[0]; };\n`)}${around('struct s60 x = {}, y = x;')}`,
    ],
    [
      'functions of functions, each twice',
      `typedef int t0; typedef int u0;\n${many(60, (i) => `typedef int (*t${i + 1})(t${i}, t${i}); typedef int (*u${i + 1})(u${i}, u${i});\n`)}
       struct s { t60 f; }; BPF_ARRAY(a, struct s, 1);${around('t60 x = 0; u60 y = 0; return x == y;')}`,
    ],
    [
      'thousands of structs that point to each other',
      `${many(5000, (i) => `struct s${i} { struct s${(i + 1) % 5000} *a; struct s${(i + 7) % 5000} *b; };\n`)}BPF_HASH(h, struct s0);`,
    ],
    [
      'a mask of masks of masks',
      around(`unsigned long a = ctx->di, b = ctx->si; ${many(60, () => 'a = a & b; b = b & a;')} return a > 5;`),
    ],
    [
      'literals within literals whose braces are left out',
      `struct s { struct { struct { int a; } b; } c; };\n${around(`return ${nested('((struct s){ ', '1', ' }).c.b.a', 45)};`)}`,
    ],
    ['elements from the last to the first', `int a[] = { ${many(20_000, (i) => `[${20_000 - i}] = 1`, ',')} };`],
    [
      'a pointer that is one or another, sixty times',
      around(
        `struct task_struct *t = (void *)ctx->di, *u = (void *)ctx->si; ${many(60, (i) => `if (ctx->dx == ${i}) t = t->real_parent; else u = t;`)} return t->pid + u->pid;`,
      ),
    ],
    [
      'thousands of ways that meet one behind the other',
      around(`long a = ctx->di, b = ctx->si; ${many(3000, (i) => `if (a == ${i}) a = ${i + 7};`)} return a + b;`),
    ],
    ['forty loops of two', around(`${many(40, (i) => `for (int i${i} = 0; i${i} < 2; i${i}++) `)};`)],
    [
      'addresses out of a packet that are sums of what lies there',
      `int f(struct xdp_md *ctx) {
        void *end = (void *)(long)ctx->data_end; volatile unsigned long *p = (void *)(long)ctx->data; unsigned long d = ctx->data;
        ${many(40, () => 'if ((void *)(p + 1) > end) return 0; p = (void *)((*p & 7) + (*p & 7) + d);')}
        return 1; }`,
    ],
    [
      'the first of two 128-bit numbers that is not 0, sixty times',
      around(`__int128 a = ctx->di, b = ctx->si; a = ${nested('(', 'a', ' ?: b)', 60)}; return a;`),
    ],
    ['calls within calls', `static int g(int a) { return a + 1; }\n${around(`return ${nested('g(', '1', ')', 60)};`)}`],
    ['how deep a file is included', '#include "other.h"\n_Static_assert(__INCLUDE_LEVEL__ == 0, "");'],
    [
      'what line a macro is used in',
      '#define L __LINE__\n\n_Static_assert(L == 3, "");\n#line 8\n_Static_assert(L == 8, "");',
    ],
  ])('%s', (_what, text) => {
    const { object, diagnostics } = compiled(text);
    expect(object, diagnostics.map((one) => one.message).join('\n')).toBeDefined();
  });
});
