import { InputError } from '../../base/index.ts';
import { assemble, decode, type Instruction, type InstructionBody, type Register } from '../../isa/index.ts';
import { helperByName, helperNames } from '../../uapi/index.ts';
import type { Value } from '../ir/ir.ts';
import type { AsmOperand, Statement } from '../syntax/ast.ts';
import { type CType, isScalar, printCType, sizeOf, types } from '../types/types.ts';
import type { Lowering } from './lowering.ts';
import type { Place } from './places.ts';

/**
 * Inline assembly: its operands get registers, the text is assembled with those, and the instructions go into the
 * program as they are. An empty text only hides its operands from the optimiser.
 */
type Assembly = Extract<Statement, { kind: 'asm' }>;

interface Bound {
  readonly operand: AsmOperand;
  /** The register that stands for it in the text; none for an immediate. */
  readonly register: Register | undefined;
  readonly immediate: bigint | undefined;
  /** It stands for memory: `(r1 + 0)`. */
  readonly memory: boolean;
  readonly output: boolean;
  /** Of an output: what it holds before, as an index into the inputs, or its own old value. */
  readonly reads: boolean;
  readonly tiedTo: number | undefined;
}

export function lowerAssembly(l: Lowering, s: Assembly): void {
  if (s.text.trim() === '') {
    hide(l, s);
    return;
  }
  const named = literalRegisters(s.text);
  if (!clobbersFit(l, s) || !namesFit(l, s, named)) return;
  const operands = bind(l, s, named);
  const bodies = operands && bodiesOf(l, s, operands);
  if (!operands || !bodies) return;
  emit(l, s, operands, bodies, named);
}

/** An empty text: each output is its old value, or the input that it is tied to. */
function hide(l: Lowering, s: Assembly): void {
  const { builder, expressions, places } = l;
  for (const output of s.outputs) {
    const tied = s.inputs.find((one) => /^\d+$/.test(one.constraint)) ?? output;
    const place = places.place(output.value);
    const value = expressions.value(tied.value);
    places.write(place, output.value.type, builder.emit('opaque', value.width, [value]));
  }
}

