#!/usr/bin/env python3
"""Compiles programs.c with clang and writes programs.json: code, the slots that name maps, and the slots that load
the ends of the packet from the context. Run it after a change of programs.c or flow.h; it needs clang and
llvm-readelf. The bench itself reads only the JSON."""
import json
import os
import re
import struct
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DATA, DATA_END = 76, 80
LDX_W, LD_IMM64, PSEUDO_FUNC = 0x61, 0x18, 4


def tool(*arguments):
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


def sections(path):
    """Section name -> bytes."""
    raw = open(path, 'rb').read()
    offset, = struct.unpack_from('<Q', raw, 40)
    size, count, names = struct.unpack_from('<HHH', raw, 58)
    rows = [struct.unpack_from('<IIQQQQ', raw, offset + i * size) for i in range(count)]
    strings = rows[names][4]
    return {raw[strings + row[0]:raw.index(b'\0', strings + row[0])].decode(): raw[row[4]:row[4] + row[5]] for row in rows}


def relocations(path):
    """Section name -> [(slot, symbol)]."""
    found, current = {}, None
    for line in tool('llvm-readelf', '-r', path).splitlines():
        if match := re.match(r"Relocation section '\.rel(.*)' at", line):
            current = found.setdefault(match[1], [])
        elif match := re.match(r'([0-9a-f]{16})\s+\S+\s+R_BPF_64_64\s+\S+\s+(\S+)', line):
            current.append((int(match[1], 16) // 8, match[2]))
    return found


def loop_start(path, section):
    """The slot at which the loop's own function begins in its section, behind its callback."""
    for line in tool('llvm-readelf', '-s', path).splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[7] == section.split('/')[1] + '_loop':
            return int(fields[1], 16) // 8
    raise SystemExit('no loop in ' + section)


def row(path, section, code, named):
    slots = [code[at:at + 8] for at in range(0, len(code), 8)]
    maps, context = {}, []
    kind = section.split('/')[0]
    start = loop_start(path, section) if kind == 'loop' else 0
    # The function that is entered comes first.
    moved = lambda slot: slot - start if slot >= start else slot + len(slots) - start
    for slot, symbol in named:
        if symbol != section:
            maps.setdefault(symbol, []).append(moved(slot))
            continue
        at = moved(slot)
        slots[slot] = bytes([LD_IMM64, slots[slot][1] & 15 | PSEUDO_FUNC << 4, 0, 0]) + struct.pack('<i', moved(0) - at - 1)
    slots = slots[start:] + slots[:start]
    if kind == 'run':
        for slot, bytes_ in enumerate(slots):
            offset, = struct.unpack_from('<h', bytes_, 2)
            if bytes_[0] == LDX_W and offset in (DATA, DATA_END):
                context.append([slot, 0 if offset == DATA else 8])
    return {'code': b''.join(slots).hex(), 'maps': maps, 'context': context, 'callback': moved(0)}


def build(level):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'programs.o')
        source = os.path.join(HERE, 'programs.c')
        tool('clang', '-O2', '-target', 'bpf', '-mcpu=' + level, '-c', source, '-o', path)
        named = relocations(path)
        return {name: row(path, name, code, named.get(name, [])) for name, code in sections(path).items()
                if name.startswith(('run/', 'loop/'))}


if __name__ == '__main__':
    with open(os.path.join(HERE, 'programs.json'), 'w') as out:
        programs = build('v3')
        programs['run/flow-v2'] = build('v2')['run/flow']
        json.dump(programs, out, indent=1)
        out.write('\n')
