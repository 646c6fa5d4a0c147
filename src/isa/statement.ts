import type { InstructionBody } from './instruction.ts';
import type { Token } from './lexer.ts';

/** What a rule of a syntax reads from a line: an instruction whose far end may still be a name. */
export interface Statement {
  readonly body: InstructionBody;
  /** The label that a jump, a call or a function pointer goes to, to be resolved when all labels are known. */
  readonly label?: Token;
  /** The symbol whose address a 64-bit immediate takes; a label of that name makes it a function pointer. */
  readonly symbol?: Token;
}

/** What the one who assembles knows and the text does not say. */
export interface Names {
  /** The id of a helper by its name, with or without `bpf_`; undefined when there is none. */
  helper(name: string): number | undefined;
  /** For hints. */
  readonly helperNames: Iterable<string>;
}
