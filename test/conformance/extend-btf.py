#!/usr/bin/env python3
"""Appends to a trimmed BTF what the verifier needs of a kernel: kernel functions for programs (kfuncs), iterator and
LSM hooks, their types, and per-CPU variables. Ids of types that are there stay.

  extend-btf.py TRIMMED.btf.gz FULL.btf OUT.btf.gz
"""
import gzip, re, struct, sys

TAIL = {1: 4, 3: 12, 14: 4, 17: 4}
EACH = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
MODIFIERS = (9, 10, 11, 18)


class Blob:
    def __init__(self, raw):
        header, type_at, type_size, string_at, string_size = struct.unpack_from('<IIIII', raw, 4)
        at, end = header + type_at, header + type_at + type_size
        self.strings = raw[header + string_at:header + string_at + string_size]
        self.types = [None]
        self.body = raw[at:end]
        while at < end:
            name, info, size = struct.unpack_from('<III', raw, at)
            kind, vlen = info >> 24 & 31, info & 0xffff
            length = TAIL.get(kind, 0) + EACH.get(kind, 0) * vlen
            self.types.append((self.text(name), kind, info, size, raw[at + 12:at + 12 + length]))
            at += 12 + length
        self.names = {}
        for number, row in enumerate(self.types):
            if row:
                self.names.setdefault((row[1], row[0]), number)

    def text(self, at):
        return self.strings[at:self.strings.index(b'\0', at)].decode()


class Extended:
    def __init__(self, old, full):
        self.old, self.full = old, full
        self.added, self.strings, self.text_at, self.known = [], bytearray(old.strings), {}, {}
        self.want = set()

    def string(self, text):
        if text == '':
            return 0
        if text not in self.text_at:
            found = self.old.strings.find(b'\0' + text.encode() + b'\0')
            if found >= 0:
                self.text_at[text] = found + 1
            else:
                self.text_at[text] = len(self.strings)
                self.strings += text.encode() + b'\0'
        return self.text_at[text]

    def place(self):
        self.added.append(None)
        return len(self.old.types) + len(self.added) - 1

    def put(self, number, name, info, size, tail=b''):
        self.added[number - len(self.old.types)] = struct.pack('<III', self.string(name), info, size) + tail

    def take(self, number, behind_pointer=False):
        """The id of a type of the full BTF in the extended one."""
        if number == 0:
            return 0
        name, kind, info, size, tail = self.full.types[number]
        if kind in (4, 5) and behind_pointer and name and name not in self.want and (kind, name) not in self.old.names:
            key = ('forward', kind, name)
            if key not in self.known:
                if (7, name) in self.old.names:
                    self.known[key] = self.old.names[7, name]
                else:
                    self.known[key] = self.place()
                    self.put(self.known[key], name, (7 << 24) | (0x80000000 if kind == 5 else 0), 0)
            return self.known[key]
        if number in self.known:
            return self.known[number]
        if name and (kind, name) in self.old.names and kind in (1, 4, 5, 6, 7, 8, 12, 16, 19):
            self.known[number] = self.old.names[kind, name]
            return self.known[number]
        own = self.known[number] = self.place()
        if kind == 2:
            size = self.take(size, True)
        elif kind in (8, 9, 10, 11, 18):
            size = self.take(size, behind_pointer)
        elif kind in (12, 14, 17):
            size = self.take(size)
        elif kind == 3:
            element, index, length = struct.unpack('<III', tail)
            tail = struct.pack('<III', self.take(element), self.take(index), length)
        elif kind == 13:
            size = self.take(size)
            rows = [struct.unpack_from('<II', tail, at) for at in range(0, len(tail), 8)]
            tail = b''.join(struct.pack('<II', self.string(self.full.text(text)), self.take(of)) for text, of in rows)
        elif kind in (4, 5):
            rows = [struct.unpack_from('<III', tail, at) for at in range(0, len(tail), 12)]
            tail = b''.join(struct.pack('<III', self.string(self.full.text(text)), self.take(of), at) for text, of, at in rows)
        elif kind in (6, 19):
            step = EACH[kind]
            tail = b''.join(struct.pack('<I', self.string(self.full.text(struct.unpack_from('<I', tail, at)[0]))) + tail[at + 4:at + step]
                            for at in range(0, len(tail), step))
        self.put(own, name, info, size, tail)
        return own

    def bytes(self):
        types = self.old.body + b''.join(self.added)
        return struct.pack('<HBBIIIII', 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(self.strings)) + types + bytes(self.strings)


