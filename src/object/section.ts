import { InputError, nearestHint } from '../base/index.ts';
import type { Btf, KernelProfile, TypeId } from '../btf/index.ts';
import { type AttachType, type ProgramType, placeAttachTypes } from '../uapi/index.ts';

/**
 * A program's section says what type it is and where it attaches: `kprobe/tcp_v4_connect`, `tracepoint/skb/kfree_skb`.
 * One table holds every prefix, by libbpf's names (tools/lib/bpf/libbpf.c: section_defs).
 */

/** Where a section says that its program attaches; a function's name may be a pattern (`tcp_*`, `/^tcp_v[46]/`). */
export type SectionTarget =
  | { readonly kind: 'kprobe'; readonly function: string; readonly offset?: number }
  | { readonly kind: 'kretprobe'; readonly function: string }
  | { readonly kind: 'tracepoint'; readonly name: string }
  | { readonly kind: 'raw_tracepoint'; readonly name: string }
  | { readonly kind: 'fentry' | 'fexit' | 'fmod_ret' | 'lsm'; readonly function: string }
  /** `binary` is a path, or a library's short name, `c` of libc.so.6. */
  | { readonly kind: 'uprobe' | 'uretprobe'; readonly binary: string; readonly function: string }
  | { readonly kind: 'usdt'; readonly binary: string; readonly provider: string; readonly probe: string };

export interface ParsedSection {
  readonly type: ProgramType;
  /** Undefined when the section leaves open where it attaches (`kprobe`), or its kind is attached by hand. */
  readonly target: SectionTarget | undefined;
}

interface SectionKind {
  readonly type: ProgramType;
  /** What stands behind the slash, as messages show it; absent where nothing may. */
  readonly form?: string;
  /** Undefined: what stands there has not that form. Absent: such programs are attached by hand. */
  readonly target?: (rest: string) => SectionTarget | undefined;
}

/** `FUNCTION`, `FUNCTION+0x10`, or a pattern. */
function functionAndOffset(rest: string): SectionTarget | undefined {
  if (rest.startsWith('/')) return rest.length > 2 ? { kind: 'kprobe', function: rest } : undefined;
  const match = /^([\w.*?]+)(?:\+(0x[0-9a-f]+|\d+))?$/i.exec(rest);
  if (!match) return undefined;
  const [, name = '', offset] = match;
  return offset === undefined
    ? { kind: 'kprobe', function: name }
    : { kind: 'kprobe', function: name, offset: Number(offset) };
}

function functionReturn(rest: string): SectionTarget | undefined {
  const entry = functionAndOffset(rest);
  return entry?.kind === 'kprobe' && entry.offset === undefined
    ? { kind: 'kretprobe', function: entry.function }
    : undefined;
}

/** A system call by its name; what its function is called is the kernel's to say. */
function systemCall(kind: 'kprobe' | 'kretprobe'): (rest: string) => SectionTarget | undefined {
  return (rest) => (/^\w+$/.test(rest) ? { kind, function: `sys_${rest}` } : undefined);
}

/** `CATEGORY/NAME`, or with a colon as tracefs writes it. */
function categoryAndName(rest: string): SectionTarget | undefined {
  const match = /^([\w*?]+)[/:]([\w*?]+)$/.exec(rest);
  return match ? { kind: 'tracepoint', name: `${match[1]}:${match[2]}` } : undefined;
}

function rawName(rest: string): SectionTarget | undefined {
  return /^\w+$/.test(rest) ? { kind: 'raw_tracepoint', name: rest } : undefined;
}

/** A tracing program is loaded for one function: no pattern. */
function traced(kind: 'fentry' | 'fexit' | 'fmod_ret'): (rest: string) => SectionTarget | undefined {
  return (rest) => (/^[\w.]+$/.test(rest) ? { kind, function: rest } : undefined);
}

/** A hook by its name: the function that the kernel calls for it is bpf_lsm_ and that name. */
function hook(rest: string): SectionTarget | undefined {
  return /^\w+$/.test(rest) ? { kind: 'lsm', function: `bpf_lsm_${rest}` } : undefined;
}

/** `/usr/bin/bash:readline`, `c:getaddrinfo`. */
function userFunction(kind: 'uprobe' | 'uretprobe'): (rest: string) => SectionTarget | undefined {
  return (rest) => {
    const match = /^([^:]+):([\w.@]+)$/.exec(rest);
    return match ? { kind, binary: match[1] as string, function: match[2] as string } : undefined;
  };
}

/** `/usr/sbin/mysqld:mysql:query__start` */
function userMarker(rest: string): SectionTarget | undefined {
  const match = /^([^:]+):(\w+):(\w+)$/.exec(rest);
  if (!match) return undefined;
  const [, binary = '', provider = '', probe = ''] = match;
  return { kind: 'usdt', binary, provider, probe };
}

const rawTracepoint = { type: 'raw_tracepoint', form: 'NAME', target: rawName } as const;
const tracepoint = { type: 'tracepoint', form: 'CATEGORY/NAME', target: categoryAndName } as const;

