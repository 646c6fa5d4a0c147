import { nearestHint } from '../base/index.ts';
import type { Btf, KernelProfile, TracepointFormat, TypeId } from '../btf/index.ts';
import type { Names } from './expression.ts';
import { type FieldPlace, fieldPlace, namedFieldType, type StructLayout, sizeOfType } from './layout.ts';
import type { ParsedSection } from './section.ts';
import type { Source, SourceLine, Token } from './source.ts';

/**
 * What a name of the program stands for, looked up in this order: a constant (`.equ`), a local of the frame, a struct
 * of the object, `args` (what the attach point hands over), a struct or enum of the kernel profile. So offsets of
 * kernel structs are found anew for each kernel, as CO-RE relocations are.
 */
export class Symbols {
  readonly constants = new Map<string, bigint>();
  readonly structs = new Map<string, StructLayout>();
  /** Frame locals of the program in hand: bytes from r10, below 0. */
  readonly locals = new Map<string, { readonly offset: number; readonly struct: StructLayout | undefined }>();
  /** Of the program in hand. */
  section: ParsedSection | undefined;
  readonly profile: KernelProfile;
  readonly source: Source;

  constructor(profile: KernelProfile, source: Source) {
    this.profile = profile;
    this.source = source;
  }

  /** Names as they are seen from one line, which faults point at. */
  on(line: SourceLine): Names {
    return {
      valueOf: (name, token) => this.#valueOf(name, line, token),
      sizeOf: (name, token) => this.#sizeOf(name, line, token),
    };
  }

  #valueOf(name: string, line: SourceLine, token: Token): bigint | undefined {
    const [root = '', ...path] = name.split('.');
    if (path.length === 0) {
      const local = this.locals.get(name);
      return this.constants.get(name) ?? (local && BigInt(local.offset));
    }
    const local = this.locals.get(root);
    if (local?.struct) return BigInt(local.offset + this.#ownField(local.struct, path, line, token).offset);
    const struct = this.structs.get(root);
    if (struct) return BigInt(this.#ownField(struct, path, line, token).offset);
    if (root === 'args') return BigInt(this.#argument(path.join('.'), line, token).offset);
    const enumerator = this.#enumerator(root, path, line, token);
    return enumerator ?? BigInt(this.#kernelField(root, path, line, token).offset);
  }

  #sizeOf(name: string, line: SourceLine, token: Token): bigint {
    const [root = '', ...path] = name.split('.');
    const struct = this.locals.get(root)?.struct ?? this.structs.get(root);
    if (struct) return BigInt(this.#ownField(struct, path, line, token).size);
    if (root === 'args') return BigInt(this.#argument(path.join('.'), line, token).size);
    const type = path.length === 0 ? namedFieldType(root) : undefined;
    if (type) return BigInt(sizeOfType(type));
    return BigInt(this.#kernelField(root, path, line, token).size);
  }

  #ownField(struct: StructLayout, path: readonly string[], line: SourceLine, token: Token): FieldPlace {
    const place = fieldPlace(struct, path);
    if ('offset' in place) return place;
    const column = columnOf(token, place.unknown);
    return this.source.fault(line, column, `struct ${struct.name} has no field '${place.unknown}'`, {
      ...nearestHint(place.unknown, place.names),
    });
  }

  /** A field of the section's tracepoint record, or the register that holds an argument of its function. */
  #argument(name: string, line: SourceLine, token: Token): FieldPlace {
    const target = this.section?.target;
    switch (target?.kind) {
      case 'tracepoint':
        return this.#recordField(this.#format(target.name, line, token), name, line, token);
      case 'kprobe':
        return this.#parameter(target.function, name, line, token);
      case 'kretprobe':
        return this.source.fault(line, token.start, 'a kretprobe has no arguments any more', {
          hint: 'the value returned is *(u64 *)(r1 + pt_regs.ax); keep an argument in a map at the entry',
        });
      case 'raw_tracepoint':
        return this.#arrayElement(`__traceiter_${target.name}`, 1, name, line, token);
      case 'fentry':
      case 'fexit':
      case 'fmod_ret':
      case 'lsm':
        return this.#arrayElement(target.function, 0, name, line, token);
      case 'uprobe':
      case 'uretprobe':
      case 'usdt':
        return this.source.fault(line, token.start, `a ${target.kind} has arguments without names`, {
          hint: 'read the registers of the context: pt_regs.di, pt_regs.si, …',
        });
      case undefined:
        return this.source.fault(line, token.start, 'args needs a section that says where the program attaches', {
          expected: '.section "tracepoint/CATEGORY/NAME" or .section "kprobe/FUNCTION"',
        });
    }
  }

  /** An argument in a context that is an array of u64, by the prototype without its first `hidden` parameters. */
  #arrayElement(prototype: string, hidden: number, name: string, line: SourceLine, token: Token): FieldPlace {
    const params = this.profile.btf.functionPrototype(prototype)?.params.slice(hidden);
    if (!params) return this.source.fault(line, token.start, `Linux ${this.profile.release} has no '${prototype}'`);
    const index = params.findIndex((param) => param.name === name);
    if (index >= 0) return { offset: index * 8, size: 8 };
    const names = params.map((param) => param.name);
    return this.source.fault(line, columnOf(token, name), `there is no argument '${name}'`, {
      expected: names.length === 0 ? 'no argument' : `one of ${names.join(', ')}`,
      ...nearestHint(name, names),
    });
  }

  #format(name: string, line: SourceLine, token: Token): TracepointFormat {
    const format = this.profile.tracepoint(name);
    if (format) return format;
    return this.source.fault(line, token.start, `Linux ${this.profile.release} has no tracepoint '${name}'`, {
      ...nearestHint(name, this.profile.tracepointNames()),
    });
  }

  #recordField(format: TracepointFormat, name: string, line: SourceLine, token: Token): FieldPlace {
    const field = format.fields.find((candidate) => candidate.name === name);
    if (field) return { offset: field.offset, size: field.size };
    const names = format.fields.map((candidate) => candidate.name);
    const column = columnOf(token, name);
    return this.source.fault(line, column, `the record of ${format.name} has no field '${name}'`, {
      expected: `one of ${names.join(', ')}`,
      ...nearestHint(name, names),
    });
  }

