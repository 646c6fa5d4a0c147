import type { DecodedProgram, Instruction } from '../../isa/index.ts';
import { kernelSpace } from '../../memory/index.ts';
import { codeSpace, type Host, type InlineHelper, type MapLayout } from '../engine.ts';
import type { Values } from './values.ts';

/** A call that compiled code does by itself: a helper that it knows, on a map that it knows. */
export type InlineCall =
  | { readonly kind: 'mapLookup' | 'mapUpdate' | 'mapDelete'; readonly layout: MapLayout }
  | { readonly kind: 'loop'; readonly slot: number }
  | { readonly kind: 'cell'; readonly offset: number };

type Call = Extract<Instruction, { kind: 'call' }>;

const mapRegister = 1;
const callbackRegister = 2;
const flagsRegister = 4;

/** Keys of more words than this are left to the helper. */
const mostKeyWords = 8;
/** Values of more bytes than this too. */
const mostValueBytes = 256;

/** Knows which calls of verified programs are done without leaving WebAssembly. */
export class InlineCalls {
  readonly #host: Host;
  readonly #enabled: boolean;
  readonly #program: DecodedProgram;
  readonly #helpers = new Map<number, InlineHelper | undefined>();
  readonly #layouts = new Map<number, MapLayout | undefined>();

  constructor(host: Host, enabled: boolean, program: DecodedProgram) {
    this.#program = program;
    this.#host = host;
    this.#enabled = enabled;
  }

  /** What a call becomes, or undefined when it stays a call. */
  at(call: Call, values: Values): InlineCall | undefined {
    const helper = this.#helper(call);
    if (!helper || helper.kind === 'cell') return helper;
    if (helper.kind === 'loop') return this.#loop(values);
    if (!values.isConstant(mapRegister) || values.high[mapRegister] !== (kernelSpace | 0)) return undefined;
    const layout = this.#layout(values.low[mapRegister] as number);
    if (!layout || !isSupported(helper.kind, layout)) return undefined;
    const flagsAreKnown = values.isConstant(flagsRegister) && values.high[flagsRegister] === 0;
    if (helper.kind === 'mapUpdate' && !flagsAreKnown) return undefined;
    return { kind: helper.kind, layout };
  }

  /** bpf_loop over a function of the program that is known, with no flags. */
  #loop(values: Values): InlineCall | undefined {
    if (values.constant(flagsRegister) !== 0n || !values.isConstant(callbackRegister)) return undefined;
    if (values.high[callbackRegister] !== (codeSpace | 0)) return undefined;
    const slot = values.low[callbackRegister] as number;
    return (this.#program.indexOfSlot[slot] ?? -1) >= 0 ? { kind: 'loop', slot } : undefined;
  }

  /** Whether a call answers with a pointer or NULL, whatever the map. */
  answersPointer(call: Call, _values: Values): boolean {
    return this.#helper(call)?.kind === 'mapLookup';
  }

  #helper(call: Call): InlineHelper | undefined {
    if (!this.#enabled || call.target !== 'helper') return undefined;
    let helper = this.#helpers.get(call.imm);
    if (helper === undefined && !this.#helpers.has(call.imm)) {
      helper = this.#host.inline?.(call.imm);
      this.#helpers.set(call.imm, helper);
    }
    return helper;
  }

  #layout(address: number): MapLayout | undefined {
    let layout = this.#layouts.get(address);
    if (layout === undefined && !this.#layouts.has(address)) {
      layout = this.#host.mapLayout?.(address);
      this.#layouts.set(address, layout);
    }
    return layout;
  }
}

function isSupported(kind: 'mapLookup' | 'mapUpdate' | 'mapDelete', layout: MapLayout): boolean {
  if (layout.kind === 'array') return kind === 'mapLookup';
  if (layout.keySize % 4 !== 0 || layout.keySize > mostKeyWords * 4) return false;
  return kind !== 'mapUpdate' || (layout.perCpu === undefined && layout.valueSize <= mostValueBytes);
}

/** Bytes of the key of a map. */
export function keySizeOf(layout: MapLayout): number {
  return layout.kind === 'array' ? 4 : layout.keySize;
}
