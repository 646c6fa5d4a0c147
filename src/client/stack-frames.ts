import { toHex, viewOf } from '../base/index.ts';

/**
 * The value of a stack table: up to 127 frames, innermost first, behind the last zeros. A BPF_STACK_TRACE has addresses
 * of 8 bytes; a BPF_STACK_TRACE_BUILDID has struct bpf_stack_build_id (include/uapi/linux/bpf.h):
 *
 *   +0 s32 status: 0 empty, 1 valid, 2 address   +4 u8 build_id[20]   +24 u64 offset in the file, or the address
 */
export interface BuildIdFrame {
  /** Of the binary: 20 bytes in hex. */
  readonly buildId: string;
  /** Bytes from the begin of the file. */
  readonly offset: number;
}

/** A frame of a stack with build ids: an address where no binary with a build id is mapped. */
export type StackFrame = bigint | BuildIdFrame;

export const buildIdSize = 32;
const status = { valid: 1, address: 2 } as const;

export function addressesOf(bytes: Uint8Array): bigint[] {
  const view = viewOf(bytes);
  const addresses: bigint[] = [];
  for (let offset = 0; offset + 8 <= bytes.length; offset += 8) {
    const address = view.getBigUint64(offset, true);
    if (address === 0n) break;
    addresses.push(address);
  }
  return addresses;
}

export function buildIdFramesOf(bytes: Uint8Array): StackFrame[] {
  const view = viewOf(bytes);
  const frames: StackFrame[] = [];
  for (let at = 0; at + buildIdSize <= bytes.length; at += buildIdSize) {
    const kind = view.getInt32(at, true);
    const place = view.getBigUint64(at + 24, true);
    if (kind === status.valid) frames.push({ buildId: toHex(bytes.subarray(at + 4, at + 24)), offset: Number(place) });
    else if (kind === status.address) frames.push(place);
    else break;
  }
  return frames;
}
