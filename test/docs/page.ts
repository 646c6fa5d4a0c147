import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { registerStripping } from '../scenario/strip-types.ts';

/**
 * A page of docs/ as something to try: its code blocks that name a file are written there, in a folder of their own
 * outside the repository, and its console blocks are typed. A later block of the same file replaces the earlier one.
 *
 *   ```ts opens.ts             a file
 *   ```console                 `$ command` lines, each with the output that follows it; a line `…` stands for any lines, `…` in a line for any text
 */
export interface Block {
  readonly language: string;
  /** The file that it is, or undefined. */
  readonly file: string | undefined;
  readonly text: string;
  /** Line of the page. */
  readonly line: number;
}

export interface Typed {
  readonly line: number;
  readonly command: string;
  readonly expected: readonly string[];
  /** The files as they stand when it is typed. */
  readonly files: ReadonlyMap<string, string>;
}

export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  for (const match of page.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm)) {
    const [, language = '', file, text = ''] = match;
    const line = page.slice(0, match.index).split('\n').length;
    blocks.push({ language, file, text, line });
  }
  return blocks;
}

/** Every command of a page. */
export function typedIn(page: string): Typed[] {
  const files = new Map<string, string>();
  return blocksOf(page).flatMap((block) => {
    if (block.file !== undefined) files.set(block.file, block.text);
    if (block.language !== 'console') return [];
    const standing = new Map(files);
    const commands: { line: number; command: string; expected: string[] }[] = [];
    for (const [i, text] of block.text.trimEnd().split('\n').entries()) {
      if (text.startsWith('$ ')) commands.push({ line: block.line + i + 1, command: text.slice(2), expected: [] });
      else commands.at(-1)?.expected.push(text);
    }
    return commands.map((one) => ({ ...one, files: standing }));
  });
}

export interface Answer {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/**
 * Types every command, all in one Node process: modules of users go through Node's own loader, which a test runner
 * stands in for. It runs from the sources, whose types are stripped on the way in.
 */
export function answersTo(typed: readonly Typed[]): Answer[] {
  const folder = mkdtempSync(join(tmpdir(), 'tracebed-page-'));
  try {
    const jobs = typed.map(({ command, files }, i) => {
      // A folder for each: a module is loaded once a process.
      const own = join(folder, String(i));
      mkdirSync(own);
      for (const [name, text] of files) writeFileSync(join(own, name), text);
      return { folder: own, argv: wordsOf(command).slice(1) };
    });
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', main, JSON.stringify(jobs)], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    return JSON.parse(output) as Answer[];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Words of a command line, single and double quotes as a shell has them. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
}

const main = `${registerStripping}
import { PassThrough, Writable } from 'node:stream';
const { run } = await import(${JSON.stringify(new URL('../../src/cli/index.ts', import.meta.url).href)});
class Gathered extends Writable {
  text = '';
  _write(chunk, encoding, done) { this.text += chunk; done(); }
}
const answers = [];
for (const { folder, argv } of JSON.parse(process.argv[1])) {
  process.chdir(folder);
  const [stdout, stderr] = [new Gathered(), new Gathered()];
  const code = await run(argv, { stdin: new PassThrough(), stdout, stderr, env: { TERM: 'dumb' } });
  answers.push({ out: stdout.text, err: stderr.text, code });
}
console.log(JSON.stringify(answers));
`;

export function pageOf(name: string): string {
  return readFileSync(pageFile(name), 'utf8');
}

/** What a console block says is a form of: `…` stands for any lines. */
export function outputForm(expected: readonly string[]): RegExp {
  const lines = expected.map((line) =>
    line === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(escaped).join('.*')}\\n`,
  );
  return new RegExp(`^${lines.join('')}$`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** The page with what its commands print now, but where `…` stands for something. For whoever changed what they print. */
export function rewritten(page: string, typed: readonly Typed[], answers: readonly Answer[]): string {
  const lines = page.split('\n');
  for (const [i, { line, expected }] of [...typed.entries()].reverse()) {
    const { out, err } = answers[i] as Answer;
    if (!expected.some((text) => text.includes('…')))
      lines.splice(line, expected.length, ...`${out}${err}`.trimEnd().split('\n'));
  }
  return lines.join('\n');
}

/** Where a page lies, and whether this run is to write what its commands print: PAGES=write vitest run test/docs. */
export const pageFile = (name: string): URL => new URL(`../../docs/${name}`, import.meta.url);
export const writing = process.env.PAGES === 'write';
