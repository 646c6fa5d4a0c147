import type { Command } from 'commander';
import { nearestHint, UsageError } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import { withExamples } from './command.ts';
import { type Io, print } from './io.ts';
import { kernelOption } from './run-options.ts';
import { profileNamed } from './values.ts';

/** `tracebed events`: what a program can be attached to in a kernel, and what it finds there. */
export function describeEvents(command: Command, io: Io): void {
  command
    .summary('list what can be attached to')
    .description('list tracepoints and functions that a program can be attached to')
    .argument('[pattern]', "a part of a name, wildcards as 'tcp_*', or a /regular expression/; all without it")
    .option('-v, --verbose', 'show arguments with their C types, and fields with offsets and sizes in bytes')
    .addOption(kernelOption())
    .option('--debug', 'with a fault, print where in the program it came from')
    .action(async (pattern: string | undefined, flags: { verbose?: true; kernel: string }) => {
      const [{ printDeclaration, printType }, { nameMatcher }, { parameterRegisters }] = await Promise.all([
        import('../btf/index.ts'),
        import('./pattern.ts'),
        import('../object/index.ts'),
      ]);
      const profile = await profileNamed(flags.kernel);
      const matches = pattern === undefined ? (): boolean => true : nameMatcher(pattern);
      const tracepoints = [...profile.tracepointNames()].filter(matches).sort();
      const functions = [...profile.btf.functionNames()].filter(matches).sort();
      if (tracepoints.length + functions.length === 0) throw noSuchEvent(profile, pattern ?? '');
      const { alignedLines } = await import('../report/index.ts');
      const printer: Printer = { profile, alignedLines, parameterRegisters, printDeclaration, printType };
      const lines = [
        ...tracepoints.flatMap((name) => tracepointLines(printer, name, flags.verbose === true)),
        ...functions.flatMap((name) => functionLines(printer, name, flags.verbose === true)),
      ];
      await print(io, `${lines.join('\n')}\n`);
    });
  withExamples(command, [
    { command: "tracebed events 'skb:*'", what: 'the tracepoints of a category' },
    { command: 'tracebed events tcp_v4_connect -v', what: 'a function, its arguments and their registers' },
    { command: 'tracebed events -v skb:kfree_skb --kernel 6.1', what: "a tracepoint's record in another kernel" },
    { command: "tracebed events '/^(tcp|udp)_sendmsg$/'", what: 'by a regular expression' },
  ]);
}

/** What is needed of lazily loaded modules. */
interface Printer {
  readonly profile: KernelProfile;
  readonly alignedLines: typeof import('../report/index.ts').alignedLines;
  readonly parameterRegisters: typeof import('../object/index.ts').parameterRegisters;
  readonly printDeclaration: typeof import('../btf/index.ts').printDeclaration;
  readonly printType: typeof import('../btf/index.ts').printType;
}

function tracepointLines({ profile, alignedLines }: Printer, name: string, verbose: boolean): string[] {
  const format = verbose ? profile.tracepoint(name) : undefined;
  if (!format) return [`tracepoint ${name}`];
  const rows = format.fields.map((field) => [
    '   ',
    declareField(field.type, field.name),
    `offset ${field.offset}`,
    `size ${field.size}`,
    field.signed ? 'signed' : '',
  ]);
  const lines = alignedLines(rows, ['left', 'left', 'left', 'left', 'left']);
  return [`tracepoint ${name} (id ${format.id}, ${format.size} bytes)`, ...lines];
}

/** `char comm[16]` of the type `char[16]`: as the kernel's format file declares it. */
function declareField(type: string, name: string): string {
  const [, base, array] = /^(.*?)((?:\[\d*\])*)$/.exec(type) ?? [];
  const dynamic = type.startsWith('__data_loc') || type.startsWith('__rel_loc');
  if (dynamic || array === undefined) return `${type} ${name}`;
  return base?.endsWith('*') ? `${base}${name}${array}` : `${base} ${name}${array}`;
}

function functionLines(
  { profile, alignedLines, parameterRegisters, printDeclaration, printType }: Printer,
  name: string,
  verbose: boolean,
): string[] {
  const prototype = verbose ? profile.btf.functionPrototype(name) : undefined;
  if (!prototype) return [`function   ${name}`];
  const rows = prototype.params.map((param, i) => [
    '   ',
    printDeclaration(profile.btf, param.type, param.name),
    parameterRegisters[i] ?? 'on the stack',
  ]);
  rows.push(['   ', `returns ${printType(profile.btf, prototype.returns)}`, 'ax']);
  return [`function   ${name}`, ...alignedLines(rows, ['left', 'left', 'left'])];
}

function noSuchEvent(profile: KernelProfile, pattern: string): UsageError {
  return new UsageError(`nothing to attach to matches '${pattern}' in kernel ${profile.name}`, {
    ...nearestHint(pattern, [...profile.tracepointNames(), ...profile.btf.functionNames()]),
  });
}
