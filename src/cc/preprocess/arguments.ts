import type { Token } from './token.ts';

/** What a call of a macro is given. */
export interface Collected {
  readonly args: Token[][];
  /** The commas between them. */
  readonly commas: readonly Token[];
  readonly close: Token;
}

/** The arguments between the brackets at the end of `pending`, which are taken off it; it stays where none closes. */
export function collectArguments(pending: Token[]): Collected | undefined {
  const args: Token[][] = [[]];
  const commas: Token[] = [];
  let depth = 0;
  for (let i = pending.length - 2; i >= 0; i--) {
    const token = pending[i] as Token;
    if (token.text === ')' && depth === 0) {
      pending.length = i;
      return { args, commas, close: token };
    }
    if (token.text === '(') depth++;
    else if (token.text === ')') depth--;
    if (token.text === ',' && depth === 0) {
      commas.push(token);
      args.push([]);
    } else (args.at(-1) as Token[]).push(token);
  }
  return undefined;
}
