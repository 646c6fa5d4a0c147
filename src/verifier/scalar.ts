import { nextInTnum, type Tnum, tnumText, u64 } from './tnum.ts';
import { highOf, isBelow, isLess, lowOf, signedOfWords, smear, unsignedOfWords } from './words.ts';

/**
 * What is known of a number: a tnum and four ranges, unsigned and signed, of all 64 bits and of the low 32. `settle`
 * lets each learn from the others. A Scalar that has been handed out never changes; `draft` gives one to change.
 * All is kept in 32-bit words (see words.ts); the 64-bit bounds are there as BigInt too, for what is not done often.
 * The file is long for the accessors.
 */
export const u64Max = 0xffff_ffff_ffff_ffffn;
export const s64Max = 0x7fff_ffff_ffff_ffffn;
export const s64Min = -0x8000_0000_0000_0000n;
export const u32Max = 0xffff_ffff;
export const s32Max = 0x7fff_ffff;
export const s32Min = -0x8000_0000;

export class Scalar {
  valueHigh = 0;
  valueLow = 0;
  maskHigh = -1;
  maskLow = -1;
  uminHigh = 0;
  uminLow = 0;
  umaxHigh = -1;
  umaxLow = -1;
  sminHigh = s32Min;
  sminLow = 0;
  smaxHigh = s32Max;
  smaxLow = -1;
  /** `umin32` and `umax32` as signed words. */
  uminWord = 0;
  umaxWord = -1;
  smin32 = s32Min;
  smax32 = s32Max;

  draft(): Scalar {
    return new Scalar().become(this);
  }

  /** Takes over all that is known of another. */
  become(other: Scalar): this {
    this.valueHigh = other.valueHigh;
    this.valueLow = other.valueLow;
    this.maskHigh = other.maskHigh;
    this.maskLow = other.maskLow;
    this.uminHigh = other.uminHigh;
    this.uminLow = other.uminLow;
    this.umaxHigh = other.umaxHigh;
    this.umaxLow = other.umaxLow;
    this.sminHigh = other.sminHigh;
    this.sminLow = other.sminLow;
    this.smaxHigh = other.smaxHigh;
    this.smaxLow = other.smaxLow;
    this.uminWord = other.uminWord;
    this.umaxWord = other.umaxWord;
    this.smin32 = other.smin32;
    this.smax32 = other.smax32;
    return this;
  }

  get bits(): Tnum {
    return {
      value: unsignedOfWords(this.valueHigh, this.valueLow),
      mask: unsignedOfWords(this.maskHigh, this.maskLow),
    };
  }

  set bits({ value, mask }: Tnum) {
    this.valueHigh = highOf(value);
    this.valueLow = lowOf(value);
    this.maskHigh = highOf(mask);
    this.maskLow = lowOf(mask);
  }

  get umin(): bigint {
    return unsignedOfWords(this.uminHigh, this.uminLow);
  }

  set umin(value: bigint) {
    this.uminHigh = highOf(value);
    this.uminLow = lowOf(value);
  }

  get umax(): bigint {
    return unsignedOfWords(this.umaxHigh, this.umaxLow);
  }

  set umax(value: bigint) {
    this.umaxHigh = highOf(value);
    this.umaxLow = lowOf(value);
  }

  get smin(): bigint {
    return signedOfWords(this.sminHigh, this.sminLow);
  }

  set smin(value: bigint) {
    this.sminHigh = highOf(value);
    this.sminLow = lowOf(value);
  }

  get smax(): bigint {
    return signedOfWords(this.smaxHigh, this.smaxLow);
  }

  set smax(value: bigint) {
    this.smaxHigh = highOf(value);
    this.smaxLow = lowOf(value);
  }

  get umin32(): number {
    return this.uminWord >>> 0;
  }

  set umin32(value: number) {
    this.uminWord = value | 0;
  }

  get umax32(): number {
    return this.umaxWord >>> 0;
  }

  set umax32(value: number) {
    this.umaxWord = value | 0;
  }

  /** The bounds as plain numbers: exact to 2^53, rounded beyond. */
  get sminNumber(): number {
    return this.sminHigh * 0x1_0000_0000 + (this.sminLow >>> 0);
  }

  get smaxNumber(): number {
    return this.smaxHigh * 0x1_0000_0000 + (this.smaxLow >>> 0);
  }

  get umaxNumber(): number {
    return (this.umaxHigh >>> 0) * 0x1_0000_0000 + (this.umaxLow >>> 0);
  }

  get isConst(): boolean {
    return (this.maskLow | this.maskHigh) === 0;
  }

