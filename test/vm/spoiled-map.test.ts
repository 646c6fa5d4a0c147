import { expect, test } from 'vitest';
import { assemble } from '../../src/isa/index.ts';
import { kernelSpace } from '../../src/memory/index.ts';
import { engines } from './engines.ts';
import { ProgramHost } from './program-host.ts';

/** The second of the host's maps is a hash with keys of 8 bytes. */
const text = (call: string): string => `
  *(u64 *)(r10 - 8) = 1
  *(u64 *)(r10 - 16) = 2
  *(u64 *)(r10 - 24) = 3
  r2 = r10
  r2 += -8
  r3 = r10
  r3 += -24
  r4 = 0
  r1 = 0x1122334455667788 ll
  ${call}
  exit`;

test.each(engines.flatMap((engine) => [1, 2, 3].map((helper) => [engine.name, helper, engine] as const)))(
  'on the %s helper %i ends on a chain that leads in a circle',
  (_, helper, engine) => {
    const host = new ProgramHost();
    const map = host.maps[1]!;
    const { u32 } = host.memory;
    const element = u32[(map.address + 24) >>> 2]!;
    const [buckets, mask] = [u32[(map.address + 40) >>> 2]!, u32[(map.address + 44) >>> 2]!];
    // Every bucket leads to one element, and that to itself; its hash is nobody's.
    for (let bucket = 0; bucket <= mask; bucket++) u32[(buckets >>> 2) + bucket] = element;
    u32[element >>> 2] = element;
    const { code } = assemble(text(`call ${helper}`));
    const view = new DataView(code.buffer);
    for (let slot = 0; slot < code.length / 8; slot++) {
      if (view.getUint8(slot * 8) !== 0x18) continue;
      view.setUint32(slot * 8 + 4, map.address, true);
      view.setUint32(slot * 8 + 12, kernelSpace, true);
    }
    const program = engine.load({ name: 'spoiled', code, facts: { verified: true } }, host);
    program.run(host.context);
    expect(program.trap).toBeNull();
    expect(program.result).toBe({ 1: 0n, 2: 0n, 3: BigInt.asUintN(64, -2n) }[helper]);
  },
);
