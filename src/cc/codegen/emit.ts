import { type InstructionBody, type JumpOperation, type Register, slotsOf } from '../../isa/index.ts';
import { inverse } from '../ir/ir.ts';
import type { Token } from '../preprocess/token.ts';
import { type MachineBlock, type MachineFunction, machineSuccessors } from './machine.ts';

/** Blocks to a row of instructions: order, jumps and their distances. */
export interface Emitted {
  readonly instructions: InstructionBody[];
  /** Where each instruction comes from. */
  readonly at: Token[];
  readonly relocations: { readonly index: number; readonly map: string; readonly offset: number | undefined }[];
  readonly calls: { readonly index: number; readonly callee: string }[];
}

interface Row {
  body: InstructionBody;
  readonly at: Token;
  /** The block that a jump goes to. */
  readonly to?: MachineBlock;
  readonly relocation?: { readonly map: string; readonly offset: number | undefined } | undefined;
  readonly callee?: string | undefined;
}

export function emitFunction(f: MachineFunction): Emitted {
  skipEmptyBlocks(f);
  const order = layOut(f);
  const rows: Row[] = [];
  const starts = new Map<MachineBlock, number>();
  for (const [i, block] of order.entries()) {
    starts.set(block, rows.length);
    for (const machine of block.code) {
      const made = machine.make(machine.def as Register, machine.uses as Register[]);
      for (const body of 'kind' in made ? [made] : made) {
        rows.push({ body, at: machine.at, relocation: machine.relocation, callee: machine.callee });
      }
    }
    endBlock(block, order[i + 1], rows);
  }
  return finish(rows, starts);
}

function finish(rows: readonly Row[], starts: ReadonlyMap<MachineBlock, number>): Emitted {
  const slots: number[] = [];
  let slot = 0;
  for (const row of rows) {
    slots.push(slot);
    slot += slotsOf(row.body);
  }
  slots.push(slot);
  const emitted: Emitted = { instructions: [], at: [], relocations: [], calls: [] };
  for (const [i, row] of rows.entries()) {
    let { body } = row;
    if (row.to && (body.kind === 'jump' || body.kind === 'goto')) {
      const offset = (slots[starts.get(row.to) as number] as number) - (slots[i] as number) - 1;
      body = { ...body, offset };
    }
    emitted.instructions.push(body);
    emitted.at.push(row.at);
    if (row.relocation) emitted.relocations.push({ index: i, ...row.relocation });
    if (row.callee !== undefined) emitted.calls.push({ index: i, callee: row.callee });
  }
  return emitted;
}

function endBlock(block: MachineBlock, next: MachineBlock | undefined, rows: Row[]): void {
  const { end } = block;
  if (end.kind === 'exit') {
    rows.push({ body: { kind: 'exit' }, at: end.at });
    return;
  }
  const last = rows.at(-1)?.at;
  const goto = (to: MachineBlock, at: Token | undefined): void => {
    if (to !== next) rows.push({ body: { kind: 'goto', long: false, offset: 0 }, at: at as Token, to });
  };
  if (end.kind === 'goto') {
    goto(end.to, last ?? firstToken(block));
    return;
  }
  const flipped = inverse[end.condition];
  const jump = (op: JumpOperation, to: MachineBlock): void => {
    const src =
      'imm' in end.right
        ? ({ kind: 'imm', imm: end.right.imm } as const)
        : ({ kind: 'register', register: end.right.register as Register } as const);
    rows.push({
      body: { kind: 'jump', op, width: end.width, dst: end.left as Register, src, offset: 0 },
      at: end.at,
      to,
    });
  };
  if (end.yes === next && flipped) jump(flipped, end.no);
  else {
    jump(end.condition, end.yes);
    goto(end.no, end.at);
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

/** The way on after a block stands right behind it where that can be. */
function layOut(f: MachineFunction): MachineBlock[] {
  const order: MachineBlock[] = [];
  const placed = new Set<MachineBlock>();
  const reached = reachable(f.blocks[0] as MachineBlock);
  for (const start of f.blocks) {
    let at: MachineBlock | undefined = start;
    while (at && !placed.has(at) && reached.has(at)) {
      placed.add(at);
      order.push(at);
      at = machineSuccessors(at).find((next) => !placed.has(next));
    }
  }
  return order;
}

function reachable(entry: MachineBlock): Set<MachineBlock> {
  const seen = new Set([entry]);
  for (const block of seen) for (const next of machineSuccessors(block)) seen.add(next);
  return seen;
}
