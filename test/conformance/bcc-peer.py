"""Compiles each C text of a folder with real BCC and writes what came of it as JSON:

    python3 bcc-peer.py DIR > peer.json

{NAME: {"ms": time from text to code, "functions": {NAME: code in hex}, "maps": {NAME: [type, key, leaf, entries, flags]}}}
or {NAME: {"error": text}}. Needs BCC's Python module, kernel headers, and root; nothing is attached.
"""
import ctypes
import glob
import json
import multiprocessing
import os
import sys
import time

from bcc import BPF, lib

BPF._trace_autoload = lambda self: None
for name, result in (("name", ctypes.c_char_p), ("type_id", ctypes.c_int), ("key_size_id", ctypes.c_size_t),
                     ("leaf_size_id", ctypes.c_size_t), ("max_entries_id", ctypes.c_size_t), ("flags_id", ctypes.c_int)):
    function = getattr(lib, f"bpf_table_{name}")
    function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_size_t], result


def compile_text(path, flags):
    with open(path) as file:
        text = file.read()
    start = time.time()
    bpf = BPF(text=text, cflags=flags)
    ms = (time.time() - start) * 1000
    module = bpf.module
    names = [lib.bpf_function_name(module, i) for i in range(lib.bpf_num_functions(module))]
    maps = {}
    for i in range(lib.bpf_num_tables(module)):
        maps[lib.bpf_table_name(module, i).decode()] = [
            getattr(lib, f"bpf_table_{part}")(module, i)
            for part in ("type_id", "key_size_id", "leaf_size_id", "max_entries_id", "flags_id")]
    return {"ms": ms, "functions": {name.decode(): bpf.dump_func(name).hex() for name in names}, "maps": maps}


def in_child(path, flags):
    """LLVM may end the process that it runs in: each text has one of its own."""
    ours, theirs = multiprocessing.Pipe()

    def work():
        try:
            theirs.send(compile_text(path, flags))
        except Exception as fault:
            theirs.send({"error": str(fault)})

    child = multiprocessing.Process(target=work)
    child.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        return {"error": "the compiler ended its process"}
    finally:
        child.join()


results = {}
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.c"))):
    facts = path[:-2] + ".json"
    flags = []
    if os.path.exists(facts):
        with open(facts) as file:
            flags = json.load(file).get("cflags", [])
    results[os.path.basename(path)[:-2]] = in_child(path, flags)
json.dump(results, sys.stdout)
