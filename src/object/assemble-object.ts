import { InputError, nearestHint, type Position } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import { type Assembled, assemble } from '../isa/index.ts';
import { helperByName, helperNames } from '../uapi/index.ts';
import {
  DirectiveLine,
  parseConstant,
  parseLicense,
  parseLocal,
  parseMap,
  parseSectionDirective,
  StructReader,
} from './directives.ts';
import { type ExpandedLine, expandLine } from './expand.ts';
import { type ParsedSection, parseSection } from './section.ts';
import { Source, type SourceLine, type Token, tokensOf } from './source.ts';
import type { MapSpec, ObjectSpec, ProgramSpec } from './spec.ts';
import { Symbols } from './symbols.ts';

/**
 * A tool's programs as text: eBPF assembly in the syntax that llvm-objdump and the verifier print, with directives
 * that say what the object holds besides.
 *
 *   object    = { line }
 *   line      = [ directive | label ":" [ statement ] | statement ] newline
 *   directive = license | constant | struct | map | section | local       see directives.ts
 *
 *   .license "GPL"
 *   .equ     PACKET, 128                    a constant; the one who assembles may give it another value
 *   .struct  drop_key                       a layout: drop_key.reason is an offset, sizeof(drop_key) its size
 *     u64  location
 *     u32  reason
 *   .end
 *   .map     drops, hash, key=drop_key, value=u64, entries=4096
 *   .section "tracepoint/skb/kfree_skb"     a new program; its first label is its name
 *   .local   key, drop_key                  on its frame: r10 + key.reason
 *
 * Any number of a statement may be an expression of constants, fields and sizes: `args.location` is the field of the
 * section's tracepoint record (or, for a kprobe, of the pt_regs that hold the parameter of that name),
 * `sk_buff.head` a member of the kernel's struct, `skb_drop_reason.SKB_CONSUMED` a value of its enum. They are
 * resolved against the kernel profile, so no offset of another kernel is ever used. `r1 = NAME ll` is a map's address
 * and `call bpf_NAME` a helper.
 */
export interface AssembleOptions {
  /** Shown in faults. */
  readonly file: string;
  /** The kernel whose structs and tracepoints the names mean. */
  readonly profile: KernelProfile;
  /** Other values for constants that the file declares with `.equ`. */
  readonly define?: Readonly<Record<string, number | bigint>>;
}

/** @throws InputError at file, line and column for what cannot be assembled */
export function assembleObject(text: string, options: AssembleOptions): ObjectSpec {
  return new ObjectAssembler(new Source(options.file, text), options).read();
}

/** A program whose lines are being read. */
interface OpenProgram {
  readonly section: string;
  readonly parsed: ParsedSection;
  readonly opened: SourceLine;
  name: string | undefined;
  /** Bytes of the frame that locals take. */
  frame: number;
  readonly lines: { readonly source: SourceLine; readonly expanded: ExpandedLine }[];
}

class ObjectAssembler {
  readonly #source: Source;
  readonly #symbols: Symbols;
  readonly #undefined: Map<string, bigint>;
  readonly #maps: MapSpec[] = [];
  readonly #programs: ProgramSpec[] = [];
  #license: string | undefined;
  #struct: StructReader | undefined;
  #program: OpenProgram | undefined;

  constructor(source: Source, options: AssembleOptions) {
    this.#source = source;
    this.#symbols = new Symbols(options.profile, source);
    const given = Object.entries(options.define ?? {}).map(([name, value]) => [name, BigInt(value)] as const);
    this.#undefined = new Map(given);
  }

