import { describe, expect, test } from 'vitest';
import { minutes, ms, sec } from '../../src/base/index.ts';
import { loadProfile } from '../../src/btf/index.ts';
import { decodePacket, type KernelEvent, type SkBuff } from '../../src/events/index.ts';
import { play } from './play.ts';

const nameOf = (event: KernelEvent) => (event.kind === 'tracepoint' ? event.name : `${event.kind} ${labelOf(event)}`);

/** A number that differs when anything of an event's outside differs. */
function digest(): { add(event: KernelEvent): void; value: number } {
  const sum = { value: 0x811c9dc5, add };
  function add(event: KernelEvent): void {
    const text = `${event.time} ${event.cpu} ${event.task.pid} ${nameOf(event)} ${event.stack[0]}`;
    for (let i = 0; i < text.length; i++) sum.value = Math.imul(sum.value ^ text.charCodeAt(i), 0x01000193);
  }
  return sum;
}

const scripts: [string, number][] = [
  ['app', sec(2)],
  ['disk', sec(4)],
  ['packets', sec(4)],
  ['drop-storm', sec(1)],
  ['processes', sec(3)],
  ['quiet-night', minutes(60)],
  ['slow-connect', sec(20)],
  ['tcp-clients', sec(4)],
  ['syscalls', sec(5)],
];

describe.each(scripts)('%s', (name, duration) => {
  test('is the same for the same seed, and another for another', async () => {
    const [first, again, other] = [digest(), digest(), digest()];
    await play(name, { duration }, first.add);
    await play(name, { duration }, again.add);
    await play(name, { duration, seed: 2 }, other.add);
    expect(again.value).toBe(first.value);
    expect(other.value).not.toBe(first.value);
  });

  test.each(['6.18', '6.1'])('names only what kernel %s has', async (kernel) => {
    const profile = loadProfile(kernel);
    const functions = new Map<string, string[]>();
    const tracepoints = new Map<string, string[]>();
    await play(name, { duration: Math.min(duration, minutes(42)), kernel }, (event) => {
      if (event.kind === 'entry') functions.set(event.function, Object.keys(event.args));
      else if (event.kind === 'tracepoint') tracepoints.set(event.name, Object.keys(event.fields));
    });
    for (const [point, fields] of tracepoints) {
      expect(profile.tracepoint(point)?.fields.map((field) => field.name)).toEqual(expect.arrayContaining(fields));
    }
    for (const [fn, args] of functions) {
      const call = fn.startsWith('__x64_sys_') && profile.tracepoint(fn.replace('__x64_sys_', 'syscalls:sys_enter_'));
      if (call) {
        expect(call.fields.map((field) => field.name)).toEqual(expect.arrayContaining(args));
        continue;
      }
      expect(profile.btf.functionPrototype(fn)?.params.map((param) => param.name)).toEqual(
        expect.arrayContaining(args),
      );
    }
  });

  test.each([1, 7])('plays on %d CPUs', async (cpus) => {
    expect(await play(name, { duration: Math.min(duration, sec(2)), cpus }, () => undefined)).toBeGreaterThanOrEqual(0);
  });

  test('has an exit for each entry, on the same task, the last entered first', async () => {
    const open = new Map<string, string[]>();
    let wrong = 0;
    await play(name, { duration }, (event) => {
      // The idle task of each CPU is a task of its own.
      const who = event.task.pid === 0 ? `CPU ${event.cpu}` : `${event.task.pid}`;
      const calls = open.get(who) ?? [];
      open.set(who, calls);
      if (event.kind === 'entry') calls.push(event.function);
      else if (event.kind === 'exit' && calls.pop() !== event.function) wrong++;
    });
    expect(wrong).toBe(0);
  });
});

describe('drop-storm', () => {
  test('drops 20,000 packets a second and more, of every family, for every kind of reason', async () => {
    const reasons = new Set<unknown>();
    const devices = new Set<unknown>();
    const tasks = new Set<string>();
    const protocols = new Set<string>();
    let drops = 0;
    let previous: unknown;
    let same = 0;
    await play('drop-storm', { duration: sec(3) }, (event) => {
      if (event.kind !== 'tracepoint') return;
      drops++;
      const skb = event.fields.skbaddr as SkBuff;
      if (skb === previous) same++;
      previous = skb;
      reasons.add(event.fields.reason);
      devices.add(skb.dev?.name);
      tasks.add(event.task.comm);
      if (drops % 50 === 0) {
        for (const layer of decodePacket(skb.data!, { link: skb.mac < 0 ? 'none' : 'ethernet' }))
          protocols.add(layer.kind);
      }
    });
    expect(same).toBe(0);
    expect(drops / 3).toBeGreaterThan(18_000);
    expect(reasons.size).toBeGreaterThan(10);
    expect(devices.size).toBe(4);
    expect(tasks.size).toBeGreaterThan(8);
    expect([...protocols]).toEqual(expect.arrayContaining(['arp', 'ipv4', 'ipv6', 'icmp', 'tcp', 'udp']));
  });

  test('makes a million events in less than a minute, and holds none of them', async () => {
    let half = 0;
    let count = 0;
    await play('drop-storm', { duration: sec(18) }, () => {
      count++;
      if (count === 500_000) half = process.memoryUsage().heapUsed;
    });
    expect(count).toBeGreaterThan(1_000_000);
    // Half a million events more would take some 200 MB if they were kept.
    expect(process.memoryUsage().heapUsed - half).toBeLessThan(80e6);
  });
});

test('quiet-night is quiet but for one minute', async () => {
  const perMinute = new Map<number, number>();
  await play('quiet-night', { duration: minutes(60) }, (event) => {
    const minute = Math.floor(event.time / minutes(1));
    if (event.kind === 'tracepoint') perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
  });
  for (const [minute, drops] of perMinute) {
    if (minute !== 41) expect(drops).toBeLessThan(12);
  }
  expect(perMinute.get(41)).toBeGreaterThan(20_000);
});

test('slow-connect has a tail', async () => {
  const began = new Map<number, number>();
  const latencies: number[] = [];
  await play('slow-connect', { duration: sec(60) }, (event) => {
    if (!('function' in event) || event.function !== 'tcp_v4_connect') return;
    if (event.kind === 'entry') began.set(event.task.pid, event.time);
    else latencies.push(event.time - began.get(event.task.pid)!);
  });
  latencies.sort((a, b) => a - b);
  expect(latencies.length).toBeGreaterThan(2000);
  expect(latencies[latencies.length >> 1]).toBeLessThan(ms(0.1));
  expect(latencies[Math.floor(latencies.length * 0.99)]).toBeGreaterThan(ms(2));
});

test('syscalls has all four, with what they were asked for', async () => {
  const seen = new Map<string, number>();
  const paths = new Set<unknown>();
  await play('syscalls', { duration: sec(10) }, (event) => {
    seen.set(nameOf(event), (seen.get(nameOf(event)) ?? 0) + 1);
    if (event.kind === 'tracepoint' && event.fields.filename) {
      paths.add((event.fields.filename as { content?: string }).content);
    }
  });
  for (const call of ['openat', 'read', 'write', 'execve']) {
    const count = seen.get(`syscalls:sys_enter_${call}`);
    expect(count).toBeGreaterThan(5);
    expect(seen.get(`entry __x64_sys_${call}`)).toBe(count);
  }
  expect(paths.size).toBeGreaterThan(10);
  expect(paths).toContain('/usr/bin/ls');
});

/** What happens, by its name. */
function labelOf(event: KernelEvent): string {
  return 'name' in event ? event.name : 'function' in event ? event.function : event.kind;
}
