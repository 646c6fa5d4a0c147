import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MapSpec, ObjectSpec, Relocation } from '../../src/object/index.ts';
import { mapFlags } from '../../src/uapi/index.ts';
import { readElf } from '../cc/read-elf.ts';

/**
 * What clang -O2 -target bpf makes of plain C whose program is `u64 run(u64 *in)`: an object with that one, the
 * functions that it calls behind it in one piece, and its sections of data as maps.
 */
const flags = '-w -std=gnu11 -O2 -target bpf -mcpu=v3 -fno-builtin-memset -fwrapv -fno-strict-aliasing'.split(' ');

export function clangObject(text: string): ObjectSpec {
  const folder = mkdtempSync(join(tmpdir(), 'clang-bpf-'));
  const [source, object] = [join(folder, 'bpf.c'), join(folder, 'bpf.o')];
  try {
    writeFileSync(source, text.replace(/^u64 run\(/m, '__attribute__((section("prog"))) $&'));
    execFileSync('clang', [...flags, '-c', source, '-o', object], { stdio: 'pipe' });
    return linked(readFileSync(object));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function linked(bytes: Uint8Array): ObjectSpec {
  const elf = readElf(bytes);
  const has = (name: string): boolean => elf.names.includes(name);
  const sections = ['prog', '.text'].filter((name) => has(name) && elf.section(name).length > 0);
  const code = new Uint8Array(Buffer.concat(sections.map((name) => elf.section(name))));
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const relocations: Relocation[] = [];
  let start = 0;
  for (const name of sections) {
    for (const { offset, type, symbol, section, value } of has(`.rel${name}`) ? elf.relocations(name) : []) {
      const slot = (start + offset) / 8;
      if (type === 1) relocations.push({ slot, map: section, offset: value + view.getInt32(slot * 8 + 4, true) });
      else if (section === '.text') {
        const target = elf.section('prog').length / 8 + value / 8 + view.getInt32(slot * 8 + 4, true) + 1;
        view.setInt32(slot * 8 + 4, target - slot - 1, true);
      } else throw new Error(`clang calls ${symbol}`);
    }
    start += elf.section(name).length;
  }
  const data = elf.names.filter((name) => /^\.(ro)?data|^\.bss/.test(name) && elf.section(name).length > 0);
  const program = { name: 'run', type: 'kprobe', section: 'kprobe', code, relocations, lines: [] } as const;
  return {
    programs: [program],
    maps: data.map((name) => dataMap(name, elf.section(name))),
    license: 'GPL',
    structs: [],
  };
}

function dataMap(name: string, contents: Uint8Array): MapSpec {
  const flags = name.startsWith('.rodata') ? mapFlags.readOnlyProgram : 0;
  const valueSize = contents.length;
  return {
    name,
    type: 'array',
    keySize: 4,
    valueSize,
    maxEntries: 1,
    flags,
    key: undefined,
    value: undefined,
    contents,
  };
}
