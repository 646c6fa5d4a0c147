import { resolve } from 'node:path';
import {
  type CodecValue,
  defineTool,
  log2Range,
  printLog2Hist,
  sprintf,
  type Table,
  type TextMoment,
  type TextSnapshot,
  type ToolOutput,
  type ToolSetup,
  UsageError,
} from 'tracebed';
import { attachAtPlace, compileProbes, enableUsdt } from '../probe-place.ts';
import { entryName, needsEntry, programName, programSource, tableName, valueField, wordsOf } from './program.ts';
import { parseSpecifier, type Specifier, type Value } from './specifier.ts';

/**
 * Values that functions, tracepoints and USDT probes see, counted or as histograms: BCC's argdist with its specifiers,
 * its options and its output.
 */
export default defineTool({
  name: 'argdist',
  summary: 'values of arguments and results, counted or as a histogram',
  options: [
    { flags: '-C, --count <specifier>', what: 'count values', repeats: true },
    { flags: '-H, --histogram <specifier>', what: 'a histogram of values', repeats: true },
    { flags: '-p, --pid <pid>', what: 'only this process' },
    { flags: '-t, --tid <tid>', what: 'only this thread' },
    { flags: '-z, --string-size <string-size>', what: 'bytes that are kept of a text', default: '80' },
    { flags: '-i, --interval <interval>', what: 'print each so many seconds', default: '1' },
    { flags: '-d, --duration <duration>', what: 'end after so many seconds' },
    { flags: '-n, --number <count>', what: 'end after so many outputs' },
    { flags: '-v, --verbose', what: 'print the BPF program before starting' },
    { flags: '-c, --cumulative', what: 'begin nothing anew after an output' },
    { flags: '-T, --top <top>', what: 'of counts only so many, the highest' },
    { flags: '-I, --include <header>', what: 'include a header in the program', repeats: true },
  ],
  examples: [
    {
      command: "tracebed run argdist -H 'p::vfs_read(struct file *file, char *buf, size_t count):size_t:count' -n 3",
      what: 'sizes that are read, three times',
    },
    { command: "tracebed run argdist -C 'r::vfs_write():int:$retval' -c", what: 'what writes return' },
    { command: "tracebed run argdist -H 'r::vfs_read():u64:$latency#ns'", what: 'how long reads take' },
    {
      command: "tracebed run argdist -C 't:block:block_rq_issue():u32:args->bytes' -T 5",
      what: 'a field of a tracepoint, the five most frequent',
    },
    {
      command: "tracebed run argdist -C 'u:shopd:request__start():char*:arg2' --scenario app",
      what: 'a text that a USDT probe is given',
    },
  ],
  scenario: 'disk',
  start,
});

function start(setup: ToolSetup): ToolOutput {
  const { kernel } = setup;
  const specifiers = [
    ...setup.texts('count').map((text) => parseSpecifier(text, 'counts')),
    ...setup.texts('histogram').map((text) => parseSpecifier(text, 'histogram')),
  ];
  if (specifiers.length === 0) throw new UsageError('of what?', { expected: 'at least one specifier: -C or -H' });
  const process = setup.integer('pid');
  const top = setup.integer('top');
  const text = programSource(kernel, specifiers, {
    process,
    thread: setup.integer('tid'),
    textSize: textSize(setup),
    headers: setup.texts('include'),
    absolute: (path) => resolve(path),
  });
  const places = specifiers.map(({ place }) => place);
  const usdt = enableUsdt(kernel, places, programName, process);
  const bpf = compileProbes(
    kernel,
    { text, usdt },
    specifiers.map((specifier) => ({ source: specifier.source, words: wordsOf(specifier) })),
  );
  for (const [index, specifier] of specifiers.entries()) {
    const { place } = specifier;
    attachAtPlace(bpf, place, programName(index), process);
    if (needsEntry(specifier)) attachAtPlace(bpf, { ...place, kind: 'p' }, entryName(index), process);
  }

  const parts = specifiers.map((specifier, index) => part(specifier, bpf.table(tableName(index)), top));
  return {
    bpf,
    ...rhythmOf(setup),
    view: {
      noun: 'values',
      opening: setup.flag('verbose') ? bpf.sourceLines : [],
      render: ({ time }: TextMoment): TextSnapshot => {
        const read = parts.map(({ render }) => render());
        return {
          lines: [`[${setup.timeOfDay(time)}]`, ...read.flatMap(({ lines }) => lines)],
          json: { probes: read.map(({ json }) => json) },
        };
      },
      reset: () => {
        if (!setup.flag('cumulative')) for (const { table } of parts) table.clear();
      },
    },
  };
}

