import { isProbeKind, type ProbePlace, ProbeText } from '../probe-place.ts';

/**
 * What a probe of trace says, in BCC's form:
 *
 *   probe = place [ '(' signature ')' ] [ '(' predicate ')' ] [ '"' format '"' { ',' expression } ]
 *   place = [ [ p | r ] ':' [ library ] ':' ] function [ '+' offset ]
 *         | library ':' function | 't' ':' category ':' event | 'u' ':' library ':' [ provider ':' ] probe
 *
 * The signature stands at once behind the place; a bracket behind a space begins the predicate.
 */
export interface TraceProbe {
  readonly place: ProbePlace;
  /** C, without its brackets; empty for none. */
  readonly signature: string;
  /** C; undefined for none. */
  readonly predicate: string | undefined;
  /** For sprintf; empty for none. */
  readonly format: string;
  readonly values: readonly TraceValue[];
  /** As it was typed. */
  readonly source: ProbeText;
}

/** One conversion of the format with the expression that it shows. */
export interface TraceValue {
  /** `d`, `llx`, `s`, `K`. */
  readonly conversion: string;
  readonly expression: string;
  /** Where it begins in what was typed. */
  readonly at: number;
}

/** A conversion and what a value of it is held in; a text has no type of its own. */
export const conversionTypes: Readonly<Record<string, string>> = {
  s: '',
  c: 'char',
  hd: 'short',
  hu: 'unsigned short',
  d: 'int',
  u: 'unsigned int',
  x: 'unsigned int',
  ld: 'long',
  lu: 'unsigned long',
  lx: 'unsigned long',
  lld: 'long long',
  llu: 'unsigned long long',
  llx: 'unsigned long long',
  /** Symbols: of the kernel, of user space. */
  K: 'unsigned long long',
  U: 'unsigned long long',
};

const placeForms = 'FUNCTION, LIBRARY:FUNCTION, r:[LIBRARY]:FUNCTION, t:CATEGORY:EVENT or u:LIBRARY:PROBE';

/** @throws UsageError with a caret below what is wrong */
export function parseProbe(text: string): TraceProbe {
  const source = new ProbeText(text);
  const head = /^[^ \t(]*/.exec(text)?.[0] ?? '';
  const place = parsePlace(source, head);
  let at = head.length;
  let signature = '';
  if (text[at] === '(') {
    const end = closing(source, at);
    signature = text.slice(at + 1, end).trim();
    if (place.kind === 't' || place.kind === 'u') {
      throw source.fault(at, 'only functions have a signature', place.kind === 't' ? 'args->FIELD' : 'arg1, arg2, …');
    }
    at = end + 1;
  }
  at = skipSpace(text, at);
  let predicate: string | undefined;
  if (text[at] === '(') {
    const end = closing(source, at);
    predicate = text.slice(at, end + 1);
    if (predicate.slice(1, -1).trim() === '') throw source.fault(at, 'the predicate is empty', 'a condition in C');
    at = skipSpace(text, end + 1);
  }
  return { place, signature, predicate, source, ...parseAction(source, at) };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (/\s/.test(text[at] ?? '')) at++;
  return at;
}

/** Where the bracket at `open` closes; brackets in texts do not count. */
function closing(source: ProbeText, open: number): number {
  const { text } = source;
  let depth = 0;
  let quoted = false;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '"' && text[at - 1] !== '\\') quoted = !quoted;
    if (quoted) continue;
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return at;
  }
  throw source.fault(open, 'the bracket is not closed', "')'");
}

function parsePlace(source: ProbeText, head: string): ProbePlace {
  if (head === '') throw source.fault(0, 'the place is missing', placeForms);
  const parts = head.split(':');
  const [first = ''] = parts;
  if (parts.length === 1) return functionPlace(source, 'p', '', head, 0);
  if (parts.length === 2) return functionPlace(source, 'p', first, parts[1] ?? '', first.length + 1);
  const kind = first === '' ? 'p' : first;
  if (!isProbeKind(kind)) throw source.fault(0, `the type is '${first}'`, "'p', 'r', 't' or 'u'");
  const library = parts[1] ?? '';
  const from = first.length + 1;
  const behind = from + library.length + 1;
  const name = parts.slice(2).join(':');
  if (kind === 't') {
    if (library === '') throw source.fault(from, 'the category is missing', 't:CATEGORY:EVENT');
    if (!/^\w+$/.test(name)) throw source.fault(behind, `'${name}' is no event of a tracepoint`, 't:CATEGORY:EVENT');
    return { kind, library, name };
  }
  if (kind === 'u') {
    if (library === '') throw source.fault(from, 'the program or library is missing', 'u:LIBRARY:PROBE');
    if (name === '') throw source.fault(behind, 'the probe is missing', 'u:LIBRARY:PROBE');
    return { kind, library, name };
  }
  return functionPlace(source, kind, library, name, behind);
}

