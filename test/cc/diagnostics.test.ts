import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { compileC, renderDiagnostics } from '../../src/cc/index.ts';

const profile = loadProfile('6.18');

const headers: Readonly<Record<string, string>> = {
  'outer.h': '#include "inner.h"\n',
  'inner.h': 'struct event {\n  u32 pid\n};\n',
};

function diagnose(text: string): string {
  const includes = (path: string) => {
    const header = headers[path];
    return header === undefined ? undefined : { name: path, text: header };
  };
  return `${renderDiagnostics(compileC(text, { file: 'tool.c', profile, includes }).diagnostics)}\n`;
}

/** Each `=== NAME`, its C, `---`, and the whole of what is said of it. `DIAGNOSTICS=write` renews what is said. */
const fixture = new URL('fixtures/diagnostics.txt', import.meta.url);
const cases = readFileSync(fixture, 'utf8')
  .split(/^=== /m)
  .slice(1)
  .map((part) => {
    const [name = '', rest = ''] = part.split(/\n([\s\S]*)/);
    const [text = '', expected = ''] = rest.split(/^---\n/m);
    return { name, text, expected };
  });
if (process.env.DIAGNOSTICS === 'write') {
  const written = cases.map(({ name, text }) => `=== ${name}\n${text}---\n${diagnose(text)}`);
  writeFileSync(fixture, written.join(''));
}

describe('diagnostics', () => {
  test.each(cases)('$name', ({ text, expected }) => {
    expect(diagnose(text)).toBe(expected);
  });

  test('what stands in the text does not steer the terminal', () => {
    expect(diagnose('int f(void *ctx) { return\tx\x1b[2J; }')).toContain('\n  int f(void *ctx) { return\tx?[2J; }\n');
  });

  const twice = (i: number): string => (i === 0 ? 'x' : `g${i - 1}(x) + g${i - 1}(x)`);
  test.each([
    ['wrong all over', `int f(struct pt_regs *ctx) { return bpf_probe_read(${'nearly, '.repeat(50_000)}1); }`],
    ['a pointer without end', `int f(struct pt_regs *ctx) { char ${'*'.repeat(10_000)}x; return 0; }`],
    ['an array without end', `int f(struct pt_regs *ctx) { int x${'[2]'.repeat(10_000)}; return 0; }`],
    ['a condition without end', `#if ${'('.repeat(20_000)}1${')'.repeat(20_000)}\n#endif`],
    ['macros within macros', `#define F(x) (x)\nint f = ${'F('.repeat(3000)}1${')'.repeat(3000)};`],
    ['macros that double', `#define D(x) x x\nint f = ${'D('.repeat(40)}1${')'.repeat(40)};`],
    [
      'calls that double',
      `${Array.from({ length: 40 }, (_, i) => `static inline int g${i}(int x) { return ${twice(i)}; }`).join('\n')}
int f(struct pt_regs *ctx) { return g39(1); }`,
    ],
  ])('%s is soon given up', (_, text) => {
    const { object, diagnostics } = compileC(text, { file: 'tool.c', profile });
    expect(object).toBeUndefined();
    expect(diagnostics.length).toBeLessThan(50);
    expect(diagnostics[0]?.at.line).toBeGreaterThan(0);
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
