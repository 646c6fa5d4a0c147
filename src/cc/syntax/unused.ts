import type { Diagnostics } from '../diagnostics.ts';
import { positionOf } from '../preprocess/token.ts';
import type { Expression, Statement } from './ast.ts';
import { statementsIn } from './parts.ts';
import type { Spans } from './spans.ts';

/** Warns of statements that compute a value and drop it, as clang does; what a macro leaves is not looked at. */
export function warnOfUnused(body: Statement, diagnostics: Diagnostics, spans: Spans): void {
  for (const one of statementsIn(body)) {
    if (one.kind === 'expression') warnOfValue(one.value, diagnostics, spans);
    else warnOfUnused(one, diagnostics, spans);
  }
}

function warnOfValue(e: Expression, diagnostics: Diagnostics, spans: Spans): void {
  const message = dropped(e);
  if (message === undefined || e.at.from || e.type.kind === 'void') return;
  const turn = e.kind === 'compare' && e.op === '==';
  const note = "use '=' to turn this equality comparison into an assignment";
  diagnostics.warning(e.at, message, {
    notes: turn ? [{ message: note, at: positionOf(e.at), length: e.at.text.length }] : [],
    ranges: [spans.of(e)],
  });
}

function dropped(e: Expression): string | undefined {
  switch (e.kind) {
    case 'compare':
      return `${e.op === '==' ? 'equality' : e.op === '!=' ? 'inequality' : 'relational'} comparison result unused`;
    case 'binary':
    case 'number':
    case 'string':
    case 'variable':
    case 'member':
    case 'not':
    case 'negate':
    case 'complement':
      return 'expression result unused';
    default:
      return undefined;
  }
}
