/**
 * What a kfree_skb line of a trace says (include/trace/events/skb.h), in the forms that kernels have printed it in, and
 * the kernel stack that belongs to it.
 */
import { InputError } from '../base/index.ts';
import type { KernelStack } from '../events/index.ts';
import { frameOf, plainName, type TraceEntry, type TraceText } from './trace-text.ts';

export interface DropLine {
  readonly entry: TraceEntry;
  /** The hashed pointer, without `0x`. */
  readonly address: string;
  /** The receiving socket's, when there was one. */
  readonly socket: string | undefined;
  readonly protocol: number;
  /** `__udp4_lib_rcv+0x4bc`; what was printed when it is no symbol. */
  readonly location: string;
  /** By name, or as a number where the kernel printed one; undefined before 5.17. */
  readonly reason: string | undefined;
  /** Not for CONSUMED and NOT_DROPPED_YET. */
  readonly isDrop: boolean;
  /** Exactly as recorded, innermost first, sizes left out; empty when no stack of the trace belongs to it. */
  readonly stack: KernelStack;
}

/* skbaddr=%p [rx_sk=%p] protocol=%u location=%pS [reason: %s], the fields in this order in every kernel */
const printed =
  /^skbaddr=(?:0x)?([0-9a-fA-F]+)(?: rx_sk=(?:0x)?([0-9a-fA-F]+|\((?:nil|null)\)))? protocol=(\d+) location=(.+?)(?: reason: ?(\S+))?$/;

const noDrop: ReadonlySet<string> = new Set(['CONSUMED', 'NOT_DROPPED_YET', '0x0', '0x1', '0', '1']);

