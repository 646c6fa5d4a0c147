import { InputError } from '../../base/index.ts';
import type { KernelProfile, TracepointField, TracepointFormat } from '../../btf/index.ts';
import type { Argument, TracepointEvent } from '../../events/index.ts';
import type { Memory } from '../../memory/index.ts';
import { type CpuMemory, type Current, recordSize } from '../machine/current.ts';
import { writeText } from '../objects/fields.ts';
import { declaredBits } from './registers.ts';
import { enumNames, type Slot } from './slots.ts';
import { unknownName, type Values } from './values.ts';

/**
 * Tracepoint records as their format tells (include/trace/trace_events.h):
 *
 *   +0 u16 common_type   +2 u8 common_flags   +3 u8 common_preempt_count   +4 i32 common_pid   +8 the fields
 *   then the data of __data_loc fields, in the order of the fields
 *
 *   __data_loc and __rel_loc: u16 offset | u16 length << 16, from the record's start or from behind the field
 */
interface Field {
  readonly name: string;
  readonly slot: Slot;
  readonly place: 'value' | 'array' | 'dataLocation' | 'relativeLocation';
  readonly offset: number;
  /** bytes */
  readonly size: number;
  readonly text: boolean;
}

export class RecordContext {
  readonly format: TracepointFormat;
  readonly #fields: readonly Field[];
  /** Where the data of dynamic fields begin: right behind the last field. */
  readonly #fixed: number;
  readonly #memory: Memory;
  readonly #values: Values;

  constructor(profile: KernelProfile, memory: Memory, values: Values, format: TracepointFormat) {
    const own = format.fields.filter((field) => !field.name.startsWith('common_'));
    this.format = format;
    this.#memory = memory;
    this.#values = values;
    this.#fixed = own.reduce((end, field) => Math.max(end, field.offset + field.size), 8);
    this.#fields = own.map((field) => makeField(profile, format, field));
  }

  /** Writes the record on the event's CPU and says in `current` what the stack is. Returns its offset. */
  write(event: TracepointEvent, current: Current): number {
    const { i32, u8 } = this.#memory;
    const record = (current.cpus[event.cpu] as CpuMemory).record;
    i32[record >>> 2] = this.format.id;
    i32[(record + 4) >>> 2] = event.task.pid;
    u8.fill(0, record + 8, record + this.#fixed);
    const args = event.fields;
    let end = this.#fixed;
    let taken = 0;
    for (let index = 0; index < this.#fields.length; index++) {
      const field = this.#fields[index] as Field;
      const argument = args[field.name];
      if (argument !== undefined) taken++;
      switch (field.place) {
        case 'value':
          if (argument !== undefined) this.#writeValue(record, field, argument);
          break;
        case 'array':
          if (argument !== undefined) this.#writeArray(record + field.offset, field, argument);
          break;
        default:
          end = this.#writeDynamic(record, end, field, argument);
      }
    }
    let given = 0;
    for (const _ in args) given++;
    if (given !== taken) this.#checkNames(event);
    current.stackFirst = 0;
    current.stackSkip = 0;
    current.function = 0;
    return record;
  }

  #writeValue(record: number, field: Field, argument: Argument): void {
    const values = this.#values;
    const at = record + field.offset;
    values.take(field.slot, argument);
    switch (field.size) {
      case 8:
        this.#memory.view.setInt32(at, values.low, true);
        this.#memory.view.setInt32(at + 4, values.high, true);
        break;
      case 4:
        this.#memory.view.setInt32(at, values.low, true);
        break;
      case 2:
        this.#memory.view.setInt16(at, values.low, true);
        break;
      default:
        this.#memory.u8[at] = values.low;
    }
  }

