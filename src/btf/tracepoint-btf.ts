import type { Btf } from './btf.ts';
import { structLayout } from './layout.ts';
import { printType } from './print.ts';
import type { TracepointField, TracepointFormat } from './profile.ts';
import { RecordFormat } from './tracepoint.ts';
import type { TypeId } from './types.ts';

/**
 * Tracepoint formats of a kernel whose tracefs is not at hand, from its BTF: struct trace_event_raw_NAME is the record,
 * typedef btf_trace_NAME says that the tracepoint is there. What BTF does not tell (the format line, the number) comes
 * from the nearest kernel that is known; so does the whole format where the tracepoint's arguments are the same.
 */
export function formatFromBtf(btf: Btf, nearest: TracepointFormat, nearestBtf: Btf): TracepointFormat | undefined {
  const event = eventOf(nearest.name);
  const struct = btf.find('struct', `trace_event_raw_${event}`);
  if (struct !== undefined) return fromStruct(btf, struct, nearest);
  if (nearest.name.startsWith('syscalls:sys_')) {
    const common = event.startsWith('sys_enter') ? 'sys_enter' : 'sys_exit';
    return btf.find('struct', `trace_event_raw_${common}`) === undefined ? undefined : taken(nearest);
  }
  const own = argumentsOf(btf, event);
  return own !== undefined && own === argumentsOf(nearestBtf, event) ? taken(nearest) : undefined;
}

function eventOf(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** The prototype of a raw tracepoint, as C. */
function argumentsOf(btf: Btf, event: string): string | undefined {
  const id = btf.find('typedef', `btf_trace_${event}`);
  const type = id === undefined ? undefined : btf.type(id);
  return type?.kind === 'typedef' ? printType(btf, type.target) : undefined;
}

function taken(nearest: TracepointFormat): TracepointFormat {
  return new RecordFormat({ ...nearest, source: 'nearest' });
}

function fromStruct(btf: Btf, struct: TypeId, nearest: TracepointFormat): TracepointFormat {
  const fields = recordFields(btf, struct);
  const same =
    fields.length === nearest.fields.length &&
    fields.every((field, i) => {
      const other = nearest.fields[i] as TracepointField;
      return field.name === other.name && field.offset === other.offset && field.size === other.size;
    });
  const { name, id, constants } = nearest;
  const shared = { name, id, source: 'btf' as const, ...(constants === undefined ? {} : { constants }) };
  if (same) return new RecordFormat({ ...shared, fields: nearest.fields, print: nearest.print });
  const names = new Set(fields.map((field) => field.name));
  const printable = [...nearest.print.matchAll(/REC->(\w+)|__get_\w+\((\w+)\)/g)].every((match) =>
    names.has((match[1] ?? match[2]) as string),
  );
  return new RecordFormat({ ...shared, fields, print: printable ? nearest.print : plainPrint(fields) });
}

/** The members behind the common fields, without the empty array at the end; `__data_loc_x` is the dynamic field x. */
export function recordFields(btf: Btf, struct: TypeId): TracepointField[] {
  const fields: TracepointField[] = [];
  for (const member of structLayout(btf, struct)) {
    if (member.name === 'ent' || member.size === 0) continue;
    const dynamic = /^__(data|rel)_loc_(.+)$/.exec(member.name);
    const type = btf.type(btf.strip(member.type));
    const element = type.kind === 'array' ? btf.type(btf.strip(type.element)) : type;
    fields.push({
      name: dynamic ? (dynamic[2] as string) : member.name,
      type: dynamic ? `__${dynamic[1]}_loc char[]` : printType(btf, member.type),
      offset: member.offset,
      size: member.size,
      signed: !dynamic && 'signed' in element && (element.signed || isChar(element)),
      length: type.kind === 'array' ? type.length : 0,
      dynamic: dynamic !== null,
    });
  }
  return fields;
}

function isChar(type: { readonly kind: string; readonly name?: string }): boolean {
  return type.kind === 'int' && type.name === 'char';
}

/** `"a=%d b=%s", REC->a, __get_str(b)`: a format line where none is known. */
function plainPrint(fields: readonly TracepointField[]): string {
  const parts = fields.map((field) => `${field.name}=${conversionFor(field)}`);
  const args = fields.map((field) => (field.dynamic ? `__get_str(${field.name})` : `REC->${field.name}`));
  return [`"${parts.join(' ')}"`, ...args].join(', ');
}

function conversionFor(field: TracepointField): string {
  if (field.dynamic || /^char\b.*\[/.test(field.type)) return '%s';
  if (field.type.includes('*')) return '%p';
  return `%${field.size === 8 ? 'll' : ''}${field.signed ? 'd' : 'u'}`;
}
