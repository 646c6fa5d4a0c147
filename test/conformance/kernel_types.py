"""The types of the running kernel, from its own BTF."""
import struct


def kernel_types():
    """Ids by kind (BTF_KIND_*) and name; of several types of one name the first."""
    raw = open('/sys/kernel/btf/vmlinux', 'rb').read()
    header, at, size, strings, _ = struct.unpack_from('<IIIII', raw, 4)
    at, number, names = at + header, 1, {}
    end = at + size
    tail = {1: 4, 3: 12, 14: 4, 17: 4}
    each = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
    while at < end:
        text, info, _ = struct.unpack_from('<III', raw, at)
        start, kind = header + strings + text, info >> 24 & 31
        names.setdefault((kind, raw[start:raw.index(b'\0', start)].decode()), number)
        at += 12 + tail.get(kind, 0) + each.get(kind, 0) * (info & 0xffff)
        number += 1
    return names
