import { assertNever } from '../base/index.ts';
import type { KernelProfile } from '../btf/index.ts';
import type { Arguments, CodeAddress, SkBuff, Sock, StructObject } from './event.ts';

/**
 * What giving a packet up looks like to a tracer: the function that does it and what it is told, and the fields of
 * skb:kfree_skb. It differs between kernels: the reason came in 5.17, the receiving socket in 6.11.
 */
export class DropForm {
  readonly function: 'sk_skb_reason_drop' | 'kfree_skb_reason' | 'kfree_skb';
  readonly hasReason: boolean;
  /** The function at the place where it calls the tracepoint, as recorded on 6.18. */
  readonly site: string;
  readonly #hasSock: boolean;

  constructor(profile: KernelProfile) {
    const known = (name: string): boolean => profile.btf.functionPrototype(name) !== undefined;
    this.function = known('sk_skb_reason_drop')
      ? 'sk_skb_reason_drop'
      : known('kfree_skb_reason')
        ? 'kfree_skb_reason'
        : 'kfree_skb';
    this.site = `${this.function}+0x90`;
    const fields = profile.tracepoint('skb:kfree_skb')?.fields ?? [];
    this.#hasSock = fields.some((field) => field.name === 'rx_sk');
    this.hasReason = fields.some((field) => field.name === 'reason');
  }

  /** Of the function. */
  arguments(skb: SkBuff, sk: Sock | StructObject | null, reason: number): Arguments {
    switch (this.function) {
      case 'sk_skb_reason_drop':
        return { sk, skb, reason };
      case 'kfree_skb_reason':
        return { skb, reason };
      case 'kfree_skb':
        return { skb };
      default:
        return assertNever(this.function);
    }
  }

  /** Of skb:kfree_skb. */
  fields(skb: SkBuff, sk: Sock | StructObject | null, reason: number, location: CodeAddress): Arguments {
    if (this.#hasSock) return { skbaddr: skb, location, rx_sk: sk, protocol: skb.protocol, reason };
    if (this.hasReason) return { skbaddr: skb, location, protocol: skb.protocol, reason };
    return { skbaddr: skb, location, protocol: skb.protocol };
  }
}
