import { type ToolOption, type ToolSetup, UsageError } from 'tracebed';

/** Only what is in some containers: the options --cgroupmap and --mntnsmap, for container-filter.h. */
export const containerOptions: readonly ToolOption[] = [
  { flags: '--cgroupmap <cgroupmap>', what: 'only tasks whose cgroup is in the BPF map that is pinned there' },
  { flags: '--mntnsmap <mntnsmap>', what: 'only tasks whose mount namespace is in the BPF map that is pinned there' },
];

/** Their macros. @throws UsageError for what can be no path of the BPF file system */
export function containerDefines(setup: ToolSetup): Readonly<Record<'CGROUP_MAP' | 'MNTNS_MAP', string | false>> {
  return { CGROUP_MAP: pathOf(setup, 'cgroupmap'), MNTNS_MAP: pathOf(setup, 'mntnsmap') };
}

function pathOf(setup: ToolSetup, option: string): string | false {
  const path = setup.text(option);
  if (path === undefined) return false;
  if (/^\/sys\/fs\/bpf\/[\w./-]+$/.test(path)) return JSON.stringify(path);
  throw new UsageError(`--${option} cannot be '${path}'`, { expected: 'where a map is pinned: /sys/fs/bpf/NAME' });
}
