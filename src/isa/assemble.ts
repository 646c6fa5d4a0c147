import { type InputError, nearestHint, type Position } from '../base/index.ts';
import { classicMnemonics, parseClassic } from './classic.ts';
import { Cursor } from './cursor.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { type InstructionBody, slotsOf } from './instruction.ts';
import { fault, positionOf, type SourceLine, type Token, type TokenLine, tokenize } from './lexer.ts';
import { type ListingLine, readListing } from './listing.ts';
import { parseInstruction } from './parser.ts';
import type { Names, Statement } from './statement.ts';

/**
 * From text to bytes, a straight road: lines, tokens, statements, then labels to distances, then bytes. The syntax is
 * that of clang, llvm-objdump and the verifier's log, or on any line the classic mnemonics (`mov r0, 1`).
 *
 *   text = { line }
 *   line = { name ":" } [ instruction ] newline
 */
export interface AssemblerOptions {
  /** The file's name, for positions. */
  readonly file?: string;
  /** The number of the text's first line in that file; 1 when absent. */
  readonly firstLine?: number;
  /** The id of a helper by its name as it stands behind `call`; undefined when there is none. */
  readonly helper?: (name: string) => number | undefined;
  /** The names that `helper` knows, for hints. */
  readonly helperNames?: Iterable<string>;
}

export interface Assembled {
  /** 8 bytes a slot. */
  readonly code: Uint8Array;
  /** The 64-bit immediates that take the address of something outside: `r1 = NAME ll`; all zero in the bytes. */
  readonly relocations: readonly { readonly slot: number; readonly map: string; readonly at: Position }[];
  /** Where each instruction comes from, in the order of slots. */
  readonly lines: readonly { readonly slot: number; readonly at: Position }[];
  /** The slot of each label. */
  readonly labels: ReadonlyMap<string, number>;
}

/** @throws InputError with line, column and what was expected, for the first fault of the text */
export function assemble(text: string, options: AssemblerOptions = {}): Assembled {
  return new Assembler(options).assemble(text);
}

/** A statement that has its place. */
interface Placed extends Statement {
  readonly slot: number;
  readonly source: SourceLine;
  readonly column: number;
}

class Assembler {
  readonly #options: AssemblerOptions;
  readonly #names: Names;
  readonly #labels = new Map<string, number>();
  readonly #placed: Placed[] = [];
  readonly #relocations: { slot: number; map: string; at: Position }[] = [];
  #slot = 0;

