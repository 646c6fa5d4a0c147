import { orderedAccess } from '../isa/index.ts';

/**
 * Atomic operations, load_acquire and store_release on memory that the program may reach. One processor runs at a
 * time, so each is whole and in order by itself. `words` and `at` are an instruction as flat.ts lays it out.
 */
export function atomicAccess(
  view: DataView,
  regs: Int32Array,
  words: Int32Array,
  at: number,
  place: number,
  size: number,
): void {
  const s = words[at + 2]!;
  const imm = words[at + 4]!;
  if (imm === orderedAccess.loadAcquire) load(view, regs, words[at + 1]!, place, size);
  else if (imm === orderedAccess.storeRelease) store(view, place, size, regs[s]!, regs[s + 1]!);
  else modify(view, regs, s, place, size, imm);
}

/** Reads, combines, writes; with fetch the old value goes to the source register, by cmpxchg to r0. */
function modify(view: DataView, regs: Int32Array, s: number, place: number, size: number, imm: number): void {
  const wide = size === 8;
  const oldLow = view.getInt32(place, true);
  const oldHigh = wide ? view.getInt32(place + 4, true) : 0;
  const low = regs[s]!;
  const high = wide ? regs[s + 1]! : 0;
  switch (imm & ~1) {
    case 0x00: // add
      store(view, place, size, oldLow + low, oldHigh + high + ((oldLow >>> 0) + (low >>> 0) > 0xffff_ffff ? 1 : 0));
      break;
    case 0x40: // or
      store(view, place, size, oldLow | low, oldHigh | high);
      break;
    case 0x50: // and
      store(view, place, size, oldLow & low, oldHigh & high);
      break;
    case 0xa0: // xor
      store(view, place, size, oldLow ^ low, oldHigh ^ high);
      break;
    case 0xe0: // xchg
      store(view, place, size, low, high);
      break;
    case 0xf0: // cmpxchg
      if (oldLow === regs[0] && (!wide || oldHigh === regs[1])) store(view, place, size, low, high);
      regs[0] = oldLow;
      regs[1] = oldHigh;
      return;
  }
  if ((imm & 1) === 0) return;
  regs[s] = oldLow;
  regs[s + 1] = oldHigh;
}

function load(view: DataView, regs: Int32Array, d: number, place: number, size: number): void {
  if (size === 1) regs[d] = view.getUint8(place);
  else if (size === 2) regs[d] = view.getUint16(place, true);
  else regs[d] = view.getInt32(place, true);
  regs[d + 1] = size === 8 ? view.getInt32(place + 4, true) : 0;
}

function store(view: DataView, place: number, size: number, low: number, high: number): void {
  if (size === 1) view.setInt8(place, low);
  else if (size === 2) view.setInt16(place, low, true);
  else view.setInt32(place, low, true);
  if (size === 8) view.setInt32(place + 4, high, true);
}
