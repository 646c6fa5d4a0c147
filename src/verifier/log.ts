/**
 * The verifier's log as the kernel keeps it: a ring of bytes of which the tail stays, and a position that can be set
 * back, when a path is left or a line goes on (kernel/bpf/log.c: bpf_verifier_vlog, bpf_vlog_reset).
 */
export class Log {
  readonly level: number;
  readonly size: number;
  #bytes: Uint8Array;
  #end = 0;
  #furthest = 0;

  constructor(level: number, size: number) {
    this.level = level;
    this.size = size;
    this.#bytes = new Uint8Array(Math.min(size, 1 << 16));
  }

  /** Whether level 1 or 2 wants every instruction. */
  get detailed(): boolean {
    return (this.level & 3) !== 0;
  }

  /** Level 2: all paths stay in the log. */
  get full(): boolean {
    return (this.level & 2) !== 0;
  }

  get end(): number {
    return this.#end;
  }

  /** Whether everything that was ever written at once would have fitted, with its final zero. */
  get fits(): boolean {
    return this.#furthest + 1 <= this.size;
  }

  write(text: string): void {
    if (this.level === 0) return;
    for (let index = 0; index < text.length; index++) {
      const at = this.#end % this.size;
      if (at >= this.#bytes.length) this.#grow();
      this.#bytes[at] = text.charCodeAt(index);
      this.#end++;
    }
    if (this.#end > this.#furthest) this.#furthest = this.#end;
  }

  reset(position: number): void {
    if (position < this.#end) this.#end = position;
  }

  #grow(): void {
    const grown = new Uint8Array(Math.min(this.size, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  text(): string {
    if (this.size === 0) return '';
    const length = Math.min(this.#end, this.size - 1);
    const tail = new Uint8Array(length);
    for (let index = 0; index < length; index++) {
      tail[index] = this.#bytes[(this.#end - length + index) % this.size] as number;
    }
    return new TextDecoder('latin1').decode(tail);
  }
}

/** Blanks between an instruction and the registers behind it (kernel/bpf/verifier.c: vlog_alignment). */
export function alignment(length: number): number {
  const wanted = Math.max(length + 4, 40);
  return ((wanted + 7) & ~7) - length - 1;
}
