import { checkPointerOffset } from './access.ts';
import { structsMatch } from './btf-access.ts';
import type { Environment } from './environment.ts';
import { fieldNames, isKptr, type RecordField } from './record-fields.ts';
import { flag, kindText, pointer, type Register } from './register.ts';

/**
 * Pointers to kernel objects that a map's value or an allocated object keeps: loads, stores and exchanges
 * (kernel/bpf/verifier.c: check_map_kptr_access, map_kptr_match_type, process_kptr_func).
 */
export function checkKptrDestination(env: Environment, number: number, register: Register): RecordField {
  const fields = env.recordOf(register);
  if (register.kind === 'mapValue' && !register.shape?.btf)
    env.fail('EINVAL', `map '${register.shape?.name ?? ''}' has to have BTF in order to use bpf_kptr_xchg`);
  if (!register.scalar.isConst)
    env.fail('EINVAL', `R${number} doesn't have constant offset. kptr has to be at the constant offset`);
  if (!fields?.some(isKptr)) env.fail('EINVAL', `R${number} has no valid kptr`);
  const offset = register.offset + Number(register.constant);
  const field = fields.find((each) => isKptr(each) && each.offset === offset);
  if (!field) return env.fail('EACCES', `off=${offset} doesn't point to kptr`);
  if (field.kind === 'kptrUntrusted') env.fail('EACCES', `off=${offset} kptr isn't referenced kptr`);
  return field;
}

/** Whether the pointer in a register may be put into that field. */
export function checkKptrSource(
  env: Environment,
  field: RecordField | undefined,
  register: Register,
  number: number,
): void {
  if (!field) return;
  const ofKernel = register.btf === undefined || register.btf === env.program.kernel;
  let allowed = ofKernel ? flag.maybeNull | flag.trusted | flag.rcu : flag.maybeNull | flag.alloc;
  if (ofKernel && field.kind === 'kptrUntrusted') allowed |= flag.untrusted;
  if (!ofKernel && field.kind === 'perCpuKptr') allowed |= flag.perCpu;
  const isFit = register.kind === 'btf' && (register.flags & ~allowed) === 0;
  if (isFit) {
    checkPointerOffset(env, register, number, true);
    const strict = field.kind !== 'kptrUntrusted';
    if (register.btf && structsMatch(register.btf, register.btfId, register.offset, field.struct, strict)) return;
  }
  const name = isFit ? register.btfName : '';
  const other = field.kind === 'kptrUntrusted' ? ` or untrusted_ptr_${field.struct}` : '';
  env.fail(
    'EACCES',
    `invalid kptr access, R${number} type=${kindText(register.kind, register.flags)}${name} expected=ptr_${field.struct}${other}`,
  );
}

const rcuProtected: ReadonlySet<string> = new Set(['cgroup', 'bpf_cpumask', 'task_struct', 'bpf_crypto_ctx']);

/** The type behind a kernel pointer: the kernel's own by that name, or else the program's. */
export function typeOfKptr(
  env: Environment,
  field: RecordField,
  btf: Register['btf'],
): Pick<Register, 'btf' | 'btfId'> {
  const { kernel } = env.program;
  const id = kernel?.find('struct', field.struct);
  return id === undefined ? { btf, btfId: field.type } : { btf: kernel, btfId: id };
}

/** What a load of such a field gives. */
export function loadedKptr(env: Environment, field: RecordField, btf: Register['btf']): Register {
  const target = typeOfKptr(env, field, btf);
  const isLocal = target.btf !== env.program.kernel;
  const isSafe = field.kind !== 'kptrUntrusted' && (isLocal || rcuProtected.has(field.struct)) && env.inRcuSection;
  let flags = flag.maybeNull | (isSafe ? flag.rcu : flag.untrusted);
  if (isSafe && field.kind === 'perCpuKptr') flags |= flag.perCpu;
  else if (isSafe && isLocal) flags |= flag.alloc;
  const loaded = pointer('btf', flags);
  loaded.btf = target.btf;
  loaded.btfId = target.btfId;
  loaded.btfName = field.struct;
  loaded.id = env.freshId();
  return loaded;
}

/** Every field of the kernel's that an access may touch: refused, except whole loads and stores of kernel pointers. */
export function checkFields(
  env: Environment,
  fields: readonly RecordField[],
  register: Register,
  extra: number,
  size: number,
  direct: boolean,
): RecordField | undefined {
  const from = register.offset + extra + Number(register.scalar.smin);
  const to = register.offset + extra + Number(register.scalar.umax) + size;
  let found: RecordField | undefined;
  for (const field of fields) {
    if (from >= field.offset + field.size || field.offset >= to) continue;
    const name = fieldNames[field.kind];
    if (!isKptr(field)) env.fail('EACCES', `${name} cannot be accessed directly by load/store`);
    if (!direct) env.fail('EACCES', `${name} cannot be accessed indirectly by helper`);
    if (!register.scalar.isConst) env.fail('EACCES', `${name} access cannot have variable offset`);
    if (field.offset !== from) env.fail('EACCES', `${name} access misaligned expected=${field.offset} off=${from}`);
    if (size !== 8) env.fail('EACCES', `${name} access size must be BPF_DW`);
    found = field;
  }
  return found;
}