/** The registers that a text names itself; the frame pointer is nobody's. */
function literalRegisters(text: string): ReadonlySet<number> {
  const found = [...text.matchAll(/(?<![\w%[])[rw](\d+)\b/g)].map((match) => Number(match[1]));
  return new Set(found.filter((one) => one !== 10));
}

const keeping = 'r6 to r9 hold what the compiler keeps; use r0 to r5, or an operand';

function clobbersFit(l: Lowering, s: Assembly): boolean {
  for (const token of s.clobbers) {
    const name = token.text.slice(1, -1);
    if (/^(memory|cc|[rw][0-5])$/.test(name)) continue;
    if (/^[rw][6-9]$/.test(name)) l.diagnostics.error(token, `'${name}' cannot be clobbered`, keeping);
    else
      l.diagnostics.error(token, `unknown register name '${name}' in asm`, "clobbers are 'memory', 'cc', and r0 to r5");
    return false;
  }
  return true;
}

function namesFit(l: Lowering, s: Assembly, named: ReadonlySet<number>): boolean {
  const taken = [...named].find((one) => one > 5);
  if (taken === undefined) return true;
  l.diagnostics.error(s.textAt, `inline assembly cannot name r${taken}`, taken < 10 ? keeping : 'BPF has r0 to r10');
  return false;
}

/** Gives each operand its register. */
function bind(l: Lowering, s: Assembly, named: ReadonlySet<number>): Bound[] | undefined {
  const free = ([1, 2, 3, 4, 5, 0] as const).filter((one) => !named.has(one));
  const bound: Bound[] = [];
  for (const [i, operand] of [...s.outputs, ...s.inputs].entries()) {
    const output = i < s.outputs.length;
    const one = output ? outputOf(l, operand, free) : inputOf(l, operand, free, bound);
    if (!one) return undefined;
    bound.push(one);
  }
  return bound;
}

function outputOf(l: Lowering, operand: AsmOperand, free: Register[]): Bound | undefined {
  const match = /^([=+])&?([rwmg]+)$/.exec(operand.constraint.replaceAll(',', ''));
  if (!match) return badConstraint(l, operand, "an output is '=r', '+r', '=w', '+w', '=m' or '+m'");
  const [, way, kinds = ''] = match;
  const memory = !/[rwg]/.test(kinds);
  if (!memory && !fitsRegister(l, operand)) return undefined;
  const register = nextRegister(l, operand, free);
  if (register === undefined) return undefined;
  return { operand, register, immediate: undefined, memory, output: true, reads: way === '+', tiedTo: undefined };
}

function inputOf(l: Lowering, operand: AsmOperand, free: Register[], before: readonly Bound[]): Bound | undefined {
  const { constraint, value } = operand;
  const plain = {
    operand,
    immediate: undefined,
    memory: false,
    output: false,
    reads: true,
    tiedTo: undefined,
  } as const;
  if (/^(\d+|\[\w+\])$/.test(constraint)) {
    const index = before.findIndex(
      (one, i) => one.output && (`${i}` === constraint || `[${one.operand.name}]` === constraint),
    );
    const to = before[index];
    if (!to || to.memory) return badConstraint(l, operand, `'${constraint}' must name an output in a register`);
    return { ...plain, register: to.register, tiedTo: index };
  }
  if (!/^[rwinmgI,]+$/.test(constraint)) {
    return badConstraint(l, operand, "an input is 'r', 'w', 'i', 'm', or the number of an output");
  }
  const constant = value.kind === 'number' && /[ingI]/.test(constraint) ? BigInt.asIntN(64, value.value) : undefined;
  const short = constant !== undefined && constant === BigInt.asIntN(32, constant);
  if (constant !== undefined && (short || !/[rwg]/.test(constraint)))
    return { ...plain, register: undefined, immediate: constant };
  if (!/[rwgm]/.test(constraint))
    return badConstraint(l, operand, 'the value of an immediate operand must be a constant');
  const memory = !/[rwg]/.test(constraint);
  if (!memory && !fitsRegister(l, operand)) return undefined;
  const register = nextRegister(l, operand, free);
  return register === undefined ? undefined : { ...plain, register, memory };
}

function badConstraint(l: Lowering, operand: AsmOperand, hint: string): undefined {
  l.diagnostics.error(operand.at, `invalid constraint '${operand.constraint}' in asm`, hint);
}

function fitsRegister(l: Lowering, { at, value }: AsmOperand): boolean {
  if (isScalar(value.type)) return true;
  l.diagnostics.error(at, `a value of type '${printCType(value.type)}' does not fit a register`, 'pass its address');
  return false;
}

function nextRegister(l: Lowering, operand: AsmOperand, free: Register[]): Register | undefined {
  const register = free.shift();
  if (register === undefined) {
    l.diagnostics.error(
      operand.at,
      'inline assembly has r0 to r5 for its operands and what it names itself',
      'split it up',
    );
  }
  return register;
}

/** The instructions, with the operands in place. */
function bodiesOf(l: Lowering, s: Assembly, operands: readonly Bound[]): readonly InstructionBody[] | undefined {
  let missing: string | undefined;
  const spelled = (letter: string, name: string): string => {
    const one = operands.find(({ operand }, i) => (/^\d/.test(name) ? `${i}` === name : `[${operand.name}]` === name));
    if (!one) missing ??= name;
    if (one?.immediate !== undefined) return `${one.immediate}`;
    if (one?.memory) return `(r${one.register} + 0)`;
    return `${letter === 'w' ? 'w' : 'r'}${one?.register ?? 0}`;
  };
  const text = s.text
    .replace(/%=/g, '0')
    .replace(/%([wl]?)(\d+|\[\w+\])/g, (_, letter: string, name: string) => spelled(letter, name))
    .replaceAll('%%', '%')
    .replace(/[;\n]+/g, '\n');
  if (missing !== undefined) {
    l.diagnostics.error(s.textAt, `inline assembly names the operand '%${missing}', and there is none`);
    return undefined;
  }
  try {
    const helper = (name: string): number | undefined => helperByName(name)?.id;
    const assembled = assemble(text, { helper, helperNames });
    if (assembled.relocations.length > 0) {
      l.diagnostics.error(
        s.textAt,
        'inline assembly cannot name a table',
        'pass its address as an operand: "r"(&table)',
      );
      return undefined;
    }
    const { instructions } = decode(assembled.code);
    return staysInside(l, s, instructions) ? instructions : undefined;
  } catch (fault) {
    if (!(fault instanceof InputError)) throw fault;
    const line = text.split('\n')[(fault.at?.line ?? 1) - 1]?.trim();
    const hint = fault.hint ?? (fault.expected === undefined ? undefined : `expected ${fault.expected}`);
    l.diagnostics.error(s.textAt, `in the assembly '${line}': ${fault.message}`, hint);
    return undefined;
  }
}

function staysInside(l: Lowering, s: Assembly, bodies: readonly Instruction[]): boolean {
  const last = bodies.at(-1);
  const end = last ? last.slot + (last.kind === 'loadImm64' ? 2 : 1) : 0;
  for (const body of bodies) {
    if (body.kind === 'callx' || (body.kind === 'call' && body.target === 'local')) {
      l.diagnostics.error(s.textAt, 'inline assembly can call helpers only', 'call the function in C');
      return false;
    }
    if (body.kind !== 'jump' && body.kind !== 'goto' && body.kind !== 'mayGoto') continue;
    const target = body.slot + 1 + body.offset;
    if (target >= 0 && target <= end) continue;
    l.diagnostics.error(s.textAt, 'a jump leaves the inline assembly', 'jump in C on an output');
    return false;
  }
  return true;
}

/** An operand's value as the 64 bits of a register, by the sign of its type. */
function wide(l: Lowering, { value }: AsmOperand): Value {
  return l.expressions.convert(l.expressions.value(value), value.type, types.long);
}

function emit(
  l: Lowering,
  s: Assembly,
  operands: readonly Bound[],
  bodies: readonly InstructionBody[],
  named: ReadonlySet<number>,
): void {
  const { builder, places } = l;
  const written: { place: Place; type: CType; register: Register }[] = [];
  const args: Value[] = [];
  const argRegisters: Register[] = [];
  const take = (value: Value, register: Register): void => {
    args.push(value);
    argRegisters.push(register);
  };
  for (const [i, one] of operands.entries()) {
    const { operand, register } = one;
    if (register === undefined) continue;
    if (one.memory) take(places.pointer(places.memoryPlace(operand.value)), register);
    else if (one.output) {
      written.push({ place: places.place(operand.value), type: operand.value.type, register });
      if (one.reads && !operands.some((other) => other.tiedTo === i)) take(wide(l, operand), register);
    } else take(wide(l, operand), register);
  }
  builder.at = s.at;
  // What the output changes comes first.
  const tied = argRegisters.indexOf(written[0]?.register as Register);
  if (tied > 0) {
    args.unshift(...args.splice(tied, 1));
    argRegisters.unshift(...argRegisters.splice(tied, 1));
  }
  const outputs = written.map((one) => one.register);
  const calls = bodies.some((body) => body.kind === 'call');
  const assembly = { bodies, outputs, inputs: argRegisters, pinned: calls || named.size > 0 || outputs.length > 1 };
  const made = builder.emit('asm', 64, args, { assembly });
  const results = assembly.pinned
    ? written.map((_, i) => builder.emit('asmResult', 64, [made], { imm: i }))
    : written.map(() => made);
  for (const [i, { place, type }] of written.entries()) {
    const value = results[i] as Value;
    const cut = sizeOf(type) === 8 ? value : builder.trunc(value);
    places.write(place, type, l.expressions.extend(cut, type));
  }
}
