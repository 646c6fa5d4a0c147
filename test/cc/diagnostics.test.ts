import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';

const profile = loadProfile('6.1');

function diagnose(text: string): string {
  return renderDiagnostics(compileC(text, { file: 'tool.c', profile }).diagnostics);
}

describe('diagnostics', () => {
  test.each([
    [
      'an unknown member, with the nearest names',
      'int f(struct pt_regs *ctx, struct sock *sk) { return sk->sk_protocl; }',
      /tool\.c:1:58: error: 'struct sock' has no member 'sk_protocl'[\s\S]*\^[\s\S]*did you mean 'sk_protocol'/,
    ],
    [
      'an unknown helper',
      'int f(void *ctx) { return bpf_ktime_get_nss(); }',
      /unknown function 'bpf_ktime_get_nss'[\s\S]*bpf_ktime_get_ns/,
    ],
    ['an unknown type', 'int f(void *ctx) { uint65_t x = 1; return x; }', /error/],
    [
      'a missing semicolon, behind what it should close',
      'int f(void *ctx) {\n  int a = 1\n  return a;\n}',
      /tool\.c:2:11: error: expected ';' after this/,
    ],
    ['floating point', 'int f(void *ctx) { double d; return 0; }', /BPF has no floating point/],
    ['recursion', 'static int g(int a) { return g(a - 1); } int f(void *ctx) { return g(3); }', /'g' calls itself/],
    [
      'too large a local',
      'int f(void *ctx) { char a[600]; return a[0]; }',
      /600 bytes, and a program's stack holds 512/,
    ],
    [
      'too large a frame',
      'static void use(char *p) { bpf_get_current_comm(p, 16); } int f(void *ctx) { char a[300]; char b[300]; use(a); use(b); return a[1] + b[2]; }',
      /bytes of stack, and BPF has 512/,
    ],
    [
      'a loop that cannot be unrolled',
      'int f(struct pt_regs *ctx, int n) { int s = 0;\n#pragma unroll\nfor (int i = 0; i < n; i++) s += i; return s; }',
      /cannot be unrolled/,
    ],
    [
      'a table method',
      'BPF_HASH(t, u32); int f(void *ctx) { u32 k = 1; t.lokup(&k); return 0; }',
      /no 'lokup'[\s\S]*'lookup'/,
    ],
    [
      'a macro expansion, as a note',
      '#define READ(p) (p)->nothing\nint f(struct pt_regs *ctx, struct sock *sk) { return READ(sk); }',
      /tool\.c:2:54: error[\s\S]*tool\.c:1:\d+: note: in the expansion of macro 'READ'/,
    ],
    ['an include that is nowhere', '#include "mine.h"\n', /no file 'mine\.h'/],
    [
      'an open comment',
      'int f(void *ctx) { return 0; }\n  /* no more',
      /tool\.c:2:3: error: a comment that does not end/,
    ],
    ['an open conditional', '#if 1\nint a;\n', /#if without #endif/],
  ])('%s', (_name, text, expected) => {
    expect(diagnose(text)).toMatch(expected);
  });

  test('several errors come at once', () => {
    const text = 'int f(void *ctx) { return a; }\nint g(void *ctx) { return b; }\n';
    expect(compileC(text, { profile }).diagnostics).toHaveLength(2);
  });

  test('a text that is wrong all over, or a pointer without end, is soon given up', () => {
    const many = `int f(struct pt_regs *ctx) { return bpf_probe_read(${'nearly, '.repeat(50_000)}1); }`;
    for (const text of [many, `int f(struct pt_regs *ctx) { char ${'*'.repeat(10_000)}x; return 0; }`]) {
      const { object, diagnostics } = compileC(text, { file: 'tool.c', profile });
      expect(object).toBeUndefined();
      expect(diagnostics.length).toBeLessThan(50);
      expect(diagnostics[0]?.at.line).toBe(1);
    }
  });

  test('whatever the text, there is a diagnostic with a position or an object', () => {
    const source = `#include <uapi/linux/ptrace.h>
#define KEY(x) ({ u32 k = (x); k; })
struct data_t { u32 pid; u64 ts; char comm[16]; union { u32 a; u8 b[4]; }; };
BPF_HASH(start, u32, struct data_t);
BPF_PERF_OUTPUT(events);
static inline int skip(u32 pid) { return pid == 0 || pid > 100; }
int kprobe__do_exit(struct pt_regs *ctx, struct task_struct *t) {
  struct data_t d = { .pid = KEY(t->tgid), .ts = bpf_ktime_get_ns() }, *p;
  if (skip(d.pid)) return 0;
  for (int i = 0; i < 4; i++) d.b[i] += i;
  switch (d.pid & 3) { case 1: d.ts <<= 2; break; default: d.ts--; }
  p = start.lookup_or_try_init(&d.pid, &d);
  if (p) { p->ts += d.ts; events.perf_submit(ctx, &d, sizeof(d)); }
  return 0;
}
TRACEPOINT_PROBE(skb, kfree_skb) { return args->protocol ? 1 : 0; }
`;
    const random = new Random(7);
    const pieces = source.match(/\w+|\s+|[^\w\s]/g)!;
    for (let round = 0; round < 300; round++) {
      const mutated = [...pieces];
      for (let n = random.int(1, 4); n > 0; n--) {
        const at = random.int(0, mutated.length - 1);
        const kind = random.int(0, 2);
        if (kind === 0) mutated.splice(at, random.int(1, 3));
        else if (kind === 1) mutated.splice(at, 0, random.pick(pieces));
        else mutated[at] = random.pick(pieces);
      }
      const text = mutated.join('');
      const { object, diagnostics } = compileC(text, { file: 'tool.c', profile });
      if (!object) expect(diagnostics[0]?.at.line, text).toBeGreaterThan(0);
    }
  });
});
