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
  const source = resolve(value);
  return isLeaf(source) ? leaf(source, options) : new Tracing(options, assume).of(source);
}

/** Where what is known without looking further comes from. */
function leaf(value: Value, options: ProvenanceOptions): Provenance {
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
    default:
      return 'unknown';
  }
}

/** Values that are looked through to where a pointer begins; nobody says of what lies farther what it is. */
const farthest = 1000;

/** One question, in which each value is looked at once: to a sum of sums of sums there are very many ways. */
class Tracing {
  readonly #options: ProvenanceOptions;
  readonly #assume: Provenance;
  readonly #known = new Map<Value, Provenance>();
  #depth = 0;

  constructor(options: ProvenanceOptions, assume: Provenance) {
    this.#options = options;
    this.#assume = assume;
  }

  of(valueIn: Value): Provenance {
    const value = resolve(valueIn);
    if (isLeaf(value)) return leaf(value, this.#options);
    const known = this.#known.get(value);
    if (known) return known;
    if (this.#depth >= farthest) return 'unknown';
    this.#known.set(value, this.#assume);
    this.#depth++;
    const found = this.#through(value);
    this.#depth--;
    this.#known.set(value, found);
    return found;
  }

  #through(value: Value): Provenance {
    const { packets } = this.#options;
    const [first, second] = value.args;
    switch (value.op) {
      case 'load':
        if (!packets || value.access === 'user') return 'unknown';
        return this.of(first as Value) === 'context' ? 'direct' : 'unknown';
      case 'asm':
        // A pointer that was only moved is what it was; of a packet's, nobody may follow another.
        if (packets) return 'direct';
        return first && isArithmetic(value) ? this.of(first) : 'unknown';
      case 'opaque':
        return this.of(first as Value);
      case 'zext':
        return packets ? this.of(first as Value) : 'unknown';
      case 'add': {
        const left = this.of(first as Value);
        return left === 'unknown' ? this.of(second as Value) : left;
      }
      case 'sub':
        return this.of(first as Value);
      case 'phi':
        return this.#joined(value);
      default:
        return 'unknown';
    }
  }

  /** What a phi's ways agree on; constants say nothing. */
  #joined({ args }: Value): Provenance {
    let result: Provenance | undefined;
    for (const arg of args) {
      const source = resolve(arg);
      if (source.op === 'const') continue;
      const one = this.of(source);
      if (one === 'unknown' || (result && result !== one)) return 'unknown';
      result = one;
    }
    return result ?? 'unknown';
  }
}

/** Where it comes from is known without looking further. */
function isLeaf({ op }: Value): boolean {
  return op === 'const' || op === 'parameter' || op === 'stack' || op === 'map' || op === 'data' || op === 'helper';
}

/** Whether an address may lie in a stack frame, which only aligned accesses may be made to. */
export function mayBeStack(address: Value, options: ProvenanceOptions): boolean {
  const seen = new Set<Value>();
  const pending = [address];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const value = resolve(next);
    switch (value.op) {
      case 'stack':
        return true;
      case 'parameter':
        if (!options.program && options.parameters?.[value.imm] === 'direct') return true;
        break;
      case 'phi':
      case 'add':
      case 'sub':
      case 'opaque':
      case 'asm':
        // What a loop carries is not known yet.
        if (value.op === 'phi' && value.args.length === 0) return true;
        if (seen.has(value)) break;
        seen.add(value);
        for (const arg of value.args) pending.push(arg);
    }
  }
  return false;
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
function kernelPlaceOf(value: Value, options: ProvenanceOptions): KernelPlace | undefined {
  return new Places(options).of(value);
}

/** One question, in which each value is looked at once. */
class Places {
  readonly #options: ProvenanceOptions;
  /** Undefined, too, of what is being looked at: a phi that leads to itself. */
  readonly #known = new Map<Value, KernelPlace | undefined>();
  #depth = 0;

  constructor(options: ProvenanceOptions) {
    this.#options = options;
  }

  of(valueIn: Value): KernelPlace | undefined {
    const value = resolve(valueIn);
    if (this.#known.has(value) || this.#depth >= farthest) return this.#known.get(value);
    this.#known.set(value, undefined);
    this.#depth++;
    const found = this.#through(value);
    this.#depth--;
    this.#known.set(value, found);
    return found;
  }

  #through(value: Value): KernelPlace | undefined {
    switch (value.op) {
      case 'helper':
        return startOf(value.helper && this.#options.typed.result(value.helper));
      case 'load':
        return value.size === 8 && value.access !== 'user' ? startOf(this.#pointerRead(value)) : undefined;
      case 'opaque':
        return this.of(value.args[0] as Value);
      case 'add': {
        const by = resolve(value.args[1] as Value);
        const base = by.op === 'const' ? this.of(value.args[0] as Value) : undefined;
        return base && { struct: base.struct, offset: base.offset + Number(BigInt.asIntN(32, by.constant)) };
      }
      case 'phi': {
        const [first, ...others] = value.args.map((arg) => this.of(arg));
        return others.every((one) => one?.struct === first?.struct && one?.offset === first?.offset)
          ? first
          : undefined;
      }
      default:
        return undefined;
    }
  }

  #pointerRead(load: Value): number | undefined {
    const base = resolve(load.args[0] as Value);
    const { program, typed } = this.#options;
    if (base.op === 'parameter') {
      return program && base.imm === 0 && load.offset % 8 === 0 ? typed.argument(load.offset / 8) : undefined;
    }
    const place = this.of(base);
    const read = place && kernelRead(typed.btf, { ...place, offset: place.offset + load.offset }, 8);
    return read?.kind === 'pointer' ? read.struct : undefined;
  }
}

function startOf(struct: number | undefined): KernelPlace | undefined {
  return struct === undefined ? undefined : { struct, offset: 0 };
}
