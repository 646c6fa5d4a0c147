import {
  type Btf,
  type FunctionPrototype,
  type KernelProfile,
  type MemberPlace,
  nearestHint,
  parameterRegisters,
  symbolicNames,
  type TracepointField,
  type TracepointFormat,
  type TypeId,
  UsageError,
} from 'tracebed';

/**
 * What is read at one point: which values, from where, and of what C type. A plan is made once from the kernel's BTF
 * and tracepoint formats; the program's text and the records' decoder are both made of it.
 */
export interface PointPlan {
  readonly kind: 'kprobe' | 'kretprobe' | 'tracepoint';
  /** `tcp_v4_connect`, `skb:kfree_skb`. */
  readonly name: string;
  readonly values: readonly ValuePlan[];
  readonly format: TracepointFormat | undefined;
}

export interface ValuePlan {
  /** As it is shown, `sk`, `sk->__sk_common.skc_dport`. */
  readonly name: string;
  readonly type: ValueType;
  /** C, for people. */
  readonly declared: string;
  readonly source: ValueSource;
}

/** Where a value comes from at the point. */
export type ValueSource =
  /** A field of struct pt_regs. */
  | { readonly kind: 'register'; readonly register: string }
  /** Parameter 7 and on: bytes above the stack pointer at the entry. */
  | { readonly kind: 'stack'; readonly offset: number }
  /** Bytes of the tracepoint's record. */
  | { readonly kind: 'record'; readonly field: TracepointField }
  /** What the pointers lead to: from the first value, add an offset and read a pointer there, and so on. */
  | { readonly kind: 'path'; readonly from: ValueSource; readonly offsets: readonly number[] };

/** What the bytes mean. */
export type ValueType =
  | {
      readonly kind: 'integer';
      readonly size: number;
      readonly signed: boolean;
      readonly bigEndian: boolean;
      /** Bits of a bit-field; 0 shift and 0 bits for a whole integer. */
      readonly shift: number;
      readonly bits: number;
      readonly names: ReadonlyMap<bigint, string> | undefined;
      readonly address: boolean;
    }
  | { readonly kind: 'pointer' }
  /** A pointer to text: the text is read too. */
  | { readonly kind: 'text' }
  /** Text in place: an array of char. */
  | { readonly kind: 'characters'; readonly size: number }
  /** `__data_loc char[]`: u16 offset and u16 length in the record; other elements as bytes. */
  | { readonly kind: 'dynamic'; readonly text: boolean }
  | { readonly kind: 'bytes'; readonly size: number; readonly address: boolean };

/** Bytes of a text that are read. */
export const mostText = 128;

const syntax = 'a function (tcp_v4_connect), its return (r:tcp_v4_connect) or a tracepoint (skb:kfree_skb)';

/** The kind and the name, perhaps a pattern, of what a user calls a point. @throws UsageError */
export function parsePoint(text: string): { readonly kind: PointPlan['kind']; readonly name: string } {
  if (/^\/.*\/$/.test(text)) return { kind: 'kprobe', name: text };
  const returning = /^r::?(.+)$/.exec(text) ?? /^(.+)%return$/.exec(text);
  if (returning) return { kind: 'kretprobe', name: returning[1] as string };
  const entry = /^p::?(.+)$/.exec(text);
  if (entry) return { kind: 'kprobe', name: entry[1] as string };
  const tracepoint = /^(?:t:)?([\w*?]+:[\w*?]+)$/.exec(text);
  if (tracepoint) return { kind: 'tracepoint', name: tracepoint[1] as string };
  if (/^[\w.*?]+$/.test(text)) return { kind: 'kprobe', name: text };
  throw new UsageError(`'${text}' is no point to trace`, { expected: syntax });
}

/**
 * What to read at one point: the fields asked for that it has, or all.
 * @throws UsageError for a path that leads nowhere in the kernel's types
 */
export function planPoint(
  profile: KernelProfile,
  kind: PointPlan['kind'],
  name: string,
  wanted: readonly string[],
): PointPlan {
  if (kind === 'tracepoint') return planTracepoint(profile, name, wanted);
  const prototype = profile.btf.functionPrototype(name);
  if (!prototype) return { kind, name, values: [], format: undefined };
  const { btf } = profile;
  const roots = kind === 'kprobe' ? parameters(btf, prototype) : returned(btf, prototype);
  const values =
    wanted.length === 0
      ? roots.filter(({ type }) => type !== undefined)
      : wanted.flatMap((path) => follow(btf, name, roots, path));
  return { kind, name, values: values.flatMap(whole), format: undefined };
}

