import {
  BPF,
  BpfError,
  type BpfOptions,
  CompileError,
  findBinary,
  type Kernel,
  nearestHint,
  parseUsdtArguments,
  USDT,
  UsageError,
} from 'tracebed';

/**
 * Where trace and argdist look: the entry or return of a function, a tracepoint, a USDT probe, in BCC's form
 * `{p,r,t,u}:{[library],category}:name`. Here a place becomes a program's parameters and is attached to.
 */
export interface ProbePlace {
  readonly kind: ProbeKind;
  /** Of a function or USDT probe: its library or program, empty for the kernel. Of a tracepoint: its category. */
  readonly library: string;
  /** Function, tracepoint's event or USDT probe; that one perhaps with its provider, `shop:request__start`. */
  readonly name: string;
  /** Bytes behind a function's begin. */
  readonly offset?: number;
}

/** Entry and return of a function, tracepoint, USDT probe. */
export type ProbeKind = 'p' | 'r' | 't' | 'u';

export function isProbeKind(text: string): text is ProbeKind {
  return text === 'p' || text === 'r' || text === 't' || text === 'u';
}

/** A fault of the text that was typed, with a caret below the column that it is in. */
export class ProbeText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** @param index of the letter that is wrong, from 0 */
  fault(index: number, why: string, expected?: string, hint?: string): UsageError {
    const at = { file: 'probe', column: Math.min(index, this.text.length) + 1, text: this.text };
    return new UsageError(why, {
      at,
      ...(expected === undefined ? {} : { expected }),
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** Whether a place is a system call's function, whose arguments lie in the registers of user space. */
export function isSyscall({ kind, library, name }: ProbePlace): boolean {
  return kind === 'p' && library === '' && /^__(?:x64|ia32|arm64)_sys_/.test(name);
}

/** The parameters of a program at a place. @param signature what the user says of a function's parameters, in C */
export function parametersText({ kind, library, name }: ProbePlace, signature: string): string {
  if (kind === 't') return `struct tracepoint__${library}__${name} *args`;
  return kind === 'p' && signature !== '' ? `struct pt_regs *ctx, ${signature}` : 'struct pt_regs *ctx';
}

/** Lines that include headers: by their path where they begin with `.` or `/`, else from the kernel's. */
export function includeLines(headers: readonly string[], absolute: (path: string) => string): string[] {
  return headers.map((header) => (/^[./]/.test(header) ? `#include "${absolute(header)}"` : `#include <${header}>`));
}

/**
 * C that declares `arg1`, `arg2`… of a USDT probe, as far as the expressions use them.
 * @param fault what to throw of an argument that the probe does not have
 */
export function usdtArgumentLines(
  kernel: Kernel,
  { library, name }: ProbePlace,
  expressions: readonly string[],
  fault: (name: string, expected: string) => Error,
): string[] {
  const probe = findBinary(kernel, library).probes.find((one) => isNamed(one, name));
  const known = probe ? parseUsdtArguments(probe.arguments) : [];
  const used = expressions.flatMap((text) => [...text.matchAll(/\barg(\d+)\b/g)].map((match) => Number(match[1])));
  return [...new Set(used)]
    .sort((a, b) => a - b)
    .flatMap((number) => {
      const argument = known[number - 1];
      if (!argument) {
        throw fault(
          `arg${number}`,
          known.length === 0 ? 'no arguments: the probe has none' : `arg1 to arg${known.length}`,
        );
      }
      const type = `${argument.signed ? 's' : 'u'}${argument.size * 8}`;
      return [`${type} arg${number} = 0;`, `bpf_usdt_readarg(${number}, ctx, &arg${number});`];
    });
}

function isNamed(probe: { readonly provider: string; readonly name: string }, name: string): boolean {
  return name === probe.name || name === `${probe.provider}:${probe.name}`;
}

/**
 * The address, in C, of a tracepoint's text of changing length: `args->filename` of a `__data_loc char[] filename`, which
 * BCC's C knows as `args->data_loc_filename`. Undefined for another expression.
 */
export function dynamicTextAddress(
  kernel: Kernel,
  { kind, library, name }: ProbePlace,
  expression: string,
): string | undefined {
  const field = kind === 't' ? /^args->(?:data_loc_)?(\w+)$/.exec(expression)?.[1] : undefined;
  const fields = field === undefined ? [] : (kernel.profile.tracepoint(`${library}:${name}`)?.fields ?? []);
  const isDynamic = fields.some((one) => one.name === field && one.dynamic && one.type.startsWith('__data_loc'));
  return isDynamic ? `(void *)args + (args->data_loc_${field} & 0xffff)` : undefined;
}

/** C that both tools begin with: the text at an address, which is one of user space in the lower half. */
export const readTextFunction = `static inline void read_text(char *text, u32 size, u64 address)
{
    if ((s64)address < 0)
        bpf_probe_read_kernel_str(text, size, (void *)address);
    else
        bpf_probe_read_user_str(text, size, (void *)address);
}`;

/** BCC's STRCMP("text", address): functions in C that compare, and expressions that call them. */
export class TextComparisons {
  readonly functions: string[] = [];
  readonly #prefix: string;
  readonly #binary: boolean;

  /** @param binary the text is `{0x68, 0x69, 0}`: bytes, of which the last one is not compared, as a text's NUL */
  constructor(prefix: string, binary = false) {
    this.#prefix = prefix;
    this.#binary = binary;
  }

  /** The expression with its comparisons as calls. */
  translate(expression: string): string {
    return expression.replace(/\bSTRCMP\(\s*("(?:[^"\\]|\\.)*")\s*,/g, (_, wanted: string) => {
      const name = `${this.#prefix}${this.functions.length}`;
      this.functions.push(comparison(name, this.#binary ? wanted.slice(1, -1) : wanted));
      return `${name}((u64)`;
    });
  }
}

/** Whether what lies at an address begins as `wanted`, as BCC's STRCMP has it. Bytes may hold zeros: they are read whole. */
function comparison(name: string, wanted: string): string {
  const read = wanted.startsWith('"')
    ? '    read_text(found, sizeof(found), address);'
    : `    if ((s64)address < 0)
        bpf_probe_read_kernel(found, sizeof(found), (void *)address);
    else
        bpf_probe_read_user(found, sizeof(found), (void *)address);`;
  return `static inline int ${name}(u64 address)
{
    char wanted[] = ${wanted};
    char found[sizeof(wanted)] = {};
${read}
    for (int i = 0; i < sizeof(wanted) - 1; i++)
        if (found[i] != wanted[i])
            return 0;
    return 1;
}`;
}

/** A probe as it was typed, and the words beside C's that its expressions may use: `arg1`, `$retval`. */
export interface TypedProbe {
  readonly source: ProbeText;
  readonly words: readonly string[];
}

/**
 * Compiles the text that was made of probes. What is wrong with it is wrong in an expression that the user typed.
 * @throws UsageError with a caret in the probe that has the word at fault, else with the compiler's own lines
 */
export function compileProbes(kernel: Kernel, options: BpfOptions, probes: readonly TypedProbe[]): BPF {
  try {
    return new BPF(kernel, { ...options, cflags: ['-I/'] });
  } catch (fault) {
    if (!(fault instanceof CompileError)) throw fault;
    const [first] = fault.diagnostics.filter(({ severity }) => severity === 'error');
    const { text = '', column = 1 } = first?.at ?? {};
    const word = /^[\w$]+/.exec(text.slice(column - 1))?.[0];
    const probe = first && word && probes.find(({ source }) => wordIndex(source.text, word) >= 0);
    if (!probe) throw new UsageError(fault.message, { cause: fault });
    const at = wordIndex(probe.source.text, word);
    if (!first.message.includes('undeclared identifier')) {
      throw probe.source.fault(at, first.message, undefined, first.hint);
    }
    const expected = `C with ${probe.words.join(', ')}`;
    throw probe.source.fault(at, first.message, expected, nearestHint(word, probe.words).hint);
  }
}

/** Where a word stands in a text; -1 for nowhere. A `$` belongs to a word. */
function wordIndex(text: string, word: string): number {
  return text.search(new RegExp(`(?<![\\w$])${word.replaceAll('$', '\\$')}(?![\\w$])`));
}

/** Names of the parameters that the user told of a function: `struct file *file, size_t count`. */
export function parameterNames(signature: string): string[] {
  return signature.split(',').flatMap((one) => /(\w+)\W*$/.exec(one)?.[1] ?? []);
}

/** The USDT probes among the places, enabled for `new BPF`: they are attached with it. */
export function enableUsdt(
  kernel: Kernel,
  places: readonly ProbePlace[],
  programName: (index: number) => string,
  process: number | undefined,
): USDT[] {
  const only = process === undefined ? {} : { pid: process };
  return places.flatMap(({ kind, library, name }, index) =>
    kind === 'u'
      ? [
          asTyped(() =>
            new USDT(kernel, { path: library, ...only }).enableProbe({ probe: name, fnName: programName(index) }),
          ),
        ]
      : [],
  );
}

/** What the kernel refuses is a place that the user typed. @throws UsageError */
function asTyped<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause;
    throw new UsageError(cause.message, { cause, ...(cause.hint === undefined ? {} : { hint: cause.hint }) });
  }
}

/**
 * Attaches a program at a place that is no USDT probe.
 * @param process user functions only in this process
 * @throws UsageError with the nearest names for a place that is not there, or cannot be attached to
 */
export function attachAtPlace(bpf: BPF, place: ProbePlace, fnName: string, process: number | undefined): void {
  if (place.kind === 'u') return;
  checkKnown(bpf.kernel, place);
  asTyped(() => attach(bpf, place, fnName, process));
}

function attach(bpf: BPF, place: ProbePlace, fnName: string, process: number | undefined): void {
  const { kind, library, name, offset } = place;
  if (kind === 't') {
    bpf.attachTracepoint({ tp: `${library}:${name}`, fnName });
  } else if (library === '') {
    if (kind === 'r') bpf.attachKretprobe({ event: name, fnName });
    else bpf.attachKprobe({ event: name, fnName, ...(offset === undefined ? {} : { eventOff: offset }) });
  } else {
    const at = { name: library, sym: name, ...(process === undefined ? {} : { pid: process }) };
    if (kind === 'r') bpf.attachUretprobe({ ...at, fnName });
    else bpf.attachUprobe({ ...at, fnName, ...(offset === undefined ? {} : { symOff: offset }) });
  }
}

/** @throws UsageError for a function or tracepoint of the kernel that is not there, with the nearest names */
export function checkKnown(kernel: Kernel, { kind, library, name }: ProbePlace): void {
  if (kind === 'u' || (kind !== 't' && library !== '')) return;
  const what = kind === 't' ? 'tracepoint' : 'function';
  const wanted = kind === 't' ? `${library}:${name}` : name;
  const known = new Set(kind === 't' ? kernel.tracepoints() : kernel.functions());
  if (known.has(wanted)) return;
  const call = kind === 't' ? undefined : /^(?:sys|SyS)_(\w+)$/.exec(name)?.[1];
  const functionOfCall = `__x64_sys_${call}`;
  throw new UsageError(`Linux ${kernel.profile.release} has no ${what} '${wanted}'`, {
    ...(known.has(functionOfCall)
      ? { hint: `the system call's function is ${functionOfCall}` }
      : nearestHint(wanted, known, `tracebed events '*${name}*' looks for it`)),
  });
}
