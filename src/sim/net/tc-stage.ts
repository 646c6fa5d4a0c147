import { tcActions } from '../../uapi/index.ts';
import type { Runs } from '../points/runs.ts';
import type { PacketBuffer, PacketBuffers } from './buffers.ts';
import type { TcLink } from './links.ts';
import type { RedirectTarget } from './redirect-target.ts';

/** Classifiers on a device's way in or out (net/sched/cls_bpf.c). */
export class TcStage {
  readonly #packets: PacketBuffers;
  readonly #runs: Runs;
  readonly #target: RedirectTarget;

  constructor(packets: PacketBuffers, runs: Runs, target: RedirectTarget) {
    this.#packets = packets;
    this.#runs = runs;
    this.#target = target;
  }

  /** cls_bpf_classify: what the first classifier that decides wants done; TC_ACT_OK when none does. */
  classify(links: readonly TcLink[], buffer: PacketBuffer): number {
    const packets = this.#packets;
    const outer = packets.running;
    for (let index = 0; index < links.length; index++) {
      const link = links[index] as TcLink;
      this.#target.clear();
      packets.running = buffer;
      buffer.kind = 'skb';
      const result = this.#runs.runPacket(link, buffer.skb);
      packets.running = outer;
      if (!link.directAction && result !== 0) return tcActions.ok;
      const action = link.directAction ? directAction(result) : tcActions.unspec;
      if (action !== tcActions.unspec) return action;
    }
    return tcActions.ok;
  }
}

/** cls_bpf_exec_opcode */
function directAction(result: number): number {
  switch (result) {
    case tcActions.ok:
    case tcActions.shot:
    case tcActions.stolen:
    case tcActions.redirect:
    case tcActions.trap:
      return result;
    default:
      return tcActions.unspec;
  }
}
