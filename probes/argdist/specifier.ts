import { isProbeKind, type ProbePlace, ProbeText } from '../probe-place.ts';

/**
 * What a specifier says, in BCC's form:
 * `{p,r,t,u}:{[library],category}:function(signature)[:type[,type...]:expr[,expr...][:filter]][#label]`.
 */
export interface Specifier {
  /** Counts of values, or a log2 histogram. */
  readonly as: 'counts' | 'histogram';
  readonly place: ProbePlace;
  /** As it was typed, between the brackets. */
  readonly signature: string;
  readonly parameters: readonly Parameter[];
  readonly values: readonly Value[];
  /** No expression was given: calls are counted, or the values that are returned. */
  readonly isDefault: boolean;
  /** Empty for none. */
  readonly filter: string;
  readonly label: string | undefined;
  /** As it was typed. */
  readonly source: ProbeText;
}

export interface Parameter {
  readonly type: string;
  readonly name: string;
}

export interface Value {
  /** A C type; `char*` is a text. */
  readonly type: string;
  readonly expression: string;
}

const form = 'TYPE:[LIBRARY]:FUNCTION(SIGNATURE)[:TYPES:EXPRESSIONS[:FILTER]][#LABEL]';

/** A part between two ':', and where it begins. */
interface Part {
  readonly text: string;
  readonly at: number;
}

/** @throws UsageError with a caret below what is wrong */
export function parseSpecifier(text: string, as: Specifier['as']): Specifier {
  const source = new ProbeText(text);
  const [spec = '', ...labels] = text.split('#');
  const parts = partsOf(spec);
  const [kind, library, call, types, expressions, filter] = parts;
  if (!kind || !library || !call) {
    throw source.fault(spec.length, 'type, library and function with its signature are needed', form);
  }
  if (parts[6]) throw source.fault(parts[6].at - 1, "more than six parts between ':'", form);
  const { place, signature } = placeOf(source, kind, library, call);
  const isDefault = expressions === undefined;
  if (isDefault && types) throw source.fault(types.at, 'types without expressions', form);
  if (isDefault && as === 'histogram' && place.kind !== 'r') {
    throw source.fault(spec.length, 'a histogram of what?', 'a type and an expression');
  }
  const values = isDefault || !types ? [usualValue(place)] : valuesOf(source, types, expressions);
  if (as === 'histogram' && types) checkHistogram(source, types, values);
  return {
    as,
    place,
    signature: signature.text.trim(),
    parameters: parametersOf(source, signature),
    values,
    isDefault,
    filter: filter?.text ?? '',
    label: labels.length === 1 ? labels[0] : undefined,
    source,
  };
}

/** At ':' outside of texts. */
function partsOf(spec: string): Part[] {
  const found: Part[] = [];
  let quoted = false;
  let begin = 0;
  for (let at = 0; at <= spec.length; at++) {
    if (spec[at] === '"') quoted = !quoted;
    if (at < spec.length && (quoted || spec[at] !== ':')) continue;
    found.push({ text: spec.slice(begin, at), at: begin });
    begin = at + 1;
  }
  return found;
}

function placeOf(source: ProbeText, kindPart: Part, library: Part, call: Part) {
  const kind = kindPart.text.trim();
  if (!isProbeKind(kind)) throw source.fault(kindPart.at, `the type is '${kind}'`, "'p', 'r', 't' or 'u'");
  const match = /^(\s*([^\s(]+)\s*\()([\s\S]*)\)\s*$/.exec(call.text);
  if (!match) {
    throw source.fault(call.at, `'${call.text}' is no function with a signature`, 'FUNCTION(TYPE NAME, …), FUNCTION()');
  }
  const [, begin = '', name = '', signature = ''] = match;
  if (kind === 'u' && library.text === '') {
    throw source.fault(library.at, 'the program or library of a USDT probe is needed', 'u:LIBRARY:PROBE()');
  }
  if (kind === 't' && library.text === '') {
    throw source.fault(library.at, 'the category of a tracepoint is needed', 't:CATEGORY:EVENT()');
  }
  const place: ProbePlace = { kind, library: library.text, name };
  return { place, signature: { text: signature, at: call.at + begin.length } };
}

function checkHistogram(source: ProbeText, types: Part, values: readonly Value[]): void {
  if (values.length > 1) throw source.fault(types.at, 'a histogram of several values', 'one type and one expression');
  if (isText(values[0] as Value)) throw source.fault(types.at, 'a histogram of texts', 'a number');
}

export function isText({ type }: Value): boolean {
  return /^(?:const )?char\s*\*$/.test(type);
}

function usualValue({ kind }: ProbePlace): Value {
  return kind === 'r' ? { type: 'int', expression: '$retval' } : { type: 'u64', expression: '1' };
}

function valuesOf(source: ProbeText, typeList: Part, expressionList: Part): Value[] {
  const types = split(typeList);
  const expressions = split(expressionList);
  for (const { text, at } of types) if (text === '') throw source.fault(at, 'a type is empty', 'a type of C');
  for (const { text, at } of expressions) {
    if (text === '') throw source.fault(at, 'an expression is empty', 'an expression in C');
  }
  if (types.length !== expressions.length) {
    const [first, second] = [count(types.length, 'type'), count(expressions.length, 'expression')];
    throw source.fault(typeList.at, `${first} and ${second}`, 'a type for each expression');
  }
  return types.map(({ text }, index) => ({ type: text, expression: expressions[index]?.text ?? '' }));
}

function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

function parametersOf(source: ProbeText, signature: Part): Parameter[] {
  if (signature.text.trim() === '') return [];
  return split(signature).map(({ text, at }) => {
    const [, type = '', name = ''] = /^([\s\S]*[\s*])(\w+)$/.exec(text) ?? [];
    if (name === '') throw source.fault(at, `'${text}' is no parameter`, 'a type and a name');
    return { type: type.trim(), name };
  });
}

/** At commas outside of brackets and texts. */
function split(list: Part): Part[] {
  const found: Part[] = [];
  let depth = 0;
  let quoted = false;
  let begin = 0;
  for (let at = 0; at <= list.text.length; at++) {
    const letter = list.text[at] ?? ',';
    if (letter === '"') quoted = !quoted;
    if (!quoted && '([{'.includes(letter)) depth++;
    if (!quoted && ')]}'.includes(letter)) depth--;
    if (at < list.text.length && (letter !== ',' || depth > 0 || quoted)) continue;
    found.push(trimmed({ text: list.text.slice(begin, at), at: list.at + begin }));
    begin = at + 1;
  }
  return found;
}

function trimmed({ text, at }: Part): Part {
  const space = /^\s*/.exec(text)?.[0].length ?? 0;
  return { text: text.trim(), at: at + space };
}
