import { helperByName } from '../../uapi/index.ts';
import { helperPrototype } from '../dialect/helper-prototypes.ts';
import { checkPrintk } from '../dialect/printk.ts';
import type { Token } from '../preprocess/token.ts';
import { isScalar, printCType, sizeOf, types } from '../types/types.ts';
import type { Expression } from './ast.ts';
import type { Parsing } from './parsing.ts';

/** Calls (C11 6.5.2.2): of the text's functions, and of the kernel's helpers by their names. */
export class CallParser {
  readonly #p: Parsing;

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** The arguments behind a bracket that was read, and the closing one. */
  argumentList(): Expression[] {
    const p = this.#p;
    const args: Expression[] = [];
    while (!p.is(')')) {
      args.push(p.typing.decay(p.expressions.assignment()));
      if (!p.accept(',')) break;
    }
    p.expect(')');
    return args;
  }

  call(callee: Expression, at: Token): Expression {
    const p = this.#p;
    if (callee.kind !== 'function') {
      p.diagnostics.error(
        at,
        'only a named function can be called',
        'a call through a pointer is nothing that BPF has',
      );
      this.argumentList();
      return p.typing.number(at, 0n);
    }
    const target = callee.function;
    const args = this.argumentList();
    const wanted = target.parameters.length;
    if (args.length < wanted || (args.length > wanted && !target.variadic)) {
      p.diagnostics.error(callee.at, `'${target.name}' takes ${wanted} arguments, not ${args.length}`);
      return p.typing.number(at, 0n, isScalar(target.returns) ? target.returns : types.int);
    }
    const cast = args.map((arg, i) => {
      const parameter = target.parameters[i];
      return parameter ? p.typing.assign(arg, parameter.type, arg.at, 'passing') : arg;
    });
    return { kind: 'call', type: target.returns, at: callee.at, function: target, args: cast };
  }

  /** The call of a helper by its name, which was read already; undefined when no helper has it. */
  helper(at: Token): Expression | undefined {
    const p = this.#p;
    const info = at.text.startsWith('bpf_') ? helperByName(at.text) : undefined;
    if (!info) return undefined;
    p.expect('(');
    const args = this.argumentList();
    const { returns, parameters, variadic } = helperPrototype(info.name);
    const literal = info.name === 'trace_printk' && args[0]?.kind === 'address' && args[0].base.kind === 'string';
    if (literal) {
      // BCC counts the bytes of a literal format itself.
      const { base } = args[0] as Extract<Expression, { kind: 'address' }>;
      if (base.kind === 'string') checkPrintk(p.diagnostics, base.at, base.bytes, args.slice(1));
      args.splice(1, 0, p.typing.number(at, BigInt(sizeOf(base.type)), types.uint));
    }
    const wanted = parameters?.length ?? 0;
    const most = variadic ? 5 : parameters ? wanted : 5;
    if (args.length < wanted || (args.length > most && !literal)) {
      const count = variadic ? `${wanted} to 5` : `${wanted}`;
      p.diagnostics.error(at, `'${at.text}' takes ${parameters ? count : 'up to 5'} arguments, not ${args.length}`);
    }
    const cast = args.slice(0, 5).map((arg, i) => {
      const type = parameters?.[i];
      if (arg.type.kind === 'struct') {
        p.diagnostics.error(arg.at, `a helper takes no '${printCType(arg.type)}'`, 'pass its address');
        return p.typing.number(arg.at, 0n);
      }
      return type && type.kind !== 'pointer' && arg.kind !== 'table' ? p.typing.cast(arg, type) : arg;
    });
    return { kind: 'helper', type: returns, at, name: info.name, id: info.id, args: cast };
  }
}
