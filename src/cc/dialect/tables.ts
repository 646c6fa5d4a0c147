import { type MapType, mapFlags, mapTypes } from '../../uapi/index.ts';
import { didYouMean } from '../diagnostics.ts';
import { positionOf, type Token } from '../preprocess/token.ts';
import type { Expression, TableObject } from '../syntax/ast.ts';
import type { Parsing } from '../syntax/parsing.ts';
import { unknownType } from '../syntax/type-names.ts';
import { type CType, isComplete, pointerTo, printCType, sizeOf, types } from '../types/types.ts';

/**
 * BCC's tables: the short forms that declare one, and the methods that a table has. Both are tables here, as BCC's
 * export/helpers.h and frontends/clang/b_frontend_action.cc define them.
 */
type Part = 'key' | 'leaf' | 'size' | 'flags' | 'name' | 'type' | 'pages' | 'path' | 'inner';

interface ShortForm {
  /** What the arguments behind the name are, in order. */
  readonly parts: readonly Part[];
  readonly kind: string;
  readonly key?: CType;
  readonly leaf?: CType;
  readonly size?: number;
  readonly flags?: number;
}

const stackDepth = 127;
const stackLeaf: CType = { kind: 'array', element: types.ullong, length: stackDepth };
/** struct bpf_stack_build_id: status, 20 bytes of id, offset. */
const buildIdLeaf: CType = { kind: 'array', element: types.ullong, length: stackDepth * 4 };
const hash = { key: types.ullong, leaf: types.ullong, size: 10240 } as const;

const shortForms: Readonly<Record<string, ShortForm>> = {
  BPF_HASH: { kind: 'hash', parts: ['key', 'leaf', 'size'], ...hash },
  BPF_PERCPU_HASH: { kind: 'percpu_hash', parts: ['key', 'leaf', 'size'], ...hash },
  BPF_LRU_HASH: { kind: 'lru_hash', parts: ['key', 'leaf', 'size'], ...hash },
  BPF_LRU_PERCPU_HASH: { kind: 'lru_percpu_hash', parts: ['key', 'leaf', 'size'], ...hash },
  BPF_ARRAY: { kind: 'array', parts: ['leaf', 'size'], key: types.int, leaf: types.ullong, size: 10240 },
  BPF_PERCPU_ARRAY: { kind: 'percpu_array', parts: ['leaf', 'size'], key: types.int, leaf: types.ullong, size: 10240 },
  BPF_HISTOGRAM: { kind: 'histogram', parts: ['key', 'size'], key: types.int, leaf: types.ullong, size: 64 },
  BPF_LPM_TRIE: { kind: 'lpm_trie', parts: ['key', 'leaf', 'size'], ...hash, flags: mapFlags.noPrealloc },
  BPF_PERF_OUTPUT: { kind: 'perf_output', parts: [], key: types.int, leaf: types.uint, size: 0 },
  BPF_PERF_ARRAY: { kind: 'perf_array', parts: ['size'], key: types.int, leaf: types.uint, size: 0 },
  BPF_STACK_TRACE: { kind: 'stacktrace', parts: ['size'], key: types.int, leaf: stackLeaf },
  BPF_STACK_TRACE_BUILDID: {
    kind: 'stacktrace',
    parts: ['size'],
    key: types.int,
    leaf: buildIdLeaf,
    flags: mapFlags.stackBuildId,
  },
  BPF_PROG_ARRAY: { kind: 'prog', parts: ['size'], key: types.uint, leaf: types.uint },
  BPF_CGROUP_ARRAY: { kind: 'cgroup_array', parts: ['size'], key: types.int, leaf: types.uint },
  BPF_QUEUE: { kind: 'queue', parts: ['leaf', 'size', 'flags'] },
  BPF_STACK: { kind: 'stack', parts: ['leaf', 'size', 'flags'] },
  BPF_RINGBUF_OUTPUT: { kind: 'ringbuf', parts: ['pages'] },
  BPF_DEVMAP: { kind: 'devmap', parts: ['size'], key: types.int, leaf: types.int },
  BPF_CPUMAP: { kind: 'cpumap', parts: ['size'], key: types.int, leaf: types.int },
  BPF_XSKMAP: { kind: 'xskmap', parts: ['size', 'path'], key: types.int, leaf: types.int },
  BPF_ARRAY_OF_MAPS: { kind: 'array_of_maps', parts: ['inner', 'size'], key: types.int, leaf: types.int },
  BPF_HASH_OF_MAPS: { kind: 'hash_of_maps', parts: ['key', 'inner', 'size'], key: types.int, leaf: types.int },
  BPF_SK_STORAGE: { kind: 'sk_storage', parts: ['leaf'], key: types.int, size: 0, flags: mapFlags.noPrealloc },
  BPF_TASK_STORAGE: { kind: 'task_storage', parts: ['leaf'], key: types.int, size: 0, flags: mapFlags.noPrealloc },
  BPF_INODE_STORAGE: { kind: 'inode_storage', parts: ['leaf'], key: types.int, size: 0, flags: mapFlags.noPrealloc },
  BPF_CGROUP_STORAGE: { kind: 'cgroup_storage', parts: ['leaf'], size: 0 },
  BPF_PERCPU_CGROUP_STORAGE: { kind: 'percpu_cgroup_storage', parts: ['leaf'], size: 0 },
  BPF_SOCKMAP: { kind: 'sockmap', parts: ['size'], key: types.uint, leaf: types.uint },
  BPF_SOCKHASH: { kind: 'sockhash', parts: ['key', 'size'], key: types.uint, leaf: types.uint, size: 10240 },
};