function readDrop(entry: TraceEntry, trace: TraceText, stack: KernelStack): DropLine {
  const match = printed.exec(entry.text);
  if (!match) {
    const cut = trace.isCut(entry.line);
    const text = trace.lineText(entry.line);
    const column = cut ? text.length + 1 : faultColumn(entry);
    throw new InputError(cut ? 'the trace is cut off in the middle of a line' : 'this kfree_skb cannot be read', {
      at: { file: trace.file, line: entry.line, column, text },
      expected: 'skbaddr=ADDRESS rx_sk=ADDRESS protocol=NUMBER location=SYMBOL+0xOFFSET reason: NAME',
      hint: cut ? 'copy the file again, or remove its last line' : 'the file was damaged, or edited by hand',
    });
  }
  const socket = match[2];
  const reason = match[5];
  return {
    entry,
    address: match[1]!,
    socket: socket === undefined || /^0+$|^\(/.test(socket) ? undefined : socket,
    protocol: Number(match[3]),
    location: locationOf(match[4]!, stack),
    reason,
    isDrop: reason === undefined || !noDrop.has(reason),
    stack,
  };
}

/** The column of the first field that does not fit. */
function faultColumn(entry: TraceEntry): number {
  let at = 0;
  for (const part of [/skbaddr=\S+ /y, /(rx_sk=\S+ )?/y, /protocol=\d+ /y, /location=\S+( |$)/y]) {
    part.lastIndex = at;
    const match = part.exec(entry.text);
    if (!match) break;
    at = part.lastIndex;
  }
  return entry.column + at;
}

/** What %pS prints of an address without a symbol, and other tools of every address. */
const bareAddress = /^(0x)?[0-9a-f]{8,16}$/;

/** The location as a symbol; of a bare address it is the frame that called the drop function. */
function locationOf(text: string, stack: KernelStack): string {
  if (!bareAddress.test(text)) return frameOf(text);
  const caller = stack.find((frame) => !isDropFrame(frame));
  return caller ?? text;
}

const dropFrames =
  /^(trace_event_raw_event_kfree_skb|perf_trace_kfree_skb|__traceiter_kfree_skb|__bpf_trace_kfree_skb)\b/;
const dropFunctions = /^(sk_skb_reason_drop|__?kfree_skb_reason|kfree_skb|kfree_skb_list_reason|__kfree_skb)\b/;

function isDropFrame(frame: string): boolean {
  return dropFrames.test(frame) || dropFunctions.test(frame);
}

/** The frames without those of the recorder itself: what the drop function and its callers are. */
export function withoutRecorder(stack: KernelStack): KernelStack {
  const inner = stack.findIndex((frame) => !dropFrames.test(frame));
  return inner <= 0 ? stack : stack.slice(inner);
}

/** The symbol that a kfree_skb line names, as it stands in a stack. */
function printedLocation(entry: TraceEntry): string | undefined {
  const text = /\blocation=(.+?)(?: reason:|$)/.exec(entry.text)?.[1];
  return text === undefined ? undefined : frameOf(text);
}

/** Whether a place is among the frames. Without the trace option sym-offset frames are names alone. */
function holdsPlace(stack: KernelStack, location: string): boolean {
  return stack.includes(location) || stack.includes(location.replace(/\+0x[0-9a-f]+/, ''));
}

/** Whether a stack that was recorded as an entry of its own can be that of this event. */
function fitsStack(entry: TraceEntry, stack: KernelStack, isLatest: boolean): boolean {
  if (plainName(entry.name) === 'kfree_skb') {
    const location = printedLocation(entry);
    if (location === undefined) return false;
    return bareAddress.test(location) ? isLatest && stack.some(isDropFrame) : holdsPlace(stack, location);
  }
  return isLatest && !stack.some(isDropFrame);
}

/**
 * Pairs events with stack entries: a stack belongs to the latest event before it of the same task on the same CPU
 * that it fits: of a drop, the location is among its frames. What remains is of events that the trace does not hold.
 */
function pairStacks(trace: TraceText): { stacks: Map<TraceEntry, KernelStack>; orphans: number } {
  const stacks = new Map<TraceEntry, KernelStack>();
  const waiting = new Map<string, TraceEntry[]>();
  let orphans = 0;
  const lines = [...trace.entries, ...trace.stacks].sort((a, b) => a.line - b.line);
  for (const entry of lines) {
    const key = `${entry.cpu} ${entry.pid}`;
    const open = waiting.get(key) ?? [];
    waiting.set(key, open);
    if (entry.name !== 'kernel_stack') {
      // Only drops can wait for long: an interrupt may come between a drop and its stack.
      if (open.length > 0 && plainName(open.at(-1)!.name) !== 'kfree_skb') open.pop();
      open.push(entry);
      continue;
    }
    const owner = open.findLastIndex((one, index) => fitsStack(one, entry.stack, index === open.length - 1));
    if (owner < 0) orphans++;
    else {
      stacks.set(open[owner]!, entry.stack);
      // Earlier ones that still wait had no stack recorded: a stack follows its event before the next on that CPU.
      open.splice(0, owner + 1);
    }
  }
  return { stacks, orphans };
}

export interface DropLines {
  readonly drops: ReadonlyMap<TraceEntry, DropLine>;
  /** The stack of every event that has one, exactly as recorded. */
  readonly stacks: ReadonlyMap<TraceEntry, KernelStack>;
  /** Stacks that belong to no line of the trace. */
  readonly orphans: number;
}

/** All kfree_skb lines of a trace, and the stacks of all its events. @throws InputError for a line that cannot be read */
export function readDrops(trace: TraceText): DropLines {
  const { stacks, orphans } = pairStacks(trace);
  const shared = new Map<string, KernelStack>();
  const drops = new Map<TraceEntry, DropLine>();
  const all = new Map<TraceEntry, KernelStack>();
  for (const entry of trace.entries) {
    const found = stacks.get(entry) ?? entry.stack;
    const key = found.join('\n');
    const stack = shared.get(key) ?? found;
    shared.set(key, stack);
    all.set(entry, stack);
    if (plainName(entry.name) === 'kfree_skb') drops.set(entry, readDrop(entry, trace, stack));
  }
  return { drops, stacks: all, orphans };
}
