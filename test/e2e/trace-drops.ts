/** The kfree_skb lines of a tracefs text, read here by means of their own: the judge must not be the judged. */
export interface TraceDrop {
  readonly comm: string;
  readonly pid: number;
  readonly cpu: number;
  /** Microseconds on the trace's clock. */
  readonly time: number;
  readonly reason: string;
  /** `__udp4_lib_rcv+0x4bc` */
  readonly location: string;
  /** Innermost first; empty when the trace has none. */
  readonly stack: readonly string[];
}

const line = /^\s*(.+)-(\d+)\s+\[(\d+)\]\s+\S+\s+(\d+)\.(\d{6}): kfree_skb: .*location=(\S+) reason: (\S+)/;
const stackLine = /^\s*(.+)-(\d+)\s+\[(\d+)\]\s+\S+\s+\d+\.\d{6}: <stack trace>/;

export function traceDrops(text: string): TraceDrop[] {
  const drops: (TraceDrop & { stack: string[] })[] = [];
  let frames: string[] | undefined;
  for (const row of text.split('\n')) {
    const drop = line.exec(row);
    const frame = /^ => (\S+)(?: (\[\w+\]))?/.exec(row);
    if (drop) {
      const [, shown = '', pid, cpu, seconds, micros, location = '', reason = ''] = drop;
      const time = Number(seconds) * 1e6 + Number(micros);
      // ftrace prints a name of its own for the idle task; the kernel's comm of it is swapper/CPU.
      const comm = shown === '<idle>' ? `swapper/${Number(cpu)}` : shown;
      drops.push({ comm, pid: Number(pid), cpu: Number(cpu), time, reason, location: bare(location), stack: [] });
      frames = undefined;
    } else if (stackLine.test(row)) {
      const [, , pid, cpu] = stackLine.exec(row) ?? [];
      // A stack follows its event, on its CPU; others may stand between.
      const owner = drops.findLast((one) => one.pid === Number(pid) && one.cpu === Number(cpu));
      frames = owner?.stack.length === 0 ? owner.stack : undefined;
    } else if (frame && frames) frames.push(bare(frame[1] ?? '') + (frame[2] ? ` ${frame[2]}` : ''));
  }
  return drops;
}

/** `symbol+0xoff` of `symbol+0xoff/0xsize`. */
function bare(symbol: string): string {
  return symbol.replace(/\/0x[0-9a-f]+$/, '');
}

/** How often each text comes. */
export function countsOf(texts: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}
