import { type InstructionBody, type JumpOperation, type Operand, type Register, slotsOf } from '../../isa/index.ts';
import { inverse } from '../ir/ir.ts';
import type { Token } from '../preprocess/token.ts';
import type { Machine, MachineBlock, MachineEnd, MachineFunction } from './machine.ts';

/** Blocks to a row of instructions: order, jumps and their distances. */
export interface Emitted {
  readonly instructions: InstructionBody[];
  /** Where each instruction comes from. */
  readonly at: Token[];
  /** Slots that they take. */
  slots: number;
  readonly relocations: { readonly slot: number; readonly map: string; readonly offset: number | undefined }[];
  /** Calls of functions: which instruction, and where it stands. */
  readonly calls: { readonly index: number; readonly slot: number; readonly callee: string }[];
}

export function emitFunction(f: MachineFunction): Emitted {
  skipEmptyBlocks(f);
  return new Emitter(f).run();
}

type Branch = Extract<MachineEnd, { kind: 'branch' }>;

/** A jump whose distance is not known yet. */
interface Jump {
  readonly index: number;
  /** The slot behind it. */
  readonly from: number;
  readonly to: MachineBlock;
  readonly make: (offset: number) => InstructionBody;
}

class Emitter {
  readonly #emitted: Emitted = { instructions: [], at: [], slots: 0, relocations: [], calls: [] };
  readonly #order: readonly MachineBlock[];
  /** The slot where each block begins. */
  readonly #starts: Int32Array;
  readonly #jumps: Jump[] = [];

  constructor(f: MachineFunction) {
    this.#order = layOut(f);
    this.#starts = new Int32Array(f.blocks.length);
  }

  run(): Emitted {
    const order = this.#order;
    const { instructions } = this.#emitted;
    for (let i = 0; i < order.length; i++) {
      const block = order[i] as MachineBlock;
      this.#starts[block.place] = this.#emitted.slots;
      for (const machine of block.code) this.#machine(machine);
      this.#end(block, order[i + 1]);
    }
    for (const { index, from, to, make } of this.#jumps) {
      instructions[index] = make((this.#starts[to.place] as number) - from);
    }
    return this.#emitted;
  }

  #machine({ make, def, uses, at, relocation, callee }: Machine): void {
    const { instructions, slots: slot, relocations, calls } = this.#emitted;
    if (relocation) relocations.push({ slot, ...relocation });
    if (callee !== undefined) calls.push({ index: instructions.length, slot, callee });
    const made = make(def as Register, uses as Register[]);
    if ('kind' in made) this.#push(made, at);
    else for (const body of made) this.#push(body, at);
  }

  #push(body: InstructionBody, at: Token): void {
    this.#emitted.instructions.push(body);
    this.#emitted.at.push(at);
    this.#emitted.slots += slotsOf(body);
  }

  #end(block: MachineBlock, next: MachineBlock | undefined): void {
    const { end } = block;
    if (end.kind === 'exit') this.#push({ kind: 'exit' }, end.at);
    else if (end.kind === 'goto') this.#goto(end.to, next, this.#emitted.at.at(-1) ?? firstToken(block));
    else if (end.yes === next && inverse[end.condition])
      this.#jump(end, inverse[end.condition] as JumpOperation, end.no);
    else {
      this.#jump(end, end.condition, end.yes);
      this.#goto(end.no, next, end.at);
    }
  }

  #goto(to: MachineBlock, next: MachineBlock | undefined, at: Token | undefined): void {
    if (to !== next) this.#to(to, at as Token, (offset) => ({ kind: 'goto', long: false, offset }));
  }

  #jump({ width, left, right, at }: Branch, op: JumpOperation, to: MachineBlock): void {
    const dst = left as Register;
    const src: Operand =
      'imm' in right ? { kind: 'imm', imm: right.imm } : { kind: 'register', register: right.register as Register };
    this.#to(to, at, (offset) => ({ kind: 'jump', op, width, dst, src, offset }));
  }

  #to(to: MachineBlock, at: Token, make: Jump['make']): void {
    const index = this.#emitted.instructions.length;
    // Its place is taken until the distance is known.
    this.#push({ kind: 'exit' }, at);
    this.#jumps.push({ index, from: this.#emitted.slots, to, make });
  }
}

function firstToken(block: MachineBlock): Token | undefined {
  for (let at: MachineBlock = block; at.end.kind === 'goto'; at = at.end.to) {
    const [first] = at.end.to.code;
    if (first) return first.at;
    if (at.end.to.end.kind !== 'goto') return at.end.to.end.at;
    if (at.end.to === block) return undefined;
  }
  return undefined;
}

/** Jumps to a block that only jumps on go where that goes. */
function skipEmptyBlocks(f: MachineFunction): void {
  const target = (block: MachineBlock): MachineBlock => {
    let at = block;
    for (let steps = 0; at.code.length === 0 && at.end.kind === 'goto' && steps < 1000; steps++) at = at.end.to;
    return at;
  };
  for (const block of f.blocks) {
    const { end } = block;
    if (end.kind === 'goto') end.to = target(end.to);
    if (end.kind !== 'branch') continue;
    end.yes = target(end.yes);
    end.no = target(end.no);
    if (end.yes === end.no) block.end = { kind: 'goto', to: end.yes };
  }
}

/**
 * The blocks that are reached, in reverse postorder as they are: no jump but a loop's goes back, so that the verifier
 * meets with all ways into a block before it goes on from there.
 */
function layOut({ blocks }: MachineFunction): MachineBlock[] {
  const reached = new Uint8Array(blocks.length);
  const pending: MachineBlock[] = [];
  const reach = (block: MachineBlock): void => {
    if (reached[block.place] === 1) return;
    reached[block.place] = 1;
    pending.push(block);
  };
  reach(blocks[0] as MachineBlock);
  for (let block = pending.pop(); block; block = pending.pop()) {
    const { end } = block;
    if (end.kind === 'goto') reach(end.to);
    if (end.kind !== 'branch') continue;
    reach(end.no);
    reach(end.yes);
  }
  return blocks.filter(({ place }) => reached[place] === 1);
}
