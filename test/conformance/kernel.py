#!/usr/bin/env python3
"""Asks the running Linux kernel to judge the cases of a selftest dump (see verifier.ts), as root on x86-64.

  kernel.py DUMP.json VERDICTS.jsonl      one line a case: {"id", "verdict", "errno", "log", "retvals"}
  kernel.py --log-level N                 cases as JSON lines on standard input, answers on standard output;
                                          `lines` gives them line info: {"slot", "file", "line", "column", "text"}
  kernel.py --batch                       a first line with the maps by name, then cases that name them in `at`;
                                          answers {"id", "errno", "last", "processed", "ns"}
"""
import ctypes, errno, json, os, struct, sys, time

libc = ctypes.CDLL(None, use_errno=True)
LOG = ctypes.create_string_buffer(16 << 20)
KEEP = []
KERNEL_BTF = None


def pin(data):
    held = ctypes.create_string_buffer(bytes(data), max(len(data), 1))
    KEEP.append(held)
    return ctypes.addressof(held)


def bpf(command, attributes):
    held = (ctypes.c_char * len(attributes)).from_buffer(attributes)
    result = libc.syscall(321, command, held, len(attributes))
    return result if result >= 0 else -ctypes.get_errno()


def name(code):
    return None if code >= 0 else errno.errorcode.get(-code, str(-code))


def load_btf(types, strings):
    raw = struct.pack('<HBBIIIII', 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(strings)) + types + strings
    attributes = bytearray(64)
    struct.pack_into('<QQII', attributes, 0, pin(raw), 0, len(raw), 0)
    return bpf(18, attributes)


def with_lines(case, starts):
    """A BTF of the case's lines; every function is `int f0(void)`, `int f1(void)`, …"""
    strings, places = bytearray(b'\0'), {}

    def place(text):
        if text not in places:
            places[text] = len(strings)
            strings.extend(text.encode() + b'\0')
        return places[text]

    types = struct.pack('<IIII', place('int'), 1 << 24, 4, 0x01000020) + struct.pack('<III', 0, 13 << 24, 1)
    for index in range(len(starts)):
        types += struct.pack('<III', place(f'f{index}'), 12 << 24 | (1 if index == 0 else 0), 2)
    case['func_info'] = [(start, index + 3) for index, start in enumerate(starts)]
    case['line_info'] = [(line['slot'], place(line['file']), place(line['text']), line['line'] << 10 | line.get('column', 0))
                         for line in case['lines']]
    case['btf_types'], case['btf_strings'] = types.hex(), bytes(strings).hex()


