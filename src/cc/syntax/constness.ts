import type { DiagnosticNote } from '../diagnostics.ts';
import { positionOf, type Token } from '../preprocess/token.ts';
import { type CType, type Member, quoted, quotedConstant, type StructType } from '../types/types.ts';
import type { Expression } from './ast.ts';
import { constantParts, isConstantPlace, type Part } from './const-places.ts';
import { definedBefore, type Parsing } from './parsing.ts';

/** What is said of an assignment to what is const, in clang's words. */

/** Tells of an assignment to what is const. @param at the operator */
export function checkNotConstant(p: Parsing, place: Expression, at: Token): void {
  if (!isConstantPlace(place) && place.type.kind !== 'struct') return;
  const ranges = [p.spans.of(place)];
  const parts = constantParts(place);
  const [first] = parts;
  if (first) {
    const notes = parts.flatMap((part) => noteOf(part, place));
    p.diagnostics.error(at, refusal(first, place), { notes, ranges });
  } else if (place.type.kind === 'struct') {
    const members = constantMembers(place.type);
    const [member] = members;
    if (!member) return;
    const what = place.kind === 'variable' ? `variable '${place.variable.name}'` : 'lvalue';
    const notes = members.flatMap((one) => memberNote(one, 'data'));
    p.diagnostics.error(at, `cannot assign to ${what} with const-qualified data member '${member.name}'`, {
      notes,
      ranges,
    });
  }
}

function refusal(part: Part, whole: Expression): string {
  if (part.kind === 'member') {
    const { name, type } = part.member;
    return `cannot assign to non-static data member '${name}' with const-qualified type ${quotedConstant(type)}`;
  }
  if (part.kind === 'variable') {
    const { name, type } = part.place.variable;
    return `cannot assign to variable '${name}' with const-qualified type ${quotedConstant(type)}`;
  }
  const pointer = namedPointer(part, whole);
  if (!pointer) return 'read-only variable is not assignable';
  return `cannot assign to variable '${pointer.name}' with const-qualified type ${quoted(pointer.type)}`;
}

/** The variable through which a member is reached: clang names it. */
function namedPointer({ place }: Extract<Part, { kind: 'pointer' }>, whole: Expression) {
  return place !== whole && place.base.kind === 'variable' ? place.base.variable : undefined;
}

function noteOf(part: Part, whole: Expression): DiagnosticNote[] {
  if (part.kind === 'member') return memberNote(part.member, 'non-static data');
  const variable = part.kind === 'variable' ? part.place.variable : namedPointer(part, whole);
  return variable ? [definedBefore(variable.at, `variable '${variable.name}' declared const here`)] : [];
}

function memberNote({ name, constant }: Member, what: string): DiagnosticNote[] {
  if (!constant) return [];
  return [{ message: `${what} member '${name}' declared const here`, at: positionOf(constant), length: name.length }];
}

/** Members that are const, those of structs within it behind its own. */
function constantMembers(type: StructType): Member[] {
  const members = type.body?.members ?? [];
  const own = members.filter((one) => one.constant);
  return [...own, ...members.flatMap((one) => (one.constant ? [] : constantMembersOf(one.type)))];
}

function constantMembersOf(type: CType): Member[] {
  return type.kind === 'struct' ? constantMembers(type) : [];
}
