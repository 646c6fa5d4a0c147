import { Abandoned, Diagnostics } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import { isComplete, pointerTo } from '../types/types.ts';
import type { Expression } from './ast.ts';
import { skipBrackets } from './attributes.ts';
import type { Parsing } from './parsing.ts';

/**
 * What CO-RE asks of the kernel that a program is loaded into: here the answer is known when the text is compiled, so it is
 * a constant, and what it guards may name what this kernel has not.
 */
export const coreQuestions: ReadonlySet<string> = new Set([
  'bpf_core_field_exists',
  'bpf_core_type_exists',
  'bpf_core_enum_value_exists',
  'bpf_core_enum_value',
]);

/** The call of one, its name and bracket read already. */
export function parseCoreQuestion(p: Parsing, at: Token): Expression {
  if (at.text === 'bpf_core_field_exists') return p.typing.number(at, asked(p, () => field(p)) ? 1n : 0n);
  if (at.text === 'bpf_core_type_exists')
    return p.typing.number(at, asked(p, () => isComplete(p.declarations.typeName())) ? 1n : 0n);
  const value = asked(p, () => enumerator(p));
  if (at.text === 'bpf_core_enum_value') return p.typing.number(at, value ?? 0n);
  return p.typing.number(at, value === undefined ? 0n : 1n);
}

/** `task->comm`, `task->mm->owner`, or `struct task_struct, comm`. */
function field(p: Parsing): true {
  if (!p.declarations.startsType()) {
    p.expressions.assignment();
    return true;
  }
  const type = p.declarations.typeName();
  p.expect(',');
  p.members.memberOf(p.expressions.deref(p.typing.number(p.token, 0n, pointerTo(type)), p.token), p.token);
  return true;
}

/** `enum bpf_func_id, BPF_FUNC_ringbuf_output` */
function enumerator(p: Parsing): bigint | undefined {
  p.declarations.typeName();
  p.expect(',');
  const name = p.name('the name of an enumerator').text;
  const found = p.scope.find(name);
  return found?.kind === 'enumerator' ? found.value : p.kernel.enumerator(name);
}

/** Reads up to the bracket that closes, and says nothing of what is wrong there: then the answer is undefined. */
function asked<T>(p: Parsing, read: () => T): T | undefined {
  const own = p.diagnostics;
  const { at: start, depth } = p;
  p.diagnostics = new Diagnostics();
  let answer: T | undefined;
  try {
    answer = read();
    if (p.diagnostics.failed || !p.is(')')) answer = undefined;
  } catch (fault) {
    if (!(fault instanceof Abandoned)) throw fault;
  } finally {
    p.diagnostics = own;
    p.depth = depth;
  }
  p.at = start;
  skipBrackets(p);
  return answer;
}