/** `function`, `function+0x12`. */
function functionPlace(source: ProbeText, kind: 'p' | 'r', library: string, text: string, at: number): ProbePlace {
  const [name = '', ...offsets] = text.split('+');
  if (name === '') throw source.fault(at, 'the function is missing', placeForms);
  if (name.includes(':')) throw source.fault(at, `too many parts between ':'`, placeForms);
  if (offsets.length === 0) return { kind, library, name };
  const [digits = ''] = offsets;
  const where = at + name.length + 1;
  if (offsets.length > 1 || !/^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(digits)) {
    throw source.fault(where, `'${offsets.join('+')}' is no offset`, 'a decimal number, or 0x and a hexadecimal one');
  }
  if (kind === 'r') throw source.fault(where - 1, 'a return has no offset', 'r:[LIBRARY]:FUNCTION');
  return { kind, library, name, offset: Number(digits) };
}

/** The format and the values that it shows. */
function parseAction(source: ProbeText, from: number): Pick<TraceProbe, 'format' | 'values'> {
  const { text } = source;
  if (from >= text.length) return { format: '', values: [] };
  if (text[from] !== '"')
    throw source.fault(from, 'a format is wanted here', 'a text between quotation marks: "%d", arg1');
  const end = closingQuote(source, from);
  const quoted = text.slice(from + 1, end);
  const conversions = parseConversions(source, quoted, from + 1);
  const expressions = parseExpressions(source, end + 1);
  if (conversions.length !== expressions.length) {
    const [wanted, given] = [conversions.length, expressions.length];
    const at = given > wanted ? (expressions[wanted]?.at ?? end) : from + 1 + (conversions[given]?.at ?? 0);
    throw source.fault(at, `the format has ${count(wanted, 'value')}, ${given} given`, 'an expression for each %');
  }
  const format = conversions.reduceRight(
    (sofar, { at, length, form }) => sofar.slice(0, at) + form + sofar.slice(at + length),
    quoted,
  );
  return {
    format: unescaped(format),
    values: conversions.map(({ conversion }, index) => ({
      conversion,
      expression: expressions[index]?.text ?? '',
      at: expressions[index]?.at ?? 0,
    })),
  };
}

function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

function closingQuote(source: ProbeText, open: number): number {
  const { text } = source;
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  throw source.fault(open, 'the format is not closed', "'\"'");
}

/** `\n`, `\t`, `\"` and `\\` of a format. */
function unescaped(format: string): string {
  const letters: Readonly<Record<string, string>> = { n: '\n', t: '\t' };
  return format.replace(/\\(.)/g, (_, letter: string) => letters[letter] ?? letter);
}

interface ParsedConversion {
  readonly conversion: string;
  /** In the format. */
  readonly at: number;
  readonly length: number;
  /** The same for sprintf. */
  readonly form: string;
}

function parseConversions(source: ProbeText, format: string, from: number): ParsedConversion[] {
  const found: ParsedConversion[] = [];
  for (const match of format.matchAll(/%(?:%|([-0+ #]*\d*(?:\.\d+)?)((?:hh|h|ll|l)?[a-zA-Z]?))/g)) {
    if (match[0] === '%%') continue;
    const [whole, flags = '', conversion = ''] = match;
    if (!Object.hasOwn(conversionTypes, conversion)) {
      const all = Object.keys(conversionTypes).map((one) => `%${one}`);
      throw source.fault(from + match.index, `the format has no '${whole}'`, all.join(' '));
    }
    const letter = 'KU'.includes(conversion) ? 's' : conversion.slice(-1);
    found.push({ conversion, at: match.index, length: whole.length, form: `%${flags}${letter}` });
  }
  return found;
}

/** What stands behind the format: `, expression` each, with commas in brackets and texts left alone. */
function parseExpressions(source: ProbeText, from: number): { readonly text: string; readonly at: number }[] {
  const { text } = source;
  let at = skipSpace(text, from);
  if (at >= text.length) return [];
  if (text[at] !== ',') throw source.fault(at, `'${text.slice(at)}' behind the format`, "',' and an expression");
  const found: { text: string; at: number }[] = [];
  while (at < text.length) {
    const begin = skipSpace(text, at + 1);
    const end = expressionEnd(text, begin);
    const expression = text.slice(begin, end).trim();
    if (expression === '') throw source.fault(begin, 'an expression is missing', 'an expression in C');
    found.push({ text: expression, at: begin });
    at = end;
  }
  return found;
}

/** The comma that ends the expression, or the end. */
function expressionEnd(text: string, begin: number): number {
  let depth = 0;
  let quoted = false;
  for (let at = begin; at < text.length; at++) {
    const letter = text[at] as string;
    if (letter === '"' && text[at - 1] !== '\\') quoted = !quoted;
    if (quoted) continue;
    if ('([{'.includes(letter)) depth++;
    if (')]}'.includes(letter)) depth--;
    if (letter === ',' && depth === 0) return at;
  }
  return text.length;
}
