import { assemble, decode, type InstructionBody } from '../../isa/index.ts';
import type { Block, Value } from '../ir/ir.ts';
import type { ComparisonOperator, Expression, Statement, SwitchCase } from '../syntax/ast.ts';
import { isAggregate, sizeOf } from '../types/types.ts';
import type { Lowering } from './lowering.ts';

/** Statements to basic blocks. */

/** More values than this come only of a loop that was unrolled too far. */
const mostValues = 200_000;

export class StatementLowering {
  readonly #l: Lowering;
  readonly #cases = new Map<SwitchCase, Block>();

  constructor(lowering: Lowering) {
    this.#l = lowering;
  }

  lower(s: Statement): void {
    const { builder } = this.#l;
    builder.at = s.at;
    switch (s.kind) {
      case 'empty':
        return;
      case 'expression':
        this.#l.expressions.effect(s.value);
        return;
      case 'block':
        builder.inScope(() => {
          for (const one of s.body) this.#part(one);
        });
        return;
      case 'declare':
        this.#declare(s);
        return;
      case 'if':
        this.#if(s);
        return;
      case 'loop':
        builder.inScope(() => this.#loop(s));
        return;
      case 'switch':
        this.#switch(s);
        return;
      case 'case':
        // Only the switch and what falls through from above come here.
        this.#startAt(this.#cases.get(s.label) as Block);
        builder.seal(builder.current);
        this.#part(s.body);
        return;
      case 'label':
        this.#startAt(this.#label(s.name));
        this.lower(s.body);
        return;
      case 'goto':
        this.#leave(this.#label(s.label));
        return;
      case 'break':
        this.#leave(this.#l.frame.loops.at(-1)?.breakTo);
        return;
      case 'continue':
        this.#leave(this.#l.frame.loops.findLast((one) => one.continueTo)?.continueTo);
        return;
      case 'return':
        this.#return(s.value);
        return;
      case 'asm':
        this.#asm(s);
        return;
    }
  }

  /** The value of a statement expression: that of its last statement. A struct's is its address. */
  valueOf(s: Statement): Value | undefined {
    const { builder, expressions, places } = this.#l;
    if (s.kind !== 'block') return undefined;
    const last = s.body.at(-1);
    for (const one of s.body.slice(0, last?.kind === 'expression' ? -1 : undefined)) this.lower(one);
    if (last?.kind !== 'expression') return undefined;
    builder.at = last.at;
    if (last.value.type.kind === 'struct') return places.pointer(expressions.aggregate(last.value));
    if (last.value.type.kind === 'void') {
      expressions.effect(last.value);
      return undefined;
    }
    return expressions.value(last.value);
  }

  /** What follows is reached from what was before, and from wherever jumps here. */
  #startAt(block: Block): void {
    const { builder } = this.#l;
    builder.goto(block);
    builder.current = block;
  }

