import { helperByName } from '../../uapi/index.ts';
import type { DiagnosticNote } from '../diagnostics.ts';
import { helperPrototype } from '../dialect/helper-prototypes.ts';
import { checkPrintk } from '../dialect/printk.ts';
import type { Token } from '../preprocess/token.ts';
import { isScalar, printCType, quoted, sizeOf, types } from '../types/types.ts';
import type { Expression } from './ast.ts';
import { definedBefore, type Parsing } from './parsing.ts';
import { isWrong } from './typing.ts';

/** Calls (C11 6.5.2.2): of the text's functions, and of the kernel's helpers by their names. */
export class CallParser {
  readonly #p: Parsing;

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** The arguments behind a bracket that was read, and the closing one. */
  argumentList(): Expression[] {
    return this.#arguments().args;
  }

  #arguments(): { args: Expression[]; close: Token } {
    const p = this.#p;
    const open = p.tokens[p.at - 1] as Token;
    const args: Expression[] = [];
    if (!p.is(')')) {
      do args.push(p.typing.decay(p.expressions.assignment()));
      while (p.accept(','));
    }
    return { args, close: p.close(')', open) };
  }

  /**
   * The arguments behind a bracket that was read, as many as there may be; undefined, and told, where there are others.
   * @param name of the one parameter, when it takes one
   */
  counted(
    least: number,
    most: number,
    options: { name?: string; notes?: readonly DiagnosticNote[] } = {},
  ): Expression[] | undefined {
    const { args, close } = this.#arguments();
    const have = args.length;
    if (have >= least && have <= most) return args;
    const few = have < least;
    const limit = few ? least : most;
    const single = options.name !== undefined && options.name !== '' && limit === 1;
    const atLeast = least === most ? '' : few ? 'at least ' : 'at most ';
    const count =
      single && !few ? `single argument '${options.name}', have ${have} arguments` : `${atLeast}${limit}, have ${have}`;
    const wanted = single && few ? `single argument '${options.name}' was not specified` : `expected ${count}`;
    const extra = args[most];
    const at = few || !extra ? close : this.#p.spans.first(extra);
    this.#p.diagnostics.error(at, `too ${few ? 'few' : 'many'} arguments to function call, ${wanted}`, {
      notes: options.notes ?? [],
    });
    return undefined;
  }

  call(callee: Expression, at: Token): Expression {
    const p = this.#p;
    if (callee.kind !== 'function') {
      if (!isWrong(callee)) this.#notCallable(callee, at);
      this.argumentList();
      return p.typing.wrong(at);
    }
    const target = callee.function;
    const wanted = target.parameters.length;
    const args = this.counted(wanted, target.variadic ? Number.POSITIVE_INFINITY : wanted, {
      name: target.parameters[0]?.name ?? '',
      notes: [definedBefore(target.at, `'${target.name}' declared here`)],
    });
    if (!args) return p.typing.number(callee.at, 0n, isScalar(target.returns) ? target.returns : types.int);
    const cast = args.map((arg, i) => {
      const parameter = target.parameters[i];
      return parameter ? p.typing.assign(arg, parameter.type, p.spans.first(arg), 'passing') : arg;
    });
    return { kind: 'call', type: target.returns, at: callee.at, function: target, args: cast };
  }

  #notCallable(callee: Expression, at: Token): void {
    const { type } = callee;
    const pointer = type.kind === 'pointer' && type.target.kind === 'function';
    const message = pointer
      ? 'only a named function can be called'
      : `called object type ${quoted(type)} is not a function or function pointer`;
    const hint = pointer ? 'a call through a pointer is nothing that BPF has' : undefined;
    this.#p.diagnostics.error(at, message, {
      hint,
      ranges: [this.#p.spans.of(callee)],
    });
  }

  /** The call of a helper by its name, which was read already; undefined when no helper has it. */
  helper(at: Token): Expression | undefined {
    const p = this.#p;
    const info = at.text.startsWith('bpf_') ? helperByName(at.text) : undefined;
    if (!info) return undefined;
    p.expect('(');
    const { args, close } = this.#arguments();
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
      const few = args.length < wanted;
      const [extra] = args.slice(most);
      const expected = `${most === wanted ? '' : few ? 'at least ' : 'at most '}${few ? wanted : most}`;
      const message = `too ${few ? 'few' : 'many'} arguments to function call, expected ${expected}, have ${args.length}`;
      p.diagnostics.error(extra ? p.spans.first(extra) : close, message);
      return p.typing.number(at, 0n, isScalar(returns) ? returns : types.int);
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
