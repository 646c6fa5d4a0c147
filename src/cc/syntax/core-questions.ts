import { Abandoned, Diagnostics } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import { type CType, isComplete, pointerTo, sizeOf, types } from '../types/types.ts';
import type { Expression } from './ast.ts';
import { skipBrackets } from './attributes.ts';
import type { Parsing } from './parsing.ts';
import { essentialName, kernelStruct } from './relocated.ts';

/**
 * What CO-RE asks of the kernel that a program is loaded into: here the answer is known when the text is compiled, so it is
 * a constant, and what it guards may name what this kernel has not.
 */
export const coreQuestions: ReadonlySet<string> = new Set([
  'bpf_core_field_exists',
  'bpf_core_type_exists',
  'bpf_core_enum_value_exists',
  'bpf_core_enum_value',
  'bpf_core_field_offset',
  'bpf_core_field_size',
  'bpf_core_type_size',
  'bpf_core_type_matches',
]);

/** The call of one, its name and bracket read already. */
export function parseCoreQuestion(p: Parsing, at: Token): Expression {
  switch (at.text) {
    case 'bpf_core_field_exists':
      return p.typing.number(at, asked(p, () => field(p)) ? 1n : 0n);
    case 'bpf_core_field_offset': {
      const place = asked(p, () => field(p));
      return p.typing.number(at, BigInt(place?.kind === 'member' ? offsetOf(place) : 0), types.ulong);
    }
    case 'bpf_core_field_size':
      return p.typing.number(at, BigInt(sizeOf(asked(p, () => field(p))?.type ?? types.void)), types.ulong);
    case 'bpf_core_type_exists':
    case 'bpf_core_type_matches':
      return p.typing.number(at, asked(p, () => isKernels(p, p.declarations.typeName())) ? 1n : 0n);
    case 'bpf_core_type_size': {
      const size = asked(p, () => typeSize(p, p.declarations.typeName()));
      return p.typing.number(at, BigInt(size ?? 0), types.ulong);
    }
  }
  const value = asked(p, () => enumerator(p));
  if (at.text === 'bpf_core_enum_value') return p.typing.number(at, value ?? 0n);
  return p.typing.number(at, value === undefined ? 0n : 1n);
}

/** Bytes from the start of the outermost struct that an access leads into without following a pointer. */
function offsetOf(place: Extract<Expression, { kind: 'member' }>): number {
  return place.member.offset + (place.base.kind === 'member' ? offsetOf(place.base) : 0);
}

/** Whether the kernel has a type of that name; what has none, everybody has. */
function isKernels(p: Parsing, type: CType): boolean {
  if (type.kind === 'struct' && type.tag !== '') return kernelStruct(p, type.union, type.tag)?.body !== undefined;
  const tag = type.kind === 'int' && type.values ? /^enum (\w+)$/.exec(type.name)?.[1] : undefined;
  return tag === undefined ? isComplete(type) : p.kernel.enum(essentialName(tag)) !== undefined;
}

function typeSize(p: Parsing, type: CType): number {
  if (type.kind !== 'struct' || type.tag === '') return sizeOf(type);
  return kernelStruct(p, type.union, type.tag)?.body?.size ?? 0;
}

/** `task->comm`, `task->mm->owner`, or `struct task_struct, comm`. */
function field(p: Parsing): Expression {
  if (!p.declarations.startsType()) return p.expressions.assignment();
  const type = p.declarations.typeName();
  p.expect(',');
  const whole = p.expressions.deref(p.typing.number(p.token, 0n, pointerTo(type)), p.token);
  let place = p.members.memberOf(whole, p.token);
  while (p.accept('.')) place = p.members.memberOf(place, p.token);
  return place;
}

/** `enum bpf_func_id, BPF_FUNC_ringbuf_output` */
function enumerator(p: Parsing): bigint | undefined {
  const type = p.declarations.typeName();
  p.expect(',');
  const name = p.name('the name of an enumerator').text;
  const kernels = p.kernel.enumerator(essentialName(name));
  const tag = type.kind === 'int' ? type.name.replace(/^enum /, '') : '';
  if (kernels !== undefined || tag !== essentialName(tag) || p.kernel.enum(tag)) return kernels;
  const found = p.scope.find(name);
  return found?.kind === 'enumerator' ? found.value : undefined;
}

/** Reads up to the bracket that closes, and says nothing of what is wrong there: then the answer is undefined. */
function asked<T>(p: Parsing, read: () => T): T | undefined {
  const own = p.diagnostics;
  const { at: start, depth } = p;
  p.diagnostics = new Diagnostics();
  const { asking } = p;
  p.asking = true;
  let answer: T | undefined;
  try {
    answer = read();
    if (p.diagnostics.failed || !p.is(')')) answer = undefined;
  } catch (fault) {
    if (!(fault instanceof Abandoned)) throw fault;
  } finally {
    p.diagnostics = own;
    p.asking = asking;
    p.depth = depth;
  }
  p.at = start;
  skipBrackets(p);
  return answer;
}