const general: readonly Part[] = ['type', 'key', 'leaf', 'name', 'size'];
const list: readonly Part[] = ['type', 'name', 'leaf', 'size', 'flags'];

/** The long forms, whose name is not their first argument. */
const longForms: Readonly<Record<string, readonly Part[]>> = {
  BPF_TABLE: general,
  BPF_TABLE_PUBLIC: general,
  BPF_TABLE_SHARED: [...general, 'flags'],
  BPF_F_TABLE: [...general, 'flags'],
  BPF_TABLE_PINNED: [...general, 'path', 'flags'],
  BPF_TABLE_PINNED7: [...general, 'path', 'flags'],
  BPF_QUEUESTACK: list,
  BPF_QUEUESTACK_PUBLIC: list,
  BPF_QUEUESTACK_SHARED: list,
  BPF_QUEUESTACK_PINNED: [...list, 'path'],
  BPF_XDP_REDIRECT_MAP: ['type', 'leaf', 'name', 'size'],
};

const mapTypeOf: Readonly<Record<string, MapType>> = {
  stacktrace: 'stack_trace',
  perf_output: 'perf_event_array',
  perf_array: 'perf_event_array',
  prog: 'prog_array',
  extern: 'hash',
};

interface Method {
  /** How many arguments it takes, at least and at most. */
  readonly takes: readonly [number, number];
  readonly gives: 'leaf' | 'int' | 'void' | 'u64' | 'pointer';
  /** Which argument points to a record for readers. */
  readonly record?: number;
  /** The kinds of tables that have it; absent: those with keys. */
  readonly on?: readonly string[];
}

/** Kinds whose entries programs do not look up by a key. */
const keylessKinds: readonly string[] = [
  'perf_output',
  'perf_array',
  'stacktrace',
  'prog',
  'cgroup_array',
  'queue',
  'stack',
  'ringbuf',
  'sk_storage',
  'task_storage',
  'inode_storage',
  'cgroup_storage',
  'percpu_cgroup_storage',
];
const stacks = { on: ['stacktrace', 'stack_trace'] };
const perf = { on: ['perf_output', 'perf_array', 'perf_event_array'] };
const ring = { on: ['ringbuf'] };
const queues = { on: ['queue', 'stack'] };

