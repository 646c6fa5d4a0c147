import { fromHex } from '../base/index.ts';
import type { SourceLine } from './lexer.ts';

/**
 * What tools print around instructions, so that their output can be read as it is:
 *
 *   llvm-objdump -d -r         "      12:  79 a1 f8 ff 00 00 00 00   r1 = *(u64 *)(r10 - 8)"
 *                              "0000000000000040 <entry>:"   "  0000000000000188:  R_BPF_64_64  events"
 *   the verifier, bpftool      "12: (79) r1 = *(u64 *)(r10 -8)"
 */
export interface ListingLine {
  readonly source: SourceLine;
  /** The line with what is not assembly blanked out; columns stay. */
  readonly code: string;
  /** The instruction's bytes, where they are printed. */
  readonly bytes?: Uint8Array;
  /** The opcode in brackets. */
  readonly opcode?: number;
  /** A function's name, in a line of its own. */
  readonly label?: string;
  /** A line that gives the symbol of a 64-bit immediate; the address is in bytes. */
  readonly relocation?: { readonly address: number; readonly symbol: string };
}

const octet = '[0-9a-f]{2}';
const slot = `(?:${octet} ){7}${octet}`;
const withBytes = new RegExp(`^\\s*\\d+:\\s+(${slot}(?: ${slot})?)(?=\\s|$)`);
const withOpcode = new RegExp(`^\\s*(?:\\d+:\\s*)?\\((${octet})\\)(?=\\s)`);
const withIndex = /^\s*\d+:(?=\s)/;
const heading = /^\s*[0-9a-f]{8,16}\s+<([^>]+)>:\s*$/;
const relocated = /^\s*([0-9a-f]{8,16}):\s+(R_BPF_\w+)\s+(\S+)\s*$/;
const frame = /:\s+file format elf64-bpf\s*$|^Disassembly of section .*:\s*$/;

export function readListing(source: SourceLine): ListingLine {
  const { text } = source;
  const blank = (length: number): string => ' '.repeat(length) + text.slice(length);
  if (!/[:()]/.test(text)) return { source, code: text };
  const bytes = withBytes.exec(text);
  if (bytes) return { source, code: blank(bytes[0].length), bytes: fromHex(bytes[1] as string) as Uint8Array };
  const opcode = withOpcode.exec(text);
  if (opcode) return { source, code: blank(opcode[0].length), opcode: Number.parseInt(opcode[1] as string, 16) };
  const label = heading.exec(text);
  if (label) return { source, code: '', label: label[1] as string };
  const symbol = relocated.exec(text);
  if (symbol) {
    const relocation = { address: Number.parseInt(symbol[1] as string, 16), symbol: symbol[3] as string };
    // A section's name says where the immediate points already: it is a distance within that section.
    return symbol[2] === 'R_BPF_64_64' && !relocation.symbol.startsWith('.')
      ? { source, code: '', relocation }
      : { source, code: '' };
  }
  if (frame.test(text)) return { source, code: '' };
  const index = withIndex.exec(text);
  return { source, code: index ? blank(index[0].length) : text };
}