  read(): ObjectSpec {
    for (const line of this.#source.lines) {
      const tokens = tokensOf(line);
      const first = tokens[0];
      if (!first) continue;
      if (this.#struct) this.#structLine(this.#struct, line, tokens, first);
      else if (first.text.startsWith('.')) this.#directive(line, tokens, first);
      else this.#statement(line, tokens, first);
    }
    if (this.#struct) this.#source.fault(this.#struct.opened, 0, `struct ${this.#struct.name} has no .end`);
    this.#closeProgram();
    this.#checkWhole();
    return {
      license: this.#license ?? '',
      maps: this.#maps,
      programs: this.#programs,
      structs: [...this.#symbols.structs.values()],
    };
  }

  #checkWhole(): void {
    const [name] = this.#undefined.keys();
    if (name !== undefined) {
      throw new InputError(`there is no constant '${name}' to define`, {
        at: { file: this.#source.file },
        ...nearestHint(name, this.#symbols.constants.keys()),
      });
    }
    if (this.#programs.length === 0) {
      throw new InputError('the file holds no program', {
        at: { file: this.#source.file },
        expected: '.section "TYPE/TARGET", a label, and instructions',
      });
    }
  }

  #structLine(struct: StructReader, line: SourceLine, tokens: readonly Token[], first: Token): void {
    const cursor = new DirectiveLine(this.#source, line, tokens, this.#symbols);
    if (first.text === '.end') {
      this.#symbols.structs.set(struct.name, struct.close(cursor));
      this.#struct = undefined;
    } else struct.field(cursor);
  }

  readonly #directives: Readonly<Record<string, (line: DirectiveLine) => void>> = {
    '.license': (line) => {
      this.#license = parseLicense(line);
    },
    '.equ': (line) => {
      const { name, value } = parseConstant(line);
      if (this.#maps.some((map) => map.name === name)) line.fault(`'${name}' is a map already`, {}, line.tokens[1]);
      this.#symbols.constants.set(name, this.#undefined.get(name) ?? value);
      this.#undefined.delete(name);
    },
    '.struct': (line) => {
      this.#struct = new StructReader(line);
    },
    '.map': (line) => {
      const map = parseMap(line);
      if (this.#maps.some(({ name }) => name === map.name)) line.fault(`map ${map.name} is declared twice`);
      this.#maps.push(map);
    },
    '.section': (line) => this.#openProgram(line),
    '.local': (line) => {
      if (!this.#program) throw line.fault('a local belongs to a program', { hint: 'put it after a .section' });
      this.#program.frame = parseLocal(line, this.#program.frame).used;
    },
  };

  #directive(line: SourceLine, tokens: readonly Token[], first: Token): void {
    const read = Object.hasOwn(this.#directives, first.text) ? this.#directives[first.text] : undefined;
    if (!read) {
      const names = Object.keys(this.#directives);
      const expected = names.join(', ');
      this.#source.fault(line, first.start, `there is no directive '${first.text}'`, {
        expected,
        ...nearestHint(first.text, names),
      });
    } else read(new DirectiveLine(this.#source, line, tokens, this.#symbols));
  }

  #openProgram(line: DirectiveLine): void {
    this.#closeProgram();
    const token = line.next;
    const section = parseSectionDirective(line);
    const parsed = this.#placed(line.line, token, () => parseSection(section));
    this.#symbols.section = parsed;
    this.#program = { section, parsed, opened: line.line, name: undefined, frame: 0, lines: [] };
  }

  /** Gives a fault without a place that of the token. */
  #placed<T>(line: SourceLine, token: Token | undefined, work: () => T): T {
    try {
      return work();
    } catch (fault) {
      if (!(fault instanceof InputError) || fault.at) throw fault;
      return this.#source.fault(line, token?.start ?? 0, fault.message, detailsOf(fault));
    }
  }

  #statement(line: SourceLine, tokens: readonly Token[], first: Token): void {
    const program = this.#program;
    if (!program) {
      throw this.#source.fault(line, first.start, 'an instruction stands outside a program', {
        hint: 'begin the program with .section "TYPE/TARGET" and a label',
      });
    }
    const label = tokens[1]?.text === ':' && first.kind === 'name' ? first.text : undefined;
    if (label !== undefined && (this.#symbols.constants.has(label) || this.#symbols.locals.has(label))) {
      this.#source.fault(line, first.start, `label '${label}' has the name of a constant`);
    }
    if (program.name === undefined) {
      if (label === undefined) {
        throw this.#source.fault(line, first.start, 'the program has no name', {
          expected: 'a label before its first instruction',
        });
      }
      if (this.#programs.some(({ name }) => name === label)) {
        this.#source.fault(line, first.start, `there is a program '${label}' already`);
      }
      program.name = label;
    }
    program.lines.push({ source: line, expanded: expandLine(line, this.#symbols.on(line)) });
  }

  #closeProgram(): void {
    const program = this.#program;
    if (!program) return;
    this.#program = undefined;
    this.#symbols.locals.clear();
    this.#symbols.section = undefined;
    const { opened, section, parsed } = program;
    if (program.name === undefined) throw this.#source.fault(opened, 0, `section "${section}" holds no program`);
    const { code, relocations, lines } = this.#assembleLines(program.lines);
    const maps = this.#maps.map((map) => map.name);
    for (const { map, at } of relocations) {
      if (!maps.includes(map)) throw new InputError(`there is no map '${map}'`, { at, ...nearestHint(map, maps) });
    }
    this.#programs.push({
      name: program.name,
      type: parsed.type,
      section,
      code,
      relocations: relocations.map(({ slot, map }) => ({ slot, map })),
      lines,
    });
  }

  /** Assembles the expanded lines; every place in the result is one in the source. */
  #assembleLines(lines: OpenProgram['lines']): Pick<Assembled, 'code' | 'relocations' | 'lines'> {
    const byNumber = new Map(lines.map((line) => [line.source.number, line]));
    const first = lines[0]?.source.number ?? 1;
    const last = lines.at(-1)?.source.number ?? 0;
    const text = Array.from({ length: last - first + 1 }, (_, i) => byNumber.get(first + i)?.expanded.text ?? '');
    const inSource = (at: Position): Position => {
      const line = byNumber.get(at.line ?? 0);
      return line ? this.#source.position(line.source, line.expanded.sourceColumn((at.column ?? 1) - 1)) : at;
    };
    try {
      const {
        code,
        relocations,
        lines: places,
      } = assemble(text.join('\n'), {
        file: this.#source.file,
        firstLine: first,
        helper: (name) => helperByName(name)?.id,
        helperNames,
      });
      return {
        code,
        relocations: relocations.map((entry) => ({ ...entry, at: inSource(entry.at) })),
        lines: places.map((entry) => ({ ...entry, at: inSource(entry.at) })),
      };
    } catch (fault) {
      if (!(fault instanceof InputError) || !fault.at) throw fault;
      throw new InputError(fault.message, { ...detailsOf(fault), at: inSource(fault.at), cause: fault });
    }
  }
}

function detailsOf(fault: InputError): { expected?: string; hint?: string } {
  return {
    ...(fault.expected === undefined ? {} : { expected: fault.expected }),
    ...(fault.hint === undefined ? {} : { hint: fault.hint }),
  };
}
