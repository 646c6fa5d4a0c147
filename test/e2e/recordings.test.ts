import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { tracebed } from '../cli/console.ts';
import { countsOf, traceDrops } from './trace-drops.ts';

const folder = fileURLToPath(new URL('../../scenarios/recordings/', import.meta.url));
const traces = readdirSync(folder).filter((name) => name.endsWith('.trace'));

interface DropLine {
  readonly type: string;
  readonly time_ns: number;
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string;
  readonly reason: string;
  readonly location: string;
  readonly stack: readonly string[];
  readonly protocol: string | null;
  readonly src: string | null;
  readonly dst: string | null;
  readonly sport: number | null;
  readonly dport: number | null;
  readonly packet: string | null;
  readonly missing: string | null;
}

async function jsonRun(argv: readonly string[]): Promise<{ text: string; lines: Record<string, unknown>[] }> {
  const { code, out, err } = await tracebed(['run', 'drop-monitor', '--format', 'json', ...argv]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return {
    text: out,
    lines: out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  };
}

function dropsOf(lines: readonly unknown[]): DropLine[] {
  return (lines as DropLine[]).filter((line) => line.type === 'drop');
}

/** The frames of all captures beside a trace, as hex. */
function capturedFrames(file: string): string[] {
  const captures = readdirSync(folder).filter((name) => name.startsWith(`${basename(file, '.trace')}.`));
  return captures
    .filter((name) => name.endsWith('.pcap'))
    .flatMap((name) => {
      const bytes = readFileSync(`${folder}${name}`);
      const frames: string[] = [];
      for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) {
        frames.push(bytes.toString('hex', at + 16, at + 16 + bytes.readUInt32LE(at + 8)));
      }
      return frames;
    });
}

/** A drop's bytes, where it has any, are those of a captured frame, or of what is behind its link header. */
function expectCaptured(drop: DropLine, frames: readonly string[]): void {
  const { packet } = drop;
  if (packet === null) return;
  const found = frames.some((frame) => frame.startsWith(packet) || frame.slice(28).startsWith(packet));
  expect(found, `${drop.reason} at ${drop.time_ns}: ${packet}`).toBe(true);
}

describe.each(traces)('%s', (file) => {
  test("gives the trace's own drops: counts, tasks, CPUs, stacks, gaps in time", async () => {
    const recorded = traceDrops(readFileSync(`${folder}${file}`, 'utf8'));
    const { lines } = await jsonRun(['--scenario', `${folder}${file}`]);
    const drops = dropsOf(lines);
    const place = (drop: { reason: string; location: string }): string => `${drop.reason} ${drop.location}`;
    expect(recorded.length).toBeGreaterThan(0);
    expect(countsOf(drops.map(place))).toEqual(countsOf(recorded.map(place)));
    const first = recorded[0]!;
    const tell = (drop: { comm: string; pid: number; cpu: number; reason: string; location: string }, us: number) =>
      `${drop.comm}-${drop.pid} on ${drop.cpu} +${us}us ${place(drop)}`;
    expect(drops.map((drop) => tell(drop, Math.round((drop.time_ns - drops[0]!.time_ns) / 1e3)))).toEqual(
      recorded.map((drop) => tell(drop, drop.time - first.time)),
    );
    expect(drops.map((drop) => drop.stack)).toEqual(recorded.map((drop) => drop.stack));
    for (const drop of drops) expectCaptured(drop, capturedFrames(file));
    const summary = lines.at(-1) as { records: number; ledger: { balanced: boolean; lost: number } };
    expect(summary).toMatchObject({ type: 'summary', state: 'ended', records: recorded.length });
    expect(summary.ledger).toMatchObject({ balanced: true, lost: 0, delivered: recorded.length, pending: 0 });
  });
});

test.each(['udp_closed_port', 'neigh_fail', 'veth_ring_overflow'])(
  '%s gives the same bytes by name, by file, again, and at any speed',
  async (name) => {
    const { text } = await jsonRun(['--scenario', `${folder}${name}.trace`]);
    for (const argv of [
      ['--scenario', name],
      ['--scenario', name, '--speed', '1000'],
    ]) {
      expect((await jsonRun(argv)).text).toBe(text);
    }
  },
);

/** What tcpdump prints of the captures. */
test.each([
  ['udp_closed_port', ['UDP 10.77.0.1:42104 > 10.77.0.2:9999']],
  ['tcp_closed_port', ['TCP 10.77.0.1:53896 > 10.77.0.2:9998', 'TCP 10.77.0.1:40112 > 10.77.0.2:9997']],
])('%s: the flows of the drops are those of the capture', async (name, flows) => {
  const drops = dropsOf((await jsonRun(['--scenario', name])).lines);
  const seen = drops.map(({ protocol, src, sport, dst, dport }) => `${protocol} ${src}:${sport} > ${dst}:${dport}`);
  expect([...new Set(seen)]).toEqual(flows);
});

test('without a capture nothing is made up: no bytes, no addresses, and the record says why', async () => {
  const drops = dropsOf((await jsonRun(['--scenario', 'nocap_unknown_ethertype'])).lines);
  for (const drop of drops) {
    expect(drop).toMatchObject({ packet: null, src: null, dst: null, sport: null, dport: null });
    expect(drop.missing).toMatch(/capture/);
  }
});
