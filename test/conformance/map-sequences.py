#!/usr/bin/env python3
"""Asks the running Linux kernel what bpf(2) answers to random sequences of map commands, as root on x86-64.

  map-sequences.py [SEED] > test/sim/fixtures/map-sequences.json

A row of a run is [command, …, errno or null, what was found]. Keys and values are hex. Of maps of maps values are the
numbers of inner maps, for the fds that go in and the ids that come out. What a hash gives in an order of its own, a batch
or a walk, is sorted. Runs on one CPU, as lists of an LRU hash belong to CPUs.
"""
import ctypes, errno, json, os, random, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
CREATE, LOOKUP, UPDATE, DELETE, NEXT, TAKE, BTF_LOAD = 0, 1, 2, 3, 4, 21, 18
LOOKUP_BATCH, TAKE_BATCH, UPDATE_BATCH, DELETE_BATCH, INFO = 24, 25, 26, 27, 15
TYPES = dict(hash=1, array=2, percpu_hash=5, percpu_array=6, lru_hash=9, lpm_trie=11, array_of_maps=12, hash_of_maps=13,
             queue=22, stack=23)
POSSIBLE = int(open('/sys/devices/system/cpu/possible').read().strip().split('-')[-1]) + 1


def bpf(command, attributes):
    held = (ctypes.c_char * len(attributes)).from_buffer(attributes)
    result = libc.syscall(321, command, held, len(attributes))
    if result >= 0:
        return result, None
    code = ctypes.get_errno()
    return -1, 'ENOTSUPP' if code == 524 else errno.errorcode[code]


def buffer(data, size=0):
    return ctypes.create_string_buffer(bytes(data), max(len(data), size, 1))


def locked_value():
    """BTF of u32 and struct { struct bpf_spin_lock lock; u32 a; u64 b; }, by the ids 1 and 4."""
    names = b'\0u32\0u64\0bpf_spin_lock\0val\0held\0lock\0a\0b\0'
    at = lambda text: names.index(b'\0' + text + b'\0') + 1
    types = struct.pack('<IIII', at(b'u32'), 1 << 24, 4, 32) + struct.pack('<IIII', at(b'u64'), 1 << 24, 8, 64)
    types += struct.pack('<III', at(b'bpf_spin_lock'), 4 << 24 | 1, 4) + struct.pack('<III', at(b'val'), 1, 0)
    types += struct.pack('<III', at(b'held'), 4 << 24 | 3, 16) + struct.pack('<III', at(b'lock'), 3, 0)
    types += struct.pack('<III', at(b'a'), 1, 32) + struct.pack('<III', at(b'b'), 2, 64)
    raw = struct.pack('<HBBIIIII', 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(names)) + types + names
    held, attributes = buffer(raw), bytearray(64)
    struct.pack_into('<QQI', attributes, 0, ctypes.addressof(held), 0, len(raw))
    return bpf(BTF_LOAD, attributes)[0]


def create(kind, key, value, entries, flags=0, inner=0, btf=0):
    attributes = bytearray(80)
    struct.pack_into('<IIIIII', attributes, 0, TYPES[kind], key, value, entries, flags, inner)
    if btf:
        struct.pack_into('<III', attributes, 48, btf, 1, 4)
    fd, why = bpf(CREATE, attributes)
    assert fd >= 0, (kind, why)
    return fd


def id_of(fd):
    info = buffer(b'', 96)
    attributes = bytearray(struct.pack('<IIQ', fd, 96, ctypes.addressof(info)))
    bpf(INFO, attributes)
    return struct.unpack_from('<I', info.raw, 4)[0]


