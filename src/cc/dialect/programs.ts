import { InputError } from '../../base/index.ts';
import { parseSection } from '../../object/index.ts';
import type { ProgramType } from '../../uapi/index.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { FunctionObject } from '../syntax/ast.ts';
import type { CType } from '../types/types.ts';

/**
 * Which functions are programs, and of which type: by BCC's names (`kprobe__tcp_v4_connect`), by a section, else by the
 * context that the first parameter takes.
 */
export interface ProgramKind {
  readonly type: ProgramType;
  readonly section: string;
  /** Where parameters behind the context come from. */
  readonly parameters: 'registers' | 'result' | 'syscall' | 'array' | 'none';
}

const prefixes: readonly (readonly [
  prefix: string,
  type: ProgramType,
  section: string,
  from: ProgramKind['parameters'],
])[] = [
  ['kprobe__', 'kprobe', 'kprobe', 'registers'],
  ['kretprobe__', 'kprobe', 'kretprobe', 'registers'],
  ['raw_tracepoint__', 'raw_tracepoint', 'raw_tracepoint', 'none'],
  ['kfunc__', 'tracing', 'fentry', 'array'],
  ['kretfunc__', 'tracing', 'fexit', 'array'],
  ['kmod_ret__', 'tracing', 'fmod_ret', 'array'],
  ['lsm__', 'lsm', 'lsm', 'array'],
];

const contexts: Readonly<Record<string, readonly [type: ProgramType, section: string]>> = {
  pt_regs: ['kprobe', 'kprobe'],
  bpf_perf_event_data: ['perf_event', 'perf_event'],
  bpf_raw_tracepoint_args: ['raw_tracepoint', 'raw_tracepoint'],
  __sk_buff: ['socket_filter', 'socket'],
  xdp_md: ['xdp', 'xdp'],
  bpf_sock_ops: ['sock_ops', 'sockops'],
  sk_msg_md: ['sk_msg', 'sk_msg'],
};

/** Undefined for a function that is only called by others. */
export function programKind(f: FunctionObject, diagnostics: Diagnostics): ProgramKind | undefined {
  if (!f.body || f.static || f.builtin) return undefined;
  if (f.section !== undefined) return bySection(f, f.section, diagnostics);
  for (const [prefix, type, section, parameters] of prefixes) {
    if (f.name.startsWith(prefix)) return { type, section: `${section}/${f.name.slice(prefix.length)}`, parameters };
  }
  const tracepoint = /^tracepoint__(.+?)__(.+)$/.exec(f.name);
  if (tracepoint)
    return { type: 'tracepoint', section: `tracepoint/${tracepoint[1]}/${tracepoint[2]}`, parameters: 'none' };
  if (f.name.startsWith('syscall__')) return { type: 'kprobe', section: 'kprobe', parameters: 'syscall' };
  return byContext(f.parameters[0]?.type);
}

function bySection(f: FunctionObject, section: string, diagnostics: Diagnostics): ProgramKind | undefined {
  // Where compilers put code that is no program.
  if (section.startsWith('.text')) return undefined;
  try {
    const { type } = parseSection(section);
    return { type, section, parameters: parametersOf(type, section) };
  } catch (fault) {
    if (!(fault instanceof InputError)) throw fault;
    diagnostics.error(f.at, fault.message, fault.hint ?? `a program's section is ${fault.expected}`);
    return undefined;
  }
}

/** Where the parameters of libbpf's macros come from: BPF_PROG, BPF_KPROBE, BPF_KRETPROBE, BPF_KSYSCALL. */
function parametersOf(type: ProgramType, section: string): ProgramKind['parameters'] {
  if (type === 'tracing' || type === 'lsm' || type === 'raw_tracepoint') return 'array';
  if (type !== 'kprobe') return 'none';
  if (section.startsWith('ksyscall')) return 'syscall';
  return /^(k|u)ret/.test(section) ? 'result' : 'registers';
}

function byContext(type: CType | undefined): ProgramKind | undefined {
  const target = type?.kind === 'pointer' ? type.target : undefined;
  const tag = target?.kind === 'struct' ? target.tag : '';
  // Its record says which tracepoint it reads, but where it attaches is the caller's to say.
  if (tag.startsWith('tracepoint__')) return { type: 'tracepoint', section: 'tracepoint', parameters: 'none' };
  const known = Object.hasOwn(contexts, tag) ? contexts[tag] : undefined;
  const [kind, section] = known ?? ['kprobe', 'kprobe'];
  return { type: kind, section, parameters: kind === 'kprobe' ? 'registers' : 'none' };
}