const tableMethods: Readonly<Record<string, Method>> = {
  lookup: { takes: [1, 1], gives: 'leaf' },
  lookup_or_try_init: { takes: [2, 2], gives: 'leaf' },
  lookup_or_init: { takes: [2, 2], gives: 'leaf' },
  update: { takes: [2, 2], gives: 'int' },
  insert: { takes: [2, 2], gives: 'int' },
  delete: { takes: [1, 1], gives: 'int' },
  increment: { takes: [1, 2], gives: 'void' },
  atomic_increment: { takes: [1, 2], gives: 'void' },
  get_stackid: { takes: [2, 2], gives: 'int', ...stacks },
  perf_submit: { takes: [3, 3], gives: 'int', record: 1, ...perf },
  perf_submit_skb: { takes: [4, 4], gives: 'int', record: 2, ...perf },
  perf_read: { takes: [1, 1], gives: 'u64', ...perf },
  perf_counter_value: { takes: [3, 3], gives: 'int', ...perf },
  ringbuf_output: { takes: [3, 3], gives: 'int', record: 0, ...ring },
  ringbuf_reserve: { takes: [1, 1], gives: 'pointer', ...ring },
  ringbuf_submit: { takes: [2, 2], gives: 'void', record: 0, ...ring },
  ringbuf_discard: { takes: [2, 2], gives: 'void', ...ring },
  ringbuf_query: { takes: [1, 1], gives: 'u64', ...ring },
  push: { takes: [2, 2], gives: 'int', ...queues },
  pop: { takes: [1, 1], gives: 'int', ...queues },
  peek: { takes: [1, 1], gives: 'int', ...queues },
  call: { takes: [2, 2], gives: 'void', on: ['prog', 'prog_array'] },
  redirect_map: { takes: [2, 2], gives: 'int', on: ['devmap', 'devmap_hash', 'cpumap', 'xskmap'] },
  check_current_task: { takes: [1, 1], gives: 'int', on: ['cgroup_array'] },
  sk_storage_get: { takes: [3, 3], gives: 'leaf', on: ['sk_storage'] },
  sk_storage_delete: { takes: [1, 1], gives: 'int', on: ['sk_storage'] },
  task_storage_get: { takes: [3, 3], gives: 'leaf', on: ['task_storage'] },
  task_storage_delete: { takes: [1, 1], gives: 'int', on: ['task_storage'] },
  inode_storage_get: { takes: [3, 3], gives: 'leaf', on: ['inode_storage'] },
  inode_storage_delete: { takes: [1, 1], gives: 'int', on: ['inode_storage'] },
  get_local_storage: { takes: [1, 1], gives: 'leaf', on: ['cgroup_storage', 'percpu_cgroup_storage'] },
  sock_map_update: { takes: [3, 3], gives: 'int' },
  sock_hash_update: { takes: [3, 3], gives: 'int' },
  msg_redirect_map: { takes: [3, 3], gives: 'int' },
  msg_redirect_hash: { takes: [3, 3], gives: 'int' },
  sk_redirect_map: { takes: [3, 3], gives: 'int' },
  sk_redirect_hash: { takes: [3, 3], gives: 'int' },
};

/** The short form of a name, a digit behind it or not: `BPF_HASH`, `BPF_HASH3`. */
function shortForm(text: string): ShortForm | undefined {
  if (Object.hasOwn(shortForms, text)) return shortForms[text];
  const plain = /^(BPF_\w+?)\d$/.exec(text)?.[1];
  return plain !== undefined && Object.hasOwn(shortForms, plain) ? shortForms[plain] : undefined;
}

/** Whether a name declares a table. */
export function isTableForm(text: string): boolean {
  return shortForm(text) !== undefined || Object.hasOwn(longForms, text);
}

