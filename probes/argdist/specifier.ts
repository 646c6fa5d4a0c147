import { UsageError } from 'tracebed';

/**
 * What a specifier says, in BCC's form:
 * `{p,r,t,u}:{[library],category}:function(signature)[:type[,type...]:expr[,expr...][:filter]][#label]`.
 */
export interface Specifier {
  /** Counts of values, or a log2 histogram. */
  readonly as: 'counts' | 'histogram';
  readonly kind: ProbeKind;
  /** Of a function or USDT probe: its library or program, empty for the kernel. Of a tracepoint: its category. */
  readonly library: string;
  /** Function, tracepoint's event or USDT probe. */
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly values: readonly Value[];
  /** No expression was given: calls are counted, or the values that are returned. */
  readonly isDefault: boolean;
  /** Empty for none. */
  readonly filter: string;
  readonly label: string | undefined;
  /** As it was typed. */
  readonly text: string;
}

/** Entry and return of a function, tracepoint, USDT probe. */
export type ProbeKind = 'p' | 'r' | 't' | 'u';

export interface Parameter {
  readonly type: string;
  readonly name: string;
}

export interface Value {
  /** A C type; `char*` is a text. */
  readonly type: string;
  readonly expression: string;
}

const kinds: ReadonlySet<string> = new Set(['p', 'r', 't', 'u']);
const form = 'TYPE:[LIBRARY]:FUNCTION(SIGNATURE)[:TYPES:EXPRESSIONS[:FILTER]][#LABEL]';

/** @throws UsageError that names the specifier and what is wrong with it */
export function parseSpecifier(text: string, as: Specifier['as']): Specifier {
  const bad = (why: string, expected = form): UsageError => new UsageError(`probe '${text}': ${why}`, { expected });
  const [spec = '', ...labels] = text.split('#');
  const parts = spec.trim().split(':');
  if (parts.length < 3) throw bad('type, library and function with its signature are needed');
  if (parts.length > 6) throw bad("more than six parts between ':'");
  const [kind = '', library = '', call = '', types, expressions, filter = ''] = parts;
  if (!kinds.has(kind)) throw bad(`the type is '${kind}'`, "'p', 'r', 't' or 'u'");
  const [, name = '', signature = ''] = /^\s*([^\s(]+)\s*\(([\s\S]*)\)\s*$/.exec(call) ?? [];
  if (name === '') throw bad(`'${call}' is no function with a signature`, 'FUNCTION(TYPE NAME, …), FUNCTION()');
  if (kind === 'u' && library === '') throw bad('the program or library of a USDT probe is needed');
  if (kind === 't' && library === '') throw bad('the category of a tracepoint is needed');
  const isDefault = expressions === undefined;
  if (isDefault && types !== undefined) throw bad('types without expressions');
  if (isDefault && as === 'histogram' && kind !== 'r') throw bad('a histogram of what?', 'a type and an expression');
  const values = isDefault ? [usualValue(kind as ProbeKind)] : valuesOf(types ?? '', expressions, bad);
  if (as === 'histogram' && values.length > 1)
    throw bad('a histogram of several values', 'one type and one expression');
  if (as === 'histogram' && isText(values[0] as Value)) throw bad('a histogram of texts', 'a number');
  const parameters = parametersOf(signature, bad);
  return {
    as,
    kind: kind as ProbeKind,
    library,
    name,
    parameters,
    values,
    isDefault,
    filter,
    label: labels.length === 1 ? labels[0] : undefined,
    text,
  };
}

export function isText({ type }: Value): boolean {
  return /^(?:const )?char\s*\*$/.test(type);
}

function usualValue(kind: ProbeKind): Value {
  return kind === 'r' ? { type: 'int', expression: '$retval' } : { type: 'u64', expression: '1' };
}

type Bad = (why: string, expected?: string) => UsageError;

function valuesOf(typeList: string, expressionList: string, bad: Bad): Value[] {
  const types = split(typeList);
  const expressions = split(expressionList);
  if (types.some((type) => type === '')) throw bad('a type is empty');
  if (expressions.some((expression) => expression === '')) throw bad('an expression is empty');
  if (types.length !== expressions.length) {
    throw bad(`${types.length} types and ${expressions.length} expressions`, 'a type for each expression');
  }
  return types.map((type, index) => ({ type, expression: expressions[index] as string }));
}

function parametersOf(signature: string, bad: Bad): Parameter[] {
  if (signature.trim() === '') return [];
  return split(signature).map((text) => {
    const [, type = '', name = ''] = /^([\s\S]*[\s*])(\w+)$/.exec(text) ?? [];
    if (name === '') throw bad(`'${text}' is no parameter`, 'a type and a name');
    return { type: type.trim(), name };
  });
}

/** At commas outside of brackets and texts. */
function split(list: string): string[] {
  const parts = [''];
  let depth = 0;
  let quoted = false;
  for (const letter of list) {
    if (letter === '"') quoted = !quoted;
    if (!quoted && '([{'.includes(letter)) depth++;
    if (!quoted && ')]}'.includes(letter)) depth--;
    if (letter === ',' && depth === 0 && !quoted) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts.map((part) => part.trim());
}