  #parameter(name: string, parameter: string, line: SourceLine, token: Token): FieldPlace {
    const prototype = this.profile.btf.functionPrototype(name);
    if (!prototype) {
      return this.source.fault(line, token.start, `the parameters of '${name}' are not known`, {
        hint: 'name one function of the kernel in the section, or read the registers: pt_regs.di, si, dx, cx, r8, r9',
      });
    }
    const names = prototype.params.map((candidate) => candidate.name);
    const index = names.indexOf(parameter);
    const register = parameterRegisters[index];
    if (register !== undefined) return this.#kernelField('pt_regs', [register], line, token);
    const message =
      index < 0
        ? `${name} has no parameter '${parameter}'`
        : `parameter ${index + 1} of ${name} is passed on the stack, not in a register`;
    return this.source.fault(line, columnOf(token, parameter), message, {
      expected: `one of ${names.slice(0, parameterRegisters.length).join(', ')}`,
      ...(index < 0 ? nearestHint(parameter, names) : {}),
    });
  }

  #enumerator(root: string, path: readonly string[], line: SourceLine, token: Token): bigint | undefined {
    const { btf } = this.profile;
    const id = btf.find('enum', root);
    const type = id === undefined ? undefined : btf.type(id);
    if (type?.kind !== 'enum' && type?.kind !== 'enum64') return undefined;
    const name = path.join('.');
    const found = type.values.find((candidate) => candidate.name === name);
    if (found) return found.value;
    return this.source.fault(line, columnOf(token, name), `enum ${root} has no value '${name}'`, {
      ...nearestHint(
        name,
        type.values.map((candidate) => candidate.name),
      ),
    });
  }

  #kernelField(root: string, path: readonly string[], line: SourceLine, token: Token): FieldPlace {
    const { btf, release } = this.profile;
    const id = btf.find('struct', root) ?? btf.find('union', root) ?? btf.find('typedef', root);
    if (id === undefined) {
      const own = [...this.locals.keys(), ...this.structs.keys(), 'args'];
      return this.source.fault(line, token.start, `neither this file nor Linux ${release} has a struct '${root}'`, {
        ...nearestHint(root, [...own, ...structNames(btf)]),
      });
    }
    if (path.length === 0) return { offset: 0, size: btf.sizeOf(id) };
    const place = btf.member(id, path.join('.'));
    if (!place) return this.#unknownMember(root, id, path, line, token);
    if (place.bitSize > 0) {
      return this.source.fault(line, token.start, `${root}.${path.join('.')} is a bit-field and has no offset`, {
        hint: `it is ${place.bitSize} bits wide, from bit ${place.bitShift} of byte ${place.offset}`,
      });
    }
    return place;
  }

  #unknownMember(root: string, id: TypeId, path: readonly string[], line: SourceLine, token: Token): never {
    const { btf, release } = this.profile;
    let known = 0;
    while (btf.member(id, path.slice(0, known + 1).join('.'))) known++;
    const owner = known === 0 ? id : btf.member(id, path.slice(0, known).join('.'))!.type;
    const missing = path[known] as string;
    const column = columnOf(token, missing);
    const name = known === 0 ? `struct ${root}` : btf.print(btf.strip(owner));
    return this.source.fault(line, column, `${name} of Linux ${release} has no field '${missing}'`, {
      ...nearestHint(missing, memberNames(btf, owner)),
    });
  }
}

/** x86-64 parameters 1–6, by their names in struct pt_regs (arch/x86/include/asm/ptrace.h). */
export const parameterRegisters = ['di', 'si', 'dx', 'cx', 'r8', 'r9'] as const;

function columnOf(token: Token, part: string): number {
  return token.start + Math.max(0, token.text.lastIndexOf(part));
}

function* structNames(btf: Btf): Iterable<string> {
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id);
    if ((type.kind === 'struct' || type.kind === 'union' || type.kind === 'enum') && type.name) yield type.name;
  }
}

/** Names of a struct's members, those of anonymous structs and unions among them. */
function* memberNames(btf: Btf, id: TypeId): Iterable<string> {
  const type = btf.type(btf.strip(id));
  if (type.kind !== 'struct' && type.kind !== 'union') return;
  for (const member of type.members) {
    if (member.name) yield member.name;
    else yield* memberNames(btf, member.type);
  }
}
