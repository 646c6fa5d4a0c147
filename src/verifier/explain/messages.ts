import type { Category } from './categories.ts';

/**
 * Every message with which the verifier refuses a program, what it means, and what helps: the one table behind all
 * explanations. Longer than other files because it is a table; a test holds it against the verifier's own text.
 *
 * Forms are the messages with names for their parts. The texts may use these names, and besides
 *   {subject}  the register that is meant, as R3        {source}  where its value came from, in words
 *   {value}    what it may hold, in words               {here}    the line, else the instruction
 *   {helper}   the helper that is called                {type}    the program's type
 * The first form that fits is taken, so a special one stands before the general one.
 */
export interface MessageRow {
  readonly form: string;
  readonly category: Category;
  readonly reason: string;
  readonly suggestion?: string;
}

function row(form: string, category: Category, reason: string, suggestion?: string): MessageRow {
  return suggestion === undefined ? { form, category, reason } : { form, category, reason, suggestion };
}

const boundsFirst =
  'compare it with both of its limits before {here}, or mask it: x &= 63 leaves 0 to 63; an unsigned type needs no lower limit';
const checkNull = 'check {source} for NULL before {here}: if (!p) return 0;';
const reserved = 'a field of the instruction that must be zero is not';
const assembler = 'let an assembler or compiler write the bytes: tracebed prog disasm shows how they read';
const unlockFirst = 'call bpf_spin_unlock before {here}, on every way there';

