import { readFile } from 'node:fs/promises';
import { fileFault, InputError, nearestHint, type Position, TracebedError, UsageError } from '../base/index.ts';
import { assemble, type DisassemblerOptions, decode, readVerifierLog } from '../isa/index.ts';
import type { LineInfo, MapSpec, ObjectSpec, ProgramSpec, Relocation } from '../object/index.ts';
import { helperById, helperByName, helperNames, type ProgramType } from '../uapi/index.ts';
import type { Io } from './io.ts';
import type { InputFlags, InputForm, StyleFlags } from './prog-flags.ts';
import { profileNamed } from './values.ts';

/**
 * A program as `tracebed prog` and `tracebed verify` take it: assembly text, hex, raw bytes, one of an object's text, or
 * C; from a file or standard input. What it is shows in its content, of C in the file's name.
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
  readonly relocations: readonly (Relocation & { readonly at?: Position })[];
  readonly maps: readonly MapSpec[];
  /** Where an object says it. */
  readonly type: ProgramType | undefined;
  readonly license: string | undefined;
  /** Of one of an object's: what it attaches to. */
  readonly section: string | undefined;
  readonly form: InputForm;
  /** Of one of an object's: its types, and the functions in its code. */
  readonly btf: ObjectSpec['btf'];
  readonly functions: ProgramSpec['functions'];
  /** Where its instructions come from, in the order of their slots. */
  readonly lines: readonly LineInfo[];
  /** Where an object's source names it. */
  readonly declared: Position | undefined;
  /** Where the instruction at a slot comes from. */
  at(slot: number): Position;
}

/** @throws InputError with its place for what cannot be read; UsageError for a program that an object has not */
export async function readProgram(path: string, flags: InputFlags, io: Io): Promise<Program> {
  const programs = await readPrograms(path, flags, io);
  const [program] = programs;
  if (programs.length > 1) {
    throw new UsageError(`${program?.file} holds ${programs.length} programs`, {
      expected: `--program ${programs.map(({ name }) => name).join(' or ')}`,
    });
  }
  const { file, code, form } = program as Program;
  if (form === 'raw' || form === 'hex') inFile(file, () => decode(code));
  return program as Program;
}

/** All that a file holds; bytes are taken as they are. @throws as `readProgram` does */
export async function readPrograms(path: string, flags: InputFlags, io: Io): Promise<readonly Program[]> {
  const file = path === '-' ? 'standard input' : path;
  const bytes = path === '-' ? await readAll(io) : await readBytes(path);
  if (bytes.length === 0) throw new InputError('there is nothing to read', { at: { file }, expected: 'a program' });
  const form = flags.input ?? formOf(bytes, file);
  if (form !== 'object' && form !== 'c' && flags.program !== undefined) {
    throw new UsageError('--program chooses one of several programs, which only an object has', {
      hint: `${file} was read as ${form}`,
    });
  }
  if (form === 'raw') return [bytesProgram(file, bytes, form)];
  const text = new TextDecoder().decode(bytes);
  if (form === 'hex') return [hexProgram(text, file)];
  if (form === 'text') return [textProgram(file, text)];
  return programsOf(file, form, await readObject(file, form, text, flags, io), flags.program);
}

/** A program whose hex stands on the command line. */
export function hexProgram(text: string, file: string): Program {
  return bytesProgram(file, readHex(text, file), 'hex');
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
    const hint = `as a program in hex its ${file.length} digits are no whole instructions of 16`;
    throw fileFault(file, 'read', cause, /^[0-9a-f]+$/i.test(file) ? { hint } : {});
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
  if (file.endsWith('.c')) return 'c';
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
function bytesProgram(file: string, code: Uint8Array, form: InputForm): Program {
  if (code.length % 8 !== 0) inFile(file, () => decode(code));
  const at = (slot: number): Position => ({ file, offset: slot * 8 });
  return { ...bare(file, form), code, labels: new Map(), relocations: [], lines: [], at };
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

function bare(
  file: string,
  form: InputForm,
): Pick<
  Program,
  'name' | 'file' | 'maps' | 'type' | 'license' | 'section' | 'form' | 'btf' | 'functions' | 'declared'
> {
  const name = file.replace(/^.*[/\\]/, '');
  const unsaid = { type: undefined, license: undefined, section: undefined, btf: undefined, functions: undefined };
  return { name, file, maps: [], form, declared: undefined, ...unsaid };
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
  return { ...bare(file, 'text'), code, labels, relocations, lines: places, at: placeIn(file, places) };
}

async function readObject(
  file: string,
  form: 'object' | 'c',
  text: string,
  flags: InputFlags,
  io: Io,
): Promise<ObjectSpec> {
  if (form === 'c') {
    const { compileText } = await import('./cc.ts');
    return await compileText(text, file, { define: [], include: [], ...flags }, io);
  }
  const [{ assembleObject }, profile] = await Promise.all([import('../object/index.ts'), profileNamed(flags.kernel)]);
  return assembleObject(text, { file, profile });
}

/** All programs of an object, or the one that is wanted. @throws UsageError when it has no such */
function programsOf(file: string, form: InputForm, object: ObjectSpec, wanted: string | undefined): Program[] {
  const names = object.programs.map(({ name }) => name);
  if (names.length === 0) throw new InputError('there is no program in it', { at: { file } });
  const programs = object.programs.map((spec) => objectProgram(file, form, object, spec));
  if (wanted === undefined) return programs;
  const chosen = programs.find(({ name }) => name === wanted);
  if (chosen) return [chosen];
  throw new UsageError(`${file} holds no program '${wanted}'`, {
    expected: names.join(', '),
    ...nearestHint(wanted, names),
  });
}

function objectProgram(file: string, form: InputForm, object: ObjectSpec, spec: ProgramSpec): Program {
  const { maps, license, btf } = object;
  const { name, code, relocations, type, lines, section, functions } = spec;
  const at = placeIn(file, lines);
  const labels = new Map([[name, 0]]);
  const parts = { code, labels, relocations, maps, type, license, section, btf, functions, lines, at };
  return { name, file, form, declared: spec.at, ...parts };
}

/** An entry of `lines` holds until the next one's slot. */
function placeIn(file: string, lines: readonly { slot: number; at: Position }[]): (slot: number) => Position {
  return (slot) => lines.findLast((line) => line.slot <= slot)?.at ?? { file };
}

/** Slots that stay empty because the text names a map without saying what it is. */
export function openMaps(program: Program): string[] {
  return [...new Set(program.relocations.map(({ map }) => map))];
}

/** A text may name maps, but only an object says what they are. */
export function refuseOpenMaps(program: Program): void {
  const known = new Set(program.maps.map(({ name }) => name));
  const open = program.relocations.find(({ map }) => !known.has(map));
  if (!open) return;
  throw new TracebedError(`there is no map '${open.map}'`, {
    at: open.at ?? program.at(open.slot),
    hint: `an object's text declares it: .map ${open.map}, hash, key=u32, value=u64, entries=16`,
  });
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
