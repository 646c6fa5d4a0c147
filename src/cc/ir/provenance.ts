import { directResults } from '../dialect/helper-prototypes.ts';
import { resolve, type Value } from './ir.ts';

/**
 * Where a pointer comes from, which decides how memory behind it is read. What the program got from the stack, a map,
 * the context or a ring it reads directly; any other address (a kernel pointer out of a register, a struct or a map)
 * only a probe read may follow. A probe read is right for every address, so a mixed or unknown origin takes it.
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
}

/** @param assume what is said of a phi that is being looked at already */
export function provenanceOf(value: Value, options: ProvenanceOptions, assume: Provenance = 'direct'): Provenance {
  return trace(resolve(value), options, assume, undefined);
}

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
    case 'opaque':
    case 'zext':
      return options.packets || value.op === 'opaque'
        ? trace(resolve(value.args[0] as Value), options, assume, seen)
        : 'unknown';
    case 'add': {
      const left = trace(resolve(value.args[0] as Value), options, assume, seen);
      return left === 'unknown' ? trace(resolve(value.args[1] as Value), options, assume, seen) : left;
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
