import { Abandoned, type Diagnostics, didYouMean } from '../diagnostics.ts';
import { setKernelOption } from '../dialect/kernel-options.ts';
import { declareMapStruct } from '../dialect/map-structs.ts';
import { parseTable } from '../dialect/tables.ts';
import type { Token } from '../preprocess/token.ts';
import type { KernelTypes } from '../types/kernel-types.ts';
import { type CType, incompleteText, isComplete, quoted, StructType, sameType } from '../types/types.ts';
import { isAssembly, parseAssembly } from './assembly.ts';
import type { FunctionObject, Statement, TranslationUnit, Variable } from './ast.ts';
import { CallParser } from './calls.ts';
import { completes } from './completion.ts';
import { DeclarationParser, type Declarator, type Specifiers } from './declarations.ts';
import { deepest, tooDeep } from './depth.ts';
import { ExpressionParser } from './expressions.ts';
import { declareFunction } from './functions.ts';
import { InitializerParser } from './initializers.ts';
import { LoopParser } from './loops.ts';
import { MemberParser } from './members.ts';
import { definedBefore, Parsing } from './parsing.ts';
import { PrimaryParser } from './primaries.ts';
import { StatementParser } from './statements.ts';
import { parseStaticAssert } from './static-assert.ts';
import { TagParser } from './tags.ts';
import { typedefOf } from './type-names.ts';
import { warnOfUninitialised } from './uninitialised.ts';
import { warnOfUnused } from './unused.ts';

/**
 * A whole text: declarations, tables and functions one after another. What goes wrong in one of them is recorded, and
 * reading goes on behind it.
 */
export function parse(
  tokens: readonly Token[],
  diagnostics: Diagnostics,
  kernel: KernelTypes,
  options: { readonly bccDialect: boolean; readonly macroNames: () => Iterable<string> },
): TranslationUnit {
  const p = new Parsing(tokens, diagnostics, kernel, options.bccDialect);
  p.macroNames = options.macroNames;
  p.declarations = new DeclarationParser(p);
  p.expressions = new ExpressionParser(p);
  p.tags = new TagParser(p);
  p.primaries = new PrimaryParser(p);
  p.members = new MemberParser(p);
  p.calls = new CallParser(p);
  p.initializers = new InitializerParser(p);
  p.statements = new StatementParser(p);
  p.loops = new LoopParser(p);
  const unit = new UnitParser(p);
  while (p.token.kind !== 'end' && !diagnostics.full) unit.next();
  for (const variable of p.globals) closeTentative(p, variable);
  const { functions, tables, globals, structs, license } = p;
  return { functions, tables, globals, structs, license };
}

class UnitParser {
  readonly #p: Parsing;

  constructor(p: Parsing) {
    this.#p = p;
  }

  next(): void {
    const p = this.#p;
    const start = p.at;
    if (p.is('}')) {
      p.diagnostics.error(p.next(), `extraneous closing brace ('}')`);
      return;
    }
    try {
      this.#external();
    } catch (fault) {
      if (!(fault instanceof Abandoned)) throw fault;
      p.scope = p.outermost;
      p.current = undefined;
      p.depth = 0;
      p.statements = new StatementParser(p);
      p.loops = new LoopParser(p);
      p.at = start;
      p.recover();
    }
  }

  /** external = ';' | table | specifiers (declarator ('=' initializer)? (',' …)* ';' | declarator block) */
  #external(): void {
    const p = this.#p;
    if (p.accept(';')) return;
    if (p.token.kind === 'pragma') {
      p.next();
      return;
    }
    if (p.bccDialect && p.token.kind === 'name' && parseTable(p)) return;
    if (parseStaticAssert(p) || this.#assembly()) return;
    const specifiers = p.declarations.specifiers();
    if (p.declarations.endsAlone(specifiers)) return;
    while (!p.is(';')) {
      const declarator = p.declarations.declarator(specifiers);
      const { name, type } = declarator;
      if (!name) {
        p.diagnostics.abandon(p.token, `expected identifier or '('`);
      } else if (specifiers.typedef) this.#typedef(name, declarator);
      else if (type.kind === 'function') {
        const made = declareFunction(p, name, type, declarator, specifiers);
        if (p.is('{')) {
          this.#body(made, name);
          return;
        }
      } else if (declarator.attributes.section === '.maps') declareMapStruct(p, name, type);
      else this.#global(name, type, specifiers, declarator);
      if (!p.accept(',')) break;
    }
    const only = specifiers.type.kind === 'struct' && p.tokens[p.at - 1]?.text === '}';
    p.semicolon(only ? 'after struct' : 'after top level declarator');
  }

