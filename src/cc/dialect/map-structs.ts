import { type MapType, mapTypes } from '../../uapi/index.ts';
import type { Token } from '../preprocess/token.ts';
import type { TableObject } from '../syntax/ast.ts';
import type { Parsing } from '../syntax/parsing.ts';
import { type CType, StructType, types } from '../types/types.ts';

/**
 * A map as libbpf's texts declare it: a variable in the section .maps whose struct says by its members' types what the map
 * is like. `__uint(max_entries, 16)` is a pointer to an array of 16, `__type(key, u32)` a pointer to a u32.
 *
 *   struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, u32); … } name SEC(".maps");
 */
const numbers = ['type', 'max_entries', 'map_flags', 'key_size', 'value_size', 'pinning'] as const;
const kinds: readonly string[] = ['key', 'value'];

export function declareMapStruct(p: Parsing, name: Token, type: CType): void {
  if (!(type instanceof StructType) || !type.body) {
    p.diagnostics.error(
      name,
      `the map '${name.text}' is no struct`,
      'its members say what it is like: __uint(type, …)',
    );
    return;
  }
  const given = new Map<string, number>();
  const parts = new Map<string, CType>();
  for (const { name: member, type: of } of type.body.members) {
    const target = of.kind === 'pointer' ? of.target : undefined;
    const known = numbers.find((one) => one === member);
    if (known && target?.kind === 'array') given.set(known, target.length ?? 0);
    else if (kinds.includes(member) && target) parts.set(member, target);
    else {
      const hint = `a map has ${[...numbers, ...kinds].join(', ')}`;
      p.diagnostics.error(name, `the map '${name.text}' has no '${member}' that is known here`, hint);
    }
  }
  const number = given.get('type') ?? 0;
  const mapType = (Object.keys(mapTypes) as MapType[]).find((one) => mapTypes[one] === number);
  if (number === 0 || mapType === undefined) {
    p.diagnostics.error(name, `the map '${name.text}' has no type`, '__uint(type, BPF_MAP_TYPE_HASH) says it');
    return;
  }
  const part = (of: 'key' | 'value'): CType | undefined => parts.get(of) ?? bytes(given.get(`${of}_size`) ?? 0);
  const table: TableObject = {
    name: name.text,
    at: name,
    kind: mapType,
    mapType,
    key: part('key') ?? (mapType === 'perf_event_array' ? types.uint : undefined),
    leaf: part('value') ?? (mapType === 'perf_event_array' ? types.uint : undefined),
    entries: given.get('max_entries') ?? 0,
    flags: given.get('map_flags') ?? 0,
    extern: false,
    ...(given.get('pinning') ? { pinPath: `/sys/fs/bpf/${name.text}` } : {}),
    events: [],
  };
  if (p.declareOnce(name, { kind: 'table', table })) p.tables.push(table);
}

/** What a key or a value is of which only the size is told. */
function bytes(size: number): CType | undefined {
  if (size === 0) return undefined;
  if (size === 4) return types.uint;
  return size === 8 ? types.ullong : { kind: 'array', element: types.uchar, length: size };
}
