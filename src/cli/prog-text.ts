import { writeFile } from 'node:fs/promises';
import { fileFault, toHex, UsageError, viewOf } from '../base/index.ts';
import { controlFlow, decode, disassemble, formatDot, formatInstruction, nameTargets } from '../isa/index.ts';
import { type Io, print } from './io.ts';
import type { AsmFlags, CfgFlags, DisasmFlags } from './prog-flags.ts';
import { openMaps, type Program, readProgram, wordsFor } from './prog-input.ts';

/** What asm, disasm and cfg do with a program that was read: put it into another form. */
export async function asm(file: string, flags: AsmFlags, io: Io): Promise<void> {
  const program = await readProgram(file, flags, io);
  const open = openMaps(program);
  if (open.length > 0) io.stderr.write(`tracebed: addresses to be filled in are left 0: ${open.join(', ')}\n`);
  if (flags.format === 'raw') await putBytes(program.code, flags.output, io);
  else await putText(flags.format === 'c' ? tableOf(program) : `${toHex(program.code)}\n`, flags.output, io);
}

export async function disasm(file: string, flags: DisasmFlags, io: Io): Promise<void> {
  if (flags.bytes && flags.style === 'verifier') {
    throw new UsageError('--bytes goes with the style of clang', { hint: 'the verifier prints only the opcode' });
  }
  if (flags.bytes && flags.labels) {
    throw new UsageError('--bytes does not go with --labels', { hint: 'beside bytes stand the distances in them' });
  }
  await print(io, listing(await readProgram(file, flags, io), flags));
}

export async function cfg(file: string, flags: CfgFlags, io: Io): Promise<void> {
  const program = await readProgram(file, flags, io);
  const names = new Map([...program.labels].map(([name, slot]) => [slot, name]));
  const options = { ...wordsFor(program, flags), names };
  await putText(formatDot(program.name, controlFlow(decode(program.code)), options), flags.output, io);
}

function listing(program: Program, flags: DisasmFlags): string {
  const { code } = program;
  const labels = flags.labels ? { labels: nameTargets(decode(code), program.labels) } : {};
  const words = { ...wordsFor(program, flags), ...labels, slots: flags.slots, bytes: flags.bytes === true };
  const indent = flags.labels && !flags.slots ? '  ' : '';
  return disassemble(code, words)
    .map(({ text, label }) => `${label === undefined ? '' : `${label}:\n`}${indent}${text}\n`)
    .join('');
}

/** Rows of struct bpf_insn (include/uapi/linux/bpf.h), each with its instruction; ld_imm64 takes two. */
function tableOf(program: Program): string {
  const { code, name } = program;
  const view = viewOf(code);
  const { instructions, indexOfSlot } = decode(code);
  const words = wordsFor(program, { style: 'clang' });
  const rows = Array.from({ length: code.length / 8 }, (_, slot) => {
    const at = slot * 8;
    const [opcode, registers] = [view.getUint8(at), view.getUint8(at + 1)];
    const fields = [
      `.code = 0x${opcode.toString(16).padStart(2, '0')}`,
      `.dst_reg = ${registers & 15}`,
      `.src_reg = ${registers >>> 4}`,
      `.off = ${view.getInt16(at + 2, true)}`,
      `.imm = ${view.getInt32(at + 4, true)}`,
    ];
    const instruction = instructions[indexOfSlot[slot] as number];
    const text = instruction ? `${slot}: ${formatInstruction(instruction, words)}` : 'its second half';
    return `  { ${fields.join(', ')} }, /* ${text.replaceAll('*/', '* /')} */`;
  });
  const symbol = name
    .replace(/\..*$/, '')
    .replace(/\W/g, '_')
    .replace(/^(?=\d|$)/, 'program_');
  return [`static const struct bpf_insn ${symbol}[] = {`, ...rows, '};', ''].join('\n');
}

async function putText(text: string, file: string | undefined, io: Io): Promise<void> {
  if (file === undefined) await print(io, text);
  else await writeTo(file, text);
}

async function putBytes(bytes: Uint8Array, file: string | undefined, io: Io): Promise<void> {
  if (file !== undefined) return await writeTo(file, bytes);
  if (io.stdout.isTTY)
    throw new UsageError('raw bytes are not for a terminal', { hint: '-o FILE writes them to a file' });
  await new Promise<void>((resolve, reject) => {
    io.stdout.write(bytes, (fault) => {
      if (fault && (fault as NodeJS.ErrnoException).code !== 'EPIPE') reject(fault);
      else resolve();
    });
  });
}

async function writeTo(file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (cause) {
    throw fileFault(file, 'written', cause);
  }
}
