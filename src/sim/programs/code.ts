import { createHash } from 'node:crypto';
import { SysError, viewOf } from '../../base/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import { helperAllowed, helperById, isGplCompatible, type ProgramType } from '../../uapi/index.ts';
import type { MapResource } from '../fds/map-resource.ts';
import type { KernelVariables } from '../objects/kernel-variables.ts';
import { ldImm64, type NamedFds, pseudo } from './verification.ts';

/**
 * The code of a program between the system call and the engine: what it calls, and its maps' addresses in the place of
 * their fds (kernel/bpf/verifier.c: resolve_pseudo_ldimm64, convert_pseudo_ld_imm64).
 */
const callInstruction = 0x85;
/** The source register of a call (BPF_PSEUDO_KFUNC_CALL); 0 is a helper. */
const kfuncCall = 2;

export interface Call {
  readonly slot: number;
  readonly kind: 'helper' | 'kfunc';
  /** Number of the helper, or BTF id of the kernel function. */
  readonly id: number;
}

/** The calls that leave the program, in the order of the code. */
export function callsOf(code: Uint8Array): Call[] {
  const view = viewOf(code);
  const calls: Call[] = [];
  for (let at = 0; at < code.length; at += 8) {
    if (code[at] === ldImm64) at += 8;
    else if (code[at] === callInstruction) {
      const source = code[at + 1]! >>> 4;
      const id = view.getInt32(at + 4, true);
      if (source === 0) calls.push({ slot: at / 8, kind: 'helper', id });
      else if (source === kfuncCall) calls.push({ slot: at / 8, kind: 'kfunc', id });
    }
  }
  return calls;
}

/**
 * Whether a program that no verifier sees calls only what its type and license allow.
 * @throws SysError EINVAL with the verifier's words
 */
export function checkHelpers(calls: readonly Call[], type: ProgramType, license: string): void {
  for (const { kind, id, slot } of calls) {
    const helper = helperById(id);
    if (kind === 'helper' && helper && helperAllowed(helper.name, type)) {
      if (!helper.gpl || isGplCompatible(license)) continue;
      const words = 'cannot call GPL-restricted function from non-GPL compatible program';
      throw new SysError('EINVAL', 'prog_load', `instruction ${slot}: ${words}`, {
        hint: `bpf_${helper.name} needs a license such as GPL; the program's is '${license}'`,
      });
    }
    const called = kind === 'helper' ? `helper ${helper ? `bpf_${helper.name}` : 'unknown'}#${id}` : `function #${id}`;
    throw new SysError('EINVAL', 'prog_load', `instruction ${slot}: program of this type cannot use ${called}`);
  }
}

/**
 * A copy of the code with the kernel pointers of maps and of their values where it names fds, and of the kernel's
 * variables where it names their ids.
 * @throws SysError EBADF for an fd that is no map, which only a program that no verifier saw has
 */
export function linked(code: Uint8Array, { maps }: NamedFds, variables: KernelVariables): Uint8Array {
  const result = code.slice();
  const view = viewOf(result);
  for (let at = 0; at + 16 <= code.length; at += 8) {
    if (code[at] !== ldImm64) continue;
    const source = code[at + 1]! >>> 4;
    if (source === pseudo.mapFd || source === pseudo.mapValue) {
      const fd = view.getInt32(at + 4, true);
      const map = maps.get(fd);
      if (map === undefined) throw new SysError('EBADF', 'prog_load', `instruction ${at / 8}: fd ${fd} is no map`);
      const address = source === pseudo.mapFd ? map.map.address : directValue(map, view.getUint32(at + 12, true));
      view.setUint8(at + 1, view.getUint8(at + 1) & 0xf);
      view.setUint32(at + 4, address, true);
      view.setUint32(at + 12, kernelSpace, true);
    } else if (source === pseudo.variable) {
      const address = variables.address(view.getUint32(at + 4, true));
      view.setUint8(at + 1, view.getUint8(at + 1) & 0xf);
      view.setUint32(at + 4, address, true);
      view.setUint32(at + 12, address === 0 ? 0 : kernelSpace, true);
    }
    at += 8;
  }
  return result;
}

/**
 * bpf_prog_calc_tag (kernel/bpf/core.c): the first 8 bytes, in hex, of the code's SHA-256 with zeros for what depends on
 * the load, the fds of maps and offsets in their values.
 */
export function tagOf(code: Uint8Array): string {
  const stable = code.slice();
  for (let at = 0; at + 16 <= code.length; at += 8) {
    if (code[at] !== ldImm64) continue;
    const source = code[at + 1]! >>> 4;
    if (source === pseudo.mapFd || source === pseudo.mapValue) {
      stable.fill(0, at + 4, at + 8);
      stable.fill(0, at + 12, at + 16);
    }
    at += 8;
  }
  return createHash('sha256').update(stable).digest('hex').slice(0, 16);
}

/** array_map_direct_value_addr (kernel/bpf/arraymap.c) */
function directValue(resource: MapResource, offset: number): number {
  const { type, maxEntries, valueSize, name } = resource.map.shape;
  if (type === 'array' && maxEntries === 1 && offset < valueSize) return resource.firstValue() + offset;
  throw new SysError('EINVAL', 'prog_load', `no direct value at ${offset} of map '${name}'`, {
    expected: 'an array of one element and an offset inside its value',
  });
}
