import { quotedBytes } from '../../base/index.ts';
import { helperByName } from '../../uapi/index.ts';
import type { Token } from '../preprocess/token.ts';
import type { AsmOperand, Expression, Statement } from './ast.ts';
import type { Parsing } from './parsing.ts';

/** Inline assembly as GNU C writes it. What its text and constraints may say is judged where it is lowered. */

export function isAssembly(word: string): boolean {
  return word === 'asm' || word === '__asm__' || word === '__asm';
}

/** asm = 'asm' qualifier* '(' string (':' operands (':' operands (':' clobbers)?)?)? ')' ';' */
export function parseAssembly(p: Parsing): Statement {
  const at = p.next();
  for (
    let { token } = p;
    ['volatile', '__volatile__', '__volatile', 'goto', 'inline'].includes(token.text);
    { token } = p
  ) {
    if (token.text === 'goto')
      p.diagnostics.error(token, "'asm goto' cannot leave the assembly", 'jump in C on an output');
    p.next();
  }
  p.expect('(');
  const textAt = p.token;
  const text = strings(p);
  const outputs = p.accept(':') ? operands(p) : [];
  const inputs = p.accept(':') ? operands(p) : [];
  const clobbers: Token[] = [];
  if (p.accept(':')) {
    while (p.token.kind === 'string') {
      clobbers.push(p.next());
      if (!p.accept(',')) break;
    }
  }
  p.expect(')');
  p.expect(';');
  return { kind: 'asm', at, textAt, text, outputs, inputs, clobbers };
}

function strings(p: Parsing): string {
  const bytes: number[] = [];
  if (p.token.kind !== 'string') p.diagnostics.abandon(p.token, 'inline assembly is a string');
  while (p.token.kind === 'string') for (const byte of quotedBytes(p.next().text)) bytes.push(byte);
  return Buffer.from(bytes).toString();
}

/** operands = (('[' name ']')? string '(' expression ')' (',' …)*)? */
function operands(p: Parsing): AsmOperand[] {
  const list: AsmOperand[] = [];
  while (p.token.kind === 'string' || p.is('[')) {
    const name = p.accept('[') ? p.name('the name of an operand').text : undefined;
    if (name !== undefined) p.expect(']');
    const at = p.token;
    const constraint = strings(p);
    p.expect('(');
    const value = helperNumber(p) ?? p.typing.decay(p.expressions.expression());
    p.expect(')');
    // Memory has an address: its variable is in no register.
    if (/m/.test(constraint) && !/[rwg]/.test(constraint)) p.expressions.addressOf(value, at);
    list.push({ name, at, constraint, value });
    if (!p.accept(',')) break;
  }
  return list;
}

/** A helper that is only named stands for its number: `"i"(bpf_ktime_get_ns)`. */
function helperNumber(p: Parsing): Expression | undefined {
  const { token } = p;
  const helper = token.text.startsWith('bpf_') && p.peek().text === ')' ? helperByName(token.text) : undefined;
  if (!helper || p.scope.find(token.text)) return undefined;
  p.next();
  return p.typing.number(token, BigInt(helper.id));
}