/** Reads a table's declaration when one stands here. */
export function parseTable(p: Parsing): boolean {
  const { token } = p;
  const { text } = token;
  const short = shortForm(text);
  const long = Object.hasOwn(longForms, text) ? longForms[text] : undefined;
  if ((!short && !long) || p.peek().text !== '(') return false;
  p.next();
  p.expect('(');
  const parts = long ?? ['name' as Part, ...(short as ShortForm).parts];
  const given = readParts(p, parts);
  if (!p.is(')')) p.diagnostics.abandon(p.token, `${text} takes ${parts.join(', ')}`);
  p.expect(')');
  p.accept(';');
  if (long && parts.slice(0, 5).some((part) => given.at[part] === undefined)) {
    p.diagnostics.error(token, `${text} takes ${parts.join(', ')}`);
  } else declareTable(p, token, given, short);
  return true;
}

interface Given {
  /** Where each part begins. */
  readonly at: Partial<Record<Part, Token>>;
  name?: Token;
  type?: string;
  key?: CType;
  leaf?: CType;
  size?: number;
  pages?: number;
  flags?: number;
  path?: string;
  inner?: string;
}

function readParts(p: Parsing, parts: readonly Part[]): Given {
  const given: Given = { at: {} };
  for (const [i, part] of parts.entries()) {
    if (p.is(')')) break;
    if (i > 0) p.expect(',');
    given.at[part] = p.token;
    switch (part) {
      case 'name':
        given.name = p.name('the name of the table');
        break;
      case 'key':
      case 'leaf':
        given[part] = p.declarations.startsType() ? p.declarations.typeName() : unknownType(p, p.token);
        break;
      case 'size':
      case 'flags':
      case 'pages':
        given[part] = tableNumber(p, part);
        break;
      case 'type':
        given.type = p.token.kind === 'string' ? p.next().text.slice(1, -1) : p.expect('"hash"').text;
        break;
      case 'path':
      case 'inner':
        given[part] = p.token.kind === 'string' ? p.next().text.slice(1, -1) : p.expect(`"${part}"`).text;
        break;
      default:
        p.next();
    }
  }
  return given;
}

/** A table's number of entries, ring pages or flags: 32 bits, and not negative. */
function tableNumber(p: Parsing, part: 'size' | 'flags' | 'pages'): number {
  const at = p.token;
  const value = p.constant(`the ${part} of a table`);
  const least = part === 'flags' ? 0n : 1n;
  const most = part === 'pages' ? 0xfffffn : 0xffffffffn;
  if (value < least || value > most) p.diagnostics.error(at, `the ${part} of a table must be ${least} to ${most}`);
  else if (part !== 'pages' || (value & (value - 1n)) === 0n) return Number(value);
  else p.diagnostics.error(at, `a ring of ${value} pages`, 'the kernel makes rings of 1, 2, 4, 8, … pages');
  return 1;
}

function declareTable(p: Parsing, at: Token, given: Given, short: ShortForm | undefined): void {
  const { name } = given;
  if (!name) {
    p.diagnostics.error(at, `${at.text} takes a name`);
    return;
  }
  const kind = (given.type ?? short?.kind ?? 'hash').replace(/:.*/, '');
  const key = given.key ?? short?.key ?? keyOf(p, kind);
  const leaf = given.leaf ?? short?.leaf;
  const keyless = ['queue', 'stack', 'ringbuf'].includes(kind);
  checkPart(p, given.at.key ?? name, 'key', key);
  checkPart(p, given.at.leaf ?? name, 'value', leaf);
  const mapType = kind === 'histogram' ? histogramType(key) : (mapTypeOf[kind] ?? kind);
  if (!Object.hasOwn(mapTypes, mapType)) {
    const kinds = [...Object.keys(mapTypes), ...Object.keys(mapTypeOf), 'histogram'];
    p.diagnostics.error(given.at.type ?? at, `there is no table of kind '${kind}'`, didYouMean(kind, kinds));
    return;
  }
  const table: TableObject = {
    name: name.text,
    at: name,
    kind,
    mapType,
    key: keyless ? undefined : key,
    leaf: kind === 'ringbuf' ? undefined : leaf,
    entries: given.pages !== undefined ? given.pages * 4096 : (given.size ?? short?.size ?? 10240),
    flags: given.flags ?? short?.flags ?? 0,
    extern: kind === 'extern',
    ...(given.path === undefined ? {} : { pinPath: given.path }),
    ...(given.inner === undefined ? {} : { inner: given.inner }),
    events: [],
  };
  if (!p.declareOnce(name, { kind: 'table', table })) return;
  p.tables.push(table);
}

