import { findBinary, type Kernel, parseUsdtArguments, UsageError } from 'tracebed';
import { isText, type Specifier } from './specifier.ts';

/**
 * The C of argdist: for each specifier a table and a program that puts its values there. What a return wants to know of
 * its call, `$entry(name)` and `$latency`, a second program keeps at the entry, by thread.
 */
export interface ProgramOptions {
  readonly process: number | undefined;
  readonly thread: number | undefined;
  /** Bytes that are kept of a text. */
  readonly textSize: number;
  /** Headers to include: `linux/x.h`, or the whole path of a file. */
  readonly headers: readonly string[];
}

/** Names by the specifier's place in the list. */
export const tableName = (index: number): string => `values${index}`;
export const programName = (index: number): string => `collect${index}`;
export const entryName = (index: number): string => `entered${index}`;
/** Fields of a key of counts. */
export const valueField = (index: number): string => `v${index}`;

const entryForm = /\$entry\(\s*(\w+)\s*\)/g;

/** Whether a specifier's return asks for what only its entry knows. */
export function needsEntry(specifier: Specifier): boolean {
  return specifier.kind === 'r' && expressionsOf(specifier).some((text) => /\$entry\b|\$latency\b/.test(text));
}

/** @throws UsageError for an $entry of no parameter */
export function programSource(kernel: Kernel, specifiers: readonly Specifier[], options: ProgramOptions): string {
  return [
    preamble(options),
    ...specifiers.flatMap((specifier, index) => [
      tableText(specifier, index),
      ...(needsEntry(specifier) ? [entryText(specifier, index)] : []),
      collectText(kernel, specifier, index),
    ]),
    '',
  ].join('\n\n');
}

function expressionsOf({ values, filter }: Specifier): string[] {
  return [...values.map(({ expression }) => expression), filter];
}

