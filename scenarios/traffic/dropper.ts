/**
 * Makes drops of the causes at random: the packets of all flows are built once, then each drop is a new buffer over
 * the bytes of its flow, on the CPU that its flow is steered to.
 */
import { type Context, type KernelEvent, type Random, type Script, type SkBuff, skBuff, type Task } from 'tracebed';
import type { Cause, FlowPacket } from './causes.ts';
import type { Softirq } from './stacks.ts';

/** A flow that loses packets: its buffer as it is dropped, and where. */
interface Loser {
  readonly skb: SkBuff;
  readonly flow: FlowPacket;
  readonly cause: Cause;
  readonly context: Context;
}

export interface DropperOptions {
  /** Flows of each cause. */
  readonly flows: number;
  readonly softirq: Softirq;
  /** Those that send, for drops on the way out. */
  readonly senders: readonly Task[];
}

function softirqTask(script: Script, softirq: Softirq, cpu: number): Task {
  if (softirq === 'interrupt') return script.task({ pid: 0, comm: `swapper/${cpu}` });
  return script.task({ pid: cpu === 0 ? 14 : 17 + cpu * 6, comm: `ksoftirqd/${cpu}` });
}

function loserOf(script: Script, cause: Cause, n: number, random: Random, options: DropperOptions): Loser {
  const flow = cause.flow(n, random);
  const link = cause.reason === 'NEIGH_FAILED' ? 'none' : 'ethernet';
  const skb = skBuff({ data: flow.packet, link, start: cause.start, dev: cause.device, sk: flow.sk ?? null });
  const cpu = random.int(0, script.cpus - 1);
  const context =
    'process' in cause.stacks
      ? script.on({ cpu, task: random.pick(options.senders), stack: cause.stacks.process })
      : script.on({ cpu, task: softirqTask(script, options.softirq, cpu), stack: cause.stacks[options.softirq] });
  return { skb, flow, cause, context };
}

/** Few flows lose most: the n-th of a cause is picked in proportion to 1/(n+1), the cause by its weight. */
function cumulativeWeights(causes: readonly Cause[], flows: number): Float64Array {
  const weights = new Float64Array(causes.length * flows);
  let sum = 0;
  for (const [index, cause] of causes.entries()) {
    for (let n = 0; n < flows; n++) {
      sum += cause.weight / (n + 1);
      weights[index * flows + n] = sum;
    }
  }
  return weights;
}

/** @returns a maker of one drop at a time */
export function dropper(
  script: Script,
  causes: readonly Cause[],
  random: Random,
  options: DropperOptions,
): () => readonly KernelEvent[] {
  const losers = causes.flatMap((cause, index) => {
    const own = random.fork(`${cause.location} ${cause.reason} ${index}`);
    return Array.from({ length: options.flows }, (_, n) => loserOf(script, cause, n, own, options));
  });
  const weights = cumulativeWeights(causes, options.flows);
  const total = weights[weights.length - 1]!;
  return () => {
    const wanted = random.float() * total;
    let low = 0;
    let high = losers.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (weights[middle]! <= wanted) low = middle + 1;
      else high = middle;
    }
    const { skb, flow, cause, context } = losers[low]!;
    return context.drop({ skb: { ...skb }, reason: cause.reason, location: cause.location, sk: flow.sk ?? null });
  };
}
