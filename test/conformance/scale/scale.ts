import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { loadProfile } from '../../../src/btf/index.ts';
import { compileC, type IncludeFile } from '../../../src/cc/index.ts';
import { BpfError, loadObject } from '../../../src/client/index.ts';
import { boot } from '../../../src/sim/index.ts';
import { families } from './families-of-c.ts';

/**
 * How the compiler's and the verifier's time grow with a text: `npm run conformance:scale -- [FAMILY]`. Each family is
 * measured in a process of its own that a limit of time ends.
 */
const [only = '', child] = process.argv.slice(2);

interface Measured {
  readonly n: number;
  readonly length: number;
  readonly compile: number;
  readonly load: number;
  readonly heap: number;
  readonly said: string;
}

const timeLimit = 20_000;
/** CPU in ms behind which no larger size is tried. */
const enough = 1500;
const longestText = 2_000_000;

if (child === undefined) await measureAll();
else measure(child);

async function measureAll(): Promise<void> {
  for (const [group, list] of Object.entries(families)) {
    for (const name of Object.keys(list)) {
      const full = `${group}/${name}`;
      if (full.includes(only)) report(full, await measured(full));
    }
  }
}

function measured(full: string): Promise<{ rows: Measured[]; end: string }> {
  return new Promise((resolve) => {
    const rows: Measured[] = [];
    let end = '';
    let errors = '';
    const process = fork(fileURLToPath(import.meta.url), [only, full], {
      execArgv: ['--max-old-space-size=1500'],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    const timer = setTimeout(() => {
      end = `HUNG at ${(rows.at(-1)?.n ?? 0) * 2}`;
      process.kill('SIGKILL');
    }, timeLimit * 2);
    process.stderr?.on('data', (data: Buffer) => {
      errors += data.toString();
    });
    process.on('message', (row: Measured) => rows.push(row));
    process.on('close', (code) => {
      clearTimeout(timer);
      if (end === '' && code !== 0)
        end = `CRASHED: ${errors.split('\n').filter((line) => /Error|heap/.test(line))[0] ?? errors.slice(0, 300)}`;
      resolve({ rows, end });
    });
  });
}

function report(full: string, { rows, end }: { rows: Measured[]; end: string }): void {
  const steps = rows.map(
    ({ n, compile, load }) => `${n}:${compile.toFixed(0)}${load > 0 ? `+${load.toFixed(0)}` : ''}`,
  );
  const last = rows.at(-1);
  const grows = (step: 'compile' | 'load'): string => {
    const big = rows.filter((row) => row[step] > 40 && row.said === last?.said);
    const [before, after] = big.slice(-2);
    if (!before || !after || before.n * 1.9 > after.n) return '';
    const exponent = Math.log(after[step] / before[step]) / Math.log(after.length / before.length);
    return exponent > 1.35 ? ` ${step}^${exponent.toFixed(1)}` : '';
  };
  const slow = rows.some((row) => row.compile > 1000 || row.load > 3000) ? ' SLOW' : '';
  const big = rows.some((row) => row.heap > 500) ? ` ${Math.max(...rows.map((row) => row.heap)).toFixed(0)}MB` : '';
  console.log(
    `${end === '' ? 'ok' : end}${slow}${grows('compile')}${grows('load')}${big}\t${full}\t${steps.join(' ')}\t${last?.said ?? ''}`,
  );
}

function cpu<T>(run: () => T): [T, number] {
  const start = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(start);
  return [result, (user + system) / 1000];
}

function measure(full: string): void {
  const [group = '', name = ''] = full.split('/');
  const family = families[group]?.[name];
  if (!family) throw new Error(`no family ${full}`);
  const profile = loadProfile('6.1');
  const machine = boot({ profile, cpus: 2 });
  compileC('int kprobe__vfs_read(struct pt_regs *ctx) { return 0; }', { profile });
  const { from = 50, upTo = 1 << 20 } = family;
  for (let n = from; n <= upTo; n = Math.max(n + 1, n * 2)) {
    const text = family.text(n);
    if (text.length > longestText) break;
    const includes = (path: string): IncludeFile | undefined => (path === 'self.h' ? { name: path, text } : undefined);
    const [{ object, diagnostics }, compile] = cpu(() => compileC(text, { file: 'tool.c', profile, includes }));
    const heap = process.memoryUsage().heapUsed / 1e6;
    let load = 0;
    const first = diagnostics.find((one) => one.severity === 'error') ?? diagnostics[0];
    let said = first ? `${first.severity} ${first.at.line}:${first.at.column} ${first.message.slice(0, 150)}` : '';
    if (object) {
      [said, load] = cpu(() => {
        try {
          loadObject(machine, object).close();
          return `loaded ${object.programs.reduce((sum, one) => sum + one.code.length / 8, 0)}`;
        } catch (fault) {
          if (!(fault instanceof BpfError)) throw fault;
          return `refused: ${fault.message.slice(0, 200).replaceAll('\n', ' | ')}`;
        }
      });
    } else if (!first) said = 'NOTHING SAID';
    process.send?.({ n, length: text.length, compile, load, heap, said } satisfies Measured);
    if (compile > enough || load > enough * 2) break;
  }
  process.disconnect?.();
}
