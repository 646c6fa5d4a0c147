import { InputError } from '../../base/index.ts';
import type { KernelProfile } from '../../btf/index.ts';
import { loadedFor, parseSection, unknownTarget } from '../../object/index.ts';
import type { ProgramType } from '../../uapi/index.ts';
import type { Diagnostics } from '../diagnostics.ts';
import type { FunctionObject } from '../syntax/ast.ts';
import { type CType, isScalar, printCType } from '../types/types.ts';

/**
 * Which functions are programs, and of which type: by BCC's names (`kprobe__tcp_v4_connect`), by a section, else by the
 * context that the first parameter takes. A text with sections is of libbpf's form: there functions without one are for
 * others to call.
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

/** Whether functions of a text stand in sections that say what they are for. */
export function hasSections(functions: readonly FunctionObject[]): boolean {
  return functions.some(({ body, section }) => body && section !== undefined && !isCode(section));
}

/**
 * Undefined for a function that is only called by others.
 * @param sections whether the text has some
 */
export function programKind(f: FunctionObject, sections: boolean, diagnostics: Diagnostics): ProgramKind | undefined {
  if (!f.body || f.static || f.builtin) return undefined;
  const kind = f.section === undefined ? byName(f, sections) : bySection(f.section);
  if (kind && isSound(f, kind, diagnostics)) return kind;
  return undefined;
}

function byName(f: FunctionObject, sections: boolean): ProgramKind | undefined {
  for (const [prefix, type, section, parameters] of prefixes) {
    if (f.name.startsWith(prefix)) return { type, section: `${section}/${f.name.slice(prefix.length)}`, parameters };
  }
  const tracepoint = /^tracepoint__(.*)$/.exec(f.name)?.[1];
  if (tracepoint !== undefined) {
    return { type: 'tracepoint', section: `tracepoint/${tracepoint.replace('__', '/')}`, parameters: 'none' };
  }
  if (f.name.startsWith('syscall__')) return { type: 'kprobe', section: 'kprobe', parameters: 'syscall' };
  return sections ? undefined : byContext(f.parameters[0]?.type);
}

/** Where compilers put code that is no program. */
function isCode(section: string): boolean {
  return section.startsWith('.text');
}

function bySection(section: string): ProgramKind | undefined {
  if (isCode(section)) return undefined;
  const type = typeOf(section);
  return { type: type ?? 'kprobe', section, parameters: parametersOf(type, section) };
}

/** What a section that can be read says; what is wrong with another is told by `isSound`. */
function typeOf(section: string): ProgramType | undefined {
  try {
    return parseSection(section).type;
  } catch (fault) {
    if (!(fault instanceof InputError)) throw fault;
    return undefined;
  }
}

/** Warns of a program that is loaded for what this kernel has not: it cannot be loaded there. */
export function checkTarget(f: FunctionObject, { section }: ProgramKind, kernel: KernelProfile, to: Diagnostics): void {
  const place = loadedFor(section);
  const unknown = place && unknownTarget(place, kernel);
  if (unknown) to.warning(f.at, unknown.message, unknown.hint ?? 'this program cannot be loaded there');
}

/** A section or name that says where the program goes, a context, and a result that fits r0. */
function isSound(f: FunctionObject, kind: ProgramKind, diagnostics: Diagnostics): boolean {
  const count = diagnostics.list.length;
  try {
    parseSection(kind.section);
  } catch (fault) {
    if (!(fault instanceof InputError)) throw fault;
    const { message, hint, expected } = fault;
    const named = f.section === undefined ? `'${f.name}' names no program: ` : '';
    diagnostics.error(f.at, `${named}${message}`, hint ?? `a program's section is ${expected}`);
  }
  const [context] = f.parameters;
  if (context && !isScalar(context.type)) {
    const hint = 'declare it as struct pt_regs *ctx, or whatever its kind of program gets';
    diagnostics.error(context.at, `a program gets its context's address, not a '${printCType(context.type)}'`, hint);
  }
  if (f.returns.kind !== 'void' && !isScalar(f.returns)) {
    diagnostics.error(f.at, `a program returns an integer, not a '${printCType(f.returns)}'`);
  }
  return diagnostics.list.length === count;
}

/** Where the parameters of libbpf's macros come from: BPF_PROG, BPF_KPROBE, BPF_KRETPROBE, BPF_KSYSCALL. */
function parametersOf(type: ProgramType | undefined, section: string): ProgramKind['parameters'] {
  if (type === 'tracing' || type === 'lsm' || type === 'raw_tracepoint') return 'array';
  if (type !== 'kprobe') return 'none';
  if (section.startsWith('ksyscall')) return 'syscall';
  return /^(k|u)ret/.test(section) ? 'result' : 'registers';
}

function byContext(type: CType | undefined): ProgramKind {
  const target = type?.kind === 'pointer' ? type.target : undefined;
  const tag = target?.kind === 'struct' ? target.tag : '';
  // Its record says which tracepoint it reads, but where it attaches is the caller's to say.
  if (tag.startsWith('tracepoint__')) return { type: 'tracepoint', section: 'tracepoint', parameters: 'none' };
  const known = Object.hasOwn(contexts, tag) ? contexts[tag] : undefined;
  const [kind, section] = known ?? ['kprobe', 'kprobe'];
  return { type: kind, section, parameters: kind === 'kprobe' ? 'registers' : 'none' };
}