def function_starts(code):
    starts = {0}
    for slot in range(len(code) // 8):
        opcode, registers, _, imm = struct.unpack_from('<BBhi', code, slot * 8)
        if (opcode, registers >> 4) in ((0x85, 1), (0x18, 4)):
            starts.add(slot + 1 + imm)
    return sorted(starts)


def first_types(types, count):
    """The first types of a BTF: what stands behind them needs kernel types that no kernel without tests has."""
    at = 0
    for _ in range(count):
        info = struct.unpack_from('<I', types, at + 4)[0]
        at += 12 + {1: 4}.get(info >> 24 & 31, 0) + {4: 12}.get(info >> 24 & 31, 0) * (info & 0xffff)
    return types[:at]


def kernel_function(wanted, kind=12):
    global KERNEL_BTF
    if KERNEL_BTF is None:
        raw = open('/sys/kernel/btf/vmlinux', 'rb').read()
        header, type_at, type_size, string_at, _ = struct.unpack_from('<IIIII', raw, 4)
        KERNEL_BTF, at, number = {}, header + type_at, 1
        end = at + type_size
        tail = {1: 4, 3: 12, 14: 4, 17: 4}
        each = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
        while at < end:
            text, info, _ = struct.unpack_from('<III', raw, at)
            start = header + string_at + text
            what = info >> 24 & 31
            KERNEL_BTF.setdefault((raw[start:raw.index(b'\0', start)].decode(), what), number)
            at += 12 + tail.get(what, 0) + each.get(what, 0) * (info & 0xffff)
            number += 1
    return KERNEL_BTF.get((wanted, kind))


def create_map(kind, key, value, entries, flags=0, inner=0, btf=0, btf_key=0, btf_value=0):
    attributes = bytearray(80)
    struct.pack_into('<IIIIII', attributes, 0, kind, key, value, entries, flags, inner)
    struct.pack_into('<III', attributes, 48, btf, btf_key, btf_value)
    return bpf(0, attributes)


def load_program(case, code, btf=-1):
    attributes = bytearray(152)
    license = case.get('license', 'GPL').encode() + b'\0'
    LOG[0] = b'\0'
    size = case.get('log_size', len(LOG) if case.get('log_level', 1) else 0)
    struct.pack_into('<IIQQIIQII', attributes, 0, case.get('prog_type', 1), len(code) // 8, pin(code), pin(license),
                     case.get('log_level', 1), size, ctypes.addressof(LOG) if size else 0, 0, case.get('prog_flags', 0))
    struct.pack_into('<I', attributes, 68, case.get('expected_attach_type', 0))
    if btf >= 0:
        struct.pack_into('<I', attributes, 72, btf)
    if case.get('func_info'):
        rows = b''.join(struct.pack('<II', *row) for row in case['func_info'])
        struct.pack_into('<IQI', attributes, 76, 8, pin(rows), len(case['func_info']))
    if case.get('line_info'):
        rows = b''.join(struct.pack('<IIII', *row) for row in case['line_info'])
        struct.pack_into('<IQI', attributes, 92, 16, pin(rows), len(case['line_info']))
    if case.get('attach_btf_id'):
        struct.pack_into('<I', attributes, 108, case['attach_btf_id'])
    began = time.thread_time_ns()
    result = bpf(5, attributes)
    case['ns'] = time.thread_time_ns() - began
    case['log_true_size'] = struct.unpack_from('<I', attributes, 140)[0]
    return result


def fill(fd):
    value = bytearray(48)
    struct.pack_into('<I', value, 0, 28)
    struct.pack_into('<I', value, 28, 0xabcdef12)
    attributes = bytearray(32)
    struct.pack_into('<I4xQQQ', attributes, 0, fd, pin(bytes(4)), pin(value), 0)
    bpf(2, attributes)


def simple(kind, result):
    return load_program({'prog_type': kind}, struct.pack('<BBhi', 0xb7, 0, 0, result) + struct.pack('<BBhi', 0x95, 0, 0, 0))


def looping(kind, fd, index, result):
    code = [(0xb7, 3, 0, index), (0x18, 0x12, 0, fd), (0, 0, 0, 0), (0x85, 0, 0, 12), (0xb7, 0, 0, result), (0x95, 0, 0, 0)]
    return load_program({'prog_type': kind}, b''.join(struct.pack('<BBhi', *row) for row in code))


def program_array(kind, entries, first, second, third):
    fd = create_map(3, 4, 4, entries)
    programs = [simple(kind, 42), looping(kind, fd, second, 41), simple(kind, 24)]
    for index, program in zip((first, second, third), programs):
        attributes = bytearray(32)
        struct.pack_into('<I4xQQQ', attributes, 0, fd, pin(struct.pack('<I', index)), pin(struct.pack('<i', program)), 0)
        bpf(2, attributes)
        os.close(program)
    return fd


def nested():
    inner = create_map(2, 4, 4, 1)
    fd = create_map(12, 4, 4, 1, 0, inner)
    os.close(inner)
    return fd


def fixture(fixup, kind, btf):
    plain = {
        'fixup_map_hash_8b': (1, 8, 8, 1), 'fixup_map_hash_48b': (1, 8, 48, 1), 'fixup_map_hash_16b': (1, 8, 16, 1),
        'fixup_map_array_48b': (2, 4, 48, 1), 'fixup_map_sockmap': (15, 4, 4, 1), 'fixup_map_sockhash': (18, 4, 4, 1),
        'fixup_map_xskmap': (17, 4, 4, 1), 'fixup_map_stacktrace': (7, 4, 8, 1), 'fixup_map_array_ro': (2, 4, 48, 1, 128),
        'fixup_map_array_wo': (2, 4, 48, 1, 256), 'fixup_map_array_small': (2, 4, 1, 1),
        'fixup_map_event_output': (4, 4, 4, 1), 'fixup_map_reuseport_array': (20, 4, 8, 1),
        'fixup_map_ringbuf': (27, 0, 0, 4096), 'fixup_cgroup_storage': (19, 16, 64, 0),
        'fixup_percpu_cgroup_storage': (21, 16, 64, 0),
    }
    typed = {
        'fixup_map_spin_lock': (2, 4, 8, 1, 0, 0, btf, 1, 3), 'fixup_sk_storage_map': (24, 4, 8, 0, 1, 0, btf, 1, 3),
        'fixup_map_timer': (2, 4, 16, 1, 0, 0, btf, 1, 5),
    }
    if fixup in plain:
        fd = create_map(*plain[fixup])
        if fixup in ('fixup_map_array_48b', 'fixup_map_array_ro', 'fixup_map_array_wo', 'fixup_map_array_small'):
            fill(fd)
        return fd
    if fixup in typed:
        return create_map(*typed[fixup])
    if fixup == 'fixup_prog1':
        return program_array(kind, 4, 0, 1, 2)
    if fixup == 'fixup_prog2':
        return program_array(kind, 8, 7, 1, 2)
    return nested()


def run(fd, data):
    attributes = bytearray(80)
    out = ctypes.create_string_buffer(1024)
    struct.pack_into('<IIIIQQI', attributes, 0, fd, 0, len(data), len(out), pin(data), ctypes.addressof(out), 1)
    code = bpf(10, attributes)
    return {'errno': name(code), 'retval': struct.unpack_from('<I', attributes, 4)[0]}


def run_on_context(fd, context):
    attributes = bytearray(80)
    struct.pack_into('<I', attributes, 0, fd)
    struct.pack_into('<I4xQ', attributes, 40, len(context), pin(context))
    code = bpf(10, attributes)
    return {'errno': name(code), 'retval': struct.unpack_from('<I', attributes, 4)[0]}


def store(fd, value, flags):
    """Fills a data section's map, and freezes it when programs only read it."""
    attributes = bytearray(32)
    struct.pack_into('<I4xQQQ', attributes, 0, fd, pin(bytes(4)), pin(value), 0)
    bpf(2, attributes)
    if flags & 128:
        bpf(22, bytearray(struct.pack('<I', fd)))


def judge(case, shared_btf):
    code, fds = bytearray.fromhex(case['insns']), []
    if case.get('lines'):
        with_lines(case, function_starts(code))
    for fixup, places in case.get('fixups', {}).items():
        if fixup == 'fixup_map_kptr':
            return {'id': case['id'], 'skip': 'its map needs types of the test module'}
        fd = fixture(fixup, case['prog_type'], shared_btf)
        if fd < 0:
            return {'id': case['id'], 'skip': f'{fixup}: {name(fd)}'}
        fds.append(fd)
        for slot in places:
            struct.pack_into('<i', code, slot * 8 + 4, fd)
    for shape in case.get('maps', []):
        fd = create_map(shape['type'], shape.get('key', 4), shape.get('value', 8), shape.get('max', 1), shape.get('flags', 0))
        if fd < 0:
            return {'id': case['id'], 'skip': f'map: {name(fd)}'}
        fds.append(fd)
        for slot in shape.get('at', []):
            code[slot * 8 + 1] = code[slot * 8 + 1] & 15 | 1 << 4
            struct.pack_into('<i', code, slot * 8 + 4, fd)
        for slot, offset in shape.get('values_at', []):
            code[slot * 8 + 1] = code[slot * 8 + 1] & 15 | 2 << 4
            struct.pack_into('<i', code, slot * 8 + 4, fd)
            struct.pack_into('<i', code, slot * 8 + 12, offset)
        if shape.get('contents'):
            store(fd, bytes.fromhex(shape['contents']), shape.get('flags', 0))
    for kfunc in case.get('kfunc_fixups', []):
        wanted = kernel_function(kfunc['kfunc'])
        if wanted is None:
            return {'id': case['id'], 'skip': 'no kernel function ' + kfunc['kfunc']}
        struct.pack_into('<i', code, kfunc['insn'] * 8 + 4, wanted)
    loaded = dict(case)
    if 'flags' in case and 'prog_flags' not in case:
        flags = case['flags']
        loaded['prog_flags'] = 4 | (1 if flags & 2 else 0) | (2 if flags & 1 else 0) | (flags & ~3)
    if case.get('attach_to'):
        if case['prog_type'] == 29:
            wanted = kernel_function('bpf_lsm_' + case['attach_to'])
        elif case.get('expected_attach_type') == 23:
            wanted = kernel_function('btf_trace_' + case['attach_to'], 8)
        elif case.get('expected_attach_type') == 28:
            wanted = kernel_function('bpf_iter_' + case['attach_to'])
        else:
            wanted = kernel_function(case['attach_to'])
        if wanted is None:
            return {'id': case['id'], 'skip': 'nothing to attach to: ' + case['attach_to']}
        loaded['attach_btf_id'] = wanted
    btf = -1
    if case.get('btf_types'):
        btf = load_btf(bytes.fromhex(case['btf_types']), bytes.fromhex(case['btf_strings']))
        fds.append(btf)
    fd = load_program(loaded, bytes(code), btf)
    out = {'id': case['id'], 'verdict': 'accept' if fd >= 0 else 'reject', 'errno': name(fd), 'log': LOG.value.decode('utf-8', 'replace')}
    out['true_size'] = loaded['log_true_size']
    if fd >= 0 and case.get('runs', -1) >= 0:
        out['retvals'] = [run(fd, bytes.fromhex(row['data']).ljust(64, b'\0')) for row in case['retvals']]
    if fd >= 0 and 'context' in case:
        out['run'] = run_on_context(fd, bytes.fromhex(case['context']))
    for held in fds + [fd]:
        if held >= 0:
            os.close(held)
    return out


def lock_btf():
    """int; struct bpf_spin_lock { int val; }; struct value { int count; struct bpf_spin_lock lock; }"""
    strings = b'\0int\0bpf_spin_lock\0val\0value\0count\0lock\0'
    at = lambda text: strings.index(b'\0' + text + b'\0') + 1
    types = struct.pack('<IIII', at(b'int'), 1 << 24, 4, 0x01000020)
    types += struct.pack('<III', at(b'bpf_spin_lock'), 4 << 24 | 1, 4) + struct.pack('<III', at(b'val'), 1, 0)
    types += struct.pack('<III', at(b'value'), 4 << 24 | 2, 8)
    types += struct.pack('<III', at(b'count'), 1, 0) + struct.pack('<III', at(b'lock'), 2, 32)
    return load_btf(types, strings)


def shared_map(shape):
    """The fd of a map of src/verifier's MapShape, with its type as a number."""
    inner = shared_map(shape['inner']) if 'inner' in shape else 0
    types = (lock_btf(), 1, 3) if 'spinLock' in shape else (0, 0, 0)
    fd = create_map(shape['type'], shape['keySize'], shape['valueSize'], shape['maxEntries'], shape.get('flags', 0), inner, *types)
    if fd < 0:
        raise OSError(-fd, f'map {shape}')
    if 'contents' in shape:
        store(fd, bytes.fromhex(shape['contents']), shape.get('flags', 0))
    return fd


def last_words(log):
    lines = [line for line in log.split('\n') if line]
    processed = next((int(line.split()[1]) for line in reversed(lines) if line.startswith('processed ')), 0)
    words = [line for line in lines if not line.startswith('processed ')]
    return (words[-1] if words else ''), processed


def batch():
    shapes, maps = json.loads(sys.stdin.readline())['maps'], {}

    def map_of(key, case):
        # The first program that is loaded with a program array decides of what type its programs are.
        owner = (case['prog_type'], case['expected_attach_type']) if shapes[key]['type'] == 3 else None
        if (key, owner) not in maps:
            maps[key, owner] = shared_map(shapes[key])
        return maps[key, owner]

    for line in sys.stdin:
        KEEP.clear()
        case = json.loads(line)
        code = bytearray.fromhex(case['insns'])
        for slot, key, source in case['at']:
            code[slot * 8 + 1] = code[slot * 8 + 1] & 15 | source << 4
            struct.pack_into('<i', code, slot * 8 + 4, map_of(key, case))
        btf = -1
        if any(code[at] == 0x18 and code[at + 1] >> 4 == 4 for at in range(0, len(code), 8)):
            case['lines'] = []
            with_lines(case, function_starts(code))
            btf = load_btf(bytes.fromhex(case['btf_types']), bytes.fromhex(case['btf_strings']))
        fd = load_program(case, bytes(code), btf)
        if btf >= 0:
            os.close(btf)
        last, processed = last_words(LOG.value.decode('latin-1'))
        print(json.dumps({'id': case['id'], 'errno': name(fd), 'last': last, 'processed': processed, 'ns': case['ns']}), flush=True)
        if fd >= 0:
            os.close(fd)


def main():
    if sys.argv[1] == '--batch':
        return batch()
    if sys.argv[1] == '--log-level':
        for line in sys.stdin:
            KEEP.clear()
            print(json.dumps(judge({'log_level': int(sys.argv[2]), **json.loads(line)}, -1)), flush=True)
        return
    dump = json.load(open(sys.argv[1]))
    btf = load_btf(first_types(bytes.fromhex(dump['map_btf_types']), 5), bytes.fromhex(dump['map_btf_strings']))
    with open(sys.argv[2], 'w') as out:
        for case in dump['tests']:
            KEEP.clear()
            answer = judge(case, btf) if case['insns'] else {'id': case['id'], 'skip': 'no instructions'}
            if len(answer.get('log', '')) > 20000:
                answer['log'] = answer['log'][-20000:]
            out.write(json.dumps(answer) + '\n')


main()