  /** Goes away; what is lowered next is reached by a label only. */
  #leave(to: Block | undefined): void {
    const { builder } = this.#l;
    if (to) builder.goto(to);
    const next = builder.block();
    builder.seal(next);
    builder.current = next;
  }

  #label(name: string): Block {
    const { builder, frame } = this.#l;
    let block = frame.labels.get(name);
    if (!block) {
      block = builder.block();
      frame.labels.set(name, block);
    }
    return block;
  }

  #declare(s: Extract<Statement, { kind: 'declare' }>): void {
    const { builder, places, expressions } = this.#l;
    const { variable } = s;
    const { initial } = variable;
    if (places.inRegister(variable)) {
      const value = initial?.entries.at(-1)?.value;
      const width = sizeOf(variable.type) === 8 ? 64 : 32;
      builder.write(variable, value ? expressions.value(value) : builder.constant(0n, width));
      return;
    }
    if (variable.global) return;
    const address = places.addressOf(variable);
    const only = initial?.entries[0];
    // A whole struct given as the initial value.
    if (initial?.entries.length === 1 && only && only.offset === 0 && isAggregate(only.type)) {
      if (sizeOf(only.type) === sizeOf(variable.type)) {
        places.assignAggregate(places.memory(address, variable.type), only.value);
        return;
      }
    }
    if (initial) places.initialize(address, variable.type, initial);
  }

  #if(s: Extract<Statement, { kind: 'if' }>): void {
    const { builder, expressions } = this.#l;
    const yes = builder.block();
    const join = builder.block();
    const no = s.no ? builder.block() : join;
    expressions.branch(s.test, yes, no);
    builder.seal(yes);
    builder.current = yes;
    this.#part(s.yes);
    builder.goto(join);
    if (s.no) {
      builder.seal(no);
      builder.current = no;
      this.#part(s.no);
      builder.goto(join);
    }
    builder.seal(join);
    builder.current = join;
  }

  /** A part that can never run is lowered only for the labels in it. */
  #part(s: Statement): void {
    if (this.#l.builder.dead && !hasLabel(s)) return;
    this.lower(s);
  }

  #loop(s: Extract<Statement, { kind: 'loop' }>): void {
    if (s.initial) for (const one of s.initial.kind === 'block' ? s.initial.body : [s.initial]) this.lower(one);
    const times = s.unroll < 0 ? tripCount(s, -s.unroll) : s.unroll;
    if (times > 0) this.#unrolled(s, times);
    else this.#rolled(s);
  }

  #rolled(s: Extract<Statement, { kind: 'loop' }>): void {
    const { builder, expressions, frame } = this.#l;
    const exit = builder.block();
    builder.loops++;
    const header = builder.block();
    const body = builder.block();
    const step = builder.block();
    builder.loops--;
    builder.goto(s.testLast ? body : header);
    if (!s.testLast) {
      builder.current = header;
      if (s.test) expressions.branch(s.test, body, exit);
      else builder.goto(body);
      builder.seal(body);
    }
    builder.loops++;
    builder.current = body;
    frame.loops.push({ breakTo: exit, continueTo: step });
    this.#part(s.body);
    frame.loops.pop();
    builder.goto(step);
    builder.seal(step);
    builder.current = step;
    if (s.step) expressions.effect(s.step);
    if (s.testLast) {
      if (s.test) expressions.branch(s.test, body, exit);
      else builder.goto(body);
      builder.seal(body);
      builder.seal(header);
    } else {
      builder.goto(header);
      builder.seal(header);
    }
    builder.loops--;
    builder.seal(exit);
    builder.current = exit;
  }

  /** The body again and again, while the condition is not known to be false. */
  #unrolled(s: Extract<Statement, { kind: 'loop' }>, times: number): void {
    const { builder, expressions, frame, diagnostics } = this.#l;
    const exit = builder.block();
    for (let i = 0; ; i++) {
      if (s.test && (!s.testLast || i > 0)) {
        const body = builder.block();
        expressions.branch(s.test, body, exit);
        builder.seal(body);
        builder.current = body;
      }
      if (builder.dead) break;
      if (i >= times || builder.count > mostValues) {
        diagnostics.error(s.at, 'this loop cannot be unrolled: its end is not known', 'give it a constant bound');
        break;
      }
      const step = builder.block();
      frame.loops.push({ breakTo: exit, continueTo: step });
      builder.inScope(() => this.lower(s.body));
      frame.loops.pop();
      builder.goto(step);
      builder.seal(step);
      builder.current = step;
      if (builder.dead) break;
      if (s.step) expressions.effect(s.step);
    }
    builder.goto(exit);
    builder.seal(exit);
    builder.current = exit;
  }

  #switch(s: Extract<Statement, { kind: 'switch' }>): void {
    const { builder, expressions, frame } = this.#l;
    const value = expressions.value(s.value);
    const signed = s.value.type.kind === 'int' && s.value.type.signed;
    const exit = builder.block();
    let fallback = exit;
    for (const label of s.cases) {
      const target = builder.block();
      this.#cases.set(label, target);
      if (label.low === undefined) {
        fallback = target;
        continue;
      }
      const next = builder.block();
      builder.at = s.at;
      const { width } = value;
      if (label.low === label.high)
        builder.branch('eq', value, builder.constant(label.low, width), width, target, next);
      else {
        const above = builder.block();
        builder.branch(signed ? 'sge' : 'ge', value, builder.constant(label.low, width), width, above, next);
        builder.seal(above);
        builder.current = above;
        const high = builder.constant(label.high as bigint, width);
        builder.branch(signed ? 'sle' : 'le', value, high, width, target, next);
      }
      builder.seal(next);
      builder.current = next;
    }
    builder.goto(fallback);
    this.#leave(undefined);
    frame.loops.push({ breakTo: exit, continueTo: undefined });
    this.lower(s.body);
    frame.loops.pop();
    builder.goto(exit);
    builder.seal(exit);
    builder.current = exit;
  }

  #return(value: Expression | undefined): void {
    const { builder, expressions, places, frame } = this.#l;
    if (frame.returnTo) {
      if (value?.type.kind === 'struct' && frame.result) {
        places.assignAggregate(places.memory(frame.result, value.type), value);
      } else if (value) {
        if (value.type.kind === 'void') expressions.effect(value);
        else builder.write(frame, expressions.value(value));
      }
      this.#leave(frame.returnTo);
      return;
    }
    const returned = value && value.type.kind !== 'void' ? expressions.value(value) : builder.constant(0n, 32);
    if (value?.type.kind === 'void') expressions.effect(value);
    if (!builder.current.end) builder.current.end = { kind: 'return', value: returned, at: builder.at };
    this.#leave(undefined);
  }

  /**
   * Inline assembly. An empty text hides its operands from the optimiser; one instruction in registers is put in as it
   * is, `%0` the first operand.
   */
  #asm(s: Extract<Statement, { kind: 'asm' }>): void {
    const { builder, expressions, places, diagnostics } = this.#l;
    if (s.text.trim() === '') {
      for (const output of s.outputs) {
        const tied = s.inputs.find((one) => /^\d+$/.test(one.constraint)) ?? output;
        const place = places.place(output.value);
        const value = expressions.value(tied.value);
        places.write(place, output.value.type, builder.emit('opaque', value.width, [value]));
      }
      return;
    }
    const operands = [...s.outputs, ...s.inputs];
    let parsed: InstructionBody | undefined;
    try {
      const text = s.text.replace(/%(\d+)/g, (_, n: string) => `r${Number(n) + 1}`);
      const { instructions } = decode(assemble(text).code);
      parsed = instructions.length === 1 ? instructions[0] : undefined;
    } catch {
      // The message below says what is taken.
    }
    const first = operands[0];
    if (parsed?.kind !== 'alu' || !first || s.outputs.length !== 1 || operands.length > 3) {
      diagnostics.error(s.at, 'of inline assembly, one arithmetic instruction on its operands is taken', 'say it in C');
      return;
    }
    const place = places.place(first.value);
    const readable = /^\+/.test(first.constraint) ? first : (s.inputs.find((one) => one.constraint === '0') ?? first);
    const left = expressions.value(readable.value);
    const { src, op } = parsed;
    let right: Value;
    if (src.kind === 'imm') right = builder.constant(BigInt(src.imm), left.width);
    else {
      const operand = operands[src.register - 1];
      right = operand
        ? expressions.convert(expressions.value(operand.value), operand.value.type, first.value.type)
        : left;
    }
    const known = ['add', 'sub', 'mul', 'div', 'mod', 'and', 'or', 'xor', 'lsh', 'rsh', 'arsh'] as const;
    const arithmetic = known.find((one) => one === op);
    const value = op === 'mov' ? right : arithmetic ? builder.binary(arithmetic, left, right) : left;
    places.write(place, first.value.type, builder.emit('opaque', value.width, [value]));
  }
}

