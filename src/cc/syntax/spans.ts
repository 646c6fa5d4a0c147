import { askedBy, type Token } from '../preprocess/token.ts';
import type { Expression } from './ast.ts';

/**
 * From which token to which an expression goes, for diagnostics alone: worked out when one is told, so that reading
 * costs nothing. The tree keeps an operator's own token; the brackets around and behind expressions are noted here.
 */
export type Span = readonly [first: Token, last: Token];

interface Note {
  readonly e: Expression;
  readonly first: Token | undefined;
  readonly last: Token | undefined;
}

export class Spans {
  readonly #first = new Map<Expression, Token>();
  readonly #last = new Map<Expression, Token>();
  /** What was noted since somebody last asked. */
  readonly #notes: Note[] = [];

  /** Brackets stand around it, or something was folded. */
  note(e: Expression, first: Token | undefined, last: Token | undefined): void {
    this.#notes.push({ e, first, last });
  }

  of(e: Expression): Span {
    return [this.first(e), askedBy(endOf(e, this.#last, 'right'))];
  }

  #sortNotes(): void {
    for (const { e, first, last } of this.#notes) {
      if (first) this.#first.set(e, first);
      if (last) this.#last.set(e, last);
    }
    this.#notes.length = 0;
  }

  /** Where the text begins it. */
  first(e: Expression): Token {
    this.#sortNotes();
    return askedBy(endOf(e, this.#first, 'left'));
  }
}

type Side = 'left' | 'right';

/** The outermost token on one side. @param noted where brackets stand there */
function endOf(e: Expression, noted: ReadonlyMap<Expression, Token>, side: Side): Token {
  let part = e;
  // No recursion: a sum of thousands is a tree as deep.
  for (;;) {
    const bracket = noted.get(part);
    const next = bracket ? undefined : partOn(part, side);
    if (!next) return bracket ?? part.at;
    part = next;
  }
}

function partOn(e: Expression, side: Side): Expression | undefined {
  switch (e.kind) {
    case 'binary':
    case 'compare':
    case 'logical':
    case 'assign':
    case 'comma':
      return e[side];
    default:
      return side === 'left' ? leftOf(e) : rightOf(e);
  }
}

/** The part that stands before an expression's own token. */
function leftOf(e: Expression): Expression | undefined {
  switch (e.kind) {
    case 'update':
      // `++x` has the token of the operator, and `x++` begins with x.
      return e.post || e.op !== e.at.text[0] || e.at.text.endsWith('=') ? e.left : undefined;
    case 'conditional':
      return e.test;
    case 'member':
    case 'method':
      return 'base' in e ? e.base : undefined;
    case 'cast':
      return e.at.text === '(' ? undefined : e.base;
    case 'address':
      return e.at.text === '&' ? undefined : e.base;
    case 'deref':
      return e.at.text === '*' ? undefined : e.base;
    default:
      return undefined;
  }
}

/** The part that stands behind. */
function rightOf(e: Expression): Expression | undefined {
  switch (e.kind) {
    case 'update':
      return e.post ? undefined : e.right;
    case 'conditional':
      return e.no;
    case 'cast':
    case 'address':
    case 'deref':
    case 'not':
    case 'negate':
    case 'complement':
      return e.base;
    default:
      return undefined;
  }
}
