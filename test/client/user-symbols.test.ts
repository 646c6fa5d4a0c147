import { expect, test } from 'vitest';
import { BpfError, expandTarget, formatTarget, formatUserSymbol, loadObject } from '../../src/client/index.ts';
import { binary } from '../../src/events/index.ts';
import { assembleObject } from '../../src/object/index.ts';
import { boot } from '../../src/sim/index.ts';
import { profile } from '../sim/bench.ts';
import { engines } from '../vm/engines.ts';

const app = binary('/usr/bin/app', {
  functions: ['main', 'serve'],
  probes: [{ provider: 'app', name: 'got', in: 'serve', arguments: '-4@%edi' }],
});
const libc = binary('/lib/libc.so.6', { functions: ['malloc'] });
const machine = () => boot({ profile, cpus: 1, engine: engines[0]!, processes: [{ pid: 7, binaries: [app, libc] }] });

test.each([
  [{ kind: 'uprobe', binary: 'c', function: 'malloc' } as const, ['uprobe /lib/libc.so.6+0x1000']],
  [{ kind: 'uretprobe', binary: '/usr/bin/app', function: 'serve' } as const, ['uretprobe /usr/bin/app+0x1400']],
  [{ kind: 'usdt', binary: 'app', provider: 'app', probe: 'got' } as const, ['uprobe /usr/bin/app+0x1420']],
  [{ kind: 'raw_tracepoint', name: 'sched_switch' } as const, ['raw_tracepoint sched_switch']],
])('%o', (target, expected) => {
  using kernel = machine();
  expect(expandTarget(kernel, target).map(formatTarget)).toEqual(expected);
});

test.each([
  [{ kind: 'uprobe', binary: '/usr/bin/ap', function: 'main' } as const, '/usr/bin/app'],
  [{ kind: 'uprobe', binary: 'app', function: 'serv' } as const, 'serve'],
  [{ kind: 'usdt', binary: 'app', provider: 'app', probe: 'gott' } as const, 'app:got'],
])('%o is not there', (target, near) => {
  using kernel = machine();
  expect(() => expandTarget(kernel, target)).toThrow(BpfError);
  expect(() => expandTarget(kernel, target)).toThrow(expect.objectContaining({ hint: expect.stringContaining(near) }));
});

test('addresses have names in the processes that map them', () => {
  using kernel = machine();
  const { start } = kernel.mappings(7).find(({ path }) => path === app.path)!;
  const address = start + 0x1404n;
  expect(formatUserSymbol(kernel, 7, address)).toBe('serve');
  expect(formatUserSymbol(kernel, 7, address, { showOffset: true, showModule: true })).toBe('serve+0x4 [app]');
  expect(formatUserSymbol(kernel, 7, start + 0x10n, { showModule: true })).toBe('[unknown] [app]');
  expect(formatUserSymbol(kernel, 8, address)).toBe('[unknown]');
});

test('an object of all sections attaches by itself', () => {
  const sections = [
    'uprobe/app:serve',
    'uretprobe/c:malloc',
    'usdt/app:app:got',
    'raw_tp/sched_switch',
    'tp_btf/sched_switch',
    'fentry/tcp_v4_connect',
    'fexit/tcp_v4_connect',
  ];
  const text = sections.map((section, i) => `.section "${section}"\nprogram${i}:\n  r0 = 0\n  exit\n`).join('\n');
  using kernel = machine();
  const spec = assembleObject(`.license "GPL"\n${text}`, { file: 'all.s', profile });
  using object = loadObject(kernel, spec);
  expect(object.autoAttach().map((link) => formatTarget(link.target))).toEqual([
    'uprobe /usr/bin/app+0x1400',
    'uretprobe /lib/libc.so.6+0x1000',
    'uprobe /usr/bin/app+0x1420',
    'raw_tracepoint sched_switch',
    'raw_tracepoint sched_switch',
    'fentry tcp_v4_connect',
    'fexit tcp_v4_connect',
  ]);
});