  /** Assembly outside functions, of which an object for the loader can hold none. */
  #assembly(): boolean {
    const p = this.#p;
    if (!isAssembly(p.token.text)) return false;
    const statement = parseAssembly(p);
    const { text, textAt } = statement as Extract<Statement, { kind: 'asm' }>;
    if (text.trim() !== '') {
      p.diagnostics.error(textAt, 'assembly outside functions has no place in a BPF object', 'put it into a function');
    }
    return true;
  }

  /** The same typedef may stand twice (C11 6.7p3). */
  #typedef(name: Token, declarator: Declarator): void {
    const p = this.#p;
    const { type } = declarator;
    const earlier = p.scope.own(name.text);
    if (earlier?.kind === 'typedef' && sameType(earlier.type, type)) return;
    if (earlier?.kind === 'typedef') {
      const types = `${quoted(type)} vs ${quoted(earlier.type)}`;
      p.diagnostics.error(name, `typedef redefinition with different types (${types})`, {
        notes: [definedBefore(earlier.at)],
      });
    } else p.declareOnce(name, typedefOf(name, declarator));
  }

  #body(made: FunctionObject, name: Token): void {
    const p = this.#p;
    p.current = made;
    p.labels = new Map();
    p.gotos = [];
    for (const parameter of made.parameters) {
      if (!isComplete(parameter.type)) {
        const what = parameter.type.kind === 'void' ? `argument may not have 'void' type` : undefined;
        p.diagnostics.error(parameter.at, what ?? `variable has incomplete type ${quoted(parameter.type)}`);
      }
    }
    const start = p.at;
    const read = p.withScope(() => {
      for (const variable of made.parameters) {
        if (variable.name === '') continue;
        if (p.scope.own(variable.name))
          p.diagnostics.error(variable.at, `redefinition of parameter '${variable.name}'`);
        p.scope.declare(variable.name, { kind: 'variable', variable });
      }
      return p.statements.block();
    });
    // Fewer tokens are no deep tree.
    const deep = p.at - start > deepest ? tooDeep(read) : undefined;
    if (deep) p.diagnostics.abandon(deep, `this nests more than ${deepest} deep`, 'split it up');
    made.body = read;
    this.#checkLabels();
    p.loops.finish();
    this.#checkReturn(made);
    this.#warn(made);
    p.current = undefined;
    if (made.variadic) p.diagnostics.error(name, 'a function with variable arguments is nothing that BPF can call');
  }

  #checkLabels(): void {
    const { gotos, labels, diagnostics } = this.#p;
    for (const one of gotos) {
      if (labels.has(one.label)) continue;
      const { at } = one;
      diagnostics.error(at, `use of undeclared label '${at.text}'`, didYouMean(at.text, labels.keys()));
    }
  }

  /** Of a function without errors: what was meant differently, most likely. */
  #warn(made: FunctionObject): void {
    const { diagnostics, spans } = this.#p;
    if (diagnostics.failed || made.builtin || !made.body) return;
    warnOfUnused(made.body, diagnostics, spans);
    warnOfUninitialised(made, diagnostics, spans);
  }

  #checkReturn({ returns, body, name }: FunctionObject): void {
    // Of a body with errors, statements are missing.
    if (returns.kind === 'void' || body?.kind !== 'block' || this.#p.diagnostics.failed || !completes(body)) return;
    const all = body.body.some((one) => one.kind === 'if' || one.kind === 'return' || one.kind === 'switch');
    const paths = all ? ' in all control paths' : '';
    this.#p.diagnostics.warning(
      body.end,
      `non-void function does not return a value${paths}`,
      `'${name}' returns 0 there`,
    );
  }

  #global(name: Token, type: CType, specifiers: Specifiers, declarator: Declarator): void {
    const p = this.#p;
    const earlier = p.outermost.own(name.text);
    const known = earlier?.kind === 'variable' ? earlier.variable : undefined;
    const { section, weak } = declarator.attributes;
    const options = { global: true, constant: declarator.constant || section === '.kconfig' };
    const variable: Variable = known ?? p.variable(name.text, type, name, options);
    if (!known) p.declareOnce(name, { kind: 'variable', variable });
    else if ((known.initial && p.is('=')) || !(sameType(known.type, type) || isOpenAgain(known.type, type))) {
      p.redefined(name, { kind: 'variable', variable: { ...variable, type } });
    }
    // What was declared without a length gets it where it is told.
    else if (isComplete(type)) variable.type = type;
    if (p.accept('=')) {
      const { type: whole, initial } = p.initializers.initializer(type, name);
      variable.type = whole;
      variable.initial = initial;
    }
    if (section === '.kconfig' && specifiers.extern) setKernelOption(p, variable, name, weak);
    if (section === '.ksyms') this.#kernelSymbol(variable, name);
    if (section === 'license') this.#license(variable);
    else if (!specifiers.extern && !isComplete(variable.type) && !(variable.type instanceof StructType)) {
      const open = variable.type.kind === 'array' && isComplete(variable.type.element);
      if (!open) p.diagnostics.error(name, incompleteText(variable.type));
    }
    if (specifiers.extern && !variable.initial) variable.extern ??= true;
    else variable.extern = false;
    variable.align = Math.max(variable.align, declarator.attributes.align, specifiers.attributes.align);
    if (!known && section !== 'license') p.globals.push(variable);
  }

  /** The kernel's own variables have no addresses that a program could be given. */
  #kernelSymbol({ name }: Variable, at: Token): void {
    const hint = 'follow a pointer that a helper or the context gives';
    this.#p.diagnostics.error(at, `extern (var ksym) '${name}': the simulated kernel has no such variable`, hint);
  }

  #license(variable: Variable): void {
    const bytes = (variable.initial?.entries ?? []).map((one) =>
      one.value.kind === 'number' ? Number(one.value.value) : 0,
    );
    this.#p.license = Buffer.from(bytes).toString().replace(/\0.*$/s, '');
  }
}

/** `int a[];` that nothing gives a length has one element (C11 6.9.2p5). */
function closeTentative(p: Parsing, variable: Variable): void {
  const { type, at, extern = false } = variable;
  if (type.kind !== 'array' || type.length !== undefined || extern) return;
  p.diagnostics.warning(at, 'tentative array definition assumed to have one element');
  variable.type = { ...type, length: 1 };
}

/** `extern int a[];` and `int a[4];` are the same. */
function isOpenAgain(earlier: CType, type: CType): boolean {
  if (earlier.kind !== 'array' || type.kind !== 'array' || !sameType(earlier.element, type.element)) return false;
  return earlier.length === undefined || type.length === undefined;
}
