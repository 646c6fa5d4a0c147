import { type HelperName, helpers } from '../../uapi/index.ts';
import type { Helper } from '../../vm/index.ts';
import { callHelpers } from './call.ts';
import { castHelpers } from './casts.ts';
import { cgroupHelpers } from './cgroup.ts';
import { checksumHelpers } from './checksum.ts';
import { counterHelpers } from './counter.ts';
import { dynptrHelpers } from './dynptr.ts';
import type { HelperBodies, HelperEnvironment } from './environment.ts';
import { kernelMemoryHelpers } from './kernel-memory.ts';
import { mapHelpers } from './map.ts';
import { mtuHelpers } from './mtu.ts';
import { outputHelpers } from './output.ts';
import { pathHelpers } from './path.ts';
import { printHelpers } from './print.ts';
import { probeContextHelpers } from './probe-context.ts';
import { probeReadHelpers } from './probe-read.ts';
import { redirectHelpers } from './redirect.ts';
import { ringBufferHelpers } from './ring-buffer.ts';
import { signalHelpers } from './signal.ts';
import { skbByteHelpers } from './skb-bytes.ts';
import { skbFactHelpers } from './skb-facts.ts';
import { skbRoomHelpers } from './skb-room.ts';
import { stackHelpers } from './stack.ts';
import { storageHelpers } from './storage.ts';
import { taskHelpers } from './task.ts';
import { textHelpers } from './text.ts';
import { timeHelpers } from './time.ts';
import { valueFieldHelpers } from './value-fields.ts';
import { xdpHelpers } from './xdp.ts';

export type { HelperEnvironment } from './environment.ts';

const families = [
  mapHelpers,
  probeReadHelpers,
  timeHelpers,
  taskHelpers,
  outputHelpers,
  stackHelpers,
  printHelpers,
  callHelpers,
  ringBufferHelpers,
  storageHelpers,
  cgroupHelpers,
  probeContextHelpers,
  signalHelpers,
  textHelpers,
  counterHelpers,
  dynptrHelpers,
  valueFieldHelpers,
  castHelpers,
  pathHelpers,
  kernelMemoryHelpers,
  checksumHelpers,
  redirectHelpers,
  skbByteHelpers,
  skbFactHelpers,
  skbRoomHelpers,
  xdpHelpers,
  mtuHelpers,
] as const;

/** The bodies of the helpers that the simulated kernel has, by number; a new one is a row in its family's file. */
export function helperTable(environment: HelperEnvironment): readonly (Helper | undefined)[] {
  const table: (Helper | undefined)[] = [];
  for (const family of families) {
    const bodies: HelperBodies = family(environment);
    for (const [name, body] of Object.entries(bodies)) {
      const { id } = helpers[name as HelperName];
      if (table[id] !== undefined) throw new Error(`helper ${name} has two bodies`);
      table[id] = body;
    }
  }
  return table;
}
