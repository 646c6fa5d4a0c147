import { type FaultDetails, InputError, type Position } from '../base/index.ts';

/**
 * The text of an assembly file as lines of tokens. Comments go from `//`, `#` or `;` to the end of the line, or from
 * `/*` to its end on any later line. A token keeps its column, so every fault can point at it.
 */
export interface SourceLine {
  /** 1-based */
  readonly number: number;
  /** As written. */
  readonly text: string;
  /** The same columns, comments as blanks. */
  readonly code: string;
}

export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'sign';
  readonly text: string;
  /** 0-based columns in the line. */
  readonly start: number;
  readonly end: number;
}

/** Blanks out comments; strings keep what looks like one. */
export function sourceLines(text: string): SourceLine[] {
  let inBlock = false;
  return text.split(/\r?\n/).map((line, index) => {
    let code = '';
    for (let at = 0; at < line.length; ) {
      if (inBlock) {
        const end = line.indexOf('*/', at);
        const next = end < 0 ? line.length : end + 2;
        inBlock = end < 0;
        code += ' '.repeat(next - at);
        at = next;
      } else if (line.startsWith('/*', at)) {
        inBlock = true;
        code += '  ';
        at += 2;
      } else if (line.startsWith('//', at) || line[at] === '#' || line[at] === ';') {
        code += ' '.repeat(line.length - at);
        at = line.length;
      } else if (line[at] === '"') {
        const end = line.indexOf('"', at + 1);
        const next = end < 0 ? line.length : end + 1;
        code += line.slice(at, next);
        at = next;
      } else {
        code += line[at++];
      }
    }
    return { number: index + 1, text: line, code };
  });
}

/** Assignments and comparisons of the instruction syntax come before the single signs that they begin with. */
const tokenForm =
  /\s+|(?<string>"[^"]*")|(?<number>0[xX][0-9a-fA-F]+|\d+)(?![\w.])|(?<name>[A-Za-z_.][\w]*(?:\.[A-Za-z_]\w*)*)|(?<sign>s?(?:>>=|>=|<=|>>|<<=|<<)|[-+*/%|&^]=|==|!=|.)/gy;

export function tokensOf(line: SourceLine, from = 0): Token[] {
  const tokens: Token[] = [];
  tokenForm.lastIndex = from;
  for (let match = tokenForm.exec(line.code); match; match = tokenForm.exec(line.code)) {
    const { index } = match;
    const end = index + match[0].length;
    for (const kind of ['name', 'number', 'string', 'sign'] as const) {
      if (match.groups?.[kind] !== undefined) tokens.push({ kind, text: match[0], start: index, end });
    }
  }
  return tokens;
}

/** A fault of one file, with its place. */
export class Source {
  readonly file: string;
  readonly lines: readonly SourceLine[];

  constructor(file: string, text: string) {
    this.file = file;
    this.lines = sourceLines(text);
  }

  /** @param column 0-based */
  position(line: SourceLine, column: number): Position {
    return { file: this.file, line: line.number, column: column + 1, text: line.text };
  }

  fault(line: SourceLine, column: number, message: string, details: Omit<FaultDetails, 'at'> = {}): never {
    throw new InputError(message, { ...details, at: this.position(line, column) });
  }
}
