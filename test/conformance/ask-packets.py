#!/usr/bin/env python3
"""Runs the cases of the packet helpers on the running Linux kernel (see record-packets.ts), as root on x86-64.

  ask-packets.py ORACLE_FOLDER      cases as JSON lines on standard input, answers on standard output

ORACLE_FOLDER holds bpf_oracle.py, which knows bpf(2); its buffer for the packet that comes back is made larger here, as
programs make packets longer.
"""
import ctypes, json, sys

sys.path.insert(0, sys.argv[1])
import bpf_oracle as oracle

GROWTH = 20_000


def buffer(content, size=0):
    return ctypes.create_string_buffer(content, max(len(content), size + (GROWTH if size > 0 else 0), 1))


oracle.buf = buffer
for line in sys.stdin:
    if line.strip():
        print(json.dumps(oracle.answer(json.loads(line))), flush=True)
