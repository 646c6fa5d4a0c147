import type { Btf, BtfType, TypeId } from '../btf/index.ts';
import type { Access } from './access.ts';
import type { Environment } from './environment.ts';
import { fieldNames, nameOf } from './record-fields.ts';
import { flag, pointer, type Register, scalarRegister, unknownScalar } from './register.ts';
import { unsignedOf } from './scalar.ts';
import { tnumText } from './tnum.ts';

/**
 * Reads through pointers to typed kernel objects: an offset is walked down the members of the struct to a number or to
 * the next pointer, and how far that pointer may be trusted follows from the one that it was read through
 * (kernel/bpf/verifier.c: check_ptr_to_btf_access; kernel/bpf/btf.c: btf_struct_access, btf_struct_walk).
 */
export function accessBtf(env: Environment, pointed: Register, access: Access): Register {
  const { base, size, write } = access;
  const { btf } = pointed;
  if (!btf) return env.fail('EINVAL', 'in-kernel BTF is malformed');
  const name = pointed.btfName;
  if (btf === env.program.kernel && !env.isGpl)
    env.fail('EINVAL', `Cannot access kernel 'struct ${name}' from non-GPL compatible program`);
  const offset = pointed.offset + access.offset;
  if (offset < 0) env.fail('EACCES', `R${base} is ptr_${name} invalid negative access: off=${offset}`);
  if (!pointed.scalar.isConst || pointed.scalar.value !== 0n) {
    const variable = tnumText(pointed.scalar.bits);
    env.fail('EACCES', `R${base} is ptr_${name} invalid variable offset: off=${offset}, var_off=${variable}`);
  }
  if (pointed.flags & flag.user) env.fail('EACCES', `R${base} is ptr_${name} access user memory: off=${offset}`);
  if (pointed.flags & flag.perCpu) env.fail('EACCES', `R${base} is ptr_${name} access percpu memory: off=${offset}`);
  const isLocal = (pointed.flags & flag.alloc) !== 0;
  if (write && !(isLocal && (pointed.referenceId !== 0 || pointed.flags & flag.nonOwning))) {
    checkStructWrite(env, name, btf, pointed.btfId, offset, size);
    return unknownScalar;
  }
  if (isLocal) checkLocalFields(env, pointed, offset, size);
  const found = findMember(env, btf, pointed.btfId, offset, size);
  if (write || found.kind === 'scalar' || isLocal) return numberOf(size);
  if (found.kind === 'untrustedMemory') return pointer('memory', flag.readOnly | flag.untrusted);
  const flags = trustOf(env, pointed, found);
  const loaded = pointer('btf', flags);
  loaded.btf = btf;
  loaded.btfId = found.type;
  loaded.btfName = nameOf(btf, found.type);
  if (flags & flag.maybeNull) loaded.id = env.freshId();
  return loaded;
}

function numberOf(size: number): Register {
  return size === 8 ? unknownScalar : scalarRegister(unsignedOf(size as 1 | 2 | 4));
}

/** Fields of the kernel's in an allocated object are only reached through kernel functions. */
function checkLocalFields(env: Environment, pointed: Register, offset: number, size: number): void {
  for (const field of env.recordOf(pointed) ?? []) {
    if (offset < field.offset + field.size && field.offset < offset + size)
      env.fail('EACCES', `direct access to ${fieldNames[field.kind]} is disallowed`);
  }
}

/** The few fields of kernel objects that a program type may write (btf_struct_access of its operations). */
const writable: Readonly<Record<string, readonly (readonly [field: string, size: number])[]>> = {
  nf_conn: [['mark', 4]],
};
const connectionWriters: ReadonlySet<string> = new Set(['xdp', 'sched_cls', 'sched_act']);

function checkStructWrite(env: Environment, name: string, btf: Btf, id: TypeId, offset: number, size: number): void {
  if (!connectionWriters.has(env.program.type)) env.fail('EACCES', 'only read is supported');
  const fields = writable[name];
  if (!fields) env.fail('EACCES', 'only read is supported');
  const fits = fields.some(([field, bytes]) => {
    const place = btf.member(id, field);
    return place !== undefined && place.offset <= offset && offset + size <= place.offset + bytes;
  });
  if (!fits) env.fail('EACCES', `no write support to nf_conn at off ${offset}, size ${size}`);
}

