import { type BpfMap, type HeaderField, mapHeader } from '../../maps/index.ts';
import type { Memory } from '../../memory/index.ts';
import { type HelperName, helpers } from '../../uapi/index.ts';
import type { InlineHelper, MapLayout, PerCpu } from '../../vm/index.ts';
import type { CurrentCells } from '../machine/current.ts';

/** The helpers that compiled code of a verified program does by itself, by their numbers. */
export const inlineHelpers: Readonly<Record<number, InlineHelper>> = {
  [helpers.map_lookup_elem.id]: { kind: 'mapLookup' },
  [helpers.map_update_elem.id]: { kind: 'mapUpdate' },
  [helpers.map_delete_elem.id]: { kind: 'mapDelete' },
  [helpers.loop.id]: { kind: 'loop' },
};

/** Those that answer with what stands in a cell. */
export function cellHelpers(cells: CurrentCells): ReadonlyMap<number, InlineHelper> {
  const rows: Partial<Record<HelperName, number>> = {
    ktime_get_ns: cells.time,
    ktime_get_boot_ns: cells.time,
    get_smp_processor_id: cells.cpu,
    get_numa_node_id: cells.zero,
    get_current_pid_tgid: cells.pidTgid,
    get_current_uid_gid: cells.uidGid,
  };
  const byId = new Map<number, InlineHelper>();
  for (const [name, offset] of Object.entries(rows)) byId.set(helpers[name as HelperName].id, { kind: 'cell', offset });
  return byId;
}

/**
 * A map's places for compiled code, as its object in memory has them (maps/header.ts, maps/hash.ts).
 * @param cpu offset of a u32 that holds the number of the current CPU; without it per-CPU maps are left to helpers
 */
export function mapLayout(memory: Memory, map: BpfMap, cpu?: number): MapLayout | undefined {
  const place = (field: HeaderField): number => map.address + mapHeader[field];
  const get = (field: HeaderField): number => memory.u32[place(field) >>> 2] as number;
  const { type, keySize, valueSize, maxEntries, special = [] } = map.shape;
  // What an update leaves out, and what goes with an element, only the map knows.
  if (special.length > 0) return undefined;
  const isPerCpu = type === 'percpu_array' || type === 'percpu_hash';
  if (isPerCpu && cpu === undefined) return undefined;
  const perCpu: { perCpu?: PerCpu } = isPerCpu ? { perCpu: { stride: get('cpuStride'), current: cpu as number } } : {};
  if (type === 'array' || type === 'percpu_array') {
    return { kind: 'array', data: get('data'), stride: get('stride'), maxEntries, valueSize, ...perCpu };
  }
  if (type !== 'hash' && type !== 'percpu_hash') return undefined;
  return {
    kind: 'hash',
    keySize,
    valueSize,
    buckets: get('buckets'),
    bucketMask: get('bucketMask'),
    valueOffset: get('valueOffset'),
    stride: get('stride'),
    data: get('data'),
    end: get('end'),
    count: place('count'),
    free: place('free'),
    fresh: place('fresh'),
    spare: place('spare'),
    ...perCpu,
  };
}
