import { describe, expect, test } from 'vitest';
import { parseSection, sectionKinds } from '../../src/object/index.ts';
import { programTypes } from '../../src/uapi/index.ts';

test.each([
  ['kprobe/tcp_v4_connect', 'kprobe', { kind: 'kprobe', function: 'tcp_v4_connect' }],
  ['kprobe/tcp_v4_connect+0x10', 'kprobe', { kind: 'kprobe', function: 'tcp_v4_connect', offset: 16 }],
  ['kprobe/do_softirq.part.0', 'kprobe', { kind: 'kprobe', function: 'do_softirq.part.0' }],
  ['kprobe/tcp_*', 'kprobe', { kind: 'kprobe', function: 'tcp_*' }],
  ['kprobe//^tcp_v[46]_/', 'kprobe', { kind: 'kprobe', function: '/^tcp_v[46]_/' }],
  ['kprobe', 'kprobe', undefined],
  ['kretprobe/vfs_read', 'kprobe', { kind: 'kretprobe', function: 'vfs_read' }],
  ['ksyscall/openat', 'kprobe', { kind: 'kprobe', function: 'sys_openat' }],
  ['kretsyscall/openat', 'kprobe', { kind: 'kretprobe', function: 'sys_openat' }],
  ['tracepoint/skb/kfree_skb', 'tracepoint', { kind: 'tracepoint', name: 'skb:kfree_skb' }],
  ['tp/skb/*', 'tracepoint', { kind: 'tracepoint', name: 'skb:*' }],
  ['tracepoint/skb:kfree_skb', 'tracepoint', { kind: 'tracepoint', name: 'skb:kfree_skb' }],
  ['raw_tp/kfree_skb', 'raw_tracepoint', { kind: 'raw_tracepoint', name: 'kfree_skb' }],
  ['tp_btf/kfree_skb', 'tracing', { kind: 'raw_tracepoint', name: 'kfree_skb' }],
  ['fentry/tcp_v4_connect', 'tracing', { kind: 'fentry', function: 'tcp_v4_connect' }],
  ['uprobe//usr/bin/bash:readline', 'kprobe', { kind: 'uprobe', binary: '/usr/bin/bash', function: 'readline' }],
  ['usdt/c:libc:setjmp', 'kprobe', { kind: 'usdt', binary: 'c', provider: 'libc', probe: 'setjmp' }],
  ['xdp', 'xdp', undefined],
  ['socket', 'socket_filter', undefined],
  ['cgroup_skb/egress', 'cgroup_skb', undefined],
])('%s', (section, type, target) => {
  expect(parseSection(section)).toEqual({ type, target });
});

describe('refused', () => {
  test.each([
    ['kprbe/tcp_connect', "no program goes into a section 'kprbe/tcp_connect'", /kprobe/],
    [
      'tracepoint/kfree_skb',
      "'kfree_skb' is no place that a tracepoint program attaches to",
      /tracepoint\/CATEGORY\/NAME/,
    ],
    ['kretprobe/vfs_read+4', "'vfs_read+4' is no place that a kretprobe program attaches to", /kretprobe\/FUNCTION/],
    ['kprobe/', "'' is no place that a kprobe program attaches to", /kprobe\/FUNCTION/],
    ['xdp/eth0', "a section 'xdp' says no more than its name: 'xdp/eth0'", /xdp/],
    ['constructor/x', "no program goes into a section 'constructor/x'", /kprobe/],
  ])('%s', (section, message, rest) => {
    let fault: unknown;
    try {
      parseSection(section);
    } catch (caught) {
      fault = caught;
    }
    expect(fault).toMatchObject({ message });
    const { expected, hint } = fault as { expected?: string; hint?: string };
    expect(`${expected} ${hint}`).toMatch(rest);
  });
});

test('every row names a program type of the kernel', () => {
  for (const { type } of Object.values(sectionKinds)) expect(programTypes).toHaveProperty(type);
});
