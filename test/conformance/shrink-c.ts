import { loadProfile } from '../../src/btf/index.ts';
import { prelude, randomInput, randomProgram } from '../cc/random-c/index.ts';
import { compiledObject, runCode, runnable } from '../cc/run-c.ts';
import { engines } from '../vm/engines.ts';
import { verified } from './bcc-texts.ts';
import { clangObject } from './clang-peer.ts';
import { resultsOf } from './gcc-peer.ts';

/**
 * Makes a random program smaller, as long as C defines what it means, on several inputs, and gcc and tracebed disagree
 * about it; or as long as our verifier refuses it, and takes what clang makes of it if it took that of the whole:
 *   npm run conformance:shrink -- SEED [differ|refused]
 */
const [seedText = '1', wanted = 'differ'] = process.argv.slice(2);
const seed = Number(seedText);
const input = randomInput(seed);
const profile = loadProfile('6.1');
const strict = `-w -O1 -fwrapv -fno-strict-aliasing -fsanitize=undefined,address -fno-sanitize-recover=all
  -Werror=uninitialized -Werror=maybe-uninitialized -Werror=return-type`.split(/\s+/);

function meaning(text: string, flags: readonly string[] = strict): string | undefined {
  try {
    const inputs = [input, ...[1, 2, 3, 4, 5].map((other) => randomInput(seed + other))];
    const all = resultsOf(
      inputs.map((one, i) => ({ seed: seed + i, text, input: one })),
      'gcc',
      flags,
    );
    return all.includes('trap') ? undefined : all[0];
  } catch {
    return undefined;
  }
}

function ours(text: string): { answers: string[]; refused: string } {
  try {
    const object = compiledObject(prelude + text, profile);
    const [program] = object.programs;
    const verdict = program && verified(object, program, profile.btf);
    const refused = verdict?.verdict === 'accept' ? '' : (verdict?.message.replace(/-?\d+/g, 'N') ?? '');
    return { answers: engines.map((engine) => runCode(runnable(object), input, engine).toString()), refused };
  } catch (fault) {
    return {
      answers: [`fails: ${(fault as Error).message.split('\n')[0]?.replace(/\d+/g, 'N').slice(0, 60)}`],
      refused: '',
    };
  }
}

function clangIsTaken(text: string): boolean {
  try {
    const object = clangObject(prelude + text);
    const [program] = object.programs;
    return program !== undefined && verified(object, program, profile.btf).verdict === 'accept';
  } catch {
    return false;
  }
}

const whole = randomProgram(seed);
const start = ours(whole);
const clangTook = wanted === 'refused' && clangIsTaken(whole);
const fails = start.answers[0]?.startsWith('fails') ? start.answers[0] : undefined;

/** Cheap questions first. */
function interesting(text: string): boolean {
  const { answers, refused } = ours(text);
  if (wanted === 'refused') {
    if (refused === '' || refused !== start.refused || meaning(text) === undefined) return false;
    return !clangTook || clangIsTaken(text);
  }
  if (fails) return answers[0] === fails && meaning(text) !== undefined;
  if (answers[0]?.startsWith('fails')) return false;
  const quick = meaning(text, ['-w', '-O0', '-fwrapv']);
  if (quick === undefined || answers.every((one) => one === quick)) return false;
  return meaning(text) === quick;
}

function withoutLines(text: string): string {
  let lines = text.split('\n');
  for (let size = Math.ceil(lines.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < lines.length; ) {
      const fewer = lines.toSpliced(at, size);
      if (interesting(fewer.join('\n'))) lines = fewer;
      else at += size;
    }
  }
  return lines.join('\n');
}

/** Brackets that belong together, the outermost first. */
function groups(text: string): [number, number][] {
  const open: number[] = [];
  const found: [number, number][] = [];
  for (const [i, one] of [...text].entries()) {
    if ('({'.includes(one)) open.push(i);
    if (')}'.includes(one)) found.push([open.pop() ?? 0, i]);
  }
  return found.sort((a, b) => a[0] - b[0]);
}

function withoutGroups(text: string): string {
  let at = 0;
  let rest = text;
  for (let group = groups(rest)[at]; group; group = groups(rest)[at]) {
    const [from, to] = group;
    const inner = rest.slice(from + 1, to);
    const around = (middle: string): string => rest.slice(0, from) + middle + rest.slice(to + 1);
    const parts = splitTop(inner);
    const tries = ['0', '1', '', ...(inner.length > 1 ? [inner, ...parts.map((part) => `(${part})`)] : []), '{ }'];
    const better = tries.map(around).find((one) => one.length < rest.length && interesting(one));
    if (better) rest = better;
    else at++;
  }
  return rest;
}

/** The operands of the operators that no bracket encloses. */
function splitTop(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const one of text.split(/(\s[?:%&|^<>=!+*/-]+\s|,\s|[()[\]{}])/)) {
    if ('([{'.includes(one) && one !== '') depth++;
    if (')]}'.includes(one) && one !== '') depth--;
    if (depth === 0 && /^(\s\S+\s|,\s)$/.test(one)) {
      parts.push(part);
      part = '';
    } else part += one;
  }
  return [...parts, part];
}

let text = whole;
if (!interesting(text))
  throw new Error(`seed ${seed} says nothing: ${meaning(text)} and ${start.answers} ${start.refused}`);
for (let before = ''; before !== text; ) {
  before = text;
  text = withoutGroups(withoutLines(text));
}
console.log(text);
console.log(`gcc ${meaning(text)}, tracebed ${ours(text).answers} ${ours(text).refused}`);
console.log(`in = ${input.map((word) => `0x${word.toString(16)}`).join(', ')}`);
