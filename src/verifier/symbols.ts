import type { Btf, TypeId } from '../btf/index.ts';
import type { Environment } from './environment.ts';
import { nameOf } from './record-fields.ts';
import { flag, pointer, type Register } from './register.ts';

/** Addresses of the kernel's variables and functions in 64-bit immediates (kernel/bpf/verifier.c: check_pseudo_btf_id). */
export function resolveSymbol(env: Environment, slot: number): void {
  const id = env.slots.imm[slot] as number;
  const { kernel } = env.program;
  if (!kernel || id <= 0 || id >= kernel.count)
    env.fail(id > 0 ? 'ENOENT' : 'EINVAL', `ldimm64 insn specifies invalid btf_id ${id}.`);
  const type = kernel.type(id);
  if (type.kind === 'function') {
    env.symbolAt.set(slot, pointer('memory', flag.readOnly));
  } else if (type.kind === 'variable') {
    env.symbolAt.set(slot, variable(kernel, id, type.type));
  } else {
    env.fail('EINVAL', `pseudo btf_id ${id} in ldimm64 isn't KIND_VAR or KIND_FUNC`);
  }
}

function variable(kernel: Btf, id: TypeId, of: TypeId): Register {
  const type = kernel.strip(of);
  const isPerCpu = perCpuVariables(kernel).has(id);
  const { kind } = kernel.type(type);
  if (!isPerCpu && kind !== 'struct' && kind !== 'union') {
    const bytes = pointer('memory', flag.readOnly);
    bytes.size = kernel.sizeOf(type);
    return bytes;
  }
  const register = pointer('btf', isPerCpu ? flag.perCpu : 0);
  register.btf = kernel;
  register.btfId = type;
  register.btfName = nameOf(kernel, type);
  return register;
}

function perCpuVariables(kernel: Btf): ReadonlySet<TypeId> {
  for (let id = kernel.count - 1; id > 0; id--) {
    const type = kernel.type(id);
    if (type.kind === 'section' && type.name === '.data..percpu')
      return new Set(type.variables.map((each) => each.type));
  }
  return new Set();
}