function preamble({ process, thread, textSize, headers }: ProgramOptions): string {
  const conditions = [
    ...(process === undefined ? [] : [`bpf_get_current_pid_tgid() >> 32 == ${process}`]),
    ...(thread === undefined ? [] : [`(u32)bpf_get_current_pid_tgid() == ${thread}`]),
  ];
  return `#include <uapi/linux/ptrace.h>
${headers.map((header) => (header.startsWith('/') ? `#include "${header}"\n` : `#include <${header}>\n`)).join('')}
struct text {
    char s[${textSize}];
};

static inline int wanted(void)
{
    return ${conditions.length === 0 ? '1' : conditions.join(' && ')};
}

// The text at an address: in user space where it lies in the lower half.
static inline void read_text(char *text, u32 size, u64 address)
{
    if ((s64)address < 0)
        bpf_probe_read_kernel_str(text, size, (void *)address);
    else
        bpf_probe_read_user_str(text, size, (void *)address);
}`;
}

function tableText({ as, values }: Specifier, index: number): string {
  if (as === 'histogram') return `BPF_HISTOGRAM(${tableName(index)});`;
  const fields = values.map((value, i) => `    ${isText(value) ? 'struct text' : value.type} ${valueField(i)};`);
  return [`struct key${index} {`, ...fields, '};', `BPF_HASH(${tableName(index)}, struct key${index}, u64);`].join(
    '\n',
  );
}

/** The parameters that $entry asks for. */
function entryParameters(specifier: Specifier): Specifier['parameters'] {
  const names = new Set(
    expressionsOf(specifier).flatMap((text) => [...text.matchAll(entryForm)].map((match) => match[1])),
  );
  for (const name of names) {
    if (specifier.parameters.some((parameter) => parameter.name === name)) continue;
    throw new UsageError(`probe '${specifier.text}': $entry(${name}) is no parameter`, {
      expected: specifier.parameters.map((parameter) => parameter.name).join(', ') || 'parameters in the signature',
    });
  }
  return specifier.parameters.filter(({ name }) => names.has(name));
}

function entryText(specifier: Specifier, index: number): string {
  const kept = entryParameters(specifier);
  return `struct call${index} {
    u64 time;
${kept.map(({ type, name }) => `    ${type} ${name};\n`).join('')}};
BPF_HASH(calls${index}, u32, struct call${index});

int ${entryName(index)}(${contextAnd(specifier)})
{
    if (!wanted())
        return 0;
    u32 thread = bpf_get_current_pid_tgid();
    struct call${index} call = {};
    call.time = bpf_ktime_get_ns();
${kept.map(({ name }) => `    call.${name} = ${name};\n`).join('')}    calls${index}.update(&thread, &call);
    return 0;
}`;
}

function contextAnd({ parameters }: Specifier): string {
  return ['struct pt_regs *ctx', ...parameters.map(({ type, name }) => `${type} ${name}`)].join(', ');
}

function collectText(kernel: Kernel, specifier: Specifier, index: number): string {
  const { kind, library, name, as, values, filter } = specifier;
  const texts: string[] = [];
  const inC = (expression: string) => translate(expression, index, texts);
  const context =
    kind === 't'
      ? `struct tracepoint__${library}__${name} *args`
      : kind === 'p'
        ? contextAnd(specifier)
        : 'struct pt_regs *ctx';
  const condition = filter.trim() === '' ? [] : [`if (!(${inC(filter)}))`, '    return 0;'];
  const body = [
    'if (!wanted())',
    '    return 0;',
    ...(needsEntry(specifier) ? callLines(specifier, index) : []),
    ...(kind === 'u' ? usdtLines(kernel, specifier) : []),
    ...condition,
    ...(as === 'histogram'
      ? [
          `${values[0]?.type} value = ${inC(values[0]?.expression ?? '')};`,
          `${tableName(index)}.atomic_increment(bpf_log2l(value));`,
        ]
      : [
          `struct key${index} key = {};`,
          ...values.map((value, i) => assignment(value, valueField(i), inC(value.expression))),
          `${tableName(index)}.atomic_increment(key);`,
        ]),
    'return 0;',
  ];
  return [...texts, `int ${programName(index)}(${context})`, '{', ...body.map((line) => `    ${line}`), '}'].join('\n');
}

function assignment(value: Specifier['values'][number], field: string, expression: string): string {
  if (!isText(value)) return `key.${field} = ${expression};`;
  return `read_text(key.${field}.s, sizeof(key.${field}.s), (u64)(${expression}));`;
}

/** Takes what the entry kept; a call that was entered before the probe is left out. */
function callLines(specifier: Specifier, index: number): string[] {
  const latency = expressionsOf(specifier).some((text) => text.includes('$latency'));
  return [
    'u32 thread = bpf_get_current_pid_tgid();',
    `struct call${index} *found = calls${index}.lookup(&thread);`,
    'if (!found)',
    '    return 0;',
    `struct call${index} call = *found;`,
    `calls${index}.delete(&thread);`,
    ...(latency ? ['u64 latency = bpf_ktime_get_ns() - call.time;'] : []),
  ];
}

/** arg1 … arg12 of a USDT probe, as far as they are used. */
function usdtLines(kernel: Kernel, specifier: Specifier): string[] {
  const { library, name } = specifier;
  const probe = findBinary(kernel, library).probes.find((one) => one.name === name);
  const known = probe ? parseUsdtArguments(probe.arguments) : [];
  const used = expressionsOf(specifier).flatMap((text) =>
    [...text.matchAll(/\barg(\d+)\b/g)].map((match) => Number(match[1])),
  );
  return [...new Set(used)]
    .sort((a, b) => a - b)
    .flatMap((number) => {
      const argument = known[number - 1];
      if (!argument) {
        throw new UsageError(`probe '${specifier.text}': there is no arg${number}`, {
          expected: known.length === 0 ? 'no arguments: the probe has none' : `arg1 to arg${known.length}`,
        });
      }
      const type = `${argument.signed ? 's' : 'u'}${argument.size * 8}`;
      return [`${type} arg${number} = 0;`, `bpf_usdt_readarg(${number}, ctx, &arg${number});`];
    });
}

/** BCC's words in C. Functions that compare texts are put before the program. */
function translate(expression: string, index: number, texts: string[]): string {
  return expression
    .replace(/STRCMP\(\s*("(?:[^"\\]|\\.)*")\s*,/g, (_, wanted: string) => {
      const name = `same_text${index}_${texts.length}`;
      texts.push(comparison(name, wanted));
      return `${name}((u64)`;
    })
    .replace(entryForm, 'call.$1')
    .replaceAll('$latency', 'latency')
    .replaceAll('$retval', 'PT_REGS_RC(ctx)')
    .replaceAll('$PID', '(bpf_get_current_pid_tgid() >> 32)');
}

/** Whether the text at an address begins with another, as BCC's STRCMP has it. */
function comparison(name: string, text: string): string {
  return `static inline int ${name}(u64 address)
{
    char wanted[] = ${text};
    char found[sizeof(wanted)] = {};
    read_text(found, sizeof(found), address);
    for (int i = 0; i < sizeof(wanted) - 1; i++)
        if (found[i] != wanted[i])
            return 0;
    return 1;
}`;
}
