import type { Btf, BtfParam, BtfType, TypeId } from '../btf/index.ts';
import { type KfuncInfo, kfuncAllowed, kfuncByName } from '../uapi/index.ts';
import type { Environment } from './environment.ts';
import type { IteratorPlace } from './iterator-place.ts';
import { nameOf, type RecordField } from './record-fields.ts';
import type { Register } from './register.ts';

/** A kernel function that a call names by its BTF id: its prototype, and what the table says of it. */
export interface KernelFunction {
  readonly info: KfuncInfo;
  readonly name: string;
  readonly btf: Btf;
  readonly params: readonly BtfParam[];
  readonly returns: TypeId;
}

/** What a call instruction names (fetch_kfunc_meta, add_kfunc_call). */
export function resolveFunction(env: Environment, slot: number): KernelFunction {
  const { kernel } = env.program;
  const id = env.slots.imm[slot] as number;
  if (!kernel) return env.fail('ENOTSUPP', 'calling kernel function is not supported without CONFIG_DEBUG_INFO_BTF');
  if (!env.isGpl) env.fail('EINVAL', 'cannot call kernel function from non-GPL compatible program');
  const type = id > 0 && id < kernel.count ? kernel.type(id) : undefined;
  if (type?.kind !== 'function') return env.fail('EINVAL', `kernel btf_id ${id} is not a function`);
  const prototype = kernel.type(type.prototype);
  const info = kfuncByName(type.name);
  if (prototype.kind !== 'prototype')
    return env.fail('EINVAL', `kernel function btf_id ${id} does not have a valid func_proto`);
  if (!info || !kfuncAllowed(type.name, env.program.type))
    return env.fail('EACCES', `calling kernel function ${type.name} is not allowed`);
  return { info, name: type.name, btf: kernel, params: prototype.params, returns: prototype.returns };
}

/** Functions whose pointers must be trusted: those that say so, and all that take a reference back. */
export function wantsTrusted({ info }: KernelFunction): boolean {
  return info.flags.has('trustedArgs') || info.flags.has('release');
}

/** A function's name where a call names one; undefined for anything else. */
export function functionName(env: Environment, slot: number): string | undefined {
  const { kernel } = env.program;
  const id = env.slots.imm[slot] as number;
  if (!kernel || id <= 0 || id >= kernel.count) return undefined;
  const type = kernel.type(id);
  return type.kind === 'function' ? type.name : undefined;
}

export interface KernelCall {
  readonly target: KernelFunction;
  /** A number that must be known: a size or a type id. */
  constant: number | undefined;
  /** Bytes behind a returned pointer, and whether they may be written. */
  resultSize: number;
  resultReadOnly: boolean;
  releaseRegister: number;
  reference: number;
  dynptr: Register | undefined;
  /** The allocated object that an argument points to. */
  object: Register | undefined;
  isOwning: boolean;
  head: RecordField | undefined;
  headRegister: Register | undefined;
  iterator: IteratorPlace | undefined;
  map: Register | undefined;
  callback: number;
}

const kindWords: Partial<Record<BtfType['kind'], string>> = {
  void: 'UNKNOWN',
  int: 'INT',
  pointer: 'PTR',
  array: 'ARRAY',
  struct: 'STRUCT',
  union: 'UNION',
  enum: 'ENUM',
  enum64: 'ENUM64',
  forward: 'STRUCT',
  prototype: 'FUNC_PROTO',
  float: 'FLOAT',
};

/** `STRUCT task_struct`, as messages name a type. */
export function typeText(btf: Btf, id: TypeId): string {
  return `${kindWords[btf.type(id).kind] ?? 'UNKNOWN'} ${nameOf(btf, id)}`;
}

export function isScalarType(type: BtfType): boolean {
  return type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64';
}

/** Whether a struct holds nothing but numbers, four levels deep (__btf_type_is_scalar_struct). */
export function isScalarStruct(btf: Btf, id: TypeId, depth = 0): boolean {
  const type = btf.type(btf.strip(id));
  if (type.kind !== 'struct' || depth > 4) return false;
  return type.members.every((member) => {
    let element = btf.strip(member.type);
    for (let inner = btf.type(element); inner.kind === 'array'; inner = btf.type(element))
      element = btf.strip(inner.element);
    const target = btf.type(element);
    return target.kind === 'struct' ? isScalarStruct(btf, element, depth + 1) : isScalarType(target);
  });
}

/** Marks calls of next, and of what calls back: there states are always kept and compared. */
export function markLooping(env: Environment, slot: number): void {
  const name = functionName(env, slot) ?? '';
  if (name === 'bpf_rbtree_add_impl') env.callsCallback[slot] = 1;
  else if (/^bpf_iter_\w+_next$/.test(name)) env.iterates[slot] = 1;
  else return;
  env.forceCheckpoint[slot] = 1;
  env.prunePoint[slot] = 1;
  env.jumpPoint[slot] = 1;
}
