import type { Random } from '../../../src/base/index.ts';
import type { Expressions } from './expressions.ts';
import { integers, type Scalar, type Shape, type Struct, wholes } from './shapes.ts';

/**
 * BPF tables in random programs. The same text means the same to gcc, for which each table is a struct of functions:
 * `tableMacros` stand before what it reads. Keys are below `keys`.
 */
export interface Table {
  readonly name: string;
  readonly kind: 'array' | 'hash' | 'histogram';
  readonly leaf: Scalar | Struct;
}

const keys = 4;

/** What gcc takes BCC's words for. Errors are the kernel's. */
export const tableMacros = `
#define TABLE(name, type, fetch, remove) \\
  static type name##_values[${keys}]; static unsigned char name##_used[${keys}]; \\
  static type *name##_lookup(const void *k) { unsigned i = *(const unsigned *)k; return fetch ? &name##_values[i] : 0; } \\
  static int name##_update(const void *k, const type *v) { unsigned i = *(const unsigned *)k; \\
    name##_values[i] = *v; name##_used[i] = 1; return 0; } \\
  static int name##_insert(const void *k, const type *v) { unsigned i = *(const unsigned *)k; \\
    return fetch ? -17 : name##_update(k, v); } \\
  static int name##_delete(const void *k) { unsigned i = *(const unsigned *)k; return remove; } \\
  static type *name##_lookup_or_try_init(const void *k, const type *v) { \\
    if (!name##_lookup(k)) name##_update(k, v); return name##_lookup(k); } \\
  static const struct { type *(*lookup)(const void *); int (*update)(const void *, const type *); \\
    int (*insert)(const void *, const type *); int (*delete)(const void *); \\
    type *(*lookup_or_try_init)(const void *, const type *); void (*increment)(unsigned); } name
#define BPF_ARRAY(name, type, count) TABLE(name, type, i < ${keys}, -22) = \\
  { name##_lookup, name##_update, name##_insert, name##_delete, name##_lookup_or_try_init }
#define REMOVED(name) name##_used[i] ? name##_used[i] = 0 : -2
#define BPF_HASH(name, key, type, count) TABLE(name, type, name##_used[i], REMOVED(name)) = \\
  { name##_lookup, name##_update, name##_insert, name##_delete, name##_lookup_or_try_init }
#define BPF_HISTOGRAM(name, key, count) \\
  static void name##_increment(unsigned i); \\
  TABLE(name, unsigned long long, i < ${keys}, -22) = \\
    { name##_lookup, name##_update, name##_insert, name##_delete, name##_lookup_or_try_init, name##_increment }; \\
  static void name##_increment(unsigned i) { name##_values[i]++; } \\
  struct name##_end
`;

export function randomTable(r: Random, number: number, structs: readonly Struct[]): { table: Table; text: string } {
  const name = `tb_${number}`;
  const kind = r.pick(['array', 'hash', 'hash', 'histogram'] as const);
  if (kind === 'histogram') {
    return { table: { name, kind, leaf: integers[6] as Scalar }, text: `BPF_HISTOGRAM(${name}, int, ${keys});` };
  }
  const leaf = r.chance(0.7) ? r.pick(structs) : r.pick(wholes);
  const text =
    kind === 'array'
      ? `BPF_ARRAY(${name}, ${leaf.name}, ${keys});`
      : `BPF_HASH(${name}, u32, ${leaf.name}, ${keys * 2});`;
  return { table: { name, kind, leaf }, text };
}

const keyType = ({ kind }: Table): string => (kind === 'hash' ? 'u32' : 'int');

/** @param block its lines, which may use what is in scope then */
export function tableStatement(e: Expressions, block: () => string[]): string[] | undefined {
  const { r } = e;
  if (e.tables.length === 0 || e.room < 16) return undefined;
  const table = r.pick(e.tables);
  const key = e.fresh('k');
  const head = `{ ${keyType(table)} ${key} = ${e.expression(1)} & ${keys - 1};`;
  e.room -= 8;
  if (table.kind === 'histogram' && r.chance(0.5)) return [head, `  ${table.name}.increment(${key}); }`];
  if (r.chance(0.3)) return [head, ...written(e, table, key), '}'];
  if (table.kind === 'hash' && r.chance(0.2)) {
    const target = e.target();
    return target ? [head, `  ${target.text} = ${table.name}.delete(&${key}); }`] : undefined;
  }
  return [head, ...lookedUp(e, table, key, block), '}'];
}

/** A whole value, put into a variable first. */
function fresh(e: Expressions, { leaf }: Table): { readonly name: string; readonly line: string } {
  const name = e.fresh('z');
  e.room -= e.roomFor(leaf);
  const value = leaf.kind === 'struct' ? (e.r.chance(0.4) ? '{ }' : e.value(leaf, 1)) : e.expression(1);
  return { name, line: `  ${leaf.name} ${name} = ${value};` };
}

function written(e: Expressions, table: Table, key: string): string[] {
  const { name, line } = fresh(e, table);
  const target = e.target();
  const method = table.kind === 'hash' && e.r.chance(0.3) ? 'insert' : 'update';
  const call = `${table.name}.${method}(&${key}, &${name});`;
  return [line, target && e.r.chance(0.3) ? `  ${target.text} += ${call}` : `  ${call}`];
}

function lookedUp(e: Expressions, table: Table, key: string, block: () => string[]): string[] {
  const { r, scope } = e;
  const first: string[] = [];
  let call = `${table.name}.lookup(&${key})`;
  if (table.kind === 'hash' && r.chance(0.5)) {
    const { name, line } = fresh(e, table);
    first.push(line);
    call = `${table.name}.lookup_or_try_init(&${key}, &${name})`;
  }
  const pointer = e.fresh('p');
  const declared = `  ${table.leaf.name} *${pointer} = ${call};`;
  const before = scope.variables.length;
  const inner = scope.inside(() => {
    const type = { kind: 'pointer', target: table.leaf, levels: 1, before, writable: true, fixed: true } as const;
    scope.add({ name: pointer, type, writable: true, addressable: false });
    return block();
  });
  return [...first, declared, `  if (${r.pick([pointer, `${pointer} != 0`])}) {`, ...inner, '  }'];
}

/** All that a table holds goes into the sum. @param parts the lines that add what lies at a place */
export function summedTable(table: Table, parts: (place: string, shape: Shape) => string[]): string[] {
  return Array.from({ length: keys }, (_, i) => {
    const key = `${table.name}_k${i}`;
    const head = `{ ${keyType(table)} ${key} = ${i}; ${table.leaf.name} *${key}p = ${table.name}.lookup(&${key});`;
    return [
      head,
      `if (${key}p) {`,
      ...parts(`(*${key}p)`, table.leaf).map((line) => `  ${line}`),
      '} else h = h * 31 + 5; }',
    ];
  }).flat();
}
