import { boot, loadProfile } from 'tracebed';
import { expect, test } from 'vitest';

const profile = loadProfile('6.18');

test('files of /proc say what the scenario gave, or that nothing goes on', () => {
  using machine = boot({ profile, cpus: 1, files: { '/proc/loadavg': '0.42 0.17 0.05 2/99 1234\n' } });
  expect(machine.readFile('/proc/loadavg')).toBe('0.42 0.17 0.05 2/99 1234\n');
  expect(machine.readFile('/proc/meminfo')).toMatch(/^Cached: +0 kB$/m);
  expect(() => machine.readFile('/proc/stat')).toThrow(/ENOENT/);
});

test('a cgroup has one id, which programs and user space agree on', () => {
  using machine = boot({ profile, cpus: 1 });
  const ssh = machine.cgroupId('/system.slice/ssh.service');
  expect(machine.cgroupId('/')).toBe(1);
  expect(machine.cgroupId('/system.slice')).toBeLessThan(ssh);
  expect(machine.cgroupId('/system.slice/ssh.service')).toBe(ssh);
});