/** What a function is called with, or gives back. `type` is undefined for a struct passed by value. */
interface Root extends Omit<ValuePlan, 'type'> {
  readonly id: TypeId;
  readonly type: ValueType | undefined;
}

function whole({ name, type, declared, source }: Root): ValuePlan[] {
  return type ? [{ name, type, declared, source }] : [];
}

function parameters(btf: Btf, prototype: FunctionPrototype): Root[] {
  return prototype.params.map((param, index) => {
    const register = parameterRegisters[index];
    const source: ValueSource =
      register === undefined
        ? { kind: 'stack', offset: 8 * (index - parameterRegisters.length + 1) }
        : { kind: 'register', register };
    return root(btf, param.name === '' ? `arg${index + 1}` : param.name, param.type, source);
  });
}

function returned(btf: Btf, prototype: FunctionPrototype): Root[] {
  if (btf.type(btf.strip(prototype.returns)).kind === 'void') return [];
  return [root(btf, 'ret', prototype.returns, { kind: 'register', register: 'ax' })];
}

function root(btf: Btf, name: string, id: TypeId, source: ValueSource): Root {
  const type = typeOf(btf, id, name);
  const registers = type && (type.kind === 'integer' || type.kind === 'pointer' || type.kind === 'text');
  return { name, id, declared: btf.print(id), source, type: registers ? type : undefined };
}

/** `sk->__sk_common.skc_dport`: the argument, then members; a point goes through pointers too. */
function follow(btf: Btf, point: string, roots: readonly Root[], path: string): Root[] {
  const [first = '', ...steps] = path.split(/->|\./);
  const start = roots.find(({ name }) => name === first);
  if (!start) return [];
  if (steps.length > 0 && btf.type(btf.strip(start.id)).kind !== 'pointer') {
    throw new UsageError(`${point}: ${first} is no pointer, it leads nowhere`, { expected: first });
  }
  let source = start.source;
  let id = start.id;
  let place: MemberPlace | undefined;
  for (const step of steps) {
    const pointed = btf.type(btf.strip(id));
    const isPointer = pointed.kind === 'pointer';
    const struct = isPointer ? pointed.target : id;
    const member = btf.member(struct, step);
    if (!member) {
      throw new UsageError(`${point}: ${btf.print(btf.strip(struct))} has no member '${step}'`, {
        ...nearestHint(step, memberNames(btf, struct)),
      });
    }
    source = isPointer ? { kind: 'path', from: source, offsets: [member.offset] } : within(source, member.offset);
    id = member.type;
    place = member;
  }
  if (!place) return [start];
  const type = typeOf(btf, id, steps.at(-1) as string, place);
  return [{ name: path, id, declared: btf.print(id), source, type }];
}

/** The same path with its last offset moved on: a member of a member. */
function within(source: ValueSource, offset: number): ValueSource {
  if (source.kind !== 'path') return { kind: 'path', from: source, offsets: [offset] };
  const { from, offsets } = source;
  return { kind: 'path', from, offsets: [...offsets.slice(0, -1), (offsets.at(-1) as number) + offset] };
}

function memberNames(btf: Btf, id: TypeId): string[] {
  const type = btf.type(btf.strip(id));
  if (type.kind !== 'struct' && type.kind !== 'union') return [];
  return type.members.flatMap((member) => (member.name === '' ? memberNames(btf, member.type) : [member.name]));
}

const whole64 = { bigEndian: false, shift: 0, bits: 0, names: undefined, address: false } as const;

