import { describe, expect, test } from 'vitest';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';
import { engines } from '../vm/engines.ts';
import { compiled, runCode } from './run-c.ts';

const profile = loadProfile('6.1');
const input = [5n, 0xfffffffffffffff0n, 0x1122334455667788n, 0n, 9n, 0n, 0n, 0n];

/** Bodies of `u64 run(u64 *in)` with what each returns. */
const bodies: readonly (readonly [name: string, body: string, result: bigint])[] = [
  [
    'an ALU instruction on a read and written operand',
    'u64 a = in[0]; asm volatile("%0 += 7" : "+r"(a)); return a;',
    12n,
  ],
  ['two operands', 'u64 a = in[0], b = in[4]; asm volatile("%0 *= %1" : "+r"(a) : "r"(b)); return a;', 45n],
  ['a new output', 'u64 a; asm volatile("%0 = %1" : "=r"(a) : "r"(in[4])); return a;', 9n],
  ['names', 'u64 a = 1; asm volatile("%[a] <<= %[by]" : [a] "+r"(a) : [by] "r"(in[0])); return a;', 32n],
  ['an immediate', 'u64 a = in[0]; asm volatile("%0 += %1" : "+r"(a) : "i"(sizeof(u64) * 4)); return a;', 37n],
  ['an immediate where either is right', 'u64 a = in[0]; asm volatile("%0 += %1" : "+r"(a) : "ri"(3)); return a;', 8n],
  ['an input tied to the output', 'u64 a; asm volatile("%0 -= %2" : "=r"(a) : "0"(in[4]), "r"(in[0])); return a;', 4n],
  ['32-bit registers', 'u64 a = in[1]; asm volatile("%w0 += 1" : "+r"(a)); return a;', 0xfffffff1n],
  ['a 32-bit variable', 'int a = -3; asm volatile("%0 += 1" : "+r"(a)); return a;', 0xfffffffffffffffen],
  [
    'a signed value keeps its sign',
    'int a = -3; u64 b; asm volatile("%0 = %1" : "=r"(b) : "r"(a)); return b;',
    0xfffffffffffffffdn,
  ],
  ['a narrow result is cut', 'u8 a = 250; asm volatile("%0 += 10" : "+r"(a)); return a;', 4n],
  ['negation', 'u64 a = in[0]; asm volatile("%0 = -%0" : "+r"(a)); return a;', -5n & 0xffffffffffffffffn],
  ['signed shift', 'u64 a = in[1]; asm volatile("%0 s>>= 4" : "+r"(a)); return a;', 0xffffffffffffffffn],
  ['byte order', 'u64 a = in[2]; asm volatile("%0 = be32 %0" : "+r"(a)); return a;', 0x88776655n],
  [
    'loads of every size',
    'u64 *p = in + 2; u64 a, b, c, d; asm volatile("%0 = *(u8 *)(%1 + 0)" : "=r"(a) : "r"(p)); asm volatile("%0 = *(u16 *)(%1 + 2)" : "=r"(b) : "r"(p)); asm volatile("%0 = *(u32 *)(%1 + 4)" : "=r"(c) : "r"(p)); asm volatile("%0 = *(u64 *)(%1 + 8)" : "=r"(d) : "r"(p)); return a + b + c + d;',
    0x88n + 0x5566n + 0x11223344n,
  ],
  [
    'stores of every size',
    'u64 m[2] = {}; asm volatile("*(u8 *)(%0 + 0) = %1" :: "r"(m), "r"(in[0]) : "memory"); asm volatile("*(u16 *)(%0 + 2) = %1" :: "r"(m), "r"(in[0]) : "memory"); asm volatile("*(u32 *)(%0 + 4) = %1" :: "r"(m), "r"(in[0]) : "memory"); asm volatile("*(u64 *)(%0 + 8) = 9" :: "r"(m) : "memory"); return m[0] + m[1];',
    0x500050005n + 9n,
  ],
  [
    'what is in memory is read again',
    'u64 m = 1; asm volatile("*(u64 *)(%0 + 0) = 4" :: "r"(&m) : "memory"); return m;',
    4n,
  ],
  ['a memory operand', 'u64 m = 3; asm volatile("*(u64 *)%0 = %1" : "=m"(m) : "r"(in[4])); return m;', 9n],
  ['a memory input', 'u64 m = 3, a; asm volatile("%0 = *(u64 *)%1" : "=r"(a) : "m"(m)); return a;', 3n],
  [
    'an atomic addition',
    'u64 m = 3; asm volatile("lock *(u64 *)(%0 + 0) += %1" :: "r"(&m), "r"(in[0]) : "memory"); return m;',
    8n,
  ],
  [
    'an atomic addition that gives the old value',
    'u64 m = 3, v = in[0]; asm volatile("%1 = atomic_fetch_add((u64 *)(%0 + 0), %1)" :: "r"(&m), "r"(v) : "memory"); return m;',
    8n,
  ],
  [
    'compare and exchange',
    'u64 m = 3, old; asm volatile("r0 = 3; r0 = cmpxchg_64(%1 + 0, r0, %2); %0 = r0" : "=r"(old) : "r"(&m), "r"(in[4]) : "r0", "memory"); return m * 100 + old;',
    903n,
  ],
  ['a 64-bit immediate', 'u64 a; asm volatile("%0 = 0x123456789abcdef ll" : "=r"(a)); return a;', 0x123456789abcdefn],
  ['several instructions', 'u64 a = in[0]; asm volatile("%0 += 1;\\n%0 *= 2\\n\\t%0 -= 3" : "+r"(a)); return a;', 9n],
  ['a jump', 'u64 a = in[0]; asm volatile("if %0 == 5 goto +1; %0 = 77; %0 += 1" : "+r"(a)); return a;', 6n],
  [
    'a label',
    'u64 a = in[0], n = 0; asm volatile("again: %1 += %0; %0 -= 1; if %0 != 0 goto again" : "+r"(a), "+r"(n)); return n;',
    15n,
  ],
  [
    'two of one label',
    'u64 a = 1; for (int i = 0; i < 2; i++) asm volatile("goto l%=; %0 = 9; l%=: %0 += 1" : "+r"(a)); return a;',
    3n,
  ],
  [
    'several outputs',
    'u64 a, b; asm volatile("%0 = %2; %1 = %3" : "=&r"(a), "=r"(b) : "r"(in[0]), "r"(in[4])); return a * 10 + b;',
    59n,
  ],
  [
    'a swap',
    'u64 a = in[0], b = in[4], t; asm volatile("%2 = %0; %0 = %1; %1 = %2" : "+r"(a), "+r"(b), "=&r"(t)); return a * 10 + b;',
    95n,
  ],
  [
    'registers by their names',
    'u64 a; asm volatile("r1 = %1; r1 += 4; r0 = r1; %0 = r0" : "=r"(a) : "r"(in[0]) : "r0", "r1"); return a;',
    9n,
  ],
  [
    'the frame pointer',
    'u64 a; asm volatile("*(u64 *)(r10 - 512) = 6; %0 = *(u64 *)(r10 - 512)" : "=r"(a)); return a;',
    6n,
  ],
  [
    'what lives over it is kept',
    'u64 a = in[0], b = in[4], c; asm volatile("r0 = 1; r1 = 2; r2 = 3; r3 = 4; r4 = 5; %0 = r4" : "=r"(c) :: "r0", "r1", "r2", "r3", "r4"); return a * 100 + b * 10 + c;',
    595n,
  ],
  ['an empty text hides a value', 'u64 a = 5; asm volatile("" : "+r"(a)); return a;', 5n],
  ['__asm__', 'u64 a = 5; __asm__ __volatile__("%0 += 1" : "+r"(a) : : "cc"); return a;', 6n],
];

