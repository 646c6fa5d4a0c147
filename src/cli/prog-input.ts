import { readFile } from 'node:fs/promises';
import { InputError, nearest, type Position, UsageError } from '../base/index.ts';
import { assemble, type DisassemblerOptions, decode, readVerifierLog } from '../isa/index.ts';
import type { MapSpec } from '../object/index.ts';
import { helperById, helperByName, helperNames, type ProgramType } from '../uapi/index.ts';
import type { Io } from './io.ts';
import type { InputFlags, InputForm, StyleFlags } from './prog-flags.ts';
import { profileNamed } from './values.ts';

/**
 * A program as `tracebed prog` takes it: assembly text, hex, raw bytes, or one of an object's text; from a file or
 * standard input. What it is shows in its content.
 */
export interface Program {
  /** For titles: the program's own name, or the file's. */
  readonly name: string;
  /** As faults show it. */
  readonly file: string;
  /** 8 bytes a slot. */
  readonly code: Uint8Array;
  /** Slots by the names that the text gave them. */
  readonly labels: ReadonlyMap<string, number>;
  /** 64-bit immediates that take a map's address; zero in the code. */
  readonly relocations: readonly { readonly slot: number; readonly map: string; readonly at?: Position }[];
  readonly maps: readonly MapSpec[];
  /** Where an object says it. */
  readonly type: ProgramType | undefined;
  readonly license: string | undefined;
  /** Where the instruction at a slot comes from. */
  at(slot: number): Position;
}

/** @throws InputError with its place for what cannot be read; UsageError for a program that an object has not */
export async function readProgram(path: string, flags: InputFlags, io: Io): Promise<Program> {
  const file = path === '-' ? 'standard input' : path;
  const bytes = path === '-' ? await readAll(io) : await readBytes(path);
  if (bytes.length === 0) throw new InputError('there is nothing to read', { at: { file }, expected: 'a program' });
  const form = flags.input ?? formOf(bytes, file);
  if (form !== 'object' && flags.program !== undefined) {
    throw new UsageError('--program chooses one of several programs, which only an object has', {
      hint: `${file} was read as ${form}`,
    });
  }
  if (form === 'raw') return bytesProgram(file, bytes);
  const text = new TextDecoder().decode(bytes);
  if (form === 'hex') return bytesProgram(file, readHex(text, file));
  return form === 'text' ? textProgram(file, text) : await objectProgram(file, text, flags);
}

async function readAll({ stdin }: Io): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks);
}

/** A file's bytes. @throws InputError saying why it cannot be read */
export async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    const why = { ENOENT: 'there is no such file', EISDIR: 'this is a directory', EACCES: 'this may not be read' }[
      code
    ];
    throw new InputError(why ?? `this cannot be read: ${code}`, { at: { file }, cause });
  }
}

const elfMagic = [0x7f, 0x45, 0x4c, 0x46];

/** Bytes that no text has are raw; text of hex digits alone is hex; one with a section is an object's. */
function formOf(bytes: Uint8Array, file: string): InputForm {
  if (elfMagic.every((byte, index) => bytes[index] === byte)) {
    throw new InputError('this is an ELF object, which is not read here', {
      at: { file },
      hint: `llvm-objdump -d -r ${file} prints its instructions, which are`,
    });
  }
  if (bytes.includes(0)) return 'raw';
  const text = new TextDecoder().decode(bytes);
  if (!/[^\s,0-9a-f]/i.test(text.replace(/\b0x/gi, ''))) return 'hex';
  return /^[ \t]*\.section\b/m.test(text) ? 'object' : 'text';
}

/** Hex digits with blanks, commas and `0x` between bytes. */
function readHex(text: string, file: string): Uint8Array {
  const bytes: number[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    for (const { 0: word, index: start } of line.matchAll(/[^\s,]+/g)) {
      const skip = /^0x/i.test(word) ? 2 : 0;
      const bad = word.slice(skip).search(/[^0-9a-f]/i);
      const at = { file, line: index + 1, column: start + 1 + (bad < 0 ? 0 : bad + skip), text: line };
      if (bad >= 0) throw new InputError(`'${word[bad + skip]}' is no hex digit`, { at });
      if (word.length % 2 !== 0) throw new InputError('half a byte is missing', { at, expected: 'two digits a byte' });
      for (let digit = skip; digit < word.length; digit += 2)
        bytes.push(Number.parseInt(word.slice(digit, digit + 2), 16));
    }
  }
  return Uint8Array.from(bytes);
}

