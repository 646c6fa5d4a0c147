import type { Expression, Statement } from './ast.ts';

/** Whether a statement can come to its end, so that what follows it runs. Labels and gotos count as ways on. */
export function completes(s: Statement): boolean {
  switch (s.kind) {
    case 'return':
    case 'goto':
    case 'break':
    case 'continue':
      return false;
    case 'block': {
      const last = s.body.at(-1);
      return last === undefined || completes(last);
    }
    case 'if':
      return isTrue(s.test) ? completes(s.yes) : completes(s.yes) || s.no === undefined || completes(s.no);
    case 'loop':
      return !isEndless(s) || leaves(s.body, 'break');
    case 'switch':
      return !s.cases.some((one) => one.low === undefined) || leaves(s.body, 'break') || completes(s.body);
    case 'case':
    case 'label':
      return completes(s.body);
    case 'expression':
      return !(s.value.kind === 'builtin' && /^__builtin_(trap|unreachable)$/.test(s.value.name));
    default:
      return true;
  }
}

/** A loop that nothing ends: its condition always holds, and no break, return or goto leaves it. */
export function isWithoutEnd(s: Extract<Statement, { kind: 'loop' }>): boolean {
  return isEndless(s) && !leaves(s.body, 'break') && !leaves(s.body, 'away');
}

function isEndless(s: Extract<Statement, { kind: 'loop' }>): boolean {
  return s.test === undefined || isTrue(s.test);
}

function isTrue(test: Expression): boolean {
  return test.kind === 'number' && test.value !== 0n;
}

/** Whether a break of this very statement, or a return or goto, stands in it. */
function leaves(s: Statement, how: 'break' | 'away'): boolean {
  switch (s.kind) {
    case 'break':
      return how === 'break';
    case 'return':
    case 'goto':
      return how === 'away';
    case 'block':
      return s.body.some((one) => leaves(one, how));
    case 'if':
      return leaves(s.yes, how) || (s.no !== undefined && leaves(s.no, how));
    case 'case':
    case 'label':
      return leaves(s.body, how);
    case 'loop':
    case 'switch':
      return how === 'away' && leaves(s.body, how);
    default:
      // A statement expression, or a call that does not come back, may leave it too.
      return how === 'away' && s.kind === 'expression' && s.value.kind === 'statements';
  }
}