/** A key or value has a size. */
function checkPart(p: Parsing, at: Token, what: string, type: CType | undefined): void {
  if (!type) return;
  if (!isComplete(type)) p.diagnostics.error(at, `the ${what} of a table has incomplete type '${printCType(type)}'`);
  else if (sizeOf(type) === 0)
    p.diagnostics.error(at, `the ${what} of a table is empty: '${printCType(type)}' has no bytes`);
}

/** The key of a table whose declaration does not name it. */
function keyOf(p: Parsing, kind: string): CType | undefined {
  if (kind.endsWith('cgroup_storage')) return p.tags.tagged(false, 'bpf_cgroup_storage_key');
  return ['devmap', 'devmap_hash', 'cpumap', 'xskmap'].includes(kind) ? types.uint : undefined;
}

/** A histogram by int is an array, by anything else a hash. */
function histogramType(key: CType | undefined): MapType {
  return key?.kind === 'int' && key.size === 4 && key.signed ? 'array' : 'hash';
}

/** `table.method(arguments)`, the method's name being the token at hand. */
export function parseMethod(p: Parsing, table: TableObject, at: Token): Expression {
  const name = p.name('a method of the table');
  const method = Object.hasOwn(tableMethods, name.text) ? tableMethods[name.text] : undefined;
  if (!method) {
    const member = { key: table.key, leaf: table.leaf }[name.text];
    // `typeof(table.key)`: the type alone is wanted.
    if (member) return { kind: 'variable', type: member, at: name, variable: p.variable(name.text, member, name) };
    const hint = didYouMean(name.text, methodsOf(table)) ?? `it has ${methodsOf(table).join(', ')}`;
    p.diagnostics.error(name, `a ${table.kind} table has no method '${name.text}'`, hint);
    if (p.accept('(')) p.calls.argumentList();
    return p.typing.number(at, 0n);
  }
  if (!isOn(method, table)) {
    p.diagnostics.error(name, `a ${table.kind} table has no method '${name.text}'`, {
      hint: `it has ${methodsOf(table).join(', ')}`,
      notes: [{ message: `'${table.name}' is declared here`, at: positionOf(table.at), length: table.name.length }],
    });
  }
  p.expect('(');
  const args = p.calls.counted(...method.takes);
  if (!args) return p.typing.number(at, 0n, methodType(method, table));
  const record = method.record === undefined ? undefined : recordType(args[method.record] as Expression);
  if (record) table.events.push(record);
  return { kind: 'method', type: methodType(method, table), at, table, method: name.text, args };
}

function isOn(method: Method, { kind }: TableObject): boolean {
  return kind === 'extern' || (method.on ? method.on.includes(kind) : !keylessKinds.includes(kind));
}

function methodsOf(table: TableObject): string[] {
  return Object.keys(tableMethods).filter((name) => isOn(tableMethods[name] as Method, table));
}

/** What an argument points to, whatever it was cast to on the way. */
function recordType(e: Expression): CType | undefined {
  if (e.kind === 'address') return e.base.type;
  if (e.kind === 'cast') return recordType(e.base);
  return e.type.kind === 'pointer' && isComplete(e.type.target) ? e.type.target : undefined;
}

function methodType(method: Method, table: TableObject): CType {
  switch (method.gives) {
    case 'leaf':
      return pointerTo(table.leaf ?? types.void);
    case 'pointer':
      return pointerTo(types.void);
    case 'void':
      return types.void;
    case 'u64':
      return types.ullong;
    case 'int':
      return types.int;
  }
}

/** Bytes of a table's key and leaf as the map is made. */
export function tableSizes(table: TableObject): { key: number; leaf: number } {
  return { key: table.key ? sizeOf(table.key) : 0, leaf: table.leaf ? sizeOf(table.leaf) : 0 };
}