  /** Whether the low 32 bits are known. */
  get isConst32(): boolean {
    return this.maskLow === 0;
  }

  get isZero(): boolean {
    return (this.maskLow | this.maskHigh | this.valueLow | this.valueHigh) === 0;
  }

  /** Whether it may be 0 as an unsigned number. */
  get hasZero(): boolean {
    return (this.uminHigh | this.uminLow) === 0;
  }

  /** The value of a constant, unsigned. */
  get value(): bigint {
    return unsignedOfWords(this.valueHigh, this.valueLow);
  }

  get isUnknown(): boolean {
    return this.equals(unknown);
  }

  /** Whether no number is left: a branch that compares so is never taken. */
  get isEmpty(): boolean {
    return (
      isLess(this.smaxHigh, this.smaxLow, this.sminHigh, this.sminLow) ||
      isBelow(this.umaxHigh, this.umaxLow, this.uminHigh, this.uminLow) ||
      this.smin32 > this.smax32 ||
      this.uminWord >>> 0 > this.umaxWord >>> 0
    );
  }

  unbound(): this {
    return this.unbound64().unbound32();
  }

  unbound32(): this {
    this.uminWord = 0;
    this.umaxWord = -1;
    this.smin32 = s32Min;
    this.smax32 = s32Max;
    return this;
  }

  unbound64(): this {
    this.unboundUnsigned();
    this.unboundSigned();
    return this;
  }

  unboundUnsigned(): void {
    this.uminHigh = 0;
    this.uminLow = 0;
    this.umaxHigh = -1;
    this.umaxLow = -1;
  }

  unboundSigned(): void {
    this.sminHigh = s32Min;
    this.sminLow = 0;
    this.smaxHigh = s32Max;
    this.smaxLow = -1;
  }

  /** The low half's bounds become the whole's: after a 32-bit operation, which clears the high half. */
  zeroExtend(): this {
    this.valueHigh = 0;
    this.maskHigh = 0;
    this.uminHigh = 0;
    this.uminLow = this.uminWord;
    this.umaxHigh = 0;
    this.umaxLow = this.umaxWord;
    const isPositive = this.smin32 >= 0;
    this.sminHigh = 0;
    this.sminLow = isPositive ? this.smin32 : 0;
    this.smaxHigh = isPositive ? this.smax32 >> 31 : 0;
    this.smaxLow = isPositive ? this.smax32 : -1;
    return this.settle();
  }

  settle(): this {
    if ((this.maskLow | this.maskHigh) === 0) {
      this.#fromConst();
      return this;
    }
    this.#boundsFromBits();
    // Three rounds at most, and none after one that taught nothing.
    if (this.#deduce() && this.#deduce()) this.#deduce();
    this.#bitsFromBounds();
    this.#boundsFromBits();
    return this;
  }

  /** A constant within its bounds needs no deduction; one outside them is left as the contradiction that it is. */
  #fromConst(): void {
    const { valueHigh: high, valueLow: low } = this;
    if (!isBelow(high, low, this.uminHigh, this.uminLow)) {
      this.uminHigh = high;
      this.uminLow = low;
    }
    if (!isBelow(this.umaxHigh, this.umaxLow, high, low)) {
      this.umaxHigh = high;
      this.umaxLow = low;
    }
    if (!isLess(high, low, this.sminHigh, this.sminLow)) {
      this.sminHigh = high;
      this.sminLow = low;
    }
    if (!isLess(this.smaxHigh, this.smaxLow, high, low)) {
      this.smaxHigh = high;
      this.smaxLow = low;
    }
    if (this.uminWord >>> 0 <= low >>> 0) this.uminWord = low;
    if (this.umaxWord >>> 0 >= low >>> 0) this.umaxWord = low;
    if (this.smin32 <= low) this.smin32 = low;
    if (this.smax32 >= low) this.smax32 = low;
  }

