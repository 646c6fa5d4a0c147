import type { InstructionBody, Register } from '../../isa/index.ts';
import { type Assembly, type Block, type IrFunction, resolve, type Value } from '../ir/ir.ts';
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
  readonly #blocks = new Map<Block, MachineBlock>();
  readonly #lowOnly: Set<Value>;
  readonly #hidden: Set<Value>;
  readonly #useCounts = new Map<Value, number>();
  readonly #phiCopies = new Map<Value, number>();
  readonly #frame: number;

  constructor(f: IrFunction, frame: number) {
    super((f.blocks[0]?.values[0] ?? f.blocks.flatMap((block) => block.values)[0])?.at as Token);
    this.#f = f;
    this.#frame = frame;
    this.#lowOnly = lowOnlyTruncations(f);
    this.#hidden = hiddenUpperHalves(f);
    for (const block of f.blocks) {
      for (const value of block.values) {
        for (const arg of value.args) {
          const source = resolve(arg);
          this.#useCounts.set(source, (this.#useCounts.get(source) ?? 0) + 1);
        }
      }
    }
  }

  run(): MachineFunction {
    const { blocks } = this.#f;
    for (const block of blocks) {
      const made: MachineBlock = {
        id: block.id,
        code: [],
        end: { kind: 'exit', at: this.at },
        preds: [],
        loops: block.loops,
      };
      this.#blocks.set(block, made);
      for (const phi of block.phis) {
        this.registers.set(phi, this.next++);
        this.#phiCopies.set(phi, this.next++);
      }
    }
    for (const block of blocks) this.#block(block);
    const list = blocks.map((block) => this.#blocks.get(block) as MachineBlock);
    return { name: this.#f.name, blocks: list, registers: this.next, frame: this.#frame };
  }

  #block(block: Block): void {
    const made = this.#blocks.get(block) as MachineBlock;
    this.code = made.code;
    made.preds = block.preds.map((pred) => this.#blocks.get(pred) as MachineBlock);
    if (block === this.#f.entry) {
      // Arguments are saved first: what follows may call.
      for (const value of this.#f.blocks.flatMap((one) => one.values)) {
        if (value.op !== 'parameter' || this.registers.has(value)) continue;
        this.at = value.at;
        const same = [...this.registers].find(([other]) => other.op === 'parameter' && other.imm === value.imm);
        this.registers.set(value, same ? same[1] : this.copy(value.imm + 1));
      }
    }
    for (const phi of block.phis) {
      this.at = phi.at;
      this.move(this.registers.get(phi) as number, this.#phiCopies.get(phi) as number);
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
      for (const phi of end.to.phis) this.into(this.#phiCopies.get(phi) as number, phi.args[index] as Value);
      made.end = { kind: 'goto', to: this.#blocks.get(end.to) as MachineBlock };
    } else if (end?.kind === 'branch') {
      this.at = end.at;
      const left = this.register(end.left);
      const source = resolve(end.right);
      const imm = source.op === 'const' ? immediateOf(source, end.width) : undefined;
      const right = imm === undefined ? { register: this.register(end.right) } : { imm };
      const [yes, no] = [end.yes, end.no].map((to) => this.#blocks.get(to) as MachineBlock) as [
        MachineBlock,
        MachineBlock,
      ];
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
      case 'parameter':
      case 'phi':
        return;
      case 'zext':
        this.registers.set(value, this.register(value.args[0] as Value));
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
      this.registers.set(value, source);
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
    let [left, right] = value.args.map(resolve) as [Value, Value];
    const op: string = value.op;
    const isSwappable = ['add', 'mul', 'and', 'or', 'xor'].includes(op);
    // The operand that is not wanted any more is the one to change.
    const keepsLeft = (this.#useCounts.get(left) ?? 0) > 1 && (this.#useCounts.get(right) ?? 0) === 1;
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
    if ((this.#useCounts.get(value) ?? 0) > 0 || this.#endsWith(value)) this.move(this.result(value), 0);
    else this.result(value);
  }

  /** A value that only the end of a block or a phi uses. */
  #endsWith(value: Value): boolean {
    return this.#f.blocks.some((block) => {
      const { end } = block;
      if (block.phis.some((phi) => phi.args.some((arg) => resolve(arg) === value))) return true;
      if (end?.kind === 'return') return resolve(end.value) === value;
      return end?.kind === 'branch' && (resolve(end.left) === value || resolve(end.right) === value);
    });
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
