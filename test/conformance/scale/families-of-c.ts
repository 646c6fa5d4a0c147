/**
 * Families of C texts: one construct of the language or of BCC's dialect, n times or n deep. What a text costs must grow
 * about as it does; `scale.ts` measures that.
 */
export interface Family {
  /** The size that is measured first. */
  readonly from?: number;
  /** No larger one is measured: there are 2 to that many ways, say. */
  readonly upTo?: number;
  readonly text: (n: number) => string;
}

export const many = (count: number, one: (i: number) => string, between = ''): string =>
  Array.from({ length: count }, (_, i) => one(i)).join(between);
export const nested = (open: string, inner: string, close: string, count: number): string =>
  open.repeat(count) + inner + close.repeat(count);
export const program = (body: string): string => `int kprobe__vfs_read(struct pt_regs *ctx) {\n${body}\nreturn 0; }`;
/** A program's body with a few unknown numbers. */
const numbers = (body: string): string =>
  program(`u64 a = ctx->di, b = ctx->si, c = ctx->dx, s = 0;\n${body}\nreturn s;`);
const of = (text: (n: number) => string, from = 50, upTo = 1 << 20): Family => ({ text, from, upTo });

export const preprocessing: Readonly<Record<string, Family>> = {
  'macros one behind the other': of((n) => `${many(n, (i) => `#define A${i} A${i + 1}\n`)}int x = A0;`),
  'macros used': of((n) => `#define M(a) ((a) + 1)\n${program(many(n, (i) => `ctx->di == M(${i});\n`))}`),
  'macros that double': of((n) => `${many(n, (i) => `#define A${i} A${i + 1} A${i + 1}\n`)}int x = A0;`, 4, 64),
  'macros of parameters that double': of(
    (n) => `${many(n, (i) => `#define A${i}(x) A${i + 1}(x x)\n`)}#define A${n}(x)\nint x A0(1);`,
    4,
    64,
  ),
  'arguments that double unseen': of(
    (n) => `${many(n, (i) => `#define A${i}(x) A${i + 1}(x) A${i + 1}(x)\n`)}#define A${n}(x)\nA0(1) int x;`,
    4,
    64,
  ),
  'arguments in arguments': of((n) => `#define M(a) a\nint x = ${nested('M(', '1', ')', n)};`),
  'arguments in arguments twice': of((n) => `#define M(a) a + a\nint x = ${nested('M(', '1', ')', n)};`, 2, 64),
  'arguments in arguments, spelt': of(
    (n) => `#define S(a) #a\n#define M(a) S(a)\nchar x[] = ${nested('M(', '1', ')', n)};`,
    2,
    200,
  ),
  'an argument spelt often': of((n) => `#define S(a) ${'#a '.repeat(n)}\nchar x[] = S(${'y '.repeat(50)});`),
  'a long argument spelt': of((n) => `#define S(a) #a\nchar x[] = S(${'y "z" '.repeat(n)});`),
  'a long argument pasted': of((n) => `#define P(a, b) a ## b\nint P(x, y ${'; int z '.repeat(n)});`),
  'a paste of pastes': of(
    (n) =>
      `#define P(${many(n, (i) => `a${i}`, ',')}) ${many(n, (i) => `a${i}`, ' ## ')}\nint P(${many(n, () => 'x', ',')});`,
  ),
  'a paste in paste': of(
    (n) => `${many(n, (i) => `#define P${i}(a) P${i + 1}(a ## x)\n`)}#define P${n}(a) a\nint P0(y);`,
  ),
  'parameters of a macro': of(
    (n) =>
      `#define P(${many(n, (i) => `a${i}`, ',')}) ${many(n, (i) => `a${i}`, '+')}\nint x = P(${many(n, () => '1', ',')});`,
  ),
  'the same macro defined': of((n) => many(n, () => '#define A 1\n')),
  'a macro defined otherwise': of((n) => many(n, (i) => `#define A ${i}\n`)),
  'a macro defined and undefined': of((n) => `${many(n, () => '#define A 1\n#undef A\n')}`),
  'variadic macros': of(
    (n) => `#define V(x, ...) f(x, ##__VA_ARGS__) __VA_OPT__(a)\nint x(int, V(1, ${many(n, () => '2', ',')}));`,
  ),
  'a macro of commas': of((n) => `#define V(...) __VA_ARGS__\nint x = V(V(${many(n, () => '2', ',')}));`),
  'conditions deep': of((n) => nested('#if 1\n', 'int x;\n', '#endif\n', n)),
  'conditions deep and left out': of((n) => `#if 0\n${nested('#if 1\n', 'int x;\n', '#endif\n', n)}#endif\n`),
  elifs: of((n) => `#if 0\n${many(n, (i) => `#elif ${i} > 1000000\n`)}#endif\nint x;`),
  'a sum in a condition': of((n) => `#if ${many(n, () => '1', '+')}\nint x;\n#endif\n`),
  'brackets in a condition': of((n) => `#if ${nested('(', '1', ')', n)}\nint x;\n#endif\n`),
  'conditionals in a condition': of((n) => `#if ${many(n, () => '1 ? 1 : ')} 0\nint x;\n#endif\n`),
  'conditionals of conditionals in a condition': of(
    (n) => `#if ${'1 ? '.repeat(n)} 1 ${': 0'.repeat(n)}\nint x;\n#endif\n`,
  ),
  'signs in a condition': of((n) => `#if ${'- '.repeat(n)} 1\nint x;\n#endif\n`),
  'defined in a condition': of((n) => `#if ${many(n, (i) => `defined(A${i})`, '||')}\nint x;\n#endif\n`),
  'macros in a condition': of(
    (n) => `${many(n, (i) => `#define A${i} (A${i + 1} + 1)\n`)}#define A${n} 1\n#if A0\nint x;\n#endif\n`,
  ),
  'lines joined': of((n) => `int x = 1${' + \\\n 1'.repeat(n)};`),
  'empty lines joined': of((n) => `int ${'\\\n'.repeat(n)} x;`),
  'a name joined': of((n) => `int x${'a\\\n'.repeat(n)};`),
  'a string joined': of((n) => `char x[] = "${'a\\\n'.repeat(n)}";`),
  'strings side by side': of((n) => `char x[] = ${'"ab" '.repeat(n)};`),
  escapes: of((n) => `char x[] = "${'\\x41\\n'.repeat(n)}";`),
  'a long string': of((n) => `char x[] = "${'ab'.repeat(n)}";`),
  'a long hexadecimal escape': of((n) => `char x[] = "\\x${'0'.repeat(n)}1";`),
  'a long name': of((n) => `int ${'ab'.repeat(n)};`),
  'a long unknown name': of((n) => program(`return ${'ab'.repeat(n)};`)),
  'a long number': of((n) => `int x = ${'1'.repeat(n)};`),
  'a long hexadecimal number': of((n) => `int x = 0x${'0'.repeat(n)}1;`),
  'a long octal number': of((n) => `int x = 0${'0'.repeat(n)}1;`),
  'a number of many letters': of((n) => `int x = 1${'u'.repeat(n)};`),
  'a number with an exponent': of((n) => `int x = 1e${'9'.repeat(n)};`),
  'a long character': of((n) => `int x = '${'a'.repeat(n)}';`),
  'a long comment': of((n) => `/*${' * /'.repeat(n)}*/ int x;`),
  comments: of((n) => `int x${' /* a */ '.repeat(n)};`),
  'comments of a line': of((n) => `int x${' // a \n'.repeat(n)};`),
  blanks: of((n) => `int${' \t'.repeat(n)}x;`),
  'empty lines': of((n) => `int${'\n'.repeat(n)}x;`),
  'one long line of errors': of((n) => `int ${many(n, (i) => `x${i} = y${i}`, ', ')};`),
  'stray characters': of((n) => `int x; ${'@ '.repeat(n)}`),
  'stray backslashes': of((n) => `int x; ${'\\ '.repeat(n)}`),
  'backslashes before blanks': of((n) => `int x; \\${' '.repeat(n)} y`),
  hashes: of((n) => `${'#\n'.repeat(n)}int x;`),
  'line directives': of((n) => `${many(n, (i) => `#line ${i + 1} "f${i}.c"\n`)}int x = y;`),
  'a line directive of a long number': of((n) => `#line ${'9'.repeat(n)}\nint x;`),
  pragmas: of((n) => `${'#pragma x y z\n'.repeat(n)}int x;`),
  'pragmas as operators': of((n) => `${'_Pragma("unroll") '.repeat(n)}int x;`),
  warnings: of((n) => `${many(n, (i) => `#warning w${i}\n`)}int x;`),
  includes: of((n) => `${'#include <linux/sched.h>\n'.repeat(n)}int x;`),
  'includes of different headers': of((n) => `${many(n, (i) => `#include <linux/h${i}.h>\n`)}int x;`),
  'includes by a macro': of((n) => `#define H <linux/sched.h>\n${'#include H\n'.repeat(n)}int x;`),
  'includes of itself': of(
    (n) => `#if __INCLUDE_LEVEL__ < ${n}\n#include "self.h"\n#include "self.h"\n#endif\nint x;`,
    1,
    64,
  ),
  'includes of itself with a counter': of(
    (n) => `#if __COUNTER__ < ${n}\n#include "self.h"\n#include "self.h"\n#endif\n`,
  ),
  counters: of((n) => many(n, () => 'int x = __COUNTER__;\n')),
  'lines asked for': of((n) => many(n, () => 'int x = __LINE__;\n')),
  'a call of a macro over many lines': of((n) => `#define M(a) a\nint x = M(\n${'1 +\n'.repeat(n)}1);`),
  'a macro without arguments': of((n) => `#define M(a) a\nint ${many(n, () => 'M', ' ')};`),
  'brackets in an argument': of((n) => `#define M(a) a\nint x = M(${nested('(', '1', ')', n)});`),
  'an open argument': of((n) => `#define M(a) a\n${many(n, () => 'M(')}`),
  'macros of themselves': of(
    (n) => `${many(n, (i) => `#define A${i} A${(i + 1) % n} A${(i + 7) % n}\n`)}int x = A0;`,
    8,
    1 << 12,
  ),
  'macros that call what they are given': of(
    (n) => `#define E(x) x\n#define F(x) E(x)(x)\nint x = ${nested('F(', '1', ')', n)};`,
    2,
    200,
  ),
  'hidden rescans': of(
    (n) =>
      `#define E() \n#define D(x) x E()\n#define V(x) ${'V2('.repeat(n)}x${')'.repeat(n)}\n#define V2(x) x x\nint V(1);`,
    2,
    64,
  ),
};

export const typed: Readonly<Record<string, Family>> = {
  structs: of((n) => many(n, (i) => `struct s${i} { int a; };\n`)),
  'structs of the one before': of(
    (n) =>
      `struct s0 { int a; };\n${many(n, (i) => `struct s${i + 1} { struct s${i} a; };\n`)}struct s${n} x;${program('return sizeof(x);')}`,
  ),
  'structs that double': of(
    (n) =>
      `struct s0 { int a; };\n${many(n, (i) => `struct s${i + 1} { struct s${i} a, b; };\n`)}${program(`return sizeof(struct s${n});`)}`,
    2,
    64,
  ),
  'structs that double, used': of(
    (n) =>
      `struct s0 { int a; };\n${many(n, (i) => `struct s${i + 1} { struct s${i} a, b; };\n`)}${program(`struct s${n} x = {}; return sizeof(x);`)}`,
    2,
    40,
  ),
  'structs that double by arrays': of(
    (n) =>
      `struct s0 { char a; };\n${many(n, (i) => `struct s${i + 1} { struct s${i} a[2]; };\n`)}BPF_HASH(h, struct s${n});${program(`struct s${n} x = {}; h.increment(x);`)}`,
    2,
    40,
  ),
  'empty structs that double': of(
    (n) =>
      `struct s0 { };\n${many(n, (i) => `struct s${i + 1} { struct s${i} a, b; };\n`)}${program(`struct s${n} x = {}; struct s${n} y = x;`)}`,
    2,
    40,
  ),
  'arrays of no elements that double': of(
    (n) =>
      `struct s0 { int a; };\n${many(n, (i) => `struct s${i + 1} { struct s${i} a[0], b[0]; };\n`)}${program(`struct s${n} x = {}; struct s${n} y = x; return sizeof(x);`)}`,
    2,
    40,
  ),
  'unnamed structs that double': of(
    (n) =>
      `${many(n, (i) => (i === 0 ? '#define S0 struct { int a; }\n' : `#define S${i} struct { S${i - 1} b; S${i - 1} c; }\n`))}S${n - 1} x;`,
    2,
    30,
  ),
  'unions that double': of(
    (n) =>
      `struct s0 { int a; };\n${many(n, (i) => `union s${i + 1} { ${i === 0 ? 'struct' : 'union'} s${i} a, b; };\n`)}${program(`union s${n} x = {}; union s${n} y = x; return y${'.b'.repeat(n)}.a;`)}`,
    2,
    200,
  ),
  'unnamed unions that double': of(
    (n) =>
      `struct s0 { int a; };\n${many(n, (i) => `struct s${i + 1} { union { struct s${i} a${i}; struct s${i} b${i}; }; };\n`)}${program(`struct s${n} x = {}; return sizeof(x);`)}`,
    2,
    200,
  ),
  'anonymous members': of(
    (n) =>
      `struct s { ${many(n, (i) => `struct { int a${i}; };`)} };${program('struct s *x = (void *)ctx->di; return x->a0;')}`,
  ),
  'anonymous members deep': of(
    (n) => `struct s { ${nested('struct {', 'int a;', '};', n)} };${program('struct s x = {}; return x.a;')}`,
  ),
  'structs deep': of(
    (n) =>
      `struct s { ${nested('struct {', 'int a;', '} b;', n)} };${program(`struct s x = {}; return x${'.b'.repeat(n)}.a;`)}`,
  ),
  'a struct of many members': of(
    (n) => `struct s { ${many(n, (i) => `int a${i};`)} };${program('struct s *x = (void *)ctx->di; return x->a0;')}`,
  ),
  'many members read': of(
    (n) =>
      `struct s { ${many(n, (i) => `int a${i};`)} };${program(`struct s *x = (void *)ctx->di; int s = 0; ${many(n, (i) => `s += x->a${i};`)}return s;`)}`,
  ),
  'a struct with the same member': of((n) => `struct s { ${many(n, () => 'int a;')} };`),
  'a member that is not there': of(
    (n) =>
      `struct s { ${many(n, (i) => `int member${i};`)} };${program(`struct s *x = (void *)ctx->di; return ${many(30, (i) => `x->membr${i}x`, '+')};`)}`,
  ),
  'bit-fields': of(
    (n) =>
      `struct s { ${many(n, (i) => `int a${i} : 3;`)} };${program('struct s *x = (void *)ctx->di; return x->a0;')}`,
  ),
  'bit-fields set': of(
    (n) =>
      `struct s { ${many(40, (i) => `int a${i} : 3;`)} };${program(`struct s x = {}; ${many(n, (i) => `x.a${i % 40} = ctx->di;`)} bpf_trace_printk("%d", x.a3);`)}`,
  ),
  'typedefs one behind the other': of(
    (n) =>
      `typedef int t0;\n${many(n, (i) => `typedef t${i} t${i + 1};\n`)}t${n} x;${program(`return (t${n})ctx->di;`)}`,
  ),
  'pointer typedefs one behind the other': of(
    (n) =>
      `typedef int t0;\n${many(n, (i) => `typedef t${i} *t${i + 1};\n`)}t${n} x;${program(`return (long)(t${n})ctx->di;`)}`,
  ),
  'array typedefs one behind the other': of(
    (n) =>
      `typedef int t0;\n${many(n, (i) => `typedef t${i} t${i + 1}[1];\n`)}t${n} x;${program(`return sizeof(t${n});`)}`,
  ),
  'function typedefs one behind the other': of(
    (n) =>
      `typedef int t0;\n${many(n, (i) => `typedef t${i} *(*t${i + 1})(t${i} *);\n`)}t${n} x;${program(`return sizeof(t${n});`)}`,
  ),
  'function typedefs compared': of(
    (n) =>
      `typedef int t0; typedef int u0;\n${many(n, (i) => `typedef int (*t${i + 1})(t${i}, t${i}); typedef int (*u${i + 1})(u${i}, u${i});\n`)}${program(`t${n} x = 0; u${n} y = 0; return x == y;`)}`,
    2,
    200,
  ),
  'function typedefs told': of(
    (n) =>
      `typedef int t0;\n${many(n, (i) => `typedef int (*t${i + 1})(t${i}, t${i});\n`)}extern __typeof__((t${n})0) x; int x;`,
    2,
    200,
  ),
  'function types of a typedef in BTF': of(
    (n) =>
      `typedef int t0;\n${many(n, (i) => `typedef int (*t${i + 1})(t${i}, t${i});\n`)}struct s { __typeof__((t${n})0) f; }; BPF_ARRAY(a, struct s, 1);`,
    2,
    200,
  ),
  'structs that point to each other': of(
    (n) =>
      `${many(n, (i) => `struct s${i} { struct s${(i + 1) % n} *a; struct s${(i + 7) % n} *b; };\n`)}BPF_HASH(h, struct s0);${program('')}`,
  ),
  'structs that point to each other, compared': of(
    (n) =>
      `${many(n, (i) => `struct s${i} { struct s${(i + 1) % n} *a, *b; };\n`)}${program('struct s0 *x = (void *)ctx->di; struct s1 *y = x; return x == y;')}`,
  ),
  'a chain of pointers followed': of(
    (n) =>
      `struct s { struct s *a; int b; };${program(`struct s *x = (void *)ctx->di; return x${'->a'.repeat(n)}->b;`)}`,
  ),
  'pointers of pointers': of(
    (n) => program(`int ${'*'.repeat(n)}x = (void *)ctx->di; return (long)${'*'.repeat(n)}x;`),
    2,
    64,
  ),
  'pointers to arrays': of((n) => program(`int ${nested('(*', 'x', ')[2]', n)} = (void *)ctx->di; return sizeof(x);`)),
  'arrays of arrays': of((n) => `int x${'[1]'.repeat(n)};${program('return sizeof(x);')}`),
  'arrays of arrays of two': of(
    (n) => `static int x${'[2]'.repeat(n)} = { 1 };${program(`return x${'[1]'.repeat(n)};`)}`,
    2,
    64,
  ),
  'a big array': of((n) => `static char x[${n}]; ${program(`x[ctx->di % ${n}] = 1; return x[0];`)}`),
  'a big array that has a value': of((n) => `static char x[${n}] = { 1 }; ${program(`return x[ctx->di % ${n}];`)}`),
  'a big array in a table': of(
    (n) =>
      `struct s { char a[${n}]; }; BPF_ARRAY(x, struct s, 1); ${program('int k = 0; struct s *p = x.lookup(&k); if (p) p->a[0] = 1;')}`,
    50,
    1 << 30,
  ),
  enumerators: of((n) => `enum e { ${many(n, (i) => `A${i}`, ',')} };${program(`return A${n - 1};`)}`),
  'enumerators by the one before': of(
    (n) => `enum e { A0, ${many(n, (i) => `A${i + 1} = A${i} + 1`, ',')} };${program(`return A${n};`)}`,
  ),
  enums: of((n) => many(n, (i) => `enum e${i} { A${i} };\n`)),
  qualifiers: of((n) => `${'const '.repeat(n)}int x;`),
  'words of a type': of((n) => `${'long '.repeat(n)}x;`),
  attributes: of((n) => `int x ${'__attribute__((aligned(8))) '.repeat(n)};`),
  'attributes in one': of((n) => `int x __attribute__((${many(n, () => 'aligned(8)', ',')}));`),
  'typeof of typeof': of((n) => program(`${nested('typeof(', 'int', ')', n)} x = 1; return x;`)),
  'typeof of what is declared before': of((n) =>
    program(`int x0 = ctx->di; ${many(n, (i) => `typeof(x${i}) x${i + 1} = x${i} + 1;\n`)}return x${n};`),
  ),
  'typeof of sums': of((n) =>
    program(`int x0 = ctx->di; ${many(n, (i) => `typeof(x${i} + x${i}) x${i + 1} = x${i} + x${i};\n`)}return x${n};`),
  ),
  'sizeof of sizeof': of((n) => program(`return ${nested('sizeof(', 'int', ')', n)};`)),
  'sizeof of statement expressions': of((n) => program(`return ${nested('sizeof(({', '1', ';}))', n)};`)),
  offsetof: of(
    (n) =>
      `struct s { ${nested('struct {', 'int a;', '} b;', n)} };${program(`return __builtin_offsetof(struct s, ${'b.'.repeat(n)}a);`)}`,
  ),
  parameters: of((n) => `int f(${many(n, (i) => `int a${i}`, ',')});`),
  'parameters of an inline function': of(
    (n) =>
      `static int f(${many(n, (i) => `int a${i}`, ',')}) { return ${many(n, (i) => `a${i}`, '+')}; }${program(`return f(${many(n, (i) => `ctx->di + ${i}`, ',')});`)}`,
  ),
  'parameters that are functions': of((n) => `int f(${nested('int (*g)(', 'int', ')', n)});`),
  'functions that give functions': of((n) => `int ${nested('(*', 'f', '(void))', n)}(void);`),
  'declarations of a function': of((n) => many(n, () => 'int f(int a, int b);\n')),
  'declarations of a global': of((n) => many(n, () => 'extern int x;\n')),
  'static assertions': of((n) => many(n, () => '_Static_assert(sizeof(int) == 4, "a");\n')),
  'kernel structs': of((n) => many(n, (i) => `struct task_struct *t${i};\n`)),
  'members of a kernel struct': of((n) =>
    program(`struct task_struct *t = (void *)bpf_get_current_task(); return t${'->real_parent'.repeat(n)}->tgid;`),
  ),
  'kernel members read': of((n) =>
    program(
      `struct task_struct *t = (void *)ctx->di; u64 s = 0; ${many(n, (i) => `s += t->${i % 2 ? 'pid' : 'tgid'};`)}return s;`,
    ),
  ),
  initialisers: of((n) => `int x[] = { ${many(n, (i) => `${i}`, ',')} };`),
  'initialisers of structs': of(
    (n) => `struct s { int a, b; }; struct s x[] = { ${many(n, (i) => `{ ${i}, 2 }`, ',')} };`,
  ),
  'initialisers without braces': of(
    (n) => `struct s { int a, b; }; struct s x[] = { ${many(n, (i) => `${i}, 2`, ',')} };`,
  ),
  'initialisers by place': of((n) => `int x[] = { ${many(n, (i) => `[${n - i}] = 1`, ',')} };`),
  'initialisers of one place': of((n) => `int x[] = { ${many(n, (i) => `[1] = ${i}`, ',')} };`),
  'initialisers of a range': of((n) => `int x[] = { [0 ... ${n}] = 1 };`),
  'initialisers of ranges that lie on each other': of(
    (n) => `int x[] = { ${many(n, () => `[0 ... ${n}] = 1`, ',')} };`,
  ),
  'initialisers of ranges in ranges': of((n) => `char x${'[10]'.repeat(n)} = { ${'[0 ... 9]'.repeat(n)} = 1 };`, 1, 64),
  'initialisers of deep structs': of(
    (n) => `struct s { ${nested('struct {', 'int a;', '} b;', n)} } x = ${nested('{', '1', '}', n + 1)};`,
  ),
  'initialisers of members': of(
    (n) => `struct s { ${many(n, (i) => `int a${i};`)} } x = { ${many(n, (i) => `.a${i} = ${i}`, ',')} };`,
  ),
  'initialisers of a member chain': of(
    (n) => `struct s { ${nested('struct {', 'int a;', '} b;', n)} } x = { ${'.b'.repeat(n)}.a = 1 };`,
  ),
  'initialisers of strings': of((n) => `char x[][4] = { ${many(n, () => '"abc"', ',')} };`),
  'initialisers on the stack': of((n) =>
    program(`int x[60] = { ${many(n, () => '[ 5 ] = ctx->di', ',')} }; return x[5];`),
  ),
};

export const expressed: Readonly<Record<string, Family>> = {
  brackets: of((n) => numbers(`s = ${nested('(', 'a', ')', n)};`)),
  'brackets of sums': of((n) => numbers(`s = ${nested('(', 'a', ' + b)', n)};`)),
  'brackets of sums to the right': of((n) => numbers(`s = ${nested('(b + ', 'a', ')', n)};`)),
  'brackets that begin a cast': of((n) => numbers(`s = ${nested('((int)', 'a', ')', n)};`)),
  'brackets of names': of((n) => numbers(`s = ${nested('(a)(', 'a', ')', n)};`)),
  signs: of((n) => numbers(`s = ${'- '.repeat(n)}a;`)),
  complements: of((n) => numbers(`s = ${'~'.repeat(n)}a;`)),
  nots: of((n) => numbers(`s = ${'!'.repeat(n)}a;`)),
  'addresses of places': of((n) => numbers(`s = ${'*&'.repeat(n)}a;`)),
  casts: of((n) => numbers(`s = ${'(u8)(s16)'.repeat(n)}a;`)),
  sums: of((n) => numbers(`s = ${many(n, (i) => (i % 2 ? 'a' : 'b'), '+')};`)),
  'sums of different ones': of((n) => numbers(`s = ${many(n, (i) => `(a ^ ${i})`, '+')};`)),
  'sums of numbers': of((n) => numbers(`s = a${' + 1'.repeat(n)};`)),
  'sums of numbers that are constant': of((n) => `int x = 1${' + 1'.repeat(n)};`),
  'products of numbers': of((n) => numbers(`s = a${' * 3'.repeat(n)};`)),
  shifts: of((n) => numbers(`s = a${' << 1'.repeat(n)};`)),
  quotients: of((n) => numbers(`s = a${' / 3'.repeat(n)};`)),
  masks: of((n) => numbers(`s = a${' & 0xffff'.repeat(n)};`)),
  comparisons: of((n) => numbers(`s = a${' < b'.repeat(n)};`)),
  equalities: of((n) => numbers(`s = a${' == b'.repeat(n)};`)),
  ands: of((n) => numbers(`s = ${many(n, (i) => `a != ${i}`, ' && ')};`)),
  ors: of((n) => numbers(`s = ${many(n, (i) => `a == ${i}`, ' || ')};`)),
  'ands in an if': of((n) => numbers(`if (${many(n, (i) => `a != ${i}`, ' && ')}) s = 1;`)),
  'ors in an if': of((n) => numbers(`if (${many(n, (i) => `a == ${i}`, ' || ')}) s = 1;`)),
  'ands and ors': of((n) => numbers(`s = ${many(n, (i) => `(a == ${i} || b == ${i})`, ' && ')};`)),
  'ands in ors deep': of((n) =>
    numbers(`s = ${many(n, (i) => `(a == ${i} ${i % 2 ? '||' : '&&'} `)}b${')'.repeat(n)};`),
  ),
  'ands as values added': of((n) => numbers(`s = ${many(n, (i) => `(a != ${i} && b)`, ' + ')};`)),
  commas: of((n) => numbers(`s = (${many(n, () => 'a++', ', ')});`)),
  assignments: of((n) => numbers(`${'s = b = '.repeat(n)}a;`)),
  'conditionals to the right': of((n) => numbers(`s = ${many(n, (i) => `a == ${i} ? b + ${i} : `)}c;`)),
  'conditionals in the middle': of((n) => numbers(`s = ${'a ? '.repeat(n)}b${' : c'.repeat(n)};`)),
  'conditionals to the left': of((n) => numbers(`s = ${'('.repeat(n)}a${' ? b : c)'.repeat(n)};`)),
  'conditionals added': of((n) => numbers(`s = ${many(n, (i) => `(a == ${i} ? b : c)`, ' + ')};`)),
  'conditionals of conditionals': of(
    (n) => `${many(n, (i) => `#define C${i + 1} (C${i} ? C${i} : C${i})\n`)}#define C0 a\n${numbers(`s = C${n};`)}`,
    1,
    20,
  ),
  'conditionals without a middle': of((n) => numbers(`s = ${many(n, () => 'a ?: ')}c;`)),
  'conditionals of pointers': of((n) =>
    program(
      `struct task_struct *t = (void *)ctx->di, *u = (void *)ctx->si; ${many(n, (i) => `t = ctx->di == ${i} ? t->real_parent : u;`)} return t->pid;`,
    ),
  ),
  'statement expressions': of((n) => numbers(`s = ${nested('({ a++; ', 'a', '; })', n)};`)),
  'statement expressions with ifs': of((n) =>
    numbers(`s = ${nested('({ u64 x; if (a) x = 1; else x = ', 'a', '; x; })', n)};`),
  ),
  'statement expressions side by side': of((n) =>
    numbers(many(n, (i) => `s += ({ u64 x = a + ${i}; if (x > 5) x++; x; });`)),
  ),
  'maxima in maxima': of(
    (n) =>
      `#define max(a, b) ({ typeof(a) _a = (a); typeof(b) _b = (b); _a > _b ? _a : _b; })\n${numbers(`s = ${nested('max(', 'a', ', b)', n)};`)}`,
    1,
    64,
  ),
  generics: of((n) => numbers(`s = ${nested('_Generic(1, int: ', 'a', ', default: b)', n)};`)),
  'generics of generics': of((n) => numbers(`s = ${nested('_Generic(', 'a', ', int: 1, default: 2)', n)};`)),
  'generics of many': of(
    (n) =>
      `${many(n, (i) => `struct s${i} { int a; };`)}${numbers(`s = _Generic(a, ${many(n, (i) => `struct s${i}: ${i},`)} default: 1);`)}`,
  ),
  choices: of((n) => numbers(`s = ${nested('__builtin_choose_expr(1, ', 'a', ', b)', n)};`)),
  'literals in literals': of(
    (n) => `struct s { u64 a; };${numbers(`s = ${nested('((struct s){ ', 'a', '}).a', n)};`)}`,
  ),
  'literals of arrays': of((n) => numbers(many(n, (i) => `s += ((u64[]){ a, b })[${i % 2}];`))),
  'indices in indices': of((n) => numbers(`u64 x[4] = { a, b, c, s }; s = ${nested('x[', 'a & 3', ' & 3]', n)};`)),
  'indices of big arrays': of(
    (n) =>
      `BPF_ARRAY(m, u64, 4);${numbers(`int k = 0; u64 *p = m.lookup(&k); if (!p) return 0; ${many(n, (i) => `s += *p + ${i};`)}`)}`,
  ),
  'sums of sums': of((n) => numbers(`${many(n, () => 'a = a + b; b = b + a;')}s = a;`)),
  'sums of sums as address': of((n) => numbers(`${many(n, () => 'a = a + b; b = b + a;')}s = *(u64 *)a;`)),
  'sums of different widths': of((n) => numbers(`${many(n, () => 'a = (u32)(a + b); b = (u16)b + (int)a;')}s = a;`)),
  'negated sums of sums': of((n) => numbers(`${many(n, () => 'a = -(a + ~b); b = ~(b - a);')}s = a;`)),
  'conditions of conditions': of((n) => numbers(`${many(n, () => 'a = (a < b) + (b < a); b = !a + !b;')}s = a;`)),
  'conditional sums of sums': of((n) => numbers(`${many(n, () => 'a = c ? a + b : b - a; b = c ? b : a;')}s = a;`)),
  'conditional addresses': of((n) =>
    numbers(
      `u64 x[4] = { a, b, c, s }; u64 *p = x, *q = x + 1; ${many(n, (i) => `p = a == ${i} ? p : q; q = b == ${i} ? q : p;`)}s = *p;`,
    ),
  ),
  'addresses of both kinds': of((n) =>
    numbers(
      `u64 x[4] = { a, b, c, s }; u64 *p = x, *q = (void *)ctx->di; ${many(n, (i) => `if (a == ${i}) p = q; if (b == ${i}) q = p;`)}s = *q;`,
    ),
  ),
  updates: of((n) => numbers(`${many(n, () => 'a++; --b; s += a; s -= b;')}`)),
  'volatile updates': of((n) => numbers(`volatile u64 v = a; ${many(n, () => 'v++;')}s = v;`)),
  'updates in memory': of((n) =>
    numbers(`u64 x = a; u64 *p = &x; bpf_probe_read_kernel(p, 8, (void *)b); ${many(n, () => '*p += a;')}s = x;`),
  ),
  'narrow updates in memory': of((n) =>
    numbers(
      `u8 x[8] = {}; bpf_probe_read_kernel(x, 8, (void *)b); ${many(n, (i) => `x[${i % 8}] += x[${(i + 1) % 8}];`)}s = x[0];`,
    ),
  ),
  'calls of helpers': of((n) => numbers(many(n, () => 's += bpf_ktime_get_ns();'))),
  'calls of helpers in helpers': of(
    (n) => `static u64 f(u64 a) { return bpf_ktime_get_ns() + a; }${numbers(`s = ${nested('f(', 'a', ')', n)};`)}`,
  ),
  prints: of((n) => program(many(n, (i) => `bpf_trace_printk("a ${i}\\n");`))),
  'a print of a long format': of((n) => program(`bpf_trace_printk("${'ab'.repeat(n)}");`)),
  'a print of percent signs': of((n) => program(`bpf_trace_printk("${'%%'.repeat(n)}");`)),
  'shifted words': of((n) => numbers(many(n, (i) => `s ^= (s << ${i % 63}) | (s >> ${63 - (i % 63)});`))),
  int128: of((n) => numbers(`__int128 x = a; ${many(n, () => 'x = x * b + c;')}s = x;`)),
  'int128 conditions': of((n) => numbers(`__int128 x = a; ${many(n, (i) => `if (x > b) x = x - ${i};`)}s = x;`)),
  'overflow builtins': of((n) => numbers(many(n, () => 's += __builtin_add_overflow(a, b, &c);'))),
  'builtin copies': of((n) =>
    numbers(`u64 x[4] = {}, y[4] = { a }; ${many(n, () => '__builtin_memcpy(x, y, 32); y[1] = x[0];')} s = x[1];`),
  ),
  'a builtin copy of bytes': of(
    (n) =>
      `struct s { char a[${n}]; }; BPF_ARRAY(m, struct s, 2);${program(`int k = 0, j = 1; struct s *p = m.lookup(&k), *q = m.lookup(&j); if (p && q) __builtin_memcpy(p, q, ${n});`)}`,
  ),
  'a builtin fill of bytes': of(
    (n) =>
      `struct s { char a[${n}]; }; BPF_ARRAY(m, struct s, 2);${program(`int k = 0; struct s *p = m.lookup(&k); if (p) __builtin_memset(p, 0, ${n});`)}`,
  ),
  'a builtin comparison of bytes': of(
    (n) =>
      `struct s { char a[${n}]; }; BPF_ARRAY(m, struct s, 2);${program(`int k = 0, j = 1; struct s *p = m.lookup(&k), *q = m.lookup(&j); if (p && q) return __builtin_memcmp(p, q, ${n});`)}`,
  ),
  'builtin lengths': of((n) => program(`return __builtin_strlen("${'a'.repeat(n)}");`)),
  popcounts: of((n) => numbers(`s = ${nested('__builtin_popcountll(', 'a', ')', n)};`)),
  'byte swaps': of((n) => numbers(`s = ${nested('__builtin_bswap64(1 + ', 'a', ')', n)};`)),
  expectations: of((n) => numbers(`s = ${nested('__builtin_expect(', 'a', ', 1)', n)};`)),
};

export const stated: Readonly<Record<string, Family>> = {
  statements: of((n) => numbers(many(n, (i) => `s = s * 3 + ${i};\n`))),
  'statements of what is live': of(
    (n) =>
      numbers(`${many(n, (i) => `u64 x${i} = a * ${i + 3};`)} bpf_ktime_get_ns(); ${many(n, (i) => `s ^= x${i};`)}`),
    10,
  ),
  'locals that are many': of((n) => numbers(`${many(n, (i) => `u64 x${i} = a;`)}s = x${n - 1};`)),
  'locals in memory': of((n) =>
    numbers(`${many(n, (i) => `{ u64 x${i} = a; bpf_probe_read_kernel(&x${i}, 8, (void *)b); s += x${i}; }`)}`),
  ),
  'locals of the same blocks': of((n) => numbers(nested('{ u64 x = a++; s += x; ', '', '}', n))),
  'structs copied': of(
    (n) =>
      `struct s { u64 a[8]; };${program(`struct s x = { { ctx->di } }, y = { { ctx->si } }; ${many(n, () => 'x = y; y.a[3] += x.a[2];')} bpf_probe_read_kernel(&x, 64, (void *)ctx->dx); return x.a[0] + y.a[3];`)}`,
  ),
  'structs given and taken': of(
    (n) =>
      `struct s { u64 a[4]; }; static struct s f(struct s x) { x.a[1] += x.a[0]; return x; }${program(`struct s x = { { ctx->di } }; ${many(n, () => 'x = f(x);')} return x.a[1];`)}`,
  ),
  'structs given and taken deep': of(
    (n) =>
      `struct s { u64 a[4]; }; static struct s f(struct s x) { x.a[1] += x.a[0]; return x; }${program(`struct s x = { { ctx->di } }; x = ${nested('f(', 'x', ')', n)}; return x.a[1];`)}`,
  ),
  'ifs deep': of((n) => numbers(`${many(n, (i) => `if (a > ${i}) `)}s = 1;`)),
  'ifs with else deep': of((n) => numbers(`${many(n, (i) => `if (a == ${i}) s = ${i * 3}; else `)}s = 1;`)),
  'ifs side by side': of((n) => numbers(many(n, (i) => `if (a == ${i}) s = ${i * 3};\n`))),
  'ifs side by side with else': of((n) => numbers(many(n, (i) => `if (a & ${2 ** (i % 32)}) s += b; else s -= c;\n`))),
  'ifs of the same': of((n) => numbers(many(n, () => 'if (a > 5) s += b; else s -= c;\n'))),
  'ifs that return': of((n) => numbers(many(n, (i) => `if (a == ${i}) return b;\n`))),
  'ifs with calls': of((n) => numbers(many(n, (i) => `if (a > ${i}) s += bpf_ktime_get_ns();\n`))),
  'ifs that change many': of((n) =>
    numbers(
      `u64 d = 1, e = 2, f = 3; ${many(n, (i) => `if (a == ${i}) { s = ${i}; d = e; e = f; f = s; c = d; }\n`)} s = d + e + f + c;`,
    ),
  ),
  cases: of((n) => numbers(`switch (a) { ${many(n, (i) => `case ${i}: s = ${i * 7}; break;\n`)} }`)),
  'cases that fall through': of((n) => numbers(`switch (a) { ${many(n, (i) => `case ${i}: s += ${i * 7};\n`)} }`)),
  'cases of ranges': of((n) =>
    numbers(`switch (a) { ${many(n, (i) => `case ${i * 10} ... ${i * 10 + 5}: s = ${i * 7}; break;\n`)} }`),
  ),
  'a case of a range': of((n) => numbers(`switch (a) { case 0 ... ${n}: s = 1; }`)),
  'the same case': of((n) => numbers(`switch (a) { ${many(n, () => 'case 1: s = 7; break;\n')} }`)),
  'switches deep': of((n) => numbers(nested('switch (a) { case 1: b++; ', 's = 1;', ' }', n))),
  'switches side by side': of((n) =>
    numbers(many(n, (i) => `switch (a) { case ${i}: s++; case 5: s += 2; default: b++; }`)),
  ),
  'gotos forwards': of((n) =>
    numbers(`${many(n, (i) => `if (a == ${i}) goto l${i};\n`)}${many(n, (i) => `l${i}: s += ${i};\n`)}`),
  ),
  'gotos forwards that leave': of((n) =>
    numbers(`${many(n, (i) => `if (a == ${i}) goto out; s += b * ${i};\n`)} out: s++;`),
  ),
  'gotos backwards': of((n) => numbers(`${many(n, (i) => `l${i}: if (a++ == ${i}) goto l${Math.max(0, i - 3)};\n`)}`)),
  'gotos across': of((n) =>
    numbers(
      `${many(n, (i) => `l${i}: if (a++ == ${i}) goto l${(i * 7) % n}; if (b++ == ${i}) goto l${(i * 3 + 1) % n};\n`)}`,
    ),
  ),
  'gotos forwards across': of((n) =>
    numbers(
      `${many(n, (i) => `l${i}: if (a & ${2 ** (i % 31)}) goto l${Math.min(n - 1, i + 1 + ((i * 7) % 5))}; b += s; s ^= ${i};\n`)}`,
    ),
  ),
  'gotos in a chain': of((n) =>
    numbers(`goto l0; ${many(n, (i) => `l${n - 1 - i}: goto l${n - i};\n`)} l${n}: s = 1;`),
  ),
  labels: of((n) => numbers(`${many(n, (i) => `l${i}: `)}s = 1;`)),
  'labels unused': of((n) => numbers(`${many(n, (i) => `l${i}: s++;\n`)}`)),
  'labels that are not there': of((n) => numbers(many(n, (i) => `goto l${i};\n`))),
  'loops side by side': of((n) => numbers(many(n, () => 'for (int i = 0; i < 10; i++) s += a;\n'))),
  'loops side by side, not unrolled': of((n) =>
    numbers(many(n, (i) => `for (int i = 0; i < 100; i++) { if (a == i) break; s += bpf_ktime_get_ns() + ${i}; }\n`)),
  ),
  'loops that the verifier walks': of((n) =>
    numbers(`for (int i = 0; i < ${n}; i++) { if (a == i) break; s += bpf_ktime_get_ns(); }\n`),
  ),
  'loops deep that the verifier walks': of(
    (n) =>
      numbers(
        `${many(n, (i) => `for (int i${i} = 0; i${i} < 10; i${i}++) { if (a == i${i}) continue; `)} s += bpf_ktime_get_ns(); ${'}'.repeat(n)}`,
      ),
    1,
    32,
  ),
  'loops deep of two': of(
    (n) => numbers(`${many(n, (i) => `for (int i${i} = 0; i${i} < 2; i${i}++) `)} s += a;`),
    1,
    32,
  ),
  'loops deep of two that are unrolled': of(
    (n) => numbers(`${many(n, (i) => `\n#pragma unroll\nfor (int i${i} = 0; i${i} < 2; i${i}++) `)} s += a;`),
    1,
    32,
  ),
  'loops deep that read': of(
    (n) => numbers(`${many(n, (i) => `\n#pragma unroll\nfor (int i${i} = 0; i${i} < 10; i${i}++) `)} s += a * i0;`),
    1,
    32,
  ),
  'loops deep of one': of((n) => numbers(`${many(n, (i) => `for (int i${i} = 0; i${i} < 1; i${i}++) `)} s += a;`)),
  'loops deep without a body': of((n) =>
    numbers(`${many(n, (i) => `for (int i${i} = 0; i${i} < 0; i${i}++) `)} s += a;`),
  ),
  'a loop unrolled': of((n) => numbers(`\n#pragma unroll\nfor (int i = 0; i < ${n}; i++) s = s * a + i;`)),
  'a loop unrolled with ifs': of((n) =>
    numbers(`\n#pragma unroll\nfor (int i = 0; i < ${n}; i++) { if (a == i) s += b; else s -= c; }`),
  ),
  'a loop unrolled with breaks': of((n) =>
    numbers(`\n#pragma unroll\nfor (int i = 0; i < ${n}; i++) { if (a == i) break; s += bpf_ktime_get_ns(); }`),
  ),
  'a loop unrolled that reads': of((n) =>
    numbers(
      `char x[64]; bpf_probe_read_kernel(x, 64, (void *)a);\n#pragma unroll\nfor (int i = 0; i < ${n}; i++) s += x[i % 64];`,
    ),
  ),
  'a loop unrolled that writes': of((n) =>
    numbers(
      `char x[64] = {};\n#pragma unroll\nfor (int i = 0; i < ${n}; i++) x[i % 64] = a + i; bpf_trace_printk("%s", x);`,
    ),
  ),
  'a loop that counts': of((n) => numbers(`for (u64 i = 0; i < ${n}; i++) ;`)),
  'a loop that doubles': of((n) =>
    numbers(`for (u64 i = 1; i < ${2 ** 52}ull; i *= 2) for (u64 j = 0; j < ${n}; j++) s++;`),
  ),
  'a loop of macros': of(
    (n) => `#define L(i) for (int i = 0; i < 3; i++)\n${numbers(`${many(n, (i) => `L(i${i}) `)} s += a;`)}`,
    1,
    32,
  ),
  'a while': of((n) => numbers(`int i = 0; while (i++ < ${n}) s += a;`)),
  'a do': of((n) => numbers(`int i = 0; do { s += a; } while (++i < ${n});`)),
  'whiles deep': of((n) => numbers(`${many(n, (i) => `while (a > ${i}) `)}break;`)),
  breaks: of((n) => numbers(`for (int i = 0; i < 5; i++) { ${many(n, (i) => `if (a == ${i}) break;`)} s++; }`)),
  continues: of((n) => numbers(`for (int i = 0; i < 5; i++) { ${many(n, (i) => `if (a == ${i}) continue;`)} s++; }`)),
  'inline assembly': of((n) => numbers(many(n, () => 'asm volatile("%0 += 1" : "+r"(a));\n'))),
  'inline assembly of many lines': of((n) => numbers(`asm volatile("${'%0 += 1\\n'.repeat(n)}" : "+r"(a));`)),
  'inline assembly of many operands': of(
    (n) => numbers(`asm volatile("${many(n, (i) => `%${i} += 1`, ';')}" : ${many(n, () => '"+r"(a)', ',')});`),
    2,
  ),
  'empty statements': of((n) => numbers(';'.repeat(n))),
  'blocks side by side': of((n) => numbers('{}'.repeat(n))),
  'blocks deep': of((n) => numbers(nested('{', '', '}', n))),
  'unknown names': of((n) => numbers(many(n, (i) => `s += unknown${i};\n`))),
  'names not used': of((n) => program(many(n, (i) => `int x${i} = 1;\n`))),
  'names not set': of((n) => program(`${many(n, (i) => `int x${i};\n`)} return ${many(n, (i) => `x${i}`, '+')};`)),
  'names set on some ways': of((n) =>
    numbers(`${many(n, (i) => `u64 x${i}; if (a == ${i}) x${i} = 1;\n`)} ${many(n, (i) => `s += x${i};`)}`),
  ),
  'names set on some ways in loops': of(
    (n) =>
      numbers(
        `u64 x; ${many(n, (i) => `for (int i${i} = 0; i${i} < 3; i${i}++) { if (a == ${i}) x = 1; `)} s += x; ${'}'.repeat(n)}`,
      ),
    2,
    180,
  ),
};

export const called: Readonly<Record<string, Family>> = {
  functions: of((n) => many(n, (i) => `static int f${i}(int a) { return a + ${i}; }\n`)),
  'functions called': of(
    (n) =>
      `${many(n, (i) => `static int f${i}(int a) { return a * ${i}; }\n`)}${program(`int s = ctx->di; ${many(n, (i) => `s = f${i}(s);`)} return s;`)}`,
  ),
  'functions in a chain': of(
    (n) =>
      `static int f0(int a) { return a; }\n${many(n, (i) => `static int f${i + 1}(int a) { return f${i}(a) + 1; }\n`)}${program(`return f${n}(ctx->di);`)}`,
  ),
  'functions in a chain that is called twice': of(
    (n) =>
      `static int f0(int a) { return a; }\n${many(n, (i) => `static int f${i + 1}(int a) { return f${i}(a) + f${i}(a); }\n`)}${program(`return f${n}(ctx->di);`)}`,
    2,
    64,
  ),
  'functions that read in a chain called twice': of(
    (n) =>
      `static u64 f0(u64 *a) { return *a; }\n${many(n, (i) => `static u64 f${i + 1}(u64 *a) { return f${i}(a) + f${i}(a + 1); }\n`)}${program(`return f${n}((u64 *)ctx->di);`)}`,
    2,
    64,
  ),
  'functions in a chain called by a condition': of(
    (n) =>
      `static int f0(int a) { return a; }\n${many(n, (i) => `static int f${i + 1}(int a) { return a > ${i} ? f${i}(a - 1) : f${i}(a + 1); }\n`)}${program(`return f${n}(ctx->di);`)}`,
    2,
    64,
  ),
  'empty functions in a chain called twice': of(
    (n) =>
      `static void f0(void) { }\n${many(n, (i) => `static void f${i + 1}(void) { f${i}(); f${i}(); }\n`)}${program(`f${n}();`)}`,
    2,
    64,
  ),
  'noinline functions in a chain': of(
    (n) =>
      `static __attribute__((noinline)) int f0(int a) { return a; }\n${many(n, (i) => `static __attribute__((noinline)) int f${i + 1}(int a) { return f${i}(a) + 1; }\n`)}${program(`return f${n}(ctx->di);`)}`,
    2,
  ),
  'noinline functions in a chain called twice': of(
    (n) =>
      `static __attribute__((noinline)) int f0(int a) { return a; }\n${many(n, (i) => `static __attribute__((noinline)) int f${i + 1}(int a) { return f${i}(a) + f${i}(a + 1); }\n`)}${program(`return f${n}(ctx->di);`)}`,
    2,
    64,
  ),
  'noinline functions': of(
    (n) =>
      `${many(n, (i) => `static __attribute__((noinline)) int f${i}(int a) { return a * ${i}; }\n`)}${program(`int s = ctx->di; ${many(n, (i) => `s = f${i}(s);`)} return s;`)}`,
  ),
  'noinline functions that all call each other forwards': of(
    (n) =>
      `${many(n, (i) => `static __attribute__((noinline)) int f${i}(int a) { return a ${many(i, (j) => ` + f${j}(a)`)}; }\n`)}${program(`return f${n - 1}(ctx->di);`)}`,
    4,
    256,
  ),
  'noinline functions whose pointers differ': of(
    (n) =>
      `${many(n, (i) => `static __attribute__((noinline)) u64 f${i}(u64 *a, u64 *b, u64 *c) { ${i === 0 ? 'return *a;' : `u64 x = 1; return f${i - 1}(b, c, a) + f${i - 1}(&x, a, b);`} }\n`)}${program(`u64 x = 1; return f${n - 1}(&x, (u64 *)ctx->di, (u64 *)ctx->si);`)}`,
    2,
    256,
  ),
  'a noinline function called often': of(
    (n) =>
      `static __attribute__((noinline)) int f(int a) { return a > 5 ? a : 7; }\n${numbers(many(n, () => 's += f(a++);'))}`,
  ),
  'a function of itself': of(
    (n) => `static int f(int a) { return ${many(n, () => 'f(a)', '+')}; }${program('return f(1);')}`,
  ),
  'functions of each other': of(
    (n) =>
      `${many(n, (i) => `static int f${i}(int a);\n`)}${many(n, (i) => `static int f${i}(int a) { return f${(i + 1) % n}(a) + f${(i + 2) % n}(a); }\n`)}${program('return f0(1);')}`,
    2,
    1 << 12,
  ),
  'noinline functions of each other': of(
    (n) =>
      `${many(n, (i) => `static int f${i}(int a);\n`)}${many(n, (i) => `static __attribute__((noinline)) int f${i}(int a) { return f${(i + 1) % n}(a) + f${(i + 2) % n}(a); }\n`)}${program('return f0(1);')}`,
    2,
    1 << 12,
  ),
  programs: of((n) => many(n, (i) => `int kprobe__vfs_read${i}(struct pt_regs *ctx) { return ctx->di; }\n`)),
  'programs that call one': of(
    (n) =>
      `static int f(int a) { return a + 1; }\n${many(n, (i) => `int kprobe__vfs_read${i}(struct pt_regs *ctx) { return f(ctx->di); }\n`)}`,
  ),
  'calls deep': of(
    (n) => `static int f(int a) { return a + 1; }\n${program(`return ${nested('f(', 'ctx->di', ')', n)};`)}`,
  ),
  'calls of ifs': of(
    (n) =>
      `static int f(int a) { if (a > 5) return a + 1; return 3; }\n${program(`return ${nested('f(', 'ctx->di', ')', n)};`)}`,
  ),
  'calls with statements as arguments': of(
    (n) =>
      `static int f(int a) { return a + 1; }\n${program(`return ${nested('f(({ int x = ', 'ctx->di', '; x; }))', n)};`)}`,
  ),
  callbacks: of(
    (n) => `static long f(u32 i, void *c) { return 0; }\n${program(many(n, () => 'bpf_loop(10, f, 0, 0);'))}`,
  ),
  'callbacks in callbacks': of(
    (n) =>
      `static long f0(u32 i, void *c) { return 0; }\n${many(n, (i) => `static long f${i + 1}(u32 i, void *c) { bpf_loop(100, f${i}, 0, 0); return 0; }\n`)}${program(`bpf_loop(100, f${n}, 0, 0);`)}`,
    1,
    64,
  ),
  'callbacks in callbacks twice': of(
    (n) =>
      `static long f0(u32 i, void *c) { return 0; }\n${many(n, (i) => `static long f${i + 1}(u32 i, void *c) { bpf_loop(100, f${i}, 0, 0); bpf_loop(10, f${i}, 0, 0); return 0; }\n`)}${program(`bpf_loop(100, f${n}, 0, 0);`)}`,
    1,
    64,
  ),
};

export const tables: Readonly<Record<string, Family>> = {
  tables: of((n) => many(n, (i) => `BPF_HASH(h${i});\n`)),
  'tables used': of(
    (n) => `${many(n, (i) => `BPF_HASH(h${i});\n`)}${program(`u64 k = 1; ${many(n, (i) => `h${i}.increment(k);`)}`)}`,
  ),
  'a table used often': of((n) => `BPF_HASH(h);\n${program(`u64 k = ctx->di; ${many(n, () => 'h.increment(k++);')}`)}`),
  'lookups deep': of(
    (n) =>
      `BPF_HASH(h);\n${program(`u64 k = ctx->di, *p; ${nested('p = h.lookup(&k); if (p) { k = *p;', 'k++;', '}', n)} return k;`)}`,
  ),
  'lookups side by side': of(
    (n) =>
      `BPF_HASH(h);\n${program(`u64 k = ctx->di, *p; ${many(n, () => 'p = h.lookup(&k); if (p) { k += *p; }')} return k;`)}`,
  ),
  'keys of many members': of(
    (n) =>
      `struct k { ${many(n, (i) => `char a${i};`)} }; BPF_HASH(h, struct k);\n${program('struct k k = {}; h.increment(k);')}`,
  ),
  'keys of nested structs': of(
    (n) =>
      `struct k { ${nested('struct {', 'char a;', '} b;', n)} }; BPF_HASH(h, struct k);\n${program('struct k k = {}; h.increment(k);')}`,
  ),
  'values of kernel structs': of((n) => `${many(n, (i) => `BPF_HASH(h${i}, u32, struct task_struct *);\n`)}`),
  'maps of maps': of((n) => `${many(n, (i) => `BPF_ARRAY(a${i}, u64, 4);\nBPF_ARRAY_OF_MAPS(m${i}, "a${i}", 4);\n`)}`),
  events: of(
    (n) =>
      `struct e { ${many(30, (i) => `u32 a${i};`)} }; BPF_PERF_OUTPUT(events);\n${program(`struct e e = {}; ${many(n, (i) => `e.a${i % 30} = ctx->di; events.perf_submit(ctx, &e, sizeof(e));`)}`)}`,
  ),
  'events of structs that double': of(
    (n) =>
      `struct s0 { char a; };\n${many(n, (i) => `struct s${i + 1} { struct s${i} a, b; };\n`)}BPF_RINGBUF_OUTPUT(events, 8);${program(`struct s${n} *e = events.ringbuf_reserve(sizeof(struct s${n})); if (e) events.ringbuf_discard(e, 0);`)}`,
    2,
    32,
  ),
  'libbpf maps': of((n) =>
    many(
      n,
      (i) =>
        `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 10); __type(key, u32); __type(value, u64); } m${i} SEC(".maps");\n`,
    ),
  ),
  'libbpf maps of themselves': of(
    (n) =>
      `struct { __uint(type, BPF_MAP_TYPE_HASH); ${many(n, (i) => `__uint(max_entries, ${i});`)} __type(key, u32); __type(value, u64); } m SEC(".maps");\n`,
  ),
  'probe reads deep': of(
    (n) =>
      `struct a { struct a *n; u64 v; };${program(`struct a *p = (void *)ctx->di; ${many(n, () => 'p = p->n;')} return p->v;`)}`,
  ),
  'probe reads in conditions': of((n) =>
    program(
      `struct task_struct *p = (void *)ctx->di; ${many(n, (i) => `if (p->pid == ${i}) p = p->real_parent;`)} return p->tgid;`,
    ),
  ),
  'probe reads of sums': of((n) =>
    program(
      `struct task_struct *p = (void *)ctx->di, *q = (void *)ctx->si; return ${many(n, (i) => (i % 2 ? 'p->pid' : 'q->real_parent->tgid'), '+')};`,
    ),
  ),
  'fields of a tracepoint': of(
    (n) => `TRACEPOINT_PROBE(sched, sched_switch) { u64 s = 0; ${many(n, () => 's += args->prev_pid;')} return s; }`,
  ),
  'atomic operations': of(
    (n) =>
      `BPF_ARRAY(m, u64, 4);${program(`int k = 0; u64 *p = m.lookup(&k); if (!p) return 0; ${many(n, () => '__sync_fetch_and_add(p, 1);')}`)}`,
  ),
  globals: of(
    (n) => `${many(n, (i) => `static int x${i} = ${i};\n`)}${program(`return ${many(n, (i) => `x${i}`, '+')};`)}`,
  ),
  'globals set': of((n) => `${many(n, (i) => `int x${i};\n`)}${program(many(n, (i) => `x${i} = ctx->di;`))}`),
  'globals of structs that double': of(
    (n) =>
      `struct s0 { char a; };\n${many(n, (i) => `struct s${i + 1} { struct s${i} a, b; };\n`)}static struct s${n} x;${program(`return sizeof(x);`)}`,
    2,
    40,
  ),
  'pointers to globals': of((n) => `static int x; static int *p[] = { ${many(n, () => '&x', ',')} };`),
  strings: of((n) => program(`char x[8] = "abc"; ${many(n, (i) => `bpf_trace_printk("%s ${i}", x);`)}`)),
  'strings compared': of((n) =>
    program(
      `char x[16]; bpf_get_current_comm(x, 16); ${many(n, () => 'if (__builtin_memcmp(x, "abcdefgh", 8) == 0) return 1;')}`,
    ),
  ),
};

export const families: Readonly<Record<string, Readonly<Record<string, Family>>>> = {
  preprocessing,
  typed,
  expressed,
  stated,
  called,
  tables,
};