describe.each(engines)('inline assembly on the $name', (engine) => {
  test.each(bodies)('%s', (_name, body, result) => {
    expect(runCode(compiled(`u64 run(u64 *in) { ${body} }`, profile), input, engine)).toBe(result);
  });

  test('calls of helpers', () => {
    const call = (how: string, more = ''): string =>
      `u64 run(u64 *in) { u64 a; asm volatile("call ${how}; %0 = r0" : "=r"(a) : ${more} : "r0", "r1", "r2", "r3", "r4", "r5"); return a + in[0]; }`;
    const helpers = { 5: (window: { answer(value: number): void }) => window.answer(100) };
    for (const text of [call('5'), call('bpf_ktime_get_ns'), call('%[now]', '[now] "i"(bpf_ktime_get_ns)')]) {
      expect(runCode(compiled(text, profile), input, engine, { helpers })).toBe(105n);
    }
  });
});

describe('what inline assembly cannot be', () => {
  test.each([
    ['asm volatile("%0 += 1" : "=x"(a));', "invalid constraint '=x' in asm", "an output is '=r'"],
    ['asm volatile("%0 += %1" : "+r"(a) : "i"(in[0]));', "invalid constraint 'i' in asm", 'must be a constant'],
    ['asm volatile("%0 += %3" : "+r"(a));', "names the operand '%3', and there is none", ''],
    ['asm volatile("%0 ?= 1" : "+r"(a));', "in the assembly 'r1 ?= 1':", ''],
    ['asm volatile("r7 = 1" ::: "r7");', "'r7' cannot be clobbered", 'r6 to r9 hold what the compiler keeps'],
    ['asm volatile("r7 = 1");', 'inline assembly cannot name r7', 'use r0 to r5, or an operand'],
    ['asm volatile("r1 = 1" ::: "eax");', "unknown register name 'eax' in asm", ''],
    ['asm volatile("goto +5");', 'a jump leaves the inline assembly', ''],
    ['asm goto("goto %l0" :::: out); out:', "'asm goto' cannot leave the assembly", 'jump in C'],
    ['asm volatile("r1 = events ll");', 'inline assembly cannot name a table', '"r"(&table)'],
    ['asm volatile("call bpf_ktime_get_nss");', "there is no helper or function 'bpf_ktime_get_nss'", 'did you mean'],
    [
      'asm volatile("" :: "r"(a), "r"(a)); asm volatile("%0 = 1" :: "r"(*(struct { int x[4]; } *)in));',
      'does not fit a register',
      'pass its address',
    ],
    ['asm volatile(a);', 'inline assembly is a string', ''],
  ])('%s', (body, message, hint) => {
    const text = `u64 run(u64 *in) { u64 a = 1; ${body} return a; }`;
    const shown = renderDiagnostics(compileC(text, { file: 'tool.c', profile }).diagnostics);
    expect(shown).toContain(message);
    expect(shown).toContain(hint);
  });
});
