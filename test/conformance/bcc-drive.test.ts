import { describe, expect, test } from 'vitest';
import { ms } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { BccDriver } from './bcc-drive.ts';

const driver = new BccDriver(loadProfile('6.1'), ms(150));

const opens = `
#include <linux/fs.h>
BPF_PERF_OUTPUT(events);
BPF_HASH(counts, u32, u64);
int opened(struct pt_regs *ctx, struct inode *inode, struct file *filp) {
  u32 pid = bpf_get_current_pid_tgid() >> 32;
  counts.increment(pid);
  events.perf_submit(ctx, &pid, sizeof(pid));
  return 0;
}
int never(struct pt_regs *ctx) { return 0; }
`;

describe('the driver', () => {
  test('attaches a text as it is told, and tells what it said', () => {
    const attach = [{ kind: 'kprobe', fn: 'opened', event: 'ext4_file_open' }];
    const drive = driver.drive('opens', opens, { attach, open_perf_buffer: ['events'] });
    expect(drive).toMatchObject({ attached: 1, wanted: 1, hit: 1, points: 1, silent: false, notes: [] });
    expect(drive.events).toBeGreaterThan(0);
    expect(drive.entries).toEqual({ counts: 1 });
  });

  test('tells of a text that says nothing, and of a point that is not there or never passed', () => {
    const attach = [
      { kind: 'kprobe', fn: 'never', event: 'tcp_v4_conn_request' },
      { kind: 'kprobe', fn: 'never', event: 'no_such_function' },
    ];
    const drive = driver.drive('opens', opens, { attach, open_perf_buffer: ['events'] });
    expect(drive).toMatchObject({ attached: 1, wanted: 2, hit: 0, points: 1, events: 0, silent: true });
    expect(drive.notes).toEqual([
      expect.stringContaining('kprobe no_such_function: '),
      expect.stringContaining('never hit: {"kind":"kprobe","function":"tcp_v4_conn_request"'),
    ]);
  });

  test.each([
    [
      'a USDT probe',
      'BPF_ARRAY(n, u64, 1); int hit(struct pt_regs *ctx) { n.increment(0); return 0; }',
      'query__start',
    ],
  ])('passes %s', (_, text, probe) => {
    expect(driver.drive('x', text, { usdt: [{ pid: 1, probes: [[probe, 'hit']] }] })).toMatchObject({
      hit: 1,
      entries: { n: 1 },
    });
  });
});
