import type { Size } from '../../isa/index.ts';
import { directResults } from '../dialect/helper-prototypes.ts';
import type { TypedPointers } from '../dialect/typed-arguments.ts';
import { type KernelPlace, kernelRead } from '../types/kernel-access.ts';
import { resolve, type Value } from './ir.ts';

/**
 * Where a pointer comes from, which decides how memory behind it is read. What the program got from the stack, a map,
 * the context or a ring it reads directly; any other address (a kernel pointer out of a register, a struct or a map)
 * only a probe read may follow, but for those whose type the verifier knows. A probe read is right for every address,
 * so a mixed or unknown origin takes it.
 */
export type Provenance = 'direct' | 'context' | 'unknown';

export interface ProvenanceOptions {
  /** Pointers loaded from the context (packet data) are read directly: sk_buff and xdp programs. */
  readonly packets: boolean;
  /** The context may be read in pieces of any size: that of kprobes and tracepoints. */
  readonly anyWidth: boolean;
  /** What the pointers that a called function gets are, by parameter, where all calls agree. */
  readonly parameters?: readonly Provenance[];
  /** The function is a program: parameter 0 is its context. */
  readonly program: boolean;
  /** Pointers that the verifier knows the types of. */
  readonly typed: TypedPointers;
}

/** @param assume what is said of a phi that is being looked at already */
export function provenanceOf(value: Value, options: ProvenanceOptions, assume: Provenance = 'direct'): Provenance {
  return trace(resolve(value), options, assume, undefined);
}

/** @param seen phis that are being looked at, and sums that were found unknown: sums of sums have very many ways */

function trace(value: Value, options: ProvenanceOptions, assume: Provenance, seen: Set<Value> | undefined): Provenance {
  switch (value.op) {
    case 'stack':
    case 'map':
    case 'data':
      return 'direct';
    case 'parameter':
      if (options.program) return value.imm === 0 ? 'context' : 'unknown';
      return options.parameters?.[value.imm] ?? 'unknown';
    case 'helper':
      return value.helper && directResults.has(value.helper) ? 'direct' : 'unknown';
    case 'load': {
      if (!options.packets || value.access === 'user') return 'unknown';
      return trace(resolve(value.args[0] as Value), options, assume, seen) === 'context' ? 'direct' : 'unknown';
    }
    case 'asm': {
      // A pointer that was only moved is what it was; of a packet's, nobody may follow another.
      const [first] = value.args;
      if (options.packets) return 'direct';
      return first && isArithmetic(value) ? trace(resolve(first), options, assume, seen) : 'unknown';
    }
    case 'opaque':
    case 'zext':
      return options.packets || value.op === 'opaque'
        ? trace(resolve(value.args[0] as Value), options, assume, seen)
        : 'unknown';
    case 'add': {
      if (seen?.has(value)) return 'unknown';
      const [a, b] = [resolve(value.args[0] as Value), resolve(value.args[1] as Value)];
      const looked = seen ?? (isLeaf(a) ? undefined : new Set<Value>());
      const left = trace(a, options, assume, looked);
      if (left !== 'unknown') return left;
      const right = trace(b, options, assume, looked);
      if (right === 'unknown') looked?.add(value);
      return right;
    }
    case 'sub':
      return trace(resolve(value.args[0] as Value), options, assume, seen);
    case 'phi': {
      if (seen?.has(value)) return assume;
      const looked = (seen ?? new Set()).add(value);
      if (value.args.length === 0) return 'unknown';
      let result: Provenance | undefined;
      for (const arg of value.args) {
        const source = resolve(arg);
        if (source.op === 'const') continue;
        const one = trace(source, options, assume, looked);
        if (one === 'unknown' || (result && result !== one)) return 'unknown';
        result = one;
      }
      return result ?? 'unknown';
    }
    default:
      return 'unknown';
  }
}

/** Where it comes from is known without looking further. */
function isLeaf({ op }: Value): boolean {
  return op === 'const' || op === 'parameter' || op === 'stack' || op === 'map' || op === 'data' || op === 'helper';
}

/** Whether an address may lie in a stack frame, which only aligned accesses may be made to. */
export function mayBeStack(address: Value, options: ProvenanceOptions, seen: Set<Value> = new Set()): boolean {
  const value = resolve(address);
  switch (value.op) {
    case 'stack':
      return true;
    case 'parameter':
      return !options.program && options.parameters?.[value.imm] === 'direct';
    case 'phi':
      // What a loop carries is not known yet.
      if (value.args.length === 0) return true;
      break;
    case 'add':
    case 'sub':
    case 'opaque':
    case 'asm':
      break;
    default:
      return false;
  }
  if (seen.has(value)) return false;
  seen.add(value);
  return value.args.some((arg) => mayBeStack(arg, options, seen));
}

/** Assembly that changes its first operand by arithmetic alone. */
function isArithmetic({ assembly }: Value): boolean {
  if (!assembly || assembly.pinned || assembly.inputs[0] !== assembly.outputs[0]) return false;
  return assembly.bodies.every((body) => body.kind === 'alu' && body.width === 64);
}

/** Whether the verifier lets `size` bytes behind a pointer of unknown origin be read directly: a typed kernel pointer. */
export function readsDirectly(base: Value, offset: number, size: Size, options: ProvenanceOptions): boolean {
  const place = kernelPlaceOf(base, options);
  if (!place) return false;
  return kernelRead(options.typed.btf, { ...place, offset: place.offset + offset }, size) !== undefined;
}

/** The kernel struct that a value is known to point into. */
function kernelPlaceOf(
  valueIn: Value,
  options: ProvenanceOptions,
  seen: ReadonlySet<Value> = new Set(),
): KernelPlace | undefined {
  const value = resolve(valueIn);
  switch (value.op) {
    case 'helper': {
      const struct = value.helper && options.typed.result(value.helper);
      return struct === undefined ? undefined : { struct, offset: 0 };
    }
    case 'load': {
      const struct = value.size === 8 && value.access !== 'user' ? pointerRead(value, options, seen) : undefined;
      return struct === undefined ? undefined : { struct, offset: 0 };
    }
    case 'opaque':
      return kernelPlaceOf(value.args[0] as Value, options, seen);
    case 'add': {
      const by = resolve(value.args[1] as Value);
      const base = by.op === 'const' ? kernelPlaceOf(value.args[0] as Value, options, seen) : undefined;
      return base && { struct: base.struct, offset: base.offset + Number(BigInt.asIntN(32, by.constant)) };
    }
    case 'phi': {
      if (seen.has(value)) return undefined;
      const inner = new Set([...seen, value]);
      const [first, ...others] = value.args.map((arg) => kernelPlaceOf(arg, options, inner));
      return others.every((one) => one?.struct === first?.struct && one?.offset === first?.offset) ? first : undefined;
    }
    default:
      return undefined;
  }
}

function pointerRead(load: Value, options: ProvenanceOptions, seen: ReadonlySet<Value>): number | undefined {
  const base = resolve(load.args[0] as Value);
  if (base.op === 'parameter') {
    return options.program && base.imm === 0 && load.offset % 8 === 0
      ? options.typed.argument(load.offset / 8)
      : undefined;
  }
  const place = kernelPlaceOf(base, options, seen);
  const read = place && kernelRead(options.typed.btf, { ...place, offset: place.offset + load.offset }, 8);
  return read?.kind === 'pointer' ? read.struct : undefined;
}
