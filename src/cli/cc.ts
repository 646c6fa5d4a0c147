import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { fileFault, InputError, UsageError } from '../base/index.ts';
import type { ObjectSpec, ProgramSpec } from '../object/index.ts';
import { withExamples } from './command.ts';
import { type Io, print } from './io.ts';
import { kernelOption } from './run-options.ts';
import { profileNamed } from './values.ts';

/** `tracebed cc FILE`: compiles a tool's C and says what came of it, prints its code or types, or writes an ELF object. */
interface CcFlags {
  readonly define: readonly string[];
  readonly undefine: readonly string[];
  readonly include: readonly string[];
  readonly kernel: string;
  readonly S?: boolean;
  readonly emitObj?: boolean;
  readonly output?: string;
  readonly dumpBtf?: 'raw' | 'c' | true;
}

export function describeCc(command: Command, io: Io): void {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  command
    .summary("compile a tool's C")
    .description("compile restricted C (BCC's dialect); - reads standard input")
    .argument('<file>')
    .option('-D, --define <name[=value]>', 'define a macro', collect, [])
    .option('-U, --undefine <name>', 'undefine a macro, after all -D', collect, [])
    .option('-I, --include <folder>', 'look for included files there', collect, [])
    .addOption(kernelOption())
    .option('-S', 'print the instructions beside the lines they come from')
    .option('--emit-obj', 'write an ELF object, as clang -c does, that libbpf and llvm-objdump read')
    .option('-o, --output <file>', "where --emit-obj writes; - is standard output (default: the file's name with .o)")
    .addOption(
      new Option('--dump-btf [form]', "print the object's types: raw as bpftool does, or as c").choices(['raw', 'c']),
    )
    .option('--debug', 'with a fault, print where in the program it came from')
    .action((file: string, flags: CcFlags) => compileFile(file, flags, io));
  withExamples(command, [
    { command: 'tracebed cc tool.c', what: 'programs and maps of a text, or what is wrong with it' },
    { command: 'tracebed cc tool.c --kernel 6.1 -D FILTER_PID=1 -S', what: 'its instructions' },
    { command: 'tracebed cc tool.c --emit-obj -o tool.o', what: 'an object file for libbpf' },
  ]);
}

async function compileFile(file: string, flags: CcFlags, io: Io): Promise<void> {
  const object = await compileText(await readText(file, io), file, flags, io);
  if (flags.emitObj) await emitObject(object, flags.output ?? objectName(file), io);
  if (flags.dumpBtf) await print(io, await types(object, flags.dumpBtf));
  if (flags.S) await print(io, await listing(object));
  if (!flags.emitObj && !flags.dumpBtf && !flags.S) await print(io, summary(object));
}

/** A text's programs and maps; what is wrong with it goes to standard error. @throws InputError when it has errors */
export async function compileText(
  text: string,
  file: string,
  flags: Pick<CcFlags, 'define' | 'include' | 'kernel'> & Partial<Pick<CcFlags, 'undefine'>>,
  io: Io,
): Promise<ObjectSpec> {
  const [{ compileC, renderDiagnostics }, { includesFrom }, profile] = await Promise.all([
    import('../cc/index.ts'),
    import('../client/index.ts'),
    profileNamed(flags.kernel),
  ]);
  const { object, diagnostics } = compileC(text, {
    file,
    profile,
    defines: definesOf(flags.define),
    undefines: undefinesOf(flags.undefine ?? []),
    includes: includesFrom(flags.include),
  });
  if (diagnostics.length > 0) io.stderr.write(`${renderDiagnostics(diagnostics)}\n`);
  if (!object) {
    const count = diagnostics.filter((one) => one.severity === 'error').length;
    throw new InputError(`${file} was not compiled: ${count} ${count === 1 ? 'error' : 'errors'}`);
  }
  return object;
}

/** `tool.o` in the current folder for `src/tool.c`, as compilers do. */
function objectName(file: string): string {
  return file === '-' ? 'a.o' : `${basename(file).replace(/\.c$/, '')}.o`;
}

async function emitObject(object: ObjectSpec, output: string, io: Io): Promise<void> {
  const { writeObject } = await import('../object/index.ts');
  const bytes = writeObject(object);
  if (output === '-') {
    io.stdout.write(bytes);
    return;
  }
  try {
    await writeFile(output, bytes);
  } catch (cause) {
    throw fileFault(output, 'written', cause);
  }
}

async function types(object: ObjectSpec, form: 'raw' | 'c' | true): Promise<string> {
  const { dumpC, dumpRaw } = await import('../btf/index.ts');
  const { btf } = object;
  if (!btf) return '';
  if (form !== 'c') return `${dumpRaw(btf).join('\n')}\n`;
  const lines: string[] = [];
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id);
    if (!['struct', 'union', 'enum', 'enum64'].includes(type.kind) || !('name' in type) || type.name === '') continue;
    lines.push(...dumpC(btf, id), '');
  }
  return `${lines.join('\n')}\n`;
}

async function readText(file: string, io: Io): Promise<string> {
  if (file !== '-') {
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      throw fileFault(file, 'read', cause);
    }
  }
  let text = '';
  for await (const piece of io.stdin) text += String(piece);
  return text;
}

function definesOf(list: readonly string[]): Record<string, string | true> {
  const defines: Record<string, string | true> = {};
  for (const one of list) {
    const match = /^(\w+)(?:=([\s\S]*))?$/.exec(one);
    if (!match) throw new UsageError(`-D is no definition: '${one}'`, { expected: 'NAME or NAME=VALUE' });
    defines[match[1] as string] = match[2] ?? true;
  }
  return defines;
}

function undefinesOf(list: readonly string[]): readonly string[] {
  for (const one of list)
    if (!/^[A-Za-z_]\w*$/.test(one)) throw new UsageError(`-U takes a name, not '${one}'`, { expected: 'NAME' });
  return list;
}

function summary(object: ObjectSpec): string {
  const programs = object.programs.map(
    (program) => `program ${program.name}  ${program.section}  ${program.code.length / 8} instructions`,
  );
  const maps = object.maps.map(
    (map) => `map ${map.name}  ${map.type}  key ${map.keySize}  value ${map.valueSize}  entries ${map.maxEntries}`,
  );
  const lines = [...programs, ...maps];
  return `${lines.length === 0 ? 'no program and no map' : lines.join('\n')}\n`;
}

/** Where a line of the text begins in the code; the columns within it are passed over. */
function linesOf({ lines }: ProgramSpec): ProgramSpec['lines'] {
  return lines.filter(({ at }, i) => {
    const before = lines[i - 1]?.at;
    return at.line !== before?.line || at.file !== before?.file;
  });
}

async function listing(object: ObjectSpec): Promise<string> {
  const { disassemble } = await import('../isa/index.ts');
  const printed = (program: ProgramSpec): string[] => {
    const places = new Map(linesOf(program).map((line) => [line.slot, line.at] as const));
    const maps = new Map(program.relocations.map((one) => [one.slot, one.map] as const));
    const lines = disassemble(program.code, { slots: true }).flatMap(({ slot, text }) => {
      const at = places.get(slot);
      const code = maps.has(slot) ? text.replace(/= .*$/, `= ${maps.get(slot)} ll`) : text;
      return at ? [`; ${at.file}:${at.line}  ${at.text?.trim() ?? ''}`, code] : [code];
    });
    return [`${program.name}: ${program.section}`, ...lines, ''];
  };
  return `${object.programs.flatMap(printed).join('\n')}\n`;
}
