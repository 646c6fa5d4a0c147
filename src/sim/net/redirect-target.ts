import type { RedirectMap } from '../../maps/index.ts';

/** struct bpf_redirect_info: where the program under way wants its packet, noted by helpers, read with its verdict. */
export class RedirectTarget {
  /** 0 for none, and for one in a map. */
  ifindex = 0;
  flags = 0;
  /** BPF_F_PEER */
  peer = false;
  map: RedirectMap | null = null;
  key = 0;
  /** Whether a helper has named anything: a verdict alone redirects nowhere. */
  named = false;

  clear(): void {
    this.ifindex = 0;
    this.flags = 0;
    this.peer = false;
    this.map = null;
    this.key = 0;
    this.named = false;
  }

  toDevice(ifindex: number, flags: number): void {
    this.clear();
    this.named = true;
    this.ifindex = ifindex;
    this.flags = flags;
  }

  toPeer(ifindex: number): void {
    this.toDevice(ifindex, 0);
    this.peer = true;
  }

  toMap(map: RedirectMap, key: number, ifindex: number, flags: number): void {
    this.toDevice(ifindex, flags);
    this.map = map;
    this.key = key;
  }
}
