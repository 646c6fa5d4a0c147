import type { InstructionBody, Register } from '../../isa/index.ts';
import { commutative } from '../ir/fold.ts';
import { type Assembly, type Block, countUses, type IrFunction, resolve, type Value } from '../ir/ir.ts';
import type { Token } from '../preprocess/token.ts';
import { aluImmediate, aluRegister, immediateOf, load, operand, renamed } from './bodies.ts';
import { lowOnlyTruncations } from './low-halves.ts';
import type { MachineBlock, MachineFunction } from './machine.ts';
import { Operands } from './operands.ts';
import { hiddenUpperHalves } from './upper-halves.ts';

/**
 * Instruction selection: each SSA value becomes BPF instructions on virtual registers. `zext` is nothing at all, and so
 * is `trunc` where only low halves are looked at.
 */
export function selectInstructions(f: IrFunction, frame: number): MachineFunction {
  return new Selector(f, frame).run();
}

class Selector extends Operands {
  readonly #f: IrFunction;
  readonly #blocks: MachineBlock[] = [];
  readonly #lowOnly: Set<Value>;
  readonly #hidden: Set<Value>;
  /** Where the ways into a block leave what its phis will be, where they may not write to those yet. */
  readonly #phiCopies = new Map<Value, number>();
  readonly #frame: number;

  constructor(f: IrFunction, frame: number) {
    super((f.blocks[0]?.values[0] ?? f.blocks.flatMap((block) => block.values)[0])?.at as Token);
    this.#f = f;
    this.#frame = frame;
    this.#lowOnly = lowOnlyTruncations(f);
    this.#hidden = hiddenUpperHalves(f);
    countUses(f);
    // Those of another frame, in which there was not room for all.
    for (const { phis, values } of f.blocks) {
      for (const phi of phis) phi.register = -1;
      for (const value of values) value.register = -1;
    }
  }

  run(): MachineFunction {
    const { blocks } = this.#f;
    for (const [place, block] of blocks.entries()) {
      block.place = place;
      this.#blocks.push({ place, code: [], end: { kind: 'exit', at: this.at }, loops: block.loops });
      for (const phi of block.phis) this.result(phi);
    }
    for (const block of blocks)
      if (this.#mixes(block)) for (const phi of block.phis) this.#phiCopies.set(phi, this.next++);
    this.code = (this.#blocks[0] as MachineBlock).code;
    this.#saveArguments();
    for (const block of blocks) this.#block(block);
    return { name: this.#f.name, blocks: this.#blocks, registers: this.next, frame: this.#frame };
  }

  /** Whether a phi becomes what another one of its block was: they may not be written one after the other then. */
  #mixes({ phis }: Block): boolean {
    if (phis.length < 2) return false;
    for (const phi of phis) {
      for (const arg of phi.args) {
        const source = this.#withoutNarrowing(arg);
        if (source.op === 'phi' && source !== phi && source.block === phi.block) return true;
      }
    }
    return false;
  }

  /** The value whose register an operand shares. */
  #withoutNarrowing(valueIn: Value): Value {
    let value = resolve(valueIn);
    while (value.op === 'zext' || value.op === 'trunc') value = resolve(value.args[0] as Value);
    return value;
  }

  /** Arguments are saved first: what follows may call. */
  #saveArguments(): void {
    const saved: number[] = [];
    for (const { values } of this.#f.blocks) {
      for (const value of values) {
        if (value.op !== 'parameter') continue;
        this.at = value.at;
        saved[value.imm] ??= this.copy(value.imm + 1);
        value.register = saved[value.imm] as number;
      }
    }
  }

