import type { Block, Value } from '../ir/ir.ts';
import type { Expression, Statement, SwitchCase } from '../syntax/ast.ts';
import { lastValue } from '../syntax/parts.ts';
import { isAggregate, sizeOf } from '../types/types.ts';
import { lowerAssembly } from './assembly.ts';
import type { Lowering } from './lowering.ts';

type If = Extract<Statement, { kind: 'if' }>;

/** Statements to basic blocks; loops stand in loops.ts, inline assembly in assembly.ts. */
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
          for (const one of s.body) this.part(one);
        });
        return;
      case 'declare':
        this.#declare(s);
        return;
      case 'if':
        this.#if(s);
        return;
      case 'loop':
        builder.inScope(() => this.#l.loops.lower(s));
        return;
      case 'switch':
        this.#switch(s);
        return;
      case 'case':
        // Only the switch and what falls through from above come here.
        this.#startAt(this.#cases.get(s.label) as Block);
        builder.seal(builder.current);
        this.part(s.body);
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
        lowerAssembly(this.#l, s);
        return;
    }
  }

  /** The value of a statement expression: that of its last statement. A struct's is its address. */
  valueOf(s: Statement): Value | undefined {
    const { builder, expressions, places } = this.#l;
    if (s.kind !== 'block') return undefined;
    let last = s.body.at(-1);
    const value = lastValue(last);
    for (const one of s.body.slice(0, value ? -1 : undefined)) this.lower(one);
    if (!value) return undefined;
    for (; last?.kind === 'label'; last = last.body) this.#startAt(this.#label(last.name));
    builder.at = value.at;
    if (value.type.kind === 'struct') return places.pointer(this.#l.aggregates.place(value));
    if (value.type.kind === 'void') {
      expressions.effect(value);
      return undefined;
    }
    return expressions.value(value);
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

  #if(first: If): void {
    const { builder, expressions } = this.#l;
    const joins: Block[] = [];
    // One loop for a chain of `else if`, which may be long.
    for (let s: If | undefined = first; s; ) {
      const { no: other } = s as If;
      builder.at = s.at;
      const yes = builder.block();
      const join = builder.block();
      const no = other ? builder.block() : join;
      expressions.branch(s.test, yes, no);
      builder.seal(yes);
      builder.current = yes;
      this.part(s.yes);
      builder.goto(join);
      joins.push(join);
      if (!other) break;
      builder.seal(no);
      builder.current = no;
      s = other.kind === 'if' && !this.#isDead(other) ? other : undefined;
      if (!s) this.part(other);
      if (!s) builder.goto(join);
    }
    for (const [i, join] of joins.reverse().entries()) {
      if (i > 0) builder.goto(join);
      builder.seal(join);
      builder.current = join;
    }
  }

  /** A part that can never run is lowered only for the labels in it. */
  part(s: Statement): void {
    if (!this.#isDead(s)) this.lower(s);
  }

  #isDead(s: Statement): boolean {
    return this.#l.builder.dead && !hasLabel(s);
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
