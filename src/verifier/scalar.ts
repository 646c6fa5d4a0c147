import {
  constTnum,
  intersectTnum,
  lowTnum,
  nextInTnum,
  orTnum,
  rangeTnum,
  type Tnum,
  tnumText,
  u64,
  unknownTnum,
  withLow,
} from './tnum.ts';

/**
 * What is known of a number: a tnum and four ranges, unsigned and signed, of all 64 bits and of the low 32. `settle`
 * lets each learn from the others. A Scalar that has been handed out never changes; `draft` gives one to change.
 * 64-bit bounds are BigInt, 32-bit bounds are plain numbers.
 */
export const u64Max = 0xffff_ffff_ffff_ffffn;
export const s64Max = 0x7fff_ffff_ffff_ffffn;
export const s64Min = -0x8000_0000_0000_0000n;
export const u32Max = 0xffff_ffff;
export const s32Max = 0x7fff_ffff;
export const s32Min = -0x8000_0000;
const high32 = 0xffff_ffff_0000_0000n;

export class Scalar {
  bits: Tnum = unknownTnum;
  umin = 0n;
  umax = u64Max;
  smin = s64Min;
  smax = s64Max;
  umin32 = 0;
  umax32 = u32Max;
  smin32 = s32Min;
  smax32 = s32Max;

  draft(): Scalar {
    const copy = new Scalar();
    copy.bits = this.bits;
    copy.umin = this.umin;
    copy.umax = this.umax;
    copy.smin = this.smin;
    copy.smax = this.smax;
    copy.umin32 = this.umin32;
    copy.umax32 = this.umax32;
    copy.smin32 = this.smin32;
    copy.smax32 = this.smax32;
    return copy;
  }

  get isConst(): boolean {
    return this.bits.mask === 0n;
  }

  /** Whether the low 32 bits are known. */
  get isConst32(): boolean {
    return (this.bits.mask & 0xffff_ffffn) === 0n;
  }

  /** The value of a constant, unsigned. */
  get value(): bigint {
    return this.bits.value;
  }

  get isUnknown(): boolean {
    return (
      this.bits.mask === u64Max &&
      this.smin === s64Min &&
      this.smax === s64Max &&
      this.umin === 0n &&
      this.umax === u64Max &&
      this.smin32 === s32Min &&
      this.smax32 === s32Max &&
      this.umin32 === 0 &&
      this.umax32 === u32Max
    );
  }

  /** Whether no number is left: a branch that compares so is never taken. */
  get isEmpty(): boolean {
    return this.smin > this.smax || this.umin > this.umax || this.smin32 > this.smax32 || this.umin32 > this.umax32;
  }

  unbound(): this {
    this.umin = 0n;
    this.umax = u64Max;
    this.smin = s64Min;
    this.smax = s64Max;
    return this.unbound32();
  }

  unbound32(): this {
    this.umin32 = 0;
    this.umax32 = u32Max;
    this.smin32 = s32Min;
    this.smax32 = s32Max;
    return this;
  }

  unbound64(): this {
    this.umin = 0n;
    this.umax = u64Max;
    this.smin = s64Min;
    this.smax = s64Max;
    return this;
  }

  /** The low half's bounds become the whole's: after a 32-bit operation, which clears the high half. */
  zeroExtend(): this {
    this.bits = lowTnum(this.bits);
    this.umin = BigInt(this.umin32);
    this.umax = BigInt(this.umax32);
    if (this.smin32 >= 0) {
      this.smin = BigInt(this.smin32);
      this.smax = BigInt(this.smax32);
    } else {
      this.smin = 0n;
      this.smax = BigInt(u32Max);
    }
    return this.settle();
  }