const comparisons = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
} satisfies Record<ComparisonOperator, (a: bigint, b: bigint) => boolean>;

/** How often a loop that counts by a constant runs, when that is at most `most` and can be seen; else 0. */
function tripCount({ initial, test, step, testLast }: Extract<Statement, { kind: 'loop' }>, most: number): number {
  const first = initial?.kind === 'block' && initial.body.length === 1 ? initial.body[0] : undefined;
  if (testLast || first?.kind !== 'declare' || test?.kind !== 'compare' || step?.kind !== 'update') return 0;
  const start = first.variable.initial?.entries[0]?.value;
  const counts = (e: Expression): boolean =>
    e.kind === 'cast' ? counts(e.base) : e.kind === 'variable' && e.variable === first.variable;
  const { left, right, op } = test;
  const known = start?.kind === 'number' && right.kind === 'number' && step.right.kind === 'number';
  if (!known || !counts(left) || !counts(step.left) || (step.op !== '+' && step.op !== '-')) return 0;
  const by = step.op === '+' ? step.right.value : -step.right.value;

  const goesOn = (value: bigint): boolean => comparisons[op](value, right.value);
  let times = 0;
  for (let value = start.value; goesOn(value) && times <= most; value += by) times++;
  return times > most ? 0 : times;
}

/** Whether anything can jump into a statement. @param cases its own case labels count: its switch is around it */
function hasLabel(s: Statement, cases = true): boolean {
  switch (s.kind) {
    case 'label':
      return true;
    case 'case':
      return cases || hasLabel(s.body, cases);
    case 'block':
      return s.body.some((one) => hasLabel(one, cases));
    case 'if':
      return hasLabel(s.yes, cases) || (s.no !== undefined && hasLabel(s.no, cases));
    case 'loop':
      return hasLabel(s.body, cases);
    case 'switch':
      return hasLabel(s.body, false);
    default:
      return false;
  }
}
