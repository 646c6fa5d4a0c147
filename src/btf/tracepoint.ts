import { InputError } from '../base/index.ts';
import { parseField } from './field.ts';
import { type PrintProgram, parsePrintFormat } from './print-format.ts';
import { compilePrinted, type PrintedFields, type PrintedParser } from './printed.ts';
import type { FormatSource, TracepointField, TracepointFormat } from './profile.ts';

/**
 * Tracepoint formats as tracefs tells them (events/CATEGORY/NAME/format): the fields of the record with their places,
 * and the format line that says how the kernel prints it. The eight bytes of common fields in front are left out.
 *
 *   name: kfree_skb
 *   ID: 2310
 *   format:
 *           field:unsigned short protocol;  offset:32;  size:2;  signed:0;
 *   print fmt: "skbaddr=%p …", REC->skbaddr, …
 */
export class RecordFormat implements TracepointFormat {
  readonly name: string;
  readonly id: number;
  readonly fields: readonly TracepointField[];
  readonly print: string;
  readonly size: number;
  readonly constants: Readonly<Record<string, number>>;
  readonly source: FormatSource;
  #program: PrintProgram | undefined;
  #parser: PrintedParser | undefined;

  constructor(facts: Omit<TracepointFormat, 'size' | 'constants' | 'source'> & Partial<TracepointFormat>) {
    this.name = facts.name;
    this.id = facts.id;
    this.fields = facts.fields;
    this.print = facts.print;
    this.size = facts.size ?? Math.max(8, ...facts.fields.map((field) => field.offset + field.size));
    this.constants = facts.constants ?? {};
    this.source = facts.source ?? 'tracefs';
  }

  /** The format line taken apart, once. */
  get program(): PrintProgram {
    this.#program ??= parsePrintFormat(this.print, this.constants);
    return this.#program;
  }

  /** The inverse of the format line, made once. */
  get printed(): PrintedParser {
    this.#parser ??= compilePrinted(this, this.program);
    return this.#parser;
  }
}

/** The same format with its print line taken apart on demand. */
export function recordFormat(format: TracepointFormat): RecordFormat {
  return format instanceof RecordFormat ? format : new RecordFormat(format);
}

const fieldLine = /^\s*field:([^;]+);\s*offset:(\d+);\s*size:(\d+);\s*signed:(\d+);/;

/**
 * Reads one `format` file of tracefs. `category` goes before the name unless the name has one.
 * @throws InputError with the line that cannot be taken
 */
export function readFormat(
  text: string,
  category: string,
  constants: Readonly<Record<string, number>> = {},
  file?: string,
): TracepointFormat {
  const fault = (message: string, line: number, text: string): InputError =>
    new InputError(message, { at: { ...(file === undefined ? {} : { file }), line, text } });
  let name: string | undefined;
  let id = 0;
  let print = '';
  const fields: TracepointField[] = [];
  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('name: ')) name = line.slice(6).trim();
    else if (line.startsWith('ID: ')) id = Number(line.slice(4));
    else if (line.startsWith('print fmt: ')) print = line.slice(11);
    else if (/^\s*field:/.test(line)) {
      const match = fieldLine.exec(line);
      const field = match && parseField(match[1] as string, Number(match[2]), Number(match[3]), match[4] !== '0');
      if (!field) throw fault('this field of a tracepoint format cannot be read', index + 1, line);
      if (field.offset >= 8) fields.push(field);
    }
  }
  if (name === undefined) throw fault('a tracepoint format without a name', 1, lines[0] ?? '');
  return new RecordFormat({ name: name.includes(':') ? name : `${category}:${name}`, id, fields, print, constants });
}

/**
 * The fields that a printed record tells: the inverse of formatRecord for what the format line shows of each field.
 * `text` is what follows the event's name in a trace. Undefined when it is not of this format.
 */
export function parsePrinted(format: TracepointFormat, text: string): PrintedFields | undefined {
  return recordFormat(format).printed(text);
}