class Map:
    def __init__(self, chance, kind, key, value, entries, flags=0, locked=False):
        self.chance, self.kind, self.key, self.entries = chance, kind, key, entries
        self.shape = dict(type=kind, keySize=key, valueSize=value, maxEntries=entries, flags=flags)
        self.inner = [create('array', 4, 8, 2) for _ in range(3)] if kind.endswith('of_maps') else []
        self.ids = {id_of(fd): index for index, fd in enumerate(self.inner)}
        self.locked = locked
        self.fd = create(kind, key, value, entries, flags, self.inner[0] if self.inner else 0, locked_value() if locked else 0)
        self.value = (value + 7) // 8 * 8 * POSSIBLE if kind.startswith('percpu') else value
        if kind == 'lpm_trie':
            self.keys = [struct.pack('<I', p) + bytes(chance.choice([0, 0x80, 0xff]) for _ in range(key - 4)) for p in (0, 1, 4, 7, 8, 9, 8 * (key - 4), 8 * (key - 4) + 1) for _ in range(2)]
        elif kind.endswith('array') or kind == 'array_of_maps':
            self.keys = [struct.pack('<I', index) for index in range(entries + 2)]
        else:
            self.keys = [bytes(chance.randrange(256) for _ in range(key)) for _ in range(entries + 3)] if key else [b'']

    def element(self, command, key, value=b'', flags=0):
        k, v = buffer(key), buffer(value, self.value)
        # Of a delete the kernel wants all that is not the key to be 0.
        place = 0 if command == DELETE else ctypes.addressof(v)
        attributes = bytearray(struct.pack('<I4xQQQ', self.fd, ctypes.addressof(k) if key else 0, place, flags))
        why = bpf(command, attributes)[1]
        return why, v.raw[:self.value]

    def shown(self, value):
        return self.ids[struct.unpack('<I', value)[0]] if self.inner else value.hex()

    def fresh(self):
        """A value as it goes in, and how it is written down."""
        if self.inner:
            index = self.chance.randrange(len(self.inner))
            return struct.pack('<I', self.inner[index]), index
        value = bytes(self.chance.randrange(256) for _ in range(self.value))
        return value, value.hex()

    def flags(self):
        return self.chance.choice([0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 8]) if self.locked else self.chance.choice([0, 0, 0, 1, 2, 3, 4])

    def batch(self, command, keys=(), values=(), count=None, flags=0):
        count = len(keys) if count is None else count
        k, v = buffer(b''.join(keys), count * max(self.key, 1)), buffer(b''.join(values), count * self.value)
        token = buffer(b'', max(self.key, 8))
        attributes = bytearray(struct.pack('<QQQQIIQQ', 0, ctypes.addressof(token), ctypes.addressof(k), ctypes.addressof(v), count,
                                           self.fd, flags, 0))
        why = bpf(command, attributes)[1]
        done = struct.unpack_from('<I', attributes, 32)[0]
        pairs = [(k.raw[i * self.key:(i + 1) * self.key].hex(), self.shown(v.raw[i * self.value:(i + 1) * self.value]))
                 for i in range(done)] if command in (LOOKUP_BATCH, TAKE_BATCH) and why in (None, 'ENOENT') else []
        return why, done, pairs if self.kind in ('array', 'percpu_array', 'array_of_maps', 'lpm_trie') else sorted(pairs)

    def walk(self):
        found, key = [], None
        while True:
            k, n = buffer(key or b''), buffer(b'', self.key)
            attributes = bytearray(struct.pack('<I4xQQ', self.fd, ctypes.addressof(k) if key else 0, ctypes.addressof(n)))
            if bpf(NEXT, attributes)[1]:
                return found if 'array' in self.kind or self.kind == 'lpm_trie' else sorted(found)
            key = n.raw[:self.key]
            why, value = self.element(LOOKUP, key)
            found.append((key.hex(), None if why else self.shown(value)))

    def step(self):
        some = lambda: self.chance.choice(self.keys)
        what = self.chance.choice(['update'] * 6 + ['delete'] * 2 + ['lookup'] * 3 + ['take', 'take', 'next', 'batch', 'batch'])
        if what == 'update':
            key, flags, (value, name) = some(), self.flags(), self.fresh()
            return ['update', key.hex(), flags, name, self.element(UPDATE, key, value, flags)[0]]
        if what == 'delete':
            key = some()
            return ['delete', key.hex(), self.element(DELETE, key)[0]]
        if what in ('lookup', 'take'):
            key = some()
            why, value = self.element(LOOKUP if what == 'lookup' else TAKE, key)
            return [what, key.hex(), why, None if why else self.shown(value)]
        if self.key == 0:
            return None
        if what == 'next':
            return ['walk', self.walk()]
        which = self.chance.choice(['lookupBatch', 'takeBatch', 'updateBatch', 'deleteBatch'])
        if which in ('lookupBatch', 'takeBatch'):
            why, done, pairs = self.batch(LOOKUP_BATCH if which == 'lookupBatch' else TAKE_BATCH, count=self.entries + 4)
            return [which, self.entries + 4, why, done, pairs]
        keys = [some() for _ in range(self.chance.randrange(1, 4))]
        if which == 'deleteBatch':
            why, done, _ = self.batch(DELETE_BATCH, keys)
            return [which, [key.hex() for key in keys], why, done]
        values = [self.fresh() for _ in keys]
        flags = self.chance.choice([0, 0, 0, 4, 1])
        why, done, _ = self.batch(UPDATE_BATCH, keys, [value for value, _ in values], flags=flags)
        return [which, [key.hex() for key in keys], [name for _, name in values], flags, why, done]

    def run(self, steps):
        rows = [row for row in (self.step() for _ in range(steps)) if row]
        for fd in [self.fd, *self.inner]:
            os.close(fd)
        return dict(shape=self.shape, locked=self.locked, rows=rows)


def main():
    os.sched_setaffinity(0, {0})
    chance = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    maps = [('hash', 4, 8, 6), ('hash', 7, 5, 3, 1), ('percpu_hash', 4, 12, 3), ('lru_hash', 4, 8, 5), ('array', 4, 6, 4),
            ('percpu_array', 4, 8, 3), ('lpm_trie', 6, 4, 8, 1), ('array_of_maps', 4, 4, 3), ('hash_of_maps', 4, 4, 4),
            ('queue', 0, 8, 3), ('stack', 0, 5, 3)]
    runs = [Map(chance, *shape).run(120) for shape in maps]
    runs += [Map(chance, kind, 4, 16, entries, 0, True).run(120) for kind, entries in (('array', 3), ('hash', 4))]
    rows = ',\n'.join(json.dumps(run, separators=(',', ':')) for run in runs)
    print('{"kernel": "%s", "cpus": %d, "runs": [\n%s\n]}' % (os.uname().release.split('-')[0], POSSIBLE, rows))


main()
