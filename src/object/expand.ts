import { evaluate, type Names } from './expression.ts';
import { type SourceLine, type Token, tokensOf } from './source.ts';

/**
 * Turns a line of symbolic assembly into the plain syntax of the assembler: every constant expression that holds a
 * name becomes its number. What it writes keeps the order of what stood there, so a column of the result leads back to a
 * column of the source.
 */
export interface ExpandedLine {
  readonly text: string;
  /** 0-based column in the source of a 0-based column of `text`. */
  sourceColumn(column: number): number;
}

interface Piece {
  /** 0-based column in the expanded text. */
  readonly at: number;
  /** 0-based column in the source. */
  readonly from: number;
  /** Columns past the start of the piece stay with it when it was replaced. */
  readonly replaced: boolean;
}

const register = /^[rw](?:10|\d)$/;

export function expandLine(line: SourceLine, names: Names): ExpandedLine {
  const tokens = tokensOf(line);
  const pieces: Piece[] = [{ at: 0, from: 0, replaced: false }];
  let text = '';
  let copied = 0;
  const replace = (start: number, end: number, by: string): void => {
    text += line.code.slice(copied, start);
    pieces.push({ at: text.length, from: start, replaced: true });
    text += by;
    pieces.push({ at: text.length, from: end, replaced: false });
    copied = end;
  };
  for (let at = 0; at < tokens.length; ) {
    const token = tokens[at] as Token;
    const next = tokens[at + 1];
    if (token.text === 'call' || token.text === 'goto') {
      at += 2;
    } else if (token.kind === 'name' && next?.text === ':') {
      at += 2;
    } else if (beginsOperand(token)) {
      const found = evaluate(tokens, at, names);
      if (found?.symbolic) {
        const last = tokens[found.next - 1] as Token;
        const added = token.kind === 'sign' && register.test(tokens[at - 1]?.text ?? '');
        const shown = added ? `${found.value < 0n ? '-' : '+'} ${magnitude(found.value)}` : String(found.value);
        replace(token.start, last.end, shown);
      }
      at = found?.next ?? at + 1;
    } else {
      at = plusBeforeName(tokens, at, names, replace) ?? at + 1;
    }
  }
  text += line.code.slice(copied);
  return { text, sourceColumn: (column) => leadBack(pieces, column) };
}

/** `r10 + NAME` where NAME is below zero is written `r10 - …`. */
function plusBeforeName(
  tokens: readonly Token[],
  at: number,
  names: Names,
  replace: (start: number, end: number, by: string) => void,
): number | undefined {
  const token = tokens[at] as Token;
  if (token.text !== '+' || !register.test(tokens[at - 1]?.text ?? '')) return undefined;
  const found = evaluate(tokens, at + 1, names);
  if (!found?.symbolic) return undefined;
  const last = tokens[found.next - 1] as Token;
  replace(token.start, last.end, `${found.value < 0n ? '-' : '+'} ${magnitude(found.value)}`);
  return found.next;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function beginsOperand(token: Token): boolean {
  if (token.kind === 'number') return true;
  if (token.kind === 'name') return !register.test(token.text);
  return token.text === '-' || token.text === '~';
}

function leadBack(pieces: readonly Piece[], column: number): number {
  let piece = pieces[0] as Piece;
  for (const candidate of pieces) if (candidate.at <= column) piece = candidate;
  return piece.replaced ? piece.from : piece.from + (column - piece.at);
}
