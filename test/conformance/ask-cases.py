#!/usr/bin/env python3
"""Asks the running Linux kernel about verifier cases (see record-cases.ts), as root on x86-64.

  ask-cases.py ORACLE_FOLDER      cases as JSON lines on standard input, answers on standard output

ORACLE_FOLDER holds bpf_oracle.py, which knows bpf(2); here is what it lacks: BTF of programs and maps, kernel functions,
attach targets.
"""
import ctypes, json, os, re, struct, sys

sys.path.insert(0, sys.argv[1])
import bpf_oracle as oracle
from kernel_types import kernel_types

BTF_LOAD, FREEZE, UPDATE = 18, 22, 2
KINDS = {'function': 12, 'typedef': 8, 'struct': 4, 'variable': 14}
HELD = []


def pin(data):
    held = ctypes.create_string_buffer(bytes(data), max(len(data), 1))
    HELD.append(held)
    return ctypes.addressof(held)


def load_btf(raw):
    attributes = bytearray(64)
    struct.pack_into('<QQII', attributes, 0, pin(raw), 0, len(raw), 0)
    return oracle.bpf(BTF_LOAD, attributes)


def create(shape, btf):
    inner = create(shape['inner'], btf) if 'inner' in shape else 0
    attributes = bytearray(80)
    struct.pack_into('<IIIIII', attributes, 0, shape['type'], shape['key'], shape['value'], shape['max'], shape['flags'], inner)
    if shape.get('struct'):
        struct.pack_into('<III', attributes, 48, btf, shape['keyStruct'], shape['struct'])
    fd = oracle.bpf(oracle.MAP_CREATE, attributes)
    if inner > 0:
        os.close(inner)
    if fd >= 0 and 'frozen' in shape:
        update = bytearray(32)
        struct.pack_into('<I4xQQQ', update, 0, fd, pin(bytes(4)), pin(bytes.fromhex(shape['frozen'])), 0)
        oracle.bpf(UPDATE, update)
        oracle.bpf(FREEZE, bytearray(struct.pack('<I', fd)))
    return fd


def target(case, names):
    """The BTF id that a program attaches to."""
    to, attach = case['to'], case.get('attach', 0)
    if case['type'] == 29:
        return names.get((12, 'bpf_lsm_' + to))
    if attach == 23:
        return names.get((8, 'btf_trace_' + to))
    return names.get((12, 'bpf_iter_' + to if attach == 28 else to))


def judge(case, names):
    code, fds = bytearray.fromhex(case['code']), []
    try:
        btf = -1
        if case.get('btf') or any('struct' in shape for shape in case['maps']):
            btf = load_btf(bytes.fromhex(case['btf']))
            if btf < 0:
                return {'error': 'btf: ' + oracle.name(btf)}
            fds.append(btf)
        for shape in case['maps']:
            fd = create(shape, btf)
            if fd < 0:
                return {'error': f"map {shape['name']}: {oracle.name(fd)}"}
            fds.append(fd)
            for slot in shape['at']:
                struct.pack_into('<i', code, slot * 8 + 4, fd)
        for place in case['places']:
            wanted = names.get((KINDS[place['kind']], place['name']), place.get('otherwise'))
            if wanted is None:
                return {'error': f"the kernel has no {place['kind']} {place['name']}"}
            struct.pack_into('<i', code, place['slot'] * 8 + 4, wanted)
        license, log = case['license'].encode() + b'\0', oracle.LOG
        log[0] = b'\0'
        attributes = bytearray(152)
        struct.pack_into('<IIQQIIQII', attributes, 0, case['type'], len(code) // 8, pin(code), pin(license), 1, len(log),
                         ctypes.addressof(log), 0, case['flags'])
        struct.pack_into('<I', attributes, 68, case.get('attach', 0))
        if case.get('functions') and btf >= 0:
            rows = b''.join(struct.pack('<II', row['slot'], row['type']) for row in case['functions'])
            struct.pack_into('<IIQI', attributes, 72, btf, 8, pin(rows), len(case['functions']))
        if case.get('to'):
            wanted = target(case, names)
            if wanted is None:
                return {'error': 'nothing to attach to: ' + case['to']}
            struct.pack_into('<I', attributes, 108, wanted)
        fd = oracle.bpf(oracle.LOAD, attributes)
        answer = {'errno': oracle.name(fd), 'log': log.value.decode('latin-1')}
        if fd >= 0:
            fds.append(fd)
            if case.get('runs'):
                answer['run'] = oracle.run(fd, {'data': '00' * 64})
        return answer
    finally:
        for fd in fds:
            os.close(fd)


def main():
    names = kernel_types()
    for line in sys.stdin:
        HELD.clear()
        print(json.dumps(judge(json.loads(line), names)), flush=True)


main()
