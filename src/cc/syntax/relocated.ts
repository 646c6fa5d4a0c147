import type { Token } from '../preprocess/token.ts';
import { type CType, type Member, pointerTo, type StructBody, type StructType } from '../types/types.ts';
import type { Expression } from './ast.ts';
import type { Parsing } from './parsing.ts';

/**
 * CO-RE's structs (`preserve_access_index`): the text declares the members that it uses, and they lie where the kernel has
 * them. What this kernel has not may be named all the same, where nothing reaches it: libbpf puts a call in its place that
 * the verifier refuses, and here it is told.
 */

/** The name without its flavour: `task_struct___old` is the kernel's `task_struct` (libbpf's bpf_core_essential_name_len). */
export function essentialName(name: string): string {
  return name.replace(/^(.*[^_])___[^_].*$/, '$1');
}

/** Whether the kernel has a struct or union, whatever flavour of it the text declares. */
export function kernelStruct(p: Parsing, union: boolean, tag: string): StructType | undefined {
  return p.kernel.struct(essentialName(tag), union);
}

/** The body of such a struct. @param own as it was declared; of what the kernel lacks, all members are absent */
export function relocatedBody(own: StructBody, kernel: StructType | undefined): StructBody {
  const members = own.members.flatMap((member) => relocated(member, kernel));
  return kernel?.body ? { ...kernel.body, members } : { ...own, members };
}

function relocated(member: Member, kernel: StructType | undefined): Member[] {
  const { name, type } = member;
  if (name === '' && type.kind === 'struct') {
    return (type.body?.members ?? []).flatMap((inner) =>
      relocated({ ...inner, offset: member.offset + inner.offset }, kernel),
    );
  }
  const there = kernel?.member(name);
  if (!there || !isAlike(type, there.type)) return [{ ...member, absent: true }];
  const { offset, bits } = there;
  return [{ name, type: type.kind === 'int' ? there.type : type, offset, ...(bits ? { bits } : {}) }];
}

/** Whether libbpf takes a member for the kernel's (bpf_core_fields_are_compat): integers of any size are alike. */
function isAlike(own: CType, kernel: CType): boolean {
  if (own.kind === 'array' && kernel.kind === 'array') return isAlike(own.element, kernel.element);
  return own.kind === kernel.kind;
}

/** What stands for a member that the kernel has not: a place that nothing may reach. */
export function absentMember(p: Parsing, base: Expression, member: Member, at: Token): Expression {
  const tag = base.type.kind === 'struct' ? essentialName(base.type.tag) : '';
  const union = base.type.kind === 'struct' && base.type.union ? 'union' : 'struct';
  const name = `member '${member.name}' in '${union} ${tag}'`;
  const type = pointerTo(member.type);
  const pointer: Expression = { kind: 'builtin', type, at, name: `absent:${name}`, args: [] };
  if (p.asking) p.diagnostics.error(at, `no ${name}`);
  return { kind: 'deref', type: member.type, at, base: pointer };
}