  #writeArray(at: number, field: Field, argument: Argument): void {
    const { u8 } = this.#memory;
    if (argument instanceof Uint8Array) {
      if (argument.length > field.size) {
        throw new InputError(`${field.slot.what} has ${argument.length} bytes`, { expected: `at most ${field.size}` });
      }
      u8.set(argument, at);
    } else if (typeof argument === 'string' && field.text) {
      writeText(u8, at, field.size, argument);
    } else if (argument !== null && argument !== 0) {
      throw new InputError(`${field.slot.what} is an array`, {
        expected: field.text ? 'a string or a Uint8Array' : 'a Uint8Array',
      });
    }
  }

  /** Writes a dynamic field's data at `end` and its place in the field; returns the end of the data. */
  #writeDynamic(record: number, end: number, field: Field, argument: Argument | undefined): number {
    const { u8, view } = this.#memory;
    let length = 0;
    if (typeof argument === 'string') {
      const room = recordSize - end;
      if (argument.length >= room) throw this.#tooLong();
      length = writeText(u8, record + end, Math.min(room, argument.length * 3 + 1), argument);
    } else if (argument instanceof Uint8Array) {
      length = argument.length;
      if (length > recordSize - end) throw this.#tooLong();
      u8.set(argument, record + end);
    } else if (argument !== undefined && argument !== null && argument !== 0) {
      throw new InputError(`${field.slot.what} is ${field.slot.type}`, { expected: 'a string or a Uint8Array' });
    } else if (field.text) {
      u8[record + end] = 0;
      length = 1;
    }
    const from = field.place === 'relativeLocation' ? end - field.offset - field.size : end;
    view.setUint16(record + field.offset, from, true);
    view.setUint16(record + field.offset + 2, length, true);
    return end + length;
  }

  #tooLong(): InputError {
    return new InputError(`a record of ${this.format.name} is too long`, { expected: `at most ${recordSize} bytes` });
  }

  #checkNames(event: TracepointEvent): void {
    const names = this.#fields.map(({ name }) => name);
    const stranger = Object.keys(event.fields).find((name) => !names.includes(name));
    if (stranger !== undefined) throw unknownName(this.format.name, 'field', stranger, names);
  }
}

function makeField(profile: KernelProfile, format: TracepointFormat, field: TracepointField): Field {
  const pointer = field.type.includes('*');
  const single = field.size === 1 || field.size === 2 || field.size === 4 || field.size === 8;
  const array = field.length > 0 || !single;
  const wide = field.size * 8;
  const slot: Slot = {
    what: `field '${field.name}' of ${format.name}`,
    type: field.type,
    kind: array ? 'bytes' : pointer ? 'pointer' : 'integer',
    bits: pointer ? 64 : Math.min(wide, declaredBits(profile, field.type, wide)),
    signed: field.signed,
    user: format.name.startsWith('syscalls:'),
    names: pointer || array ? undefined : fieldNames(profile, format, field),
  };
  const relative = field.type.startsWith('__rel_loc');
  const place = field.dynamic ? (relative ? 'relativeLocation' : 'dataLocation') : array ? 'array' : 'value';
  const text = /\bchar\b/.test(field.type);
  return { name: field.name, slot, place, offset: field.offset, size: field.size, text };
}

/** Names for an integer field's values: its enum's, and those that the format prints. */
function fieldNames(profile: KernelProfile, format: TracepointFormat, field: TracepointField): Slot['names'] {
  const values = printedNames(format, field.name);
  const enumName = /^enum (\w+)/.exec(field.type)?.[1];
  if (enumName === undefined) return values.size === 0 ? undefined : (name) => values.get(name);
  const id = profile.btf.find('enum', enumName);
  const type = id === undefined ? undefined : profile.btf.type(id);
  if (type?.kind === 'enum' || type?.kind === 'enum64')
    for (const { name, value } of type.values) values.set(name, value);
  return enumNames(profile, enumName, values);
}

/** `__print_symbolic(REC->name, { 2, "NAME" }, …)` of a format's print line. */
function printedNames({ print, constants }: TracepointFormat, field: string): Map<string, number | bigint> {
  const names = new Map<string, number | bigint>();
  const begin = `__print_symbolic(REC->${field},`;
  const start = print.indexOf(begin);
  if (start < 0) return names;
  const pair = /\s*\{\s*(-?\w+)\s*,\s*"([^"]*)"\s*\},?/y;
  pair.lastIndex = start + begin.length;
  for (let match = pair.exec(print); match !== null; match = pair.exec(print)) {
    const value = Number(constants?.[match[1] as string] ?? match[1]);
    if (Number.isInteger(value)) names.set(match[2] as string, value);
  }
  return names;
}
