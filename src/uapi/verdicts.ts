/**
 * What a program's result means to the kernel, by the point that it runs at: names and numbers
 * (include/uapi/linux/bpf.h, pkt_cls.h, seccomp.h, netfilter.h).
 */
export const xdpActions = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const;
export type XdpAction = keyof typeof xdpActions;

/** XDP_FLAGS_*: how a program is put on a device (include/uapi/linux/if_link.h). */
export const xdpFlags = { updateIfNoExist: 1, skbMode: 2, drvMode: 4, hwMode: 8, replace: 16 } as const;

/** BPF_F_INGRESS, BPF_F_BROADCAST, BPF_F_EXCLUDE_INGRESS: where the redirect helpers send a packet. */
export const redirectFlags = { ingress: 1, broadcast: 8, excludeIngress: 16 } as const;

/** TC_ACT_*: of sched_cls in direct-action mode and of sched_act. */
export const tcActions = {
  unspec: -1,
  ok: 0,
  reclassify: 1,
  shot: 2,
  pipe: 3,
  stolen: 4,
  queued: 5,
  repeat: 6,
  redirect: 7,
  trap: 8,
} as const;
export type TcAction = keyof typeof tcActions;

/** Actions that count in direct-action mode; every other becomes `unspec` (net/sched/cls_bpf.c: cls_bpf_exec_opcode). */
const directActions: readonly TcAction[] = ['ok', 'shot', 'stolen', 'trap', 'redirect'];

/** SECCOMP_RET_*, the upper half of the result; the one that is lowest as a signed 32-bit number wins. */
const seccompActions = {
  killProcess: 0x80000000,
  killThread: 0,
  trap: 0x30000,
  errno: 0x50000,
  userNotification: 0x7fc00000,
  trace: 0x7ff00000,
  log: 0x7ffc0000,
  allow: 0x7fff0000,
} as const;
export type SeccompAction = keyof typeof seccompActions;
/** SECCOMP_RET_DATA: the lower half, an errno or a number for the tracer. */
const seccompData = 0xffff;

/** The name of an XDP result; one that is none counts as `aborted`. */
export function xdpAction(result: number): XdpAction {
  for (const [name, value] of Object.entries(xdpActions)) if (value === result >>> 0) return name as XdpAction;
  return 'aborted';
}

/** The name of a direct-action result of tc. */
export function tcDirectAction(result: number): TcAction {
  for (const name of directActions) if (tcActions[name] === (result | 0)) return name;
  return 'unspec';
}

/** The action and data of a seccomp result; an unknown action kills the process. */
export function seccompAction(result: number): { readonly action: SeccompAction; readonly data: number } {
  const wanted = (result & 0xffff0000) >>> 0;
  const found = Object.entries(seccompActions).find(([, value]) => value === wanted);
  return { action: (found?.[0] ?? 'killProcess') as SeccompAction, data: result & seccompData };
}
