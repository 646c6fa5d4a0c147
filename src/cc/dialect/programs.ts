import type { ProgramType } from '../../uapi/index.ts';
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
  readonly parameters: 'registers' | 'syscall' | 'array' | 'none';
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

const sections: readonly (readonly [prefix: string, type: ProgramType])[] = [
  ['kprobe', 'kprobe'],
  ['kretprobe', 'kprobe'],
  ['uprobe', 'kprobe'],
  ['uretprobe', 'kprobe'],
  ['usdt', 'kprobe'],
  ['tracepoint', 'tracepoint'],
  ['tp/', 'tracepoint'],
  ['raw_tracepoint', 'raw_tracepoint'],
  ['raw_tp', 'raw_tracepoint'],
  ['tp_btf', 'tracing'],
  ['fentry', 'tracing'],
  ['fexit', 'tracing'],
  ['fmod_ret', 'tracing'],
  ['lsm', 'lsm'],
  ['perf_event', 'perf_event'],
  ['socket', 'socket_filter'],
  ['xdp', 'xdp'],
  ['tc', 'sched_cls'],
  ['classifier', 'sched_cls'],
  ['action', 'sched_act'],
  ['cgroup_skb', 'cgroup_skb'],
  ['sockops', 'sock_ops'],
  ['sk_msg', 'sk_msg'],
  ['flow_dissector', 'flow_dissector'],
];

/** Undefined for a function that is only called by others. */
export function programKind(f: FunctionObject): ProgramKind | undefined {
  if (!f.body || f.static || f.builtin) return undefined;
  if (f.section !== undefined) {
    const { section } = f;
    const known = sections.find(([prefix]) => section.startsWith(prefix));
    return (
      known && {
        type: known[1],
        section,
        parameters: known[1] === 'tracing' || known[1] === 'lsm' ? 'array' : 'registers',
      }
    );
  }
  for (const [prefix, type, section, parameters] of prefixes) {
    if (f.name.startsWith(prefix)) return { type, section: `${section}/${f.name.slice(prefix.length)}`, parameters };
  }
  const tracepoint = /^tracepoint__(.+?)__(.+)$/.exec(f.name);
  if (tracepoint)
    return { type: 'tracepoint', section: `tracepoint/${tracepoint[1]}/${tracepoint[2]}`, parameters: 'none' };
  if (f.name.startsWith('syscall__')) return { type: 'kprobe', section: 'kprobe', parameters: 'syscall' };
  return byContext(f.parameters[0]?.type);
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
