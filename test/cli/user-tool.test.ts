import { describe, expect, test } from 'vitest';
import { answersTo, type Typed } from '../docs/page.ts';

/** A tool of a user that goes wrong while it runs: one message with the line in the user's file, and no stack. */
const tool = (body: string): string => `import { BPF, defineTool } from 'tracebed';

export default defineTool({
  name: 'mine',
  summary: 'a tool of a user',
  scenario: 'syscalls',
  start(setup) {
    const bpf = new BPF(setup.kernel, { text: 'BPF_HASH(calls, u32); int kprobe__vfs_read(void *ctx) { calls.increment(1); return 0; }' });
    ${body}
  },
});
`;

const cases: readonly (readonly [what: string, body: string, answer: RegExp])[] = [
  [
    'start throws',
    'return { bpf, view: setup.nothing.rows({}) };',
    /^tracebed: .*mine\.ts:9:39: the tool failed: Cannot read properties of undefined \(reading 'rows'\)\n$/,
  ],
  [
    'its text throws',
    "return { bpf, view: { noun: 'text', render() { throw new Error('no text today'); } } };",
    /^tracebed: .*mine\.ts:9:\d+: the tool failed: no text today\n$/,
  ],
  [
    'a fault of tracebed',
    "return { bpf, view: { noun: 'text', render: () => ({ lines: bpf.table('cals').printLog2Hist('ns'), json: {} }) } };",
    /^tracebed: .*mine\.ts:9:69: the tool failed: the object has no map 'cals' \(ENOENT\)\n {2}hint: did you mean calls\?\n$/,
  ],
  [
    'its C is wrong',
    "return { bpf: new BPF(setup.kernel, { text: 'int kprobe__vfs_read(void *ctx) { return x; }' }), view: {} };",
    /^tracebed: text\.c:1:42: error: use of undeclared identifier 'x'\n/,
  ],
  [
    'nothing is shown',
    'return { bpf };',
    /^tracebed: start of tool mine returned nothing that can be shown\n {2}expected: /,
  ],
  ['no BPF', 'return { view: setup.rows({ noun: "row", columns: { A: "%d" } }) };', /returned no BPF\n {2}expected: /],
  ['nothing is returned', '', /returned nothing that can be shown/],
];

describe('a tool of a user', () => {
  const typed = cases.map(
    ([, body]): Typed => ({
      line: 1,
      command: 'tracebed run ./mine.ts --duration 1ms',
      expected: [],
      files: new Map([['mine.ts', tool(body)]]),
    }),
  );
  const answers = answersTo(typed);

  test.each(cases.map(([what, , answer], i) => [what, answer, i] as const))('%s', (_what, answer, i) => {
    expect(answers[i]!.err).toMatch(answer);
    expect(answers[i]!.code).toBe(1);
  });
});
