import { type FrameScope, forEachOperand, type IrFunction, type Slot } from '../ir/ir.ts';

/**
 * Lays out the stack frame downwards from the frame pointer. Scopes beside each other share their bytes; slots that
 * nothing refers to any more take none.
 * @param roomy each variable of less than 8 bytes gets 8, and lies at their start: only there does the verifier
 * remember the number that a variable holds, a loop's counter whose address is taken say
 * @returns bytes that the frame takes
 */
export function layOutFrame(f: IrFunction, roomy: boolean): number {
  const used = usedSlots(f);
  const place = (scope: FrameScope, from: number): number => {
    let at = from;
    // Wide ones first: no holes between them.
    for (const slot of scope.slots.toSorted((a, b) => b.align - a.align)) {
      if (!used.has(slot)) continue;
      const align = roomy && slot.size < 8 ? 8 : slot.align;
      at = Math.ceil((at + slot.size) / align) * align;
      slot.place = -at;
    }
    let deepest = at;
    for (const inner of scope.inner) deepest = Math.max(deepest, place(inner, at));
    return deepest;
  };
  return place(f.frame, 0);
}

function usedSlots(f: IrFunction): Set<Slot> {
  const used = new Set<Slot>();
  forEachOperand(f, ({ slot }) => {
    if (slot) used.add(slot);
  });
  return used;
}