interface Found {
  readonly kind: 'scalar' | 'pointer' | 'untrustedMemory';
  readonly type: TypeId;
  readonly field: string;
  /** What the member itself says of the pointer. */
  readonly flags: number;
}

const scalarFound: Found = { kind: 'scalar', type: 0, field: '', flags: 0 };

interface Step {
  readonly type: TypeId;
  readonly offset: number;
}

/** Walks down to the member at an offset. */
function findMember(env: Environment, btf: Btf, start: TypeId, from: number, size: number): Found {
  let type = start;
  let offset = from;
  let flags = 0;
  for (;;) {
    type = btf.strip(type);
    const struct = btf.type(type);
    if (struct.kind !== 'struct' && struct.kind !== 'union') {
      return env.fail('EINVAL', `Type '${nameOf(btf, type)}' is not a struct`);
    }
    if (struct.kind === 'union' && struct.members.length !== 1) flags |= flag.untrusted;
    const next =
      offset + size > struct.size
        ? flexibleArray(env, btf, struct, offset, size)
        : memberAt(env, btf, struct, offset, size, flags);
    if ('kind' in next) return next;
    ({ type, offset } = next);
  }
}

type Struct = Extract<BtfType, { kind: 'struct' | 'union' }>;

/** Behind a struct's end there may be the elements of its last member, an array without length. */
function flexibleArray(env: Environment, btf: Btf, struct: Struct, offset: number, size: number): Found | Step {
  const last = struct.members.at(-1);
  const array = last && btf.type(btf.strip(last.type));
  if (last && array?.kind === 'array' && array.length === 0 && offset >= last.bitOffset / 8) {
    const element = btf.strip(array.element);
    const target = btf.type(element);
    if (target.kind === 'int') return scalarFound;
    if (target.kind === 'struct' || target.kind === 'union')
      return { type: element, offset: target.size === 0 ? 0 : (offset - last.bitOffset / 8) % target.size };
  }
  return env.fail('EACCES', `access beyond struct ${struct.name} at off ${offset} size ${size}`);
}

function memberAt(
  env: Environment,
  btf: Btf,
  struct: Struct,
  offset: number,
  size: number,
  flags: number,
): Found | Step {
  for (const member of struct.members) {
    let start = Math.floor(member.bitOffset / 8);
    if (offset + size <= start) break;
    if (member.bitSize > 0) {
      const end = Math.ceil((member.bitOffset + member.bitSize) / 8);
      if (offset <= start && end <= offset + size) return scalarFound;
      if (offset >= start && offset + size <= end) return scalarFound;
      continue;
    }
    if (offset < start) break;
    const end = start + btf.sizeOf(member.type);
    if (offset >= end) continue;
    const { element, length } = elementOf(btf, member.type);
    const each = length > 0 ? (end - start) / length : 0;
    if (each > 0) start += Math.floor((offset - start) / each) * each;
    const target = btf.type(element);
    if (target.kind === 'struct' || target.kind === 'union') return { type: element, offset: offset - start };
    const where = `in struct ${struct.name} with off ${offset} size ${size}`;
    if (target.kind === 'pointer') {
      if (size !== 8 || offset !== start)
        env.fail('EACCES', `cannot access ptr member ${member.name} with moff ${start} ${where}`);
      return throughPointer(btf, target.target, member.name, flags);
    }
    if (offset + size > end)
      env.fail('EACCES', `access beyond the end of member ${member.name} (mend:${end}) ${where}`);
    return scalarFound;
  }
  return env.fail('EINVAL', `struct ${struct.name} doesn't have field at offset ${offset}`);
}

/** The innermost element of an array of any dimensions, and how many there are; a plain member is one of itself. */
function elementOf(btf: Btf, type: TypeId): { element: TypeId; length: number } {
  let element = btf.strip(type);
  let length = 1;
  for (let inner = btf.type(element); inner.kind === 'array'; inner = btf.type(element)) {
    length *= inner.length;
    element = btf.strip(inner.element);
  }
  return { element, length };
}

const tagFlags: Readonly<Record<string, number>> = { user: flag.user, percpu: flag.perCpu, rcu: flag.rcu };

