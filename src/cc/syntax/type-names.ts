import { didYouMean } from '../diagnostics.ts';
import type { Token } from '../preprocess/token.ts';
import { aliased, type CType, types } from '../types/types.ts';
import type { Declarator } from './declarations.ts';
import { type Parsing, typedefNames } from './parsing.ts';
import type { Named } from './scope.ts';
import { basic, keywords } from './type-words.ts';

/** Names of types: what `typedef` makes of one, and what is said of one that nobody knows. */
/** What `typedef` makes of a declarator; its attributes are those of the type that the name stands for. */
export function typedefOf(name: Token, { type, attributes, constant, volatile }: Declarator): Named {
  const named = aliased(type, name.text);
  const scalar = named.kind === 'int' || named.kind === 'pointer' || named.kind === 'array';
  const whole = scalar && attributes.align > 1 ? { ...named, align: attributes.align } : named;
  return { kind: 'typedef', type: whole, at: name, constant, volatile };
}

/** What a name stands for that should be a type's and is none; told, with what was meant most likely. */
export function unknownType(p: Parsing, token: Token): CType {
  if (token.kind !== 'name' || keywords.has(token.text)) {
    return p.diagnostics.abandon(token, p.current ? 'expected a type' : `expected identifier or '('`);
  }
  const what = `'${token.text}'`;
  const tag = p.scope.findTag(token.text) ?? p.kernel.struct(token.text, false) ?? p.kernel.struct(token.text, true);
  if (tag?.kind === 'struct' && p.peek().text !== ';') {
    const keyword = tag.union ? 'union' : 'struct';
    p.diagnostics.error(token, `must use '${keyword}' tag to refer to type ${what}`);
    p.next();
    return tag;
  }
  const hint = didYouMean(token.text, [...p.scope.names(), ...basic, ...typedefNames, 'struct', 'union']);
  // What it declares is known by its name, and nothing more is said of it.
  if (p.peek().kind !== 'name' && p.peek().text !== '*')
    return p.diagnostics.abandon(token, `unknown type name ${what}`, hint);
  p.diagnostics.error(token, `unknown type name ${what}`, hint);
  p.next();
  return types.wrong;
}
