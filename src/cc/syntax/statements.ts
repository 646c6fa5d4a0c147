import { Abandoned } from '../diagnostics.ts';
import { parseTable } from '../dialect/tables.ts';
import { positionOf, type Token } from '../preprocess/token.ts';
import { type CType, incompleteText, isComplete, types } from '../types/types.ts';
import { isAssembly, parseAssembly } from './assembly.ts';
import type { Expression, Statement, Variable } from './ast.ts';
import { noAttributes, parseAttributes } from './attributes.ts';
import type { Declarator, Specifiers } from './declarations.ts';
import { declareFunction } from './functions.ts';
import { definedBefore, type Parsing } from './parsing.ts';
import { parseStaticAssert } from './static-assert.ts';
import { SwitchParser } from './switches.ts';
import { typedefOf } from './type-names.ts';
import { keywords } from './type-words.ts';

/** Statements and the declarations between them (C11 6.8); loops stand in loops.ts, `switch` in switches.ts. */
export class StatementParser {
  readonly #p: Parsing;
  readonly #switches: SwitchParser;
  /** How many local labels have been met. */
  #labels = 0;

  constructor(parsing: Parsing) {
    this.#p = parsing;
    this.#switches = new SwitchParser(parsing);
  }

  /** block = '{' (declaration | statement)* '}' */
  block(): Statement {
    const p = this.#p;
    const at = p.expect('{');
    return p.withScope(() => {
      const body: Statement[] = [];
      while (!p.is('}')) {
        if (p.token.kind === 'end') p.close('}', at);
        this.#item(body);
      }
      const end = p.next();
      return { kind: 'block', at, body, end };
    });
  }

  /** A declaration or statement. What goes wrong in it is recorded, and reading goes on behind it. */
  #item(body: Statement[]): void {
    const p = this.#p;
    const { at, scope, depth } = p;
    try {
      if (parseStaticAssert(p)) return;
      if (this.#startsDeclaration()) this.declaration(body);
      else body.push(this.statement());
    } catch (fault) {
      if (!(fault instanceof Abandoned) || p.diagnostics.full) throw fault;
      p.scope = scope;
      p.depth = depth;
      p.recoverStatement(at);
    }
  }

  #startsDeclaration(): boolean {
    const p = this.#p;
    if (p.is('__attribute__') && this.#attributesAlone()) return false;
    if (p.token.kind === 'name' && p.peek().kind === 'name' && !this.#isKnown(p.token)) return true;
    return p.declarations.startsType() && !(p.peek().text === ':' && p.token.kind === 'name');
  }

  /** A name that means something here already; two names in a row, the first unknown, are a declaration. */
  #isKnown({ text }: Token): boolean {
    const p = this.#p;
    return keywords.has(text) || p.scope.find(text) !== undefined || p.kernel.enumerator(text) !== undefined;
  }