  #boundsFromBits(): void {
    const { valueHigh, valueLow, maskHigh, maskLow } = this;
    const mostHigh = valueHigh | maskHigh;
    const mostLow = valueLow | maskLow;
    this.#narrowSigned32(valueLow | (maskLow & s32Min), valueLow | (maskLow & s32Max));
    this.#narrowUnsigned32(valueLow, mostLow);
    this.narrowUnsigned64(valueHigh, valueLow, mostHigh, mostLow);
    this.narrowSigned64(valueHigh | (maskHigh & s32Min), valueLow, valueHigh | (maskHigh & s32Max), mostLow);
    this.#onlyValue();
  }

  /** Where only one of the numbers that the bits allow lies in the range, that is the number. */
  #onlyValue(): void {
    const { valueHigh, valueLow, maskHigh, maskLow, uminHigh, uminLow, umaxHigh, umaxLow } = this;
    if ((maskHigh & maskLow) === -1 || (maskHigh | maskLow) === 0) return;
    if (isBelow(umaxHigh, umaxLow, uminHigh, uminLow)) return;
    const startsIn = (uminLow & ~maskLow) === valueLow && (uminHigh & ~maskHigh) === valueHigh;
    if (!startsIn) {
      this.#onlyValueFrom(nextInTnum(this.bits, this.umin));
      return;
    }
    // The next number after umin: one more, in the bits of the mask.
    const sumLow = ((uminLow | ~maskLow) + 1) | 0;
    const carry = sumLow === 0 ? 1 : 0;
    const nextLow = (sumLow & maskLow) | valueLow;
    const nextHigh = (((uminHigh | ~maskHigh) + carry) & maskHigh) | valueHigh;
    const isLast = uminLow === (valueLow | maskLow) && uminHigh === (valueHigh | maskHigh);
    if (!isLast && isBelow(umaxHigh, umaxLow, nextHigh, nextLow)) this.#set(uminHigh, uminLow);
  }

  #onlyValueFrom(next: bigint): void {
    const { bits, umax } = this;
    const most = bits.value | bits.mask;
    if (next === most || (next <= umax && nextInTnum(bits, next) > umax)) this.#set(highOf(next), lowOf(next));
  }

  #set(high: number, low: number): void {
    this.valueHigh = this.uminHigh = this.umaxHigh = this.sminHigh = this.smaxHigh = high;
    this.valueLow = this.uminLow = this.umaxLow = this.sminLow = this.smaxLow = low;
    this.maskHigh = this.maskLow = 0;
    this.uminWord = this.umaxWord = this.smin32 = this.smax32 = low;
  }

  /** What the bits and a range both say (tnum_intersect with tnum_range). */
  #narrowBits(minHigh: number, minLow: number, maxHigh: number, maxLow: number): void {
    const rangeHigh = smear(minHigh ^ maxHigh);
    const rangeLow = rangeHigh === 0 ? smear(minLow ^ maxLow) : -1;
    const valueHigh = this.valueHigh | (minHigh & ~rangeHigh);
    const valueLow = this.valueLow | (minLow & ~rangeLow);
    this.maskHigh &= rangeHigh;
    this.maskLow &= rangeLow;
    this.valueHigh = valueHigh & ~this.maskHigh;
    this.valueLow = valueLow & ~this.maskLow;
  }

  #bitsFromBounds(): void {
    this.#narrowBits(this.uminHigh, this.uminLow, this.umaxHigh, this.umaxLow);
    const range = smear(this.uminWord ^ this.umaxWord);
    const value = this.valueLow | (this.uminWord & ~range);
    this.maskLow &= range;
    this.valueLow = value & ~this.maskLow;
  }

  /** @returns whether a bound has changed */
  #deduce(): boolean {
    const learnt32 = this.#deduce32();
    const learnt64 = this.#deduce64();
    return this.#deduceMixed() || learnt32 || learnt64;
  }

  #deduce32(): boolean {
    const { uminHigh, umaxHigh, sminHigh, smaxHigh, uminLow, umaxLow, sminLow, smaxLow } = this;
    let learnt = false;
    if (uminHigh === umaxHigh) {
      learnt = this.#narrowUnsigned32(uminLow, umaxLow);
      if (uminLow <= umaxLow && this.#narrowSigned32(uminLow, umaxLow)) learnt = true;
    }
    if (sminHigh === smaxHigh) {
      if (sminLow >>> 0 <= smaxLow >>> 0 && this.#narrowUnsigned32(sminLow, smaxLow)) learnt = true;
      if (sminLow <= smaxLow && this.#narrowSigned32(sminLow, smaxLow)) learnt = true;
    }
    // The range crosses from …ffffffff to …00000000 once, so as signed low halves it is one range.
    if (((uminHigh + 1) | 0) === umaxHigh && uminLow < 0 && umaxLow >= 0 && this.#narrowSigned32(uminLow, umaxLow)) {
      learnt = true;
    }
    if (((sminHigh + 1) | 0) === smaxHigh && sminLow < 0 && smaxLow >= 0 && this.#narrowSigned32(sminLow, smaxLow)) {
      learnt = true;
    }
    return this.#deduceBetween32() || learnt;
  }

  #deduceBetween32(): boolean {
    let learnt = false;
    if (this.smin32 >>> 0 <= this.smax32 >>> 0) learnt = this.#narrowUnsigned32(this.smin32, this.smax32);
    const { uminWord, umaxWord, smin32, smax32 } = this;
    if (uminWord <= umaxWord) return this.#narrowSigned32(uminWord, umaxWord) || learnt;
    if (umaxWord >>> 0 < smin32 >>> 0) {
      // As below for 64 bits.
      if (smin32 !== uminWord) learnt = true;
      this.smin32 = uminWord;
      return this.#narrowUnsigned32(0, smax32) || learnt;
    }
    if (smax32 >>> 0 < uminWord >>> 0) {
      if (smax32 !== umaxWord) learnt = true;
      this.smax32 = umaxWord;
      return this.#narrowUnsigned32(smin32, -1) || learnt;
    }
    return learnt;
  }

  #narrowSigned32(min: number, max: number): boolean {
    const learnt = min > this.smin32 || max < this.smax32;
    if (min > this.smin32) this.smin32 = min;
    if (max < this.smax32) this.smax32 = max;
    return learnt;
  }

  /** Of two words that stand for unsigned numbers. */
  #narrowUnsigned32(min: number, max: number): boolean {
    let learnt = false;
    if (min >>> 0 > this.uminWord >>> 0) {
      this.uminWord = min;
      learnt = true;
    }
    if (max >>> 0 < this.umaxWord >>> 0) {
      this.umaxWord = max;
      learnt = true;
    }
    return learnt;
  }

  #deduce64(): boolean {
    const { sminHigh, sminLow, smaxHigh, smaxLow } = this;
    const isOneRange = !isBelow(smaxHigh, smaxLow, sminHigh, sminLow);
    const learnt = isOneRange && this.narrowUnsigned64(sminHigh, sminLow, smaxHigh, smaxLow);
    const { uminHigh, uminLow, umaxHigh, umaxLow } = this;
    if (!isLess(umaxHigh, umaxLow, uminHigh, uminLow)) {
      return this.narrowSigned64(uminHigh, uminLow, umaxHigh, umaxLow) || learnt;
    }
    if (isBelow(umaxHigh, umaxLow, sminHigh, sminLow)) {
      // Signed and unsigned ranges meet at one end only: the other end is out of reach.
      const isNew = sminHigh !== uminHigh || sminLow !== uminLow;
      this.sminHigh = uminHigh;
      this.sminLow = uminLow;
      return this.narrowUnsigned64(0, 0, smaxHigh, smaxLow) || isNew || learnt;
    }
    if (isBelow(smaxHigh, smaxLow, uminHigh, uminLow)) {
      const isNew = smaxHigh !== umaxHigh || smaxLow !== umaxLow;
      this.smaxHigh = umaxHigh;
      this.smaxLow = umaxLow;
      return this.narrowUnsigned64(sminHigh, sminLow, -1, -1) || isNew || learnt;
    }
    return learnt;
  }

  /** @returns whether anything was learnt */
  narrowUnsigned64(minHigh: number, minLow: number, maxHigh: number, maxLow: number): boolean {
    let learnt = false;
    if (isBelow(this.uminHigh, this.uminLow, minHigh, minLow)) {
      this.uminHigh = minHigh;
      this.uminLow = minLow;
      learnt = true;
    }
    if (isBelow(maxHigh, maxLow, this.umaxHigh, this.umaxLow)) {
      this.umaxHigh = maxHigh;
      this.umaxLow = maxLow;
      learnt = true;
    }
    return learnt;
  }

  /** @returns whether anything was learnt */
  narrowSigned64(minHigh: number, minLow: number, maxHigh: number, maxLow: number): boolean {
    let learnt = false;
    if (isLess(this.sminHigh, this.sminLow, minHigh, minLow)) {
      this.sminHigh = minHigh;
      this.sminLow = minLow;
      learnt = true;
    }
    if (isLess(maxHigh, maxLow, this.smaxHigh, this.smaxLow)) {
      this.smaxHigh = maxHigh;
      this.smaxLow = maxLow;
      learnt = true;
    }
    return learnt;
  }

  #deduceMixed(): boolean {
    const { uminWord, umaxWord, smin32, smax32 } = this;
    let learnt = this.narrowUnsigned64(this.uminHigh, uminWord, this.umaxHigh, umaxWord);
    if (this.narrowSigned64(this.sminHigh, uminWord, this.smaxHigh, umaxWord)) learnt = true;
    // After a load that extends the sign: the upper half is all ones or all zeros.
    const fits =
      (this.sminHigh > -1 || (this.sminHigh === -1 && this.sminLow < 0)) &&
      (this.smaxHigh < 0 || (this.smaxHigh === 0 && this.smaxLow >= 0));
    if (smin32 < 0 || !fits) return learnt;
    const high = smax32 >> 31;
    if (this.uminLow !== smin32 || this.umaxLow !== smax32 || this.sminLow !== smin32 || this.smaxLow !== smax32) {
      learnt = true;
    }
    if (this.uminHigh !== 0 || this.umaxHigh !== high || this.sminHigh !== 0 || this.smaxHigh !== high) learnt = true;
    this.sminHigh = this.uminHigh = 0;
    this.sminLow = this.uminLow = smin32;
    this.smaxHigh = this.umaxHigh = high;
    this.smaxLow = this.umaxLow = smax32;
    this.#narrowBits(0, smin32, high, smax32);
    return learnt;
  }

  /** Only the low half is a known constant; the rest stays as it is. */
  setLowConst(value: number): this {
    const low = value | 0;
    this.valueLow = low;
    this.maskLow = 0;
    this.smin32 = this.smax32 = this.uminWord = this.umaxWord = low;
    return this;
  }

  equals(other: Scalar): boolean {
    return (
      this === other ||
      (this.valueLow === other.valueLow &&
        this.valueHigh === other.valueHigh &&
        this.maskLow === other.maskLow &&
        this.maskHigh === other.maskHigh &&
        this.uminLow === other.uminLow &&
        this.uminHigh === other.uminHigh &&
        this.umaxLow === other.umaxLow &&
        this.umaxHigh === other.umaxHigh &&
        this.sminLow === other.sminLow &&
        this.sminHigh === other.sminHigh &&
        this.smaxLow === other.smaxLow &&
        this.smaxHigh === other.smaxHigh &&
        this.uminWord === other.uminWord &&
        this.umaxWord === other.umaxWord &&
        this.smin32 === other.smin32 &&
        this.smax32 === other.smax32)
    );
  }

  /** Whether every number that `other` may be is one that this may be (range_within, tnum_in). */
  holds(other: Scalar): boolean {
    return (
      this === other ||
      (!isBelow(other.uminHigh, other.uminLow, this.uminHigh, this.uminLow) &&
        !isBelow(this.umaxHigh, this.umaxLow, other.umaxHigh, other.umaxLow) &&
        !isLess(other.sminHigh, other.sminLow, this.sminHigh, this.sminLow) &&
        !isLess(this.smaxHigh, this.smaxLow, other.smaxHigh, other.smaxLow) &&
        this.uminWord >>> 0 <= other.uminWord >>> 0 &&
        this.umaxWord >>> 0 >= other.umaxWord >>> 0 &&
        this.smin32 <= other.smin32 &&
        this.smax32 >= other.smax32 &&
        this.#bitsHold(other))
    );
  }

  #bitsHold(other: Scalar): boolean {
    const { maskHigh, maskLow } = this;
    if (((other.maskHigh & ~maskHigh) | (other.maskLow & ~maskLow)) !== 0) return false;
    return this.valueHigh === (other.valueHigh & ~maskHigh) && this.valueLow === (other.valueLow & ~maskLow);
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
const small: readonly Scalar[] = Array.from({ length: 1025 }, (_, index) =>
  makeConstant((index - 512) >> 31, index - 512),
);

export function constant(value: bigint): Scalar {
  return constantOfWords(highOf(value), lowOf(value));
}

export function constantOf(value: number): Scalar {
  return constantOfWords(Math.floor(value / 0x1_0000_0000), value | 0);
}

export function constantOfWords(high: number, low: number): Scalar {
  if (high === low >> 31 && low >= -512 && low <= 512) return small[low + 512] as Scalar;
  return makeConstant(high, low);
}

function makeConstant(high: number, low: number): Scalar {
  const scalar = new Scalar();
  scalar.maskHigh = scalar.maskLow = 0;
  scalar.valueHigh = scalar.uminHigh = scalar.umaxHigh = scalar.sminHigh = scalar.smaxHigh = high;
  scalar.valueLow = scalar.uminLow = scalar.umaxLow = scalar.sminLow = scalar.smaxLow = low;
  scalar.uminWord = scalar.umaxWord = scalar.smin32 = scalar.smax32 = low;
  return scalar;
}

export const zero = constantOf(0);

/** A number of `size` bytes, zero-extended. */
export function unsignedOf(size: 1 | 2 | 4 | 8): Scalar {
  return sized[size];
}

function makeSized(size: 1 | 2 | 4): Scalar {
  const scalar = new Scalar();
  scalar.maskHigh = 0;
  scalar.maskLow = smear(2 ** (size * 8) - 1);
  return scalar.settle();
}

const sized = { 1: makeSized(1), 2: makeSized(2), 4: makeSized(4), 8: unknown } as const;
