import type { Kernel } from 'tracebed';
import {
  dynamicTextAddress,
  includeLines,
  parametersText,
  readTextFunction,
  TextComparisons,
  usdtArgumentLines,
} from '../probe-place.ts';
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
  readonly headers: readonly string[];
  /** A header's path as it is included from anywhere. */
  absolute(path: string): string;
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
  return specifier.place.kind === 'r' && expressionsOf(specifier).some((text) => /\$entry\b|\$latency\b/.test(text));
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

function preamble({ process, thread, textSize, headers, absolute }: ProgramOptions): string {
  const conditions = [
    ...(process === undefined ? [] : [`bpf_get_current_pid_tgid() >> 32 == ${process}`]),
    ...(thread === undefined ? [] : [`(u32)bpf_get_current_pid_tgid() == ${thread}`]),
  ];
  return `#include <uapi/linux/ptrace.h>
${includeLines(headers, absolute)
  .map((line) => `${line}\n`)
  .join('')}
struct text {
    char s[${textSize}];
};

static inline int wanted(void)
{
    return ${conditions.length === 0 ? '1' : conditions.join(' && ')};
}

${readTextFunction}`;
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
    const { source, parameters } = specifier;
    const expected = parameters.map((parameter) => parameter.name).join(', ') || 'parameters in the signature';
    throw source.fault(source.text.indexOf('$entry'), `$entry(${name}) is no parameter`, expected);
  }
  return specifier.parameters.filter(({ name }) => names.has(name));
}

function entryText(specifier: Specifier, index: number): string {
  const kept = entryParameters(specifier);
  return `struct call${index} {
    u64 time;
${kept.map(({ type, name }) => `    ${type} ${name};\n`).join('')}};
BPF_HASH(calls${index}, u32, struct call${index});

int ${entryName(index)}(struct pt_regs *ctx${specifier.signature === '' ? '' : `, ${specifier.signature}`})
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

function collectText(kernel: Kernel, specifier: Specifier, index: number): string {
  const { place, signature, as, values, filter, source } = specifier;
  const texts = new TextComparisons(`same_text${index}_`);
  const inC = (expression: string) => withoutWords(texts.translate(expression));
  const usdt = () =>
    usdtArgumentLines(kernel, place, expressionsOf(specifier), (name, expected) =>
      source.fault(source.text.indexOf(name), `there is no ${name}`, expected),
    );
  const body = [
    'if (!wanted())',
    '    return 0;',
    ...(needsEntry(specifier) ? callLines(specifier, index) : []),
    ...(place.kind === 'u' ? usdt() : []),
    ...(filter.trim() === '' ? [] : [`if (!(${inC(filter)}))`, '    return 0;']),
    ...(as === 'histogram'
      ? [
          `${values[0]?.type} value = ${inC(values[0]?.expression ?? '')};`,
          `${tableName(index)}.atomic_increment(bpf_log2l(value));`,
        ]
      : [
          `struct key${index} key = {};`,
          ...values.map((value, i) => {
            const dynamic = dynamicTextAddress(kernel, place, value.expression);
            return assignment(value, valueField(i), inC(value.expression), dynamic);
          }),
          `${tableName(index)}.atomic_increment(key);`,
        ]),
    'return 0;',
  ];
  return [
    ...texts.functions,
    `int ${programName(index)}(${parametersText(place, signature)})`,
    '{',
    ...body.map((line) => `    ${line}`),
    '}',
  ].join('\n');
}

/** @param dynamic where the value is a text of changing length of a tracepoint: its address */
function assignment(
  value: Specifier['values'][number],
  field: string,
  expression: string,
  dynamic: string | undefined,
): string {
  if (!isText(value)) return `key.${field} = ${expression};`;
  if (dynamic !== undefined) return `bpf_probe_read_kernel_str(key.${field}.s, sizeof(key.${field}.s), ${dynamic});`;
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

/** Words that a specifier's expressions may use. */
export function wordsOf({ place, parameters }: Specifier): string[] {
  const names = parameters.map(({ name }) => name);
  const own = {
    p: names,
    r: ['$retval', '$latency', ...names.map((name) => `$entry(${name})`)],
    t: ['args'],
    u: ['arg1', 'arg2', 'arg3'],
  }[place.kind];
  return [...own, '$PID'];
}

/** BCC's words in C. */
function withoutWords(expression: string): string {
  return expression
    .replace(entryForm, 'call.$1')
    .replaceAll('$latency', 'latency')
    .replaceAll('$retval', 'PT_REGS_RC(ctx)')
    .replaceAll('$PID', '(bpf_get_current_pid_tgid() >> 32)');
}
