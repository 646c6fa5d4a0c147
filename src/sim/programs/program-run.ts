import { SysError } from '../../base/index.ts';
import type { Memory } from '../../memory/index.ts';
import type { ProgramTestResult, ProgramTestRun } from '../../sys/index.ts';
import { contextOf, contexts, type ProgramType } from '../../uapi/index.ts';
import type { Executable } from '../../vm/index.ts';
import { mostArguments } from '../machine/current.ts';
import type { PacketBuffers } from '../net/buffers.ts';
import { type PacketContext, packetPointer } from './context-code.ts';
import { type PacketRun, skbRun, xdpRun } from './packet-run.ts';

/**
 * BPF_PROG_TEST_RUN (net/bpf/test_run.c): a loaded program runs on a packet or on arguments that user space gives. The
 * clock stands still meanwhile, so what Linux calls the duration is 0.
 */
const op = 'prog_test_run';

/** Types that see an sk_buff, and of them those whose data begins with the Ethernet header. */
const skbTypes: ReadonlySet<ProgramType> = new Set([
  'socket_filter',
  'sched_cls',
  'sched_act',
  'cgroup_skb',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
  'lwt_seg6local',
]);
const ethernetTypes: ReadonlySet<ProgramType> = new Set(['sched_cls', 'sched_act']);

/** What of a program a run needs. */
export interface Runnable {
  readonly type: ProgramType;
  readonly executable: Executable;
  /** Bytes of its arguments that a raw tracepoint's program reads. */
  readonly contextReach: number;
}

/** @throws SysError ENOTSUPP for a type that has no test run, EINVAL, ENODEV, E2BIG, ENOSPC as Linux */
export function programTestRun(
  memory: Memory,
  packets: PacketBuffers,
  program: Runnable,
  run: ProgramTestRun,
): ProgramTestResult {
  const { type } = program;
  if (type === 'raw_tracepoint') return runOnArguments(memory, program, run);
  if (!skbTypes.has(type) && type !== 'xdp') {
    throw new SysError('ENOTSUPP', op, `a ${type} program has no test run`, {
      expected: `one of ${[...skbTypes, 'xdp', 'raw_tracepoint'].join(', ')}`,
    });
  }
  const context = givenContext(run, contextOf[type] as PacketContext);
  const data = run.data ?? new Uint8Array();
  const packet =
    type === 'xdp'
      ? xdpRun(memory, packets, data, context)
      : skbRun(memory, packets, data, context, ethernetTypes.has(type));
  const outer = packets.running;
  packets.running = packet.buffer;
  try {
    return runOnPacket(program.executable, packet, run);
  } finally {
    packets.running = outer;
    packet.close();
  }
}

/** The context that user space gives; one is there as soon as it wants one back. @throws SysError E2BIG */
function givenContext({ context, contextSizeOut = 0 }: ProgramTestRun, name: PacketContext): Uint8Array | undefined {
  const { size } = contexts[name];
  if (context?.subarray(size).some((byte) => byte !== 0)) {
    throw new SysError('E2BIG', op, `a context of ${context.length} bytes`, { expected: `${size} bytes, and zeros` });
  }
  if (context !== undefined) return context;
  return contextSizeOut > 0 && name === '__sk_buff' ? new Uint8Array(size) : undefined;
}

function runOnPacket(executable: Executable, packet: PacketRun, run: ProgramTestRun): ProgramTestResult {
  const times = run.repeat === undefined || run.repeat === 0 ? 1 : run.repeat;
  let returned = 0;
  for (let time = 0; time < times; time++) returned = executable.run(packet.context);
  const data = packet.data();
  const context = packet.contextOut();
  const { dataSizeOut = data.length, contextSizeOut = context.length } = run;
  if (dataSizeOut < data.length || contextSizeOut < context.length) {
    throw new SysError('ENOSPC', op, `${dataSizeOut} bytes for a packet of ${data.length}`, {
      expected: `${data.length} bytes for the packet, ${context.length} for the context`,
    });
  }
  return { returned: returned >>> 0, data, context, duration: 0 };
}

/** bpf_prog_test_run_raw_tp: once, on the tracepoint's arguments. */
function runOnArguments(memory: Memory, program: Runnable, run: ProgramTestRun): ProgramTestResult {
  const { context = new Uint8Array(), data, repeat = 0 } = run;
  const most = 8 * mostArguments;
  if (data !== undefined || repeat !== 0 || context.length > most || context.length < program.contextReach) {
    throw new SysError('EINVAL', op, `${context.length} bytes of arguments, ${repeat} repeats`, {
      expected: `no packet, no repeats, and ${program.contextReach} to ${most} bytes of arguments`,
    });
  }
  const at = memory.allocate(most);
  try {
    memory.u8.fill(0, at, at + most);
    memory.u8.set(context, at);
    const returned = program.executable.run(at);
    return { returned: returned >>> 0, data: new Uint8Array(), context: new Uint8Array(), duration: 0 };
  } finally {
    memory.free(at, most);
  }
}

/**
 * Where LD_ABS and LD_IND find bytes of the packet behind a __sk_buff (net/core/filter.c:
 * bpf_internal_load_pointer_neg_helper). @returns an offset in the linear memory, or 0 when the packet has none there
 */
export function packetBytes(memory: Memory, context: number, offset: number, size: number): number {
  const pointer = (name: Parameters<typeof packetPointer>[1]): number =>
    memory.u32[(context + packetPointer('__sk_buff', name)) >>> 2] as number;
  const at =
    offset >= 0
      ? pointer('data') + offset
      : offset >= fromNetwork
        ? pointer('network_header') + offset - fromNetwork
        : offset >= fromMac
          ? pointer('mac_header') + offset - fromMac
          : 0;
  return at >= pointer('mac_header') && at + size <= pointer('data_end') && at !== 0 ? at : 0;
}

/** SKF_NET_OFF, SKF_LL_OFF (include/uapi/linux/filter.h) */
const fromNetwork = -0x100000;
const fromMac = -0x200000;