  settle(): this {
    if (this.bits.mask === 0n) {
      this.#fromConst();
      return this;
    }
    if (this.isUnknown) return this;
    this.#boundsFromBits();
    // Three rounds at most, and none after one that taught nothing.
    for (let round = 0; round < 3; round++) if (!this.#deduce()) break;
    this.#bitsFromBounds();
    this.#boundsFromBits();
    return this;
  }

  /** A constant within its bounds needs no deduction; one outside them is left as the contradiction that it is. */
  #fromConst(): void {
    const { value } = this.bits;
    const signed = BigInt.asIntN(64, value);
    const low = Number(value & 0xffff_ffffn);
    const low32 = low | 0;
    if (this.umin <= value) this.umin = value;
    if (this.umax >= value) this.umax = value;
    if (this.smin <= signed) this.smin = signed;
    if (this.smax >= signed) this.smax = signed;
    if (this.umin32 <= low) this.umin32 = low;
    if (this.umax32 >= low) this.umax32 = low;
    if (this.smin32 <= low32) this.smin32 = low32;
    if (this.smax32 >= low32) this.smax32 = low32;
  }

  #boundsFromBits(): void {
    const { value, mask } = this.bits;
    const low = Number(value & 0xffff_ffffn);
    const lowMask = Number(mask & 0xffff_ffffn);
    this.smin32 = Math.max(this.smin32, low | (lowMask & s32Min));
    this.smax32 = Math.min(this.smax32, low | (lowMask & s32Max));
    this.umin32 = Math.max(this.umin32, low);
    this.umax32 = Math.min(this.umax32, (low | lowMask) >>> 0);
    const most = value | mask;
    if (value > this.umin) this.umin = value;
    if (most < this.umax) this.umax = most;
    const least = BigInt.asIntN(64, value | (mask & 0x8000_0000_0000_0000n));
    const highest = BigInt.asIntN(64, value | (mask & s64Max));
    if (least > this.smin) this.smin = least;
    if (highest < this.smax) this.smax = highest;
    this.#onlyValue();
  }

  /** Where only one of the numbers that the bits allow lies in the range, that is the number. */
  #onlyValue(): void {
    const { bits, umin, umax } = this;
    if (bits.mask === 0n || bits.mask === u64Max || umin > umax) return;
    const next = nextInTnum(bits, umin);
    const most = bits.value | bits.mask;
    const startsIn = (umin & ~bits.mask) === bits.value;
    if (startsIn && next > umax) this.#become(umin);
    else if (!startsIn && next === most) this.#become(most);
    else if (!startsIn && next <= umax && nextInTnum(bits, next) > umax) this.#become(next);
  }

  #become(value: bigint): void {
    const low = Number(value & 0xffff_ffffn);
    this.bits = { value, mask: 0n };
    this.umin = this.umax = value;
    this.smin = this.smax = BigInt.asIntN(64, value);
    this.umin32 = this.umax32 = low;
    this.smin32 = this.smax32 = low | 0;
  }

  #bitsFromBounds(): void {
    const whole = intersectTnum(this.bits, rangeTnum(this.umin, this.umax));
    const low = intersectTnum(lowTnum(whole), rangeTnum(BigInt(this.umin32), BigInt(this.umax32)));
    this.bits = orTnum({ value: whole.value & high32, mask: whole.mask & high32 }, low);
  }

  /** @returns whether a bound has changed */
  #deduce(): boolean {
    const { umin, umax, smin, smax, umin32, umax32, smin32, smax32 } = this;
    this.#deduce32();
    this.#deduce64();
    this.#deduceMixed();
    const same32 = umin32 === this.umin32 && umax32 === this.umax32 && smin32 === this.smin32 && smax32 === this.smax32;
    return !same32 || umin !== this.umin || umax !== this.umax || smin !== this.smin || smax !== this.smax;
  }

  #deduce32(): void {
    const { umin, umax, smin, smax } = this;
    const uminLow = Number(umin & 0xffff_ffffn);
    const umaxLow = Number(umax & 0xffff_ffffn);
    const sminLow = Number(smin & 0xffff_ffffn);
    const smaxLow = Number(smax & 0xffff_ffffn);
    const uminHigh = Number(umin >> 32n);
    const umaxHigh = Number(umax >> 32n);
    const sminHigh = Number(smin >> 32n);
    const smaxHigh = Number(smax >> 32n);
    if (uminHigh === umaxHigh) {
      this.umin32 = Math.max(this.umin32, uminLow);
      this.umax32 = Math.min(this.umax32, umaxLow);
      if ((uminLow | 0) <= (umaxLow | 0)) this.#narrowSigned32(uminLow | 0, umaxLow | 0);
    }
    if (sminHigh === smaxHigh) {
      if (sminLow <= smaxLow) {
        this.umin32 = Math.max(this.umin32, sminLow);
        this.umax32 = Math.min(this.umax32, smaxLow);
      }
      if ((sminLow | 0) <= (smaxLow | 0)) this.#narrowSigned32(sminLow | 0, smaxLow | 0);
    }
    // The range crosses from …ffffffff to …00000000 once, so as signed low halves it is one range.
    if ((uminHigh + 1) >>> 0 === umaxHigh >>> 0 && (uminLow | 0) < 0 && (umaxLow | 0) >= 0) {
      this.#narrowSigned32(uminLow | 0, umaxLow | 0);
    }
    if ((sminHigh + 1) >>> 0 === smaxHigh >>> 0 && (sminLow | 0) < 0 && (smaxLow | 0) >= 0) {
      this.#narrowSigned32(sminLow | 0, smaxLow | 0);
    }
    if (this.smin32 >>> 0 <= this.smax32 >>> 0) {
      this.umin32 = Math.max(this.smin32 >>> 0, this.umin32);
      this.umax32 = Math.min(this.smax32 >>> 0, this.umax32);
    }
    if ((this.umin32 | 0) <= (this.umax32 | 0)) this.#narrowSigned32(this.umin32 | 0, this.umax32 | 0);
    else if (this.umax32 < this.smin32 >>> 0) {
      // As below for 64 bits.
      this.smin32 = this.umin32 | 0;
      this.umax32 = Math.min(this.umax32, this.smax32 >>> 0);
    } else if (this.smax32 >>> 0 < this.umin32) {
      this.smax32 = this.umax32 | 0;
      this.umin32 = Math.max(this.umin32, this.smin32 >>> 0);
    }
  }

  #narrowSigned32(min: number, max: number): void {
    this.smin32 = Math.max(this.smin32, min);
    this.smax32 = Math.min(this.smax32, max);
  }

  #deduce64(): void {
    const sminAsU = u64(this.smin);
    const smaxAsU = u64(this.smax);
    if (sminAsU <= smaxAsU) {
      if (sminAsU > this.umin) this.umin = sminAsU;
      if (smaxAsU < this.umax) this.umax = smaxAsU;
    }
    const uminAsS = BigInt.asIntN(64, this.umin);
    const umaxAsS = BigInt.asIntN(64, this.umax);
    if (uminAsS <= umaxAsS) {
      if (uminAsS > this.smin) this.smin = uminAsS;
      if (umaxAsS < this.smax) this.smax = umaxAsS;
    } else if (this.umax < u64(this.smin)) {
      // Signed and unsigned ranges meet at one end only: the other end is out of reach.
      this.smin = uminAsS;
      if (u64(this.smax) < this.umax) this.umax = u64(this.smax);
    } else if (u64(this.smax) < this.umin) {
      this.smax = umaxAsS;
      if (u64(this.smin) > this.umin) this.umin = u64(this.smin);
    }
  }

  #deduceMixed(): void {
    const low = BigInt(this.umin32);
    const high = BigInt(this.umax32);
    const umin = (this.umin & high32) | low;
    const umax = (this.umax & high32) | high;
    if (umin > this.umin) this.umin = umin;
    if (umax < this.umax) this.umax = umax;
    const smin = ((this.smin >> 32n) << 32n) | low;
    const smax = ((this.smax >> 32n) << 32n) | high;
    if (smin > this.smin) this.smin = smin;
    if (smax < this.smax) this.smax = smax;
    // After a load that extends the sign: the upper half is all ones or all zeros.
    if (this.smin32 >= 0 && this.smin >= BigInt(s32Min) && this.smax <= BigInt(s32Max)) {
      this.smin = this.umin = BigInt(this.smin32);
      this.smax = this.umax = BigInt(this.smax32);
      this.bits = intersectTnum(this.bits, rangeTnum(this.smin, this.smax));
    }
  }

  /** Only the low half is a known constant; the rest stays as it is. */
  setLowConst(value: number): this {
    this.bits = withLow(this.bits, { value: BigInt(value >>> 0), mask: 0n });
    this.smin32 = value | 0;
    this.smax32 = value | 0;
    this.umin32 = value >>> 0;
    this.umax32 = value >>> 0;
    return this;
  }

  equals(other: Scalar): boolean {
    return (
      this === other ||
      (this.bits.value === other.bits.value &&
        this.bits.mask === other.bits.mask &&
        this.umin === other.umin &&
        this.umax === other.umax &&
        this.smin === other.smin &&
        this.smax === other.smax &&
        this.umin32 === other.umin32 &&
        this.umax32 === other.umax32 &&
        this.smin32 === other.smin32 &&
        this.smax32 === other.smax32)
    );
  }

  /** The ranges and bits as the kernel's log lists them: `smin=0,smax=umax=255,var_off=(0x0; 0xff)`. */
  facts(): string[] {
    const rows: { name: string; value: bigint; omit: boolean }[] = [
      { name: 'smin', value: this.smin, omit: this.smin === s64Min },
      { name: 'smax', value: this.smax, omit: this.smax === s64Max },
      { name: 'umin', value: this.umin, omit: this.umin === 0n },
      { name: 'umax', value: this.umax, omit: this.umax === u64Max },
      { name: 'smin32', value: shown32(this.smin32), omit: this.smin32 === s32Min },
      { name: 'smax32', value: shown32(this.smax32), omit: this.smax32 === s32Max },
      { name: 'umin32', value: BigInt(this.umin32), omit: this.umin32 === 0 },
      { name: 'umax32', value: BigInt(this.umax32), omit: this.umax32 === u32Max },
    ];
    const facts: string[] = [];
    for (const [index, row] of rows.entries()) {
      if (row.omit) continue;
      let names = row.name;
      for (let later = index + 2; later < rows.length; later += 2) {
        const other = rows[later] as (typeof rows)[number];
        if (other.omit || other.value !== row.value) continue;
        other.omit = true;
        names += `=${other.name}`;
      }
      facts.push(`${names}=${row.name[0] === 's' ? signedText(row.value) : unsignedText(row.value)}`);
    }
    if (this.bits.mask !== u64Max) facts.push(`var_off=${tnumText(this.bits)}`);
    return facts;
  }
}

