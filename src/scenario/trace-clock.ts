/**
 * One time line for a trace and its captures: markers in the trace carry the same moment on the real-time and the
 * monotonic clock (`realtime_ns=… mono_ns=…`). Virtual time 0 is the `begin` marker, or the first event.
 */
import type { Nanoseconds } from '../base/index.ts';
import type { TraceEntry, TraceText } from './trace-text.ts';

/** A moment on both clocks. */
interface ClockPair {
  readonly realtime: bigint;
  /** On the trace's clock, ns. */
  readonly trace: Nanoseconds;
  /** How far apart the two readings may be, ns. */
  readonly error: Nanoseconds;
}

export interface TraceClock {
  /** Trace time of virtual time 0. */
  readonly zero: Nanoseconds;
  /** Real time of virtual time 0; undefined when no marker tells. */
  readonly epoch: bigint | undefined;
  /** Trace time of a real time. */
  readonly traceTime: ((realtime: bigint) => Nanoseconds) | undefined;
  /** How far a packet's time may be off an event's, ns. */
  readonly slack: Nanoseconds;
}

/** The marker's own time stamp and its mono_ns differ by the write alone when the trace's clock is monotonic. */
const sameClock = 10_000_000;

/** Two clocks cannot be read at once: 5 to 8 us lay between the readings of real recordings. */
const readingError = 20_000;

function pairOf(marker: TraceEntry): ClockPair | undefined {
  const realtime = /\brealtime_ns=(\d+)/.exec(marker.text)?.[1];
  const mono = /\bmono_ns=(\d+)/.exec(marker.text)?.[1];
  if (realtime === undefined || mono === undefined) return undefined;
  const monotonic = Math.abs(Number(mono) - marker.time) < sameClock;
  if (monotonic) return { realtime: BigInt(realtime), trace: Number(mono), error: readingError };
  // Another trace clock: the marker was written some time after its clocks were read.
  return { realtime: BigInt(realtime), trace: marker.time, error: 500_000 };
}

/** The clock of a trace. */
export function traceClock(trace: TraceText): TraceClock {
  const pairs = trace.markers.map(pairOf).filter((pair) => pair !== undefined);
  const earliest = Math.min(...[...trace.entries, ...trace.markers].map((entry) => entry.time));
  const first = pairs[0];
  const begin = trace.markers.find((marker) => /^begin\b/.test(marker.text));
  const beginning = begin ? (pairOf(begin)?.trace ?? begin.time) : earliest;
  const firstEvent = trace.entries.reduce((least, entry) => Math.min(least, entry.time), beginning);
  const zero = Math.min(beginning, firstEvent);
  if (!first) return { zero, epoch: undefined, traceTime: undefined, slack: readingError };
  const last = pairs.at(-1)!;
  const span = Number(last.realtime - first.realtime);
  const drift = last.trace - first.trace - span;
  const rate = span > 0 ? drift / span : 0;
  const traceTime = (realtime: bigint): Nanoseconds => {
    const elapsed = Number(realtime - first.realtime);
    return Math.round(first.trace + elapsed + elapsed * rate);
  };
  const slack = first.error + Math.min(Math.abs(drift), 100_000);
  return { zero, epoch: first.realtime - BigInt(first.trace - zero), traceTime, slack };
}