export const sectionKinds = {
  kprobe: { type: 'kprobe', form: 'FUNCTION or FUNCTION+OFFSET', target: functionAndOffset },
  kretprobe: { type: 'kprobe', form: 'FUNCTION', target: functionReturn },
  ksyscall: { type: 'kprobe', form: 'SYSCALL', target: systemCall('kprobe') },
  kretsyscall: { type: 'kprobe', form: 'SYSCALL', target: systemCall('kretprobe') },
  tracepoint,
  tp: tracepoint,
  raw_tracepoint: rawTracepoint,
  raw_tp: rawTracepoint,
  tp_btf: { type: 'tracing', form: 'NAME', target: rawName },
  fentry: { type: 'tracing', form: 'FUNCTION', target: traced('fentry') },
  fexit: { type: 'tracing', form: 'FUNCTION', target: traced('fexit') },
  fmod_ret: { type: 'tracing', form: 'FUNCTION', target: traced('fmod_ret') },
  lsm: { type: 'lsm', form: 'HOOK', target: hook },
  uprobe: { type: 'kprobe', form: 'PATH:FUNCTION', target: userFunction('uprobe') },
  uretprobe: { type: 'kprobe', form: 'PATH:FUNCTION', target: userFunction('uretprobe') },
  usdt: { type: 'kprobe', form: 'PATH:PROVIDER:PROBE', target: userMarker },
  perf_event: { type: 'perf_event' },
  socket: { type: 'socket_filter' },
  xdp: { type: 'xdp' },
  tc: { type: 'sched_cls' },
  classifier: { type: 'sched_cls' },
  action: { type: 'sched_act' },
  'cgroup_skb/ingress': { type: 'cgroup_skb' },
  'cgroup_skb/egress': { type: 'cgroup_skb' },
  sockops: { type: 'sock_ops' },
  sk_msg: { type: 'sk_msg' },
  flow_dissector: { type: 'flow_dissector' },
} as const satisfies Record<string, SectionKind>;

export type SectionName = keyof typeof sectionKinds;

function kindOf(section: string): { name: string; kind: SectionKind; rest: string | undefined } | undefined {
  const kinds: Readonly<Record<string, SectionKind>> = sectionKinds;
  const slash = section.indexOf('/');
  const name = Object.hasOwn(kinds, section) || slash < 0 ? section : section.slice(0, slash);
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  return kind && { name, kind, rest: name === section ? undefined : section.slice(name.length + 1) };
}

/** Program type and attach target of a section. @throws InputError for a section that no row of the table takes */
export function parseSection(section: string): ParsedSection {
  const found = kindOf(section);
  if (!found) {
    throw new InputError(`no program goes into a section '${section}'`, {
      expected: `one of ${Object.keys(sectionKinds).join(', ')}`,
      ...nearestHint(section.split('/')[0] as string, Object.keys(sectionKinds)),
    });
  }
  const { name, kind, rest } = found;
  if (rest === undefined) return { type: kind.type, target: undefined };
  if (kind.form === undefined) {
    throw new InputError(`a section '${name}' says no more than its name: '${section}'`, { expected: name });
  }
  if (!kind.target) return { type: kind.type, target: undefined };
  const target = kind.target(rest);
  if (target) return { type: kind.type, target };
  throw new InputError(`'${rest}' is no place that a ${name} program attaches to`, {
    expected: `${name}/${kind.form}`,
  });
}

/** The one place that a program of this section is loaded for, and as what; of others undefined. @throws as parseSection */
export function loadedFor(section: string): { readonly attachType: AttachType; readonly name: string } | undefined {
  const { type, target } = parseSection(section);
  if ((type !== 'tracing' && type !== 'lsm') || target === undefined) return undefined;
  if (!Object.hasOwn(placeAttachTypes, target.kind)) return undefined;
  const attachType = placeAttachTypes[target.kind as keyof typeof placeAttachTypes];
  return { attachType, name: 'function' in target ? target.function : 'name' in target ? target.name : '' };
}

/** What such a place is in a kernel's BTF; undefined when the kernel has it not. */
export function targetId(
  { attachType, name }: { readonly attachType: AttachType | undefined; readonly name: string },
  kernel: Btf,
): TypeId | undefined {
  return attachType === 'trace_raw_tp' ? kernel.find('typedef', `btf_trace_${name}`) : kernel.find('function', name);
}

/** Why no program can be loaded for a place: the kernel has it not. */
export function unknownTarget(
  place: { readonly attachType: AttachType | undefined; readonly name: string },
  kernel: KernelProfile,
): { readonly message: string; readonly hint?: string } | undefined {
  if (targetId(place, kernel.btf) !== undefined) return undefined;
  const raw = place.attachType === 'trace_raw_tp';
  const names = raw
    ? [...kernel.tracepointNames()].map((name) => name.replace(/^.*:/, ''))
    : kernel.btf.functionNames();
  const message = `kernel ${kernel.name} has no ${raw ? 'raw tracepoint' : 'function'} '${place.name}'`;
  return { message, ...nearestHint(place.name, names) };
}
