import { expect, test } from 'vitest';
import { parseTraceLine } from '../../src/client/index.ts';

test.each([
  [
    '            curl-500     [001] d..31  1234.567891: bpf_trace_printk: hello 42',
    { task: 'curl', pid: 500, cpu: 1, flags: 'd..31', time: 1234.567891, message: 'hello 42' },
  ],
  [
    ' kworker/0:1-mm_-17      [000] .....     0.000001: bpf_trace_printk: a: b',
    { task: 'kworker/0:1-mm_', pid: 17, cpu: 0, flags: '.....', time: 0.000001, message: 'a: b' },
  ],
  [
    '          <idle>-0       (-----) [002] d.s3.  9.5: bpf_trace_printk: ',
    { task: '<idle>', pid: 0, cpu: 2, flags: 'd.s3.', time: 9.5, message: '' },
  ],
  ['CPU:1 [LOST 12 EVENTS]', undefined],
])('%s', (line, fields) => {
  expect(parseTraceLine(line)).toEqual(fields);
});