def main():
    old = Blob(gzip.open(sys.argv[1]).read())
    full = Blob(open(sys.argv[2], 'rb').read())
    out = Extended(old, full)
    functions = []
    for name, kind, info, size, tail in filter(None, full.types):
        if kind == 17 and name == 'bpf_kfunc':
            functions.append(size)
    hooks = [number for number, row in enumerate(full.types)
             if row and row[1] == 12 and re.match(r'bpf_lsm_|bpf_iter_(?!.*_(new|next|destroy)$)', row[0])]
    traced = [number for number, row in enumerate(full.types) if row and row[1] == 8 and row[0].startswith('btf_trace_')]
    # Structs that kernel functions and iterators take are wanted whole; what those point to may stay a name.
    for number in functions + hooks:
        prototype = full.types[full.types[number][3]]
        kinds = [prototype[3]] + [struct.unpack_from('<II', prototype[4], at)[1] for at in range(0, len(prototype[4]), 8)]
        for kind in kinds:
            while kind and full.types[kind][1] in (2, 8) + MODIFIERS:
                kind = full.types[kind][3]
            if kind and full.types[kind][1] in (4, 5):
                out.want.add(full.types[kind][0])
    out.want |= {'bpf_map', 'bpf_map_ops', 'bpf_iter_meta', 'bpf_spin_lock', 'bpf_timer', 'bpf_wq', 'bpf_dynptr', 'bpf_list_head',
                 'bpf_list_node', 'bpf_rb_root', 'bpf_rb_node', 'bpf_refcount', 'bpf_cpumask', 'bpf_ringbuf_map', 'bpf_array',
                 'bpf_htab', 'bpf_stack_map', 'lpm_trie', 'bpf_dtab', 'bpf_stab', 'bpf_shtab', 'bpf_cpu_map', 'xsk_map',
                 'bpf_cgroup_storage_map', 'reuseport_array', 'bpf_queue_stack', 'bpf_local_storage_map', 'bpf_bloom_filter',
                 'bpf_arena', 'nf_hook_state', 'linux_binprm', 'cgroup_subsys_state', 'kernfs_node', 'request_sock', 'bpf_res_spin_lock', 'bpf_task_work'}
    out.want |= {row[0] for row in full.types if row and row[1] == 4 and re.match(r'bpf_iter_', row[0])}
    for text in sorted(out.want):
        for kind in (4, 5):
            if text and (kind, text) in full.names:
                out.take(full.names[kind, text])
    for number in functions + hooks + traced:
        out.take(number)
    for number in functions:
        own = out.take(number)
        mark = out.place()
        out.put(mark, 'bpf_kfunc', 17 << 24, own, struct.pack('<i', -1))
    variables = []
    for name, kind, info, size, tail in filter(None, full.types):
        if kind == 15 and name == '.data..percpu':
            for at in range(0, len(tail), 12):
                of, offset, length = struct.unpack_from('<III', tail, at)
                variable = full.types[of]
                resolved = full.types[variable[3]]
                known = resolved[1] in (1, 8) or (resolved[1] in (4, 5) and (resolved[1], resolved[0]) in old.names)
                if known or variable[0] in ('runqueues', 'bpf_prog_active'):
                    variables.append((out.take(of), offset, length))
    section = out.place()
    out.put(section, '.data..percpu', 15 << 24 | len(variables), 0, b''.join(struct.pack('<III', *row) for row in variables))
    raw = out.bytes()
    with gzip.GzipFile(sys.argv[3], 'wb', 9, mtime=0) as file:
        file.write(raw)
    print(len(old.types), len(out.added), len(raw), len(functions), len(hooks), len(variables))


main()
