#!/usr/bin/env python3
"""Asks the running Linux kernel what bpf_snprintf_btf makes of values, as root on x86-64.

  shown-types.py ORACLE_FOLDER > test/sim/fixtures/shown-types.json

ORACLE_FOLDER holds bpf_oracle.py. A raw_tracepoint program shows the bytes at +64 of a map's value at +1024 of it. Plain
pointers are hashed anew at each boot: values with pointers that are not 0 are shown with BTF_F_PTR_RAW.
"""
import ctypes, json, struct, sys

sys.path.insert(0, sys.argv[1])
import bpf_oracle as oracle
from kernel_types import kernel_types

STRUCT, ENUM, INT, TYPEDEF, FUNCTION = 4, 6, 1, 8, 12
KINDS = {STRUCT: 'struct', ENUM: 'enum', INT: 'int', TYPEDEF: 'typedef', FUNCTION: 'function'}


def instruction(opcode, dst=0, src=0, offset=0, immediate=0):
    return struct.pack('<BBhi', opcode, src << 4 | dst, offset, immediate)


def element(command, fd, value):
    key = oracle.buf(bytes(4))
    attributes = bytearray(struct.pack('<I4xQQQ', fd, ctypes.addressof(key), ctypes.addressof(value), 0))
    oracle.bpf(command, attributes)


def show(number, data, flags):
    attributes = bytearray(72)
    struct.pack_into('<IIIII', attributes, 0, 2, 4, 4096, 1, 0)
    fd = oracle.bpf(0, attributes)
    value = oracle.buf(bytes(64) + data, 4096)
    element(2, fd, value)
    i = instruction
    code = [i(0x62, 10, 0, -4, 0), i(0xbf, 2, 10), i(0x07, 2, 0, 0, -4), i(0x18, 1, 1, 0, fd), i(0), i(0x85, 0, 0, 0, 1),
            i(0x55, 0, 0, 2, 0), i(0xb7, 0), i(0x95), i(0xbf, 7, 0), i(0xbf, 1, 7), i(0x07, 1, 0, 0, 64),
            i(0x7b, 10, 1, -24), i(0x62, 10, 0, -16, number), i(0x62, 10, 0, -12, 0), i(0xbf, 1, 7), i(0x07, 1, 0, 0, 1024),
            i(0xb7, 2, 0, 0, 2048), i(0xbf, 3, 10), i(0x07, 3, 0, 0, -24), i(0xb7, 4, 0, 0, 16), i(0xb7, 5, 0, 0, flags),
            i(0x85, 0, 0, 0, 149), i(0x7b, 7, 0, 0), i(0xb7, 0), i(0x95)]
    program, log = oracle.load({'type': 17}, b''.join(code))
    assert program >= 0, log
    oracle.bpf(10, bytearray(struct.pack('<I', program)) + bytearray(76))
    element(1, fd, value)
    return struct.unpack_from('<q', value.raw)[0], value.raw[1024:].split(b'\0')[0].decode()


IP = bytes.fromhex('450000341234400040060000c0a80001c0a80002')
TCP = bytes.fromhex('00500051000000010000000250100000000000ff')
FEW = bytes([1, 0, 0, 0, 0, 0, 2, 0]) + bytes(8)
CASES = [*((STRUCT, 'iphdr', IP, flags) for flags in (0, 1, 2, 8, 9, 15)), (STRUCT, 'list_head', bytes(16), 0),
         (STRUCT, 'list_head', bytes(16), 2), (STRUCT, 'list_head', struct.pack('<QQ', 0xffff888012345678, 1), 4),
         (STRUCT, 'tcphdr', TCP, 0), (STRUCT, 'tcphdr', TCP, 8), (STRUCT, 'in6_addr', FEW, 0), (STRUCT, 'in6_addr', FEW, 9),
         (STRUCT, 'sockaddr', b'\2\0abc\0' + bytes(10), 0), (STRUCT, 'sockaddr', b'\2\0a\1c\0' + bytes(10), 3),
         (STRUCT, 'timespec64', struct.pack('<qq', 1, -2), 0), (STRUCT, 'qstr', struct.pack('<IIQ', 5, 3, 0), 0),
         (STRUCT, 'qstr', struct.pack('<IIQ', 5, 3, 0xffff888000001000), 5), (ENUM, 'skb_drop_reason', b'\2\0\0\0', 0),
         (ENUM, 'skb_drop_reason', b'\0\x70\0\0', 0), (INT, 'int', struct.pack('<i', -5), 0), (INT, 'int', bytes(4), 0),
         (INT, 'char', b'A', 0), (INT, '_Bool', b'\1', 0), (INT, 'long int', b'\xff' * 8, 0), (INT, 'unsigned char', b'A', 0),
         (TYPEDEF, 'u64', struct.pack('<Q', 2 ** 63), 0), (TYPEDEF, 'atomic_t', b'\1\0\0\0', 0),
         (STRUCT, 'new_utsname', b'abc' + bytes(62) + b'\1\2' + bytes(323), 1), (STRUCT, 'ethhdr', bytes(range(14)), 1),
         (STRUCT, 'ethhdr', bytes(range(14)), 8), (STRUCT, 'udphdr', bytes(range(8)), 0), (STRUCT, 'hlist_node', bytes(16), 10),
         (STRUCT, 'rb_node', b'\1' * 24, 5), (STRUCT, 'ipv6hdr', b'\x61' + bytes(range(1, 40)), 1),
         (STRUCT, 'iovec', struct.pack('<QQ', 0x7f0000001000, 9), 4), (STRUCT, 'sk_buff_head', b'\1' * 24, 5),
         (FUNCTION, 'vfs_read', b'', 0), (STRUCT, 'flowi_common', b'\1' * 40, 1),
         (STRUCT, 'path', struct.pack('<QQ', 0, 0xffff888000001000), 4)]


def main():
    names = kernel_types()
    rows = [[KINDS[kind], name, data.hex(), flags, *show(names[kind, name], data, flags)]
            for kind, name, data, flags in CASES if (kind, name) in names]
    print('[\n' + ',\n'.join(json.dumps(row) for row in rows) + '\n]')


main()
