import { nearestHint } from '../base/index.ts';
import type { Fd, Kernel } from '../sys/index.ts';
import { type PerfCounter, perfCounter, perfCounters, perfTypes } from '../uapi/index.ts';
import { BpfError, request } from './bpf-error.ts';
import type { LoadedMap } from './map-table.ts';

/** Perf events by the name that perf-list(1) has for them, or by type and config as BCC's PerfType, PerfHWConfig … */
export interface PerfEventName {
  readonly event?: PerfCounter;
  /** perf_event_attr.type: 0 hardware, 1 software. */
  readonly evType?: number;
  readonly evConfig?: number;
}

/** struct perf_event_attr, as far as a program can see of it. */
export interface PerfEventAttributes {
  readonly type: number;
  readonly config: number;
  /** Samples every so many events; with `freq` so many times a second. */
  readonly samplePeriod?: number;
  readonly sampleFreq?: number;
  readonly freq?: boolean;
}

/** @throws BpfError ENOENT for an event that there is not, with the nearest names */
export function counterOf({ event, evType, evConfig }: PerfEventName): PerfCounter {
  const names = Object.keys(perfCounters);
  if (event !== undefined) {
    if (names.includes(event)) return event;
    throw new BpfError('ENOENT', 'perf event', `no perf event '${event}'`, {
      ...nearestHint(event, names),
      expected: names.join(', '),
    });
  }
  const found = perfCounter(evType ?? -1, evConfig ?? -1);
  if (found !== undefined) return found;
  throw new BpfError('ENOENT', 'perf event', `no perf event of type ${evType} and config ${evConfig}`, {
    expected: `type ${perfTypes.hardware} or ${perfTypes.software}, or one of ${names.join(', ')} as event`,
  });
}

/**
 * A counter on each CPU, put into a table's slot of that CPU. A counter lives as long as the table holds it, so its fd
 * is not kept.
 */
export function openCounters(kernel: Kernel, map: LoadedMap, counter: PerfCounter, pid?: number): void {
  const { name, maxEntries } = map.spec;
  const count = maxEntries === 0 ? kernel.cpus : Math.min(maxEntries, kernel.cpus);
  for (let cpu = 0; cpu < count; cpu++) {
    request('perf event', `cannot put ${counter} of CPU ${cpu} into table ${name}`, () => {
      const event = kernel.perfEventOpen({ cpu, counter, ...(pid === undefined || pid < 0 ? {} : { pid }) });
      try {
        kernel.mapUpdate(map.fd, slot(cpu), slot(event));
      } finally {
        kernel.close(event);
      }
    });
  }
}

function slot(value: number | Fd): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}
