/**
 * The verifier's log as the kernel keeps it in the caller's buffer: a ring of which the tail stays, or with the level's
 * bit 8 a buffer of which the head stays, and a position that is set back when a path is left or a line goes on
 * (kernel/bpf/log.c: bpf_verifier_vlog, bpf_vlog_reset, bpf_vlog_finalize).
 */

/** Bits of the log's level (include/linux/bpf_verifier.h: BPF_LOG_LEVEL1, …). */
const logLevels = { path: 1, all: 2, statistics: 4, fixed: 8 } as const;
const allLevels = 15;

/** The most bytes that one message has (BPF_VERIFIER_TMP_LOG_SIZE, with its zero). */
const longestMessage = 1023;
const largestBuffer = 0xffff_ffff >>> 2;

const encoder = new TextEncoder();

export class Log {
  readonly level: number;
  /** Bytes of the caller's buffer; 0 when the log is only measured. */
  readonly size: number;
  #bytes: Uint8Array;
  #start = 0;
  #end = 0;
  #longest = 0;
  #isSilent = false;
  /** Source lines as they are written: the same ones come again with every path. */
  readonly #sources = new Map<string, string>();

  constructor(level: number, size: number) {
    this.level = level;
    this.size = size;
    this.#bytes = new Uint8Array(Math.min(size, 1 << 16));
  }

  /** Whether the kernel takes such a level with such a buffer; EINVAL otherwise (bpf_verifier_log_attr_valid). */
  get isValid(): boolean {
    if ((this.level & ~allLevels) !== 0 || this.size < 0 || this.size > largestBuffer) return false;
    return this.level !== 0 || this.size === 0;
  }

  /** Whether level 1 or 2 wants every instruction. */
  get detailed(): boolean {
    return !this.#isSilent && (this.level & (logLevels.path | logLevels.all)) !== 0;
  }

  /** Level 2: all paths stay in the log. */
  get full(): boolean {
    return !this.#isSilent && (this.level & logLevels.all) !== 0;
  }

  get statistics(): boolean {
    return (this.level & logLevels.statistics) !== 0;
  }

  get end(): number {
    return this.#end;
  }

  /** Bytes of the buffer that would have held all, with the final zero (log_true_size of union bpf_attr). */
  get trueSize(): number {
    return this.#longest;
  }

  /** Whether nothing was cut off. */
  get fits(): boolean {
    return this.size === 0 || this.#longest <= this.size;
  }

  /** From here on nothing is said. */
  silence(): void {
    this.#isSilent = true;
  }

  write(text: string): void {
    if (this.level === 0 || this.#isSilent) return;
    const end = this.#end + text.length;
    if (end + 1 > this.#longest) this.#longest = Math.min(end + 1, 0xffff_ffff);
    const isFixed = (this.level & logLevels.fixed) !== 0;
    if (!isFixed && end + 1 - this.#start >= this.size) this.#start = end + 1 - this.size;
    if (this.size > 0) this.#put(text, isFixed);
    this.#end = end;
  }

  /** Writes a line of the source, whose bytes may be any and which the kernel cuts at its message's length. */
  writeSource(text: string): void {
    if (this.level === 0 || this.#isSilent) return;
    let bytes = this.#sources.get(text);
    if (bytes === undefined) {
      bytes = String.fromCharCode(...encoder.encode(text.slice(0, longestMessage)).subarray(0, longestMessage));
      this.#sources.set(text, bytes);
    }
    this.write(bytes);
  }

  #put(text: string, isFixed: boolean): void {
    const { size } = this;
    const last = isFixed ? Math.min(text.length, size - 1 - this.#end) : text.length;
    const first = isFixed ? 0 : Math.max(0, text.length - size);
    for (let index = first; index < last; index++) {
      const at = (this.#end + index) % size;
      if (at >= this.#bytes.length) this.#grow();
      this.#bytes[at] = text.charCodeAt(index);
    }
  }

  reset(position: number): void {
    if (position >= this.#end) return;
    this.#end = position;
    if (this.#start > position) this.#start = position;
  }

  #grow(): void {
    const grown = new Uint8Array(Math.min(this.size, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /** What the caller's buffer holds before its zero. */
  text(): string {
    if (this.size === 0) return '';
    const from = (this.level & logLevels.fixed) !== 0 ? 0 : this.#start;
    const to = (this.level & logLevels.fixed) !== 0 ? Math.min(this.#end, this.size - 1) : this.#end;
    const kept = new Uint8Array(to - from);
    for (let index = 0; index < kept.length; index++) kept[index] = this.#bytes[(from + index) % this.size] as number;
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(kept);
  }
}

/** Blanks between an instruction and the registers behind it (kernel/bpf/verifier.c: vlog_alignment). */
export function alignment(length: number): number {
  const wanted = Math.max(length + 4, 40);
  return ((wanted + 7) & ~7) - length - 1;
}