export const messages: readonly MessageRow[] = [
  // --- Values that were never set
  row(
    'R{register} !read_ok',
    'uninitialised',
    'R{register} is read, and nothing was written to it on the way here',
    'set it on every way to {here}',
  ),
  row(
    'R{register} !read_ok after a call',
    'uninitialised',
    'R{register} is read, but what it held was lost in the call of {source}: calls keep only r6 to r9',
    'keep it in r6 to r9, or on the stack, until {here}',
  ),
  row(
    'invalid read from stack off {offset}+{byte} size {size}',
    'uninitialised',
    'the {size} bytes that are read from the stack at {offset} hold a part that is no plain data, or was never written',
    'write the whole variable before {here}: struct key k = {};',
  ),
  row(
    'invalid read from stack R{register} {where} size {size}',
    'uninitialised',
    'the {size} bytes of stack that {helper} is handed were not all written before',
    'write the whole variable, its padding too, before {here}: struct key k = {};',
  ),

  // --- NULL
  row(
    "R{register} invalid mem access '{kind}_or_null{struct}'",
    'possible-null',
    '{source} may be NULL, and it is used without a test',
    checkNull,
  ),
  row(
    'R{register} pointer arithmetic on {kind}_or_null{struct} prohibited, null-check it first',
    'possible-null',
    '{source} may be NULL, and NULL plus a number is no longer seen to be NULL',
    checkNull,
  ),
  row(
    'R{register} pointer arithmetic on {kind} prohibited, null-check it first',
    'possible-null',
    '{source} may be NULL, and NULL plus a number is no longer seen to be NULL',
    checkNull,
  ),
  row(
    'Possibly NULL pointer passed to {call} arg{index}',
    'possible-null',
    '{source} may be NULL, and {helper} does not take NULL as argument {index}',
    checkNull,
  ),
  row(
    'Possibly NULL pointer passed to {call}',
    'possible-null',
    '{source} may be NULL, and it is handed on without a test',
    checkNull,
  ),
  row(
    'R{register} type={kind}_or_null{struct} expected={wanted}',
    'possible-null',
    '{source} may be NULL, and {helper} does not take NULL there',
    checkNull,
  ),

  // --- Bounds
  row(
    "R{register} min value is negative, either use unsigned or 'var &= const'",
    'bounds',
    'the size that {helper} is given may be negative: it is {value}',
    'make it unsigned, or test it: if (n < 0) return 0; before {here}',
  ),
  row(
    'R{register} min value is negative, either use unsigned index or do a if (index >=0) check.',
    'bounds',
    'the offset may be negative, so the access may begin before the memory: it is {value}',
    'make the index unsigned, or test it: if (i < 0) return 0; before {here}',
  ),
  row(
    'R{register} min value is outside of the allowed memory range',
    'bounds',
    'even with the smallest value that it may have, {subject} leads outside the memory',
    boundsFirst,
  ),
  row(
    'R{register} max value is outside of the allowed memory range',
    'bounds',
    'with the largest value that it may have, {subject} leads outside the memory',
    boundsFirst,
  ),
  row(
    'R{register} unbounded memory access, make sure to bounds check any such access',
    'bounds',
    'nothing limits the offset: it is {value}',
    boundsFirst,
  ),
  row(
    "R{register} unbounded memory access, use 'var &= const' or 'if (var < const)'",
    'bounds',
    'nothing limits the size that {helper} is given: it is {value}',
    'limit it before {here}: if (n > sizeof(buffer)) n = sizeof(buffer);',
  ),
  row(
    'R{register} offset is outside of the packet',
    'bounds',
    'the packet may end before these bytes: no comparison with data_end on the way here covers them',
    'compare before {here}: if (p + size > data_end) return; with the very pointer that is used after it',
  ),
  row(
    'R{register} invalid zero-sized read: u64=[{low},{high}]',
    'bounds',
    'the size that {helper} is given may be 0, which it does not take',
    'leave before {here} when the size is 0',
  ),
  row(
    'R{register} invalid zero-sized read',
    'bounds',
    'the size that {helper} is given may be 0, which it does not take',
    'leave before {here} when the size is 0',
  ),
  row(
    'invalid zero-sized read',
    'bounds',
    'the size that {helper} is given may be 0, which it does not take',
    'leave before {here} when the size is 0',
  ),
  row(
    'invalid access to flow keys off={offset} size={size}',
    'bounds',
    'struct bpf_flow_keys has 56 bytes, and these {size} at {offset} are not all among them',
  ),
  row(
    'invalid access to map value pointer, value_size={limit} off={offset}',
    'bounds',
    'the address of byte {offset} is taken of a map value of {limit} bytes, or of a map with more than one element',
    'take only addresses inside the one value of a map, as sections of data are',
  ),
  row(
    'direct value offset of {offset} is not allowed',
    'bounds',
    'an offset into a map value must be below 512 MiB, and this is {offset}',
  ),
  row(
    'invalid unbounded variable-offset {access} stack R{register}',
    'bounds',
    'the stack is reached at an offset that nothing limits: it is {value}',
    boundsFirst,
  ),
  row(
    'invalid variable-offset {access} stack R{register} var_off={bits} off={offset} size={size}',
    'bounds',
    'an offset into the stack is {value}: from {offset} on, {size} bytes may lie outside its 512 bytes',
    boundsFirst,
  ),
  row(
    'variable offset stack pointer cannot be passed into helper function; var_off={bits} off={offset} size={size}',
    'stack',
    'an atomic operation works on the stack only at an offset that is known, and here it is {value}',
    'take an index that is a constant, or keep the variable in a map',
  ),
  row(
    'invalid {access} stack R{register} off={offset} size={size}',
    'bounds',
    'a function may touch its own stack from r10-512 to r10-1, and these are {size} bytes at r10{offset}',
    'keep large data in a map: a per-CPU array with one element is the usual place',
  ),
  row(
    'R{register} is ptr_{struct} invalid negative access: off={offset}',
    'bounds',
    'the access begins before struct {struct}, at {offset}',
  ),
  row(
    'R{register} is ptr_{struct} invalid variable offset: off={offset}, var_off={bits}',
    'bounds',
    'fields of a kernel struct are reached at constant offsets only, and this offset is not known',
    'read with bpf_probe_read_kernel where the offset is computed',
  ),
  row(
    'access beyond struct {struct} at off {offset} size {size}',
    'bounds',
    'struct {struct} ends before byte {offset} and the {size} that are read there',
    'check that the pointer is of the type that the code casts it to',
  ),
  row(
    'access beyond the end of member {member} (mend:{end}) {where}',
    'bounds',
    'the access runs over the end of the field {member}',
    'read the field with its own size',
  ),
  row(
    'R{register} invalid {kind} buffer access: off={offset}, size={size}',
    'bounds',
    'the buffer is reached at {offset}, before its start',
  ),
  row(
    'R{register} invalid variable buffer offset: off={offset}, var_off={bits}',
    'bounds',
    'the buffer is reached at an offset that is not known; only constant offsets are possible there',
  ),

  // --- Alignment
  row(
    'misaligned packet access off {sum} size {size}',
    'misaligned',
    'with strict alignment {size} bytes are read or written at a multiple of {size} only, and a packet begins 2 bytes behind one',
    'read it byte by byte, or load without BPF_F_STRICT_ALIGNMENT',
  ),
  row(
    'misaligned {memory}access off {sum} size {size}',
    'misaligned',
    '{size} bytes must lie at a multiple of {size} there, and the offset is {sum}',
    'align the field: no __attribute__((packed)), larger fields first',
  ),
  row(
    'misaligned stack spill',
    'misaligned',
    'a pointer is kept on the stack at a multiple of 8 only',
    'align the variable to 8 bytes',
  ),

  // --- Memory that cannot be reached so
  row(
    "R{register} invalid mem access 'scalar'",
    'wrong-pointer',
    '{subject} is used as an address, but to the verifier it is a number: {source}',
    'read kernel memory with bpf_probe_read_kernel, user memory with bpf_probe_read_user; a pointer must stay whole: 64 bits, no cast through int',
  ),
  row(
    "R{register} invalid mem access '{kind}'",
    'wrong-pointer',
    '{subject} is {value}, which a program cannot read or write directly',
    'go through the helpers that take it',
  ),
  row(
    'same insn cannot be used with different pointers',
    'wrong-pointer',
    'one instruction reaches different kinds of memory, depending on the way that leads to it, and the kernel rewrites it for one kind only',
    'give each kind its own load or store: do not let the ways join before {here}',
  ),
  row(
    'negative offset {kind} ptr R{register} off={offset} disallowed',
    'wrong-pointer',
    'such a pointer must be used as it was given, and {offset} was added to it',
    'use the pointer itself and put the offset into the access',
  ),
  row(
    'dereference of modified {kind} ptr R{register} off={offset} disallowed',
    'wrong-pointer',
    'such a pointer must be used as it was given, and {offset} was added to it before',
    'keep the pointer and put the offset into the access: *(u32 *)(r1 + {offset})',
  ),
  row(
    'variable {kind} access var_off={bits} disallowed',
    'wrong-pointer',
    'such memory is reached at constant offsets only, and a number that is not known was added',
    'select the field with if or switch, each with a constant offset',
  ),
  row(
    'R{register} invalid {kind} access off={offset} size={size}',
    'wrong-pointer',
    'these {size} bytes at {offset} are no field of it, or only a part of one that must be read whole',
    'read the field by its name and type from the kernel header',
  ),
  row(
    'R{register} is ptr_{struct} access user memory: off={offset}',
    'wrong-pointer',
    'the pointer leads to user memory, which may be paged out',
    'copy it with bpf_probe_read_user',
  ),
  row(
    'R{register} is ptr_{struct} access percpu memory: off={offset}',
    'wrong-pointer',
    'the pointer stands for one variable per CPU, not for an address',
    'get the address with bpf_per_cpu_ptr or bpf_this_cpu_ptr',
  ),
  row(
    'cannot access ptr member {member} with moff {start} {where}',
    'wrong-pointer',
    'the pointer in the field {member} must be read whole, with 8 bytes',
    'read the field with its own type',
  ),
  row(
    "struct {struct} doesn't have field at offset {offset}",
    'wrong-pointer',
    'at {offset} struct {struct} has only padding',
    'check that the pointer is of the type that the code casts it to',
  ),
  row("Type '{struct}' is not a struct", 'wrong-pointer', 'the pointer leads to {struct}, which has no fields to read'),
  row(
    "Cannot access kernel 'struct {struct}' from non-GPL compatible program",
    'unavailable',
    'fields of kernel structs may be read by programs with a GPL-compatible license only',
    'declare it: char _license[] SEC("license") = "GPL";',
  ),
  row('stack frame is gone', 'internal', 'a pointer leads to the stack of a function that has returned'),
  row(
    'in-kernel BTF is malformed',
    'internal',
    "the kernel's type information does not describe what the program reads",
  ),

  // --- Pointer arithmetic
  row(
    'R{register} pointer {operator} pointer prohibited',
    'pointer-arithmetic',
    'two pointers are joined with {operator}; only their difference can be taken',
    'in C: check that one of them is meant to be a number',
  ),
  row(
    'R{register} 32-bit pointer arithmetic prohibited',
    'pointer-arithmetic',
    'a 32-bit operation would cut the pointer in half',
    'compute with 64 bits: unsigned long, not int',
  ),
  row(
    'R{register} pointer arithmetic on {kind} prohibited',
    'pointer-arithmetic',
    'nothing can be added to {value}: it is used as it is, or handed on',
    'give each access its own constant offset',
  ),
  row(
    'R{register} tried to subtract pointer from scalar',
    'pointer-arithmetic',
    'a pointer is taken from a number, which is no address',
    'exchange the sides',
  ),
  row(
    'R{register} subtraction from stack pointer prohibited',
    'pointer-arithmetic',
    'a number that is not known is taken from a stack pointer',
    'add a negative constant instead: r2 = r10; r2 += -8',
  ),
  row(
    'R{register} bitwise operator {operator} on pointer prohibited',
    'pointer-arithmetic',
    'bits of a pointer are changed with {operator}, and then it is no address any more',
    'align or mask the offset before it is added to the pointer',
  ),
  row(
    'R{register} pointer arithmetic with {operator} operator prohibited',
    'pointer-arithmetic',
    'a pointer can be moved by += and -=, and not changed by {operator}',
    'compute the offset in a number of its own, and add it then',
  ),
  row(
    'math between {kind} pointer and register with unbounded min value is not allowed',
    'pointer-arithmetic',
    'what is added to the pointer may be any number, also a very negative one',
    boundsFirst,
  ),
  row(
    'math between {kind} pointer and {number} is not allowed',
    'pointer-arithmetic',
    'a pointer can be moved by less than 512 MiB, and this is {number}',
    'check where the number comes from: a 32-bit -1 that was not sign-extended is 4294967295',
  ),
  row(
    '{kind} pointer offset {offset} is not allowed',
    'pointer-arithmetic',
    'the pointer has been moved by {offset} altogether, and less than 512 MiB is possible',
  ),
  row(
    'value {number} makes {kind} pointer be out of bounds',
    'pointer-arithmetic',
    'the pointer may be moved by {number}, and less than 512 MiB is possible',
    boundsFirst,
  ),

  // --- Context
  row(
    'invalid bpf_context access off={offset} size={size}',
    'context',
    'programs of type {type} cannot use the {size} bytes at {offset} of their context so: there is no such field, it is not for this type, or it is not for writing',
    'tracebed events shows what a tracepoint has; for other types see the context struct in include/uapi/linux/bpf.h',
  ),
  row(
    'at the time of BPF_LD_ABS|IND R6 != pointer to skb',
    'context',
    'loads of packet bytes (LD_ABS, LD_IND) find the packet through r6, which must hold the context',
    'begin with r6 = r1, or use bpf_skb_load_bytes',
  ),

  // --- Writes to what may only be read
  row(
    'frame pointer is read only',
    'read-only',
    'r10 marks the top of the stack and cannot be changed',
    'copy it first: r2 = r10; r2 += -8',
  ),
  row(
    'write to change key R{register} not allowed',
    'read-only',
    'the key of a map element cannot be changed in place',
    'delete the element and add another',
  ),
  row(
    'R{register} cannot write into map_key',
    'read-only',
    '{helper} would write into the key of a map element',
    'hand it a variable of the program',
  ),
  row(
    'R{register} cannot write into {kind}',
    'read-only',
    '{value} may be read but not written',
    'copy it to a variable, and change that',
  ),
  row('cannot write into packet', 'read-only', 'programs of type {type} may read packets but not change them'),
  row(
    'write into map forbidden, value_size={limit} off={offset} size={size}',
    'read-only',
    'the map was made with BPF_F_RDONLY_PROG: programs cannot write to it (in C: const data in .rodata)',
    'make the map without the flag, or the variable without const',
  ),
  row(
    '{access} map forbidden, value_size={limit} off={offset} size={size}',
    'read-only',
    'the map was made with a flag that forbids programs to {access} it',
    'make the map without BPF_F_WRONLY_PROG or BPF_F_RDONLY_PROG',
  ),
  row(
    'write into map forbidden',
    'read-only',
    'the map was made with BPF_F_RDONLY_PROG: programs cannot change it',
    'make the map without the flag',
  ),
  row('only read is supported', 'read-only', 'fields of kernel structs may be read but not written'),
  row(
    'no write support to nf_conn at off {offset}, size {size}',
    'read-only',
    'of struct nf_conn only the mark may be written',
  ),
  row(
    'bpf_{call}() may write into memory pointed by R{register} type={kind}',
    'read-only',
    '{helper} may write there, and the memory is read-only',
    'hand it a variable on the stack',
  ),
  row(
    'BPF_ATOMIC {access} R{register} {kind} is not allowed',
    'wrong-pointer',
    'atomic operations work on map values, the stack and kernel memory, not on {value}',
    'read, compute and write in single steps, without the atomic operation',
  ),

  // --- Arguments
  row(
    'R{register} type={kind} expected={wanted}',
    'argument',
    '{helper} takes {wanted} in R{register}, and gets {value}',
    "compare the call with the helper's prototype: the order of arguments, and & before variables",
  ),
  row(
    'R{register} is of type {struct} but {wanted} is expected',
    'argument',
    '{helper} takes a pointer to struct {wanted} there, and this one leads to struct {struct}',
  ),
  row(
    "R{register} is not a known constant'",
    'argument',
    '{helper} takes a constant there, and this number is only known when the program runs: it is {value}',
    'write the size as a constant, as sizeof of the record',
  ),
  row(
    "R{register} does not point to a readonly map'",
    'argument',
    'the text must be a constant that cannot change: in a map with BPF_F_RDONLY_PROG',
    'make it static const char text[] = "…";',
  ),
  row(
    "R{register} is not a constant address'",
    'argument',
    'the place of the text must be known',
    'hand over the text itself, not a place computed in it',
  ),
  row('string is not zero-terminated', 'argument', 'the text has no zero at its end'),
  row(
    'no direct value access support for this map type',
    'argument',
    'only the value of an array map has a constant address',
  ),
  row(
    'R{register} must have zero offset when passed to release func or trusted arg to kfunc',
    'argument',
    'a pointer must be handed back as it was given, and something was added to it',
    'keep the pointer that was given for {here}',
  ),
  row(
    'helper access to the packet is not allowed',
    'argument',
    '{helper} takes no pointers into the packet in programs of type {type}',
    'copy the bytes to the stack first, with bpf_skb_load_bytes or bpf_xdp_load_bytes',
  ),
  row(
    'Unsupported reg type {kind} for bpf_dynptr_from_mem data',
    'argument',
    'a dynptr can be made of map values only, and this is {kind}',
  ),
  row(
    "get_local_storage() doesn't support non-zero flags",
    'argument',
    'bpf_get_local_storage takes 0 as its flags',
    'hand over 0',
  ),
  row('R{register} is invalid', 'malformed', 'there is no register R{register}: they are r0 to r10', assembler),

  // --- What this program may not use
  row(
    'invalid func unknown#{number}',
    'unavailable',
    'there is no helper {number} in this kernel',
    'check the number, or the kernel that the program is meant for',
  ),
  row(
    'invalid func {call}',
    'unavailable',
    'there is no helper {call} in this kernel',
    'check the number, or the kernel that the program is meant for',
  ),
  row(
    'program of this type cannot use helper {call}',
    'unavailable',
    '{call} is not there for programs of type {type}',
    'see which types have it: bpftool feature probe, or man 7 bpf-helpers; another attach point may be of another type',
  ),
  row(
    'cannot call GPL-restricted function from non-GPL compatible program',
    'unavailable',
    '{helper} is for programs with a GPL-compatible license only',
    'declare it: char _license[] SEC("license") = "GPL";',
  ),
  row(
    'helper call might sleep in a non-sleepable prog',
    'unavailable',
    '{helper} may sleep, and this program may not',
    'load it as a sleepable program: SEC("fentry.s/…")',
  ),
  row(
    'BPF_LD_[ABS|IND] instructions not allowed for this program type',
    'unavailable',
    'only socket filters and traffic control load packet bytes with LD_ABS and LD_IND',
    'use a packet pointer with a comparison to data_end',
  ),
  row(
    'tracing progs cannot use bpf_{object} yet',
    'unavailable',
    'programs of type {type} run where bpf_{object} could deadlock',
    'use atomic operations: __sync_fetch_and_add',
  ),
  row(
    'socket filter progs cannot use bpf_spin_lock yet',
    'unavailable',
    'programs of type {type} cannot use bpf_spin_lock',
    'use atomic operations: __sync_fetch_and_add',
  ),
  row('tracing progs cannot use {object} yet', 'unavailable', 'programs of type {type} cannot use {object}'),
  row(
    'invalid kernel function call not eliminated in verifier pass',
    'unavailable',
    'the kernel function that is called does not exist here',
  ),
  row('callbacks are not judged yet', 'unavailable', 'the address of a function is taken, which is not judged here'),
  row('result of bpf_{call} is not judged yet', 'unavailable', 'what bpf_{call} gives is not judged here'),

  // --- References
  row(
    '{what} would lead to reference leak',
    'reference',
    'a reference that was taken is still held where the program ends or leaves: each must be given back on every way',
    'give it back before {here}: bpf_ringbuf_submit or bpf_ringbuf_discard, bpf_sk_release',
  ),
  row(
    'function release of unknown reference {id}',
    'reference',
    'what is given back was given back before',
    'give each back once',
  ),
  row(
    'func {call} reference has not been acquired before',
    'reference',
    'what is given back was not taken, or was given back before',
    'give back only what was taken, and once',
  ),
  row(
    'R{register} must be referenced when passed to release function',
    'reference',
    '{helper} gives a reference back, and {subject} holds none',
    'hand over the pointer that was taken, before anything is done to it',
  ),
  row(
    'arg {index} is an unacquired reference',
    'reference',
    '{helper} gives a reference back, and argument {index} holds none',
  ),
  row(
    'cannot release unowned const bpf_dynptr',
    'reference',
    'a dynptr that was handed to a callback does not belong to the program',
  ),

  // --- Locks and regions
  row(
    'function calls are not allowed while holding a lock',
    'lock',
    'between bpf_spin_lock and bpf_spin_unlock no function may be called',
    'make the call before the lock or after the unlock',
  ),
  row("can't spin_{lock,unlock} in rbtree cb", 'lock', 'the callback of a tree runs with its lock held'),
  row(
    '{what} cannot be used inside bpf_spin_lock-ed region',
    'lock',
    'a spin lock is held here, and must be released before',
    unlockFirst,
  ),
  row(
    '{what} cannot be used inside bpf_rcu_read_lock-ed region',
    'lock',
    'bpf_rcu_read_lock was called and its unlock was not',
    'call bpf_rcu_read_unlock before {here}, on every way there',
  ),
  row(
    '{what} cannot be used inside bpf_preempt_disable-ed region',
    'lock',
    'bpf_preempt_disable was called and bpf_preempt_enable was not',
    'call bpf_preempt_enable before {here}, on every way there',
  ),
  row(
    '{what} cannot be used inside bpf_local_irq_save-ed region',
    'lock',
    'bpf_local_irq_save was called and bpf_local_irq_restore was not',
    'call bpf_local_irq_restore before {here}, on every way there',
  ),
  row(
    'sleepable helper {call} in {region} region',
    'lock',
    '{call} may sleep, and here nothing may',
    'call it outside the region',
  ),
  row(
    'Locking two bpf_spin_locks are not allowed',
    'lock',
    'a spin lock is held already, and only one may be',
    unlockFirst,
  ),
  row(
    'bpf_spin_unlock without taking a lock',
    'lock',
    'no lock is held on this way',
    'pair each unlock with a lock on the same way',
  ),
  row(
    'bpf_spin_unlock of different lock',
    'lock',
    'the lock that is released is another than the one that is held',
    'unlock through the pointer that was locked',
  ),
  row(
    "R{register} doesn't have constant offset. {object} has to be at the constant offset",
    'lock',
    'the place of the object in the map value must be known',
    'use one object in each value, at its field',
  ),
  row(
    "{owner} '{map}' has no valid bpf_{object}",
    'map',
    'the value of the map has no struct bpf_{object}, or the map does not say so in its BTF',
    'declare it in the value: struct bpf_{object} and load the map with BTF',
  ),
  row(
    "map '{map}' has to have BTF in order to use {object}",
    'map',
    'the kernel learns from BTF where the object lies, and the map has none',
    'declare the map with its types: __type(value, struct value)',
  ),
  row(
    "off {offset} doesn't point to 'struct {object}' that is at {place}",
    'argument',
    'the pointer leads to byte {offset} of the value, and struct {object} is at {place}',
    'hand over the address of the field itself',
  ),

  // --- Return values
  row(
    'At program exit the register R0 is not a known value ({kind})',
    'return-value',
    'programs of type {type} return a number, and R0 is {value}',
    'return 0, or what the program type defines',
  ),
  row(
    'At program exit the register R0 has{known} should have been in [{low}, {high}]',
    'return-value',
    'programs of type {type} may return {low} to {high}, and R0 is {value}',
    'return a constant from {low} to {high} on every way',
  ),
  row(
    '{when} the register {name} has{known} should have been in [{low}, {high}]',
    'return-value',
    'only {low} to {high} may be returned there, and it is {value}',
    'return a constant from {low} to {high} on every way',
  ),
  row(
    'R{register} not a scalar value',
    'return-value',
    'a callback returns a number, and {subject} is {value}',
    'return 0 or 1',
  ),
  row(
    'cannot return stack pointer to the caller',
    'return-value',
    'the stack of a function is gone when it returns',
    'let the caller hand over the address of a variable of its own',
  ),

  // --- Control flow
  row(
    'infinite loop detected at insn {slot}',
    'control-flow',
    'the program comes back to this place with nothing changed, so it would never end',
    'let something count towards the end: for (i = 0; i < 64; i++), or use bpf_loop',
  ),
  row(
    'unreachable insn {slot}',
    'control-flow',
    'no way leads to instruction {slot}',
    'take it out: compilers do that with -O2',
  ),
  row(
    'jump out of range from insn {slot} to {target}',
    'control-flow',
    'instruction {slot} goes to {target}, which is not in the same function',
    'jumps stay inside their function; use a call to reach another',
  ),
  row(
    'jump into the middle of ldimm64 insn {slot}',
    'control-flow',
    'a jump leads to the second half of the 64-bit load at {slot}',
  ),
  row(
    'last insn is not an exit or jmp',
    'control-flow',
    'a function ends without exit, and would run on into what stands behind it',
    'end each function with exit or goto',
  ),
  row('call to invalid destination', 'control-flow', 'a function is called that begins outside the program'),
  row(
    'invalid insn idx {slot} insn_cnt {count}',
    'control-flow',
    'the way leads to instruction {slot}, and the program has {count}',
  ),

  // --- Limits
  row(
    'BPF program is too large. Processed {count} insn',
    'too-complex',
    'the verifier gave up after {count} instructions on all ways together: loops and branches multiply',
    'make loops shorter, put parts into functions that are called with bpf_loop, or mark them __noinline',
  ),
  row(
    'The sequence of {count} jumps is too complex.',
    'too-complex',
    '{count} branches wait to be looked at',
    'split the program with tail calls, or into functions',
  ),
  row('too many subprograms', 'too-complex', 'a program has at most 256 functions'),
  row(
    'the call stack of {count} frames is too deep{end}',
    'too-complex',
    'calls may be nested 8 deep, and here are {count}',
    'inline one: static __always_inline',
  ),
  row(
    'combined stack size of {count} calls is {size}. Too large',
    'too-complex',
    'the {count} functions that call each other use {size} bytes of stack together, and there are 512',
    'move large variables into a per-CPU array with one element',
  ),
  row(
    'stack size of subprog {index} is {size}. Too large',
    'too-complex',
    'a function uses {size} bytes of stack, and there are 512',
    'move large variables into a per-CPU array with one element',
  ),
  row(
    'tail_calls are not allowed when call stack of previous frames is {size} bytes. Too large',
    'too-complex',
    'a function that makes a tail call is called with {size} bytes of stack in use, and 256 is the most',
    'make the tail call from the main function',
  ),
  row(
    'The total number of maps per program has reached the limit of {count}',
    'too-complex',
    'a program uses at most {count} maps',
  ),

  // --- Stack
  row(
    'cannot spill pointers to stack into stack frame of the caller',
    'stack',
    "a pointer to this function's stack would stay in the caller's, when it is gone",
    'return a value instead',
  ),
  row(
    'invalid size of register spill',
    'stack',
    'a pointer is kept on the stack whole, with 8 bytes',
    'in C: use a pointer or u64 variable, not int',
  ),
  row(
    'invalid size of register fill',
    'stack',
    'a pointer on the stack is read whole, with 8 bytes',
    'read it with its own type',
  ),
  row(
    'corrupted spill memory',
    'stack',
    'a pointer on the stack is read in part, or not at its start',
    'read it with its own type',
  ),
  row('attempt to corrupt spilled pointer on stack', 'stack', 'a pointer on the stack would be overwritten in part'),

  // --- Kernel functions and the types that programs bring
  row(
    'kernel btf_id {id} is not a function',
    'malformed',
    'a call names a kernel function by type {id}, which is no function',
    'let a loader fill in the number, for the kernel that runs',
  ),
  row(
    'kernel function btf_id {id} does not have a valid func_proto',
    'malformed',
    'the type {id} of the kernel function that is called has no prototype',
  ),
  row(
    'calling kernel function {call} is not allowed',
    'unavailable',
    'the kernel function {call} is not there for programs of type {type}',
    'see bpf_kfunc_set_id registrations: another program type may have it',
  ),
  row(
    'calling kernel function is not supported without CONFIG_DEBUG_INFO_BTF',
    'unavailable',
    "kernel functions are known by the kernel's BTF, and there is none",
  ),
  row(
    'cannot call kernel function from non-GPL compatible program',
    'unavailable',
    'kernel functions are for programs with a GPL-compatible license only',
    'declare it: char _license[] SEC("license") = "GPL";',
  ),
  row(
    'program must be sleepable to call sleepable kfunc {call}',
    'unavailable',
    '{call} may sleep, and this program may not',
    'load it as a sleepable program: SEC("fentry.s/…")',
  ),
  row(
    'kernel func {call} requires RCU critical section protection',
    'lock',
    '{call} may only be called between bpf_rcu_read_lock and bpf_rcu_read_unlock',
    'call bpf_rcu_read_lock before {here}',
  ),
  row(
    'expected an RCU CS when using {call}',
    'lock',
    '{call} may only be used between bpf_rcu_read_lock and bpf_rcu_read_unlock',
    'call bpf_rcu_read_lock before {here}',
  ),
  row('nested rcu read lock (kernel function {call})', 'lock', 'bpf_rcu_read_lock was called already', 'lock once'),
  row(
    'unmatched rcu read unlock (kernel function {call})',
    'lock',
    'bpf_rcu_read_unlock is called without a lock on this way',
    'pair each unlock with a lock on the same way',
  ),
  row(
    'kernel func {call} is sleepable within {region} region',
    'lock',
    '{call} may sleep, and here nothing may',
    'call it outside the region',
  ),
  row(
    'unmatched attempt to enable preemption (kernel function {call})',
    'lock',
    'bpf_preempt_enable is called without bpf_preempt_disable on this way',
    'pair each with the other on the same way',
  ),
  row(
    'bpf_obj_new/bpf_percpu_obj_new requires prog BTF',
    'object',
    'the program brings no types, and the object has one',
    'load the program with its BTF',
  ),
  row(
    'bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct',
    'argument',
    'an object of a struct is made, and the type is none',
  ),
  row(
    'bpf_percpu_obj_new type size ({size}) is greater than {most}',
    'argument',
    'an object for each CPU has at most {most} bytes, and this has {size}',
  ),
  row(
    'bpf_percpu_obj_new type ID argument must not contain special fields',
    'argument',
    'an object for each CPU holds plain data only',
  ),
  row('Unknown type ID {id} passed to kfunc bpf_rdonly_cast', 'argument', 'the kernel has no type {id}'),
  row(
    'kfunc bpf_rdonly_cast type ID argument must be of a struct or void',
    'argument',
    'a pointer is cast to a struct or void, and the type is neither',
  ),
  row(
    'the prog does not allow writes to packet data',
    'read-only',
    'programs of type {type} may read packets but not change them',
  ),
  row(
    'kernel function {call} returns pointer type {kind} is not supported',
    'unavailable',
    'what {call} gives cannot be used in a program',
  ),
  row(
    'kernel function {call} args#{index} pointer type {kind} is not supported',
    'unavailable',
    'argument {index} of {call} is of a kind that programs cannot hand over',
  ),
  row(
    'kernel function {call} args#{index} expected pointer to {wanted} but R{register} has a pointer to {kind}',
    'argument',
    '{call} takes a pointer to {wanted} in R{register}, and this one leads to {kind}',
  ),
  row(
    'Unrecognized arg#{index} type {kind}',
    'argument',
    'the function takes an argument of a kind that programs cannot hand over',
  ),
  row(
    'release kernel function {call} expects refcounted PTR_TO_BTF_ID',
    'reference',
    '{call} gives a reference back, and {subject} holds none',
    'hand over the pointer that was taken',
  ),
  row('R{register} is not a scalar', 'argument', 'the function takes a number in R{register}, and gets {value}'),
  row(
    'R{register} must be a known constant',
    'argument',
    'the function takes a constant in R{register}, and it is {value}',
    'write the value as a constant',
  ),
  row(
    'R{register} is not a const',
    'argument',
    'the function takes a constant in R{register}, and it is {value}',
    'write the value as a constant',
  ),
  row(
    'arg#{index} pointer type {kind} must point to {types}scalar, or struct with scalar',
    'argument',
    'memory that is handed over by type must hold numbers only',
  ),
  row(
    "pointer in R{register} isn't map pointer",
    'argument',
    'the function takes a map in R{register}, and gets {value}',
  ),
  row(
    'R{register} must be referenced or trusted',
    'reference',
    'the function takes only pointers that are sure to stay, and {subject} is {value}',
    'take a reference first, as bpf_task_acquire does',
  ),
  row(
    'R{register} must be a rcu pointer',
    'reference',
    'the function takes a pointer that RCU protects, and {subject} is {value}',
  ),
  row(
    'arg#{index} expected pointer to ctx, but got {kind}',
    'argument',
    'the function takes the context, and gets {kind}',
  ),
  row('arg{index} expected pointer to func', 'argument', 'the function takes the address of a function there'),
  row(
    'arg#{index} expected pointer to allocated object',
    'argument',
    'the function takes an object of bpf_obj_new there',
  ),
  row(
    'arg#{index} expected pointer to map value or allocated object',
    'argument',
    'the function takes a place in a map value or in an object of bpf_obj_new',
  ),
  row(
    'arg#{index} expected for {call}()',
    'argument',
    '{call} takes an object of bpf_obj_new or bpf_percpu_obj_new there',
  ),
  row(
    'allocated object must be referenced',
    'reference',
    'the object was given away already, so it may be gone',
    'hand over the pointer that bpf_obj_new gave, once',
  ),
  row(
    'arg#{index} is neither owning or non-owning ref',
    'reference',
    'the object was given away already, so it may be gone',
  ),
  row(
    "arg#{index} doesn't point to a type with bpf_refcount field",
    'argument',
    'only objects with a struct bpf_refcount can be shared',
    'put a struct bpf_refcount into the object',
  ),
  row(
    'css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs',
    'unavailable',
    'tasks of a cgroup are walked in LSM, iterator and sleepable programs only',
  ),
  row('arg#{index} is {kind} expected {wanted} or socket', 'argument', 'the function takes a socket there'),
  row(
    'arg#{index} arg#{next} memory, len pair leads to invalid memory access',
    'bounds',
    'the length that is handed over is more than the memory has',
    'hand over sizeof of the variable',
  ),
  row(
    "arg#{index} doesn't point to an irq flag on stack",
    'argument',
    'the function takes the address of a variable on the stack for the interrupt state',
  ),
  row(
    "arg#{index} doesn't point to a const string",
    'argument',
    'the function takes a constant text there',
    'make it static const char text[] = "…";',
  ),
  row("arg#{index} doesn't point to a map value", 'argument', 'the function takes a place in a map value there'),
  row(
    'arg#{index} expected pointer to an iterator on stack',
    'object',
    'the function takes the address of an iterator on the stack',
  ),
  row(
    'expected uninitialized {object} as arg{end}',
    'object',
    'an {object} is made where another still is',
    'end the first before, or use a second variable',
  ),
  row(
    'expected an initialized {object} as arg{end}',
    'object',
    'the {object} was not made yet, or was ended',
    'make it before {here}, on every way there',
  ),
  row(
    'cannot restore irq state out of order, expected id={id} acquired at insn_idx={slot}',
    'lock',
    'interrupt states must be restored in the reverse order in which they were saved',
    'restore the last saved first',
  ),
  row('verifier bug: {what}', 'internal', 'the verifier is in a state that cannot be: {what}'),
  row(
    '{field} not found at offset={offset}',
    'object',
    'at {offset} the object has no {field}',
    'hand over the address of the field itself',
  ),
  row(
    'bpf_spin_lock at off={offset} must be held for {what}',
    'lock',
    'the list or tree is guarded by the lock at {offset}, which is not held',
    'call bpf_spin_lock before {here}',
  ),
  row(
    '{call} can only take non-owning or refcounted bpf_rb_node pointer',
    'reference',
    '{call} takes a node that stands in a tree',
  ),
  row('{call} not allowed in rbtree cb', 'lock', 'the callback of a tree must not change it'),
  row(
    'operation on {head} expects arg#1 {node} at offset={offset} in struct {struct}, but arg is at offset={place} in struct {other}',
    'argument',
    'the list or tree holds nodes of struct {struct} at {offset}, and this is another',
  ),
  row(
    'arg#1 offset={offset}, but expected {node} at offset={place} in struct {struct}',
    'argument',
    'the node of struct {struct} is at {place}, and the pointer leads to {offset}',
    'hand over the address of the field itself',
  ),
  row(
    'kptr in map can only be accessed using BPF_MEM instruction mode',
    'object',
    'a pointer field of a map value is read and written whole, with a plain load or store',
  ),
  row(
    'store to referenced kptr disallowed',
    'object',
    'a pointer field that holds a reference is changed with bpf_kptr_xchg only',
    'use bpf_kptr_xchg',
  ),
  row(
    'BPF_ST imm must be 0 when storing to kptr at off={offset}',
    'object',
    'only NULL can be stored in a pointer field as a constant',
  ),
  row('map_ptr access not supported for map type {number}', 'map', 'the insides of this kind of map cannot be read'),
  row(
    'R{register} is {kind} invalid negative access: off={offset}',
    'bounds',
    'the access begins before it, at {offset}',
  ),
  row('only read from {kind} is supported', 'read-only', '{kind} may be read but not written'),
  row(
    "pseudo btf_id {id} in ldimm64 isn't KIND_VAR or KIND_FUNC",
    'malformed',
    'a kernel variable is named by type {id}, which is none',
  ),
  row(
    'missing btf func_info',
    'object',
    'the address of a function is taken, and the program does not say of what type its functions are',
    'load the program with its BTF, as libbpf does for what clang makes with -g',
  ),
  row(
    'callback function not static',
    'object',
    'a function that is called back must be static',
    'write static before it',
  ),
  row(
    '{kind} programs must provide btf_id',
    'unavailable',
    'programs of type {type} are loaded for one function or tracepoint of the kernel, and none was named',
    'name it: --attach-to NAME, or in the section: SEC("fentry/tcp_v4_connect")',
  ),
  row(
    'attach_btf_id {id} is invalid',
    'unavailable',
    "the function or tracepoint that the program is for is not one of the kernel's",
    'tracebed events lists what there is',
  ),
  row('expected prog array map for tail call', 'map', 'bpf_tail_call takes a map of type BPF_MAP_TYPE_PROG_ARRAY'),
  row(
    'Invalid format string',
    'argument',
    'the format has a conversion that the kernel does not know, or not as many as there are values',
    'use %d %u %x %llu %s %p, one for each 8 bytes of data',
  ),
  row(
    'The sequence of {count} jumps is too complex for async cb.',
    'too-complex',
    '{count} branches wait to be looked at',
  ),
  row(
    "map '{map}' {why}",
    'map',
    'the value of the map has no such field, or no BTF says that it has',
    'declare the map with its types: __type(value, struct value)',
  ),

  // --- Instructions that do not exist
  row('unknown opcode {opcode}', 'malformed', 'there is no instruction with opcode 0x{opcode}', assembler),
  row('invalid BPF_ALU opcode {opcode}', 'malformed', 'there is no arithmetic with operation 0x{opcode}', assembler),
  row('invalid BPF_JMP/JMP32 opcode {opcode}', 'malformed', 'there is no jump with operation 0x{opcode}', assembler),
  row(
    'BPF_ATOMIC uses invalid atomic opcode {opcode}',
    'malformed',
    'there is no atomic operation 0x{opcode}',
    assembler,
  ),
  row('invalid atomic operand size', 'malformed', 'atomic operations work on 4 or 8 bytes', 'use u32 or u64'),
  row(
    'invalid bpf_ld_imm64 insn',
    'malformed',
    'a 64-bit load takes two slots, and the second is missing or not empty',
    assembler,
  ),
  row(
    'unrecognized bpf_ld_imm64 insn',
    'malformed',
    'a 64-bit load says in a way that the kernel does not know what its number stands for',
    assembler,
  ),
  row(
    'ldimm64 insn specifies invalid btf_id {id}.',
    'malformed',
    'a kernel variable is named by a number that the kernel does not have: {id}',
  ),
  row(
    'fd_idx without fd_array is invalid',
    'malformed',
    'a map is named by its place in a list, and no list was given',
  ),
  row('invalid may_goto imm {number}', 'malformed', reserved, assembler),
  row('BPF_{instruction} uses reserved fields', 'malformed', reserved, assembler),
  row(
    'div by zero',
    'malformed',
    'a number is divided by the constant 0',
    'divide by a register to get 0 as the result at run time',
  ),
  row(
    'invalid shift {number}',
    'malformed',
    'a shift by {number} is as wide as the register or wider',
    'shift by less than the width',
  ),

  // --- Maps
  row(
    'fd {fd} is not pointing to valid bpf_map',
    'map',
    'the 64-bit load names a map by the fd {fd}, and there is no map with it',
    'let a loader fill in the maps: tracebed verify takes an object with .map lines, or C',
  ),
  row(
    'cannot pass map_type {number} into func {call}',
    'map',
    '{call} does not work on a map of this type',
    'see which maps a helper takes in man 7 bpf-helpers',
  ),
  row('bpf_struct_ops map cannot be used in prog', 'map', 'a struct_ops map is for the kernel, not for programs'),
  row('callback function not allowed for map', 'map', 'elements of this kind of map cannot be walked'),
  row(
    "timer pointer in R1 map_uid={one} doesn't match map pointer in R2 map_uid={other}",
    'map',
    'the timer lies in another map than the one that is handed over',
    'hand over the map that the value came from',
  ),

  // --- Dynptrs, kptrs, iterators
  row(
    'arg#{index} expected pointer to stack or const struct bpf_dynptr',
    'object',
    '{helper} takes the address of a struct bpf_dynptr on the stack',
  ),
  row(
    'cannot pass pointer to const bpf_dynptr, the helper mutates it',
    'object',
    '{helper} changes the dynptr, and this one may only be read',
  ),
  row(
    'Expected an initialized {object} as arg #{index}',
    'object',
    'the {object} was not made yet, or was given back',
    'make it before {here}, on every way there',
  ),
  row(
    'Expected a dynptr of type {kind} as arg #{index}',
    'object',
    '{helper} takes a dynptr of {kind}, and this is another kind',
  ),
  row('{object} has to be at a constant offset', 'object', 'the place of the {object} on the stack must be known'),
  row(
    'cannot pass in {object} at an offset={offset}',
    'object',
    'the {object} is not at the start of its place on the stack',
    'hand over the address of the variable itself',
  ),
  row(
    'Dynptr has to be an uninitialized dynptr',
    'object',
    'a dynptr is made where another still is',
    'use a second variable, or give the first back',
  ),
  row(
    'cannot overwrite referenced dynptr',
    'object',
    'the dynptr on the stack holds a reference, and would be lost',
    'submit or discard it first',
  ),
  row(
    'potential write to dynptr at off={offset} disallowed',
    'object',
    '{helper} may write over a dynptr on the stack',
  ),
  row(
    'direct access to {field} is disallowed',
    'object',
    'the field is a {field}, which only its own functions may touch',
    'go through the functions for it',
  ),
  row(
    '{field} cannot be accessed directly by load/store',
    'object',
    'the bytes hold a {field}, which only its own helpers may touch',
    'leave the field out: read and write the others one by one',
  ),
  row(
    '{field} cannot be accessed indirectly by helper',
    'object',
    'the bytes that {helper} is handed hold a {field}',
    'hand over the other fields only',
  ),
  row('{field} access cannot have variable offset', 'object', 'the place of the {field} must be known'),
  row(
    '{field} access misaligned expected={place} off={offset}',
    'object',
    'the {field} lies at {place}, and the access at {offset}',
  ),
  row('{field} access size must be BPF_DW', 'object', 'a {field} is read and written whole, with 8 bytes'),
  row(
    'R{register} has no valid kptr',
    'object',
    'the value of the map has no pointer field',
    'declare the field with __kptr',
  ),
  row("off={offset} doesn't point to kptr", 'object', 'at {offset} the map value has no pointer field'),
  row(
    "off={offset} kptr isn't referenced kptr",
    'object',
    'the pointer field at {offset} is not for references',
    'declare the field with __kptr',
  ),
  row(
    'invalid kptr access, R{register} type={kind} expected={wanted}',
    'object',
    'the field takes {wanted}, and this is {value}',
  ),
];

/** Lines that stand before such a message, and what they add to the reason. */
export const details: readonly { readonly form: string; readonly reason: string }[] = [
  {
    form: 'invalid access to map value, value_size={limit} off={offset} size={size}',
    reason: '{size} bytes at {offset} of a map value that has {limit}',
  },
  {
    form: 'invalid access to map key, key_size={limit} off={offset} size={size}',
    reason: '{size} bytes at {offset} of a map key that has {limit}',
  },
  {
    form: 'invalid access to packet, off={offset} size={size}, R{register}(id={id},off={fixed},r={range})',
    reason: '{size} bytes at {offset} are used, and {range} are known to be there',
  },
  {
    form: 'invalid access to memory, mem_size={limit} off={offset} size={size}',
    reason: '{size} bytes at {offset} of memory that has {limit}',
  },
  { form: 'Unreleased reference id={id} alloc_insn={slot}', reason: 'it was taken at {place}' },
];
