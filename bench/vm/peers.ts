import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ProgramRow } from './machine.ts';

/**
 * What the compiler is compared with, each in a process of its own that answers a line with a line: the running
 * kernel's compiler, and gcc. Where one is missing `start…` says why in a line.
 */
export interface Peer {
  readonly name: string;
  has(program: string): boolean;
  /** Nanoseconds for `count` packets, `step` bytes from one to the next, and the low 32 bits of the sum of answers. */
  time(program: string, count: number, step: number): Promise<{ ns: number; sum: number }>;
  close(): void;
}

const head = 64;
/** Bytes that the kernel's programs may reach of their one map value. */
const mapBytes = head + 0x200000 + 1024;

class LineProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  #errors = '';

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#waiting.shift()?.resolve(line));
    this.#child.stderr.on('data', (data: Buffer) => {
      this.#errors += data.toString();
    });
    const end = (): void => {
      const why = this.#errors.trim().split('\n').at(-1) || 'it ended';
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(why));
    };
    this.#child.on('error', end);
    this.#child.on('close', end);
    this.#child.stdin.on('error', end);
  }

  ask(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${line}\n`);
    });
  }

  close(): void {
    this.#child.stdin.end();
  }
}

/** The kernel's compiler, through bpf(2) in a small Python script. */
export async function startKernel(
  programs: Readonly<Record<string, ProgramRow>>,
  packets: Uint8Array,
  keys: readonly string[],
): Promise<Peer | string> {
  const child = new LineProcess('python3', [sourceOf('kernel.py')]);
  const area = new Uint8Array(mapBytes);
  area.set(packets, head);
  const loops = Object.entries(programs).filter(([name]) => name.startsWith('loop/'));
  const setup = { programs: Object.fromEntries(loops), packets: Buffer.from(area).toString('hex'), keys };
  try {
    await child.ask(JSON.stringify(setup));
  } catch (error) {
    return `no kernel to compare with: ${(error as Error).message}`;
  }
  return {
    name: 'kernel',
    has: (program) => programs[`loop/${program}`] !== undefined,
    time: async (program, count, step) => {
      const answer = JSON.parse(await child.ask(JSON.stringify({ run: `loop/${program}`, count, step })));
      return { ns: answer.ns, sum: answer.sum >>> 0 };
    },
    close: () => child.close(),
  };
}

/** gcc -O2 of the same C. */
export async function startNative(packets: Uint8Array): Promise<Peer | string> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-vm-'));
  const binary = join(folder, 'native');
  const file = join(folder, 'packets');
  try {
    execFileSync('gcc', ['-O2', '-o', binary, sourceOf('native.c')], { stdio: 'pipe' });
  } catch (error) {
    rmSync(folder, { recursive: true });
    return `no gcc to compare with: ${(error as Error).message.split('\n')[0]}`;
  }
  const area = new Uint8Array(head + packets.length);
  area.set(packets, head);
  writeFileSync(file, area);
  const child = new LineProcess(binary, [file]);
  const known = ['flow', 'parse', 'primes'];
  return {
    name: 'gcc -O2',
    has: (program) => known.includes(program),
    time: async (program, count, step) => {
      const [ns, sum] = (await child.ask(`${program} ${count} ${step}`)).split(' ');
      return { ns: Number(ns), sum: Number(BigInt(sum as string) & 0xffffffffn) };
    },
    close: () => {
      child.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A file beside the bench's sources: the bench itself may run from what was compiled of it. */
export function sourceOf(name: string): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  return join(here.replace(/([\\/])dist([\\/])/, '$1'), name);
}
