import { assemble, decode, type InstructionBody } from '../../isa/index.ts';
import type { Value } from '../ir/ir.ts';
import type { Statement } from '../syntax/ast.ts';
import type { Lowering } from './lowering.ts';

/**
 * Inline assembly. An empty text hides its operands from the optimiser; one instruction in registers is put in as it
 * is, `%0` the first operand.
 */
export function lowerAssembly(l: Lowering, s: Extract<Statement, { kind: 'asm' }>): void {
  const { builder, expressions, places, diagnostics } = l;
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