/** Small numbers in decimal, others in hexadecimal (kernel/bpf/log.c: verbose_snum). */
export function signedText(value: bigint): string {
  return value >= -32768n && value <= 32767n ? String(value) : `0x${u64(value).toString(16)}`;
}

/** A negative number that is shown in hexadecimal has 32 bits there. */
function shown32(value: number): bigint {
  return BigInt(value >= -32768 ? value : value >>> 0);
}

export function unsignedText(value: bigint): string {
  return value <= 65535n ? String(value) : `0x${value.toString(16)}`;
}

export const unknown = new Scalar();

/** Constants that programs use most, made once. */
const small: readonly Scalar[] = Array.from({ length: 1025 }, (_, index) => makeConstant(BigInt(index - 512)));

export function constant(value: bigint): Scalar {
  const signed = BigInt.asIntN(64, value);
  if (signed >= -512n && signed <= 512n) return small[Number(signed) + 512] as Scalar;
  return makeConstant(value);
}

export function constantOf(value: number): Scalar {
  return value >= -512 && value <= 512 ? (small[value + 512] as Scalar) : makeConstant(BigInt(value));
}

function makeConstant(value: bigint): Scalar {
  const scalar = new Scalar();
  scalar.bits = constTnum(value);
  scalar.umin = scalar.bits.value;
  scalar.umax = scalar.bits.value;
  scalar.smin = BigInt.asIntN(64, value);
  scalar.smax = scalar.smin;
  const low = Number(BigInt.asUintN(32, value));
  scalar.umin32 = low;
  scalar.umax32 = low;
  scalar.smin32 = low | 0;
  scalar.smax32 = low | 0;
  return scalar;
}

export const zero = constantOf(0);

/** A number of `size` bytes, zero-extended. */
export function unsignedOf(size: 1 | 2 | 4 | 8): Scalar {
  return sized[size];
}

function makeSized(size: number): Scalar {
  const scalar = new Scalar();
  scalar.bits = { value: 0n, mask: (1n << BigInt(size * 8)) - 1n };
  return scalar.settle();
}

const sized = { 1: makeSized(1), 2: makeSized(2), 4: makeSized(4), 8: unknown } as const;