  constructor(options: AssemblerOptions) {
    this.#options = options;
    this.#names = {
      helper: (name) =>
        options.helper?.(name) ?? (name.startsWith('bpf_') ? options.helper?.(name.slice(4)) : undefined),
      helperNames: options.helperNames ?? [],
    };
  }

  assemble(text: string): Assembled {
    const { file, firstLine = 1 } = this.#options;
    const listing = text
      .split(/\r?\n/)
      .map((line, index) => readListing({ file, number: firstLine + index, text: line }));
    for (const [index, line] of tokenize(listing).entries()) this.#line(line, listing[index] as ListingLine);
    const code = encode(this.#placed.map((placed) => this.#resolved(placed)));
    const lines = this.#placed.map(({ slot, source, column }) => ({ slot, at: positionOf(source, column) }));
    const relocations = this.#relocations.sort((a, b) => a.slot - b.slot);
    return { code, relocations, lines, labels: this.#labels };
  }

  #line(line: TokenLine, listing: ListingLine): void {
    const cursor = new Cursor(line);
    if (listing.label !== undefined) this.#label(listing.label, line.source, 1);
    if (listing.relocation) this.#relocate(listing.relocation, line.source);
    while (cursor.peek().kind === 'name' && cursor.peek(1).text === ':') {
      const token = cursor.next();
      cursor.next();
      this.#label(token.text, line.source, token.column);
    }
    if (cursor.atEnd) return;
    const { column } = cursor.peek();
    const statement = listing.bytes ? this.#printed(cursor, listing.bytes) : this.#statement(cursor, listing.opcode);
    this.#placed.push({ ...statement, slot: this.#slot, source: line.source, column });
    this.#slot += slotsOf(statement.body);
  }

  #label(name: string, source: SourceLine, column: number): void {
    if (this.#labels.has(name)) throw fault(source, column, `label '${name}' stands twice`);
    this.#labels.set(name, this.#slot);
  }

  #statement(cursor: Cursor, opcode?: number): Statement {
    const statement = isClassic(cursor) ? parseClassic(cursor) : parseInstruction(cursor, this.#names, opcode);
    cursor.expectEnd();
    return statement;
  }

  /** An instruction with its bytes beside it, which tell more than the words do. */
  #printed(cursor: Cursor, bytes: Uint8Array): Statement {
    const token = cursor.peek();
    let decoded: InstructionBody;
    try {
      decoded = decode(bytes).instructions[0] as InstructionBody;
    } catch (cause) {
      throw cursor.fail(token, `the bytes beside it are no instruction: ${(cause as InputError).message}`, { cause });
    }
    if (token.text === '<' && cursor.peek(1).text === 'unknown') return { body: decoded };
    const { body } = this.#statement(cursor);
    const same = encode([body]).every((byte, index) => byte === bytes[index]);
    if (!same && !isUndecided(body, decoded)) cursor.fail(token, 'the instruction and the bytes beside it differ');
    return { body: decoded };
  }

  #relocate({ address, symbol }: { address: number; symbol: string }, source: SourceLine): void {
    const placed = this.#placed.find(({ slot }) => slot === address / 8);
    if (placed?.body.kind !== 'loadImm64') {
      throw fault(source, 1, `byte ${address} holds no 64-bit immediate to relocate`);
    }
    this.#relocations.push({ slot: placed.slot, map: symbol, at: positionOf(placed.source, placed.column) });
  }

  /** The instruction with the distance to its label, or of a function whose address it takes. */
  #resolved(placed: Placed): InstructionBody {
    const { body, slot, symbol, label } = placed;
    if (symbol && body.kind === 'loadImm64') {
      const target = this.#labels.get(symbol.text);
      if (target !== undefined) return { ...body, pseudo: 'func', imm: target - slot - 1 };
      this.#relocations.push({ slot, map: symbol.text, at: positionOf(placed.source, placed.column) });
      return body;
    }
    if (!label) return body;
    const target = this.#labels.get(label.text);
    if (target === undefined) throw this.#noLabel(placed, label);
    const distance = target - slot - 1;
    if (body.kind === 'call') return { ...body, imm: distance };
    if (!('offset' in body)) return body;
    const long = body.kind === 'goto' && body.long;
    if (!long && distance !== (distance << 16) >> 16) {
      throw fault(placed.source, label.column, `label '${label.text}' is ${distance} slots away, too far for 16 bits`, {
        hint: 'gotol reaches further',
      });
    }
    return { ...body, offset: distance };
  }

  #noLabel({ body, source }: Placed, label: Token): InputError {
    const calls = body.kind === 'call';
    const names = calls ? [...this.#labels.keys(), ...this.#names.helperNames] : [...this.#labels.keys()];
    const typed = calls ? label.text.replace(/^bpf_/, '') : label.text;
    const what = calls ? 'helper or function' : 'label';
    return fault(source, label.column, `there is no ${what} '${label.text}'`, {
      ...nearestHint(typed, names),
    });
  }
}

/**
 * Whether the words leave open what the bytes say: which kind of call it is, what `ll` stands for, and, as LLVM 14
 * prints 32-bit atomics, whether the old value is fetched.
 */
function isUndecided(body: InstructionBody, decoded: InstructionBody): boolean {
  if (body.kind === 'call' || body.kind === 'loadImm64') return body.kind === decoded.kind;
  if (body.kind !== 'atomic' || decoded.kind !== 'atomic') return false;
  const samePlace = body.base === decoded.base && body.offset === decoded.offset && body.size === decoded.size;
  return (
    samePlace && body.src === decoded.src && decoded.op === `fetch${body.op.replace(/^./, (c) => c.toUpperCase())}`
  );
}

/** BPF_LD | BPF_IMM | BPF_DW: behind it in brackets the verifier prints a 64-bit immediate without `ll`. */

/** A line of the classic syntax begins with one of its mnemonics, which no line of the other does. */
function isClassic(cursor: Cursor): boolean {
  const first = cursor.peek().text;
  const second = cursor.peek(1);
  if (first === 'lock') return second.kind === 'name';
  if (first === 'call') return second.text === 'local';
  return classicMnemonics.has(first);
}
