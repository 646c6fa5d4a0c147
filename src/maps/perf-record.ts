import { viewOf } from '../base/index.ts';
import { perfRecordTypes } from './perf-ring.ts';

/** A record of a perf ring, as a reader sees it. */
export type PerfRecord =
  /** `data` is the raw sample with its padding: the kernel does not tell the length that the program gave. */
  | { readonly kind: 'sample'; readonly data: Uint8Array }
  | { readonly kind: 'lost'; readonly id: bigint; readonly lost: bigint };

/**
 * The records between two positions of a ring, oldest first (backwards: newest first), copied.
 * @param data the data area, a power of two of bytes
 * @param from position of the first byte (tail), running freely; taken modulo the area
 * @param to position after the last (head)
 * @throws RangeError when the bytes are no records
 */
export function readPerfRecords(data: Uint8Array, from: bigint, to: bigint): PerfRecord[] {
  const records: PerfRecord[] = [];
  for (let at = from; at < to; ) {
    const start = Number(at % BigInt(data.length));
    const size = viewOf(data).getUint16(start + 6, true);
    if (size < 8 || at + BigInt(size) > to) throw new RangeError(`a perf record of ${size} bytes at ${at}, head ${to}`);
    const bytes = new Uint8Array(size);
    const first = Math.min(size, data.length - start);
    bytes.set(data.subarray(start, start + first));
    bytes.set(data.subarray(0, size - first), first);
    records.push(decode(bytes, at));
    at += BigInt(size);
  }
  return records;
}

function decode(bytes: Uint8Array, at: bigint): PerfRecord {
  const view = viewOf(bytes);
  const type = view.getUint32(0, true);
  switch (type) {
    case perfRecordTypes.sample:
      return { kind: 'sample', data: bytes.subarray(12, 12 + view.getUint32(8, true)) };
    case perfRecordTypes.lost:
      return { kind: 'lost', id: view.getBigUint64(8, true), lost: view.getBigUint64(16, true) };
    default:
      throw new RangeError(`a perf record of type ${type} at ${at}`);
  }
}