/** The place of an instruction is that of its bytes. */
function bytesProgram(file: string, code: Uint8Array): Program {
  inFile(file, () => decode(code));
  const at = (slot: number): Position => ({ file, offset: slot * 8 });
  return { ...bare(file), code, labels: new Map(), relocations: [], at };
}

/** Gives a fault that only knows its byte the file's name. */
function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (fault) {
    if (!(fault instanceof InputError) || fault.at?.file !== undefined) throw fault;
    const { message, expected, hint } = fault;
    throw new InputError(message, {
      at: { ...fault.at, file },
      ...(expected === undefined ? {} : { expected }),
      ...(hint === undefined ? {} : { hint }),
      cause: fault,
    });
  }
}

function bare(file: string): Pick<Program, 'name' | 'file' | 'maps' | 'type' | 'license'> {
  return { name: file.replace(/^.*[/\\]/, ''), file, maps: [], type: undefined, license: undefined };
}

function textProgram(file: string, text: string): Program {
  const log = inFile(file, () => readVerifierLog(text));
  const source = log === undefined ? text : log.map((entry) => entry.text).join('\n');
  const { code, labels, relocations, lines } = assemble(source, {
    file,
    helper: (name) => helperByName(name)?.id,
    helperNames,
  });
  if (code.length === 0) throw new InputError('there is no instruction in it', { at: { file } });
  const places = log === undefined ? lines : log.map(({ slot, line, text }) => ({ slot, at: { file, line, text } }));
  return { ...bare(file), code, labels, relocations, at: placeIn(file, places) };
}

async function objectProgram(file: string, text: string, flags: InputFlags): Promise<Program> {
  const [{ assembleObject }, profile] = await Promise.all([import('../object/index.ts'), profileNamed(flags.kernel)]);
  const { programs, maps, license } = assembleObject(text, { file, profile });
  const names = programs.map(({ name }) => name);
  if (flags.program === undefined && programs.length > 1) {
    throw new UsageError(`${file} holds ${programs.length} programs`, { expected: `--program ${names.join(' or ')}` });
  }
  const chosen = flags.program === undefined ? programs[0] : programs.find(({ name }) => name === flags.program);
  if (!chosen) {
    const wanted = flags.program ?? '';
    const near = nearest(wanted, names);
    throw new UsageError(`${file} holds no program '${wanted}'`, {
      expected: names.join(', '),
      ...(near.length === 0 ? {} : { hint: `did you mean ${near.join(' or ')}?` }),
    });
  }
  const { name, code, relocations, type, lines } = chosen;
  return { name, file, code, labels: new Map([[name, 0]]), relocations, maps, type, license, at: placeIn(file, lines) };
}

/** An entry of `lines` holds until the next one's slot. */
function placeIn(file: string, lines: readonly { slot: number; at: Position }[]): (slot: number) => Position {
  return (slot) => lines.findLast((line) => line.slot <= slot)?.at ?? { file };
}

/** Slots that stay empty because the text names a map without saying what it is. */
export function openMaps(program: Program): string[] {
  return [...new Set(program.relocations.map(({ map }) => map))];
}

/** How a program's instructions are written, with the names that its text gave. */
export function wordsFor({ relocations }: Program, { style }: StyleFlags): DisassemblerOptions {
  const helperName = (id: number): string | undefined => {
    const helper = helperById(id);
    return helper && `bpf_${helper.name}`;
  };
  return { style, helperName, symbols: new Map(relocations.map(({ slot, map }) => [slot, map])) };
}

/** Bytes of an option: hex, or `@FILE` for what a file holds. @throws UsageError for what is neither */
export async function bytesOf(option: string, text: string): Promise<Uint8Array> {
  if (text.startsWith('@')) return await readBytes(text.slice(1));
  const digits = text.replace(/^0x/i, '').replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) {
    throw new UsageError(`${option} cannot be '${text}'`, { expected: 'bytes in hex, two digits each, or @FILE' });
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
