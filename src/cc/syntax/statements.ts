import { Abandoned } from '../diagnostics.ts';
import { parseTable } from '../dialect/tables.ts';
import { positionOf, type Token } from '../preprocess/token.ts';
import { aliased, isComplete, printCType, types } from '../types/types.ts';
import { parseAssembly } from './assembly.ts';
import type { Statement, SwitchCase, Variable } from './ast.ts';
import { noAttributes, parseAttributes } from './attributes.ts';
import type { Specifiers } from './declarations.ts';
import type { Parsing } from './parsing.ts';

/** Statements and the declarations between them (C11 6.8); loops stand in loops.ts. */
interface OpenSwitch {
  readonly cases: SwitchCase[];
}

const keywords: ReadonlySet<string> = new Set(
  'if else for while do switch case default return break continue goto asm __asm__ __asm __label__ _Pragma sizeof'.split(
    ' ',
  ),
);

export class StatementParser {
  readonly #p: Parsing;
  #switches: OpenSwitch[] = [];

  constructor(parsing: Parsing) {
    this.#p = parsing;
  }

  /** block = '{' (declaration | statement)* '}' */
  block(): Statement {
    const p = this.#p;
    const at = p.expect('{');
    return p.withScope(() => {
      const body: Statement[] = [];
      while (!p.is('}')) {
        if (p.token.kind === 'end') p.expect('}');
        this.#guarded(() => {
          if (p.declarations.staticAssert()) return;
          if (this.#startsDeclaration()) this.declaration(body);
          else body.push(this.statement());
        });
      }
      const end = p.next();
      return { kind: 'block', at, body, end };
    });
  }

  /** What goes wrong in one statement is recorded, and reading goes on behind it. */
  #guarded(read: () => void): void {
    const p = this.#p;
    const { at, scope } = p;
    try {
      read();
    } catch (fault) {
      if (!(fault instanceof Abandoned) || p.diagnostics.full) throw fault;
      p.scope = scope;
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
    while (!p.is(';')) {
      const { name, type, attributes } = p.declarations.declarator(specifiers);
      if (!name) {
        p.expect('a name');
        return;
      }
      if (specifiers.typedef) p.scope.declare(name.text, { kind: 'typedef', type: aliased(type, name.text) });
      else if (type.kind === 'function') this.#localFunction(name);
      else {
        const local = this.#local(name, type, specifiers, into);
        local.align = Math.max(attributes.align, specifiers.attributes.align);
      }
      if (!p.accept(',')) break;
    }
    p.expect(';');
  }

  /** A prototype within a function: the name is that of the file. */
  #localFunction(name: Token): void {
    if (!this.#p.scope.find(name.text))
      this.#p.diagnostics.error(name, `'${name.text}' is declared here and nowhere defined`);
  }

  #local(name: Token, type: Parameters<Parsing['variable']>[1], specifiers: Specifiers, into: Statement[]): Variable {
    const p = this.#p;
    if (specifiers.auto) return this.#inferred(name, specifiers, into);
    const variable = p.variable(name.text, type, name, { global: specifiers.static, constant: specifiers.constant });
    if (p.scope.own(name.text)?.kind === 'variable') p.diagnostics.error(name, `'${name.text}' is declared twice`);
    p.scope.declare(name.text, { kind: 'variable', variable });
    if (p.accept('=')) {
      const { type: whole, initial } = p.initializers.initializer(type);
      variable.type = whole;
      variable.initial = initial;
    }
    variable.inMemory ||= specifiers.volatile;
    if (!isComplete(variable.type)) {
      p.diagnostics.error(name, `'${name.text}' has the incomplete type '${printCType(variable.type)}'`);
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
    variable.initial = { entries: [{ offset: 0, type: value.type, bits: undefined, value }] };
    variable.inMemory ||= specifiers.volatile;
    p.scope.declare(name.text, { kind: 'variable', variable });
    into.push({ kind: 'declare', at: name, variable });
    return variable;
  }

  statement(): Statement {
    return this.#p.nested(() => this.#statement());
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
        this.#label(p.next());
        p.next();
        p.loops.labels++;
        const body: Statement = p.is('}') ? { kind: 'empty', at } : this.#afterLabel();
        return { kind: 'label', at, name: at.text, body };
      }
    }
    const value = p.expressions.expression();
    p.expect(';');
    return { kind: 'expression', at, value };
  }

  #label(name: Token): void {
    const { labels, diagnostics } = this.#p;
    const earlier = labels.get(name.text);
    if (earlier) {
      const notes = [{ message: 'it stands here before', at: positionOf(earlier), length: name.text.length }];
      diagnostics.error(name, `redefinition of label '${name.text}'`, { notes });
    }
    labels.set(name.text, name);
  }

  /** C23 and clang let a declaration follow a label. */
  #afterLabel(): Statement {
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
        return this.#switch();
      case 'case':
      case 'default':
        return this.#case();
      case 'return': {
        p.next();
        const value = p.is(';') ? undefined : p.expressions.expression();
        p.expect(';');
        return this.#return(at, value);
      }
      case 'break':
      case 'continue': {
        p.next();
        p.expect(';');
        const inside = p.loops.open > 0 || (at.text === 'break' && this.#switches.length > 0);
        if (!inside) p.diagnostics.error(at, `'${at.text}' outside a loop`);
        return inside ? { kind: at.text, at } : { kind: 'empty', at };
      }
      case 'goto': {
        p.next();
        const label = p.name('a label');
        p.expect(';');
        p.gotos.push(label);
        return { kind: 'goto', at: label, label: label.text };
      }
      case '__attribute__':
        parseAttributes(p, noAttributes());
        p.expect(';');
        return { kind: 'empty', at };
      case '__label__':
        // Labels are a function's here in any case.
        while (!p.is(';') && p.token.kind !== 'end') p.next();
        p.expect(';');
        return { kind: 'empty', at };
      case '_Pragma':
        return p.loops.pragma();
      case 'asm':
      case '__asm__':
      case '__asm':
        return parseAssembly(p);
      default:
        return undefined;
    }
  }

  #return(at: Token, value: Parameters<Parsing['typing']['decay']>[0] | undefined): Statement {
    const p = this.#p;
    const returns = p.current?.returns ?? types.int;
    if (returns.kind === 'void') {
      // `return f();` of a void function is common and harmless.
      if (value && value.type.kind !== 'void') p.diagnostics.warning(at, `'${p.current?.name}' returns nothing`);
      return { kind: 'return', at, value };
    }
    if (!value) return { kind: 'return', at, value: p.typing.number(at, 0n) };
    return { kind: 'return', at, value: p.typing.assign(value, returns, value.at, 'returning') };
  }

  /** if = 'if' '(' expression ')' statement ('else' statement)? */
  #if(): Statement {
    const p = this.#p;
    const at = p.next();
    p.expect('(');
    const test = p.loops.condition();
    p.expect(')');
    const yes = this.statement();
    const no = p.accept('else') ? this.statement() : undefined;
    return { kind: 'if', at, test, yes, no };
  }

  /** switch = 'switch' '(' expression ')' statement */
  #switch(): Statement {
    const p = this.#p;
    const at = p.next();
    p.expect('(');
    const value = p.typing.promote(p.expressions.expression());
    p.expect(')');
    if (value.type.kind !== 'int') p.diagnostics.error(value.at, 'a switch wants an integer');
    const open: OpenSwitch = { cases: [] };
    this.#switches.push(open);
    let body: Statement;
    try {
      body = this.statement();
    } finally {
      this.#switches.pop();
    }
    return { kind: 'switch', at, value, cases: open.cases, body };
  }

  /** case = ('case' constant ('...' constant)? | 'default') ':' statement */
  #case(): Statement {
    const p = this.#p;
    const at = p.next();
    let label: SwitchCase = { low: undefined, high: undefined };
    if (at.text === 'case') {
      const low = p.constant('the value of a case');
      label = { low, high: p.accept('...') ? p.constant('the value of a case') : low };
    }
    p.expect(':');
    const open = this.#switches.at(-1);
    if (!open) p.diagnostics.error(at, `'${at.text}' outside a switch`);
    else if (open.cases.some((one) => one.low === label.low)) p.diagnostics.error(at, 'this case stands here twice');
    else open.cases.push(label);
    const body: Statement = p.is('}') ? { kind: 'empty', at } : this.#afterLabel();
    return open ? { kind: 'case', at, label, body } : body;
  }
}
