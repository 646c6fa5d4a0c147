import type { Btf, TypeId } from '../../btf/index.ts';
import { loadedFor } from '../../object/index.ts';
import type { HelperName } from '../../uapi/index.ts';
import type { FunctionObject } from '../syntax/ast.ts';
import { pointedStruct } from '../types/kernel-access.ts';
import type { ProgramKind } from './programs.ts';

/**
 * Which values of a program the verifier knows to point to kernel structs: the arguments of what a tracing or LSM
 * program attaches to, by their types in the kernel's BTF, and what some helpers give.
 */
export interface TypedPointers {
  readonly btf: Btf;
  /** The struct that the context's i-th word points to. */
  argument(index: number): TypeId | undefined;
  /** The struct that a helper's result points to. */
  result(helper: HelperName): TypeId | undefined;
}

export function typedPointers(btf: Btf, kind: ProgramKind, f: FunctionObject): TypedPointers {
  // The arguments of a raw tracepoint are numbers to the verifier.
  const typed = kind.parameters === 'array' && kind.type !== 'raw_tracepoint';
  const argument = typed ? typedArguments(btf, kind, f) : () => undefined;
  return { btf, argument, result: (helper) => typedResult(btf, helper) };
}

function typedArguments(btf: Btf, { section }: ProgramKind, f: FunctionObject): (index: number) => TypeId | undefined {
  const target = loadedFor(section);
  if (target?.attachType === 'trace_raw_tp') {
    const known = btf.find('typedef', `btf_trace_${target.name}`);
    const pointer = known === undefined ? undefined : btf.type(btf.strip(known));
    const prototype = pointer?.kind === 'pointer' ? btf.type(btf.strip(pointer.target)) : undefined;
    // Its first parameter is the tracepoint's own data.
    const params = prototype?.kind === 'prototype' ? prototype.params.slice(1) : [];
    return (i) => {
      const param = params[i];
      return param && pointedStruct(btf, param.type);
    };
  }
  const prototype = target && btf.functionPrototype(target.name);
  // A function that this kernel does not know is taken to be as the text says.
  if (!prototype) return (i) => declaredStruct(btf, f.parameters[i + 1]);
  const { params, returns } = prototype;
  return (i) => {
    const type = i === params.length ? returns : params[i]?.type;
    return type === undefined ? undefined : pointedStruct(btf, type);
  };
}

function declaredStruct(btf: Btf, parameter: FunctionObject['parameters'][number] | undefined): TypeId | undefined {
  const type = parameter?.type;
  const target = type?.kind === 'pointer' && !type.user ? type.target : undefined;
  return target?.kind === 'struct' ? btf.find(target.union ? 'union' : 'struct', target.tag) : undefined;
}

/** `bpf_get_current_task_btf`, and the `bpf_skc_to_X` that give a `struct X *` or NULL. */
function typedResult(btf: Btf, helper: HelperName): TypeId | undefined {
  if (helper === 'get_current_task_btf') return btf.find('struct', 'task_struct');
  if (helper === 'sock_from_file') return btf.find('struct', 'socket');
  const socket = /^skc_to_(\w+_sock)$/.exec(helper)?.[1];
  return socket === undefined ? undefined : btf.find('struct', socket);
}