function throughPointer(btf: Btf, target: TypeId, field: string, flags: number): Found {
  const tag = btf.type(target);
  const tagged = tag.kind === 'typeTag' ? (tagFlags[tag.name] ?? 0) : 0;
  const type = btf.strip(target);
  const { kind } = btf.type(type);
  // A name without its members stands for a struct that the trimmed types do not spell out.
  if (kind !== 'struct' && kind !== 'union' && kind !== 'forward')
    return { kind: 'untrustedMemory', type: 0, field, flags: 0 };
  return { kind: 'pointer', type, field, flags: flags | tagged };
}

/** Members that are as good as the pointer they are read through, by the names of struct and member. */
const trustedFields: ReadonlySet<string> = new Set([
  'bpf_iter_meta.seq',
  'bpf_iter__task.meta',
  'bpf_iter__task.task',
  'linux_binprm.file',
  'file.f_inode',
]);
const trustedOrNullFields: ReadonlySet<string> = new Set([
  'socket.sk',
  'dentry.d_inode',
  'vm_area_struct.vm_mm',
  'vm_area_struct.vm_file',
]);
/** Members that the RCU section keeps alive. */
const rcuFields: ReadonlySet<string> = new Set([
  'task_struct.cpus_ptr',
  'task_struct.cgroups',
  'task_struct.real_parent',
  'task_struct.group_leader',
  'cgroup.kn',
  'css_set.dfl_cgrp',
  'cgroup_subsys_state.cgroup',
]);
const rcuOrNullFields: ReadonlySet<string> = new Set(['mm_struct.exe_file', 'sk_buff.sk', 'request_sock.sk']);

const trustFlags = flag.trusted | flag.rcu | flag.untrusted;

/** Flags of a pointer that was read through another. */
function trustOf(env: Environment, pointed: Register, found: Found): number {
  if (pointed.flags & flag.untrusted) return flag.untrusted;
  const isTrusted = isTrustedPointer(pointed);
  if (!isTrusted && !(pointed.flags & flag.rcu)) return found.flags & ~trustFlags;
  const name = `${pointed.btfName}.${found.field}`;
  if (trustedFields.has(name)) return found.flags | flag.trusted;
  if (trustedOrNullFields.has(name)) return found.flags | flag.trusted | flag.maybeNull;
  if (!env.inRcuSection || pointed.maybeNull) return flag.untrusted;
  if (rcuFields.has(name)) return found.flags | flag.rcu;
  if (found.flags & flag.rcu || rcuOrNullFields.has(name))
    return (found.flags & ~flag.untrusted) | flag.rcu | flag.maybeNull;
  if (found.flags & (flag.perCpu | flag.user)) return found.flags;
  return found.flags & ~trustFlags;
}

/** Referenced, or given by the kernel as valid. */
export function isTrustedPointer(register: Register): boolean {
  if (register.referenceId !== 0) return true;
  const unsafe = flag.untrusted | flag.rcu | flag.perCpu | flag.user;
  if (register.kind !== 'btf') return ['socket', 'socketCommon', 'tcpSocket', 'map'].includes(register.kind);
  return (register.flags & (flag.trusted | flag.alloc)) !== 0 && (register.flags & unsafe) === 0;
}

/**
 * Whether a pointer into one struct is one to another: the same, or the first of what lies at that offset
 * (btf_struct_ids_match). Structs are the same by name, since a type may be known in full in one BTF and by name only
 * in the other.
 */
export function structsMatch(btf: Btf, id: TypeId, offset: number, wanted: string, strict: boolean): boolean {
  let type = btf.strip(id);
  if (offset === 0 && nameOf(btf, type) === wanted) return true;
  if (strict) return false;
  let at = offset;
  for (;;) {
    const inner = structAt(btf, type, at);
    if (!inner) return false;
    type = inner.type;
    at = inner.offset;
    if (at === 0 && nameOf(btf, type) === wanted) return true;
  }
}

/** The struct among a struct's members that covers an offset. */
function structAt(btf: Btf, id: TypeId, offset: number): Step | undefined {
  const struct = btf.type(id);
  if (struct.kind !== 'struct' && struct.kind !== 'union') return undefined;
  for (const member of struct.members) {
    const start = member.bitOffset / 8;
    const end = start + btf.sizeOf(member.type);
    if (member.bitSize > 0 || offset < start || offset >= end) continue;
    const { element, length } = elementOf(btf, member.type);
    const { kind } = btf.type(element);
    if (kind !== 'struct' && kind !== 'union') return undefined;
    return { type: element, offset: (offset - start) % ((end - start) / length) };
  }
  return undefined;
}