interface Part {
  readonly table: Table<CodecValue, number>;
  render(): { readonly lines: readonly string[]; readonly json: Readonly<Record<string, unknown>> };
}

function part(specifier: Specifier, table: Table<CodecValue, CodecValue>, top: number | undefined): Part {
  const counts = table as Table<CodecValue, number>;
  const render =
    specifier.as === 'histogram' ? () => histogram(specifier, counts) : () => frequencies(specifier, counts, top);
  return { table: counts, render };
}

function frequencies(specifier: Specifier, table: Table<CodecValue, number>, top: number | undefined) {
  const { label, source, values, isDefault, place } = specifier;
  const { text } = source;
  const all = [...table.items()]
    .map(([key, count]) => {
      const fields = key as Readonly<Record<string, CodecValue>>;
      const read = values.map((_, index) => plain(fields[valueField(index)] as CodecValue));
      return {
        count,
        read,
        event: isDefault && place.kind !== 'r' ? 'total calls' : described(values, read, isDefault),
      };
    })
    .sort((a, b) => a.count - b.count || (a.event < b.event ? -1 : 1));
  const shown = top === undefined ? all : all.slice(Math.max(0, all.length - top));
  return {
    lines: [
      label ?? text,
      sprintf('\t%-10s %s', 'COUNT', 'EVENT'),
      ...shown.map(({ count, event }) => sprintf('\t%-10s %s', String(count), event)),
    ],
    json: { probe: text, label, counts: shown.map(({ count, read }) => ({ values: read, count })) },
  };
}

/** `count = 128, ret = 5`; of a return without an expression `retval = 5`. */
function described(values: readonly Value[], read: readonly unknown[], isDefault: boolean): string {
  if (isDefault) return `retval = ${read[0]}`;
  return values.map((value, index) => `${shownAs(value)} = ${read[index]}`).join(', ');
}

/** An expression as it is shown: an argument kept from the entry by its name alone. */
function shownAs({ expression }: Value): string {
  return expression.replace(/\$entry\(\s*(\w+)\s*\)/g, '$1');
}

/** A text without its struct. */
function plain(value: CodecValue): CodecValue {
  return typeof value === 'object' && value !== null && 's' in value ? (value as { s: string }).s : value;
}

function histogram({ label, source, values, isDefault }: Specifier, table: Table<CodecValue, number>) {
  const slots = table.histogram();
  const unit = label ?? (isDefault ? 'retval' : shownAs(values[0] as Value));
  return {
    lines: printLog2Hist(slots, { unit }),
    json: {
      probe: source.text,
      label,
      slots: slots.flatMap((count, slot) => (count === 0 ? [] : [{ ...log2Range(slot), count }])),
    },
  };
}

/** What of -n and -d ends first ends it. */
function rhythmOf(setup: ToolSetup): Pick<ToolOutput, 'interval' | 'count'> {
  const interval = setup.seconds('interval') as number;
  const [duration, number] = [setup.seconds('duration'), setup.integer('number')];
  if (number === 0) throw new UsageError("--number cannot be '0'", { expected: 'a whole number, from 1' });
  const counts = [
    ...(duration === undefined ? [] : [Math.ceil(duration / interval)]),
    ...(number === undefined ? [] : [number]),
  ];
  return counts.length === 0 ? { interval } : { interval, count: Math.min(...counts) };
}

function textSize(setup: ToolSetup): number {
  const size = setup.integer('stringSize') as number;
  if (size >= 1 && size <= 400) return size;
  throw new UsageError(`--string-size cannot be '${size}'`, { expected: '1 to 400: a program has 512 bytes of stack' });
}
