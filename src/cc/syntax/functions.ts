import { askedBy, type Token } from '../preprocess/token.ts';
import { type CType, sameType } from '../types/types.ts';
import type { FunctionObject } from './ast.ts';
import type { Declarator, Specifiers } from './declarations.ts';
import { definedBefore, type Parsing } from './parsing.ts';

type FunctionType = Extract<CType, { kind: 'function' }>;

/**
 * Declares a function, in the file or by a prototype within another: it is the file's in any case (C11 6.2.2p4).
 * @returns the one of that name, which a body behind the declarator is for
 */
export function declareFunction(
  p: Parsing,
  name: Token,
  type: FunctionType,
  { parameters = [], attributes }: Declarator,
  specifiers: Specifiers,
): FunctionObject {
  const known = p.outermost.own(name.text);
  if (known?.kind === 'function') {
    checkAlike(p, name, type, known.function);
    known.function.section ??= attributes.section;
    known.function.noinline ||= attributes.noinline;
    if (!p.is('{')) return known.function;
    if (known.function.body) again(p, name, `redefinition of '${name.text}'`, known.function);
    known.function.parameters = parameters;
    known.function.returns = type.returns;
    return known.function;
  }
  const made: FunctionObject = {
    name: name.text,
    at: name,
    returns: type.returns,
    parameters,
    variadic: type.variadic,
    body: undefined,
    // An inline function that is not extern has no code of its own (C11 6.7.4p7).
    static: specifiers.static || (specifiers.inline && (!specifiers.extern || attributes.gnuInline)),
    noinline: attributes.noinline,
    builtin: askedBy(name).file.name === '<built-in>',
    section: attributes.section,
  };
  const inner = p.scope;
  p.scope = p.outermost;
  if (p.declareOnce(name, { kind: 'function', function: made })) p.functions.push(made);
  p.scope = inner;
  return made;
}

function again(p: Parsing, name: Token, message: string, { at, body }: FunctionObject): void {
  const before = `previous ${body ? 'definition' : 'declaration'} is here`;
  p.diagnostics.error(name, message, { notes: [definedBefore(at, before)] });
}

/** Declared before with other parameters or another result. */
function checkAlike(p: Parsing, name: Token, type: FunctionType, known: FunctionObject): void {
  // `int f()` says nothing of its parameters.
  const open = type.parameters.length === 0 || known.parameters.length === 0;
  const alike =
    sameType(type.returns, known.returns) &&
    (open ||
      (type.parameters.length === known.parameters.length &&
        type.parameters.every((one, i) => sameType(one.type, known.parameters[i]?.type ?? one.type))));
  if (!alike) again(p, name, `conflicting types for '${name.text}'`, known);
}