  #block(block: Block): void {
    const made = this.#blocks[block.place] as MachineBlock;
    this.code = made.code;
    for (const phi of block.phis) {
      const copy = this.#phiCopies.get(phi);
      this.at = phi.at;
      if (copy !== undefined) this.move(phi.register, copy);
    }
    for (const value of block.values) {
      this.at = value.at;
      this.#value(value);
      if (this.#hidden.has(value)) {
        this.tied(this.register(value), [], (def) => aluRegister('mov', 32, def, def));
      }
    }
    this.#end(block, made);
  }

  #end(block: Block, made: MachineBlock): void {
    const { end } = block;
    if (end?.kind === 'goto') {
      const index = end.to.preds.indexOf(block);
      for (const phi of end.to.phis) this.into(this.#phiCopies.get(phi) ?? phi.register, phi.args[index] as Value);
      made.end = { kind: 'goto', to: this.#blocks[end.to.place] as MachineBlock };
    } else if (end?.kind === 'branch') {
      this.at = end.at;
      const left = this.register(end.left);
      const source = resolve(end.right);
      const imm = source.op === 'const' ? immediateOf(source, end.width) : undefined;
      const right = imm === undefined ? { register: this.register(end.right) } : { imm };
      const yes = this.#blocks[end.yes.place] as MachineBlock;
      const no = this.#blocks[end.no.place] as MachineBlock;
      made.end = { kind: 'branch', condition: end.condition, width: end.width, left, right, yes, no, at: end.at };
    } else {
      const at = end?.kind === 'return' ? end.at : this.at;
      this.at = at;
      if (end?.kind === 'return') this.into(0, end.value);
      else this.emit(0, [], (def) => aluImmediate('mov', 64, def, 0));
      made.end = { kind: 'exit', at };
    }
  }

  #value(value: Value): void {
    switch (value.op) {
      case 'const':
      case 'stack':
      case 'map':
      case 'data':
      case 'function':
      case 'parameter':
      case 'phi':
        return;
      case 'zext':
        value.register = this.register(value.args[0] as Value);
        return;
      case 'trunc':
        this.#trunc(value);
        return;
      case 'sext':
        this.#sext(value);
        return;
      case 'swap': {
        const to = this.start(value, value.args[0] as Value);
        const bits = value.imm as 16 | 32 | 64;
        this.tied(to, [], (dst) => ({ kind: 'endian', op: 'be', bits, dst }));
        return;
      }
      case 'asm':
        this.#assembly(value, value.assembly as Assembly);
        return;
      case 'asmResult': {
        const from = value.args[0]?.assembly?.outputs[value.imm] as Register;
        this.move(this.result(value), from);
        return;
      }
      case 'opaque':
        this.start(value, value.args[0] as Value);
        return;
      case 'compare':
        this.#compare(value);
        return;
      case 'load': {
        const { base, offset } = this.place(value);
        const { size } = value;
        this.emit(this.result(value), [base], (dst, uses) => load(dst, uses[0] as Register, offset, size));
        return;
      }
      case 'store':
        this.#store(value);
        return;
      case 'atomic':
        this.#atomic(value);
        return;
      case 'helper':
      case 'call':
        this.#call(value);
        return;
      case 'packet':
        this.#packet(value);
        return;
      default:
        this.#arithmetic(value);
    }
  }

  #assembly(value: Value, { bodies, outputs, inputs, pinned }: Assembly): void {
    const [output] = outputs;
    if (pinned) {
      for (const [i, arg] of value.args.entries()) this.into(inputs[i] as Register, arg);
      // Nothing is in a mere output before; the allocator is told that it begins here.
      for (const one of outputs) if (!inputs.includes(one)) this.emit(one, [], () => []);
      this.emit(-1, [...inputs], () => bodies).call = true;
      return;
    }
    if (output !== undefined && inputs[0] === output) {
      const others = value.args.slice(1).map((arg) => this.register(arg));
      const to = this.start(value, value.args[0] as Value);
      this.tied(to, others, (def, uses) => renamed(bodies, inputs, [def, ...uses.slice(1)]));
      return;
    }
    const uses = value.args.map((arg) => this.register(arg));
    if (output === undefined) this.emit(-1, uses, (_, given) => renamed(bodies, inputs, given));
    else {
      const make = (def: Register, given: readonly Register[]): InstructionBody[] =>
        renamed(bodies, [output, ...inputs], [def, ...given]);
      this.emit(this.result(value), uses, make).early = true;
    }
  }

  #trunc(value: Value): void {
    const source = this.register(value.args[0] as Value);
    if (this.#lowOnly.has(value)) {
      value.register = source;
      return;
    }
    this.emit(this.result(value), [source], (def, uses) => aluRegister('mov', 32, def, uses[0] as Register));
  }

  #sext(value: Value): void {
    const to = this.start(value, value.args[0] as Value);
    this.tied(to, [], (def) => aluImmediate('lsh', 64, def, 32));
    this.tied(to, [], (def) => aluImmediate('arsh', 64, def, 32));
  }

  #arithmetic(value: Value): void {
    const { width } = value;
    let left = resolve(value.args[0] as Value);
    let right = resolve(value.args[1] as Value);
    const op: string = value.op;
    const isSwappable = commutative.has(op);
    // The operand that is not wanted any more is the one to change.
    const keepsLeft = left.uses > 1 && right.uses === 1 && !isStep(value, left);
    if (isSwappable && right.op !== 'const' && keepsLeft && left.op !== 'stack') [left, right] = [right, left];
    if (op === 'sub' && left.op === 'const' && left.constant === 0n) {
      const to = this.start(value, right);
      this.tied(to, [], (dst) => ({ kind: 'neg', width, dst }));
      return;
    }
    const imm = right.op === 'const' ? immediateOf(right, width) : undefined;
    if (imm !== undefined) {
      const to = this.start(value, left);
      const asAdd = op === 'sub' && imm !== -2147483648;
      this.tied(to, [], (def) =>
        asAdd ? aluImmediate('add', width, def, -imm) : aluImmediate(op as 'add', width, def, imm),
      );
      return;
    }
    const other = this.register(right);
    const to = this.start(value, left);
    this.tied(to, [other], (def, uses) => aluRegister(op as 'add', width, def, uses[1] as Register));
  }

  /** `to = 1; if (…) goto +1; to = 0` */
  #compare(value: Value): void {
    const [left, right] = value.args.map(resolve) as [Value, Value];
    const { width } = left;
    const a = this.register(left);
    const imm = right.op === 'const' ? immediateOf(right, width) : undefined;
    const b = imm === undefined ? this.register(right) : undefined;
    const to = this.result(value);
    const { condition: op } = value;
    this.emit(to, b === undefined ? [a] : [a, b], (def, uses) => [
      aluImmediate('mov', 64, def, 1),
      { kind: 'jump', op, width, dst: uses[0] as Register, src: operand(imm, uses[1]), offset: 1 },
      aluImmediate('mov', 64, def, 0),
    ]).early = true;
  }

  #store(value: Value): void {
    const { base, offset } = this.place(value);
    const source = resolve(value.args[1] as Value);
    const { size } = value;
    const imm = source.op === 'const' ? immediateOf(source, size === 8 ? 64 : 32) : undefined;
    const uses = imm === undefined ? [base, this.register(source)] : [base];
    this.emit(-1, uses, (_, [at, from]) => ({
      kind: 'store',
      size,
      base: at as Register,
      offset,
      src: operand(imm, from),
    }));
  }

  #atomic(value: Value): void {
    const { base, offset } = this.place(value);
    const { size, atomic: op } = value;
    const make = (at: Register, src: Register): InstructionBody => ({
      kind: 'atomic',
      op,
      src,
      size,
      base: at,
      offset,
    });
    if (op === 'cmpxchg') {
      const fresh = this.register(value.args[1] as Value);
      this.into(0, value.args[2] as Value);
      this.emit(0, [0, base, fresh], (_, uses) => make(uses[1] as Register, uses[2] as Register)).tied = true;
      this.move(this.result(value), 0);
      return;
    }
    const fetches = op.startsWith('fetch') || op === 'xchg';
    if (!fetches) {
      this.emit(-1, [base, this.register(value.args[1] as Value)], (_, uses) =>
        make(uses[0] as Register, uses[1] as Register),
      );
      return;
    }
    const to = this.start(value, value.args[1] as Value);
    this.tied(to, [base], (def, uses) => make(uses[1] as Register, def));
  }

  #call(value: Value): void {
    const args = value.args.map(resolve);
    // Arguments that need instructions of their own are made before any goes into its register.
    args.forEach((arg, i) => {
      this.into(i + 1, arg);
    });
    const uses = args.map((_, i) => i + 1);
    const { imm } = value;
    const target = value.op === 'helper' ? 'helper' : 'local';
    const machine = this.emit(0, uses, () => ({ kind: 'call', target, imm, offset: 0 }));
    machine.call = true;
    machine.callee = value.callee;
    if (value.uses > 0) this.move(this.result(value), 0);
  }

  /** Classic packet loads take the context in r6 and give r0. */
  #packet(value: Value): void {
    const [context, index] = value.args.map(resolve) as [Value, Value];
    const size = value.size as 1 | 2 | 4;
    const imm = index.op === 'const' ? immediateOf(index, 64) : undefined;
    const by = imm === undefined ? this.register(index) : undefined;
    this.into(6, context);
    const machine = this.emit(0, by === undefined ? [6] : [6, by], (_, uses) => ({
      kind: 'loadPacket',
      size,
      index: by === undefined ? null : (uses[1] as Register),
      imm: imm ?? 0,
    }));
    machine.call = true;
    this.move(this.result(value), 0);
  }
}

/** Whether a value is what an operand of it will be next: `i += n` in a loop. */
function isStep(value: Value, operand: Value): boolean {
  return operand.op === 'phi' && operand.args.includes(value);
}