  /** `__attribute__((fallthrough));` says something of the statement, and declares nothing. */
  #attributesAlone(): boolean {
    const p = this.#p;
    let depth = 0;
    for (let i = 1; ; i++) {
      const { text, kind } = p.peek(i);
      depth += text === '(' ? 1 : text === ')' ? -1 : 0;
      if (kind === 'end' || (depth === 0 && text === ')')) return p.peek(i + 1).text === ';';
    }
  }

  /** declaration = specifiers (declarator ('=' initializer)? (',' …)*)? ';' */
  declaration(into: Statement[]): void {
    const p = this.#p;
    const specifiers = p.declarations.specifiers();
    if (p.declarations.endsAlone(specifiers)) return;
    while (!p.is(';')) {
      const declarator = p.declarations.declarator(specifiers);
      const { name, type, attributes } = declarator;
      if (!name) {
        p.diagnostics.abandon(p.token, `expected identifier or '('`);
      } else if (specifiers.typedef) {
        p.declareOnce(name, typedefOf(name, declarator));
      } else if (type.kind === 'function') this.#prototype(name, type, declarator, specifiers);
      else {
        const local = this.#local(name, declarator, specifiers, into);
        local.align = Math.max(attributes.align, specifiers.attributes.align);
      }
      if (!p.accept(',')) break;
    }
    p.semicolon('at end of declaration');
  }

  /** A prototype within a function: what it names is the file's, and known by that name in this block. */
  #prototype(
    name: Token,
    type: Extract<CType, { kind: 'function' }>,
    declarator: Declarator,
    specifiers: Specifiers,
  ): void {
    const p = this.#p;
    if (p.is('{')) {
      p.diagnostics.abandon(p.token, 'function definition is not allowed here', 'define it before this function');
    }
    const made = declareFunction(p, name, type, declarator, specifiers);
    if (p.scope.own(name.text)?.kind !== 'function') p.declareOnce(name, { kind: 'function', function: made });
  }

  #local(name: Token, declarator: Declarator, specifiers: Specifiers, into: Statement[]): Variable {
    const p = this.#p;
    const { type, constant } = declarator;
    if (specifiers.auto) return this.#inferred(name, specifiers, into);
    const variable = p.variable(name.text, type, name, { global: specifiers.static, constant });
    if (!p.declareOnce(name, { kind: 'variable', variable }))
      p.scope.declare(name.text, { kind: 'variable', variable });
    if (p.accept('=')) {
      const { type: whole, initial } = p.initializers.initializer(type, name);
      variable.type = whole;
      variable.initial = initial;
    }
    variable.inMemory ||= specifiers.volatile;
    if (!isComplete(variable.type)) {
      p.diagnostics.error(name, incompleteText(variable.type));
      variable.type = types.int;
    }
    if (!variable.global) p.checkStack(name, `'${name.text}'`, variable.type);
    if (variable.global) p.globals.push(variable);
    else into.push({ kind: 'declare', at: name, variable });
    return variable;
  }

  /** `__auto_type x = value`: the name is known behind the value only. */
  #inferred(name: Token, specifiers: Specifiers, into: Statement[]): Variable {
    const p = this.#p;
    p.expect('=');
    const value = p.typing.decay(p.expressions.assignment());
    const variable = p.variable(name.text, value.type, name, { constant: specifiers.constant });
    variable.initial = { end: 0, entries: [{ offset: 0, type: value.type, bits: undefined, value }] };
    variable.inMemory ||= specifiers.volatile;
    p.scope.declare(name.text, { kind: 'variable', variable });
    into.push({ kind: 'declare', at: name, variable });
    return variable;
  }

  statement(): Statement {
    const p = this.#p;
    p.deeper();
    const read = this.#statement();
    p.depth--;
    return read;
  }

  #statement(): Statement {
    const p = this.#p;
    const at = p.token;
    if (at.kind === 'pragma') return p.loops.pragma();
    if (at.text === '{') return this.block();
    if (p.accept(';')) return { kind: 'empty', at };
    if (at.kind === 'name') {
      const keyword = this.#keyword(at);
      if (keyword) return keyword;
      if (p.bccDialect && p.peek().text === '(' && parseTable(p)) return { kind: 'empty', at };
      if (p.peek().text === ':') {
        const name = this.#label(p.next());
        p.next();
        parseAttributes(p, noAttributes());
        p.loops.label(name);
        const body: Statement = p.is('}') ? { kind: 'empty', at } : this.afterLabel();
        return { kind: 'label', at, name, body };
      }
    }
    const value = p.expressions.expression();
    p.semicolon('after expression');
    return { kind: 'expression', at, value };
  }

  #label(name: Token): string {
    const { labels, diagnostics, scope } = this.#p;
    const label = scope.labelNamed(name.text);
    const earlier = labels.get(label);
    if (earlier) {
      diagnostics.error(name, `redefinition of label '${name.text}'`, { notes: [definedBefore(earlier)] });
    }
    labels.set(label, name);
    return label;
  }

  /** '__label__' name (',' name)* ';' */
  #localLabels(): void {
    const p = this.#p;
    p.next();
    do {
      const name = p.name();
      p.scope.declareLabel(name.text, `${name.text}.${++this.#labels}`);
    } while (p.accept(','));
    p.semicolon('after label');
  }

  /** C23 and clang let a declaration follow a label. */
  afterLabel(): Statement {
    const p = this.#p;
    if (!this.#startsDeclaration()) return this.statement();
    const body: Statement[] = [];
    const at = p.token;
    this.declaration(body);
    return body.length === 1 ? (body[0] as Statement) : { kind: 'empty', at };
  }

  #keyword(at: Token): Statement | undefined {
    const p = this.#p;
    switch (at.text) {
      case 'if':
        return this.#if();
      case 'for':
      case 'while':
      case 'do':
        return p.loops.loop(0);
      case 'switch':
        return this.#switches.switch();
      case 'case':
      case 'default':
        return this.#switches.case();
      case 'return': {
        p.next();
        const value = p.is(';') ? undefined : p.expressions.expression();
        p.semicolon('after return statement');
        return this.#return(at, value);
      }
      case 'break':
      case 'continue': {
        p.next();
        p.semicolon(`after ${at.text} statement`);
        const inside = p.loops.open > 0 || (at.text === 'break' && this.#switches.open);
        const where = at.text === 'break' ? 'loop or switch' : 'loop';
        if (!inside) p.diagnostics.error(at, `'${at.text}' statement not in ${where} statement`);
        return inside ? { kind: at.text, at } : { kind: 'empty', at };
      }
      case 'goto': {
        p.next();
        if (p.is('*')) {
          p.diagnostics.abandon(p.token, 'BPF jumps to labels only, and to no address', 'switch on a number instead');
        }
        const name = p.name();
        const label = p.scope.labelNamed(name.text);
        p.semicolon('after goto statement');
        p.gotos.push({ at: name, label });
        return { kind: 'goto', at: name, label };
      }
      case '__attribute__':
        parseAttributes(p, noAttributes());
        p.semicolon('after expression');
        return { kind: 'empty', at };
      case '__label__':
        this.#localLabels();
        return { kind: 'empty', at };
      default:
        return isAssembly(at.text) ? parseAssembly(p) : undefined;
    }
  }

  #return(at: Token, value: Parameters<Parsing['typing']['decay']>[0] | undefined): Statement {
    const p = this.#p;
    const returns = p.current?.returns ?? types.int;
    if (returns.kind === 'void') {
      // `return f();` of a void function is common and harmless.
      if (value && value.type.kind !== 'void') {
        const message = `void function '${p.current?.name}' should not return a value`;
        p.diagnostics.error(at, message, { ranges: [p.spans.of(value)] });
      }
      return { kind: 'return', at, value };
    }
    if (!value) {
      p.diagnostics.error(at, `non-void function '${p.current?.name}' should return a value`);
      return { kind: 'return', at, value: p.typing.number(at, 0n) };
    }
    const returned = p.typing.assign(value, returns, p.spans.first(value), 'returning');
    this.#checkNotLocal(value);
    return { kind: 'return', at, value: returned };
  }

  /** The address of what goes away with the function. */
  #checkNotLocal(value: Expression): void {
    const p = this.#p;
    let place = p.typing.decay(value);
    if (place.kind !== 'address') return;
    while (place.kind === 'address' || place.kind === 'member') place = place.base;
    if (place.kind !== 'variable' || place.variable.global) return;
    const message = `address of stack memory associated with local variable '${place.variable.name}' returned`;
    p.diagnostics.warning(place.at, message);
  }

  /** if = 'if' '(' expression ')' statement ('else' statement)? */
  #if(): Statement {
    const p = this.#p;
    const chain: { at: Token; test: Expression; yes: Statement }[] = [];
    let no: Statement | undefined;
    // One loop for a chain of `else if`, which may be long.
    for (let more = true; more; ) {
      const at = p.next();
      const open = p.expect('(', `after 'if'`);
      const test = p.loops.condition(at);
      p.close(')', open);
      this.#extraBracket();
      this.#checkBody(at);
      const yes = this.statement();
      chain.push({ at, test, yes });
      more = p.accept('else') && p.is('if');
      if (!more && p.tokens[p.at - 1]?.text === 'else') no = this.statement();
    }
    for (const { at, test, yes } of chain.reverse()) no = { kind: 'if', at, test, yes, no };
    return no as Statement;
  }

  /** A bracket too many behind a condition. */
  #extraBracket(): void {
    const p = this.#p;
    if (p.is(')')) p.diagnostics.error(p.next(), `extraneous ')' after condition, expected a statement`);
  }

  /** `if (x);` on one line is hardly meant. */
  #checkBody(at: Token): void {
    const { token, diagnostics } = this.#p;
    if (token.text !== ';' || token.first || token.from || token.line !== at.line) return;
    const notes = [{ message: 'put the semicolon on a separate line to silence this warning', at: positionOf(token) }];
    diagnostics.warning(token, 'if statement has empty body', { notes });
  }
}