/** What the bytes of a C type mean; undefined for a struct. */
function typeOf(btf: Btf, id: TypeId, name: string, place?: MemberPlace): ValueType | undefined {
  const type = btf.type(btf.strip(id));
  switch (type.kind) {
    case 'int': {
      const size = place?.size ?? type.size;
      const typedef = typedefName(btf, id);
      const bigEndian = /^__be(16|32|64)$/.test(typedef);
      const address = typedef === '__be32' && /addr/.test(name);
      const { bitShift: shift = 0, bitSize: bits = 0 } = place ?? {};
      return { ...whole64, kind: 'integer', size, signed: type.signed, bigEndian, shift, bits, address };
    }
    case 'enum':
    case 'enum64': {
      const names = new Map(type.values.map((value) => [value.value, value.name]));
      return { ...whole64, kind: 'integer', size: type.size, signed: type.signed, names };
    }
    case 'pointer':
      return isCharacter(btf, type.target) ? { kind: 'text' } : { kind: 'pointer' };
    case 'array': {
      const size = btf.sizeOf(id);
      if (size === 0) return undefined;
      if (isCharacter(btf, type.element)) return { kind: 'characters', size: Math.min(size, mostText) };
      return { kind: 'bytes', size: Math.min(size, mostText), address: /addr/.test(name) };
    }
    case 'struct':
    case 'union': {
      const address = type.name === 'in6_addr';
      const size = Math.min(type.size, mostText);
      return place && size > 0 ? { kind: 'bytes', size, address } : undefined;
    }
    default:
      return undefined;
  }
}

/** The first typedef behind qualifiers: `__be16`. */
function typedefName(btf: Btf, id: TypeId): string {
  const type = btf.type(id);
  if (type.kind === 'typedef') return type.name;
  return type.kind === 'const' || type.kind === 'volatile' ? typedefName(btf, type.target) : '';
}

function isCharacter(btf: Btf, id: TypeId): boolean {
  const type = btf.type(btf.strip(id));
  return type.kind === 'int' && type.size === 1 && type.name === 'char';
}

function planTracepoint(profile: KernelProfile, name: string, wanted: readonly string[]): PointPlan {
  const format = profile.tracepoint(name);
  if (!format) return { kind: 'tracepoint', name, values: [], format };
  const fields = wanted.length === 0 ? format.fields : wanted.flatMap((one) => fieldNamed(format, one));
  const values = fields.map((field) => ({
    name: field.name,
    type: fieldType(profile.btf, format, field),
    declared: field.type,
    source: { kind: 'record', field } as const,
  }));
  return { kind: 'tracepoint', name, values, format };
}

function fieldNamed(format: TracepointFormat, name: string): TracepointField[] {
  if (/->|\./.test(name)) {
    throw new UsageError(`a tracepoint's fields lead nowhere: '${name}'`, {
      hint: 'trace a function that takes the struct, for example sk_skb_reason_drop skb->len',
    });
  }
  return format.fields.filter((field) => field.name === name);
}

function fieldType(btf: Btf, format: TracepointFormat, field: TracepointField): ValueType {
  const { type, size, signed } = field;
  const isText = /\bchar\b/.test(type) && !/unsigned/.test(type);
  if (field.dynamic) return { kind: 'dynamic', text: isText };
  if (type.includes('*') && field.length === 0) return isText ? { kind: 'text' } : { kind: 'pointer' };
  if (field.length > 0) {
    if (isText) return { kind: 'characters', size: Math.min(size, mostText) };
    return { kind: 'bytes', size: Math.min(size, mostText), address: /addr/.test(field.name) };
  }
  const names = symbolicNames(format, field.name) ?? enumNames(btf, type);
  return size > 8
    ? { kind: 'bytes', size: Math.min(size, mostText), address: false }
    : { ...whole64, kind: 'integer', size, signed, names };
}

/** The enumerators of a field that is declared as an enum. */
function enumNames(btf: Btf, declared: string): ReadonlyMap<bigint, string> | undefined {
  const name = /^enum (\w+)$/.exec(declared)?.[1];
  const id = name === undefined ? undefined : btf.find('enum', name);
  return id === undefined ? undefined : enumeratorNames(btf, id);
}

function enumeratorNames(btf: Btf, id: TypeId): ReadonlyMap<bigint, string> | undefined {
  const type = btf.type(id);
  if (type.kind !== 'enum' && type.kind !== 'enum64') return undefined;
  return new Map(type.values.map((value) => [value.value, value.name]));
}

/** The names that can be asked for at a point. */
export function valueNames(profile: KernelProfile, kind: PointPlan['kind'], name: string): readonly string[] {
  if (kind === 'tracepoint') return profile.tracepoint(name)?.fields.map((field) => field.name) ?? [];
  const prototype = profile.btf.functionPrototype(name);
  if (!prototype) return [];
  return (kind === 'kprobe' ? parameters(profile.btf, prototype) : returned(profile.btf, prototype)).map(
    (value) => value.name,
  );
}
